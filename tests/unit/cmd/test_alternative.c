/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "cmd/alternative.h"

#include <check.h>
#include <stdlib.h>

#define MIXED(a, b) "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b\r\n" \
    "Content-Type: image/tiff\r\n" a "\r\nx\r\n--b\r\nContent-Type: image/tiff\r\n" b "\r\ny\r\n--b--\r\n"
#define F(f) "Content-Features: " f "\r\n"
#define A(f) "Content-Alternative: " f "\r\n"

static const struct { const char *name, *base, *form[2], *out; } cases[] = {
	{ "one part", "Content-Type: image/tiff\r\n" F("(a=1)") "\r\nx\r\n",
	    { "Content-Type: image/tiff\r\n" F("(a=2)") "\r\nlonger\r\n", NULL },
	    "Content-Type: image/tiff\r\n" F("(a=1)") A("(a=2)") "\r\nx\r\n" },
	{ "two forms", "Content-Type: image/tiff\r\n" F("(a=1)") "\r\nx\r\n",
	    { "Content-Type: image/tiff\r\n" F("(a=2)") "\r\nx\r\n", "Content-Type: image/tiff\r\n" F("(a=3)") "\r\nx\r\n" },
	    "Content-Type: image/tiff\r\n" F("(a=1)") A("(a=2)") A("(a=3)") "\r\nx\r\n" },
	{ "two that are the same", "Content-Type: image/tiff\r\n" F("(a=1)") "\r\nx\r\n",
	    { "Content-Type: image/tiff\r\n" F("(a=2)") "\r\nx\r\n", "Content-Type: image/tiff\r\n" F("(a=2)") "\r\nx\r\n" },
	    "Content-Type: image/tiff\r\n" F("(a=1)") A("(a=2)") "\r\nx\r\n" },
	{ "one that is the base", "Content-Type: image/tiff\r\n" F("(a=1)") "\r\nx\r\n",
	    { "Content-Type: image/tiff\r\n" F("(a=1)") "\r\nx\r\n", NULL }, NULL },
	{ "each part its own", MIXED(F("(a=1)"), F("(b=1)")), { MIXED(F("(a=1)"), F("(b=2)")), NULL },
	    MIXED(F("(a=1)"), F("(b=1)") A("(b=2)")) },
	{ "a part without features", MIXED("", F("(b=1)")), { MIXED(F("(a=1)"), F("(b=2)")), NULL },
	    MIXED("", F("(b=1)") A("(b=2)")) },
};

START_TEST(parts_are_described)
{
	struct span form[2];
	struct err e = { 0 };
	struct buf out;
	size_t n = 0;
	bool any;

	for (; n < 2 && cases[_i].form[n] != NULL; n++)
		form[n] = span_str(cases[_i].form[n]);
	buf_init(&out, 65536);
	ck_assert_msg(alternative_describe(span_str(cases[_i].base), form, n, &any, &out, &e) == 0, "%s", e.what);
	ck_assert_msg(any == (cases[_i].out != NULL), "%s", cases[_i].name);
	ck_assert_msg(span_is(buf_view(&out), any ? cases[_i].out : cases[_i].base), "%s: %.*s", cases[_i].name,
	    (int)out.n, (const char *)out.p);
	buf_free(&out);
}
END_TEST

START_TEST(another_message_is_no_form_of_it)
{
	struct span form = span_str(MIXED("", ""));
	struct err e = { 0 };
	struct buf out;
	bool any;

	buf_init(&out, 65536);
	ck_assert_int_eq(alternative_describe(span_str("Subject: x\r\n\r\nx\r\n"), &form, 1, &any, &out, &e), -1);
	ck_assert_int_eq(e.kind, ERR_PERM);
	ck_assert(!any);
	buf_free(&out);
}
END_TEST

Suite *suite_alternative(void);
Suite *
suite_alternative(void)
{
	Suite *s = suite_create("alternative");
	TCase *t = tcase_create("alternative");

	tcase_add_loop_test(t, parts_are_described, 0, sizeof cases / sizeof *cases);
	tcase_add_test(t, another_message_is_no_form_of_it);
	suite_add_tcase(s, t);
	return s;
}
