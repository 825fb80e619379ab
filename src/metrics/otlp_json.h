/* SPDX-License-Identifier: MIT */
/* What OTLP's messages have in common, as JSON (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding): names in
 * lowerCamelCase, 64-bit numbers as texts, identifiers in hexadecimal digits. */
#ifndef DEWY_METRICS_OTLP_JSON_H
#define DEWY_METRICS_OTLP_JSON_H

#include "json.h"

/* Appends an attribute to the array attributes of the object, which is created when missing: a text, a whole number or a boolean,
 * as the value is; nothing for any other, or NULL. */
void otlp_add_attribute(cJSON *object, const char *key, const cJSON *value);

/* As otlp_add_attribute, for a text; nothing for NULL. */
void otlp_add_text(cJSON *object, const char *key, const char *text);

/* Sets a member that is a time in nanoseconds since the epoch, from milliseconds. */
void otlp_set_time(cJSON *object, const char *name, long long milliseconds);

/* Sets a member that is a 64-bit number. */
void otlp_set_number(cJSON *object, const char *name, long long number);

/* Returns {KIND: [{"resource": ..., SCOPED: [{"scope": ..., ITEMS: items}]}]}, such as "resourceSpans", "scopeSpans" and "spans",
 * which the caller deletes; takes items over. The resource is dewy on the host of the document, with what OTEL_SERVICE_NAME and
 * OTEL_RESOURCE_ATTRIBUTES say of it (https://opentelemetry.io/docs/specs/semconv/resource/). */
cJSON *otlp_wrap(const cJSON *document, const char *kind, const char *scoped, const char *name, cJSON *items);

#endif
