/* SPDX-License-Identifier: MIT */
#include "check/artifact.h"

#include "alloc.h"
#include "buf.h"
#include "error.h"
#include "platform.h"
#include "str.h"

#include <ctype.h>
#include <string.h>

enum { MOST_WORDS = 64, MOST_LISTED = 12 };

enum format { TAR, ZIP, BARE };

/* Archives that can be extracted. Of two that differ in nothing else the first of this table is taken. */
static const struct suffix {
	const char *text;
	enum format format;
	int compression;
} suffixes[] = {
	{".tar.zst", TAR, 0}, {".tzst", TAR, 0}, {".tar.gz", TAR, 1}, {".tgz", TAR, 1}, {".tar.xz", TAR, 2}, {".txz", TAR, 2},
	{".tar.bz2", TAR, 3}, {".tbz2", TAR, 3}, {".tbz", TAR, 3},    {".tar", TAR, 4}, {".zip", ZIP, 0},
};

/* What a file with one of these extensions is, it is not the application: checksums, signatures, lists of parts, texts,
 * packages, installers and images, archives and compressed files that dewy does not extract. */
static const char never_extensions[][12] = {
	"md5",    "sha1",  "sha224",     "sha256", "sha384", "sha512",  "sha256sum", "sha512sum", "sum",     "sums",
	"digest", "b2",    "b3",         "blake3", "asc",    "sig",     "sign",      "signature", "minisig", "gpg",
	"pgp",    "pem",   "crt",        "cert",   "cer",    "pub",     "p7s",       "sigstore",  "bundle",  "att",
	"intoto", "prov",  "provenance", "sbom",   "spdx",   "cdx",     "bom",       "json",      "jsonl",   "xml",
	"yaml",   "yml",   "toml",       "txt",    "md",     "rst",     "html",      "pdf",       "csv",     "log",
	"deb",    "ddeb",  "udeb",       "rpm",    "apk",    "pkg",     "ipk",       "xbps",      "snap",    "flatpak",
	"msi",    "msix",  "exe",        "dmg",    "iso",    "img",     "qcow2",     "vmdk",      "ova",     "whl",
	"gem",    "nupkg", "crate",      "pdb",    "dsym",   "7z",      "rar",       "gz",        "xz",      "bz2",
	"zst",    "lz4",   "lzma",       "br",     "z",      "torrent", "zsync",     "patch",     "diff",    "changes",
};

/* And neither is one with one of these words in its name. */
static const char never_words[][12] = {
	"src",        "source", "sources", "orig", "checksum", "checksums", "sha1sums",  "sha256sum",  "sha256sums",  "sha512sum",
	"sha512sums", "md5sum", "md5sums", "sbom", "spdx",     "cdx",       "cyclonedx", "provenance", "attestation",
};

struct words {
	const char *items[MOST_WORDS];
	size_t count;
	char *text; /* what they point into */
};

#define AUTO_WORDS AUTO(free_words)

static void free_words(struct words *words)
{
	free(words->text);
}

/* What is the same for all artifacts of a release. */
struct selection {
	struct platform here;
	char here_name[PLATFORM_NAME];
	struct words version; /* all of it */
	struct words core;    /* its numbers */
	struct words projects[2];
};

/* The order of what decides, and for each how far the candidate is from the best. */
enum { BY_PLATFORM, BY_ARCH, BY_LIBC, BY_FORMAT, BY_WORDS, BY_COMPRESSION, CRITERIA };

struct candidate {
	const struct artifact *artifact;
	unsigned libc;
	int rank[CRITERIA]; /* that of BY_LIBC is found when it matters: it costs a look into /lib */
};

static bool contains(const struct words *words, const char *word)
{
	for (size_t i = 0; i < words->count; i++)
		if (str_equal(words->items[i], word))
			return true;
	return false;
}

/* Splits length bytes of text into words in small letters: everything but letters and digits separates them. */
static void split(struct words *words, const char *text, size_t length)
{
	words->text = xstrndup(text, length);
	words->count = 0;
	for (char *at = words->text, *previous = NULL; *at; at++) {
		unsigned char letter = (unsigned char)*at;
		*at = isalnum(letter) || letter >= 0x80 ? (char)tolower(letter) : '\0';
		if (*at && !previous && words->count < MOST_WORDS)
			words->items[words->count++] = at;
		previous = *at ? at : NULL;
	}
}

static const struct suffix *find_suffix(const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
		size_t end = strlen(suffixes[i].text);
		if (length > end && strcasecmp(name + length - end, suffixes[i].text) == 0)
			return &suffixes[i];
	}
	return NULL;
}

