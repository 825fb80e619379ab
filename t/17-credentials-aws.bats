# The credential chain of s3://: every source, their order, and what is said when one fails.
load common
load confine

ROLE=arn:aws:iam::123456789012:role/deploy

prepare() {
  SERVICE=$BATS_TEST_TMPDIR/service
  mkdir -p "$SERVICE" "$HOME/.aws"
  python3 "$BATS_TEST_DIRNAME/aws-endpoints.py" "$SERVICE" >/dev/null 3>&- &
  echo $! >"$BATS_TEST_TMPDIR/service.pid"
  wait_until test -e "$SERVICE/port"
  BASE=http://127.0.0.1:$(cat "$SERVICE/port")
  export DEWY_REGISTRY="s3://us-east-1/bucket?endpoint=$BASE" AWS_ENDPOINT_URL_STS=$BASE
}

# credentials, config: standard input becomes that shared file.
credentials() { cat >"$HOME/.aws/credentials"; }
config() { cat >"$HOME/.aws/config"; }

# assert_key KEY [TOKEN]: dewy-check succeeds, and what it asked S3 was signed by KEY.
assert_key() {
  rm -f "$SERVICE/requests"
  run --separate-stderr dewy-check
  assert_success
  assert_equal "$(asked s3 '"\(.key_id) \(.session_token)"' | sort -u)" "$1 ${2-null}"
}

# asked SERVICE FILTER: what jq makes of each request to the service.
asked() {
  [ ! -e "$SERVICE/requests" ] || jq -r "select(.service == \"$1\") | $2" "$SERVICE/requests"
}

# assert_error TEXT...: dewy-check fails for a wrong configuration, and its message or hint has each text in it.
assert_error() {
  run --separate-stderr dewy-check
  assert_failure "${STATUS:-1}"
  local text
  for text; do
    [[ "$(field error.message) $(field error.hint)" == *"$text"* ]] || fail "no \"$text\" in: $output"
  done
}

in_environment() {
  export AWS_ACCESS_KEY_ID=AKIAENV AWS_SECRET_ACCESS_KEY=akiaenv
}

in_file() {
  credentials <<'END'
[default]
aws_access_key_id = AKIAFILE
aws_secret_access_key = akiafile
END
}

web_identity() {
  echo "${1-jwt.of.pod}" >"$BATS_TEST_TMPDIR/token"
  export AWS_WEB_IDENTITY_TOKEN_FILE=$BATS_TEST_TMPDIR/token AWS_ROLE_ARN=$ROLE
}

on_instance() {
  unset AWS_EC2_METADATA_DISABLED
  export AWS_EC2_METADATA_SERVICE_ENDPOINT=$BASE
}

@test "the environment comes first, then files, web identity, container, and instance" {
  in_environment
  in_file
  web_identity
  export AWS_CONTAINER_CREDENTIALS_FULL_URI=$BASE/container
  on_instance
  assert_key AKIAENV
  unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
  assert_key AKIAFILE
  rm "$HOME/.aws/credentials"
  assert_key KEYsts1 'session/KEYsts1+='
  unset AWS_WEB_IDENTITY_TOKEN_FILE
  assert_key KEYcontainer1 'session/KEYcontainer1+='
  unset AWS_CONTAINER_CREDENTIALS_FULL_URI
  assert_key KEYinstance1 'session/KEYinstance1+='
  export AWS_EC2_METADATA_DISABLED=TRUE
  assert_error 'no AWS credentials: AWS_ACCESS_KEY_ID is not set' "$HOME/.aws/credentials and $HOME/.aws/config have no credentials in the profile default" \
    'AWS_WEB_IDENTITY_TOKEN_FILE is not set' 'AWS_CONTAINER_CREDENTIALS_FULL_URI and _RELATIVE_URI are not set' \
    'AWS_EC2_METADATA_DISABLED is set' 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE' 'add anonymous=true'
}

