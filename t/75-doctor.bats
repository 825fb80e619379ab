#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# dewy-doctor: what it finds, what it advises, and that it changes and betrays nothing.
load common
load github
load google
load systemd

setup_file() {
  start_gcs
  export RGW_PORT
  RGW_PORT=$(free_ports 61)
  "$BATS_TEST_DIRNAME/stack/radosgw" start "$BATS_FILE_TMPDIR/rgw" "$RGW_PORT"
}

teardown_file() {
  stop_gcs
  "$BATS_TEST_DIRNAME/stack/radosgw" stop "$BATS_FILE_TMPDIR/rgw"
}

cleanup() {
  box_stop
}

prepare() {
  GITHUB=$BATS_TEST_TMPDIR/github
  export -n GCS_TOKEN
  export DEWY_REGISTRY=file://$REGISTRY DEWY_RETRIES=0
}

doctor() {
  run --separate-stderr dewy-doctor "$@"
}

# assert_check NAME RESULT [REGEX]: the line of the check says so.
assert_check() {
  local line
  line=$(awk -v name="$1" '$2 == name' <<<"$output")
  assert_regex "$line" "^$2 +$1 +.*${3:-}"
}

# deployed VERSION: it is in the registry, and deployed in assets mode.
deployed() {
  publish "$1"
  dewy once --log-level error >/dev/null
}

# serving VERSION: it is in the registry, deployed, and served on $PORT.
serving() {
  publish_server "$1"
  PORT=$(free_port)
  export DEWY_PORT=127.0.0.1:$PORT DEWY_SETTLE=0 DEWY_MODE=server
  dewy once --log-level error -- current/server >/dev/null
}

@test "all is well with a deployed application, but that nobody runs dewy" {
  deployed v1.0.0
  doctor
  assert_success
  assert_equal "$stderr" ""
  assert_check programs ok 'version [0-9]'
  assert_check root ok "$ROOT, of "
  assert_check lock ok 'no run is under way'
  assert_check current ok 'v1\.0\.0 in releases/[0-9TZ]+, deployed'
  assert_check leftovers ok '1 release$'
  assert_check cache ok "$ROOT/.dewy/cache on .*, 2 files, "
  assert_check registry ok 'lists 1 release in '
  assert_check release ok 'v1\.0\.0 .*app_linux_amd64\.tar\.gz, .* fits this machine'
  assert_check disk ok 'free, and a release takes about '
  assert_check schedule warn 'nobody runs dewy'
  assert_equal "$(grep -cE '^(ok|warn|fail|skip) ' <<<"$output")" "${#lines[@]}"
}

# steady: what comes in, without the time that things took and the space that is free.
steady() {
  sed -E 's/ in [0-9.]+m?s$//; s/has [0-9.]+ [KMGT]?i?B of/has some of/'
}

@test "dewy doctor is the same, by flags as by the environment" {
  deployed v1.0.0
  doctor
  local before
  before=$(steady <<<"$output")
  unset DEWY_REGISTRY DEWY_ROOT DEWY_RETRIES
  run dewy doctor --root "$ROOT" --registry "file://$REGISTRY" --retries 0
  assert_equal "$(steady <<<"$output")" "$before"
}

@test "with --json it is one object, which says the same" {
  deployed v1.0.0
  doctor
  local text=$output
  doctor --json
  assert_success
  assert_equal "${#lines[@]}" 1
  assert_equal "$(jq -r 'keys | join(" ")' <<<"$output")" "checks result"
  assert_equal "$(jq -r '.checks | map(keys | join(" ")) | unique[]' <<<"$output")" "advice found name result"
  assert_equal "$(jq -r '.checks[] | "\(.result) \(.name)"' <<<"$output")" "$(awk '{ print $1, $2 }' <<<"$text")"
  assert_equal "$(field result)" warn
  assert_equal "$(jq -r '.checks[] | select(.result == "warn" or .result == "fail") | .advice == ""' <<<"$output" | sort -u)" false
  assert_equal "$(jq -r '.checks[] | select(.result == "ok" or .result == "skip") | .advice' <<<"$output" | sort -u)" ""
}

@test "the names of the checks are those in the man page" {
  doctor
  local page=$BATS_TEST_DIRNAME/../share/man/man1/dewy-doctor.1
  assert_equal "$(sed -n '/^\.Ss Checks/,/^\.Ss/p' "$page" | sed -n 's/^\.It Cm //p')" "$(awk '{ print $2 }' <<<"$output")"
}

@test "nothing changes, in an empty ROOT and in a deployed one" {
  doctor
  assert_equal "$(find "$ROOT" -mindepth 1)" ""
  deployed v1.0.0
  touch "$BATS_TEST_TMPDIR/before"
  local before
  before=$(find "$ROOT" -printf '%p %T@ %C@\n' | sort)
  doctor
  assert_success
  assert_equal "$(find "$ROOT" -printf '%p %T@ %C@\n' | sort)" "$before"
}

@test "the exit status is that of the first failure" {
  DEWY_REGISTRY= doctor
  assert_failure 1
  assert_check url fail 'no registry is given; give --registry'
  doctor
  assert_failure 2
  assert_check release fail 'has no release; publish one'
  chmod o+w "$ROOT"
  doctor
  assert_failure 1
  assert_check root fail 'others may write to the root .*chmod go-w'
  assert_check release fail 'has no release'
}

@test "a wrong URL, and options that contradict the registry, are told as dewy-check tells them" {
  local url
  for url in http://x ghr://acme s3://us-east-1 gs://x 'file:///srv?colour=red'; do
    doctor --registry "$url"
    assert_failure 1
    local line=$output
    run --separate-stderr dewy-check --registry "$url"
    assert_failure 1
    assert [ -n "$(field error.message)" ]
    [[ "$line" == *"$(field error.message); $(field error.hint)"* ]] || fail "$url: $(field error.message)"
  done
  doctor --calver nonsense
  assert_failure 1
  assert_check url fail
}

@test "a ROOT on a file system that is read-only is a failure of the file system" {
  need_private_mounts
  publish v1.0.0
  read_only() {
    run in_private_mounts sh -c 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && dewy-doctor' sh "$ROOT"
  }
  read_only
  assert_failure 3
  assert_check root fail "may not write to $ROOT: Read-only file system; mount the file system writable"
  deployed v1.0.0
  read_only
  assert_failure 3
  assert_check root fail "may not write to $ROOT/releases: Read-only file system; mount"
  assert_check cache fail 'may not write to the cache'
}

# on_tmpfs OPTIONS: runs dewy-doctor where ROOT is a new file system of its own.
on_tmpfs() {
  run in_private_mounts sh -c 'mount -t tmpfs -o "mode=755,$1" tmpfs "$2" && dewy-doctor; echo "status $?"' sh "$1" "$ROOT"
}