/* True when the name alone, of which stem bytes stand before the suffix, tells that this is not the application. */
static bool is_never(const char *name, const struct suffix *suffix, size_t stem)
{
	const char *extension = strrchr(name, '.');

	if (!str_is_file_name(name) || str_starts(name, "shipped_to_")) /* an audit record */
		return true;
	if (suffix)
		return stem > 4 && strncasecmp(name + stem - 4, ".pkg", 4) == 0; /* a package of Arch Linux */
	for (size_t i = 0; extension && i < sizeof never_extensions / sizeof *never_extensions; i++)
		if (strcasecmp(never_extensions[i], extension + 1) == 0)
			return true;
	return false;
}

static bool is_never_word(const char *word)
{
	for (size_t i = 0; i < sizeof never_words / sizeof *never_words; i++)
		if (str_equal(never_words[i], word))
			return true;
	return false;
}

/* Returns how many words at position at spell the same as those of list, all of them; else 0. */
static size_t spells(const struct words *words, size_t at, const struct words *list)
{
	if (words->count - at < list->count)
		return 0;
	for (size_t i = 0; i < list->count; i++) {
		const char *word = words->items[at + i];
		bool prefixed = i == 0 && word[0] == 'v' && str_equal(word + 1, list->items[0]); /* v1.2.3 is 1.2.3 */
		if (!prefixed && !str_equal(word, list->items[i]))
			return 0;
	}
	return list->count;
}

/* Returns how many words at the start of a name are the project's. */
static size_t skip_project(const struct selection *selection, const struct words *words)
{
	size_t most = 0;

	for (size_t i = 0; i < 2; i++) {
		size_t length = spells(words, 0, &selection->projects[i]);
		most = length > most ? length : most;
	}
	return most;
}

static bool is_explained(const struct selection *selection, const char *word)
{
	return contains(&selection->version, word) || contains(&selection->projects[0], word) ||
	       contains(&selection->projects[1], word);
}

/* Reads what the words of a name say. Returns how many say nothing that is known, or -1 when one tells that this is not the
 * application. */
static int read_words(const struct selection *selection, const struct words *words, struct platform *platform)
{
	int unexplained = 0;

	for (size_t i = skip_project(selection, words); i < words->count;) {
		size_t length = spells(words, i, &selection->version);
		if (!length)
			length = spells(words, i, &selection->core);
		if (!length)
			length = platform_read(platform, words->items + i, words->count - i);
		if (length) {
			i += length;
			continue;
		}
		if (is_never_word(words->items[i]))
			return -1;
		unexplained += !is_explained(selection, words->items[i]);
		i++;
	}
	platform_settle(platform);
	return unexplained;
}

static int rate_libc(struct selection *selection, unsigned named)
{
	if (!selection->here.libc)
		selection->here.libc = platform_libc();
	return platform_rate_libc(selection->here.libc, named);
}

/* Ranks an artifact. Returns false when it is not for this machine. */
static bool rank(struct selection *selection, const struct artifact *artifact, struct candidate *ret)
{
	const struct suffix *suffix = find_suffix(artifact->name);
	size_t stem = strlen(artifact->name) - (suffix ? strlen(suffix->text) : 0);
	struct platform named = {0};

	if (is_never(artifact->name, suffix, stem))
		return false;
	AUTO_WORDS struct words words;
	split(&words, artifact->name, stem);
	*ret = (struct candidate){.artifact = artifact};
	ret->rank[BY_WORDS] = read_words(selection, &words, &named);
	unsigned arch = named.arch & ~(unsigned)ANY_ARCH;
	if (ret->rank[BY_WORDS] < 0 || (named.os && !(named.os & selection->here.os & ~(unsigned)OTHER_OS)))
		return false;
	if (!suffix && !named.os && !arch)
		return false; /* a README or an install script is no application */
	ret->rank[BY_PLATFORM] = 2 - (named.os != 0) - (arch != 0);
	ret->rank[BY_ARCH] = platform_rate_arch(selection->here.arch, named.arch);
	ret->libc = named.libc;
	ret->rank[BY_FORMAT] = suffix ? (int)suffix->format : BARE;
	ret->rank[BY_COMPRESSION] = suffix ? suffix->compression : 0;
	return ret->rank[BY_ARCH] != PLATFORM_UNFIT && (named.libc != GNU || rate_libc(selection, GNU) != PLATFORM_UNFIT);
}

