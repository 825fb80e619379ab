#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The document: what the table in src/document.def, the JSON Schema, the man page and the tools say of it is the same.
load common

prepare() {
  SOURCE=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
  SCHEMA=$DEWY_BIN/../share/schema/document.json
  PAGE=$SOURCE/share/man/man5/dewy-document.5
}

# members: prints path, type and required-by of every member, separated by tabs.
members() {
  sed -nE 's/^MEMBER\("([^"]+)", ([A-Z]+), [A-Z]+, ([A-Z |]+), ".*"\)$/\1\t\2\t\3/p' "$SOURCE/src/document.def"
}

# required_by STAGE: prints the paths that it requires besides those that every stage requires.
required_by() {
  members | awk -F '\t' -v stage="$1" 'index($3, stage) { print $1 }'
}

# minimal [JQ-FILTER]: prints the smallest document of this ROOT.
minimal() {
  jq -nc --arg root "$ROOT" '{dewy: 1, id: "1", app: "a", root: $root, mode: "server", state: "waiting"} | '"${1:-.}"
}

# refused: the document on standard input is refused by a tool and, unless "$1" is "by-tool", noted for schema_refuses.
refused() {
  local document
  document=$(cat)
  run --separate-stderr dewy-notify <<<"$document"
  assert_failure 1
  assert_equal "$output" ""
  assert_regex "$stderr" '^dewy-notify: .+; .+'
  [ "${1:-}" = by-tool ] || echo "$document" >>"$BATS_TEST_TMPDIR/refused"
}

# schema_refuses: the schema refuses every document noted by refused.
schema_refuses() {
  python3 "$BATS_TEST_DIRNAME/validate.py" "$SCHEMA" refuses <"$BATS_TEST_TMPDIR/refused"
}

@test "the table is read whole" {
  assert_equal "$(members | wc -l)" "$(grep -c '^MEMBER' "$SOURCE/src/document.def")"
  assert [ "$(members | wc -l)" -gt 50 ]
}

@test "the schema has every member, and no other" {
  assert_equal "$(jq -r '.properties | to_entries[] | .key, (.key as $key | .value.properties // {} | keys_unsorted[] | $key + "." + .)' "$SCHEMA")" \
    "$(members | cut -f 1)"
}

@test "dewy-document(5) explains every member, with its type" {
  local path type _ word
  declare -A word=([STRING]=text [NUMBER]=number [BOOLEAN]=boolean [TIME]=time [OBJECT]=object [HOOKS]='array of objects'
    [NOTICES]='array of objects' [SIGNATURES]='array of objects' [STRINGS]='array of texts')
  while IFS=$'\t' read -r path type _; do
    grep -qxF ".It Li $path Pq ${word[$type]}" "$PAGE" || fail "$path Pq ${word[$type]}"
  done < <(members)
  assert_equal "$(grep -c '^\.It Li [a-z_.]* Pq' "$PAGE")" "$(members | wc -l)"
}

@test "dewy-document(5) has every state" {
  assert_equal "$(sed -nE 's/^\.It Li ([a-z_]+) Ta (dewy-[a-z]+|any) Ta .*/\1/p' "$PAGE")" "$(jq -r '.properties.state.enum[]' "$SCHEMA")"
}

@test "dewy-document(5) and the schema have every error, with its exit status" {
  assert_equal "$(sed -nE 's/^\.It Li ([a-z-]+) Ta ([0-9]) Ta .*/\1 \2/p' "$PAGE")" \
    "$(sed -nE 's/^ERROR\([A-Z_]+, "([a-z-]+)", ([0-9]), .*/\1 \2/p' "$SOURCE/lib/error.def")"
  assert_equal "$(jq -r '.properties.error.properties.code.enum[]' "$SCHEMA")" \
    "$(sed -nE 's/^ERROR\([A-Z_]+, "([a-z-]+)".*/\1/p' "$SOURCE/lib/error.def")"
}

