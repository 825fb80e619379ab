/* SPDX-License-Identifier: MIT */
/* Where releases come from. A registry is a row in the table of schemes.c and a struct of functions in a file of its own;
 * releases are found, fetched and reported in the same dialect. */
#ifndef DEWY_REGISTRY_H
#define DEWY_REGISTRY_H

#include "cleanup.h"
#include "digest.h"
#include "json.h"
#include "registry/session.h"
#include "url.h"

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct error;
struct options;

struct release {
	char *version;       /* as the registry spells it */
	char *id;            /* what the registry itself calls it, NULL when it needs no such name */
	bool draft;          /* never deployed */
	bool prerelease;     /* marked so by the registry, whatever the version says */
	time_t published_at; /* 0 when the registry tells only with the artifacts */
};

/* Frees what the release holds; both texts must be its own. */
void release_free(struct release *release);

#define AUTO_RELEASE AUTO(release_free)

struct artifact {
	char *name;
	char *url;
	long long size;           /* bytes, -1 when unknown */
	char *revision;           /* what tells one upload under this name from the next; NULL when the registry tells nothing */
	char digest[DIGEST_TEXT]; /* "sha256:HEX", "" when the registry has none */
};

struct artifact_list {
	struct artifact *items;
	size_t count;
};

#define AUTO_ARTIFACTS AUTO(artifact_list_free)

void artifact_list_free(struct artifact_list *list);

/* Appends a copy of the artifact. */
void artifact_list_add(struct artifact_list *list, const struct artifact *artifact);

struct registry {
	const struct registry_ops *ops;
	struct url url;
	bool prerelease;      /* ?pre-release=true */
	const char *artifact; /* ?artifact=NAME, or NULL; belongs to url */
	struct session session;
	void *own;         /* what the scheme keeps between two calls, such as its credentials; NULL at first */
	cJSON *validators; /* what tells the registry later whether its list has changed, for it alone to read; NULL for nothing */
};

#define AUTO_REGISTRY AUTO(registry_close)

/* What is said of the pieces of an artifact before the first of them comes. */
struct registry_part {
	long long offset;             /* they begin at that byte; 0 makes void what came before */
	const char *validator;        /* for a later fetch that goes on; NULL when none can */
	const char *const
		*checksums; /* of the whole artifact, as the service tells them, "md5:HEX", the best first; ended by NULL */
};

/* Receives an artifact, piece by piece. */
struct registry_sink {
	/* Both return 0 to go on, or -1 with the error to stop. */
	int (*begin)(void *context, const struct registry_part *part, struct error *error);
	int (*write)(void *context, const void *bytes, size_t length, struct error *error);

	/* Takes up to length bytes of the file open at fd, from its offset on, without their being read. Returns how many; 0 when
	 * there are no more, or they are to be read and written instead; or -1 with the error to stop. NULL: they always are. */
	ssize_t (*copy)(void *context, int fd, size_t length, struct error *error);

	void *context;
};

/* Where an earlier fetch of the same artifact broke off. */
struct registry_resume {
	long long offset;      /* bytes that are there already, 0 for none */
	const char *validator; /* what begin said then; NULL for none */
};

struct registry_ops {
	const char *scheme;
	const char *const *parameters; /* the query parameters it takes besides pre-release and artifact, ended by NULL */
	bool has_validators;           /* it can tell later whether its list has changed */

	/* Checks the URL. Returns 0, or -1 with ERROR_CONFIG. */
	int (*check)(const struct registry *registry, struct error *error);

	/* Calls visit for each release in any order, once; visit copies what it keeps. When validators are there and the registry
	 * tells by them that nothing has changed, it visits none, and may renew them; else it replaces them, where it has
	 * them: both by another object. Returns 0; 1 when nothing has changed; or -1. */
	int (*list)(struct registry *registry, int (*visit)(const struct release *release, void *context, struct error *error),
		    void *context, struct error *error);

	/* Adds the artifacts of a release to the list, and sets published_at where list did not. It may be called while list
	 * visits. Returns 0, or -1. */
	int (*artifacts)(struct registry *registry, struct release *release, struct artifact_list *ret_list, struct error *error);

	/* Gives the artifact at url (one that artifacts made) to sink: from where an earlier fetch broke off when it is still the
	 * same, else from its first byte. Returns 0, or -1, also with ERROR_DOCUMENT unless registry_owns the url. */
	int (*fetch)(struct registry *registry, const struct url *url, const struct registry_resume *resume,
		     const struct registry_sink *sink, struct error *error);

	/* Writes an audit record: a small text, as a file of that name beside the artifacts of the version. Returns 0; 1 when
	 * this machine may only read there; or -1. */
	int (*report)(struct registry *registry, const char *version, const char *name, const char *text, struct error *error);

	/* True when it may run commands that the user has configured for its credentials; NULL for one that never does. */
	bool (*runs_commands)(struct registry *registry);

	/* Frees what own leads to, and closes the session; NULL when there is nothing to do. */
	void (*close)(struct registry *registry);
};

/* Opens the registry of a URL, without asking it anything; options and root are for its session. What is accepted holds no secret:
 * user and password are refused in it and in the URLs among its parameters, and so is every parameter that the scheme does not
 * know. Returns 0, or -1 with ERROR_CONFIG; the caller gives it to registry_close in both cases. */
int registry_open(struct registry *registry, const char *url, const struct options *options, const struct root *root,
		  struct error *error);

void registry_close(struct registry *registry);

/* To be called before the registry is asked anything: from here on this process writes to ROOT/.dewy and the directory cache (-1
 * for none) only, and executes nothing (confine.h); where the registry runs commands, which may write elsewhere, it is left as it
 * is. Returns 0 or -1. */
int registry_confine(struct registry *registry, int cache, struct error *error);

/* Returns 0 when the artifact at url lies below the registry, else -1 with ERROR_DOCUMENT. */
int registry_owns(const struct registry *registry, const struct url *url, struct error *error);

enum { REGISTRY_SIGNATURES = 16 }; /* most signatures of a release that are looked at */

/* True when the name of a file of a release says that it is the signature of another one: SUBJECT.minisig, or SUBJECT.WORD.minisig,
 * which is for those of several keys. */
bool registry_is_signature(const char *name, const char *subject);

extern const struct registry_ops file_registry, ghr_registry, gs_registry, s3_registry;

/* The schemes that a program has, ended by NULL: all of them in schemes.c, or those of check/local.c. */
extern const struct registry_ops *const registry_schemes[];

#endif
