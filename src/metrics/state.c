/* SPDX-License-Identifier: MIT */
#include "metrics/state.h"

#include "alloc.h"
#include "error.h"
#include "lock.h"
#include "log.h"
#include "root/state.h"

enum { LOCK_WAIT_MS = 5000 };

static const char lock_name[] = "metrics.lock";

int metrics_state_open(struct metrics_state *state, struct root *root, struct error *error)
{
	*state = (struct metrics_state){.root = root, .lock = -1};
	if (root->state < 0 && root_prepare(root, error))
		return -1;
	state->lock = lock_take(root->state, lock_name, LOCK_WAIT_MS, error);
	if (state->lock < 0)
		return -1;
	state->json = state_read(root, METRICS_STATE);
	return 0;
}

void metrics_state_close(struct metrics_state *state)
{
	cleanup_close(&state->lock);
	cJSON_Delete(state->json);
	*state = (struct metrics_state){.lock = -1};
}

int metrics_state_save(const struct metrics_state *state, bool durable, struct error *error)
{
	return (durable ? state_write : state_write_passing)(state->root, METRICS_STATE, state->json, error);
}

void metrics_state_note(struct metrics_state *state, const char *what, const struct error *failure)
{
	AUTO_FREE char *path = xasprintf("failing.%s", what);
	bool before = json_true(state->json, path);

	if (failure)
		log_event(before ? LOG_DEBUG : LOG_WARN, "Metrics failed", "what", what, "error", failure->message, "hint",
			  failure->hint);
	else if (before)
		log_info("Metrics work again", "what", what);
	if (failure || before)
		json_set_bool(state->json, path, failure);
}
