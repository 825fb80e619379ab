#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# slack://: what a channel of Slack's is told, what of it comes from outside and can do no harm, and what Slack's refusals mean. The
# stand-in, t/slack.py, refuses every call that is not as Slack publishes it, and no test passes in which that happened.
load common
load notify

setup_file() {
  "$BATS_TEST_DIRNAME/stack/authority" "$BATS_FILE_TMPDIR/tls"
}

prepare() {
  TLS=$BATS_FILE_TMPDIR/tls
  cd "$BATS_TEST_TMPDIR"
  unset ${!SLACK_*}
  export SLACK_TOKEN=xoxb-good
  mkdir slack
}

cleanup() {
  local pid
  for pid in "${servers[@]}"; do stop_pid "$pid"; done
  assert_equal "$(cat slack/violations 2>/dev/null)" ""
}

# start [ANSWER...]: starts the stand-in with the certificate $CERTIFICATE of the authority; SLACK_API_URL names it.
start() {
  local certificate=$TLS/${CERTIFICATE:-server}
  "$BATS_TEST_DIRNAME/slack.py" --tls "$certificate.pem" "$certificate.key" slack "$@" >/dev/null 2>slack/errors 3>&- &
  servers+=($!)
  wait_until test -s slack/port
  port=$(cat slack/port)
  export SLACK_API_URL=https://localhost:$port/api/
}

# tell URL [OPTION...]: dewy-notify to that channel, with the document on standard input.
tell() {
  notify --cacert "$TLS/ca.pem" --notifier "$@"
}

# one [TEXT] [STAGE] [KIND]: a document with one notice.
one() {
  document running "$(notice "${2:-deploy}" "${3:-important}" "${1:-Deployed v1.2.3 in 4.2s}")"
}

# hooked EXIT-CODE STDOUT STDERR [COMMAND]: a document, of a run of its own, with the result of a hook.
hooked() {
  jq -nc --argjson code "$1" --arg stdout "$2" --arg stderr "$3" --arg command "${4:-make -C current install}" '{
    name: "before-deploy", command: $command, exit_code: $code, duration_ms: 1234, stdout: $stdout, stderr: $stderr}' >hook
  document deployed ".id = \"$SRANDOM\" | .deploy.hooks = [$(cat hook)] | $(notice deploy hook 'before-deploy hook came to an end')"
}

# seen [FILTER]: what people see of the messages; sent [FILTER]: what Slack was sent.
seen() {
  jq -rc "${1:-.}" slack/messages
}
sent() {
  jq -rc "${1:-.}" slack/calls
}

# refused URL TEXT: that notifier is an error of configuration that says so, and what to do.
refused() {
  tell "$1" < <(one)
  assert_failure 1
  assert_equal "$output" ""
  assert_regex "$stderr" "^dewy-notify: --notifier 1.*: $2.*; "
  assert [ ! -e slack/requests ]
}

@test "a notice is one attachment: its text, who says it, when it was, in the colour of the host" {
  start
  tell slack://deploys < <(one)
  assert_success
  assert_equal "$(field 'notices[0].sent')" true
  assert_equal "$(seen '[.channel, .thread, .broadcast] | tojson')" '["C024BE91L",null,false]'
  assert_equal "$(seen '.attachments | length')" 1
  assert_equal "$(seen '.attachments[0] | [.text.text, .fallback.text, .footer.text, .ts] | tojson')" \
    '["Deployed v1.2.3 in 4.2s","Deployed v1.2.3 in 4.2s","Web-1",1705314645]'
  assert_regex "$(seen '.attachments[0].color')" '^#[0-9A-F]{6}$'
}

@test "the call is JSON in UTF-8, and the token is in its header alone" {
  start
  tell slack://deploys --log-level debug < <(one 'Größe: 1 €')
  assert_equal "$(jq -r '[.method, .path, .headers["content-type"], .headers.authorization] | join(" ")' slack/requests)" \
    'POST /api/chat.postMessage application/json; charset=utf-8 Bearer xoxb-good'
  refute_regex "$(jq -r '.path + .body' slack/requests)$output$stderr" xoxb-good
  assert_equal "$(seen '.attachments[0].text.text')" 'Größe: 1 €'
}

