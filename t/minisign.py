#!/usr/bin/env python3
"""Signatures as minisign has them, made by openssl and by hand, and ways to spoil them.

minisign.py public KEY.pem ID               prints a public key file; ID is 16 hexadecimal digits
minisign.py sign KEY.pem ID FILE COMMENT [malleated]
                                            prints a signature file; malleated, its S is not below L, as it must be
minisign.py forge FILE COMMENT              prints one that holds under the key of small order, without any secret
minisign.py weak NAME ID                    prints a public key file of small order, or one that is not canonical
minisign.py mutate SIGNATURE DIRECTORY      writes all that can become of it when it is spoilt
"""
import base64
import hashlib
import os
import subprocess
import sys
import tempfile

L = 2**252 + 27742317777372353535851937790883648493
P = 2**255 - 19
EIGHT = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"

WEAK = {
    "zero": bytes(32),
    "identity": bytes([1]) + bytes(31),
    "identity-negative": bytes([1]) + bytes(30) + b"\x80",
    "order-two": (P - 1).to_bytes(32, "little"),
    "order-four": P.to_bytes(32, "little"),
    "order-eight": bytes.fromhex(EIGHT),
    "order-eight-other": ((P - int.from_bytes(bytes.fromhex(EIGHT), "little")) % P).to_bytes(32, "little"),
    "not-canonical": (P + 3).to_bytes(32, "little"),
}


def out(data):
    sys.stdout.buffer.write(data)


def encode(data):
    return base64.b64encode(data)


def number(key_id):
    return bytes.fromhex(key_id)[::-1]


def digest(path):
    with open(path, "rb") as file:
        return hashlib.blake2b(file.read()).digest()


def openssl_sign(key, message):
    with tempfile.NamedTemporaryFile() as file:
        file.write(message)
        file.flush()
        return subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", key, "-in", file.name], check=True,
                              stdout=subprocess.PIPE).stdout


def public_file(key_id, point):
    return b"untrusted comment: minisign public key " + key_id.encode() + b"\n" + encode(b"Ed" + number(key_id) + point) + b"\n"


def public(key, key_id):
    der = subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-outform", "DER"], check=True,
                         stdout=subprocess.PIPE).stdout
    out(public_file(key_id, der[-32:]))


def signature_file(content, comment, whole, untrusted=b"made by hand"):
    return b"untrusted comment: %s\n%s\ntrusted comment: %s\n%s\n" % (untrusted, encode(content), comment, encode(whole))


def sign(key, key_id, path, comment, malleated=None):
    comment = comment.encode()
    signature = openssl_sign(key, digest(path))
    if malleated:
        signature = base64.b64decode(malleate(encode(signature), 32))
    out(signature_file(b"ED" + number(key_id) + signature, comment, openssl_sign(key, signature + comment)))


def forge(path, comment):
    everything = bytes([1]) + bytes(63)  # R is the identity, and S is zero
    out(signature_file(b"ED" + number("0000000000000001") + everything, comment.encode(), everything))


def flip(line, at, bit=1):
    data = bytearray(base64.b64decode(line))
    data[at] ^= bit
    return encode(bytes(data))


def malleate(line, at):
    data = base64.b64decode(line)
    scalar = int.from_bytes(data[at:at + 32], "little") + L
    return encode(data[:at] + scalar.to_bytes(32, "little") + data[at + 32:])


def at_line(number, change):
    def mutate(text):
        lines = text.split(b"\n")
        lines[number] = change(lines[number])
        return b"\n".join(lines)
    return mutate


