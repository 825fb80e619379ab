# dewy-fetch over the network: breaks, refusals, what is damaged, what never ends.
load common

prepare() {
  SERVICE=$BATS_TEST_TMPDIR/service
  ARTIFACT=$SERVICE/artifact
  SIZE=1000000
  KEY=v1.2.3--app.tar
  CACHE=$ROOT/.dewy/cache
  PART=$CACHE/.$KEY.part
  DOCUMENT=$BATS_TEST_TMPDIR/document
  mkdir "$SERVICE"
  head -c $SIZE /dev/urandom >"$ARTIFACT"
}

# serve ANSWER...: starts t/downloads.py, and makes the document lead to it.
serve() {
  "$BATS_TEST_DIRNAME/downloads.py" "$SERVICE" "$@" >/dev/null 3>&- &
  echo $! >"$BATS_TEST_TMPDIR/service.pid"
  wait_until test -s "$SERVICE/port"
  document "http://127.0.0.1:$(cat "$SERVICE/port")"
}

# document ENDPOINT
document() {
  jq -nc --arg root "$ROOT" --arg registry "gs://bucket?anonymous=true&endpoint=$1" --argjson size $SIZE '{
    dewy: 1, id: "20240115T103044Z-7f3a91", app: "app", root: $root, mode: "assets", state: "available", $registry,
    release: {version: "v1.2.3"}, notices: [],
    artifact: {name: "app.tar", url: "gs://bucket/v1.2.3/app.tar", $size, cache_key: "v1.2.3--app.tar"}}' >"$DOCUMENT"
}

# fetch [OPTION...]: runs dewy-fetch on the document.
fetch() {
  run --separate-stderr dewy-fetch "$@" <"$DOCUMENT"
  echo "$output"
  echo "$stderr"
}

# requests COUNT: so many were made, all of them are over.
requests() {
  wait_until has_lines "$1" "$SERVICE/requests"
}

has_lines() {
  [ "$(wc -l <"$2")" = "$1" ]
}

# request N MEMBER: what t/downloads.py has noted of the request of that number, the first of which is 1, once that is over.
request() {
  wait_until noted "$1"
  jq -r --argjson number "$1" 'select(.number == $number) | .'"$2" "$SERVICE/requests"
}

noted() {
  grep -q "\"number\": $1," "$SERVICE/requests"
}

etag() {
  echo "\"$(md5sum <"$1" | cut -d' ' -f1)\""
}

cached() {
  [ "$(find "$CACHE" -mindepth 1 -printf '%f ')" = "$1" ]
}

# whole: the artifact is in the cache, and nothing else.
whole() {
  assert_success
  cmp "$ARTIFACT" "$CACHE/$KEY"
  cached "$KEY "
}

@test "an artifact comes over the network" {
  serve serve
  fetch
  whole
  requests 1
  [ "$(request 1 path)" = "/storage/v1/b/bucket/o/v1.2.3%2Fapp.tar?alt=media" ]
  [ "$(request 1 range)" = null ]
  [ "$(jq -c .fetch.verified <<<"$output")" = '["size"]' ]
  [[ $stderr != *Downloading* ]]
}

@test "a connection that is refused" {
  document "http://127.0.0.1:$(free_port)"
  fetch --retries 1
  [ "$status" -eq 2 ]
  [ "$(field error.code)" = network ]
  [[ $(field error.message) == *"127.0.0.1:"*"Connection refused"* ]]
  cached ""
}

@test "a connection that is reset in the middle: the same run goes on where it broke" {
  serve reset:300000 serve
  edit "$DOCUMENT" ".artifact.digest = \"sha256:$(sha256sum <"$ARTIFACT" | cut -d' ' -f1)\""
  fetch
  whole
  requests 2
  local kept
  kept=$(request 2 range | tr -cd 0-9)
  assert [ "$kept" -gt 0 ] # of 300000: a reset may take some with it
  assert [ "$kept" -le 300000 ]
  [ "$(request 2 if_range)" = "$(etag "$ARTIFACT")" ]
  [ "$(request 2 status)" = 206 ]
  [ "$((kept + $(request 2 sent)))" = $SIZE ]
  [ "$(field fetch.bytes)" = $SIZE ]
}

