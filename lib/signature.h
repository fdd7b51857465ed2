/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/signature.h - signatures of a message as a whole, by its own header: DKIM (RFC 6376) and ARC
 * (RFC 8617).  None is verified here; what is said is that a copy which we changed has them no longer
 * (Authentication-Results, RFC 8601).
 */
#ifndef LIB_SIGNATURE_H
#define LIB_SIGNATURE_H

#include "lib/buf.h"

enum {
	SIGNATURE_MAX = 8,	/* of a message, that are told of */
	SIGNATURE_NAME = 255,	/* octets of a domain or selector */
	SIGNATURE_FIELD = 8192	/* octets that signature_broken appends at most */
};

struct signature {
	bool seal;			/* ARC-Seal; else DKIM-Signature */
	struct span domain, selector;	/* its tags d=, s=; "": not there, or no name */
};

/* Takes fields off *header, which is without its blank line, up to the next signature.  false: none
 * is left. */
bool signature_next(struct span *header, struct signature *s);

/* Is the message signed as a whole? */
bool signature_any(struct span message);

/*
 * Appends the field that goes on top of a copy of the signed message that was changed: for each DKIM
 * signature "neutral" (RFC 8601 2.7.1: one that could not be processed; so it counts as if it were not
 * there), or where ARC has sealed it and nothing else, that nothing was checked (2.2).  me: our own name.
 */
int signature_broken(const char *me, struct span message, struct buf *out, struct err *e);

#endif
