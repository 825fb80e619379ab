#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What --no-downgrade does not go below, and what tells that nothing newer appears.
load common
load once

prepare() {
  FLOOR=$ROOT/.dewy/floor.json
  STALE=$ROOT/.dewy/stale.json
  export DEWY_REGISTRY=file://$REGISTRY
}

# floor: the version, and whether it is signed.
floor() {
  jq -r '"\(.version) \(.signed)"' "$FLOOR"
}

# refused VERSION: a run with --no-downgrade has found that, and stays.
refused() {
  once --no-downgrade
  assert_success
  assert_equal "$(field state)" unchanged
  [[ $(field reason) == "$1 is older than "*", and --no-downgrade is given" ]]
  [[ $stderr == *'WARN: Not following the registry to an older version version="'"$1"'"'*' hint="'* ]]
}

@test "the floor is the newest version that was deployed, also without --no-downgrade, and a run with nothing to do does not touch it" {
  local before
  deploy v1.0.0 v1.1.0
  assert_equal "$(floor)" "v1.1.0 false"
  assert_equal "$(jq -r '.at | fromdate' "$FLOOR" | grep -c '^[0-9]*$')" 1
  before=$(stat -c %i:%y "$FLOOR")
  once
  once --force
  assert_equal "$(field state) $(stat -c %i:%y "$FLOOR")" "deployed $before"
}

@test "a server raises the floor once it has proved itself, and not before" {
  PORT=$(free_port)
  local serve=(--settle 1s --port "127.0.0.1:$PORT" -- current/server)
  publish_server v1.0.0
  DEWY_MODE=server dewy-check | dewy-fetch | dewy-deploy >"$BATS_TEST_TMPDIR/document"
  assert_equal "$(jq -r .state "$BATS_TEST_TMPDIR/document")" deployed
  refute [ -e "$FLOOR" ] # nothing has started it
  once "${serve[@]}"
  assert_equal "$(field state) $(floor)" "running v1.0.0 false"
  publish_server v1.1.0 dies-at-once
  once "${serve[@]}"
  assert_failure 4
  assert_equal "$(floor)" "v1.0.0 false"
  export DEWY_MODE=server
  publish_server v1.2.0
  dewy-check | dewy-fetch | dewy-deploy >"$BATS_TEST_TMPDIR/document"
  assert_equal "$(jq -r .state "$BATS_TEST_TMPDIR/document") $(floor)" "deployed v1.0.0 false"
  run -0 --separate-stderr dewy-restart --settle 1s <"$BATS_TEST_TMPDIR/document"
  assert_equal "$(field state) $(floor)" "running v1.2.0 false"
}

@test "nothing lowers the floor: neither a registry that is followed down, nor a rollback, nor a release that is taken up" {
  deploy v1.0.0 v1.1.0
  rm -r "$REGISTRY/v1.1.0"
  once
  assert_equal "$(field release.version) $(field state) $(floor)" "v1.0.0 deployed v1.1.0 false"
  deploy v1.2.0
  dewy rollback --log-level error >/dev/null
  assert_equal "$(cat "$ROOT/current/version") $(floor)" "v1.0.0 v1.2.0 false"
}

@test "what is older than the floor is refused although what is deployed is older still" {
  deploy v1.0.0 v1.2.0
  dewy rollback --log-level error >/dev/null
  dewy rollback --forget >/dev/null
  rm -r "$REGISTRY/v1.2.0"
  publish v1.1.0
  refused v1.1.0
  [[ $stderr == *'floor="v1.2.0"'*--forget-floor* ]]
  refused v1.1.0 # and in every run
  assert_equal "$(cat "$ROOT/current/version")" v1.0.0
  publish v1.2.0
  once --no-downgrade
  assert_equal "$(field state) $(field release.version)" "deployed v1.2.0" # it is not older
}

