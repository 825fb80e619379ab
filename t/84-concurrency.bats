#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Many at once on one ROOT, several users, locks that are not what they were, clocks that jump, and a ROOT that is moved in flight.
load common

prepare() {
  export DEWY_REGISTRY=file://$REGISTRY DEWY_SETTLE=300ms DEWY_MODE=assets
  cd "$BATS_TEST_TMPDIR"
}

cleanup() {
  local pid
  for pid in "${held[@]}"; do
    kill -CONT "$pid" 2>/dev/null || true
    kill -KILL "$pid" 2>/dev/null || true
  done
  rm -f "$BATS_TEST_TMPDIR"/*.there
}
held=()

# hold NAME: a hook that says with the file NAME.there that it has begun, and ends when there is the file NAME.go, or the test is over.
hold() {
  local at=$BATS_TEST_TMPDIR/$1
  echo "touch '$at.there'; until [ -e '$at.go' ] || [ ! -e '$at.there' ]; do sleep 0.02; done"
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

# may_fake_time: skips the test where a clock cannot be faked.
may_fake_time() {
  ! sanitized || skip "AddressSanitizer does not start under faketime"
}

# by_clock COMMAND...: runs it, and what it starts, with the clock that FAKETIME, or else the file clock, tells as faketime(1) takes it.
# The command executes no other one in its place: the memory by which they agree would stay in /dev/shm.
by_clock() {
  LD_PRELOAD=$(echo /usr/lib/*/faketime/libfaketime.so.1) FAKETIME_TIMESTAMP_FILE=$BATS_TEST_TMPDIR/clock FAKETIME_NO_CACHE=1 \
    FAKETIME_DONT_FAKE_MONOTONIC=1 "$@"
}

# at TIME COMMAND...: runs it while the clock says so.
at() {
  FAKETIME=$1 by_clock "${@:2}"
}

# Many at once

@test "fifty runs that do not wait: one deploys, the others say at INFO that it does, change nothing, and end with 0" {
  local n pids=() states
  publish v1.0.0
  in_background first dewy once --after-deploy-hook "echo ran >>ran; $(hold hook)"
  held hook
  find "$ROOT" -printf '%p %C@ %s\n' | sort >before
  for n in $(seq 49); do
    dewy once >"$n.document" 2>"$n.log" 3>&- &
    pids+=($!)
  done
  for n in "${pids[@]}"; do ends 0 "$n"; done
  find "$ROOT" -printf '%p %C@ %s\n' | sort | diff before -
  [ "$(cat ./*.document | wc -c)" = 0 ]
  [ "$(grep -l 'INFO: Another run holds the lock' ./*.log | wc -l)" = 49 ]
  [ "$(cat ./*.log | wc -l)" = 49 ]
  let_go hook
  ends 0 $PID
  is_sound v1.0.0
  [ "$(cat "$ROOT/ran")" = ran ]
}

# pipe NAME: the single steps; the documents between them and the exit statuses go to files.
pipe() {
  local stage status before=/dev/null
  for stage in check fetch deploy restart notify; do
    status=0
    "dewy-$stage" <"$before" >"$1.$stage" 2>>"$1.err" || status=$?
    echo "$stage $status" >>"$1.status"
    before=$1.$stage
  done
}

@test "pipes of single steps, runs, rollbacks, status and history all at once: one state, a whole history, designed statuses" {
  local n pid pids=() minor
  export DEWY_LOCK_WAIT=60s
  for minor in 0 1; do publish v1.$minor.0; dewy once >/dev/null 2>&1; done
  publish v1.2.0
  for n in $(seq 10); do
    pipe "$BATS_TEST_TMPDIR/pipe$n" 3>&- & pids+=($!)
    dewy once >/dev/null 2>>once.err 3>&- & pids+=($!)
    dewy status >/dev/null 3>&- & pids+=($!)
    dewy history --verify >/dev/null 3>&- & pids+=($!)
    dewy once --force >/dev/null 2>>once.err 3>&- & pids+=($!)
  done
  local failed=0
  for pid in "${pids[@]}"; do
    n=0
    wait "$pid" || n=$?
    case $n in 0) ;; 6) failed=$((failed + 1)) ;; *) fail "ended with $n: $(cat ./*.err)" ;; esac
  done
  echo "came second: $failed"
  # Whoever read a state that was overtaken says so, with 6, and nothing else fails.
  [ "$(cat pipe*.status | awk '$2 != 0 && $2 != 6' | wc -l)" = 0 ]
  run -1 sh -c 'grep -h "ERROR\|WARN" pipe*.err once.err | grep -v "another run has switched current"'
  assert_output ''
  is_sound v1.2.0
  run -0 dewy once
  is_sound v1.2.0
}

