# SPDX-License-Identifier: MIT
"""Runs one stage with one fault, or cuts the power at each of its calls, and tells what does not hold afterwards. The place is that
of the process: the state of a stage is made once in each."""
import errno, functools, os, shutil, subprocess, tempfile, traceback

import faults_place as places, faults_power as power, faults_trace as trace
from faults_stage import STAGES

STAGE = {stage.name: stage for stage in STAGES}
KINDS = "KILL", "EIO", "ENOSPC", "EINTR", "FULL", "READONLY"
LOCKS, SIGNALS = {"flock", "fcntl"}, {"kill"}
KINDS_OF = (dict.fromkeys(trace.PROCESSES, ("KILL", "EAGAIN", "ENOMEM")) | dict.fromkeys(SIGNALS, ("KILL", "EPERM")) |
            dict.fromkeys(LOCKS, ("KILL", "ENOLCK", "EIO", "EINTR")) | dict.fromkeys(trace.SYNCS | {"close"}, KINDS[:4]))
FREES = {"unlink", "unlinkat", "rmdir", "ftruncate", "rename", "renameat", "renameat2"}  # which a full disk does not refuse
LASTING = {"FULL": (errno.ENOSPC, FREES), "READONLY": (errno.EROFS, set())}  # the error, and which calls do not have it
NO_FILES = trace.PROCESSES | trace.SYNCS | LOCKS | SIGNALS | {"close"}
DISK = "size=8m,nr_inodes=1000"
place, prepared = None, None


def prepare(work, name):
    """Makes the state of a stage, unless it is what was made last."""
    global place, prepared
    if not place:
        place = places.Place(tempfile.mkdtemp(dir=work))
    stage = STAGE[name]
    if prepared != name:
        place.begin(stage.server)
        stage.prepare(place)
        place.save()
        prepared = name
    place.restore()
    stage.warm(place)
    return stage


def start(stage, decide=lambda call: trace.CONTINUE):
    return place.start(stage.argv(place), decide, place.document if stage.reads else None)


def guarded(task):
    """Has a task return what does not hold as text, and end its processes."""
    @functools.wraps(task)
    def run(*arguments):
        try:
            return task(*arguments)
        except places.Broken as broken:
            return str(broken)
        except Exception:
            return traceback.format_exc()
        finally:
            place.end()
    return run


def enumerate_calls(work, name):
    """Returns the calls of an undisturbed run, as (program, name, number)."""
    stage = prepare(work, name)
    run = start(stage, lambda call: trace.CONTINUE)
    status = run.wait(places.PATIENCE)
    places.demand(status in stage.statuses, "undisturbed, %s ended with %d: %s" % (name, status, place.output("err")))
    started = sum(call.name in ("clone", "clone3") for call in run.calls)
    places.demand(started >= stage.starts or not trace.meets_all(), "undisturbed, %s started %d threads" % (name, started))
    calls = [tuple(call[:3]) for call in run.calls]
    place.converge(stage.accepted, stage.first)
    place.end()
    return calls


def statuses(stage, name, kind):
    """How it may end. A child that was killed, or could not be started, is no error of the file system; a lock that cannot be taken
    counts as held by another run where it is that of the caller."""
    more = {"KILL": (1, 4, 5, 137)}.get(kind, (1, 4) if name in trace.PROCESSES else (6,) if name == "flock" else ())
    return stage.statuses + more


def check_message(status):
    """Whoever runs it is told once, in a sentence."""
    lines = place.output("err").splitlines()
    told = [line for line in lines if " ERROR: " in line or line.startswith("dewy")] or lines
    places.demand(status == 0 or len(told) == 1, "it ended with %d and said: %s" % (status, lines))


class Fault:
    """What becomes of the calls of a run: the one of that address meets the fault, and those after it where it lasts."""

    def __init__(self, address, kind):
        self.address, self.kind, self.hit, self.over = address, kind, False, False

    def __call__(self, call):
        first = not self.hit and tuple(call[:3]) == self.address
        self.hit = self.hit or first
        if self.kind in LASTING:
            number, spared = LASTING[self.kind]
            return number if self.hit and not self.over and call.name not in NO_FILES | spared else trace.CONTINUE
        return trace.CONTINUE if not first else trace.KILL if self.kind == "KILL" else getattr(errno, self.kind)


