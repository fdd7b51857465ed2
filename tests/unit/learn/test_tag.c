/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "learn/tag.h"

#include <check.h>
#include <stdio.h>

#include "lib/xtext.h"

enum { NOW = 1800000000 };

static const unsigned char key[TAG_KEY] = "0123456789abcdef0123456789abcde", other[TAG_KEY] = "another";
static const unsigned char chance[TAG_CHANCE] = { 1, 2, 3, 4, 5, 6, 7, 8 };
static const char *const rcpts[] = { "a@x.example", "B@x.example", "c@x.example", "d@x.example", "e@x.example",
	"f@x.example", "g@x.example", "h@x.example", "i@x.example" };
static char tag[TAG_TEXT];
static struct err e;

static void
make(uint32_t n)
{
	struct span addr[TAG_RCPTS];

	for (uint32_t i = 0; i < n; i++)
		addr[i] = span_str(rcpts[i]);
	ck_assert_msg(tag_make(key, addr, n, NOW, chance, tag, &e) == 0, "%s", e.what);
}

static int
check(const char *text, const char *addr, uint64_t now_s)
{
	return tag_check(key, span_str(text), span_str(addr), now_s, &e);
}

START_TEST(it_binds_each_recipient_and_nobody_else)
{
	uint32_t n = (uint32_t)_i;

	make(n);
	ck_assert(strlen(tag) <= XTEXT_ENVID_MAX && xtext_envid_ok(span_str(tag)));
	for (uint32_t i = 0; i < sizeof rcpts / sizeof *rcpts; i++)
		ck_assert_int_eq(check(tag, rcpts[i], NOW), i < n ? 0 : -1);
	ck_assert_int_eq(check(tag, "A@X.Example", NOW), 0);	/* as capabilities are looked up */
	ck_assert_int_eq(check(tag, "aa@x.example", NOW), -1);
	ck_assert_int_eq(check(tag, "a@y.example", NOW), -1);
}
END_TEST

START_TEST(it_has_its_time)
{
	make(1);
	ck_assert_int_eq(check(tag, rcpts[0], NOW + TAG_AGE_S), 0);
	ck_assert_int_eq(check(tag, rcpts[0], NOW + TAG_AGE_S + 1), -1);
	ck_assert_ptr_nonnull(strstr(e.what, "too long"));
	ck_assert_int_eq(check(tag, rcpts[0], NOW - TAG_AHEAD_S), 0);
	ck_assert_int_eq(check(tag, rcpts[0], NOW - TAG_AHEAD_S - 1), -1);
}
END_TEST

/* Each character, shorter and longer ones, two put together, another host's. */
START_TEST(nobody_else_can_make_one)
{
	struct span addr = span_str(rcpts[0]);
	char text[2 * TAG_TEXT], two[TAG_TEXT];
	size_t n;

	make(1);
	n = strlen(tag);
	for (size_t i = 0; i < n; i++) {
		snprintf(text, sizeof text, "%s", tag);
		text[i] = text[i] == 'a' ? 'b' : 'a';
		ck_assert_msg(check(text, rcpts[0], NOW) == -1, "%zu", i);
		text[i] = 'z';
		ck_assert_int_eq(check(text, rcpts[0], NOW), -1);
		text[i] = '\0';
		ck_assert_int_eq(check(text, rcpts[0], NOW), -1);
	}
	snprintf(text, sizeof text, "%s0", tag);
	ck_assert_int_eq(check(text, rcpts[0], NOW), -1);
	snprintf(text, sizeof text, "%s%s", tag, tag);
	ck_assert_int_eq(check(text, rcpts[0], NOW), -1);
	ck_assert_int_eq(check("", rcpts[0], NOW), -1);
	ck_assert_int_eq(tag_check(key, span_of("\0\0", 2), addr, NOW, &e), -1);
	ck_assert_int_eq(tag_make(other, &addr, 1, NOW, chance, two, &e), 0);
	ck_assert_int_eq(check(two, rcpts[0], NOW), -1);
	ck_assert_int_eq(tag_check(other, span_str(two), addr, NOW, &e), 0);
}
END_TEST

/* Who has seen two knows neither that they are to the same recipient nor who that is. */
START_TEST(two_are_never_the_same)
{
	static const unsigned char another[TAG_CHANCE] = { 1, 2, 3, 4, 5, 6, 7, 9 };
	struct span addr = span_str(rcpts[0]);
	char two[TAG_TEXT];

	make(1);
	ck_assert_int_eq(tag_make(key, &addr, 1, NOW, another, two, &e), 0);
	ck_assert_int_ne(memcmp(tag + 20, two + 20, 5), 0);	/* the recipient's */
	ck_assert_str_ne(tag + 26, two + 26);
}
END_TEST

START_TEST(what_no_tag_is_made_for)
{
	struct span addr[TAG_RCPTS + 1];
	char text[700];

	for (uint32_t i = 0; i <= TAG_RCPTS; i++)
		addr[i] = span_str(rcpts[i]);
	ck_assert_int_eq(tag_make(key, addr, 0, NOW, chance, tag, &e), -1);
	ck_assert_int_eq(tag_make(key, addr, TAG_RCPTS + 1, NOW, chance, tag, &e), -1);
	memset(text, 'a', sizeof text);
	addr[0] = span_of(text, sizeof text);
	ck_assert_int_eq(tag_make(key, addr, 1, NOW, chance, tag, &e), -1);
	make(1);
	ck_assert_int_eq(tag_check(key, span_str(tag), addr[0], NOW, &e), -1);
}
END_TEST

Suite *suite_tag(void);
Suite *
suite_tag(void)
{
	Suite *s = suite_create("tag");
	TCase *tc = tcase_create("tag");

	tcase_add_loop_test(tc, it_binds_each_recipient_and_nobody_else, 1, TAG_RCPTS + 1);
	tcase_add_test(tc, it_has_its_time);
	tcase_add_test(tc, nobody_else_can_make_one);
	tcase_add_test(tc, two_are_never_the_same);
	tcase_add_test(tc, what_no_tag_is_made_for);
	suite_add_tcase(s, tc);
	return s;
}
