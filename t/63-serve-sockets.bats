#!/usr/bin/env bats
# dewy-serve: sockets that systemd made, socket files with an owner, ports that are shared, and the user of the workers.
load common
load serve

prepare() {
  serve_prepare
  PORT=$(free_port)
  SOCKET=$BATS_TEST_TMPDIR/s.sock
}

cleanup() {
  if [ -n "$SUPERVISOR" ]; then stop_pid "$SUPERVISOR"; fi
}

# given SOCKET... -- OPTION...: serve with sockets as systemd gives them.
given() {
  local -a sockets=()
  while [ "$1" != -- ]; do sockets+=("$1"); shift; done
  shift
  "$BATS_TEST_DIRNAME/serve-given.py" "${sockets[@]}" -- dewy-serve --interval 1h --kill-timeout 5s "$@" -- "${WORKER[@]}" \
    2>>"$LOG" 3>&- &
  SUPERVISOR=$!
  wait_until state ready 1
}

# inode FD [GENERATION]: which socket the worker has there.
inode() {
  readlink "/proc/$(worker "${2:-1}")/fd/$1"
}

# variables GENERATION: the environment of its worker, one variable a line.
variables() {
  tr '\0' '\n' <"/proc/$(worker "$1")/environ"
}

need_root() {
  [ "$(id -u)" = 0 ] || skip 'only root may give files and processes to others'
}

# as_nobody COMMAND...: runs it as the user nobody, who need not be able to reach it by its path.
as_nobody() {
  python3 -c 'import os, shutil, sys
program = os.open(shutil.which(sys.argv[1]), os.O_RDONLY)
os.chdir("/")
os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)
os.execve(program, sys.argv[1:], os.environ)' "$@"
}

@test "sockets of systemd are passed on under keys made from their addresses, and with their names" {
  local two three four
  two=$(free_port) three=$(free_port) four=$(free_port)
  GIVEN_NAMES=web:six.socket:both:dns:local:hidden given "tcp:0.0.0.0:$PORT" "tcp:[::1]:$two" "dual:$three" "udp:127.0.0.1:$four" \
    "unix:$SOCKET" "abstract:dewy.$PORT" --
  assert_equal "$(setting 1 SERVER_STARTER_PORT)" \
    "$PORT=3;[::1]:$two=4;[::]:$three=5;127.0.0.1:$four=6;$SOCKET=7;@dewy.$PORT=8"
  assert_equal "$(setting 1 LISTEN_FDS)" 6
  assert_equal "$(setting 1 LISTEN_PID)" "$(worker 1)"
  assert_equal "$(setting 1 LISTEN_FDNAMES)" web:six.socket:both:dns:local:hidden
}

@test "sockets of systemd stay the same from one generation to the next, and their files when it ends" {
  given "tcp:127.0.0.1:$PORT" "unix:$SOCKET" --
  local one two
  one=$(inode 3) two=$(inode 4)
  signals HUP
  wait_until state ready 2
  assert_equal "$(inode 3 2) $(inode 4 2)" "$one $two"
  signals TERM
  ended 0
  [ -S "$SOCKET" ]
}

@test "a socket of systemd that --port or --path names is used for it, in the order of the options" {
  local two
  two=$(free_port)
  GIVEN_NAMES=one:two:three:four given "unix:$SOCKET" "udp:127.0.0.1:$PORT" "tcp:127.0.0.1:$PORT" "tcp:127.0.0.1:$two" -- \
    --port "127.0.0.1:$PORT,$two" --port "localhost:u$PORT=9" --path "$SOCKET"
  assert_equal "$(setting 1 SERVER_STARTER_PORT)" "127.0.0.1:$PORT=3;127.0.0.1:$two=4;localhost:$PORT=9;$SOCKET=6"
  assert_equal "$(setting 1 LISTEN_FDNAMES)" three:four:two:one
  assert_equal "$(grep -c 'Socket taken over' "$LOG")" 4
  assert_equal "$(inode 9)" "$(inode 5)"
  signals TERM
  ended 0
  [ -S "$SOCKET" ]
}

