/* SPDX-License-Identifier: MIT */
/* TARGET FILE...: gives each file to the target, as libFuzzer's own main does, for compilers that do not have it. Prints how many
 * there were. */
#include "fuzz.h"

#include "alloc.h"
#include "buf.h"
#include "cleanup.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUT_LIMIT = 1 << 20 };

/* The copy ends where its memory does, so that a sanitizer sees what reads beyond. */
static int replay(const char *path)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	AUTO_BUF struct buf content = {0};

	if (fd < 0 || buf_read(&content, fd, INPUT_LIMIT)) {
		perror(path);
		return -1;
	}
	fprintf(stderr, "%s\n", path);
	uint8_t *bytes = xcalloc(content.length ? content.length : 1, 1);
	if (content.length)
		memcpy(bytes, content.data, content.length);
	int result = LLVMFuzzerTestOneInput(bytes, content.length);
	free(bytes);
	return result;
}

int main(int argc, char **argv)
{
	LLVMFuzzerInitialize(&argc, &argv);
	for (int i = 1; i < argc; i++)
		if (replay(argv[i]))
			return 1;
	printf("%d inputs\n", argc - 1);
	return 0;
}
