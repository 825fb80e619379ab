#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A stand-in for the services that give AWS credentials, and for an S3 that one release is in.

aws-endpoints.py DIR [ADDRESS [PORT]]

It writes its port to DIR/port once it listens. Each request becomes a line of JSON in DIR/requests: service, method, path, form and,
where it is signed, key_id and session_token. It gives key N of the service, KEYstsN, which is good for DIR/lifetime seconds (3600).

    POST /                  STS's query API: AssumeRole and GetCallerIdentity, whose signature is verified, and
                            AssumeRoleWithWebIdentity; DIR/refusal, when it is there, is the code with which it refuses
    GET  /container...      the container service; DIR/authorization is what the header Authorization has to be
    PUT, GET /latest/...    the instance metadata service, version 2; there is no role while DIR/no-role is there
    GET  /BUCKET/           S3; its requests are signed by keys of this server or by AKIAENV, AKIAFILE and AKIAPROC, whose secrets are
                            the key id in small letters; the key id in DIR/revoked has expired
"""
import datetime
import hashlib
import hmac
import json
import os
import re
import sys
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import standin

ROLE = "arn:aws:iam::123456789012:role/deploy"
INSTANCE_ROLE = "web server"
LISTING = """<ListBucketResult><IsTruncated>false</IsTruncated>{}</ListBucketResult>"""


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def sign(key, text):
    return hmac.new(key, text.encode(), "sha256").digest()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def file(self, name, fallback=None):
        try:
            with open(os.path.join(sys.argv[1], name)) as file:
                return file.read().strip()
        except FileNotFoundError:
            return fallback

    def give_key(self, service, token_name="Token"):
        """Returns a new key as JSON has it."""
        counter = self.server.counters[service] = self.server.counters.get(service, 0) + 1
        lifetime = datetime.timedelta(seconds=int(self.file("lifetime", 3600)))
        expires = datetime.datetime.now(datetime.timezone.utc) + lifetime
        key = f"KEY{service}{counter}"
        return {
            "AccessKeyId": key,
            "SecretAccessKey": key.lower(),
            token_name: f"session/{key}+=",
            "Expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }

    def key_id(self):
        """Returns the key id when the request is signed by it (https://docs.aws.amazon.com/IAM/latest/UserGuide/
        reference_sigv-create-signed-request.html), None when it is not signed, and "" when the signature is wrong."""
        header = self.headers.get("Authorization", "")
        match = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d+)/([^/]+)/([^/]+)/aws4_request, ?"
                             r"SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})", header)
        if not match:
            return None
        key_id, day, region, service, signed, signature = match.groups()
        path, _, query = self.path.partition("?")
        headers = "".join(f"{name}:{' '.join(self.headers[name].split())}\n" for name in signed.split(";"))
        canonical = "\n".join([self.command, path, query, headers, signed, digest(self.body)])
        scope = f"{day}/{region}/{service}/aws4_request"
        text = "\n".join(["AWS4-HMAC-SHA256", self.headers["X-Amz-Date"], scope, digest(canonical)])
        key = ("AWS4" + key_id.lower()).encode()
        for part in scope.split("/"):
            key = sign(key, part)
        token = self.headers.get("x-amz-security-token")
        covered = not token or "x-amz-security-token" in signed.split(";")
        return key_id if covered and hmac.compare_digest(sign(key, text).hex(), signature) else ""

    def respond(self, status, body, kind="text/plain"):
        content = (json.dumps(body) if isinstance(body, dict) else body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def answer(self):
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        if self.path == "/":
            service = "sts"
        elif self.path.startswith("/container"):
            service = "container"
        else:
            service = "instance" if self.path.startswith("/latest/") else "s3"
        line = {
            "service": service,
            "method": self.command,
            "path": self.path,
            "form": dict(urllib.parse.parse_qsl(self.body, strict_parsing=True)) if service == "sts" else None,
            "key_id": self.key_id(),
            "session_token": self.headers.get("x-amz-security-token"),
        }
        with open(os.path.join(sys.argv[1], "requests"), "a") as requests:
            requests.write(json.dumps(line) + "\n")
        getattr(self, service)(line)

    do_GET = do_PUT = do_POST = answer

    def sts(self, line):
        form, refusal = line["form"], self.file("refusal")
        action = form.get("Action")
        if action in ("AssumeRole", "GetCallerIdentity") and not line["key_id"]:
            refusal = "SignatureDoesNotMatch"
        elif action == "AssumeRoleWithWebIdentity" and (line["key_id"] is not None or not form.get("WebIdentityToken")):
            refusal = "InvalidIdentityToken"
        elif action == "GetCallerIdentity" and form.get("Version") == "2011-06-15" and not refusal:
            identity = "<Arn>arn:aws:iam::123456789012:user/deploy</Arn><UserId>AIDATEST</UserId><Account>123456789012</Account>"
            self.respond(200, f'<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result>{identity}'
                         f"</{action}Result></{action}Response>", "text/xml")
            return
        elif form.get("Version") != "2011-06-15" or not form.get("RoleArn", "").startswith("arn:") or not re.fullmatch(
                r"[\w+=,.@-]{2,64}", form.get("RoleSessionName", "")):
            refusal = "ValidationError"
        if refusal:
            self.respond(403, f'<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>'
                         f"<Code>{refusal}</Code><Message>not &lt;today&gt;</Message></Error></ErrorResponse>", "text/xml")
            return
        key = "".join(f"<{name}>{value}</{name}>" for name, value in self.give_key("sts", "SessionToken").items())
        self.respond(200, f'<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result>'
                     f"<AssumedRoleUser><Arn>arn:aws:sts::1:assumed-role/x</Arn></AssumedRoleUser><Credentials>{key}</Credentials>"
                     f"</{action}Result></{action}Response>", "text/xml")

    def container(self, line):
        if self.headers.get("Authorization") != self.file("authorization"):
            self.respond(403, {"code": "AccessDenied", "message": "who are you"})
        else:
            self.respond(200, self.give_key("container") | {"RoleArn": ROLE}, "application/json")

    def instance(self, line):
        roles = "/latest/meta-data/iam/security-credentials/"
        if self.command == "PUT" and self.path == "/latest/api/token":
            ttl = self.headers.get("X-aws-ec2-metadata-token-ttl-seconds", "")
            self.respond(*((200, "instance-token==") if ttl.isdigit() and 1 <= int(ttl) <= 21600 else (400, "")))
        elif self.headers.get("X-aws-ec2-metadata-token") != "instance-token==":
            self.respond(401, "")
        elif self.file("no-role") is not None:
            self.respond(404, "")
        elif self.path == roles:
            self.respond(200, INSTANCE_ROLE)
        elif self.path == roles + urllib.parse.quote(INSTANCE_ROLE):
            self.respond(200, {"Code": "Success", "Type": "AWS-HMAC"} | self.give_key("instance"))
        else:
            self.respond(404, "")

    def s3(self, line):
        if not line["key_id"]:
            self.respond(403, "<Error><Code>SignatureDoesNotMatch</Code></Error>", "application/xml")
        elif line["key_id"] == self.file("revoked"):
            self.respond(400, "<Error><Code>ExpiredToken</Code></Error>", "application/xml")
        elif self.path.endswith("prefix="):
            self.respond(200, LISTING.format("<CommonPrefixes><Prefix>v1.0.0/</Prefix></CommonPrefixes>"), "application/xml")
        else:
            self.respond(200, LISTING.format("<Contents><Key>v1.0.0/app.tar.gz</Key><Size>1</Size>"
                                             "<LastModified>2026-01-15T10:30:45.000Z</LastModified></Contents>"), "application/xml")

    def log_message(self, *_):
        pass


def main():
    address, port = (sys.argv[2:] + ["127.0.0.1", "0"][len(sys.argv) - 2:])[:2]
    server = ThreadingHTTPServer((address, int(port)), Handler)
    server.daemon_threads = True
    server.counters = {}
    standin.serve(server, sys.argv[1])


if __name__ == "__main__":
    main()
