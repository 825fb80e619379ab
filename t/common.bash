# What every test file loads: the tools under test, an empty ROOT and an empty file registry, and small helpers.
# Each test has its own $BATS_TEST_TMPDIR; nothing outside of it is written.
bats_require_minimum_version 1.5.0
export PYTHONDONTWRITEBYTECODE=1

setup() {
  bats_load_library bats-support
  bats_load_library bats-assert
  clean_environment
  DEWY_BIN=${DEWY_BIN:-$(cd "$BATS_TEST_DIRNAME/.." && pwd)/bin}
  PATH=$DEWY_BIN:/usr/sbin:/usr/bin:/sbin:/bin # Debian's programs, whatever else is installed
  ROOT=$BATS_TEST_TMPDIR/root
  REGISTRY=$BATS_TEST_TMPDIR/registry
  mkdir -m 755 "$ROOT" "$REGISTRY"
  export DEWY_ROOT=$ROOT
  if declare -F prepare >/dev/null; then prepare; fi
}

# clean_environment: no setting, credential, proxy or trust of whoever runs the tests reaches what they start, and nothing that
# looks for credentials by itself asks beyond this machine.
clean_environment() {
  local variable
  for variable in ${!DEWY_*}; do
    [ "$variable" = DEWY_BIN ] || unset "$variable"
  done
  unset ${!AWS_*} ${!CLOUDSDK_*} ${!GCE_*} ${!GH_*} ${!GITHUB_*} ${!GOOGLE_*} ${!OTEL_*} ${!SSL_CERT_*} \
    CREDENTIALS_DIRECTORY CURL_CA_BUNDLE CURL_HOME STORAGE_EMULATOR_HOST TRACEPARENT XDG_CONFIG_HOME \
    http_proxy https_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY all_proxy NO_PROXY no_proxy
  export AWS_EC2_METADATA_DISABLED=true GCE_METADATA_HOST=127.0.0.1:1
  export HOME=${BATS_TEST_TMPDIR:-$BATS_FILE_TMPDIR}/home
  mkdir -p "$HOME"
}

