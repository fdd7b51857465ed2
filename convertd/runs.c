/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "convertd/runs.h"

#include <stdlib.h>
#include <string.h>

int
runs_init(struct runs *r, uint32_t width_px, struct err *e)
{
	*r = (struct runs){ .width = (int32_t)width_px };
	/* One more: runs_invert puts a change before all others. */
	r->x = calloc((size_t)width_px + RUNS_END + 1, sizeof *r->x);
	if (r->x == NULL)
		return err_set(e, ERR_TEMP, "4.3.0", "no memory for a row of %u pixels", width_px);
	runs_end(r);
	return 0;
}

void
runs_free(struct runs *r)
{
	free(r->x);
	*r = (struct runs){ .x = NULL };
}

/* 64 pixels from octet at of a row of n octets, the leftmost highest; white past its end. */
static uint64_t
word_at(const unsigned char *row, size_t n, size_t at)
{
	uint64_t v = 0;

	if (n - at >= sizeof v) {
		memcpy(&v, row + at, sizeof v);
		return __builtin_bswap64(v);
	}
	for (size_t i = 0; i < sizeof v; i++)
		v = v << 8 | (at + i < n ? row[at + i] : 0);
	return v;
}

void
runs_read(struct runs *r, const unsigned char *row)
{
	size_t octets = ((size_t)r->width + 7) / 8;
	uint64_t before = 0;		/* the pixel left of the word */

	r->n = 0;
	for (size_t at = 0; at < octets; at += 8) {
		uint64_t v = word_at(row, octets, at);
		uint64_t change = v ^ (v >> 1 | before << 63);
		int32_t x0 = (int32_t)at * 8;

		for (; change != 0; r->n++) {
			int k = __builtin_clzll(change);

			if (x0 + k >= r->width)
				break;
			r->x[r->n] = x0 + k;
			change ^= (uint64_t)1 << (63 - k);
		}
		before = v & 1;
	}
	runs_end(r);
}

static void
black_paint(unsigned char *row, int32_t from, int32_t to)
{
	unsigned head = 0xff >> from % 8, tail = (unsigned)~(0xff >> to % 8) & 0xff;
	int32_t a = from / 8, b = to / 8;

	if (a == b) {
		row[a] |= (unsigned char)(head & tail);
		return;
	}
	row[a] |= (unsigned char)head;
	for (a++; a < b; a++)
		row[a] = 0xff;
	if (tail != 0)
		row[b] |= (unsigned char)tail;
}

void
runs_paint(const struct runs *r, unsigned char *row)
{
	for (int32_t i = 0; i < r->n; i += 2)
		black_paint(row, r->x[i], r->x[i + 1]);
}

void
runs_invert(struct runs *r)
{
	if (r->n > 0 && r->x[0] == 0) {
		r->n--;
		memmove(r->x, r->x + 1, (size_t)r->n * sizeof *r->x);
	} else {
		memmove(r->x + 1, r->x, (size_t)r->n * sizeof *r->x);
		r->x[0] = 0;
		r->n++;
	}
	runs_end(r);
}

void
runs_copy(struct runs *to, const struct runs *from)
{
	to->n = from->n;
	memcpy(to->x, from->x, ((size_t)from->n + RUNS_END) * sizeof *to->x);
}

void
runs_swap(struct runs *a, struct runs *b)
{
	struct runs t = *a;

	*a = *b;
	*b = t;
}
