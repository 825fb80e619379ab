/* SPDX-License-Identifier: MIT */
/* Files of [SECTION] and NAME = VALUE lines, as the shared config and credentials files of AWS are
 * (https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html). */
#ifndef DEWY_INI_H
#define DEWY_INI_H

#include <cJSON.h>

struct error;

/* Parses text. Lines that begin with # or ; and what follows one of these after white space are comments; indented lines belong to
 * the setting above, and are left out. Returns an object of sections, objects of texts; several sections of one name are one, the
 * last setting of a name counts, and names of settings are in small letters. The caller deletes it; NULL with ERROR_CONFIG. */
cJSON *ini_parse(const char *text, struct error *error);

/* Returns the text of a setting, or NULL. It belongs to ini. */
const char *ini_get(const cJSON *ini, const char *section, const char *name);

#endif