@test "a channel is a name, with or without #, or an ID; a person has an @" {
  start
  local url
  for url in slack://deploys slack://#deploys slack://%23deploys 'slack://#deploys?quiet=false' slack://deploys/; do
    tell "$url" < <(one)
    assert_success
    assert_equal "$(sent .channel | tail -n 1)" '#deploys'
  done
  tell slack://C024BE91L < <(one)
  assert_equal "$(sent .channel | tail -n 1)" C024BE91L
  assert_equal "$(seen .channel | sort | uniq -c | tr -s ' ')" ' 6 C024BE91L'
  tell slack://@somebody < <(one)
  assert_equal "$(sent .channel | tail -n 1)" @somebody
  tell slack://%E9%85%8D%E5%82%99 < <(one)
  assert_equal "$(sent .channel | tail -n 1)" '#配備'
}

@test "channels are known by their names, also two of the same one" {
  start error:channel_not_found
  tell 'slack://#deploys' --notifier 'slack://deploys?quiet=true' --notifier slack://C024BE91L < <(one)
  assert_success
  assert_regex "$stderr" 'channel="slack:deploys" '
  assert_regex "$stderr" 'channel="slack:deploys#2" '
  assert_regex "$stderr" 'channel="slack:C024BE91L" '
}

@test "URLs that cannot be are refused before anything is sent, with what to do" {
  start
  refused slack:// 'there is no channel in the URL'
  refused slack://# 'there is no channel in the URL|that is no channel'
  refused 'slack://?title=x' 'there is no channel in the URL'
  refused slack:///deploys 'there is no channel in the URL'
  refused slack://deploys/now 'there is something behind the channel'
  refused slack://de%20ploys 'that is no channel'
  refused 'slack://<!channel>' 'that is no channel'
  refused slack://de%zzploys 'that is no channel'
  refused slack://de%0aploys 'that is no channel'
  refused 'slack://deploys?titel=x' 'unknown parameter titel: slack:// takes title, url, thread, quiet'
  refused 'slack://deploys?thread=perhaps' 'thread=perhaps: expected true or false'
  refused 'slack://deploys?thread=1700000000' 'thread=1700000000: expected true or false'
  refused 'slack://deploys?url=javascript:alert(1)' 'url= is no http:// or https:// URL'
  refused 'slack://deploys?url=https://' 'url= is no http:// or https:// URL'
  refused "slack://deploys?title=$(printf 'x%.0s' {1..300})" 'title= and url= are too long'
  refused slack://deploys?quiet=perhaps 'quiet=perhaps'
}

@test "a token in the URL is refused, and not repeated" {
  start
  refused slack://xoxb-secret:deploys@slack.com 'that is no channel'
  refute_regex "$stderr" xoxb-secret
  refused slack://token:xoxb-secret@deploys 'that is no channel'
  refute_regex "$stderr" xoxb-secret
}

@test "a token comes from the environment, a file, or a credential of systemd" {
  start
  mkdir credentials
  echo xoxb-good >credentials/SLACK_TOKEN
  unset SLACK_TOKEN
  refused slack://deploys 'there is no token'
  assert_regex "$stderr" 'xoxb-.*SLACK_TOKEN'
  SLACK_TOKEN_FILE=$PWD/credentials/SLACK_TOKEN tell slack://deploys < <(one)
  assert_equal "$(field 'notices[0].sent')" true
  CREDENTIALS_DIRECTORY=$PWD/credentials tell slack://deploys < <(one)
  assert_equal "$(field 'notices[0].sent')" true
  SLACK_TOKEN=xoxb-good SLACK_TOKEN_FILE=$PWD/none tell slack://deploys < <(one)
  assert_equal "$(field 'notices[0].sent')" true
  rm slack/requests
  SLACK_TOKEN_FILE=$PWD/none refused slack://deploys 'cannot read the secret in .*/none, which SLACK_TOKEN_FILE names'
  SLACK_TOKEN='xoxb good' refused slack://deploys 'SLACK_TOKEN holds a character that no token has'
  refute_regex "$stderr" 'xoxb good'
}

@test "SLACK_API_URL is a URL, also of plain HTTP when it says so; redirects are not followed" {
  local url
  for url in slack.com/api ftp://slack.com/api https:// https://user:secret@slack.com/api/ 'https://slack.com/api?x=1'; do
    SLACK_API_URL=$url refused slack://deploys 'SLACK_API_URL is no http:// or https:// URL without user and query'
    refute_regex "$stderr" secret
  done
  "$BATS_TEST_DIRNAME/slack.py" slack slack 302 >/dev/null 3>&- &
  servers+=($!)
  wait_until test -s slack/port
  export SLACK_API_URL=http://127.0.0.1:$(cat slack/port)/api
  tell slack://deploys < <(one)
  assert_equal "$(field 'notices[0].sent')" true
  tell slack://deploys < <(one)
  assert_equal "$(field 'notices[0].sent')" false
  assert_regex "$stderr" 'answered 302.*SLACK_API_URL'
}

