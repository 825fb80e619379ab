/* SPDX-License-Identifier: MIT */
/* Scope frees what it owns; a steal shows the hand-over. Needs the cleanup attribute of GCC and Clang. */
#ifndef DEWY_CLEANUP_H
#define DEWY_CLEANUP_H

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

/* A variable that only its scope uses is used, whatever Clang thinks. */
#define AUTO(function) __attribute__((cleanup(function), unused))

static inline void cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

static inline void cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_closedir(DIR **directory)
{
	if (*directory)
		closedir(*directory);
}

#define AUTO_FREE AUTO(cleanup_free)
#define AUTO_CLOSE AUTO(cleanup_close)
#define AUTO_CLOSEDIR AUTO(cleanup_closedir)

/* Returns the descriptor and leaves -1 behind, so that the scope no longer closes it. */
static inline int steal_fd(int *fd)
{
	int stolen = *fd;

	*fd = -1;
	return stolen;
}

/* Returns the pointer and leaves NULL behind, so that the scope no longer frees it. */
#define steal_pointer(pointer)                  \
	({                                      \
		__typeof__(*(pointer)) stolen_ = *(pointer); \
		*(pointer) = NULL;              \
		stolen_;                        \
	})

#endif
