#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The history: one line for what came to an end, chained to the one before, whoever writes, whatever is torn.
load common
load systemd

NOTHING=sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855

prepare() {
  export DEWY_REGISTRY=file://$REGISTRY DEWY_SETTLE=300ms DEWY_LOG_LEVEL=warn
  HISTORY=$ROOT/.dewy/history.jsonl
  # What an earlier login or ssh of whoever runs the tests says is not what the tests are about.
  unset ${!SUDO_*} ${!SSH_*} ${!TRIGGER_*} DOAS_USER PKEXEC_UID INVOCATION_ID
}

cleanup() {
  box_stop
}

# line N FILTER: what jq prints of that line, "-1" for the last.
line() {
  jq -rs ".[$1] | $2" "$HISTORY"
}

# deploy N: deploys the versions v1.0.0 to v1.(N-1).0, one after the other.
deploy() {
  local minor
  for ((minor = 0; minor < $1; minor++)); do
    publish v1.$minor.0
    dewy once >/dev/null
  done
}

# append: appends the lines on standard input as the tools do that have something to record.
append() {
  "$DEWY_BIN/../libexec/dewy/dewy-history" append
}

# assert_lines: all lines are as the schema says.
assert_lines() {
  python3 "$BATS_TEST_DIRNAME/validate.py" "$DEWY_BIN/../share/schema/history.json" accepts <"$HISTORY"
}

# assert_chained: each line has the digest of the one before, which sha256sum finds, too.
assert_chained() {
  local prev=$NOTHING text
  while IFS= read -r text; do
    assert_equal "$(jq -r .prev <<<"$text")" "$prev"
    prev=sha256:$(printf %s "$text" | sha256sum | cut -d ' ' -f 1)
  done <"$HISTORY"
  run -0 dewy history --verify
  assert_output "The history is whole: $(wc -l <"$HISTORY") lines since $(jq -rs '.[0].time' "$HISTORY"); head $prev"
}

# assert_whole PATTERN: the history is whole, and the sentence about it fits the extended regular expression.
assert_whole() {
  run -0 dewy history --verify
  assert_equal "${#lines[@]}" 1
  assert_output --regexp "^The history is whole: $1; head sha256:[0-9a-f]{64}\$"
}

# assert_broken LINE [PATTERN]: it is found to be broken there.
assert_broken() {
  run -5 dewy history --verify
  assert_equal "${#lines[@]}" 1
  assert_output --regexp "^dewy history: the history is broken at line $1 \\(.*${2:-}"
}

# assert_unrecorded: the run that $stderr is of said that it could not record what it did, once.
assert_unrecorded() {
  assert_equal "$(grep -c 'WARN: Cannot record the deployment error="' <<<"$stderr")" 1
}

@test "a deployment is one line: what, from which, by whom, and how long each phase took" {
  publish v1.0.0
  dewy once --app shop >/dev/null
  publish v1.1.0
  dewy once --app shop --before-deploy-hook 'sleep 0.1' --after-deploy-hook 'sleep 0.2' >"$BATS_TEST_TMPDIR/document"
  dewy once --app shop >/dev/null
  assert_equal "$(wc -l <"$HISTORY")" 2
  assert_lines
  assert_chained
  assert_equal "$(line -1 '[.state, .app, .mode, .version, .previous, .artifact, .registry, .reason] | join(" ")')" \
    "deployed shop assets v1.1.0 v1.0.0 app_linux_amd64.tar.gz file://$REGISTRY new version"
  assert_equal "$(line -1 .id)" "$(jq -r .id "$BATS_TEST_TMPDIR/document")"
  assert_equal "$(line -1 .digest)" "sha256:$(sha256sum <"$REGISTRY/v1.1.0/app_linux_amd64.tar.gz" | cut -d ' ' -f 1)"
  assert_equal "$(line -1 .previous_digest)" "$(line 0 .digest)"
  assert_equal "$(line -1 '.who | [.uid, .host] | join(" ")')" "$(id -u) $(uname -n)"
  assert_equal "$(line -1 .who.user)" "$(awk -F : -v uid="$(id -u)" '$3 == uid { print $1; exit }' /etc/passwd)"
  assert_equal "$(line -1 '.phases_ms | keys | join(" ")')" "after-deploy before-deploy check deploy fetch"
  assert_equal "$(line -1 '.phases_ms | .["before-deploy"] >= 100 and .["after-deploy"] >= 200 and .deploy >= 300')" true
  assert_equal "$(line -1 '.duration_ms == (.phases_ms | .check + .fetch + .deploy)')" true
  assert_equal "$(line 0 '.phases_ms | keys | join(" ")')" "check deploy fetch"
}

