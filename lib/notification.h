/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/notification.h - reads what comes back about a message: a delivery status notification (RFC 3464) or a
 * message disposition notification (RFC 8098; its older types and RFC 3297's modifiers too), each in a
 * multipart/report (RFC 6522).  Pure: it says what stands there, of whom it is believed is for others.  Where
 * two readers could read different things (a field twice, broken MIME), it is no notification.
 */
#ifndef LIB_NOTIFICATION_H
#define LIB_NOTIFICATION_H

#include "lib/buf.h"

enum {
	NOTIFICATION_MESSAGE = 32 << 20,	/* octets of a message that is looked at */
	NOTIFICATION_BODY = 262144,		/* of the part that has the fields */
	NOTIFICATION_FIELDS = 256,		/* of one group of fields */
	NOTIFICATION_RCPTS = 128,		/* groups of recipients */
	NOTIFICATION_ID = 998			/* octets of an envelope ID, of a message ID */
};

enum notification_kind { NOTIFICATION_DSN, NOTIFICATION_MDN };

/* Action of a DSN (RFC 3464, 2.3.3); OTHER: none of these, and in an MDN. */
enum notification_action { ACTION_OTHER, ACTION_FAILED, ACTION_DELAYED, ACTION_DELIVERED, ACTION_RELAYED,
	ACTION_EXPANDED };

/* Disposition type of an MDN (RFC 8098, 3.2.6; "denied" and "failed": RFC 2298); NONE in a DSN. */
enum notification_disposition { DISPOSITION_NONE, DISPOSITION_DISPLAYED, DISPOSITION_DELETED,
	DISPOSITION_DISPATCHED, DISPOSITION_PROCESSED, DISPOSITION_DENIED, DISPOSITION_FAILED, DISPOSITION_OTHER };

/* Its modifiers. */
enum notification_modifier {
	MODIFIER_ERROR = 1,
	MODIFIER_WARNING = 2,			/* RFC 2298 */
	MODIFIER_ALTERNATIVE_PREFERRED = 4,	/* RFC 3297, 6.2 */
	MODIFIER_ORIGINAL_LOST = 8,		/* RFC 3297, 6.4 */
	MODIFIER_OTHER = 16
};

/* One recipient; an MDN has one. */
struct notification_rcpt {
	bool has_original;		/* there is an Original-Recipient, of whatever type */
	struct span original, final;	/* mailboxes (address_check); "": none, or not of type rfc822 */
	struct span features;		/* Media-Accept-Features (RFC 2530), unfolded, not judged; "": none */
	enum notification_action action;
	struct span status;		/* "5.6.1"; "": none */
};

/* All spans point into the store. */
struct notification {
	enum notification_kind kind;
	struct span envelope_id;	/* DSN: Original-Envelope-Id, octet by octet, its xtext decoded by who
					 * reported; "": none */
	struct span reporting_mta;	/* DSN: the name of Reporting-MTA, where its type is dns; else "" */
	struct span message_id;		/* MDN: Original-Message-ID with its brackets; "": none */
	enum notification_disposition disposition;
	unsigned modifiers;		/* enum notification_modifier */
	struct notification_rcpt *rcpt;	/* owned */
	uint32_t nrcpt;			/* 1 at least */
	struct buf store;		/* owned */
};

/*
 * Reads a whole message as it is in the queue.  0: *out is the caller's, freed by notification_free.
 * -1: ERR_PERM 5.6.0: it is no notification, or over a limit; ERR_TEMP memory.
 */
int notification_parse(struct span message, struct notification *out, struct err *e);
void notification_free(struct notification *n);

/* Does the recipient ask for another form of the message, RFC 3297, 6.2?  Whatever else it says is for that
 * one message, and MUST NOT be kept. */
bool notification_alternative(const struct notification *n);

/* Whom it is about, as the sender spelled it: Original-Recipient, else Final-Recipient.  "": nobody, where
 * the one that counts is no mailbox. */
struct span notification_about(const struct notification_rcpt *r);

#endif
