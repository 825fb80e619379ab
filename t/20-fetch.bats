# dewy-fetch: the artifact, whole and verified, in the cache.
load common
load deployed

prepare() {
  publish v1.2.3
  ARTIFACT=$REGISTRY/v1.2.3/app_linux_amd64.tar.gz
  KEY=v1.2.3--app_linux_amd64.tar.gz
  CACHE=$ROOT/.dewy/cache
  DOCUMENT=$BATS_TEST_TMPDIR/document
  check >"$DOCUMENT"
}

# fetch [OPTION...]: runs dewy-fetch on the document.
fetch() {
  dewy-fetch "$@" <"$DOCUMENT"
}

sha256() {
  echo "sha256:$(sha256sum <"$1" | cut -d' ' -f1)"
}

# cached: prints the names in the cache.
cached() {
  find "$CACHE" -mindepth 1 -printf '%f\n'
}

@test "an artifact is downloaded, verified, published under its key and described" {
  run --separate-stderr fetch
  assert_success
  cmp "$ARTIFACT" "$CACHE/$KEY"
  [ "$(cached)" = "$KEY" ]
  [ "$(field state)" = fetched ]
  [ "$(field fetch.from_cache)" = false ]
  [ "$(field fetch.bytes)" = "$(stat -c %s "$ARTIFACT")" ]
  [ "$(field fetch.path)" = "$CACHE/$KEY" ]
  [ "$(field artifact.digest)" = "$(sha256 "$ARTIFACT")" ]
  [ "$(jq -c .fetch.verified <<<"$output")" = '["size"]' ]
  [ "$(field 'notices[-1].text')" = "Downloaded artifact for v1.2.3" ]
  [[ $stderr == *"INFO: Cached artifact cache_key=\"$KEY\""* ]]
}

@test "a second time it comes from the cache, and nobody is told" {
  fetch >/dev/null
  rm -r "$REGISTRY"
  run --separate-stderr fetch
  assert_success
  [ "$(field fetch.from_cache)" = true ]
  [ "$(field artifact.digest)" = "$(sha256 "$CACHE/$KEY")" ]
  [ "$(field fetch.bytes)" = "$(stat -c %s "$CACHE/$KEY")" ]
  [ "$(jq '[.notices[] | select(.stage == "fetch")] | length' <<<"$output")" = 0 ]
}

@test "a cached file of another size is downloaded again" {
  fetch >/dev/null
  echo more >>"$CACHE/$KEY"
  run --separate-stderr fetch
  assert_success
  [ "$(field fetch.from_cache)" = false ]
  cmp "$ARTIFACT" "$CACHE/$KEY"
}

# from_cache: runs dewy-fetch, and prints whether nothing was downloaded.
from_cache() {
  fetch 2>/dev/null | jq .fetch.from_cache
}

@test "a cached file of which nobody knows the upload is downloaded again, once" {
  fetch >/dev/null
  [ "$(from_cache)" = true ]
  rm "$ROOT/.dewy/fetched.json"
  [ "$(from_cache) $(from_cache)" = "false true" ]
  echo damaged >"$ROOT/.dewy/fetched.json"
  [ "$(from_cache) $(from_cache)" = "false true" ]
  edit "$DOCUMENT" '.artifact.revision = "another"'
  [ "$(from_cache) $(from_cache)" = "false true" ]
  edit "$DOCUMENT" 'del(.artifact.revision)' # a registry that does not tell
  [ "$(from_cache) $(from_cache)" = "false false" ]
  edit "$DOCUMENT" ".artifact.digest = \"$(sha256 "$ARTIFACT")\""
  [ "$(from_cache)" = true ]
}

@test "... but not that of the deployed release, whose record tells" {
  deployed v1.2.3
  check --force >"$DOCUMENT"
  rm "$ROOT/.dewy/fetched.json"
  [ "$(from_cache)" = true ]
  touch "$ARTIFACT"
  check --force >"$DOCUMENT"
  [ "$(from_cache)" = false ]
}

@test "a cached file that has the size, and is not what was downloaded, is downloaded again" {
  fetch >/dev/null
  printf X | dd of="$CACHE/$KEY" conv=notrunc status=none
  run -0 --separate-stderr fetch
  [ "$(field fetch.from_cache)" = false ]
  [[ $stderr == *"WARN: The artifact in the cache is damaged"* ]]
  cmp "$ARTIFACT" "$CACHE/$KEY"
}

