load common
load confine

# The tests deploy archives that archives.py writes, over a release that is already there. Hostile names aim at a directory
# that all tests share, and none may change.
setup_file() {
  mkdir "$BATS_FILE_TMPDIR/outside" "$BATS_FILE_TMPDIR/made"
  echo canary >"$BATS_FILE_TMPDIR/outside/canary"
  python3 "$BATS_TEST_DIRNAME/archives.py" --all "$BATS_FILE_TMPDIR/made" "$BATS_FILE_TMPDIR/outside"
}

prepare() {
  export DEWY_LOG_LEVEL=error
  OUTSIDE=$BATS_FILE_TMPDIR/outside
  MADE=$BATS_FILE_TMPDIR/made
  ln -s "$OUTSIDE" "$BATS_TEST_TMPDIR/outside"
  mkdir -p "$ROOT/.dewy/cache"
}

# fetched FILE: puts the file into the cache and prints the document that dewy-fetch would have made.
fetched() {
  local name=${1##*/} digest
  cp "$1" "$ROOT/.dewy/cache/v1--$name"
  digest=$(sha256sum <"$1")
  jq -nc --arg name "$name" --arg root "$ROOT" --arg digest "sha256:${digest%% *}" \
    --arg previous "$(readlink -e "$ROOT/current" || true)" '
    {dewy: 1, id: "test", app: "app", root: $root, mode: "assets", state: "fetched", registry: "file:///registry",
     release: {version: "v1"},
     artifact: {name: $name, url: ("file:///registry/v1/" + $name), digest: $digest, cache_key: ("v1--" + $name)}}
    + if $previous == "" then {} else {previous: {path: $previous}} end'
}

# deploy NAME|FILE [OPTION...]: deploys the archive, or any file, with dewy-deploy.
deploy() {
  local file=$1
  shift
  [ -e "$file" ] || file=$MADE/$file
  fetched "$file" >"$BATS_TEST_TMPDIR/fetched"
  run --separate-stderr dewy-deploy "$@" <"$BATS_TEST_TMPDIR/fetched"
}

# accept NAME|FILE: the archive is deployed, and what was deployed is what it says when it is compared again.
accept() {
  local release
  deploy "$1"
  assert_success
  [ "$(field state)" = deployed ]
  release=$(readlink "$ROOT/current")
  deploy "$1"
  assert_success
  [ "$(field deploy.reused)" = true ]
  [ "$(readlink "$ROOT/current")" = "$release" ]
}

# snapshot: all that must not change: what is outside, current, and all releases.
snapshot() {
  find "$OUTSIDE" "$ROOT/current" "$ROOT/releases" "$ROOT/releases"/* -printf '%p %y %m %s %l\n' | sort
  find "$BATS_TEST_TMPDIR" -mindepth 1 -maxdepth 2 -not -name 'separate-stderr-*' -not -name fetched | sort
  find "$OUTSIDE" "$ROOT/releases" -type f -exec sha256sum {} + | sort
}

# refuse NAME|FILE SENTENCE [OPTION...]: the archive is refused for that reason, the old release stays, nothing else changes.
refuse() {
  local state stage code message hint
  if [ ! -e "$ROOT/current" ]; then
    accept stored.zip
    snapshot >"$ROOT/before"
  fi
  deploy "$1" "${@:3}"
  [ "$status" = 5 ] || fail "$1: status $status: $output $stderr"
  { read -r state; read -r stage; read -r code; read -r message; read -r hint; } < <(
    jq -r '.state, .error.stage, .error.code, .error.message, .error.hint' <<<"$output")
  [ "$state $stage $code" = "failed deploy integrity" ]
  [[ $message == *"$2"* ]] || fail "$1: $message"
  [ -n "$hint" ]
  diff "$ROOT/before" <(snapshot)
}

# assert_sample: current is what archives.py calls SAMPLE.
assert_sample() {
  local current=$ROOT/current/
  [ "$(cat "$current/bin/run")" = $'#!/bin/sh\necho run' ]
  [ "$(cat "$current/locked/inside")" = content ]
  [ "$(cat "$current/bin/link")" = content ]
  [ "$(readlink "$current/dangling")" = later ]
  [ "$(stat -c %i "$current/bin/hard")" = "$(stat -c %i "$current/bin/run")" ]
  [ "$(stat -c %s "$current/large")" = 300000 ]
  [ "$(stat -c %s "$current/zero")" = 0 ]
  [ -d "$current/empty" ]
  [ "$(cat "$current/grüße")" = utf-8 ]
}

@test "tar, in each compression: content, links, empty directories and names are kept" {
  for name in good.tar good.tar.gz good.tar.bz2 good.tar.xz good.tar.zst good-gnu.tar members.tar.gz; do
    accept "$name"
    assert_sample
    long=$(printf 'd%.0s' {1..120})/$(printf 'e%.0s' {1..120})
    [ "$(cat "$ROOT/current/deep/$long/name")" = long ]
  done
  accept good-ustar.tar
  assert_sample
}

@test "the content decides, not the name" {
  cp "$MADE/good.tar.xz" "$BATS_TEST_TMPDIR/app.tar.gz"
  accept "$BATS_TEST_TMPDIR/app.tar.gz"
  assert_sample
  cp "$MADE/good.zip" "$BATS_TEST_TMPDIR/app"
  accept "$BATS_TEST_TMPDIR/app"
  [ "$(cat "$ROOT/current/dir/inside")" = content ]
}

@test "permissions are kept, but for setuid, setgid, sticky and what would lock the owner out" {
  accept good.tar
  cd "$ROOT/current"
  [ "$(stat -c %a bin/run)" = 755 ]
  [ "$(stat -c %a bin/suid)" = 755 ]
  [ "$(stat -c %a empty)" = 777 ]
  [ "$(stat -c %a locked)" = 700 ]
  [ "$(stat -c %a locked/inside)" = 644 ]
  [ "$(stat -c %a secret)" = 600 ]
  [ "$(stat -c %a deep)" = 755 ]
  [ "$(stat -c %u bin/run)" = "$(id -u)" ]
}

@test "permissions do not depend on the umask" {
  (umask 077 && fetched "$MADE/good.tar" | dewy-deploy >/dev/null)
  [ "$(stat -c %a "$ROOT/current/bin/run")" = 755 ]
  [ "$(stat -c %a "$ROOT/current/empty")" = 777 ]
  [ "$(stat -c %a "$ROOT/current/deep")" = 755 ]
}

@test "modification times are kept, those of directories and links, too" {
  accept good.tar
  for name in bin/run locked empty bin/link; do
    [ "$(stat -c %Y "$ROOT/current/$name")" = 1000000000 ]
  done
}

@test "a user who is not root extracts directories without write permission" {
  [ "$(id -u)" = 0 ] || skip "needs root to become somebody else"
  umask 022
  fetched "$MADE/good.tar" >"$BATS_TEST_TMPDIR/fetched"
  chown -R nobody "$ROOT"
  chmod 755 "$BATS_TEST_TMPDIR" "$BATS_RUN_TMPDIR"
  setpriv --reuid nobody --clear-groups dewy-deploy --root "$ROOT" <"$BATS_TEST_TMPDIR/fetched" >/dev/null
  [ "$(cat "$ROOT/current/locked/inside")" = content ]
}

@test "zip: modes, links and the sizes that follow the data" {
  accept good.zip
  cd "$ROOT/current/"
  [ "$(stat -c %a bin/run)" = 755 ]
  [ "$(stat -c %a bin/suid)" = 755 ]
  [ "$(stat -c %a script)" = 644 ]
  [ "$(stat -c %a dir)" = 700 ]
  [ "$(readlink bin/link)" = ../dir/inside ]
  [ "$(cat "grüße")" = utf-8 ]
  [ "$(stat -c %s large)" = 300000 ]
  accept streamed.zip
  [ "$("$ROOT/current/run")" = run ]
}

@test "zip without modes: programs can be executed, texts are no programs, backslashes separate" {
  accept no-modes.zip
  [ "$("$ROOT/current/script")" = run ]
  [ -x "$ROOT/current/tool" ]
  [ "$(stat -c %A "$ROOT/current/text" | tr -d 'rw-')" = "" ]
  [ "$(cat "$ROOT/current/lib/win/text")" = content ]
}

@test "names outside of ASCII do not depend on the locale" {
  LC_ALL=C accept good.tar
  [ -f "$ROOT/current/grüße" ]
  LC_ALL=C accept good.zip
  [ -f "$ROOT/current/grüße" ]
}

@test "a sparse file keeps its holes" {
  accept sparse.tar
  [ "$(stat -c %s "$ROOT/current/sparse")" = 8388608 ]
  [ "$(stat -c %b "$ROOT/current/sparse")" -lt 1024 ]
  [ "$(head -c 5 "$ROOT/current/sparse")" = start ]
  [ "$(tail -c +4194305 "$ROOT/current/sparse" | head -c 5)" = "in th" ]
}

@test "what is no archive is one program" {
  accept script
  [ "$("$ROOT/current/script")" = run ]
  [ "$(ls -A "$ROOT/current/")" = script ]
  [ "$(stat -c %a "$ROOT/current/script")" = 755 ]
  for name in tool appended app.jar; do
    accept "$name"
    cmp "$MADE/$name" "$ROOT/current/$name"
  done
}

@test "a single compressed file is decompressed, and loses the suffix" {
  for suffix in gz bz2 xz zst; do
    accept "tool.$suffix"
    [ "$(stat -c '%n %a' "$ROOT/current"/*)" = "$ROOT/current/tool 755" ]
    [ "$(head -c 4 "$ROOT/current/tool")" = $'\177ELF' ]
    [ "$(stat -c %s "$ROOT/current/tool")" = 5004 ]
  done
}

@test "the deepest path that is allowed is extracted, and removed again" {
  accept deepest.tar
  [ "$(find "$ROOT/current/" -type f -printf '%d\n')" = 200 ]
  accept stored.zip
  fetched "$MADE/good.tar" | dewy-deploy --keep 1 >/dev/null
  deploy good.zip --keep 1
  assert_success
  [ "$(find "$ROOT/releases/" -printf '%d\n' | sort -n | tail -n 1)" -lt 20 ]
}

@test "names that lead out are refused" {
  refuse absolute.tar "$OUTSIDE/absolute: the name is absolute"
  refuse dotdot.tar '../outside/dotdot: the name contains ".."'
  refuse dotdot-inside.tar 'the name contains ".."'
  refuse dotdot-last.tar 'the name contains ".."'
  refuse dotdot-pax.tar 'the name contains ".."'
  refuse dotdot-gnu.tar 'the name contains ".."'
  refuse absolute.zip "the name is absolute"
  refuse dotdot.zip 'the name contains ".."'
  refuse backslash.zip 'the name contains ".."'
  refuse backslash-unix.zip 'the name contains ".."'
}

@test "names that are none are refused" {
  refuse no-name.tar "the name is empty"
  refuse newline.tar 'a\nERROR: forged: the name contains a control character'
  refuse newline.zip "the name contains a control character"
  refuse escape.tar 'a\u001b[2J: the name contains a control character'
  refuse delete.tar "the name contains a control character"
  refuse long-part.tar "longer than 255 bytes"
  refuse long-path.tar "longer than 4095 bytes"
  refuse deep.tar "deeper than 200"
  refuse root-is-file.tar "would replace the directory"
  refuse root-is-link.tar "would replace the directory"
}

@test "symbolic links that lead out, or that anything is to be written through, are refused" {
  refuse link-absolute.tar "link: the link leads to an absolute name"
  refuse link-outside.tar "a/link: the link leads outside"
  refuse link-outside.zip "the link leads outside"
  refuse link-chain.tar "climbs"
  refuse link-empty.tar "empty name"
  refuse link-newline.tar "control character"
  refuse link-parent.tar "link/x: a directory above it is no directory"
  refuse link-parent-directory.tar "link/x: a directory above it is no directory"
  refuse link-parent.zip "link/x: a directory above it is no directory"
}

@test "hard links are to files of the archive, and to nothing else" {
  for name in absolute outside missing itself directory link through-link; do
    refuse "hard-$name.tar" "hard: the hard link"
  done
  [ "$(stat -c %h "$OUTSIDE/canary")" = 1 ]
}

@test "what is no file, directory or link is refused" {
  refuse character.tar "null: device nodes are not extracted"
  refuse block.tar "device nodes"
  refuse fifo.tar "fifo: named pipes are not extracted"
  refuse device.zip "device nodes"
}

@test "nothing is in an archive twice" {
  for name in twice.tar twice-dot.tar twice.zip link-then-file.tar link-then-directory.tar directory-then-link.tar \
    file-then-directory.tar directory-then-file.tar hard-onto-file.tar; do
    refuse "$name" "twice"
  done
  refuse file-then-inside.tar "a/b: a directory above it is no directory"
}

@test "archives that are cut or damaged are refused" {
  for name in cut.tar cut.zip no-end.tar checksum.tar crc.tar.gz length.tar.gz tail.tar.gz crc.zip far.zip \
    size-huge.tar size-negative.tar pax-giant.tar {cut,short,flipped}.tar.{gz,bz2,xz,zst}; do
    refuse "$name" ""
  done
  accept no-end.tar.gz
}

# member: a gzip member with all that a header can have, and blocks of all kinds.
member() {
  python3 - <<'END'
import struct, sys, zlib
text, stored = b"hello, hello, hello " * 9, bytes(range(256))
header = b"\x1f\x8b\x08\x1e\1\2\3\4\0\3" + struct.pack("<H", 5) + b"extraname\0comment\0"
header += struct.pack("<H", zlib.crc32(header) & 0xFFFF)
deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
data = deflate.compress(text) + deflate.flush(zlib.Z_FULL_FLUSH) + deflate.compress(stored) + deflate.flush(zlib.Z_SYNC_FLUSH)
data += deflate.compress(text * 30 + repr(stored).encode()) + deflate.flush()
content = text + stored + text * 30 + repr(stored).encode()
sys.stdout.buffer.write(header + data + struct.pack("<II", zlib.crc32(content), len(content)) + b"behind")
END
}

@test "ISA-L and zlib accept and refuse the same of gzip: cut anywhere, with any bit turned, in pieces of any length" {
  grep -q '^ISAL_LIBS = .' "$DEWY_BIN/../Makefile" || skip "built without ISA-L"
  env -u MAKEFLAGS -u MAKELEVEL make -s -C "$DEWY_BIN/.." t/inflated_isal t/inflated_zlib
  member >"$BATS_TEST_TMPDIR/member"
  echo text | gzip -n >"$BATS_TEST_TMPDIR/plain" # whose header has no checksum
  for file in plain member; do
    for library in isal zlib; do "$DEWY_BIN/../t/inflated_$library" "$BATS_TEST_TMPDIR/$file" >"$BATS_TEST_TMPDIR/$library"; done
    cmp "$BATS_TEST_TMPDIR"/{isal,zlib}
  done
  assert_equal "$(grep -c '^whole .* bytes, .* 6 behind$' "$BATS_TEST_TMPDIR/isal")" 3
  assert [ "$(grep -c 'refused$' "$BATS_TEST_TMPDIR/isal")" -gt 10000 ]
  assert_equal "$(grep '^cut .* bytes' "$BATS_TEST_TMPDIR/isal" | cut -d ' ' -f 2 | sort -u | wc -l)" 6 # of what is behind
}

@test "a name that promises an archive, and a content that is none, is refused" {
  cp "$MADE/tool" "$BATS_TEST_TMPDIR/tool.gz"
  refuse page.tar.gz "ends in .tar.gz"
  refuse nested.tar.gz "ends in .tar.gz"
  refuse nothing.tar.gz "ends in .tar.gz"
  refuse empty.tar "ends in .tar"
  refuse "$BATS_TEST_TMPDIR/tool.gz" "ends in .gz"
}

@test "archives that hold nothing are refused" {
  refuse only-root.tar "is empty"
  refuse zero "is empty"
  refuse empty.zip ""
  refuse nothing.tar.xz "ends in .tar.xz"
}

@test "an encrypted zip is refused" {
  refuse encrypted.zip "a: it is encrypted"
}

@test "zip: what is around the archive and how its directory is sorted makes no difference" {
  for name in padded.zip comment.zip; do
    accept "$name"
    [ "$(readlink "$ROOT/current/bin/link")" = ../dir/inside ]
    [ "$(stat -c %s "$ROOT/current/large")" = 300000 ]
  done
  for name in unordered.zip large.zip; do
    accept "$name"
    [ "$(cat "$ROOT/current/one" "$ROOT/current/two")" = $'content of one\ncontent of two' ]
  done
}

@test "zip: made by other programs, it is the same tree" {
  mkdir -p "$BATS_TEST_TMPDIR/made/sub/empty"
  cd "$BATS_TEST_TMPDIR/made"
  head -c 100000 /dev/urandom >sub/random
  head -c 3000000 /dev/urandom >large
  for blocks in 1 2 7; do head -c $((blocks * 262144)) /dev/zero | tr '\0' x >"sub/blocks$blocks"; done
  seq 20000 >text
  : >zero
  printf '#!/bin/sh\n' >run
  chmod 755 run
  ln -s ../run sub/link
  zip -qry ../deflated.zip .
  zip -qry -0 ../stored.zip .
  zip -qry -fz- ../large.zip . -fz
  zip -qry -Z bzip2 ../bzip2.zip .
  zip -qry - . >../streamed.zip
  bsdtar --format zip -cf ../bsdtar.zip .
  bsdtar --format zip -cf - . >../padded.zip
  for name in deflated stored large bzip2 streamed bsdtar padded; do
    accept "$BATS_TEST_TMPDIR/$name.zip"
    diff <(find . -printf '%P %y %m %l\n' | sort) <(cd "$ROOT/current/" && find . -printf '%P %y %m %l\n' | sort)
    diff -r --no-dereference . "$ROOT/current/"
  done
}

@test "zip: a directory that does not agree with the end records is refused" {
  for name in count-less count-more large-count directory-less; do
    refuse "$name.zip" "its directory does not have as many entries as its end record counts"
  done
  for name in far directory-more directory-late large-size large-offset; do
    refuse "$name.zip" "its directory is not where it should be"
  done
  refuse parts.zip "it is one of several parts"
  refuse disk.zip "it is one of several parts"
  refuse two-ends.zip "it has two end records"
  refuse trailing.zip "its end record is missing, or something follows it"
  refuse large-place.zip "its zip64 end record is not where it should be"
  refuse large-contradicts.zip "its end records contradict each other"
}

@test "zip: a directory that does not agree with the entries is refused" {
  for name in name-differs name-longer; do
    refuse "$name.zip" "its directory has another name than the entry itself"
  done
  for name in flags-differ method-differs; do
    refuse "$name.zip" "one: the archive is damaged: its directory has another method than the entry itself"
  done
  for name in size-differs crc-differs; do
    refuse "$name.zip" "one: the archive is damaged: its directory has other sizes than the entry itself"
  done
  for name in size-more size-less size-none; do
    refuse "$name.zip" "one: the archive is damaged: an entry has another size than its directory says"
  done
  for name in large-missing large-negative; do
    refuse "$name.zip" "a size or a place in its directory is missing, or too large"
  done
  refuse crc.zip "a: the archive is damaged: an entry has another checksum than its directory says"
  refuse packed-less.zip "one: the archive is damaged: the data of an entry ends too early"
  for count in 1 6 7 9; do # a decoder that reads ahead has them already
    refuse "behind-$count.zip" "one: the archive is damaged: the data of an entry ends too late"
  done
  refuse extra-long.zip "has a broken extra field"
}

@test "zip: entries that share data, or reach into each other, are refused" {
  refuse same-data.zip "two entries of its directory are the same data"
  for name in in-data overlap packed-more; do
    refuse "$name.zip" "one: the archive is damaged: an entry reaches into what follows it"
  done
  refuse in-directory.zip "two: the archive is damaged: an entry is not where its directory says"
  refuse behind-directory.zip "an entry is said to be behind its directory"
}

@test "zip: names and links that are none, and methods that are not known, are refused" {
  refuse name-nul.zip "the name contains a control character"
  refuse not-utf8.zip "the name is not in UTF-8, though it is said to be"
  refuse link-long.zip "link: the link leads to a name longer than 4095 bytes"
  refuse link-nul.zip "link: the link leads to a name with a control character"
  refuse method.zip "one: it is compressed by method 14 of zip, which dewy does not read"
  [[ $(field error.hint) == *"deflate"* ]]
}

@test "zip: what is told is the first entry that is refused, and limits are exact, however many threads extract it" {
  for _ in 1 2 3; do
    refuse first-fails.zip "first: the archive is damaged: an entry has another checksum than its directory says"
  done
  refuse many.zip "f999: the archive extracts to more than 11.6 KiB" --max-extracted 11889
  refuse many.zip "the archive has more than 1006 entries" --max-entries 1006
  deploy many.zip --max-extracted 11890 --max-entries 1007 # 1,000 files in 7 directories that have no entry
  assert_success
  [ "$(cat "$ROOT/current/"d*/f* | sort -k 2n)" = "$(seq -f 'content %g' 0 999)" ]
}

