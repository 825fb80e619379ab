/* SPDX-License-Identifier: MIT */
#include "seccomp.h"

#if defined(__x86_64__) && defined(__LP64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__) && defined(__AARCH64EL__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#ifdef ARCHITECTURE

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

/* From this number on, which is Linux 5.1's, system calls are numbered alike on every machine, and the C library gets on without
 * them: io_uring, which goes past filters, pidfds, mounts, and what is still to come. Those of x32 lie far above it. */
enum { YOUNG = 424 };

static const unsigned refused[] = {
	/* the network, and other ways to other processes */
	SYS_socket, SYS_socketpair, SYS_connect, SYS_bind, SYS_listen, SYS_accept, SYS_accept4, SYS_sendto, SYS_sendmsg,
	SYS_sendmmsg, SYS_shmget, SYS_shmat, SYS_shmctl, SYS_msgget, SYS_msgctl, SYS_msgsnd, SYS_msgrcv, SYS_semget, SYS_semctl,
	SYS_semop, SYS_semtimedop, SYS_mq_open, SYS_mq_unlink, SYS_add_key, SYS_request_key, SYS_keyctl,
	/* programs and processes */
	SYS_execve, SYS_execveat, SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_kcmp, SYS_kill, SYS_tkill,
	SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo, SYS_setpriority, SYS_ioprio_set, SYS_sched_setscheduler, SYS_sched_setparam,
	SYS_sched_setattr, SYS_sched_setaffinity, SYS_migrate_pages, SYS_move_pages,
	/* who it is, and what it has given up */
	SYS_setuid, SYS_setgid, SYS_setreuid, SYS_setregid, SYS_setresuid, SYS_setresgid, SYS_setfsuid, SYS_setfsgid, SYS_setgroups,
	SYS_capset, SYS_prctl, SYS_personality, SYS_unshare, SYS_setns,
	/* files, but by descriptors: Landlock does not look at these, nor before ABI 3 at the first; and commands to a terminal
	 * that is open */
	SYS_truncate, SYS_fchmodat, SYS_fchownat, SYS_fchown, SYS_setxattr, SYS_lsetxattr, SYS_fsetxattr, SYS_removexattr,
	SYS_lremovexattr, SYS_fremovexattr, SYS_mknodat, SYS_name_to_handle_at, SYS_open_by_handle_at, SYS_inotify_init1,
	SYS_fanotify_init, SYS_ioctl,
	/* the machine */
	SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_swapon, SYS_swapoff, SYS_reboot, SYS_kexec_load, SYS_init_module,
	SYS_finit_module, SYS_delete_module, SYS_bpf, SYS_perf_event_open, SYS_userfaultfd, SYS_quotactl, SYS_acct, SYS_syslog,
	SYS_sethostname, SYS_setdomainname, SYS_settimeofday, SYS_clock_settime, SYS_clock_adjtime, SYS_adjtimex, SYS_vhangup,
#ifdef SYS_fork /* what younger machines have never had */
	SYS_fork, SYS_vfork, SYS_chmod, SYS_chown, SYS_lchown, SYS_mknod, SYS_utime, SYS_utimes, SYS_futimesat, SYS_inotify_init,
	SYS_iopl, SYS_ioperm, SYS_modify_ldt,
#endif
};

enum {
	REFUSED = sizeof refused / sizeof *refused,
	REFUSE = SECCOMP_RET_ERRNO | EPERM,
	LACK = SECCOMP_RET_ERRNO | ENOSYS,
	NAMESPACES = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET,
};

#define LOAD(member) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define IF_EQUAL(value, then, otherwise) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, then, otherwise)
#define IF_ANY(bits, then, otherwise) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, then, otherwise)
#define RETURN(action) BPF_STMT(BPF_RET | BPF_K, action)

bool seccomp_is_there(void)
{
	unsigned action = SECCOMP_RET_ERRNO;

	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

static int install(struct sock_filter *filter, size_t length)
{
	struct sock_fprog program = {.len = (unsigned short)length, .filter = filter};

	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0)
		return 1;
	return errno == ENOSYS || errno == EINVAL || errno == EPERM || errno == EACCES ? 0 : -1;
}

int seccomp_files_only(void)
{
	unsigned self = (unsigned)getpid();
	const struct sock_filter head[] = {
		LOAD(arch), IF_EQUAL(ARCHITECTURE, 1, 0), RETURN(REFUSE),
		LOAD(nr), BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, YOUNG, 0, 1), RETURN(LACK),
	};
	/* What clone(2) starts is a thread of this process, for which the filter holds. clone3(2), whose flags a filter does not
	 * see, is young. What an open file has to tell (O_ASYNC) is told by signals, and not to others; abort(3) signals, and
	 * getrlimit(2) asks about, this process. */
	const struct sock_filter tail[] = {
		IF_EQUAL(SYS_clone, 0, 5),
		LOAD(args[0]), IF_ANY(NAMESPACES, 2, 0), IF_ANY(CLONE_THREAD, 0, 1), RETURN(SECCOMP_RET_ALLOW), RETURN(REFUSE),
		IF_EQUAL(SYS_fcntl, 0, 5),
		LOAD(args[1]), IF_EQUAL(F_SETOWN, 1, 0), IF_EQUAL(F_SETOWN_EX, 0, 1), RETURN(REFUSE),
		RETURN(SECCOMP_RET_ALLOW),
		IF_EQUAL(SYS_tgkill, 1, 0), IF_EQUAL(SYS_prlimit64, 0, 4),
		LOAD(args[0]), IF_EQUAL(self, 2, 0), IF_EQUAL(0, 1, 0), RETURN(REFUSE),
		RETURN(SECCOMP_RET_ALLOW),
	};
	enum { HEAD = sizeof head / sizeof *head, TAIL = sizeof tail / sizeof *tail };
	struct sock_filter filter[HEAD + 2 * REFUSED + TAIL], *at = filter;

	for (size_t i = 0; i < HEAD; i++)
		*at++ = head[i];
	for (size_t i = 0; i < REFUSED; i++) {
		*at++ = (struct sock_filter)IF_EQUAL(refused[i], 0, 1);
		*at++ = (struct sock_filter)RETURN(REFUSE);
	}
	for (size_t i = 0; i < TAIL; i++)
		*at++ = tail[i];
	return install(filter, HEAD + 2 * REFUSED + TAIL);
}

#else

bool seccomp_is_there(void)
{
	return false;
}

int seccomp_files_only(void)
{
	return 0;
}

#endif
