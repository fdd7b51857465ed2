/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* convertd/grey.c - lightness: of a colour, turned, in another size. */
#include "convertd/halftone.h"

#include <math.h>
#include <stdlib.h>

enum { LINEAR_MAX = 65535, STEPS = 4096, WEIGHT = 1 << 14 };

static struct { bool set; uint16_t linear[256]; unsigned char star[STEPS + 1]; } tables;

static void
tables_set(void)
{
	for (int i = 0; i < 256; i++) {
		double v = i / 255.0;

		v = v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
		tables.linear[i] = (uint16_t)lround(v * LINEAR_MAX);
	}
	for (int i = 0; i <= STEPS; i++) {
		double y = (double)i / STEPS;
		double l = y <= 216.0 / 24389 ? y * 24389 / 27 : 116 * cbrt(y) - 16;

		tables.star[i] = (unsigned char)lround(l * 2.55);
	}
	tables.set = true;
}

unsigned char
grey_of_rgb(unsigned r, unsigned g, unsigned b)
{
	uint64_t y;

	if (!tables.set)
		tables_set();
	y = 2126u * (uint64_t)tables.linear[r] + 7152u * (uint64_t)tables.linear[g] +
	    722u * (uint64_t)tables.linear[b];
	return tables.star[(y * STEPS + 5000ull * LINEAR_MAX) / (10000ull * LINEAR_MAX)];
}

int
grey_init(struct grey *g, uint32_t width_px, uint32_t rows, struct err *e)
{
	*g = (struct grey){ .width_px = width_px, .rows = rows };
	if ((g->px = malloc((size_t)width_px * rows + 1)) == NULL)
		return err_set(e, ERR_TEMP, "4.3.0", "no memory for %u by %u pixels", width_px, rows);
	return 0;
}

void
grey_free(struct grey *g)
{
	free(g->px);
	*g = (struct grey){ .px = NULL };
}

int
grey_turn(struct grey *g, uint32_t orientation, struct err *e)
{
	bool swap = orientation >= 5;
	bool x_back = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
	bool y_back = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
	struct grey to;

	if (orientation <= 1)
		return 0;
	if (grey_init(&to, swap ? g->rows : g->width_px, swap ? g->width_px : g->rows, e) == -1)
		return -1;
	for (uint32_t r = 0; r < g->rows; r++)
		for (uint32_t c = 0; c < g->width_px; c++) {
			uint32_t x = swap ? r : c, y = swap ? c : r;

			x = x_back ? to.width_px - 1 - x : x;
			y = y_back ? to.rows - 1 - y : y;
			to.px[(size_t)y * to.width_px + x] = g->px[(size_t)r * g->width_px + c];
		}
	grey_free(g);
	*g = to;
	return 0;
}

/* Of what pixels one of the result is made, along one axis: n of them from first on. */
struct mix { uint32_t first, n; uint16_t *weight; };

/* The weights of pixel i of to, from those of from; they sum up to WEIGHT. */
static void
mix_set(struct mix *m, uint32_t i, uint32_t from, uint32_t to)
{
	if (to >= from) {		/* it grows: between two */
		int64_t at = ((int64_t)(2 * (uint64_t)i + 1) * from - to) * WEIGHT / (2 * (int64_t)to);
		uint32_t part;

		if (at < 0)
			at = 0;
		m->first = (uint32_t)(at / WEIGHT);
		part = (uint32_t)(at % WEIGHT);
		m->n = part != 0 && m->first + 1 < from ? 2 : 1;
		m->weight[0] = (uint16_t)(m->n == 1 ? WEIGHT : WEIGHT - part);
		m->weight[1] = (uint16_t)part;
		return;
	}
	/* it becomes smaller: what lies under it, from i * from / to on */
	uint64_t a = (uint64_t)i * from, b = a + from, sum = 0, was = 0;

	m->first = (uint32_t)(a / to);
	m->n = 0;
	for (uint64_t k = m->first; k * to < b; k++) {
		uint64_t lo = k * to > a ? k * to : a, hi = (k + 1) * to < b ? (k + 1) * to : b;

		sum += hi - lo;
		m->weight[m->n++] = (uint16_t)(sum * WEIGHT / from - was);
		was = sum * WEIGHT / from;
	}
}

/* All weights of one axis, in one allocation. */
static struct mix *
mixes_new(uint32_t from, uint32_t to, struct err *e)
{
	size_t each = to >= from ? 2 : (size_t)from / to + 3;
	struct mix *m = malloc(to * (sizeof *m + each * sizeof *m->weight));

	if (m == NULL) {
		err_set(e, ERR_TEMP, "4.3.0", "no memory for a picture");
		return NULL;
	}
	for (uint32_t i = 0; i < to; i++) {
		m[i].weight = (uint16_t *)(m + to) + i * each;
		mix_set(&m[i], i, from, to);
	}
	return m;
}

/* step: from one pixel to the next along the axis. */
static unsigned char
mix_take(const struct mix *m, const unsigned char *p, size_t step)
{
	uint32_t sum = WEIGHT / 2;

	p += m->first * step;
	for (uint32_t i = 0; i < m->n; i++)
		sum += m->weight[i] * (uint32_t)p[i * step];
	return (unsigned char)(sum / WEIGHT);
}

int
grey_resize(const struct grey *g, uint32_t width_px, uint32_t rows, struct grey *out, struct err *e)
{
	struct mix *mx = mixes_new(g->width_px, width_px, e), *my = mixes_new(g->rows, rows, e);
	struct grey half = { .px = NULL };
	int got = -1;

	*out = (struct grey){ .px = NULL };
	if (mx != NULL && my != NULL && grey_init(&half, width_px, g->rows, e) == 0 &&
	    grey_init(out, width_px, rows, e) == 0) {
		for (uint32_t y = 0; y < g->rows; y++)
			for (uint32_t x = 0; x < width_px; x++)
				half.px[(size_t)y * width_px + x] =
				    mix_take(&mx[x], g->px + (size_t)y * g->width_px, 1);
		for (uint32_t y = 0; y < rows; y++)
			for (uint32_t x = 0; x < width_px; x++)
				out->px[(size_t)y * width_px + x] = mix_take(&my[y], half.px + x, width_px);
		got = 0;
	}
	grey_free(&half);
	free(mx);
	free(my);
	return got;
}
