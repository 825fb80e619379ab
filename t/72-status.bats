load common

prepare() {
  PORT=$(free_port)
  export DEWY_REGISTRY=file://$REGISTRY DEWY_SETTLE=1s DEWY_LOG_LEVEL=error
}

once_server() {
  dewy once --port "127.0.0.1:$PORT" -- current/server
}

# alone: true when no older generation is there any more.
alone() {
  [ "$(grep -c '^[0-9]' "$ROOT/.dewy/serve.status")" = 1 ]
}

@test "status of a root where nothing was deployed" {
  run -0 dewy status
  assert_line --regexp '^current +nothing is deployed$'
  assert_line --regexp '^server +not running$'
  assert_line --regexp '^available +not known: dewy once --dry-run asks the registry$'
  run -0 dewy history
  assert_output "Nothing was deployed yet."
}

# members: the paths of all members in $output, arrays as one step.
members() {
  jq -r '[paths | map(if type == "number" then "[]" else . end) | join(".") | gsub("\\.\\[\\]"; "[]")] | unique[]' <<<"$output"
}

@test "status tells what is deployed, what serves it, what is rejected and what happened last" {
  publish_server v1.0.0
  once_server >/dev/null
  publish_server v1.1.0
  once_server >/dev/null
  publish_server v1.2.0 dies-at-once
  run -4 once_server
  wait_until alone
  run -0 dewy status
  assert_line --regexp '^current +v1.1.0 since 20.*Z, new version$'
  assert_line --regexp '^ +app_linux_amd64.tar.gz, sha256:[0-9a-f]{64}$'
  assert_line --regexp "^ +$ROOT/releases/20.*Z\$"
  assert_line --regexp '^server +generation 2 serves v1.1.0, worker [0-9]+, up for [0-9]+m?s$'
  assert_line --regexp '^supervisor +dewy-serve, pid [0-9]+, the last start failed: exit 1$'
  assert_line --regexp "^available +v1.2.0, rejected, found at 20.*Z in file://$REGISTRY\$"
  assert_line --regexp '^releases +v1.2.0  20.*Z  rejected$'
  assert_line --regexp '^ +v1.1.0  20.*Z  current$'
  assert_line --regexp '^ +v1.0.0  20.*Z  previous$'
  assert_line --regexp '^rejected +v1.2.0 at 20.*Z: v1.2.0 did not start'
  assert_line --regexp '^ +sha256:[0-9a-f]{64}; dewy rollback --forget v1.2.0 clears it$'
  assert_line --regexp '^failures +1 in a row, the last at 20.*Z$'
  assert_line --regexp '^error +application at 20.*Z: \[restart\] v1.2.0 did not start'
  assert_line --regexp '^ +read what the server printed'
  assert_line --regexp '^last +v1.2.0 rolled_back at 20.*Z$'
  assert_line --regexp '^next poll +now$'
}

