# ghr://OWNER/REPO: releases at GitHub, against t/github.py.
load common
load github

prepare() {
  GITHUB=$BATS_TEST_TMPDIR/github
  REGISTRY=$GITHUB/repos/acme/app
  github_repository acme/app
  export GH_TOKEN=ghp_write
}

# serve OPTION...: starts GitHub, and has dewy ask it.
serve() {
  start_github "$@"
  export GITHUB_API_URL=$API
}

# check [OPTION...]: asks what should run; once [OPTION...]: has it run.
check() {
  run --separate-stderr dewy-check --registry ghr://acme/app "$@"
}
once() {
  run --separate-stderr dewy once --registry ghr://acme/app "$@"
}

# members VERSION JSON: members of the release that are not the default ones, for the next start or reload.
members() {
  mkdir -p "$REGISTRY/$1"
  echo "$2" >"$REGISTRY/$1/.release.json"
}

# forget_requests: the requests are counted from here on; count_requests [JQ-CONDITION]: those that fulfil it.
forget_requests() {
  curl -sSf -X DELETE "$API/_control/requests"
}
count_requests() {
  jq -s "map(select(${1:-true})) | length" "$GITHUB/requests"
}

# fault JSON: what befalls the next requests.
fault() {
  github_control faults "$1"
}

