/* SPDX-License-Identifier: MIT */
#include "fetch/signatures.h"

#include "alloc.h"
#include "error.h"
#include "fetch/checksums.h"
#include "fetch/claims.h"
#include "fetch/small.h"
#include "log.h"
#include "path.h"
#include "str.h"

#include <string.h>

enum { MOST_REFUSALS = 4 };

void signatures_free(struct signatures *signatures)
{
	for (size_t i = 0; i < signatures->count; i++)
		free(signatures->items[i].file);
	free(signatures->items);
	buf_free(&signatures->refused);
	keys_free(&signatures->keys);
	*signatures = (struct signatures){0};
}

/* A signature that is being read. */
struct reading {
	struct signatures *signatures;
	struct registry *registry;
	const cJSON *document;
	struct voucher voucher; /* what becomes of it */
	char *subject;          /* name of what it is a signature of */
	const char *url;        /* of that, when it is a checksum file; NULL for the artifact */
};

#define AUTO_READING AUTO(free_reading)

static void free_reading(struct reading *reading)
{
	free(reading->voucher.file);
	free(reading->subject);
}

/* Notes why a signature does not count. Returns 1. */
static int refuse(struct signatures *signatures, const char *file, const struct error *why)
{
	AUTO_FREE char *label = path_label(file);

	log_debug("The signature does not count", "file", file, "error", why->message);
	if (signatures->refusals++ < MOST_REFUSALS)
		buf_printf(&signatures->refused, "%s%s: %s", signatures->refused.length ? "; " : "", label, why->message);
	return 1;
}

/* As refuse, for a signature that a key has made, or seems to have: that is nothing that should happen. */
static int reject(struct signatures *signatures, const struct voucher *voucher, const struct error *why)
{
	char id[MINISIGN_ID_TEXT];

	log_warn("A signature of a known key does not count", "key_id", minisign_id(voucher->signature.id, id), "file",
		 voucher->file, "error", why->message);
	return refuse(signatures, voucher->file, why);
}

/* Takes the name as that of what is signed, if it is, and longer than what was found before: APP.sha256.minisig is a signature of
 * APP.sha256, and not one of APP. */
static void consider(struct reading *reading, const char *name, const char *url)
{
	if (!name || !registry_is_signature(reading->voucher.file, name) ||
	    (reading->subject && strlen(reading->subject) >= strlen(name)))
		return;
	free(reading->subject);
	reading->subject = xstrdup(name);
	reading->url = url;
}

static void find_subject(struct reading *reading)
{
	const cJSON *item;

	consider(reading, json_string(reading->document, "artifact.name"), NULL);
	cJSON_ArrayForEach(item, json_get(reading->document, "artifact.checksum_urls"))
	{
		const char *url = cJSON_GetStringValue(item);
		AUTO_FREE char *name = url ? small_name(url) : NULL;
		consider(reading, name, url);
	}
}

/* Finds the key whose signature the trusted comment has. Returns 0, or 1 when there is none. */
static int find_key(struct reading *reading, struct error *error)
{
	const struct keys *keys = &reading->signatures->keys;
	struct voucher *voucher = &reading->voucher;
	char id[MINISIGN_ID_TEXT];
	bool known = false;

	for (size_t i = 0; i < keys->count; i++) {
		voucher->key = &keys->items[i];
		if (memcmp(voucher->key->id, voucher->signature.id, sizeof voucher->key->id) != 0)
			continue;
		known = true;
		if (minisign_verify_comment(&voucher->signature, voucher->key, error) == 0)
			return 0;
	}
	if (known)
		return reject(reading->signatures, voucher, error);
	error_set(error, ERROR_INTEGRITY, "it is by the key %s, and not by one of --verify-key",
		  minisign_id(voucher->signature.id, id));
	return refuse(reading->signatures, voucher->file, error);
}

