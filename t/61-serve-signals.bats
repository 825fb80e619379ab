#!/usr/bin/env bats
# dewy-serve: what signals, deaths and time do to the generations.
load common
load serve
load confine

prepare() {
  serve_prepare
}

@test "HUP starts a new generation, and the old one is told to end only when the new one is up" {
  printf 'pause 0.5\nawait go\n' | plan 2
  serve --require-ready --interval 50ms
  signals HUP
  wait_until recorded 2 did pause # ten times the interval
  state starting 2
  grep -q "^1:$(worker 1)\$" "$STATUS"
  run ! recorded 1 SIGTERM
  touch "$PLAN/go"
  wait_until state ready 2
  wait_until recorded 1 SIGTERM
  wait_until gone "$(worker 1)"
  wait_until alone
  run cat "$STATUS"
  assert_line --index 0 "2:$(worker 2)"
}

@test "a worker that has said something is not up before it says READY=1" {
  printf 'say STATUS=loading\npause 6\nawait go\n' | plan 2
  serve --interval 5s
  signals HUP
  wait_until recorded 2 did pause
  state starting 2
  touch "$PLAN/go"
  wait_until state ready 2
}

@test "a worker that says nothing is up when it has lived for --interval" {
  echo silent | plan all
  serve --interval 200ms
  signals HUP
  wait_until state ready 2
}

@test "READY=1 makes a worker count as up at once" {
  serve
  signals HUP
  wait_until state ready 2
}

@test "READY=1 may come with other lines, and from a child of the worker" {
  printf 'silent\nsay STATUS=fine\\nREADY=1\\nMAINPID=1\n' | plan 1
  printf 'silent\nchild-say READY=1\n' | plan 2
  serve
  signals HUP
  wait_until state ready 2
}

@test "READY=1 of a process that is no worker counts for nothing" {
  printf 'say STATUS=loading\nawait go\n' | plan 2
  serve
  signals HUP
  wait_until recorded 2 did say
  NOTIFY_SOCKET=$(setting 2 NOTIFY_SOCKET) python3 -c '
import os, socket
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])'
  signals USR1 # handled after the message: whatever it could do is done
  signals HUP
  wait_until logged 'A new worker follows'
  state starting 2
  touch "$PLAN/go"
  wait_until state ready 3
}

# followed COUNT: true when that many signals came during a start.
followed() {
  [ "$(grep -c 'A new worker follows' "$LOG")" = "$1" ]
}

# note_states: has the next supervisor watched for what it writes.
note_states() {
  may_trace
  UNDER=(strace -D -qq -e trace=write,pwrite64 -s 400 -o "$BATS_TEST_TMPDIR/written")
}

# states_since GENERATION: prints each state that it has written since the generation was started, as "WORD GENERATION".
states_since() {
  grep -o 'state=[a-z]* gen=[0-9]*' "$BATS_TEST_TMPDIR/written" | sed 's/state=//; s/gen=//' | uniq | sed -n "/^starting $1\$/,\$p"
}

@test "a generation that another one was asked for behind is not told as the outcome, whether it comes up or not" {
  printf 'say STATUS=loading\nawait go\n' | plan 2
  printf 'say STATUS=loading\nawait on\nexit 1\n' | plan 3
  note_states
  serve --require-ready
  signals HUP
  wait_until recorded 2 did say
  signals HUP
  wait_until logged 'A new worker follows'
  touch "$PLAN/go"
  wait_until recorded 3 did say
  signals HUP
  wait_until followed 2
  touch "$PLAN/on"
  wait_until state ready 4
  assert_equal "$(states_since 2)" $'starting 2\nstarting 3\nstarting 4\nready 4'
}

@test "a new generation that dies at once is discarded, and the old one serves on" {
  echo 'exit 3' | plan 2
  serve
  signals HUP
  wait_until state failed 2 'exit 3'
  grep -q "^1:$(worker 1)\$" "$STATUS"
  run ! recorded 1 SIGTERM
  run ! gone "$(worker 1)"
}

