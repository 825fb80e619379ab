/* SPDX-License-Identifier: MIT */
#include "fetch/fetch.h"

int main(int argc, char **argv)
{
	return stage_main(&fetch_stage, argc, argv);
}
