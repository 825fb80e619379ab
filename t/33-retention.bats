#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# When what is no longer kept is removed: after the server serves, and nobody waits for it.
load common

prepare() {
  export DEWY_REGISTRY=file://$REGISTRY DEWY_LOG_LEVEL=error DEWY_KEEP=2 DEWY_SETTLE=0
}

# hold_sweep: makes tools of which dewy-sweep begins only when somebody opens $GATE.
hold_sweep() {
  TOOLS=$BATS_TEST_TMPDIR/tools GATE=$BATS_TEST_TMPDIR/gate
  mkdir -p "$TOOLS/bin" "$TOOLS/libexec/dewy"
  ln -s "$DEWY_BIN"/dewy* "$TOOLS/bin"
  ln -s "$DEWY_BIN"/../libexec/dewy/dewy-{check-remote,history} "$TOOLS/libexec/dewy"
  mkfifo "$GATE"
  printf '#!/bin/sh\nread -r line <"%s"\nexec "%s/../libexec/dewy/dewy-sweep"\n' "$GATE" "$DEWY_BIN" \
    >"$TOOLS/libexec/dewy/dewy-sweep"
  chmod 755 "$TOOLS/libexec/dewy/dewy-sweep"
}

# hidden: prints what waits for its removal.
hidden() {
  find "$ROOT" -name '.*.removed'
}

# hides VERSION: true when that release waits for its removal.
hides() {
  [ "$(cat "$ROOT"/releases/.*.removed/version)" = "$1" ]
}

# records: prints how many releases are known.
records() {
  find "$ROOT/.dewy/releases" -name '*.json' | wc -l
}

# told WORDS: true when a channel has heard them.
told() {
  grep -qF "$1" "$BATS_TEST_TMPDIR/told"
}

@test "dewy once: the new server answers, people are told and the lock is free before anything is removed" {
  PORT=$(free_port)
  hold_sweep
  printf '#!/bin/sh\ncat >>"%s"\n' "$BATS_TEST_TMPDIR/told" >"$BATS_TEST_TMPDIR/channel"
  chmod 755 "$BATS_TEST_TMPDIR/channel"
  for minor in 0 1; do
    publish_server v1.$minor.0 says-ready
    dewy once --port "127.0.0.1:$PORT" -- current/server >/dev/null
  done
  first=$(find "$ROOT/releases" -mindepth 1 -maxdepth 1 | sort | head -n 1)
  publish_server v1.2.0 says-ready
  "$TOOLS/bin/dewy" once --notifier "exec:$BATS_TEST_TMPDIR/channel" --port "127.0.0.1:$PORT" -- current/server \
    >"$BATS_TEST_TMPDIR/document" 3>&- &
  run=$!
  wait_until told "Deployed v1.2.0 in "
  wait_until serves v1.2.0
  wait_until flock -n "$ROOT/.dewy/lock" true
  wait_until grep -q '"state":"running"' "$BATS_TEST_TMPDIR/document"
  [ "$(tail -n 1 "$ROOT/.dewy/history.jsonl" | jq -r .version)" = v1.2.0 ]
  kill -0 $run
  [ ! -e "$first" ]
  [ -e "$ROOT/releases/.$(basename "$first").removed/version" ]
  [ -e "$ROOT/.dewy/cache/.v1.0.0--app_linux_amd64.tar.gz.removed" ]
  [ "$(find "$ROOT/releases" -mindepth 1 -maxdepth 1 -name '2*' | wc -l)" = 2 ]
  echo go >"$GATE"
  wait $run
  [ -z "$(hidden)" ]
  [ "$(records)" = 2 ]
}

@test "dewy once that is told to end while something is removed ends, and the next deployment removes the rest" {
  hold_sweep
  for minor in 0 1; do publish v1.$minor.0 && dewy once >/dev/null; done
  publish v1.2.0
  "$TOOLS/bin/dewy" once >"$BATS_TEST_TMPDIR/document" 3>&- &
  run=$!
  wait_until grep -q '"state":"deployed"' "$BATS_TEST_TMPDIR/document"
  kill $run
  wait $run
  [ "$(hidden | wc -l)" = 2 ]
  [ "$(cat "$ROOT/current/version")" = v1.2.0 ]
  publish v1.3.0
  run -0 dewy once --dry-run --log-level info
  assert_output --regexp 'remove releases/\.[0-9TZ]*\.removed, which a run that was killed has left'
  dewy once >/dev/null
  [ -z "$(hidden)" ]
  [ "$(records)" = 2 ]
}

