/* SPDX-License-Identifier: MIT */
#include "mailbox.h"

#include "alloc.h"
#include "error.h"
#include "mime.h"
#include "path.h"
#include "str.h"

#include <ctype.h>
#include <string.h>

/* RFC 5321, 4.5.3.1 */
enum { LOCAL_BYTES = 64, DOMAIN_BYTES = 255, LABEL_BYTES = 63, LITERAL_BYTES = 60 };

void mailbox_free(struct mailbox *mailbox)
{
	free(mailbox->name);
	free(mailbox->address);
	*mailbox = (struct mailbox){0};
}

/* What programs take for an option, a file or a command cannot be the beginning of a local part. */
static bool is_local(const char *text, size_t length)
{
	static const char odd[] = "!#$%&'*+-/=?^_`{|}~.";

	if (length == 0 || length > LOCAL_BYTES || (!isalnum((unsigned char)text[0]) && text[0] != '_') || text[length - 1] == '.')
		return false;
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)text[i]) && (!strchr(odd, text[i]) || (text[i] == '.' && text[i + 1] == '.')))
			return false;
	return true;
}

static bool is_label(const char *text, size_t length)
{
	if (length == 0 || length > LABEL_BYTES || text[0] == '-' || text[length - 1] == '-')
		return false;
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)text[i]) && text[i] != '-')
			return false;
	return true;
}

bool mailbox_is_domain(const char *text)
{
	size_t length = strcspn(text, ".");

	if (strlen(text) > DOMAIN_BYTES)
		return false;
	while (is_label(text, length) && text[length]) {
		text += length + 1;
		length = strcspn(text, ".");
	}
	return is_label(text, length) && !text[length];
}

/* True for [192.0.2.1] and [IPv6:2001:db8::1] (RFC 5321, 4.1.3). */
static bool is_literal(const char *text)
{
	size_t prefix = str_starts(text, "[IPv6:") ? strlen("[IPv6:") : 1;
	size_t length = *text == '[' ? strspn(text + prefix, "0123456789abcdefABCDEF:.") : 0;

	return length > 0 && length < LITERAL_BYTES && str_equal(text + prefix + length, "]");
}

bool mailbox_is_address(const char *text)
{
	const char *at = strchr(text, '@');

	return at && is_local(text, (size_t)(at - text)) && (mailbox_is_domain(at + 1) || is_literal(at + 1));
}

static int refuse(const char *text, struct error *error)
{
	AUTO_FREE char *label = path_label(text);

	error_set(error, ERROR_CONFIG, "%s is no address of mail", *label ? label : "the empty text");
	return error_hint(error, "write it as NAME@DOMAIN, in ASCII: the name without quotes and spaces, a domain of other "
				 "letters as xn--...");
}

/* Returns the name before the address: without the space and the quotes around it. */
static char *name_before(const char *text, size_t length)
{
	AUTO_FREE char *name = NULL;

	while (length && text[length - 1] == ' ')
		length--;
	if (length >= 2 && text[0] == '"' && text[length - 1] == '"') {
		text++;
		length -= 2;
	}
	name = xstrndup(text, length);
	return length ? mime_line(name) : NULL;
}

int mailbox_parse(struct mailbox *mailbox, const char *text, struct error *error)
{
	const char *open = strrchr(text, '<');

	*mailbox = (struct mailbox){0};
	if (open && str_ends(open, ">")) {
		mailbox->name = name_before(text, (size_t)(open - text));
		mailbox->address = xstrndup(open + 1, strlen(open) - 2);
	} else {
		mailbox->address = xstrdup(text);
	}
	return mailbox_is_address(mailbox->address) ? 0 : refuse(mailbox->address, error);
}

int mailbox_add_list(struct words *addresses, const char *text, bool local, struct error *error)
{
	for (;;) {
		size_t length = strcspn(text, ",");
		AUTO_FREE char *address = xstrndup(text, length);
		if (!mailbox_is_address(address) && !(local && is_local(address, length)))
			return refuse(address, error);
		words_add(addresses, address);
		if (!text[length])
			return 0;
		text += length + 1;
	}
}
