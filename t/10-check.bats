# dewy-check: what should run, compared with what does.
load common
load deployed

@test "a new release makes a document with all that later stages need" {
  publish v1.2.3
  run --separate-stderr check --app myapp
  assert_success
  [ "$(field dewy)" = 1 ]
  [ "$(field state)" = available ]
  [ "$(field reason)" = "new version" ]
  [ "$(field app)" = myapp ]
  [ "$(field mode)" = assets ]
  [ "$(field root)" = "$ROOT" ]
  [ "$(field registry)" = "file://$REGISTRY" ]
  [ "$(field release.version)" = v1.2.3 ]
  [ "$(field release.slot)" = "" ]
  [ "$(field release.prerelease)" = false ]
  [ "$(field artifact.name)" = app_linux_amd64.tar.gz ]
  [ "$(field artifact.url)" = "file://$REGISTRY/v1.2.3/app_linux_amd64.tar.gz" ]
  [ "$(field artifact.size)" = "$(stat -c %s "$REGISTRY/v1.2.3/app_linux_amd64.tar.gz")" ]
  [ "$(field artifact.cache_key)" = v1.2.3--app_linux_amd64.tar.gz ]
  [ "$(field 'notices[0].text')" = "Deploying v1.2.3" ]
  [ "$(field 'notices[0].kind')" = progress ]
  [ "$(wc -l <<<"$output")" = 1 ]
}

@test "nothing is created in ROOT but what tells people of the offer, and no lock is taken" {
  publish v1.2.3
  mkdir "$ROOT/.dewy"
  exec 8>"$ROOT/.dewy/lock"
  flock -x 8
  run check
  assert_success
  [ "$(cd "$ROOT" && find . | LC_ALL=C sort | tr '\n' ' ')" = ". ./.dewy ./.dewy/lock ./.dewy/offered.json " ]
  [ "$(jq -r .release.version "$ROOT/.dewy/offered.json")" = v1.2.3 ]
}

@test "the deployed release is unchanged, says nothing to people, and is logged at debug" {
  publish v1.2.3
  deployed v1.2.3
  run --separate-stderr check --log-level debug
  assert_success
  [ "$(field state)" = unchanged ]
  [ "$(field reason)" = "up to date" ]
  [ "$(field notices)" = null ]
  [ "$(field previous.version)" = v1.2.3 ]
  [ "$(field previous.cache_key)" = v1.2.3--app_linux_amd64.tar.gz ]
  [ "$(field previous.path)" = "$ROOT/releases/20240115T103045Z" ]
  [[ $stderr == *'DEBUG: Deploy skipped version="v1.2.3"'* ]]
}

@test "a newer release names the one it replaces" {
  publish v1.2.2
  deployed v1.2.2
  publish v1.2.3
  run --separate-stderr check
  assert_success
  [ "$(field state)" = available ]
  [ "$(field 'notices[0].text')" = "Deploying v1.2.3 (now v1.2.2)" ]
}

@test "an artifact of another name in the same version is deployed" {
  publish v1.2.3 app.tar.gz
  deployed v1.2.3
  publish v1.2.3 app_linux_amd64.tar.gz
  run --separate-stderr check
  [ "$(field state)" = available ]
  [ "$(field reason)" = "another artifact" ]
}