@test "a watch deploys the next version while something is still being removed" {
  hold_sweep
  for minor in 0 1; do publish v1.$minor.0 && dewy once >/dev/null; done
  publish v1.2.0
  "$TOOLS/bin/dewy" watch --interval 1s 3>&- &
  run=$!
  wait_until grep -q v1.2.0 "$ROOT/current/version"
  publish v1.3.0
  wait_until grep -q v1.3.0 "$ROOT/current/version"
  wait_until hides v1.1.0
  kill $run
  wait $run
  publish v1.4.0
  dewy once >/dev/null
  [ -z "$(hidden)" ]
}

@test "single steps: dewy-deploy hands its document on, with the lock free, before it removes anything" {
  command -v strace >/dev/null || skip "needs strace"
  for minor in 0 1; do publish v1.$minor.0 && dewy once >/dev/null; done
  publish v1.2.0
  dewy-check | dewy-fetch >"$BATS_TEST_TMPDIR/fetched"
  mkfifo "$BATS_TEST_TMPDIR/pipe"
  # It is stopped right before it removes the first thing.
  ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 strace -qq -o /dev/null -e trace=ioprio_set -e inject=ioprio_set:signal=STOP \
    dewy-deploy <"$BATS_TEST_TMPDIR/fetched" >"$BATS_TEST_TMPDIR/pipe" 3>&- &
  tracer=$!
  cat "$BATS_TEST_TMPDIR/pipe" >"$BATS_TEST_TMPDIR/deployed"
  [ "$(jq -r .state "$BATS_TEST_TMPDIR/deployed")" = deployed ]
  stopped=$(pgrep -P $tracer)
  flock -n "$ROOT/.dewy/lock" true
  [ "$(hidden | wc -l)" = 2 ]
  wait_until grep -qE '^State:.[tT] ' "/proc/$stopped/status"
  kill -CONT "$stopped"
  wait $tracer
  [ -z "$(hidden)" ]
  [ "$(records)" = 2 ]
}

@test "what a killed run has only hidden is removed by the next deployment, also in a cache that others use" {
  export DEWY_CACHE=$BATS_TEST_TMPDIR/shared
  for minor in 0 1; do publish v1.$minor.0 && dewy once >/dev/null; done
  old=$(find "$ROOT/releases" -mindepth 1 -maxdepth 1 | sort | head -n 1)
  mv "$old" "$ROOT/releases/.$(basename "$old").removed"
  mv "$DEWY_CACHE/v1.0.0--app_linux_amd64.tar.gz" "$DEWY_CACHE/.v1.0.0--app_linux_amd64.tar.gz.removed"
  publish v1.2.0
  dewy once >/dev/null
  [ -z "$(hidden)" ]
  [ "$(records)" = 2 ]
  [ "$(cd "$DEWY_CACHE" && echo .v*)" = ".v*" ]
}

@test "a watch leaves no process behind that has removed what it was started for" {
  hold_sweep
  for minor in 0 1; do publish v1.$minor.0 && dewy once >/dev/null; done
  publish v1.2.0
  "$TOOLS/bin/dewy" watch --interval 1s 3>&- &
  run=$!
  wait_until pgrep -P $run dewy-sweep
  echo go >"$GATE"
  wait_until eval '[ -z "$(hidden)" ]'
  wait_until eval '! pgrep -P $run dewy-sweep'
  kill $run
  wait $run
}

@test "a run for which there is no room removes what a killed run has only hidden, so that the next one finds room" {
  need_private_mounts
  in_private_mounts bash -euo pipefail <<'IN'
    mount -t tmpfs -o size=12m,mode=755 none "$DEWY_ROOT"
    release() { # VERSION MEGABYTES
      local tree=$BATS_TEST_TMPDIR/tree
      mkdir -p "$tree" "$BATS_TEST_TMPDIR/registry/$1"
      head -c "$2"000000 /dev/urandom >"$tree/file"
      tar -C "$tree" -cf "$BATS_TEST_TMPDIR/registry/$1/app_linux_amd64.tar" .
    }
    release v1.0.0 1
    dewy once >/dev/null
    mkdir "$DEWY_ROOT/releases/.20240115T103045Z.removed"
    head -c 8000000 /dev/zero >"$DEWY_ROOT/releases/.20240115T103045Z.removed/file"
    release v1.1.0 3
    status=0
    dewy once >"$BATS_TEST_TMPDIR/document" || status=$?
    [ $status = 3 ]
    [ "$(jq -r .error.code "$BATS_TEST_TMPDIR/document")" = space ]
    dewy once >/dev/null
    [ "$(stat -L -c %s "$DEWY_ROOT/current/file")" = 3000000 ]
IN
}

