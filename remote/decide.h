/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * remote/decide.h - what is done with a message under content negotiation (RFC 4141, 3.2, 3.3, 4.2,
 * 5.2): two tables, the first asked once a hop's EHLO is known, the second for each recipient once
 * its answer is.  The rows' names stand in the log.  Pure.
 */
#ifndef REMOTE_DECIDE_H
#define REMOTE_DECIDE_H

#include <stdbool.h>

enum mail_action {
	MAIL_SEND,	/* the original; nobody is asked */
	MAIL_ASK,	/* RCPT … CONNEG for each recipient, then the second table */
	MAIL_REFUSE	/* QUIT, nothing is sent, every recipient fails */
};

struct mail_facts {
	bool conperm;		/* the message came under CONPERM */
	bool report;		/* null reverse-path, or a DSN or MDN */
	bool hop_conperm, hop_conneg;	/* offered */
	bool refused;		/* offered, yet MAIL CONPERM was not taken */
	bool wanted;		/* not under CONPERM: ask all the same */
	bool strict;		/* option conperm_strict */
};

struct mail_row {
	const char *name;
	unsigned conperm, report, hop_conperm, hop_conneg, refused, wanted, strict;
	enum mail_action action;
	bool with_conperm;	/* MAIL carries CONPERM */
	const char *dsn, *why;	/* of MAIL_REFUSE */
};

const struct mail_row *decide_mail(const struct mail_facts *f);

enum rcpt_caps {
	CAPS_NONE = 1,	/* no list, one that does not parse, or not asked */
	CAPS_GIVEN = 2,
	CAPS_LATER = 4	/* 404, or a 4yz with x.3.3 */
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
	bool null_fails, unknown_fails;	/* options conperm_null, conperm_unknown */
	bool tries_left;	/* fewer than conneg_tries were spent */
	bool last_try;		/* the queue lifetime ends before another attempt */
};

struct rcpt_row {
	const char *name;
	unsigned conperm, hop_conperm, caps, fate, run, permission, null_fails, unknown_fails, tries_left,
	    last_try;
	enum rcpt_action action;
	const char *dsn, *why;	/* of ACT_DEFER, ACT_REFUSE */
};

const struct rcpt_row *decide_rcpt(const struct rcpt_facts *f);

/* Does the hop's code say that it does not know a parameter (RFC 5321: 555; RFC 4141: 504)? */
bool decide_unsupported(unsigned code);

#endif
