#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# t/github.py, the stand-in for GitHub that the tests of ghr:// ask: it does what GitHub publishes, and GitHub's own client
# (Debian's gh) takes it for GitHub.
load common
load github

prepare() {
  GITHUB=$BATS_TEST_TMPDIR/github
  github_repository octo/app
  cd "$BATS_TEST_TMPDIR"
}

# ask TOKEN PATH|URL CURL-OPTION...: a request; sets status, output to the body, and leaves the headers in the file "headers".
ask() {
  local token=$1 url=$2
  shift 2
  [[ $url == http* ]] || url=$API$url
  [ -z "$token" ] || set -- -H "Authorization: Bearer $token" "$@"
  rm -f body headers
  status=$(curl -sS -D headers -o body -w '%{http_code}' "$@" "$url") || return
  output=$(cat body 2>/dev/null || true)
}

# query FILTER: what jq finds in the last answer.
query() {
  jq -r "$1" <<<"$output"
}

# header NAME: the value of a header of the last answer.
header() {
  sed -nE "s/^$1: (.*)\r\$/\1/Ip" headers
}

# says STATUS MESSAGE: the last answer is an error, as GitHub's are.
says() {
  assert_equal "$status" "$1"
  assert_equal "$(field message)" "$2"
  assert_equal "$(field status)" "$1"
  assert_regex "$(field documentation_url)" ^https://docs.github.com/
}

# valid SCHEMA: the JSON in $output, or each element of it, is what GitHub's description says.
valid() {
  jq -c ".\"\$ref\" = \"#/\$defs/$1\"" "$BATS_TEST_DIRNAME/github-release.schema.json" >schema.json
  jq -c 'if type == "array" then .[] else . end' <<<"$output" | python3 "$BATS_TEST_DIRNAME/validate.py" schema.json accepts
}

# link RELATION: the URL of that relation in the last answer's header Link.
link() {
  header link | grep -o "<[^>]*>; rel=\"$1\"" | sed 's/<\(.*\)>.*/\1/'
}

# create MEMBERS: creates a release, and prints the answer.
create() {
  ask ghp_write /repos/octo/app/releases -d "$1"
  assert_equal "$status" 201
}

@test "a repository tells what the user of a token may, and the answer which scopes the token has and when it expires" {
  github_repository octo/private '{"private": true}'
  start_github --token ghp_write=write --token ghp_read=read --token github_pat_x=write
  ask ghp_write /repos/octo/private
  assert_equal "$status" 200
  assert_equal "$(query '"\(.full_name) \(.private) \(.permissions.push) \(.permissions.pull)"')" "octo/private true true true"
  assert_equal "$(header x-oauth-scopes)" repo
  assert_equal "$(header github-authentication-token-expiration)" ""
  github_control settings '{"expiration": 3600}'
  ask ghp_read /repos/octo/private
  assert_equal "$(query .permissions.push)" false
  assert_regex "$(header github-authentication-token-expiration)" '^20[0-9-]+ [0-9:]+ UTC$'
  ask github_pat_x /repos/octo/private
  assert_equal "$(header x-oauth-scopes)" ""
  ask '' /repos/octo/private
  assert_equal "$status" 404
}

@test "releases are what GitHub's schema says, whether read from disk or created" {
  github_release octo/app v1.0.0 '' app_linux_amd64.tar.gz app_linux_arm64.tar.gz
  github_release octo/app v1.1.0-rc.1 '{"prerelease": true, "created_at": "2030-01-01T00:00:00Z"}' app_linux_amd64.tar.gz
  start_github
  create '{"tag_name": "v2.0.0", "name": "two", "body": "notes", "draft": true}'
  valid release
  assert_equal "$(field 'published_at')" null
  ask ghp_write /repos/octo/app/releases
  assert_equal "$status" 200
  assert_equal "$(query 'map(.tag_name) | join(" ")')" "v1.1.0-rc.1 v2.0.0 v1.0.0"
  valid release
  ask ghp_write "$(query '.[2].assets_url')"
  assert_equal "$(query 'map(.name) | join(" ")')" "app_linux_amd64.tar.gz app_linux_arm64.tar.gz"
  valid release-asset
  assert_equal "$(query '.[0].digest')" "sha256:$(sha256sum <"$GITHUB/repos/octo/app/v1.0.0/app_linux_amd64.tar.gz" | cut -d ' ' -f 1)"
  ask ghp_write "$(query '.[1].url')"
  valid release-asset
  ask '' /repos/octo/none/releases
  says 404 "Not Found"
  valid basic-error
  output='{"id": "x"}'
  run ! valid release
}

