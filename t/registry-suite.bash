# What every registry does, whatever its kind: t/13-registry-KIND.bats leads here.
load common
load google
load registries

setup_file() {
  clean_environment
  export BATS_TEST_NAME_PREFIX
  BATS_TEST_NAME_PREFIX="$(kind)://: "
  STACK=$BATS_TEST_DIRNAME/stack KIND=$(kind)
  registry_start
}

teardown_file() {
  STACK=$BATS_TEST_DIRNAME/stack KIND=$(kind)
  registry_stop
}

kind() {
  basename "$BATS_TEST_FILENAME" .bats | sed 's/.*-//'
}

prepare() {
  KIND=$(kind)
  touch -d @0 "$BATS_TEST_TMPDIR/synced"
  registry_make
  export DEWY_REGISTRY=$URL
}

# with PARAMETER: the registry's URL with one more parameter.
with() {
  case $URL in
    *\?*) echo "$URL&$1" ;;
    *) echo "$URL?$1" ;;
  esac
}

# published VERSION...: makes releases, and puts them into the registry.
published() {
  local version
  for version; do
    publish "$version"
  done
  registry_sync
}

# file_of VERSION NAME [CONTENT]: makes a file of a release.
file_of() {
  mkdir -p "$REGISTRY/$1"
  echo "${3-$2 of $1}" >"$REGISTRY/$1/$2"
}

@test "the newest version is taken, in the order of Semantic Versioning" {
  published v1.9.0 v1.10.0 v1.2.30 not-a-version
  run --separate-stderr dewy-check
  assert_success
  assert_document
  assert_equal "$(field state) $(field release.version) $(field artifact.name)" "available v1.10.0 app_linux_amd64.tar.gz"
  assert_equal "$(field artifact.size)" "$(stat -c %s "$REGISTRY/v1.10.0/app_linux_amd64.tar.gz")"
  assert_equal "$(field artifact.cache_key)" v1.10.0--app_linux_amd64.tar.gz
  assert [ "$(($(date +%s) - $(date -d "$(field release.published_at)" +%s)))" -lt 3600 ]
}

@test "pre-releases are taken only when they are asked for" {
  published v1.2.0 v1.3.0-rc.2 v1.3.0-rc.10
  run --separate-stderr dewy-check
  assert_equal "$(field release.version) $(field release.prerelease)" "v1.2.0 false"
  run --separate-stderr dewy-check --registry "$(with pre-release=true)"
  assert_equal "$(field release.version) $(field release.prerelease)" "v1.3.0-rc.10 true"
}

@test "a slot has versions of its own" {
  published v1.2.0+blue v1.3.0+green v1.1.0+blue
  run --separate-stderr dewy-check --slot blue
  assert_equal "$(field release.version) $(field release.slot)" "v1.2.0+blue blue"
  run --separate-stderr dewy-check --slot red
  assert_failure 2
  [[ $stderr == *"3 of another slot"* ]]
}

@test "of equal versions one is taken, always the same, at WARN" {
  published v1.2.0+blue v1.2.0+green
  run --separate-stderr dewy-check
  assert_success
  [[ $stderr == *"WARN: Several releases are equally new"* ]]
  local first
  first=$(field release.version)
  run --separate-stderr dewy-check
  assert_equal "$(field release.version)" "$first"
}

@test "calendar versions are ordered by their numbers" {
  published 2024.01.9 2024.01.10 2023.12.99 v9.0.0
  run --separate-stderr dewy-check --calver YYYY.0M.MICRO
  assert_equal "$(field release.version)" 2024.01.10
}

@test "the artifact fits this machine, or is the one that is asked for" {
  publish v1.0.0
  file_of v1.0.0 app_darwin_arm64.tar.gz
  file_of v1.0.0 app_linux_amd64.tar.gz.sha256
  file_of v1.0.0 app_windows_amd64.zip
  registry_sync
  run --separate-stderr dewy-check
  assert_equal "$(field artifact.name)" app_linux_amd64.tar.gz
  run --separate-stderr dewy-check --registry "$(with artifact=app_windows_amd64.zip)"
  assert_equal "$(field artifact.name)" app_windows_amd64.zip
}

@test "artifacts that fit equally well are an error that names them" {
  publish v1.0.0 one_linux_amd64.tar.gz
  publish v1.0.0 two_linux_amd64.tar.gz
  registry_sync
  run --separate-stderr dewy-check --app app
  assert_failure 2
  [[ $stderr == *one_linux_amd64.tar.gz*two_linux_amd64.tar.gz*artifact=* ]]
}

