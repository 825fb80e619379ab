# SPDX-License-Identifier: MIT
"""Runs a command and meets each of its system calls that change something before the kernel does, its children's, too.

The kernel hands over the calls that a seccomp filter names (seccomp_unotify(2)), so that one call out of a tree of processes is met
exactly, by its program and its number: "dewy-deploy:renameat:2". The decision for a call is CONTINUE, KILL (the process that
makes it), or the number of an error with which it fails without having had an effect. That needs no privilege,
does not slow down other calls, and goes with filters that the program itself installs.

Calls are counted for each program, whichever of its processes and threads makes them. How many there are does not depend on how
threads take turns: so each number is met in each run, but which thread makes that call, and for which file, may differ. (What
comes over a network comes in pieces of any size: there, a run may have a write more or less.) Threads that make a call wait until
it is decided, one after the other; what was let go before may still be on its way. So after KILL, which ends all threads of the
process, and in what a power cut leaves, the last call of each other thread has had its effect or has not.

Of a process that gave up being dumped, as the child that reads archives does, /proc tells those with CAP_SYS_PTRACE alone: to
others, its calls are not met.
"""
import array, collections, ctypes, errno, fcntl, os, platform, select, signal, socket, struct, subprocess, threading, time
import traceback

Call = collections.namedtuple("Call", "program name number pid args")
CONTINUE, KILL = 0, -1

# What changes files, makes it durable, locks, signals, or makes processes.
OPENS = {"open": 1, "openat": 2}  # which argument has the flags
SYNCS = {"fsync", "fdatasync", "syncfs"}
ON_FILES = {"write", "pwrite64", "writev", "pwritev", "ftruncate", "fallocate", "fchmod", "fchown", "close", "copy_file_range",
            "sendfile", "fcntl"} | SYNCS  # by their first argument
TARGETS = {"copy_file_range": 2}
PROCESSES = {"fork", "vfork", "clone", "clone3", "execve", "execveat"}
ON_NAMES = {"creat", "rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat", "unlink", "unlinkat", "mkdir",
            "mkdirat", "rmdir", "mknod", "mknodat", "truncate", "chmod", "fchmodat", "chown", "lchown", "fchownat", "utimensat"}
NAMES = ON_NAMES | ON_FILES | PROCESSES | set(OPENS) | {"flock", "kill"}


def system_call_numbers():
    """Asks the compiler: every machine has numbers of its own."""
    defines = subprocess.check_output(["cc", "-E", "-dM", "-"], input="#include <sys/syscall.h>\n", text=True)
    words = (line.split() for line in defines.splitlines())
    return {word[1][5:]: int(word[2]) for word in words if len(word) == 3 and word[1].startswith("__NR_") and word[2].isdigit()}


NUMBERS = system_call_numbers()
BY_NUMBER = {NUMBERS[name]: name for name in NAMES if name in NUMBERS}
ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}[platform.machine()]
ALLOW, NOTIFY = 0x7FFF0000, 0x7FC00000
RECEIVE, SEND = 0xC0502100, 0xC0182101  # ioctl(2) of struct seccomp_notif and seccomp_notif_resp
libc = ctypes.CDLL(None, use_errno=True)


def build_filter():
    """Returns a BPF program: NOTIFY for the calls above, and of the many that open files only for those that may change one."""
    load, equal, some, end = 0x20, 0x15, 0x45, 0x06
    program = [(load, 0, 0, 4), (equal, 1, 0, ARCHITECTURE), (end, 0, 0, ALLOW), (load, 0, 0, 0)]
    for number, name in BY_NUMBER.items():
        if name in OPENS:
            flags = os.O_CREAT | os.O_TRUNC
            program += [(equal, 0, 4, number), (load, 0, 0, 16 + 8 * OPENS[name]), (some, 0, 1, flags), (end, 0, 0, NOTIFY),
                        (end, 0, 0, ALLOW)]
        else:
            program += [(equal, 0, 1, number), (end, 0, 0, NOTIFY)]
    program.append((end, 0, 0, ALLOW))
    return b"".join(struct.pack("HBBI", *instruction) for instruction in program)


FILTER = build_filter()


def install(channel):
    """In the child: installs the filter, and sends what receives its calls to the parent."""
    code = ctypes.create_string_buffer(FILTER, len(FILTER))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(FILTER) // 8, ctypes.addressof(code)))
    libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
    for flags in 8 | 32, 8:  # SECCOMP_FILTER_FLAG_NEW_LISTENER; WAIT_KILLABLE_RECV since Linux 5.19
        listener = libc.syscall(NUMBERS["seccomp"], 1, flags, program)
        if listener >= 0:
            break
    channel.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [listener]))])


def keep(argv, channel, options):
    """In a process of its own: starts the command, says how it ended, and goes once nothing that came of it is left. Whatever
    loses its parent becomes a child of this one (PR_SET_CHILD_SUBREAPER), and so is waited for."""
    libc.prctl(36, 1, 0, 0, 0)
    os.setsid()
    command = subprocess.Popen(argv, preexec_fn=lambda: install(channel), start_new_session=True, **options)
    os.closerange(0, channel.fileno())
    os.closerange(channel.fileno() + 1, 1 << 20)
    try:
        while True:
            pid, status = os.wait()
            if pid == command.pid:
                channel.send(struct.pack("i", os.waitstatus_to_exitcode(status)))
    except ChildProcessError:
        pass


