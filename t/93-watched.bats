#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Tests that run with watched tools, by "make check-sanitize" and "make check-valgrind", fail when a tool has a fault that shows nowhere
# else.
load common

# tool CODE [FLAG...]: makes a dewy that does so when it is told to, and a test of it, which passes.
tool() {
  mkdir -p "$BATS_TEST_TMPDIR"/tree/{bin,libexec/dewy,share,t}
  printf '%s\n' '#include <fcntl.h>' '#include <limits.h>' '#include <stdio.h>' '#include <stdlib.h>' '#include <string.h>' \
    'int main(int argc, char **argv) {' \
    'if (argc < 2 || strcmp(argv[1], "now")) return printf("dewy 0\n") < 0;' "$1" 'return 0; }' >"$BATS_TEST_TMPDIR/dewy.c"
  clang -g -o "$BATS_TEST_TMPDIR/tree/bin/dewy" "${@:2}" "$BATS_TEST_TMPDIR/dewy.c"
  printf '@test "it is run" {\n  "$DEWY_BIN/dewy" now || true\n}\n' >"$BATS_TEST_TMPDIR/it.bats"
}

# watched_by SCRIPT: runs that test in such a way.
watched_by() {
  run env -u BATS_TEST_TIMEOUT JOBS=1 DEWY_BIN="$BATS_TEST_TMPDIR/tree/bin" "$BATS_TEST_DIRNAME/$1" "$BATS_TEST_TMPDIR/it.bats"
  assert_line "1 passed, 0 failed, 0 skipped"
}

@test "make check-sanitize: memory that is lost, used too late, or undefined behaviour" {
  local code
  local -a flags=(-fsanitize=address,undefined -fno-sanitize-recover=all)
  for code in 'char *volatile lost = malloc(7); lost = NULL;' 'char *volatile gone = malloc(7); free(gone); return *gone;' \
    'volatile int most = INT_MAX; most++;'; do
    tool "$code" "${flags[@]}"
    watched_by sanitize
    assert_failure
    assert_line --regexp 'dewy.c:8'
  done
  tool '' "${flags[@]}"
  watched_by sanitize
  assert_success
}

@test "make check-valgrind: memory that is lost, or used before it was written, and a descriptor that is left open" {
  local code
  for code in 'char *volatile lost = malloc(7); lost = NULL;' 'char *volatile raw = malloc(7); if (*raw) puts("x"); free(raw);' \
    'return open("/dev/null", O_RDONLY) < 0;'; do
    tool "$code"
    watched_by memcheck
    assert_failure
    assert_line "2 processes looked at, 1 of them with a fault"
    assert_line --regexp 'dewy.c:8'
  done
  tool ''
  watched_by memcheck
  assert_success
}