@test "Slack itself is asked when nothing else is said" {
  start
  unset SLACK_API_URL
  python3 "$BATS_TEST_DIRNAME/proxy.py" "$BATS_TEST_TMPDIR" "$port" >/dev/null 3>&- &
  servers+=($!)
  wait_until test -s proxy-port
  https_proxy=http://127.0.0.1:$(cat proxy-port) tell slack://deploys < <(one)
  assert_equal "$(field 'notices[0].sent')" true
  assert_equal "$(cat connects)" slack.com:443
  assert_equal "$(jq -r '.headers.host + .path' slack/requests)" slack.com/api/chat.postMessage
}

@test "a server that cannot prove to be Slack gets nothing" {
  for CERTIFICATE in alien wrong expired; do
    rm -f slack/port
    start
    tell slack://deploys < <(one)
    assert_success
    assert_equal "$(field 'notices[0].sent')" false
    assert_regex "$stderr" 'its certificate was refused'
    assert [ ! -e slack/requests ]
  done
}

@test "the footer has title and host, and leads to the URL" {
  start
  tell 'slack://deploys?title=My%20App' < <(one)
  tell "slack://deploys?title=My%20App&url=$(encode 'https://example.com/a?b=1&c=2')" < <(one)
  tell "slack://deploys?url=https://example.com/" < <(one)
  assert_equal "$(sent '.attachments[0].footer')" 'My App/Web-1
<https://example.com/a?b=1&amp;c=2|My App>/Web-1
<https://example.com/|Web-1>'
  assert_equal "$(seen '.attachments[0].footer.links')" 'null
[["https://example.com/a?b=1&c=2","My App"]]
[["https://example.com/","Web-1"]]'
}

@test "title, URL and host cannot make the footer anything else" {
  start
  tell "slack://deploys?title=$(encode 'a|b> <!channel> *c* &amp;')&url=$(encode 'https://example.com/|x><!here>"a b')" \
    < <(one | jq -c '.host = "<!everyone>\n<@U1>|"')
  assert_success
  assert_equal "$(seen '.attachments[0].footer | [.mentions, .formats] | tojson')" '[null,null]'
  assert_equal "$(seen '.attachments[0].footer.links | tojson')" \
    '[["https://example.com/%7Cx%3E%3C!here%3E%22a%20b","a|b> <!channel> *c* &amp;"]]'
  assert_regex "$(seen '.attachments[0].footer.text')" '/<!everyone>\\n<@U1>\|$'
  tell "slack://deploys?title=$(printf 'x%.0s' {1..200})" < <(one | jq -c '.host = "<&" * 200')
  assert_equal "$(field 'notices[0].sent')" true
}

@test "a host has one colour, which is that of nothing that failed" {
  start
  local host
  for host in web-1 web-2 web-1; do
    tell slack://deploys < <(one | jq -c --arg host $host '.host = $host')
  done
  seen '.attachments[0].color' >colours
  assert_equal "$(sort -u colours | wc -l)" 2
  assert_equal "$(sed -n 1p colours)" "$(sed -n 3p colours)"
  tell slack://deploys < <(failed one)
  assert_equal "$(seen '.attachments[0].color' | tail -n 1)" danger
}

@test "no host has a colour that looks like red" {
  "$DEWY_BIN/../t/vectors" colours 5000 | python3 -c '
import colorsys, sys
colours = [line.strip() for line in sys.stdin]
for colour in colours:
    red, green, blue = (int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5))
    hue, saturation, value = colorsys.rgb_to_hsv(red, green, blue)
    assert 45 <= hue * 360 <= 295 and saturation > 0.3 and value > 0.6, (colour, hue * 360, saturation, value)
assert len(colours) == 5000 and len(set(colours)) > 4900, len(set(colours))'
}

@test "quiet channels hear only what is important, errors and failed hooks" {
  start
  tell 'slack://deploys?quiet=true' < <(document running "$(notice fetch progress one) | $(notice deploy important two)")
  assert_equal "$(seen '.attachments[0].text.text')" two
}

