/* SPDX-License-Identifier: MIT */
/* The metrics, from metrics.def, and their samples, from what ROOT/.dewy/metrics.json holds. */
#ifndef DEWY_METRICS_FAMILIES_H
#define DEWY_METRICS_FAMILIES_H

#include "json.h"

enum metric_type { METRIC_GAUGE, METRIC_COUNTER, METRIC_INFO };

/* Texts and no pointers: those would have to be relocated at each start, of runs with nothing to tell, too. */
struct metric {
	char name[48];
	enum metric_type type;
	char unit[8];   /* "seconds", of which the values are thousandths; "" for none */
	char path[24];  /* of the value */
	char label[8];  /* "" for none */
	char help[80];  /* without a full stop */
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