@test "a full file system is told with its numbers" {
  need_private_mounts
  head -c 3000000 /dev/urandom >"$BATS_TEST_TMPDIR/big"
  mkdir -p "$REGISTRY/v1.0.0"
  tar -C "$BATS_TEST_TMPDIR" -czf "$REGISTRY/v1.0.0/app_linux_amd64.tar.gz" big
  on_tmpfs size=6m
  assert_line 'status 3'
  assert_check disk fail 'the root has 6\.0 MiB of 6\.0 MiB free, and a release takes about 5\.7 MiB; free space'
  on_tmpfs size=12m
  assert_line 'status 0'
  assert_check disk warn 'the root has 12\.0 MiB of 12\.0 MiB free'
  on_tmpfs size=100m,nr_inodes=1
  assert_line 'status 3'
  assert_check disk fail '0 free inodes'
}

@test "a cache that cannot be made is a failure, and one elsewhere is looked at" {
  doctor --cache "$BATS_TEST_TMPDIR/not/there"
  assert_check cache fail "cannot open the cache $BATS_TEST_TMPDIR/not/there.*create it"
  mkdir "$BATS_TEST_TMPDIR/cache"
  echo 12345 >"$BATS_TEST_TMPDIR/cache/v1--app"
  doctor --cache "$BATS_TEST_TMPDIR/cache"
  assert_check cache ok "$BATS_TEST_TMPDIR/cache on .*, 1 file, 6 B"
}

@test "what current leads to, and what killed runs have left, is told" {
  deployed v1.0.0
  mkdir "$ROOT/releases/.20240115T103045Z.partial" "$ROOT/releases/20240115T103044Z"
  doctor
  assert_success
  assert_check leftovers warn '1 unfinished .partial.*1 in releases without a record; the next deployment removes that; remove what'
  mv "$ROOT/.dewy/releases" "$ROOT/.dewy/moved"
  doctor
  assert_failure 3
  assert_check current fail 'current leads to releases/[0-9TZ]+, which is no complete release'
}

@test "who holds the lock is told, and for how long" {
  deployed v1.0.0
  flock --no-fork "$ROOT/.dewy/lock" sleep 60 3>&- &
  local holder=$!
  wait_until grep -qx sleep "/proc/$holder/comm" # which has the lock
  doctor
  stop_pid "$holder"
  assert_success
  assert_check lock ok "a run is under way: process $holder \\(sleep\\), which began "
}

@test "a rejected version is told" {
  deployed v1.0.0
  echo '{"versions":[{"version":"v1.1.0","reason":"exit 1","at":"2026-01-01T00:00:00Z"}]}' >"$ROOT/.dewy/rejected.json"
  publish v1.1.0
  doctor
  assert_success
  assert_check release warn 'v1\.1\.0 is rejected.*v1\.0\.0'
}

@test "a release without an artifact for this machine is a warning while it is young" {
  mkdir -p "$REGISTRY/v1.0.0"
  echo x >"$REGISTRY/v1.0.0/app_windows_arm64.zip"
  doctor
  assert_success
  assert_check release warn 'app_windows_arm64.zip'
  doctor --grace-period 0
  assert_failure 2
  assert_check release fail 'app_windows_arm64.zip'
}

@test "a file with a secret that others may read is a warning, and one that is not there a failure" {
  echo ghp_s3cret >"$BATS_TEST_TMPDIR/token"
  chmod 644 "$BATS_TEST_TMPDIR/token"
  publish v1.0.0
  export GH_TOKEN_FILE=$BATS_TEST_TMPDIR/token
  doctor
  assert_success
  assert_check secrets warn "others may read $GH_TOKEN_FILE, which GH_TOKEN_FILE names; chmod o-rwx $GH_TOKEN_FILE"
  chmod 600 "$BATS_TEST_TMPDIR/token"
  doctor
  assert_check secrets ok '1 file, and others may read none'
  export WEBHOOK_SECRET_FILE=$BATS_TEST_TMPDIR/none
  doctor
  assert_failure 1
  assert_check secrets fail "cannot read $BATS_TEST_TMPDIR/none, which WEBHOOK_SECRET_FILE names"
}

# own_etc: a copy of /etc, to be changed; with_own_etc COMMAND...: runs it where that is /etc.
own_etc() {
  cp -a /etc "$BATS_TEST_TMPDIR/etc"
}
with_own_etc() {
  run in_private_mounts sh -c 'mount --bind "$1" /etc && shift && "$@"' sh "$BATS_TEST_TMPDIR/etc" "$@"
}

@test "an environment file with a secret in it that others may read is a warning" {
  need_private_mounts
  publish v1.0.0
  own_etc
  mkdir "$BATS_TEST_TMPDIR/etc/dewy"
  echo 'DEWY_PORT="8080"' >"$BATS_TEST_TMPDIR/etc/dewy/root.env"
  chmod 644 "$BATS_TEST_TMPDIR/etc/dewy/root.env"
  with_own_etc dewy-doctor
  assert_success
  assert_check secrets skip
  echo 'GH_TOKEN="ghp_s3cret"' >>"$BATS_TEST_TMPDIR/etc/dewy/root.env"
  with_own_etc dewy-doctor
  assert_success
  assert_check secrets warn 'others may read /etc/dewy/root.env, which dewy@.service names; chmod o-rwx /etc/dewy/root.env'
  refute_output --partial ghp_s3cret
}

# github [OPTION...]: GitHub has acme/app with one release, and dewy asks it.
github() {
  github_repository acme/app "${MEMBERS:-}"
  github_release acme/app v1.0.0 '' app_linux_amd64.tar.gz
  start_github "$@"
  export GITHUB_API_URL=$API DEWY_REGISTRY=ghr://acme/app
}

@test "GitHub: the credential, its kind, what it may, when it expires, and how many requests are left" {
  github
  export GH_TOKEN=ghp_write
  doctor
  assert_success
  assert_check url ok "ghr://acme/app, at $API"
  assert_check credentials ok 'GH_TOKEN, a classic personal access token'
  assert_check permissions ok 'may read the public repository; may write audit records, scopes: repo'
  assert_check limit ok '49[0-9][0-9] of 5000 requests are left until 20'
  assert_check clock ok 'within [0-9]+ s of the registry'
  GH_TOKEN=ghp_read doctor
  assert_check permissions ok 'may not write audit records'
  github_control settings '{"expiration": 86400}'
  doctor
  assert_success
  assert_check permissions warn 'the token expires at 20.* UTC; make a new token'
  github_control settings '{"expiration": 8640000}'
  doctor
  assert_check permissions ok 'it expires at 20'
}

@test "GitHub: the file that the token comes from, and other kinds of tokens" {
  github --token github_pat_x=write
  echo github_pat_x >"$BATS_TEST_TMPDIR/token"
  chmod 600 "$BATS_TEST_TMPDIR/token"
  GH_TOKEN_FILE=$BATS_TEST_TMPDIR/token doctor
  assert_success
  assert_check credentials ok "$BATS_TEST_TMPDIR/token, which GH_TOKEN_FILE names, a fine-grained personal access token"
  assert_check permissions ok 'writing was not tested'
}

