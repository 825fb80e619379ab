#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes good and hostile archives, always the same bytes.

usage: archives.py FILE [OUTSIDE]             the archive that FILE's name stands for
       archives.py --all DIRECTORY [OUTSIDE]  all of them
       archives.py --list                     their names
OUTSIDE is an absolute directory that hostile names aim at.
"""
import bz2
import gzip
import io
import lzma
import os
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib

TIME = 1000000000  # 2001-09-09T01:46:40Z
OUTSIDE = "/outside"
MAKERS = {}


def archive(name):
    """Registers the function that returns the bytes of the archive of that name."""
    def register(make):
        MAKERS[name] = make
        return make
    return register


# Tar

def entry(name, kind=tarfile.REGTYPE, content=b"", target="", mode=0o644, **rest):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode, info.mtime, info.size = kind, target, mode, TIME, len(content)
    for key, value in rest.items():
        setattr(info, key, value)
    return info, content


def file(name, content=b"content\n", **rest):
    return entry(name, content=content, **rest)


def directory(name, mode=0o755):
    return entry(name, tarfile.DIRTYPE, mode=mode)


def symlink(name, target):
    return entry(name, tarfile.SYMTYPE, target=target, mode=0o777)


def hardlink(name, target):
    return entry(name, tarfile.LNKTYPE, target=target)


def tar(*entries, form=tarfile.PAX_FORMAT, end=1024):
    """Blocks of the entries as they are given, whatever they say; end is how many zero bytes follow."""
    out = b""
    for info, content in entries:
        out += info.tobuf(form, "utf-8", "surrogateescape") + content + bytes(-len(content) % 512)
    return out + bytes(end)


def raw_header(name, kind=b"0", size=b"00000000000\0", content=b"", target=b""):
    """A ustar header with fields that tarfile would not write."""
    head = name.ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2 + size + b"07346545000\0" + b" " * 8 + kind
    head += target.ljust(100, b"\0") + b"ustar\00000" + bytes(247)
    head = head[:148] + b"%06o\0 " % sum(head[:512]) + head[156:512]
    return head + content + bytes(-len(content) % 512)


def pax_header(**records):
    body = b""
    for key, value in records.items():
        record = b" " + key.encode() + b"=" + value + b"\n"
        length = len(record) + 1
        while len(str(length)) + len(record) != length:
            length += 1
        body += str(length).encode() + record
    return raw_header(b"pax", b"x", b"%011o\0" % len(body), body)


def packed(data):
    return gzip.compress(data, mtime=0)


def pseudo_random(length):
    """Bytes that do not compress."""
    out, state = bytearray(), 1
    while len(out) < length:
        state = (state * 6364136223846793005 + 1442695040888963407) % (1 << 64)
        out += struct.pack("<Q", state)
    return bytes(out[:length])


def flipped(data, at):
    return data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1:]


SAMPLE = [
    directory("./"),
    directory("./locked", 0o500),
    file("./locked/inside", mode=0o444),
    file("./bin/run", b"#!/bin/sh\necho run\n", mode=0o755),
    file("./bin/suid", mode=0o6755),
    file("./secret", mode=0o000),
    directory("./empty", 0o1777),
    symlink("./bin/link", "../locked/inside"),
    symlink("./dangling", "later"),
    hardlink("./bin/hard", "./bin/run"),
    directory("./empty", 0o1777),
    file("./deep/" + "d" * 120 + "/" + "e" * 120 + "/name", b"long\n"),
    file("./gr\u00fc\u00dfe", b"utf-8\n"),
    file("./zero", b""),
    file("./large", pseudo_random(300000)),
]


@archive("good.tar")
def _():
    return tar(*SAMPLE)


@archive("good-gnu.tar")
def _():
    return tar(*SAMPLE, form=tarfile.GNU_FORMAT)


@archive("good-ustar.tar")
def _():
    return tar(*[one for one in SAMPLE if len(one[0].name) < 200], form=tarfile.USTAR_FORMAT)


for _suffix, _compress in {
        "gz": packed,
        "bz2": bz2.compress,
        "xz": lzma.compress,
        "zst": lambda data: subprocess.run(["zstd", "-q", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout,
}.items():
    archive("good.tar." + _suffix)(lambda compress=_compress: compress(tar(*SAMPLE)))
    archive("cut.tar." + _suffix)(lambda compress=_compress: compress(tar(*SAMPLE))[:-9])
    archive("short.tar." + _suffix)(lambda compress=_compress: compress(tar(*SAMPLE))[:150000])
    archive("flipped.tar." + _suffix)(lambda compress=_compress: flipped(compress(tar(*SAMPLE)), 200000))
    archive("tool." + _suffix)(lambda compress=_compress: compress(b"\177ELF" + pseudo_random(5000)))
    archive("nothing.tar." + _suffix)(lambda compress=_compress: compress(b""))


@archive("members.tar.gz")
def _():
    data = tar(*SAMPLE)
    return packed(data[:7000]) + packed(data[7000:]) + bytes(512)


@archive("crc.tar.gz")
def _():
    data = packed(tar(*SAMPLE))
    return flipped(data, len(data) - 8)


@archive("length.tar.gz")
def _():
    data = packed(tar(*SAMPLE))
    return flipped(data, len(data) - 4)


@archive("tail.tar.gz")
def _():
    return packed(tar(*SAMPLE)) + b"garbage"


@archive("nested.tar.gz")
def _():
    return packed(packed(tar(*SAMPLE)))


@archive("cut.tar")
def _():
    return tar(*SAMPLE)[:200000]


@archive("no-end.tar")
def _():
    return tar(file("a"), end=0)


@archive("no-end.tar.gz")
def _():
    return packed(tar(file("a"), end=0))


@archive("checksum.tar")
def _():
    data = tar(file("a"), file("b"))
    return flipped(data, 1024 + 3)


@archive("empty.tar")
def _():
    return bytes(10240)


@archive("only-root.tar")
def _():
    return tar(directory("./"))


@archive("page.tar.gz")
def _():
    return b"<!DOCTYPE html><title>404</title>\n" * 100


@archive("absolute.tar")
def _():
    return tar(file(OUTSIDE + "/absolute"))


@archive("dotdot.tar")
def _():
    return tar(file("../outside/dotdot"), file("../../../outside/dotdot"))


@archive("dotdot-inside.tar")
def _():
    return tar(directory("a"), file("a/../../../../outside/x"))


@archive("dotdot-last.tar")
def _():
    return tar(directory("a"), directory("a/.."))


@archive("dotdot-pax.tar")
def _():
    return pax_header(path=b"../../../outside/pax") + tar(file("harmless"))


@archive("dotdot-gnu.tar")
def _():
    return tar(file("../" * 60 + "outside/gnu"), form=tarfile.GNU_FORMAT)


@archive("no-name.tar")
def _():
    return raw_header(b"") + bytes(1024)


@archive("newline.tar")
def _():
    return tar(file("a\nERROR: forged"))


@archive("escape.tar")
def _():
    return tar(file("a\033[2J"))


@archive("delete.tar")
def _():
    return tar(file("a\177"))


@archive("long-part.tar")
def _():
    return tar(file("a" * 256))


@archive("long-path.tar")
def _():
    return tar(file("/".join(["a" * 100] * 41)))


@archive("deep.tar")
def _():
    return tar(file("/".join("a" * 201)))


@archive("deepest.tar")
def _():
    return tar(file("/".join("a" * 200)))


@archive("link-absolute.tar")
def _():
    return tar(symlink("link", OUTSIDE))


@archive("link-outside.tar")
def _():
    return tar(symlink("a/link", "../../outside"))


@archive("link-empty.tar")
def _():
    return raw_header(b"link", b"2") + bytes(1024)


@archive("link-newline.tar")
def _():
    return tar(symlink("link", "a\nb"))


@archive("link-chain.tar")
def _():
    return tar(directory("a/b"), symlink("a/b/up", "../.."), symlink("out", "a/b/up/.."), file("out/x"))


@archive("link-parent.tar")
def _():
    return tar(directory("real"), symlink("link", "real"), file("link/x"))


@archive("link-parent-directory.tar")
def _():
    return tar(directory("real"), symlink("link", "real"), directory("link/x"))


@archive("link-then-directory.tar")
def _():
    return tar(directory("real"), symlink("link", "real"), directory("link"))


@archive("link-then-file.tar")
def _():
    return tar(symlink("link", "target"), file("link"))


@archive("directory-then-link.tar")
def _():
    return tar(directory("a"), symlink("a", "b"))


@archive("hard-absolute.tar")
def _():
    return tar(hardlink("hard", OUTSIDE + "/canary"))


@archive("hard-outside.tar")
def _():
    return tar(hardlink("hard", "../../../outside/canary"))


@archive("hard-missing.tar")
def _():
    return tar(hardlink("hard", "nowhere"))


@archive("hard-itself.tar")
def _():
    return tar(hardlink("hard", "hard"))


@archive("hard-directory.tar")
def _():
    return tar(directory("a"), hardlink("hard", "a"))


@archive("hard-link.tar")
def _():
    return tar(directory("a/b"), symlink("a/b/link", "../../x"), hardlink("hard", "a/b/link"))


@archive("hard-through-link.tar")
def _():
    return tar(file("real/x"), symlink("link", "real"), hardlink("hard", "link/x"))


@archive("hard-onto-file.tar")
def _():
    return tar(file("a"), file("b"), hardlink("b", "a"))


@archive("character.tar")
def _():
    return tar(entry("null", tarfile.CHRTYPE, devmajor=1, devminor=3))


@archive("block.tar")
def _():
    return tar(entry("sda", tarfile.BLKTYPE, devmajor=8, devminor=0))


@archive("fifo.tar")
def _():
    return tar(entry("fifo", tarfile.FIFOTYPE))


@archive("twice.tar")
def _():
    return tar(file("a"), file("a"))


@archive("twice-dot.tar")
def _():
    return tar(file("a/b"), file("a/./b"))


@archive("file-then-directory.tar")
def _():
    return tar(file("a"), directory("a"))


@archive("file-then-inside.tar")
def _():
    return tar(file("a"), file("a/b"))


@archive("directory-then-file.tar")
def _():
    return tar(file("a/b"), file("a"))


@archive("root-is-file.tar")
def _():
    return tar(file("."))


@archive("root-is-link.tar")
def _():
    return tar(symlink("./", "a"))


@archive("size-huge.tar")
def _():
    return raw_header(b"a", size=b"\x80" + b"\x7f" * 11) + bytes(1024)


@archive("size-negative.tar")
def _():
    return raw_header(b"a", size=b"\xff" * 12) + bytes(1024)


@archive("sparse-huge.tar")
def _():
    one = pax_header(**{"GNU.sparse.major": b"1", "GNU.sparse.minor": b"0", "GNU.sparse.name": b"sparse",
                        "GNU.sparse.realsize": b"%d" % (1 << 40)})
    return one + tar(file("sparse", b"1\n0\n0\n".ljust(512, b"\0")))


@archive("sparse.tar")
def _():
    one = pax_header(**{"GNU.sparse.major": b"1", "GNU.sparse.minor": b"0", "GNU.sparse.name": b"sparse",
                        "GNU.sparse.realsize": b"%d" % (8 << 20)})
    return one + tar(file("sparse", b"2\n0\n5\n4194304\n5\n".ljust(512, b"\0") + b"startin th"))


@archive("bomb.tar.gz")
def _():
    return packed(tar(file("zeros", bytes(100 << 20))))


@archive("bomb-behind.tar.gz")
def _():
    return packed(tar(file("a"), end=64 << 20))


@archive("many.tar.gz")
def _():
    return packed(tar(*[directory("d%d" % i) for i in range(2000)]))


@archive("window.tar.xz")
def _():
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 20}]
    data = bytearray(lzma.compress(tar(*SAMPLE), filters=filters))
    size = (data[12] + 1) * 4
    data[12 + 4] = 40  # the largest dictionary, 4 GiB
    data[12 + size - 4:12 + size] = struct.pack("<I", zlib.crc32(data[12:12 + size - 4]))
    return bytes(data)


@archive("window.tar.zst")
def _():
    return subprocess.run(["zstd", "-q", "-c", "--ultra", "--long=31", "-1"], input=tar(*SAMPLE), stdout=subprocess.PIPE,
                          check=True).stdout


@archive("pax-giant.tar")
def _():
    return raw_header(b"pax", b"x", b"77777777777\0") + bytes(1024)


# Zip

def zipped(*entries, method=zipfile.ZIP_DEFLATED):
    """Entries are name, content, and the mode with its type, or None for a system that has no modes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive_file:
        for name, content, mode in entries:
            info = zipfile.ZipInfo("x", (2001, 9, 9, 1, 46, 40))
            info.filename = name
            info.compress_type = method
            info.create_system = 0 if mode is None else 3
            info.external_attr = 0 if mode is None else mode << 16
            archive_file.writestr(info, content)
    return out.getvalue()


