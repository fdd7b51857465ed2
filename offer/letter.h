/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* offer/letter.h - what answers a wish for another form (RFC 3297, 3.3 and 6.3), as text.  Pure. */
#ifndef OFFER_LETTER_H
#define OFFER_LETTER_H

#include "lib/buf.h"
#include "offer/store.h"

struct letter {
	const struct offer *offer;
	const char *me, *id;		/* this host; the queue's number of the letter */
	const char *token;		/* of its own Message-ID, before the "@" */
	int64_t now_us;
};

/*
 * The fields that a message has on top of those that are kept when it is sent again: its own Message-ID,
 * Original-Message-ID, a request to hear what becomes of it, and no offer.  CRLF lines.
 */
int letter_again(const struct letter *l, struct buf *out, struct err *e);

/* A whole message: there is no such form, or none any more.  why: for people, printable ASCII. */
int letter_refusal(const struct letter *l, const char *why, struct buf *out, struct err *e);

#endif
