#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The benchmark, as small as it goes: the form of its table, and what it refuses. No test looks at a time.
load common
BATS_TEST_TIMEOUT=600 # machines may be under load

prepare() {
  export BENCH_SIZE=small BENCH_ROUNDS=1 BENCH_INPUTS=$BATS_TEST_TMPDIR/inputs
  need_private_mounts
}

# bench SECTION...: runs these sections.
bench() {
  BENCH="$*" DEWY_BIN=${TOOLS:-$DEWY_BIN} run --separate-stderr "$BATS_TEST_DIRNAME/../bench/run"
}

# replace TOOL: has the tools under test in $TOOLS, but for this one, which is what comes in.
replace() {
  TOOLS=$BATS_TEST_TMPDIR/tools/bin
  mkdir -p "$TOOLS"
  ln -s "$DEWY_BIN"/dewy* "$TOOLS"
  rm -f "$TOOLS/$1"
  cat >"$TOOLS/$1"
  chmod 755 "$TOOLS/$1"
}

nobody_left() {
  ! grep -slF "$BENCH_INPUTS/small/work." /proc/[0-9]*/cmdline
}

# nothing_left: no directory of the run that ended, and no process that was started in it.
nothing_left() {
  assert_equal "$(find "$BENCH_INPUTS" -name 'work.*')" ""
  wait_until nobody_left # what was killed may still be ending
}

@test "the benchmark prints a row with medians and ratios for dewy and each competitor, and keeps the table" {
  bench # all sections
  assert_success
  for section in start no-op: download: extract: whole: restart: growth:; do
    assert_line --regexp "^$section"
  done
  number='[0-9,.]+' ratio='[0-9.]+ \([0-9.]+-[0-9.]+\)'
  assert_line --regexp '^dewy [0-9.]+, small inputs, 1 rounds, '
  assert_line --regexp '^ +wall ms +CPU ms +RSS MB +wall, dewy/it +CPU, dewy/it +goal$'
  assert_line --regexp "^  empty process +$number +$number +$number$"
  assert_line --regexp "^  dewy-fetch +$number +$number +$number +rss <= 16 (met|missed)$"
  assert_line --regexp "^  curl && sha256sum +$number +$number +$number  $ratio +$ratio +wall <= 0.25 (met|missed)$"
  assert_line --regexp "^  start_server +$number +$number +$number  $ratio +$ratio$"
  assert_line --regexp '^Goals: [0-9]+ met, [0-9]+ missed$'
  assert_equal "$output" "$(cat "$BENCH_INPUTS/small/table")"
  nothing_left
}

@test "the benchmark fails when a competitor does" {
  replace bsdtar <<<$'#!/bin/sh\necho "no space" >&2; exit 3'
  bench extract
  assert_failure 1
  assert_equal "$stderr" "bench: bsdtar: exit status 3: no space"
  nothing_left
}

@test "the benchmark fails when what dewy says it has deployed is not what was in the archive" {
  replace dewy-deploy <<IN
#!/bin/sh
"$DEWY_BIN/dewy-deploy" "\$@" && echo "// changed" >"\$2/current/000/00/file00.js"
IN
  bench extract
  assert_failure 1
  assert_regex "$stderr" '^bench: .*/dewy-deploy[0-9]+/current: .*, and not '
  nothing_left
}

@test "the benchmark compares another tool's deployment with what it should be" {
  for BENCH_OTHER in true 'curl -sSf %URL% -o %DIRECTORY%/artifact'; do
    export BENCH_OTHER
    bench whole
    assert_failure 1
    assert_regex "$stderr" '^bench: .*/BENCH_OTHER[0-9]+: .*, and not '
  done
  nothing_left
}

@test "a benchmark that is told to end, even twice, ends all that it has started" {
  BENCH=noop "$BATS_TEST_DIRNAME/../bench/run" >/dev/null 2>&1 3>&- &
  pid=$!
  wait_until grep -rqs dewy "$BENCH_INPUTS/small" --include=requests
  kill $pid
  kill $pid || true # unless the first one has done it
  status=0
  wait $pid || status=$?
  assert_equal $status 1
  nothing_left
}

@test "the benchmark says what is wrong with its settings, and leaves the last table alone" {
  mkdir -p "$BENCH_INPUTS/small"
  echo before >"$BENCH_INPUTS/small/table"
  refused() {
    assert_failure 1
    assert_equal "$stderr" "bench: $1"
    assert_equal "$(cat "$BENCH_INPUTS/small/table")" before
    nothing_left
  }
  BENCH_SIZE=tiny bench start
  refused "BENCH_SIZE is full or small, and not tiny"
  BENCH_ROUNDS=0 bench start
  refused "BENCH_ROUNDS is a number above 0, and not 0"
  BENCH_ROUNDS=some bench start
  refused "BENCH_ROUNDS is a number above 0, and not some"
  bench noop:file
  refused "noop has no parts, which only these have: extract whole growth"
  bench growth:sideways
  refused "growth has no part with sideways in its name"
}

@test "the benchmark names the sections there are when one is unknown" {
  bench start finish
  assert_failure 1
  assert_equal "$stderr" "bench: there is no section finish: start noop download extract whole restart growth"
}
