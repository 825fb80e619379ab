#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What the whole survives: many runs at once, processes that are killed, servers that do not obey, reboots, and load.
load common

BATS_TEST_TIMEOUT=600 # machines may be under load

prepare() {
  PORT=$(free_port)
  URL=http://127.0.0.1:$PORT/
  export DEWY_REGISTRY=file://$REGISTRY DEWY_SETTLE=300ms DEWY_LOG_LEVEL=error
}

cleanup() {
  [ -z "${MACHINE:-}" ] || kill -KILL "$MACHINE" 2>/dev/null || true
}

# once OPTION...: runs dewy once with the server on PORT.
once() {
  dewy once -p "127.0.0.1:$PORT" "$@" -- current/server
}

# is_sound VERSION: VERSION is deployed and serves, by one supervisor, and nothing half done is left. A file of .dewy itself that
# is being written, or was when its writer was killed, has one name, and the next who writes that file replaces it.
is_sound() {
  [ "$(cat "$ROOT/current/version")" = "$1" ] || fail "current is $(cat "$ROOT/current/version"), not $1"
  wait_until serves "$1"
  local left
  left=$(find "$ROOT" -name '*.partial' -o -name '*.part' -o -name '*.new' ! -path "$ROOT/.dewy/.*")
  [ -z "$left" ] || fail "left behind: $left"
  wait_until one_supervisor || fail "supervisors: $(supervisors)" # what wrote the log of one that was killed may still be ending
  jq -e . "$ROOT/.dewy/history.jsonl" >/dev/null
}

# supervisors: prints how many of this ROOT run, without the processes of theirs that write the log.
supervisors() {
  ps -eo pid=,ppid=,args= | grep -- "[d]ewy-serve --daemonize .*--root $ROOT " |
    awk '{ parent[$1] = $2 } END { for (pid in parent) count += !(parent[pid] in parent); print count + 0 }'
}

one_supervisor() {
  [ "$(supervisors)" = 1 ]
}

# supervisor: prints the pid of the one in the pid file.
supervisor() {
  cat "$ROOT/.dewy/serve.pid"
}

# publish_starlet VERSION [COMMAND]: a release of Starlet that answers with VERSION; COMMAND comes before it.
publish_starlet() {
  local tree
  tree=$(mktemp -d "$BATS_TEST_TMPDIR/tree.XXXXXX")
  echo "$1" >"$tree/version"
  echo "sub { [200, ['Content-Type' => 'text/plain'], [\"$1\\n\"]] }" >"$tree/app.psgi"
  printf '#!/bin/sh\n%s\nexec plackup -E production -s Starlet --max-workers=2 current/app.psgi\n' "${2:-}" >"$tree/server"
  chmod 755 "$tree/server"
  mkdir -p "$REGISTRY/$1"
  tar -C "$tree" -czf "$REGISTRY/$1/app_linux_amd64.tar.gz" version app.psgi server
}

# state WORD GENERATION: true when the status file says so.
state() {
  grep -q "^# state=$1 gen=$2\b" "$ROOT/.dewy/serve.status"
}

@test "fifty runs at the same moment, all of which wait for the lock: one deployment, one start, exit status 0" {
  local pids pid version
  for version in v1.0.0 v1.1.0; do
    publish_server $version says-ready
    pids=()
    for _ in $(seq 50); do
      once --lock-wait 60s --after-deploy-hook 'echo ran >>ran' >/dev/null 3>&- &
      pids+=($!)
    done
    for pid in "${pids[@]}"; do
      wait "$pid" || fail "ended with $?"
    done
    is_sound $version
  done
  [ "$(wc -l <"$ROOT/ran")" = 2 ]
  [ "$(ls "$ROOT/releases" | wc -l)" = 2 ]
  wait_until state ready 2
  [ "$(jq -r .state "$ROOT/.dewy/history.jsonl" | paste -sd ,)" = running,running ]
}

