# Which of many versions is the newest.
load common
load deployed

# releases VERSION...: makes releases with an artifact that needs no platform.
releases() {
  local version
  for version; do
    mkdir -p "$REGISTRY/$version"
    : >"$REGISTRY/$version/app.tar.gz"
  done
}

# chosen [OPTION...]: prints the version that dewy-check takes.
chosen() {
  check --app app "$@" 2>/dev/null | jq -r .release.version
}

# ordered [OPTION...] <VERSIONS: checks that of each two neighbours of a list, oldest first, the second is taken.
ordered() {
  local older newer
  read -r older
  while read -r newer; do
    rm -rf "${REGISTRY:?}"/*
    releases "$older" "$newer"
    echo "$older < $newer: takes $(chosen "$@")"
    [ "$(chosen "$@")" = "$newer" ]
    older=$newer
  done
}

prerelease() {
  dewy-check --app app --registry "file://$REGISTRY?pre-release=true" "$@" 2>/dev/null | jq -r .release.version
}

@test "semantic versions are ordered by their numbers, of any size" {
  ordered <<'LIST'
0.0.0
0.0.1
v0.0.2
0.0.10
0.1.0
0.9.0
v0.10.0
1.0.0
v1.0.1
v2.0.0
v10.0.0
v9223372036854775807.0.0
v9223372036854775808.0.0
v99999999999999999999999999.0.0
v99999999999999999999999999.0.1
v100000000000000000000000000.0.0
LIST
}

@test "pre-releases are ordered as Semantic Versioning 2.0.0, item 11, says" {
  chosen() { prerelease "$@"; }
  ordered <<'LIST'
1.0.0-0
1.0.0-2
1.0.0-11
1.0.0-18446744073709551616
1.0.0--
1.0.0-alpha
1.0.0-alpha.1
1.0.0-alpha.beta
1.0.0-beta
1.0.0-beta.2
1.0.0-beta.11
1.0.0-rc.1
1.0.0-rc.1.0
1.0.0-rc.a
1.0.0
1.0.1-0
LIST
}

@test "what is no semantic version is ignored, not an error" {
  releases v1.0.0 v2 v2.0 v2.0.0.0 v02.0.0 v2.00.0 v2.0.01 v2.0.0-01 v2.0.0- v2.0.0-a..b v2.0.0+ v2.0.0+a+b V2.0.0 vv2.0.0 \
    "v2.0.0 " latest release-2.0.0 2.0.0-ä
  [ "$(prerelease)" = v1.0.0 ]
}

@test "a version may have 200 digits, and its artifact a key that fits" {
  local long
  long=v$(printf '9%.0s' {1..200}).0.0
  releases v1.0.0 "$long"
  [ "$(chosen)" = "$long" ]
}

@test "names that together are longer than a file name are refused" {
  releases "v$(printf '9%.0s' {1..245}).0.0"
  run --separate-stderr check
  [ "$status" -eq 2 ]
  [[ $(field error.hint) == *"shorter name"* ]]
}

@test "pre-releases are taken only when the registry URL asks for them" {
  releases v1.0.0 v1.1.0-rc.1
  [ "$(chosen)" = v1.0.0 ]
  [ "$(prerelease)" = v1.1.0-rc.1 ]
}

@test "the slot filters first, then the newest is taken" {
  releases v1.3.0+blue v1.2.1+green v1.2.0+green v1.4.0
  [ "$(chosen --slot green)" = v1.2.1+green ]
  [ "$(chosen --slot blue)" = v1.3.0+blue ]
  [ "$(chosen)" = v1.4.0 ]
  [ "$(check --slot blue | jq -r .release.slot)" = blue ]
}

@test "a slot is all of the build metadata, not its beginning" {
  releases v1.0.0+blue v1.1.0+blue2 v1.2.0+blue.2
  [ "$(chosen --slot blue)" = v1.0.0+blue ]
  [ "$(chosen --slot blue.2)" = v1.2.0+blue.2 ]
}

@test "equal versions are settled by the time of publication, whatever the order, and that is said" {
  releases v1.0.0+blue v1.0.0+green v1.0.0 0.9.0
  touch -d '2024-01-02' "$REGISTRY/v1.0.0+green/app.tar.gz"
  touch -d '2024-01-01' "$REGISTRY/v1.0.0+blue/app.tar.gz" "$REGISTRY/v1.0.0/app.tar.gz"
  run --separate-stderr check --app app
  [ "$(field release.version)" = v1.0.0+green ]
  [[ $stderr == *'WARN: Several releases are equally new'*'version="v1.0.0+green"'* ]]
  touch -d '2024-01-03' "$REGISTRY/v1.0.0/app.tar.gz"
  [ "$(chosen)" = v1.0.0 ]
}

@test "equal versions of the same time are settled by their text" {
  releases v1.0.0+a v1.0.0+b v1.0.0+c
  touch -d '2024-01-01' "$REGISTRY"/*/app.tar.gz
  [ "$(chosen)" = v1.0.0+c ]
}

