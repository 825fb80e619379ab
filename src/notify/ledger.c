/* SPDX-License-Identifier: MIT */
#include "notify/ledger.h"

#include "alloc.h"
#include "document.h"
#include "lock.h"
#include "log.h"
#include "notify/counter.h"
#include "notify/relay.h"
#include "str.h"
#include "time.h"

#include <stdlib.h>

enum { FORGET_AFTER = 7 * 24 * 60 * 60 }; /* seconds */

static const char turns[] = "notify.turns"; /* a lock file with a byte for each channel */

/* Returns a number for a text (FNV-1a). */
static unsigned hash(const char *text)
{
	unsigned sum = 0x811c9dc5u;

	for (; *text; text++)
		sum = (sum ^ (unsigned char)*text) * 0x01000193u;
	return sum;
}

/* Returns what the file holds of a channel, NULL for nothing. The name is no path: it may have dots in it. */
static cJSON *find_entry(const cJSON *file, const char *name)
{
	cJSON *entry = cJSON_GetObjectItemCaseSensitive(json_get(file, COUNTER_CHANNELS), name);

	return cJSON_IsObject(entry) ? entry : NULL;
}

static cJSON *give_entry(cJSON *file, const char *name)
{
	cJSON *entry = find_entry(file, name), *channels = json_get(file, COUNTER_CHANNELS);

	if (entry)
		return entry;
	if (!cJSON_IsObject(channels)) {
		channels = xrequire(cJSON_CreateObject());
		json_set(file, COUNTER_CHANNELS, channels);
	}
	cJSON_DeleteItemFromObjectCaseSensitive(channels, name);
	return xrequire(cJSON_AddObjectToObject(channels, name));
}

static bool is_of_run(const cJSON *entry, const char *member, const cJSON *document)
{
	return str_equal(json_string(entry, member), json_string(document, "id"));
}

static void recall_told(struct listener *listener, const cJSON *entry, const cJSON *document)
{
	listener->told = json_number(entry, "told", 0);
	if (listener->told > 0 && is_of_run(entry, "told_id", document))
		listener->told--; /* the same run comes back, with what it could not deliver */
}

static void recall(struct listener *listener, const cJSON *file, const cJSON *document)
{
	const cJSON *entry = find_entry(file, listener->channel->name);

	listener->failures = json_number(entry, "failures", 0);
	listener->failed_id = xstrdup(json_string(entry, "failed_id"));
	recall_told(listener, entry, document);
}

bool ledger_read(const struct listener_list *list, const struct root *root, const cJSON *document)
{
	AUTO_JSON cJSON *file = NULL;

	counter_read(root, &file);
	for (size_t i = 0; i < list->count; i++)
		recall(&list->items[i], file, document);
	return list->count > 0 || json_get(file, COUNTER_CHANNELS);
}

/* Returns false, after a warning, when that cannot be remembered. */
static bool remember(struct root *root, void (*change)(cJSON *file, void *context), void *context)
{
	struct error error;

	if (counter_change(root, change, context, &error) == 0)
		return true;
	log_warn("Cannot remember what people were told", "error", error.message, "hint", error.hint);
	return false;
}

static void remember_of(struct listener *listener, struct root *root, void (*change)(cJSON *file, void *context))
{
	listener->forgets = listener->forgets || !remember(root, change, listener);
}

/* Notes that notices were not delivered. Of several processes that tell the same run, the last one has them all. */
static void note_undelivered(cJSON *entry, const cJSON *document, size_t notices, const char *error, const char *hint)
{
	long long before = json_number(entry, COUNTER_UNDELIVERED ".notices", 0), most = (long long)notices;
	const char *since = json_string(entry, COUNTER_UNDELIVERED ".since");
	char now[TIME_TEXT];

	if (is_of_run(entry, COUNTER_UNDELIVERED ".id", document)) {
		long long earlier = json_number(entry, COUNTER_UNDELIVERED ".before", 0);
		most = before - earlier > most ? before - earlier : most;
		before = earlier;
	}
	cJSON *undelivered = xrequire(cJSON_CreateObject());
	time_format((time_t)(time_now() / 1000), now);
	json_set_number(undelivered, "notices", before + most);
	json_set_string(undelivered, "since", since ? since : now);
	json_set_string(undelivered, "last_at", now);
	json_set_string(undelivered, "error", error);
	json_set_string(undelivered, "hint", hint);
	json_set_string(undelivered, "id", json_string(document, "id"));
	json_set_number(undelivered, "before", before);
	json_set(entry, COUNTER_UNDELIVERED, undelivered);
}

