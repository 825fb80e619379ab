load common

prepare() {
  export DEWY_REGISTRY=file://$REGISTRY DEWY_LOG_LEVEL=error
}

# fetched: prints the document of the newest release, fetched.
fetched() {
  dewy-check | dewy-fetch
}

# deploy_version VERSION: publishes and deploys it.
deploy_version() {
  publish "$1"
  fetched | dewy-deploy >"$BATS_TEST_TMPDIR/deployed"
}

@test "a fetched document becomes a release that current leads to" {
  publish v1.0.0
  fetched >"$BATS_TEST_TMPDIR/fetched"
  run --separate-stderr dewy-deploy <"$BATS_TEST_TMPDIR/fetched"
  assert_success
  [ "$(field state)" = deployed ]
  [ "$(cat "$ROOT/current/version")" = v1.0.0 ]
  [[ $(readlink "$ROOT/current") =~ ^releases/[0-9]{8}T[0-9]{6}Z$ ]]
  [ "$(field deploy.path)" = "$ROOT/$(readlink "$ROOT/current")" ]
  [ "$(field deploy.files)" = 2 ]
  [ -x "$ROOT/current/run" ]
  assert_document
}

@test "nothing of dewy's own lies in a release" {
  deploy_version v1.0.0
  [ "$(ls -A "$ROOT/current")" = $'run\nversion' ]
}

@test "the record of the release is the document that made it" {
  deploy_version v1.0.0
  record=$ROOT/.dewy/releases/$(basename "$(readlink "$ROOT/current")").json
  [ "$(jq -r .release.version "$record")" = v1.0.0 ]
  [ "$(jq -r .artifact.cache_key "$record")" = "$(cat "$ROOT/.dewy/cache/current")" ]
}

@test "a directory that has the last name there is leaves none for a release" {
  publish v1.0.0
  mkdir -p "$ROOT/releases/99991231T235959Z"
  dewy-check | dewy-fetch >"$BATS_TEST_TMPDIR/fetched"
  run -3 --separate-stderr dewy-deploy <"$BATS_TEST_TMPDIR/fetched"
  [ "$(field error.message)" = "releases/99991231T235959Z leaves no name for a later release" ]
  [ ! -e "$ROOT/current" ]
}

@test "two releases within one second keep their order" {
  deploy_version v1.0.0
  deploy_version v1.0.1
  deploy_version v1.0.2
  [ "$(cat "$ROOT/current/version")" = v1.0.2 ]
  [ "$(ls "$ROOT/releases" | tail -n 1)" = "$(basename "$(readlink "$ROOT/current")")" ]
}

@test "a document in any other state passes through byte for byte, with its exit status" {
  publish v1.0.0
  dewy-check >"$BATS_TEST_TMPDIR/available"
  dewy-deploy <"$BATS_TEST_TMPDIR/available" >"$BATS_TEST_TMPDIR/passed"
  cmp "$BATS_TEST_TMPDIR/available" "$BATS_TEST_TMPDIR/passed"
  jq -c '.state = "failed" | .error = {stage: "fetch", code: "integrity", message: "m", hint: "h"}' \
    "$BATS_TEST_TMPDIR/available" >"$BATS_TEST_TMPDIR/failed"
  run -5 dewy-deploy <"$BATS_TEST_TMPDIR/failed"
  [ "$output" = "$(cat "$BATS_TEST_TMPDIR/failed")" ]
  [ ! -e "$ROOT/current" ]
}

@test "unknown members of the document are kept" {
  publish v1.0.0
  fetched | jq -c '.mine = {"a": [1, "two"]} | .release.note = "x"' >"$BATS_TEST_TMPDIR/fetched"
  run --separate-stderr dewy-deploy <"$BATS_TEST_TMPDIR/fetched"
  assert_success
  [ "$(jq -c .mine <<<"$output")" = '{"a":[1,"two"]}' ]
  [ "$(field release.note)" = x ]
}

@test "an artifact that was changed in the cache after it was verified is refused" {
  publish v1.0.0
  fetched >"$BATS_TEST_TMPDIR/fetched"
  echo more >>"$ROOT/.dewy/cache/v1.0.0--app_linux_amd64.tar.gz"
  run -5 --separate-stderr dewy-deploy <"$BATS_TEST_TMPDIR/fetched"
  [ "$(field state)" = failed ]
  [ "$(field error.code)" = integrity ]
  [ ! -e "$ROOT/current" ]
  assert_document
}

@test "a pipe in the place of the artifact in the cache does not hang" {
  publish v1.0.0
  fetched >"$BATS_TEST_TMPDIR/fetched"
  rm "$ROOT/.dewy/cache/v1.0.0--app_linux_amd64.tar.gz"
  mkfifo "$ROOT/.dewy/cache/v1.0.0--app_linux_amd64.tar.gz"
  run -3 --separate-stderr timeout 10 dewy-deploy <"$BATS_TEST_TMPDIR/fetched"
  [ "$(field error.code)" = filesystem ]
}

