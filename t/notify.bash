# What the tests of dewy-notify share: documents, notices, and web servers that are told. They work in $BATS_TEST_TMPDIR.
cleanup() {
  local pid
  for pid in "${servers[@]}"; do stop_pid "$pid"; done
}

prepare() {
  cd "$BATS_TEST_TMPDIR"
  servers=()
  unset WEBHOOK_SECRET WEBHOOK_SECRET_FILE CURL_CA_BUNDLE SSL_CERT_FILE
}

# serve NAME ARGUMENT...: starts a web server that keeps its files in $BATS_TEST_TMPDIR/NAME; sets $port.
serve() {
  local dir=$BATS_TEST_TMPDIR/$1
  mkdir "$dir"
  "$BATS_TEST_DIRNAME/webserver.py" "$dir" "${@:2}" >/dev/null 3>&- &
  servers+=($!)
  wait_until test -s "$dir/port"
  port=$(cat "$dir/port")
}

# document STATE [JQ-FILTER]: prints a document of this ROOT.
document() {
  jq -nc --arg root "$ROOT" --arg state "$1" '{
    dewy: 1, id: "20240115T103044Z-7f3a91", app: "root", host: "Web-1", root: $root, mode: "server", state: $state,
    registry: "file:///nowhere", release: {version: "v1.2.3"}, extra: {kept: [1, null]}, notices: []} | '"${2:-.}"
}

# notice STAGE KIND TEXT: prints a jq filter that adds a notice.
notice() {
  jq -nr --arg stage "$1" --arg kind "$2" --arg text "$3" \
    '{time: "2024-01-15T10:30:45Z", stage: $stage, kind: $kind, text: $text, sent: false} | ".notices += [" + tojson + "]"'
}

# failed ID: prints a document that failed in that run.
failed() {
  document failed ".id = \"$1\" | .error = {stage: \"fetch\", code: \"network\", message: \"cannot reach x\", hint: \"check it\"} |
    $(notice fetch error 'cannot reach x')"
}

# texts NAME: what the web server was told, one text a line, and line breaks as \n.
texts() {
  jq -c '.body | fromjson | .text' "$BATS_TEST_TMPDIR/$1/requests" 2>/dev/null || true
}

notify() {
  run --separate-stderr dewy-notify --no-report "$@"
}
