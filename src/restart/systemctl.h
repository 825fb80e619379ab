/* SPDX-License-Identifier: MIT */
/* Units of systemd, through systemctl(1). */
#ifndef DEWY_SYSTEMCTL_H
#define DEWY_SYSTEMCTL_H

#include <stdbool.h>
#include <sys/types.h>

struct error;

/* What systemctl show tells of a unit, under the names of org.freedesktop.systemd1(5). */
struct unit_state {
	char load[32];       /* loaded, not-found, masked ... */
	char active[32];     /* active, failed, activating ... */
	char sub[32];        /* running, exited, auto-restart ... */
	char type[32];       /* simple, notify, oneshot ... */
	char invocation[64]; /* another one after each start, "" before the first */
	char result[32];     /* success, exit-code, start-limit-hit ... */
	pid_t main_pid;      /* 0 for none */
	long long restarts;  /* by systemd itself since the last start by others */
	long long status;    /* what the main process ended with */
	bool can_reload;
	char file[32];          /* enabled, disabled, static ... */
	char triggered_by[256]; /* units that start it, such as sockets, with blanks between */
	char last[64], next[64], next_after_boot[64]; /* when a timer was and will be due, for people */
	char drop_ins[1024];    /* paths of files that add to it, with blanks between */
};

/* Returns 0 when name can be that of a service, else -1 with ERROR_USAGE. */
int systemctl_check_name(const char *name, struct error *error);

/* Asks for the state of a unit. Returns 0; or -1 with ERROR_CONFIG when systemctl cannot be asked. */
int systemctl_show(const char *name, struct unit_state *ret, struct error *error);

/* As systemctl_show, for a service that can be restarted: returns -1 with ERROR_CONFIG when systemd knows none of that name, it
 * cannot be loaded, or it has no process that could be seen serving. */
int systemctl_find(const char *name, struct unit_state *ret, struct error *error);

/* Gives the unit a command, such as restart, and waits for it to be done. Returns 0; or -1 with ERROR_APPLICATION when the unit
 * did not do it, or took longer than timeout_ms, and with ERROR_SUPERVISOR when systemd did not let it try. */
int systemctl_do(const char *verb, const char *name, long long timeout_ms, struct error *error);

#endif
