load common
load github

BATS_TEST_TIMEOUT=600 # machines may be under load

prepare() {
  export DEWY_REGISTRY=file://$REGISTRY DEWY_LOG_LEVEL=error
}

@test "a reader that opens current in a loop during 40 deployments never sees it missing or incomplete" {
  publish v1.0.0
  dewy once >/dev/null
  python3 - "$ROOT" "$BATS_TEST_TMPDIR" 3>&- <<'IN' &
import os, sys
root, directory = sys.argv[1:]
seen, count = set(), 0
while not os.path.exists(directory + "/enough"):
    fd = os.open(root + "/current", os.O_PATH | os.O_DIRECTORY)
    with open(os.open("version", os.O_RDONLY, dir_fd=fd)) as file:
        version = file.read()
    assert version.endswith("\n"), version
    assert sorted(os.listdir("/proc/self/fd/%d" % fd)) == ["run", "version"], version
    os.close(fd)
    seen.add(version)
    count += 1
    if count == 1:
        open(directory + "/reading", "w").close()
with open(directory + "/seen", "w") as file:
    print(len(seen), count, file=file)
IN
  reader=$!
  wait_until test -e "$BATS_TEST_TMPDIR/reading"
  for minor in $(seq 40); do
    publish v1.$minor.0
    dewy once >/dev/null
  done
  touch "$BATS_TEST_TMPDIR/enough"
  wait $reader
  read -r seen count <"$BATS_TEST_TMPDIR/seen"
  [ "$seen" -gt 1 ] && [ "$count" -gt 40 ]
}

# peak COMMAND...: prints the largest resident set in KiB of the command and its children, each taken for itself.
peak() {
  python3 - "$@" <<'IN'
import os, resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
IN
}

# publish_large VERSION FILES SIZE: publishes a tar.gz of FILES files with SIZE bytes each (a multiple of 512) that cannot be
# compressed; the same gzip member serves for all of them.
publish_large() {
  mkdir "$REGISTRY/$1"
  python3 - "$REGISTRY/$1/app_linux_amd64.tar.gz" "$2" "$3" <<'IN'
import gzip, os, sys, tarfile
path, files, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
data = gzip.compress(os.urandom(size), 1)
with open(path, "wb") as archive:
    for number in range(files):
        header = tarfile.TarInfo("data%d" % number)
        header.size = size
        archive.write(gzip.compress(header.tobuf()) + data)
    archive.write(gzip.compress(bytes(1024)))
IN
}

@test "the memory of a deployment is the same for 2 MB and for 300 MB, and under 40 MiB" {
  ! sanitized || skip "the sanitizer has memory of its own"
  publish_large v1.0.0 1 2000384
  small=$(peak dewy once)
  publish_large v1.1.0 30 10000384
  large=$(peak dewy once)
  [ "$(du -Lb --max-depth=0 "$ROOT/current/" | cut -f 1)" -gt 300000000 ]
  echo "small: $small KiB, large: $large KiB"
  [ "$large" -lt 40960 ]
  [ "$large" -lt $((small + small / 5)) ]
}

# CALLGRIND=FILE PROGRAM...: counts the instructions of that program into FILE; counted FILE prints the number. It goes before what
# runs beside it, where that may be: a connection has 10 s to come about.
CALLGRIND=(nice -n -10 valgrind --tool=callgrind --callgrind-out-file)
counted() {
  awk '/^summary:/ { print $2; found = 1 } END { exit !found }' "$1"
}

# instructions PROGRAM...: prints how many instructions the program executes.
instructions() {
  rm -f "$BATS_TEST_TMPDIR/program"
  "${CALLGRIND[@]}=$BATS_TEST_TMPDIR/program" "$@" >/dev/null 2>&1
  counted "$BATS_TEST_TMPDIR/program"
}

# instructions_once STAGE: the same for dewy once and STAGE, the only program that it starts. They are counted apart: valgrind knows
# no pidfd, so that dewy looks again and again whether a program has ended, and looks more often the slower that is.
instructions_once() {
  local tools=$BATS_TEST_TMPDIR/tools own stage
  rm -f "$BATS_TEST_TMPDIR/stage"
  mkdir -p "$tools/bin" "$tools/libexec/dewy"
  ln -s "$DEWY_BIN/dewy" "$tools/bin"
  printf '#!/bin/sh\nexec %s "%s" "$@"\n' "${CALLGRIND[*]}=$BATS_TEST_TMPDIR/stage" "$DEWY_BIN/$1" >"$tools/bin/$1"
  chmod 755 "$tools/bin/$1"
  "$tools/bin/dewy" once >/dev/null 2>&1
  stage=$(counted "$BATS_TEST_TMPDIR/stage")
  own=$(instructions "$DEWY_BIN/dewy" once)
  echo $((own + stage))
}

