/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/caplines.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/features.h"

/* before, the item count times with between between them, after; the caller frees it. */
static char *
many(const char *before, const char *item, unsigned count, const char *between, const char *after)
{
	char *text = calloc(1, strlen(before) + count * (strlen(item) + strlen(between)) + strlen(after) + 1), *at;

	ck_assert_ptr_nonnull(text);
	at = stpcpy(text, before);
	for (unsigned i = 0; i < count; i++)
		at = stpcpy(i == 0 ? at : stpcpy(at, between), item);
	stpcpy(at, after);
	return text;
}

#define TEN "          "
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define BLANKS HUNDRED HUNDRED HUNDRED HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN

/* R25, R27, R32: lines > 0 so many, which mean the same when joined with or without a space; 0: refused. */
static const struct {
	const char *before, *item;
	unsigned count;
	const char *between, *after;
	unsigned lines;
} cases[] = {
	{ "(& ", "(color=Binary)", 2, " ", ")", 1 },
	{ "", "(color=Binary)", 0, "", "", 0 },
	{ "(| ", "(& (dpi=200) (type=\"a b\"))", 100, " ", ")", 6 },
	/* a set longer than a line: behind its commas, there alone */
	{ "(dpi=[", "200", 300, ",", "])", 3 },
	{ "(& (color=Binary) (type=[", "\"a,(b),c\"", 200, ", ", "]) (dpi=200))", 6 },
	/* nowhere to break: a string, a token */
	{ "(a=\"", "b,(", 200, "", "\")", 0 },
	{ "(a=", "b", 493, "", ")", 0 },
	{ "(a=", "b", 489, "", ")", 1 },
	{ "(a=", "b", 490, "", ")", 0 },
	/* all in all: octets; lines, which only blanks leave so short */
	{ "(| ", "(color=Binary)", 4400, "", ")", 126 },
	{ "(| ", "(color=Binary)", 4500, "", ")", 0 },
	{ "(| ", "(a=b)", 256, BLANKS, ")", 256 },
	{ "(| ", "(a=b)", 257, BLANKS, ")", 0 },
};

static void
same(struct span joined, struct span filter)
{
	struct feat *a, *b;
	struct err e = { 0 };

	ck_assert_msg(feat_parse(joined, 0, &a, &e) == 0, "%s", e.what);
	ck_assert_msg(feat_parse(filter, 0, &b, &e) == 0, "%s", e.what);
	ck_assert_int_eq(feat_equal(a, b, &e), 1);
	feat_free(a);
	feat_free(b);
}

START_TEST(lines_of_an_answer)
{
	char *text = many(cases[_i].before, cases[_i].item, cases[_i].count, cases[_i].between, cases[_i].after);
	struct buf out, joined[2];
	struct span rest, line;
	struct err e = { 0 };
	unsigned n = 0;
	int r;

	buf_init(&out, CAPLINES_OCTETS);
	buf_init(&joined[0], CAPLINES_OCTETS);
	buf_init(&joined[1], CAPLINES_OCTETS);
	r = caplines_make(span_str(text), &out, &e);
	ck_assert_msg((r == 0) == (cases[_i].lines > 0), "%s", e.what);
	rest = r == 0 ? buf_view(&out) : span_str("");
	for (; span_line(&rest, &line); n++) {
		ck_assert(line.n > 0 && line.n <= CAPLINES_TEXT);
		for (unsigned i = 0; i < 2; i++)
			ck_assert_int_eq(buf_add(&joined[i], line, &e) |
			    buf_add_str(&joined[i], i == 0 ? "" : " ", &e), 0);
	}
	ck_assert_uint_eq(n, cases[_i].lines);
	for (unsigned i = 0; i < 2 && n > 0 && n < 100; i++)
		same(buf_view(&joined[i]), span_str(text));
	buf_free(&out);
	buf_free(&joined[0]);
	buf_free(&joined[1]);
	free(text);
}
END_TEST

Suite *suite_caplines(void);
Suite *
suite_caplines(void)
{
	Suite *s = suite_create("caplines");
	TCase *tc = tcase_create("caplines");

	tcase_add_loop_test(tc, lines_of_an_answer, 0, sizeof cases / sizeof *cases);
	suite_add_tcase(s, tc);
	return s;
}
