/* SPDX-License-Identifier: MIT */
#include "metrics/otlp_trace.h"

#include "alloc.h"
#include "digest.h"
#include "document.h"
#include "metrics/otlp_json.h"
#include "metrics/record.h"
#include "proc.h"
#include "str.h"
#include "url.h"

#include <string.h>

enum {
	TRACE_ID = 32, /* hexadecimal digits */
	SPAN_ID = 16,
	TRACE_AT = 3, /* in TRACEPARENT, as the next */
	PARENT_AT = TRACE_AT + TRACE_ID + 1,
	FLAGS_AT = PARENT_AT + SPAN_ID + 1,
	PARENT_LENGTH = FLAGS_AT + 2,
	SPAN_KIND_INTERNAL = 1,
	STATUS_CODE_ERROR = 2,
};

/* A trace that is being made. */
struct trace {
	const cJSON *document;
	char id[TRACE_ID + 1];
	char root[SPAN_ID + 1];
	char parent[SPAN_ID + 1]; /* of the root, "" for none */
	cJSON *spans;
	long long start, end; /* of all, in milliseconds since the epoch; start -1 while there is none */
};

/* A member of the document that becomes an attribute. */
struct attribute {
	const char *key, *path;
};

static const struct attribute of_run[] = {
	{"deployment.id", "id"},
	{"deployment.name", "app"},
	{"dewy.root", "root"},
	{"dewy.mode", "mode"},
	{"dewy.state", "state"},
	{"dewy.reason", "reason"},
	{"dewy.version", "release.version"},
	{"dewy.previous_version", "previous.version"},
	{"dewy.artifact", "artifact.name"},
	{"dewy.digest", "artifact.digest"},
	{NULL, NULL},
};

static const struct attribute of_fetch[] = {
	{"dewy.fetch.bytes", "fetch.bytes"}, {"dewy.fetch.from_cache", "fetch.from_cache"}, {NULL, NULL}};

static const struct attribute of_deploy[] = {{"dewy.deploy.path", "deploy.path"},
					     {"dewy.deploy.files", "deploy.files"},
					     {"dewy.deploy.bytes", "deploy.bytes"},
					     {"dewy.deploy.reused", "deploy.reused"},
					     {NULL, NULL}};

static const struct attribute of_restart[] = {{"dewy.restart.kind", "restart.kind"},
					      {"dewy.restart.action", "restart.action"},
					      {"dewy.restart.generation", "restart.generation"},
					      {"dewy.restart.healthy", "restart.healthy"},
					      {NULL, NULL}};

static const struct stage_span {
	const char *name;
	const struct attribute *attributes;
} stages[] = {{"check", NULL}, {"fetch", of_fetch}, {"deploy", of_deploy}, {"restart", of_restart}};

/* Writes the first digits of the SHA-256 of the document's id and of what the identifier is for. */
static void derive(const cJSON *document, const char *what, char *ret_digits, size_t count)
{
	AUTO_FREE char *text = xasprintf("%s %s", json_string(document, "id"), what);
	struct digest *digest = digest_begin("sha256");
	char full[DIGEST_TEXT];

	digest_add(digest, text, strlen(text));
	digest_end(digest, full);
	memcpy(ret_digits, strchr(full, ':') + 1, count);
	ret_digits[count] = '\0';
}

static const char digits[] = "0123456789abcdef";

/* True for that many hexadecimal digits, in small letters, which are not all 0. */
static bool is_identifier(const char *text, size_t count)
{
	return strspn(text, digits) == count && strspn(text, "0") < count;
}

/* True for what TRACEPARENT may be: VERSION-TRACE-PARENT-FLAGS, with more behind that in a version to come. */
static bool is_parent(const char *text)
{
	size_t length = text ? strlen(text) : 0;

	if (length < PARENT_LENGTH || (length > PARENT_LENGTH && (str_starts(text, "00") || text[PARENT_LENGTH] != '-')))
		return false;
	if (text[TRACE_AT - 1] != '-' || text[PARENT_AT - 1] != '-' || text[FLAGS_AT - 1] != '-' || str_starts(text, "ff"))
		return false;
	return strspn(text, digits) == 2 && is_identifier(text + TRACE_AT, TRACE_ID) && is_identifier(text + PARENT_AT, SPAN_ID) &&
	       strspn(text + FLAGS_AT, digits) == 2;
}

/* Takes over the trace that TRACEPARENT tells. Returns false when it is not recorded. */
static bool continue_trace(struct trace *trace, const char *text)
{
	if (!is_parent(text))
		return true;
	memcpy(trace->id, text + TRACE_AT, TRACE_ID);
	memcpy(trace->parent, text + PARENT_AT, SPAN_ID);
	return strchr("13579bdf", text[FLAGS_AT + 1]);
}

