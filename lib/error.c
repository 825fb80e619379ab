/* SPDX-License-Identifier: MIT */
#include "error.h"

#include "alloc.h"
#include "buf.h"
#include "cleanup.h"
#include "redact.h"
#include "str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *word;
	int status;
	const char *remedy;
} errors[] = {
	[ERROR_NONE] = {"none", 0, ""},
#define ERROR(name, word, status, remedy) [ERROR_##name] = {word, status, remedy},
#include "error.def"
#undef ERROR
};

/* Makes one sentence of what may hold lines, bytes that are not UTF-8 (a service's, or the end of what was cut) and secrets. */
static void tidy(char *text, size_t size)
{
	AUTO_BUF struct buf scratch = {0}, clean = {0};

	str_add_utf8(&clean, redact(text, &scratch));
	if (clean.length)
		snprintf(text, size, "%s", clean.data);
	while (*(text += strcspn(text, "\r\n")))
		*text = ' ';
}

static void set(struct error *error, enum error_code code, const char *format, va_list arguments)
{
	*error = (struct error){.code = code};
	vsnprintf(error->message, sizeof error->message, format, arguments);
	tidy(error->message, sizeof error->message);
	snprintf(error->hint, sizeof error->hint, "%s", errors[code].remedy);
}

/* Appends ": CAUSE" to the message, as far as it fits. */
static void append(struct error *error, const char *cause)
{
	size_t length = strlen(error->message);

	snprintf(error->message + length, sizeof error->message - length, ": %s", cause);
}

int error_set(struct error *error, enum error_code code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	set(error, code, format, arguments);
	va_end(arguments);
	return -1;
}

int error_errno(struct error *error, int number, const char *format, ...)
{
	int full = number == ENOSPC || number == EDQUOT || number == EFBIG;
	va_list arguments;

	va_start(arguments, format);
	set(error, full ? ERROR_SPACE : ERROR_FILESYSTEM, format, arguments);
	va_end(arguments);
	append(error, strerror(number));
	return -1;
}

int error_in(struct error *error, const char *format, ...)
{
	AUTO_FREE char *message = xstrdup(error->message);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(error->message, sizeof error->message, format, arguments);
	va_end(arguments);
	append(error, message);
	tidy(error->message, sizeof error->message);
	return -1;
}

int error_hint(struct error *error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(error->hint, sizeof error->hint, format, arguments);
	va_end(arguments);
	tidy(error->hint, sizeof error->hint);
	return -1;
}

int error_status(enum error_code code)
{
	return errors[code].status;
}

bool error_is_unsupported(int number)
{
	return number == ENOSYS || number == EOPNOTSUPP || number == EPERM;
}

bool error_is_code(int number)
{
	return number > ERROR_NONE && (size_t)number < sizeof errors / sizeof *errors;
}

const char *error_word(enum error_code code)
{
	return errors[code].word;
}

enum error_code error_from_word(const char *word)
{
	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
		if (strcmp(errors[i].word, word) == 0)
			return (enum error_code)i;
	return ERROR_INTERNAL;
}
