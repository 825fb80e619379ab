# Who dewy is at GitHub: tokens, and GitHub Apps. t/github.py verifies their JWTs.
load common
load github

prepare() {
  GITHUB=$BATS_TEST_TMPDIR/github
  REGISTRY=$GITHUB/repos/acme/app
  KEY=$BATS_TEST_TMPDIR/app.pem
  github_repository acme/app '{"private": true}'
  publish v1.2.3
}

# serve OPTION...: starts GitHub, with the App 12 installed as 34, and has dewy ask it.
serve() {
  rm -f "$GITHUB/port"
  start_github --app-id 12 --app-key "$BATS_TEST_TMPDIR/app.pub" --installation 34 "$@"
  export GITHUB_API_URL=$API
}

# use_app: makes the App's key, and configures it.
use_app() {
  openssl genrsa -out "$KEY" 2048 2>/dev/null
  openssl rsa -in "$KEY" -pubout -out "$BATS_TEST_TMPDIR/app.pub" 2>/dev/null
  export GITHUB_APP_ID=12 GITHUB_APP_INSTALLATION_ID=34 GITHUB_APP_PRIVATE_KEY_PATH=$KEY
}

# check [OPTION...]: asks what should run, in a ROOT where something can be kept.
check() {
  mkdir -p "$ROOT/.dewy"
  run --separate-stderr dewy-check --registry ghr://acme/app "$@"
}

# exchanges: how many installation tokens were asked for; claims: what the last JWT says.
exchanges() {
  jq -s 'map(select(.path | endswith("/access_tokens"))) | length' "$GITHUB/requests"
}
claims() {
  github_requests 'select(.path | endswith("/access_tokens")) | .headers.authorization' | tail -n 1 | cut -d. -f2 | tr _- /+ |
    sed 's/$/===/' | base64 -di 2>/dev/null
}

# asked_as TOKEN: the last request came with that token.
asked_as() {
  [ "$(github_requests .headers.authorization | tail -n 1)" = "Bearer $1" ]
}

@test "GH_TOKEN goes before GITHUB_TOKEN, and both before an App" {
  use_app
  serve
  GH_TOKEN=ghp_read GITHUB_TOKEN=ghp_write check
  assert_success
  asked_as ghp_read
  GITHUB_TOKEN=ghp_write check
  assert_success
  asked_as ghp_write
  [ "$(exchanges)" = 0 ]
}

@test "a token comes out of a file, or out of systemd's credentials" {
  serve
  mkdir "$BATS_TEST_TMPDIR/credentials"
  echo ghp_read >"$BATS_TEST_TMPDIR/token"
  echo ghp_write >"$BATS_TEST_TMPDIR/credentials/GITHUB_TOKEN"
  export CREDENTIALS_DIRECTORY=$BATS_TEST_TMPDIR/credentials
  check
  assert_success
  asked_as ghp_write
  GH_TOKEN_FILE=$BATS_TEST_TMPDIR/token check
  assert_success
  asked_as ghp_read
  GH_TOKEN_FILE=$BATS_TEST_TMPDIR/nothing check
  assert_failure 1
  [[ $(field error.message) == *"$BATS_TEST_TMPDIR/nothing, which GH_TOKEN_FILE names"* ]]
}

@test "an App exchanges a JWT, good for 9 minutes at the most, for a token that is kept sealed" {
  use_app
  serve
  check
  assert_success
  [ "$(exchanges)" = 1 ]
  local now
  now=$(date +%s)
  claims | jq -e --argjson now "$now" '.iss == "12" and .exp <= $now + 540 and .exp - .iat <= 540 and .iat <= $now'
  check
  assert_success
  [ "$(exchanges)" = 1 ]
  [ "$(stat -c %a "$ROOT/.dewy/tokens.json")" = 600 ]
  run ! grep -rq 'ghs_\|PRIVATE KEY' "$ROOT"
  [[ $output$stderr != *ghs_* ]]
}

@test "the key of an App is PKCS #1 or PKCS #8, in a file, in a credential, or in the variable with \n for its line ends" {
  use_app
  serve
  openssl pkcs8 -topk8 -nocrypt -in "$KEY" -out "$KEY.8"
  mkdir "$BATS_TEST_TMPDIR/credentials"
  cp "$KEY" "$BATS_TEST_TMPDIR/credentials/GITHUB_APP_PRIVATE_KEY"
  unset GITHUB_APP_PRIVATE_KEY_PATH
  local variable
  for variable in GITHUB_APP_PRIVATE_KEY="$(cat "$KEY")" GITHUB_APP_PRIVATE_KEY="$(sed 's/$/\\n/' "$KEY" | tr -d '\n')" \
    GITHUB_APP_PRIVATE_KEY_FILE="$KEY.8" CREDENTIALS_DIRECTORY="$BATS_TEST_TMPDIR/credentials"; do
    rm -f "$ROOT/.dewy/tokens.json"
    export "${variable?}"
    check
    assert_success
    unset "${variable%%=*}"
  done
  [ "$(exchanges)" = 4 ]
}

