load common
load confine

prepare() {
  PORT=$(free_port)
  export DEWY_REGISTRY=file://$REGISTRY DEWY_LOG_LEVEL=error DEWY_PORT=127.0.0.1:$PORT DEWY_SETTLE=1s DEWY_MODE=server
}

# pipe: the whole pipe but the notifier.
pipe() {
  dewy-check | dewy-fetch | dewy-deploy | dewy-restart "$@" -- current/server
}

answer() {
  curl -sS --max-time 10 "http://127.0.0.1:$PORT/"
}

@test "the first release is started, and proved to serve" {
  publish_server v1.0.0
  run --separate-stderr pipe
  assert_success
  [ "$(field state)" = running ]
  [ "$(field restart.action)" = started ]
  [ "$(field restart.generation)" = 1 ]
  [ "$(field restart.healthy)" = true ]
  kill -0 "$(field restart.pid)"
  [ "$(answer)" = v1.0.0 ]
  [ "$(jq -r '.notices[-2].text' <<<"$output")" = "Server started for v1.0.0" ]
  [[ $(jq -r '.notices[-1].text' <<<"$output") == "Deployed v1.0.0 in "* ]]
  assert_document
}

@test "a newer release takes over without a failed request" {
  publish_server v1.0.0
  pipe >/dev/null
  publish_server v1.1.0 says-ready
  start_load "http://127.0.0.1:$PORT/"
  run --separate-stderr pipe --log-level info
  [ "$(stop_load)" = 0 ]
  assert_success
  [ "$(field restart.action)" = restarted ]
  [ "$(field restart.generation)" = 2 ]
  [[ $stderr == *'INFO: Send SIGHUP for server restart pid="'* ]]
  wait_until serves v1.1.0
}

@test "a release that dies at once is rolled back while the old one serves on" {
  publish_server v1.0.0
  pipe >/dev/null
  before=$(readlink "$ROOT/current")
  publish_server v1.1.0 dies-at-once
  start_load "http://127.0.0.1:$PORT/"
  run -4 --separate-stderr pipe
  [ "$(stop_load)" = 0 ]
  [ "$(field state)" = rolled_back ]
  [ "$(readlink "$ROOT/current")" = "$before" ]
  [ "$(cat "$ROOT/.dewy/cache/current")" = v1.0.0--app_linux_amd64.tar.gz ]
  [ "$(answer)" = v1.0.0 ]
  [[ $(jq -r '.notices[-1].text' <<<"$output") == "Rolled back to v1.0.0: v1.1.0 did not start: "* ]]
  [ "$(jq -r '.versions[0].version' "$ROOT/.dewy/rejected.json")" = v1.1.0 ]
  assert_document
}

@test "a release that dies late is rolled back without a failed request" {
  export DEWY_SETTLE=4s
  publish_server v1.0.0
  pipe >/dev/null
  publish_server v1.1.0 "dies-after 2.5"
  start_load "http://127.0.0.1:$PORT/"
  run -4 --separate-stderr pipe
  [ "$(stop_load)" = 0 ]
  [ "$(field state)" = rolled_back ]
  [ "$(cat "$ROOT/current/version")" = v1.0.0 ]
  [ "$(answer)" = v1.0.0 ]
}

@test "a release that dies once it serves is rolled back, however soon the supervisor has started it again" {
  publish_server v1.0.0 says-ready
  dewy-check --mode assets | dewy-fetch | dewy-deploy >/dev/null
  dewy-serve --daemonize -p "$DEWY_PORT" -- current/server
  pipe >/dev/null
  publish_server v1.1.0 says-ready
  dewy-check | dewy-fetch | dewy-deploy >"$BATS_TEST_TMPDIR/deployed"
  dewy-restart --settle 20s <"$BATS_TEST_TMPDIR/deployed" >"$BATS_TEST_TMPDIR/document" 3>&- &
  running=$!
  wait_until grep -q '^# state=ready gen=3$' "$ROOT/.dewy/serve.status"
  kill -STOP $running # so that it does not see that nobody serves
  kill -KILL "$(sed -n 's/^3://p' "$ROOT/.dewy/serve.status")"
  wait_until grep -q '^# state=ready gen=4$' "$ROOT/.dewy/serve.status"
  kill -CONT $running
  finish 4
  assert_equal "$(field state) $(field error.message)" "rolled_back v1.1.0 stopped again: signal 9"
  assert_equal "$(answer)" v1.0.0
}

