/* SPDX-License-Identifier: MIT */
/* Metrics and traces by OTLP over HTTP, as JSON (https://opentelemetry.io/docs/specs/otlp/#otlphttp). */
#ifndef DEWY_METRICS_TELEMETRY_H
#define DEWY_METRICS_TELEMETRY_H

#include "stage.h"

/* Records the document (record.h), and when it tells how a run ended, sends its trace and the metrics to the endpoints that there
 * are, within what is left of --notify-timeout since the stage began. What goes wrong is logged, once until it works again. */
void telemetry_tell(const struct stage_run *run);

#endif
