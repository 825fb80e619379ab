# What the tests of dewy-serve share. Its workers are t/serve-worker.py, which does what the files in $PLAN say and writes
# down in $RECORD what happens to it.

serve_prepare() {
  PID_FILE=$ROOT/.dewy/serve.pid
  STATUS=$ROOT/.dewy/serve.status
  LOG=$BATS_TEST_TMPDIR/log
  PLAN=$BATS_TEST_TMPDIR/plan
  RECORD=$BATS_TEST_TMPDIR/record
  mkdir "$PLAN"
  : >"$RECORD"
  WORKER=("$BATS_TEST_DIRNAME/serve-worker.py" "$PLAN" "$RECORD")
}

# launch OPTION...: starts a supervisor of WORKER in the background and sets SUPERVISOR to its pid. UNDER may be a command that
# becomes the supervisor.
launch() {
  "${UNDER[@]}" dewy-serve --interval 1h --kill-timeout 5s "$@" -- "${WORKER[@]}" 2>>"$LOG" 3>&- &
  SUPERVISOR=$!
}

# state WORD GENERATION [REASON]: true when the status file says so.
state() {
  grep -q "^# state=$1 gen=$2${3:+ reason=$3}\$" "$STATUS"
}

# alone: true when one worker serves and no start is under way, by one look at the status file.
alone() {
  awk '/^[0-9]/ { workers++ } /^# state=ready/ { ready = 1 } END { exit !(workers == 1 && ready) }' "$STATUS"
}

# serve OPTION...: launch, and wait until the first generation serves.
serve() {
  launch "$@"
  wait_until state ready 1
}

# recorded WORDS: true when a worker wrote this line.
recorded() {
  grep -qx -- "$*" "$RECORD"
}

logged() {
  grep -q -- "$*" "$LOG"
}

# failed_to_start GENERATION: true once it has; the status file says so only until the next one is started.
failed_to_start() {
  logged "New worker failed to start generation=\"$1\""
}

# plan GENERATION: what that one does, from standard input; "all" for those without a plan of their own.
plan() {
  cat >"$PLAN/$1.new"
  mv "$PLAN/$1.new" "$PLAN/$1"
}

# worker GENERATION: prints its pid.
worker() {
  awk -v generation="$1" '$1 == generation && $2 == "start" { print $3 }' "$RECORD"
}

# setting GENERATION NAME: prints that variable of its environment.
setting() {
  tr '\0' '\n' <"/proc/$(worker "$1")/environ" | sed -n "s/^$2=//p"
}

# ended STATUS: waits for the supervisor, which has to end with that exit status.
ended() {
  local status=0
  wait_until gone "$SUPERVISOR"
  wait "$SUPERVISOR" || status=$?
  [ "$status" -eq "$1" ] || { echo "the supervisor ended with $status" >&2; return 1; }
}

# signals SIGNAL: sends it to the supervisor.
signals() {
  kill "-$1" "$SUPERVISOR"
}
