/* SPDX-License-Identifier: MIT */
#include "notify/slack_colour.h"

#include "digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Hues are degrees on the circle of colours: red is at 0, yellow at 60, green at 120, blue at 240, magenta at 300. */
enum {
	FIRST_HUE = 50, /* orange and pink are left out, too */
	HUES = 241,
	SECTOR = 60,
};

/* Returns the digits of the SHA-256 of host from one on as a number. */
static unsigned digits_of(const char *hexadecimal, int start, int count)
{
	char part[8];

	snprintf(part, sizeof part, "%.*s", count, hexadecimal + start);
	return (unsigned)strtoul(part, NULL, 16);
}

/* Writes the colour of that hue whose brightest part is high, and whose darkest is low. */
static void write_colour(unsigned hue, unsigned low, unsigned high, char text[SLACK_COLOUR])
{
	unsigned step = (high - low) * (hue % SECTOR) / SECTOR, up = low + step, down = high - step;
	const unsigned parts[6][3] = {
		{high, up, low}, {down, high, low}, {low, high, up}, {low, down, high}, {up, low, high}, {high, low, down},
	};
	const unsigned *colour = parts[hue / SECTOR % 6];

	snprintf(text, SLACK_COLOUR, "#%02X%02X%02X", colour[0] & 255, colour[1] & 255, colour[2] & 255);
}

const char *slack_colour(const char *host, char text[SLACK_COLOUR])
{
	struct digest *digest = digest_begin("sha256");
	char name[DIGEST_TEXT];

	digest_add(digest, host, strlen(host));
	digest_end(digest, name);
	const char *hexadecimal = strchr(name, ':') + 1;
	write_colour(FIRST_HUE + digits_of(hexadecimal, 0, 4) % HUES, digits_of(hexadecimal, 4, 2) % 96,
		     160 + digits_of(hexadecimal, 6, 2) % 96, text);
	return text;
}
