/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/caplines.h - what a recipient can take as the lines of an answer to CONNEG.  Pure.  Who compiles
 * `caps` asks the same function as who answers, so that what is in the directory can be told (RFC 4141
 * 5.2: a server that knows capabilities MUST give them).
 */
#ifndef LIB_CAPLINES_H
#define LIB_CAPLINES_H

#include "lib/buf.h"

enum {
	CAPLINES_MAX = 256,		/* lines of an answer that begin with CONNEG */
	CAPLINES_LINE = 512,		/* octets of a line with its CRLF (RFC 5321 4.5.3.1.5) */
	CAPLINES_HEAD = 17,		/* of these "250-2.1.5 CONNEG " */
	CAPLINES_TEXT = CAPLINES_LINE - CAPLINES_HEAD - 2,
	CAPLINES_OCTETS = 65536		/* of an answer, with a first line of CAPLINES_LINE */
};

/*
 * Appends to out the text of each line, 1 to CAPLINES_TEXT printable octets, with a LF behind it; as
 * feat_pieces() breaks them.  -1: ERR_PERM, what has no such lines within the limits; or out is full.
 */
int caplines_make(struct span filter, struct buf *out, struct err *e);

#endif
