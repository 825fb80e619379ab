#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The units of systemd, under a real one.
load common
load systemd

cleanup() {
  box_stop
}

SOURCE=$BATS_TEST_DIRNAME/..

# install_app SETTING...: a box with the tools, the units and an application "app" that is not deployed yet; its server is that of
# publish_server on port 8080, run as www-data. SETTINGs are lines of its environment file. /srv/releases is $REGISTRY.
install_app() {
  box_start "$REGISTRY:/srv/releases"
  box_install
  box_run mkdir -p /opt/app /etc/dewy
  box_write 600 /etc/dewy/app.env 'DEWY_REGISTRY="file:///srv/releases"' 'DEWY_MODE="server"' 'DEWY_PORT="8080"' \
    'DEWY_COMMAND="current/server"' 'DEWY_USER="www-data"' 'DEWY_SETTLE="1s"' 'DEWY_KILL_OLD_DELAY="1s"' "$@"
}

# box_serves VERSION: true when the server in the box answers so.
box_serves() {
  [ "$(box_run curl -sS --max-time 5 http://127.0.0.1:8080/)" = "$1" ]
}

# property UNIT NAME: prints what systemctl shows of it.
property() {
  box_run systemctl show --property "$2" --value "$1"
}
# has UNIT NAME VALUE: true when it is so.
has() {
  [ "$(property "$1" "$2")" = "$3" ]
}

# box_load: start_load in the box.
box_load() {
  rm -f "$BATS_TEST_TMPDIR"/load.*
  box_run python3 "$BATS_TEST_DIRNAME/load.py" http://127.0.0.1:8080/ "$BATS_TEST_TMPDIR/load" 3>&- &
  wait_until test -e "$BATS_TEST_TMPDIR/load.ready"
}

@test "a box boots, has what it is to have, and boots again over what was written" {
  box_start "$REGISTRY:/srv/releases"
  box_install
  run -0 box_run dewy --version
  assert_output "$(dewy --version)"
  box_run sh -c 'echo kept >/etc/kept; echo lost >/run/lost; echo shared >/srv/releases/shared'
  assert_equal "$(<"$REGISTRY/shared")" shared
  refute [ -e /etc/kept ]
  box_reboot
  run -0 box_run cat /etc/kept
  refute box_run test -e /run/lost
  box_power_cut
  run -0 box_run cat /etc/kept
  run -0 box_run systemctl --failed --plain --no-legend
  assert_output ""
  run -0 box_run systemd-run --quiet --wait --pipe env
  refute_output --partial BATS
  run -7 box_run systemd-run --quiet --wait sh -c 'exit 7'
  local group
  group=$(find "$(findmnt -nt cgroup2 -o TARGET | head -n 1)" -name "dewy-box.$BOX_BOOT")
  assert [ -n "$group" ]
  box_stop
  BOX_BOOT=
  refute [ -e "$group" ]
}

# deploy VERSION [BEHAVIOUR...]: publishes it, and runs dewy@app once, which is to succeed.
deploy() {
  publish_server "$1" says-ready "${@:2}"
  box_run systemctl start dewy@app
  wait_until box_serves "$1"
}

# generation: prints the one that serves, as systemctl shows it.
generation() {
  property dewy-serve@app StatusText | grep -oP '^Serving \(generation \K[0-9]+'
}

