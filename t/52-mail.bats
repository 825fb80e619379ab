#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Mail: what arrives at a real server, and what is said when it does not. Each test has its own recipients.
load common
load notify

setup_file() {
  clean_environment
  chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" # the server runs as another user when root tests
  CA=$BATS_FILE_TMPDIR/ca PORT=$(free_ports 3) MAILS=$BATS_FILE_TMPDIR/exim/mail/new
  export CA PORT MAILS
  "$BATS_TEST_DIRNAME/stack/authority" "$CA"
  "$BATS_TEST_DIRNAME/stack/exim" start "$BATS_FILE_TMPDIR/exim" "$PORT" "$CA/server.pem" "$CA/server.key"
}

teardown_file() {
  "$BATS_TEST_DIRNAME/stack/exim" stop "$BATS_FILE_TMPDIR/exim"
}

prepare() {
  cd "$BATS_TEST_TMPDIR"
  unset ${!MAIL_*}
  export DEWY_CACERT=$CA/ca.pem
  SERVER=localhost:$PORT          # STARTTLS
  OPEN=127.0.0.1:$((PORT + 2))    # no TLS, and no password needed
  HOST=$(hostname)
  [[ $HOST =~ ^[A-Za-z0-9.-]+$ ]] || HOST=localhost
  pids=()
}

cleanup() {
  local pid
  for pid in "${pids[@]}"; do stop_pid "$pid"; done
}

log_in() {
  export MAIL_USERNAME=robot MAIL_PASSWORD=s3cret
}

# tell URL [JQ-FILTER]: tells a document of one important notice, or as the filter makes it, as if nobody had been told before.
tell() {
  rm -f "$ROOT/.dewy/notify.json"
  notify --notifier "$1" < <(document running "${2:-$(notice deploy important 'Deployed v1.2.3 in 4.2s')}")
}

