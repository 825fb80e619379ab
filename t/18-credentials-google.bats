# The Application Default Credentials of Google Cloud: every source, in order, and what goes wrong with each.
load common
load google

RO=https://www.googleapis.com/auth/devstorage.read_only

setup_file() {
  start_gcs
  make_bucket releases
  BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR put releases app/v1.0.0/app_linux_amd64.tar.gz
}

teardown_file() {
  stop_gcs
}

prepare() {
  export DEWY_RETRIES=0 FILE=$BATS_TEST_TMPDIR/credentials.json
  mkdir "$ROOT/.dewy"
  GS="gs://releases/app?endpoint=http://127.0.0.1:$GCS_PORT"
}

# use_endpoints [JSON...]: the endpoints are all of Google's, with these answers before the good ones. The list goes to who has the
# token ya29.good.
use_endpoints() {
  [ -n "${ENDPOINT-}" ] || start_endpoints
  GS="gs://releases/app?endpoint=http://$ENDPOINT"
  answers "$@" '{"path": "POST /token", "json": {"access_token": "ya29.good", "expires_in": 3599}}' \
    '{"path": "GET /", "headers": {"Metadata-Flavor": "Google"}, "text": "computeMetadata/"}' \
    '{"path": "GET /computeMetadata/v1/instance/service-accounts/default/token.scopes=.*", "need": {"Metadata-Flavor": "Google"},
      "headers": {"Metadata-Flavor": "Google"}, "json": {"access_token": "ya29.good", "expires_in": 3000, "token_type": "Bearer"}}' \
    '{"path": "GET .*prefix=app%2F", "need": {"Authorization": "Bearer ya29.good"}, "json": {"prefixes": ["app/v1.0.0/"]}}' \
    '{"path": "GET .*", "need": {"Authorization": "Bearer ya29.good"},
      "json": {"items": [{"name": "app/v1.0.0/app_linux_amd64.tar.gz", "size": "3"}]}}'
}

# user FILE [TOKEN-URI]: writes a file as gcloud auth application-default login does.
user() {
  jq -n --arg uri "${2:-http://127.0.0.1:$GCS_PORT/token}" '{type: "authorized_user", client_id: "client.example",
    client_secret: "client-s3cret", refresh_token: "1//refresh-s3cret", token_uri: $uri}' >"$1"
}

check() {
  run --separate-stderr dewy-check --registry "$GS" "$@"
}

# no_secret_left: what a run has left behind or printed holds no secret.
no_secret_left() {
  local secret
  sed -n 2p "$BATS_FILE_TMPDIR/sa.key" >"$BATS_TEST_TMPDIR/secrets"
  printf '%s\n' client-s3cret refresh-s3cret ya29. >>"$BATS_TEST_TMPDIR/secrets"
  ! grep -rFf "$BATS_TEST_TMPDIR/secrets" "$ROOT" - <<<"$output$stderr"
}

@test "a service account signs for its token, and the next run needs none" {
  service_account "$FILE"
  export GOOGLE_APPLICATION_CREDENTIALS=$FILE
  check --log-level debug
  assert_success
  no_secret_left
  service_account "$FILE" http://127.0.0.1:1/token
  check
  assert_success
  [ "$(stat -c %a "$ROOT/.dewy/tokens.json")" = 600 ]
  run cat "$ROOT/.dewy/tokens.json"
  [[ $output == *"google $EMAIL $RO"* ]]
}

@test "the assertion has what Google wants, and ends within the hour" {
  use_endpoints
  service_account "$FILE" "http://$ENDPOINT/token"
  GOOGLE_APPLICATION_CREDENTIALS=$FILE check
  assert_success
  run jq -r 'select(.path == "/token") | .body' "$ENDPOINTS/requests"
  [[ $output == "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion="* ]]
  local header claims
  IFS=. read -r header claims _ <<<"${output#*assertion=}"
  /usr/bin/python3 - "$header" "$claims" "$EMAIL" "$RO" "http://$ENDPOINT/token" <<'PYTHON'
import base64, json, sys, time
header, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in sys.argv[1:3])
assert header == {"alg": "RS256", "typ": "JWT", "kid": "key-1"}, header
issued = claims.pop("iat")
assert time.time() - 60 < issued <= time.time() and claims.pop("exp") - issued <= 3600
assert claims == dict(zip(("iss", "scope", "aud"), sys.argv[3:])), claims
PYTHON
}

@test "a user's file gives its refresh token for an access token" {
  user "$FILE"
  export GOOGLE_APPLICATION_CREDENTIALS=$FILE
  check --log-level debug
  assert_success
  no_secret_left
  user "$FILE" http://127.0.0.1:1/token
  check
  assert_success
}

