load common

prepare() {
  PORT=$(free_port)
  export DEWY_REGISTRY=file://$REGISTRY DEWY_SETTLE=1s
}

@test "from an empty directory to a deployed release, in one command" {
  publish v1.0.0
  run --separate-stderr dewy once
  assert_success
  [ "$(field state)" = deployed ]
  [ "$(cat "$ROOT/current/version")" = v1.0.0 ]
  [ "$(jq -r '[.notices[].text] | join("|")' <<<"$output" | sed 's/ in .*//')" = \
    "Deploying v1.0.0|Downloaded artifact for v1.0.0|Deployed v1.0.0" ]
  [ "$(jq '[.notices[] | select(.sent | not)] | length' <<<"$output")" = 0 ]
  assert_document
}

@test "a run that cannot begin because ROOT is read-only is told to people" {
  need_private_mounts
  publish v1.0.0
  dewy once -l error >/dev/null
  publish v1.1.0
  "$BATS_TEST_DIRNAME/webserver.py" "$BATS_TEST_TMPDIR" >/dev/null 3>&- &
  echo $! >"$BATS_TEST_TMPDIR/web.pid"
  wait_until test -s "$BATS_TEST_TMPDIR/port"
  run -3 --separate-stderr in_private_mounts bash -euc 'mount --bind "$1" "$1"
    mount -o remount,ro,bind "$1"
    exec dewy once --notifier "$2"' bash "$ROOT" "http://127.0.0.1:$(cat "$BATS_TEST_TMPDIR/port")/"
  assert_regex "$stderr" "dewy once: cannot open the lock $ROOT/.dewy/lock: Read-only file system; "
  assert_equal "$(jq -r '.body | fromjson | .text' "$BATS_TEST_TMPDIR/requests")" \
    "Error occurred (count: 1): [dewy] cannot open the lock $ROOT/.dewy/lock: Read-only file system. Check the path, its owner and its mode"
  [ "$(cat "$ROOT/current/version")" = v1.0.0 ]
}

@test "a lock that cannot be taken is told to people; that another run holds it is not" {
  publish v1.0.0
  "$BATS_TEST_DIRNAME/webserver.py" "$BATS_TEST_TMPDIR" >/dev/null 3>&- &
  echo $! >"$BATS_TEST_TMPDIR/web.pid"
  wait_until test -s "$BATS_TEST_TMPDIR/port"
  export DEWY_NOTIFIER=http://127.0.0.1:$(cat "$BATS_TEST_TMPDIR/port")/
  mkdir "$ROOT/.dewy"
  flock "$ROOT/.dewy/lock" dewy once
  [ ! -e "$BATS_TEST_TMPDIR/requests" ]
  rm "$ROOT/.dewy/lock"
  mkdir "$ROOT/.dewy/lock"
  run -3 dewy once
  rmdir "$ROOT/.dewy/lock"
  run -0 dewy once
  assert_equal "$(jq -r '.body | fromjson | .text' "$BATS_TEST_TMPDIR/requests" | cut -d ' ' -f 1,2 | paste -sd ,)" \
    "Error occurred,Recovered after,Deploying v1.0.0,Downloaded artifact,Deployed v1.0.0"
}

@test "the log tells the story" {
  publish v1.0.0
  run --separate-stderr dewy once
  for message in 'Cached artifact cache_key="v1.0.0--app_linux_amd64.tar.gz"' 'Download notification message="Downloaded' \
    'Extract archive path=' 'Create symlink from='; do
    grep -qF "INFO: $message" <<<"$stderr"
  done
}

@test "the log as JSON is one object a line" {
  publish v1.0.0
  run --separate-stderr dewy once -f json -l debug
  assert_success
  [ "$(jq -r 'select(.msg == "Create symlink") | .level' <<<"$stderr")" = INFO ]
  [ "$(jq -rs 'map(select((.time | fromdateiso8601) > 0)) | length' <<<"$stderr")" = "$(wc -l <<<"$stderr")" ]
}

@test "nothing to do: exit status 0, unchanged, and not a byte written" {
  publish v1.0.0
  dewy once -l error >/dev/null
  find "$ROOT" -printf '%p %T@ %i\n' | sort >"$BATS_TEST_TMPDIR/before"
  run --separate-stderr dewy once
  assert_success
  [ "$(field state)" = unchanged ]
  [ -z "$stderr" ]
  find "$ROOT" -printf '%p %T@ %i\n' | sort | diff "$BATS_TEST_TMPDIR/before" -
}