@test "a new generation that dies late, but before the interval is over, is discarded" {
  printf 'pause 0.5\nexit 4\n' | plan 2
  serve
  signals HUP
  wait_until state failed 2 'exit 4'
  run ! recorded 1 SIGTERM
}

@test "a new generation that a signal kills is discarded, and the reason says so" {
  printf 'await never\n' | plan 2
  serve
  signals HUP
  wait_until recorded 2 start '[0-9]*'
  kill -SEGV "$(worker 2)"
  wait_until state failed 2 'signal 11'
}

@test "a new generation that never becomes ready is killed, even when it ignores TERM" {
  printf 'ignore\nsay STATUS=loading\nsilent\n' | plan 2
  serve --ready-timeout 8s --kill-timeout 2s
  signals HUP
  wait_until state failed 2 'not ready in 8s'
  wait_until recorded 2 SIGTERM
  wait_until gone "$(worker 2)"
  run ! gone "$(worker 1)"
  run ! recorded 1 SIGTERM
}

@test "with --require-ready, a worker that says nothing is not ready" {
  echo silent | plan all
  launch --require-ready --interval 50ms --ready-timeout 1s
  wait_until failed_to_start 1
  logged 'generation="1" .*reason="not ready in 1s"'
}

@test "a generation that failed is not tried again by itself" {
  echo 'exit 1' | plan 2
  serve
  signals HUP
  wait_until state failed 2 'exit 1'
  kill -0 "$(worker 1)"
  signals HUP # the next one is the third, so none was between
  wait_until state ready 3
}

@test "a generation that comes up and dies before the old one is told to end counts as a failure to start, up to the last one" {
  printf 'silent\nsay READY=1\npause 0.2\nexit 1\n' | plan all
  : | plan 1
  serve --max-start-failures 2 --kill-old-delay 1m
  signals HUP
  wait_until state failed 3 'exit 1'
  run ! gone "$(worker 1)"
}

@test "a command that is gone is named as the reason, and the old generation serves on" {
  cp "${WORKER[0]}" "$ROOT/app"
  WORKER[0]=./app
  serve
  rm "$ROOT/app"
  signals HUP
  wait_until state failed 2 'cannot execute ./app: No such file or directory'
  run ! gone "$(worker 1)"
}

@test "HUPs during a start make one more start after it" {
  printf 'say STATUS=loading\nawait go\n' | plan 2
  serve --log-file "$LOG"
  signals HUP
  wait_until recorded 2 did say
  for _ in 1 2 3 4 5; do
    signals HUP
    wait_until eval '[ "$(grep -c "Received HUP" "$LOG")" -ge 2 ]'
  done
  signals USR1
  wait_until logged 'Log file opened again' # and the last HUP was taken before
  touch "$PLAN/go"
  wait_until state ready 3
  signals TERM
  ended 0
  assert_equal "$(grep -c ' start ' "$RECORD")" 3
}

@test "a storm of HUPs ends with one generation that serves" {
  serve --log-file "$LOG"
  for _ in {1..200}; do
    signals HUP
  done
  signals USR1
  wait_until logged 'Log file opened again' # and the last HUP was taken before
  settled() {
    alone && [ "$(grep -c ' start ' "$RECORD")" -eq "$(sed -n 's/^# state=ready gen=//p' "$STATUS")" ]
  }
  wait_until settled
  pid=$(sed -n 's/^[0-9]*://p' "$STATUS")
  run ! gone "$pid"
  signals TERM
  ended 0
  wait_until gone "$pid"
}

@test "a HUP that fails while another one waits is followed by that one" {
  printf 'say STATUS=loading\nawait go\nexit 1\n' | plan 2
  serve
  signals HUP
  wait_until recorded 2 did say
  signals HUP
  wait_until logged 'A new worker follows'
  touch "$PLAN/go"
  wait_until state ready 3
}

