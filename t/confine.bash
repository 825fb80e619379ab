# What the tests of confinement share.

# has_landlock: the kernel has all of Landlock that dewy uses.
has_landlock() {
  python3 -c 'import ctypes, sys
sys.exit(ctypes.CDLL(None).syscall(444, None, 0, 1) < 6)'
}

# need_landlock: skips the test where the kernel has less of Landlock.
need_landlock() {
  has_landlock || skip "this kernel has no Landlock, or an old one"
}

# may_trace: has a sanitizer look for no leaks, for which it would trace what strace traces already.
may_trace() {
  export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0
}

# without CALLS COMMAND...: runs the command on a kernel that does not have these system calls (NAME:ERROR,... with NAME alone for
# ENOSYS).
without() {
  local call options=()
  for call in ${1//,/ }; do
    [[ $call == *:* ]] || call=$call:ENOSYS
    options+=(-e "inject=${call%:*}:error=${call#*:}")
  done
  strace -f -qq -o /dev/null "${options[@]}" "${@:2}"
}