@test "a server that is rolled back, a rollback by hand, --force and --forget are one line each" {
  local port
  port=$(free_port)
  publish_server v1.0.0
  dewy once -p "127.0.0.1:$port" -- current/server >/dev/null
  publish_server v1.1.0 dies-at-once
  for _ in 1 2; do dewy once -p "127.0.0.1:$port" -- current/server >/dev/null 2>&1 || true; done
  assert_equal "$(wc -l <"$HISTORY")" 2
  assert_equal "$(line -1 '[.state, .version, .previous, .error.code] | join(" ")')" "rolled_back v1.1.0 v1.0.0 application"
  assert_equal "$(line -1 '.phases_ms.restart > 0')" true
  run -0 dewy rollback --forget v1.1.0
  assert_equal "$(wc -l <"$HISTORY")" 3
  assert_equal "$(line -1 '[.state, .version, .digest] | join(" ")')" "forgotten v1.1.0 $(line 1 .digest)"
  assert_equal "$(line -1 .reason)" "was rejected at $(line 1 .time): v1.1.0 did not start: exit 1"
  run -1 dewy rollback --forget v1.1.0 # which it is no more
  run -0 dewy rollback --forget
  run -1 dewy rollback -p "127.0.0.1:$port" v0.9.0 # which is not there
  assert_equal "$(wc -l <"$HISTORY")" 3

  publish_server v1.2.0
  dewy once -p "127.0.0.1:$port" -- current/server >/dev/null
  dewy rollback -p "127.0.0.1:$port" v1.0.0 >/dev/null
  assert_equal "$(line -1 '[.state, .version, .previous, .reason] | join(" ")')" "running v1.0.0 v1.2.0 rolled back by hand"
  dewy once -p "127.0.0.1:$port" --force -- current/server >/dev/null
  assert_equal "$(line -1 '[.state, .version, .previous, .forced | tostring] | join(" ")')" "running v1.2.0 v1.0.0 true"
  assert_equal "$(wc -l <"$HISTORY")" 6
  assert_lines
  assert_chained

  dewy rollback -p "127.0.0.1:$port" v1.0.0 >/dev/null
  run -0 dewy rollback --forget
  assert_equal "$(line -1 '[.state, .version, .above] | join(" ")')" "forgotten v1.2.0 v1.0.0"
  run -0 dewy status
  assert_line --regexp '^last +v1.0.0 running at '
  run -0 dewy history -n 1
  assert_line --regexp '^20[^ ]+ +forgotten +v1.2.0 +- +0ms +[a-z]+ .* was held at 20.*: rolled back by hand$'
  assert_lines
}

@test "failures are one line until they are others, whichever stage fails" {
  publish v1.0.0
  dewy once >/dev/null
  mv "$REGISTRY" "$REGISTRY.gone"
  for _ in 1 2 3; do run -2 dewy once; done
  run -2 dewy once --registry file:///nowhere # other words for the same
  assert_equal "$(jq -rs '[.[] | .error.stage // "none"] | join(" ")' "$HISTORY")" "none check"
  mv "$REGISTRY.gone" "$REGISTRY"
  mkdir "$REGISTRY/v1.1.0"
  printf damaged | gzip | head -c 20 >"$REGISTRY/v1.1.0/app_linux_amd64.tar.gz"
  for _ in 1 2 3; do run -5 dewy once; done
  assert_equal "$(jq -rs '[.[] | .error.code // "none"] | join(" ")' "$HISTORY")" "none registry integrity"
  rm -r "$REGISTRY/v1.1.0"
  for _ in 1 2 3; do dewy once >/dev/null; done
  assert_equal "$(wc -l <"$HISTORY")" 3
  assert_lines
  assert_chained
}

@test "the stages of a pipe record by themselves what ends in them" {
  publish v1.0.0
  dewy-check | dewy-fetch | dewy-deploy | dewy-restart >/dev/null
  assert_equal "$(line 0 '[.state, .version] | join(" ")')" "deployed v1.0.0"
  dewy-check --force | jq -c '.artifact.digest = "sha256:" + "0" * 64' >"$BATS_TEST_TMPDIR/wrong"
  run -5 dewy-fetch <"$BATS_TEST_TMPDIR/wrong"
  assert_equal "$(line -1 '[.state, .error.stage] | join(" ")')" "failed fetch"
  assert_lines
  assert_chained
}

