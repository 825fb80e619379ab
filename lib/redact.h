/* SPDX-License-Identifier: MIT */
/* Secrets do not belong in what people read: log lines, errors, notices, the output of hooks. Whoever comes to know one says so
 * here, and from then on its value is replaced there by [redacted]; also percent-encoded, in base64 and escaped as in JSON. What
 * has fewer than REDACT_LEAST bytes stays: it would be found in any text. */
#ifndef DEWY_REDACT_H
#define DEWY_REDACT_H

#include <stdbool.h>

struct buf;

enum { REDACT_LEAST = 8 };

/* Keeps a copy of a secret; NULL is none. Of one that has lines, such as a key in PEM, each line is a secret but for those that
 * begin with -----. */
void redact_learn(const char *secret);

/* Wipes all that was learned, and learns nothing later: for a process that is not to know it. */
void redact_forget(void);

/* Has collect called once, before the first text is looked at: it learns what costs something to find. A process that has nothing
 * to say never pays for it. */
void redact_prepare(void (*collect)(void));

/* True when the value of a variable, header or file of that name is a secret, as far as its name tells: GH_TOKEN, x-api-key. */
bool redact_is_secret_name(const char *name);

/* Returns text, or, when secrets are in it, what is left of it in scratch, which belongs to the caller. A text that was cut
 * off may end in the beginning of a secret: that goes, too. */
const char *redact(const char *text, struct buf *scratch);

#endif