@test "nothing to do costs no more than three times an empty program linked to the same libraries" {
  ! sanitized || skip "the sanitizer counts, too"
  publish v1.0.0
  dewy once >/dev/null
  echo 'int main(void) { return 0; }' >"$BATS_TEST_TMPDIR/empty.c"
  empty=0
  for program in dewy dewy-check; do
    cc -o "$BATS_TEST_TMPDIR/empty" "$BATS_TEST_TMPDIR/empty.c" -Wl,--no-as-needed -Wl,-z,now \
      $(readelf -d "$DEWY_BIN/$program" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/-l:\1/p')
    count=$(instructions "$BATS_TEST_TMPDIR/empty")
    empty=$((empty + count))
  done
  real=$(instructions_once dewy-check)
  echo "empty: $empty, dewy once: $real"
  [ "$real" -le $((3 * empty)) ]
}

@test "nothing to do at GitHub costs no more than a program that only makes that one request with libcurl" {
  ! sanitized || skip "the sanitizer counts, too"
  GITHUB=$BATS_TEST_TMPDIR/github REGISTRY=$GITHUB/repos/acme/app
  github_repository acme/app
  publish v1.0.0
  openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 \
    -keyout "$BATS_TEST_TMPDIR/key" -out "$BATS_TEST_TMPDIR/ca" 2>/dev/null
  start_github --tls "$BATS_TEST_TMPDIR/ca" "$BATS_TEST_TMPDIR/key"
  export GH_TOKEN=ghp_read GITHUB_API_URL=https://127.0.0.1:$PORT DEWY_CACERT=$BATS_TEST_TMPDIR/ca DEWY_REGISTRY=ghr://acme/app
  cat >"$BATS_TEST_TMPDIR/one.c" <<'IN'
#include <curl/curl.h>
int main(int count, char **words)
{
	CURL *curl = curl_easy_init();
	struct curl_slist *headers = NULL;
	long status = 0;
	for (int i = 3; i < count; i++)
		headers = curl_slist_append(headers, words[i]);
	curl_easy_setopt(curl, CURLOPT_URL, words[1]);
	curl_easy_setopt(curl, CURLOPT_CAINFO, words[2]);
	curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(curl);
	return status != 304;
}
IN
  cc -o "$BATS_TEST_TMPDIR/one" "$BATS_TEST_TMPDIR/one.c" -lcurl
  for run in 1 2; do dewy once --no-report >/dev/null; done
  one=("$BATS_TEST_TMPDIR/one" "$GITHUB_API_URL/repos/acme/app/releases?per_page=100" "$DEWY_CACERT"
    "Authorization: Bearer $GH_TOKEN" "User-Agent: one" "If-None-Match: $(jq -r '.found.validators.pages[0].etag' "$ROOT/.dewy/registry.json")")
  "${one[@]}"
  one=$(instructions "${one[@]}")
  real=$(instructions_once ../libexec/dewy/dewy-check-remote)
  echo "one request: $one, dewy once: $real"
  [ "$real" -gt 0 ] && [ "$real" -le "$one" ]
}

@test "nothing to do with three thousand versions in a directory: it is listed once, and only the newest one is looked into" {
  ! sanitized || skip "the sanitizer makes calls of its own"
  publish v1.0.0
  dewy once >/dev/null
  strace -f -qq -o "$BATS_TEST_TMPDIR/few" dewy once >/dev/null
  (cd "$REGISTRY" && mkdir $(seq -f v0.%.0f.0 1 3000))
  strace -f -qq -y -o "$BATS_TEST_TMPDIR/many" dewy once >/dev/null
  [ "$(grep -c "openat(.*\"$REGISTRY\"" "$BATS_TEST_TMPDIR/many")" = 1 ]
  [ "$(grep -c "openat(.*\"$REGISTRY/" "$BATS_TEST_TMPDIR/many")" = 1 ]
  listing=$(grep -c "getdents64([0-9]*<$REGISTRY>" "$BATS_TEST_TMPDIR/many")
  few=$(wc -l <"$BATS_TEST_TMPDIR/few") many=$(wc -l <"$BATS_TEST_TMPDIR/many")
  echo "calls: $few with one version, $many with 3001, $listing of them to list"
  [ "$many" -lt $((few + listing + 40)) ] # a wait may begin again
}

@test "each tool links only what it uses" {
  run -0 readelf -d "$DEWY_BIN/dewy"
  refute_output --regexp 'lib(curl|archive|crypto)\.'
  run -0 readelf -d "$DEWY_BIN/dewy-check"
  refute_output --regexp 'lib(curl|archive|crypto|expat)\.'
  run -0 readelf -d "$DEWY_BIN/../libexec/dewy/dewy-check-remote"
  refute_output --partial libarchive
  run -0 readelf -d "$DEWY_BIN/dewy-deploy"
  refute_output --partial libcurl
}

@test "fifteen restarts under load: no failed request" {
  export DEWY_SETTLE=100ms
  port=$(free_port)
  publish_server v1.0.0 says-ready
  dewy once --port "127.0.0.1:$port" -- current/server >/dev/null
  start_load "http://127.0.0.1:$port/"
  for minor in $(seq 15); do
    publish_server v1.$minor.0 says-ready
    dewy once --port "127.0.0.1:$port" -- current/server >/dev/null
  done
  [ "$(stop_load)" = 0 ]
  PORT=$port wait_until serves v1.15.0
  [ "$(cat "$BATS_TEST_TMPDIR/load.all")" -gt 100 ]
}

@test "a channel that hangs delays neither the switch nor the restart" {
  port=$(free_port)
  python3 -c "
import socket, time
s = socket.socket(); s.bind(('127.0.0.1', $port)); s.listen(64)
open('$BATS_TEST_TMPDIR/hanging', 'w').close()
time.sleep(600)" 3>&- &
  echo $! >"$BATS_TEST_TMPDIR/hanging.pid"
  wait_until test -e "$BATS_TEST_TMPDIR/hanging"
  publish v1.0.0
  dewy once --notifier "http://127.0.0.1:$port/hook" --notify-timeout 600s >/dev/null 3>&- &
  pid=$!
  wait_until test -e "$ROOT/current/version"
  kill -0 $pid
  wait_until flock -n "$ROOT/.dewy/lock" true
  kill $pid
}
