/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * T.85 by jbigkit's light version: it allocates nothing, decodes a line at a time into three lines
 * of ours, and refuses what T.85 leaves out.
 */
#include "convertd/codec.h"

#include <jbig85.h>
#include <stdlib.h>

/* AT_MAX: T.85's; without it halftones take two to three times the octets. */
enum { STRIPE = 128, AT_MAX = 127, PIECE = 65536 };

struct lines { unsigned char *out; size_t stride; uint32_t rows, got; };

/* 1 stops the decoder: a length still to come (VLENGTH) must not make it run on. */
static int
on_line(const struct jbg85_dec_state *s, unsigned char *start, size_t len, unsigned long y,
    void *arg)
{
	struct lines *l = arg;

	(void)s;
	if (y >= l->rows || y != l->got || len != l->stride) {
		l->got = UINT32_MAX;
		return 1;
	}
	memcpy(l->out + y * l->stride, start, len);
	l->got++;
	return 0;
}

/* A piece of the strip in natural bit order, in room of ours: jbigkit wants it writable. */
static int
pieces_decode(struct jbg85_dec_state *s, const struct codec_strip *strip, bool reversed)
{
	unsigned char piece[PIECE];
	int got = JBG_EAGAIN;

	for (size_t at = 0; at < strip->data.n && got == JBG_EAGAIN; at += PIECE) {
		struct span p = span_sub(strip->data, at, strip->data.n - at < PIECE ?
		    strip->data.n : at + PIECE);
		size_t used;

		memcpy(piece, p.p, p.n);
		if (reversed)
			raster_reverse(piece, p.n);
		got = jbg85_dec_in(s, piece, p.n, &used);
	}
	return got == JBG_EAGAIN ? jbg85_dec_end(s) : got;
}

int
codec_t85_decode(const struct codec_strip *s, const struct bih *bih, unsigned char *out,
    struct err *e)
{
	struct lines l = { .out = out, .stride = raster_stride(s->width_px), .rows = s->rows };
	struct jbg85_dec_state state;
	unsigned char *three = calloc(3, l.stride);
	int got;

	if (three == NULL)
		return err_set(e, ERR_TEMP, "4.3.0", "no memory for three lines");
	jbg85_dec_init(&state, three, 3 * l.stride, on_line, &l);
	got = pieces_decode(&state, s, bih->reversed);
	free(three);
	if (l.got == UINT32_MAX)
		return err_set(e, ERR_PERM, "5.6.5", "JBIG: more than the IFD's %u rows", s->rows);
	if (got != JBG_EOK)
		return err_set(e, ERR_PERM, "5.6.5", "JBIG: %s", jbg85_strerror(got));
	if (l.got != s->rows)
		return err_set(e, ERR_PERM, "5.6.5", "JBIG: %u rows of %u", l.got, s->rows);
	return 0;
}

struct sink { struct buf *out; struct err *e; bool failed; };

static void
on_data(unsigned char *start, size_t len, void *arg)
{
	struct sink *k = arg;

	if (!k->failed && buf_add(k->out, span_of(start, len), k->e) == -1)
		k->failed = true;
}

int
codec_t85_encode(const struct raster *r, struct buf *out, struct err *e)
{
	struct sink k = { .out = out, .e = e };
	size_t start = out->n;
	struct jbg85_enc_state s;

	jbg85_enc_init(&s, r->width_px, r->rows, on_data, &k);
	jbg85_enc_options(&s, JBG_TPBON, STRIPE, AT_MAX);
	for (uint32_t y = 0; y < r->rows && !k.failed; y++)
		jbg85_enc_lineout(&s, raster_row(r, y), y < 1 ? NULL : raster_row(r, y - 1),
		    y < 2 ? NULL : raster_row(r, y - 2));
	if (k.failed) {
		out->n = start;
		return -1;
	}
	raster_reverse(out->p + start, out->n - start);
	return 0;
}
