# What the tests of who is told share: documents, and dewy-notify.

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

# notify OPTION...: runs dewy-notify with the document on standard input.
notify() {
  run --separate-stderr dewy-notify --no-report "$@"
}
