#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The example for cron, under a real one. Its minutes last two seconds.
load common
load systemd

cleanup() {
  box_stop
}

# install_app SETTING...: a box with the tools, an application "app" whose server is that of publish_server on port 8080, with
# SETTINGs in its environment file, and the example for cron, which no cron runs yet. What is mailed lies in $MAIL.
install_app() {
  MAIL=$BATS_TEST_TMPDIR/mail
  mkdir "$MAIL"
  box_start "$REGISTRY:/srv/releases"
  box_install
  box_run sh -c 'mkdir -p /opt/app && rm -f /etc/cron.d/* /etc/crontab'
  box_write 600 /etc/dewy/app.env 'DEWY_REGISTRY="file:///srv/releases"' 'DEWY_MODE="server"' 'DEWY_PORT="8080"' \
    'DEWY_COMMAND="current/server"' 'DEWY_USER="www-data"' 'DEWY_SETTLE="1s"' "$@"
  box_run sh -c 'sed s/myapp/app/g /usr/local/share/doc/dewy/examples/crontab >/etc/cron.d/dewy-app'
  box_write 755 /usr/sbin/sendmail '#!/bin/sh' "cat >$MAIL/.\$\$; mv $MAIL/.\$\$ $MAIL/\$\$"
}

# box_serves VERSION: true when the server in the box answers so.
box_serves() {
  [ "$(box_run curl -sS --max-time 5 http://127.0.0.1:8080/)" = "$1" ]
}

# runs: how many jobs of cron have ended. ran_since N TIMES: true when there were so many more.
runs() {
  box_journal --unit cron-fast --grep ' END ' | grep -cF '/usr/local/libexec/dewy/dewy-cron app)'
}
ran_since() {
  [ "$(runs)" -ge $(($1 + $2)) ]
}

# mails: prints how many came.
mails() {
  ls "$MAIL" | wc -l
}
mailed() {
  [ "$(mails)" -ge "$1" ]
}

@test "cron deploys and upgrades, says so to the system log, and mails nothing" {
  publish_server v1.0.0
  install_app 'DEWY_AFTER_DEPLOY_HOOK="env | sort >environment"'
  box_start_cron
  wait_until box_serves v1.0.0
  publish_server v2.0.0
  wait_until box_serves v2.0.0
  wait_until ran_since "$(runs)" 2
  assert_equal "$(mails)" 0
  run -0 box_journal --identifier dewy-app
  assert_output --partial 'INFO: Restart notification message="Server started for v1.0.0"'
  assert_output --partial 'INFO: Restart notification message="Server restarted for v2.0.0"'

  run -0 box_run cat /opt/app/environment # it was cron's, where it is not dewy's
  assert_line HOME=/root
  assert_line SHELL=/bin/sh
  assert_line LOGNAME=root
  refute_line --regexp '^(TERM|USER|LANG|DEWY_REGISTRY|FAKETIME|LD_PRELOAD)='
}

@test "failures in a row are mailed once, until they are others or something has succeeded" {
  publish_server v1.0.0
  install_app 'DEWY_RETRIES="0"'
  box_start_cron
  wait_until box_serves v1.0.0
  assert_equal "$(mails)" 0

  mkdir "$BATS_TEST_TMPDIR/empty" # a release without an artifact
  touch -d '1 hour ago' "$BATS_TEST_TMPDIR/empty"
  mv "$BATS_TEST_TMPDIR/empty" "$REGISTRY/v2.0.0"
  wait_until mailed 1
  wait_until ran_since "$(runs)" 3
  assert_equal "$(mails)" 1
  run -0 cat "$MAIL"/*
  assert_line "To: root"
  assert_line --regexp '^Subject: Cron <root@.*> /usr/local/libexec/dewy/dewy-cron app( \(failed\))?$'
  assert_line "A run of dewy for app ended with exit status 2:"
  assert_line --partial "ERROR"
  assert_line "  dewy status --root /opt/app"

  box_run mv /etc/dewy/app.env /etc/dewy/app.env.away
  wait_until mailed 2
  run -0 grep -h 'ended with\|dewy-cron: ' "$MAIL"/*
  assert_output --partial "A run of dewy for app ended with exit status 1:"
  assert_output --partial "dewy-cron: cannot read /etc/dewy/app.env"

  box_run mv /etc/dewy/app.env.away /etc/dewy/app.env
  wait_until mailed 3 # it fails as at first again
  rmdir "$REGISTRY/v2.0.0"
  wait_until ran_since "$(runs)" 2
  assert_equal "$(mails)" 3
  mv "$REGISTRY/v1.0.0" "$BATS_TEST_TMPDIR/away"
  wait_until mailed 4
  assert box_serves v1.0.0
}

@test "a release that is rolled back is mailed once; a failure that lasts, once a day" {
  publish_server v1.0.0
  install_app
  box_start_cron
  wait_until box_serves v1.0.0
  publish_server v2.0.0 dies-at-once
  wait_until mailed 1
  wait_until ran_since "$(runs)" 2
  assert_equal "$(mails)" 1
  run -0 cat "$MAIL"/*
  assert_output --partial "Rolled back to v1.0.0: v2.0.0 did not start: exit 1"

  mv "$REGISTRY/v1.0.0" "$REGISTRY/v2.0.0" "$BATS_TEST_TMPDIR"
  wait_until mailed 2
  box_run touch -d '25 hours ago' /run/dewy-cron/app.failed
  wait_until mailed 3
  wait_until ran_since "$(runs)" 2
  assert_equal "$(mails)" 3
}
