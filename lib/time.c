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

const char *time_format_ms(long long milliseconds, char text[TIME_TEXT])
{
	size_t length = strlen(format_utc((time_t)(milliseconds / 1000), "%Y-%m-%dT%H:%M:%S", text));

	snprintf(text + length, TIME_TEXT - length, ".%03dZ", (int)(milliseconds % 1000));
	return text;
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

/* Reads text of a form in which a figure stands for a digit of the number with that index, a space for T, t or a space, and
 * anything else for itself. Returns how much of text it took, 0 when text has another form. */
static size_t read_form(const char *text, const char *form, int *numbers)
{
	size_t i = 0;

	for (; form[i]; i++) {
		if (form[i] >= '0' && form[i] <= '9' && text[i] >= '0' && text[i] <= '9') {
			int *number = &numbers[form[i] - '0'];
			*number = *number * 10 + text[i] - '0';
		} else if (form[i] != text[i] && !(form[i] == ' ' && (text[i] == 'T' || text[i] == 't'))) {
			return 0;
		}
	}
	return i;
}

/* Reads the date and the time of day in the form. Returns as read_form does. */
static size_t read_time(const char *text, const char *form, time_t *ret_when)
{
	int numbers[6] = {0};
	size_t length = read_form(text, form, numbers);
	struct tm parts = {
		.tm_year = numbers[0] - 1900,
		.tm_mon = numbers[1] - 1,
		.tm_mday = numbers[2],
		.tm_hour = numbers[3],
		.tm_min = numbers[4],
		.tm_sec = numbers[5],
	};

	return length && from_parts(&parts, ret_when) == 0 ? length : 0;
}

int time_parse(const char *text, time_t *ret_when)
{
	size_t length = read_time(text, "0000-11-22 33:44:55", ret_when);
	int offset[2] = {0};

	if (!length)
		return -1;
	text += length;
	if (*text == '.')
		text += 1 + strspn(text + 1, "0123456789");
	if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0)
		return 0;
	if ((*text != '+' && *text != '-') || !(length = read_form(text + 1, "00:11", offset)) || text[1 + length])
		return -1;
	int seconds = (offset[0] * 60 + offset[1]) * 60;
	*ret_when += *text == '-' ? seconds : -seconds;
	return 0;
}

int time_parse_ms(const char *text, long long *ret_milliseconds)
{
	const char *fraction = strchr(text, '.');
	int thousandths = 0, weight = 100;
	time_t seconds;

	if (time_parse(text, &seconds))
		return -1;
	for (; fraction && weight && fraction[1] >= '0' && fraction[1] <= '9'; fraction++, weight /= 10)
		thousandths += weight * (fraction[1] - '0');
	*ret_milliseconds = seconds * 1000LL + thousandths;
	return 0;
}

int time_parse_stamp(const char *text, time_t *ret_when)
{
	size_t length = read_time(text, "00001122T334455Z", ret_when);

	return length && !text[length] ? 0 : -1;
}

void time_sleep(long long milliseconds)
{
	struct timespec left = {.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000};

	while (nanosleep(&left, &left) && errno == EINTR)
		;
}
