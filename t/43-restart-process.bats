#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# dewy-restart with servers that somebody else keeps running: a process that takes a signal, and one that a command restarts.
load common
load confine

prepare() {
  PORT=$(free_port)
  PID_FILE=$BATS_TEST_TMPDIR/server.pid
  export DEWY_REGISTRY=file://$REGISTRY DEWY_LOG_LEVEL=error DEWY_SETTLE=1s DEWY_START_TIMEOUT=10s
}

# publish_site VERSION [LINE]: puts a release into the registry that is a configuration of nginx, with LINE in it.
publish_site() {
  local tree=$BATS_TEST_TMPDIR/site
  mkdir -p "$REGISTRY/$1" "$tree"
  cat >"$tree/nginx.conf" <<END
daemon on; worker_processes 2; pid $PID_FILE; error_log $BATS_TEST_TMPDIR/error.log; user $(id -un);
events { worker_connections 64; }
http {
  access_log off; client_body_temp_path $BATS_TEST_TMPDIR/b; proxy_temp_path $BATS_TEST_TMPDIR/p;
  fastcgi_temp_path $BATS_TEST_TMPDIR/f; uwsgi_temp_path $BATS_TEST_TMPDIR/u; scgi_temp_path $BATS_TEST_TMPDIR/s;
  server { listen 127.0.0.1:$PORT; location / { return 200 $1; } $2 }
}
END
  tar -C "$tree" -czf "$REGISTRY/$1/app_linux_amd64.tar.gz" nginx.conf
}

# deploy_first: puts the newest release in place before its server runs.
deploy_first() {
  dewy-check --mode server | dewy-fetch | dewy-deploy >"$BATS_TEST_TMPDIR/deployed"
}

# nginx_serving: runs the nginx of v1.0.0.
nginx_serving() {
  publish_site v1.0.0
  deploy_first
  nginx -c "$ROOT/current/nginx.conf" -e "$BATS_TEST_TMPDIR/error.log" 3>&-
  wait_until answer
  export DEWY_PID_FILE=$PID_FILE
  dewy-restart --signal HUP <"$BATS_TEST_TMPDIR/deployed" >/dev/null
}

answer() {
  curl -sS --max-time 10 "http://127.0.0.1:$PORT/"
}

# a_server SCRIPT: a program that runs in the background with its pid in $PID_FILE, and without a child; on SIGHUP it runs SCRIPT.
a_server() {
  printf '#!/bin/bash\ntrap %q HUP\necho $$ >%q\nwhile :; do read -rt 0.05 <&9; done 9<> <(:)\n' "$1" "$PID_FILE" \
    >"$BATS_TEST_TMPDIR/program"
  chmod 755 "$BATS_TEST_TMPDIR/program"
  "$BATS_TEST_TMPDIR/program" 3>&- &
  wait_until test -s "$PID_FILE"
  export DEWY_PID_FILE=$PID_FILE
}

@test "nginx: a newer release takes over by SIGHUP without a failed request" {
  nginx_serving
  publish_site v1.1.0
  start_load "http://127.0.0.1:$PORT/"
  run -0 --separate-stderr dewy once --signal HUP --health-url "http://127.0.0.1:$PORT/" --log-level info
  assert_equal "$(stop_load)" 0
  assert_equal "$(field state) $(field mode) $(field restart.kind) $(field restart.action)" "running server process restarted"
  assert_equal "$(answer)" v1.1.0
  assert_equal "$(ps -o ppid= -p "$(field restart.pid)" | tr -d ' ')" "$(cat "$PID_FILE")"
  assert_regex "$stderr" 'INFO: Send signal for server restart signal="HUP" pid="'
  assert_document
}

# told_by_status [OPTION...]: the kind of server, whether it runs, its process and its version, as dewy status has them.
told_by_status() {
  dewy status --json "$@" | jq -r '.server | [.kind, .running, .pid, .version, .is_current] | @csv' | tr -d '"'
}

