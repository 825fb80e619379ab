#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# --metrics-file: what it says, who can read it, and that it costs nothing when nobody wants it.
load common
load once
load github

prepare() {
  export DEWY_LOG_LEVEL=warn DEWY_REGISTRY=file://$REGISTRY DEWY_SETTLE=100ms DEWY_START_TIMEOUT=30s
  DIR=$BATS_TEST_TMPDIR/collector
  mkdir "$DIR"
  FILE=$DIR/app.prom
  export DEWY_METRICS_FILE=$FILE
  GITHUB=$BATS_TEST_TMPDIR/github
  cd "$BATS_TEST_TMPDIR"
}

# samples [GRAMMAR]: the samples of the file, as t/metrics.py prints them, without the labels that all of them have.
samples() {
  cmp -s "$FILE" read.$1 && [ -s samples.$1 ] || {
    cp "$FILE" read.$1
    "$BATS_TEST_DIRNAME/metrics.py" "${1:-openmetrics}" read.$1 >samples.$1
  }
  <samples.$1 sed -E 's/app="root",?//; s/,?root="[^"]*"//; s/\{,/{/; s/\{\}//'
}

# value SAMPLE: prints its value; nothing when there is no such sample.
value() {
  samples | awk -v name="$1" 'index($0, name " ") == 1 { print substr($0, length(name) + 2) }'
}

# is SAMPLE VALUE
is() {
  assert_equal "$1 $(value "$1")" "$1 $2"
}

# recent SAMPLE: it is a time of the last minute.
recent() {
  local value
  value=$(value "$1")
  [ -n "$value" ] || fail "no $1"
  jq -en --argjson value "$value" 'now - $value | . >= -1 and . < 60' >/dev/null || fail "$1 $value"
}

# document STATE [JQ-FILTER]: prints a document of this ROOT.
document() {
  jq -nc --arg root "$ROOT" --arg state "$1" '{dewy: 1, id: "20240115T103044Z-7f3a91", app: "root", host: "web-1", root: $root,
    mode: "server", state: $state} | '"${2:-.}"
}

@test "nothing is read, written or opened for metrics that nobody wants" {
  unset DEWY_METRICS_FILE
  publish v1.0.0
  dewy once >/dev/null
  ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 strace -f -qq -o trace -e trace=%file dewy once >/dev/null
  sed -i "s,$DEWY_BIN,BIN,g" trace
  run grep -iE 'metrics|otel|libcurl|dewy-notify' trace
  assert_output ""
  assert [ ! -e "$ROOT/.dewy/metrics.json" ]
  assert [ ! -e "$ROOT/.dewy/metrics.lock" ]
}

@test "a deployment of files tells what it did" {
  publish v1.0.0
  once --before-deploy-hook 'sleep 0.05' --after-deploy-hook 'exit 3'
  assert_success
  is 'dewy_deployments_total{result="deployed"}' 1
  is 'dewy_deployments_total{result="failed"}' 0
  is dewy_last_deployment_success 1
  is dewy_consecutive_failures 0
  is dewy_rejected_releases 0
  is 'dewy_hook_failures_total{hook="after-deploy"}' 1
  is 'dewy_hook_failures_total{hook="before-deploy"}' 0
  recent dewy_last_check_timestamp_seconds
  recent dewy_last_success_timestamp_seconds
  recent dewy_last_deployment_timestamp_seconds
  local phase
  for phase in check fetch deploy; do
    is "dewy_last_deployment_duration_seconds{phase=\"$phase\"}" "$(field "$phase.duration_ms / 1000")"
  done
  is 'dewy_last_deployment_hook_duration_seconds{hook="before-deploy"}' "$(field 'deploy.hooks[0].duration_ms / 1000')"
  is 'dewy_last_deployment_hook_duration_seconds{hook="after-deploy"}' "$(field 'deploy.hooks[1].duration_ms / 1000')"
  is "dewy_release_info{artifact=\"app_linux_amd64.tar.gz\",digest=\"$(field artifact.digest)\",mode=\"assets\",version=\"v1.0.0\"}" 1
  is 'dewy_available_release_info{artifact="app_linux_amd64.tar.gz",version="v1.0.0"}' 1
  samples | grep -qxE 'dewy_build_info\{commit="[^"]+",version="[0-9.]+"\} 1'
  assert_equal "$(samples | grep -cE 'server|supervisor|rate|pause')" 0
}

