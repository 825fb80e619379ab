# s3://: what only S3 has. t/13-registry-s3.bats holds it to what every registry does.
load common

setup_file() {
  clean_environment
  CA=$BATS_FILE_TMPDIR/ca PORT=$(free_ports 64)
  export CA PORT
  "$BATS_TEST_DIRNAME/stack/authority" "$CA"
  RGW_DNS_NAME=s3.us-east-1.amazonaws.com \
    "$BATS_TEST_DIRNAME/stack/radosgw" start "$BATS_FILE_TMPDIR/rgw" "$PORT" "$CA/server-both.pem"
}

teardown_file() {
  "$BATS_TEST_DIRNAME/stack/radosgw" stop "$BATS_FILE_TMPDIR/rgw"
}

prepare() {
  export AWS_ACCESS_KEY_ID=AKIATEST AWS_SECRET_ACCESS_KEY=secretsecret
  BUCKET=bucket-$BATS_TEST_NUMBER
  HOST=127.0.0.1:$PORT
  URL="s3://us-east-1/$BUCKET/app?endpoint=http://$HOST"
  DOCUMENT=$BATS_TEST_TMPDIR/document
}

# s3 PATH CURL-ARGUMENT...: a request to $HOST by an independent client.
s3() {
  curl -sSf --globoff --aws-sigv4 aws:amz:us-east-1:s3 --user "${OWNER:-AKIATEST:secretsecret}" \
    -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' "${@:2}" "http://$HOST/$1"
}

# bucket NAME: makes a bucket.
bucket() {
  s3 "$1" -X PUT
}

# objects KEY...: puts a small archive at each key (percent-encoded) of the bucket.
objects() {
  local key
  publish archive
  for key; do
    s3 "$BUCKET/$key" -T "$REGISTRY/archive/app_linux_amd64.tar.gz"
  done
}

# stand_in ANSWER...: a web server that gives these answers, at $STAND_IN.
stand_in() {
  WEB=$BATS_TEST_TMPDIR/web
  [ ! -e "$BATS_TEST_TMPDIR/web.pid" ] || stop_pid "$(cat "$BATS_TEST_TMPDIR/web.pid")"
  mkdir -p "$WEB"
  rm -f "$WEB/port" "$WEB/requests"
  python3 "$BATS_TEST_DIRNAME/webserver.py" "$WEB" "$@" >/dev/null 3>&- &
  echo $! >"$BATS_TEST_TMPDIR/web.pid"
  wait_until test -e "$WEB/port"
  STAND_IN="s3://us-east-1/$BUCKET/app?endpoint=http://127.0.0.1:$(cat "$WEB/port")"
}

# request N FILTER: what jq makes of the Nth request to the stand-in.
request() {
  sed -n "$1p" "$WEB/requests" | jq -r "$2"
}

# proxy PORT: makes all https go to a port of this machine.
proxy() {
  python3 "$BATS_TEST_DIRNAME/proxy.py" "$BATS_TEST_TMPDIR" "$1" >/dev/null 2>&1 3>&- &
  echo $! >"$BATS_TEST_TMPDIR/proxy.pid"
  wait_until test -e "$BATS_TEST_TMPDIR/proxy-port"
  export https_proxy=http://127.0.0.1:$(cat "$BATS_TEST_TMPDIR/proxy-port")
}

# answer NAME: prints the path of a file with the standard input as its content.
answer() {
  cat >"$BATS_TEST_TMPDIR/$1"
  echo "@$BATS_TEST_TMPDIR/$1"
}

# says STATUS TEXT...: the last command failed so, and its message or hint has each of the texts in it.
says() {
  assert_equal "$status" "$1"
  local text
  for text in "${@:2}"; do
    [[ "$(field error.message) $(field error.hint)" == *"$text"* ]] || fail "no \"$text\" in: $output"
  done
}

# listing KEY...: a listing of objects.
listing() {
  echo '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
  printf '<Contents><Key>%s</Key><LastModified>2026-01-15T10:30:45.000Z</LastModified><Size>6</Size></Contents>' "$@"
  echo '<IsTruncated>false</IsTruncated></ListBucketResult>'
}

