/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "convertd/text.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "convertd/font.h"
#include "convertd/image.h"
#include "tests/unit/convertd/letter.h"

/* Rows with "|" behind each, "=" between pages; what is not ASCII as {hex}, marks behind their letter. */
static void
show_row(const struct text_row *row, struct buf *out)
{
	struct err e = { 0 };

	for (uint32_t x = 0; x < row->n; x++) {
		if (row->code[x] >= ' ' && row->code[x] <= '~')
			ck_assert_int_eq(buf_add_byte(out, (int)row->code[x], &e), 0);
		else
			ck_assert_int_eq(buf_addf(out, &e, "{%x}", row->code[x]), 0);
		for (int i = 0; i < TEXT_MARKS && row->mark[x][i] != 0; i++)
			ck_assert_int_eq(buf_addf(out, &e, "{+%x}", row->mark[x][i]), 0);
	}
	ck_assert_int_eq(buf_add_byte(out, '|', &e), 0);
}

static struct buf
show(struct span file, const struct text_how *how)
{
	struct text_page *page = malloc(sizeof *page);
	struct err e = { 0 };
	struct buf out;
	struct text t;

	ck_assert_ptr_nonnull(page);
	buf_init(&out, 1 << 20);
	ck_assert_msg(text_open(file, how, &fax_limits, &t, &e) == 0, "%s", e.what);
	for (uint32_t i = 0; i < t.npage; i++) {
		if (i > 0)
			ck_assert_int_eq(buf_add_byte(&out, '=', &e), 0);
		text_page(&t, i, page);
		ck_assert_uint_le(page->n, TEXT_ROWS);
		for (uint32_t y = 0; y < page->n; y++)
			show_row(&page->row[y], &out);
	}
	text_free(&t);
	free(page);
	return out;
}

#define DIGITS "0123456789"
#define COLUMNS_70 DIGITS DIGITS DIGITS DIGITS DIGITS DIGITS DIGITS
#define WORDS_50 "word word word word word word word word word word "

