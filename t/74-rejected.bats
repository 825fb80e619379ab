# What was rolled back is remembered by its digest: the same artifact is not deployed again, another one under that version is.
load common
load once
load github

prepare() {
  PORT=$(free_port)
  export DEWY_REGISTRY=file://$REGISTRY DEWY_SETTLE=1s DEWY_LOG_LEVEL=warn
}

# once OPTION...: as in once.bash, with a server.
once() {
  run --separate-stderr dewy once --no-report --port "127.0.0.1:$PORT" "$@" -- current/server
}

# artifact VERSION: its path in the registry; digest VERSION: what it has now.
artifact() {
  echo "$REGISTRY/$1/app_linux_amd64.tar.gz"
}
digest() {
  echo "sha256:$(sha256sum <"$(artifact "$1")" | cut -d' ' -f1)"
}

# rejected MEMBER: that member of the first entry in rejected.json.
rejected() {
  jq -r ".versions[0].$1" "$ROOT/.dewy/rejected.json"
}

# roll_back: v1.0.0 serves, and v1.1.0, which dies, was rolled back.
roll_back() {
  publish_server v1.0.0
  ${1:-true}
  once
  assert_success
  publish_server v1.1.0 dies-at-once
  ${1:-true}
  once
  assert_failure 4
  [ "$(field state)" = rolled_back ]
}

@test "a version that was rolled back is remembered with its artifact, and not tried again" {
  roll_back
  [ "$(rejected version)" = v1.1.0 ]
  [ "$(rejected cache_key)" = v1.1.0--app_linux_amd64.tar.gz ]
  [ "$(rejected digest)" = "$(digest v1.1.0)" ]
  [ -n "$(rejected revision)" ]
  files_of_dewy >"$BATS_TEST_TMPDIR/before"
  for _ in 1 2; do
    once
    assert_success
    [ "$(field reason)" = "up to date; v1.1.0 is rejected" ]
  done
  files_of_dewy | diff "$BATS_TEST_TMPDIR/before" -
}

@test "a run that was killed after it had rejected what it was to switch back from: the next one switches back" {
  local before
  roll_back
  before=$(readlink "$ROOT/current")
  ln -sfn "releases/$(ls "$ROOT/releases" | tail -n 1)" "$ROOT/current"
  [ "$(cat "$ROOT/current/version")" = v1.1.0 ]
  once
  assert_failure 4
  [ "$(field state)" = rolled_back ]
  [ "$(readlink "$ROOT/current")" = "$before" ]
  once
  assert_success
  [ "$(field state)" = unchanged ]
}

@test "another artifact under the rejected version is deployed" {
  roll_back
  publish_server v1.1.0
  once
  assert_success
  [ "$(field reason)" = "published again" ]
  [ "$(field state)" = running ]
  wait_until serves v1.1.0
  [ "$(jq '.versions | length' "$ROOT/.dewy/rejected.json")" = 0 ]
  once
  [ "$(field reason)" = "up to date" ]
}

@test "another artifact that is no better is rejected in its turn" {
  roll_back
  publish_server v1.1.0 dies-at-once again
  once
  assert_failure 4
  [ "$(rejected digest)" = "$(digest v1.1.0)" ]
  [ "$(jq '.versions | length' "$ROOT/.dewy/rejected.json")" = 1 ]
  once
  assert_success
  [ "$(field state)" = unchanged ]
  wait_until serves v1.0.0
}

@test "the rejected artifact published again is downloaded once, and stays rejected" {
  roll_back
  cp "$(artifact v1.1.0)" "$(artifact v1.1.0).copy"
  mv "$(artifact v1.1.0).copy" "$(artifact v1.1.0)"
  once --log-level info
  assert_success
  [ "$(field state)" = unchanged ]
  [ "$(field reason)" = "v1.1.0 was published again as it was, and stays rejected; --force deploys it" ]
  [[ $stderr == *"Cached artifact"*"Published again unchanged"* ]]
  files_of_dewy >"$BATS_TEST_TMPDIR/before"
  once --log-level info
  assert_success
  [ "$(field reason)" = "up to date; v1.1.0 is rejected" ]
  [ -z "$stderr" ]
  files_of_dewy | diff "$BATS_TEST_TMPDIR/before" -
  serves v1.0.0
}

@test "while the rejected artifact is away, and under another name, its version stays rejected" {
  roll_back
  mv "$(artifact v1.1.0)" "$REGISTRY/v1.1.0/other_linux_amd64.tar.gz"
  once
  assert_success
  [ "$(field reason)" = "up to date; v1.1.0 is rejected" ]
}