@test "the metadata server is asked directly, and told what it is" {
  use_endpoints
  export GCE_METADATA_HOST=$ENDPOINT
  http_proxy=http://127.0.0.1:1 no_proxy=x run --separate-stderr dewy-check --registry "$GS"
  [[ $(field error.message) != *metadata* ]]
  check
  assert_success
  run jq -r 'select(.path | test("service-accounts")) | .path' "$ENDPOINTS/requests"
  [ "${lines[0]}" = "/computeMetadata/v1/instance/service-accounts/default/token?scopes=$(encode "$RO")" ]
  [ ! -e "$ROOT/.dewy/tokens.json" ]
}

@test "the emulator's metadata server opens its bucket" {
  export GCE_METADATA_HOST=127.0.0.1:$GCS_PORT
  check
  assert_success
}

@test "a server that does not call itself a metadata server is given no second request" {
  use_endpoints '{"path": "GET /", "text": "hello"}'
  GCE_METADATA_HOST=$ENDPOINT check
  [ "$status" -eq 1 ]
  [[ $(field error.message) == "no Google credentials: "*"$ENDPOINT does not answer as one" ]]
  [ "$(asked .)" = 1 ]
}

@test "a machine without a service account says so" {
  use_endpoints '{"path": "GET /computeMetadata/.*", "status": 404, "headers": {"Metadata-Flavor": "Google"}}'
  GCE_METADATA_HOST=$ENDPOINT check
  [ "$status" -eq 2 ]
  [[ $(field error.message) == "the metadata server $ENDPOINT gives no token: it answers 404" ]]
  [[ $(field error.hint) == "give this machine a service account"* ]]
}

@test "without any credential, all places are named" {
  check
  [ "$status" -eq 1 ]
  [ "$(field error.code)" = config ]
  [[ $(field error.message) == "no Google credentials: GOOGLE_APPLICATION_CREDENTIALS is not set, there is no $HOME/.config/gcloud/application_default_credentials.json, and there is no metadata server: cannot reach 127.0.0.1:1: "* ]]
  [[ $(field error.hint) == *"GOOGLE_APPLICATION_CREDENTIALS"*"anonymous=true"* ]]
}

@test "without HOME, as for a service of systemd, the home directory is the one of passwd" {
  local home
  home=$(getent passwd "$(id -u)" | cut -d: -f6)
  [ ! -e "$home/.config/gcloud" ] || skip "there may be credentials in $home"
  run --separate-stderr env -u HOME dewy-check --registry "$GS"
  [[ $(field error.message) == *"there is no $home/.config/gcloud/application_default_credentials.json"* ]]
}

@test "the order: the variable, the systemd credential, gcloud's file, the metadata server" {
  use_endpoints
  local place accounts
  accounts() {
    : >"$ENDPOINTS/requests"
    check
    assert_success
    jq -r 'select(.path | test("token")) | if .method == "POST" then (.body | capture("assertion=[^.]*\\.(?<claims>[^.]*)").claims |
      gsub("-"; "+") | gsub("_"; "/") | @base64d | fromjson | .iss) else "metadata" end' "$ENDPOINTS/requests"
  }
  mkdir -p "$HOME/.config/gcloud" "$BATS_TEST_TMPDIR/cloudsdk" "$BATS_TEST_TMPDIR/credentials"
  EMAIL=variable@x service_account "$FILE" "http://$ENDPOINT/token"
  EMAIL=systemd@x service_account "$BATS_TEST_TMPDIR/credentials/GOOGLE_APPLICATION_CREDENTIALS" "http://$ENDPOINT/token"
  EMAIL=cloudsdk@x service_account "$BATS_TEST_TMPDIR/cloudsdk/application_default_credentials.json" "http://$ENDPOINT/token"
  EMAIL=home@x service_account "$HOME/.config/gcloud/application_default_credentials.json" "http://$ENDPOINT/token"
  export GCE_METADATA_HOST=$ENDPOINT GOOGLE_APPLICATION_CREDENTIALS=$FILE CREDENTIALS_DIRECTORY=$BATS_TEST_TMPDIR/credentials
  export CLOUDSDK_CONFIG=$BATS_TEST_TMPDIR/cloudsdk
  [ "$(accounts)" = variable@x ]
  unset GOOGLE_APPLICATION_CREDENTIALS
  [ "$(accounts)" = systemd@x ]
  unset CREDENTIALS_DIRECTORY
  [ "$(accounts)" = cloudsdk@x ]
  unset CLOUDSDK_CONFIG
  [ "$(accounts)" = home@x ]
  rm "$HOME/.config/gcloud/application_default_credentials.json"
  [ "$(accounts)" = metadata ]
}

