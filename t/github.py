#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A stand-in for the releases part of GitHub's REST API, and for what it tells of a repository, on 127.0.0.1.

github.py DIR [--port PORT] [--tls CERTIFICATE KEY] [--base URL] [--objects URL] [--token TOKEN=read|write]...
          [--app-id ID --app-key PUBLIC.pem [--installation ID]]

It prints READY, and writes its port to DIR/port, once it listens. Each request becomes a line of JSON in DIR/requests.

Where it is: http://127.0.0.1:PORT answers as api.github.com does, http://127.0.0.1:PORT/api/v3 as GitHub Enterprise Server,
and with the header "Host: api.github.com" (uploads.github.com, github.com) as those hosts. The URLs in answers follow the
request, or --base. Artifacts come from a second port (--objects changes its address in answers), or as those hosts from
objects.githubusercontent.com, which this port then is, too.

Who may what: ghp_write reads and writes, ghp_read reads, also private repositories (other ones by --token); without a token
public repositories are read; any other token is refused. The App exchanges a JWT for an installation token that writes.

What it holds: DIR/repos/OWNER/REPO/VERSION/ARTIFACT, read at the start and on reload, and what clients create.
    REPO/.repo.json        {"private": true, "immutable": true, "moved_to": "OWNER/REPO"}
    VERSION/.release.json  members of the release that are not the default ones (draft, prerelease, created_at, id, ...), and
                           {"assets": {ARTIFACT: {"digest": null, "state": "starter", ...}}}

For tests alone, never counted, recorded or refused:
    POST   /_control/reload    reads DIR/repos again; releases and artifacts that did not change keep their ids,
                               and what clients uploaded stays
    POST   /_control/faults    {"fault": NAME, "path": PREFIX, "method": METHOD, "count": N, "seconds": N, "status": N, "size": N}:
                               the next N requests (1) with that path, as it is sent, and that method (any) meet the fault
    DELETE /_control/faults    no more of them
    POST   /_control/rate      {"token": TOKEN, "remaining": N, "reset_in": SECONDS}; without a token, of those who have none
    POST   /_control/settings  any of the members of Settings
    GET    /_control/requests  the recorded requests, as an array
    DELETE /_control/requests  forgets them

Faults that replace the answer (the request has no effect):
    500, 503...  that status               502         that status, with GitHub's page in HTML
    rate-limit   403, none remaining       secondary   403 (or "status") and Retry-After: "seconds"
    sso          403, for the single sign-on of an organization
    forbidden    403, for a permission that the token lacks
    garbage      200, and broken JSON      flood       200, and a list of releases of "size" bytes (50 MiB)
    hang         nothing                   reset       the connection is broken
Faults on the way (the request has its effect):
    slow         "seconds" late            cut         half of the body, then the end of the connection
    stall        half of the body, then nothing
    length       the header promises half of the body
    lost         the connection is broken instead of an answer
    starter      an upload fails with 502, and leaves an artifact in the state "starter"

Sources: docs.github.com, "REST API endpoints for releases", "... for release assets", "... for repositories", "... for GitHub Apps", "Rate
limits for the REST API", "Best practices for using the REST API", "Using pagination in the REST API", "Generating a JSON Web Token
(JWT) for a GitHub App"; the descriptions of objects in t/github-release.schema.json are out of GitHub's OpenAPI description.
"""
import argparse
import base64
import binascii
import dataclasses
import hashlib
import hmac
import itertools
import json
import os
import re
import secrets
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, unquote, urlsplit

import standin

GITHUB = "https://api.github.com"
DOCUMENTATION = "https://docs.github.com/rest"
BAD_ISSUED_AT = "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
BAD_EXPIRATION = ("'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion "
                  "expires")
FAR_EXPIRATION = "'Expiration time' claim ('exp') is too far in the future"
BAD_JWT = "A JSON web token could not be decoded"


@dataclass
class Settings:
    """What POST /_control/settings changes."""
    clock_offset: int = 0  # seconds by which GitHub's clock is ahead
    token_lifetime: int = 3600  # seconds for which an installation token is good
    object_lifetime: int = 300  # seconds for which the URL of an artifact is good
    digests: bool = True  # uploaded artifacts have a digest
    expiration: int = 0  # seconds after which personal access tokens expire, 0 for never


SETTINGS = Settings()


def now():
    return time.time() + SETTINGS.clock_offset


def timestamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


# ---------------------------------------------------------------------------------------------------------------------------
# Answers


@dataclass
class Slice:
    """A part of a file."""
    path: str
    start: int
    length: int

    def __len__(self):
        return self.length


@dataclass
class Answer:
    status: int
    body: bytes | Slice = b""
    headers: dict = field(default_factory=dict)
    content_type: str = "application/json; charset=utf-8"

    def pieces(self, length):
        """The first bytes of the body, piece by piece."""
        if isinstance(self.body, bytes):
            yield self.body[:length]
            return
        with open(self.body.path, "rb") as file:
            file.seek(self.body.start)
            while length > 0 and (piece := file.read(min(length, 1 << 16))):
                length -= len(piece)
                yield piece


def json_answer(status, value, headers=None):
    return Answer(status, json.dumps(value).encode(), headers or {})


class Problem(Exception):
    """An answer that says what is wrong with a request."""

    def __init__(self, status, message, headers=None, **members):
        super().__init__(message)
        self.answer = json_answer(
            status, {"message": message, **members, "documentation_url": DOCUMENTATION, "status": str(status)}, headers)


def not_found():
    return Problem(404, "Not Found")


def invalid(resource, member, code, **members):
    return Problem(422, "Validation Failed", errors=[{"resource": resource, "code": code, "field": member, **members}])


# ---------------------------------------------------------------------------------------------------------------------------
# Where things are


@dataclass(frozen=True)
class Base:
    """The addresses of one GitHub; the URLs in answers begin with them."""
    api: str
    uploads: str
    web: str
    objects: str

    @classmethod
    def of(cls, api, objects):
        """The addresses that belong to that of an API; artifacts are at "objects", unless it is GitHub's own."""
        if api == GITHUB:
            return cls(api, "https://uploads.github.com", "https://github.com", "https://objects.githubusercontent.com")
        if api.endswith("/api/v3"):
            web = api.removesuffix("/api/v3")
            return cls(api, web + "/api/uploads", web, objects)
        return cls(api, api + "/uploads", api, objects)