@test "a worker that dies is started again" {
  serve
  kill -KILL "$(worker 1)"
  wait_until state ready 2
  logged 'Worker died unexpectedly, restarting generation="1" pid="'"$(worker 1)"'" reason="signal 9"'
  grep -q "^2:$(worker 2)\$" "$STATUS"
  grep -qx '# died=1 reason=signal 9' "$STATUS"
}

@test "a worker that dies and is started again at once is never told as failed" {
  printf 'silent\nsay READY=1\nawait die\nexit 1\n' | plan 2
  printf 'ignore\n' | plan 1
  note_states
  serve --kill-timeout 10m
  dewy-serve --restart --kill-timeout 10m 2>"$BATS_TEST_TMPDIR/restart" 3>&- &
  local restart=$!
  wait_until state ready 2
  touch "$PLAN/die"
  wait_until state ready 3
  kill -KILL "$(worker 1)"
  wait "$restart"
  assert_equal "$(states_since 2)" $'starting 2\nready 2\nstarting 2\nstarting 3\nready 3'
  grep -q Restarted "$BATS_TEST_TMPDIR/restart"
}

@test "what the status file says of a worker that died is about that one, and not about a later one that was discarded" {
  printf 'exit 1\n' | plan 3
  printf 'exit 1\n' | plan 4
  serve
  signals HUP
  wait_until state ready 2
  signals HUP
  wait_until state failed 3 'exit 1'
  kill -KILL "$(worker 2)"
  wait_until failed_to_start 4
  wait_until state ready 5
  grep -qx '# died=2 reason=signal 9' "$STATUS"
}

@test "the old worker dies while the new one starts: the new one takes its place" {
  printf 'say STATUS=loading\nawait go\n' | plan 2
  serve
  signals HUP
  wait_until recorded 2 did say
  kill -KILL "$(worker 1)"
  wait_until logged 'Worker died unexpectedly'
  touch "$PLAN/go"
  wait_until state ready 2
  assert_equal "$(grep -c ' start ' "$RECORD")" 2
}

@test "the old worker dies while the new one starts and fails: it is tried again" {
  printf 'say STATUS=loading\nawait go\nexit 1\n' | plan 2
  serve
  signals HUP
  wait_until recorded 2 did say
  kill -KILL "$(worker 1)"
  touch "$PLAN/go"
  wait_until state ready 3
}

@test "the first generation is tried until it comes up" {
  echo 'exit 1' | plan all
  launch
  wait_until failed_to_start 2
  rm "$PLAN/all"
  wait_until grep -q '^# state=ready' "$STATUS"
}

@test "with --max-start-failures, a new generation is tried that often while the old one serves" {
  echo 'exit 3' | plan 2
  printf 'say STATUS=loading\nawait go\nexit 5\n' | plan 3
  serve --max-start-failures 2
  signals HUP
  wait_until failed_to_start 2
  grep -q "^1:$(worker 1)\$" "$STATUS"
  wait_until recorded 3 did say # by itself
  run ! grep -q '^# state=failed' "$STATUS"
  touch "$PLAN/go"
  wait_until state failed 3 'exit 5'
  run ! gone "$(worker 1)"
  run ! recorded 1 SIGTERM
  signals HUP # the next one is the fourth, so none was between
  wait_until state ready 4
}

@test "with --max-start-failures, a generation that comes up at the second try serves" {
  echo 'exit 3' | plan 2
  serve --max-start-failures 5
  signals HUP
  wait_until state ready 3
  wait_until recorded 1 SIGTERM
  echo 'exit 3' | plan 4
  run -0 timeout 60 dewy-serve --restart --max-start-failures 5
  state ready 5
}

@test "HUP during the pause before another try starts at once, and counts afresh" {
  echo 'exit 3' | plan all
  serve_first() { printf 'say READY=1\n' | plan 1; serve "$@"; }
  serve_first --max-start-failures 3
  signals HUP
  wait_until failed_to_start 3 # what follows is a pause of 2 s
  signals HUP
  wait_until state failed 6 'exit 3' # and not 4, which was the third one in a row
  run ! gone "$(worker 1)"
}

