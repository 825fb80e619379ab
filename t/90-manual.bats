#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What is written about the tools: well formed, complete, and in agreement with what they say of themselves.
load common

prepare() {
  SOURCE=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
  MAN=$SOURCE/share/man
  TOOLS=$(cd "$DEWY_BIN" && find . -maxdepth 1 -name 'dewy*' -type f -perm -u+x -printf '%f\n' | sort)
}

# commands: prints the commands that dewy --help lists, without the stages.
commands() {
  dewy --help | awk '/^Commands:/ { inside = 1; next } /^$/ { inside = 0 } inside { print $1 }'
}

# printed_options COMMAND...: prints the options that its --help lists, and each short one behind its long one.
printed_options() {
  "$@" --help | sed -nE 's/^  ((-.), )?(--[a-z-]+).*/\3 \2/p' | sort
}

# page_options: prints the options of the man page, or the part of one, on standard input in the same form.
page_options() {
  sed -nE 's/Fl Fl /Fl -/g; s/^\.It Fl (([a-zA-Z]) , Fl )?(-[a-z-]+).*/-\3 -\2/p' | sed 's/ -$/ /' | sort
}

# page_part COMMAND: prints those parts of OPTIONS in dewy(1) whose title names the command, or all of them.
page_part() {
  awk -v command="$1" '/^\.Sh / { inside = 0 }
    /^\.Ss / { title = $0; sub(/^.*: /, "", title); gsub(/[",]/, "", title)
      inside = title ~ /All commands$/ || (" " title " ") ~ (" " command " ") }
    inside' "$MAN/man1/dewy.1" | sed 's/^\.Ss .*//'
}

@test "every tool and every command that is listed has a page, and no page has no tool" {
  assert_equal "$(cd "$MAN/man1" && printf '%s\n' *.1 | sed 's/\.1$//' | sort)" "$TOOLS"
  assert [ "$(wc -l <<<"$TOOLS")" = 8 ]
  for command in $(commands); do
    grep -qE "^\.It Cm .*\b$command\b" "$MAN/man1/dewy.1" || fail "$command"
  done
}

@test "the man pages are well formed" {
  local page
  for page in "$MAN"/man?/*; do
    assert [ -s "$page" ]
    run mandoc -T lint "$page"
    assert_equal "$(grep ': [A-Z]*: ' <<<"$output" | grep -v 'referenced manual not found')" ""
  done
}

@test "a page of dewy that another one refers to exists" {
  local name section
  while read -r name section; do
    assert [ -s "$MAN/man$section/$name.$section" ]
  done < <(grep -ohE '\bXr dewy[a-z-]* [0-9]' "$MAN"/man?/* | sed 's/^Xr //' | sort -u)
}

@test "every page of a tool has NAME, SYNOPSIS, DESCRIPTION, ENVIRONMENT, FILES, EXIT STATUS, EXAMPLES and SEE ALSO" {
  local page section
  for page in "$MAN"/man1/* "$MAN/man7/dewy.7"; do
    for section in NAME DESCRIPTION ENVIRONMENT 'EXIT STATUS' EXAMPLES 'SEE ALSO'; do
      grep -qx "\.Sh $section" "$page" || fail "$page has no $section"
    done
    [ "$page" = "$MAN/man7/dewy.7" ] || grep -qx "\.Sh SYNOPSIS" "$page" || fail "$page has no SYNOPSIS"
    [ "$page" = "$MAN/man7/dewy.7" ] || grep -qx "\.Sh FILES" "$page" || fail "$page has no FILES"
  done
}

@test "the page of every stage has its options, and no other" {
  local tool
  for tool in $(grep -vx dewy <<<"$TOOLS"); do
    diff <(printed_options "$tool") <(page_options <"$MAN/man1/$tool.1") || fail "$tool"
  done
}

@test "dewy(1) has the options of every command, and no other" {
  local command
  for command in $(commands); do
    diff <(printed_options dewy "$command") <(page_part "$command" | page_options) || fail "$command"
  done
}

@test "the defaults in the man pages are those of --help" {
  local tool option default
  for tool in $(grep -vx dewy <<<"$TOOLS") 'dewy watch' 'dewy history' 'dewy rollback'; do
    while read -r option default; do
      awk -v option="-$option" '/^\.It Fl/ { sub(/Fl Fl /, "Fl -"); inside = index($0 " ", "Fl " option " ") } inside' \
        "$MAN/man1/${tool%% *}.1" | grep -qwE -- "${default/%s/(s| seconds?)}" || fail "$tool --$option: $default"
    done < <($tool --help | sed -nE 's/^  (-., )?--([a-z-]+) .*\(default ([^):]+)\)$/\2 \3/p')
  done
}

@test "every command has --help and --version, on standard output and with exit status 0" {
  local tool command
  local -a all=()
  for tool in $TOOLS; do all+=("$tool"); done
  for command in $(commands); do all+=("dewy $command"); done
  for command in "${all[@]}"; do
    run -0 --separate-stderr $command --help
    assert_line --index 0 --regexp "^Usage: $command "
    assert_equal "$stderr" ""
    run -0 --separate-stderr $command --version
    assert_output --regexp '^dewy [0-9]+\.[0-9]+\.[0-9]+$'
    assert_equal "$stderr" ""
  done
}

@test "an option that is none is named on standard error, with exit status 1" {
  local tool command
  for command in $(grep -vx dewy <<<"$TOOLS") 'dewy once' 'dewy watch' 'dewy status' 'dewy history' 'dewy rollback'; do
    run -1 --separate-stderr $command --no-such-option </dev/null
    assert_equal "$output" ""
    assert_regex "$stderr" "^$command: unknown option --no-such-option; "
  done
}

@test "README names every program and every command" {
  local name
  for name in $TOOLS; do grep -qw -- "$name" "$SOURCE/README" || fail "$name"; done
  for name in $(commands); do grep -qE "dewy $name\b" "$SOURCE/README" || fail "dewy $name"; done
}

@test "README and dewy(7) have every exit status" {
  local status
  for status in $(sed -nE 's/^ERROR\(.*, ([0-9]), .*/\1/p' "$SOURCE/lib/error.def" | sort -u) 0; do
    grep -qE "^ *$status  +[A-Z]" "$SOURCE/README" || fail "README: $status"
    sed -n '/^\.Sh EXIT STATUS/,/^\.Sh EXAMPLES/p' "$MAN/man7/dewy.7" | grep -qx "\.It $status" || fail "dewy(7): $status"
  done
}

@test "dewy(7) has every file that a deployment leaves behind" {
  local file
  publish v1.0.0
  dewy once --registry "file://$REGISTRY" --log-level error >/dev/null
  for file in $(find "$ROOT/.dewy" -type f -printf '%P\n' | sed -E 's/[0-9]{8}T[0-9]{6}Z/20240115T103045Z/; s/v1.0.0--app/v1.2.3--myapp/'); do
    grep -qwF "ROOT/.dewy/$file" "$MAN/man7/dewy.7" || fail "$file"
  done
}

# named_tests: prints file and test of each line in SECURITY that names them; "" as the test when all of a file is meant.
named_tests() {
  sed -nE 's#^ +(t/[a-z0-9.-]+\.ba(ts|sh))(, .*|: (.*))?$#\1\t\4#p' "$SOURCE/SECURITY"
}

@test "the tests that SECURITY names are there, and all attacks are named" {
  local file name target
  assert [ "$(named_tests | wc -l)" -gt 70 ]
  while IFS=$'\t' read -r file name; do
    [ -e "$SOURCE/$file" ] || fail "$file"
    [ -z "$name" ] || grep -qxF "@test \"$name\" {" "$SOURCE/$file" || fail "$file: $name"
  done < <(named_tests)
  assert_equal "$(grep -hoP '^@test "\Kattack: .*(?=" \{$)' "$SOURCE"/t/*.bats | sort)" \
    "$(named_tests | cut -f 2 | grep '^attack: ' | sort)"
  for target in $(sed -nE 's/^ +make ([a-z-]+)  .*/\1/p' "$SOURCE/SECURITY"); do
    grep -qE "^$target:" "$SOURCE/Makefile.am" || fail "make $target"
  done
  grep -q SECURITY "$SOURCE/README" && grep -q '^\.Pa SECURITY$' "$MAN/man7/dewy.7"
}

@test "the registries in dewy-registry(7) are asked as they stand" {
  local url urls
  urls=$(sed -n '/^\.Sh EXAMPLES/,/^\.Ed/p' "$MAN/man7/dewy-registry.7" | grep -E '^(ghr|gs|s3)://')
  assert [ "$(wc -l <<<"$urls")" -ge 8 ]
  export http_proxy=http://127.0.0.1:1 https_proxy=http://127.0.0.1:1 # and get no further
  export AWS_ACCESS_KEY_ID=key AWS_SECRET_ACCESS_KEY=secret GOOGLE_APPLICATION_CREDENTIALS=$BATS_TEST_TMPDIR/account.json
  openssl genpkey -quiet -algorithm RSA -out "$BATS_TEST_TMPDIR/account.pem" 2>/dev/null
  jq -n --rawfile key "$BATS_TEST_TMPDIR/account.pem" '{type: "service_account", private_key: $key, client_email: "a@b",
    token_uri: "https://oauth2.googleapis.com/token"}' >"$GOOGLE_APPLICATION_CREDENTIALS"
  while read -r url; do
    run -2 --separate-stderr dewy-check --registry "$url" --retries 0
    assert_equal "$url $(field error.code)" "$url network"
  done <<<"$urls"
}

@test "the environment file says the same to systemd and to sh" {
  local file=$SOURCE/share/examples/myapp.env line
  while IFS= read -r line; do
    assert_regex "$line" '^(# )?[A-Z_]+="[^"$`\\]*"$'
  done < <(grep -E '^(# )?[A-Z_]+=' "$file")
  (
    set -a
    . "$file"
    [ "$DEWY_MODE" = server ]
    dewy once --root "$ROOT" --registry "file://$REGISTRY" 2>&1 | grep -q 'has no release' || fail "dewy once"
  )
}
