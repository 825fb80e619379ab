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

/* Returns the directory that such a file lies in, which the caller frees. */
char *openmetrics_directory(const char *path);

/* Replaces the file at path by the metrics of the state, with a temporary name beside it that no collector takes for a file of its
 * own. Everybody may read it, and it is not durable: a collector that comes after a power cut gets the next one. Returns 0 or -1.
 * */
int openmetrics_write(const char *path, const cJSON *state, struct error *error);

#endif