@test "... and reads each byte that it has received once, to hash it, for which so few take no thread" {
  serve short:300000 short:300000 serve
  edit "$DOCUMENT" ".artifact.digest = \"sha256:$(sha256sum <"$ARTIFACT" | cut -d' ' -f1)\""
  ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 run --separate-stderr strace -f -qq -y -e trace=read,pread64,clone,clone3 \
    -e signal=none -o "$BATS_TEST_TMPDIR/trace" dewy-fetch <"$DOCUMENT"
  whole
  requests 3
  assert_equal "$(awk '/[.]part>/ {read += $NF} END {print read}' "$BATS_TEST_TMPDIR/trace")" $SIZE
  run ! grep clone "$BATS_TEST_TMPDIR/trace"
}

# larger BYTES: the artifact has so many.
larger() {
  SIZE=$1
  head -c "$SIZE" /dev/urandom >"$ARTIFACT"
}

# threads COUNT: the run in the background has so many.
threads() {
  [ "$(find "/proc/$!/task" -mindepth 1 -maxdepth 1 | wc -l)" = "$1" ]
}

@test "a large artifact is hashed by a second thread, which has given up what the first one has" {
  larger 5000000
  serve wait:4000000
  edit "$DOCUMENT" ".artifact.digest = \"sha256:$(sha256sum <"$ARTIFACT" | cut -d' ' -f1)\""
  dewy-fetch <"$DOCUMENT" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/log" 3>&- &
  wait_until threads 2
  assert_equal "$(cat "/proc/$!/task"/*/status | grep -c "NoNewPrivs:.1")" 2
  touch "$SERVICE/go"
  wait $!
  cmp "$ARTIFACT" "$CACHE/$KEY"
}

@test "where no thread is to be had, it is hashed all the same" {
  larger 5000000
  serve short:2000000 serve
  edit "$DOCUMENT" ".artifact.digest = \"sha256:$(sha256sum <"$ARTIFACT" | cut -d' ' -f1)\""
  ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 run --separate-stderr strace -f -qq -e trace=clone,clone3 \
    -e inject=clone,clone3:error=EAGAIN -e signal=none -o "$BATS_TEST_TMPDIR/trace" dewy-fetch <"$DOCUMENT"
  whole
  grep -q "clone.*INJECTED" "$BATS_TEST_TMPDIR/trace"
}

@test "a large artifact that is another one after the break is hashed from its first byte" {
  larger 5000000
  head -c $SIZE /dev/urandom >"$SERVICE/next"
  serve short:3000000 serve
  edit "$DOCUMENT" ".artifact.digest = \"sha256:$(sha256sum <"$SERVICE/next" | cut -d' ' -f1)\""
  fetch
  whole
  [ "$(request 2 status)" = 200 ]
}

@test "of a large artifact, what the run before has left is hashed, too, and no more than that" {
  larger 20000000
  serve short:12000000 serve
  edit "$DOCUMENT" ".artifact.digest = \"sha256:$(sha256sum <"$ARTIFACT" | cut -d' ' -f1)\""
  fetch --retries 0
  [ "$status" -eq 2 ]
  fetch
  whole
  [ "$(request 2 range)" = bytes=12000000- ]
}

# fetch_traced [STRACE-OPTION...]: runs dewy-fetch, and leaves in "trace" when it asks for blocks of the disk.
fetch_traced() {
  ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 run --separate-stderr strace -f -qq -o "$BATS_TEST_TMPDIR/trace" \
    -e trace=fallocate -e signal=none "$@" dewy-fetch <"$DOCUMENT"
}

@test "a large artifact has its blocks ahead of its bytes, and in the end no more of them than it needs" {
  larger 20000000
  serve serve
  fetch_traced
  whole
  grep -q "fallocate(.*KEEP_SIZE.*) = 0" "$BATS_TEST_TMPDIR/trace"
  assert [ $(($(stat -c %b "$CACHE/$KEY") * 512)) -lt $((SIZE + 1000000)) ]
}

@test "... which a download that was broken off keeps only until the next one begins" {
  larger 20000000
  serve short:12000000 500
  fetch --retries 0
  assert_failure 2
  assert [ $(($(stat -c %b "$PART") * 512)) -gt 13000000 ]
  fetch --retries 0
  assert_failure 2
  assert_equal "$(stat -c %s "$PART")" 12000000
  assert [ $(($(stat -c %b "$PART") * 512)) -lt 13000000 ]
}

@test "... and where there are none to be had, or not in that way, it comes all the same" {
  larger 20000000
  serve serve serve
  fetch_traced -e inject=fallocate:error=ENOSPC
  whole
  grep -q INJECTED "$BATS_TEST_TMPDIR/trace"
  rm "$CACHE/$KEY"
  fetch_traced -e inject=fallocate:error=EOPNOTSUPP
  whole
  grep -q INJECTED "$BATS_TEST_TMPDIR/trace"
}

