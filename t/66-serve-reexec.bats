#!/usr/bin/env bats
# dewy-serve --reexec and SIGUSR2: the supervisor goes on as a new program, in the same process, and nobody else notices.
load common
load serve

prepare() {
  serve_prepare
  REAL=$DEWY_BIN/dewy-serve
  INSTALLED=$BATS_TEST_TMPDIR/bin/dewy-serve # a copy that a test may replace
  mkdir "$BATS_TEST_TMPDIR/bin"
  install_copy
  PATH=$BATS_TEST_TMPDIR/bin:$PATH
}

cleanup() {
  touch "$BATS_TEST_TMPDIR/enough" "$BATS_TEST_TMPDIR/load.stop" # for what runs beside a test that failed
}

# install_copy: puts a new file with the program where the old one is, as an upgrade does.
install_copy() {
  cp "$REAL" "$INSTALLED.new"
  mv "$INSTALLED.new" "$INSTALLED"
}

# install_script: puts a shell script there, from standard input.
install_script() {
  (echo '#!/bin/sh' && cat) >"$INSTALLED.new"
  chmod 755 "$INSTALLED.new"
  mv "$INSTALLED.new" "$INSTALLED"
}

# reexec [OPTION...]: dewy-serve --reexec, of the real program, which has to succeed.
reexec() {
  run -0 timeout 30 "$REAL" --reexec "$@"
}

# executed COUNT: true when the status file says that the program was executed so often.
executed() {
  grep -q "^# program=[0-9.]* executed=$1\$" "$STATUS"
}

# look: prints what the supervisor has open, by number, if it sleeps: while it works it has files open for a moment.
look() {
  find "/proc/$SUPERVISOR/fd" -mindepth 1 -printf '%f %l\n' | sed 's/pipe:.*/pipe/' | sort -n # the pipe of signals may be a new one
  grep -q ') S ' "/proc/$SUPERVISOR/stat"
}

# two_looks_agree: true when the supervisor waits for something to happen; OPEN is what it has open then.
two_looks_agree() {
  OPEN=$(look) && [ "$(look)" = "$OPEN" ]
}

# descriptors: prints what the supervisor has open, by number, once it waits for something to happen.
descriptors() {
  wait_until two_looks_agree && echo "$OPEN"
}

# server VERSION: makes WORKER a server that answers so.
server() {
  mkdir "$BATS_TEST_TMPDIR/app"
  cp "$BATS_TEST_DIRNAME/server.py" "$BATS_TEST_TMPDIR/app/server"
  chmod 755 "$BATS_TEST_TMPDIR/app/server"
  echo "$1" >"$BATS_TEST_TMPDIR/app/version"
  echo says-ready >"$BATS_TEST_TMPDIR/app/behaviour"
  WORKER=("$BATS_TEST_TMPDIR/app/server")
  PORT=$(free_port)
}

# unchanged: the supervisor goes on with the program of before, its worker was not touched, and the next HUP is heard.
unchanged() {
  run ! gone "$(worker 1)"
  run ! recorded 1 SIGTERM
  state ready 1
  run ! grep -q '^# program=.* executed=[1-9]*$' "$STATUS"
  signals HUP
  wait_until state ready 2
  signals TERM
  ended 0
}

@test "the new file runs in the same process, with the same sockets and workers, and hears the next HUP" {
  serve --port "127.0.0.1:$(free_port)" --path "$BATS_TEST_TMPDIR/s.sock"
  local before ports
  before=$(descriptors)
  ports=$(setting 1 SERVER_STARTER_PORT)
  install_copy
  run ! test "/proc/$SUPERVISOR/exe" -ef "$INSTALLED"
  reexec
  assert_output --partial 'Program executed again'
  test "/proc/$SUPERVISOR/exe" -ef "$INSTALLED"
  assert_equal "$(descriptors)" "$before"
  state ready 1
  executed 1
  run ! recorded 1 SIGTERM
  run ! gone "$(worker 1)"
  signals HUP
  wait_until state ready 2
  wait_until recorded 1 SIGTERM
  [ -n "$ports" ]
  assert_equal "$(setting 2 SERVER_STARTER_PORT)" "$ports"
  assert_equal "$(setting 2 LISTEN_FDS)" 2
  run ! grep -qz '^DEWY_' "/proc/$(worker 2)/environ"
  signals TERM
  ended 0
  [ ! -e "$PID_FILE" ] && [ ! -e "$BATS_TEST_TMPDIR/s.sock" ]
}

