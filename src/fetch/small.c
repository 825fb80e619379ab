/* SPDX-License-Identifier: MIT */
#include "fetch/small.h"

#include "alloc.h"
#include "error.h"

#include <string.h>

struct reading {
	struct buf *content;
	size_t limit;
	bool larger;
};

static int begin(void *context, const struct registry_part *part, struct error *error)
{
	struct buf *content = ((struct reading *)context)->content;

	(void)error;
	content->length = part->offset < (long long)content->length ? (size_t)part->offset : content->length;
	return 0;
}

static int receive(void *context, const void *bytes, size_t length, struct error *error)
{
	struct reading *reading = context;

	reading->larger = length > reading->limit - reading->content->length;
	if (reading->larger)
		return error_set(error, ERROR_REGISTRY, "it is larger than %zu bytes", reading->limit);
	buf_add(reading->content, bytes, length);
	return 0;
}

static char *base_name(const struct url *url)
{
	const char *slash = strrchr(url->path, '/');

	return xstrdup(slash ? slash + 1 : url->path);
}

char *small_name(const char *text)
{
	AUTO_URL struct url url = {0};
	struct error error;

	return url_parse(&url, text, &error) ? NULL : base_name(&url);
}

int small_read(struct registry *registry, const char *text, size_t limit, char **ret_name, struct buf *ret_content,
	       struct error *error)
{
	AUTO_URL struct url url = {0};
	struct reading reading = {.content = ret_content, .limit = limit};
	const struct registry_resume anew = {0};
	const struct registry_sink sink = {.begin = begin, .write = receive, .context = &reading};

	if (url_parse(&url, text, error))
		return -1;
	*ret_name = base_name(&url);
	if (registry->ops->fetch(registry, &url, &anew, &sink, error))
		return reading.larger ? 2 : error->code == ERROR_NOT_FOUND ? 1 : -1;
	buf_add(ret_content, "", 0); /* an empty one is terminated, too */
	return 0;
}
