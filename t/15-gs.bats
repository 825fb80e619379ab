# gs://: releases in Google Cloud Storage: Google's own emulator, and for what that never says, endpoints that answer as the test wants.
load common
load google

setup_file() {
  start_gcs
}

teardown_file() {
  stop_gcs
}

prepare() {
  export GOOGLE_APPLICATION_CREDENTIALS=$BATS_TEST_TMPDIR/sa.json DEWY_RETRIES=0
  service_account "$GOOGLE_APPLICATION_CREDENTIALS"
  BUCKET=bucket-$BATS_TEST_NUMBER
  GS="gs://$BUCKET/app?endpoint=http://127.0.0.1:$GCS_PORT"
}

# lists [JSON]: the endpoints are a storage whose lists are answered so.
lists() {
  answers '{"path": "POST /token", "json": {"access_token": "ya29.x", "expires_in": 3599}}' \
    "{\"path\": \"GET /storage/.*\", ${1#\{}"
}

# use_endpoints: the endpoints are token endpoint and storage.
use_endpoints() {
  start_endpoints
  service_account "$GOOGLE_APPLICATION_CREDENTIALS" "http://$ENDPOINT/token"
  GS="gs://$BUCKET/app?endpoint=http://$ENDPOINT"
}

# one_release MEDIA [JSON...]: the endpoints have the release v1.0.0 with an artifact that answers so, and other answers before.
one_release() {
  local media=$1
  shift
  answers "$@" '{"path": "POST /token", "json": {"access_token": "ya29.x", "expires_in": 3599}}' \
    '{"path": "GET .*prefix=app%2F", "json": {"prefixes": ["app/v1.0.0/"]}}' \
    '{"path": "GET .*prefix=app%2Fv1.0.0%2F", "json": {"items": [{"name": "app/v1.0.0/app_linux_amd64", "size": "9"}]}}' \
    "{\"path\": \"GET .*alt=media\", \"text\": \"123456789\", $media}"
}

fetch() {
  dewy-check --registry "$GS" >"$BATS_TEST_TMPDIR/checked"
  run --separate-stderr dewy-fetch "$@" <"$BATS_TEST_TMPDIR/checked"
}

@test "the newest release is deployed from an empty directory, and an audit record lies beside it" {
  make_bucket "$BUCKET"
  put_release "$BUCKET" app v1.9.0
  put_release "$BUCKET" app v1.10.0
  run dewy once --registry "$GS"
  assert_success
  [ "$(cat "$ROOT/current/version")" = v1.10.0 ]
  run names "$BUCKET" app/v1.10.0/
  [ "${#lines[@]}" = 2 ]
  [[ ${lines[1]} == "app/v1.10.0/shipped_to_"*"_assets_at_"*.txt ]]
  run curl -sSf -H "Authorization: Bearer $GCS_TOKEN" "http://127.0.0.1:$GCS_PORT/storage/v1/b/$BUCKET/o/$(encode "${lines[1]}")?alt=media"
  [[ $output == "shipped to "*" assets at "* ]]
  run dewy once --registry "$GS" --log-level debug
  assert_success
  [[ $output == *"Deploy skipped"* ]]
}

@test "the document has gs:// URLs, the size, and the time of the oldest object" {
  make_bucket "$BUCKET"
  put_release "$BUCKET" app v1.2.3
  run --separate-stderr dewy-check --registry "$GS"
  assert_success
  assert_document
  [ "$(field artifact.url)" = "gs://$BUCKET/app/v1.2.3/app_linux_amd64.tar.gz" ]
  [ "$(field artifact.size)" = "$(stat -c %s "$REGISTRY/v1.2.3/app_linux_amd64.tar.gz")" ]
  [ "$(field release.published_at)" != null ]
  [ "$(field registry)" = "$GS" ]
}

@test "a bucket without a prefix" {
  make_bucket "$BUCKET"
  publish v1.2.3
  put "$BUCKET" v1.2.3/app_linux_amd64.tar.gz "$REGISTRY/v1.2.3/app_linux_amd64.tar.gz"
  run dewy once --registry "${GS/\/app/}"
  assert_success
  [ "$(cat "$ROOT/current/version")" = v1.2.3 ]
}

