/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/confcheck.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "lib/daemon.h"

static struct conf c;
static struct err e;

static void
setup(void)
{
	e = (struct err){ 0 };
	ck_assert_int_eq(conf_init(&c, &e), 0);
}

static void
teardown(void)
{
	conf_free(&c);
}

static void
set(enum conf_id id, const char *text)
{
	ck_assert_msg(conf_set(&c, id, span_str(text), &e) == 0, "%s", e.what);
}

static void
refused(const char *why)
{
	ck_assert_int_eq(conf_together(&c, &e), -1);
	ck_assert_int_eq(e.kind, ERR_PERM);
	ck_assert_msg(strstr(e.what, why) == e.what, "%s", e.what);
}

START_TEST(what_is_shipped_goes_together)
{
	ck_assert_msg(conf_together(&c, &e) == 0, "%s", e.what);
}
END_TEST

START_TEST(the_last_retry_is_not_before_the_first)
{
	set(CONF_RETRYFIRST, "600\n");
	set(CONF_RETRYMAX, "600\n");
	ck_assert_int_eq(conf_together(&c, &e), 0);
	set(CONF_RETRYMAX, "599\n");
	refused("retrymax: expected at least the value of retryfirst (600)");
}
END_TEST

START_TEST(R40_what_is_promised_is_made_here)
{
	set(CONF_CONCURRENCYCONVERT, "0\n");
	set(CONF_CONNEG, "# all\n* directory\nfax.example off\n");
	ck_assert_int_eq(conf_together(&c, &e), 0);
	set(CONF_CONNEG, "# all\n* directory\nfax.example ensure relayclients\n");
	refused("conneg:3: expected no mode ensure where concurrencyconvert is 0");
	set(CONF_CONCURRENCYCONVERT, "1\n");
	ck_assert_int_eq(conf_together(&c, &e), 0);
}
END_TEST

START_TEST(TLS_needs_a_certificate)
{
	set(CONF_LISTEN, "127.0.0.1:25\n127.0.0.1:465 submissions\n");
	refused("listen:2: expected a certificate in the setting tlscert");
	set(CONF_LISTEN, "127.0.0.1:25 connegtls\n");
	refused("listen:1: expected a certificate in the setting tlscert");
	set(CONF_LISTEN, "127.0.0.1:25\n127.0.0.1:587 mx auth\n");
	refused("listen:2: expected a certificate in the setting tlscert");
	set(CONF_TLSCERT, "* a.crt a.key\n");
	refused("listen:2: expected a line in the setting auth");
	set(CONF_LISTEN, "127.0.0.1:587 submission\n");
	refused("listen:1: expected a line in the setting auth");
	set(CONF_AUTH, "passwd\n");
	ck_assert_msg(conf_together(&c, &e) == 0, "%s", e.what);
}
END_TEST

/* So many addresses as a daemon takes over, and no more. */
START_TEST(listeners_are_counted)
{
	char text[64 * (DAEMON_LISTENERS + 1)] = "";
	size_t n = 0;

	for (int i = 0; i < DAEMON_LISTENERS; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "127.0.0.1:%d mx\n", 2000 + i);
	set(CONF_LISTEN, text);
	ck_assert_msg(conf_together(&c, &e) == 0, "%s", e.what);
	snprintf(text + n, sizeof text - n, "127.0.0.1:1999 mx\n");
	set(CONF_LISTEN, text);
	refused("listen: expected at most");
}
END_TEST

/* A line goes to its daemon in a field of a packet: "127.0.0.1:25", spaces, "mx", len octets in all. */
static void
long_line(size_t len)
{
	char text[1024];

	snprintf(text, sizeof text, "# a comment\n127.0.0.1:25%*s\n", (int)(len - strlen("127.0.0.1:25")), "mx");
	set(CONF_LISTEN, text);
}

START_TEST(a_listeners_line_fits_its_packet)
{
	size_t max = sizeof ((struct daemon_listener *)NULL)->line - 1;

	long_line(max);
	ck_assert_msg(conf_together(&c, &e) == 0, "%s", e.what);
	long_line(max + 1);
	refused("listen:2: expected a line of at most");
}
END_TEST

Suite *suite_confcheck(void);
Suite *
suite_confcheck(void)
{
	Suite *s = suite_create("confcheck");
	TCase *tc = tcase_create("confcheck");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, what_is_shipped_goes_together);
	tcase_add_test(tc, the_last_retry_is_not_before_the_first);
	tcase_add_test(tc, R40_what_is_promised_is_made_here);
	tcase_add_test(tc, TLS_needs_a_certificate);
	tcase_add_test(tc, listeners_are_counted);
	tcase_add_test(tc, a_listeners_line_fits_its_packet);
	suite_add_tcase(s, tc);
	return s;
}
