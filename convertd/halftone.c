/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "convertd/halftone.h"

#include <stdlib.h>

enum {
	BLOCK = 16,			/* pixels of a block's side */
	DARK = 25, LIGHT = 235,		/* beyond these a pixel is ink or paper */
	FLAT = 10,			/* a step that is part of a shade, and of no edge */
	CONTRAST = 40,			/* below this there is nothing to read */
};

/* One block: what it holds, and then what is made of it. */
struct block { uint16_t flat, middle; uint8_t min, max, cut; bool shades; };
struct blocks { uint32_t w, h; struct block *b; };

static uint32_t
least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static bool
is_flat(int a, int b)
{
	return a - b <= FLAT && b - a <= FLAT;
}

static void
block_count(const struct grey *g, uint32_t bx, uint32_t by, struct block *b)
{
	uint32_t x1 = least(g->width_px, (bx + 1) * BLOCK), y1 = least(g->rows, (by + 1) * BLOCK);
	uint32_t n = (x1 - bx * BLOCK) * (y1 - by * BLOCK);

	*b = (struct block){ .min = 255 };
	for (uint32_t y = by * BLOCK; y < y1; y++)
		for (uint32_t x = bx * BLOCK; x < x1; x++) {
			const unsigned char *p = &g->px[(size_t)y * g->width_px + x];

			b->min = *p < b->min ? *p : b->min;
			b->max = *p > b->max ? *p : b->max;
			if (*p <= DARK || *p >= LIGHT)
				continue;
			b->middle++;
			b->flat += (x == 0 || is_flat(p[0], p[-1])) &&
			    (y == 0 || is_flat(p[0], p[-(ptrdiff_t)g->width_px]));
		}
	/* Strokes of coloured letters are flat too, but paper is between them, as in a picture's leaves and hair
	 * it is not. */
	b->shades = b->flat * 2u >= n || b->middle * 4u >= n * 3;
}

/* Blocks around (x, y), itself too: how many have shades; the extremes of all. */
static unsigned
blocks_around(const struct blocks *k, uint32_t x, uint32_t y, int *min, int *max)
{
	unsigned n = 0;

	*min = 255;
	*max = 0;
	for (uint32_t j = y == 0 ? 0 : y - 1; j <= y + 1 && j < k->h; j++)
		for (uint32_t i = x == 0 ? 0 : x - 1; i <= x + 1 && i < k->w; i++) {
			const struct block *b = &k->b[j * k->w + i];

			n += b->shades;
			*min = b->min < *min ? b->min : *min;
			*max = b->max > *max ? b->max : *max;
		}
	return n;
}

/* Where a block of text is cut: three fifths up, so that thin strokes and coloured words stay. */
static void
block_cut(const struct blocks *k, uint32_t x, uint32_t y)
{
	struct block *b = &k->b[y * k->w + x];
	int min, max;
	unsigned shades = blocks_around(k, x, y, &min, &max);

	if (!b->shades && b->middle > 0 && (shades >= 3 || (shades > 0 && b->flat > 0)))
		b->cut = 0;		/* at the edge of a picture, or in its midst */
	else if (max - min < CONTRAST)
		b->cut = 128;
	else
		b->cut = (uint8_t)(min + (max - min) * 3 / 5);
}

static int
blocks_init(const struct grey *g, struct blocks *k, struct err *e)
{
	k->w = (g->width_px + BLOCK - 1) / BLOCK;
	k->h = (g->rows + BLOCK - 1) / BLOCK;
	if ((k->b = calloc((size_t)k->w * k->h, sizeof *k->b)) == NULL)
		return err_set(e, ERR_TEMP, "4.3.0", "no memory for a picture");
	for (uint32_t y = 0; y < k->h; y++)
		for (uint32_t x = 0; x < k->w; x++)
			block_count(g, x, y, &k->b[y * k->w + x]);
	for (uint32_t y = 0; y < k->h; y++)
		for (uint32_t x = 0; x < k->w; x++)
			block_cut(k, x, y);
	return 0;
}

/*
 * One row, forth or back.  now, next: errors in sixteenths, of this row and the next, one column wider at
 * either side.
 */
static void
row_draw(const unsigned char *px, uint32_t n, const struct block *b, bool back, int *now, int *next,
    unsigned char *row, uint32_t at)
{
	int step = back ? -1 : 1;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t x = back ? n - 1 - i : i;
		const struct block *k = &b[x / BLOCK];
		int v = px[x], err = 0;
		bool black;

		if (k->shades || (k->cut == 0 && v < LIGHT)) {
			v += (now[x + 1] + (now[x + 1] < 0 ? -8 : 8)) / 16;
			black = v < 128;
			err = black ? v : v - 255;
		} else {
			black = v < k->cut;
		}
		now[(int)x + 1 + step] += 7 * err;
		next[(int)x + 1 - step] += 3 * err;
		next[x + 1] += 5 * err;
		next[(int)x + 1 + step] += err;
		if (black)
			row[(at + x) / 8] |= (unsigned char)(0x80 >> (at + x) % 8);
	}
}

int
halftone(struct grey *g, struct raster *r, uint32_t x, uint32_t y, struct err *e)
{
	size_t cells = (size_t)g->width_px + 2;
	int *error = calloc(2 * cells, sizeof *error);
	struct blocks k = { 0 };

	if (x > r->width_px || g->width_px > r->width_px - x || y > r->rows || g->rows > r->rows - y) {
		free(error);
		return err_set(e, ERR_BUG, "5.0.0", "a picture beside its page");
	}
	if (error == NULL || blocks_init(g, &k, e) == -1) {
		free(error);
		return err_set(e, ERR_TEMP, "4.3.0", "no memory for a picture");
	}
	for (uint32_t i = 0; i < g->rows; i++) {
		int *now = error + (i & 1 ? cells : 0), *next = error + (i & 1 ? 0 : cells);

		memset(next, 0, cells * sizeof *next);
		row_draw(g->px + (size_t)i * g->width_px, g->width_px, k.b + (size_t)(i / BLOCK) * k.w, i & 1,
		    now, next, raster_row(r, y + i), x);
	}
	free(k.b);
	free(error);
	return 0;
}
