load common

prepare() {
  export DEWY_REGISTRY=file://$REGISTRY DEWY_LOG_LEVEL=error
  publish v1.0.0
  dewy-check | dewy-fetch >"$BATS_TEST_TMPDIR/fetched"
}

deploy() {
  run --separate-stderr dewy-deploy "$@" <"$BATS_TEST_TMPDIR/fetched"
}

@test "hooks run in ROOT, before the switch and after it" {
  deploy --before-deploy-hook 'pwd >where; [ ! -e current ] && echo before >order' \
    --after-deploy-hook 'cat current/version >>order'
  assert_success
  [ "$(cat "$ROOT/where")" = "$ROOT" ]
  [ "$(cat "$ROOT/order")" = $'before\nv1.0.0' ]
  [ "$(jq -c '[.deploy.hooks[] | [.name, .exit_code]]' <<<"$output")" = '[["before-deploy",0],["after-deploy",0]]' ]
  assert_document
}

@test "hooks know what is deployed, and read the document" {
  deploy --before-deploy-hook 'env | grep ^DEWY_ | sort >env; jq -r .id >id'
  assert_success
  [ "$(cut -d= -f1 "$ROOT/env" | tr '\n' ' ')" = \
    "DEWY_APP DEWY_ARTIFACT DEWY_ID DEWY_PREVIOUS_VERSION DEWY_RELEASE_DIR DEWY_ROOT DEWY_VERSION " ]
  grep -q '^DEWY_VERSION=v1.0.0$' "$ROOT/env"
  grep -q "^DEWY_RELEASE_DIR=$(field deploy.path)$" "$ROOT/env"
  [ "$(cat "$ROOT/id")" = "$(field id)" ]
}

@test "when a hook began is told to the millisecond" {
  deploy --before-deploy-hook 'sleep 0.1' --after-deploy-hook true
  assert_success
  assert_document
  jq -e 'def ms: capture("^(?<seconds>.*)\\.(?<ms>[0-9]{3})Z$") | (.seconds + "Z" | fromdate) * 1000 + (.ms | tonumber);
    .deploy | (.started_at | ms) as $begin | .hooks | map(.started_at | ms)
      | .[0] >= $begin and .[0] < $begin + 60000 and .[1] > .[0]' <<<"$output"
}

@test "hooks do not see dewy's secrets" {
  GITHUB_TOKEN=hidden SLACK_TOKEN=hidden WEBHOOK_SECRET=hidden AWS_SECRET_ACCESS_KEY=hidden \
    GOOGLE_APPLICATION_CREDENTIALS=hidden OTEL_EXPORTER_OTLP_HEADERS=hidden OTEL_EXPORTER_OTLP_TRACES_HEADERS_FILE=hidden deploy --before-deploy-hook 'env >env'
  assert_success
  run -1 grep hidden "$ROOT/env"
}

@test "whatever bytes a hook prints, the document is JSON in UTF-8" {
  publish v1.0.0
  dewy-check | dewy-fetch | dewy-deploy --before-deploy-hook "printf 'a\\377\\303\\251\\303'" >"$BATS_TEST_TMPDIR/deployed"
  iconv -f UTF-8 -t UTF-8 "$BATS_TEST_TMPDIR/deployed" >/dev/null
  [ "$(jq -r '.deploy.hooks[0].stdout' "$BATS_TEST_TMPDIR/deployed")" = $'a\uFFFD\u00e9\uFFFD' ]
}

@test "a hook that fails is reported and does not stop the deployment" {
  deploy --before-deploy-hook 'echo out; echo err >&2; exit 7'
  assert_success
  [ "$(cat "$ROOT/current/version")" = v1.0.0 ]
  [ "$(jq -c '.deploy.hooks[0] | [.exit_code, .stdout, .stderr]' <<<"$output")" = '[7,"out\n","err\n"]' ]
  [[ $stderr == *'ERROR: Before deploy hook failure error="the before-deploy hook failed with exit code 7" exit_code="7"'* ]]
  [ "$(jq -r '.notices[] | select(.kind == "hook") | .text' <<<"$output")" != "" ]
}