@test "a newer generation of the release that failed is not taken for the one before it" {
  export DEWY_SETTLE=8s
  publish_server v1.0.0 says-ready
  pipe >/dev/null
  publish_server v1.1.0 says-ready
  pipe >"$BATS_TEST_TMPDIR/document" 3>&- &
  running=$!
  wait_until grep -q '^2:' "$ROOT/.dewy/serve.status" # up, with the old one beside it for those 8 s
  echo dies-at-once >"$ROOT/current/behaviour"
  kill -HUP "$(cat "$ROOT/.dewy/serve.pid")"
  finish 4
  assert_equal "$(field state) $(field error.message)" "rolled_back v1.1.0 did not start: exit 1"
  assert_equal "$(cat "$ROOT/current/version") $(answer)" "v1.0.0 v1.0.0"
}

@test "an old generation that only finishes is not taken for one that serves on" {
  export DEWY_KILL_TIMEOUT=10s DEWY_HEALTH_PATH=/health
  publish_server v1.0.0 says-ready "ends-after 300"
  pipe >/dev/null
  publish_server v1.1.0 says-ready
  pipe >"$BATS_TEST_TMPDIR/document" 3>&- &
  running=$!
  wait_until grep -q '^# state=ready gen=2$' "$ROOT/.dewy/serve.status"
  echo dies-at-once >"$ROOT/current/behaviour"
  kill -KILL "$(sed -n 's/^2://p' "$ROOT/.dewy/serve.status")"
  finish 4
  assert_equal "$(field state) $(field error.message)" "rolled_back v1.1.0 stopped again: signal 9"
  assert_equal "$(answer)" v1.0.0
}

@test "a generation that somebody else asks for meanwhile is no end of the one that is proved" {
  export HEALTH_LOG=$BATS_TEST_TMPDIR/asked
  publish_server v1.0.0 says-ready
  pipe >/dev/null
  publish_server v1.1.0 says-ready "answers-late 3"
  pipe --health-path /health --health-count 4 --health-timeout 5m >"$BATS_TEST_TMPDIR/document" 3>&- &
  running=$!
  wait_until test -s "$HEALTH_LOG"
  kill -HUP "$(cat "$ROOT/.dewy/serve.pid")"
  finish 0
  assert_equal "$(field state) $(cat "$ROOT/current/version")" "running v1.1.0"
}

@test "a supervisor that was killed and replaced meanwhile is no fault of the release" {
  export HEALTH_LOG=$BATS_TEST_TMPDIR/asked
  publish_server v1.0.0 says-ready
  pipe >/dev/null
  publish_server v1.1.0 says-ready "answers-late 3"
  dewy-check | dewy-fetch | dewy-deploy >"$BATS_TEST_TMPDIR/deployed"
  dewy-restart --health-path /health --health-timeout 5m <"$BATS_TEST_TMPDIR/deployed" >"$BATS_TEST_TMPDIR/document" 3>&- &
  running=$!
  wait_until test -s "$HEALTH_LOG"
  kill -STOP $running
  kill -KILL "$(cat "$ROOT/.dewy/serve.pid")"
  dewy-serve --daemonize -p "$DEWY_PORT" -- current/server
  wait_until grep -q '^# state=ready gen=1$' "$ROOT/.dewy/serve.status"
  kill -CONT $running
  finish 4
  assert_equal "$(field state) $(field error.message)" "failed the supervisor of v1.1.0 ended, and another one has begun"
  assert_equal "$(cat "$ROOT/current/version") $(answer)" "v1.1.0 v1.1.0"
  assert [ ! -e "$ROOT/.dewy/rejected.json" ]
}

