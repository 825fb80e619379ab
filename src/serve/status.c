/* SPDX-License-Identifier: MIT */
#include "serve/status.h"

#include "alloc.h"
#include "buf.h"
#include "error.h"
#include "fs.h"
#include "options.h"
#include "proc.h"
#include "root/root.h"
#include "str.h"
#include "time.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	STATUS_LIMIT = 1 << 16,
	PID_LIMIT = 64,
	WRITING_MS = 15000, /* a supervisor first ends what one that was killed has left, which takes 10 s at most, and binds */
	STEP_MS = 20,
	CLOCK_MS = 1000, /* a process that began this much after the file was written may still be listed in it */
};

static char *locate(const char *given, const struct root *root, const char *name)
{
	return given ? xstrdup(given) : root_state_path(root, name);
}

char *serve_pid_file(const struct options *options, const struct root *root)
{
	return locate(option_string(options, OPT_PID_FILE), root, SERVE_PID_FILE);
}

char *serve_status_file(const struct options *options, const struct root *root)
{
	return locate(option_string(options, OPT_STATUS_FILE), root, SERVE_STATUS_FILE);
}

const char *const serve_state_words[SERVE_STATE_COUNT] = {
	[SERVE_UNKNOWN] = "unknown", [SERVE_STARTING] = "starting", [SERVE_READY] = "ready",
	[SERVE_FAILED] = "failed",   [SERVE_STOPPING] = "stopping",
};

void serve_status_free(struct serve_status *status)
{
	free(status->workers);
	*status = (struct serve_status){0};
}

const struct serve_worker *serve_status_newest(const struct serve_status *status)
{
	return status->count ? &status->workers[status->count - 1] : NULL;
}

long long serve_status_generation(const struct serve_status *status)
{
	const struct serve_worker *newest = serve_status_newest(status);
	bool announced = status->state == SERVE_STARTING && !*status->reason && status->generation == 1 && !status->starting.pid;
	long long generation = status->generation - announced;

	return newest && newest->generation > generation ? newest->generation : generation;
}

static enum serve_state find_state(const char *word)
{
	for (size_t i = 0; i < SERVE_STATE_COUNT; i++)
		if (str_equal(word, serve_state_words[i]))
			return (enum serve_state)i;
	return SERVE_UNKNOWN;
}

/* Inserts a worker where its generation belongs: Perl's and Go's supervisors do not write them in order. */
static void add_worker(struct serve_status *status, struct serve_worker worker)
{
	size_t at = status->count;

	status->workers = xreallocarray(status->workers, status->count + 1, sizeof *status->workers);
	for (; at > 0 && status->workers[at - 1].generation > worker.generation; at--)
		status->workers[at] = status->workers[at - 1];
	status->workers[at] = worker;
	status->count++;
}

static void parse_line(struct serve_status *status, const char *line)
{
	struct serve_worker worker;
	char word[16];
	long long died;
	int length = 0;

	if (sscanf(line, "%18lld:%9d", &worker.generation, &worker.pid) == 2 && worker.generation >= 0 && worker.pid > 0)
		add_worker(status, worker);
	else if (sscanf(line, "# starting=%18lld:%9d", &worker.generation, &worker.pid) == 2 && worker.pid > 0)
		status->starting = worker;
	else if (sscanf(line, "# state=%15s gen=%18lld%n", word, &status->generation, &length) == 2) {
		status->state = find_state(word);
		if (str_starts(line + length, " reason="))
			snprintf(status->reason, sizeof status->reason, "%s", line + length + strlen(" reason="));
	} else if (sscanf(line, "# died=%18lld reason=%n", &died, &length) == 1 && length) {
		status->died.generation = died;
		snprintf(status->died.reason, sizeof status->died.reason, "%s", line + length);
	} else if (sscanf(line, "# program=%31s executed=%18lld%n", status->program, &status->executed, &length) == 2) {
		if (str_starts(line + length, " refused="))
			snprintf(status->refused, sizeof status->refused, "%s", line + length + strlen(" refused="));
	}
}