@test "nothing to do takes two processes" {
  publish v1.0.0
  dewy once -l error >/dev/null
  ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 strace -f -qq -e trace=execve -e signal=none -o "$BATS_TEST_TMPDIR/trace" dewy once
  [ "$(grep -c 'execve(.* = 0' "$BATS_TEST_TMPDIR/trace")" = 2 ]
}

@test "a second run while one holds the lock: said at INFO, exit status 0, nothing printed" {
  publish v1.0.0
  mkdir "$ROOT/.dewy"
  run --separate-stderr flock "$ROOT/.dewy/lock" dewy once
  assert_success
  assert_output ""
  [[ $stderr == *"INFO: Another run holds the lock"* ]]
  [ ! -e "$ROOT/current" ]
}

@test "--lock-wait waits for the other run" {
  publish v1.0.0
  mkdir "$ROOT/.dewy"
  mkfifo "$BATS_TEST_TMPDIR/release"
  flock "$ROOT/.dewy/lock" cat "$BATS_TEST_TMPDIR/release" 3>&- &
  wait_until bash -c "! flock -n '$ROOT/.dewy/lock' true"
  dewy once --lock-wait 20s -l debug >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
  pid=$!
  : >"$BATS_TEST_TMPDIR/release"
  wait $pid
  [ "$(cat "$ROOT/current/version")" = v1.0.0 ]
}

@test "fifty runs at the same moment deploy once" {
  publish v1.0.0
  local pids=()
  for _ in $(seq 50); do
    dewy once -l error --after-deploy-hook 'echo ran >>ran' >/dev/null 3>&- &
    pids+=($!)
  done
  wait "${pids[@]}"
  [ "$(cat "$ROOT/current/version")" = v1.0.0 ]
  [ "$(wc -l <"$ROOT/ran")" = 1 ]
  [ "$(ls "$ROOT/releases" | wc -l)" = 1 ]
}

