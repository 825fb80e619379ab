#!/usr/bin/env bats
# dewy-serve: what the supervisor and its workers print reaches the file or the program of --log-file, whatever happens to it.
load common
load serve

prepare() {
  serve_prepare
  FILE=$ROOT/app.log
  WORDS=$BATS_TEST_TMPDIR/words
  mkfifo "$WORDS"
  # A worker that prints what is written to $WORDS.
  cat >"$BATS_TEST_TMPDIR/echoing" <<EOF
#!/bin/sh
echo "generation \$SERVER_STARTER_GENERATION of \$\$"
exec cat <>"$WORDS"
EOF
  chmod 755 "$BATS_TEST_TMPDIR/echoing"
  WORKER=("$BATS_TEST_TMPDIR/echoing")
}

cleanup() {
  if [ -n "$SUPERVISOR" ]; then stop_pid "$SUPERVISOR"; fi
  if [ -n "$ORPHAN" ]; then stop_pid "$ORPHAN"; fi
}

# tell TEXT: makes the worker print it as a line.
tell() {
  printf '%s\n' "$1" >"$WORDS"
}

written() {
  grep -qx -- "$1" "${2:-$FILE}"
}

# copier: prints the pid of the process that writes the file.
copier() {
  local pid
  for pid in $(ps -o pid= --ppid "$SUPERVISOR"); do
    [ "$(cat "/proc/$pid/comm")" != dewy-serve-log ] || echo "$pid"
  done
}

# sleeps PID: true when it waits for something to happen.
sleeps() {
  grep -q ') S ' "/proc/$1/stat"
}

# unread PIPE...: prints how many bytes nobody has read yet.
unread() {
  python3 -c 'import fcntl, os, struct, sys, termios
for name in sys.argv[1:]:
    fd = os.open(name, os.O_RDONLY | os.O_NONBLOCK)
    print(struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, b"\0" * 4))[0])' "$@"
}

# taken: true when all that was told has been printed by the worker, and is written or lost.
taken() {
  sleeps "$ORPHAN" && sleeps "$(copier)" && [ "$(unread "$WORDS" "/proc/$ORPHAN/fd/1")" = $'0\n0' ] &&
    sleeps "$ORPHAN" && sleeps "$(copier)"
}

logging() {
  serve --interval 100ms --log-file "$FILE" "$@"
  wait_until written 'generation 1 of [0-9]*'
  ORPHAN=$(sed -n 's/^generation 1 of //p' "$FILE")
}

@test "a worker that runs on writes into the new file after USR1, and nothing more into the renamed one" {
  logging
  tell one
  wait_until written one
  mv "$FILE" "$FILE.1"
  signals USR1
  wait_until grep -q 'Log file opened again' "$FILE"
  cp "$FILE.1" "$BATS_TEST_TMPDIR/before"
  tell two
  wait_until written two
  cmp "$FILE.1" "$BATS_TEST_TMPDIR/before"
  state ready 1
}

@test "logrotate with the example of the manual loses no line" {
  local manual
  manual=$(cd "$BATS_TEST_DIRNAME/.." && pwd)/share/man/man1/dewy-serve.1
  awk '/^\/opt\/app\/.dewy\/serve.log \{/ { inside = 1 } inside { print } inside && /^\}/ { exit }' "$manual" | sed 's/\\e/\\/g' \
    >"$BATS_TEST_TMPDIR/logrotate.conf"
  grep -q postrotate "$BATS_TEST_TMPDIR/logrotate.conf"
  sed -i "s,/opt/app,$ROOT," "$BATS_TEST_TMPDIR/logrotate.conf"
  FILE=$ROOT/.dewy/serve.log
  dewy-serve --daemonize --interval 100ms -- "${WORKER[@]}"
  SUPERVISOR=$(cat "$PID_FILE")
  wait_until state ready 1
  local number
  for number in 1 2 3; do
    tell "line $number"
    wait_until written "line $number"
    logrotate --force --state "$BATS_TEST_TMPDIR/logrotate.state" "$BATS_TEST_TMPDIR/logrotate.conf"
    wait_until grep -q 'Log file opened again' "$FILE"
  done
  tell 'line 4'
  wait_until written 'line 4'
  assert_equal "$(cat "$FILE" "$FILE".[0-9] <(zcat "$FILE".*.gz) | grep -x 'line [0-9]' | sort)" $'line 1\nline 2\nline 3\nline 4'
}

