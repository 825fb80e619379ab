/* SPDX-License-Identifier: MIT */
/* Small readers and writers of text: numbers, times, addresses, paths, settings; and what makes text fit to be shown. */
#include "fuzz.h"

#include "buf.h"
#include "digest.h"
#include "error.h"
#include "http.h"
#include "ini.h"
#include "json.h"
#include "json_stream.h"
#include "mailbox.h"
#include "metrics/otlp_settings.h"
#include "mime.h"
#include "notify/cut.h"
#include "notify/slack_answer.h"
#include "notify/slack_text.h"
#include "path.h"
#include "redact.h"
#include "seal.h"
#include "str.h"
#include "time.h"
#include "xml.h"

#include <string.h>

static void numbers(const char *text)
{
	long long number = 0;
	AUTO_BUF struct buf shown = {0};

	FUZZ_HOLDS(str_to_number(text, &number) || number >= 0);
	if (str_to_duration(text, &number) == 0) {
		FUZZ_HOLDS(number >= 0);
		str_add_duration(&shown, number);
	}
	if (str_to_size(text, &number) == 0) {
		FUZZ_HOLDS(number >= 0);
		str_add_size(&shown, number);
	}
}

static void times(const char *text)
{
	char shown[TIME_TEXT];
	long long milliseconds, again;
	time_t when, back;

	if (time_parse(text, &when) == 0) {
		FUZZ_HOLDS(time_parse_ms(text, &milliseconds) == 0);
		FUZZ_HOLDS(time_parse(time_format(when, shown), &back) || back == when);
		FUZZ_HOLDS(time_parse_ms(time_format_ms(milliseconds, shown), &again) || again == milliseconds);
	}
	if (time_parse_stamp(text, &when) == 0)
		FUZZ_HOLDS(time_parse_stamp(time_stamp(when, shown), &back) == 0 && back == when);
}

static void shown(const char *text)
{
	AUTO_BUF struct buf escaped = {0}, visible = {0}, utf8 = {0}, line = {0};
	AUTO_FREE char *cut = message_cut(text, 3, 64), *last = message_last_line(text, 64);

	str_add_escaped(&escaped, text);
	str_add_visible(&visible, text);
	str_add_utf8(&utf8, text);
	slack_add_line(&line, text);
	FUZZ_HOLDS(fuzz_is_clean(buf_text(&escaped)) && fuzz_is_clean(buf_text(&visible)) && fuzz_is_clean(buf_text(&line)));
	FUZZ_HOLDS(strlen(cut) <= 64 + sizeof "... (1000000 more lines)" && strlen(last) <= 64 + 32);
	AUTO_FREE char *lines = slack_lines(text, 512), *code = slack_code(text, 3, 512);
	FUZZ_HOLDS(strlen(lines) <= 600 && strlen(code) <= 700);
	FUZZ_HOLDS(!*code || !strstr(code + 3, "```") || strlen(strstr(code + 3, "```")) == 3);
}

/* A secret is not in what is left, whatever stands around it. */
static void redacted(const char *text)
{
	static const char secret[] = "s3cr3t-t0k3n";
	static bool learned;
	AUTO_BUF struct buf scratch = {0}, around = {0}, around_scratch = {0};

	if (!learned)
		redact_learn(secret);
	learned = true;
	FUZZ_HOLDS(!strstr(redact(text, &scratch), secret));
	buf_printf(&around, "%s%s%s", text, secret, text);
	FUZZ_HOLDS(!strstr(redact(buf_text(&around), &around_scratch), secret));
	redact_is_secret_name(text);
}

static void mails(const char *text)
{
	AUTO_BUF struct buf header = {0};
	struct mailbox mailbox = {0};
	struct words words = {0};
	struct error error;

	if (mailbox_parse(&mailbox, text, &error) == 0) {
		FUZZ_HOLDS(mailbox_is_address(mailbox.address));
		mime_add_mailbox(&header, "From", mailbox.name, mailbox.address);
	}
	mailbox_add_list(&words, text, true, &error);
	mime_add_text(&header, "Subject", text);
	mime_add_quoted_printable(&header, text);
	for (const char *line = buf_text(&header); *line; line += strspn(line, "\n")) {
		FUZZ_HOLDS(strcspn(line, "\n") <= 998);
		line += strcspn(line, "\n");
	}
	words_free(&words);
	mailbox_free(&mailbox);
}

