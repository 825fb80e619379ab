/* SPDX-License-Identifier: MIT */
#include "transfer.h"

#include "alloc.h"
#include "buf.h"
#include "cleanup.h"
#include "error.h"
#include "proc.h"
#include "time.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

enum {
	CONNECT_MS = 10000,
	PAUSE_MS = 250, /* before the first retry; it doubles */
	LONGEST_PAUSE_MS = 30000,
};

static const char hashed_directory[] = "/etc/ssl/certs";

/* An option that libcurl does not take would be a limit that does not hold: it is an error, not a shrug. */
#define SET(option, value) failed |= curl_easy_setopt(curl, option, value) != CURLE_OK

/* True for a name such as 002c0b4f.0 (openssl-rehash(1)) that leads to a file. */
static bool is_hash(int directory, const char *name)
{
	struct stat status;

	return strspn(name, "0123456789abcdef") == 8 && name[8] == '.' && isdigit((unsigned char)name[9]) &&
	       fstatat(directory, name, &status, 0) == 0 && S_ISREG(status.st_mode);
}

/* Of a hashed directory, each second name is one: the first few tell, and readdir(3) would have the kernel read hundreds. */
static bool is_hashed(const char *path)
{
	AUTO_CLOSE int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_Alignas(struct dirent64) char names[1024];
	ssize_t length;

	while (directory >= 0 && (length = getdents64(directory, names, sizeof names)) > 0) {
		const struct dirent64 *entry;
		for (ssize_t at = 0; at < length; at += entry->d_reclen) {
			entry = (const struct dirent64 *)(const void *)(names + at);
			if (is_hash(directory, entry->d_name))
				return true;
		}
	}
	return false;
}

/* Returns the file and who names it, or NULL. */
static const char *find_authorities(const char *given, const char **ret_named_by)
{
	static const char *const variables[] = {"CURL_CA_BUNDLE", "SSL_CERT_FILE"};

	*ret_named_by = "--cacert";
	if (given)
		return given;
	for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
		const char *file = proc_variable(*ret_named_by = variables[i]);
		if (file)
			return file;
	}
	return NULL;
}

char *transfer_describe_trust(const char *given)
{
	const char *named_by, *file = find_authorities(given, &named_by), *bundle = curl_version_info(CURLVERSION_NOW)->cainfo;

	if (file)
		return xasprintf("%s, which %s names", file, named_by);
	return xstrdup(is_hashed(hashed_directory) ? hashed_directory : bundle ? bundle : "nothing");
}

/* Parsing the bundle of all authorities takes longer than the rest of a short exchange; of a hashed directory, only the
 * authority in question is read. */
int transfer_set_trust(CURL *curl, const char *given, bool secure)
{
	const char *named_by, *file = find_authorities(given, &named_by);
	int failed = 0;

	if (file) {
		SET(CURLOPT_CAINFO, file);
		SET(CURLOPT_CAPATH, NULL);
	} else if (secure && is_hashed(hashed_directory) && curl_easy_setopt(curl, CURLOPT_CAPATH, hashed_directory) == CURLE_OK) {
		SET(CURLOPT_CAINFO, NULL);
	}
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	return failed;
}

int transfer_set_time(CURL *curl, long long deadline)
{
	long long left = deadline - time_monotonic();
	int failed = 0;

	SET(CURLOPT_TIMEOUT_MS, left < 1 ? 1L : left > LONG_MAX ? LONG_MAX : (long)left);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_QUICK_EXIT, 1L); /* else cleaning up waits for a name server that does not answer */
	return failed;
}

int transfer_lacks_option(struct error *error)
{
	return error_set(error, ERROR_INTERNAL, "libcurl %s lacks an option", curl_version_info(CURLVERSION_NOW)->version);
}

bool transfer_is_passing(CURLcode code)
{
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_CONNECT:
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_PARTIAL_FILE:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		return true;
	default:
		return false;
	}
}

long long transfer_pause(int retry)
{
	long long pause = retry < 8 ? (long long)PAUSE_MS << retry : LONGEST_PAUSE_MS;
	unsigned chance = 0;

	if (pause > LONGEST_PAUSE_MS)
		pause = LONGEST_PAUSE_MS;
	(void)!getrandom(&chance, sizeof chance, GRND_NONBLOCK); /* without it, the pause is only less well spread */
	return pause / 2 + chance % (pause / 2 + 1);
}

