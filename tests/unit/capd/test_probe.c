/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* Whom capd has other hosts asked about, how often, and how long the answers count. */
#include "capd/probe.h"

#include <check.h>
#include <stdio.h>

static struct probe p;
static struct err e;
static int64_t now_ms;
static const char list[] = "( dpi = 200 )";

static void
setup(void)
{
	now_ms = 1000000;
	probe_init(&p, 7);
}

static void
teardown(void)
{
	probe_free(&p);
	ck_assert(p.asked.n == 0 && p.asked.nasked == 0 && p.asked.octets == 0);
}

static enum asked_state
look(const char *addr, struct cap_entry *out)
{
	*out = (struct cap_entry){ .state = CAP_NONE };
	return probe_get(&p, span_str(addr), now_ms, out);
}

static uint32_t
ask(const char *addr)
{
	uint32_t number = 0;

	return probe_ask(&p, span_str(addr), now_ms, &number, &e) == 0 ? number : 0;
}

static void
tell(uint32_t number, enum cap_state state, const char *text)
{
	ck_assert(probe_told(&p, number, state, span_str(text), now_ms, 1234567890, &e));
}

/* Asks and is told, at once. */
static void
know(const char *addr, enum cap_state state, const char *text)
{
	uint32_t number = ask(addr);

	ck_assert_msg(number != 0, "%s", e.what);
	tell(number, state, text);
	now_ms += PROBE_DOMAIN_MS;
}

static const struct { enum cap_state told, kept; const char *text; int64_t lasts_s; } answers[] = {
	{ CAP_KNOWN, CAP_KNOWN, list, PROBE_KNOWN_S }, { CAP_NONE, CAP_NONE, "", PROBE_NONE_S },
	{ CAP_TEMP, CAP_TEMP, "", PROBE_LATER_S }, { CAP_ANY, CAP_NONE, "", PROBE_NONE_S },
	{ CAP_KNOWN, CAP_NONE, "(& (oops", PROBE_NONE_S },
	{ CAP_KNOWN, CAP_NONE, "(& (dpi=200)(dpi=300))", PROBE_NONE_S },
	{ CAP_KNOWN, CAP_NONE, "(a=\"\r\n250 2.0.0 ok\")", PROBE_NONE_S },
};

START_TEST(an_answer_has_its_time)
{
	struct cap_entry v;
	uint32_t number;

	ck_assert_int_eq(look("r@x.example", &v), ASKED_DUE);
	number = ask("r@x.example");
	ck_assert_int_eq(look("r@x.example", &v), ASKED_NOW);
	tell(number, answers[_i].told, answers[_i].text);
	ck_assert_int_eq(e.kind != ERR_NONE, answers[_i].told == CAP_KNOWN && answers[_i].kept != CAP_KNOWN);
	ck_assert_int_eq(look("r@X.Example", &v), ASKED_COUNTS);
	ck_assert_int_eq(v.state, answers[_i].kept);
	ck_assert(span_is(v.text, v.state == CAP_KNOWN ? "(dpi=200)" : ""));
	ck_assert_uint_eq(v.since_s, 1234567890);
	now_ms += answers[_i].lasts_s * 1000 - 1;
	ck_assert_int_eq(look("r@x.example", &v), ASKED_COUNTS);
	now_ms++;
	ck_assert_int_eq(look("r@x.example", &v), ASKED_DUE);
	ck_assert_uint_ne(ask("r@x.example"), 0);	/* in the same entry */
	ck_assert_uint_eq(p.asked.n, 1);
}
END_TEST

/* The local part is another host's to read: octet by octet it is another (G1). */
START_TEST(G1_addresses_stay_as_they_came)
{
	struct cap_entry v;

	know("Box@x.example", CAP_KNOWN, list);
	ck_assert_int_eq(look("Box@X.EXAMPLE", &v), ASKED_COUNTS);
	ck_assert_int_eq(look("box@x.example", &v), ASKED_DUE);
	ck_assert_int_eq(look("\"Box\"@x.example", &v), ASKED_DUE);
}
END_TEST

static const char *const none[] = { "", "postmaster", "r@", "r@[192.0.2.1]", "r@[IPv6:::1]", "r@a..b", "r@-.example",
    "a b@x.example", "r@x.example\r\n" };

START_TEST(no_address_is_asked_about)
{
	struct cap_entry v;

	ck_assert_int_eq(look(none[_i], &v), ASKED_NEVER);
	ck_assert_uint_eq(ask(none[_i]), 0);
}
END_TEST

START_TEST(one_question_for_an_address)
{
	uint32_t number = ask("r@x.example");

	ck_assert_uint_ne(number, 0);
	ck_assert_uint_eq(ask("r@x.example"), 0);
	ck_assert_ptr_nonnull(strstr(e.what, "being asked"));
	ck_assert(!probe_told(&p, number + 1, CAP_NONE, span_str(""), now_ms, 1, &e));
	ck_assert(!probe_told(&p, 0, CAP_NONE, span_str(""), now_ms, 1, &e));
	tell(number, CAP_NONE, "");
	ck_assert(!probe_told(&p, number, CAP_KNOWN, span_str(list), now_ms, 1, &e));
}
END_TEST

