#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# dewy-notify: who hears what, in which words, and what a channel that does not work costs.
load common
load notify

cleanup() {
  local pid
  for pid in "${servers[@]}"; do stop_pid "$pid"; done
}

prepare() {
  cd "$BATS_TEST_TMPDIR"
  servers=()
  unset WEBHOOK_SECRET WEBHOOK_SECRET_FILE CURL_CA_BUNDLE SSL_CERT_FILE
}

# serve NAME ARGUMENT...: starts a web server that keeps its files in $BATS_TEST_TMPDIR/NAME; sets $port.
serve() {
  local dir=$BATS_TEST_TMPDIR/$1
  mkdir "$dir"
  "$BATS_TEST_DIRNAME/webserver.py" "$dir" "${@:2}" >/dev/null 3>&- &
  servers+=($!)
  wait_until test -s "$dir/port"
  port=$(cat "$dir/port")
}

# texts NAME: what the web server was told, one text a line, and line breaks as \n.
texts() {
  jq -c '.body | fromjson | .text' "$BATS_TEST_TMPDIR/$1/requests" 2>/dev/null || true
}

@test "a document without notices passes through, and nothing is created" {
  document unchanged >in
  notify <in
  assert_success
  assert_equal "$(jq -cS . <<<"$output")" "$(jq -cS . in)"
  assert_equal "$stderr" ""
  assert [ ! -e "$ROOT/.dewy" ]
}

