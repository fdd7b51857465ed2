/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/xtext.h"

#include <check.h>

typedef int put_fn(struct buf *, struct span, size_t, struct err *);

#define LONG "type-6789-123456789-123456789-123456789-123456789-123456789-123456789"	/* all that RCPT takes is kept */

static int
orcpt_plain(struct buf *out, struct span s, size_t max, struct err *e)
{
	return xtext_orcpt(out, s, false, max, e);
}

static int
orcpt_global(struct buf *out, struct span s, size_t max, struct err *e)
{
	return xtext_orcpt(out, s, true, max, e);
}

/* RFC 3461, 4; RFC 6533, 3. */
static const struct { put_fn *put; const char *in; size_t max; const char *want; } cases[] = {
	{ xtext_clean, "plain ~!", 90, "plain ~!" },
	{ xtext_clean, "a\r\nb\x7f\xff\t", 90, "a??b???" },
	{ xtext_clean, "12345", 5, "12345" },
	{ xtext_clean, "123456", 5, "12345..." },
	{ xtext_decode, "a+2Bb+3D", 90, "a+b=" },
	{ xtext_decode, "+0D+0A+00+FF+7F", 90, "?????" },
	{ xtext_decode, "+2b+2+", 90, "+2b+2+" },
	{ xtext_decode, "+41+42+43", 2, "AB..." },
	{ xtext_unitext, "\xc3\xa4\xe2\x82\xac\xf0\x9f\x93\xa0+41", 90, "\\x{E4}\\x{20AC}\\x{1F4E0}+41" },
	{ xtext_unitext, "\xc3(\x80\xf5\x80", 90, "?(???" },
	{ orcpt_plain, "rfc822;a+40b", 90, "rfc822;a@b" },
	{ orcpt_plain, LONG ";a+40b", 900, LONG ";a@b" },
	{ orcpt_plain, "abc;defgh", 7, "abc;defg..." },
	{ orcpt_plain, "abc;d", 3, "abc;..." },
	{ orcpt_plain, ";a", 90, "unknown;;a" },
	{ orcpt_plain, "a b;c", 90, "unknown;a b;c" },
	{ orcpt_plain, "utf-8;\xc3\xa4", 90, "utf-8;\\x{E4}" },
	{ orcpt_global, "utf-8;\xc3\xa4\\x{E4}@x", 90, "utf-8;\xc3\xa4\xc3\xa4@x" },
	{ orcpt_global, "rfc822;\xc3\xa4", 90, "rfc822;??" },
	{ xtext_utf8_address, "\\x{20AC}\\x{1F4E0}\\x{2B}", 90, "\xe2\x82\xac\xf0\x9f\x93\xa0+" },
	{ xtext_utf8_address, "\\x{0A}\\x{7F}\\x{85}\r\n\x80", 90, "??????" },
	{ xtext_utf8_address, "\\x{D800}\\x{110000}\\x{4", 90, "\\x{D800}\\x{110000}\\x{4" },
	{ xtext_utf8_address, "123456", 5, "12345..." },
};

START_TEST(forms)
{
	struct buf out;
	struct err e;

	buf_init(&out, 1024);
	ck_assert_int_eq(cases[_i].put(&out, span_str(cases[_i].in), cases[_i].max, &e), 0);
	ck_assert_msg(span_is(buf_view(&out), cases[_i].want), "%.*s", (int)out.n, (char *)out.p);
	buf_free(&out);
}
END_TEST

static const struct { const char *in; bool is; } utf8[] = {
	{ "", false }, { "ascii", false }, { "\xc3\xa4", true }, { "a\xf4\x8f\xbf\xbf", true },
	{ "\xf4\x90\x80\x80", false }, { "\xc1\x81", false }, { "\xe0\x80\x80", false },
	{ "\xed\xa0\x80", false }, { "\xc3", false }, { "\xc3\xa4\n", false }, { "\xc2\x85", false },
	{ "\xff", false }, { "\x80", false },
};

START_TEST(is_utf8)
{
	ck_assert_int_eq(xtext_utf8(span_str(utf8[_i].in)), utf8[_i].is);
}
END_TEST

#define TEN "0123456789"
#define MANY TEN TEN TEN TEN TEN TEN TEN TEN TEN

static bool
orcpt_ascii(struct span s)
{
	return xtext_orcpt_ok(s, false);
}

static bool
orcpt_utf8(struct span s)
{
	return xtext_orcpt_ok(s, true);
}

