#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bootstrap, on a machine that lacks all packages or has them all, as far as it can tell; and what make uninstall leaves.
load common

# checkout [TOOL...]: a tree that bootstrap can be run in, whose tools only write down how they were called, these ones, too.
checkout() {
  local tool
  mkdir -p "$BATS_TEST_TMPDIR/tree/t/stack" "$BATS_TEST_TMPDIR/tools"
  cp "$BATS_TEST_DIRNAME/../bootstrap" "$BATS_TEST_TMPDIR/tree"
  for tool in tools/autoreconf tools/npm tree/configure "${@/#/tools/}"; do
    printf '#!/bin/sh\necho "%s $*" >>"%s/called"\n' "${tool#*/}" "$BATS_TEST_TMPDIR" >"$BATS_TEST_TMPDIR/$tool"
  done
  printf '#!/bin/sh\necho "$STATUS"\n' >"$BATS_TEST_TMPDIR/tools/dpkg-query"
  chmod 755 "$BATS_TEST_TMPDIR"/tools/* "$BATS_TEST_TMPDIR/tree/configure"
  ln -s $(command -v dirname mkdir rm uname) "$BATS_TEST_TMPDIR/tools"
}

# bootstrap STATUS [ARGUMENT...]: runs it where each package has that status.
bootstrap() {
  STATUS=$1 PATH=$BATS_TEST_TMPDIR/tools run /bin/sh "$BATS_TEST_TMPDIR/tree/bootstrap" "${@:2}"
}

@test "bootstrap --build-only takes what building takes, and nothing for the tests" {
  checkout
  bootstrap "unknown ok not-installed"
  assert_failure 1
  assert_output --regexp ' missing:.* gcc .* bats .* gunicorn .* radosgw '
  bootstrap "unknown ok not-installed" --build-only
  assert_failure 1
  assert_output --regexp ' missing: autoconf automake make gcc libc6-dev .* liblzma-dev .* zlib1g-dev( libisal-dev)?$'
  refute_output --regexp ' (bats|gunicorn|radosgw|npm)( |$)'
  assert [ ! -e "$BATS_TEST_TMPDIR/called" ]
}

@test "bootstrap passes its arguments on to configure, but not --build-only, with which it asks neither npm nor apt" {
  checkout apt-get dpkg-deb chmod
  bootstrap "install ok installed" --enable-werror CC=cc
  assert_success
  assert_equal "$(cat "$BATS_TEST_TMPDIR/called")" $'npm ls\napt-get download -q -o APT::Sandbox::User=root exim4-daemon-light
dpkg-deb -x exim4-daemon-light_*.deb .\nchmod 755 usr/sbin/exim4\nautoreconf --install --force\nconfigure --quiet --enable-werror CC=cc'
  rm "$BATS_TEST_TMPDIR/called"
  bootstrap "install ok installed" --build-only --enable-werror CC=cc
  assert_success
  assert_equal "$(cat "$BATS_TEST_TMPDIR/called")" $'autoreconf --install --force\nconfigure --quiet --enable-werror CC=cc'
}

# made TARGET: makes it of the build under test, in $TREE.
made() {
  env -u MAKEFLAGS -u MAKELEVEL make -s -C "$DEWY_BIN/.." "$1" DESTDIR="$TREE" >/dev/null
}

@test "make uninstall removes all that is dewy's, and nothing else" {
  TREE=$BATS_TEST_TMPDIR/installed
  made install
  local directories
  directories=$(find "$TREE" -path '*/share/dewy' -o -path '*/libexec/dewy' -o -path '*/doc/dewy')
  assert_equal "$(wc -l <<<"$directories")" 3
  local other=${directories%%$'\n'*}/of-somebody-else
  touch "$other"
  made uninstall
  assert_equal "$(find "$TREE" ! -type d)" "$other"
  rm "$other"
  made install
  made uninstall
  assert_equal "$(find "$TREE" -path '*/share/dewy' -o -path '*/libexec/dewy' -o -path '*/doc/dewy')" ""
}
