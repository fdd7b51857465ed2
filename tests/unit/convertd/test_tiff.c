/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "convertd/tiff_read.h"

#include "convertd/codec.h"
#include "convertd/tiff_write.h"
#include "tests/unit/convertd/judge.h"

#include <check.h>
#include <stdlib.h>

enum { ROWS = 40 };

/* A file of n pages of one form, of noise. */
static void
file_make(const struct form *f, uint32_t n, struct buf *out)
{
	struct raster r;
	struct tiff_out t;
	struct err e;

	buf_init(out, 1 << 24);
	raster_random(&r, form_width(f), ROWS, 30, 1);
	ck_assert_int_eq(tiff_out_start(&t, out, n, &e), 0);
	for (uint32_t i = 0; i < n; i++) {
		ck_assert_int_eq(tiff_out_page(&t, f, ROWS, &e), 0);
		ck_assert_int_eq(f->coding == CODING_JBIG ? codec_t85_encode(&r, out, &e) :
		    codec_t4t6_encode(f->coding, &r, f->dpi_y, out, &e), 0);
		ck_assert_int_eq(tiff_out_strip(&t, &e), 0);
	}
	raster_free(&r);
}

static uint32_t
le(const struct buf *b, size_t at, int n)
{
	uint32_t v = 0;

	ck_assert_uint_le(at + (size_t)n, b->n);
	for (int i = n; i-- > 0;)
		v = v << 8 | b->p[at + (size_t)i];
	return v;
}

static void
le_put(struct buf *b, size_t at, int n, uint32_t v)
{
	ck_assert_uint_le(at + (size_t)n, b->n);
	for (int i = 0; i < n; i++)
		b->p[at + (size_t)i] = (unsigned char)(v >> 8 * i);
}

/* RFC 3949 3.5, octet by octet, for two pages. */
START_TEST(layout_of_profile_s)
{
	static const uint16_t tags[] = { 254, 256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 282,
	    283, 292, 296, 297 };
	struct form f = { .coding = CODING_MH, .dpi_x = 204, .dpi_y = 98 };
	size_t ifd = 8, values, strip;
	struct buf b;

	file_make(&f, 2, &b);
	ck_assert(memcmp(b.p, "II*\0\10\0\0\0", 8) == 0);
	for (uint32_t page = 0; page < 2; page++) {
		ck_assert_uint_eq(le(&b, ifd, 2), 16);
		values = ifd + 2 + 16 * 12 + 4;
		strip = values + 16;
		for (size_t i = 0; i < 16; i++)
			ck_assert_uint_eq(le(&b, ifd + 2 + 12 * i, 2), tags[i]);
		ck_assert_uint_eq(le(&b, ifd + 2 + 12 * 11 + 8, 4), values);
		ck_assert_uint_eq(le(&b, ifd + 2 + 12 * 12 + 8, 4), values + 8);
		ck_assert_uint_eq(le(&b, values, 4), 204);
		ck_assert_uint_eq(le(&b, values + 4, 4), 1);
		ck_assert_uint_eq(le(&b, values + 8, 4), 98);
		ck_assert_uint_eq(le(&b, ifd + 2 + 12 * 7 + 8, 4), strip);
		ck_assert_uint_eq(le(&b, ifd + 2 + 12 * 15 + 8, 2), page);
		ck_assert_uint_eq(le(&b, ifd + 2 + 12 * 15 + 10, 2), 2);
		ck_assert_uint_eq(le(&b, strip, 2), 0x8000);	/* fill, EOL, LSB first */
		ifd = le(&b, values - 4, 4);
		if (page == 0) {
			ck_assert_uint_eq(ifd % 2, 0);
			ck_assert_uint_le(ifd - (strip + le(&b, 8 + 2 + 12 * 10 + 8, 4)), 1);
		}
	}
	ck_assert_uint_eq(ifd, 0);
	buf_free(&b);
}
END_TEST

