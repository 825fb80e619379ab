/* SPDX-License-Identifier: MIT */
/* Where releases come from. A registry is a row in the table of registry.c and a struct of four functions in a file of its
 * own; releases are found, fetched and reported in the same dialect. */
#ifndef DEWY_REGISTRY_H
#define DEWY_REGISTRY_H

#include "cleanup.h"
#include "url.h"

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct error;

struct release {
	char *version;       /* as the registry spells it */
	bool draft;          /* never deployed */
	bool prerelease;     /* marked so by the registry, whatever the version says */
	time_t published_at; /* 0 when the registry tells only with the artifacts */
};

struct artifact {
	char *name;
	char *url;
	long long size;  /* bytes, -1 when unknown */
	char digest[72]; /* "sha256:HEX", "" when the registry has none */
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
};

#define AUTO_REGISTRY AUTO(registry_close)

/* Receives a piece of an artifact. Returns 0 to go on, or -1 with the error to stop. */
typedef int (*registry_sink)(const void *bytes, size_t length, void *context, struct error *error);

struct registry_ops {
	const char *scheme;
	const char *const *parameters; /* the query parameters it takes besides pre-release and artifact, ended by NULL */

	/* Checks the URL. Returns 0, or -1 with ERROR_CONFIG. */
	int (*check)(const struct registry *registry, struct error *error);

	/* Calls visit for each release in any order; it copies what it keeps. Returns 0, or -1. */
	int (*list)(const struct registry *registry,
		    int (*visit)(const struct release *release, void *context, struct error *error), void *context,
		    struct error *error);

	/* Adds the artifacts of a release to the list, and sets published_at where list did not. It may be called while list
	 * visits. Returns 0, or -1. */
	int (*artifacts)(const struct registry *registry, struct release *release, struct artifact_list *ret_list,
			 struct error *error);

	/* Gives the artifact at url (one that artifacts made) to sink, piece by piece, from the byte offset on. Returns 0, or
	 * -1. */
	int (*fetch)(const struct registry *registry, const struct url *url, long long offset, registry_sink sink, void *context,
		     struct error *error);

	/* Writes an audit record: a small text, as a file of that name beside the artifacts of the version. Returns 0; 1 when
	 * this machine may only read there; or -1. */
	int (*report)(const struct registry *registry, const char *version, const char *name, const char *text,
		      struct error *error);
};

/* Opens the registry of a URL, without asking it anything. What is accepted holds no secret: user and password are refused in
 * it and in the URLs among its parameters, and so is every parameter that the scheme does not know. Returns 0, or -1 with
 * ERROR_CONFIG; the caller gives it to registry_close in both cases. */
int registry_open(struct registry *registry, const char *url, struct error *error);

void registry_close(struct registry *registry);

/* Returns 0 when the artifact at url lies below the registry, else -1 with ERROR_DOCUMENT. */
int registry_owns(const struct registry *registry, const struct url *url, struct error *error);

extern const struct registry_ops file_registry;

#endif
