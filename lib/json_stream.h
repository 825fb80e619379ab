/* SPDX-License-Identifier: MIT */
/* JSON (RFC 8259) that is too long to be held: a top-level array is taken apart into its elements while it arrives. Of an
 * element, what is nested in it is left out: {"id":1,"user":{...},"tags":[...]} becomes {"id":1,"user":{},"tags":[]}, so that
 * neither the number of elements nor what hangs below them costs memory. A top-level object counts as the only element. */
#ifndef DEWY_JSON_STREAM_H
#define DEWY_JSON_STREAM_H

#include "buf.h"

#include <cJSON.h>
#include <stdbool.h>
#include <stddef.h>

struct error;

struct json_stream {
	size_t limit; /* bytes of an element at the most, what is left out not counted */

	/* Receives each element, which belongs to the stream. Returns 0 to go on, or -1 with the error to stop. */
	int (*element)(const cJSON *element, void *context, struct error *error);

	void *context;
	struct json_stream_state {
		enum { JSON_STREAM_BEFORE, JSON_STREAM_ARRAY, JSON_STREAM_OBJECT, JSON_STREAM_AFTER } at;
		size_t depth; /* of brackets within the element */
		bool in_string, escaped, any;
	} state;         /* {0} at first */
	struct buf text; /* of the element under way */
};

/* Takes the next bytes. Returns 0; or -1 with ERROR_DOCUMENT when they cannot be JSON of that form or an element is larger than
 * the limit, or with the error of element. */
int json_stream_feed(struct json_stream *stream, const void *bytes, size_t length, struct error *error);

/* Says that nothing follows. Returns 0, or -1 with ERROR_DOCUMENT when the array or object is not complete. */
int json_stream_end(const struct json_stream *stream, struct error *error);

/* Begins anew, as if nothing had come. */
void json_stream_reset(struct json_stream *stream);

void json_stream_free(struct json_stream *stream);

#endif
