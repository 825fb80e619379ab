/* SPDX-License-Identifier: MIT */
#include "alloc.h"
#include "cleanup.h"
#include "dewy/commands.h"
#include "log.h"
#include "proc.h"
#include "str.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct {
	const char *name;
	int (*main)(int argc, char **argv);
	const char *summary;
} commands[] = {
	{"once", once_main, "deploy the newest release, if it is not the running one"},
	{"watch", watch_main, "run once again and again"},
	{"server", server_main, "watch, with a server"},
	{"assets", assets_main, "watch, with files only"},
	{"status", status_main, "tell what is deployed, what serves it, and what happened last"},
	{"history", history_main, "print the last deployments"},
	{"rollback", rollback_main, "go back to the previous release, or to the one of VERSION"},
};

/* The stages and others, which are programs of their own: dewy-NAME. */
static const char *const programs[] = {"check", "fetch", "deploy", "restart", "notify", "serve", "doctor"};

static int help(FILE *stream)
{
	fprintf(stream, "Usage: dewy COMMAND [OPTION]...\n"
			"Keeps the newest release of an application running on this machine.\n\nCommands:\n");
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		fprintf(stream, "  %-10s %s\n", commands[i].name, commands[i].summary);
	fprintf(stream, "\nPrograms, as dewy NAME or dewy-NAME:\n ");
	for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
		fprintf(stream, " %s", programs[i]);
	fprintf(stream, "\n\nOptions:\n  -h, --help                     print this help\n"
			"  --version                      print the version\n");
	return fflush(stream) ? 3 : stream == stdout ? 0 : 1;
}

/* Becomes dewy-NAME. Returns only when there is no such program. */
static int run_stage(int argc, char **argv)
{
	AUTO_FREE char *name = xasprintf("dewy-%s", argv[1]), *path = proc_sibling(name);

	if (str_is_file_name(argv[1]) && argv[1][0] != '-') {
		argv[1] = path;
		execvp(path, argv + 1);
		argv[1] = name + strlen("dewy-");
	}
	(void)argc;
	AUTO_FREE char *sentence = xasprintf("dewy: unknown command %s; see dewy --help", argv[1]);
	log_sentence(LOG_ERROR, sentence);
	return 1;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return help(stderr);
	if (str_equal(argv[1], "--help") || str_equal(argv[1], "-h") || str_equal(argv[1], "help"))
		return help(stdout);
	if (str_equal(argv[1], "--version")) {
		puts(PACKAGE_NAME " " PACKAGE_VERSION);
		return fflush(stdout) ? 3 : 0;
	}
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (str_equal(argv[1], commands[i].name))
			return commands[i].main(argc - 1, argv + 1);
	return run_stage(argc, argv);
}
