/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* Which messages and recipients the words of `accord queue` mean. */
#include "cmd/select.h"

#include <check.h>

static struct conf conf;
static struct err e;

enum { NOW_S = 1000000 };

/* Two messages: to b@far.example (deferred) and c@Far.Example (held), 100 s old, from A@here.example;
 * and a bounce to "x y"@other.example, 10 s old. */
static struct rcpt rcpts[2][2];
static struct slot slots[2][2];
static struct qitem items[2];

static void
setup(void)
{
	static const char *const addr[2][2] = { { "b@far.example", "C@Far.Example" },
	    { "\"x y\"@other.example", NULL } };

	ck_assert_int_eq(conf_init(&conf, &e), 0);
	ck_assert_int_eq(conf_set(&conf, CONF_SMTPROUTES, span_str("other.example:[192.0.2.1]:25\n"), &e), 0);
	for (int m = 0; m < 2; m++)
		for (int i = 0; i < 2 && addr[m][i] != NULL; i++)
			rcpts[m][i] = (struct rcpt){ .addr = span_str(addr[m][i]) };
	slots[0][0] = (struct slot){ .state = SLOT_QUEUED, .attempts = 3 };
	slots[0][1] = (struct slot){ .state = SLOT_HELD, .attempts = 3 };
	slots[1][0] = (struct slot){ .state = SLOT_QUEUED };
	items[0] = (struct qitem){ .id = "0000000000000001", .slots = slots[0], .env = { .rcpt = rcpts[0],
	    .nrcpt = 2, .sender = span_str("A@here.example"),
	    .arrival_us = (NOW_S - 100) * UINT64_C(1000000) } };
	items[1] = (struct qitem){ .id = "0000000000000002", .slots = slots[1], .env = { .rcpt = rcpts[1],
	    .nrcpt = 1, .arrival_us = (NOW_S - 10) * UINT64_C(1000000) } };
}

/* "bc" the recipients of the first that are meant, "x" that of the second; "-" the message without any. */
static const struct { const char *words[6]; const char *want; } cases[] = {
	{ { "--all" }, "bcx" },
	{ { "0000000000000001" }, "bc" },
	{ { "0000000000000002", "0000000000000001" }, "bcx" },
	{ { "0000000000000003" }, "" },
	{ { "b@FAR.example" }, "b" },
	{ { "B@far.example" }, "b" },
	{ { "b@other.example" }, "" },
	{ { "@far.example" }, "bc" },
	{ { "@example" }, "" },
	{ { "@.example" }, "bcx" },
	{ { "\"X Y\"@other.example" }, "x" },
	{ { "b@far.example", "0000000000000002" }, "bx" },
	{ { "--recipient", "c@far.example" }, "c" },
	{ { "--sender", "a@here.example" }, "bc" },
	{ { "--sender", "@here.example" }, "bc" },
	{ { "--sender", "<>" }, "x" },
	{ { "--state", "deferred" }, "b" },
	{ { "--state", "held" }, "c" },
	{ { "--state", "queued,held" }, "cx" },
	{ { "--state", "delivered" }, "" },
	{ { "--older", "50s" }, "bc" },
	{ { "--newer", "50" }, "x" },
	{ { "--older", "5s", "--newer", "1m" }, "x" },
	{ { "--older", "2h" }, "" },
	{ { "--dest", "far.example" }, "bc" },
	{ { "--dest", "FAR.example" }, "bc" },
	{ { "--dest", "[192.0.2.1]:25" }, "x" },
	{ { "--dest", "[192.0.2.1]" }, "x" },
	{ { "--dest", "other.example" }, "" },		/* its route goes elsewhere */
	{ { "@far.example", "--state", "held" }, "c" },
	{ { "0000000000000001", "--state", "held" }, "c" },
	{ { "--older", "50s", "--sender", "<>" }, "" },
};

static void
check_words(const char *const words[6], const char *want)
{
	char *argv[6];
	struct selection s;
	char got[8] = "";
	int argc = 0;

	while (argc < 6 && words[argc] != NULL) {
		argv[argc] = (char *)(uintptr_t)words[argc];
		argc++;
	}
	ck_assert_int_eq(select_init(&s, argc, &conf, &e), 0);
	for (int i = 0; i < argc; i++)
		ck_assert_msg(select_take(&s, argc, argv, &i, NOW_S * UINT64_C(1000000), &e) == 1, "%s", e.what);
	ck_assert(select_given(&s) || s.all);
	for (int m = 0; m < 2; m++)
		for (uint32_t i = 0; select_message(&s, &items[m]) && i < items[m].env.nrcpt; i++)
			if (select_slot(&s, &items[m], i))
				strncat(got, m == 1 ? "x" : i == 0 ? "b" : "c", 2);
	ck_assert_msg(strcmp(got, want) == 0, "%s %s: %s, not %s", words[0], words[1] != NULL ? words[1] : "",
	    got, want);
	select_free(&s);
}

