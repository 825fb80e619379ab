# SPDX-License-Identifier: MIT
"""How it grows: with the versions in the registry, the entries, the size, the releases there were, and those that are pruned."""
import json
import os
import tarfile

from inputs import archive
from measure import Contender, Wrong, in_turn, with_tree
from sections import noop
from sections.whole import Releases, dewy_once, root_of_releases
from table import Group

ARTIFACT = "app.tar"


def tar_of(path, files, size):
    """A tar of so many files of that size each, which are zeros; where they are large they are holes."""
    with open(path, "wb") as file:
        for number in range(files):
            header = tarfile.TarInfo(f"{number // 1000}/{number}")
            header.size = size
            file.write(header.tobuf())
            file.seek(-(-size // 512) * 512, os.SEEK_CUR)
        file.write(bytes(1024))
        file.truncate()


def state(wanted):
    def check(output, _thorough):
        for line in output.splitlines():
            if json.loads(line)["state"] != wanted:
                raise Wrong(f"dewy: {line}")
    return check


# Versions in the registry: one contender for each kind and for each of the first check and the one that finds nothing new.


def publish_many(bench, kind, count):
    """Returns the address of a registry of so many versions."""
    artifact = os.path.join(bench.work, ARTIFACT)
    name = f"versions{count}"
    directory = {"file": os.path.join(bench.work, "registry", name), "s3": os.path.join(bench.services().www, name),
                 "ghr": os.path.join(bench.services().github_directory, "repos", "acme", name)}[kind]
    for number in range(count):
        os.makedirs(f"{directory}/v1.{number}.0")
        os.link(artifact, f"{directory}/v1.{number}.0/{ARTIFACT}")
    if kind == "ghr":
        bench.services().control("reload")
        bench.services().serve_artifact(name, f"v1.{count - 1}.0")
    return {"file": f"file://{directory}?", "s3": bench.services().s3_url(name, bench.services().http) + "&",
            "ghr": f"ghr://acme/{name}?"}[kind] + f"artifact={ARTIFACT}"


def versions(bench, table):
    tar_of(os.path.join(bench.work, ARTIFACT), 1, 10)
    bench.environment["GITHUB_API_URL"] = bench.services().https
    for kind in ("file", "s3", "ghr"):
        counts = bench.size((10, 100, 1000, 10000), (10, 100))
        if kind == "ghr":
            counts = counts[:3]  # for each page of a hundred the stand-in describes all releases
        first, later, asked = [], [], []
        for count in counts:
            registry = publish_many(bench, kind, count)
            unchanged = noop.dewy(bench, registry)
            unchanged.repeat = 1
            empty = bench.fresh("empty")
            fresh = Contender("dewy-check", ["dewy-check", "--root", empty, "--registry", registry], check=state("available"),
                              before=lambda: bench.fresh("empty"))
            before = bench.services().requests()
            samples = in_turn(bench, [fresh, unchanged])
            asked.append((bench.services().requests() - before) / (2 * (bench.rounds + 1)))
            first.append(samples[0])
            later.append(samples[1])
        table.series(f"growth: {kind}, versions in the registry, the first check", counts, first)
        table.series(f"growth: {kind}, versions in the registry, nothing new; requests are the mean of both", counts, later,
                     {"requests": asked})


# One dewy once, of registries over HTTP.


def deploying(bench, name, tar, files):
    services = bench.services()
    services.publish_s3(name, "v1.0.0", tar, ARTIFACT)
    registry = services.s3_url(name, services.http) + f"&artifact={ARTIFACT}"
    deployed = state("deployed")
    return with_tree(bench, "dewy once", lambda root: ["dewy", "once", "--root", root, "--registry", registry, "--no-report"],
                     lambda _root, output, thorough: deployed(output, thorough), files)


def entries(bench, table):
    counts = bench.size((10, 100, 1000, 10000, 100000), (10, 100))
    samples = []
    for count in counts:
        tar = os.path.join(bench.work, f"entries{count}")
        tar_of(tar, count, 100)
        samples += in_turn(bench, [deploying(bench, f"entries{count}", tar, count)])
    table.series("growth: entries in the archive, dewy once", counts, samples)


def sizes(bench, table):
    megabytes = bench.size((1, 10, 100, 1000, 2000), (1, 10))
    samples = []
    for size in megabytes:
        tar = os.path.join(bench.work, f"size{size}")
        tar_of(tar, 1, size * 1000000)
        samples += in_turn(bench, [deploying(bench, f"size{size}", tar, 1)])
    table.series("growth: MB of the artifact, dewy once", megabytes, samples)


# Releases there were, all of them kept.


def history(bench, table):
    registry, root = bench.fresh("registry"), bench.fresh("root")
    tar_of(os.path.join(bench.work, ARTIFACT), 1, 10)
    command = ["dewy", "once", "--root", root, "--registry", f"file://{registry}?artifact={ARTIFACT}", "--keep", "1000"]
    counts = bench.size((1, 10, 100, 1000), (1, 10))
    series = {"once, nothing new": [], "once, one more": [], "status": [], "history": []}

    def publish(number):
        os.mkdir(f"{registry}/v1.{number}.0")
        os.link(os.path.join(bench.work, ARTIFACT), f"{registry}/v1.{number}.0/{ARTIFACT}")
        for name in os.listdir(registry):
            if name != f"v1.{number}.0":
                bench.remove(f"{registry}/{name}")
    done = 0
    for count in counts:
        while done < count:
            done += 1
            publish(done)
            bench.run(command)
        if len(os.listdir(f"{root}/releases")) < count:
            raise Wrong(f"dewy once: {root} has not {count} releases")

        def one_more():
            nonlocal done
            done += 1
            publish(done)
        samples = in_turn(bench, [
            Contender("once, nothing new", command, check=state("unchanged")),
            Contender("status", ["dewy", "status", "--root", root]),
            Contender("history", ["dewy", "history", "--root", root]),
            Contender("once, one more", command, before=one_more, check=state("deployed"))])
        for name, each in zip(("once, nothing new", "status", "history", "once, one more"), samples):
            series[name].append(each)
    for name, samples in series.items():
        table.series(f"growth: releases on disk and in the history, dewy {name}", counts, samples)


# What pruning a large release costs, and whether the switch waits for it.


def pruning(bench, table):
    releases = Releases(bench, "pruning", "many")
    rows = []
    for keep, what in ((1000, "nothing pruned"), (2, "one pruned")):
        rows.append(dewy_once(bench, releases, root_of_releases(bench), keep=keep, name=f"{what}, to the switch"))
        rows.append(dewy_once(bench, releases, root_of_releases(bench), keep=keep, name=f"{what}, to the end"))
        rows[-1].event = None
    table.add(Group(f"growth: pruning a release of {releases.expected['files']:,} files", [each.name for each in rows],
                    in_turn(bench, rows), of_first=True))


def run(bench, table):
    for part in (versions, entries, sizes, history, pruning):
        if bench.only in part.__name__:
            part(bench, table)
