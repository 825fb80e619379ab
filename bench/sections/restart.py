# SPDX-License-Identifier: MIT
"""A restart without a lost connection: from the signal to the first answer of the new generation, and to the end of the old one."""
import os
import signal
import time

import competitors
from answers import answer, await_true
from measure import Sample
from services import free_ports
from table import Group


class Supervisor:
    def __init__(self, bench, name, template):
        self.bench, self.name, self.port = bench, name, free_ports(1)[0]
        directory = bench.fresh(f"restart-{name}")
        command = competitors.command(template, port=self.port, directory=directory, worker=bench.tool("worker"))
        self.process = bench.spawn(command, stderr=open(f"{directory}/log", "w"))
        await_true(lambda: answer(self.port))

    def spent(self):
        """Seconds of the processor."""
        with open(f"/proc/{self.process.pid}/schedstat") as file:
            return int(file.read().split()[0]) / 1e9

    def largest(self):
        """MiB."""
        with open(f"/proc/{self.process.pid}/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmHWM:")) / 1024

    def restart(self):
        """Samples of the first answer, and of the end of the old generation."""
        _, old = answer(self.port)
        begin, spent = time.monotonic_ns(), self.spent()
        self.process.send_signal(signal.SIGHUP)
        times = [await_true(lambda: (now := answer(self.port)) and now[1] != old),
                 await_true(lambda: not os.path.exists(f"/proc/{old}"))]
        return [Sample((each - begin) / 1e9, self.spent() - spent, self.largest()) for each in times]


def run(bench, table):
    supervisors = [Supervisor(bench, name, line) for name, line in competitors.SUPERVISORS.items()]
    for each in supervisors:
        each.restart()
    rounds = [[each.restart() for each in supervisors] for _ in range(bench.rounds)]
    for event, title in enumerate(("to the first answer of the new generation", "to the end of the old generation")):
        samples = [[one[index][event] for one in rounds] for index in range(len(supervisors))]
        table.add(Group(f"restart: {title}; CPU and RSS of the supervisor", [each.name for each in supervisors], samples))
    for each in supervisors:
        bench.stop(each.process)