@test "another artifact of the version that serves is rolled back once, and what serves on starts again" {
  publish_server v1.0.0
  mv "$(artifact v1.0.0)" "$REGISTRY/v1.0.0/app.tar.gz"
  once
  assert_success
  publish_server v1.0.0 dies-at-once
  once
  assert_failure 4
  assert_equal "$(field state) $(field artifact.name)" "rolled_back app_linux_amd64.tar.gz"
  [ "$(rejected digest)" = "$(digest v1.0.0)" ]
  files_of_dewy >"$BATS_TEST_TMPDIR/before"
  once
  assert_success
  assert_equal "$(field state) $(field reason)" "unchanged v1.0.0 is rejected; --force deploys it"
  files_of_dewy | diff "$BATS_TEST_TMPDIR/before" -
  stop_pid "$(cat "$ROOT/.dewy/serve.pid")"
  once
  assert_equal "$(field state) $(field artifact.name)" "running app.tar.gz"
  [ "$(rejected cache_key)" = v1.0.0--app_linux_amd64.tar.gz ]
  once
  assert_equal "$(field state)" unchanged
  wait_until serves v1.0.0
  publish_server v1.1.0 dies-at-once
  once
  assert_equal "$(field state) $(field release.version)" "rolled_back v1.1.0"
  once
  assert_equal "$(field state)" unchanged
  assert_equal "$(jq -r '[.versions[].cache_key] | sort | join(" ")' "$ROOT/.dewy/rejected.json")" \
    "v1.0.0--app_linux_amd64.tar.gz v1.1.0--app_linux_amd64.tar.gz"
}

@test "an entry that knows no digest means the version, whatever it holds" {
  roll_back
  edit "$ROOT/.dewy/rejected.json" 'del(.versions[0].digest)'
  publish_server v1.1.0
  once
  [ "$(field reason)" = "up to date; v1.1.0 is rejected" ]
}

@test "what somebody holds stays held, whatever is published under its version" {
  for minor in 0 1; do
    publish v1.$minor.0
    dewy once >/dev/null
  done
  dewy rollback >/dev/null
  publish v1.1.0
  run -0 --separate-stderr dewy once
  [ "$(field state)" = unchanged ]
  [ "$(cat "$ROOT/current/version")" = v1.0.0 ]
}

# stays REASON: the next run does nothing, and says why.
stays() {
  run -0 --separate-stderr dewy once
  assert_equal "$(field state): $(field reason)" "unchanged: $1"
}

@test "what somebody holds is left for nothing older, though the registry has lost it" {
  deploy v1.0.0 v2.0.0 v3.0.0
  dewy rollback >/dev/null
  rm -r "$REGISTRY/v2.0.0"
  stays "v1.0.0 is not newer than v2.0.0, at which the application is held"
  rm -r "$REGISTRY/v3.0.0"
  stays "v1.0.0 is not newer than v2.0.0, at which the application is held"
  publish v4.0.0
  run -0 --separate-stderr dewy once
  assert_equal "$(field state) $(field release.version)" "deployed v4.0.0"
}

@test "what somebody holds ends with --force and --forget: then the registry is followed down" {
  deploy v1.0.0 v2.0.0 v3.0.0
  dewy rollback >/dev/null
  cp -r "$ROOT" "$BATS_TEST_TMPDIR/other"
  rm -r "$REGISTRY/v2.0.0" "$REGISTRY/v3.0.0"
  run -0 --separate-stderr dewy once --force
  assert_equal "$(field state) $(field release.version)" "deployed v1.0.0"
  export DEWY_ROOT=$BATS_TEST_TMPDIR/other
  dewy rollback --forget >/dev/null
  run -0 --separate-stderr dewy once
  assert_equal "$(field state) $(field release.version) $(field reason)" "deployed v1.0.0 older version"
}

@test "who goes back to a newer version that was withdrawn, to another artifact or to another slot stays there" {
  deploy v1.0.0 v2.0.0 v3.0.0
  rm -r "$REGISTRY/v3.0.0"
  dewy once >/dev/null
  dewy rollback >/dev/null
  [ "$(cat "$ROOT/current/version")" = v3.0.0 ]
  stays "v1.0.0 is not newer than v3.0.0, at which the application is held"

  publish v3.0.0 app.tar.gz
  publish v4.0.0 app.tar.gz
  dewy once >/dev/null
  publish v4.0.0
  dewy once >/dev/null
  dewy rollback >/dev/null
  [ "$(jq -r .artifact.name "$ROOT/.dewy/releases/$(basename "$(readlink "$ROOT/current")").json")" = app.tar.gz ]
  stays "v3.0.0 is not newer than v4.0.0, at which the application is held"

  publish v4.0.0+blue
  publish v5.0.0+green
  dewy once --slot green >/dev/null
  publish v6.0.0+blue
  dewy once --slot blue >/dev/null
  dewy rollback >/dev/null
  [ "$(cat "$ROOT/current/version")" = v5.0.0+green ]
  export DEWY_SLOT=blue
  stays "v4.0.0+blue is not newer than v5.0.0+green, at which the application is held"
}