@test "the process that writes the file has nothing else open, and ends only with the last that writes to it" {
  logging --port "127.0.0.1:$(free_port)"
  local pid fd
  pid=$(copier)
  for fd in /proc/"$pid"/fd/*; do
    case $(readlink "$fd") in
    pipe:* | anon_inode:\[signalfd\] | "$(realpath "$FILE")") ;;
    *) fail "$(readlink "$fd")" ;;
    esac
  done
  kill -TERM "$pid"
  kill -INT "$pid"
  kill -HUP "$pid"
  tell still
  wait_until written still
  kill -KILL "$SUPERVISOR"
  wait_until gone "$SUPERVISOR"
  tell 'after the supervisor'
  wait_until written 'after the supervisor'
  flock --nonblock "$PID_FILE" true
  run ! gone "$pid"
  kill "$ORPHAN"
  wait_until gone "$pid"
}

@test "the process that writes the file is started again, and what was printed meanwhile is there" {
  logging
  local pid other
  pid=$(copier)
  kill -STOP "$pid" # so that nobody reads
  tell 'to a stopped one'
  kill -KILL "$pid"
  wait_until written 'to a stopped one'
  other=$(copier)
  [ "$other" != "$pid" ]
  wait_until grep -q 'What takes the log ended, and was started again' "$FILE"
  tell 'to another one'
  wait_until written 'to another one'
  state ready 1
}

@test "a pipe that is full holds the supervisor up for seconds at most" {
  WORKER=(sh -c 'trap "" TERM; while :; do echo a line that fills the pipe; done')
  serve --interval 100ms --kill-timeout 1s --log-file "| read -r line; echo \$\$ >'$ROOT/taker.new'; mv '$ROOT/taker.new' '$ROOT/taker'; exec sleep 1000"
  wait_until test -s "$ROOT/taker"
  local full=$((SECONDS + 60))
  signals TERM
  ended 0
  [ $SECONDS -lt $full ]
  kill "$(cat "$ROOT/taker")"
}

@test "a file that may not grow loses lines, says how many once it can be written, and holds up nobody" {
  (ulimit -f 4; exec dewy-serve --interval 100ms --log-file "$FILE" -- "${WORKER[@]}") 2>>"$LOG" 3>&- &
  SUPERVISOR=$!
  wait_until state ready 1
  ORPHAN=$(sed -n 's/^1://p' "$STATUS")
  yes 'one of many lines' | head -n 5000 >"$WORDS" || true
  tell 'the last of them'
  full() { [ "$(stat -c %s "$FILE")" -eq 4096 ]; }
  wait_until full
  wait_until taken
  state ready 1
  mv "$FILE" "$FILE.1"
  signals USR1
  wait_until grep -q 'Log file opened again' "$FILE"
  tell 'after it'
  wait_until written 'after it'
  local lost whole
  lost=$(sed -nE 's/.*Output was lost.* lines="([0-9]+)" bytes="([0-9]+)" error="File too large"/\1/p' "$FILE")
  [ "$(grep -c 'Output was lost' "$FILE")" -eq 1 ]
  # The file may end in the middle of a line, or just before the end of one: that line is among the lost ones.
  whole=$({ cat "$FILE.1"; echo '(torn)'; cat "$FILE"; } | grep -cx -e 'one of many lines' -e 'the last of them')
  assert_equal $((whole + lost)) 5001
  run ! gone "$ORPHAN"
}

@test "a full disk loses lines, says how many once there is room, and holds up nobody" {
  need_private_mounts
  mkdir "$ROOT/disk"
  in_private_mounts sh -c 'mount -t tmpfs -o size=16k tmpfs "$0" && exec "$@"' "$ROOT/disk" \
    dewy-serve --interval 100ms --log-file "$ROOT/disk/app.log" -- "${WORKER[@]}" 2>>"$LOG" 3>&- &
  wait_until state ready 1
  SUPERVISOR=$(cat "$PID_FILE")
  ORPHAN=$(sed -n 's/^1://p' "$STATUS")
  local disk=/proc/$SUPERVISOR/root$ROOT/disk
  yes 'one of many lines' | head -n 5000 >"$WORDS"
  full() { [ "$(stat -c %s "$disk/app.log")" -ge 16000 ]; }
  wait_until full
  tell 'too late'
  wait_until taken
  : >"$disk/app.log" # appended to, it begins anew
  again() { tell again && written again "$disk/app.log"; }
  wait_until again
  grep -q 'Output was lost, as the log file could not be written lines="[0-9]*" bytes="[0-9]*" error="No space left on device"' "$disk/app.log"
  state ready 1
  run ! gone "$ORPHAN"
}

@test "a directory of the log that is gone and comes back costs only what was printed meanwhile" {
  mkdir "$ROOT/logs"
  FILE=$ROOT/logs/app.log
  logging
  mv "$ROOT/logs" "$ROOT/away"
  signals USR1
  wait_until grep -q "Keeping the log file of before path=\"$FILE\" error=\"No such file or directory\"" "$ROOT/away/app.log"
  tell kept
  wait_until written kept "$ROOT/away/app.log"
  local pid
  pid=$(copier)
  kill -KILL "$pid"
  again() { [ -n "$(copier)" ] && [ "$(copier)" != "$pid" ]; }
  wait_until again
  tell lost
  wait_until taken
  mkdir "$ROOT/logs"
  back() { tell found && written found; }
  wait_until back
  grep -q 'Output was lost.*error="No such file or directory"' "$FILE"
}

@test "all that is printed until the end is in the file when the supervisor has ended, in order" {
  WORKER=(sh -c 'trap "seq 20000; printf unfinished; exit" TERM; echo up; while :; do sleep 0.1; done')
  serve --interval 100ms --log-file "$FILE"
  wait_until written up
  signals TERM
  ended 0
  assert_equal "$(grep -E '^[0-9]+$' "$FILE")" "$(seq 20000)"
  local -a places
  mapfile -t places < <(grep -nE 'Supervisor started|Starting new worker|Telling all workers|^20000$|Exiting' "$FILE" | cut -d: -f1)
  assert_equal "${#places[@]}" 5
  assert_equal "$(printf '%s\n' "${places[@]}" | sort -n)" "$(printf '%s\n' "${places[@]}")"
}

@test "the supervisor ends only when what was printed is written" {
  WORKER=(sh -c 'trap "seq 2000; exit" TERM; echo up; while :; do sleep 0.1; done')
  serve --interval 100ms --log-file "$FILE"
  wait_until written up
  local pid
  pid=$(copier)
  kill -STOP "$pid"
  signals TERM
  removed() { [ ! -e "$PID_FILE" ]; }
  wait_until removed
  run ! gone "$SUPERVISOR"
  kill -CONT "$pid"
  ended 0
  assert_equal "$(grep -E '^[0-9]+$' "$FILE")" "$(seq 2000)"
}

@test "all that is printed until the end reaches a program, too" {
  WORKER=(sh -c 'trap "seq 20000; exit" TERM; echo up; while :; do sleep 0.1; done')
  serve --interval 100ms --log-file "| exec sed -u 's/^/logged: /' >'$FILE'"
  wait_until written 'logged: up'
  signals TERM
  ended 0
  assert_equal "$(sed -nE 's/^logged: ([0-9]+)$/\1/p' "$FILE")" "$(seq 20000)"
}

@test "a line without an end is written a second later, and one that is longer than any buffer as it comes" {
  logging
  printf 'no end' >"$WORDS"
  wait_until grep -q 'no end$' "$FILE"
  head -c 200000 /dev/zero | tr '\0' x >"$WORDS"
  tell ''
  long() { grep -qE 'no endx+$' "$FILE" && [ "$(tr -dc x <"$FILE" | wc -c)" -ge 200000 ]; }
  wait_until long
}

@test "what is no file is written to as it is" {
  serve --interval 100ms --log-file /dev/stderr
  wait_until grep -qx 'generation 1 of [0-9]*' "$LOG"
  assert_equal "$(copier)" ''
  signals USR1
  signals TERM
  ended 0
}
