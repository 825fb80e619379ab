# SPDX-License-Identifier: MIT
"""Archives of three shapes and six forms, from the cache to current."""
import json
import os
import re

import competitors
from inputs import ARCHIVES, archive, count, describe
from measure import Wrong, in_turn, with_tree
from table import Goal, Group

SHAPES = ("many", "one", "mixed")

# What dewy-deploy takes at the most of what bsdtar takes.
GOALS = (("many.tar", 1 / 1.5), (r".*\.(tar\.gz|zip)", 1 / 2), (r".*\.tar\.zst", 1 / 1.2), (".*", 1))


def goal(name):
    return Goal("wall", round(next(most for pattern, most in GOALS if re.fullmatch(pattern, name)), 2))


def check_tree(path, expected, thorough):
    found = describe(path) if thorough else count(path)
    if any(expected[key] != value for key, value in found.items()):
        raise Wrong(f"{path}: {found}, and not {expected}")


def dewy_deploy(bench, path, expected, in_memory):
    """dewy-deploy, where the artifact is in the cache and nothing was deployed yet."""
    registry, cache = bench.fresh("registry"), bench.fresh("cache")
    name, document = os.path.basename(path), os.path.join(bench.work, "fetched.json")
    os.mkdir(f"{registry}/v1.0.0")
    os.link(path, f"{registry}/v1.0.0/{name}")

    def command(root):
        available = bench.run(["dewy-check", "--root", root, "--registry", f"file://{registry}?artifact={name}"])
        with open(document, "wb") as file:
            file.write(bench.run(["dewy-fetch", "--root", root, "--cache", cache], input=available))
        return ["dewy-deploy", "--root", root, "--cache", cache]

    def check(root, output, thorough):
        told = json.loads(output)
        if told["state"] != "deployed" or os.path.realpath(f"{root}/current") != told["deploy"]["path"]:
            raise Wrong(f"dewy-deploy: {output}")
        check_tree(f"{root}/current", expected, thorough)
    return with_tree(bench, "dewy-deploy", command, check, expected["files"], in_memory, stdin=document)


def competitor(bench, name, template, path, expected, in_memory):
    return with_tree(bench, name, lambda directory: competitors.command(template, archive=path, directory=directory),
                     lambda directory, _output, thorough: check_tree(directory, expected, thorough), expected["files"], in_memory)


def compare(bench, table, shape, kind, synced):
    path, expected = archive(bench, shape, kind)
    lines = competitors.EXTRACT_ZIP if kind == "zip" else competitors.EXTRACT
    if kind == "tar":
        lines = lines | competitors.VERIFY_AND_EXTRACT
    if synced:
        lines = {f"{name} && sync": f"{line} && sync -f $directory" for name, line in lines.items()}
    contenders = [dewy_deploy(bench, path, expected, not synced)]
    contenders += [competitor(bench, name, line, path, expected, not synced) for name, line in lines.items()]
    size = os.stat(path).st_size / 1e6
    title = f"extract: {shape}.{kind}, {size:.1f} MB, {expected['files']:,} files of {expected['bytes'] / 1e6:.1f} MB"
    goals = {} if synced else {"bsdtar": goal(f"{shape}.{kind}"), "dewy-deploy": Goal("rss", 16)}
    table.add(Group(f"{title}, {'on disk at the end' if synced else 'in memory'}",
                    [each.name for each in contenders], in_turn(bench, contenders), goals))


def run(bench, table):
    for shape in SHAPES:
        for kind in ARCHIVES:
            if bench.only in f"{shape}.{kind}":
                compare(bench, table, shape, kind, synced=False)
    for shape in SHAPES:
        if bench.only in f"{shape}.tar.gz":
            compare(bench, table, shape, "tar.gz", synced=True)