@test "every sample says whose it is, so that the files of several applications go together" {
  publish v1.0.0
  dewy once --app shop >/dev/null
  run -0 grep -vE '^(#|[a-z_]+\{app="shop",root="'"$ROOT"'"[,}])' "$FILE" || true
  assert_output ""
  run -0 "$BATS_TEST_DIRNAME/metrics.py" openmetrics "$FILE"
}

@test "an unchanged poll moves the times on, and counts nothing" {
  local before
  publish v1.0.0
  dewy once >/dev/null
  samples >before
  before=$(value dewy_last_check_timestamp_seconds)
  wait_until eval '[ $(date +%s%3N) -gt $(jq .checked_at "$ROOT/.dewy/metrics.json") ]'
  ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 strace -f -qq -o trace -e trace=execve,fsync,fdatasync dewy once >/dev/null
  jq -en "$(value dewy_last_check_timestamp_seconds) > $before" >/dev/null
  assert_equal "$(samples | grep -v 'last_\(check\|success\)')" "$(grep -v 'last_\(check\|success\)' before)"
  run grep -cE 'dewy-notify|sync' trace
  assert_output 0
}

@test "the real textfile collector of node_exporter takes the files of two applications" {
  local port other=$BATS_TEST_TMPDIR/other
  publish v1.0.0
  dewy once >/dev/null
  mkdir -m 755 "$other"
  dewy once --root "$other" --metrics-file "$DIR/other.prom" >/dev/null
  port=$(free_port)
  prometheus-node-exporter --collector.disable-defaults --collector.textfile --collector.textfile.directory="$DIR" \
    --web.listen-address="127.0.0.1:$port" >exporter.log 2>&1 3>&- &
  echo $! >exporter.pid
  wait_until curl -sSf -o scraped "http://127.0.0.1:$port/metrics"
  grep -qx 'node_textfile_scrape_error 0' scraped
  assert_equal "$(grep -c '^node_textfile_mtime_seconds{' scraped)" 2
  grep '^dewy_' scraped | sed -E 's/ [^ ]+$//' | sort >exposed
  assert_equal "$(cat exposed)" "$(grep -hv '^#' "$DIR"/*.prom | sed -E 's/ [^ ]+$//' | while IFS= read -r line; do
    # the exporter sorts the labels
    printf '%s{%s}\n' "${line%%\{*}" "$(sed -E 's/^[^{]*\{(.*)\}$/\1/; s/",/"\n/g' <<<"$line" | sort | paste -sd ,)"
  done | sort)"
  grep -qx '# TYPE dewy_consecutive_failures gauge' scraped
}

@test "readers of the older format see the same samples" {
  publish v1.0.0
  dewy once >/dev/null
  assert_equal "$(samples prometheus | sort)" "$(samples openmetrics | sort)"
  assert_equal "$(tail -n 1 "$FILE")" "# EOF"
}

@test "the file is whole at any time, readable by all, and what is not finished is no file for a collector" {
  publish v1.0.0
  (umask 077 && dewy once >/dev/null)
  assert_equal "$(stat -c %a "$FILE")" 644
  python3 - "$FILE" "$BATS_TEST_TMPDIR" 3>&- <<'IN' &
import os, sys
path, directory = sys.argv[1:]
while not os.path.exists(directory + "/enough"):
    for name in os.listdir(os.path.dirname(path)):
        assert name == os.path.basename(path) or not name.endswith(".prom"), name
    with open(path) as file:
        assert file.read().endswith("\n# EOF\n")
    open(directory + "/reading", "w").close()
IN
  reader=$!
  wait_until test -e reading
  for _ in $(seq 20); do dewy once >/dev/null; done
  touch enough
  wait $reader
  assert_equal "$(ls -A "$DIR")" app.prom
}

