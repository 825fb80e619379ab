/* SPDX-License-Identifier: MIT */
#include "landlock.h"

#include "cleanup.h"
#include "error.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* <linux/landlock.h> is often older than the kernel, or not there: what is needed of it stands here. The numbers of the system
 * calls are the same on every machine. */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

enum { CREATE_RULESET_VERSION = 1, RULE_PATH_BENEATH = 1 };

enum {
	EXECUTE = 1 << 0,
	WRITE_FILE = 1 << 1,
	READ_FILE = 1 << 2,
	READ_DIR = 1 << 3,
	REMOVE_DIR = 1 << 4,
	REMOVE_FILE = 1 << 5,
	MAKE_CHAR = 1 << 6,
	MAKE_DIR = 1 << 7,
	MAKE_REG = 1 << 8,
	MAKE_SOCK = 1 << 9,
	MAKE_FIFO = 1 << 10,
	MAKE_BLOCK = 1 << 11,
	MAKE_SYM = 1 << 12,
	REFER = 1 << 13,    /* ABI 2 */
	TRUNCATE = 1 << 14, /* ABI 3 */
	IOCTL_DEV = 1 << 15 /* ABI 5 */
};

enum { BIND_TCP = 1 << 0, CONNECT_TCP = 1 << 1 /* ABI 4 */ };
enum { SCOPE_ABSTRACT_SOCKET = 1 << 0, SCOPE_SIGNAL = 1 << 1 /* ABI 6 */ };

enum {
	READING = READ_FILE | READ_DIR,
	WRITING = WRITE_FILE | TRUNCATE | MAKE_DIR | MAKE_REG,
	CREATING = WRITING | MAKE_SYM | REFER,
	REPLACING = WRITING | REMOVE_DIR | REMOVE_FILE,
	NEVER = EXECUTE | MAKE_CHAR | MAKE_SOCK | MAKE_FIFO | MAKE_BLOCK | IOCTL_DEV,
};

struct ruleset {
	uint64_t files, network, scoped; /* kernels before ABI 4 and 6 take the zeros at the end */
};

struct path_beneath {
	uint64_t allowed;
	int32_t parent;
} __attribute__((packed));

long landlock_version(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);
}

static uint64_t known_rights(long version)
{
	uint64_t unknown = version < 3 ? TRUNCATE | IOCTL_DEV : version < 5 ? IOCTL_DEV : 0;

	return ~unknown;
}

static struct ruleset ruleset_of(const struct landlock_rules *rules, long version)
{
	struct ruleset set = {.files = (CREATING | REPLACING | NEVER | (rules->reads ? 0 : READING)) & known_rights(version)};

	if (version >= 4)
		set.network = rules->connects ? BIND_TCP : BIND_TCP | CONNECT_TCP;
	if (version >= 6)
		set.scoped = SCOPE_ABSTRACT_SOCKET | SCOPE_SIGNAL;
	return set;
}

/* Lets be done below the directory what the rule says, as far as the ruleset refuses it elsewhere. */
static long add_rule(int fd, const struct ruleset *set, const struct landlock_below *below)
{
	uint64_t rights = 0;

	if (below->may & LANDLOCK_MAY_READ)
		rights |= READING;
	if (below->may & LANDLOCK_MAY_CREATE)
		rights |= CREATING;
	if (below->may & LANDLOCK_MAY_REPLACE)
		rights |= REPLACING;
	struct path_beneath rule = {.allowed = rights & set->files, .parent = below->dir};
	return rule.allowed ? syscall(SYS_landlock_add_rule, fd, RULE_PATH_BENEATH, &rule, 0) : 0;
}

long landlock_restrict(const struct landlock_rules *rules)
{
	long version = landlock_version();

	if (version < LANDLOCK_LEAST)
		return version >= 0 || error_is_unsupported(errno) ? 0 : -1;
	struct ruleset set = ruleset_of(rules, version);
	AUTO_CLOSE int fd = (int)syscall(SYS_landlock_create_ruleset, &set, sizeof set, 0);
	long failed = fd < 0;
	for (size_t i = 0; i < sizeof rules->below / sizeof *rules->below && !failed; i++)
		failed = add_rule(fd, &set, &rules->below[i]);
	if (!failed)
		failed = syscall(SYS_landlock_restrict_self, fd, 0);
	if (failed)
		return error_is_unsupported(errno) ? 0 : -1;
	return version < LANDLOCK_FULL ? version : LANDLOCK_FULL;
}