@test "environment: keys, a session token, and files that hold them" {
  in_environment
  export AWS_SESSION_TOKEN='t/o+k=='
  assert_key AKIAENV 't/o+k=='
  unset AWS_SECRET_ACCESS_KEY
  assert_error 'AWS_ACCESS_KEY_ID is set, and AWS_SECRET_ACCESS_KEY is not' 'set both, or neither'
  echo akiaenv >"$HOME/secret"
  AWS_SECRET_ACCESS_KEY_FILE=$HOME/secret assert_key AKIAENV 't/o+k=='
  unset AWS_ACCESS_KEY_ID
  AWS_SECRET_ACCESS_KEY=x assert_error 'AWS_SECRET_ACCESS_KEY is set, and AWS_ACCESS_KEY_ID is not'
}

@test "files: profiles in both, of which that of the credentials file counts" {
  in_file
  cat >>"$HOME/.aws/credentials" <<'END'
# a comment
[ other ]   ; and another
AWS_ACCESS_KEY_ID=AKIAENV	# one more
aws_secret_access_key=  akiaenv
s3 =
  addressing_style = path
aws_session_token = t#1
END
  config <<'END'
[default]
region = eu-west-1
aws_access_key_id = AKIANOT
[profile "in config"]
aws_access_key_id = AKIAPROC
aws_secret_access_key = akiaproc
[profile only region]
region = eu-west-1
END
  assert_key AKIAFILE
  AWS_PROFILE=other assert_key AKIAENV t#1
  AWS_PROFILE='in config' assert_key AKIAPROC
  AWS_PROFILE=missing assert_error "the profile missing is neither in $HOME/.aws/credentials nor in $HOME/.aws/config" 'correct AWS_PROFILE'
  AWS_PROFILE='only region' assert_error 'have no credentials in the profile only region'
  mv "$HOME/.aws/credentials" "$HOME/elsewhere"
  AWS_SHARED_CREDENTIALS_FILE='~/elsewhere' assert_key AKIAFILE
  AWS_CONFIG_FILE=$HOME/nowhere assert_error "cannot read $HOME/nowhere, which AWS_CONFIG_FILE names: No such file"
}

@test "files: each is read once in a run" {
  in_file
  config </dev/null
  may_trace
  strace -f -qq -e trace=openat -o "$BATS_TEST_TMPDIR/strace" dewy-check >/dev/null
  assert_equal "$(grep -o '/\.aws/[a-z]*' "$BATS_TEST_TMPDIR/strace" | sort)" $'/.aws/config\n/.aws/credentials'
}

@test "files: what is wrong in one is told with its place" {
  printf '[default]\naws_access_key_id\n' | credentials
  assert_error "$HOME/.aws/credentials: line 2 is neither [SECTION] nor a setting"
  printf 'aws_access_key_id = x\n' | credentials
  assert_error 'line 1 is neither'
  printf '[default\n' | credentials
  assert_error 'line 1 is neither'
  printf '[default]\naws_access_key_id = x\n' | credentials
  assert_error 'the profile default has aws_access_key_id without aws_secret_access_key'
}

@test "a key id cannot smuggle a header into what is asked" {
  config <<<$'[default]\ncredential_process = echo \'{"Version": 1, "AccessKeyId": "AKIA\\r\\nX-Evil: 1", "SecretAccessKey": "x"}\''
  assert_error 'the access key id has a control character in it'
  refute [ -e "$SERVICE/requests" ]
}

@test "files: SSO and MFA take a person, which is said" {
  config <<END
[default]
sso_session = corp
sso_account_id = 1
[profile mfa]
role_arn = $ROLE
source_profile = default
mfa_serial = arn:aws:iam::1:mfa/me
END
  assert_error 'the profile default is one of IAM Identity Center (sso_*)' 'aws configure export-credentials --profile default'
  AWS_PROFILE=mfa assert_error 'has mfa_serial: nobody is there to type a code'
}

# process COMMAND: a profile whose credentials a command prints.
process() {
  printf '[default]\ncredential_process = %s\n' "$1" | config
}

