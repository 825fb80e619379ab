/* SPDX-License-Identifier: MIT */
#include "check/remote.h"

#include "alloc.h"
#include "cleanup.h"
#include "proc.h"

char *remote_program(void)
{
	AUTO_FREE char *near = proc_sibling("../libexec/dewy/dewy-check-remote");

	return *near == '/' ? steal_pointer(&near) : xstrdup(PKGLIBEXECDIR "/dewy-check-remote");
}
