/* SPDX-License-Identifier: MIT */
/* Where programs are: this one, those beside it, and those in the PATH. */
#include "proc.h"

#include "alloc.h"
#include "cleanup.h"
#include "fs.h"

#include <limits.h>
#include <string.h>
#ifdef HAVE_GETAUXVAL
#include <sys/auxv.h>
#endif
#include <unistd.h>

/* Returns the path by which this program was executed, absolute; NULL where the system does not tell. The caller frees it. */
static char *executed_path(void)
{
#ifdef HAVE_GETAUXVAL
	const char *executed = (const char *)getauxval(AT_EXECFN); /* NOLINT(performance-no-int-to-ptr): getauxval(3) is so */

	if (executed)
		return fs_absolute_path(executed);
#endif
	return NULL;
}

/* Returns the program of that name in the directory of a file, NULL when there is none; the caller frees it. */
static char *find_beside(const char *file, const char *name)
{
	AUTO_FREE char *path = file ? xasprintf("%.*s/%s", (int)(strrchr(file, '/') - file), file, name) : NULL;

	return path && access(path, X_OK) == 0 ? steal_pointer(&path) : NULL;
}

char *proc_sibling(const char *name)
{
	AUTO_FREE char *executed = executed_path();
	char *path = find_beside(executed, name), self[PATH_MAX];
	ssize_t length = path ? 0 : readlink("/proc/self/exe", self, sizeof self - 1);

	if (length > 0) { /* this program alone may be linked to elsewhere */
		self[length] = '\0';
		path = find_beside(self, name);
	}
	return path ? path : xstrdup(name);
}

char *proc_helper(const char *name, const char *directory)
{
	AUTO_FREE char *near = xasprintf("../libexec/dewy/%s", name), *path = proc_sibling(near);

	return *path == '/' ? steal_pointer(&path) : xasprintf("%s/%s", directory, name);
}

char *proc_find(const char *name)
{
	const char *path = proc_variable("PATH");
	AUTO_FREE char *copy = xstrdup(path ? path : "/bin:/usr/bin");
	char *rest = copy;

	for (const char *directory; (directory = strsep(&rest, ":"));) {
		AUTO_FREE char *file = xasprintf("%s/%s", *directory ? directory : ".", name);
		if (access(file, X_OK) == 0)
			return fs_absolute_path(file);
	}
	return NULL;
}

char *proc_program(const char *name)
{
	char *executed = executed_path();

	if (!executed && !strchr(name, '/'))
		executed = proc_find(name);
	return executed ? executed : fs_absolute_path(name);
}
