/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/idn.h"

#include <check.h>

/* RFC 5891; want NULL: no domain. */
static const struct { const char *in, *want; } cases[] = {
	{ "a@b.example", "a@b.example" },
	{ "A@B.Example", "A@B.Example" },
	{ "\xc3\xa4@b.example", "\xc3\xa4@b.example" },
	{ "\xc3\xa4@b\xc3\xbc" "cher.example", "\xc3\xa4@xn--bcher-kva.example" },
	{ "a@B\xc3\x9c" "CHER.Example", "a@xn--bcher-kva.example" },
	{ "a@bu\xcc\x88" "cher.example", "a@xn--bcher-kva.example" },	/* not composed */
	{ "a@stra\xc3\x9f" "e.example", "a@xn--strae-oqa.example" },
	{ "a@\xe4\xbe\x8b\xe3\x80\x82\xe4\xbe\x8b", "a@xn--fsq.xn--fsq" },	/* an ideographic full stop */
	{ "a@\xe2\x98\x83\xe2\x80\x8d.example", NULL },
	{ "a@-\xc3\xbc.example", NULL },
	{ "a@[1.2.3.4]", "a@[1.2.3.4]" },
	{ "postmaster", "postmaster" },
};

START_TEST(domains_are_looked_up_as_a_labels)
{
	struct err e = { 0 };
	struct buf out;
	int r;

	buf_init(&out, 600);
	ck_assert_int_eq(buf_add_str(&out, "x", &e), 0);
	r = idn_address(span_str(cases[_i].in), "5.1.3", &out, &e);
	ck_assert_msg((r == 0) == (cases[_i].want != NULL), "%s: %.*s", cases[_i].in, (int)out.n, (char *)out.p);
	if (r == 0) {
		ck_assert_msg(span_is(span_sub(buf_view(&out), 1, out.n), cases[_i].want), "%.*s", (int)out.n,
		    (char *)out.p);
	} else {
		ck_assert_uint_eq(out.n, 1);
		ck_assert_str_eq(e.dsn, "5.1.3");
	}
	buf_free(&out);
}
END_TEST

START_TEST(long_domains_are_none)
{
	struct err e = { 0 };
	struct buf in, out;

	buf_init(&in, 1000);
	buf_init(&out, 1000);
	ck_assert_int_eq(buf_add_str(&in, "a@", &e), 0);
	for (int i = 0; i < 40; i++)
		ck_assert_int_eq(buf_add_str(&in, "\xc3\xbc\xc3\xb6.", &e), 0);
	ck_assert_int_eq(buf_add_str(&in, "x", &e), 0);		/* 201 octets, as A-labels 361 */
	ck_assert_int_eq(idn_address(buf_view(&in), "5.1.3", &out, &e), -1);
	ck_assert_uint_eq(out.n, 0);
	buf_free(&in);
	buf_free(&out);
}
END_TEST

Suite *suite_idn(void);
Suite *
suite_idn(void)
{
	Suite *s = suite_create("idn");
	TCase *tc = tcase_create("idn");

	tcase_add_loop_test(tc, domains_are_looked_up_as_a_labels, 0, sizeof cases / sizeof *cases);
	tcase_add_test(tc, long_domains_are_none);
	suite_add_tcase(s, tc);
	return s;
}
