/* SPDX-License-Identifier: MIT */
/* Errors travel as values. A function that can fail returns 0, or -1 with the error filled in; whoever passes one on adds
 * where it was, so that people read "deploy: extract app.tar.gz: link leads outside the release". */
#ifndef DEWY_ERROR_H
#define DEWY_ERROR_H

#include <stdbool.h>

enum error_code {
	ERROR_NONE,
#define ERROR(name, word, status, remedy) ERROR_##name,
#include "error.def"
#undef ERROR
};

struct error {
	enum error_code code;
	char message[1024]; /* what failed, with what, why; on one line, in UTF-8, without secrets (redact.h); who shows it escapes
			       control characters */
	char hint[512];     /* what to do */
};

/* Fills in the error with the default hint of its code. Returns -1, so that it can be returned as one expression. */
int error_set(struct error *error, enum error_code code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* As error_set, for a failed system call: appends strerror(number), and turns a full disk into ERROR_SPACE. */
int error_errno(struct error *error, int number, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Puts "CONTEXT: " before the message. Returns -1. */
int error_in(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Replaces the hint. Returns -1. */
int error_hint(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Returns the exit status of the code (0 for ERROR_NONE). */
int error_status(enum error_code code);

/* True when number is one of enum error_code, and no success. */
bool error_is_code(int number);

/* True for errno of a system call that the kernel does not have, or that a container does not let through. */
bool error_is_unsupported(int number);

/* Returns the word that stands for the code in a document. */
const char *error_word(enum error_code code);

/* Returns the code of a word in a document, ERROR_INTERNAL for one that is unknown. */
enum error_code error_from_word(const char *word);

#endif