static int compare(struct selection *selection, struct candidate *a, struct candidate *b)
{
	bool same = a->libc == b->libc; /* but one may have been compared with another libc before */

	a->rank[BY_LIBC] = same ? 0 : rate_libc(selection, a->libc);
	b->rank[BY_LIBC] = same ? 0 : rate_libc(selection, b->libc);
	for (int i = 0; i < CRITERIA; i++)
		if (a->rank[i] != b->rank[i])
			return a->rank[i] < b->rank[i] ? -1 : 1;
	return 0;
}

/* Appends a name to a list that is cut off where nobody would read on. */
static void add_name(struct buf *names, size_t index, const char *name)
{
	if (index < MOST_LISTED)
		buf_printf(names, "%s%.60s", index ? ", " : "", name);
	else if (index == MOST_LISTED)
		buf_puts(names, " and more");
}

static int explain_missing(const struct artifact_list *list, const struct artifact_rules *rules, const char *here,
			   struct error *error)
{
	AUTO_BUF struct buf names = {0};

	for (size_t i = 0; i < list->count; i++)
		add_name(&names, i, list->items[i].name);
	if (rules->wanted)
		error_set(error, ERROR_NOT_FOUND, "%s has no artifact %s: it has %s", rules->version, rules->wanted,
			  list->count ? buf_text(&names) : "none at all");
	else
		error_set(error, ERROR_NOT_FOUND, "%s has no artifact for %s: it has %s", rules->version, here,
			  list->count ? buf_text(&names) : "none at all");
	return 1;
}

static int select_wanted(const struct artifact_list *list, const struct artifact_rules *rules, const struct artifact **ret,
			 struct error *error)
{
	for (size_t i = 0; i < list->count; i++) {
		*ret = &list->items[i];
		if (str_equal(list->items[i].name, rules->wanted))
			return 0;
	}
	return explain_missing(list, rules, NULL, error);
}

static int explain_equals(const struct artifact_list *list, struct selection *selection, struct candidate *best,
			  const struct artifact_rules *rules, struct error *error)
{
	AUTO_BUF struct buf names = {0}, encoded = {0};
	size_t count = 0;

	for (size_t i = 0; i < list->count; i++) {
		struct candidate candidate;
		if (rank(selection, &list->items[i], &candidate) && compare(selection, &candidate, best) == 0)
			add_name(&names, count++, list->items[i].name);
	}
	url_add_encoded(&encoded, best->artifact->name, "");
	error_set(error, ERROR_AMBIGUOUS, "%zu artifacts of %s fit %s equally well: %s", count, rules->version,
		  selection->here_name, buf_text(&names));
	return error_hint(error, "add the one you want to the registry URL, for example ?artifact=%s", buf_text(&encoded));
}

static int select_fitting(const struct artifact_list *list, struct selection *selection, const struct artifact_rules *rules,
			  const struct artifact **ret, struct error *error)
{
	struct candidate best = {0};
	bool ambiguous = false;

	for (size_t i = 0; i < list->count; i++) {
		struct candidate candidate;
		if (!rank(selection, &list->items[i], &candidate))
			continue;
		int order = best.artifact ? compare(selection, &candidate, &best) : -1;
		if (order < 0)
			best = candidate;
		ambiguous = order == 0 || (ambiguous && order > 0);
	}
	if (!best.artifact)
		return explain_missing(list, rules, selection->here_name, error);
	*ret = best.artifact;
	return ambiguous ? explain_equals(list, selection, &best, rules, error) : 0;
}

static void split_text(struct words *words, const char *text)
{
	split(words, text ? text : "", text ? strlen(text) : 0);
}

int artifact_select(const struct artifact_list *list, const struct artifact_rules *rules, const struct artifact **ret,
		    struct error *error)
{
	struct selection selection = {0};
	const char *version = rules->version + (rules->version[0] == 'v');

	if (rules->wanted)
		return select_wanted(list, rules, ret, error);
	selection.here = platform_here(selection.here_name);
	split_text(&selection.version, version);
	split(&selection.core, version, strcspn(version, "-+"));
	split_text(&selection.projects[0], rules->projects[0]);
	split_text(&selection.projects[1], rules->projects[1]);
	int result = select_fitting(list, &selection, rules, ret, error);
	free_words(&selection.version);
	free_words(&selection.core);
	free_words(&selection.projects[0]);
	free_words(&selection.projects[1]);
	return result;
}

bool artifact_differs(const struct artifact *artifact, const cJSON *known)
{
	if (*artifact->digest)
		return !str_equal(artifact->digest, json_string(known, "digest"));
	return artifact->revision && !str_equal(artifact->revision, json_string(known, "revision"));
}
