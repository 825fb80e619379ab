/* SPDX-License-Identifier: MIT */
/* confined DIR OUTSIDE WORK: runs one kind of work as confine_run does it, and prints what came of it. With CONFINED_READS, the
 * work is one that only reads; with CONFINED_THREAD, a thread does it. */
#include "alloc.h"
#include "buf.h"
#include "confine.h"
#include "error.h"
#include "log.h"
#include "redact.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { MEMORY = 16 << 20, FILE_SIZE = 1 << 20, TIMEOUT_MS = 300, PATIENCE_MS = 20000 };

struct job {
	int dir, other; /* other is an open file that the work does not need */
	const char *outside;
	pid_t starter;
	int (*work)(void *context, struct error *error);
	struct error *error;
	int returned, result;
};

/* Fails with the name of what was tried when it did not succeed. */
static int came_of(bool success, const char *what, struct error *error)
{
	return success ? 0 : error_errno(error, errno, "%s", what);
}

static int write_inside(void *context, struct error *error)
{
	struct job *job = context;
	int fd = openat(job->dir, "file", O_WRONLY | O_CREAT | O_EXCL, 0644);

	if (fd < 0 || mkdirat(job->dir, "sub", 0755) || linkat(job->dir, "file", job->dir, "sub/link", 0))
		return error_errno(error, errno, "inside");
	job->result = 42;
	return 1;
}

static int write_outside(void *context, struct error *error)
{
	struct job *job = context;

	return came_of(open(job->outside, O_WRONLY) >= 0, "outside", error);
}

static int create_outside(void *context, struct error *error)
{
	struct job *job = context;

	return came_of(mkdir(job->outside, 0755) == 0, "outside", error);
}

static int read_outside(void *context, struct error *error)
{
	struct job *job = context;

	return came_of(open(job->outside, O_RDONLY) >= 0, "read", error);
}

static int change_mode(void *context, struct error *error)
{
	struct job *job = context;

	return came_of(chmod(job->outside, 0777) == 0, "mode", error);
}

static int change_length(void *context, struct error *error)
{
	struct job *job = context;

	return came_of(truncate(job->outside, 0) == 0, "length", error);
}

static int remove_inside(void *context, struct error *error)
{
	struct job *job = context;

	close(openat(job->dir, "removed", O_WRONLY | O_CREAT, 0644));
	return came_of(unlinkat(job->dir, "removed", 0) == 0, "remove", error);
}

static int write_much(void *context, struct error *error)
{
	struct job *job = context;
	int fd = openat(job->dir, "much", O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd < 0 || pwrite(fd, "", 1, FILE_SIZE - 1) != 1)
		return error_errno(error, errno, "up to the limit");
	return came_of(pwrite(fd, "", 1, FILE_SIZE) == 1, "beyond the limit", error);
}

static int execute(void *context, struct error *error)
{
	(void)context;
	execl("/bin/true", "true", (char *)NULL);
	return error_errno(error, errno, "execute");
}

static int start(void *context, struct error *error)
{
	(void)context;
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	return came_of(pid > 0, "fork", error);
}

/* The result is how many ways there are to start a process. */
static int start_somehow(void *context, struct error *error)
{
	static const unsigned long flags[] = {
		SIGCHLD, CLONE_VM | SIGCHLD, CLONE_VM | CLONE_SIGHAND | SIGCHLD, CLONE_PARENT | SIGCHLD, CLONE_NEWUSER | SIGCHLD,
		CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_NEWNET, 0,
	};
	struct clone_args args = {.exit_signal = SIGCHLD};
	struct job *job = context;

	(void)error;
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
		job->result += syscall(SYS_clone, flags[i], 0, 0, 0, 0) >= 0 || errno != EPERM;
	job->result += syscall(SYS_clone3, &args, sizeof args) >= 0 || errno != ENOSYS;
#ifdef SYS_fork
	job->result += syscall(SYS_fork) >= 0 || errno != EPERM;
	job->result += syscall(SYS_vfork) >= 0 || errno != EPERM;
#endif
	return 0;
}

static int signal_starter(void *context, struct error *error)
{
	struct job *job = context;

	return came_of(kill(job->starter, SIGCONT) == 0, "signal", error);
}

