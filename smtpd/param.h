/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * smtpd/param.h - the parameters of MAIL and RCPT (RFC 5321 4.1.1.11, 1870, 6152, 3030, 3461,
 * 4141 and its drafts, the DRUCOF proposal, 6531, 4865, 4954, 6710, 2852).  Pure.
 */
#ifndef SMTPD_PARAM_H
#define SMTPD_PARAM_H

#include "lib/envelope.h"

/* What this session offers: listed in the last EHLO reply; nothing after HELO. */
struct offer {
	bool esmtp;		/* EHLO: SIZE, 8BITMIME, BINARYMIME, DSN, DELIVERBY */
	bool conperm, conneg, drucof;
	uint64_t max_size;	/* octets of a message, 0: no limit */
	uint64_t hold_s;	/* a message may be held so long, 0: FUTURERELEASE is not offered */
	int64_t now_us;		/* wall clock, for HOLDFOR, HOLDUNTIL and BY */
	bool smtputf8;
	bool auth;		/* RFC 4954 */
	bool priority;		/* MT-PRIORITY */
};

enum { PARAM_HOLD = 48 };	/* octets of a time to hold, with its NUL */

struct mail_params {
	uint64_t size;		/* announced octets, or 0 */
	uint8_t body;		/* enum body_type */
	bool conperm;
	uint8_t ret;		/* enum ret_type */
	struct span envid;	/* in the command line, still as xtext; or empty */
	bool smtputf8;
	int64_t release_us;	/* HOLDFOR, HOLDUNTIL; 0: none */
	char hold[PARAM_HOLD];	/* "for;SECONDS", "until;TIME", as it was given; or "" */
	int8_t priority;	/* MT-PRIORITY */
	int64_t by_us;		/* BY: wall clock; 0: none */
	uint8_t by;		/* enum by_flag */
};

enum conneg_ask { CONNEG_NO, CONNEG_BARE, CONNEG_REQUIRED, CONNEG_OPTIONAL };
struct rcpt_params {
	uint8_t conneg;		/* enum conneg_ask */
	uint8_t notify;		/* enum notify, or 0 */
	uint8_t drucof;		/* enum drucof */
	struct span orcpt;	/* in the command line, type and xtext, or of type utf-8; or empty */
};

/*
 * Read what follows the path.  0, or the SMTP reply code with its enhanced code and text in *e:
 * 501 5.5.4 malformed, twice, a wrong value; 504 5.3.3 CONPERM, CONNEG or DRUCOF not offered here (R5, R28);
 * 552 5.3.4 larger than max_size; 555 5.5.4 not known.  smtputf8: MAIL had that parameter.
 */
int param_mail(struct span in, const struct offer *o, struct mail_params *out, struct err *e);
int param_rcpt(struct span in, const struct offer *o, bool smtputf8, struct rcpt_params *out, struct err *e);

#endif