enum { FIXED, FLOWED, DELSP };
static const struct { const char *name, *text, *want; int how; enum charset charset; } cases[] = {
	{ "lines are kept", "a\r\n\r\n b \r\nc", "a|| b |c|", FIXED, 0 },
	{ "whatever ends them", "a\nb\rc\n\rd", "a|b|c||d|", FIXED, 0 },
	{ "nothing is one empty page", "", "", FIXED, 0 },
	{ "white space at the end begins no page", "a\r\n\r\n\f\r\n \r\n", "a|", FIXED, 0 },
	{ "80 columns are a row", COLUMNS_70 DIGITS "\r\nx", COLUMNS_70 DIGITS "|x|", FIXED, 0 },
	{ "a word of 81 is cut", COLUMNS_70 DIGITS "8\r\nx", COLUMNS_70 DIGITS "|8|x|", FIXED, 0 },
	{ "a line is broken at a space", COLUMNS_70 " " DIGITS "\r\nx", COLUMNS_70 " |" DIGITS "|x|", FIXED, 0 },
	{ "spaces behind a full row vanish", COLUMNS_70 DIGITS "   \r\nx", COLUMNS_70 DIGITS "|x|", FIXED, 0 },
	{ "and before the next word", COLUMNS_70 DIGITS "  x", COLUMNS_70 DIGITS "|x|", FIXED, 0 },
	{ "what a line begins with is no place to break it", "  " COLUMNS_70 DIGITS, "  " COLUMNS_70 "01234567|89|",
	    FIXED, 0 },
	{ "tabs", "\ta\tb\r\n1234567\tc\r\n12345678\td", "        a       b|1234567 c|12345678        d|", FIXED, 0 },
	{ "a form feed in a line of its own", "a\r\n\f\r\nb", "a|=b|", FIXED, 0 },
	{ "one within a line", "a\fb", "a|=b|", FIXED, 0 },
	{ "two begin one page", "a\r\n\f\f\r\nb", "a|=b|", FIXED, 0 },
	{ "the first page needs none", "\f\r\na", "a|", FIXED, 0 },
	{ "UTF-8", "\xc3\xbc\xe2\x82\xac", "{fc}{20ac}|", FIXED, CHARSET_UTF8 },
	{ "octets that are none", "a\xff\xc3(\xed\xa0\x80\xc0\x80\xf4\x90\x80\x80z", "a{fffd}{fffd}({fffd}{fffd}{fffd}"
	    "{fffd}{fffd}{fffd}{fffd}{fffd}{fffd}z|", FIXED, CHARSET_UTF8 },
	{ "UTF-8 cut short", "a\xe2\x82", "a{fffd}{fffd}|", FIXED, CHARSET_UTF8 },
	{ "Latin 1", "\xfc\xa4\x80", "{fc}{a4}{20ac}|", FIXED, CHARSET_LATIN1 },
	{ "Latin 9", "\xfc\xa4\xbd", "{fc}{20ac}{153}|", FIXED, CHARSET_LATIN9 },
	{ "marks stand over their letter", "e\xcc\x81\xcc\xa3\xcc\x83x", "e{+301}{+323}x|", FIXED, 0 },
	{ "one without a letter is nowhere", "\xcc\x81x", "x|", FIXED, 0 },
	{ "wide letters have two columns", "\xe6\x97\xa5\xcc\x81x", "{65e5}{+301}{0}x|", FIXED, 0 },
	{ "what is not seen has none", "\xef\xbb\xbf" "a\xe2\x80\x8b" "b\xc2\xad" "c", "abc|", FIXED, 0 },
	{ "control codes are there", "a\x07" "b", "a{7}b|", FIXED, 0 },
	{ "flowed: a paragraph", "One \r\ntwo \r\nthree.\r\nFour.", "One two three.|Four.|", FLOWED, 0 },
	{ "fixed lines are none", "One \r\ntwo", "One |two|", FIXED, 0 },
	{ "flowed: to the margin", WORDS_50 "\r\n" WORDS_50 "\r\nend", WORDS_50 "word word word word word word |"
	    "word word word word end|", FLOWED, 0 },
	{ "flowed: stuffing goes", "  a\r\n From b\r\n >c", " a|From b|>c|", FLOWED, 0 },
	{ "flowed: quoted, and deeper", ">one \r\n> two\r\n>>three \r\n>four\r\nfive", "> one two|>> three |> four|five|",
	    FLOWED, 0 },
	{ "flowed: a quotation is quoted in each row", "> " WORDS_50 "\r\n> " WORDS_50 "\r\n> end", "> " WORDS_50
	    "word word word word word |> word word word word word end|", FLOWED, 0 },
	{ "flowed: a signature is for itself", "a \r\n-- \r\nb", "a |-- |b|", FLOWED, 0 },
	{ "flowed: a quoted one too", "> a \r\n> -- \r\n> b", "> a |> -- |> b|", FLOWED, 0 },
	{ "flowed: a line of a space joins", "a \r\n  \r\nb", "a  b|", FLOWED, 0 },
	{ "DelSp", "One \r\ntwo  \r\nthree", "Onetwo three|", DELSP, 0 },
	{ "DelSp keeps fixed lines' spaces", "-- \r\nb", "-- |b|", DELSP, 0 },
};

START_TEST(rows_are_these)
{
	struct text_how how = { cases[_i].charset, cases[_i].how != FIXED, cases[_i].how == DELSP };
	struct buf got = show(span_str(cases[_i].text), &how);

	ck_assert_msg(span_is(buf_view(&got), cases[_i].want), "%s: %.*s", cases[_i].name, (int)got.n,
	    (const char *)got.p);
	buf_free(&got);
}
END_TEST

/* n lines of "x" and what follows them. */
static struct buf
lines(unsigned n, const char *then)
{
	struct err e = { 0 };
	struct buf b;

	buf_init(&b, 1 << 20);
	for (unsigned i = 0; i < n; i++)
		ck_assert_int_eq(buf_add_str(&b, "x\r\n", &e), 0);
	ck_assert_int_eq(buf_add_str(&b, then, &e), 0);
	return b;
}

START_TEST(pages_are_of_sixty_rows)
{
	static const struct { unsigned n; const char *then; unsigned pages, last; } rows[] = {
		{ 60, "", 1, 60 }, { 60, "y", 2, 1 }, { 59, "y", 1, 60 }, { 120, "", 2, 60 }, { 121, "", 3, 1 },
		{ 60, "\f\r\ny", 2, 1 }, { 60, "\r\n\fy", 3, 1 },
	};
	struct text_page *page = malloc(sizeof *page);
	struct buf b = lines(rows[_i].n, rows[_i].then);
	struct err e = { 0 };
	struct text t;

	ck_assert_ptr_nonnull(page);
	ck_assert_int_eq(text_open(buf_view(&b), &(struct text_how){ 0 }, &fax_limits, &t, &e), 0);
	ck_assert_uint_eq(t.npage, rows[_i].pages);
	text_page(&t, t.npage - 1, page);
	ck_assert_uint_eq(page->n, rows[_i].last);
	text_free(&t);
	buf_free(&b);
	free(page);
}
END_TEST