/* The entry of a tag in the first IFD, which is at 8. */
static size_t
entry_at(const struct buf *b, uint32_t tag)
{
	for (size_t i = 0; i < le(b, 8, 2); i++)
		if (le(b, 10 + 12 * i, 2) == tag)
			return 10 + 12 * i;
	ck_abort_msg("no tag %u", tag);
	return 0;
}

/*
 * RFC 3949 4.5.3 aligns EOL with its tag bit, libtiff the EOL alone: MR is written without alignment, and
 * says so.
 */
START_TEST(mr_is_not_aligned)
{
	struct form f = { .coding = CODING_MR, .dpi_x = 204, .dpi_y = 196 };
	struct buf b;

	file_make(&f, 1, &b);
	ck_assert_uint_eq(le(&b, entry_at(&b, 292) + 8, 4), 1);
	buf_free(&b);
}
END_TEST

enum how { WHOLE, WITHOUT, TWICE, VALUE, TYPE, COUNT };

static void
mutate(struct buf *b, enum how how, uint32_t tag, uint32_t value)
{
	size_t at = how == WHOLE ? 0 : entry_at(b, tag), end = 10 + 12 * le(b, 8, 2) + 4;

	if (how == WITHOUT) {
		memmove(b->p + at, b->p + at + 12, end - at - 12);
		le_put(b, 8, 2, le(b, 8, 2) - 1);
	} else if (how == TWICE) {
		le_put(b, at + 12, 2, tag);
	} else if (how != WHOLE) {
		le_put(b, at + (how == VALUE ? 8 : how == TYPE ? 2 : 4), how == TYPE ? 2 : 4,
		    value);
	}
}

