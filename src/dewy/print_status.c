/* SPDX-License-Identifier: MIT */
#include "dewy/print_status.h"

#include "alloc.h"
#include "buf.h"
#include "restart/settings.h"
#include "str.h"

#include <stdio.h>

/* Returns the text at path, or a dash. */
static const char *text_at(const cJSON *json, const char *path)
{
	const char *text = json_string(json, path);

	return text ? text : "-";
}

/* Prints a line; "" as the name goes on with the fact of the line before. */
static void print_line(const char *name, const char *text)
{
	AUTO_BUF struct buf escaped = {0};

	str_add_escaped(&escaped, text);
	printf("%-10s %s\n", name, buf_text(&escaped));
}

static void print_format(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void print_format(const char *name, const char *format, ...)
{
	AUTO_BUF struct buf text = {0};
	va_list arguments;

	va_start(arguments, format);
	buf_vprintf(&text, format, arguments);
	va_end(arguments);
	print_line(name, buf_text(&text));
}

static void print_current(const cJSON *survey)
{
	const cJSON *current = json_get(survey, "current");

	if (!current) {
		print_line("current", "nothing is deployed");
		return;
	}
	print_format("current", "%s since %s, %s", text_at(current, "version"), text_at(current, "since"),
		     text_at(current, "reason"));
	print_format("", "%s, %s", text_at(current, "artifact"), text_at(current, "digest"));
	print_line("", text_at(current, "path"));
}

/* Appends what the worker runs, which not everybody may find out. */
static void add_version(struct buf *text, const cJSON *server)
{
	const char *version = json_string(server, "version");

	if (!version)
		return;
	buf_printf(text, " %s", version);
	if (!json_true(server, "is_current"))
		buf_puts(text, ", which is not what current leads to");
}

static void add_uptime(struct buf *text, const cJSON *server)
{
	if (!json_get(server, "uptime_ms"))
		return;
	buf_puts(text, ", up for ");
	str_add_duration(text, json_number(server, "uptime_ms", 0) / 1000 * 1000);
}

/* Prints a server that somebody else keeps running. */
static void print_other(const cJSON *server)
{
	const char *unit = json_string(server, "unit"), *state = json_string(server, "state"),
		   *reason = json_string(server, "reason");
	AUTO_BUF struct buf text = {0};

	buf_printf(&text, "%s%s%s", json_string(server, "kind"), unit ? " " : "", unit ? unit : "");
	if (json_true(server, "running")) {
		buf_puts(&text, " serves");
		add_version(&text, server);
		buf_printf(&text, ", process %lld", json_number(server, "pid", 0));
	} else {
		buf_puts(&text, json_get(server, "running") ? " does not run" : ", of which is not known whether it runs");
	}
	add_uptime(&text, server);
	buf_printf(&text, "%s%s%s%s", state ? ", " : "", state ? state : "", reason ? ": " : "", reason ? reason : "");
	print_line("server", buf_text(&text));
}

/* Prints what a supervisor runs. */
static void print_worker(const cJSON *server)
{
	AUTO_BUF struct buf text = {0};

	if (json_get(server, "worker")) {
		buf_printf(&text, "generation %lld serves", json_number(server, "generation", 0));
		add_version(&text, server);
		buf_printf(&text, ", worker %lld", json_number(server, "worker", 0));
	} else {
		buf_puts(&text, "no worker is known");
	}
	add_uptime(&text, server);
	print_line("server", buf_text(&text));
}

static void print_supervisor(const cJSON *server)
{
	AUTO_BUF struct buf text = {0};
	const char *state = json_string(server, "state"), *reason = json_string(server, "reason");
	int finishing = cJSON_GetArraySize(json_get(server, "finishing"));

	buf_printf(&text, "%s, pid %lld", json_string(server, "kind") ? json_string(server, "kind") : "unknown",
		   json_number(server, "pid", 0));
	if (state)
		buf_printf(&text, str_equal(state, "failed") ? ", the last start %s" : ", %s", state);
	if (reason)
		buf_printf(&text, ": %s", reason);
	if (finishing)
		buf_printf(&text, "; %d older generation%s still finishing", finishing, finishing == 1 ? " is" : "s are");
	print_line("supervisor", buf_text(&text));
}

static void print_server(const cJSON *server)
{
	static const enum restart_kind others[] = {RESTART_UNIT, RESTART_PROCESS, RESTART_COMMAND};
	bool other = false;

	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		other = other || str_equal(json_string(server, "kind"), restart_kind_words[others[i]]);
	if (other) {
		print_other(server);
	} else if (!json_true(server, "running")) {
		print_line("server", "not running");
	} else {
		print_worker(server);
		print_supervisor(server);
	}
}

static void print_available(const cJSON *available)
{
	const char *rejected = json_string(available, "newer_rejected");

	if (!available) {
		print_line("available", "not known: dewy once --dry-run asks the registry");
		return;
	}
	print_format("available", "%s%s, found at %s in %s", text_at(available, "version"),
		     json_true(available, "is_rejected") ? ", rejected" : "", text_at(available, "found_at"),
		     text_at(available, "registry"));
	if (json_get(available, "stale_since"))
		print_format("", "nothing newer has appeared since %s", text_at(available, "stale_since"));
	if (rejected)
		print_format("", "%s is newer, and rejected", rejected);
}

static void print_floor(const cJSON *floor)
{
	if (!floor)
		return;
	print_format("floor", "%s since %s, %s", text_at(floor, "version"), text_at(floor, "at"),
		     json_true(floor, "signed") ? "signed" : "not signed");
}

static void print_releases(const cJSON *releases)
{
	const char *name = "releases";
	const cJSON *release, *mark;

	cJSON_ArrayForEach(release, releases)
	{
		AUTO_BUF struct buf text = {0};
		const char *separator = "  ";
		buf_printf(&text, "%s  %s", text_at(release, "version"), text_at(release, "deployed_at"));
		cJSON_ArrayForEach(mark, json_get(release, "marks"))
		{
			buf_printf(&text, "%s%s", separator, mark->valuestring);
			separator = ", ";
		}
		print_line(name, buf_text(&text));
		name = "";
	}
}

static void print_rejected(const cJSON *rejected)
{
	const char *name = "rejected";
	const cJSON *entry;

	cJSON_ArrayForEach(entry, rejected)
	{
		const char *above = json_string(entry, "above"), *digest = json_string(entry, "digest");
		if (above)
			print_format(name, "%s at %s: %s, held at %s", text_at(entry, "version"), text_at(entry, "at"),
				     text_at(entry, "reason"), above);
		else
			print_format(name, "%s at %s: %s", text_at(entry, "version"), text_at(entry, "at"),
				     text_at(entry, "reason"));
		print_format("", "%s%s%s clears it", digest ? digest : "", digest ? "; " : "", text_at(entry, "clear"));
		name = "";
	}
}

static void print_failures(const cJSON *survey)
{
	const cJSON *error = json_get(survey, "error");

	if (json_get(survey, "failures"))
		print_format("failures", "%lld in a row, the last at %s", json_number(survey, "failures.count", 0),
			     text_at(survey, "failures.last_at"));
	if (!error)
		return;
	print_format("error", "%s at %s: [%s] %s", text_at(error, "code"), text_at(error, "at"), text_at(error, "stage"),
		     text_at(error, "message"));
	if (json_string(error, "hint"))
		print_line("", json_string(error, "hint"));
}

static void print_undelivered(const cJSON *list)
{
	const char *name = "notices";
	const cJSON *item;

	cJSON_ArrayForEach(item, list)
	{
		print_format(name, "%lld undelivered to %s since %s, the last at %s: %s", json_number(item, "notices", 0),
			     text_at(item, "channel"), text_at(item, "since"), text_at(item, "last_at"), text_at(item, "error"));
		if (json_string(item, "hint"))
			print_line("", json_string(item, "hint"));
		name = "";
	}
}

static void print_last(const cJSON *last)
{
	if (last)
		print_format("last", "%s %s at %s", text_at(last, "version"), text_at(last, "state"), text_at(last, "time"));
}

static void print_next(const cJSON *next)
{
	if (json_true(next, "poll_now"))
		print_line("next poll", "now");
	else
		print_format("next poll", "%s, %s has asked for no request before", text_at(next, "poll_at"),
			     text_at(next, "asked_by"));
	if (json_get(next, "start_at"))
		print_format("next start", "%s, after %lld failed", text_at(next, "start_at"),
			     json_number(next, "failed_starts", 0));
}

void print_status(const cJSON *survey)
{
	print_line("app", text_at(survey, "app"));
	print_line("root", text_at(survey, "root"));
	print_current(survey);
	print_server(json_get(survey, "server"));
	print_available(json_get(survey, "available"));
	print_releases(json_get(survey, "releases"));
	print_rejected(json_get(survey, "rejected"));
	print_floor(json_get(survey, "floor"));
	print_failures(survey);
	print_undelivered(json_get(survey, "undelivered"));
	print_last(json_get(survey, "last"));
	print_next(json_get(survey, "next"));
}
