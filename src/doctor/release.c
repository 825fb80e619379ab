/* SPDX-License-Identifier: MIT */
/* What is deployed, and what killed runs have left. */
#include "doctor/doctor.h"

#include "alloc.h"
#include "fs.h"
#include "json.h"
#include "proc.h"
#include "root/floor.h"
#include "root/release.h"
#include "str.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Nothing is deployed, or current leads to what is no release. */
static void look_at_link(const struct root *root, struct verdict *verdict)
{
	char target[256];
	struct error error;
	int result = fs_read_link(root->fd, "current", target, sizeof target, &error);

	if (result > 0) {
		verdict_skip(verdict, "nothing is deployed yet");
		return;
	}
	if (result == 0) {
		error_set(&error, ERROR_FILESYSTEM, "%s/current leads to %s, which is no complete release with a record",
			  root->path, target);
		error_hint(&error, "the next run deploys anew; dewy rollback goes to a release that is there");
	}
	verdict_fail(verdict, &error);
}

/* Without a floor that can be read, a run with --no-downgrade deploys nothing. */
static void look_at_floor(const struct root *root, struct verdict *verdict)
{
	struct error error;
	AUTO_JSON cJSON *floor = floor_read(root, &error);

	if (!floor)
		verdict_warn(verdict, &error);
}

void doctor_current(struct doctor *doctor, struct verdict *verdict)
{
	const struct root *root = &doctor->root;
	char name[RELEASE_NAME];
	struct error error;
	int result = doctor->rooted ? release_current(root, name, &error) : 1;

	if (result < 0)
		verdict_fail(verdict, &error);
	else if (!doctor->rooted)
		verdict_skip(verdict, "there is no root to look into");
	else if (result > 0)
		look_at_link(root, verdict);
	if (doctor->rooted)
		look_at_floor(root, verdict);
	if (result)
		return;
	AUTO_JSON cJSON *record = release_record(root, name);
	const char *version = json_string(record, "release.version");
	if (!version) {
		error_set(&error, ERROR_FILESYSTEM, "the record %s/.dewy/releases/%s.json cannot be read", root->path, name);
		error_hint(&error, "move it away: the next run deploys anew");
		verdict_fail(verdict, &error);
	} else if (release_is_unfinished(record) && !doctor->locked) {
		error_set(&error, ERROR_FILESYSTEM, "the deployment of %s was interrupted", version);
		error_hint(&error, "the next run takes it up");
		verdict_warn(verdict, &error);
	} else {
		verdict_ok(verdict, "%s in releases/%s, %s", version, name, json_string(record, "state"));
	}
}

/* What lies in ROOT/releases. */
struct leftovers {
	const struct root *root;
	int partial;
	int unknown; /* directories that no record belongs to */
	int releases;
};

static int count_name(const char *name, void *context)
{
	struct leftovers *leftovers = context;
	AUTO_FREE char *record = xasprintf("releases/%s.json", name);

	if (release_is_partial(name))
		leftovers->partial++;
	else if (!release_is_name(name))
		return 0;
	else if (leftovers->root->state < 0 || faccessat(leftovers->root->state, record, F_OK, 0))
		leftovers->unknown++;
	else
		leftovers->releases++;
	return 0;
}

void doctor_leftovers(struct doctor *doctor, struct verdict *verdict)
{
	struct leftovers leftovers = {.root = &doctor->root};
	struct error error;

	if (!doctor->rooted || doctor->root.releases < 0) {
		verdict_skip(verdict, "there are no releases");
		return;
	}
	if (fs_each(doctor->root.releases, count_name, &leftovers, &error) < 0) {
		verdict_fail(verdict, &error);
		return;
	}
	verdict_ok(verdict, "%d release%s", leftovers.releases, leftovers.releases == 1 ? "" : "s");
	if (leftovers.partial && doctor->locked)
		verdict_ok(verdict, "%d under way", leftovers.partial);
	else if (leftovers.partial) {
		error_set(&error, ERROR_FILESYSTEM, "%d unfinished .partial in releases, of a run that was killed",
			  leftovers.partial);
		error_hint(&error, "the next deployment removes that");
		verdict_warn(verdict, &error);
	}
	if (leftovers.unknown) {
		error_set(&error, ERROR_FILESYSTEM, "%d in releases without a record", leftovers.unknown);
		error_hint(&error, "remove what has no file in .dewy/releases by hand: dewy does not know it");
		verdict_warn(verdict, &error);
	}
}

/* The command behind -- is run in ROOT. */
void doctor_command(struct doctor *doctor, struct verdict *verdict)
{
	const char *program = doctor->options->rest[0];
	char name[RELEASE_NAME];
	struct error error;

	if (!program || !doctor->rooted || !strchr(program, '/')) {
		verdict_skip(verdict, program ? "%s is looked up in PATH" : "no command is given behind --", program);
		return;
	}
	if (release_current(&doctor->root, name, &error)) {
		verdict_skip(verdict, "nothing is deployed yet");
		return;
	}
	if (faccessat(doctor->root.fd, program, X_OK, AT_EACCESS) == 0) {
		verdict_ok(verdict, "%s is there", program);
		return;
	}
	error_set(&error, ERROR_APPLICATION, "%s in %s is not there, or may not be executed", program, doctor->root.path);
	error_hint(&error, "give the path of the server as it is in the artifact, behind current/");
	verdict_fail(verdict, &error);
}
