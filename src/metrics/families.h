/* SPDX-License-Identifier: MIT */
/* The metrics, from metrics.def, and their samples, from what ROOT/.dewy/metrics.json holds. */
#ifndef DEWY_METRICS_FAMILIES_H
#define DEWY_METRICS_FAMILIES_H

#include "json.h"

enum metric_type { METRIC_GAUGE, METRIC_COUNTER, METRIC_INFO };

struct metric {
	const char *name;
	enum metric_type type;
	const char *unit;  /* "seconds", of which the values are thousandths; "" for none */
	const char *path;  /* of the value */
	const char *label; /* "" for none */
	const char *help;  /* without a full stop */
};

enum {
	METRIC_COUNT = 0
#define METRIC(name, type, unit, path, label, help) +1
#include "metrics/metrics.def"
#undef METRIC
};

extern const struct metric metrics[METRIC_COUNT];

struct metric_sample {
	const cJSON *common; /* object of texts: labels that all samples have */
	const cJSON *labels; /* object of texts: more labels; NULL for none */
	const char *label;   /* value of the metric's own label; NULL for none */
	long long value;     /* not negative */
};

/* Calls visit for each sample of a metric in the state, which the sample belongs to. */
void metric_each(const struct metric *metric, const cJSON *state,
		 void (*visit)(const struct metric *metric, const struct metric_sample *sample, void *context), void *context);

#endif