@test "notices go to the log, and are sent with that when there is no other channel" {
  notify < <(document running "$(notice fetch progress 'Downloaded artifact for v1.2.3') | $(notice restart important 'Server restarted for v1.2.3') |
    $(notice deploy important 'Deployed v1.2.3 in 4.2s')")
  assert_success
  assert_equal "$(field 'notices | map(.sent) | all')" true
  assert_equal "$(field 'extra.kept | tojson')" '[1,null]'
  assert_regex "${stderr_lines[0]}" ' INFO: Download notification message="Downloaded artifact for v1.2.3"$'
  assert_regex "${stderr_lines[1]}" ' INFO: Restart notification message="Server restarted for v1.2.3"$'
  assert_regex "${stderr_lines[2]}" ' INFO: Notification message="Deployed v1.2.3 in 4.2s"$'
}

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

@test "a notice that was sent is not sent again" {
  serve web
  notify --notifier "http://127.0.0.1:$port/" < <(document running "$(notice deploy important one)")
  notify --notifier "http://127.0.0.1:$port/" <<<"$output"
  assert_success
  assert_equal "$(texts web)" '"one"'
}

@test "parameters of dewy are taken out of the URL, all others stay as they are" {
  serve web
  notify --notifier "http://127.0.0.1:$port/a%2Fb?token=x%20y&quiet=false&v=1" --notifier "http://127.0.0.1:$port/c?quiet=0" \
    < <(document running "$(notice deploy important one)")
  assert_success
  assert_equal "$(jq -r .path web/requests)" $'/a%2Fb?token=x%20y&v=1\n/c'
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

@test "notifiers that cannot be are refused with what is accepted" {
  local url
  for url in slackk://general nonsense https:///path 'https://example.com/?quiet=perhaps' 'https://example.com/%zz'; do
    notify --notifier "$url" < <(document running)
    assert_failure 1
    assert_equal "$output" ""
    assert_regex "$stderr" '^dewy-notify: --notifier 1.*: .*; '
  done
  notify --notifier gopher://example.com/T0KEN < <(document running)
  assert_regex "$stderr" 'unknown scheme gopher:; use one of http://, https://'
  refute_regex "$stderr" T0KEN
}

@test "the document's own exit status is passed on" {
  notify < <(failed one)
  assert_failure 2
  notify < <(document rolled_back)
  assert_failure 4
}

@test "quiet channels hear only what is important, errors and failed hooks" {
  serve web
  notify --notifier "http://127.0.0.1:$port/?quiet=true" < <(document running "$(notice fetch progress one) | $(notice deploy important two) |
    $(notice deploy hook 'before-deploy hook succeeded in 1s: a') | $(notice deploy hook 'after-deploy hook failed in 1s: b') |
    .deploy.hooks = [{name: \"before-deploy\", exit_code: 0}, {name: \"after-deploy\", exit_code: 3}]")
  assert_equal "$(texts web)" $'"two"\n"after-deploy hook failed in 1s: b\\nexit code: 3"'
  assert_equal "$(field 'notices | map(.sent) | all')" true
  notify --notifier "http://127.0.0.1:$port/?quiet=true" < <(failed one)
  assert_regex "$(texts web | tail -n 1)" 'Error occurred'
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

@test "people hear of three failures in a row, and of the recovery" {
  serve web
  local run url=http://127.0.0.1:$port/
  for run in 1 2 3 4 5; do
    notify --notifier "$url" < <(failed "run-$run")
    assert_failure 2
    assert_equal "$(jq .failures "$ROOT/.dewy/notify.json")" $run
    assert_equal "$(field 'notices[0].sent')" "$([ $run -le 3 ] && echo true || echo false)"
    assert_regex "$stderr" "count: $run"
  done
  assert_equal "$(texts web | sed -n 1p)" '"Error occurred (count: 1): [fetch] cannot reach x. Check it"'
  assert_equal "$(texts web | sed -n '3,$p')" \
    '"Error occurred (count: 3): [fetch] cannot reach x. Check it\nNo more errors will be sent until something succeeds."'
  notify --notifier "$url" < <(document running "$(notice deploy important 'Deployed v1.2.3 in 4.2s')")
  assert_success
  assert_equal "$(texts web | sed -n '4,$p')" $'"Recovered after 5 failures"\n"Deployed v1.2.3 in 4.2s"'
  assert_equal "$(field 'notices | map(.text) | join("; ")')" "Deployed v1.2.3 in 4.2s; Recovered after 5 failures"
  assert [ ! -e "$ROOT/.dewy/notify.json" ]
}

@test "the last of the bad news says so, also when it is a rollback" {
  serve web
  notify < <(failed one)
  notify < <(failed two)
  notify --notifier "http://127.0.0.1:$port/" < <(document rolled_back "$(notice fetch progress 'Downloaded artifact for v1.2.3') |
    $(notice restart important 'Rolled back to v1.2.2: v1.2.3 did not become healthy in 30s')")
  assert_failure 4
  assert_equal "$(texts web)" '"Rolled back to v1.2.2: v1.2.3 did not become healthy in 30s\nNo more errors will be sent until something succeeds."'
}

@test "a run is counted once, however often it is told" {
  notify < <(failed one)
  notify < <(failed one)
  assert_equal "$(jq .failures "$ROOT/.dewy/notify.json")" 1
  notify < <(document unchanged)
  assert_regex "$stderr" 'Recovered after 1 failure"'
  notify < <(failed one)
  assert_equal "$(jq .failures "$ROOT/.dewy/notify.json")" 1
}

@test "what has not ended neither counts nor recovers, and its progress is withheld" {
  local state
  notify < <(failed one)
  for state in waiting available fetched deployed; do
    notify < <(document $state "$(notice check progress 'Deploying v1.2.3') | $(notice deploy important important)")
    assert_success
    assert_equal "$(field 'notices | map(.sent) | tojson')" '[false,true]'
    assert_equal "$(jq .failures "$ROOT/.dewy/notify.json")" 1
  done
  notify < <(document unchanged '.reason = "v1.2.3 was rejected"')
  assert_equal "$(jq .failures "$ROOT/.dewy/notify.json")" 1
  notify < <(document rolled_back '.id = "two"')
  assert_equal "$(jq .failures "$ROOT/.dewy/notify.json")" 2
}

@test "in assets mode, deployed is a good end" {
  notify < <(failed one)
  notify < <(document deployed '.mode = "assets"')
  assert_success
  assert [ ! -e "$ROOT/.dewy/notify.json" ]
}

@test "a damaged counter counts from the beginning" {
  notify < <(failed one)
  echo '{"failures":' >"$ROOT/.dewy/notify.json"
  notify < <(failed two)
  assert_equal "$(jq .failures "$ROOT/.dewy/notify.json")" 1
}

@test "counting waits for another one at most a while" {
  notify < <(failed one)
  exec 9>"$ROOT/.dewy/notify.lock"
  flock 9
  notify < <(failed two)
  exec 9>&-
  assert_failure 2
  assert_regex "$stderr" 'WARN: Cannot count the failure'
  assert_regex "$stderr" 'count: 2'
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
  assert_regex "$stderr" "WARN: Notification failed channel=\"http:127.0.0.1:$port\" error=\"127.0.0.1:$port answered 403\""
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

@test "an answer without end is cut off" {
  serve web flood
  notify --notifier "http://127.0.0.1:$port/" < <(document running "$(notice deploy important one)")
  assert_success
  assert_regex "$stderr" 'answer is larger than 1048576 bytes'
}

@test "a dead channel leaves the others their share of the time" {
  serve dead hang
  local dead=$port
  serve late delay:0.1
  notify --notify-timeout 4s --notifier "http://127.0.0.1:$dead/" --notifier "http://127.0.0.1:$port/" \
    < <(document running "$(notice deploy important one) | $(notice deploy important two)")
  assert_success
  assert_equal "$(texts late)" $'"one"\n"two"'
  assert_equal "$(wc -l <dead/requests)" 1
  assert_regex "$stderr" "cannot reach 127.0.0.1:$dead: timed out"
  assert_equal "$(field 'notices | map(.sent) | any')" false
}

@test "nobody listens, and a host that does not exist: one sentence each" {
  port=$(free_port)
  notify --notify-timeout 2s --notifier "http://127.0.0.1:$port/" --notifier http://no-such-host.invalid/ \
    < <(document running "$(notice deploy important one)")
  assert_success
  assert_regex "$stderr" "cannot reach 127.0.0.1:$port: Connection refused"
  assert_regex "$stderr" "cannot reach no-such-host.invalid: (the host name is unknown|timed out)"
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

@test "a text from outside breaks no line, and so looks like no notice of its own" {
  serve web
  notify --notifier "http://127.0.0.1:$port/" < <(document failed ".error = {stage: \"fetch\", code: \"network\", message: \"m\", hint: \"do\\r\\nit\"} |
    $(notice deploy important $'one\nDeployed v9.9.9') | $(notice fetch error $'two\nDeployed v9.9.9')")
  assert_equal "$(texts web)" $'"one Deployed v9.9.9"\n"Error occurred (count: 1): [fetch] two Deployed v9.9.9. Do  it"'
}

@test "a text from outside forges no log line" {
  notify < <(document running "$(notice deploy important $'one\n2024-01-15T10:30:45Z ERROR: two')")
  assert_success
  assert_equal "${#stderr_lines[@]}" 1
}

# deployed: makes ROOT look as if the document on standard input had been deployed, and prints it.
deployed() {
  local name=20240115T103045Z
  mkdir -p "$ROOT/releases/$name" "$ROOT/.dewy/releases"
  ln -sfn "releases/$name" "$ROOT/current"
  tee "$ROOT/.dewy/releases/$name.json"
}

# shipped FILTER: notifies of a running document in the file registry, and prints the names of the audit records.
shipped() {
  mkdir -p "$ROOT/.dewy" "$REGISTRY/v1.2.3"
  run --separate-stderr dewy-notify < <(document running ".registry = \"file://$REGISTRY\" | ${1:-.}" | deployed)
  assert_success
  (cd "$REGISTRY/v1.2.3" && ls)
}

@test "a deployment leaves an audit record in the registry, once" {
  run shipped
  assert_output --regexp '^shipped_to_web-1_server_at_[0-9]{8}T[0-9]{6}\.[0-9]{9}Z\.txt$'
  assert_equal "$(cat "$REGISTRY/v1.2.3/$output" | tr ' ' _).txt" "$output"
  run shipped '.report.sent = true'
  assert_equal "${#lines[@]}" 1
  run shipped '.deploy.reused = true'
  assert_equal "${#lines[@]}" 1
  run shipped '.state = "unchanged"'
  assert_equal "${#lines[@]}" 1
  run shipped '.host = "../../x y"'
  assert_equal "${#lines[@]}" 2
  assert_output --partial 'shipped_to_..-..-x-y_server_at_'
}

@test "the document says that the audit record was written" {
  mkdir -p "$ROOT/.dewy" "$REGISTRY/v1.2.3"
  run --separate-stderr dewy-notify < <(document deployed ".mode = \"assets\" | .registry = \"file://$REGISTRY\"" | deployed)
  assert_success
  assert_equal "$(field report.sent)" true
  notify < <(document deployed ".mode = \"assets\" | .registry = \"file://$REGISTRY\"")
  assert_equal "$(field report)" null
}

@test "an audit record that cannot be written is a warning" {
  mkdir "$ROOT/.dewy"
  run --separate-stderr dewy-notify < <(document running '.registry = "nowhere://x"' | deployed)
  assert_success
  assert_regex "$stderr" 'WARN: Audit record failed registry="nowhere://x"'
  assert_equal "$(field report)" null
}

@test "that the registry refuses the audit record is said once" {
  need_private_mounts
  mkdir "$ROOT/.dewy"
  mkdir "$REGISTRY/v1.2.3"
  local level
  for level in WARN DEBUG; do
    run --separate-stderr in_private_mounts sh -c \
      'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && exec dewy-notify --log-level debug' sh "$REGISTRY" \
      < <(document running ".registry = \"file://$REGISTRY\"" | deployed)
    assert_success
    assert_regex "$stderr" "$level: Audit record refused registry=\"file://$REGISTRY\""
    assert_equal "$(field report)" null
    assert_equal "$(jq -r .report_refused "$ROOT/.dewy/registry.json")" "file://$REGISTRY"
  done
  run shipped
  assert_equal "${#lines[@]}" 1
  assert_equal "$(jq -c . "$ROOT/.dewy/registry.json")" '{}'
}

@test "the example of a receiver takes what is signed, and nothing else" {
  local receiver=$BATS_TEST_DIRNAME/../share/examples/webhook-receiver.py url
  WEBHOOK_SECRET=one "$receiver" >received 3>&- &
  servers+=($!)
  wait_until grep http received
  url=$(sed -n 's/^listening on //p' received)
  WEBHOOK_SECRET=two notify --notifier "$url" < <(document running "$(notice deploy important forged)")
  assert_regex "$stderr" 'answered 401'
  notify --notifier "$url" < <(document running "$(notice deploy important unsigned)")
  assert_regex "$stderr" 'answered 401'
  WEBHOOK_SECRET=one notify --notifier "$url" < <(document running "$(notice deploy important genuine)")
  assert_equal "$(field 'notices[0].sent')" true
  assert_equal "$(tail -n +2 received)" 'root on Web-1: genuine'
}

@test "a document of something that is not deployed leaves no audit record anywhere" {
  mkdir -p "$ROOT/.dewy" "$REGISTRY/v1.2.3" "$BATS_TEST_TMPDIR/elsewhere/v1.2.3"
  document running ".registry = \"file://$REGISTRY\"" | deployed >/dev/null
  run --separate-stderr dewy-notify < <(document running ".registry = \"file://$BATS_TEST_TMPDIR/elsewhere\"")
  assert_success
  assert_equal "$(field report.sent)" null
  assert_equal "$(find "$BATS_TEST_TMPDIR/elsewhere" "$REGISTRY" -type f)" ""
}
