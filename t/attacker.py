#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A registry that means no good, on a free port of 127.0.0.1.

attacker.py DIR ATTACK

It writes its port to DIR/port once it listens, and a line to DIR/requests for each request. Whatever is asked for, ATTACK is
the answer, for ever, until the client goes away:

    silent            nothing
    slow-headers      headers, of which a byte comes every 200 ms
    slow-body         a list of JSON, of which a byte comes every 200 ms
    endless-headers   headers, as fast as they are read
    endless-body      a list of JSON that begins with blanks, as fast as they are read
    endless-element   a list of JSON with one text in it that has no end
    deep              five million brackets
    redirects         a redirect to another path of the same host
    not-modified      304, whether that was asked for or not
    gone, broken      404, 500
    pages-ghr, pages-s3, pages-gs   a page with one old release, after which there is another page
    names             releases of GitHub whose names are paths, options and worse
    etag              a release of GitHub with an artifact, and an ETag of escape sequences, or after two requests a long one
    validators        the list of a GitHub repository without releases, with an ETag of escape sequences, and a Link to a file
"""
import itertools
import json
import os
import re
import socket
import sys
import threading
import time

NAMES = ["../v9.0.0", "v9.0.0/../../x", "/etc/v9.0.0", "v9.0.0\n", "\nv9.0.0", "v9.0.0\x1b[2J", "v9.0.0\u202e", "-v9.0.0", "",
         "v9.0.0\\x", "v9.0.0$(reboot)", "v9.0.0+" + "a" * 8000, "9" * 8000 + ".0.0", "v9.0.0 --force", "..", ".", "v9.0.0;x", "v9.0.0%00"]
RELEASE = {"id": 1, "tag_name": "v1.0.0", "draft": False, "prerelease": False, "published_at": "2024-01-15T10:28:00Z"}
ASSET = {"id": 1, "name": "app_linux_amd64", "size": 3, "state": "uploaded", "digest": None, "updated_at": "2024-01-15T10:28:00Z"}

directory, attack = sys.argv[1:]
mutex = threading.Lock()
numbers = itertools.count(1)


def head(status, *headers):
    return "\r\n".join([f"HTTP/1.1 {status}", "Connection: close", *headers, "", ""]).encode()


def slowly(client, content):
    for byte in content:
        client.sendall(bytes([byte]))
        time.sleep(0.2)


def page(kind, number, host):
    """Returns the headers and the body of a page."""
    if kind == "ghr":
        release = {"id": number, "tag_name": f"v0.0.{number}", "draft": False, "prerelease": False,
                   "published_at": "2024-01-15T10:28:00Z"}
        return [f'Link: <http://{host}/repositories/1/releases?per_page=100&page={number + 1}>; rel="next"'], json.dumps([release])
    if kind == "gs":
        return [], json.dumps({"nextPageToken": f"t{number}", "prefixes": [f"app/v0.0.{number}/"]})
    return [], (f'<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>true'
                f"</IsTruncated><NextContinuationToken>t{number}</NextContinuationToken>"
                f"<CommonPrefixes><Prefix>app/v0.0.{number}/</Prefix></CommonPrefixes></ListBucketResult>")


def answer(client, request, number):
    host = re.search(r"(?im)^host: *(\S+)", request)[1]
    if attack == "silent":
        client.recv(1)
    elif attack == "slow-headers":
        slowly(client, itertools.chain(b"HTTP/1.1 200 OK\r\n", itertools.cycle(b"X-Header: 1\r\n")))
    elif attack == "slow-body":
        slowly(client, itertools.chain(head("200 OK"), b"[", itertools.repeat(ord(" "))))
    elif attack == "endless-headers":
        client.sendall(b"HTTP/1.1 200 OK\r\n")
        for n in itertools.count():
            client.sendall(f"X-Header-{n}: {'x' * 1000}\r\n".encode())
    elif attack in ("endless-body", "endless-element"):
        client.sendall(head("200 OK") + (b'["' if attack == "endless-element" else b"["))
        while True:
            client.sendall((b"x" if attack == "endless-element" else b" ") * 65536)
    elif attack == "deep":
        client.sendall(head("200 OK") + b"[" * 5000000)
    elif attack == "redirects":
        client.sendall(head("302 Found", f"Location: http://{host}/{number}", "Content-Length: 0"))
    elif attack == "not-modified":
        client.sendall(head("304 Not Modified", 'ETag: "1"'))
    elif attack in ("gone", "broken"):
        client.sendall(head("404 Not Found" if attack == "gone" else "500 Oops", "Content-Length: 0"))
    elif attack == "names":
        client.sendall(head("200 OK") + json.dumps([
            {"id": number, "tag_name": name, "draft": False, "prerelease": False, "published_at": "2024-01-15T10:28:00Z"}
            for number, name in enumerate(NAMES, 1)]).encode())
    elif attack == "etag":
        body = json.dumps([ASSET if "/assets" in request else RELEASE]).encode()
        tag = '"owned\x1b]0;x\x07"' if number % 4 < 2 else '"owned' + "x" * 5000 + '"'
        client.sendall(head("200 OK", f"Content-Length: {len(body)}", f"ETag: {tag}") + body)
    elif attack == "validators":
        client.sendall(head("200 OK", 'ETag: "\x1b]0;owned\x07' + "x" * 50000 + '"',
                            'Link: <file:///etc/passwd>; rel="next"', "Content-Length: 2") + b"[]")
    else:
        headers, body = page(attack.partition("-")[2], number, host)
        client.sendall(head("200 OK", *headers, f"Content-Length: {len(body)}") + body.encode())


def serve(client):
    with client:
        try:
            request = client.recv(65536).decode("latin-1")
            with mutex, open(os.path.join(directory, "requests"), "a") as requests:
                number = next(numbers)
                requests.write(request.partition("\r\n")[0] + "\n")
            answer(client, request, number)
        except OSError:
            pass  # the client has had enough


listener = socket.create_server(("127.0.0.1", 0), backlog=128)
with open(os.path.join(directory, "port.new"), "w") as port:
    port.write(str(listener.getsockname()[1]))
os.rename(os.path.join(directory, "port.new"), os.path.join(directory, "port"))
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
