/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * convertd/fax_decode.h - MH, MR (T.4) and MMR (T.6) to rows of runs, one at a time.
 */
#ifndef CONVERTD_FAX_DECODE_H
#define CONVERTD_FAX_DECODE_H

#include "convertd/fax_code.h"
#include "convertd/form.h"
#include "convertd/runs.h"
#include "lib/span.h"

/* The bits not yet used: n in v, the next highest (0 below them), then those of p. */
struct fax_bits { const unsigned char *p, *end; uint64_t v; int n; bool lsb; };

struct fax_decoder {
	const struct fax_code *code;
	struct fax_bits in;
	enum coding coding;
	bool bad_lines;			/* CleanFaxData 2: a row with a fault is taken as far as it goes */
	bool skip;			/* such a row was: the next begins behind an EOL */
	struct runs row, above;		/* the last row that was decoded; the one before it */
	uint32_t y;
	uint32_t eols_missing;		/* rows of MH and MR that were not behind an EOL */
};

/*
 * data: of a strip, borrowed; lsb: FillOrder 2.  Rows of MH may lack their EOL, fill may be anywhere
 * before one, the bit behind an EOL of MR is its tag wherever octets begin (T4Options 4 and 5 are read
 * alike).  -1: ERR_TEMP.  fax_decoder_free: after that too.
 */
int fax_decoder_init(struct fax_decoder *d, enum coding coding, struct span data, bool lsb,
    uint32_t width_px, bool bad_lines, struct err *e);
void fax_decoder_free(struct fax_decoder *d);

/*
 * The next row, in d->row.  -1: ERR_PERM 5.6.5, its data do not decode, or RTC, EOFB or the end of the
 * strip is where it should be.  Nothing is decoded after that.
 */
int fax_decode_row(struct fax_decoder *d, struct err *e);

#endif
