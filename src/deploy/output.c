/* SPDX-License-Identifier: MIT */
#include "deploy/output.h"

#include "cleanup.h"
#include "deploy/form.h"
#include "error.h"
#include "fs.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static int cannot_write(struct error *error)
{
	return error_errno(error, errno, "cannot write it");
}

/* A zip from a system without modes does not tell which files are programs. */
static int restore_mode(const struct output *output, const struct member *member, struct error *error)
{
	int failed = fchmod(output->fd, member->mode | OUTPUT_MODE | (member->mode & 0444) >> 2);

	return failed ? error_errno(error, errno, "cannot set its mode") : 0;
}

int output_write(struct output *output, const struct member *member, const void *bytes, size_t length, long long offset,
		 struct error *error)
{
	output->end = offset + (long long)length;
	if (length == 0)
		return 0;
	if (offset > output->written && lseek(output->fd, offset, SEEK_SET) < 0)
		return cannot_write(error);
	if (fs_write_all(output->fd, bytes, length))
		return cannot_write(error);
	output->written = output->end;
	return member->invented && offset == 0 && form_is_program(bytes, length) ? restore_mode(output, member, error) : 0;
}

int output_end(struct output *output, const struct member *member, long long size, struct error *error)
{
	AUTO_CLOSE int fd = output->fd;

	if (size > output->end)
		output->end = size;
	if (output->end != output->written && ftruncate(fd, output->end))
		return cannot_write(error);
	futimens(fd, (struct timespec[]){{.tv_nsec = UTIME_OMIT}, member->mtime});
	return close(steal_fd(&fd)) == 0 ? 0 : cannot_write(error);
}