@test "the project whose quota is used goes along" {
  use_endpoints
  user "$BATS_TEST_TMPDIR/user" "http://$ENDPOINT/token"
  jq '.quota_project_id = "billed"' "$BATS_TEST_TMPDIR/user" >"$FILE"
  GOOGLE_APPLICATION_CREDENTIALS=$FILE check
  assert_success
  run jq -r 'select(.path | test("/storage")) | .headers["x-goog-user-project"]' "$ENDPOINTS/requests"
  [ "$(sort -u <<<"$output")" = billed ]
}

@test "a token that was revoked since it was kept is replaced, once" {
  use_endpoints
  service_account "$FILE" "http://$ENDPOINT/token"
  export GOOGLE_APPLICATION_CREDENTIALS=$FILE
  local refused='{"path": "GET .*", "need": {"Authorization": "Bearer ya29.good"}, "status": 401, "json": {"error": {"message": "Invalid Credentials"}}}'
  check
  assert_success
  use_endpoints "${refused/\"need\"/\"times\": 1, \"need\"}"
  : >"$ENDPOINTS/requests"
  check
  assert_success
  [ "$(asked "POST /token")" = 1 ]
  use_endpoints "$refused"
  : >"$ENDPOINTS/requests"
  check
  [ "$status" -eq 2 ]
  [[ $(field error.message) == *"answers 401: Invalid Credentials" ]]
  [ "$(asked "GET /storage")" = 2 ]
}

@test "a token that is about to expire is not used again" {
  use_endpoints '{"path": "POST /token", "json": {"access_token": "ya29.good", "expires_in": 299}}'
  service_account "$FILE" "http://$ENDPOINT/token"
  export GOOGLE_APPLICATION_CREDENTIALS=$FILE
  check
  check
  assert_success
  [ "$(asked "POST /token")" = 2 ]
  use_endpoints '{"path": "POST /token", "json": {"access_token": "ya29.good", "expires_in": 3599}}'
  check
  check
  [ "$(asked "POST /token")" = 3 ]
  if sanitized; then skip "faketime hangs beneath a sanitizer"; fi
  run --separate-stderr faketime -f +56m dewy-check --registry "$GS"
  assert_success
  [ "$(asked "POST /token")" = 4 ]
}

@test "a key that is not the account's, and an account that is not there" {
  openssl genrsa -out "$BATS_TEST_TMPDIR/other.key" 2048 2>/dev/null
  service_account "$FILE" "http://127.0.0.1:$GCS_PORT/token" "$BATS_TEST_TMPDIR/other.key"
  export GOOGLE_APPLICATION_CREDENTIALS=$FILE
  check
  [ "$status" -eq 2 ]
  [ "$(field error.message)" = "127.0.0.1:$GCS_PORT gives no token for $EMAIL: invalid_grant: Invalid JWT Signature." ]
  [[ $(field error.hint) == "the key was deleted"* ]]
  EMAIL=gone@x service_account "$FILE"
  check
  [ "$status" -eq 2 ]
  [[ $(field error.message) == *"for gone@x: invalid_grant: Invalid grant: account not found" ]]
  [[ $(field error.hint) == "the service account was deleted"* ]]
}

@test "a clock that is wrong is told, by how much, and in which direction" {
  if sanitized; then skip "faketime hangs beneath a sanitizer"; fi
  service_account "$FILE"
  export GOOGLE_APPLICATION_CREDENTIALS=$FILE
  run --separate-stderr faketime -f +2h dewy-check --registry "$GS"
  [ "$status" -eq 2 ]
  [[ $(field error.message) =~ ^"the clock of this machine is "(2h|1h59m)" ahead of that of 127.0.0.1:$GCS_PORT: " ]]
  [[ $(field error.hint) == "set the clock"* ]]
  run --separate-stderr faketime -f -3h dewy-check --registry "$GS"
  [[ $(field error.message) =~ ^"the clock of this machine is "(3h|2h59m)" behind that of 127.0.0.1:$GCS_PORT: " ]]
}

@test "a user who has to log in again is told how" {
  user "$BATS_TEST_TMPDIR/user"
  export GOOGLE_APPLICATION_CREDENTIALS=$FILE
  jq '.refresh_token = "1//old"' "$BATS_TEST_TMPDIR/user" >"$FILE"
  check
  [ "$status" -eq 2 ]
  [[ $(field error.message) == *"for the user of $FILE: invalid_grant: Token has been expired or revoked." ]]
  [[ $(field error.hint) == *"gcloud auth application-default login"* ]]
  jq '.client_id = "other"' "$BATS_TEST_TMPDIR/user" >"$FILE"
  check
  [[ $(field error.message) == *"invalid_client: The OAuth client was not found." ]]
}

