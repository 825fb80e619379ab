/* SPDX-License-Identifier: MIT */
/* What the registry answers: the release that should run, and its artifact. */
#include "doctor/service.h"

#include "check/checksums.h"
#include "check/origin.h"
#include "root/rejected.h"
#include "str.h"
#include "time.h"

enum { LITTLE_PERCENT = 10 };

/* One that has asked for a pause is no trouble yet. */
static void tell_error(const struct error *error, struct verdict *verdict)
{
	error->code == ERROR_POSTPONED ? verdict_warn(verdict, error) : verdict_fail(verdict, error);
}

void doctor_registry(struct doctor *doctor, struct verdict *verdict)
{
	AUTO_BUF struct buf took = {0};
	struct error error;

	if (!doctor->authorized) {
		verdict_skip(verdict, doctor->opened ? "there is no credential to ask with" : "there is no registry to ask");
		return;
	}
	AUTO_JSON cJSON *rejected = rejected_read(&doctor->root, &error);
	const struct choice_rules rules = {
		.calver = option_string(doctor->options, OPT_CALVER),
		.slot = option_string(doctor->options, OPT_SLOT),
		.rejected = rejected,
	};
	if (!rejected)
		verdict_fail(verdict, &error);
	long long began = time_monotonic();
	doctor->listed = choose_release(&doctor->registry, &rules, &doctor->choice, &error) == 0;
	str_add_duration(&took, time_monotonic() - began);
	doctor_note_time(doctor);
	if (doctor->listed)
		verdict_ok(verdict, "lists %lld release%s in %s", doctor->choice.counts.seen,
			   doctor->choice.counts.seen == 1 ? "" : "s", buf_text(&took));
	else
		tell_error(&error, verdict);
}

/* A release is published before its artifacts are. */
static bool is_young(const struct doctor *doctor)
{
	time_t published_at = doctor->choice.release.published_at;

	return published_at && time_now() / 1000 - published_at < option_number(doctor->options, OPT_GRACE_PERIOD) / 1000;
}

static void tell_artifact(struct doctor *doctor, const struct artifact *artifact, struct verdict *verdict)
{
	AUTO_BUF struct buf size = {0};
	char published_at[TIME_TEXT] = "";

	if (doctor->choice.release.published_at)
		time_format(doctor->choice.release.published_at, published_at);
	if (artifact->size >= 0)
		str_add_size(&size, artifact->size);
	doctor->artifact_size = artifact->size;
	verdict_ok(verdict, "%s%s%s", doctor->choice.release.version, *published_at ? " of " : "", published_at);
	verdict_ok(verdict, "%s%s%s fits this machine", artifact->name, size.length ? ", " : "", buf_text(&size));
}

/* Where a key must have signed, tells when nobody has. Whose signatures are there, dewy-fetch sees. */
static void look_for_signature(const struct doctor *doctor, const struct artifact_list *artifacts, const struct artifact *artifact,
			       struct verdict *verdict)
{
	AUTO_JSON cJSON *checksums = checksums_choose(artifacts, artifact);
	AUTO_JSON cJSON *signatures = signatures_choose(artifacts, artifact, checksums);
	struct error error;

	if (signatures || !option_given(doctor->options, OPT_VERIFY_KEY))
		return;
	error_set(&error, ERROR_INTEGRITY, "it is not signed, and neither is a checksum file that names it");
	error_hint(&error, "publish %.100s.minisig beside it, or no run takes it", artifact->name);
	verdict_warn(verdict, &error);
}

static void look_at_artifacts(struct doctor *doctor, struct verdict *verdict)
{
	struct release *release = &doctor->choice.release;
	AUTO_ARTIFACTS struct artifact_list artifacts = {0};
	const struct artifact *artifact;
	struct error error;

	if (doctor->registry.ops->artifacts(&doctor->registry, release, &artifacts, &error)) {
		tell_error(&error, verdict);
		return;
	}
	struct artifact_rules rules = origin_rules(&doctor->registry, release->version, doctor_app(doctor));
	int result = artifact_select(&artifacts, &rules, &artifact, &error);
	if (result == 0) {
		tell_artifact(doctor, artifact, verdict);
		look_for_signature(doctor, &artifacts, artifact, verdict);
	} else if (result > 0 && is_young(doctor)) {
		verdict_warn(verdict, &error);
	} else {
		verdict_fail(verdict, &error);
	}
}

void doctor_release(struct doctor *doctor, struct verdict *verdict)
{
	const struct choice *choice = &doctor->choice;
	struct error error;

	if (!doctor->listed) {
		verdict_skip(verdict, "the registry has not answered");
		return;
	}
	if (choice->rejected) {
		error_set(&error, ERROR_APPLICATION, "%s is rejected: it was rolled back", choice->rejected);
		error_hint(&error, "publish a newer version, or deploy it once more with dewy once --force");
		verdict_warn(verdict, &error);
	}
	if (choice->release.version) {
		look_at_artifacts(doctor, verdict);
	} else if (!choice->rejected) {
		AUTO_FREE char *public = url_public(option_string(doctor->options, OPT_REGISTRY));
		choice_explain(choice, public, &error);
		verdict_fail(verdict, &error);
	}
}

/* https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api */
void doctor_limit(struct doctor *doctor, struct verdict *verdict)
{
	struct http *http = doctor->listed ? doctor->registry.session.http : NULL;
	const char *texts[] = {"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"};
	long long numbers[3];
	char reset[TIME_TEXT];
	struct error error;

	for (size_t i = 0; i < 3; i++) {
		const char *text = http ? http_header(http, texts[i], 0) : NULL;
		if (text && str_to_number(text, &numbers[i]) == 0)
			continue;
		verdict_skip(verdict, doctor->listed ? "the registry tells no limit of requests" : "the registry has not answered");
		return;
	}
	time_format((time_t)numbers[2], reset);
	if (numbers[1] * 100 >= numbers[0] * LITTLE_PERCENT) {
		verdict_ok(verdict, "%lld of %lld requests are left until %s", numbers[1], numbers[0], reset);
		return;
	}
	error_set(&error, ERROR_LIMITED, "%lld of %lld requests are left until %s", numbers[1], numbers[0], reset);
	error_hint(&error, "run less often, or give a token of its own to this machine: without one there are 60 an hour");
	verdict_warn(verdict, &error);
}
