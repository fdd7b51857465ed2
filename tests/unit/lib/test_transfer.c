/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/transfer.h"

#include <check.h>

#define T(s) { (const unsigned char *)(s), sizeof(s) - 1 }
#define BAD { NULL, 0 }

static const struct { enum transfer how; struct span in, want; bool ok; } decodes[] = {
	{ TRANSFER_BASE64, T(""), T(""), true },		/* RFC 4648, 10 */
	{ TRANSFER_BASE64, T("Zg=="), T("f"), true },
	{ TRANSFER_BASE64, T("Zm8="), T("fo"), true },
	{ TRANSFER_BASE64, T("Zm9v"), T("foo"), true },
	{ TRANSFER_BASE64, T("Zm9v\r\nYmE=\r\n"), T("fooba"), true },
	{ TRANSFER_BASE64, T("Z m\t9*v-"), T("foo"), true },
	{ TRANSFER_BASE64, T("Zm8"), T("fo"), true },
	{ TRANSFER_BASE64, T("/+8A"), T("\xff\xef\x00"), true },
	{ TRANSFER_BASE64, T("Zm9vZ"), BAD, false },
	{ TRANSFER_BASE64, T("Zg==Zg=="), BAD, false },
	{ TRANSFER_QP, T("a=3Db=\r\nc"), T("a=bc"), true },
	{ TRANSFER_QP, T("a=3d  \r\nb"), T("a=\r\nb"), true },
	{ TRANSFER_QP, T("a= \t\r\nb"), T("ab"), true },
	{ TRANSFER_QP, T("=00=FF"), T("\x00\xff"), true },
	{ TRANSFER_QP, T("a\nb"), T("a\r\nb"), true },
	{ TRANSFER_QP, T("a="), T("a"), true },
	{ TRANSFER_QP, T("a=4"), BAD, false },
	{ TRANSFER_QP, T("a=4g"), BAD, false },
	{ TRANSFER_QP, T("a==\r\n"), BAD, false },
	{ TRANSFER_7BIT, T("a=3D\r\n"), T("a=3D\r\n"), true },
	{ TRANSFER_UNKNOWN, T("a"), BAD, false },
};

START_TEST(decoding)
{
	struct buf out;
	struct err e = { 0 };
	int got;

	buf_init(&out, 4096);
	got = transfer_decode(decodes[_i].how, decodes[_i].in, &out, &e);
	ck_assert_int_eq(got, decodes[_i].ok ? 0 : -1);
	if (got == 0)
		ck_assert(span_eq(buf_view(&out), decodes[_i].want));
	else
		ck_assert_int_eq(e.kind, ERR_PERM);
	buf_free(&out);
}
END_TEST

static const struct { bool text; struct span in, want; } quoted[] = {
	{ true, T("a=b\r\n"), T("a=3Db\r\n") },
	{ true, T("end \r\nx\t"), T("end=20\r\nx=09") },
	{ true, T("\xc3\xa9\n\r"), T("=C3=A9=0A=0D") },
	{ false, T("a\r\n"), T("a=0D=0A") },
	{ true, T("From x\r\n.\r\nx.\r\nFrom"), T("=46rom x\r\n=2E\r\nx.\r\nFrom") },
	{ true, T("0123456789012345678901234567890123456789012345678901234567890123456789012345\r\n"),
	    T("0123456789012345678901234567890123456789012345678901234567890123456789012345\r\n") },
	{ true, T("01234567890123456789012345678901234567890123456789012345678901234567890123456\r\n"),
	    T("012345678901234567890123456789012345678901234567890123456789012345678901234=\r\n"
	    "56\r\n") },
	{ true, T("0123456789012345678901234567890123456789012345678901234567890123456789012=x\r\n"),
	    T("0123456789012345678901234567890123456789012345678901234567890123456789012=\r\n"
	    "=3Dx\r\n") },
	{ true, T("012345678901234567890123456789012345678901234567890123456789012345678901234.x"),
	    T("012345678901234567890123456789012345678901234567890123456789012345678901234=\r\n"
	    "=2Ex") },
};

START_TEST(quoting)
{
	struct buf out;
	struct err e = { 0 };

	buf_init(&out, 4096);
	ck_assert_int_eq(transfer_qp(quoted[_i].in, quoted[_i].text, &out, &e), 0);
	ck_assert_msg(span_eq(buf_view(&out), quoted[_i].want), "%.*s", (int)out.n, (char *)out.p);
	buf_free(&out);
}
END_TEST

/* Every length over two lines: comes back, and each line is 76 octets but the last. */
START_TEST(base64_comes_back)
{
	unsigned char data[130];
	struct buf out, back;
	struct err e = { 0 };

	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (unsigned char)(i * 37);
	buf_init(&out, 4096), buf_init(&back, 4096);
	for (size_t n = 0; n <= sizeof data; n++) {
		struct span rest, line;

		buf_clear(&out), buf_clear(&back);
		ck_assert_int_eq(transfer_base64(span_of(data, n), &out, &e), 0);
		ck_assert_int_eq(transfer_decode(TRANSFER_BASE64, buf_view(&out), &back, &e), 0);
		ck_assert(span_eq(buf_view(&back), span_of(data, n)));
		for (rest = buf_view(&out); span_line(&rest, &line);)
			ck_assert(rest.n == 0 ? line.n <= 76 && line.n > 0 : line.n == 76);
	}
	buf_free(&out), buf_free(&back);
}
END_TEST

START_TEST(names)
{
	ck_assert_int_eq(transfer_of(span_str("")), TRANSFER_7BIT);
	ck_assert_int_eq(transfer_of(span_str("Base64")), TRANSFER_BASE64);
	ck_assert_int_eq(transfer_of(span_str("QUOTED-PRINTABLE")), TRANSFER_QP);
	ck_assert_int_eq(transfer_of(span_str("8Bit")), TRANSFER_8BIT);
	ck_assert_int_eq(transfer_of(span_str("x-uuencode")), TRANSFER_UNKNOWN);
}
END_TEST

START_TEST(the_ceiling_holds)
{
	struct buf out;
	struct err e = { 0 };

	buf_init(&out, 10);
	ck_assert_int_eq(transfer_decode(TRANSFER_BASE64, span_str("AAAABBBBCCCCDDDDEEEE"), &out, &e),
	    -1);
	ck_assert_str_eq(e.dsn, "5.3.4");
	ck_assert_int_eq(transfer_base64(span_str("123456789"), &out, &e), -1);
	ck_assert_uint_eq(out.n, 0);
	buf_free(&out);
}
END_TEST

Suite *suite_transfer(void);
Suite *
suite_transfer(void)
{
	Suite *s = suite_create("transfer");
	TCase *tc = tcase_create("transfer");

	tcase_add_loop_test(tc, decoding, 0, sizeof decodes / sizeof *decodes);
	tcase_add_loop_test(tc, quoting, 0, sizeof quoted / sizeof *quoted);
	tcase_add_test(tc, base64_comes_back);
	tcase_add_test(tc, names);
	tcase_add_test(tc, the_ceiling_holds);
	suite_add_tcase(s, tc);
	return s;
}