@test "what two processes remove at once is removed, and neither of them complains" {
  command -v strace >/dev/null || skip "needs strace"
  publish v1.0.0
  dewy once >/dev/null
  gone=$ROOT/releases/.20240115T103045Z.removed
  mkdir -p "$gone/directory"
  # It is stopped once it has learned, by its third call, that what is in there is a directory: the other one removes that.
  ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 DEWY_LOG_LEVEL=warn strace -qq -o /dev/null -e trace=unlinkat \
    -e inject=unlinkat:signal=STOP:when=3 "$DEWY_BIN/../libexec/dewy/dewy-sweep" 2>"$BATS_TEST_TMPDIR/log" 3>&- &
  tracer=$!
  wait_until pgrep -P $tracer -x dewy-sweep # and not a child by which strace looks what the kernel can
  stopped=$(pgrep -P $tracer -x dewy-sweep)
  wait_until grep -qE '^State:.[tT] ' "/proc/$stopped/status"
  [ -e "$gone/directory" ]
  rmdir "$gone/directory"
  kill -CONT "$stopped"
  wait $tracer
  assert_equal "$(cat "$BATS_TEST_TMPDIR/log")" ""
  [ -z "$(hidden)" ]
}

@test "the record of what is removed goes only once its hidden name is durable" {
  command -v strace >/dev/null || skip "needs strace"
  for minor in 0 1 2; do publish v1.$minor.0 && [ $minor = 2 ] || dewy once >/dev/null; done
  dewy-check | dewy-fetch >"$BATS_TEST_TMPDIR/fetched"
  ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 strace -qq -y -o "$BATS_TEST_TMPDIR/trace" \
    -e trace=fsync,unlinkat,renameat dewy-deploy <"$BATS_TEST_TMPDIR/fetched" >/dev/null
  renamed=$(grep -n 'renameat.*\.removed"' "$BATS_TEST_TMPDIR/trace" | head -n 1 | cut -d : -f 1)
  synced=$(grep -n "fsync.*$ROOT/releases>" "$BATS_TEST_TMPDIR/trace" | tail -n 1 | cut -d : -f 1)
  unlinked=$(grep -n 'unlinkat.*"releases/.*\.json"' "$BATS_TEST_TMPDIR/trace" | tail -n 1 | cut -d : -f 1)
  removed=$(grep -n 'unlinkat.*"\..*\.removed"' "$BATS_TEST_TMPDIR/trace" | head -n 1 | cut -d : -f 1)
  echo "$renamed $synced $unlinked $removed"
  [ "$renamed" -lt "$synced" ] && [ "$synced" -lt "$unlinked" ] && [ "$synced" -lt "$removed" ]
}

@test "a rollback by dewy-restart finds the previous release, however few are kept" {
  PORT=$(free_port)
  export DEWY_KEEP=1
  for minor in 0 1; do
    publish_server v1.$minor.0 says-ready
    dewy once --port "127.0.0.1:$PORT" -- current/server >/dev/null
  done
  publish_server v1.2.0 dies-at-once
  run -4 --separate-stderr dewy once --port "127.0.0.1:$PORT" -- current/server
  [ "$(field state)" = rolled_back ]
  wait_until serves v1.1.0
  [ "$(cat "$ROOT/current/version")" = v1.1.0 ]
  [ -z "$(hidden)" ]
  publish_server v1.3.0 says-ready
  dewy once --port "127.0.0.1:$PORT" -- current/server >/dev/null
  wait_until serves v1.3.0
  [ "$(cat "$ROOT"/releases/*/version | paste -sd ,)" = v1.1.0,v1.3.0 ]
  run -0 dewy rollback --port "127.0.0.1:$PORT" -- current/server
  wait_until serves v1.1.0
}

