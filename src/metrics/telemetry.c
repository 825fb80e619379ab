/* SPDX-License-Identifier: MIT */
#include "metrics/telemetry.h"

#include "alloc.h"
#include "error.h"
#include "http.h"
#include "log.h"
#include "metrics/otlp_metrics.h"
#include "metrics/otlp_settings.h"
#include "metrics/otlp_trace.h"
#include "metrics/record.h"
#include "metrics/state.h"
#include "str.h"
#include "time.h"
#include "url.h"

#include <string.h>

enum {
	ANSWER_LIMIT = 1 << 20, /* bytes */
	RETRIES = 4,
	LEAST_MS = 1000, /* for a receiver that is well, also when people's channels took all of the time */
};

static const char *const rejected[] = {[OTLP_TRACES] = "partialSuccess.rejectedSpans",
				       [OTLP_METRICS] = "partialSuccess.rejectedDataPoints"};

/* The receiver may take a part only, and say so in an answer of success. It may be any other text, too: a proxy's, or none. */
static int check_answer(enum otlp_signal signal, const char *host, const struct buf *body, struct error *error)
{
	struct error unread;
	AUTO_JSON cJSON *answer = json_parse(buf_text(body), body->length, &unread);
	const char *message = json_string(answer, "partialSuccess.errorMessage"), *count = json_string(answer, rejected[signal]);
	long long number = json_number(answer, rejected[signal], 0);

	if (count && str_to_number(count, &number))
		number = 0;
	if (number <= 0)
		return 0;
	error_set(error, ERROR_NETWORK, "%s did not take %lld of the %s: %s", host, number, otlp_signal_words[signal],
		  message ? message : "it does not say why");
	return error_hint(error, "see what the receiver accepts, and what it says itself");
}

static int post(const struct stage_run *run, enum otlp_signal signal, const struct otlp_settings *settings, const char *body,
		struct error *error)
{
	const char *authorities = settings->certificate ? settings->certificate : option_string(run->options, OPT_CACERT);
	long long left = option_number(run->options, OPT_NOTIFY_TIMEOUT) - (time_monotonic() - run->started_at);
	long long time = left > LEAST_MS ? left : LEAST_MS;
	const struct http_settings client = {.authorities = authorities, .retries = RETRIES, .only_passing = true};
	const struct http_request request = {
		.method = "POST",
		.url = settings->url,
		.headers = words_list(&settings->headers),
		.body = body,
		.body_length = strlen(body),
		.limit = ANSWER_LIMIT,
		.timeout_ms = time < settings->timeout_ms ? time : settings->timeout_ms,
	};
	AUTO_HTTP struct http *http = http_open(&client);
	AUTO_RESPONSE struct http_response response = {0};
	AUTO_FREE char *host = url_host(settings->url);

	if (http_exchange(http, &request, &response, error))
		return -1;
	if (response.status >= 200 && response.status < 300)
		return check_answer(signal, host, &response.body, error);
	error_set(error, ERROR_NETWORK, "%s answered %ld", host, response.status);
	return error_hint(error, "check the endpoint and OTEL_EXPORTER_OTLP_HEADERS: it has to take OTLP over HTTP as JSON");
}

/* Sends a message. Returns 0 or -1. */
static int send(const struct stage_run *run, enum otlp_signal signal, const cJSON *message, struct error *error)
{
	AUTO_OTLP_SETTINGS struct otlp_settings settings = {0};
	AUTO_FREE char *body = json_print(message);

	return otlp_settings_read(signal, &settings, error) || post(run, signal, &settings, body, error) ? -1 : 0;
}

/* True unless the same failure came before, or the trace was sent already. */
static bool is_trace_due(const cJSON *state, const cJSON *document)
{
	const char *repeated = json_string(state, "failure.id");
	AUTO_FREE char *key = metrics_key(document);

	return metrics_is_outcome(document) && !str_equal(json_string(state, "traced"), key) &&
	       (!repeated || str_equal(repeated, json_string(document, "id")));
}

/* What is sent of one signal, and what came of it. */
struct export {
	enum otlp_signal signal;
	cJSON *message; /* NULL for nothing */
	bool failed;
	struct error error;
};

static void note(struct metrics_state *state, const struct export *export, const cJSON *document)
{
	AUTO_FREE char *key = metrics_key(document);

	if (!export->message)
		return;
	metrics_state_note(state, otlp_signal_words[export->signal], export->failed ? &export->error : NULL);
	if (export->signal == OTLP_METRICS)
		json_set_number(state->json, "exported_at", time_now());
	else if (!export->failed)
		json_set_string(state->json, "traced", key);
}

/* Makes what is to be sent. The lock of the state is not held while the network takes its time. */
static int prepare(struct stage_run run, struct export *traces, struct export *metrics, struct error *error)
{
	AUTO_METRICS struct metrics_state state = {.lock = -1};

	if (metrics_state_open(&state, run.root, error))
		return -1;
	if (otlp_is_wanted(OTLP_TRACES) && is_trace_due(state.json, run.document))
		traces->message = otlp_trace(run.document);
	if (otlp_is_wanted(OTLP_METRICS))
		metrics->message = otlp_metrics(state.json, run.document);
	return 0;
}

static int finish(struct stage_run run, const struct export *traces, const struct export *metrics, struct error *error)
{
	AUTO_METRICS struct metrics_state state = {.lock = -1};

	if (metrics_state_open(&state, run.root, error))
		return -1;
	note(&state, traces, run.document);
	note(&state, metrics, run.document);
	return metrics_state_save(&state, false, error);
}

static void run_export(const struct stage_run *run, struct export *export)
{
	if (export->message)
		export->failed = send(run, export->signal, export->message, &export->error) != 0;
}

void telemetry_tell(const struct stage_run *run)
{
	struct export traces = {.signal = OTLP_TRACES}, metrics = {.signal = OTLP_METRICS};
	struct error error;

	if (!metrics_is_end(run->document) || !metrics_are_wanted(run->options))
		return;
	metrics_record(run->root, run->options, run->document);
	if (!otlp_is_wanted(OTLP_TRACES) && !otlp_is_wanted(OTLP_METRICS))
		return;
	int failed = prepare(*run, &traces, &metrics, &error);
	run_export(run, &traces);
	run_export(run, &metrics);
	if (failed || finish(*run, &traces, &metrics, &error))
		log_warn("Cannot keep the metrics", "error", error.message, "hint", error.hint);
	cJSON_Delete(traces.message);
	cJSON_Delete(metrics.message);
}
