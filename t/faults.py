#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Fault injection: each stage of dewy is run once undisturbed, which tells its system calls that change something, and then again
for each of those calls and each kind of fault, from a fresh copy of the state before. After each fault, current leads to a complete
release, the exit status is one by design, and people were told in one sentence; the next run converges without help, leaves nothing
half done, and the one after it has nothing to do; the chain of the history is whole; and a newer version can be deployed.

Kinds of faults:
  KILL                 before the call has its effect, which is after that of the call before it
  EIO, ENOSPC, EINTR   for locks ENOLCK, too; for new processes EAGAIN and ENOMEM; for signals EPERM
  FULL, READONLY       that call and all that follow fail, until the run is over
  POWER                what was not synced is lost; faults_power.py says how, and what that does not show
  DISK                 a file system that is really full, or read-only; left out where nobody may mount
"""
import argparse, collections, concurrent.futures, os, shutil, subprocess, sys, tempfile, time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import faults_run as runs, faults_trace as trace

KINDS = runs.KINDS + ("ENOLCK", "EAGAIN", "ENOMEM", "EPERM", "POWER", "DISK")


class Count:
    """What has been tried of a stage, and what of it was broken."""

    def __init__(self, name):
        self.name, self.since, self.kinds, self.missed, self.broken = name, time.monotonic(), collections.Counter(), 0, 0

    def add(self, kind, what, result):
        """result: None when all holds, "" when the fault was not met, else what does not hold."""
        self.kinds[kind] += 1
        self.missed += result == ""
        if result:
            self.broken += 1
            print("broken: %s:%s: %s" % (self.name, what, result.strip()), flush=True)

    def say(self, what):
        kinds = "".join(", %d %s" % (self.kinds[kind], kind) for kind in KINDS if self.kinds[kind])
        missed = ", %d not reached" % self.missed if self.missed else ""
        print("faults: %s: %s%s%s, %d broken (%d s)" % (
            self.name, what, kinds, missed, self.broken, time.monotonic() - self.since), flush=True)


def plan(calls, options, all_kills):
    """What is tried: each call with each kind, or one in so many of them."""
    cases = [(call, kind) for call in calls for kind in runs.KINDS_OF.get(call[1], runs.KINDS) if kind in options.kinds]
    return [case for position, case in enumerate(cases) if position % options.share == 0 or (all_kills and case[1] == "KILL")]


def run_calls(pool, work, name, options, count):
    calls = pool.submit(runs.enumerate_calls, work, name).result()
    futures = {pool.submit(runs.attempt, work, name, *case): case for case in plan(calls, options, not runs.STAGE[name].server)}
    for future in concurrent.futures.as_completed(futures):
        call, kind = futures[future]
        count.add(kind, "%s:%s:%d:%s" % (*call, kind), future.result())
    return len(calls)


def run_power(pool, work, name, options, count):
    jobs = 1 if runs.STAGE[name].starts else options.jobs  # with threads, another run leaves other states
    futures = [pool.submit(runs.cut_power, work, name, part, jobs * options.share) for part in range(jobs)]
    for future in futures:
        for label, result in future.result():
            count.add("POWER", label, result)


def run_disk(pool, work, name, options, count):
    for label, result in pool.submit(runs.exhaust_disk, work, name, options.share).result():
        count.add("DISK", label, result)


def run_stage(pool, work, name, options):
    """Tries a stage. Returns the Count."""
    count = Count(name)
    calls = run_calls(pool, work, name, options, count)
    if "POWER" in options.kinds:
        run_power(pool, work, name, options, count)
    if "DISK" in options.kinds and not runs.STAGE[name].server:
        run_disk(pool, work, name, options, count)
    count.say("%d calls" % calls)
    return count


def run_one(work, text):
    """Tries one fault, by the name that a broken one is reported under."""
    stage, program, call, number, kind, *variant = text.split(":")
    if kind == "POWER":
        results = runs.cut_power(work, stage, 0, 1, text[len(stage) + 1:]) or [(text, "")]
    else:
        results = [(text, runs.attempt(work, stage, (program, call, int(number)), kind))]
    for label, result in results:
        print("%s: %s" % (label, "all holds" if result is None else result or "it did not come to that"))
    return any(result is not None for _, result in results)


def run_all(work, options):
    kinds, missed, broken = collections.Counter(), 0, 0
    with concurrent.futures.ProcessPoolExecutor(options.jobs) as pool:
        for name in options.stage or runs.STAGE:
            count = run_stage(pool, work, name, options)
            kinds, missed, broken = kinds + count.kinds, missed + count.missed, broken + count.broken
    tried = sum(kinds.values())
    print("faults: %d tried, %s, %d not reached, %d broken" % (
        tried, ", ".join("%d %s" % (kinds[kind], kind) for kind in KINDS if kinds[kind]), missed, broken))
    return broken or not tried


def with_mounts():
    """Executes this again where it may mount what nobody else sees. Returns where nobody may."""
    unshare = ["unshare", "-m" if os.geteuid() == 0 else "-Urm"]
    if subprocess.run([*unshare, "true"], stderr=subprocess.DEVNULL).returncode == 0:
        os.execvpe(unshare[0], [*unshare, sys.executable, *sys.argv], dict(os.environ, FAULTS_MOUNTS="private"))
    print("faults: nobody may mount here: DISK is left out", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=int(os.environ.get("JOBS", os.cpu_count())), help="how many at once")
    parser.add_argument("--stage", action="append", choices=list(runs.STAGE), help="only this one; may be repeated")
    parser.add_argument("--kinds", type=lambda text: text.split(","), default=KINDS, help="only these, separated by commas")
    parser.add_argument("--share", type=int, default=1, help="try one in so many, but each KILL where no server runs")
    parser.add_argument("--only", metavar="STAGE:PROGRAM:CALL:NUMBER:KIND", help="try this one, as it was reported")
    options = parser.parse_args()
    if "DISK" in options.kinds and "FAULTS_MOUNTS" not in os.environ:
        with_mounts()
        options.kinds = [kind for kind in options.kinds if kind != "DISK"]
    if not trace.meets_all():
        print("faults: nobody may look into confined processes here: what extracts an archive meets no fault", flush=True)
    work = tempfile.mkdtemp(prefix="faults.", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
    os.chmod(work, 0o755)
    try:
        return bool(run_one(work, options.only) if options.only else run_all(work, options))
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