@test "the old worker dies in the pause before another try: the try is made at once" {
  printf 'exit 3\n' | plan 2
  printf 'exit 3\n' | plan 3
  printf 'exit 3\n' | plan 4
  serve --max-start-failures 9
  signals HUP
  wait_until failed_to_start 4 # what follows is a pause of 4 s
  kill -KILL "$(worker 1)"
  wait_until state ready 5
  local died started
  died=$(sed -nE 's/^(\S+)Z WARN: Worker died unexpectedly.*/\1/p' "$LOG")
  started=$(sed -nE 's/^(\S+)Z INFO: Starting new worker generation="5".*/\1/p' "$LOG")
  [ $(($(date -d "$started" +%s) - $(date -d "$died" +%s))) -le 2 ]
}

@test "TERM in the pause before another try ends all" {
  echo 'exit 3' | plan 2
  serve --max-start-failures 9
  signals HUP
  wait_until failed_to_start 2
  signals TERM
  ended 0
  recorded 1 SIGTERM
}

@test "with --give-up and --max-start-failures, the first generation is tried that often" {
  echo 'exit 7' | plan all
  launch --give-up --max-start-failures 2
  ended 4
  state failed 2 'exit 7'
  assert_equal "$(grep -c ' start ' "$RECORD")" 2
}

@test "with --give-up, the first generation that does not come up is the end" {
  echo 'exit 7' | plan 1
  launch --give-up
  ended 4
  state failed 1 'exit 7'
  [ ! -e "$PID_FILE" ]
}

@test "with --give-up, a command that cannot be executed is the end" {
  WORKER=(./missing)
  launch --give-up
  ended 4
  grep -q 'reason=cannot execute ./missing: No such file or directory' "$STATUS"
}

@test "with --give-up, a first generation that is not ready is killed before the end" {
  printf 'ignore\nsay STATUS=loading\nsilent\n' | plan 1
  launch --give-up --ready-timeout 3s --kill-timeout 300ms
  ended 4
  state failed 1 'not ready in 3s'
  gone "$(worker 1)"
}

@test "with --give-up, a generation that fails later is not the end" {
  echo 'exit 7' | plan 2
  serve --give-up
  signals HUP
  wait_until state failed 2 'exit 7'
  kill -KILL "$(worker 1)"
  wait_until state ready 3
}

@test "TERM ends workers that die quickly in a pause between two starts" {
  echo 'exit 1' | plan all
  launch
  wait_until failed_to_start 1
  signals TERM
  ended 0
}

@test "TERM is passed on as --signal-on-term says, and ends all" {
  serve --signal-on-term sigusr1
  signals TERM
  ended 0
  recorded 1 SIGUSR1
  [ ! -e "$PID_FILE" ]
  [ ! -e "$STATUS" ]
}

@test "INT and QUIT send TERM to the workers" {
  serve --signal-on-term QUIT
  signals INT
  ended 0
  recorded 1 SIGTERM
  : >"$RECORD"
  serve --signal-on-term QUIT
  signals QUIT
  ended 0
  recorded 1 SIGTERM
}

@test "TERM during a start ends both the new worker and the old one" {
  printf 'say STATUS=loading\nawait never\n' | plan 2
  serve
  signals HUP
  wait_until recorded 2 did say
  signals TERM
  ended 0
  recorded 1 SIGTERM
  recorded 2 SIGTERM
}

@test "a worker that ignores TERM is killed with its children after --kill-timeout" {
  printf 'ignore\nfork\n' | plan 1
  serve --kill-timeout 5s
  wait_until recorded 1 did fork
  child=$(awk '$2 == "child" { print $3 }' "$RECORD")
  signals TERM
  wait_until grep -q '^# state=stopping gen=1$' "$STATUS"
  ended 0
  recorded 1 SIGTERM
  wait_until gone "$child"
}

@test "an old worker that ignores TERM is killed after --kill-timeout" {
  echo ignore | plan 1
  serve --kill-timeout 1s
  wait_until recorded 1 did ignore
  signals HUP
  wait_until gone "$(worker 1)"
  logged 'Worker does not end, sending KILL'
}

