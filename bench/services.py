# SPDX-License-Identifier: MIT
"""The servers: nginx for downloads, plain and by TLS, and behind it the stand-ins for GitHub and for the listings of S3."""
import json
import os
import socket
import sys
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))

NGINX = """daemon off;
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/nginx.log;
user {user};
events {{ worker_connections 256; }}
http {{
  default_type application/octet-stream;
  access_log {directory}/requests;
  client_body_temp_path {directory}/tmp;
  proxy_temp_path {directory}/tmp;
  fastcgi_temp_path {directory}/tmp;
  uwsgi_temp_path {directory}/tmp;
  scgi_temp_path {directory}/tmp;
  sendfile on;
  proxy_set_header Host $http_host;
  map $args $listing {{ ~list-type=2 yes; }}
  server {{
    listen 127.0.0.1:{http};
    listen 127.0.0.1:{https} ssl;
    ssl_certificate {trust}/server.pem;
    ssl_certificate_key {trust}/server.key;
    root {directory}/www;
    location / {{ if ($listing) {{ proxy_pass http://127.0.0.1:{s3}; }} }}
    location /repos/ {{ proxy_pass http://127.0.0.1:{github}; }}
    location /repositories/ {{ proxy_pass http://127.0.0.1:{github}; }}
  }}
}}
"""


def free_ports(count):
    held = [socket.socket() for _ in range(count)]
    for each in held:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


def wait_until(true, what, seconds=60):
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(f"still not true after {seconds} s: {what}")
        time.sleep(0.02)


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
        return True
    except OSError:
        return False


class Services:
    def __init__(self, bench, trusted):
        self.bench = bench
        self.directory = bench.fresh("services")
        self.github_directory, self.www = os.path.join(self.directory, "github"), os.path.join(self.directory, "www")
        for path in (self.github_directory, self.www, os.path.join(self.directory, "tmp")):
            os.makedirs(path)
        http, https = free_ports(2)
        self.http, self.https = f"http://127.0.0.1:{http}", f"https://127.0.0.1:{https}"
        github = self.stand_in(os.path.join(HERE, "..", "t", "github.py"), self.github_directory, self.github_directory,
                               "--base", self.https, "--objects", self.https)
        s3 = self.stand_in(os.path.join(HERE, "s3.py"), self.directory, self.www, self.directory)
        self.github = f"http://127.0.0.1:{github}"
        with open(os.path.join(self.directory, "nginx.conf"), "w") as file:
            file.write(NGINX.format(directory=self.directory, http=http, https=https, github=github, s3=s3, trust=trusted,
                                    user="root" if os.geteuid() == 0 else "nobody"))
        self.nginx = bench.spawn(["nginx", "-p", self.directory, "-c", "nginx.conf", "-e", f"{self.directory}/nginx.log"])
        wait_until(lambda: self.nginx.poll() is not None or answers(http), "nginx answers")
        self.control("rate", {"remaining": 10 ** 9, "reset_in": 10 ** 6})  # who has no token may ask as often as it takes

    def stand_in(self, program, directory, *arguments):
        """Starts it, and returns its port."""
        self.bench.spawn([sys.executable, program, *arguments], stdout=open(os.path.join(directory, "out"), "w"))
        port = os.path.join(directory, "port")
        wait_until(lambda: os.path.exists(port), f"{program} is ready")
        with open(port) as file:
            return int(file.read())

    def requests(self):
        """How many there were so far."""
        with open(os.path.join(self.directory, "requests")) as file:
            return sum(1 for _ in file)

    # S3: the bucket is the name.

    def publish_s3(self, bucket, version, artifact, name):
        release = os.path.join(self.www, bucket, version)
        os.makedirs(release, exist_ok=True)
        os.link(artifact, os.path.join(release, name))

    def s3_url(self, bucket, base):
        return f"s3://us-east-1/{bucket}?anonymous=true&endpoint={base}"

    # GitHub: the repository is acme/NAME.

    def publish_github(self, repository, version, artifact, name):
        release = os.path.join(self.github_directory, "repos", "acme", repository, version)
        os.makedirs(release)
        os.link(artifact, os.path.join(release, name))
        self.control("reload")
        return self.serve_artifact(repository, version)

    def control(self, action, members=None):
        """Tells the stand-in for GitHub something."""
        body = json.dumps(members or {}).encode()
        urllib.request.urlopen(urllib.request.Request(f"{self.github}/_control/{action}", body, method="POST")).close()

    def serve_artifact(self, repository, version):
        """nginx is where the API says that the artifacts are. Returns that address, and the digest."""
        with urllib.request.urlopen(f"{self.github}/repos/acme/{repository}/releases/tags/{version}") as answer:
            asset = json.load(answer)["assets"][0]
        with urllib.request.urlopen(f"{self.github}/repos/acme/{repository}") as answer:
            number = json.load(answer)["id"]
        place = f"github-production-release-asset/{number}"
        os.makedirs(os.path.join(self.www, place), exist_ok=True)
        os.link(os.path.join(self.github_directory, "repos", "acme", repository, version, asset["name"]),
                os.path.join(self.www, place, str(asset["id"])))
        return f"{self.https}/{place}/{asset['id']}", asset["digest"]

    def api(self, repository):
        return f"{self.https}/repos/acme/{repository}"