@test "a token endpoint that answers nonsense" {
  local answer
  use_endpoints
  service_account "$FILE" "http://$ENDPOINT/token"
  export GOOGLE_APPLICATION_CREDENTIALS=$FILE
  for answer in '"text": "<html>"' '"json": {}' '"json": {"access_token": 7}' '"json": []' '"text": ""' '"json": {"access_token": ""}'; do
    use_endpoints "{\"path\": \"POST /token\", $answer}"
    check
    [ "$status" -eq 2 ]
    [ "$(field error.message)" = "$ENDPOINT answers without an access token" ]
  done
  for answer in '"text": "<html>"' '"json": {"error": {"code": 400}}' '"json": null'; do
    use_endpoints "{\"path\": \"POST /token\", \"status\": 400, $answer}"
    check
    [ "$status" -eq 2 ]
    [ "$(field error.message)" = "$ENDPOINT gives no token for $EMAIL: it answers 400 without a reason" ]
  done
  use_endpoints '{"path": "POST /token", "text": "{}", "fill": 52428800}'
  check
  [[ $(field error.message) == *"larger than 65536 bytes"* ]]
  use_endpoints '{"path": "POST /token", "json": {"access_token": "ya29.x\r\nX-Forged: 1", "expires_in": 3599}}'
  check
  [ "$status" -ne 0 ]
  [[ $(field error.message) == *"control character"* ]]
}

@test "files that are no credentials are named, and nothing in them is shown" {
  export GOOGLE_APPLICATION_CREDENTIALS=$FILE
  check
  [ "$status" -eq 1 ]
  [ "$(field error.message)" = "GOOGLE_APPLICATION_CREDENTIALS: cannot read the Google credentials in $FILE: No such file or directory" ]
  for content in "hidden-s3cret" '["hidden-s3cret"]' ""; do
    printf %s "$content" >"$FILE"
    check
    [ "$status" -eq 1 ]
    [[ $(field error.message) == *"in $FILE are no JSON object" ]]
    [[ $output$stderr != *hidden-s3cret* ]]
  done
  head -c 70000 /dev/zero >"$FILE"
  check
  [[ $(field error.message) == *"larger than 65536 bytes" ]]
  rm "$FILE"
  mkdir "$FILE"
  check
  [[ $(field error.message) == *"Is a directory" ]]
}

@test "types that are not supported, and members that are missing, are named" {
  local member
  export GOOGLE_APPLICATION_CREDENTIALS=$FILE
  for type in external_account impersonated_service_account external_account_authorized_user; do
    jq -n --arg type $type '{type: $type, secret: "hidden-s3cret"}' >"$FILE"
    check
    [ "$status" -eq 1 ]
    [ "$(field error.message)" = "the Google credentials in $FILE are of the type $type: expected service_account or authorized_user" ]
    [[ $output$stderr != *hidden-s3cret* ]]
  done
  echo '{"installed": {}}' >"$FILE"
  check
  [[ $(field error.message) == *"are of the type (none): expected"* ]]
  for member in client_email private_key; do
    service_account "$BATS_TEST_TMPDIR/sa"
    jq "del(.$member)" "$BATS_TEST_TMPDIR/sa" >"$FILE"
    check
    [ "$status" -eq 1 ]
    [[ $(field error.message) == *"lack $member, which the type service_account has" ]]
  done
  for member in client_id client_secret refresh_token; do
    user "$BATS_TEST_TMPDIR/user"
    jq ".$member = 7" "$BATS_TEST_TMPDIR/user" >"$FILE"
    check
    [ "$status" -eq 1 ]
    [[ $(field error.message) == *"lack $member, which the type authorized_user has" ]]
  done
  service_account "$BATS_TEST_TMPDIR/sa"
  jq '.private_key = "hidden-s3cret"' "$BATS_TEST_TMPDIR/sa" >"$FILE"
  check
  [ "$status" -eq 1 ]
  [[ $(field error.message) == "the Google credentials in $FILE: "* ]]
  [[ $output$stderr != *hidden-s3cret* ]]
}

@test "no secret goes to a token_uri in the clear" {
  local uri
  export GOOGLE_APPLICATION_CREDENTIALS=$FILE
  for uri in http://token.example/token http://127.0.0.1.example/token http://localhost@token.example/ ftp://localhost/ "" https:///x; do
    service_account "$FILE" http://127.0.0.1:1/token
    jq -c --arg uri "$uri" '.token_uri = $uri' "$FILE" >"$FILE.new" && mv "$FILE.new" "$FILE"
    check
    [ "$status" -eq 1 ]
    [ "$(field error.message)" = "the token_uri in $FILE is not https" ]
  done
  for uri in http://127.0.0.1:1/ http://localhost:1/ 'http://[::1]:1/'; do
    service_account "$FILE" "$uri"
    check
    [ "$status" -eq 2 ]
    [ "$(field error.code)" = network ]
  done
}