@test "a supervisor that still ends what a killed one left behind is waited for" {
  publish_server v1.0.0 says-ready ignores-term
  pipe >/dev/null
  kill -KILL "$(cat "$ROOT/.dewy/serve.pid")"
  publish_server v1.1.0 says-ready
  dewy-serve --daemonize --kill-timeout 3s -p "$DEWY_PORT" -- current/server 3>&- &
  local daemonized=$!
  wait_until test ! -s "$ROOT/.dewy/serve.pid" # taken, and not published
  run --separate-stderr pipe
  assert_equal "$(field state)" running
  wait_until serves v1.1.0 # the generation before it does not end when it is told to
  wait $daemonized
}

@test "a release that dies after the old one has ended is rolled back without a failed request" {
  publish_server v1.0.0
  pipe >/dev/null
  publish_server v1.1.0 "dies-after 4" unhealthy
  start_load "http://127.0.0.1:$PORT/"
  run -4 --separate-stderr pipe --health-url "http://127.0.0.1:$PORT/health"
  [ "$(stop_load)" = 0 ]
  [ "$(field state)" = rolled_back ]
  [ "$(answer)" = v1.0.0 ]
}

@test "a release that answers its health check with 500 is rolled back without a failed request" {
  publish_server v1.0.0
  pipe >/dev/null
  publish_server v1.1.0 unhealthy
  start_load "http://127.0.0.1:$PORT/"
  run -4 --separate-stderr pipe --health-url "http://127.0.0.1:$PORT/health" --health-timeout 1s
  [ "$(stop_load)" = 0 ]
  [ "$(field state)" = rolled_back ]
  [ "$(field restart.healthy)" = false ]
  [[ $(jq -r '.notices[-1].text' <<<"$output") == \
    "Rolled back to v1.0.0: v1.1.0 did not become healthy in 1s: the health check was answered with 500" ]]
  [ "$(answer)" = v1.0.0 ]
  assert_document
}

@test "the last question of a health check has time to be answered, also when --health-timeout is nearly over" {
  publish_server v1.0.0 unhealthy "answers-late 0.15"
  run -4 --separate-stderr pipe --health-path /health --health-timeout 300ms
  assert_equal "$(field error.message)" "v1.0.0 did not become healthy in 300ms: the health check was answered with 500"
}

@test "a healthy answer is one by its status, also when its body is large, or has no end" {
  publish_server v1.0.0 answers-long
  run -0 --separate-stderr pipe --health-path /health
  assert_equal "$(field state) $(field restart.healthy)" "running true"
  publish_server v1.1.0 answers-on
  run -0 --separate-stderr pipe --health-path /health
  assert_equal "$(field state) $(field restart.healthy) $(answer)" "running true v1.1.0"
}

@test "a server is not blamed for the time for which dewy-restart was stopped during the health check" {
  export HEALTH_LOG=$BATS_TEST_TMPDIR/asked
  publish_server v1.0.0 "answers-late 0.5"
  dewy-check | dewy-fetch | dewy-deploy >"$BATS_TEST_TMPDIR/deployed"
  dewy-restart --health-path /health --health-timeout 8s -- current/server <"$BATS_TEST_TMPDIR/deployed" \
    >"$BATS_TEST_TMPDIR/document" 3>&- &
  running=$!
  wait_until test -s "$HEALTH_LOG"
  kill -STOP $running
  sleep 10 # which is longer than --health-timeout
  kill -CONT $running
  finish 0
  assert_equal "$(field state) $(field error.message)" "running null"
}

@test "--health-path asks at the port itself, past every proxy, as often as --health-count says" {
  export HEALTH_LOG=$BATS_TEST_TMPDIR/asked DEWY_PORT=$PORT http_proxy=http://127.0.0.1:1
  publish_server v1.0.0
  run -0 --separate-stderr pipe --health-path /health
  assert_equal "$(cat "$HEALTH_LOG")" $'v1.0.0\nv1.0.0\nv1.0.0'
  publish_server v1.1.0
  run -0 --separate-stderr pipe --health-path /health --health-count 2
  assert_equal "$(cat "$HEALTH_LOG")" $'v1.0.0\nv1.0.0\nv1.0.0\nv1.1.0\nv1.1.0'
}

