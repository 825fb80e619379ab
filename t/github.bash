# What the tests that ask GitHub share: t/github.py, a stand-in for it in $BATS_TEST_TMPDIR/github.

# github_repository OWNER/REPO [MEMBERS]: makes a repository; MEMBERS are those of .repo.json.
github_repository() {
  mkdir -p "$GITHUB/repos/$1"
  [ -z "${2:-}" ] || echo "$2" >"$GITHUB/repos/$1/.repo.json"
}

# github_release OWNER/REPO VERSION [MEMBERS] [ARTIFACT...]: makes a release for the next start or reload; MEMBERS are those of
# .release.json, and each ARTIFACT is a small file.
github_release() {
  local directory=$GITHUB/repos/$1/$2 version=$2 members=${3:-} artifact
  shift $(($# < 3 ? $# : 3))
  mkdir -p "$directory"
  [ -z "$members" ] || echo "$members" >"$directory/.release.json"
  for artifact; do
    echo "$artifact of $version" >"$directory/$artifact"
  done
}

# start_github OPTION...: starts it on a free port, and sets PORT and API, its address.
start_github() {
  python3 "$BATS_TEST_DIRNAME/github.py" "$GITHUB" "$@" >/dev/null 2>"$BATS_TEST_TMPDIR/github.err" 3>&- &
  echo $! >"$BATS_TEST_TMPDIR/github.pid"
  wait_until test -e "$GITHUB/port"
  PORT=$(cat "$GITHUB/port")
  API=http://127.0.0.1:$PORT
}

# github_control ACTION [BODY]: what the stand-in is told: "reload", "faults", "rate", "settings".
github_control() {
  curl -sSf -X POST "$API/_control/$1" -d "${2:-}"
}

# github_requests [JQ-FILTER]: the requests that came so far, one a line.
github_requests() {
  jq -rc "${1:-.}" "$GITHUB/requests"
}

# as_github COMMAND...: runs it where api.github.com and GitHub's other hosts are the stand-in, started there with a certificate
# that is trusted there, and nothing else can be reached.
as_github() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=stand-in for GitHub" \
    -addext subjectAltName=DNS:github.com,DNS:*.github.com,DNS:*.githubusercontent.com \
    -keyout "$BATS_TEST_TMPDIR/github.key" -out "$BATS_TEST_TMPDIR/github.crt" 2>/dev/null
  echo "127.0.0.1 localhost github.com api.github.com uploads.github.com objects.githubusercontent.com" >"$BATS_TEST_TMPDIR/hosts"
  in_private_mounts unshare -n bash -euc '
    tmp=$1 stand_in=$2
    shift 2
    mount --bind "$tmp/hosts" /etc/hosts
    mount -t tmpfs certificates /etc/ssl/certs
    cp "$tmp/github.crt" /etc/ssl/certs/ca-certificates.crt
    ip link set lo up
    python3 "$stand_in" "$tmp/github" --port 443 --tls "$tmp/github.crt" "$tmp/github.key" >"$tmp/github.out" 2>&1 3>&- &
    trap "kill $!" EXIT
    until grep -q READY "$tmp/github.out"; do
      kill -0 $!
      sleep 0.02
    done
    "$@"' as_github "$BATS_TEST_TMPDIR" "$BATS_TEST_DIRNAME/github.py" "$@"
}