@test "bombs are refused before they are written" {
  refuse bomb.tar.gz "more than 200 times its own size"
  refuse bomb.zip "more than 200 times its own size"
  refuse bomb-behind.tar.gz "more than 16 MiB behind its end"
  refuse sparse-huge.tar "more than 8.0 GiB"
  [[ $(field error.hint) == *--max-extracted* ]]
}

@test "each limit is an option, and its last allowed value is allowed" {
  refuse many.tar.gz "more than 1999 entries" --max-entries 1999
  refuse deepest.tar "more than 199 entries" --max-entries 199
  refuse good.tar "more than 293.0 KiB" --max-extracted 300053
  refuse bomb.tar.gz "more than 2 times" --max-ratio 2
  deploy many.tar.gz --max-entries 2000
  assert_success
  deploy deepest.tar --max-entries 200 # one file in 199 directories
  assert_success
  deploy good.tar --max-extracted 300054
  assert_success
  deploy bomb.tar.gz --max-ratio 2000
  assert_success
}

@test "decompressors that ask for gigabytes are refused" {
  refuse window.tar.zst "too much memory"
  ! sanitized || skip "the sanitizer has its own limits"
  refuse window.tar.xz "too much memory"
}

# peak DOCUMENT: deploys, and prints the most KiB of memory that dewy-deploy or its child had.
peak() {
  python3 -c 'import resource, subprocess, sys
subprocess.run(["dewy-deploy"], stdin=open(sys.argv[1]), stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' "$1"
}

# stays_small SUFFIX PROGRAM...: a large archive that PROGRAM compresses takes less than 40 MiB of memory.
stays_small() {
  local kib large=$BATS_TEST_TMPDIR/large.tar.$1
  ! sanitized || skip "the sanitizer needs more"
  head -c 12000000 /dev/urandom >"$BATS_TEST_TMPDIR/random"
  tar -C "$BATS_TEST_TMPDIR" -cf - random | "${@:2}" >"$large"
  fetched "$large" >"$BATS_TEST_TMPDIR/fetched"
  kib=$(peak "$BATS_TEST_TMPDIR/fetched")
  [ "$kib" -lt 40960 ] || fail "$kib KiB"
  cmp "$BATS_TEST_TMPDIR/random" "$ROOT/current/random"
}

@test "memory does not grow with the archive, and stays under 40 MiB: gzip" {
  stays_small gz gzip -1
}

@test "memory does not grow with the archive, and stays under 40 MiB: xz with a window of 8 MiB" {
  stays_small xz xz -0 --lzma2=preset=0,dict=8MiB
}

@test "memory does not grow with the archive, and stays under 40 MiB: zstd with a window of 8 MiB" {
  stays_small zst zstd -q -19 --zstd=wlog=23,strategy=1
}

@test "memory does not grow with the archive, and stays under 40 MiB: bzip2" {
  stays_small bz2 bzip2
}

@test "a release that misses a file, or has one of another size or type, is extracted again" {
  for change in 'rm bin/run' 'echo more >>locked/inside' 'rm -r empty' 'rm zero && mkdir zero' 'rm -r bin && ln -s locked bin'; do
    accept good.tar
    before=$(readlink "$ROOT/current")
    (cd "$ROOT/current/" && eval "$change")
    deploy good.tar
    assert_success
    [ "$(field deploy.reused)" = null ]
    [ "$(readlink "$ROOT/current")" != "$before" ]
    assert_sample
  done
}

@test "what a release wrote beside its own files does not make it incomplete" {
  accept good.tar
  echo log >"$ROOT/current/app.log"
  deploy good.tar
  assert_success
  [ "$(field deploy.reused)" = true ]
}

@test "dewy-deploy reads archives in a child that has given up everything else" {
  may_trace
  need_landlock
  fetched "$MADE/good.tar.gz" >"$BATS_TEST_TMPDIR/fetched"
  strace -f -o "$BATS_TEST_TMPDIR/trace" \
    -e trace=prctl,landlock_restrict_self,seccomp,capset,close_range,prlimit64,mkdirat,symlinkat \
    dewy-deploy <"$BATS_TEST_TMPDIR/fetched" >/dev/null
  child=$(awk '/landlock_restrict_self\(.*= 0/ {print $1}' "$BATS_TEST_TMPDIR/trace")
  [ "$(wc -w <<<"$child")" = 1 ]
  for call in PR_SET_NO_NEW_PRIVS PR_SET_DUMPABLE 'seccomp(SECCOMP_SET_MODE_FILTER' capset close_range RLIMIT_FSIZE RLIMIT_CORE; do
    grep "^$child " "$BATS_TEST_TMPDIR/trace" | grep -qF "$call" || fail "no $call"
  done
  [ "$(awk '/"\.\.\/locked\/inside"/ {print $1}' "$BATS_TEST_TMPDIR/trace")" = "$child" ]
}

# again NAME CALLS: the archive is extracted again by a kernel that does not have these system calls.
again() {
  local first
  first=$(readlink -f "$ROOT/current")
  rm -r "$first/bin"
  fetched "$MADE/$1" >"$BATS_TEST_TMPDIR/fetched"
  without "$2" dewy-deploy <"$BATS_TEST_TMPDIR/fetched" >/dev/null
  [ "$(readlink -f "$ROOT/current")" != "$first" ]
  assert_sample
}

@test "an archive is extracted the same by a kernel that has nothing to confine with" {
  may_trace
  accept good.tar
  again good.tar landlock_create_ruleset,seccomp,capset,close_range
}

# started_threads: how many threads were started, as strace wrote it down, which may tell the result of a call in another line.
started_threads() {
  grep -cE '(CLONE_THREAD|resumed>.*parent_tid).* = [0-9]' "$BATS_TEST_TMPDIR/trace"
}

@test "what is compressed is decompressed in one thread beside writing, or in place where none can be started" {
  may_trace
  accept stored.zip
  for suffix in gz bz2 xz zst; do
    fetched "$MADE/good.tar.$suffix" >"$BATS_TEST_TMPDIR/fetched"
    strace -f -o "$BATS_TEST_TMPDIR/trace" -e trace=clone,clone3 dewy-deploy <"$BATS_TEST_TMPDIR/fetched" >/dev/null
    assert_equal "$(started_threads)" 1
    assert_sample
    again "good.tar.$suffix" clone3:EAGAIN # which starts threads, and no child
  done
}

@test "what is compressed and large is read in one more thread, or in place where none can be started" {
  may_trace
  head -c 2000000 /dev/urandom >"$BATS_TEST_TMPDIR/random"
  for pack in gzip bzip2 "xz -T1" zstd; do
    tar -C "$BATS_TEST_TMPDIR" -cf - random | $pack >"$BATS_TEST_TMPDIR/large.tar"
    fetched "$BATS_TEST_TMPDIR/large.tar" >"$BATS_TEST_TMPDIR/fetched"
    strace -f -o "$BATS_TEST_TMPDIR/trace" -e trace=clone,clone3 dewy-deploy <"$BATS_TEST_TMPDIR/fetched" >/dev/null
    assert_equal "$(started_threads)" 2
    cmp "$BATS_TEST_TMPDIR/random" "$ROOT/current/random"
    rm "$ROOT/current/random"
    fetched "$BATS_TEST_TMPDIR/large.tar" >"$BATS_TEST_TMPDIR/fetched"
    without clone3:EAGAIN dewy-deploy <"$BATS_TEST_TMPDIR/fetched" >/dev/null
    cmp "$BATS_TEST_TMPDIR/random" "$ROOT/current/random"
  done
}

# blocks: a document for an xz that several threads can decompress.
blocks() {
  head -c 2000000 /dev/urandom >"$BATS_TEST_TMPDIR/random"
  tar -C "$BATS_TEST_TMPDIR" -cf - random | xz -0 -T2 --block-size=128KiB >"$BATS_TEST_TMPDIR/blocks.tar.xz"
  fetched "$BATS_TEST_TMPDIR/blocks.tar.xz"
}

@test "xz: where fewer threads can be started than there are processors, they do it" {
  [ "$(id -u)" = 0 ] || skip "needs root to become somebody who runs nothing else"
  chmod 755 "$BATS_TEST_TMPDIR" "$BATS_RUN_TMPDIR"
  for most in 2 3 4 5 6; do # the first two are dewy-deploy and its child
    blocks >"$BATS_TEST_TMPDIR/fetched"
    chown -R 61234 "$ROOT"
    setpriv --reuid 61234 --clear-groups prlimit --nproc=$most \
      dewy-deploy --root "$ROOT" <"$BATS_TEST_TMPDIR/fetched" >/dev/null
    cmp "$BATS_TEST_TMPDIR/random" "$ROOT/current/random"
    rm "$ROOT/current/random"
  done
}

@test "xz: threads do not take the memory of stacks that are as large as the limit for them" {
  blocks >"$BATS_TEST_TMPDIR/fetched"
  (ulimit -s 524288 && dewy-deploy <"$BATS_TEST_TMPDIR/fetched" >/dev/null)
  cmp "$BATS_TEST_TMPDIR/random" "$ROOT/current/random"
}

@test "run as root, a release that the application has made its own is still compared, and taken as it is" {
  [ "$(id -u)" = 0 ] || skip "cannot give files away"
  accept good.tar
  chmod 700 "$ROOT/current/locked"
  chown -R nobody "$ROOT/current/locked"
  deploy good.tar
  assert_success
  [ "$(field deploy.reused)" = true ]
}