@test "GitHub: without a token, and with one that is none" {
  github
  doctor
  assert_success
  assert_check credentials ok 'none: public repositories alone'
  assert_check permissions ok 'may read the public repository$'
  assert_check limit ok 'of 60 requests'
  GH_TOKEN=ghp_wrong doctor
  assert_failure 2
  assert_check registry fail 'GH_TOKEN is not accepted: 401'
  assert_check permissions skip
  GH_TOKEN_FILE=$BATS_TEST_TMPDIR/none doctor
  assert_failure 1
  assert_check credentials fail "cannot read the secret in $BATS_TEST_TMPDIR/none"
  assert_check registry skip
}

@test "GitHub: an App, whose clock has to be right" {
  openssl genrsa -out "$BATS_TEST_TMPDIR/app.pem" 2048 2>/dev/null
  openssl rsa -in "$BATS_TEST_TMPDIR/app.pem" -pubout -out "$BATS_TEST_TMPDIR/app.pub" 2>/dev/null
  export GITHUB_APP_ID=12 GITHUB_APP_INSTALLATION_ID=34 GITHUB_APP_PRIVATE_KEY_PATH=$BATS_TEST_TMPDIR/app.pem
  github --app-id 12 --app-key "$BATS_TEST_TMPDIR/app.pub" --installation 34
  doctor
  assert_success
  assert_check credentials ok 'the GitHub App 12, an installation token'
  assert_check permissions ok 'writing was not tested'
  assert_check secrets ok
  assert_check clock ok
  github_control settings '{"clock_offset": 3600}'
  doctor
  assert_failure 2
  assert_check clock fail 's behind that of the registry: what is signed is refused'
  GH_TOKEN=ghp_read doctor
  assert_success
  assert_check clock warn 's behind that of the registry; set the clock'
}

@test "GitHub: a private repository that the token does not see" {
  MEMBERS='{"private": true}' github
  doctor
  assert_failure 2
  assert_check registry fail 'not there, or not to be seen without a token'
  GH_TOKEN=ghp_read doctor
  assert_success
  assert_check permissions ok 'may read the private repository'
}

@test "GitHub: few requests are left, and none" {
  github
  mkdir "$ROOT/.dewy" # where a run would remember it
  github_control rate '{"remaining": 5, "reset_in": 600}'
  doctor
  assert_success
  assert_check limit warn 'of 60 requests are left until .*give a token'
  github_control rate '{"remaining": 0, "reset_in": 600}'
  doctor
  assert_failure 2
  assert_check registry fail 'its limit of requests is used up until'
  assert_equal "$(find "$ROOT/.dewy" -mindepth 1)" ""
}

@test "a registry that has asked for a pause is not asked" {
  github
  github_control rate '{"remaining": 0, "reset_in": 600}'
  dewy once --log-level error >/dev/null 2>&1 || true
  wait_until grep -q until "$ROOT/.dewy/registry.json"
  local asked
  asked=$(wc -l <"$GITHUB/requests")
  doctor
  assert_success
  assert_check registry warn 'has asked for no request before .*; wait until then'
  assert_equal "$(wc -l <"$GITHUB/requests")" "$asked"
}

@test "a registry that nobody serves, or that never answers, is a failure of the network, in time" {
  export GITHUB_API_URL=http://127.0.0.1:$(free_port) DEWY_REGISTRY=ghr://acme/app
  doctor
  assert_failure 2
  assert_check registry fail "127.0.0.1:[0-9]+"
  assert_check clock skip
  github
  github_control faults '{"fault": "hang", "path": "/repos", "count": 10, "seconds": 600}'
  local began=$SECONDS
  doctor --registry-timeout 1s
  assert_failure 2
  assert_check registry fail
  assert [ $((SECONDS - began)) -lt 60 ]
}

@test "the proxy and the trust in effect are told, without a password" {
  export https_proxy=http://someone:pr0xyword@127.0.0.1:1 no_proxy=localhost GH_TOKEN=ghp_x
  doctor --registry ghr://acme/app
  assert_failure 2
  assert_check proxy ok 'https_proxy is http://127.0.0.1:1/?, but not for what no_proxy names: localhost'
  assert_check trust ok 'verified against /etc/ssl/certs'
  refute_output --partial pr0xyword
  https_proxy=someone:pr0xyword@127.0.0.1:1 doctor --registry ghr://acme/app
  refute_output --partial pr0xyword
  assert_check proxy ok 'https_proxy is 127.0.0.1:1'
  doctor --registry ghr://acme/app --cacert "$BATS_TEST_TMPDIR/ca.pem"
  assert_check trust ok "$BATS_TEST_TMPDIR/ca.pem, which --cacert names"
  SSL_CERT_FILE=$BATS_TEST_TMPDIR/other.pem doctor --registry ghr://acme/app
  assert_check trust ok "$BATS_TEST_TMPDIR/other.pem, which SSL_CERT_FILE names"
}

# s3 PATH CURL-ARGUMENT...: a request to Ceph by an independent client.
s3() {
  curl -sSf --aws-sigv4 aws:amz:us-east-1:s3 --user AKIATEST:secretsecret -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' \
    "${@:2}" "http://127.0.0.1:$RGW_PORT/$1"
}

# ceph: a bucket with one release in Ceph, and dewy asks it.
ceph() {
  local bucket=bucket-$BATS_TEST_NUMBER
  publish v1.0.0
  s3 "$bucket" -X PUT
  s3 "$bucket/app/v1.0.0/app_linux_amd64.tar.gz" -T "$REGISTRY/v1.0.0/app_linux_amd64.tar.gz"
  export AWS_ACCESS_KEY_ID=AKIATEST AWS_SECRET_ACCESS_KEY=secretsecret
  export DEWY_REGISTRY="s3://us-east-1/$bucket/app?endpoint=http://127.0.0.1:$RGW_PORT"
}

@test "S3: where the credential comes from, and that writing is not tested" {
  ceph
  doctor
  assert_success
  assert_check credentials ok 'the environment: AWS_SECRET_ACCESS_KEY'
  assert_check registry ok 'lists 1 release'
  assert_check release ok 'v1\.0\.0 of .*app_linux_amd64'
  assert_check permissions ok 'may list; .* not tested'
  refute_output --partial secretsecret
  AWS_SECRET_ACCESS_KEY=wrongwrong doctor
  assert_failure 2
  assert_check registry fail 'SignatureDoesNotMatch'
  unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
  doctor
  assert_failure 1
  assert_check credentials fail 'no AWS credentials: AWS_ACCESS_KEY_ID is not set'
}