@test "dewy status tells whether a process runs, and by the one that proved itself, what" {
  local main
  nginx_serving
  main=$(cat "$PID_FILE")
  assert_equal "$(told_by_status --signal HUP)" "process,true,$main,v1.0.0,true"
  run -0 dewy status --signal HUP
  assert_line --regexp "^server +process serves v1.0.0, process $main, up for "
  unset DEWY_PID_FILE
  assert_regex "$(told_by_status)" '^process,true,[0-9]+,v1.0.0,true$'
  stop_pid "$main"
  wait_until gone "$main"
  assert_equal "$(told_by_status)" "process,,,,"
  DEWY_SIGNAL=HUP DEWY_PID_FILE=$PID_FILE run -0 dewy status
  assert_line --regexp '^server +process does not run$'
  DEWY_RESTART_COMMAND=true run -0 dewy status
  assert_line --regexp '^server +command, of which is not known whether it runs$'
}

@test "nginx: a release that it refuses is rolled back, and the old workers serve throughout" {
  nginx_serving
  publish_site v1.1.0 nonsense
  start_load "http://127.0.0.1:$PORT/"
  run -4 --separate-stderr dewy once --signal HUP --start-timeout 2s
  assert_equal "$(stop_load)" 0
  assert_equal "$(field state) $(readlink "$ROOT/current")" "rolled_back releases/$(basename "$(field previous.path)")"
  assert_regex "$(field error.message)" '^v1.1.0 was not up in 2s: neither the process [0-9]+ nor a child of it began after that'
  assert_equal "$(answer)" v1.0.0
}

@test "the word of a signal is no proof: a server that takes no notice" {
  publish v1.0.0
  deploy_first
  a_server true
  run -4 --separate-stderr dewy once --signal SIGHUP --start-timeout 1s
  assert_equal "$(field state) $(field error.code)" "failed application"
}

@test "a server that replaces itself by another process shows that it runs the release" {
  publish v1.0.0
  deploy_first
  a_server '"$0" & exit'
  before=$(cat "$PID_FILE")
  run -0 --separate-stderr dewy once --signal HUP
  assert_equal "$(field state) $(field restart.pid)" "running $(cat "$PID_FILE")"
  assert [ "$(field restart.pid)" != "$before" ]
}

@test "a server that runs a program of the release in its own place shows that it runs the release" {
  local tree=$BATS_TEST_TMPDIR/tree
  mkdir -p "$REGISTRY/v1.0.0" "$tree"
  cp /bin/sleep "$tree/program"
  tar -C "$tree" -czf "$REGISTRY/v1.0.0/app_linux_amd64.tar.gz" program
  deploy_first
  a_server "exec '$ROOT/current/program' 1000"
  run -0 --separate-stderr dewy once --signal HUP
  assert_equal "$(field state) $(field restart.pid)" "running $(cat "$PID_FILE")"
}

@test "a child that ends before --settle is over is no proof" {
  publish v1.0.0
  deploy_first
  a_server 'sleep 2 &'
  run -4 --separate-stderr dewy once --signal HUP --start-timeout 2s --settle 4s
  assert_equal "$(field error.message)" "v1.0.0 did not stay up for 4s"
}

@test "a child that ends before another one begins does not make a release bad" {
  publish v1.0.0
  deploy_first
  a_server 'sleep 0.2; sleep 1000 & echo $! >"$0.pid"'
  run -0 --separate-stderr dewy once --signal HUP
  assert_equal "$(field restart.pid)" "$(cat "$BATS_TEST_TMPDIR/program.pid")"
}

@test "a server that ends at the signal is no proof" {
  publish v1.0.0
  deploy_first
  a_server 'exit 1'
  run -4 --separate-stderr dewy once --signal HUP --start-timeout 3s
  assert_equal "$(field error.message)" "v1.0.0 was not up in 3s: no process runs of the pid file $PID_FILE"
}