@test "a damaged archive leaves the old release in place and nothing half done" {
  deploy_version v1.0.0
  before=$(readlink "$ROOT/current")
  mkdir "$REGISTRY/v1.1.0"
  head -c 100 "$REGISTRY/v1.0.0/app_linux_amd64.tar.gz" >"$REGISTRY/v1.1.0/app_linux_amd64.tar.gz"
  fetched >"$BATS_TEST_TMPDIR/fetched"
  run -5 --separate-stderr dewy-deploy <"$BATS_TEST_TMPDIR/fetched"
  [ "$(readlink "$ROOT/current")" = "$before" ]
  [ "$(ls -A "$ROOT/releases" | wc -l)" = 1 ]
}

@test "current that is a directory is left alone, with advice" {
  mkdir "$ROOT/current"
  publish v1.0.0
  run -3 --separate-stderr bash -c 'dewy-check --log-level error | dewy-fetch | dewy-deploy'
  [[ $stderr$output == *"move "*current*away* ]]
  [ -d "$ROOT/current" ] && [ ! -L "$ROOT/current" ]
}

@test "a document for a current that was switched meanwhile is refused" {
  publish v1.0.0
  fetched >"$BATS_TEST_TMPDIR/stale"
  deploy_version v1.1.0
  run -6 --separate-stderr dewy-deploy <"$BATS_TEST_TMPDIR/stale"
  [ "$(field error.code)" = superseded ]
  [ "$(cat "$ROOT/current/version")" = v1.1.0 ]
}

@test "what a run that was killed left behind is swept" {
  deploy_version v1.0.0
  mkdir "$ROOT/releases/.20200101T000000Z.partial"
  echo half >"$ROOT/releases/.20200101T000000Z.partial/file"
  echo '{}' >"$ROOT/.dewy/releases/20200101T000000Z.json"
  mkdir "$ROOT/releases/mine"
  deploy_version v1.1.0
  [ ! -e "$ROOT/releases/.20200101T000000Z.partial" ]
  [ ! -e "$ROOT/.dewy/releases/20200101T000000Z.json" ]
  [ -d "$ROOT/releases/mine" ]
}

@test "only the newest releases are kept, and the cache with them" {
  export DEWY_KEEP=3
  mkdir -p "$ROOT/.dewy/cache"
  touch "$ROOT/.dewy/cache/.v1.0.9--app_linux_amd64.tar.gz.part" "$ROOT/.dewy/cache/.v1.0.9--app_linux_amd64.tar.gz.part.json"
  for minor in 1 2 3 4 5; do deploy_version v1.$minor.0; done
  [ "$(find "$ROOT/.dewy/cache" -name '*.part*')" = "" ]
  [ "$(ls "$ROOT/releases" | wc -l)" = 3 ]
  [ "$(ls "$ROOT/.dewy/releases" | wc -l)" = 3 ]
  [ "$(ls "$ROOT/.dewy/cache" | grep -c tar.gz)" = 3 ]
  [ -e "$ROOT/.dewy/cache/v1.5.0--app_linux_amd64.tar.gz" ]
}

@test "in a cache that is not ROOT's own, nothing goes but the artifacts of releases that are removed, and abandoned downloads" {
  export DEWY_KEEP=2 DEWY_CACHE=$BATS_TEST_TMPDIR/shared
  mkdir "$DEWY_CACHE"
  touch "$DEWY_CACHE/v9--of-another_linux_amd64.tar.gz" "$DEWY_CACHE/holiday--2.jpg" "$DEWY_CACHE/.v9--of-another.tar.part"
  touch -d "8 days ago" "$DEWY_CACHE/.v8--of-another.tar.part" "$DEWY_CACHE/.v8--of-another.tar.part.json" "$DEWY_CACHE/old--3.part"
  for minor in 1 2 3; do deploy_version v1.$minor.0; done
  [ "$(cd "$DEWY_CACHE" && echo *)" = \
    "current holiday--2.jpg old--3.part v1.2.0--app_linux_amd64.tar.gz v1.3.0--app_linux_amd64.tar.gz v9--of-another_linux_amd64.tar.gz" ]
  [ "$(cd "$DEWY_CACHE" && echo .v*)" = .v9--of-another.tar.part ]
}

@test "the current and the previous release stay, however few are to be kept" {
  export DEWY_KEEP=1
  for minor in 1 2 3; do deploy_version v1.$minor.0; done
  [ "$(cat "$ROOT"/releases/*/version)" = $'v1.2.0\nv1.3.0' ]
}