@test "dewy-document(5) says what each stage requires" {
  local stage
  for stage in fetch deploy restart; do
    assert_equal "$(sed -n "s/^\.It dewy-$stage Ta Li //p" "$PAGE" | sed 's/ , /\n/g')" "$(required_by ${stage^^})"
  done
  assert_equal "$(members | awk -F '\t' '$3 == "ANY" { print $1 }')" "$(jq -r '.required[]' "$SCHEMA")"
}

@test "every state and mode of the schema is accepted" {
  local state mode
  for state in $(jq -r '.properties.state.enum[]' "$SCHEMA"); do
    for mode in $(jq -r '.properties.mode.enum[]' "$SCHEMA"); do
      run --separate-stderr dewy-notify --no-report < <(minimal ".state = \"$state\" | .mode = \"$mode\" | .id = \"$state\"")
      assert_equal "$(field state)" "$state"
      echo "$output" >>"$BATS_TEST_TMPDIR/accepted"
    done
  done
  python3 "$BATS_TEST_DIRNAME/validate.py" "$SCHEMA" accepts <"$BATS_TEST_TMPDIR/accepted"
}

@test "a document that lacks what all stages require is refused" {
  local member
  for member in $(jq -r '.required[]' "$SCHEMA"); do
    refused < <(minimal "del(.$member)")
    assert_regex "$stderr" "$member|format version"
  done
  schema_refuses
}

@test "members of a wrong type are refused" {
  local document
  members | jq -Rc --argjson minimal "$(minimal)" 'split("\t") as [$path, $type]
    | $minimal | setpath($path / "."; if $type == "STRING" or $type == "TIME" then 1 else "text" end)' >"$BATS_TEST_TMPDIR/refused"
  assert_equal "$(wc -l <"$BATS_TEST_TMPDIR/refused")" "$(members | wc -l)"
  while read -r document; do
    dewy-notify <<<"$document" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" && fail "accepted: $document"
    [ $? = 1 ] && [ ! -s "$BATS_TEST_TMPDIR/out" ] && [ -s "$BATS_TEST_TMPDIR/err" ] || fail "$document"
  done <"$BATS_TEST_TMPDIR/refused"
  schema_refuses
  refused by-tool < <(minimal '.artifact.size = 7' | sed 's/"size":7/"size":1e999/') # which would be printed as null
}

@test "a state, a mode or a format version that does not exist is refused" {
  refused < <(minimal '.state = "sleeping"')
  refused < <(minimal '.mode = "both"')
  refused < <(minimal '.dewy = 2')
  assert_regex "$stderr" 'format version 2'
  schema_refuses
}

@test "what is no document is refused" {
  refused by-tool < <(printf '')
  refused by-tool < <(echo '{"dewy":1')
  refused by-tool < <(minimal; minimal)
  refused < <(echo '[]')
  refused by-tool < <(minimal '.reason = "x" * 5000000')
  schema_refuses
}

@test "names that are paths, and the root of somebody else, are refused" {
  refused by-tool < <(minimal '.artifact.name = "../x"')
  refused by-tool < <(minimal '.artifact.cache_key = "a/b"')
  refused by-tool < <(minimal '.previous.cache_key = ".dewy"')
  refused by-tool < <(minimal '.root = "/tmp"')
}

@test "what each stage prints is a document" {
  local stage
  publish v1.0.0
  output=
  for stage in check fetch deploy restart notify; do
    run --separate-stderr "dewy-$stage" $([ $stage = check ] && echo --registry "file://$REGISTRY" --mode assets) <<<"$output"
    assert_success
    assert_document
  done
  assert_equal "$(field state)" deployed
}

@test "no control character leaves as it is, be it of ASCII, of the C1 set or one that turns text round" {
  local path=$'/nowhere\e[1m\x7f\u009b31m\u202e'
  run --separate-stderr dewy-check --registry "file://$path"
  assert_failure 2
  assert_equal "$(field error.message)" "cannot open the directory $path: No such file or directory"
  refute_regex "$output$stderr" $'\e|\x7f|\u009b|\u202e'
}