# keep_running LINE...: runs a server that these lines of Python prepare to take a signal, and starts it again when it has ended,
# while the file gate is there. It writes the version that it runs to the file serving, and ends when there is a file end-VERSION,
# which it removes.
keep_running() {
  local gate=$BATS_TEST_TMPDIR/gate
  printf '%s\n' 'import os, signal, subprocess, sys, time' 'version = open("root/current/version").read().strip()' "$@" \
    'open("serving", "w").write(version)' 'open("new", "w").write(str(os.getpid()))' "os.rename('new', '$PID_FILE')" \
    'while not os.path.exists("end-" + version): time.sleep(0.02)' 'os.remove("end-" + version)' >"$BATS_TEST_TMPDIR/server"
  touch "$gate"
  bash -c 'cd "$0" && while :; do [ ! -e gate ] || python3 server; sleep 0.02; done' "$BATS_TEST_TMPDIR" 3>&- &
  echo $! >"$BATS_TEST_TMPDIR/keeper.pid"
  wait_until test -s "$PID_FILE"
  export DEWY_PID_FILE=$PID_FILE
}

# start_held_health: at $PORT, answers 200 once there is a file healthy, and makes a file asked when it is asked.
start_held_health() {
  python3 -c '
import http.server, os, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        open("asked", "w").close()
        while not os.path.exists("healthy"):
            time.sleep(0.02)
        self.send_response(200)
        self.end_headers()
os.chdir(sys.argv[1])
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()
' "$BATS_TEST_TMPDIR" "$PORT" >/dev/null 2>&1 3>&- &
  echo $! >"$BATS_TEST_TMPDIR/health.pid"
  export DEWY_HEALTH_URL=http://127.0.0.1:$PORT/ DEWY_HEALTH_TIMEOUT=60s
}

# another_than PID: true when the pid file names another process.
another_than() {
  [ "$(cat "$PID_FILE")" != "$1" ]
}

@test "the end of the first new process counts, however soon another one takes its place" {
  local old new
  publish v1.0.0
  deploy_first
  keep_running 'signal.signal(signal.SIGHUP, lambda *_: os._exit(0))'
  dewy-restart --signal HUP <"$BATS_TEST_TMPDIR/deployed" >/dev/null
  publish v1.1.0
  start_held_health
  old=$(cat "$PID_FILE")
  dewy once --signal HUP >"$BATS_TEST_TMPDIR/document" 3>&- &
  running=$!
  wait_until test -e "$BATS_TEST_TMPDIR/asked"
  new=$(cat "$PID_FILE")
  touch "$BATS_TEST_TMPDIR/end-v1.1.0"
  wait_until another_than "$new"
  touch "$BATS_TEST_TMPDIR/healthy"
  finish 4
  assert [ "$old" != "$new" ]
  assert_equal "$(field state) $(field error.message)" "rolled_back v1.1.0 stopped again"
  assert_equal "$(cat "$ROOT/current/version") $(cat "$BATS_TEST_TMPDIR/serving")" "v1.0.0 v1.0.0"
}

@test "a rollback waits for a server that is about to be started again" {
  publish v1.0.0
  deploy_first
  keep_running 'signal.signal(signal.SIGHUP, lambda *_: os._exit(0))' \
    'if version == "v1.1.0": os.remove("gate"), subprocess.Popen("sleep 1; touch end-v1.1.0", shell=True)'
  dewy-restart --signal HUP <"$BATS_TEST_TMPDIR/deployed" >/dev/null
  publish v1.1.0
  dewy once --signal HUP --start-timeout 30s --settle 2s >"$BATS_TEST_TMPDIR/document" 3>&- &
  running=$!
  wait_until grep -q v1.1.0 "$ROOT/current/version"
  wait_until grep -q v1.0.0 "$ROOT/current/version"
  wait_until test -s "$ROOT/.dewy/rejected.json"
  touch "$BATS_TEST_TMPDIR/gate"
  finish 4
  assert_equal "$(field state) $(cat "$BATS_TEST_TMPDIR/serving")" "rolled_back v1.0.0"
  kill -0 "$(cat "$PID_FILE")"
}

