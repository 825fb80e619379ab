/* SPDX-License-Identifier: MIT */
/* What every use of libcurl has in common: whom it trusts, when it ends, and how it is told why it did not work. Certificates are
 * verified against the file that is given, else the one that CURL_CA_BUNDLE or SSL_CERT_FILE names, else the authorities of the
 * system; TLS is 1.2 or newer. */
#ifndef DEWY_TRANSFER_H
#define DEWY_TRANSFER_H

#include <curl/curl.h>
#include <stdbool.h>

struct buf;
struct error;

enum { TRANSFER_TLS = 64 }; /* bytes of what TLS a connection uses, as text */

/* Sets whom libcurl trusts. given is a PEM file of certificate authorities, or NULL for those above; secure says that TLS will be
 * spoken for sure. What given points to must outlive the transfer. Returns 0, or another number when libcurl lacks an option. */
int transfer_set_trust(CURL *curl, const char *given, bool secure);

/* Sets that the transfer ends at the deadline, in milliseconds on the monotonic clock, and connecting after 10 s. Returns 0, or
 * another number when libcurl lacks an option. */
int transfer_set_time(CURL *curl, long long deadline);

/* Fills in the error for a libcurl that does not take an option. Returns -1. */
int transfer_lacks_option(struct error *error);

/* Returns what certificates are verified against: a file and who names it, or a directory; the caller frees it. */
char *transfer_describe_trust(const char *given);

/* True when a transfer that ended with that code may succeed a moment later. */
bool transfer_is_passing(CURLcode code);

/* Returns the milliseconds to wait before the retry of that number, which begins at 0: a pause that doubles, up to 30 s, half of it
 * by chance, so that many machines do not come back at once. */
long long transfer_pause(int retry);

/* Takes from a remark of libcurl's (CURLINFO_TEXT), which has length bytes, what TLS a connection uses, such as "TLSv1.3 / NAME",
 * if it says so: libcurl tells that in no other way, whatever it does TLS with. */
void transfer_take_tls(const char *remark, size_t length, char tls[TRANSFER_TLS]);

/* Appends the ADDRESS:PORT that libcurl is or was connected to, an IPv6 address in brackets; nothing when there was none. */
void transfer_add_address(CURL *curl, struct buf *address);

/* Fills in the error for a transfer with host that ended with that code. detail is what libcurl had to say of it
 * (CURLOPT_ERRORBUFFER), given is as above. Returns -1 with ERROR_NETWORK, or with ERROR_CONFIG for certificate authorities that
 * cannot be read. */
int transfer_explain(CURL *curl, CURLcode code, const char *host, const char *detail, const char *given, struct error *error);

#endif
