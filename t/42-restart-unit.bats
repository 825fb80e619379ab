#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# dewy with a server that is a unit of systemd, which is a real one, in a box of its own.
load common
load systemd

prepare() {
  export DEWY_REGISTRY=file://$REGISTRY
  TIMES=(DEWY_ROOT="$ROOT" DEWY_REGISTRY="$DEWY_REGISTRY" DEWY_LOG_LEVEL=info DEWY_SETTLE=1s DEWY_START_TIMEOUT=10s)
}

# What is said of a unit whose process has ended, as it is then: systemd may just have started it again.
STOPPED='(is .*, Result=[a-z-]+, ExecMainStatus=[1-9][0-9]*|ended, and systemd has started it again, NRestarts=[1-9][0-9]*)'

cleanup() {
  box_stop
}

# unit [LINE]...: makes hello.service, which runs what current leads to, with these lines in [Service], and starts it.
unit() {
  printf '%s\n' '[Service]' "WorkingDirectory=$ROOT" 'ExecStart=/usr/bin/python3 current/server' 'StandardOutput=journal' "$@" \
    >"$BATS_TEST_TMPDIR/hello.service"
  box_run cp "$BATS_TEST_TMPDIR/hello.service" /etc/systemd/system/hello.service
  box_run systemctl daemon-reload
}

# publish_program VERSION LINE...: puts a release into the registry whose server is this script of Python, or of what else runs it.
publish_program() {
  local version=$1 tree=$BATS_TEST_TMPDIR/program
  shift
  mkdir -p "$REGISTRY/$version" "$tree"
  printf '%s\n' "$@" >"$tree/server"
  echo "$version" >"$tree/version"
  tar -C "$tree" -czf "$REGISTRY/$version/app_linux_amd64.tar.gz" server version
}

# in_box EXIT COMMAND...: runs it in the box, in ROOT, with what it prints in $output and $stderr.
in_box() {
  local expected=$1
  shift
  run "-$expected" --separate-stderr box_run env --chdir="$ROOT" "${TIMES[@]}" PATH="$DEWY_BIN:$PATH" "$@"
}

show() {
  box_run systemctl show --value -p "$1" hello.service
}

@test "a unit is started, and restarted for a newer release, and shows that it runs it" {
  box_start
  publish_program v1.0.0 'import time' 'time.sleep(1000)'
  unit
  in_box 0 dewy once --unit hello
  assert_equal "$(field state) $(field mode) $(field restart.kind) $(field restart.action) $(field restart.unit)" \
    "running server unit started hello"
  assert_equal "$(field restart.invocation) $(field restart.pid)" "$(show InvocationID) $(show MainPID)"
  assert_document
  in_box 0 dewy status --unit hello --json
  assert_equal "$(jq -c '.server | [.kind, .unit, .running, .state, .pid, .version]' <<<"$output")" \
    "[\"unit\",\"hello\",true,\"active\",$(show MainPID),\"v1.0.0\"]"
  in_box 0 dewy status
  assert_line --regexp "^server +unit hello serves v1.0.0, process $(show MainPID), up for .*, active\$"
  publish_program v1.1.0 'import time' 'time.sleep(1001)'
  before=$(show InvocationID)
  in_box 0 dewy once --unit hello.service
  assert_equal "$(field state) $(field restart.action)" "running restarted"
  assert [ "$(show InvocationID)" != "$before" ]
  assert_equal "$(field restart.invocation)" "$(show InvocationID)"
  [[ $stderr == *'INFO: Restart unit unit="hello.service"'* ]]
  in_box 0 dewy rollback --unit hello
  assert_equal "$(field state) $(cat "$ROOT/current/version")" "running v1.0.0"
  box_run systemctl stop hello
  in_box 0 dewy status
  assert_line --regexp '^server +unit hello does not run, inactive$'
}

@test "a unit that ends again and again is rolled back, although it has used up its starts" {
  box_start
  publish_program v1.0.0 'exec sleep 1000'
  unit ExecStart= 'ExecStart=/bin/sh current/server' Restart=always RestartSec=50ms '[Unit]' StartLimitBurst=2 \
    StartLimitIntervalSec=1h
  in_box 0 dewy once --unit hello
  publish_program v1.1.0 'exit 3' # at once, which takes Python longer
  in_box 4 dewy once --unit hello
  assert_equal "$(field state) $(cat "$ROOT/current/version") $(show ActiveState)" "rolled_back v1.0.0 active"
  assert_regex "$(field error.message)" '^v1.1.0 (did not start|stopped again): hello '"$STOPPED\$"
  assert_equal "$(field error.hint)" "see journalctl -u hello"
  assert_equal "$(field previous.version)" v1.0.0
}