/* Notes that messages are about to be delivered: should that come to nothing, they were not. */
static void note_pending(cJSON *entry, const cJSON *document, size_t notices)
{
	note_undelivered(entry, document, notices, "dewy-notify has not ended yet, or was ended before it had told this",
			 "if the log says that it was ended, see there what it waited for");
}

/* What the changes of the file need to know. */
struct account {
	const struct listener_list *list;
	const cJSON *document;
	long long failures;
	int relay;
};

static void begin(cJSON *entry, const struct listener *listener, const struct account *account)
{
	enum outcome outcome = message_outcome(account->document);
	char now[TIME_TEXT];

	json_set_string(entry, "at", time_format((time_t)(time_now() / 1000), now));
	if (outcome == OUTCOME_BAD) {
		json_set_number(entry, "failures", account->failures);
		json_set_string(entry, "failed_id", json_string(account->document, "id"));
	}
	if (outcome == OUTCOME_GOOD) {
		cJSON_DeleteItemFromObjectCaseSensitive(entry, "told");
		cJSON_DeleteItemFromObjectCaseSensitive(entry, "told_id");
	}
	if (listener->count)
		note_pending(entry, account->document, listener->count);
}

static bool is_forgotten(const cJSON *entry, const struct listener_list *list)
{
	const char *at = json_string(entry, "at");
	time_t when;

	for (size_t i = 0; i < list->count; i++)
		if (str_equal(list->items[i].channel->name, entry->string))
			return false;
	return !at || time_parse(at, &when) || llabs(time_now() / 1000 - when) > FORGET_AFTER; /* far ahead is no time */
}

/* Lets go of those that nobody names any more, and of those with nothing but the time. */
static void prune(cJSON *file, const struct listener_list *list)
{
	cJSON *channels = json_get(file, COUNTER_CHANNELS), *entry, *next;

	for (entry = channels ? channels->child : NULL; entry; entry = next) {
		next = entry->next;
		bool empty = !entry->child || (str_equal(entry->child->string, "at") && !entry->child->next);
		if (empty || is_forgotten(entry, list))
			cJSON_Delete(cJSON_DetachItemViaPointer(channels, entry));
	}
	if (channels && !channels->child)
		cJSON_DeleteItemFromObjectCaseSensitive(file, COUNTER_CHANNELS);
}

static void begin_all(cJSON *file, void *context)
{
	const struct account *account = context;

	if (relay_is_over(account->relay)) /* the last process may have told it all */
		return;
	for (size_t i = 0; i < account->list->count; i++)
		begin(give_entry(file, account->list->items[i].channel->name), &account->list->items[i], account);
	prune(file, account->list);
}

bool ledger_begin(struct listener_list *list, struct root *root, const cJSON *document, long long failures, int relay)
{
	struct account account = {.list = list, .document = document, .failures = failures, .relay = relay};
	bool remembers = remember(root, begin_all, &account);

	for (size_t i = 0; i < list->count; i++)
		list->items[i].forgets = !remembers;
	return remembers;
}

/* True while another process may have more to tell of the same run. */
static bool goes_on(const cJSON *document)
{
	enum state state = document_state(document);

	return state == STATE_AVAILABLE || state == STATE_FETCHED ||
	       (state == STATE_DEPLOYED && !str_equal(json_string(document, "mode"), "assets"));
}

/* Returns what tells a message from the others of its run: the place of its notice, and what it says. The caller frees it. */
static char *key_of(const struct message *message)
{
	AUTO_FREE char *hook = message->hook ? json_print(message->hook) : xstrdup("");
	AUTO_FREE char *said = xasprintf("%s%s", json_string(message->notice, "text"), hook);

	return xasprintf("%d-%08x", message_place(message), hash(said));
}

static bool has_heard(const cJSON *entry, const struct message *message)
{
	AUTO_FREE char *key = key_of(message);
	const cJSON *heard;

	cJSON_ArrayForEach(heard, json_get(entry, "run.heard"))
	{
		if (str_equal(cJSON_GetStringValue(heard), key))
			return true;
	}
	return false;
}

