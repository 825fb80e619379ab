/* SPDX-License-Identifier: MIT */
#include "deploy/sweep.h"

int main(int argc, char **argv)
{
	return sweep_program(argc, argv);
}
