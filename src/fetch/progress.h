/* SPDX-License-Identifier: MIT */
/* How a download goes, for people: a bar that is drawn over and over on a terminal, or a log line every few seconds. */
#ifndef DEWY_PROGRESS_H
#define DEWY_PROGRESS_H

enum progress_form { PROGRESS_OFF, PROGRESS_BAR, PROGRESS_LINES };

struct progress {
	enum progress_form form;
	const char *name, *key; /* of the artifact, and in the cache */
	long long size;         /* bytes, -1 when unknown */
	long long started_at, next_at; /* milliseconds on the monotonic clock */
	long long first;        /* bytes that were there at the start */
	int drawn;              /* there is a bar on the terminal */
};

/* Begins to watch. form is what --progress says: auto is a bar when standard error is a terminal, else lines. name and key must
 * live as long as ret. */
void progress_begin(struct progress *ret, const char *form, const char *name, const char *key, long long size);

/* Says how many bytes there are, of which some were there before anything was received. */
void progress_start_at(struct progress *progress, long long bytes);

/* Says how many bytes there are now. */
void progress_show(struct progress *progress, long long bytes);

/* Removes the bar. */
void progress_end(struct progress *progress);

#endif
