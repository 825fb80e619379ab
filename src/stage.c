/* SPDX-License-Identifier: MIT */
#include "stage.h"

#include "alloc.h"
#include "error.h"
#include "fs.h"
#include "lock.h"
#include "log.h"
#include "restart/settings.h"
#include "root/history.h"
#include "root/history_line.h"
#include "str.h"
#include "time.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* What one run of the driver holds. */
struct driver {
	const struct stage *stage;
	struct options options;
	struct root root;
	struct buf input;
	cJSON *document;
	long long started_at; /* milliseconds on the monotonic clock */
	bool led;             /* the caller holds the lock, and runs the next stages */
};

static int read_input(struct driver *driver, struct error *error)
{
	if (isatty(STDIN_FILENO))
		return error_set(error, ERROR_DOCUMENT, "no document on standard input, which is a terminal");
	int result = buf_read(&driver->input, STDIN_FILENO, DOCUMENT_LIMIT);
	if (result < 0)
		return error_errno(error, errno, "cannot read the document from standard input");
	if (result > 0)
		return error_set(error, ERROR_DOCUMENT, "the document on standard input is larger than %d bytes", DOCUMENT_LIMIT);
	if (driver->input.length == 0)
		return error_set(error, ERROR_DOCUMENT, "no document on standard input");
	driver->document = document_parse(driver->input.data, driver->input.length, error);
	return driver->document ? 0 : -1;
}

static bool begins(const struct driver *driver)
{
	return driver->stage->begins && driver->stage->begins(&driver->options);
}

static bool is_dry(const struct driver *driver)
{
	return driver->stage->plan && option_flag(&driver->options, OPT_DRY_RUN);
}

static bool acts(const struct driver *driver)
{
	unsigned states = is_dry(driver) ? driver->stage->plans_on : driver->stage->acts_on;
	bool assets = !begins(driver) && str_equal(json_string(driver->document, "mode"), "assets");

	return begins(driver) ||
	       (states & 1u << document_state(driver->document) && !(driver->stage->server_only && assets));
}

/* A document is for one ROOT: what it says must never redirect this run to another. */
static int check_root(const struct driver *driver, struct error *error)
{
	const char *given = json_string(driver->document, "root");

	if (str_equal(given, driver->root.path))
		return 0;
	error_set(error, ERROR_CONFIG, "the document is for the root %s, and this run is for %s", given, driver->root.path);
	return error_hint(error, "run in that directory, or give --root or DEWY_ROOT to every stage");
}

/* Returns the descriptor of the lock that the caller handed down, -1 for none. What this process starts neither gets it, and would
 * keep it for as long as it lives, nor hears of it. */
static int inherited_lock(void)
{
	const char *text = getenv("DEWY_LOCK_FD");
	long long fd;

	if (!text || str_to_number(text, &fd) || fd <= STDERR_FILENO || fcntl((int)fd, F_SETFD, FD_CLOEXEC))
		fd = -1;
	unsetenv("DEWY_LOCK_FD");
	return (int)fd;
}

/* Takes the lock of ROOT, unless the caller holds it. Returns 0 with a descriptor to close, -1 for none; or -1. */
static int take_lock(const struct driver *driver, int inherited, int *ret_lock, struct error *error)
{
	long long wait_ms = option_number(&driver->options, OPT_LOCK_WAIT);
	int state = driver->root.state;

	if (inherited >= 0 && !lock_is_ours(inherited, state, "lock")) {
		error_set(error, ERROR_LOCKED, "%s/.dewy/lock is not what this run has locked: it or the root was replaced",
			  driver->root.path);
		return error_hint(error, "run again; the lock is free when its holder ends, and its file does no harm");
	}
	return inherited < 0 && (*ret_lock = lock_take(state, "lock", wait_ms, error)) < 0 ? -1 : 0;
}

static void stamp(struct driver *driver, long long started_at)
{
	AUTO_FREE char *started = xasprintf("%s.started_at", driver->stage->name);
	AUTO_FREE char *duration = xasprintf("%s.duration_ms", driver->stage->name);
	char text[TIME_TEXT];

	json_set_string(driver->document, started, time_format_ms(started_at, text));
	json_set_number(driver->document, duration, time_monotonic() - driver->started_at);
}

static struct stage_run run_of(struct driver *driver)
{
	return (struct stage_run){.options = &driver->options, .root = &driver->root, .document = driver->document,
				  .started_at = driver->started_at};
}

static int run_step(struct driver *driver, struct error *error)
{
	struct stage_run run = run_of(driver);

	if (!begins(driver) && document_require(driver->document, driver->stage->user, error))
		return -1;
	return driver->stage->run(&run, error);
}

static void record(const struct driver *driver)
{
	AUTO_JSON cJSON *line = history_line(&driver->root, driver->document);
	struct error error;

	if (driver->stage->record(&driver->root, line, &error))
		log_warn(HISTORY_UNRECORDED, "error", error.message, "hint", error.hint);
}

