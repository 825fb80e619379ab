/* SPDX-License-Identifier: MIT */
/* The metrics as text: OpenMetrics 1.0 (https://prometheus.io/docs/specs/om/open_metrics_spec/), in a form that readers of the
 * older Prometheus text format (https://prometheus.io/docs/instrumenting/exposition_formats/) such as the textfile collector of
 * node_exporter take, too: no types but gauge and counter, and no timestamps. */
#ifndef DEWY_METRICS_OPENMETRICS_H
#define DEWY_METRICS_OPENMETRICS_H

#include "buf.h"
#include "json.h"

struct error;

/* Appends all metrics of the state. */
void openmetrics_add(struct buf *text, const cJSON *state);

/* Returns 0 when such a file could be put at path: its directory can be written to, and there is nothing yet, or a regular file.
 * A device or a FIFO that was named by mistake is not to be replaced. Otherwise -1 with ERROR_CONFIG or ERROR_FILESYSTEM. */
int openmetrics_check(const char *path, struct error *error);

/* Replaces the file at path by the metrics of the state, with a temporary name beside it that no collector takes for a file of its
 * own. Everybody may read it, and it is not durable: a collector that comes after a power cut gets the next one. Returns 0 or -1,
 * also for what openmetrics_check refuses. */
int openmetrics_write(const char *path, const cJSON *state, struct error *error);

#endif
