#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What the tools log: the lines and their levels, in whose journal, without secrets and without what could forge a line.
load common
load systemd

prepare() {
  export DEWY_REGISTRY=file://$REGISTRY DEWY_PROGRESS=off DEWY_SETTLE=100ms
  cd "$BATS_TEST_TMPDIR"
}

cleanup() {
  box_stop
  [ ! -e "$BATS_TEST_TMPDIR/reader.pid" ] || stop_pid "$(cat "$BATS_TEST_TMPDIR/reader.pid")"
}

# What a line of the log is, in each form.
TEXT='^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z (DEBUG|INFO|WARN|ERROR): [^[:cntrl:]]+$'

# logged [FILE]: prints the events of a log of lines in JSON; fails when one is none.
logged() {
  jq -ce 'if .time and .level and .msg then . else error("no event") end' "${1:-log}"
}

# event MESSAGE: the first event with that message, as "LEVEL MESSAGE KEY,KEY...".
event() {
  logged | jq -rn --arg msg "$1" 'first(inputs | select(.msg == $msg)) | "\(.level) \(.msg) \(del(.time, .level, .msg) | keys_unsorted | join(","))"'
}

# value MESSAGE KEY: the value of the first event with that message.
value() {
  logged | jq -rn --arg msg "$1" --arg key "$2" 'first(inputs | select(.msg == $msg)) | .[$key]'
}

@test "each message has its level and its keys" {
  export DEWY_LOG_FORMAT=json DEWY_LOG_LEVEL=debug
  publish_server v1.0.0 says-ready
  local port
  port=$(free_port)
  dewy once --port "127.0.0.1:$port" --before-deploy-hook 'exit 3' --after-deploy-hook 'echo out; exit 4' -- current/server >/dev/null 2>log
  assert_equal "$(event "Cached artifact")" "INFO Cached artifact cache_key"
  assert_equal "$(event "Download notification")" "INFO Download notification message"
  assert_equal "$(event "Extract archive")" "INFO Extract archive path"
  assert_equal "$(event "Create symlink")" "INFO Create symlink from,to"
  assert_equal "$(event "Execute hook")" "INFO Execute hook command,stdout,stderr,duration"
  assert_equal "$(event "Before deploy hook failure")" "ERROR Before deploy hook failure error,exit_code"
  assert_equal "$(event "After deploy hook failure")" "ERROR After deploy hook failure error,exit_code"
  assert_equal "$(event "Restart notification")" "INFO Restart notification message"
  dewy once --port "127.0.0.1:$port" -- current/server >/dev/null 2>log
  assert_equal "$(event "Deploy skipped")" "DEBUG Deploy skipped version"
  publish_server v1.1.0 says-ready
  dewy once --port "127.0.0.1:$port" -- current/server >/dev/null 2>log
  assert_equal "$(event "Send SIGHUP for server restart")" "INFO Send SIGHUP for server restart pid"
  mkdir "$REGISTRY/v2.0.0"
  dewy-check --mode assets 2>log >/dev/null
  assert_equal "$(event "Artifact not found within grace period")" "DEBUG Artifact not found within grace period message,grace_period"
}

@test "a watch says when it starts" {
  publish v1.0.0
  DEWY_LOG_FORMAT=json dewy watch --interval 1h >/dev/null 2>log 3>&- &
  echo $! >watch.pid
  wait_until test -e "$ROOT/current"
  assert_equal "$(event "Dewy started")" "INFO Dewy started version,commit"
}

@test "lines of text have the form TIME LEVEL: MESSAGE key=\"value\", and what is below the level is not printed" {
  publish v1.0.0
  dewy once --log-level debug >/dev/null 2>log
  run -1 grep -vE "$TEXT" log
  grep -qE '^[^ ]+ INFO: Create symlink from="/[^"]*" to="current"$' log
  publish v1.1.0
  dewy once --log-level warn >/dev/null 2>log
  assert_equal "$(<log)" ""
}

