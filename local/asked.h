/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * local/asked.h - which messages a mailbox waits for another form of (RFC 3297, A.1): a small file for each
 * in the folder `alternatives` of the Maildir, which stays a while when all is over, for what comes late.
 * The message itself stays in the queue; this is how the delivery of what comes instead tells that of what
 * waits.  It belongs to the mailbox's owner, who can harm nobody's mail but his own by it. Nothing is lost
 * with it: what waits is delivered when nothing is known.
 */
#ifndef LOCAL_ASKED_H
#define LOCAL_ASKED_H

#include "lib/span.h"
#include "lib/err.h"

enum {
	ASKED_MAX = 1024,		/* files of a mailbox; with more of them nothing is asked for */
	ASKED_OLD_S = 8 * 86400	/* after which one is forgotten, whatever has become of it */
};

enum asked_state {
	ASKED_NOT,	/* nothing is known */
	ASKED_WAITS,
	ASKED_CAME,	/* what was asked for is in the mailbox */
	ASKED_REFUSED	/* there is none (RFC 3297, 6.3) */
};

/* Of what: the message ID in its brackets, the recipient, and the sender of the envelope, from whom the
 * answer has to come too.  Borrowed. */
struct asked { int dir; char name[32]; struct span id, rcpt, sender; };

/* folder, rest: the Maildir's place as in local/maildir.h.  make: the folder is made; else 0 also where
 * there is none. asked_close in every case.  -1: ERR_TEMP. */
int asked_open(struct asked *a, int folder, const char *rest, bool make, struct err *e);
void asked_close(struct asked *a);

/* From now on it waits, until that wall time.  -1: ERR_TEMP: then it does not. */
int asked_begin(const struct asked *a, int64_t until_us, struct err *e);
/* *until_us: of one that waits. */
enum asked_state asked_look(const struct asked *a, int64_t *until_us);
/* What waits has been answered; to: ASKED_CAME or ASKED_REFUSED.  false: nothing waits. */
bool asked_answer(const struct asked *a, enum asked_state to);
#endif
