# Signatures of minisign: who has to vouch for an artifact before it is taken.
#
# The real minisign signs and judges here; t/minisign.py makes with openssl what it makes, and what it would not make.
load common
load deployed
load github

prepare() {
  ARTIFACT=app_linux_amd64.tar.gz
  KEYS=$BATS_TEST_TMPDIR/keys
  CACHE=$ROOT/.dewy/cache
  DOCUMENT=$BATS_TEST_TMPDIR/document
  mkdir "$KEYS"
  new_key alice
  export DEWY_REGISTRY=file://$REGISTRY
}

# new_key NAME...: makes keys without a password.
new_key() {
  local name
  for name; do
    minisign -G -W -p "$KEYS/$name.pub" -s "$KEYS/$name.sec" >/dev/null
  done
}

# id KEY: its id, as minisign prints it, with the zeros that it begins with; base64_of KEY: the key itself.
id() {
  printf %16s "$(sed -n 's/.*public key //p' "$KEYS/$1.pub")" | tr ' ' 0
}
base64_of() {
  tail -n 1 "$KEYS/$1.pub"
}

# sign KEY FILE [OPTION...]: signs a file of the registry.
sign() {
  local key=$1 file=$2
  shift 2
  minisign -S -s "$KEYS/$key.sec" -m "$REGISTRY/$file" "$@" >/dev/null
}

# sign_as WORD KEY FILE [OPTION...]: the same, as FILE.WORD.minisig.
sign_as() {
  local word=$1 key=$2 file=$3
  shift 3
  sign "$key" "$file" -x "$REGISTRY/$file.$word.minisig" "$@"
}

# sums VERSION [COMMAND]: writes SHA256SUMS of the artifacts of the release.
sums() {
  (cd "$REGISTRY/$1" && "${2:-sha256sum}" -- *.tar.gz >SHA256SUMS)
}

# fetch [OPTION...]: runs dewy-check, and on its document dewy-fetch, which accepts what alice has signed, or who the options
# say.
fetch() {
  local keys=(--verify-key "$KEYS/alice.pub")
  [[ " $* " != *" --verify-key "* ]] || keys=()
  dewy-check >"$DOCUMENT"
  run --separate-stderr dewy-fetch "${keys[@]}" "$@" <"$DOCUMENT"
  echo "$output"
  echo "$stderr"
}

# once [OPTION...]: the same with the whole pipe.
once() {
  run --separate-stderr dewy once --verify-key "$KEYS/alice.pub" --no-report "$@"
  echo "$output"
  echo "$stderr"
}

# try [COMMAND...]: runs dewy-fetch with alice's key on the document that is there already, by the command if there is one, and
# prints the outcome: "0 fetched", or "5 integrity: MESSAGE".
try() {
  rm -rf "$CACHE"
  run --separate-stderr "$@" dewy-fetch --verify-key "$KEYS/alice.pub" <"$DOCUMENT"
  echo "$status $(jq -r 'if .error then "\(.error.code): \(.error.message)" else .state end' <<<"$output")"
}

# accepted SIGNER...: the artifact is there, and it is they who vouch for it.
accepted() {
  local name
  assert_equal "$status $(field state)" "0 fetched"
  cmp "$(field fetch.path)" "$REGISTRY/$(field release.version)/$(field artifact.name)"
  assert_equal "$(jq -r '.fetch.signatures[].key_id' <<<"$output" | sort)" "$(for name; do id "$name" && echo; done | sort)"
  jq -e '.fetch.verified | index("minisign")' <<<"$output" >/dev/null
}

# refused REGEX: it is not, for that reason, and nothing of it is left.
refused() {
  assert_equal "$status" 5
  assert_equal "$(field error.code)" integrity
  assert_regex "$(field error.message)" "$1"
  [ "$(field error.hint)" != null ]
  assert_equal "$(cached)" ""
}

# cached: what is in the cache.
cached() {
  find "$CACHE" -name '*tar.gz*' -printf '%f\n' 2>/dev/null
}

@test "an artifact that minisign has signed is accepted, and the document and the log tell by whom" {
  publish v1.2.3
  sign alice "v1.2.3/$ARTIFACT"
  fetch
  accepted alice
  assert_document
  assert_equal "$(jq -r '.artifact.signature_urls[]' "$DOCUMENT")" "file://$REGISTRY/v1.2.3/$ARTIFACT.minisig"
  assert_equal "$(field 'fetch.signatures[0].file')" "$ARTIFACT.minisig"
  assert_regex "$(field 'fetch.signatures[0].comment')" "^timestamp:[0-9]+	file:$ARTIFACT	hashed$"
  assert_equal "$(jq -c .fetch.verified <<<"$output")" '["size","minisign"]'
  [[ $stderr == *"INFO: Verified signature key_id=\"$(id alice)\" file=\"$ARTIFACT.minisig\" comment=\"timestamp:"* ]]
  [[ $stderr == *"\\tfile:$ARTIFACT"* ]]
  [[ $stderr != *"untrusted"* ]]
}

@test "a key is a file, or the line of base64 in it, on the command line or in the environment" {
  publish v1.2.3
  sign alice "v1.2.3/$ARTIFACT" -t 'made for the tests'
  fetch --verify-key "$(base64_of alice)"
  accepted alice
  assert_equal "$(field 'fetch.signatures[0].comment')" 'made for the tests'
  base64_of alice >"$KEYS/bare.pub"
  fetch --verify-key "$KEYS/bare.pub"
  accepted alice
  sed 's/$/\r/' "$KEYS/alice.pub" >"$KEYS/windows.pub"
  fetch --verify-key "$KEYS/windows.pub"
  accepted alice
  new_key bob
  DEWY_VERIFY_KEY="$(base64_of bob) $KEYS/alice.pub" run --separate-stderr dewy-fetch <"$DOCUMENT"
  accepted alice
}

