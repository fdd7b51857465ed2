/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * offer/serve.h - the offer daemon: keeps messages of which their senders offer other forms (RFC 3297), and
 * sends each again, once, in the form that its recipient asks for.  One wish after another: a child has
 * convertd make the form, then the letter goes to queue, and only when it is on the disk the offer is done
 * with.
 *	IDLE	nothing is under way
 *	MAKING	a child is at work
 *	OPENING, COMMITTING	the letter is with queue
 */
#ifndef OFFER_SERVE_H
#define OFFER_SERVE_H

#include "lib/daemon.h"
#include "offer/store.h"

enum {
	OFFER_WISHES = 64,	/* that wait for their turn; what comes more is not heard */
	OFFER_TRIES = 20,	/* of one wish that cannot be granted now; then it is refused */
	OFFER_AGAIN_MS = 30000,	/* between them */
	OFFER_LATE_MS = 900000,	/* a child that takes longer is killed */
	OFFER_SWEEP_MS = 3600000,
	OFFER_UNREAD = 64	/* packets that wait for a peer to read them */
};

enum offer_step { OFFER_IDLE, OFFER_MAKING, OFFER_OPENING, OFFER_COMMITTING };

/* What a recipient wishes. */
struct wish {
	char tag[TAG_TEXT];
	char rcpt[ADDRESS_MAX + 1];
	struct buf features;	/* "": not said, so the least that a fax machine takes */
	uint32_t tries;
	int64_t due_ms;
};

struct offers {
	struct daemon *daemon;
	struct store store;
	struct chan control, learn, queue, convertd;
	struct wish wish[OFFER_WISHES];	/* the first n */
	uint32_t n;
	/* the one under way is wish[0] */
	enum offer_step step;
	struct offer offer;
	struct chan child;
	pid_t pid;
	int made;			/* memfd of the other form, or -1: a refusal */
	uint64_t made_len;
	char why[200];			/* of a refusal */
	struct err failed;		/* what the child said; kind ERR_NONE: nothing yet */
	uint32_t request;		/* with queue */
	char id[QID_SIZE];		/* of the letter */
	struct timer late, again, sweep;
	uint64_t sent, refused;
};

/* dir: its folder, borrowed.  -1: it cannot start. */
int offers_open(struct offers *o, struct daemon *d, int dir, struct err *e);

#endif
