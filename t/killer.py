#!/usr/bin/python3 -IS
"""killer.py ROOT SEED WANTED: kills with SIGKILL, by chance, one in four of the processes that work on ROOT (those that have
DEWY_ROOT=ROOT in their environment, the supervisor and its workers apart), a moment after each appears. Prints the name of each,
and ends after WANTED of them, or when the file ROOT.spared is there."""
import os, random, signal, sys

root, seed, wanted = sys.argv[1], sys.argv[2], int(sys.argv[3])
stages = {"dewy", "dewy-check", "dewy-fetch", "dewy-deploy", "dewy-restart", "dewy-notify"}
chance = random.Random(seed)
judged = set()


def victim(pid):
    """Returns the name of the process when it is one of those above, has not been judged yet, and is out of luck."""
    try:
        with open("/proc/%s/stat" % pid) as file:
            line = file.read()
        with open("/proc/%s/environ" % pid, "rb") as file:
            environment = file.read().split(b"\0")
    except OSError:
        return None
    name, started = line[line.index("(") + 1:line.rindex(")")], line[line.rindex(")"):].split()[20]
    if name not in stages or ("DEWY_ROOT=" + root).encode() not in environment or (pid, name, started) in judged:
        return None
    judged.add((pid, name, started))
    return name if chance.randrange(4) == 0 else None


while wanted and not os.path.exists(root + ".spared"):
    for pid in os.listdir("/proc"):
        name = victim(pid) if pid.isdigit() else None
        if name:
            try:
                os.kill(int(pid), signal.SIGKILL)
            except OSError:
                continue
            print(name, flush=True)
            wanted -= 1