@test "status --json has the same, and dewy(1) has every member" {
  publish_server v1.0.0
  once_server >/dev/null
  publish_server v1.1.0 dies-at-once
  run -4 once_server
  failed_to_start v1.0.0--app_linux_amd64.tar.gz 10 "1 hour"
  rm "$ROOT/.dewy/offered.json" # it is another registry
  jq -n '{limits: [{host: "api.example.com", identity: "", until: (now + 600 | todate)}], found: {release: {version: "v1.1.0"},
    newer_rejected: "v1.1.1", registry: "ghr://acme/app", at: "2024-01-15T10:31:15Z"}}' >"$ROOT/.dewy/registry.json"
  run -0 dewy status --json
  [ "$(field current.version)" = v1.0.0 ]
  [ "$(field current.reason)" = "new version" ]
  [ "$(field current.since)" = "$(jq -r 'select(.state == "running") | .time' "$ROOT/.dewy/history.jsonl")" ]
  [ "$(field current.digest)" = "sha256:$(sha256sum <"$REGISTRY/v1.0.0/app_linux_amd64.tar.gz" | cut -d' ' -f1)" ]
  [ "$(field current.path)" = "$(realpath "$ROOT/current")" ]
  [ "$(field server.running)" = true ]
  [ "$(field server.pid)" = "$(cat "$ROOT/.dewy/serve.pid")" ]
  [ "$(field server.version)" = v1.0.0 ]
  [ "$(field server.is_current)" = true ]
  [ "$(field 'rejected[0].version')" = v1.1.0 ]
  [ "$(field 'rejected[0].digest')" = "sha256:$(sha256sum <"$REGISTRY/v1.1.0/app_linux_amd64.tar.gz" | cut -d' ' -f1)" ]
  [ "$(jq -c '[.releases[] | [.version, .marks]]' <<<"$output")" = '[["v1.1.0",["rejected"]],["v1.0.0",["current"]]]' ]
  [ "$(field available.version)" = v1.1.0 ]
  [ "$(field available.is_rejected)" = true ]
  [ "$(field error.code)" = application ]
  [ "$(field last.state)" = rolled_back ]
  [ "$(field next.poll_now)" = false ]
  [ "$(field next.asked_by)" = api.example.com ]
  [ "$(field next.failed_starts)" = 10 ]
  local member page=$BATS_TEST_DIRNAME/../share/man/man1/dewy.1
  for member in $(members | grep -v '^last\.\|^rejected\[\]\.\(cache_key\|revision\)$'); do
    grep -qxE "\.It Li ${member//[][]/.} Ta .*" "$page" || fail "$member is not in dewy(1)"
  done
  run -0 dewy status
  assert_line --regexp '^available +v1.1.0, rejected, found at 2024-01-15T10:31:15Z in ghr://acme/app$'
  assert_line --regexp '^ +v1.1.1 is newer, and rejected$'
  assert_line --regexp '^next poll +20.*Z, api.example.com has asked for no request before$'
  assert_line --regexp '^next start +20.*Z, after 10 failed$'
}

@test "status tells what is available although it cannot be deployed, and once nothing is newer, nothing is written" {
  publish v1.0.0
  dewy once >/dev/null
  publish v1.1.0
  run -0 --separate-stderr dewy once --dry-run
  run -0 dewy status --json
  assert_equal "$(field available.version)" v1.0.0
  echo broken >"$REGISTRY/v1.1.0/app_linux_amd64.tar.gz"
  run -5 dewy once
  run -0 dewy status --json
  assert_equal "$(field available.version) $(field current.version)" "v1.1.0 v1.0.0"
  local noted
  noted=$(stat -c %i:%y "$ROOT/.dewy/offered.json")
  run -5 dewy once
  assert_equal "$(stat -c %i:%y "$ROOT/.dewy/offered.json")" "$noted"
}

# failed_to_start KEY TIMES NEXT: as dewy-restart leaves attempts.json.
failed_to_start() {
  jq -n --arg key "$1" --argjson failures "$2" --arg next "$(date -u -d "$3" +%FT%TZ)" \
    '{cache_key: $key, failures: $failures, next_at: $next}' >"$ROOT/.dewy/attempts.json"
}

@test "status looks at the process: one of another release than current is told" {
  publish_server v1.0.0
  once_server >/dev/null
  publish_server v1.1.0
  once_server >/dev/null
  ln -sfn "releases/$(ls "$ROOT/releases" | head -n 1)" "$ROOT/current"
  run -0 dewy status
  assert_line --regexp '^current +v1.0.0 since 20.*Z, new version$'
  assert_line --regexp '^server +generation 2 serves v1.1.0, which is not what current leads to, worker'
  run -0 dewy status --json
  [ "$(field server.is_current)" = false ]
}

