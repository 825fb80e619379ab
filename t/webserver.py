#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A stand-in web server on a free port of 127.0.0.1.

webserver.py DIR [--tls CERTIFICATE KEY] [ANSWER...]

It prints READY, and writes its port to DIR/port, once it listens. Each request becomes a line of JSON in DIR/requests.
The first request gets the first ANSWER, and so on; the last one is given for ever, 200 when there is none:

    STATUS[,NAME=VALUE...][,@FILE][,cut|,stall]
                             that status, with those headers, and the content of FILE as its body; cut: the connection ends before
                             all of the body that was announced; stall: it stays open then, until the client goes away
    hang                     nothing, until the client goes away, which makes the file DIR/gone
    reset                    the connection is broken
    flood                    200, and a body without end
    delay:SECONDS            200, that late
"""
import argparse
import json
import os
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import standin


class Handler(BaseHTTPRequestHandler):
    def record(self):
        length = int(self.headers.get("Content-Length", 0))
        line = {
            "method": self.command,
            "path": self.path,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "body": self.rfile.read(length).decode(),
        }
        with self.server.mutex:
            with open(os.path.join(self.server.directory, "requests"), "a") as requests:
                requests.write(json.dumps(line) + "\n")
            return self.server.answers.pop(0) if len(self.server.answers) > 1 else self.server.answers[0]

    def wait_for_client(self, seconds):
        """Waits for the end of the connection, and returns True, or until the time is over."""
        self.connection.settimeout(seconds)
        try:
            return self.connection.recv(1) == b""
        except TimeoutError:
            return False
        except OSError:
            return True

    def reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def answer(self):
        answer = self.record()
        word, *headers = answer.split(",")
        if word == "hang":
            self.wait_for_client(None)
            open(os.path.join(self.server.directory, "gone"), "w").close()
        elif word == "reset":
            self.reset()
        elif word == "flood":
            self.flood()
        elif word.startswith("delay:"):
            if not self.wait_for_client(float(word[6:])):
                self.respond(200, [])
        else:
            self.respond(int(word), headers)

    def respond(self, status, headers):
        body = b"ok\n"
        missing = 0
        self.send_response(status)
        for header in headers:
            if header.startswith("@"):
                with open(header[1:], "rb") as file:
                    body = file.read()
            elif header in ("cut", "stall"):
                missing = 1
            else:
                self.send_header(*header.split("=", 1))
        self.send_header("Content-Length", str(len(body) + missing))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        if "stall" in headers:
            self.wait_for_client(None)

    def flood(self):
        self.send_response(200)
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"x" * 65536)
        except OSError:
            pass

    do_GET = do_HEAD = do_POST = do_PUT = answer

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass  # a client that goes away is part of the play


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("directory")
    parser.add_argument("answers", nargs="*")
    parser.add_argument("--tls", nargs=2, metavar=("CERTIFICATE", "KEY"))
    arguments = parser.parse_args()
    server = Server(("127.0.0.1", 0), Handler)
    server.mutex = threading.Lock()
    server.directory = arguments.directory
    server.answers = arguments.answers or ["200"]
    if arguments.tls:
        standin.secure(server, *arguments.tls)
    standin.serve(server, arguments.directory)


if __name__ == "__main__":
    main()
