/* SPDX-License-Identifier: MIT */
#include "fetch/keys.h"

#include "alloc.h"
#include "buf.h"
#include "error.h"
#include "fetch/claims.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

void keys_free(struct keys *keys)
{
	free(keys->items);
	*keys = (struct keys){0};
}

static int check_file(int fd, const char *path, struct error *error)
{
	struct stat status;

	if (fd < 0 || fstat(fd, &status)) {
		error_set(error, ERROR_CONFIG, "cannot open the key %s: %s", path, strerror(errno));
		return error_hint(error, "give a file that this user may read, or the %d letters of the key themselves",
				  MINISIGN_KEY_LETTERS);
	}
	if (!S_ISREG(status.st_mode))
		return error_set(error, ERROR_CONFIG, "the key %s is no file", path);
	bool others = status.st_mode & (S_IWGRP | S_IWOTH) || (status.st_uid != 0 && status.st_uid != geteuid());
	if (!others)
		return 0;
	error_set(error, ERROR_CONFIG, "others may write to the key %s, and so decide what is installed", path);
	return error_hint(error, "let it belong to root or to the user that runs dewy, and chmod go-w it");
}

static int read_file(const char *path, struct minisign_key *ret, struct error *error)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	AUTO_BUF struct buf content = {0};

	if (check_file(fd, path, error))
		return -1;
	int result = buf_read(&content, fd, MINISIGN_FILE);
	if (result < 0)
		return error_set(error, ERROR_CONFIG, "cannot read the key %s: %s", path, strerror(errno));
	if (result > 0)
		return error_set(error, ERROR_CONFIG, "the key %s is larger than %d bytes", path, MINISIGN_FILE);
	return minisign_key_parse(buf_text(&content), content.length, ret, error) ? error_in(error, "the key %s", path) : 0;
}

static void add(struct keys *keys, const struct minisign_key *key)
{
	for (size_t i = 0; i < keys->count; i++)
		if (memcmp(keys->items[i].key, key->key, sizeof key->key) == 0)
			return;
	keys->items = xreallocarray(keys->items, keys->count + 1, sizeof *keys->items);
	keys->items[keys->count++] = *key;
}

static int read_keys(const struct options *options, struct keys *ret, struct error *error)
{
	struct minisign_key key;

	for (const char *const *given = option_list(options, OPT_VERIFY_KEY); *given; given++) {
		if (minisign_is_key(*given) ? minisign_key_parse(*given, strlen(*given), &key, error)
					    : read_file(*given, &key, error))
			return -1;
		add(ret, &key);
	}
	return ret->count ? minisign_check(error) : 0;
}

int keys_read(const struct options *options, struct keys *ret, struct error *error)
{
	*ret = (struct keys){0};
	if (claims_read(option_string(options, OPT_VERIFY_CLAIMS), &ret->claims, error) || read_keys(options, ret, error))
		return -1;
	if (!ret->count && (option_given(options, OPT_VERIFY_THRESHOLD) || ret->claims)) {
		error_set(error, ERROR_CONFIG, "--%s is given, and no key to verify signatures with",
			  ret->claims ? "verify-claims" : "verify-threshold");
		return error_hint(error, "give the public key with --verify-key");
	}
	if (ret->count)
		ret->threshold = (size_t)option_number(options, OPT_VERIFY_THRESHOLD);
	if (ret->threshold <= ret->count)
		return 0;
	error_set(error, ERROR_CONFIG, "--verify-threshold demands %zu keys, and --verify-key gives %zu", ret->threshold,
		  ret->count);
	return error_hint(error, "give more keys, each of them another one, or a smaller number");
}
