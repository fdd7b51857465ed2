/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "convertd/picture.h"

#include "convertd/halftone.h"
#include "convertd/image.h"
#include "tests/unit/convertd/paint.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

/* CIE's own values of L*, times 2.55. */
START_TEST(lightness_is_that_of_the_eye)
{
	ck_assert_uint_eq(grey_of_rgb(0, 0, 0), 0);
	ck_assert_uint_eq(grey_of_rgb(255, 255, 255), 255);
	ck_assert_uint_eq(grey_of_rgb(119, 119, 119), 128);	/* 50.03 */
	ck_assert_uint_eq(grey_of_rgb(255, 0, 0), 136);		/* 53.24 */
	ck_assert_uint_eq(grey_of_rgb(0, 255, 0), 224);		/* 87.73 */
	ck_assert_uint_eq(grey_of_rgb(0, 0, 255), 82);		/* 32.30 */
}
END_TEST

/* --- structure --- */

static void
small_jpeg(struct buf *out)
{
	static const unsigned char px[16 * 8 * 3];

	paint_jpeg(px, &(struct paint){ 16, 8, 200, 0, 3, 0, false }, out);
}

static void
small_png(struct buf *out)
{
	static const unsigned char px[16 * 8];

	paint_png(px, 16, 8, 1, out);
}

/* One octet of a file changed: at, from its marker or chunk type on. */
static const struct {
	const char *name, *mark;
	size_t at;
	unsigned char to;
	const char *why;
} faults[] = {
	{ "arithmetic coding", "\xff\xc0", 1, 0xc9, "arithmetic" },
	{ "lossless", "\xff\xc0", 1, 0xc3, "lossless" },
	{ "twelve bits", "\xff\xc0", 4, 12, "8 bits" },
	{ "no width", "\xff\xc0", 8, 0, "no width" },
	{ "two components", "\xff\xc0", 9, 2, "components" },
	{ "sampling by 5", "\xff\xc0", 11, 0x52, "sampling" },
	{ "sampling by 0", "\xff\xc0", 11, 0x20, "sampling" },
	{ "more blocks than a unit has", "\xff\xc0", 11, 0x44, "no frame's" },
	{ "a segment of no length", "\xff\xdb", 3, 1, "past the end" },
	{ "a segment past the end", "\xff\xdb", 2, 0xff, "past the end" },
	{ "no marker", "\xff\xdb", 0, 0, "no marker" },
	{ "a scan first", "\xff\xc0", 1, 0xfe, "before the frame" },
	{ "PNG: no width", "IHDR", 7, 0, "no width" },
	{ "PNG: a depth of 3", "IHDR", 12, 3, "depth" },
	{ "PNG: a palette of 16 bits", "IHDR", 13, 5, "depth" },
	{ "PNG: compression 1", "IHDR", 14, 1, "header" },
	{ "PNG: interlace 2", "IHDR", 16, 2, "header" },
	{ "PNG: palette colour without one", "IHDR", 13, 3, "no palette" },
	{ "PNG: no data", "IDAT", 1, 'd', "critical" },
	{ "PNG: no data at all", "IDAT", 0, 'i', "no image data" },
	{ "PNG: no end", "IEND", 0, 'i', "cut short" },
	{ "PNG: no header", "IHDR", 0, 'i', "begin with a header" },
};
enum { FAULTS = sizeof faults / sizeof *faults };

START_TEST(structure_is_judged_first)
{
	bool png = faults[_i].mark[0] == 'I';
	struct picture p;
	struct err e = { 0 };
	struct buf file;
	unsigned char *at;

	(png ? small_png : small_jpeg)(&file);
	ck_assert_int_eq(picture_open(buf_view(&file), &fax_limits, &p, &e), 0);
	at = memmem(file.p, file.n, faults[_i].mark, png ? 4 : 2);
	ck_assert_ptr_nonnull(at);
	at[faults[_i].at] = faults[_i].to;
	ck_assert_msg(picture_open(buf_view(&file), &fax_limits, &p, &e) == -1, "%s: taken", faults[_i].name);
	ck_assert_msg(e.kind == ERR_PERM && strstr(e.what, faults[_i].why) != NULL, "%s: %s", faults[_i].name,
	    e.what);
	buf_free(&file);
}
END_TEST

