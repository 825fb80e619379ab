/* SPDX-License-Identifier: MIT */
#include "alloc.h"
#include "error.h"
#include "http_exchange.h"
#include "url.h"

#include <string.h>

static const char *reason(CURLcode code)
{
	static const struct {
		CURLcode code;
		const char *reason;
	} reasons[] = {
		{CURLE_URL_MALFORMAT, "its URL is damaged"},
		{CURLE_UNSUPPORTED_PROTOCOL, "it leads to a URL that is not https"},
		{CURLE_COULDNT_RESOLVE_HOST, "the host name is unknown"},
		{CURLE_COULDNT_RESOLVE_PROXY, "the host name of the proxy is unknown"},
		{CURLE_COULDNT_CONNECT, "no connection"},
		{CURLE_OPERATION_TIMEDOUT, "timed out"},
		{CURLE_SSL_CONNECT_ERROR, "no agreement on a TLS connection"},
		{CURLE_PEER_FAILED_VERIFICATION, "its certificate was refused"},
		{CURLE_SSL_CACERT_BADFILE, "the file of the trusted certificate authorities cannot be read"},
		{CURLE_TOO_MANY_REDIRECTS, "too many redirects"},
		{CURLE_GOT_NOTHING, "it closed the connection without an answer"},
		{CURLE_SEND_ERROR, "the connection broke"},
		{CURLE_RECV_ERROR, "the connection broke"},
		{CURLE_PARTIAL_FILE, "the answer ended too early"},
		{CURLE_OUT_OF_MEMORY, "a header of its answer is too large"}, /* what libcurl calls it; other memory is no problem */
	};

	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
		if (reasons[i].code == code)
			return reasons[i].reason;
	return curl_easy_strerror(code);
}

static int explain_certificate(const struct exchange *exchange, CURLcode code, const char *host, struct error *error)
{
	error_set(error, ERROR_NETWORK, "cannot reach %s: %s%s%s", host, reason(code), exchange->detail[0] ? ": " : "",
		  exchange->detail);
	return error_hint(error, "name the file of its certificate authority in --cacert or SSL_CERT_FILE, and check this machine's clock");
}

int http_explain(const struct exchange *exchange, CURLcode code, struct error *error)
{
	AUTO_FREE char *last = http_last_host(exchange->http), *asked = url_host(exchange->request->url);
	const char *host = *last ? last : asked; /* a redirect may lead to a URL without a host */
	long number = 0;

	if (exchange->sink_failed)
		return -1; /* what the sink said */
	if (exchange->changed)
		return error_set(error, ERROR_NETWORK, "%s: what it sends changes all the time", host);
	if (exchange->exceeded)
		return error_set(error, ERROR_NETWORK, "%s: its answer is larger than %zu bytes", host, exchange->exceeded);
	if (code == CURLE_PEER_FAILED_VERIFICATION)
		return explain_certificate(exchange, code, host, error);
	if (code == CURLE_COULDNT_CONNECT && curl_easy_getinfo(exchange->curl, CURLINFO_OS_ERRNO, &number) == CURLE_OK && number)
		return error_set(error, ERROR_NETWORK, "cannot reach %s: %s", host, strerror((int)number));
	return error_set(error, ERROR_NETWORK, "cannot reach %s: %s", host, reason(code));
}
