#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# dewy server as process 1, as a container runs it: in a pid namespace of its own, whose end ends everything in it.
load common

prepare() {
  NAMESPACE=(unshare --pid --mount-proc --kill-child)
  [ "$(id -u)" = 0 ] || NAMESPACE+=(-Ur)
  "${NAMESPACE[@]}" true 2>/dev/null || skip "no pid namespaces here"
  mkdir "$BATS_TEST_TMPDIR/container"
  mv "$ROOT" "$BATS_TEST_TMPDIR/container" # where teardown does not take the pids in it for pids of its own namespace
  export DEWY_ROOT=$BATS_TEST_TMPDIR/container/root
  ROOT=$DEWY_ROOT
  PORT=$(free_port)
  LOG=$BATS_TEST_TMPDIR/log
  export DEWY_REGISTRY=file://$REGISTRY DEWY_SETTLE=500ms DEWY_INTERVAL=100ms
}

cleanup() {
  [ -z "${OUTSIDE:-}" ] || kill -KILL "$OUTSIDE" 2>/dev/null || true
}

# start_container OPTION...: runs dewy server there, with what it prints in LOG; sets OUTSIDE and INIT, the pids of what started it
# and of its process 1, seen from here.
start_container() {
  "${NAMESPACE[@]}" dewy server -p "127.0.0.1:$PORT" "$@" -- current/server >"$LOG" 2>&1 3>&- &
  OUTSIDE=$!
  has_init() { INIT=$(pgrep -P $OUTSIDE -x dewy) && pgrep -P "$INIT" -x dewy; }
  wait_until has_init
  INIT=$(pgrep -P $OUTSIDE -x dewy)
}

# ended STATUS: waits for the end of the container, which has to be that status, and which nobody outlives.
ended() {
  local status=0
  wait_until gone "$OUTSIDE"
  wait "$OUTSIDE" || status=$?
  OUTSIDE=
  [ "$status" = "$1" ] || fail "ended with $status: $(cat "$LOG")"
  run ! curl -sS --max-time 5 "http://127.0.0.1:$PORT/"
}

logged() {
  grep -qF -- "$1" "$LOG"
}

# zombies: prints the processes of the namespace that nobody reaps.
zombies() {
  local process
  for process in $(pgrep --ns "$INIT" --nslist pid .); do
    grep ') Z ' "/proc/$process/stat" 2>/dev/null || true
  done
}

@test "the server prints to where process 1 does, orphans are reaped, and SIGTERM ends the server before the container" {
  publish_server v1.0.0 says-ready
  start_container --after-deploy-hook 'setsid sh -c "exec sleep 0.1" & (sleep 0.2 &) ; exit 0'
  wait_until serves v1.0.0
  logged 'Supervisor started'
  [ ! -e "$ROOT/.dewy/serve.log" ]
  no_orphans() { ! pgrep --ns "$INIT" --nslist pid -x sleep; }
  wait_until no_orphans
  wait_until logged 'Deployed v1.0.0'
  no_zombies() { [ -z "$(zombies)" ]; }
  wait_until no_zombies
  # Nobody but the watch and the supervisor is a child of process 1.
  assert_equal "$(ps -o comm= --ppid "$INIT" | grep -v '^dewy-' | sort | uniq -c | tr -s ' ')" "$(printf ' 1 dewy\n')"
  kill -TERM "$INIT"
  ended 0
  [ "$(grep -oE 'Telling all workers to end|Exiting|Dewy stopped signal="TERM"' "$LOG" | paste -sd ,)" = \
    'Telling all workers to end,Exiting,Dewy stopped signal="TERM"' ]
  [ ! -e "$ROOT/.dewy/serve.pid" ]
}

@test "SIGHUP, SIGUSR1, SIGINT and SIGQUIT reach it" {
  publish_server v1.0.0 says-ready
  DEWY_INTERVAL=1h start_container
  wait_until serves v1.0.0
  wait_until logged 'Server started for v1.0.0'
  kill -USR1 "$INIT"
  wait_until logged 'Server restarted for v1.0.0'
  publish_server v1.1.0 says-ready
  kill -HUP "$INIT"
  wait_until serves v1.1.0
  kill -QUIT "$INIT"
  ended 0
  start_container
  wait_until serves v1.1.0
  kill -INT "$INIT"
  ended 0
}

@test "a restart that is under way does not delay the end; what comes after it converges" {
  publish_server v1.0.0 'slow-start 600'
  start_container --settle 1h # also when it says too late that it is starting, and counts as up by then
  wait_until logged 'Starting new worker'
  kill -TERM "$INIT"
  ended 0
  logged 'INFO: Interrupted stage="restart"'
  rm -r "$REGISTRY/v1.0.0"
  echo 'dies-at-once  ' >"$ROOT/current/behaviour" # as many bytes as before, so that the release counts as whole
  publish_server v1.1.0 says-ready
  start_container
  wait_until serves v1.1.0
  kill -TERM "$INIT"
  ended 0
}

@test "a server that does not end is waited for until a second signal" {
  publish_server v1.0.0
  printf '#!/bin/sh\ntrap "echo still here" TERM\nwhile :; do sleep 0.1; done\n' >"$BATS_TEST_TMPDIR/server"
  chmod 755 "$BATS_TEST_TMPDIR/server"
  tar -C "$BATS_TEST_TMPDIR" -czf "$REGISTRY/v1.0.0/app_linux_amd64.tar.gz" server
  start_container --kill-timeout 1h
  wait_until logged 'Server started for v1.0.0'
  kill -TERM "$INIT"
  wait_until logged 'still here'
  kill -0 "$INIT"
  kill -TERM "$INIT"
  ended 0
  start_container --kill-timeout 200ms
  wait_until logged 'Server started for v1.0.0'
  kill -TERM "$INIT"
  ended 0
  logged 'Worker does not end, sending KILL'
}

@test "when the watch is killed, the container ends, too, and says so by its status" {
  publish_server v1.0.0 says-ready
  start_container
  wait_until serves v1.0.0
  kill -KILL "$(pgrep -P "$INIT" -x dewy)"
  ended 137
}

@test "--server-log names another place for what the server prints, also for process 1, and - is standard error" {
  publish_server v1.0.0 says-ready
  start_container --server-log server.log
  wait_until serves v1.0.0
  grep -q 'Supervisor started' "$ROOT/server.log"
  run ! logged 'Supervisor started'
  kill -TERM "$INIT"
  ended 0
  mkdir -m 755 "$BATS_TEST_TMPDIR/root" "$BATS_TEST_TMPDIR/other"
  dewy once --root "$BATS_TEST_TMPDIR/root" -p "127.0.0.1:$PORT" --server-log - -- current/server >"$BATS_TEST_TMPDIR/out" 2>"$LOG" 3>&-
  [ "$(jq -r .state "$BATS_TEST_TMPDIR/out")" = running ]
  logged 'Supervisor started'
  [ ! -e "$BATS_TEST_TMPDIR/root/.dewy/serve.log" ]
  run -4 --separate-stderr dewy once --root "$BATS_TEST_TMPDIR/other" \
    -p "127.0.0.1:$PORT" --server-log - -- current/server
  [[ $(field error.message) == *"cannot start the supervisor: "*"$PORT"* ]]
}
