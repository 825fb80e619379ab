/* SPDX-License-Identifier: MIT */
/* The ports and sockets of the server: bound by its supervisor, or free. */
#include "doctor/doctor.h"

#include "alloc.h"
#include "doctor/listeners.h"
#include "doctor/process.h"
#include "doctor/units.h"
#include "fs.h"
#include "serve/port.h"
#include "str.h"

#include <arpa/inet.h>
#include <string.h>

/* What should be listened to. */
struct place {
	const char *name;    /* for people */
	const char *address; /* NULL for all */
	int port;            /* 0 for the path of a UNIX socket in address */
	bool datagram;
};

static bool is_wildcard(const char *address)
{
	return str_equal(address, "0.0.0.0") || str_equal(address, "::");
}

/* Compares a host with the address of a listener, in whatever way it is written. The name of a host may mean any. */
static bool is_host(const char *host, const char *address)
{
	unsigned char wanted[sizeof(struct in6_addr)], there[sizeof wanted];
	int family = strchr(host, ':') ? AF_INET6 : AF_INET;

	if (inet_pton(family, host, wanted) != 1)
		return true;
	return inet_pton(family, address, there) == 1 &&
	       memcmp(wanted, there, family == AF_INET6 ? sizeof wanted : sizeof(struct in_addr)) == 0;
}

/* True when the listener is at the place, or leaves no room for another one there. */
static bool is_at(const struct listener *listener, const struct place *place)
{
	if (listener->port != place->port || listener->datagram != place->datagram)
		return false;
	if (!place->port)
		return str_equal(listener->address, place->address) || str_equal(listener->address, place->name);
	return !place->address || is_wildcard(place->address) || is_wildcard(listener->address) ||
	       is_host(place->address, listener->address);
}

/* True when systemd holds sockets for the supervisor, by whatever socket unit. */
static bool has_socket(const struct doctor *doctor)
{
	AUTO_FREE char *name = doctor->rooted ? unit_name(doctor, "dewy-serve@", ".service") : NULL;
	struct unit_state unit;

	return name && unit_look(name, &unit) && unit_has_socket(&unit);
}

static void tell_taken(const struct doctor *doctor, const struct listener *listener, const struct place *place,
		       struct verdict *verdict)
{
	pid_t pid = listener_owner(listener);

	if (pid == 1 && !doctor->supervisor && has_socket(doctor)) {
		verdict_ok(verdict, "systemd listens on %s for the supervisor", place->name);
		return;
	}
	AUTO_FREE char *program = process_describe(pid);
	AUTO_FREE char *owner = pid ? xasprintf("process %d (%s)", (int)pid, program) : xstrdup("a process of another user");
	struct error error;

	error_set(&error, ERROR_SUPERVISOR, "%s is taken by %s, which is not the supervisor", place->name, owner);
	error_hint(&error, doctor->supervisor ? "end that process, or choose another port; then restart the supervisor"
					      : "end that process, or choose another port");
	verdict_fail(verdict, &error);
}

/* Fails when nobody listens where somebody should. */
static void miss(const struct doctor *doctor, const struct place *place, struct verdict *verdict)
{
	struct error error;

	error_set(&error, ERROR_SUPERVISOR, "%s does not listen on %s", doctor->supervisor ? "the supervisor" : "the server",
		  place->name);
	error_hint(&error, doctor->supervisor ? "it was started with other ports: end it with dewy-serve --stop, and run dewy once"
					      : "start it, or correct the option: health is asked for there");
	verdict_fail(verdict, &error);
}

/* True when the server is kept running by others, who bind what it listens on. */
static bool is_others(const struct doctor *doctor)
{
	return doctor->kind != RESTART_SUPERVISOR && !doctor->supervisor;
}

/* Looks at one place. Returns whether all is well there. */
static bool look_at_place(const struct doctor *doctor, const struct listener_list *list, const struct place *place,
			  struct verdict *verdict)
{
	const struct listener *other = NULL;

	for (size_t i = 0; i < list->count; i++) {
		if (!is_at(&list->items[i], place))
			continue;
		if (is_others(doctor) || (doctor->supervisor && listener_is_of(&list->items[i], doctor->supervisor) != 0))
			return true; /* or this user may not look */
		other = &list->items[i];
	}
	if (other && place->port)
		tell_taken(doctor, other, place, verdict);
	else if (doctor->supervisor || (is_others(doctor) && doctor_is_deployed(doctor)))
		miss(doctor, place, verdict);
	else
		return true;
	return false;
}

static void look_at_ports(const struct doctor *doctor, const struct listener_list *list, const struct port_list *ports,
			  struct buf *good, struct verdict *verdict)
{
	for (size_t i = 0; i < ports->count; i++) {
		const struct port *port = &ports->ports[i];
		const struct place place = {port->key, port->host, port->number, port->datagram};
		if (look_at_place(doctor, list, &place, verdict))
			buf_printf(good, "%s%s", good->length ? ", " : "", place.name);
	}
}

static void look_at_paths(const struct doctor *doctor, const struct listener_list *list, struct buf *good, struct verdict *verdict)
{
	for (const char *const *path = option_list(doctor->options, OPT_SOCKET_PATH); *path; path++) {
		AUTO_FREE char *absolute = fs_absolute_path(*path);
		const struct place place = {.name = *path, .address = absolute ? absolute : *path};
		if (look_at_place(doctor, list, &place, verdict))
			buf_printf(good, "%s%s", good->length ? ", " : "", *path);
	}
}

void doctor_ports(struct doctor *doctor, struct verdict *verdict)
{
	AUTO_PORTS struct port_list ports = {0};
	AUTO_BUF struct buf good = {0};
	struct error error;

	for (const char *const *port = option_list(doctor->options, OPT_PORT); *port; port++)
		if (ports_add(&ports, *port, &error)) {
			verdict_fail(verdict, &error);
			return;
		}
	AUTO_LISTENERS struct listener_list list = listeners_read(doctor->supervisor);
	look_at_ports(doctor, &list, &ports, &good, verdict);
	look_at_paths(doctor, &list, &good, verdict);
	if (good.length)
		verdict_ok(verdict, "%s: %s", buf_text(&good),
			   doctor->supervisor  ? "the supervisor listens"
			   : !is_others(doctor) ? "free"
			   : doctor_is_deployed(doctor) ? "somebody listens" : "nothing is deployed yet");
	else if (verdict->result == RESULT_SKIP)
		verdict_skip(verdict, "no --port or --path is given");
}
