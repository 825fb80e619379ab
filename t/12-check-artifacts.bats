# Which artifact of a release is for this machine.
load common
load deployed

setup_file() {
  "${CC:-cc}" -shared -fPIC -o "$BATS_FILE_TMPDIR/platform.so" "$BATS_TEST_DIRNAME/platform.c"
}

# selected MACHINE LIBC ARTIFACT...: prints what dewy-check selects on that machine, - for nothing, ? for several.
selected() {
  local machine=$1 libc=$2 system=Linux document artifact
  shift 2
  case $machine in */*) system=${machine%/*} machine=${machine#*/} ;; esac
  rm -rf "$REGISTRY/v1.2.3"
  mkdir "$REGISTRY/v1.2.3"
  for artifact; do : >"$REGISTRY/v1.2.3/$artifact"; done
  document=$(TEST_SYSTEM=$system TEST_MACHINE=$machine TEST_LIBC=$libc LD_PRELOAD=$BATS_FILE_TMPDIR/platform.so \
    ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0 dewy-check --app app --grace-period 0 --registry "file://$REGISTRY" 2>/dev/null) || true
  jq -r 'if .state == "available" then .artifact.name elif .error.code == "ambiguous" then "?"
    elif .error.code == "not-found" then "-" else .error.message end' <<<"$document"
}

# expect <LINES: MACHINE LIBC EXPECTED ARTIFACT...; of the artifacts each order gives the same.
expect() {
  local machine libc expected artifacts got
  while read -r machine libc expected artifacts; do
    # shellcheck disable=SC2086
    got=$(selected "$machine" "$libc" $artifacts)
    echo "on $machine $libc: $artifacts: expected $expected, got $got"
    [ "$got" = "$expected" ]
  done
}

@test "each architecture takes its own, under all of its names" {
  expect <<'LIST'
x86_64 gnu app_linux_amd64.tar.gz app_linux_amd64.tar.gz app_linux_arm64.tar.gz app_linux_386.tar.gz
x86_64 gnu app-x86_64-unknown-linux-gnu.tar.gz app-x86_64-unknown-linux-gnu.tar.gz app-aarch64-unknown-linux-gnu.tar.gz app-i686-unknown-linux-gnu.tar.gz
x86_64 gnu App-Linux-X64.zip App-Linux-X64.zip App-Linux-X86.zip App-Windows-X64.zip
x86_64 gnu app-linux64.tgz app-linux64.tgz app-linux32.tgz
x86_64 gnu app-1.2.3-linux-x86-64.tar.xz app-1.2.3-linux-x86-64.tar.xz app-1.2.3-linux-x86.tar.xz
x86_64 gnu app.linux.64bit.tar.gz app.linux.64bit.tar.gz app.linux.32bit.tar.gz
aarch64 gnu app_linux_arm64.tar.gz app_linux_amd64.tar.gz app_linux_arm64.tar.gz app_linux_arm.tar.gz app_linux_armv7.tar.gz
aarch64 gnu app-aarch64-unknown-linux-gnu.tar.gz app-x86_64-unknown-linux-gnu.tar.gz app-aarch64-unknown-linux-gnu.tar.gz
aarch64 gnu app_linux_arm64v8.tar.gz app_linux_arm64v8.tar.gz app_linux_arm32v7.tar.gz
i686 gnu app_linux_386.tar.gz app_linux_386.tar.gz app_linux_amd64.tar.gz
i686 gnu app-linux-x86.zip app-linux-x86.zip app-linux-x86_64.zip
i686 gnu app_linux_i386.tar.gz app_linux_i386.tar.gz app_linux_x64.tar.gz
armv7l gnu app_linux_armv7.tar.gz app_linux_armv6.tar.gz app_linux_armv7.tar.gz app_linux_arm64.tar.gz
armv7l gnu app_linux_armhf.tar.gz app_linux_armhf.tar.gz app_linux_armel.tar.gz
armv7l gnu app_linux_armv6.tar.gz app_linux_armv6.tar.gz app_linux_arm64.tar.gz
armv6l gnu app_linux_arm.tar.gz app_linux_armv7.tar.gz app_linux_arm.tar.gz
armv7l gnu app-arm-unknown-linux-gnueabihf.tar.gz app-arm-unknown-linux-gnueabihf.tar.gz app-aarch64-unknown-linux-gnu.tar.gz
ppc64le gnu app_linux_ppc64le.tar.gz app_linux_ppc64le.tar.gz app_linux_ppc64.tar.gz
s390x gnu app_linux_s390x.tar.gz app_linux_s390x.tar.gz app_linux_amd64.tar.gz
riscv64 gnu app-riscv64gc-unknown-linux-gnu.tar.gz app-riscv64gc-unknown-linux-gnu.tar.gz app-x86_64-unknown-linux-gnu.tar.gz
loongarch64 gnu app_linux_loong64.tar.gz app_linux_loong64.tar.gz app_linux_amd64.tar.gz
LIST
}