@test "what is not signed is refused before a byte of it is asked for" {
  GITHUB=$BATS_TEST_TMPDIR/github REGISTRY=$BATS_TEST_TMPDIR/github/repos/acme/app
  github_repository acme/app
  publish v1.2.3
  start_github
  export GITHUB_API_URL=$API GH_TOKEN=ghp_read DEWY_REGISTRY=ghr://acme/app
  fetch
  refused "^v1.2.3: $ARTIFACT is not signed, and neither is a checksum file that names it"
  assert_regex "$(field error.hint)" "$ARTIFACT.minisig"
  new_key bob
  sign bob "v1.2.3/$ARTIFACT"
  github_control reload
  fetch
  refused "$ARTIFACT.minisig: it is by the key $(id bob), and not by one of --verify-key"
  [ "$(github_requests .path | grep -c .)" -gt 2 ]
  assert_equal "$(jq -r 'select(.path | test("assets/")) | .path' "$GITHUB/requests" | sort -u | wc -l)" 1 # the signature
  sign alice "v1.2.3/$ARTIFACT"
  github_control reload
  fetch
  accepted alice
}

@test "a signed checksum file vouches for the artifact whose digest it tells, whatever the registry says" {
  local tool
  publish v1.2.3
  for tool in sha256sum sha512sum 'sha256sum --tag'; do
    rm -rf "$REGISTRY/v1.2.3"/SHA256SUMS* "$CACHE"
    (cd "$REGISTRY/v1.2.3" && $tool $ARTIFACT | sed -E 's/[0-9a-f]{64,}/\U&/' >SHA256SUMS)
    sign alice v1.2.3/SHA256SUMS
    fetch --verify-checksum off
    accepted alice
    assert_equal "$(field 'fetch.signatures[0].file')" SHA256SUMS.minisig
  done
  edit "$DOCUMENT" ".artifact.digest = \"sha256:$(sha256sum <"$REGISTRY/v1.2.3/$ARTIFACT" | cut -d' ' -f1)\""
  run --separate-stderr dewy-fetch --verify-key "$KEYS/alice.pub" <"$DOCUMENT"
  accepted alice
}

@test "a signed checksum file does not vouch for what it does not name, names twice, or tells another digest of" {
  publish v1.2.3
  echo "$(printf '%064d' 0)  other.tar.gz" >"$REGISTRY/v1.2.3/SHA256SUMS"
  sign alice v1.2.3/SHA256SUMS
  fetch
  refused "SHA256SUMS.minisig: SHA256SUMS does not tell the one checksum of $ARTIFACT"
  printf '%064d  %s\n%064d  %s\n' 0 $ARTIFACT 1 $ARTIFACT >"$REGISTRY/v1.2.3/SHA256SUMS"
  sign alice v1.2.3/SHA256SUMS
  fetch
  refused "does not tell the one checksum"
  printf '%064d  %s\n' 0 $ARTIFACT >"$REGISTRY/v1.2.3/SHA256SUMS"
  sign alice v1.2.3/SHA256SUMS
  fetch --verify-checksum off
  refused "SHA256SUMS.minisig: the checksum file has sha256:0+, and not sha256:"
  sums v1.2.3
  fetch
  refused "SHA256SUMS.minisig: it is of another content, or was altered"
}

@test "the signature of a checksum file for the artifact alone is not taken for one of the artifact" {
  publish v1.2.3
  (cd "$REGISTRY/v1.2.3" && sha256sum <$ARTIFACT | cut -d' ' -f1 >$ARTIFACT.sha256)
  sign alice "v1.2.3/$ARTIFACT.sha256"
  fetch
  accepted alice
  assert_equal "$(field 'fetch.signatures[0].file')" "$ARTIFACT.sha256.minisig"
}

@test "dewy-check lists signatures of the artifact and of checksum files, at most a handful, and takes none as the artifact" {
  local i file
  publish v1.2.3
  sums v1.2.3
  for file in "$ARTIFACT" "$ARTIFACT.alice" "$ARTIFACT.a.b" SHA256SUMS SHA256SUMS.bob other.tar.gz README; do
    echo signature >"$REGISTRY/v1.2.3/$file.minisig"
  done
  run --separate-stderr dewy-check
  assert_success
  assert_document
  assert_equal "$(field artifact.name)" $ARTIFACT
  assert_equal "$(jq -r '.artifact.signature_urls[] | split("/")[-1]' <<<"$output" | sort | paste -sd' ')" \
    "SHA256SUMS.bob.minisig SHA256SUMS.minisig $ARTIFACT.alice.minisig $ARTIFACT.minisig"
  for i in {1..30}; do
    echo signature >"$REGISTRY/v1.2.3/$ARTIFACT.$i.minisig"
  done
  run --separate-stderr dewy-check
  assert_equal "$(jq '.artifact.signature_urls | length' <<<"$output")" 16
}