START_TEST(text_has_limits)
{
	struct limits l = fax_limits;
	struct buf b = lines(121, "");
	struct err e = { 0 };
	struct text t;

	l.pages = 2;
	ck_assert_int_eq(text_open(buf_view(&b), &(struct text_how){ 0 }, &l, &t, &e), -1);
	ck_assert_str_eq(e.dsn, "5.6.5");
	l.pages = 3;
	ck_assert_int_eq(text_open(buf_view(&b), &(struct text_how){ 0 }, &l, &t, &e), 0);
	text_free(&t);
	ck_assert_int_eq(text_open(span_of("a\0b", 3), &(struct text_how){ 0 }, &l, &t, &e), -1);
	ck_assert_str_eq(e.dsn, "5.6.1");
	ck_assert_str_eq(e.what, "no text: octet 1 is 0");
	buf_free(&b);
}
END_TEST

static unsigned
black(const unsigned char *p, size_t n)
{
	unsigned sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (unsigned)__builtin_popcount(p[i]);
	return sum;
}

START_TEST(shapes)
{
	unsigned char cell[FONT_CELL], frame[FONT_CELL];

	ck_assert(font_cell(' ', cell));
	ck_assert_uint_eq(black(cell, FONT_CELL), 0);
	ck_assert(font_cell(0x2588, cell));		/* the full block fills its cell */
	ck_assert_uint_eq(black(cell, FONT_CELL), FONT_WIDTH * FONT_HEIGHT);
	ck_assert(font_cell(0x2502, cell));		/* a vertical line: all rows alike, from edge to edge */
	for (int y = 1; y < FONT_HEIGHT; y++)
		ck_assert_mem_eq(cell, cell + y * FONT_STRIDE, FONT_STRIDE);
	ck_assert_uint_gt(black(cell, FONT_STRIDE), 0);
	for (uint32_t c = '!'; c <= '~'; c++) {
		ck_assert(font_cell(c, cell));
		ck_assert_uint_gt(black(cell, FONT_CELL), 40);
		if (c != '_' && c != '|')	/* nothing else comes near the rows above and below */
			ck_assert_uint_eq(black(cell, FONT_STRIDE) + black(cell + FONT_CELL - FONT_STRIDE, FONT_STRIDE), 0);
	}
	ck_assert(!font_cell(0x65e5, cell));
	ck_assert(!font_cell(7, cell));
	ck_assert(!font_cell(0x110000, cell));
	font_unknown(7, cell);
	font_unknown(8, frame);
	ck_assert_mem_ne(cell, frame, FONT_CELL);
	font_unknown(0x10ffff, frame);
	ck_assert_uint_gt(black(frame, FONT_CELL), black(cell, FONT_CELL));
}
END_TEST

/* A full block's place on the page, and that marks are drawn over what is there. */
START_TEST(it_is_drawn_where_it_stands)
{
	struct err e = { 0 };
	struct raster r, marked;
	struct text t;

	ck_assert_int_eq(text_open(span_str("\r\na\xe2\x96\x88"), &(struct text_how){ 0 }, &fax_limits, &t, &e), 0);
	ck_assert_int_eq(text_draw(&t, 0, &r, &e), 0);
	ck_assert_uint_eq(r.width_px, TEXT_WIDTH_PX);
	ck_assert_uint_eq(r.rows, TEXT_ROWS_PX);
	for (uint32_t y = 0; y < r.rows; y++) {
		const unsigned char *at = raster_row(&r, y) + (128 + 40) / 8;

		ck_assert_uint_eq(black(at, 5), y >= 220 + 66 && y < 220 + 132 ? 40 : 0);
		ck_assert_uint_eq(black(raster_row(&r, y), 128 / 8) + black(at + 5, 200), 0);
	}
	text_free(&t);
	ck_assert_int_eq(text_open(span_str("\r\na\xcc\x81\xe2\x96\x88"), &(struct text_how){ 0 }, &fax_limits, &t, &e), 0);
	ck_assert_int_eq(text_draw(&t, 0, &marked, &e), 0);
	ck_assert_uint_gt(black(marked.px, marked.stride * marked.rows), black(r.px, r.stride * r.rows));
	text_free(&t);
	raster_free(&r);
	raster_free(&marked);
}
END_TEST