@test "the steps of several pipes in turn: what was overtaken is refused with 6, whatever came in between" {
  local step
  publish v1.0.0
  dewy once >/dev/null 2>&1
  publish v1.1.0
  for step in a b; do dewy-check >$step.check; done
  for step in a b; do dewy-fetch <$step.check >$step.fetched 2>/dev/null; done
  dewy-deploy <a.fetched >a.deployed 2>/dev/null
  run -6 --separate-stderr dewy-deploy <b.fetched
  [ "$(field error.code)" = superseded ]
  is_sound v1.1.0
  dewy-notify <a.deployed >/dev/null 2>&1
  # A rollback between the steps.
  publish v1.2.0
  dewy-check >c.check
  dewy-fetch <c.check >c.fetched 2>/dev/null
  dewy rollback >/dev/null 2>&1
  run -6 --separate-stderr dewy-deploy <c.fetched
  is_sound v1.0.0
  # An older document is no way back.
  run -6 --separate-stderr dewy-deploy <a.fetched
  is_sound v1.0.0
}

@test "a rollback while a run deploys waits as long as it is told, or ends with 6, and is the last word" {
  publish v1.0.0
  dewy once >/dev/null 2>&1
  publish v1.1.0
  in_background run dewy once --before-deploy-hook "$(hold hook)"
  local run=$PID
  held hook
  run -6 --separate-stderr dewy rollback
  assert_regex "$stderr" 'another run holds the lock'
  in_background back dewy rollback --lock-wait 60s
  let_go hook
  ends 0 $run
  ends 0
  is_sound v1.0.0
  [ "$(jq -r .release.version back.out)" = v1.0.0 ]
}

@test "two watches on one ROOT deploy each version once, and both end with 0" {
  local version first second
  in_background one dewy watch --interval 50ms --after-deploy-hook 'echo $DEWY_VERSION >>ran'; first=$PID
  in_background two dewy watch --interval 50ms --after-deploy-hook 'echo $DEWY_VERSION >>ran'; second=$PID
  for version in v1.0.0 v1.1.0 v1.2.0; do
    publish $version
    wait_until deploys $version
    wait_until grep -qx $version "$ROOT/ran"
  done
  kill $first $second
  ends 0 $first
  ends 0 $second
  is_sound v1.2.0
  [ "$(paste -sd ' ' "$ROOT/ran")" = 'v1.0.0 v1.1.0 v1.2.0' ]
}

@test "two supervisors on one ROOT at the same moment: one serves, the other ends with 6 and says who has it" {
  local n pids=() lost=0 status
  PORT=$(free_port)
  install -m 755 "$BATS_TEST_DIRNAME/server.py" "$ROOT/server"
  echo v1 >"$ROOT/version"
  echo says-ready >"$ROOT/behaviour"
  for n in $(seq 8); do
    dewy-serve --daemonize --root "$ROOT" --log-file "$ROOT/log" -p "127.0.0.1:$PORT" -- ./server >/dev/null 2>"$n.err" 3>&- &
    pids+=($!)
  done
  for n in "${pids[@]}"; do
    status=0
    wait "$n" || status=$?
    [ $status = 0 ] || { [ $status = 6 ] && lost=$((lost + 1)); }
  done
  [ $lost = 7 ]
  [ "$(grep -l "another supervisor (pid $(cat "$ROOT/.dewy/serve.pid")) holds the pid file" ./*.err | wc -l)" = 7 ]
  wait_until serves v1 || fail "$(cat "$ROOT/log")"
}

@test "twenty dewy-notify at once: each failure is counted, and the counter is never torn" {
  local n pids=()
  for n in $(seq 20); do
    jq -nc --arg root "$ROOT" --arg id "20240115T103044Z-$n" '{dewy: 1, id: $id, app: "root", host: "h", root: $root, mode: "assets",
      state: "failed", registry: "file:///x", error: {stage: "fetch", code: "network", message: "m", hint: "h"}, notices: []}' |
      dewy-notify --no-report >/dev/null 2>>log 3>&- &
    pids+=($!)
  done
  for n in "${pids[@]}"; do ends 2 "$n"; done
  [ "$(jq .failures "$ROOT/.dewy/notify.json")" = 20 ]
}

