/* SPDX-License-Identifier: MIT */
#include "notify/mail.h"

#include "alloc.h"
#include "buf.h"
#include "error.h"
#include "log.h"
#include "notify/mail_message.h"
#include "secret.h"
#include "smtp.h"
#include "str.h"

#include <string.h>
#include <strings.h>

enum { SUBMISSION = 587, SUBMISSION_TLS = 465, RELAY = 25, MOST_PORT = 65535 };

/* Where the mail of a channel goes. */
struct route {
	char *host; /* an IPv6 address in brackets */
	long long port;
	enum smtp_tls tls;
	bool loopback;
	char *username, *password; /* NULL for no AUTH */
	struct mail mail;
};

static void route_free(struct route *route)
{
	free(route->host);
	free(route->username);
	free(route->password);
	mail_free(&route->mail);
}

#define AUTO_ROUTE AUTO(route_free)

static char *place(const struct channel *channel)
{
	return url_host(channel->address);
}

/* Others can read the command line, and a password in a URL would end in files besides. */
static int refuse_secrets(const struct url *url, struct error *error)
{
	if (strchr(url->authority, '@') || url_parameter(url, "password") || url_parameter(url, "username")) {
		error_set(error, ERROR_CONFIG, "a user name and a password do not belong into the URL");
		return error_hint(error, "set MAIL_USERNAME, and MAIL_PASSWORD_FILE to a file that holds the password");
	}
	return 0;
}

static bool is_ipv6(const char *host)
{
	size_t length = *host == '[' ? strspn(host + 1, "0123456789abcdefABCDEF:.") : 0;

	return length > 1 && str_equal(host + 1 + length, "]");
}

/* Reads HOST[:PORT]; the port stays 0 when there is none. */
static int read_place(struct route *route, const char *authority, struct error *error)
{
	const char *end = *authority == '[' ? strchr(authority, ']') : NULL, *colon = strchr(end ? end : authority, ':');

	route->host = xstrndup(authority, colon ? (size_t)(colon - authority) : strlen(authority));
	if (!mailbox_is_domain(route->host) && !is_ipv6(route->host)) {
		error_set(error, ERROR_CONFIG, "there is no mail server in the URL");
		return error_hint(error, "write it as mail://HOST[:PORT]/TO, an IPv6 address in brackets");
	}
	if (colon && (str_to_number(colon + 1, &route->port) || route->port < 1 || route->port > MOST_PORT)) {
		error_set(error, ERROR_CONFIG, "the port is none");
		return error_hint(error, "give a number from 1 to %d behind the host, or none for %d", MOST_PORT, SUBMISSION);
	}
	route->loopback =
		strcasecmp(route->host, "localhost") == 0 || str_starts(route->host, "127.") || str_equal(route->host, "[::1]");
	return 0;
}

/* Port 465 has TLS from the start (RFC 8314), every other one STARTTLS. */
static int read_tls(struct route *route, const struct url *url, struct error *error)
{
	const char *tls = url_parameter(url, "tls");
	bool implicit = str_equal(url->scheme, "smtps");

	if (str_equal(tls, "implicit") || (!tls && (implicit || route->port == SUBMISSION_TLS))) {
		route->tls = SMTP_IMPLICIT;
	} else if (!implicit && (!tls || str_equal(tls, "starttls"))) {
		route->tls = SMTP_STARTTLS;
	} else if (!implicit && str_equal(tls, "none")) {
		route->tls = SMTP_CLEAR;
	} else {
		error_set(error, ERROR_CONFIG, "tls: expected %s",
			  implicit ? "implicit, as smtps:// says" : "starttls, implicit or none");
		return error_hint(error, "leave it out: port 465 has TLS from the start, others STARTTLS");
	}
	if (!route->port)
		route->port = route->tls == SMTP_IMPLICIT ? SUBMISSION_TLS : route->tls == SMTP_CLEAR ? RELAY : SUBMISSION;
	return 0;
}

static int read_credentials(struct route *route, struct error *error)
{
	if (secret_read("MAIL_USERNAME", &route->username, error) || secret_read("MAIL_PASSWORD", &route->password, error))
		return -1;
	if (!route->username != !route->password) {
		error_set(error, ERROR_CONFIG, "there is a %s without a %s", route->username ? "MAIL_USERNAME" : "MAIL_PASSWORD",
			  route->username ? "MAIL_PASSWORD" : "MAIL_USERNAME");
		return error_hint(error, "set both (MAIL_PASSWORD_FILE names a file), or none for a server that wants no password");
	}
	if (route->username && route->tls == SMTP_CLEAR && !route->loopback) {
		error_set(error, ERROR_CONFIG, "tls=none would send the password in the clear");
		return error_hint(error, "leave out tls=none, or unset MAIL_USERNAME and MAIL_PASSWORD");
	}
	return 0;
}

/* A sender that nobody has named is the user at the server, or dewy on this machine. */
static void choose_sender(struct route *route)
{
	AUTO_FREE char *host = mail_host();
	struct mailbox *from = &route->mail.from;

	if (!from->address)
		from->address = route->username && mailbox_is_address(route->username) ? xstrdup(route->username)
										       : xasprintf("dewy@%s", host);
}

/* Returns 0, or -1; the caller gives route to route_free in both cases. */
static int route_open(struct route *route, const struct channel *channel, struct error *error)
{
	static const char *const parameters[] = {"from", "subject", "to", "tls", "quiet", NULL};
	const struct url *url = &channel->url;

	*route = (struct route){0};
	if (refuse_secrets(url, error) || url_check_parameters(url, parameters, error) ||
	    read_place(route, url->authority, error) || read_tls(route, url, error) || read_credentials(route, error) ||
	    mail_open(&route->mail, channel, *url->path ? url->path + 1 : NULL, false, error))
		return -1;
	choose_sender(route);
	return 0;
}

static int check(const struct channel *channel, struct error *error)
{
	AUTO_ROUTE struct route route = {0};

	return route_open(&route, channel, error);
}

static int send(struct channel *channel, const struct message *message, long long timeout_ms, struct error *error)
{
	AUTO_ROUTE struct route route = {0};
	AUTO_BUF struct buf refused = {0};

	if (route_open(&route, channel, error))
		return -1;
	AUTO_FREE char *host = mail_host(), *content = mail_write(&route.mail, channel, message);
	AUTO_FREE char *server_place = xasprintf("%s:%lld", route.host, route.port);
	const struct smtp_server server = {
		.place = server_place,
		.tls = route.tls,
		.direct = route.loopback,
		.username = route.username,
		.password = route.password,
		.authorities = channel->authorities,
		.name = host,
	};
	const struct smtp_mail mail = {
		.from = route.mail.from.address,
		.to = words_list(&route.mail.to),
		.content = content,
		.timeout_ms = timeout_ms,
	};
	if (smtp_send(&server, &mail, &refused, error))
		return -1;
	if (refused.length) /* to tell it again would be to tell the others twice */
		log_warn("Notification refused for some", "channel", channel->name, "refused", buf_text(&refused));
	mail_note_thread(channel, message);
	return 0;
}

const struct channel_ops mail_channel = {.place = place, .check = check, .send = send};
