# The servers of t/stack/ themselves: that they start, refuse what the real services refuse, and leave nothing behind.
load common

prepare() {
  STACK=$BATS_TEST_DIRNAME/stack
}

cleanup() {
  local pids
  for pids in "$BATS_TEST_TMPDIR"/*/pid; do
    "$STACK/nginx" stop "${pids%/pid}" # all of them stop alike
  done
}

# start SERVER ARGUMENT...: starts it in the directory $SERVER_DIR.
start() {
  SERVER_DIR=$BATS_TEST_TMPDIR/$1
  run -0 "$STACK/$1" start "$SERVER_DIR" "${@:2}"
  assert_output ""
}

# childless PID: nobody lives in the session that this process began.
childless() {
  [ "$(ps -o stat= -s "$1" | grep -cv '^Z')" = 0 ]
}

# assert_stops SERVER: its processes have kept nothing of the test's open, end, and leave no children; its directory can go.
assert_stops() {
  local pids pid
  pids=$(cat "$SERVER_DIR"/pid/*)
  assert [ -n "$pids" ]
  for pid in $pids; do
    refute [ "/proc/$pid/fd/3" -ef /proc/self/fd/3 ]
  done
  run -0 "$STACK/$1" stop "$SERVER_DIR"
  for pid in $pids; do
    wait_until childless "$pid"
  done
  rm -r "$SERVER_DIR"
}

# ask STATUS CURL-ARGUMENT...: that status is what a request gets; the answer's body is in $output.
ask() {
  run -0 curl -sS --cacert "$BATS_TEST_TMPDIR/ca/ca.pem" -w '\n%{http_code}' "${@:2}"
  assert_equal "${lines[-1]}" "$1"
  output=${output%$'\n'*}
}

# s3 STATUS KEY:SECRET PATH CURL-ARGUMENT...: the same for a request to $HOST, signed for $REGION.
s3() {
  ask "$1" --aws-sigv4 "aws:amz:$REGION:s3" -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' "${@:4}" "${SCHEME:-http}://$2@$HOST$3"
}

# through PORT: makes curl ask what listens on PORT instead of any host's https.
through() {
  echo "--connect-to ::127.0.0.1:$1"
}

# base64url: standard input as JWTs have it (RFC 7515, 2).
# jwt KEY ISSUER SCOPE AUDIENCE [AGE]: an assertion made AGE seconds ago, signed by KEY (RFC 7523).
jwt() {
  local made content
  made=$(($(date +%s) - ${5:-0}))
  content=$(printf '{"alg":"RS256","typ":"JWT"}' | base64url).$(jq -njc --arg iss "$2" --arg scope "$3" --arg aud "$4" \
    --argjson iat $made '{$iss, $scope, $aud, $iat, exp: ($iat + 3600)}' | base64url)
  printf '%s.%s' "$content" "$(printf %s "$content" | openssl dgst -sha256 -sign "$1" -binary | base64url)"
}

# grant STATUS URL ASSERTION
grant() {
  ask "$1" --data-urlencode grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer --data-urlencode "assertion=$3" "$2"
}

@test "the authority's certificates are good, for another host, over, and unknown" {
  "$STACK/authority" "$BATS_TEST_TMPDIR/ca"
  cd "$BATS_TEST_TMPDIR/ca"
  local name
  for name in localhost bucket.s3.localhost api.github.com bucket.s3.us-east-1.amazonaws.com oauth2.googleapis.com; do
    run -0 openssl verify -CAfile ca.pem -verify_hostname "$name" server.pem
  done
  run -0 openssl verify -CAfile ca.pem -verify_ip ::1 server-both.pem
  run openssl verify -CAfile ca.pem wrong.pem
  assert_success # which says why not
  run -2 openssl verify -CAfile ca.pem -verify_hostname localhost wrong.pem
  assert_output --partial "hostname mismatch"
  run -2 openssl verify -CAfile ca.pem expired.pem
  assert_output --partial "certificate has expired"
  run -2 openssl verify -CAfile ca.pem alien.pem
  assert_output --partial "self-signed certificate"
  assert_equal "$(stat -c %a server.key server-both.pem | sort -u)" 600
}

@test "radosgw looks at signatures, and at what a key may do" {
  local port
  port=$(free_ports 61)
  HOST=127.0.0.1:$port REGION=us-east-1
  start radosgw "$port"
  s3 200 AKIATEST:secretsecret /bucket -X PUT
  s3 200 AKIATEST:secretsecret /bucket/a%2Bb -X PUT --data-binary hello
  s3 200 AKIATEST:secretsecret /bucket/a%2Bb
  assert_output hello
  s3 412 AKIATEST:secretsecret /bucket/a%2Bb -X PUT --data-binary again -H 'If-None-Match: *'
  s3 403 AKIATEST:wrong /bucket/a%2Bb
  assert_output --partial "<Code>SignatureDoesNotMatch</Code>"
  ask 403 "http://$HOST/bucket/a%2Bb"
  s3 200 AKIAREAD:readsecret "/bucket?list-type=2&prefix=a"
  assert_output --partial "<Key>a+b</Key>"
  s3 200 AKIAREAD:readsecret /bucket/a%2Bb
  s3 403 AKIAREAD:readsecret /bucket/c -X PUT --data-binary hello
  assert_output --partial "<Code>AccessDenied</Code>"
  assert_stops radosgw
}

@test "radosgw has buckets as hosts, with TLS" {
  "$STACK/authority" "$BATS_TEST_TMPDIR/ca"
  local port to
  port=$(free_ports 61)
  to=$(through $((port + 3)))
  SCHEME=https REGION=us-east-1
  RGW_DNS_NAME=s3.us-east-1.amazonaws.com start radosgw "$port" "$BATS_TEST_TMPDIR/ca/server-both.pem"
  HOST=bucket.s3.us-east-1.amazonaws.com
  s3 200 AKIATEST:secretsecret / -X PUT $to
  HOST=s3.us-east-1.amazonaws.com
  s3 200 AKIATEST:secretsecret / $to
  assert_output --partial "<Name>bucket</Name>"
  assert_stops radosgw
}

@test "swift looks at signatures and at the region" {
  local port
  port=$(free_ports 4)
  HOST=127.0.0.1:$port REGION=us-east-1
  start swift "$port"
  s3 200 test%3Atester:testing /bucket -X PUT
  s3 200 test%3Atester:testing /bucket/v1/a%2Bb -X PUT --data-binary hello
  s3 200 test%3Atester:testing /bucket/v1/a%2Bb
  assert_output hello
  s3 200 test%3Atester:testing "/bucket?delimiter=%2F&list-type=2"
  assert_output --partial "<Prefix>v1/</Prefix>"
  s3 403 test%3Atester:wrong /bucket/v1/a%2Bb
  REGION=eu-west-1
  s3 400 test%3Atester:testing /bucket/v1/a%2Bb
  assert_output --partial "<Region>us-east-1</Region>"
  assert_stops swift
}

@test "gcs keeps objects in buckets that exist, and pages count prefixes" {
  local port url objects upload i
  port=$(free_port)
  url=http://127.0.0.1:$port/storage/v1/b
  objects=$url/bucket/o
  upload="http://127.0.0.1:$port/upload/storage/v1/b/bucket/o?uploadType=media"
  start gcs "$port"
  ask 404 "$objects"
  assert_equal "$(field error.message)" "The specified bucket does not exist."
  ask 200 --json '{"name":"bucket"}' "$url"
  for i in 1 2 3; do
    ask 200 --data-binary hello "$upload&name=v$i%2Fa%2Bb&ifGenerationMatch=0"
  done
  ask 412 --data-binary again "$upload&name=v1%2Fa%2Bb&ifGenerationMatch=0"
  ask 200 "$objects/v1%2Fa%2Bb?alt=media"
  assert_output hello
  ask 200 "$objects/v1%2Fa%2Bb"
  assert_equal "$(field md5Hash)" "$(printf hello | openssl md5 -binary | base64)"
  ask 200 "$objects?delimiter=%2F&maxResults=2"
  assert_equal "$(field 'prefixes | join(" ")')" "v1/ v2/"
  ask 200 "$objects?delimiter=%2F&maxResults=2&pageToken=$(field 'nextPageToken | @uri')"
  assert_equal "$(field 'prefixes | join(" ")') $(field nextPageToken)" "v3/ null"
  assert_stops gcs
}

# requested LINE: the last request that was answered is METHOD PATH STATUS HOST.
requested() {
  [ "$(jq -r '"\(.method) \(.path) \(.status) \(.headers.host)"' "$SERVER_DIR/requests" | tail -n 1)" = "$1" ]
}

@test "gcs gives tokens for a service account's assertions, and looks at them" {
  local port url ca=$BATS_TEST_TMPDIR/ca key=$BATS_TEST_TMPDIR/key email=deployer@test.iam.gserviceaccount.com
  local token scope=https://www.googleapis.com/auth/devstorage.read
  "$STACK/authority" "$ca"
  openssl genrsa -out "$key" 2048
  openssl rsa -in "$key" -pubout -out "$key.pub"
  openssl genrsa -out "$key.other" 2048
  port=$(free_ports 2)
  url=http://127.0.0.1:$port
  GCS_PEM=$ca/server-both.pem start gcs "$port" "$key.pub" "$email"

  grant 400 "$url/token" "$(jwt "$key.other" "$email" "${scope}_write" "$url/token")"
  assert_equal "$(field error_description)" "Invalid JWT Signature."
  grant 400 "$url/token" "$(jwt "$key" "$email" "${scope}_write" https://elsewhere.example/token)"
  assert_equal "$(field error)" invalid_grant
  grant 400 "$url/token" "$(jwt "$key" "$email" "${scope}_write" "$url/token" 7200)"
  assert_output --partial "Check your iat and exp values"
  grant 200 "$url/token" "$(jwt "$key" "$email" "${scope}_write" "$url/token")"
  token=$(field access_token)
  ask 200 -H "Authorization: Bearer $token" --json '{"name":"bucket"}' "$url/storage/v1/b"
  ask 200 -H "Authorization: Bearer $token" "$url/storage/v1/b/bucket/o"
  ask 401 "$url/storage/v1/b/bucket/o"
  ask 401 -H "Authorization: Bearer ya29.forged" "$url/storage/v1/b/bucket/o"
  assert_equal "$(field error.message)" "Invalid Credentials"

  # The same under the service's own names.
  run -0 curl -sS --cacert "$ca/ca.pem" $(through $((port + 1))) https://oauth2.googleapis.com/token \
    -d grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer \
    -d assertion="$(jwt "$key" "$email" "${scope}_only" https://oauth2.googleapis.com/token)"
  token=$(field access_token)
  ask 200 $(through $((port + 1))) -H "Authorization: Bearer $token" https://storage.googleapis.com/storage/v1/b/bucket/o
  ask 403 $(through $((port + 1))) -H "Authorization: Bearer $token" --data-binary hello \
    "https://storage.googleapis.com/upload/storage/v1/b/bucket/o?uploadType=media&name=x"
  wait_until requested "POST /upload/storage/v1/b/bucket/o?uploadType=media&name=x 403 storage.googleapis.com"
  assert_stops gcs
}

@test "gcs gives tokens for a refresh token and to the machine, as long-lived as told" {
  local port url user=(-d grant_type=refresh_token -d client_id=client)
  port=$(free_port)
  url=http://127.0.0.1:$port
  GCS_CLIENT_ID=client GCS_CLIENT_SECRET=secret GCS_REFRESH_TOKEN=1//refresh GCS_TOKEN_LIFETIME=0 start gcs "$port"
  ask 401 "${user[@]}" -d client_secret=wrong -d refresh_token=1//refresh "$url/token"
  assert_equal "$(field error)" invalid_client
  ask 400 "${user[@]}" -d client_secret=secret -d refresh_token=1//revoked "$url/token"
  ask 200 "${user[@]}" -d client_secret=secret -d refresh_token=1//refresh "$url/token"
  assert_equal "$(field expires_in)" 0
  ask 401 -H "Authorization: Bearer $(field access_token)" "$url/storage/v1/b/bucket/o"
  ask 403 "$url/computeMetadata/v1/instance/service-accounts/default/token"
  ask 200 -H 'Metadata-Flavor: Google' "$url/computeMetadata/v1/instance/service-accounts/default/token"
  assert_stops gcs
}

@test "nginx serves downloads, whole, in part, slowly, and not at all" {
  local ca=$BATS_TEST_TMPDIR/ca port url
  "$STACK/authority" "$ca"
  port=$(free_ports 5)
  url=https://localhost:$((port + 1))
  start nginx "$port" $((port + 1)) "$ca/"server.{pem,key} \
    $((port + 2)) "$ca/"wrong.{pem,key} $((port + 3)) "$ca/"expired.{pem,key} $((port + 4)) "$ca/"alien.{pem,key}

  ask 201 -X PUT --data-binary 0123456789 "$url/v1/a%2Bb"
  assert_equal "$(<"$SERVER_DIR/www/v1/a+b")" 0123456789
  ask 206 -r 5- "$url/v1/a%2Bb"
  assert_output 56789
  ask 200 -r 5- "$url/norange/v1/a%2Bb"
  assert_output 0123456789
  ask 200 "$url/limited/v1/a%2Bb"
  run -0 curl -sS --cacert "$ca/ca.pem" -o /dev/null -w '%{http_version} %{http_code} %header{retry-after}' "$url/limited/v1/a%2Bb"
  assert_output "2 429 3"
  ask 302 -w '%{redirect_url}\n%{http_code}' "http://127.0.0.1:$port/redirect-https/v1/a%2Bb"
  assert_output --partial "$url/v1/a%2Bb"
  ask 302 -w '%{redirect_url}\n%{http_code}' "$url/redirect-http/v1/a%2Bb"
  assert_output --partial "http://localhost:$port/v1/a%2Bb"
  run -47 curl -sS -L --cacert "$ca/ca.pem" "$url/loop"
  truncate -s 1G "$SERVER_DIR/www/large"
  run -28 curl -sS --cacert "$ca/ca.pem" --speed-limit 1000000 --speed-time 1 -o /dev/null "$url/slow/large"

  local i
  for i in 2 3 4; do
    run -60 curl -sS --cacert "$ca/ca.pem" "https://localhost:$((port + i))/"
  done
  assert_equal "$(jq -r '"\(.method) \(.path) \(.range) \(.status)"' "$SERVER_DIR/requests" | sed -n 2p)" \
    "GET /v1/a%2Bb bytes=5- 206"
  assert_stops nginx
}

@test "exim takes mail after TLS and AUTH, refuses whom it should, and has a sendmail" {
  local ca=$BATS_TEST_TMPDIR/ca port mail=$BATS_TEST_TMPDIR/mail
  chmod 755 "$BATS_RUN_TMPDIR" "$BATS_TEST_TMPDIR"
  "$STACK/authority" "$ca"
  port=$(free_ports 3)
  start exim "$port" "$ca/"server.{pem,key}
  printf 'From: a@test\r\nSubject: hello\r\n\r\nbody\r\n..dot\r\n' >"$mail"

  # mail STATUS RECIPIENT PORT CURL-ARGUMENT...
  mail() {
    run -"$1" curl -sS --cacert "$ca/ca.pem" --mail-from a@test --mail-rcpt "$2" -T "$mail" "${@:4}" "$3"
  }
  mail 0 one@test "smtp://localhost:$port" --ssl-reqd -u robot:s3cret
  mail 0 two@test "smtps://localhost:$((port + 1))" -u robot:s3cret
  mail 0 three@test "smtp://localhost:$((port + 2))"
  mail 67 one@test "smtp://localhost:$port" --ssl-reqd -u robot:wrong
  mail 55 one@test "smtp://localhost:$port" --ssl-reqd
  assert_output --partial 530
  mail 55 one@test "smtp://localhost:$port" -u robot:s3cret
  mail 64 one@test "smtp://localhost:$((port + 2))" --ssl-reqd
  local recipient
  for recipient in nouser:550 full:452 busy:451 grey:451; do
    mail 55 "${recipient%:*}@test" "smtp://localhost:$((port + 2))"
    assert_output --partial "${recipient#*:}"
  done
  mail 0 grey@test "smtp://localhost:$((port + 2))"
  run -0 "$SERVER_DIR/sendmail/sendmail" -i -- four@test <<<$'Subject: hello\n\nbody\n.'
  for recipient in one two three four grey; do
    wait_until grep -qx "Envelope-to: $recipient@test" -r "$SERVER_DIR/mail/new"
  done
  assert_equal "$(ls "$SERVER_DIR/mail/new" | wc -l)" 5
  assert_equal "$(cat "$SERVER_DIR"/mail/new/* | grep -cx '\.\.dot')" 4
  head -c 70000 /dev/zero | tr '\0' x | fold >>"$mail"
  mail 55 one@test "smtp://localhost:$((port + 2))"
  assert_output --partial 552
  assert_stops exim
}

@test "two at once do not mind each other; one whose port is taken fails and says why" {
  local port
  port=$(free_ports 2)
  start gcs "$port"
  run -0 "$STACK/gcs" start "$BATS_TEST_TMPDIR/second" $((port + 1))
  run -1 "$STACK/gcs" start "$BATS_TEST_TMPDIR/third" "$port"
  assert_output --partial EADDRINUSE
  assert_equal "$(ls "$BATS_TEST_TMPDIR/third/pid")" ""
  ask 200 --json '{"name":"bucket"}' "http://127.0.0.1:$port/storage/v1/b"
  ask 404 "http://127.0.0.1:$((port + 1))/storage/v1/b/bucket/o"
  assert_stops gcs
}
