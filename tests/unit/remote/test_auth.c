/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "remote/auth.h"

#include <check.h>

#include "lib/routeauth.h"
#include "tests/unit/suites.h"

START_TEST(what_is_said)
{
	static const struct { uint8_t method; size_t n; const char *want; } cases[] = {
		{ ROUTEAUTH_PLAIN, 9, "\0tim\0tann" }, { ROUTEAUTH_LOGIN, 0, "" },
		{ ROUTEAUTH_XOAUTH2, 31, "user=tim\1auth=Bearer tann\1\1" },
	};

	for (size_t i = 0; i < 3; i++) {
		struct buf out;
		struct err e = { 0 };
		struct span want = span_of(cases[i].want, cases[i].method == ROUTEAUTH_XOAUTH2 ? strlen(cases[i].want) :
		    cases[i].n);

		buf_init(&out, 100);
		ck_assert_int_eq(auth_text(cases[i].method, span_str("tim"), span_str("tann"), &out, &e), 0);
		ck_assert(span_eq(buf_view(&out), want));
		buf_free(&out);
	}
}
END_TEST

/* Nothing in clear where something is secret; and a stranger is verified unless a line says other. */
START_TEST(the_policy_is_raised)
{
	static const struct { bool said; uint8_t level, with, without; } cases[] = {
		{ false, TLS_LEVEL_MAY, TLS_LEVEL_VERIFY, TLS_LEVEL_MAY }, { true, TLS_LEVEL_MAY, TLS_LEVEL_ENCRYPT, TLS_LEVEL_MAY },
		{ true, TLS_LEVEL_ENCRYPT, TLS_LEVEL_ENCRYPT, TLS_LEVEL_ENCRYPT },
		{ true, TLS_LEVEL_VERIFY, TLS_LEVEL_VERIFY, TLS_LEVEL_VERIFY },
		{ true, TLS_LEVEL_FINGERPRINT, TLS_LEVEL_FINGERPRINT, TLS_LEVEL_FINGERPRINT },
		{ true, TLS_LEVEL_NONE, TLS_LEVEL_NONE, TLS_LEVEL_NONE },
	};
	static struct conf conf;
	struct err e = { 0 };

	ck_assert_int_eq(conf_init(&conf, &e), 0);
	ck_assert_int_eq(conf_set(&conf, CONF_ROUTEAUTH, span_str("relay.example plain u f\n"), &e), 0);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct tls_policy p = { .said = cases[i].said, .level = cases[i].level };

		auth_policy(&conf, "other.example:587", &p);
		ck_assert_uint_eq(p.level, cases[i].without);
		auth_policy(&conf, "relay.example:587", &p);
		ck_assert_uint_eq(p.level, cases[i].with);
	}
	conf_free(&conf);
}
END_TEST

Suite *suite_auth(void);
Suite *
suite_auth(void)
{
	Suite *s = suite_create("auth");
	TCase *tc = tcase_create("auth");

	tcase_add_test(tc, what_is_said);
	tcase_add_test(tc, the_policy_is_raised);
	suite_add_tcase(s, tc);
	return s;
}
