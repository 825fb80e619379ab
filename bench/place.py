# SPDX-License-Identifier: MIT
"""Where all of it happens: the settings, the directories, the environment of what is measured, and the tools of its own."""
import os
import shutil
import signal
import subprocess
import sys
import tempfile

from services import Services
from trust import trust

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
OPTIONS = {"nosync.so": ["-shared", "-fPIC"], "floor": ["-lcurl"]}  # what compiling those programs takes


def setting(name, default, is_right, what):
    """The value of an environment variable."""
    value = os.environ.get(name, default)
    if not is_right(value):
        sys.exit(f"bench: {name} is {what}, and not {value}")
    return value


class Bench:
    def __init__(self):
        self.small = setting("BENCH_SIZE", "full", ("full", "small").__contains__, "full or small") == "small"
        self.rounds = int(setting("BENCH_ROUNDS", "7", lambda text: text.isdecimal() and int(text) > 0, "a number above 0"))
        self.only = ""  # the part of a section that is asked for, by a part of its name
        self.other = os.environ.get("BENCH_OTHER")
        self.bin = os.environ.get("DEWY_BIN", os.path.join(TOP, "bin"))
        self.inputs = os.path.join(os.path.abspath(os.environ.get("BENCH_INPUTS", os.path.join(TOP, "bench-build"))),
                                   "small" if self.small else "full")
        os.makedirs(self.inputs, exist_ok=True)
        self.work = tempfile.mkdtemp(prefix="work.", dir=self.inputs)  # on the same file system, for hard links
        self.spread(self.work)
        self.trees = 0
        self.output, self.errors = os.path.join(self.work, "stdout"), os.path.join(self.work, "stderr")
        self.running = []
        self.measured = None
        self.served = None
        # No setting, credential, proxy or trust of whoever runs this reaches what is measured.
        self.environment = {"PATH": f"{self.bin}:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": self.fresh("home"), "LC_ALL": "C.UTF-8",
                            "TMPDIR": self.fresh("tmp"), "AWS_EC2_METADATA_DISABLED": "true", "DEWY_LOG_LEVEL": "error",
                            "PYTHONDONTWRITEBYTECODE": "1"}

    def size(self, full, small):
        return small if self.small else full

    def fresh(self, name):
        """An empty directory."""
        path = os.path.join(self.work, name)
        self.remove(path)
        os.makedirs(path)
        return path

    def tree(self, name, in_memory=False):
        """An empty directory with a name that none had before: see spread."""
        self.trees += 1
        return self.fresh(os.path.join(self.memory() if in_memory else self.work, f"{name}{self.trees}"))

    def memory(self):
        """A file system in memory, which is mounted when it is needed first."""
        path = os.path.join(self.work, "memory")
        if not os.path.exists(path):
            os.mkdir(path)
            subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=700", "bench", path], check=True)
        return path

    @staticmethod
    def spread(directory):
        """Has ext4 find each directory that is made in this one a place by its name, and not beside the others. Where it has no
        journal, it passes over every inode that was freed in the last minutes, one by one and for each new file: what is made
        where a tree was just removed would take ten times as long. Other file systems know nothing of this."""
        subprocess.run(["chattr", "+T", directory], stderr=subprocess.DEVNULL, check=False)

    @staticmethod
    def remove(path):
        if os.path.lexists(path):
            subprocess.run(["rm", "-rf", "--", path], check=True)

    def tool(self, name):
        """A program of bench/, which is compiled when it is needed first."""
        path = os.path.join(self.work, name)
        if not os.path.exists(path):
            source = os.path.join(HERE, os.path.splitext(name)[0] + ".c")
            subprocess.run(["cc", "-std=gnu17", "-O2", "-o", path, source, *OPTIONS.get(name, [])], check=True)
        return path

    def services(self):
        """The servers, which are started when they are needed first."""
        if not self.served:
            trusted = self.fresh("trust")
            trust(trusted)
            self.served = Services(self, trusted)
        return self.served

    def run(self, command, **options):
        """What is not measured."""
        return subprocess.run(command, check=True, env=self.environment, cwd=self.work, stdout=subprocess.PIPE, **options).stdout

    def spawn(self, command, **options):
        """A process that ends with the benchmark."""
        process = subprocess.Popen(command, env=self.environment, cwd=self.work, start_new_session=True, **options)
        self.running.append(process)
        return process

    def stop(self, process, patience=10):
        process.terminate()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.running.remove(process)

    def close(self):
        """Ends all that was started, what is measured just now, too."""
        if self.measured and self.measured.poll() is None:
            os.killpg(self.measured.pid, signal.SIGKILL)
        for process in reversed(self.running[:]):
            self.stop(process)
        if os.path.ismount(os.path.join(self.work, "memory")):
            subprocess.run(["umount", "--lazy", os.path.join(self.work, "memory")], check=False)
        shutil.rmtree(self.work, ignore_errors=True)
