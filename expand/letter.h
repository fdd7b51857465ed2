/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * expand/letter.h - the message that goes to those for whom an address stands: what is put in front of the old
 * one's octets, and its envelope.  Pure.
 */
#ifndef EXPAND_LETTER_H
#define EXPAND_LETTER_H

#include "expand/targets.h"

enum { LETTER_TOP = 8192 };	/* octets of what is put in front */

struct letter {
	const struct envelope *env;	/* the old one's */
	uint32_t slot;			/* of the recipient that stands for others */
	struct span header;		/* the old one's, as far as it was read */
	const char *me, *id;		/* this host; the new message's ID */
	int64_t now_us;			/* wall clock */
	size_t before;			/* octets of the new fields: so far its header edits move */
};

/* Appends the fields: Received, Delivered-To, and of a list List-Id if there is none (RFC 2919). */
int letter_top(const struct letter *l, bool list, struct buf *out, struct err *e);

/*
 * What is told of it (RFC 3461, 5.2.7), and appends the new envelope.  One target has all parameters that the
 * recipient had; several have them without NOTIFY=SUCCESS; a list's have none, nor CONPERM, and their reports go
 * to its owner.  *flags: RESULT_FORWARDED, RESULT_EXPANDED or 0.  *n: recipients.
 */
int letter_envelope(const struct letter *l, const struct targets *t, struct buf *out, uint32_t *flags, uint32_t *n,
    struct err *e);

#endif