@test "process: what a command prints, while it is good" {
  local key='"Version": 1, "AccessKeyId": "AKIAPROC", "SecretAccessKey": "akiaproc"'
  process "echo '{$key}'"
  assert_key AKIAPROC
  process "echo '{$key, \"SessionToken\": \"t1\", \"Expiration\": \"2100-01-01T00:00:00Z\"}'"
  assert_key AKIAPROC t1
  process "echo '{$key, \"Expiration\": \"2020-01-01T00:00:00Z\"}'"
  assert_error 'the credentials of the profile default expired at 2020-01-01T00:00:00Z' renew
  process "echo '{$key, \"Expiration\": \"soon\"}'"
  assert_error 'expire at no time: soon'
  process 'echo hello'
  assert_error 'the profile default gave no credentials: not JSON'
  process "echo '{}'"
  assert_error 'JSON without AccessKeyId and SecretAccessKey'
  process 'echo hush >&2 && exit 7'
  assert_error 'credential_process exited with status 7' 'run that command by hand'
  [[ $output$stderr != *hush* ]]
  process 'sleep 600'
  DEWY_REGISTRY_TIMEOUT=200ms assert_error 'credential_process took longer than 200 ms'
}

@test "process: the command may start programs and write where it likes, which dewy says at DEBUG; without one, dewy is confined" {
  local key='"Version": 1, "AccessKeyId": "AKIAPROC", "SecretAccessKey": "akiaproc"' said="DEBUG: Not confined reason="
  export DEWY_LOG_LEVEL=debug
  process "/bin/echo '{$key}' | /usr/bin/tee $HOME/kept"
  assert_key AKIAPROC
  [ -s "$HOME/kept" ]
  [[ $stderr == *"$said"* ]]
  config <<END
[default]
credential_process = /bin/echo '{$key}' | /usr/bin/tee $HOME/kept.again
[profile deploy]
role_arn = $ROLE
source_profile = default
END
  AWS_PROFILE=deploy assert_key KEYsts1 'session/KEYsts1+='
  [ -s "$HOME/kept.again" ]
  [[ $stderr == *"$said"* ]]
  in_environment
  assert_key AKIAENV
  [[ $stderr != *"$said"* ]]
  unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
  in_file
  config </dev/null
  assert_key AKIAFILE
  [[ $stderr != *"$said"* ]]
}

@test "role: exchanged by a signed request, kept sealed, and exchanged again before it expires" {
  in_file
  config <<END
[profile deploy]
role_arn = $ROLE
source_profile = default
external_id = ext/1 + 2
role_session_name = deploy@host
duration_seconds = 900
END
  export AWS_PROFILE=deploy
  dewy once >/dev/null 2>&1 || true # which makes ROOT/.dewy
  assert_key KEYsts1 'session/KEYsts1+='
  assert_equal "$(asked sts .form)" ""
  rm "$ROOT/.dewy/tokens.json"
  assert_key KEYsts2 'session/KEYsts2+='
  assert_equal "$(asked sts .key_id)" AKIAFILE
  assert_equal "$(asked sts '.form | tojson')" "$(jq -nc --arg role "$ROLE" '{Action: "AssumeRole", Version: "2011-06-15",
    RoleArn: $role, RoleSessionName: "deploy@host", ExternalId: "ext/1 + 2", DurationSeconds: "900"}')"
  assert_equal "$(stat -c %a "$ROOT/.dewy/tokens.json")" 600
  run grep -rE -e 'keysts|KEYsts|session/|akiafile' "$ROOT"
  assert_failure 1
  rm "$ROOT/.dewy/tokens.json"
  echo 299 >"$SERVICE/lifetime"
  assert_key KEYsts3 'session/KEYsts3+='
  assert_key KEYsts4 'session/KEYsts4+='
}

