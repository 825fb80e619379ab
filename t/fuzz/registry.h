/* SPDX-License-Identifier: MIT */
#ifndef DEWY_FUZZ_REGISTRY_H
#define DEWY_FUZZ_REGISTRY_H

#include <stddef.h>
#include <stdint.h>

/* Lists the releases of the registry of that URL, the artifacts of the first of them that has a version, fetches the first of these
 * and reports it, by the answers (http_answers.h) in bytes. */
void fuzz_registry(const char *url, const uint8_t *bytes, size_t length);

#endif
