/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/confuser.h"

#include <check.h>

static struct conf conf;

static void
setup(void)
{
	struct err e;

	ck_assert_int_eq(conf_init_as(&conf, "mx.example", &e), 0);
}

static void
teardown(void)
{
	conf_free(&conf);
}

static void
set(enum conf_id id, const char *text)
{
	struct err e = { 0 };

	ck_assert_msg(conf_set(&conf, id, span_str(text), &e) == 0, "%s", e.what);
}

static const struct { const char *user, *addr; bool yes; } rights[] = {
	{ "joe", "joe@shop.example", true },
	{ "joe", "JOE@SHOP.example", true },
	{ "joe", "\"joe\"@shop.example", true },
	{ "joe", "sales@shop.example", false },
	{ "joe", "anybody@joe.example", true },
	{ "joe", "anybody@sub.joe.example", false },
	{ "joe", "joe@mx.example", false },		/* his line says where he may */
	{ "Joe", "joe@mx.example", true },		/* a name is octets; without a line of its own: "*" */
	{ "boss", "anybody@anywhere.example", true },
	{ "ann", "info@mx.example", false },
	{ "ann", "all@mx.example", true },
};

START_TEST(a_line_says_who_may)
{
	struct err e;
	bool yes;

	set(CONF_SENDERS, "joe joe@shop.example @JOE.example\n* all@mx.example joe@mx.example\nboss *\n");
	ck_assert_int_eq(senders_allow(&conf, rights[_i].user, span_str(rights[_i].addr), &yes, &e), 0);
	ck_assert_msg(yes == rights[_i].yes, "%s as %s", rights[_i].user, rights[_i].addr);
}
END_TEST

static const struct { const char *user, *addr; bool yes; } defaults[] = {
	{ "joe", "joe@mx.example", true },
	{ "joe", "Joe@MX.example", true },
	{ "joe", "joe@other.example", false },
	{ "joe", "ann@mx.example", false },
	{ "joe@other.example", "joe@other.example", true },
	{ "joe@other.example", "joe@mx.example", false },
	{ "joe@other.example", "ann@other.example", false },
	{ "a b", "a@mx.example", false },
	{ "*", "joe@mx.example", false },
};

START_TEST(without_one_as_himself)
{
	struct err e;
	bool yes;

	ck_assert_int_eq(senders_allow(&conf, defaults[_i].user, span_str(defaults[_i].addr), &yes, &e), 0);
	ck_assert_msg(yes == defaults[_i].yes, "%s as %s", defaults[_i].user, defaults[_i].addr);
}
END_TEST

static const struct { int (*check)(struct span, struct err *); const char *line; bool ok; } lines[] = {
	{ senders_check, "joe a@b.example", true },
	{ senders_check, "* *", true },
	{ senders_check, "joe @b.example a@c.example *", true },
	{ senders_check, "joe", false },
	{ senders_check, "joe b.example", false },
	{ senders_check, "joe @", false },
	{ senders_check, "joe @b..example", false },
	{ senders_check, "joe a@b\xc3\xa4.example", false },
	{ userrate_check, "joe messages=10/h", true },
	{ userrate_check, "* recipients=5/m messages=1/s", true },
	{ userrate_check, "joe", false },
	{ userrate_check, "joe messages=10", false },
	{ userrate_check, "joe messages=0/h", false },
	{ userrate_check, "joe messages=10/w", false },
	{ userrate_check, "joe mails=10/h", false },
	{ conpermfor_check, "192.0.2.0/24 any", true },
	{ conpermfor_check, "::1 NONE", true },
	{ conpermfor_check, "user:joe (color=Binary)", true },
	{ conpermfor_check, "user: any", false },
	{ conpermfor_check, "joe any", false },
	{ conpermfor_check, "192.0.2.0/24", false },
	{ conpermfor_check, "192.0.2.0/24 every", false },
};

START_TEST(lines_are_checked)
{
	struct err e = { 0 };

	ck_assert_msg((lines[_i].check(span_str(lines[_i].line), &e) == 0) == lines[_i].ok, "%s", lines[_i].line);
	if (!lines[_i].ok)
		ck_assert_msg(strncmp(e.what, "expected ", 9) == 0, "%s", e.what);
}
END_TEST

START_TEST(a_user_has_his_rate)
{
	const struct span *l;
	uint32_t n;
	struct userrate r;

	set(CONF_USERRATE, "* messages=10/h\njoe recipients=5/m\n");
	n = conf_lines(&conf, CONF_USERRATE, &l);
	userrate_find(l, n, span_str("joe"), &r);
	ck_assert(r.messages == 0 && r.recipients == 5 && r.recipients_s == 60);
	userrate_find(l, n, span_str("ann"), &r);
	ck_assert(r.messages == 10 && r.messages_s == 3600 && r.recipients == 0);
}
END_TEST

static const struct { const char *client, *user, *want; } permits[] = {
	{ "192.0.2.9", "", "ANY" },
	{ "192.0.2.70", "", "NONE" },		/* the narrowest network */
	{ "192.0.2.70", "joe", "(color=Binary)" },	/* a user's line before it */
	{ "192.0.2.9", "ann", "ANY" },
	{ "198.51.100.1", "ann", "" },
	{ "198.51.100.1", "joe", "(color=Binary)" },
};

START_TEST(who_counts_as_conperm)
{
	const struct span *l;
	struct span convert = span_str("");
	struct netaddr a;
	struct err e;
	bool found;
	uint32_t n;

	set(CONF_CONPERMFOR, "192.0.2.0/24 any\n192.0.2.64/26 None\nuser:joe (color=Binary)\n");
	n = conf_lines(&conf, CONF_CONPERMFOR, &l);
	ck_assert_int_eq(netaddr_parse(span_str(permits[_i].client), &a, &e), 0);
	found = conpermfor_find(l, n, &a, permits[_i].user, &convert);
	ck_assert_int_eq(found, *permits[_i].want != '\0');
	ck_assert_msg(span_is(convert, permits[_i].want), "%.*s", (int)convert.n, convert.p);
}
END_TEST

START_TEST(each_once)
{
	struct err e = { 0 };

	ck_assert_int_eq(conf_set(&conf, CONF_SENDERS, span_str("joe *\nJoe *\njoe a@b.example\n"), &e), -1);
	ck_assert_str_eq(e.what, "senders:3: expected each user once (the first is line 1)");
	ck_assert_int_eq(conf_set(&conf, CONF_CONPERMFOR, span_str("10.0.0.0/8 any\n10.0.0.0/8 none\n"), &e), -1);
}
END_TEST

Suite *suite_confuser(void);
Suite *
suite_confuser(void)
{
	Suite *s = suite_create("confuser");
	TCase *tc = tcase_create("confuser");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, a_line_says_who_may, 0, sizeof rights / sizeof *rights);
	tcase_add_loop_test(tc, without_one_as_himself, 0, sizeof defaults / sizeof *defaults);
	tcase_add_loop_test(tc, lines_are_checked, 0, sizeof lines / sizeof *lines);
	tcase_add_test(tc, a_user_has_his_rate);
	tcase_add_loop_test(tc, who_counts_as_conperm, 0, sizeof permits / sizeof *permits);
	tcase_add_test(tc, each_once);
	suite_add_tcase(s, tc);
	return s;
}