@test "runs at the same moment, of which some are killed: the next one converges" {
  export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 # whose process would be killed, too, and be waited for
  local minor=0 killed=0 killer pids pid
  while [ $killed -lt 20 ] && [ $minor -lt 30 ]; do
    publish_server v1.$((++minor)).0 says-ready
    "$BATS_TEST_DIRNAME/killer.py" "$ROOT" $minor 4 >"$BATS_TEST_TMPDIR/killed.$minor" 3>&- &
    killer=$!
    pids=()
    for _ in 1 2 3 4; do
      once --lock-wait 60s >/dev/null 2>&1 3>&- &
      pids+=($!)
    done
    for pid in "${pids[@]}"; do
      wait "$pid" 2>/dev/null || true
    done
    touch "$ROOT.spared"
    wait $killer
    rm "$ROOT.spared"
    killed=$((killed + $(wc -l <"$BATS_TEST_TMPDIR/killed.$minor")))
    once --lock-wait 60s >"$BATS_TEST_TMPDIR/out" || fail "the next run: $? $(cat "$BATS_TEST_TMPDIR"/killed.* "$BATS_TEST_TMPDIR/out")"
    is_sound v1.$minor.0
  done
  echo "killed: $(sort "$BATS_TEST_TMPDIR"/killed.* | uniq -c | paste -sd ,)"
  [ $killed -ge 20 ]
}

@test "the supervisor is killed while it serves: the next run starts it again" {
  publish_server v1.0.0 says-ready
  once >/dev/null
  local before
  before=$(supervisor)
  kill -KILL "$before"
  wait_until gone "$before"
  run -0 --separate-stderr once
  [ "$(field state)" = running ]
  [ "$(field reason)" = "server not running" ]
  is_sound v1.0.0
}

@test "the supervisor is killed during a restart: it is started again, and the release is not to blame" {
  publish_server v1.0.0 says-ready
  once >/dev/null
  publish_server v1.1.0 "awaits $BATS_TEST_TMPDIR/go"
  once >"$BATS_TEST_TMPDIR/out" 2>/dev/null 3>&- &
  local pid=$! status=0
  wait_until state starting 2
  kill -KILL "$(supervisor)"
  touch "$BATS_TEST_TMPDIR/go"
  wait $pid || status=$?
  [ $status = 0 ]
  [ "$(jq -r .state "$BATS_TEST_TMPDIR/out")" = running ]
  [ "$(jq -r .restart.action "$BATS_TEST_TMPDIR/out")" = started ]
  is_sound v1.1.0
  run -0 --separate-stderr once
  [ "$(field state)" = unchanged ]
}

# is_taken_up: the run that printed "out" left v1.1.0 to the next one, without blaming it, and that makes it serve.
is_taken_up() {
  assert_equal "$(jq -r '[.state, .error.code] | @tsv' "$BATS_TEST_TMPDIR/out")" "failed	supervisor"
  assert_equal "$(jq -r .failures "$ROOT/.dewy/attempts.json")" 1
  assert [ ! -e "$ROOT/.dewy/rejected.json" ]
  edit "$ROOT/.dewy/attempts.json" '.next_at = "2024-01-15T10:31:15Z"'
  run -0 --separate-stderr once
  assert_equal "$(field state)" running
  is_sound v1.1.0
}

@test "the supervisor is killed while the new version is watched: it is not rejected, and the next run takes it up" {
  export HEALTH_LOG=$BATS_TEST_TMPDIR/health.log
  publish_server v1.0.0 says-ready
  once >/dev/null
  publish_server v1.1.0 says-ready
  once --health-path /health --health-count 1000 --health-timeout 60s >"$BATS_TEST_TMPDIR/out" 2>/dev/null 3>&- &
  local pid=$! status=0
  wait_until test -s "$HEALTH_LOG"
  kill -KILL "$(supervisor)"
  wait $pid || status=$?
  assert_equal $status 4
  is_taken_up
}

@test "the supervisor is killed during a restart by a run that cannot start one: the release is not rejected, and the next takes it up" {
  publish_server v1.0.0 says-ready
  once >/dev/null
  publish_server v1.1.0 "awaits $BATS_TEST_TMPDIR/go"
  dewy once --mode server >"$BATS_TEST_TMPDIR/out" 2>/dev/null 3>&- &
  local pid=$! status=0
  wait_until state starting 2
  kill -KILL "$(supervisor)"
  touch "$BATS_TEST_TMPDIR/go"
  wait $pid || status=$?
  assert_equal $status 4
  is_taken_up
}