/* Would have signals about an open file sent to the process that started this one. */
static int signal_by_file(void *context, struct error *error)
{
	struct job *job = context;
	const struct f_owner_ex owner = {.type = F_OWNER_PID, .pid = job->starter};

	if (fcntl(STDERR_FILENO, F_SETOWN, job->starter) == 0)
		return 0;
	return came_of(fcntl(STDERR_FILENO, F_SETOWN_EX, &owner) == 0, "signal by file", error);
}

/* The result is how many calls are not refused before what they are given is looked at, which leads nowhere: some that would reach
 * what other processes share, change files by name, or begin what only new programs should. */
static int use_calls(void *context, struct error *error)
{
	static const long calls[] = {
		SYS_shmget, SYS_shmat, SYS_shmctl, SYS_msgget, SYS_msgctl, SYS_msgsnd, SYS_msgrcv, SYS_semget, SYS_semctl,
		SYS_semop, SYS_semtimedop, SYS_mq_open, SYS_mq_unlink, SYS_keyctl, SYS_ptrace, SYS_process_vm_writev, SYS_unshare,
		SYS_setns, SYS_prctl, SYS_capset, SYS_personality, SYS_fchownat, SYS_setxattr, SYS_removexattr, SYS_mknodat,
		SYS_open_by_handle_at, SYS_fanotify_init, SYS_bpf, SYS_perf_event_open, SYS_userfaultfd, SYS_mount,
	};
	struct job *job = context;

	(void)error;
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
		job->result += syscall(calls[i], -1, -1, -1, -1, -1) >= 0 || errno != EPERM;
	return 0;
}

/* Asks for its number as a program for the 32-bit machine of old would, which numbers system calls in another way. */
static int call_as_other_machine(void *context, struct error *error)
{
#ifdef __x86_64__
	long result;

	(void)context;
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory", "r8", "r9", "r10", "r11");
	if (result > 0)
		return 0;
	errno = (int)-result;
#else
	(void)context;
	errno = EPERM; /* Arm's has no such door */
#endif
	return error_errno(error, errno, "other machine");
}

static int look_into_starter(void *context, struct error *error)
{
	struct job *job = context;
	struct iovec iov = {.iov_base = &job->result, .iov_len = sizeof job->result};

	return came_of(process_vm_readv(job->starter, &iov, 1, &iov, 1, 0) > 0, "look into", error);
}

static int make_socket(void *context, struct error *error)
{
	(void)context;
	return came_of(socket(AF_INET, SOCK_STREAM, 0) >= 0, "socket", error);
}

static int connect_tcp(void *context, struct error *error)
{
	struct job *job = context;
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(1), .sin_addr = {htonl(INADDR_LOOPBACK)}};

	return came_of(connect(job->other, (struct sockaddr *)&address, sizeof address) == 0, "connect", error);
}

static int use_io_uring(void *context, struct error *error)
{
	(void)context;
	return came_of(syscall(SYS_io_uring_setup, 1, NULL) >= 0, "io_uring", error);
}

static int command_terminal(void *context, struct error *error)
{
	(void)context;
	return came_of(ioctl(STDERR_FILENO, TIOCSTI, "x") == 0, "ioctl", error);
}

static int use_other(void *context, struct error *error)
{
	struct job *job = context;
	struct stat status;

	return came_of(fstat(job->other, &status) == 0, "descriptor", error);
}

static int print(void *context, struct error *error)
{
	(void)context;
	return came_of(write(STDOUT_FILENO, "forged\n", 7) == 7, "print", error);
}

/* The result is how many of the capabilities are left. */
static int use_capabilities(void *context, struct error *error)
{
	struct job *job = context;
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, sets))
		return error_errno(error, errno, "capabilities");
	job->result = __builtin_popcount(sets[0].permitted | sets[0].effective) +
		      __builtin_popcount(sets[1].permitted | sets[1].effective);
	return 0;
}

/* The result is 1 when a secret of the environment is still in the memory that had it, or known as one. */
static const char *secret;

static int find_secret(void *context, struct error *error)
{
	static const char text[] = "xoxb-good";
	struct job *job = context;
	AUTO_BUF struct buf scratch = {0};

	(void)error;
	job->result = getenv("CONFINED_SECRET") || *secret || redact(text, &scratch) != text;
	return 0;
}