@test "names with spaces, plus and percent signs, quotes and letters of the world" {
  local prefix=$'my "app"\'s/100% \u3042+b?#&=' version=v1.2.3+build.5 artifact=$'a p+p%41 "\u00fc" [1];,@:.tar.gz'
  make_bucket "$BUCKET"
  put_release "$BUCKET" "$prefix" "$version" "$artifact"
  run dewy once --registry "gs://$BUCKET/$(encode "$prefix")?endpoint=http://127.0.0.1:$GCS_PORT&artifact=$(encode "$artifact")"
  assert_success
  [ "$(cat "$ROOT/current/version")" = "$version" ]
  run names "$BUCKET" "$prefix/$version/"
  [ "${#lines[@]}" = 2 ]
  [ "${lines[0]}" = "$prefix/$version/$artifact" ]
}

@test "1,001 versions are two pages, whatever is in them" {
  local number
  make_bucket "$BUCKET"
  for number in {1..1000}; do
    printf 'next\nurl = "http://127.0.0.1:%s/upload/storage/v1/b/%s/o?uploadType=media&name=app%%2Fv1.%s.0%%2Fapp.tar.gz"\n' \
      "$GCS_PORT" "$BUCKET" "$number"
    printf 'header = "Authorization: Bearer %s"\nheader = "Content-Type: text/plain"\ndata = x\noutput = /dev/null\nfail\n' "$GCS_TOKEN"
  done >"$BATS_TEST_TMPDIR/curl"
  curl -sS -Z --parallel-max 20 -K "$BATS_TEST_TMPDIR/curl"
  put_release "$BUCKET" app v9.0.0 # the last name
  run --separate-stderr dewy-check --registry "$GS"
  assert_success
  [ "$(field release.version)" = v9.0.0 ]
  [ "$(asked "GET /storage/v1/b/$BUCKET/o\\?.*prefix=app%2F(\$|&)" "$GCS_DIR/requests")" = 2 ]
  [ "$(asked "GET /storage/v1/b/$BUCKET/o\\?.*prefix=app%2Fv9.0.0%2F" "$GCS_DIR/requests")" = 1 ]
  [ "$(asked "GET /storage/v1/b/$BUCKET/o" "$GCS_DIR/requests")" = 3 ]
}

@test "pages may be empty, and objects on other levels are no artifacts" {
  use_endpoints
  answers '{"path": "POST /token", "json": {"access_token": "ya29.x", "expires_in": 3599}}' \
    '{"path": ".*prefix=app%2F&pageToken=b%2Bb%3D", "json": {"nextPageToken": "c", "prefixes": ["app/v1.0.0/", 7, "elsewhere/v9.0.0/", "app//", "app/.x/"]}}' \
    '{"path": ".*prefix=app%2F&pageToken=c", "json": {}}' \
    '{"path": ".*prefix=app%2F", "json": {"nextPageToken": "b+b="}}' \
    '{"path": ".*prefix=app%2Fv1.0.0%2F&pageToken=2", "json": {"items": [
       {"name": "app/v1.0.0/app_linux_amd64.tar.gz", "size": "12345678901", "timeCreated": "2024-02-01T00:00:00.123Z"}]}}' \
    '{"path": ".*prefix=app%2Fv1.0.0%2F", "json": {"nextPageToken": "2", "items": [
       {"name": "app/v1.0.0/", "size": "0", "timeCreated": "2024-01-31T00:00:00Z"}, {"name": "app/v1.0.0/a/b.tar.gz"},
       {"name": 3}, "x", {"size": "1"}, {"name": "else/v1.0.0/b_linux_amd64.tar.gz"}]}}'
  run --separate-stderr dewy-check --registry "$GS"
  assert_success
  [ "$(field artifact.name)" = app_linux_amd64.tar.gz ]
  [ "$(field artifact.size)" = 12345678901 ]
  [ "$(field release.published_at)" = 2024-01-31T00:00:00Z ]
}