FILE, LINK, DIRECTORY = 0o100644, 0o120777, 0o40755


@archive("good.zip")
def _():
    return zipped(("dir/", b"", 0o40500), ("dir/inside", b"content\n", 0o100444), ("bin/run", b"#!/bin/sh\necho run\n", 0o100755),
                  ("bin/suid", b"content\n", 0o106755), ("bin/link", b"../dir/inside", LINK), ("script", b"#!/bin/sh\n", FILE),
                  ("gr\u00fc\u00dfe", b"utf-8\n", FILE), ("large", pseudo_random(300000), FILE))


@archive("stored.zip")
def _():
    return zipped(("a", b"content\n", FILE), method=zipfile.ZIP_STORED)


@archive("no-modes.zip")
def _():
    return zipped(("tool", b"\177ELF" + bytes(60), None), ("script", b"#!/bin/sh\necho run\n", None), ("text", b"content\n", None),
                  ("lib/", b"", None), ("lib\\win\\text", b"content\n", None))


@archive("streamed.zip")
def _():
    class Pipe(io.RawIOBase):
        """A file that cannot seek, so that sizes follow the data."""
        def __init__(self):
            self.data = b""

        def writable(self):
            return True

        def write(self, piece):
            self.data += bytes(piece)
            return len(piece)

    out = Pipe()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive_file:
        info = zipfile.ZipInfo("run", (2001, 9, 9, 1, 46, 40))
        info.external_attr = 0o100755 << 16
        archive_file.writestr(info, b"#!/bin/sh\necho run\n")
    return out.data


