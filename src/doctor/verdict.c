/* SPDX-License-Identifier: MIT */
#include "doctor/verdict.h"

#include <stdarg.h>
#include <string.h>

void verdict_free(struct verdict *verdict)
{
	buf_free(&verdict->found);
	buf_free(&verdict->advice);
}

static void raise_to(struct verdict *verdict, enum result result)
{
	if (result > verdict->result)
		verdict->result = result;
}

static void begin_sentence(struct buf *text)
{
	if (text->length)
		buf_puts(text, "; ");
}

__attribute__((format(printf, 3, 0))) static void add(struct verdict *verdict, enum result result, const char *format,
						      va_list arguments)
{
	raise_to(verdict, result);
	begin_sentence(&verdict->found);
	buf_vprintf(&verdict->found, format, arguments);
}

void verdict_skip(struct verdict *verdict, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	add(verdict, RESULT_SKIP, format, arguments);
	va_end(arguments);
}

void verdict_ok(struct verdict *verdict, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	add(verdict, RESULT_OK, format, arguments);
	va_end(arguments);
}

static void add_error(struct verdict *verdict, enum result result, const struct error *error)
{
	raise_to(verdict, result);
	begin_sentence(&verdict->found);
	buf_puts(&verdict->found, error->message);
	if (strstr(buf_text(&verdict->advice), error->hint))
		return; /* one that helps against several findings is given once */
	begin_sentence(&verdict->advice);
	buf_puts(&verdict->advice, error->hint);
}

void verdict_warn(struct verdict *verdict, const struct error *error)
{
	add_error(verdict, RESULT_WARN, error);
}

void verdict_fail(struct verdict *verdict, const struct error *error)
{
	if (verdict->result < RESULT_FAIL)
		verdict->code = error->code;
	add_error(verdict, RESULT_FAIL, error);
}

const char *result_word(enum result result)
{
	static const char *const words[] = {
		[RESULT_SKIP] = "skip", [RESULT_OK] = "ok", [RESULT_WARN] = "warn", [RESULT_FAIL] = "fail"};

	return words[result];
}