@test "ListenStream=PORT, which is IPv6 and IPv4, is what --port PORT asks for" {
  given "dual:$PORT" -- --port "$PORT"
  assert_equal "$(setting 1 SERVER_STARTER_PORT)" "$PORT=3"
  assert_equal "$(setting 1 LISTEN_FDS)" 1
}

@test "an option without a socket of systemd is bound, and a socket without an option follows" {
  local two
  two=$(free_port)
  GIVEN_NAMES=extra given "tcp:127.0.0.1:$two" -- --port "127.0.0.1:$PORT" --path "$SOCKET"
  assert_equal "$(setting 1 SERVER_STARTER_PORT)" "127.0.0.1:$PORT=3;$SOCKET=4;127.0.0.1:$two=5"
  assert_equal "$(setting 1 LISTEN_FDNAMES)" "127.0.0.1_$PORT:$SOCKET:extra"
  signals TERM
  ended 0
  [ ! -e "$SOCKET" ] # made here
}

@test "names of systemd that are too few are not used" {
  local two
  two=$(free_port)
  GIVEN_NAMES=one given "tcp:127.0.0.1:$PORT" "tcp:127.0.0.1:$two" --
  assert_equal "$(setting 1 LISTEN_FDNAMES)" "127.0.0.1_$PORT:127.0.0.1_$two"
}

@test "sockets for another process are left alone" {
  GIVEN_PID=1 given "tcp:127.0.0.1:$PORT" --
  assert_equal "$(setting 1 SERVER_STARTER_PORT)" ''
  run ! grep '^LISTEN' <(variables 1)
}