/* A host that is called "local" is not delivery here. */
START_TEST(a_host_called_local)
{
	static const struct { const char *words[6]; const char *want; } hosts[] = {
		{ { "--dest", "local" }, "bc" }, { { "--dest", "LOCAL:25" }, "x" },
	};

	ck_assert_int_eq(conf_set(&conf, CONF_LOCALS, span_str("far.example\n"), &e), 0);
	ck_assert_int_eq(conf_set(&conf, CONF_SMTPROUTES, span_str("other.example:local\n"), &e), 0);
	for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
		check_words(hosts[i].words, hosts[i].want);
}
END_TEST

START_TEST(words_mean_what_they_say)
{
	check_words(cases[_i].words, cases[_i].want);
}
END_TEST

/* A domain that shares its next hop, but has a line in destinations: hop, line and both name it. */
static const struct { const char *words[6]; const char *want; } parts[] = {
	{ { "--dest", "[192.0.2.1]" }, "x" },
	{ { "--dest", "[::FFFF:192.0.2.1]:025" }, "x" },
	{ { "--dest", "192.0.2.1:25 OTHER.example" }, "x" },
	{ { "--dest", "[192.0.2.1]:25 far.example" }, "" },
	{ { "--dest", "OTHER.example" }, "x" },
	{ { "--dest", "[192.0.2.1]:25 other.example" }, "x" },
	{ { "--dest", "example" }, "" },
	{ { "--dest", "" }, "" },
	{ { "--dest", "far.example" }, "bc" },
};

START_TEST(a_line_of_destinations_is_a_destination)
{
	ck_assert_int_eq(conf_set(&conf, CONF_DESTINATIONS, span_str("Other.Example retry=5m\n"), &e), 0);
	check_words(parts[_i].words, parts[_i].want);
}
END_TEST

static const char *const wrong[][2] = {
	{ "neither", NULL }, { "--state", "sleepy" }, { "--state", "held," "x" }, { "--older", "soon" },
	{ "--newer", "2y" }, { "--newer", "-1" }, { "--older", "h" }, { "--older", NULL },
	{ "--state", "" }, { "--older", "30500569w" },
	{ "000000000000000", NULL }, { "00000000000000001", NULL }
};

START_TEST(wrong_words_are_refused)
{
	char *argv[2] = { (char *)(uintptr_t)wrong[_i][0], (char *)(uintptr_t)wrong[_i][1] };
	struct selection s;
	int i = 0;

	ck_assert_int_eq(select_init(&s, 2, &conf, &e), 0);
	ck_assert_int_eq(select_take(&s, argv[1] == NULL ? 1 : 2, argv, &i, NOW_S, &e), -1);
	select_free(&s);
}
END_TEST

START_TEST(ages_have_units)
{
	uint64_t us;

	ck_assert_int_eq(select_age("90", &us), 0);
	ck_assert_uint_eq(us, 90000000);
	ck_assert_int_eq(select_age("1w", &us), 0);
	ck_assert_uint_eq(us, UINT64_C(604800000000));
	ck_assert_int_eq(select_age("4294967295", &us), 0);
	ck_assert_uint_eq(us, UINT64_C(4294967295000000));
	ck_assert_int_eq(select_age("7101w", &us), 0);
	ck_assert_uint_eq(us, UINT64_C(4294684800000000));
	ck_assert_int_eq(select_age("7102w", &us), -1);		/* it would wrap, and mean young ones */
	ck_assert_int_eq(select_age("4294967295w", &us), -1);
	ck_assert_int_eq(select_age("4294967296", &us), -1);
	ck_assert_int_eq(select_age("", &us), -1);
}
END_TEST

Suite *suite_select(void);
Suite *
suite_select(void)
{
	Suite *s = suite_create("select");
	TCase *tc = tcase_create("select");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_loop_test(tc, words_mean_what_they_say, 0, sizeof cases / sizeof *cases);
	tcase_add_test(tc, a_host_called_local);
	tcase_add_loop_test(tc, a_line_of_destinations_is_a_destination, 0, sizeof parts / sizeof *parts);
	tcase_add_loop_test(tc, wrong_words_are_refused, 0, sizeof wrong / sizeof *wrong);
	tcase_add_test(tc, ages_have_units);
	suite_add_tcase(s, tc);
	return s;
}
