/* SPDX-License-Identifier: MIT */
#include "registry/registry.h"

const struct registry_ops *const registry_schemes[] = {&file_registry, &ghr_registry, &gs_registry, &s3_registry, NULL};
