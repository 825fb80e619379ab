/* SPDX-License-Identifier: MIT */
#include "time.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static long long read_clock(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

long long time_monotonic(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

long long time_now(void)
{
	return read_clock(CLOCK_REALTIME);
}

static const char *format_utc(time_t when, const char *format, char text[TIME_TEXT])
{
	struct tm parts;

	if (!gmtime_r(&when, &parts) || strftime(text, TIME_TEXT, format, &parts) == 0)
		text[0] = '\0';
	return text;
}

const char *time_format(time_t when, char text[TIME_TEXT])
{
	return format_utc(when, "%Y-%m-%dT%H:%M:%SZ", text);
}

const char *time_stamp(time_t when, char text[TIME_TEXT])
{
	return format_utc(when, "%Y%m%dT%H%M%SZ", text);
}

const char *time_stamp_fine(const struct timespec *when, char text[TIME_TEXT])
{
	size_t length = strlen(format_utc(when->tv_sec, "%Y%m%dT%H%M%S", text));

	snprintf(text + length, TIME_TEXT - length, ".%09ldZ", when->tv_nsec);
	return text;
}

/* Converts the parts, unless one is out of its range (timegm would carry it over). */
static int from_parts(struct tm *parts, time_t *ret_when)
{
	struct tm given = *parts;

	*ret_when = timegm(parts);
	return given.tm_mon == parts->tm_mon && given.tm_mday == parts->tm_mday && given.tm_hour == parts->tm_hour &&
			       given.tm_min == parts->tm_min && given.tm_sec <= 60
		       ? 0
		       : -1;
}

int time_parse(const char *text, time_t *ret_when)
{
	struct tm parts = {0};
	char sign[2] = "";
	int hours = 0, minutes = 0, length = 0;

	if (sscanf(text, "%4d-%2d-%2d%*1[Tt ]%2d:%2d:%2d%n", &parts.tm_year, &parts.tm_mon, &parts.tm_mday, &parts.tm_hour,
		   &parts.tm_min, &parts.tm_sec, &length) != 6)
		return -1;
	text += length;
	if (*text == '.')
		text += 1 + strspn(text + 1, "0123456789");
	if (strcmp(text, "Z") != 0 && strcmp(text, "z") != 0 && sscanf(text, "%1[+-]%2d:%2d", sign, &hours, &minutes) != 3)
		return -1;
	parts.tm_year -= 1900;
	parts.tm_mon -= 1;
	if (from_parts(&parts, ret_when))
		return -1;
	int offset = (hours * 60 + minutes) * 60;
	*ret_when += sign[0] == '-' ? offset : -offset;
	return 0;
}

int time_parse_stamp(const char *text, time_t *ret_when)
{
	struct tm parts = {0};
	int length = 0;

	if (sscanf(text, "%4d%2d%2dT%2d%2d%2dZ%n", &parts.tm_year, &parts.tm_mon, &parts.tm_mday, &parts.tm_hour, &parts.tm_min,
		   &parts.tm_sec, &length) != 6 ||
	    length != 16 || text[length])
		return -1;
	parts.tm_year -= 1900;
	parts.tm_mon -= 1;
	return from_parts(&parts, ret_when);
}

void time_sleep(long long milliseconds)
{
	struct timespec left = {.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000};

	while (nanosleep(&left, &left) && errno == EINTR)
		;
}
