load common
load confine

# What is given up, tried from within.

prepare() {
  INSIDE=$BATS_TEST_TMPDIR/inside
  OUTSIDE=$BATS_TEST_TMPDIR/outside
  mkdir "$INSIDE" "$OUTSIDE"
  echo canary >"$OUTSIDE/canary"
  chmod 600 "$OUTSIDE/canary"
}

# confined WORK [COMMAND...]: runs it as archives are read, by the command when one is given, with a file outside that it is not to
# touch.
confined() {
  run -0 "${@:2}" "$DEWY_BIN/../t/confined" "$INSIDE" "${TARGET:-$OUTSIDE/canary}" "$1"
}

# refused WORK MESSAGE [COMMAND...]
refused() {
  confined "$1" "${@:3}"
  assert_line --regexp "^-1 0 (filesystem|space): $2\$"
}

@test "the child that reads an archive can write only into the release" {
  need_landlock
  confined write-inside
  assert_line "1 42 none: "
  [ -f "$INSIDE/sub/link" ]
  refused write-outside "outside: Permission denied"
  TARGET=$OUTSIDE/new refused create-outside "outside: Permission denied"
  refused change-mode "mode: Operation not permitted"
  refused change-length "length: Operation not permitted"
  [ "$(ls -A "$OUTSIDE")" = canary ]
  [ "$(cat "$OUTSIDE/canary")" = canary ]
  [ "$(stat -c %a "$OUTSIDE/canary")" = 600 ]
}

@test "it reads nothing else, removes nothing, and writes no file that is larger than the limit" {
  need_landlock
  refused read-outside "read: Permission denied"
  refused remove-inside "remove: Permission denied"
  refused write-much "beyond the limit: File too large"
}

@test "a child that only reads cannot write into the release" {
  need_landlock
  CONFINED_READS=1 refused write-inside "inside: Permission denied"
}

@test "it has no network, no other program, no other process and no terminal" {
  refused socket "socket: Operation not permitted"
  refused connect "connect: Operation not permitted"
  refused io_uring "io_uring: Function not implemented"
  refused execute "execute: Operation not permitted"
  refused fork "fork: Operation not permitted"
  refused signal "signal: Operation not permitted"
  refused signal-by-file "signal by file: Operation not permitted"
  confined other-machine # whose door the kernel may not have
  assert_line --regexp '^-1 0 (filesystem: other machine: Operation not permitted|integrity: the reader crashed: Segmentation fault)$'
  confined calls
  assert_output "0 0 none: "
  refused look-into "look into: Operation not permitted"
  refused ioctl "ioctl: Operation not permitted"
}

@test "it starts threads, which have no more than it has, and no process in any way" {
  need_landlock
  confined processes
  assert_output "0 0 none: "
  export CONFINED_THREAD=1
  confined write-inside
  assert_line "1 42 none: "
  refused write-outside "outside: Permission denied"
  refused read-outside "read: Permission denied"
  refused change-length "length: Operation not permitted"
  refused execute "execute: Operation not permitted"
  refused socket "socket: Operation not permitted"
  refused signal "signal: Operation not permitted"
  for work in processes calls capabilities; do
    confined "$work"
    assert_output "0 0 none: "
  done
}

@test "where no filter of system calls is to be had, it starts neither threads nor processes, unless it is root" {
  may_trace
  local user=() INSIDE=/
  if [ "$(id -u)" = 0 ]; then user=(setpriv --reuid 65534 --regid 65534 --clear-groups --); fi
  refused fork "fork: Resource temporarily unavailable" without seccomp "${user[@]}"
  CONFINED_THREAD=1 refused fork "thread: Resource temporarily unavailable" without seccomp "${user[@]}"
}

@test "it has no descriptor that it does not need, and cannot print into the document" {
  refused descriptor "descriptor: Bad file descriptor"
  refused print "print: Bad file descriptor"
  refute_output --partial forged
}

@test "it has neither capabilities nor secrets, and leaves no core" {
  confined capabilities
  assert_output "0 0 none: "
  CONFINED_SECRET=xoxb-good confined secret
  assert_output "0 0 none: "
  confined dump
  assert_output "0 0 none: "
}

