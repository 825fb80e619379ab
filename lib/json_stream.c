/* SPDX-License-Identifier: MIT */
#include "json_stream.h"

#include "error.h"
#include "json.h"

#include <string.h>

enum { KEPT_DEPTH = 1 }; /* of an element, its own brackets and what is directly between them */

static bool is_space(char letter)
{
	return letter == ' ' || letter == '\t' || letter == '\r' || letter == '\n';
}

static int refuse(struct error *error, const char *why)
{
	return error_set(error, ERROR_DOCUMENT, "not a JSON array of objects: %s", why);
}

static int keep(struct json_stream *stream, char letter, struct error *error)
{
	if (stream->state.depth > KEPT_DEPTH)
		return 0;
	if (stream->text.length >= stream->limit)
		return error_set(error, ERROR_DOCUMENT, "an element is larger than %zu bytes", stream->limit);
	buf_add(&stream->text, &letter, 1);
	return 0;
}

static int finish_element(struct json_stream *stream, struct error *error)
{
	AUTO_JSON cJSON *element = json_parse(buf_text(&stream->text), stream->text.length, error);

	if (!element)
		return -1;
	buf_clear(&stream->text);
	stream->state.any = true;
	return stream->element(element, stream->context, error);
}

static int finish_array(struct json_stream *stream, struct error *error)
{
	bool empty = !stream->state.any && stream->text.length == 0;

	stream->state.at = JSON_STREAM_AFTER;
	return empty ? 0 : finish_element(stream, error);
}

static int take_string(struct json_stream *stream, char letter, struct error *error)
{
	if (stream->state.escaped)
		stream->state.escaped = false;
	else if (letter == '\\')
		stream->state.escaped = true;
	else if (letter == '"')
		stream->state.in_string = false;
	return keep(stream, letter, error);
}

static int take_open(struct json_stream *stream, char letter, struct error *error)
{
	if (keep(stream, letter, error))
		return -1;
	stream->state.depth++;
	return 0;
}

static int take_close(struct json_stream *stream, char letter, struct error *error)
{
	if (stream->state.depth == 0)
		return letter == ']' ? finish_array(stream, error) : refuse(error, "a bracket closes nothing");
	stream->state.depth--;
	if (keep(stream, letter, error))
		return -1;
	if (stream->state.depth || stream->state.at == JSON_STREAM_ARRAY)
		return 0;
	stream->state.at = JSON_STREAM_AFTER;
	return finish_element(stream, error);
}

static int take_inside(struct json_stream *stream, char letter, struct error *error)
{
	if (stream->state.in_string)
		return take_string(stream, letter, error);
	switch (letter) {
	case '"':
		stream->state.in_string = true;
		return keep(stream, letter, error);
	case '[':
	case '{':
		return take_open(stream, letter, error);
	case ']':
	case '}':
		return take_close(stream, letter, error);
	case ',':
		return stream->state.depth ? keep(stream, letter, error) : finish_element(stream, error);
	default:
		return is_space(letter) && !stream->text.length ? 0 : keep(stream, letter, error);
	}
}

static int take_first(struct json_stream *stream, char letter, struct error *error)
{
	if (is_space(letter))
		return 0;
	stream->state.at = letter == '[' ? JSON_STREAM_ARRAY : JSON_STREAM_OBJECT;
	if (letter == '[')
		return 0;
	return letter == '{' ? take_open(stream, letter, error) : refuse(error, "it begins with something else");
}

int json_stream_feed(struct json_stream *stream, const void *bytes, size_t length, struct error *error)
{
	const char *letters = bytes;

	for (size_t i = 0; i < length; i++) {
		int result = 0;
		if (stream->state.at == JSON_STREAM_BEFORE)
			result = take_first(stream, letters[i], error);
		else if (stream->state.at != JSON_STREAM_AFTER)
			result = take_inside(stream, letters[i], error);
		else if (!is_space(letters[i]))
			result = refuse(error, "more follows it");
		if (result)
			return -1;
	}
	return 0;
}

int json_stream_end(const struct json_stream *stream, struct error *error)
{
	return stream->state.at == JSON_STREAM_AFTER ? 0 : refuse(error, "it ends too early");
}

void json_stream_reset(struct json_stream *stream)
{
	stream->state = (struct json_stream_state){0};
	buf_clear(&stream->text);
}

void json_stream_free(struct json_stream *stream)
{
	buf_free(&stream->text);
}