@archive("app.jar")
def _():
    return zipped(("META-INF/MANIFEST.MF", b"Main-Class: x\n", FILE))


@archive("cut.zip")
def _():
    return MAKERS["good.zip"]()[:-30]


@archive("crc.zip")
def _():
    data = zipped(("a", pseudo_random(1000), FILE), method=zipfile.ZIP_STORED)
    return flipped(data, 500)


@archive("encrypted.zip")
def _():
    data = bytearray(zipped(("a", b"content that is long enough\n", FILE)))
    data[6] |= 1
    data[data.index(b"PK\1\2") + 8] |= 1
    return bytes(data)


@archive("far.zip")
def _():
    data = bytearray(zipped(("a", b"content\n", FILE)))
    struct.pack_into("<I", data, data.rindex(b"PK\5\6") + 16, 0x7fffffff)
    return bytes(data)


@archive("empty.zip")
def _():
    return zipped()


for _name, _entries in {
        "dotdot": [("../../../outside/zip", b"x", FILE)],
        "backslash": [("..\\..\\..\\outside\\zip", b"x", None)],
        "backslash-unix": [("a/..\\..\\..\\outside\\zip", b"x", FILE)],
        "link-outside": [("link", b"../../outside", LINK)],
        "link-parent": [("real/", b"", DIRECTORY), ("link", b"real", LINK), ("link/x", b"x", FILE)],
        "device": [("null", b"", 0o20666)],
        "newline": [("a\nERROR: forged", b"x", FILE)],
}.items():
    archive(_name + ".zip")(lambda entries=_entries: zipped(*entries))


