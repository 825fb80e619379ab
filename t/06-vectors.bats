# What the library computes, against published vectors and against the openssl program.
load common

# vectors FUNCTION ARGUMENT...: what t/vectors.c prints.
vectors() {
  run "$DEWY_BIN/../t/vectors" "$@"
  assert_success
}

# open_url: decodes base64url on standard input.
open_url() {
  tr '_-' '/+' | awk '{ while (length($0) % 4) $0 = $0 "="; print }' | base64 -d
}

# key NAME ARGUMENT...: makes $BATS_TEST_TMPDIR/NAME and NAME.public by openssl genpkey.
key() {
  openssl genpkey "${@:2}" -out "$BATS_TEST_TMPDIR/$1" 2>/dev/null
  openssl pkey -in "$BATS_TEST_TMPDIR/$1" -pubout -out "$BATS_TEST_TMPDIR/$1.public"
}

# sign KEY KEY-ID CLAIMS
sign() {
  run "$DEWY_BIN/../t/vectors" jwt "$3" "$2" <"$BATS_TEST_TMPDIR/$1"
  assert_success
}

# assert_signed PUBLIC: the token in $output is signed by the key of PUBLIC.
assert_signed() {
  cut -d. -f3 <<<"$output" | open_url >"$BATS_TEST_TMPDIR/signature"
  printf %s "${output%.*}" |
    openssl dgst -sha256 -verify "$BATS_TEST_TMPDIR/$1" -signature "$BATS_TEST_TMPDIR/signature"
}

@test "base64: RFC 4648, section 10" {
  local pair
  for pair in : f:Zg== fo:Zm8= foo:Zm9v foob:Zm9vYg== fooba:Zm9vYmE= foobar:Zm9vYmFy; do
    vectors base64 "${pair%%:*}"
    assert_output "${pair#*:}"
    vectors base64-decode "${pair#*:}"
    assert_output "${pair%%:*}"
  done
}

@test "base64url: its letters, and no padding" {
  vectors base64 '~~~???>'
  assert_output 'fn5+Pz8/Pg=='
  vectors base64url '~~~???>'
  assert_output 'fn5-Pz8_Pg'
  vectors base64url ''
  assert_output ''
}

@test "base64: what is not written as it should be is none" {
  local text
  for text in Zg Zg= Zg=== Zh== 'Zm 9v' ' Zm9' $'Zm9v\n' ==== Z=== Zm9-Zm9v Zg==Zg== Zm9vYg; do
    vectors base64-decode "$text"
    assert_output refused
  done
}

@test "the check values of the cyclic checks" {
  vectors digest crc32 123456789
  assert_output crc32:cbf43926
  vectors digest crc32c 123456789
  assert_output crc32c:e3069283
  vectors digest crc64nvme 123456789
  assert_output crc64nvme:ae8b14860a799888
}

@test "the digests, as coreutils compute them" {
  local word
  for word in md5 sha1 sha256 sha512; do
    vectors digest "$word" 123456789
    assert_output "$word:$(printf 123456789 | "${word}sum" | cut -d' ' -f1)"
    vectors digest "$word:the rest does not count" 123456789
    assert_output "$word:$(printf 123456789 | "${word}sum" | cut -d' ' -f1)"
  done
  for word in '' sha sha25 sha2566 SHA256 crc16 :; do
    vectors digest "$word" 123456789
    assert_output refused
  done
}

@test "the digest of a file, of its beginning, and of one that is too short" {
  head -c 600000 /dev/urandom >"$BATS_TEST_TMPDIR/file"
  vectors digest-file sha256 "$BATS_TEST_TMPDIR/file" -1
  assert_output "sha256:$(sha256sum <"$BATS_TEST_TMPDIR/file" | cut -d' ' -f1)"
  vectors digest-file md5 "$BATS_TEST_TMPDIR/file" 300000
  assert_output "md5:$(head -c 300000 "$BATS_TEST_TMPDIR/file" | md5sum | cut -d' ' -f1)"
  vectors digest-file md5 "$BATS_TEST_TMPDIR/file" 0
  assert_output md5:d41d8cd98f00b204e9800998ecf8427e
  vectors digest-file md5 "$BATS_TEST_TMPDIR/file" 600001
  assert_output refused
}

@test "digests that come as base64" {
  vectors digest-from-base64 crc32c 4waSgw==
  assert_output crc32c:e3069283
  vectors digest-from-base64 md5 "$(printf 123456789 | openssl md5 -binary | base64)"
  assert_output "md5:$(printf 123456789 | md5sum | cut -d' ' -f1)"
  vectors digest-from-base64 md5 4waSgw==
  assert_output refused
  vectors digest-from-base64 crc32c '4waSgw'
  assert_output refused
  vectors digest-from-base64 crc16 4waSgw==
  assert_output refused
}

