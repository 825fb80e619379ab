#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Traces and metrics by OTLP over HTTP. What is sent is read by the published definition of the protocol, see t/otlp.py.
load common
load once
load notify

prepare() {
  cd "$BATS_TEST_TMPDIR"
  servers=()
  export DEWY_LOG_LEVEL=warn DEWY_REGISTRY=file://$REGISTRY DEWY_SETTLE=100ms DEWY_START_TIMEOUT=30s
  echo '{}' >success
}

# receive ANSWER...: starts a receiver that keeps what it gets in web, and makes it the endpoint. Without answers it takes all.
receive() {
  serve web "${@:-200,Content-Type=application/json,@$PWD/success}"
  export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:$port
}

# received [JQ-FILTER]: what came so far, as t/otlp.py reads it; nothing when nothing did.
received() {
  [ ! -e web/requests ] || "$BATS_TEST_DIRNAME/otlp.py" web/requests | jq -cr "${1:-.}"
}

# spans [JQ-FILTER]: each span that came.
spans() {
  received 'select(.spans) | .spans[] | '"${1:-.}"
}

# came KIND: prints how many messages with "spans" or "metrics" came.
came() {
  received "select(.$1) | 1" | wc -l
}

# document STATE [JQ-FILTER]: prints a document of this ROOT.
document() {
  jq -nc --arg root "$ROOT" --arg state "$1" '{dewy: 1, id: "20240115T103044Z-7f3a91", app: "root", host: "web-1", root: $root,
    mode: "server", state: $state, release: {version: "v1.2.3"}, check: {started_at: "2024-01-15T10:30:44.250Z", duration_ms: 84},
    restart: {started_at: "2024-01-15T10:30:46Z", duration_ms: 1000}} | '"${2:-.}"
}

@test "a deployment is one trace: a span for the run, each stage and each hook, one within the other" {
  receive
  publish v1.0.0
  once --before-deploy-hook 'sleep 0.02' --after-deploy-hook 'exit 3'
  assert_success
  assert_equal "$(came spans)" 1
  assert_equal "$(spans .name)" $'check\nfetch\ndeploy\nbefore-deploy hook\nafter-deploy hook\ndeploy v1.0.0'
  received 'select(.spans) | .spans' >spans.json
  assert_equal "$(jq -c '. as $all | map(.parentSpanId as $parent | [.name, ($all[] | select(.spanId == $parent) | .name)])' spans.json)" \
    '[["check","deploy v1.0.0"],["fetch","deploy v1.0.0"],["deploy","deploy v1.0.0"],["before-deploy hook","deploy"],["after-deploy hook","deploy"],["deploy v1.0.0"]]'
  # when one begins is told by the clock, how long it lasts by a stopwatch: they may go a little apart
  jq -e '. as $all | map(. as $span | ($all[] | select(.spanId == $span.parentSpanId)) as $parent
    | ($span.startTimeUnixNano | tonumber) >= ($parent.startTimeUnixNano | tonumber)
      and ($span.endTimeUnixNano | tonumber) <= ($parent.endTimeUnixNano | tonumber) + 1e9) | all and length == 5' spans.json
  local section
  for section in check fetch deploy; do
    assert_equal "$(jq ".[] | select(.name == \"$section\") | ((.endTimeUnixNano | tonumber) - (.startTimeUnixNano | tonumber)) / 1000000 | round" \
      spans.json)" "$(field $section.duration_ms)"
  done
  jq -e --argjson document "$output" '.[-1].attributes | .["deployment.id"] == $document.id and .["deployment.name"] == "root"
    and .["deployment.status"] == "succeeded" and .["dewy.version"] == "v1.0.0" and .["dewy.mode"] == "assets"
    and .["dewy.registry"] == $document.registry and .["dewy.digest"] == $document.artifact.digest' spans.json
  jq -e '.[1].attributes["dewy.fetch.from_cache"] == false and (.[1].attributes["dewy.fetch.bytes"] | tonumber) > 0' spans.json
  assert_equal "$(jq -c 'map(select(.status) | [.name, .status.code, .status.message, .attributes["error.type"]])' spans.json)" \
    '[["after-deploy hook",2,"exit code 3","3"]]'
  received 'select(.spans) | .resource' | jq -e --arg host "$(hostname)" --arg root "$ROOT" '.["service.name"] == "dewy"
    and (.["service.version"] | test("^[0-9.]+$")) and .["host.name"] == $host and .["service.instance.id"] == $host + ":" + $root'
}