# Several users

# as_user UID COMMAND...: runs it as that user.
as_user() {
  setpriv --reuid "$1" --regid "$1" --clear-groups "${@:2}"
}

# need_users: skips the test when it cannot be several users; $PATH begins with tools that each of them can execute, wherever those
# that were built are.
need_users() {
  [ "$(id -u)" = 0 ] || skip "only root can be several users"
  local dir
  mkdir "$BATS_TEST_TMPDIR/tools"
  cp -r "$DEWY_BIN" "$BATS_TEST_TMPDIR/tools/bin"
  cp -r "$DEWY_BIN/../libexec" "$BATS_TEST_TMPDIR/tools"
  chmod -R a+rX "$BATS_TEST_TMPDIR/tools"
  PATH=$BATS_TEST_TMPDIR/tools/bin:$PATH
  for dir in "$BATS_TEST_TMPDIR" "${BATS_TEST_TMPDIR%/*}" "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/.."; do chmod o+x "$dir"; done
}

# is_refused COMMAND...: it ends with 1, says whose ROOT this is, and nothing in ROOT has changed.
is_refused() {
  find "$ROOT" -printf '%p %C@ %s %u\n' | sort >before
  run -1 --separate-stderr "$@"
  assert_output ''
  assert_regex "$stderr" "the root is used by one user: $ROOT[a-z./]* belongs to uid [0-9]+, and this is uid [0-9]+; run as its owner"
  find "$ROOT" -printf '%p %C@ %s %u\n' | sort | diff before -
}

@test "another user than its owner is refused a ROOT before anything is touched, with or without anything in it" {
  need_users
  local tool
  publish v1.0.0
  is_refused as_user 65534 dewy once
  is_refused as_user 65534 dewy-check
  dewy once >/dev/null 2>&1
  for tool in 'dewy once' 'dewy once --dry-run' 'dewy rollback' 'dewy rollback --forget' 'dewy watch' dewy-check 'dewy-deploy --rollback' 'dewy-serve -- true'; do
    is_refused as_user 65534 $tool
  done
  run -0 as_user 65534 dewy status
  run -0 as_user 65534 dewy history
  run -0 dewy once
  is_sound v1.0.0
}

@test "root is refused a ROOT of somebody else, who would find files there that only root can replace" {
  need_users
  local tool
  publish v1.0.0
  chown 65534:65534 "$ROOT"
  is_refused dewy once
  as_user 65534 dewy once >/dev/null 2>&1
  publish v1.1.0
  for tool in 'dewy once' 'dewy once --dry-run' 'dewy rollback' 'dewy-serve --stop' 'dewy-serve -- true'; do
    is_refused $tool
  done
  run -0 dewy status
  run -0 as_user 65534 dewy once
  is_sound v1.1.0
  [ -z "$(find "$ROOT" ! -uid 65534)" ]
  # What the hint says is enough to hand it over, and back.
  chown -R 0 "$ROOT"
  publish v1.2.0
  run -0 dewy once
  chown -R 65534 "$ROOT"
  publish v1.3.0
  run -0 as_user 65534 dewy once
  is_sound v1.3.0
}

@test "a ROOT of root that a group may write to is used by the first of the group only" {
  need_users
  publish v1.0.0
  chgrp 4711 "$ROOT"
  chmod 775 "$ROOT"
  as_member() { setpriv --reuid "$1" --regid 4711 --clear-groups "${@:2}"; }
  as_member 4712 dewy once >/dev/null 2>&1
  is_refused as_member 4713 dewy once
  publish v1.1.0
  run -0 as_member 4712 dewy once
  is_sound v1.1.0
}

