/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "convertd/lab.h"

#include <math.h>
#include <string.h>

enum { STEPS = 4096 };

/* T.42's gamut. */
static const double A_LEAST = -21760.0 / 255, A_MOST = 21590.0 / 255, B_LEAST = -19200.0 / 255, B_MOST = 31800.0 / 255;

/* linear: of an octet of sRGB (IEC 61966-2-1); root: the f of CIELAB (ISO/CIE 11664-4), 0 to 1. */
static struct { bool set; double linear[256], root[STEPS + 2]; } tables;

static void
tables_set(void)
{
	for (int i = 0; i < 256; i++) {
		double v = i / 255.0;

		tables.linear[i] = v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
	}
	for (int i = 0; i < STEPS + 2; i++) {
		double t = (double)i / STEPS;

		tables.root[i] = t > 216.0 / 24389 ? cbrt(t) : t * 841 / 108 + 4.0 / 29;
	}
	tables.set = true;
}

/* Between the steps by a straight line. */
static double
root(double t)
{
	double at = t <= 0 ? 0 : t >= 1 ? STEPS : t * STEPS;
	int i = (int)at;

	return tables.root[i] + (tables.root[i + 1] - tables.root[i]) * (at - i);
}

static unsigned char
octet(double v)
{
	return v <= 0 ? 0 : v >= 255 ? 255 : (unsigned char)(v + 0.5);
}

/* How far a* or b* must be drawn in to lie between least and most, of which one is below 0: 1, or less. */
static double
within(double v, double least, double most)
{
	return v < least ? least / v : v > most ? most / v : 1;
}

void
lab_of_rgb(unsigned r, unsigned g, unsigned b, unsigned char out[LAB_PLANES])
{
	double lr, lg, lb, x, y, z, a, bb, k, kb;

	if (!tables.set)
		tables_set();
	lr = tables.linear[r], lg = tables.linear[g], lb = tables.linear[b];
	/* sRGB's primaries after Bradford's adaptation, each row over D50's white */
	x = root((0.4360747 * lr + 0.3850649 * lg + 0.1430804 * lb) / 0.9642200);
	y = root(0.2225045 * lr + 0.7168786 * lg + 0.0606169 * lb);
	z = root((0.0139322 * lr + 0.0971045 * lg + 0.7141733 * lb) / 0.8252100);
	a = 500 * (x - y);
	bb = 200 * (y - z);
	/* both by as much, so that the hue stays: blue would be violet */
	k = within(a, A_LEAST, A_MOST);
	kb = within(bb, B_LEAST, B_MOST);
	k = kb < k ? kb : k;
	out[LAB_L] = octet((116 * y - 16) * 2.55);
	out[LAB_A] = octet(128 + a * k * 1.5);
	out[LAB_B] = octet(96 + bb * k * 1.275);
}

int
lab_init(struct lab *l, unsigned planes, uint32_t width_px, uint32_t rows, struct err *e)
{
	*l = (struct lab){ .planes = planes };
	for (unsigned i = 0; i < planes; i++)
		if (grey_init(&l->plane[i], width_px, rows, e) == -1) {
			lab_free(l);
			return -1;
		}
	return 0;
}

void
lab_free(struct lab *l)
{
	for (unsigned i = 0; i < LAB_PLANES; i++)
		grey_free(&l->plane[i]);
}

int
lab_turn(struct lab *l, uint32_t orientation, struct err *e)
{
	for (unsigned i = 0; i < l->planes; i++)
		if (grey_turn(&l->plane[i], orientation, e) == -1)
			return -1;
	return 0;
}

int
lab_resize(const struct lab *l, uint32_t width_px, uint32_t rows, struct lab *out, struct err *e)
{
	*out = (struct lab){ .planes = l->planes };
	for (unsigned i = 0; i < l->planes; i++)
		if (grey_resize(&l->plane[i], width_px, rows, &out->plane[i], e) == -1) {
			lab_free(out);
			return -1;
		}
	return 0;
}

void
lab_white(struct lab *l)
{
	static const unsigned char white[LAB_PLANES] = { 255, 128, 96 };

	for (unsigned i = 0; i < l->planes; i++)
		memset(l->plane[i].px, white[i], (size_t)l->plane[i].width_px * l->plane[i].rows);
}

void
lab_place(struct lab *l, const struct lab *on, uint32_t x, uint32_t y)
{
	for (unsigned i = 0; i < l->planes && i < on->planes; i++)
		for (uint32_t row = 0; row < on->plane[i].rows; row++)
			memcpy(l->plane[i].px + (size_t)(y + row) * l->plane[i].width_px + x,
			    on->plane[i].px + (size_t)row * on->plane[i].width_px, on->plane[i].width_px);
}
