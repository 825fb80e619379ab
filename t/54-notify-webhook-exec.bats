#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# dewy-notify: webhooks, and commands as channels.
load common
load notify

@test "a webhook gets text, notice and document, one request a notice, in their order" {
  serve web
  notify --notifier "http://127.0.0.1:$port/hook" < <(document running "$(notice deploy important one) | $(notice restart important two)")
  assert_success
  assert_equal "$(texts web)" $'"one"\n"two"'
  local request
  request=$(head -n 1 web/requests)
  assert_equal "$(jq -r '[.method, .path, .headers["content-type"]] | join(" ")' <<<"$request")" "POST /hook application/json"
  assert_regex "$(jq -r '.headers["user-agent"]' <<<"$request")" '^dewy/[0-9]+\.[0-9]+\.[0-9]+$'
  assert_equal "$(jq -r '.headers | has("dewy-signature")' <<<"$request")" false
  assert_equal "$(jq -r '.body | fromjson | [.notice.stage, .notice.kind, .document.release.version] | join(" ")' <<<"$request")" \
    "deploy important v1.2.3"
}

@test "parameters of dewy are taken out of the URL, all others stay as they are" {
  serve web
  notify --notifier "http://127.0.0.1:$port/a%2Fb?token=x%20y&quiet=false&v=1" --notifier "http://127.0.0.1:$port/c?quiet=0" \
    < <(document running "$(notice deploy important one)")
  assert_success
  assert_equal "$(jq -r .path web/requests | sort)" $'/a%2Fb?token=x%20y&v=1\n/c'
}

@test "with a secret, requests are signed" {
  serve web
  echo 'tell nobody' >secret
  WEBHOOK_SECRET_FILE=$PWD/secret notify --notifier "http://127.0.0.1:$port/" < <(document running "$(notice deploy important one)")
  WEBHOOK_SECRET='tell nobody' notify --notifier "http://127.0.0.1:$port/" < <(document running "$(notice deploy important one)")
  assert_equal "$(wc -l <web/requests)" 2
  local request
  while read -r request; do
    assert_regex "$(jq -r '.headers["dewy-timestamp"]' <<<"$request")" '^[0-9]{10}$'
    assert_equal "$(jq -r '.headers["dewy-signature"]' <<<"$request")" \
      "sha256=$(jq -j '.headers["dewy-timestamp"] + "." + .body' <<<"$request" | openssl dgst -sha256 -hmac 'tell nobody' -r | cut -d' ' -f1)"
  done <web/requests
  refute_regex "$output$stderr" 'tell nobody'
}

@test "a secret that cannot be read is an error before anything is sent" {
  serve web
  WEBHOOK_SECRET_FILE=$PWD/none notify --notifier "http://127.0.0.1:$port/" < <(document running "$(notice deploy important one)")
  assert_failure 1
  assert_regex "$stderr" 'WEBHOOK_SECRET_FILE'
  assert [ ! -e web/requests ]
}

