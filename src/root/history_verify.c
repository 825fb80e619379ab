/* SPDX-License-Identifier: MIT */
#include "root/history_chain.h"

#include "alloc.h"
#include "buf.h"
#include "error.h"
#include "root/history.h"
#include "str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What goes from one line to the next. */
struct walk {
	struct history_chain *chain;
	const char *noted;
	struct digest *since_link; /* of what the next prev is to be the digest of */
	struct buf line;
	long long number;          /* of the lines so far, torn ones, too */
	bool long_line;            /* of this one, too much has come to be one: it is torn, and digested as it comes */
	bool begun;                /* something was added since the last link */
};

/* Digests what is before the line that begins now. */
static void take_head(struct walk *walk)
{
	struct history_chain *chain = walk->chain;

	digest_peek(walk->since_link, chain->head);
	if (chain->noted < 0 && str_equal(walk->noted, chain->head))
		chain->noted = walk->number;
}

static void begin_link(struct walk *walk)
{
	digest_free(walk->since_link);
	walk->since_link = xrequire(digest_begin("sha256"));
	walk->begun = false;
}

static void add_line(struct walk *walk)
{
	if (walk->begun)
		digest_add(walk->since_link, "\n", 1);
	digest_add(walk->since_link, buf_text(&walk->line), walk->line.length);
	walk->begun = true;
}

static void break_at(struct walk *walk, const cJSON *line, const char *problem)
{
	const char *time = json_string(line, "time");

	walk->chain->broken = walk->number;
	walk->chain->problem = problem;
	snprintf(walk->chain->broken_time, sizeof walk->chain->broken_time, "%s", time ? time : "");
}

static const char unfollowed[] = "it does not follow what is before it: either was changed, or what was between them, removed";

/* Counts a whole line, unless it breaks the chain. */
static void check_line(struct walk *walk, const cJSON *line)
{
	struct history_chain *chain = walk->chain;
	const char *prev = json_string(line, "prev"), *time = json_string(line, "time");
	bool chained = chain->lines > chain->unchained;

	if (prev && !str_equal(prev, chain->head)) {
		break_at(walk, line, walk->number == 1 ? "what was before it is gone" : unfollowed);
		return;
	}
	if (!prev && chained) {
		break_at(walk, line, "it has no prev, and so dewy did not write it");
		return;
	}
	if (prev)
		begin_link(walk);
	if (!chain->lines)
		snprintf(chain->since, sizeof chain->since, "%s", time ? time : "");
	chain->unchained += !prev;
	chain->lines++;
}

static void end_line(struct walk *walk)
{
	struct error unreadable;
	AUTO_JSON cJSON *line = walk->long_line ? NULL : json_parse(buf_text(&walk->line), walk->line.length, &unreadable);

	if (!walk->long_line) {
		take_head(walk);
		walk->number++;
		if (cJSON_IsObject(line))
			check_line(walk, line);
		add_line(walk);
	}
	walk->chain->torn += !cJSON_IsObject(line);
	walk->long_line = false;
	buf_clear(&walk->line);
}

static void take_bytes(struct walk *walk, const char *bytes, size_t length)
{
	if (walk->long_line) {
		digest_add(walk->since_link, bytes, length);
		return;
	}
	buf_add(&walk->line, bytes, length);
	if (walk->line.length < HISTORY_LINE)
		return;
	take_head(walk);
	walk->number++;
	add_line(walk);
	walk->long_line = true;
}

/* Returns 0 at the end of the file, or where the chain is broken; or -1 with errno. */
static int walk_file(struct walk *walk, int fd)
{
	char block[4096];
	ssize_t got;

	while ((got = read(fd, block, sizeof block)) > 0) {
		for (const char *at = block, *end = block + got; at < end && !walk->chain->broken;) {
			const char *newline = memchr(at, '\n', (size_t)(end - at));
			size_t length = (size_t)((newline ? newline : end) - at);
			take_bytes(walk, at, length);
			if (newline)
				end_line(walk);
			at += length + (newline != NULL);
		}
		if (walk->chain->broken)
			return 0;
	}
	if (got == 0 && (walk->line.length || walk->long_line))
		end_line(walk);
	return got < 0 ? -1 : 0;
}

int history_verify(const struct root *root, const char *noted, struct history_chain *ret, struct error *error)
{
	AUTO_CLOSE int fd = history_open(root, O_RDONLY, error);
	struct walk walk = {.chain = ret, .noted = noted};

	*ret = (struct history_chain){.noted = -1};
	if (fd == -1)
		return -1;
	begin_link(&walk);
	int failed = fd < 0 ? 0 : walk_file(&walk, fd);
	int number = errno;
	if (!failed && !ret->broken)
		take_head(&walk);
	digest_free(walk.since_link);
	buf_free(&walk.line);
	return failed ? error_errno(error, number, "cannot read the history") : 0;
}
