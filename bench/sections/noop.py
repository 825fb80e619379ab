# SPDX-License-Identifier: MIT
"""A poll that finds nothing new."""
import json
import os
import time

import competitors
from measure import Contender, Wrong, in_turn, instructions, processes
from inputs import archive
from table import Goal, Group

ARTIFACT = "app.tar.gz"


def unchanged(output, _thorough):
    for line in output.splitlines():
        if json.loads(line)["state"] != "unchanged":
            raise Wrong(f"dewy once: {line}")


def dewy(bench, registry):
    """dewy, where the newest release is deployed already."""
    root = bench.fresh("root")
    command = ["dewy", "once", "--root", root, "--no-report", "--registry", registry]
    bench.run(command)
    if not os.path.isdir(f"{root}/current"):
        raise Wrong("dewy once: it deployed nothing")
    return Contender("dewy once", command, check=unchanged, repeat=bench.size(10, 2))


def polls(bench, url, answer, condition="Accept: */*"):
    """curl, which only asks, and the least that a program with libcurl can do."""
    def check(output, _thorough):
        if output.replace(answer, ""):
            raise Wrong(f"a poll: {output}, and not {answer}")
    floor = bench.tool("floor")
    return [Contender(name, competitors.command(line, url=url, condition=condition, floor=floor), check=check,
                      repeat=bench.size(10, 2)) for name, line in competitors.POLLS.items()]


def script(bench, api):
    """The script, where the newest release is deployed already."""
    root = bench.fresh("script")
    command = competitors.command(competitors.SCRIPT, api=api, root=root, port="")
    bench.run(command)
    before = os.stat(f"{root}/version").st_mtime_ns

    def check(_output, _thorough):
        if os.stat(f"{root}/version").st_mtime_ns != before:
            raise Wrong("deploy.sh: it deployed again")
    return Contender("deploy.sh", command, check=check, repeat=bench.size(10, 2))


def measure(bench, table, title, contenders, goals, services=None):
    """The times, and what no other load changes."""
    def requests(contender):
        if not services:
            return 0
        before = services.requests()
        bench.run(contender.command)
        time.sleep(0.05)  # a request is written down after its answer
        return services.requests() - before
    columns = {
        "requests": [requests(each) for each in contenders],
        "processes": [processes(bench, each) for each in contenders],
        "M instr": [instructions(bench, each) for each in contenders],
    }
    table.add(Group(title, [each.name for each in contenders], in_turn(bench, contenders), goals, columns))


def from_directory(bench, table, artifact):
    registry = bench.fresh("registry")
    os.mkdir(f"{registry}/v1.0.0")
    os.link(artifact, f"{registry}/v1.0.0/{ARTIFACT}")
    empty = Contender("3 empty processes", [bench.tool("empty")], processes=3, repeat=bench.size(10, 2))
    measure(bench, table, "no-op: file://", [dewy(bench, f"file://{registry}?artifact={ARTIFACT}"), empty],
            {"3 empty processes": Goal("cpu", 1)})


def from_github(bench, table, artifact):
    services = bench.services()
    services.publish_github("noop", "v1.0.0", artifact, ARTIFACT)
    bench.environment["GITHUB_API_URL"] = services.https
    api = services.api("noop")
    url = f"{api}/releases?per_page=100"
    headers = bench.run(["curl", "-sSf", "-o", os.devnull, "-D", "-", url], text=True)
    etag = next(line.split(":", 1)[1].strip() for line in headers.splitlines() if line.lower().startswith("etag:"))
    contenders = [dewy(bench, f"ghr://acme/noop?artifact={ARTIFACT}"), *polls(bench, url, "304", f"If-None-Match: {etag}"),
                  script(bench, api)]
    goals = {"curl": Goal("cpu", 0.35), "floor with libcurl": Goal("cpu", 1.2)}
    measure(bench, table, "no-op: GitHub by HTTPS, 304", contenders, goals, services)


def from_s3(bench, table, artifact):
    services = bench.services()
    services.publish_s3("noop", "v1.0.0", artifact, ARTIFACT)
    url = f"{services.https}/noop/?encoding-type=url&list-type=2&max-keys=100&prefix="
    contenders = [dewy(bench, services.s3_url("noop", services.https) + f"&artifact={ARTIFACT}"), *polls(bench, url, "200")]
    measure(bench, table, "no-op: S3 by HTTPS, the listing", contenders, {}, services)


def run(bench, table):
    artifact, _ = archive(bench, "size1", "tar.gz")
    from_directory(bench, table, artifact)
    from_github(bench, table, artifact)
    from_s3(bench, table, artifact)
