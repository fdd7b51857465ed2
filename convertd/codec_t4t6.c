/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "convertd/codec.h"

#include "convertd/fax_decode.h"
#include "convertd/fax_encode.h"

/* All rows in the order of bits that lsb says, to out. */
static int
rows_decode(enum coding coding, const struct codec_strip *s, bool lsb, bool bad_lines,
    unsigned char *out, struct err *e)
{
	size_t stride = raster_stride(s->width_px);
	struct fax_decoder d;
	int got = fax_decoder_init(&d, coding, s->data, lsb, s->width_px, bad_lines, e);

	for (uint32_t y = 0; got == 0 && y < s->rows; y++) {
		got = fax_decode_row(&d, e);
		if (got == 0)
			runs_paint(&d.row, out + y * stride);
	}
	fax_decoder_free(&d);
	return got;
}

/*
 * FillOrder is often wrong.  Data that decode to the last row in one order and not in the other leave no
 * doubt; where bad lines are to be expected they prove nothing, and FillOrder is believed.
 */
int
codec_t4t6_decode(enum coding coding, const struct codec_strip *s, unsigned char *out,
    struct err *e)
{
	struct err other;

	if (rows_decode(coding, s, s->lsb, s->bad_lines, out, e) == 0)
		return 0;
	if (e->kind != ERR_PERM || s->bad_lines)
		return -1;
	memset(out, 0, raster_stride(s->width_px) * s->rows);
	return rows_decode(coding, s, !s->lsb, false, out, &other);
}

int
codec_t4t6_encode(enum coding coding, const struct raster *r, uint16_t dpi_y, struct buf *out,
    struct err *e)
{
	size_t start = out->n;
	struct fax_encoder c;
	struct runs row;
	int got = fax_encoder_init(&c, coding, r->width_px, dpi_y, out, e);

	if (runs_init(&row, r->width_px, e) == -1)
		got = -1;
	for (uint32_t y = 0; got == 0 && y < r->rows; y++) {
		runs_read(&row, raster_row(r, y));
		got = fax_encode_row(&c, &row, e);
	}
	if (got == 0)
		got = fax_encode_end(&c, e);
	runs_free(&row);
	fax_encoder_free(&c);
	if (got == -1)
		out->n = start;
	return got;
}