@test "the latest release is neither a draft nor a prerelease; one is found by its tag and its number" {
  github_release octo/app v1.9.0
  github_release octo/app v1.10.0
  github_release octo/app v2.0.0-rc.1 '{"prerelease": true, "created_at": "2030-01-01T00:00:00Z"}'
  github_release octo/app v3.0.0 '{"draft": true, "created_at": "2030-01-01T00:00:00Z"}'
  touch -d 2024-01-15T10:30:45Z "$GITHUB"/repos/octo/app/v1.*
  start_github
  ask ghp_write /repos/octo/app/releases/latest
  assert_equal "$(field tag_name)" v1.10.0
  ask '' "/repos/octo/app/releases/$(field id)"
  assert_equal "$(field tag_name)" v1.10.0
  ask '' /repos/Octo/APP/releases/tags/v2.0.0-rc.1
  assert_equal "$(field prerelease)" true
  ask ghp_write /repos/octo/app/releases/tags/v3.0.0
  says 404 "Not Found"
}

@test "URLs follow the address that was asked" {
  github_release octo/app v1.0.0 '' app.tar.gz
  start_github
  ask '' /repos/octo/app/releases/latest
  assert_equal "$(field url)" "$API/repos/octo/app/releases/$(field id)"
  assert_equal "$(field upload_url)" "$API/uploads/repos/octo/app/releases/$(field id)/assets{?name,label}"
  assert_equal "$(field 'assets[0].browser_download_url')" "$API/octo/app/releases/download/v1.0.0/app.tar.gz"
  ask '' /api/v3/repos/octo/app/releases/latest
  assert_equal "$(field url)" "$API/api/v3/repos/octo/app/releases/$(field id)"
  assert_equal "$(field upload_url)" "$API/api/uploads/repos/octo/app/releases/$(field id)/assets{?name,label}"
  assert_equal "$(field 'assets[0].browser_download_url')" "$API/octo/app/releases/download/v1.0.0/app.tar.gz"
  ask '' /repos/octo/app/releases/latest -H 'Host: api.github.com'
  assert_equal "$(field upload_url)" "https://uploads.github.com/repos/octo/app/releases/$(field id)/assets{?name,label}"
  assert_equal "$(field html_url)" https://github.com/octo/app/releases/tag/v1.0.0
}

@test "--base says which address is in the URLs" {
  github_release octo/app v1.0.0
  start_github --base https://github.example.com/api/v3 --objects https://storage.example.com
  ask '' /repos/octo/app/releases/latest
  assert_equal "$(field assets_url)" "https://github.example.com/api/v3/repos/octo/app/releases/$(field id)/assets"
  assert_equal "$(field upload_url)" "https://github.example.com/api/uploads/repos/octo/app/releases/$(field id)/assets{?name,label}"
}

@test "lists come in pages, whose headers lead to all the others" {
  local number url
  for number in {1..45}; do
    github_release octo/app "v1.$number.0" '{"created_at": "2024-01-15T10:30:45Z"}'
  done
  start_github
  ask ghp_read /repos/octo/app/releases
  assert_equal "$(query length)" 30
  assert_equal "$(link next) $(link last)" "$API/repositories/1001/releases?page=2 $API/repositories/1001/releases?page=2"
  assert_equal "$(link prev)" ""
  url="/api/v3/repos/octo/app/releases?per_page=20"
  : >tags
  while [ "$url" ]; do
    ask ghp_read "$url"
    query '.[].tag_name' >>tags
    url=$(link next)
  done
  for number in {45..1}; do echo "v1.$number.0"; done | diff - tags
  assert_equal "$(link first) $(link prev)" \
    "$API/api/v3/repositories/1001/releases?per_page=20&page=1 $API/api/v3/repositories/1001/releases?per_page=20&page=2"
  ask ghp_read '/repos/octo/app/releases?per_page=1000&page=1'
  assert_equal "$(query length) $(header link)" "45 "
  ask ghp_read '/repos/octo/app/releases?page=9'
  assert_equal "$output" "[]"
}