/* The result is 1 when the process would leave its memory to others. */
static int dump(void *context, struct error *error)
{
	struct job *job = context;
	struct rlimit core, files;

	if (getrlimit(RLIMIT_CORE, &core) || getrlimit(RLIMIT_NOFILE, &files))
		return error_errno(error, errno, "limits");
	job->result = core.rlim_max != 0 || files.rlim_max > 256;
	return 0;
}

static int crash(void *context, struct error *error)
{
	(void)context;
	(void)error;
	abort();
}

static int leave(void *context, struct error *error)
{
	(void)context;
	(void)error;
	_exit(7);
}

static int hang(void *context, struct error *error)
{
	(void)context;
	(void)error;
	pause();
	return 0;
}

static int hoard(void *context, struct error *error)
{
	(void)error;
	*(char *volatile *)context = xcalloc(8, MEMORY);
	return 0;
}

static const struct {
	const char *name;
	int (*work)(void *context, struct error *error);
	long long timeout_ms;
} works[] = {
	{"write-inside", write_inside, PATIENCE_MS},
	{"write-outside", write_outside, PATIENCE_MS},
	{"create-outside", create_outside, PATIENCE_MS},
	{"read-outside", read_outside, PATIENCE_MS},
	{"change-mode", change_mode, PATIENCE_MS},
	{"change-length", change_length, PATIENCE_MS},
	{"remove-inside", remove_inside, PATIENCE_MS},
	{"write-much", write_much, PATIENCE_MS},
	{"execute", execute, PATIENCE_MS},
	{"fork", start, PATIENCE_MS},
	{"processes", start_somehow, PATIENCE_MS},
	{"signal", signal_starter, PATIENCE_MS},
	{"signal-by-file", signal_by_file, PATIENCE_MS},
	{"calls", use_calls, PATIENCE_MS},
	{"other-machine", call_as_other_machine, PATIENCE_MS},
	{"look-into", look_into_starter, PATIENCE_MS},
	{"socket", make_socket, PATIENCE_MS},
	{"connect", connect_tcp, PATIENCE_MS},
	{"io_uring", use_io_uring, PATIENCE_MS},
	{"ioctl", command_terminal, PATIENCE_MS},
	{"descriptor", use_other, PATIENCE_MS},
	{"print", print, PATIENCE_MS},
	{"capabilities", use_capabilities, PATIENCE_MS},
	{"secret", find_secret, PATIENCE_MS},
	{"dump", dump, PATIENCE_MS},
	{"crash", crash, PATIENCE_MS},
	{"leave", leave, PATIENCE_MS},
	{"hang", hang, TIMEOUT_MS},
	{"wait", hang, PATIENCE_MS},
	{"hoard", hoard, PATIENCE_MS},
};

static void *be_thread(void *context)
{
	struct job *job = context;

	job->returned = job->work(job, job->error);
	return NULL;
}

static int work_in_thread(void *context, struct error *error)
{
	struct job *job = context;
	pthread_t thread;

	job->error = error;
	int failure = pthread_create(&thread, NULL, be_thread, job);
	if (failure)
		return error_errno(error, failure, "thread");
	pthread_join(thread, NULL);
	return job->returned;
}

int main(int argc, char **argv)
{
	struct error error = {0};

	if (argc != 4)
		return 2;
	struct job job = {
		.dir = open(argv[1], O_RDONLY | O_DIRECTORY),
		.other = socket(AF_INET, SOCK_STREAM, 0),
		.outside = argv[2],
		.starter = getpid(),
	};
	secret = getenv("CONFINED_SECRET");
	redact_learn(secret);
	log_configure(getenv("CONFINED_DEBUG") ? LOG_DEBUG : LOG_ERROR, LOG_TEXT);
	for (size_t i = 0; i < sizeof works / sizeof *works; i++) {
		if (strcmp(works[i].name, argv[3]) != 0)
			continue;
		struct confine_needs needs = {
			.dir = job.dir,
			.writes = !getenv("CONFINED_READS"),
			.input = -1,
			.memory = MEMORY,
			.file_size = FILE_SIZE,
			.timeout_ms = works[i].timeout_ms,
		};
		job.work = works[i].work;
		int result = confine_run(&needs, getenv("CONFINED_THREAD") ? work_in_thread : job.work, &job, &job.result,
					 sizeof job.result, &error);
		printf("%d %d %s: %s\n", result, job.result, error_word(error.code), error.message);
		return 0;
	}
	return 2;
}
