#!/usr/bin/env bats
# dewy-serve: what goes wrong around it, and what it is in a container.
load common
load serve
load confine

prepare() {
  serve_prepare
  PORT=$(free_port)
}

# in_private_pids COMMAND...: runs it as process 1 of its own.
in_private_pids() {
  if [ "$(id -u)" = 0 ]; then exec unshare -fp --mount-proc "$@"; else exec unshare -Urfp --mount-proc "$@"; fi
}

# children PID: prints the pids of its children, zombies included.
children() {
  cat "/proc/$1/task/$1/children"
}

@test "of five supervisors that are started at once, one serves, and the others name it" {
  local pids=() status holder
  for _ in 1 2 3 4 5; do
    launch --port "127.0.0.1:$PORT"
    pids+=("$SUPERVISOR")
  done
  wait_until alone
  holder=$(cat "$PID_FILE")
  for SUPERVISOR in "${pids[@]}"; do
    [ "$SUPERVISOR" = "$holder" ] || ended 6
  done
  assert_equal "$(grep -c "another supervisor (pid $holder) holds the pid file" "$LOG")" 4
  assert_equal "$(grep -c ' start ' "$RECORD")" 1
}

@test "the pid that a killed supervisor left behind is nobody's while the next one begins" {
  local innocent
  sleep 600 3>&- &
  innocent=$!
  echo $innocent >"$BATS_TEST_TMPDIR/innocent.pid" # ended by teardown
  mkdir -p "$ROOT/.dewy"
  echo $innocent >"$PID_FILE"
  touch -d '1 hour ago' "$PID_FILE"
  may_trace
  UNDER=(strace -D -qq -o "$BATS_TEST_TMPDIR/calls" -e trace=bind,listen -e inject=listen:delay_enter=3s:when=1)
  launch --port "127.0.0.1:$PORT"
  wait_until grep -q bind "$BATS_TEST_TMPDIR/calls"
  dewy-serve --stop
  wait_until gone "$SUPERVISOR"
  run ! gone $innocent
}

@test "a storm of HUPs while no new generation comes up leaves the old one alone" {
  serve
  echo 'exit 1' | plan all
  for _ in {1..100}; do
    signals HUP
  done
  wait_until logged 'New worker failed to start'
  signals HUP # and what it starts is the last one
  wait_until grep -q '^# state=failed' "$STATUS"
  grep -q "^1:$(worker 1)\$" "$STATUS"
  run ! recorded 1 SIGTERM
  rm "$PLAN/all"
  signals HUP
  wait_until alone
  run ! grep -q '^1:' "$STATUS"
}

@test "workers that die all the time and HUPs in between: it ends with one that serves" {
  serve
  local round
  for round in {1..6}; do
    kill -KILL $(sed -n 's/^[0-9]*://p' "$STATUS") || true # the list may be one of a moment ago
    signals HUP
    wait_until alone
  done
  signals TERM
  ended 0
  local pid
  for pid in $(awk '$2 == "start" { print $3 }' "$RECORD"); do
    wait_until gone "$pid"
  done
}

@test "both workers die while both serve: another one is started" {
  serve --kill-old-delay 1h
  signals HUP
  wait_until grep -q '^2:' "$STATUS"
  kill -KILL "$(worker 1)" "$(worker 2)"
  wait_until state ready 3
}

@test "both workers die during a start: another one is started" {
  printf 'say STATUS=loading\nawait never\n' | plan 2
  serve
  signals HUP
  wait_until recorded 2 did say
  kill -KILL "$(worker 1)" "$(worker 2)"
  wait_until state ready 3
}

@test "a worker that is stopped is killed like one that ignores TERM" {
  serve --kill-timeout 500ms
  kill -STOP "$(worker 1)"
  signals HUP
  wait_until state ready 2
  wait_until gone "$(worker 1)"
  kill -STOP "$(worker 2)"
  signals TERM
  ended 0
  gone "$(worker 2)"
}

