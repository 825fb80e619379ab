/* SPDX-License-Identifier: MIT */
#include "restart/restart.h"

int main(int argc, char **argv)
{
	return stage_main(&restart_stage, argc, argv);
}