@test "systemd accepts the units without a word" {
  local units=$BATS_TEST_TMPDIR/units
  units "$units" "$DEWY_BIN"
  assert_equal "$(ls "$units" | wc -l)" 4
  run -0 systemd-analyze verify --man=no "$units"/*
  assert_output ""
  # What an attacker could do with them, as systemd rates it: 0 is nothing, 10 all.
  run -0 systemd-analyze security --no-pager --offline=true --threshold=29 "$units/dewy@.service"
  run -0 systemd-analyze security --no-pager --offline=true --threshold=31 "$units/dewy-serve@.service"
}

@test "the timer deploys the first release and the next without a failed request; what it says is in the journal" {
  publish_server v1.0.0 says-ready
  install_app
  box_run systemctl enable --now dewy-serve@app dewy@app.timer
  run -0 property dewy-serve@app StatusText
  assert_output --regexp "^Nothing serves: generation [12] failed to start \(cannot execute current/server: .*\)"
  wait_until box_serves v1.0.0
  wait_until has dewy@app ActiveState inactive
  assert has dewy@app Result success

  box_load
  publish_server v2.0.0 says-ready
  wait_until box_serves v2.0.0
  wait_until has dewy@app ActiveState inactive
  assert_equal "$(stop_load)" 0
  run -0 box_journal --unit dewy@app
  assert_output --partial 'INFO: Restart notification message="Server restarted for v1.0.0"'
  assert_output --partial 'INFO: Restart notification message="Server restarted for v2.0.0"'
  refute_output --partial "Finished"
  run -0 box_run systemctl status --no-pager dewy-serve@app
  assert_output --regexp 'Status: "Serving \(generation [0-9]+\)"'
}

@test "a release that dies at its start is rolled back; systemctl and the journal say so" {
  install_app
  box_run systemctl start dewy-serve@app
  deploy v1.0.0
  local before
  before=$(generation)
  publish_server v2.0.0 dies-at-once
  run -1 box_run systemctl start dewy@app
  assert box_serves v1.0.0
  assert has dewy@app ExecMainStatus 4
  run -3 box_run systemctl status --no-pager dewy@app
  assert_output --partial "Failed with result 'exit-code'"
  assert_output --partial 'Rolled back to v1.0.0: v2.0.0 did not start: exit 1'
  run -0 property dewy-serve@app StatusText
  assert_output "Serving (generation $before); generation $((before + 1)) failed to start: exit 1"
  box_run systemctl start dewy@app # what was rejected is left alone, which is no failure
  assert has dewy@app Result success
}

@test "a reload is over when the new generation serves, and fails when it does not" {
  install_app
  box_run systemctl start dewy-serve@app
  deploy v1.0.0
  local before
  before=$(generation)
  box_load
  box_run systemctl reload dewy-serve@app
  assert_equal "$(generation)" $((before + 1))
  assert has dewy-serve@app ActiveState active
  assert_equal "$(stop_load)" 0

  box_run sh -c 'echo dies-at-once >>/opt/app/current/behaviour'
  run -1 box_run systemctl reload dewy-serve@app
  assert_output --partial "Job for dewy-serve@app.service failed"
  assert has dewy-serve@app ActiveState active
  run -0 property dewy-serve@app StatusText
  assert_output "Serving (generation $((before + 1))); generation $((before + 2)) failed to start: exit 1"
  assert box_serves v1.0.0
  run -0 box_journal --unit dewy-serve@app
  assert_output --partial "dewy-serve: generation $((before + 2)) failed to start: exit 1"
}

@test "a supervisor that is killed is started again, and serves what current leads to" {
  install_app
  box_run systemctl start dewy-serve@app
  deploy v1.0.0
  deploy v2.0.0
  local pid
  pid=$(property dewy-serve@app MainPID)
  box_run systemctl kill --kill-who=main --signal=KILL dewy-serve@app
  wait_until has dewy-serve@app NRestarts 1
  wait_until box_serves v2.0.0
  wait_until has dewy-serve@app StatusText 'Serving (generation 1)'
  refute has dewy-serve@app MainPID "$pid"
  deploy v3.0.0
}

@test "at the end, a worker has its --kill-timeout, whatever the limit of the unit is" {
  install_app 'DEWY_KILL_TIMEOUT="1m"'
  box_write 644 /etc/systemd/system/dewy-serve@.service.d/short.conf '[Service]' TimeoutStopSec=500ms
  box_run systemctl daemon-reload
  box_run systemctl start dewy-serve@app
  deploy v1.0.0 "ends-after 2"
  box_run systemctl stop dewy-serve@app
  assert has dewy-serve@app Result success
}

@test "a machine that boots while the registry is away serves what it has" {
  install_app
  box_run systemctl enable --now dewy-serve@app dewy@app.timer
  deploy v1.0.0
  box_run sed -i 's|^DEWY_REGISTRY=.*|DEWY_REGISTRY="ghr://acme/app"\nGITHUB_API_URL="http://127.0.0.1:1"\nDEWY_RETRIES="0"|' \
    /etc/dewy/app.env
  local again
  for again in box_reboot box_power_cut; do
    $again
    wait_until box_serves v1.0.0
    wait_until has dewy-serve@app StatusText 'Serving (generation 1)'
    wait_until has dewy@app Result exit-code # the timer goes on asking
    assert has dewy@app ExecMainStatus 2
    assert box_serves v1.0.0
  done
}

@test "a secret of the credential store reaches dewy, and neither the journal nor the server" {
  load github
  GITHUB=$BATS_TEST_TMPDIR/github REGISTRY=$BATS_TEST_TMPDIR/github/repos/acme/app
  github_repository acme/app '{"private": true}'
  publish_server v1.0.0 says-ready
  install_app 'DEWY_REGISTRY="ghr://acme/app"' 'GITHUB_API_URL="http://127.0.0.1:8081"' 'DEWY_LOG_LEVEL="debug"'
  box_run systemd-run --quiet --unit=github python3 "$BATS_TEST_DIRNAME/github.py" "$GITHUB" --port 8081
  wait_until test -e "$GITHUB/port"
  box_run systemctl start dewy-serve@app
  run -1 box_run systemctl start dewy@app
  box_write 644 /etc/systemd/system/dewy@.service.d/credentials.conf "$(<"$SOURCE/share/examples/credentials.conf")"
  box_run systemctl daemon-reload
  run -1 box_run systemctl start dewy@app # all of them are optional
  assert has dewy@app ExecMainStatus 2

  box_write 600 /etc/credstore/dewy.app.GH_TOKEN ghp_write
  box_run systemctl start dewy@app
  wait_until box_serves v1.0.0
  assert grep -q ghp_write "$GITHUB/requests"
  run -0 box_run sh -c 'cat /proc/[0-9]*/environ | tr "\0" "\n"'
  assert_output --partial SERVER_STARTER_PORT # of the worker
  refute_output --partial ghp_write
  refute_output --partial CREDENTIALS_DIRECTORY
  run -0 box_run journalctl --no-pager --output=verbose
  assert_output --partial "Server restarted for v1.0.0"
  refute_output --partial ghp_write
}