@archive("absolute.zip")
def _():
    return zipped((OUTSIDE + "/zip", b"x", FILE))


@archive("twice.zip")
def _():
    return zipped(("aa", b"x", FILE), ("bb", b"y", FILE)).replace(b"bb", b"aa")


# What only a reader of the central directory meets: where it and the rest of the file say different things.

CENTRAL, LOCAL, END = b"PK\1\2", b"PK\3\4", b"PK\5\6"


def two(**options):
    """Two members, so that each has a neighbour."""
    return bytearray(zipped(("one", b"content of one\n", FILE), ("two", b"content of two\n", FILE), **options))


def put(data, form, at, *values):
    struct.pack_into("<" + form, data, at, *values)
    return bytes(data)


def stored():
    return two(method=zipfile.ZIP_STORED)


def large_end(data, **lies):
    """The archive with zip64 end records, as they should be but for the lies, and an end record that refers to them."""
    at = data.rindex(END)
    entries, size, offset = struct.unpack_from("<HII", data, at + 10)
    said = {"entries": entries, "size": size, "offset": offset, "place": at, "end": (65535, 0xffffffff, 0xffffffff), **lies}
    out = data[:at]
    out += struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, said["entries"], said["entries"], said["size"], said["offset"])
    out += struct.pack("<4sIQI", b"PK\6\7", 0, said["place"], 1)
    entries, size, offset = said["end"]
    return bytes(out + struct.pack("<4sHHHHIIH", END, 0, 0, entries, entries, size, offset, 0))


