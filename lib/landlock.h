/* SPDX-License-Identifier: MIT */
/* Landlock: what a process, and all that it starts, may no longer do with files, TCP and other processes. See landlock(7). */
#ifndef DEWY_LANDLOCK_H
#define DEWY_LANDLOCK_H

#include <stdbool.h>

enum {
	LANDLOCK_LEAST = 2, /* ABI 1 refuses every hard link between two directories: it is as good as none */
	LANDLOCK_FULL = 6,  /* the ABI that has all that is asked for here */
};

/* What may be done below a directory. */
enum landlock_may {
	LANDLOCK_MAY_READ = 1,
	LANDLOCK_MAY_CREATE = 2,  /* files, directories and links, and write to files */
	LANDLOCK_MAY_REPLACE = 4, /* create, write to, rename and remove files and directories */
};

struct landlock_below {
	int dir;      /* descriptor of the directory; not looked at when nothing may be done */
	unsigned may; /* of enum landlock_may */
};

/* What is left. Nothing may be executed, no device, socket or pipe be made, no port be bound; abstract sockets and signals reach
 * only processes that are confined, too. Descriptors that are open stay usable. */
struct landlock_rules {
	struct landlock_below below[2];
	bool reads;    /* files anywhere */
	bool connects; /* by TCP */
};

/* Returns the version of the kernel's interface, 0 or less when it has none. */
long landlock_version(void);

/* Confines this process, which has given up new privileges before (prctl(2), PR_SET_NO_NEW_PRIVS), for good. Returns the version
 * in force, which below LANDLOCK_FULL leaves out what it does not know; 0 when the kernel has none that is of use, or lets nobody
 * use it; or -1 with errno. */
long landlock_restrict(const struct landlock_rules *rules);

#endif
