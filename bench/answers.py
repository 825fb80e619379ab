# SPDX-License-Identifier: MIT
"""What bench/worker.c answers."""
import socket
import time


def answer(port):
    """The generation and the pid of who answers, or None."""
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as client:
            words = client.recv(64).split()
            return (int(words[0]), int(words[1])) if len(words) == 2 else None
    except OSError:
        return None


def await_true(true, seconds=60):
    """Asks every half millisecond, and returns when it was, on the monotonic clock."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(f"a server did not become what it should within {seconds} s")
        time.sleep(0.0005)
    return time.monotonic_ns()
