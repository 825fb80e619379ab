/* SPDX-License-Identifier: MIT */
/* The metrics as an ExportMetricsServiceRequest of OTLP
 * (https://github.com/open-telemetry/opentelemetry-proto, opentelemetry/proto/metrics/v1/metrics.proto). */
#ifndef DEWY_METRICS_OTLP_METRICS_H
#define DEWY_METRICS_OTLP_METRICS_H

#include "json.h"

/* Returns the message with all metrics of the state (state.h), as of now, by the names that they have in metrics.def; the resource
 * is that of the document. The caller deletes it. */
cJSON *otlp_metrics(const cJSON *state, const cJSON *document);

#endif