@test "a release without its artifact is waited for, and then is an error" {
  file_of v1.0.0 notes.txt
  registry_sync
  run --separate-stderr dewy-check
  assert_success
  assert_document
  assert_equal "$(field state)" waiting
  run --separate-stderr dewy-check --grace-period 0
  assert_failure 2
  assert_equal "$(field error.code)" not-found
  published v1.0.0
  run --separate-stderr dewy-check
  assert_equal "$(field state)" available
}

@test "an empty registry is an error that says so" {
  run --separate-stderr dewy-check
  assert_failure 2
  assert_equal "$(field error.code)" not-found
  [[ $stderr == *"has no release"* ]]
}

@test "1,000 versions cost as many questions as they have pages" {
  local version
  mkdir "$REGISTRY"/v1.{0..999}.0 "$ROOT/.dewy" # where it is remembered that there are many
  for version in {0..999}; do
    echo $version >"$REGISTRY/v1.$version.0/app_linux_amd64.tar.gz"
  done
  registry_sync
  run --separate-stderr dewy-check
  assert_equal "$(field release.version)" v1.999.0
  local -A most=([file]=2 [gs]=3 [s3]=2 [ghr]=11)
  assert [ "$(registry_questions dewy-check --force)" -le "${most[$KIND]}" ]
}

@test "spaces, plus signs and percent signs in names are only characters" {
  local name='app 100%+x_linux_amd64.tar.gz'
  [ "$KIND" != ghr ] || name='app.100.+x_linux_amd64.tar.gz' # what GitHub makes of the others
  publish v1.0.0-rc.1+build.5 "$name"
  registry_sync
  run --separate-stderr dewy-check --registry "$(with pre-release=true)" --slot build.5
  assert_equal "$(field release.version) $(field artifact.name)" "v1.0.0-rc.1+build.5 $name"
  run --separate-stderr dewy once --registry "$(with pre-release=true)" --slot build.5
  assert_success
  cmp "$REGISTRY/v1.0.0-rc.1+build.5/$name" "$ROOT/.dewy/cache/v1.0.0-rc.1+build.5--$name"
  assert_equal "$(cat "$ROOT/current/version")" "v1.0.0-rc.1+build.5"
  assert_equal "$(registry_names v1.0.0-rc.1+build.5 | grep -c '^shipped_to_')" 1
}

@test "an empty directory gets the newest release, and its successor, and an audit record of each" {
  published v1.0.0
  run --separate-stderr dewy once
  assert_success
  assert_document
  assert_equal "$(field state) $(cat "$ROOT/current/version")" "deployed v1.0.0"
  cmp "$REGISTRY/v1.0.0/app_linux_amd64.tar.gz" "$ROOT/.dewy/cache/v1.0.0--app_linux_amd64.tar.gz"
  published v1.1.0
  run --separate-stderr dewy once
  assert_equal "$(field state) $(cat "$ROOT/current/version")" "deployed v1.1.0"
  run --separate-stderr dewy once
  assert_equal "$(field state)" unchanged
  local version record
  for version in v1.0.0 v1.1.0; do
    record=$(registry_names $version | grep '^shipped_to_')
    assert_equal "$(wc -l <<<"$record")" 1
    [[ $(registry_content $version "$record") =~ ^shipped\ to\ [a-z0-9.-]+\ assets\ at\ [0-9]{8}T[0-9]{6}\.[0-9]+Z$ ]]
    assert_equal "$record" "$(registry_content $version "$record" | tr ' ' _).txt"
  done
}

@test "a release that is withdrawn is followed to the one before, or not" {
  published v1.0.0 v1.1.0
  dewy once 2>/dev/null
  registry_withdraw v1.1.0
  run --separate-stderr dewy-check --no-downgrade
  assert_equal "$(field state)" unchanged
  run --separate-stderr dewy once
  assert_success
  [[ $stderr == *"WARN: Following the registry to an older version"* ]]
  assert_equal "$(cat "$ROOT/current/version")" v1.0.0
}