@test "a link that leads to another file by then is followed" {
  mkdir "$BATS_TEST_TMPDIR/v1" "$BATS_TEST_TMPDIR/v2"
  cp "$REAL" "$BATS_TEST_TMPDIR/v1"
  cp "$REAL" "$BATS_TEST_TMPDIR/v2"
  ln -sf ../v1/dewy-serve "$INSTALLED"
  serve
  test "/proc/$SUPERVISOR/exe" -ef "$BATS_TEST_TMPDIR/v1/dewy-serve"
  ln -sf ../v2/dewy-serve "$INSTALLED"
  reexec
  test "/proc/$SUPERVISOR/exe" -ef "$BATS_TEST_TMPDIR/v2/dewy-serve"
}

@test "the lock of the pid file is held all the time" {
  serve
  (
    until [ -e "$BATS_TEST_TMPDIR/enough" ]; do
      flock -n "$PID_FILE" touch "$BATS_TEST_TMPDIR/gap" || true
    done
  ) 3>&- &
  local taker=$!
  for _ in {1..10}; do reexec; done
  touch "$BATS_TEST_TMPDIR/enough"
  wait "$taker"
  [ ! -e "$BATS_TEST_TMPDIR/gap" ]
  executed 10
}

@test "twenty times under load no request fails, and nothing is left open" {
  server v1
  serve --port "127.0.0.1:$PORT"
  local before pid
  before=$(descriptors)
  pid=$(sed -n 's/^1://p' "$STATUS")
  start_load "http://127.0.0.1:$PORT/"
  for _ in {1..20}; do
    install_copy
    reexec
  done
  assert_equal "$(stop_load)" 0
  assert_equal "$(descriptors)" "$before"
  executed 20
  grep -qx "1:$pid" "$STATUS"
  assert [ "$(cat "$BATS_TEST_TMPDIR/load.all")" -gt 100 ]
}

@test "a new file that may not be executed changes nothing" {
  serve
  install_copy
  chmod 644 "$INSTALLED"
  run -4 timeout 30 "$REAL" --reexec
  assert_output --partial "goes on with the program of before: cannot start $INSTALLED: Permission denied"
  unchanged
}

@test "a new file that crashes, ends with 1, or agrees to nothing changes nothing" {
  serve
  echo 'kill -SEGV $$' | install_script
  run -4 timeout 30 "$REAL" --reexec
  assert_output --partial 'goes on with the program of before: it ended with signal 11 and did not agree'
  echo 'exit 1' | install_script
  run -4 timeout 30 "$REAL" --reexec
  assert_output --partial 'it ended with exit 1 and did not agree'
  echo 'exit 0' | install_script
  run -4 timeout 30 "$REAL" --reexec
  assert_output --partial 'it ended with exit 0 and did not agree'
  grep -q '^# program=.* executed=3 refused=it ended with exit 0 and did not agree$' "$STATUS"
  unchanged
}

@test "a new file that hangs changes nothing, and HUP is heard meanwhile" {
  serve
  echo "echo \$\$ >'$BATS_TEST_TMPDIR/hanging'; exec sleep 1000" | install_script
  signals USR2
  wait_until test -s "$BATS_TEST_TMPDIR/hanging"
  signals HUP
  wait_until state ready 2
  wait_until grep -q ' refused=it said nothing in 10s$' "$STATUS"
  gone "$(cat "$BATS_TEST_TMPDIR/hanging")"
  run ! gone "$(worker 2)"
  install_copy
  reexec
}