@test "a bad answer starts the count of good ones again" {
  export HEALTH_LOG=$BATS_TEST_TMPDIR/asked
  publish_server v1.0.0 "stumbles 2"
  run -0 --separate-stderr pipe --health-path /health --health-count 2
  assert_equal "$(grep -c v1.0.0 "$HEALTH_LOG")" 4
}

@test "good answers that are not enough in a row are no success" {
  publish_server v1.0.0
  run -4 --separate-stderr pipe --health-path /health --health-count 1000 --health-timeout 500ms
  assert_regex "$(field error.message)" '^v1.0.0 did not become healthy in 500ms: of 1000 good answers in a row, only [1-6] came$'
}

@test "--health-path is asked over the UNIX socket when there is no port" {
  export HEALTH_LOG=$BATS_TEST_TMPDIR/asked
  unset DEWY_PORT
  publish_server v1.0.0
  run -0 --separate-stderr pipe --path app.sock --health-path /health --health-count 1
  assert_equal "$(cat "$HEALTH_LOG")" v1.0.0
  publish_server v1.1.0 unhealthy
  run -4 --separate-stderr pipe --path app.sock --health-path /health --health-timeout 5s
  assert_equal "$(field state) $(field error.message)" \
    "rolled_back v1.1.0 did not become healthy in 5s: the health check was answered with 500"
}

@test "a health check that cannot be asked is refused before anything is touched" {
  local -a options
  publish_server v1.0.0
  dewy-check | dewy-fetch | dewy-deploy >"$BATS_TEST_TMPDIR/deployed"
  unset DEWY_PORT
  while read -ra options; do
    run -1 --separate-stderr dewy-restart "${options[@]}" -- current/server <"$BATS_TEST_TMPDIR/deployed"
    assert_equal "$output" ""
    assert_regex "$stderr" 'health-'
    assert [ ! -e "$ROOT/.dewy/serve.pid" ]
  done <<'EOF'
--port 8080 --health-path health
--port 8080 --health-path /h --health-url http://127.0.0.1/
--port u53 --health-path /h
--port 8080 --health-path /h --health-count 0
EOF
  run -1 --separate-stderr dewy-restart --health-path /h -- current/server <"$BATS_TEST_TMPDIR/deployed"
  assert_regex "$stderr" 'there is no --port and no --path to ask at; repeat the --port'
}

@test "a restored release that is not healthy either: exit status 4, a sentence that says so, and it is not blamed" {
  publish_server v0.9.0
  pipe >/dev/null
  publish_server v1.0.0 unhealthy
  pipe >/dev/null
  publish_server v1.1.0 unhealthy
  export DEWY_HEALTH_PATH=/health DEWY_HEALTH_TIMEOUT=300ms
  run -4 --separate-stderr pipe
  assert_equal "$(field state) $(field error.message)" "failed rolled back to v1.0.0, but it does not serve:\
 v1.0.0 did not become healthy in 300ms: the health check was answered with 500"
  assert_equal "$(cat "$ROOT/current/version") $(answer)" "v1.0.0 v1.0.0"
  run -0 --separate-stderr dewy-check
  assert_regex "$(field reason)" '^server not restarted: v1.0.0 failed to start 1 time'
  rm "$ROOT/.dewy/attempts.json" # as if it was time for the next one
  run -4 --separate-stderr pipe
  assert_equal "$(field state) $(cat "$ROOT/current/version")" "failed v1.0.0"
  assert_equal "$(jq -r '[.versions[].version] | join(" ")' "$ROOT/.dewy/rejected.json")" v1.1.0
}

