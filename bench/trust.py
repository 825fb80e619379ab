# SPDX-License-Identifier: MIT
"""A certificate authority that this run alone trusts.

The system's directory of certificates is covered by a copy that has one more, both in the bundle and by its hash, in a mount name
space that nobody else sees: so each program trusts as it does by default, and reads as much as it does on any machine.
"""
import os
import shutil
import subprocess
import sys

CERTIFICATES = "/etc/ssl/certs"


def enter_private_mounts():
    """Begins again where mounts are private, unless this is there."""
    if os.environ.get("BENCH_PRIVATE") == "yes":
        return
    as_root = os.geteuid() == 0
    os.environ["BENCH_PRIVATE"] = "yes"
    os.execvp("unshare", ["unshare", "-m" if as_root else "-Urm", "--", sys.executable, *sys.argv])


def openssl(*words):
    subprocess.run(["openssl", *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def certify(directory):
    """Makes the authority, and server.pem and server.key for the loopback address, with the RSA that most servers have."""
    authority, key = os.path.join(directory, "authority.pem"), os.path.join(directory, "authority.key")
    request, server = os.path.join(directory, "server.csr"), os.path.join(directory, "server")
    names = os.path.join(directory, "names")
    with open(names, "w") as file:
        file.write("subjectAltName=IP:127.0.0.1,DNS:localhost\nbasicConstraints=CA:FALSE\n")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-noenc", "-days", "30", "-subj", "/CN=dewy bench authority",
            "-keyout", key, "-out", authority)
    openssl("req", "-newkey", "rsa:2048", "-noenc", "-subj", "/CN=localhost", "-keyout", f"{server}.key", "-out", request)
    openssl("x509", "-req", "-in", request, "-CA", authority, "-CAkey", key, "-CAcreateserial", "-days", "30", "-extfile", names,
            "-out", f"{server}.pem")
    return authority


def trust(directory):
    """Certifies, and has everything that is started from here trust it."""
    authority = certify(directory)
    copy = os.path.join(directory, "certs")
    shutil.copytree(CERTIFICATES, copy, symlinks=True)
    shutil.copy(authority, os.path.join(copy, "bench.pem"))
    name = subprocess.run(["openssl", "x509", "-noout", "-hash", "-in", authority], check=True, capture_output=True, text=True)
    os.symlink("bench.pem", os.path.join(copy, name.stdout.strip() + ".0"))
    with open(authority) as one, open(os.path.join(copy, "ca-certificates.crt"), "a") as bundle:
        bundle.write(one.read())
    subprocess.run(["mount", "--bind", copy, CERTIFICATES], check=True)
