# SPDX-License-Identifier: MIT
"""The stages of dewy, each with the state from which it is run."""
import dataclasses, json, os, typing

import faults_place as places, faults_trace as trace

WRITERS = min(2, len(os.sched_getaffinity(0)))  # which extract a zip
LINE = {"time": "2024-01-15T10:31:16Z", "state": "deployed", "version": "v1.1.0"}


@dataclasses.dataclass
class Stage:
    """argv, given the place; whether it reads the document; what makes the state; what goes before each run; which versions may be
    deployed by the next run; how the faulted run and the next one may end; how many processes and threads it starts
    at least, where it has several threads; by how many pages the room on a full disk grows."""
    name: str
    argv: typing.Callable
    prepare: typing.Callable
    reads: bool = False
    server: bool = False
    warm: typing.Callable = lambda place: None
    accepted: tuple = ("v1.1.0",)
    statuses: tuple = (0, 3)
    first: tuple = (0,)
    starts: int = 0
    pages: int = 1


def deployed(place, *versions):
    """Deploys these versions one after the other."""
    for version in versions:
        place.publish(version)
        place.run("dewy", "once", *place.server)


def upgrade(place, *stages, bulk=None):
    """v1.0.0 is deployed, v1.1.0 is there, and so many stages have been through."""
    deployed(place, "v1.0.0")
    place.publish("v1.1.0", bulk=bulk)
    place.pipe(*stages)


def two_deployed(place):
    deployed(place, "v1.0.0", "v1.1.0")


def full(place):
    """As many releases are there as are kept, and v1.1.0 is published."""
    deployed(place, "v0.9.0", "v1.0.0")
    place.publish("v1.1.0")


def third(place):
    full(place)
    place.pipe("dewy-check", "dewy-fetch")


def retired(place):
    """v1.1.0 is deployed, and what retention has let go of is still there."""
    full(place)
    killed = place.start(["dewy", "once"], lambda call: trace.KILL if call.program == "dewy-sweep" else trace.CONTINUE)
    status = killed.wait(places.PATIENCE)
    left = [name for name in os.listdir(place.root + "/releases") if name.startswith(".")]
    places.demand(status == 0 and left, "it ended with %d and left %s: %s" % (status, left, place.output("err")))


def first(place):
    place.publish("v1.1.0")
    place.pipe("dewy-check", "dewy-fetch")


def zipped(place):
    """v1.1.0 is a zip: two threads extract it, and two more read and decompress the file that is large."""
    place.use_zip()
    upgrade(place, "dewy-check", "dewy-fetch", bulk=places.BULK)


def ask_github(place):
    """Makes the registry GitHub, asked as an App."""
    place.use_stand_in()
    place.environment |= {"GITHUB_APP_ID": "12", "GITHUB_APP_INSTALLATION_ID": "34", "GITHUB_API_URL": place.stand_in,
                          "GITHUB_APP_PRIVATE_KEY_PATH": place.directory + "/github/app.pem",
                          "DEWY_REGISTRY": "ghr://acme/app?artifact=app.tar.gz", "DEWY_NO_REPORT": "1"}


def github(place):
    """The same with GitHub, whose token is kept."""
    ask_github(place)
    upgrade(place)
    os.unlink(place.root + "/.dewy/tokens.json")


def large(place):
    """What GitHub has of v1.1.0 is so large that a second thread hashes it while the rest comes."""
    ask_github(place)
    upgrade(place, "dewy-check", bulk=places.BULK)


def told(place):
    """A channel that hears what is said and one that never does, and metrics."""
    upgrade(place, "dewy-check", "dewy-fetch", "dewy-deploy")
    place.environment |= {"DEWY_NOTIFIER": "exec:/bin/true exec:/bin/false", "DEWY_METRICS_FILE": place.base + "/metrics.prom"}


def history(place):
    two_deployed(place)
    with open(place.document, "w") as file:
        json.dump(LINE, file)


def switched(place):
    """v1.1.0 is deployed, and no server runs."""
    place.publish("v1.1.0")
    place.pipe("dewy-check", "dewy-fetch", "dewy-deploy")


def restarted(place, behaviour="says-ready"):
    """v1.1.0 is deployed while v1.0.0 serves."""
    deployed(place, "v1.0.0")
    place.publish("v1.1.0", behaviour)
    place.pipe("dewy-check", "dewy-fetch", "dewy-deploy")


def bad(place):
    restarted(place, "dies-at-once")


def serve_the_old(place):
    """Starts the supervisor as it was before the switch."""
    link, new = place.root + "/current", os.readlink(place.root + "/current")
    old = min(os.listdir(place.root + "/releases"))
    for target in "releases/" + old, new:
        os.symlink(target, link + ".other")
        os.rename(link + ".other", link)
        if target != new:
            place.start_supervisor()


def serve(place):
    state = place.root + "/.dewy/serve."
    return ["dewy-serve", "--daemonize", "--root", place.root, "--pid-file", state + "pid", "--status-file", state + "status",
            "--log-file", state + "log", *place.server]


def tool(*argv):
    return lambda place: [*argv, *place.server]


def plain(*argv):
    return lambda place: list(argv)


STAGES = [
    Stage("dewy-check", plain("dewy-check"), upgrade),
    Stage("dewy-check-github", plain("dewy-check"), github),
    Stage("dewy-fetch", plain("dewy-fetch"), lambda place: upgrade(place, "dewy-check"), reads=True),
    Stage("dewy-fetch-github", plain("dewy-fetch"), large, reads=True, starts=1, pages=8),
    Stage("dewy-deploy-first", plain("dewy-deploy"), first, reads=True),
    Stage("dewy-deploy", plain("dewy-deploy"), third, reads=True),
    Stage("dewy-deploy-zip", plain("dewy-deploy"), zipped, reads=True, starts=2 + WRITERS, pages=8),
    Stage("dewy-deploy-rollback", plain("dewy-deploy", "--rollback"), two_deployed, accepted=("v1.0.0", "v1.1.0")),
    Stage("dewy-notify", plain("dewy-notify"), told, reads=True),
    Stage("dewy-history", plain(places.BIN + "/../libexec/dewy/dewy-history", "append"), history, reads=True),
    Stage("dewy-sweep", plain(places.BIN + "/../libexec/dewy/dewy-sweep"), retired),
    Stage("dewy-once", plain("dewy", "once"), full),
    Stage("dewy-rollback", plain("dewy", "rollback"), two_deployed, accepted=("v1.0.0", "v1.1.0")),
    Stage("dewy-restart-start", tool("dewy-restart"), switched, reads=True, server=True, statuses=(0, 3, 4)),
    Stage("dewy-restart", tool("dewy-restart"), restarted, reads=True, server=True, warm=serve_the_old, statuses=(0, 3, 4)),
    Stage("dewy-restart-bad", tool("dewy-restart"), bad, reads=True, server=True, warm=serve_the_old, accepted=("v1.0.0",),
          statuses=(3, 4), first=(0, 4)),
    Stage("dewy-serve", serve, switched, server=True, statuses=(0, 1, 3, 4)),
    Stage("dewy-once-server", tool("dewy", "once"), upgrade, server=True,
          warm=lambda place: place.start_supervisor(), statuses=(0, 3, 4)),
]