@test "with --no-rollback a bad release stays current, is not rejected, and is tried again later" {
  publish_server v1.0.0
  pipe >/dev/null
  publish_server v1.1.0 dies-at-once
  start_load "http://127.0.0.1:$PORT/"
  run -4 --separate-stderr pipe --no-rollback
  [ "$(stop_load)" = 0 ]
  assert_equal "$(field state) $(field error.stage) $(field error.code)" "failed restart application"
  assert_equal "$(cat "$ROOT/current/version") $(answer)" "v1.1.0 v1.0.0"
  assert [ ! -e "$ROOT/.dewy/rejected.json" ]
  run -0 --separate-stderr dewy-check
  assert_equal "$(field state)" waiting
  assert_regex "$(field reason)" '^server not restarted: v1.1.0 failed to start 1 time'
}

@test "a rollback goes past a release that never served, and does not take its server for the one of the release before" {
  publish_server v1.0.0
  pipe >/dev/null
  publish_server v1.1.0 unhealthy
  run -4 --separate-stderr pipe --no-rollback --health-path /health --health-timeout 1s
  wait_until serves v1.1.0
  publish_server v1.2.0 dies-at-once
  run -4 --separate-stderr pipe --health-path /health
  assert_equal "$(field state) $(field previous.version) $(cat "$ROOT/current/version")" "rolled_back v1.0.0 v1.0.0"
  assert_equal "$(jq -r '.versions[].version' "$ROOT/.dewy/rejected.json")" v1.2.0
  wait_until serves v1.0.0
  assert_document
}

@test "a release that is not ready in time is rolled back" {
  publish_server v1.0.0 says-ready
  dewy-check --mode assets | dewy-fetch | dewy-deploy >/dev/null
  dewy-serve --daemonize --require-ready --ready-timeout 8s --log-file - -p "$DEWY_PORT" -- current/server
  pipe >/dev/null
  publish_server v1.1.0 "slow-start 60"
  run -4 --separate-stderr pipe
  [ "$(field state)" = rolled_back ]
  [[ $(field error.message) == "v1.1.0 did not start: not ready in 8s" ]]
  [ "$(answer)" = v1.0.0 ]
}

# slow_supervisor: starts one that takes some time from when it can be found until it starts its first server.
slow_supervisor() {
  publish_server v1.0.0 says-ready
  dewy-check --mode assets | dewy-fetch | dewy-deploy >/dev/null
  may_trace
  strace -qq -o /dev/null -e inject=chdir:delay_enter=6s:when=1 dewy-serve --log-file "$BATS_TEST_TMPDIR/serve.log" \
    -p "$DEWY_PORT" -- current/server 3>&- &
  wait_until test -s "$ROOT/.dewy/serve.pid"
}

@test "a supervisor that is about to start its first server when it is asked starts it once" {
  slow_supervisor
  run --separate-stderr pipe --start-timeout 20s
  assert_success
  [ "$(field state)" = running ]
  [ "$(answer)" = v1.0.0 ]
}

# looked_at_status: true when dewy-restart has looked at the status file twice since it sent the signal.
looked_at_status() {
  [ "$(sed -n '/^kill/,$p' "$BATS_TEST_TMPDIR/calls" | grep -c serve.status)" -ge 2 ]
}

@test "a supervisor that has just started its first server when the signal comes replaces it, which is no failure" {
  local supervisor
  slow_supervisor
  dewy-check | dewy-fetch | dewy-deploy >"$BATS_TEST_TMPDIR/deployed"
  strace -qq -o "$BATS_TEST_TMPDIR/calls" -e trace=kill,openat -e inject=kill:delay_enter=9s:when=1 dewy-restart --settle 15s -- \
    current/server <"$BATS_TEST_TMPDIR/deployed" >"$BATS_TEST_TMPDIR/document" 3>&- &
  running=$!
  wait_until grep -q '^# state=ready' "$ROOT/.dewy/serve.status"
  supervisor=$(cat "$ROOT/.dewy/serve.pid")
  kill -STOP "$supervisor" # so that the first server is what dewy-restart finds
  wait_until looked_at_status
  kill -CONT "$supervisor"
  finish 0
  assert_equal "$(field state) $(field restart.generation) $(answer)" "running 2 v1.0.0"
}

