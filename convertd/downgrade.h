/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * convertd/downgrade.h - transfer encodings for a hop that does not take 8-bit or binary content (RFC
 * 6152, 3; RFC 3030, 3; RFC 2045, 6): bodies become quoted-printable or base64, their fields and
 * those of what encloses them say so.  Content stays what it is, octet by octet, and so does all that
 * is signed, encrypted, or would be read in two ways: if the hop cannot take that, the message fails
 * with 5.6.3.  Pure.
 */
#ifndef CONVERTD_DOWNGRADE_H
#define CONVERTD_DOWNGRADE_H

#include "convertd/edits.h"
#include "lib/mime.h"

struct downgrade {
	struct edits *edits;
	enum edit_transfer to;	/* EDIT_AS_IS: nothing is done */
	uint32_t parts;		/* of messages that MIME's walk did not go into, so far */
};

/* Adds the edits of one part; parts come in the order of the message. */
int downgrade_part(struct downgrade *d, const struct mime *m, uint32_t part, struct err *e);

/* After the last part: where the message ends within a line of quoted-printable, it is not to gain one. */
int downgrade_end(struct downgrade *d, struct err *e);

/* When the list is whole: is there anything left that the hop does not take?  -1: ERR_PERM 5.6.3. */
int downgrade_over(const struct downgrade *d, struct err *e);

/* Gives a refusal its code.  -1. */
int downgrade_refused(struct err *e);

#endif
