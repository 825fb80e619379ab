load common

prepare() {
  PORT=$(free_port)
  export DEWY_REGISTRY=file://$REGISTRY DEWY_SETTLE=1s DEWY_INTERVAL=100ms
}

# start_watch COMMAND...: runs it in the background; its log goes to watch.log, its pid to watch.pid.
start_watch() {
  "$@" >"$BATS_TEST_TMPDIR/watch.out" 2>"$BATS_TEST_TMPDIR/watch.log" 3>&- &
  WATCH=$!
  echo $WATCH >"$BATS_TEST_TMPDIR/watch.pid"
}

stop_watch() {
  kill -"$1" $WATCH
  wait $WATCH
}

# logged TEXT: true when the log has a line with it.
logged() {
  grep -qF -- "$1" "$BATS_TEST_TMPDIR/watch.log"
}

# logged_times N TEXT: true when N lines have it.
logged_times() {
  [ "$(grep -cF -- "$2" "$BATS_TEST_TMPDIR/watch.log")" = "$1" ]
}

# hold_stage STAGE: from here on, this stage says that it began, in STAGE.began, and waits for STAGE.go.
hold_stage() {
  local bin=$BATS_TEST_TMPDIR/bin mark=$BATS_TEST_TMPDIR/$1
  if [ ! -d "$bin" ]; then
    mkdir "$bin" "$bin/real"
    cp "$DEWY_BIN"/dewy* "$bin"
    cp "$DEWY_BIN"/dewy* "$bin/real"
    PATH=$bin:$PATH
  fi
  printf '#!/bin/sh\ntouch "%s.began"\nuntil [ -e "%s.go" ]; do sleep 0.02; done\nexec "%s/real/dewy-%s" "$@"\n' \
    "$mark" "$mark" "$bin" "$1" >"$bin/dewy-$1"
}

# began STAGE: waits until it did.
began() {
  wait_until test -e "$BATS_TEST_TMPDIR/$1.began"
}

# let_go STAGE: lets it, and all that come after it, go on.
let_go() {
  touch "$BATS_TEST_TMPDIR/$1.go"
}

# start_hanging_channel: starts what accepts connections and never answers; sets CHANNEL to its URL.
start_hanging_channel() {
  local port
  port=$(free_port)
  python3 -c "
import socket, time
s = socket.socket(); s.bind(('127.0.0.1', $port)); s.listen(64)
open('$BATS_TEST_TMPDIR/hanging', 'w').close()
time.sleep(600)" 3>&- &
  echo $! >"$BATS_TEST_TMPDIR/hanging.pid"
  wait_until test -e "$BATS_TEST_TMPDIR/hanging"
  CHANNEL=http://127.0.0.1:$port/hook
}

is_deployed() {
  [ "$(cat "$ROOT/current/version" 2>/dev/null)" = "$1" ]
}

@test "dewy watch deploys what appears, and ends with 0 at SIGTERM, SIGINT and SIGQUIT" {
  local patch=0
  for signal in TERM INT QUIT; do
    start_watch dewy watch
    publish "v1.0.$((++patch))"
    wait_until is_deployed "v1.0.$patch"
    stop_watch $signal
    grep -q "INFO: Dewy stopped signal=\"$signal\"" "$BATS_TEST_TMPDIR/watch.log"
  done
  grep -q 'INFO: Dewy started version=".*" commit=".*"' "$BATS_TEST_TMPDIR/watch.log"
}