@test "a child of a process that ends is no proof, and what follows that process is waited for" {
  local old child opened
  publish v1.0.0
  deploy_first
  keep_running 'child = None' 'def renew(*_):' '    global child' '    if child: child.kill(), child.wait()' \
    '    child = subprocess.Popen(["sleep", "1000"])' '    open("child.pid", "w").write(str(child.pid))' \
    'signal.signal(signal.SIGHUP, renew)'
  dewy-restart --signal HUP <"$BATS_TEST_TMPDIR/deployed" >/dev/null
  rm "$BATS_TEST_TMPDIR/gate"
  publish v1.1.0
  deploy_first
  start_held_health
  may_trace
  strace -qq -o "$BATS_TEST_TMPDIR/trace" -e trace=openat \
    dewy-restart --signal HUP <"$BATS_TEST_TMPDIR/deployed" >"$BATS_TEST_TMPDIR/document" 3>&- &
  running=$!
  wait_until test -e "$BATS_TEST_TMPDIR/asked"
  old=$(cat "$PID_FILE")
  touch "$BATS_TEST_TMPDIR/end-v1.0.0"
  wait_until gone "$old"
  opened=$(wc -l <"$BATS_TEST_TMPDIR/trace")
  touch "$BATS_TEST_TMPDIR/healthy"
  wait_until looked_after "$opened"
  touch "$BATS_TEST_TMPDIR/gate"
  finish 0
  assert_equal "$(field state) $(field restart.pid) $(cat "$BATS_TEST_TMPDIR/serving")" "running $(cat "$PID_FILE") v1.1.0"
  stop_pid "$(cat "$BATS_TEST_TMPDIR/child.pid")"
}

# looked_after LINE: true when the pid file was opened twice after that line of the trace.
looked_after() {
  [ "$(tail -n "+$(($1 + 1))" "$BATS_TEST_TMPDIR/trace" | grep -cF "$PID_FILE")" -ge 2 ]
}

@test "--signal with nothing to signal: exit status 1 before a newer release is switched to" {
  nginx_serving
  stop_pid "$(cat "$PID_FILE")"
  before=$(readlink "$ROOT/current")
  publish_site v1.1.0
  run -1 --separate-stderr dewy once --signal HUP
  assert_equal "$(field state) $(field error.message)" \
    "failed no process runs of the pid file $PID_FILE, so that there is nothing to signal"
  run -1 --separate-stderr dewy rollback --signal HUP
  assert_equal "$(readlink "$ROOT/current")" "$before"
}

@test "a pid file that is locked for a process that has ended is of nobody, and that is said in time" {
  publish_site v1.0.0
  deploy_first
  # A child holds the lock after its parent, whose pid the file has.
  (
    exec 8>"$PID_FILE"
    flock 8
    sh -c 'echo $$' >&8
    exec sleep 600 3>&-
  ) &
  echo $! >"$BATS_TEST_TMPDIR/child.pid" # ended by teardown
  wait_until test -s "$PID_FILE"
  export DEWY_PID_FILE=$PID_FILE DEWY_START_TIMEOUT=1s
  run -4 --separate-stderr timeout 60 dewy-restart --signal HUP <"$BATS_TEST_TMPDIR/deployed"
  assert_equal "$(field error.message)" "no process runs any more of the pid file $PID_FILE"
}

@test "a command restarts the server, and is believed only when the server shows it" {
  publish_site v1.0.0
  export DEWY_RESTART_COMMAND="[ -s '$PID_FILE' ] || exec nginx -c \$DEWY_ROOT/current/nginx.conf -e '$BATS_TEST_TMPDIR/error.log'
    kill -HUP \$(cat '$PID_FILE')"
  export DEWY_PID_FILE=$PID_FILE GITHUB_TOKEN=hidden
  run -0 --separate-stderr dewy once
  assert_equal "$(field state) $(field restart.kind) $(answer)" "running command v1.0.0"
  assert_document
  run -1 grep -c hidden "/proc/$(cat "$PID_FILE")/environ"
  publish_site v1.1.0
  run -4 --separate-stderr env DEWY_RESTART_COMMAND=true dewy once --start-timeout 1s
  assert_regex "$(field error.message)" '^rolled back to v1.0.0, but it does not serve: v1.0.0 was not up in 1s: neither'
  publish_site v1.2.0
  run -0 --separate-stderr dewy once
    assert_equal "$(field state) $(answer)" "running v1.2.0"
}

