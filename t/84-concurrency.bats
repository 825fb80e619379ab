#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Many at once on one ROOT, several users, locks that are not what they were, clocks that jump, and a ROOT that is moved in flight.
load common

prepare() {
  export DEWY_REGISTRY=file://$REGISTRY DEWY_SETTLE=300ms DEWY_MODE=assets
  CLOCK=()
  cd "$BATS_TEST_TMPDIR"
}

cleanup() {
  local pid
  for pid in "${held[@]}"; do
    kill -CONT "$pid" 2>/dev/null || true
    kill -KILL "$pid" 2>/dev/null || true
  done
}
held=()

# hold NAME: a hook that says with the file NAME.there that it has begun, and ends when there is the file NAME.go.
hold() {
  local at=$BATS_TEST_TMPDIR/$1
  echo "touch '$at.there'; until [ -e '$at.go' ]; do sleep 0.02; done"
}

# held NAME: waits until that hook has begun.
held() {
  wait_until test -e "$BATS_TEST_TMPDIR/$1.there"
}

# let_go NAME: ends it.
let_go() {
  touch "$BATS_TEST_TMPDIR/$1.go"
}

# in_background NAME COMMAND...: runs it; its output goes to NAME.out and NAME.err. Sets PID.
in_background() {
  "${@:2}" >"$BATS_TEST_TMPDIR/$1.out" 2>"$BATS_TEST_TMPDIR/$1.err" 3>&- &
  PID=$!
  held+=("$PID")
}

# ends STATUS [PID]: the process ends with that status.
ends() {
  local status=0
  wait "${2:-$PID}" || status=$?
  [ $status = "$1" ] || fail "ended with $status: $(cat "$BATS_TEST_TMPDIR"/*.err)"
}

# is_sound VERSION [ROOT]: VERSION is deployed, whole, and nothing half done is left; the chain of the history holds.
is_sound() {
  local root=${2:-$ROOT} left
  deploys "$1" "$root" || fail "current is $(cat "$root/current/version"), not $1" || return
  [ "$("$root/current/run")" = "$1" ] || return
  [ "$(jq -r .release.version "$root/.dewy/releases/$(basename "$(readlink "$root/current")").json")" = "$1" ] || return
  left=$(find "$root" -name '*.partial' -o -name '*.part' -o -name '*.new')
  [ -z "$left" ] || fail "left behind: $left" || return
  dewy history --verify --root "$root" >/dev/null || fail "the chain of the history is broken"
}

# deploys VERSION [ROOT]: current leads to it.
deploys() {
  [ "$(cat "${2:-$ROOT}/current/version")" = "$1" ]
}

# at TIME COMMAND...: runs it while the clock says so, as faketime(1) takes it; what it starts lives in that time, too.
at() {
  ! sanitized || skip "AddressSanitizer does not start under faketime"
  LD_PRELOAD=$(echo /usr/lib/*/faketime/libfaketime.so.1) FAKETIME=$1 FAKETIME_DONT_FAKE_MONOTONIC=1 "${@:2}"
}

# Clocks

@test "runs go on when the clock jumps between them: an hour, a year, to 1970, to 2040 and back" {
  local when minor=0
  for when in +0 -1h -1y +1d '@1970-01-02 00:00:00' '@2040-01-01 00:00:00' +0 -1y; do
    publish v1.$((++minor)).0
    run -0 --separate-stderr at "$when" dewy once
    is_sound v1.$minor.0
    run -0 at "$when" dewy status
    run -0 at "$when" dewy history
  done
  [ "$(dewy history --verify | grep -c broken)" = 0 ]
}

@test "a clock that is set back during a run, or far ahead, changes nothing about its end" {
  local when minor=0
  for when in -1y +20y; do
    publish v1.$((++minor)).0
    echo +0 >clock
    FAKETIME_TIMESTAMP_FILE=$BATS_TEST_TMPDIR/clock FAKETIME_NO_CACHE=1 run -0 --separate-stderr \
      at '' env -u FAKETIME dewy once --stage-timeout 60s --before-deploy-hook "echo $when >'$BATS_TEST_TMPDIR/clock'"
    is_sound v1.$minor.0
  done
}

@test "after the clock was set back, the newest release stays the newest: for retention, and for a rollback" {
  publish v1.0.0
  at +10y dewy once >/dev/null 2>&1
  publish v1.1.0
  dewy once >/dev/null 2>&1
  publish v1.2.0
  at -1y dewy once --keep 2 >/dev/null 2>&1
  is_sound v1.2.0
  [ "$(cat "$ROOT"/releases/*/version | paste -sd ,)" = v1.1.0,v1.2.0 ]
  dewy rollback >/dev/null 2>&1
  is_sound v1.1.0
}

@test "what was rejected after the clock was set back is not forgotten because of releases that are dated ahead of it" {
  publish v1.0.0
  at +10y dewy once >/dev/null 2>&1
  publish v1.1.0
  at +10y dewy once >/dev/null 2>&1
  dewy rollback >/dev/null 2>&1
  publish v1.2.0
  dewy once >/dev/null 2>&1
  is_sound v1.2.0
  rm -r "$REGISTRY/v1.2.0"
  dewy once >/dev/null 2>&1
  is_sound v1.0.0
}

@test "an attempt that was put off while the clock was ahead is made now" {
  PORT=$(free_port)
  publish_server v1.0.0 says-ready
  dewy once --mode assets >/dev/null 2>&1
  echo '{"cache_key":"v1.0.0--app_linux_amd64.tar.gz","failures":3,"next_at":"2099-01-01T00:00:00Z"}' >"$ROOT/.dewy/attempts.json"
  run -0 --separate-stderr dewy once --mode server -p "127.0.0.1:$PORT" -- current/server
  [ "$(field state)" = running ]
  wait_until serves v1.0.0
  [ ! -e "$ROOT/.dewy/attempts.json" ]
}

@test "a channel that nobody names, last told while the clock was ahead, and a download that broke off then, are forgotten" {
  publish v1.0.0
  mkdir "$ROOT/.dewy" cache
  echo '{"channels":{"https://gone":{"at":"2099-01-01T00:00:00Z","failures":1}}}' >"$ROOT/.dewy/notify.json"
  touch -d 2099-01-01 cache/.v0.1.0--app.tar.gz.part
  printf '#!/bin/sh\n' >tell
  chmod 755 tell
  run -0 --separate-stderr dewy once --cache "$BATS_TEST_TMPDIR/cache" --notifier "exec:$BATS_TEST_TMPDIR/tell"
  is_sound v1.0.0
  [ "$(ls -A cache | paste -sd ,)" = current,v1.0.0--app_linux_amd64.tar.gz ]
  run cat "$ROOT/.dewy/notify.json"
  refute_output --partial gone
}
