/* SPDX-License-Identifier: MIT */
/* The audit record: a small text beside the artifact in the registry, "shipped to HOST MODE at TIME". */
#ifndef DEWY_NOTIFY_REPORT_H
#define DEWY_NOTIFY_REPORT_H

#include "json.h"
#include "options.h"
#include "root/root.h"

/* Writes the audit record of a document that ended well, unless it is written already, or the release was there before; then
 * sets report.sent. Nothing that goes wrong is more than a warning; that the registry refuses is said once. */
void report(const struct options *options, const struct root *root, cJSON *document);

#endif