@test "the supervisor and the run are killed during a restart: the next run converges" {
  publish_server v1.0.0 says-ready
  once >/dev/null
  publish_server v1.1.0 'slow-start 600'
  setsid dewy once -p "127.0.0.1:$PORT" -- current/server >/dev/null 2>&1 3>&- &
  local pid=$!
  wait_until state starting 2
  kill -STOP $pid # which would end by itself otherwise
  pkill -KILL -P $pid -x dewy-restart
  kill -KILL "$(supervisor)" $pid
  wait_until gone $pid
  echo 'dies-at-once  ' >"$ROOT/current/behaviour" # as many bytes as before, so that the release counts as whole
  run -4 --separate-stderr once
  [ "$(field state)" = rolled_back ]
  is_sound v1.0.0
  publish_server v1.2.0 says-ready
  run -0 --separate-stderr once
  is_sound v1.2.0
}

@test "a run that waits less long than its supervisor does goes back, and the old generation serves throughout" {
  publish_server v1.0.0 says-ready
  dewy once --mode assets >/dev/null
  dewy-serve --daemonize --require-ready --root "$ROOT" --log-file "$ROOT/.dewy/serve.log" -p "127.0.0.1:$PORT" -- current/server
  wait_until state ready 1
  once >/dev/null
  publish_server v1.1.0 'slow-start 600'
  start_load "$URL"
  run -4 --separate-stderr once --start-timeout 1s
  [ "$(stop_load)" = 0 ]
  assert_equal "$(field state)" rolled_back
  assert_regex "$(field error.message)" '^v1.1.0 was not up in 1s: '
  wait_until state failed 3
  is_sound v1.0.0
}

@test "a run that settles sooner than its supervisor does believes what is up" {
  publish_server v1.0.0 says-ready
  dewy once --mode assets >/dev/null
  dewy-serve --daemonize --log-file "$ROOT/.dewy/serve.log" --kill-old-delay 100s -p "127.0.0.1:$PORT" -- current/server
  wait_until state ready 1
  run -0 --separate-stderr once --start-timeout 20s
  assert_equal "$(field state)" running
  assert_equal "$(field restart.generation)" 2
}

@test "a worker that ignores SIGTERM, and its child with it, is ended after --kill-timeout; the new version serves alone" {
  publish_server v1.0.0 says-ready ignores-term leaves-child
  once --kill-timeout 500ms >/dev/null
  publish_server v1.1.0 says-ready
  run -0 --separate-stderr once
  [ "$(field state)" = running ]
  holders() { [ "$(ss -Hltnp "sport = :$PORT" | grep -o 'pid=' | wc -l)" = 2 ]; } # the supervisor and its one worker
  wait_until holders
  is_sound v1.1.0
}

@test "workers that die in each phase of their start: the run ends with 4, and the old version serves" {
  local behaviour minor=0
  local -a options
  publish_server v1.0.0 says-ready
  once >/dev/null
  for behaviour in dies-at-once 'dies-starting 0.3' 'dies-after 0.1' 'slow-start 600' unhealthy; do
    publish_server v1.$((++minor)).0 says-ready "$behaviour"
    options=(--health-url "${URL}health" --health-timeout 3s --health-count 1 --settle 5s)
    [ "$behaviour" != 'slow-start 600' ] || options+=(--start-timeout 1s)
    run -4 --separate-stderr once "${options[@]}"
    [ "$(field state)" = rolled_back ] || fail "$behaviour: $output"
    is_sound v1.0.0
    [ "$(jq -r '.versions[-1].version' "$ROOT/.dewy/rejected.json")" = v1.$minor.0 ]
    run -0 --separate-stderr once
    [ "$(field state)" = unchanged ]
  done
}

@test "a worker is killed and leaves children that serve: they end, and the next version serves alone" {
  local before count
  publish_starlet v1.0.0
  once >/dev/null
  before=$(sed -n 's/^1://p' "$ROOT/.dewy/serve.status")
  two_children() { [ "$(pgrep -c -P "$before")" = 2 ]; }
  wait_until two_children
  kill -KILL "$before"
  wait_until state ready 2
  publish_starlet v1.1.0
  run -0 --separate-stderr once
  alone() { [ "$(grep -c '^[0-9]' "$ROOT/.dewy/serve.status")" = 1 ] && ! pgrep -g "$before"; }
  wait_until alone
  for count in $(seq 40); do serves v1.1.0; done
}