def large_member(size=None):
    """A member whose directory entry has its size in a zip64 extra field, or not at all."""
    data = stored()
    at, end = data.index(CENTRAL), data.rindex(END)
    put(data, "I", at + 24, 0xffffffff)
    if size is None:
        return bytes(data)
    extra = struct.pack("<HHQ", 1, 8, size)
    put(data, "H", at + 30, len(extra))
    put(data, "I", end + 12, struct.unpack_from("<I", data, end + 12)[0] + len(extra))
    return bytes(data[:at + 49] + extra + data[at + 49:])


def behind_data(junk):
    """A deflated member of which both headers count some bytes more than its data has."""
    data = bytearray(zipped(("one", b"content of one\n", FILE)))
    at = data.index(CENTRAL)
    put_both(data, 18, 20, struct.unpack_from("<I", data, 18)[0] + len(junk))
    put(data, "I", data.rindex(END) + 16, at + len(junk))
    return bytes(data[:at] + junk + data[at:])


@archive("two-ends.zip")
def _():
    data = bytes(two())
    other = zipped(("other", b"x", FILE))
    at = data.rindex(END)
    return data[:at + 20] + struct.pack("<H", len(other)) + other


@archive("trailing.zip")
def _():
    return bytes(two()) + b"more"


@archive("padded.zip")
def _():
    return MAKERS["good.zip"]() + bytes(10000)


@archive("comment.zip")
def _():
    data = MAKERS["good.zip"]()
    return data[:-2] + struct.pack("<H", 65535) + b"PK\5\6" * 16383 + b"end"


@archive("unordered.zip")
def _():
    data = two()
    at, end = data.index(CENTRAL), data.rindex(END)
    other = data.index(CENTRAL, at + 1)
    return bytes(data[:at] + data[other:end] + data[at:other] + data[end:])


@archive("large.zip")
def _():
    return large_end(large_member(15))


