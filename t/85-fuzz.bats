#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What reads bytes of strangers, on the inputs that are kept of fuzzing (make fuzz): seeds, and what once broke something.
load common

FUZZ=$BATS_TEST_DIRNAME/fuzz

setup_file() {
  local bin=${DEWY_BIN:-$(cd "$BATS_TEST_DIRNAME/.." && pwd)/bin} targets=("$BATS_TEST_DIRNAME"/fuzz/seeds/*)
  env -u MAKEFLAGS -u MAKELEVEL make -s -C "$bin/.." "${targets[@]/#*\//t/fuzz/}" 3>&- 4>&-
}

# kept TARGET: prints the inputs.
kept() {
  find "$FUZZ/seeds/$1" "$FUZZ/crashes/$1" -type f 2>/dev/null
}

# reads TARGET: true when it gets through all of its inputs.
reads() {
  local inputs
  mapfile -t inputs < <(kept "$1")
  assert [ "${#inputs[@]}" -gt 0 ]
  TMPDIR=$BATS_TEST_TMPDIR run --separate-stderr "$DEWY_BIN/../t/fuzz/$1" "${inputs[@]}"
  [ "$status" = 0 ] || fail "$(tail -n 20 <<<"$stderr")" # the last input that it names is the one
  assert_output "${#inputs[@]} inputs"
  assert_equal "$(find "$BATS_TEST_TMPDIR" -name 'dewy-fuzz-*')" ""
}

@test "archives are extracted to nowhere else" {
  reads archive
}

@test "the choice of an artifact does not depend on their order" {
  reads artifacts
}

@test "checksum files tell a digest or nothing" {
  reads checksums
}

@test "credentials are found, or it is said why not" {
  reads credentials
}

@test "documents are printed as they were read" {
  reads document
}

@test "lists of Google Cloud Storage are read" {
  reads gcs
}

@test "lists of GitHub are read" {
  reads github
}

@test "histories are followed, and go on" {
  reads history
}

@test "keys and signatures of minisign are read, or refused" {
  reads minisign
}

@test "notices are told, whatever is in them" {
  reads notices
}

@test "options reach the tools that a tool starts" {
  reads options
}

@test "lists of S3 are read" {
  reads s3
}

@test "damaged files in ROOT/.dewy are as good as none" {
  reads state
}

@test "status files are read, and written again" {
  reads status
}

@test "texts are fit to be shown" {
  reads text
}

@test "URLs are taken apart and refused" {
  reads urls
}

@test "the order of versions is total" {
  reads versions
}

@test "every target of the fuzzer is replayed here, and every input belongs to one" {
  local targets
  targets=$(sed -n 's/^  reads //p' "$BATS_TEST_FILENAME" | sort)
  assert_equal "$(grep -l '^int LLVMFuzzerTestOneInput' "$FUZZ"/*.c | xargs -n 1 basename -s .c | sort)" "$targets"
  assert_equal "$(ls "$FUZZ/seeds")" "$targets"
  assert_equal "$(ls "$FUZZ/crashes" | grep -vxF "$targets")" ""
}

@test "a broken promise ends the replay, which tells the input" {
  run "$DEWY_BIN/../t/fuzz/document" "$BATS_TEST_TMPDIR/missing"
  assert_failure 1
  assert_output --partial "$BATS_TEST_TMPDIR/missing"
}