@test "a cached file of another digest is downloaded again, at WARN" {
  fetch 2>/dev/null | jq -c '.state = "available"' >"$DOCUMENT.new"
  mv "$DOCUMENT.new" "$DOCUMENT"
  printf X | dd of="$CACHE/$KEY" conv=notrunc status=none
  run --separate-stderr fetch
  assert_success
  [ "$(field fetch.from_cache)" = false ]
  [ "$(jq -c .fetch.verified <<<"$output")" = '["size","sha256"]' ]
  [[ $stderr == *"WARN: The artifact in the cache is damaged"* ]]
  cmp "$ARTIFACT" "$CACHE/$KEY"
}

@test "an artifact of another digest is refused with status 5, and nothing is left" {
  edit "$DOCUMENT" '.artifact.digest = "sha256:0000000000000000000000000000000000000000000000000000000000000000"'
  run --separate-stderr fetch
  [ "$status" -eq 5 ]
  [ "$(field state)" = failed ]
  [ "$(field error.code)" = integrity ]
  [[ $(field error.message) == *"digest"* ]]
  [ -z "$(cached)" ]
}

@test "an artifact of another size is refused with status 5, and nothing is left" {
  edit "$DOCUMENT" '.artifact.size += 1'
  run --separate-stderr fetch
  [ "$status" -eq 5 ]
  [ "$(field error.code)" = integrity ]
  [ -z "$(cached)" ]
}

@test "--max-size is enforced by what the registry says, and by what comes" {
  run --separate-stderr fetch --max-size 10
  [ "$status" -eq 5 ]
  [[ $(field error.message) == *"--max-size"* ]]
  edit "$DOCUMENT" 'del(.artifact.size)'
  run --separate-stderr fetch --max-size 10
  [ "$status" -eq 5 ]
  [[ $(field error.message) == *"--max-size"* ]]
  [ -z "$(cached)" ]
  run --separate-stderr fetch
  assert_success
}

@test "an artifact larger than the free space is refused before anything is written" {
  edit "$DOCUMENT" '.artifact.size = 1e15'
  run --separate-stderr fetch --max-size 2000000G
  [ "$status" -eq 3 ]
  [ "$(field error.code)" = space ]
  [ -z "$(cached)" ]
}

@test "a partial download that was left behind is started anew" {
  mkdir -p "$CACHE"
  echo rubbish >"$CACHE/.$KEY.part"
  run --separate-stderr fetch
  assert_success
  cmp "$ARTIFACT" "$CACHE/$KEY"
  [ "$(cached)" = "$KEY" ]
}

@test "no link in the place of the artifact or its partial download is followed" {
  mkdir -p "$CACHE"
  echo precious >"$BATS_TEST_TMPDIR/precious"
  ln -s "$BATS_TEST_TMPDIR/precious" "$CACHE/.$KEY.part"
  ln -s "$BATS_TEST_TMPDIR/precious" "$CACHE/$KEY"
  run --separate-stderr fetch
  assert_success
  [ "$(cat "$BATS_TEST_TMPDIR/precious")" = precious ]
  [ ! -L "$CACHE/$KEY" ]
  cmp "$ARTIFACT" "$CACHE/$KEY"
}

@test "the artifact has its key only when it is whole" {
  truncate -s 64M "$ARTIFACT"
  check >"$DOCUMENT"
  (
    ulimit -f 1024
    trap '' XFSZ
    ! dewy-fetch <"$DOCUMENT" >"$BATS_TEST_TMPDIR/out" 2>/dev/null
  )
  [ "$(jq -r .error.code "$BATS_TEST_TMPDIR/out")" = space ]
  [ -z "$(cached)" ]
}

@test "the data is on disk before the name is" {
  command -v strace >/dev/null || skip "needs strace"
  export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 # which cannot be traced
  strace -f -o "$BATS_TEST_TMPDIR/trace" -e trace=openat,fsync,renameat,renameat2 dewy-fetch <"$DOCUMENT" >/dev/null 2>&1 ||
    skip "cannot trace here"
  sed -n "/openat.*$KEY.part/,\$p" "$BATS_TEST_TMPDIR/trace" | sed 's/^[0-9]* *//; s/(.*//' | tr '\n' ' ' >"$BATS_TEST_TMPDIR/calls"
  [[ $(cat "$BATS_TEST_TMPDIR/calls") == *"fsync renameat fsync "* ]]
}