@test "a release is deployed, its digest checked, and an audit record left beside its artifacts" {
  publish v1.2.3
  serve
  once
  assert_success
  [ "$(cat "$ROOT/current/version")" = v1.2.3 ]
  [ "$(field artifact.url)" = ghr://acme/app/tag/v1.2.3/app_linux_amd64.tar.gz ]
  [ "$(field artifact.digest)" = "sha256:$(sha256sum <"$REGISTRY/v1.2.3/app_linux_amd64.tar.gz" | cut -d' ' -f1)" ]
  [ "$(field artifact.size)" = "$(stat -c %s "$REGISTRY/v1.2.3/app_linux_amd64.tar.gz")" ]
  [ "$(field release.published_at)" != null ]
  [ "$(jq -c .fetch.verified <<<"$output")" = '["size","sha256"]' ]
  [ "$(field report.sent)" = true ]
  [ "$(count_requests '.headers["x-github-api-version"] != "2022-11-28"')" = 0 ]
  curl -sSf -H "Authorization: Bearer ghp_read" "$API/repos/acme/app/releases/tags/v1.2.3" |
    jq -e '[.assets[] | select(.name | startswith("shipped_to_"))] | length == 1 and .[0].content_type == "text/plain"'
}

@test "an unchanged repository costs one request, which is answered 304 and not counted, and nothing is written" {
  publish v1.2.3
  serve
  once --no-report
  assert_success
  once --no-report # the download was counted: that is a change
  forget_requests
  find "$ROOT" -printf '%p %T@ %i\n' | sort >"$BATS_TEST_TMPDIR/before"
  once --no-report
  assert_success
  [ "$(field state)" = unchanged ]
  find "$ROOT" -printf '%p %T@ %i\n' | sort | diff "$BATS_TEST_TMPDIR/before" -
  [ "$(github_requests '[.method, .path, .status] | join(" ")')" = "GET /repos/acme/app/releases?per_page=100 304" ]
  once --no-report
  [ "$(count_requests)" = 2 ]
  [ "$(count_requests '.status == 304')" = 2 ]
}

@test "an audit record of another machine is a change of the list, but not of what should run" {
  publish v1.2.3
  serve
  check
  curl -sSf -H "Authorization: Bearer ghp_write" -H "Content-Type: text/plain" -d text \
    "$API/uploads/repos/acme/app/releases/$(jq -r '.found.release.id' "$ROOT/.dewy/registry.json" 2>/dev/null || echo 1002)/assets?name=shipped_to_b.txt"
  check
  assert_success
  [ "$(field artifact.name)" = app_linux_amd64.tar.gz ]
}

@test "a new release is seen although the one before was remembered" {
  publish v1.2.3
  serve
  once
  once
  publish v1.3.0
  github_control reload
  once
  assert_success
  [ "$(cat "$ROOT/current/version")" = v1.3.0 ]
}

@test "what was remembered is used only when it is whole, and as this version of dewy has left it" {
  local damage whole
  publish v1.2.3
  serve
  once --no-report
  check
  whole=$(cat "$ROOT/.dewy/registry.json")
  local lasting='del(.found.validators.tail_at, .found.at)'
  for damage in '.found.key |= sub("dewy.:.[0-9.]+"; "dewy\":\"0.0.1")' 'del(.found.artifacts)' 'del(.found.artifacts[0].name)' \
    'del(.found.release.version)' '.found.release.published_at = 9e15' 'del(.found.validators.pages)' '.found.artifacts[0].url = "ghr://acme/other/tag/v1.2.3/app.tar"' \
    '.found.artifacts[0].url |= gsub("tag"; "..")' '.found = 1'; do
    echo "$whole" >"$ROOT/.dewy/registry.json"
    edit "$ROOT/.dewy/registry.json" "$damage"
    [ "$(cat "$ROOT/.dewy/registry.json")" != "$whole" ]
    forget_requests
    check
    assert_success
    [ "$(field state)" = unchanged ]
    [ "$(count_requests '.status == 304')" = 0 ]
    [ "$(jq "$lasting" "$ROOT/.dewy/registry.json")" = "$(jq "$lasting" <<<"$whole")" ]
  done
}

@test "what is remembered of one token is not used for another" {
  publish v1.2.3
  members v1.3.0-draft '{"draft": true}'
  serve
  once --no-report
  once --no-report
  forget_requests
  GH_TOKEN=ghp_read once --no-report
  assert_success
  [ "$(count_requests '.headers["if-none-match"]')" = 0 ]
  [ "$(count_requests '.status == 304')" = 0 ]
  forget_requests
  GH_TOKEN=ghp_read once --no-report
  [ "$(github_requests .status)" = 304 ]
}

# created TIME: the members of a release that was made at that time.
created() {
  printf '{"created_at": "%s", "updated_at": "%s", "published_at": "%s"}' "$1" "$1" "$1"
}

# publish_many COUNT: releases v0.0.1 to v0.0.COUNT without artifacts, and v1.0.0, the oldest of all, with one.
publish_many() {
  local number time
  eval "mkdir -p '$REGISTRY'/v0.0.{1..$1}"
  for ((number = 1; number <= $1; number++)); do
    printf -v time '2026-%02d-%02dT00:00:00Z' $((number / 28 + 1)) $((number % 28 + 1))
    created "$time" >"$REGISTRY/v0.0.$number/.release.json"
  done
  publish v1.0.0
  members v1.0.0 "$(created 2020-01-01T00:00:00Z)"
}

# five_minutes_later: as if the pages after the first had been asked for before.
five_minutes_later() {
  jq '.found.validators.tail_at -= 300' "$ROOT/.dewy/registry.json" >"$BATS_TEST_TMPDIR/state"
  cp "$BATS_TEST_TMPDIR/state" "$ROOT/.dewy/registry.json"
}

@test "all pages are read, and the later ones asked only now and then whether they changed" {
  publish_many 250
  serve
  check
  assert_success
  [ "$(field release.version)" = v1.0.0 ]
  [ "$(github_requests .path | grep -c "/releases?per_page=100")" = 3 ]
  once --no-report
  five_minutes_later
  once --no-report # the download was counted, on the last page
  forget_requests
  once --no-report
  [ "$(github_requests .status)" = 304 ]
  five_minutes_later
  forget_requests
  once --no-report
  [ "$(field state)" = unchanged ]
  [ "$(github_requests .status | tr '\n' ' ')" = "304 304 304 " ]
  forget_requests
  once --no-report
  [ "$(github_requests .status)" = 304 ]
}

@test "a change of a later page is found after five minutes" {
  publish_many 150
  serve
  once --no-report
  publish v2.0.0
  members v2.0.0 "$(created 2020-01-02T00:00:00Z)"
  github_control reload
  once --no-report
  [ "$(field release.version)" = v1.0.0 ]
  five_minutes_later
  once --no-report
  assert_success
  [ "$(cat "$ROOT/current/version")" = v2.0.0 ]
}

@test "a release has more artifacts than a page" {
  publish v1.2.3
  for number in {1..130}; do
    echo x >"$REGISTRY/v1.2.3/a$number.txt"
  done
  serve
  once
  assert_success
  [ "$(cat "$ROOT/current/version")" = v1.2.3 ]
}

@test "a draft is not taken, and what GitHub marks as a pre-release only when wanted" {
  publish v1.2.3
  publish v1.3.0
  publish v1.4.0
  members v1.3.0 '{"prerelease": true}'
  members v1.4.0 '{"draft": true}'
  serve
  check
  [ "$(field release.version)" = v1.2.3 ]
  run --separate-stderr dewy-check --registry "ghr://acme/app?pre-release=true"
  [ "$(field release.version)" = v1.3.0 ]
  [ "$(field release.prerelease)" = true ]
}

@test "an artifact that is still being uploaded is waited for" {
  publish v1.2.3
  members v1.2.3 '{"assets": {"app_linux_amd64.tar.gz": {"state": "starter"}}}'
  serve
  once
  assert_success
  [ "$(field state)" = waiting ]
  rm "$REGISTRY/v1.2.3/.release.json"
  touch "$REGISTRY/v1.2.3/app_linux_amd64.tar.gz"
  github_control reload
  once
  assert_success
  [ "$(field state)" = deployed ]
}

@test "names and versions with all kinds of characters find their way" {
  publish v1.2.3+blue "app +1@100%_linux_amd64.tar.gz"
  serve
  once
  assert_success
  [ "$(field artifact.name)" = "app +1@100%_linux_amd64.tar.gz" ]
  [ "$(field artifact.url)" = ghr://acme/app/tag/v1.2.3%2Bblue/app%20%2B1%40100%25_linux_amd64.tar.gz ]
  [ "$(cat "$ROOT/current/version")" = v1.2.3+blue ]
}

@test "a private repository is read with a token, and without one it is said that one may be needed" {
  github_repository acme/app '{"private": true}'
  publish v1.2.3
  serve
  GH_TOKEN=ghp_read check
  assert_success
  [ "$(field state)" = available ]
  GH_TOKEN= check
  assert_failure 2
  [[ $(field error.message) == *"the releases of acme/app: not there, or not to be seen without a token: 404"* ]]
  [[ $(field error.hint) == *"private repository"*GH_TOKEN* ]]
}

@test "a public repository needs no token, and nothing is reported then" {
  publish v1.2.3
  serve
  GH_TOKEN= once
  assert_success
  [ "$(cat "$ROOT/current/version")" = v1.2.3 ]
  [ "$(count_requests '.method == "POST"')" = 0 ]
  [ "$(count_requests '.headers.authorization')" = 0 ]
}

@test "a token that may only read is enough: the refused audit record is a warning once" {
  publish v1.2.3
  serve
  export GH_TOKEN=ghp_read
  once
  assert_success
  [ "$(field report)" = null ]
  [[ $stderr == *'WARN: Audit record refused registry="ghr://acme/app"'* ]]
  publish v1.2.4
  github_control reload
  once
  assert_success
  [[ $stderr != *"Audit record"* ]]
}

@test "a release that may not be changed takes no audit record" {
  github_repository acme/app '{"immutable": true}'
  publish v1.2.3
  serve
  once
  assert_success
  [[ $stderr == *"WARN: Audit record refused"* ]]
}

@test "an audit record that GitHub has in spite of a lost answer is one that was sent" {
  publish v1.2.3
  serve
  fault '{"fault": "lost", "method": "POST"}'
  once
  assert_success
  [ "$(field report.sent)" = true ]
  [ "$(github_requests 'select(.method == "POST") | .status' | tr '\n' ' ')" = "null 422 " ]
}

@test "... but not one whose upload broke off within GitHub" {
  publish v1.2.3
  serve
  fault '{"fault": "starter", "path": "/uploads/", "method": "POST"}'
  once
  assert_success
  [ "$(field report.sent)" = null ]
  [[ $stderr == *"WARN: Audit record failed"*"broke off within GitHub"* ]]
}

@test "an audit record goes to no other host than that of the API" {
  publish v1.2.3
  serve --base http://localhost:1
  once
  assert_success
  [[ $stderr == *"Audit record failed"*"leads to localhost:1, which is another host"* ]]
}

@test "no page is read from another host than that of the API" {
  publish_many 120
  serve --base http://localhost:1
  check
  assert_failure 2
  [[ $(field error.message) == *"leads to localhost:1, which is another host"* ]]
}

@test "GitHub Enterprise Server is asked below /api/v3, and takes the audit record there" {
  publish v1.2.3
  start_github
  GITHUB_API_URL=$API/api/v3/ once
  assert_success
  [ "$(field report.sent)" = true ]
  [ "$(count_requests '.path | startswith("/api/") or startswith("/github-prod") | not')" = 0 ]
}

@test "GITHUB_ENDPOINT names the API, too, after GITHUB_API_URL" {
  publish v1.2.3
  start_github
  GITHUB_ENDPOINT=$API check
  assert_success
  GITHUB_API_URL=$API GITHUB_ENDPOINT=http://127.0.0.1:1 check
  assert_success
  GITHUB_API_URL=github.example.com check
  assert_failure 1
  [[ $(field error.message) == *"GITHUB_API_URL is no http:// or https:// URL"* ]]
}

@test "a repository that was renamed is found under its old name" {
  github_repository acme/app '{"moved_to": "acme/new"}'
  REGISTRY=$GITHUB/repos/acme/new
  publish v1.2.3
  serve
  once
  assert_success
  [ "$(cat "$ROOT/current/version")" = v1.2.3 ]
}

@test "a URL that is none of a repository is refused" {
  local url
  for url in ghr://acme ghr:///acme/app ghr://acme/app/x "ghr://ac me/app" ghr://acme/.. "ghr://acme/app?x=1"; do
    run --separate-stderr dewy-check --registry "$url"
    assert_failure 1
  done
}

@test "the token goes to the API alone, and is in no document, log or state" {
  publish v1.2.3
  serve
  once --log-level debug
  assert_success
  [ "$(count_requests '.path | startswith("/github-production-release-asset")')" = 1 ]
  [ "$(count_requests '(.path | startswith("/github-production-release-asset")) and .headers.authorization')" = 0 ]
  [[ $output$stderr != *ghp_write* && $output$stderr != *sig=[!\[]* ]]
  run ! grep -rq 'ghp_write\|sig=' "$ROOT"
}

@test "an artifact with another digest than GitHub's is refused" {
  publish v1.2.3
  members v1.2.3 "{\"assets\": {\"app_linux_amd64.tar.gz\": {\"digest\": \"sha256:$(printf 0%.0s {1..64})\"}}}"
  serve
  once
  assert_failure 5
  [ "$(field error.code)" = integrity ]
  [ ! -e "$ROOT/current" ]
}

@test "an artifact from before GitHub made digests is taken by its size" {
  publish v1.2.3
  members v1.2.3 '{"assets": {"app_linux_amd64.tar.gz": {"digest": null}}}'
  serve
  once
  assert_success
  [ "$(jq -c .fetch.verified <<<"$output")" = '["size"]' ]
}

@test "a release that went away between two steps is said to be gone" {
  publish v1.2.3
  serve
  check
  rm -r "$REGISTRY/v1.2.3"
  github_control reload
  run --separate-stderr dewy-fetch <<<"$output"
  assert_failure 2
  [[ $(field error.message) == *"release v1.2.3 of acme/app: not there"* ]]
}

@test "a used-up limit is remembered: later runs ask nobody before its end, and are no failures" {
  publish v1.2.3
  serve
  once --no-report
  github_control rate '{"token": "ghp_write", "remaining": 0, "reset_in": 1800}'
  publish v1.3.0
  github_control reload
  check
  assert_failure 2
  [ "$(field error.code)" = rate-limited ]
  forget_requests
  check
  assert_success
  [ "$(field state)" = waiting ]
  once
  assert_success
  [ "$(count_requests)" = 0 ]
  GH_TOKEN=ghp_read check # has a limit of its own
  [ "$(field state)" = available ]
}

@test "the time of a limit is GitHub's, whose clock may be another one" {
  local offset until
  publish v1.2.3
  serve
  for offset in -10800 10800; do
    github_control settings "{\"clock_offset\": $offset}"
    github_control rate '{"token": "ghp_write", "remaining": 0, "reset_in": 1800}'
    rm -rf "$ROOT/.dewy"
    once
    assert_failure 2
    [ "$(field error.code)" = rate-limited ]
    until=$(grep -o "until 20.*Z" <<<"$(field error.message)")
    until=$(($(date -d "${until#until }" +%s) - $(date +%s)))
    ((until > 1700 && until < 1900))
  done
}

@test "a limit that was remembered while the clock was wrong keeps nobody waiting for ever" {
  publish v1.2.3
  serve
  fault '{"fault": "secondary", "seconds": 120}'
  once
  assert_failure 2
  edit "$ROOT/.dewy/registry.json" '.limits[0].until = "2096-11-24T16:00:00Z"'
  once
  assert_success
  [ "$(cat "$ROOT/current/version")" = v1.2.3 ]
}

@test "a secondary limit is waited out" {
  publish v1.2.3
  serve
  fault '{"fault": "secondary", "seconds": 120}'
  once
  assert_failure 2
  [ "$(field error.code)" = rate-limited ]
  once
  assert_success
  [ "$(field state)" = waiting ]
  [ "$(count_requests)" = 1 ]
}

@test "a secondary limit that does not say for how long is one of a minute" {
  publish v1.2.3
  serve
  fault '{"fault": "secondary", "seconds": 0, "status": 429}'
  once --retries 0
  assert_failure 2
  local until
  until=$(grep -o "until 20.*Z" <<<"$(field error.message)")
  (($(date -d "${until#until }" +%s) - $(date +%s) >= 50))
  once
  [ "$(field state)" = waiting ]
}

@test "what fails for a passing reason is asked again" {
  publish v1.2.3
  serve
  local fault
  for fault in 500 502 reset cut lost; do
    fault "{\"fault\": \"$fault\", \"path\": \"/repos/acme/app/releases?\"}"
    check
    assert_success
    [ "$(field release.version)" = v1.2.3 ]
  done
  for fault in 503 reset cut; do
    rm -rf "$ROOT/.dewy/cache"
    fault "{\"fault\": \"$fault\", \"path\": \"/github-production-release-asset\"}"
    run --separate-stderr dewy-fetch <<<"$(dewy-check --registry ghr://acme/app)"
    assert_success
  done
}

@test "a download that broke off goes on where it was, by a new signed URL" {
  publish v1.2.3
  serve
  fault '{"fault": "cut", "path": "/github-production-release-asset"}'
  once
  assert_success
  local half=$(($(stat -c %s "$REGISTRY/v1.2.3/app_linux_amd64.tar.gz") / 2))
  [ "$(github_requests 'select(.path | startswith("/github-prod")) | [.status, .headers.range] | join(" ")')" = "200 
206 bytes=$half-" ]
}

@test "a page that broke off is not taken twice" {
  publish_many 120
  serve
  fault '{"fault": "cut", "path": "/repositories"}'
  once --no-report
  assert_success
  [ "$(field release.version)" = v1.0.0 ]
  [[ $stderr != *"equally new"* ]]
}

@test "what does not get better is an error that says so" {
  publish v1.2.3
  serve
  fault '{"fault": "500", "count": 100}'
  check --retries 1
  assert_failure 2
  [[ $(field error.message) == "127.0.0.1:$PORT: the releases of acme/app: 500 Server Error" ]]
}

@test "what is no JSON is an error" {
  publish v1.2.3
  serve
  fault '{"fault": "garbage"}'
  check
  assert_failure 2
  [[ $(field error.message) == "127.0.0.1:$PORT: the releases of acme/app: not a JSON array of objects: "* ]]
  [ "$(field error.code)" = registry ]
  fault '{"fault": "length"}'
  check
  assert_failure 2
  [[ $(field error.message) == *"it ends too early" ]]
}

@test "50 MB of releases are refused in little memory" {
  publish v1.2.3
  serve
  fault '{"fault": "flood"}'
  sanitized || ulimit -v 100000
  check
  assert_failure 2
  [[ $(field error.message) == *"more than the 100 elements of a page" ]]
}

@test "a text that is longer than any of GitHub's is refused" {
  publish v1.2.3
  members v1.2.3 "{\"published_at\": \"$(printf '%09000d' 0)\"}"
  serve
  check
  assert_failure 2
  [[ $(field error.message) == *"published_at is longer than 8192 bytes" ]]
}

@test "a token that is not accepted is named by where it comes from" {
  publish v1.2.3
  serve
  GH_TOKEN=wrong check
  assert_failure 2
  [[ $(field error.message) == *"GH_TOKEN is not accepted: 401 Bad credentials" ]]
  GH_TOKEN= GITHUB_TOKEN=wrong check
  [[ $(field error.message) == *"GITHUB_TOKEN is not accepted: 401 Bad credentials" ]]
}

@test "what a token lacks is said: a permission, or to be authorized for single sign-on" {
  publish v1.2.3
  serve
  fault '{"fault": "forbidden"}'
  check
  assert_failure 2
  [[ $(field error.message) == *"not allowed to GH_TOKEN: 403 Resource not accessible by personal access token" ]]
  [[ $(field error.hint) == *"Contents: read"* ]]
  fault '{"fault": "sso"}'
  check
  assert_failure 2
  [[ $(field error.hint) == *"single sign-on"* ]]
  [[ $output$stderr != *authorization_request* ]]
}

@test "gh, an independent client, reads what dewy wrote" {
  publish v1.2.3
  need_private_mounts
  as_github bash -euc 'SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt dewy once --registry ghr://acme/app >/dev/null
    gh release download v1.2.3 --repo acme/app --pattern "shipped_to_*" --dir "$1"' bash "$BATS_TEST_TMPDIR/read"
  [[ $(cat "$BATS_TEST_TMPDIR"/read/shipped_to_*.txt) == "shipped to "*" assets at "* ]]
}

@test "what GitHub still grants is in the document, also of a poll that finds nothing new" {
  local left
  publish v1.0.0
  serve
  once
  assert_success
  check # for the first time with the audit record
  check
  assert_equal "$(field state) $(field check.requests_limit)" "unchanged 5000"
  assert_document
  left=$(field check.requests_left)
  assert [ "$left" -lt 5000 ]
  assert_equal "$(github_requests .status | tail -n 1)" 304
  github_control rate '{"token": "ghp_write", "remaining": 7, "reset_in": 600}'
  check
  assert_equal "$(field check.requests_left)" 7
  jq -e '.check.requests_reset_at | fromdate | . > now + 500 and . < now + 700' <<<"$output"
}