@test "thread=true: the first message of a run is the parent, and the others are its replies" {
  start
  tell 'slack://deploys?thread=true' < <(document running "$(notice deploy important one) | $(notice restart important two) |
    $(notice deploy important three)")
  assert_equal "$(field 'notices | map(.sent) | all')" true
  local parent
  parent=$(seen .ts | head -n 1)
  assert_equal "$(seen '.thread // "-"')" "-"$'\n'"$parent"$'\n'"$parent"
  assert_equal "$(seen .broadcast | sort -u)" false
}

@test "the thread of a run goes on in every process that tells of it, and the next run has another one" {
  start
  local id
  for id in first second; do
    tell 'slack://deploys?thread=true' < <(document available ".id = \"$id\" | $(notice check important 'Deploying v1.2.3')")
    tell 'slack://deploys?thread=true' < <(document fetched ".id = \"$id\" | $(notice check important 'Deploying v1.2.3') |
      $(notice fetch important 'Downloaded artifact for v1.2.3')")
    tell 'slack://deploys?thread=true' \
      < <(document rolled_back ".id = \"$id\" | $(notice restart important 'Rolled back to v1.2.2')")
  done
  seen '[.ts, .thread, .broadcast] | join(" ")' >places
  assert_equal "$(awk 'NF == 2 { parent = $1 } { print NF == 2 ? "parent" : $2 == parent ? "reply" : "other", $NF }' places)" \
    'parent false
reply false
reply true
parent false
reply false
reply true'
  assert_equal "$(jq '.channels["slack:deploys"].run' "$ROOT/.dewy/notify.json")" null
}

@test "what is no ts is remembered by nobody" {
  start 'json:{"ok":true,"ts":"<!channel>"}'
  tell 'slack://deploys?thread=true' < <(document available "$(notice check progress 'Deploying v1.2.3')")
  assert_equal "$(field 'notices[0].sent')" true
  assert_equal "$(jq '.channels["slack:deploys"].run | has("thread")' "$ROOT/.dewy/notify.json")" false
}

@test "without thread=true every message stands for itself" {
  start
  tell slack://deploys < <(document running "$(notice deploy important one) | $(notice restart important two)")
  tell 'slack://deploys?thread=false' < <(document running "$(notice deploy important one) | $(notice restart important two)")
  assert_equal "$(sent 'has("thread_ts") or has("reply_broadcast")' | sort -u)" false
}

@test "thread=TS: everything goes into that thread, and errors to the channel, too" {
  start
  tell 'slack://deploys?thread=1700000000.000100' < <(one)
  tell 'slack://deploys?thread=1700000000.000100' < <(failed one)
  assert_equal "$(seen '[.thread, .broadcast] | join(" ")')" $'1700000000.000100 false\n1700000000.000100 true'
}

@test "bad news in the thread of a run is broadcast" {
  start
  tell 'slack://deploys?thread=true' < <(document rolled_back "$(notice fetch progress 'Downloaded artifact for v1.2.3') |
    $(notice deploy hook 'before-deploy hook failed') | .deploy.hooks = [{name: \"before-deploy\", exit_code: 3}] |
    $(notice restart important 'Rolled back to v1.2.2')" | jq -c '.notices[0].kind = "important"')
  assert_equal "$(seen '[(.thread == null), .broadcast, .attachments[0].color] | join(" ")')" $'true false danger
false true danger
false true danger'
}

# released TS...: makes the directory of a release with that in .slack-thread-ts, and prints its path.
released() {
  mkdir -p "$ROOT/releases/one"
  printf '%s\n' "$@" >"$ROOT/releases/one/.slack-thread-ts"
  echo "$ROOT/releases/one"
}

@test "thread=true goes on with the thread that comes with the release" {
  start
  released 1700000000.000100 >/dev/null
  tell 'slack://deploys?thread=true' < <(one | jq -c --arg path "$ROOT/releases/one" '.deploy.path = $path')
  assert_equal "$(seen .thread)" 1700000000.000100
  tell slack://deploys < <(one | jq -c --arg path "$ROOT/releases/one" '.deploy.path = $path')
  assert_equal "$(seen .thread | tail -n 1)" null
  ln -s releases/one "$ROOT/current"
  tell 'slack://deploys?thread=true' < <(document unchanged "$(notice deploy important 'back to normal')")
  assert_equal "$(seen .thread | tail -n 1)" 1700000000.000100
  # a run that has not deployed yet has nothing to do with the release before it
  tell 'slack://deploys?thread=true' < <(document available "$(notice check important 'Deploying v1.2.3')")
  assert_equal "$(seen .thread | tail -n 1)" null
}

@test "a file of the release that is no thread is none, and is never waited for" {
  start
  local file=$ROOT/releases/one/.slack-thread-ts secret=$BATS_TEST_TMPDIR/secret make
  released x >/dev/null
  echo 1700000000.000100 >"$secret"
  for make in "ln -s $secret $file" "mkdir $file" "mkfifo $file" "echo 1700000000 >$file" "echo '<!channel>' >$file" \
    "yes 1700000000.000100 | head -n 100 >$file" "printf '1700000000.000100 x' >$file" ": >$file" true; do
    rm -rf "$file"
    eval "$make"
    tell 'slack://deploys?thread=true' < <(one | jq -c --arg path "$ROOT/releases/one" '.deploy.path = $path')
    assert_equal "$(field 'notices[0].sent')" true
    assert_equal "$(sent 'has("thread_ts")' | tail -n 1)" false
  done
  tell 'slack://deploys?thread=true' < <(one | jq -c '.deploy.path = "\(.root)/releases/nothing"')
  assert_equal "$(sent 'has("thread_ts")' | sort | uniq -c | tr -s ' ')" ' 10 false'
}

@test "a thread that is gone is left for the channel, unless the user has named it" {
  start
  released 1600000000.000100 >/dev/null
  tell 'slack://deploys?thread=true' < <(one | jq -c --arg path "$ROOT/releases/one" '.deploy.path = $path')
  assert_equal "$(field 'notices[0].sent')" true
  assert_equal "$(sent '.thread_ts')" $'1600000000.000100\nnull'
  tell 'slack://deploys?thread=1600000000.000100' < <(one)
  assert_equal "$(field 'notices[0].sent')" false
  assert_regex "$stderr" "error=\"localhost:$port: #deploys: there is no such thread \(thread_not_found\)\" hint=\"give the ts of"
}

@test "what a hook did is an attachment of its own" {
  start
  tell slack://deploys < <(hooked 0 $'one\ntwo\n' 'a warning')
  assert_equal "$(seen '.attachments[0] | [.title.text, .text.code, .color, .footer.text, .ts] | tojson')" \
    '["Before deploy hook",["\nmake -C current install\n"],"good","Web-1",1705314645]'
  assert_equal "$(seen '.attachments[0].fields | map([.[0].text, (.[1].code // .[1].text)]) | tojson')" \
    '[["Stdout",["\none\ntwo\n"]],["Stderr",["\na warning\n"]],["Exit code","0"],["Duration","1.2s"]]'
  assert_equal "$(sent '.attachments[0].fields | map(.short) | tojson')" '[false,false,true,true]'
  tell slack://deploys < <(hooked 3 '' $'\n')
  assert_equal "$(seen '.attachments[0].color' | tail -n 1)" danger
  assert_equal "$(seen '.attachments[0].fields | map(.[0].text + " " + .[1].text) | tojson' | tail -n 1)" \
    '["Exit code 3","Duration 1.2s"]'
}

@test "what a hook prints is cut at the ends of lines to what Slack takes" {
  start
  tell slack://deploys < <(hooked 1 "$(seq 1000)" "$(printf '%0100d\n' {1..100})")
  assert_equal "$(seen '.attachments[0].fields[0][1].code[0]')" $'\n'"$(seq 50)"$'\n... (950 more lines)'
  assert_regex "$(seen '.attachments[0].fields[1][1].code[0]')" $'0{98}[0-9]{2}\n\.\.\. \([0-9]+ more lines\)$'
  # one long line, and what becomes longer by being escaped; the stand-in counts
  tell slack://deploys < <(hooked 1 "$(head -c 60000 /dev/zero | tr '\0' x)" "$(head -c 60000 /dev/zero | tr '\0' '<')")
  assert_regex "$(seen '.attachments[0].fields[0][1].code[0]' | tail -n 2)" 'x\.\.\. \([0-9]+ more bytes\)'
  tell slack://deploys < <(hooked 1 "$(head -c 9000 /dev/zero | tr '\0' '\033')" "$(head -c 9000 /dev/zero | tr '\0' '`')" \
    "$(head -c 9000 /dev/zero | tr '\0' '&')")
  tell slack://deploys < <(hooked 1 "$(printf '€%.0s' {1..9000})" '')
  refute_regex "$(seen .)" '\\ufffd'
  assert_equal "$(seen . | wc -l)" 4
}

@test "a long text is cut to what Slack takes" {
  start
  tell slack://deploys < <(one "$(head -c 90000 /dev/zero | tr '\0' '<')")
  assert_equal "$(field 'notices[0].sent')" true
  assert_regex "$(seen '.attachments[0].text.text')" '<\.\.\. \([0-9]+ more bytes\)$'
}

# evil: what somebody may write who wants to be more than text, a line each.
evil() {
  cat <<'END'
<!channel> <!here> <!everyone> <!subteam^S0123>
<@U0123ABCD> <@W0123ABCD|boss> <#C024BE91L>
<https://evil.example/|https://good.example/> <mailto:a@evil.example|a@good.example>
https://evil.example/ @channel @here #general
*bold* _italic_ ~gone~ `code` ```block```
>quoted &lt;!channel&gt; &amp;lt;!channel&amp;gt;
``````` ``` `` ` <!date^1392734382^{date}|now>
END
}

@test "nothing in a text from outside becomes a mention, a link or formatting" {
  start
  local line
  while IFS= read -r line; do
    tell 'slack://deploys' < <(one "Deployed $line in 4.2s")
    assert_success
    assert_equal "$(seen '.attachments[0].text.text' | tail -n 1)" "Deployed $line in 4.2s"
    tell 'slack://deploys' < <(document failed ".error = {stage: \"fetch\", code: \"network\", message: \"m\"} |
      .error.hint = $(jq -n --arg line "$line" '$line') | $(notice fetch error "$line")")
  done < <(evil)
  rm "$ROOT/.dewy/notify.json"
  assert_equal "$(seen ".attachments[0] | [.text, .fallback, .footer] | map(.mentions, .links, .formats, .code)[]" | sort -u)" null
  assert_equal "$(seen '.attachments | length' | sort -u)" 1
}

@test "nothing that a hook prints leaves its block of code" {
  start
  local line
  while IFS= read -r line; do
    tell slack://deploys < <(hooked 1 "$line" "a$line"$'\n'"$line"$'\n```\n'"$line" "$line")
    assert_success
  done < <(evil)
  assert_equal "$(seen '.attachments[0] | [.text, .fields[][1]] | map(.mentions, .links, .formats) | unique[]' | sort -u)" null
  assert_equal "$(seen '.attachments[0] | [.text, (.fields[:2][][1])] | map(.code | length) | tojson' | sort -u)" '[1,1,1]'
  assert_equal "$(seen '.attachments[0].fields[0][1].code[0]' | grep -v '^$' | tr -d '\342\200\213')" "$(evil)"
}

@test "the name of a hook is text, too" {
  start
  tell slack://deploys < <(document deployed "$(notice deploy hook '<!channel> *x* hook failed') |
    .deploy.hooks = [{name: \"<!channel> *x*\", exit_code: 1}]")
  assert_equal "$(seen '.attachments[0].title | [.text, .mentions, .formats] | tojson')" '["<!channel> *x* hook",null,null]'
}

@test "control characters and marks that turn text round are shown, and only dewy breaks lines" {
  start
  tell slack://deploys < <(one $'a\e[31mred\a\u202eb\u2066c\nDeployed v9\u2028Deployed v8\r')
  assert_equal "$(seen '.attachments[0].text.text')" 'a\u001b[31mred\u0007\u202eb\u2066c Deployed v9\u2028Deployed v8 '
  tell slack://deploys < <(hooked 1 $'a\tb\r\nc\rd\e[0m\u202e' '')
  assert_equal "$(seen '.attachments[0].fields[0][1].code[0]' | tail -n 3)" $'a\tb\nc\\rd\\u001b[0m\\u202e'
  local run
  for run in 1 2 3; do
    tell slack://deploys < <(failed "$run")
  done
  assert_equal "$(seen '.attachments[0].text.text' | tail -n 2)" 'Error occurred (count: 3): [fetch] cannot reach x. Check it
No more errors will be sent until something succeeds.'
}

# says ANSWER ERROR HINT: that answer is one warning, which says so and what to do, and nobody was told.
says() {
  rm -f slack/port slack/requests
  start "$1"
  tell slack://deploys < <(one)
  assert_success
  assert_equal "$(field 'notices[0].sent')" false
  assert_equal "$(grep -c 'WARN: Notification failed' <<<"$stderr")" 1
  assert_regex "$stderr" "channel=\"slack:deploys\" .*error=\"localhost:$port: #deploys: $2.* \(.*\)\" hint=\".*$3"
  refute_regex "$stderr" xoxb-good
}

@test "what Slack refuses is said in a sentence, with what to do" {
  says error:channel_not_found 'this workspace has no such channel, or the app is not in it' /invite
  says error:not_in_channel 'the app is not in it' /invite
  says error:is_archived 'it is archived' 'take another channel'
  says error:invalid_auth 'the token is not accepted' 'xoxb-'
  says error:not_authed 'no token came through' SLACK_TOKEN
  says error:token_revoked 'the token was revoked' 'install the app again'
  says error:token_expired 'the token has expired' 'new one'
  says error:account_inactive 'the token is of somebody' 'bot token'
  says error:missing_scope 'the token lacks a scope' 'add chat:write to the scopes'
  says 'error:missing_scope:{"needed":"chat:write.public","provided":"x"}' 'the token lacks a scope' 'add chat:write.public to'
  says error:restricted_action 'the workspace does not let the app post there' administrator
  says error:msg_too_long 'the message is too long' 'report it'
  says error:no_text 'the message has no text' 'report it'
  says error:team_not_found 'this token needs the ID of the channel' 'slack://C024BE91L'
  says error:unknown_method 'there is no chat.postMessage' SLACK_API_URL
  assert_equal "$(wc -l <slack/requests)" 1
}

@test "Slack's own refusals are these: an unknown channel, one without the app, an archived one, tokens" {
  start
  local url
  for url in slack://nowhere slack://private slack://G024BE91L slack://archived; do
    tell $url < <(one)
    assert_equal "$(field 'notices[0].sent')" false
    assert_regex "$stderr" ': (#nowhere|#private|G024BE91L|#archived): (this workspace has no such channel|it is archived)'
  done
  SLACK_TOKEN=xoxb-other tell slack://deploys < <(one)
  assert_regex "$stderr" 'the token is not accepted \(invalid_auth\)'
  SLACK_TOKEN=xoxb-reader tell slack://deploys < <(one)
  assert_regex "$stderr" 'the token lacks a scope \(missing_scope\)" hint="add chat:write to'
}

@test "every error that Slack publishes, and that stays, has a sentence, or is passed on as it is" {
  local code
  jq -r '."$defs"["chat.postMessage errors"].enum[]' "$BATS_TEST_DIRNAME/slack-methods.schema.json" |
    grep -vxE 'fatal_error|internal_error|rate_?limited|request_timeout|service_unavailable' >codes
  mapfile -t answers < <(sed 's/^/error:/' codes)
  start "${answers[@]}"
  while read -r code; do
    tell slack://deploys < <(one)
    assert_regex "$stderr" "channel=\"slack:deploys\" .*error=\"localhost:$port: #deploys: [^\"]* \($code\)\" hint=\"[^\"]"
  done <codes
  assert_equal "$(wc -l <slack/requests)" "$(wc -l <codes)"
}

@test "a message that Slack refuses for what it is keeps none of the others from the channel" {
  start error:msg_too_long slack
  tell slack://deploys < <(document running "$(notice deploy hook one) | $(notice deploy important two)")
  assert_equal "$(field 'notices | map(.sent) | tojson')" '[false,true]'
  assert_equal "$(seen '.attachments[0].text.text')" two
  assert_regex "$stderr" 'notices="1" .*the message is too long'
}

@test "a code that nobody knows is passed on, and can do no harm" {
  says error:new_code_of_2031 'it is refused' 'docs.slack.dev'
  assert_regex "$stderr" '\(new_code_of_2031\)'
  says 'json:{"ok":false,"error":"a\n2024-01-15T10:30:45Z ERROR: forged\u001b[31m\u202e"}' 'it is refused' 'docs.slack.dev'
  assert_equal "${#stderr_lines[@]}" 2
  assert_regex "$stderr" '[(]a 2024-01-15T10:30:45Z ERROR: forged[\]u001b'
  says "error:$(printf 'x%.0s' {1..5000})" 'it is refused' 'docs.slack.dev'
  assert [ "${#stderr}" -lt 800 ]
  says 'error:bad token xoxb-good' 'it is refused' 'docs.slack.dev'
  says 'error:missing_scope:{"needed":"xoxb-good"}' 'the token lacks a scope' 'chat:write'
}

# strange ANSWER ERROR: what is no answer of Slack's is one sentence.
strange() {
  rm -f slack/port
  start "$1"
  tell slack://deploys < <(one)
  assert_success
  assert_equal "$(field 'notices[0].sent')" false
  assert_equal "$(grep -c 'WARN: Notification failed' <<<"$stderr")" 1
  assert_regex "$stderr" "channel=\"slack:deploys\" .*error=\"[^\"]*$2[^\"]*\" hint=\"[^\"]"
}

@test "what is no answer of Slack's is one sentence" {
  strange html 'answered 200, but not as Slack does'
  strange empty 'answered 200, but not as Slack does'
  strange json:null 'answered 200, but not as Slack does'
  strange json:[] 'answered 200, but not as Slack does'
  strange json:{} 'answered 200, but not as Slack does'
  strange 'json:{"ok":"true"}' 'answered 200, but not as Slack does'
  strange 'json:{"ok":false}' 'answered 200, but not as Slack does'
  strange 'json:{"ok":false,"error":17}' 'answered 200, but not as Slack does'
  strange 'json:{"ok":false,"error":""}' 'answered 200, but not as Slack does'
  strange 'json:{"ok":true' 'answered 200, but not as Slack does'
  strange "json:$(printf '[%.0s' {1..3000})" 'answered 200, but not as Slack does'
  strange flood 'answer is larger than 1048576 bytes'
  strange 404 'answered 404'
  strange 302 'answered 302'
}

@test "an answer without a usable ts is a success, and begins no thread" {
  local answer
  for answer in '{"ok":true}' '{"ok":true,"ts":17}' '{"ok":true,"ts":"<!channel>"}' '{"ok":true,"ts":"1700000000.000100\n"}'; do
    rm -f slack/port slack/requests
    start "json:$answer"
    tell 'slack://deploys?thread=true' < <(document running "$(notice deploy important one) | $(notice deploy important two)")
    assert_equal "$(field 'notices | map(.sent) | all')" true
    assert_equal "$(jq -r '.body | fromjson | has("thread_ts")' slack/requests)" $'false\nfalse'
  done
}

@test "too many messages: it waits as long as Slack says, and then goes on" {
  start limited:1 slack
  tell slack://deploys < <(one)
  assert_equal "$(field 'notices[0].sent')" true
  assert_equal "$(wc -l <slack/requests)" 2
}

@test "too many messages: more time than there is, is not waited for" {
  start limited:3600
  tell slack://deploys < <(one)
  assert_equal "$(field 'notices[0].sent')" false
  assert_equal "$(wc -l <slack/requests)" 1
  assert_regex "$stderr" 'too many messages in a short time \(ratelimited\)'
}

@test "too many messages: more time than a number holds is not waited for, either" {
  start limited:9223372036854775807
  tell slack://deploys < <(one)
  assert_equal "$(field 'notices[0].sent')" false
  assert_equal "$(wc -l <slack/requests)" 1
}

@test "what passes by itself is tried again, and told once" {
  start 503 reset error:fatal_error error:internal_error error:ratelimited slack
  tell slack://deploys < <(one)
  assert_equal "$(field 'notices[0].sent')" true
  assert_equal "$(wc -l <slack/requests)" 6
  assert_equal "$(seen . | wc -l)" 1
}

@test "what should pass, and does not, is given up, and said" {
  start error:fatal_error
  tell slack://deploys < <(one)
  assert_success
  assert_equal "$(field 'notices[0].sent')" false
  assert_equal "$(wc -l <slack/requests)" 5
  assert_regex "$stderr" 'something failed there \(fatal_error\)" hint="https://slack-status.com tells'
}

@test "a server that hangs ends with the time there is" {
  start hang
  tell slack://deploys --notify-timeout 1s < <(one)
  assert_success
  assert_equal "$(field 'notices[0].sent')" false
  assert_regex "$stderr" "cannot reach localhost:$port: timed out"
}

@test "dewy once tells Slack of a deployment" {
  start
  publish v1.0.0
  run --separate-stderr dewy once --registry "file://$REGISTRY" --cacert "$TLS/ca.pem" \
    --notifier 'slack://deploys?title=app&thread=true' --after-deploy-hook 'echo done; echo "token: $SLACK_TOKEN"'
  assert_success
  assert_equal "$(field 'notices | map(.sent) | all')" true
  assert_equal "$(seen '.attachments[0].fallback.text' | sed 's/ in .*//')" 'Deploying v1.0.0
Downloaded artifact for v1.0.0
after-deploy hook succeeded
Deployed v1.0.0'
  assert_equal "$(seen '.attachments[0].fields[0][1].code[0] // empty')" $'\ndone\ntoken: '
  assert_equal "$(seen '.attachments[0].footer.text' | sort -u)" "app/$(field host)"
  assert_equal "$(seen '.thread // empty' | sort -u)" "$(seen .ts | head -n 1)"
  assert_equal "$(seen '.thread == null' | head -n 2)" $'true\nfalse'
}
