#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What people write in place of dewy: deploy.sh API-OF-THE-REPOSITORY ROOT [PORT]
#
# It asks GitHub whether there is a newer release, downloads its artifact, compares the digest, extracts it beside the old one,
# switches "current", and with a PORT has start_server restart the server, or starts it. It is what is measured, and no example: it
# takes no lock, keeps all releases, does not look whether the server came up, and a power cut may leave anything.
set -euo pipefail
api=$1 root=$2 port=${3:-}
cd "$root"

status=$(curl -sSf -w '%{http_code}' -o releases.json.new -D headers -H "If-None-Match: $(cat etag 2>/dev/null || echo '"none"')" \
  "$api/releases?per_page=100")
[ "$status" != 304 ] || exit 0
{
  read -r version
  read -r url
  read -r digest
} < <(jq -r 'map(select(.draft or .prerelease | not)) | .[0] | .tag_name, (.assets[0] | .url, .digest)' releases.json.new)
if [ "$version" != "$(cat version 2>/dev/null)" ]; then
  curl -sSfL -H 'Accept: application/octet-stream' -o artifact "$url"
  echo "${digest#sha256:}  artifact" | sha256sum -c --quiet
  mkdir -p "releases/$version"
  tar -xf artifact -C "releases/$version"
  sync -f "releases/$version"
  ln -s "releases/$version" current.new
  mv -T current.new current
  echo "$version" >version
  if [ -n "$port" ] && [ -s serve.pid ]; then
    kill -HUP "$(cat serve.pid)"
  elif [ -n "$port" ]; then
    start_server --daemonize --log-file=serve.log --port="127.0.0.1:$port" --pid-file="$root/serve.pid" \
      --status-file="$root/serve.status" -- "$root/current/worker"
  fi
fi
sed -n 's/^[Ee][Tt][Aa][Gg]: \(.*\)\r$/\1/p' headers >etag