int serve_status_read(const char *path, struct serve_status *ret_status, struct error *error)
{
	AUTO_BUF struct buf content = {0};
	char *rest, *line;

	*ret_status = (struct serve_status){0};
	int result = fs_read_file(AT_FDCWD, path, STATUS_LIMIT, &content, error);
	if (result || !content.data)
		return result;
	for (rest = content.data; (line = strsep(&rest, "\n"));)
		parse_line(ret_status, line);
	return 0;
}

long long serve_status_written_at(const char *path)
{
	struct stat file;

	return stat(path, &file) ? -1 : file.st_mtim.tv_sec * 1000LL + file.st_mtim.tv_nsec / 1000000;
}

bool serve_status_means(pid_t pid, long long written_at)
{
	long long began = pid > 0 ? proc_started_at(pid) : -1;

	return began >= 0 && began <= written_at + CLOCK_MS && getpgid(pid) == pid;
}

int serve_status_write(const char *path, const struct serve_status *status, struct error *error)
{
	const char *slash = strrchr(path, '/');
	AUTO_FREE char *parent = slash ? xstrndup(path, (size_t)(slash - path) + 1) : xstrdup(".");
	AUTO_CLOSE int dir = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_BUF struct buf text = {0};

	if (dir < 0)
		return error_errno(error, errno, "cannot open the directory %s", parent);
	for (size_t i = 0; i < status->count; i++)
		buf_printf(&text, "%lld:%d\n", status->workers[i].generation, (int)status->workers[i].pid);
	buf_printf(&text, "# state=%s gen=%lld", serve_state_words[status->state], status->generation);
	if (status->reason[0]) {
		buf_puts(&text, " reason=");
		str_add_escaped(&text, status->reason);
	}
	buf_puts(&text, "\n");
	if (status->starting.pid)
		buf_printf(&text, "# starting=%lld:%d\n", status->starting.generation, (int)status->starting.pid);
	if (status->died.generation) {
		buf_printf(&text, "# died=%lld reason=", status->died.generation);
		str_add_escaped(&text, status->died.reason);
		buf_puts(&text, "\n");
	}
	buf_printf(&text, "# program=%s executed=%lld", status->program, status->executed);
	if (status->refused[0]) {
		buf_puts(&text, " refused=");
		str_add_escaped(&text, status->refused);
	}
	buf_puts(&text, "\n");
	return fs_write_file(dir, slash ? slash + 1 : path, 0644, text.data, text.length, error);
}

/* Returns the pid in the file open at fd, or 0 when there is none yet. */
static pid_t read_pid(int fd)
{
	AUTO_BUF struct buf content = {0};
	long long pid;

	if (lseek(fd, 0, SEEK_SET) < 0 || buf_read(&content, fd, PID_LIMIT) || !content.data)
		return 0;
	content.data[strcspn(content.data, "\n")] = '\0';
	return str_to_number(content.data, &pid) || pid > 0x7fffffff ? 0 : (pid_t)pid;
}

/* True when the process lives and began before the file was written. */
static bool is_writer(int fd, pid_t pid)
{
	struct stat status;
	long long began = pid > 0 ? proc_started_at(pid) : -1;

	return began >= 0 && fstat(fd, &status) == 0 && began <= (status.st_mtim.tv_sec + 1) * 1000LL;
}

int serve_is_running(const char *pid_file, pid_t *ret_pid, struct error *error)
{
	AUTO_CLOSE int fd = open(pid_file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	long long deadline = time_monotonic() + WRITING_MS;

	*ret_pid = 0;
	if (fd < 0)
		return errno == ENOENT ? 0 : error_errno(error, errno, "cannot open the pid file %s", pid_file);
	while (flock(fd, LOCK_SH | LOCK_NB)) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return error_errno(error, errno, "cannot test the lock of the pid file %s", pid_file);
		*ret_pid = read_pid(fd);
		if (*ret_pid > 0)
			return 1;
		if (time_monotonic() >= deadline)
			return error_set(error, ERROR_FILESYSTEM, "the pid file %s is locked, but holds no pid", pid_file);
		time_sleep(STEP_MS); /* its supervisor is about to write it */
	}
	*ret_pid = read_pid(fd);
	if (is_writer(fd, *ret_pid))
		return 1;
	*ret_pid = 0;
	return 0;
}
