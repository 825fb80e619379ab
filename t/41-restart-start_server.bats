#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# dewy-restart and dewy once with Perl's start_server, which tells no state and tries a release that ends for ever.
load common

prepare() {
  PORT=$(free_port)
  PID_FILE=$BATS_TEST_TMPDIR/start_server.pid
  STATUS=$BATS_TEST_TMPDIR/start_server.status
  LOG=$BATS_TEST_TMPDIR/start_server.log
  export DEWY_REGISTRY=file://$REGISTRY DEWY_LOG_LEVEL=error DEWY_SETTLE=1s DEWY_MODE=server DEWY_PID_FILE=$PID_FILE \
    DEWY_STATUS_FILE=$STATUS DEWY_START_TIMEOUT=15s
}

# deploy_first: puts the newest release in place before its server runs.
deploy_first() {
  dewy-check | dewy-fetch | dewy-deploy >"$BATS_TEST_TMPDIR/deployed"
}

# start COMMAND...: runs start_server with it in ROOT.
start() {
  (cd "$ROOT" && exec start_server --port="127.0.0.1:$PORT" --pid-file="$PID_FILE" --status-file="$STATUS" --interval=1 \
    -- "$@" >"$LOG" 2>&1 3>&-) &
  wait_until test -s "$STATUS"
}

answer() {
  curl -sS --max-time 10 "http://127.0.0.1:$PORT/"
}

generation() {
  sed -n '$s/:.*//p' "$STATUS"
}

# serving: deploys v1.0.0, whose behaviours these are, and proves that start_server runs it.
serving() {
  publish_server v1.0.0 "$@"
  deploy_first
  start current/server
  dewy-restart <"$BATS_TEST_TMPDIR/deployed" >/dev/null
}

@test "a newer release takes over from the one before without a failed request" {
  serving
  publish_server v1.1.0
  start_load "http://127.0.0.1:$PORT/"
  run -0 --separate-stderr dewy once --health-url "http://127.0.0.1:$PORT/health"
  assert_equal "$(stop_load)" 0
  assert_equal "$(field state) $(field restart.kind) $(field restart.action)" "running supervisor restarted"
  assert_equal "$(field restart.generation)" "$(generation)"
  assert_equal "$(answer)" v1.1.0
  assert_document
}

# publish_psgi VERSION: puts a release of an application for Starlet into the registry.
publish_psgi() {
  local tree=$BATS_TEST_TMPDIR/psgi
  mkdir -p "$REGISTRY/$1" "$tree"
  echo "sub { [200, ['Content-Type' => 'text/plain'], ['$1']] }" >"$tree/app.psgi"
  tar -C "$tree" -czf "$REGISTRY/$1/app_linux_amd64.tar.gz" app.psgi
}

@test "Starlet of a newer release takes over without a failed request" {
  publish_psgi v1.0.0
  deploy_first
  start plackup -E production -s Starlet --max-workers=2 current/app.psgi
  dewy-restart <"$BATS_TEST_TMPDIR/deployed" >/dev/null
  publish_psgi v1.1.0
  start_load "http://127.0.0.1:$PORT/"
  run -0 --separate-stderr dewy once --health-url "http://127.0.0.1:$PORT/"
  assert_equal "$(stop_load)" 0
  assert_equal "$(field state) $(answer)" "running v1.1.0"
}

@test "a release that dies at once is rolled back in time, and the old generation serves throughout" {
  serving
  publish_server v1.1.0 dies-at-once
  start_load "http://127.0.0.1:$PORT/"
  run -4 --separate-stderr dewy once --start-timeout 8s
  assert_equal "$(stop_load)" 0
  assert_equal "$(field state) $(cat "$ROOT/current/version") $(answer)" "rolled_back v1.0.0 v1.0.0"
  assert_regex "$(field error.message)" '^v1.1.0 was not up in 8s: the supervisor [0-9]+ has no newer generation than [0-9]+$'
  assert [ "$(field restart.duration_ms)" -lt 60000 ]
  grep -q 'seems to have failed to start' "$LOG"
  assert_equal "$(jq -r '.versions[0].version' "$ROOT/.dewy/rejected.json")" v1.1.0
  # what start_server tried for ever has come to rest with the old release, and the next one takes over
  publish_server v1.2.0
  run -0 --separate-stderr dewy once
  assert_equal "$(field state) $(answer)" "running v1.2.0"
}

@test "the failed attempts of start_server, which take numbers, do not confuse" {
  serving
  publish_server v1.1.0 "starts-at-attempt 3"
  run -0 --separate-stderr dewy once
  assert_equal "$(field state) $(answer)" "running v1.1.0"
  assert [ "$(field restart.generation)" -ge 4 ]
}

@test "a release that dies after it was accepted is rolled back" {
  serving
  export DEWY_SETTLE=8s
  publish_server v1.1.0 "dies-after 2"
  run -4 --separate-stderr dewy once
  assert_equal "$(field state) $(field error.message)" "rolled_back v1.1.0 stopped again"
  assert_equal "$(cat "$ROOT/current/version") $(answer)" "v1.0.0 v1.0.0"
}

@test "an old worker that never ends does not keep dewy-restart waiting" {
  export DEWY_START_TIMEOUT=6s
  serving ignores-term
  mapfile -t old < <(sed -n 's/^[0-9]*://p' "$STATUS")
  publish_server v1.1.0
  run -0 --separate-stderr dewy once --health-url "http://127.0.0.1:$PORT/health" --log-level warn
  assert_equal "$(field state)" running
  assert_regex "$stderr" 'WARN: An older server has not ended yet'
  kill -0 "${old[@]}"
  kill -KILL "${old[@]}"
}

@test "a start_server whose status file is elsewhere: a sentence that says so" {
  serving
  publish_server v1.1.0
  run -4 --separate-stderr dewy once --status-file "$BATS_TEST_TMPDIR/elsewhere" --start-timeout 1s --no-rollback
  assert_regex "$(field error.message)" \
    "^v1.1.0 was not up in 1s: the supervisor [0-9]+ has not written the status file $BATS_TEST_TMPDIR/elsewhere$"
}
