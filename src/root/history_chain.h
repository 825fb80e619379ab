/* SPDX-License-Identifier: MIT */
/* The chain of the history. Each line begins with {"prev":"sha256:...", the SHA-256 of all bytes from the beginning of the last
 * line before it that has a prev, or of the file, to the newline before it, which does not count. That is the line before, together
 * with what is torn behind it, and with lines of before there was a chain. The first line of a file has the digest of nothing. What
 * the next line would have for prev is the head of the history. */
#ifndef DEWY_HISTORY_CHAIN_H
#define DEWY_HISTORY_CHAIN_H

#include "digest.h"
#include "json.h"
#include "root/root.h"

struct error;

/* Appends a line, or an array of lines, chained and durably, under a lock that is for this alone, for which it waits ten seconds at
 * the most. A last line that was torn is ended first. What a full disk lets in is taken out again. The same failure again is left
 * out, and all of it in a dry run. Returns 0 or -1. */
int history_append(const struct root *root, const cJSON *lines, struct error *error);

/* What the chain of a history shows. */
struct history_chain {
	long long lines;           /* all that are whole */
	long long unchained;       /* those of them that are from before there was a chain */
	long long torn;            /* what is no line, but counts in the chain */
	char since[64];            /* time of the first line, "" when it tells none */
	char head[DIGEST_TEXT];
	long long noted;           /* how many lines there were when the head was the noted one, -1 for never */
	long long broken;          /* number of the first line that does not fit, counted from 1 as wc(1) does; 0 when all do */
	char broken_time[64];
	const char *problem;       /* with that line; NULL */
};

/* Follows the chain; memory does not grow with the file. noted is a head to look for, or NULL. Returns 0 also when the chain is
 * broken, then what it knows is about the lines before; or -1 when the history cannot be read. */
int history_verify(const struct root *root, const char *noted, struct history_chain *ret, struct error *error);

#endif