@test "the artifacts of a release come in pages, too" {
  github_release octo/app v1.0.0 '' artifact-{1..31}
  start_github
  ask '' /repos/octo/app/releases/latest
  ask '' "$(field assets_url)?per_page=30"
  assert_equal "$(query length)" 30
  ask '' "$(link next)"
  assert_equal "$(query 'map(.name) | join(" ")')" artifact-31
}

@test "a conditional request is answered with 304, which costs nothing to those who have a token" {
  local etag
  github_release octo/app v1.0.0
  start_github
  ask ghp_read /repos/octo/app/releases
  etag=$(header etag)
  assert_regex "$(header vary)" Authorization
  assert_equal "$(header x-ratelimit-limit) $(header x-ratelimit-used)" "5000 1"
  ask ghp_read /repos/octo/app/releases -H "If-None-Match: $etag"
  assert_equal "$status $(header x-ratelimit-used) $(header x-ratelimit-remaining) $output" "304 1 4999 "
  assert_equal "$(header etag)" "$etag"
  ask ghp_write /repos/octo/app/releases -H "If-None-Match: $etag"
  assert_equal "$status" 200
  github_release octo/app v1.1.0
  github_control reload
  ask ghp_read /repos/octo/app/releases -H "If-None-Match: $etag"
  assert_equal "$status $(header x-ratelimit-used)" "200 2"
  ask '' /repos/octo/app/releases
  ask '' /repos/octo/app/releases -H "If-None-Match: $(header etag)"
  assert_equal "$status $(header x-ratelimit-used)" "304 2"
}

@test "drafts are shown to those who may write" {
  local draft
  start_github
  create '{"tag_name": "v1.0.0", "draft": true}'
  draft=$(field url)
  for token in '' ghp_read; do
    ask "$token" /repos/octo/app/releases
    assert_equal "$output" "[]"
    ask "$token" "$draft"
    says 404 "Not Found"
  done
  ask ghp_write /repos/octo/app/releases
  assert_equal "$(query '.[0].draft')" true
  ask ghp_write "$draft" -X PATCH -d '{"draft": false}'
  assert_equal "$(field draft)" false
  assert_regex "$(field published_at)" '^20..-..-..T..:..:..Z$'
  ask '' /repos/octo/app/releases/tags/v1.0.0
  assert_equal "$status" 200
}

@test "a private repository is not there without a token; a wrong token is refused everywhere" {
  github_repository octo/secret '{"private": true}'
  github_release octo/secret v1.0.0
  start_github --token ghp_mine=read
  ask ghp_mine /repos/octo/secret/releases/latest
  assert_equal "$(field tag_name)" v1.0.0
  ask '' /repos/octo/secret/releases/latest
  says 404 "Not Found"
  ask ghp_read /repos/octo/app/releases
  says 401 "Bad credentials"
  ask '' /repos/octo/secret/releases/latest -H 'Authorization: token ghp_mine'
  assert_equal "$status" 200
}

@test "writing takes a token that may" {
  github_release octo/app v1.0.0
  start_github
  ask '' /repos/octo/app/releases -d '{"tag_name": "v2.0.0"}'
  says 401 "Requires authentication"
  ask ghp_read /repos/octo/app/releases -d '{"tag_name": "v2.0.0"}'
  says 403 "Resource not accessible by personal access token"
  ask ghp_read /repos/octo/app/releases/latest
  ask ghp_read "$API/uploads/repos/octo/app/releases/$(field id)/assets?name=x" -d x
  says 403 "Resource not accessible by personal access token"
}

