/* SPDX-License-Identifier: MIT */
/* Loaded before a program, it stands in for another machine: TEST_SYSTEM, TEST_MACHINE, and TEST_LIBC=musl or gnu. */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

int uname(struct utsname *name)
{
	const char *system = getenv("TEST_SYSTEM"), *machine = getenv("TEST_MACHINE");

	memset(name, 0, sizeof *name);
	snprintf(name->sysname, sizeof name->sysname, "%s", system ? system : "Linux");
	snprintf(name->machine, sizeof name->machine, "%s", machine ? machine : "x86_64");
	return 0;
}

int glob(const char *pattern, int flags, int (*errfunc)(const char *path, int number), glob_t *pglob)
{
	const char *libc = getenv("TEST_LIBC");
	int musl = libc && strcmp(libc, "musl") == 0;

	(void)flags, (void)errfunc;
	memset(pglob, 0, sizeof *pglob);
	return (strstr(pattern, "ld-musl") != NULL) == musl ? 0 : GLOB_NOMATCH;
}