@test "the floor outlives the releases on disk, and what is known of them" {
  deploy v1.0.0 v1.5.0
  rm -r "$REGISTRY/v1.5.0"
  once --keep 1
  assert_equal "$(cat "$ROOT/current/version")" v1.0.0
  publish v1.1.0
  dewy once --keep 1 --log-level error >/dev/null
  publish v1.1.1
  dewy once --keep 1 --log-level error >/dev/null
  refute grep -q v1.5.0 "$ROOT"/.dewy/releases/*.json
  publish v1.2.0
  refused v1.2.0
  rm -r "$ROOT"/.dewy/releases "$ROOT"/releases "$ROOT"/current
  refused v1.2.0
  refute [ -e "$ROOT/current" ]
}

@test "slots share a floor; another kind of versions begins a new one" {
  publish v1.3.0+blue
  dewy once --slot blue --log-level error >/dev/null
  publish v1.2.0+green
  once --slot green --no-downgrade
  assert_equal "$(field state) $(field reason)" \
    "unchanged v1.2.0+green is older than the deployed v1.3.0+blue, and --no-downgrade is given"
  publish 2024.05.1
  once --calver YYYY.0M.MICRO --no-downgrade
  assert_equal "$(field state) $(field release.calver) $(floor)" "deployed YYYY.0M.MICRO 2024.05.1 false"
  publish 2024.04.9
  rm -r "$REGISTRY/2024.05.1" "$ROOT/current"
  once --calver YYYY.0M.MICRO --no-downgrade
  [[ $(field reason) == "2024.04.9 is older than 2024.05.1, "* ]]
}

@test "a damaged floor ends a run with --no-downgrade that would deploy something, and is said at WARN without it" {
  local damage
  deploy v1.0.0
  publish v1.1.0
  for damage in '' '{' '[]' '{}' '{"version":1,"at":"2024-01-15T10:31:15Z"}' '{"version":"v1.0.0"}' '{"version":"v1.0.0","at":"x"}'; do
    printf %s "$damage" >"$FLOOR"
    once --no-downgrade
    assert_equal "$status $(field state) $(field error.code)" "3 failed filesystem"
    [[ $(field error.message) == *"floor.json is damaged" ]]
    [[ $(field error.hint) == *"remove the file"* ]]
    run -3 dewy status
    run -3 dewy rollback --forget-floor
  done
  run dewy doctor
  assert_line --regexp '^warn +current .*floor.json is damaged; .*remove the file'
  once
  assert_equal "$status $(field state) $(cat "$FLOOR")" '0 deployed {"version":"v1.0.0","at":"x"}'
  [[ $stderr == *"WARN: Cannot remember the version for --no-downgrade"* ]]
}

@test "rollback --forget-floor lifts the floor, says what it was, and the history tells; --forget does not" {
  deploy v1.0.0 v1.1.0
  run -0 dewy status
  assert_line --regexp '^floor +v1.1.0 since 20.*Z, not signed$'
  dewy rollback --forget >/dev/null
  assert_equal "$(floor)" "v1.1.0 false"
  run -6 flock "$ROOT/.dewy/lock" dewy rollback --forget-floor
  run -0 dewy rollback --forget-floor
  assert_output --regexp '^What is older than v1.1.0 may be deployed; that was the floor since 20.*Z$'
  refute [ -e "$FLOOR" ]
  assert_equal "$(tail -n 1 "$ROOT/.dewy/history.jsonl" | jq -r '"\(.state) \(.version) \(.reason)"' | sed 's/20.*//')" \
    "forgotten v1.1.0 was the floor since "
  run -0 dewy history --verify
  run -0 dewy rollback --forget-floor
  assert_output "There is no floor."
  rm -r "$ROOT/current" "$REGISTRY/v1.1.0"
  once --no-downgrade
  assert_equal "$(cat "$ROOT/current/version") $(floor)" "v1.0.0 v1.0.0 false"
}

@test "rollback --forget-floor in a root where nothing was deployed creates nothing" {
  run -0 dewy rollback --forget-floor
  assert_output "There is no floor."
  [ -z "$(ls -A "$ROOT")" ]
}

@test "the floor tells whether its version was signed" {
  local document=$BATS_TEST_TMPDIR/document
  deploy v1.0.0
  publish v1.1.0
  dewy-check | dewy-fetch | jq -c '.fetch.signatures = [{key_id: "1", file: "f", comment: "c"}]' >"$document"
  run -0 --separate-stderr dewy-deploy <"$document"
  assert_equal "$(floor)" "v1.1.0 true"
  once --force # which is not signed, and no reason to forget that the same version was
  assert_equal "$(field state) $(floor)" "deployed v1.1.0 true"
  deploy v1.2.0
  assert_equal "$(floor)" "v1.2.0 false"
  dewy-check --force | dewy-fetch | jq -c '.fetch.signatures = [{key_id: "1", file: "f", comment: "c"}]' >"$document"
  run -0 --separate-stderr dewy-deploy <"$document"
  assert_equal "$(floor)" "v1.2.0 true"
}

@test "a document cannot lower the floor" {
  local document=$BATS_TEST_TMPDIR/document change
  deploy v1.0.0 v2.0.0
  for change in '.' '.release.calver = "%n"' '.release.calver = ""' '.release.version = "v0.0.1" | .artifact.cache_key = "v0.0.1--app_linux_amd64.tar.gz"'; do
    cp "$ROOT/.dewy/cache/v2.0.0--app_linux_amd64.tar.gz" "$ROOT/.dewy/cache/v0.0.1--app_linux_amd64.tar.gz"
    dewy-check --force | dewy-fetch | jq -c "$change" >"$document"
    run --separate-stderr dewy-deploy <"$document"
    assert_equal "$(floor)" "v2.0.0 false"
  done
}

