/* SPDX-License-Identifier: MIT */
#include "check/check.h"
#include "check/local.h"

/* Looks into a directory itself, and leaves what takes the network to dewy-check-remote: to load that one's libraries takes longer
 * than to look into a directory. */
int main(int argc, char **argv)
{
	struct stage local = check_stage;

	local.check = local_hand_over;
	return stage_main(&local, argc, argv);
}
