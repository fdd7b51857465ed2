/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/ensure.h - what may be announced of a recipient whose mail is converted here (mode ensure of
 * `conneg`): what it takes, and every form that convertd reads and turns into something it takes.  RFC 4141
 * 5.2: a server "MAY list more than the recipient itself handles", if what is delivered stays usable.
 * Pure.
 */
#ifndef LIB_ENSURE_H
#define LIB_ENSURE_H

#include "lib/buf.h"

/*
 * Appends the expression to announce for who takes caps: caps as it stands, or "(| caps forms)".  The forms
 * are bi-level, of all codings; of the resolutions, widths and lengths from which convertd makes one that
 * is taken: it never makes pixels or paper larger, and keeps the proportions of a page.  It is a promise as
 * good as the classes of length that pages are told by; the verdict on a message is convertd's.
 * -1: ERR_PERM, caps is no expression, or over a limit of feature sets; ERR_TEMP memory.  out is as it was
 * then.
 */
int ensure_claim(struct span caps, struct buf *out, struct err *e);

#endif
