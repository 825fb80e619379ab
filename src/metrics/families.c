/* SPDX-License-Identifier: MIT */
#include "metrics/families.h"

const struct metric metrics[METRIC_COUNT] = {
#define METRIC(name, type, unit, path, label, help) {name, METRIC_##type, unit, path, label, help},
#include "metrics/metrics.def"
#undef METRIC
};

enum { NOT_WHOLE = -1 };

void metric_each(const struct metric *metric, const cJSON *state,
		 void (*visit)(const struct metric *metric, const struct metric_sample *sample, void *context), void *context)
{
	struct metric_sample sample = {.common = json_get(state, "labels")};
	const cJSON *found = json_get(state, metric->path), *member;

	if (metric->type == METRIC_INFO && cJSON_IsObject(found)) {
		sample.labels = found;
		sample.value = 1;
		visit(metric, &sample, context);
	} else if (*metric->label) {
		cJSON_ArrayForEach(member, found)
		{
			sample.label = member->string;
			sample.value = json_number(found, member->string, NOT_WHOLE);
			if (sample.label && sample.value != NOT_WHOLE)
				visit(metric, &sample, context);
		}
	} else {
		sample.value = json_number(state, metric->path, NOT_WHOLE);
		if (sample.value != NOT_WHOLE)
			visit(metric, &sample, context);
	}
}
