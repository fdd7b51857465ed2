/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* cmd/alternative.h - the description of other forms in which a message could be sent (RFC 3297, 4).  Pure. */
#ifndef CMD_ALTERNATIVE_H
#define CMD_ALTERNATIVE_H

#include "lib/buf.h"

/*
 * Appends base with a Content-Alternative for each part that has other Content-Features in one of the
 * forms: the same message, with the same parts, otherwise converted.  Forms that are equal in a part are
 * described once.
 * *any: some part has one.  -1: ERR_PERM a message that cannot be read, or is not the same; ERR_TEMP.
 */
int alternative_describe(struct span base, const struct span *forms, size_t n, bool *any, struct buf *out,
    struct err *e);

#endif
