/* SPDX-License-Identifier: MIT */
/* Paths that come from outside, judged by their text alone. */
#ifndef DEWY_PATH_H
#define DEWY_PATH_H

#include <stdbool.h>

struct buf;

enum { PATH_BYTES = 4096, PATH_DEPTH = 200 };

/* True when a part of the path, which has no slash at its beginning, is empty, "." or "..". */
bool path_is_crooked(const char *path);

/* Appends path as "a/b/c", without empty and "." parts; "." itself becomes the empty text. Returns NULL; or, as the rest of
 * a sentence, why it is refused: it is empty, absolute, holds ".." or a control character, a part is over 255 bytes, or it is
 * not shorter than PATH_BYTES or deeper than PATH_DEPTH. */
const char *path_clean(struct buf *clean, const char *path);

/* Judges the symbolic link at path (one that path_clean made) that leads to target. Returns NULL, or why it is refused.
 * A target may climb only at its beginning: then it cannot leave, whichever other links it passes, as long as each of them
 * was judged so, and no link lies above path. */
const char *path_judge_link(const char *path, const char *target);

/* Returns path as it may stand in a message: escaped, and shortened when it is long. The caller frees it. */
char *path_label(const char *path);

#endif
