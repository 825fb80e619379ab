#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Attacks, carried out. SECURITY says what each of them is, and which other tests carry out more.
load common
load confine
load once
load github

prepare() {
  SERVICE=$BATS_TEST_TMPDIR/service GITHUB=$BATS_TEST_TMPDIR/github
  DOCUMENT=$BATS_TEST_TMPDIR/document
  KEY=v1.0.0--app_linux_amd64.tar.gz
  CACHE=$ROOT/.dewy/cache
  mkdir "$SERVICE"
  export DEWY_REGISTRY=file://$REGISTRY
}

# deployed VERSION: it is what current leads to.
deployed() {
  assert_equal "$(cat "$ROOT/current/version")" "$1"
}

# fetched: a document with the artifact of v1.0.0 in the cache.
fetched() {
  publish v1.0.0
  dewy-check | dewy-fetch >"$DOCUMENT"
  assert_equal "$(jq -r .state "$DOCUMENT")" fetched
}

# refused STATUS MESSAGE: dewy-deploy refuses the document so, and nothing is deployed.
refused() {
  run --separate-stderr dewy-deploy <"$DOCUMENT"
  assert_equal "$status $(field state)" "$1 failed"
  [[ $(field error.message) == *"$2"* ]]
  refute [ -e "$ROOT/current" ]
  assert_equal "$(find "$ROOT/releases" "$ROOT/.dewy/releases" -mindepth 1 2>/dev/null)" ""
}

# attacked ATTACK [KIND]: a run fails within its time, $TIME, in little memory, whatever the registry that t/attacker.py makes sends.
attacked() {
  python3 "$BATS_TEST_DIRNAME/attacker.py" "$SERVICE" "$1" 3>&- &
  echo $! >"$BATS_TEST_TMPDIR/attacker.pid"
  wait_until test -s "$SERVICE/port"
  export AWS_ACCESS_KEY_ID=key AWS_SECRET_ACCESS_KEY=secret
  export GITHUB_API_URL=http://127.0.0.1:$(cat "$SERVICE/port")
  case ${2:-ghr} in
    ghr) DEWY_REGISTRY=ghr://acme/app ;;
    s3) DEWY_REGISTRY="s3://us-east-1/bucket/app?endpoint=$GITHUB_API_URL" ;;
    gs) DEWY_REGISTRY="gs://bucket/app?anonymous=true&endpoint=$GITHUB_API_URL" ;;
  esac
  sanitized || ulimit -v 150000
  once --registry-timeout "${TIME:-5s}" --retries 1
  assert_failure 2
  assert_equal "$(field state)" failed
  assert_document
}

# as_nobody COMMAND...: runs it as a user with no rights; $OPEN is a directory that such a user may enter.
as_nobody() {
  setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}
open_directory() {
  [ "$(id -u)" -eq 0 ] || skip "needs root to become somebody else"
  OPEN=$(mktemp -d /tmp/dewy-attack.XXXXXX)
  chmod 755 "$OPEN"
  mkdir -m 755 "$OPEN/root"
  export DEWY_ROOT=$OPEN/root
  ROOT=$OPEN/root CACHE=$OPEN/root/.dewy/cache
}
cleanup() {
  [ -z "${OPEN:-}" ] || rm -rf "$OPEN"
}

# Old versions.

@test "attack: the newest release is hidden, once somebody has gone back to an older one" {
  deploy v1.0.0 v1.2.0
  dewy rollback --log-level error >/dev/null
  dewy rollback --forget >/dev/null
  rm -r "$REGISTRY/v1.2.0"
  publish v1.1.0
  once --no-downgrade
  assert_success
  assert_equal "$(field state)" unchanged
  [[ $stderr == *"WARN: Not following the registry to an older version"* ]]
  deployed v1.0.0
}