@test "a list without an end is an error" {
  use_endpoints
  lists '{"json": {"nextPageToken": "again", "prefixes": ["app/v1.0.0/"]}}'
  run --separate-stderr dewy-check --registry "$GS"
  [ "$status" -eq 2 ]
  [[ $(field error.message) == *"the list of objects has no end" ]]
  [ "$(asked "GET .*prefix=app%2F(\$|&)")" = 2 ]
}

@test "what is no list of objects is refused" {
  local answer
  use_endpoints
  for answer in '{"text": "<html>Sign in</html>"}' '{"text": "[]"}' '{"text": ""}' '{"text": "{\"prefixes\":[\"app/"}' '{"text": "null"}'; do
    lists "$answer"
    run --separate-stderr dewy-check --registry "$GS"
    [ "$status" -eq 2 ]
    [[ $(field error.message) == "gs://$BUCKET: the service answers with what is no list of objects" ]]
    [[ $(field error.hint) == *proxy* ]]
  done
}

@test "50 MB of JSON are refused, and never in memory" {
  use_endpoints
  lists '{"text": "{}", "fill": 52428800}'
  if sanitized; then skip "a sanitizer's memory is its own"; fi
  run --separate-stderr prlimit --as=100000000 dewy-check --registry "$GS"
  [ "$status" -eq 2 ]
  [[ $(field error.message) == *"larger than 4194304 bytes"* ]]
}

@test "refusals say which permission is missing, and which role has it" {
  use_endpoints
  lists '{"status": 403, "json": {"error": {"code": 403, "message": "dewy does not have storage.objects.list access.", "errors": [{"reason": "forbidden"}]}}}'
  run --separate-stderr dewy-check --registry "$GS"
  [ "$status" -eq 2 ]
  [ "$(field error.code)" = registry ]
  [ "$(field error.message)" = "gs://$BUCKET: $ENDPOINT answers 403: dewy does not have storage.objects.list access." ]
  [ "$(field error.hint)" = "give $EMAIL the permission storage.objects.list, for example by the role roles/storage.objectViewer on gs://$BUCKET" ]
  lists '{"status": 403, "json": {"error": {"code": 403, "message": "one line\nand another", "errors": [{"reason": "forbidden"}]}}}'
  run --separate-stderr dewy-check --registry "$GS"
  [ "$(field error.message)" = "gs://$BUCKET: $ENDPOINT answers 403: one line and another" ]
  lists '{"status": 403, "json": {"error": {"code": 403, "message": "Insufficient Permission", "errors": [{"reason": "insufficientPermissions"}]}}}'
  run --separate-stderr dewy-check --registry "$GS"
  [[ $(field error.hint) == *"access scope"* ]]
  lists '{"status": 403, "json": {"error": {"code": 403, "message": "Too fast", "errors": [{"reason": "rateLimitExceeded"}]}}}'
  run --separate-stderr dewy-check --registry "$GS"
  [[ $(field error.hint) == "wait"* ]]
  lists '{"status": 403, "text": "<html>No</html>"}'
  run --separate-stderr dewy-check --registry "$GS"
  [[ $(field error.message) == *"answers 403: it does not say why" ]]
  run --separate-stderr dewy-check --registry "$GS&anonymous=true"
  [[ $(field error.hint) == "the bucket is not public"* ]]
  lists '{"status": 401, "json": {"error": {"code": 401, "message": "Invalid Credentials", "errors": [{"reason": "authError"}]}}}'
  run --separate-stderr dewy-check --registry "$GS"
  [[ $(field error.hint) == *"$EMAIL is not accepted"* ]]
}

@test "a refusal that repeats the token does not spread it" {
  use_endpoints
  answers '{"path": "POST /token", "json": {"access_token": "ya29.hush-hush", "expires_in": 3599}}' \
    '{"path": "GET .*", "status": 403, "json": {"error": {"message": "you said Bearer ya29.hush-hush, ya29.hush-hush"}}}'
  run --separate-stderr dewy-check --log-level debug --registry "$GS"
  [ "$status" -eq 2 ]
  [[ $(field error.message) == *"403: you said Bearer [redacted], [redacted]" ]]
  [[ $output$stderr != *hush* ]]
}