# error CODE [ELEMENTS]: an error.
error() {
  echo "<?xml version=\"1.0\"?><Error><Code>$1</Code><Message>told &amp; done</Message>${2-}<RequestId>1</RequestId></Error>"
}

# need_faketime: skips the test where the program would hang with another clock.
need_faketime() {
  ! sanitized || skip "AddressSanitizer does not start under faketime"
}

@test "signatures are those that AWS has published" {
  need_faketime
  # https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, its four examples
  stand_in 200
  export http_proxy=http://127.0.0.1:$(cat "$WEB/port") FAKETIME_DONT_FAKE_MONOTONIC=1 TZ=UTC
  local base=http://examplebucket.s3.amazonaws.com sign="$DEWY_BIN/../t/sign" at='2013-05-24 00:00:00'
  run -0 faketime -f "$at" "$sign" GET "$base/test.txt" '' 'Range: bytes=0-9'
  run -0 faketime -f "$at" "$sign" PUT "$base/test%24file.text" 'Welcome to Amazon S3.' \
    'Date: Fri, 24 May 2013 00:00:00 GMT' 'X-Amz-Date: 20130524T000000Z' 'x-amz-storage-class: REDUCED_REDUNDANCY'
  run -0 faketime -f "$at" "$sign" GET "$base/?lifecycle=" ''
  run -0 faketime -f "$at" "$sign" GET "$base/?max-keys=2&prefix=J" ''
  local scope='AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request' common='host;x-amz-content-sha256;x-amz-date'
  run -0 jq -r '.headers.authorization | gsub(", "; ",")' "$WEB/requests"
  assert_line -n 0 "$scope,SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
  assert_line -n 1 "$scope,SignedHeaders=date;$common;x-amz-storage-class,Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
  assert_line -n 2 "$scope,SignedHeaders=$common,Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
  assert_line -n 3 "$scope,SignedHeaders=$common,Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
}

@test "a URL that is none of S3's is refused with the right form" {
  local url
  for url in s3://us-east-1 s3://us-east-1/ s3:///bucket/app s3://my-bucket/app s3://us-east-1/ab s3://us-east-1/Bucket/app \
    s3://s3.amazonaws.com/bucket s3://us-east-1/-bucket s3://us-east-1/bucket//app s3://us-east-1/bucket/../app; do
    run --separate-stderr dewy-check --registry "$url"
    says 1 'such as s3://eu-west-1/releases/myapp'
  done
  run --separate-stderr dewy-check --registry "s3://us-east-1/bucket/app?endpoint=ftp://host"
  says 1 'endpoint is ftp://host: expected https://HOST[:PORT] or http://HOST[:PORT]'
  run --separate-stderr dewy-check --registry "s3://us-east-1/bucket/app?addressing=dns"
  says 1 'addressing=dns: expected path or virtual'
  AWS_ENDPOINT_URL=localhost:9000 run --separate-stderr dewy-check --registry s3://us-east-1/bucket/app
  says 1 'AWS_ENDPOINT_URL is localhost:9000'
  local secret
  for secret in me:hush me:hush/es me:hush%2Fes; do # a slash in a password should have been encoded twice
    run --separate-stderr dewy-check --registry "s3://us-east-1/bucket/app?endpoint=https://$secret@host"
    says 1 'user or a password'
    [[ $output$stderr != *hush* ]]
    AWS_ENDPOINT_URL=https://$secret@host run --separate-stderr dewy-check --registry s3://us-east-1/bucket/app
    says 1 'AWS_ENDPOINT_URL is https://host:'
    [[ $output$stderr != *hush* ]]
  done
}

