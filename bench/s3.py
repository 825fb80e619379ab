#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What S3 answers to a listing: s3.py DIR [DIR-FOR-PORT]; a bucket is a directory in DIR, and its objects are read by nginx.

Only ListObjectsV2, of all objects or with the delimiter "/": pages of up to 1,000, in the order of the names' bytes.
https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
"""
import base64
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from time import gmtime, strftime
from urllib.parse import parse_qsl, quote, unquote, urlsplit

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "t"))
import standin  # noqa: E402


def tag(key, text):
    return f"<{key}>{text}</{key}>"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        url = urlsplit(self.path)
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        if query.get("list-type") != "2" or query.get("delimiter", "/") != "/":
            return self.answer(501, "")
        bucket = os.path.join(self.server.directory, unquote(url.path).strip("/"))
        if not os.path.isdir(bucket):
            return self.answer(404, tag("Error", tag("Code", "NoSuchBucket")))
        return self.answer(200, self.page(bucket, query))

    def page(self, bucket, query):
        folder, _, start = query.get("prefix", "").rpartition("/")
        names = self.names(os.path.join(bucket, folder), "delimiter" not in query)
        after = base64.b64decode(query.get("continuation-token", "")).decode()
        most = min(1000, int(query.get("max-keys", 1000)))
        page = list(islice((name for name in names if name.startswith(start) and name > after), most + 1))
        truncated, page = len(page) > most, page[:most]
        body = tag("IsTruncated", "true" if truncated else "false") + tag("KeyCount", len(page)) + tag("EncodingType", "url")
        if truncated:
            body += tag("NextContinuationToken", base64.b64encode(page[-1].encode()).decode())
        for name in page:
            body += self.entry(bucket, f"{folder}/{name}" if folder else name)
        return '<?xml version="1.0" encoding="UTF-8"?>' + tag("ListBucketResult", body)

    def names(self, folder, deep):
        """The order of S3 is that of whole keys, so that of a directory counts with its slash."""
        if not os.path.isdir(folder):
            return
        with os.scandir(folder) as entries:
            names = sorted(entry.name + "/" * entry.is_dir() for entry in entries)
        for name in names:
            if deep and name.endswith("/"):
                yield from (name + below for below in self.names(os.path.join(folder, name), deep))
            else:
                yield name

    @staticmethod
    def entry(bucket, key):
        if key.endswith("/"):
            return tag("CommonPrefixes", tag("Prefix", quote(key)))
        status = os.stat(os.path.join(bucket, key))
        etag = f"&quot;{int(status.st_mtime):x}-{status.st_size:x}&quot;"  # as nginx has it
        return tag("Contents", tag("Key", quote(key)) + tag("Size", status.st_size) + tag("ETag", etag) +
                   tag("LastModified", strftime("%Y-%m-%dT%H:%M:%S.000Z", gmtime(status.st_mtime))))

    def answer(self, status, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.directory = sys.argv[1]
    standin.serve(server, sys.argv[2])


if __name__ == "__main__":
    main()