# leaves_child: generation 1 leaves a child that ignores TERM in its process group; child prints its pid.
leaves_child() {
  echo fork | plan 1
  serve --port "127.0.0.1:$PORT" "$@"
  wait_until recorded 1 did fork
}

child() {
  awk '$2 == "child" { print $3 }' "$RECORD"
}

@test "children that an old worker leaves behind are killed when its time has come" {
  leaves_child --kill-timeout 1s
  signals HUP
  wait_until state ready 2
  wait_until gone "$(worker 1)"
  wait_until gone "$(child)"
  wait_until logged "What a worker left behind does not end, sending KILL group=\"$(worker 1)\""
  run ! gone "$(worker 2)"
}

@test "children that the last worker leaves behind are killed before the supervisor ends" {
  leaves_child --kill-timeout 1s
  signals TERM
  ended 0
  gone "$(worker 1)"
  gone "$(child)"
}

@test "children of a worker that dies are killed when they do not end" {
  leaves_child --kill-timeout 1s
  kill -KILL "$(worker 1)"
  wait_until gone "$(child)"
  wait_until state ready 2
}

@test "children that a worker leaves behind are told to end by the signal that it was told by, and then keep nothing waiting" {
  WORKER=(sh -c 'sh -c "trap \"echo told >>$1; exit\" USR1; trap \"\" TERM; echo child >>$1; while :; do sleep 0.05; done" &
    trap exit USR1; while :; do sleep 0.05; done' - "$RECORD")
  serve --interval 1s --kill-timeout 1h --signal-on-term USR1
  wait_until grep -qx child "$RECORD"
  signals TERM
  ended 0
  grep -qx told "$RECORD"
}

@test "children that an orphan leaves behind are killed before the next supervisor serves" {
  leaves_child --kill-timeout 1s
  local first
  first=$(worker 1)
  signals KILL
  wait_until gone "$SUPERVISOR"
  rm "$PLAN/1"
  launch --port "127.0.0.1:$PORT" --kill-timeout 1s
  wait_until grep -qx "$SUPERVISOR" "$PID_FILE"
  gone "$first"
  gone "$(child)"
  wait_until state ready 1
}

@test "a command that cannot be executed in time, as on a disk that hangs, is a failed start, and holds up nobody for longer" {
  cp "${WORKER[0]}" "$ROOT/app"
  WORKER[0]=$ROOT/app
  serve
  strace -f -p "$SUPERVISOR" -P "$ROOT/app" -e trace=execve -e inject=execve:delay_enter=60s 2>"$BATS_TEST_TMPDIR/strace" 3>&- &
  local tracer=$!
  wait_until grep -q attached "$BATS_TEST_TMPDIR/strace"
  signals HUP
  wait_until state failed 2 "cannot execute $ROOT/app in 10s"
  run ! gone "$(worker 1)"
  kill "$tracer"
  wait "$tracer" || true
  no_children_but_one() { [ "$(children "$SUPERVISOR" | wc -w)" -eq 1 ]; }
  wait_until no_children_but_one
  signals HUP
  wait_until state ready 3
}

# flood: sends to NOTIFY_SOCKET as fast as it can from eight processes, until $BATS_TEST_TMPDIR/enough is there, for 30 s at most.
flood() {
  NOTIFY_SOCKET=$(setting 1 NOTIFY_SOCKET) timeout 30 python3 - "$BATS_TEST_TMPDIR/enough" <<'EOF2' 3>&- &
import os, socket, sys
for _ in range(3):
    os.fork()
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
    sender.connect(os.environ["NOTIFY_SOCKET"])
    while not os.path.exists(sys.argv[1]):
        for _ in range(10000):
            sender.send(b"READY=1")
EOF2
}

@test "whoever floods NOTIFY_SOCKET keeps the supervisor from nothing" {
  export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 # which cannot be traced
  serve
  flood
  local flooded=$!
  strace -p "$SUPERVISOR" -o "$BATS_TEST_TMPDIR/messages" -e trace=recvmsg -e inject=recvmsg:delay_exit=1ms 3>&- & # always behind
  busy() { [ "$(grep -c 'READY=1' "$BATS_TEST_TMPDIR/messages")" -gt 200 ]; }
  wait_until busy
  signals HUP
  wait_until state ready 2
  kill -KILL "$(worker 2)"
  wait_until state ready 3
  signals TERM
  ended 0
  touch "$BATS_TEST_TMPDIR/enough"
  wait "$flooded" || true # nobody listens any more
}

@test "the worker dies while all end, and INT and TERM come again: it ends once" {
  echo ignore | plan 1
  serve --kill-timeout 1h
  wait_until recorded 1 did ignore
  signals TERM
  wait_until recorded 1 SIGTERM
  signals INT
  signals HUP
  signals TERM
  kill -KILL "$(worker 1)"
  ended 0
  assert_equal "$(grep -c '^1 SIGTERM' "$RECORD")" 1
  assert_equal "$(grep -c ' start ' "$RECORD")" 1
}

@test "a supervisor that is killed again and again: the next one takes over each time" {
  local round orphan
  serve --port "127.0.0.1:$PORT"
  for round in 1 2 3; do
    orphan=$(sed -n '1s/^1://p' "$STATUS")
    signals KILL
    wait_until gone "$SUPERVISOR"
    launch --port "127.0.0.1:$PORT"
    wait_until grep -qx "$SUPERVISOR" "$PID_FILE"
    wait_until state ready 1
    gone "$orphan"
  done
}

@test "all orphans are told to end before any is waited for" {
  echo ignore | plan all
  serve --kill-timeout 1h --kill-old-delay 1h
  signals HUP
  wait_until grep -q '^2:' "$STATUS"
  local first second
  first=$(worker 1) second=$(worker 2)
  signals KILL
  wait_until gone "$SUPERVISOR"
  rm "$PLAN/all"
  launch --kill-timeout 1h # of which 10 s count here
  wait_until recorded 2 SIGTERM
  run ! gone "$first" # and so is waited for
  kill -KILL "$first" "$second"
  wait_until grep -qx "$SUPERVISOR" "$PID_FILE"
  wait_until state ready 1
}

@test "as process 1 of a container it reaps the orphans of others, also as a new program, and ends on TERM" {
  (in_private_pids true) 2>/dev/null || skip "no private process numbers here"
  cat >"$BATS_TEST_TMPDIR/parent" <<'EOF2'
#!/bin/sh
# Leaves ten orphans that end at once, and one more for each USR1.
orphan() { (setsid sh -c 'sleep 0.1' &) }
trap orphan USR1
: >"$0.began"
for _ in 1 2 3 4 5 6 7 8 9 10; do orphan; done
while :; do sleep 0.05; done
EOF2
  chmod 755 "$BATS_TEST_TMPDIR/parent"
  (in_private_pids dewy-serve --interval 300ms -- "$BATS_TEST_TMPDIR/parent" 2>>"$LOG" 3>&-) &
  local unshare=$! init
  wait_until state ready 1
  wait_until grep -qx 1 "$PID_FILE"
  init=$(pgrep -n -P "$unshare" dewy-serve || pgrep -n -P "$(pgrep -P "$unshare")" dewy-serve)
  only_worker() { [ "$(children "$init" | wc -w)" -eq 1 ]; }
  wait_until test -e "$BATS_TEST_TMPDIR/parent.began"
  wait_until only_worker
  kill -USR2 "$init"
  wait_until grep -q '^# program=.* executed=1$' "$STATUS"
  wait_until only_worker
  kill -USR1 "$(children "$init")"
  wait_until only_worker
  kill -HUP "$init"
  wait_until state ready 2
  wait_until only_worker
  kill -TERM "$init"
  wait_until gone "$init"
  wait "$unshare"
  [ ! -e "$PID_FILE" ]
}
