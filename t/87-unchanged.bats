# What a run with nothing to do takes: the processes it starts, the files it opens, the requests it makes.
load common
load github

prepare() {
  export DEWY_LOG_LEVEL=error
}

# traced COMMAND...: runs it, and writes to $FILES which files it opened how many times, and to $PROGRAMS how many processes it was,
# and what they ran. What is in the registry is left out, and what the C library reads to load programs and to look up names.
traced() {
  FILES=$BATS_TEST_TMPDIR/files PROGRAMS=$BATS_TEST_TMPDIR/programs
  strace -f -y -qq -s 4096 -e trace=open,openat,openat2,execve,clone,clone3,fork,vfork -o "$BATS_TEST_TMPDIR/strace" "$@" >/dev/null
  python3 - "$BATS_TEST_TMPDIR/strace" "$FILES" "$PROGRAMS" "$ROOT" "$REGISTRY" <<'IN'
import collections, os, re, sys
trace, files, programs, root, registry = sys.argv[1:]
opened, ran, processes = collections.Counter(), [], 1
for line in open(trace):
    call = re.search(r"open(?:at2?)?\((?:(?:AT_FDCWD|\d+)<([^>]*)>, )?\"([^\"]*)\"", line)
    if call:
        path = os.path.normpath(os.path.join(call[1] or "/", call[2]))
        opened[path.replace(root, "ROOT")] += 1
    program = re.search(r"execve\(\"([^\"]*)", line)
    if program:
        ran.append(os.path.basename(program[1]))
    if re.search(r"(clone3?|v?fork)(\(| resumed)", line) and "CLONE_THREAD" not in line and re.search(r"= \d+$", line):
        processes += 1
left_out = re.escape(registry) + r"(/.*)?|.*\.so(\.[.0-9]*)?|/etc/(ld\.so\.cache|(host|resolv|nsswitch|gai)\.conf|hosts)"
with open(files, "w") as out:
    for path in sorted(path for path in opened if not re.fullmatch(left_out, path)):
        print(opened[path], re.sub(r"\d{8}T\d{6}Z\.json", "RELEASE.json", path), file=out)
with open(programs, "w") as out:
    print(processes, *ran, file=out)
IN
}

# assert_opened LINE...: those files were opened, as COUNT PATH, and no other.
assert_opened() {
  printf '%s\n' "$@" | LC_ALL=C sort -k 2 | diff - "$FILES"
}

# Each file once, but for ROOT itself, which each of the two processes opens.
IN_ROOT=("2 ROOT" "2 ROOT/.dewy" "2 ROOT/releases" "1 ROOT/.dewy/lock" "1 ROOT/.dewy/releases/RELEASE.json"
  "1 ROOT/.dewy/rejected.json" "1 ROOT/.dewy/cache" "1 ROOT/.dewy/cache/current" "1 ROOT/.dewy/notify.json")

@test "nothing to do in a directory is two processes, and opens nothing but what is in ROOT and the registry" {
  ! sanitized || skip "valgrind has files and processes of its own"
  publish v1.0.0
  export DEWY_REGISTRY=file://$REGISTRY
  dewy once >/dev/null
  traced dewy once
  assert_equal "$(cat "$PROGRAMS")" "2 dewy dewy-check"
  assert_opened "${IN_ROOT[@]}"
}

@test "nothing to do at GitHub is two processes and one request, and of all authorities, the one in question is read" {
  local hash
  ! sanitized || skip "valgrind has files and processes of its own"
  need_private_mounts
  GITHUB=$BATS_TEST_TMPDIR/github REGISTRY=$GITHUB/repos/acme/app
  github_repository acme/app
  publish v1.0.0
  export GH_TOKEN=ghp_read DEWY_REGISTRY=ghr://acme/app
  export -f traced
  export ROOT REGISTRY
  as_github bash -euc 'openssl rehash /etc/ssl/certs
    for run in 1 2; do dewy once >/dev/null; done # that the download was counted is a change
    wc -l <"$1/github/requests" >"$1/before"
    traced dewy once' bash "$BATS_TEST_TMPDIR"
  assert_equal "$(tail -n +$(($(cat "$BATS_TEST_TMPDIR/before") + 1)) "$GITHUB/requests" | jq -r '"\(.path) \(.status)"')" \
    "/repos/acme/app/releases?per_page=100 304"
  FILES=$BATS_TEST_TMPDIR/files
  assert_equal "$(cat "$BATS_TEST_TMPDIR/programs")" "2 dewy dewy-check-remote"
  hash=$(openssl x509 -hash -noout -in "$BATS_TEST_TMPDIR/github.crt")
  # OpenSSL reads its configuration, and the time zone, to compare times with.
  assert_opened "${IN_ROOT[@]}" "1 ROOT/.dewy/registry.json" "1 /etc/ssl/certs" "1 /etc/ssl/certs/$hash.0" "1 /etc/localtime" \
    "1 /usr/lib/ssl/openssl.cnf"
}
