/* SPDX-License-Identifier: MIT */
#include "check/check.h"

int main(int argc, char **argv)
{
	return stage_main(&check_stage, argc, argv);
}
