/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "convertd/fax_decode.h"

#include "convertd/raster.h"

#include <string.h>

enum { EOL_ZEROS = 11, RTC_EOLS = 6 };

/* Makes 32 bits or all that are left ready, never more than 63. */
static inline void
bits_fill(struct fax_bits *b)
{
	uint64_t v;

	if (b->n >= 32)
		return;
	if (b->end - b->p >= 8) {
		memcpy(&v, b->p, 8);
		if (b->lsb)
			v = raster_reverse64(v);
		b->v |= __builtin_bswap64(v) >> b->n;
		b->p += (63 - b->n) >> 3;
		b->n |= 56;
		return;
	}
	for (; b->n < 56 && b->p < b->end; b->n += 8) {
		v = *b->p++;
		if (b->lsb)
			v = raster_reverse64(v);
		b->v |= (v & 0xff) << (56 - b->n);
	}
}

static inline void
bits_drop(struct fax_bits *b, int n)
{
	b->v <<= n;
	b->n -= n;
}

int
fax_decoder_init(struct fax_decoder *d, enum coding coding, struct span data, bool lsb,
    uint32_t width_px, bool bad_lines, struct err *e)
{
	*d = (struct fax_decoder){ .code = fax_code(), .coding = coding, .bad_lines = bad_lines,
	    .in = { .p = data.p, .end = data.p + data.n, .lsb = lsb } };
	if (runs_init(&d->row, width_px, e) == -1)
		return -1;
	return runs_init(&d->above, width_px, e);
}

void
fax_decoder_free(struct fax_decoder *d)
{
	runs_free(&d->row);
	runs_free(&d->above);
}

/* A run of make-up words and the word that ends it; -1: none, or longer than the row. */
static inline int32_t
run_take(struct fax_decoder *d, int colour)
{
	int32_t sum = 0, run;

	do {
		fax_run w;

		bits_fill(&d->in);
		w = d->code->run[colour][d->in.v >> (64 - FAX_RUN_BITS)];
		if (w == 0)
			return -1;
		bits_drop(&d->in, w & 15);
		run = w >> 4;
		sum += run;
		if (sum > d->row.width || d->in.n < 0)
			return -1;
	} while (run >= 64);
	return sum;
}

/* The colour changes at x, which is not left of the last change; twice at one place is not at all. */
static inline void
change_add(struct runs *r, int32_t x)
{
	if (r->n > 0 && r->x[r->n - 1] == x)
		r->n--;
	else
		r->x[r->n++] = x;
}

/* One-dimensional: white and black in turn until the row is full.  NULL, or what is wrong. */
static const char *
row_1d(struct fax_decoder *d)
{
	struct runs *r = &d->row;
	int colour = WHITE;

	for (int32_t x = 0; x < r->width; colour = !colour) {
		int32_t run = run_take(d, colour);

		if (run < 0)
			return "no run begins so, or it is too long";
		x += run;
		if (x > r->width)
			return "runs of more than the width";
		if (x < r->width)
			change_add(r, x);
	}
	return NULL;
}

/* Horizontal mode: two runs from x on, the first of the colour of the row there.  -1: fault. */
static int32_t
runs_two(struct fax_decoder *d, int32_t x)
{
	int colour = d->row.n & 1;

	for (int i = 0; i < 2; i++) {
		int32_t run = run_take(d, colour ^ i);

		if (run < 0 || run > d->row.width - x)
			return -1;
		x += run;
		if (x < d->row.width)
			change_add(&d->row, x);
	}
	return x;
}

/*
 * Two-dimensional (T.4 4.2.1.3.4, T.6 2.2): a0 is where coding stands, -1 before the row; above[b] is b1,
 * the first change right of a0 from the colour at a0, which is that of the number of changes so far.
 */