# boot COMMAND...: runs it as the first process of a machine of its own, as far as processes go, in the background; sets MACHINE.
boot() {
  unshare $([ "$(id -u)" = 0 ] || echo -Ur) --pid --mount-proc --kill-child "$@" >"$BATS_TEST_TMPDIR/console" 2>&1 3>&- &
  MACHINE=$!
}

# silent: nobody listens at URL.
silent() {
  local status=0
  curl -sS --max-time 5 "$URL" || status=$?
  [ $status = 7 ] # the connection was refused
}

# cut_power: all of its processes are gone at once.
cut_power() {
  kill -KILL $MACHINE
  wait $MACHINE 2>/dev/null || true
  MACHINE=
  wait_until silent # the kernel ends what the first process leaves behind
}

@test "a machine that loses its power and boots without the registry serves what current leads to" {
  unshare $([ "$(id -u)" = 0 ] || echo -Ur) --pid --mount-proc --kill-child true 2>/dev/null || skip "no pid namespaces here"
  mkdir "$BATS_TEST_TMPDIR/machine"
  mv "$ROOT" "$BATS_TEST_TMPDIR/machine" # where teardown does not take the pids in it for pids of its own namespace
  export DEWY_ROOT=$BATS_TEST_TMPDIR/machine/root
  ROOT=$DEWY_ROOT
  local run_twice=(sh -c 'for run in first second; do dewy once -p "127.0.0.1:$0" -- current/server; done; exec sleep 600' "$PORT")
  publish_server v1.0.0 says-ready
  boot "${run_twice[@]}"
  wait_until serves v1.0.0
  publish_server v1.1.0 says-ready
  boot_again() { cut_power && boot "$@"; }
  boot_again "${run_twice[@]}"
  wait_until serves v1.1.0
  cut_power
  mv "$REGISTRY" "$REGISTRY.gone"
  boot "${run_twice[@]}"
  wait_until serves v1.1.0
  boot_again dewy server -p "127.0.0.1:$PORT" -- current/server
  wait_until serves v1.1.0
  boot_again env GITHUB_API_URL=http://127.0.0.1:1 dewy server --registry ghr://acme/app --retries 0 -p "127.0.0.1:$PORT" -- current/server
  wait_until serves v1.1.0
  # In the middle of a deployment, the power goes again.
  mv "$REGISTRY.gone" "$REGISTRY"
  publish_server v1.2.0 says-ready
  boot_again dewy server -p "127.0.0.1:$PORT" --after-deploy-hook 'touch switched; exec sleep 600' -- current/server
  wait_until test -e "$ROOT/switched"
  cut_power
  mv "$REGISTRY" "$REGISTRY.gone"
  boot "${run_twice[@]}"
  wait_until serves v1.2.0
  cut_power
}

@test "ten releases of a real server under load, and bad ones in between: no request fails" {
  local minor bad=0
  publish_starlet v1.0.0
  once >/dev/null
  wait_until serves v1.0.0
  wrk -t 2 -c 20 -d "${BATS_TEST_TIMEOUT}s" "$URL" >"$BATS_TEST_TMPDIR/wrk" 2>&1 3>&- &
  local load=$!
  echo $load >"$BATS_TEST_TMPDIR/load.pid" # ended by teardown
  for minor in $(seq 10); do
    publish_starlet v1.$minor.0
    run -0 --separate-stderr once
    [ "$(field state)" = running ]
    wait_until serves v1.$minor.0
    case $minor in
      3) publish_starlet v1.3.1 'exit 1' ;;
      6) publish_starlet v1.6.1 '(sleep 1.2; kill $$) &' ;; # after it was up
      *) continue ;;
    esac
    bad=$((bad + 1))
    run -4 --separate-stderr once --settle 2s
    [ "$(field state)" = rolled_back ] || fail "$output"
    wait_until serves v1.$minor.0
  done
  [ $bad = 2 ]
  kill -0 $load
  kill -INT $load
  wait $load
  rm "$BATS_TEST_TMPDIR/load.pid"
  cat "$BATS_TEST_TMPDIR/wrk"
  run -1 grep -E 'Socket errors|Non-2xx' "$BATS_TEST_TMPDIR/wrk"
  [ "$(sed -nE 's/^ *([0-9]+) requests in .*/\1/p' "$BATS_TEST_TMPDIR/wrk")" -gt 1000 ]
}