for _name, _make in {
        "count-less": lambda: put(two(), "HH", two().rindex(END) + 8, 1, 1),
        "count-more": lambda: put(two(), "HH", two().rindex(END) + 8, 3, 3),
        "parts": lambda: put(two(), "H", two().rindex(END) + 8, 1),
        "disk": lambda: put(two(), "H", two().rindex(END) + 4, 1),
        "directory-less": lambda: put(two(), "I", two().rindex(END) + 12, 49),
        "directory-more": lambda: put(two(), "I", two().rindex(END) + 12, 0xfffffff),
        "directory-late": lambda: put(two(), "I", two().rindex(END) + 16, len(two())),
        "name-differs": lambda: bytes(two()).replace(b"two", b"owt", 1),
        "name-longer": lambda: put(stored(), "HH", 26, 2, 1),
        "flags-differ": lambda: put(two(), "H", two().index(CENTRAL) + 8, 1 << 11),
        "method-differs": lambda: put(stored(), "H", stored().index(CENTRAL) + 10, 8),
        "same-data": lambda: put(two(), "I", two().rindex(CENTRAL) + 42, 0),
        "in-data": lambda: put(two(), "I", two().rindex(CENTRAL) + 42, 40),
        "in-directory": lambda: put(two(), "I", two().rindex(CENTRAL) + 42, two().index(CENTRAL)),
        "behind-directory": lambda: put(two(), "I", two().rindex(CENTRAL) + 42, len(two())),
        "overlap": lambda: put(put_both(stored(), 18, 20, 60), "I", 0, 0x04034b50),
        "size-more": lambda: put_both(two(), 22, 24, 16),
        "size-less": lambda: put_both(two(), 22, 24, 14),
        "size-none": lambda: put_both(two(), 22, 24, 0),
        "packed-less": lambda: put_both(two(), 18, 20, 9),
        **{"behind-%d" % count: lambda count=count: behind_data(b"\xaa" * count) for count in (1, 6, 7, 9)},
        "packed-more": lambda: put_both(two(), 18, 20, 0xffffff),
        "size-differs": lambda: put(two(), "I", two().index(CENTRAL) + 24, 16),
        "crc-differs": lambda: put(two(), "I", two().index(CENTRAL) + 16, 1),
        "method": lambda: put(put_both(two(), 8, 10, 14, "H"), "I", 0, 0x04034b50),
        "extra-long": lambda: put(two(), "H", two().index(CENTRAL) + 30, 9),
        "large-count": lambda: large_end(two(), entries=1 << 40),
        "large-size": lambda: large_end(two(), size=1 << 63),
        "large-offset": lambda: large_end(two(), offset=(1 << 64) - 1),
        "large-place": lambda: large_end(two(), place=0),
        "large-contradicts": lambda: large_end(two(), end=(2, 97, 0)),
        "large-missing": lambda: large_member(),
        "large-negative": lambda: large_member((1 << 64) - 1),
        "name-nul": lambda: bytes(two()).replace(b"two", b"t\0o"),
        "not-utf8": lambda: zipped(("\u00fc", b"x", FILE)).replace("\u00fc".encode(), b"\xfc\xfc"),
        "link-long": lambda: zipped(("link", b"a/" * 4096, LINK)),
        "link-nul": lambda: zipped(("link", b"a\0b", LINK)),
}.items():
    archive(_name + ".zip")(_make)


@archive("first-fails.zip")
def _():
    """Of the first member the end is damaged, which takes long to find; the one behind it is refused at once."""
    data = zipped(("first", pseudo_random(1 << 20), FILE), ("second", b"x", FILE), ("third", b"/outside", LINK),
                  method=zipfile.ZIP_STORED)
    return flipped(data, (1 << 20) + 30)


@archive("many.zip")
def _():
    return zipped(*[("d%d/f%d" % (i % 7, i), b"content %d\n" % i, FILE) for i in range(1000)])


def put_both(data, local, central, value, form="I"):
    """Says the same wrong thing of the first member in both of its headers."""
    put(data, form, local, value)
    put(data, form, data.index(CENTRAL) + central, value)
    return data


@archive("bomb.zip")
def _():
    return zipped(("zeros", bytes(100 << 20), FILE))


# No archive

@archive("tool")
def _():
    return b"\177ELF" + pseudo_random(5000)


@archive("script")
def _():
    return b"#!/bin/sh\necho run\n"


@archive("appended")
def _():
    return b"#!/bin/sh\nexit 0\n" + zipped(("a", b"x", FILE))


@archive("zero")
def _():
    return b""


def write(path):
    with open(path, "wb") as out:
        out.write(MAKERS[os.path.basename(path)]())


def main(arguments):
    global OUTSIDE
    if arguments == ["--list"]:
        print("\n".join(MAKERS))
        return
    every = arguments[0] == "--all"
    target, OUTSIDE = (arguments[every:] + [OUTSIDE])[:2]
    for path in [os.path.join(target, name) for name in MAKERS] if every else [target]:
        write(path)


main(sys.argv[1:])