@test "the release that serves stays, however many that never did were deployed since" {
  PORT=$(free_port)
  publish_server v1.0.0 says-ready
  dewy once --port "127.0.0.1:$PORT" -- current/server >/dev/null
  for minor in 1 2 3 4; do
    publish_server v1.$minor.0 dies-at-once
    run -4 --separate-stderr dewy once --no-rollback --port "127.0.0.1:$PORT" -- current/server
  done
  [ "$(cat "$ROOT"/releases/*/version | paste -sd ,)" = v1.0.0,v1.3.0,v1.4.0 ]
  [ -e "$ROOT/.dewy/cache/v1.0.0--app_linux_amd64.tar.gz" ]
  wait_until serves v1.0.0
  publish_server v1.5.0 says-ready
  dewy once --port "127.0.0.1:$PORT" -- current/server >/dev/null
  publish_server v1.6.0 says-ready
  dewy once --port "127.0.0.1:$PORT" -- current/server >/dev/null
  [ "$(cat "$ROOT"/releases/*/version | paste -sd ,)" = v1.5.0,v1.6.0 ]
}

@test "a release that somebody went back to stays while it serves, and not a newer one that served before" {
  PORT=$(free_port)
  for minor in 0 1 2; do
    publish_server v1.$minor.0 says-ready
    dewy once --keep 3 --port "127.0.0.1:$PORT" -- current/server >/dev/null
  done
  dewy rollback --port "127.0.0.1:$PORT" v1.0.0 -- current/server >/dev/null
  wait_until serves v1.0.0
  for minor in 3 4; do
    publish_server v1.$minor.0 dies-at-once
    run -4 --separate-stderr dewy once --no-rollback --port "127.0.0.1:$PORT" -- current/server
  done
  [ "$(cat "$ROOT"/releases/*/version | paste -sd ,)" = v1.0.0,v1.3.0,v1.4.0 ]
}

@test "what was rejected since the oldest release that stays is not forgotten, in whatever order the names of artifacts are" {
  export DEWY_KEEP=7
  publish v1.9.0
  dewy once >/dev/null
  old=$(basename "$(readlink "$ROOT/current")")
  mv "$ROOT/releases/$old" "$ROOT/releases/20240115T103045Z"
  mv "$ROOT/.dewy/releases/$old.json" "$ROOT/.dewy/releases/20240115T103045Z.json"
  ln -sfn releases/20240115T103045Z "$ROOT/current"
  echo '{"versions":[{"version":"v1.11.0","reason":"exit 1","at":"2024-01-16T00:00:00Z"}]}' >"$ROOT/.dewy/rejected.json"
  publish v1.10.0
  dewy once >/dev/null
  [ "$(cat "$ROOT/current/version")" = v1.10.0 ]
  assert_equal "$(jq -r '.versions[].version' "$ROOT/.dewy/rejected.json")" v1.11.0
}

@test "a deployment reads each record a few times, however many releases are kept" {
  ! sanitized || skip "the sanitizer makes calls of its own"
  command -v strace >/dev/null || skip "needs strace"
  export DEWY_KEEP=1000
  publish v1.0.0
  dewy once >/dev/null
  record=$(echo "$ROOT"/.dewy/releases/*.json)
  for day in $(seq 10 29); do
    stamp=202401${day}T000000Z
    [ "$day" -le 28 ] || stamp=20240229T000000Z
    mkdir "$ROOT/releases/$stamp"
    jq -c --arg version "v0.$day.0" '.release.version = $version | .artifact.cache_key = $version + "--app.tar"' "$record" \
      >"$ROOT/.dewy/releases/$stamp.json"
    touch "$ROOT/.dewy/cache/v0.$day.0--app.tar"
  done
  publish v1.1.0
  dewy-check | dewy-fetch >"$BATS_TEST_TMPDIR/fetched"
  strace -f -qq -o "$BATS_TEST_TMPDIR/trace" -e trace=openat dewy-deploy <"$BATS_TEST_TMPDIR/fetched" >/dev/null
  [ "$(records)" = 22 ]
  for day in 10 20 29; do
    opened=$(grep -c "releases/2024.*${day}T000000Z.json" "$BATS_TEST_TMPDIR/trace")
    echo "of day $day: $opened"
    [ "$opened" -ge 1 ] && [ "$opened" -le 3 ]
  done
}
