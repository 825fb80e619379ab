/* SPDX-License-Identifier: MIT */
/* s3://REGION/BUCKET[/PREFIX]: objects PREFIX/VERSION/ARTIFACT in Amazon S3 and services that are compatible with it. */
#include "registry/s3.h"

#include "alloc.h"
#include "buf.h"
#include "credentials/tokens.h"
#include "error.h"
#include "log.h"
#include "root/state.h"
#include "str.h"
#include "time.h"

#include <string.h>

enum {
	ANSWER_LIMIT = 1 << 20, /* bytes of an answer that is neither a listing nor an artifact */
	MOST_PAGES = 10000,
	CROWDED_SECONDS = 86400, /* after which all objects are asked for again */
};

/* Member of STATE_REGISTRY: there are too many objects to ask for all of them at once, {"registry":URL,"until":TIME}. */
static const char crowded[] = "crowded";

static int check(const struct registry *registry, struct error *error)
{
	AUTO_S3_PLACE struct s3_place place = {0};

	return s3_locate(registry, &place, error);
}

static void close_s3(struct registry *registry)
{
	struct s3 *s3 = registry->own;

	if (s3) {
		s3_place_free(&s3->place);
		aws_credential_free(&s3->credential);
		s3_page_free(&s3->all);
	}
	free(s3);
	registry->own = NULL;
	session_close(&registry->session);
}

struct s3 *s3_open(struct registry *registry, struct error *error)
{
	struct s3 *s3 = registry->own;

	if (s3)
		return s3;
	registry->own = s3 = xcalloc(1, sizeof *s3);
	if (s3_locate(registry, &s3->place, error) ||
	    (!s3->place.anonymous && aws_credential_find(&registry->session, s3->place.region, &s3->credential, error))) {
		close_s3(registry);
		return NULL;
	}
	return s3;
}

/* Signs the request, whose URL is there, and makes it. */
static int ask_once(struct registry *registry, struct s3_request *request, struct http_response *ret, struct error *error)
{
	const struct s3 *s3 = registry->own;
	AUTO_AWS_SIGNING struct aws_signing signing = {0};

	if (request->header)
		words_add(&signing.headers, request->header);
	aws_sign(&request->http, s3->place.anonymous ? NULL : &s3->credential, s3->place.region, "s3", &signing);
	return session_ask(&registry->session, &request->http, s3->credential.identity, ret, error);
}

/* Replaces a credential that an earlier run kept. */
static int renew(struct registry *registry, struct error *error)
{
	struct s3 *s3 = registry->own;

	tokens_forget(registry->session.root, s3->credential.kept_as);
	aws_credential_free(&s3->credential);
	return aws_credential_find(&registry->session, s3->place.region, &s3->credential, error);
}

int s3_ask(struct registry *registry, struct s3_request *request, struct http_response *ret, struct error *error)
{
	const struct s3 *s3 = s3_open(registry, error);
	AUTO_BUF struct buf url = {0};

	*ret = (struct http_response){0};
	if (!s3)
		return -1;
	buf_puts(&url, s3->place.base);
	url_add_encoded(&url, request->key, "/");
	if (request->query)
		buf_printf(&url, "?%s", request->query);
	request->http.url = url.data;
	if (!request->http.limit && !request->http.sink)
		request->http.limit = ANSWER_LIMIT;
	if (ask_once(registry, request, ret, error))
		return -1;
	if (!s3->credential.kept_as || !s3_is_expiry(ret))
		return 0;
	http_response_free(ret);
	return renew(registry, error) ? -1 : ask_once(registry, request, ret, error);
}

/* Reads page after page, and gives each of the entries to take. Only one page is held at a time; a page is whole before any of its
 * entries is taken. */
static int each_entry(struct registry *registry, const char *path,
		      int (*take)(const struct s3_entry *entry, void *context, struct error *error), void *context,
		      struct error *error)
{
	AUTO_FREE char *token = NULL;

	for (int pages = 0; pages < MOST_PAGES; pages++) {
		AUTO_S3_PAGE struct s3_page page = {0};
		if (s3_read_page(registry, path, token, &page, error))
			return -1;
		for (size_t i = 0; i < page.count; i++)
			if (take(&page.entries[i], context, error))
				return -1;
		free(token);
		token = steal_pointer(&page.token);
		if (!token)
			return 0;
	}
	return error_set(error, ERROR_REGISTRY, "the listing has more than %d pages", MOST_PAGES);
}

/* What list was given. */
struct visitor {
	int (*visit)(const struct release *release, void *context, struct error *error);
	void *context;
};

static int visit_version(const struct s3_entry *entry, void *context, struct error *error)
{
	const struct visitor *visitor = context;
	size_t length = strlen(entry->name);

	if (entry->size >= 0 || length < 2 || entry->name[0] == '.')
		return 0; /* an object beside the versions, or one that hides */
	AUTO_FREE char *version = xstrndup(entry->name, length - 1);
	return visitor->visit(&(struct release){.version = version}, visitor->context, error);
}

static bool is_crowded(struct registry *registry, const char *url)
{
	struct session *session = &registry->session;
	const cJSON *noted = json_get(state_read_once(session->root, STATE_REGISTRY, &session->remembered), crowded);
	const char *text = json_string(noted, "until");
	time_t until;

	return str_equal(json_string(noted, "registry"), url) && text && time_parse(text, &until) == 0 && time_now() / 1000 < until;
}