@test "what another user has put into a release, so that it cannot be removed, is said at WARN, and keeps nothing from being deployed" {
  need_users
  local minor left
  chown 65534:65534 "$ROOT"
  publish v1.0.0
  as_user 65534 dewy once >/dev/null 2>&1
  left=$(readlink "$ROOT/current")
  mkdir "$ROOT/current/data"
  touch "$ROOT/current/data/file"
  for minor in 1 2 3 4; do
    publish v1.$minor.0
    run -0 --separate-stderr as_user 65534 dewy once --keep 1
    deploys v1.$minor.0
  done
  assert_regex "$stderr" 'WARN: Cannot remove what is left error="clean up: .*cannot remove file: Permission denied"'
  [ "$(ls "$ROOT/releases" | wc -l)" = 2 ]
  rm -r "$ROOT/releases/.${left#releases/}.removed/data"
  publish v1.5.0
  run -0 --separate-stderr as_user 65534 dewy once --keep 1
  refute_regex "$stderr" WARN
  is_sound v1.5.0
}

@test "dewy-doctor says whose ROOT it is" {
  need_users
  chown 65534:65534 "$ROOT"
  run dewy-doctor
  assert_output --partial "the root is used by one user: $ROOT belongs to uid 65534"
}

# Locks

@test "a lock file that was left behind does no harm, and is taken as it is" {
  publish v1.0.0
  mkdir "$ROOT/.dewy"
  echo 4711 >"$ROOT/.dewy/lock"
  touch -d '2001-01-01' "$ROOT/.dewy/lock"
  run -0 dewy once
  is_sound v1.0.0
}

@test "a run that was stopped keeps the lock; the next ones warn, with what to do, and it goes on when it is told to" {
  publish v1.0.0
  in_background run dewy once --before-deploy-hook "$(hold hook)"
  held hook
  kill -STOP $PID
  wait_until grep -q '^State:.T' /proc/$PID/status
  run -0 --separate-stderr dewy once
  assert_output ''
  assert_regex "$stderr" "WARN: The run that holds the lock is stopped pid=\"$PID\" hint=\"kill -CONT $PID lets it go on\""
  assert_regex "$stderr" 'INFO: Another run holds the lock'
  run -6 --separate-stderr dewy rollback
  assert_regex "$stderr" 'WARN: The run that holds the lock is stopped'
  let_go hook
  kill -CONT $PID
  ends 0
  is_sound v1.0.0
}

@test "nothing that outlives a run keeps its lock: what a hook leaves, a server, a notifier" {
  PORT=$(free_port)
  publish_server v1.0.0 says-ready
  in_background run dewy once --mode server -p "127.0.0.1:$PORT" --notify-timeout 60s --notifier "exec:$BATS_TEST_TMPDIR/tell" \
    --after-deploy-hook 'sleep 600 >/dev/null 2>&1 & echo $! >../left.pid' -- current/server
  printf '#!/bin/sh\n%s\n' "$(hold notifier)" >tell
  chmod 755 tell
  held notifier
  wait_until serves v1.0.0
  is_free() { flock -n "$ROOT/.dewy/lock" true && flock -n "$ROOT/.dewy" true; }
  wait_until is_free
  kill -0 "$(cat left.pid)"
  let_go notifier
  ends 0
}

@test "a run whose lock was removed, or replaced, between two stages says so and ends with 6; the next one goes on" {
  local change minor=0
  PORT=$(free_port)
  for change in 'rm "$ROOT/.dewy/lock"' 'rm "$ROOT/.dewy/lock"; touch "$ROOT/.dewy/lock"'; do
    publish_server v1.$((++minor)).0 says-ready
    export ROOT
    run -6 --separate-stderr dewy once --mode server -p "127.0.0.1:$PORT" --after-deploy-hook "$change" -- current/server
    [ "$(field error.code)" = locked ]
    [ "$(field error.stage)" = restart ]
    assert_regex "$(field error.message)" "^$ROOT/.dewy/lock is not what this run has locked"
    run -0 --separate-stderr dewy once --mode server -p "127.0.0.1:$PORT" -- current/server
    [ "$(field state)" = running ]
    wait_until serves v1.$minor.0
  done
}

@test "who waits for a lock whose file is removed meanwhile takes the lock of the new file" {
  publish v1.0.0
  mkdir "$ROOT/.dewy"
  touch "$ROOT/.dewy/lock"
  exec 8<"$ROOT/.dewy/lock"
  flock 8
  in_background waiting dewy once --lock-wait 60s 8<&-
  waits() { [ "$(find "/proc/$PID/fd" -lname "$ROOT/.dewy/lock" | wc -l)" = 1 ]; }
  wait_until waits
  mv "$ROOT/.dewy/lock" old
  (flock 9; exec 8<&-; is_refused_now() { dewy once 2>&1 | grep -q 'Another run holds the lock'; }; is_refused_now) 9>"$ROOT/.dewy/lock"
  exec 8<&-
  ends 0
  is_sound v1.0.0
}