@test "a bucket that is not there is named" {
  run --separate-stderr dewy-check --registry "$GS"
  [ "$status" -eq 2 ]
  [ "$(field error.message)" = "gs://$BUCKET: 127.0.0.1:$GCS_PORT answers 404: The specified bucket does not exist." ]
  [[ $(field error.hint) == "create the bucket $BUCKET"* ]]
}

@test "a service that asks to be left alone is left alone" {
  use_endpoints
  mkdir "$ROOT/.dewy"
  lists '{"status": 429, "headers": {"Retry-After": "600"}, "json": {"error": {"code": 429, "message": "Slow down"}}}'
  run --separate-stderr dewy-check --registry "$GS"
  [ "$(field error.code)" = rate-limited ]
  run --separate-stderr dewy-check --registry "$GS"
  assert_success
  [ "$(field state)" = waiting ]
  [[ $(field reason) == "$ENDPOINT has asked for no request before "* ]]
  [ "$(asked "GET /storage")" = 1 ]
}

@test "a service that fails in passing is asked again" {
  use_endpoints
  answers '{"path": "POST /token", "json": {"access_token": "ya29.x", "expires_in": 3599}}' \
    '{"path": "GET .*prefix=app%2F", "times": 1, "status": 503}' \
    '{"path": "GET .*prefix=app%2F", "json": {"prefixes": ["app/v1.0.0/"]}}' \
    '{"path": "GET .*", "json": {"items": [{"name": "app/v1.0.0/app_linux_amd64.tar.gz", "size": "3"}]}}'
  run --separate-stderr dewy-check --registry "$GS" --retries 1
  assert_success
  [ "$(asked "GET .*prefix=app%2F(\$|&)")" = 2 ]
}

@test "an object that is stored gzip-encoded comes as it is stored" {
  make_bucket "$BUCKET"
  publish v1.2.3
  printf -- '--B\r\nContent-Type: application/json\r\n\r\n{"name":"app/v1.2.3/app_linux_amd64.tar.gz","contentEncoding":"gzip"}\r\n--B\r\nContent-Type: application/x-tar\r\n\r\n' >"$BATS_TEST_TMPDIR/body"
  cat "$REGISTRY/v1.2.3/app_linux_amd64.tar.gz" - <<<$'\r\n--B--\r' >>"$BATS_TEST_TMPDIR/body"
  curl -sSf -o /dev/null -H "Authorization: Bearer $GCS_TOKEN" -H 'Content-Type: multipart/related; boundary=B' \
    --data-binary "@$BATS_TEST_TMPDIR/body" "http://127.0.0.1:$GCS_PORT/upload/storage/v1/b/$BUCKET/o?uploadType=multipart"
  dewy-check --registry "$GS" | dewy-fetch >"$BATS_TEST_TMPDIR/fetched"
  cmp "$(jq -r .fetch.path "$BATS_TEST_TMPDIR/fetched")" "$REGISTRY/v1.2.3/app_linux_amd64.tar.gz"
}

@test "an artifact that is gone is named" {
  make_bucket "$BUCKET"
  put_release "$BUCKET" app v1.2.3
  dewy-check --registry "$GS" >"$BATS_TEST_TMPDIR/checked"
  curl -sSf -X DELETE -H "Authorization: Bearer $GCS_TOKEN" \
    "http://127.0.0.1:$GCS_PORT/storage/v1/b/$BUCKET/o/app%2Fv1.2.3%2Fapp_linux_amd64.tar.gz"
  run --separate-stderr dewy-fetch <"$BATS_TEST_TMPDIR/checked"
  [ "$status" -eq 2 ]
  [ "$(field error.code)" = not-found ]
  [[ $(field error.hint) == *"run dewy-check again" ]]
}

@test "an artifact of another registry is not fetched" {
  make_bucket "$BUCKET"
  put_release "$BUCKET" app v1.2.3
  dewy-check --registry "$GS" | jq -c '.artifact.url |= sub("/app/"; "/other/")' >"$BATS_TEST_TMPDIR/checked"
  run --separate-stderr dewy-fetch <"$BATS_TEST_TMPDIR/checked"
  [ "$status" -eq 1 ]
  [ "$(field error.code)" = document ]
}

