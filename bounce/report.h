/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * bounce/report.h - a delivery status notification as text: multipart/report (RFC 6522) with
 * message/delivery-status (RFC 3464) and the message's header, or all of it.  Pure: no files, no clock.
 * All that comes from outside is made harmless here: no control octets, no line over 998 octets.
 */
#ifndef BOUNCE_REPORT_H
#define BOUNCE_REPORT_H

#include "lib/envelope.h"
#include "lib/qfile.h"
#include "lib/result.h"

enum {
	REPORT_MAX = 2 * 1024 * 1024,	/* octets of a report, the whole message in it not counted */
	REPORT_HEADER_MAX = 65536,	/* of the message's header that are read */
	REPORT_FULL_MAX = 16 * 1024 * 1024,	/* a message up to this size is returned whole, if asked */
	REPORT_ADDR_SHOWN = 900		/* octets of an address */
};

struct report {
	const char *me;			/* this host's name */
	const char *failed_id;		/* the ID of the message that it is about */
	const struct envelope *env;	/* of that message */
	struct span to;			/* whom the report is for, without <> */
	struct span to_spelled;		/* as in struct rcpt; or empty */
	bool to_postmaster;		/* a message without sender could not be delivered */
	bool own;			/* and that was a report of ours */
	struct span message;		/* the header (up to and with the empty line, or cut), or all */
	bool whole;			/* message is the whole message */
	struct span delivered;		/* as it is in the mailbox, converted; "": not known, or as it was */
	const struct slot *slot;	/* env->nrcpt of them: when each was last tried; or NULL */
	struct span records;		/* lib/result.h, checked; slots beyond env are left out */
	int64_t now_us;			/* wall clock */
	int64_t expires_us;		/* until when a delayed message is tried; 0: not known */
	uint64_t nonce;			/* makes the boundary one that nobody can foresee */
};

/* The report is head, returned, tail; returned is r->message, r->delivered, or empty. */
struct report_text {
	struct buf head, tail;
	struct span returned;
	uint8_t body;			/* BODY_8BITMIME if there are 8-bit octets in it */
	bool smtputf8;			/* its header has an address that needs SMTPUTF8 */
};

/*
 * Builds the message (CRLF lines, without Received).  Recipients with NOTIFY that excludes the
 * outcome are left out: 0 none was left, 1 a report.  -1: ERR_TEMP memory, ERR_PERM REPORT_MAX.
 * report_text_free in every case.
 */
int report_build(const struct report *r, struct report_text *t, struct err *e);
void report_text_free(struct report_text *t);

/* Does it go to an address that needs SMTPUTF8, so that it may be in UTF-8 itself (RFC 6533, 4)?  Whoever has an
 * ASCII address gets one that any host takes on. */
bool report_global(const struct report *r);

/* Is anybody to be told anything? */
bool report_due(const struct report *r);

/* Could the report return what was delivered, had it been made: was it converted, once and the same for all
 * that it tells of?  *key: of that conversion (lib/plan.h), in r->records. */
bool report_wants_delivered(const struct report *r, struct span *key);

/* The value of the first line of that name in a detail (lib/result.h); empty if there is none. */
struct span report_detail(struct span detail, const char *name);

/* Where the header ends: behind its empty line, or s.n. */
size_t report_header_end(struct span s);

#endif
