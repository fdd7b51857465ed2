/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * bounce/report.h - a delivery status notification as text: multipart/report (RFC 6522) with
 * message/delivery-status (RFC 3464) and the failed message's header.  Pure: no files, no clock.
 * All that comes from outside is made harmless here: no control octets, no line over 998 octets.
 */
#ifndef BOUNCE_REPORT_H
#define BOUNCE_REPORT_H

#include "lib/envelope.h"
#include "lib/qfile.h"
#include "lib/result.h"

enum {
	REPORT_MAX = 2 * 1024 * 1024,	/* octets of a report */
	REPORT_HEADER_MAX = 65536,	/* of the failed message's header that are read */
	REPORT_FULL_MAX = 256 * 1024	/* a message up to this size is returned whole, if asked */
};

struct report {
	const char *me;			/* this host's name */
	const char *id, *failed_id;	/* the report's ID, the failed message's */
	const struct envelope *env;	/* of the failed message */
	struct span to;			/* whom the report is for, without <> */
	bool to_postmaster;		/* a report could not be delivered */
	struct span message;		/* the header (up to and with the empty line, or cut), or all */
	bool whole;			/* message is the whole message */
	const struct slot *slot;	/* env->nrcpt of them: when each was last tried; or NULL */
	struct span records;		/* lib/result.h, checked; slots beyond env are left out */
	int64_t now_us;			/* wall clock */
	uint64_t nonce;			/* makes the boundary one that nobody can foresee */
};

/*
 * Appends the message (CRLF lines, without Received).  *body: what it needs of its way (8BITMIME if
 * a whole message with 8-bit octets is in it).  Recipients with NOTIFY that excludes the outcome
 * are left out: 0 none was left and out is unchanged, 1 a report.  -1: ERR_TEMP memory, ERR_PERM
 * REPORT_MAX.
 */
int report_build(const struct report *r, struct buf *out, uint8_t *body, struct err *e);

/* Is anybody to be told anything? */
bool report_due(const struct report *r);

/* Where the header ends: behind its empty line, or s.n. */
size_t report_header_end(struct span s);

#endif