@test "a machine that may only read says so once, and deploys" {
  use_endpoints
  one_release '"status": 200' '{"path": "POST /upload/.*", "status": 403, "json": {"error": {"code": 403, "message": "no storage.objects.create access"}}}'
  run dewy once --registry "$GS" --log-level debug
  assert_success
  [[ $output == *'WARN: Audit record refused'* ]]
  [[ $output == *'no storage.objects.create access'*'roles/storage.objectCreator'* ]]
  [ -e "$ROOT/current" ]
  run dewy once --registry "$GS" --force --log-level debug
  [[ $output != *'WARN: Audit record refused'* ]]
}

@test "the audit record is created, never replaced, with the scope to write" {
  use_endpoints
  one_release '"status": 200' \
    '{"path": "POST /upload/storage/v1/b/bucket-[0-9]*/o.ifGenerationMatch=0&name=app%2Fv1.0.0%2Fshipped_to_.*_assets_at_.*.txt&uploadType=media", "times": 1, "status": 503}' \
    '{"path": "POST /upload/.*", "status": 412, "json": {"error": {"code": 412, "message": "it is there"}}}'
  run dewy once --registry "$GS" --retries 1
  assert_success
  [[ $output != *"Audit record"* ]]
  [ "$(asked "POST /upload")" = 2 ]
  run jq -r 'select(.path | test("/upload")) | .headers["Content-Type"] + .body' "$ENDPOINTS/requests"
  [[ ${lines[0]} == "text/plain; charset=utf-8shipped to "* ]]
  run jq -r 'select(.path == "/token") | .body | capture("assertion=[^.]*\\.(?<claims>[^.]*)").claims' "$ENDPOINTS/requests"
  [ "$(jq -Rr '@base64d | fromjson | .scope' <<<"${lines[0]}==")" = https://www.googleapis.com/auth/devstorage.read_only ]
  [ "$(jq -Rr '@base64d | fromjson | .scope' <<<"${lines[-1]}==")" = https://www.googleapis.com/auth/devstorage.read_write ]
}

@test "the hashes that the service tells are compared: MD5, else CRC32C" {
  local md5 wrong crc32c=4waSgw== # of 123456789: 0xe3069283 in RFC 9260's check, here as big-endian base64
  md5=$(printf 123456789 | openssl md5 -binary | openssl base64)
  wrong=$(printf other | openssl md5 -binary | openssl base64)
  use_endpoints
  one_release "\"headers\": {\"x-goog-hash\": \"crc32c=$crc32c,md5=$md5\"}"
  fetch
  assert_success
  [ "$(field 'fetch.verified | join(" ")')" = "size md5" ]
  rm -r "$ROOT/.dewy"
  one_release "\"headers\": {\"X-Goog-Hash\": [\"crc32c=AAAAAA==\", \"md5=$md5\"]}"
  fetch
  assert_success
  rm -r "$ROOT/.dewy"
  one_release "\"headers\": {\"x-goog-hash\": \"crc32c=$crc32c\"}"
  fetch
  assert_success
  [ "$(field 'fetch.verified | join(" ")')" = "size crc32c" ]
  rm -r "$ROOT/.dewy"
  one_release "\"headers\": {\"x-goog-hash\": \"crc32c=AAAAAA==\"}"
  fetch
  [ "$status" -eq 5 ]
  [ "$(field error.code)" = integrity ]
  one_release "\"headers\": {\"x-goog-hash\": [\"crc32c=$crc32c\", \"md5=$wrong\"]}"
  fetch
  [ "$status" -eq 5 ]
  [[ $(field error.message) == *md5:* ]]
  [ -z "$(find "$ROOT/.dewy/cache" -type f)" ]
}

@test "hashes that are none, or of unknown kinds, do not count" {
  local hash
  use_endpoints
  for hash in "md5=" "md5=xyz" "md5" "sha999=AAAA" "crc32c=AAAAAAAA" ",,=,"; do
    one_release "\"headers\": {\"x-goog-hash\": \"$hash\"}"
    fetch
    assert_success
    [ "$(field 'fetch.verified | join(" ")')" = size ]
    rm -r "$ROOT/.dewy"
  done
}

@test "thousands of headers with hashes are not gone through" {
  use_endpoints
  one_release "\"headers\": {\"x-goog-hash\": $(jq -nc '[range(14000) | "a=b"]')}"
  ulimit -t 10
  fetch
  assert_success
}

@test "a download that breaks off goes on where it was" {
  local etag='"headers": {"ETag": "CIHv3\/D+kZADEAE="}, "ranges": true'
  use_endpoints
  one_release "$etag" "{\"path\": \"GET .*alt=media\", \"text\": \"123456789\", \"times\": 1, \"break\": 4, $etag}"
  fetch --retries 2
  assert_success
  [ "$(cat "$(field fetch.path)")" = 123456789 ]
  run jq -r 'select(.path | test("alt=media")) | "\(.status) \(.headers.Range) \(.headers["If-Range"])"' "$ENDPOINTS/requests"
  [ "${lines[0]}" = "200 null null" ]
  [ "${lines[1]}" = "206 bytes=4- CIHv3/D+kZADEAE=" ]
}

@test "STORAGE_EMULATOR_HOST is asked without a credential, as HOST:PORT and as a URL" {
  local host
  start_endpoints
  answers '{"path": "GET .*prefix=app%2F", "json": {"prefixes": ["app/v1.0.0/"]}}' \
    '{"path": "GET .*", "json": {"items": [{"name": "app/v1.0.0/app_linux_amd64.tar.gz", "size": "3"}]}}'
  for host in "$ENDPOINT" "http://$ENDPOINT" "http://$ENDPOINT/"; do
    STORAGE_EMULATOR_HOST=$host run --separate-stderr dewy-check --registry "gs://$BUCKET/app"
    assert_success
    [ "$(field artifact.url)" = "gs://$BUCKET/app/v1.0.0/app_linux_amd64.tar.gz" ]
  done
  run jq -r '.headers.Authorization' "$ENDPOINTS/requests"
  [ "$(sort -u <<<"$output")" = null ]
}

@test "anonymous=true asks without a credential, and needs none" {
  start_endpoints
  unset GOOGLE_APPLICATION_CREDENTIALS
  answers '{"path": "GET .*prefix=app%2F", "json": {"prefixes": ["app/v1.0.0/"]}}' \
    '{"path": "GET .*", "json": {"items": [{"name": "app/v1.0.0/app_linux_amd64.tar.gz", "size": "3"}]}}'
  run --separate-stderr dewy-check --registry "gs://$BUCKET/app?anonymous=true&endpoint=http://$ENDPOINT"
  assert_success
  run jq -r '.headers.Authorization' "$ENDPOINTS/requests"
  [ "$(sort -u <<<"$output")" = null ]
}

@test "wrong URLs are refused with the right form" {
  local url
  for url in gs:// gs:///app gs://Bucket/app gs://ab/app gs://-bucket gs://bucket-/app gs://buck%65t gs://bucket:80/app; do
    run --separate-stderr dewy-check --registry "$url"
    [ "$status" -eq 1 ]
    [ "$(field error.code)" = config ]
    [[ $(field error.hint) == "write gs://BUCKET"* ]]
  done
  run --separate-stderr dewy-check --registry "gs://bucket/app?anonymous=maybe"
  [[ $(field error.message) == *"anonymous=maybe: expected true or false" ]]
  for url in "" /// ftp://x http:// x.example "https://x?y=hush"; do
    run --separate-stderr dewy-check --registry "gs://bucket/app?endpoint=$(encode "$url")"
    [ "$status" -eq 1 ]
    [[ $(field error.message) == *"endpoint is ${url%\?*}: expected the URL of a service"* ]]
    [[ $stderr$output != *hush* ]]
  done
  for url in ftp://x http:// "https://x?y=hush" https://me:hush@x https://me:hush/es@x me:hush@x; do
    STORAGE_EMULATOR_HOST=$url run --separate-stderr dewy-check --registry gs://bucket/app
    [ "$status" -eq 1 ]
    [[ $(field error.message) == *"STORAGE_EMULATOR_HOST is "*": expected the URL of a service"* ]]
    [[ $stderr$output != *hush* ]]
  done
  run --separate-stderr dewy-check --registry "gs://bucket/app?region=x"
  [[ $(field error.message) == *"unknown parameter region"*"endpoint, anonymous" ]]
}