@test "while a newer version is rejected, nothing older than what serves is deployed; without it, the registry is followed" {
  publish_server v1.0.0
  once
  publish_server v2.0.0
  once
  rm -r "$REGISTRY/v2.0.0"
  publish_server v3.0.0 dies-at-once
  once
  [ "$(field state)" = rolled_back ]
  once
  assert_success
  assert_equal "$(field reason)" "v1.0.0 is older than the deployed v2.0.0, and the newest, v3.0.0, is rejected"
  serves v2.0.0
  rm -r "$REGISTRY/v3.0.0"
  once
  assert_equal "$(field state) $(field reason)" "running older version"
}

# held: what is held, as ABOVE-UPTO.
held() {
  jq -r '[.versions[] | "\(.above)-\(.version)"] | join(" ")' "$ROOT/.dewy/rejected.json"
}

@test "who goes back twice is held once, and what --forget says is so" {
  deploy v1.0.0 v2.0.0 v3.0.0
  dewy rollback >/dev/null
  dewy rollback >/dev/null
  assert_equal "$(held)" v1.0.0-v3.0.0
  run -1 dewy rollback --forget v2.0.0
  assert_output "dewy rollback: v2.0.0 is not rejected; rejected are v3.0.0"
  stays "up to date; v3.0.0 is rejected"
  dewy rollback v2.0.0 >/dev/null
  assert_equal "$(held)" v2.0.0-v3.0.0
  run -0 dewy rollback --forget v3.0.0
  assert_line --regexp '^What is newer than v2.0.0, up to v3.0.0, may be deployed again; it was held at '
  run -0 --separate-stderr dewy once
  assert_equal "$(field state) $(field release.version)" "deployed v3.0.0"
}

@test "--forget says that what was rejected is held back all the same" {
  roll_back
  publish_server v1.2.0
  once
  dewy rollback --port "127.0.0.1:$PORT" v1.0.0 -- current/server >/dev/null
  run -0 dewy rollback --forget v1.1.0
  assert_line --regexp '^v1.1.0 may be deployed again; it was rejected at '
  assert_line "v1.1.0 is held back all the same: somebody went back to an older version; see dewy status"
  run -0 dewy rollback --forget
  refute_line --partial "all the same"
}

@test "single steps: what was found before somebody rolled back is not deployed after that" {
  deploy v1.0.0
  publish v2.0.0
  dewy-check >"$BATS_TEST_TMPDIR/checked"
  publish v3.0.0
  dewy once --log-level error >/dev/null
  dewy rollback >/dev/null
  dewy-fetch <"$BATS_TEST_TMPDIR/checked" >"$BATS_TEST_TMPDIR/fetched"
  run --separate-stderr dewy-deploy <"$BATS_TEST_TMPDIR/fetched"
  assert_failure 6
  assert_equal "$(field error.message)" "v2.0.0 was rejected, or is held back by a rollback, meanwhile"
  [ "$(cat "$ROOT/current/version")" = v1.0.0 ]
  stays "up to date; v3.0.0 is rejected"
  dewy rollback --forget >/dev/null
  run -0 --separate-stderr dewy-deploy <"$BATS_TEST_TMPDIR/fetched"
  [ "$(cat "$ROOT/current/version")" = v2.0.0 ]
}

@test "what is held no more is followed down: a newer version was deployed, and a bad one was rolled back" {
  publish_server v1.0.0
  once
  publish_server v2.0.0
  once
  dewy rollback --port "127.0.0.1:$PORT" -- current/server >/dev/null
  publish_server v3.0.0
  once
  publish_server v4.0.0 dies-at-once
  once
  [ "$(field state)" = rolled_back ]
  assert_equal "$(jq -r '[.versions[].above] | join(" ")' "$ROOT/.dewy/rejected.json")" "v1.0.0 "
  rm -r "$REGISTRY"/v[34].0.0
  once
  assert_equal "$(field state) $(field release.version)" "running v1.0.0" # v2.0.0 is held back as before
}

@test "--force deploys what was rejected, out of the cache" {
  roll_back
  once --force --log-level info
  assert_failure 4
  [[ $stderr != *"Cached artifact"* ]]
  [ "$(rejected digest)" = "$(digest v1.1.0)" ]
}

