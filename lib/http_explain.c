/* SPDX-License-Identifier: MIT */
#include "alloc.h"
#include "error.h"
#include "http_exchange.h"
#include "proc.h"
#include "transfer.h"
#include "url.h"

#include <string.h>
#include <strings.h>

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

/* What did not work may be the proxy's doing. */
static int explain_proxy(const struct exchange *exchange, const char *host, struct error *error)
{
	const char *proxy = proxy_variable(exchange);
	long answer = 0;

	if (curl_easy_getinfo(exchange->curl, CURLINFO_HTTP_CONNECTCODE, &answer) == CURLE_OK && answer >= 300)
		error_set(error, ERROR_NETWORK, "cannot reach %s: the proxy answers %ld", host, answer);
	return proxy ? error_hint(error, "check the proxy that %s names, and no_proxy", proxy) : -1;
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
	transfer_explain(exchange->curl, code, host, exchange->detail, exchange->http->settings.authorities, error);
	if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
		return -1;
	return explain_proxy(exchange, host, error);
}