@test "a new program that does not take the options, or the state, changes nothing" {
  serve
  echo "exec '$REAL' --no-such-option \"\$@\"" | install_script
  run -4 timeout 30 "$REAL" --reexec
  assert_output --partial 'it ended with exit 1 and did not agree'
  logged 'unknown option --no-such-option'
  install_script <<EOF2
sed 's/"format":"1"/"format":"2"/' "/proc/self/fd/\$DEWY_SERVE_TRIAL" >'$BATS_TEST_TMPDIR/state'
export DEWY_SERVE_TRIAL=9
exec '$REAL' "\$@" 9<'$BATS_TEST_TMPDIR/state'
EOF2
  run -4 timeout 30 "$REAL" --reexec
  logged 'what was handed over has no format that is understood here'
  grep -q '"format":"2"' "$BATS_TEST_TMPDIR/state"
  unchanged
}

@test "a file that agreed and then cannot be executed changes nothing" {
  serve
  printf 'echo "dewy-serve takes over"\nchmod 644 "$0"\n' | install_script
  run -4 timeout 30 "$REAL" --reexec
  assert_output --partial "cannot execute $INSTALLED: Permission denied"
  unchanged
}

# agrees_and_fails CALL: the new program agrees, and cannot go on when it was executed, as that system call fails once.
agrees_and_fails() {
  install_script <<EOF2
[ -z "\$DEWY_SERVE_TRIAL" ] || exec '$REAL' "\$@"
exec strace -D -qq -o '$BATS_TEST_TMPDIR/failed' -e trace=$1 -e inject=$1:error=EIO:when=1 '$REAL' "\$@"
EOF2
}

@test "a program that agreed and then cannot go on executes the one of before" {
  export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 # which cannot be traced
  server v1
  serve --port "127.0.0.1:$PORT"
  local before pid
  before=$(descriptors)
  pid=$(sed -n 's/^1://p' "$STATUS")
  ln "$INSTALLED" "$INSTALLED.before"
  start_load "http://127.0.0.1:$PORT/"
  agrees_and_fails lseek
  run -4 timeout 30 "$REAL" --reexec
  assert_output --partial 'goes on with the program of before: cannot read what was handed over: Input/output error'
  assert_equal "$(cat "/proc/$SUPERVISOR/comm")" dewy-serve
  assert_equal "$(descriptors)" "$before"
  grep -qx "1:$pid" "$STATUS"
  test "/proc/$SUPERVISOR/exe" -ef "$INSTALLED.before"
  reexec # by the name that the script executed it by, and not by the descriptor
  test "/proc/$SUPERVISOR/exe" -ef "$REAL"
  assert_equal "$(descriptors)" "$before"
  assert_equal "$(stop_load)" 0
  signals HUP
  wait_until state ready 2
}

@test "a program that agreed and then cannot wait for signals loses none of them on the way back" {
  export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 # which cannot be traced
  serve
  agrees_and_fails signalfd4,pipe2
  signals USR2
  signals HUP
  wait_until grep -q ' refused=cannot open a descriptor for signals' "$STATUS"
  wait_until state ready 2
  signals TERM
  ended 0
}

@test "SIGUSR2 during a trial that fails is answered by another trial" {
  serve
  echo "touch '$BATS_TEST_TMPDIR/trying'; while [ ! -e '$BATS_TEST_TMPDIR/go' ]; do sleep 0.01; done; exit 1" | install_script
  signals USR2
  wait_until test -e "$BATS_TEST_TMPDIR/trying"
  install_copy
  signals USR2
  touch "$BATS_TEST_TMPDIR/go"
  wait_until executed 2
}

@test "during a start: the new worker is up when it says so" {
  printf 'say STATUS=loading\nawait go\n' | plan 2
  serve
  signals HUP
  wait_until recorded 2 did say
  reexec
  state starting 2
  grep -q "^# starting=2:$(worker 2)\$" "$STATUS"
  touch "$PLAN/go"
  wait_until state ready 2
  wait_until recorded 1 SIGTERM
}

