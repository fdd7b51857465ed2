/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* R17: who originates Content-Convert says Content-Features beside it (RFC 4141, 7). */
#include "cmd/describe.h"

#include <check.h>
#include <string.h>

#define HEAD "From: a@b.example\r\nMIME-Version: 1.0\r\n"
#define TIFF "Content-Type: image/tiff\r\n"
#define NO_TYPE "Content-Type: application/octet-stream\r\n"
#define BASE64 "Content-Transfer-Encoding: base64\r\n"
#define ANY "Content-Convert: ANY\r\n"
#define FILE "\r\nII*file\r\n"
#define SAID "Content-Features: (image-coding=MH)\r\n"

static struct err e;

/* What an image is, if it is one. */
static int
image(void *arg, struct span file, struct buf *out, struct err *why)
{
	(*(int *)arg)++;
	if (file.n >= 3 && memcmp(file.p, "II*", 3) == 0)
		return buf_add_str(out, "(image-coding=MH)", why);
	return err_set(why, ERR_PERM, "5.6.1", "no TIFF");
}

/* The message that comes of text, or NULL; asked: how many images were looked at. */
static const char *
described(const char *text, int *asked)
{
	static struct buf m;
	int r;

	buf_free(&m);
	buf_init(&m, 100000);
	*asked = 0;
	e = (struct err){ 0 };
	ck_assert_int_eq(buf_add_str(&m, text, &e), 0);
	r = describe_message(&m, image, asked, &e);
	ck_assert_int_eq(buf_add_byte(&m, '\0', &e), 0);
	if (r == -1)
		ck_assert_str_eq((const char *)m.p, text);
	return r == 0 ? (const char *)m.p : NULL;
}

static const struct { const char *what, *in, *out; int asked; } cases[] = {
	{ "an image", HEAD TIFF ANY FILE, HEAD TIFF SAID ANY FILE, 1 },
	{ "one that says what it is", HEAD TIFF ANY SAID FILE, HEAD TIFF ANY SAID FILE, 0 },
	{ "without permission nothing is said", HEAD TIFF FILE, HEAD TIFF FILE, 0 },
	{ "NONE is a Content-Convert too", HEAD TIFF "content-convert: none\r\n" FILE,
	    HEAD TIFF SAID "content-convert: none\r\n" FILE, 1 },
	{ "a fax in a file of no type", HEAD NO_TYPE BASE64 ANY "\r\nSUkqAGZpbGU=\r\n",
	    HEAD NO_TYPE BASE64 SAID ANY "\r\nSUkqAGZpbGU=\r\n", 1 },
	{ "another file of no type", HEAD NO_TYPE ANY "\r\nx\r\n",
	    HEAD NO_TYPE
	    "Content-Features: (type=\"application/octet-stream\")\r\n" ANY "\r\nx\r\n", 0 },
	{ "what no image is, by its type", HEAD "Content-Type: Application/PDF; x=y\r\n" ANY "\r\nx\r\n",
	    HEAD "Content-Type: Application/PDF; x=y\r\nContent-Features: (type=\"application/pdf\")\r\n" ANY
	    "\r\nx\r\n", 0 },
	{ "parts, and all of them that need it", HEAD "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
	    "--b\r\n" TIFF ANY FILE "--b\r\n" ANY "\r\ntext\r\n--b\r\n" TIFF FILE "--b--\r\n",
	    HEAD "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
	    "--b\r\n" TIFF SAID ANY FILE "--b\r\nContent-Features: (type=\"text/plain\")\r\n" ANY
	    "\r\ntext\r\n--b\r\n" TIFF FILE "--b--\r\n", 1 },
	{ "branches: any of them", HEAD "Content-Type: multipart/alternative; boundary=b\r\n" ANY "\r\n"
	    "--b\r\n\r\ntext\r\n--b\r\n" TIFF FILE "--b\r\n" TIFF "\r\nspoilt\r\n--b--\r\n",
	    HEAD "Content-Type: multipart/alternative; boundary=b\r\n"
	    "Content-Features: (| (type=\"text/plain\") (image-coding=MH) (type=\"image/tiff\"))\r\n" ANY "\r\n"
	    "--b\r\n\r\ntext\r\n--b\r\n" TIFF FILE "--b\r\n" TIFF "\r\nspoilt\r\n--b--\r\n", 2 },
	{ "a message that is attached came from elsewhere",
	    HEAD "Content-Type: message/rfc822\r\n" ANY "\r\n" HEAD TIFF ANY FILE,
	    HEAD "Content-Type: message/rfc822\r\nContent-Features: (type=\"message/rfc822\")\r\n" ANY "\r\n"
	    HEAD TIFF ANY FILE, 0 },
	{ "a message on its way came from elsewhere", "Received: by x.example; y\r\n" HEAD TIFF ANY FILE,
	    "Received: by x.example; y\r\n" HEAD TIFF ANY FILE, 0 },
	{ "around what is signed there is room", HEAD "Content-Type: multipart/signed; boundary=b\r\n" ANY "\r\n"
	    "--b\r\n" TIFF FILE "--b\r\nContent-Type: x/sig\r\n\r\nx\r\n--b--\r\n",
	    HEAD "Content-Type: multipart/signed; boundary=b\r\n"
	    "Content-Features: (| (image-coding=MH) (type=\"x/sig\"))\r\n" ANY "\r\n"
	    "--b\r\n" TIFF FILE "--b\r\nContent-Type: x/sig\r\n\r\nx\r\n--b--\r\n", 1 },
};

