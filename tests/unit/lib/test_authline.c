/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/authline.h"

#include <check.h>

#include "tests/unit/suites.h"

#define TEN "/123456789"

static const struct { const char *line; int r; enum auth_kind kind; const char *arg; } lines[] = {
	{ "passwd", 0, AUTH_PASSWD, "" },
	{ "dovecot:/run/dovecot/auth-client", 0, AUTH_DOVECOT, "/run/dovecot/auth-client" },
	{ "checkpassword:/bin/checkpassword /bin/true", 0, AUTH_PROGRAM, "/bin/checkpassword /bin/true" },
	{ "dovecot:" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "/123456", 0, AUTH_DOVECOT,
	    TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "/123456" },
	{ "dovecot:" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "/1234567", -1, AUTH_PASSWD, "" },
	{ "passwd:", -1, AUTH_PASSWD, "" },
	{ "passwd:/etc/passwd", -1, AUTH_PASSWD, "" },
	{ "dovecot", -1, AUTH_PASSWD, "" },
	{ "dovecot:", -1, AUTH_PASSWD, "" },
	{ "dovecot:run/auth", -1, AUTH_PASSWD, "" },
	{ "checkpassword:true", -1, AUTH_PASSWD, "" },
	{ "checkpassword: /bin/true", -1, AUTH_PASSWD, "" },
	{ "Passwd", -1, AUTH_PASSWD, "" },
	{ "pam", -1, AUTH_PASSWD, "" },
	{ "", -1, AUTH_PASSWD, "" },
};

START_TEST(lines_are_read)
{
	struct authline a;
	struct err e = { 0 };

	ck_assert_int_eq(authline_parse(span_str(lines[_i].line), &a, &e), lines[_i].r);
	if (lines[_i].r == -1) {
		ck_assert_ptr_nonnull(strstr(e.what, "expected"));
		return;
	}
	ck_assert_int_eq(a.kind, lines[_i].kind);
	ck_assert(span_is(a.arg, lines[_i].arg));
}
END_TEST

START_TEST(who_is_asked)
{
	struct conf c;
	struct err e;

	ck_assert_int_eq(conf_init(&c, &e), 0);
	ck_assert(!authline_have(&c, AUTH_PASSWD));
	ck_assert_int_eq(conf_set(&c, CONF_AUTH, span_str("dovecot:/x\npasswd\n"), &e), 0);
	ck_assert(authline_have(&c, AUTH_PASSWD) && authline_have(&c, AUTH_DOVECOT) && !authline_have(&c, AUTH_PROGRAM));
	conf_free(&c);
}
END_TEST

Suite *suite_authline(void);
Suite *
suite_authline(void)
{
	Suite *s = suite_create("authline");
	TCase *t = tcase_create("authline");

	tcase_add_loop_test(t, lines_are_read, 0, sizeof lines / sizeof *lines);
	tcase_add_test(t, who_is_asked);
	suite_add_tcase(s, t);
	return s;
}
