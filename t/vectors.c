/* SPDX-License-Identifier: MIT */
/* vectors FUNCTION ARGUMENT...: prints what a function of the library makes of its arguments, or "refused". */
#include "alloc.h"
#include "base64.h"
#include "buf.h"
#include "cleanup.h"
#include "digest.h"
#include "error.h"
#include "json.h"
#include "jwt.h"
#include "notify/cut.h"
#include "notify/slack_colour.h"
#include "seal.h"
#include "time.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LIMIT = 1 << 20 };

static void print(const char *text)
{
	puts(text ? text : "refused");
}

static void encode(char **arguments)
{
	AUTO_BUF struct buf text = {0};

	base64_add(&text, arguments[0], strlen(arguments[0]));
	print(buf_text(&text));
}

static void encode_url(char **arguments)
{
	AUTO_BUF struct buf text = {0};

	base64url_add(&text, arguments[0], strlen(arguments[0]));
	print(buf_text(&text));
}

static void decode(char **arguments)
{
	AUTO_BUF struct buf text = {0};

	print(base64_decode(&text, arguments[0]) == 0 ? buf_text(&text) : NULL);
}

/* In two pieces, as a download comes. */
static void digest(char **arguments)
{
	struct digest *begun = digest_begin(arguments[0]);
	size_t length = strlen(arguments[1]), half = length / 2;
	char text[DIGEST_TEXT];

	if (begun) {
		digest_add(begun, arguments[1], half);
		digest_add(begun, arguments[1] + half, length - half);
		digest_end(begun, text);
	}
	print(begun ? text : NULL);
}

/* digest-file ALGORITHM FILE LENGTH */
static void digest_of_file(char **arguments)
{
	AUTO_CLOSE int fd = open(arguments[1], O_RDONLY | O_CLOEXEC);
	struct digest *begun = digest_begin(arguments[0]);
	struct error error;
	char text[DIGEST_TEXT];

	if (!begun || digest_add_file(&begun, 1, fd, 0, atoll(arguments[2]), &error)) {
		digest_free(begun);
		print(NULL);
		return;
	}
	digest_end(begun, text);
	print(text);
}

static void digest_of_base64(char **arguments)
{
	char text[DIGEST_TEXT];

	print(digest_from_base64(arguments[0], arguments[1], text) == 0 ? text : NULL);
}

/* jwt CLAIMS KEY-ID, with the private key on standard input */
static void sign(char **arguments)
{
	AUTO_BUF struct buf key = {0};
	struct error error = {0};

	if (buf_read(&key, STDIN_FILENO, LIMIT))
		return;
	AUTO_JSON cJSON *claims = json_parse(arguments[0], strlen(arguments[0]), &error);
	AUTO_FREE char *token = jwt_sign(claims, *arguments[1] ? arguments[1] : NULL, buf_text(&key), &error);
	print(token);
	if (!token)
		printf("%s: %s\n", error_word(error.code), error.message);
}

static void seal_text(char **arguments)
{
	AUTO_FREE char *sealed = seal(arguments[0], arguments[1]);

	print(sealed);
}

static void unseal_text(char **arguments)
{
	AUTO_FREE char *text = unseal(arguments[0], arguments[1]);

	print(text);
}

/* Flips one bit after the other of a sealed text, and prints how many it has and how many of them went unnoticed. */
static void damage(char **arguments)
{
	AUTO_FREE char *sealed = seal(arguments[0], arguments[1]);
	AUTO_BUF struct buf bytes = {0};
	size_t unnoticed = 0;

	base64_decode(&bytes, sealed);
	for (size_t bit = 0; bit < 8 * bytes.length; bit++) {
		AUTO_BUF struct buf damaged = {0};
		bytes.data[bit / 8] = (char)(bytes.data[bit / 8] ^ 1 << bit % 8);
		base64_add(&damaged, bytes.data, bytes.length);
		bytes.data[bit / 8] = (char)(bytes.data[bit / 8] ^ 1 << bit % 8);
		AUTO_FREE char *text = unseal(buf_text(&damaged), arguments[1]);
		unnoticed += text != NULL;
	}
	printf("%zu %zu\n", 8 * bytes.length, unnoticed);
}

static void cut(char **arguments)
{
	AUTO_FREE char *text = message_cut(arguments[2], strtoul(arguments[0], NULL, 10), strtoul(arguments[1], NULL, 10));

	print(text);
}

/* colours COUNT: those of as many hosts. */
static void colours(char **arguments)
{
	for (int i = 0; i < atoi(arguments[0]); i++) {
		AUTO_FREE char *host = xasprintf("host-%d.example.com", i);
		char text[SLACK_COLOUR];
		puts(slack_colour(host, text));
	}
}

/* times FIRST LAST STEP: seconds since the epoch, as they are written, and what is read of that. */
static void write_times(char **arguments)
{
	char text[TIME_TEXT];
	time_t again;

	for (long long when = atoll(arguments[0]); when <= atoll(arguments[1]); when += atoll(arguments[2])) {
		time_format((time_t)when, text);
		printf("%lld %s %lld\n", when, text, time_parse(text, &again) == 0 ? (long long)again : -1);
	}
}

static void read_time(char **arguments)
{
	char text[TIME_TEXT];
	time_t when;

	print(time_parse(arguments[0], &when) == 0 ? time_format(when, text) : NULL);
}

static const struct {
	const char *name;
	int arguments;
	void (*run)(char **arguments);
} functions[] = {
	{"base64", 1, encode},
	{"base64url", 1, encode_url},
	{"base64-decode", 1, decode},
	{"digest", 2, digest},
	{"digest-file", 3, digest_of_file},
	{"digest-from-base64", 2, digest_of_base64},
	{"jwt", 2, sign},
	{"seal", 2, seal_text},
	{"unseal", 2, unseal_text},
	{"damage", 2, damage},
	{"cut", 3, cut},
	{"colours", 1, colours},
	{"times", 3, write_times},
	{"read-time", 1, read_time},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof functions / sizeof *functions; i++) {
		if (strcmp(functions[i].name, argv[1]) != 0 || argc - 2 != functions[i].arguments)
			continue;
		functions[i].run(argv + 2);
		return 0;
	}
	return 2;
}