@test "status looks at the process: a program out of the release itself needs no history" {
  publish v1.0.0
  mkdir -p "$BATS_TEST_TMPDIR/tree"
  cp /bin/sleep "$BATS_TEST_TMPDIR/tree/server"
  tar -C "$BATS_TEST_TMPDIR/tree" -czf "$REGISTRY/v1.0.0/app_linux_amd64.tar.gz" server
  dewy once -- current/server 600 >/dev/null
  rm "$ROOT/.dewy/history.jsonl"
  run -0 dewy status --json
  [ "$(field server.version)" = v1.0.0 ]
  [ "$(field server.is_current)" = true ]
  [ "$(field current.reason)" = "new version" ]
  [ "$(field current.since)" = "$(field current.deployed_at)" ]
}

# later_than TIME: true when it is another second.
later_than() {
  [ "$(date -u +%FT%TZ)" != "$1" ]
}

@test "a server that was only started again keeps the time and the reason of its deployment" {
  publish_server v1.0.0
  once_server >/dev/null
  run -0 dewy status --json
  local since
  since=$(field current.since)
  stop_pid "$(cat "$ROOT/.dewy/serve.pid")"
  wait_until later_than "$since"
  run -0 --separate-stderr once_server
  [ "$(field reason)" = "server not running" ]
  run -0 dewy status --json
  [ "$(field current.since)" = "$since" ]
  [ "$(field current.reason)" = "new version" ]
  [ "$(field server.version)" = v1.0.0 ]
}

@test "status tells that runs fail and why, also before anything was deployed, until one does not" {
  mv "$REGISTRY" "$REGISTRY.gone"
  run -2 dewy once
  run -2 dewy once
  run -0 dewy status
  assert_line --regexp '^current +nothing is deployed$'
  assert_line --regexp '^failures +2 in a row, the last at 20.*Z$'
  assert_line --regexp "^error +registry at 20.*Z: \[check\] cannot open the directory $REGISTRY: "
  assert_line --regexp '^ +create the directory, or correct the registry URL$'
  run -0 dewy status --json
  [ "$(field failures.count)" = 2 ]
  [ "$(field error.stage)" = check ]
  mv "$REGISTRY.gone" "$REGISTRY"
  publish v1.0.0
  dewy once >/dev/null
  run -0 dewy status
  refute_line --partial failures
  refute_line --regexp '^error'
}

@test "status needs no right but to read, takes no lock, and writes nothing" {
  [ "$(id -u)" -eq 0 ] || skip "needs root to become somebody else"
  local dir as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
  dir=$(mktemp -d "${TMPDIR:-/tmp}/dewy-status.XXXXXX")
  chmod 755 "$dir"
  cp "$DEWY_BIN/dewy" "$dir"
  mv "$ROOT" "$dir/root"
  export DEWY_ROOT=$dir/root
  publish v1.0.0
  dewy once >/dev/null
  find "$dir" -printf '%p %T@ %C@ %i\n' | sort >"$BATS_TEST_TMPDIR/before"
  run -0 flock "$dir/root/.dewy/lock" "${as[@]}" "$dir/dewy" status
  assert_line --regexp '^current +v1.0.0 since'
  run -0 "${as[@]}" "$dir/dewy" history
  assert_line --partial v1.0.0
  find "$dir" -printf '%p %T@ %C@ %i\n' | sort | diff "$BATS_TEST_TMPDIR/before" -
  chmod 700 "$dir/root/.dewy"
  run -3 "${as[@]}" "$dir/dewy" status
  [[ $output == *"cannot look into $dir/root/.dewy: "*"; run as its owner, or let others read it" ]]
  rm -r "$dir"
}

