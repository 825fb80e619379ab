/* SPDX-License-Identifier: MIT */
#include "doctor/service.h"

#include "time.h"

#include <stdlib.h>
#include <sys/stat.h>

enum { NOTABLE_SECONDS = 30, REFUSED_SECONDS = 300, DAY_SECONDS = 86400 };

/* A machine whose clock has lost its battery lives in the past. */
static void look_at_build(struct verdict *verdict)
{
	struct stat self;
	struct error error;

	if (stat("/proc/self/exe", &self) || time_now() / 1000 > self.st_mtime - DAY_SECONDS)
		return;
	error_set(&error, ERROR_CONFIG, "this program is newer than the time by the clock");
	error_hint(&error, "set the clock, and keep it right: timedatectl set-ntp true, or chrony");
	verdict_fail(verdict, &error);
}

void doctor_clock(struct doctor *doctor, struct verdict *verdict)
{
	struct error error;
	long long off = llabs(doctor->ahead);

	look_at_build(verdict);
	if (!doctor->dated) {
		verdict_skip(verdict, "no registry has told the time");
		return;
	}
	if (off <= NOTABLE_SECONDS) {
		verdict_ok(verdict, "within %lld s of the registry's", off);
		return;
	}
	bool refused = off > REFUSED_SECONDS && doctor->service->is_timed(&doctor->registry);
	error_set(&error, ERROR_REGISTRY, "the clock is %lld s %s that of the registry%s", off,
		  doctor->ahead > 0 ? "behind" : "ahead of",
		  refused ? ": what is signed is refused" : "");
	error_hint(&error, "set the clock, and keep it right: timedatectl set-ntp true, or chrony");
	refused ? verdict_fail(verdict, &error) : verdict_warn(verdict, &error);
}
