#!/usr/bin/python3 -IS
"""A worker for the tests of dewy-serve: serve-worker.py PLAN RECORD.

It follows PLAN/GENERATION, or PLAN/all, one step a line, then says READY=1, and waits for signals, which it writes to RECORD.
    say TEXT      send TEXT to NOTIFY_SOCKET        child-say TEXT    let a child process send it
    await NAME    wait until PLAN/NAME is there     pause SECONDS
    exit N        end with that status              ignore            write signals down, but do not end
    silent        do not say READY=1 at the end
    fork          leave a child that ignores signals, and write down its pid
"""
import os
import signal
import socket
import sys
import time

plan, record = sys.argv[1:3]
generation = os.environ["SERVER_STARTER_GENERATION"]
ignoring = silent = False


def write(*words):
    with open(record, "a") as file:
        file.write(" ".join([generation, *map(str, words)]) + "\n")


def on_signal(number, _frame):
    write(signal.Signals(number).name)
    if not ignoring:
        os._exit(0)


def say(text):
    name = os.environ["NOTIFY_SOCKET"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(text.replace("\\n", "\n").encode(), "\0" + name[1:] if name[0] == "@" else name)


def leave_child():
    child = os.fork()
    if child == 0:
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        time.sleep(60)
        os._exit(0)
    write("child", child)


def step(word, rest):
    global ignoring, silent
    if word == "say":
        say(rest)
    elif word == "child-say":
        child = os.fork()
        if child == 0:
            say(rest)
            time.sleep(0.5)
            os._exit(0)
    elif word == "await":
        while not os.path.exists(os.path.join(plan, rest)):
            time.sleep(0.01)
    elif word == "pause":
        time.sleep(float(rest))
    elif word == "exit":
        os._exit(int(rest))
    elif word == "ignore":
        ignoring = True
    elif word == "silent":
        silent = True
    elif word == "fork":
        leave_child()
    write("did", word)


for each in ("SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2"):
    signal.signal(getattr(signal, each), on_signal)
write("start", os.getpid())
for name in (generation, "all"):
    if os.path.exists(os.path.join(plan, name)):
        with open(os.path.join(plan, name)) as file:
            for line in file.read().splitlines():
                step(*(line.split(" ", 1) + [""])[:2])
        break
if not silent:
    say("READY=1")
while True:
    signal.pause()
