/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* convertd/png_check.c - the chunks of a PNG (ISO/IEC 15948, 5 and 11), before libpng sees it. */
#include "convertd/png_chunk.h"
#include "convertd/picture.h"

enum { DPI_MIN = 50, DPI_MAX = 1200 };

static int
png_bad(struct err *e, const char *what)
{
	return err_set(e, ERR_PERM, "5.6.1", "PNG: %s", what);
}

int
png_chunk_next(struct cur *c, struct png_chunk *out, struct err *e)
{
	struct cur start = *c;
	uint32_t n = cur_u32be(c);

	out->type = cur_take(c, 4);
	out->data = cur_take(c, n);
	cur_skip(c, 4);			/* CRC: libpng's */
	if (c->bad)
		return png_bad(e, "cut short");
	out->whole = span_sub(cur_rest(&start), 0, (size_t)n + 12);
	return 0;
}

/* 11.2.1, Table 11.1: which depths a colour type has. */
static bool
depth_legal(unsigned colour, unsigned depth)
{
	static const unsigned depths[7] = { [0] = 1 | 2 | 4 | 8 | 16, [2] = 8 | 16, [3] = 1 | 2 | 4 | 8,
	    [4] = 8 | 16, [6] = 8 | 16 };

	return colour < 7 && depth != 0 && (depth & (depth - 1)) == 0 && (depths[colour] & depth) != 0;
}

static int
png_header(struct span s, struct picture *p, struct err *e)
{
	struct cur c = cur_of(s);
	unsigned depth, colour, compression, filter, interlace;

	p->width_px = cur_u32be(&c);
	p->rows = cur_u32be(&c);
	depth = (unsigned)cur_byte(&c);
	colour = (unsigned)cur_byte(&c);
	compression = (unsigned)cur_byte(&c);
	filter = (unsigned)cur_byte(&c);
	interlace = (unsigned)cur_byte(&c);
	if (c.bad || cur_left(&c) != 0 || compression != 0 || filter != 0 || interlace > 1)
		return png_bad(e, "a header that is none");
	if (!depth_legal(colour, depth))
		return png_bad(e, "a colour type of another depth");
	if (p->width_px == 0 || p->rows == 0)
		return png_bad(e, "no width or length");
	if (interlace == 1 && (uint64_t)p->width_px * p->rows > PICTURE_PX_WHOLE)
		return err_set(e, ERR_PERM, "5.6.5", "PNG: interlaced, with too many pixels");
	p->colour = colour == 3 ? PICTURE_MAPPED : (colour & 2) != 0 ? PICTURE_FULL :
	    depth == 1 ? PICTURE_BINARY : PICTURE_GREY;
	return 0;
}

/* pHYs, 11.3.5.3: pixels a metre. */
static void
png_density(struct span s, struct picture *p)
{
	struct cur c = cur_of(s);
	uint64_t x = cur_u32be(&c), dpi;

	cur_skip(&c, 4);
	dpi = (x * 254 + 5000) / 10000;
	if (cur_byte(&c) == 1 && dpi >= DPI_MIN && dpi <= DPI_MAX)
		p->dpi = (uint32_t)dpi;
}

int
png_check(struct span file, struct picture *out, struct err *e)
{
	struct cur c = cur_of(file);
	struct png_chunk k;
	bool data = false, palette = false;

	cur_skip(&c, PNG_SIGNATURE);
	if (png_chunk_next(&c, &k, e) == -1)
		return -1;
	if (!span_is(k.type, "IHDR"))
		return png_bad(e, "it does not begin with a header");
	if (png_header(k.data, out, e) == -1)
		return -1;
	for (;;) {
		if (png_chunk_next(&c, &k, e) == -1)
			return -1;
		if (span_is(k.type, "IEND"))
			break;
		if (span_is(k.type, "PLTE") && (palette || data || k.data.n % 3 != 0 || k.data.n > 768))
			return png_bad(e, "a palette that is none");
		palette |= span_is(k.type, "PLTE");
		data |= span_is(k.type, "IDAT");
		if (span_is(k.type, "pHYs"))
			png_density(k.data, out);
		else if ((k.type.p[0] & 0x20) == 0 && !span_is(k.type, "PLTE") && !span_is(k.type, "IDAT"))
			return png_bad(e, "a critical chunk that is not known");
	}
	if (!data || (out->colour == PICTURE_MAPPED && !palette))
		return png_bad(e, data ? "no palette" : "no image data");
	return 0;
}