@test "S3: a profile, and who asks as STS knows it" {
  local service=$BATS_TEST_TMPDIR/sts
  mkdir -p "$service" "$HOME/.aws"
  python3 "$BATS_TEST_DIRNAME/aws-endpoints.py" "$service" >/dev/null 3>&- &
  echo $! >"$BATS_TEST_TMPDIR/sts.pid"
  wait_until test -e "$service/port"
  AWS_ENDPOINT_URL_STS=http://127.0.0.1:$(cat "$service/port")
  export AWS_ENDPOINT_URL_STS AWS_PROFILE=deploy
  printf '[deploy]\naws_access_key_id = AKIAFILE\naws_secret_access_key = akiafile\n' >"$HOME/.aws/credentials"
  chmod 644 "$HOME/.aws/credentials"
  doctor --registry "s3://us-east-1/bucket?endpoint=$AWS_ENDPOINT_URL_STS"
  assert_check credentials ok 'the profile deploy$'
  assert_check secrets warn "others may read $HOME/.aws/credentials"
  assert_check permissions ok 'asked by arn:aws:iam::123456789012:user/deploy'
  refute_output --partial akiafile
}

@test "S3: a clock that is wrong is a warning, and a failure where what is signed is refused" {
  ! sanitized || skip "AddressSanitizer does not start under faketime"
  ceph
  run faketime -f +60s dewy-doctor
  assert_success
  assert_check clock warn 'the clock is (59|6[0-9]) s ahead of that of the registry; set the clock.*timedatectl'
  run faketime -f -1h dewy-doctor
  assert_failure 2
  assert_check clock fail 'the clock is (359[0-9]|36[0-9][0-9]) s behind that of the registry: what is signed is refused'
}

@test "a clock before the time at which dewy was installed is a failure" {
  ! sanitized || skip "AddressSanitizer does not start under faketime"
  publish v1.0.0
  NO_FAKE_STAT=1 run faketime '2020-01-01 00:00:00' dewy-doctor
  assert_failure 1
  assert_check clock fail 'this program is newer than the time by the clock'
}

@test "Google: the account, and what it may" {
  export GOOGLE_APPLICATION_CREDENTIALS=$BATS_TEST_TMPDIR/sa.json
  service_account "$GOOGLE_APPLICATION_CREDENTIALS"
  chmod 600 "$GOOGLE_APPLICATION_CREDENTIALS"
  make_bucket "bucket-$BATS_TEST_NUMBER"
  put_release "bucket-$BATS_TEST_NUMBER" app v1.0.0
  mkdir "$ROOT/.dewy" # where a run would keep its token
  doctor --registry "gs://bucket-$BATS_TEST_NUMBER/app?endpoint=http://127.0.0.1:$GCS_PORT"
  assert_success
  assert_check credentials ok "$EMAIL"
  assert_check secrets ok
  assert_check permissions ok 'may list and get objects; may write audit records'
  assert_check release ok 'v1\.0\.0'
  assert_equal "$(find "$ROOT/.dewy" -mindepth 1)" ""
}

@test "Google: permissions that are missing" {
  start_endpoints
  export GOOGLE_APPLICATION_CREDENTIALS=$BATS_TEST_TMPDIR/sa.json
  service_account "$GOOGLE_APPLICATION_CREDENTIALS" "http://$ENDPOINT/token"
  answers '{"path": "POST /token", "json": {"access_token": "ya29.s3cret", "expires_in": 3599}}' \
    '{"path": "GET .*testPermissions.*", "json": {"permissions": ["storage.objects.list"]}}' \
    '{"path": "GET .*", "json": {"items": [{"name": "app/v1.0.0/app_linux_amd64", "size": "9"}], "prefixes": ["app/v1.0.0/"]}}'
  doctor --registry "gs://bucket/app?endpoint=http://$ENDPOINT"
  assert_failure 2
  assert_check permissions fail 'objects.get is not granted; may not write audit records; give the account roles/storage.objectViewer'
  refute_output --partial ya29
}

@test "the server: supervisor, worker, ports and health" {
  serving v1.0.0
  doctor --health-url "http://127.0.0.1:$PORT/" -- current/server
  assert_success
  assert_check command ok 'current/server is there'
  assert_check supervisor ok "process $(cat "$ROOT/.dewy/serve.pid"); generation 1 serves"
  assert_check worker ok 'process [0-9]+ '
  assert_check ports ok "127.0.0.1:$PORT: the supervisor listens"
  assert_check health ok
  doctor --port "[::1]:$(free_port)" --port "localhost:$PORT"
  assert_failure 4
  assert_check ports fail 'does not listen on \[::1\]:[0-9]+; localhost:[0-9]+: the supervisor listens'
  doctor -- current/none
  assert_failure 4
  assert_check command fail "current/none in $ROOT is not there.*behind current/"
  doctor --port "$(free_port)"
  assert_failure 4
  assert_check ports fail 'the supervisor does not listen on [0-9]+; it was started with other ports'
  doctor --health-url "http://127.0.0.1:$(free_port)/"
  assert_failure 4
  assert_check health fail
}

@test "the server: a supervisor that has ended, and a port that somebody else has" {
  serving v1.0.0
  stop_pid "$(cat "$ROOT/.dewy/serve.pid")"
  wait_until sh -c "! curl -s http://127.0.0.1:$PORT/"
  doctor
  assert_failure 4
  assert_check supervisor fail "nobody holds $ROOT/.dewy/serve.pid; dewy once starts it"
  assert_check ports ok "127.0.0.1:$PORT: free"
  python3 -m http.server --bind 127.0.0.1 "$PORT" >/dev/null 2>&1 3>&- &
  echo $! >"$BATS_TEST_TMPDIR/other.pid"
  wait_until curl -sS "http://127.0.0.1:$PORT/"
  doctor
  assert_failure 4
  assert_check ports fail "127.0.0.1:$PORT is taken by process $(cat "$BATS_TEST_TMPDIR/other.pid") \(python3\), which is not the supervisor"
}

@test "the server: a worker that outlived its supervisor is recognised, and the next run takes over" {
  serving v1.0.0
  local supervisor worker
  supervisor=$(cat "$ROOT/.dewy/serve.pid")
  worker=$(sed -n 's/^1://p' "$ROOT/.dewy/serve.status")
  kill -KILL "$supervisor"
  wait_until gone "$supervisor"
  curl -sSf "http://127.0.0.1:$PORT/" >/dev/null
  doctor
  assert_failure 4
  assert_check supervisor fail 'no supervisor runs: .*dewy once starts it'
  assert_check ports warn "on 127.0.0.1:$PORT process $worker \\(.*\\), the worker of a supervisor that was killed, still serves; dewy once takes"
  refute_output --partial 'end that process'
  dewy once --log-level error -- current/server >/dev/null
  assert gone "$worker"
  doctor
  assert_success
  assert_check ports ok "127.0.0.1:$PORT: the supervisor listens"
}

@test "the server: a worker of another release than current leads to" {
  publish v1.0.0
  cat >"$BATS_TEST_TMPDIR/server.c" <<'END'
#include <unistd.h>
int main(void) { for (;;) pause(); }
END
  cc -o "$BATS_TEST_TMPDIR/server" "$BATS_TEST_TMPDIR/server.c"
  tar -C "$BATS_TEST_TMPDIR" -czf "$REGISTRY/v1.0.0/app_linux_amd64.tar.gz" server
  export DEWY_MODE=server DEWY_SETTLE=0
  dewy once --log-level error -- current/server >/dev/null
  doctor
  assert_success
  assert_check worker ok 'runs out of releases/[0-9TZ]+, as current does'
  local release
  release=$(readlink "$ROOT/current")
  cp -r "$ROOT/$release" "$ROOT/releases/20400101T000000Z"
  cp "$ROOT/.dewy/$release.json" "$ROOT/.dewy/releases/20400101T000000Z.json"
  ln -sfn releases/20400101T000000Z "$ROOT/current"
  doctor
  assert_success
  assert_check worker warn "runs out of $release, and current leads elsewhere; restart the server"
}