@test "every secret that dewy knows has its line in the example" {
  local names
  names=$(sed -nE 's/^\t"([A-Z_]+)\*?",$/\1/p' "$SOURCE/src/secrets.c" |
    grep -vE '^(DEWY_|CREDENTIALS_DIRECTORY|AWS_CONTAINER_AUTHORIZATION_TOKEN)$' |
    sed 's/^GITHUB_APP_$/GITHUB_APP_ID\nGITHUB_APP_INSTALLATION_ID\nGITHUB_APP_PRIVATE_KEY/' | sort)
  assert [ "$(wc -l <<<"$names")" -gt 10 ]
  assert_equal "$(sed -nE 's/^LoadCredential=([A-Z_]+):dewy\.%i\.\1$/\1/p' "$SOURCE/share/examples/credentials.conf")" "$names"
}

# start_receivers: in the box, Slack, a receiver of OTLP, and a mail server that wants a password at port 2525; and a sendmail that
# queues what it gets. Adds them to the settings of the application.
start_receivers() {
  cd "$BATS_TEST_TMPDIR"
  chmod 755 . # the mail server runs as another user
  mkdir slack otlp
  "$BATS_TEST_DIRNAME/stack/authority" "$PWD/ca"
  box_run systemd-run --quiet python3 "$BATS_TEST_DIRNAME/slack.py" "$PWD/slack"
  box_run systemd-run --quiet python3 "$BATS_TEST_DIRNAME/webserver.py" "$PWD/otlp"
  box_run systemd-run --quiet --wait --remain-after-exit --property=Type=oneshot "$BATS_TEST_DIRNAME/stack/exim" start "$PWD/exim" \
    2525 "$PWD/ca/server.pem" "$PWD/ca/server.key" 3>&- &
  wait_until test -s slack/port -a -s otlp/port -a -s exim/pid/exim
  wait_until box_run bash -c '[[ $(head -n 1 </dev/tcp/127.0.0.1/2525) == 220* ]]'
  box_write 755 /usr/sbin/sendmail '#!/bin/sh' 'cat >>/var/spool/queued'
  box_run mkdir -p /var/lib/prometheus/node-exporter
  box_write 644 /etc/dewy/ca.pem "$(<ca/ca.pem)" # the unit has a /tmp of its own
  printf '%s\n' "SLACK_API_URL=\"http://127.0.0.1:$(cat slack/port)/api/\"" 'DEWY_CACERT="/etc/dewy/ca.pem"' \
    'DEWY_NOTIFIER="slack://deploys mail://localhost:2525/ops@mail.test sendmail:root"' \
    'DEWY_METRICS_FILE="/var/lib/prometheus/node-exporter/app.prom"' \
    "OTEL_EXPORTER_OTLP_ENDPOINT=\"http://127.0.0.1:$(cat otlp/port)\"" | box_run sh -c 'cat >>/etc/dewy/app.env'
}