/* What is clean stays as it is. */
static void paths(const char *text)
{
	AUTO_BUF struct buf clean = {0}, again = {0};
	AUTO_FREE char *label = path_label(text);
	const char *colon = strchr(text, ':');

	FUZZ_HOLDS(fuzz_is_clean(label));
	if (path_clean(&clean, text) || !clean.length)
		return;
	FUZZ_HOLDS(!path_clean(&again, buf_text(&clean)) && str_equal(buf_text(&clean), buf_text(&again)));
	FUZZ_HOLDS(!path_is_crooked(buf_text(&clean)) && clean.length < PATH_BYTES);
	path_judge_link(buf_text(&clean), colon ? colon + 1 : text);
}

static void take_pair(const char *name, const char *value, void *context)
{
	(void)context;
	FUZZ_HOLDS(name && value);
}

static void settings(const char *text)
{
	struct error error;
	AUTO_JSON cJSON *ini = ini_parse(text, &error), *members = xml_members(text, strlen(text), &error);

	FUZZ_HOLDS(!ini || cJSON_IsObject(ini));
	FUZZ_HOLDS(!members || cJSON_IsObject(members));
	otlp_each_pair(text, "OTEL_EXPORTER_OTLP_HEADERS", take_pair, NULL, &error);
}

static int print_element(const cJSON *element, void *context, struct error *error)
{
	AUTO_FREE char *text = json_print(element);

	(void)error;
	buf_printf(context, "%s\n", text);
	return 0;
}

/* Gives the text to a stream in pieces. Returns 0 when it was whole. */
static int stream(const char *text, size_t piece, struct buf *elements)
{
	struct json_stream stream = {.limit = 4096, .element = print_element, .context = elements};
	struct error error;
	size_t length = strlen(text);
	int failed = 0;

	for (size_t at = 0; at < length && !failed; at += piece)
		failed = json_stream_feed(&stream, text + at, length - at < piece ? length - at : piece, &error);
	failed = failed || json_stream_end(&stream, &error);
	json_stream_free(&stream);
	return failed;
}

/* However a text is cut, its elements are the same. */
static void streams(const char *text)
{
	AUTO_BUF struct buf one = {0}, many = {0};

	FUZZ_HOLDS(stream(text, strlen(text) + 1, &one) == stream(text, 3, &many));
	FUZZ_HOLDS(str_equal(buf_text(&one), buf_text(&many)));
}

/* What others keep or answer: a sealed token, a digest, an answer of Slack's. */
static void kept(const char *text)
{
	AUTO_FREE char *token = unseal(text, "s3cr3t");
	struct http_response response = {.status = 200};
	struct slack_answer answer = {0};
	struct error error;
	char digest[DIGEST_TEXT];

	FUZZ_HOLDS(!token);
	if (digest_from_base64("sha256", text, digest) == 0)
		FUZZ_HOLDS(strlen(digest) == strlen("sha256:") + 64);
	buf_puts(&response.body, text);
	if (slack_answer_read(&answer, &response, "slack.com", &error) == 0 && answer.code) {
		slack_answer_passes(&answer);
		slack_answer_lacks_thread(&answer);
		slack_answer_refuse(&answer, "slack.com", "#deploys", "xoxb-0123456789", &error);
		FUZZ_HOLDS(!strstr(error.message, "xoxb-0123456789"));
	}
	slack_answer_free(&answer);
	buf_free(&response.body);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	AUTO_FREE char *text = fuzz_text(bytes, length);

	numbers(text);
	times(text);
	shown(text);
	redacted(text);
	mails(text);
	paths(text);
	settings(text);
	streams(text);
	kept(text);
	return 0;
}