@test "the metrics have the names, labels and values of the file" {
  receive
  publish v1.0.0
  once --metrics-file app.prom
  assert_equal "$(came metrics)" 1
  received 'select(.metrics) | .metrics[] | .name as $name | (.sum // .gauge).dataPoints[]
    | [$name, (.attributes | to_entries | sort_by(.key) | map("\(.key)=\(.value | tojson)") | join(",")), (.asDouble // (.asInt | tonumber))] | @tsv' |
    sort >sent
  "$BATS_TEST_DIRNAME/metrics.py" openmetrics app.prom | sed -E 's/^([a-z_]+)\{(.*)\} (.*)$/\1\t\2\t\3/' | sort >written
  assert [ "$(wc -l <sent)" -gt 20 ]
  assert_equal "$(cat sent)" "$(cat written)"
  received 'select(.metrics) | .metrics[]' | jq -es 'map(select(.sum)) | map(.name | endswith("_total")) | all and length == 3'
  received 'select(.metrics) | .metrics[] | select(.sum) | .sum' | jq -es 'map(.isMonotonic and .aggregationTemporality == 2) | all'
  received 'select(.metrics) | .metrics[]' | jq -es 'map((.name | endswith("_seconds")) == (.unit == "s")) | all'
}

@test "counters go on under one start, across processes" {
  receive
  publish v1.0.0
  dewy once >/dev/null
  publish v1.1.0
  dewy once >/dev/null
  assert_equal "$(received 'select(.metrics) | .metrics[] | select(.name == "dewy_deployments_total") | .sum.dataPoints[]
    | select(.attributes.result == "deployed") | .asInt')" $'1\n2'
  assert_equal "$(received 'select(.metrics) | .metrics[].sum.dataPoints[]?.startTimeUnixNano' | sort -u | wc -l)" 1
}

@test "while there is nothing to do, metrics are sent once in a while, and no trace" {
  receive
  publish v1.0.0
  dewy once >/dev/null
  dewy once >/dev/null
  assert_equal "$(came metrics)" 1
  OTEL_METRIC_EXPORT_INTERVAL=0 dewy once >/dev/null
  assert_equal "$(came metrics)" 2
  assert_equal "$(came spans)" 1
}

@test "a watch sends metrics beside its pauses and the next run" {
  receive 200 hang
  publish v1.0.0
  dewy once >/dev/null # whose metrics hang, and are given up
  OTEL_EXPORTER_OTLP_TIMEOUT=600000 OTEL_METRIC_EXPORT_INTERVAL=0 dewy assets --interval 100ms --jitter 0 >/dev/null 2>watch.log 3>&- &
  watch=$!
  servers+=($watch)
  wait_until eval '[ "$(wc -l <web/requests)" -ge 3 ]'
  publish v1.1.0
  wait_until grep -qx v1.1.0 "$ROOT/current/version"
  kill -TERM $watch
  wait $watch
  assert_equal "$(grep -c 'Gave up' watch.log)" 1 # of the deployment, and not of the metrics before it, which people do not miss
}

@test "a failure is told where it happened, and the same one once" {
  receive
  publish v1.0.0
  dewy once >/dev/null
  mv "$REGISTRY" "$REGISTRY.gone"
  once
  assert_failure 2
  assert_equal "$(came spans)" 2
  assert_equal "$(spans 'select(.status) | [.name, .status.code, .status.message, .attributes["error.type"]]')" \
    "$(jq -c '[.error | ["check", 2, .message, .code]] | .[0]' <<<"$output" | sed p)"
  once
  assert_failure 2
  assert_equal "$(came spans)" 2
  assert_equal "$(came metrics)" 3
  mv "$REGISTRY.gone" "$REGISTRY"
  mkdir "$REGISTRY/v1.1.0"
  echo garbage >"$REGISTRY/v1.1.0/app_linux_amd64.tar.gz"
  once
  assert_failure 5
  once
  assert_failure 5
  assert_equal "$(came spans)" 3
  assert_equal "$(spans 'select(.name == "deploy v1.1.0") | [.status.code, .attributes["deployment.status"], .attributes["error.type"]]')" \
    '[2,"failed","integrity"]'
  assert_equal "$(spans 'select(.status and .name == "deploy") | .status.message')" "$(field error.message)"
}

@test "a release that is rolled back fails in its restart" {
  receive
  publish_server v1.0.0 says-ready
  PORT=$(free_port)
  dewy once --port "127.0.0.1:$PORT" -- current/server >/dev/null
  publish_server v2.0.0 dies-at-once
  once --port "127.0.0.1:$PORT" -- current/server
  assert_failure 4
  assert_equal "$(spans 'select(.name == "restart") | .status.code')" $'null\n2'
  assert_equal "$(spans 'select(.parentSpanId | not) | [.name, .attributes["dewy.state"], .attributes["dewy.previous_version"]]')" \
    $'["deploy v1.0.0","running",null]\n["deploy v2.0.0","rolled_back","v1.0.0"]'
}

@test "SIGUSR1 is a run of its own" {
  receive
  publish_server v1.0.0 says-ready
  PORT=$(free_port)
  dewy server --interval 1h --port "127.0.0.1:$PORT" -- current/server >/dev/null 2>watch.log 3>&- &
  watch=$!
  servers+=($watch)
  wait_until eval '[ "$(came metrics)" = 1 ]'
  kill -USR1 $watch
  wait_until eval '[ "$(came metrics)" = 2 ]'
  kill -TERM $watch
  wait $watch
  assert_equal "$(spans 'select(.parentSpanId | not) | .traceId' | sort -u | wc -l)" 2
  assert_equal "$(spans .name | tail -n 2)" $'restart\ndeploy v1.0.0'
  assert_equal "$(received 'select(.metrics) | .metrics[] | select(.name == "dewy_deployments_total") | .sum.dataPoints[]
    | select(.attributes.result == "running") | .asInt')" $'1\n1'
}

@test "the same run is the same trace, and is sent once" {
  receive
  notify < <(document running)
  notify < <(document running)
  assert_equal "$(came spans)" 1
  rm "$ROOT/.dewy/metrics.json"
  notify < <(document running)
  notify < <(document running '.id = "another"')
  assert_equal "$(came spans)" 3
  assert_equal "$(spans .traceId | uniq -c | awk '{ print $1 }')" $'6\n3'
  assert_equal "$(spans 'select(.name == "check") | .startTimeUnixNano + " " + .endTimeUnixNano' | sort -u)" \
    "1705314644250000000 1705314644334000000"
  assert_equal "$(spans 'select(.name == "restart") | .startTimeUnixNano' | sort -u)" 1705314646000000000 # as before milliseconds were told
}

@test "what has not ended is not told" {
  receive
  local state
  for state in available fetched deployed; do notify < <(document $state); done
  assert_equal "$(received)" ""
  notify < <(document deployed '.mode = "assets"')
  assert_equal "$(came spans)" 1
}

@test "TRACEPARENT goes on, or says that nothing is recorded; what is none counts for nothing" {
  receive
  local trace=4bf92f3577b34da6a3ce929d0e0e4736 parent=00f067aa0ba902b7 wrong count=2
  TRACEPARENT=00-$trace-$parent-01 notify < <(document running)
  assert_equal "$(spans .traceId | sort -u)" $trace
  assert_equal "$(spans 'select(.name == "deploy v1.2.3") | .parentSpanId')" $parent
  TRACEPARENT=00-$trace-$parent-00 notify < <(document running '.id = "2"')
  assert_equal "$(came spans) $(came metrics)" "1 2"
  TRACEPARENT=01-$trace-$parent-03-what-comes notify < <(document running '.id = "3"')
  assert_equal "$(spans .traceId | sort -u)" $trace
  for wrong in nonsense 00-$trace-$parent 00-${trace^^}-$parent-01 00-00000000000000000000000000000000-$parent-01 ff-$trace-$parent-01 \
    00-$trace-0000000000000000-01 "00-$trace-$parent-0g" "00-$trace-$parent-011"; do
    TRACEPARENT=$wrong notify < <(document running ".id = \"$wrong\"")
    assert_success
    assert_equal "$(came spans)" $((++count))
    assert [ "$(spans .traceId | tail -n 1)" != $trace ]
  done
}

@test "endpoints: one for all, or one for each as it is; none when that is said" {
  receive
  OTEL_EXPORTER_OTLP_ENDPOINT=$OTEL_EXPORTER_OTLP_ENDPOINT/prefix// notify < <(document running '.id = "1"')
  assert_equal "$(received .path)" $'/prefix/v1/traces\n/prefix/v1/metrics'
  rm web/requests
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=$OTEL_EXPORTER_OTLP_ENDPOINT/mine?a=b notify < <(document running '.id = "2"')
  assert_equal "$(received .path)" $'/mine?a=b\n/v1/metrics'
  rm web/requests
  OTEL_TRACES_EXPORTER=none notify < <(document running '.id = "3"')
  OTEL_METRICS_EXPORTER=none notify < <(document running '.id = "4"')
  assert_equal "$(received .path)" $'/v1/metrics\n/v1/traces'
  rm web/requests
  OTEL_SDK_DISABLED=TRUE notify < <(document running '.id = "5"')
  assert_equal "$(received)" ""
  OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=$OTEL_EXPORTER_OTLP_ENDPOINT/only OTEL_EXPORTER_OTLP_ENDPOINT= notify < <(document running '.id = "6"')
  assert_equal "$(received .path)" /only
}

@test "headers are sent, and are seen nowhere else" {
  receive
  publish v1.0.0
  export OTEL_EXPORTER_OTLP_HEADERS='Authorization=Bearer%20t0psecret, x-scope = a%2Cb+c ,'
  export DEWY_LOG_LEVEL=debug
  once --before-deploy-hook 'env'
  assert_success
  assert_equal "$(jq -r '.headers | [.authorization, .["x-scope"], .["content-type"]] | join("|")' web/requests | sort -u)" \
    "Bearer t0psecret|a,b+c|application/json"
  refute_regex "$output$stderr" t0psecret
  run grep -rl t0psecret "$ROOT"
  assert_output ""
  unset OTEL_EXPORTER_OTLP_HEADERS
  printf 'authorization=Basic%%20file\n' >headers
  OTEL_EXPORTER_OTLP_METRICS_HEADERS=x-own=1 OTEL_EXPORTER_OTLP_HEADERS_FILE=$PWD/headers notify < <(document running)
  assert_equal "$(tail -n 2 web/requests | jq -r '.headers | [.authorization, .["x-own"]] | join("|")')" $'Basic file|\n|1'
  local wrong
  for wrong in novalue =x a=%zz $'a=b%0d%0aEvil:%20yes'; do
    OTEL_EXPORTER_OTLP_HEADERS=$wrong notify < <(document running ".id = \"$wrong\"")
    assert_success
  done
  assert_regex "$stderr" 'control character'
  run -1 grep -qi evil web/requests
}

@test "what a passing failure is, is tried again; nothing else is" {
  receive 503,Retry-After=1 502 429 504 200 200
  notify < <(document running)
  assert_equal "$(jq -r .path web/requests | uniq -c | awk '{ print $1, $2 }')" $'5 /v1/traces\n1 /v1/metrics'
  refute_regex "$stderr" WARN
  rm -r web
  receive 500 400
  notify < <(document running '.id = "2"')
  assert_success
  assert_equal "$(wc -l <web/requests)" 2
  assert_regex "$stderr" 'WARN: Metrics failed what="traces" error="127.0.0.1:[0-9]+ answered 500"'
  assert_regex "$stderr" 'WARN: Metrics failed what="metrics" error="127.0.0.1:[0-9]+ answered 400"'
}

@test "a part that was not taken is said, with the words of the receiver, and not sent again" {
  echo '{"partialSuccess":{"rejectedSpans":"2","errorMessage":"too \nold"}}' >part
  receive "200,@$PWD/part" "200,@$PWD/success"
  notify < <(document running)
  assert_success
  assert_regex "$stderr" 'did not take 2 of the traces: too +old'
  refute_regex "$stderr" 'what="metrics"'
  assert_equal "$(wc -l <web/requests)" 2
}

@test "a receiver that repeats a header gives away none that came from a file" {
  echo '{"partialSuccess":{"rejectedSpans":1,"errorMessage":"no team t0psecret-team, who says t0psecret-pass"}}' >part
  echo 'x-team=t0psecret-team,x-login=Basic t0psecret-pass' >headers
  receive "200,@$PWD/part"
  DEWY_LOG_LEVEL=debug OTEL_EXPORTER_OTLP_HEADERS_FILE=$PWD/headers notify < <(document running)
  assert_regex "$stderr" 'no team \[redacted\], who says \[redacted\]'
  refute_regex "$stderr" t0psecret
  assert_equal "$(jq -r '.headers["x-team"]' web/requests | head -n 1)" t0psecret-team
}

@test "a receiver that is not there is said once until it is, and fails nothing" {
  publish v1.0.0
  receive
  stop_pid "${servers[0]}"
  export OTEL_METRIC_EXPORT_INTERVAL=0 OTEL_EXPORTER_OTLP_TIMEOUT=200
  once
  assert_success
  assert_equal "$(grep -c 'WARN: Metrics failed' <<<"$stderr")" 2
  once
  assert_success
  assert_equal "$stderr" ""
  rm -r web
  receive
  OTEL_EXPORTER_OTLP_TIMEOUT=10000 DEWY_LOG_LEVEL=info once
  assert_regex "$stderr" 'INFO: Metrics work again what="metrics"'
  refute_regex "$stderr" 'what="traces"'
}

@test "a receiver that hangs delays neither the switch, nor the lock, and is left within the time" {
  receive hang
  publish v1.0.0
  export OTEL_EXPORTER_OTLP_TIMEOUT=600000
  dewy once --notify-timeout 600s >/dev/null 2>&1 3>&- &
  once=$!
  servers+=($once)
  wait_until test -e "$ROOT/current/version"
  wait_until flock -n "$ROOT/.dewy/lock" true
  wait_until test -s web/requests
  kill -0 $once
  flock -n "$ROOT/.dewy/metrics.lock" true
  kill $once
  publish v1.1.0
  OTEL_EXPORTER_OTLP_TIMEOUT=300 once
  assert_success
  assert_equal "$(cat "$ROOT/current/version")" v1.1.0
  assert_equal "$(grep -c 'WARN: Metrics failed' <<<"$stderr")" 2
}

@test "other protocols: protobuf over HTTP goes to the same URL, gRPC is said to be none" {
  receive
  OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf notify < <(document running)
  assert_equal "$(came spans)" 1
  OTEL_EXPORTER_OTLP_PROTOCOL=grpc notify < <(document running '.id = "2"')
  assert_success
  assert_regex "$stderr" 'WARN: Metrics failed what="traces" error="OTEL_EXPORTER_OTLP_PROTOCOL=grpc: only http/json is spoken"'
  assert_equal "$(came spans)" 1
}

@test "settings that cannot be are said without what may be a secret in them" {
  local endpoint
  for endpoint in localhost:4318 'unix:/s3cret' 'https://'; do
    OTEL_EXPORTER_OTLP_ENDPOINT=$endpoint notify < <(document running ".id = \"$endpoint\"")
    assert_success
  done
  refute_regex "$stderr" s3cret
  rm "$ROOT/.dewy/metrics.json"
  OTEL_EXPORTER_OTLP_ENDPOINT='ftp://user:s3cret@host/' notify < <(document running)
  assert_regex "$stderr" 'OTEL_EXPORTER_OTLP_ENDPOINT is no http:// or https:// URL'
  refute_regex "$stderr" s3cret
  rm "$ROOT/.dewy/metrics.json"
  OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1 OTEL_EXPORTER_OTLP_TIMEOUT=soon notify < <(document running)
  assert_regex "$stderr" 'OTEL_EXPORTER_OTLP_TIMEOUT=soon: expected milliseconds'
}

@test "the resource is what OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say" {
  receive
  OTEL_SERVICE_NAME=mine OTEL_RESOURCE_ATTRIBUTES='service.name=other,deployment.environment.name=a%20b,host.name=elsewhere' \
    notify < <(document running)
  assert_equal "$(received '.resource | [.["service.name"], .["deployment.environment.name"], .["host.name"]] | join("|")' | sort -u)" \
    "mine|a b|elsewhere"
}

@test "a receiver with a certificate of its own, which OTEL_EXPORTER_OTLP_CERTIFICATE has" {
  openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 \
    -keyout key.pem -out certificate.pem 2>/dev/null
  receive --tls certificate.pem key.pem
  export OTEL_EXPORTER_OTLP_ENDPOINT=https${OTEL_EXPORTER_OTLP_ENDPOINT#http}
  OTEL_EXPORTER_OTLP_CERTIFICATE=$PWD/certificate.pem notify < <(document running)
  assert_equal "$(jq -r .path web/requests)" $'/v1/traces\n/v1/metrics'
  notify --retries 0 < <(document running '.id = "2"')
  assert_success
  assert_regex "$stderr" 'WARN: Metrics failed'
  assert_equal "$(wc -l <web/requests)" 2
}

@test "what stands in names goes as it is, and what is no UTF-8 does not go" {
  receive
  jq -c --arg evil $'a"}]\n\\\u2028' '.release.version = $evil | .app = $evil | .registry = "https://user:s3cret@host/p?token=s3cret"' < <(document running) |
    dewy-notify --no-report >/dev/null
  assert_equal "$(spans 'select(.parentSpanId | not) | .name')" $'deploy a"}]\n\\\u2028'
  assert_equal "$(spans '.attributes["dewy.registry"] // empty')" https://host/p
  run -1 grep s3cret web/requests
}
