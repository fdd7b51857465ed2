/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* convertd/fax_encode.h - rows of runs to MH, MR (T.4) and MMR (T.6), FillOrder 2. */
#ifndef CONVERTD_FAX_ENCODE_H
#define CONVERTD_FAX_ENCODE_H

#include "convertd/fax_code.h"
#include "convertd/form.h"
#include "convertd/runs.h"
#include "lib/buf.h"

/* q: where the next octets go, behind them v has the last n bits, the first lowest. */
struct fax_encoder {
	const struct fax_code *code;
	enum coding coding;
	struct runs above;		/* the row before; white before the first */
	uint32_t k, rows_1d;		/* of MR: each rows_1d-th row is one-dimensional, k more until one */
	struct buf *out;		/* borrowed */
	unsigned char *q;
	uint64_t v;
	int n;
};

/*
 * MH: EOLs on octet boundaries; MR: EOLs anywhere, K 4 from 150 lines an inch on, else 2.
 * -1: ERR_TEMP.  fax_encoder_free: after that too.
 */
int fax_encoder_init(struct fax_encoder *c, enum coding coding, uint32_t width_px, uint16_t dpi_y,
    struct buf *out, struct err *e);
void fax_encoder_free(struct fax_encoder *c);

/* Appends a row, whose memory changes places with that of the one before.  -1: as buf_add. */
int fax_encode_row(struct fax_encoder *c, struct runs *row, struct err *e);

/* Appends EOFB to MMR, no RTC to the others, and fills the last octet. */
int fax_encode_end(struct fax_encoder *c, struct err *e);

#endif