@test "an artifact in the cache is no longer the file in the registry" {
  fetch >/dev/null
  cp "$ARTIFACT" "$BATS_TEST_TMPDIR/before"
  printf x | dd of="$ARTIFACT" bs=1 seek=20 conv=notrunc status=none
  cmp "$BATS_TEST_TMPDIR/before" "$CACHE/$KEY"
  [ "$(stat -c %h "$CACHE/$KEY")" = 1 ]
}

@test "an artifact that the kernel cannot copy by itself is read and written" {
  command -v strace >/dev/null || skip "needs strace"
  export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0
  run --separate-stderr strace -qq -o "$BATS_TEST_TMPDIR/trace" -e trace=copy_file_range -e inject=copy_file_range:error=EXDEV \
    dewy-fetch <"$DOCUMENT"
  assert_success
  grep -q INJECTED "$BATS_TEST_TMPDIR/trace"
  cmp "$ARTIFACT" "$CACHE/$KEY"
  [ "$(field artifact.digest)" = "$(sha256 "$ARTIFACT")" ]
}

@test "the cache can be elsewhere" {
  run --separate-stderr fetch --cache "$BATS_TEST_TMPDIR/cache"
  assert_success
  [ "$(field fetch.path)" = "$BATS_TEST_TMPDIR/cache/$KEY" ]
  cmp "$ARTIFACT" "$BATS_TEST_TMPDIR/cache/$KEY"
  [ ! -e "$CACHE" ]
}

@test "spaces, plus and percent signs in names" {
  rm -r "${REGISTRY:?}"
  REGISTRY="$BATS_TEST_TMPDIR/a registry+50%"
  publish v1.2.3+blue 'my app+100%.tar.gz'
  dewy-check --registry "file://$BATS_TEST_TMPDIR/a%20registry+50%25" >"$DOCUMENT"
  run --separate-stderr fetch
  assert_success
  cmp "$REGISTRY/v1.2.3+blue/my app+100%.tar.gz" "$CACHE/v1.2.3+blue--my app+100%.tar.gz"
}

@test "an artifact that vanished is an error of the registry" {
  rm "$ARTIFACT"
  run --separate-stderr fetch
  [ "$status" -eq 2 ]
  [ "$(field error.code)" = not-found ]
  [[ $(field error.message) == "$ARTIFACT is not there"* ]]
}

@test "when the artifact is not to be had, the deployed release has to do" {
  deployed v1.2.3
  rm -r "$REGISTRY" "$CACHE"
  check --mode server >"$DOCUMENT"
  run --separate-stderr fetch
  assert_success
  [ "$(field state)" = fetched ]
  [ "$(field fetch.path)" = null ]
  [[ $(field artifact.digest) == sha256:* ]]
  [[ $stderr == *WARN* ]]
}

@test "... but not when it is forced, nor when its directory is gone" {
  deployed v1.2.3
  rm -r "$REGISTRY" "$CACHE"
  check --mode server >"$DOCUMENT"
  edit "$DOCUMENT" '.forced = true'
  run --separate-stderr fetch
  [ "$status" -eq 2 ]
  edit "$DOCUMENT" 'del(.forced)'
  rm -r "$ROOT/releases/20240115T103045Z"
  run --separate-stderr fetch
  [ "$status" -eq 2 ]
}

@test "a document cannot lead outside of its registry" {
  local url
  echo secret >"$BATS_TEST_TMPDIR/secret"
  mkdir "$REGISTRY-2"
  cp -r "$REGISTRY/v1.2.3" "$REGISTRY-2"
  for url in "file://$BATS_TEST_TMPDIR/secret" "file://$REGISTRY/../secret" "file://$REGISTRY/v1.2.3/../../secret" \
    "file://$REGISTRY-2/v1.2.3/app_linux_amd64.tar.gz" "file://$REGISTRY/v1.2.3/%2e%2e/%2e%2e/secret" "ghr://acme/app/tag/v1/secret" \
    "file://$REGISTRY//v1.2.3/app_linux_amd64.tar.gz" "file://$REGISTRY" "file://host$REGISTRY/v1.2.3/app_linux_amd64.tar.gz"; do
    edit "$DOCUMENT" ".artifact.url = \"$url\" | del(.artifact.size)"
    run --separate-stderr fetch
    echo "$url: $output"
    [ "$status" -eq 1 ]
    [ "$(field error.code)" = document ]
    [ -z "$(cached)" ]
  done
}