/* What becomes of a Profile S, F (MMR) or J file when one field is spoilt.  0: refused. */
static const struct {
	enum coding base;
	enum how how;
	uint32_t tag, value;
	char want;
} mutants[] = {
	{ CODING_MH, WHOLE, 0, 0, 'S' }, { CODING_MR, WHOLE, 0, 0, 'F' },
	{ CODING_MMR, WHOLE, 0, 0, 'F' }, { CODING_JBIG, WHOLE, 0, 0, 'J' },
	{ CODING_MH, WITHOUT, 254, 0, 0 }, { CODING_MH, WITHOUT, 256, 0, 0 },
	{ CODING_MH, WITHOUT, 257, 0, 0 }, { CODING_MH, WITHOUT, 259, 0, 0 },
	{ CODING_MH, WITHOUT, 262, 0, 0 }, { CODING_MH, WITHOUT, 266, 0, 0 },
	{ CODING_MH, WITHOUT, 273, 0, 0 }, { CODING_MH, WITHOUT, 278, 0, 0 },
	{ CODING_MH, WITHOUT, 279, 0, 0 }, { CODING_MH, WITHOUT, 282, 0, 0 },
	{ CODING_MH, WITHOUT, 283, 0, 0 }, { CODING_MH, WITHOUT, 292, 0, 0 },
	{ CODING_MH, WITHOUT, 297, 0, 0 }, { CODING_MMR, WITHOUT, 293, 0, 0 },
	{ CODING_MH, WITHOUT, 258, 0, 'F' },	/* allowed, but the long values moved: not 3.5 */
	{ CODING_MH, WITHOUT, 277, 0, 'F' }, { CODING_MH, WITHOUT, 296, 0, 'F' },
	{ CODING_MH, TWICE, 258, 0, 0 }, { CODING_MH, TWICE, 282, 0, 0 },
	{ CODING_MMR, TWICE, 256, 0, 0 },
	{ CODING_MH, VALUE, 254, 0, 0 }, { CODING_MH, VALUE, 254, 18, 0 },
	{ CODING_MH, VALUE, 256, 1727, 0 }, { CODING_MH, VALUE, 256, 2048, 'F' },
	{ CODING_MH, VALUE, 256, 2592, 0 }, { CODING_MH, VALUE, 256, 0, 0 },
	{ CODING_MH, VALUE, 257, ROWS + 1, 0 }, { CODING_MH, VALUE, 257, 0, 0 },
	{ CODING_MH, VALUE, 258, 8, 0 }, { CODING_MH, VALUE, 259, 1, 0 },
	{ CODING_MH, VALUE, 259, 4, 0 }, { CODING_MH, VALUE, 259, 9, 0 },
	{ CODING_MMR, VALUE, 259, 3, 0 }, { CODING_JBIG, VALUE, 259, 34661, 0 },
	{ CODING_MH, VALUE, 262, 1, 'F' }, { CODING_MH, VALUE, 262, 2, 0 },
	{ CODING_MH, VALUE, 266, 1, 0 }, { CODING_MH, VALUE, 266, 3, 0 },
	{ CODING_MMR, VALUE, 266, 1, 0 }, { CODING_JBIG, VALUE, 266, 1, 0 },
	{ CODING_MH, VALUE, 273, 8, 0 }, { CODING_MH, VALUE, 273, 1 << 30, 0 },
	{ CODING_MH, VALUE, 277, 3, 0 }, { CODING_MH, VALUE, 278, 0, 0 },
	{ CODING_MH, VALUE, 278, ROWS / 2, 0 }, { CODING_MH, VALUE, 278, UINT32_MAX, 'S' },
	{ CODING_MH, VALUE, 279, 0, 0 }, { CODING_MH, VALUE, 279, UINT32_MAX, 0 },
	{ CODING_MMR, VALUE, 279, 40, 0 },	/* no EOFB */
	{ CODING_MH, VALUE, 292, 1, 'F' }, { CODING_MH, VALUE, 292, 2, 0 },
	{ CODING_MH, VALUE, 292, 0, 'S' }, { CODING_MMR, VALUE, 293, 2, 0 },
	{ CODING_MH, VALUE, 296, 3, 0 }, { CODING_MH, VALUE, 296, 1, 0 },
	{ CODING_MH, VALUE, 297, 1 | 1 << 16, 0 }, { CODING_MH, VALUE, 297, 0, 'S' },
	{ CODING_MH, VALUE, 297, 7 << 16, 0 },
	{ CODING_MH, VALUE, 282, 0, 0 }, { CODING_MH, VALUE, 283, 1 << 20, 0 },
	{ CODING_MH, TYPE, 254, TYPE_SHORT, 0 }, { CODING_MH, TYPE, 256, TYPE_SHORT, 'S' },
	{ CODING_MH, TYPE, 256, 1, 0 }, { CODING_MH, TYPE, 258, TYPE_LONG, 0 },
	{ CODING_MH, TYPE, 282, TYPE_LONG, 0 }, { CODING_MH, TYPE, 273, TYPE_RATIONAL, 0 },
	{ CODING_MH, COUNT, 258, 3, 0 }, { CODING_MH, COUNT, 273, 2, 0 },
	{ CODING_MH, COUNT, 279, 0, 0 }, { CODING_MH, COUNT, 297, 1, 0 },
	{ CODING_MH, COUNT, 256, 0x40000001, 0 }, { CODING_MH, COUNT, 282, 2, 0 },
};

START_TEST(validator_finds_what_is_wrong)
{
	struct form f = { .coding = mutants[_i].base, .dpi_x = 204, .dpi_y = 196 };
	struct err e = { 0 };
	char profile = 0;
	struct buf b;

	file_make(&f, 1, &b);
	mutate(&b, mutants[_i].how, mutants[_i].tag, mutants[_i].value);
	if (image_validate(buf_view(&b), &profile, &e) == -1) {
		profile = 0;
		ck_assert(e.kind == ERR_PERM && e.what[0] != '\0');
	}
	ck_assert_msg(profile == mutants[_i].want, "tag %u, %d %u: %c %s", mutants[_i].tag,
	    (int)mutants[_i].how, mutants[_i].value, profile == 0 ? '-' : profile, e.what);
	buf_free(&b);
}
END_TEST

