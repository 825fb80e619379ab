/* SPDX-License-Identifier: MIT */
/* floor URL HEADER: the least that a program with libcurl does for one conditional request, of which it prints the status. The
 * authority of the server is looked up in the directory of certificates, and no bundle is parsed. */
#include <curl/curl.h>
#include <stdio.h>

static size_t discard(char *bytes, size_t size, size_t count, void *context)
{
	(void)bytes;
	(void)context;
	return size * count;
}

int main(int argc, char *argv[])
{
	CURL *curl = argc == 3 ? curl_easy_init() : NULL;
	struct curl_slist *headers = argc == 3 ? curl_slist_append(NULL, argv[2]) : NULL;
	long status = 0;

	if (!curl || !headers)
		return 1;
	curl_easy_setopt(curl, CURLOPT_URL, argv[1]);
	curl_easy_setopt(curl, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(curl, CURLOPT_CAPATH, "/etc/ssl/certs");
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "floor");
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, discard);
	CURLcode code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	if (code != CURLE_OK) {
		fprintf(stderr, "floor: %s\n", curl_easy_strerror(code));
		return 1;
	}
	return printf("%ld", status) < 0;
}