/* Cut anywhere: no picture; never a library's crash. */
START_TEST(half_a_picture_is_none)
{
	struct buf file;

	(_i ? small_png : small_jpeg)(&file);
	for (size_t n = 0; n < file.n; n++) {
		struct picture p;
		struct err e = { 0 };

		ck_assert_msg(picture_open(span_of(file.p, n), &fax_limits, &p, &e) == -1, "%zu octets", n);
		ck_assert_int_eq(e.kind, ERR_PERM);
	}
	buf_free(&file);
}
END_TEST

/* What is in order by its structure and damaged inside fails in the decoder, whole. */
START_TEST(damage_inside_is_a_failure)
{
	static unsigned char px[64 * 64];
	unsigned seed = 1;
	struct grey g;
	struct picture p;
	struct err e = { 0 };
	struct buf file;

	for (size_t i = 0; i < sizeof px; i++)
		px[i] = (unsigned char)((seed = seed * 1103515245 + 12345) >> 24);
	if (_i)
		paint_png(px, 64, 64, 1, &file);
	else
		paint_jpeg(px, &(struct paint){ 64, 64, 0, 0, 1, 0, false }, &file);
	memcpy(file.p + file.n / 2, "\xff\xd9", 2);	/* an end in the midst of a scan */
	ck_assert_int_eq(picture_open(buf_view(&file), &fax_limits, &p, &e), 0);
	ck_assert_int_eq(picture_decode(&p, &g, &e), -1);
	ck_assert_str_eq(e.dsn, "5.6.5");
	buf_free(&file);
}
END_TEST

START_TEST(limits_are_kept)
{
	struct limits few = fax_limits;
	struct picture p;
	struct err e = { 0 };
	struct buf file;
	unsigned char *at;

	few.page_px = 16 * 8 - 1;
	small_png(&file);
	ck_assert_int_eq(picture_open(buf_view(&file), &few, &p, &e), -1);
	ck_assert_str_eq(e.dsn, "5.6.5");
	at = memmem(file.p, file.n, "IHDR", 4);
	at[5] = 0x01;			/* 65,552 wide */
	ck_assert_int_eq(picture_open(buf_view(&file), &fax_limits, &p, &e), -1);
	ck_assert_str_eq(e.dsn, "5.6.5");
	memcpy(at + 4, "\0\0\x20\0\0\0\x20\0", 8);	/* 64 Mi: just so, but not interlaced */
	ck_assert_int_eq(picture_open(buf_view(&file), &fax_limits, &p, &e), 0);
	at[16] = 1;
	ck_assert_int_eq(picture_open(buf_view(&file), &fax_limits, &p, &e), -1);
	ck_assert_str_eq(e.dsn, "5.6.5");
	buf_free(&file);
}
END_TEST

/* A file of many scans: each is cheap to write and goes over the whole picture. */
START_TEST(scans_are_counted)
{
	static const unsigned char px[64];
	struct picture p;
	struct err e = { 0 };
	struct buf file, many;
	unsigned char *at;

	paint_jpeg(px, &(struct paint){ 8, 8, 0, 0, 1, 0, true }, &file);
	buf_init(&many, 1 << 20);
	at = memmem(file.p, file.n, "\xff\xda", 2);
	ck_assert_int_eq(buf_add(&many, span_of(file.p, (size_t)(at - file.p)), &e), 0);
	for (int i = 0; i < PICTURE_SCANS + 1; i++)
		ck_assert_int_eq(buf_add(&many, span_of("\xff\xda\0\x08\1\1\0\0\0\0\x3f", 11), &e), 0);
	ck_assert_int_eq(buf_add(&many, span_of("\xff\xd9", 2), &e), 0);
	ck_assert_int_eq(picture_open(buf_view(&many), &fax_limits, &p, &e), -1);
	ck_assert_ptr_nonnull(strstr(e.what, "scans"));
	buf_free(&many);
	buf_free(&file);
}
END_TEST