int ledger_take_turn(struct listener *listener, const struct root *root, const cJSON *document, long long wait_ms, int *ret_turn)
{
	AUTO_JSON cJSON *file = NULL;
	struct error error;

	*ret_turn = lock_take_part(root->state, turns, hash(listener->channel->name) & 0x7fffffffu, wait_ms, &error);
	if (*ret_turn < 0 && error.code == ERROR_LOCKED) {
		error_set(&listener->error, ERROR_NETWORK, "an earlier process was still telling it something");
		return error_hint(&listener->error,
				  "see what that one says of the channel; a longer --notify-timeout waits longer for its end");
	}
	counter_read(root, &file);
	const cJSON *entry = find_entry(file, listener->channel->name);
	if (is_of_run(entry, "run.id", document))
		listener->channel->thread = xstrdup(json_string(entry, "run.thread"));
	recall_told(listener, entry, document);
	return 0;
}

bool ledger_has_heard(const struct listener *listener, const struct root *root, const struct message *message)
{
	AUTO_JSON cJSON *file = NULL;

	counter_read(root, &file);
	const cJSON *entry = find_entry(file, listener->channel->name);
	return (message->recovery && json_number(entry, "failures", 0) <= 0) ||
	       (is_of_run(entry, "run.id", message->document) && has_heard(entry, message));
}

/* Notes what of the run its next process needs to know. */
static void note_run(cJSON *entry, const struct listener *listener, const struct message *message)
{
	AUTO_FREE char *key = key_of(message);

	if (!is_of_run(entry, "run.id", message->document))
		cJSON_DeleteItemFromObjectCaseSensitive(entry, "run");
	json_set_string(entry, "run.id", json_string(message->document, "id"));
	json_set_string(entry, "run.thread", listener->channel->thread);
	if (!json_get(entry, "run.heard"))
		json_set(entry, "run.heard", xrequire(cJSON_CreateArray()));
	if (!has_heard(entry, message))
		cJSON_AddItemToArray(json_get(entry, "run.heard"), xrequire(cJSON_CreateString(key)));
}

static void forget_run(cJSON *entry, const cJSON *document)
{
	if (!goes_on(document) && is_of_run(entry, "run.id", document))
		cJSON_DeleteItemFromObjectCaseSensitive(entry, "run");
}

static void add_taken(cJSON *file, void *context)
{
	const struct listener *listener = context;
	const struct message *message = &listener->messages[listener->tried - 1];
	cJSON *entry = give_entry(file, listener->channel->name);
	size_t left = listener->count - listener->taken;

	if (message->recovery && str_equal(json_string(entry, "failed_id"), listener->failed_id)) {
		cJSON_DeleteItemFromObjectCaseSensitive(entry, "failures");
		cJSON_DeleteItemFromObjectCaseSensitive(entry, "failed_id");
	}
	if (message->failure && !is_of_run(entry, "told_id", message->document)) {
		json_set_number(entry, "told", json_number(entry, "told", 0) + 1);
		json_set_string(entry, "told_id", json_string(message->document, "id"));
	}
	note_run(entry, listener, message);
	cJSON_DeleteItemFromObjectCaseSensitive(entry, COUNTER_UNDELIVERED);
	if (left)
		note_pending(entry, message->document, left);
	else
		forget_run(entry, message->document);
}

void ledger_add_taken(struct listener *listener, struct root *root)
{
	remember_of(listener, root, add_taken);
}

static void add_missed(cJSON *file, void *context)
{
	const struct listener *listener = context;

	note_undelivered(give_entry(file, listener->channel->name), listener->messages->document, listener->count - listener->taken,
			 listener->error.message, listener->error.hint);
}

void ledger_add_missed(struct listener *listener, struct root *root)
{
	remember_of(listener, root, add_missed);
}

static void end_all(cJSON *file, void *context)
{
	const struct account *account = context;

	for (size_t i = 0; i < account->list->count; i++)
		if (!account->list->items[i].count)
			forget_run(give_entry(file, account->list->items[i].channel->name), account->document);
	prune(file, account->list);
}

void ledger_end(const struct listener_list *list, struct root *root, const cJSON *document)
{
	struct account account = {.list = list, .document = document};

	remember(root, end_all, &account);
}
