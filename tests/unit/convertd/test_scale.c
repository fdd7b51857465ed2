/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "convertd/scale.h"

#include "tests/unit/convertd/judge.h"

#include <check.h>

static struct form
form_of(uint16_t x, uint16_t y, enum paper paper)
{
	return (struct form){ .coding = CODING_MH, .paper = paper, .dpi_x = x, .dpi_y = y };
}

/* From, to, and what must come of 100 rows; num/den: cells of a box; black/whole: threshold. */
static const struct {
	uint16_t x, y; enum paper paper;
	uint16_t to_x, to_y; enum paper to_paper;
	uint32_t rows, x_num, x_den, y_num, y_den, black, whole;
} plans[] = {
	{ 400, 400, PAPER_A4, 200, 200, PAPER_A4, 50, 2, 1, 2, 1, 1, 2 },
	{ 408, 391, PAPER_A4, 204, 196, PAPER_A4, 50, 2, 1, 2, 1, 1, 2 },
	{ 408, 391, PAPER_B4, 200, 200, PAPER_B4, 50, 2, 1, 2, 1, 1, 2 },
	{ 204, 391, PAPER_A4, 204, 196, PAPER_A4, 50, 1, 1, 2, 1, 1, 2 },
	{ 400, 400, PAPER_A3, 204, 391, PAPER_A3, 100, 2, 1, 1, 1, 1, 2 },
	{ 400, 400, PAPER_A4, 204, 98, PAPER_A4, 25, 2, 1, 4, 1, 3, 8 },
	{ 204, 391, PAPER_A4, 200, 100, PAPER_A4, 25, 1, 1, 4, 1, 3, 8 },
	{ 204, 196, PAPER_A4, 204, 98, PAPER_A4, 50, 1, 1, 2, 1, 3, 8 },
	{ 300, 300, PAPER_A4, 204, 98, PAPER_A4, 34, 3, 2, 3, 1, 3, 8 },
	{ 300, 300, PAPER_A4, 200, 200, PAPER_A4, 67, 3, 2, 3, 2, 7, 16 },
	{ 400, 400, PAPER_A4, 300, 300, PAPER_A4, 75, 4, 3, 4, 3, 7, 16 },
	{ 200, 200, PAPER_B4, 200, 200, PAPER_A4, 85, 32, 27, 32, 27, 7, 16 },
	{ 200, 200, PAPER_A3, 204, 196, PAPER_A4, 72, 38, 27, 38, 27, 7, 16 },
	{ 400, 400, PAPER_A3, 200, 200, PAPER_A4, 36, 76, 27, 76, 27, 7, 16 },
	{ 204, 98, PAPER_A4, 204, 196, PAPER_A4, 200, 1, 1, 1, 2, 7, 16 },
	{ 200, 200, PAPER_A4, 204, 196, PAPER_A4, 100, 1, 1, 1, 1, 1, 2 },
	{ 400, 400, PAPER_A3, 408, 391, PAPER_A3, 100, 1, 1, 1, 1, 1, 2 },
	{ 200, 100, PAPER_B4, 204, 98, PAPER_B4, 100, 1, 1, 1, 1, 1, 2 },
};
enum { PLANS = sizeof plans / sizeof *plans };

static void
plan(int i, uint32_t rows, struct scale *s)
{
	struct form from = form_of(plans[i].x, plans[i].y, plans[i].paper);
	struct form to = form_of(plans[i].to_x, plans[i].to_y, plans[i].to_paper);
	struct err e;

	ck_assert_int_eq(scale_plan(form_width(&from), rows, from.dpi_x, from.dpi_y, &to, 20000, s,
	    &e), 0);
	ck_assert_uint_eq(s->width_px, form_width(&to));
}

START_TEST(ratios_are_exact)
{
	struct scale s;

	plan(_i, 100, &s);
	ck_assert_uint_eq(s.rows, plans[_i].rows);
	ck_assert_uint_eq(s.x_num, plans[_i].x_num);
	ck_assert_uint_eq(s.x_den, plans[_i].x_den);
	ck_assert_uint_eq(s.y_num, plans[_i].y_num);
	ck_assert_uint_eq(s.y_den, plans[_i].y_den);
	ck_assert_uint_eq(s.black, plans[_i].black);
	ck_assert_uint_eq(s.whole, plans[_i].whole);
}
END_TEST

