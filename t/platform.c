/* SPDX-License-Identifier: MIT */
/* Loaded before a program, it stands in for another machine: TEST_SYSTEM, TEST_MACHINE, and TEST_LIBC=musl or gnu. */
#define _GNU_SOURCE
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

int uname(struct utsname *system)
{
	const char *name = getenv("TEST_SYSTEM"), *machine = getenv("TEST_MACHINE");

	memset(system, 0, sizeof *system);
	snprintf(system->sysname, sizeof system->sysname, "%s", name ? name : "Linux");
	snprintf(system->machine, sizeof system->machine, "%s", machine ? machine : "x86_64");
	return 0;
}

int glob(const char *pattern, int flags, int (*failed)(const char *path, int number), glob_t *found)
{
	const char *libc = getenv("TEST_LIBC");
	int musl = libc && strcmp(libc, "musl") == 0;

	(void)flags, (void)failed;
	memset(found, 0, sizeof *found);
	return (strstr(pattern, "ld-musl") != NULL) == musl ? 0 : GLOB_NOMATCH;
}