START_TEST(text_becomes_faxes)
{
	static const struct form want[] = {
		{ CODING_MMR, PAPER_A4, 400, 400 }, { CODING_MH, PAPER_A4, 204, 196 }, { CODING_JBIG, PAPER_A4, 300, 300 },
		{ CODING_MH, PAPER_A4, 204, 98 },
	};
	static const char profiles[] = "FSJS";
	const struct form forms[] = { want[_i], want[_i] };
	struct buf text = lines(61, ""), out;
	struct image img, again;
	struct err e = { 0 };
	char profile;

	buf_init(&out, 8 << 20);
	ck_assert_int_eq(image_open_text(buf_view(&text), &(struct text_how){ 0 }, &fax_limits, &img, &e), 0);
	ck_assert_uint_eq(img.npage, 2);
	ck_assert_int_eq(image_features(&img, &out, &e), 0);
	ck_assert_msg(span_is(buf_view(&out), "(type=\"text/plain\")"), "%.*s", (int)out.n, (const char *)out.p);
	buf_clear(&out);
	ck_assert_msg(image_convert(&img, forms, &fax_limits, &out, &e) == 0, "%s", e.what);
	ck_assert_int_eq(image_validate(buf_view(&out), &profile, &e), 0);
	ck_assert_int_eq(profile, profiles[_i]);
	ck_assert_int_eq(image_open(buf_view(&out), &fax_limits, &again, &e), 0);
	ck_assert_uint_eq(again.npage, 2);
	ck_assert_uint_eq(form_length(&again.page[1].form, again.page[1].length_px), 2794);
	image_free(&again);
	image_free(&img);
	buf_free(&out);
	buf_free(&text);
}
END_TEST

/* --- parts of messages --- */

#define TOP "From: a@example.com\nMIME-Version: 1.0\n"
#define PLAIN "Content-Type: text/plain; charset=iso-8859-1; format=flowed; name=\"a.txt\"\n"
#define ANY "Content-Convert: ANY\n"
#define ATTACHED "Content-Disposition: attachment; filename=a.txt\n"
#define NO_TEXT "(& (type=\"image/tiff\") (image-coding=MMR))"

static const struct {
	const char *name, *message, *caps;
	enum plan_wish wish;
	enum plan_fate fate;
	const char *key, *dsn;
} parts[] = {
	{ "a body goes as it is", TOP ANY PLAIN "\nx\n", "(| " NO_TEXT " (type=\"text/plain\"))", WISH_CONPERM, PLAN_FITS,
	    "", "" },
	{ "where text is none of what is taken, it is a page", TOP ANY PLAIN "\nx\n", NO_TEXT, WISH_CONPERM, PLAN_CONVERTS,
	    "1=MMR/400x400/A4", "" },
	{ "if it may become one", TOP PLAIN "\nx\n", NO_TEXT, WISH_CONPERM, PLAN_FITS, "", "" },
	{ "by its own field: no wish is enough", TOP PLAIN "\nx\n", NO_TEXT, WISH_DRUCOF, PLAN_FITS, "", "" },
	{ "what it may become is not taken: as it is", TOP "Content-Convert: (image-coding=JBIG)\n" PLAIN "\nx\n", NO_TEXT,
	    WISH_CONPERM, PLAN_FITS, "", "" },
	{ "no type in the header, no conversion", TOP ANY "\nx\n", NO_TEXT, WISH_CONPERM, PLAN_FITS, "", "" },
	{ "attached", TOP ANY ATTACHED PLAIN "\nx\n", NO_TEXT, WISH_CONPERM, PLAN_CONVERTS, "1=MMR/400x400/A4", "" },
	{ "attached, without permission", TOP ATTACHED PLAIN "\nx\n", NO_TEXT, WISH_CONPERM, PLAN_EMPTY, "", "5.6.3" },
	{ "attached, by DRUCOF", TOP ATTACHED PLAIN "\nx\n", NO_TEXT, WISH_DRUCOF, PLAN_CONVERTS,
	    "1=drucof:MMR/400x400/A4", "" },
	{ "attached, in a form that is not taken", TOP "Content-Convert: (image-coding=JBIG)\n" ATTACHED PLAIN "\nx\n",
	    NO_TEXT, WISH_CONPERM, PLAN_EMPTY, "", "5.6.5" },
	{ "in a charset that is not read", TOP ANY ATTACHED "Content-Type: text/plain; charset=koi8-r\n\nx\n", NO_TEXT,
	    WISH_CONPERM, PLAN_EMPTY, "", "5.6.3" },
	{ "html is no plain text", TOP ANY ATTACHED "Content-Type: text/html\n\nx\n", NO_TEXT, WISH_CONPERM, PLAN_EMPTY, "",
	    "5.6.3" },
};