@test "history has one line per deployment, oldest first, and -n limits it" {
  for minor in 0 1 2; do
    publish v1.$minor.0
    dewy once >/dev/null
    dewy once >/dev/null
  done
  run -0 dewy history --json
  [ "$(jq -r .version <<<"$output")" = $'v1.0.0\nv1.1.0\nv1.2.0' ]
  [ "$(jq -r 'select(.version == "v1.1.0") | .previous' <<<"$output")" = v1.0.0 ]
  run -0 dewy history -n 1
  [ "${#lines[@]}" = 2 ]
  [[ ${lines[1]} == *deployed*v1.2.0*v1.1.0* ]]
  for minor in 3 4 5 6 7 8 9 10; do
    publish v1.$minor.0
    dewy once >/dev/null
  done
  run -0 dewy history
  [ "${#lines[@]}" = 11 ]
  run -0 dewy history -n 0 --json
  [ "${#lines[@]}" = 11 ]
}

@test "the columns of the history stay in line, however long a version is, and nothing in it moves the terminal" {
  publish v1.0.0
  dewy once >/dev/null
  publish v1.1.0-a-very-long.pre-release.of.this.version
  dewy once --registry "file://$REGISTRY?pre-release=true" >/dev/null
  publish v1.2.0
  dewy once >/dev/null
  run -0 dewy history
  [ "$(awk '{ print index($0, $NF == "WHY" ? "WHY" : "new version") }' <<<"$output" | sort -u | wc -l)" = 1 ]
  [[ ${lines[3]} == *" v1.1.0-a-very-long.pre-release.of.this.version  "* ]]
  echo '{"time":"2024-01-15T10:31:15Z","state":"deployed","version":"v1\u001b[2J","reason":"x"}' >>"$ROOT/.dewy/history.jsonl"
  run -0 dewy history -n 1
  [[ $output == *'v1\u001b[2J'* ]]
}

@test "the history tells of rollbacks by hand, and who it was" {
  for minor in 0 1; do
    publish v1.$minor.0
    dewy once >/dev/null
  done
  LOGNAME=alice dewy rollback >/dev/null
  run -0 dewy history -n 1
  [[ ${lines[1]} == *"v1.0.0 "*"v1.1.0 "*"rolled back by hand by alice" ]]
  run -0 dewy status
  assert_line --regexp '^current +v1.0.0 since .*, rolled back by hand by alice$'
  assert_line --regexp '^ +v1.0.0  20.*Z  current, held$'
  assert_line --regexp '^rejected +v1.1.0 at 20.*Z: rolled back by hand by alice, held at v1.0.0$'
}

@test "the same failure again and again is one line in the history" {
  mkdir "$REGISTRY/v1.0.0"
  printf 'damaged' | gzip | head -c 20 >"$REGISTRY/v1.0.0/app_linux_amd64.tar.gz"
  for _ in 1 2 3; do run -5 dewy once; done
  [ "$(wc -l <"$ROOT/.dewy/history.jsonl")" = 1 ]
  [ "$(jq -r .error.code "$ROOT/.dewy/history.jsonl")" = integrity ]
}

@test "a line of the history torn by a power cut harms no other" {
  publish v1.0.0
  dewy once >/dev/null
  printf '{"time":"2024-01-' >>"$ROOT/.dewy/history.jsonl"
  publish v1.1.0
  dewy once >/dev/null
  run -0 dewy history --json
  [ "$(jq -r .version <<<"$output")" = $'v1.0.0\nv1.1.0' ]
}

@test "rollback goes to the previous release, restarts the server, and stays there" {
  publish_server v1.0.0
  once_server >/dev/null
  publish_server v1.1.0
  once_server >/dev/null
  run -0 --separate-stderr dewy rollback
  [ "$(field state)" = running ]
  wait_until serves v1.0.0
  run -0 --separate-stderr once_server
  [ "$(field state)" = unchanged ]
  wait_until serves v1.0.0
  publish_server v1.2.0
  run -0 --separate-stderr once_server
  wait_until serves v1.2.0
}