# old VERSION...: they were published 40 days ago.
old() {
  local version
  for version; do
    publish "$version"
    touch -d '40 days ago' "$REGISTRY/$version" "$REGISTRY/$version"/*
  done
}

@test "without --stale-after nobody looks how old the newest release is" {
  old v1.0.0
  once
  assert_equal "$(field state) $(field check.stale)" "deployed null"
  refute [ -e "$STALE" ]
}

@test "people are told once that nothing newer than a release appears, and the document of each run tells it" {
  local since
  old v1.0.0
  printf '#!/bin/sh\ncat >>%s\n' "$BATS_TEST_TMPDIR/told" >"$BATS_TEST_TMPDIR/tell"
  chmod 755 "$BATS_TEST_TMPDIR/tell"
  export DEWY_STALE_AFTER=720h DEWY_NOTIFIER=exec:$BATS_TEST_TMPDIR/tell
  once --metrics-file "$BATS_TEST_TMPDIR/m.prom"
  assert_success
  assert_document
  since=$(field release.published_at)
  assert_equal "$(field state) $(field check.stale)" "deployed true"
  [[ $stderr == *'WARN: No newer release has appeared version="v1.0.0" since="'"$since"'"'* ]]
  assert_equal "$(jq -r '.notices[] | select(.stage == "check" and .kind == "important") | .text' <<<"$output")" \
    "No release newer than v1.0.0 has appeared since $since"
  assert_equal "$(jq -r '"\(.version) \(.since)"' "$STALE")" "v1.0.0 $since"
  grep -qx 'dewy_registry_stale.* 1' "$BATS_TEST_TMPDIR/m.prom"
  local before told
  before=$(stat -c %i:%y "$STALE")
  told=$(grep -c "No release newer" "$BATS_TEST_TMPDIR/told")
  once
  assert_equal "$status $(field state) $(field check.stale) $(field notices) $stderr" "0 unchanged true null "
  assert_equal "$(stat -c %i:%y "$STALE") $(grep -c "No release newer" "$BATS_TEST_TMPDIR/told")" "$before $told"
  run -0 dewy status
  assert_line --regexp "^ +nothing newer has appeared since $since\$"
  publish v1.1.0
  once --metrics-file "$BATS_TEST_TMPDIR/m.prom"
  assert_equal "$(field state) $(field check.stale)" "deployed null"
  grep -qx 'dewy_registry_stale.* 0' "$BATS_TEST_TMPDIR/m.prom"
  run -0 dewy status
  refute_line --partial "nothing newer"
  touch -d '40 days ago' "$REGISTRY/v1.1.0" "$REGISTRY/v1.1.0"/* # as if it had been there for long
  once
  assert_equal "$(jq -r '.notices[].text' <<<"$output" | cut -d' ' -f1-6)" "No release newer than v1.1.0 has"
}

@test "a release of the future is as old as its deployment" {
  publish v1.0.0
  touch -d 'next year' "$REGISTRY/v1.0.0" "$REGISTRY/v1.0.0"/*
  once --no-report --stale-after 1ms
  assert_equal "$(field state) $(field check.stale)" "deployed null"
  once --no-report --stale-after 1ms
  assert_equal "$(field state) $(field check.stale)" "unchanged true"
  assert_equal "$(jq -r .since "$STALE" | tr -d :-)" "$(basename "$(readlink "$ROOT/current")")"
  once --stale-after 1h
  assert_equal "$(field check.stale)" null
}

@test "a release that --no-downgrade refuses is no news, whatever its date" {
  deploy v1.2.0
  rm -r "$REGISTRY/v1.2.0"
  publish v1.1.0
  touch -d 'next year' "$REGISTRY/v1.1.0" "$REGISTRY/v1.1.0"/*
  once --no-downgrade --stale-after 1ms
  assert_equal "$(field state) $(field check.stale)" "unchanged true"
  assert_equal "$(jq -r .since "$STALE" | tr -d :-)" "$(basename "$(readlink "$ROOT/current")")"
  publish v1.3.0
  touch -d 'next year' "$REGISTRY/v1.3.0" "$REGISTRY/v1.3.0"/*
  once --no-downgrade --stale-after 1ms
  assert_equal "$(field state) $(field check.stale)" "deployed null"
}

@test "what cannot be remembered is told to nobody: a dry run, and a root where nothing was deployed" {
  old v1.0.0
  run --separate-stderr dewy-check --stale-after 720h
  assert_equal "$(field check.stale) $(jq '[.notices[] | select(.kind == "important")] | length' <<<"$output")" "true 0"
  dewy once --log-level error >/dev/null
  run --separate-stderr dewy once --dry-run --stale-after 720h
  assert_equal "$(field check.stale) $(field notices)" "true null"
  refute [ -e "$STALE" ]
}