static void add_attributes(cJSON *span, const cJSON *document, const struct attribute *attributes)
{
	for (; attributes && attributes->key; attributes++)
		otlp_add_attribute(span, attributes->key, json_get(document, attributes->path));
}

static void set_failed(cJSON *span, const char *message, const char *type)
{
	json_set_number(span, "status.code", STATUS_CODE_ERROR);
	json_set_string(span, "status.message", message);
	otlp_add_text(span, "error.type", type);
}

/* Returns a new span, which belongs to the trace. */
static cJSON *add_span(struct trace *trace, const char *name, const char *id, const char *parent, long long start, long long end)
{
	cJSON *span = xrequire(cJSON_CreateObject());

	json_set_string(span, "traceId", trace->id);
	json_set_string(span, "spanId", id);
	if (*parent)
		json_set_string(span, "parentSpanId", parent);
	json_set_string(span, "name", name);
	json_set_number(span, "kind", SPAN_KIND_INTERNAL);
	otlp_set_time(span, "startTimeUnixNano", start);
	otlp_set_time(span, "endTimeUnixNano", end);
	cJSON_AddItemToArray(trace->spans, span);
	return span;
}

static void add_hook(struct trace *trace, const cJSON *hook, const char *parent, int number)
{
	const char *name = json_string(hook, "name");
	AUTO_FREE char *what = xasprintf("hook %d", number), *title = xasprintf("%s hook", name ? name : "a");
	long long start, end, code = json_number(hook, "exit_code", 0);
	char id[SPAN_ID + 1];

	if (document_times(hook, &start, &end))
		return;
	derive(trace->document, what, id, SPAN_ID);
	cJSON *span = add_span(trace, title, id, parent, start, end);
	otlp_add_attribute(span, "dewy.hook.command", json_get(hook, "command"));
	otlp_add_attribute(span, "process.exit.code", json_get(hook, "exit_code"));
	if (!code)
		return;
	AUTO_FREE char *message = xasprintf("exit code %lld", code), *type = xasprintf("%lld", code);
	set_failed(span, message, type);
}

static void add_stage(struct trace *trace, const struct stage_span *stage)
{
	const cJSON *section = json_get(trace->document, stage->name), *error = json_get(trace->document, "error"), *hook;
	long long start, end;
	char id[SPAN_ID + 1];
	int number = 0;

	if (document_times(section, &start, &end))
		return;
	derive(trace->document, stage->name, id, SPAN_ID);
	cJSON *span = add_span(trace, stage->name, id, trace->root, start, end);
	add_attributes(span, trace->document, stage->attributes);
	if (str_equal(json_string(error, "stage"), stage->name))
		set_failed(span, json_string(error, "message"), json_string(error, "code"));
	trace->start = trace->start < 0 || start < trace->start ? start : trace->start;
	trace->end = end > trace->end ? end : trace->end;
	if (!str_equal(stage->name, "deploy"))
		return;
	cJSON_ArrayForEach(hook, json_get(section, "hooks"))
	{
		add_hook(trace, hook, id, number++);
	}
}

/* The span of the whole run. */
static void add_root(struct trace *trace)
{
	const cJSON *document = trace->document, *error = json_get(document, "error");
	const char *version = json_string(document, "release.version"), *registry = json_string(document, "registry");
	bool checked = str_equal(json_string(error, "stage"), "check"), good = document_status(document) == 0;
	AUTO_FREE char *name = checked ? xstrdup("check") : version ? xasprintf("deploy %s", version) : xstrdup("deploy");
	AUTO_FREE char *public = registry ? url_public(registry) : NULL;

	cJSON *span = add_span(trace, name, trace->root, trace->parent, trace->start, trace->end);
	add_attributes(span, document, of_run);
	otlp_add_text(span, "dewy.registry", public);
	otlp_add_text(span, "deployment.status", good ? "succeeded" : "failed");
	if (!good)
		set_failed(span, json_string(error, "message"), json_string(error, "code"));
}

cJSON *otlp_trace(const cJSON *document)
{
	struct trace trace = {.document = document, .start = -1};

	derive(document, "trace", trace.id, TRACE_ID);
	derive(document, "run", trace.root, SPAN_ID);
	if (!continue_trace(&trace, proc_variable("TRACEPARENT")))
		return NULL;
	trace.spans = xrequire(cJSON_CreateArray());
	for (size_t i = 0; i < sizeof stages / sizeof *stages; i++)
		add_stage(&trace, &stages[i]);
	if (trace.start >= 0) {
		add_root(&trace);
		return otlp_wrap(document, "resourceSpans", "scopeSpans", "spans", trace.spans);
	}
	cJSON_Delete(trace.spans);
	return NULL;
}