START_TEST(R17_what_may_be_converted_is_described)
{
	const char *got;
	int asked;

	got = described(cases[_i].in, &asked);
	ck_assert_msg(got != NULL, "%s: %s", cases[_i].what, e.what);
	ck_assert_msg(strcmp(got, cases[_i].out) == 0, "%s:\n%s", cases[_i].what, got);
	ck_assert_msg(asked == cases[_i].asked, "%s: %d", cases[_i].what, asked);
}
END_TEST

static const struct { const char *in, *why; } refused[] = {
	{ HEAD TIFF ANY "\r\nspoilt\r\n", "part 1 (image/tiff): no TIFF" },
	{ HEAD "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" TIFF ANY FILE
	    "--b\r\nContent-Type: image/tiff-fx\r\nContent-Transfer-Encoding: x-own\r\n" ANY FILE "--b--\r\n",
	    "part 2 (image/tiff-fx): " },
	{ HEAD "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n" TIFF ANY FILE
	    "--b\r\nContent-Type: x/sig\r\n\r\nx\r\n--b--\r\n",
	    "part 1 (image/tiff): Content-Convert needs a Content-Features, which cannot be added: it is signed" },
	{ HEAD TIFF TIFF ANY FILE, "part 1 (text/plain): Content-Convert needs a Content-Features, which cannot be "
	    "added: it is not well" },
};

START_TEST(R17_what_cannot_be_described_is_refused)
{
	int asked;

	ck_assert_ptr_null(described(refused[_i].in, &asked));
	ck_assert_int_eq(e.kind, ERR_PERM);
	ck_assert_msg(strncmp(e.what, refused[_i].why, strlen(refused[_i].why)) == 0, "%s", e.what);
}
END_TEST

/* A converter that is away is no fault of the image; a ceiling is one of the message. */
static int
away(void *arg, struct span file, struct buf *out, struct err *why)
{
	(void)arg, (void)file, (void)out;
	return err_set(why, ERR_TEMP, "4.6.5", "busy");
}

START_TEST(R17_what_cannot_be_described_now_is_later)
{
	static const char *const texts[] = { HEAD TIFF ANY FILE, HEAD "Content-Type: multipart/mixed; boundary=b\r\n"
	    ANY "\r\n--b\r\n" TIFF FILE "--b--\r\n" };
	struct buf m;

	buf_init(&m, 1000);
	ck_assert_int_eq(buf_add_str(&m, texts[_i], &e), 0);
	ck_assert_int_eq(describe_message(&m, away, NULL, &e), -1);
	ck_assert_int_eq(e.kind, ERR_TEMP);
	ck_assert(span_is(buf_view(&m), texts[_i]));
	m.max = m.n + 5;
	ck_assert_int_eq(describe_message(&m, image, &(int){ 0 }, &e), -1);
	ck_assert(span_is(buf_view(&m), texts[_i]));
	buf_free(&m);
}
END_TEST

Suite *suite_describe(void);
Suite *
suite_describe(void)
{
	Suite *s = suite_create("describe");
	TCase *t = tcase_create("describe");

	tcase_add_loop_test(t, R17_what_may_be_converted_is_described, 0, sizeof cases / sizeof *cases);
	tcase_add_loop_test(t, R17_what_cannot_be_described_is_refused, 0, sizeof refused / sizeof *refused);
	tcase_add_loop_test(t, R17_what_cannot_be_described_now_is_later, 0, 2);
	suite_add_tcase(s, t);
	return s;
}
