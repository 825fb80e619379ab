/* SPDX-License-Identifier: MIT */
#include "notify/tell.h"

#include "alloc.h"
#include "buf.h"
#include "cleanup.h"
#include "fs.h"
#include "notify/ledger.h"
#include "notify/relay.h"
#include "proc.h"
#include "signal_fd.h"
#include "time.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum {
	MARGIN_MS = 1000, /* that a process may be late, because the machine is slow */
	GRACE_MS = 700,   /* from SIGTERM to SIGKILL; whoever has ended this one early waits longer than that */
	RESULT_LIMIT = 1 << 20,
};

/* What all processes need. */
struct telling {
	struct root *root;
	const cJSON *document;
	long long deadline;
	int relay;
};

/* A process that tells one listener. */
struct teller {
	struct listener *listener;
	pid_t pid;   /* 0 when there is none, or no more */
	bool died;   /* before it could remember what came of it */
	int results; /* the file that it writes a line to for each message: {}, or {"error":...,"hint":...,"refused":true}; or
			without "refused" and no more */
};

static int write_result(int results, const struct error *error, bool refused)
{
	AUTO_JSON cJSON *result = xrequire(cJSON_CreateObject());

	json_set_string(result, "error", error ? error->message : NULL);
	json_set_string(result, "hint", error ? error->hint : NULL);
	if (refused)
		json_set_bool(result, "refused", true);
	AUTO_FREE char *text = json_print(result), *line = xasprintf("%s\n", text);
	return fs_write_all(results, line, strlen(line));
}

/* Tells one message, unless another process has done that. Returns as send does (channel.h). */
static int tell_message(const struct telling *telling, const struct listener *listener, const struct message *message,
			struct error *error)
{
	long long left = telling->deadline - time_monotonic();

	if (ledger_has_heard(listener, telling->root, message))
		return 0;
	if (left <= 0)
		return error_set(error, ERROR_NETWORK, "no time was left");
	AUTO_FREE char *words = listener_words(listener, message);
	struct message said = *message;
	said.text = words;
	return listener->channel->ops->send(listener->channel, &said, left, error);
}

/* Tells the next message, and notes what became of it. Returns 0 to go on, or -1. */
static int tell_next(const struct telling *telling, struct listener *listener, int results)
{
	struct message *message = &listener->messages[listener->tried];
	struct error error;
	int result = tell_message(telling, listener, message, &error);

	if (result)
		listener->error = error;
	write_result(results, result ? &error : NULL, result > 0);
	if (result < 0)
		return -1;
	listener->tried++;
	message->taken = result == 0;
	if (!message->taken)
		return 0;
	listener->taken++;
	ledger_add_taken(listener, telling->root);
	return 0;
}

/* Returns 0 when it is time for this process to tell the listener, or -1 with its error. What is left to another process was not
 * missed. */
static int begin(const struct telling *telling, struct listener *listener, int *ret_turn)
{
	long long left = telling->deadline - time_monotonic();

	if (ledger_take_turn(listener, telling->root, telling->document, left, ret_turn)) {
		ledger_add_missed(listener, telling->root);
		return -1;
	}
	if (relay_is_over(telling->relay))
		return error_set(&listener->error, ERROR_NETWORK, "it is left to the last process of the run");
	return 0;
}

/* What the process does. Returns its exit status. */
static int tell_messages(const struct telling *telling, struct listener *listener, int results)
{
	AUTO_CLOSE int turn = -1;

	if (begin(telling, listener, &turn)) {
		write_result(results, &listener->error, false);
		return 1;
	}
	while (listener->tried < listener->count && tell_next(telling, listener, results) == 0)
		;
	if (listener->taken == listener->count)
		return 0;
	ledger_add_missed(listener, telling->root);
	return 1;
}

static void start(const struct telling *telling, struct teller *tellers, size_t at)
{
	struct teller *teller = &tellers[at];
	struct error *error = &teller->listener->error;

	teller->results = fs_scratch("", 0, error);
	teller->pid = teller->results < 0 ? -1 : fork();
	if (teller->pid == 0) {
		struct teller self = *teller;
		free(tellers); /* the others are of no use there */
		_exit(tell_messages(telling, self.listener, self.results));
	}
	if (teller->pid > 0)
		return;
	if (teller->results >= 0)
		error_errno(error, errno, "cannot start a process");
	teller->pid = 0;
	teller->died = true;
}