@test "an empty registry is an error, whatever is deployed" {
  run --separate-stderr check
  [ "$status" -eq 2 ]
  [ "$(field state)" = failed ]
  [ "$(field error.code)" = not-found ]
  [[ $(field error.message) == *"has no release"* ]]
  publish v1.0.0
  deployed v1.0.0
  rm -r "${REGISTRY:?}"/*
  run --separate-stderr check
  [ "$status" -eq 2 ]
  [ "$(field error.code)" = not-found ]
}

@test "a registry without a version says what it has instead" {
  mkdir "$REGISTRY/latest" "$REGISTRY/v2.0.0-rc.1"
  run --separate-stderr check --slot blue
  [ "$status" -eq 2 ]
  [[ $(field error.message) == *"among 2: 1 without a version of this kind, 1 in pre-release"* ]]
}

@test "a missing registry directory is named, with status 2" {
  run --separate-stderr dewy-check --registry "file://$BATS_TEST_TMPDIR/nowhere"
  [ "$status" -eq 2 ]
  [ "$(field error.code)" = registry ]
  [[ $(field error.message) == *"/nowhere: No such file or directory" ]]
  [[ $(field error.hint) == "create the directory"* ]]
}

@test "an unreadable registry directory is named, with status 2" {
  [ "$(id -u)" -eq 0 ] || skip "needs root to become somebody else"
  local dir
  dir=$(mktemp -d /tmp/dewy-unreadable.XXXXXX)
  mkdir -m 700 "$dir/registry" "$dir/root" "$dir/bin"
  cp "$DEWY_BIN/dewy-check" "$dir/bin"
  chmod 755 "$dir" "$dir/bin"
  chown 65534:65534 "$dir/root"
  DEWY_ROOT=$dir/root run --separate-stderr setpriv --reuid=65534 --regid=65534 --clear-groups \
    "$dir/bin/dewy-check" --registry "file://$dir/registry"
  rm -r "$dir"
  [ "$status" -eq 2 ]
  [[ $(field error.message) == *"cannot open the directory"*"Permission denied" ]]
  [[ $(field error.hint) == *"let the user that runs dewy read"* ]]
}

@test "mistakes in the registry URL are refused with what to write instead" {
  local url message hint
  while IFS='|' read -r url message hint; do
    run --separate-stderr dewy-check --registry "$url"
    echo "$url: $output"
    [ "$status" -eq 1 ]
    [ "$(field error.code)" = config ]
    [[ $(field error.message) == *"$message"* ]]
    [[ $(field error.hint) == *"$hint"* ]]
  done <<'TABLE'
/srv/releases|not a URL|file:///srv/releases
file://srv/releases|absolute path|file:///srv/releases
file:///|names no directory|file:///DIR
gopher://srv/releases|unknown scheme gopher://: expected file://|
file:///srv?artefact=x|unknown parameter artefact|
file:///srv?pre-release=maybe|expected true or false|
file:///srv?artifact=a/b|expected the name of one file|
file:///srv/%zz|hexadecimal|
TABLE
}

@test "no registry at all is refused" {
  run --separate-stderr dewy-check
  [ "$status" -eq 1 ]
  [[ $(field error.hint) == *DEWY_REGISTRY* ]]
}

@test "a password in the registry URL is refused and told to nobody" {
  run dewy-check --registry "file://user:hunter2@host/srv?artifact=x"
  [ "$status" -eq 1 ]
  refute_output --partial hunter2
  assert_output --partial "holds a user or a password"
}

@test "the query of the registry URL stays in the document, so that fetch asks the same registry" {
  publish v1.2.3-rc.1 'my app+1%.tar.gz'
  run --separate-stderr dewy-check --registry "file://$REGISTRY?pre-release=true&artifact=my%20app%2B1%25.tar.gz"
  assert_success
  [ "$(field registry)" = "file://$REGISTRY?pre-release=true&artifact=my%20app%2B1%25.tar.gz" ]
  [ "$(field artifact.name)" = 'my app+1%.tar.gz' ]
  [ "$(field artifact.url)" = "file://$REGISTRY/v1.2.3-rc.1/my%20app%2B1%25.tar.gz" ]
  [ "$(field release.prerelease)" = true ]
}

@test "within the grace period a release may lack its artifact" {
  mkdir "$REGISTRY/v1.2.3"
  touch "$REGISTRY/v1.2.3/checksums.txt"
  run --separate-stderr check
  assert_success
  [ "$(field state)" = waiting ]
  [ "$(field notices)" = null ]
  [[ $stderr == *"INFO: Waiting for an artifact message="*'grace_period="30m"'* ]]
}

@test "within the grace period of a newer release, what is deployed stays, and only --log-level debug tells" {
  publish v1.2.2
  run -0 dewy once --registry "file://$REGISTRY"
  mkdir "$REGISTRY/v1.2.3"
  touch "$REGISTRY/v1.2.3/checksums.txt"
  run -0 --separate-stderr check
  [ "$(field state)" = waiting ]
  assert_equal "$stderr" ""
  run -0 --separate-stderr check --log-level debug
  [[ $stderr == *"DEBUG: Artifact not found within grace period message="*'grace_period="30m"'* ]]
}

@test "after the grace period a release without its artifact is an error that lists what is there" {
  mkdir "$REGISTRY/v1.2.3"
  touch "$REGISTRY/v1.2.3/app_plan9_amd64.tar.gz"
  touch -d '31 minutes ago' "$REGISTRY/v1.2.3/checksums.txt"
  run --separate-stderr check
  [ "$status" -eq 2 ]
  [ "$(field error.code)" = not-found ]
  [[ $(field error.message) == *"v1.2.3 has no artifact for "*app_plan9_amd64.tar.gz* ]]
  [[ $(field error.message) == *checksums.txt* ]]
  run --separate-stderr check --grace-period 1h
  assert_success
  [ "$(field state)" = waiting ]
}

@test "a release of a far future has no grace" {
  mkdir "$REGISTRY/v1.2.3"
  touch -d '1 hour' "$REGISTRY/v1.2.3/checksums.txt"
  run --separate-stderr check
  [ "$status" -eq 2 ]
  [ "$(field error.code)" = not-found ]
  run --separate-stderr check --grace-period 2h
  [ "$(field state)" = waiting ]
}

@test "an artifact whose name leaves a download no room for its own is refused with what to do" {
  local name
  name=$(printf '%0218d_linux_amd64.tar.gz' 0)
  publish v1.2.3 "$name"
  run --separate-stderr check
  [ "$status" -eq 2 ]
  [ "$(field error.code)" = registry ]
  [[ $(field error.hint) == *"shorter name"* ]]
  mv "$REGISTRY/v1.2.3/$name" "$REGISTRY/v1.2.3/${name:1}"
  run --separate-stderr check
  dewy-fetch <<<"$output" >/dev/null
}

@test "names that move the terminal, or turn round how it is read, are none of artifacts" {
  publish v1.2.3 $'app\u009b31m_linux_amd64.tar.gz'
  publish v1.2.3 $'app\u202e_linux_amd64.tar.gz'
  run --separate-stderr check --grace-period 0
  [ "$status" -eq 2 ]
  [ "$(field error.code)" = not-found ]
}

@test "an empty release waits by the age of its directory" {
  mkdir "$REGISTRY/v1.2.3"
  run --separate-stderr check
  [ "$(field state)" = waiting ]
  touch -d '1 hour ago' "$REGISTRY/v1.2.3"
  run --separate-stderr check
  [ "$status" -eq 2 ]
  [[ $(field error.message) == *"none at all"* ]]
}

@test "the list of artifacts in an error is bounded" {
  mkdir "$REGISTRY/v1.2.3"
  touch -d '1 hour ago' "$REGISTRY"/v1.2.3/app_plan9_{1..200}.tar.gz
  run --separate-stderr check
  [ "$status" -eq 2 ]
  [[ $(field error.message) == *" and more" ]]
  [ "$(field error.message | wc -c)" -lt 1000 ]
}

@test "a withdrawn release is followed down, at WARN" {
  publish v1.2.3
  deployed v1.2.3
  rm -r "$REGISTRY/v1.2.3"
  publish v1.2.2
  run --separate-stderr check
  assert_success
  [ "$(field state)" = available ]
  [ "$(field reason)" = "older version" ]
  [[ $stderr == *'WARN: Following the registry to an older version version="v1.2.2" deployed="v1.2.3"'* ]]
}

@test "--no-downgrade stays, at WARN" {
  publish v1.2.3
  deployed v1.2.3
  rm -r "$REGISTRY/v1.2.3"
  publish v1.2.2
  run --separate-stderr check --no-downgrade
  assert_success
  [ "$(field state)" = unchanged ]
  [[ $(field reason) == *"v1.2.2 is older than the deployed v1.2.3"* ]]
  [[ $stderr == *WARN* ]]
}

@test "a rejected version is not offered again, the next one is" {
  publish v1.2.2
  deployed v1.2.2
  publish v1.2.3
  reject v1.2.3
  run --separate-stderr check
  [ "$(field state)" = unchanged ]
  [[ $(field reason) == *"v1.2.3 is rejected"* ]]
  publish v1.2.4
  run --separate-stderr check
  [ "$(field release.version)" = v1.2.4 ]
  [ "$(field state)" = available ]
}

@test "when all is rejected there is nothing to do, and the log says which" {
  publish v1.2.3
  reject v1.2.3
  run --separate-stderr check --log-level debug
  assert_success
  [ "$(field state)" = unchanged ]
  [[ $(field reason) == *v1.2.3* ]]
  [[ $stderr == *'Deploy skipped version="v1.2.3"'* ]]
}

@test "a rejection from above one version up to another spans those between" {
  publish v1.2.0
  deployed v1.2.0
  publish v1.2.1
  publish v1.2.2
  publish v1.2.3
  reject v1.2.3 v1.2.0
  run --separate-stderr check
  [ "$(field state)" = unchanged ]
  publish v1.3.0
  run --separate-stderr check
  [ "$(field release.version)" = v1.3.0 ]
}

@test "a damaged rejected.json is an error, not an empty list" {
  publish v1.2.3
  mkdir "$ROOT/.dewy"
  echo '{' >"$ROOT/.dewy/rejected.json"
  run --separate-stderr check
  [ "$status" -ne 0 ]
  [[ $(field error.hint) == *"remove the file"* ]]
}

@test "--force offers what is unchanged or rejected, and forgets failed attempts" {
  publish v1.2.3
  deployed v1.2.3
  reject v1.2.3
  failed_to_start v1.2.3--app_linux_amd64.tar.gz 10 '+1 hour'
  run --separate-stderr check --force
  assert_success
  [ "$(field state)" = available ]
  [ "$(field reason)" = forced ]
  [ "$(field forced)" = true ]
  [ ! -e "$ROOT/.dewy/attempts.json" ]
}

@test "server mode: unchanged while the supervisor runs" {
  publish v1.2.3
  deployed v1.2.3
  supervisor_runs
  run --separate-stderr check --mode server
  assert_success
  [ "$(field mode)" = server ]
  [ "$(field state)" = unchanged ]
}

@test "server mode: a run that was interrupted before the new server served is taken up" {
  publish v1.2.3
  deployed v1.2.3 deployed
  supervisor_runs
  run --separate-stderr check --mode server
  assert_success
  [ "$(field state)" = available ]
  [ "$(field reason)" = "server not restarted" ]
  [ "$(field release.version)" = v1.2.3 ]
}

@test "server mode: another pid file is asked when it is named" {
  publish v1.2.3
  deployed v1.2.3
  supervisor_runs
  run --separate-stderr check --mode server --pid-file "$BATS_TEST_TMPDIR/other.pid"
  [ "$(field state)" = available ]
}

@test "server mode: what is deployed is started without the registry" {
  publish v1.2.3
  deployed v1.2.3
  rm -r "$REGISTRY"
  run --separate-stderr check --mode server
  assert_success
  [ "$(field state)" = available ]
  [ "$(field reason)" = "server not running" ]
  [ "$(field release.version)" = v1.2.3 ]
  [ "$(field artifact.cache_key)" = v1.2.3--app_linux_amd64.tar.gz ]
  [[ $(field artifact.digest) == sha256:* ]]
  [ "$(field notices)" = null ]
  [[ $stderr == *INFO* ]]
}

@test "server mode: what is deployed is started before the registry is asked for something newer" {
  publish v1.2.3
  deployed v1.2.3
  publish v1.2.4
  run --separate-stderr check --mode server
  [ "$(field release.version)" = v1.2.3 ]
  [ "$(field reason)" = "server not running" ]
}

@test "server mode: a server that failed to start waits for its next attempt" {
  publish v1.2.3
  deployed v1.2.3
  failed_to_start v1.2.3--app_linux_amd64.tar.gz 10 '+30 minutes'
  run --separate-stderr check --mode server
  assert_success
  [ "$(field state)" = waiting ]
  [ "$(field reason)" = "server not running: v1.2.3 failed to start 10 times, next attempt at $(jq -r .next_at "$ROOT/.dewy/attempts.json")" ]
  [[ $stderr == *"WARN: server not running: v1.2.3 failed to start 10 times"*hint=*--force* ]]
  rm -r "$REGISTRY"
  run --separate-stderr check --mode server
  assert_success
  [ "$(field state)" = waiting ]
}

@test "server mode: a server that failed to start is tried again when its time has come" {
  publish v1.2.3
  deployed v1.2.3
  failed_to_start v1.2.3--app_linux_amd64.tar.gz 3 '-1 minute'
  run --separate-stderr check --mode server
  [ "$(field state)" = available ]
  [ "$(field reason)" = "server not running" ]
}

@test "server mode: a newer release takes the place of one that fails to start" {
  publish v1.2.3
  deployed v1.2.3
  failed_to_start v1.2.3--app_linux_amd64.tar.gz 10 '+1 hour'
  publish v1.2.4
  run --separate-stderr check --mode server
  [ "$(field state)" = available ]
  [ "$(field release.version)" = v1.2.4 ]
  [ "$(field reason)" = "new version" ]
}

@test "server mode: --force does not wait for the next attempt" {
  publish v1.2.3
  deployed v1.2.3
  failed_to_start v1.2.3--app_linux_amd64.tar.gz 10 '+1 hour'
  run --separate-stderr check --mode server --force
  [ "$(field state)" = available ]
  rm -r "$REGISTRY"
  failed_to_start v1.2.3--app_linux_amd64.tar.gz 10 '+1 hour'
  run --separate-stderr check --mode server --force
  [ "$(field state)" = available ]
}

@test "a release directory without a record counts as nothing deployed" {
  publish v1.2.3
  mkdir -p "$ROOT/releases/20240115T103045Z"
  ln -s releases/20240115T103045Z "$ROOT/current"
  run --separate-stderr check
  [ "$(field state)" = available ]
  [ "$(field previous)" = null ]
}

@test "symbolic links, files and hidden names in the registry are no releases" {
  publish v1.0.0
  mkdir "$BATS_TEST_TMPDIR/elsewhere" "$REGISTRY/.v9.9.9"
  ln -s ../elsewhere "$REGISTRY/v8.0.0"
  touch "$REGISTRY/v7.0.0"
  run --separate-stderr check
  assert_success
  [ "$(field release.version)" = v1.0.0 ]
}

@test "symbolic links and pipes in a release are no artifacts" {
  mkdir "$REGISTRY/v1.0.0"
  ln -s /etc/passwd "$REGISTRY/v1.0.0/app_linux_amd64.tar.gz"
  mkfifo "$REGISTRY/v1.0.0/app_linux_amd64.zip"
  run --separate-stderr check --grace-period 0
  [ "$status" -eq 2 ]
  [[ $(field error.message) == *"none at all"* ]]
}

@test "the options are refused where they are wrong, before anything is asked" {
  run -1 check --slot +blue
  assert_output --partial "--slot +blue"
  run -1 check --mode both
  assert_output --partial "server|assets"
  run -1 check --grace-period soon
  assert_output --partial "a duration such as"
}

@test "--help and --version" {
  run dewy-check --help
  assert_success
  assert_output --partial "--no-downgrade"
  run dewy-check --version
  assert_success
  assert_output --regexp '^dewy [0-9]+\.[0-9]+\.[0-9]+$'
}

@test "the man page has every option that --help has" {
  dewy-check --help | grep -o -- '--[a-z][a-z-]*' | sort -u >"$BATS_TEST_TMPDIR/help"
  sed -n 's/^\.It .*Fl -\([a-z-]*\).*/--\1/p' "$BATS_TEST_DIRNAME/../share/man/man1/dewy-check.1" | sort -u >"$BATS_TEST_TMPDIR/page"
  diff "$BATS_TEST_TMPDIR/help" "$BATS_TEST_TMPDIR/page"
}