# as_journal COMMAND...: runs it with a standard error, the file "log", that JOURNAL_STREAM says is the journal.
as_journal() {
  : >log
  JOURNAL_STREAM=$(stat -c %d:%i log) "$@" 2>>log
}

@test "lines for the journal have a priority, of each level its own, in both forms" {
  publish v1.0.0
  as_journal dewy once --log-level debug --after-deploy-hook 'exit 1' >/dev/null
  run -1 grep -vE '^<[3467]>[0-9]{4}-' log
  grep -qE '^<7>[^ ]+ DEBUG: ' log
  grep -qE '^<6>[^ ]+ INFO: ' log
  grep -qE '^<3>[^ ]+ ERROR: ' log
  run -1 grep -E '^<7>[^ ]+ [^D]|^<6>[^ ]+ [^I]|^<4>[^ ]+ [^W]|^<3>[^ ]+ [^E]' log
  publish v0.9.0
  rm -r "$REGISTRY/v1.0.0"
  as_journal dewy once --log-format json >/dev/null
  grep -qE '^<4>\{"time":.*"WARN"' log
  sed 's/^<[0-9]>//' log | logged /dev/stdin >/dev/null
}

@test "what is wrong with an option or the configuration is an error for the journal, too" {
  as_journal dewy-check --no-such-option || [ $? -eq 1 ]
  assert_equal "$(<log)" "<3>dewy-check: unknown option --no-such-option; see dewy-check --help"
  as_journal dewy once --root / || [ $? -eq 1 ]
  run -0 grep -c '^<3>dewy once: ' log
  dewy once --log-format json --root / 2>log || [ $? -eq 1 ]
  assert_equal "$(logged | jq -r .level)" ERROR
}

@test "who only inherited JOURNAL_STREAM prints no priority" {
  publish v1.0.0
  : >journal
  JOURNAL_STREAM=$(stat -c %d:%i journal) dewy once >/dev/null 2>log
  grep -q '^2' log
  run -1 grep '^<' log
  publish v1.1.0
  JOURNAL_STREAM=$(stat -c %d:%i journal) dewy once 2>&1 >/dev/null | cat >log
  grep -q '^2' log
  run -1 grep '^<' log
  local stream
  for stream in "" : 1: :1 x:y 99999999999999999999:1 "$(stat -c %i:%d log)"; do
    publish "v1.2.$((++count))"
    JOURNAL_STREAM=$stream dewy once >/dev/null 2>log
    run -1 grep '^<' log
  done
}

@test "where standard error leads is looked up once, and only with JOURNAL_STREAM" {
  ! sanitized || skip "the sanitizer looks at files of its own"
  publish v1.0.0
  strace -f -e trace=fstat,newfstatat,fstatat64,statx -o trace dewy once >/dev/null 2>log
  run -1 grep -E '(fstat\(2,|statx\(2, ""|newfstatat\(2, "")' trace
  dewy-check --force 2>/dev/null | dewy-fetch 2>/dev/null >fetched
  : >log
  JOURNAL_STREAM=$(stat -c %d:%i log) strace -e trace=fstat,newfstatat,fstatat64,statx -o trace dewy-deploy --log-level debug \
    --before-deploy-hook 'echo 1' <fetched >/dev/null 2>>log
  assert [ "$(grep -c '^<' log)" -gt 2 ]
  assert_equal "$(grep -cE '(fstat\(2,|statx\(2, ""|newfstatat\(2, "")' trace)" 1
}