@guarded
def attempt(work, name, address, kind):
    """Returns None when all holds, "" when the call did not come, and else what does not hold."""
    stage, fault = prepare(work, name), Fault(address, kind)
    had = place.current_version()
    status = start(stage, fault).wait(places.PATIENCE)
    fault.over = True
    places.demand(place.current_version() or not had, "current is gone")
    places.demand(status in statuses(stage, address[1], kind), "it ended with %d: %s" % (status, place.output("err")))
    if kind not in ("KILL", *LASTING):
        check_message(status)
    place.converge(stage.accepted, stage.first)
    place.deploy_another()
    return None if fault.hit else ""


def cut(work, name):
    """Runs the stage once. Returns what power cuts at its calls leave, each state once: [(label, tree)]."""
    stage = prepare(work, name)
    model, seen, states = power.Model(place.root), set(), []

    def collect(label):
        model.look()
        for variant, tree in model.states():
            state = frozenset(tree.items())
            if state not in seen:
                seen.add(state)
                states.append(("%s:POWER:%s" % (label, variant), tree))

    def decide(call):
        collect("%s:%s:%d" % call[:3])
        if call.name in trace.SYNCS:
            path = "/proc/%d/fd/%d" % (call.pid, call.args[0])
            if os.readlink(path).startswith(place.root):
                model.sync(call.name, os.stat(path).st_ino)
        return trace.CONTINUE

    start(stage, decide).wait(places.PATIENCE)
    collect("end:end:0")
    return states


@guarded
def recover(name, tree, had):
    """Boots again with that on the disk."""
    stage = STAGE[name]
    place.end()
    shutil.rmtree(place.root)
    power.build(tree, place.root)
    places.demand(place.current_version() or not had, "current is gone")
    place.converge(stage.accepted, stage.first)
    place.deploy_another()


def cut_power(work, name, part, parts, wanted=""):
    """Recovers from every parts-th of the states that power cuts leave. Returns [(label, None or what does not hold)]."""
    try:
        had = prepare(work, name) and place.current_version()
        states = [state for state in cut(work, name) if state[0].startswith(wanted)]
    finally:
        place.end()
    return [(label, recover(name, tree, had)) for label, tree in states[part::parts]]


def mount(*words):
    subprocess.run(["mount", *words], check=True)


def remount(options):
    """Told with its name, for mount(8) would else repeat options that an ordinary user's file system has and may not be given."""
    mount("-o", "remount," + options, "faults", place.root)


def fill(pages, inodes):
    """Makes ROOT a small file system of its own, on which so much is left."""
    shutil.rmtree(place.root)
    os.mkdir(place.root, 0o755)
    mount("-t", "tmpfs", "-o", DISK + ",mode=755", "faults", place.root)
    subprocess.run(["cp", "-a", place.saved + "/.", place.root], check=True)
    state = os.statvfs(place.root)
    if inodes is not None:
        remount("nr_inodes=%d" % (state.f_files - state.f_ffree + inodes))
    else:
        with open(place.root + "/fill", "wb") as file:
            file.write(bytes((state.f_bavail - pages) * state.f_frsize))


def make_room():
    remount("rw," + DISK)
    if os.path.exists(place.root + "/fill"):
        os.unlink(place.root + "/fill")


@guarded
def with_disk(work, name, prepare_disk):
    """Runs a stage on a disk that lacks something, and then with all it needs. Returns None; "" when it lacked nothing; or what
    does not hold."""
    stage = prepare(work, name)
    had = place.current_version()
    try:
        prepare_disk()
        status = start(stage).wait(places.PATIENCE)
        lacked = status or os.strerror(errno.ENOSPC) in place.output("err")
        places.demand(place.current_version() or not had, "current is gone")
        places.demand(status in stage.statuses, "it ended with %d: %s" % (status, place.output("err")))
        check_message(status)
        make_room()
        place.converge(stage.accepted, stage.first)
        place.deploy_another()
        return None if lacked else ""
    finally:
        place.end()
        if os.path.ismount(place.root):
            subprocess.run(["umount", place.root], check=True)


def be_read_only():
    fill(100, None)
    remount("ro")


def exhaust_disk(work, name, share):
    """Steps the room that is left, in pages and in inodes, until it is enough. Returns [(label, None or what does not hold)]."""
    results = [("read-only", with_disk(work, name, be_read_only) or None)]
    for unit, step in ("pages", STAGE[name].pages), ("inodes", 1):
        for left in range(0, 200 * step, step * share):
            result = with_disk(work, name, lambda: fill(left, None) if unit == "pages" else fill(None, left))
            results.append(("%d %s left" % (left, unit), result or None))
            if result is not None:
                break
    return results
