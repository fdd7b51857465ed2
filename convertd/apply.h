/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * convertd/apply.h - a conversion: from a message and a plan's key to an edit list (lib/edit.h).
 * Pure: no I/O.
 */
#ifndef CONVERTD_APPLY_H
#define CONVERTD_APPLY_H

#include "convertd/form.h"
#include "lib/edit.h"

/* Who converts and when, for Content-Previous.  when_us: wall clock, microseconds.
 * converted: Content-Converted besides (option record).  transfer: what the hop takes. */
struct apply_by {
	const char *me;
	int64_t when_us;
	bool converted;
	enum edit_transfer transfer;
};

/*
 * Converts the parts that key names or leaves them out, makes the transfer encodings of all others fit
 * (downgrade.h), and appends the encoded edit list to out.  An empty key converts nothing.  Whether a part
 * may be changed is asked anew, and what was written is read again: its fields say what it is.
 * -1: ERR_PROTO the key is not of this message; ERR_PERM 5.6.5 the conversion failed, in words,
 * 5.6.3 no transfer encoding helps; ERR_TEMP memory.
 */
int apply_key(struct span message, struct span key, const struct apply_by *by,
    const struct limits *max, struct buf *out, struct err *e);

#endif
