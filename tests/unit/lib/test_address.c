/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/address.h"

#include <check.h>

static const struct {
	const char *in;
	bool null_ok;
	const char *want;	/* NULL: refused */
	size_t used;
} paths[] = {
	{ "<a@b.example>", false, "a@b.example", 13 },
	{ "<a@b.example> SIZE=5", false, "a@b.example", 13 },
	{ "<>", true, "", 2 },
	{ "<>", false, NULL, 0 },
	{ "<Postmaster>", false, "Postmaster", 12 },
	{ "<postmaster>", true, NULL, 0 },
	{ "<postmaster2>", false, NULL, 0 },
	{ "<@h1.example,@h2.example:a@b.example>", false, "a@b.example", 37 },
	{ "<@[1.2.3.4]:a@b>", true, "a@b", 16 },
	{ "<@h1.example:>", true, NULL, 0 },
	{ "<@h1.example,a@b>", true, NULL, 0 },
	{ "<\"a>b\"@x.example>", false, "\"a>b\"@x.example", 17 },
	{ "<\"a\\\"@b\"@x.example>", false, "\"a\\\"@b\"@x.example", 19 },
	{ "<\"a b\"@x>", false, "\"a b\"@x", 9 },
	{ "<\"\"@x>", false, "\"\"@x", 6 },
	{ "<\"a\x01\"@x>", false, NULL, 0 },
	{ "<\"a\\\n\"@x>", false, NULL, 0 },
	{ "<\"a@x>", false, NULL, 0 },
	{ "<a\"b\"@x>", false, NULL, 0 },
	{ "<FAX=+1.555-0100/T33S=1@fax.example>", false, "FAX=+1.555-0100/T33S=1@fax.example", 36 },
	{ "<a..b@x>", false, NULL, 0 },
	{ "<.a@x>", false, NULL, 0 },
	{ "<a.@x>", false, NULL, 0 },
	{ "<a@x.>", false, NULL, 0 },
	{ "<a@.x>", false, NULL, 0 },
	{ "<a@-x>", false, NULL, 0 },
	{ "<a@x->", false, NULL, 0 },
	{ "<a@x_y>", false, NULL, 0 },
	{ "<a@xn--bcher-kva.example>", false, "a@xn--bcher-kva.example", 25 },
	{ "<a@[127.0.0.1]>", false, "a@[127.0.0.1]", 15 },
	{ "<a@[256.0.0.1]>", false, NULL, 0 },
	{ "<a@[1.2.3]>", false, NULL, 0 },
	{ "<a@[1.2.3.4.5]>", false, NULL, 0 },
	{ "<a@[IPv6:::1]>", false, "a@[IPv6:::1]", 14 },
	{ "<a@[IPv6:2001:db8::1]>", false, "a@[IPv6:2001:db8::1]", 22 },
	{ "<a@[IPv6:zz]>", false, NULL, 0 },
	{ "<a@[tag:x]>", false, NULL, 0 },
	{ "<a@[:x]>", false, NULL, 0 },
	{ "<a@[]>", false, NULL, 0 },
	{ "<a@[1.2.3.4>", false, NULL, 0 },
	{ "<a@b", false, NULL, 0 },
	{ "a@b", false, NULL, 0 },
	{ "<a>", false, NULL, 0 },
	{ "<@b>", false, NULL, 0 },
	{ "<a@b@c>", false, NULL, 0 },
	{ "<a@b c>", false, NULL, 0 },
	{ "<\xc3\xa4@b>", false, "\xc3\xa4@b", 6 },		/* RFC 6531, 3.3 */
	{ "<a\xe2\x82\xac.b@b\xc3\xbc" "cher.example>", true, "a\xe2\x82\xac.b@b\xc3\xbc" "cher.example", 24 },
	{ "<\"\xc3\xa4 b\"@x>", false, "\"\xc3\xa4 b\"@x", 10 },
	{ "<\"\\\xc3\xa4\"@x>", false, NULL, 0 },
	{ "<\xc3@b>", false, NULL, 0 },
	{ "<\xc2\x85@b>", false, NULL, 0 },
	{ "<a@b\xed\xa0\x80>", false, NULL, 0 },
	{ "<a@\xc3\xa4->", false, NULL, 0 },
	{ "", false, NULL, 0 },
	{ "<", true, NULL, 0 },
};

START_TEST(paths_are_read)
{
	struct span out = { 0 };
	struct err e = { 0 };
	size_t used = 0;
	int r = address_path(span_str(paths[_i].in), paths[_i].null_ok, &out, &used, &e);

	ck_assert_msg((r == 0) == (paths[_i].want != NULL), "%s", paths[_i].in);
	if (r == 0) {
		ck_assert_msg(span_is(out, paths[_i].want), "%s", paths[_i].in);
		ck_assert_uint_eq(used, paths[_i].used);
	} else {
		ck_assert_str_eq(e.dsn, paths[_i].null_ok ? "5.1.7" : "5.1.3");
	}
}
END_TEST

