#!/usr/bin/env bats
# dewy-serve: options, sockets, what workers find in their environment, and the files of the supervisor.
load common
load serve

prepare() {
  serve_prepare
  PORT=$(free_port)
}

cleanup() {
  if [ -n "$PERL" ]; then stop_pid "$PERL"; fi
}

# refused STATUS WORDS... -- OPTION...: dewy-serve ends with that status and says the words.
refused() {
  local status=$1 words=$2
  shift 2
  run -"$status" timeout 20 dewy-serve "$@" -- "${WORKER[@]}"
  assert_output --partial "$words"
  [ ! -s "$RECORD" ] # no worker was started
  [ ! -e "$PID_FILE" ]
}

# descriptors: the value of SERVER_STARTER_PORT with # for the numbers, which may differ.
descriptors() {
  sed -E 's/=[0-9]+(;|$)/=#\1/g' <<<"$1"
}

# ask PORT|PATH: prints what the worker of "answering" says to a new connection.
ask() {
  case $1 in
  */*) curl -sS --max-time 10 --unix-socket "$1" http://localhost/ ;;
  *) curl -sS --max-time 10 "http://${2:-127.0.0.1}:$1/" ;;
  esac
}

# answering: makes WORKER a server that accepts on every descriptor of LISTEN_FDS and answers with its number.
answering() {
  cat >"$BATS_TEST_TMPDIR/answer.py" <<'EOF'
import os, selectors, socket
assert os.environ["LISTEN_PID"] == str(os.getpid())
selector = selectors.DefaultSelector()
for fd in range(3, 3 + int(os.environ["LISTEN_FDS"])):
    selector.register(socket.socket(fileno=fd), selectors.EVENT_READ)
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
    notify.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
while True:
    for key, _ in selector.select():
        connection, _ = key.fileobj.accept()
        connection.recv(4096)
        body = b"%d %s" % (key.fd, os.environ["SERVER_STARTER_GENERATION"].encode())
        connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        connection.close()
EOF
  WORKER=(/usr/bin/python3 -I "$BATS_TEST_TMPDIR/answer.py")
}

@test "--help, --version and mistakes" {
  run -0 --separate-stderr dewy-serve --help
  assert_line --partial '--signal-on-hup'
  assert_equal "$stderr" ''
  run -0 dewy-serve --version
  assert_output --regexp '^dewy [0-9]+\.[0-9]+\.[0-9]+$'
  run -1 dewy-serve --nonsense -- true
  assert_output --partial 'unknown option --nonsense'
  run -1 dewy-serve --port "$PORT"
  assert_output --partial 'no command'
  run -1 dewy-serve true
  assert_output --partial 'a command follows --'
}

@test "values that are wrong are refused, with the option and what was given" {
  local value
  for value in 0 65536 -1 x 80x '' : :80 80:x '[::1:80' 8003-8000 80, ,80 80-90=3 80,81=3 80=x 80=9999 'a b:80' 'a;b:80' 'u' 8000-8100; do
    refused 1 "--port" --port="$value"
  done
  refused 1 '8000-8003' --port nonsense
  refused 1 'more than 100' --port 8000-8060 --port 9000-9060
  refused 1 'no such signal' --signal-on-hup NONSENSE
  refused 1 'no such signal' --signal-on-term 99
  refused 1 '--interval' --interval never
  refused 1 '--kill-timeout' --kill-timeout 0
  refused 1 '--path' --path 'a;b'
  refused 1 '--path' --path 'a=b'
  refused 1 '--path' --path "$(printf '%0200d' 0)"
  refused 1 'another socket has that descriptor' --port "127.0.0.1:$PORT=7" --port "127.0.0.1:$(free_port)=7"
  RES_OPTIONS='timeout:1 attempts:1' refused 1 'cannot listen on no-such-host.invalid' --port no-such-host.invalid:80
}

@test "a port that is taken ends it with status 4" {
  serve --port "127.0.0.1:$PORT"
  run -4 dewy-serve --root "$BATS_TEST_TMPDIR" --port "127.0.0.1:$PORT" -- true
  assert_output --partial "cannot listen on 127.0.0.1:$PORT: Address already in use"
  [ ! -e "$BATS_TEST_TMPDIR/.dewy/serve.pid" ]
}

@test "SERVER_STARTER_PORT is what start_server gives, for every form of --port and --path" {
  local two three four options
  two=$(free_port) three=$(free_port) four=$(free_port)
  options=(--port "127.0.0.1:$PORT=20" --port "$two=21" --port "[::1]:$PORT=22" --port "127.0.0.1:u$PORT=23" --port "u$two=24"
    --port "[::1]:u$PORT=25" --port "localhost:$three=26" --port "localhost:u$three=27" --port "[::]:$two=28" --port "[::]:u$two=29"
    --port=" $four " --path "$BATS_TEST_TMPDIR/one.sock" --path two.sock)
  cd "$BATS_TEST_TMPDIR"
  echo silent | plan all # there is no NOTIFY_SOCKET
  start_server "${options[@]}" --pid-file=perl.pid -- "${WORKER[@]}" 2>/dev/null 3>&- &
  PERL=$!
  wait_until recorded 1 start '[0-9]*'
  local expected
  expected=$(setting 1 SERVER_STARTER_PORT)
  stop_pid "$PERL"
  rm "$PLAN/all"
  : >"$RECORD"
  serve "${options[@]}"
  local actual
  actual=$(setting 1 SERVER_STARTER_PORT)
  assert_equal "${actual%%;"$four"=*}" "${expected%%;"$four"=*}" # byte for byte where =FD says which descriptor
  assert_equal "${actual%%;"$four"=*}" "127.0.0.1:$PORT=20;$two=21;[::1]:$PORT=22;127.0.0.1:$PORT=23;$two=24;[::1]:$PORT=25;\
localhost:$three=26;localhost:$three=27;[::]:$two=28;[::]:$two=29"
  assert_equal "$(descriptors "$actual")" "$(descriptors "$expected")"
  assert_equal "$(setting 1 SERVER_STARTER_GENERATION)" 1
}

@test "the same worker sees an empty SERVER_STARTER_PORT and no LISTEN_FDS when there are no sockets" {
  LISTEN_FDS=3 LISTEN_PID=1 LISTEN_FDNAMES=x serve
  tr '\0' '\n' <"/proc/$(worker 1)/environ" >"$BATS_TEST_TMPDIR/environ"
  grep -qx 'SERVER_STARTER_PORT=' "$BATS_TEST_TMPDIR/environ"
  run ! grep -q '^LISTEN' "$BATS_TEST_TMPDIR/environ"
}

@test "a worker finds its sockets at 3 and following, in order, and nothing else open" {
  local two
  two=$(free_port)
  serve --port "127.0.0.1:$PORT" --port "[::1]:$two" --port "127.0.0.1:u$PORT" --path "$BATS_TEST_TMPDIR/s.sock"
  assert_equal "$(setting 1 SERVER_STARTER_PORT)" "127.0.0.1:$PORT=3;[::1]:$two=4;127.0.0.1:$PORT=5;$BATS_TEST_TMPDIR/s.sock=6"
  assert_equal "$(setting 1 LISTEN_FDS)" 4
  assert_equal "$(setting 1 LISTEN_PID)" "$(worker 1)"
  assert_equal "$(setting 1 LISTEN_FDNAMES)" "127.0.0.1_$PORT:[__1]_$two:127.0.0.1_$PORT:$BATS_TEST_TMPDIR/s.sock"
  local fd
  for fd in 3 4 5 6; do
    [[ $(readlink "/proc/$(worker 1)/fd/$fd") = socket:* ]]
  done
  sockets() { find "/proc/$1/fd" -lname 'socket:*' -o -lname 'anon_inode*' -o -lname "*$PID_FILE" | wc -l; }
  assert_equal "$(sockets "$(worker 1)")" 4
}

@test "=FD puts a socket where it says, also among the first ones" {
  local two three
  two=$(free_port) three=$(free_port)
  serve --port "127.0.0.1:$PORT" --port "127.0.0.1:$two=3" --port "127.0.0.1:$three=20"
  assert_equal "$(setting 1 SERVER_STARTER_PORT)" "127.0.0.1:$PORT=4;127.0.0.1:$two=3;127.0.0.1:$three=20"
  assert_equal "$(setting 1 LISTEN_FDS)" 3
  assert_equal "$(setting 1 LISTEN_FDNAMES)" "127.0.0.1_$two:127.0.0.1_$PORT:127.0.0.1_$three"
  local fds=/proc/$(worker 1)/fd
  assert_equal "$(readlink "$fds/20")" "$(readlink "$fds/5")"
}

@test "IPv4, IPv6, host names, lists and UNIX sockets answer" {
  local two three
  two=$(free_port) three=$(free_port)
  answering
  serve --port "127.0.0.1:$PORT,$two" --port "[::1]:$PORT" --port "localhost:$three" --path "$BATS_TEST_TMPDIR/s.sock"
  assert_equal "$(ask "$PORT")" '3 1'
  assert_equal "$(ask "$two")" '4 1'
  assert_equal "$(ask "$PORT" '[::1]')" '5 1'
  assert_equal "$(ask "$three")" '6 1'
  assert_equal "$(ask "$BATS_TEST_TMPDIR/s.sock")" '7 1'
}

@test "a range is bound as a whole" {
  local first
  first=$(free_ports 4)
  serve --port "127.0.0.1:$first-$((first + 3))"
  assert_equal "$(setting 1 SERVER_STARTER_PORT)" \
    "127.0.0.1:$first=3;127.0.0.1:$((first + 1))=4;127.0.0.1:$((first + 2))=5;127.0.0.1:$((first + 3))=6"
}

@test "the options are taken from the environment, and lists from its words" {
  DEWY_PORT="127.0.0.1:$PORT 127.0.0.1:u$PORT" serve
  assert_equal "$(setting 1 LISTEN_FDS)" 2
}

@test "DEWY_INTERVAL is the pause of dewy watch, and does not hold a worker back" {
  echo silent | plan all
  DEWY_INTERVAL=1h dewy-serve -- "${WORKER[@]}" 2>>"$LOG" 3>&- &
  wait_until state ready 1
}

@test "a socket file that a killed supervisor left is replaced, and removed at the end" {
  local path=$BATS_TEST_TMPDIR/s.sock
  python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$path"
  answering
  serve --path "$path"
  assert_equal "$(ask "$path")" '3 1'
  logged 'Removing existing socket file'
  signals TERM
  ended 0
  [ ! -e "$path" ]
}

@test "a file that is no socket is never removed" {
  echo precious >"$BATS_TEST_TMPDIR/file"
  ln -s "$BATS_TEST_TMPDIR/file" "$BATS_TEST_TMPDIR/link"
  refused 1 'no socket' --path "$BATS_TEST_TMPDIR/file"
  refused 1 'no socket' --path "$BATS_TEST_TMPDIR/link"
  assert_equal "$(cat "$BATS_TEST_TMPDIR/file")" precious
}

@test "a socket file that somebody replaced stays at the end" {
  local path=$BATS_TEST_TMPDIR/s.sock
  serve --path "$path"
  mv "$path" "$path.old"
  python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$path"
  signals TERM
  ended 0
  [ -S "$path" ]
}

# variables_of_dewy: prints all variables that hold a secret, also in a file, and those of all options, but for the ones that
# dewy-serve itself takes.
variables_of_dewy() {
  local source=$BATS_TEST_DIRNAME/../src
  sed -nE 's/^\t"([A-Z_]+)(\*)?",$/\1 \2/p' "$source/secrets.c" | while read -r name any; do
    [ "$name" = DEWY_ ] || echo "$name"
    [ -z "$any" ] || echo "${name%_}_FILE"
  done
  comm -23 <(sed -nE 's/^OPTION\([A-Z_]+, "([a-z-]+)".*/\1/p' "$source/options.def" | sort -u) \
    <(dewy-serve --help | sed -nE 's/^  (-., )?--([a-z-]+) .*/\2/p' | sort -u) | tr a-z- A-Z_ | sed 's/^/DEWY_/'
}

