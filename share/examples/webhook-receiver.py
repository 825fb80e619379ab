#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Receives what dewy-notify sends to a webhook, checks its signature, and prints its text.

    WEBHOOK_SECRET=... ./webhook-receiver.py [PORT]
    DEWY_NOTIFIER=http://localhost:PORT/ WEBHOOK_SECRET=... dewy once ...

In earnest it belongs behind a server that speaks HTTPS.
"""
import collections
import hashlib
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

SECRET = os.environ["WEBHOOK_SECRET"].encode()
LARGEST = 8 << 20  # bytes; a document has 4 MiB at the most
OLDEST = 300  # seconds; an older request is one that somebody recorded
seen = collections.deque(maxlen=1000)  # the last deliveries: what was answered, but the answer lost, comes again


def is_genuine(timestamp, signature, body):
    """True when dewy-notify signed the body with our secret, and did so just now."""
    expected = hmac.new(SECRET, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return (
        hmac.compare_digest(signature.encode(), f"sha256={expected}".encode())
        and timestamp.isdigit()
        and abs(time.time() - int(timestamp)) <= OLDEST
    )


class Receiver(BaseHTTPRequestHandler):
    timeout = 30

    def do_POST(self):
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > LARGEST:
            self.send_error(413)
            return
        body = self.rfile.read(int(length))
        timestamp = self.headers.get("Dewy-Timestamp", "")
        if not is_genuine(timestamp, self.headers.get("Dewy-Signature", ""), body):
            self.send_error(401)
            return
        delivery = self.headers.get("Dewy-Delivery")
        if delivery not in seen:
            message = json.loads(body)
            document = message["document"]
            print(f"{document['app']} on {document.get('host')}: {message['text']}", flush=True)
            seen.append(delivery)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


server = HTTPServer(("localhost", int(sys.argv[1]) if len(sys.argv) > 1 else 0), Receiver)
print(f"listening on http://localhost:{server.server_port}/", flush=True)
server.serve_forever()