START_TEST(few_at_once)
{
	char addr[40];
	uint32_t number[INQUIRY_PROBES];

	for (int i = 0; i < INQUIRY_PROBES; i++) {
		snprintf(addr, sizeof addr, "r@d%d.example", i);
		ck_assert_uint_ne(number[i] = ask(addr), 0);
	}
	ck_assert_uint_eq(ask("r@x.example"), 0);
	ck_assert_ptr_nonnull(strstr(e.what, "at once"));
	tell(number[3], CAP_NONE, "");
	ck_assert_uint_ne(number[3] = ask("r@x.example"), 0);
	probe_lost(&p);
	ck_assert(p.asked.nasked == 0 && p.asked.n == 1);
	ck_assert(!probe_told(&p, number[3], CAP_NONE, span_str(""), now_ms, 1, &e));
}
END_TEST

/* Of one domain; others are not touched.  Then it is as fast as it may be for good. */
START_TEST(a_domain_has_its_rate)
{
	char addr[40];
	int n = 0;

	for (int i = 0; i < 3 * PROBE_DOMAIN_FIRST; i++) {
		uint32_t number;

		snprintf(addr, sizeof addr, "r%d@x.example", i);
		if ((number = ask(addr)) != 0) {
			tell(number, CAP_NONE, "");
			n++;
		}
	}
	ck_assert_int_eq(n, PROBE_DOMAIN_FIRST);
	ck_assert_ptr_nonnull(strstr(e.what, "lately"));
	know("r@y.example", CAP_NONE, "");
	now_ms += 20 * PROBE_DOMAIN_MS - PROBE_DOMAIN_MS;
	for (n = 0; ask("a@x.example") != 0 || n == 0; n++) {
		ck_assert_int_lt(n, PROBE_DOMAIN_FIRST);
		probe_lost(&p);
	}
	ck_assert_int_eq(n, PROBE_DOMAIN_FIRST);
}
END_TEST

START_TEST(all_have_a_rate)
{
	char addr[40];
	int n = 0;

	for (int i = 0; i < 10 * PROBE_ALL_FIRST; i++) {
		snprintf(addr, sizeof addr, "r@d%d.example", i);
		n += ask(addr) != 0;
		probe_lost(&p);
	}
	ck_assert_int_eq(n, PROBE_ALL_FIRST);
	now_ms += PROBE_ALL_MS;
	ck_assert_uint_ne(ask("r@x.example"), 0);
	ck_assert_uint_eq(ask("r@y.example"), 0);
}
END_TEST

/* The oldest answers make room; questions that are under way stay, but not for ever. */
START_TEST(the_table_is_bounded)
{
	struct cap_entry v;
	uint32_t open = ask("open@x.example");
	char addr[40];

	for (int i = 0; i < PROBE_ENTRIES + 10; i++) {
		snprintf(addr, sizeof addr, "r@d%d.example", i);
		p.all_ms = 0;
		memset(p.domain_ms, 0, sizeof p.domain_ms);
		tell(ask(addr), CAP_KNOWN, list);
		ck_assert_uint_le(p.asked.n, PROBE_ENTRIES);
	}
	ck_assert_int_eq(look("r@d10.example", &v), ASKED_DUE);
	ck_assert_int_eq(look("r@d11.example", &v), ASKED_COUNTS);
	ck_assert_int_eq(look(addr, &v), ASKED_COUNTS);
	ck_assert_int_eq(look("open@x.example", &v), ASKED_NOW);
	now_ms += PROBE_LOST_S * 1000;
	ck_assert_uint_ne(ask("r@y.example"), 0);
	ck_assert_int_eq(look("open@x.example", &v), ASKED_DUE);
	ck_assert(!probe_told(&p, open, CAP_NONE, span_str(""), now_ms, 1, &e));
}
END_TEST

START_TEST(an_address_or_all_are_forgotten)
{
	struct cap_entry v;

	know("a@x.example", CAP_KNOWN, list);
	know("b@x.example", CAP_KNOWN, list);
	know("c@y.example", CAP_KNOWN, list);
	ask("d@x.example");
	probe_forget(&p, span_str("nobody@x.example"));
	probe_forget(&p, span_str("a@X.example"));
	ck_assert_int_eq(look("a@x.example", &v), ASKED_DUE);
	ck_assert_int_eq(look("b@x.example", &v), ASKED_COUNTS);
	probe_forget(&p, span_str("d@x.example"));
	ck_assert_int_eq(look("d@x.example", &v), ASKED_NOW);
	probe_forget(&p, span_str(""));
	ck_assert_int_eq(look("b@x.example", &v), ASKED_DUE);
	ck_assert_int_eq(look("d@x.example", &v), ASKED_NOW);
	ck_assert_uint_eq(p.asked.n, 1);
}
END_TEST

Suite *suite_probe(void);
Suite *
suite_probe(void)
{
	Suite *s = suite_create("probe");
	TCase *tc = tcase_create("probe");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, an_answer_has_its_time, 0, sizeof answers / sizeof *answers);
	tcase_add_test(tc, G1_addresses_stay_as_they_came);
	tcase_add_loop_test(tc, no_address_is_asked_about, 0, sizeof none / sizeof *none);
	tcase_add_test(tc, one_question_for_an_address);
	tcase_add_test(tc, few_at_once);
	tcase_add_test(tc, a_domain_has_its_rate);
	tcase_add_test(tc, all_have_a_rate);
	tcase_add_test(tc, the_table_is_bounded);
	tcase_add_test(tc, an_address_or_all_are_forgotten);
	suite_add_tcase(s, tc);
	return s;
}
