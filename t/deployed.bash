# What tests need that look at a ROOT on which something is deployed already.

# check [OPTION...]: runs dewy-check on $REGISTRY.
check() {
  dewy-check --registry "file://$REGISTRY" "$@"
}

# deployed VERSION [STATE]: makes ROOT look as if the newest release, which VERSION must be, had been deployed, and its run had
# come to STATE.
deployed() {
  local stamp=20240115T103045Z record
  record=$ROOT/.dewy/releases/$stamp.json
  mkdir -p "$ROOT/releases/$stamp" "$ROOT/.dewy/releases"
  check --force 2>/dev/null | dewy-fetch 2>/dev/null | jq -c --arg state "${2:-running}" '.state = $state' >"$record"
  [ "$(jq -r .release.version "$record")" = "$1" ]
  ln -sfn "releases/$stamp" "$ROOT/current"
}

# reject VERSION [ABOVE]: writes rejected.json.
reject() {
  mkdir -p "$ROOT/.dewy"
  jq -n --arg version "$1" --arg above "${2-}" \
    '{versions: [{version: $version, reason: "did not start", at: "2024-01-15T10:31:15Z"} +
      if $above == "" then {} else {above: $above} end]}' >"$ROOT/.dewy/rejected.json"
}

# failed_to_start KEY TIMES NEXT: writes attempts.json; NEXT is a time as date(1) takes it.
failed_to_start() {
  jq -n --arg key "$1" --argjson failures "$2" --arg next "$(date -u -d "$3" +%FT%TZ)" \
    '{cache_key: $key, failures: $failures, next_at: $next}' >"$ROOT/.dewy/attempts.json"
}

# supervisor_runs: holds the pid file as a supervisor does, until the test is over.
supervisor_runs() {
  mkdir -p "$ROOT/.dewy"
  (
    flock -x 9
    echo "$BASHPID" >&9
    exec sleep 600 3>&-
  ) 9>"$ROOT/.dewy/serve.pid" &
  wait_until test -s "$ROOT/.dewy/serve.pid"
}
