/* SPDX-License-Identifier: MIT */
#include "handover.h"
#include "serve/supervisor.h"

static const char *const phase_words[PHASE_COUNT] = {
	[PHASE_PAUSE] = "pause",     [PHASE_STARTING] = "starting", [PHASE_RETRY] = "retry", [PHASE_OVERLAP] = "overlap",
	[PHASE_SERVING] = "serving", [PHASE_STOPPING] = "stopping", [PHASE_DONE] = "done",
};

/* A phase that waits for a worker needs it. */
static bool is_consistent(const struct supervisor *supervisor)
{
	bool starts = supervisor->phase == PHASE_STARTING || supervisor->phase == PHASE_OVERLAP;

	return supervisor->phase < PHASE_STOPPING && (!starts || workers_in_role(&supervisor->workers, ROLE_NEW));
}

void supervisor_hand_over(struct supervisor *supervisor, const struct handover *handover)
{
	int phase = (int)supervisor->phase, state = (int)supervisor->state;

	handover_word(handover, "phase", phase_words, PHASE_COUNT, &phase);
	supervisor->phase = (enum phase)phase;
	handover_number(handover, "timer", &supervisor->timer);
	handover_number(handover, "generation", &supervisor->generation);
	handover_number(handover, "attempted_at", &supervisor->attempted_at);
	handover_int(handover, "failures", &supervisor->failures);
	handover_int(handover, "start_failures", &supervisor->start_failures);
	handover_flag(handover, "restart_pending", &supervisor->restart_pending);
	handover_flag(handover, "has_served", &supervisor->has_served);
	handover_word(handover, "state", serve_state_words, SERVE_STATE_COUNT, &state);
	supervisor->state = (enum serve_state)state;
	handover_number(handover, "state_generation", &supervisor->state_generation);
	handover_text(handover, "reason", supervisor->reason, sizeof supervisor->reason);
	if (handover_knows(handover, "died")) {
		handover_number(handover, "died", &supervisor->died.generation);
		handover_text(handover, "died_reason", supervisor->died.reason, sizeof supervisor->died.reason);
	}
	handover_number(handover, "executed", &supervisor->executed);
	handover_text(handover, "refused", supervisor->refused, sizeof supervisor->refused);
	handover_int(handover, "ended_pid", &supervisor->ended.pid);
	handover_text(handover, "ended_reason", supervisor->ended.reason, sizeof supervisor->ended.reason);
	handover_text(handover, "notify_address", supervisor->notify_address, sizeof supervisor->notify_address);
	workers_hand_over(&supervisor->workers, handover);
	envdir_hand_over(&supervisor->envdir, handover);
	supervisor->controls = settings_controls(supervisor->settings, &supervisor->envdir);
	if (!is_consistent(supervisor))
		handover_refuse(handover, "phase");
}