@test "an old worker that has not ended yet is known, and is told to end once" {
  echo ignore | plan 1
  serve --kill-timeout 1h
  wait_until recorded 1 did ignore
  signals HUP
  wait_until state ready 2
  grep -q "^1:$(worker 1)\$" "$STATUS"
  wait_until recorded 1 SIGTERM
  signals HUP
  wait_until state ready 3
  kill -KILL "$(worker 1)"
  wait_until gone "$(worker 1)"
  assert_equal "$(grep -c '^1 SIGTERM' "$RECORD")" 1
  gone_from_status() { ! grep -q '^1:' "$STATUS"; }
  wait_until gone_from_status
}

@test "--signal-on-hup is what the old worker gets" {
  serve --signal-on-hup quit
  signals HUP
  wait_until recorded 1 SIGQUIT
  run ! recorded 1 SIGTERM
}

@test "--kill-old-delay lets both serve, and then ends the old one" {
  serve --kill-old-delay 3s # of which the seconds in the log may show one less
  signals HUP
  wait_until state ready 2
  wait_until recorded 1 SIGTERM
  local up told
  up=$(sed -nE 's/^(\S+)Z INFO: Waiting before the old worker is told to end.*/\1/p' "$LOG")
  told=$(sed -nE 's/^(\S+)Z INFO: Telling old workers to end.*/\1/p' "$LOG")
  [ $(($(date -d "$told" +%s) - $(date -d "$up" +%s))) -ge 2 ]
}

@test "a new worker that dies during --kill-old-delay is discarded, and the old one stays" {
  printf 'say READY=1\nawait die\nexit 5\n' | plan 2
  serve --kill-old-delay 1h
  signals HUP
  wait_until grep -q '^2:' "$STATUS"
  touch "$PLAN/die"
  wait_until state failed 2 'exit 5'
  run ! recorded 1 SIGTERM
  run ! gone "$(worker 1)"
}

@test "an old worker that dies during --kill-old-delay ends the delay" {
  serve --kill-old-delay 1h
  signals HUP
  wait_until grep -q '^2:' "$STATUS"
  grep -q '^1:' "$STATUS"
  state starting 2
  kill -KILL "$(worker 1)"
  wait_until state ready 2
}

@test "--enable-auto-restart starts a generation now and then" {
  serve --enable-auto-restart --auto-restart-interval 1 --kill-old-delay 0
  wait_until logged 'New worker is now running generation="3"' # the status file says so for a second
  logged 'Autorestart triggered'
}

@test "files in --envdir switch the automatic restart on, as with start_server" {
  mkdir "$ROOT/env"
  serve --envdir "$ROOT/env"
  echo 1 >"$ROOT/env/ENABLE_AUTO_RESTART"
  echo 1 >"$ROOT/env/AUTO_RESTART_INTERVAL"
  echo 0 >"$ROOT/env/KILL_OLD_DELAY"
  signals HUP
  wait_until logged 'New worker is now running generation="4"'
}

@test "HUP is heard even when the supervisor was started with HUP ignored" {
  (
    trap '' HUP
    exec dewy-serve -- "${WORKER[@]}" 2>"$LOG" 3>&-
  ) &
  SUPERVISOR=$!
  wait_until state ready 1
  signals HUP
  wait_until state ready 2
  wait_until recorded 1 SIGTERM
}

# listen_as_systemd: what is sent to $BATS_TEST_TMPDIR/notify becomes lines of the file $told.
listen_as_systemd() {
  told=$BATS_TEST_TMPDIR/told
  cat >"$BATS_TEST_TMPDIR/systemd.py" <<'EOF'
import os, socket, sys
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(sys.argv[1])
while True:
    message = receiver.recv(4096).decode()
    with open(sys.argv[2], "a") as file:
        file.write(message.replace("\n", " ") + "\n")
EOF
  python3 "$BATS_TEST_TMPDIR/systemd.py" "$BATS_TEST_TMPDIR/notify" "$told" 3>&- &
  echo $! >"$BATS_TEST_TMPDIR/systemd.pid"
  wait_until test -S "$BATS_TEST_TMPDIR/notify"
}

