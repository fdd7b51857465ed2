/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * smtpd/data.h - the octets behind DATA: finds their end, undoes dot-stuffing, and sees what must
 * not be accepted (RFC 5321 2.3.8, 4.1.1.4, 4.5.2); and those behind BDAT, which are only looked at
 * (RFC 3030).  An automaton that goes octet by octet, so what it makes does not depend on how its
 * input is cut.  Pure.
 */
#ifndef SMTPD_DATA_H
#define SMTPD_DATA_H

#include "lib/span.h"

enum {
	/* Octets of a line without its CRLF.  RFC 5321 4.5.3.1.6 asks for 998 at least and for no
	 * limit where that can be had; content is not ours to fold. */
	DATA_LINE_MAX = 65536,
	DATA_RECEIVED_MAX = 100		/* Received fields: more is a loop (RFC 5321 6.3) */
};

enum data_fault {
	DATA_BARE_CR = 1, DATA_BARE_LF = 2, DATA_NUL = 4, DATA_LONG_LINE = 8,
	DATA_FOLDED = 16	/* it begins with white space: that would continue our Received field */
};

struct data {
	uint8_t state, fault;	/* fault: enum data_fault, all that were seen */
	bool end;		/* CRLF.CRLF was read */
	bool eight_bit;		/* an octet over 127 was there */
	bool begun;		/* an octet was made */
	bool body;		/* the header is over */
	bool binary;		/* BODY=BINARYMIME: behind the header any octet may stand */
	uint8_t field_n;	/* octets of field, or more than it holds: not looked at */
	char field[9];		/* how a header line begins */
	uint32_t line;		/* octets of the present line */
	uint32_t received;	/* Received fields */
	uint64_t size;		/* octets made */
};

/* The start: the CRLF of the DATA command counts as the one before. */
static inline void
data_init(struct data *d)
{
	*d = (struct data){ 0 };
}

/*
 * Reads from in until its end, or behind the end of data, or until out is full; writes at most in.n
 * octets to out (of cap octets).  Returns the octets read; *made: those written.
 */
size_t data_feed(struct data *d, struct span in, unsigned char *out, size_t cap, size_t *made);

/*
 * Octets of a chunk: they are the message as they stand.  Nothing is written; d->end is not used.
 * Lines that CRLF does not end, and NULs, are faults as behind DATA, but not in a binary body.
 */
void data_look(struct data *d, struct span in);

/*
 * The last chunk is over.  true: CRLF is to be put behind the last line, which lacks it.  RFC 3030
 * has lines delimited, not ended, by CRLF; DATA, and every reader behind us, has them ended.
 */
bool data_last(struct data *d);

#endif
