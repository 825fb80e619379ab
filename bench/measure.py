# SPDX-License-Identifier: MIT
"""Runs commands in turn, and says what they took."""
import os
import re
import subprocess
import time
from dataclasses import dataclass, field
from typing import Callable, Optional


PATIENCE, LONGEST = 10, 1800  # seconds


class Wrong(Exception):
    """A command failed, or what it did is not what it should have done."""


@dataclass
class Contender:
    name: str
    command: list
    before: Callable = lambda: None            # makes ready, and is not measured
    check: Callable = lambda output, thorough: None  # raises Wrong; thorough in the round that does not count
    after: Callable = lambda: None             # cleans up
    stdin: str = os.devnull
    repeat: int = 1                            # so many runs are one measurement, of which the mean is taken
    processes: int = 1                         # and so many are one
    environment: dict = field(default_factory=dict)
    event: Optional[Callable] = None           # the time is over when this is true, and not when the command ends


MANY = 1000  # files, which are not removed while more is measured on the same disk: see Bench.spread


def with_tree(bench, name, command, check, files=0, in_memory=False, **options):
    """A contender that fills an empty directory each time: command(directory) is its command, and
    check(directory, output, thorough) looks at what became of it."""
    contender, directory = Contender(name, [], **options), None

    def before():
        nonlocal directory
        directory = bench.tree(name.split()[0], in_memory)
        contender.command = command(directory)
    contender.before = before
    contender.check = lambda output, thorough: check(directory, output, thorough)
    if in_memory or files < MANY:
        contender.after = lambda: bench.remove(directory)
    return contender


@dataclass
class Sample:
    wall: float  # seconds
    cpu: float   # seconds, user and system
    rss: float   # MiB, of the largest process


def start(bench, contender, prefix):
    """Returns the process, which has its output in bench.output."""
    with open(contender.stdin) as stdin, open(bench.output, "w") as output, open(bench.errors, "w") as errors:
        bench.measured = subprocess.Popen([*prefix, *contender.command], stdin=stdin, stdout=output, stderr=errors,
                                          env=bench.environment | contender.environment, cwd=bench.work, start_new_session=True)
    return bench.measured


def finish(bench, contender, process):
    """Waits for it to succeed, and returns what it printed."""
    status = process.wait(LONGEST)
    if status:
        with open(bench.errors, errors="replace") as errors:
            told = errors.read().strip()[-2000:]
        raise Wrong(f"{contender.name}: exit status {status}: {told or 'it said nothing'}")
    with open(bench.output, errors="replace") as output:
        return output.read()


def await_event(contender, process):
    """Returns when the event was there, on the monotonic clock, or None. What a command leaves behind has a while for it."""
    end = None
    while not contender.event():
        if process.poll() is not None:
            end = end or time.monotonic() + (0 if process.returncode else PATIENCE)
            if time.monotonic() > end:
                return None
        time.sleep(0.0005)
    return time.monotonic_ns()


def once(bench, contender, thorough=False):
    contender.before()
    count = 1 if thorough else contender.repeat
    figures = os.path.join(bench.work, "figures")
    process = start(bench, contender, [bench.tool("timed"), str(count * contender.processes), figures])
    happened = await_event(contender, process) if contender.event else None
    output = finish(bench, contender, process)
    if contender.event and not happened:
        raise Wrong(f"{contender.name}: it ended, and what was waited for did not happen")
    contender.check(output, thorough)
    contender.after()
    with open(figures) as file:
        begin, wall, cpu, rss = map(int, file.read().split())
    return Sample((happened - begin if happened else wall) / count / 1e9, cpu / count / 1e9, rss / 1024)


def in_turn(bench, contenders):
    """One round that does not count, and then those that do: a list of samples for each contender."""
    for contender in contenders:
        once(bench, contender, thorough=True)
    samples = [[] for _ in contenders]
    for _ in range(bench.rounds):
        for each, contender in zip(samples, contenders):
            each.append(once(bench, contender))
    return samples


def instructions(bench, contender):
    """Millions of instructions that the command and its children execute, which other load hardly changes."""
    contender.before()
    pattern = os.path.join(bench.fresh("callgrind"), "out.%p")
    process = start(bench, contender, ["valgrind", "--tool=callgrind", "--trace-children=yes", f"--callgrind-out-file={pattern}"])
    finish(bench, contender, process)
    contender.after()
    total = 0
    for name in os.listdir(os.path.dirname(pattern)):
        with open(os.path.join(os.path.dirname(pattern), name), errors="replace") as file:
            total += sum(int(line.split()[1]) for line in file if line.startswith("summary:"))
    return total * contender.processes / 1e6


def processes(bench, contender):
    """How many processes the command is."""
    contender.before()
    trace = os.path.join(bench.work, "strace")
    calls = "trace=clone,clone3,fork,vfork"
    finish(bench, contender, start(bench, contender, ["strace", "-f", "-qq", "-e", calls, "-e", "signal=none", "-o", trace]))
    contender.after()
    with open(trace) as file:
        made = [line for line in file if re.search(r"\) = \d+$|resumed.* = \d+$", line) and "CLONE_THREAD" not in line]
    return (1 + len(made)) * contender.processes
