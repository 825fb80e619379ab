/* SPDX-License-Identifier: MIT */
/* What comes from Google Cloud Storage: JSON of lists, answers that refuse. */
#include "fuzz.h"

#include "registry.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	fuzz_registry("gs://releases/app?anonymous=true", bytes, length);
	return 0;
}