@test "the supervisor marks its lines for the journal, and no worker's, and none in its log file" {
  publish_server v1.0.0 says-ready
  tar -C "$ROOT" -xzf "$REGISTRY/v1.0.0/app_linux_amd64.tar.gz"
  : >journal
  JOURNAL_STREAM=$(stat -c %d:%i journal) dewy-serve --pid-file "$BATS_TEST_TMPDIR/serve.pid" -- sh -c 'echo worker says >&2; exec sleep 100' \
    2>>journal >/dev/null 3>&- &
  wait_until grep -q "worker says" journal
  wait_until test -s serve.pid
  stop_pid "$(cat serve.pid)"
  wait_until grep -q Exiting journal
  grep -qE '^<6>[^ ]+ INFO: Supervisor started' journal
  assert_equal "$(grep -vE '^<[3467]>' journal)" "worker says"
  : >journal
  python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("stale")'
  JOURNAL_STREAM=$(stat -c %d:%i journal) dewy-serve --pid-file "$BATS_TEST_TMPDIR/serve.pid" --log-file "$BATS_TEST_TMPDIR/serve.log" \
    --path "$BATS_TEST_TMPDIR/stale" -- sh -c 'echo worker says >&2; exec sleep 100' 2>>journal >/dev/null 3>&- &
  wait_until grep -q "worker says" serve.log
  kill -USR1 "$(cat serve.pid)"
  wait_until grep -q "Log file opened again" serve.log
  stop_pid "$(cat serve.pid)"
  wait_until grep -q Exiting serve.log
  grep -q '^<6>.*Removing existing socket file' journal
  run -1 grep '^<' serve.log
}

@test "under a real systemd, the journal knows which lines are errors" {
  box_start "$REGISTRY:/srv/releases"
  box_install
  publish_server v1.0.0 says-ready
  box_run mkdir -p /opt/app /etc/dewy
  box_write 600 /etc/dewy/app.env 'DEWY_REGISTRY="file:///srv/releases"' 'DEWY_MODE="server"' 'DEWY_PORT="8080"' \
    'DEWY_COMMAND="sh -c \"echo worker says; exec current/server\""' 'DEWY_SETTLE="100ms"' 'DEWY_LOG_LEVEL="debug"' \
    'DEWY_AFTER_DEPLOY_HOOK="exit 5"'
  box_run systemctl start dewy-serve@app
  box_run systemctl start dewy@app
  run -0 box_journal -u dewy@app -p err
  assert_line --partial "ERROR: After deploy hook failure"
  refute_output --partial "INFO:"
  run -0 box_journal -u dewy@app -p notice..notice
  assert_line --partial "INFO: Create symlink"
  assert_line --partial "DEBUG:"
  refute_output --regexp '(ERROR|WARN):'
  run -0 box_journal -u dewy@app -u dewy-serve@app
  refute_output --regexp '(^|\n)<[0-9]>'
  refute_output --partial Finished
  run -0 box_run journalctl -u dewy-serve@app -o json --output-fields=PRIORITY,MESSAGE
  assert_equal "$(jq -r 'select(.MESSAGE | test("INFO: Supervisor started")) | .PRIORITY' <<<"$output")" 6
  assert_equal "$(jq -r 'select(.MESSAGE == "worker says") | .PRIORITY' <<<"$output" | sort -u)" 6

  # and outside of the unit of the timer, with the priority of each level
  box_write 600 /etc/dewy/app.env 'DEWY_REGISTRY="file:///nowhere"' 'DEWY_MODE="assets"' 'DEWY_LOG_LEVEL="debug"'
  box_run systemd-run --quiet --unit=watch --property=EnvironmentFile=/etc/dewy/app.env --property=WorkingDirectory=/opt/app \
    dewy watch --interval 1h
  wait_until box_run sh -c 'journalctl -q -u watch -p err | grep -q ERROR:'
  run -0 box_journal -u watch -p info..info
  assert_line --partial "INFO: Dewy started"
  refute_output --partial "ERROR:"
}