@test "what was rolled back is not tried again until a newer one appears, or with --force" {
  publish_server v1.0.0
  pipe >/dev/null
  publish_server v1.1.0 dies-at-once
  run -4 pipe
  run -0 --separate-stderr dewy-check
  [ "$(field state)" = unchanged ]
  [[ $(field reason) == *v1.1.0* ]]
  run -0 --separate-stderr dewy-check --force
  [ "$(field state)" = available ]
  [ "$(field release.version)" = v1.1.0 ]
  publish_server v1.2.0
  run -0 --separate-stderr pipe
  [ "$(field release.version)" = v1.2.0 ]
  wait_until serves v1.2.0
}

@test "a first release that does not start: exit status 4, and each further attempt waits longer" {
  publish_server v1.0.0 dies-at-once
  run -4 --separate-stderr pipe
  [ "$(field state)" = failed ]
  [ "$(field error.stage)" = restart ]
  [ "$(jq .failures "$ROOT/.dewy/attempts.json")" = 1 ]
  run -0 --separate-stderr dewy-check
  [ "$(field state)" = waiting ]
  [[ $(field reason) == "server not running: v1.0.0 failed to start 1 time"* ]]
  [ ! -e "$ROOT/.dewy/serve.pid" ] || wait_until flock -n "$ROOT/.dewy/serve.pid" true
  publish_server v1.1.0
  run -0 --separate-stderr pipe
  [ "$(answer)" = v1.1.0 ]
  [ ! -e "$ROOT/.dewy/attempts.json" ]
}

@test "a first release that does not start, and is published again under its version, is fetched again" {
  local attempt
  publish_server v1.0.0 dies-at-once
  run -4 pipe
  for attempt in 1 2; do # what is as bad is tried like any first release, and not again before its time
    publish_server v1.0.0 dies-at-once "attempt $attempt"
    run -0 --separate-stderr dewy once --dry-run -- current/server
    assert_regex "$(field 'plan[0]')" '^download app_linux_amd64.tar.gz '
    run -4 --separate-stderr pipe
    assert_equal "$(field state) $(field reason)" "failed published again"
    run -0 --separate-stderr dewy-check
    assert_equal "$(field state)" waiting
  done
  publish_server v1.0.0
  run -0 --separate-stderr pipe
  assert_equal "$(field state) $(field reason) $(answer)" "running published again v1.0.0"
  assert [ ! -e "$ROOT/.dewy/attempts.json" ]
  stop_pid "$(cat "$ROOT/.dewy/serve.pid")"
  publish_server v1.0.0 dies-at-once
  run -0 --separate-stderr pipe # what has served is started as it is
  assert_equal "$(field reason)" "server not running"
}

@test "a server that was stopped is started again from the release on disk: no hooks, no copy, no audit record" {
  publish_server v1.0.0
  pipe >/dev/null
  before=$(readlink "$ROOT/current")
  stop_pid "$(cat "$ROOT/.dewy/serve.pid")"
  rm -r "$REGISTRY" # the registry is not needed
  export DEWY_BEFORE_DEPLOY_HOOK='touch ran'
  run -0 --separate-stderr pipe
  [ "$(field reason)" = "server not running" ]
  [ "$(field deploy.reused)" = true ]
  [ "$(readlink "$ROOT/current")" = "$before" ]
  [ ! -e "$ROOT/ran" ]
  [ "$(answer)" = v1.0.0 ]
}

@test "a release that lost a file is extracted again before its server is started" {
  publish_server v1.0.0
  pipe >/dev/null
  before=$(readlink "$ROOT/current")
  stop_pid "$(cat "$ROOT/.dewy/serve.pid")"
  rm "$ROOT/current/server"
  run -0 --separate-stderr pipe
  [ "$(field deploy.reused)" = null ]
  [ "$(readlink "$ROOT/current")" != "$before" ]
  [ "$(answer)" = v1.0.0 ]
}

