/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "convertd/scale.h"

#include <stdlib.h>

static uint64_t
common(uint64_t a, uint64_t b)
{
	while (b != 0) {
		uint64_t t = a % b;

		a = b;
		b = t;
	}
	return a;
}

static void
reduce(uint64_t num, uint64_t den, uint32_t *num_out, uint32_t *den_out)
{
	uint64_t k = common(num, den);

	*num_out = (uint32_t)(num / k);
	*den_out = (uint32_t)(den / k);
}

int
scale_plan(uint32_t width_px, uint32_t rows, uint16_t dpi_x, uint16_t dpi_y,
    const struct form *to, uint32_t max_rows, struct scale *out, struct err *e)
{
	uint32_t to_x = form_nominal(to->dpi_x), to_y = form_nominal(to->dpi_y);
	uint32_t from_x = form_nominal(dpi_x), from_y = form_nominal(dpi_y);
	uint64_t n;

	*out = (struct scale){ .width_px = form_width(to), .black = 1, .whole = 2 };
	if (out->width_px == 0 || from_x == 0 || from_y == 0 || width_px == 0 || rows == 0)
		return err_set(e, ERR_BUG, "5.0.0", "scale: no fax resolution");
	reduce(width_px, out->width_px, &out->x_num, &out->x_den);
	/* As much as in x, times what the resolutions differ: at most 4864 * 400^2 both. */
	reduce((uint64_t)width_px * from_y * to_x, (uint64_t)out->width_px * from_x * to_y,
	    &out->y_num, &out->y_den);
	n = ((uint64_t)rows * out->y_den + out->y_num - 1) / out->y_num;
	if (n > max_rows)
		return err_set(e, ERR_PERM, "5.6.5", "scaled page has %llu rows, more than %u",
		    (unsigned long long)n, max_rows);
	out->rows = (uint32_t)n;
	if (to_y == 100 && !scale_is_copy(out))
		out->black = 3, out->whole = 8;
	else if (out->x_den != 1 || out->y_den != 1)
		out->black = 7, out->whole = 16;
	return 0;
}

bool
scale_is_copy(const struct scale *s)
{
	return s->x_num == 1 && s->x_den == 1 && s->y_num == 1 && s->y_den == 1;
}

/*
 * Boxes of 1 or 2 by 1, 2 or 4: 64 pixels at a step.  The number of black pixels in each box is
 * held in four words, one bit of it in each: ones, twos, fours, eights.
 */
enum { BOX_ROWS_MAX = 4 };

struct count { uint64_t b[4]; };

static struct count
count_add(struct count a, struct count b)
{
	uint64_t carry = 0;

	for (int i = 0; i < 4; i++) {
		uint64_t sum = a.b[i] ^ b.b[i] ^ carry;

		carry = (a.b[i] & b.b[i]) | (carry & (a.b[i] ^ b.b[i]));
		a.b[i] = sum;
	}
	return a;
}

/* Where the count is at least 1, 2 or 3. */
static uint64_t
count_reaches(struct count c, uint32_t least)
{
	uint64_t two = c.b[1] | c.b[2] | c.b[3];

	return least <= 1 ? c.b[0] | two : least == 2 ? two :
	    (c.b[0] & c.b[1]) | c.b[2] | c.b[3];
}

/* The upper bit of each pair, moved together into the low 32. */
static uint32_t
pairs_pack(uint64_t v)
{
	v = v >> 1 & 0x5555555555555555;
	v = (v | v >> 1) & 0x3333333333333333;
	v = (v | v >> 2) & 0x0f0f0f0f0f0f0f0f;
	v = (v | v >> 4) & 0x00ff00ff00ff00ff;
	v = (v | v >> 8) & 0x0000ffff0000ffff;
	return (uint32_t)(v | v >> 16);
}

/* Up to eight octets from at, the first highest; what is past the row is white. */
static uint64_t
word_get(const unsigned char *row, size_t stride, size_t at)
{
	uint64_t v = 0;

	if (stride - at >= 8) {
		memcpy(&v, row + at, 8);
		return __builtin_bswap64(v);
	}
	for (size_t i = 0; i < 8; i++)
		v = v << 8 | (at + i < stride ? row[at + i] : 0);
	return v;
}

static void
word_put(unsigned char *row, size_t stride, size_t at, uint64_t v, size_t octets)
{
	uint64_t turned = __builtin_bswap64(v << 8 * (8 - octets));

	if (at < stride)
		memcpy(row + at, &turned, stride - at < octets ? stride - at : octets);
}

/* Where two by two pixels, the left ones at odd bits, have two black ones: the commonest box by far. */
static uint64_t
half_of_four(uint64_t a, uint64_t b)
{
	uint64_t a2 = a << 1, b2 = b << 1;

	return (a & a2) | (b & b2) | ((a | a2) & (b | b2));
}

