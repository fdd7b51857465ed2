/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/alias.h"

#include <check.h>

#include "lib/address.h"

static const struct { const char *list, *words[5]; int end; } lists[] = {
	{ "a@b", { "a@b" }, 0 },
	{ " a@b ,\tc@d", { "a@b", "c@d" }, 0 },
	{ "a@b,,c@d,", { "a@b", "c@d" }, 0 },
	{ "\"a,b\"@c, d", { "\"a,b\"@c", "d" }, 0 },
	{ "\"a\\\",b\"@c,d", { "\"a\\\",b\"@c", "d" }, 0 },
	{ "a,\"b", { "a" }, -1 },
	{ "a,\"b\\", { "a" }, -1 },
	{ "", { NULL }, 0 },
	{ " , ", { NULL }, 0 },
};

START_TEST(words_of_a_list)
{
	struct span rest = span_str(lists[_i].list), word;
	struct err e = { 0 };

	for (size_t i = 0; lists[_i].words[i] != NULL; i++) {
		ck_assert_int_eq(alias_next(&rest, &word, &e), 1);
		ck_assert_msg(span_is(word, lists[_i].words[i]), "%.*s", (int)word.n, (const char *)word.p);
	}
	ck_assert_int_eq(alias_next(&rest, &word, &e), lists[_i].end);
	ck_assert_int_eq(e.kind == ERR_PERM, lists[_i].end == -1);
}
END_TEST

static const struct { const char *word, *domain, *addr; bool plain; } words[] = {
	{ "a@b.example", "x.example", "a@b.example", false },
	{ "a", "x.example", "a@x.example", false },
	{ "\\a", "x.example", "a@x.example", true },
	{ "\\a@b.example", "x.example", "a@b.example", true },
	{ "<a@b.example>", "x.example", "a@b.example", false },
	{ "\"a b\"", "x.example", "\"a b\"@x.example", false },
	{ "\"a@b\"", "x.example", "\"a@b\"@x.example", false },
	{ "/a=b/c=d/@x.example", "x.example", "/a=b/c=d/@x.example", false },
	{ "a", "", NULL, false },
	{ "\\", "x.example", NULL, true },
	{ "|prog", "x.example", NULL, false },
	{ "\"|prog arg\"", "x.example", NULL, false },
	{ "/var/mail/x", "x.example", NULL, false },
	{ ":include:/etc/list", "x.example", NULL, false },
	{ "a b", "x.example", NULL, false },
	{ "a@b@c", "x.example", NULL, false },
	{ "a@", "x.example", NULL, false },
	{ "\303\244@x.example", "x.example", NULL, false },
	{ "<>", "x.example", NULL, false },
};

START_TEST(an_address_of_a_word)
{
	struct err e = { 0 };
	struct buf out;
	bool plain;
	int r;

	buf_init(&out, 1024);
	ck_assert_int_eq(buf_add_str(&out, "before", &e), 0);
	r = alias_address(span_str(words[_i].word), span_str(words[_i].domain), &plain, &out, &e);
	if (words[_i].addr == NULL) {
		ck_assert_int_eq(r, -1);
		ck_assert_int_eq(e.kind, ERR_PERM);
		ck_assert_ptr_nonnull(strstr(e.what, "expected"));
		ck_assert_uint_eq(out.n, 6);
	} else {
		ck_assert_msg(r == 0, "%s", e.what);
		ck_assert(span_is(span_sub(buf_view(&out), 6, out.n), words[_i].addr));
		ck_assert_int_eq(plain, words[_i].plain);
	}
	buf_free(&out);
}
END_TEST

static const struct { const char *list; bool complete; int want; } checks[] = {
	{ "a@b.example", true, 0 }, { "a@b.example, \"c d\"@e.example", true, 0 }, { "a", true, -1 }, { "a", false, 0 },
	{ "\\a@b.example", true, -1 }, { "\\a", false, 0 }, { "", false, -1 }, { ",", true, -1 },
	{ "a@b.example,c", true, -1 }, { "a@b.example,\"c", true, -1 },
};

START_TEST(lists_are_checked)
{
	struct err e = { 0 };

	ck_assert_int_eq(alias_check(span_str(checks[_i].list), checks[_i].complete, &e), checks[_i].want);
	ck_assert_int_eq(e.kind == ERR_PERM, checks[_i].want == -1);
}
END_TEST

START_TEST(who_was_there)
{
	const struct span head = span_str("Received: x\r\nDELIVERED-TO:  \"Joe\"@A.example\r\nDelivered-To: b@c.example\r\n"
	    "X-Delivered-To: d@e.example\r\n\r\nDelivered-To: body@x.example\r\n");

	ck_assert(alias_was_there(head, span_str("joe@a.EXAMPLE")));
	ck_assert(alias_was_there(head, span_str("b@c.example")));
	ck_assert(!alias_was_there(head, span_str("d@e.example")));
	ck_assert(!alias_was_there(head, span_str("body@x.example")));
	ck_assert(!alias_was_there(head, span_str("b@c.exampl")));
	ck_assert(!alias_was_there(span_str("Delivered-To:\r\n"), span_str("")));
	ck_assert(!alias_was_there(span_str("Delivered-To:\r\n"), span_str("a@b")));
}
END_TEST

Suite *suite_alias(void);

Suite *
suite_alias(void)
{
	Suite *s = suite_create("alias");
	TCase *tc = tcase_create("alias");

	tcase_add_loop_test(tc, words_of_a_list, 0, sizeof lists / sizeof *lists);
	tcase_add_loop_test(tc, an_address_of_a_word, 0, sizeof words / sizeof *words);
	tcase_add_loop_test(tc, lists_are_checked, 0, sizeof checks / sizeof *checks);
	tcase_add_test(tc, who_was_there);
	suite_add_tcase(s, tc);
	return s;
}