@test "what is no socket to accept on is refused, with its descriptor" {
  local -a wrong=(file:/dev/null 'is no socket' "stream:127.0.0.1:$(free_port)" 'does not listen'
    "unix:$BATS_TEST_TMPDIR/a=b" 'has a path with ; or = in it')
  local at
  for ((at = 0; at < ${#wrong[@]}; at += 2)); do
    run -1 timeout 20 "$BATS_TEST_DIRNAME/serve-given.py" "tcp:127.0.0.1:$PORT" "${wrong[at]}" -- dewy-serve -- "${WORKER[@]}"
    assert_output --partial "descriptor 4 of LISTEN_FDS ${wrong[at + 1]}"
    assert_output --partial 'Accept=yes'
  done
  GIVEN_COUNT=50 run -1 timeout 20 "$BATS_TEST_DIRNAME/serve-given.py" "tcp:127.0.0.1:$PORT" -- dewy-serve -- "${WORKER[@]}"
  assert_output --partial 'of LISTEN_FDS is no socket'
  [ ! -s "$RECORD" ]
  [ ! -e "$PID_FILE" ]
}

@test "a supervisor in the background keeps the sockets of systemd, and lets go of everything else" {
  GIVEN_NAMES=web timeout 20 sh -c '"$@" 2>&1 9>&1 | cat' sh "$BATS_TEST_DIRNAME/serve-given.py" "tcp:127.0.0.1:$PORT" -- \
    dewy-serve --interval 100ms --daemonize -- "${WORKER[@]}"
  wait_until grep -q '^1 start ' "$RECORD"
  run variables 1
  assert_line "SERVER_STARTER_PORT=127.0.0.1:$PORT=3"
  assert_line LISTEN_FDNAMES=web
}

@test "systemd-socket-activate starts it with the first connection, which is served" {
  cat >"$BATS_TEST_TMPDIR/answer.py" <<'EOF'
import os, socket
listener = socket.socket(fileno=3)
listener.setblocking(True)
while True:
    connection, _ = listener.accept()
    connection.recv(4096)
    body = "%(SERVER_STARTER_PORT)s %(LISTEN_FDNAMES)s %(SERVER_STARTER_GENERATION)s" % os.environ
    connection.sendall(("HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)).encode())
    connection.close()
EOF
  systemd-socket-activate --listen "127.0.0.1:$PORT" --fdname=web -E "DEWY_ROOT=$ROOT" "$DEWY_BIN/dewy-serve" --interval 100ms -- \
    /usr/bin/python3 -I "$BATS_TEST_TMPDIR/answer.py" 2>>"$LOG" 3>&- &
  SUPERVISOR=$!
  listens() { [ -n "$(ss -Hlnt "src 127.0.0.1 and sport = $PORT")" ]; }
  wait_until listens
  [ ! -e "$PID_FILE" ]
  assert_equal "$(curl -sS --max-time 20 "http://127.0.0.1:$PORT/")" "127.0.0.1:$PORT=3 web 1"
  wait_until state ready 1
  signals HUP
  wait_until state ready 2
  newer() { [ "$(curl -sS --max-time 20 "http://127.0.0.1:$PORT/")" = "127.0.0.1:$PORT=3 web 2" ]; }
  wait_until newer
}

@test "any user may connect to the socket of --path, whatever the umask" {
  umask 077
  serve --path "$SOCKET"
  assert_equal "$(stat -c %a "$SOCKET")" 777
}

@test "the socket file has its mode from the beginning, and its owner before anybody can connect" {
  strace -f -o "$BATS_TEST_TMPDIR/trace" -e trace=fchmod,bind,listen,fchownat,chmod,fchmodat,chown,lchown \
    dewy-serve --path "$SOCKET" --socket-mode 0640 --socket-user "$(id -u)" --socket-group "$(id -g)" -- "${WORKER[@]}" 2>>"$LOG" 3>&- &
  SUPERVISOR=$!
  wait_until state ready 1
  assert_equal "$(stat -c %a:%u:%g "$SOCKET")" "640:$(id -u):$(id -g)"
  run sed -nE "s/^[0-9]+ +([a-z]+)\(.*(0640|s\.sock|\"\", $(id -u)|4096).*/\1/p" "$BATS_TEST_TMPDIR/trace"
  assert_output $'fchmod\nbind\nfchownat\nlisten'
  SUPERVISOR=$(cat "$PID_FILE")
}

@test "--socket-user and --socket-group are the owner of the socket file, by name or number" {
  need_root
  serve --path "$SOCKET" --socket-mode 660 --socket-user nobody --socket-group daemon
  assert_equal "$(stat -c %a:%U:%G "$SOCKET")" 660:nobody:daemon
  signals TERM
  ended 0
  serve --path "$SOCKET" --socket-user 12345 --socket-group 54321
  assert_equal "$(stat -c %a:%u:%g "$SOCKET")" 777:12345:54321
}

@test "modes, users and groups that are none are refused before anything is bound" {
  local value option
  for value in 888 1777 -1 rw '' 07777 0x7 ' 7'; do
    run -1 timeout 20 dewy-serve --path "$SOCKET" --socket-mode="$value" -- "${WORKER[@]}"
    assert_output --partial "--socket-mode $value: no permissions in octal"
    run -1 timeout 20 dewy once --registry "file://$REGISTRY" --socket-mode="$value" -- "${WORKER[@]}"
    assert_output --partial "--socket-mode $value: no permissions in octal"
  done
  for value in no-such-user -1 4294967295 99999999999; do
    for option in --socket-user --socket-group --user --group; do
      run -1 timeout 20 dewy-serve --path "$SOCKET" --port "$PORT" "$option=$value" -- "${WORKER[@]}"
      assert_output --partial "$option $value: there is no such"
      assert_output --partial getent
    done
  done
  run -1 timeout 20 dewy-serve --user 4294967 -- "${WORKER[@]}" # one without an entry has neither groups nor a home
  assert_output --partial 'there is no such user'
  [ ! -s "$RECORD" ]
  [ ! -e "$SOCKET" ]
  [ ! -e "$PID_FILE" ]
}

@test "somebody who may not give a socket file away is told so, and none is left" {
  need_root
  local open
  unset DEWY_ROOT
  open=$(mktemp -d)
  chmod 777 "$open"
  run -3 as_nobody dewy-serve --pid-file "$open/pid" --status-file "$open/status" --path "$open/s.sock" --socket-user root -- true
  local left
  left=$(ls "$open")
  rm -r "$open"
  assert_output --partial "cannot give the socket file $open/s.sock to its owner"
  assert_equal "$left" ''
}

@test "--reuse-port lets two supervisors of one user listen on the same port" {
  serve --port "127.0.0.1:$PORT" --port "127.0.0.1:u$PORT" --reuse-port
  mkdir -m 755 "$BATS_TEST_TMPDIR/other"
  run -4 timeout 20 dewy-serve --root "$BATS_TEST_TMPDIR/other" --port "127.0.0.1:$PORT" -- true
  assert_output --partial 'Address already in use'
  dewy-serve --root "$BATS_TEST_TMPDIR/other" --port "127.0.0.1:$PORT" --port "127.0.0.1:u$PORT" --reuse-port -- sleep 1000 \
    2>/dev/null 3>&- &
  wait_until test -s "$BATS_TEST_TMPDIR/other/.dewy/serve.pid"
  assert_equal "$(ss -Hlnt "src 127.0.0.1 and sport = $PORT" | wc -l)" 2
}

@test "--strict-keys lets UDP ports keep their u, so that no two keys are equal" {
  local two
  two=$(free_port)
  serve --strict-keys --port "127.0.0.1:$PORT" --port "127.0.0.1:u$PORT" --port "[::1]:u$PORT" --port "u$two=9"
  assert_equal "$(setting 1 SERVER_STARTER_PORT)" "127.0.0.1:$PORT=3;127.0.0.1:u$PORT=4;[::1]:u$PORT=5;u$two=9"
  signals TERM
  ended 0
  : >"$RECORD"
  given "udp:127.0.0.1:$PORT" "udp:0.0.0.0:$two" -- --strict-keys
  assert_equal "$(setting 1 SERVER_STARTER_PORT)" "127.0.0.1:u$PORT=3;u$two=4"
}

# running OPTION...: starts a supervisor of sleep and sets WORKER_PID to the pid of its worker.
running() {
  "${INSIDE[@]}" dewy-serve --interval 100ms --dir / "$@" -- sleep 1000 2>>"$LOG" 3>&- &
  SUPERVISOR=$!
  wait_until state ready 1
  WORKER_PID=$(sed -n 's/^1://p' "$STATUS")
}

# rights UID GID GROUP...: fails unless those, and no capabilities, are what the worker has.
rights() {
  run cat "/proc/$WORKER_PID/status"
  assert_line $'Uid:\t'"$1"$'\t'"$1"$'\t'"$1"$'\t'"$1"
  assert_line $'Gid:\t'"$2"$'\t'"$2"$'\t'"$2"$'\t'"$2"
  assert_equal "$(sed -n 's/^Groups:\t//p' <<<"$output" | tr ' ' '\n' | sort -n | xargs)" "${*:3}"
}

@test "--user gives workers the rights of the user and all its groups, and no others, while the supervisor keeps its own" {
  need_root
  need_private_mounts
  printf '%s\n' 'root:x:0:' 'nogroup:x:65534:' 'first:x:4711:nobody' 'second:x:4712:nobody,root' 'third:x:4713:root' >"$BATS_TEST_TMPDIR/group"
  INSIDE=(unshare -m sh -c 'mount --bind "$0" /etc/group && exec "$@"' "$BATS_TEST_TMPDIR/group")
  running --user nobody --port "127.0.0.1:$PORT" --path "$SOCKET"
  rights 65534 65534 4711 4712 65534
  assert_line $'CapPrm:\t0000000000000000'
  assert_line $'CapEff:\t0000000000000000'
  assert_line $'CapAmb:\t0000000000000000'
  run tr '\0' '\n' <"/proc/$WORKER_PID/environ"
  local entry
  entry=$(getent passwd nobody)
  assert_line USER=nobody
  assert_line LOGNAME=nobody
  assert_line "HOME=$(cut -d: -f6 <<<"$entry")"
  assert_line "SHELL=$(cut -d: -f7 <<<"$entry")"
  assert_equal "$(stat -c %u "/proc/$SUPERVISOR")" 0
  assert_equal "$(stat -c %U "$SOCKET")" root
  signals HUP
  wait_until state ready 2
  WORKER_PID=$(sed -n 's/^2://p' "$STATUS")
  rights 65534 65534 4711 4712 65534
  signals TERM
  ended 0
}

@test "--user by number, with --group, runs workers in that group instead of the one of the user" {
  need_root
  running --user 65534 --group daemon
  rights 65534 1 1
}

@test "--group alone takes all other groups away and leaves the user and its variables" {
  need_root
  INSIDE=(setpriv --groups 4711,4712 env USER=somebody HOME=/somewhere)
  running --group 4713
  rights 0 4713
  run tr '\0' '\n' <"/proc/$WORKER_PID/environ"
  assert_line USER=somebody
  assert_line HOME=/somewhere
}

@test "--envdir has the last word on the variables of the user" {
  need_root
  mkdir "$ROOT/env"
  echo /elsewhere >"$ROOT/env/HOME"
  running --user nobody --envdir "$ROOT/env"
  tr '\0' '\n' <"/proc/$WORKER_PID/environ" | grep -qx HOME=/elsewhere
}

@test "a user that only root could become is refused at the start" {
  need_root
  local files
  unset DEWY_ROOT
  files=$(mktemp -d)
  chmod 777 "$files"
  local -a options=(--pid-file "$files/pid" --status-file "$files/status")
  run -1 as_nobody dewy-serve "${options[@]}" --user daemon -- true
  assert_output --partial '--user daemon: cannot give workers these rights: Operation not permitted; run this as root'
  run -1 as_nobody dewy-serve "${options[@]}" --group daemon -- true
  assert_output --partial '--group daemon: cannot give workers these rights: Operation not permitted; run this as root'
  run -1 setpriv --bounding-set=-setuid,-setgid dewy-serve "${options[@]}" --user nobody -- true
  assert_output --partial 'lacks CAP_SETUID'
  assert_equal "$(ls "$files")" ''
  rm -r "$files"
}

@test "a user whose groups a name service does not tell is refused at the start, in time" {
  need_root
  local began=$SECONDS
  printf '%s\n' '#include <unistd.h>' 'int initgroups(const char *user, unsigned group);' \
    'int initgroups(const char *user, unsigned group) { (void)user; (void)group; for (;;) pause(); }' >"$BATS_TEST_TMPDIR/hang.c"
  cc -shared -fPIC -o "$BATS_TEST_TMPDIR/hang.so" "$BATS_TEST_TMPDIR/hang.c"
  LD_PRELOAD=$BATS_TEST_TMPDIR/hang.so ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0 run -1 timeout -k 1 60 \
    dewy-serve --pid-file "$BATS_TEST_TMPDIR/none.pid" --status-file "$BATS_TEST_TMPDIR/status" --user nobody -- true
  assert_output --partial '--user nobody: cannot give workers these rights: Connection timed out; see whether getent initgroups answers'
  assert [ $((SECONDS - began)) -lt 50 ]
}

@test "the user that it runs as already is no change, and needs no root" {
  running --user "$(id -un)"
  assert_equal "$(stat -c %u "/proc/$WORKER_PID")" "$(id -u)"
  tr '\0' '\n' <"/proc/$WORKER_PID/environ" | grep -qx "USER=$(id -un)"
}

@test "a directory that the user may not enter is said" {
  need_root
  mkdir -m 700 "$BATS_TEST_TMPDIR/private"
  launch --user nobody --dir "$BATS_TEST_TMPDIR/private"
  wait_until logged "cannot enter $BATS_TEST_TMPDIR/private: Permission denied"
}

@test "once passes the user and what it says of socket files on to the supervisor that it starts" {
  need_root
  publish_server v1.0.0
  chmod 755 "$BATS_RUN_TMPDIR" "${BATS_TEST_TMPDIR%/*}" "$BATS_TEST_TMPDIR"
  DEWY_SOCKET_GROUP=daemon run -0 dewy once --registry "file://$REGISTRY" --settle 0 --path "$SOCKET" --socket-mode 0660 --socket-user nobody \
    --user nobody --group daemon -- sleep 1000
  assert_equal "$(stat -c %a:%U:%G "$SOCKET")" 660:nobody:daemon
  WORKER_PID=$(sed -n 's/^1://p' "$STATUS")
  rights 65534 1 1
}