# arrived RECIPIENT [N]: prints what came for it as t/mail.py reads it, N mails (1), which it waits for.
arrived() {
  wait_until has_arrived "$1" "${2:-1}" || show_why
  python3 "$BATS_TEST_DIRNAME/mail.py" $(grep -lx "Envelope-to: $1" "$MAILS"/*) >mails
  assert_equal "$(jq -c .defects mails | sort -u)" '[]'
  cat mails
}
show_why() {
  echo "dewy-notify ended with $status: $stderr"
  tail -n 50 "$MAILS/../../log/mainlog"
  return 1
}
has_arrived() {
  [ "$(grep -lx "Envelope-to: $1" "$MAILS"/* | wc -l)" = "$2" ]
}

# of FILTER: the value in the one mail that arrived put into "mails".
of() {
  jq -r "$1" mails
}

# assert_refused REASON HINT: one warning says so, the exit status is that of the document, and the notice stays unsent.
assert_refused() {
  assert_success
  assert_equal "$(field 'notices[0].sent')" false
  assert_equal "$(grep -c WARN <<<"$stderr")" 1
  assert_regex "$stderr" "error=\"[^\"]*$1[^\"]*\""
  assert_regex "$stderr" "hint=\"[^\"]*$2"
}

# stand_in BEHAVIOUR...: starts t/mailserver.py; sets $BAD to its address.
stand_in() {
  mkdir bad
  "$BATS_TEST_DIRNAME/mailserver.py" bad "$@" >/dev/null 3>&- &
  pids+=($!)
  wait_until test -s bad/port
  BAD=127.0.0.1:$(cat bad/port)
}

@test "by STARTTLS and AUTH; who, whom, what and when" {
  log_in
  tell "mail://$SERVER/one@test?from=Release%20robot%20<robot@example.com>"
  assert_success
  assert_equal "$(field 'notices[0].sent')" true
  arrived one@test
  assert_regex "$(of .received)" 'with esmtpsa +\(TLS1.3\)'
  assert_regex "$(of .received)" "helo=$HOST|from $HOST "
  assert_equal "$(of '."return-path"')" "<robot@example.com>"
  assert_equal "$(of .from)" "Release robot <robot@example.com>"
  assert_equal "$(of .to)" one@test
  assert_equal "$(of .subject)" "[root on Web-1] Deployed v1.2.3 in 4.2s"
  local sent
  sent=$(date -d "$(of .date)" +%s)
  assert [ $(($(date +%s) - sent)) -ge 0 ]
  assert [ $(($(date +%s) - sent)) -lt 60 ]
  assert_regex "$(of .date)" '^[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} \+0000$'
  assert_equal "$(of '[."auto-submitted", ."mime-version", ."content-type", ."content-transfer-encoding"] | join("; ")')" \
    'auto-generated; 1.0; text/plain; charset="utf-8"; quoted-printable'
  assert_equal "$(of .body)" "Deployed v1.2.3 in 4.2s

host:     Web-1
app:      root
root:     $ROOT
version:  v1.2.3
registry: file:///nowhere
run:      20240115T103044Z-7f3a91"
}

@test "with TLS from the start: tls=implicit, and smtps://" {
  log_in
  tell "mail://localhost:$((PORT + 1))/implicit@test?tls=implicit"
  tell "smtps://127.0.0.1:$((PORT + 1))/implicit@test"
  arrived implicit@test 2
  assert_equal "$(of .received | grep -c esmtpsa)" 2
}

@test "without TLS only when that is said, and without a password when there is none" {
  tell "mail://$OPEN/clear@test"
  assert_refused "$OPEN does not offer STARTTLS" 'tls=none'
  tell "smtp://$OPEN/clear@test?tls=none"
  assert_success
  log_in
  tell "smtp://$OPEN/clear@test?tls=none" # a password goes nowhere from here
  arrived clear@test 2
  assert_equal "$(of .received | grep -oE 'with e?smtp[as]*' | sort | tr '\n' ' ')" "with esmtp with esmtpa "
}

@test "at an IPv6 address" {
  grep -qs '^0*1 ' /proc/net/if_inet6 || skip "no IPv6 here"
  log_in
  tell "mail://[::1]:$PORT/six@test"
  assert_success
  arrived six@test
  assert_regex "$(of .received)" 'from \[::1\]'
}

@test "the sender is from=, MAIL_FROM, the user when that is an address, or dewy on this machine" {
  tell "mail://$OPEN/from@test?tls=none"
  MAIL_FROM=ops@example.com tell "mail://$OPEN/from@test?tls=none"
  MAIL_FROM=ops@example.com tell "mail://$OPEN/from@test?tls=none&from=web@example.com"
  stand_in ''
  MAIL_USERNAME=me@example.com MAIL_PASSWORD=x tell "mail://$BAD/from@test?tls=none"
  assert_success
  arrived from@test 3
  assert_equal "$(of .from | sort)" "$(printf '%s\n' "dewy@$HOST" ops@example.com web@example.com | sort)"
  assert_equal "$(of '.from == (."return-path" | ltrimstr("<") | rtrimstr(">"))' | sort -u)" true
  grep -q '^MAIL FROM:<me@example.com>' bad/dialogue
}

@test "several recipients, in the path and by to=, each with one mail" {
  tell "mail://$OPEN/many1@test,many2@test?tls=none&to=many3@test"
  assert_success
  local i
  for i in 1 2 3; do
    arrived many$i@test
    assert_equal "$(of .to)" "many1@test, many2@test, many3@test"
  done
}

@test "one who is refused keeps it from nobody else" {
  tell "mail://$OPEN/nouser@test,good1@test,full@test,good2@test?tls=none" \
    "$(notice deploy important one) | $(notice deploy important two)"
  assert_success
  assert_equal "$(field 'notices | map(.sent) | all')" true
  arrived good1@test 2
  arrived good2@test 2
  assert_equal "$(grep -c 'WARN: Notification refused for some' <<<"$stderr")" 2
  assert_regex "$stderr" 'refused="nouser@test \(550 5.1.1 no such user\), full@test \(452 4.2.2 mailbox full\)"'
}

@test "when all are refused, it says why, whom, and what to do" {
  tell "mail://$OPEN/nouser@test,nouser@example.com?tls=none"
  assert_refused "$OPEN refuses the recipient: nouser@test \(550 5.1.1 no such user\), nouser@example.com \(550" 'check the address'
}

@test "headers arrive as they were meant" {
  local long prefix
  long=$(printf 'ärger-%.0s' {1..12})
  for prefix in '🚀 Zürich 日本語' "$(printf 'word %.0s' {1..30})end" "$(printf 'x%.0s' {1..150})" \
    "$(printf '𝔘%.0s' {1..60})" 'no =?utf-8?B?bm8=?= tricks' 'two  spaces' '(a) "b" <c@d>, e: f;' "$long"; do
    tell "mail://$OPEN/headers@test?tls=none&subject=$(encode "$prefix")&from=$(encode "$prefix <a@b.example>")"
    assert_success
    echo "$prefix Deployed v1.2.3 in 4.2s" >>expected
  done
  arrived headers@test 8
  assert_equal "$(of .subject | sort)" "$(sort expected)"
  python3 - "$MAILS" expected <<'IN'
import email.policy, glob, sys
wanted = sorted(line.replace("  ", " ").removesuffix(" Deployed v1.2.3 in 4.2s\n") for line in open(sys.argv[2]))
mails = [email.message_from_file(open(path), policy=email.policy.default) for path in glob.glob(sys.argv[1] + "/*")]
mails = [mail for mail in mails if mail["envelope-to"] == "headers@test"]
names = sorted(mail["from"].addresses[0].display_name for mail in mails)
for name, whole in zip(names, wanted):
    assert whole.startswith(name) and len(name.encode()) >= min(38, len(whole.encode())), name
assert {mail["from"].addresses[0].addr_spec for mail in mails} == {"a@b.example"}
IN
}

@test "an empty subject= leaves the text alone, and long texts are cut there" {
  tell "mail://$OPEN/subject@test?tls=none&subject=" "$(notice deploy important "$(printf 'é%.0s' {1..3000})")"
  arrived subject@test
  assert_regex "$(of .subject)" '^é{50,100}\.\.\. \([0-9]+ more bytes\)$'
  assert_regex "$(of .body)" '^é{3000}'
  tell "mail://$OPEN/lengthy@test?tls=none" "(\"x\" * 100000) as \$long | .app = \$long | .host = \$long | .state = \"failed\" |
    .error = {stage: \"x\", code: \"hook\", message: \"m\", hint: \$long} | $(notice y error y)"
  arrived lengthy@test
  assert_regex "$(of .subject | head -n 1)" '^\[x{100,180}\.\.\. \([0-9]+ more bytes\) '
  assert [ "$(of .subject,.body | wc -c)" -lt 20000 ]
}

# hook STDOUT [STDERR]: prints a filter for the notice of a hook that printed so and failed.
hook() {
  jq -nr --arg out "$1" --arg err "${2-}" '".deploy.hooks = " + ([{name: "after-deploy", command: "make it", exit_code: 3,
    duration_ms: 1200, stdout: $out, stderr: $err}] | tojson)'
  echo "| $(notice deploy hook 'after-deploy hook failed in 1.2s: make it')"
}

@test "what a hook printed arrives: dots, From, tabs, long lines, white space at the end, characters of four bytes" {
  local printed
  printed=$(printf '%s\n' . .. .dot 'From here' '>From' '=3D=' '' $'a\tb' 'spaces   ' $'tab\t' '𝔘🚀é' \
    "$(printf '日%.0s' {1..500})" "$(printf 'x%.0s' {1..2000})" "$(printf '%0.s.' {1..200})" \
    "$(printf 'y%.0s' {1..74})=" "$(printf 'y%.0s' {1..75}) ." end)
  tell "mail://$OPEN/hook@test?tls=none" "$(hook "$printed" 'bad thing')"
  assert_success
  arrived hook@test
  assert_equal "$(of .body | head -n 2)" "after-deploy hook failed in 1.2s: make it
exit code: 3"
  assert_equal "$(of .body | sed -n '/^stdout:/,/^stderr:/p' | sed '1d;$d')" "$printed"
  assert_equal "$(of .body | sed -n '/^stderr:/{n;p}')" "bad thing"
}

@test "line ends of all kinds are one, and control characters are gone" {
  tell "mail://$OPEN/control@test?tls=none" "$(hook $'one\r\ntwo\rthree\e[31m\a\x7f red\u202e\u0085 end')"
  arrived control@test
  assert_equal "$(of .body | sed -n '/^stdout:/,/^$/p')" $'stdout:\none\ntwo\nthree[31m red end'
}

@test "what is not UTF-8 is replaced" {
  # half a surrogate pair, and no byte of UTF-8
  document running "$(hook 'x MARK y') | .app = \"MARK\"" | sed 's/MARK/\xed\xa0\x80\xff/g' >in
  notify --notifier "mail://$OPEN/utf8@test?tls=none" <in
  assert_success
  arrived utf8@test
  assert_regex "$(of .subject)" '^\[���� on Web-1\]'
  assert_regex "$(of .body)" 'x ���� y'
}

@test "what is long is cut, and a message stays a message" {
  tell "mail://$OPEN/cut@test?tls=none" "$(hook "$(seq 3000)" "$(seq 1000 1100)")"
  arrived cut@test
  assert_regex "$(of .body)" $'\n400\n... \(2600 more lines\)\n'
}

@test "of what is bad, the hint is there, once" {
  notify --notifier "mail://$OPEN/hint@test?tls=none" < <(failed one)
  notify --notifier "mail://$OPEN/hint@test?tls=none" < <(document rolled_back ".id = \"two\" |
    .error = {stage: \"restart\", hint: \"read it\"} | $(notice deploy important 'Rolled back to v1.2.2')")
  arrived hint@test 2
  assert_equal "$(of 'select(.subject | contains("cannot reach")).body' | grep -c 'heck it')" 1
  assert_equal "$(of 'select(.subject | contains("Rolled back")).body' | grep -c '^What to do: read it$')" 1
}

@test "nothing from outside begins a header, adds a recipient or ends the message" {
  local evil=$'x\r\nBcc: evil@test\r\nContent-Type: text/html\r\n\r\n.\r\nRCPT TO:<evil@test>'
  document running "$(hook "$evil" "$evil") | $(notice deploy important "$evil")" | jq -c --arg evil "$evil" \
    '.app = $evil | .host = $evil | .id = $evil | .release.version = $evil | .registry = $evil | .previous = {version: $evil}' >in
  notify --notifier "mail://$OPEN/inject@test?tls=none&subject=$(encode "$evil")&from=$(encode "$evil <a@b>")" <in
  assert_success
  arrived inject@test 2
  assert_equal "$(of '.to + " " + ."content-type"' | sort -u)" 'inject@test text/plain; charset="utf-8"'
  assert_equal "$(of 'has("bcc")' | sort -u)" false
  assert_regex "$(of .subject | head -n 1)" '^x Bcc: evil@test Content-Type: text/html  \. RCPT TO:<evil@test> '
  assert_regex "$(of '."message-id"' | head -n 1)" '^<[0-9a-f]{16}\.[0-9a-f]{8}(\.[0-9])?@[A-Za-z0-9.-]+>$'
  run ! grep -l 'Envelope-to: evil@test' "$MAILS"/*
}

@test "one run is one thread, at each channel, also when several processes tell of it" {
  local root url=mail://$OPEN/thread@test?tls=none notices
  notices="$(notice deploy important one) | $(notice restart important two)"
  notify --notifier "$url" < <(document fetched "$notices")
  notices+=" | .notices[].sent = true | $(notice restart important three)"
  notify --notifier "$url" < <(document running "$notices")
  notify --notifier "smtp://$OPEN/thread@test?tls=none" < <(document running "$(notice deploy important four)") # another channel
  notify --notifier "$url" < <(document running ".id = \"20240115T110000Z-000000\" | $(notice deploy important five)")
  arrived thread@test 5
  root=$(of 'select(.subject | endswith("one"))."message-id"')
  assert_regex "$root" '^<20240115T103044Z-7f3a91\.[0-9a-f]{8}@Web-1>$'
  assert_equal "$(of 'select(.subject | test("two|three")) | ."in-reply-to", .references' | sort -u)" "$root"
  assert_equal "$(of 'select(.subject | test("one|four|five")) | has("references") or has("in-reply-to")' | sort -u)" false
  assert_equal "$(of '."message-id"' | sort -u | wc -l)" 5
}

@test "hosts that are not there, and ports where nobody listens" {
  local port
  port=$(free_port)
  notify --notify-timeout 4s --notifier "mail://127.0.0.1:$port/x@test" < <(document running "$(notice deploy important one)")
  assert_refused "cannot reach 127.0.0.1:$port: Connection refused" 'check the host and the port'
  notify --notify-timeout 1s --notifier "mail://nowhere.invalid/x@test" < <(document running "$(notice deploy important one)")
  assert_refused 'nowhere.invalid:587(: the host name is unknown| did not answer in time)' 'check the host'
}

@test "a certificate that is not trusted, over, or for another host" {
  log_in
  DEWY_CACERT=$CA/alien.pem tell "mail://$SERVER/cert@test"
  assert_refused "cannot reach $SERVER: its certificate was refused: SSL certificate problem: " 'cacert'
  DEWY_CACERT=$CA/none.pem tell "mail://$SERVER/cert@test"
  assert_refused "cannot read the certificate authorities in $CA/none.pem" 'cacert'
  unset DEWY_CACERT
  SSL_CERT_FILE=$CA/ca.pem tell "mail://$SERVER/cert@test"
  assert_success
  assert_equal "$(field 'notices[0].sent')" true
  local kind port
  port=$(free_ports 6)
  for kind in wrong expired; do
    "$BATS_TEST_DIRNAME/stack/exim" start "$BATS_FILE_TMPDIR/$kind" "$port" "$CA/$kind.pem" "$CA/$kind.key"
    SSL_CERT_FILE=$CA/ca.pem tell "mail://localhost:$port/cert@test"
    "$BATS_TEST_DIRNAME/stack/exim" stop "$BATS_FILE_TMPDIR/$kind"
    assert_refused "its certificate was refused: .*(no alternative certificate|expired)" 'clock'
    port=$((port + 3))
  done
  arrived cert@test
}

@test "a wrong password, and none" {
  MAIL_USERNAME=robot MAIL_PASSWORD=wr0ngpass tell "mail://$SERVER/auth@test"
  assert_refused "$SERVER refuses the user name or the password: 535 Incorrect authentication data" 'MAIL_PASSWORD'
  refute_regex "$stderr$output" 'wr0ngpass'
  tell "mail://$SERVER/auth@test"
  assert_refused "$SERVER wants to know who sends: 530 5.7.0 Authentication required" 'set MAIL_USERNAME and MAIL_PASSWORD_FILE'
}

@test "a message that is too large" {
  tell "mail://$OPEN/large@test?tls=none" "$(notice deploy important "$(printf 'é%.0s' {1..20000})")"
  assert_refused "$OPEN finds the message too large: 552" 'print less'
}

@test "a mailbox that is full, and one that puts off each time" {
  notify --notify-timeout 5s --notifier "mail://$OPEN/full@test?tls=none" < <(document running "$(notice deploy important one)")
  assert_refused "$OPEN has no room for the recipient: full@test \(452 4.2.2 mailbox full\)" 'make room'
  notify --notify-timeout 5s --notifier "mail://$OPEN/busy@test?tls=none" < <(document running "$(notice deploy important one)")
  assert_refused "$OPEN puts off the recipient: busy@test \(451 4.3.2 try again later\)" 'greylisting'
}

@test "who is put off once is asked again, and nobody else is" {
  tell "mail://$OPEN/first@test,grey@test?tls=none"
  assert_success
  refute_regex "$stderr" WARN
  arrived first@test
  arrived grey@test
}

@test "what is refused for the moment is tried again: the greeting, the sender, the message, a connection that breaks" {
  stand_in 'greeting=421 busy' 'MAIL=450 wait' EHLO=close .=close '.=451 wait' ''
  notify --notify-timeout 60s --notifier "mail://$BAD/x@test?tls=none" < <(document running "$(notice deploy important one)")
  assert_success
  assert_equal "$(field 'notices[0].sent')" true
  assert_equal "$(grep -c EHLO bad/dialogue)" 5
  assert_equal "$(grep -c ^Message-ID bad/mails)" 3
  assert_equal "$(grep ^Message-ID bad/mails | sort -u | wc -l)" 1 # by which whoever got it twice knows
}

@test "what is refused for good is not" {
  local step answer
  local -A said=([greeting]='refuses to serve' [MAIL]='refuses the sender' [DATA]='refuses the message' [.]='refuses the message')
  for step in "${!said[@]}"; do
    rm -rf bad
    stand_in "$step=554 5.7.1 go away" ''
    tell "mail://$BAD/x@test?tls=none"
    assert_refused "$BAD ${said[$step]}: 554 5.7.1 go away" '.'
  done
}

@test "a server that never answers costs the time that there is, whichever step it is" {
  local step
  for step in greeting EHLO MAIL RCPT DATA .; do
    rm -rf bad
    stand_in "$step=hang"
    local now start
    milliseconds
    start=$now
    notify --notify-timeout 2s --notifier "mail://$BAD/x@test?tls=none" < <(document running "$(notice deploy important one)")
    milliseconds
    assert_refused "$BAD did not answer in time: the last step was" 'notify-timeout'
    assert [ $((now - start)) -ge 1900 ]
    assert [ $((now - start)) -lt 25000 ] # the default is 30 s
  done
}

@test "the farewell is not waited for" {
  stand_in QUIT=hang
  local now start
  milliseconds
  start=$now
  DEWY_NOTIFY_TIMEOUT=170s tell "mail://$BAD/x@test?tls=none"
  assert_success
  assert_equal "$(field 'notices[0].sent')" true
  milliseconds
  assert [ $((now - start)) -lt 90000 ]
}

# dialogues FILTER: of each attempt that the log in $stderr has.
dialogues() {
  jq -r "select(.msg == \"SMTP dialogue\") | $1" <<<"$stderr"
}

@test "with --log-level debug, each attempt has a line: server, TLS, last step, answer and time, and nothing of who logs in" {
  export DEWY_LOG_LEVEL=debug DEWY_LOG_FORMAT=json
  MAIL_USERNAME=robot MAIL_PASSWORD=s3cret tell "mail://$SERVER/debug@test"
  assert_success
  run -0 dialogues '"\(.server) \(.address) \(.tls) \(.step) \(.status) \(.error) \(.attempt)"'
  assert_output --regexp "^$SERVER (127.0.0.1|\[::1\]):$PORT TLSv1.3 / [A-Z0-9_]+ DATA 250 null 1$"
  assert_regex "$(dialogues .answer)" '^250 OK id='
  assert_regex "$(dialogues .duration)" '^[0-9.]+m?s$'
  refute_regex "$stderr" 'robot|s3cret'
  stand_in 'greeting=421 busy' 'password=535 {} robot is not known'
  MAIL_USERNAME=robot MAIL_PASSWORD=hidden-word tell "mail://$BAD/x@test?tls=none"
  run -0 dialogues '"\(.server) \(.tls) \(.step) \(.status) \(.answer) \(.attempt)"'
  assert_output "$BAD null connecting 421 421 busy 1
$BAD null AUTH 535 null 2"
  refute_regex "$(dialogues .)" 'robot|x@test|hidden'
  DEWY_LOG_LEVEL=info tell "mail://$OPEN/debug@test?tls=none"
  assert_equal "$(dialogues .)" ""
}

@test "what a server says is escaped, cut, and without the password in any form" {
  stand_in "password=535 {} $(printf 'robot:hidden-word \e[31m"%.0s' {1..9}) and so on, for a long time"
  MAIL_USERNAME=robot MAIL_PASSWORD=hidden-word DEWY_LOG_LEVEL=debug tell "mail://$BAD/x@test?tls=none"
  assert_refused 'refuses the user name or the password: 535 .*\.\.\.' 'MAIL_PASSWORD'
  grep -q '^AHJv' bad/dialogue
  refute_regex "$stderr" "hidden-word|$(base64 <<<hidden-word | cut -c-12)|$(printf '\0robot\0hidden-word' | base64 | cut -c-20)"
  refute_regex "$stderr" $'\e'
  assert_regex "$stderr" ' [\\]u001b\[31m[\\]"' # once: by the log
}

@test "the password is not among the arguments, in the log, the document or a file, wherever it comes from" {
  printf 's3cret\n' >secret
  mkdir credentials
  echo robot >credentials/MAIL_USERNAME
  echo s3cret >credentials/MAIL_PASSWORD
  export DEWY_LOG_LEVEL=debug
  MAIL_USERNAME=robot MAIL_PASSWORD_FILE=$PWD/secret tell "mail://$SERVER/secret@test"
  assert_success
  assert_equal "$(field 'notices[0].sent')" true
  refute_regex "$output$stderr" s3cret
  CREDENTIALS_DIRECTORY=$PWD/credentials tell "mail://$SERVER/secret@test"
  assert_equal "$(field 'notices[0].sent')" true
  refute_regex "$output$stderr" s3cret
  run ! grep -rq s3cret "$ROOT"
  arrived secret@test 2
  run ! grep -q s3cret mails

  stand_in RCPT=hang
  MAIL_USERNAME=robot MAIL_PASSWORD=s3cret dewy-notify --no-report --notify-timeout 20s --notifier "mail://$BAD/x@test?tls=none" \
    < <(document running "$(notice deploy important one)") >/dev/null 2>&1 3>&- &
  pids+=($!)
  wait_until grep -q RCPT bad/dialogue
  run ! grep -qa s3cret /proc/$!/cmdline
}

@test "addresses that cannot be are refused with what is accepted, before anything is sent" {
  local url
  for url in mail: mail:///x@test mail://-x/x@test mail://h:0/x@test mail://h:70000/x@test mail://h:x/x@test \
    'mail://[::1/x@test' 'mail://[x]/x@test' mail://h mail://h/ mail://h/x mail://h/x@ mail://h/@test mail://h/x@test, \
    'mail://h/x y@test' mail://h/x@test%0d%0aBcc:y@test 'mail://h/%22x%22@test' mail://h/m%C3%BCller@test \
    mail://h/x@m%C3%BCnchen.example mail://h/-x@test mail://h/x..y@test mail://h/x@-test 'mail://h/x@test?tls=perhaps' \
    'smtps://h/x@test?tls=none' 'smtps://h/x@test?tls=starttls' 'mail://h/x@test?cc=y@test' 'mail://h/x@test?from=x' \
    'mail://h/x@test?quiet=perhaps' 'mail://h/x@test?to=y' "mail://h/$(printf 'x@test,%.0s' {1..100})x@test"; do
    notify --notifier "$url" < <(document running)
    assert_failure 1
    assert_equal "$output" ""
    assert_regex "$stderr" '^dewy-notify: --notifier 1.*: .*; '
  done
}

@test "a password in the URL is refused, told to nobody, and half a login is none" {
  local url
  for url in mail://me:t0psecret@h/x@test 'mail://h/x@test?username=me&password=t0psecret' 'mail://h/x@test?password=t0psecret'; do
    notify --notifier "$url" < <(document running)
    assert_failure 1
    assert_regex "$stderr" 'do not belong into the URL; set MAIL_USERNAME, and MAIL_PASSWORD_FILE'
    refute_regex "$stderr" t0psecret
  done
  MAIL_USERNAME=me notify --notifier mail://h/x@test < <(document running)
  assert_failure 1
  assert_regex "$stderr" 'there is a MAIL_USERNAME without a MAIL_PASSWORD; '
  MAIL_PASSWORD=x notify --notifier mail://h/x@test < <(document running)
  assert_failure 1
  assert_regex "$stderr" 'there is a MAIL_PASSWORD without a MAIL_USERNAME; '
  log_in
  notify --notifier 'mail://example.com/x@test?tls=none' < <(document running)
  assert_failure 1
  assert_regex "$stderr" 'tls=none would send the password in the clear; '
  MAIL_FROM=nobody notify --notifier mail://h/x@test < <(document running)
  assert_failure 1
  assert_regex "$stderr" 'MAIL_FROM: nobody is no address'
}

@test "quiet=true is for what is important" {
  tell "mail://$OPEN/quiet@test?tls=none&quiet=true" "$(notice deploy progress one) | $(notice deploy important two)"
  arrived quiet@test
  assert_regex "$(of .subject)" 'two$'
}

# sendmail: a real one, and what others do.

@test "by the sendmail of this machine" {
  PATH=$BATS_FILE_TMPDIR/exim/sendmail:$PATH
  tell "sendmail:local@mail.test,root?from=$(encode 'Déwy <dewy@example.com>')&subject=news" \
    "$(hook $'.\n.dot\nFrom x\nend') | $(notice deploy important zwei)"
  assert_success
  assert_equal "$(field 'notices | map(.sent) | all')" true
  arrived root@mail.test 2
  arrived local@mail.test 2
  assert_equal "$(of '.from + " " + ."return-path"' | sort -u)" "Déwy <dewy@example.com> <dewy@example.com>"
  assert_equal "$(of .to | sort -u)" "local@mail.test, root@mail.test"
  assert_equal "$(of .subject | sort)" $'news after-deploy hook failed in 1.2s: make it\nnews zwei'
  assert_equal "$(of .body | sed -n '/^stdout:/,/^$/p')" $'stdout:\n.\n.dot\nFrom x\nend'
  assert_equal "$(of 'select(.subject | contains("zwei"))."in-reply-to"')" \
    "$(of 'select(.subject | contains("hook"))."message-id"')"
}

@test "sendmail adds the sender when nobody has named one" {
  PATH=$BATS_FILE_TMPDIR/exim/sendmail:$PATH
  tell sendmail:sender@mail.test
  assert_success
  arrived sender@mail.test
  assert_regex "$(of .from)" '@mail.test'
}

# fake_sendmail LINE...: puts a shell script of these lines before all others in PATH.
fake_sendmail() {
  mkdir -p fake
  printf '%s\n' '#!/bin/sh' "$@" >fake/sendmail
  chmod 755 fake/sendmail
  PATH=$PWD/fake:$PATH
}

@test "sendmail gets its arguments behind --, the message, and no secret" {
  fake_sendmail 'cd '"$PWD" 'printf "%s\n" "$@" >arguments; cat >message; env >environment'
  log_in
  DEWY_X=s3cret GH_TOKEN=s3cret SLACK_TOKEN=s3cret tell "sendmail:a@test,b?from=c@test"
  assert_success
  assert_equal "$(tr '\n' ' ' <arguments)" "-i -f c@test -- a@test b "
  run ! grep -E 's3cret|^MAIL_|^DEWY_' environment
  run ! grep -q $'\r' message
}

@test "sendmail that fails says why; what is for the moment is tried again" {
  fake_sendmail 'echo once >>'"$PWD"'/calls; echo noise >&2; printf "no such \033[31m user\n\n" >&2; exit 67'
  tell sendmail:x
  assert_refused 'sendmail failed with exit code 67: no such [\]u001b\[31m user' 'does not know it'
  assert_equal "$(wc -l <calls)" 1
  fake_sendmail 'echo "spool: Read-only file system"; exit 1'
  tell sendmail:x
  assert_refused 'sendmail failed with exit code 1: spool: Read-only file system' 'ReadWritePaths='
  fake_sendmail 'echo again >>'"$PWD"'/calls; test $(grep -c again '"$PWD"'/calls) = 3 && exit 0; echo wait; exit 75'
  tell sendmail:x
  assert_success
  assert_equal "$(field 'notices[0].sent')" true
  assert_equal "$(grep -c again calls)" 3
}

@test "sendmail that does not end is ended, with all that it started" {
  fake_sendmail 'trap "" TERM; sleep 1000 & echo $! >'"$PWD"'/child; echo still busy >&2; while :; do sleep 1; done'
  local now start
  milliseconds
  start=$now
  notify --notify-timeout 2s --notifier sendmail:x < <(document running "$(notice deploy important one)")
  assert_refused 'sendmail did not end in time: still busy' '.'
  milliseconds
  assert [ $((now - start)) -lt 25000 ]
  wait_until gone "$(cat child)"
}

@test "sendmail is found where the PATH of cron does not lead, and missed where it is not" {
  need_private_mounts
  mkdir sbin empty
  ln -s "$BATS_FILE_TMPDIR/exim/sendmail/sendmail" sbin/sendmail
  document running "$(notice deploy important one)" >in
  export DEWY_NOTIFIER=sendmail:cron@mail.test
  local where='mount --bind "$1" /usr/sbin && PATH=/usr/bin:/bin exec "$0" --no-report'
  run --separate-stderr in_private_mounts sh -c "$where" "$DEWY_BIN/dewy-notify" sbin <in
  assert_success
  assert_equal "$(field 'notices[0].sent')" true
  arrived cron@mail.test
  run --separate-stderr in_private_mounts sh -c "$where" "$DEWY_BIN/dewy-notify" empty <in
  assert_success
  assert_equal "$(field 'notices[0].sent')" false
  assert_regex "$stderr" 'there is no program sendmail in PATH or /usr/sbin.*install'
}

@test "sendmail: addresses that cannot be are refused" {
  local url
  fake_sendmail 'exit 0'
  notify --notifier 'sendmail:a?tls=none' < <(document running)
  assert_regex "$stderr" 'unknown parameter tls: sendmail: takes from, subject, to, quiet;'
  for url in sendmail: sendmail:-x sendmail:'|cmd' sendmail:/file sendmail:a,,b sendmail:a%0ab 'sendmail:a?tls=none' \
    'sendmail:a?from=x' 'sendmail:a?to=-oQ/tmp'; do
    notify --notifier "$url" < <(document running)
    assert_failure 1
    assert_regex "$stderr" '^dewy-notify: --notifier 1.*: .*; '
  done
}
