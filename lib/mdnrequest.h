/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/mdnrequest.h - what a message's own header asks of whoever gets it, as to disposition notifications
 * (RFC 8098, 2) and other forms of its content (RFC 3297).  Pure.  What comes back is lib/notification.h's.
 */
#ifndef LIB_MDNREQUEST_H
#define LIB_MDNREQUEST_H

#include "lib/address.h"

enum {
	MDNREQUEST_ID = 200,		/* octets of a message ID that is answered */
	MDNREQUEST_PARAMETERS = 32	/* of Disposition-Notification-Options */
};

/* RFC 3297, 6.1 and 6.3. */
enum mdnrequest_offer {
	OFFER_NONE,
	OFFER_TRANSIENT, OFFER_PERMANENT,	/* Alternative-available: the sender has other forms, for so long */
	OFFER_GONE			/* Alternative-not-available: it has none any more */
};

struct mdnrequest {
	bool asked;		/* one Disposition-Notification-To with one address in it */
	bool foreign;		/* some parameter is `required` and not known here, or the options cannot be read:
				 * no notification may be made (RFC 8098, 2.2) */
	enum mdnrequest_offer offer;
	char to[ADDRESS_MAX + 1];	/* that address, "" if !asked */
	char id[MDNREQUEST_ID + 1];	/* Message-ID with its brackets; "": none, several, or none that can be cited */
	char original[MDNREQUEST_ID + 1];	/* Original-Message-ID (RFC 3297, 5), the same */
	bool answers;		/* there is such a field, of whatever form: it is a re-send or a refusal */
};

/* Reads a message's header (mime_message_header).  Whatever is there twice or cannot be read is not there,
 * but for `foreign` and `answers`.  Cannot fail. */
void mdnrequest_read(struct span header, struct mdnrequest *out);

/*
 * May a program answer of itself?  Only where the one address that is asked for is the reverse-path's,
 * which is not null (RFC 8098, 2.1: the domain in any case, the rest octet by octet), nothing is foreign,
 * and there is a Message-ID to tell of.  Nobody is answered, or spoken of, whose address needs SMTPUTF8.
 */
bool mdnrequest_may_answer(const struct mdnrequest *r, struct span sender, struct span rcpt);

/* Does the header name rcpt in To, Cc or Bcc (RFC 3297, 3.2.3), or its sender's spelling, orcpt as it came
 * or ""? Compared as in a domain of our own. */
bool mdnrequest_names(struct span header, struct span rcpt, struct span orcpt);

/* "<" left "@" right ">", printable, at most MDNREQUEST_ID octets: fit to be cited. */
bool mdnrequest_id_ok(struct span id);

#endif
