/* SPDX-License-Identifier: MIT */
#include "serve/port.h"

#include "alloc.h"
#include "error.h"
#include "str.h"

#include <ctype.h>
#include <string.h>

enum { NUMBER_MOST = 65535, TARGET_MOST = 1023 };

/* One --port while it is being read. */
struct reading {
	struct port_list *list;
	const char *text; /* the whole of it, for messages */
	const char *host;
	int target;
	struct error *error;
};

static int refuse(const struct reading *reading, const char *why)
{
	error_set(reading->error, ERROR_USAGE, "--port %s: %s", reading->text, why);
	return error_hint(reading->error, "give [HOST:]PORT, where PORT is 8080, u53 for UDP, 80,8080 or 8000-8003; =FD may follow "
					  "a single PORT");
}

static char *make_key(const char *host, int number, bool marked)
{
	const char *mark = marked ? "u" : "";

	if (!host)
		return xasprintf("%s%d", mark, number);
	return strchr(host, ':') ? xasprintf("[%s]:%s%d", host, mark, number) : xasprintf("%s:%s%d", host, mark, number);
}

static int add_port(const struct reading *reading, int number, bool datagram)
{
	struct port_list *list = reading->list;

	if (list->count == PORTS_MOST)
		return refuse(reading, "more than 100 ports in all");
	list->ports = xreallocarray(list->ports, list->count + 1, sizeof *list->ports);
	list->ports[list->count++] = (struct port){
		.key = make_key(reading->host, number, datagram && list->strict_keys),
		.host = xstrdup(reading->host),
		.number = number,
		.datagram = datagram,
		.target = reading->target,
	};
	return 0;
}

/* Reads one PORT or range, which it changes. */
static int add_item(const struct reading *reading, char *item)
{
	bool datagram = item[0] == 'u';
	char *first = item + datagram, *last = strchr(first, '-');
	long long from, to;

	if (last)
		*last++ = '\0';
	if (str_to_number(first, &from) || str_to_number(last ? last : first, &to) || from < 1 || to > NUMBER_MOST)
		return refuse(reading, "a port is a number from 1 to 65535");
	if (to < from)
		return refuse(reading, "the range ends before it begins");
	for (; from <= to; from++)
		if (add_port(reading, (int)from, datagram))
			return -1;
	return 0;
}

/* Cuts "=FD" off the end. */
static int take_target(struct reading *reading, char *text)
{
	char *equals = strrchr(text, '=');
	long long target = -1;

	if (equals && (str_to_number(equals + 1, &target) || target > TARGET_MOST))
		return refuse(reading, "the descriptor after = is a number from 0 to 1023");
	reading->target = (int)target;
	if (equals)
		*equals = '\0';
	return 0;
}

/* Cuts "HOST:" off and sets items to what follows it. An IPv6 address may lack its brackets, as in Server::Starter. */
static int take_host(struct reading *reading, char *text, char **items)
{
	char *colon = strrchr(text, ':');

	*items = colon ? colon + 1 : text;
	if (!colon)
		return 0;
	*colon = '\0';
	if (text[0] == '[' && colon > text && colon[-1] == ']') {
		text++;
		colon[-1] = '\0';
	}
	if (!*text)
		return refuse(reading, "the host is missing; give the port alone for all addresses");
	for (const char *at = text; *at; at++)
		if (!isalnum((unsigned char)*at) && !strchr(".:-_%", *at))
			return refuse(reading, "the host is no name and no address");
	reading->host = text;
	return 0;
}

int ports_add(struct port_list *list, const char *text, struct error *error)
{
	struct reading reading = {.list = list, .text = text, .error = error};
	AUTO_FREE char *copy = xstrdup(text + strspn(text, " \t"));
	char *items, *item;

	for (size_t length = strlen(copy); length && isspace((unsigned char)copy[length - 1]);)
		copy[--length] = '\0';
	if (take_target(&reading, copy) || take_host(&reading, copy, &items))
		return -1;
	if (reading.target >= 0 && strpbrk(items, ",-"))
		return refuse(&reading, "=FD cannot follow several ports");
	while ((item = strsep(&items, ",")))
		if (add_item(&reading, item))
			return -1;
	return 0;
}

void ports_free(struct port_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->ports[i].key);
		free(list->ports[i].host);
	}
	free(list->ports);
	*list = (struct port_list){0};
}

int port_read_mode(const char *text, mode_t *ret, struct error *error)
{
	char *end;
	unsigned long mode = strtoul(text, &end, 8);

	*ret = (mode_t)mode;
	if (isdigit((unsigned char)*text) && !*end && mode <= 0777)
		return 0;
	error_set(error, ERROR_USAGE, "--socket-mode %s: no permissions in octal", text);
	return error_hint(error, "give 0 to 0777, for example 0660 for an owner and a group");
}
