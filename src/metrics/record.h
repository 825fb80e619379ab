/* SPDX-License-Identifier: MIT */
/* How it is counted what runs come to, and told in a file. */
#ifndef DEWY_METRICS_RECORD_H
#define DEWY_METRICS_RECORD_H

#include "json.h"
#include "options.h"
#include "root/root.h"

/* True when anybody wants to have metrics: --metrics-file, or an endpoint for OTLP. */
bool metrics_are_wanted(const struct options *options);

/* True when metrics are to be sent by OTLP also after a run with nothing to tell: the last ones are some time old. */
bool metrics_are_due(const struct root *root);

/* Puts what the document tells into ROOT/.dewy/metrics.json and the file of --metrics-file, when metrics are wanted. A run counts
 * once, when it has ended, in however many processes this is called for it. What goes wrong is logged. */
void metrics_record(struct root *root, const struct options *options, const cJSON *document);

/* True when the document tells how a run ended, be it that there was nothing to do. */
bool metrics_is_end(const cJSON *document);

/* True when that is a deployment, one that failed, or another failure. */
bool metrics_is_outcome(const cJSON *document);

/* Returns "ID STATE" of the document, which the caller frees. */
char *metrics_key(const cJSON *document);

#endif
