#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The man pages: well formed, and in agreement with what the tools say of themselves.
load common

prepare() {
  MAN=$(cd "$BATS_TEST_DIRNAME/../share/man" && pwd)
}

@test "the man pages are well formed" {
  run mandoc -T lint "$MAN"/man?/*
  assert_equal "$(grep -v 'referenced manual not found' <<<"$output" | grep ': [A-Z]*: ')" ""
}

@test "every tool's man page has its options, and no other" {
  local page tool
  for page in "$MAN"/man1/dewy*.1; do
    tool=$(basename "$page" .1)
    diff <("$tool" --help | grep -oE -- '^  (-[a-z], )?--[a-z-]+' | grep -oE -- '--[a-z-]+' | sort -u) \
      <(sed -nE '/^\.It Fl/s/.*Fl Fl ([a-z-]+).*/--\1/p' "$page" | sort -u) || fail "$tool"
  done
}