@test "whatever a document holds, its line is one that can be read" {
  publish v1.0.0
  dewy-check | jq -c '.reason = "\u0001" * 100000 | .app = "é" * 100000 | .previous = {version: ("x" * 9000)} |
    .artifact.digest = "sha256:" + "0" * 64 | .check.duration_ms = 5' >"$BATS_TEST_TMPDIR/document"
  run -5 dewy-fetch <"$BATS_TEST_TMPDIR/document"
  assert_equal "$(wc -l <"$HISTORY")" 1
  assert_equal "$(line 0 '[(.app | length), (.previous | length), .phases_ms.check] | map(tostring) | join(" ")')" "2048 4096 5"
  assert_lines
  run -0 dewy history
  assert_equal "${#lines[@]}" 2
  assert_whole "1 line since .*"
}

@test "a text that is too long for a line is cut between two letters" {
  publish v1.0.0
  local before
  for before in 4093 4094 4095 4096; do
    rm -f "$HISTORY"
    dewy-check | jq -c --argjson before $before '.app = "x" * $before + "😀" | .artifact.digest = "sha256:" + "0" * 64' \
      >"$BATS_TEST_TMPDIR/document"
    run -5 dewy-fetch <"$BATS_TEST_TMPDIR/document"
    assert_equal "$(tail -n 1 "$HISTORY" | python3 -c 'import json, sys; print(len(json.loads(sys.stdin.buffer.read())["app"]))')" $before
  done
  assert_lines
}

@test "what is no line is not appended" {
  local text helper=$DEWY_BIN/../libexec/dewy/dewy-history
  "$helper" append <<<'{"id":"first"}'
  cp "$HISTORY" "$BATS_TEST_TMPDIR/before"
  for text in '' 5 null '"x"' '{}' '[5]' '[{"id":"x"},{}]' '{"id":'; do
    run -1 --separate-stderr "$helper" append <<<"$text"
    assert_regex "$stderr" '^[^ ]+ WARN: Cannot record the deployment error="'
  done
  cmp "$HISTORY" "$BATS_TEST_TMPDIR/before"
}

@test "who: a terminal, cron, a timer, a login and a service are told from each other" {
  publish v1.0.0
  script -qec 'dewy once >/dev/null' /dev/null </dev/null
  assert_equal "$(line -1 .who.by)" person
  setsid -w env TRIGGER_UNIT=dewy@app.timer INVOCATION_ID=0 dewy once --force >/dev/null
  assert_equal "$(line -1 .who.by)" timer
  setsid -w env TRIGGER_UNIT=dewy@app.path INVOCATION_ID=0 dewy once --force >/dev/null
  assert_equal "$(line -1 .who.by)" service
  setsid -w env SUDO_UID=1000 SUDO_USER=alice dewy once --force >/dev/null
  assert_equal "$(line -1 '.who | .by + " " + .login')" "person alice"
  run -0 dewy history -n 1
  [[ ${lines[0]} == *"WHO "* ]]
  [[ ${lines[1]} == *" person alice "* ]]
  setsid -w env SUDO_UID=1000 SUDO_USER=$'al\e[2Jice' dewy once --force >/dev/null
  assert_equal "$(line -1 '.who | .by + " " + (.login | tostring)')" "person null"
  setsid -w env SSH_CONNECTION='::1 1 ::1 22' dewy once --force >/dev/null
  assert_equal "$(line -1 .who.by)" person
  cp "$(command -v bash)" "$BATS_TEST_TMPDIR/crond"
  setsid -w "$BATS_TEST_TMPDIR/crond" -c 'dewy once --force >/dev/null; :'
  assert_equal "$(line -1 .who.by)" cron
  setsid -w "$BATS_TEST_TMPDIR/crond" -c 'dewy-check --force | dewy-fetch | dewy-deploy >/dev/null; :'
  assert_equal "$(line -1 .who.by)" cron
  setsid -w "$BATS_TEST_TMPDIR/crond" -c 'exec dewy assets -i 1ms' >/dev/null 3>&- & # deploys at once, and again and again nothing
  echo $! >"$BATS_TEST_TMPDIR/watch.pid"
  publish v1.1.0
  wait_until grep -q '"version":"v1.1.0"' "$HISTORY"
  stop_pid "$(cat "$BATS_TEST_TMPDIR/watch.pid")"
  assert_equal "$(line -1 .who.by)" watch
  assert_lines
}