teardown() {
  if declare -F cleanup >/dev/null; then cleanup; fi
  local file
  for file in "$BATS_TEST_TMPDIR"/*/.dewy/serve.pid "$BATS_TEST_TMPDIR"/*.pid; do
    [ -s "$file" ] && stop_pid "$(cat "$file")"
  done
  return 0
}

# stop_pid PID: ends a process and waits until it is gone, with force after 20 s.
stop_pid() {
  kill "$1" 2>/dev/null || return 0
  kill -CONT "$1" 2>/dev/null || true
  MOST=20 wait_until gone "$1" || kill -KILL "$1" 2>/dev/null || true
}

# gone PID: true when the process has ended (a zombie has).
gone() {
  [ ! -e "/proc/$1/stat" ] || grep -q ') Z ' "/proc/$1/stat" 2>/dev/null
}

# milliseconds: sets $now to those since the machine booted, which nobody who sets its clock changes.
milliseconds() {
  read -r now _ </proc/uptime
  now=$((10#${now/./} * 10))
}

# wait_until COMMAND...: runs it until it succeeds, for a minute at most (MOST seconds), which a machine under load may need.
wait_until() {
  local now end
  milliseconds
  end=$((now + ${MOST:-60} * 1000))
  until "$@" >/dev/null 2>&1; do
    milliseconds
    if [ $now -ge $end ]; then
      echo "still not true after ${MOST:-60} s: $*" >&2
      return 1
    fi
    sleep 0.02
  done
}

# free_port: prints a TCP port that nobody listens on, and that no other test of this run is given, out of a range from which the
# kernel gives none to outgoing connections, so that those of other tests do not take it meanwhile.
free_port() {
  free_ports 1
}

# free_ports N: prints the first of N such ports in a row. Who starts several runs of bats names the file that they share for it.
free_ports() {
  python3 -c '
import contextlib, fcntl, random, socket, sys
count = int(sys.argv[1])
with open(sys.argv[2], "a+") as file:
    fcntl.flock(file, fcntl.LOCK_EX)
    file.seek(0)
    given = set(map(int, file))
    while True:
        first = random.randrange(10000, 32000 - count)
        ports = range(first, first + count)
        try:
            with contextlib.ExitStack() as held:
                for port in ports:
                    held.enter_context(socket.socket()).bind(("", port))
                    held.enter_context(socket.socket(type=socket.SOCK_DGRAM)).bind(("", port))
        except OSError:
            continue
        if given.isdisjoint(ports):
            break
    file.writelines("%d\n" % port for port in ports)
print(first)' "$1" "${PORTS_GIVEN:-$BATS_RUN_TMPDIR/ports}"
}

# packed VERSION ARTIFACT TREE FILE...: puts a tar of these files into the registry, which whoever looks there sees whole or not.
packed() {
  tar -C "$3" -czf "$3/packed" "${@:4}"
  mkdir -p "$REGISTRY/$1"
  mv "$3/packed" "$REGISTRY/$1/$2"
  rm -r "$3"
}

# publish VERSION [ARTIFACT]: puts a tar.gz with one file "version" and one program "run" into the registry.
publish() {
  local version=$1 artifact=${2:-app_linux_amd64.tar.gz} tree
  tree=$(mktemp -d "$BATS_TEST_TMPDIR/tree.XXXXXX")
  echo "$version" >"$tree/version"
  printf '#!/bin/sh\ncat "$(dirname "$0")/version"\n' >"$tree/run"
  chmod 755 "$tree/run"
  packed "$version" "$artifact" "$tree" version run
}

# field PATH: the member of the document in $output, as jq writes it raw; "null" when it is missing.
field() {
  jq -r ".$1" <<<"$output"
}

# encode TEXT: percent-encoded, its slashes, too.
encode() {
  jq -rn --arg text "$1" '$text | @uri'
}

# base64url: what comes in, as the parts of a JWT have it.
base64url() {
  openssl base64 -A | tr '+/' '-_' | tr -d =
}

# edit FILE FILTER: changes a file of JSON.
edit() {
  jq -c "$2" "$1" >"$1.edited"
  mv "$1.edited" "$1"
}

# in_private_mounts COMMAND...: runs it where it may mount file systems that nobody else sees.
in_private_mounts() {
  if [ "$(id -u)" = 0 ]; then unshare -m "$@"; else unshare -Urm "$@"; fi
}

# need_private_mounts: skips the test where nobody may mount, such as in most containers.
need_private_mounts() {
  in_private_mounts true 2>/dev/null || skip "no private mounts here"
}

# assert_document: the document in $output is what the schema says.
assert_document() {
  python3 "$BATS_TEST_DIRNAME/validate.py" "$DEWY_BIN/../share/schema/document.json" accepts <<<"$output"
}

# publish_server VERSION [BEHAVIOUR...]: puts a release of t/server.py into the registry, which says what BEHAVIOUR makes it do.
publish_server() {
  local version=$1 tree
  shift
  tree=$(mktemp -d "$BATS_TEST_TMPDIR/tree.XXXXXX")
  cp "$BATS_TEST_DIRNAME/server.py" "$tree/server"
  chmod 755 "$tree/server"
  echo "$version" >"$tree/version"
  printf '%s\n' "$@" >"$tree/behaviour"
  packed "$version" app_linux_amd64.tar.gz "$tree" server version behaviour
}

# finish STATUS: waits for the run in the background, $running, which prints to the file document, and has to end so; $output is
# what it printed.
finish() {
  local status=0
  wait "$running" || status=$?
  output=$(cat "$BATS_TEST_TMPDIR/document")
  assert_equal "$status" "$1"
}

# files_of_dewy: prints all files of ROOT, and when they were changed; of those that the supervisor writes in its own time, what
# serves.
files_of_dewy() {
  find "$ROOT" ! -name 'serve.*' ! -name '.serve.*' ! -path "$ROOT/.dewy" -printf '%p %T@ %i\n' | sort
  cat "$ROOT/.dewy/serve.pid"
  grep '^[0-9]' "$ROOT/.dewy/serve.status"
}

# start_load URL: asks URL without pause from several connections, until stop_load, which prints how many answers were not 200
# or did not come.
start_load() {
  rm -f "$BATS_TEST_TMPDIR"/load.*
  python3 "$BATS_TEST_DIRNAME/load.py" "$1" "$BATS_TEST_TMPDIR/load" 3>&- &
  wait_until test -e "$BATS_TEST_TMPDIR/load.ready"
}
stop_load() {
  touch "$BATS_TEST_TMPDIR/load.stop"
  wait_until test -e "$BATS_TEST_TMPDIR/load.failed"
  cat "$BATS_TEST_TMPDIR/load.failed"
}

# sanitized: the tools were built with AddressSanitizer or run under valgrind, whose own memory and work make figures meaningless.
sanitized() {
  grep -q '__asan_init\|valgrind' "$DEWY_BIN/dewy-deploy"
}

# serves VERSION: true when the server on $PORT answers so. After a restart, the old generation may still be taking its leave:
# wait_until serves VERSION.
serves() {
  [ "$(curl -sS --max-time 10 "http://127.0.0.1:$PORT/")" = "$1" ]
}