@test "a token that expires within five minutes is replaced" {
  use_app
  serve
  github_control settings '{"token_lifetime": 290}'
  check
  check
  assert_success
  [ "$(exchanges)" = 2 ]
}

@test "a kept token that GitHub does not know any more is replaced, once" {
  use_app
  serve
  check
  stop_pid "$(cat "$BATS_TEST_TMPDIR/github.pid")"
  serve --port "$PORT"
  check
  assert_success
  [ "$(exchanges)" = 2 ]
  [ "$(github_requests 'select(.status == 401) | .path')" = "/repos/acme/app/releases?per_page=100" ]
}

@test "a token that was kept under another key is not used" {
  use_app
  serve
  check
  openssl genrsa -out "$KEY" 2048 2>/dev/null
  check
  assert_failure 2
  [[ $(field error.message) == *"gives no token to the GitHub App 12 for its installation 34: 401"* ]]
  [[ $(field error.hint) == *GITHUB_APP_PRIVATE_KEY* ]]
}

@test "a clock that is wrong is said to be, and does not keep an App out" {
  use_app
  serve
  local offset word
  for offset in 3600:behind -3600:ahead; do
    word=${offset#*:}
    rm -f "$ROOT/.dewy/tokens.json"
    github_control settings "{\"clock_offset\": ${offset%:*}}"
    check
    assert_success
    [[ $stderr =~ "WARN: The clock of this machine is "(359|360)[0-9]" s $word" ]]
    check
    assert_success
    [[ $stderr != *clock* ]] # the token is kept until the time that it has by this clock
  done
  [ "$(exchanges)" = 4 ]
}

@test "a machine whose clock is wrong finds an App, too" {
  sanitized && skip "AddressSanitizer wants to be loaded first"
  use_app
  serve
  mkdir -p "$ROOT/.dewy"
  run --separate-stderr faketime -f +40m dewy-check --registry ghr://acme/app
  assert_success
  [[ $stderr == *"The clock of this machine is "*" s ahead"* ]]
}

@test "when the clock is wrong and the App is refused all the same, both are said" {
  use_app
  serve
  github_control settings '{"clock_offset": 7200}'
  openssl genrsa -out "$KEY" 2048 2>/dev/null
  check
  assert_failure 2
  [[ $(field error.message) =~ "refuses the GitHub App 12: ".*"; the clock of this machine is 7"[0-9]*" s behind" ]]
  [[ $(field error.hint) == *timedatectl*chrony* ]]
}

@test "an App that lacks a setting is an error that names it" {
  use_app
  serve
  (unset GITHUB_APP_INSTALLATION_ID && run -1 --separate-stderr dewy-check --registry ghr://acme/app &&
    [[ $(field error.message) == *"lack GITHUB_APP_INSTALLATION_ID" ]])
  (unset GITHUB_APP_ID && run -1 --separate-stderr dewy-check --registry ghr://acme/app &&
    [[ $(field error.message) == *"lack GITHUB_APP_ID" ]])
  (unset GITHUB_APP_PRIVATE_KEY_PATH && run -1 --separate-stderr dewy-check --registry ghr://acme/app &&
    [[ $(field error.message) == *"lack GITHUB_APP_PRIVATE_KEY" ]])
  GITHUB_APP_INSTALLATION_ID=acme check
  assert_failure 1
  [[ $(field error.message) == *"GITHUB_APP_INSTALLATION_ID is acme: expected a number" ]]
  echo nonsense >"$KEY"
  check
  assert_failure 1
  [[ $(field error.message) == *"GITHUB_APP_PRIVATE_KEY: the private key cannot be read"* ]]
}

@test "an App that is not installed there, or is not known, is told apart" {
  use_app
  serve
  GITHUB_APP_INSTALLATION_ID=35 check
  assert_failure 2
  [[ $(field error.message) == *"installation 35: 404 Not Found" ]]
  [[ $(field error.hint) == *GITHUB_APP_INSTALLATION_ID* ]]
  GITHUB_APP_ID=13 check
  assert_failure 2
  [[ $(field error.message) == *"404 Integration not found" ]]
}
