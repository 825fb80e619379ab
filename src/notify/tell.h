/* SPDX-License-Identifier: MIT */
/* Tells people: each channel in a process of its own, so that whatever one does, waits for or dies of is nothing to the others, and
 * ends in time. */
#ifndef DEWY_NOTIFY_TELL_H
#define DEWY_NOTIFY_TELL_H

#include "notify/listener.h"
#include "root/root.h"

/* Tells all listeners of the document of the run at the same time what was chosen for them, each in its order until its channel is
 * not to be had, within timeout_ms milliseconds and a second. Another process that tells a listener is waited for, and what it has
 * told is not told again. Fills in how many each of them took, and the error of one that did not take all. Returns false when
 * SIGTERM has ended it early. relay is as for relay.h. */
bool tell(struct listener_list *listeners, struct root *root, const cJSON *document, long long timeout_ms, int relay);

#endif