@test "what cannot be created is said so" {
  start_github
  create '{"tag_name": "v1.0.0"}'
  ask ghp_write /repos/octo/app/releases -d '{"tag_name": "v1.0.0"}'
  says 422 "Validation Failed"
  assert_equal "$(jq -c '.errors' <<<"$output")" '[{"resource":"Release","code":"already_exists","field":"tag_name"}]'
  ask ghp_write /repos/octo/app/releases -d '{"name": "x"}'
  says 422 $'Invalid request.\n\n"tag_name" wasn\'t supplied.'
  ask ghp_write /repos/octo/app/releases -d '{"tag_name'
  says 400 "Problems parsing JSON"
  ask ghp_write /repos/octo/app/releases/latest
  ask ghp_write "$(field url)" -X DELETE
  assert_equal "$status$output" 204
  ask ghp_write /repos/octo/app/releases
  assert_equal "$output" "[]"
}

@test "an uploaded artifact is listed, and downloaded from another host that wants no token" {
  local upload object
  seq 100000 >artifact
  start_github
  create '{"tag_name": "v1.0.0"}'
  upload=$(field 'upload_url | sub("\\{.*"; "")')
  ask ghp_write "$upload?name=app%20one.gz&label=first" -H 'Content-Type: application/gzip' --data-binary @artifact
  assert_equal "$status $(field name) $(field label) $(field size) $(field state)" "201 app.one.gz first $(stat -c %s artifact) uploaded"
  valid release-asset
  assert_equal "$(field digest)" "sha256:$(sha256sum <artifact | cut -d ' ' -f 1)"
  ask ghp_write "$(header location)" -H 'Accept: application/octet-stream'
  assert_equal "$status$output" 302
  object=$(header location)
  refute [ "${object%%/github-*}" = "$API" ]
  ask '' "$object"
  assert_equal "$status" 200
  cmp body artifact
  ask ghp_write "$object"
  assert_equal "$status" 400
  ask '' "${object}0"
  assert_equal "$status" 403
  github_control settings '{"clock_offset": 400}'
  ask '' "$object"
  assert_equal "$status" 403
  ask '' "$API/octo/app/releases/download/v1.0.0/app.one.gz" -L
  cmp body artifact
}