@test "failures are counted by their stage, in a row, and once for each run" {
  publish v1.0.0
  dewy once >/dev/null
  mv "$REGISTRY" "$REGISTRY.gone"
  once
  assert_failure 2
  is 'dewy_failures_total{stage="check"}' 1
  is dewy_consecutive_failures 1
  once
  dewy-notify --no-report <<<"$output" >/dev/null || true
  is 'dewy_failures_total{stage="check"}' 2
  is dewy_consecutive_failures 2
  is 'dewy_deployments_total{result="failed"}' 0
  recent dewy_last_check_timestamp_seconds
  mv "$REGISTRY.gone" "$REGISTRY"
  dewy once >/dev/null
  is dewy_consecutive_failures 0
  mkdir "$REGISTRY/v1.1.0"
  echo garbage >"$REGISTRY/v1.1.0/app_linux_amd64.tar.gz"
  once
  assert_failure 5
  is 'dewy_failures_total{stage="deploy"}' 1
  is 'dewy_deployments_total{result="failed"}' 1
  is dewy_last_deployment_success 0
  is 'dewy_available_release_info{artifact="app_linux_amd64.tar.gz",version="v1.1.0"}' 1
  assert_equal "$(samples | grep -c '^dewy_release_info.*version="v1.0.0"')" 1
}

@test "the stages by themselves come to the same numbers" {
  local stage
  publish v1.0.0
  output=
  for stage in check fetch deploy restart notify; do
    output=$("dewy-$stage" $([ $stage = check ] && echo --mode assets) <<<"$output")
    [ $stage != check ] || dewy-notify <<<"$output" >/dev/null
  done
  is 'dewy_deployments_total{result="deployed"}' 1
  recent dewy_last_deployment_timestamp_seconds
  dewy-notify <<<"$output" >/dev/null
  is 'dewy_deployments_total{result="deployed"}' 1
}

@test "a run that is told again after others counts no second time" {
  dewy-notify < <(document failed '.id = "one" | .error = {stage: "fetch"}') >/dev/null || true
  dewy-notify < <(document failed '.id = "two" | .error = {stage: "nonsense"}') >/dev/null || true
  dewy-notify < <(document failed '.id = "one" | .error = {stage: "fetch"}') >/dev/null || true
  is 'dewy_failures_total{stage="fetch"}' 1
  is 'dewy_failures_total{stage="other"}' 1
}

@test "a bad release: rolled back, rejected, and what was told of the server" {
  publish_server v1.0.0 says-ready
  PORT=$(free_port)
  dewy once --port "127.0.0.1:$PORT" -- current/server >/dev/null
  is 'dewy_deployments_total{result="running"}' 1
  is dewy_server_running 1
  is dewy_supervisor_generation 1
  is dewy_supervisor_restarts_total 0
  publish_server v1.1.0 says-ready
  dewy once --port "127.0.0.1:$PORT" -- current/server >/dev/null
  is dewy_supervisor_generation 2
  is dewy_supervisor_restarts_total 1
  assert_equal "$(samples | grep -c 'phase="restart"')" 1
  publish_server v2.0.0 dies-at-once
  once --port "127.0.0.1:$PORT" -- current/server
  assert_failure 4
  is 'dewy_deployments_total{result="rolled_back"}' 1
  is 'dewy_failures_total{stage="restart"}' 1
  is dewy_last_deployment_success 0
  is dewy_rejected_releases 1
  is dewy_server_running 1
  assert_equal "$(samples | grep -c '^dewy_release_info.*version="v1.1.0"')" 1
  local restarts
  restarts=$(value dewy_supervisor_restarts_total)
  dewy-serve --stop
  dewy once --port "127.0.0.1:$PORT" -- current/server >/dev/null # takes up what is deployed: no deployment
  is 'dewy_deployments_total{result="running"}' 2
  is dewy_supervisor_generation 1
  is dewy_supervisor_restarts_total $((restarts + 1))
  dewy-serve --stop
  dewy rollback --port "127.0.0.1:$PORT" v1.0.0 -- current/server >/dev/null
  is 'dewy_deployments_total{result="running"}' 3
  assert_equal "$(samples | grep -c '^dewy_release_info.*version="v1.0.0"')" 1
}

@test "a pid file and a status file elsewhere are looked at, also when dewy-notify speaks afterwards" {
  publish_server v1.0.0 says-ready
  PORT=$(free_port)
  export DEWY_PID_FILE=$BATS_TEST_TMPDIR/server.pid DEWY_STATUS_FILE=$BATS_TEST_TMPDIR/server.status
  dewy once --port "127.0.0.1:$PORT" -- current/server >/dev/null
  is dewy_server_running 1
  is dewy_supervisor_generation 1
  dewy-serve --stop
}

