# SPDX-License-Identifier: MIT
"""What is deployed: made once, of a fixed seed, and kept."""
import hashlib
import itertools
import json
import os
import random
import subprocess

from place import Bench

WORDS = 1 << 15
BLOCK = 8 << 20

# How each kind of archive is made of the directory $tree; its name is $archive.
ARCHIVES = {
    "tar": "tar --sort=name -C $tree -cf $archive .",
    "tar.gz": "tar --sort=name -C $tree -cf - . | gzip -6n >$archive",
    "tar.xz": "tar --sort=name -C $tree -cf - . | xz -0 -T1 >$archive",
    "blocks.tar.xz": "tar --sort=name -C $tree -cf - . | xz -0 -T2 --block-size=8MiB >$archive",
    "tar.zst": "tar --sort=name -C $tree -cf - . | zstd -q -3 >$archive",
    "zip": "cd $tree && zip -qr $archive .",
}


class Maker:
    """Bytes that can be compressed to about two fifths, as programs can, and bytes that cannot, as pictures."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.words = [self.random.randbytes(self.random.randint(2, 12)) for _ in range(WORDS)]
        self.weights = list(itertools.accumulate((rank + 5) ** -1.25 for rank in range(WORDS)))

    def binary(self, size):
        parts, length = [], 0
        while length < size:
            part = b"".join(self.random.choices(self.words, cum_weights=self.weights, k=min(size, 1 << 16) // 6 + 1))
            parts.append(part)
            length += len(part)
        return b"".join(parts)[:size]

    def picture(self, size):
        return self.random.randbytes(size)

    def write(self, path, content):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)

    def many(self, tree, count):
        """Small files, fifty to a directory, two levels deep."""
        for number in range(count):
            path = f"{tree}/{number // 1000:03}/{number // 50 % 20:02}/file{number % 50:02}.js"
            self.write(path, self.binary(self.random.randint(100, 4000)))

    def program(self, path, size):
        """The same block again and again, further apart than any compressor here looks back."""
        block = self.binary(min(size, BLOCK))
        with open(path, "wb") as file:
            for left in range(size, 0, -BLOCK):
                file.write(block[:left])
        os.chmod(path, 0o755)

    def mixed(self, tree, scale):
        """A web application: modules, bundles, pictures, and a program."""
        self.many(f"{tree}/modules", 4000 // scale)
        for number in range(40 // scale + 1):
            self.write(f"{tree}/public/bundle{number}.js", self.binary((1 << 20) // scale))
        for number in range(300 // scale + 1):
            self.write(f"{tree}/public/pictures/{number}.jpg", self.picture((100 << 10) // scale))
        self.program(f"{tree}/server", (60 << 20) // scale)


def describe(tree):
    """What a copy of a tree is recognized by."""
    files = total = 0
    digest = hashlib.sha256()
    for directory, folders, names in os.walk(tree):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(directory, name)
            with open(path, "rb") as file:
                content = file.read()
            files, total = files + 1, total + len(content)
            digest.update(os.path.relpath(path, tree).encode() + b"\0" + hashlib.sha256(content).digest())
    return {"files": files, "bytes": total, "digest": digest.hexdigest()}


def count(tree):
    """The quick part of it."""
    files = total = 0
    for directory, _, names in os.walk(tree):
        files += len(names)
        total += sum(os.lstat(os.path.join(directory, name)).st_size for name in names)
    return {"files": files, "bytes": total}


def made(path, make):
    """The path of what make(path) makes when it is not there."""
    if not os.path.exists(path):
        Bench.remove(path + ".new")
        make(path + ".new")
        os.rename(path + ".new", path)
    return path


def tree(bench, name):
    """A tree, by its name: many, one, mixed, or one such as size100 of that many MB, or files1000 with that many files."""
    def make(path):
        os.makedirs(path)
        maker = Maker(name)
        if name == "many":
            maker.many(path, bench.size(20000, 200))
        elif name == "one":
            maker.program(f"{path}/server", bench.size(200 << 20, 2 << 20))
        elif name == "mixed":
            maker.mixed(path, bench.size(1, 50))
        elif name.startswith("files"):
            maker.many(path, int(name[5:]))
        else:
            maker.program(f"{path}/server", int(name[4:]) << 20)
    return made(os.path.join(bench.inputs, name), make)


def archive(bench, name, kind, worker=False):
    """The path of an archive of a tree, and the description of that; with a worker of bench/ in it, the release can be served."""
    base = f"{name}{'.server' if worker else ''}"

    def make(path):
        source = tree(bench, name)
        if worker:
            subprocess.run(["cp", bench.tool("worker"), f"{source}/worker"], check=True)
        subprocess.run(["bash", "-euo", "pipefail", "-c", ARCHIVES[kind], "make"], check=True,
                       env=os.environ | {"tree": source, "archive": path})
        with open(os.path.join(bench.inputs, f"{base}.json"), "w") as file:
            json.dump(describe(source), file)
        if worker:
            os.unlink(f"{source}/worker")
    path = made(os.path.join(bench.inputs, f"{base}.{kind}"), make)
    with open(os.path.join(bench.inputs, f"{base}.json")) as file:
        return path, json.load(file)


def blob(bench, megabytes):
    """The path of a file that cannot be compressed, and its SHA-256."""
    def make(path):
        maker, digest = Maker(megabytes), hashlib.sha256()
        with open(path, "wb") as file:
            for _ in range(megabytes):
                block = maker.picture(1 << 20)
                digest.update(block)
                file.write(block)
        with open(name + ".sha256", "w") as file:
            file.write(digest.hexdigest())
    name = os.path.join(bench.inputs, f"blob{megabytes}")
    made(name, make)
    with open(name + ".sha256") as file:
        return name, file.read()
