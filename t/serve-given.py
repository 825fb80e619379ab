#!/usr/bin/python3 -IS
"""Becomes a command that finds sockets as sd_listen_fds(3) has it: serve-given.py SOCKET... -- COMMAND.

SOCKET is tcp:HOST:PORT, dual:PORT (IPv6 that takes IPv4, too), udp:HOST:PORT, unix:PATH, abstract:NAME, stream:HOST:PORT (one that
does not listen) or file:PATH. $GIVEN_NAMES becomes LISTEN_FDNAMES, $GIVEN_PID LISTEN_PID, $GIVEN_COUNT LISTEN_FDS."""
import os
import socket
import sys


def internet(kind, place):
    host, port = place.rsplit(":", 1)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, kind)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    made.bind((host.strip("[]"), int(port)))
    return made


def dual(port):
    made = socket.socket(socket.AF_INET6)
    made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    made.bind(("::", int(port)))
    return made


def local(name):
    made = socket.socket(socket.AF_UNIX)
    made.bind(name)
    return made


def make(word):
    kind, place = word.split(":", 1)
    if kind == "file":
        return os.open(place, os.O_RDONLY)
    made = {
        "tcp": lambda: internet(socket.SOCK_STREAM, place),
        "stream": lambda: internet(socket.SOCK_STREAM, place),
        "udp": lambda: internet(socket.SOCK_DGRAM, place),
        "dual": lambda: dual(place),
        "unix": lambda: local(place),
        "abstract": lambda: local("\0" + place),
    }[kind]()
    if kind not in ("udp", "stream"):
        made.listen(100)
    return made.detach()


split = sys.argv.index("--")
made = [make(word) for word in sys.argv[1:split]]
high = [os.dup2(fd, 100 + i, inheritable=False) for i, fd in enumerate(made)]
for i, fd in enumerate(high):
    os.dup2(fd, 3 + i, inheritable=True)
os.environ["LISTEN_FDS"] = os.environ.pop("GIVEN_COUNT", str(len(made)))
os.environ["LISTEN_PID"] = os.environ.pop("GIVEN_PID", str(os.getpid()))
if "GIVEN_NAMES" in os.environ:
    os.environ["LISTEN_FDNAMES"] = os.environ.pop("GIVEN_NAMES")
os.execvp(sys.argv[split + 1], sys.argv[split + 1:])
