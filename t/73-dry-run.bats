# --dry-run: what would be done, and not a byte changed.
load common
load github
load deployed

prepare() {
  PORT=$(free_port)
  export DEWY_REGISTRY=file://$REGISTRY DEWY_SETTLE=1s DEWY_LOG_LEVEL=error
}

# unchanged COMMAND...: runs it, and fails when anything in ROOT, the cache or the registry is not as it was.
unchanged() {
  tree >"$BATS_TEST_TMPDIR/before"
  run --separate-stderr "$@"
  tree | diff "$BATS_TEST_TMPDIR/before" -
}
tree() {
  find "$ROOT" "$REGISTRY" "$BATS_TEST_TMPDIR/cache" -printf '%p %y %m %s %T@ %C@ %i\n' 2>/dev/null | sort
  find "$ROOT" "$REGISTRY" "$BATS_TEST_TMPDIR/cache" -type f -exec sha256sum {} + 2>/dev/null | sort
}

# plan: the steps in the document in $output, one a line, with the names of releases made the same.
plan() {
  jq -r '.plan[]' <<<"$output" | sed -E 's/[0-9]{8}T[0-9]{6}Z/STAMP/g'
}

@test "the first deployment: a plan in the document, on the log, and nothing created" {
  publish v1.0.0
  unchanged dewy once --dry-run --log-level info
  assert_success
  assert_document
  [ "$(field state)" = available ]
  [ "$(field notices)" = null ]
  local artifact=$REGISTRY/v1.0.0/app_linux_amd64.tar.gz
  [ "$(plan)" = "download app_linux_amd64.tar.gz ($(stat -c %s "$artifact") bytes) from file://$artifact
extract app_linux_amd64.tar.gz into releases/STAMP
make current lead to v1.0.0" ]
  [ "$(grep -c ' INFO: Plan step="' <<<"$stderr")" = 3 ]
  [ "$(wc -l <<<"$stderr")" = 3 ]
  [ -z "$(ls -A "$ROOT")" ]
}

@test "a later one: hooks that do not run, the switch, and what would go" {
  for minor in 0 1; do
    publish v1.$minor.0
    dewy once --keep 2 >/dev/null
  done
  publish v1.2.0
  unchanged dewy once --dry-run --keep 2 --before-deploy-hook "touch $BATS_TEST_TMPDIR/hooked" \
    --after-deploy-hook "touch $BATS_TEST_TMPDIR/hooked" --notifier "http://127.0.0.1:$PORT/"
  assert_success
  [ ! -e "$BATS_TEST_TMPDIR/hooked" ]
  [ "$(plan | tail -n +2)" = "run the hook before-deploy: touch $BATS_TEST_TMPDIR/hooked
extract app_linux_amd64.tar.gz into releases/STAMP
switch current from v1.1.0 to v1.2.0
run the hook after-deploy: touch $BATS_TEST_TMPDIR/hooked
remove release v1.0.0 (STAMP)
remove v1.0.0--app_linux_amd64.tar.gz from the cache" ]
  dewy once --keep 2 >/dev/null
  [ "$(ls "$ROOT/releases" | wc -l)" = 2 ]
  [ "$(ls "$ROOT/.dewy/cache" | sort | tr '\n' ' ')" = "current v1.1.0--app_linux_amd64.tar.gz v1.2.0--app_linux_amd64.tar.gz " ]
}

@test "what a run that was killed has left is in the plan, and stays" {
  publish v1.0.0
  dewy once >/dev/null
  mkdir "$ROOT/releases/.20240115T103045Z.partial"
  publish v1.1.0
  unchanged dewy once --dry-run
  [[ $(plan) == *"remove releases/.STAMP.partial, which a run that was killed has left"* ]]
}

@test "what is in the cache is taken from there, and from another cache, too" {
  publish v1.0.0
  export DEWY_CACHE=$BATS_TEST_TMPDIR/cache
  unchanged dewy once --dry-run
  [ ! -e "$DEWY_CACHE" ]
  dewy-check | dewy-fetch >/dev/null
  unchanged dewy once --dry-run
  [ "$(plan | head -n 1)" = "take app_linux_amd64.tar.gz from the cache" ]
  touch "$REGISTRY/v1.0.0/app_linux_amd64.tar.gz" # another upload, for all that anybody can tell
  unchanged dewy once --dry-run
  [[ $(plan | head -n 1) == "download "* ]]
  dewy-check | dewy-fetch >/dev/null
  unchanged dewy once --dry-run
  [ "$(plan | head -n 1)" = "take app_linux_amd64.tar.gz from the cache" ]
  truncate -s -1 "$DEWY_CACHE/v1.0.0--app_linux_amd64.tar.gz"
  unchanged dewy once --dry-run
  [[ $(plan | head -n 1) == "download "* ]]
}

@test "nothing to do is said, with the reason, and the exit status is that of the check" {
  publish v1.0.0
  dewy once >/dev/null
  unchanged dewy once --dry-run
  assert_success
  [ "$(plan)" = "nothing: up to date" ]
  mv "$REGISTRY" "$REGISTRY.gone"
  unchanged dewy once --dry-run
  assert_failure 2
  [ "$(field error.stage)" = check ]
  [ "$(field plan)" = null ]
}

@test "on a terminal the plan is lines, once" {
  publish v1.0.0
  unset DEWY_LOG_LEVEL
  run -0 script -qec "dewy once --dry-run" /dev/null
  [ "$(tr -d '\r' <<<"$output" | tail -n 1)" = "make current lead to v1.0.0" ]
  [ "${#lines[@]}" = 3 ]
  dewy once -l error >/dev/null
  run -0 script -qec "dewy once --dry-run" /dev/null
  [ "$(tr -d '\r' <<<"$output")" = "nothing: up to date" ]
}

@test "another run may hold the lock" {
  publish v1.0.0
  dewy once >/dev/null
  publish v1.1.0
  unchanged flock "$ROOT/.dewy/lock" dewy once --dry-run
  assert_success
  [[ $(plan) == *"switch current from v1.0.0 to v1.1.0" ]]
}

@test "dewy-deploy: a fetched document gets a plan and keeps its state, and then is deployed" {
  publish v1.0.0
  dewy-check | dewy-fetch >"$BATS_TEST_TMPDIR/document"
  unchanged dewy-deploy --dry-run <"$BATS_TEST_TMPDIR/document"
  assert_success
  assert_document
  [ "$(field state)" = fetched ]
  [ "$(plan)" = "extract app_linux_amd64.tar.gz into releases/STAMP
make current lead to v1.0.0" ]
  run -0 --separate-stderr dewy-deploy <<<"$output"
  [ "$(field state)" = deployed ]
}

@test "dewy-deploy: what would keep it from deploying is told, with the exit status" {
  publish v1.0.0
  dewy-check | dewy-fetch >"$BATS_TEST_TMPDIR/document"
  echo changed >>"$ROOT/.dewy/cache/v1.0.0--app_linux_amd64.tar.gz"
  unchanged dewy-deploy --dry-run <"$BATS_TEST_TMPDIR/document"
  assert_failure 5
  [ "$(field error.code)" = integrity ]
  dewy once >/dev/null
  unchanged dewy-deploy --dry-run <"$BATS_TEST_TMPDIR/document"
  assert_failure 6
  [ "$(field error.code)" = superseded ]
}

@test "dewy-deploy: a document in another state passes through" {
  publish v1.0.0
  dewy once >/dev/null
  dewy-check >"$BATS_TEST_TMPDIR/document"
  unchanged dewy-deploy --dry-run <"$BATS_TEST_TMPDIR/document"
  assert_success
  [ "$output" = "$(cat "$BATS_TEST_TMPDIR/document")" ]
}

@test "a server that does not run: its release would be kept" {
  publish_server v1.0.0
  dewy once --port "127.0.0.1:$PORT" -- current/server >/dev/null
  stop_pid "$(cat "$ROOT/.dewy/serve.pid")"
  unchanged dewy once --dry-run --port "127.0.0.1:$PORT" -- current/server
  assert_success
  [ "$(field reason)" = "server not running" ]
  [[ $(plan) == *"keep release v1.0.0 (STAMP), which is there"* ]]
  [ ! -e "$ROOT/.dewy/serve.pid" ] || gone "$(cat "$ROOT/.dewy/serve.pid")"
}

@test "a rollback: where it would lead, what would be held, and nothing is" {
  for minor in 0 1; do
    publish v1.$minor.0
    dewy once >/dev/null
  done
  unchanged dewy rollback --dry-run
  assert_success
  [ "$(plan)" = "hold the application at v1.0.0: nothing newer, up to v1.1.0, is deployed by itself
switch current from v1.1.0 to v1.0.0" ]
  unchanged dewy rollback --dry-run v7
  assert_failure 1
  [ "$(field error.message)" = "v7 is not the version of a release to go back to" ]
}

@test "--force forgets no failed attempts" {
  publish v1.0.0
  deployed v1.0.0
  failed_to_start v1.0.0--app_linux_amd64.tar.gz 10 "1 hour"
  unchanged dewy once --dry-run --force
  assert_success
  [ "$(field reason)" = forced ]
  unchanged dewy-check --dry-run --force
  [ "$(field state)" = available ]
  [ "$(field check.duration_ms)" != null ]
}

@test "GitHub is asked, conditionally where that can be, and nothing of it is remembered" {
  GITHUB=$BATS_TEST_TMPDIR/github
  REGISTRY=$GITHUB/repos/acme/app
  github_repository acme/app
  publish v1.0.0
  start_github
  export GH_TOKEN=ghp_write GITHUB_API_URL=$API DEWY_REGISTRY=ghr://acme/app
  mkdir "$ROOT/.dewy"
  unchanged dewy once --dry-run
  assert_success
  [[ $(plan | head -n 1) == "download app_linux_amd64.tar.gz ("*" bytes) from ghr://acme/app/tag/v1.0.0/app_linux_amd64.tar.gz" ]]
  [ -z "$(ls -A "$ROOT/.dewy")" ]
  dewy once --no-report >/dev/null
  dewy once --no-report >/dev/null # the download was counted: that is a change
  curl -sSf -X DELETE "$API/_control/requests"
  unchanged dewy once --dry-run
  [ "$(plan)" = "nothing: up to date" ]
  [ "$(github_requests .status)" = 304 ]
  github_control faults '{"fault": "rate-limit", "path": "/repos/", "count": 1}'
  unchanged dewy once --dry-run --retries 0
  assert_failure 2
  [ "$(jq .limits "$ROOT/.dewy/registry.json")" = null ]
}