START_TEST(nothing_stands_behind_an_address)
{
	static const char *const in[] = { "a@b>", "a@b c", "a@b,c@d", "a@b\r\n", "a@[192.0.2.1]x", "\"a\"@b@c" };
	struct err e = { 0 };

	ck_assert_int_eq(address_check(span_str("a@b"), &e), 0);
	ck_assert_int_eq(address_check(span_str("\xc3\xa4@b"), &e), -1);
	ck_assert_int_eq(address_check_utf8(span_str("\xc3\xa4@b"), &e), 0);
	ck_assert(!address_ascii(span_str("a\xc3\xa4")) && address_ascii(span_str("a@b")));
	for (size_t i = 0; i < sizeof in / sizeof *in; i++)
		ck_assert_msg(address_check(span_str(in[i]), &e) == -1, "%s", in[i]);
}
END_TEST

START_TEST(lengths_are_bounded)
{
	char in[800];
	struct err e = { 0 };

	memset(in, 'a', sizeof in);
	memcpy(in + ADDRESS_MAX_LOCAL, "@x", 3);
	ck_assert_int_eq(address_check(span_str(in), &e), 0);
	memset(in, 'a', sizeof in);
	memcpy(in + ADDRESS_MAX_LOCAL + 1, "@x", 3);
	ck_assert_int_eq(address_check(span_str(in), &e), -1);
	memset(in, 'a', sizeof in);
	for (size_t i = 63; i < 255; i += 64)
		in[i] = '.';
	ck_assert(address_is_domain(span_of(in, 255)));
	in[255] = '.';
	ck_assert(!address_is_domain(span_of(in, 257)));
	memset(in, 'a', 64);
	ck_assert(address_is_domain(span_of(in, 63)));
	ck_assert(!address_is_domain(span_of(in, 64)));
}
END_TEST

/* G1: own mailboxes are found without regard to case and quoting. */
static const struct { const char *in, *local, *domain, *key; } keys[] = {
	{ "Joe@Example.COM", "Joe", "Example.COM", "joe@example.com" },
	{ "\"Joe\"@x", "\"Joe\"", "x", "joe@x" },
	{ "\"a@B\"@x", "\"a@B\"", "x", "a@b@x" },
	{ "\"a\\\"b\"@x", "\"a\\\"b\"", "x", "a\"b@x" },
	{ "Postmaster", "Postmaster", "", "postmaster" },
	{ "", "", "", "" },
};

START_TEST(keys_are_canonical)
{
	struct span in = span_str(keys[_i].in);
	struct err e = { 0 };
	struct buf b;

	buf_init(&b, 1024);
	ck_assert(span_is(address_local(in), keys[_i].local));
	ck_assert(span_is(address_domain(in), keys[_i].domain));
	ck_assert_int_eq(address_key(in, &b, &e), 0);
	ck_assert(span_is(buf_view(&b), keys[_i].key));
	buf_free(&b);
}
END_TEST

static const struct { const char *addr; bool is; } faxes[] = {
	{ "FAX=+12.34-5/T33S=6@x", true }, { "fax=1@x", true }, { "/FAX=+1/@x", true },
	{ "\"/Fax=+1 2/\"@x", true }, { "\"F\\AX=1\"@x", true },
	{ "ifax@x", true }, { "IFAX+joe@x", true }, { "\"ifax+\"@x", true },
	{ "ifaxes@x", false }, { "joe+ifax@x", false }, { "/ifax@x", false }, { "fax@x", false },
	{ "+FAX=1@x", false }, { "joe@fax=.example", false }, { "VOICE=+1@x", false }, { "fa@x", false },
};

START_TEST(fax_machines_have_a_form)
{
	ck_assert_msg(address_is_fax(span_str(faxes[_i].addr)) == faxes[_i].is, "%s", faxes[_i].addr);
}
END_TEST

Suite *suite_address(void);
Suite *
suite_address(void)
{
	Suite *s = suite_create("address");
	TCase *tc = tcase_create("address");

	tcase_add_loop_test(tc, paths_are_read, 0, sizeof paths / sizeof *paths);
	tcase_add_test(tc, nothing_stands_behind_an_address);
	tcase_add_test(tc, lengths_are_bounded);
	tcase_add_loop_test(tc, keys_are_canonical, 0, sizeof keys / sizeof *keys);
	tcase_add_loop_test(tc, fax_machines_have_a_form, 0, sizeof faxes / sizeof *faxes);
	suite_add_tcase(s, tc);
	return s;
}
