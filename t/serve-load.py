#!/usr/bin/python3 -IS
"""Asks a server again and again until the file STOP is there: serve-load.py PORT STOP RESULT.

Four threads open a new connection for each request. RESULT says how many were answered, and what the failures were."""
import os
import socket
import sys
import threading
import time

port, stop, result = int(sys.argv[1]), sys.argv[2], sys.argv[3]
answered, failures, lock = [0], [], threading.Lock()


def ask():
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    if not answer.startswith((b"HTTP/1.0 200", b"HTTP/1.1 200")):
        raise ValueError(repr(answer[:80]))


def repeat():
    while not os.path.exists(stop):
        try:
            ask()
            with lock:
                answered[0] += 1
                if answered[0] % 50 == 0:
                    report()
        except (OSError, ValueError) as failure:
            with lock:
                failures.append(repr(failure))
        time.sleep(0.002)


def report(end=""):
    with open(result + ".new", "w") as file:
        file.write("answered %d\nfailed %d\n%s%s" % (answered[0], len(failures), "".join(line + "\n" for line in failures), end))
    os.rename(result + ".new", result)


threads = [threading.Thread(target=repeat) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
report("end\n")
