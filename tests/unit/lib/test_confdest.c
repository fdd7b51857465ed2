/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/confline.h"

#include <check.h>
#include <stdio.h>

static const struct { const char *line; bool ok; } lines[] = {
	{ "a.example concurrency=1", true }, { ".a.example rate=100000/s", true },
	{ "* rate=1/d", true }, { "[192.0.2.1]:25 retry=60,5m,1h,2d", true },
	{ "mx.example:2525 hours=08:00-12:00,13:30-24:00", true }, { "[::1] lifetime=12h", true },
	{ "local concurrency=3 rate=3/m retry=1 hours=22:00-06:00 lifetime=30d", true },
	{ "a.example", false }, { "", false }, { "a..example concurrency=1", false },
	{ "a.example concurrency=0", false }, { "a.example concurrency=100001", false },
	{ "a.example concurrency=", false }, { "a.example concurrency", false },
	{ "a.example rate=0/s", false }, { "a.example rate=5", false }, { "a.example rate=5/w", false },
	{ "a.example rate=/s", false }, { "a.example rate=5/s/s", false },
	{ "a.example retry=", false }, { "a.example retry=5,", false }, { "a.example retry=0", false },
	{ "a.example retry=31d", false }, { "a.example retry=5x", false },
	{ "a.example retry=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16", true },
	{ "a.example retry=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17", false },
	{ "a.example hours=08:00", false }, { "a.example hours=8:00-9:00", false },
	{ "a.example hours=08:00-08:00", false }, { "a.example hours=08:60-09:00", false },
	{ "a.example hours=08:00-24:01", false }, { "a.example hours=08:00-09:00,", false },
	{ "a.example hours=00:01-00:02,00:03-00:04,00:05-00:06,00:07-00:08,00:09-00:10,00:11-00:12,"
	    "00:13-00:14,00:15-00:16,00:17-00:18", false },
	{ "a.example lifetime=0", false }, { "a.example speed=1", false },
	{ "a.example concurrency=1 nonsense", false },
};

START_TEST(lines_are_checked)
{
	struct err e = { 0 };

	ck_assert_msg((destination_check(span_str(lines[_i].line), &e) == 0) == lines[_i].ok, "%s: %s",
	    lines[_i].line, e.what);
	if (!lines[_i].ok)
		ck_assert_int_eq(strncmp(e.what, "expected ", 9), 0);
}
END_TEST

/* The domain before its parents, the longer parent first, before the next hop, before "*"; each option
 * on its own; of two equal lines the first. */
START_TEST(the_most_specific_wins)
{
	const struct span all[] = {
		span_str("* concurrency=1 rate=1/s lifetime=1h"),
		span_str("[192.0.2.1]:25 concurrency=2 rate=2/m"),
		span_str(".example concurrency=3"),
		span_str(".b.example concurrency=4 retry=4,40"),
		span_str("A.b.example concurrency=5 hours=01:00-02:00"),
		span_str("a.b.example concurrency=6"),
	};
	static const struct { const char *domain, *hop; uint32_t concurrency, rate_s; int nretry, nhours; }
	    want[] = {
		{ "a.b.example", "[192.0.2.1]:25", 5, 60, 2, 1 },
		{ "x.b.example", "[192.0.2.1]:25", 4, 60, 2, 0 },
		{ "*.b.example", "[192.0.2.2]:25", 4, 1, 2, 0 },
		{ "b.example", "[192.0.2.2]:25", 3, 1, 0, 0 },
		{ "other.test", "[192.0.2.1]:25", 2, 60, 0, 0 },
		{ "other.test", "other.test:25", 1, 1, 0, 0 },
	};
	struct destination d;

	for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
		destination_find(all, 6, span_str(want[i].domain), want[i].hop, &d);
		ck_assert_uint_eq(d.concurrency, want[i].concurrency);
		ck_assert_uint_eq(d.rate_s, want[i].rate_s);
		ck_assert_int_eq(d.nretry, want[i].nretry);
		ck_assert_int_eq(d.nhours, want[i].nhours);
		ck_assert_uint_eq(d.lifetime_s, 3600);
	}
	ck_assert(span_is(destination_pattern(all, 6, span_str("a.b.example")), "A.b.example"));
	ck_assert(span_is(destination_pattern(all, 6, span_str("q.b.example")), ".b.example"));
	ck_assert_uint_eq(destination_pattern(all, 6, span_str("other.test")).n, 0);
}
END_TEST

static const struct { const char *hours; unsigned minute; bool open; unsigned left; } times[] = {
	{ "08:00-12:00", 479, false, 1 }, { "08:00-12:00", 480, true, 240 },
	{ "08:00-12:00", 719, true, 1 }, { "08:00-12:00", 720, false, 1200 },
	{ "22:00-06:00", 1319, false, 1 }, { "22:00-06:00", 1320, true, 480 },
	{ "22:00-06:00", 0, true, 360 }, { "22:00-06:00", 359, true, 1 },
	{ "22:00-06:00", 360, false, 960 }, { "00:00-24:00", 0, true, 1440 },
	{ "00:00-24:00", 700, true, 740 }, { "08:00-09:00,10:00-11:00", 560, false, 40 },
	{ "08:00-10:00,09:00-11:00", 600, true, 60 },
};

START_TEST(hours_open_and_close)
{
	struct destination d;
	struct span line;
	char text[80];
	unsigned left;

	ck_assert_int_lt(snprintf(text, sizeof text, "* hours=%s", times[_i].hours), 80);
	line = span_str(text);
	destination_find(&line, 1, span_str("a.example"), "a.example:25", &d);
	ck_assert_int_eq(destination_open(&d, times[_i].minute, &left), times[_i].open);
	ck_assert_uint_eq(left, times[_i].left);
}
END_TEST

Suite *suite_confdest(void);
Suite *
suite_confdest(void)
{
	Suite *s = suite_create("confdest");
	TCase *tc = tcase_create("confdest");

	tcase_add_loop_test(tc, lines_are_checked, 0, sizeof lines / sizeof *lines);
	tcase_add_test(tc, the_most_specific_wins);
	tcase_add_loop_test(tc, hours_open_and_close, 0, sizeof times / sizeof *times);
	suite_add_tcase(s, tc);
	return s;
}