@test "the server: which release a worker of another user is of cannot be told" {
  [ "$(id -u)" = 0 ] || skip "becoming another user takes root"
  local dir
  dir=$(mktemp -d "${TMPDIR:-/tmp}/dewy-doctor.XXXXXX")
  chmod 755 "$dir"
  cp "$DEWY_BIN/dewy-doctor" "$dir"
  mv "$ROOT" "$dir/root"
  ROOT=$dir/root DEWY_ROOT=$dir/root
  serving v1.0.0
  cp "$ROOT/.dewy/serve.pid" "$BATS_TEST_TMPDIR"
  run setpriv --reuid=65534 --regid=65534 --clear-groups "$dir/dewy-doctor"
  stop_pid "$(cat "$ROOT/.dewy/serve.pid")"
  rm -r "$dir"
  assert_check supervisor ok 'generation 1 serves'
  assert_check worker ok 'process [0-9]+ lives; which release it is of cannot be told by this user, who may not look at it'
  assert_check ports ok "127.0.0.1:$PORT: the supervisor listens"
}

@test "a UNIX socket that the supervisor listens on" {
  publish_server v1.0.0
  export DEWY_MODE=server DEWY_SETTLE=0 DEWY_PATH=$BATS_TEST_TMPDIR/socket
  dewy once --log-level error -- current/server >/dev/null
  doctor
  assert_check ports ok "$BATS_TEST_TMPDIR/socket: the supervisor listens"
  doctor --path "$BATS_TEST_TMPDIR/other"
  assert_failure 4
  assert_check ports fail 'does not listen on .*/other'
}

@test "dewy watch, or a line for cron, is somebody who runs dewy" {
  publish v1.0.0
  dewy watch --interval 1h >/dev/null 2>"$BATS_TEST_TMPDIR/log" 3>&- &
  echo $! >"$BATS_TEST_TMPDIR/watch.pid"
  wait_until test -e "$ROOT/current"
  doctor
  assert_check schedule ok "dewy watch runs, process $(cat "$BATS_TEST_TMPDIR/watch.pid")"
  stop_pid "$(cat "$BATS_TEST_TMPDIR/watch.pid")"
  (cd "$ROOT" && exec env -u DEWY_ROOT dewy assets --interval 1h >/dev/null 2>"$BATS_TEST_TMPDIR/other.log" 3>&-) &
  echo $! >"$BATS_TEST_TMPDIR/watch.pid"
  wait_until grep -q started "$BATS_TEST_TMPDIR/other.log"
  doctor
  assert_check schedule ok "dewy watch runs, process $(cat "$BATS_TEST_TMPDIR/watch.pid")"
  DEWY_ROOT=$BATS_TEST_TMPDIR/registry doctor
  assert_check schedule warn 'nobody runs dewy'
  stop_pid "$(cat "$BATS_TEST_TMPDIR/watch.pid")"
}

# in_opt [OPTION...]: runs dewy-doctor in ROOT, which is /opt/myapp there.
in_opt() {
  with_own_etc sh -c 'mount -t tmpfs -o mode=755 tmpfs /opt && mkdir /opt/myapp && mount --bind "$DEWY_ROOT" /opt/myapp &&
    mount -t tmpfs -o mode=755 tmpfs /run && mkdir /run/dewy-cron && [ ! -e "$0" ] || cp "$0" /run/dewy-cron/myapp.failed
    DEWY_ROOT=/opt/myapp dewy-doctor "$@"' "$BATS_TEST_TMPDIR/failed" "$@"
}

@test "the line of the examples for cron is somebody who runs dewy, for the application that it names" {
  need_private_mounts
  publish v1.0.0
  own_etc
  mkdir -p "$BATS_TEST_TMPDIR/etc/cron.d"
  sed 's,@pkglibexecdir@,/usr/libexec/dewy,' "$BATS_TEST_DIRNAME/../share/examples/crontab.in" \
    >"$BATS_TEST_TMPDIR/etc/cron.d/dewy-app"
  in_opt
  assert_check schedule ok 'cron runs it: /etc/cron.d/dewy-app$'
  echo 2 >"$BATS_TEST_TMPDIR/failed"
  in_opt
  assert_success
  assert_check schedule warn 'cron runs it: .*the last run ended with status 2; /run/dewy-cron/myapp.said says why'
  sed -i 's/dewy-cron myapp/dewy-cron myapp-2/' "$BATS_TEST_TMPDIR/etc/cron.d/dewy-app"
  in_opt
  assert_check schedule warn 'nobody runs dewy'
  echo "* * * * * root dewy once --root $ROOT" >"$BATS_TEST_TMPDIR/etc/cron.d/dewy-app"
  with_own_etc dewy-doctor
  assert_check schedule ok 'cron runs it: /etc/cron.d/dewy-app$'
  echo "* * * * * root dewy once --root $ROOT-2" >"$BATS_TEST_TMPDIR/etc/cron.d/dewy-app"
  with_own_etc dewy-doctor
  assert_check schedule warn 'nobody runs dewy'
}

@test "users and groups that are not known, or may not reach what is deployed, are told" {
  [ "$(id -u)" = 0 ] || skip "running workers as another user takes root"
  need_private_mounts
  publish_server v1.0.0
  PORT=$(free_port)
  export DEWY_PORT=127.0.0.1:$PORT DEWY_SETTLE=0 DEWY_MODE=server
  dewy once --log-level error -- current/server >/dev/null
  own_etc
  in_opt
  assert_success
  assert_check user skip
  in_opt --user nobody --socket-group daemon -- current/server
  assert_success
  assert_check user ok 'sockets of daemon; workers run as nobody'
  chmod 700 "$(readlink -f "$ROOT/current")"
  in_opt --user nobody -- current/server
  assert_failure 3
  assert_check user fail 'nobody may not execute /opt/myapp/current/server: Permission denied; namei -l /opt/myapp/current/server'
  in_opt --user nobody
  assert_check user fail 'nobody may not read /opt/myapp/current: Permission denied'
  in_opt --user no-such-user --socket-user no-such-owner --socket-group no-such-group
  assert_failure 1
  assert_check user fail '--socket-user no-such-owner: there is no such user; --socket-group .*; --user no-such-user: there is no'
}