@test "attack: the registry becomes an old copy of itself, and what is known of the deployed release is lost" {
  deploy v1.0.0
  cp -r "$REGISTRY" "$BATS_TEST_TMPDIR/copy"
  deploy v1.1.0
  rm -r "$REGISTRY"
  cp -r "$BATS_TEST_TMPDIR/copy" "$REGISTRY"
  rm -r "$ROOT"/.dewy/releases "$ROOT"/.dewy/cache "$ROOT"/releases "$ROOT"/current
  once --no-downgrade
  assert_equal "$status $(field state)" "0 unchanged"
  [[ $(field reason) == "v1.0.0 is older than v1.1.0, "* ]]
  refute [ -e "$ROOT/current" ]
}

@test "attack: an old version is published again, and is the last one by its time" {
  deploy v1.0.0 v1.1.0
  touch -d tomorrow "$REGISTRY/v1.0.0" "$REGISTRY/v1.0.0"/*
  once --no-downgrade
  assert_equal "$(field state)" unchanged
  rm -r "$REGISTRY/v1.1.0"
  once --no-downgrade --force
  assert_equal "$(field state)" unchanged
  deployed v1.1.0
}

@test "attack: other content is given out under the version that is deployed" {
  deploy v1.0.0
  local before
  before=$(readlink "$ROOT/current")
  publish v0.0.9
  mv "$REGISTRY/v0.0.9/app_linux_amd64.tar.gz" "$REGISTRY/v1.0.0/"
  rm -r "$REGISTRY/v0.0.9"
  once
  assert_equal "$(field state) $(readlink "$ROOT/current")" "unchanged $before"
  deployed v1.0.0
}

@test "attack: a version of a million makes all later ones look old, but its server does not start" {
  local port
  port=$(free_port)
  local serve=(--settle 1s --port "127.0.0.1:$port" -- current/server)
  publish_server v1.0.0
  dewy once "${serve[@]}" >/dev/null 2>&1
  publish_server v1000000.0.0 dies-at-once
  once "${serve[@]}"
  assert_failure 4
  rm -r "$REGISTRY/v1000000.0.0"
  publish_server v1.1.0
  once --no-downgrade "${serve[@]}"
  assert_equal "$(field state) $(field release.version)" "running v1.1.0"
}

# Nothing new.

@test "attack: the registry shows the same list for ever" {
  publish v1.0.0
  touch -d '40 days ago' "$REGISTRY/v1.0.0" "$REGISTRY/v1.0.0"/*
  once --stale-after 720h
  [[ $stderr == *"WARN: No newer release has appeared"* ]]
  once --stale-after 720h
  assert_equal "$status $(field state) $(field check.stale)" "0 unchanged true"
}

@test "attack: the registry answers for ever that nothing has changed" {
  github_repository acme/app
  github_release acme/app v1.0.0 '{"published_at": "2024-01-15T10:28:00Z"}' app_linux_amd64.tar.gz
  tar -C "$BATS_TEST_DIRNAME" -czf "$GITHUB/repos/acme/app/v1.0.0/app_linux_amd64.tar.gz" common.bash
  start_github
  export GITHUB_API_URL=$API DEWY_REGISTRY=ghr://acme/app
  dewy once --no-report --log-level error >/dev/null
  dewy once --no-report --log-level error >/dev/null # the download has changed the list
  once --no-report --stale-after 720h
  assert_equal "$(github_requests .status | tail -n 1)" 304
  [[ $stderr == *'WARN: No newer release has appeared version="v1.0.0" since="2024-01-15T10:28:00Z"'* ]]
  assert_equal "$status $(field state) $(field check.stale)" "0 unchanged true"
}

@test "attack: the registry answers that nothing has changed to who has asked for all of it" {
  attacked not-modified
}

@test "attack: the registry dates its old list in the future" {
  publish v1.0.0
  touch -d 'next year' "$REGISTRY/v1.0.0" "$REGISTRY/v1.0.0"/*
  dewy once --no-report --log-level error >/dev/null
  once --no-report --stale-after 1ms
  assert_equal "$(field state) $(field check.stale)" "unchanged true"
}

# Nothing at all: a mirror that prevents updates.

@test "attack: the registry says that there is nothing; people hear of it, and what is deployed stays" {
  deploy v1.0.0
  printf '#!/bin/sh\ncat >>%s\n' "$BATS_TEST_TMPDIR/told" >"$BATS_TEST_TMPDIR/tell"
  chmod 755 "$BATS_TEST_TMPDIR/tell"
  export DEWY_NOTIFIER=exec:$BATS_TEST_TMPDIR/tell
  TIME=150s attacked gone
  deployed v1.0.0
  grep -q "not there, or not to be seen without a token: 404" "$BATS_TEST_TMPDIR/told"
}

@test "attack: the registry fails for ever; a server whose machine boots meanwhile starts" {
  PORT=$(free_port)
  local serve=(--settle 1s --port "127.0.0.1:$PORT" -- current/server)
  publish_server v1.0.0
  dewy once "${serve[@]}" >/dev/null 2>&1
  stop_pid "$(cat "$ROOT/.dewy/serve.pid")"
  attacked broken || true # there is something else to do first:
  once --registry ghr://acme/app "${serve[@]}"
  assert_equal "$(field state)" running
  wait_until serves v1.0.0
  once --registry ghr://acme/app --registry-timeout 5s --retries 1 "${serve[@]}"
  assert_failure 2
  serves v1.0.0
}

# Without end.

@test "attack: headers without end" {
  attacked endless-headers
}

@test "attack: an answer without end" {
  TIME=150s attacked endless-body
  [[ $(field error.message) == *"larger than"* ]]
}

@test "attack: a text without end" {
  TIME=150s attacked endless-element
  [[ $(field error.message) == *"larger than"* ]]
}

@test "attack: brackets within brackets, five million of them" {
  attacked deep
}

@test "attack: redirects without end" {
  TIME=150s attacked redirects
  [[ $(field error.message) == *"too many redirects"* ]]
}

@test "attack: pages without end, of GitHub" {
  attacked pages-ghr
}

@test "attack: pages without end, of S3" {
  attacked pages-s3 s3
}

@test "attack: pages without end, of Google Cloud Storage" {
  attacked pages-gs gs
}

@test "attack: a document without end, and one of brackets, on standard input" {
  local tool
  sanitized || ulimit -v 150000
  for tool in dewy-fetch dewy-deploy dewy-restart dewy-notify; do
    run -1 --separate-stderr $tool < <(yes '{"dewy":1,')
    [[ $stderr == *"larger than"* ]]
    run -1 --separate-stderr $tool < <(head -c 1000000 /dev/zero | tr '\0' '[')
  done
}

@test "attack: versions that cannot be extracted, one after the other, are to fill the disk" {
  local minor
  deploy v1.0.0
  for minor in 1 2 3 4 5; do
    mkdir "$REGISTRY/v1.$minor.0"
    echo "none $minor" >"$REGISTRY/v1.$minor.0/app_linux_amd64.tar.gz"
    once
    assert_failure 5
  done
  assert_equal "$(cd "$CACHE" && echo v*)" "$KEY v1.5.0--app_linux_amd64.tar.gz"
  deployed v1.0.0
}

# One byte after the other.

@test "attack: no answer at all" {
  attacked silent
}

@test "attack: headers of which a byte comes now and then" {
  attacked slow-headers
}

@test "attack: an answer of which a byte comes now and then" {
  attacked slow-body
}

@test "attack: a checksum file of which a byte comes now and then" {
  python3 "$BATS_TEST_DIRNAME/attacker.py" "$SERVICE" slow-body 3>&- &
  echo $! >"$BATS_TEST_TMPDIR/attacker.pid"
  wait_until test -s "$SERVICE/port"
  jq -nc --arg root "$ROOT" --arg registry "gs://bucket?anonymous=true&endpoint=http://127.0.0.1:$(cat "$SERVICE/port")" '{
    dewy: 1, id: "1", app: "app", root: $root, mode: "assets", state: "available", $registry, release: {version: "v1.0.0"},
    artifact: {name: "app.tar", url: "gs://bucket/v1.0.0/app.tar", cache_key: "v1.0.0--app.tar",
      checksum_urls: ["gs://bucket/v1.0.0/SHA256SUMS"]}}' >"$DOCUMENT"
  run -2 --separate-stderr dewy-fetch --registry-timeout 3s --retries 1 <"$DOCUMENT"
  [[ $(field error.message) == "the checksum file SHA256SUMS: "* ]]
}

@test "attack: a server for names that does not answer" {
  need_private_mounts
  run in_private_mounts unshare -n bash -euc '
    ip link set lo up
    echo "nameserver 127.0.0.1" >"$1/resolv.conf"
    echo "hosts: dns" >"$1/nsswitch.conf"
    mount --bind "$1/resolv.conf" /etc/resolv.conf
    mount --bind "$1/nsswitch.conf" /etc/nsswitch.conf
    python3 -c "import socket, time
s = socket.socket(type=socket.SOCK_DGRAM)
s.bind((\"127.0.0.1\", 53))
open(\"$1/bound\", \"w\")
time.sleep(170)" 3>&- &
    trap "kill $!" EXIT
    until [ -e "$1/bound" ]; do sleep 0.02; done
    dewy-check --registry ghr://acme/app --registry-timeout 3s --retries 0 2>/dev/null || [ $? = 2 ]' sh "$BATS_TEST_TMPDIR"
  assert_success
  assert_equal "$(field error.code)" network
}

# Between the verification and the use.

@test "attack: a link in the place of the verified artifact" {
  fetched
  mv "$CACHE/$KEY" "$BATS_TEST_TMPDIR/moved"
  ln -s "$BATS_TEST_TMPDIR/moved" "$CACHE/$KEY"
  refused 3 "$KEY"
}

@test "attack: another file in the place of the verified artifact" {
  fetched
  publish v6.6.6
  mv "$REGISTRY/v6.6.6/app_linux_amd64.tar.gz" "$CACHE/$KEY"
  refused 5 "is not what was verified"
}

@test "attack: the verified artifact is changed in place, and keeps its size and its times" {
  fetched
  touch -r "$CACHE/$KEY" "$BATS_TEST_TMPDIR/times"
  printf x | dd of="$CACHE/$KEY" bs=1 seek=20 conv=notrunc status=none
  touch -r "$BATS_TEST_TMPDIR/times" "$CACHE/$KEY"
  refused 5 "is not what was verified"
}

@test "attack: another file, which takes long to extract, in the place of the verified artifact" {
  fetched
  truncate -s 60M "$BATS_TEST_TMPDIR/zeros"
  tar -C "$BATS_TEST_TMPDIR" -c zeros | xz -0 >"$CACHE/$KEY"
  refused 5 "is not what was verified"
}

@test "attack: another file in the place of the verified artifact, and a hook that would prepare for it" {
  fetched
  publish v6.6.6
  mv "$REGISTRY/v6.6.6/app_linux_amd64.tar.gz" "$CACHE/$KEY"
  export DEWY_BEFORE_DEPLOY_HOOK='touch prepared'
  refused 5 "is not what was verified"
  refute [ -e "$ROOT/prepared" ]
}

@test "attack: another file in the place of the verified artifact of the deployed release" {
  fetched
  dewy-deploy <"$DOCUMENT" >/dev/null 2>&1
  deployed v1.0.0
  printf x | dd of="$CACHE/$KEY" bs=1 seek=20 conv=notrunc status=none
  edit "$DOCUMENT" ".previous = {version: \"v1.0.0\", path: \"$(readlink -f "$ROOT/current")\", cache_key: \"$KEY\"}"
  run --separate-stderr dewy-deploy <"$DOCUMENT"
  assert_equal "$status $(field state) $(field error.code)" "5 failed integrity"
  [[ $(field error.message) == *"is not what was verified"* ]]
  deployed v1.0.0
  assert_equal "$(find "$ROOT/releases" -mindepth 1 -maxdepth 1 | wc -l)" 1
}

@test "attack: a file of the right name and size is in a cache that others use, too, and the registry tells no digest" {
  export DEWY_CACHE=$BATS_TEST_TMPDIR/others
  publish v1.0.0
  mkdir -m 755 "$DEWY_CACHE"
  head -c "$(stat -c %s "$REGISTRY/v1.0.0/app_linux_amd64.tar.gz")" /dev/urandom >"$DEWY_CACHE/$KEY"
  once
  assert_success
  deployed v1.0.0
  cmp "$REGISTRY/v1.0.0/app_linux_amd64.tar.gz" "$DEWY_CACHE/$KEY"
}

@test "attack: the verified artifact belongs to somebody else, who may change it after it is compared" {
  [ "$(id -u)" -eq 0 ] || skip "needs root to give files away"
  fetched
  chown 65534 "$CACHE/$KEY"
  refused 5 "belongs to another user, or others may write to it"
  run --separate-stderr sh -c 'dewy-check | dewy-fetch' # it is read again
  assert_equal "$(field fetch.from_cache) $(stat -c %u "$CACHE/$KEY")" "false 0"
  run --separate-stderr dewy-deploy <<<"$output"
  assert_success
}

@test "attack: others may write to the verified artifact" {
  fetched
  chmod o+w "$CACHE/$KEY"
  refused 5 "belongs to another user, or others may write to it"
  run --separate-stderr sh -c 'dewy-check | dewy-fetch'
  assert_equal "$(field fetch.from_cache)" false
  [[ $stderr == *"WARN: Others may write to the artifact in the cache"* ]]
}

@test "attack: the verified artifact has another name, by which somebody else owns it" {
  open_directory
  fetched
  mkdir "$OPEN/theirs"
  cp "$CACHE/$KEY" "$OPEN/theirs/mine"
  chown -R 65534 "$OPEN/theirs"
  ln -f "$OPEN/theirs/mine" "$CACHE/$KEY"
  refused 5 "belongs to another user, or others may write to it"
}

@test "attack: the cache is one that others may write to, or own" {
  local mode
  publish v1.0.0
  mkdir "$BATS_TEST_TMPDIR/cache"
  for mode in 757 1777; do
    chmod $mode "$BATS_TEST_TMPDIR/cache"
    once --cache "$BATS_TEST_TMPDIR/cache"
    assert_equal "$status $(field error.stage) $(field error.code)" "1 fetch config"
    [[ $(field error.message) == "the cache $BATS_TEST_TMPDIR/cache belongs to another user, or others may write to it" ]]
  done
  [ "$(id -u)" -eq 0 ] || return 0
  chgrp 65534 "$BATS_TEST_TMPDIR/cache"
  chmod 775 "$BATS_TEST_TMPDIR/cache"
  once --cache "$BATS_TEST_TMPDIR/cache"
  assert_failure 1
  chmod 755 "$BATS_TEST_TMPDIR/cache"
  chown 65534 "$BATS_TEST_TMPDIR/cache"
  once --cache "$BATS_TEST_TMPDIR/cache"
  assert_failure 1
  assert_equal "$(ls -A "$BATS_TEST_TMPDIR/cache")" ""
  dewy-check | dewy-fetch >"$DOCUMENT"
  mkdir "$BATS_TEST_TMPDIR/theirs"
  mv "$CACHE/$KEY" "$BATS_TEST_TMPDIR/theirs"
  chown 65534 "$BATS_TEST_TMPDIR/theirs"
  export DEWY_CACHEDIR=$BATS_TEST_TMPDIR/theirs
  refused 1 "belongs to another user"
}

@test "attack: a file of somebody else has the name of the download, to be written over" {
  local victim=$BATS_TEST_TMPDIR/victim part=$CACHE/.$KEY.part
  publish v1.0.0
  mkdir -p "$CACHE"
  echo precious >"$victim"
  ln "$victim" "$part"
  ln -s "$victim" "$part.json"
  once
  assert_success
  assert_equal "$(cat "$victim")" precious
  deployed v1.0.0
  [ "$(stat -c %h "$CACHE/$KEY")" = 1 ]
}

# What comes with an artifact.

@test "attack: an artifact brings files that look like those of dewy" {
  local tree=$BATS_TEST_TMPDIR/tree opened=$BATS_TEST_TMPDIR/opened name
  deploy v1.0.0
  mkdir -p "$tree/.dewy/releases" "$tree/.dewy/cache" "$tree/releases" "$REGISTRY/v1.1.0"
  for name in .slack-thread-ts dewy.env .env .dewy/floor.json .dewy/rejected.json .dewy/registry.json .dewy/lock .dewy/notify.json \
    .dewy/serve.pid .dewy/serve.status releases/20990101T000000Z.json current DEWY_AFTER_DEPLOY_HOOK app_linux_amd64.tar.gz.sha256; do
    echo '{"version":"v9.9.9"}' >"$tree/$name"
  done
  for name in before-deploy after-deploy hooks; do
    printf '#!/bin/sh\ntouch %s\n' "$BATS_TEST_TMPDIR/owned" >"$tree/$name"
    chmod 755 "$tree/$name"
  done
  echo v1.1.0 >"$tree/version"
  tar -C "$tree" -czf "$REGISTRY/v1.1.0/app_linux_amd64.tar.gz" .
  may_trace
  run strace -f -qq -e trace=openat,execve -o "$opened" dewy once --log-level error
  assert_success
  deployed v1.1.0
  diff -r "$tree" "$ROOT/current/"
  assert_equal "$(jq -r .version "$ROOT/.dewy/floor.json")" v1.1.0
  # nobody has opened any of it but to write it
  assert_equal "$(grep -E '"[^"]*(slack-thread-ts|dewy\.env|before-deploy|after-deploy|hooks|\.sha256|\.env)"' "$opened" |
    grep -v 'O_WRONLY\|O_RDWR\|O_DIRECTORY\|O_PATH')" ""
  once
  assert_equal "$(field state)" unchanged
  refute [ -e "$BATS_TEST_TMPDIR/owned" ]
}

@test "attack: the application puts links to elsewhere into its release, which is removed later" {
  local victim=$BATS_TEST_TMPDIR/victim first
  mkdir "$victim"
  echo precious >"$victim/file"
  deploy v1.0.0
  first=$(readlink -f "$ROOT/current")
  ln -s "$victim" "$first/link"
  deploy v1.1.0
  rm -r "$first"
  ln -s "$victim" "$first"
  export DEWY_KEEP=1
  deploy v1.2.0 v1.3.0
  assert_equal "$(cat "$victim/file")" precious
  deployed v1.3.0
}

# Names.

@test "attack: releases whose names are paths, options, commands and escape sequences" {
  local name
  for name in 'v9.0.0;reboot' 'v9.0.0$(reboot)' 'v9.0.0`reboot`' '--version' '-rf' 'v9.0.0 ' ' v9.0.0' $'v9.0.0\n' $'v9.0.0\e[2J' \
    $'v9.0.0\r' 'v9.0.0%2F..' '..v9.0.0' 'v9.0.0+..%2f' 'v9' 'v9.0' 'v09.0.0' "v9.0.0-$(printf 'a%.0s' {1..240})+b"; do
    mkdir "$REGISTRY/$name"
    cp "$0" "$REGISTRY/$name/app_linux_amd64" 2>/dev/null || : >"$REGISTRY/$name/app_linux_amd64"
  done
  publish v1.0.0
  once
  assert_success
  deployed v1.0.0
  refute grep -q $'[\x01-\x09\x0b-\x1f]' <<<"$output$stderr"
}

@test "attack: releases of GitHub whose names are paths, or have an end within" {
  TIME=150s attacked names
  [[ $(field error.message) == *"no release to deploy among "*" without a version of this kind"* ]]
  refute grep -q $'[\x01-\x09\x0b-\x1f]' <<<"$output$stderr"
}

@test "attack: validators that are escape sequences, and pages that are files" {
  TIME=150s attacked validators
  refute grep -q $'[\x01-\x09\x0b-\x1f]' <<<"$output$stderr"
  [[ $(field error.message) == *"it is not asked"* ]]
}

@test "attack: validators that are escape sequences or too long to be sent back are not kept, and hurt nobody" {
  python3 "$BATS_TEST_DIRNAME/attacker.py" "$SERVICE" etag 3>&- &
  echo $! >"$BATS_TEST_TMPDIR/attacker.pid"
  wait_until test -s "$SERVICE/port"
  export GITHUB_API_URL=http://127.0.0.1:$(cat "$SERVICE/port") DEWY_REGISTRY=ghr://acme/app
  mkdir "$ROOT/.dewy"
  for _ in 1 2 3; do
    run --separate-stderr dewy-check
    assert_equal "$status $(field release.version)" "0 v1.0.0"
    refute grep -q owned "$ROOT"/.dewy/*.json
  done
  assert_equal "$(grep -c '' "$SERVICE/requests")" "$(grep -c '^GET ' "$SERVICE/requests")"
}

# Documents.

# changed FILTER: the document of a server that was deployed, changed, as dewy-restart reads it.
changed() {
  head -c 1000 /dev/zero >"$SERVICE/artifact"
  if [ ! -e "$SERVICE/port" ]; then
    "$BATS_TEST_DIRNAME/downloads.py" "$SERVICE" serve >/dev/null 3>&- &
    echo $! >"$BATS_TEST_TMPDIR/service.pid"
    wait_until test -s "$SERVICE/port"
  fi
  export DEWY_MODE=server DEWY_RESTART_COMMAND="echo \"\$DEWY_RELEASE_DIR\" >>$BATS_TEST_TMPDIR/restarted"
  export DEWY_HEALTH_URL=http://127.0.0.1:$(cat "$SERVICE/port")/ DEWY_HEALTH_COUNT=1 DEWY_SETTLE=0
  publish v1.0.0
  dewy-check | dewy-fetch | dewy-deploy | jq -c "$1" >"$DOCUMENT"
}

@test "attack: a document that sends a restart to another directory" {
  local path
  changed .
  run -0 --separate-stderr dewy-restart <"$DOCUMENT" # which is what happens without an attack
  assert_equal "$(cat "$BATS_TEST_TMPDIR/restarted")" "$(field deploy.path)"
  rm -r "$BATS_TEST_TMPDIR/restarted" "$ROOT"/*
  for path in /tmp/evil /etc '$root/releases/../../evil' '$root/../root/releases/x' '$root/releases/' 'releases/x' ''; do
    path=${path//\$root/$ROOT}
    changed ".deploy.path = \"$path/\" + (.deploy.path | split(\"/\") | last)"
    run --separate-stderr dewy-restart <"$DOCUMENT"
    assert_failure 1
    assert_equal "$output" ""
    [[ $stderr == *"deploy.path"* ]]
    refute [ -e "$BATS_TEST_TMPDIR/restarted" ]
    rm -r "$ROOT"/*
  done
}

@test "attack: a document that sends a rollback to another directory" {
  changed '.previous = {path: ("/tmp/evil/" + (.deploy.path | split("/") | last)), version: "v0.9.0"}'
  run -1 --separate-stderr dewy-restart <"$DOCUMENT"
  [[ $stderr == *"previous.path"* ]]
}

@test "attack: a document that claims a version which is not the deployed one, so that all others look old" {
  changed '.release.version = "v1000000.0.0"'
  run --separate-stderr dewy-restart <"$DOCUMENT"
  assert_failure
  refute [ -e "$BATS_TEST_TMPDIR/restarted" ]
  refute [ -e "$ROOT/.dewy/floor.json" ]
}

@test "attack: a document whose version and names are paths" {
  local change
  publish v1.0.0
  for change in '.release.version = "../../etc"' '.artifact.name = "../x"' '.artifact.cache_key = "../../x"' \
    '.artifact.url = "file:///etc/passwd"' '.release.version = "a/b" | .artifact.cache_key = "a/b--x" | .artifact.name = "x"' \
    '.artifact.name = ".." | .artifact.cache_key = "v1.0.0--.."'; do
    dewy-check | jq -c "$change" >"$DOCUMENT"
    run --separate-stderr dewy-fetch <"$DOCUMENT"
    assert_failure
    assert_equal "$(find "$BATS_TEST_TMPDIR" -name 'x' -o -name 'passwd' -o -name 'etc')" ""
    assert_equal "$(find "$CACHE" -type f 2>/dev/null)" ""
  done
}

@test "attack: a document with numbers that are none" {
  local number
  for number in -1 1e400 -1e400 1e300 0.5 9223372036854775807 18446744073709551616; do
    fetched
    jq -c . "$DOCUMENT" | sed -E "s/\"size\":[0-9]+/\"size\":$number/" >"$DOCUMENT.new"
    run --separate-stderr dewy-fetch < <(sed -E 's/"state":"fetched"/"state":"available"/' "$DOCUMENT.new")
    assert [ "$status" -lt 128 ]
    run --separate-stderr dewy-deploy <"$DOCUMENT.new"
    assert [ "$status" -lt 128 ]
    rm -rf "$ROOT"/*
  done
}

# Other users of the machine.

# settled PID FILE: that process has the lock of the file, or has given up.
settled() {
  gone "$1" || ! flock -n "$2" true
}

@test "attack: another user holds the lock, so that nothing is deployed any more" {
  open_directory
  deploy v1.0.0
  publish v1.1.0
  as_nobody flock "$ROOT/.dewy/lock" sleep 150 3>&- &
  echo $! >"$BATS_TEST_TMPDIR/attacker.pid"
  wait_until settled $! "$ROOT/.dewy/lock"
  once
  assert_success
  deployed v1.1.0
}

@test "attack: another user holds the history, so that no deployment is recorded any more" {
  local file
  open_directory
  deploy v1.0.0
  publish v1.1.0
  for file in history.jsonl history.lock; do
    as_nobody flock "$ROOT/.dewy/$file" sleep 150 3>&- &
    echo $! >"$BATS_TEST_TMPDIR/$file.pid"
    wait_until settled $! "$ROOT/.dewy/$file"
  done
  once
  assert_success
  deployed v1.1.0
  assert_equal "$(jq -r .version "$ROOT/.dewy/history.jsonl" | paste -sd ,)" v1.0.0,v1.1.0
  refute_regex "$stderr" WARN
  assert_equal "$(as_nobody jq -r .version "$ROOT/.dewy/history.jsonl" | paste -sd ,)" v1.0.0,v1.1.0
}

@test "attack: another user holds the partial download" {
  open_directory
  publish v1.0.0
  mkdir -p "$CACHE"
  echo beginning >"$CACHE/.$KEY.part"
  as_nobody flock "$CACHE/.$KEY.part" sleep 150 3>&- &
  echo $! >"$BATS_TEST_TMPDIR/attacker.pid"
  wait_until settled $! "$CACHE/.$KEY.part"
  once
  assert_success
  deployed v1.0.0
}

@test "attack: others may write to what dewy keeps in ROOT" {
  local directory
  deploy v1.0.0
  publish v1.1.0
  for directory in .dewy releases; do
    chmod o+w "$ROOT/$directory"
    once
    assert_failure 1
    [[ $stderr == *"others may write to $ROOT/$directory; make it private"* ]]
    chmod o-w "$ROOT/$directory"
  done
  once
  deployed v1.1.0
}
