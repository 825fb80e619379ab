/* SPDX-License-Identifier: MIT */
#include "check/remote.h"

#include "proc.h"
#include "str.h"

bool remote_has(const char *url)
{
	return url && !str_starts(url, "file:");
}

char *remote_program(void)
{
	return proc_helper("dewy-check-remote", PKGLIBEXECDIR);
}
