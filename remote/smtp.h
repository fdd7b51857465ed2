/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * remote/smtp.h - the SMTP client (RFC 5321, 2920, 1870, 6152, 3461, 3030): connection, transaction,
 * message data.  What is said to whom under negotiation is decided elsewhere.
 */
#ifndef REMOTE_SMTP_H
#define REMOTE_SMTP_H

#include "lib/edit.h"
#include "remote/session.h"

enum {	/* milliseconds, RFC 5321, 4.5.3.2; the final dot's is a setting */
	SMTP_WAIT_BANNER = 300 * 1000, SMTP_WAIT_EHLO = 300 * 1000, SMTP_WAIT_MAIL = 300 * 1000,
	SMTP_WAIT_RCPT = 300 * 1000, SMTP_WAIT_DATA = 120 * 1000, SMTP_WAIT_BLOCK = 180 * 1000,
	SMTP_WAIT_QUIT = 2 * 1000
};

enum { SMTP_CONNEG_MAX = 24 };

struct xact {
	struct target **t;
	uint32_t n;
	bool conperm;			/* MAIL … CONPERM */
	const char *conneg;		/* the parameter of RCPT, NULL: none */
	enum drucof drucof;		/* the same */
	bool probe;			/* a question alone: a refusal of CONNEG is an answer, nothing is sent */
	bool data;			/* nothing is decided in between: DATA goes in the group */
	bool careful;			/* one command at a time */
	bool next_host;			/* whom this host does not take now, the next one is asked */
	enum body_type body;		/* of what is sent; BODY_BINARYMIME: by BDAT, never with data */
	uint64_t size;			/* of what is sent, declared by MAIL; 0: not known yet */
	struct span top;		/* fields of ours before the message; borrowed */
	/* A target's RCPT with CONNEG was taken: s->reply has its list.  -1: ERR_TEMP. */
	int (*caps)(void *arg, struct target *t, const struct reply *r, struct err *e);
	void *arg;
	uint32_t tries_max;		/* option conneg_tries */
	/* what came of it */
	uint32_t naccepted;
	uint32_t at;			/* XACT_LOST: the target whose reply was due */
	bool ready;			/* 354 is there */
};
enum { XACT_AT_MAIL = UINT32_MAX, XACT_AT_DATA = UINT32_MAX - 1 };

enum xact_end {
	XACT_READY,	/* some were taken (and with data: 354 came); the others are done or again */
	XACT_NONE,	/* none was taken: all done, or again */
	XACT_CONPERM,	/* CONPERM was offered and not taken (row B8): none is done */
	XACT_LOST	/* connection lost or 421: *e; those without a final answer are not done */
};

/* Connects and says EHLO, if that is not done.  -1: nothing can be sent now. */
int smtp_open(struct session *s, struct err *e);

/* Says QUIT, if there is a connection, and closes it. */
void smtp_quit(struct session *s);

/* Says RSET, if a transaction is under way. */
void smtp_reset(struct session *s);

/* Closes without a word: the connection is of no use. */
void smtp_drop(struct session *s);

/* The last reply as an error: kind by its class, its own code and text.  -1. */
int smtp_reply_err(const struct session *s, struct err *e);

enum xact_end smtp_begin(struct session *s, struct xact *x, struct err *e);

/*
 * DATA, if 354 is not there yet, then x->top and the message: as it is, or through an edit list; or BDAT.
 * Every accepted target is done afterwards.  An inquiry's transaction ends here, before any of it: nothing else
 * sends data.
 */
void smtp_send(struct session *s, struct xact *x, const struct edit_list *edits);

#endif
