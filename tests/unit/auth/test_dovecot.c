/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "auth/dovecot.h"

#include <check.h>
#include <stdio.h>

#include "tests/unit/suites.h"

#define HELLO "VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nSPID\t7\nCUID\t1\nCOOKIE\tx\nDONE\n"

enum { RIGHT, WRONG, TEMP, NOTHING };	/* NOTHING: it has said all that it says, and no answer */

static const struct { const char *said; int want; const char *name; } talks[] = {
	{ HELLO "OK\t1\tuser=ann\n", RIGHT, "ann" },
	{ HELLO "OK\t1\toriginal_user=Ann\tuser=ann@x.example\tx\n", RIGHT, "ann@x.example" },
	{ HELLO "OK\t1\tuser=\xc3\xa4nn\n", RIGHT, "\xc3\xa4nn" },
	{ HELLO "OK\t2\tuser=bob\nX\n\nOK\t1\tuser=ann\n", RIGHT, "ann" },
	{ "MECH\tLOGIN\nVERSION\t1\t0\nNEW\tx\nMECH\tplain\nDONE\nOK\t1\tuser=a\n", RIGHT, "a" },
	{ HELLO "FAIL\t1\tuser=ann\n", WRONG, NULL },
	{ HELLO "FAIL\t1\n", WRONG, NULL },
	{ HELLO "FAIL\t1\tuser=ann\treason=temp\n", WRONG, NULL },
	{ HELLO "FAIL\t1\tuser=ann\tcode=user_disabled\n", WRONG, NULL },
	{ HELLO "OK\t1\tuser=ann\tnologin\n", WRONG, NULL },
	{ HELLO "OK\t1\tnologin\tuser=ann\n", WRONG, NULL },
	{ HELLO "FAIL\t1\tuser=ann\ttemp\n", TEMP, NULL },
	{ HELLO "FAIL\t1\tcode=temp_fail\n", TEMP, NULL },
	{ HELLO "CONT\t1\tx\n", TEMP, NULL },
	{ HELLO "OK\t1\n", TEMP, NULL },
	{ HELLO "OK\t1\tuser=\n", TEMP, NULL },
	{ HELLO "OK\t1\tuser=a\001tb\n", TEMP, NULL },
	{ HELLO "OK\t1\tuser=a\rb\n", TEMP, NULL },
	{ HELLO "OK\t1\tuser=ann\tuser=a\x7f\n", TEMP, NULL },
	{ "OK\t1\tuser=ann\n" HELLO, NOTHING, NULL },		/* before it was asked */
	{ HELLO "OK\t11\tuser=ann\nOK\nOK\t\nok\t1\tuser=ann\n", NOTHING, NULL },
	{ "VERSION\t2\t0\n" HELLO, TEMP, NULL },
	{ "VERSION\n" HELLO, TEMP, NULL },
	{ "MECH\tPLAIN\nDONE\n", TEMP, NULL },
	{ "VERSION\t1\t2\nMECH\tPLAINER\nDONE\n", TEMP, NULL },
};

/* Everything that was said, line by line. */
static int
hear(struct span said, char name[LOGIN_NAME], struct err *e)
{
	struct dovecot d = { .lines = 0 };
	size_t end;

	for (; said.n > 0; said = span_sub(said, end + 1, said.n)) {
		bool greeted = d.greeted;
		int r;

		end = span_find(said, '\n');
		r = dovecot_line(&d, span_sub(said, 0, end), name, e);
		if (r == -1)
			return e->kind == ERR_PERM ? WRONG : TEMP;
		if (r == 1 && greeted)
			return RIGHT;
	}
	return NOTHING;
}

START_TEST(what_it_says_is_understood)
{
	char name[LOGIN_NAME] = "";
	struct err e = { 0 };

	ck_assert_msg(hear(span_str(talks[_i].said), name, &e) == talks[_i].want, "%s: %s", talks[_i].said, e.what);
	if (talks[_i].want == RIGHT)
		ck_assert_str_eq(name, talks[_i].name);
}
END_TEST

START_TEST(it_may_say_so_much_and_no_more)
{
	char text[2 * DOVECOT_LINES + 40], name[LOGIN_NAME];
	struct err e = { 0 };

	for (int more = 0; more < 2; more++) {
		size_t n = (size_t)snprintf(text, sizeof text, "VERSION\t1\t1\nMECH\tPLAIN\nDONE\n");

		for (int i = 0; i < DOVECOT_LINES - 4 + more; i++)
			n += (size_t)snprintf(text + n, sizeof text - n, "x\n");
		snprintf(text + n, sizeof text - n, "FAIL\t1\n");
		ck_assert_int_eq(hear(span_str(text), name, &e), more ? TEMP : WRONG);
	}
}
END_TEST

START_TEST(names_have_their_length)
{
	char text[LOGIN_NAME + 200], name[LOGIN_NAME];
	struct err e = { 0 };

	for (int longer = 0; longer < 2; longer++) {
		snprintf(text, sizeof text, "%sOK\t1\tuser=%0*d\n", HELLO, 255 + longer, 0);
		ck_assert_int_eq(hear(span_str(text), name, &e), longer ? TEMP : RIGHT);
	}
	ck_assert_uint_eq(strlen(name), 255);
}
END_TEST

Suite *suite_dovecot(void);
Suite *
suite_dovecot(void)
{
	Suite *s = suite_create("dovecot");
	TCase *t = tcase_create("dovecot");

	tcase_add_loop_test(t, what_it_says_is_understood, 0, sizeof talks / sizeof *talks);
	tcase_add_test(t, it_may_say_so_much_and_no_more);
	tcase_add_test(t, names_have_their_length);
	suite_add_tcase(s, t);
	return s;
}