@test "neither a version nor an artifact that is a link is followed" {
  mv "$ARTIFACT" "$BATS_TEST_TMPDIR/elsewhere"
  ln -s "$BATS_TEST_TMPDIR/elsewhere" "$ARTIFACT"
  run --separate-stderr fetch
  [ "$status" -eq 2 ]
  rm "$ARTIFACT"
  mv "$BATS_TEST_TMPDIR/elsewhere" "$ARTIFACT"
  mv "$REGISTRY/v1.2.3" "$BATS_TEST_TMPDIR/v1.2.3"
  ln -s "$BATS_TEST_TMPDIR/v1.2.3" "$REGISTRY/v1.2.3"
  run --separate-stderr fetch
  [ "$status" -eq 2 ]
}

@test "a pipe in the place of the artifact does not hang" {
  rm "$ARTIFACT"
  mkfifo "$ARTIFACT"
  run --separate-stderr timeout 20 dewy-fetch <"$DOCUMENT"
  [ "$status" -eq 2 ]
  [[ $(field error.message) == *"no regular file"* ]]
}

@test "a document cannot choose another name in the cache" {
  local key
  for key in current v1.2.3--other .hidden v1.2.2--app_linux_amd64.tar.gz; do
    edit "$DOCUMENT" ".artifact.cache_key = \"$key\""
    run -1 fetch
  done
  edit "$DOCUMENT" '.artifact.cache_key = "../../escaped"'
  run -1 fetch
  [ ! -e "$ROOT/escaped" ]
}

@test "documents in another state pass through untouched, with the status they deserve" {
  edit "$DOCUMENT" '.state = "unchanged" | .extra = {"kept": [1, 2]}'
  run --separate-stderr fetch
  assert_success
  [ "$output" = "$(cat "$DOCUMENT")" ]
  edit "$DOCUMENT" '.state = "failed" | .error = {"stage": "check", "code": "registry", "message": "m", "hint": "h"}'
  run --separate-stderr fetch
  [ "$status" -eq 2 ]
  [ "$output" = "$(cat "$DOCUMENT")" ]
  [ ! -e "$CACHE" ]
}

@test "a document that lacks what is needed is refused" {
  edit "$DOCUMENT" 'del(.artifact.url)'
  run -1 fetch
  assert_output --partial artifact.url
}

@test "another run holds the lock" {
  mkdir -p "$ROOT/.dewy"
  exec 8>"$ROOT/.dewy/lock"
  flock -x 8
  run --separate-stderr fetch 8>&-
  [ "$status" -eq 6 ]
  [ "$(field error.code)" = locked ]
}

@test "memory does not grow with the artifact" {
  ! sanitized || skip "the sanitizer has memory of its own"
  truncate -s 200M "$ARTIFACT"
  check >"$DOCUMENT"
  python3 - "$DOCUMENT" <<'PYTHON'
import resource, subprocess, sys
subprocess.run(["dewy-fetch"], stdin=open(sys.argv[1]), stdout=subprocess.DEVNULL, check=True)
assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 32 * 1024
PYTHON
}


@test "the man page has every option that --help has" {
  dewy-fetch --help | grep -o -- '--[a-z][a-z-]*' | sort -u >"$BATS_TEST_TMPDIR/help"
  sed -n 's/^\.It .*Fl -\([a-z-]*\).*/--\1/p' "$BATS_TEST_DIRNAME/../share/man/man1/dewy-fetch.1" | sort -u >"$BATS_TEST_TMPDIR/page"
  diff "$BATS_TEST_TMPDIR/help" "$BATS_TEST_TMPDIR/page"
}

@test "another run that downloads the same artifact into a shared cache is not disturbed" {
  mkdir -p "$CACHE"
  part=$CACHE/.$(jq -r .artifact.cache_key "$DOCUMENT").part
  echo half >"$part"
  chmod 600 "$part"
  exec 8>>"$part"
  flock -x 8
  run --separate-stderr fetch 8>&-
  [ "$status" -eq 6 ]
  [ "$(field error.code)" = locked ]
  [ "$(cat "$part")" = half ]
  exec 8>&-
  run --separate-stderr fetch
  [ "$status" -eq 0 ]
  [ ! -e "$part" ]
}

