/* SPDX-License-Identifier: MIT */
#include "notify/notify.h"

#include "error.h"
#include "log.h"
#include "metrics/telemetry.h"
#include "notify/channel.h"
#include "notify/counter.h"
#include "notify/message.h"
#include "notify/report.h"
#include "str.h"

/* Returns how many runs in a row have ended badly, the one of this document included. */
static long long count_failures(struct root *root, const cJSON *document)
{
	long long failures = 0;
	struct error error;

	if (message_outcome(document) != OUTCOME_BAD)
		return counter_read(root, NULL);
	if (counter_add(root, document, &failures, &error) == 0)
		return failures;
	log_warn("Cannot count the failure", "error", error.message, "hint", error.hint);
	return counter_read(root, NULL) + 1;
}

static void forget_failures(const struct root *root)
{
	struct error error;

	if (counter_clear(root, &error))
		log_warn("Cannot forget the failures", "error", error.message, "hint", error.hint);
}

/* What is withheld until the run ends is logged then. */
static void log_messages(const struct message_list *messages, enum outcome outcome)
{
	for (size_t i = 0; i < messages->count; i++) {
		const struct message *message = &messages->items[i];
		const char *stage = json_string(message->notice, "stage");
		const char *event = str_equal(stage, "fetch")     ? "Download notification"
				    : str_equal(stage, "restart") ? "Restart notification"
								  : "Notification";
		log_event(message->withheld && outcome == OUTCOME_NONE ? LOG_DEBUG : LOG_INFO, event, "message", message->text);
	}
}

static void mark_sent(const struct message_list *messages, size_t channels)
{
	for (size_t i = 0; i < messages->count; i++)
		if (!messages->items[i].withheld && messages->items[i].taken == channels)
			json_set_bool(messages->items[i].notice, "sent", true);
}

static int open_channels(struct channel_list *ret_channels, const struct options *options, struct error *error)
{
	return channel_list_open(ret_channels, option_list(options, OPT_NOTIFIER), option_string(options, OPT_CACERT), error);
}

static int run(struct stage_run *run, struct error *error)
{
	long long failures = count_failures(run->root, run->document);
	enum outcome outcome = message_outcome(run->document);
	AUTO_CHANNELS struct channel_list channels = {0};
	AUTO_MESSAGES struct message_list messages = {0};

	if (open_channels(&channels, run->options, error))
		return -1;
	message_list_make(&messages, run->document, failures);
	log_messages(&messages, outcome);
	channel_list_tell(&channels, &messages, option_number(run->options, OPT_NOTIFY_TIMEOUT));
	mark_sent(&messages, channels.count);
	if (outcome == OUTCOME_GOOD && failures > 0)
		forget_failures(run->root);
	if (!option_flag(run->options, OPT_NO_REPORT))
		report(run->options, run->root, run->document);
	telemetry_tell(run);
	return 0;
}

static int check(const struct options *options, struct error *error)
{
	AUTO_CHANNELS struct channel_list channels = {0};

	return open_channels(&channels, options, error);
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