@test "the supervisor tells systemd when it serves, reloads and ends" {
  listen_as_systemd
  echo 'exit 1' | plan 3
  NOTIFY_SOCKET=$BATS_TEST_TMPDIR/notify WATCHDOG_USEC=1 serve
  wait_until grep -qx 'READY=1 STATUS=Serving (generation 1)' "$told"
  run setting 1 NOTIFY_SOCKET
  refute_output "$BATS_TEST_TMPDIR/notify"
  assert_equal "$(setting 1 WATCHDOG_USEC)" ''
  signals HUP
  wait_until grep -q '^RELOADING=1 MONOTONIC_USEC=[0-9][0-9]* STATUS=' "$told"
  wait_until grep -qx 'READY=1 STATUS=Serving (generation 2)' "$told"
  signals HUP
  wait_until grep -qx 'READY=1 STATUS=Serving (generation 2); generation 3 failed to start: exit 1' "$told"
  signals TERM
  ended 0
  wait_until grep -q '^STOPPING=1 STATUS=.* EXTEND_TIMEOUT_USEC=15000000$' "$told"
}

@test "systemd is told that the first generation serves, also when another one was asked for behind it" {
  listen_as_systemd
  printf 'say STATUS=loading\nawait one\n' | plan 1
  printf 'say STATUS=loading\nawait two\n' | plan 2
  NOTIFY_SOCKET=$BATS_TEST_TMPDIR/notify launch
  wait_until recorded 1 did say
  signals HUP
  wait_until followed 1
  touch "$PLAN/one"
  wait_until grep -q '^RELOADING=1' "$told"
  touch "$PLAN/two"
  wait_until grep -qx 'READY=1 STATUS=Serving (generation 2)' "$told"
  assert_equal "$(sed 's/ MONOTONIC.*//' "$told")" \
    $'READY=1 STATUS=Serving (generation 1)\nRELOADING=1\nREADY=1 STATUS=Serving (generation 2)'
}

@test "systemd is told how each start ended, also when HUPs follow one another and all of them fail" {
  listen_as_systemd
  printf 'say STATUS=loading\nawait two\nexit 1\n' | plan 2
  printf 'say STATUS=loading\nawait three\nexit 1\n' | plan 3
  NOTIFY_SOCKET=$BATS_TEST_TMPDIR/notify serve --max-start-failures 2
  signals HUP
  wait_until recorded 2 did say
  signals HUP
  wait_until followed 1
  touch "$PLAN/two"
  wait_until recorded 3 did say
  assert_equal "$(sed 's/ MONOTONIC.*//' "$told" | tail -n 3)" $'RELOADING=1\nREADY=1 STATUS=Serving (generation 1)\nRELOADING=1'
}

@test "with --give-up, a HUP during the first start is followed by another start" {
  printf 'say STATUS=loading\nawait go\nexit 1\n' | plan 1
  launch --give-up
  wait_until recorded 1 did say
  signals HUP
  wait_until followed 1
  touch "$PLAN/go"
  wait_until state ready 2
}

@test "systemd is told that the supervisor is up, and that nothing serves, when the first generation fails" {
  listen_as_systemd
  echo 'exit 1' | plan 1
  NOTIFY_SOCKET=$BATS_TEST_TMPDIR/notify launch
  wait_until grep -qx 'READY=1 STATUS=Nothing serves: generation 1 failed to start (exit 1) and is tried again' "$told"
  wait_until grep -qx 'READY=1 STATUS=Serving (generation 2)' "$told"
}

@test "the end of a worker is noticed at once, also when it comes while a signal is taken" {
  local round
  for round in $(seq 25); do
    dewy-serve --interval 0 -- sleep 1000 2>>"$LOG" 3>&- &
    SUPERVISOR=$!
    wait_until state ready 1
    kill -TERM $SUPERVISOR
    wait_until gone $SUPERVISOR
  done
}
