/* SPDX-License-Identifier: MIT */
/* What the targets of the fuzzer share. A target is a file that defines LLVMFuzzerTestOneInput
 * (https://llvm.org/docs/LibFuzzer.html): it gives the bytes to what reads such bytes, and aborts where that breaks a promise. make
 * fuzz feeds it what libFuzzer makes up, make check what is kept in seeds/ and crashes/ (replay.c). */
#ifndef DEWY_FUZZ_H
#define DEWY_FUZZ_H

#include "root/root.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* Called once before the first input. It leaves nothing of the environment, and only errors in the log. */
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* Ends the process, telling where, unless the promise holds. */
#define FUZZ_HOLDS(promise) fuzz_holds(promise, #promise, __FILE__, __LINE__)
void fuzz_holds(bool holds, const char *promise, const char *file, int line);

/* Returns the bytes as a text that ends where its memory does, or at a zero byte before. The caller frees it. */
char *fuzz_text(const uint8_t *bytes, size_t length);

/* Cuts text into at most most parts at the letter, each of which ends where its memory does. */
struct fuzz_parts {
	char *items[16]; /* NULL behind the last one */
	size_t count;
};

#define AUTO_PARTS AUTO(fuzz_parts_free)

void fuzz_parts_cut(struct fuzz_parts *parts, const uint8_t *bytes, size_t length, char at);
void fuzz_parts_free(struct fuzz_parts *parts);

/* Returns a part, "" when there are not that many. */
const char *fuzz_part(const struct fuzz_parts *parts, size_t index);

/* True for UTF-8 without control characters, as what people read has to be. */
bool fuzz_is_clean(const char *text);

/* Returns a directory that is empty at first and goes with the process, and its path. */
int fuzz_directory(void);
const char *fuzz_directory_path(void);

/* Makes the file of that name in the directory anew. */
void fuzz_file(const char *name, const void *bytes, size_t length);

/* Returns a ROOT that has nothing to remember. */
const struct root *fuzz_root(void);

/* Returns a ROOT whose .dewy is the directory. */
struct root *fuzz_root_with_state(void);

#endif