void transfer_take_tls(const char *remark, size_t length, char tls[TRANSFER_TLS])
{
	static const char begin[] = "SSL connection using ";
	size_t skipped = sizeof begin - 1;

	if (length <= skipped || memcmp(remark, begin, skipped) != 0)
		return;
	if (remark[length - 1] == '\n')
		length--;
	snprintf(tls, TRANSFER_TLS, "%.*s", (int)(length - skipped), remark + skipped);
}

void transfer_add_address(CURL *curl, struct buf *address)
{
	const char *text = NULL;
	long port = 0;

	if (curl_easy_getinfo(curl, CURLINFO_PRIMARY_IP, &text) == CURLE_OK && text && *text &&
	    curl_easy_getinfo(curl, CURLINFO_PRIMARY_PORT, &port) == CURLE_OK)
		buf_printf(address, strchr(text, ':') ? "[%s]:%ld" : "%s:%ld", text, port);
}

static const char *reason(CURLcode code)
{
	static const struct {
		CURLcode code;
		const char *reason;
	} reasons[] = {
		{CURLE_URL_MALFORMAT, "its URL is damaged"},
		{CURLE_UNSUPPORTED_PROTOCOL, "it leads to a URL that is not https, or its answer is not HTTP"},
		{CURLE_COULDNT_RESOLVE_HOST, "the host name is unknown"},
		{CURLE_COULDNT_RESOLVE_PROXY, "the host name of the proxy is unknown"},
		{CURLE_COULDNT_CONNECT, "no connection"},
		{CURLE_OPERATION_TIMEDOUT, "timed out"},
		{CURLE_SSL_CONNECT_ERROR, "no agreement on a TLS connection"},
		{CURLE_PEER_FAILED_VERIFICATION, "its certificate was refused"},
		{CURLE_TOO_MANY_REDIRECTS, "too many redirects"},
		{CURLE_GOT_NOTHING, "it closed the connection without an answer"},
		{CURLE_SEND_ERROR, "the connection broke"},
		{CURLE_RECV_ERROR, "the connection broke"},
		{CURLE_PARTIAL_FILE, "the answer ended too early"},
		{CURLE_OUT_OF_MEMORY,
		 "a header of its answer is too large"}, /* what libcurl calls it; other memory is no problem */
	};

	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
		if (reasons[i].code == code)
			return reasons[i].reason;
	return curl_easy_strerror(code);
}

static int explain_certificate(const char *host, CURLcode code, const char *detail, struct error *error)
{
	error_set(error, ERROR_NETWORK, "cannot reach %s: %s%s%s", host, reason(code), *detail ? ": " : "", detail);
	return error_hint(
		error, "name the file of its certificate authority in --cacert or SSL_CERT_FILE, and check this machine's clock");
}

/* A file that is not there, or none of certificates: nothing was asked. */
static int explain_authorities(const char *given, struct error *error)
{
	const char *named_by;

	error_set(error, ERROR_CONFIG, "cannot read the certificate authorities in %s", find_authorities(given, &named_by));
	return error_hint(error, "name a PEM file that this user may read in --cacert or SSL_CERT_FILE");
}

int transfer_explain(CURL *curl, CURLcode code, const char *host, const char *detail, const char *given, struct error *error)
{
	long number = 0;

	if (code == CURLE_PEER_FAILED_VERIFICATION)
		return explain_certificate(host, code, detail, error);
	if (code == CURLE_SSL_CACERT_BADFILE)
		return explain_authorities(given, error);
	if (code == CURLE_COULDNT_CONNECT && curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &number) == CURLE_OK && number)
		return error_set(error, ERROR_NETWORK, "cannot reach %s: %s", host, strerror((int)number));
	error_set(error, ERROR_NETWORK, "cannot reach %s: %s", host, reason(code));
	return code == CURLE_SSL_CONNECT_ERROR ? error_hint(error, "check the port: it may speak no TLS, or none as new as 1.2")
					       : -1;
}
