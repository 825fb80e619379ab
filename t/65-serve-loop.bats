#!/usr/bin/env bats
# dewy-serve on a kernel that has neither signalfd(2) nor timerfd(2) nor pidfds nor memfds: it does the same, by other means.
load common
load serve

MISSING=signalfd4,timerfd_create,pidfd_open,pidfd_send_signal,memfd_create

prepare() {
  serve_prepare
  REFUSED=$BATS_TEST_TMPDIR/refused
  export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 # which cannot be traced
  UNDER=(strace -D -f -qq --seccomp-bpf -o "$REFUSED" -e "trace=$MISSING" -e "inject=$MISSING:error=ENOSYS")
}

# refused CALL: true when the kernel refused it.
refused() {
  grep -q "$1(.*ENOSYS.*INJECTED" "$REFUSED"
}

@test "without signalfd and timerfd: HUP, USR1 and TERM do what they do with them" {
  serve --log-file "$LOG"
  refused signalfd4
  refused timerfd_create
  signals HUP
  wait_until state ready 2
  wait_until gone "$(worker 1)"
  mv "$LOG" "$LOG.1"
  signals USR1
  wait_until logged 'Log file opened again'
  signals TERM
  ended 0
  recorded 2 SIGTERM
  [ ! -e "$PID_FILE" ]
}

@test "without signalfd and timerfd: a new worker must live for --interval, and one that dies is discarded" {
  echo 'exit 4' | plan 2
  serve --interval 5s
  signals HUP
  wait_until state failed 2 'exit 4'
  echo silent | plan 3
  signals HUP
  wait_until state ready 3
  wait_until recorded 1 SIGTERM
}

@test "without signalfd and timerfd: a worker that dies is started again, and one that ignores TERM is killed" {
  echo ignore | plan 2
  serve --kill-timeout 300ms
  kill -KILL "$(worker 1)"
  wait_until state ready 2
  signals HUP
  wait_until gone "$(worker 2)"
  signals INT
  ended 0
}

@test "without signalfd and timerfd: a storm of HUPs ends with one generation that serves" {
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
  signals TERM
  ended 0
}

@test "without signalfd: HUP is heard even when the supervisor was started with HUP ignored" {
  (
    trap '' HUP
    exec "${UNDER[@]}" dewy-serve -- "${WORKER[@]}" 2>"$LOG" 3>&-
  ) &
  SUPERVISOR=$!
  wait_until state ready 1
  signals HUP
  wait_until state ready 2
}

@test "without pidfd: the workers of a supervisor that was killed are ended by the next one" {
  printf 'ignore\n' | plan 1
  local -a without=("${UNDER[@]}")
  UNDER=()
  serve --kill-timeout 300ms
  wait_until recorded 1 did ignore
  signals KILL
  wait_until gone "$SUPERVISOR"
  local orphan
  orphan=$(worker 1)
  UNDER=("${without[@]}")
  launch --kill-timeout 2s
  wait_until grep -qx "$SUPERVISOR" "$PID_FILE" # the status file is a new one from here on
  wait_until state ready 1
  recorded 1 SIGTERM
  gone "$orphan"
  refused pidfd_open
}

@test "without memfd and signalfd: the program is executed again, and no signal is lost" {
  printf 'say STATUS=loading\nawait go\n' | plan 2
  serve
  signals HUP
  wait_until recorded 2 did say
  signals USR2
  signals HUP
  wait_until grep -q '^# program=.* executed=1$' "$STATUS"
  refused memfd_create
  touch "$PLAN/go"
  wait_until state ready 3
  signals USR2
  signals TERM
  ended 0
  recorded 3 SIGTERM
}

@test "what waits compiles without the headers of Linux" {
  local file
  for file in signal_fd events; do
    run "${CC:-gcc}" -std=c17 -D_GNU_SOURCE -Wall -Wextra -Wshadow -Wconversion -Werror -iquote "$BATS_TEST_DIRNAME/../lib" \
      -c "$BATS_TEST_DIRNAME/../lib/$file.c" -o "$BATS_TEST_TMPDIR/$file.o"
    assert_success
  done
  run ! grep -ao 'signalfd\|timerfd' "$BATS_TEST_TMPDIR/signal_fd.o" "$BATS_TEST_TMPDIR/events.o"
}
