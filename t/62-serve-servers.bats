#!/usr/bin/env bats
# dewy-serve: real servers run under it unchanged, and no request fails while they are replaced.
load common
load serve

prepare() {
  serve_prepare
  PORT=$(free_port)
  STOP=$BATS_TEST_TMPDIR/stop
  RESULT=$BATS_TEST_TMPDIR/result
}

needs() {
  command -v "$1" >/dev/null || skip "$1 is not installed"
}

# answered COUNT: true when the load got that many answers.
answered() {
  [ "$(sed -n 's/^answered //p' "$RESULT")" -ge "$1" ]
}

# under_load OPTION...: runs WORKER, sends three HUPs under load, each followed by at least 300 more answers.
under_load() {
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
    alone() { [ "$(grep -c '^[0-9]' "$STATUS")" -eq 1 ]; }
    wait_until alone
  done
  touch "$STOP"
  wait "$load"
  run cat "$RESULT"
  assert_line 'failed 0'
  assert_line 'end'
  signals TERM
  ended 0
  run ! grep -q 'sending KILL' "$LOG"
}

@test "Starlet finds its socket in SERVER_STARTER_PORT and loses no request" {
  needs plackup
  cat >"$BATS_TEST_TMPDIR/app.psgi" <<'EOF'
sub { [200, ['Content-Type' => 'text/plain'], ["generation $ENV{SERVER_STARTER_GENERATION}\n"]] }
EOF
  WORKER=(plackup -E production -s Starlet --max-workers=2 "$BATS_TEST_TMPDIR/app.psgi")
  under_load --interval 2s
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
