#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The completions: they offer what --help says.
load common

prepare() {
  COMPLETIONS=$(cd "$BATS_TEST_DIRNAME/../share/completions" && pwd)
  cd "$BATS_TEST_TMPDIR"
}

# complete_bash WORD...: prints what bash offers for the last word.
complete_bash() {
  bash --norc -c '
    source "$0"
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    _dewy "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
    printf "%s\n" "${COMPREPLY[@]}"' "$COMPLETIONS/dewy.bash" "$@" | sort
}

@test "the options of a tool are offered" {
  assert_equal "$(complete_bash dewy-notify --)" "$(dewy-notify --help | grep -oE -- '^  (-., )?--[a-z-]+' | grep -oE -- '--[a-z-]+' | sort)"
  assert_equal "$(complete_bash dewy-notify --not)" $'--notifier\n--notify-timeout'
}

@test "the commands of dewy are offered, and the options of each" {
  run complete_bash dewy ''
  assert_line once
  assert_line rollback
  assert_line notify
  assert_line doctor
  assert_equal "$(complete_bash dewy once --gra)" --grace-period
  assert_equal "$(complete_bash dewy notify --notif)" $'--notifier\n--notify-timeout'
}

@test "the words that an option takes are offered" {
  assert_equal "$(complete_bash dewy-notify --log-level '')" $'debug\nerror\ninfo\nwarn'
  assert_equal "$(complete_bash dewy-notify -l d)" debug
  assert_equal "$(complete_bash dewy-notify --no-report --log-f)" --log-format
  assert_equal "$(complete_bash dewy-notify --notifier '')" ""
}

@test "directories, files, users, groups, and the command behind -- are offered" {
  mkdir releases
  touch release.pid
  assert_equal "$(complete_bash dewy-notify --root rel)" releases
  assert_equal "$(complete_bash dewy-restart --pid-file rel)" $'release.pid\nreleases'
  assert_equal "$(complete_bash dewy-fetch --verify-key rel)" $'release.pid\nreleases'
  assert_equal "$(complete_bash dewy-serve --socket-user roo)" root
  assert_equal "$(complete_bash dewy-serve --group daem)" daemon
  run complete_bash dewy once -- dewy-not
  assert_line dewy-notify
}
