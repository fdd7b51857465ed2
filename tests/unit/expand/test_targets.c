/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "expand/targets.h"

#include <check.h>


static struct conf c;
static struct aliases a = { .conf = &c };
static struct targets t;
static struct err e;
static struct buf text;

static void
setup(void)
{
	e = (struct err){ 0 };
	ck_assert_int_eq(conf_init_as(&c, "x.example", &e), 0);
	buf_init(&text, 1 << 22);
}

static void
teardown(void)
{
	targets_free(&t);
	conf_free(&c);
	buf_free(&text);
}

static void
boxes(const char *lines)
{
	ck_assert_msg(conf_set(&c, CONF_MAILBOXES, span_str(lines), &e) == 0, "%s", e.what);
}

/* What addr stands for, with blanks between; plain ones with a backslash. */
static const char *
found(const char *addr)
{
	targets_free(&t);
	buf_clear(&text);
	ck_assert_msg(targets_find(&a, span_str(addr), &t, &e) == 0, "%s", e.what);
	for (uint32_t i = 0; i < t.n; i++) {
		struct span one = target_addr(&t, &t.v[i]);

		ck_assert_int_eq(buf_addf(&text, &e, "%s%s%.*s", i > 0 ? " " : "", t.v[i].plain ? "\\" : "", (int)one.n,
		    (const char *)one.p), 0);
	}
	ck_assert_int_eq(buf_add_byte(&text, '\0', &e), 0);
	return (const char *)text.p;
}

START_TEST(aliases_are_followed)
{
	boxes("a@x.example alias:b@x.example,c@far.example\nb@x.example alias:d@x.example\nd@x.example maildir:mail/d\n"
	    "@x.example alias:all@far.example\nround@x.example alias:about@x.example\nabout@x.example alias:round@x.example\n"
	    "self@x.example alias:SELF@x.example,d@x.example\n");
	ck_assert_str_eq(found("a@x.example"), "d@x.example c@far.example");
	ck_assert(!t.list);
	ck_assert_str_eq(found("A+ext@X.example"), "d@x.example c@far.example");
	ck_assert_str_eq(found("nobody@x.example"), "all@far.example");
	ck_assert_str_eq(found("round@x.example"), "");
	ck_assert_str_eq(found("self@x.example"), "d@x.example");
}
END_TEST

/* What is of a domain elsewhere is that, whatever the lines say. */
START_TEST(only_domains_here_are_followed)
{
	boxes("a@x.example alias:b@far.example\nb@far.example alias:c@x.example\n");
	ck_assert_str_eq(found("a@x.example"), "b@far.example");
}
END_TEST

START_TEST(a_list_has_an_owner)
{
	boxes("l@x.example alias:b@far.example\nowner-l@x.example alias:o@far.example\n\"q r\"@x.example alias:b@far.example\n"
	    "\"owner-q r\"@x.example maildir:mail/o\nout@x.example alias:L@x.example,c@far.example\n"
	    "n@x.example alias:b@far.example\nowner-n@far.example alias:o@far.example\n@x.example alias:z@far.example\n");
	ck_assert_str_eq(found("l@x.example"), "b@far.example");
	ck_assert(t.list);
	ck_assert(span_is(buf_view(&t.owner), "owner-l@x.example"));
	ck_assert_str_eq(found("\"q r\"@x.example"), "b@far.example");
	ck_assert(t.list);
	ck_assert(span_is(buf_view(&t.owner), "\"owner-q r\"@x.example"));
	ck_assert_str_eq(found("out@x.example"), "L@x.example c@far.example");
	ck_assert(!t.list);
	found("n@x.example");
	ck_assert(!t.list);
}
END_TEST

/* A chain of n aliases. */
static void
chain(unsigned n)
{
	buf_clear(&text);
	for (unsigned i = 0; i < n; i++)
		ck_assert_int_eq(buf_addf(&text, &e, "c%u@x.example alias:c%u@x.example\n", i, i + 1), 0);
	ck_assert_int_eq(buf_addf(&text, &e, "c%u@x.example maildir:mail/d\n", n), 0);
	ck_assert_int_eq(conf_set(&c, CONF_MAILBOXES, buf_view(&text), &e), 0);
}

START_TEST(they_lead_so_far)
{
	chain(TARGETS_DEPTH + 1);
	ck_assert_str_eq(found("c0@x.example"), "c17@x.example");
	targets_free(&t);
	chain(TARGETS_DEPTH + 2);
	ck_assert_int_eq(targets_find(&a, span_str("c0@x.example"), &t, &e), -1);
	ck_assert_int_eq(e.kind, ERR_TEMP);
	ck_assert_str_eq(e.dsn, "4.3.5");
}
END_TEST

/* n aliases, each of the one that leads to all. */
static void
fan(unsigned n)
{
	buf_clear(&text);
	for (unsigned i = 0; i < n; i += 100) {
		ck_assert_int_eq(buf_addf(&text, &e, "h%u@x.example alias:z@far.example", i), 0);
		for (unsigned k = i; k < i + 100 && k < n; k++)
			ck_assert_int_eq(buf_addf(&text, &e, ",f%u@x.example", k), 0);
		ck_assert_int_eq(buf_add_byte(&text, '\n', &e), 0);
	}
	for (unsigned i = 0; i < n; i++)
		ck_assert_int_eq(buf_addf(&text, &e, "f%u@x.example alias:y@far.example\n", i), 0);
	ck_assert_int_eq(buf_add_str(&text, "top@x.example alias:", &e), 0);
	for (unsigned i = 0; i < n; i += 100)
		ck_assert_int_eq(buf_addf(&text, &e, "h%u@x.example,", i), 0);
	ck_assert_int_eq(conf_set(&c, CONF_MAILBOXES, buf_view(&text), &e), 0);
}

START_TEST(they_lead_to_so_many)
{
	fan(TARGETS_ALIASES - 20);
	found("top@x.example");
	ck_assert_uint_eq(t.n, TARGETS_ALIASES - 20 + 10);
	targets_free(&t);
	fan(TARGETS_ALIASES);
	ck_assert_int_eq(targets_find(&a, span_str("top@x.example"), &t, &e), -1);
	ck_assert_str_eq(e.dsn, "4.3.5");
}
END_TEST

START_TEST(what_stands_for_nobody)
{
	boxes("d@x.example maildir:mail/d\n");
	ck_assert_int_eq(targets_find(&a, span_str("d@x.example"), &t, &e), -1);
	ck_assert_int_eq(e.kind, ERR_TEMP);
}
END_TEST

Suite *suite_targets(void);

Suite *
suite_targets(void)
{
	Suite *s = suite_create("targets");
	TCase *tc = tcase_create("targets");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, aliases_are_followed);
	tcase_add_test(tc, only_domains_here_are_followed);
	tcase_add_test(tc, a_list_has_an_owner);
	tcase_add_test(tc, they_lead_so_far);
	tcase_add_test(tc, they_lead_to_so_many);
	tcase_add_test(tc, what_stands_for_nobody);
	suite_add_tcase(s, tc);
	return s;
}
