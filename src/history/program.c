/* SPDX-License-Identifier: MIT */
#include "history/program.h"

#include "alloc.h"
#include "buf.h"
#include "document.h"
#include "error.h"
#include "log.h"
#include "options.h"
#include "root/history.h"
#include "root/history_chain.h"
#include "str.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Returns 0 when a noted head has the form of one, or there is none. */
static int check_noted(const char *noted, struct error *error)
{
	const char *hex = noted && str_starts(noted, "sha256:") ? noted + strlen("sha256:") : "";

	if (!noted || (strlen(hex) == 64 && strspn(hex, "0123456789abcdef") == 64))
		return 0;
	error_set(error, ERROR_USAGE, "--verify %s is no head of a history: sha256: and 64 hexadecimal digits in small letters",
		  noted);
	return error_hint(error, "give the one that dewy history --verify has printed before");
}

static void print_text(const struct history_chain *chain, const char *noted)
{
	AUTO_BUF struct buf text = {0};

	str_add_escaped(&text, chain->since);
	printf("The history is whole: %lld line%s%s%s", chain->lines, chain->lines == 1 ? "" : "s", *chain->since ? " since " : "",
	       buf_text(&text));
	if (chain->unchained)
		printf(", %lld of them from before they were chained", chain->unchained);
	if (chain->torn)
		printf(", %lld torn", chain->torn);
	if (noted)
		printf(", the noted head was that of the first %lld", chain->noted);
	printf("; head %s\n", chain->head);
}

static void print_json(const struct history_chain *chain, const char *noted)
{
	AUTO_JSON cJSON *json = xrequire(cJSON_CreateObject());

	json_set_bool(json, "whole", !chain->broken && (!noted || chain->noted >= 0));
	json_set_number(json, "lines", chain->lines);
	json_set_number(json, "unchained", chain->unchained);
	json_set_number(json, "torn", chain->torn);
	json_set_string(json, "since", *chain->since ? chain->since : NULL);
	if (!chain->broken)
		json_set_string(json, "head", chain->head);
	if (noted && chain->noted >= 0)
		json_set_number(json, "noted", chain->noted);
	if (chain->broken) {
		json_set_number(json, "broken.line", chain->broken);
		json_set_string(json, "broken.time", *chain->broken_time ? chain->broken_time : NULL);
		json_set_string(json, "broken.problem", chain->problem);
	}
	AUTO_FREE char *text = json_print(json);
	puts(text);
}

/* Returns 0, or -1 with what is wrong with the history. */
static int judge(const struct history_chain *chain, const char *noted, struct error *error)
{
	AUTO_BUF struct buf time = {0};

	str_add_escaped(&time, *chain->broken_time ? chain->broken_time : "no time");
	if (chain->broken) {
		error_set(error, ERROR_INTEGRITY, "the history is broken at line %lld (%s): %s", chain->broken, buf_text(&time),
			  chain->problem);
		return error_hint(error, "compare .dewy/" HISTORY_NAME " with a copy, if there is one");
	}
	if (!noted || chain->noted >= 0)
		return 0;
	error_set(error, ERROR_INTEGRITY, "the history never had the head %s: its end was cut off, or it is another one", noted);
	return error_hint(error, "compare .dewy/" HISTORY_NAME " with a copy, if there is one");
}

static int verify(const struct options *options, struct error *error)
{
	AUTO_ROOT struct root root = {.fd = -1, .state = -1, .releases = -1};
	const char *given = option_string(options, OPT_VERIFY), *noted = given && *given ? given : NULL;
	struct history_chain chain;

	if (check_noted(noted, error) || root_look(&root, option_string(options, OPT_ROOT), error) ||
	    history_verify(&root, noted, &chain, error))
		return -1;
	int failed = judge(&chain, noted, error);
	if (option_flag(options, OPT_JSON))
		print_json(&chain, noted);
	else if (!failed)
		print_text(&chain, noted);
	return fflush(stdout) ? error_errno(error, errno, "cannot write to standard output") : failed;
}

/* True for what a prev can be put into. */
static bool is_line(const cJSON *json)
{
	return cJSON_IsObject(json) && json->child;
}

static bool are_lines(const cJSON *json)
{
	const cJSON *line;

	if (!cJSON_IsArray(json))
		return is_line(json);
	cJSON_ArrayForEach(line, json)
	{
		if (!is_line(line))
			return false;
	}
	return true;
}

static int append(const struct options *options, struct error *error)
{
	AUTO_ROOT struct root root = {.fd = -1, .state = -1, .releases = -1};
	AUTO_BUF struct buf text = {0};

	if (root_open(&root, option_string(options, OPT_ROOT), error) || root_prepare(&root, error))
		return -1;
	if (buf_read(&text, STDIN_FILENO, DOCUMENT_LIMIT))
		return error_set(error, ERROR_DOCUMENT, "cannot read the lines from standard input");
	AUTO_JSON cJSON *lines = json_parse(buf_text(&text), text.length, error);
	if (lines && !are_lines(lines))
		return error_set(error, ERROR_DOCUMENT, "what standard input has is no line of the history");
	return lines ? history_append(&root, lines, error) : -1;
}

int history_program(int argc, char **argv)
{
	static const struct tool tool = {"dewy history", "", "Print the last deployments, oldest first"};
	bool appends = argc > 1 && str_equal(argv[1], "append");
	struct options options;
	struct error error;
	int status = options_start(&options, &tool, HISTORY, appends, argc, argv);

	if (status >= 0)
		return status;
	int failed = appends ? append(&options, &error) : verify(&options, &error);
	option_free(&options);
	if (failed && appends)
		log_warn(HISTORY_UNRECORDED, "error", error.message, "hint", error.hint);
	return !failed ? 0 : appends ? error_status(error.code) : options_complain(&tool, &error);
}
