#!/bin/sh
''':'
# For the shell, which comes to this sooner than Python does: "at once" is not to depend on the load.
while read -r word value; do
  case $word in
  dies-at-once) exit 1 ;;
  starts-at-attempt)
    while [ "$value" -gt 1 ]; do
      value=$((value - 1))
      mkdir "attempt.$value" 2>/dev/null && exit 1
    done
    ;;
  esac
done <"${0%/*}/behaviour"
exec /usr/bin/python3 "$0" "$@"
'''
"""A web server for the tests: it serves the socket that it is passed (LISTEN_FDS), answers with its version, and on SIGTERM
finishes what it has begun. The file "behaviour" beside it makes it misbehave:
  dies-at-once           exit 1 before it serves
  dies-after SECONDS     exit 1 between two requests, so much later
  unhealthy              answers /health with 500
  starts-at-attempt N    exit 1 before it serves, N - 1 times
  stumbles N             answers the Nth request for /health with 500
  answers-long           answers /health with a body that is larger than anybody wants to read
  answers-on             answers /health with a body without end, of which a line comes now and then
  answers-late SECONDS   takes so long to answer /health
  slow-start SECONDS     says STATUS=starting at once, but READY=1 only then
  awaits FILE            says STATUS=starting at once, but READY=1 only when FILE is there
  says-ready             says READY=1 when it serves
  ends-after SECONDS     takes so long to end
  dies-starting SECONDS  exit 1 so much later, before it serves or says READY=1
  ignores-term           does not end on SIGTERM
  leaves-child           leaves a child behind, in its process group, that ignores SIGTERM and holds the socket
Each request for /health adds a line with its version to the file that HEALTH_LOG names.
"""
import os, signal, socket, sys, time

here = os.path.dirname(os.path.realpath(__file__))
version = open(os.path.join(here, "version")).read().strip()
behaviour = dict((line.split() + [""])[:2] for line in open(os.path.join(here, "behaviour")) if line.strip())


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
if "awaits" in behaviour:
    tell(b"STATUS=starting")
    while not os.path.exists(behaviour["awaits"]):
        time.sleep(0.02)
listener = socket.socket(fileno=int(os.environ.get("SERVER_STARTER_PORT", "=3").split(";")[0].rsplit("=", 1)[1]))
listener.settimeout(0.05)
ending = []
signal.signal(signal.SIGTERM, signal.SIG_IGN if "ignores-term" in behaviour else lambda *_: ending.append(1))
if "leaves-child" in behaviour and os.fork() == 0:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(600)
    os._exit(0)
if behaviour.keys() & {"says-ready", "slow-start", "awaits"}:
    tell(b"READY=1")
dies_at = time.monotonic() + float(behaviour["dies-after"]) if "dies-after" in behaviour else None
asked = 0

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
            health = len(request) > 1 and request[1] == b"/health"
            asked += health
            if health and "HEALTH_LOG" in os.environ:
                with open(os.environ["HEALTH_LOG"], "a") as log:
                    log.write(version + "\n")
            if health:
                time.sleep(float(behaviour.get("answers-late", 0)))
            if health and "answers-long" in behaviour:
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 8000000\r\n\r\n" + bytes(8000000))
                continue
            if health and "answers-on" in behaviour:
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
                while not client.sendall(b"data: on\n\n"):
                    time.sleep(0.2)
            bad = health and ("unhealthy" in behaviour or behaviour.get("stumbles") == str(asked))
            client.sendall(b"HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s\n" % (
                b"500 Not well" if bad else b"200 OK", len(version) + 1, version.encode()))
        except OSError:
            pass
if "ends-after" in behaviour:
    time.sleep(float(behaviour["ends-after"]))
