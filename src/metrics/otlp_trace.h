/* SPDX-License-Identifier: MIT */
/* A run as an ExportTraceServiceRequest of OTLP
 * (https://github.com/open-telemetry/opentelemetry-proto, opentelemetry/proto/trace/v1/trace.proto). */
#ifndef DEWY_METRICS_OTLP_TRACE_H
#define DEWY_METRICS_OTLP_TRACE_H

#include "json.h"

/* Returns the trace of a document that tells how a run ended: a span for the run, below it one for each stage, and below that of
 * dewy-deploy one for each hook. All identifiers come from that of the document, so that the same run always is the same trace; but
 * when TRACEPARENT (https://www.w3.org/TR/trace-context/) says which span this run is part of, that trace goes on. Returns NULL
 * when it says that the trace is not recorded, or no stage tells when it was. The caller deletes it. */
cJSON *otlp_trace(const cJSON *document);

#endif