@test "role: from other sources, and through several profiles" {
  in_file
  config <<END
[profile by-environment]
role_arn = $ROLE
credential_source = Environment
[profile by-container]
role_arn = $ROLE
credential_source = EcsContainer
[profile by-instance]
role_arn = $ROLE
credential_source = Ec2InstanceMetadata
[profile by-nothing]
role_arn = $ROLE
[profile by-magic]
role_arn = $ROLE
credential_source = Magic
[profile second]
role_arn = $ROLE/second
source_profile = first
[profile first]
role_arn = $ROLE/first
source_profile = default
[profile ring]
role_arn = $ROLE
source_profile = ring-2
[profile ring-2]
role_arn = $ROLE
source_profile = ring
[profile own]
role_arn = $ROLE
source_profile = own
aws_access_key_id = AKIAPROC
aws_secret_access_key = akiaproc
[profile empty]
region = x
[profile of-empty]
role_arn = $ROLE
source_profile = empty
[profile of-missing]
role_arn = $ROLE
source_profile = missing
[profile by-token]
role_arn = $ROLE
web_identity_token_file = $BATS_TEST_TMPDIR/token
END
  on_instance
  export AWS_CONTAINER_CREDENTIALS_FULL_URI=$BASE/container AWS_PROFILE
  AWS_PROFILE=by-environment
  assert_error 'the profile by-environment has credential_source = Environment, which has none: AWS_ACCESS_KEY_ID is not set'
  AWS_PROFILE=by-container assert_key KEYsts1 'session/KEYsts1+='
  assert_equal "$(asked sts '"\(.key_id) \(.session_token)"')" 'KEYcontainer1 session/KEYcontainer1+='
  AWS_PROFILE=by-instance assert_key KEYsts2 'session/KEYsts2+='
  assert_equal "$(asked sts .key_id)" KEYinstance1
  AWS_PROFILE=second assert_key KEYsts4 'session/KEYsts4+='
  assert_equal "$(asked sts '"\(.key_id) \(.form.RoleArn)"')" "AKIAFILE $ROLE/first"$'\n'"KEYsts3 $ROLE/second"
  AWS_PROFILE=own assert_key KEYsts5 'session/KEYsts5+='
  assert_equal "$(asked sts .key_id)" AKIAPROC
  echo jwt >"$BATS_TEST_TMPDIR/token"
  AWS_PROFILE=by-token assert_key KEYsts6 'session/KEYsts6+='
  assert_equal "$(asked sts .form.WebIdentityToken)" jwt
  AWS_PROFILE=by-nothing assert_error 'expected one of source_profile, credential_source and web_identity_token_file'
  AWS_PROFILE=by-magic assert_error 'credential_source = Magic: expected Environment, Ec2InstanceMetadata or EcsContainer'
  AWS_PROFILE=ring assert_error 'more than 5 profiles lead to each other'
  AWS_PROFILE=of-empty assert_error 'the profile of-empty has source_profile = empty, which has no credentials'
  AWS_PROFILE=of-missing assert_error 'the profile missing is neither in'
}

@test "role: a refusal says why, and what to do" {
  in_file
  printf '[profile deploy]\nrole_arn = %s\nsource_profile = default\n' "$ROLE" | config
  export AWS_PROFILE=deploy STATUS=2
  echo AccessDenied >"$SERVICE/refusal"
  assert_error "the profile deploy: ${BASE#http://} refuses AssumeRole for $ROLE: AccessDenied: not <today>" \
    'let the trust policy of the role allow sts:AssumeRole'
  sed -i s/akiafile/wrong/ "$HOME/.aws/credentials"
  rm "$SERVICE/refusal"
  assert_error 'refuses AssumeRole' SignatureDoesNotMatch
  AWS_ENDPOINT_URL_STS=http://127.0.0.1:1 DEWY_RETRIES=0 assert_error 'cannot reach 127.0.0.1:1'
  STATUS=1 AWS_ENDPOINT_URL_STS=127.0.0.1 assert_error 'AWS_ENDPOINT_URL_STS is 127.0.0.1: expected https://HOST'
}