@test "the endpoint comes from the URL, else from AWS_ENDPOINT_URL_S3, else from AWS_ENDPOINT_URL" {
  bucket "$BUCKET"
  objects app/v1.0.0/app_linux_amd64.tar.gz
  export AWS_ENDPOINT_URL=http://127.0.0.1:1 AWS_ENDPOINT_URL_S3=http://127.0.0.1:2
  run --separate-stderr dewy-check --registry "$URL"
  assert_success
  run --separate-stderr dewy-check --retries 0 --registry "s3://us-east-1/$BUCKET/app"
  says 2 127.0.0.1:2
  AWS_ENDPOINT_URL_S3=http://$HOST run --separate-stderr dewy-check --registry "s3://us-east-1/$BUCKET/app"
  assert_success
  unset AWS_ENDPOINT_URL_S3
  AWS_ENDPOINT_URL=http://$HOST/ run --separate-stderr dewy-check --registry "s3://us-east-1/$BUCKET/app"
  assert_success
}

@test "without an endpoint it is Amazon's, with the bucket in the host name, or in the path when it has a dot" {
  bucket "$BUCKET"
  bucket "$BUCKET.dot"
  objects app/v1.0.0/app_linux_amd64.tar.gz
  BUCKET=$BUCKET.dot objects app/v2.0.0/app_linux_amd64.tar.gz
  proxy $((PORT + 3))
  run --separate-stderr dewy once --cacert "$CA/ca.pem" --registry "s3://us-east-1/$BUCKET/app"
  assert_success
  assert_equal "$(cat "$ROOT/current/version")" archive
  assert_equal "$(sort -u "$BATS_TEST_TMPDIR/connects")" "$BUCKET.s3.us-east-1.amazonaws.com:443"
  run --separate-stderr dewy-check --cacert "$CA/ca.pem" --registry "s3://us-east-1/$BUCKET.dot/app"
  assert_equal "$(field release.version)" v2.0.0
  assert_equal "$(tail -n 1 "$BATS_TEST_TMPDIR/connects")" s3.us-east-1.amazonaws.com:443
  local endpoint="endpoint=https://s3.us-east-1.amazonaws.com"
  run --separate-stderr dewy-check --cacert "$CA/ca.pem" --registry "s3://us-east-1/$BUCKET/app?$endpoint&addressing=virtual"
  assert_success
  assert_equal "$(tail -n 1 "$BATS_TEST_TMPDIR/connects")" "$BUCKET.s3.us-east-1.amazonaws.com:443"
  run --separate-stderr dewy-check --cacert "$CA/ca.pem" --registry "s3://us-east-1/$BUCKET/app?addressing=path"
  assert_success
  assert_equal "$(tail -n 1 "$BATS_TEST_TMPDIR/connects")" s3.us-east-1.amazonaws.com:443
  run --separate-stderr dewy-check --retries 0 --cacert "$CA/ca.pem" --registry "s3://cn-north-1/$BUCKET/app"
  says 2 "$BUCKET.s3.cn-north-1.amazonaws.com.cn" certificate
}

@test "a service over TLS is verified" {
  bucket "$BUCKET"
  objects app/v1.0.0/app_linux_amd64.tar.gz
  URL="s3://us-east-1/$BUCKET/app?endpoint=https://127.0.0.1:$((PORT + 3))"
  run --separate-stderr dewy-check --cacert "$CA/ca.pem" --registry "$URL"
  assert_success
  run --separate-stderr dewy-check --cacert "$CA/alien.pem" --registry "$URL"
  says 2 'its certificate was refused'
}

@test "a release can be at the top of the bucket, and objects elsewhere do not count" {
  bucket "$BUCKET"
  objects v1.0.0/app_linux_amd64.tar.gz v1.0.0/nested/other_linux_amd64.tar.gz README v9.0.0 .hidden/x app/v3.0.0/app_linux_amd64.tar.gz
  run --separate-stderr dewy-check --registry "s3://us-east-1/$BUCKET?endpoint=http://$HOST"
  assert_success
  assert_equal "$(field release.version) $(field artifact.url)" "v1.0.0 s3://us-east-1/$BUCKET/v1.0.0/app_linux_amd64.tar.gz"
}

