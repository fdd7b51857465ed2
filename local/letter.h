/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * local/letter.h - a message as it lies in a mailbox or goes to a program: lines end in LF, but for those
 * of a binary body, whose every octet stays (RFC 3030 3); older Return-Path and Original-Recipient fields
 * give way to ours (RFC 5321 4.4, RFC 8098 2.3).
 */
#ifndef LOCAL_LETTER_H
#define LOCAL_LETTER_H

#include "lib/buf.h"

enum {
	LETTER_HEADER = 1024 * 1024,	/* octets of a header that is searched for such fields */
	LETTER_CHUNK = 65536
};

struct letter {
	struct buf out;			/* waits to be written */
	struct buf header;		/* until its end is seen */
	bool in_body, cr, binary;
	int (*write)(void *arg, struct span piece, struct err *e);
	void *arg;
};

/* write: gets what comes of the message, in order, in pieces.  binary: BODY=BINARYMIME.  Allocates
 * nothing. */
void letter_init(struct letter *l, bool binary, int (*write)(void *, struct span, struct err *), void *arg);
void letter_free(struct letter *l);

/* Fields of our own, CRLF lines, before the message's first octet.  -1: as write, or memory. */
int letter_own(struct letter *l, struct span fields, struct err *e);
/* Octets of the message as queued, in order. */
int letter_put(struct letter *l, struct span piece, struct err *e);
/* That was all. */
int letter_end(struct letter *l, struct err *e);

#endif
