/* SPDX-License-Identifier: MIT */
#include "dewy/pause.h"

#include "alloc.h"
#include "buf.h"
#include "cleanup.h"
#include "log.h"
#include "str.h"
#include "time.h"

#include <stdint.h>
#include <sys/random.h>

/* Returns a random number from 0 to most. */
static long long up_to(long long most)
{
	uint32_t chance = UINT32_MAX / 2;

	(void)!getrandom(&chance, sizeof chance, GRND_NONBLOCK); /* without it, the pause is only less well spread */
	return (long long)((uint64_t)(most + 1) * chance >> 32);
}

static long long back_off(long long interval, long long most, int failures)
{
	long long pause = interval;

	for (int i = 1; i < failures && pause < most; i++)
		pause *= 2;
	if (pause > most)
		pause = most > interval ? most : interval;
	return pause;
}

static void announce(int failures, long long pause)
{
	AUTO_FREE char *count = xasprintf("%d", failures);
	AUTO_BUF struct buf length = {0};
	char next[TIME_TEXT];

	str_add_duration(&length, pause);
	time_format((time_t)((time_now() + pause) / 1000), next);
	log_event(failures > 1 ? LOG_WARN : LOG_INFO, "Trying again later", "failures", count, "pause", buf_text(&length),
		  "next_at", next);
}

long long pause_length(const struct options *options, int failures)
{
	long long interval = option_number(options, OPT_INTERVAL);
	long long pause = back_off(interval, option_number(options, OPT_MAX_BACKOFF), failures);
	long long spread = pause * option_number(options, OPT_JITTER) / 100;

	pause += up_to(2 * spread) - spread;
	if (failures)
		announce(failures, pause);
	return pause;
}
