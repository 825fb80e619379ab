# A registry of each kind for the tests that all of them pass, whatever serves it. $KIND is file, ghr, gs or s3.
#
# $REGISTRY is a directory as file:// has it, of which registry_sync makes the registry; $URL is its address.

# registry_start: starts what serves the registries of all tests of a file.
registry_start() {
  SERVICE=$BATS_FILE_TMPDIR/service
  [ "$KIND" = file ] || "start_$KIND"
}

registry_stop() {
  case $KIND in
    gs) stop_gcs ;;
    s3) "$STACK/radosgw" stop "$SERVICE" ;;
    ghr) stop_pid "$(cat "$BATS_FILE_TMPDIR/service.pid")" ;;
  esac
}

start_s3() {
  export SERVICE_PORT
  SERVICE_PORT=$(free_ports 61)
  "$STACK/radosgw" start "$SERVICE" "$SERVICE_PORT"
}

start_gs() {
  start_gcs
  export SERVICE_PORT=$GCS_PORT
}

start_ghr() {
  export SERVICE_PORT
  mkdir -p "$SERVICE/repos"
  python3 "$BATS_TEST_DIRNAME/github.py" "$SERVICE" >/dev/null 2>"$BATS_FILE_TMPDIR/service.err" 3>&- &
  echo $! >"$BATS_FILE_TMPDIR/service.pid"
  wait_until test -e "$SERVICE/port"
  SERVICE_PORT=$(cat "$SERVICE/port")
}

# registry_make: an empty registry for this test alone, and what this machine needs to read and write it; SECRETS are the texts
# that nobody may ever see.
registry_make() {
  SERVICE=$BATS_FILE_TMPDIR/service
  PLACE=t$BATS_TEST_NUMBER-$RANDOM
  SECRETS=()
  "make_$KIND"
}

make_file() {
  REGISTRY="$REGISTRY/my apps/100% app+x"
  mkdir -p "$REGISTRY"
  URL=file://$(encode_path "$REGISTRY")
}

make_s3() {
  export AWS_ACCESS_KEY_ID=AKIATEST AWS_SECRET_ACCESS_KEY=secretsecret
  PREFIX="my apps/100% app+x"
  SECRETS=("$AWS_SECRET_ACCESS_KEY")
  curl -sSf "${SIGNED[@]}" -X PUT "http://127.0.0.1:$SERVICE_PORT/$PLACE"
  URL="s3://us-east-1/$PLACE/$(encode_path "$PREFIX")?endpoint=http://127.0.0.1:$SERVICE_PORT"
}
SIGNED=(--aws-sigv4 aws:amz:us-east-1:s3 --user AKIATEST:secretsecret -H "x-amz-content-sha256: UNSIGNED-PAYLOAD")

make_gs() {
  local base=http://127.0.0.1:$SERVICE_PORT
  SERVICE=$GCS_DIR
  export GOOGLE_APPLICATION_CREDENTIALS=$HOME/account.json
  service_account "$GOOGLE_APPLICATION_CREDENTIALS"
  PREFIX="my apps/100% app+x"
  SECRETS=(ya29. "$(sed -n 2p "$BATS_FILE_TMPDIR/sa.key")")
  GS=$base/storage/v1/b
  make_bucket "$PLACE"
  export -n GCS_TOKEN # it is that of the tests, and not for what dewy starts
  URL="gs://$PLACE/$(encode_path "$PREFIX")?endpoint=$base"
}

make_ghr() {
  export GH_TOKEN=ghp_write GITHUB_API_URL=http://127.0.0.1:$SERVICE_PORT
  SECRETS=("$GH_TOKEN")
  mkdir -p "$SERVICE/repos/acme/$PLACE"
  URL=ghr://acme/$PLACE
  registry_sync
}

# encode_path TEXT: percent-encoded as in the path of a URL.
encode_path() {
  jq -rn --arg text "$1" '$text | split("/") | map(@uri) | join("/")'
}

# registry_sync: puts what is new in $REGISTRY into the registry.
registry_sync() {
  case $KIND in
    file) ;;
    ghr)
      cp -r "$REGISTRY/." "$SERVICE/repos/acme/$PLACE"
      curl -sSf -X POST "$GITHUB_API_URL/_control/reload"
      ;;
    *) (cd "$REGISTRY" && find . -type f -newer "$BATS_TEST_TMPDIR/synced" -printf '%P\n') | uploads >"$BATS_TEST_TMPDIR/uploads"
      upload "$BATS_TEST_TMPDIR/uploads" ;;
  esac
  touch "$BATS_TEST_TMPDIR/synced"
}