@test "a run that was killed between the switch and the restart is taken up by the next one" {
  publish_server v1.0.0
  pipe >/dev/null
  publish_server v1.1.0
  dewy-check | dewy-fetch | dewy-deploy >/dev/null
  [ "$(cat "$ROOT/current/version")" = v1.1.0 ]
  [ "$(answer)" = v1.0.0 ]
  run -0 --separate-stderr pipe
  [ "$(field state)" = running ]
  [ "$(field deploy.reused)" = true ]
  wait_until serves v1.1.0
  run -0 --separate-stderr dewy-check
  [ "$(field state)" = unchanged ]
}

@test "a bad release whose run was killed before the restart is rolled back by the next one" {
  publish_server v1.0.0
  pipe >/dev/null
  before=$(readlink "$ROOT/current")
  publish_server v1.1.0 dies-at-once
  dewy-check | dewy-fetch | dewy-deploy >/dev/null
  run -4 --separate-stderr pipe
  [ "$(field state)" = rolled_back ]
  [ "$(field previous.version)" = v1.0.0 ]
  [ "$(readlink "$ROOT/current")" = "$before" ]
  [ "$(answer)" = v1.0.0 ]
  [ "$(jq -r '.versions[0].version' "$ROOT/.dewy/rejected.json")" = v1.1.0 ]
  run -0 --separate-stderr dewy-check
  [ "$(field state)" = unchanged ]
}

@test "a bad release whose run was killed while it served is not left serving by the rollback" {
  publish_server v1.0.0
  pipe >/dev/null
  publish_server v1.1.0 serves-first # as many bytes as what takes their place, so that the release counts as whole
  dewy-check | dewy-fetch | dewy-deploy >/dev/null
  dewy-serve --restart
  wait_until serves v1.1.0
  echo dies-at-once >"$ROOT/current/behaviour"
  run -4 --separate-stderr pipe
  [ "$(field state)" = rolled_back ]
  [ "$(cat "$ROOT/current/version")" = v1.0.0 ]
  [ "$(answer)" = v1.0.0 ]
}

@test "a release that served before is not rolled back when its restart fails" {
  publish_server v1.0.0
  pipe >/dev/null
  publish_server v1.1.0
  dewy-check | dewy-fetch | dewy-deploy >"$BATS_TEST_TMPDIR/deployed"
  dewy-restart -- current/server <"$BATS_TEST_TMPDIR/deployed" >/dev/null
  echo dies-at-once >"$ROOT/current/behaviour"
  run -4 --separate-stderr dewy-restart -- current/server <"$BATS_TEST_TMPDIR/deployed"
  [ "$(field state)" = failed ]
  [ "$(cat "$ROOT/current/version")" = v1.1.0 ]
  [ "$(answer)" = v1.1.0 ]
  [ ! -e "$ROOT/.dewy/rejected.json" ]
}

@test "no server and no command: a sentence, and exit status 1" {
  publish_server v1.0.0
  run -1 --separate-stderr bash -c 'dewy-check | dewy-fetch | dewy-deploy | dewy-restart'
  [ "$(field error.message)" = "no server runs, and there is no command to start one" ]
}

@test "dewy rollback with no server and no command touches nothing" {
  publish_server v1.0.0
  pipe >/dev/null
  publish_server v1.1.0
  pipe >/dev/null
  stop_pid "$(cat "$ROOT/.dewy/serve.pid")"
  before=$(readlink "$ROOT/current")
  run -1 --separate-stderr dewy rollback
  assert_equal "$(field state) $(field error.message)" "failed no server runs, and there is no command to start one"
  assert_equal "$(readlink "$ROOT/current")" "$before"
  assert [ ! -e "$ROOT/.dewy/rejected.json" ]
  run -0 --separate-stderr dewy rollback -- current/server
  assert_equal "$(field state) $(answer)" "running v1.0.0"
}

# plan: the member of the document in $output, a line for each step.
plan() {
  jq -r '.plan[]' <<<"$output"
}