@test "who: the kernel knows who logged in, whatever the environment says" {
  [ "$(id -u)" = 0 ] || skip "a login takes root"
  bash -c 'echo 2 >/proc/self/loginuid' 2>/dev/null || skip "this kernel keeps no logins"
  publish v1.0.0
  bash -c 'echo 2 >/proc/self/loginuid; SUDO_USER=alice exec setsid -w dewy once' >/dev/null
  assert_equal "$(line -1 '.who | [.uid, .user, .by, .login] | map(tostring) | join(" ")')" "0 root person bin"
  bash -c 'echo 54321 >/proc/self/loginuid; exec setsid -w dewy once --force' >/dev/null
  assert_equal "$(line -1 .who.login)" 54321
  assert_lines
}

@test "who: under a real systemd and a real cron" {
  ! sanitized || skip "AddressSanitizer starts neither confined by systemd nor under faketime"
  publish v1.0.0
  box_start "$REGISTRY:/srv/releases"
  box_install
  box_run sh -c 'mkdir -p /opt/app /etc/dewy && rm -f /etc/cron.d/* /etc/crontab'
  box_write 600 /etc/dewy/app.env 'DEWY_REGISTRY="file:///srv/releases"' 'DEWY_FORCE="1"'
  by() { box_run tail -n 1 /opt/app/.dewy/history.jsonl | jq -r '.who | [.by, .user, .login] | map(tostring) | join(" ")'; }
  is_by() { [ "$(by)" = "$1" ]; }
  box_run systemctl start dewy@app.service
  assert_equal "$(by)" "service root null"
  box_run systemctl start dewy@app.timer
  wait_until is_by "timer root null"
  box_run systemctl stop dewy@app.timer
  box_run sh -c 'sed s/myapp/app/g /usr/local/share/doc/dewy/examples/crontab >/etc/cron.d/dewy-app'
  box_start_cron
  wait_until is_by "cron root $(box_run cat /proc/self/loginuid >/dev/null 2>&1 && echo root || echo null)"
  box_run systemctl stop cron-fast
  box_run systemd-run --quiet --wait --pty dewy once --root /opt/app --registry file:///srv/releases --force </dev/null >/dev/null
  assert_equal "$(by)" "person root null"
  run -0 box_run dewy history --root /opt/app --verify
  assert_output --partial "The history is whole: "
}

@test "a change, a line that is gone, one that came in and two that changed places are found, wherever they are" {
  local n
  deploy 6
  cp "$HISTORY" "$BATS_TEST_TMPDIR/good"
  assert_whole "6 lines since .*"
  for n in 1 2 3 4 5; do
    sed "${n}s/\"deployed\"/\"deployeD\"/" "$BATS_TEST_TMPDIR/good" >"$HISTORY"
    assert_broken $((n + 1)) "$(jq -rs ".[$n].time" "$BATS_TEST_TMPDIR/good")\\): it does not follow"
    sed "${n}d" "$BATS_TEST_TMPDIR/good" >"$HISTORY"
    assert_broken $n
    sed "${n}p" "$BATS_TEST_TMPDIR/good" >"$HISTORY"
    assert_broken $((n + 1))
    sed "${n}{h;d};$((n + 1)){G}" "$BATS_TEST_TMPDIR/good" >"$HISTORY"
    assert_broken $n
    sed "${n}a {\"time\":\"2024-01-15T10:31:15Z\",\"state\":\"deployed\"}" "$BATS_TEST_TMPDIR/good" >"$HISTORY"
    assert_broken $((n + 1)) '2024-01-15T10:31:15Z\): it has no prev'
    sed "${n}a torn" "$BATS_TEST_TMPDIR/good" >"$HISTORY"
    assert_broken $((n + 2))
  done
  sed '1i {"time":"2024-01-15T10:31:15Z","state":"deployed"}' "$BATS_TEST_TMPDIR/good" >"$HISTORY"
  assert_broken 2
  sed '1d' "$BATS_TEST_TMPDIR/good" >"$HISTORY"
  assert_broken 1 'what was before it is gone'
  sed '3s/,/, /' "$BATS_TEST_TMPDIR/good" >"$HISTORY" # the same to JSON
  assert_broken 4
  sed '4s/"prev":"sha256:./"prev":"sha256:x/' "$BATS_TEST_TMPDIR/good" >"$HISTORY"
  assert_broken 4
  cp "$BATS_TEST_TMPDIR/good" "$HISTORY"
  assert_whole "6 lines since .*"
}