@test "signatures outside of the registry are not read, nor more than 16, and those that are too large or gone do not count" {
  local others
  publish v1.2.3
  sign alice "v1.2.3/$ARTIFACT"
  cp "$REGISTRY/v1.2.3/$ARTIFACT.minisig" "$BATS_TEST_TMPDIR"
  dewy-check | jq -c ".artifact.signature_urls = [\"file://$BATS_TEST_TMPDIR/$ARTIFACT.minisig\"]" >"$DOCUMENT"
  run --separate-stderr dewy-fetch --verify-key "$KEYS/alice.pub" <"$DOCUMENT"
  assert_equal "$status $(field error.code)" "1 document"
  for others in 15 16; do
    dewy-check | jq -c "(.artifact.url + \".none.minisig\") as \$none |
      .artifact.signature_urls |= [range($others) | \$none] + ." >"$DOCUMENT"
    run --separate-stderr dewy-fetch --verify-key "$KEYS/alice.pub" <"$DOCUMENT"
    [ $others = 16 ] || accepted alice
  done
  assert_equal "$status" 5
  truncate -s 1M "$REGISTRY/v1.2.3/$ARTIFACT.minisig"
  fetch
  refused "$ARTIFACT.minisig: .*larger than 16384 bytes"
}

@test "the old form of a signature, which minisign -l makes, is refused, and what to do is said" {
  publish v1.2.3
  sign alice "v1.2.3/$ARTIFACT" -l
  minisign -V -p "$KEYS/alice.pub" -m "$REGISTRY/v1.2.3/$ARTIFACT"
  fetch
  refused "$ARTIFACT.minisig: it has the old form.*sign again without -l"
}

@test "a tampered artifact is refused, and nothing is left" {
  publish v1.2.3
  sign alice "v1.2.3/$ARTIFACT"
  printf X | dd of="$REGISTRY/v1.2.3/$ARTIFACT" bs=1 seek=40 conv=notrunc status=none
  fetch
  refused "$ARTIFACT.minisig: it is of another content, or was altered"
  [ "$(find "$CACHE" -mindepth 1 | wc -l)" = 0 ]
  [[ $stderr == *"WARN: A signature of a known key does not count"* ]]
  publish v1.2.3
  sign alice "v1.2.3/$ARTIFACT"
  echo more >>"$REGISTRY/v1.2.3/$ARTIFACT"
  fetch
  refused "another content"
  [[ $(field error.hint) == "find out who changed it, or sign it anew"* ]]
}

@test "the signature of another file, or by another key of the same id, is refused" {
  publish v1.2.3
  publish v1.2.4
  sign alice "v1.2.3/$ARTIFACT"
  mv "$REGISTRY/v1.2.3/$ARTIFACT.minisig" "$REGISTRY/v1.2.4/"
  fetch
  refused "$ARTIFACT.minisig: it is of another content"
  openssl genpkey -algorithm ed25519 -out "$KEYS/mallory.pem"
  python3 "$BATS_TEST_DIRNAME/minisign.py" sign "$KEYS/mallory.pem" "$(id alice)" "$REGISTRY/v1.2.4/$ARTIFACT" hello \
    >"$REGISTRY/v1.2.4/$ARTIFACT.minisig"
  fetch
  refused "$ARTIFACT.minisig: it is not what the key has made"
}

@test "what minisign refuses dewy refuses, for every part of a signature that can be spoilt; it accepts only what is the same" {
  local mutation minisign outcome same=" nothing untrusted-comment crlf no-last-newline "
  publish v1.2.3
  sign alice "v1.2.3/$ARTIFACT"
  dewy-check >"$DOCUMENT"
  mkdir "$BATS_TEST_TMPDIR/spoilt"
  python3 "$BATS_TEST_DIRNAME/minisign.py" mutate "$REGISTRY/v1.2.3/$ARTIFACT.minisig" "$BATS_TEST_TMPDIR/spoilt"
  [ "$(find "$BATS_TEST_TMPDIR/spoilt" -type f | wc -l)" -gt 40 ]
  for mutation in "$BATS_TEST_TMPDIR/spoilt"/*; do
    cp "$mutation" "$REGISTRY/v1.2.3/$ARTIFACT.minisig"
    minisign=accepts
    minisign -V -p "$KEYS/alice.pub" -m "$REGISTRY/v1.2.3/$ARTIFACT" >/dev/null 2>&1 || minisign=refuses
    outcome=$(try)
    echo "${mutation##*/}: minisign $minisign, dewy: $outcome"
    if [[ $same == *" ${mutation##*/} "* ]]; then
      assert_equal "$minisign, $outcome" "accepts, 0 fetched"
    else
      assert_regex "$outcome" "^5 integrity: v1.2.3: $ARTIFACT has 0 of the 1 signatures that it needs: $ARTIFACT.minisig: "
      [[ $outcome != *$'\e'* ]]
      [ -z "$(cached)" ]
    fi
  done
}

@test "what openssl has signed minisign and dewy accept, and both refuse an S that is not below L" {
  local id=0123456789ABCDEF
  publish v1.2.3
  openssl genpkey -algorithm ed25519 -out "$KEYS/openssl.pem"
  python3 "$BATS_TEST_DIRNAME/minisign.py" public "$KEYS/openssl.pem" $id >"$KEYS/openssl.pub"
  python3 "$BATS_TEST_DIRNAME/minisign.py" sign "$KEYS/openssl.pem" $id "$REGISTRY/v1.2.3/$ARTIFACT" 'by openssl, für alle' \
    >"$REGISTRY/v1.2.3/$ARTIFACT.minisig"
  minisign -V -p "$KEYS/openssl.pub" -m "$REGISTRY/v1.2.3/$ARTIFACT"
  fetch --verify-key "$KEYS/openssl.pub"
  accepted openssl
  assert_equal "$(jq -c '.fetch.signatures' <<<"$output")" \
    "[{\"key_id\":\"$id\",\"file\":\"$ARTIFACT.minisig\",\"comment\":\"by openssl, für alle\"}]"
  rm -r "$CACHE"
  python3 "$BATS_TEST_DIRNAME/minisign.py" sign "$KEYS/openssl.pem" $id "$REGISTRY/v1.2.3/$ARTIFACT" comment malleated \
    >"$REGISTRY/v1.2.3/$ARTIFACT.minisig"
  run ! minisign -V -p "$KEYS/openssl.pub" -m "$REGISTRY/v1.2.3/$ARTIFACT"
  fetch --verify-key "$KEYS/openssl.pub"
  refused "another content, or was altered"
}