@test "what channels have missed is told, also right after they did" {
  mkdir "$ROOT/.dewy"
  jq -n '(now | todate) as $at | {channels: {"https:hooks.example.com": {at: $at, failures: 1, undelivered: {notices: 3, last_at: $at}},
    "exec:tell": {at: $at, failures: 2, told: 2}}}' >"$ROOT/.dewy/notify.json"
  document waiting | dewy-notify >/dev/null
  is 'dewy_undelivered_notices{channel="https:hooks.example.com"}' 3
  is 'dewy_undelivered_notices{channel="exec:tell"}' 0
  edit "$ROOT/.dewy/notify.json" '.channels["exec:tell"].undelivered.notices = 1'
  document waiting | dewy-notify >/dev/null # the same document again
  is 'dewy_undelivered_notices{channel="exec:tell"}' 1
}

@test "what GitHub still grants is told, and when it asks for a pause" {
  [ "$(uname -m)" = x86_64 ] || skip "the artifact is named for x86_64"
  github_release acme/app v1.0.0 '' app_linux_amd64
  start_github
  export GITHUB_API_URL=$API DEWY_REGISTRY=ghr://acme/app
  once
  assert_success
  is dewy_rate_limit "$(field check.requests_limit)"
  is dewy_rate_limit_remaining "$(field check.requests_left)"
  is dewy_rate_limit 60
  jq -en "$(value dewy_rate_limit_remaining) < 60" >/dev/null
  jq -en "$(value dewy_rate_limit_reset_timestamp_seconds) > now" >/dev/null
  assert_document
  github_control rate '{"remaining": 0, "reset_in": 600}'
  github_release acme/app v1.1.0 '' app_linux_amd64
  github_control reload
  once
  is dewy_rate_limit_remaining 0
  jq -en "$(value dewy_registry_paused_until_timestamp_seconds) > now" >/dev/null
  github_control rate '{"remaining": 60}'
  jq -n '{}' >"$ROOT/.dewy/registry.json"
  dewy once >/dev/null
  assert_equal "$(value dewy_registry_paused_until_timestamp_seconds)" ""
}

@test "names from outside cannot add a sample, a label or a line" {
  local evil=$'a"} 1\nevil_total{b="\\\r\e\u2028'
  jq -c --arg evil "$evil" '.app = $evil | .release = {version: $evil} | .artifact = {name: "x\\\""} |
    .check = {started_at: "2024-01-15T10:30:44.5Z", duration_ms: 1}' < <(document unchanged) >in
  dewy-notify <in >/dev/null
  run -0 "$BATS_TEST_DIRNAME/metrics.py" openmetrics "$FILE"
  refute_output --regexp '^evil'
  assert_output --partial 'version="a\"} 1\nevil_total{b=\"\\\ufffd\ufffd\ufffd"'
  assert_output --partial 'artifact="x\\\""'
  assert_output --partial '} 1705314644.501'
  "$BATS_TEST_DIRNAME/metrics.py" prometheus "$FILE" >/dev/null
  run -1 grep -P '[\x00-\x09\x0b-\x1f\x7f]' "$FILE"
}

@test "a file that cannot be written is said once, and fails nothing" {
  publish v1.0.0
  rmdir "$DIR"
  once
  assert_success
  assert_regex "$stderr" "WARN: Metrics failed what=\"file\" error=\"cannot write to $DIR: No such file or directory\" hint=\"create the directory"
  once
  assert_success
  assert_equal "$stderr" ""
  mkdir "$DIR"
  DEWY_LOG_LEVEL=info once
  assert_regex "$stderr" 'INFO: Metrics work again what="file"'
  is 'dewy_deployments_total{result="deployed"}' 1
}

@test "a full disk leaves the file as it was" {
  need_private_mounts
  publish v1.0.0
  in_private_mounts bash -c 'mount -t tmpfs -o size=64k tmpfs "$1" && dewy once && cp "$2" before &&
    ! head -c 100000 /dev/zero >"$1/full" 2>/dev/null && dewy once && cmp "$2" before && ls -A "$1" >names' - "$DIR" "$FILE" >/dev/null 2>log
  assert_regex "$(cat log)" "WARN: Metrics failed what=\"file\" error=\"$DIR: cannot write app.prom: No space left on device\" hint=\"free space"
  assert_equal "$(cat names)" $'app.prom\nfull'
}