# leave_part BYTES: has a run killed before it can publish what it has, and leaves so many bytes of that.
leave_part() {
  strace -o /dev/null true 2>/dev/null || skip "cannot trace here"
  run strace -f -o /dev/null -e inject=renameat,renameat2:error=EIO:signal=KILL dewy-fetch <"$DOCUMENT"
  PART=$CACHE/.$KEY.part
  cmp "$PART" "$ARTIFACT"
  jq -e --arg boot "$(cat /proc/sys/kernel/random/boot_id)" '.boot == $boot and (.url | startswith("file:")) and .validator' "$PART.json"
  truncate -s "$1" "$PART"
}

# resumed: the last run has gone on where another one had stopped.
resumed() {
  [[ $stderr == *"DEBUG: Resuming the download"* ]]
}

@test "the next run goes on where one was killed" {
  edit "$DOCUMENT" ".artifact.digest = \"$(sha256 "$ARTIFACT")\""
  leave_part 100
  run --separate-stderr fetch --log-level debug
  assert_success
  resumed
  cmp "$ARTIFACT" "$CACHE/$KEY"
  [ "$(cached)" = "$KEY" ]
  [ "$(field fetch.bytes)" = "$(stat -c %s "$ARTIFACT")" ]
  [ "$(field artifact.digest)" = "$(sha256 "$ARTIFACT")" ]
}

@test "what was there before is verified, too, and does not come back when it was damaged" {
  edit "$DOCUMENT" ".artifact.digest = \"$(sha256 "$ARTIFACT")\""
  leave_part 100
  printf X | dd of="$PART" conv=notrunc status=none
  run --separate-stderr fetch --log-level debug
  [ "$status" -eq 5 ]
  resumed
  [ "$(field error.code)" = integrity ]
  [ -z "$(cached)" ]
  run --separate-stderr fetch
  assert_success
}

@test "an artifact that has changed meanwhile is downloaded whole" {
  leave_part 100
  publish v1.2.3
  check >"$DOCUMENT"
  printf X | dd of="$PART" conv=notrunc status=none
  run --separate-stderr fetch
  assert_success
  cmp "$ARTIFACT" "$CACHE/$KEY"
  [ "$(cached)" = "$KEY" ]
}

@test "what an earlier boot, another artifact or nobody knows has left is downloaded whole" {
  local damage
  leave_part 100
  cp "$PART.json" "$BATS_TEST_TMPDIR/sidecar"
  for damage in '.boot = "2f1d"' 'del(.boot)' '.url += "x"' 'del(.validator)' '.validator = 1' '[]'; do
    rm -f "$CACHE/$KEY"
    printf X >"$PART"
    jq -c "$damage" "$BATS_TEST_TMPDIR/sidecar" >"$PART.json"
    run --separate-stderr fetch --log-level debug
    assert_success
    run ! resumed
    cmp "$ARTIFACT" "$CACHE/$KEY"
    [ "$(cached)" = "$KEY" ]
  done
  rm "$CACHE/$KEY"
  printf X >"$PART"
  head -c 20 "$BATS_TEST_TMPDIR/sidecar" >"$PART.json"
  run --separate-stderr fetch
  assert_success
  cmp "$ARTIFACT" "$CACHE/$KEY"
}

@test "a partial download that is as long as the artifact, or longer, is downloaded whole" {
  leave_part 100
  cat "$ARTIFACT" "$ARTIFACT" >"$PART"
  run --separate-stderr fetch
  assert_success
  cmp "$ARTIFACT" "$CACHE/$KEY"
}

@test "space for what is there already need not be free" {
  need_private_mounts
  truncate -s 9M "$ARTIFACT"
  check >"$DOCUMENT"
  leave_part 6M
  mkdir "$BATS_TEST_TMPDIR/small"
  run -0 --separate-stderr in_private_mounts sh -c '
    mount -t tmpfs -o size=10M,mode=755 tmpfs "$1" && cp -a "$2"/. "$1" && dewy-fetch --cache "$1" --log-level debug' sh \
    "$BATS_TEST_TMPDIR/small" "$CACHE" <"$DOCUMENT"
  resumed
  run -3 --separate-stderr in_private_mounts sh -c 'mount -t tmpfs -o size=8M,mode=755 tmpfs "$1" && dewy-fetch --cache "$1"' sh \
    "$BATS_TEST_TMPDIR/small" <"$DOCUMENT"
  [ "$(field error.code)" = space ]
}

