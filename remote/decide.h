/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * remote/decide.h - what is done with a message under content negotiation.  Two tables of RFC 4141 (3.2, 3.3,
 * 4.2, 5.2), rows B: the first asked once a hop's EHLO is known, the second for each recipient once its
 * answer is.  A third of the DRUCOF proposal, rows D, asked both times for a recipient that is to get what it
 * can use or nothing.  Where a message is under CONPERM and its recipient under DRUCOF, the first row that
 * fails is the one that counts.  The rows' names stand in the log.  Pure.
 */
#ifndef REMOTE_DECIDE_H
#define REMOTE_DECIDE_H

#include "lib/envelope.h"

enum mail_action {
	MAIL_SEND,	/* the original; nobody is asked */
	MAIL_ASK,	/* RCPT … CONNEG for each recipient, then decide_rcpt */
	MAIL_KNOWN,	/* decide_rcpt, by what our own directory says; for ensured recipients alone */
	MAIL_REFUSE	/* QUIT, nothing is sent, every recipient fails */
};

struct mail_facts {
	bool conperm;		/* the message came under CONPERM */
	bool report;		/* null reverse-path, or a DSN or MDN */
	bool hop_conperm, hop_conneg;	/* offered */
	bool refused;		/* offered, yet MAIL CONPERM was not taken */
	bool wanted;		/* not under CONPERM: ask all the same */
	bool strict;		/* option conperm_strict */
	enum drucof drucof;	/* of the recipients */
	bool relays;		/* the hop takes DRUCOF, and CONPERM where the message is under that */
	bool hop_prefer;	/* it takes DRUCOF=PREFER */
	bool late;		/* option drucof_late */
	bool ensured;		/* recipients of whom we announce more than they take, since it is converted
				 * here; a hop with CONPERM or CONNEG has been asked and said nothing */
};

struct mail_decision {
	const char *row;
	enum mail_action action;
	bool conperm;		/* MAIL carries CONPERM */
	bool drucof;		/* every RCPT carries what the recipient has of DRUCOF */
	bool usable;		/* of MAIL_ASK: the rows D have a say in what each recipient gets */
	const char *dsn, *why;	/* of MAIL_REFUSE */
};

void decide_mail(const struct mail_facts *f, struct mail_decision *out);

enum rcpt_caps {
	CAPS_NONE = 1,	/* no list, one that does not parse, or not asked */
	CAPS_GIVEN = 2,
	CAPS_LATER = 4,	/* 404, or a 4yz with x.3.3 */
	CAPS_UNASKED = 8,	/* so far: of the rows D alone */
	CAPS_OURS = 16,	/* our own directory has them, and the hop, if it was asked, does not */
	CAPS_OURS_LATER = 32	/* the same, and our directory cannot be asked now */
};
enum rcpt_fate {	/* what PLAN says of these capabilities */
	FATE_UNKNOWN = 1, FATE_FITS = 2, FATE_CONVERTS = 4, FATE_EMPTY = 8
};
enum rcpt_run {		/* what the converter did */
	RUN_NOT = 1,	/* nothing yet, or it succeeded */
	RUN_FAILED = 2,
	RUN_BUSY = 4
};

enum rcpt_action {
	ACT_ORIGINAL,	/* as it is */
	ACT_CONVERT,
	ACT_SEPARATE,	/* as it is, in a session of its own with bare RCPTs */
	ACT_BARE,	/* repeat RCPT without CONNEG */
	ACT_DEFER_TRY,	/* defer; counts as a try of CONNEG */
	ACT_DEFER,
	ACT_REFUSE
};

struct rcpt_facts {
	bool conperm, hop_conperm;
	enum rcpt_caps caps;
	enum rcpt_fate fate;
	enum rcpt_run run;
	bool permission;	/* some part has a Content-Convert other than NONE */
	bool signed_whole;	/* by DKIM or ARC, which no conversion leaves whole: permission alone is not enough */
	bool null_fails, unknown_fails;	/* options conperm_null, conperm_unknown */
	bool tries_left;	/* fewer than conneg_tries were spent */
	bool last_try;		/* the queue lifetime ends before another attempt */
};

struct drucof_facts {
	bool conneg;		/* the hop is one to be asked */
	bool relays, late;	/* as above */
	enum rcpt_caps caps;
	enum rcpt_fate fate;
	enum rcpt_run run;
	bool last_try;
};

struct rcpt_decision {
	const char *row;
	enum rcpt_action action;
	bool drucof;		/* its RCPT carries DRUCOF */
	const char *dsn, *why;	/* of ACT_DEFER, ACT_REFUSE; dsn NULL: the one that PLAN gave */
};

/* b: by the rows B, NULL where they are not in force; d: by the rows D.  Not both NULL. */
void decide_rcpt(const struct rcpt_facts *b, const struct drucof_facts *d, struct rcpt_decision *out);

/* Does the hop's code say that it does not know a parameter (RFC 5321: 555; RFC 4141: 504)? */
bool decide_unsupported(unsigned code);

#endif