static int check_claims(const struct reading *reading, struct error *error)
{
	const struct claimed of = {
		.app = json_string(reading->document, "app"),
		.version = json_string(reading->document, "release.version"),
		.file = reading->subject,
	};

	return claims_check(reading->voucher.signature.comment, reading->signatures->keys.claims, &of, error) == 0
		       ? 0
		       : reject(reading->signatures, &reading->voucher, error);
}

/* Verifies the signature of a checksum file, and learns what that tells. Returns 0, 1 when it does not count, or -1. */
static int read_checksums(struct reading *reading, struct error *error)
{
	struct voucher *voucher = &reading->voucher;
	AUTO_BUF struct buf text = {0};
	AUTO_FREE char *file = NULL;
	char digest[DIGEST_TEXT];
	int result = small_read(reading->registry, reading->url, CHECKSUMS_LIMIT, &file, &text, error);

	if (result < 0)
		return error_in(error, "the checksum file %s", reading->subject);
	if (result > 0)
		return reject(reading->signatures, voucher, error);
	struct digest *hash = digest_begin(MINISIGN_DIGEST);
	if (!hash)
		return minisign_check(error);
	digest_add(hash, text.data, text.length);
	digest_end(hash, digest);
	if (minisign_verify_content(&voucher->signature, voucher->key, digest, error))
		return reject(reading->signatures, voucher, error);
	const char *name = json_string(reading->document, "artifact.name");
	if (checksums_find(text.data, reading->subject, name, voucher->digest, error) == 0)
		return 0;
	error_set(error, ERROR_INTEGRITY, "%s does not tell the one checksum of %s", reading->subject, name);
	return reject(reading->signatures, voucher, error);
}

/* Reads one signature into reading. Returns 0 when its key may vouch for the artifact, 1 when it does not count, or -1. */
static int read_signature(struct reading *reading, const char *url, struct error *error)
{
	struct voucher *voucher = &reading->voucher;
	AUTO_BUF struct buf text = {0};
	int result = small_read(reading->registry, url, MINISIGN_FILE, &voucher->file, &text, error);

	if (result < 0)
		return voucher->file ? error_in(error, "the signature %s", voucher->file) : -1;
	find_subject(reading);
	if (result == 0 && !reading->subject)
		result = error_set(error, ERROR_INTEGRITY, "its name is that of no signature of the artifact");
	if (result || minisign_signature_parse(text.data, text.length, &voucher->signature, error))
		return refuse(reading->signatures, voucher->file, error);
	if (find_key(reading, error) || check_claims(reading, error))
		return 1;
	return reading->url ? read_checksums(reading, error) : 0;
}

static void add(struct signatures *signatures, struct voucher *voucher, struct expected *expected)
{
	signatures->items = xreallocarray(signatures->items, signatures->count + 1, sizeof *signatures->items);
	signatures->items[signatures->count++] = *voucher;
	voucher->file = NULL;
	expected->also[0] = MINISIGN_DIGEST;
	if (str_starts(voucher->digest, "sha512:"))
		expected->also[1] = "sha512";
}

static int read_all(struct signatures *signatures, struct registry *registry, const cJSON *document, struct expected *expected,
		    struct error *error)
{
	const cJSON *item;
	int files = 0;

	cJSON_ArrayForEach(item, json_get(document, "artifact.signature_urls"))
	{
		AUTO_READING struct reading reading = {.signatures = signatures, .registry = registry, .document = document};
		const char *url = cJSON_GetStringValue(item);
		if (!url || ++files > REGISTRY_SIGNATURES)
			break;
		int result = read_signature(&reading, url, error);
		if (result < 0)
			return -1;
		if (result == 0)
			add(signatures, &reading.voucher, expected);
	}
	return 0;
}

/* Returns how many keys vouch: each counts once, however often it has signed. */
static size_t count_keys(const struct signatures *signatures)
{
	size_t count = 0;

	for (size_t i = 0; i < signatures->keys.count; i++) {
		bool vouches = false;
		for (size_t j = 0; j < signatures->count; j++)
			vouches = vouches || (signatures->items[j].holds && signatures->items[j].key == &signatures->keys.items[i]);
		count += vouches;
	}
	return count;
}