@test "a trusted comment that could forge what people read is refused, also when it is signed" {
  local comment
  publish v1.2.3
  openssl genpkey -algorithm ed25519 -out "$KEYS/openssl.pem"
  python3 "$BATS_TEST_DIRNAME/minisign.py" public "$KEYS/openssl.pem" 0123456789ABCDEF >"$KEYS/openssl.pub"
  for comment in $'app=root\e[2J' $'app=root\x7f' $'app=root\u202e' $'app=root\rapp=x'; do
    python3 "$BATS_TEST_DIRNAME/minisign.py" sign "$KEYS/openssl.pem" 0123456789ABCDEF "$REGISTRY/v1.2.3/$ARTIFACT" "$comment" \
      >"$REGISTRY/v1.2.3/$ARTIFACT.minisig"
    [[ $comment == *$'\r'* ]] || minisign -V -q -p "$KEYS/openssl.pub" -m "$REGISTRY/v1.2.3/$ARTIFACT"
    fetch --verify-key "$KEYS/openssl.pub"
    refused "$ARTIFACT.minisig: its trusted comment is no text that could be printed"
  done
}

@test "a key of small order, under which anybody can sign, is no key, and neither is one that is not canonical" {
  local weak
  publish v1.2.3
  python3 "$BATS_TEST_DIRNAME/minisign.py" forge "$REGISTRY/v1.2.3/$ARTIFACT" hello >"$REGISTRY/v1.2.3/$ARTIFACT.minisig"
  for weak in zero identity identity-negative order-two order-four order-eight order-eight-other not-canonical; do
    python3 "$BATS_TEST_DIRNAME/minisign.py" weak $weak 0000000000000001 >"$KEYS/weak.pub"
    fetch --verify-key "$KEYS/weak.pub"
    assert_equal "$weak $status" "$weak 1"
    [[ $stderr == *"the key $KEYS/weak.pub: its public key is one under which anybody can sign"*"minisign -G"* ]]
    fetch --verify-key "$(tail -n 1 "$KEYS/weak.pub")"
    assert_equal "$weak $status" "$weak 1"
  done
  [ ! -e "$CACHE" ]
}

@test "a key that is none is a mistake of whoever configured it, and nothing is fetched without" {
  local text
  publish v1.2.3
  sign alice "v1.2.3/$ARTIFACT"
  fetch --verify-key /nowhere/key.pub
  assert_equal "$status" 1
  [[ $stderr == *"cannot open the key /nowhere/key.pub: No such file"* ]]
  fetch --verify-key "$KEYS"
  [[ $stderr == *"the key $KEYS is no file"* ]]
  assert_equal "$status" 1
  mkfifo "$KEYS/fifo.pub"
  fetch --verify-key "$KEYS/fifo.pub"
  assert_equal "$status" 1
  fetch --verify-key "$KEYS/alice.sec"
  assert_equal "$status" 1
  for text in '' x "$(base64_of alice | head -c 52)" "$(base64_of alice)AAAA" "RWR$(base64_of alice | tail -c +4 | head -c 40)" \
    "$(cat "$KEYS/alice.pub" "$KEYS/alice.pub")" "untrusted comment: x"; do
    printf '%s\n' "$text" >"$KEYS/other.pub"
    fetch --verify-key "$KEYS/other.pub"
    assert_equal "$text $status" "$text 1"
    [[ $stderr == *"the key $KEYS/other.pub: it is no public key of minisign"* ]]
  done
  fetch --verify-key ''
  assert_equal "$status" 1
  head -c 20000 /dev/zero >"$KEYS/other.pub"
  fetch --verify-key "$KEYS/other.pub"
  assert_equal "$status" 1
  [[ $stderr == *"larger than 16384 bytes"* ]]
  [ ! -e "$CACHE" ]
}

@test "a key, a claim or an authority that is empty, as a variable of the shell may be, is a mistake and not the wish for none" {
  local option
  publish v1.2.3
  dewy-check >"$DOCUMENT"
  for option in --verify-key --verify-claims --cacert; do
    for text in '' ' ' $'\t'; do
      run -1 --separate-stderr dewy once "$option" "$text" --verify-key "$KEYS/alice.pub"
      assert_regex "$stderr" "^.*$option .*: expected a text that is not empty"
      run -1 --separate-stderr dewy-fetch "$option" "$text" <"$DOCUMENT"
    done
  done
  DEWY_VERIFY_KEY=' ' run -1 --separate-stderr dewy once
  [[ $stderr == *"the variable of --verify-key has nothing but white space in it"* ]]
  DEWY_VERIFY_CLAIMS=' ' run -1 --separate-stderr dewy once --verify-key "$KEYS/alice.pub"
  [ ! -e "$ROOT/.dewy" ]
}

@test "a key that cannot be read is an error of the run, which people are told" {
  publish v1.2.3
  once --verify-key "$KEYS/none.pub"
  assert_equal "$status $(field error.stage) $(field error.code)" "1 fetch config"
  assert_equal "$(field error.message)" "cannot open the key $KEYS/none.pub: No such file or directory"
  assert_equal "$(field 'notices[-1].text')" "$(field error.message)"
  DEWY_VERIFY_KEY='' DEWY_VERIFY_CLAIMS=app run --separate-stderr dewy once
  assert_equal "$status $(field error.code)" "1 config"
  assert_regex "$(field error.message)" "^--verify-claims is given, and no key"
  [ ! -e "$CACHE" ]
}

