/* SPDX-License-Identifier: MIT */
#include "notify/relay.h"

#include "alloc.h"
#include "fs.h"
#include "proc.h"
#include "str.h"

#include <fcntl.h>
#include <sys/stat.h>

static const char name[] = "DEWY_NOTIFY_RELAY";

int relay_open(struct error *error)
{
	return fs_scratch("", 0, error);
}

char *relay_variable(int relay)
{
	return xasprintf("%s=%d", name, relay);
}

void relay_end(int relay)
{
	fs_write_all(relay, "\n", 1);
}

int relay_receive(void)
{
	const char *given = proc_variable(name);
	struct stat status;
	long long relay;

	if (!given || str_to_number(given, &relay) || fstat((int)relay, &status) || !S_ISREG(status.st_mode))
		return -1;
	fcntl((int)relay, F_SETFD, FD_CLOEXEC);
	return (int)relay;
}

bool relay_is_over(int relay)
{
	struct stat status;

	return relay >= 0 && fstat(relay, &status) == 0 && status.st_size > 0;
}