@test "web identity: an unsigned exchange, once for each token" {
  web_identity
  dewy once >/dev/null 2>&1 || true
  assert_key KEYsts1 'session/KEYsts1+='
  assert_equal "$(asked sts .form)" ""
  web_identity another.jwt
  assert_key KEYsts2 'session/KEYsts2+='
  assert_equal "$(asked sts '"\(.key_id) \(.form.Action) \(.form.RoleArn) \(.form.WebIdentityToken)"')" \
    "null AssumeRoleWithWebIdentity $ROLE another.jwt"
  [[ $(asked sts .form.RoleSessionName) == dewy-* ]]
  run grep -rF -e KEYsts -e keysts -e session/ -e jwt.of.pod -e another.jwt "$ROOT"
  assert_failure 1
  export AWS_ROLE_SESSION_NAME=mine
  rm "$ROOT/.dewy/tokens.json"
  assert_key KEYsts3 'session/KEYsts3+='
  assert_equal "$(asked sts .form.RoleSessionName)" mine
}

@test "a kept credential that was revoked is exchanged again, once" {
  web_identity
  mkdir -p "$ROOT/.dewy"
  assert_key KEYsts1 'session/KEYsts1+='
  echo KEYsts1 >"$SERVICE/revoked"
  rm "$SERVICE/requests"
  run --separate-stderr dewy-check
  assert_success
  assert_equal "$(asked s3 .key_id | sort -u)" $'KEYsts1\nKEYsts2'
  assert_key KEYsts2 'session/KEYsts2+='
}

@test "web identity: what is wrong with it is said" {
  web_identity
  echo ExpiredTokenException >"$SERVICE/refusal"
  STATUS=2 assert_error "AWS_WEB_IDENTITY_TOKEN_FILE: ${BASE#http://} refuses AssumeRoleWithWebIdentity for $ROLE: ExpiredTokenException" renewed
  [[ $output$stderr != *jwt* ]]
  unset AWS_ROLE_ARN
  assert_error 'AWS_WEB_IDENTITY_TOKEN_FILE is set, and AWS_ROLE_ARN is not'
  export AWS_ROLE_ARN=$ROLE
  : >"$BATS_TEST_TMPDIR/token"
  assert_error "token file $BATS_TEST_TMPDIR/token is empty"
  rm "$BATS_TEST_TMPDIR/token"
  assert_error "cannot read $BATS_TEST_TMPDIR/token"
}

@test "container: asked with its token, and only where nobody else listens" {
  export AWS_CONTAINER_CREDENTIALS_FULL_URI=$BASE/container/v1
  assert_key KEYcontainer1 'session/KEYcontainer1+='
  assert_equal "$(asked container .path)" /container/v1
  echo 'Basic abc=' >"$SERVICE/authorization"
  STATUS=2 assert_error "the container service at ${BASE#http://} answered HTTP 403" AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE
  AWS_CONTAINER_AUTHORIZATION_TOKEN='Basic abc=' assert_key KEYcontainer2 'session/KEYcontainer2+='
  echo 'Basic abc=' >"$BATS_TEST_TMPDIR/token"
  export AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=$BATS_TEST_TMPDIR/token
  AWS_CONTAINER_AUTHORIZATION_TOKEN=stale assert_key KEYcontainer3 'session/KEYcontainer3+='
  printf 'Basic\nX-Evil: 1' >"$BATS_TEST_TMPDIR/token"
  assert_error Authorization 'control character'
  local uri
  for uri in http://example.com/x http://127.evil.example/x http://169.254.170.2.example/x http://127.0.0.1@evil.example/x ftp://127.0.0.1/x \
    http://me:hu/sh@127.0.0.1/x; do
    AWS_CONTAINER_CREDENTIALS_FULL_URI=$uri assert_error 'AWS_CONTAINER_CREDENTIALS_FULL_URI is' 'taken only from https'
    [[ $output != *me:hu* ]]
  done
  rm "$SERVICE/authorization" "$BATS_TEST_TMPDIR/token"
  unset AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE
  echo -5 >"$SERVICE/lifetime"
  assert_error 'the credentials of the container service expired at'
}

