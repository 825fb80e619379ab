#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What --log-level debug shows of HTTP: each request, its answer, and no secret. t/registry-suite.bash asks the same of each registry.
load common
load github

prepare() {
  export DEWY_LOG_LEVEL=debug DEWY_LOG_FORMAT=json DEWY_PROGRESS=off
  cd "$BATS_TEST_TMPDIR"
}

# serve NAME ARGUMENT...: starts a web server that keeps its files in NAME; sets port.
serve() {
  mkdir "$1"
  "$BATS_TEST_DIRNAME/webserver.py" "$1" "${@:2}" >/dev/null 3>&- &
  echo $! >"$1.pid"
  wait_until test -s "$1/port"
  port=$(<"$1/port")
}

# requests [FILTER]: the requests that the log in $stderr has.
requests() {
  jq -rc "select(.msg == \"HTTP request\") | ${1:-.}" <<<"$stderr"
}

# refute_secret TEXT...: none of them is in what was printed, also percent-encoded or in base64.
refute_secret() {
  local secret form encoded
  for secret; do
    for form in "$secret" "$(encode "$secret")"; do
      refute grep -qF -e "$form" <<<"$output$stderr"
    done
    for form in "" x xy; do
      encoded=$(printf %s%s "$form" "$secret" | base64 -w 0)
      [ ${#encoded} -lt 10 ] || refute grep -qF -e "${encoded:4:-4}" <<<"$output$stderr"
    done
  done
}

# notify ARGUMENT...: has a notice told.
notify() {
  local document
  document=$(jq -nc --arg root "$ROOT" '{dewy: 1, id: "20240115T103044Z-7f3a91", app: "root", host: "web-1", root: $root, mode: "assets",
    state: "deployed", notices: [{time: "2024-01-15T10:30:45Z", stage: "deploy", kind: "important", text: "Deployed", sent: false}]}')
  run --separate-stderr dewy-notify --no-report "$@" <<<"$document"
}

@test "a request has a line with all that is known of it" {
  GITHUB=$BATS_TEST_TMPDIR/github
  github_release acme/app v1.0.0 '' app_linux_amd64.tar.gz
  start_github
  export GH_TOKEN=ghp_write GITHUB_API_URL=$API
  run -0 --separate-stderr dewy-check --registry ghr://acme/app
  run -0 requests '[.method, .status, .sent, .attempt, .http, .address] | join(" ")'
  assert_line --index 0 "GET 200 0 1 1.1 127.0.0.1:$PORT"
  run -0 requests '.url, .request, .response, .duration, .received'
  assert_line --index 0 --partial "$API/repos/acme/app/releases?per_page="
  assert_line --partial "Accept: application/vnd.github+json"
  assert_line --partial "X-GitHub-Api-Version: 2022-11-28"
  assert_line --partial "User-Agent: dewy/"
  assert_line --regexp '^X-RateLimit-Remaining: [0-9]+'
  assert_line --regexp '^ETag: '
  assert_line --regexp '^[0-9]+ms$'
  refute_output --regexp '[Aa]uthorization'
  refute_secret ghp_write
}

@test "redirects are requests of their own, and signed URLs keep their signatures to themselves" {
  GITHUB=$BATS_TEST_TMPDIR/github
  REGISTRY=$GITHUB/repos/acme/app
  publish v1.0.0
  start_github
  export GH_TOKEN=ghp_write GITHUB_API_URL=$API
  run -0 --separate-stderr dewy once --registry ghr://acme/app
  run -0 requests 'select(.response | test("Location:")) | .status, .response'
  assert_line --index 0 302
  assert_line --regexp '^Location: http://127.0.0.1:[0-9]+/.*\[redacted\]'
  run -0 requests 'select(.url | test("redacted")) | [.method, .url, .status] | join(" ")'
  assert_output --regexp '^GET http://127.0.0.1:[0-9]+/.*=\[redacted\].* 200$'
  assert_equal "$(requests .url | wc -l)" "$(github_requests | grep -c dewy/)"
  while read -r signature; do
    refute_secret "$signature"
  done < <(github_requests .path | grep -oP '(?<=(sig|ken|ure|jwt)=)[^&]{8,}')
}

@test "each attempt has its line, and what it failed for, and so has the pause before the next" {
  local free
  serve web 503 503 200
  notify --notifier "http://127.0.0.1:$port/"
  assert_success
  assert_equal "$(requests '"\(.attempt) \(.status)"')" $'1 503\n2 503\n3 200'
  assert_equal "$(jq -c 'select(.msg == "HTTP request is made again") | [.url, .pause != ""]' <<<"$stderr" | sort -u)" "[\"http://127.0.0.1:$port/[redacted]\",true]"
  free=$(free_port)
  notify --notifier "http://127.0.0.1:$free/" --notify-timeout 4s
  run -0 requests '"\(.method) \(.url) \(.status) \(.error)"'
  assert_line --index 0 "POST http://127.0.0.1:$free/[redacted] null Couldn't connect to server"
}

@test "of a webhook there is the host alone, and nothing of who gave the URL away" {
  serve web "302,Location=/elsewhere/t0psecret-place?x=1"
  export WEBHOOK_SECRET=whsec-0123456789 SLACK_TOKEN=xoxb-0123456789
  notify --notifier "http://user:pass-w0rd@127.0.0.1:$port/services/t0psecret-path?key=t0psecret-key&quiet=false"
  assert_success
  [ -s web/requests ]
  run -0 requests '.url, .response'
  assert_line --index 0 "http://127.0.0.1:$port/[redacted]"
  assert_line --partial "Location: "
  notify --notifier "http://user:pass-w0rd@127.0.0.1:$port/services/t0psecret-path?key=t0psecret-key&quiet=false"
  refute_secret pass-w0rd t0psecret-path t0psecret-key t0psecret-place whsec-0123456789 xoxb-0123456789
}

@test "TLS and the connection through a proxy are told, and not the password for it" {
  "$BATS_TEST_DIRNAME/stack/authority" ca
  serve web --tls ca/server.pem ca/server.key
  python3 "$BATS_TEST_DIRNAME/proxy.py" web "$port" >/dev/null 3>&- &
  echo $! >proxy.pid
  wait_until test -s web/proxy-port
  export https_proxy=http://someone:pr0xy-passw0rd@127.0.0.1:$(<web/proxy-port)
  notify --notifier https://localhost/hook --cacert ca/ca.pem
  assert_success
  run -0 requests '"\(.method) \(.url) \(.status) \(.tls) \(.address)"'
  assert_line --index 0 "CONNECT https://localhost/[redacted] 200 null 127.0.0.1:$(<web/proxy-port)"
  assert_line --index 1 --regexp "^POST https://localhost/\[redacted\] 200 TLSv1.3 / [A-Z0-9_]+ 127.0.0.1:$(<web/proxy-port)$"
  refute_secret pr0xy-passw0rd
}

@test "no service that gives credentials shows one" {
  local service=$BATS_TEST_TMPDIR/service source
  mkdir -p "$service" "$HOME/.aws"
  python3 "$BATS_TEST_DIRNAME/aws-endpoints.py" "$service" >/dev/null 3>&- &
  echo $! >service.pid
  wait_until test -e "$service/port"
  local base
  base=http://127.0.0.1:$(<"$service/port")
  export DEWY_REGISTRY="s3://us-east-1/bucket?endpoint=$base" AWS_ENDPOINT_URL_STS=$base
  echo jwt.of.the.pod-0123456789 >token
  echo container-authorization-0123 >"$service/authorization"
  for source in "AWS_WEB_IDENTITY_TOKEN_FILE=$PWD/token AWS_ROLE_ARN=arn:aws:iam::123456789012:role/deploy" \
    "AWS_CONTAINER_CREDENTIALS_FULL_URI=$base/container/01234567-89ab AWS_CONTAINER_AUTHORIZATION_TOKEN=container-authorization-0123" \
    "AWS_EC2_METADATA_DISABLED=false AWS_EC2_METADATA_SERVICE_ENDPOINT=$base"; do
    : >"$service/requests"
    # shellcheck disable=SC2086
    run -0 --separate-stderr env $source dewy-check
    assert_equal "$(requests .url | wc -l)" "$(wc -l <"$service/requests")"
    refute_secret jwt.of.the.pod-0123456789 container-authorization-0123 01234567-89ab keysts1 keycontainer1 keyinstance1 \
      session/KEYsts1+= session/KEYcontainer1+= session/KEYinstance1+=
  done
}

@test "a server that repeats what it was asked gives away neither the token of an App nor the assertion for it" {
  openssl genrsa -out key.pem 2048 2>/dev/null
  export GITHUB_APP_ID=12 GITHUB_APP_INSTALLATION_ID=34 GITHUB_APP_PRIVATE_KEY_PATH=$PWD/key.pem
  echo '{"token": "ghs_hush-hush-0123", "expires_at": "2099-01-01T00:00:00Z"}' >token
  echo '{"message": "you said Bearer ghs_hush-hush-0123"}' >refusal
  serve web "201,@$PWD/token" "403,@$PWD/refusal"
  export GITHUB_API_URL=http://127.0.0.1:$port
  run --separate-stderr dewy-check --registry ghr://acme/app
  assert_failure 2
  assert_equal "$(wc -l <web/requests)" 2
  [[ $(field error.message) == *"you said Bearer [redacted]"* ]]
  refute_secret ghs_hush-hush-0123
  stop_pid "$(<web.pid)"
  python3 - >echo.port 3>&- <<'IN' &
import http.server, json
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.send_response(403)
        self.end_headers()
        self.wfile.write(json.dumps({"message": self.headers["Authorization"]}).encode())
    def log_message(self, *_):
        pass
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
IN
  echo $! >echo.pid
  wait_until test -s echo.port
  GITHUB_API_URL=http://127.0.0.1:$(<echo.port) run --separate-stderr dewy-check --registry ghr://acme/app
  assert_failure 2
  [[ $(field error.message) == *"Bearer [redacted]"* ]]
  refute grep -qE 'eyJ[A-Za-z0-9_-]{8}' <<<"$output$stderr"
}

@test "nobody sees it at another level, and libcurl says nothing itself" {
  serve web
  notify --notifier "http://127.0.0.1:$port/"
  refute_regex "$stderr" 'Trying|Connected to|Connection #|ALPN|^[*<>] '
  notify --log-level info --notifier "http://127.0.0.1:$port/"
  assert_equal "$(requests)" ""
}