MUTATIONS = {
    # what stands for the same, and other comments that nobody has signed
    "nothing": lambda text: text,
    "untrusted-comment": at_line(0, lambda line: b"untrusted comment: anything at all"),
    "crlf": lambda text: text.replace(b"\n", b"\r\n"),
    "no-last-newline": lambda text: text[:-1],
    # the signature of the file
    "algorithm": at_line(1, lambda line: flip(line, 0)),
    "legacy-algorithm": at_line(1, lambda line: flip(line, 1, ord("D") ^ ord("d"))),
    "key-id-first": at_line(1, lambda line: flip(line, 2)),
    "key-id-last": at_line(1, lambda line: flip(line, 9)),
    "r-first": at_line(1, lambda line: flip(line, 10)),
    "r-last": at_line(1, lambda line: flip(line, 41, 0x80)),
    "s-first": at_line(1, lambda line: flip(line, 42)),
    "s-last": at_line(1, lambda line: flip(line, 73)),
    "s-not-below-l": at_line(1, lambda line: malleate(line, 42)),
    "signature-short": at_line(1, lambda line: encode(base64.b64decode(line)[:-1])),
    "signature-long": at_line(1, lambda line: encode(base64.b64decode(line) + b"\0")),
    "signature-empty": at_line(1, lambda line: b""),
    "signature-no-base64": at_line(1, lambda line: b"!" + line[1:]),
    "signature-not-canonical": at_line(1, lambda line: line[:-2] + bytes([line[-2] + 1]) + b"="),
    "signature-unpadded": at_line(1, lambda line: line[:-1]),
    "signature-blank": at_line(1, lambda line: line + b" "),
    # the trusted comment
    "comment-first": at_line(2, lambda line: line.replace(b"comment: ", b"comment: x", 1)),
    "comment-last": at_line(2, lambda line: line + b"x"),
    "comment-blank": at_line(2, lambda line: line + b" "),
    "comment-empty": at_line(2, lambda line: b"trusted comment: "),
    "comment-prefix": at_line(2, lambda line: line.replace(b"trusted", b"Trusted", 1)),
    "comment-no-prefix": at_line(2, lambda line: line.replace(b"trusted comment: ", b"")),
    "comment-control": at_line(2, lambda line: line + b"\x1b[2J"),
    "comment-zero": at_line(2, lambda line: line + b"\0 version=9"),
    "comment-utf8": at_line(2, lambda line: line + b"\xff"),
    "comment-long": at_line(2, lambda line: line + b"x" * 8200),
    # the global signature
    "global-r": at_line(3, lambda line: flip(line, 0)),
    "global-s": at_line(3, lambda line: flip(line, 63)),
    "global-s-not-below-l": at_line(3, lambda line: malleate(line, 32)),
    "global-short": at_line(3, lambda line: encode(base64.b64decode(line)[:-1])),
    "global-is-the-other": lambda text: b"\n".join(
        text.split(b"\n")[:3] + [encode(base64.b64decode(text.split(b"\n")[1])[10:]), b""]),
    # the file
    "untrusted-prefix": at_line(0, lambda line: line.replace(b"untrusted", b"Untrusted")),
    "untrusted-long": at_line(0, lambda line: line + b"x" * 1100),
    "empty": lambda text: b"",
    "one-line": lambda text: b"\n".join(text.split(b"\n")[:1]),
    "two-lines": lambda text: b"\n".join(text.split(b"\n")[:2]),
    "three-lines": lambda text: b"\n".join(text.split(b"\n")[:3]),
    "cut": lambda text: text[:-20],
    "trailing-line": lambda text: text + b"one more\n",
    "trailing-blank": lambda text: text + b"\n",
    "leading-blank": lambda text: b"\n" + text,
    "twice": lambda text: text + text,
    "zeros": lambda text: bytes(len(text)),
    "huge": lambda text: text + b"x" * 20000,
}


def mutate(path, directory):
    with open(path, "rb") as file:
        text = file.read()
    for name, change in MUTATIONS.items():
        with open(os.path.join(directory, name), "wb") as file:
            file.write(change(text))


def main(command, *arguments):
    if command == "public":
        public(*arguments)
    elif command == "sign":
        sign(*arguments)
    elif command == "forge":
        forge(*arguments)
    elif command == "weak":
        out(public_file(arguments[1], WEAK[arguments[0]]))
    elif command == "mutate":
        mutate(*arguments)
    else:
        sys.exit(__doc__)


main(*sys.argv[1:])
