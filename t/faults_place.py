# SPDX-License-Identifier: MIT
"""A ROOT and a registry in which stages of dewy run, and what must hold in them after each fault."""
import io, json, os, random, shutil, socket, stat, subprocess, tarfile, time, urllib.request, zipfile

import faults_trace as trace

TEST = os.path.dirname(os.path.abspath(__file__))
BIN = os.environ.get("DEWY_BIN", os.path.join(TEST, "..", "bin"))
PORTS = range(4000, 10000)  # which other tests leave alone, and the kernel gives to no outgoing connection
HELD = []  # sockets that keep other drivers from the ports of this one, where nothing listens for a while
PATIENCE = 120  # seconds, for machines under load
UNFINISHED = ".part", ".part.json", ".new"
# What keeps several threads busy: bytes that no compression makes fewer, and those that take next to none.
BULK = {"large": random.Random(1).randbytes(3 << 19), "beside": bytes(300000)}


class Broken(Exception):
    """Something does not hold."""


def demand(condition, text):
    if not condition:
        raise Broken(text)


def wait_until(condition, text):
    limit = time.monotonic() + PATIENCE
    while not condition():
        demand(time.monotonic() < limit, text)
        time.sleep(0.01)


def free_port():
    while True:
        port = random.choice(PORTS)
        held = socket.socket(type=socket.SOCK_DGRAM)
        with socket.socket() as tried:
            try:
                held.bind(("127.0.0.1", port))
                tried.bind(("127.0.0.1", port))
                HELD.append(held)
                return port
            except OSError:
                held.close()


def release_files(version, behaviour):
    """What a release holds: name -> content, or the target of a link. A slash at the end makes a directory."""
    with open(os.path.join(TEST, "server.py"), "rb") as file:
        server = file.read()
    return {"version": version.encode() + b"\n", "behaviour": behaviour.encode() + b"\n", "server": server, "lib/": None,
            "lib/data": b"data of " + version.encode(), "lib/link": "data"}


def pack_tar(files):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name.rstrip("/"))
            entry.mode, entry.mtime = 0o755, 1705314675
            if content is None:
                entry.type = tarfile.DIRTYPE
            elif isinstance(content, str):
                entry.type, entry.linkname = tarfile.SYMTYPE, content
            else:
                entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content) if isinstance(content, bytes) else None)
    return packed.getvalue()


def pack_zip(files):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, (2024, 1, 15, 10, 31, 16))
            kind = stat.S_IFDIR if content is None else stat.S_IFLNK if isinstance(content, str) else stat.S_IFREG
            entry.external_attr = (kind | 0o755) << 16
            archive.writestr(entry, content or b"", zipfile.ZIP_DEFLATED)
    return packed.getvalue()


PACK = {"app.tar.gz": pack_tar, "app.zip": pack_zip}  # by the name of the artifact


def read_tree(directory):
    """Returns the tree as release_files does."""
    found = {}
    for parent, directories, files in os.walk(directory):
        inside = os.path.relpath(parent, directory) + "/" if parent != directory else ""
        for name in directories + files:
            path = os.path.join(parent, name)
            if os.path.islink(path):
                found[inside + name] = os.readlink(path)
            elif os.path.isdir(path):
                found[inside + name + "/"] = None
            else:
                with open(path, "rb") as file:
                    found[inside + name] = file.read()
    return found


