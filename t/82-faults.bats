#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Faults at the system calls of each stage: t/faults.py says which, and what must hold after each. "make faults" tries every one;
# here, it is SIGKILL at each call of the stages that end by themselves, and of all else one in SHARE, always the same ones.
load common

BATS_TEST_TIMEOUT=1200 # much is tried, and machines may be under load
SHARE=17

# faults STAGE...: tries them.
faults() {
  local stages=()
  for stage; do stages+=(--stage "$stage"); done
  run "$BATS_TEST_DIRNAME/faults.py" --jobs 1 --share $SHARE "${stages[@]}" 3>&-
  echo "$output"
  assert_success
  assert_regex "${lines[-1]}" '^faults: [1-9][0-9]* tried, .*[1-9][0-9]* KILL.*, 0 broken$'
}

@test "faults in dewy-check, of a directory and of GitHub" {
  faults dewy-check dewy-check-github
}

@test "faults in dewy-fetch" {
  faults dewy-fetch
}

@test "faults in dewy-fetch, of GitHub, while a second thread hashes what comes" {
  faults dewy-fetch-github
}

@test "faults in dewy-deploy: the first release" {
  faults dewy-deploy-first
}

@test "faults in dewy-deploy: one more release than are kept" {
  faults dewy-deploy
}

@test "faults in dewy-deploy: a zip that two threads extract, and others read and decompress for" {
  faults dewy-deploy-zip
}

@test "faults in rollbacks" {
  faults dewy-deploy-rollback dewy-rollback
}

@test "faults in dewy-restart: the first start" {
  faults dewy-restart-start
}

@test "faults in dewy-restart: a newer release" {
  faults dewy-restart
}

@test "faults in dewy-restart: a release that does not start" {
  faults dewy-restart-bad
}

@test "faults in dewy-notify, with channels and metrics" {
  faults dewy-notify
}

@test "faults in dewy-serve" {
  faults dewy-serve
}

@test "faults in the history" {
  faults dewy-history
}

@test "faults in dewy-sweep" {
  faults dewy-sweep
}

@test "faults in dewy once, which removes a release" {
  faults dewy-once
}

@test "faults in dewy once, with a server" {
  faults dewy-once-server
}

@test "what a case leaves running is gone before the next one begins, and so is its hold on a port" {
  PYTHONPATH=$BATS_TEST_DIRNAME run -0 python3 -B - 3>&- <<'EOF'
import socket, subprocess, sys
import faults_place as places, faults_trace as trace

ORPHAN = """if True:
    import os, socket, sys, time
    if os.fork():
        sys.exit(7)
    kept = b"x" * (64 << 20)  # which takes the kernel a while to take back, and comes before the socket
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    time.sleep(600)
"""


def listens(port):
    with socket.socket() as asked:
        return asked.connect_ex(("127.0.0.1", port)) == 0


for _ in range(10):
    port = places.free_port()
    started = trace.Trace([sys.executable, "-c", ORPHAN, str(port)], "/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    places.wait_until(lambda: listens(port), "it does not listen")
    places.demand(started.wait(places.PATIENCE) == 7, "its exit status is another one")
    started.end()
    socket.create_server(("127.0.0.1", port)).close()
EOF
}

@test "a fault that is not survived is told by its name, under which it can be repeated" {
  mkdir -p "$BATS_TEST_TMPDIR/broken/bin"
  ln -s "$DEWY_BIN"/* "$BATS_TEST_TMPDIR/broken/bin"
  ln -s "$DEWY_BIN/../libexec" "$BATS_TEST_TMPDIR/broken/libexec"
  printf '#!/bin/sh\nrm -rf "$DEWY_ROOT/current"\nexec "%s/dewy-fetch"\n' "$DEWY_BIN" >"$BATS_TEST_TMPDIR/broken/fetch"
  chmod 755 "$BATS_TEST_TMPDIR/broken/fetch"
  ln -sf ../fetch "$BATS_TEST_TMPDIR/broken/bin/dewy-fetch"
  export DEWY_BIN=$BATS_TEST_TMPDIR/broken/bin
  run -1 "$BATS_TEST_DIRNAME/faults.py" --jobs 1 --stage dewy-fetch --kinds KILL --share 100 3>&-
  assert_line --regexp '^broken: dewy-fetch:dewy-fetch:mkdirat:1:KILL: current is gone$'
  run -1 "$BATS_TEST_DIRNAME/faults.py" --only dewy-fetch:dewy-fetch:mkdirat:1:KILL 3>&-
  assert_line "dewy-fetch:dewy-fetch:mkdirat:1:KILL: current is gone"
}

@test "it is said when what extracts an archive cannot meet any fault" {
  local unable=()
  if [ "$(id -u)" = 0 ]; then unable=(setpriv --bounding-set=-sys_ptrace); else unable=(env FAULTS_MOUNTS=none); fi
  run -0 "${unable[@]}" "$BATS_TEST_DIRNAME/faults.py" --jobs 1 --stage dewy-deploy-zip --kinds ENOLCK 3>&-
  assert_line "faults: nobody may look into confined processes here: what extracts an archive meets no fault"
  assert_line --regexp '^faults: 2 tried, .*, 0 broken$'
}
