/* SPDX-License-Identifier: MIT */
/* The document: one JSON object that travels through the pipe; dewy-document(5) describes it, document.def lists it. */
#ifndef DEWY_DOCUMENT_H
#define DEWY_DOCUMENT_H

#include "buf.h"
#include "json.h"

#include <stdbool.h>

struct error;
struct root;

enum { DOCUMENT_LIMIT = 4 << 20 }; /* bytes; the largest part is the output of hooks, 64 KiB each stream */

enum state {
	STATE_UNCHANGED,
	STATE_WAITING,
	STATE_AVAILABLE,
	STATE_FETCHED,
	STATE_DEPLOYED,
	STATE_RUNNING,
	STATE_ROLLED_BACK,
	STATE_FAILED,
};

/* Kinds of notices. */
#define NOTICE_PROGRESS "progress"
#define NOTICE_IMPORTANT "important"
#define NOTICE_HOOK "hook"
#define NOTICE_ERROR "error"

/* Parses and checks a document: one JSON object of format version 1, known members of the right type, a known state, and
 * an artifact name and cache key that are plain file names. Returns it, for the caller to delete, or NULL with
 * ERROR_DOCUMENT. */
cJSON *document_parse(const char *text, size_t length, struct error *error);

/* Returns 0 when the document has every member that the tool with that bit (options.h) requires, else -1 with
 * ERROR_DOCUMENT naming the one that is missing. */
int document_require(const cJSON *document, unsigned user, struct error *error);

/* Returns a new document of the given mode ("server" or "assets") with a fresh id and no state yet; app may be NULL for the
 * name of ROOT. The caller deletes it. */
cJSON *document_new(const struct root *root, const char *app, const char *mode);

/* Makes the record of an earlier run the document of a new one: with a fresh id, and without what that run did and told. */
void document_renew(cJSON *document);

enum state document_state(const cJSON *document);

/* Sets the state, and the reason unless that is NULL. */
void document_set_state(cJSON *document, enum state state, const char *reason);

/* Turns the document into a failed one: state, error and a notice for people. */
void document_fail(cJSON *document, const char *stage, const struct error *error);

/* Reads when a section or a hook began and ended, in milliseconds since the epoch. Returns 0; or -1 when it does not tell, or what
 * no clock shows: the nanoseconds of what is told fit into 64 bits. */
int document_times(const cJSON *section, long long *ret_start, long long *ret_end);

/* Returns the milliseconds that the stages have taken so far. */
long long document_spent(const cJSON *document);

/* Returns the exit status that a tool ends with when this is its document. */
int document_status(const cJSON *document);

/* The name by which a notice says that the log has it. */
#define NOTICE_LOG "log"

/* True when the notice has reached the channel of that name. */
bool document_was_sent(const cJSON *notice, const char *name);

/* Notes that the notice has reached the channel. */
void document_add_sent(cJSON *notice, const char *name);

/* Adds a notice of one of the kinds above; stage is the one that speaks. */
void document_notice(cJSON *document, const char *stage, const char *kind, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