@test "--abort-on-hook-failure keeps the old release" {
  deploy --before-deploy-hook false --abort-on-hook-failure
  assert_failure 4
  [ "$(field error.code)" = hook ]
  [ ! -e "$ROOT/current" ]
  assert_document
}

@test "a hook that hangs is ended with its children, and reported" {
  deploy --hook-timeout 3s --before-deploy-hook 'sleep 1000 & echo $! >child; wait'
  assert_success
  [ "$(jq -r '.deploy.hooks[0].exit_code' <<<"$output")" = 143 ]
  wait_until gone "$(cat "$ROOT/child")"
  [[ $stderr == *"the before-deploy hook timed out"* ]]
}

@test "a background process of a hook that keeps its output open is not waited for" {
  deploy --after-deploy-hook 'sleep 1000 & echo $! >child'
  assert_success
  kill "$(cat "$ROOT/child")"
}

@test "of the output of a hook 64 KiB are kept" {
  deploy --before-deploy-hook 'head -c 1000000 /dev/zero | tr "\0" x'
  assert_success
  [ "$(jq -r '.deploy.hooks[0].stdout | length' <<<"$output")" = 65536 ]
}

@test "the record of the release, which every poll reads, holds nothing of what hooks printed" {
  deploy --before-deploy-hook 'echo printed' --after-deploy-hook 'echo printed'
  assert_success
  assert_output --partial printed
  assert [ -s "$ROOT"/.dewy/releases/*.json ]
  run -1 grep -e printed -e notices "$ROOT"/.dewy/releases/*.json
}

@test "output of a hook cannot forge a log line" {
  deploy --log-level info --before-deploy-hook 'printf "a\n2024-01-01T00:00:00Z ERROR: forged\n\033[2J"'
  assert_success
  [ "$(grep -c '^2024-01-01T00:00:00Z ERROR' <<<"$stderr")" = 0 ]
  [[ $stderr == *'stdout="a\n2024-01-01T00:00:00Z ERROR: forged\n\u001b[2J"'* ]]
}

@test "a run that was killed in the hook after the switch: the next one runs the hook and comes to the end" {
  mkfifo "$BATS_TEST_TMPDIR/pipe"
  dewy-deploy --after-deploy-hook "echo \$\$ >'$BATS_TEST_TMPDIR/hook.pid'; echo >'$BATS_TEST_TMPDIR/pipe'; exec sleep 1000" <"$BATS_TEST_TMPDIR/fetched" >/dev/null 3>&- &
  pid=$!
  read -r _ <"$BATS_TEST_TMPDIR/pipe"
  kill -KILL $pid
  wait_until gone $pid # it holds the lock until then
  run -0 --separate-stderr dewy once --after-deploy-hook 'echo ran >>ran'
  [ "$(field reason)" = "deployment not finished" ]
  [ "$(field state)" = deployed ]
  [ "$(field deploy.reused)" = null ]
  [ "$(cat "$ROOT/ran")" = ran ]
  [ "$(ls "$ROOT/releases" | wc -l)" = 1 ]
  [ "$(jq -r .state "$ROOT/.dewy/history.jsonl")" = deployed ]
  run -0 --separate-stderr dewy once
  [ "$(field state)" = unchanged ]
}

@test "a deployment that is told to end takes its hook with it" {
  mkfifo "$BATS_TEST_TMPDIR/pipe"
  dewy-deploy --before-deploy-hook "echo \$\$ >'$BATS_TEST_TMPDIR/hook.pid'; echo >'$BATS_TEST_TMPDIR/pipe'; exec sleep 1000" \
    <"$BATS_TEST_TMPDIR/fetched" >/dev/null 3>&- &
  pid=$!
  read -r _ <"$BATS_TEST_TMPDIR/pipe"
  kill -TERM $pid
  status=0
  wait $pid || status=$?
  [ $status = 143 ]
  gone "$(cat "$BATS_TEST_TMPDIR/hook.pid")"
  run -0 --separate-stderr dewy once
  [ "$(field state)" = deployed ]
}
