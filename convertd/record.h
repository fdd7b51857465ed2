/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* convertd/record.h - the header fields of a converted part, as lines of printable ASCII. */
#ifndef CONVERTD_RECORD_H
#define CONVERTD_RECORD_H

#include "lib/mime.h"

/* Appends "Content-Features: FILTER", folded before "(" and after ")" only (RFC 2912, 3.1). */
int record_features(struct span filter, struct buf *out, struct err *e);

/* Appends "Content-Previous: Date …; By ME; FILTER" (RFC 4141, 8).  when_us: wall clock. */
int record_previous(int64_t when_us, const char *me, struct span filter, struct buf *out,
    struct err *e);

/* Appends "Content-Converted: Date …; By ME; Old FILTER; New FILTER" (draft -04, 8). */
int record_converted(int64_t when_us, const char *me, struct span was, struct span is,
    struct buf *out, struct err *e);

/*
 * Appends Content-Type with the new type and the parameters of value, a name's suffix as the type
 * wants it (.tif, .tfx).  What cannot stand in a line of ASCII is left out, and so is
 * `application` (RFC 3302) on image/tiff-fx, which has no such parameter.
 */
int record_type(struct span value, const char *type, struct buf *out, struct err *e);

/*
 * Appends Content-Disposition with its file name's suffix as the type wants it and without `size`.
 * 1: it did; 0: nothing need change, or the value cannot be read: it stays as it is.
 */
int record_disposition(struct span value, const char *type, struct buf *out, struct err *e);

#endif