static const struct { bool (*ok)(struct span); const char *in; bool is; } judged[] = {
	{ xtext_envid_ok, "", false }, { xtext_envid_ok, "QQ314159", true }, { xtext_envid_ok, "a+2Bb", true },
	{ xtext_envid_ok, "a b", false }, { xtext_envid_ok, "a=b", false }, { xtext_envid_ok, "a+2", false },
	{ xtext_envid_ok, "+", false }, { xtext_envid_ok, "+2b", false }, { xtext_envid_ok, "+0D", false },
	{ xtext_envid_ok, "+7F", false }, { xtext_envid_ok, "+7E", true }, { xtext_envid_ok, "+20", true },
	{ xtext_envid_ok, "\xe4", false }, { xtext_envid_ok, "a\r", false },
	{ xtext_envid_ok, MANY "1234567+2B", true }, { xtext_envid_ok, MANY "12345678+2B", false },
	{ orcpt_ascii, "rfc822;a+40b", true }, { orcpt_ascii, "x;", true }, { orcpt_ascii, ";a", false },
	{ orcpt_ascii, "a", false }, { orcpt_ascii, "", false }, { orcpt_ascii, "a b;c", false },
	{ orcpt_ascii, "a@b;c", false }, { orcpt_ascii, "a;b;c", true }, { orcpt_ascii, "a;b=", false },
	{ orcpt_ascii, "a;" MANY MANY MANY MANY MANY "1234567890123456789012345678901234567890123456+2B", false },
	{ orcpt_ascii, "a;" MANY MANY MANY MANY MANY "123456789012345678901234567890123456789012345+2B", true },
	{ orcpt_ascii, "utf-8;\\x{E4}@x", true }, { orcpt_ascii, "utf-8;\xc3\xa4@x", false },
	{ orcpt_utf8, "utf-8;\xc3\xa4@x", true }, { orcpt_utf8, "UTF-8;\\x{E4}\xc3\xa4@x", true },
	{ orcpt_utf8, "rfc822;\xc3\xa4@x", false }, { orcpt_utf8, "utf-8;\xc3@x", false },
	{ orcpt_utf8, "utf-8;\xc3\xa4=@x", false }, { orcpt_utf8, "utf-8;\xc3\xa4+@x", false },
	{ orcpt_utf8, "utf-8;\xc3\xa4\\@x", false }, { orcpt_utf8, "utf-8;\xc3\xa4\\x{D}", false },
	{ orcpt_utf8, "utf-8;\xc3\xa4\\x{0D}", false }, { orcpt_utf8, "utf-8;\xc3\xa4\\x{D800}", false },
	{ orcpt_utf8, "utf-8;\xc3\xa4\\x{20}", true }, { orcpt_utf8, "utf-8;\xc3\xa4 ", false },
	{ orcpt_utf8, "utf-8;\xc2\x85", false },
};

START_TEST(is_judged)
{
	ck_assert_msg(judged[_i].ok(span_str(judged[_i].in)) == judged[_i].is, "%s", judged[_i].in);
}
END_TEST

/* RFC 3461, 4: what comes out can be an ORCPT, and reads as it was. */
START_TEST(is_written_and_read_again)
{
	static const char box[] = "rfc822;a+b=\"c d\"@x.example";
	struct err e = { 0 };
	struct buf out, back;

	buf_init(&out, 1000);
	buf_init(&back, 1000);
	ck_assert_int_eq(buf_add_str(&out, "rfc822;", &e), 0);
	ck_assert_int_eq(xtext_encode(&out, span_str(box + 7), &e), 0);
	ck_assert(span_is(buf_view(&out), "rfc822;a+2Bb+3D\"c+20d\"@x.example"));
	ck_assert(xtext_orcpt_ok(buf_view(&out), false));
	ck_assert_int_eq(xtext_orcpt(&back, buf_view(&out), false, 500, &e), 0);
	ck_assert(span_is(buf_view(&back), box));
	buf_free(&out);
	buf_free(&back);
}
END_TEST

Suite *suite_xtext(void);
Suite *
suite_xtext(void)
{
	Suite *s = suite_create("xtext");
	TCase *tc = tcase_create("xtext");

	tcase_add_loop_test(tc, forms, 0, sizeof cases / sizeof *cases);
	tcase_add_loop_test(tc, is_judged, 0, sizeof judged / sizeof *judged);
	tcase_add_loop_test(tc, is_utf8, 0, sizeof utf8 / sizeof *utf8);
	tcase_add_test(tc, is_written_and_read_again);
	suite_add_tcase(s, tc);
	return s;
}
