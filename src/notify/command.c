/* SPDX-License-Identifier: MIT */
#include "notify/command.h"

#include "time.h"
#include "transfer.h"

#include <sysexits.h>

enum { GRACE_MS = 500 }; /* less than this process itself has when it is ended */

long long command_grace(long long timeout_ms)
{
	return timeout_ms / 4 < GRACE_MS ? timeout_ms / 4 + 1 : GRACE_MS;
}

bool command_waits(int exit_code, int retry, int most, long long deadline)
{
	long long pause = transfer_pause(retry);

	if (exit_code != EX_TEMPFAIL || retry >= most || pause >= deadline - time_monotonic())
		return false;
	time_sleep(pause);
	return true;
}
