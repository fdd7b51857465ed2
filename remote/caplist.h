/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * remote/caplist.h - the capability list in a reply to RCPT … CONNEG (RFC 4141, 5.2; the dialects of
 * the two drafts before it are read too).  Pure.
 */
#ifndef REMOTE_CAPLIST_H
#define REMOTE_CAPLIST_H

#include "lib/reply.h"

/*
 * Appends the expression that the reply's CONNEG lines hold, joined by one space, and checks that it
 * parses.  1: there is one; 0: no list, or one that is not whole or does not parse (*e then says why
 * and is logged by the caller; ERR_NONE when there was no CONNEG line at all).  -1: ERR_TEMP memory.
 */
int caplist_read(const struct reply *r, struct buf *out, struct err *e);

/* Is this the answer "not now" (404, or any 4yz with x.3.3)?  Row B10. */
bool caplist_later(const struct reply *r);

#endif