def user(base):
    url = f"{base.api}/users/octocat"
    return {
        "login": "octocat", "id": 1, "node_id": "MDQ6VXNlcjE=", "avatar_url": f"{base.web}/images/error/octocat_happy.gif",
        "gravatar_id": "", "url": url, "html_url": f"{base.web}/octocat", "followers_url": f"{url}/followers",
        "following_url": url + "/following{/other_user}", "gists_url": url + "/gists{/gist_id}",
        "starred_url": url + "/starred{/owner}{/repo}", "subscriptions_url": f"{url}/subscriptions",
        "organizations_url": f"{url}/orgs", "repos_url": f"{url}/repos", "events_url": url + "/events{/privacy}",
        "received_events_url": f"{url}/received_events", "type": "User", "site_admin": False}


def node_id(kind, number):
    return f"{kind}_kwDO" + base64.urlsafe_b64encode(struct.pack(">Q", number)).decode().rstrip("=")


# ---------------------------------------------------------------------------------------------------------------------------
# What there is


@dataclass
class Asset:
    id: int
    name: str
    path: str
    size: int
    digest: str | None
    created_at: str
    updated_at: str
    label: str | None = None
    content_type: str = "application/octet-stream"
    state: str = "uploaded"
    download_count: int = 0
    version: tuple = ()  # of the file it was read from

    def render(self, base, repository, release):
        return {
            "url": f"{base.api}/repos/{repository.full_name}/releases/assets/{self.id}", "id": self.id,
            "node_id": node_id("RA", self.id), "name": self.name, "label": self.label, "uploader": user(base),
            "content_type": self.content_type, "state": self.state, "size": self.size, "digest": self.digest,
            "download_count": self.download_count, "created_at": self.created_at, "updated_at": self.updated_at,
            "browser_download_url":
                f"{base.web}/{repository.full_name}/releases/download/{quote(release.web_tag)}/{quote(self.name)}"}


@dataclass
class Release:
    id: int
    tag_name: str
    created_at: str
    updated_at: str
    published_at: str | None
    name: str | None = None
    body: str | None = ""
    target_commitish: str = "main"
    draft: bool = False
    prerelease: bool = False
    immutable: bool = False
    assets: list = field(default_factory=list)
    on_disk: bool = False  # it is in DIR/repos

    @property
    def web_tag(self):
        """A draft has no tag yet."""
        return f"untagged-{self.id:020x}" if self.draft else self.tag_name

    def render(self, base, repository):
        url = f"{base.api}/repos/{repository.full_name}/releases/{self.id}"
        archive = f"{base.api}/repos/{repository.full_name}"
        return {
            "url": url, "assets_url": f"{url}/assets",
            "upload_url": f"{base.uploads}/repos/{repository.full_name}/releases/{self.id}/assets" + "{?name,label}",
            "html_url": f"{base.web}/{repository.full_name}/releases/tag/{quote(self.web_tag)}", "id": self.id,
            "author": user(base), "node_id": node_id("RE", self.id), "tag_name": self.tag_name,
            "target_commitish": self.target_commitish, "name": self.name, "draft": self.draft, "immutable": self.immutable,
            "prerelease": self.prerelease, "created_at": self.created_at, "updated_at": self.updated_at,
            "published_at": self.published_at, "assets": [asset.render(base, repository, self) for asset in self.assets],
            "tarball_url": f"{archive}/tarball/{quote(self.tag_name)}", "zipball_url": f"{archive}/zipball/{quote(self.tag_name)}",
            "body": self.body}

    def asset(self, name):
        return next((asset for asset in self.assets if asset.name == name), None)


@dataclass
class Repository:
    id: int
    full_name: str
    private: bool = False
    immutable: bool = False  # what is published there
    moved_to: str | None = None
    releases: list = field(default_factory=list)

    def sorted(self, drafts):
        """The releases, the newest first."""
        return sorted((release for release in self.releases if drafts or not release.draft),
                      key=lambda release: (release.created_at, release.id), reverse=True)

    def latest(self):
        return next((release for release in self.sorted(False) if not release.prerelease), None)

    def tagged(self, tag):
        return next((release for release in self.releases if release.tag_name == tag and not release.draft), None)


def read_members(path):
    try:
        with open(path) as file:
            return json.load(file)
    except FileNotFoundError:
        return {}


def natural(name):
    """The key that sorts v1.9 before v1.10."""
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in re.split(r"(\d+)", name)]


def directories(path):
    return sorted((entry.name for entry in os.scandir(path) if entry.is_dir()), key=natural)


def assign(target, members):
    for name, value in members.items():
        if name not in {each.name for each in dataclasses.fields(target)}:
            raise ValueError(f"no member {name}")
        setattr(target, name, value)


