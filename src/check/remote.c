/* SPDX-License-Identifier: MIT */
#include "check/remote.h"

#include "proc.h"

char *remote_program(void)
{
	return proc_helper("dewy-check-remote", PKGLIBEXECDIR);
}
