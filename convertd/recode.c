/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "convertd/recode.h"

#include "convertd/fax_decode.h"

int
recode_start(struct recode *r, enum coding to, uint32_t width_px, uint16_t dpi_y, bool black_0,
    struct buf *out, struct err *e)
{
	*r = (struct recode){ .black_0 = black_0 };
	if (fax_encoder_init(&r->to, to, width_px, dpi_y, out, e) == -1)
		return -1;
	return runs_init(&r->row, width_px, e);
}

void
recode_free(struct recode *r)
{
	fax_encoder_free(&r->to);
	runs_free(&r->row);
}

int
recode_strip(struct recode *r, enum coding from, const struct codec_strip *s, struct err *e)
{
	struct fax_decoder d;
	int got = fax_decoder_init(&d, from, s->data, s->lsb, s->width_px, s->bad_lines, e);

	for (uint32_t y = 0; got == 0 && y < s->rows; y++) {
		if ((got = fax_decode_row(&d, e)) == -1)
			break;
		runs_copy(&r->row, &d.row);	/* the decoder needs its own for the next */
		if (r->black_0)
			runs_invert(&r->row);
		got = fax_encode_row(&r->to, &r->row, e);
	}
	fax_decoder_free(&d);
	return got;
}

int
recode_end(struct recode *r, struct err *e)
{
	return fax_encode_end(&r->to, e);
}
