/* SPDX-License-Identifier: MIT */
/* Files that hold secrets: there, and for nobody else to read. */
#include "doctor/units.h"

#include "alloc.h"
#include "fs.h"
#include "proc.h"
#include "secrets.h"
#include "str.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

#define CREDENTIAL_STORE "/etc/credstore"

enum { FILE_LIMIT = 1 << 20 };

/* What names a file with a secret in it, and does not end in _FILE behind the name of the secret. */
static const char *const others[] = {
	"GITHUB_APP_PRIVATE_KEY_PATH",
	"GOOGLE_APPLICATION_CREDENTIALS",
	"AWS_SHARED_CREDENTIALS_FILE",
};

/* What files are looked at, and how many there were. */
struct look {
	struct verdict *verdict;
	int files;
};

/* named_by is what names the file, NULL for one that has its usual place. */
static void look_at_file(struct look *look, const char *named_by, const char *path)
{
	AUTO_FREE char *why = named_by ? xasprintf(", which %s names", named_by) : xstrdup("");
	struct error error;
	struct stat status;

	look->files++;
	if (stat(path, &status) || access(path, R_OK)) {
		error_set(&error, ERROR_CONFIG, "cannot read %s%s: %s", path, why, strerror(errno));
		error_hint(&error, "give this user the right to read it%s%s", named_by ? ", or name another file in " : "",
			   named_by ? named_by : "");
		verdict_fail(look->verdict, &error);
	} else if (status.st_mode & (S_IROTH | S_IWOTH)) {
		error_set(&error, ERROR_CONFIG, "others may %s %s%s", status.st_mode & S_IROTH ? "read" : "write to", path, why);
		error_hint(&error, "chmod o-rwx %s", path);
		verdict_warn(look->verdict, &error);
	}
}

/* True when the variable, of that length, is that of a secret, or begins as its name does. */
static bool is_secret(const char *variable, size_t length)
{
	for (const char *const *secret = secret_variables; *secret; secret++) {
		size_t prefix = strcspn(*secret, "*");
		if (!str_equal(*secret, "DEWY_*") && prefix <= length && strncmp(variable, *secret, prefix) == 0 &&
		    ((*secret)[prefix] || prefix == length))
			return true;
	}
	return false;
}

/* True when the variable, of that length, is one that names a file, with a secret unless it is not one of ours. */
static bool names_file(const char *variable, size_t length)
{
	static const char suffix[] = "_FILE";
	size_t end = sizeof suffix - 1;

	return length > end && memcmp(variable + length - end, suffix, end) == 0;
}

static void look_at_variables(struct look *look)
{
	for (char **variable = environ; *variable; variable++) {
		size_t length = strcspn(*variable, "=");
		if (!names_file(*variable, length) || !is_secret(*variable, length) || !(*variable)[length] ||
		    !(*variable)[length + 1])
			continue;
		AUTO_FREE char *name = xstrndup(*variable, length);
		look_at_file(look, name, *variable + length + 1);
	}
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (proc_variable(others[i]))
			look_at_file(look, others[i], proc_variable(others[i]));
}

/* Files that are looked for without being named. */
static void look_at_home(struct look *look)
{
	static const char *const usual[] = {".aws/credentials", ".config/gcloud/application_default_credentials.json"};
	const char *home = proc_home();

	for (size_t i = 0; home && i < sizeof usual / sizeof *usual; i++) {
		AUTO_FREE char *path = xasprintf("%s/%s", home, usual[i]);
		if (access(path, F_OK) == 0)
			look_at_file(look, NULL, path);
	}
}

/* True when a line of the environment file sets a secret itself. */
static bool holds_secret(char *content)
{
	char *line;

	while ((line = strsep(&content, "\n"))) {
		size_t length = strcspn(line, "=");
		if (line[length] && is_secret(line, length) && !names_file(line, length))
			return true;
	}
	return false;
}

/* The one that the units and the line for cron read. */
static void look_at_settings(struct look *look, const struct doctor *doctor)
{
	const char *slash = doctor->root.path ? strrchr(doctor->root.path, '/') : NULL;
	AUTO_FREE char *path = xasprintf("/etc/dewy/%s.env", slash ? slash + 1 : "");
	AUTO_BUF struct buf content = {0};
	struct error error;

	if (slash && fs_read_file(AT_FDCWD, path, FILE_LIMIT, &content, &error) == 0 && content.data && holds_secret(content.data))
		look_at_file(look, "dewy@.service", path);
}

/* Secrets in the credential store that are named for this application (systemd.exec(5), LoadCredential). */
struct store {
	struct look *look;
	bool closed;  /* to others, whatever the modes of the files */
	char *prefix; /* of their names: "dewy.myapp." */
	int count;
};

static int look_at_stored(const char *name, void *context)
{
	struct store *store = context;

	if (!str_starts(name, store->prefix))
		return 0;
	AUTO_FREE char *path = xasprintf(CREDENTIAL_STORE "/%s", name);
	if (store->closed)
		store->look->files++;
	else
		look_at_file(store->look, NULL, path);
	store->count++;
	return 0;
}

/* True when what adds to the unit has a line for credentials: systemctl show does not print those. */
static bool takes_credentials(struct unit_state *unit)
{
	char *rest = unit->drop_ins, *path;
	bool takes = false;
	struct error error;

	while ((path = strsep(&rest, " "))) {
		AUTO_BUF struct buf content = {0};
		takes |= *path && fs_read_file(AT_FDCWD, path, FILE_LIMIT, &content, &error) == 0 &&
			 strstr(buf_text(&content), "\nLoadCredential");
	}
	return takes;
}

/* Warns when the unit that runs dewy does not take what is stored for it. */
static void look_at_taker(const struct doctor *doctor, const struct store *store, struct verdict *verdict)
{
	AUTO_FREE char *name = unit_name(doctor, "dewy@", ".service");
	struct unit_state unit;
	struct error error;

	if (!unit_look(name, &unit))
		return;
	if (takes_credentials(&unit)) {
		verdict_ok(verdict, "%s takes %d from " CREDENTIAL_STORE ", which only its runs see", name, store->count);
		return;
	}
	error_set(&error, ERROR_CONFIG, "%s takes none of what " CREDENTIAL_STORE " has for it", name);
	error_hint(&error, "install the example credentials.conf, as dewy(1) shows, and systemctl daemon-reload");
	verdict_warn(verdict, &error);
}

static void look_at_store(struct look *look, const struct doctor *doctor)
{
	AUTO_CLOSE int dir = open(CREDENTIAL_STORE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const char *slash = doctor->root.path ? strrchr(doctor->root.path, '/') : NULL;
	AUTO_FREE char *prefix = xasprintf("dewy.%s.", slash ? slash + 1 : "");
	struct store store = {.look = look, .prefix = prefix};
	struct error error;
	struct stat status;

	store.closed = dir >= 0 && fstat(dir, &status) == 0 && !(status.st_mode & S_IXOTH);
	if (dir < 0 || !slash || fs_each(dir, look_at_stored, &store, &error) < 0 || !store.count)
		return;
	look_at_taker(doctor, &store, look->verdict);
}

void doctor_secrets(struct doctor *doctor, struct verdict *verdict)
{
	struct look look = {.verdict = verdict};

	look_at_settings(&look, doctor);
	look_at_store(&look, doctor);
	look_at_variables(&look);
	look_at_home(&look);
	if (!look.files)
		verdict_skip(verdict, "no file holds a secret");
	else if (verdict->result <= RESULT_OK)
		verdict_ok(verdict, "%d file%s, and others may read none", look.files, look.files == 1 ? "" : "s");
}
