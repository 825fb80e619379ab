/* SPDX-License-Identifier: MIT */
/* What comes from S3: XML of lists, answers that refuse, headers with checksums. */
#include "fuzz.h"

#include "registry.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	fuzz_registry("s3://eu-west-1/releases/app?anonymous=true", bytes, length);
	return 0;
}