# checksums NAME LINE...: puts a file with these lines beside the artifact, and looks into the registry again.
checksums() {
  printf '%s\n' "${@:2}" >"$REGISTRY/v1.2.3/$1"
  check >"$DOCUMENT"
}

# digits ALGORITHM: the artifact's, by coreutils.
digits() {
  "$1sum" <"$ARTIFACT" | cut -d' ' -f1
}

verified() {
  jq -c .fetch.verified <<<"$output"
}

zeros=$(printf '%064d' 0)

@test "dewy-check names the checksum files of the release, the likeliest first, and at most a handful" {
  local name
  [ "$(jq '.artifact | has("checksum_urls")' "$DOCUMENT")" = false ]
  for name in checksums.txt app_1.2.3_SHA256SUMS SHA512SUMS other_linux_amd64.tar.gz.sha256 checksums.txt.sig README.txt \
    app_linux_amd64.tar.gz.SHA256; do
    echo "$zeros" >"$REGISTRY/v1.2.3/$name"
  done
  run --separate-stderr check
  assert_success
  assert_document
  [ "$(jq -r '.artifact.checksum_urls[] | split("/")[-1]' <<<"$output" | paste -sd' ')" = \
    "app_linux_amd64.tar.gz.SHA256 checksums.txt app_1.2.3_SHA256SUMS SHA512SUMS" ]
  for name in sha256sums sha256sums.txt SHA256SUMS.txt checksums checksum.txt; do
    touch "$REGISTRY/v1.2.3/$name"
  done
  run --separate-stderr check
  [ "$(jq '.artifact.checksum_urls | length' <<<"$output")" = 6 ]
}

@test "every form of a checksum file is read" {
  local name=app_linux_amd64.tar.gz sha256 sha512 upper form
  sha256=$(digits sha256) sha512=$(digits sha512)
  upper=${sha256^^}
  for form in "$sha256  $name" "$sha256 *$name" "$sha256 $name" "$upper  $name" "$sha256  ./dist/$name" "$sha256	$name" \
    "SHA256 ($name) = $sha256" "SHA256(./$name)= $sha256" "SHA2-256($name)= $sha256" "$sha256  $name"$'\r'; do
    checksums SHA256SUMS "# comment" "$zeros  other" "$zeros  $name.sbom" "$zeros  my$name" "$form" "" "$zeros"
    rm -rf "$CACHE"
    run --separate-stderr fetch --verify-checksum required
    echo "$form: $output"
    assert_success
    [ "$(verified)" = '["size","sha256","SHA256SUMS"]' ]
  done
  for form in "$sha512  $name" "SHA512 ($name) = $sha512" "SHA2-512($name)= $sha512"; do
    checksums SHA256SUMS "$form"
    rm -rf "$CACHE"
    run --separate-stderr fetch --verify-checksum required
    echo "$form: $output"
    assert_success
    [ "$(verified)" = '["size","sha512","SHA256SUMS"]' ]
    [ "$(field artifact.digest)" = "sha256:$sha256" ]
  done
}

@test "a file for the artifact alone may have nothing but the digits, one for all may not" {
  checksums app_linux_amd64.tar.gz.sha256 "$(digits sha256)"
  run --separate-stderr fetch --verify-checksum required
  assert_success
  [ "$(verified)" = '["size","sha256","app_linux_amd64.tar.gz.sha256"]' ]
  rm -r "$CACHE" "$REGISTRY/v1.2.3/app_linux_amd64.tar.gz.sha256"
  checksums checksums.txt "$(digits sha256)"
  run -5 --separate-stderr fetch --verify-checksum required
  run -0 --separate-stderr fetch --verify-checksum auto
  [ "$(verified)" = '["size"]' ]
}