@test "a unit that dies late, and one that never gets ready, are rolled back" {
  box_start
  publish_program v1.0.0 'import os, time' 'os.system("systemd-notify --ready")' 'time.sleep(1000)'
  unit Type=notify NotifyAccess=all
  in_box 0 dewy once --unit hello
  publish_program v1.1.0 'import os, sys, time' 'os.system("systemd-notify --ready")' 'time.sleep(1)' 'sys.exit(7)'
  in_box 4 dewy once --unit hello --settle 4s
  assert_equal "$(field error.message)" "v1.1.0 stopped again: hello is failed (failed), Result=exit-code, ExecMainStatus=7"
  publish_program v1.2.0 'import time' 'time.sleep(1002)'
  in_box 4 dewy once --unit hello --start-timeout 6s
  assert_regex "$(field error.message)" '^v1.2.0 did not start: hello is activating \(start\)'
  assert_equal "$(field state) $(cat "$ROOT/current/version") $(show ActiveState)" "rolled_back v1.0.0 active"
}

@test "a unit that reloads shows it by a new process" {
  box_start
  publish_program v1.0.0 'import signal, subprocess' \
    'signal.signal(signal.SIGHUP, lambda *_: subprocess.Popen(["sleep", "1000"]))' 'while True: signal.pause()'
  unit 'ExecReload=/bin/kill -HUP $MAINPID'
  in_box 0 dewy once --unit hello
  publish v1.1.0
  before=$(show InvocationID)
  in_box 0 dewy once --unit hello
  assert_equal "$(field state) $(field restart.action) $(show InvocationID)" "running reloaded $before"
  assert_equal "$(box_run ps -o ppid= -p "$(field restart.pid)" | tr -d ' ')" "$(show MainPID)"
}

@test "a unit whose process ends when it is reloaded is started again by systemd, which is no failure of the release" {
  local -a program=('import signal, sys, time' 'signal.signal(signal.SIGHUP, lambda *_: sys.exit(0))')
  box_start
  publish_program v1.0.0 "${program[@]}" 'time.sleep(1000)'
  unit 'ExecReload=/bin/kill -HUP $MAINPID' Restart=always RestartSec=100ms
  in_box 0 dewy once --unit hello
  before=$(show MainPID)
  publish_program v1.1.0 "${program[@]}" 'time.sleep(1001)'
  in_box 0 dewy once --unit hello
  assert_equal "$(field state) $(field restart.action) $(field restart.pid)" "running reloaded $(show MainPID)"
  assert [ "$(field restart.pid)" != "$before" ]
  publish_program v1.2.0 "${program[@]}" 'time.sleep(1)' 'sys.exit(3)'
  in_box 4 dewy once --unit hello --settle 5s
  assert_equal "$(field state) $(cat "$ROOT/current/version") $(show ActiveState)" "rolled_back v1.1.0 active"
  assert_regex "$(field error.message)" '^v1.2.0 (did not start|stopped again): hello '"$STOPPED\$"
}

@test "a unit that reloads without a new process is believed only when its health is asked for" {
  box_start
  publish_program v1.0.0 'import http.server, signal' 'signal.signal(signal.SIGHUP, lambda *_: None)' \
    'http.server.ThreadingHTTPServer(("127.0.0.1", 8080), http.server.SimpleHTTPRequestHandler).serve_forever()'
  unit 'ExecReload=/bin/kill -HUP $MAINPID'
  in_box 0 dewy once --unit hello
  publish v1.1.0
  in_box 4 dewy once --unit hello --start-timeout 1s
  assert_equal "$(field state) $(field error.code)" "failed supervisor"
  assert_regex "$(field error.message)" '^hello was reloaded, but no process of it began after that'
  assert_regex "$(field error.hint)" '^give --health-url'
  rm "$ROOT/.dewy/attempts.json"
  in_box 0 dewy once --unit hello --health-url http://127.0.0.1:8080/
  assert_equal "$(field state) $(field restart.action)" "running reloaded"
}