@test "what was rejected is forgotten once every release on disk is newer, and not before" {
  roll_back
  # As if it had been rejected in the second in which v1.0.0 was deployed, and none later: v1.2.0 may follow within one.
  at=$(ls "$ROOT/releases" | sed -E '1!d; s/(....)(..)(..)T(..)(..)(..)Z/\1-\2-\3T\4:\5:\6Z/')
  edit "$ROOT/.dewy/rejected.json" '.versions[0].at = "'"$at"'" | .versions += [.versions[0] * {version: "v0.9.0", at: "2020-01-01T00:00:00Z"}]'
  publish_server v1.2.0
  once --keep 2
  assert_success
  [ "$(jq -r '[.versions[].version] | join(" ")' "$ROOT/.dewy/rejected.json")" = v1.1.0 ]
  publish_server v1.3.0
  once --keep 2
  assert_success
  [ "$(jq '.versions | length' "$ROOT/.dewy/rejected.json")" = 0 ]
}

@test "what was rejected is not forgotten while older versions are deployed" {
  publish_server v1.0.0
  once
  publish_server v5.0.0 dies-at-once
  once
  [ "$(field state)" = rolled_back ]
  edit "$ROOT/.dewy/rejected.json" '.versions[0].at = "2020-01-01T00:00:00Z"'
  for patch in 1 2; do
    publish_server v1.0.$patch
    once --keep 1
    assert_success
    assert_equal "$(field state) $(field release.version) $(rejected version)" "running v1.0.$patch v5.0.0"
  done
  publish_server v5.0.1
  once --keep 1
  publish_server v5.0.2
  once --keep 1
  assert_equal "$(jq '.versions | length' "$ROOT/.dewy/rejected.json")" 0
}

# at_github: from here on, the registry is a repository at GitHub.
at_github() {
  GITHUB=$BATS_TEST_TMPDIR/github
  REGISTRY=$GITHUB/repos/acme/app
  github_repository acme/app
  start_github
  export GH_TOKEN=ghp_write GITHUB_API_URL=$API DEWY_REGISTRY=ghr://acme/app
  PORT=$(free_port)
}
reload() {
  github_control reload
}

# downloads: how often an artifact was downloaded.
downloads() {
  jq -s '[.[] | select(.path | test("/releases/assets/"))] | length' "$GITHUB/requests"
}

@test "GitHub: another artifact under the rejected version is deployed, the same one is not even downloaded" {
  at_github
  roll_back reload
  [ "$(rejected digest)" = "$(digest v1.1.0)" ]
  local before
  before=$(downloads)
  cp "$(artifact v1.1.0)" "$BATS_TEST_TMPDIR/kept"
  mv "$REGISTRY/v1.1.0" "$REGISTRY/.gone"
  reload
  mv "$REGISTRY/.gone" "$REGISTRY/v1.1.0"
  cp "$BATS_TEST_TMPDIR/kept" "$(artifact v1.1.0)"
  reload
  once
  assert_success
  [ "$(field reason)" = "up to date; v1.1.0 is rejected" ]
  [ "$(downloads)" = "$before" ]
  publish_server v1.1.0
  reload
  once
  assert_success
  [ "$(field reason)" = "published again" ]
  wait_until serves v1.1.0
}

@test "GitHub: a rejected version costs no more than one request that changes nothing" {
  at_github
  roll_back reload
  once # the downloads were counted: that is a change
  once
  assert_success
  [ "$(field reason)" = "up to date; v1.1.0 is rejected" ]
  curl -sSf -X DELETE "$API/_control/requests"
  once
  assert_success
  [ "$(field reason)" = "up to date; v1.1.0 is rejected" ]
  [ "$(github_requests .status)" = 304 ]
}

@test "GitHub: an artifact of which it tells no digest is downloaded to see whether it is another one" {
  at_github
  reload_untold() {
    [ ! -d "$REGISTRY/v1.1.0" ] ||
      echo '{"assets": {"app_linux_amd64.tar.gz": {"digest": null}}}' >"$REGISTRY/v1.1.0/.release.json"
    reload
  }
  roll_back reload_untold
  cp "$(artifact v1.1.0)" "$BATS_TEST_TMPDIR/kept"
  mv "$REGISTRY/v1.1.0" "$REGISTRY/.gone"
  reload
  mv "$REGISTRY/.gone" "$REGISTRY/v1.1.0"
  reload
  once
  assert_success
  [[ $(field reason) == "v1.1.0 was published again as it was"* ]]
  local before
  before=$(downloads)
  once
  [ "$(field reason)" = "up to date; v1.1.0 is rejected" ]
  [ "$(downloads)" = "$before" ]
}