@test "rollback to a version that is on disk holds everything after it; another rollback moves on" {
  for minor in 0 1 2; do
    publish v1.$minor.0
    dewy once >/dev/null
  done
  run -0 --separate-stderr dewy rollback v1.0.0
  [ "$(cat "$ROOT/current/version")" = v1.0.0 ]
  run -0 --separate-stderr dewy once
  [ "$(field state)" = unchanged ]
  run -0 --separate-stderr dewy rollback 1.1.0
  [ "$(cat "$ROOT/current/version")" = v1.1.0 ]
  run -0 --separate-stderr dewy once
  [ "$(field state)" = unchanged ]
  publish v1.3.0
  run -0 --separate-stderr dewy once
  [ "$(cat "$ROOT/current/version")" = v1.3.0 ]
}

@test "rollback to what is not there says what is" {
  publish v1.0.0
  dewy once >/dev/null
  run -1 --separate-stderr dewy rollback v0.9.0
  [ "$(field error.message)" = "v0.9.0 is not the version of a release to go back to" ]
  [ "$(field error.hint)" = "on disk are v1.0.0" ]
  run -1 --separate-stderr dewy rollback 1.0.0
  [ "$(field error.message)" = "v1.0.0 is deployed already" ]
  run -1 --separate-stderr dewy rollback
  [ "$(field error.message)" = "there is no previous release" ]
}

@test "a rollback that cannot be is a mistake of whoever asked for it, and no failure of the application" {
  publish v1.0.0
  dewy once >/dev/null
  cp -r "$ROOT/.dewy" "$BATS_TEST_TMPDIR/before"
  run -1 --separate-stderr dewy rollback --notifier "http://127.0.0.1:$(free_port)/" v9
  assert_regex "$stderr" 'ERROR: v9 is not the version of a release to go back to'
  run -1 dewy-deploy --rollback v9
  run -0 diff -r "$BATS_TEST_TMPDIR/before" "$ROOT/.dewy"
  run -0 dewy status
  refute_line --regexp '^(error|failures)'
}

@test "--force deploys a held version, and what it is newer than is held no longer" {
  for minor in 0 1; do
    publish v1.$minor.0
    dewy once >/dev/null
  done
  dewy rollback >/dev/null
  run -0 --separate-stderr dewy once --force
  [ "$(cat "$ROOT/current/version")" = v1.1.0 ]
  [ "$(jq '.versions | length' "$ROOT/.dewy/rejected.json")" = 0 ]
  run -0 --separate-stderr dewy once
  [ "$(field state)" = unchanged ]
}

@test "a rollback while another run holds the lock is not silently left out: exit status 6" {
  publish v1.0.0
  dewy once >/dev/null
  publish v1.1.0
  dewy once >/dev/null
  run -6 --separate-stderr flock "$ROOT/.dewy/lock" dewy rollback
  [[ $stderr == *"another run holds the lock $ROOT/.dewy/lock; "*--lock-wait* ]]
  [ "$(cat "$ROOT/current/version")" = v1.1.0 ]
}

@test "a second copy of what is deployed, made by --force, is nothing to go back to" {
  publish v1.0.0
  dewy once >/dev/null
  publish v1.1.0
  dewy once >/dev/null
  dewy once --force >/dev/null
  run -0 --separate-stderr dewy rollback
  [ "$(cat "$ROOT/current/version")" = v1.0.0 ]
}

@test "a rollback of a rollback goes further back" {
  for minor in 0 1 2; do
    publish v1.$minor.0
    dewy once >/dev/null
  done
  dewy rollback >/dev/null
  [ "$(cat "$ROOT/current/version")" = v1.1.0 ]
  run -0 --separate-stderr dewy rollback
  [ "$(cat "$ROOT/current/version")" = v1.0.0 ]
  run -1 --separate-stderr dewy rollback
  [ "$(field error.message)" = "there is no previous release" ]
  [ "$(field error.hint)" = "on disk are v1.0.0, v1.1.0, v1.2.0" ]
}