@test "workers see no secrets, no setting of dewy, and nothing that is about the supervisor" {
  local -a removed
  mapfile -t removed < <(variables_of_dewy)
  [ ${#removed[@]} -ge 40 ]
  env "${removed[@]/%/=s3cret}" AWS_REGION=eu-central-1 DATABASE_URL=kept WATCHDOG_USEC=s3cret WATCHDOG_PID=s3cret LISTEN_PID=1 \
    LISTEN_FDS=1 LISTEN_FDNAMES=s3cret NOTIFY_SOCKET="@s3cret.$PORT" DEWY_KILL_TIMEOUT=5s DEWY_PATH="$BATS_TEST_TMPDIR/s.sock" \
    DEWY_SOCKET_MODE=0700 DEWY_SOCKET_USER="$(id -u)" DEWY_SOCKET_GROUP="$(id -g)" DEWY_USER="$(id -un)" DEWY_GROUP="$(id -g)" \
    DEWY_REUSE_PORT=1 DEWY_STRICT_KEYS=1 dewy-serve --interval 1h -- "${WORKER[@]}" 2>>"$LOG" 3>&- &
  SUPERVISOR=$!
  wait_until state ready 1
  run tr '\0' '\n' <"/proc/$SUPERVISOR/environ"
  assert_line GH_TOKEN_FILE=s3cret
  assert_line CREDENTIALS_DIRECTORY=s3cret
  run tr '\0' '\n' <"/proc/$(worker 1)/environ"
  refute_output --partial s3cret
  refute_line --regexp '^(DEWY|WATCHDOG)_'
  assert_line DATABASE_URL=kept
  assert_line AWS_REGION=eu-central-1
  assert_line LISTEN_FDS=1
  assert_line "LISTEN_PID=$(worker 1)"
  assert_line "LISTEN_FDNAMES=$BATS_TEST_TMPDIR/s.sock"
}

@test "NOTIFY_SOCKET is a socket beside the pid file, which any user may send to and only a worker is heard by" {
  umask 077
  serve
  assert_equal "$(setting 1 NOTIFY_SOCKET)" "$ROOT/.dewy/serve.notify"
  assert_equal "$(stat -c '%F %a' "$ROOT/.dewy/serve.notify")" 'socket 777'
  kill -KILL "$SUPERVISOR"
  wait_until gone "$SUPERVISOR"
  launch # puts another one in its place
  wait_until grep -qx "$SUPERVISOR" "$PID_FILE" # the status file is a new one from here on
  wait_until state ready 1
  signals TERM
  ended 0
  [ ! -e "$ROOT/.dewy/serve.notify" ]
}

@test "NOTIFY_SOCKET is an abstract name where its path would be too long" {
  local long
  long=$BATS_TEST_TMPDIR/$(printf '%0100d' 0)
  mkdir "$long"
  serve --pid-file "$long/pid"
  [[ $(setting 1 NOTIFY_SOCKET) = @* ]]
  signals TERM
  ended 0
}

@test "--envdir is read before each start" {
  mkdir "$ROOT/env"
  printf 'one\nsecond line\n' >"$ROOT/env/FIRST"
  printf 'chosen' >"$ROOT/env/AWS_ACCESS_KEY_ID"
  : >"$ROOT/env/EMPTY"
  echo hidden >"$ROOT/env/.HIDDEN"
  FIRST=original AWS_ACCESS_KEY_ID=of-dewy serve --envdir "$ROOT/env"
  assert_equal "$(setting 1 FIRST)" one
  assert_equal "$(setting 1 AWS_ACCESS_KEY_ID)" chosen
  tr '\0' '\n' <"/proc/$(worker 1)/environ" >"$BATS_TEST_TMPDIR/environ"
  run ! grep -E '^(EMPTY|.HIDDEN)=' "$BATS_TEST_TMPDIR/environ"
  rm "$ROOT/env/FIRST"
  echo new >"$ROOT/env/SECOND"
  signals HUP
  wait_until state ready 2
  assert_equal "$(setting 2 FIRST)" original
  assert_equal "$(setting 2 SECOND)" new
}

@test "an --envdir that is not there is said, and stops nothing" {
  serve --envdir "$ROOT/missing"
  logged 'Keeping the variables of before'
}

@test "a restart runs what current leads to then" {
  mkdir -p "$ROOT/releases/one" "$ROOT/releases/two"
  cp "${WORKER[0]}" "$ROOT/releases/one/app"
  cp "${WORKER[0]}" "$ROOT/releases/two/app"
  ln -s releases/one "$ROOT/current"
  WORKER[0]=./app
  serve --dir "$ROOT/current"
  assert_equal "$(readlink "/proc/$(worker 1)/cwd")" "$(realpath "$ROOT/releases/one")"
  ln -sfn releases/two "$ROOT/current"
  signals HUP
  wait_until state ready 2
  assert_equal "$(readlink "/proc/$(worker 2)/cwd")" "$(realpath "$ROOT/releases/two")"
}

@test "the working directory is looked up by name, so that it may be a link that moves" {
  mkdir -p "$ROOT/releases/one" "$ROOT/releases/two"
  ln -s releases/one "$ROOT/current"
  unset DEWY_ROOT
  cd "$ROOT/current"
  launch --pid-file "$BATS_TEST_TMPDIR/serve.pid" --status-file "$BATS_TEST_TMPDIR/serve.status"
  STATUS=$BATS_TEST_TMPDIR/serve.status
  wait_until state ready 1
  cd "$BATS_TEST_TMPDIR"
  ln -sfn releases/two "$ROOT/current"
  signals HUP
  wait_until state ready 2
  assert_equal "$(readlink "/proc/$(worker 2)/cwd")" "$(realpath "$ROOT/releases/two")"
  [ ! -e "$ROOT/releases/one/.dewy" ]
}

@test "workers start in ROOT, wherever the supervisor was started" {
  cd /
  serve
  assert_equal "$(readlink "/proc/$(worker 1)/cwd")" "$(realpath "$ROOT")"
}

@test "a second supervisor is refused with the pid of the first one" {
  serve
  run -6 dewy-serve -- "${WORKER[@]}"
  assert_output --partial "another supervisor (pid $SUPERVISOR) holds the pid file $PID_FILE"
  assert_equal "$(cat "$PID_FILE")" "$SUPERVISOR"
}

@test "the pid file is locked as long as the supervisor lives, and by nobody else" {
  serve
  run ! flock --nonblock "$PID_FILE" true
  kill -STOP "$(worker 1)" # a worker that lives on does not hold it
  kill -KILL "$SUPERVISOR"
  wait_until flock --nonblock "$PID_FILE" true
  kill -KILL "$(worker 1)"
}

@test "somebody who looks at the lock does not keep a supervisor from starting" {
  mkdir "$ROOT/.dewy"
  : >"$PID_FILE"
  coproc flock --shared "$PID_FILE" sh -c 'echo locked; read -r line'
  read -r line <&"${COPROC[0]}"
  assert_equal "$line" locked
  launch
  wants_it() { [ -n "$(find "/proc/$SUPERVISOR/fd" -lname "$PID_FILE")" ]; }
  wait_until wants_it
  echo enough >&"${COPROC[1]}"
  wait_until state ready 1
}

@test "a pid file without an owner is no obstacle" {
  mkdir "$ROOT/.dewy"
  echo $$ >"$PID_FILE"
  serve
  assert_equal "$(cat "$PID_FILE")" "$SUPERVISOR"
}

@test "after a KILL the next supervisor ends the orphans and takes their sockets" {
  echo ignore | plan 1
  serve --port "127.0.0.1:$PORT" --path "$BATS_TEST_TMPDIR/s.sock"
  local orphan
  orphan=$(worker 1)
  kill -KILL "$SUPERVISOR"
  wait_until gone "$SUPERVISOR"
  run ! gone "$orphan"
  : >"$RECORD"
  answering
  launch --port "127.0.0.1:$PORT" --path "$BATS_TEST_TMPDIR/s.sock" --kill-timeout 2s
  wait_until grep -qx "$SUPERVISOR" "$PID_FILE" # the status file is a new one from here on
  wait_until state ready 1
  gone "$orphan"
  grep -q '^1 SIGTERM$' "$RECORD"
  assert_equal "$(ask "$PORT")" '3 1'
  assert_equal "$(ask "$BATS_TEST_TMPDIR/s.sock")" '4 1'
}

@test "a worker that had not come up when its supervisor was killed is an orphan, too" {
  echo 'await never' | plan 1
  launch --port "127.0.0.1:$PORT"
  wait_until recorded 1 start '[0-9]*'
  wait_until grep -q "^# starting=1:$(worker 1)\$" "$STATUS"
  local orphan
  orphan=$(worker 1)
  kill -KILL "$SUPERVISOR"
  wait_until gone "$SUPERVISOR"
  rm "$PLAN/1"
  serve --port "127.0.0.1:$PORT"
  gone "$orphan"
}

@test "a process that only has the number of an old worker is left alone" {
  mkdir "$ROOT/.dewy"
  sleep 100 3>&- &
  local stranger=$!
  printf '8:%d\n# state=ready gen=8\n' "$stranger" >"$STATUS"
  touch -d '1 hour ago' "$STATUS"
  serve
  kill "$stranger"
}

@test "the status file lists generations by number" {
  echo ignore | plan all
  serve --kill-timeout 1h
  local generation
  for generation in {2..11}; do
    signals HUP
    wait_until state ready "$generation"
  done
  run sed -n 's/:.*//p' "$STATUS"
  assert_output "$(printf '%s\n' {1..11})"
  signals TERM
  wait_until grep -q '^# state=stopping' "$STATUS"
  kill -KILL $(sed -n 's/^[0-9]*://p' "$STATUS")
  ended 0
}

@test "--log-file is appended to, and opened again on USR1" {
  echo before >"$ROOT/app.log"
  WORKER=(sh -c 'echo "to standard output"; echo "to standard error" >&2; exec sleep 1000')
  serve --interval 100ms --log-file "$ROOT/app.log"
  wait_until grep -q 'to standard error' "$ROOT/app.log"
  run cat "$ROOT/app.log"
  assert_line --index 0 before
  assert_line 'to standard output'
  assert_line 'to standard error'
  assert_line --partial 'Starting new worker generation="1"'
  assert_equal "$(cat "$LOG")" ''
  mv "$ROOT/app.log" "$ROOT/app.log.1"
  signals USR1
  wait_until grep -q 'Log file opened again' "$ROOT/app.log"
  signals HUP
  wait_until grep -q 'to standard output' "$ROOT/app.log"
}

@test "--log-file with a bar gives the output to a program, which is started again when it dies" {
  WORKER=(sh -c 'while :; do echo tick; sleep 0.1; done')
  serve --interval 100ms --log-file "| echo \$\$ >>'$ROOT/logger.pids'; exec sed -u 's/^/logged: /' >>'$ROOT/app.log'"
  wait_until grep -q '^logged: tick' "$ROOT/app.log"
  kill -KILL "$(head -n 1 "$ROOT/logger.pids")"
  wait_until eval '[ "$(wc -l <"$ROOT/logger.pids")" -ge 1 ]'
  two() { [ "$(wc -l <"$ROOT/logger.pids")" -eq 2 ]; }
  wait_until two
  state ready 1
  signals TERM
  ended 0
  wait_until gone "$(tail -n 1 "$ROOT/logger.pids")"
}

@test "the log can be JSON" {
  serve --log-format json
  signals TERM
  ended 0
  assert_equal "$(jq -r 'select(.msg == "Starting new worker") | .generation' "$LOG")" 1
}

@test "--daemonize returns once the sockets are bound and the pid file is written" {
  answering
  run -0 --separate-stderr dewy-serve --daemonize --port "127.0.0.1:$PORT" -- "${WORKER[@]}"
  assert_equal "$output$stderr" ''
  local pid
  pid=$(cat "$PID_FILE")
  run ! gone "$pid"
  grep -q '^# state=' "$STATUS"
  assert_equal "$(ask "$PORT")" '3 1' # waits in the backlog until the worker accepts
  assert_equal "$(readlink "/proc/$pid/fd/0")" /dev/null
  [[ $(readlink "/proc/$pid/fd/2") = pipe:* ]] # to the process that writes .dewy/serve.log
  [ "$(ps -o sid= -p "$pid")" != "$(ps -o sid= -p $$)" ]
  wait_until grep -q 'New worker is now running' "$ROOT/.dewy/serve.log"
}

@test "--daemonize lets go of the pipes of its caller" {
  timeout 20 sh -c 'dewy-serve --interval 100ms --daemonize "$@" 2>&1 9>&1 | cat' sh -- "${WORKER[@]}"
  wait_until state ready 1
}

@test "--daemonize with a program for the log lets go of the pipes of its caller" {
  timeout 20 sh -c 'dewy-serve --interval 100ms --daemonize --log-file "| cat >log" "$@" 2>&1 | cat' sh -- "${WORKER[@]}"
  wait_until state ready 1
}

@test "--daemonize tells its caller what went wrong" {
  serve --port "127.0.0.1:$PORT"
  run -6 dewy-serve --daemonize -- "${WORKER[@]}"
  assert_output --partial "another supervisor (pid $SUPERVISOR)"
  mkdir -m 755 "$BATS_TEST_TMPDIR/other"
  run -4 dewy-serve --root "$BATS_TEST_TMPDIR/other" --daemonize --port "127.0.0.1:$PORT" -- "${WORKER[@]}"
  assert_output --partial 'Address already in use'
  run -3 dewy-serve --root "$BATS_TEST_TMPDIR/other" --daemonize --status-file "$BATS_TEST_TMPDIR/no/status" -- "${WORKER[@]}"
  assert_output --partial "cannot open the directory $BATS_TEST_TMPDIR/no"
  run -3 dewy-serve --root "$BATS_TEST_TMPDIR/other" --daemonize --log-file "$BATS_TEST_TMPDIR/no/log" -- "${WORKER[@]}"
  [ ! -e "$BATS_TEST_TMPDIR/other/.dewy/serve.pid" ]
}

@test "relative paths begin where --daemonize was said" {
  cd "$BATS_TEST_TMPDIR"
  dewy-serve --interval 100ms --daemonize --pid-file here.pid --status-file here.status --log-file here.log --path s.sock \
    -- "${WORKER[@]}"
  STATUS=here.status
  wait_until state ready 1
  [ -S s.sock ]
  SUPERVISOR=$(cat here.pid)
  signals USR1
  wait_until grep -q 'Log file opened again' here.log
  signals TERM
  wait_until gone "$SUPERVISOR"
  [ ! -e s.sock ]
  [ ! -e here.pid ]
  [ ! -e here.status ]
}

@test "--daemonize --give-up leaves the reason in the status file" {
  echo 'exit 9' | plan 1
  dewy-serve --interval 1h --daemonize --give-up -- "${WORKER[@]}"
  wait_until state failed 1 'exit 9'
  no_pid_file() { [ ! -e "$PID_FILE" ]; }
  wait_until no_pid_file
}

@test "--restart waits for the new generation, and says when it failed" {
  serve
  run -0 timeout 20 dewy-serve --restart
  state ready 2
  echo 'exit 1' | plan 3
  run -4 timeout 20 dewy-serve --restart
  assert_output --partial 'generation 3 failed to start: exit 1'
  grep -q '^2:' "$STATUS"
}

@test "--restart says which worker has not ended, or that no generation is up, when the time is over" {
  echo ignore | plan 1
  serve --kill-timeout 1h
  wait_until recorded 1 did ignore
  local -a short=(--ready-timeout 100ms --kill-timeout 1ms --interval 0)
  run -6 timeout 60 dewy-serve --restart "${short[@]}"
  assert_output --partial "generation 2 serves, but 1 (pid $(worker 1)) has not ended yet"
  kill -KILL "$(worker 1)"
  echo 'await never' | plan 3
  run -6 timeout 60 dewy-serve --restart "${short[@]}"
  assert_output --partial 'no generation after 2 is up yet'
}

@test "--restart notices that the supervisor ended" {
  serve
  printf 'say STATUS=loading\nawait never\n' | plan 2
  timeout 60 dewy-serve --restart 2>"$BATS_TEST_TMPDIR/said" 3>&- &
  local restart=$!
  wait_until recorded 2 did say
  signals KILL
  kill -KILL "$(worker 1)" "$(worker 2)"
  local status=0
  wait $restart || status=$?
  assert_equal "$status" 4
  grep -q "the supervisor (pid $SUPERVISOR) ended" "$BATS_TEST_TMPDIR/said"
}

@test "--stop waits for the end, and finds nothing to do when none runs" {
  serve
  run -0 timeout 20 dewy-serve --stop
  gone "$SUPERVISOR"
  [ ! -e "$PID_FILE" ]
  run -0 timeout 20 dewy-serve --stop
  run -1 timeout 20 dewy-serve --restart
  assert_output --partial 'no supervisor holds the pid file'
}

@test "--restart waits for a generation after one that was about to begin when it asked" {
  cat >"$BATS_TEST_TMPDIR/supervisor.py" <<'EOF'
import fcntl, os, signal, sys, time
pid_file, status = sys.argv[1:]
def write(text):
    with open(status + ".new", "w") as file:
        file.write(text + "\n# program=0.1.0 executed=0\n")
    os.rename(status + ".new", status)
def on_hup(*_):
    write("3:%d\n# state=ready gen=3" % os.getpid())
    time.sleep(1)
    write("4:%d\n# state=ready gen=4" % os.getpid())
signal.signal(signal.SIGHUP, on_hup)
write("2:%d\n# state=starting gen=3" % os.getpid())
file = open(pid_file, "w")
fcntl.flock(file, fcntl.LOCK_EX)
file.write("%d\n" % os.getpid())
file.flush()
while True:
    time.sleep(60)
EOF
  mkdir -p "$ROOT/.dewy"
  python3 "$BATS_TEST_TMPDIR/supervisor.py" "$PID_FILE" "$STATUS" 3>&- &
  wait_until test -s "$PID_FILE"
  dewy-serve --restart
  state ready 4
}

@test "start_server --restart and --stop work on the files of dewy-serve" {
  serve
  timeout 30 start_server --restart --pid-file="$PID_FILE" --status-file="$STATUS"
  state ready 2
  timeout 30 start_server --stop --pid-file="$PID_FILE" 2>/dev/null
  wait_until gone "$SUPERVISOR"
  recorded 2 SIGTERM
}

@test "dewy-serve --restart and --stop work on the files of start_server" {
  echo silent | plan all
  local files=(--pid-file "$BATS_TEST_TMPDIR/perl.pid" --status-file "$BATS_TEST_TMPDIR/perl.status")
  start_server "${files[@]}" --interval=1 -- "${WORKER[@]}" 2>/dev/null 3>&- &
  PERL=$!
  wait_until test -s "$BATS_TEST_TMPDIR/perl.status"
  run -0 timeout 30 dewy-serve --restart "${files[@]}"
  wait_until grep -q '^2:' "$BATS_TEST_TMPDIR/perl.status"
  run -0 timeout 30 dewy-serve --stop "${files[@]}"
  wait_until gone "$PERL"
}

@test "a directory that others may write to is no ROOT" {
  chmod o+w "$ROOT"
  run -1 dewy-serve -- "${WORKER[@]}"
  assert_output --partial 'others may write to the root'
}

@test "--log-file - sends all to standard output, in the background, too, and not what is wrong at the start" {
  dewy-serve --log-file - --daemonize --interval 1h -- "${WORKER[@]}" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&-
  wait_until state ready 1
  grep -q 'Supervisor started' "$BATS_TEST_TMPDIR/out"
  [ ! -s "$BATS_TEST_TMPDIR/err" ]
  [ ! -e "$ROOT/-" ] && [ ! -e "$ROOT/.dewy/serve.log" ]
  run -6 --separate-stderr dewy-serve --log-file - --daemonize -- "${WORKER[@]}"
  assert_output ""
  [[ $stderr == *"another supervisor"* ]]
  dewy-serve --stop
}