@test "... and the next run, when it fails for good" {
  serve reset:300000 serve
  local kept
  fetch --retries 0
  [ "$status" -eq 2 ]
  [ "$(field error.code)" = network ]
  [[ $(field error.message) == *"the connection broke"* ]]
  kept=$(stat -c %s "$PART")
  assert [ "$kept" -gt 0 ] # of 300000: a reset may take some with it
  assert [ "$kept" -le 300000 ]
  [ "$(jq -r .validator "$PART.json")" = "$(etag "$ARTIFACT")" ]
  fetch --retries 0
  whole
  requests 2
  [ "$(request 2 range)" = "bytes=$kept-" ]
  [ "$(request 2 status)" = 206 ]
  [ "$((kept + $(request 2 sent)))" = $SIZE ]
}

@test "... and the next run, when it is killed" {
  serve wait:300000 serve
  dewy-fetch <"$DOCUMENT" >/dev/null 2>&1 3>&- &
  pid=$!
  wait_until test -e "$PART.json" -a -s "$PART"
  kill -KILL $pid
  wait_until gone $pid # it holds the lock until then
  requests 1
  fetch
  whole
  [[ $(request 2 range) =~ ^bytes=[1-9][0-9]*-$ ]]
  [ "$(request 2 status)" = 206 ]
}

@test "it goes on as often as it has to, as long as it comes further" {
  serve short:200000 short:200000 500 short:200000 short:200000 serve
  fetch --retries 2
  whole
  requests 6
  [ "$(request 6 range)" = bytes=800000- ]
}

@test "a body that ends too early" {
  serve short:300000 serve
  fetch
  whole
  [ "$(request 2 range)" = bytes=300000- ]
}

@test "what does not know ranges is downloaded whole" {
  serve short:300000 whole
  fetch
  whole
  [ "$(request 2 status)" = 200 ]
  [ "$(request 2 sent)" = $SIZE ]
}

@test "what has only a weak validator, or none, is downloaded whole" {
  serve 'short:300000,ETag=W/"1"' 'short:300000,ETag=W/"1"' serve
  fetch --retries 0
  [ "$status" -eq 2 ]
  cached ""
  fetch --retries 1
  whole
  requests 3
  [ "$(request 2 range)" = null ]
  [ "$(request 3 range)" = null ]
}

@test "an artifact that changes between break and continuation is downloaded whole, never a mixture" {
  head -c $SIZE /dev/urandom >"$SERVICE/next"
  serve short:300000 serve
  fetch
  whole
  requests 2
  [ "$(request 2 range)" = bytes=300000- ]
  [ "$(request 2 status)" = 200 ]
}

@test "... also by the next run" {
  head -c $SIZE /dev/urandom >"$SERVICE/next"
  serve short:300000 serve
  fetch --retries 0
  [ "$status" -eq 2 ]
  fetch
  whole
  [ "$(request 2 status)" = 200 ]
}

@test "... also from a server that does not know If-Range and sends a part of another version" {
  head -c $SIZE /dev/urandom >"$SERVICE/next"
  serve short:300000 careless serve
  fetch --retries 1
  whole
  requests 3
  [ "$(request 2 status)" = 206 ]
  [ "$(request 3 range)" = null ]
}

@test "... also when it is shorter now than what is there" {
  head -c 200000 /dev/urandom >"$SERVICE/next"
  serve short:300000 careless serve
  edit "$DOCUMENT" 'del(.artifact.size)'
  fetch
  whole
  [ "$(request 2 status)" = 416 ]
}

@test "500 and 503 are tried again, so is 429 after the time that it asks for" {
  serve 500 503 429,Retry-After=1 serve
  fetch
  whole
  requests 4
}

@test "500 for good is an error with the status, and what has come is kept" {
  serve short:300000 500 500 serve
  fetch --retries 0
  fetch --retries 1
  [ "$status" -eq 2 ]
  [[ $(field error.message) == *500* ]]
  [ "$(stat -c %s "$PART")" = 300000 ]
  fetch
  whole
  [ "$(request 4 range)" = bytes=300000- ]
}

@test "403 is refused at once; what has come is kept until it may be read again" {
  serve short:300000 403 serve
  fetch --retries 0
  fetch
  [ "$status" -eq 2 ]
  [ "$(field error.code)" = registry ]
  requests 2
  fetch
  whole
  [ "$(request 3 range)" = bytes=300000- ]
}

