/* SPDX-License-Identifier: MIT */
#include "metrics/otlp_settings.h"

#include "alloc.h"
#include "cleanup.h"
#include "error.h"
#include "proc.h"
#include "secret.h"
#include "secrets.h"
#include "str.h"
#include "url.h"

#include <string.h>
#include <strings.h>

enum { TIMEOUT_MS = 10000, INTERVAL_MS = 60000 };

const char *const otlp_signal_words[] = {[OTLP_TRACES] = "traces", [OTLP_METRICS] = "metrics"};

static const char *const variable_words[] = {[OTLP_TRACES] = "TRACES", [OTLP_METRICS] = "METRICS"};

/* Returns the name of the variable of a setting that is set, for the signal or else for all; NULL when neither is. The caller frees
 * it. */
static char *find_variable(enum otlp_signal signal, const char *setting)
{
	AUTO_FREE char *own = xasprintf("OTEL_EXPORTER_OTLP_%s_%s", variable_words[signal], setting);
	AUTO_FREE char *common = xasprintf("OTEL_EXPORTER_OTLP_%s", setting);

	return proc_variable(own) ? steal_pointer(&own) : proc_variable(common) ? steal_pointer(&common) : NULL;
}

bool otlp_is_wanted(enum otlp_signal signal)
{
	bool traces = signal == OTLP_TRACES;
	const char *own = proc_variable(traces ? "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" : "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT");

	if (!own && !proc_variable("OTEL_EXPORTER_OTLP_ENDPOINT"))
		return false;
	const char *disabled = proc_variable("OTEL_SDK_DISABLED");
	const char *exporter = proc_variable(traces ? "OTEL_TRACES_EXPORTER" : "OTEL_METRICS_EXPORTER");
	return !(disabled && strcasecmp(disabled, "true") == 0) && !str_equal(exporter, "none");
}

long long otlp_interval(void)
{
	const char *text = proc_variable("OTEL_METRIC_EXPORT_INTERVAL");
	long long milliseconds;

	return text && str_to_number(text, &milliseconds) == 0 ? milliseconds : INTERVAL_MS;
}

/* gRPC is another protocol, at another port. Whoever takes protobuf over HTTP takes JSON at the same URL. */
static int check_protocol(enum otlp_signal signal, struct error *error)
{
	AUTO_FREE char *variable = find_variable(signal, "PROTOCOL");
	const char *protocol = variable ? proc_variable(variable) : "http/json";

	if (str_equal(protocol, "http/json") || str_equal(protocol, "http/protobuf"))
		return 0;
	error_set(error, ERROR_CONFIG, "%s=%s: only http/json is spoken", variable, protocol);
	return error_hint(error, "give dewy OTEL_EXPORTER_OTLP_PROTOCOL=http/json, and the endpoint that the receiver has for "
				 "HTTP, often at port 4318");
}

static int read_url(enum otlp_signal signal, char **ret_url, struct error *error)
{
	AUTO_FREE char *variable = find_variable(signal, "ENDPOINT");
	const char *endpoint = proc_variable(variable);
	AUTO_FREE char *host = url_host(endpoint);
	size_t length = strlen(endpoint);

	if ((strncasecmp(endpoint, "http://", 7) != 0 && strncasecmp(endpoint, "https://", 8) != 0) || !*host) {
		error_set(error, ERROR_CONFIG, "%s is no http:// or https:// URL", variable);
		return error_hint(error, "write it as http://HOST:4318");
	}
	if (!str_equal(variable, "OTEL_EXPORTER_OTLP_ENDPOINT")) {
		*ret_url = xstrdup(endpoint);
		return 0;
	}
	while (length && endpoint[length - 1] == '/')
		length--;
	*ret_url = xasprintf("%.*s/v1/%s", (int)length, endpoint, otlp_signal_words[signal]);
	return 0;
}

static int read_timeout(enum otlp_signal signal, long long *ret_ms, struct error *error)
{
	AUTO_FREE char *variable = find_variable(signal, "TIMEOUT");

	*ret_ms = TIMEOUT_MS;
	if (!variable || (str_to_number(proc_variable(variable), ret_ms) == 0 && *ret_ms > 0))
		return 0;
	error_set(error, ERROR_CONFIG, "%s=%s: expected milliseconds", variable, proc_variable(variable));
	return error_hint(error, "for example %s=10000", variable);
}

/* Returns a copy of the text without the white space around it. */
static char *trim(const char *text, size_t length)
{
	while (length && strchr(" \t", *text)) {
		text++;
		length--;
	}
	while (length && strchr(" \t", text[length - 1]))
		length--;
	return xstrndup(text, length);
}

int otlp_each_pair(const char *list, const char *variable, void (*visit)(const char *name, const char *value, void *context),
		   void *context, struct error *error)
{
	for (const char *at = list; *at; at += strcspn(at, ",") + (at[strcspn(at, ",")] == ',')) {
		size_t length = strcspn(at, ","), name_length = strcspn(at, "=,");
		AUTO_FREE char *item = trim(at, length), *name = trim(at, name_length);
		if (!*item)
			continue;
		AUTO_FREE char *raw = name_length < length ? trim(at + name_length + 1, length - name_length - 1) : NULL;
		AUTO_FREE char *value = raw ? url_decode(raw) : NULL;
		if (!value || !*name) {
			error_set(error, ERROR_CONFIG, "%s is no list of NAME=VALUE,...", variable);
			return error_hint(error, "percent-encode what is special in a value: %%2C for a comma");
		}
		visit(name, value, context);
	}
	return 0;
}

static void add_header(const char *name, const char *value, void *context)
{
	AUTO_FREE char *header = xasprintf("%s: %s", name, value);

	words_add(context, header);
}

/* Headers are secrets, and so they may come from where secrets come from; those of the signal win. */
static int read_headers(enum otlp_signal signal, struct words *headers, struct error *error)
{
	AUTO_FREE char *own = xasprintf("OTEL_EXPORTER_OTLP_%s_HEADERS", variable_words[signal]);
	const char *const names[] = {own, "OTEL_EXPORTER_OTLP_HEADERS"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		AUTO_FREE char *list = NULL;
		if (secret_read(names[i], &list, error))
			return -1;
		secrets_learn_headers(list);
		if (list)
			return otlp_each_pair(list, names[i], add_header, headers, error);
	}
	return 0;
}

int otlp_settings_read(enum otlp_signal signal, struct otlp_settings *ret, struct error *error)
{
	AUTO_FREE char *certificate = find_variable(signal, "CERTIFICATE");

	*ret = (struct otlp_settings){.certificate = certificate ? proc_variable(certificate) : NULL};
	if (check_protocol(signal, error) || read_url(signal, &ret->url, error) || read_timeout(signal, &ret->timeout_ms, error))
		return -1;
	words_add(&ret->headers, "Content-Type: application/json");
	return read_headers(signal, &ret->headers, error);
}

void otlp_settings_free(struct otlp_settings *settings)
{
	free(settings->url);
	words_free(&settings->headers);
	*settings = (struct otlp_settings){0};
}