static void note_crowded(const struct registry *registry, const char *url)
{
	const struct root *root = registry->session.root;
	AUTO_JSON cJSON *state = state_read(root, STATE_REGISTRY), *noted = xrequire(cJSON_CreateObject());
	char until[TIME_TEXT];
	struct error error;

	json_set_string(noted, "registry", url);
	json_set_string(noted, "until", time_format((time_t)(time_now() / 1000 + CROWDED_SECONDS), until));
	json_set(state, crowded, steal_pointer(&noted));
	if (root->state >= 0 && state_write_passing(root, STATE_REGISTRY, state, &error))
		log_debug("Cannot remember that the registry holds many objects", "error", error.message);
}

/* Gives the versions that the objects have; those of one follow one another, as the service sorts them. */
static int visit_all(const struct s3_page *all, const struct visitor *visitor, struct error *error)
{
	AUTO_FREE char *version = xstrdup("");

	for (size_t i = 0; i < all->count; i++) {
		const char *name = all->entries[i].name;
		size_t length = strcspn(name, "/");
		if (!name[length] || length == 0 || name[0] == '.' || (strlen(version) == length && str_starts(name, version)))
			continue;
		free(version);
		version = xstrndup(name, length);
		if (visitor->visit(&(struct release){.version = version}, visitor->context, error))
			return -1;
	}
	return 0;
}

static int list(struct registry *registry, int (*visit)(const struct release *release, void *context, struct error *error),
		void *context, struct error *error)
{
	struct visitor visitor = {.visit = visit, .context = context};
	struct s3 *s3 = s3_open(registry, error);
	AUTO_BUF struct buf url = {0};

	if (!s3)
		return -1;
	s3_add_url(&url, registry, "");
	s3_page_free(&s3->all);
	if (!is_crowded(registry, url.data)) {
		if (s3_read_all(registry, &s3->all, error))
			return -1;
		if (!s3->all.token)
			return visit_all(&s3->all, &visitor, error);
		s3_page_free(&s3->all);
		note_crowded(registry, url.data);
	}
	return each_entry(registry, "", visit_version, &visitor, error);
}

/* What the visit of one object after the other fills in. */
struct gathering {
	const struct registry *registry;
	const char *path; /* VERSION/ */
	struct artifact_list *list;
	time_t oldest; /* 0 before the first object */
};

static int gather_artifact(const struct s3_entry *entry, void *context, struct error *error)
{
	struct gathering *gathering = context;
	AUTO_FREE char *path = xasprintf("%s%s", gathering->path, entry->name);
	AUTO_BUF struct buf url = {0};
	time_t modified;

	(void)error;
	if (!entry->last_modified || !str_is_file_name(entry->name))
		return 0;
	if (time_parse(entry->last_modified, &modified) == 0 && (!gathering->oldest || modified < gathering->oldest))
		gathering->oldest = modified;
	s3_add_url(&url, gathering->registry, path);
	const struct artifact artifact = {.name = entry->name, .url = url.data, .revision = entry->etag, .size = entry->size};
	artifact_list_add(gathering->list, &artifact);
	return 0;
}

/* Takes the artifacts out of what is known of all objects. Returns how many there are. */
static size_t gather_known(struct gathering *gathering)
{
	const struct s3 *s3 = gathering->registry->own;
	size_t length = strlen(gathering->path), before = gathering->list->count;
	struct error error;

	for (size_t i = 0; s3 && i < s3->all.count; i++) {
		struct s3_entry entry = s3->all.entries[i];
		if (str_starts(entry.name, gathering->path)) {
			entry.name += length;
			gather_artifact(&entry, gathering, &error);
		}
	}
	return gathering->list->count - before;
}

static int artifacts(struct registry *registry, struct release *release, struct artifact_list *ret_list, struct error *error)
{
	AUTO_FREE char *path = xasprintf("%s/", release->version);
	struct gathering gathering = {.registry = registry, .path = path, .list = ret_list};

	if (!gather_known(&gathering) && each_entry(registry, path, gather_artifact, &gathering, error))
		return -1;
	release->published_at = gathering.oldest;
	return 0;
}

static int report(struct registry *registry, const char *version, const char *name, const char *text, struct error *error)
{
	struct s3 *s3 = s3_open(registry, error);

	if (!s3)
		return -1;
	if (s3->place.anonymous)
		return 1; /* nobody writes without a credential */
	AUTO_FREE char *path = xasprintf("%s/%s", version, name), *key = xasprintf("%s%s", s3->place.prefix, path);
	struct s3_request request = {
		.key = key,
		.header = "Content-Type: text/plain; charset=utf-8",
		.http = {.method = "PUT", .body = text, .body_length = strlen(text)},
	};
	AUTO_RESPONSE struct http_response response = {0};
	struct s3_deed deed = {.verb = "write", .path = path, .permission = "s3:PutObject"};

	if (s3_ask(registry, &request, &response, error))
		return -1;
	if (response.status >= 200 && response.status < 300)
		return 0;
	s3_refuse(registry, &deed, &response, error);
	if (!s3_is_refusal(&response))
		return -1;
	log_debug("The registry takes no audit record", "error", error->message, "hint", error->hint);
	return 1;
}

static const char *const parameters[] = {"endpoint", "addressing", "anonymous", NULL};

static bool runs_commands(struct registry *registry)
{
	bool anonymous = false;
	struct error error;

	return (url_boolean(&registry->url, "anonymous", &anonymous, &error) || !anonymous) && aws_runs_command(&registry->session);
}

const struct registry_ops s3_registry = {
	.scheme = "s3",
	.parameters = parameters,
	.check = check,
	.list = list,
	.artifacts = artifacts,
	.fetch = s3_fetch,
	.report = report,
	.runs_commands = runs_commands,
	.close = close_s3,
};