def file_digest(path):
    with open(path, "rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


class Store:
    """The repositories. Callers hold the lock of State."""

    def __init__(self, directory):
        self.directory = os.path.join(directory, "repos")
        self.uploads = os.path.join(directory, "objects")
        self.repositories = {}
        self.ids = itertools.count(1001)
        os.makedirs(self.directory, exist_ok=True)
        os.makedirs(self.uploads, exist_ok=True)

    def load(self):
        for owner in directories(self.directory):
            for name in directories(os.path.join(self.directory, owner)):
                self.load_repository(f"{owner}/{name}")

    def load_repository(self, full_name):
        path = os.path.join(self.directory, full_name)
        repository = self.find(full_name) or Repository(next(self.ids), full_name)
        self.repositories[full_name.lower()] = repository
        assign(repository, read_members(os.path.join(path, ".repo.json")))
        before = {release.tag_name: release for release in repository.releases if release.on_disk}
        repository.releases = [release for release in repository.releases if not release.on_disk]
        for version in directories(path):
            repository.releases.append(self.load_release(repository, os.path.join(path, version), before.get(version)))

    def load_release(self, repository, path, before):
        members = read_members(os.path.join(path, ".release.json"))
        asset_members = members.pop("assets", {})
        created = before.created_at if before else timestamp(os.stat(path).st_mtime)
        release = Release(before.id if before else next(self.ids), os.path.basename(path), created, created, created,
                          name=os.path.basename(path), immutable=repository.immutable, on_disk=True)
        release.assets = [self.load_asset(entry, before and before.asset(entry.name))
                          for entry in sorted(os.scandir(path), key=lambda entry: natural(entry.name))
                          if entry.is_file() and not entry.name.startswith(".")]
        if before:
            release.assets += [asset for asset in before.assets if asset.path.startswith(self.uploads)]
        if members.get("draft"):
            release.published_at, release.immutable = None, False
        assign(release, members)
        for name, changes in asset_members.items():
            if not release.asset(name):
                release.assets.append(self.empty_asset(name))
            assign(release.asset(name), changes)
        return release

    def load_asset(self, entry, before):
        status = entry.stat()
        version = (status.st_size, status.st_mtime_ns, status.st_ino)
        if before and before.version == version:
            return before
        time_of_file = timestamp(status.st_mtime)
        return Asset(next(self.ids), entry.name, entry.path, status.st_size, file_digest(entry.path), time_of_file, time_of_file,
                     version=version)

    def empty_asset(self, name):
        return Asset(next(self.ids), name, os.devnull, 0, None, timestamp(now()), timestamp(now()), state="starter")

    def create_release(self, repository, members):
        created = timestamp(now())
        release = Release(next(self.ids), members["tag_name"], created, created, None, draft=True)
        self.update_release(repository, release, {"draft": False, **members})
        repository.releases.append(release)
        return release

    def update_release(self, repository, release, members):
        publish = release.draft and members.get("draft") is False
        tag = members.get("tag_name", release.tag_name)
        if not members.get("draft", release.draft) and repository.tagged(tag) not in (None, release):
            raise invalid("Release", "tag_name", "already_exists")
        for name in ("tag_name", "target_commitish", "name", "body", "draft", "prerelease"):
            if members.get(name) is not None:
                setattr(release, name, members[name])
        release.updated_at = timestamp(now())
        if publish:
            release.published_at = release.published_at or timestamp(now())
            release.immutable = repository.immutable

    def upload(self, release, name, label, content_type, received):
        asset = self.empty_asset(name)
        asset.path, asset.state = os.path.join(self.uploads, str(asset.id)), "uploaded"
        shutil.move(received, asset.path)
        asset.size, asset.label, asset.content_type = os.stat(asset.path).st_size, label, content_type
        asset.digest = file_digest(asset.path) if SETTINGS.digests else None
        release.assets.append(asset)
        return asset

    def find(self, full_name):
        return self.repositories.get(full_name.lower())

    def by_id(self, number):
        return next((repository for repository in self.repositories.values() if repository.id == number), None)

    def all_assets(self):
        return ((repository, release, asset) for repository in self.repositories.values()
                for release in repository.releases for asset in release.assets)


# ---------------------------------------------------------------------------------------------------------------------------
# Who asks


@dataclass
class Identity:
    token: str = ""
    write: bool = False
    installation: str | None = None
    repositories: set | None = None  # the only ones an installation token is for
    expires: float | None = None

    @property
    def limit(self):
        return 5000 if self.token else 60

    def sees(self, repository):
        return not repository.private or bool(self.token) and self.covers(repository)

    def covers(self, repository):
        return self.repositories is None or repository.full_name.lower() in self.repositories

    def writes(self, repository):
        return self.write and self.covers(repository)

    def over_limit(self):
        if self.installation:
            return f"API rate limit exceeded for installation ID {self.installation}."
        if self.token:
            return "API rate limit exceeded for user ID 1."
        return ("API rate limit exceeded for 127.0.0.1. (But here's the good news: Authenticated requests get a higher rate limit. "
                "Check out the documentation for more details.)")


@dataclass
class Rate:
    """The requests of somebody in the present hour."""
    limit: int
    reset: float
    used: int = 0

    @property
    def remaining(self):
        return max(0, self.limit - self.used)

    def render(self):
        return {"limit": self.limit, "remaining": self.remaining, "reset": int(self.reset), "used": self.used, "resource": "core"}

    def headers(self):
        return {f"X-RateLimit-{name.capitalize()}": str(value) for name, value in self.render().items()}


class App:
    """A GitHub App: its JWTs, and the installation tokens that it was given."""
    permissions = {"contents": "write", "metadata": "read"}

    def __init__(self, number, public_key, installation):
        self.number = number
        self.public_key = public_key
        self.installation = installation

    def check(self, jwt):
        """Refuses what is no good JSON Web Token of this App (RFC 7519, RS256 of RFC 7518)."""
        try:
            head, payload, signature = jwt.split(".")
            header, claims = json.loads(self.decode(head)), json.loads(self.decode(payload))
            signature = self.decode(signature)
        except (ValueError, binascii.Error):
            raise Problem(401, BAD_JWT) from None
        if header.get("alg") != "RS256":
            raise Problem(401, BAD_JWT)
        if str(claims.get("iss")) != self.number:
            raise Problem(404, "Integration not found")
        if not self.verify(f"{head}.{payload}".encode(), signature):
            raise Problem(401, BAD_JWT)
        self.check_times(claims.get("iat"), claims.get("exp"))

    @staticmethod
    def check_times(issued, expires):
        if type(issued) is not int or issued > now() + 60:
            raise Problem(401, BAD_ISSUED_AT)
        if type(expires) not in (int, float) or expires <= now():
            raise Problem(401, BAD_EXPIRATION)
        if expires > now() + 600:
            raise Problem(401, FAR_EXPIRATION)

    @staticmethod
    def decode(text):
        if "=" in text:
            raise ValueError("padding")
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars="-_", validate=True)

    def verify(self, text, signature):
        with tempfile.NamedTemporaryFile() as file:
            file.write(signature)
            file.flush()
            return subprocess.run(["openssl", "dgst", "-sha256", "-verify", self.public_key, "-signature", file.name], input=text,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0

    def token(self, permissions, repositories):
        """A new token. Those of today are long, and have dots in them."""
        text = f"ghs_{self.number}_" + ".".join(secrets.token_urlsafe(size) for size in (27, 180, 256))
        return Identity(text, permissions.get("contents") == "write", self.installation, repositories,
                        now() + SETTINGS.token_lifetime)


class Access:
    """Who is behind a token, and how much each has asked. Callers hold the lock of State."""

    def __init__(self, tokens):
        self.identities = {"": Identity()}
        self.rates = {}
        for token, right in tokens:
            self.add(Identity(token, right == "write"))

    def add(self, identity):
        self.identities[identity.token] = identity

    def identify(self, header):
        if header is None:
            return self.identities[""]
        scheme, _, token = header.partition(" ")
        identity = self.identities.get(token.strip()) if scheme.lower() in ("bearer", "token") else None
        if not identity or not identity.token or (identity.expires and identity.expires <= now()):
            raise Problem(401, "Bad credentials")
        return identity

    def rate(self, identity):
        rate = self.rates.get(identity.token)
        if not rate or rate.reset <= now():
            rate = self.rates[identity.token] = Rate(identity.limit, now() + 3600)
        return rate

    def set_rate(self, token="", remaining=0, reset_in=3600):
        limit = self.identities[token].limit
        self.rates[token] = Rate(limit, now() + reset_in, limit - remaining)


# ---------------------------------------------------------------------------------------------------------------------------
# What goes wrong


@dataclass
class Fault:
    fault: str
    path: str = "/"
    method: str | None = None
    count: int = 1
    seconds: float = 60
    status: int = 403
    size: int = 50 << 20

    def meets(self, method, path):
        return self.count > 0 and path.startswith(self.path) and self.method in (None, method)


@dataclass
class State:
    """All that the threads share."""
    directory: str
    store: Store
    access: Access
    app: App | None
    base: Base | None  # by --base
    objects: str  # where artifacts are
    faults: list = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def take_fault(self, method, path):
        with self.lock:
            fault = next((fault for fault in self.faults if fault.meets(method, path)), None)
            if fault:
                fault.count -= 1
            return fault

    @property
    def log(self):
        return os.path.join(self.directory, "requests")

    def sign(self, path, expiry):
        return hmac.new(self.secret, f"{path} {expiry}".encode(), "sha256").hexdigest()


# ---------------------------------------------------------------------------------------------------------------------------
# One request


class Connection(BaseHTTPRequestHandler):
    """What the API and the storage have in common: a request is recorded, perhaps spoiled, and answered."""
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    @property
    def state(self):
        return self.server.state

    def version_string(self):
        return "github.com"

    def date_time_string(self, timestamp=None):
        return formatdate(now() if timestamp is None else timestamp, usegmt=True)

    def log_message(self, *_):
        pass

    def handle_request(self):
        self.target = urlsplit(self.path)
        self.query = {name: values[-1] for name, values in parse_qs(self.target.query, keep_blank_values=True).items()}
        self.request_id = ":".join(secrets.token_hex(size).upper() for size in (2, 3, 4, 4, 4))
        self.received = None
        try:
            self.receive()
            if self.target.path.startswith("/_control/"):
                self.fault = None
                self.transmit(self.control())
            else:
                self.fault = self.state.take_fault(self.command, self.path)
                self.finish_request()
        finally:
            if self.received and os.path.exists(self.received):
                os.unlink(self.received)

    do_GET = do_HEAD = do_POST = do_PATCH = do_PUT = do_DELETE = handle_request

    def receive(self):
        """Puts the body into a file, as uploads may be large."""
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            self.close_connection = True
        rest = int(self.headers.get("Content-Length") or 0)
        if rest:
            with tempfile.NamedTemporaryFile(dir=self.state.store.uploads, prefix="received.", delete=False) as file:
                self.received = file.name
                while rest > 0:
                    if not (piece := self.rfile.read(min(rest, 1 << 16))):
                        raise ConnectionError("the client went away")
                    file.write(piece)
                    rest -= len(piece)

    def json_body(self):
        if not self.received:
            return {}
        try:
            with open(self.received, "rb") as file:
                body = json.load(file)
        except ValueError:
            raise Problem(400, "Problems parsing JSON") from None
        if not isinstance(body, dict):
            raise Problem(400, "Body should be a JSON object")
        return body

    def finish_request(self):
        name = self.fault.fault if self.fault else ""
        if name in ("hang", "reset"):
            self.record(None)
            self.wait_for_client(None) if name == "hang" else self.reset()
            return
        if name == "slow" and self.wait_for_client(self.fault.seconds):
            self.record(None)
            return
        answer = self.spoiled() or self.answer()
        self.record(None if name == "lost" else answer.status)
        if name == "lost":
            self.reset()
        else:
            self.transmit(answer)

    def answer(self):
        """The answer, wherever the request went."""
        host = self.headers.get("Host", "").partition(":")[0]
        storage = self.server.storage or host.endswith(".githubusercontent.com")
        try:
            with self.state.lock:
                return Storage(self).answer() if storage else Api(self).answer()
        except Problem as problem:
            return problem.answer

    def spoiled(self):
        """The answer that a fault puts in the place of the true one."""
        if not self.fault:
            return None
        name = self.fault.fault
        if name == "502":
            return Answer(502, b"<!DOCTYPE html><html><title>Unicorn! &middot; GitHub</title><p>This page is taking too long to "
                               b"load.</html>\n", content_type="text/html; charset=utf-8")
        if name.isdigit():
            return Problem(int(name), "Server Error").answer
        if name == "rate-limit":
            rate = Rate(5000, now() + self.fault.seconds, 5000)
            return Problem(403, "API rate limit exceeded for user ID 1.", rate.headers()).answer
        if name == "secondary":
            return Problem(self.fault.status,
                           "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
                           {"Retry-After": str(int(self.fault.seconds))}).answer
        if name == "sso":
            return Problem(403, "Resource protected by organization SAML enforcement. You must grant your Personal Access token access "
                                "to this organization.",
                           {"X-GitHub-SSO": "required; url=https://github.com/orgs/acme/sso?authorization_request=A1"}).answer
        if name == "forbidden":
            return Problem(403, "Resource not accessible by personal access token").answer
        if name == "garbage":
            return Answer(200, b'[{"id": 1, "tag_name": "v1.0.0", "assets": [{"id": }]]')
        if name == "flood":
            base = Base.of(GITHUB, "")
            time_of_release = timestamp(0)
            release = Release(1, "v0.0.1", time_of_release, time_of_release, time_of_release).render(base, Repository(1, "o/r"))
            item = json.dumps(release).encode()
            return Answer(200, b"[" + b",".join([item] * (self.fault.size // len(item) + 1)) + b"]")
        return None

    def transmit(self, answer):
        name = self.fault.fault if self.fault else ""
        length = len(answer.body)
        self.send_response(answer.status)
        for header, value in answer.headers.items():
            self.send_header(header, value)
        self.send_header("X-GitHub-Request-Id", self.request_id)
        if answer.status not in (204, 304):
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(length // 2 if name == "length" else length))
        if name in ("cut", "stall", "length"):
            self.close_connection = True
        self.end_headers()
        if self.command == "HEAD" or answer.status in (204, 304):
            return
        for piece in answer.pieces(length // 2 if name in ("cut", "stall") else length):
            self.wfile.write(piece)
        if name == "stall":
            self.wait_for_client(None)

    def record(self, status):
        line = {"method": self.command, "host": self.headers.get("Host"), "path": self.path, "status": status,
                "headers": {name.lower(): value for name, value in self.headers.items()}}
        with self.state.lock, open(self.state.log, "a") as log:
            log.write(json.dumps(line) + "\n")

    def wait_for_client(self, seconds):
        """Waits for the end of the connection, and returns True, or until the time is over."""
        self.connection.settimeout(seconds)
        try:
            gone = self.connection.recv(1) == b""
        except TimeoutError:
            gone = False
        except OSError:
            gone = True
        self.connection.settimeout(None)
        self.close_connection = gone
        return gone

    def reset(self):
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def control(self):
        """What tests say, and ask."""
        state, action = self.state, f"{self.command} {self.target.path.removeprefix('/_control/')}"
        try:
            with state.lock:
                if action == "POST reload":
                    state.store.load()
                elif action == "POST faults":
                    state.faults.append(Fault(**self.json_body()))
                elif action == "DELETE faults":
                    state.faults.clear()
                elif action == "POST rate":
                    state.access.set_rate(**self.json_body())
                elif action == "POST settings":
                    assign(SETTINGS, self.json_body())
                elif action == "GET requests":
                    with open(state.log) as log:
                        return json_answer(200, [json.loads(line) for line in log])
                elif action == "DELETE requests":
                    open(state.log, "w").close()
                else:
                    return not_found().answer
        except Problem as problem:
            return problem.answer
        except (TypeError, ValueError, KeyError) as error:
            return Problem(422, f"{type(error).__name__}: {error}").answer
        return Answer(204)


class Storage:
    """The host of artifacts, which knows of no tokens: who has the signed URL may read, for a while."""
    prefix = "/github-production-release-asset"

    def __init__(self, connection):
        self.connection = connection
        self.state = connection.state
        self.headers = connection.headers

    @classmethod
    def url(cls, state, base, repository, asset):
        path, expiry = f"{cls.prefix}/{repository.id}/{asset.id}", int(now()) + SETTINGS.object_lifetime
        return f"{base.objects}{path}?sp=r&se={expiry}&sig={state.sign(path, expiry)}"

    def answer(self):
        path, query = self.connection.target.path, self.connection.query
        if self.headers.get("Authorization"):
            return self.refuse(400, "InvalidAuthenticationInfo", "Only one authentication mechanism is allowed.")
        if self.connection.command not in ("GET", "HEAD"):
            return self.refuse(405, "UnsupportedHttpVerb", "The resource does not support this verb.")
        signature = self.state.sign(path, query.get("se"))
        if not hmac.compare_digest(query.get("sig", ""), signature) or int(query["se"]) < now():
            return self.refuse(403, "AuthenticationFailed", "The signature is wrong, or it expired.")
        asset = next((asset for _, _, asset in self.state.store.all_assets() if path.endswith(f"/{asset.id}")), None)
        if not asset or not os.path.exists(asset.path):
            return self.refuse(404, "BlobNotFound", "The blob does not exist.")
        asset.download_count += 1
        return self.content(asset)

    @staticmethod
    def refuse(status, code, message):
        body = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
        return Answer(status, body.encode(), content_type="application/xml")

    def content(self, asset):
        size = os.stat(asset.path).st_size
        changed = formatdate(os.stat(asset.path).st_mtime, usegmt=True)
        etag = f'"0x{hashlib.sha256(f"{asset.id} {asset.digest}".encode()).hexdigest()[:15].upper()}"'
        headers = {"ETag": etag, "Last-Modified": changed, "Accept-Ranges": "bytes",
                   "Content-Disposition": f"attachment; filename={asset.name}"}
        if etag in self.headers.get("If-None-Match", ""):
            return Answer(304, headers=headers)
        part = self.range(size) if self.headers.get("If-Range", etag) in (etag, changed) else None
        if not part:
            return Answer(200, Slice(asset.path, 0, size), headers, "application/octet-stream")
        start, end = part
        if start >= end:
            return Answer(416, headers={"Content-Range": f"bytes */{size}"}, content_type="application/xml")
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        return Answer(206, Slice(asset.path, start, end - start), headers, "application/octet-stream")

    def range(self, size):
        """The first byte that is asked for, and the one after the last (RFC 9110, section 14.1.2); None for all of them."""
        match = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        if not match or not any(match.groups()):
            return None
        if not match[1]:
            return max(0, size - int(match[2])), size
        return int(match[1]), min(size, int(match[2] or size) + bool(match[2]))


class Api:
    """api.github.com, uploads.github.com and github.com."""

    def __init__(self, connection):
        self.connection = connection
        self.state = connection.state
        self.store = connection.state.store
        self.headers = connection.headers
        self.method = "GET" if connection.command == "HEAD" else connection.command
        self.identity = None
        self.rate = None
        self.locate()

    def locate(self):
        """Finds out which of GitHub's hosts is meant, and which path there."""
        path, host = self.connection.target.path, self.headers.get("Host", "")
        scheme = "https" if self.connection.server.tls else "http"
        prefix = next((prefix for prefix in ("/api/v3", "/api/uploads", "/uploads") if path.startswith(prefix + "/")), "")
        self.path = path.removeprefix(prefix)
        self.uploads = prefix.endswith("/uploads") or host.startswith("uploads.github.com")
        if host.partition(":")[0] in ("api.github.com", "uploads.github.com", "github.com"):
            api = GITHUB
        else:
            api = f"{scheme}://{host}" + ("/api/v3" if prefix.startswith("/api/") else "")
        self.base = self.state.base or Base.of(api, self.state.objects)

    def answer(self):
        if not self.headers.get("User-Agent"):
            return Answer(403, b"\r\nRequest forbidden by administrative rules. Please make sure your request has a User-Agent "
                               b"header (https://docs.github.com/en/rest/overview/resources-in-the-rest-api#user-agent-required)."
                               b" Check https://developer.github.com for other possible causes.\r\n", content_type="text/html")
        try:
            answer = self.route()
        except Problem as problem:
            answer = problem.answer
        return self.finish(answer)

    def finish(self, answer):
        """Adds the headers of every answer, and answers conditional requests."""
        etag = f'W/"{hashlib.sha256((self.headers.get("Authorization") or "").encode() + bytes(answer.body)).hexdigest()}"'
        common = {"X-GitHub-Media-Type": "github.v3; format=json", "X-GitHub-Api-Version-Selected": "2022-11-28"}
        if answer.status == 200 and self.method == "GET":
            common |= {"ETag": etag,
                       "Vary": "Accept, Authorization, Cookie, X-GitHub-OTP, Accept-Encoding, Accept, X-Requested-With",
                       "Cache-Control": ("private" if self.identity.token else "public") + ", max-age=60, s-maxage=60"}
            if etag in (each.strip() for each in self.headers.get("If-None-Match", "").split(",")):
                answer = Answer(304)
                if self.identity.token:  # without one it is counted
                    self.rate.used -= 1
        if self.rate:
            common |= self.rate.headers() | self.token_headers()
        answer.headers = common | answer.headers
        return answer

    def token_headers(self):
        """What answers tell a classic token (ghp_) of its scopes, and any personal one of its end."""
        token, headers = self.identity.token, {}
        if token.startswith("ghp_"):
            headers |= {"X-OAuth-Scopes": "repo", "X-Accepted-OAuth-Scopes": "repo"}
        if token.startswith(("ghp_", "github_pat_")) and SETTINGS.expiration:
            headers["github-authentication-token-expiration"] = time.strftime(
                "%Y-%m-%d %H:%M:%S UTC", time.gmtime(now() + SETTINGS.expiration))
        return headers

    # who, and how often

    def authenticate(self):
        self.identity = self.state.access.identify(self.headers.get("Authorization"))
        self.rate = self.state.access.rate(self.identity)

    def count(self):
        if not self.rate.remaining:
            raise Problem(403, self.identity.over_limit())
        self.rate.used += 1

    def repository(self, full_name):
        repository = self.store.find(full_name)
        if not repository or not self.identity.sees(repository):
            raise not_found()
        if repository.moved_to:
            target = self.store.find(repository.moved_to)
            _, part, rest = self.path.partition("/releases")
            url = f"{self.base.api}/repositories/{target.id}{part}{rest}"
            query = self.connection.target.query
            url += f"?{query}" if query else ""
            status, message = (301, "Moved Permanently") if self.method == "GET" else (307, "Temporary Redirect")
            raise Problem(status, message, {"Location": url}, url=url)
        return repository

    def require_write(self, repository):
        if not self.identity.token:
            raise Problem(401, "Requires authentication")
        if not self.identity.writes(repository):
            raise Problem(403, "Resource not accessible by " +
                          ("integration" if self.identity.installation else "personal access token"))

    # which resource

    ROUTES = [(method, re.compile(pattern), name) for method, pattern, name in (
        ("GET", r"", "list_releases"),
        ("POST", r"", "create_release"),
        ("GET", r"/latest", "latest_release"),
        ("GET", r"/tags/(.+)", "tagged_release"),
        ("GET", r"/(\d+)", "get_release"),
        ("PATCH", r"/(\d+)", "update_release"),
        ("DELETE", r"/(\d+)", "delete_release"),
        ("GET", r"/(\d+)/assets", "list_assets"),
        ("GET", r"/assets/(\d+)", "get_asset"),
        ("PATCH", r"/assets/(\d+)", "update_asset"),
        ("DELETE", r"/assets/(\d+)", "delete_asset"))]

    def route(self):
        if match := re.fullmatch(r"/app/installations/(\d+)/access_tokens", self.path):
            return self.create_token(match[1])
        if match := re.fullmatch(r"/([^/]+/[^/]+)/releases/download/([^/]+)/([^/]+)", self.path):
            self.identity = self.state.access.identities[""]  # browsers have no tokens
            return self.browser_download(*map(unquote, match.groups()))
        self.authenticate()
        if self.path == "/rate_limit":
            return json_answer(200, {"resources": {"core": self.rate.render()}, "rate": self.rate.render()})
        self.count()
        if self.path in ("/graphql", "/api/graphql"):
            return self.graphql(self.connection.json_body())
        if self.method == "GET" and (match := re.fullmatch(r"/repos/([^/]+/[^/]+)", self.path)):
            return self.show_repository(self.repository(unquote(match[1])))
        match = re.fullmatch(r"/(?:repos/([^/]+/[^/]+)|repositories/(\d+))/releases(/.*)?", self.path)
        by_id = self.store.by_id(int(match[2])) if match and match[2] else None
        if not match or (match[2] and not by_id):
            raise not_found()
        repository = self.repository(by_id.full_name if by_id else unquote(match[1]))
        rest = match[3] or ""
        if self.uploads:
            upload = re.fullmatch(r"/(\d+)/assets", rest)
            if self.method != "POST" or not upload:
                raise not_found()
            return self.upload_asset(repository, upload[1])
        for method, pattern, name in self.ROUTES:
            if method == self.method and (found := pattern.fullmatch(rest)):
                return getattr(self, name)(repository, *map(unquote, found.groups()))
        raise not_found()

    # repositories

    def show_repository(self, repository):
        """Only what says who may what: the members "permissions" are those of the user of a token."""
        owner, _, name = repository.full_name.partition("/")
        body = {"id": repository.id, "node_id": node_id("R", repository.id), "name": name, "full_name": repository.full_name,
                "private": repository.private, "owner": user(self.base) | {"login": owner}, "archived": False,
                "url": f"{self.base.api}/repos/{repository.full_name}", "default_branch": "main"}
        if self.identity.token and not self.identity.installation:
            push = self.identity.writes(repository)
            body["permissions"] = {"admin": False, "maintain": False, "push": push, "triage": push, "pull": True}
        return json_answer(200, body)

    # releases

    def find_release(self, repository, number):
        for release in repository.sorted(self.identity.writes(repository)):
            if release.id == int(number):
                return release
        raise not_found()

    def page(self, repository, path, items):
        """The page of a list that is asked for, and how to get at the others."""
        def number(name, default):
            text = self.connection.query.get(name, "")
            return int(text) if text.isdigit() and int(text) > 0 else default
        size, page = min(100, number("per_page", 30)), number("page", 1)
        last = max(1, -(-len(items) // size))
        pages = {}
        if page > 1:
            pages["prev"] = min(page - 1, last)
        if page < last:
            pages |= {"next": page + 1, "last": last}
        if page > 1:
            pages["first"] = 1
        query = f"per_page={size}&" if "per_page" in self.connection.query else ""
        link = ", ".join(f'<{self.base.api}/repositories/{repository.id}/{path}?{query}page={each}>; rel="{relation}"'
                         for relation, each in pages.items())
        return json_answer(200, items[(page - 1) * size:page * size], {"Link": link} if link else {})

    def list_releases(self, repository):
        releases = repository.sorted(self.identity.writes(repository))
        return self.page(repository, "releases", [release.render(self.base, repository) for release in releases])

    def latest_release(self, repository):
        return self.show_release(repository, repository.latest())

    def tagged_release(self, repository, tag):
        return self.show_release(repository, repository.tagged(tag))

    def get_release(self, repository, number):
        return self.show_release(repository, self.find_release(repository, number))

    def show_release(self, repository, release):
        if not release:
            raise not_found()
        return json_answer(200, release.render(self.base, repository))

    def create_release(self, repository):
        self.require_write(repository)
        members = self.connection.json_body()
        if not members.get("tag_name"):
            raise Problem(422, 'Invalid request.\n\n"tag_name" wasn\'t supplied.')
        rendered = self.store.create_release(repository, members).render(self.base, repository)
        return json_answer(201, rendered, {"Location": rendered["url"]})

    def update_release(self, repository, number):
        self.require_write(repository)
        release, members = self.find_release(repository, number), self.connection.json_body()
        if release.immutable and members.get("tag_name", release.tag_name) != release.tag_name:
            raise Problem(422, "Cannot change the tag of an immutable release.")
        self.store.update_release(repository, release, members)
        return self.show_release(repository, release)

    def delete_release(self, repository, number):
        self.require_write(repository)
        repository.releases.remove(self.find_release(repository, number))
        return Answer(204)

    # artifacts

    def find_asset(self, repository, number):
        for release in repository.sorted(self.identity.writes(repository)):
            for asset in release.assets:
                if asset.id == int(number):
                    return release, asset
        raise not_found()

    def list_assets(self, repository, number):
        release = self.find_release(repository, number)
        return self.page(repository, f"releases/{number}/assets",
                         [asset.render(self.base, repository, release) for asset in release.assets])

    def get_asset(self, repository, number):
        release, asset = self.find_asset(repository, number)
        if "application/octet-stream" in self.headers.get("Accept", ""):
            return self.redirect(repository, asset)
        return json_answer(200, asset.render(self.base, repository, release))

    def redirect(self, repository, asset):
        if asset.state != "uploaded":
            raise not_found()
        return Answer(302, headers={"Location": Storage.url(self.state, self.base, repository, asset)},
                      content_type="text/html; charset=utf-8")

    def browser_download(self, full_name, tag, name):
        repository = self.repository(full_name)
        release = repository.tagged(tag)
        if not release or not release.asset(name):
            raise not_found()
        return self.redirect(repository, release.asset(name))

    def upload_asset(self, repository, number):
        self.require_write(repository)
        release = self.find_release(repository, number)
        if release.immutable:
            raise Problem(422, "Cannot upload assets to an immutable release.", request_id=self.connection.request_id)
        name = self.asset_name()
        if release.asset(name):
            raise invalid("ReleaseAsset", "name", "already_exists")
        if "Content-Type" not in self.headers:
            raise invalid("ReleaseAsset", "content_type", "missing_field")
        if not self.connection.received:
            if self.headers.get("Content-Length") == "0":
                raise invalid("ReleaseAsset", "size", "custom", message="size must be greater than or equal to 1")
            raise Problem(400, "Bad Content-Length: ", request_id=self.connection.request_id)
        if self.connection.fault and self.connection.fault.fault == "starter":
            release.assets.append(self.store.empty_asset(name))
            raise Problem(502, "Bad Gateway")
        asset = self.store.upload(release, name, self.connection.query.get("label"), self.headers["Content-Type"],
                                  self.connection.received)
        rendered = asset.render(self.base, repository, release)
        return json_answer(201, rendered, {"Location": rendered["url"]})

    def asset_name(self):
        """The name in the query, as GitHub changes it."""
        name = re.sub(r"[^A-Za-z0-9._+@-]+", ".", self.connection.query.get("name", "")).strip(".")
        if not name:
            raise invalid("ReleaseAsset", "name", "missing_field")
        return name

    def update_asset(self, repository, number):
        self.require_write(repository)
        release, asset = self.find_asset(repository, number)
        members = self.connection.json_body()
        if release.asset(members.get("name")) not in (None, asset):
            raise invalid("ReleaseAsset", "name", "already_exists")
        for name in {"name", "label"} & set(members):
            setattr(asset, name, members[name])
        asset.updated_at = timestamp(now())
        return json_answer(200, asset.render(self.base, repository, release))

    def delete_asset(self, repository, number):
        self.require_write(repository)
        release, asset = self.find_asset(repository, number)
        if release.immutable:
            raise Problem(422, "Cannot delete assets of an immutable release.")
        release.assets.remove(asset)
        return Answer(204)

    # the App

    def create_token(self, installation):
        app = self.state.app
        scheme, _, jwt = self.headers.get("Authorization", "").partition(" ")
        if self.method != "POST":
            raise not_found()
        if not app or scheme.lower() != "bearer":
            raise Problem(401, BAD_JWT)
        app.check(jwt.strip())
        if installation != app.installation:
            raise not_found()
        members = self.connection.json_body()
        permissions = {**members.get("permissions", app.permissions), "metadata": "read"}
        for name, right in permissions.items():
            if right not in ("read", app.permissions.get(name)) or name not in app.permissions:
                raise Problem(422, "The permissions requested are not granted to this installation.")
        selected = [self.store.find(self.owner_of(name) + "/" + name) for name in members.get("repositories", [])]
        if None in selected:
            raise Problem(
                422, "There is at least one repository that does not exist or is not accessible to the parent installation.")
        identity = app.token(permissions, {repository.full_name.lower() for repository in selected} or None)
        self.state.access.add(identity)
        answer = {"token": identity.token, "expires_at": timestamp(identity.expires), "permissions": permissions,
                  "repository_selection": "selected" if selected else "all"}
        return json_answer(201, answer)

    def owner_of(self, name):
        """An installation is one of one owner: here the owner of the repository of that name."""
        return next((each.full_name.partition("/")[0] for each in self.store.repositories.values()
                     if each.full_name.lower().endswith("/" + name.lower())), "")

    # what Debian's gh asks besides

    def graphql(self, body):
        variables = body.get("variables", {})
        repository = self.store.find(f"{variables.get('owner')}/{variables.get('name')}")
        if not repository or not self.identity.sees(repository):
            error = {"type": "NOT_FOUND", "path": ["repository"], "message": "Could not resolve to a Repository"}
            return json_answer(200, {"data": {"repository": None}, "errors": [error]})
        writes = self.identity.writes(repository)
        if re.search(r"\breleases\(", body.get("query", "")):
            nodes = [self.node(repository, release) for release in repository.sorted(writes)]
            found = {"releases": {"nodes": nodes, "pageInfo": {"hasNextPage": False, "endCursor": None}}}
        else:  # is there a draft with that tag?
            tag = variables.get("tagName")
            draft = next((each for each in repository.releases if writes and each.draft and each.tag_name == tag), None)
            found = {"release": draft and {"databaseId": draft.id, "isDraft": True}}
        return json_answer(200, {"data": {"repository": found}})

    @staticmethod
    def node(repository, release):
        return {"name": release.name, "tagName": release.tag_name, "isDraft": release.draft, "isPrerelease": release.prerelease,
                "isLatest": release is repository.latest(), "createdAt": release.created_at, "publishedAt": release.published_at}


# ---------------------------------------------------------------------------------------------------------------------------
# The servers


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port, tls, storage):
        super().__init__(("127.0.0.1", port), Connection)
        self.tls = tls
        self.storage = storage
        self.state = None
        if tls:
            standin.secure(self, *tls)

    def server_bind(self):
        """Without asking for the name of the host."""
        self.allow_reuse_address = True
        super(ThreadingHTTPServer, self).server_bind()

    def handle_error(self, request, client_address):
        """A client that goes away is part of the play; anything else is a mistake in here."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def parse_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("directory")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--tls", nargs=2, metavar=("CERTIFICATE", "KEY"))
    parser.add_argument("--base")
    parser.add_argument("--objects")
    parser.add_argument("--token", action="append", default=[], metavar="TOKEN=read|write")
    parser.add_argument("--app-id")
    parser.add_argument("--app-key", metavar="PUBLIC.pem")
    parser.add_argument("--installation", default="1")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    api, storage = Server(arguments.port, arguments.tls, False), Server(0, arguments.tls, True)
    tokens = [token.split("=", 1) for token in arguments.token or ("ghp_write=write", "ghp_read=read")]
    app = App(arguments.app_id, arguments.app_key, arguments.installation) if arguments.app_id else None
    objects = arguments.objects or f"{'https' if arguments.tls else 'http'}://127.0.0.1:{storage.server_port}"
    base = Base.of(arguments.base.rstrip("/"), objects) if arguments.base else None
    api.state = storage.state = State(arguments.directory, Store(arguments.directory), Access(tokens), app, base, objects)
    api.state.store.load()
    open(api.state.log, "a").close()
    threading.Thread(target=storage.serve_forever, daemon=True).start()
    standin.serve(api, arguments.directory)


if __name__ == "__main__":
    main()
