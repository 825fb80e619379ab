/* SPDX-License-Identifier: MIT */
/* The ports and sockets of the server: bound by its supervisor, or free. */
#include "doctor/doctor.h"

#include "alloc.h"
#include "doctor/listeners.h"
#include "doctor/process.h"
#include "doctor/units.h"
#include "fs.h"
#include "serve/port.h"
#include "serve/status.h"
#include "str.h"

#include <arpa/inet.h>
#include <string.h>
#include <unistd.h>

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

/* True when the process still is one that the status file lists, and it, or the owner out of its group, has the socket. Where this
 * user may look at neither, that is assumed. */
static bool is_left(const struct listener *listener, pid_t pid, long long written_at, pid_t owner)
{
	if (!serve_status_means(pid, written_at))
		return false;
	int has = listener_is_of(listener, pid);
	return has > 0 || (owner ? getpgid(owner) == pid : has < 0);
}

/* Finds the worker of a supervisor that was killed, which still serves there. Returns its pid, or 0 when there is none. */
static pid_t find_orphan(const struct doctor *doctor, const struct listener *listener, pid_t owner)
{
	AUTO_FREE char *path = doctor->rooted && !doctor->supervisor ? serve_status_file(doctor->options, &doctor->root) : NULL;
	AUTO_SERVE_STATUS struct serve_status status = {0};
	struct error error;

	if (!path || serve_status_read(path, &status, &error))
		return 0;
	long long written_at = serve_status_written_at(path);
	for (size_t i = 0; i < status.count; i++)
		if (is_left(listener, status.workers[i].pid, written_at, owner))
			return status.workers[i].pid;
	return is_left(listener, status.starting.pid, written_at, owner) ? status.starting.pid : 0;
}

static void tell_orphan(pid_t pid, const struct place *place, struct verdict *verdict)
{
	AUTO_FREE char *program = process_describe(pid);
	struct error error;

	error_set(&error, ERROR_SUPERVISOR, "on %s process %d (%s), the worker of a supervisor that was killed, still serves",
		  place->name, (int)pid, program);
	error_hint(&error, "dewy once takes over by itself: it starts a supervisor, which ends that worker");
	verdict_warn(verdict, &error);
}

static void tell_taken(const struct doctor *doctor, const struct listener *listener, const struct place *place,
		       struct verdict *verdict)
{
	pid_t pid = listener_owner(listener), orphan = find_orphan(doctor, listener, pid);

	if (orphan) {
		tell_orphan(orphan, place, verdict);
		return;
	}
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
