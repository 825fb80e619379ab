/* SPDX-License-Identifier: MIT */
#include "deploy/deploy.h"

int main(int argc, char **argv)
{
	return stage_main(&deploy_stage, argc, argv);
}
