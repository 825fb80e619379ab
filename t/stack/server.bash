# SPDX-License-Identifier: MIT
# What the scripts of the servers share. Each one defines start and ends with `server "$@"`:
#
#   SCRIPT start DIR ...    calls start ..., where spawn runs processes and answers waits for the service; DIR is all it writes to
#   SCRIPT stop DIR         ends the processes and waits until they are gone; DIR may be removed then
#
# Nothing of what is started holds on to the descriptors of the caller. When start fails, all is stopped again and the logs' ends
# are on standard error.
set -euo pipefail
PATH=/usr/sbin:/usr/bin:/sbin:/bin
SIGNAL=TERM
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY all_proxy CEPH_ARGS NODE_OPTIONS

server() {
  [[ $# -ge 2 && $1 =~ ^(start|stop)$ ]] || {
    sed -n '3,/^[^#]/ { s/^# \{0,1\}//p }' "$0" >&2
    exit 2
  }
  local action=$1
  DIR=$2
  shift 2
  if [ "$action" = stop ]; then
    stop
    return
  fi
  mkdir -p "$DIR/pid" "$DIR/log"
  DIR=$(cd "$DIR" && pwd)
  trap failed EXIT
  start "$@" </dev/null 3>&-
  trap - EXIT
}

failed() {
  tail -n 20 "$DIR"/log/* >&2
  stop
}

# spawn NAME COMMAND...: runs it in a session of its own, with its output in DIR/log/NAME.
spawn() {
  local name=$1
  shift
  setsid "$@" </dev/null >>"$DIR/log/$name" 2>&1 &
  echo $! >"$DIR/pid/$name"
}

# answers NAME PORT: waits until that process, and not another one that was quicker to take the port, answers GET / there, whatever
# with; fails when it has ended, or when the script has run for 25 s.
answers() {
  local pid
  pid=$(cat "$DIR/pid/$1")
  until ss -Hltnp "sport = :$2" | grep -q "pid=$pid," && curl -s -o /dev/null --max-time 5 "http://127.0.0.1:$2/"; do
    alive "$pid" || return
    [ $SECONDS -lt 25 ] || return
    sleep 0.02
  done
}

# stop: all at once, by SIGNAL, and by force where that was not enough for 5 s.
stop() {
  local pids pid end=$((SECONDS + 5))
  pids=$(cat "$DIR"/pid/* 2>/dev/null) || return 0
  kill "-$SIGNAL" -- $pids 2>/dev/null || true
  for pid in $pids; do
    while alive "$pid"; do
      [ $SECONDS -lt $end ] || kill -KILL -- "-$pid" 2>/dev/null || true
      sleep 0.02
    done
  done
  rm -f "$DIR"/pid/*
}

# alive PID: the process runs (a zombie, which nobody has waited for yet, does not).
alive() {
  [ -e "/proc/$1/stat" ] && ! grep -qs ') Z ' "/proc/$1/stat"
}
