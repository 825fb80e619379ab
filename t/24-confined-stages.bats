# dewy-check, dewy-check-remote, dewy-fetch and dewy-deploy, taken over by what they read (hostile.c).
load common
load confine
load registries

setup_file() {
  clean_environment
  export KIND=ghr
  "${CC:-cc}" -D_GNU_SOURCE -shared -fPIC -o "$BATS_FILE_TMPDIR/hostile.so" "$BATS_TEST_DIRNAME/hostile.c"
  registry_start
}

teardown_file() {
  registry_stop
}

prepare() {
  ! sanitized || skip "the sanitizer is to be loaded first"
  need_landlock
  export HOSTILE_FILE=$BATS_TEST_TMPDIR/outside
  DOCUMENT=$BATS_TEST_TMPDIR/document
  publish v1.0.0
  mkdir "$ROOT/.dewy"
}

# on_github: the release is at a stand-in for GitHub.
on_github() {
  registry_make
  export DEWY_REGISTRY=$URL HOSTILE_TEXT=HTTP/1.
}

# in_directory TEXT: the release is in a directory.
in_directory() {
  export DEWY_REGISTRY=file://$REGISTRY HOSTILE_TEXT=$1
}

# hostile [without CALLS] PROGRAM...: runs it taken over, with $DOCUMENT as its input.
hostile() {
  local kernel=()
  if [ "$1" = without ]; then
    kernel=(without "$2")
    shift 2
  fi
  run -0 --separate-stderr "${kernel[@]}" env LD_PRELOAD="$BATS_FILE_TMPDIR/hostile.so" "$@" <"$DOCUMENT"
}

EVERYTHING='write: 0; execute: 0; listen: 0; signal: 0'

# came_of PROGRAM...: what the programs have tried, in that order.
came_of() {
  assert_equal "$(grep '^hostile ' <<<"$stderr")" "$(printf 'hostile %s\n' "$@")"
}

# is_contained PROGRAM COMMAND...: taken over, the program can do nothing; and it could, were it not for Landlock. Both times it
# does its work.
is_contained() {
  hostile "${@:2}"
  came_of "$1: write: EACCES; execute: EACCES; listen: EACCES; signal: EPERM"
  [ ! -e "$HOSTILE_FILE" ]
  assert_equal "$(field error)" null
  rm -rf "$ROOT/.dewy/cache" "$DEWY_CACHEDIR"
  hostile without landlock_create_ruleset "${@:2}"
  came_of "$1: $EVERYTHING"
  rm "$HOSTILE_FILE"
  assert_equal "$(field error)" null
}

@test "dewy-check can write only to ROOT/.dewy, and starts nothing, by the time it reads the names in a directory" {
  in_directory v1.0.0
  DOCUMENT=/dev/null
  is_contained dewy-check dewy-check
  assert_equal "$(field state)" available
}

@test "dewy-check-remote can do no more by the time that a registry answers" {
  on_github
  DOCUMENT=/dev/null
  is_contained dewy-check-remote dewy-check
  assert_equal "$(field state)" available
  [ -e "$ROOT/.dewy/registry.json" ]
}

@test "dewy-fetch can write only to ROOT/.dewy and the cache by the time that a registry answers" {
  on_github
  dewy-check >"$DOCUMENT"
  is_contained dewy-fetch dewy-fetch
  export DEWY_CACHEDIR=$BATS_TEST_TMPDIR/shared
  is_contained dewy-fetch dewy-fetch
  [ -e "$DEWY_CACHEDIR/v1.0.0--app_linux_amd64.tar.gz" ]
}

@test "dewy-fetch can do no more by the time that it reads an artifact in a directory" {
  in_directory $'\x1f\x8b\b'
  dewy-check >"$DOCUMENT"
  is_contained dewy-fetch dewy-fetch
}

@test "a failure in a confined dewy-fetch is recorded as any other" {
  on_github
  dewy-check | jq -c '.artifact.digest = "sha256:" + "0" * 64' >"$DOCUMENT"
  run -5 dewy-fetch <"$DOCUMENT"
  jq -se '.[-1].state == "failed" and .[-1].error.code == "integrity"' "$ROOT/.dewy/history.jsonl"
  [ -z "$(find "$ROOT/.dewy/cache" -type f)" ]
}

@test "the child of dewy-deploy that reads the archive can do nothing of what dewy-deploy itself can" {
  in_directory $'\x1f\x8b\b'
  dewy-check | dewy-fetch >"$DOCUMENT"
  hostile dewy-deploy
  stderr=$(sort <<<"$stderr") # both read it at once
  came_of "dewy-deploy: $EVERYTHING" 'dewy-deploy: write: EACCES; execute: EPERM; listen: EPERM; signal: EPERM'
  assert_equal "$(field state)" deployed
}

@test "dewy-check and dewy-fetch are confined before they connect to anything" {
  may_trace
  on_github
  strace -f -o "$BATS_TEST_TMPDIR/check" -e trace=landlock_restrict_self,socket,connect dewy-check >"$DOCUMENT"
  strace -f -o "$BATS_TEST_TMPDIR/fetch" -e trace=landlock_restrict_self,socket,connect dewy-fetch <"$DOCUMENT" >/dev/null
  for trace in check fetch; do
    grep -q 'connect(' "$BATS_TEST_TMPDIR/$trace"
    head -n 1 "$BATS_TEST_TMPDIR/$trace" | grep -q 'landlock_restrict_self(.*= 0' || fail "$(cat "$BATS_TEST_TMPDIR/$trace")"
  done
}

@test "a kernel without Landlock is said at DEBUG, and the stages do their work" {
  may_trace
  on_github
  run -0 --separate-stderr without landlock_create_ruleset:EOPNOTSUPP,prctl dewy-check --log-level debug
  assert_equal "$(field state)" available
  assert_equal "$(grep -c 'DEBUG: Not confined no_new_privs="none" landlock="none"$' <<<"$stderr")" 1
}
