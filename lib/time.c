/* SPDX-License-Identifier: MIT */
#include "time.h"

#include <errno.h>
#include <stdbool.h>
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

/* The Gregorian calendar. gmtime and timegm would open the file of the time zone in every process, for times that have none. Years
 * begin in March here: a leap day is the last one of its year. */
enum {
	DAY_SECONDS = 86400,
	CYCLE_YEARS = 400, /* after which the calendar is the same again */
	CYCLE_DAYS = 146097,
	CENTURY_DAYS = 36524,
	LEAP_DAYS = 1460,    /* before a leap day, of the four years that end with it */
	EPOCH_DAYS = 719468, /* from 1 March of the year 0 to 1970-01-01 */
};

/* Returns the day of the year on which a month begins; March is 0. */
static int first_day(int month)
{
	return (153 * month + 2) / 5;
}

/* Returns the days from 1970-01-01 to that day of the month, of a year from 0 on; month 13 is the January after. */
static long long days_to(int year, int month, int day)
{
	int years = year - (month < 3) + CYCLE_YEARS;

	return years * 365LL + years / 4 - years / 100 + years / CYCLE_YEARS + first_day((month + 9) % 12) + day - 1 - CYCLE_DAYS -
	       EPOCH_DAYS;
}

/* Divides, and rounds down. Returns what is left. */
static int divide(long long *number, int by)
{
	int rest = (int)(*number % by);

	*number = *number / by - (rest < 0);
	return rest < 0 ? rest + by : rest;
}

/* Writes the date and the time of day, as 2024-01-15T10:30:45 or, basic, as 20240115T103045, and behind it end. */
static const char *format_utc(long long when, bool basic, const char *end, char text[TIME_TEXT])
{
	int second = divide(&when, DAY_SECONDS);
	long long year = when + EPOCH_DAYS;
	int days = divide(&year, CYCLE_DAYS);
	int years = (days - days / LEAP_DAYS + days / CENTURY_DAYS - days / (CYCLE_DAYS - 1)) / 365;
	int left = days - (years * 365 + years / 4 - years / 100), month = (5 * left + 2) / 153;

	year = year * CYCLE_YEARS + years + (month >= 10);
	snprintf(text, TIME_TEXT, basic ? "%04lld%02d%02dT%02d%02d%02d%s" : "%04lld-%02d-%02dT%02d:%02d:%02d%s", year,
		 month < 10 ? month + 3 : month - 9, left - first_day(month) + 1, second / 3600, second / 60 % 60, second % 60, end);
	return text;
}

const char *time_format(time_t when, char text[TIME_TEXT])
{
	return format_utc(when, false, "Z", text);
}

const char *time_format_ms(long long milliseconds, char text[TIME_TEXT])
{
	char end[TIME_TEXT];

	snprintf(end, sizeof end, ".%03dZ", (int)(milliseconds % 1000));
	return format_utc(milliseconds / 1000, false, end, text);
}

const char *time_stamp(time_t when, char text[TIME_TEXT])
{
	return format_utc(when, true, "Z", text);
}

const char *time_stamp_fine(const struct timespec *when, char text[TIME_TEXT])
{
	char end[TIME_TEXT];

	snprintf(end, sizeof end, ".%09ldZ", when->tv_nsec);
	return format_utc(when->tv_sec, true, end, text);
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
	int year = numbers[0], month = numbers[1], day = numbers[2], hour = numbers[3], minute = numbers[4], second = numbers[5];

	if (!length || month < 1 || month > 12 || day < 1 || day > days_to(year, month + 1, 1) - days_to(year, month, 1) ||
	    hour > 23 || minute > 59 || second > 59)
		return 0;
	*ret_when = days_to(year, month, day) * DAY_SECONDS + (hour * 60LL + minute) * 60 + second;
	return length;
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