@test "404 is not found, and what has come is thrown away" {
  serve short:300000 404
  fetch --retries 0
  fetch
  [ "$status" -eq 2 ]
  [ "$(field error.code)" = not-found ]
  requests 2
  cached ""
}

@test "429 that asks for more time than there is: the next run asks nobody" {
  serve 429,Retry-After=3600 serve
  fetch
  [ "$status" -eq 2 ]
  [ "$(field error.code)" = rate-limited ]
  fetch
  [ "$status" -eq 2 ]
  [ "$(field error.code)" = postponed ]
  requests 1
}

@test "an artifact of another length than the registry has told" {
  serve serve
  edit "$DOCUMENT" '.artifact.size += 1'
  fetch
  [ "$status" -eq 5 ]
  [ "$(field error.code)" = integrity ]
  [[ $(field error.message) == *"1000000 bytes instead of 1000001"* ]]
  cached ""
}

@test "a connection that is too slow is given up" {
  serve wait:300000
  fetch --stall-timeout 1s --retries 0
  [ "$status" -eq 2 ]
  [ "$(field error.code)" = network ]
  [[ $(field error.message) == *"timed out"* ]]
  [ "$(stat -c %s "$PART")" -ge 300000 ]
}

@test "a download that takes too long is given up" {
  serve stall:300000
  fetch --download-timeout 3s
  [ "$status" -eq 2 ]
  [ "$(field error.code)" = network ]
  [[ $(field error.message) == *"timed out"* ]]
  [ "$(stat -c %s "$PART")" = 300000 ]
}

@test "a body without end is not received to the end" {
  serve endless
  edit "$DOCUMENT" 'del(.artifact.size)'
  fetch --max-size 3M
  [ "$status" -eq 5 ]
  [ "$(field error.code)" = integrity ]
  [[ $(field error.message) == *"more than the 3145728 bytes that --max-size allows"* ]]
  cached ""
}

@test "... nor is that of a refusal, and the limit of that is the one that is said" {
  serve endless:403
  fetch --retries 0
  [ "$status" -eq 2 ]
  [ "$(field error.code)" = network ]
  [[ $(field error.message) == *"larger than 1048576 bytes" ]]
}

@test "a body whose length nobody has told" {
  serve untold
  edit "$DOCUMENT" 'del(.artifact.size)'
  fetch
  whole
  [ "$(jq -c .fetch.verified <<<"$output")" = '[]' ]
}

# hash ALGORITHM FILE: as Google tells it.
md5() {
  openssl md5 -binary "$1" | base64
}
crc32c() {
  "$DEWY_BIN/../t/vectors" digest-file crc32c "$1" -1 | cut -d: -f2 | tr a-f A-F | basenc --base16 -d | base64
}

@test "the checksum that the service tells with the download is compared: the best that there is" {
  local both
  both=x-goog-hash=crc32c=$(crc32c "$ARTIFACT"),x-goog-hash=md5=$(md5 "$ARTIFACT")
  serve "serve,$both" "serve,x-goog-hash=crc32c=$(crc32c "$ARTIFACT")" "short:300000,$both" "serve,$both"
  fetch
  whole
  [ "$(jq -c .fetch.verified <<<"$output")" = '["size","md5"]' ]
  rm -r "$CACHE"
  fetch
  whole
  [ "$(jq -c .fetch.verified <<<"$output")" = '["size","crc32c"]' ]
  rm -r "$CACHE"
  fetch
  whole
  [ "$(request 4 status)" = 206 ]
  [ "$(jq -c .fetch.verified <<<"$output")" = '["size","md5"]' ]
}

@test "what the service has told with the beginning counts when it tells nothing with the rest" {
  local right=x-goog-hash=md5=$(md5 "$ARTIFACT") wrong=x-goog-hash=crc32c=AAAAAA==
  serve "short:300000,$right" serve "short:300000,$right" serve "short:300000,$wrong" serve "short:300000,$wrong" serve
  fetch
  whole
  [ "$(jq -c .fetch.verified <<<"$output")" = '["size","md5"]' ]
  rm -r "$CACHE"
  fetch --retries 0
  [ "$status" -eq 2 ]
  fetch
  whole
  [ "$(request 4 status)" = 206 ]
  [ "$(jq -c .fetch.verified <<<"$output")" = '["size","md5"]' ]
  rm -r "$CACHE"
  fetch
  [ "$status" -eq 5 ]
  fetch --retries 0
  [ "$status" -eq 2 ]
  fetch
  [ "$status" -eq 5 ]
  [ "$(request 8 status)" = 206 ]
  cached ""
}