/* --- pixels --- */

static void
decoded(const struct buf *file, struct picture *p, struct grey *g)
{
	struct err e = { 0 };

	ck_assert_msg(picture_open(buf_view(file), &fax_limits, p, &e) == 0, "%s", e.what);
	ck_assert_msg(picture_decode(p, g, &e) == 0, "%s", e.what);
}

START_TEST(png_on_white_paper)
{
	static const unsigned char px[] = { 0, 0, 0, 0,  0, 0, 0, 255,  255, 0, 0, 255,  255, 255, 255, 255 };
	struct picture p;
	struct grey g;
	struct buf file;

	paint_png(px, 4, 1, 4, &file);
	decoded(&file, &p, &g);
	ck_assert_int_eq(p.colour, PICTURE_FULL);
	ck_assert_mem_eq(g.px, ((unsigned char[]){ 255, 0, 136, 255 }), 4);
	grey_free(&g);
	buf_free(&file);
}
END_TEST

/* Profiles and texts may be anything: libpng is not shown them. */
START_TEST(png_of_chunks_that_lie)
{
	struct picture p;
	struct grey g;
	struct buf file;

	small_png(&file);
	paint_chunk(&file, "iCCP", "x\0\0no stream of zlib", 20);
	paint_chunk(&file, "pHYs", "\0\0\x1e\xc3\0\0\x1e\xc3\1", 9);
	decoded(&file, &p, &g);
	ck_assert_uint_eq(p.dpi, 200);
	ck_assert_uint_eq(g.px[0], 0);
	grey_free(&g);
	buf_free(&file);
}
END_TEST

START_TEST(jpeg_of_inks)
{
	enum { SIDE = 16 };
	unsigned char px[SIDE * SIDE * 4];
	struct picture p;
	struct grey g;
	struct buf file;

	memset(px, 255, sizeof px);	/* Adobe's: no ink */
	for (int i = 0; i < SIDE * SIDE / 2; i++)
		px[4 * i + 3] = 0;	/* all black */
	paint_jpeg(px, &(struct paint){ SIDE, SIDE, 0, 0, 4, 0, false }, &file);
	decoded(&file, &p, &g);
	ck_assert_uint_lt(g.px[0], 10);
	ck_assert_uint_gt(g.px[SIDE * SIDE - 1], 245);
	grey_free(&g);
	buf_free(&file);
}
END_TEST

/* A dark corner, and where it is when the photograph stands upright. */
static const struct { uint32_t orientation; bool right, down; } turns[] = {
	{ 0, false, false }, { 1, false, false }, { 2, true, false }, { 3, true, true }, { 4, false, true },
	{ 5, false, false }, { 6, true, false }, { 7, true, true }, { 8, false, true },
};

START_TEST(photographs_stand_upright)
{
	enum { W = 32, H = 16 };
	unsigned char px[W * H];
	struct picture p;
	struct grey g;
	struct buf file;

	memset(px, 255, sizeof px);
	for (int y = 0; y < 8; y++)
		memset(px + y * W, 0, 8);
	paint_jpeg(px, &(struct paint){ W, H, 0, turns[_i].orientation, 1, 0, _i & 1 }, &file);
	decoded(&file, &p, &g);
	ck_assert_uint_eq(g.width_px, turns[_i].orientation >= 5 ? H : W);
	for (int i = 0; i < 4; i++) {
		uint32_t x = i & 1 ? g.width_px - 4 : 3, y = i & 2 ? g.rows - 4 : 3;
		bool dark = (i & 1) == turns[_i].right && (i >> 1) == turns[_i].down;

		ck_assert_msg((g.px[y * g.width_px + x] < 128) == dark, "corner %d", i);
	}
	grey_free(&g);
	buf_free(&file);
}
END_TEST

