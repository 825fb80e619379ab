/* SPDX-License-Identifier: MIT */
/* Metrics and traces: whether they could be written and sent, without doing either. They fail no deployment, so what is wrong is a
 * warning. */
#include "doctor/doctor.h"

#include "alloc.h"
#include "metrics/openmetrics.h"
#include "metrics/otlp_settings.h"
#include "str.h"
#include "url.h"

static void look_at_file(const char *path, struct verdict *verdict)
{
	struct error error;

	if (openmetrics_check(path, &error)) {
		verdict_warn(verdict, &error);
	} else if (!str_ends(path, ".prom")) {
		error_set(&error, ERROR_CONFIG, "node_exporter reads no file such as %s", path);
		error_hint(&error, "let its name end in .prom");
		verdict_warn(verdict, &error);
	} else {
		verdict_ok(verdict, "%s", path);
	}
}

static void look_at_signal(enum otlp_signal signal, struct verdict *verdict)
{
	AUTO_OTLP_SETTINGS struct otlp_settings settings = {0};
	struct error error;

	if (otlp_settings_read(signal, &settings, &error)) {
		verdict_warn(verdict, &error);
		return;
	}
	AUTO_FREE char *host = url_host(settings.url);
	verdict_ok(verdict, "%s to %s", otlp_signal_words[signal], host);
}

void doctor_metrics(struct doctor *doctor, struct verdict *verdict)
{
	const char *path = option_string(doctor->options, OPT_METRICS_FILE);
	bool traces = otlp_is_wanted(OTLP_TRACES), metrics = otlp_is_wanted(OTLP_METRICS);

	if (path)
		look_at_file(path, verdict);
	if (traces)
		look_at_signal(OTLP_TRACES, verdict);
	if (metrics)
		look_at_signal(OTLP_METRICS, verdict);
	if (traces || metrics)
		verdict_ok(verdict, "nothing was sent");
	if (!path && !traces && !metrics)
		verdict_skip(verdict, "nobody wants any");
}
