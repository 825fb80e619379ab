#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads a mail as a mail program does. Usage: mail.py FILE...

Prints a line of JSON for each: from, to, subject and the other headers by their names, body, and what is wrong with it: defects
that the parser has found, lines longer than a header, an encoded word and a body may have, and white space at the end of those.
"""
import email
import email.policy
import json
import re
import sys

OURS = ("date", "from", "to", "subject", "message-id", "in-reply-to", "references")


def defects(mail, raw):
    head, body = raw.split(b"\n\n", 1)
    head = head[head.index(b"\nDate:") + 1:]  # what stands before was added on the way
    found = [str(defect) for part in [mail, *(mail[name] for name in OURS if name in mail)] for defect in part.defects]
    found += ["header line: %r" % line for line in head.split(b"\n") if len(line) > (76 if b"=?" in line else 78)]
    found += ["encoded word: %r" % word for word in re.findall(rb"=\?\S*\?=", head) if len(word) > 75]
    found += ["body line: %r" % line for line in body.split(b"\n") if len(line) > 76 or line[-1:] in (b" ", b"\t")]
    found += ["not ASCII: %r" % line for line in raw.split(b"\n") if not line.isascii()]
    found += ["twice: %s" % name for name in (*OURS, "content-type") if len(mail.get_all(name, [])) > 1]
    return found


for path in sys.argv[1:]:
    with open(path, "rb") as file:
        raw = file.read()
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    headers = {name.lower(): str(value) for name, value in mail.items()}
    print(json.dumps({**headers, "body": mail.get_content(), "defects": defects(mail, raw)}))