@test "of two releases of the version, rollback takes the newer one" {
  publish v1.0.0
  dewy once >/dev/null
  dewy once --force >/dev/null
  local newer
  newer=$(readlink "$ROOT/current")
  publish v1.1.0
  dewy once >/dev/null
  run -0 --separate-stderr dewy rollback v1.0.0
  [ "$(readlink "$ROOT/current")" = "$newer" ]
}

@test "a rollback to a release that is empty is refused, and nothing changes" {
  for minor in 0 1; do
    publish v1.$minor.0
    dewy once >/dev/null
  done
  local release
  release=$ROOT/releases/$(ls "$ROOT/releases" | head -n 1)
  rm "$release"/*
  run -5 --separate-stderr dewy rollback
  [ "$(field error.message)" = "the release v1.0.0 in $release is empty" ]
  [ "$(cat "$ROOT/current/version")" = v1.1.0 ]
  [ ! -e "$ROOT/.dewy/rejected.json" ]
}

@test "a rollback to a release that does not start goes back to where it was" {
  publish_server v1.0.0
  once_server >/dev/null
  publish_server v1.1.0
  once_server >/dev/null
  rm "$ROOT/releases/$(ls "$ROOT/releases" | head -n 1)/server"
  run -4 --separate-stderr dewy rollback
  [ "$(field state)" = rolled_back ]
  [ "$(cat "$ROOT/current/version")" = v1.1.0 ]
  wait_until serves v1.1.0
  run -0 --separate-stderr once_server
  [ "$(field state)" = unchanged ]
  [ "$(jq -r '[.versions[].version] | join(" ")' "$ROOT/.dewy/rejected.json")" = v1.0.0 ]
}

@test "a rollback while no supervisor runs starts the server when it is told how" {
  publish_server v1.0.0
  once_server >/dev/null
  publish_server v1.1.0
  once_server >/dev/null
  stop_pid "$(cat "$ROOT/.dewy/serve.pid")"
  run -0 --separate-stderr dewy rollback --port "127.0.0.1:$PORT" -- current/server
  [ "$(field state)" = running ]
  wait_until serves v1.0.0
}

@test "rollback --forget lets what was rejected be deployed again, says what it was, and deploys nothing" {
  publish_server v1.0.0
  once_server >/dev/null
  publish_server v1.1.0 dies-at-once
  run -4 once_server
  publish_server v1.2.0 dies-at-once
  run -4 once_server
  run -0 dewy rollback --forget v1.1.0
  assert_output --regexp '^v1.1.0 may be deployed again; it was rejected at 20.*Z: v1.1.0 did not start'
  [ "${#lines[@]}" = 1 ]
  run -1 dewy rollback --forget v1.1.0
  assert_output "dewy rollback: v1.1.0 is not rejected; rejected are v1.2.0"
  run -6 flock "$ROOT/.dewy/lock" dewy rollback --forget
  run -0 dewy rollback --forget
  assert_output --regexp '^v1.2.0 may be deployed again'
  run -0 dewy rollback --forget
  assert_output "Nothing is rejected."
  [ "$(cat "$ROOT/current/version")" = v1.0.0 ]
  run -4 --separate-stderr once_server
  [ "$(field release.version)" = v1.2.0 ]
}

@test "rollback --forget ends a hold" {
  for minor in 0 1; do
    publish v1.$minor.0
    dewy once >/dev/null
  done
  dewy rollback >/dev/null
  run -0 dewy rollback --forget 1.1.0
  assert_output --regexp '^What is newer than v1.0.0, up to v1.1.0, may be deployed again; it was held at 20.*Z: rolled back by hand'
  run -0 --separate-stderr dewy once
  [ "$(cat "$ROOT/current/version")" = v1.1.0 ]
  run -0 dewy rollback --forget
  assert_output "Nothing is rejected."
}

@test "rollback --forget in a root where nothing was deployed creates nothing" {
  run -0 dewy rollback --forget
  assert_output "Nothing is rejected."
  [ -z "$(ls -A "$ROOT")" ]
}
