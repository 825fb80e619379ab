# What the tests share that take a real systemd: a machine of its own for each test, a "box" (see t/stack/systemd), in which the
# source, what was built and the test's directory lie where they lie here. A test file's cleanup calls box_stop.

# box_start [SOURCE[:TARGET]]...: boots the test's box, and waits until it is up; each SOURCE is in it, too. Skips the test where no
# such box can be. Not to be called in a subshell: the box ends with the process that started it.
box_start() {
  local why
  [ "$(id -u)" = 0 ] || skip "a systemd of its own takes root"
  BOX=$BATS_TEST_TMPDIR/box
  why=$("$BATS_TEST_DIRNAME/stack/systemd" try "$BOX" 2>&1) || skip "a systemd of its own cannot be booted here: ${why//$'\n'/; }"
  "$BATS_TEST_DIRNAME/stack/systemd" boot "$BOX" "$(dirname "$DEWY_BIN")" "$(dirname "$BATS_TEST_DIRNAME")" \
    "$BATS_TEST_TMPDIR" "$@" &
  BOX_BOOT=$!
  box_is_up
  ! sanitized || box_leave_leaks
}

# box_leave_leaks: has the units look for no leaks, for which LeakSanitizer would trace: no unit that is confined may.
box_leave_leaks() {
  box_write 644 /etc/systemd/system.conf.d/sanitizer.conf '[Manager]' 'DefaultEnvironment=ASAN_OPTIONS=detect_leaks=0'
  box_run systemctl daemon-reload
}

# box_is_up: waits until it has booted.
box_is_up() {
  wait_until box_run systemctl is-active multi-user.target || { cat "$BOX.console" >&2; return 1; }
}

# box_run COMMAND...: runs it in the box, as root, with nothing but PATH in its environment.
box_run() {
  "$BATS_TEST_DIRNAME/stack/systemd" run "$BOX" "$@"
}

# units DIR BINDIR: puts the units into it, as they are when the tools are in BINDIR.
units() {
  local unit
  mkdir "$1"
  cp "$BATS_TEST_DIRNAME"/../share/systemd/*.{socket,timer} "$1"
  for unit in "$BATS_TEST_DIRNAME"/../share/systemd/*.in; do
    sed "s|@bindir@|$2|" "$unit" >"$1/$(basename "$unit" .in)"
  done
}

# box_install: the built tools, the units and the examples, as "make install" puts them below /usr/local.
box_install() {
  units "$BATS_TEST_TMPDIR/units" /usr/local/bin
  box_run bash -euc 'cd /usr/local
    fill_in() { sed "s|@bindir@|/usr/local/bin|; s|@pkglibexecdir@|/usr/local/libexec/dewy|" "$1"; }
    mkdir -p bin libexec/dewy lib/systemd/system share/doc/dewy/examples
    find "$1" -maxdepth 1 -name "dewy*" -type f -perm -u+x -exec cp {} bin \;
    cp "$1/../libexec/dewy/dewy-check-remote" "$1/../libexec/dewy/dewy-history" "$1/../libexec/dewy/dewy-sweep" \
      libexec/dewy
    fill_in "$3/bin/dewy-cron.in" >libexec/dewy/dewy-cron
    chmod 755 libexec/dewy/dewy-cron
    cp "$2"/* lib/systemd/system
    cp "$3"/share/examples/*.{c,conf,env} share/doc/dewy/examples
    fill_in "$3/share/examples/crontab.in" >share/doc/dewy/examples/crontab
  ' box_install "$DEWY_BIN" "$BATS_TEST_TMPDIR/units" "$BATS_TEST_DIRNAME/.."
  box_run systemctl daemon-reload
}

# box_write MODE FILE LINE...: makes a file in the box.
box_write() {
  printf '%s\n' "${@:3}" | box_run install -D -m "$1" /dev/stdin "$2"
}

# box_start_cron: starts cron as its unit cron-fast; a minute lasts two seconds for it.
box_start_cron() {
  box_run systemd-run --quiet --unit=cron-fast faketime -f '+0 x30' cron -f -L 15
}

# box_journal OPTION...: prints the messages of its journal, as journalctl(1) chooses them.
box_journal() {
  box_run journalctl --quiet --no-pager --output=cat "$@"
}

# box_reboot: shuts it down and boots it again. box_power_cut: boots it again after all that ran was killed.
box_reboot() {
  box_again box_run systemctl reboot
}
box_power_cut() {
  box_again kill -KILL "$(cat "$BOX.pid")"
}
box_again() {
  local before
  before=$(cat "$BOX.pid")
  "$@"
  wait_until box_was_replaced "$before"
  box_is_up
}
box_was_replaced() {
  [ -s "$BOX.pid" ] && [ "$(cat "$BOX.pid")" != "$1" ]
}

# box_stop: ends it, whatever runs in it. When the test has failed, its journal is printed before.
box_stop() {
  [ -n "${BOX_BOOT:-}" ] || return 0
  [ -n "${BATS_TEST_COMPLETED:-}" ] || box_run journalctl --no-pager --output=short-monotonic | sed -n '/Startup finished/,$p'
  stop_pid "$BOX_BOOT"
}