/* Ends the processes that are still there, all of which are told so before the first one is waited for. */
static void end(struct teller *tellers, size_t count, bool interrupted)
{
	for (size_t i = 0; i < count; i++)
		if (tellers[i].pid)
			kill(tellers[i].pid, SIGTERM);
	for (long long deadline = time_monotonic() + GRACE_MS; count-- > 0;) {
		long long left = deadline - time_monotonic();
		if (!tellers[count].pid)
			continue;
		struct error *error = &tellers[count].listener->error;
		error_set(error, ERROR_NETWORK, "%s",
			  interrupted ? "dewy-notify was ended before this was done" : "it was not done in time");
		error_hint(error, interrupted ? "see in the log who has ended it" : "see with --log-level debug what it waits for");
		proc_stop(tellers[count].pid, left > 0 ? left : 0);
		tellers[count].pid = 0;
		tellers[count].died = true;
	}
}

/* Waits for all processes. Returns true when SIGTERM comes before they have ended. */
static bool await(struct teller *tellers, size_t count, long long deadline, int signals)
{
	for (size_t i = 0; i < count; i++) {
		long long left = deadline - time_monotonic();
		int code = 0, result = tellers[i].pid ? proc_wait_or(tellers[i].pid, left, signals, &code) : 0;
		if (result == 2)
			return true;
		if (result > 0)
			continue;
		tellers[i].pid = 0;
		tellers[i].died = code > 1;
		if (code > 1)
			error_set(&tellers[i].listener->error, ERROR_INTERNAL, "its process ended with %d", code);
	}
	return false;
}

static void read_result(struct listener *listener, const cJSON *result)
{
	const char *message = json_string(result, "error"), *hint = json_string(result, "hint");
	bool taken = !message;

	if (taken || json_true(result, "refused")) {
		listener->messages[listener->tried++].taken = taken;
		listener->taken += taken;
	}
	if (taken)
		return;
	error_set(&listener->error, ERROR_NETWORK, "%s", message);
	error_hint(&listener->error, "%s", hint ? hint : "");
}

/* Reads what the process has written, which may have been ended in the middle of a line. */
static void collect(struct teller *teller)
{
	AUTO_BUF struct buf text = {0};
	struct error error;

	if (teller->results < 0)
		return;
	if (lseek(teller->results, 0, SEEK_SET) == 0 && buf_read(&text, teller->results, RESULT_LIMIT) >= 0)
		for (char *line = text.data, *break_; line && (break_ = strchr(line, '\n')); line = break_ + 1) {
			AUTO_JSON cJSON *result = json_parse(line, (size_t)(break_ - line), &error);
			if (result && teller->listener->tried < teller->listener->count)
				read_result(teller->listener, result);
		}
	close(teller->results);
}

/* Follows the processes to their ends. */
static bool follow(struct teller *tellers, size_t count, long long deadline)
{
	static const int ending[] = {SIGTERM};
	struct error error;
	sigset_t before;

	sigprocmask(SIG_BLOCK, NULL, &before);
	AUTO_CLOSE int signals = signal_fd_open(ending, 1, &error); /* without it, the signal ends this process */
	bool interrupted = await(tellers, count, deadline, signals);
	end(tellers, count, interrupted);
	if (interrupted)
		signal_fd_next(signals);
	signal(SIGTERM, interrupted ? SIG_IGN : SIG_DFL); /* it ends now, and says what it has done */
	sigprocmask(SIG_SETMASK, &before, NULL);
	return !interrupted;
}

bool tell(struct listener_list *listeners, struct root *root, const cJSON *document, long long timeout_ms, int relay)
{
	AUTO_FREE struct teller *tellers = xcalloc(listeners->count + 1, sizeof *tellers);
	const struct telling telling = {
		.root = root,
		.document = document,
		.deadline = time_monotonic() + timeout_ms,
		.relay = relay,
	};
	size_t count = 0;

	for (size_t i = 0; i < listeners->count; i++) {
		if (!listeners->items[i].count)
			continue;
		tellers[count] = (struct teller){.listener = &listeners->items[i]};
		start(&telling, tellers, count++);
	}
	bool whole = count == 0 || follow(tellers, count, telling.deadline + MARGIN_MS);
	for (size_t i = 0; i < count; i++) {
		collect(&tellers[i]);
		if (tellers[i].died && tellers[i].listener->taken < tellers[i].listener->count)
			ledger_add_missed(tellers[i].listener, root);
	}
	return whole;
}
