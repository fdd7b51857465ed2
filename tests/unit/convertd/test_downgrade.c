/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* Transfer encodings for hops that take less (RFC 6152, RFC 3030): what a message becomes, word by
 * word, and that the sender's check lets it pass. */
#include "convertd/apply.h"

#include <stdlib.h>

#include "lib/mime.h"
#include "tests/unit/suites.h"

#define MIME "MIME-Version: 1.0\r\n"
#define MIXED MIME "Content-Type: multipart/mixed; boundary=b\r\n"
#define CTE(how) "Content-Transfer-Encoding: " how "\r\n"
#define QP CTE("quoted-printable")

static const struct {
	const char *name;
	enum edit_transfer to;
	const char *in, *want;		/* want NULL: refused with 5.6.3 */
} rows[] = {
	/* RFC 6152, 3: valid 7-bit MIME, no loss */
	{ "text becomes quoted-printable", EDIT_TO_7BIT,
	    MIME "Content-Type: text/plain; charset=utf-8\r\n" CTE("8bit") "Message-ID: <a@b>\r\n\r\n"
	    "Gr\xc3\xbc\xc3\x9f" "e = so und noch etliche Worte, damit es reicht\r\n.\r\nFrom me \r\n",
	    MIME "Content-Type: text/plain; charset=utf-8\r\n" QP "Message-ID: <a@b>\r\n\r\n"
	    "Gr=C3=BC=C3=9Fe =3D so und noch etliche Worte, damit es reicht\r\n=2E\r\n=46rom me=20\r\n" },
	{ "text with many such octets becomes base64", EDIT_TO_7BIT,
	    MIME "Content-Type: text/plain; charset=utf-8\r\n" CTE("8bit") "\r\n\xe4\xb8\xad\xe6\x96\x87\r\n",
	    MIME "Content-Type: text/plain; charset=utf-8\r\n" CTE("base64") "\r\n5Lit5paHDQo=\r\n" },
	{ "what is no text becomes base64", EDIT_TO_7BIT,
	    MIME "Content-Type: application/x-a\r\n" CTE("8bit") "\r\nabcdefghijkl\xff\r\n",
	    MIME "Content-Type: application/x-a\r\n" CTE("base64") "\r\nYWJjZGVmZ2hpamts/w0K\r\n" },
	{ "7-bit content needs only the label", EDIT_TO_7BIT, MIME CTE("8bit") "\r\nplain\r\n",
	    MIME CTE("7bit") "\r\nplain\r\n" },
	{ "no label, which is 7bit, and a lie", EDIT_TO_7BIT, MIME "Content-Type: text/plain\r\n\r\n"
	    "once upon a time in M\xfcnchen\r\n", MIME "Content-Type: text/plain\r\n" QP "\r\n"
	    "once upon a time in M=FCnchen\r\n" },
	{ "no MIME at all (RFC 1428)", EDIT_TO_7BIT, "Subject: x\r\n\r\nonce upon a time in M\xfcnchen\r\n",
	    "Subject: x\r\n" MIME "Content-Type: text/plain; charset=unknown-8bit\r\n" QP "\r\n"
	    "once upon a time in M=FCnchen\r\n" },
	{ "no field at all", EDIT_TO_7BIT, "\r\nonce upon a time in M\xfcnchen\r\n",
	    MIME "Content-Type: text/plain; charset=unknown-8bit\r\n" QP "\r\n"
	    "once upon a time in M=FCnchen\r\n" },
	{ "a type, yet no MIME-Version", EDIT_TO_7BIT,
	    "Content-Type: text/html\r\n" CTE("8bit") "\r\nonce upon a time in M\xfcnchen\r\n",
	    "Content-Type: text/html\r\n" MIME QP "\r\nonce upon a time in M=FCnchen\r\n" },
	{ "only the parts that need it; the labels of what encloses them", EDIT_TO_7BIT,
	    MIXED CTE("8bit") "\r\npreamble\r\n--b\r\nContent-Type: text/plain\r\n\r\nplain = text\r\n"
	    "--b\r\n" CTE("8BIT (yes)") "\r\nonce upon a time in M\xfcnchen\r\n--b\r\n"
	    "Content-Type: image/tiff\r\n" CTE("base64") "\r\nSUkqAA==\r\n--b--\r\nepilogue\r\n",
	    MIXED CTE("7bit") "\r\npreamble\r\n--b\r\nContent-Type: text/plain\r\n\r\nplain = text\r\n"
	    "--b\r\n" QP "\r\nonce upon a time in M=FCnchen\r\n--b\r\n"
	    "Content-Type: image/tiff\r\n" CTE("base64") "\r\nSUkqAA==\r\n--b--\r\nepilogue\r\n" },
	{ "a part without a header", EDIT_TO_7BIT,
	    MIXED "\r\n--b\r\n\r\nonce upon a time in M\xfcnchen\r\n--b--\r\n",
	    MIXED "\r\n--b\r\n" QP "\r\nonce upon a time in M=FCnchen\r\n--b--\r\n" },
	{ "a message within is recoded inside", EDIT_TO_7BIT,
	    MIXED CTE("8bit") "\r\n--b\r\nContent-Type: message/rfc822\r\n" CTE("8bit") "\r\nSubject: in\r\n"
	    MIME CTE("8bit") "\r\nonce upon a time in M\xfcnchen\r\n--b--\r\n",
	    MIXED CTE("7bit") "\r\n--b\r\nContent-Type: message/rfc822\r\n" CTE("7bit") "\r\nSubject: in\r\n"
	    MIME QP "\r\nonce upon a time in M=FCnchen\r\n--b--\r\n" },
	{ "in a digest too", EDIT_TO_7BIT,
	    MIME "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: in\r\n\r\n"
	    "once upon a time in M\xfcnchen\r\n--b--\r\n",
	    MIME "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: in\r\n" MIME
	    "Content-Type: text/plain; charset=unknown-8bit\r\n" QP "\r\n"
	    "once upon a time in M=FCnchen\r\n--b--\r\n" },
	{ "no boundary is made by a soft line break", EDIT_TO_7BIT,
	    MIXED "\r\n--b\r\n\r\n"
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xfc--b--\r\n--b--\r\n",
	    MIXED "\r\n--b\r\n" QP "\r\n"
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=FC=\r\n=2D-b--\r\n--b--\r\n" },
	{ "message/global may be encoded (RFC 6532, 3.5)", EDIT_TO_7BIT,
	    MIXED "\r\n--b\r\nContent-Type: message/global\r\n\r\nSubject: \xc3\xbc\r\n\r\nx\r\n--b--\r\n",
	    MIXED "\r\n--b\r\nContent-Type: message/global\r\n" CTE("base64") "\r\n"
	    "U3ViamVjdDogw7wNCg0KeA==\r\n\r\n--b--\r\n" },
	{ "a signed part is left alone", EDIT_TO_7BIT,
	    MIME "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n" CTE("8bit") "\r\nM\xfcnchen\r\n"
	    "--b\r\nContent-Type: application/pgp-signature\r\n\r\nx\r\n--b--\r\n", NULL },
	{ "and passes if it fits", EDIT_TO_7BIT,
	    MIXED "\r\n--b\r\nContent-Type: multipart/signed; boundary=c\r\n\r\n--c\r\n" CTE("8bit")
	    "\r\nx\r\n--c--\r\n--b\r\n\r\nonce upon a time in M\xfcnchen\r\n--b--\r\n",
	    MIXED "\r\n--b\r\nContent-Type: multipart/signed; boundary=c\r\n\r\n--c\r\n" CTE("8bit")
	    "\r\nx\r\n--c--\r\n--b\r\n" QP "\r\nonce upon a time in M=FCnchen\r\n--b--\r\n" },
	{ "encrypted", EDIT_TO_7BIT, MIME "Content-Type: application/pkcs7-mime\r\n" CTE("8bit")
	    "\r\n\xfc\r\n", NULL },
	{ "message/partial", EDIT_TO_7BIT, MIME "Content-Type: message/partial; id=1; number=1\r\n\r\n"
	    "\xfc\r\n", NULL },
	{ "message/delivery-status must not be encoded (RFC 2045, 6.4)", EDIT_TO_7BIT,
	    MIXED "\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nx: \xfc\r\n--b--\r\n", NULL },
	{ "a raw octet in a header", EDIT_TO_7BIT, "Subject: \xfc\r\n\r\nx\r\n", NULL },
	{ "in a preamble", EDIT_TO_7BIT, MIXED "\r\n\xfc\r\n--b\r\n\r\nx\r\n--b--\r\n", NULL },
	{ "never a second encoding (RFC 3030, 3)", EDIT_TO_7BIT, MIME CTE("quoted-printable") "\r\n\xfc\r\n",
	    NULL },
	{ "an encoding that is not known", EDIT_TO_7BIT, MIME CTE("x-mine") "\r\n\xfc\r\n", NULL },
	{ "two encodings", EDIT_TO_7BIT, MIME CTE("8bit") CTE("8bit") "\r\n\xfc\r\n", NULL },
	{ "a multipart that is not closed", EDIT_TO_7BIT, MIXED "\r\n--b\r\n\r\n\xfc\r\n", NULL },
	{ "a multipart without MIME-Version", EDIT_TO_7BIT,
	    "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n\xfc\r\n--b--\r\n", NULL },
	/* RFC 3030, 3: from binary, to lines of 8-bit octets or 7-bit ones */
	{ "binary that is lines of 8 bits", EDIT_TO_8BIT, MIXED CTE("binary") "\r\n--b\r\n" CTE("binary")
	    "\r\n\xfc\r\n--b\r\n" CTE("binary") "\r\nx\r\n--b--\r\n",
	    MIXED CTE("8bit") "\r\n--b\r\n" CTE("8bit") "\r\n\xfc\r\n--b\r\n" CTE("7bit")
	    "\r\nx\r\n--b--\r\n" },
	{ "text with a bare LF", EDIT_TO_8BIT, MIME CTE("binary") "\r\na\nb\r\n",
	    MIME CTE("base64") "\r\nYQpiDQo=\r\n" },
	{ "text with a bare CR at its end", EDIT_TO_7BIT, MIME CTE("binary") "\r\na\r",
	    MIME CTE("base64") "\r\nYQ0=\r\n" },
	{ "text without a last CRLF gets none", EDIT_TO_8BIT, MIME CTE("binary") "\r\nno end, and a = sign",
	    MIME CTE("base64") "\r\nbm8gZW5kLCBhbmQgYSA9IHNpZ24=\r\n" },
	{ "quoted-printable without a last CRLF: the one that DATA adds is none", EDIT_TO_8BIT,
	    MIME QP "\r\na=3Db\r\nend", MIME QP "\r\na=3Db\r\nend=" },
	{ "with white space, which counts for nothing", EDIT_TO_7BIT, MIME QP "\r\nend \t", MIME QP "\r\nend= \t" },
	{ "in a soft line end", EDIT_TO_8BIT, MIME QP "\r\nend=", MIME QP "\r\nend=" },
	{ "in a message within", EDIT_TO_8BIT, MIME "Content-Type: message/rfc822\r\n\r\n" QP "\r\nend",
	    MIME "Content-Type: message/rfc822\r\n\r\n" QP "\r\nend=" },
	{ "what is behind the last part is no content", EDIT_TO_8BIT, MIXED "\r\n--b\r\n" QP "\r\nx\r\n--b--",
	    MIXED "\r\n--b\r\n" QP "\r\nx\r\n--b--" },
	{ "nor is base64's", EDIT_TO_8BIT, MIME CTE("base64") "\r\nYQ==", MIME CTE("base64") "\r\nYQ==" },
	{ "a bare LF in a signed part", EDIT_TO_8BIT, MIME "Content-Type: multipart/signed; boundary=b\r\n"
	    "\r\n--b\r\n" CTE("binary") "\r\na\nb\r\n--b--\r\n", NULL },
	{ "a NUL between parts", EDIT_TO_8BIT, MIXED "\r\na\x01\r\n\n--b\r\n\r\nx\r\n--b--\r\n", NULL },
	{ "8-bit lines stay", EDIT_TO_8BIT, MIME CTE("8bit") "\r\n\xfc\r\n", MIME CTE("8bit")
	    "\r\n\xfc\r\n" },
};

static int
put(void *arg, struct span piece, struct err *e)
{
	return buf_add(arg, piece, e);
}

/* -1: refused, *e. */
static int
made(struct span in, enum edit_transfer to, struct buf *result, struct err *e)
{
	struct apply_by by = { .me = "me.example", .transfer = to };
	struct edit_list list;
	struct buf coded;
	int r;

	buf_init(&coded, 64 << 20);
	r = apply_key(in, span_str(""), &by, &fax_limits, &coded, e);
	if (r == 0) {
		ck_assert_int_eq(edit_decode(buf_view(&coded), in.n, &list, e), 0);
		ck_assert_msg(edit_check_transfer(&list, in, to, NULL, 0, e) == 0, "%s", e->what);
		ck_assert_int_eq(edit_walk(&list, in, put, result, e), 0);
		ck_assert_uint_eq(result->n, list.size);
		edit_free(&list);
	}
	buf_free(&coded);
	return r;
}

START_TEST(message_becomes_so)
{
	struct buf result;
	struct err e = { 0 };
	int r;

	buf_init(&result, 1 << 20);
	r = made(span_str(rows[_i].in), rows[_i].to, &result, &e);
	if (rows[_i].want == NULL) {
		ck_assert_msg(r == -1 && e.kind == ERR_PERM && strcmp(e.dsn, "5.6.3") == 0, "%s: %d %s %s",
		    rows[_i].name, r, e.dsn, e.what);
	} else {
		ck_assert_msg(r == 0, "%s: %s", rows[_i].name, e.what);
		ck_assert_msg(span_is(buf_view(&result), rows[_i].want), "%s:\n%.*s", rows[_i].name,
		    (int)result.n, (char *)result.p);
	}
	buf_free(&result);
}
END_TEST

/* H1: every octet value, in lines of any length, comes back from what was made of it. */
START_TEST(content_stays)
{
	static const char *const types[] = { "text/plain", "application/octet-stream" };
	struct buf in, result, back;
	struct mime m;
	struct err e = { 0 };
	size_t at;

	buf_init(&in, 1 << 20);
	buf_init(&result, 4 << 20);
	buf_init(&back, 1 << 20);
	ck_assert_int_eq(buf_addf(&in, &e, MIME "Content-Type: %s\r\n" CTE("binary") "\r\n", types[_i % 2]), 0);
	at = in.n;
	for (unsigned i = 0; i < 3000; i++)	/* _i: how many of them are plain */
		ck_assert_int_eq(buf_add_byte(&in, i % 16 < (unsigned)_i ? 'a' + (int)(i % 26) :
		    (int)(i * 7 / 16 % 256), &e), 0);
	ck_assert_msg(made(buf_view(&in), EDIT_TO_7BIT, &result, &e) == 0, "%s", e.what);
	ck_assert_int_eq(mime_parse(buf_view(&result), &m, &e), 0);
	ck_assert_int_eq(transfer_decode(m.part[0].transfer, m.part[0].body, &back, &e), 0);
	ck_assert(span_eq(buf_view(&back), span_sub(buf_view(&in), at, in.n)));
	for (size_t i = 0, line = 0; i < result.n; i++) {
		ck_assert_uint_lt(result.p[i], 128);
		line = result.p[i] == '\n' ? 0 : line + 1;
		ck_assert_uint_le(line, 998 + 1);
	}
	mime_free(&m);
	buf_free(&in);
	buf_free(&result);
	buf_free(&back);
}
END_TEST

/* A long line has no place in 7-bit or 8-bit lines (RFC 5322, 2.1.1); of just the limit it has. */
START_TEST(lines_have_a_length)
{
	struct buf in, result;
	struct err e = { 0 };

	buf_init(&in, 1 << 20);
	buf_init(&result, 1 << 20);
	ck_assert_int_eq(buf_addf(&in, &e, MIME CTE("binary") "\r\n%0*d\r\n", 998 + _i, 0), 0);
	ck_assert_int_eq(made(buf_view(&in), EDIT_TO_8BIT, &result, &e), 0);
	ck_assert_int_eq(memmem(result.p, result.n, "7bit", 4) != NULL, _i == 0);
	ck_assert_int_eq(memmem(result.p, result.n, QP, sizeof QP - 1) != NULL, _i == 1);
	buf_free(&in);
	buf_free(&result);
}
END_TEST

/* 20 MB of the worst kind grow by no more than base64 does, and in bounded time. */
START_TEST(much_is_encoded)
{
	struct buf in, result;
	struct err e = { 0 };
	enum { N = 20 << 20 };
	unsigned char *to;

	buf_init(&in, N + 1000);
	buf_init(&result, 64 << 20);
	ck_assert_int_eq(buf_add_str(&in, MIME CTE("8bit") "\r\n", &e), 0);
	to = buf_room(&in, N, &e);
	for (size_t i = 0; i < N; i++)
		to[i] = i % 64 == 62 ? '\r' : i % 64 == 63 ? '\n' : i % 6 == 0 ? 0xe4 : 'x';
	in.n += N;
	ck_assert_int_eq(made(buf_view(&in), EDIT_TO_7BIT, &result, &e), 0);
	ck_assert_uint_le(result.n, in.n + in.n / 5 * 2);
	buf_free(&in);
	buf_free(&result);
}
END_TEST

Suite *suite_downgrade(void);

Suite *
suite_downgrade(void)
{
	Suite *s = suite_create("downgrade");
	TCase *tc = tcase_create("downgrade");

	tcase_add_loop_test(tc, message_becomes_so, 0, (int)(sizeof rows / sizeof *rows));
	tcase_add_loop_test(tc, content_stays, 0, 17);
	tcase_add_loop_test(tc, lines_have_a_length, 0, 2);
	tcase_add_test(tc, much_is_encoded);
	suite_add_tcase(s, tc);
	return s;
}