@test "a file system without locks is an error that says what to do, before anything is touched" {
  local number
  publish v1.0.0
  for number in ENOLCK EOPNOTSUPP; do
    ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 run -3 --separate-stderr \
      strace -f -qq -e trace=flock -e inject=flock:error=$number -o /dev/stdout dewy once
    assert_regex "$stderr" "cannot take the lock $ROOT/.dewy/lock: .*; its file system has no flock\\(2\\): use a local one"
    [ ! -e "$ROOT/current" ]
  done
}

@test "a lock file that is never the one that was just opened is an error, not a loop without end" {
  publish v1.0.0
  ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 run -3 --separate-stderr \
    timeout 60 strace -f -qq -P lock -e inject=newfstatat:error=ENOENT -o /dev/stdout dewy once
  assert_regex "$stderr" "cannot take the lock $ROOT/.dewy/lock: Stale file handle"
  [ ! -e "$ROOT/current" ]
}

@test "--lock-wait ends when it is over, whatever the clock does meanwhile" {
  may_fake_time
  publish v1.0.0
  mkdir "$ROOT/.dewy"
  exec 8>"$ROOT/.dewy/lock"
  flock 8
  echo '-1y' >clock
  in_background waiting by_clock dewy rollback --lock-wait 500ms
  echo '-20y' >clock
  ends 6
  exec 8>&-
}

# Clocks

@test "runs go on when the clock jumps between them: an hour, a year, to 1970, to 2040 and back" {
  may_fake_time
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
  may_fake_time
  local when minor=0
  for when in -1y +20y; do
    publish v1.$((++minor)).0
    echo +0 >clock
    run -0 --separate-stderr by_clock dewy once --stage-timeout 60s --before-deploy-hook "echo $when >'$BATS_TEST_TMPDIR/clock'"
    is_sound v1.$minor.0
  done
}