@test "a directory without write permission in an old release does not stop its removal" {
  export DEWY_KEEP=1
  deploy_version v1.0.0
  mkdir "$ROOT/current/locked"
  touch "$ROOT/current/locked/file"
  chmod 500 "$ROOT/current/locked"
  deploy_version v1.1.0
  deploy_version v1.2.0
  [ "$(ls "$ROOT/releases" | wc -l)" = 2 ]
}

@test "assets mode says what was deployed; the log tells of the archive and the link" {
  publish v1.0.0
  fetched >"$BATS_TEST_TMPDIR/fetched"
  run --separate-stderr dewy-deploy --log-level info <"$BATS_TEST_TMPDIR/fetched"
  [[ $(jq -r '.notices[-1].text' <<<"$output") == "Deployed v1.0.0 in "* ]]
  [[ $stderr == *'INFO: Extract archive path='* ]]
  [[ $stderr == *'INFO: Create symlink from='*' to="current"'* ]]
}

@test "another run that holds the lock: exit status 6, and nothing changes" {
  publish v1.0.0
  fetched >"$BATS_TEST_TMPDIR/fetched"
  run -6 --separate-stderr flock "$ROOT/.dewy/lock" dewy-deploy <"$BATS_TEST_TMPDIR/fetched"
  [ "$(field error.code)" = locked ]
  [ ! -e "$ROOT/current" ]
  [ ! -e "$ROOT/.dewy/history.jsonl" ]
}

@test "a document for another root is refused" {
  publish v1.0.0
  fetched | jq -c '.root = "/etc"' >"$BATS_TEST_TMPDIR/fetched"
  run -1 --separate-stderr dewy-deploy <"$BATS_TEST_TMPDIR/fetched"
  [[ $stderr == *"the document is for the root /etc"* ]]
}

@test "names in a document that lead out of the cache are refused" {
  publish v1.0.0
  fetched | jq -c '.artifact.cache_key = "../../../etc/passwd"' >"$BATS_TEST_TMPDIR/fetched"
  run -1 --separate-stderr dewy-deploy <"$BATS_TEST_TMPDIR/fetched"
  [[ $stderr == *"artifact.cache_key of the document is no plain file name"* ]]
}

@test "a full disk: exit status 3, the old release in place, and the next run succeeds" {
  need_private_mounts
  in_private_mounts bash -euo pipefail <<'IN'
    mount -t tmpfs -o size=1m,mode=755 none "$DEWY_ROOT"
    export DEWY_CACHE=$BATS_TEST_TMPDIR/cache
    tree=$(mktemp -d "$BATS_TEST_TMPDIR/tree.XXXXXX")
    echo one >"$tree/file"
    mkdir "$BATS_TEST_TMPDIR/registry/v1.0.0"
    tar -C "$tree" -czf "$BATS_TEST_TMPDIR/registry/v1.0.0/app_linux_amd64.tar.gz" .
    dewy-check | dewy-fetch | dewy-deploy >/dev/null
    head -c 3000000 /dev/zero >"$tree/file"
    mkdir "$BATS_TEST_TMPDIR/registry/v1.1.0"
    tar -C "$tree" -czf "$BATS_TEST_TMPDIR/registry/v1.1.0/app_linux_amd64.tar.gz" .
    status=0
    dewy-check | dewy-fetch | dewy-deploy >"$BATS_TEST_TMPDIR/document" || status=$?
    [ $status = 3 ]
    [ "$(jq -r .error.code "$BATS_TEST_TMPDIR/document")" = space ]
    [ "$(cat "$DEWY_ROOT/current/file")" = one ]
    [ "$(ls -A "$DEWY_ROOT/releases" | wc -l)" = 1 ]
    mount -o remount,size=10m "$DEWY_ROOT"
    dewy-check | dewy-fetch | dewy-deploy >/dev/null
    [ "$(stat -L -c %s "$DEWY_ROOT/current/file")" = 3000000 ]
IN
}

@test "standard output that is full: exit status 3, and the release is deployed all the same" {
  publish v1.0.0
  fetched >"$BATS_TEST_TMPDIR/fetched"
  run -3 --separate-stderr bash -c "dewy-deploy <'$BATS_TEST_TMPDIR/fetched' >/dev/full"
  [[ $stderr == *"cannot write the document to standard output"* ]]
  [ "$(cat "$ROOT/current/version")" = v1.0.0 ]
}

@test "a document that lacks what the stage needs goes on as a failed one, so that people hear of it" {
  publish v1.0.0
  fetched | jq -c 'del(.artifact.digest)' >"$BATS_TEST_TMPDIR/fetched"
  run -1 --separate-stderr dewy-deploy <"$BATS_TEST_TMPDIR/fetched"
  [ "$(field error.code)" = document ]
  [ "$(field error.message)" = "the document lacks the member artifact.digest" ]
  [ "$(field artifact.name)" = app_linux_amd64.tar.gz ]
  assert_document
}