# hook COMMAND: deploys with that hook, the log in "log" and the document in "document", both in JSON.
hook() {
  [ -d "$REGISTRY/v1.0.0" ] || publish v1.0.0
  dewy once --force --log-format json --after-deploy-hook "$1" >document 2>log
  printed=$(jq -r '.deploy.hooks[0].stdout' document)
  [ ${#printed} -gt 1000 ] || assert_equal "$(value "Execute hook" stdout)" "$printed"
}

@test "secrets of the environment are taken out of what hooks print, in all their forms" {
  export GH_TOKEN='ghp_s3cret/with+odd"letters' AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMIK7MDENGbPxRfiCY WEBHOOK_SECRET=whsec-0123456789
  export http_proxy=http://somebody:prox%79pass@127.0.0.1:1 https_proxy=other:proxypass2@127.0.0.1:1 \
    DATABASE_URL=postgres://app:database-pass@db/app
  export DEWY_NOTIFY_TIMEOUT=1s NO_PROXY=127.0.0.1
  local secret form
  for secret in "$GH_TOKEN" "$AWS_SECRET_ACCESS_KEY" "$WEBHOOK_SECRET" proxypass prox%79pass proxypass2 database-pass; do
    for form in "$secret" "$(encode "$secret")" "$(encode "$secret" | sed 's/%\(..\)/%\L\1/g')" "$(jq -Rn '$s' --arg s "$secret" | sed 's/^"//; s/"$//')"; do
      printf '%s\n' "$form" >printed
      hook "cat $BATS_TEST_TMPDIR/printed"
      assert_equal "$printed" "[redacted]"
    done
    for form in "" x xy; do
      printf '%s:%s' "$form" "$secret" | base64 -w 0 >printed
      hook "cat $BATS_TEST_TMPDIR/printed"
      [[ $printed == *"[redacted]"* ]]
      [ ${#printed} -lt 22 ]
    done
  done
  hook "printf '%s' 'proxypass proxypass2 no proxy' >&2"
  assert_equal "$(jq -r '.deploy.hooks[0].stderr' document)" "[redacted] [redacted] no proxy"
  for secret in "$GH_TOKEN" "$AWS_SECRET_ACCESS_KEY" proxypass database-pass; do
    run -1 grep -rF -e "$secret" log document "$ROOT/.dewy"
  done
}

@test "the secret part of a notifier's URL is taken out, and what people need to read is not" {
  local token=T0000000000/B1111111111/abcdefghijklmnopqrstuvwx
  export DEWY_NOTIFIER="http://user:notify-pass@127.0.0.1:1/services/$token?quiet=true&key=0123456789abcdef0123"
  hook "echo services/$token notify-pass 0123456789abcdef0123 abcdefghijklmnopqrstuvwx 127.0.0.1 quiet=true"
  assert_equal "$printed" "services/T0000000000/B1111111111/[redacted] [redacted] [redacted] [redacted] 127.0.0.1 quiet=true"
  OTEL_EXPORTER_OTLP_HEADERS='api-key=otel-0123456789,authorization=Bearer%20otel-abcdefghi' \
    hook 'echo otel-0123456789 otel-abcdefghi'
  assert_equal "$printed" "[redacted] [redacted]"
  OTEL_EXPORTER_OTLP_HEADERS='team= otel-0123456789 , x-auth=Basic otel-abcdefghi ' hook 'echo otel-0123456789 otel-abcdefghi'
  assert_equal "$printed" "[redacted] [redacted]"
  OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1/receiver/v1/otlp/ZaVnC4dhaV3qTOKENTOKEN0123456789== \
    hook 'echo $OTEL_EXPORTER_OTLP_ENDPOINT'
  assert_equal "$printed" "http://127.0.0.1:1/receiver/v1/otlp/[redacted]=="
  run -1 grep -rF ZaVnC4dhaV3q log document "$ROOT/.dewy"
  hook "echo /services/$token"
  assert_equal "$printed" "[redacted]"
}

@test "secrets in files are taken out of what hooks print: all lines of a key, and credentials of systemd" {
  openssl genrsa -out key.pem 2048 2>/dev/null
  mkdir credentials
  echo 'slack-credential-0123' >credentials/SLACK_TOKEN
  echo 'gh-token-of-a-file' >token
  echo 'team=otel-of-a-credential' >credentials/OTEL_EXPORTER_OTLP_TRACES_HEADERS
  echo 'x-team=otel-of-a-file,api=otel%2Dencoded' >headers
  export GITHUB_APP_PRIVATE_KEY_PATH=$PWD/key.pem GH_TOKEN_FILE=$PWD/token CREDENTIALS_DIRECTORY=$PWD/credentials
  export OTEL_EXPORTER_OTLP_HEADERS_FILE=$PWD/headers
  hook 'echo otel-of-a-file otel-encoded otel-of-a-credential'
  assert_equal "$printed" "[redacted] [redacted] [redacted]"
  hook "cat $PWD/key.pem $PWD/credentials/* $PWD/token; echo the end"
  local line
  while read -r line; do
    [[ $printed != *"$line"* ]] || [[ $line == -----* ]] || [ ${#line} -lt 8 ]
  done <key.pem
  [[ $printed == *$'[redacted]\n[redacted]\nthe end' ]]
}

@test "what is cut off in the middle of a secret does not show its beginning" {
  export GH_TOKEN=ghp_0123456789abcdefghijklmnopqrstuvwxyz
  printf %s "$GH_TOKEN" >"$ROOT/token"
  hook 'head -c 65520 /dev/zero | tr "\0" x; cat "$DEWY_ROOT/token"' # 64 KiB are kept
  [[ $printed == *"xx[redacted]" ]]
  run -1 grep -F ghp_01234567 log document
}

@test "a short secret is left, because any text could have it" {
  GH_TOKEN=v1.0.0! hook 'echo v1.0.0! was deployed'
  assert_equal "$printed" "v1.0.0! was deployed"
  GH_TOKEN=v1.0.0!! hook 'echo v1.0.0!! was deployed'
  assert_equal "$printed" "[redacted] was deployed"
}

@test "ids, names and paths are no secrets" {
  AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE MAIL_USERNAME=ops@example.com GITHUB_APP_ID=1234567890 GH_TOKEN_FILE=/etc/dewy/nothing \
    hook 'echo AKIAIOSFODNN7EXAMPLE ops@example.com 1234567890 /etc/dewy/nothing'
  assert_equal "$printed" "AKIAIOSFODNN7EXAMPLE ops@example.com 1234567890 /etc/dewy/nothing"
  RELEASE_VERIFY_KEY=/etc/dewy/myapp.pub RELEASE_SIGN_KEY=0123456789 hook 'echo /etc/dewy/myapp.pub 0123456789'
  assert_equal "$printed" "/etc/dewy/myapp.pub [redacted]"
}

@test "a secret in a notice, in an error and in the history is taken out" {
  export GH_TOKEN=ghp_0123456789
  hook 'true ghp_0123456789'
  run -0 jq -r '.notices[].text, .deploy.hooks[].command' document
  refute_output --partial "$GH_TOKEN"
  assert_output --partial 'true [redacted]'
  publish v2.0.0
  dewy once --log-format json --restart-command 'echo because of ghp_0123456789; exit 1' --health-url http://127.0.0.1:1/ --mode server >document 2>log || [ $? -eq 4 ]
  run -0 jq -r .error.message document
  assert_output --partial "because of [redacted]"
  run -1 grep -rF "$GH_TOKEN" log document "$ROOT/.dewy"
}

# What could be taken for another line, for an escape sequence or for text that runs the other way.
HOSTILE=$'a\nFORGED 1\r\nFORGED 2\e[31m\x7f\u0085FORGED 3\u2028FORGED 4\u2029\u009b31m\u202eFORGED 5\u200f\u061c\u2066"\\ end\t\xff\xc3('

# assert_tame FILE: no line of the log, in either form, is forged or has a control character in it.
assert_tame() {
  run -1 env LC_ALL=C grep -naP '[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xd8\x9c|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xaf]' "$1"
  run -1 grep -na '^FORGED' "$1"
  iconv -f UTF-8 -t UTF-8 "$1" >/dev/null
}

@test "what a hook prints cannot forge a line, and reads back from JSON" {
  publish v1.0.0
  printf %s "$HOSTILE" >hostile
  local form
  for form in text json; do
    dewy once --force --log-level debug --log-format $form --after-deploy-hook "cat $PWD/hostile; cat $PWD/hostile >&2; exit 1" >document 2>log
    assert_tame log
    if [ $form = text ]; then
      run -1 grep -vE "$TEXT" log
    else
      assert_equal "$(value "Execute hook" stdout)" "$(iconv -f UTF-8 -t UTF-8 -c hostile | sed 's/($/\xef\xbf\xbd\xef\xbf\xbd(/')"
    fi
  done
}

@test "names in a registry, in an archive, and options cannot forge a line" {
  publish v1.0.0
  mkdir "$REGISTRY"/$'v9.0.0+x\nFORGED' "$REGISTRY"/$'v9.0.0-\e[31m'
  publish v2.0.0 "app_linux_amd64.tar.gz"
  cp "$REGISTRY/v2.0.0/app_linux_amd64.tar.gz" "$REGISTRY/v2.0.0/"$'app2_linux_amd64\n\e[1mFORGED.tar.gz'
  python3 - "$REGISTRY/v2.0.0/app_linux_amd64.tar.gz" <<'IN'
import io, sys, tarfile
with tarfile.open(sys.argv[1], "w:gz") as archive:
    archive.addfile(tarfile.TarInfo("../x\nFORGED 1 \x1b[31m\u2028FORGED 2\u202e\u0085FORGED 3"), io.BytesIO())
IN
  local form
  for form in text json; do
    run --separate-stderr dewy once --log-level debug --log-format $form
    assert_failure 5
    echo "$stderr" >log
    assert_tame log
    echo "$output" | assert_tame /dev/stdin
    run --separate-stderr dewy once --log-format $form --slot $'a\nFORGED' --registry $'file:///\nFORGED/\e[31m\u2028FORGED'
    echo "$stderr" >log
    [ -s log ]
    assert_tame log
    run --separate-stderr dewy-check --log-format $form $'--no\nFORGED\e[31m'
    assert_failure 1
    echo "$stderr" >log
    [ -s log ]
    assert_tame log
  done
}

@test "what servers answer cannot forge a line" {
  unset http_proxy
  local answers=(
    '{"message": "no\nFORGED \u001b[31m \u0000FORGED \u2028FORGED \u202e \u0085FORGED"}'
    $'<?xml version="1.0"?><Error><Code>Odd&#10;FORGED&#x85;FORGED</Code><Message>no&#10;FORGED&#13;&#x9b;31m\u2028FORGED\u202e</Message></Error>'
    $'\e[31mno JSON\nFORGED\r\nFORGED'
  )
  local answer kind port form url
  export GH_TOKEN=ghp_0123456789 AWS_ACCESS_KEY_ID=AKIATEST AWS_SECRET_ACCESS_KEY=secretsecret
  for answer in "${answers[@]}"; do
    printf %s "$answer" >answer
    mkdir web
    "$BATS_TEST_DIRNAME/webserver.py" web "403,X-Odd=a\e[31mb,ETag=\"\e[31mFORGED\",Retry-After=x\e,@$PWD/answer" >/dev/null 3>&- &
    echo $! >reader.pid
    wait_until test -s web/port
    port=$(<web/port)
    for url in ghr://acme/app "s3://us-east-1/bucket/app?endpoint=http://127.0.0.1:$port" \
      "gs://bucket/app?anonymous=true&endpoint=http://127.0.0.1:$port"; do
      for form in text json; do
        GITHUB_API_URL=http://127.0.0.1:$port run --separate-stderr dewy once --log-level debug --log-format $form --retries 0 --registry "$url"
        assert_failure
        echo "$stderr" >log
        grep -q ERROR log
        grep -q 'HTTP request' log
        assert_tame log
        echo "$output" | assert_tame /dev/stdin
        [ $form = text ] || logged >/dev/null
      done
    done
    stop_pid "$(cat reader.pid)"
    rm -r web
  done
}

@test "a line has at most 4096 bytes: of a long text the middle is left out" {
  local form
  for form in text json; do
    publish v1.0.0
    dewy once --force --log-format $form --after-deploy-hook 'echo the beginning; yes é | head -n 20000; echo the end; yes "\"" | head -n 30000 >&2' >document 2>log
    assert [ "$(LC_ALL=C awk '{ print length($0) + 1 }' log | sort -n | tail -n 1)" -le 4096 ]
    assert [ "$(LC_ALL=C awk '{ print length($0) + 1 }' log | sort -n | tail -n 1)" -gt 2048 ]
    run -0 grep "Execute hook" log
    assert_output --partial 'the beginning\n'
    assert_output --regexp '\[\.\.\. [0-9]+ bytes \.\.\.\]'
    iconv -f UTF-8 -t UTF-8 log >/dev/null
    [ $form = text ] || logged >/dev/null
  done
  assert [ "$(jq -r '.deploy.hooks[0].stdout | length' document)" -gt 20000 ]
}

# each_end COMMAND: calls COMMAND with the name of a place where standard error cannot be written to.
each_end() {
  local end
  for end in closed full broken stuck; do
    "$1" $end
  done
}

# with_end END COMMAND...: runs it with such a standard error.
with_end() {
  case $1 in
    closed) "${@:2}" 2>&- ;;
    nothing) "${@:2}" <&- >&- 2>&- ;; # is open
    full) "${@:2}" 2>/dev/full ;;
    *) python3 - "$@" <<'IN'
import os, subprocess, sys
reader, writer = os.pipe()
if sys.argv[1] == "broken":
    os.close(reader)
else:  # full, and nobody reads
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, b"x")
    except BlockingIOError:
        os.set_blocking(writer, True)
sys.exit(subprocess.run(sys.argv[2:], stderr=writer, timeout=60).returncode)
IN
      ;;
  esac
}

@test "a standard error that takes nothing changes nothing" {
  publish v1.0.0
  once_without() {
    rm -rf "$ROOT" && mkdir -m 755 "$ROOT"
    # shellcheck disable=SC2016
    with_end "$1" dewy once --log-level debug --after-deploy-hook 'echo >ran' >document
    jq -e '.state == "deployed"' document
    [ -e "$ROOT/ran" ] && [ "$(<"$ROOT/current/version")" = v1.0.0 ]
    run -0 grep -rlE '(DEBUG|INFO|WARN|ERROR): ' "$ROOT" document || [ "$status" -eq 1 ]
    assert_output ""
    with_end "$1" dewy-check --log-level debug >document && jq -e '.state == "unchanged"' document
    local status=0
    with_end "$1" dewy-check --registry file:///nowhere >document || status=$?
    [ $status -eq 2 ]
    status=0
    with_end "$1" dewy-check --no-such-option >document || status=$?
    [ $status -eq 1 ]
  }
  each_end once_without
}

@test "a watch and a supervisor go on without a standard error that takes something" {
  publish v1.0.0
  watch_without() {
    rm -rf "$ROOT" && mkdir -m 755 "$ROOT"
    with_end "$1" sh -c 'echo $$ >"$0"; exec dewy watch --interval 20ms --log-level debug' "$BATS_TEST_TMPDIR/watch.pid" >/dev/null 3>&- &
    local watch=$!
    wait_until test -e "$ROOT/current"
    publish v1.1.0
    wait_until grep -q v1.1.0 "$ROOT/current/version"
    kill "$(<watch.pid)"
    wait $watch
    rm -r "$REGISTRY/v1.1.0"
  }
  each_end watch_without
  serve_without() {
    rm -f serve.pid serve.status
    with_end "$1" dewy-serve --pid-file "$BATS_TEST_TMPDIR/serve.pid" --status-file "$BATS_TEST_TMPDIR/serve.status" --interval 10ms \
      -- sleep 100 >/dev/null 3>&- &
    local serve=$!
    wait_until grep -q '^1:' serve.status
    kill -HUP "$(<serve.pid)"
    wait_until grep -q '^2:' serve.status
    assert_equal "$(tr -d '\n0-9' <serve.pid)" ""
    run -1 grep -E 'INFO|WARN' serve.status
    kill "$(<serve.pid)"
    wait $serve
  }
  each_end serve_without
  serve_without nothing
}