/* RFC 3949, 3.5: the first IFD of a Profile S is at 8; at an odd offset it is nobody's. */
START_TEST(an_ifd_that_is_elsewhere)
{
	static const struct { uint32_t by; char want; const char *why; } moves[] = {
		{ 0, 'S', "" }, { 1, 0, "IFD is at an odd offset" }, { 2, 'F', "IFD is not where it belongs" },
	};
	static const uint32_t offsets[] = { 273, 282, 283 };
	struct form f = { .coding = CODING_MH, .dpi_x = 204, .dpi_y = 196 };
	uint32_t by = moves[_i].by;
	struct err e = { 0 };
	char profile = 0;
	struct buf b, moved;

	file_make(&f, 1, &b);
	for (size_t i = 0; i < 3; i++)
		le_put(&b, entry_at(&b, offsets[i]) + 8, 4, le(&b, entry_at(&b, offsets[i]) + 8, 4) + by);
	le_put(&b, 4, 4, 8 + by);
	buf_init(&moved, b.n + by);
	ck_assert_int_eq(buf_add(&moved, span_of(b.p, 8), &e), 0);
	ck_assert_int_eq(buf_add(&moved, span_of("\0", by), &e), 0);
	ck_assert_int_eq(buf_add(&moved, span_sub(buf_view(&b), 8, b.n), &e), 0);
	ck_assert_int_eq(image_validate(buf_view(&moved), &profile, &e), moves[_i].want == 0 ? -1 : 0);
	ck_assert_int_eq(moves[_i].want == 0 ? 0 : profile, moves[_i].want);
	ck_assert_msg(moves[_i].want != 0 || strstr(e.what, moves[_i].why) != NULL, "%s", e.what);
	buf_free(&b), buf_free(&moved);
}
END_TEST

/* x, y, width: what validator and reader say; the reader takes writers' mixtures (2.2.2). */
static const struct { uint32_t x, y, width; bool valid, read; } sizes[] = {
	{ 204, 98, 1728, true, true }, { 200, 100, 2048, true, true },
	{ 200, 200, 2432, true, true }, { 204, 391, 1728, true, true },
	{ 300, 300, 2592, true, true }, { 400, 400, 4864, true, true },
	{ 408, 391, 4096, true, true },
	{ 204, 200, 1728, false, true }, { 200, 98, 1728, false, true },
	{ 203, 196, 1728, false, true }, { 400, 391, 3456, false, true },
	{ 300, 200, 2592, false, false }, { 408, 391, 1728, false, false },
	{ 200, 200, 1729, false, false }, { 72, 72, 1728, false, false },
	{ 100, 100, 864, false, false }, { 0, 200, 1728, false, false },
	{ UINT32_MAX, UINT32_MAX, 1728, false, false },
};

START_TEST(sizes_are_judged)
{
	struct form f = { .coding = CODING_MMR, .dpi_x = 204, .dpi_y = 196 };
	struct image img;
	struct err e = { 0 };
	char profile;
	struct buf b;

	file_make(&f, 1, &b);
	le_put(&b, entry_at(&b, 256) + 8, 4, sizes[_i].width);
	le_put(&b, le(&b, entry_at(&b, 282) + 8, 4), 4, sizes[_i].x);
	le_put(&b, le(&b, entry_at(&b, 283) + 8, 4), 4, sizes[_i].y);
	ck_assert_msg((image_validate(buf_view(&b), &profile, &e) == 0) == sizes[_i].valid, "%s",
	    e.what);
	ck_assert_int_eq(image_open(buf_view(&b), &fax_limits, &img, &e) == 0, sizes[_i].read);
	if (sizes[_i].read)
		image_free(&img);
	else
		ck_assert_str_eq(e.dsn, "5.6.1");
	buf_free(&b);
}
END_TEST