@test "--dry-run says what would be done and believed, whatever the stage before, and changes nothing" {
  local state supervisor
  publish_server v1.0.0
  run -0 --separate-stderr bash -c 'dewy-check | dewy-restart --dry-run -- current/server --fast'
  assert_equal "$(plan)" "start dewy-serve in $ROOT with the command current/server --fast
expect a generation above 0 in $ROOT/.dewy/serve.status within 1m, up for 1s
else leave v1.0.0 in place, and try again later"
  assert [ ! -e "$ROOT/.dewy" ]
  pipe >/dev/null
  supervisor=$(cat "$ROOT/.dewy/serve.pid")
  publish_server v1.1.0
  dewy-check >"$BATS_TEST_TMPDIR/available"
  dewy-fetch <"$BATS_TEST_TMPDIR/available" >"$BATS_TEST_TMPDIR/fetched"
  dewy-deploy <"$BATS_TEST_TMPDIR/fetched" | jq -c '.plan = ["extract"]' >"$BATS_TEST_TMPDIR/deployed"
  files_of_dewy >"$BATS_TEST_TMPDIR/before"
  for state in available fetched deployed; do
    run -0 --separate-stderr dewy-restart --dry-run --health-path /h --log-level info <"$BATS_TEST_TMPDIR/$state"
    assert_equal "$(field state)" "$state"
    assert_equal "$(plan | grep -v '^extract$')" "send SIGHUP to supervisor $supervisor (generation 1)
expect a generation above 1 in $ROOT/.dewy/serve.status within 1m, up for 1s
healthy at http://127.0.0.1:$PORT/h, 3 times in a row within 30s
else go back to v1.0.0, and ask the same of it"
    [[ $stderr == *"INFO: Plan step=\"send SIGHUP to supervisor $supervisor (generation 1)\""* ]]
    assert_document
  done
  assert_equal "$(plan | head -n 1)" extract
  files_of_dewy | diff "$BATS_TEST_TMPDIR/before" -
  assert_equal "$(answer)" v1.0.0
}

@test "--dry-run fails of what the step would fail of, and passes other documents on" {
  publish_server v1.0.0
  run -1 --separate-stderr bash -c 'dewy-check | dewy-restart --dry-run'
  assert_equal "$(field error.message)" "no server runs, and there is no command to start one"
  assert [ ! -e "$ROOT/.dewy" ]
  pipe >/dev/null
  dewy-check >"$BATS_TEST_TMPDIR/unchanged"
  run -0 --separate-stderr dewy-restart --dry-run <"$BATS_TEST_TMPDIR/unchanged"
  assert_equal "$output" "$(cat "$BATS_TEST_TMPDIR/unchanged")"
}

@test "a port that is taken: exit status 4, and the release is not the one to blame" {
  python3 -c "
import socket, sys, time
s = socket.socket(); s.bind(('127.0.0.1', $PORT)); s.listen()
open('$BATS_TEST_TMPDIR/taken', 'w').close()
time.sleep(600)" 3>&- &
  echo $! >"$BATS_TEST_TMPDIR/taken.pid"
  wait_until test -e "$BATS_TEST_TMPDIR/taken"
  publish_server v1.0.0
  run -4 --separate-stderr pipe
  [ "$(field error.code)" = supervisor ]
  [[ $(field error.message) == *"$PORT"* ]]
  [ ! -e "$ROOT/.dewy/rejected.json" ]
}

@test "assets mode passes a deployed document through" {
  publish v1.0.0
  dewy-check --mode assets | dewy-fetch | dewy-deploy >"$BATS_TEST_TMPDIR/deployed"
  run -0 --separate-stderr dewy-restart <"$BATS_TEST_TMPDIR/deployed"
  [ "$output" = "$(cat "$BATS_TEST_TMPDIR/deployed")" ]
}

@test "secrets reach neither the supervisor's environment nor the worker's" {
  publish_server v1.0.0
  export GITHUB_TOKEN=hidden-value WEBHOOK_SECRET=hidden-value
  pipe >/dev/null
  for pid in $(cat "$ROOT/.dewy/serve.pid") $(sed -n 's/^[0-9]*://p' "$ROOT/.dewy/serve.status"); do
    run -1 grep -c hidden-value "/proc/$pid/environ"
  done
}
