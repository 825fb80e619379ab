#!/usr/bin/env bats
# dewy-serve: real servers run under it unchanged, and no request fails while they are replaced, unless the server drops it itself.
load common
load serve

BATS_TEST_TIMEOUT=600 # machines may be under load

prepare() {
  serve_prepare
  PORT=$(free_port)
  STOP=$BATS_TEST_TMPDIR/stop
  RESULT=$BATS_TEST_TMPDIR/result
}

needs() {
  command -v "$1" >/dev/null || skip "$1 is not installed"
}

# plack: sets APPLICATION to a Plack application.
plack() {
  APPLICATION=$BATS_TEST_TMPDIR/app.psgi
  cat >"$APPLICATION" <<'EOF'
sub { [200, ['Content-Type' => 'text/plain'], ["generation $ENV{SERVER_STARTER_GENERATION}\n"]] }
EOF
}

# alone: true when one generation is left.
alone() {
  [ "$(grep -c '^[0-9]' "$STATUS")" -eq 1 ]
}

# answered COUNT: true when the load got that many answers.
answered() {
  [ "$(sed -n 's/^answered //p' "$RESULT")" -ge "$1" ]
}

# replaced_under_load OPTION...: runs WORKER, and sends three HUPs under load, each followed by at least 300 more answers. What
# became of all requests is in $output then.
replaced_under_load() {
  launch --port "127.0.0.1:$PORT" --kill-timeout 20s "$@"
  wait_until state ready 1
  wait_until curl -sf "http://127.0.0.1:$PORT/"
  "$BATS_TEST_DIRNAME/serve-load.py" "$PORT" "$STOP" "$RESULT" 3>&- &
  local load=$! generation
  wait_until answered 100
  for generation in 2 3 4; do
    signals HUP
    wait_until state ready "$generation"
    wait_until answered $(($(sed -n 's/^answered //p' "$RESULT") + 300))
    wait_until alone
  done
  touch "$STOP"
  wait "$load"
  signals TERM
  ended 0
  run ! grep -q 'sending KILL' "$LOG"
  run cat "$RESULT"
  assert_line 'end'
}

# under_load OPTION...: the same, and not one request may fail.
under_load() {
  replaced_under_load "$@"
  assert_line 'failed 0'
}

@test "Starlet finds its socket in SERVER_STARTER_PORT and loses no request" {
  needs plackup
  plack
  WORKER=(plackup -E production -s Starlet --max-workers=2 "$APPLICATION")
  under_load --interval 2s
}

# The interval may be shorter than Starlet takes to begin: then requests wait in the backlog, and none may be lost there, either.
@test "wrk with 20 connections sees no error of Starlet in 50 restarts" {
  needs plackup
  needs wrk
  plack
  WORKER=(plackup -E production -s Starlet --max-workers=4 --max-reqs-per-child=100000 "$APPLICATION")
  launch --port "127.0.0.1:$PORT" --interval 200ms --kill-timeout 20s
  wait_until state ready 1
  wait_until curl -sf --max-time 10 "http://127.0.0.1:$PORT/"
  wrk --threads 2 --connections 20 --duration "${BATS_TEST_TIMEOUT}s" --timeout 20s "http://127.0.0.1:$PORT/" >"$RESULT" 2>&1 3>&- &
  local load=$! generation
  echo $load >"$BATS_TEST_TMPDIR/load.pid" # ended by teardown
  for generation in {2..51}; do
    signals HUP
    wait_until state ready "$generation"
    wait_until alone
    run ! gone "$load"
  done
  kill -INT "$load"
  wait "$load"
  rm "$BATS_TEST_TMPDIR/load.pid"
  run cat "$RESULT"
  assert_line --regexp '[0-9]+ requests in '
  [ "$(sed -nE 's/^ *([0-9]+) requests in .*/\1/p' "$RESULT")" -ge 1000 ]
  refute_output --partial 'Socket errors'
  refute_output --partial 'Non-2xx'
  signals TERM
  ended 0
  run ! grep -qE 'sending KILL|failed to start' "$LOG"
}