@test "a key that others may write to is refused" {
  publish v1.2.3
  sign alice "v1.2.3/$ARTIFACT"
  for mode in 664 646 666; do
    chmod $mode "$KEYS/alice.pub"
    fetch
    assert_equal "$status" 1
    [[ $stderr == *"others may write to the key $KEYS/alice.pub, and so decide what is installed"*"chmod go-w"* ]]
  done
  chmod 444 "$KEYS/alice.pub"
  fetch
  accepted alice
  if [ "$(id -u)" = 0 ]; then
    chown 12345 "$KEYS/alice.pub"
    fetch
    assert_equal "$status" 1
    [[ $stderr == *"others may write to the key"* ]]
  fi
}

@test "people are told which key it is that does not suffice, and why" {
  publish v1.2.3
  run -1 --separate-stderr dewy once --verify-key /nowhere/key.pub
  assert_equal "$(field error.code)" config
  assert_equal "$(field error.message)" "cannot open the key /nowhere/key.pub: No such file or directory"
  run -0 dewy status --json
  assert_equal "$(field error.message)" "cannot open the key /nowhere/key.pub: No such file or directory"
}

@test "where OpenSSL may not use BLAKE2b and Ed25519, nothing is accepted" {
  publish v1.2.3
  sign alice "v1.2.3/$ARTIFACT"
  printf '%s\n' 'openssl_conf = init' '[init]' 'alg_section = algorithms' '[algorithms]' 'default_properties = fips=yes' \
    >"$BATS_TEST_TMPDIR/openssl.cnf"
  OPENSSL_CONF=$BATS_TEST_TMPDIR/openssl.cnf fetch # which allows no SHA-256, either, so that the history ends the program
  assert_failure
  [[ $stderr == *"has no Ed25519 or no BLAKE2b-512, so it verifies no signature"* ]]
  [ ! -e "$CACHE" ]
}

@test "of three keys two have to sign: one does not suffice, and neither does the same one twice" {
  local keys
  new_key bob carol
  keys=(--verify-key "$KEYS/alice.pub" --verify-key "$(base64_of bob)" --verify-key "$KEYS/carol.pub" --verify-threshold 2)
  publish v1.2.3
  sign carol "v1.2.3/$ARTIFACT"
  fetch "${keys[@]}"
  refused "$ARTIFACT has 1 of the 2 signatures that it needs$"
  assert_equal "$(field error.hint)" "have another key sign it, too, as $ARTIFACT.WORD.minisig: minisign -S -x"
  sign_as again carol "v1.2.3/$ARTIFACT"
  sums v1.2.3
  sign carol v1.2.3/SHA256SUMS
  fetch "${keys[@]}"
  refused "$ARTIFACT has 1 of the 2 signatures that it needs$"
  sign_as bob bob "v1.2.3/$ARTIFACT"
  fetch "${keys[@]}"
  accepted bob carol carol carol
  rm "$REGISTRY/v1.2.3/"*.minisig
  rm -r "$CACHE"
  sign alice "v1.2.3/$ARTIFACT"
  sign_as bob bob v1.2.3/SHA256SUMS
  fetch "${keys[@]}"
  accepted alice bob
  new_key mallory
  sign_as mallory mallory "v1.2.3/$ARTIFACT"
  sign_as spoilt carol "v1.2.3/$ARTIFACT"
  sed -i '3s/$/x/' "$REGISTRY/v1.2.3/$ARTIFACT.spoilt.minisig"
  fetch "${keys[@]}" # what does not count does no harm
  accepted alice bob
  rm "$REGISTRY/v1.2.3/SHA256SUMS.bob.minisig"
  fetch "${keys[@]}"
  refused "has 1 of the 2 signatures that it needs: .*$ARTIFACT.mallory.minisig: it is by the key $(id mallory)"
}

@test "more keys than there are cannot be demanded, a key that is given twice is one, and a demand needs a key" {
  publish v1.2.3
  sign alice "v1.2.3/$ARTIFACT"
  fetch --verify-threshold 2
  assert_equal "$status" 1
  [[ $stderr == *"--verify-threshold demands 2 keys, and --verify-key gives 1"* ]]
  fetch --verify-key "$KEYS/alice.pub" --verify-key "$(base64_of alice)" --verify-threshold 2
  assert_equal "$status" 1
  fetch --verify-threshold 0
  assert_equal "$status" 1
  dewy-check >"$DOCUMENT"
  run --separate-stderr dewy-fetch --verify-threshold 1 <"$DOCUMENT"
  assert_equal "$status" 1
  [[ $stderr == *"--verify-threshold is given, and no key"* ]]
  DEWY_VERIFY_CLAIMS=app run --separate-stderr dewy-fetch <"$DOCUMENT"
  assert_equal "$status" 1
  [[ $stderr == *"--verify-claims is given, and no key"* ]]
  [ ! -e "$CACHE" ]
}

@test "what is in the cache is not trusted, and downloaded again when it is not what was signed" {
  publish v1.2.3
  sign alice "v1.2.3/$ARTIFACT"
  fetch
  accepted alice
  fetch
  accepted alice
  assert_equal "$(field fetch.from_cache)" true
  printf X | dd of="$CACHE/v1.2.3--$ARTIFACT" bs=1 seek=40 conv=notrunc status=none
  fetch
  accepted alice
  assert_equal "$(field fetch.from_cache)" false
  [[ $stderr == *"WARN: The artifact in the cache is damaged"* ]]
  rm "$REGISTRY/v1.2.3/$ARTIFACT.minisig"
  fetch
  refused "is not signed"
}

