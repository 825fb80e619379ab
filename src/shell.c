/* SPDX-License-Identifier: MIT */
#include "shell.h"

#include "alloc.h"
#include "fs.h"
#include "redact.h"
#include "secrets.h"

#include <string.h>

static char *variable(const char *name, const char *value)
{
	return xasprintf("%s=%s", name, value ? value : "");
}

/* Takes out of what a command printed the secrets that dewy has, and its zero bytes, which would end it. */
static void clean(struct buf *output)
{
	AUTO_BUF struct buf scratch = {0};

	for (char *zero = output->data; output->length && (zero = memchr(zero, 0, output->length - (size_t)(zero - output->data)));)
		*zero = '\xff'; /* no UTF-8 either */
	const char *text = redact(buf_text(output), &scratch);
	if (text == scratch.data) {
		buf_free(output);
		*output = scratch;
		scratch = (struct buf){0};
	}
}

static void clean_result(struct proc_result *result)
{
	if (result->out.length || result->err.length)
		secrets_learn_files();
	clean(&result->out);
	clean(&result->err);
}

int shell_run(const struct shell *shell, size_t output_limit, long long timeout_ms, struct proc_result *ret, struct error *error)
{
	const char *argv[] = {"/bin/sh", "-c", shell->command, NULL};
	AUTO_FREE char *id = variable("DEWY_ID", json_string(shell->document, "id"));
	AUTO_FREE char *app = variable("DEWY_APP", json_string(shell->document, "app"));
	AUTO_FREE char *version = variable("DEWY_VERSION", json_string(shell->document, "release.version"));
	AUTO_FREE char *previous = variable("DEWY_PREVIOUS_VERSION", json_string(shell->document, "previous.version"));
	AUTO_FREE char *directory = variable("DEWY_RELEASE_DIR", shell->release_dir);
	AUTO_FREE char *root = variable("DEWY_ROOT", shell->root->path);
	AUTO_FREE char *artifact = variable("DEWY_ARTIFACT", json_string(shell->document, "artifact.name"));
	const char *const added[] = {id, app, version, previous, directory, root, artifact, NULL};
	AUTO_FREE const char **environment = proc_environment(secret_variables, added);
	AUTO_FREE char *text = shell->input ? NULL : json_print(shell->document);
	const char *bytes = shell->input ? shell->input : text;
	AUTO_CLOSE int input = fs_scratch(bytes, strlen(bytes), error);
	struct proc_spec spec = {.argv = argv, .environment = environment, .directory = shell->root->fd, .in = input,
				 .grace_ms = shell->grace_ms};

	*ret = (struct proc_result){0};
	if (input < 0 || proc_run(&spec, output_limit, timeout_ms, ret, error))
		return -1;
	clean_result(ret);
	return 0;
}