@test "a reload that fails is told with its reason, and rolled back" {
  box_start
  publish_program v1.0.0 'import signal, subprocess' \
    'signal.signal(signal.SIGHUP, lambda *_: subprocess.Popen(["sleep", "1000"]))' 'while True: signal.pause()'
  unit "ExecReload=/bin/grep -qv bad $ROOT/current/version" 'ExecReload=/bin/kill -HUP $MAINPID'
  in_box 0 dewy once --unit hello
  publish_program v1.1.0-bad true
  in_box 4 dewy once --unit hello --registry "file://$REGISTRY?pre-release=true"
  assert_equal "$(field state) $(cat "$ROOT/current/version") $(show ActiveState)" "rolled_back v1.0.0 active"
  assert_regex "$(field error.message)" '^systemctl reload hello: Job for hello.service failed'
}

# supervised RELOAD: dewy-serve as a unit, which is reloaded by that.
supervised() {
  box_start
  publish_server v1.0.0
  unit "Environment=DEWY_ROOT=$ROOT DEWY_PORT=127.0.0.1:8080 DEWY_KILL_OLD_DELAY=1s" Type=exec "ExecReload=$1"
  sed -i "s|^ExecStart=.*|ExecStart=$DEWY_BIN/dewy-serve -- current/server|" "$BATS_TEST_TMPDIR/hello.service"
  box_run cp "$BATS_TEST_TMPDIR/hello.service" /etc/systemd/system/hello.service
  box_run systemctl daemon-reload
  in_box 0 dewy once --unit hello
  publish_server v1.1.0
  in_box 0 dewy once --unit hello --health-url http://127.0.0.1:8080/health
  assert_equal "$(field state) $(field restart.action) $(field restart.generation)" "running reloaded 2"
  publish_server v1.2.0 dies-at-once
  in_box 4 dewy once --unit hello --health-url http://127.0.0.1:8080/health
  assert_equal "$(field state) $(field error.message)" "rolled_back v1.2.0 did not start: exit 1"
  assert_equal "$(box_run curl -sS http://127.0.0.1:8080/)" v1.1.0
}

@test "dewy-serve as a unit is reloaded by SIGHUP, and its status file tells what came of it" {
  supervised '/bin/kill -HUP $MAINPID'
}

@test "dewy-serve as a unit is reloaded by --restart, which waits, and its status file tells what came of it" {
  supervised "$DEWY_BIN/dewy-serve --restart"
}

@test "a unit that is not there, masked, or without a process: exit status 1 before anything is touched" {
  box_start
  publish_program v1.0.0 'import time' 'time.sleep(1000)'
  in_box 1 dewy once --unit nosuch
  assert_equal "$(field error.code) $(field error.message)" "config systemd knows no unit nosuch"
  assert [ ! -e "$ROOT/current" ]
  box_run systemctl mask nosuch.service
  in_box 1 dewy once --unit nosuch
  assert_equal "$(field error.message)" "the unit nosuch cannot be started: it is masked"
  unit Type=oneshot
  in_box 1 dewy once --unit hello
  assert_equal "$(field error.message)" "the unit hello is of Type=oneshot, and has no process that could be seen serving"
  assert [ ! -e "$ROOT/current" ]
}

@test "--dry-run says what systemctl would be told, and touches no unit" {
  box_start
  publish_program v1.0.0 'import time' 'time.sleep(1000)'
  unit
  in_box 0 dewy once --unit hello
  before=$(show InvocationID)
  publish v1.1.0
  in_box 0 sh -c 'dewy-check --unit hello | dewy-restart --unit hello --dry-run'
  assert_equal "$(jq -r '.plan[]' <<<"$output")" "systemctl restart hello
expect hello to be active and running, with another InvocationID than $before within 10s, up for 1s
else go back to v1.0.0, and ask the same of it"
  unit 'ExecReload=/bin/kill -HUP $MAINPID'
  in_box 0 sh -c 'dewy-check --unit hello | dewy-restart --unit hello --dry-run'
  assert_equal "$(jq -r '.plan[0, 1]' <<<"$output")" "systemctl reload hello
expect a process of hello that began after that within 10s, up for 1s"
  assert_equal "$(field state) $(show InvocationID)" "available $before"
}

@test "nothing to do does not ask systemd" {
  box_start
  publish_program v1.0.0 'import time' 'time.sleep(1000)'
  unit
  in_box 0 dewy once --unit hello
  box_run systemctl stop hello
  in_box 0 dewy once --unit hello
  assert_equal "$(field state) $(show ActiveState)" "unchanged inactive"
}