# begun FILE: leaves the beginning of a download in the cache, made of that file, which the next run goes on with.
begun() {
  mkdir -p "$CACHE"
  head -c 100000 "$1" >"$CACHE/.v1.2.3--$ARTIFACT.part"
  jq -c --rawfile boot /proc/sys/kernel/random/boot_id \
    '{url: .artifact.url, validator: .artifact.revision, boot: ($boot | rtrimstr("\n"))}' "$DOCUMENT" \
    >"$CACHE/.v1.2.3--$ARTIFACT.part.json"
}

@test "a download that was broken off is verified as a whole" {
  publish v1.2.3
  head -c 3000000 /dev/urandom >"$REGISTRY/v1.2.3/$ARTIFACT"
  sign alice "v1.2.3/$ARTIFACT"
  dewy-check >"$DOCUMENT"
  begun "$REGISTRY/v1.2.3/$ARTIFACT"
  fetch --log-level debug
  accepted alice
  [[ $stderr == *"DEBUG: Resuming the download"* ]]
  rm -r "$CACHE"
  begun /dev/zero
  fetch --log-level debug
  refused "$ARTIFACT.minisig: it is of another content"
  [[ $stderr == *"DEBUG: Resuming the download"* ]]
  [ "$(find "$CACHE" -mindepth 1 | wc -l)" = 0 ]
  fetch
  accepted alice
}

@test "when the registry is gone, the deployed release has to do, and what is in the cache is not made of it" {
  publish v1.2.3
  sign alice "v1.2.3/$ARTIFACT"
  once --mode assets
  assert_success
  dewy-check --mode server >"$DOCUMENT" # no server runs
  assert_equal "$(jq -r .state "$DOCUMENT")" available
  mv "$REGISTRY" "$REGISTRY.gone"
  echo evil >"$CACHE/v1.2.3--$ARTIFACT"
  jq -c ".artifact.digest = \"sha256:$(echo evil | sha256sum | cut -d' ' -f1)\" | .artifact.size = 5" "$DOCUMENT" |
    dewy-fetch --verify-key "$KEYS/alice.pub" >"$BATS_TEST_TMPDIR/fetched" 2>"$BATS_TEST_TMPDIR/log"
  grep -q 'WARN: The artifact is not to be had: the deployed release has to do' "$BATS_TEST_TMPDIR/log"
  assert_equal "$(jq -r '.state, .artifact.digest' "$BATS_TEST_TMPDIR/fetched" | paste -sd' ')" \
    "fetched sha256:$(sha256sum <"$REGISTRY.gone/v1.2.3/$ARTIFACT" | cut -d' ' -f1)"
  [ ! -e "$CACHE/v1.2.3--$ARTIFACT" ]
  run --separate-stderr dewy-deploy <"$BATS_TEST_TMPDIR/fetched"
  assert_success
  assert_equal "$(field deploy.reused)" true
  assert_equal "$(cat "$ROOT/current/version")" v1.2.3
}

@test "a claim in the trusted comment must be true of the artifact" {
  local claim
  publish v1.2.3
  sign alice "v1.2.3/$ARTIFACT"
  dewy-check >"$DOCUMENT"
  for claim in app=root app:root version=v1.2.3 version=1.2.3 version:1.2.3 os=linux os=Linux "arch=$(uname -m)" \
    "file=$ARTIFACT" "file:$ARTIFACT" expires=2999-12-31 expires=2999-12-31T12:00:00+02:00 \
    "app=root version=1.2.3  os=linux	file=$ARTIFACT" "timestamp:1	file:$ARTIFACT	hashed" \
    'sapp=x App=y app' 'see https://x/?app=y'; do
    sign alice "v1.2.3/$ARTIFACT" -t "$claim"
    assert_equal "$claim: $(try)" "$claim: 0 fetched"
  done
}

@test "a claim that is not true of the artifact makes a signature void, and the error says which" {
  local claim
  publish v1.2.3
  sums v1.2.3
  sign alice "v1.2.3/$ARTIFACT"
  dewy-check >"$DOCUMENT"
  for claim in app=other app:other app= version=v1.2.4 version=vv1.2.3 version=1.2.30 version= os=darwin os=windows os=any \
    os=linux-x arch=s390x arch=mips arch= "file=$ARTIFACT.sha256" file:x "file:$ARTIFACT app=root" expires=2020-01-01 \
    expires=2020-01-01T00:00:00Z expires=never expires= expires=2999-13-01 "app=root app=other" "app=root	version=9"; do
    sign alice "v1.2.3/$ARTIFACT" -t "$claim"
    assert_regex "$claim: $(try)" \
      "^$claim: 5 integrity: v1.2.3: $ARTIFACT .*: $ARTIFACT.minisig: it (is for the (app|version|os|arch|file) |has expired)"
  done
  sign alice "v1.2.3/$ARTIFACT" -t 'app=other version=1.2.3'
  fetch
  refused "$ARTIFACT.minisig: it is for the app other, and this is root"
  sign alice v1.2.3/SHA256SUMS -t 'file=SHA256SUMS version=1.2.3'
  fetch
  accepted alice
  sign alice v1.2.3/SHA256SUMS -t "file=$ARTIFACT version=1.2.3"
  fetch
  refused "SHA256SUMS.minisig: it is for the file $ARTIFACT, and this is SHA256SUMS"
}

