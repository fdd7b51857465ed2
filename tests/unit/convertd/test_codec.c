/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "convertd/codec.h"

#include "tests/unit/convertd/judge.h"

#include <check.h>
#include <jbig.h>
#include <jbig85.h>
#include <malloc.h>

static const enum coding codings[] = { CODING_MH, CODING_MR, CODING_MMR, CODING_JBIG };

/* Pages that are hard on a coder: empty, full, single pixels, noise, one row. */
static const struct { uint32_t width, rows; unsigned density; } shapes[] = {
	{ 1728, 300, 0 }, { 1728, 300, 256 }, { 1728, 64, 128 }, { 2592, 130, 3 },
	{ 4864, 40, 253 }, { 1728, 1, 40 }, { 2048, 129, 30 },
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static int
encode(enum coding coding, const struct raster *r, struct buf *out, struct err *e)
{
	return coding == CODING_JBIG ? codec_t85_encode(r, out, e) :
	    codec_t4t6_encode(coding, r, 196, out, e);
}

static int
decode(enum coding coding, struct span data, const struct raster *like, unsigned char *out,
    struct err *e)
{
	struct codec_strip s = { .data = data, .lsb = true, .width_px = like->width_px,
	    .rows = like->rows };
	struct bih bih;

	if (coding != CODING_JBIG)
		return codec_t4t6_decode(coding, &s, out, e);
	if (bih_read(data, true, s.width_px, s.rows, &bih, e) == -1)
		return -1;
	ck_assert(bih.t85 && bih.reversed && bih.stripe == 128);
	return codec_t85_decode(&s, &bih, out, e);
}

/* Whatever lay in that memory before, which is made to stay ours here. */
START_TEST(a_new_page_is_white)
{
	static const uint32_t rows[] = { 0, 1, 600, 2286, 4677 };
	struct raster r;
	struct err e = { 0 };

	mallopt(M_MMAP_MAX, 0);
	mallopt(M_TRIM_THRESHOLD, 1 << 30);
	for (int turn = 0; turn < 4; turn++) {
		unsigned char black = 0;

		ck_assert_int_eq(raster_init(&r, 3456, rows[_i], &e), 0);
		for (size_t i = 0; i < r.stride * r.rows; i++)
			black |= r.px[i];
		ck_assert_uint_eq(black, 0);
		memset(r.px, 0xff, r.stride * r.rows);
		raster_free(&r);
	}
}
END_TEST

START_TEST(pixels_come_back)
{
	enum coding coding = codings[_i % 4];
	struct raster r, back;
	struct err e = { 0 };
	struct buf out;

	buf_init(&out, 1 << 24);
	ck_assert_int_eq(buf_add_str(&out, "before", &e), 0);
	raster_random(&r, shapes[_i / 4].width, shapes[_i / 4].rows, shapes[_i / 4].density, 7);
	ck_assert_int_eq(raster_init(&back, r.width_px, r.rows, &e), 0);
	ck_assert_msg(encode(coding, &r, &out, &e) == 0, "%s", e.what);
	ck_assert(memcmp(out.p, "before", 6) == 0);
	ck_assert_msg(decode(coding, span_sub(buf_view(&out), 6, out.n), &r, back.px, &e) == 0,
	    "%s", e.what);
	ck_assert(memcmp(r.px, back.px, r.stride * r.rows) == 0);
	raster_free(&r);
	raster_free(&back);
	buf_free(&out);
}
END_TEST

/* Octet for octet what libtiff writes, and its pixels. */
static void
as_libtiff(enum coding coding, const struct raster *r, uint16_t dpi_y)
{
	struct buf ours, theirs;
	struct raster back;
	struct err e = { 0 };

	buf_init(&ours, 1 << 25);
	buf_init(&theirs, 1 << 25);
	ck_assert_int_eq(raster_init(&back, r->width_px, r->rows, &e), 0);
	judge_encode(coding, r, dpi_y, &theirs);
	ck_assert_msg(codec_t4t6_encode(coding, r, dpi_y, &ours, &e) == 0, "%s", e.what);
	ck_assert(span_eq(buf_view(&ours), buf_view(&theirs)));
	ck_assert_msg(decode(coding, buf_view(&theirs), r, back.px, &e) == 0, "%s", e.what);
	ck_assert(memcmp(r->px, back.px, r->stride * r->rows) == 0);
	raster_free(&back);
	buf_free(&ours);
	buf_free(&theirs);
}

START_TEST(random_pages_code_as_libtiff)
{
	for (unsigned seed = 0; seed < 6; seed++) {
		struct raster r;

		raster_random(&r, 1 + seed * 977, 70, 10 + seed * 40, seed);
		as_libtiff(codings[_i], &r, seed & 1 ? 98 : 196);
		raster_free(&r);
	}
}
END_TEST

/* Row y has y black pixels and white after them: every run of both colours. */
START_TEST(every_run_codes_as_libtiff)
{
	struct raster r;
	struct err e;

	ck_assert_int_eq(raster_init(&r, 4864, 4865, &e), 0);
	for (uint32_t y = 0; y < r.rows; y++) {
		memset(raster_row(&r, y), 0xff, y / 8);
		if (y % 8 != 0)
			raster_row(&r, y)[y / 8] = (unsigned char)(0xff00 >> y % 8);
	}
	as_libtiff(codings[_i], &r, 391);
	raster_free(&r);
}
END_TEST

START_TEST(fill_order_may_lie)
{
	struct raster r, back;
	struct err e = { 0 };
	struct buf out;

	buf_init(&out, 1 << 20);
	raster_random(&r, 1728, 100, 20, 3);
	ck_assert_int_eq(raster_init(&back, 1728, 100, &e), 0);
	ck_assert_int_eq(encode(codings[_i], &r, &out, &e), 0);
	raster_reverse(out.p, out.n);		/* decode() says FillOrder 2 */
	ck_assert_msg(decode(codings[_i], buf_view(&out), &r, back.px, &e) == 0, "%s", e.what);
	ck_assert(memcmp(r.px, back.px, r.stride * r.rows) == 0);
	raster_free(&r);
	raster_free(&back);
	buf_free(&out);
}
END_TEST

/* MH without one EOL: eight rows of 1728 white pixels are 17 bits each, 010011011 and 00110101. */
START_TEST(rows_of_mh_may_lack_their_eol)
{
	static const char word[] = "01001101100110101";
	unsigned char in[17] = { 0 };
	struct codec_strip s = { .data = span_of(in, sizeof in), .width_px = 1728, .rows = 8 };
	struct raster back;
	struct err e = { 0 };

	for (size_t i = 0; i < 8 * sizeof in; i++)
		if (word[i % 17] == '1')
			in[i / 8] |= (unsigned char)(0x80 >> i % 8);
	ck_assert_int_eq(raster_init(&back, 1728, 9, &e), 0);
	ck_assert_msg(codec_t4t6_decode(CODING_MH, &s, back.px, &e) == 0, "%s", e.what);
	for (size_t i = 0; i < back.stride * back.rows; i++)
		ck_assert_uint_eq(back.px[i], 0);
	s.rows = 9;
	ck_assert_int_eq(codec_t4t6_decode(CODING_MH, &s, back.px, &e), -1);
	raster_free(&back);
}
END_TEST

/* A strip that ends early is an error, not a page with a white end. */
START_TEST(cut_strips_are_refused)
{
	enum coding coding = codings[_i];
	struct raster r, more;
	struct err e = { 0 };
	struct buf out;

	buf_init(&out, 1 << 24);
	raster_random(&r, 1728, 200, 60, 3);
	ck_assert_int_eq(raster_init(&more, r.width_px, 300, &e), 0);
	ck_assert_int_eq(encode(coding, &r, &out, &e), 0);
	ck_assert_int_eq(decode(coding, span_sub(buf_view(&out), 0, out.n / 2), &r, more.px, &e),
	    -1);
	ck_assert_str_eq(e.dsn, "5.6.5");
	ck_assert_int_eq(decode(coding, buf_view(&out), &more, more.px, &e), -1);
	ck_assert_int_eq(e.kind, ERR_PERM);
	raster_free(&r);
	raster_free(&more);
	buf_free(&out);
}
END_TEST

static void
add_octets(unsigned char *start, size_t len, void *arg)
{
	struct err e = { 0 };

	ck_assert_int_eq(buf_add(arg, span_of(start, len), &e), 0);
}

/* A header that leaves the length open, and a NEWLEN of fewer rows than the IFD says. */
START_TEST(jbig_of_too_few_rows_is_refused)
{
	enum { SAID = 200, TRUE_ROWS = 150 };
	struct jbg85_enc_state s;
	struct raster r, back;
	struct err e = { 0 };
	struct buf out;
	int got;

	buf_init(&out, 1 << 20);
	raster_random(&r, 1728, SAID, 40, 3);
	ck_assert_int_eq(raster_init(&back, 1728, SAID, &e), 0);
	jbg85_enc_init(&s, 1728, _i == 0 ? SAID : SAID + 100, add_octets, &out);
	jbg85_enc_options(&s, JBG_TPBON | JBG_VLENGTH, 128, 127);
	for (uint32_t y = 0; y < (_i == 0 ? SAID : TRUE_ROWS); y++)
		jbg85_enc_lineout(&s, raster_row(&r, y), y < 1 ? NULL : raster_row(&r, y - 1),
		    y < 2 ? NULL : raster_row(&r, y - 2));
	if (_i == 1)
		jbg85_enc_newlen(&s, TRUE_ROWS);
	raster_reverse(out.p, out.n);
	got = decode(CODING_JBIG, buf_view(&out), &back, back.px, &e);
	ck_assert_msg(got == (_i == 0 ? 0 : -1), "%d %s", got, e.what);
	raster_free(&r);
	raster_free(&back);
	buf_free(&out);
}
END_TEST

START_TEST(a_full_result_is_an_error)
{
	struct raster r;
	struct err e = { 0 };
	struct buf out;

	buf_init(&out, 500);
	ck_assert_int_eq(buf_add_str(&out, "before", &e), 0);
	raster_random(&r, 1728, 100, 100, 5);
	ck_assert_int_eq(encode(codings[_i], &r, &out, &e), -1);
	ck_assert_str_eq(e.dsn, "5.3.4");
	ck_assert_uint_eq(out.n, 6);
	raster_free(&r);
	buf_free(&out);
}
END_TEST

/* A line with a fault refuses the page, unless the file says there are such (CleanFaxData 2). */
START_TEST(bad_lines_are_taken_if_declared)
{
	struct codec_strip s = { .lsb = true, .width_px = 1728, .rows = 100 };
	struct raster r, back;
	struct err e = { 0 };
	uint32_t differ = 0;
	struct buf out;

	buf_init(&out, 1 << 20);
	raster_random(&r, 1728, 100, 20, 3);
	ck_assert_int_eq(raster_init(&back, 1728, 100, &e), 0);
	ck_assert_int_eq(codec_t4t6_encode(CODING_MH, &r, 196, &out, &e), 0);
	for (int i = 0; i < 8; i++)
		out.p[out.n / 2 + i] = 0xff;
	s.data = buf_view(&out);
	ck_assert_int_eq(codec_t4t6_decode(CODING_MH, &s, back.px, &e), -1);
	ck_assert_str_eq(e.dsn, "5.6.5");
	s.bad_lines = true;
	ck_assert_msg(codec_t4t6_decode(CODING_MH, &s, back.px, &e) == 0, "%s", e.what);
	for (uint32_t y = 0; y < 100; y++)
		differ += memcmp(raster_row(&r, y), raster_row(&back, y), r.stride) != 0;
	ck_assert(differ >= 1 && differ <= 2);
	raster_free(&r);
	raster_free(&back);
	buf_free(&out);
}
END_TEST

static const struct {
	const char *name;
	unsigned char in[22];
	size_t n;
	bool lsb;
	int want;
	bool t85;
} headers[] = {
	{ "A4", { 0,0,1,0, 0,0,6,0xc0, 0,0,1,0, 0,0,0,128, 127,0,0,8, 1 }, 21, 0, 0, 1 },
	{ "A4, FillOrder lies",
	    { 0,0,1,0, 0,0,6,0xc0, 0,0,1,0, 0,0,0,128, 8,0,0,8, 1 }, 21, 1, 0, 1 },
	{ "reversed", { 0,0,128,0, 0,0,0x60,3, 0,0,128,0, 0,0,0,1, 0xfe,0,0,16, 1 }, 21, 1, 0, 1 },
	{ "reversed, FillOrder lies",
	    { 0,0,128,0, 0,0,0x60,3, 0,0,128,0, 0,0,0,1, 0xfe,0,0,16, 1 }, 21, 0, 0, 1 },
	{ "length to come",
	    { 0,0,1,0, 0,0,6,0xc0, 0xff,0xff,0xff,0xff, 0,0,0,128, 8,0,0,0x28, 1 }, 21, 0, 0, 1 },
	{ "as libtiff writes",
	    { 0,0,1,0, 0,0,6,0xc0, 0,0,1,0, 0,0,0,67, 8,0,3,0x1c, 1 }, 21, 0, 0, 0 },
	{ "no data", { 0,0,1,0, 0,0,6,0xc0, 0,0,1,0, 0,0,0,128, 8,0,0,8 }, 20, 0, -1, 0 },
	{ "other width", { 0,0,1,0, 0,0,6,0xc1, 0,0,1,0, 0,0,0,128, 8,0,0,8, 1 }, 21, 0, -1, 0 },
	{ "other length", { 0,0,1,0, 0,0,6,0xc0, 0,0,1,1, 0,0,0,128, 8,0,0,8, 1 }, 21, 0, -1, 0 },
	{ "to come, but less",
	    { 0,0,1,0, 0,0,6,0xc0, 0,0,0,1, 0,0,0,128, 8,0,0,0x28, 1 }, 21, 0, -1, 0 },
	{ "two planes", { 0,0,2,0, 0,0,6,0xc0, 0,0,1,0, 0,0,0,128, 8,0,0,8, 1 }, 21, 0, -1, 0 },
	{ "layers", { 0,1,1,0, 0,0,6,0xc0, 0,0,1,0, 0,0,0,128, 8,0,0,8, 1 }, 21, 0, -1, 0 },
	{ "from layer 1", { 1,1,1,0, 0,0,6,0xc0, 0,0,1,0, 0,0,0,128, 8,0,0,8, 1 }, 21, 0, -1, 0 },
	{ "no stripes", { 0,0,1,0, 0,0,6,0xc0, 0,0,1,0, 0,0,0,0, 8,0,0,8, 1 }, 21, 0, -1, 0 },
};

START_TEST(jbig_headers_are_judged)
{
	struct err e = { 0 };
	struct bih bih;
	struct span in = span_of(headers[_i].in, headers[_i].n);
	int got = bih_read(in, headers[_i].lsb, 1728, 256, &bih, &e);

	ck_assert_msg(got == headers[_i].want, "%s: %s", headers[_i].name, e.what);
	if (got == 0)
		ck_assert_msg(bih.t85 == headers[_i].t85, "%s", headers[_i].name);
	else
		ck_assert_str_eq(e.dsn, "5.6.1");
}
END_TEST

static void
data_out(unsigned char *p, size_t n, void *arg)
{
	struct err e;

	ck_assert_int_eq(buf_add(arg, span_of(p, n), &e), 0);
}

/* The private coding: all that T.82 has, by the full encoder, in both bit orders. */
START_TEST(full_jbig_is_read_in_both_orders)
{
	struct codec_strip s = { .lsb = true, .width_px = 1728, .rows = 200 };
	struct raster r, back;
	unsigned char *planes[1];
	struct jbg_enc_state enc;
	struct err e = { 0 };
	struct bih bih;
	struct buf out;

	buf_init(&out, 1 << 20);
	raster_random(&r, 1728, 200, 20, 11);
	ck_assert_int_eq(raster_init(&back, 1728, 200, &e), 0);
	planes[0] = r.px;
	jbg_enc_init(&enc, 1728, 200, 1, planes, data_out, &out);
	jbg_enc_out(&enc);
	jbg_enc_free(&enc);
	if (_i == 1)
		raster_reverse(out.p, out.n);
	s.data = buf_view(&out);
	ck_assert_int_eq(bih_read(s.data, s.lsb, 1728, 200, &bih, &e), 0);
	ck_assert(!bih.t85 && bih.reversed == (_i == 1));
	ck_assert_msg(codec_jbig_decode(&s, &bih, back.px, &e) == 0, "%s", e.what);
	ck_assert(memcmp(r.px, back.px, r.stride * r.rows) == 0);
	s.data = span_sub(s.data, 0, out.n / 2);
	ck_assert_int_eq(codec_jbig_decode(&s, &bih, back.px, &e), -1);
	ck_assert_str_eq(e.dsn, "5.6.5");
	raster_free(&r);
	raster_free(&back);
	buf_free(&out);
}
END_TEST

static uint32_t
pixel(const struct raster *r, uint32_t x, uint32_t y)
{
	return raster_row(r, y)[x / 8] >> (7 - x % 8) & 1;
}

/* TIFF 6.0, Orientation: where the stored pixel (c, r) of w by h is seen. */
START_TEST(orientations_turn_the_page)
{
	uint32_t w = 40, h = 13, swap = _i >= 5;
	struct raster from, r;
	struct err e;

	raster_random(&from, w, h, 100, 2);
	raster_random(&r, w, h, 100, 2);
	ck_assert_int_eq(raster_turn(&r, (uint32_t)_i, &e), 0);
	ck_assert_uint_eq(r.width_px, swap ? h : w);
	for (uint32_t y = 0; y < h; y++)
		for (uint32_t x = 0; x < w; x++) {
			const uint32_t seen[9][2] = { { 0, 0 }, { x, y }, { w - 1 - x, y },
			    { w - 1 - x, h - 1 - y }, { x, h - 1 - y }, { y, x }, { h - 1 - y, x },
			    { h - 1 - y, w - 1 - x }, { y, w - 1 - x } };

			ck_assert_uint_eq(pixel(&from, x, y), pixel(&r, seen[_i][0], seen[_i][1]));
		}
	raster_free(&from);
	raster_free(&r);
}
END_TEST

Suite *suite_codec(void);
Suite *
suite_codec(void)
{
	Suite *s = suite_create("codec");
	TCase *tc = tcase_create("codec");

	tcase_add_loop_test(tc, a_new_page_is_white, 0, 5);
	tcase_add_loop_test(tc, pixels_come_back, 0, 4 * SHAPES);
	tcase_add_loop_test(tc, random_pages_code_as_libtiff, 0, 3);
	tcase_add_loop_test(tc, every_run_codes_as_libtiff, 0, 3);
	tcase_add_loop_test(tc, fill_order_may_lie, 0, 3);
	tcase_add_test(tc, rows_of_mh_may_lack_their_eol);
	tcase_add_loop_test(tc, cut_strips_are_refused, 0, 4);
	tcase_add_loop_test(tc, jbig_of_too_few_rows_is_refused, 0, 2);
	tcase_add_loop_test(tc, a_full_result_is_an_error, 0, 4);
	tcase_add_test(tc, bad_lines_are_taken_if_declared);
	tcase_add_loop_test(tc, jbig_headers_are_judged, 0, sizeof headers / sizeof *headers);
	tcase_add_loop_test(tc, full_jbig_is_read_in_both_orders, 0, 2);
	tcase_add_loop_test(tc, orientations_turn_the_page, 1, 9);
	suite_add_tcase(s, tc);
	return s;
}