# On QUIT, Starman's parent sends HUP to its children, and one that has just accepted a connection then ends without reading from it,
# whoever supervises them. Nothing else is lost: that is at most one connection of each of the 2 children that end at each of 3 HUPs.
@test "Starman finds its socket in SERVER_STARTER_PORT, and loses only what its own children drop when QUIT tells them to end" {
  needs starman
  plack
  WORKER=(starman --workers 2 "$APPLICATION")
  replaced_under_load --interval 2s --signal-on-hup QUIT --signal-on-term QUIT
  refute_line --regexp '^[A-Z].*(refused|timed out|HTTP)'
  [ "$(sed -n 's/^failed //p' "$RESULT")" -le 6 ]
}

@test "Twiggy finds its socket in SERVER_STARTER_PORT and loses no request when QUIT tells it to end" {
  needs twiggy
  plack
  WORKER=(plackup -E production -s Twiggy "$APPLICATION")
  under_load --interval 2s --signal-on-hup QUIT --signal-on-term QUIT
}

@test "h2o finds its socket in SERVER_STARTER_PORT and loses no request" {
  needs h2o
  mkdir "$BATS_TEST_TMPDIR/htdocs"
  echo hello >"$BATS_TEST_TMPDIR/htdocs/index.html"
  cat >"$BATS_TEST_TMPDIR/h2o.conf" <<EOF
num-threads: 2
user: $(id -un)
listen:
  host: 127.0.0.1
  port: $PORT
hosts:
  default:
    paths:
      /:
        file.dir: $BATS_TEST_TMPDIR/htdocs
EOF
  WORKER=(h2o -c "$BATS_TEST_TMPDIR/h2o.conf")
  under_load --interval 1s
}

@test "gunicorn finds its socket in LISTEN_FDS, says READY=1 and loses no request" {
  needs gunicorn
  cat >"$BATS_TEST_TMPDIR/application.py" <<'EOF'
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "6")])
    return [b"hello\n"]
EOF
  WORKER=(gunicorn --chdir "$BATS_TEST_TMPDIR" --workers 2 --threads 2 --worker-tmp-dir "$BATS_TEST_TMPDIR" application)
  under_load --interval 1h
}

@test "lighttpd finds its socket in LISTEN_FDS and loses no request when INT tells it to end" {
  needs lighttpd
  mkdir "$BATS_TEST_TMPDIR/htdocs"
  echo hello >"$BATS_TEST_TMPDIR/htdocs/index.html"
  cat >"$BATS_TEST_TMPDIR/lighttpd.conf" <<EOF
server.document-root = "$BATS_TEST_TMPDIR/htdocs"
server.bind = "127.0.0.1"
server.port = $PORT
server.systemd-socket-activation = "enable"
index-file.names = ( "index.html" )
EOF
  WORKER=(lighttpd -D -f "$BATS_TEST_TMPDIR/lighttpd.conf")
  under_load --interval 1s --signal-on-hup INT --signal-on-term INT
}

# With queue_requests, Puma closes a connection that nothing has come from yet when it is told to end, whoever supervises it.
@test "Puma finds its socket in LISTEN_FDS, says READY=1 and loses no request" {
  needs puma
  echo 'queue_requests false' >"$BATS_TEST_TMPDIR/puma.rb"
  echo 'run lambda { |env| [200, {"Content-Type" => "text/plain", "Content-Length" => "6"}, ["hello\n"]] }' >"$BATS_TEST_TMPDIR/config.ru"
  WORKER=(puma --config "$BATS_TEST_TMPDIR/puma.rb" --environment production --bind "tcp://127.0.0.1:$PORT" --threads 2:4
    "$BATS_TEST_TMPDIR/config.ru")
  under_load --interval 1h
}

@test "a Python server that knows nothing but the descriptor of =FD works" {
  cat >"$BATS_TEST_TMPDIR/server.py" <<'EOF'
import http.server, socket
class Server(http.server.ThreadingHTTPServer):
    def server_bind(self):
        self.socket.close()
        self.socket = socket.socket(fileno=12)
        self.server_address = self.socket.getsockname()
    def server_activate(self):
        pass
Server(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler).serve_forever()
EOF
  WORKER=(/usr/bin/python3 -I "$BATS_TEST_TMPDIR/server.py")
  serve --interval 100ms --port "127.0.0.1:$PORT=12"
  wait_until curl -sf -o /dev/null "http://127.0.0.1:$PORT/"
}
