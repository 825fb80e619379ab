#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A stand-in for a service to download from, on a free port of 127.0.0.1.

downloads.py DIR [--tls CERTIFICATE KEY] ANSWER...

It serves DIR/artifact, as it is at the time of the request, at any path, or DIR/NAME at one that ends in NAME when that is there,
with its digest as ETag. It prints READY, and writes its
port to DIR/port, once it listens. Each request becomes a line of JSON in DIR/requests when it is over: its number,
from 1, path, range, if_range, status, and how many bytes of the body were sent. The first request gets the first ANSWER, and so on; the last one is given for ever:

    serve          the artifact, or the part that Range and If-Range ask for (RFC 9110, 13.1.5 and 14.2)
    reset:BYTES    the same, but the connection is reset after so many bytes of the body, of which the client may lose some, and
                   DIR/next, if it is there, becomes DIR/artifact
    short:BYTES    the same, but the connection is closed, so that no byte is lost
    wait:BYTES     the same, but after so many bytes it goes on with one every 50 ms until there is DIR/go
    stall:BYTES    the same, but after so many bytes nothing comes until the client goes away
    whole          all of it, as if there were no ranges
    untold         all of it without a length and a validator
    careless       the part that Range asks for, whatever If-Range says
    endless        a body without length and end, with the status 200, or endless:STATUS
    redirect:URL   302 to there
    STATUS[,NAME=VALUE...]  that status with those headers

What is followed by ,NAME=VALUE... has those headers, too; an ETag among them replaces the other.
"""
import argparse
import fcntl
import hashlib
import json
import os
import re
import socket
import struct
import termios
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

import standin

BLOCK = 65536


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        with self.server.mutex:
            answers = self.server.answers
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            self.server.asked += 1
            self.number = self.server.asked
        self.status, self.sent, self.close_connection = None, 0, True
        try:
            self.answer(*answer.split(","))
        except OSError:
            pass  # a client that goes away is part of the play
        finally:
            self.record()

    def record(self):
        line = {
            "number": self.number,
            "path": self.path,
            "range": self.headers.get("Range"),
            "if_range": self.headers.get("If-Range"),
            "status": self.status,
            "sent": self.sent,
        }
        with self.server.mutex, open(os.path.join(self.server.directory, "requests"), "a") as requests:
            requests.write(json.dumps(line) + "\n")

    def answer(self, word, *headers):
        word, _, argument = word.partition(":")
        if word.isdigit():
            self.begin(int(word), headers, 3)
            self.send(b"no\n")
        elif word == "redirect":
            self.begin(302, ["Location=" + argument], 0)
        elif word == "endless":
            self.begin(int(argument or 200), headers)
            while True:
                self.send(b"x" * BLOCK)
        else:
            self.serve(word, int(argument or 0), headers)

    def file(self):
        named = os.path.join(self.server.directory, unquote(urlsplit(self.path).path).rpartition("/")[2])
        return named if os.path.isfile(named) else os.path.join(self.server.directory, "artifact")

    def serve(self, word, count, headers):
        with open(self.file(), "rb") as file:
            etag = self.etag(file, headers)
            size = file.seek(0, os.SEEK_END)
            start = 0 if word in ("whole", "untold") else self.start(etag, word == "careless")
            file.seek(start)
            headers = ["ETag=" + etag, *(header for header in headers if not header.startswith("ETag="))]
            if start >= size > 0:
                self.begin(416, [f"Content-Range=bytes */{size}"], 0)
                return
            if word == "untold":
                self.begin(200, headers[1:])
            elif start:
                self.begin(206, [f"Content-Range=bytes {start}-{size - 1}/{size}", *headers], size - start)
            else:
                self.begin(200, headers, size)
            self.copy(file, count if word in ("reset", "short", "wait", "stall") else size)
            if word in ("reset", "short", "wait", "stall"):
                getattr(self, word)(file)

    @staticmethod
    def etag(file, headers):
        told = [header[5:] for header in headers if header.startswith("ETag=")]
        return told[0] if told else '"%s"' % hashlib.file_digest(file, "md5").hexdigest()

    def start(self, etag, careless):
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        fresh = careless or self.headers.get("If-Range", etag) == etag
        return int(asked[1]) if asked and fresh else 0

    def copy(self, file, count):
        while count > 0:
            block = file.read(min(BLOCK, count))
            if not block:
                return
            self.send(block)
            count -= len(block)

    def wait(self, file):
        while not os.path.exists(os.path.join(self.server.directory, "go")):
            self.send(file.read(1))
            time.sleep(0.05)
        self.copy(file, 1 << 40)

    def stall(self, _):
        self.connection.recv(1)

    def short(self, _):
        if os.path.exists(os.path.join(self.server.directory, "next")):
            os.rename(os.path.join(self.server.directory, "next"), os.path.join(self.server.directory, "artifact"))

    def reset(self, _):
        while struct.unpack("i", fcntl.ioctl(self.connection, termios.TIOCOUTQ, b"\0" * 4))[0]:
            time.sleep(0.005)  # what was sent has to arrive: a reset throws away what is still here
        self.short(None)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def begin(self, status, headers, length=None):
        self.status = status
        self.send_response(status)
        for header in headers:
            self.send_header(*header.split("=", 1))
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.send_header("Connection", "close")
        self.end_headers()

    def send(self, block):
        self.wfile.write(block)
        self.sent += len(block)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def shutdown_request(self, request):
        self.close_request(request)  # no shutdown before it: that would make a reset an orderly end

    def handle_error(self, *_):
        pass  # a client that goes away is part of the play


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("directory")
    parser.add_argument("answers", nargs="+")
    parser.add_argument("--tls", nargs=2, metavar=("CERTIFICATE", "KEY"))
    arguments = parser.parse_args()
    server = Server(("127.0.0.1", 0), Handler)
    server.mutex = threading.Lock()
    server.directory = arguments.directory
    server.answers, server.asked = arguments.answers, 0
    if arguments.tls:
        standin.secure(server, *arguments.tls)
    standin.serve(server, arguments.directory)


if __name__ == "__main__":
    main()