@test "an end that was cut off is found by a head that was noted before" {
  local head
  deploy 2
  head=$(dewy history --verify --json | jq -r .head)
  deploy 4
  assert_equal "$(dewy history --verify --json | jq -c 'del(.since, .head)')" '{"whole":true,"lines":4,"unchained":0,"torn":0}'
  run -0 dewy history --verify "$head"
  assert_output --regexp '^The history is whole: 4 lines since .*, the noted head was that of the first 2; head '
  assert_equal "$(dewy history --verify="$head" --json | jq .noted)" 2
  sed -i '3,$d' "$HISTORY"
  run -0 dewy history --verify "$head"
  sed -i '2,$d' "$HISTORY"
  assert_whole "1 line since .*" # which says nothing of the end
  run -5 dewy history --verify "$head"
  assert_output --regexp "^dewy history: the history never had the head $head: "
  run -5 --separate-stderr dewy history --verify "$head" --json
  assert_equal "$(jq -c '[.whole, .lines, .noted]' <<<"$output")" '[false,1,null]'
  rm "$HISTORY"
  run -5 dewy history --verify "$head"
  run -0 dewy history --verify
  assert_output "The history is whole: 0 lines; head $NOTHING"
  for head in abc sha256:abc "${head^^}" "sha512:${head#*:}"; do
    run -1 dewy history --verify "$head"
    assert_output --partial "--verify $head is no head of a history"
  done
}

@test "lines of before they were chained are printed, counted, and held to from then on" {
  deploy 2
  jq -c 'del(.prev, .who)' "$HISTORY" >"$BATS_TEST_TMPDIR/old"
  cp "$BATS_TEST_TMPDIR/old" "$HISTORY"
  assert_whole "2 lines since .*, 2 of them from before they were chained"
  publish v1.2.0
  dewy once >/dev/null
  publish v1.3.0
  dewy once >/dev/null
  assert_whole "4 lines since .*, 2 of them from before they were chained"
  run -0 dewy history
  assert_equal "${#lines[@]}" 5
  [[ ${lines[1]} == *" v1.0.0 "*" -  "*"new version" ]]
  sed -i '1s/v1.0.0/v0.0.0/' "$HISTORY"
  assert_broken 3
}

@test "a line that a power cut tore is ended by the next one, said, and part of the chain" {
  local head
  deploy 2
  head=$(dewy history --verify --json | jq -r .head)
  printf '{"prev":"sha256:12' >>"$HISTORY"
  assert_whole "2 lines since .*, 1 torn"
  publish v1.2.0
  dewy once >/dev/null
  printf '\0\0\0\0' >>"$HISTORY" # what file systems leave behind
  publish v1.3.0
  dewy once >/dev/null
  printf '%2000000s' x >>"$HISTORY"
  publish v1.4.0
  dewy once >/dev/null
  publish v1.5.0
  dewy once >/dev/null
  run -0 dewy history --json
  assert_equal "$(jq -r .version <<<"$output" | paste -sd ,)" v1.0.0,v1.1.0,v1.2.0,v1.3.0,v1.4.0,v1.5.0
  assert_whole "6 lines since .*, 3 torn"
  run -0 dewy history --verify "$head"
  assert_output --partial ", the noted head was that of the first 2; "
  cp "$HISTORY" "$BATS_TEST_TMPDIR/good"
  sed -i '2s/"deployed"/"deployeD"/' "$HISTORY" # before the torn one
  assert_broken 4
  sed '3s/12/13/' "$BATS_TEST_TMPDIR/good" >"$HISTORY"
  assert_broken 4
  tr '\0' '\1' <"$BATS_TEST_TMPDIR/good" >"$HISTORY"
  assert_broken 6
  sed '7s/  x/ xx/' "$BATS_TEST_TMPDIR/good" >"$HISTORY"
  assert_broken 8
  sed 7d "$BATS_TEST_TMPDIR/good" >"$HISTORY"
  assert_broken 7
}

