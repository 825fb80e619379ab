/* SPDX-License-Identifier: MIT */
/* Who is told: whether that could be done, without telling anybody. */
#include "doctor/doctor.h"

#include "notify/channel.h"

void doctor_notifiers(struct doctor *doctor, struct verdict *verdict)
{
	const struct options *options = doctor->options;
	AUTO_CHANNELS struct channel_list channels = {0};
	struct error error;

	if (channel_list_open(&channels, option_list(options, OPT_NOTIFIER), option_string(options, OPT_CACERT), &error)) {
		verdict_fail(verdict, &error);
		return;
	}
	for (size_t i = 0; i < channels.count; i++)
		verdict_ok(verdict, "%s%s", channels.items[i].name, channels.items[i].quiet ? ", quietly" : "");
	if (channels.count)
		verdict_ok(verdict, "nothing was sent");
	else
		verdict_skip(verdict, "the log alone is told");
}
