#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What README tells under "From nothing to a server, in five minutes", done on a machine that may be thrown away.
load common
load systemd

cleanup() {
  box_stop
}

prepare() {
  README=$BATS_TEST_DIRNAME/../README
}

# story timer|cron: prints the commands, with those of one of the two ways to run dewy again and again. Building is done.
story() {
  awk -v way="$1" '/^From nothing/ { inside = 1 } /^The commands$/ { exit } !inside { next }
    /^\.\.\. / { part = /cron/ ? "cron" : /timer/ ? "timer" : "another" } /^[A-Z]/ { part = "" }
    /^ *\|/ || /bootstrap/ { next }
    part == "" && /^    / || part == way && /^        / { sub(/^ +/, part == "" && /^      / ? "  " : ""); print }' "$README"
}

# told: prints the lines that README says are printed; alike: what differs from run to run becomes 0.
told() {
  sed -n '/^From nothing/,/^The commands$/ { s/^ *| //p }' "$README"
}
alike() {
  sed -E 's/[0-9]{8}T[0-9]{6}Z|[0-9]{4}(-[0-9]{2}){2}T[0-9:]{8}Z/TIME/g; s/\b([0-9]+m)?[0-9]+(\.[0-9]+)?(m|ms|s)\b/0s/g
    s/(generation|worker|pid) [0-9]+/\1 0/g; s/sha256:[0-9a-f]{64}/sha256:0/g; s/  +/  /g; s/linux_[a-z0-9_]+/linux/
    s/\b(timer|cron) root/timer root/; s/ +$//'
}

# tell timer|cron: does it all in a box, with a run under way when all is put away, and looks for what README says is printed.
tell() {
  local line story=$BATS_TEST_TMPDIR/story
  story "$1" | sed '/systemctl disable .*timer\|rm .*cron/i until pgrep -f bin/dewy-check >/dev/null; do sleep 0.1; done' >"$story"
  assert [ "$(wc -l <"$story")" -gt 20 ]
  run -0 box_run env SSH_CONNECTION="::1 1 ::1 22" bash -eu <(grep -v '^rm -r' "$story") # as somebody who has logged in
  output=$(alike <<<"$output")
  while IFS= read -r line; do
    assert_output --partial "$line"
  done < <(told | alike)
  wait_until nothing_is_left
  box_run bash -eu <(grep '^rm -r' "$story")
}

nothing_is_left() {
  run -1 box_run pgrep -l 'hello|dewy'
}

# slow PROGRAM SECONDS: makes it begin so much later in the box, so that what README waits for is not there by chance.
slow() {
  box_run mv "/usr/local/bin/$1" "/usr/local/bin/$1.slow"
  box_write 755 "/usr/local/bin/$1" '#!/bin/sh' "sleep $2" "exec /usr/local/bin/$1.slow \"\$@\""
}

@test "with a timer of systemd" {
  box_start
  box_install
  slow dewy-check 1
  slow dewy-notify 1
  box_write 644 /etc/systemd/system/dewy@.timer.d/often.conf '[Timer]' OnUnitInactiveSec= OnActiveSec=0 OnUnitInactiveSec=1s \
    RandomizedDelaySec=0
  tell timer
}

@test "with cron" {
  box_start
  box_install
  slow dewy-check 1
  slow dewy-notify 1
  box_run sh -c 'rm -f /etc/cron.d/* /etc/crontab'
  box_start_cron
  tell cron
}
