/* SPDX-License-Identifier: MIT */
/* Platforms: operating system, architecture and C library, as the names of artifacts tell them. */
#ifndef DEWY_PLATFORM_H
#define DEWY_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>

enum {
	LINUX = 1 << 0,
	DARWIN = 1 << 1,
	WINDOWS = 1 << 2,
	FREEBSD = 1 << 3,
	OPENBSD = 1 << 4,
	NETBSD = 1 << 5,
	DRAGONFLY = 1 << 6,
	SUNOS = 1 << 7,
	ANDROID = 1 << 8,
	IOS = 1 << 9,
	OTHER_OS = 1 << 10, /* fits no machine */
};

enum {
	AMD64 = 1 << 0,
	I386 = 1 << 1,
	X32 = 1 << 2,
	ARM64 = 1 << 3,
	ARMV7 = 1 << 4,
	ARMV6 = 1 << 5,
	ARM = 1 << 6, /* of no known version */
	ARMV5 = 1 << 7,
	PPC64 = 1 << 8,
	PPC64LE = 1 << 9,
	S390X = 1 << 10,
	RISCV64 = 1 << 11,
	LOONG64 = 1 << 12,
	ANY_ARCH = 1 << 13,
	OTHER_ARCH = 1 << 14, /* fits no machine */
};

enum {
	GNU = 1 << 0,
	MUSL = 1 << 1,
	STATIC = 1 << 2,
};

/* Sets of the bits above; 0 where nothing is told. */
struct platform {
	unsigned os, arch, libc;
};

enum { PLATFORM_UNFIT = -1, PLATFORM_NAME = 64 };

/* Adds to platform what the longest alias tells that words (count of them, in small letters) begin with. Returns how many
 * words it takes, 0 when there is none. */
size_t platform_read(struct platform *platform, const char *const *words, size_t count);

/* Removes what a more special word overrides: Android and iOS are no Linux and no macOS for a program, x32 is no amd64. */
void platform_settle(struct platform *platform);

/* Returns the platform of this machine by uname(2), with its C library still unknown, and its name for people. */
struct platform platform_here(char name[PLATFORM_NAME]);

/* True when the name, one of those that the names of artifacts have, in any case, is that of an operating system, or of an
 * architecture, whose programs run here. */
bool platform_has_os(const struct platform *here, const char *name);
bool platform_has_arch(const struct platform *here, const char *name);

/* Returns the C library of this machine: MUSL when its loader is there and no other is, else GNU. */
unsigned platform_libc(void);

/* Rate a set of names against this machine: 0 is best, PLATFORM_UNFIT does not run. */
int platform_rate_arch(unsigned here, unsigned named);
int platform_rate_libc(unsigned here, unsigned named);

#endif
