#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A stand-in for Slack's chat.postMessage on a free port of 127.0.0.1.

slack.py DIR [--tls CERTIFICATE KEY] [ANSWER...]

It prints READY, and writes its port to DIR/port, once it listens. The first call gets the first ANSWER, and so on; the last one is
given for ever, "slack" when there is none:

    slack              what Slack would do: it takes the message, or says why not
    error:CODE[:JSON]  200 and {"ok":false,"error":CODE}, with the members of the JSON
    limited:SECONDS    429 and Retry-After
    json:TEXT          200 and that text as JSON
    html, empty        200 and a page of a proxy, or nothing
    flood              200 and a text without end
    hang, reset        nothing until the client goes away; the connection is broken
    STATUS             that status, and a page that is none of the API

DIR/requests has each request, one a line; DIR/calls its arguments; DIR/messages what people see of each message that was taken:
its channel, ts, thread, whether the channel sees it, too, and its texts as Slack shows them (see render). A call that is not as
Slack publishes it (slack-methods.schema.json) is a line in DIR/violations, and is refused.

The channels are deploys (C024BE91L), private (G024BE91L, the app is not in it) and archived (C0OLD00000); the token is
xoxb-good, and xoxb-reader lacks the scope.

Sources: docs.slack.dev, "chat.postMessage method", "Formatting message text", "Using the Slack Web API", "Rate limits".
"""
import argparse
import json
import os
import re
import socket
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jsonschema

import standin

CHANNELS = {"deploys": "C024BE91L", "private": "G024BE91L", "archived": "C0OLD00000"}
PAGE = b"<html><head><title>Sign in</title></head><body>Welcome to this network</body></html>"
SCHEMA = json.load(open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "slack-methods.schema.json")))

# ---------------------------------------------------------------------------------------------------------------------------
# What people see

SPECIAL = re.compile(r"<([^<>]*)>")
FORMATS = {"*": "bold", "_": "italic", "~": "strike"}


def unescape(text):
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def parse_special(inside, seen):
    """What stands for <INSIDE>: a mention of a room, a person or everybody, or a link."""
    target, _, label = inside.partition("|")
    if target[:1] in "@#!":
        seen["mentions"].append(inside)
        return "@" + (label or target[1:])
    seen["links"].append([unescape(target), unescape(label or target)])
    return label or target


def format_text(text, seen):
    """Looks for mrkdwn, and takes blocks of code out of it first: nothing in them is formatted."""
    def code(match):
        seen["code"].append(unescape(match.group(1)))
        return ""
    rest = re.sub(r"```(.*?)```", code, text, flags=re.S)
    for match in re.finditer(r"`([^`\n]+)`", rest):
        seen["formats"].append(["code", unescape(match.group(1))])
    for match in re.finditer(r"(?<!\w)([*_~])(\S(?:[^\n]*?\S)?)\1(?!\w)", rest):
        seen["formats"].append([FORMATS[match.group(1)], unescape(match.group(2))])
    for match in re.finditer(r"^(?:>|&gt;)+(.*)$", rest, flags=re.M):
        seen["formats"].append(["quote", unescape(match.group(1))])
    return rest


def render(text, formatted, arguments):
    """What a text shows: its mentions, links, formats and blocks of code, and the text itself. Notations in <> work everywhere,
    mrkdwn only where it is asked for; with parse=none nothing else becomes a link, and without link_names no @name a mention."""
    seen = {"mentions": [], "links": [], "formats": [], "code": []}
    shown = SPECIAL.sub(lambda match: parse_special(match.group(1), seen), text)
    if formatted:
        format_text(shown, seen)
    if arguments.get("parse") != "none":
        seen["links"] += [[url, url] for url in re.findall(r"https?://\S+", unescape(shown))]
    if arguments.get("link_names") or arguments.get("parse") == "full":
        seen["mentions"] += re.findall(r"(?<!\w)@\w+", shown)
    return {"text": unescape(shown), **{name: found for name, found in seen.items() if found}}


def render_attachment(attachment, arguments):
    formatted = attachment.get("mrkdwn_in", ["text", "pretext", "fields"])  # some clients format all when nothing is said
    shown = {name: render(attachment[name], name in formatted, arguments)
             for name in ("text", "pretext", "fallback", "footer", "title") if name in attachment}
    shown["fields"] = [[render(field["title"], False, arguments), render(field["value"], "fields" in formatted, arguments)]
                       for field in attachment.get("fields", [])]
    return {**shown, "color": attachment.get("color"), "ts": attachment.get("ts")}


def texts(value):
    """All texts in a value of JSON."""
    if isinstance(value, str):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from texts(part)


# ---------------------------------------------------------------------------------------------------------------------------
# Calls


class Refusal(Exception):
    def __init__(self, code, **members):
        super().__init__(code)
        self.answer = {"ok": False, "error": code, **members}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def append(self, name, line):
        with open(os.path.join(self.server.directory, name), "a") as file:
            file.write(json.dumps(line) + "\n")

    def violation(self, text):
        self.append("violations", text)
        raise Refusal("invalid_arguments", response_metadata={"messages": ["[ERROR] " + text]})

    def read_arguments(self, body):
        if self.headers.get("Content-Type") != "application/json; charset=utf-8":
            self.violation("Content-Type: " + str(self.headers.get("Content-Type")))
        try:
            return json.loads(body)
        except ValueError:
            self.violation("no JSON: " + body)

    def check(self, method, arguments):
        """Slack drops what it does not know; here it is a mistake."""
        validator = jsonschema.Draft202012Validator({"$ref": "#/$defs/" + method, "$defs": SCHEMA["$defs"]})
        for error in validator.iter_errors(arguments):
            self.violation(f"{method}: {'.'.join(map(str, error.absolute_path))}: {error.message}")
        for text in texts(arguments):
            if re.search("[<>]|&(?!(amp|lt|gt);)", SPECIAL.sub("", text)):
                self.violation("& < > have to be escaped: " + text)

    def authorize(self, arguments, body):
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        if "xoxb-" in self.path or "xoxb-" in body or "token" in arguments:
            self.violation("a token outside of the header")
        if scheme != "Bearer" or not token:
            raise Refusal("not_authed")
        if token == "xoxb-reader":
            raise Refusal("missing_scope", needed="chat:write", provided="channels:read")
        if token != "xoxb-good":
            raise Refusal("invalid_auth")

    def find_channel(self, given):
        name = given.removeprefix("#")
        channel = next((name for name in CHANNELS if given == CHANNELS[name]), name if name in CHANNELS else None)
        if channel in (None, "private"):
            raise Refusal("channel_not_found")
        if channel == "archived":
            raise Refusal("is_archived")
        return CHANNELS[channel]

    def post_message(self, body):
        arguments = self.read_arguments(body)
        self.append("calls", arguments)
        self.authorize(arguments, body)
        self.check("chat.postMessage", arguments)
        channel, thread = self.find_channel(arguments["channel"]), arguments.get("thread_ts")
        if thread and thread not in self.server.threads:
            raise Refusal("thread_not_found")
        ts = self.server.next_ts()
        self.append("messages", {
            "channel": channel, "ts": ts, "thread": thread, "broadcast": arguments.get("reply_broadcast", False),
            "attachments": [render_attachment(attachment, arguments) for attachment in arguments["attachments"]]})
        return {"ok": True, "channel": channel, "ts": ts, "message": {"type": "message", "ts": ts, "bot_id": "B1", "text": ""}}

    def call(self, body):
        if self.command != "POST" or self.path != "/api/chat.postMessage":
            self.violation(f"{self.command} {self.path}")
        return self.post_message(body)

    # -----------------------------------------------------------------------------------------------------------------------
    # Answers

    def respond(self, status, body, content_type="application/json; charset=utf-8", headers=()):
        self.send_response(status)
        for name, value in {"Content-Type": content_type, "Content-Length": str(len(body)), **dict(headers)}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def respond_json(self, answer, status=200, headers=()):
        self.respond(status, json.dumps(answer).encode(), headers=headers)

    def answer_slack(self, body, _):
        try:
            with self.server.mutex:
                self.respond_json(self.call(body))
        except Refusal as refusal:
            self.respond_json(refusal.answer)

    def answer_error(self, _, rest):
        code, _, members = rest.partition(":")
        self.respond_json({"ok": False, "error": code, **json.loads(members or "{}")})

    def answer_limited(self, _, seconds):
        self.respond_json({"ok": False, "error": "ratelimited"}, 429, {"Retry-After": seconds})

    def answer_json(self, _, text):
        self.respond(200, text.encode())

    def answer_html(self, *_):
        self.respond(200, PAGE, "text/html")

    def answer_empty(self, *_):
        self.respond(200, b"")

    def answer_flood(self, *_):
        self.send_response(200)
        self.end_headers()
        while True:
            self.wfile.write(b"x" * 65536)

    def answer_hang(self, *_):
        self.connection.recv(1)

    def answer_reset(self, *_):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        with self.server.mutex:
            self.append("requests", {"method": self.command, "path": self.path, "headers": headers, "body": body})
            answers = self.server.answers
            word, _, rest = (answers.pop(0) if len(answers) > 1 else answers[0]).partition(":")
        self.close_connection = True
        if word.isdigit():
            self.respond(int(word), PAGE, "text/html")
        else:
            getattr(self, "answer_" + word)(body, rest)

    do_GET = do_PUT = do_POST

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, directory, answers):
        super().__init__(("127.0.0.1", 0), Handler)
        self.mutex = threading.Lock()
        self.directory = directory
        self.answers = answers
        self.threads = {"1700000000.000100"}  # messages that were there before
        self.number = 0

    def next_ts(self):
        self.number += 1
        ts = f"{int(time.time())}.{self.number:06d}"
        self.threads.add(ts)
        return ts

    def handle_error(self, *_):
        pass  # a client that goes away is part of the play


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("directory")
    parser.add_argument("answers", nargs="*", default=["slack"])
    parser.add_argument("--tls", nargs=2, metavar=("CERTIFICATE", "KEY"))
    arguments = parser.parse_args()
    server = Server(arguments.directory, arguments.answers or ["slack"])
    if arguments.tls:
        standin.secure(server, *arguments.tls)
    standin.serve(server, arguments.directory)


if __name__ == "__main__":
    main()