/* An IFD loop, two pages that share data, an IFD among the data. */
START_TEST(overlaps_and_loops_are_refused)
{
	struct form f = { .coding = CODING_MH, .dpi_x = 204, .dpi_y = 196 };
	size_t link = 10 + 16 * 12;
	struct err e = { 0 };
	struct image img;
	uint32_t second;
	struct buf b;

	file_make(&f, 2, &b);
	second = le(&b, link, 4);
	if (_i == 0)
		le_put(&b, link, 4, 8);
	else if (_i == 1)
		le_put(&b, second + 2 + 12 * 7 + 8, 4, 222);
	else if (_i == 2)
		le_put(&b, entry_at(&b, 279) + 8, 4, second - 222 + 1);
	else
		le_put(&b, link, 4, 9);
	ck_assert_int_eq(image_open(buf_view(&b), &fax_limits, &img, &e), -1);
	ck_assert_msg(e.kind == ERR_PERM && (strcmp(e.dsn, "5.6.1") == 0 || _i == 3), "%s", e.what);
	ck_assert_ptr_null(img.page);
	buf_free(&b);
}
END_TEST

static struct limits
limits_of(int i)
{
	struct limits l = fax_limits;

	l.width_px = i == 0 ? 1727 : l.width_px;
	l.length_px = i == 1 ? ROWS - 1 : l.length_px;
	l.page_px = i == 2 ? 1728 * ROWS - 1 : l.page_px;
	l.job_px = i == 3 ? 3 * 1728 * ROWS - 1 : l.job_px;
	l.pages = i == 4 ? 2 : l.pages;
	l.tags = i == 5 ? 15 : l.tags;
	return l;
}

START_TEST(limits_are_kept)
{
	struct form f = { .coding = CODING_MMR, .dpi_x = 204, .dpi_y = 196 };
	struct limits l = limits_of(_i);
	struct err e = { 0 };
	struct image img;
	struct buf b;

	file_make(&f, 3, &b);
	ck_assert_int_eq(image_open(buf_view(&b), &l, &img, &e), _i == 6 ? 0 : -1);
	if (_i < 6)
		ck_assert_str_eq(e.dsn, "5.6.5");
	else
		image_free(&img);
	buf_free(&b);
}
END_TEST

/* Every prefix of a file, and every octet of header and IFD set to 0 and to 255, has a verdict. */
START_TEST(cuts_and_spoilt_octets_are_survived)
{
	struct form f = { .coding = CODING_MMR, .dpi_x = 204, .dpi_y = 196 };
	struct err e = { 0 };
	struct image img;
	struct buf b;

	file_make(&f, 2, &b);
	for (size_t n = 0; n < b.n; n += n < 500 ? 1 : 97) {
		unsigned char *copy = malloc(n + 1);	/* its own end, for the sanitizer */

		memcpy(copy, b.p, n);
		ck_assert_int_eq(image_open(span_of(copy, n), &fax_limits, &img, &e), -1);
		free(copy);
	}
	for (size_t i = 0; i < 222; i++)
		for (int v = 0; v < 256; v += 51) {
			unsigned char old = b.p[i];

			b.p[i] = (unsigned char)v;
			if (image_open(buf_view(&b), &fax_limits, &img, &e) == 0)
				image_free(&img);
			else
				ck_assert_int_eq(e.kind, ERR_PERM);
			b.p[i] = old;
		}
	buf_free(&b);
}
END_TEST

Suite *suite_tiff(void);
Suite *
suite_tiff(void)
{
	Suite *s = suite_create("tiff");
	TCase *tc = tcase_create("tiff");

	tcase_add_test(tc, layout_of_profile_s);
	tcase_add_test(tc, mr_is_not_aligned);
	tcase_add_loop_test(tc, validator_finds_what_is_wrong, 0, sizeof mutants / sizeof *mutants);
	tcase_add_loop_test(tc, an_ifd_that_is_elsewhere, 0, 3);
	tcase_add_loop_test(tc, sizes_are_judged, 0, sizeof sizes / sizeof *sizes);
	tcase_add_loop_test(tc, overlaps_and_loops_are_refused, 0, 4);
	tcase_add_loop_test(tc, limits_are_kept, 0, 7);
	tcase_add_test(tc, cuts_and_spoilt_octets_are_survived);
	suite_add_tcase(s, tc);
	return s;
}