# under_systemd [OPTION...]: runs dewy-doctor where systemd seems to run, and systemctl prints the files of $UNITS.
under_systemd() {
  mkdir -p "$BATS_TEST_TMPDIR/bin"
  cat >"$BATS_TEST_TMPDIR/bin/systemctl" <<'END'
#!/bin/sh
for unit; do :; done
[ "$1" = --version ] || cat "$UNITS/$unit" 2>/dev/null || echo LoadState=not-found
END
  chmod 755 "$BATS_TEST_TMPDIR/bin/systemctl"
  PATH=$BATS_TEST_TMPDIR/bin:$PATH run in_private_mounts sh -c \
    'mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system && dewy-doctor "$@"' sh "$@"
}

@test "systemd: the timer, its last run, and the unit of the server" {
  need_private_mounts
  export UNITS=$BATS_TEST_TMPDIR/units
  mkdir "$UNITS"
  publish v1.0.0
  under_systemd
  assert_success
  assert_check schedule warn 'nobody runs dewy.*; systemctl enable --now dewy@root.timer, or a line for cron; dewy\(1\) has both$'
  assert_check service skip 'no unit dewy-serve@root.service here'
  printf '%s\n' LoadState=loaded ActiveState=active UnitFileState=enabled 'NextElapseUSecMonotonic=3h 2min' \
    'LastTriggerUSec=Tue 2026-11-24 18:00:00 UTC' >"$UNITS/dewy@root.timer"
  printf '%s\n' LoadState=loaded ActiveState=active SubState=running UnitFileState=enabled NRestarts=3 >"$UNITS/dewy-serve@root.service"
  under_systemd
  assert_success
  assert_check schedule ok 'dewy@root.timer is active; last at Tue 2026-11-24 18:00:00 UTC; next 3h 2min after the boot'
  assert_check service ok 'dewy-serve@root.service is active \(running\), restarted 3 times by systemd$'
  sed -i s/enabled/disabled/ "$UNITS/dewy@root.timer"
  printf '%s\n' LoadState=loaded ActiveState=failed Result=exit-code ExecMainStatus=2 >"$UNITS/dewy@root.service"
  printf '%s\n' LoadState=loaded ActiveState=failed SubState=failed NRestarts=9 Result=exit-code >"$UNITS/dewy-serve@root.service"
  under_systemd
  assert_failure 4
  assert_check schedule warn 'root.timer is disabled.*ended with exit-code, status 2; systemctl enable dewy@root.timer; journalctl'
  assert_check service fail 'dewy-serve@root.service is failed \(failed\), restarted 9 times by systemd, Result=exit-code, .*; journalctl'
}

@test "without systemd, nothing that takes it is advised" {
  need_private_mounts
  serving v1.0.0
  stop_pid "$(cat "$ROOT/.dewy/serve.pid")"
  run in_private_mounts sh -c 'mount -t tmpfs tmpfs /run && dewy-doctor'
  assert_failure 4
  assert_check schedule warn 'nobody runs dewy.*; add a line for cron, or keep dewy watch running; dewy\(1\) has both$'
  assert_check supervisor fail 'dewy once starts it; \.dewy/serve\.log'
  refute_output --partial systemctl
}

@test "a unit: its state, whether it can be reloaded, and comes back after a boot" {
  need_private_mounts
  export UNITS=$BATS_TEST_TMPDIR/units
  mkdir "$UNITS"
  deployed v1.0.0
  under_systemd --unit hello
  assert_failure 1
  assert_check restart fail 'systemd knows no unit hello; see systemctl status hello'
  assert_check supervisor skip 'the server is the unit hello'
  printf '%s\n' LoadState=loaded Type=notify ActiveState=active SubState=running NRestarts=2 MainPID=77 CanReload=yes \
    UnitFileState=enabled >"$UNITS/hello"
  under_systemd --unit hello
  assert_success
  assert_check restart ok 'hello is active \(running\), restarted 2 times by systemd; a release is taken in by a reload$'
  sed -i 's/enabled/disabled/; s/CanReload=yes/CanReload=no/' "$UNITS/hello"
  under_systemd --unit hello
  assert_success
  assert_check restart warn 'hello is disabled.*cannot be reloaded: a release is taken in by a restart; systemctl enable hello$'
  printf '%s\n' LoadState=loaded Type=simple ActiveState=failed SubState=failed NRestarts=5 Result=exit-code ExecMainStatus=3 \
    >"$UNITS/hello"
  under_systemd --unit hello
  assert_failure 4
  assert_check restart fail 'hello is failed \(failed\), restarted 5 times by systemd, Result=exit-code, ExecMainStatus=3'
}

@test "a process that takes a signal: its pid file, and what runs" {
  deployed v1.0.0
  doctor --signal HUP
  assert_failure 1
  assert_check restart fail '--signal HUP: no --pid-file says whom to signal'
  doctor --signal HUP --pid-file "$BATS_TEST_TMPDIR/pid"
  assert_failure 1
  assert_check restart fail "no process runs of the pid file $BATS_TEST_TMPDIR/pid"
  assert_check supervisor skip 'others keep the server running'
  PORT=$(free_port)
  python3 -c 'import http.server, signal, sys
signal.signal(signal.SIGHUP, print)
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()' \
    "$PORT" >/dev/null 2>&1 3>&- &
  local pid=$!
  wait_until curl -sS "http://127.0.0.1:$PORT/"
  echo "$pid" >"$BATS_TEST_TMPDIR/pid"
  doctor --signal HUP --pid-file "$BATS_TEST_TMPDIR/pid" --port "127.0.0.1:$PORT" --health-path /
  assert_success
  assert_check restart ok "process $pid \\(python3\\) of $BATS_TEST_TMPDIR/pid; a release is taken in by the signal HUP"
  assert_check ports ok "127.0.0.1:$PORT: somebody listens"
  assert_check health ok
  stop_pid "$pid"
  doctor --signal HUP --pid-file "$BATS_TEST_TMPDIR/pid" --port "127.0.0.1:$PORT" --health-path /
  assert_failure 1
  assert_check ports fail "the server does not listen on 127.0.0.1:$PORT"
  assert_check health fail
}

@test "a process that does not take the signal, one that is none, and a unit without systemd, are told" {
  need_private_mounts
  deployed v1.0.0
  (trap '' HUP && exec sleep 60 3>&-) &
  local pid=$!
  echo "$pid" >"$BATS_TEST_TMPDIR/sleep.pid"
  wait_until grep -q sleep "/proc/$pid/comm"
  doctor --signal USR1 --pid-file "$BATS_TEST_TMPDIR/sleep.pid"
  assert_success
  assert_check restart warn "process $pid \\(sleep\\) does not catch, and is ended by, the signal USR1; .*; give the --signal at which"
  doctor --signal HUP --pid-file "$BATS_TEST_TMPDIR/sleep.pid"
  assert_success
  assert_check restart warn "process $pid \\(sleep\\) ignores the signal HUP"
  doctor --signal TERM --pid-file "$BATS_TEST_TMPDIR/sleep.pid"
  assert_success
  assert_check restart ok 'a release is taken in by the signal TERM$'
  doctor --signal HUPP --pid-file "$BATS_TEST_TMPDIR/sleep.pid"
  assert_failure 1
  assert_check restart fail '--signal HUPP: expected the name of a signal; for example --signal HUP'
  run in_private_mounts sh -c 'mount -t tmpfs tmpfs /run && dewy-doctor --unit nosuch'
  assert_failure 1
  assert_check restart fail 'systemctl show nosuch: .*; --unit needs a systemd that runs'
}

