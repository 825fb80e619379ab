#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# dewy-notify: who hears what and how often, and what a channel that does not work costs.
load common
load notify

@test "a notice that was sent is not sent again" {
  serve web
  notify --notifier "http://127.0.0.1:$port/" < <(document running "$(notice deploy important one)")
  notify --notifier "http://127.0.0.1:$port/" <<<"$output"
  assert_success
  assert_equal "$(texts web)" '"one"'
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

@test "people hear of three failures in a row, and of the recovery" {
  serve web
  local run url=http://127.0.0.1:$port/
  for run in 1 2 3 4 5; do
    notify --notifier "$url" < <(failed "run-$run")
    assert_failure 2
    assert_equal "$(jq .failures "$ROOT/.dewy/notify.json")" $run
    assert_equal "$(field 'notices[0].sent')" "$([ $run -le 3 ] && echo true || echo false)"
    assert_equal "$(field 'notices[0].sent_to | tojson')" "$([ $run -le 3 ] && echo "[\"log\",\"http:127.0.0.1:$port\"]" || echo '["log"]')"
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
  notify --notifier "http://127.0.0.1:$port/" < <(failed one)
  notify --notifier "http://127.0.0.1:$port/" < <(failed two)
  notify --notifier "http://127.0.0.1:$port/" < <(document rolled_back "$(notice fetch progress 'Downloaded artifact for v1.2.3') |
    $(notice restart important 'Rolled back to v1.2.2: v1.2.3 did not become healthy in 30s')")
  assert_failure 4
  assert_equal "$(texts web | tail -n 1)" '"Rolled back to v1.2.2: v1.2.3 did not become healthy in 30s\nNo more errors will be sent until something succeeds."'
}

@test "however often runs have failed before, people hear of a rollback, and of a release in its place that does not serve" {
  serve web
  local run url=http://127.0.0.1:$port/
  for run in 1 2 3 4; do notify --notifier "$url" < <(failed "run-$run"); done
  assert_equal "$(texts web | wc -l)" 3
  notify --notifier "$url" < <(document rolled_back ".id = \"back\" | $(notice deploy progress 'Deploying v1.2.3') |
    $(notice restart important 'Rolled back to v1.2.2: v1.2.3 did not become healthy in 30s')")
  assert_equal "$(texts web | sed -n '4,$p')" '"Rolled back to v1.2.2: v1.2.3 did not become healthy in 30s"'
  document failed ".id = \"down\" | .deploy.path = \"$ROOT/releases/1\" | .error = {stage: \"restart\", code: \"application\", message: \"m\"} |
    $(notice restart error 'v1.2.3 does not start')" >in
  notify --notifier "$url" <in
  assert_equal "$(texts web | sed -n '5,$p')" '"Error occurred (count: 6): [restart] v1.2.3 does not start"'
  notify --notifier "$url" < <(jq -c '.id = "again" | .deploy.reused = true' in)
  notify --notifier "$url" < <(jq -c '.id = "before" | del(.deploy)' in)
  assert_equal "$(texts web | wc -l)" 5
  notify --notifier "$url" < <(document running "$(notice deploy important 'Deployed v1.2.4')")
  assert_equal "$(texts web | sed -n '6,$p')" $'"Recovered after 8 failures"\n"Deployed v1.2.4"'
}

@test "a run that neither failed nor ended what failed starts nobody who tells" {
  mkdir own "$ROOT/.dewy"
  cp -R "$DEWY_BIN" own/bin
  cp -R "$DEWY_BIN/../libexec" own
  printf '#!/bin/sh\njq -r .state >>%s/told\n' "$PWD" >own/bin/dewy-notify
  publish v1.0.0
  own/bin/dewy once --registry "file://$REGISTRY" >/dev/null
  rm told
  echo '{"failures":1,"last_id":"x"}' >"$ROOT/.dewy/notify.json"
  publish v2.0.0
  run -0 --separate-stderr dewy-check --registry "file://$REGISTRY"
  jq '{versions: [{version: .release.version, cache_key: .artifact.cache_key}]}' <<<"$output" >"$ROOT/.dewy/rejected.json"
  run -0 --separate-stderr own/bin/dewy once --registry "file://$REGISTRY"
  assert_equal "$(field reason)" 'up to date; v2.0.0 is rejected'
  assert [ ! -e told ]
  rm "$ROOT/.dewy/rejected.json"
  rm -r "$REGISTRY/v2.0.0"
  run -0 own/bin/dewy once --registry "file://$REGISTRY"
  assert_equal "$(cat told)" unchanged
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
  notify < <(document unchanged '.reason = "interrupted"')
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

@test "a large error from elsewhere does not spoil the counter" {
  local run
  jq -Rsc --argjson document "$(failed large)" '$document * {error: {message: .}}' < <(head -c 2000000 /dev/zero | tr '\0' x) >in
  for run in one two; do
    notify < <(jq -c ".id = \"$run\"" in)
    assert_failure 2
  done
  assert_equal "$(jq -c '[.failures, .error.code, (.error.message | length < 1100)]' "$ROOT/.dewy/notify.json")" '[2,"network",true]'
}

@test "counting waits for another one at most a while" {
  serve web
  notify < <(failed one)
  exec 9>"$ROOT/.dewy/notify.lock"
  flock 9
  notify --notifier "http://127.0.0.1:$port/" < <(failed two)
  exec 9>&-
  assert_failure 2
  assert_regex "$stderr" 'WARN: Cannot count the failure .*another dewy-notify'
  refute_regex "$stderr" lock-wait
  assert_regex "$stderr" 'WARN: Cannot remember what people were told'
  assert_regex "$(texts web)" 'count: 2'
}

# memory CHANNEL-PORT [MEMBER]: what is remembered of the channel on that port.
memory() {
  jq -c --arg name "http:127.0.0.1:$1" '.channels[$name]'"${2:+.$2}" "$ROOT/.dewy/notify.json"
}

@test "people hear of three failures that reached them: a channel that was dead during the first ones hears later ones" {
  serve late 403 403 200
  local late=$port run
  serve web
  for run in 1 2 3 4 5 6; do
    notify --notifier "http://127.0.0.1:$late/" --notifier "http://127.0.0.1:$port/" < <(failed "run-$run")
  done
  assert_equal "$(texts web | grep -o 'count: [0-9]')" $'count: 1\ncount: 2\ncount: 3'
  assert_regex "$(texts web | tail -n 1)" 'No more errors will be sent until something succeeds'
  assert_equal "$(texts late | grep -o 'count: [0-9]')" $'count: 1\ncount: 2\ncount: 3\ncount: 4\ncount: 5'
  assert_equal "$(texts late | grep -c 'No more errors')" 1
  assert_regex "$(texts late | tail -n 1)" 'count: 5.*No more errors will be sent until something succeeds'
  notify --notifier "http://127.0.0.1:$late/" --notifier "http://127.0.0.1:$port/" < <(document unchanged)
  assert_equal "$(texts web | tail -n 1) $(texts late | tail -n 1)" '"Recovered after 6 failures" "Recovered after 6 failures"'
  assert [ ! -e "$ROOT/.dewy/notify.json" ]
}

@test "a recovery that did not reach a channel is said there before the next good news, and nobody hears of it twice" {
  serve late 200 403 200
  local late=$port
  serve web
  set -- --notifier "http://127.0.0.1:$late/" --notifier "http://127.0.0.1:$port/"
  notify "$@" < <(failed one)
  notify "$@" < <(document unchanged '.id = "two"')
  assert_equal "$(field 'notices[0] | [.sent, .sent_to] | tojson')" "[false,[\"log\",\"http:127.0.0.1:$port\"]]"
  assert_equal "$(memory "$late" failures) $(memory "$late" undelivered.notices) $(memory "$port")" "1 1 null"
  notify "$@" < <(document running ".id = \"three\" | $(notice deploy important 'Deployed v1.2.3')")
  assert_equal "$(texts late | tail -n 2)" $'"Recovered after 1 failure"\n"Deployed v1.2.3"'
  assert_equal "$(texts web | tail -n 2)" $'"Recovered after 1 failure"\n"Deployed v1.2.3"'
  assert_equal "$(wc -l <web/requests)" 3
  assert [ ! -e "$ROOT/.dewy/notify.json" ]
  notify "$@" < <(document running ".id = \"four\" | $(notice deploy important again)")
  assert_equal "$(texts late | grep -c Recovered) $(texts web | grep -c Recovered)" "2 1" # with the one that was refused
}

@test "a channel that was not there when something failed hears of no recovery; one that missed the failures does" {
  serve missed 403 200
  local missed=$port
  notify --notifier "http://127.0.0.1:$missed/" < <(failed one)
  serve new
  notify --notifier "http://127.0.0.1:$missed/" --notifier "http://127.0.0.1:$port/" < <(document unchanged "$(notice check progress news)")
  assert_equal "$(texts missed | tail -n 2)" $'"Recovered after 1 failure"\n"news"'
  assert_equal "$(texts new)" '"news"'
  assert_equal "$(field 'notices | map(.sent) | tojson')" '[true,true]'
}

@test "the same run told again is one failure, also for a channel" {
  serve web 403 200
  notify --notifier "http://127.0.0.1:$port/" < <(failed one)
  local told=$output
  notify --notifier "http://127.0.0.1:$port/" <<<"$told"
  notify --notifier "http://127.0.0.1:$port/" <<<"$told"
  assert_equal "$(memory "$port" told) $(texts web | grep -c 'count: 1')" "1 3"
  notify --notifier "http://127.0.0.1:$port/" < <(failed two)
  notify --notifier "http://127.0.0.1:$port/" < <(failed three)
  assert_equal "$(texts web | grep -c 'No more errors')" 1
  assert_regex "$(texts web | tail -n 1)" 'count: 3.*No more errors'
}

@test "a channel that took a notice is not told it again because another one is dead" {
  serve dead 403
  local dead=$port
  serve web
  set -- --notifier "http://127.0.0.1:$dead/" --notifier "http://127.0.0.1:$port/"
  notify "$@" < <(document available "$(notice check progress one) | $(notice check important two)")
  assert_equal "$(field 'notices | map(.sent) | tojson')" '[false,false]'
  assert_equal "$(field 'notices[1].sent_to | tojson')" "[\"log\",\"http:127.0.0.1:$port\"]"
  assert_document
  jq -c "$(notice deploy important three) | .state = \"running\"" <<<"$output" >next
  notify "$@" <next
  assert_equal "$(texts web)" $'"one"\n"two"\n"three"'
  assert_equal "$(grep -c INFO <<<"$stderr")" 1
  notify --notifier "http://127.0.0.1:$port/" <<<"$output"
  assert_equal "$(field 'notices | map(.sent) | tojson')" '[true,true,true]'
  assert_equal "$(wc -l <web/requests)" 3
}

@test "a notice that a channel refuses for what it is keeps none of the others from it, and is known as missed" {
  serve web 200 413 200 400 422
  set -- --notifier "http://127.0.0.1:$port/"
  notify "$@" < <(document running "$(notice fetch progress one) | $(notice deploy hook 'a hook that printed much') | $(notice deploy important three)")
  assert_success
  assert_equal "$(texts web)" $'"one"\n"a hook that printed much"\n"three"'
  assert_equal "$(field 'notices | map(.sent) | tojson')" '[true,false,true]'
  assert_equal "$(field 'notices[1].sent_to | tojson')" '["log"]'
  assert_regex "$stderr" "WARN: Notification failed channel=\"http:127.0.0.1:$port\" notices=\"1\" error=\"127.0.0.1:$port answered 413\" hint=\"it finds the notice too large: let hooks print less"
  assert_equal "$(memory "$port" undelivered.notices)" 1
  run -0 dewy status
  assert_line --regexp "^notices +1 undelivered to http:127.0.0.1:$port since .*: 127.0.0.1:$port answered 413\$"
  notify "$@" < <(document running ".id = \"two\" | $(notice deploy important four) | $(notice restart important five)")
  assert_equal "$(texts web | tail -n 2)" $'"four"\n"five"'
  assert_regex "$stderr" 'notices="2" .*answered 422'
  assert_equal "$(memory "$port" undelivered.notices)" 3
}

@test "what was not delivered is counted, run by run, until something is: in the log, in status and in status --json" {
  serve web 403 403 403 200
  set -- --notifier "http://127.0.0.1:$port/"
  notify "$@" < <(document available ".id = \"one\" | $(notice check progress a) | $(notice check important b)")
  assert_regex "$stderr" "WARN: Notification failed channel=\"http:127.0.0.1:$port\" notices=\"2\" error=\"127.0.0.1:$port answered 403\" hint=\""
  notify "$@" <<<"$(jq -c "$(notice deploy important c) | .state = \"running\"" <<<"$output")"
  assert_equal "$(memory "$port" undelivered.notices)" 3
  notify "$@" < <(document running ".id = \"two\" | $(notice deploy important d)")
  assert_equal "$(grep -c WARN <<<"$stderr")" 1
  assert_equal "$(memory "$port" undelivered.notices)" 4
  edit "$ROOT/.dewy/notify.json" '.channels[].undelivered.since = "2024-01-15T10:30:44Z"'
  run -0 dewy status
  assert_line --regexp "^notices +4 undelivered to http:127.0.0.1:$port since 2024-01-15T10:30:44Z, the last at 20.*Z: 127.0.0.1:$port answered 403\$"
  assert_line --regexp '^ +set WEBHOOK_SECRET, if the receiver wants signatures; if not, check the URL$'
  run -0 dewy status --json
  assert_equal "$(field 'undelivered | map([.channel, .notices, .since, .error]) | tojson')" \
    "[[\"http:127.0.0.1:$port\",4,\"2024-01-15T10:30:44Z\",\"127.0.0.1:$port answered 403\"]]"
  local member
  for member in $(jq -r '.undelivered[0] | keys[]' <<<"$output"); do
    grep -q "^\.It Li undelivered\[\]\.$member Ta " "$BATS_TEST_DIRNAME/../share/man/man1/dewy.1" || fail "$member"
  done
  notify "$@" < <(document running ".id = \"three\" | $(notice deploy important e)")
  assert [ ! -e "$ROOT/.dewy/notify.json" ]
  run -0 dewy status
  refute_line --regexp ^notices
}

# is_delivered PORT: nothing is noted as undelivered to the channel on that port, which is known.
is_delivered() {
  [ -s web/requests ] && [ "$(memory "$1" undelivered)" = null ]
}

@test "what could not be delivered is known even when dewy-notify is killed, and what was delivered before is not counted when it is asked to end" {
  local signal pid
  for signal in KILL TERM; do
    rm -rf hang web "$ROOT/.dewy/notify.json"
    serve hang hang
    local hang=$port
    serve web
    document running "$(notice deploy important one)" >in
    dewy-notify --no-report --notifier "http://127.0.0.1:$hang/" --notifier "http://127.0.0.1:$port/" <in >out 2>log 3>&- &
    pid=$!
    wait_until test -s hang/requests
    wait_until is_delivered "$port"
    kill -$signal $pid
    wait_until gone $pid
    assert_equal "$(memory "$hang" undelivered.notices)" 1
    run -0 dewy status
    assert_line --regexp "^notices +1 undelivered to http:127.0.0.1:$hang since .*: dewy-notify (has not|was) ended"
  done
  refute_line --partial ":$port"
  assert_equal "$(jq -c '.notices[0].sent_to' out)" "[\"log\",\"http:127.0.0.1:$port\"]"
  assert_regex "$(cat log)" "WARN: Notification failed channel=\"http:127.0.0.1:$hang\" notices=\"1\" error=\"dewy-notify was ended"
}

@test "channels are told at the same time: a dead one takes nothing from the others, and has all of the time itself" {
  serve dead hang
  local dead=$port pid
  serve web
  document running "$(notice deploy important one) | $(notice deploy important two)" >in
  dewy-notify --no-report --notify-timeout 10m --notifier "http://127.0.0.1:$dead/" --notifier "http://127.0.0.1:$port/" <in >out 2>log 3>&- &
  pid=$!
  wait_until test -s dead/requests
  wait_until grep -q two web/requests
  kill -0 $pid
  assert_equal "$(texts web)" $'"one"\n"two"'
  kill $pid
  wait_until gone $pid
  notify --notify-timeout 8s --notifier "http://127.0.0.1:$dead/" --notifier "http://127.0.0.1:$port/" <in
  assert_success
  assert_regex "$stderr" "error=\"cannot reach 127.0.0.1:$dead: timed out"
  assert_equal "$(field 'notices | map(.sent_to | length) | tojson')" '[2,2]'
}

@test "what nobody names any more is forgotten after a week, and what others name is kept" {
  serve web 403
  notify --notifier "http://127.0.0.1:$port/" < <(failed one)
  edit "$ROOT/.dewy/notify.json" '.channels["exec:old"] = {at: "2024-01-15T10:30:44Z", told: 3, told_id: "x"} |
    .channels["exec:new"] = {at: (now | todate), told: 3, told_id: "x"} | .channels["exec:odd"] = 7'
  notify < <(failed two)
  assert_equal "$(jq -c '.channels | keys' "$ROOT/.dewy/notify.json")" "[\"exec:new\",\"http:127.0.0.1:$port\"]"
  notify < <(document unchanged)
  assert_equal "$(jq -c '[.failures, (.channels | keys)]' "$ROOT/.dewy/notify.json")" "[null,[\"exec:new\",\"http:127.0.0.1:$port\"]]"
}

@test "a run with nothing to do tells nobody, although something was not delivered" {
  serve web 403
  publish v1.0.0
  export DEWY_REGISTRY=file://$REGISTRY DEWY_NOTIFIER=http://127.0.0.1:$port/
  run -0 dewy once
  assert [ -s web/requests ]
  assert [ "$(memory "$port" undelivered.notices)" -ge 2 ]
  edit "$ROOT/.dewy/notify.json" '.channels[].failures = 2' # a recovery that it has not heard of, either
  rm web/requests
  run -0 dewy once
  assert [ ! -e web/requests ]
}

@test "a run tells each channel each notice once, however many processes that takes, and its document says whom it has reached" {
  serve dead 403
  local dead=$port
  serve web
  publish v1.0.0
  DEWY_NOTIFIER="http://127.0.0.1:$dead/ http://127.0.0.1:$port/" run -0 --separate-stderr dewy once --registry "file://$REGISTRY"
  assert_equal "$(texts web | sed 's/ in [0-9.]*m*s"$/"/')" $'"Deploying v1.0.0"\n"Downloaded artifact for v1.0.0"\n"Deployed v1.0.0"'
  assert_equal "$(field 'notices | map(.sent_to) | unique | tojson')" "[[\"log\",\"http:127.0.0.1:$port\"]]"
  assert_equal "$(memory "$dead" undelivered.notices)" 3
  assert_equal "$(grep -c 'Deploying v1.0.0' <<<"$stderr")" 1
  assert_equal "$(grep -c WARN <<<"$stderr")" 1
  assert_regex "$stderr" "WARN: Notification failed channel=\"http:127.0.0.1:$dead\" notices=\"3\""
}

# asked N: the stand-in that hangs has got so many requests.
asked() {
  [ "$(wc -l <hang/requests)" = "$1" ]
}

@test "a process that comes to its turn after the last one of its run tells nothing again" {
  serve web
  publish v1.0.0
  mkdir own
  cp -R "$DEWY_BIN" own/bin
  cp -R "$DEWY_BIN/../libexec" own
  cat >own/bin/dewy-notify <<END
#!/bin/bash
cd $PWD
document=\$(cat)
late=\$(jq 'select(.state == "fetched") | 1' <<<"\$document")
until [ -z "\$late" ] || [ -e ended ]; do sleep 0.02; done
$DEWY_BIN/dewy-notify <<<"\$document"
[ "\$(jq -r .state <<<"\$document")" != deployed ] || touch ended
END
  DEWY_NOTIFIER="http://127.0.0.1:$port/" run -0 --separate-stderr own/bin/dewy once --registry "file://$REGISTRY"
  assert [ -e ended ]
  assert_equal "$(texts web | sed 's/ in [0-9.]*m*s"$/"/')" $'"Deploying v1.0.0"\n"Downloaded artifact for v1.0.0"\n"Deployed v1.0.0"'
  publish v2.0.0
  DEWY_NOTIFIER="http://127.0.0.1:$port/" run -0 --separate-stderr dewy once --registry "file://$REGISTRY"
  assert_equal "$(texts web | wc -l)" 6
}

@test "a process that comes to a channel after the last one of its run has begun leaves all to it" {
  serve web
  document available "$(notice check progress one)" >in
  : >relay
  exec 8<relay
  DEWY_NOTIFY_RELAY=8 notify --notifier "http://127.0.0.1:$port/" <in
  assert_equal "$(texts web) $(field 'notices[0].sent')" '"one" true'
  echo >relay
  rm "$ROOT/.dewy/notify.json"
  DEWY_NOTIFY_RELAY=8 notify --notifier "http://127.0.0.1:$port/" --log-level debug <in
  exec 8<&-
  assert_success
  assert_equal "$(texts web) $(field 'notices[0].sent')" '"one" false'
  assert_regex "$stderr" 'DEBUG: Notification failed .*left to the last'
  assert [ ! -e "$ROOT/.dewy/notify.json" ]
}

@test "what a channel takes at last was delivered: no warning" {
  serve web 403 200
  publish v1.0.0
  run -0 --separate-stderr dewy once --registry "file://$REGISTRY" --notifier "http://127.0.0.1:$port/" --log-level debug \
    --before-deploy-hook "until [ -s '$PWD/web/requests' ]; do sleep 0.02; done" # not the last one, but one before is refused
  assert_equal "$(field 'notices | map(.sent) | unique | tojson')" '[true]'
  assert_regex "$stderr" "DEBUG: Notification failed .*answered 403"
  refute_regex "$stderr" WARN
  assert [ ! -e "$ROOT/.dewy/notify.json" ]
}

@test "several processes take turns on a channel, and together know what it has missed" {
  serve hang hang
  local first second
  document available "$(notice check progress one)" >in
  document fetched "$(notice check progress one) | $(notice fetch progress two) | $(notice fetch progress three)" >more
  dewy-notify --no-report --notify-timeout 10m --notifier "http://127.0.0.1:$port/" <in >out 2>log 3>&- &
  first=$!
  wait_until asked 1
  dewy-notify --no-report --notify-timeout 10m --notifier "http://127.0.0.1:$port/" <more >out2 2>log2 3>&- &
  second=$!
  wait_until grep -q '"notices":3' "$ROOT/.dewy/notify.json"
  asked 1
  kill $first
  wait_until gone $first
  assert_equal "$(memory "$port" undelivered.notices)" 3
  wait_until asked 2
  kill $second
  wait_until gone $second
  assert_equal "$(memory "$port" undelivered.notices)" 3
  grep -q 'notices="3"' log2
}

@test "who waits in vain for its turn says so, and what to do" {
  serve hang hang
  local first
  document available "$(notice check progress one)" >in
  dewy-notify --no-report --notify-timeout 10m --notifier "http://127.0.0.1:$port/" <in >out 2>log 3>&- &
  first=$!
  wait_until asked 1
  notify --notify-timeout 100ms --notifier "http://127.0.0.1:$port/" <in
  assert_regex "$stderr" 'an earlier process was still telling it something" hint="see what that one says of the channel'
  kill $first
  wait_until gone $first
}

# teller: a command, exec:./tell, that notes what it is told, and then waits until there is a file go.
teller() {
  printf '#!/bin/sh\njq -r .text >>told\nuntil [ -e go ]; do sleep 0.02; done\n' >"$ROOT/tell"
  chmod 755 "$ROOT/tell"
  touch "$ROOT/go"
}

# tell_later ID: starts dewy-notify with the document in the file ID, and waits until it has noted that it is to tell that run.
tell_later() {
  dewy-notify --no-report --notify-timeout 10m --notifier exec:./tell <"$1" >"$1.out" 2>"$1.log" 3>&- &
  servers+=($!)
  wait_until is_pending "$1"
}
is_pending() {
  [ "$(jq -r '.channels["exec:tell"].undelivered.id' "$ROOT/.dewy/notify.json")" = "$1" ]
}

# tell_at_once FIRST SECOND: after a failing run, the command is told of the documents in these files, of one while it is told of
# the other.
tell_at_once() {
  teller
  notify --notifier exec:./tell < <(failed one)
  rm "$ROOT/go" "$ROOT/told"
  tell_later "$1"
  wait_until test -s "$ROOT/told"
  tell_later "$2"
  touch "$ROOT/go"
  wait_until gone "${servers[0]}"
  wait_until gone "${servers[1]}"
}

# said: what the command was told, on one line.
said() {
  paste -sd '|' "$ROOT/told"
}

@test "of several good runs that overlap while people are told, one says that failures are over" {
  document running ".id = \"two\" | $(notice deploy important 'Deployed v1.2.3')" >two
  document unchanged '.id = "three"' >three
  tell_at_once two three
  assert_equal "$(said)" 'Recovered after 1 failure|Deployed v1.2.3'
  assert_equal "$(jq -c '.notices | map(.sent)' three.out)" '[true]'
  assert [ ! -e "$ROOT/.dewy/notify.json" ]
}

@test "a failure that comes while people are told of a recovery is not forgotten with those before it" {
  document unchanged '.id = "two"' >two
  failed three >three
  tell_at_once two three
  assert_equal "$(jq -c '[.failures, .last_id, .channels["exec:tell"].failures]' "$ROOT/.dewy/notify.json")" '[2,"three",2]'
  notify --notifier exec:./tell < <(document unchanged '.id = "four"')
  assert_regex "$(said)" '^Recovered after 1 failure[|]Error occurred [(]count: 2[)].*[|]Recovered after 2 failures$'
  assert [ ! -e "$ROOT/.dewy/notify.json" ]
}

@test "of failing runs that overlap while people are told, the third that reaches them says that it is the last" {
  failed two >two
  failed three >three
  tell_at_once two three
  assert_regex "$(said)" 'count: 2[)][^|]*[|]Error occurred [(]count: 3[)].*[|]No more errors will be sent'
}

# held: the stand-in has got a request, and still has its connection.
held() {
  [ -s hang/requests ] && [ ! -e hang/gone ]
}

@test "current switches, the server answers, the lock is free and other channels have heard all while a channel hangs" {
  PORT=$(free_port)
  serve hang hang
  local hang=$port pid
  serve web
  publish_server v1.0.0
  printf '#!/bin/sh\necho >>calls\nsleep 600\n' >"$ROOT/hang"
  chmod 755 "$ROOT/hang"
  DEWY_NOTIFIER="http://127.0.0.1:$hang/ exec:./hang http://127.0.0.1:$port/" dewy once --registry "file://$REGISTRY" --notify-timeout 10m \
    --port "127.0.0.1:$PORT" --settle 1s --before-deploy-hook "until [ -s '$PWD/hang/requests' ] && [ -s calls ] && grep -q Downloaded '$PWD/web/requests'; do sleep 0.02; done" \
    -- current/server >out 2>log 3>&- &
  pid=$!
  wait_until serves v1.0.0
  wait_until flock -n "$ROOT/.dewy/lock" true
  wait_until grep -q 'Deployed v1.0.0' web/requests
  held
  kill -0 $pid
  assert_equal "$(wc -l <hang/requests) $(wc -l <"$ROOT/calls")" "1 1"
  assert_equal "$(texts web | cut -c 2-9 | tr '\n' ' ')" 'Deployin Download before-d Server s Deployed '
  kill $pid
  kill -INT $pid
  wait_until gone $pid
  grep -q 'WARN: Gave up telling what happened' log
  assert_equal "$(memory "$hang" undelivered.notices) $(jq '.channels["exec:hang"].undelivered.notices' "$ROOT/.dewy/notify.json") $(memory "$port" undelivered)" "5 5 null"
  assert_equal "$(jq -c '[.notices[] | .sent_to] | unique' out)" "[[\"log\",\"http:127.0.0.1:$port\"]]"
  assert_equal "$(grep -c 'Deploying v1.0.0' log)" 1
}

@test "the start of a watch goes by the same rules" {
  serve web
  notify --notifier "http://127.0.0.1:$port/" < <(failed one)
  notify --notifier "http://127.0.0.1:$port/" < <(document waiting ".id = \"watch\" | .reason = \"started\" | $(notice watch progress 'Automatic shipping started')")
  assert_equal "$(wc -l <web/requests)" 1
  rm "$ROOT/.dewy/notify.json" web/requests
  serve dead 403
  publish v1.0.0
  dewy watch --registry "file://$REGISTRY" --notifier "http://127.0.0.1:$port/" --interval 1h >/dev/null 2>log 3>&- &
  servers+=($!)
  wait_until grep -q 'Deployed v1.0.0' log
  wait_until grep -q 'Automatic shipping started' dead/requests
}

@test "people are told, and the log once, when nothing can be remembered" {
  serve web
  local url=http://127.0.0.1:$port/
  mkdir -p "$ROOT/.dewy/notify.lock" "$ROOT/.dewy/notify.turns"
  notify --notifier "$url" --notifier "$url?2" < <(document running "$(notice deploy important one) | $(notice restart important two)")
  assert_success
  assert_equal "$(texts web | sort)" $'"one"\n"one"\n"two"\n"two"'
  assert_equal "$(field 'notices | map(.sent) | tojson')" '[true,true]'
  assert_regex "$stderr" 'WARN: Cannot remember what people were told error="cannot open the lock .*/notify.lock: '
  assert_equal "$(grep -c WARN <<<"$stderr")" 1
  rm -r "$ROOT/.dewy"
  touch "$ROOT/.dewy"
  notify --notifier "$url" < <(failed one)
  assert_failure 2
  assert_regex "$(texts web | tail -n 1)" 'Error occurred'
}

@test "a notifier that is mistyped silences no other one of a run, and the status tells that nobody hears it" {
  serve web
  publish v1.2.3
  run -0 --separate-stderr dewy once --registry "file://$REGISTRY" --notifier slackk://general \
    --notifier "http://127.0.0.1:$port/" --notifier slack://general --notifier http
  assert_regex "$(texts web)" '"Deployed v1.2.3 in '
  assert_equal "$(ls "$REGISTRY/v1.2.3" | grep -c '^shipped_to')" 1
  assert_equal "$(grep -c 'WARN: Notification failed' <<<"$stderr")" 3
  [[ $stderr == *'channel="notifier#1" notices="3" error="--notifier 1: unknown scheme slackk:"'* ]]
  run -0 dewy status
  assert_output --regexp '3 undelivered to notifier#1 since .*: --notifier 1: unknown scheme slackk:'
  assert_output --partial 'undelivered to slack:general since '
  assert_output --partial 'undelivered to notifier#4 since '
  refute_output --partial 127.0.0.1
  run -0 --separate-stderr dewy once --registry "file://$REGISTRY" --notifier "http://127.0.0.1:$port/" --force
  assert_equal "$(texts web | grep -c '"Deployed v1.2.3 in ')" 2
}
