/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/tlscert.h"

#include <check.h>

#include "lib/certfile.h"
#include "tests/unit/suites.h"

static const struct { const char *pattern, *name; bool want; } names[] = {
	{ "mx.example", "MX.Example", true },
	{ "mx.example", "mx.example.org", false },
	{ "mx.example", "a.mx.example", false },
	{ "*.example", "mx.example", true },
	{ "*.example", "a.mx.example", false },
	{ "*.example", "example", false },
	{ "*.example", ".example", false },
	{ "*.example", "", false },
	{ "*", "mx.example", false },
};

START_TEST(names_fit)
{
	ck_assert_int_eq(tlscert_fits(span_str(names[_i].pattern), span_str(names[_i].name)), names[_i].want);
}
END_TEST

START_TEST(files_in_their_order)
{
	static const unsigned char all[] = "\x03\0\0\0one\x01\0\0\0k" "\x03\0\0\0two\0\0\0\0" "\xff\0\0\0x";
	struct tlscert_files f;

	ck_assert_int_eq(tlscert_entry(span_of(all, sizeof all - 1), 0, &f), 0);
	ck_assert(span_is(f.cert, "one") && span_is(f.key, "k"));
	ck_assert_int_eq(tlscert_entry(span_of(all, sizeof all - 1), 1, &f), 0);
	ck_assert(span_is(f.cert, "two") && f.key.n == 0);
	ck_assert_int_eq(tlscert_entry(span_of(all, sizeof all - 1), 2, &f), -1);
	for (size_t n = 0; n < 12; n++)
		ck_assert_int_eq(tlscert_entry(span_of(all, n), 0, &f), -1);
}
END_TEST

/* What no certificate or key is does no harm, whatever it begins with. */
START_TEST(files_that_hold_something_else)
{
	static const char *const texts[] = { "", "x", "-----BEGIN CERTIFICATE-----\n", "-----BEGIN CERTIFICATE-----\n"
	    "AAAA\n-----END CERTIFICATE-----\n", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n" };
	struct chain c;
	struct err e = { 0 };

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		ck_assert_int_eq(chain_parse(span_str(texts[i]), &c, &e), -1);
		ck_assert_uint_eq(c.n, 0);
		ck_assert_ptr_null(certfile_key(span_str(texts[i]), &e));
		ck_assert_int_eq(e.kind, ERR_PERM);
	}
}
END_TEST

START_TEST(keys_that_TLS_can_use)
{
	EVP_PKEY *small = EVP_RSA_gen(1024), *curve = EVP_EC_gen("secp256k1"), *good = EVP_EC_gen("P-384");
	unsigned char a[MSG_KEY_ID], b[MSG_KEY_ID];
	struct err e = { 0 };

	ck_assert_int_eq(certfile_usable(small, &e), -1);
	ck_assert_int_eq(certfile_usable(curve, &e), -1);
	ck_assert_int_eq(certfile_usable(good, &e), 0);
	ck_assert_int_eq(certfile_id(good, a, &e) | certfile_id(curve, b, &e), 0);
	ck_assert(memcmp(a, b, sizeof a) != 0);
	EVP_PKEY_free(small);
	EVP_PKEY_free(curve);
	EVP_PKEY_free(good);
}
END_TEST

Suite *suite_tlscert(void);
Suite *
suite_tlscert(void)
{
	Suite *s = suite_create("tlscert");
	TCase *t = tcase_create("tlscert");

	tcase_add_loop_test(t, names_fit, 0, sizeof names / sizeof *names);
	tcase_add_test(t, files_in_their_order);
	tcase_add_test(t, files_that_hold_something_else);
	tcase_add_test(t, keys_that_TLS_can_use);
	suite_add_tcase(s, t);
	return s;
}