@test "a command that restarts the server is not run, and needs a proof" {
  deployed v1.0.0
  doctor --restart-command "touch '$BATS_TEST_TMPDIR/ran'"
  assert_failure 1
  assert_check restart fail 'does not show that the server runs the release; give --health-url, --health-path or --pid-file'
  doctor --restart-command "touch '$BATS_TEST_TMPDIR/ran'" --pid-file "$BATS_TEST_TMPDIR/pid"
  assert_success
  assert_check restart ok 'a command, which was not run; a new process shows that it was; no process runs of .*/pid yet'
  assert [ ! -e "$BATS_TEST_TMPDIR/ran" ]
  doctor --restart-command true --unit hello
  assert_failure 1
  assert_check restart fail 'exclude each other'
  doctor --mode assets --restart-command true
  assert_failure 1
  assert_check restart fail 'assets mode restarts nothing'
}

# examined: runs dewy-doctor in the box for /opt/hello, as its environment file says.
examined() {
  run box_run sh -c 'set -a; . /etc/dewy/hello.env; dewy doctor --root /opt/hello -- current/server'
}

@test "a real systemd: what it says of the timer and the server, while all is well and when it is not" {
  box_start "$REGISTRY:/srv/releases"
  box_install
  publish_server v1.0.0
  box_run sh -c 'mkdir -p /opt/hello /etc/dewy
    printf "%s\n" DEWY_REGISTRY=\"file:///srv/releases\" DEWY_MODE=\"server\" DEWY_PORT=\"127.0.0.1:8080\" DEWY_SETTLE=\"0\" \
      DEWY_COMMAND=\"current/server\" >/etc/dewy/hello.env
    systemctl enable --now dewy-serve@hello dewy@hello.timer'
  wait_until box_run curl -sSf http://127.0.0.1:8080/
  wait_until box_run grep -qs running /opt/hello/.dewy/history.jsonl
  examined
  assert_success
  assert_check schedule ok 'dewy@hello.timer is active; last at .*'
  assert_check service ok 'dewy-serve@hello.service is active \(running\), restarted [0-9]+ times by systemd$'
  assert_check supervisor ok 'generation [0-9]+ serves'
  assert_check ports ok '127.0.0.1:8080: the supervisor listens'
  box_run systemctl disable --now dewy@hello.timer
  wait_until box_run sh -c '! systemctl is-active dewy@hello.service'
  examined
  assert_success
  assert_check schedule warn 'nobody runs dewy.*systemctl enable --now dewy@hello.timer'
  box_run systemctl start dewy@hello.timer
  examined
  assert_check schedule warn 'dewy@hello.timer is disabled: it does not come back after a boot; systemctl enable dewy@hello.timer'
  box_run systemctl stop dewy@hello.timer dewy-serve@hello
  examined
  assert_failure 4
  assert_check service fail 'dewy-serve@hello.service is inactive'
  assert_check supervisor fail 'systemctl start dewy-serve@hello'
  assert_check ports ok '127.0.0.1:8080: free'
  box_run sh -c 'printf "[Socket]\nListenStream=127.0.0.1:8080\nService=hello.service\n" >/run/systemd/system/hello.socket
    printf "[Service]\nExecStart=/bin/true\n" >/run/systemd/system/hello.service
    systemctl daemon-reload
    systemctl start hello.socket'
  examined
  assert_check ports fail '127.0.0.1:8080 is taken by process 1 \(.*\), which is not the supervisor'
  box_run systemctl stop hello.socket
  box_run systemctl start dewy-serve@hello.socket
  examined
  assert_check ports ok 'systemd listens on 127.0.0.1:8080 for the supervisor'
  assert_check service fail 'dewy-serve@hello.socket holds its sockets'
}

@test "a real systemd: the server is a unit of somebody else, and credentials lie in its store" {
  box_start "$REGISTRY:/srv/releases"
  box_install
  mkdir -p "$REGISTRY/v1.0.0" "$BATS_TEST_TMPDIR/tree"
  printf '#!/bin/sh\nexec sleep 1000\n' >"$BATS_TEST_TMPDIR/tree/server"
  chmod 755 "$BATS_TEST_TMPDIR/tree/server"
  tar -C "$BATS_TEST_TMPDIR/tree" -czf "$REGISTRY/v1.0.0/app_linux_amd64.tar.gz" server
  box_write 644 /etc/systemd/system/other.service '[Service]' WorkingDirectory=/opt/hello ExecStart=/opt/hello/current/server \
    '[Install]' WantedBy=multi-user.target
  box_write 600 /etc/dewy/hello.env 'DEWY_REGISTRY="file:///srv/releases"' 'DEWY_UNIT="other"' 'DEWY_SETTLE="0"'
  box_run sh -c 'mkdir -p /opt/hello && systemctl daemon-reload && install -d -m 700 /etc/credstore'
  box_write 600 /etc/credstore/dewy.hello.GH_TOKEN s3cret-of-the-store
  hello() {
    run box_run sh -c 'set -a; . /etc/dewy/hello.env; exec "$@"' sh "$@" --root /opt/hello
  }
  hello dewy doctor
  assert_success
  assert_check restart ok 'other is inactive \(dead\): nothing is deployed yet; it cannot be reloaded'
  assert_check secrets warn 'dewy@hello.service takes none of what /etc/credstore has for it; install the example credentials.conf'
  refute_output --partial s3cret
  box_run sh -c 'install -D -m 644 -t /etc/systemd/system/dewy@.service.d /usr/local/share/doc/dewy/examples/credentials.conf
    systemctl daemon-reload'
  hello dewy once
  assert_success
  hello dewy doctor
  assert_success
  assert_check restart warn 'other is active \(running\), restarted 0 times by systemd; other is disabled'
  assert_check secrets ok 'dewy@hello.service takes 1 from /etc/credstore, which only its runs see; 1 file, and others may read none'
  box_run systemctl enable other
  hello dewy doctor
  assert_check restart ok 'other is active'
  box_run systemctl kill --signal=KILL other
  wait_until box_run sh -c 'test "$(systemctl show --value -p ActiveState other)" = failed'
  hello dewy doctor
  assert_failure 4
  assert_check restart fail 'other is failed \(failed\), .*Result=signal, ExecMainStatus=9; .*journalctl -u other says why'
}