@test "a signature expires at the end of a day, or at a moment" {
  publish v1.2.3
  ! sanitized || skip "AddressSanitizer does not start under faketime"
  export TZ=UTC
  sign alice "v1.2.3/$ARTIFACT" -t 'expires=2030-06-30'
  dewy-check >"$DOCUMENT"
  assert_equal "$(try faketime '2030-06-30 12:00:00')" "0 fetched"
  assert_regex "$(try faketime '2030-07-01 00:00:01')" "it has expired, or tells no date: expires=2030-06-30"
  sign alice "v1.2.3/$ARTIFACT" -t 'expires:2030-06-30T12:00:00Z'
  assert_equal "$(try faketime '2030-06-30 11:00:00')" "0 fetched"
  assert_regex "$(try faketime '2030-06-30 12:00:01')" "^5 integrity"
}

@test "the architecture that a comment claims is compared with the machine as the names of artifacts are" {
  local pair claim machine
  "${CC:-cc}" -shared -fPIC -o "$BATS_TEST_TMPDIR/platform.so" "$BATS_TEST_DIRNAME/platform.c"
  publish v1.2.3 app.tar.gz
  ARTIFACT=app.tar.gz
  for pair in x86_64:amd64 x86_64:x64 x86_64:X86-64 aarch64:arm64 armv7l:armhf armv7l:arm i686:386 \
    '!x86_64:arm64' '!x86_64:386' '!aarch64:arm' '!armv6l:armv7'; do
    machine=${pair%:*} claim=${pair#*:}
    rm -rf "$CACHE"
    sign alice "v1.2.3/$ARTIFACT" -t "arch=$claim"
    dewy-check >"$DOCUMENT"
    TEST_MACHINE=${machine#!} LD_PRELOAD=$BATS_TEST_TMPDIR/platform.so ASAN_OPTIONS=verify_asan_link_order=0 \
      run --separate-stderr dewy-fetch --verify-key "$KEYS/alice.pub" <"$DOCUMENT"
    echo "$pair: $output"
    if [[ $pair == !* ]]; then
      refused "it is for the arch $claim, and this is Linux ${machine#!}"
    else
      accepted alice
    fi
  done
}

@test "--verify-claims refuses signatures that do not make those claims" {
  publish v1.2.3
  sign alice "v1.2.3/$ARTIFACT" -t 'app=root os=linux'
  fetch --verify-claims app,os
  accepted alice
  fetch --verify-claims app,version
  refused "$ARTIFACT.minisig: it does not tell the version, as --verify-claims demands"
  sign alice "v1.2.3/$ARTIFACT"
  fetch --verify-claims file
  accepted alice
  for list in app,colour , app,,os 'app os' APP; do
    fetch --verify-claims "$list"
    assert_equal "$list $status" "$list 1"
    [[ $stderr == *"--verify-claims: a signature cannot claim"* ]]
  done
}

@test "the name of an artifact may have spaces, also in the comment that minisign makes" {
  publish v1.2.3 'my app_linux_amd64.tar.gz'
  sign alice 'v1.2.3/my app_linux_amd64.tar.gz'
  fetch --verify-claims file
  accepted alice
  assert_equal "$(field 'fetch.signatures[0].file')" 'my app_linux_amd64.tar.gz.minisig'
}

@test "dewy-deploy compares the digest that dewy-fetch has verified, and needs no key" {
  publish v1.2.3
  sign alice "v1.2.3/$ARTIFACT"
  fetch
  accepted alice
  echo "$output" >"$DOCUMENT"
  echo evil >"$CACHE/v1.2.3--$ARTIFACT"
  run --separate-stderr dewy-deploy <"$DOCUMENT"
  assert_equal "$status $(field error.code)" "5 integrity"
  [ ! -e "$ROOT/current" ]
}

@test "what README tells of signed releases works" {
  local commands
  commands=$(awk '/^Signed releases/ { inside = 1 } /^When something/ { exit } inside && /^    /' "$BATS_TEST_DIRNAME/../README")
  [ "$(wc -l <<<"$commands")" = 4 ]
  cd "$BATS_TEST_TMPDIR"
  mkdir -p etc/dewy hello
  publish v3.0.0 hello_linux_amd64.tar.gz
  commands=$(sed "s,/srv/releases,$REGISTRY,g; s,/etc/,$BATS_TEST_TMPDIR/etc/,g; s/minisign -G /&-W /" <<<"$commands")
  DEWY_ROOT=$BATS_TEST_TMPDIR/hello run bash -euc "$commands"
  assert_success
  assert_equal "$(cat hello/current/version)" v3.0.0
}

@test "attack: arbitrary software, the stolen right to write to the registry replaces the artifact" {
  publish v1.2.3
  sign alice "v1.2.3/$ARTIFACT"
  sums v1.2.3
  sign alice v1.2.3/SHA256SUMS
  publish evil
  mv "$REGISTRY/evil/$ARTIFACT" "$REGISTRY/v1.2.3/"
  sums v1.2.3
  once
  refused "$ARTIFACT has 0 of the 1 signatures"
  new_key mallory
  sign mallory "v1.2.3/$ARTIFACT"
  sign mallory v1.2.3/SHA256SUMS
  once
  refused "by the key $(id mallory)"
  rm "$REGISTRY/v1.2.3/"*.minisig
  once
  refused "is not signed"
  [ ! -e "$ROOT/current" ]
}

@test "attack: arbitrary software, a poisoned cache that is shared with others" {
  publish v1.2.3
  sign alice "v1.2.3/$ARTIFACT"
  mkdir "$BATS_TEST_TMPDIR/shared"
  head -c "$(stat -c %s "$REGISTRY/v1.2.3/$ARTIFACT")" /dev/urandom >"$BATS_TEST_TMPDIR/shared/v1.2.3--$ARTIFACT"
  once --cache "$BATS_TEST_TMPDIR/shared"
  assert_success
  assert_equal "$(cat "$ROOT/current/version")" v1.2.3
  cmp "$REGISTRY/v1.2.3/$ARTIFACT" "$BATS_TEST_TMPDIR/shared/v1.2.3--$ARTIFACT"
}

@test "attack: mix and match, an artifact of one release with signed checksums or a signature of another" {
  publish v1.0.0
  sums v1.0.0
  sign alice v1.0.0/SHA256SUMS
  sign alice "v1.0.0/$ARTIFACT"
  publish v2.0.0
  cp "$REGISTRY/v1.0.0"/SHA256SUMS* "$REGISTRY/v2.0.0/"
  once
  refused "has the digest sha256:.* instead of sha256:.* of SHA256SUMS"
  once --verify-checksum off
  refused "SHA256SUMS.minisig: the checksum file has sha256:"
  rm "$REGISTRY/v2.0.0"/SHA256SUMS*
  cp "$REGISTRY/v1.0.0/$ARTIFACT.minisig" "$REGISTRY/v2.0.0/"
  once
  refused "$ARTIFACT.minisig: it is of another content"
  sums v2.0.0
  cp "$REGISTRY/v1.0.0/SHA256SUMS.minisig" "$REGISTRY/v2.0.0/"
  once
  refused "SHA256SUMS.minisig: it is of another content"
  [ ! -e "$ROOT/current" ]
}

@test "attack: wrong software, what is signed for another application or another machine under this name" {
  publish v1.2.3
  sign alice "v1.2.3/$ARTIFACT" -t 'app=payroll version=1.2.3'
  once
  refused "it is for the app payroll, and this is root"
  sign alice "v1.2.3/$ARTIFACT" -t 'app=root version=1.2.3 os=linux arch=s390x'
  once
  refused "it is for the arch s390x, and this is Linux "
  publish v1.2.3 payroll.tar.gz
  sign alice v1.2.3/payroll.tar.gz
  mv "$REGISTRY/v1.2.3/payroll.tar.gz" "$REGISTRY/v1.2.3/$ARTIFACT"
  mv "$REGISTRY/v1.2.3/payroll.tar.gz.minisig" "$REGISTRY/v1.2.3/$ARTIFACT.minisig"
  once
  refused "it is for the file payroll.tar.gz, and this is $ARTIFACT" # as minisign says it by itself
  [ ! -e "$ROOT/current" ]
}

@test "attack: fast-forward, a version above all others that nobody has signed is not taken, nor remembered when it is gone" {
  publish v1.0.0
  sign alice "v1.0.0/$ARTIFACT"
  once
  assert_success
  publish v99999999999999999999.0.0
  once
  assert_equal "$status $(field error.code) $(field release.version)" "5 integrity v99999999999999999999.0.0"
  assert_equal "$(cached)" "v1.0.0--$ARTIFACT"
  assert_equal "$(cat "$ROOT/current/version")" v1.0.0
  cp "$REGISTRY/v1.0.0/$ARTIFACT.minisig" "$REGISTRY/v99999999999999999999.0.0/"
  once
  assert_equal "$status" 5
  rm -r "$REGISTRY/v99999999999999999999.0.0"
  publish v1.0.1
  sign alice "v1.0.1/$ARTIFACT"
  once --no-downgrade
  assert_success
  assert_equal "$(field state) $(cat "$ROOT/current/version")" "deployed v1.0.1"
}

@test "attack: downgrade under a new name, an old artifact that was signed is published as a newer version" {
  publish v1.0.0
  sign alice "v1.0.0/$ARTIFACT" -t "app=root version=1.0.0 file=$ARTIFACT"
  publish v1.1.0
  sign alice "v1.1.0/$ARTIFACT" -t "app=root version=1.1.0 file=$ARTIFACT"
  once --verify-claims app,version
  assert_success
  cp -r "$REGISTRY/v1.0.0" "$REGISTRY/v1.2.0"
  once --verify-claims app,version
  assert_equal "$status" 5
  assert_regex "$(field error.message)" "it is for the version 1.0.0, and this is v1.2.0"
  sign alice "v1.2.0/$ARTIFACT" # one that claims no version could be replayed under each
  once --verify-claims app,version
  assert_equal "$status" 5
  assert_regex "$(field error.message)" "it does not tell the app"
  assert_equal "$(cat "$ROOT/current/version")" v1.1.0
}

@test "attack: key compromise, one of two keys that must both sign installs nothing" {
  new_key bob
  publish v1.0.0
  sign alice "v1.0.0/$ARTIFACT"
  sign_as bob bob "v1.0.0/$ARTIFACT"
  once --verify-key "$KEYS/bob.pub" --verify-threshold 2
  assert_success
  publish v1.1.0
  sums v1.1.0
  sign alice "v1.1.0/$ARTIFACT"
  sign_as bob alice "v1.1.0/$ARTIFACT"
  sign alice v1.1.0/SHA256SUMS
  cp "$REGISTRY/v1.0.0/$ARTIFACT.bob.minisig" "$REGISTRY/v1.1.0/$ARTIFACT.old.minisig"
  once --verify-key "$KEYS/bob.pub" --verify-threshold 2
  assert_equal "$status" 5
  assert_regex "$(field error.message)" "^v[0-9.]*: $ARTIFACT has 1 of the 2 signatures.*: $ARTIFACT.old.minisig: it is of another content"
  assert_equal "$(cat "$ROOT/current/version")" v1.0.0
}