@test "words count, not pieces of words" {
  expect <<'LIST'
x86_64 gnu - app_darwin_amd64.tar.gz app_windows_amd64.zip
armv7l gnu - app_linux_arm64.tar.gz
i686 gnu - app_linux_x86_64.tar.gz
x86_64 gnu - app_linux_x86.tar.gz
x86_64 gnu app-swindon-linux-amd64.tar.gz app-swindon-linux-amd64.tar.gz
x86_64 gnu charm-linux-amd64.tar.gz charm-linux-amd64.tar.gz
LIST
}

@test "other systems are not this one" {
  expect <<'LIST'
x86_64 gnu - app_macos_amd64.tar.gz app-x86_64-apple-darwin.tar.gz app_freebsd_amd64.tar.gz app-win64.zip app_plan9_amd64.tar.gz
aarch64 gnu - app-aarch64-linux-android.tar.gz
x86_64 gnu - app-x86_64-unknown-linux-gnux32.tar.gz
x86_64 gnu - app_linux_amd64.exe app_linux_amd64.deb
FreeBSD/amd64 gnu app_freebsd_amd64.tar.gz app_freebsd_amd64.tar.gz app_linux_amd64.tar.gz app_openbsd_amd64.tar.gz
Darwin/arm64 gnu app-aarch64-apple-darwin.tar.gz app-aarch64-apple-darwin.tar.gz app-x86_64-apple-darwin.tar.gz app-aarch64-apple-ios.tar.gz
Darwin/arm64 gnu app-universal-apple-darwin.tar.gz app-universal-apple-darwin.tar.gz app-x86_64-apple-darwin.tar.gz
Darwin/arm64 gnu app-macos-arm64.zip app-macos-arm64.zip app-macos-universal.zip
LIST
}

@test "newer levels of amd64 are never taken by themselves" {
  expect <<'LIST'
x86_64 gnu app_linux_amd64_v1.tar.gz app_linux_amd64_v1.tar.gz app_linux_amd64_v3.tar.gz
x86_64 gnu - app_linux_amd64v3.tar.gz app-linux-x86_64_v2.tar.gz
LIST
}

@test "the C library of this machine" {
  expect <<'LIST'
x86_64 gnu app-x86_64-unknown-linux-gnu.tar.gz app-x86_64-unknown-linux-gnu.tar.gz app-x86_64-unknown-linux-musl.tar.gz
x86_64 musl app-x86_64-unknown-linux-musl.tar.gz app-x86_64-unknown-linux-gnu.tar.gz app-x86_64-unknown-linux-musl.tar.gz
x86_64 gnu app-x86_64-unknown-linux-musl.tar.gz app-x86_64-unknown-linux-musl.tar.gz app-x86_64-apple-darwin.tar.gz
x86_64 musl - app-x86_64-unknown-linux-gnu.tar.gz
x86_64 gnu app-linux-amd64.tar.gz app-linux-amd64.tar.gz app-linux-amd64-musl.tar.gz
x86_64 musl app-linux-amd64-musl.tar.gz app-linux-amd64.tar.gz app-linux-amd64-musl.tar.gz
x86_64 musl app-linux-amd64-static.tar.gz app-linux-amd64.tar.gz app-linux-amd64-static.tar.gz
x86_64 gnu app-linux-amd64-musl.tar.gz app-linux-amd64-musl.tar.gz app-linux.zip
x86_64 gnu app-linux-amd64-gnu.zip app-linux-amd64-gnu.zip app-linux-amd64-musl.tar.gz
x86_64 gnu app-linux-amd64.tar.gz app-linux-amd64.tar.gz app-linux-amd64-musl.tar.gz app-extra-linux-amd64.tar.gz app-other-linux-amd64.tar.gz
LIST
}

@test "an archive before a bare file, a tar before a zip, fewer words before more" {
  expect <<'LIST'
x86_64 gnu app-linux-amd64.tar.gz app-linux-amd64 app-linux-amd64.tar.gz app-linux-amd64.zip
x86_64 gnu app-linux-amd64.zip app-linux-amd64 app-linux-amd64.zip
x86_64 gnu app-linux-amd64.tar.gz app-debug-linux-amd64.tar.gz app-linux-amd64.tar.gz app-linux-amd64-profile.tar.gz
x86_64 gnu app-v1.2.3-linux-amd64.tar.gz app-v1.2.3-linux-amd64.tar.gz app-v1.2.3-debug-linux-amd64.tar.gz
x86_64 gnu app-server-linux-amd64.tar.gz app-server-linux-amd64.tar.gz app-server-full-linux-amd64.tar.gz
x86_64 gnu app-linux-amd64.tar.gz app-linux-amd64.tar.gz app-linux-amd64.tar.xz app-linux-amd64.tar.bz2
x86_64 gnu app-linux-amd64.tar.gz app-linux-amd64.tar.gz app-debug-linux-amd64.tar.zst
LIST
}

@test "a name without a platform fits every machine, and loses against one that names this one" {
  expect <<'LIST'
x86_64 gnu app.tar.gz app.tar.gz
s390x musl app.tar.gz app.tar.gz
x86_64 gnu app-linux-amd64.zip app.tar.gz app-linux-amd64.zip app-linux.tar.gz
x86_64 gnu app-linux.tar.gz app.tar.gz app-linux.tar.gz
x86_64 gnu app.tar.gz app.tar.gz app-darwin.tar.gz
LIST
}

