/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/signature.h"

#include <check.h>

#define TOP "Authentication-Results: me.example;"
#define DKIM "\r\n\tdkim=neutral reason=\"changed here, and not verified before\""
#define D(n) "DKIM-Signature: d=d" #n "; s=s\r\n"
#define R(n) DKIM "\r\n\theader.d=d" #n "\r\n\theader.s=s"

static const struct { const char *name, *message; bool is_signed; const char *field; } cases[] = {
	{ "unsigned", "Subject: x\r\n\r\nDKIM-Signature: d=a\r\n", false, NULL },
	{ "no such field", "X-DKIM-Signature: d=a\r\nDKIM-Signatures: d=a\r\nARC-Set: i=1\r\n\r\n", false, NULL },
	{ "nothing but a signature's results", "ARC-Authentication-Results: i=1; a\r\n\r\n", false, NULL },
	{ "RFC 6376's", "From: a\r\nDKIM-Signature: v=1; a=rsa-sha256; d=example.net; s=brisbane;\r\n"
	    "\tc=simple; q=dns/txt; i=@eng.example.net;\r\n\tbh=MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=;\r\n"
	    "\tb=dzdVyOfAKCdLXdJOc9G2q8LoXSlEniSbav+yuU4zGeeruD00lszZ\r\n\r\n", true,
	    TOP DKIM "\r\n\theader.d=example.net\r\n\theader.s=brisbane\r\n" },
	{ "names in any case, white space about", "dkim-signature : s = b_1 ;\r\n d\t=\r\n\ta-1.example ; v=1\r\n\r\n",
	    true, TOP DKIM "\r\n\theader.d=a-1.example\r\n\theader.s=b_1\r\n" },
	{ "a tag is not part of another", "DKIM-Signature: ad=x; sd=y; bd=z; b=d=q; d=a\r\n\r\n", true,
	    TOP DKIM "\r\n\theader.d=a\r\n" },
	{ "the first of two", "DKIM-Signature: d=a; d=b\r\n\r\n", true, TOP DKIM "\r\n\theader.d=a\r\n" },
	{ "no names", "DKIM-Signature: d=a b; s=\xc3\xa4\r\n\r\n", true, TOP DKIM "\r\n" },
	{ "a forged end", "DKIM-Signature: d=a\r\n ;s=b\";x=y\r\n\r\n", true, TOP DKIM "\r\n\theader.d=a\r\n" },
	{ "no value, no equals sign", "DKIM-Signature: d=; s\r\n\r\n", true, TOP DKIM "\r\n" },
	{ "empty", "DKIM-Signature:\r\n\r\n", true, TOP DKIM "\r\n" },
	{ "two", D(1) "Subject: x\r\n" D(2) "\r\n", true, TOP R(1) ";" R(2) "\r\n" },
	{ "eight of nine", D(1) D(2) D(3) D(4) D(5) D(6) D(7) D(8) D(9) "\r\n", true,
	    TOP R(1) ";" R(2) ";" R(3) ";" R(4) ";" R(5) ";" R(6) ";" R(7) ";" R(8) "\r\n" },
	{ "sealed", "ARC-Seal: i=1; cv=none; d=a; s=b\r\nARC-Message-Signature: i=1; d=a\r\n\r\n", true,
	    TOP " none (changed here, which no ARC-Seal outlives)\r\n" },
	{ "sealed and signed", "ARC-Seal: i=1; d=a\r\n" D(1) "\r\n", true, TOP R(1) "\r\n" },
	{ "a header without an end", "DKIM-Signature: d=a", true, TOP DKIM "\r\n\theader.d=a\r\n" },
};

START_TEST(signatures_are_told_of)
{
	struct buf out;
	struct err e = { 0 };

	buf_init(&out, SIGNATURE_FIELD);
	ck_assert_msg(signature_any(span_str(cases[_i].message)) == cases[_i].is_signed, "%s", cases[_i].name);
	if (cases[_i].is_signed) {
		ck_assert_int_eq(signature_broken("me.example", span_str(cases[_i].message), &out, &e), 0);
		ck_assert_msg(span_is(buf_view(&out), cases[_i].field), "%s: %.*s", cases[_i].name, (int)out.n,
		    (const char *)out.p);
	}
	buf_free(&out);
}
END_TEST

/* The longest names of the most signatures: within the promised octets, no line too long. */
START_TEST(the_field_is_bounded)
{
	struct buf message, out;
	struct err e = { 0 };
	struct span rest, line;
	char me[256] = "", name[SIGNATURE_NAME + 1];

	memset(me, 'm', sizeof me - 1);
	memset(name, 'n', sizeof name);
	buf_init(&message, 65536);
	buf_init(&out, SIGNATURE_FIELD);
	for (int i = 0; i < SIGNATURE_MAX; i++)
		ck_assert_int_eq(buf_addf(&message, &e, "DKIM-Signature: d=%.255s; s=%.255s\r\n", name, name), 0);
	ck_assert_int_eq(signature_broken(me, buf_view(&message), &out, &e), 0);
	ck_assert_uint_gt(out.n, SIGNATURE_MAX * 2 * SIGNATURE_NAME);
	rest = buf_view(&out);
	while (span_line(&rest, &line))
		ck_assert_uint_lt(line.n, 400);
	buf_clear(&message);
	buf_clear(&out);
	ck_assert_int_eq(buf_addf(&message, &e, "DKIM-Signature: d=%.256s; s=b\r\n", name), 0);
	ck_assert_int_eq(signature_broken("me.example", buf_view(&message), &out, &e), 0);
	ck_assert(span_is(buf_view(&out), TOP DKIM "\r\n\theader.s=b\r\n"));
	buf_free(&message);
	buf_free(&out);
}
END_TEST

Suite *suite_signature(void);
Suite *
suite_signature(void)
{
	Suite *s = suite_create("signature");
	TCase *tc = tcase_create("signature");

	tcase_add_loop_test(tc, signatures_are_told_of, 0, sizeof cases / sizeof *cases);
	tcase_add_test(tc, the_field_is_bounded);
	suite_add_tcase(s, tc);
	return s;
}
