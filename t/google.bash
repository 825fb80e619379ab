# What the tests of Google's services share: the emulator of t/stack/gcs, started once for a file, service accounts, and the
# endpoints that answer as a test says (google-endpoints.py).

EMAIL=dewy@test.iam.gserviceaccount.com

# start_gcs: the emulator, with the key of the service account, and a token of its own to prepare buckets with.
start_gcs() {
  GCS_DIR=$BATS_FILE_TMPDIR/gcs
  clean_environment
  GCS_PORT=$(free_port)
  openssl genrsa -out "$BATS_FILE_TMPDIR/sa.key" 2048 2>/dev/null
  openssl rsa -in "$BATS_FILE_TMPDIR/sa.key" -pubout -out "$BATS_FILE_TMPDIR/sa.pub" 2>/dev/null
  export GCS_DIR GCS_PORT GCS_CLIENT_ID=client.example GCS_CLIENT_SECRET=client-s3cret GCS_REFRESH_TOKEN=1//refresh-s3cret
  "$BATS_TEST_DIRNAME/stack/gcs" start "$GCS_DIR" "$GCS_PORT" "$BATS_FILE_TMPDIR/sa.pub" "$EMAIL"
  GCS_TOKEN=$(curl -sS -H "Metadata-Flavor: Google" \
    "http://127.0.0.1:$GCS_PORT/computeMetadata/v1/instance/service-accounts/default/token" | jq -r .access_token)
  export GCS_TOKEN
}

stop_gcs() {
  "$BATS_TEST_DIRNAME/stack/gcs" stop "$BATS_FILE_TMPDIR/gcs"
}

# service_account FILE [TOKEN-URI [KEY]]: writes the key file of the service account.
service_account() {
  jq -n --arg email "$EMAIL" --arg uri "${2:-http://127.0.0.1:$GCS_PORT/token}" --rawfile key "${3:-$BATS_FILE_TMPDIR/sa.key}" \
    '{type: "service_account", project_id: "test", private_key_id: "key-1", private_key: $key, client_email: $email,
      token_uri: $uri}' >"$1"
}

# make_bucket NAME: makes a bucket in the emulator.
make_bucket() {
  curl -sSf -o /dev/null -H "Authorization: Bearer $GCS_TOKEN" -H "Content-Type: application/json" \
    --data "{\"name\":\"$1\"}" "http://127.0.0.1:$GCS_PORT/storage/v1/b"
}

# put BUCKET OBJECT [FILE]: makes an object of the file, or of its own name.
put() {
  local file=${3:-$BATS_TEST_TMPDIR/put}
  [ $# -gt 2 ] || printf %s "$2" >"$file"
  curl -sSf -o /dev/null -H "Authorization: Bearer $GCS_TOKEN" -H "Content-Type: application/octet-stream" \
    --data-binary "@$file" "http://127.0.0.1:$GCS_PORT/upload/storage/v1/b/$1/o?uploadType=media&name=$(encode "$2")"
}

# put_release BUCKET PREFIX VERSION [ARTIFACT]: a release that can be deployed.
put_release() {
  local artifact=${4:-app_linux_amd64.tar.gz}
  publish "$3" "$artifact"
  put "$1" "$2/$3/$artifact" "$REGISTRY/$3/$artifact"
}

# names BUCKET PREFIX: the names of the objects in the emulator, one a line.
names() {
  curl -sSf -H "Authorization: Bearer $GCS_TOKEN" "http://127.0.0.1:$GCS_PORT/storage/v1/b/$1/o?prefix=$(encode "$2")" |
    jq -r '.items[]?.name'
}

# start_endpoints: google-endpoints.py, with the answers that answer was given so far.
start_endpoints() {
  ENDPOINTS=$BATS_TEST_TMPDIR/endpoints
  mkdir -p "$ENDPOINTS"
  [ -e "$ENDPOINTS/answers" ] || echo '[]' >"$ENDPOINTS/answers"
  : >"$ENDPOINTS/requests"
  /usr/bin/python3 "$BATS_TEST_DIRNAME/google-endpoints.py" "$ENDPOINTS" >/dev/null 3>&- &
  echo $! >"$BATS_TEST_TMPDIR/endpoints.pid"
  wait_until test -e "$ENDPOINTS/port"
  ENDPOINT=127.0.0.1:$(cat "$ENDPOINTS/port")
}

# answers JSON...: what the endpoints answer from here on, the first that fits.
answers() {
  printf '%s\n' "$@" | jq -s . >"$ENDPOINTS/answers.new"
  mv "$ENDPOINTS/answers.new" "$ENDPOINTS/answers"
}

# asked REGEX [FILE]: how many requests there were whose "METHOD PATH" has it.
asked() {
  jq -rs --arg regex "$1" '[.[] | select("\(.method) \(.path)" | test($regex))] | length' "${2:-$ENDPOINTS/requests}"
}