/* Tells the log what went wrong, and the history what came to an end. */
static void conclude(struct driver *driver, int failed, const struct error *error)
{
	enum state state = document_state(driver->document);
	bool ended = state == STATE_FAILED || state == STATE_RUNNING || state == STATE_ROLLED_BACK ||
		     (state == STATE_DEPLOYED && str_equal(json_string(driver->document, "mode"), "assets"));
	bool mistaken = begins(driver) && error->code == ERROR_USAGE; /* whoever asked for it hears of it */

	if (failed)
		log_error(error->message, "stage", driver->stage->name, "hint", error->hint);
	if (ended && !mistaken && driver->stage->record && error->code != ERROR_LOCKED && driver->root.state >= 0)
		record(driver);
}

static cJSON *begin_document(const struct driver *driver)
{
	return document_new(&driver->root, option_string(&driver->options, OPT_APP), restart_mode(&driver->options));
}

/* A plan may be made before the stages that bring what the step itself requires. */
static unsigned requirements(const struct driver *driver)
{
	enum state state = document_state(driver->document);

	return state == STATE_AVAILABLE ? FETCH : state == STATE_FETCHED ? DEPLOY : driver->stage->user;
}

/* Has the stage say what it would do. Nothing is locked, recorded or told to anybody. */
static void rehearse(struct driver *driver)
{
	long long started_at = time_now();
	struct error error;

	driver->started_at = time_monotonic();
	if (begins(driver))
		driver->document = begin_document(driver);
	struct stage_run run = run_of(driver);
	int failed = !begins(driver) && document_require(driver->document, requirements(driver), &error);
	if (failed || driver->stage->plan(&run, &error)) {
		document_fail(driver->document, driver->stage->name, &error);
		log_error(error.message, "stage", driver->stage->name, "hint", error.hint);
	}
	if (!begins(driver))
		return;
	stamp(driver, started_at);
	cJSON_DeleteItemFromObjectCaseSensitive(driver->document, "notices"); /* a pipe may end in dewy-notify */
}

/* Runs the step, and records what came of it, under the lock of ROOT; it is free again before the next stage reads the document. */
static void act(struct driver *driver)
{
	long long started_at = time_now();
	struct error error = {0};
	int failed = 0, inherited = inherited_lock();
	AUTO_CLOSE int lock = -1;

	driver->started_at = time_monotonic();
	driver->led = inherited >= 0;
	if (begins(driver))
		driver->document = begin_document(driver);
	if (driver->stage->takes_lock)
		failed = root_prepare(&driver->root, &error) || take_lock(driver, inherited, &lock, &error);
	if (!failed)
		failed = run_step(driver, &error);
	if (!driver->stage->keeps_state)
		stamp(driver, started_at);
	if (failed && !driver->stage->keeps_state)
		document_fail(driver->document, driver->stage->name, &error);
	conclude(driver, failed, &error);
}

/* Prints the document. Returns 0 or -1. */
static int write_output(struct driver *driver, bool acted, struct error *error)
{
	AUTO_FREE char *text = acted ? json_print(driver->document) : NULL;
	const char *bytes = text ? text : buf_text(&driver->input);
	size_t length = strlen(bytes);

	while (length && strchr(" \t\r\n", bytes[length - 1]))
		length--;
	if (fs_write_all(STDOUT_FILENO, bytes, length) || fs_write_all(STDOUT_FILENO, "\n", 1))
		return error_errno(error, errno, "cannot write the document to standard output");
	return 0;
}

/* Lets the next stage of a pipe begin, and does what it need not wait for. */
static void let_go(struct driver *driver)
{
	struct stage_run run = run_of(driver);

	close(STDOUT_FILENO);
	fs_hold_standard();
	driver->stage->afterwards(&run);
}

/* Returns the exit status. */
static int drive(struct driver *driver)
{
	const struct tool *tool = &driver->stage->tool;
	struct error error;

	if (driver->stage->check && driver->stage->check(&driver->options, &error))
		return options_complain(tool, &error);
	if (root_open(&driver->root, option_string(&driver->options, OPT_ROOT), &error))
		return options_complain(tool, &error);
	if (!begins(driver) && (read_input(driver, &error) || check_root(driver, &error)))
		return options_complain(tool, &error);
	bool acting = acts(driver);
	driver->root.dry = is_dry(driver);
	if (acting && driver->root.dry)
		rehearse(driver);
	else if (acting)
		act(driver);
	if (write_output(driver, acting, &error))
		return options_complain(tool, &error);
	if (driver->stage->afterwards && acting && !driver->root.dry && !driver->led)
		let_go(driver);
	return document_status(driver->document);
}

int stage_main(const struct stage *stage, int argc, char **argv)
{
	struct driver driver = {.stage = stage, .root = {.fd = -1, .state = -1, .releases = -1}};

	signal(SIGPIPE, SIG_IGN); /* a reader that went away is an error to tell, not a reason to vanish */
	int status = options_start(&driver.options, &stage->tool, stage->user, 0, argc, argv);

	if (status >= 0)
		return status;
	status = drive(&driver);
	cJSON_Delete(driver.document);
	buf_free(&driver.input);
	root_close(&driver.root);
	option_free(&driver.options);
	return status;
}