class Place:
    def __init__(self, directory):
        self.directory = directory
        self.base, self.told = os.path.join(directory, "base"), os.path.join(directory, "told")
        self.root = os.path.join(self.base, "root")
        self.saved, self.document = os.path.join(directory, "saved"), os.path.join(directory, "document")
        self.server = self.stand_in = None
        self.traces, self.versions = [], {}
        os.makedirs(self.told)

    def begin(self, server):
        """Makes it an empty one, for a server or for assets."""
        self.end()
        shutil.rmtree(self.base, ignore_errors=True)
        self.asks_stand_in, self.registry, self.artifact = False, os.path.join(self.base, "registry"), "app.tar.gz"
        for directory in self.base, self.root, self.registry:
            os.mkdir(directory, 0o755)
        self.versions = {}
        self.server = ["--", "current/server"] if server else []
        self.environment = {
            "PATH": BIN + ":/usr/sbin:/usr/bin:/sbin:/bin", "HOME": self.base, "LC_ALL": "C.UTF-8", "DEWY_ROOT": self.root,
            "DEWY_REGISTRY": "file://%s?artifact=app.tar.gz" % self.registry, "DEWY_LOG_LEVEL": "warn", "DEWY_KEEP": "2",
            "DEWY_SETTLE": "50ms", "DEWY_START_TIMEOUT": "20s", "DEWY_MODE": "server" if server else "assets",
            "ASAN_OPTIONS": "detect_leaks=0", "PYTHONDONTWRITEBYTECODE": "1"}
        if server:
            self.port = free_port()
            self.environment["DEWY_PORT"] = "127.0.0.1:%d" % self.port

    def use_zip(self):
        self.artifact = "app.zip"
        self.environment["DEWY_REGISTRY"] = "file://%s?artifact=%s" % (self.registry, self.artifact)

    def publish(self, version, behaviour="says-ready", bulk=None):
        """bulk: what the release holds before all else."""
        self.versions[version] = (bulk or {}) | release_files(version, behaviour)
        os.makedirs(os.path.join(self.registry, version), exist_ok=True)
        with open(os.path.join(self.registry, version, self.artifact), "wb") as file:
            file.write(PACK[self.artifact](self.versions[version]))
        self.announce()

    def withdraw(self, version):
        shutil.rmtree(os.path.join(self.registry, version))
        del self.versions[version]
        self.announce()

    def start(self, argv, decide=lambda call: trace.CONTINUE, document=None):
        """Starts a tool; what it reads is the document, or nothing."""
        with open(document or os.devnull) as given, open(self.told + "/out", "w") as out, open(self.told + "/err", "w") as err:
            started = trace.Trace(argv, self.base, decide, env=self.environment, cwd=self.root, stdin=given, stdout=out, stderr=err)
        self.traces.append(started)
        return started

    def output(self, name="out"):
        with open(self.told + "/" + name) as file:
            return file.read()

    def run(self, *argv, status=0, document=None):
        """Runs a tool undisturbed. Returns what it printed."""
        got = self.start(argv, document=document).wait(PATIENCE)
        demand(got == status, "%s ended with %d instead of %d: %s" % (" ".join(argv[:3]), got, status, self.output("err")))
        return self.output()

    def pipe(self, *tools):
        """Runs stages, and keeps the document of the last one."""
        for position, tool in enumerate(tools):
            text = self.run(tool, document=self.document if position else None)
            with open(self.document, "w") as file:
                file.write(text)

    def once(self):
        """Runs dewy once, when nothing makes it wait. Returns its exit status and the state it says."""
        attempts = self.root + "/.dewy/attempts.json"
        if os.path.exists(attempts):  # else the next start of what did not start would have to wait
            with open(attempts) as file:
                content = json.load(file)
            with open(attempts, "w") as file:
                json.dump(dict(content, next_at="2024-01-15T10:31:15Z"), file)
        status = self.start(["dewy", "once", "--lock-wait", "60s"] + self.server).wait(PATIENCE)
        return status, json.loads(self.output() or "{}").get("state")

    def save(self):
        """Keeps ROOT as it is for restore, without any process."""
        self.end()
        shutil.rmtree(self.saved, ignore_errors=True)
        os.rename(self.root, self.saved)

    def restore(self):
        self.end()
        shutil.rmtree(self.root, ignore_errors=True)
        subprocess.run(["cp", "-a", self.saved, self.root], check=True)
        for version in self.versions:  # audit records
            for name in os.listdir(os.path.join(self.registry, version)):
                if name != self.artifact:
                    os.unlink(os.path.join(self.registry, version, name))

    def end(self):
        for started in self.traces:
            started.end()
        self.traces = []

    def start_supervisor(self):
        state = self.root + "/.dewy/serve."
        self.run("dewy-serve", "--daemonize", "--root", self.root, "--pid-file", state + "pid", "--status-file", state + "status",
                 "--log-file", state + "log", "--kill-old-delay", "50ms", *self.server)
        wait_until(lambda: self.status_says("# state=ready"), "the supervisor does not get ready")

    def status_says(self, text):
        try:
            with open(self.root + "/.dewy/serve.status") as file:
                return text in file.read()
        except OSError:
            return False

    def current_version(self):
        """Returns the version that current leads to, None when there is no link. It is whole."""
        link = self.root + "/current"
        if not os.path.lexists(link):
            return None
        demand(os.path.isdir(link), "current leads to nothing: " + os.readlink(link))
        return self.version_in(link)

    def version_in(self, directory):
        files = read_tree(directory + "/")
        for version, content in self.versions.items():
            if files == content:
                return version
        raise Broken("%s is not what was published: %s" % (directory, sorted(files)))

    def check_releases(self):
        """What dewy may go back to is whole."""
        for name in os.listdir(self.root + "/.dewy/releases"):
            directory = self.root + "/releases/" + name.removesuffix(".json")
            if not name.startswith(".") and os.path.isdir(directory):
                self.version_in(directory)

    def answer(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 5) as asked:
                asked.sendall(b"GET / HTTP/1.0\r\n\r\n")
                return b"".join(iter(lambda: asked.recv(4096), b"")).split()[-1].decode()
        except (OSError, IndexError):
            return None

    def leftovers(self):
        """What is half done, but for what the next deployment removes, and a file of .dewy itself: what is beside it has one name,
        which whoever writes that file next takes."""
        names = []
        for parent, directories, files in os.walk(self.root):
            if parent == self.root + "/releases":
                directories[:] = []
            names += [os.path.join(parent, name) for name in directories + files if name.endswith(UNFINISHED)]
        return [name for name in names if os.path.dirname(name) != self.root + "/.dewy" or not name.endswith(".new")]

    def use_stand_in(self):
        """Makes a stand-in for GitHub, in which an App is installed, the registry."""
        directory = self.directory + "/github"
        self.asks_stand_in, self.registry = True, directory + "/repos/acme/app"
        shutil.rmtree(self.registry, ignore_errors=True)
        os.makedirs(self.registry)
        if not self.stand_in:
            for command in "genrsa -out app.pem 2048", "rsa -in app.pem -pubout -out app.pub":
                subprocess.run(["openssl", *command.split()], cwd=directory, check=True, capture_output=True)
            self.served = subprocess.Popen(
                [TEST + "/github.py", directory, "--app-id", "12", "--app-key", directory + "/app.pub", "--installation", "34"],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=trace.end_with_parent)
            wait_until(lambda: os.path.exists(directory + "/port") or self.served.poll(), "the stand-in for GitHub is not up")
            demand(self.served.poll() is None, "the stand-in for GitHub does not start")
            with open(directory + "/port") as file:
                self.stand_in = "http://127.0.0.1:" + file.read().strip()

    def announce(self):
        """What was published is to be seen."""
        if self.asks_stand_in:
            urllib.request.urlopen(self.stand_in + "/_control/reload", b"", PATIENCE).close()

    def alive(self, name):
        """The processes that came of what was started here and whose command line has this word."""
        found = []
        for pid in {pid for started in self.traces for pid in list(started.pids) if started.is_ours(pid)}:
            try:
                with open("/proc/%d/cmdline" % pid, "rb") as file:
                    words = file.read().split(b"\0")
                with open("/proc/%d/stat" % pid) as file:
                    state, parent = file.read().rsplit(")", 1)[1].split()[:2]
            except OSError:
                continue
            if state != "Z" and any(os.path.basename(word) == name.encode() for word in words[:2]):
                found.append((pid, int(parent)))
        pids = {pid for pid, _ in found}
        return [pid for pid, parent in found if parent not in pids]  # children of it are no others

    def check_server(self, version):
        wait_until(lambda: self.answer() == version, "%s is not served" % version)
        wait_until(lambda: len(self.alive("dewy-serve")) == 1, "not one supervisor")
        wait_until(lambda: len(self.alive("server")) == 1, "not one worker")

    def check_records(self):
        """Each release has its record, its artifact is in the cache, and there is nothing else."""
        releases = sorted(os.listdir(self.root + "/releases"))
        records = sorted(name.removesuffix(".json") for name in os.listdir(self.root + "/.dewy/releases"))
        demand(releases == records, "there are the releases %s, and the records %s" % (releases, records))
        keys = set()
        for name in releases:
            with open("%s/.dewy/releases/%s.json" % (self.root, name)) as file:
                keys.add(json.load(file)["artifact"]["cache_key"])
        cached = set(os.listdir(self.root + "/.dewy/cache")) - {"current"}
        demand(cached == keys, "in the cache are %s, and deployed %s" % (sorted(cached), sorted(keys)))

    def converge(self, accepted, first=(0,)):
        """The next run, and the one after it: all is as if nothing had been. first: how the next one may end."""
        status, state = self.once()
        demand(status in first, "the next run ended with %d: %s" % (status, self.output("err")))
        if status:
            status, state = self.once()
            demand(status == 0, "the run after the next one ended with %d: %s" % (status, self.output("err")))
        version = self.current_version()
        if self.server and version not in accepted:  # a server that is down comes before a newer version
            status, state = self.once()
            demand(status == 0, "the run after the next one ended with %d: %s" % (status, self.output("err")))
            version = self.current_version()
        demand(version in accepted, "the next run left %s" % version)
        self.check_releases()
        left = self.leftovers()
        demand(not left, "left behind: %s" % left)
        try:
            with open(self.root + "/.dewy/cache/current") as file:
                demand(file.read() == version + "--" + self.artifact, "the key of what is deployed is another one")
        except FileNotFoundError:
            raise Broken("there is no key of what is deployed") from None
        if self.server:
            self.check_server(version)
        self.run("dewy", "history", "--verify")
        status, state = self.once()
        demand((status, state) == (0, "unchanged"), "a second run: %d, %s" % (status, state))
        if not self.server:
            wait_until(lambda: all(started.over.is_set() for started in self.traces), "processes that do not end")

    def deploy_another(self):
        """What comes next finds nothing in its way, and tidies up."""
        self.publish("v9.0.0")
        try:
            self.run("dewy", "once", *self.server)
            demand(self.current_version() == "v9.0.0", "the next version is not deployed")
            self.check_records()
        finally:
            self.withdraw("v9.0.0")
