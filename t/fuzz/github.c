/* SPDX-License-Identifier: MIT */
/* What comes from GitHub: JSON of releases and their assets, lists of many pages, limits. */
#include "fuzz.h"

#include "registry.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	fuzz_registry("ghr://acme/app", bytes, length);
	return 0;
}