@test "names with spaces, plus, percent and other letters are only names" {
  bucket "$BUCKET"
  URL="s3://us-east-1/$BUCKET/my%20app%2B%25%C3%BC?endpoint=http://$HOST"
  objects 'my%20app%2B%25%C3%BC/v1.0.0%2Bbuild.5/a%20b%2Bc%25d%3D%26%C3%A9~_linux_amd64.tar.gz'
  run --separate-stderr dewy once --registry "$URL"
  assert_success
  assert_equal "$(field artifact.name)" 'a b+c%d=&é~_linux_amd64.tar.gz'
  assert_equal "$(field artifact.url)" "s3://us-east-1/$BUCKET/my%20app%2B%25%C3%BC/v1.0.0%2Bbuild.5/a%20b%2Bc%25d%3D%26%C3%A9~_linux_amd64.tar.gz"
  assert_equal "$(cat "$ROOT/current/version")" archive
}

@test "few objects are all asked for at once, and many by their versions, once a day after all" {
  local many
  stand_in "200,$(listing README app/.hidden/x app/v1.0.0/app_linux_amd64.tar.gz app/v1.0.0-rc.1/app_linux_amd64.tar.gz app/v1/ app/v1.1.0/ \
    app/v1.1.0/app_linux_amd64.tar.gz app/v1.1.0/nested/app_linux_amd64.tar.gz | answer 1)"
  run --separate-stderr dewy-check --registry "$STAND_IN"
  assert_success
  assert_equal "$(field release.version) $(field artifact.name)" "v1.1.0 app_linux_amd64.tar.gz"
  assert_equal "$(jq -r .path "$WEB/requests")" "/$BUCKET/?encoding-type=url&list-type=2&max-keys=100&prefix=app%2F"
  mkdir "$ROOT/.dewy"
  many=$(answer many <<<'<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>a</NextContinuationToken>
      </ListBucketResult>')
  stand_in "200,$many" \
    "200,$(answer 1 <<<'<ListBucketResult><CommonPrefixes><Prefix>app/v1.2.0/</Prefix></CommonPrefixes></ListBucketResult>')" \
    "200,$(listing app/v1.2.0/app_linux_amd64.tar.gz | answer 2)" \
    "200,@$BATS_TEST_TMPDIR/1" "200,@$BATS_TEST_TMPDIR/2" "200,$many" "200,@$BATS_TEST_TMPDIR/1" "200,@$BATS_TEST_TMPDIR/2"
  local asked
  for asked in 3 5 8; do
    run --separate-stderr dewy-check --registry "$STAND_IN"
    assert_success
    assert_equal "$(field release.version) $(field artifact.name)" "v1.2.0 app_linux_amd64.tar.gz"
    assert_equal "$(wc -l <"$WEB/requests")" $asked
    [ $asked = 3 ] || edit "$ROOT/.dewy/registry.json" '.crowded.until = "2020-01-01T00:00:00Z"'
  done
}

@test "a listing is read to its last page" {
  stand_in "200,$(answer all <<<'<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>a</NextContinuationToken>
      </ListBucketResult>')" \
    "200,$(answer 1 <<<'<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>
      <CommonPrefixes><Prefix>app%2Fv1.0.0%2F</Prefix></CommonPrefixes>
      <NextContinuationToken>a/b+c= d</NextContinuationToken></ListBucketResult>')" \
    "200,$(answer 2 <<<'<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>
      <CommonPrefixes><Prefix>app/v1.2.0%2Bx+y/</Prefix></CommonPrefixes>
      <CommonPrefixes><Prefix>app/v1.1.0%2Bb/</Prefix></CommonPrefixes></ListBucketResult>')" \
    "200,$(listing app/v1.1.0+b/app_linux_amd64.tar.gz | answer 3)"
  run --separate-stderr dewy-check --registry "$STAND_IN"
  assert_success
  assert_equal "$(field release.version) $(field release.published_at)" "v1.1.0+b 2026-01-15T10:30:45Z"
  assert_equal "$(request 2 .path)" "/$BUCKET/?delimiter=%2F&encoding-type=url&list-type=2&max-keys=1000&prefix=app%2F"
  assert_equal "$(request 3 .path)" \
    "/$BUCKET/?continuation-token=a%2Fb%2Bc%3D%20d&delimiter=%2F&encoding-type=url&list-type=2&max-keys=1000&prefix=app%2F"
  assert_equal "$(request 4 .path)" "/$BUCKET/?delimiter=%2F&encoding-type=url&list-type=2&max-keys=1000&prefix=app%2Fv1.1.0%2Bb%2F"
  stand_in "200,$(answer 1 <<<'<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>')"
  run --separate-stderr dewy-check --registry "$STAND_IN"
  says 2 'another one, and not which'
  stand_in "200,$(answer 1 <<<'<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>a</NextContinuationToken></ListBucketResult>')"
  run --separate-stderr dewy-check --registry "$STAND_IN"
  says 2 'another one, and not which'
  assert_equal "$(wc -l <"$WEB/requests")" 3
}

@test "a page that broke off is read again, and none of its releases is seen twice" {
  local page
  page=$(answer 1 <<<'<ListBucketResult><IsTruncated>false</IsTruncated>
      <CommonPrefixes><Prefix>app/v1.0.0/</Prefix></CommonPrefixes></ListBucketResult>')
  stand_in 503 reset "200,$page,cut" "200,$page" \
    "200,$(listing app/v1.0.0/app_linux_amd64.tar.gz | answer 2)"
  run --separate-stderr dewy-check --registry "$STAND_IN"
  assert_success
  [[ $stderr != *'equally new'* ]]
  assert_equal "$(wc -l <"$WEB/requests")" 5
}

@test "a public bucket is read without a signature, and without looking for credentials" {
  s3 "$BUCKET" -X PUT -H 'x-amz-acl: public-read'
  publish v1.0.0
  s3 "$BUCKET/app/v1.0.0/app_linux_amd64.tar.gz" -H 'x-amz-acl: public-read' -T "$REGISTRY/v1.0.0/app_linux_amd64.tar.gz"
  unset AWS_ACCESS_KEY_ID
  run --separate-stderr dewy once --registry "$URL&anonymous=true"
  assert_success
  assert_equal "$(cat "$ROOT/current/version")" v1.0.0
  [[ $stderr == *"Audit record refused"* ]]
  OWNER=AKIATEST:secretsecret bucket "$BUCKET-closed"
  run --separate-stderr dewy-check --registry "s3://us-east-1/$BUCKET-closed/app?endpoint=http://$HOST&anonymous=true"
  says 2 'access denied' 'take anonymous=true out'
}

@test "who may only read deploys, and is told once that there is no audit record" {
  bucket "$BUCKET"
  objects app/v1.0.0/app_linux_amd64.tar.gz
  export AWS_ACCESS_KEY_ID=AKIAREAD AWS_SECRET_ACCESS_KEY=readsecret
  run --separate-stderr dewy once --registry "$URL"
  assert_success
  assert_equal "$(grep -c 'WARN: Audit record refused' <<<"$stderr")" 1
  objects app/v1.1.0/app_linux_amd64.tar.gz
  run --separate-stderr dewy once --registry "$URL"
  assert_success
  assert_equal "$(grep -c 'WARN: Audit record refused' <<<"$stderr")" 0
}

@test "keys that are wrong are told apart" {
  bucket "$BUCKET"
  AWS_SECRET_ACCESS_KEY=wrong run --separate-stderr dewy-check --registry "$URL"
  says 2 'the signature is wrong (SignatureDoesNotMatch' 'check the secret access key that belongs to AKIATEST' 'the environment'
  AWS_ACCESS_KEY_ID=AKIANOBODY run --separate-stderr dewy-check --registry "$URL"
  says 2 'the access key id is unknown (InvalidAccessKeyId' 'AKIANOBODY'
  run --separate-stderr dewy-check --registry "s3://us-east-1/no-such-bucket/app?endpoint=http://$HOST"
  says 2 'cannot list s3://us-east-1/no-such-bucket/app/: there is no such bucket' 'create the bucket no-such-bucket'
}

@test "a clock that is wrong is told with how wrong it is" {
  need_faketime
  bucket "$BUCKET"
  objects app/v1.0.0/app_linux_amd64.tar.gz
  run --separate-stderr env FAKETIME_DONT_FAKE_MONOTONIC=1 faketime -f +7530 dewy-check --registry "$URL"
  says 2 "this machine's clock is 2h5m ahead of that of the service" NTP
  run --separate-stderr env FAKETIME_DONT_FAKE_MONOTONIC=1 faketime -f -7530 dewy-check --registry "$URL"
  says 2 "this machine's clock is 2h5m behind that of the service"
}

@test "the region is the bucket's, and a wrong one is told with the right one" {
  local port swift=$BATS_TEST_TMPDIR/swift
  port=$(free_ports 4)
  "$BATS_TEST_DIRNAME/stack/swift" start "$swift" "$port"
  HOST=127.0.0.1:$port OWNER=
  s3() { curl -sSf --aws-sigv4 aws:amz:us-east-1:s3 -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' "${@:2}" "http://test%3Atester:testing@$HOST/$1"; }
  bucket "$BUCKET"
  objects app/v1.0.0/app_linux_amd64.tar.gz app/v1.1.0%2Bbuild.1/a%20b%2Bc%25_linux_amd64.tar.gz
  export AWS_ACCESS_KEY_ID=test:tester AWS_SECRET_ACCESS_KEY=testing
  URL="/$BUCKET/app?endpoint=http://$HOST"
  run --separate-stderr dewy-check --registry "s3://eu-west-1$URL"
  local wrong=$output code=$status
  run --separate-stderr dewy once --registry "s3://us-east-1$URL"
  local right=$output
  "$BATS_TEST_DIRNAME/stack/swift" stop "$swift"
  output=$wrong status=$code
  says 2 'the bucket is in the region us-east-1, not eu-west-1' "write s3://us-east-1/$BUCKET/app"
  output=$right
  assert_equal "$(field state) $(field artifact.name)" 'deployed a b+c%_linux_amd64.tar.gz'
  assert_equal "$(cat "$ROOT/current/version")" archive
}

@test "what Amazon says of a bucket in another region is understood" {
  stand_in "301,x-amz-bucket-region=ap-south-1,$(error PermanentRedirect '<Endpoint>x</Endpoint>' | answer 1)"
  run --separate-stderr dewy-check --registry "$STAND_IN"
  says 2 'the bucket is in the region ap-south-1, not us-east-1' "write s3://ap-south-1/$BUCKET/app"
  stand_in "400,$(error AuthorizationHeaderMalformed '<Region>eu-west-1</Region>' | answer 1)"
  run --separate-stderr dewy-check --registry "$STAND_IN"
  says 2 'the bucket is in the region eu-west-1, not us-east-1'
  stand_in "301,$(error PermanentRedirect | answer 1)"
  run --separate-stderr dewy-check --registry "$STAND_IN"
  says 2 'the bucket is elsewhere (PermanentRedirect: told & done)'
  stand_in "307,Location=http://127.0.0.1:1/,$(error TemporaryRedirect | answer 1)" 
  run --separate-stderr dewy-check --registry "$STAND_IN"
  says 2 'the bucket is elsewhere (TemporaryRedirect'
  assert_equal "$(wc -l <"$WEB/requests")" 1
}

@test "other refusals say what to do" {
  stand_in "403,$(error AccessDenied | answer 1)"
  run --separate-stderr dewy-check --registry "$STAND_IN"
  says 2 'access denied (AccessDenied: told & done)' "allow s3:ListBucket on arn:aws:s3:::$BUCKET to AKIATEST"
  stand_in "400,$(error ExpiredToken | answer 1)"
  run --separate-stderr dewy-check --registry "$STAND_IN"
  says 2 'the credentials have expired' 'renew'
  stand_in "503,$(error SlowDown | answer 1)"
  run --separate-stderr dewy-check --retries 1 --registry "$STAND_IN"
  says 2 'the service asks for fewer requests (SlowDown'
  assert_equal "$(wc -l <"$WEB/requests")" 2
  stand_in "418,$(error Teapot | answer 1)"
  run --separate-stderr dewy-check --registry "$STAND_IN"
  says 2 'the service refuses (Teapot'
  stand_in 404
  run --separate-stderr dewy-check --registry "$STAND_IN"
  says 2 'HTTP 404, which is no answer of S3' proxy
}

@test "an error of 100,000 elements is read in no time" {
  stand_in "403,$(python3 -c 'print("<Error><Code>AccessDenied</Code>" + "".join(f"<a{i}/>" for i in range(100000)) + "</Error>")' | answer 1)"
  ulimit -t 10
  run --separate-stderr dewy-check --registry "$STAND_IN"
  says 2 'access denied'
}

@test "an answer that is no listing is refused, however it is made" {
  local -A answers=(
    [html]='<html><body>Please log in<br></body></html>'
    [empty]=''
    [other]='<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>'
    [cut]='<ListBucketResult><CommonPrefixes><Prefix>app/v1.0.0/</Prefix></CommonPrefixes>'
    [entity]='<!DOCTYPE l [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><ListBucketResult><Name>&b;</Name></ListBucketResult>'
    [binary]=$'\x01\x02\x03'
  )
  local name
  for name in "${!answers[@]}"; do
    stand_in "200,$(answer 1 <<<"${answers[$name]}")"
    run --separate-stderr dewy-check --registry "$STAND_IN"
    says 2 "cannot list s3://us-east-1/$BUCKET/app/: the service answered with" proxy
  done
  stand_in "200,$(python3 -c 'print("<ListBucketResult>" + "<a>" * 100000)' | answer 1)"
  run --separate-stderr dewy-check --registry "$STAND_IN"
  says 2 'nested too deeply'
  stand_in "200,$(python3 -c 'print("<ListBucketResult><Name>" + "a" * 100000)' | answer 1)"
  run --separate-stderr dewy-check --registry "$STAND_IN"
  says 2 'too much text'
}

@test "a listing of 50 MB is not read to its end, and takes little memory" {
  stand_in "200,$(python3 -c 'print("<ListBucketResult>" + "<CommonPrefixes><Prefix>app/v1.0.0/</Prefix></CommonPrefixes>" * 900000)' | answer 1)"
  run --separate-stderr dewy-check --registry "$STAND_IN"
  says 2 'larger than 8388608 bytes'
  sanitized || (ulimit -v 300000 && dewy-check --registry "$STAND_IN" >/dev/null 2>&1) || [ $? = 2 ]
}

# fetch_from ANSWER...: dewy-fetch of an artifact of 6 bytes from the stand-in.
fetch_from() {
  stand_in "200,$(answer list <<<'<ListBucketResult><CommonPrefixes><Prefix>app/v1.0.0/</Prefix></CommonPrefixes></ListBucketResult>')" \
    "200,$(listing app/v1.0.0/app_linux_amd64.tar.gz | answer objects)" "$@"
  dewy-check --registry "$STAND_IN" >"$DOCUMENT"
  run --separate-stderr dewy-fetch <"$DOCUMENT"
}

@test "the checksums that the service tells are verified" {
  local content sha256
  content=$(printf hello1 | answer content)
  sha256=$(printf hello1 | openssl dgst -sha256 -binary | base64)
  fetch_from "200,x-amz-checksum-sha256=$sha256,$content"
  assert_success
  [[ $(jq -c .fetch.verified <<<"$output") == *'"sha256"'* ]]
  assert_equal "$(request 3 '.headers["x-amz-checksum-mode"]')" ENABLED
  [[ $(request 3 .headers.authorization) == *';x-amz-checksum-mode;'* ]]
  rm -r "$ROOT/.dewy"
  fetch_from "200,x-amz-checksum-sha256=$(printf other | openssl dgst -sha256 -binary | base64),$content"
  assert_equal "$status $(field error.code)" '5 integrity'
  refute [ -e "$ROOT/.dewy/cache/v1.0.0--app_linux_amd64.tar.gz" ]
  fetch_from "200,x-amz-checksum-crc32c=AAAAAA==,$content"
  assert_equal "$status $(field error.code)" '5 integrity'
  fetch_from "200,x-amz-checksum-crc64nvme=AAAAAAAAAAA=,x-amz-checksum-type=FULL_OBJECT,$content"
  assert_equal "$status $(field error.code)" '5 integrity'
  fetch_from "200,ETag=\"00000000000000000000000000000000\",$content"
  assert_equal "$status $(field error.code)" '5 integrity'
  fetch_from "200,ETag=\"$(printf hello1 | md5sum | cut -d' ' -f1)\",$content"
  assert_success
  [[ $(jq -c .fetch.verified <<<"$output") == *'"md5"'* ]]
}

@test "what is no checksum of the whole artifact is none" {
  local content
  content=$(printf hello1 | answer content)
  fetch_from "200,x-amz-checksum-crc32c=AAAAAA==-2,ETag=\"00000000000000000000000000000000-2\",$content"
  assert_success
  rm -r "$ROOT/.dewy"
  fetch_from "200,x-amz-checksum-crc32c=AAAAAA==,x-amz-checksum-type=COMPOSITE,$content"
  assert_success
  rm -r "$ROOT/.dewy"
  fetch_from "200,x-amz-server-side-encryption=aws:kms,ETag=\"00000000000000000000000000000000\",$content"
  assert_success
  rm -r "$ROOT/.dewy"
  fetch_from "200,x-amz-server-side-encryption-customer-algorithm=AES256,ETag=\"00000000000000000000000000000000\",$content"
  assert_success
}

@test "an artifact that is gone, or refused, is told so" {
  fetch_from "404,$(error NoSuchKey | answer 3)"
  says 2 "cannot get s3://us-east-1/$BUCKET/app/v1.0.0/app_linux_amd64.tar.gz: it is not there" 'start again from dewy-check'
  fetch_from "403,$(error AccessDenied | answer 3)"
  says 2 'access denied' "allow s3:GetObject on arn:aws:s3:::$BUCKET/app/* to AKIATEST"
}

@test "a download that an earlier run began goes on, and its checksum is asked for" {
  bucket "$BUCKET"
  head -c 4000000 /dev/urandom >"$BATS_TEST_TMPDIR/large"
  s3 "$BUCKET/app/v1.0.0/app_linux_amd64.tar" -T "$BATS_TEST_TMPDIR/large"
  dewy-check --registry "$URL" >"$DOCUMENT"
  local part=$ROOT/.dewy/cache/.v1.0.0--app_linux_amd64.tar.part log=$BATS_FILE_TMPDIR/rgw/log/client.admin
  mkdir -p "${part%/*}"
  touch "$part"
  run strace -f -qq -o /dev/null -P "$part" -e trace=write -e inject=write:signal=KILL:when=8 dewy-fetch <"$DOCUMENT"
  assert [ "$(stat -c %s "$part")" -gt 0 ]
  run --separate-stderr dewy-fetch <"$DOCUMENT"
  assert_success
  cmp "$BATS_TEST_TMPDIR/large" "$(field fetch.path)"
  [[ $(jq -c .fetch.verified <<<"$output") == *'"md5"'* ]]
  wait_until grep "\"GET /$BUCKET/app/v1.0.0/app_linux_amd64.tar HTTP/1.1\" 206 " "$log"
  wait_until grep "\"HEAD /$BUCKET/app/v1.0.0/app_linux_amd64.tar HTTP/1.1\" 200 " "$log"
}

@test "an artifact's URL in the document leads nowhere but below the registry" {
  bucket "$BUCKET"
  objects app/v1.0.0/app_linux_amd64.tar.gz other/v1.0.0/app_linux_amd64.tar.gz
  dewy-check --registry "$URL" >"$DOCUMENT"
  local url
  for url in "s3://us-east-1/$BUCKET/other/v1.0.0/app_linux_amd64.tar.gz" "s3://us-east-1/$BUCKET/app/../other/v1.0.0/app_linux_amd64.tar.gz" \
    "s3://eu-west-1/$BUCKET/app/v1.0.0/app_linux_amd64.tar.gz" "https://elsewhere/$BUCKET/app/v1.0.0/app_linux_amd64.tar.gz"; do
    run --separate-stderr dewy-fetch < <(jq -c --arg url "$url" '.artifact.url = $url' "$DOCUMENT")
    says 1 'does not lie in the registry'
  done
}
