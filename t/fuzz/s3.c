/* SPDX-License-Identifier: MIT */
/* What comes from S3: XML of lists, answers that refuse, headers with checksums. */
#include "fuzz.h"

#include "registry.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", 1);
	fuzz_registry("s3://eu-west-1/releases/app", bytes, length);
	return 0;
}