@test "from within the unit, people and machines are told, with what the credential store has; spools and directories it is given" {
  install_app
  start_receivers
  box_write 644 /etc/systemd/system/dewy@.service.d/credentials.conf "$(<"$SOURCE/share/examples/credentials.conf")"
  box_write 600 /etc/credstore/dewy.app.SLACK_TOKEN xoxb-good
  box_write 600 /etc/credstore/dewy.app.MAIL_USERNAME robot
  box_write 600 /etc/credstore/dewy.app.MAIL_PASSWORD s3cret
  box_write 600 /etc/credstore/dewy.app.OTEL_EXPORTER_OTLP_HEADERS authorization=Basic%20c2VjcmV0
  box_run systemctl daemon-reload
  box_run systemctl start dewy-serve@app
  deploy v1.0.0
  assert grep -q '"Deployed v1.0.0 in' slack/messages
  wait_until grep -rq '^Subject: .*Deployed v1.0.0' exim/mail/new
  assert_equal "$(jq -r '.path + " " + .headers.authorization' otlp/requests | sort -u)" \
    "$(printf '/v1/%s Basic c2VjcmV0\n' metrics traces)"
  run -0 box_journal -u dewy@app
  assert_output --regexp 'WARN: Notification failed channel="sendmail:root" .*Read-only file system.* needs ReadWritePaths= for its spool'
  assert_output --regexp 'WARN: Metrics failed what="file" .*Read-only .*needs ReadWritePaths=/var/lib/prometheus/node-exporter, too'
  assert_equal "$(grep -cE 'failed channel="(slack|mail)' <<<"$output")" 0

  box_write 644 /etc/systemd/system/dewy@app.service.d/writes.conf '[Service]' \
    'ReadWritePaths=/var/spool /var/lib/prometheus/node-exporter'
  box_run systemctl daemon-reload
  deploy v2.0.0
  box_run grep -q '^Subject: .*Deployed v2.0.0' /var/spool/queued
  box_run grep -q 'dewy_release_info{.*version="v2.0.0"' /var/lib/prometheus/node-exporter/app.prom
  run -0 box_run journalctl --no-pager --output=verbose
  refute_output --regexp 'xoxb-good|c2VjcmV0'
}

@test "a deployment is kept to /opt/app; its hooks reach systemd, other users, and what the unit is given" {
  local hook
  hook=$(cat <<'EOF'
exec >said 2>&1
systemctl restart beside && echo restarted
touch mine && chown www-data mine && echo given
setpriv --reuid=www-data --clear-groups sh -c 'echo taken >mine' && echo taken
touch /etc/there
touch /srv/releases/there
mkdir inside
CONFINED_DEBUG=1 /usr/local/bin/confined inside mine write-outside
mount -t tmpfs none /tmp
touch /opt/other/there && echo loosened
EOF
  )
  install_app 'DEWY_AFTER_DEPLOY_HOOK="sh hook"'
  box_write 644 /opt/app/hook "$hook"
  box_run cp "$(dirname "$DEWY_BIN")/t/confined" /usr/local/bin
  box_write 644 /etc/systemd/system/beside.service '[Service]' Type=oneshot 'ExecStart=touch /run/beside'
  box_write 644 /etc/systemd/system/dewy@app.service.d/loose.conf '[Service]' ReadWritePaths=/opt/other
  box_run mkdir /opt/other
  box_run systemctl daemon-reload
  box_run systemctl start dewy-serve@app
  deploy v1.0.0
  box_run test -e /run/beside
  run -0 box_run cat /opt/app/said
  assert_line restarted
  assert_line given
  assert_line taken
  assert_line "touch: cannot touch '/etc/there': Read-only file system"
  assert_line "touch: cannot touch '/srv/releases/there': Read-only file system"
  assert_line --partial "outside: Permission denied"
  refute_output --partial "Not confined"
  assert_line --regexp '^mount: .*(permission denied|not permitted)'
  assert_line loosened
}

@test "with the socket unit, no connection is refused while the supervisor itself is restarted" {
  install_app
  box_run systemctl enable --now dewy-serve@app.socket
  box_run systemctl start dewy-serve@app
  deploy v1.0.0
  box_load
  local pid
  pid=$(property dewy-serve@app MainPID)
  box_run systemctl restart dewy-serve@app
  refute has dewy-serve@app MainPID "$pid"
  box_run systemctl kill --kill-who=main --signal=TERM dewy-serve@app
  wait_until has dewy-serve@app NRestarts 1
  wait_until box_serves v1.0.0
  assert_equal "$(stop_load)" 0
  deploy v2.0.0
}

@test "a socket unit on another port is passed on when the environment file names none; a connection starts the server" {
  install_app
  box_run systemctl start dewy-serve@app
  deploy v1.0.0
  box_run systemctl stop dewy-serve@app
  box_run sed -i '/^DEWY_PORT=/d' /etc/dewy/app.env
  box_write 644 /etc/systemd/system/dewy-serve@app.socket.d/port.conf '[Socket]' ListenStream= ListenStream=127.0.0.1:80
  box_run systemctl daemon-reload
  box_run systemctl start dewy-serve@app.socket
  assert has dewy-serve@app ActiveState inactive
  run -0 box_run curl -sS --max-time 20 http://127.0.0.1/
  assert_output v1.0.0
  wait_until has dewy-serve@app StatusText 'Serving (generation 1)'
}
