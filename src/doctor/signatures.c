/* SPDX-License-Identifier: MIT */
/* Whose signatures a release needs. */
#include "doctor/doctor.h"

#include "error.h"
#include "fetch/claims.h"
#include "fetch/keys.h"

void doctor_signatures(struct doctor *doctor, struct verdict *verdict)
{
	AUTO_KEYS struct keys keys = {0};
	struct error error;

	if (keys_read(doctor->options, &keys, &error)) {
		verdict_fail(verdict, &error);
		return;
	}
	if (!keys.count) {
		verdict_skip(verdict, "no key is configured: whoever may write to the registry decides what is installed");
		return;
	}
	AUTO_BUF struct buf ids = {0};
	char id[MINISIGN_ID_TEXT];
	for (size_t i = 0; i < keys.count; i++)
		buf_printf(&ids, "%s%s", i ? ", " : "", minisign_id(keys.items[i].id, id));
	verdict_ok(verdict, "%zu of %zu keys must have signed: %s", keys.threshold, keys.count, buf_text(&ids));
	if (claims_bind(keys.claims))
		return;
	error_set(&error, ERROR_CONFIG, "what was signed once may be published again as another version, or another application");
	error_hint(&error, "sign with -t \"app=NAME version=VERSION\", and then give --verify-claims app,version");
	verdict_warn(verdict, &error);
}
