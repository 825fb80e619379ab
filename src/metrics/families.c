/* SPDX-License-Identifier: MIT */
#include "metrics/families.h"

const struct metric metrics[METRIC_COUNT] = {
#define METRIC(name, type, unit, path, label, help) {name, METRIC_##type, unit, path, label, help},
#include "metrics/metrics.def"
#undef METRIC
};

/* Returns the value of a number, which is never negative; -1 for what is none. The name of a member may have dots, so it is no
 * path. */
static long long value_of(const cJSON *number)
{
	double value = cJSON_IsNumber(number) ? number->valuedouble : -1;

	return value >= 0 && value < 1e15 ? (long long)value : -1;
}

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
			sample.value = value_of(member);
			if (sample.label && sample.value >= 0)
				visit(metric, &sample, context);
		}
	} else {
		sample.value = value_of(found);
		if (sample.value >= 0)
			visit(metric, &sample, context);
	}
}
