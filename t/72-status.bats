load common

prepare() {
  PORT=$(free_port)
  export DEWY_REGISTRY=file://$REGISTRY DEWY_SETTLE=1s DEWY_LOG_LEVEL=error
}

once_server() {
  dewy once --port "127.0.0.1:$PORT" -- current/server
}

@test "status of a root where nothing was deployed" {
  run -0 dewy status
  assert_line --regexp '^current +nothing is deployed$'
  assert_line --regexp '^server +not running$'
  run -0 dewy history
  assert_output "Nothing was deployed yet."
}

@test "status tells what is deployed, what serves it, what is rejected and what happened last" {
  publish_server v1.0.0
  once_server >/dev/null
  publish_server v1.1.0 dies-at-once
  run -4 once_server
  run -0 dewy status
  assert_line --regexp '^current +v1.0.0, deployed at 20.*Z, app_linux_amd64.tar.gz$'
  assert_line --regexp '^server +generation 1 serves, worker [0-9]+, supervisor [0-9]+$'
  assert_line --regexp '^rejected +v1.1.0  v1.1.0 did not start'
  assert_line --regexp '^last +v1.1.0 rolled_back at .*: v1.1.0 did not start.*; '
  run -0 dewy status --json
  [ "$(field current.version)" = v1.0.0 ]
  [ "$(field server.running)" = true ]
  [ "$(field 'rejected[0].version')" = v1.1.0 ]
  [ "$(field last.state)" = rolled_back ]
}

@test "status tells that runs fail, until one does not" {
  publish v1.0.0
  dewy once >/dev/null
  mv "$REGISTRY" "$REGISTRY.gone"
  run -2 dewy once
  run -2 dewy once
  run -0 dewy status
  assert_line --regexp '^failures +2 in a row, the last at 20.*Z; the log has the reason$'
  run -0 dewy status --json
  [ "$(field failures.count)" = 2 ]
  mv "$REGISTRY.gone" "$REGISTRY"
  dewy once >/dev/null
  run -0 dewy status
  refute_line --partial failures
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