@test "dewy server with the option names of its predecessor" {
  publish_server v1.0.0
  start_watch dewy server --registry "file://$REGISTRY" --cache "file://$ROOT/.dewy/cache" -p "127.0.0.1:$PORT" -i 1 -l debug \
    -f json --before-deploy-hook true --after-deploy-hook true -- current/server
  wait_until curl -fsS "http://127.0.0.1:$PORT/"
  [ "$(curl -sS "http://127.0.0.1:$PORT/")" = v1.0.0 ]
  wait_until grep -q '"msg":"Deploy skipped"' "$BATS_TEST_TMPDIR/watch.log"
  stop_watch TERM
  [ "$(curl -sS "http://127.0.0.1:$PORT/")" = v1.0.0 ]
}

@test "SIGUSR1 restarts the server now" {
  publish_server v1.0.0
  start_watch dewy server -p "127.0.0.1:$PORT" -- current/server
  wait_until grep -q 'Server started for v1.0.0' "$BATS_TEST_TMPDIR/watch.log"
  kill -USR1 $WATCH
  wait_until grep -q 'Server restarted for v1.0.0' "$BATS_TEST_TMPDIR/watch.log"
  grep -q '^2:' "$ROOT/.dewy/serve.status"
  stop_watch TERM
  run -0 dewy history -n 1 --json
  assert_equal "$(field 'phases_ms | keys[]')" restart # what came before it was another run's
  assert_equal "$(field who.by)" watch
}

@test "dewy assets takes no command, and goes on after failures" {
  run -1 dewy assets -- current/server
  mv "$REGISTRY" "$REGISTRY.gone"
  start_watch dewy assets
  wait_until grep -q 'ERROR: ' "$BATS_TEST_TMPDIR/watch.log"
  mkdir "$REGISTRY"
  publish v1.0.0
  wait_until is_deployed v1.0.0
  stop_watch TERM
}

# pauses: prints the pauses of more than 100 s that strace has seen, in milliseconds.
pauses() {
  grep -oE '(^|-)p?poll\(.*, 1, [0-9]{6,7}' "$BATS_TEST_TMPDIR/trace" | grep -oE '[0-9]+$'
}

# paused N: true when there were N of them.
paused() {
  [ "$(pauses | wc -l)" -ge "$1" ]
}

# trace_pauses N OPTION...: runs a watch through N pauses of 1000 s, each ended by SIGHUP, and ends it.
trace_pauses() {
  local count=$1 number
  shift
  ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 start_watch strace -D -qq -e trace='/^p?poll$' -e signal=none -o "$BATS_TEST_TMPDIR/trace" dewy watch --interval 1000s "$@"
  for number in $(seq "$count"); do
    wait_until paused "$number"
    kill -HUP $WATCH
  done
  stop_watch TERM
}

@test "the first look is at once; each pause is up to 10 % longer or shorter; --jitter 0 makes them equal" {
  publish v1.0.0
  trace_pauses 20
  is_deployed v1.0.0
  local length
  for length in $(pauses); do
    [ "$length" -ge 900000 ] && [ "$length" -le 1100000 ] || fail "$length"
  done
  [ "$(pauses | sort -u | wc -l)" -gt 10 ]
  [ "$(pauses | awk '$1 < 990000' | wc -l)" -gt 0 ]
  [ "$(pauses | awk '$1 > 1010000' | wc -l)" -gt 0 ]
  rm "$BATS_TEST_TMPDIR/trace"
  trace_pauses 3 --jitter 0
  [ "$(pauses | sort -u)" = 1000000 ]
  run -1 dewy watch --jitter 51
}

@test "SIGHUP looks at once, and the watch goes on" {
  start_watch dewy watch --interval 1h
  wait_until logged 'has no release'
  publish v1.0.0
  kill -HUP $WATCH
  wait_until is_deployed v1.0.0
  publish v1.1.0
  kill -HUP $WATCH
  wait_until is_deployed v1.1.0
  stop_watch TERM
}

@test "runs that fail in a row come more and more seldom, up to --max-backoff, until one is good" {
  mv "$REGISTRY" "$REGISTRY.gone"
  start_watch dewy watch --jitter 0 --max-backoff 500ms
  wait_until logged 'failures="6"'
  [ "$(sed -nE 's/^.* (INFO|WARN): Trying again later failures="([1-6])" pause="([^"]*)" next_at=.*/\1 \2 \3/p' "$BATS_TEST_TMPDIR/watch.log")" = \
    $'INFO 1 100ms\nWARN 2 200ms\nWARN 3 400ms\nWARN 4 500ms\nWARN 5 500ms\nWARN 6 500ms' ]
  mkdir "$REGISTRY"
  publish v1.0.0
  wait_until is_deployed v1.0.0
  mv "$REGISTRY" "$REGISTRY.gone.again"
  wait_until logged_times 2 'failures="1" pause="100ms"'
  stop_watch TERM
}

@test "--max-backoff 0 keeps the interval; SIGHUP forgets the failures" {
  mv "$REGISTRY" "$REGISTRY.gone"
  start_watch dewy watch --jitter 0 --max-backoff 0
  wait_until logged 'failures="4" pause="100ms"'
  stop_watch TERM
  start_watch dewy watch --jitter 0
  wait_until logged 'failures="4" pause="800ms"'
  kill -HUP $WATCH
  wait_until logged_times 2 'failures="1"'
  stop_watch TERM
}

@test "a registry that asks to be left alone does not make the pauses longer, and is not asked meanwhile" {
  "$BATS_TEST_DIRNAME/webserver.py" "$BATS_TEST_TMPDIR" 500 500 429,Retry-After=600 >/dev/null 3>&- &
  echo $! >"$BATS_TEST_TMPDIR/web.pid"
  wait_until test -s "$BATS_TEST_TMPDIR/port"
  GITHUB_API_URL=http://127.0.0.1:$(cat "$BATS_TEST_TMPDIR/port") start_watch dewy watch --registry ghr://acme/app --retries 0 \
    --jitter 0 --log-level debug
  looked() { [ "$(grep -c 'has asked for no request before' "$BATS_TEST_TMPDIR/watch.log")" -gt "$1" ]; }
  wait_until looked 0
  kill -HUP $WATCH
  wait_until looked "$(grep -c 'has asked for no request before' "$BATS_TEST_TMPDIR/watch.log")"
  stop_watch TERM
  logged 'failures="2"'
  run ! logged 'failures="3"'
  [ "$(wc -l <"$BATS_TEST_TMPDIR/requests")" = 3 ]
}

@test "SIGTERM, SIGINT and SIGQUIT end a pause, a check and a download at once" {
  start_watch dewy watch --interval 1h
  wait_until logged 'failures="1"'
  stop_watch TERM
  logged 'Dewy stopped signal="TERM"'
  publish v1.0.0
  hold_stage check
  start_watch dewy watch
  began check
  stop_watch INT
  logged 'INFO: Interrupted stage="check"'
  logged 'Dewy stopped signal="INT"'
  let_go check
  hold_stage fetch
  start_watch dewy watch
  began fetch
  stop_watch QUIT
  logged 'INFO: Interrupted stage="fetch"'
  logged 'Dewy stopped signal="QUIT"'
  [ ! -e "$ROOT/current" ]
}

@test "SIGTERM during the deployment, a hook or the restart: these end first, and then the watch" {
  local stage minor=0
  for stage in deploy restart; do
    hold_stage $stage
    publish_server v1.$((++minor)).0 says-ready
    start_watch dewy server -p "127.0.0.1:$PORT" -- current/server
    began $stage
    kill -TERM $WATCH
    wait_until logged "INFO: Ending after this stage stage=\"$stage\" signal=\"TERM\""
    let_go $stage
    wait $WATCH
    logged 'Dewy stopped signal="TERM"'
    is_deployed v1.$minor.0
    wait_until serves v1.$minor.0
  done
  publish_server v2.0.0 says-ready
  start_watch dewy server -p "127.0.0.1:$PORT" --before-deploy-hook 'touch hook.began; until [ -e hook.go ]; do sleep 0.02; done' \
    -- current/server
  wait_until test -e "$ROOT/hook.began"
  kill -TERM $WATCH
  wait_until logged 'Ending after this stage stage="deploy"'
  touch "$ROOT/hook.go"
  wait $WATCH
  wait_until serves v2.0.0
}

@test "a second signal abandons the deployment, a hook and the restart, and the next run converges" {
  local stage minor=0
  for stage in deploy restart; do
    hold_stage $stage
    publish_server v1.$((++minor)).0 says-ready
    start_watch dewy server -p "127.0.0.1:$PORT" -- current/server
    began $stage
    kill -TERM $WATCH
    wait_until logged "Ending after this stage stage=\"$stage\""
    stop_watch INT
    logged "INFO: Interrupted stage=\"$stage\""
    logged 'Dewy stopped signal="TERM"'
    let_go $stage
    run -0 --separate-stderr dewy once -p "127.0.0.1:$PORT" -- current/server
    [ "$(field state)" = running ]
    wait_until serves v1.$minor.0
  done
  publish_server v2.0.0 says-ready
  start_watch dewy server -p "127.0.0.1:$PORT" --before-deploy-hook 'echo $$ >hook.pid; exec sleep 600' -- current/server
  wait_until test -s "$ROOT/hook.pid"
  kill -TERM $WATCH
  wait_until logged 'Ending after this stage stage="deploy"'
  stop_watch TERM
  wait_until gone "$(cat "$ROOT/hook.pid")"
  wait_until serves v1.2.0
  run -0 --separate-stderr dewy once -p "127.0.0.1:$PORT" -- current/server
  wait_until serves v2.0.0
}

@test "SIGUSR1 during a stage restarts the server after it, and waits for another run that holds the lock" {
  publish_server v1.0.0 says-ready
  hold_stage deploy
  start_watch dewy server -p "127.0.0.1:$PORT" -- current/server
  began deploy
  kill -USR1 $WATCH
  let_go deploy
  wait_until logged 'Server restarted for v1.0.0'
  mkfifo "$BATS_TEST_TMPDIR/release"
  flock "$ROOT/.dewy/lock" sh -c 'echo >"$0.held"; exec cat "$0"' "$BATS_TEST_TMPDIR/release" 3>&- &
  wait_until test -e "$BATS_TEST_TMPDIR/release.held"
  kill -USR1 $WATCH
  wait_until logged 'INFO: another run holds the lock'
  : >"$BATS_TEST_TMPDIR/release"
  wait_until logged_times 2 'Server restarted for v1.0.0'
  stop_watch TERM
}

@test "SIGUSR1 that waits for another run restarts the server of what that one has deployed" {
  publish_server v1.0.0 says-ready
  start_watch dewy server -p "127.0.0.1:$PORT" --interval 1h --lock-wait 10m -- current/server
  wait_until logged 'Deployed v1.0.0'
  wait_until flock -n "$ROOT/.dewy/lock" true
  exec 9<>"$ROOT/.dewy/lock"
  flock 9
  kill -USR1 $WATCH
  waits() { [ "$(find "/proc/$WATCH/fd" -lname "$ROOT/.dewy/lock" | wc -l)" = 1 ]; }
  wait_until waits
  publish_server v1.1.0 says-ready
  DEWY_MODE=server DEWY_LOCK_FD=9 bash -c 'dewy-check | dewy-fetch | dewy-deploy | dewy-restart -p "127.0.0.1:$1" -- current/server' bash "$PORT" \
    >"$BATS_TEST_TMPDIR/document" 3>&-
  assert_equal "$(jq -r .state "$BATS_TEST_TMPDIR/document")" running
  exec 9>&-
  wait_until logged 'Server restarted for v1.1.0'
  stop_watch TERM
  assert_equal "$(jq -r '[.state, .version, .reason] | join(" ")' "$ROOT/.dewy/history.jsonl" | paste -sd ,)" \
    "running v1.0.0 new version,running v1.1.0 new version,running v1.1.0 restart by SIGUSR1"
}

@test "a notifier that is busy is left alone by SIGHUP and SIGUSR1, has a while after SIGTERM, and is ended by a second one" {
  publish v1.0.0
  hold_stage notify
  start_watch dewy watch
  began notify
  wait_until is_deployed v1.0.0
  wait_until flock -n "$ROOT/.dewy/lock" true
  kill -HUP $WATCH
  kill -USR1 $WATCH
  let_go notify
  wait_until logged 'Deployed v1.0.0'
  run ! logged 'Gave up telling'
  wait_until logged 'WARN: Nothing to restart'
  stop_watch TERM
  rm "$BATS_TEST_TMPDIR"/notify.*
  publish v1.1.0
  start_watch dewy watch --notify-timeout 10m
  began notify
  wait_until is_deployed v1.1.0
  wait_until flock -n "$ROOT/.dewy/lock" true
  kill -TERM $WATCH
  stop_watch QUIT
  logged 'WARN: Gave up telling what happened'
  rm "$BATS_TEST_TMPDIR"/notify.*
  publish v1.2.0
  start_watch dewy watch --notify-timeout 10m
  began notify
  wait_until is_deployed v1.2.0
  stop_watch TERM
  logged 'WARN: Gave up telling what happened'
}

@test "people hear of the start, and a channel that hangs delays neither the first run nor the end" {
  publish v1.0.0
  "$BATS_TEST_DIRNAME/webserver.py" "$BATS_TEST_TMPDIR" >/dev/null 3>&- &
  echo $! >"$BATS_TEST_TMPDIR/web.pid"
  wait_until test -s "$BATS_TEST_TMPDIR/port"
  start_watch dewy watch --notifier "http://127.0.0.1:$(cat "$BATS_TEST_TMPDIR/port")/"
  wait_until grep -q "Automatic shipping started by Dewy (v$(dewy --version | cut -d ' ' -f 2): assets)" "$BATS_TEST_TMPDIR/requests"
  wait_until is_deployed v1.0.0
  stop_watch TERM
  start_hanging_channel
  rm "$ROOT/current"
  rm -r "$ROOT/.dewy" "$ROOT/releases"
  start_watch dewy watch --notifier "$CHANNEL" --notify-timeout 10m
  wait_until is_deployed v1.0.0
  run ! logged 'Gave up'
  stop_watch TERM
  logged 'Dewy stopped signal="TERM"'
}

@test "people hear of the start before they hear what came of it, however late those are that were to tell it first" {
  publish v1.0.0
  "$BATS_TEST_DIRNAME/webserver.py" "$BATS_TEST_TMPDIR" >/dev/null 3>&- &
  echo $! >"$BATS_TEST_TMPDIR/web.pid"
  wait_until test -s "$BATS_TEST_TMPDIR/port"
  hold_stage notify
  sed -i '2i grep -q "Deployed v1.0.0" /proc/self/fd/0 && exec "${0%/*}/real/dewy-notify" "$@"' "$BATS_TEST_TMPDIR/bin/dewy-notify" # not the last one
  start_watch dewy watch --interval 1h --notifier "http://127.0.0.1:$(cat "$BATS_TEST_TMPDIR/port")/"
  began notify
  wait_until grep -q 'Deployed v1.0.0' "$BATS_TEST_TMPDIR/requests"
  let_go notify
  stop_watch TERM
  assert_equal "$(jq -r '.body | fromjson | .text' "$BATS_TEST_TMPDIR/requests" | cut -d ' ' -f 1 | paste -sd ,)" \
    Automatic,Deploying,Downloaded,Deployed
}

@test "what begins while another run has the lock tells of its start as soon as it runs itself, and once" {
  publish v1.0.0
  "$BATS_TEST_DIRNAME/webserver.py" "$BATS_TEST_TMPDIR" >/dev/null 3>&- &
  echo $! >"$BATS_TEST_TMPDIR/web.pid"
  wait_until test -s "$BATS_TEST_TMPDIR/port"
  dewy once >/dev/null
  exec 9<>"$ROOT/.dewy/lock"
  flock 9
  start_watch dewy watch --notifier "http://127.0.0.1:$(cat "$BATS_TEST_TMPDIR/port")/" 9>&-
  wait_until logged 'another run holds the lock'
  exec 9>&-
  wait_until grep -q 'Automatic shipping started' "$BATS_TEST_TMPDIR/requests"
  publish v1.1.0
  wait_until grep -q 'Deployed v1.1.0' "$BATS_TEST_TMPDIR/requests"
  stop_watch TERM
  assert_equal "$(grep -c 'Automatic shipping started' "$BATS_TEST_TMPDIR/requests")" 1
}

@test "people hear of three runs in a row that cannot begin because ROOT is read-only, and of the next deployment" {
  need_private_mounts
  local pid into=(--mount)
  publish v1.0.0
  dewy once >/dev/null
  publish v1.1.0
  "$BATS_TEST_DIRNAME/webserver.py" "$BATS_TEST_TMPDIR" >/dev/null 3>&- &
  echo $! >"$BATS_TEST_TMPDIR/web.pid"
  wait_until test -s "$BATS_TEST_TMPDIR/port"
  in_private_mounts bash -euc 'mount --bind "$1" "$1"
    mount -o remount,ro,bind "$1"
    echo $$ >"$3/watch.pid"
    exec dewy watch --max-backoff 0 --notifier "$2"' bash "$ROOT" "http://127.0.0.1:$(cat "$BATS_TEST_TMPDIR/port")/" "$BATS_TEST_TMPDIR" \
    >"$BATS_TEST_TMPDIR/watch.out" 2>"$BATS_TEST_TMPDIR/watch.log" 3>&- &
  refused() { [ "$(grep -c 'ERROR: cannot open the lock' "$BATS_TEST_TMPDIR/watch.log")" -ge "$1" ]; }
  wait_until refused 6
  pid=$(cat "$BATS_TEST_TMPDIR/watch.pid")
  [ "$(id -u)" = 0 ] || into+=(--user --preserve-credentials)
  nsenter --target "$pid" "${into[@]}" mount -o remount,rw,bind "$ROOT"
  wait_until grep -q 'Deployed v1.1.0' "$BATS_TEST_TMPDIR/requests"
  stop_pid "$pid"
  assert_equal "$(jq -r '.body | fromjson | .text' "$BATS_TEST_TMPDIR/requests" | cut -d ' ' -f 1 | paste -sd ,)" \
    Error,Error,Error,Automatic,Deploying,Downloaded,Deployed
}

@test "DEWY_DRY_RUN does not make a watch half a dry run: it is refused" {
  local command
  publish v1.0.0
  export DEWY_REGISTRY=file://$REGISTRY
  for command in watch server assets; do
    DEWY_DRY_RUN=1 run -1 dewy $command
    assert_output "dewy $command: DEWY_DRY_RUN=1: a watch is no dry run; unset it, or see with dewy once --dry-run what would be done"
  done
  assert [ ! -e "$ROOT/.dewy" ]
  DEWY_DRY_RUN=0 dewy assets --interval 100ms >/dev/null 2>&1 3>&- &
  wait_until test -e "$ROOT/current/version"
  kill $!
  wait $!
}