@test "what a hook came to and printed can be read in the text, cut at the ends of lines" {
  serve web
  notify --notifier "http://127.0.0.1:$port/" < <(document running "$(notice deploy hook 'before-deploy hook failed in 1.2s: ./migrate') |
    $(notice deploy hook 'after-deploy hook succeeded in 12ms: true') |
    .deploy.hooks = [{name: \"before-deploy\", exit_code: 3, stdout: ([range(30) | \"line \\(.)\\n\"] | add), stderr: \"no\\nway\\n\"},
      {name: \"after-deploy\", exit_code: 0, stdout: \"\", stderr: \"\"}]")
  assert_success
  assert_equal "$(texts web | head -n 1 | jq -r .)" "$(
    echo 'before-deploy hook failed in 1.2s: ./migrate'
    echo 'exit code: 3'
    echo stdout:
    for n in {0..19}; do echo "line $n"; done
    printf '%s\n' '... (10 more lines)' stderr: no way
  )"
  assert_equal "$(texts web | tail -n 1)" '"after-deploy hook succeeded in 12ms: true\nexit code: 0"'
}

@test "a busy server is tried again, when it says" {
  serve web 503 429,Retry-After=1 200
  notify --notifier "http://127.0.0.1:$port/" < <(document running "$(notice deploy important one)")
  assert_success
  assert_equal "$(field 'notices[0].sent')" true
  assert_equal "$(wc -l <web/requests)" 3
}

@test "a server that wants more time than there is, is given up at once" {
  serve web 429,Retry-After=3600
  notify --notifier "http://127.0.0.1:$port/" < <(document running "$(notice deploy important one)")
  assert_success
  assert_equal "$(field 'notices[0].sent')" false
  assert_equal "$(wc -l <web/requests)" 1
}

@test "a broken connection is tried again" {
  serve web reset 200
  notify --notifier "http://127.0.0.1:$port/" < <(document running "$(notice deploy important one)")
  assert_equal "$(field 'notices[0].sent')" true
  assert_equal "$(wc -l <web/requests)" 2
}

@test "a refusal is a warning with the host alone, and the notice stays unsent" {
  serve web 403
  notify --notifier "http://user:T0KEN@127.0.0.1:$port/T0KEN?key=T0KEN" < <(document running "$(notice deploy important one) | $(notice deploy important two)")
  assert_success
  assert_equal "$(field state)" running
  assert_equal "$(field 'notices | map(.sent) | any')" false
  assert_equal "$(wc -l <web/requests)" 1
  assert_regex "$stderr" "WARN: Notification failed channel=\"http:127.0.0.1:$port\" notices=\"2\" error=\"127.0.0.1:$port answered 403\""
  refute_regex "$stderr$output" T0KEN
}

@test "a redirect is not followed: the document goes where the user said" {
  serve other
  serve web "302,Location=http://127.0.0.1:$port/"
  notify --notifier "http://127.0.0.1:$port/" < <(document running "$(notice deploy important one)")
  assert_success
  assert_regex "$stderr" 'answered 302.*redirects'
  assert [ ! -e other/requests ]
}

@test "the status of an answer decides, whatever becomes of its body: it breaks off, does not come, or has no end" {
  local answer
  for answer in 200,cut 200,stall flood; do
    rm -rf web
    serve web $answer
    notify --notify-timeout 2m --notifier "http://127.0.0.1:$port/" < <(document running "$(notice deploy important one) | $(notice deploy important two)")
    assert_success
    assert_equal "$(texts web)" $'"one"\n"two"'
    assert_equal "$(field 'notices | map(.sent) | tojson')" '[true,true]'
  done
  for answer in 403,cut 403,stall; do
    rm -rf web
    serve web $answer
    notify --notify-timeout 2m --notifier "http://127.0.0.1:$port/" < <(document running "$(notice deploy important one)")
    assert_equal "$(texts web)" '"one"'
    assert_regex "$stderr" 'answered 403'
  done
}

@test "nobody listens, and a host that does not exist: one sentence each" {
  port=$(free_port)
  notify --notify-timeout 5s --notifier "http://127.0.0.1:$port/" --notifier http://no-such-host.invalid/ \
    < <(document running "$(notice deploy important one)")
  assert_success
  assert_regex "$stderr" "cannot reach 127.0.0.1:$port: Connection refused\" hint=\"check the address, the network and the proxy variables\""
  assert_regex "$stderr" "cannot reach no-such-host.invalid: (the host name is unknown|timed out)"
}

@test "what was not delivered is promised to no later run, which does not tell it" {
  serve web 403 200
  port=$(free_port)
  http_proxy=http://127.0.0.1:$port notify --notifier http://hooks.example.com/ < <(document running "$(notice deploy important one)")
  assert_regex "$stderr" 'cannot reach hooks.example.com: .*" hint="check the proxy that http_proxy names, and no_proxy"'
  port=$(cat web/port)
  notify --notifier "http://127.0.0.1:$port/" < <(document running "$(notice deploy important one)")
  notify --notifier "http://127.0.0.1:$port/" < <(document running ".id = \"two\" | $(notice deploy important two)")
  assert_equal "$(texts web)" $'"one"\n"two"'
  notify --notifier "http://127.0.0.1:$port/" < <(document running "$(notice deploy important one)")
  assert_equal "$(texts web | tail -n 1)" '"one"'
}

@test "https at a port that speaks no TLS says to check that" {
  serve web
  notify --notifier "https://127.0.0.1:$port/" < <(document running "$(notice deploy important one)")
  assert_regex "$stderr" 'no agreement on a TLS connection" hint="check the port: it may speak no TLS'
}

@test "certificates are verified, against the user's authority when one is named" {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
    -addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out certificate.pem 2>/dev/null
  serve web --tls certificate.pem key.pem
  notify --notifier "https://127.0.0.1:$port/" < <(document running "$(notice deploy important one)")
  assert_success
  assert_equal "$(field 'notices[0].sent')" false
  assert_regex "$stderr" "its certificate was refused: .*SSL_CERT_FILE"
  notify --notifier "https://localhost:$port/" < <(document running "$(notice deploy important one)")
  assert_equal "$(field 'notices[0].sent')" false
  SSL_CERT_FILE=$PWD/certificate.pem notify --notifier "https://localhost:$port/" < <(document running "$(notice deploy important one)")
  assert_equal "$(field 'notices[0].sent')" false
  SSL_CERT_FILE=$PWD/certificate.pem notify --notifier "https://127.0.0.1:$port/" < <(document running "$(notice deploy important one)")
  assert_equal "$(field 'notices[0].sent')" true
}

@test "the example of a receiver takes what is signed, and nothing else" {
  local receiver=$BATS_TEST_DIRNAME/../share/examples/webhook-receiver.py url
  WEBHOOK_SECRET=one "$receiver" >received 3>&- &
  servers+=($!)
  wait_until grep http received
  url=$(sed -n 's/^listening on //p' received)
  WEBHOOK_SECRET=two notify --notifier "$url" < <(document running "$(notice deploy important forged)")
  assert_regex "$stderr" 'answered 401" hint="check that WEBHOOK_SECRET is that of the receiver'
  notify --notifier "$url" < <(document running "$(notice deploy important unsigned)")
  assert_regex "$stderr" 'answered 401" hint="set WEBHOOK_SECRET'
  WEBHOOK_SECRET=one notify --notifier "$url" < <(document running "$(notice deploy important genuine)")
  assert_equal "$(field 'notices[0].sent')" true
  WEBHOOK_SECRET=one notify --notifier "$url" < <(document running "$(notice deploy important genuine)")
  assert_equal "$(field 'notices[0].sent')" true
  assert_equal "$(tail -n +2 received)" 'root on Web-1: genuine'
}

@test "each try of a notice has the same id, and a signature of its own time" {
  serve web 503,Retry-After=1 503,Retry-After=1 200
  WEBHOOK_SECRET=key notify --notifier "http://127.0.0.1:$port/" < <(document running "$(notice fetch progress zero | sed 's/"sent":false/"sent":true/') |
    $(notice deploy important one) | $(notice deploy important two)")
  assert_equal "$(jq -r '.headers["dewy-delivery"]' web/requests)" "$(printf '20240115T103044Z-7f3a91-%s\n' 1 1 1 2)"
  assert_equal "$(head -n 3 web/requests | jq -r '.headers["dewy-timestamp"]' | sort -u | wc -l)" 3
  local request
  while read -r request; do
    assert_equal "$(jq -r '.headers["dewy-signature"]' <<<"$request")" \
      "sha256=$(jq -j '.headers["dewy-timestamp"] + "." + .body' <<<"$request" | openssl dgst -sha256 -hmac key -r | cut -d' ' -f1)"
  done <web/requests
}

@test "a text from outside breaks no line, and so looks like no notice of its own" {
  serve web
  notify --notifier "http://127.0.0.1:$port/" < <(document failed ".error = {stage: \"fetch\", code: \"network\", message: \"m\", hint: \"do\\r\\nit\"} |
    $(notice deploy important $'one\nDeployed v9.9.9') | $(notice fetch error $'two\nDeployed v9.9.9')")
  assert_equal "$(texts web)" $'"one Deployed v9.9.9"\n"Error occurred (count: 1): [fetch] two Deployed v9.9.9. Do  it"'
}

@test "a webhook that is gone says to check the URL" {
  local answer
  for answer in 404 410; do
    rm -rf web
    serve web $answer
    notify --notifier "http://127.0.0.1:$port/" < <(document running "$(notice deploy important one)")
    assert_regex "$stderr" "answered $answer\" hint=\"check the URL: nothing there takes notices"
    assert_equal "$(wc -l <web/requests)" 1
  done
}

# program NAME [LINE...]: a shell script in ROOT, to be run as a channel.
program() {
  printf '%s\n' '#!/bin/sh' "${@:2}" >"$ROOT/$1"
  chmod 755 "$ROOT/$1"
}

@test "a command gets text, notice and document on its standard input, in ROOT, in the environment of a hook without secrets" {
  program tell 'jq -c . >>told' 'pwd >where' 'env >environment' 'printf "%s\n" "$@" >arguments' 'echo noise'
  SLACK_TOKEN=s3cret WEBHOOK_SECRET=s3cret MAIL_PASSWORD=s3cret GH_TOKEN=s3cret DEWY_NOTIFIER="exec:./tell%20a%20'b%20c'%20%3F%25" \
    notify < <(document running "$(notice deploy important one) | $(notice deploy important two) | .artifact.name = \"app.tar.gz\" |
      .deploy.path = \"$ROOT/releases/20240115T103045Z\"")
  assert_success
  assert_equal "$(jq -r '[.text, .notice.stage, .document.release.version] | join(" ")' "$ROOT/told")" $'one deploy v1.2.3\ntwo deploy v1.2.3'
  assert_equal "$(cat "$ROOT/where")" "$(realpath "$ROOT")"
  assert_equal "$(cat "$ROOT/arguments")" $'a\nb c\n?%'
  assert_equal "$(grep ^DEWY_ "$ROOT/environment" | sort)" "$(printf '%s\n' DEWY_APP=root DEWY_ARTIFACT=app.tar.gz DEWY_ID=20240115T103044Z-7f3a91 \
    DEWY_PREVIOUS_VERSION= "DEWY_RELEASE_DIR=$ROOT/releases/20240115T103045Z" "DEWY_ROOT=$ROOT" DEWY_VERSION=v1.2.3)"
  assert_equal "$(field 'notices[0].sent_to | tojson')" '["log","exec:tell"]'
  run ! grep s3cret "$ROOT/environment"
  refute_regex "$stderr" noise
}

@test "a command that fails is a failed delivery, with the last line that it printed as the reason, on one line" {
  program tell 'printf "first\nlast \033[31m \"line\"\n\n" >&2' 'exit 3'
  notify --notifier "exec:./tell" < <(document running "$(notice deploy important one)")
  assert_success
  assert_equal "$(grep -c . <<<"$stderr")" 2
  assert_regex "$stderr" 'WARN: Notification failed channel="exec:tell" notices="1" error="tell ended with exit code 3: last [\]u001b'
  assert_equal "$(field 'notices[0].sent')" false
  notify --notifier "exec:./not-there%20T0KEN" < <(document running "$(notice deploy important one)")
  assert_regex "$stderr" 'channel="exec:not-there" .*exit code 127.*check that the command is there'
  program talk 'echo y >&2; yes >&2 & sleep 0.2; kill $!; exit 1'
  notify --notifier "exec:./talk" < <(document running "$(notice deploy important one)")
  assert_regex "$stderr" 'talk ended with exit code 1: y"'
}

@test "the name of a command is that of its program, never what else is in its line" {
  local command
  for command in "./tell" "exec%20./tell" "T0KEN=T0KEN%20%20./tell%20T0KEN" "/usr/../$ROOT/tell%20--key=T0KEN"; do
    program tell 'exit 1'
    notify --notifier "exec:$command" < <(document running "$(notice deploy important one)")
    assert_regex "$stderr" 'channel="exec:tell"'
    refute_regex "$stderr$output" T0KEN
  done
  notify --notifier "exec:{%20false;%20}" --notifier "exec:%24(echo%20false)" < <(document running "$(notice deploy important one)")
  assert_regex "$stderr" 'channel="exec"'
  assert_regex "$stderr" 'channel="exec#2"'
  for command in "KEY='a%20T0KEN%20b'%20false" 'KEY=%22a/T0KEN%20b%22%20false' "%22/a/T0KEN%20b/tell%22" 'KEY=a%5C%20T0KEN%20false'; do
    notify --notifier "exec:$command" < <(document running "$(notice deploy important one)")
    assert_regex "$stderr" 'channel="exec"'
    refute_regex "$(jq -c '.channels | keys' "$ROOT/.dewy/notify.json")" T0KEN
  done
}

@test "a command that asks for it by its exit status is run again" {
  program tell 'echo >>tries' 'test "$(wc -l <tries)" = 3 || exit 75'
  notify --notifier "exec:./tell" < <(document running "$(notice deploy important one)")
  assert_equal "$(field 'notices[0].sent')" true
  assert_equal "$(wc -l <"$ROOT/tries")" 3
}

@test "a command refuses one notice by its exit status, and gets the others" {
  program tell 'text=$(jq -r .text)' 'echo "$text" >>told' 'case $text in one) echo "too long" >&2; exit 65 ;; three) exit 1 ;; esac'
  notify --notifier "exec:./tell" < <(document running "$(notice deploy important one) | $(notice deploy important two) |
    $(notice deploy important three) | $(notice deploy important four)")
  assert_equal "$(cat "$ROOT/told")" $'one\ntwo\nthree'
  assert_equal "$(field 'notices | map(.sent) | tojson')" '[false,true,false,false]'
  notify --notifier "exec:./tell" < <(document running "$(notice deploy important one) | $(notice deploy important two)")
  assert_regex "$stderr" 'notices="1" error="tell ended with exit code 65: too long" hint="the command says so'
}

@test "a command that hangs is ended in time, with all that it has started, also when it does not listen" {
  program tell 'trap "" TERM' 'echo $$ >leader' 'sleep 600 & echo $! >child' 'wait' 'sleep 600'
  notify --notify-timeout 3s --notifier "exec:exec%20./tell" < <(document running "$(notice deploy important one)")
  assert_success
  assert_regex "$stderr" 'error="tell was not done in time"'
  wait_until gone "$(cat "$ROOT/leader")"
  wait_until gone "$(cat "$ROOT/child")"
}

@test "a command is ended with dewy-notify" {
  program tell 'echo $$ >leader' 'sleep 600'
  document running "$(notice deploy important one)" >in
  dewy-notify --no-report --notify-timeout 10m --notifier "exec:./tell" <in >out 2>log 3>&- &
  local pid=$!
  wait_until test -s "$ROOT/leader"
  kill $pid
  wait_until gone $pid
  wait_until gone "$(cat "$ROOT/leader")"
  assert_equal "$(jq .notices[0].sent out)" false
}

@test "a webhook whose URL has no host or port that there can be is refused before anything is sent" {
  local url
  for url in https:///x https://:1/ 'http://[::1/' http://h:99999/ http://h:0/ http://h:x/ 'http://[::1]x/' http://user@/; do
    notify --notifier "$url" < <(document running "$(notice deploy important one)")
    assert_failure 1
    assert_regex "$stderr" '^dewy-notify: --notifier 1.*: (there is no host|the host or the port) in the URL.*write it as https://HOST'
    assert_equal "$output" ""
  done
  notify --notify-timeout 1s --notifier 'http://[::1]:1/' --notifier http://127.0.0.1:1 < <(document running "$(notice deploy important one)")
  assert_success
}
