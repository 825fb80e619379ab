/* SPDX-License-Identifier: MIT */
#include "check/remote.h"

#include "proc.h"

char *remote_program(void)
{
	return proc_helper("../libexec/dewy/dewy-check-remote", PKGLIBEXECDIR "/dewy-check-remote");
}