static bool
black_at(const struct raster *r, uint32_t x, uint32_t y)
{
	return y < r->rows && (raster_row(r, y)[x / 8] & 0x80 >> x % 8) != 0;
}

/* Cell by cell: x_num * y_num cells of one new pixel. */
static bool
slow_pixel(int i, const struct raster *from, uint32_t x, uint32_t y)
{
	uint64_t black = 0, cells = (uint64_t)plans[i].x_num * plans[i].y_num;

	for (uint32_t b = 0; b < plans[i].y_num; b++)
		for (uint32_t a = 0; a < plans[i].x_num; a++)
			black += black_at(from, (x * plans[i].x_num + a) / plans[i].x_den,
			    (y * plans[i].y_num + b) / plans[i].y_den);
	return black > 0 && black * plans[i].whole >= cells * plans[i].black;
}

START_TEST(areas_agree_with_the_slow_way)
{
	int i = _i % PLANS;
	struct form f = form_of(plans[i].x, plans[i].y, plans[i].paper);
	struct raster from, out;
	struct scale s;
	struct err e;

	/* 7 rows: the last box runs past the end, which counts as white. */
	raster_random(&from, form_width(&f), 7, _i < PLANS ? 110 : 25, (unsigned)_i + 1);
	plan(i, from.rows, &s);
	ck_assert_int_eq(scale_run(&s, &from, &out, &e), 0);
	for (uint32_t y = 0; y < out.rows; y++)
		for (uint32_t x = 0; x < out.width_px; x++)
			ck_assert_msg(black_at(&out, x, y) == slow_pixel(i, &from, x, y),
			    "%u,%u of plan %d", x, y, i);
	raster_free(&from);
	raster_free(&out);
}
END_TEST

/* A box of 2 by 2 is black from two pixels on, 2 by 4 from three: hairlines stay. */
START_TEST(thresholds_by_hand)
{
	struct form a4 = form_of(400, 400, PAPER_A4), fine = form_of(200, 200, PAPER_A4);
	struct form standard = form_of(204, 98, PAPER_A4);
	struct raster from, out;
	struct scale s;
	struct err e;

	ck_assert_int_eq(raster_init(&from, form_width(&a4), 4, &e), 0);
	from.px[0] = 0x80 | 0x30;	/* columns 0; 2 3 */
	raster_row(&from, 1)[0] = 0x08;	/* 4, with 5 below: a diagonal of one box */
	raster_row(&from, 0)[0] |= 0x04;
	raster_row(&from, 3)[0] = 0x30;
	ck_assert_int_eq(scale_plan(3456, 4, 400, 400, &fine, 20000, &s, &e), 0);
	ck_assert_int_eq(scale_run(&s, &from, &out, &e), 0);
	ck_assert_uint_eq(out.px[0], 0x60);
	ck_assert_uint_eq(raster_row(&out, 1)[0], 0x40);
	raster_free(&out);
	ck_assert_int_eq(scale_plan(3456, 4, 400, 400, &standard, 20000, &s, &e), 0);
	ck_assert_int_eq(scale_run(&s, &from, &out, &e), 0);
	ck_assert_uint_eq(out.px[0], 0x40);
	raster_free(&out);
	raster_free(&from);
}
END_TEST

START_TEST(result_is_bounded)
{
	struct form to = form_of(204, 391, PAPER_A4);
	struct scale s;
	struct err e = { 0 };

	ck_assert_int_eq(scale_plan(1728, 10000, 204, 196, &to, 19999, &s, &e), -1);
	ck_assert_str_eq(e.dsn, "5.6.5");
}
END_TEST

Suite *suite_scale(void);
Suite *
suite_scale(void)
{
	Suite *s = suite_create("scale");
	TCase *tc = tcase_create("scale");

	tcase_add_loop_test(tc, ratios_are_exact, 0, PLANS);
	tcase_add_loop_test(tc, areas_agree_with_the_slow_way, 0, 2 * PLANS);
	tcase_add_test(tc, thresholds_by_hand);
	tcase_add_test(tc, result_is_bounded);
	suite_add_tcase(s, tc);
	return s;
}
