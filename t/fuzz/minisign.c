/* SPDX-License-Identifier: MIT */
/* A public key of minisign, a form feed, and a signature file; each line of that is taken for what a comment claims, too. */
#include "fuzz.h"

#include "error.h"
#include "fetch/claims.h"
#include "minisign.h"

#include <string.h>

static const char digest[] = MINISIGN_DIGEST
	":786a02f742015903c6c6fd852552d272912f4740e15847618a86e217f71f5419"
	"d25e1031afee585313896444934eb04b903a685b1448b755d56f701afe9be2ce"; /* of nothing */

/* What verifies was made by whoever has the secret key of the seeds. */
static void verify(const struct minisign_signature *signature, const struct minisign_key *key)
{
	struct error error;
	char id[MINISIGN_ID_TEXT];

	FUZZ_HOLDS(fuzz_is_clean(minisign_id(signature->id, id)) && strlen(id) == MINISIGN_ID_TEXT - 1);
	FUZZ_HOLDS(strlen(signature->comment) < MINISIGN_COMMENT && !strchr(signature->comment, '\n'));
	FUZZ_HOLDS(minisign_verify_comment(signature, key, &error) == 0 || error.code == ERROR_INTEGRITY);
	FUZZ_HOLDS(minisign_verify_content(signature, key, digest, &error) == 0 || error.code == ERROR_INTEGRITY);
}

/* A comment that claims nothing is none that has to claim something. */
static void claim(const uint8_t *bytes, size_t length)
{
	static const struct claimed of = {.app = "app", .version = "v1.2.3", .file = "app.tar.gz"};
	AUTO_PARTS struct fuzz_parts lines;
	struct error error;
	unsigned all, claims;

	FUZZ_HOLDS(claims_read("app,version,os,arch,file,expires", &all, &error) == 0);
	fuzz_parts_cut(&lines, bytes, length, '\n');
	for (size_t i = 0; i < lines.count; i++) {
		FUZZ_HOLDS(claims_check(lines.items[i], 0, &of, &error) == 0 || error.code == ERROR_INTEGRITY);
		FUZZ_HOLDS(claims_check(lines.items[i], all, &of, &error) || strstr(lines.items[i], "1.2.3"));
		FUZZ_HOLDS(claims_read(lines.items[i], &claims, &error) || !(claims & ~all));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	const uint8_t *end = length ? memchr(bytes, '\f', length) : NULL;
	size_t key_length = end ? (size_t)(end - bytes) : length, behind = end ? length - key_length - 1 : 0;
	AUTO_FREE char *text = fuzz_text(bytes, key_length);
	struct minisign_key key;
	struct minisign_signature signature;
	struct error error;

	bool keyed = minisign_key_parse(bytes, key_length, &key, &error) == 0;
	FUZZ_HOLDS(keyed || error.code == ERROR_CONFIG);
	minisign_is_key(text);
	bool signed_ = minisign_signature_parse(end ? end + 1 : bytes, behind, &signature, &error) == 0;
	FUZZ_HOLDS(signed_ || error.code == ERROR_INTEGRITY);
	FUZZ_HOLDS(!signed_ || behind <= MINISIGN_FILE);
	if (keyed && signed_)
		verify(&signature, &key);
	claim(end ? end + 1 : bytes, behind);
	return 0;
}