START_TEST(parts_are_judged)
{
	struct buf m = letter_make(parts[_i].message);
	struct letter_plan p;

	letter_plan_wish(&m, parts[_i].caps, parts[_i].wish, &p);
	ck_assert_msg(p.plan.verdict[0].fate == parts[_i].fate, "%s: %u", parts[_i].name, p.plan.verdict[0].fate);
	ck_assert_msg(span_is(p.plan.verdict[0].key, parts[_i].key), "%s: %.*s", parts[_i].name,
	    (int)p.plan.verdict[0].key.n, (const char *)p.plan.verdict[0].key.p);
	ck_assert_str_eq(p.plan.verdict[0].dsn, parts[_i].dsn);
	letter_within_bounds(&m, &p);
	letter_plan_free(&p);
	buf_free(&m);
}
END_TEST

/* Parameters of text go, names get the suffix, the record says what it was; a soft line break joins. */
START_TEST(a_part_of_text_becomes_an_image)
{
	struct buf m = letter_make(TOP "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nhello\n"
	    "--b\n" ANY ATTACHED PLAIN "Content-Transfer-Encoding: quoted-printable\n\nGr=FC=DFe=20\naus\n--b--\n");
	struct buf r = letter_through(&m, NO_TEXT), file, text;
	struct image img, same;
	struct raster a, b;
	struct mime mime;
	struct err e = { 0 };
	const struct mime_part *p;

	ck_assert_int_eq(mime_parse(buf_view(&r), &mime, &e), 0);
	p = letter_part(&mime, "2");
	ck_assert_str_eq(letter_field(p, "Content-Type"), "image/tiff; name=\"a.tif\"");
	ck_assert_str_eq(letter_field(p, "Content-Disposition"), "attachment; filename=a.tif");
	ck_assert_str_eq(letter_field(p, "Content-Transfer-Encoding"), "base64");
	ck_assert_ptr_nonnull(strstr(letter_field(p, "Content-Previous"), "(type=\"text/plain\")"));
	file = letter_file(p);
	ck_assert_int_eq(image_open(buf_view(&file), &fax_limits, &img, &e), 0);
	ck_assert_int_eq(raster_init(&a, TEXT_WIDTH_PX, TEXT_ROWS_PX, &e), 0);
	ck_assert_int_eq(image_decode(&img, 0, a.px, &e), 0);
	buf_init(&text, 100);
	ck_assert_int_eq(buf_add_str(&text, "Gr\xc3\xbc\xc3\x9f" "e aus", &e), 0);
	ck_assert_int_eq(image_open_text(buf_view(&text), &(struct text_how){ 0 }, &fax_limits, &same, &e), 0);
	ck_assert_int_eq(raster_init(&b, TEXT_WIDTH_PX, TEXT_ROWS_PX, &e), 0);
	ck_assert_int_eq(image_decode(&same, 0, b.px, &e), 0);
	ck_assert_mem_eq(a.px, b.px, a.stride * a.rows);
	raster_free(&a), raster_free(&b);
	image_free(&img), image_free(&same);
	mime_free(&mime);
	buf_free(&m), buf_free(&r), buf_free(&file), buf_free(&text);
}
END_TEST

Suite *suite_text(void);
Suite *
suite_text(void)
{
	Suite *s = suite_create("text");
	TCase *t = tcase_create("text");

	tcase_add_loop_test(t, rows_are_these, 0, sizeof cases / sizeof *cases);
	tcase_add_loop_test(t, pages_are_of_sixty_rows, 0, 7);
	tcase_add_test(t, text_has_limits);
	tcase_add_test(t, shapes);
	tcase_add_test(t, it_is_drawn_where_it_stands);
	tcase_add_loop_test(t, text_becomes_faxes, 0, 4);
	tcase_add_loop_test(t, parts_are_judged, 0, sizeof parts / sizeof *parts);
	tcase_add_test(t, a_part_of_text_becomes_an_image);
	suite_add_tcase(s, t);
	return s;
}