static const char *
row_2d(struct fax_decoder *d)
{
	const int32_t *above = d->above.x;
	struct runs *r = &d->row;
	int32_t a0 = -1, a1, b = 0;

	while (a0 < r->width) {
		struct fax_mode_code m;

		bits_fill(&d->in);
		m = d->code->mode[d->in.v >> (64 - FAX_MODE_BITS)];
		bits_drop(&d->in, m.bits);
		if (m.mode == MODE_NONE || d->in.n < 0)
			return "no mode begins so";
		if (m.mode == MODE_VERTICAL) {
			a1 = above[b] + m.delta;
			if (a1 > r->width || a1 < a0 || a1 < 0)
				return "a change beside the row";
			a0 = a1;
			if (a0 == r->width)
				break;
			change_add(r, a0);
			b += b > 0 && m.delta < 0 ? -1 : 1;
		} else if (m.mode == MODE_PASS) {
			a0 = above[b + 1];
			b += 2;
		} else if ((a0 = runs_two(d, a0 < 0 ? 0 : a0)) < 0) {
			return "no run begins so, or it is too long";
		}
		if (a0 >= r->width)
			break;
		while (above[b] <= a0)
			b += 2;
	}
	return NULL;
}

/* Behind eleven zeros or more and a one?  They are used up then. */
static bool
eol_take(struct fax_bits *b)
{
	struct fax_bits at = *b;
	uint64_t zeros = 0;

	for (;;) {
		int k;

		bits_fill(&at);
		if (at.n <= 0)
			return false;
		k = at.v == 0 ? 64 : __builtin_clzll(at.v);
		if (k < at.n) {
			if (zeros + (uint64_t)k < EOL_ZEROS)
				return false;
			bits_drop(&at, k + 1);
			*b = at;
			return true;
		}
		zeros += (uint64_t)at.n;
		at.v = 0;
		at.n = 0;
	}
}

/* To behind the next EOL, over whatever a damaged row left. */
static bool
eol_seek(struct fax_bits *b)
{
	while (b->n > 0 || b->p < b->end) {
		bits_fill(b);
		if (b->v >> (64 - EOL_ZEROS) == 0) {
			if (eol_take(b))
				return true;
			return false;	/* zeros to the end */
		}
		bits_drop(b, b->v >> 63 ? 1 : __builtin_clzll(b->v));
		if (b->n < 0)
			return false;
	}
	return false;
}

/* What is in front of a row of T.4: *two: it is two-dimensional.  NULL, or what is wrong. */
static const char *
row_begin(struct fax_decoder *d, bool *two)
{
	int eols = 0;

	*two = false;
	if (d->skip && !eol_seek(&d->in))
		return "no EOL behind a bad row";
	for (eols = d->skip ? 1 : 0; ; eols++) {
		if (eols > 0 && d->coding == CODING_MR) {
			bits_fill(&d->in);
			*two = d->in.v >> 63 == 0;
			bits_drop(&d->in, 1);
		}
		if (eols >= RTC_EOLS - 1)
			return "RTC before the last row";
		if (!eol_take(&d->in))
			break;
	}
	d->skip = false;
	if (eols == 0 && d->y > 0 && d->coding == CODING_MR)
		return "no EOL, so no tag";
	d->eols_missing += eols == 0;
	return NULL;
}

static const char *
row_take(struct fax_decoder *d)
{
	bool two = d->coding == CODING_MMR;
	const char *fault = two ? NULL : row_begin(d, &two);

	if (fault != NULL)
		return fault;
	bits_fill(&d->in);
	if (d->in.n <= 0)
		return "the strip ends";
	fault = two ? row_2d(d) : row_1d(d);
	if (fault == NULL || !d->bad_lines || d->coding == CODING_MMR)
		return fault;
	d->skip = true;
	return NULL;
}

int
fax_decode_row(struct fax_decoder *d, struct err *e)
{
	const char *fault;

	runs_swap(&d->row, &d->above);
	d->row.n = 0;
	fault = row_take(d);
	runs_end(&d->row);
	if (fault != NULL)
		return err_set(e, ERR_PERM, "5.6.5", "fax data at row %u: %s", d->y, fault);
	d->y++;
	return 0;
}
