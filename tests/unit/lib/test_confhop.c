/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* A next hop has one spelling, whatever the lines of settings have. */
#include "lib/confline.h"

#include <check.h>

static const struct { const char *text, *name; } names[] = {
	{ "[::1]:25", "[::1]:25" }, { "[0:0::1]:25", "[::1]:25" }, { "[::1]:025", "[::1]:25" },
	{ "[2001:DB8:0::A]", "[2001:db8::a]" }, { "[::ffff:192.0.2.1]:2525", "[192.0.2.1]:2525" },
	{ "192.0.2.1:25", "[192.0.2.1]:25" }, { "192.0.2.1", "[192.0.2.1]" },
	{ "MX.Example:0025", "mx.example:25" }, { "Mx.Example", "mx.example" }, { ".Example", ".example" },
	{ "4.Example:65535", "4.example:65535" },
	/* as a recipient's domain; the last is no address, and mail to it fails */
	{ "[IPv6:2001:db8:0::1]", "[ipv6:2001:db8::1]" }, { "[192.0.2.1]", "[192.0.2.1]" },
	{ "[IPv6:::FFFF:192.0.2.1]", "[ipv6:::ffff:192.0.2.1]" },
	/* no next hops */
	{ "*", "*" }, { "local", "local" }, { "Local.", "local." }, { "", "" }, { "mx.example:65536", "mx.example:65536" },
	{ "mx.example:0", "mx.example:0" }, { "mx.example:", "mx.example:" }, { ":25", ":25" }, { "[", "[" },
	{ "[IPv6:", "[ipv6:" }, { "[]", "[]" }, { "1::1:25", "1::1:25" },
};

START_TEST(one_spelling)
{
	char out[JOB_DEST], again[JOB_DEST];

	hop_name(span_str(names[_i].text), out);
	ck_assert_str_eq(out, names[_i].name);
	hop_name(span_str(out), again);
	ck_assert_str_eq(again, out);
}
END_TEST

/* What is too long to be one is cut. */
START_TEST(nothing_goes_over_the_end)
{
	char text[2 * JOB_DEST + 1], out[JOB_DEST];

	for (size_t n = 0; n < sizeof text; n++) {
		memset(text, 'A', n);
		text[n] = '\0';
		memcpy(text + n - (n < 3 ? n : 3), ":25", n < 3 ? n : 3);
		hop_name(span_str(text), out);
		ck_assert_uint_eq(strlen(out), n < sizeof out ? n : sizeof out - 1);
	}
}
END_TEST

static const struct { const char *who, *dest; bool fits; } lines[] = {
	{ "[0:0::1]:025", "[::1]:25", true }, { "[0:0::1]", "[::1]:25", true }, { "[::2]", "[::1]:25", false },
	{ "[::1]:26", "[::1]:25", false }, { "[::ffff:192.0.2.1]", "[192.0.2.1]:25", true },
	{ "192.0.2.1", "[192.0.2.1]:25", true }, { "MX.example:0025", "mx.example:25", true },
	{ "MX.example", "mx.example:2525", true }, { "mx.example:25", "mx.example", false },
	{ "[IPv6:2001:db8:0::1]", "[ipv6:2001:db8::1]", true }, { "mx.example", "", false },
};

START_TEST(lines_fit_in_any_spelling)
{
	unsigned hop = hop_line_rank(span_str(lines[_i].who), span_str("a.test"), span_str(lines[_i].dest));

	ck_assert(hop_line_who(span_str(lines[_i].who)));
	ck_assert_int_eq(hop > 0, lines[_i].fits);
	if (hop > 0)	/* more than "*", less than a domain's parent */
		ck_assert(hop > hop_line_rank(span_str("*"), span_str("a.test"), span_str("")) &&
		    hop < hop_line_rank(span_str(".test"), span_str("a.test"), span_str("")));
}
END_TEST

Suite *suite_confhop(void);
Suite *
suite_confhop(void)
{
	Suite *s = suite_create("confhop");
	TCase *tc = tcase_create("confhop");

	tcase_add_loop_test(tc, one_spelling, 0, sizeof names / sizeof *names);
	tcase_add_test(tc, nothing_goes_over_the_end);
	tcase_add_loop_test(tc, lines_fit_in_any_spelling, 0, sizeof lines / sizeof *lines);
	suite_add_tcase(s, tc);
	return s;
}
