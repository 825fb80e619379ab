/* SPDX-License-Identifier: MIT */
/* The status file of a supervisor: dewy-serve's or one of those that it speaks like; and the same bytes as a pid file. */
#include "fuzz.h"

#include "alloc.h"
#include "error.h"
#include "serve/status.h"
#include "str.h"

#include <string.h>

static void compare(const struct serve_status *a, const struct serve_status *b)
{
	FUZZ_HOLDS(a->count == b->count && a->state == b->state && a->generation == b->generation);
	FUZZ_HOLDS(a->died.generation == b->died.generation);
	for (size_t i = 0; i < a->count; i++)
		FUZZ_HOLDS(a->workers[i].generation == b->workers[i].generation && a->workers[i].pid == b->workers[i].pid);
	FUZZ_HOLDS(serve_status_generation(a) == serve_status_generation(b));
}

static void read_status(const char *path)
{
	AUTO_SERVE_STATUS struct serve_status status = {0}, again = {0};
	struct error error;

	if (serve_status_read(path, &status, &error)) {
		FUZZ_HOLDS(error.code == ERROR_FILESYSTEM); /* too large */
		return;
	}
	for (size_t i = 0; i < status.count; i++)
		FUZZ_HOLDS(status.workers[i].pid > 0 && (!i || status.workers[i - 1].generation <= status.workers[i].generation));
	FUZZ_HOLDS(serve_status_write(path, &status, &error) == 0);
	FUZZ_HOLDS(serve_status_read(path, &again, &error) == 0);
	compare(&status, &again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	AUTO_FREE char *path = xasprintf("%s/status", fuzz_directory_path());
	struct error error;
	pid_t pid;

	fuzz_file("status", bytes, length);
	int running = serve_is_running(path, &pid, &error);
	FUZZ_HOLDS(running >= 0 && (running > 0) == (pid > 0));
	read_status(path);
	return 0;
}
