/* SPDX-License-Identifier: MIT */
#include "plan.h"

#include "alloc.h"
#include "buf.h"
#include "log.h"

void plan_step(cJSON *document, const char *format, ...)
{
	cJSON *plan = json_get(document, "plan");
	AUTO_BUF struct buf text = {0};
	va_list arguments;

	va_start(arguments, format);
	buf_vprintf(&text, format, arguments);
	va_end(arguments);
	log_info("Plan", "step", buf_text(&text));
	if (!plan) {
		plan = xrequire(cJSON_CreateArray());
		json_set(document, "plan", plan);
	}
	cJSON_AddItemToArray(plan, xrequire(cJSON_CreateString(buf_text(&text))));
}
