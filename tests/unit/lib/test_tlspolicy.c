/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include <check.h>

#include "lib/tlspolicy.h"

#define ZEROS "00000000000000000000000000000000000000000000000000000000000000"

static const struct { const char *line; int level; } lines[] = {
	{ "* none", TLS_LEVEL_NONE }, { "a.example may", TLS_LEVEL_MAY }, { ".example encrypt", TLS_LEVEL_ENCRYPT },
	{ "[192.0.2.1]:465 verify", TLS_LEVEL_VERIFY }, { "mx.example:25 verify=relay.example", TLS_LEVEL_VERIFY },
	{ "a.example fingerprint=" ZEROS "aB", TLS_LEVEL_FINGERPRINT },
	{ "a.example fingerprint=00:" ZEROS "," ZEROS ":11", TLS_LEVEL_FINGERPRINT },
	{ "a.example may implicit", TLS_LEVEL_MAY }, { "a.example verify=b.c implicit", TLS_LEVEL_VERIFY },
	{ "a.example none implicit", -1 }, { "a.example implicit", -1 }, { "a.example may implicit implicit", -1 },
	{ "a.example", -1 }, { "a.example maybe", -1 }, { "a.example may more", -1 }, { "a.example may=", -1 },
	{ "a.example verify=", -1 }, { "a.example verify=a/b", -1 }, { "a.example fingerprint", -1 },
	{ "a.example fingerprint=" ZEROS, -1 }, { "a.example fingerprint=" ZEROS "ag", -1 },
	{ "a.example fingerprint=" ZEROS "000", -1 }, { "a.example fingerprint=" ZEROS "00,", -1 },
	{ "a.example fingerprint=" ZEROS "00:", -1 }, { "a.example fingerprint=," ZEROS "00", -1 },
	{ "a b none", -1 }, { "", -1 },
};

START_TEST(policies)
{
	struct tls_policy p;
	struct span who;
	struct err e;
	int r = tlspolicy_parse(span_str(lines[_i].line), &who, &p, &e);

	ck_assert_msg(r == (lines[_i].level == -1 ? -1 : 0), "%s", lines[_i].line);
	if (r == 0) {
		ck_assert_uint_eq(p.level, (unsigned)lines[_i].level);
		ck_assert_int_eq(p.implicit, strstr(lines[_i].line, "implicit") != NULL);
		ck_assert(p.said);
	}
	if (r == -1)
		ck_assert_int_eq(e.kind, ERR_PERM);
}
END_TEST

START_TEST(the_line_that_fits_best)
{
	const struct span all[] = { span_str("* encrypt"), span_str("[192.0.2.1]:25 none"), span_str(".example verify=a.b"),
	    span_str("fax.example fingerprint=" ZEROS "01") };
	static const struct { const char *domain, *dest; int level; } want[] = {
		{ "other.test", "other.test", TLS_LEVEL_ENCRYPT }, { "other.test", "[192.0.2.1]:25", TLS_LEVEL_NONE },
		{ "a.example", "[192.0.2.1]:25", TLS_LEVEL_VERIFY }, { "FAX.example", "fax.example", TLS_LEVEL_FINGERPRINT },
	};
	struct tls_policy p;

	for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
		tlspolicy_find(all, 4, span_str(want[i].domain), want[i].dest, &p);
		ck_assert_uint_eq(p.level, (unsigned)want[i].level);
	}
	tlspolicy_find(all, 0, span_str("a.example"), "a.example", &p);
	ck_assert_uint_eq(p.level, TLS_LEVEL_MAY);
	ck_assert(!p.said);
}
END_TEST

START_TEST(prints_are_octets)
{
	struct span rest = span_str("01:" ZEROS "," ZEROS "Fe");
	unsigned char print[TLS_PRINT];

	ck_assert(tlspolicy_print(&rest, print));
	ck_assert_uint_eq(print[0], 1);
	ck_assert_uint_eq(print[31], 0);
	ck_assert(tlspolicy_print(&rest, print));
	ck_assert_uint_eq(print[31], 0xfe);
	ck_assert_uint_eq(rest.n, 0);
	ck_assert(!tlspolicy_print(&rest, print));
}
END_TEST

Suite *suite_tlspolicy(void);
Suite *
suite_tlspolicy(void)
{
	Suite *s = suite_create("tlspolicy");
	TCase *tc = tcase_create("tlspolicy");

	tcase_add_loop_test(tc, policies, 0, sizeof lines / sizeof *lines);
	tcase_add_test(tc, the_line_that_fits_best);
	tcase_add_test(tc, prints_are_octets);
	suite_add_tcase(s, tc);
	return s;
}
