/* SPDX-License-Identifier: MIT */
/* What the options of dewy-serve come to. */
#ifndef DEWY_SERVE_SETTINGS_H
#define DEWY_SERVE_SETTINGS_H

#include "options.h"

struct envdir;
struct error;
struct handover;

struct settings {
	const struct options *options;
	char *const *command; /* ended by NULL */
	char *directory;      /* where workers start; looked up by name at each start, so that it may be a link that moves */
	char *root;           /* that which directory is, when no other was asked for; else NULL */
	char *pid_file;
	char *status_file;
	char *notify_file;  /* beside the pid file, for NOTIFY_SOCKET of the workers */
	char *log_file;     /* a file, "| COMMAND", or "-" for standard output; NULL: both streams stay what they are */
	char *envdir;       /* NULL for none */
	long long interval; /* this and the next: milliseconds */
	long long ready_timeout;
	long long kill_timeout;
	long long max_start_failures;
	int signal_on_hup;
	int signal_on_term;
	bool require_ready;
	bool give_up;
	bool daemonize;
};

#define AUTO_SETTINGS AUTO(settings_free)

/* Works out the settings, all paths absolute; creates ROOT/.dewy where a file of the supervisor is to go there. options
 * must live as long as ret. Returns 0, or -1; the caller gives ret to settings_free in both cases. */
int settings_read(struct settings *ret, const struct options *options, struct error *error);

/* The same without the paths, which settings_hand_over sets: they begin where the supervisor was started first. */
int settings_read_values(struct settings *ret, const struct options *options, struct error *error);

/* Puts the paths down, or sets them; see handover.h. */
void settings_hand_over(struct settings *settings, const struct handover *handover);

/* Returns how long to wait, in milliseconds, before a start that follows so many failures in a row: 0, 1, 2, 4 up to 60 s. */
long long settings_pause(long long failures);

void settings_free(struct settings *settings);

/* What Server::Starter lets the envdir change while it runs. */
struct controls {
	bool auto_restart;
	long long auto_restart_interval; /* milliseconds, as the next */
	long long kill_old_delay;
};

/* Returns the controls: the files ENABLE_AUTO_RESTART, AUTO_RESTART_INTERVAL and KILL_OLD_DELAY of the envdir win over the
 * options, and these over the variables of the environment with those names. */
struct controls settings_controls(const struct settings *settings, const struct envdir *envdir);

#endif