@test "a command that fails: the release is rolled back, and people read what it printed" {
  publish v1.0.0
  export DEWY_RESTART_COMMAND='grep -q v1.0.0 current/version || { echo "no v1.0.0 but $DEWY_VERSION" >&2; exit 3; }'
  start_health
  run -0 --separate-stderr dewy once --health-url "http://127.0.0.1:$PORT/"
  publish v1.1.0
  run -4 --separate-stderr dewy once --health-url "http://127.0.0.1:$PORT/"
  assert_equal "$(field state) $(field error.message)" \
    "rolled_back v1.1.0 did not start: the restart command failed with exit code 3: no v1.0.0 but v1.1.0"
  assert_equal "$(cat "$ROOT/current/version")" v1.0.0
}

# start_health: answers every request at $PORT with 200.
start_health() {
  python3 -m http.server --bind 127.0.0.1 --directory "$BATS_TEST_TMPDIR" "$PORT" >/dev/null 2>&1 3>&- &
  echo $! >"$BATS_TEST_TMPDIR/health.pid"
  wait_until answer
}

@test "a command that does not end in time is ended, with all that it started" {
  publish v1.0.0
  run -4 --separate-stderr dewy once --start-timeout 4s --health-url http://127.0.0.1:1/ \
    --restart-command "sleep 1000 & echo \$! >$BATS_TEST_TMPDIR/child; echo still busy; wait"
  assert_equal "$(field error.message)" "v1.0.0 did not start: the restart command was not done in 4s: still busy"
  wait_until gone "$(cat "$BATS_TEST_TMPDIR/child")"
}

@test "nothing to do starts no process to look at the server, and a release that was not proved is taken up" {
  nginx_serving
  stop_pid "$(cat "$PID_FILE")"
  run -0 --separate-stderr dewy once --signal HUP
  assert_equal "$(field state)" unchanged
  publish_site v1.1.0
  dewy-check --signal HUP | dewy-fetch | dewy-deploy >/dev/null
  run -1 --separate-stderr dewy once --signal HUP
  assert_equal "$(field reason) $(field error.code)" "server not restarted config"
}

@test "wrong combinations are refused before anything is touched" {
  local -a options
  publish v1.0.0
  while read -ra options; do
    run -1 --separate-stderr dewy once "${options[@]}"
    assert_equal "$output" ""
    assert_regex "$stderr" '^dewy once: .*; '
    assert [ ! -e "$ROOT/current" ]
  done <<'EOF2'
--signal HUP
--signal NONSENSE --pid-file /run/x.pid
--signal HUP --pid-file /run/x.pid --restart-command true
--signal HUP --pid-file /run/x.pid --mode assets
--signal HUP --pid-file /run/x.pid -- current/server
--restart-command true
--unit -x
--unit a/b
--unit hello --signal HUP --pid-file /run/x.pid
--unit hello --mode assets
EOF2
  run -1 --separate-stderr dewy-check --mode assets --unit hello
  assert_regex "$stderr" 'assets mode restarts nothing: --unit is for servers'
  run -1 --separate-stderr dewy once --restart-command true
  assert_regex "$stderr" 'does not show that the server runs the release; give --health-url'
}

@test "--dry-run says whom a signal or a command would tell, and what would be believed" {
  publish v1.0.0
  deploy_first
  a_server true
  run -0 --separate-stderr bash -c 'dewy-restart --dry-run --signal usr2 <"$0"' "$BATS_TEST_TMPDIR/deployed"
  assert_equal "$(jq -r '.plan[0, 1]' <<<"$output")" "send SIGUSR2 to process $(cat "$PID_FILE") of $PID_FILE
expect a process of $PID_FILE, or a child of it, that began after that, or one that runs a program of the release then\
 within 10s, up for 1s"
  unset DEWY_PID_FILE
  run -0 --separate-stderr bash -c 'dewy-restart --dry-run --restart-command "touch told" --health-url http://127.0.0.1/ <"$0"' \
    "$BATS_TEST_TMPDIR/deployed"
  assert_equal "$(jq -r '.plan[]' <<<"$output")" "run in $ROOT: touch told
expect its exit status to be 0 within 10s, up for 1s
healthy at http://127.0.0.1/, 3 times in a row within 30s
else leave v1.0.0 in place, and try again later"
  assert [ ! -e "$ROOT/told" ]
}
