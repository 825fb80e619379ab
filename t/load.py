#!/usr/bin/python3
"""load.py URL PREFIX: asks URL without pause, a new connection each time, from four threads, until PREFIX.stop exists. Writes
PREFIX.ready when every thread had its first answer, and at the end the number of all requests to PREFIX.all, and then of those
that failed to PREFIX.failed."""
import os, sys, threading, urllib.request

url, prefix = sys.argv[1:]
counts, firsts = [], threading.Barrier(4, action=lambda: open(prefix + ".ready", "w").close())


def ask():
    all_requests, failed = 0, []
    while not os.path.exists(prefix + ".stop"):
        all_requests += 1
        try:
            with urllib.request.urlopen(url, timeout=20) as answer:
                answer.read()
        except OSError as error:
            failed.append(repr(error))
        if all_requests == 1:
            firsts.wait()
    counts.append((all_requests, failed))


threads = [threading.Thread(target=ask) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
with open(prefix + ".all", "w") as file:
    print(sum(count for count, _ in counts), file=file)
for _, failed in counts:
    for error in failed:
        print(error, file=sys.stderr)
with open(prefix + ".counting", "w") as file:
    print(sum(len(failed) for _, failed in counts), file=file)
os.rename(prefix + ".counting", prefix + ".failed")