@test "lines that are no checksum of the artifact say nothing" {
  local name=app_linux_amd64.tar.gz line
  for line in "$(digits md5)  $name" "$(digits sha1)  $name" "$(digits sha384)  $name" "MD5 ($name) = $(digits sha256)" \
    "SHA512 ($name) = $(digits sha256)" "SHA256 ($name) $(digits sha256)" "SHA256 $name = $(digits sha256)" \
    "x$(digits sha256)  $name" "$(digits sha256)x  $name" "$(digits sha256)  ${name^^}" ") = $zeros" "SHA256" "SHA256)" "SHA256()="; do
    checksums SHA256SUMS "$line"
    run --separate-stderr fetch --verify-checksum required
    echo "$line: $output"
    [ "$status" -eq 5 ]
    [[ $(field error.message) == *"neither the registry nor a checksum file"* ]]
    [[ $(field error.hint) == *SHA256SUMS* ]]
    [ -z "$(cached)" ]
  done
}

@test "the next file is asked when one does not tell" {
  checksums SHA256SUMS "$zeros  other"
  checksums app_checksums.txt "$(digits sha256)  app_linux_amd64.tar.gz"
  run --separate-stderr fetch
  assert_success
  [ "$(verified)" = '["size","sha256","app_checksums.txt"]' ]
}

@test "an artifact that is not what its checksum file says is refused with status 5, and nothing is left" {
  checksums SHA256SUMS "$zeros  app_linux_amd64.tar.gz"
  run --separate-stderr fetch
  [ "$status" -eq 5 ]
  [ "$(field error.code)" = integrity ]
  [[ $(field error.message) == *"instead of sha256:$zeros of SHA256SUMS"* ]]
  [ -z "$(cached)" ]
  run --separate-stderr fetch --verify-checksum off
  assert_success
  [ "$(verified)" = '["size"]' ]
}

@test "a checksum file that contradicts itself is refused, one that repeats itself is not" {
  local name=app_linux_amd64.tar.gz sha256
  sha256=$(digits sha256)
  checksums SHA256SUMS "$sha256  $name" "$zeros  $name"
  run --separate-stderr fetch
  [ "$status" -eq 5 ]
  [[ $(field error.message) == *"SHA256SUMS"*"two different checksums"* ]]
  [ -z "$(cached)" ]
  checksums SHA256SUMS "$sha256  $name" "${sha256^^} *$name" "$(digits sha512)  $name"
  run --separate-stderr fetch
  assert_success
}

@test "a checksum file without end, or outside of the registry, is refused" {
  checksums SHA256SUMS "$(digits sha256)  app_linux_amd64.tar.gz"
  truncate -s 2M "$REGISTRY/v1.2.3/SHA256SUMS"
  run --separate-stderr fetch
  [ "$status" -eq 2 ]
  [[ $(field error.message) == *"SHA256SUMS"*"larger than"* ]]
  echo "$zeros" >"$BATS_TEST_TMPDIR/secret"
  edit "$DOCUMENT" ".artifact.checksum_urls = [\"file://$BATS_TEST_TMPDIR/secret\"]"
  run --separate-stderr fetch
  [ "$status" -eq 1 ]
  [ "$(field error.code)" = document ]
  [ -z "$(cached)" ]
}

@test "--verify-checksum required takes the digest that the registry tells, and asks for no file then" {
  edit "$DOCUMENT" ".artifact.digest = \"$(sha256 "$ARTIFACT")\" | .artifact.checksum_urls = [\"file:///nowhere\"]"
  run --separate-stderr fetch --verify-checksum required
  assert_success
  [ "$(verified)" = '["size","sha256"]' ]
  edit "$DOCUMENT" ".artifact.digest = \"md5:$(digits md5)\" | del(.artifact.checksum_urls)"
  rm -r "$CACHE"
  run -5 --separate-stderr fetch --verify-checksum required
  run -0 --separate-stderr fetch
  [ "$(verified)" = '["size","md5"]' ]
}

@test "--verify-checksum required does not trust the cache; auto does" {
  run -0 --separate-stderr fetch
  run -5 --separate-stderr fetch --verify-checksum required
  checksums SHA256SUMS "$(digits sha256)  app_linux_amd64.tar.gz"
  run -0 --separate-stderr fetch --verify-checksum required
  [ "$(field fetch.from_cache)" = true ]
  [ "$(verified)" = '["size","sha256","SHA256SUMS"]' ]
  rm "$REGISTRY/v1.2.3/SHA256SUMS"
  run -0 --separate-stderr fetch --verify-checksum auto
  [ "$(field fetch.from_cache)" = true ]
}