/* --- the page --- */

static const struct {
	uint32_t width, rows, dpi;
	uint16_t page_dpi;
	uint32_t page_rows;
} pages[] = {
	{ 640, 480, 0, 200, 2200 },		/* a screenshot, by CSS pixels */
	{ 1728, 2200, 200, 200, 2200 },
	{ 1654, 2339, 200, 200, 2338 },		/* A4 stays A4 */
	{ 2480, 3508, 300, 300, 3507 },
	{ 4000, 3000, 72, 400, 4400 },		/* a photograph, as wide as the paper */
	{ 100, 30000, 0, 400, 4677 },		/* as long as the paper */
	{ 3000, 1, 0, 300, 3300 },
};

START_TEST(pages_are_of_paper)
{
	struct picture p = { .coding = CODING_PNG, .orientation = 1, .width_px = pages[_i].width,
	    .rows = pages[_i].rows, .dpi = pages[_i].dpi };
	struct form_page page = picture_page(&p);

	ck_assert_uint_eq(page.form.dpi_x, pages[_i].page_dpi);
	ck_assert_uint_eq(page.length_px, pages[_i].page_rows);
	page.form.coding = CODING_MH;
	ck_assert_uint_eq(page.width_px, form_width(&page.form));
	ck_assert(form_legal(&page.form));
}
END_TEST

static struct form_page
draw(const struct buf *file, struct raster *r)
{
	struct picture p;
	struct form_page page;
	struct err e = { 0 };

	ck_assert_msg(picture_open(buf_view(file), &fax_limits, &p, &e) == 0, "%s", e.what);
	page = picture_page(&p);
	ck_assert_int_eq(raster_init(r, page.width_px, page.length_px, &e), 0);
	ck_assert_msg(picture_draw(&p, r, &e) == 0, "%s", e.what);
	return page;
}

/* A page that is black and white already, of the right size, stays as it is, dot by dot. */
START_TEST(what_is_black_and_white_stays_so)
{
	enum { W = 1728, H = 2200 };
	unsigned char *px = malloc((size_t)W * H);
	struct buf file;
	struct raster r;
	unsigned seed = 7, differ = 0;

	for (size_t i = 0; i < (size_t)W * H; i++)
		px[i] = (seed = seed * 1103515245 + 12345) >> 30 == 0 ? 0 : 255;
	paint_png(px, W, H, 1, &file);
	paint_chunk(&file, "pHYs", "\0\0\x1e\xc3\0\0\x1e\xc3\1", 9);
	draw(&file, &r);
	for (size_t i = 0; i < (size_t)W * H; i++)
		differ += (raster_row(&r, (uint32_t)(i / W))[i % W / 8] >> (7 - i % W % 8) & 1) != (px[i] == 0);
	ck_assert_uint_eq(differ, 0);
	raster_free(&r);
	buf_free(&file);
	free(px);
}
END_TEST

/* Black of 1000 in a region. */
static unsigned
black_in(const struct raster *r, uint32_t x0, uint32_t y0, uint32_t w, uint32_t h)
{
	unsigned n = 0;

	for (uint32_t y = y0; y < y0 + h; y++)
		for (uint32_t x = x0; x < x0 + w; x++)
			n += raster_row(r, y)[x / 8] >> (7 - x % 8) & 1;
	return n * 1000 / (w * h);
}