@test "during a start: the new worker that dies is discarded, with its exit status" {
  printf 'say STATUS=loading\nawait go\nexit 3\n' | plan 2
  serve
  signals HUP
  wait_until recorded 2 did say
  signals HUP
  wait_until logged 'A new worker follows'
  reexec
  touch "$PLAN/go"
  wait_until state ready 3 # as the second HUP was not forgotten
  logged 'New worker failed to start generation="2" pid="'"$(worker 2)"'" reason="exit 3"'
}

@test "during a start: a new worker that is not ready in time is discarded, counted from its start" {
  printf 'say STATUS=loading\nsilent\n' | plan 2
  serve --ready-timeout 8s
  signals HUP
  wait_until recorded 2 did say
  reexec
  wait_until state failed 2 'not ready in 8s'
  wait_until recorded 2 SIGTERM
  run ! gone "$(worker 1)"
}

@test "in a pause between two starts: the next start comes" {
  echo 'exit 1' | plan all
  launch
  wait_until failed_to_start 2 # what follows is a pause of 2 s
  reexec
  rm "$PLAN/all"
  wait_until grep -q '^# state=ready' "$STATUS"
}

@test "in the pause before another try: the next try comes, and failures are counted on" {
  echo 'exit 3' | plan 2
  echo 'exit 3' | plan 3
  serve --max-start-failures 2
  signals HUP
  wait_until failed_to_start 2
  reexec
  wait_until state failed 3 'exit 3'
  run ! recorded 1 SIGTERM
}

@test "while both generations serve: the old one is told to end when its time comes" {
  serve --kill-old-delay 10s
  signals HUP
  wait_until grep -q '^2:' "$STATUS"
  reexec
  grep -q '^1:' "$STATUS"
  wait_until state ready 2
  wait_until recorded 1 SIGTERM
}

@test "while an old worker does not end: it is killed when its time comes" {
  echo ignore | plan 1
  serve --kill-timeout 2s
  wait_until recorded 1 did ignore
  signals HUP
  wait_until recorded 1 SIGTERM
  reexec
  wait_until gone "$(worker 1)"
  logged 'Worker does not end, sending KILL'
  gone_from_status() { ! grep -q '^1:' "$STATUS"; }
  wait_until gone_from_status
}

@test "while a child that a worker left behind does not end: it is killed when its time comes" {
  echo fork | plan 1
  serve --kill-timeout 15s
  wait_until recorded 1 did fork
  signals HUP
  wait_until gone "$(worker 1)"
  wait_until state ready 2
  local child
  child=$(awk '$2 == "child" { print $3 }' "$RECORD")
  reexec
  run ! gone "$child"
  wait_until gone "$child"
}

@test "a worker that dies and a HUP that comes at that moment are not lost" {
  serve
  local generation=1 round
  for round in {1..3}; do
    signals USR2
    kill -KILL "$(worker "$generation")"
    generation=$((generation + 1))
    wait_until state ready $generation
    wait_until executed $((2 * round - 1))
    signals USR2
    signals HUP
    generation=$((generation + 1))
    wait_until state ready $generation
    wait_until executed $((2 * round))
  done
}

@test "TERM that comes at that moment ends all" {
  local round
  for round in {1..10}; do
    : >"$RECORD"
    serve
    kill -USR2 "$SUPERVISOR" && kill -TERM "$SUPERVISOR"
    ended 0
    recorded 1 SIGTERM
  done
}

@test "a supervisor that is ending does not begin anew" {
  echo ignore | plan 1
  serve --kill-timeout 1h
  wait_until recorded 1 did ignore
  signals TERM
  wait_until grep -q '^# state=stopping' "$STATUS"
  run -4 timeout 30 "$REAL" --reexec
  assert_output --partial 'the supervisor was told to end'
  kill -KILL "$(worker 1)"
  ended 0
}

