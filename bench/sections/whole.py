# SPDX-License-Identifier: MIT
"""A whole deployment: from a new version in the registry to the switch of current, and to the answer of the new server."""
import json
import os
import signal
from contextlib import ExitStack

import competitors
from answers import answer, await_true
from inputs import archive
from measure import Contender, Wrong, in_turn, with_tree
from services import free_ports
from sections.extract import check_tree
from table import Goal, Group

ARTIFACT = "app.tar.gz"


class Releases:
    """A repository that gets a new version of the same content when it is asked to."""

    def __init__(self, bench, repository, name):
        self.services = bench.services()
        self.repository, self.count = repository, 0
        self.path, self.expected = archive(bench, name, "tar.gz", worker=True)
        self.url = self.digest = None
        bench.environment["GITHUB_API_URL"] = self.services.https

    def publish(self):
        self.count += 1
        self.url, self.digest = self.services.publish_github(self.repository, self.version, self.path, ARTIFACT)

    @property
    def version(self):
        return f"v1.{self.count}.0"

    @property
    def api(self):
        return self.services.api(self.repository)


def switched(root):
    """An event: current leads elsewhere than before."""
    def link():
        try:
            return os.readlink(f"{root}/current")
        except FileNotFoundError:
            return None
    before = [None]
    return lambda: before.__setitem__(0, link()), lambda: link() != before[0]


def newer_answers(port):
    """An event: a generation answers that is newer than all that did before. An older one may still be there, and answer, too."""
    newest = seen = 0

    def remember():
        nonlocal newest
        newest = seen

    def event():
        nonlocal seen
        now = answer(port)
        seen = max(seen, now[0] if now else 0)
        return seen > newest
    return remember, event


def root_of_releases(bench):
    root = bench.tree("root")
    os.mkdir(f"{root}/releases")
    bench.spread(f"{root}/releases")
    return root


def dewy_once(bench, releases, root, port=None, keep=2, name="dewy once"):
    command = ["dewy", "once", "--root", root, "--registry", f"ghr://acme/{releases.repository}?artifact={ARTIFACT}", "--no-report",
               "--keep", str(keep)]
    if port:
        command += ["--port", f"127.0.0.1:{port}", "--settle", "100ms", "--", f"{root}/current/worker"]
    remember, event = newer_answers(port) if port else switched(root)

    def before():
        releases.publish()
        remember()

    def check(output, thorough):
        told = json.loads(output)
        if told["state"] != ("running" if port else "deployed") or told["release"]["version"] != releases.version:
            raise Wrong(f"dewy once: {output}")
        check_tree(f"{root}/current", releases.expected, thorough)
    return Contender(name, command, before=before, check=check, event=event)


def script(bench, releases, root, port=None):
    remember, event = newer_answers(port) if port else switched(root)

    def check(_output, thorough):
        if os.readlink(f"{root}/current") != f"releases/{releases.version}":
            raise Wrong("deploy.sh: it deployed another version")
        check_tree(f"{root}/current", releases.expected, thorough)

    def after():
        for version in os.listdir(f"{root}/releases"):
            if version != releases.version:
                bench.remove(f"{root}/releases/{version}")
    command = competitors.command(competitors.SCRIPT, api=releases.api, root=root, port=port or "")
    return Contender("deploy.sh", command, before=remember, check=check, after=after, event=event)


def with_directory(bench, releases, name, template, fill=competitors.command):
    """A command that needs an empty directory, and leaves the tree in it."""
    digest = os.path.join(bench.work, "digest")

    def command(directory):
        return fill(template, url=releases.url, directory=directory, digest=digest, version=releases.version, api=releases.api)

    def check(directory, _output, thorough):
        check_tree(directory, releases.expected, thorough)
        if "$digest" in template:
            with open(digest) as file:
                if releases.digest.removeprefix("sha256:") not in file.read():
                    raise Wrong(f"{name}: another digest than {releases.digest}")
    return with_tree(bench, name, command, check, releases.expected["files"])


def stop_servers(bench, roots, port):
    bench.run(["dewy-serve", "--stop", "--root", roots[0]])
    pid_file = os.path.join(roots[1], "serve.pid")
    if os.path.exists(pid_file):
        with open(pid_file) as file:
            os.kill(int(file.read()), signal.SIGTERM)
        await_true(lambda: not answer(port))


def to_current(bench, table, name):
    releases = Releases(bench, name, name)
    contenders = [dewy_once(bench, releases, root_of_releases(bench)),
                  with_directory(bench, releases, "curl | tee | bsdtar", competitors.STREAM),
                  script(bench, releases, root_of_releases(bench))]
    if bench.other:
        contenders.append(with_directory(bench, releases, "BENCH_OTHER", bench.other, competitors.other))
    title = f"whole: {name}, {os.stat(releases.path).st_size / 1e6:.1f} MB, {releases.expected['files']:,} files of " \
            f"{releases.expected['bytes'] / 1e6:.1f} MB, to the switch"
    table.add(Group(title, [each.name for each in contenders], in_turn(bench, contenders),
                    {"curl | tee | bsdtar": Goal("wall", 1.25)}))
    return releases


def to_answer(bench, table, name, releases):
    ports, roots = free_ports(2), [root_of_releases(bench), root_of_releases(bench)]
    contenders = [dewy_once(bench, releases, roots[0], ports[0]), script(bench, releases, roots[1], ports[1])]
    with ExitStack() as stack:
        stack.callback(stop_servers, bench, roots, ports[1])
        samples = in_turn(bench, contenders)
    table.add(Group(f"whole: {name}, to the answer of the new server", [each.name for each in contenders], samples))


def run(bench, table):
    for name in bench.size(("size1", "size100", "size600", "many"), ("size1", "many")):
        if bench.only in name:
            to_answer(bench, table, name, to_current(bench, table, name))
