/* SPDX-License-Identifier: MIT */
#include "history/program.h"

int main(int argc, char **argv)
{
	return history_program(argc, argv);
}