@test "... but not for another version" {
  head -c $SIZE /dev/urandom >"$SERVICE/next"
  serve "short:300000,x-goog-hash=md5=$(md5 "$ARTIFACT")" serve
  fetch
  whole
  [ "$(request 2 status)" = 200 ]
  [ "$(jq -c .fetch.verified <<<"$output")" = '["size"]' ]
}

@test "what is not as the service says is refused, and nothing is left" {
  local other=$BATS_TEST_TMPDIR/other hash
  head -c $SIZE /dev/urandom >"$other"
  serve "serve,x-goog-hash=md5=$(md5 "$other")" "serve,x-goog-hash=crc32c=$(crc32c "$other")" \
    "short:300000,x-goog-hash=md5=$(md5 "$other")" "serve,x-goog-hash=md5=$(md5 "$other")"
  for hash in md5 crc32c md5; do
    fetch
    [ "$status" -eq 5 ]
    [ "$(field error.code)" = integrity ]
    [[ $(field error.message) == *"instead of $hash:"* ]]
    cached ""
  done
  requests 4
}

@test "MD5 and CRC are not enough for --verify-checksum required; a file beside the artifact is" {
  serve "serve,x-goog-hash=md5=$(md5 "$ARTIFACT")"
  fetch --verify-checksum required
  [ "$status" -eq 5 ]
  [[ $(field error.message) == *"SHA-256 or SHA-512"* ]]
  cached ""
  printf '%s  app.tar\n' "$(sha256sum <"$ARTIFACT" | cut -d' ' -f1)" >"$SERVICE/SHA256SUMS"
  edit "$DOCUMENT" '.artifact.checksum_urls = ["gs://bucket/v1.2.3/SHA256SUMS"]'
  fetch --verify-checksum required
  whole
  [ "$(jq -c .fetch.verified <<<"$output")" = '["size","sha256","md5","SHA256SUMS"]' ]
}

@test "a checksum file whose transfer breaks off is asked for again, one that is gone tells nothing" {
  printf '%s  app.tar\n' "$(sha256sum <"$ARTIFACT" | cut -d' ' -f1)" >"$SERVICE/SHA256SUMS"
  serve reset:30 serve serve 404 serve 403
  edit "$DOCUMENT" '.artifact.checksum_urls = ["gs://bucket/v1.2.3/SHA256SUMS"]'
  fetch
  whole
  requests 3
  [ "$(request 2 range)" = bytes=30- ]
  [ "$(jq -c .fetch.verified <<<"$output")" = '["size","sha256","SHA256SUMS"]' ]
  rm -r "$CACHE"
  fetch
  whole
  [ "$(jq -c .fetch.verified <<<"$output")" = '["size"]' ]
  rm -r "$CACHE"
  fetch
  [ "$status" -eq 2 ]
  [[ $(field error.message) == "the checksum file SHA256SUMS: "* ]]
  requests 6
}

# secure CERTIFICATE: serves by https what the authority has made of that name.
secure() {
  "$BATS_TEST_DIRNAME/stack/authority" "$BATS_TEST_TMPDIR/authority"
  serve --tls "$BATS_TEST_TMPDIR/authority/$1.pem" "$BATS_TEST_TMPDIR/authority/$1.key" serve
  document "https://localhost:$(cat "$SERVICE/port")"
}

@test "https through the proxy that https_proxy names" {
  secure server
  python3 "$BATS_TEST_DIRNAME/proxy.py" "$BATS_TEST_TMPDIR" "$(cat "$SERVICE/port")" >/dev/null 2>&1 3>&- &
  echo $! >"$BATS_TEST_TMPDIR/proxy.pid"
  wait_until test -e "$BATS_TEST_TMPDIR/proxy-port"
  document https://s3.us-east-1.amazonaws.com # a name that only the proxy can lead to the service
  https_proxy=http://127.0.0.1:$(cat "$BATS_TEST_TMPDIR/proxy-port") fetch --cacert "$BATS_TEST_TMPDIR/authority/ca.pem"
  whole
  assert_equal "$(sort -u "$BATS_TEST_TMPDIR/connects")" s3.us-east-1.amazonaws.com:443
}