# uploads: a configuration of curl that uploads the files whose names come in.
uploads() {
  jq -rR --arg kind "$KIND" --arg service "http://127.0.0.1:$SERVICE_PORT" --arg place "$PLACE" --arg prefix "$PREFIX" \
    --arg directory "$REGISTRY" '
    "\($prefix)/\(.)" as $name |
    (if $kind == "s3" then "\($place)/\($name | split("/") | map(@uri) | join("/"))"
      else "upload/storage/v1/b/\($place)/o?uploadType=media&name=\($name | @uri)" end) as $path |
    "upload-file = \"\($directory)/\(.)\"", "url = \"\($service)/\($path)\"", "output = /dev/null"'
}

upload() {
  [ -s "$1" ] || return 0
  if [ "$KIND" = s3 ]; then
    curl -sSf -Z "${SIGNED[@]}" -K "$1"
  else
    curl -sSf -Z -X POST -H "Authorization: Bearer $GCS_TOKEN" -H 'Content-Type: application/octet-stream' -K "$1"
  fi
}

# object_url NAME: where an object is.
object_url() {
  if [ "$KIND" = s3 ]; then
    echo "http://127.0.0.1:$SERVICE_PORT/$PLACE/$(encode_path "$1")"
  else
    echo "$GS/$PLACE/o/$(encode "$1")"
  fi
}

# ask_github PATH
ask_github() {
  curl -sSf -H "Authorization: Bearer $GH_TOKEN" "$GITHUB_API_URL/repos/acme/$PLACE/$1"
}

# registry_names VERSION: prints the names of the files of a release.
registry_names() {
  case $KIND in
    file) ls "$REGISTRY/$1" ;;
    ghr) ask_github "releases/tags/$(encode_path "$1")" | jq -r '.assets[].name' ;;
    gs) curl -sSf -G -H "Authorization: Bearer $GCS_TOKEN" --data-urlencode "prefix=$PREFIX/$1/" "$GS/$PLACE/o" |
      jq -r '.items[].name | sub(".*/"; "")' ;;
    s3) curl -sSf "${SIGNED[@]}" "http://127.0.0.1:$SERVICE_PORT/$PLACE?list-type=2&prefix=$(encode "$PREFIX/$1/")" |
      grep -o '<Key>[^<]*' | sed 's|.*/||' ;;
  esac
}

# registry_content VERSION NAME: prints a file of a release.
registry_content() {
  case $KIND in
    file) cat "$REGISTRY/$1/$2" ;;
    ghr) curl -sSfL -H "Authorization: Bearer $GH_TOKEN" -H 'Accept: application/octet-stream' \
      "$(ask_github "releases/tags/$1" | jq -r --arg name "$2" '.assets[] | select(.name == $name).url')" ;;
    gs) curl -sSf -H "Authorization: Bearer $GCS_TOKEN" "$(object_url "$PREFIX/$1/$2")?alt=media" ;;
    s3) curl -sSf "${SIGNED[@]}" "$(object_url "$PREFIX/$1/$2")" ;;
  esac
}

# registry_withdraw VERSION: takes a release back.
registry_withdraw() {
  local name
  case $KIND in
    file | ghr) ;;
    *)
      while read -r name; do
        if [ "$KIND" = s3 ]; then
          curl -sSf "${SIGNED[@]}" -X DELETE "$(object_url "$PREFIX/$1/$name")"
        else
          curl -sSf -H "Authorization: Bearer $GCS_TOKEN" -X DELETE "$(object_url "$PREFIX/$1/$name")"
        fi
      done < <(registry_names "$1")
      ;;
  esac
  rm -r "${REGISTRY:?}/$1"
  if [ "$KIND" = ghr ]; then
    rm -r "${SERVICE:?}/repos/acme/$PLACE/$1"
    registry_sync
  fi
}

# registry_questions COMMAND...: runs it, and prints how often it asked the registry: requests, or for file:// directories that were
# opened in it.
registry_questions() {
  local before
  case $KIND in
    file)
      strace -f -qq -s 4096 -e trace=openat -o "$BATS_TEST_TMPDIR/strace" "$@" >/dev/null
      grep -cF "\"$REGISTRY" "$BATS_TEST_TMPDIR/strace"
      ;;
    *)
      before=$(requests_of_dewy)
      "$@" >/dev/null
      echo $(($(requests_of_dewy) - before))
      ;;
  esac
}

# requests_of_dewy: how many requests of dewy for this test's registry the service has seen.
requests_of_dewy() {
  case $KIND in
    s3) grep '"dewy/' "$SERVICE/log/client.admin" | grep -cF "/$PLACE" || true ;;
    gs) grep '"dewy/' "$SERVICE/requests" | grep -cF "/b/$PLACE/" || true ;;
    ghr) grep '"dewy/' "$SERVICE/requests" | grep -cE "/acme/$PLACE/|/$(github_id)/" || true ;;
  esac
}

# github_id: the part of the path by which GitHub's later pages call this test's repository.
github_id() {
  curl -sS -I -H "Authorization: Bearer $GH_TOKEN" "$GITHUB_API_URL/repos/acme/$PLACE/releases" | grep -o 'repositories/[0-9]*' |
    head -n 1
}