@test "only a regular file is replaced: no link, FIFO, socket, device or directory" {
  local other=$BATS_TEST_TMPDIR/other path
  publish v1.0.0
  echo kept >"$other"
  ln -s "$other" "$DIR/link.prom"
  mkfifo "$DIR/fifo.prom"
  mkdir "$DIR/directory.prom"
  python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$DIR/socket.prom"
  for path in link fifo directory socket; do
    rm -f "$ROOT/.dewy/metrics.json"
    once --metrics-file "$DIR/$path.prom"
    assert_success
    assert_regex "$stderr" "WARN: Metrics failed what=\"file\" error=\"$DIR/$path.prom is there, and no regular file\" hint=\"name a file"
    run dewy-doctor --metrics-file "$DIR/$path.prom"
    assert_output --partial "$DIR/$path.prom is there, and no regular file"
  done
  for path in "$DIR/" . "$DIR/.."; do
    rm -f "$ROOT/.dewy/metrics.json"
    once --metrics-file "$path"
    assert_success
    assert_regex "$stderr" "error=\"$path is the name of no file\""
  done
  assert_equal "$(ls -A "$DIR")" $'directory.prom\nfifo.prom\nlink.prom\nsocket.prom'
  assert [ -L "$DIR/link.prom" -a -p "$DIR/fifo.prom" -a -S "$DIR/socket.prom" ]
  assert_equal "$(cat "$other")" kept
  once --metrics-file collector/relative.prom
  assert [ -f "$DIR/relative.prom" ]
}

@test "a clock that was ahead holds no time in the future" {
  publish v1.0.0
  dewy once >/dev/null
  edit "$ROOT/.dewy/metrics.json" '.checked_at = 4102444800000 | .since = 4102444800000'
  dewy once >/dev/null
  recent dewy_last_check_timestamp_seconds
  jq -e '.since <= now * 1000' "$ROOT/.dewy/metrics.json"
}

@test "times that cannot be count for nothing" {
  local most=9007199254740991 section
  section="{started_at: \"9999-12-31T23:59:59Z\", duration_ms: $most}"
  dewy-notify >/dev/null < <(document running ".release = {version: \"v1.0.0\"} | .check = $section | .deploy = $section |
    .restart = {started_at: \"2024-01-15T10:30:46Z\", duration_ms: -5}")
  assert_equal "$(samples | grep -E 'duration_seconds|last_check')" ""
  recent dewy_last_deployment_timestamp_seconds
}

@test "a state that is damaged begins anew, and a dry run changes none" {
  publish v1.0.0
  dewy once --dry-run >/dev/null
  assert [ ! -e "$FILE" ]
  dewy once >/dev/null
  echo '{"deployments":' >"$ROOT/.dewy/metrics.json"
  dewy once >/dev/null
  is 'dewy_deployments_total{result="deployed"}' 0
  publish v1.1.0
  dewy once >/dev/null
  is 'dewy_deployments_total{result="deployed"}' 1
}

@test "runs at once count each of theirs" {
  local number pid pids=()
  for number in $(seq 20); do
    document failed ".id = \"$number\" | .error = {stage: \"fetch\"}" >in.$number
    dewy-notify <in.$number >/dev/null 2>&1 3>&- &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait $pid || true; done
  is 'dewy_failures_total{stage="fetch"}' 20
  exec 9>"$ROOT/.dewy/metrics.lock"
  flock 9
  run --separate-stderr dewy-notify 9>&- < <(document failed '.error = {stage: "fetch"}')
  exec 9>&-
  assert_regex "$stderr" 'WARN: Cannot keep the metrics error="another run holds the lock'
  is 'dewy_failures_total{stage="fetch"}' 20
}

@test "dewy-metrics(7) has every metric, with its type and labels" {
  local page=$BATS_TEST_DIRNAME/../share/man/man7/dewy-metrics.7
  assert_equal "$(sed -nE 's/^\.It Li (dewy_[a-z_]+) Ta ([a-z]+) Ta .*/\1 \2/p' "$page")" \
    "$(sed -nE 's/^METRIC\("([a-z_]+)", ([A-Z]+), .*/\1 \L\2/p' "$BATS_TEST_DIRNAME/../src/metrics/metrics.def")"
}