static uint64_t
boxes_word(const struct scale *s, const uint64_t *rows, uint32_t n, uint32_t least)
{
	struct count c = { { 0 } };

	for (uint32_t r = 0; r < n; r++)
		c = count_add(c, (struct count){ { rows[r] } });
	if (s->x_num == 2)
		c = count_add(c, (struct count){ { c.b[0] << 1, c.b[1] << 1, c.b[2] << 1, c.b[3] << 1 } });
	return count_reaches(c, least);
}

/* Most words of most pages are white, and so is to. */
static void
boxes_row(const struct scale *s, const struct raster *from, uint32_t y, uint32_t least,
    unsigned char *to, size_t to_stride)
{
	uint32_t first = y * s->y_num, n = from->rows - first < s->y_num ? from->rows - first : s->y_num;
	bool half = s->x_num == 2 && s->y_num == 2 && n == 2 && least == 2;
	uint64_t rows[BOX_ROWS_MAX], black;

	for (size_t at = 0; at < from->stride; at += 8) {
		uint64_t any = 0;

		for (uint32_t r = 0; r < n; r++)
			any |= rows[r] = word_get(raster_row(from, first + r), from->stride, at);
		if (any == 0)
			continue;
		black = half ? half_of_four(rows[0], rows[1]) : boxes_word(s, rows, n, least);
		if (s->x_num == 1)
			word_put(to, to_stride, at, black, 8);
		else
			word_put(to, to_stride, at / 2, pairs_pack(black), 4);
	}
}

static bool
boxes_fit(const struct scale *s)
{
	return s->x_den == 1 && s->y_den == 1 && s->x_num <= 2 &&
	    (s->y_num == 1 || s->y_num == 2 || s->y_num == 4);
}

/*
 * Any ratio: the area of one new pixel is x_num * y_num cells of 1 / x_den by 1 / y_den of an old
 * one.  down[x]: black cells of the rows in column x, as a running sum from the left.
 */
static void
down_sum(const struct scale *s, const struct raster *from, uint32_t y, uint32_t *down,
    uint64_t *sum)
{
	uint64_t top = (uint64_t)y * s->y_num, bottom = top + s->y_num;

	memset(down, 0, from->width_px * sizeof *down);
	for (uint64_t r = top / s->y_den; r < from->rows && r * s->y_den < bottom; r++) {
		const unsigned char *row = raster_row(from, (uint32_t)r);
		uint64_t a = r * s->y_den, b = a + s->y_den;
		uint32_t weight = (uint32_t)((b < bottom ? b : bottom) - (a > top ? a : top));

		for (uint32_t x = 0; x < from->width_px; x++) {
			if (row[x / 8] == 0)
				x |= 7;
			else if (row[x / 8] & 0x80 >> x % 8)
				down[x] += weight;
		}
	}
	sum[0] = 0;
	for (uint32_t x = 0; x < from->width_px; x++)
		sum[x + 1] = sum[x] + down[x];
}

/* Black cells left of cell column at: whole pixels, and a part of the next. */
static uint64_t
cells_to(const struct scale *s, const uint64_t *sum, const uint32_t *down, uint64_t at)
{
	uint64_t x = at / s->x_den, part = at % s->x_den;

	return sum[x] * s->x_den + (part == 0 ? 0 : down[x] * part);
}

static int
areas_run(const struct scale *s, const struct raster *from, struct raster *out, struct err *e)
{
	uint32_t *down = calloc(from->width_px, sizeof *down);
	uint64_t *sum = calloc((size_t)from->width_px + 1, sizeof *sum);
	uint64_t enough = (uint64_t)s->x_num * s->y_num * s->black;
	bool ready = down != NULL && sum != NULL;

	for (uint32_t y = 0; ready && y < out->rows; y++) {
		unsigned char *row = raster_row(out, y);
		uint64_t left = 0;

		down_sum(s, from, y, down, sum);
		if (sum[from->width_px] == 0)
			continue;
		for (uint32_t x = 0; x < out->width_px; x++) {
			uint64_t right = cells_to(s, sum, down, (uint64_t)(x + 1) * s->x_num);

			if ((right - left) * s->whole >= enough && right != left)
				row[x / 8] |= (unsigned char)(0x80 >> x % 8);
			left = right;
		}
	}
	free(sum);
	free(down);
	return ready ? 0 : err_set(e, ERR_TEMP, "4.3.0", "no memory for a row");
}

int
scale_run(const struct scale *s, const struct raster *from, struct raster *out, struct err *e)
{
	uint32_t least;

	if (raster_init(out, s->width_px, s->rows, e) == -1)
		return -1;
	if (!boxes_fit(s)) {
		if (areas_run(s, from, out, e) == 0)
			return 0;
		raster_free(out);
		return -1;
	}
	least = (s->x_num * s->y_num * s->black + s->whole - 1) / s->whole;
	for (uint32_t y = 0; y < s->rows; y++)
		boxes_row(s, from, y, least, raster_row(out, y), out->stride);
	return 0;
}
