/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "convertd/fax_encode.h"

#include <endian.h>
#include <string.h>

/* EOL as it is sent from its lowest bit on: eleven zeros and a one. */
enum { EOL = 0x800, EOL_BITS = 12, K_LOW = 2, K_HIGH = 4, FINE_DPI = 150, ROW_EXTRA = 64 };

int
fax_encoder_init(struct fax_encoder *c, enum coding coding, uint32_t width_px, uint16_t dpi_y,
    struct buf *out, struct err *e)
{
	*c = (struct fax_encoder){ .code = fax_code(), .coding = coding, .out = out,
	    .rows_1d = dpi_y > FINE_DPI ? K_HIGH : K_LOW };
	return runs_init(&c->above, width_px, e);
}

void
fax_encoder_free(struct fax_encoder *c)
{
	runs_free(&c->above);
}

/* Up to 32 bits; 4 octets behind q may be written over. */
static inline void
put(struct fax_encoder *c, uint32_t code, int bits)
{
	c->v |= (uint64_t)code << c->n;
	c->n += bits;
	if (c->n >= 32) {
		uint32_t low = htole32((uint32_t)c->v);

		memcpy(c->q, &low, sizeof low);
		c->q += sizeof low;
		c->v >>= 32;
		c->n -= 32;
	}
}

static inline void
put_word(struct fax_encoder *c, struct fax_word w)
{
	put(c, w.code, w.bits);
}

static inline void
put_run(struct fax_encoder *c, int colour, int32_t run)
{
	for (; run >= FAX_MAKE_UP_MAX + 64; run -= FAX_MAKE_UP_MAX)
		put_word(c, c->code->make_up[colour][FAX_MAKE_UP_MAX / 64]);
	if (run >= 64)
		put_word(c, c->code->make_up[colour][run / 64]);
	put_word(c, c->code->ends[colour][run % 64]);
}

static void
row_1d(struct fax_encoder *c, const struct runs *row)
{
	int32_t x = 0;

	for (int32_t i = 0; ; i++) {
		put_run(c, i & 1, row->x[i] - x);
		x = row->x[i];
		if (x >= row->width)
			return;
	}
}

/* T.4 4.2.1.3, T.6 2.2: a0, a1, b1 and b2 as there; -1 is the pixel before the row. */
static void
row_2d(struct fax_encoder *c, const struct runs *row)
{
	const int32_t *above = c->above.x, *x = row->x;
	int32_t a0 = -1, a = 0, b = 0;

	while (a0 < row->width) {
		int32_t delta;

		while (above[b] <= a0 && above[b] < row->width)
			b += 2;
		delta = x[a] - above[b];
		if (above[b + 1] < x[a]) {
			put_word(c, c->code->pass);
			a0 = above[b + 1];
		} else if (delta >= -FAX_DELTA_MAX && delta <= FAX_DELTA_MAX) {
			put_word(c, c->code->vertical[delta + FAX_DELTA_MAX]);
			a0 = x[a++];
			b += b > 0 ? -1 : 1;
		} else {
			put_word(c, c->code->horizontal);
			put_run(c, a & 1, x[a] - (a0 < 0 ? 0 : a0));
			put_run(c, !(a & 1), x[a + 1] - x[a]);
			a0 = x[a + 1];
			a += 2;
		}
	}
}

/* What T.4 has in front of a row; true if the row is two-dimensional. */
static bool
row_begin(struct fax_encoder *c)
{
	bool two = c->k > 0;

	if (c->coding == CODING_MMR)
		return true;
	if (c->coding == CODING_MH) {	/* zeros until EOL ends with its octet */
		put(c, 0, (4 - c->n) & 7);
		put(c, EOL, EOL_BITS);
		return false;
	}
	put(c, EOL | (two ? 0 : 1 << EOL_BITS), EOL_BITS + 1);
	c->k = two ? c->k - 1 : c->rows_1d - 1;
	return two;
}

int
fax_encode_row(struct fax_encoder *c, struct runs *row, struct err *e)
{
	/* A run has at most a mode, a make-up word of 2560 for as many pixels, another and its end: 32 bits
	 * and those; a pass, of 4 bits, is for two changes above. */
	size_t room = (size_t)row->n * 4 + (size_t)c->above.n + (size_t)row->width / 64 + ROW_EXTRA;

	if ((c->q = buf_room(c->out, room, e)) == NULL)
		return -1;
	if (row_begin(c))
		row_2d(c, row);
	else
		row_1d(c, row);
	c->out->n = (size_t)(c->q - c->out->p);
	runs_swap(row, &c->above);
	return 0;
}

int
fax_encode_end(struct fax_encoder *c, struct err *e)
{
	if ((c->q = buf_room(c->out, ROW_EXTRA, e)) == NULL)
		return -1;
	if (c->coding == CODING_MMR) {
		put(c, EOL, EOL_BITS);
		put(c, EOL, EOL_BITS);
	}
	for (; c->n > 0; c->n -= 8, c->v >>= 8)
		*c->q++ = (unsigned char)c->v;
	c->out->n = (size_t)(c->q - c->out->p);
	return 0;
}
