/* SPDX-License-Identifier: MIT */
#include "doctor/print.h"

#include "alloc.h"
#include "str.h"

#include <stdio.h>

struct print print_begin(bool json)
{
	return (struct print){.checks = json ? xrequire(cJSON_CreateArray()) : NULL};
}

void print_free(struct print *print)
{
	cJSON_Delete(print->checks);
}

static void print_line(const char *name, const struct verdict *verdict)
{
	AUTO_BUF struct buf text = {0};

	str_add_escaped(&text, buf_text(&verdict->found));
	if (verdict->advice.length) {
		buf_puts(&text, "; ");
		str_add_escaped(&text, buf_text(&verdict->advice));
	}
	printf("%-4s  %-11s  %s\n", result_word(verdict->result), name, buf_text(&text));
	fflush(stdout); /* what is slow shows what it is about */
}

/* JSON is UTF-8, and paths need not be. */
static void set_text(cJSON *object, const char *name, const struct buf *text)
{
	AUTO_BUF struct buf clean = {0};

	str_add_utf8(&clean, buf_text(text));
	json_set_string(object, name, buf_text(&clean));
}

static void add_object(cJSON *checks, const char *name, const struct verdict *verdict)
{
	cJSON *check = xrequire(cJSON_CreateObject());

	json_set_string(check, "name", name);
	json_set_string(check, "result", result_word(verdict->result));
	set_text(check, "found", &verdict->found);
	set_text(check, "advice", &verdict->advice);
	cJSON_AddItemToArray(checks, check);
}

void print_verdict(struct print *print, const char *name, const struct verdict *verdict)
{
	if (verdict->result > print->worst)
		print->worst = verdict->result;
	if (print->checks)
		add_object(print->checks, name, verdict);
	else
		print_line(name, verdict);
}

void print_end(struct print *print)
{
	AUTO_JSON cJSON *all = print->checks ? xrequire(cJSON_CreateObject()) : NULL;

	if (!all)
		return;
	json_set(all, "checks", steal_pointer(&print->checks));
	json_set_string(all, "result", result_word(print->worst));
	AUTO_FREE char *text = json_print(all);
	puts(text);
}
