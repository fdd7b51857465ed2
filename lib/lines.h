/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* lib/lines.h - are a local user's octets lines that may travel (RFC 5321, 4.1.1.4)?  As smtpd judges those
 * of clients. */
#ifndef LIB_LINES_H
#define LIB_LINES_H

#include "lib/err.h"
#include "lib/span.h"

enum { LINES_MAX = 65536 };		/* octets of a line, as in smtpd */

/* What was seen so far; begins with zeros. */
struct lines { size_t line; int last; bool any, eight; };

/* The next octets, cut anywhere.  -1: ERR_PERM 5.6.0, a bare CR or LF, a NUL, a line too long, or white
 * space at the beginning, which would continue a field before it. */
int lines_check(struct lines *l, struct span s, struct err *e);
/* Behind the last.  -1: ERR_PERM 5.6.0, the last line has no end. */
int lines_end(const struct lines *l, struct err *e);

#endif