@test "a daemon goes on as it is: relative paths, the program for its log, its pid" {
  cd "$BATS_TEST_TMPDIR"
  mkdir run
  unset DEWY_ROOT
  dewy-serve --interval 1h --daemonize --dir "$ROOT" --pid-file run/a.pid --status-file run/a.status --path run/a.sock \
    --log-file "| exec cat >>'$LOG'" -- "${WORKER[@]}"
  SUPERVISOR=$(cat run/a.pid) STATUS=$PWD/run/a.status
  cp run/a.pid a.pid # ended by teardown
  wait_until state ready 1
  local cat before
  before=$(descriptors)
  wait_until pgrep -P "$SUPERVISOR" -x cat # which a shell becomes
  cat=$(pgrep -P "$SUPERVISOR" -x cat)
  install_copy
  reexec --pid-file run/a.pid --status-file run/a.status
  assert_equal "$(descriptors)" "$before"
  assert_equal "$(pgrep -P "$SUPERVISOR" -x cat)" "$cat"
  wait_until logged 'Program executed again'
  kill -KILL "$cat"
  wait_until logged 'What takes the log ended, and was started again'
  signals HUP
  wait_until state ready 2
  reexec --pid-file run/a.pid --status-file run/a.status
  signals TERM
  wait_until gone "$SUPERVISOR"
  [ ! -e run/a.pid ] && [ ! -e run/a.sock ]
}

@test "the log file is opened again on USR1, and the variables of the workers are kept when they cannot be read" {
  mkdir "$ROOT/env"
  echo one >"$ROOT/env/SAMPLE"
  serve --log-file "$LOG" --envdir "$ROOT/env"
  reexec
  mv "$LOG" "$LOG.1"
  signals USR1
  wait_until logged 'Log file opened again'
  mv "$ROOT/env" "$ROOT/elsewhere"
  signals HUP
  wait_until state ready 2
  assert_equal "$(setting 2 SAMPLE)" one
}

@test "systemd is told of it, and that the service is ready again" {
  cat >"$BATS_TEST_TMPDIR/systemd.py" <<'EOF2'
import socket, sys
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(sys.argv[1])
while True:
    with open(sys.argv[2], "a") as file:
        file.write(receiver.recv(4096).decode().replace("\n", " ") + "\n")
EOF2
  python3 "$BATS_TEST_TMPDIR/systemd.py" "$BATS_TEST_TMPDIR/notify" "$BATS_TEST_TMPDIR/told" 3>&- &
  echo $! >"$BATS_TEST_TMPDIR/systemd.pid"
  wait_until test -S "$BATS_TEST_TMPDIR/notify"
  printf 'say STATUS=loading\nawait go\n' | plan 1
  NOTIFY_SOCKET=$BATS_TEST_TMPDIR/notify launch
  wait_until recorded 1 did say
  reexec
  [ ! -s "$BATS_TEST_TMPDIR/told" ] # nothing serves yet
  touch "$PLAN/go"
  wait_until grep -qx 'READY=1 STATUS=Serving (generation 1)' "$BATS_TEST_TMPDIR/told"
  reexec
  wait_until eval '[ "$(wc -l <"$BATS_TEST_TMPDIR/told")" = 3 ]'
  run cat "$BATS_TEST_TMPDIR/told"
  assert_line --index 1 --regexp '^RELOADING=1 MONOTONIC_USEC=[0-9]+ STATUS=Executing the program again$'
  assert_line --index 2 'READY=1 STATUS=Serving (generation 1)'
}

@test "without a supervisor, and with one of another program, --reexec says so and ends nothing" {
  run -1 timeout 30 "$REAL" --reexec
  assert_output --partial 'no supervisor holds the pid file'
  echo silent | plan all
  local files=(--pid-file "$BATS_TEST_TMPDIR/perl.pid" --status-file "$BATS_TEST_TMPDIR/perl.status")
  start_server "${files[@]}" --interval=1 -- "${WORKER[@]}" 2>/dev/null 3>&- &
  wait_until test -s "$BATS_TEST_TMPDIR/perl.status"
  run -4 timeout 30 "$REAL" --reexec "${files[@]}"
  assert_output --partial 'cannot execute its program again'
  run ! gone "$(cat "$BATS_TEST_TMPDIR/perl.pid")"
}