def start_keeper(argv, channel, options):
    """Returns its pid."""
    pid = os.fork()
    if pid:
        return pid
    try:
        keep(argv, channel, options)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)


def children_of(pid):
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid)) as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def end_with_parent():
    """In a child: it is not to outlive the process that started it."""
    libc.prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG


def program_of(pid):
    try:
        return os.path.basename(os.readlink("/proc/%d/exe" % pid)).removesuffix(" (deleted)")
    except OSError:
        return ""


def meets_all():
    """True with CAP_SYS_PTRACE."""
    with open("/proc/self/status") as file:
        capabilities = next(int(line.split()[1], 16) for line in file if line.startswith("CapEff:"))
    return bool(capabilities & 1 << 19)


def started_at(pid):
    """When the process began, None when it is gone."""
    try:
        with open("/proc/%d/stat" % pid) as file:
            return file.read().rsplit(")", 1)[1].split()[19]
    except OSError:
        return None


class Trace:
    """A command that runs, and all that came of it. below: only what changes files there is met; decide(call)
    says what becomes of a call."""

    def __init__(self, argv, below, decide=lambda call: CONTINUE, **options):
        self.below, self.decide, self.calls, self.pids, self.dead = below, decide, [], {}, False
        self.counts = collections.Counter()
        self.over = threading.Event()
        self.channel, sender = socket.socketpair()
        with sender:
            self.keeper = start_keeper(argv, sender, options)
        data, descriptors = self.channel.recvmsg(1, socket.CMSG_SPACE(4))[:2]
        threading.Thread(target=self.serve, args=[array.array("i", descriptors[0][2][:4])[0]], daemon=True).start()

    def serve(self, listener):
        poll = select.poll()
        poll.register(listener, select.POLLIN)
        hung_up = False
        while not hung_up:
            for _, event in poll.poll():
                if event & select.POLLIN:
                    self.answer(listener)
                else:  # the last one is about to exit: its files may be open yet, and the ports that it listens on taken
                    hung_up = True
        os.close(listener)
        os.waitpid(self.keeper, 0)
        self.over.set()

    def answer(self, listener):
        buffer = bytearray(80)
        try:
            fcntl.ioctl(listener, RECEIVE, buffer)
            fields = struct.unpack("QIIiIQ6Q", buffer)
            verdict = self.judge(fields[1], BY_NUMBER[fields[3]], fields[6:])
            if verdict >= 0:
                fcntl.ioctl(listener, SEND, bytearray(struct.pack("QqiI", fields[0], 0, -verdict, 0 if verdict else 1)))
        except OSError as error:  # the process was killed meanwhile
            if error.errno not in (errno.ENOENT, errno.EINTR, errno.EINPROGRESS):
                raise

    def judge(self, pid, name, args):
        if pid not in self.pids or name == "execve":
            self.pids[pid] = started_at(pid)
        if self.dead:
            self.kill(pid)
            return KILL
        program = program_of(pid)
        if not program.startswith("dewy") or not self.is_met(pid, name, args):
            return CONTINUE
        self.counts[program, name] += 1
        call = Call(program, name, self.counts[program, name], pid, args)
        self.calls.append(call)
        verdict = self.decide(call)
        if verdict == KILL:
            self.kill(pid)
        return verdict

    def is_met(self, pid, name, args):
        """True unless the call changes no file, or one that is somewhere else."""
        if name == "fcntl":  # F_SETLK and F_SETLKW
            return args[1] in (6, 7)
        if name not in ON_FILES:
            return True
        fd = args[TARGETS.get(name, 0)]
        try:
            path = os.readlink("/proc/%d/fd/%d" % (pid, fd))
            if name != "close":
                return path.startswith(self.below)
            with open("/proc/%d/fdinfo/%d" % (pid, fd)) as info:
                flags = int(next(line for line in info if line.startswith("flags:")).split()[1], 8)
            return path.startswith(self.below) and flags & os.O_ACCMODE != os.O_RDONLY
        except OSError:
            return False

    @staticmethod
    def kill(pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def kill_all(self):
        self.dead = True
        for pid in children_of(self.keeper):  # those that have not made any call yet, too
            self.pids.setdefault(pid, started_at(pid))
        for pid in list(self.pids):
            if self.is_ours(pid):
                self.kill(pid)

    def is_ours(self, pid):
        """True while it is there; its number may have been given to another process since."""
        return self.pids[pid] is not None and started_at(pid) == self.pids[pid]

    def wait(self, seconds):
        """Waits for the command itself. Returns its exit status, that of the shell when a signal has ended it."""
        self.channel.settimeout(seconds)
        code, = struct.unpack("i", self.channel.recv(4))
        return 128 - code if code < 0 else code

    def end(self, seconds=30):
        """Ends all that came of the command. Returns when nothing of it is left, not even a socket."""
        limit = time.monotonic() + seconds
        while not self.over.wait(0.01):
            self.kill_all()
            if time.monotonic() > limit:
                raise TimeoutError("processes that do not end: %s" % [pid for pid in list(self.pids) if self.is_ours(pid)])
        self.channel.close()
