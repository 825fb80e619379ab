/* SPDX-License-Identifier: MIT */
/* Files and directories, addressed from a directory descriptor wherever a path could be raced. Every function that fails
 * returns -1 with ERROR_FILESYSTEM or ERROR_SPACE; directory descriptors stay the caller's. */
#ifndef DEWY_FS_H
#define DEWY_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct buf;
struct error;

/* Creates the directory name below dir, with mode, unless it is there, and makes the new name durable (not with AT_FDCWD).
 * Returns 0 or -1. */
int fs_make_directory(int dir, const char *name, mode_t mode, struct error *error);

/* Opens a directory below dir, following no symbolic link in the last part. Returns a descriptor or -1. */
int fs_open_directory(int dir, const char *name, struct error *error);

/* Replaces the file name below dir by bytes: a temporary file beside it, fsync, rename, fsync of the directory. A reader
 * sees the old content or the new, also after a power cut. Returns 0 or -1. */
typedef int fs_write(int dir, const char *name, mode_t mode, const void *bytes, size_t length, struct error *error);
fs_write fs_write_file;

/* As fs_write_file, but not durable: after a power cut the file may be the old one, gone or empty. For what is written again and
 * again, or is as good as empty when it is lost. */
fs_write fs_write_passing;

/* Appends the content of the file name below dir to content, limit bytes at most. Returns 0; 1 when there is no such
 * file; or -1. */
int fs_read_file(int dir, const char *name, size_t limit, struct buf *content, struct error *error);

/* Replaces the symbolic link name below dir by one that leads to target: it is made beside and renamed, so that name is
 * never missing; then the directory is synced. Returns 0, or -1 also when name is there and is no symbolic link. */
int fs_replace_link(int dir, const char *name, const char *target, struct error *error);

/* Reads a symbolic link below dir into target, terminated. Returns 0; 1 when there is none; or -1. */
int fs_read_link(int dir, const char *name, char *target, size_t size, struct error *error);

/* Removes the file or tree name below dir without ever following a symbolic link; it may be missing, and directories
 * without write permission are opened up. Returns 0 or -1. */
int fs_remove(int dir, const char *name, struct error *error);

/* Makes the names in the directory durable. Returns 0 or -1. */
int fs_sync_directory(int dir, struct error *error);

/* Lets /dev/null take the place of each of the descriptors 0 to 2 that is not open: else the next file that is opened would get its
 * number, and be written to by whoever has something to say. What is written to standard output fails as before. */
void fs_hold_standard(void);

/* Writes all length bytes to fd. Returns 0, or -1 with errno. */
int fs_write_all(int fd, const void *bytes, size_t length);

/* Calls visit for each name in the directory but . and .., in no order, until it returns non-zero. Returns what visit
 * returned last, or -1. */
int fs_each(int dir, int (*visit)(const char *name, void *context), void *context, struct error *error);

/* Returns path made absolute without resolving symbolic links: a relative one begins in the working directory as the shell
 * calls it ($PWD where that is right). The caller frees it; NULL when the working directory has no name. */
char *fs_absolute_path(const char *path);

/* True when the open file is the one that name below dir leads to; flags are those of fstatat(2). */
bool fs_is_named(int fd, int dir, const char *name, int flags);

/* Returns the bytes that an unprivileged process may still write on the file system of fd. */
long long fs_free_space(int fd);

/* Returns an anonymous file that holds bytes and is read from its start: what passes between processes without the limits
 * of a pipe. Returns a descriptor or -1. */
int fs_scratch(const void *bytes, size_t length, struct error *error);

#endif