@test "server mode: a command behind -- is started; the next run leaves it alone; a newer release restarts it" {
  publish_server v1.0.0
  run -0 --separate-stderr dewy once --port "127.0.0.1:$PORT" -- current/server
  [ "$(field mode)" = server ]
  [ "$(field state)" = running ]
  [ "$(curl -sS "http://127.0.0.1:$PORT/")" = v1.0.0 ]
  run -0 --separate-stderr dewy once --port "127.0.0.1:$PORT" -- current/server
  [ "$(field state)" = unchanged ]
  publish_server v1.1.0
  run -0 --separate-stderr dewy once --port "127.0.0.1:$PORT" -- current/server
  [ "$(field restart.action)" = restarted ]
  wait_until serves v1.1.0
}

# links DIRECTORY: puts links to all tools there.
links() {
  mkdir -p "$1"
  ln -s "$DEWY_BIN"/dewy{,-check,-fetch,-deploy,-restart,-notify,-serve} "$1"
}

@test "tools that are reached by links start each other by these, so that the supervisor follows them after an upgrade" {
  PORT=$(free_port)
  links "$BATS_TEST_TMPDIR/linked"
  publish_server v1.0.0
  cd "$BATS_TEST_TMPDIR"
  run -0 linked/dewy once --settle 0 -p "127.0.0.1:$PORT" -- current/server
  assert_equal "$(tr '\0' '\n' <"/proc/$(cat "$ROOT/.dewy/serve.pid")/cmdline" | head -n 1)" "$BATS_TEST_TMPDIR/linked/dewy-serve"
}

@test "a link to dewy alone finds the other tools where dewy is" {
  ln -s "$DEWY_BIN/dewy" "$BATS_TEST_TMPDIR/dewy"
  publish v1.0.0
  PATH=/usr/bin:/bin run -0 "$BATS_TEST_TMPDIR/dewy" once
  [ "$(cat "$ROOT/current/version")" = v1.0.0 ]
}

@test "after a reboot with the registry gone, what is on disk is started" {
  publish_server v1.0.0
  dewy once -l error --port "127.0.0.1:$PORT" -- current/server >/dev/null
  stop_pid "$(cat "$ROOT/.dewy/serve.pid")"
  mv "$REGISTRY" "$REGISTRY.gone"
  run -0 --separate-stderr dewy once --port "127.0.0.1:$PORT" -- current/server
  [ "$(field state)" = running ]
  [ "$(curl -sS "http://127.0.0.1:$PORT/")" = v1.0.0 ]
}

@test "a registry that cannot be read: exit status 2, a sentence with advice, and what runs runs on" {
  publish v1.0.0
  dewy once -l error >/dev/null
  mv "$REGISTRY" "$REGISTRY.gone"
  run -2 --separate-stderr dewy once
  [ "$(field state)" = failed ]
  [ "$(field error.stage)" = check ]
  [[ $stderr == *"ERROR: "*"$REGISTRY"*'hint="'* ]]
  [ "$(cat "$ROOT/current/version")" = v1.0.0 ]
}

@test "a stage that crashes: exit status 1, and the failure is recorded" {
  publish v1.0.0
  mkdir -p "$BATS_TEST_TMPDIR/bin" "$BATS_TEST_TMPDIR/libexec/dewy"
  cp "$DEWY_BIN"/dewy* "$BATS_TEST_TMPDIR/bin"
  cp "$DEWY_BIN/../libexec/dewy/dewy-history" "$BATS_TEST_TMPDIR/libexec/dewy"
  printf '#!/bin/sh\nkill -KILL $$\n' >"$BATS_TEST_TMPDIR/bin/dewy-deploy"
  run -1 --separate-stderr "$BATS_TEST_TMPDIR/bin/dewy" once
  [ "$(field error.code)" = internal ]
  [ "$(field error.stage)" = deploy ]
  [ "$(jq -r .error.stage "$ROOT/.dewy/history.jsonl")" = deploy ]
  run -0 --separate-stderr dewy once
  [ "$(field state)" = deployed ]
}

@test "a stage that cannot be started: exit status 1, which it is, and what to do" {
  local stage
  publish v1.0.0
  mkdir -p "$BATS_TEST_TMPDIR/bin" "$BATS_TEST_TMPDIR/libexec/dewy"
  cp "$DEWY_BIN"/dewy* "$BATS_TEST_TMPDIR/bin"
  for stage in libexec/dewy/dewy-check-remote bin/dewy-deploy; do
    printf '#!/nowhere\n' >"$BATS_TEST_TMPDIR/$stage"
    chmod 755 "$BATS_TEST_TMPDIR/$stage"
    run -1 --separate-stderr "$BATS_TEST_TMPDIR/bin/dewy" once \
      --registry "$([ "$stage" = bin/dewy-deploy ] && echo "file://$REGISTRY" || echo ghr://acme/app)"
    [ "$(field error.code)" = config ]
    [[ $(field error.message) == "cannot start "*"/${stage##*/}: No such file or directory" ]]
    [ "$(field error.hint)" = "check that the program is there and may be executed" ]
  done
}

@test "a stage that hangs is ended after --stage-timeout" {
  publish v1.0.0
  mkdir "$BATS_TEST_TMPDIR/bin"
  cp "$DEWY_BIN"/dewy* "$BATS_TEST_TMPDIR/bin"
  printf '#!/bin/sh\nexec sleep 1000\n' >"$BATS_TEST_TMPDIR/bin/dewy-fetch"
  run -1 --separate-stderr "$BATS_TEST_TMPDIR/bin/dewy" once --stage-timeout 5s
  [[ $(field error.message) == *"dewy-fetch took longer than --stage-timeout"* ]]
}

@test "roots that are not to be trusted are refused" {
  run -1 --separate-stderr dewy once --root /
  [[ $stderr == *"the root is /"* ]]
  chmod 777 "$ROOT"
  run -1 --separate-stderr dewy once
  [[ $stderr == *"others may write to the root $ROOT; name the directory of the application with --root"* ]]
  run -3 --separate-stderr dewy once --root "$ROOT/missing"
  [[ $stderr == *"cannot open the root $ROOT/missing"* ]]
}

@test "wrong options are named, with what is accepted, and exit 1" {
  run -1 --separate-stderr dewy once --intervall 5
  [[ $stderr == *"unknown option --intervall"* ]]
  run -1 --separate-stderr dewy once --keep 0
  [[ $stderr == *"--keep 0: expected at least 1 and at most 1000"* ]]
  run -1 --separate-stderr dewy once --stage-timeout 1ms
  [[ $stderr == *"--stage-timeout 1ms: expected at least 1s and at most 24h"* ]]
  run -1 --separate-stderr dewy once --path "/tmp/my socket"
  [[ $stderr == *"--path /tmp/my socket: expected a text without white space"* ]]
  run -1 --separate-stderr dewy once --notifier "exec:/bin/tell all"
  [[ $stderr == *"--notifier exec:/bin/tell all: expected a text without white space; "*"%20 is a space"* ]]
  run -1 --separate-stderr dewy once --log-level loud
  [[ $stderr == *"--log-level loud: expected debug|info|warn|error"* ]]
  run -1 --separate-stderr dewy once --max-size
  [[ $stderr == *"--max-size needs a value"* ]]
  DEWY_GRACE_PERIOD=soon run -1 --separate-stderr dewy once
  [[ $stderr == *"DEWY_GRACE_PERIOD=soon: expected a duration"* ]]
  run -1 --separate-stderr dewy once current/server
  [[ $stderr == *"unexpected argument current/server: a command follows --; see dewy once --help"* ]]
  publish v1.0.0
  run -1 --separate-stderr dewy once --port 8080 --port http -- current/server
  [[ $stderr == "dewy once: --port http: a port is a number"* ]]
  [ ! -e "$ROOT/current" ]
}

@test "options come from the environment, and a flag wins" {
  publish v1.0.0
  publish v2.0.0-rc.1
  DEWY_REGISTRY="file://$REGISTRY?pre-release=true" run -0 --separate-stderr dewy once --registry "file://$REGISTRY"
  [ "$(field release.version)" = v1.0.0 ]
}

@test "SIGTERM during a download abandons the run cleanly" {
  publish v1.0.0
  mkdir "$BATS_TEST_TMPDIR/bin"
  cp "$DEWY_BIN"/dewy* "$BATS_TEST_TMPDIR/bin"
  printf '#!/bin/sh\ntouch "%s"\nexec sleep 1000\n' "$BATS_TEST_TMPDIR/fetching" >"$BATS_TEST_TMPDIR/bin/dewy-fetch"
  "$BATS_TEST_TMPDIR/bin/dewy" once >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
  pid=$!
  wait_until test -e "$BATS_TEST_TMPDIR/fetching"
  kill -TERM $pid
  wait $pid
  grep -q 'INFO: Interrupted stage="fetch"$' "$BATS_TEST_TMPDIR/err"
  [ "$(jq -r .reason "$BATS_TEST_TMPDIR/out")" = interrupted ]
  run -0 --separate-stderr dewy once
  [ "$(field state)" = deployed ]
}

@test "SIGHUP, as from a terminal that goes away, breaks nothing off" {
  publish v1.0.0
  dewy once --before-deploy-hook 'touch began; until [ -e go ]; do sleep 0.02; done' >"$BATS_TEST_TMPDIR/out" 2>/dev/null 3>&- &
  pid=$!
  wait_until test -e "$ROOT/began"
  kill -HUP $pid
  kill -USR1 $pid
  touch "$ROOT/go"
  wait $pid
  [ "$(jq -r .state "$BATS_TEST_TMPDIR/out")" = deployed ]
}

@test "the first good run after failures says so" {
  mv "$REGISTRY" "$REGISTRY.gone"
  run -2 dewy once
  run -2 dewy once
  mv "$REGISTRY.gone" "$REGISTRY"
  publish v1.0.0
  run -0 --separate-stderr dewy once
  [[ $stderr == *"Recovered after 2 failures"* ]]
  [ ! -e "$ROOT/.dewy/notify.json" ]
}

@test "wrong options of the server are refused before anything is touched" {
  publish_server v1.0.0
  local option
  for option in --port=x --port=0 --port=1-99999 --health-url=htp://x/ --health-url=nonsense; do
    run -1 --separate-stderr dewy once "$option" -- current/server
    [[ $stderr == "dewy once: "*"${option#*=}"*"; "* ]]
    [ ! -e "$ROOT/current" ]
  done
}

@test "an option that decides who may do what, and is empty, as a variable of the shell may be, is refused and not forgotten" {
  local option
  publish v1.0.0
  for option in --user --group --socket-user --socket-group --health-url --health-path --notifier --unit --signal --restart-command \
    --cacert --verify-key --verify-claims; do
    run -1 --separate-stderr dewy once --registry "file://$REGISTRY" "$option" ''
    assert_equal "$stderr" "dewy once: $option : expected a text that is not empty; see dewy once --help"
  done
  [ ! -e "$ROOT/.dewy" ]
}
