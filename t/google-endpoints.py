#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Answers as the endpoints of Google may, also wrongly: what no emulator does on demand.

    google-endpoints.py DIR     serves 127.0.0.1, and writes the port to DIR/port

DIR/answers is a list in JSON, read at each request; the first entry counts whose "path" is a regular expression for the whole
"METHOD PATH?QUERY", and that is not used up:
  status (200), headers, json or text    the answer
  times       how often it is given; always when it is missing
  need        headers that the request must have; 403 without them
  fill        so many spaces behind the text
  break       so many bytes of the body, and the end
  ranges      true: Range is understood
DIR/requests has a line of JSON for each request: method, path, headers, body, status.
"""

import http.server
import json
import pathlib
import re
import sys

import standin

directory = pathlib.Path(sys.argv[1])
used = {}


def choose(call):
    for index, answer in enumerate(json.loads((directory / "answers").read_text())):
        if re.fullmatch(answer["path"], call) and used.get((index, answer["path"]), 0) < answer.get("times", float("inf")):
            used[index, answer["path"]] = used.get((index, answer["path"]), 0) + 1
            return answer
    return {"status": 404, "text": "nobody said what to answer"}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        answer = choose(f"{self.command} {self.path}")
        if any(self.headers.get(name) != value for name, value in answer.get("need", {}).items()):
            answer = {"status": 403, "text": "a header is missing"}
        body = (json.dumps(answer["json"]) if "json" in answer else answer.get("text", "")).encode()
        status, headers, fill = answer.get("status", 200), dict(answer.get("headers", {})), answer.get("fill", 0)
        part = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        if answer.get("ranges") and part:
            start = int(part[1])
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
            status, body = 206, body[start:]
        with open(directory / "requests", "a") as requests:
            entry = {"method": self.command, "path": self.path, "headers": dict(self.headers), "body": content, "status": status}
            requests.write(json.dumps(entry) + "\n")
        self.send_response(status)
        for name, value in headers.items():
            for one in value if isinstance(value, list) else [value]:
                self.send_header(name, one)
        self.send_header("Content-Length", str(len(body) + fill))
        self.end_headers()
        if "break" in answer:
            self.wfile.write(body[: answer["break"]])
            self.close_connection = True
            return
        try:
            self.wfile.write(body)
            for _ in range(0, fill, 1 << 20):
                self.wfile.write(b" " * min(1 << 20, fill))
                fill -= 1 << 20
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
standin.serve(server, directory)
