/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/passwd.h"

#include <check.h>
#include <stdio.h>

/* As "openssl passwd -6 -salt saltsalt secret" has it. */
#define SHA512 "$6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN.Pq.H91p5hVO1"

static char file[2 * PASSWD_HASH_MAX];

static void
one_user(void)
{
	char hash[PASSWD_HASH_MAX];
	struct err e = { 0 };

	ck_assert_int_eq(passwd_hash(span_str("secret"), hash, &e), 0);
	ck_assert_int_eq(strncmp(hash, "$y$", 3), 0);
	snprintf(file, sizeof file, "# users\n\nann:%s\n", hash);
	ck_assert_msg(passwd_check(span_str(file), &e) == 0, "%s", e.what);
}

static bool
let_in(const char *text, const char *user, const char *word)
{
	struct err e = { 0 };
	bool yes = true;

	ck_assert_int_eq(passwd_verify(span_str(text), span_str(user), span_str(word), &yes, &e), 0);
	return yes;
}

START_TEST(who_is_let_in)
{
	one_user();
	ck_assert(let_in(file, "ann", "secret"));
	ck_assert(!let_in(file, "ann", "secrets"));
	ck_assert(!let_in(file, "ann", ""));
	ck_assert(!let_in(file, "Ann", "secret"));
	ck_assert(!let_in(file, "bob", "secret"));	/* not there: hashed as ann's would be */
	ck_assert(!let_in(file, "# users", "secret"));
	ck_assert(!let_in(file, "", "secret"));
	ck_assert(let_in("eve:" SHA512, "eve", "secret"));
	ck_assert(!let_in("eve:" SHA512, "eve", "Secret"));
	ck_assert(!let_in("", "ann", "secret"));
	ck_assert(!let_in("ann:*\nbob:\n", "ann", "*"));
	ck_assert(!let_in("ann:*\nbob:\n", "bob", ""));
}
END_TEST

static const struct { const char *text, *why; } wrong[] = {
	{ "ann\n", "line 1" }, { "ann:\n", "line 1" }, { "ann:plain\n", "line 1" }, { "#\n:$6$a$b\n", "line 2" },
	{ "a b:$6$a$b\n", "line 1" }, { "ann:$nothing$a\n", "line 1" },
	{ "ann:$6$a$b\nbob:$6$a$b\nann:$6$a$b\n", "one line for ann" },
};

START_TEST(wrong_lines_are_named)
{
	struct err e = { 0 };

	ck_assert_int_eq(passwd_check(span_str(wrong[_i].text), &e), -1);
	ck_assert_msg(strstr(e.what, wrong[_i].why) != NULL, "%s", e.what);
}
END_TEST

START_TEST(a_line_takes_another_ones_place)
{
	struct err e = { 0 };
	struct buf out;
	bool had;

	buf_init(&out, PASSWD_FILE_MAX);
	ck_assert_int_eq(passwd_replace(span_str("#x\na:1\nb:2"), span_str("a"), "3", &out, &had, &e), 0);
	ck_assert(had && span_is(buf_view(&out), "#x\na:3\nb:2\n"));
	buf_clear(&out);
	ck_assert_int_eq(passwd_replace(span_str("a:1\n"), span_str("c"), "3", &out, &had, &e), 0);
	ck_assert(!had && span_is(buf_view(&out), "a:1\nc:3\n"));
	buf_clear(&out);
	ck_assert_int_eq(passwd_replace(span_str("a:1\nb:2\n"), span_str("a"), NULL, &out, &had, &e), 0);
	ck_assert(had && span_is(buf_view(&out), "b:2\n"));
	buf_free(&out);
}
END_TEST

Suite *suite_passwd(void);
Suite *
suite_passwd(void)
{
	Suite *s = suite_create("passwd");
	TCase *tc = tcase_create("passwd");

	tcase_add_test(tc, who_is_let_in);
	tcase_add_loop_test(tc, wrong_lines_are_named, 0, sizeof wrong / sizeof *wrong);
	tcase_add_test(tc, a_line_takes_another_ones_place);
	suite_add_tcase(s, tc);
	return s;
}