@test "what is torn takes the place of no line" {
  local torn
  deploy 2
  cp "$HISTORY" "$BATS_TEST_TMPDIR/good"
  for torn in '{"prev":"sha256:12' $'{"prev":"sha256:12\n' $'\n\n[1]\n' "{\"version\":\"$(printf '%1100000s' '')\"}"$'\n{"id"'; do
    cp "$BATS_TEST_TMPDIR/good" "$HISTORY"
    printf %s "$torn" >>"$HISTORY"
    run -0 dewy history -n 1
    assert_line --index 1 --partial v1.1.0
    run -0 dewy history -n 2 --json
    assert_equal "$(jq -r .version <<<"$output" | paste -sd ,)" v1.0.0,v1.1.0
  done
  edit "$BATS_TEST_TMPDIR/good" 'select(.version == "v1.1.0") | .state = "failed" | .error = {stage: "check", code: "network", message: "x"}'
  cp "$BATS_TEST_TMPDIR/good" "$HISTORY"
  printf '{"prev":"sha256:12' >>"$HISTORY"
  cp "$HISTORY" "$BATS_TEST_TMPDIR/before"
  "$DEWY_BIN/../libexec/dewy/dewy-history" append <"$BATS_TEST_TMPDIR/good" # the same failure again
  cmp "$HISTORY" "$BATS_TEST_TMPDIR/before"
  printf '{"prev":"sha256:12' >"$HISTORY"
  run -0 dewy history
  assert_output "Nothing was deployed yet."
}

@test "fifty writers at once: every line is whole, and in one chain" {
  local pids=() pid n
  for n in $(seq 50); do
    echo "{\"time\":\"2024-01-15T10:31:15Z\",\"state\":\"deployed\",\"version\":\"v$n\"}" | append 3>&- &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid" || fail "ended with $?"; done
  assert_chained
  assert_equal "$(jq -r .version "$HISTORY" | sort -u | wc -l)" 50
}

@test "a full disk tears nothing, and fails no deployment" {
  need_private_mounts
  deploy 1
  in_private_mounts bash -euc '
    cp -a "$1" "$2"
    mount -t tmpfs -o size=1M,mode=755 tmpfs "$1"
    cp -a "$2"/. "$1"
    dd if=/dev/zero of="$1/fill" bs=4096 2>/dev/null || true
    history=$1/.dewy/history.jsonl
    line="{\"time\":\"2024-01-15T10:31:15Z\",\"state\":\"deployed\",\"reason\":\"$(printf %3000s)\"}"
    written=0
    while [ $written -lt 5 ] && echo "$line" | "$3" append 2>"$2/said"; do written=$((written + 1)); done
    [ $written -lt 5 ]
    grep "Cannot record the deployment error=\".*No space left on device" "$2/said"
    [ -z "$(tail -c 1 "$history")" ]
    dewy history --verify | grep "whole: $((written + 1)) lines since [^,]*; head"
    rm "$1/fill"
    echo "$line" | "$3" append
    dewy history --verify | grep "whole: $((written + 2)) lines since [^,]*; head"
  ' bash "$ROOT" "$BATS_TEST_TMPDIR/copy" "$DEWY_BIN/../libexec/dewy/dewy-history"
}

@test "a disk that has no room for the artifact is one line and one trace, however much is free at each run" {
  need_private_mounts
  deploy 1
  mkdir "$REGISTRY/v1.1.0"
  truncate -s 8M "$REGISTRY/v1.1.0/app_linux_amd64.tar.gz"
  in_private_mounts bash -euc '
    cp -a "$1" "$2"
    mount -t tmpfs -o size=4M,mode=755 tmpfs "$1"
    cp -a "$2"/. "$1"
    for run in 1 2 3; do
      dd if=/dev/zero of="$1/fill.$run" bs=4096 count=100 2>/dev/null
      dewy once --metrics-file "$2/metrics" >"$2/said.$run" && exit 1 || [ $? = 3 ]
      jq -r .failure.id "$1/.dewy/metrics.json" >>"$2/failures"
    done
    cp "$1/.dewy/history.jsonl" "$2"
  ' bash "$ROOT" "$BATS_TEST_TMPDIR/copy"
  cd "$BATS_TEST_TMPDIR/copy"
  assert_equal "$(jq -r .error.code said.* | paste -sd ,)" space,space,space
  assert_equal "$(jq -r .error.message said.* | sort -u | wc -l)" 3 # they tell how much is free
  assert_equal "$(jq -r '[.state, .version] | join(" ")' history.jsonl | paste -sd ,)" "deployed v1.0.0,failed v1.1.0"
  assert_equal "$(sort -u failures)" "$(jq -r .id said.1)"
}