@test "a program that is missing, or of another version, is told" {
  mkdir -p "$BATS_TEST_TMPDIR/tools/bin" "$BATS_TEST_TMPDIR/tools/libexec/dewy"
  cp "$DEWY_BIN"/dewy* "$BATS_TEST_TMPDIR/tools/bin"
  cp "$DEWY_BIN"/../libexec/dewy/dewy-{check-remote,history,sweep} "$BATS_TEST_TMPDIR/tools/libexec/dewy"
  publish v1.0.0
  PATH=/usr/bin:/bin run "$BATS_TEST_TMPDIR/tools/bin/dewy-doctor"
  assert_success
  rm "$BATS_TEST_TMPDIR/tools/bin/dewy-fetch"
  printf '#!/bin/sh\necho dewy 0.0.1\n' >"$BATS_TEST_TMPDIR/tools/bin/dewy-notify"
  PATH=/usr/bin:/bin run "$BATS_TEST_TMPDIR/tools/bin/dewy-doctor"
  assert_failure 1
  assert_check programs fail 'cannot start dewy-fetch: .*dewy-notify --version says dewy 0.0.1, not .*install dewy again'
}

@test "notifiers are looked at, and told nothing" {
  publish v1.0.0
  doctor --notifier https://hooks.example.com/s3cretpath?quiet=true
  assert_success
  assert_check notifiers ok 'hooks.example.com, quietly; nothing was sent'
  refute_output --partial s3cretpath
  WEBHOOK_SECRET_FILE=$BATS_TEST_TMPDIR/none doctor --notifier https://hooks.example.com/s3cretpath
  assert_failure 1
  assert_check notifiers fail '--notifier 1, https:hooks.example.com: cannot read the secret'
  refute_output --partial s3cretpath
  doctor --notifier gopher://example.com/s3cretpath
  assert_failure 1
  assert_check notifiers fail '--notifier 1: unknown scheme gopher:;'
  refute_output --partial s3cretpath
}

@test "the keys that must sign are named, and looked at as dewy-fetch does" {
  publish v1.0.0
  doctor
  assert_check signatures skip 'no key is configured: whoever may write to the registry decides what is installed'
  minisign -G -W -p "$BATS_TEST_TMPDIR/key.pub" -s "$BATS_TEST_TMPDIR/key.sec" >/dev/null
  doctor --verify-key "$BATS_TEST_TMPDIR/key.pub"
  assert_check signatures warn 'what was signed once may be published again as another version.*--verify-claims app,version'
  doctor --verify-key "$BATS_TEST_TMPDIR/key.pub" --verify-claims version
  assert_check signatures warn 'what was signed once may be published again'
  doctor --verify-key "$BATS_TEST_TMPDIR/key.pub" --verify-claims version,os,app
  assert_success
  assert_check signatures ok "1 of 1 keys must have signed: 0*$(sed -n 's/.*public key //p' "$BATS_TEST_TMPDIR/key.pub")"
  refute_output --partial 'what was signed once'
  doctor --verify-key "$BATS_TEST_TMPDIR/key.pub" --verify-threshold 2
  assert_equal "$status" 1
  assert_check signatures fail '--verify-threshold demands 2 keys, and --verify-key gives 1'
  chmod 666 "$BATS_TEST_TMPDIR/key.pub"
  doctor --verify-key "$BATS_TEST_TMPDIR/key.pub"
  assert_check signatures fail 'others may write to the key .*chmod go-w'
  doctor --verify-claims app
  assert_check signatures fail 'no key to verify signatures with.*--verify-key'
}

@test "a release that nobody has signed is a warning when a key must have" {
  publish v1.0.0
  minisign -G -W -p "$BATS_TEST_TMPDIR/key.pub" -s "$BATS_TEST_TMPDIR/key.sec" >/dev/null
  doctor --verify-key "$BATS_TEST_TMPDIR/key.pub"
  assert_check release warn 'it is not signed, and neither is a checksum file that names it; publish app_linux_amd64.tar.gz.minisig'
  doctor
  assert_check release ok 'fits this machine'
  minisign -S -s "$BATS_TEST_TMPDIR/key.sec" -m "$REGISTRY/v1.0.0/app_linux_amd64.tar.gz" >/dev/null
  doctor --verify-key "$BATS_TEST_TMPDIR/key.pub"
  assert_check release ok 'fits this machine'
}

@test "metrics are looked at, and neither written nor sent" {
  publish v1.0.0
  doctor
  assert_check metrics skip 'nobody wants any'
  mkdir "$BATS_TEST_TMPDIR/collector"
  OTEL_EXPORTER_OTLP_ENDPOINT=http://user:s3cret@127.0.0.1:1 doctor --metrics-file "$BATS_TEST_TMPDIR/collector/app.prom"
  assert_success
  assert_check metrics ok 'collector/app.prom; traces to 127.0.0.1:1; metrics to 127.0.0.1:1; nothing was sent'
  refute_output --partial s3cret
  assert_equal "$(ls -A "$BATS_TEST_TMPDIR/collector")" ""
  doctor --metrics-file "$BATS_TEST_TMPDIR/none/app.prom"
  assert_success
  assert_check metrics warn "cannot write to $BATS_TEST_TMPDIR/none: No such file or directory.*create the directory"
  doctor --metrics-file "$BATS_TEST_TMPDIR/collector/app.txt"
  assert_check metrics warn 'app.txt.*let its name end in .prom'
  OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1 OTEL_EXPORTER_OTLP_PROTOCOL=grpc doctor
  assert_check metrics warn 'OTEL_EXPORTER_OTLP_PROTOCOL=grpc: only http/json is spoken'
}

@test "no secret is printed, whatever fails" {
  local registry secret=s3cr3t-never-seen
  export GH_TOKEN=ghp_$secret GITHUB_TOKEN=$secret WEBHOOK_SECRET=$secret AWS_ACCESS_KEY_ID=AKIATEST
  export AWS_SECRET_ACCESS_KEY=$secret AWS_SESSION_TOKEN=$secret GITHUB_APP_PRIVATE_KEY=$secret SLACK_TOKEN=$secret
  export MAIL_PASSWORD=$secret DEWY_NOTIFIER=https://user:$secret@127.0.0.1:1/$secret?token=$secret
  export http_proxy=http://user:$secret@127.0.0.1:1 https_proxy=http://user:$secret@127.0.0.1:1
  jq -n --arg secret "$secret" '{type: "authorized_user", client_id: "x", client_secret: $secret, refresh_token: $secret}' \
    >"$BATS_TEST_TMPDIR/user.json"
  export GOOGLE_APPLICATION_CREDENTIALS=$BATS_TEST_TMPDIR/user.json
  for registry in "$DEWY_REGISTRY" ghr://acme/app s3://us-east-1/bucket/app gs://bucket/app "ghr://x:$secret@acme/app" \
    "s3://us-east-1/bucket?endpoint=http://u:$secret@127.0.0.1:1"; do
    run dewy-doctor --registry "$registry" --log-level debug
    assert_failure
    refute_output --partial "$secret"
    run dewy-doctor --registry "$registry" --log-level debug --json
    refute_output --partial "$secret"
  done
}

@test "dewy is without libcurl, and lists the doctor" {
  run -0 dewy --help
  assert_line --regexp '^  check fetch .* doctor$'
  ! ldd "$DEWY_BIN/dewy" | grep -q libcurl
}
