/* SPDX-License-Identifier: MIT */
#include "doctor/doctor.h"

int main(int argc, char **argv)
{
	return doctor_main(argc, argv);
}
