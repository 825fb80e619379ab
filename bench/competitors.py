# SPDX-License-Identifier: MIT
"""The command line of each competitor, and how it becomes one that can be run.

Names with a dollar sign are filled in; what has a pipe or && in it is run by bash.
"""
import os
import shlex
import string

# One conditional request, which is what a poll is.
POLLS = {
    "curl": "curl -sSf -w %{http_code} -o /dev/null -H $condition $url",
    "floor with libcurl": "$floor $url $condition",
}

# A file, and its SHA-256. "Synced": it is on disk at the end, which is what dewy-fetch promises.
DOWNLOAD = {
    "curl": "curl -sSf -o $file $url",
    "curl && sha256sum": "curl -sSf -o $file $url && sha256sum $file",
    "curl && openssl dgst": "curl -sSf -o $file $url && openssl dgst -sha256 $file",
}
DOWNLOAD_SYNCED = {
    "curl && sync": "curl -sSf -o $file $url && sync $file",
    "curl && openssl && sync": "curl -sSf -o $file $url && openssl dgst -sha256 $file && sync $file",
}

# An archive into an empty directory.
EXTRACT = {
    "bsdtar": "bsdtar -xf $archive -C $directory",
    "tar": "tar -xf $archive -C $directory",
}
VERIFY_AND_EXTRACT = {"openssl dgst && bsdtar": "openssl dgst -sha256 $archive && bsdtar -xf $archive -C $directory"}
EXTRACT_ZIP = {
    "bsdtar": "bsdtar -xf $archive -C $directory",
    "unzip": "unzip -q $archive -d $directory",
}

# The floor of a deployment: receive, hash, decompress and write at the same time, and wait for the disk once.
STREAM = "curl -sSf $url | tee >(openssl dgst -sha256 >$digest) | bsdtar -xf - -C $directory && sync -f $directory"

# The script that people write.
SCRIPT = "$here/deploy.sh $api $root $port"

# A supervisor that keeps the sockets.
SUPERVISORS = {
    "dewy-serve": "dewy-serve --root $directory --port 127.0.0.1:$port -- $worker",
    "start_server": "start_server --port=127.0.0.1:$port --pid-file=$directory/pid --status-file=$directory/status -- $worker",
}


def other(template, **values):
    """The same of a command of BENCH_OTHER, where names stand between percent signs, in capitals."""
    for name, value in values.items():
        template = template.replace(f"%{name.upper()}%", shlex.quote(str(value)))
    return ["bash", "-euo", "pipefail", "-c", template]


def command(template, **values):
    """The arguments of a command line of which the values are filled in, each as one word."""
    here = os.path.dirname(os.path.abspath(__file__))
    text = string.Template(template).substitute({name: shlex.quote(str(value)) for name, value in values.items()},
                                                here=shlex.quote(here))
    if "|" in text or "&&" in text:
        return ["bash", "-euo", "pipefail", "-c", text]
    return shlex.split(text)
