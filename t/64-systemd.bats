#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The units of systemd, under a real one.
load common
load systemd

cleanup() {
  box_stop
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
