#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# dewy-notify: what it does with the document, the log and the registry.
load common
load notify

@test "a document without notices passes through, and nothing is created" {
  document unchanged >in
  notify <in
  assert_success
  assert_equal "$(jq -cS . <<<"$output")" "$(jq -cS . in)"
  assert_equal "$stderr" ""
  assert [ ! -e "$ROOT/.dewy" ]
}

@test "notices go to the log, and are sent with that when there is no other channel" {
  notify < <(document running "$(notice fetch progress 'Downloaded artifact for v1.2.3') | $(notice restart important 'Server restarted for v1.2.3') |
    $(notice deploy important 'Deployed v1.2.3 in 4.2s')")
  assert_success
  assert_equal "$(field 'notices | map(.sent) | all')" true
  assert_document
  assert_equal "$(field 'extra.kept | tojson')" '[1,null]'
  assert_regex "${stderr_lines[0]}" ' INFO: Download notification message="Downloaded artifact for v1.2.3"$'
  assert_regex "${stderr_lines[1]}" ' INFO: Restart notification message="Server restarted for v1.2.3"$'
  assert_regex "${stderr_lines[2]}" ' INFO: Notification message="Deployed v1.2.3 in 4.2s"$'
}

@test "what a stage has logged is not repeated: errors and hooks are in the log at debug only, everything else once" {
  failed one | jq -c "$(notice deploy hook 'before-deploy hook failed in 1s: false') | $(notice fetch progress news)" >in
  notify --log-level debug <in
  assert_regex "${stderr_lines[0]}" ' DEBUG: Download notification message="Error occurred \(count: 1\): \[fetch\] cannot reach x. Check it"$'
  assert_regex "${stderr_lines[1]}" ' DEBUG: Notification message="before-deploy hook failed in 1s: false"$'
  assert_regex "${stderr_lines[2]}" ' INFO: Download notification message="news"$'
  notify <<<"$output"
  assert_equal "$stderr" ""
  mv "$REGISTRY" "$REGISTRY.gone"
  run -2 --separate-stderr dewy once --registry "file://$REGISTRY"
  assert_equal "$(grep -c 'no such directory\|cannot' <<<"$stderr")" 1
}

@test "notifiers that cannot be are refused with what is accepted" {
  local url
  for url in slackk://general exec: exec:%20 'exec:true?quite=true' nonsense https:///path 'https://example.com/?quiet=perhaps' 'https://example.com/%zz'; do
    notify --notifier "$url" < <(document running)
    assert_failure 1
    assert_equal "$output" ""
    assert_regex "$stderr" '^dewy-notify: --notifier 1.*: .*; '
  done
  notify --notifier gopher://example.com/T0KEN < <(document running)
  assert_regex "$stderr" 'unknown scheme gopher:; use one of exec:, .*http://, https://'
  refute_regex "$stderr" T0KEN
  for url in slack:general mail:ops@example.com T0KEN sendmail; do
    notify --notifier "$url" < <(document running)
    assert_regex "$stderr" 'not a URL: expected SCHEME:.*; use one of exec:, .*sendmail:, slack://$'
    refute_regex "$stderr" T0KEN
  done
}

@test "the document's own exit status is passed on" {
  notify < <(failed one)
  assert_failure 2
  notify < <(document rolled_back)
  assert_failure 4
}

@test "a text from outside forges no log line" {
  notify < <(document running "$(notice deploy important $'one\n2024-01-15T10:30:45Z ERROR: two')")
  assert_success
  assert_equal "${#stderr_lines[@]}" 1
}

# deployed: makes ROOT look as if the document on standard input had been deployed, and prints it.
deployed() {
  local name=20240115T103045Z
  mkdir -p "$ROOT/releases/$name" "$ROOT/.dewy/releases"
  ln -sfn "releases/$name" "$ROOT/current"
  tee "$ROOT/.dewy/releases/$name.json"
}

# shipped FILTER: notifies of a running document in the file registry, and prints the names of the audit records.
shipped() {
  mkdir -p "$ROOT/.dewy" "$REGISTRY/v1.2.3"
  document running ".registry = \"file://$REGISTRY\" | ${1:-.}" | deployed >in
  run --separate-stderr dewy-notify <in
  assert_success
  (cd "$REGISTRY/v1.2.3" && ls)
}

@test "a deployment leaves an audit record in the registry, once" {
  run shipped
  assert_output --regexp '^shipped_to_web-1_server_at_[0-9]{8}T[0-9]{6}\.[0-9]{9}Z\.txt$'
  assert_equal "$(cat "$REGISTRY/v1.2.3/$output" | tr ' ' _).txt" "$output"
  run shipped '.report.sent = true'
  assert_equal "${#lines[@]}" 1
  run shipped '.deploy.reused = true'
  assert_equal "${#lines[@]}" 1
  run shipped '.state = "unchanged"'
  assert_equal "${#lines[@]}" 1
  run shipped '.host = "../../x y"'
  assert_equal "${#lines[@]}" 2
  assert_output --partial 'shipped_to_..-..-x-y_server_at_'
}

@test "the document says that the audit record was written" {
  mkdir -p "$ROOT/.dewy" "$REGISTRY/v1.2.3"
  document deployed ".mode = \"assets\" | .registry = \"file://$REGISTRY\"" | deployed >in
  run --separate-stderr dewy-notify <in
  assert_success
  assert_equal "$(field report.sent)" true
  notify < <(document deployed ".mode = \"assets\" | .registry = \"file://$REGISTRY\"")
  assert_equal "$(field report)" null
}

@test "an audit record that cannot be written is a warning" {
  mkdir "$ROOT/.dewy"
  document running '.registry = "nowhere://x"' | deployed >in
  run --separate-stderr dewy-notify <in
  assert_success
  assert_regex "$stderr" 'WARN: Audit record failed registry="nowhere://x"'
  assert_equal "$(field report)" null
}

@test "that the registry refuses the audit record is said once" {
  need_private_mounts
  mkdir "$ROOT/.dewy"
  mkdir "$REGISTRY/v1.2.3"
  local level
  document running ".registry = \"file://$REGISTRY\"" | deployed >in
  for level in WARN DEBUG; do
    run --separate-stderr in_private_mounts sh -c \
      'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && exec dewy-notify --log-level debug' sh "$REGISTRY" <in
    assert_success
    assert_regex "$stderr" "$level: Audit record refused registry=\"file://$REGISTRY\""
    assert_equal "$(field report)" null
    assert_equal "$(jq -r .report_refused "$ROOT/.dewy/registry.json")" "file://$REGISTRY"
  done
  run shipped
  assert_equal "${#lines[@]}" 1
  assert_equal "$(jq -c . "$ROOT/.dewy/registry.json")" '{}'
}

@test "a document of something that is not deployed leaves no audit record anywhere" {
  mkdir -p "$ROOT/.dewy" "$REGISTRY/v1.2.3" "$BATS_TEST_TMPDIR/elsewhere/v1.2.3"
  document running ".registry = \"file://$REGISTRY\"" | deployed >/dev/null
  run --separate-stderr dewy-notify < <(document running ".registry = \"file://$BATS_TEST_TMPDIR/elsewhere\"")
  assert_success
  assert_equal "$(field report.sent)" null
  assert_equal "$(find "$BATS_TEST_TMPDIR/elsewhere" "$REGISTRY" -type f)" ""
}
