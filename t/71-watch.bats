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