@test "of the capabilities of root, a child that only reads keeps the one to read what is others'" {
  [ "$(id -u)" = 0 ] || skip "has none"
  CONFINED_READS=1 confined capabilities
  assert_output "0 1 none: "
}

@test "it ends with the process that has started it, and only root can look into it" {
  local child user=()
  if [ "$(id -u)" = 0 ]; then user=(setpriv --reuid 65534 --regid 65534 --clear-groups); fi
  "${user[@]}" "$DEWY_BIN/../t/confined" / / wait >/dev/null 2>&1 3>&- &
  echo $! >"$BATS_TEST_TMPDIR/starter.pid"
  find_child() { pgrep -P $! >"$BATS_TEST_TMPDIR/child.pid"; }
  wait_until find_child
  child=$(cat "$BATS_TEST_TMPDIR/child.pid")
  is_closed() { [ "$(stat -c %u "/proc/$child/environ")" = 0 ]; }
  wait_until is_closed
  kill -KILL $!
  wait_until gone "$child"
}

@test "a child that crashes, hangs or eats memory is an error, not the end" {
  sanitized && export ASAN_OPTIONS=allocator_may_return_null=1:handle_abort=0 # and no file for reports: these are wanted
  confined crash
  assert_output --partial "-1 0 integrity: the reader crashed: Aborted"
  confined leave
  assert_output --partial "-1 0 integrity: the reader crashed: exit 7"
  confined hang
  assert_output --partial "-1 0 integrity: reading it took longer than "
  confined hoard
  assert_output --partial "-1 0 integrity: the reader ran out of memory"
}

@test "without Landlock, the filter of system calls still holds, and the other way round" {
  may_trace
  need_landlock
  confined write-outside without landlock_create_ruleset
  assert_output "0 0 none: "
  refused execute "execute: Operation not permitted" without landlock_create_ruleset
  refused socket "socket: Operation not permitted" without landlock_create_ruleset
  refused change-length "length: Operation not permitted" without landlock_create_ruleset
  confined socket without seccomp
  assert_output "0 0 none: "
  refused execute "execute: Permission denied" without seccomp
  refused write-outside "outside: Permission denied" without seccomp
  refused signal "signal: Operation not permitted" without seccomp
}

@test "a kernel or a container that has none of it is no failure, and what is missing is said in one line at DEBUG" {
  may_trace
  export CONFINED_DEBUG=1
  for error in ENOSYS EOPNOTSUPP EPERM; do
    confined write-inside without "landlock_create_ruleset:$error,seccomp:${error/EOPNOTSUPP/EINVAL}"
    assert_line "1 42 none: "
    assert_line --regexp 'DEBUG: Not confined landlock="none" seccomp="none"$'
    rm -r "${INSIDE:?}"/*
  done
  confined execute without landlock_create_ruleset,seccomp
  assert_output --partial "-1 0 integrity: the reader crashed: exit 0" # /bin/true ran in its place
  confined write-inside without prctl # without which an ordinary user may have none of the others
  assert_line "1 42 none: "
  assert_line --regexp 'DEBUG: Not confined no_new_privs="none"'
  rm -r "${INSIDE:?}"/*
  local calls=prctl,landlock_create_ruleset,seccomp,capset,close_range:EPERM limits=' limits="not all"'
  if sanitized; then limits=; else calls+=,prlimit64:EPERM; fi # the sanitizer does not begin without its limits
  confined write-inside without "$calls"
  assert_line "1 42 none: "
  assert_line --regexp "DEBUG: Not confined no_new_privs=\"none\" landlock=\"none\" seccomp=\"none\" capset=\"none\" close_range=\"none\"$limits\$"
}

@test "what the kernel has, and fails at, is an error" {
  may_trace
  need_landlock
  confined write-inside without landlock_restrict_self:E2BIG
  assert_output "-1 0 filesystem: cannot set up Landlock: Argument list too long"
  confined write-inside without seccomp:ENOMEM
  assert_output "-1 0 filesystem: cannot filter system calls: Cannot allocate memory"
  [ -z "$(ls "$INSIDE")" ]
}