@test "a download that was killed is taken up" {
  mkdir -p "$REGISTRY/v1.0.0"
  head -c 8000000 /dev/urandom >"$REGISTRY/v1.0.0/app_linux_amd64.tar"
  registry_sync
  local document=$BATS_TEST_TMPDIR/document part=$ROOT/.dewy/cache/.v1.0.0--app_linux_amd64.tar.part
  dewy-check >"$document"
  mkdir -p "$(dirname "$part")"
  touch "$part"
  run strace -f -qq -o /dev/null -P "$part" -e trace=write,copy_file_range \
    -e inject=write:signal=KILL:when=5 -e inject=copy_file_range:signal=KILL:when=4 dewy-fetch <"$document" # half a MB at most each
  local kept
  kept=$(stat -c %s "$part")
  assert [ "$kept" -gt 0 ]
  run --separate-stderr dewy-fetch --log-level debug <"$document"
  assert_success
  [[ $stderr == *"Resuming the download"* ]]
  cmp "$REGISTRY/v1.0.0/app_linux_amd64.tar" "$ROOT/.dewy/cache/v1.0.0--app_linux_amd64.tar"
  assert_equal "$(find "$ROOT/.dewy/cache" -name '.*.part*')" ""
}

@test "an artifact is compared with the checksum file of its release" {
  publish v1.0.0
  (cd "$REGISTRY/v1.0.0" && sha256sum ./* | sed 's|\./||' >SHA256SUMS)
  registry_sync
  run --separate-stderr dewy once --verify-checksum required
  assert_success
  assert_equal "$(cat "$ROOT/current/version")" v1.0.0
}

@test "--verify-checksum required refuses an artifact that nothing vouches for" {
  published v1.0.0
  run --separate-stderr dewy once --verify-checksum required
  if [ "$KIND" = ghr ]; then # GitHub tells the digest itself
    assert_success
  else
    assert_failure 5
    [[ $stderr == *checksum* ]]
    refute [ -e "$ROOT/current" ]
  fi
}

@test "a registry that is not there is an error, and what is deployed stays" {
  published v1.0.0
  dewy once 2>/dev/null
  local -A elsewhere=(
    [file]=file:///nowhere/at-all
    [s3]="s3://us-east-1/no-such-bucket/x?endpoint=http://127.0.0.1:${SERVICE_PORT-}"
    [gs]="gs://no-such-bucket/x?endpoint=http://127.0.0.1:${SERVICE_PORT-}"
    [ghr]=ghr://acme/no-such-repository
  )
  run --separate-stderr dewy once --registry "${elsewhere[$KIND]}"
  assert_failure 2
  [[ $stderr =~ ERROR:.*hint= ]]
  assert_equal "$(cat "$ROOT/current/version")" v1.0.0
}

@test "a parameter of no meaning is refused, and so is a secret in the URL" {
  run --separate-stderr dewy-check --registry "$(with color=blue)"
  assert_failure 1
  [[ $stderr == *"unknown parameter color"* ]]
  run --separate-stderr dewy-check --registry "$KIND://user:hush@host/x/y"
  assert_failure 1
  [[ $stderr$output != *hush* ]]
}

@test "no secret is in a log, a document, the state, or the arguments of a program" {
  published v1.0.0
  ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 run -0 strace -f -s 100000 -e trace=execve -o "$BATS_TEST_TMPDIR/programs" dewy once --log-level debug \
    --after-deploy-hook 'env >"$DEWY_ROOT/environment"'
  echo "$output" >"$ROOT/output"
  assert_equal "$(cat "$ROOT/current/version")" v1.0.0
  assert [ -s "$ROOT/environment" ]
  sed -i 's/, 0x[0-9a-f]* .*//' "$BATS_TEST_TMPDIR/programs"
  local secret
  for secret in "${SECRETS[@]}"; do
    run grep -rF -e "$secret" "$ROOT" "$BATS_TEST_TMPDIR/programs"
    assert_failure 1
  done
}

@test "debug shows each request to the registry, and no secret in any form" {
  published v1.0.0
  local before secret form
  before=$(requests_of_dewy)
  run -0 --separate-stderr dewy once --log-level debug --log-format json
  case $KIND in
    file) assert_equal "$(grep -c "HTTP request" <<<"$stderr")" 0 ;;
    ghr) form="/acme/$PLACE/|/$(github_id)/" ;;
    gs) form="/b/$PLACE/" ;;
    s3) form="/$PLACE" ;;
  esac
  agree() { # once the service has noted the last one, too
    [ "$(jq -r 'select(.msg == "HTTP request") | .url | sub("^[a-z]+:/"; "")' <<<"$stderr" | grep -cE "$form")" = \
      "$(($(requests_of_dewy) - before))" ]
  }
  [ "$KIND" = file ] || wait_until agree
  for secret in "${SECRETS[@]}"; do
    for form in "$secret" "$(encode "$secret")" "$(base64 -w 0 <<<"$secret" | head -c -6)" "$(base64 -w 0 <<<"x$secret" | cut -c 4- | head -c -6)" \
      "$(base64 -w 0 <<<"xy$secret" | cut -c 5- | head -c -6)"; do
      [ ${#form} -lt 5 ] || refute grep -qF -e "$form" <<<"$output$stderr"
    done
  done
}

@test "another upload of an artifact has another revision, and what nobody touches keeps its own" {
  published v1.0.0
  run -0 --separate-stderr dewy-check
  local revision
  revision=$(field artifact.revision)
  assert [ "$revision" != null ]
  run -0 --separate-stderr dewy-check
  assert_equal "$(field artifact.revision)" "$revision"
  echo more >>"$REGISTRY/v1.0.0/app_linux_amd64.tar.gz"
  registry_sync
  run -0 --separate-stderr dewy-check
  assert [ "$(field artifact.revision)" != "$revision" ]
}

# tarred VERSION CONTENT [LINK]: puts a tar with a file "version", or a link of that name, into the registry; the size is always the
# same, because tar fills up its block.
tarred() {
  local tree=$BATS_TEST_TMPDIR/tree
  mkdir -p "$tree" "$REGISTRY/$1"
  rm -f "$tree/version"
  if [ "${3-}" = link ]; then ln -s "$2" "$tree/version"; else echo "$2" >"$tree/version"; fi
  tar -C "$tree" -cf "$REGISTRY/$1/app_linux_amd64.tar" version
  registry_sync
}

@test "another upload of the same name and size is deployed, whatever became of the one that is in the cache" {
  local content cached=$ROOT/.dewy/cache/v1.1.0--app_linux_amd64.tar
  published v1.0.0
  run -0 --separate-stderr dewy once --no-report
  tarred v1.1.0 "what nobody has deployed"
  run --separate-stderr dewy once --no-report --before-deploy-hook false --abort-on-hook-failure
  assert_equal "$(field error.stage) $(tar -xOf "$cached")" "deploy what nobody has deployed"
  tarred v1.1.0 /somewhere link
  run -5 --separate-stderr dewy once --no-report
  assert_equal "$(field fetch.from_cache)" false
  run -5 --separate-stderr dewy once --no-report
  assert_equal "$(field fetch.from_cache)" true # it was downloaded once
  for content in "the right one" "and another"; do
    tarred v1.1.0 "$content"
    run -0 --separate-stderr dewy once --no-report --force
    assert_equal "$(field state) $(cat "$ROOT/current/version")" "deployed $content"
  done
  assert_equal "$(stat -c %s "$cached")" 10240
}

@test "what is signed is taken, by its own signature or that of a checksum file, and nothing else" {
  local key=$BATS_TEST_TMPDIR/key artifact=app_linux_amd64.tar.gz
  minisign -G -W -p "$key.pub" -s "$key.sec" >/dev/null
  published v1.0.0
  run --separate-stderr dewy once --no-report --verify-key "$key.pub"
  assert_equal "$status $(field error.code)" "5 integrity"
  minisign -S -s "$key.sec" -t "version=1.0.0 file=$artifact" -m "$REGISTRY/v1.0.0/$artifact" >/dev/null
  registry_sync
  run --separate-stderr dewy once --no-report --verify-key "$key.pub" --verify-claims version
  assert_success
  assert_equal "$(field 'fetch.signatures[0].file')" "$artifact.minisig"
  publish v1.1.0
  (cd "$REGISTRY/v1.1.0" && sha256sum "$artifact" >SHA256SUMS)
  minisign -S -s "$key.sec" -x "$REGISTRY/v1.1.0/SHA256SUMS.release.minisig" -m "$REGISTRY/v1.1.0/SHA256SUMS" >/dev/null
  registry_sync
  run --separate-stderr dewy once --no-report --verify-key "$key.pub"
  assert_success
  assert_equal "$(field 'fetch.signatures[0].file')" SHA256SUMS.release.minisig
  assert_equal "$(cat "$ROOT/current/version")" v1.1.0
}