@test "a bare file must name a platform" {
  expect <<'LIST'
x86_64 gnu - README INSTALL app app.jar install.sh
x86_64 gnu app-linux app-linux README
x86_64 gnu app-x86_64 app-x86_64 README
x86_64 gnu app-x86_64.AppImage app-x86_64.AppImage README
x86_64 gnu app-1.2.3-linux-amd64 app-1.2.3-linux-amd64 app-1.2.3
LIST
}

@test "checksums, signatures, lists of parts, texts, packages and audit records are never taken" {
  local suffix
  for suffix in sha256 sha512 md5 sha256sum sig asc minisig pem sigstore sbom spdx cdx json sbom.json spdx.json cdx.json intoto.jsonl txt \
    md deb rpm apk pkg msi dmg exe snap 7z gz xz SHA256; do
    [ "$(selected x86_64 gnu "app_linux_amd64.$suffix")" = - ]
    [ "$(selected x86_64 gnu app_linux_amd64.tar.gz "app_linux_amd64.tar.gz.$suffix")" = app_linux_amd64.tar.gz ]
  done
  expect <<'LIST'
x86_64 gnu - checksums-linux-amd64 SHA256SUMS-linux-amd64 shipped_to_web-1_server_at_20240115T103045Z_linux_amd64
x86_64 gnu - app-1.2.3-src.tar.gz app_source.zip app-sources.tar.gz app.orig.tar.gz
x86_64 gnu - app-1.2.3-x86_64.pkg.tar.zst app_linux_amd64_sbom.tar.gz
LIST
}

@test "the words of project and version say nothing" {
  rm -r "$REGISTRY"
  REGISTRY=$BATS_TEST_TMPDIR/win-linux-tool
  mkdir "$REGISTRY"
  expect <<'LIST'
x86_64 gnu - win-linux-tool-darwin-amd64.tar.gz
x86_64 gnu win-linux-tool-linux-amd64.tar.gz win-linux-tool-linux-amd64.tar.gz win-linux-tool-darwin-amd64.tar.gz
x86_64 gnu win-linux-tool.tar.gz win-linux-tool.tar.gz
x86_64 gnu win-linux-tool-1.2.3.tar.gz win-linux-tool-1.2.3.tar.gz win-linux-tool-1.2.3-extra.tar.gz
LIST
}

@test "two that are equal are an error that lists them and shows what to write" {
  mkdir "$REGISTRY/v1.2.3"
  touch "$REGISTRY/v1.2.3"/{server+_linux_amd64,client+_linux_amd64,other_linux_arm64,cli_darwin_amd64}.tar.gz
  TEST_MACHINE=x86_64 LD_PRELOAD=$BATS_FILE_TMPDIR/platform.so ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0 run --separate-stderr check
  [ "$status" -eq 2 ]
  [ "$(field error.code)" = ambiguous ]
  [[ $(field error.message) == "2 artifacts of v1.2.3 fit Linux x86_64 equally well: "* ]]
  [[ $(field error.message) == *client+_linux_amd64.tar.gz* ]]
  [[ $(field error.message) == *server+_linux_amd64.tar.gz* ]]
  [[ $(field error.message) != *darwin* ]]
  [[ $(field error.hint) == *'?artifact='*%2B_linux_amd64.tar.gz ]]
}

@test "?artifact= takes exactly that name, whatever it says" {
  local name
  mkdir "$REGISTRY/v1.2.3"
  touch "$REGISTRY/v1.2.3"/{app_linux_amd64.tar.gz,app_darwin_arm64.tar.gz,notes.txt,app.jar}
  for name in app_darwin_arm64.tar.gz notes.txt app.jar; do
    run --separate-stderr dewy-check --registry "file://$REGISTRY?artifact=$name"
    assert_success
    [ "$(field artifact.name)" = "$name" ]
  done
  run --separate-stderr dewy-check --grace-period 0 --registry "file://$REGISTRY?artifact=APP.jar"
  [ "$status" -eq 2 ]
  [[ $(field error.message) == *"no artifact APP.jar: it has "*app.jar* ]]
}

@test "the man page lists every word that names a platform" {
  local page=$BATS_TEST_DIRNAME/../share/man/man7/dewy-registry.7 words
  sed -n 's/^ALIAS("\([^"]*\)".*/\1/p' "$BATS_TEST_DIRNAME/../src/alias.def" | sort >"$BATS_TEST_TMPDIR/code"
  sed -n '/^\.\\" aliases begin/,/^\.\\" aliases end/{/^\.\(It\|Bl\|El\|\\"\)/!p}' "$page" | tr ',' '\n' | sed 's/^ *//; s/ *$//; /^$/d' |
    sort >"$BATS_TEST_TMPDIR/page"
  [ -s "$BATS_TEST_TMPDIR/code" ]
  diff "$BATS_TEST_TMPDIR/code" "$BATS_TEST_TMPDIR/page"
}