@test "a download that fails is one line, whatever its words, and another kind of failure is the next" {
  local code message
  publish v1.0.0
  dewy-check | jq -c '.artifact.digest = "sha256:" + "0" * 64' >"$BATS_TEST_TMPDIR/document"
  run -5 dewy-fetch <"$BATS_TEST_TMPDIR/document"
  for code in integrity network integrity; do
    for message in first second; do
      line -1 ".state = \"failed\" | .error = {stage: \"fetch\", code: \"$code\", message: \"$message\"} | del(.prev)" | append
    done
  done
  assert_equal "$(jq -r .error.code "$HISTORY" | paste -sd ,)" integrity,network,integrity
  assert_lines
  assert_chained
}

@test "a file that may only grow is added to" {
  deploy 1
  chattr +a "$HISTORY" 2>/dev/null || skip "no such attribute here, or not for this user"
  publish v1.1.0
  run -0 --separate-stderr dewy once
  run -1 truncate -s 0 "$HISTORY"
  chattr -a "$HISTORY"
  assert_equal "$stderr" ""
  assert_chained
  assert_equal "$(wc -l <"$HISTORY")" 2
}

@test "what is no regular file in the place of the history is refused, and holds up nobody" {
  local kind minor=0
  for kind in pipe link directory; do
    rm -rf "$HISTORY"
    mkdir -p "$ROOT/.dewy"
    case $kind in
      pipe) mkfifo "$HISTORY" ;;
      link) ln -s "$BATS_TEST_TMPDIR/elsewhere" "$HISTORY" ;;
      directory) mkdir "$HISTORY" ;;
    esac
    publish v1.$((++minor)).0
    run -0 --separate-stderr timeout 30 dewy once
    assert_equal "$(field state)" deployed
    assert_unrecorded
    assert_equal "$(cat "$ROOT/current/version")" v1.$minor.0
    [ ! -e "$BATS_TEST_TMPDIR/elsewhere" ]
    for command in 'history' 'history --verify' status; do
      run -3 timeout 10 dewy $command
      assert_output "dewy ${command%% *}: $HISTORY is no regular file; put it out of the way: a new one is begun"
    done
  done
}

@test "a lock of the history that a writer keeps delays a deployment, and does not fail it" {
  deploy 1
  flock "$ROOT/.dewy/history.lock" sleep 60 3>&- &
  echo $! >"$BATS_TEST_TMPDIR/holder.pid"
  wait_until bash -c '! flock -n "$1" true' bash "$ROOT/.dewy/history.lock"
  publish v1.1.0
  run -0 --separate-stderr timeout 60 dewy once
  assert_equal "$(field state)" deployed
  assert_unrecorded
  assert_equal "$(wc -l <"$HISTORY")" 1
  assert_whole "1 line since .*"
}

@test "the memory of --verify does not grow with the history" {
  ! sanitized || skip "the sanitizer has memory of its own"
  python3 - "$HISTORY" <<'IN'
import hashlib, os, sys
os.makedirs(os.path.dirname(sys.argv[1]))
prev = hashlib.sha256().hexdigest()
with open(sys.argv[1], "w") as file:
    for n in range(60000):
        line = '{"prev":"sha256:%s","time":"2024-01-15T10:31:15Z","state":"deployed","reason":"%s"}' % (prev, "x" * 900)
        prev = hashlib.sha256(line.encode()).hexdigest()
        file.write(line + "\n")
IN
  run -0 bash -c 'ulimit -v 40000; exec dewy history --verify'
  assert_output --partial "The history is whole: 60000 lines since 2024-01-15T10:31:15Z; head "
}

@test "no secret of the environment is in the history" {
  publish v1.0.0
  export GH_TOKEN=hush-1 AWS_SECRET_ACCESS_KEY=hush-2 SLACK_TOKEN=hush-3 MAIL_PASSWORD=hush-4 WEBHOOK_SECRET=hush-5
  dewy once --notifier 'http://user:hush-6@127.0.0.1:1/hush-7' --notify-timeout 1s >/dev/null 2>&1
  rm -r "$REGISTRY"
  run -2 dewy once --registry 'file:///nowhere?artifact=x'
  assert_equal "$(wc -l <"$HISTORY")" 2
  refute grep hush "$HISTORY"
}
