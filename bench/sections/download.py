# SPDX-License-Identifier: MIT
"""A large artifact and its SHA-256, plain and by TLS."""
import hashlib
import json
import os

import competitors
from inputs import blob
from measure import Contender, Wrong, in_turn
from table import Goal, Group

ARTIFACT = "app.bin"


def check_file(path, size, digest, thorough):
    if os.stat(path).st_size != size:
        raise Wrong(f"{path}: {os.stat(path).st_size} bytes, and not {size}")
    if thorough:
        with open(path, "rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != digest:
            raise Wrong(f"{path}: SHA-256 {found}, and not {digest}")


def dewy_fetch(bench, registry, size, digest, environment=None):
    root, cache = bench.fresh("root"), os.path.join(bench.work, "cache")
    document = os.path.join(bench.work, "available.json")
    with open(document, "wb") as file:
        file.write(bench.run(["dewy-check", "--root", root, "--registry", registry]))

    def check(output, thorough):
        told = json.loads(output)
        if told["state"] != "fetched" or told["artifact"]["digest"] != f"sha256:{digest}":
            raise Wrong(f"dewy-fetch: {output}")
        check_file(told["fetch"]["path"], size, digest, thorough)
    return Contender("dewy-fetch", ["dewy-fetch", "--root", root, "--cache", cache], stdin=document, check=check,
                     before=lambda: bench.fresh("cache"), after=lambda: bench.remove(cache), environment=environment or {})


def competitor(bench, name, template, url, size, digest):
    path = os.path.join(bench.work, "downloaded")

    def check(output, thorough):
        check_file(path, size, digest, thorough)
        if ("sha256sum" in name or "openssl" in name) and digest not in output:
            raise Wrong(f"{name}: {output}")
    return Contender(name, competitors.command(template, url=url, file=path), check=check, after=lambda: bench.remove(path))


def run(bench, table):
    megabytes = bench.size(1024, 4)
    path, digest = blob(bench, megabytes)
    services = bench.services()
    services.publish_s3("download", "v1.0.0", path, ARTIFACT)
    with open(os.path.join(services.www, "download", "v1.0.0", "SHA256SUMS"), "w") as file:
        file.write(f"{digest}  {ARTIFACT}\n")
    nosync = {"LD_PRELOAD": bench.tool("nosync.so")}
    for base in (services.http, services.https):
        url, registry = f"{base}/download/v1.0.0/{ARTIFACT}", services.s3_url("download", base) + f"&artifact={ARTIFACT}"
        scheme = base.partition(":")[0].upper()
        for how, lines, environment, goals in (
                ("nobody waits for the disk", competitors.DOWNLOAD, nosync,
                 {"curl": Goal("wall", 1.05), "curl && sha256sum": Goal("wall", 0.25), "curl && openssl dgst": Goal("wall", 0.45)}),
                ("on disk at the end", competitors.DOWNLOAD_SYNCED, {}, {"curl && sync": Goal("wall", 1.05)})):
            contenders = [dewy_fetch(bench, registry, megabytes << 20, digest, environment)]
            contenders += [competitor(bench, name, line, url, megabytes << 20, digest) for name, line in lines.items()]
            # By TLS the processor encrypts and decrypts on both sides: how fast that can be, no goal says but that of curl alone.
            goals = {name: goal for name, goal in goals.items() if scheme == "HTTP" or goal.most > 1}
            goals["dewy-fetch"] = Goal("rss", 16)
            table.add(Group(f"download: {megabytes} MiB by {scheme}, {how}", [each.name for each in contenders],
                            in_turn(bench, contenders), goals))