@test "https, by an authority that --cacert or SSL_CERT_FILE names" {
  secure server
  fetch --retries 0
  [ "$status" -eq 2 ]
  fetch --cacert "$BATS_TEST_TMPDIR/authority/ca.pem"
  whole
  rm -r "$CACHE"
  SSL_CERT_FILE=$BATS_TEST_TMPDIR/authority/ca.pem fetch
  whole
}

@test "https with a certificate that has expired, is for another host, or by nobody known" {
  local certificate
  for certificate in expired:expired wrong:"match.* host ?name" alien:"self.signed"; do
    rm -f "$SERVICE/port" "$SERVICE/requests"
    secure "${certificate%%:*}"
    fetch --cacert "$BATS_TEST_TMPDIR/authority/ca.pem"
    [ "$status" -eq 2 ]
    [ "$(field error.code)" = network ]
    [[ $(field error.message) == *"certificate was refused"* ]]
    [[ $(field error.message) =~ ${certificate#*:} ]]
    [[ $(field error.hint) == *--cacert* ]]
    [ ! -e "$SERVICE/requests" ]
    cached ""
    stop_pid "$(cat "$BATS_TEST_TMPDIR/service.pid")"
  done
}

# nginx_document PATH: makes the document lead to what nginx serves below PATH.
nginx_document() {
  document "https://localhost:$NGINX/$1"
}

@test "nginx, over HTTP/2: a download that was killed is taken up, and a pause that it asks for is made" {
  local ca=$BATS_TEST_TMPDIR/authority port pid
  "$BATS_TEST_DIRNAME/stack/authority" "$ca"
  port=$(free_ports 2)
  NGINX=$((port + 1))
  "$BATS_TEST_DIRNAME/stack/nginx" start "$SERVICE/nginx" "$port" $NGINX "$ca/server.pem" "$ca/server.key" 3>&-
  cp "$SERVICE"/nginx/pid/* "$BATS_TEST_TMPDIR/nginx.pid"
  mkdir -p "$SERVICE/nginx/www/storage/v1/b/bucket/o/v1.2.3"
  cp "$ARTIFACT" "$SERVICE/nginx/www/storage/v1/b/bucket/o/v1.2.3/app.tar"
  export SSL_CERT_FILE=$ca/ca.pem
  nginx_document slow
  dewy-fetch <"$DOCUMENT" >/dev/null 2>&1 3>&- &
  pid=$!
  wait_until test -e "$PART.json" -a -s "$PART"
  kill -KILL $pid
  wait_until gone $pid # it holds the lock until then
  nginx_document ""
  fetch
  whole
  wait_until grep -q '"status":206' "$SERVICE/nginx/requests"
  [[ $(jq -r 'select(.status == 206) | .protocol + " " + .range' "$SERVICE/nginx/requests") =~ ^HTTP/2.0\ bytes=[1-9][0-9]*-$ ]]
  nginx_document limited
  for _ in 1 2; do
    rm -r "$CACHE"
    fetch
    whole
  done
}

@test "https by nothing older than TLS 1.2, whatever the machine would take" {
  local port version
  "$BATS_TEST_DIRNAME/stack/authority" "$BATS_TEST_TMPDIR/authority"
  printf '%s\n' "openssl_conf = a" "[a]" "ssl_conf = b" "[b]" "system_default = c" "[c]" MinProtocol=None \
    CipherString=ALL:@SECLEVEL=0 >"$BATS_TEST_TMPDIR/lax"
  for version in tls1_1 tls1_2; do
    port=$(free_port)
    openssl s_server -quiet -www -accept "127.0.0.1:$port" -$version -cipher ALL:@SECLEVEL=0 \
      -cert "$BATS_TEST_TMPDIR/authority/server.pem" -key "$BATS_TEST_TMPDIR/authority/server.key" >/dev/null 2>&1 3>&- &
    echo $! >"$BATS_TEST_TMPDIR/$version.pid"
    wait_until openssl s_client -connect "127.0.0.1:$port" -$version -cipher ALL:@SECLEVEL=0 </dev/null
    document "https://localhost:$port"
    OPENSSL_CONF=$BATS_TEST_TMPDIR/lax fetch --cacert "$BATS_TEST_TMPDIR/authority/ca.pem" --retries 0
    if [ $version = tls1_1 ]; then
      [[ $(field error.message) == *"no agreement on a TLS connection" ]]
    else
      [[ $(field error.message) == *" bytes instead of $SIZE" ]]
    fi
  done
}

@test "a file of authorities that is none is a wrong option, which is told by its name" {
  local file
  secure server
  for file in "$BATS_TEST_TMPDIR/nothing.pem" "$ARTIFACT"; do
    fetch --cacert "$file"
    [ "$status" -eq 1 ]
    assert_equal "$(field error.message)" "cannot read the certificate authorities in $file"
  done
}

@test "a proxy that cannot be reached, or refuses, is told by its variable" {
  document http://127.0.0.1:1
  http_proxy=http://127.0.0.1:1 fetch --retries 0
  [ "$status" -eq 2 ]
  [[ $(field error.hint) == "check the proxy that http_proxy names, and no_proxy"* ]]
  fetch --retries 0
  [[ $(field error.hint) != *"http_proxy names"* ]]
  python3 -c '
import http.server, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_CONNECT(self): self.send_error(407)
with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
    print(server.server_port, file=open(sys.argv[1] + ".new", "w"), flush=True)
    os.rename(sys.argv[1] + ".new", sys.argv[1])
    server.serve_forever()' "$BATS_TEST_TMPDIR/proxy" 2>/dev/null 3>&- &
  echo $! >"$BATS_TEST_TMPDIR/proxy.pid"
  wait_until test -s "$BATS_TEST_TMPDIR/proxy"
  document https://registry.example.com
  https_proxy=http://127.0.0.1:$(cat "$BATS_TEST_TMPDIR/proxy") fetch --retries 0
  [ "$status" -eq 2 ]
  assert_equal "$(field error.message)" "cannot reach registry.example.com: the proxy answers 407"
  [[ $(field error.hint) == "check the proxy that https_proxy names"* ]]
}

# github [--tls NAME] ANSWER...: makes the document lead to a GitHub that answers the look-up of the release and of its assets, and
# then with ANSWER.
github() {
  local url=http://127.0.0.1
  jq -n '{id: 1, tag_name: "v1.2.3", published_at: "2024-01-15T10:28:00Z"}' >"$SERVICE/v1.2.3"
  jq -n --argjson size $SIZE '[{id: 7, name: "app.tar", state: "uploaded", $size}]' >"$SERVICE/assets"
  if [ "$1" = --tls ]; then
    "$BATS_TEST_DIRNAME/stack/authority" "$BATS_TEST_TMPDIR/authority"
    export SSL_CERT_FILE=$BATS_TEST_TMPDIR/authority/ca.pem
    url=https://localhost
    serve --tls "$BATS_TEST_TMPDIR/authority/$2.pem" "$BATS_TEST_TMPDIR/authority/$2.key" serve serve "${@:3}"
  else
    serve serve serve "$@"
  fi
  edit "$DOCUMENT" '.registry = "ghr://acme/app" | .artifact.url = "ghr://acme/app/tag/v1.2.3/app.tar"'
  export GITHUB_API_URL=$url:$(cat "$SERVICE/port") GH_TOKEN=not-for-others
}

@test "a redirect is followed, also when the download goes on after a break" {
  github redirect:/stored short:300000 redirect:/stored serve
  fetch
  whole
  requests 6
  [ "$(request 4 path)" = /stored ]
  [ "$(request 6 range)" = bytes=300000- ]
  [ "$(request 6 status)" = 206 ]
}

@test "a header that is larger than any should be is an error that says so" {
  serve "serve,X-Long=$(printf '%0120000d' 0)"
  fetch
  [ "$status" -eq 2 ]
  [[ $(field error.message) == *"a header of its answer is too large" ]]
  cached ""
}

@test "a redirect to a file is not followed, and blamed on the host that it came from" {
  github redirect:file:///etc/passwd
  fetch
  [ "$status" -eq 2 ]
  [[ $(field error.message) == "cannot reach 127.0.0.1:$(cat "$SERVICE/port"): it leads to a URL that is not https, or its answer is not HTTP" ]]
  cached ""
}

@test "redirects without end are not followed to it" {
  github redirect:/loop
  fetch
  [ "$status" -eq 2 ]
  [ "$(field error.code)" = network ]
  [[ $(field error.message) == *"too many redirects"* ]]
  [ "$(wc -l <"$SERVICE/requests")" -lt 20 ]
  cached ""
}

# elsewhere ANSWER...: starts another service, in $BATS_TEST_TMPDIR/elsewhere, and sets ELSEWHERE, its host and port.
elsewhere() {
  mkdir "$BATS_TEST_TMPDIR/elsewhere"
  cp "$ARTIFACT" "$BATS_TEST_TMPDIR/elsewhere"
  "$BATS_TEST_DIRNAME/downloads.py" "$BATS_TEST_TMPDIR/elsewhere" "$@" >/dev/null 3>&- &
  echo $! >"$BATS_TEST_TMPDIR/elsewhere.pid"
  wait_until test -s "$BATS_TEST_TMPDIR/elsewhere/port"
  ELSEWHERE=127.0.0.1:$(cat "$BATS_TEST_TMPDIR/elsewhere/port")
}

@test "what the host behind a redirect asks for is not asked for by the one before it" {
  elsewhere 429,Retry-After=3600 serve
  github "redirect:http://$ELSEWHERE/stored" serve serve "redirect:http://$ELSEWHERE/stored"
  fetch --retries 0
  [ "$status" -eq 2 ]
  [ "$(field error.code)" = rate-limited ]
  [[ $(field error.message) == "$ELSEWHERE answers 429"* ]]
  fetch
  whole
}

@test "an error names the host that it came from" {
  github redirect:http://127.0.0.1:1/stored
  fetch --retries 0
  [ "$status" -eq 2 ]
  [[ $(field error.message) == "cannot reach 127.0.0.1:1: "* ]]
}

@test "a redirect from https to http is not followed" {
  elsewhere serve
  github --tls server "redirect:http://$ELSEWHERE/stored"
  fetch
  [ "$status" -eq 2 ]
  [ "$(field error.code)" = network ]
  [[ $(field error.message) == *"not https"* ]]
  requests 3
  [ ! -e "$BATS_TEST_TMPDIR/elsewhere/requests" ]
  cached ""
}

@test "memory does not grow with the artifact" {
  ! sanitized || skip "the sanitizer has memory of its own"
  truncate -s 300M "$ARTIFACT"
  serve reset:150000000 serve
  edit "$DOCUMENT" '.artifact.size = 314572800'
  python3 - "$DOCUMENT" <<'PYTHON'
import resource, subprocess, sys
subprocess.run(["dewy-fetch"], stdin=open(sys.argv[1]), stdout=subprocess.DEVNULL, check=True)
most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(most, "KiB")
assert most < 20 * 1024
PYTHON
  [ "$(request 2 range)" = bytes=150000000- ]
}

# logged TEXT: the run in the background has said so.
logged() {
  grep -q -- "$1" "$BATS_TEST_TMPDIR/log"
}

@test "a download that takes its time is told of every five seconds, one that does not is not" {
  serve wait:300000
  dewy-fetch <"$DOCUMENT" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/log" 3>&- &
  wait_until logged "Downloading"
  touch "$SERVICE/go"
  wait $!
  [ "$(jq -r .state "$BATS_TEST_TMPDIR/out")" = fetched ]
  cmp "$ARTIFACT" "$CACHE/$KEY"
  grep -E "INFO: Downloading cache_key=\"$KEY\" bytes=\"300[0-9]{3}\" rate=\"[0-9.]+ KiB/s\" size=\"1000000\"$" "$BATS_TEST_TMPDIR/log"
}

# on_terminal COMMAND: runs it in the background, with standard error on a terminal of 100 columns, whose output goes to log.
on_terminal() {
  script -qfec "stty cols 100; $1" "$BATS_TEST_TMPDIR/log" </dev/null >/dev/null 2>&1 3>&- &
}

@test "on a terminal there is a bar, which is gone in the end" {
  serve wait:300000
  on_terminal "dewy-fetch <$DOCUMENT >$BATS_TEST_TMPDIR/out"
  wait_until logged "app.tar   30% \[###"
  touch "$SERVICE/go"
  wait $!
  [ "$(jq -r .state "$BATS_TEST_TMPDIR/out")" = fetched ]
  run ! logged Downloading
  python3 - "$BATS_TEST_TMPDIR/log" <<'PYTHON'
import re, sys
text = open(sys.argv[1], newline="").read()
bars = re.findall(r"\r(app\.tar[^\r]*)\x1b\[K", text)
assert bars and all(len(bar) == 99 for bar in bars), bars
assert re.search(r"\[#+ +\]  29[0-9.]+ KiB of 976.6 KiB  [0-9.]+ [KM]?i?B/s", bars[0]), bars
assert text.index("\r\x1b[K") > text.rindex(bars[-1])
PYTHON
}

@test "--progress says which of them it is, or that there is none" {
  serve wait:300000
  on_terminal "dewy-fetch --progress lines <$DOCUMENT >$BATS_TEST_TMPDIR/out"
  wait_until logged "INFO: Downloading"
  touch "$SERVICE/go"
  wait $!
  run ! logged '%'
}
