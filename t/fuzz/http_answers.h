/* SPDX-License-Identifier: MIT */
/* lib/http.h for programs that ask nobody: each exchange takes the next answer of an input. Answers are separated by form feeds,
 * and each is a line with the status, lines with headers, an empty line, and the body. X-Piece: N has the body come in pieces of N
 * bytes, and X-Break: N has it begin anew after N bytes. When no answer is left, there is no connection. */
#ifndef DEWY_FUZZ_HTTP_ANSWERS_H
#define DEWY_FUZZ_HTTP_ANSWERS_H

#include <stddef.h>
#include <stdint.h>

/* Sets the answers, which must live as long as somebody asks. */
void http_answers(const uint8_t *bytes, size_t length);

#endif
