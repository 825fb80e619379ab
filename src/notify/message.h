/* SPDX-License-Identifier: MIT */
/* What people are told of a document: which of its notices, in which words. */
#ifndef DEWY_NOTIFY_MESSAGE_H
#define DEWY_NOTIFY_MESSAGE_H

#include "json.h"

#include <stdbool.h>
#include <stddef.h>

/* How a run ended. */
enum outcome {
	OUTCOME_NONE, /* it has not ended, or there is nothing to say of it */
	OUTCOME_GOOD, /* the application runs what it should */
	OUTCOME_BAD,
};

enum outcome message_outcome(const cJSON *document);

/* A notice that not everybody was told yet. */
struct message {
	cJSON *document;
	cJSON *notice;  /* in document */
	const cJSON *hook; /* what the hook that the notice is about did (an item of deploy.hooks), or NULL */
	char *text;     /* the notice as people read it, of one line or more */
	bool withheld;  /* progress of one more attempt while failures go on: the log alone has it */
	bool bad;       /* it tells of something that failed */
	bool important; /* also for those who want it quiet */
	bool failure;   /* it is by this that people hear of a run that ended badly: of several, the last */
	bool urgent;    /* and what serves is another than before, or nothing: that is news however often runs have failed */
	bool recovery;  /* it says that failures are over */
	bool taken;     /* it has reached the listener (listener.h) that was to hear it */
};

struct message_list {
	struct message *items;
	size_t count;
};

#define AUTO_MESSAGES AUTO(message_list_free)

/* Makes the messages of a document, after failures runs in a row, this one included, that have ended badly. With recovered, so many
 * failures are over: a notice of that is added to the document, unless it has one, and is the first message. The document must
 * outlive the list, which the caller gives to message_list_free. */
void message_list_make(struct message_list *list, cJSON *document, long long failures, long long recovered);

void message_list_free(struct message_list *list);

/* Returns what says that so many failures are over. The caller frees it. */
char *message_recovery(long long failures);

/* Returns the message for a channel that shows nothing but text: its text and, when it is about a hook, what that came to and
 * printed, at most that many lines and bytes (see message_cut) of each stream. The caller frees it. */
char *message_plain(const struct message *message, size_t lines, size_t bytes);

/* Returns the message for programs: {"text":...,"notice":{...},"document":{...}}, with the text of message_plain. The caller frees
 * it. */
char *message_body(const struct message *message);

/* Returns the place of its notice in the document, from 0 on. */
int message_place(const struct message *message);

/* Returns what tells the message from all others, and is the same whenever it is sent: the id of its document, a dash, and its
 * place there. The caller frees it. */
char *message_id(const struct message *message);

#endif
