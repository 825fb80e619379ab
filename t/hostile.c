/* SPDX-License-Identifier: MIT */
/* Loaded before a program, it stands in for one that was taken over by what it read: when HOSTILE_TEXT is among that, it tries to
 * write to the file HOSTILE_FILE, to execute a program, to listen on a port and to signal its parent, and prints what came of
 * it, once for each process. */
#include <arpa/inet.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static char text[64], file[4096]; /* a process may have forgotten its environment */
static pid_t acted;

__attribute__((constructor)) static void begin(void)
{
	const char *wanted = getenv("HOSTILE_TEXT"), *path = getenv("HOSTILE_FILE");

	snprintf(text, sizeof text, "%s", wanted ? wanted : "");
	snprintf(file, sizeof file, "%s", path ? path : "");
}

static int try_write(void)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_APPEND, 0644);

	return fd < 0 ? errno : close(fd);
}

static int try_execute(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execl("/bin/true", "true", (char *)NULL);
		_exit(errno);
	}
	return pid < 0 ? errno : waitpid(pid, &status, 0) == pid ? WEXITSTATUS(status) : errno;
}

static int try_listen(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 1) ? errno : close(fd);
}

static int try_signal(void)
{
	return kill(getppid(), 0) ? errno : 0;
}

static void act(const void *bytes, ssize_t length)
{
	int before = errno;

	if (length <= 0 || !*text || acted == getpid() || !memmem(bytes, (size_t)length, text, strlen(text)))
		return;
	acted = getpid();
	int written = try_write(), executed = try_execute(), listened = try_listen(), signalled = try_signal();
	dprintf(STDERR_FILENO, "hostile %s: write: %s; execute: %s; listen: %s; signal: %s\n", program_invocation_short_name,
		strerrorname_np(written), strerrorname_np(executed), strerrorname_np(listened), strerrorname_np(signalled));
	errno = before;
}

#define NEXT(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name,bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the C
 * library's own names */
ssize_t recv(int fd, void *bytes, size_t size, int flags)
{
	ssize_t got = NEXT(recv)(fd, bytes, size, flags);

	act(bytes, got);
	return got;
}

ssize_t read(int fd, void *bytes, size_t size)
{
	ssize_t got = NEXT(read)(fd, bytes, size);

	act(bytes, got);
	return got;
}

ssize_t pread(int fd, void *bytes, size_t size, off_t offset)
{
	ssize_t got = NEXT(pread)(fd, bytes, size, offset);

	act(bytes, got);
	return got;
}

ssize_t __pread_chk(int fd, void *bytes, size_t size, off_t offset, size_t most);

/* What pread is called when the compiler knows how large bytes are. */
ssize_t __pread_chk(int fd, void *bytes, size_t size, off_t offset, size_t most)
{
	if (size > most)
		abort();
	return pread(fd, bytes, size, offset);
}

struct dirent *readdir(DIR *directory)
{
	struct dirent *entry = NEXT(readdir)(directory);

	if (entry)
		act(entry->d_name, (ssize_t)strlen(entry->d_name));
	return entry;
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name,bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