@test "what cannot be uploaded is said so" {
  github_repository octo/fixed '{"immutable": true}'
  github_release octo/fixed v1.0.0
  start_github
  create '{"tag_name": "v1.0.0"}'
  upload=$(field 'upload_url | sub("\\{.*"; "")')
  ask ghp_write "$upload?name=app" -d one
  ask ghp_write "$upload?name=app" -d two
  says 422 "Validation Failed"
  assert_equal "$(jq -c '.errors' <<<"$output")" '[{"resource":"ReleaseAsset","code":"already_exists","field":"name"}]'
  ask ghp_write "$upload?name=empty" -d ''
  assert_equal "$(field 'errors[0].message')" "size must be greater than or equal to 1"
  ask ghp_write "$upload?name=chunked" -H 'Transfer-Encoding: chunked' -d x
  assert_equal "$(field message)" "Bad Content-Length: "
  ask ghp_write "${upload/uploads\//}?name=elsewhere" -d x
  says 404 "Not Found"
  ask ghp_write /repos/octo/fixed/releases/latest
  assert_equal "$(field immutable)" true
  ask ghp_write "$(field 'upload_url | sub("\\{.*"; "")')?name=app" -d x
  says 422 "Cannot upload assets to an immutable release."
}

@test "an artifact can be renamed, and deleted" {
  github_release octo/app v1.0.0 '' old
  start_github
  ask ghp_write /repos/octo/app/releases/latest
  asset=$(field 'assets[0].url')
  ask ghp_write "$asset" -X PATCH -d '{"name": "new", "label": "text"}'
  assert_equal "$(field name) $(field label)" "new text"
  ask ghp_read "$asset" -X DELETE
  assert_equal "$status" 403
  ask ghp_write "$asset" -X DELETE
  assert_equal "$status" 204
  ask ghp_write "$asset"
  says 404 "Not Found"
}

@test "the host of artifacts answers ranges and conditions" {
  local object etag
  github_release octo/app v1.0.0
  seq 1000 >"$GITHUB/repos/octo/app/v1.0.0/app"
  start_github
  ask '' "$API/octo/app/releases/download/v1.0.0/app"
  object=$(header location)
  ask '' "$object"
  etag=$(header etag)
  ask '' "$object" -r 10-19
  assert_equal "$status $(header content-range)" "206 bytes 10-19/3893"
  cmp body <(seq 1000 | tail -c +11 | head -c 10)
  ask '' "$object" -r 3000- -H "If-Range: $etag"
  cmp body <(seq 1000 | tail -c +3001)
  ask '' "$object" -r -5
  assert_equal "$status $output" "206 1000"
  ask '' "$object" -r 3000- -H 'If-Range: "other"'
  assert_equal "$status $(header content-length)" "200 3893"
  ask '' "$object" -r 3893-
  assert_equal "$status $(header content-range)" "416 bytes */3893"
  ask '' "$object" -H "If-None-Match: $etag"
  assert_equal "$status" 304
}

@test "artifacts may lack a digest, and may not be uploaded yet" {
  github_release octo/app v1.0.0 '{"assets": {"old": {"digest": null}, "half": {"state": "starter"}}}' old
  start_github
  ask '' /repos/octo/app/releases/latest
  assert_equal "$(jq -c '.assets | map([.name, .digest, .state])' <<<"$output")" '[["old",null,"uploaded"],["half",null,"starter"]]'
  ask '' "$(field 'assets[1].url')" -H 'Accept: application/octet-stream'
  says 404 "Not Found"
}

@test "a reload keeps the numbers of what did not change" {
  github_release octo/app v1.0.0 '' app
  start_github
  ask ghp_read /repos/octo/app/releases/latest
  echo "$output" >before
  github_control reload
  ask ghp_read /repos/octo/app/releases/latest
  diff before - <<<"$output"
  echo changed >"$GITHUB/repos/octo/app/v1.0.0/app"
  github_control reload
  ask ghp_read /repos/octo/app/releases/latest
  assert_equal "$(field id)" "$(jq .id before)"
  refute [ "$(field 'assets[0].id')" = "$(jq '.assets[0].id' before)" ]
}

@test "a repository that moved is at its new address" {
  github_repository octo/new
  github_release octo/new v1.0.0
  github_repository octo/old '{"moved_to": "octo/new"}'
  start_github
  ask '' '/repos/octo/old/releases?per_page=5'
  assert_equal "$status $(header location)" "301 $API/repositories/1002/releases?per_page=5"
  ask '' '/repos/octo/old/releases?per_page=5' -L
  assert_equal "$(query '.[0].tag_name')" v1.0.0
}

@test "60 requests an hour without a token; none are left when a test says so" {
  github_release octo/app v1.0.0
  start_github
  for _ in {1..60}; do echo "url = $API/repos/octo/app/releases"; done >urls
  curl -sS -K urls -w '%{stderr}%{http_code}\n' >/dev/null 2>statuses
  assert_equal "$(sort statuses | uniq -c | tr -s ' ')" " 60 200"
  ask '' /repos/octo/app/releases
  assert_equal "$status $(header x-ratelimit-limit) $(header x-ratelimit-remaining)" "403 60 0"
  assert_regex "$(field message)" '^API rate limit exceeded for 127.0.0.1\. '
  assert [ "$(header x-ratelimit-reset)" -gt "$(date +%s)" ]
  github_control rate '{"token": "ghp_read", "remaining": 0, "reset_in": 90}'
  ask ghp_read /repos/octo/app/releases
  says 403 "API rate limit exceeded for user ID 1."
  assert [ $(($(header x-ratelimit-reset) - $(date +%s))) -le 90 ]
  ask ghp_read /rate_limit
  assert_equal "$(field resources.core.remaining)" 0
  github_control settings '{"clock_offset": 100}'
  ask ghp_read /repos/octo/app/releases
  assert_equal "$status $(header x-ratelimit-used)" "200 1"
}

@test "a client must say who it is" {
  start_github
  ask ghp_read /repos/octo/app/releases -A ''
  assert_equal "$status" 403
  assert_regex "$output" 'Please make sure your request has a User-Agent header'
}

@test "requests are recorded, and forgotten" {
  start_github
  ask ghp_read '/repos/octo/app/releases?page=2'
  assert_regex "$(header x-github-request-id)" '^[0-9A-F:]{20,}$'
  ask '' /repos/octo/none/releases
  assert_equal "$(github_requests '[.method, .host, .path, .status, .headers.authorization]')" \
    "[\"GET\",\"127.0.0.1:$PORT\",\"/repos/octo/app/releases?page=2\",200,\"Bearer ghp_read\"]
[\"GET\",\"127.0.0.1:$PORT\",\"/repos/octo/none/releases\",404,null]"
  assert_equal "$(curl -sS "$API/_control/requests" | jq length)" 2
  curl -sS -X DELETE "$API/_control/requests"
  assert_equal "$(curl -sS "$API/_control/requests")" "[]"
}

@test "a connection serves many requests" {
  start_github
  assert_equal "$(curl -sS -o /dev/null -o /dev/null -o /dev/null -w '%{num_connects}' "$API/rate_limit" "$API/none" "$API/rate_limit")" 100
}

# jwt APP ISSUED EXPIRES [KEY] [ALGORITHM]: a JSON Web Token; the times are seconds from now.
jwt() {
  local now text
  now=$(date +%s)
  text=$(printf '{"alg":"%s","typ":"JWT"}' "${5:-RS256}" | base64url).$(jq -nc --arg app "$1" \
    --argjson issued "$((now + $2))" --argjson expires "$((now + $3))" '{iat: $issued, exp: $expires, iss: $app}' | base64url)
  echo "$text.$(printf %s "$text" | openssl dgst -sha256 -sign "${4:-app.key}" | base64url)"
}

# start_app: starts GitHub with an App whose private key is the file app.key.
start_app() {
  openssl genrsa -out app.key 2048 2>/dev/null
  openssl rsa -in app.key -pubout -out app.pem 2>/dev/null
  start_github --app-id 12345 --app-key app.pem --installation 77
}

@test "an App's JWT is good for an installation token, for as long as it says" {
  github_repository octo/secret '{"private": true}'
  github_release octo/secret v1.0.0
  start_app
  ask "$(jwt 12345 -60 540)" /app/installations/77/access_tokens -X POST
  assert_equal "$status $(field repository_selection) $(field permissions.contents)" "201 all write"
  token=$(field token)
  assert_regex "$token" ^ghs_
  assert [ "$(date -d "$(field expires_at)" +%s)" -gt $(($(date +%s) + 3500)) ]
  ask "$token" /repos/octo/secret/releases -d '{"tag_name": "v2.0.0"}'
  assert_equal "$status" 201
  github_control settings '{"clock_offset": 3601}'
  ask "$token" /repos/octo/secret/releases/latest
  says 401 "Bad credentials"
}

@test "an installation token may do what was asked for, where it was" {
  github_repository octo/secret '{"private": true}'
  github_repository octo/other '{"private": true}'
  start_app
  ask "$(jwt 12345 0 540)" /app/installations/77/access_tokens -d '{"permissions": {"contents": "read"}, "repositories": ["secret"]}'
  assert_equal "$status $(field repository_selection) $(field permissions.contents)" "201 selected read"
  token=$(field token)
  ask "$token" /repos/octo/secret/releases
  assert_equal "$status" 200
  ask "$token" /repos/octo/other/releases
  says 404 "Not Found"
  ask "$token" /repos/octo/secret/releases -d '{"tag_name": "v2.0.0"}'
  says 403 "Resource not accessible by integration"
}

@test "a bad JWT is refused, with GitHub's words" {
  start_app
  openssl genrsa -out other.key 2048 2>/dev/null
  tokens=/app/installations/77/access_tokens
  ask "$(jwt 12345 0 540 other.key)" $tokens -X POST
  says 401 "A JSON web token could not be decoded"
  ask "$(jwt 12345 0 540 app.key HS256)" $tokens -X POST
  says 401 "A JSON web token could not be decoded"
  ask not-a-token $tokens -X POST
  says 401 "A JSON web token could not be decoded"
  ask '' $tokens -X POST
  says 401 "A JSON web token could not be decoded"
  ask "$(jwt 12345 120 540)" $tokens -X POST
  says 401 "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
  ask "$(jwt 12345 -700 -100)" $tokens -X POST
  says 401 "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires"
  ask "$(jwt 12345 0 700)" $tokens -X POST
  says 401 "'Expiration time' claim ('exp') is too far in the future"
  ask "$(jwt 99999 0 540)" $tokens -X POST
  says 404 "Integration not found"
  ask "$(jwt 12345 0 540)" /app/installations/78/access_tokens -X POST
  says 404 "Not Found"
  github_control settings '{"clock_offset": -300}'
  ask "$(jwt 12345 0 540)" $tokens -X POST
  says 401 "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
  assert [ "$(date -d "$(header date)" +%s)" -lt $(($(date +%s) - 200)) ]
}

# fault NAME [MEMBERS]: the next request for releases meets it.
fault() {
  github_control faults "$(jq -nc --arg fault "$1" "{fault: \$fault, path: \"/repos/\"} + ${2:-{\}}")"
}

@test "faults that replace the answer, once each" {
  github_release octo/app v1.0.0
  start_github
  releases=/repos/octo/app/releases
  fault 500
  fault 502
  fault rate-limit '{seconds: 30}'
  fault secondary '{seconds: 7, status: 429}'
  fault garbage
  fault flood '{size: 1000000}'
  ask ghp_read $releases
  says 500 "Server Error"
  ask ghp_read $releases
  assert_equal "$status $(header content-type)" "502 text/html; charset=utf-8"
  assert_regex "$output" Unicorn
  ask ghp_read $releases
  assert_equal "$status $(header x-ratelimit-remaining)" "403 0"
  assert [ $(($(header x-ratelimit-reset) - $(date +%s))) -le 30 ]
  ask ghp_read $releases
  assert_equal "$status $(header retry-after)" "429 7"
  ask ghp_read $releases
  assert_equal "$status" 200
  run ! jq . body
  ask ghp_read $releases
  assert [ "$(jq length body)" -gt 100 ]
  ask ghp_read $releases
  assert_equal "$(query length)" 1
}

@test "faults on the way" {
  github_release octo/app v1.0.0
  start_github
  releases=/repos/octo/app/releases
  fault cut
  run -18 ask ghp_read $releases
  fault length
  ask ghp_read $releases
  run ! jq . body
  fault stall
  curl -sSN -D headers -o stalled "$API$releases" 3>&- &
  wait_until test -s stalled
  stop_pid $!
  assert [ "$(wc -c <stalled)" = $(($(header content-length) / 2)) ]
  fault hang
  rm headers
  curl -sSN -D headers -o hung "$API$releases" 3>&- &
  wait_until eval 'tail -n 1 "$GITHUB/requests" | grep "\"status\": null"'
  stop_pid $!
  assert [ ! -s headers ]
  fault reset
  run -56 ask ghp_read $releases
  fault slow '{seconds: 0.2}'
  ask ghp_read $releases
  assert_equal "$status" 200
  fault lost '{method: "POST"}'
  ask ghp_read $releases
  assert_equal "$(query length)" 1
  run -56 ask ghp_write $releases -d '{"tag_name": "v2.0.0"}'
  ask ghp_write $releases
  assert_equal "$(query length)" 2
}

@test "a download can be cut, and an upload can leave a starter" {
  github_release octo/app v1.0.0 '' app
  start_github
  github_control faults '{"fault": "cut", "path": "/github-production-release-asset/"}'
  run -18 ask '' /octo/app/releases/download/v1.0.0/app -L
  ask ghp_write /repos/octo/app/releases/latest
  upload=$(field 'upload_url | sub("\\{.*"; "")')
  github_control faults '{"fault": "starter", "path": "/uploads/"}'
  ask ghp_write "$upload?name=second" -d x
  assert_equal "$status" 502
  ask ghp_write /repos/octo/app/releases/latest
  assert_equal "$(field 'assets[1].name') $(field 'assets[1].state')" "second starter"
  ask ghp_write "$upload?name=second" -d x
  assert_equal "$status" 422
}

@test "clients that go away leave it working" {
  github_release octo/app v1.0.0
  head -c 20000000 /dev/zero >"$GITHUB/repos/octo/app/v1.0.0/app"
  start_github
  for _ in {1..20}; do
    curl -sSL "$API/octo/app/releases/download/v1.0.0/app" 2>/dev/null | head -c 1000 >/dev/null
    printf 'POST /repos/octo/app/releases HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf' >"/dev/tcp/127.0.0.1/$PORT"
  done
  ask '' /repos/octo/app/releases
  assert_equal "$status" 200
  assert_equal "$(cat "$BATS_TEST_TMPDIR/github.err")" ""
}

@test "Debian's gh lists, downloads, creates and views releases there" {
  need_private_mounts
  github_release octo/app v1.9.0 '' app_linux_amd64.tar.gz
  github_release octo/app v1.10.0 '' app_linux_amd64.tar.gz app_linux_arm64.tar.gz
  github_release octo/app v2.0.0-rc.1 '{"prerelease": true}'
  touch -d 2024-01-15T10:30:45Z "$GITHUB"/repos/octo/app/v*
  seq 100000 >artifact.txt
  cat >client <<'END'
set -eu
export GH_TOKEN=ghp_write GH_CONFIG_DIR=$PWD/gh NO_COLOR=1 GH_NO_UPDATE_NOTIFIER=1 HOME=$PWD
gh release list -R octo/app >list
gh api 'repos/octo/app/releases?per_page=1' --paginate -q '.[].tag_name' >paginated
gh release download v1.10.0 -R octo/app -p '*amd64*'
gh release create v3.0.0 -R octo/app -t three -n notes 'artifact.txt#a text' >created
gh release view v3.0.0 -R octo/app --json tagName,name,body,assets,isDraft >viewed
gh release download v3.0.0 -R octo/app -D again
gh release upload v3.0.0 -R octo/app artifact.txt 2>refused && exit 1
gh release delete v1.9.0 -R octo/app -y
gh api repos/octo/app/releases/latest -q .tag_name >latest
GH_TOKEN=wrong gh api repos/octo/app/releases 2>wrong && exit 1
exit 0
END
  as_github bash client
  assert_equal "$(cut -f 2,3 list)" $'Pre-release\tv2.0.0-rc.1\nLatest\tv1.10.0\n\tv1.9.0'
  assert_equal "$(cat paginated)" $'v2.0.0-rc.1\nv1.10.0\nv1.9.0'
  cmp app_linux_amd64.tar.gz "$GITHUB/repos/octo/app/v1.10.0/app_linux_amd64.tar.gz"
  assert_equal "$(cat created)" https://github.com/octo/app/releases/tag/v3.0.0
  assert_equal "$(jq -c '[.tagName, .name, .body, .isDraft, (.assets[0] | .name, .label, .state)]' viewed)" \
    '["v3.0.0","three","notes",false,"artifact.txt","a text","uploaded"]'
  cmp artifact.txt again/artifact.txt
  assert [ -s refused ]
  assert_equal "$(cat latest)" v3.0.0
  assert_regex "$(cat wrong)" 'Bad credentials \(HTTP 401\)'
  assert_equal "$(github_requests .host | sort -u)" $'api.github.com\nobjects.githubusercontent.com\nuploads.github.com'
}