/* Adds what to do when only so many keys vouch for the artifact of that name. Returns -1. */
static int advise(const struct signatures *signatures, size_t there, const char *name, struct error *error)
{
	if (there)
		return error_hint(error, "have another key sign it, too, as %.100s.WORD.minisig: minisign -S -x", name);
	if (signatures->refusals)
		return error_hint(error, "find out who changed it, or sign it anew: by such a key, and with -t for claims");
	return error_hint(error, "publish %.100s.minisig beside it, as minisign -S writes it with a key that --verify-key names",
			  name);
}

/* Returns 0 when enough keys vouch for the artifact of that name, else -1. */
static int count_up(const struct signatures *signatures, const char *name, struct error *error)
{
	size_t there = count_keys(signatures), needed = signatures->keys.threshold;
	const char *refused = buf_text(&signatures->refused);

	if (there >= needed)
		return 0;
	if (there == 0 && !signatures->refusals)
		error_set(error, ERROR_INTEGRITY, "%s is not signed, and neither is a checksum file that names it", name);
	else
		error_set(error, ERROR_INTEGRITY, "%s has %zu of the %zu signatures that it needs%s%s%s", name, there, needed,
			  *refused ? ": " : "", refused, signatures->refusals > MOST_REFUSALS ? "; and more" : "");
	return advise(signatures, there, name, error);
}

int signatures_learn(struct signatures *signatures, struct registry *registry, const cJSON *document, struct expected *expected,
		     struct error *error)
{
	if (read_all(signatures, registry, document, expected, error))
		return -1;
	for (size_t i = 0; i < signatures->count; i++)
		signatures->items[i].holds = true; /* as far as can be known before there is a content */
	return count_up(signatures, json_string(document, "artifact.name"), error);
}

/* Compares the content with what a signed checksum file tells. Returns 0 or -1. */
static int compare(const struct voucher *voucher, const struct content *content, struct error *error)
{
	const char *found = content_digest(content, voucher->digest);

	if (found && strcasecmp(found, voucher->digest) == 0)
		return 0;
	return error_set(error, ERROR_INTEGRITY, "the checksum file has %s, and not %s", voucher->digest, found ? found : "that");
}

int signatures_judge(struct signatures *signatures, const struct content *content, const char *name, struct error *error)
{
	const char *digest = content_digest(content, MINISIGN_DIGEST);
	size_t refusals = signatures->refusals, length = signatures->refused.length;

	for (size_t i = 0; i < signatures->count; i++) {
		struct voucher *voucher = &signatures->items[i];
		voucher->holds = (*voucher->digest ? compare(voucher, content, error)
						   : minisign_verify_content(&voucher->signature, voucher->key,
									     digest ? digest : "", error)) == 0;
		if (!voucher->holds)
			reject(signatures, voucher, error);
	}
	int result = count_up(signatures, name, error);
	signatures->refusals = refusals; /* another content may be judged */
	signatures->refused.length = length;
	if (signatures->refused.data)
		signatures->refused.data[length] = '\0';
	return result;
}

cJSON *signatures_describe(const struct signatures *signatures)
{
	cJSON *items = xrequire(cJSON_CreateArray());

	for (size_t i = 0; i < signatures->count; i++) {
		const struct voucher *voucher = &signatures->items[i];
		cJSON *item = xrequire(cJSON_CreateObject());
		char id[MINISIGN_ID_TEXT];
		minisign_id(voucher->key->id, id);
		if (voucher->holds)
			log_info("Verified signature", "key_id", id, "file", voucher->file, "comment", voucher->signature.comment);
		json_set_string(item, "key_id", id);
		json_set_string(item, "file", voucher->file);
		json_set_string(item, "comment", voucher->signature.comment);
		voucher->holds ? (void)cJSON_AddItemToArray(items, item) : cJSON_Delete(item);
	}
	return items;
}
