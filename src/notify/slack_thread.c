/* SPDX-License-Identifier: MIT */
#include "notify/slack_thread.h"

#include "alloc.h"
#include "buf.h"
#include "document.h"
#include "error.h"
#include "fs.h"
#include "log.h"
#include "notify/channel.h"
#include "str.h"
#include "url.h"

#include <fcntl.h>
#include <string.h>

enum {
	SECONDS = 10, /* digits of the time, */
	NUMBER = 6,   /* and of the number behind the full stop */
	LIMIT = 64,   /* bytes of the file */
};

static const char file_name[] = ".slack-thread-ts", digits[] = "0123456789";

bool slack_is_ts(const char *text)
{
	return text && strlen(text) == SECONDS + 1 + NUMBER && strspn(text, digits) == SECONDS && text[SECONDS] == '.' &&
	       strspn(text + SECONDS + 1, digits) == NUMBER;
}

int slack_thread_check(const struct channel *channel, struct error *error)
{
	bool threads;

	if (slack_is_ts(url_parameter(&channel->url, "thread")) || url_boolean(&channel->url, "thread", &threads, error) == 0)
		return 0;
	return error_hint(error, "or give the ts of the message that begins the thread, such as thread=1700000000.000100");
}

bool slack_threads(const struct channel *channel)
{
	struct error error;
	bool threads;

	return url_boolean(&channel->url, "thread", &threads, &error) == 0 && threads;
}

/* Returns the directory of the release that the message is about: a run that has none yet has nothing to do with the one before
 * it. */
static char *release_of(const cJSON *document)
{
	const char *path = json_string(document, "deploy.path"), *root = json_string(document, "root");

	if (!path && root && document_state(document) == STATE_UNCHANGED)
		return xasprintf("%s/current", root);
	return xstrdup(path);
}

static char *thread_of_release(const cJSON *document)
{
	AUTO_FREE char *release = release_of(document);
	AUTO_CLOSE int dir = release ? open(release, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	AUTO_BUF struct buf content = {0};
	struct error error;

	if (dir < 0)
		return NULL;
	int result = fs_read_file(dir, file_name, LIMIT, &content, &error);
	if (result > 0)
		return NULL;
	AUTO_FREE char *ts = xstrndup(buf_text(&content), strcspn(buf_text(&content), "\r\n"));
	if (result == 0 && slack_is_ts(ts))
		return steal_pointer(&ts);
	log_debug("No thread of the artifact", "path", release, "error", result ? error.message : "it is no ts of a message");
	return NULL;
}

char *slack_thread_find(const struct channel *channel, const struct message *message)
{
	const char *given = url_parameter(&channel->url, "thread");

	if (slack_is_ts(given))
		return xstrdup(given);
	if (!slack_threads(channel))
		return NULL;
	char *thread = thread_of_release(message->document);
	return thread || !slack_is_ts(channel->thread) ? thread : xstrdup(channel->thread);
}
