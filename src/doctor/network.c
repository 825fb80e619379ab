/* SPDX-License-Identifier: MIT */
/* The way to the registry: its URL, whom its certificate has to convince, and a proxy between. */
#include "doctor/doctor.h"

#include "alloc.h"
#include "check/origin.h"
#include "doctor/service.h"
#include "proc.h"
#include "root/state.h"
#include "str.h"

#include <string.h>

void doctor_url(struct doctor *doctor, struct verdict *verdict)
{
	static const struct root nowhere = {.fd = -1, .state = -1, .releases = -1};
	const char *text = option_string(doctor->options, OPT_REGISTRY);
	struct registry *registry = &doctor->registry;
	struct error error;

	if (origin_open(doctor->options, &nowhere, registry, &error)) {
		verdict_fail(verdict, &error);
		return;
	}
	doctor->opened = true;
	doctor->service = service_of(registry);
	if (doctor->service) /* what was asked for holds for the doctor, too; what it hears itself is kept nowhere */
		registry->session.remembered = state_read(&doctor->root, STATE_REGISTRY);
	AUTO_FREE char *public = url_public(text), *base = doctor->service ? doctor->service->base(registry) : NULL;
	verdict_ok(verdict, base ? "%s, at %s" : "%s", public, base);
}

/* Returns the address that the registry is asked at, or NULL for a directory; the caller frees it. */
static char *base_of(const struct doctor *doctor)
{
	return doctor->opened && doctor->service ? doctor->service->base(&doctor->registry) : NULL;
}

void doctor_trust(struct doctor *doctor, struct verdict *verdict)
{
	AUTO_FREE char *base = base_of(doctor);

	if (!base || !str_starts(base, "https://")) {
		verdict_skip(verdict, base ? "the registry is asked without TLS" : "no registry is asked over the network");
		return;
	}
	AUTO_FREE char *trust = http_describe_trust(session_http(&doctor->registry.session));
	verdict_ok(verdict, "certificates are verified against %s", trust);
}

/* Finds the proxy that libcurl takes for a URL (curl(1), ENVIRONMENT). Returns the variable, or NULL. */
static const char *proxy_variable(const char *url)
{
	static const char *const plain[] = {"http_proxy", "all_proxy", "ALL_PROXY", NULL};
	static const char *const secure[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", NULL};
	const char *const *name = str_starts(url, "https://") ? secure : plain;

	while (*name && !proc_variable(*name))
		name++;
	return *name;
}

void doctor_proxy(struct doctor *doctor, struct verdict *verdict)
{
	AUTO_FREE char *base = base_of(doctor);
	const char *variable = base ? proxy_variable(base) : NULL;
	const char *no_proxy = proc_variable(proc_variable("no_proxy") ? "no_proxy" : "NO_PROXY");

	if (!variable) {
		verdict_skip(verdict, base ? "no variable names a proxy for it" : "no registry is asked over the network");
		return;
	}
	AUTO_FREE char *proxy = url_public(proc_variable(variable));
	verdict_ok(verdict, no_proxy ? "%s is %s, but not for what no_proxy names: %s" : "%s is %s", variable, proxy, no_proxy);
}
