#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A mail server that does what real ones do on bad days. Usage: mailserver.py DIR BEHAVIOUR...

The first connection meets the first behaviour, and so on; the last one stays. A behaviour is a list of STEP=ANSWER with | between
them, for the steps "greeting", EHLO, AUTH, "password", MAIL, RCPT, DATA, "." and QUIT. An ANSWER is what it says instead of yes,
with {} for what it was told, or "hang", or "close". It has AUTH PLAIN, but no TLS. DIR/port has the port, DIR/dialogue what it was told,
DIR/mails the messages.
"""
import os
import socketserver
import sys
import threading

import standin

directory, behaviours = sys.argv[1], sys.argv[2:]
lock = threading.Lock()


class Over(Exception):
    pass


class Handler(socketserver.StreamRequestHandler):
    def setup(self):
        super().setup()
        with lock:
            behaviour = behaviours.pop(0) if len(behaviours) > 1 else behaviours[0]
        self.answers = dict(part.split("=", 1) for part in behaviour.split("|") if part)

    def note(self, name, text):
        with lock, open(os.path.join(directory, name), "a", encoding="latin-1") as file:
            file.write(text)

    def answer(self, step, usual, told=""):
        said = self.answers.get(step, usual)
        if said == "hang":
            while self.rfile.readline():
                pass
        if said in ("hang", "close"):
            raise Over
        self.wfile.write((said.replace("{}", told) + "\r\n").encode())
        return said

    def body(self):
        mail = ""
        while (line := self.rfile.readline().decode("latin-1")) != ".\r\n":
            if not line:
                raise Over
            mail += line
        self.note("mails", mail + "\f\n")
        self.answer(".", "250 taken")

    def handle(self):
        usual = {"EHLO": "250-stand-in\r\n250-AUTH PLAIN\r\n250 SIZE 1000000", "AUTH": "334 ", "password": "235 hello",
                 "MAIL": "250 yes", "RCPT": "250 yes", "DATA": "354 go on", "QUIT": "221 bye"}
        try:
            self.answer("greeting", "220 stand-in")
            while line := self.rfile.readline().decode("latin-1").strip():
                self.note("dialogue", line + "\n")
                step = line.split(" ")[0]
                step = step if step in usual else "password"
                said = self.answer(step, usual[step], line)
                if step == "DATA" and said.startswith("3"):
                    self.body()
                if step == "QUIT":
                    return
        except (Over, ConnectionError):
            pass


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


standin.serve(Server(("127.0.0.1", 0), Handler), directory)
