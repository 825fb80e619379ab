#!/usr/bin/python3
"""A web server for the tests: it serves the socket that it is passed (LISTEN_FDS), answers with its version, and on SIGTERM
finishes what it has begun. The file "behaviour" beside it makes it misbehave:
  dies-at-once           exit 1 before it serves
  dies-after SECONDS     exit 1 between two requests, so much later
  unhealthy              answers /health with 500
  slow-start SECONDS     says STATUS=starting at once, but READY=1 only then
  says-ready             says READY=1 when it serves
  dies-starting SECONDS  exit 1 so much later, before it serves or says READY=1
  ignores-term           does not end on SIGTERM
  leaves-child           leaves a child behind, in its process group, that ignores SIGTERM and holds the socket
"""
import os, signal, socket, sys, time

here = os.path.dirname(os.path.realpath(__file__))
version = open(os.path.join(here, "version")).read().strip()
behaviour = dict((line.split() + [""])[:2] for line in open(os.path.join(here, "behaviour")) if line.strip())

if "dies-at-once" in behaviour:
    sys.exit(1)


def tell(message):
    path = os.environ["NOTIFY_SOCKET"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.sendto(message, "\0" + path[1:] if path[0] == "@" else path)


if "dies-starting" in behaviour:
    tell(b"STATUS=starting")
    time.sleep(float(behaviour["dies-starting"]))
    sys.exit(1)
if "slow-start" in behaviour:
    tell(b"STATUS=starting")
    time.sleep(float(behaviour["slow-start"]))
listener = socket.socket(fileno=int(os.environ.get("SERVER_STARTER_PORT", "=3").split(";")[0].rsplit("=", 1)[1]))
listener.settimeout(0.05)
ending = []
signal.signal(signal.SIGTERM, signal.SIG_IGN if "ignores-term" in behaviour else lambda *_: ending.append(1))
if "leaves-child" in behaviour and os.fork() == 0:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(600)
    os._exit(0)
if "says-ready" in behaviour or "slow-start" in behaviour:
    tell(b"READY=1")
dies_at = time.monotonic() + float(behaviour["dies-after"]) if "dies-after" in behaviour else None

while not ending:
    if dies_at and time.monotonic() >= dies_at:
        sys.exit(1)
    try:
        client, _ = listener.accept()
    except (socket.timeout, InterruptedError, BlockingIOError):
        continue
    with client:
        client.settimeout(5)
        try:
            request = client.recv(4096).split()
            bad = "unhealthy" in behaviour and len(request) > 1 and request[1] == b"/health"
            client.sendall(b"HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s\n" % (
                b"500 Not well" if bad else b"200 OK", len(version) + 1, version.encode()))
        except OSError:
            pass
