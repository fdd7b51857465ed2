/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "smtpd/clients.h"

#include <check.h>

static struct clients table;

static struct netaddr
addr(const char *text)
{
	struct netaddr a = { { 0 }, 0 };
	struct err e;

	ck_assert_int_eq(netaddr_parse(span_str(text), &a, &e), 0);
	return a;
}

START_TEST(limits_are_kept)
{
	const struct clients_limits max = { 6, 2, 3 };
	struct netaddr a = addr("192.0.2.1"), b = addr("192.0.2.2"), c = addr("198.51.100.1");

	ck_assert_ptr_null(clients_enter(&table, &a, 0, &max, 0));
	ck_assert_ptr_null(clients_enter(&table, &a, 1, &max, 0));
	ck_assert_ptr_nonnull(strstr(clients_enter(&table, &a, 2, &max, 0), "address"));
	ck_assert_ptr_null(clients_enter(&table, &b, 2, &max, 0));
	ck_assert_ptr_nonnull(strstr(clients_enter(&table, &b, 3, &max, 0), "network"));
	ck_assert_ptr_null(clients_enter(&table, &c, 3, &max, 0));
	ck_assert_ptr_nonnull(clients_enter(&table, &c, 6, &max, 0));
	clients_leave(&table, &a);
	ck_assert_ptr_null(clients_enter(&table, &a, 3, &max, 0));
	clients_leave(&table, &a);
	clients_leave(&table, &a);
	clients_leave(&table, &b);
	clients_leave(&table, &c);
	for (size_t i = 0; i < CLIENTS_BUCKETS; i++)
		ck_assert_ptr_null(table.bucket[i]);	/* nothing is remembered of who has gone */
}
END_TEST

START_TEST(an_ipv6_client_is_a_64)
{
	const struct clients_limits max = { 9, 1, 2 };
	struct netaddr a = addr("2001:db8::1"), b = addr("2001:db8::2"), c = addr("2001:db8:0:1::1"),
	    d = addr("2001:db8:0:2::1");

	ck_assert_ptr_null(clients_enter(&table, &a, 0, &max, 0));
	ck_assert_ptr_nonnull(clients_enter(&table, &b, 1, &max, 0));
	ck_assert_ptr_null(clients_enter(&table, &c, 1, &max, 0));
	ck_assert_ptr_nonnull(clients_enter(&table, &d, 2, &max, 0));
	clients_free(&table);
}
END_TEST

START_TEST(who_crashes_is_slowed_for_a_while)
{
	const struct clients_limits max = { 9, 9, 9 };
	struct netaddr a = addr("192.0.2.1");

	clients_punish(&table, &a, 1000);
	ck_assert(clients_slow(&table, &a, 1001));
	ck_assert_ptr_null(clients_enter(&table, &a, 0, &max, 1001));
	ck_assert_ptr_nonnull(clients_enter(&table, &a, 1, &max, 1002));
	ck_assert(!clients_slow(&table, &a, 1000 + CLIENTS_SLOW_MS));
	ck_assert_ptr_null(clients_enter(&table, &a, 1, &max, 1000 + CLIENTS_SLOW_MS));
	ck_assert_uint_eq(table.nslow, 0);
	clients_free(&table);
}
END_TEST

START_TEST(few_are_remembered)
{
	struct netaddr a = addr("192.0.2.1");

	for (unsigned i = 0; i < 2 * CLIENTS_SLOW_MAX; i++) {
		a.a[12] = (unsigned char)(i >> 8);
		a.a[13] = (unsigned char)i;
		clients_punish(&table, &a, 0);
	}
	ck_assert_uint_eq(table.nslow, CLIENTS_SLOW_MAX);
	clients_punish(&table, &a, CLIENTS_SLOW_MS + 1);	/* those are over */
	ck_assert_uint_eq(table.nslow, 1);
	clients_free(&table);
}
END_TEST

START_TEST(who_waits_counts)
{
	const struct clients_limits max = { 1, 2, 3 };
	struct netaddr a = addr("192.0.2.1"), b = addr("192.0.2.2");

	ck_assert_ptr_null(clients_enter(&table, &a, 0, &max, 0));
	ck_assert_ptr_eq(clients_enter(&table, &a, 1, &max, 0), clients_full);
	ck_assert(clients_wait(&table, &a, true));
	ck_assert_ptr_nonnull(strstr(clients_enter(&table, &a, 1, &max, 0), "address"));
	ck_assert(clients_wait(&table, &b, true));
	ck_assert_ptr_nonnull(strstr(clients_enter(&table, &b, 1, &max, 0), "network"));
	ck_assert_uint_eq(clients_sessions(&table, &b, true), 1);
	ck_assert_uint_eq(clients_sessions(&table, &b, false), 0);
	ck_assert_uint_eq(clients_presence(&table, &b, true), 3);
	clients_wait(&table, &a, false);
	clients_wait(&table, &b, false);
	clients_leave(&table, &a);
	for (size_t i = 0; i < CLIENTS_BUCKETS; i++)
		ck_assert_ptr_null(table.bucket[i]);
}
END_TEST

Suite *suite_clients(void);
Suite *
suite_clients(void)
{
	Suite *s = suite_create("clients");
	TCase *tc = tcase_create("clients");

	tcase_add_test(tc, limits_are_kept);
	tcase_add_test(tc, an_ipv6_client_is_a_64);
	tcase_add_test(tc, who_crashes_is_slowed_for_a_while);
	tcase_add_test(tc, few_are_remembered);
	tcase_add_test(tc, who_waits_counts);
	suite_add_tcase(s, tc);
	return s;
}
