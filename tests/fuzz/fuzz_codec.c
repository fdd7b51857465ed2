/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/fuzz/fuzz_codec.c - a strip as a decoder gets it: MH, MR and MMR by ours, T.85 and the whole of
 * T.82 by jbigkit behind bih_read, under small limits.  What decodes has its rows and no pixel beside
 * the width that stays after raster_trim, and encodes to a strip that decodes to the same pixels; what
 * does not is refused with a reason.  A decoder writes nothing behind its rows.
 * Input: coding and flags, an octet that is skipped, width and rows (two octets each), then the strip.
 */
#include "convertd/codec.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { WIDTH_MAX = 2432, ROWS_MAX = 300, HEAD = 6, BEHIND = 64, MARK = 0xa5 };

static int
decode(enum coding coding, const struct codec_strip *s, unsigned char *out, struct err *e)
{
	struct bih bih;

	if (coding != CODING_JBIG)
		return codec_t4t6_decode(coding, s, out, e);
	if (bih_read(s->data, s->lsb, s->width_px, s->rows, &bih, e) == -1)
		return -1;
	assert(bih.width_px == s->width_px && bih.length_px >= s->rows && bih.stripe > 0);
	return bih.t85 ? codec_t85_decode(s, &bih, out, e) : codec_jbig_decode(s, &bih, out, e);
}

/* Encoded and decoded it is the same. */
static void
round_trip(enum coding coding, const struct raster *r)
{
	struct codec_strip s = { .lsb = true, .width_px = r->width_px, .rows = r->rows };
	struct raster back;
	struct buf out;
	struct err e = { 0 };

	buf_init(&out, 8 << 20);
	assert(raster_init(&back, r->width_px, r->rows, &e) == 0);
	assert((coding == CODING_JBIG ? codec_t85_encode(r, &out, &e) :
	    codec_t4t6_encode(coding, r, 196, &out, &e)) == 0);
	s.data = buf_view(&out);
	assert(decode(coding, &s, back.px, &e) == 0);
	raster_trim(&back);
	assert(memcmp(r->px, back.px, r->stride * r->rows) == 0);
	raster_free(&back);
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct codec_strip s;
	struct err e = { 0 };
	struct raster r;
	enum coding coding;
	size_t octets;
	int got;

	if (n < HEAD)
		return 0;
	coding = (enum coding)(p[0] & 3);
	s = (struct codec_strip){ .data = span_of(p + HEAD, n - HEAD), .lsb = p[0] & 4,
	    .bad_lines = p[0] & 8,
	    .width_px = (uint32_t)(p[2] | p[3] << 8) % WIDTH_MAX + 1,
	    .rows = (uint32_t)(p[4] | p[5] << 8) % ROWS_MAX + 1 };
	assert(raster_init(&r, s.width_px, s.rows, &e) == 0);
	octets = r.stride * r.rows;	/* jbigkit is not instrumented: the room is marked */
	r.px = realloc(r.px, octets + BEHIND);
	assert(r.px != NULL);
	memset(r.px + octets, MARK, BEHIND);
	got = decode(coding, &s, r.px, &e);
	for (size_t i = 0; i < BEHIND; i++)
		assert(r.px[octets + i] == MARK);
	if (got == 0) {
		raster_trim(&r);
		for (uint32_t y = 0; r.width_px % 8 != 0 && y < r.rows; y++)
			assert((raster_row(&r, y)[r.stride - 1] & (0xff >> r.width_px % 8)) == 0);
		round_trip((enum coding)(p[0] >> 4 & 3), &r);
	} else {
		assert((e.kind == ERR_PERM || e.kind == ERR_TEMP) && e.what[0] != '\0');
	}
	raster_free(&r);
	return 0;
}
