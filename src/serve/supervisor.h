/* SPDX-License-Identifier: MIT */
/* The generations of the server: when one is started, counts as up, takes over, is discarded, or is started again. A table
 * of phase x event; nothing in here waits, but for a command to be executed, 10 seconds at most. */
#ifndef DEWY_SERVE_SUPERVISOR_H
#define DEWY_SERVE_SUPERVISOR_H

#include "serve/envdir.h"
#include "serve/readiness.h"
#include "serve/settings.h"
#include "serve/sockets.h"
#include "serve/status.h"
#include "serve/workers.h"

struct handover;

enum phase {
	PHASE_PAUSE,    /* nobody serves; the next start is due at timer */
	PHASE_STARTING, /* a new worker is to show that it is up; the current one, if there is one, serves */
	PHASE_RETRY,    /* the current worker serves; a new one, which failed to start, is tried again at timer */
	PHASE_OVERLAP,  /* the new worker is up, and the current one is told to end at timer */
	PHASE_SERVING,  /* the current worker serves, nothing else goes on */
	PHASE_STOPPING, /* all workers were told to end; timer is when they are no longer waited for */
	PHASE_DONE,
	PHASE_COUNT,
};

struct supervisor {
	const struct settings *settings;
	const struct sockets *sockets;
	const struct identity *identity; /* this and the next: of the workers */
	const struct output *output;
	struct envdir envdir;
	struct controls controls;
	struct workers workers;
	char notify_address[READINESS_ADDRESS];
	enum phase phase;
	long long timer;        /* on the monotonic clock, NEVER for none */
	long long generation;   /* of the newest worker; failed starts count */
	long long attempted_at; /* when the last start came to its end, on the monotonic clock */
	int failures;           /* in a row while nobody serves; the next pause depends on it */
	int start_failures;     /* in a row, of the new generation */
	bool restart_pending;   /* SIGHUP came during a start: one more after it, whose outcome is the one to tell */
	bool has_served;
	enum serve_state state; /* this and the next two are for the status file */
	long long state_generation;
	char reason[128];
	struct serve_death died; /* also for the status file */
	long long executed; /* how often SIGUSR2 was answered, and why it was refused the last time; also for the status file */
	char refused[128];
	struct {
		pid_t pid;
		char reason[32];
	} ended;         /* the last worker that did */
	int stop_signal; /* what tells the workers to end in PHASE_STOPPING */
	int exit_status; /* in PHASE_DONE */
};

/* Writes that the first generation is being started. Returns 0, or -1 when the status file cannot be written. */
int supervisor_announce(struct supervisor *supervisor, struct error *error);

/* SIGHUP: one more generation is wanted. */
void supervisor_restart(struct supervisor *supervisor);

/* SIGTERM, SIGINT or SIGQUIT: all is to end. */
void supervisor_stop(struct supervisor *supervisor, int signal);

/* A child ended with that wait status. */
void supervisor_child_ended(struct supervisor *supervisor, pid_t pid, int status);

/* A process sent a message to NOTIFY_SOCKET. */
void supervisor_notified(struct supervisor *supervisor, pid_t sender, const char *text);

/* Does what is due by now. */
void supervisor_tick(struct supervisor *supervisor);

/* Returns when supervisor_tick is to be called next at the latest, on the monotonic clock, or NEVER. */
long long supervisor_next_tick(const struct supervisor *supervisor);

/* Puts down all that another program needs to go on, or sets it; see handover.h. */
void supervisor_hand_over(struct supervisor *supervisor, const struct handover *handover);

void supervisor_free(struct supervisor *supervisor);

#endif