@test "nothing is said of equal versions that a newer one beats" {
  releases v1.0.0+a v1.0.0+b v1.0.1
  run --separate-stderr check --app app
  [ "$(field release.version)" = v1.0.1 ]
  [[ $stderr != *WARN* ]]
}

# peak: prints the most KiB that dewy-check held in memory. What starts it is smaller, as that counts until the program begins.
peak() {
  local timed=$BATS_TEST_TMPDIR/timed
  [ -e "$timed" ] || cc -O2 -o "$timed" "$BATS_TEST_DIRNAME/../bench/timed.c"
  "$timed" 1 "$timed.figures" dewy-check --registry "file://$REGISTRY" >/dev/null
  cut -d ' ' -f 4 "$timed.figures"
}

@test "the memory for 10,000 versions is that for one" {
  ! sanitized || skip "the sanitizer keeps what was freed"
  local one many
  releases v9.9.999
  one=$(peak)
  (cd "$REGISTRY" && eval mkdir v{0..9}.{0..9}.{100..199})
  [ "$(chosen)" = v9.9.999 ]
  many=$(peak)
  echo "$one KiB for one, $many KiB for 10,001"
  [ "$many" -lt $((one + 512)) ]
}

@test "calendar versions are ordered part by part" {
  ordered --calver YYYY.0M.0D.MICRO <<'LIST'
2023.12.31.99
2024.01.02.0
2024.01.02.1
v2024.01.02.10
2024.01.10.0
2024.02.01.0
2024.10.01.0
2025.01.01.0
LIST
  ordered --calver YY.MM.MICRO <<'LIST'
9.12.0
v10.1.0
10.2.99999999999999999999
10.2.100000000000000000000
10.10.0
106.1.0
LIST
}

@test "calendar versions have pre-releases and slots" {
  releases 2024.01.0 2024.02.0-rc.1 2024.01.1+blue
  [ "$(chosen --calver YYYY.0M.MICRO)" = 2024.01.1+blue ]
  [ "$(prerelease --calver YYYY.0M.MICRO)" = 2024.02.0-rc.1 ]
  releases 2024.03.0+green
  [ "$(chosen --calver YYYY.0M.MICRO --slot blue)" = 2024.01.1+blue ]
}

@test "each specifier takes what it says and nothing else" {
  local format good bad version
  while read -r format good bad; do
    rm -rf "${REGISTRY:?}"/*
    releases "$good"
    echo "$format takes $good"
    [ "$(chosen --calver "$format")" = "$good" ]
    for version in ${bad//,/ }; do
      rm -rf "${REGISTRY:?}"/*
      releases "$version"
      echo "$format refuses $version"
      run check --calver "$format"
      [ "$status" -eq 2 ]
    done
  done <<'TABLE'
YYYY.MICRO 2024.0 24.0,02024.0,20245.0,0999.0,2024.01,2024,2024.1.1
YY.MICRO 6.1 06.1,2024.1
0Y.MICRO 06.1 6.1,106.1
YYYY.MM 2024.1 2024.01,2024.13,2024.0
YYYY.0M 2024.01 2024.1,2024.13,2024.00
YYYY.WW 2024.9 2024.09,2024.54
YYYY.0W 2024.09 2024.9,2024.54
YYYY.DD 2024.31 2024.32,2024.0,2024.01
YYYY.0D 2024.01 2024.1,2024.32
YYYY-0M-0D 2024-01-31 2024.01.31,2024-01-31x
YYYY0M0D 20240131 2024131,20241331
release-YYYY.MICRO release-2024.1 2024.1,rel-2024.1
vYYYY.MICRO v2024.1 2024.
TABLE
}

@test "a calendar form without a specifier or with an unknown one is refused" {
  local format
  for format in 1.2.3 release YYYY.QQ YYYY.0Q Y.M YYYY/0M 'YYYY 0M' YYYY+MICRO YYYYMMDD MICROYYYY MM0D YY5 \
    YYYY.MM.DD.YYYY.MM.DD.YYYY.MM.DD; do
    run --separate-stderr check --calver "$format"
    echo "$format: $output"
    [ "$status" -eq 1 ]
    [ "$(field error.code)" = config ]
    [[ $(field error.message) == "--calver $format: "* ]]
  done
}

@test "a change from calendar to semantic versions is no downgrade" {
  releases 2024.01.5
  check --calver YYYY.0M.MICRO --app app | dewy-fetch 2>/dev/null | jq -c '.state = "deployed"' >"$BATS_TEST_TMPDIR/document"
  mkdir -p "$ROOT/releases/20240115T103045Z" "$ROOT/.dewy/releases"
  cp "$BATS_TEST_TMPDIR/document" "$ROOT/.dewy/releases/20240115T103045Z.json"
  ln -s releases/20240115T103045Z "$ROOT/current"
  releases v1.0.0
  run --separate-stderr check --no-downgrade --app app
  [ "$(field release.version)" = v1.0.0 ]
  [ "$(field state)" = available ]
}
