/* SPDX-License-Identifier: MIT */
/* Where OTLP goes, as the variables of OpenTelemetry say (https://opentelemetry.io/docs/specs/otel/protocol/exporter/ and
 * https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/). */
#ifndef DEWY_METRICS_OTLP_SETTINGS_H
#define DEWY_METRICS_OTLP_SETTINGS_H

#include "words.h"

#include <stdbool.h>

struct error;

enum otlp_signal { OTLP_TRACES, OTLP_METRICS };

/* What a signal is called in logs. */
extern const char *const otlp_signal_words[];

/* True when there is an endpoint for the signal, and nothing says that it is not to be exported. */
bool otlp_is_wanted(enum otlp_signal signal);

/* Returns the milliseconds between two exports of the metrics while nothing happens. */
long long otlp_interval(void);

struct otlp_settings {
	char *url;
	struct words headers;    /* "name: value", secrets often */
	const char *certificate; /* PEM file of the authorities to trust, NULL for none; belongs to the environment */
	long long timeout_ms;
};

#define AUTO_OTLP_SETTINGS AUTO(otlp_settings_free)

/* Reads the settings of a signal that is wanted. Returns 0, or -1 with ERROR_CONFIG; the caller gives ret to otlp_settings_free in
 * both cases. */
int otlp_settings_read(enum otlp_signal signal, struct otlp_settings *ret, struct error *error);

void otlp_settings_free(struct otlp_settings *settings);

/* Calls visit for each NAME=VALUE of a list such as OTEL_RESOURCE_ATTRIBUTES, whose items are separated by commas, and whose values
 * are percent-encoded (https://www.w3.org/TR/baggage/). Returns 0, or -1 with ERROR_CONFIG, which says that it is of the variable.
 * */
int otlp_each_pair(const char *list, const char *variable, void (*visit)(const char *name, const char *value, void *context),
		   void *context, struct error *error);

#endif
