/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "convertd/raster.h"

#include <stdlib.h>
#include <sys/mman.h>

enum {
	HUGE = 2 << 20,			/* octets of a huge page on most machines */
	HUGE_FROM = 256 << 10		/* octets of a raster from which on they cost less than small ones */
};

/* n octets, 0.  A job's process is new, so that each small page it touches is a fault first: of a page
 * of 400 dpi 500, which would take longer than to convert it. */
static unsigned char *
pixels_new(size_t n)
{
	unsigned char *p;

	if (n < HUGE_FROM)
		return calloc(1, n == 0 ? 1 : n);
	n = (n + HUGE - 1) / HUGE * HUGE;
	if ((p = aligned_alloc(HUGE, n)) == NULL)
		return NULL;
	(void)madvise(p, n, MADV_HUGEPAGE);	/* where it is refused, small ones do */
	return memset(p, 0, n);
}

int
raster_init(struct raster *r, uint32_t width_px, uint32_t rows, struct err *e)
{
	size_t stride = raster_stride(width_px);

	*r = (struct raster){ .width_px = width_px, .rows = rows, .stride = stride };
	if ((r->px = pixels_new(stride * rows)) == NULL)
		return err_set(e, ERR_TEMP, "4.3.0", "no memory for %u by %u pixels", width_px,
		    rows);
	return 0;
}

void
raster_free(struct raster *r)
{
	free(r->px);
	*r = (struct raster){ .px = NULL };
}

void
raster_reverse(unsigned char *p, size_t n)
{
	uint64_t v;

	for (; n >= sizeof v; p += sizeof v, n -= sizeof v) {
		memcpy(&v, p, sizeof v);
		v = raster_reverse64(v);
		memcpy(p, &v, sizeof v);
	}
	for (; n > 0; p++, n--)
		*p = (unsigned char)raster_reverse64(*p);
}

void
raster_trim(struct raster *r)
{
	if (r->width_px % 8 == 0)
		return;
	for (uint32_t y = 0; y < r->rows; y++)
		raster_row(r, y)[r->stride - 1] &= (unsigned char)(0xff00 >> r->width_px % 8);
}

void
raster_invert(struct raster *r)
{
	size_t n = r->stride * r->rows;

	for (size_t i = 0; i < n; i++)
		r->px[i] = (unsigned char)~r->px[i];
	raster_trim(r);
}

/* Calls for each black pixel would be slow; this skips white octets, which most are. */
static void
turn_pixels(const struct raster *from, struct raster *to, uint32_t orientation)
{
	bool swap = orientation >= 5;
	bool x_back = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
	bool y_back = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;

	for (uint32_t r = 0; r < from->rows; r++) {
		const unsigned char *row = raster_row(from, r);

		for (uint32_t c = 0; c < from->width_px; c++) {
			uint32_t x = swap ? r : c, y = swap ? c : r;

			if (row[c / 8] == 0) {
				c |= 7;
				continue;
			}
			if ((row[c / 8] & 0x80 >> c % 8) == 0)
				continue;
			if (x_back)
				x = to->width_px - 1 - x;
			if (y_back)
				y = to->rows - 1 - y;
			raster_row(to, y)[x / 8] |= (unsigned char)(0x80 >> x % 8);
		}
	}
}

/* Upside down: of a width in whole octets, the whole raster's octets backwards, bits reversed. */
static void
turn_around(struct raster *r)
{
	size_t n = r->stride * r->rows;

	for (size_t i = 0; i < n / 2; i++) {
		unsigned char t = r->px[i];

		r->px[i] = r->px[n - 1 - i];
		r->px[n - 1 - i] = t;
	}
	raster_reverse(r->px, n);
}

int
raster_turn(struct raster *r, uint32_t orientation, struct err *e)
{
	bool swap = orientation >= 5;
	struct raster to;

	if (orientation <= 1)
		return 0;
	if (orientation == 3 && r->width_px % 8 == 0) {
		turn_around(r);
		return 0;
	}
	if (raster_init(&to, swap ? r->rows : r->width_px, swap ? r->width_px : r->rows, e) == -1)
		return -1;
	turn_pixels(r, &to, orientation);
	raster_free(r);
	*r = to;
	return 0;
}