@test "instance: version 2 alone, of the instance's role" {
  on_instance
  assert_key KEYinstance1 'session/KEYinstance1+='
  assert_equal "$(asked instance '"\(.method) \(.path)"')" "PUT /latest/api/token
GET /latest/meta-data/iam/security-credentials/
GET /latest/meta-data/iam/security-credentials/web%20server"
  touch "$SERVICE/no-role"
  assert_error 'no AWS credentials' 'this instance has no role'
  export AWS_EC2_METADATA_SERVICE_ENDPOINT=127.0.0.1
  assert_error 'AWS_EC2_METADATA_SERVICE_ENDPOINT is 127.0.0.1'
}

@test "instance: where there is none, that is found out soon" {
  mkdir "$BATS_TEST_TMPDIR/web"
  python3 "$BATS_TEST_DIRNAME/webserver.py" "$BATS_TEST_TMPDIR/web" hang >/dev/null 3>&- &
  echo $! >"$BATS_TEST_TMPDIR/web.pid"
  wait_until test -e "$BATS_TEST_TMPDIR/web/port"
  on_instance
  export AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:$(cat "$BATS_TEST_TMPDIR/web/port")
  assert_error 'the instance metadata service: cannot reach' 'timed out'
  assert_equal "$(wc -l <"$BATS_TEST_TMPDIR/web/requests")" 1
  export AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:1
  assert_error 'the instance metadata service: cannot reach 127.0.0.1:1: Connection refused'
}

@test "container, instance: no proxy is asked for what only this machine can mean" {
  export http_proxy=http://127.0.0.1:1 DEWY_RETRIES=0 AWS_CONTAINER_CREDENTIALS_FULL_URI=$BASE/container
  run --separate-stderr dewy-check --log-level debug
  [[ $stderr == *'AWS credentials source="the container service"'* ]]
  unset AWS_CONTAINER_CREDENTIALS_FULL_URI
  on_instance
  run --separate-stderr dewy-check --log-level debug
  [[ $stderr == *'AWS credentials source="the instance metadata service"'* ]]
}

@test "container, instance: their usual addresses" {
  unshare -n true 2>/dev/null || skip "no private network here"
  unset AWS_EC2_METADATA_DISABLED
  local addresses="ip link set lo up && ip address add 169.254.170.2/32 dev lo && ip address add 169.254.169.254/32 dev lo"
  mkdir "$BATS_TEST_TMPDIR/near"
  cat >"$BATS_TEST_TMPDIR/script" <<END
$addresses
python3 "$BATS_TEST_DIRNAME/aws-endpoints.py" "$BATS_TEST_TMPDIR/near" 0.0.0.0 80 >/dev/null 3>&- &
until [ -e "$BATS_TEST_TMPDIR/near/port" ]; do sleep 0.02; done
export DEWY_REGISTRY="s3://us-east-1/bucket?endpoint=http://169.254.169.254"
AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/container/v2/x dewy-check >/dev/null
dewy-check >/dev/null
kill \$!
END
  unshare -n sh -e "$BATS_TEST_TMPDIR/script"
  SERVICE=$BATS_TEST_TMPDIR/near
  assert_equal "$(asked container .path)" /container/v2/x
  assert_equal "$(asked s3 .key_id | uniq)" KEYcontainer1$'\n'KEYinstance1
}

@test "no secret of any source is in the state, the log or the document" {
  in_file
  printf '[profile deploy]\nrole_arn = %s\nsource_profile = default\n' "$ROLE" | config
  AWS_PROFILE=deploy run dewy once --log-level debug
  echo "$output" >"$ROOT/output"
  assert [ -s "$ROOT/.dewy/tokens.json" ]
  run grep -rF -e akiafile -e keysts -e session/ "$ROOT"
  assert_failure 1
}
