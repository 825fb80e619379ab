/* SPDX-License-Identifier: MIT */
#include "metrics/otlp_metrics.h"

#include "alloc.h"
#include "metrics/families.h"
#include "metrics/otlp_json.h"
#include "time.h"

enum { CUMULATIVE = 2 }; /* AggregationTemporality */

/* The points of one metric that come together. */
struct points {
	cJSON *list;
	long long since, now;
};

static void add_labels(cJSON *point, const cJSON *labels)
{
	const cJSON *label;

	cJSON_ArrayForEach(label, labels)
	{
		otlp_add_attribute(point, label->string, label);
	}
}

static void add_point(const struct metric *metric, const struct metric_sample *sample, void *context)
{
	struct points *points = context;
	cJSON *point = xrequire(cJSON_CreateObject());

	add_labels(point, sample->common);
	add_labels(point, sample->labels);
	if (sample->label)
		otlp_add_text(point, metric->label, sample->label);
	if (metric->type == METRIC_COUNTER)
		otlp_set_time(point, "startTimeUnixNano", points->since);
	otlp_set_time(point, "timeUnixNano", points->now);
	if (*metric->unit)
		json_set(point, "asDouble", cJSON_CreateNumber((double)sample->value / 1000));
	else
		otlp_set_number(point, "asInt", sample->value);
	cJSON_AddItemToArray(points->list, point);
}

/* Takes the points over. */
static cJSON *make_metric(const struct metric *metric, cJSON *points)
{
	cJSON *made = xrequire(cJSON_CreateObject());

	json_set_string(made, "name", metric->name);
	json_set_string(made, "description", metric->help);
	if (*metric->unit)
		json_set_string(made, "unit", "s"); /* UCUM */
	if (metric->type == METRIC_COUNTER) {
		json_set_number(made, "sum.aggregationTemporality", CUMULATIVE);
		json_set_bool(made, "sum.isMonotonic", true);
		json_set(made, "sum.dataPoints", points);
	} else {
		json_set(made, "gauge.dataPoints", points);
	}
	return made;
}

cJSON *otlp_metrics(const cJSON *state, const cJSON *document)
{
	struct points points = {.since = json_number(state, "since", 0), .now = time_now()};
	cJSON *list = xrequire(cJSON_CreateArray());

	for (size_t i = 0; i < METRIC_COUNT; i++) {
		points.list = xrequire(cJSON_CreateArray());
		metric_each(&metrics[i], state, add_point, &points);
		if (points.list->child)
			cJSON_AddItemToArray(list, make_metric(&metrics[i], points.list));
		else
			cJSON_Delete(points.list);
	}
	return otlp_wrap(document, "resourceMetrics", "scopeMetrics", "metrics", list);
}
