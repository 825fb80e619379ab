/* SPDX-License-Identifier: MIT */
#include "alloc.h"
#include "error.h"
#include "http_exchange.h"
#include "proc.h"
#include "url.h"

#include <string.h>
#include <strings.h>

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

/* A file that is not there, or none of certificates: nothing was asked. */
static int explain_authorities(const struct exchange *exchange, struct error *error)
{
	error_set(error, ERROR_CONFIG, "cannot read the certificate authorities in %s", http_authorities(exchange->http));
	return error_hint(error, "name a PEM file that this user may read in --cacert or SSL_CERT_FILE");
}

/* Returns the variable that names the proxy for a URL, as libcurl reads it, or NULL. */
static const char *proxy_variable(const struct exchange *exchange)
{
	static const char *const plain[] = {"http_proxy", "all_proxy", "ALL_PROXY", NULL};
	static const char *const secure[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", NULL};
	const char *const *name = strncasecmp(exchange->request->url, "https:", 6) == 0 ? secure : plain;

	while (*name && !proc_variable(*name))
		name++;
	return exchange->request->direct ? NULL : *name;
}

static int explain_connection(const struct exchange *exchange, CURLcode code, const char *host, struct error *error)
{
	const char *proxy = proxy_variable(exchange);
	long number = 0, answer = 0;

	if (curl_easy_getinfo(exchange->curl, CURLINFO_HTTP_CONNECTCODE, &answer) == CURLE_OK && answer >= 300)
		error_set(error, ERROR_NETWORK, "cannot reach %s: the proxy answers %ld", host, answer);
	else if (code == CURLE_COULDNT_CONNECT && curl_easy_getinfo(exchange->curl, CURLINFO_OS_ERRNO, &number) == CURLE_OK && number)
		error_set(error, ERROR_NETWORK, "cannot reach %s: %s", host, strerror((int)number));
	else
		error_set(error, ERROR_NETWORK, "cannot reach %s: %s", host, reason(code));
	return proxy ? error_hint(error, "check the proxy that %s names, and no_proxy; the next run tries again", proxy) : -1;
}

int http_explain(const struct exchange *exchange, CURLcode code, struct error *error)
{
	AUTO_FREE char *last = http_last_host(exchange->http), *asked = url_host(exchange->request->url);
	const char *socket = exchange->request->socket;
	const char *host = socket ? socket : *last ? last : asked; /* a redirect may lead to a URL without a host */

	if (exchange->sink_failed)
		return -1; /* what the sink said */
	if (exchange->changed)
		return error_set(error, ERROR_NETWORK, "%s: what it sends changes all the time", host);
	if (exchange->exceeded)
		return error_set(error, ERROR_NETWORK, "%s: its answer is larger than %zu bytes", host, exchange->exceeded);
	if (code == CURLE_PEER_FAILED_VERIFICATION)
		return explain_certificate(exchange, code, host, error);
	if (code == CURLE_SSL_CACERT_BADFILE)
		return explain_authorities(exchange, error);
	return explain_connection(exchange, code, host, error);
}
