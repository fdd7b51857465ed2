/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * convertd/apply.h - a conversion: from a message and a plan's key to an edit list (lib/edit.h).
 * Pure: no I/O.
 */
#ifndef CONVERTD_APPLY_H
#define CONVERTD_APPLY_H

#include "convertd/form.h"

/* Who converts and when, for Content-Previous.  when_us: wall clock, microseconds.
 * converted: Content-Converted besides (option record). */
struct apply_by { const char *me; int64_t when_us; bool converted; };

/*
 * Converts the parts that key names and appends the encoded edit list to out.  Whether a part may
 * be changed is asked anew, and what was written is read again: its fields say what it is.
 * -1: ERR_PROTO the key is not of this message; ERR_PERM 5.6.5 the conversion failed, in words;
 * ERR_TEMP memory.
 */
int apply_key(struct span message, struct span key, const struct apply_by *by,
    const struct limits *max, struct buf *out, struct err *e);

#endif