@test "a JWT is what its claims say, signed so that openssl agrees; PKCS #8 and PKCS #1" {
  key rsa -algorithm RSA -pkeyopt rsa_keygen_bits:2048
  openssl rsa -in "$BATS_TEST_TMPDIR/rsa" -traditional -out "$BATS_TEST_TMPDIR/rsa1" 2>/dev/null
  grep -q 'BEGIN PRIVATE KEY' "$BATS_TEST_TMPDIR/rsa"
  grep -q 'BEGIN RSA PRIVATE KEY' "$BATS_TEST_TMPDIR/rsa1"
  local key
  for key in rsa rsa1; do
    sign "$key" 'key 1' '{"iss":"me","exp":1700000000}'
    [ "$(cut -d. -f1 <<<"$output" | open_url)" = '{"alg":"RS256","typ":"JWT","kid":"key 1"}' ]
    [ "$(cut -d. -f2 <<<"$output" | open_url)" = '{"iss":"me","exp":1700000000}' ]
    assert_signed rsa.public
  done
}

@test "a JWT without a key id, and one that another key has not signed" {
  key rsa -algorithm RSA -pkeyopt rsa_keygen_bits:2048
  key other -algorithm RSA -pkeyopt rsa_keygen_bits:2048
  sign rsa '' '{}'
  [ "$(cut -d. -f1 <<<"$output" | open_url)" = '{"alg":"RS256","typ":"JWT"}' ]
  assert_signed rsa.public
  run ! assert_signed other.public
}

@test "what is no RSA key without a passphrase cannot sign, and nobody is asked for one" {
  key ec -algorithm EC -pkeyopt ec_paramgen_curve:P-256
  key rsa -algorithm RSA -pkeyopt rsa_keygen_bits:2048
  sign ec '' '{}'
  assert_output $'refused\nconfig: the private key is no RSA key'
  openssl pkey -in "$BATS_TEST_TMPDIR/rsa" -aes256 -passout pass:secret -out "$BATS_TEST_TMPDIR/locked"
  head -c 900 "$BATS_TEST_TMPDIR/rsa" >"$BATS_TEST_TMPDIR/half"
  echo rubbish >"$BATS_TEST_TMPDIR/rubbish"
  : >"$BATS_TEST_TMPDIR/empty"
  local key
  for key in rsa.public locked half rubbish empty; do
    sign "$key" '' '{}'
    [[ $output == $'refused\nconfig: the private key cannot be read'* ]]
  done
}

@test "what was sealed is opened by the same secret only" {
  local sealed
  vectors seal 'a token' 'the secret'
  sealed=$output
  [[ $(base64 -d <<<"$sealed") != *'a token'* ]]
  vectors unseal "$sealed" 'the secret'
  assert_output 'a token'
  vectors unseal "$sealed" 'the secret '
  assert_output refused
  vectors seal 'a token' 'the secret'
  [ "$output" != "$sealed" ]
}

@test "what was sealed and then damaged is refused: each bit, each length, each way to write it" {
  local sealed length
  vectors damage 'a token' 'the secret'
  assert_output '408 0'
  vectors seal 'a token' 'the secret'
  sealed=$output
  for length in 0 4 40 56 60 64; do
    vectors unseal "${sealed::length}" 'the secret'
    assert_output refused
  done
  vectors unseal "${sealed}AAAA" 'the secret'
  assert_output refused
  vectors unseal "$sealed " 'the secret'
  assert_output refused
  vectors unseal 'no base64' 'the secret'
  assert_output refused
}

@test "a text is cut at the ends of lines, never within a character, and what is missing is counted" {
  local bytes=64 line euros=€€€€€€€€€€€€€€€€€€€€€€
  vectors cut 3 64 $'a\nb\nc\n\n'
  assert_output $'a\nb\nc'
  vectors cut 2 64 $'a\nb\nc\n'
  assert_output $'a\nb\n... (1 more line)'
  vectors cut 2 64 $'a\nb\nc\nd'
  assert_output $'a\nb\n... (2 more lines)'
  vectors cut 9 64 ''
  assert_output ''
  vectors cut 9 64 "$euros" # 66 bytes
  assert_output '€€€€€€€€... (42 more bytes)'
  vectors cut 9 66 "$euros"
  assert_output "$euros"
  vectors cut 9 64 $'short\n'"$euros"$'\nend'
  assert_output $'short\n... (2 more lines)'
  line=$(printf 'x%.0s' {1..20})
  for bytes in {64..200}; do
    vectors cut 100 "$bytes" "$(for _ in {1..12}; do echo "$line"; done)"
    [ ${#output} -le "$bytes" ]
    assert_equal "$(grep -cx "$line" <<<"$output")" $((12 - $(sed -n 's/^\.\.\. (\([0-9]*\) more lines*)$/\1/p' <<<"$output")))
  done
}

@test "times are those of the Gregorian calendar, from the year 1 to 9999, and a day that is none is refused" {
  local text
  run -0 "$BATS_TEST_DIRNAME/vectors" times -62135596800 253402300799 7654321
  python3 -c '
import datetime, sys
epoch = datetime.datetime(1970, 1, 1)
for line in sys.stdin:
    seconds, text, again = line.split()
    date = epoch + datetime.timedelta(seconds=int(seconds))
    assert text == date.isoformat() + "Z" and again == seconds, line' <<<"$output"
  vectors read-time 2024-02-29t23:59:59.75+01:30
  assert_output 2024-02-29T22:29:59Z
  for text in 2023-02-29 1900-02-29 2024-00-10 2024-13-10 2024-04-31 2024-04-00; do
    vectors read-time "${text}T10:30:45Z"
    assert_output refused
  done
  for text in 24:00:00 10:60:00 10:30:60; do
    vectors read-time "2024-04-30T${text}Z"
    assert_output refused
  done
}