@test "after the clock was set back, the newest release stays the newest: for retention, and for a rollback" {
  may_fake_time
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
  may_fake_time
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
  local next
  for next in 2099-01-01T00:00:00Z "$(date -u -d '+50 minutes' +%FT%TZ)"; do # three failures put off for 40 s
    jq -n --arg next "$next" '{cache_key: "v1.0.0--app_linux_amd64.tar.gz", failures: 3, next_at: $next}' >"$ROOT/.dewy/attempts.json"
    run -0 --separate-stderr dewy-check --registry "file://$REGISTRY" --mode server
    assert_equal "$(field state)" available
  done
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

# A ROOT that is moved

@test "ROOT is moved between two runs: the supervisor that runs goes on there, and the next release is restarted by it" {
  local pid
  PORT=$(free_port)
  publish_server v1.0.0 says-ready
  dewy once --mode server -p "127.0.0.1:$PORT" -- current/server >/dev/null 2>&1
  pid=$(cat "$ROOT/.dewy/serve.pid")
  mv "$ROOT" "$BATS_TEST_TMPDIR/moved"
  export DEWY_ROOT=$BATS_TEST_TMPDIR/moved
  publish_server v1.1.0 says-ready
  run -0 --separate-stderr dewy once --mode server -p "127.0.0.1:$PORT" -- current/server
  [ "$(field state)" = running ]
  [ "$(field restart.action)" = restarted ]
  wait_until serves v1.1.0
  [ "$(cat moved/.dewy/serve.pid)" = "$pid" ]
  [ ! -e "$ROOT" ]
  run -0 dewy-serve --stop
  [ ! -e moved/.dewy/serve.pid ]
  [ ! -e moved/.dewy/serve.notify ]
}

@test "a ROOT that the supervisor may not look at for a while has not moved" {
  local user=()
  mkdir -m 755 "$BATS_TEST_TMPDIR/above"
  mv "$ROOT" "$BATS_TEST_TMPDIR/above"
  if [ "$(id -u)" = 0 ]; then # who would be let through
    need_users
    user=(setpriv --reuid 65534 --regid 65534 --clear-groups)
    chown 65534:65534 "$BATS_TEST_TMPDIR/above/root"
  fi
  in_background serve "${user[@]}" dewy-serve --root "$BATS_TEST_TMPDIR/above/root" -- sleep 600
  wait_until grep -q 'New worker is now running' serve.err
  chmod 700 above
  [ "$(id -u)" = 0 ] || chmod 0 above
  kill -HUP $PID
  wait_until grep -q 'New worker failed to start' serve.err
  chmod 755 above
  kill $PID
  ends 0
  run cat serve.err
  refute_output --partial 'Root moved'
}

@test "ROOT is moved during a run: it ends after its stage, and the next one goes on in the new place" {
  PORT=$(free_port)
  publish_server v1.0.0 says-ready
  run -3 --separate-stderr dewy once --mode server -p "127.0.0.1:$PORT" --before-deploy-hook "mv '$ROOT' '$BATS_TEST_TMPDIR/moved'" -- current/server
  assert_regex "$(field error.message)" "^the root $ROOT was moved or replaced during the run"
  [ ! -e "$ROOT" ]
  run -0 --separate-stderr dewy once --root moved --mode server -p "127.0.0.1:$PORT" -- current/server
  [ "$(field state)" = running ]
  wait_until serves v1.0.0
}

@test "another directory takes the name of ROOT during a run: nothing of the run gets into it" {
  publish_server v1.0.0 says-ready
  run -3 --separate-stderr dewy once --mode server --after-deploy-hook "mv '$ROOT' '$BATS_TEST_TMPDIR/moved'; mkdir -m 755 '$ROOT'" -- current/server
  [ ! -e "$ROOT/current" ]
  [ ! -e "$ROOT/releases" ]
  [ ! -e "$ROOT/.dewy/history.jsonl" ]
  [ "$(cat moved/current/version)" = v1.0.0 ]
}

@test "ROOT is removed during a run: it ends with 3, and nothing is made in its place" {
  publish v1.0.0
  run -3 --separate-stderr dewy once --before-deploy-hook "rm -r '$ROOT'"
  [ ! -e "$ROOT" ]
  mkdir -m 755 "$ROOT"
  run -0 --separate-stderr dewy once
  is_sound v1.0.0
}

@test "a watch follows a ROOT that is a link, and one that is moved and made anew" {
  mkdir -m 755 a b
  ln -s a link
  publish v1.0.0
  in_background watch dewy watch --root "$BATS_TEST_TMPDIR/link" --interval 50ms
  wait_until deploys v1.0.0 a
  ln -s b link.new
  mv -T link.new link
  publish v1.1.0
  wait_until deploys v1.1.0 b
  mv b c
  mkdir -m 755 b
  publish v1.2.0
  wait_until deploys v1.2.0 b
  kill $PID
  ends 0
  is_sound v1.0.0 a
  is_sound v1.1.0 c
  is_sound v1.2.0 b
}

@test "links in the place of what dewy keeps lead it nowhere else" {
  local name
  publish v1.0.0
  mkdir elsewhere
  for name in .dewy releases; do
    ln -s ../elsewhere "$ROOT/$name"
    run -3 --separate-stderr dewy once
    assert_regex "$stderr" "cannot open the directory $name"
    rm -r "$ROOT/$name"
    rm -rf "$ROOT/.dewy"
  done
  ln -s ../elsewhere "$ROOT/current"
  run -0 --separate-stderr dewy once
  is_sound v1.0.0
  [ -z "$(ls -A elsewhere)" ]
  rm -r "$ROOT/.dewy/releases"
  ln -s ../../elsewhere "$ROOT/.dewy/releases"
  publish v1.1.0
  run -3 --separate-stderr dewy once
  [ -z "$(ls -A elsewhere)" ]
  rm "$ROOT/.dewy/releases"
  run -0 --separate-stderr dewy once
  is_sound v1.1.0
}

@test "the cache is removed while it is in use: the run that has the artifact ends well, the one that lacks it says so, the next one is well" {
  publish v1.0.0
  run -0 --separate-stderr dewy once --before-deploy-hook 'rm -r .dewy/cache'
  is_sound v1.0.0
  publish v1.1.0
  dewy-check >a.check
  dewy-fetch <a.check >a.fetched 2>/dev/null
  rm -r "$ROOT/.dewy/cache"
  run -3 --separate-stderr dewy-deploy <a.fetched
  is_sound v1.0.0
  run -0 --separate-stderr dewy once
  is_sound v1.1.0
}
