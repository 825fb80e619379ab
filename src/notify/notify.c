/* SPDX-License-Identifier: MIT */
#include "notify/notify.h"

#include "alloc.h"
#include "error.h"
#include "log.h"
#include "metrics/telemetry.h"
#include "notify/channel.h"
#include "notify/counter.h"
#include "notify/ledger.h"
#include "notify/listener.h"
#include "notify/message.h"
#include "notify/relay.h"
#include "notify/report.h"
#include "notify/tell.h"
#include "str.h"

/* Returns how many runs in a row have ended badly, the one of this document included. ret_counter gets what counts them, for the
 * caller to delete. */
static long long count_failures(struct root *root, const cJSON *document, cJSON **ret_counter)
{
	long long failures = 0;
	struct error error;

	if (message_outcome(document) != OUTCOME_BAD)
		return counter_read(root, ret_counter);
	if (counter_add(root, document, &failures, &error) == 0)
		return failures;
	log_warn("Cannot count the failure", "error", error.message, "hint", error.hint);
	return counter_read(root, NULL) + 1;
}

static void forget_failures(struct root *root, const char *last_id)
{
	struct error error;

	if (counter_clear(root, last_id, &error))
		log_warn("Cannot forget the failures", "error", error.message, "hint", error.hint);
}

/* Errors and what hooks did have been logged by their stages. */
static bool was_logged(const cJSON *notice)
{
	const char *kind = json_string(notice, "kind");

	return str_equal(kind, NOTICE_ERROR) || str_equal(kind, NOTICE_HOOK);
}

/* The log is told each notice once, too, and of what is withheld when the run ends. */
static void log_message(const struct message *message)
{
	const char *stage = json_string(message->notice, "stage");
	const char *event = str_equal(stage, "fetch")     ? "Download notification"
			    : str_equal(stage, "restart") ? "Restart notification"
							  : "Notification";
	bool waits = message->withheld && message_outcome(message->document) == OUTCOME_NONE;

	if (document_was_sent(message->notice, NOTICE_LOG))
		return;
	log_event(waits || was_logged(message->notice) ? LOG_DEBUG : LOG_INFO, event, "message", message->text);
	if (!waits)
		document_add_sent(message->notice, NOTICE_LOG);
}

/* Says which channels have not heard everything. A process that follows this one will tell them what they missed, and say it if
 * they do not take that either. */
static void log_undelivered(const struct listener_list *listeners, bool is_followed)
{
	for (size_t i = 0; i < listeners->count; i++) {
		const struct listener *listener = &listeners->items[i];
		AUTO_FREE char *missed = xasprintf("%zu", listener->count - listener->taken);
		if (listener->taken < listener->count)
			log_event(is_followed ? LOG_DEBUG : LOG_WARN, "Notification failed", "channel", listener->channel->name,
				  "notices", missed, "error", listener->error.message, "hint", listener->error.hint);
	}
}

/* Tells the document. Returns false when SIGTERM has ended that early. */
static bool tell_document(struct stage_run *run, struct listener_list *listeners)
{
	AUTO_JSON cJSON *counter = NULL;
	long long failures = count_failures(run->root, run->document, &counter), unheard;
	int relay = relay_receive();
	bool remembers = ledger_read(listeners, run->root, run->document), good = message_outcome(run->document) == OUTCOME_GOOD;
	AUTO_MESSAGES struct message_list messages = {0};

	unheard = listener_list_failures(listeners);
	message_list_make(&messages, run->document, failures, !good ? 0 : failures ? failures : unheard);
	listener_list_choose(listeners, &messages);
	for (size_t i = 0; i < messages.count; i++)
		log_message(&messages.items[i]);
	remembers = remembers && ledger_begin(listeners, run->root, run->document, failures, relay);
	bool whole = tell(listeners, run->root, run->document, option_number(run->options, OPT_NOTIFY_TIMEOUT), relay);
	if (remembers)
		ledger_end(listeners, run->root, run->document);
	log_undelivered(listeners, relay >= 0);
	listener_list_mark(listeners, &messages);
	if (good && failures)
		forget_failures(run->root, json_string(counter, "last_id"));
	return whole;
}

static int run(struct stage_run *run, struct error *error)
{
	AUTO_CHANNELS struct channel_list channels = {0};
	AUTO_LISTENERS struct listener_list listeners = {0};

	(void)error;
	channel_list_accept(&channels, option_list(run->options, OPT_NOTIFIER), option_string(run->options, OPT_CACERT));
	listener_list_make(&listeners, &channels);
	if (tell_document(run, &listeners) && !option_flag(run->options, OPT_NO_REPORT))
		report(run->options, run->root, run->document);
	telemetry_tell(run);
	return 0;
}

/* Who types a wrong notifier hears of it at once. One in the environment, where dewy once puts its own, is found out when nobody
 * listens to usage errors, and must not keep the others from being told. */
static int check(const struct options *options, struct error *error)
{
	AUTO_CHANNELS struct channel_list channels = {0};

	return option_by_flag(options, OPT_NOTIFIER) ? channel_list_open(&channels, option_list(options, OPT_NOTIFIER),
									 option_string(options, OPT_CACERT), error)
						     : 0;
}

const struct stage notify_stage = {
	.tool = {.name = "dewy-notify", .operands = "", .summary = "Tells people and the registry what happened"},
	.name = "notify",
	.user = NOTIFY,
	.acts_on = ~0u,
	.keeps_state = true,
	.check = check,
	.run = run,
};
