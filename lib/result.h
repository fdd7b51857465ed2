/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/result.h - what became of a recipient: records in MSG_RESULT and MSG_REPORT packets, and
 * their detail, "name: value" lines that a report shows to people.
 */
#ifndef LIB_RESULT_H
#define LIB_RESULT_H

#include "lib/buf.h"

enum outcome { OUTCOME_DELIVERED, OUTCOME_RELAYED, OUTCOME_DEFERRED, OUTCOME_FAILED };
enum result_flag {
	RESULT_CONNEG_TRY = 1,	/* deferred by CONNEG itself (row B10): counts as such a try */
	RESULT_SOON = 2,	/* deferred through no fault of the hop: try again at once */
	RESULT_EXPIRED = 4,	/* failed because its time ran out; code, dsn and text are the last attempt's */
	RESULT_HOST = 8,	/* no transaction was begun: nobody was reached, or the greeting or EHLO said no */
	/* From local alone: a notification of that disposition is due (RFC 3297, 6.2 and 6.4). */
	RESULT_PREFERRED = 16,	/* deferred: another form is asked for first (its detail has "takes") */
	RESULT_LOST = 32,	/* delivered: there is no other form any more, nor the one that was sent before */
	/* From remote, relayed: the sender is told, unless NOTIFY is NEVER (RFC 2852, 4.1.4).  The outcome tells it from the
	 * next. */
	RESULT_TELL = 64,
	/* From local alone, delivered: the address stands for others, who have the message now (RFC 3461, 5.2.7). */
	RESULT_EXPANDED = 64,	/* for several: told as "expanded", as far as success is to be told of (5.2.7.3 c) */
	RESULT_FORWARDED = 128	/* for one, to whom all parameters went: nothing is told (5.2.7.2) */
};
#define RESULT_DISPOSED (RESULT_PREFERRED | RESULT_LOST)
enum { RESULT_DETAIL_MAX = 4096 };

struct rcpt_result {
	uint32_t slot;
	uint8_t outcome, flags;
	uint16_t code;		/* the hop's reply code, or 0 */
	char dsn[12];
	char mta[96];		/* "host [1.2.3.4]:25", or "" */
	char text[256];		/* the hop's reply or our reason: printable, NUL-terminated */
	uint32_t detail_len;	/* octets of detail that follow; records are padded to 8;
				 * result_add sets it */
	uint32_t last_s;	/* when it was tried, wall clock, seconds; 0: not known */
};

/*
 * Detail lines, in this order where they apply (all optional):
 *	part: 1.2 (image/tiff-fx, "offer.tfx")
 *	form: what it is, in words
 *	takes: the recipient's capabilities
 *	permits: Content-Convert as the sender gave it; or "nothing", or under DRUCOF "anything"
 *	converted: what it was converted to (success)
 *	omitted: that it was left out, as its sender permits (success)
 *	fails: for who inquires, of a part: the code for that
 *	stays: for who inquires, of a part: why it is sent as it is
 *	row: of the decision table that was followed
 *	key: of the plan, what was delivered here (lib/plan.h); no people read it
 * A detail over RESULT_DETAIL_MAX octets is cut behind its last whole line; texts are terminated.
 * -1: no memory or the buffer's ceiling; records are then as before.
 */
int result_add(struct buf *records, const struct rcpt_result *r, struct span detail, struct err *e);

/* As much of a detail, in whole lines, as each of n records may have so that all fit one packet.
 * n: 1 to 128; more do not fit even without. */
struct span result_share(struct span detail, uint32_t n);

/*
 * The next record off *rest, which need not be aligned; *detail points into it (any octets: the
 * reader cleans them), control octets in r's texts become '?'.
 * 1 got it, 0 none left, -1 ERR_PROTO (cut short, not terminated, no such outcome).
 */
int result_next(struct span *rest, struct rcpt_result *r, struct span *detail, struct err *e);

#endif