/* Shades become dots, as many as the shade is dark; they reach neither paper nor letters beside them. */
START_TEST(shades_become_dots)
{
	enum { W = 1728, H = 1000 };
	static const unsigned char values[] = { 60, 119, 188 };
	unsigned char *px = malloc((size_t)W * H);
	unsigned want = (255u - grey_of_rgb(values[_i], values[_i], values[_i])) * 1000 / 255, got;
	struct buf file;
	struct raster r;

	memset(px, 255, (size_t)W * H);
	for (int y = 100; y < 500; y++)
		memset(px + (size_t)y * W + 160, values[_i], 800);
	for (int y = 700; y < 900; y++)		/* strokes of 3 pixels, in the same shade */
		for (int x = 160; x < 960; x++)
			px[(size_t)y * W + x] = x % 12 < 3 ? values[_i] : 255;
	paint_png(px, W, H, 1, &file);
	paint_chunk(&file, "pHYs", "\0\0\x1e\xc3\0\0\x1e\xc3\1", 9);
	draw(&file, &r);
	got = black_in(&r, 200, 140, 720, 320);
	ck_assert_msg(got + 10 > want && got < want + 10, "%u of 1000 are black, not %u", got, want);
	ck_assert_uint_eq(black_in(&r, 1000, 0, 700, 1000), 0);
	ck_assert_uint_eq(black_in(&r, 160, 700, 792, 200), 250);	/* letters are cut, not dotted */
	raster_free(&r);
	buf_free(&file);
	free(px);
}
END_TEST

/* What becomes of it goes the way of all images: chosen, written, valid, of the pixels that were planned. */
START_TEST(pictures_become_faxes)
{
	static unsigned char px[400 * 300 * 3];
	static const struct form want[] = {
		{ CODING_MMR, PAPER_A4, 200, 200 }, { CODING_MH, PAPER_A4, 204, 196 },
		{ CODING_JBIG, PAPER_A4, 200, 200 }, { CODING_MH, PAPER_A4, 204, 98 },
	};
	static const char profiles[] = "FSJS";
	struct image img, again;
	struct err e = { 0 };
	struct buf file, out;
	char profile;

	paint_jpeg(px, &(struct paint){ 400, 300, 0, 6, 3, 0, true }, &file);
	buf_init(&out, 8 << 20);
	ck_assert_msg(image_open(buf_view(&file), &fax_limits, &img, &e) == 0, "%s", e.what);
	ck_assert_int_eq(image_features(&img, &out, &e), 0);
	ck_assert_msg(span_is(buf_view(&out), "(& (color=full)(image-coding=JPEG)(image-file-structure=none)"
	    "(pix-x=300)(pix-y=400)(type=\"image/jpeg\"))"), "%.*s", (int)out.n, (const char *)out.p);
	buf_clear(&out);
	ck_assert_msg(image_convert(&img, &want[_i], &fax_limits, &out, &e) == 0, "%s", e.what);
	ck_assert_int_eq(image_validate(buf_view(&out), &profile, &e), 0);
	ck_assert_int_eq(profile, profiles[_i]);
	ck_assert_int_eq(image_open(buf_view(&out), &fax_limits, &again, &e), 0);
	ck_assert_mem_eq(&again.page[0].form, &want[_i], sizeof want[_i]);
	image_free(&again);
	image_free(&img);
	buf_free(&out);
	buf_free(&file);
}
END_TEST

Suite *suite_picture(void);
Suite *
suite_picture(void)
{
	Suite *s = suite_create("picture");
	TCase *t = tcase_create("picture");

	tcase_add_test(t, lightness_is_that_of_the_eye);
	tcase_add_loop_test(t, structure_is_judged_first, 0, FAULTS);
	tcase_add_loop_test(t, half_a_picture_is_none, 0, 2);
	tcase_add_loop_test(t, damage_inside_is_a_failure, 0, 2);
	tcase_add_test(t, limits_are_kept);
	tcase_add_test(t, scans_are_counted);
	tcase_add_test(t, png_on_white_paper);
	tcase_add_test(t, png_of_chunks_that_lie);
	tcase_add_test(t, jpeg_of_inks);
	tcase_add_loop_test(t, photographs_stand_upright, 0, sizeof turns / sizeof *turns);
	tcase_add_loop_test(t, pages_are_of_paper, 0, sizeof pages / sizeof *pages);
	tcase_add_test(t, what_is_black_and_white_stays_so);
	tcase_add_loop_test(t, shades_become_dots, 0, 3);
	tcase_add_loop_test(t, pictures_become_faxes, 0, 4);
	suite_add_tcase(s, t);
	return s;
}
