/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/mime.h"

#include <check.h>

#define MIXED(b) "Content-Type: multipart/mixed; boundary=" b "\r\n\r\n"
#define ATTACHED "Content-Type: message/rfc822\r\n\r\n"
#define FOLDED "Content-Type: message/rfc822||||"
#define IMAGE "Content-Type: image/tiff\r\nContent-Transfer-Encoding: base64\r\n\r\n"

/* A message and its parts: "PATH TYPE BODY", M multipart, B broken, P protected, R report. */
static const struct { const char *name, *in, *want; } cases[] = {
	{ "a plain message", "Subject: x\r\n\r\nhello\r\n", "1  [hello||]\n" },
	{ "no body", "Subject: x\r\n", "1  []\n" },
	{ "no header", "\r\nhello", "1  [hello]\n" },
	{ "an image alone", IMAGE "AAAA\r\n", "1 image/tiff [AAAA||]\n" },
	{ "two parts", MIXED("b") "pre\r\n--b\r\n\r\nhi\r\n--b\r\n" IMAGE "AAAA\r\n--b--\r\nepi\r\n",
	    "0 multipart/mixed M\n1  [hi]\n2 image/tiff [AAAA]\n" },
	{ "no preamble, padding behind", MIXED("\"b c\"") "--b c \t\r\n\r\nhi\r\n--b c-- ",
	    "0 multipart/mixed M\n1  [hi]\n" },
	{ "a line end that is the part's", MIXED("b") "--b\r\n\r\nhi\r\n\r\n--b--",
	    "0 multipart/mixed M\n1  [hi||]\n" },
	{ "empty parts", MIXED("b") "--b\r\n--b\r\n\r\n--b\r\n\r\n\r\n--b--",
	    "0 multipart/mixed M\n1  []\n2  []\n3  []\n" },
	{ "nested", MIXED("b") "--b\r\n" MIXED("c") "--c\r\n\r\n1\r\n--c\r\n" IMAGE "2\r\n--c--\r\n"
	    "--b\r\n\r\n3\r\n--b--\r\n",
	    "0 multipart/mixed M\n1 multipart/mixed M\n1.1  [1]\n1.2 image/tiff [2]\n2  [3]\n" },
	{ "a message inside", ATTACHED MIXED("b") "--b\r\n\r\nx\r\n--b--", "1 message/rfc822 [Content-Type: multipart/mixed;"
	    " boundary=b||||--b||||x||--b--]\n1.0 multipart/mixed M\n1.1  [x]\n" },
	{ "one of a single part", MIXED("b") "--b\r\n\r\nx\r\n--b\r\n" ATTACHED IMAGE "AAAA\r\n--b\r\n\r\ny\r\n--b--",
	    "0 multipart/mixed M\n1  [x]\n2 message/rfc822 [Content-Type: image/tiff||Content-Transfer-Encoding: base64||"
	    "||AAAA]\n2.1 image/tiff [AAAA]\n3  [y]\n" },
	{ "one in one", MIXED("b") "--b\r\n" ATTACHED ATTACHED MIXED("c") "--c\r\n" IMAGE "A\r\n--c--\r\n--b--",
	    "0 multipart/mixed M\n1 message/rfc822 [Content-Type: message/rfc822||||Content-Type: multipart/mixed; boundary=c"
	    "||||--c||Content-Type: image/tiff||Content-Transfer-Encoding: base64||||A||--c--]\n"
	    "1.1 message/rfc822 [Content-Type: multipart/mixed; boundary=c||||--c||Content-Type: image/tiff||"
	    "Content-Transfer-Encoding: base64||||A||--c--]\n1.1.0 multipart/mixed M\n1.1.1 image/tiff [A]\n" },
	{ "one in base64 stays closed", "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA",
	    "1 message/rfc822 [AAAA]\n" },
	{ "one in another encoding of none", "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\r\nx",
	    "1 message/rfc822 [||x]\n1.1  [x]\n" },
	{ "the fourth of messages in messages stays closed", ATTACHED ATTACHED ATTACHED ATTACHED "\r\nx",
	    "1 message/rfc822 [" FOLDED FOLDED FOLDED "||x]\n1.1 message/rfc822 [" FOLDED FOLDED "||x]\n1.1.1 message/rfc822 ["
	    FOLDED "||x]\n1.1.1.1 message/rfc822 [||x]\n" },
	{ "an attached message that is read in two ways", MIXED("b") "--b\r\n" ATTACHED MIXED("c") "--c\r\n\r\nx\r\n--cc\r\n"
	    "--c--\r\n--b\r\n\r\ny\r\n--b--", "0 multipart/mixed M\n1 message/rfc822 [Content-Type: multipart/mixed;"
	    " boundary=c||||--c||||x||--cc||--c--]\n1.0 multipart/mixed MB\n1.1  B[x||--cc]\n2  [y]\n" },
	{ "one in what is", MIXED("b") "--b\r\n" ATTACHED "\r\nx\r\n", "0 multipart/mixed MB\n1 message/rfc822 B[||x||]\n"
	    "1.1  B[x||]\n" },
	{ "a boundary inside that is the outer one's start", MIXED("bc") "--bc\r\n" ATTACHED MIXED("b")
	    "--b\r\n\r\nx\r\n--b--\r\n--bc--", "0 multipart/mixed MB\n1 message/rfc822 B[Content-Type: multipart/mixed;"
	    " boundary=b||||--b||||x||--b--]\n1.0 multipart/mixed MB\n1.1  B[x]\n" },
	{ "attached to what is signed (R29)", "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n" ATTACHED IMAGE
	    "A\r\n--b--", "0 multipart/signed MP\n1 message/rfc822 P[Content-Type: image/tiff||"
	    "Content-Transfer-Encoding: base64||||A]\n1.1 image/tiff P[A]\n" },
	{ "attached to a report", "Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\n" ATTACHED "\r\nx\r\n--b--",
	    "0 multipart/report MR\n1 message/rfc822 R[||x]\n1.1  R[x]\n" },
	{ "a digest", "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nFrom: a\r\n\r\nx\r\n--b--",
	    "0 multipart/digest M\n1  [From: a||||x]\n1.1  [x]\n" },
	{ "comments and case", "CONTENT-TYPE: (a(b)c) Multipart/Mixed (d) ; (e) BOUNDARY = \"b\\\"c\" "
	    "(f)\r\n\r\n--b\"c\r\n\r\nx\r\n--b\"c--", "0 Multipart/Mixed M\n1  [x]\n" },
	{ "a folded type", "Content-Type:\r\n multipart/mixed;\r\n\tboundary=b\r\n\r\n--b\r\n\r\nx"
	    "\r\n--b--", "0 multipart/mixed M\n1  [x]\n" },
	{ "a boundary in the middle of a line is text", MIXED("b") "--b\r\n\r\nx --b\r\n--b--",
	    "0 multipart/mixed M\n1  [x --b]\n" },

	{ "signed (R29)", "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n" MIXED("c")
	    "--c\r\n" IMAGE "A\r\n--c--\r\n--b\r\nContent-Type: application/pgp-signature\r\n\r\ns"
	    "\r\n--b--", "0 multipart/signed MP\n1 multipart/mixed MP\n1.1 image/tiff P[A]\n"
	    "2 application/pgp-signature P[s]\n" },
	{ "encrypted (R29)", "Content-Type: multipart/encrypted; boundary=b\r\n\r\n--b\r\n\r\nx"
	    "\r\n--b--", "0 multipart/encrypted MP\n1  P[x]\n" },
	{ "S/MIME (R29)", "Content-Type: application/pkcs7-mime\r\n\r\nx",
	    "1 application/pkcs7-mime P[x]\n" },
	{ "signed, beside what is not", MIXED("b") "--b\r\nContent-Type: multipart/signed; boundary=c"
	    "\r\n\r\n--c\r\n\r\nx\r\n--c--\r\n--b\r\n" IMAGE "A\r\n--b--",
	    "0 multipart/mixed M\n1 multipart/signed MP\n1.1  P[x]\n2 image/tiff [A]\n" },
	{ "a report", "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
	    "--b\r\n\r\nx\r\n--b--", "0 multipart/report MR\n1  R[x]\n" },

	{ "no boundary", "Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\nx\r\n--b--",
	    "1 multipart/mixed B[--b||||x||--b--]\n" },
	{ "two boundaries", "Content-Type: multipart/mixed; boundary=b; boundary=c\r\n\r\n",
	    "1 multipart/mixed B[]\n" },
	{ "a boundary in pieces", "Content-Type: multipart/mixed; boundary*0=b; boundary*1=c\r\n\r\n",
	    "1 multipart/mixed B[]\n" },
	{ "two types", "Content-Type: text/plain\r\nContent-Type: image/tiff\r\n\r\nx",
	    "1  B[x]\n" },
	{ "no type at all", "Content-Type: text\r\n\r\nx", "1  B[x]\n" },
	{ "a type with rubbish", "Content-Type: image/tiff name=x\r\n\r\nx", "1 image/tiff B[x]\n" },
	{ "two encodings", "Content-Transfer-Encoding: base64\r\nContent-Transfer-Encoding: 7bit\r\n"
	    "\r\nx", "1  B[x]\n" },
	{ "never closed", MIXED("b") "--b\r\n\r\nx\r\n", "0 multipart/mixed MB\n1  B[x||]\n" },
	{ "no part", MIXED("b") "nothing", "1 multipart/mixed MB\n" },
	{ "a multipart in base64", "Content-Type: multipart/mixed; boundary=b\r\n"
	    "Content-Transfer-Encoding: base64\r\n\r\n--b\r\n\r\nx\r\n--b--",
	    "1 multipart/mixed B[--b||||x||--b--]\n" },
	{ "a delimiter after LF alone", MIXED("b") "--b\r\n\r\nx\n--b\r\n\r\ny\r\n--b--",
	    "0 multipart/mixed MB\n1  B[x\n--b||||y]\n" },
	{ "a delimiter that ends with LF alone", MIXED("b") "--b\r\n\r\nx\r\n--b\n\r\ny\r\n--b--",
	    "0 multipart/mixed MB\n1  B[x||--b\n||y]\n" },
	{ "a delimiter with more behind", MIXED("b") "--b\r\n\r\nx\r\n--bc\r\n\r\ny\r\n--b--",
	    "0 multipart/mixed MB\n1  B[x||--bc||||y]\n" },
	{ "a part after the end", MIXED("b") "--b\r\n\r\nx\r\n--b--\r\n--b\r\n\r\ny\r\n",
	    "0 multipart/mixed MB\n1  B[x]\n" },
	{ "a boundary that starts with the outer one", MIXED("b") "--b\r\n" MIXED("bc")
	    "--bc\r\n\r\nx\r\n--bc--\r\n--b--", "0 multipart/mixed MB\n1 multipart/mixed MB\n"
	    "1.1  B[x]\n" },
	{ "a boundary that the outer one starts with", MIXED("bc") "--bc\r\n" MIXED("b")
	    "--b\r\n\r\nx\r\n--b--\r\n--bc--", "0 multipart/mixed MB\n1 multipart/mixed MB\n"
	    "1.1  B[x]\n" },
	{ "the same boundary inside", MIXED("b") "--b\r\n" MIXED("b") "--b\r\n\r\nx\r\n--b--",
	    "0 multipart/mixed MB\n1 multipart/mixed MB\n2  B[x]\n" },
	{ "a header with LF alone", "Subject: x\nContent-Type: image/tiff\r\n\r\nx", "1  B[x]\n" },
	{ "a header with CR alone", "Subject: x\rContent-Type: image/tiff\r\n\r\nx", "1  B[x]\n" },
	{ "a line that only looks blank", "Subject: x\r\n \r\nContent-Type: image/tiff\r\n\r\nx",
	    "1  B[x]\n" },
	{ "a line that is no field", "From me to you\r\nContent-Type: image/tiff\r\n\r\nx",
	    "1  B[x]\n" },
};

static void
describe(const struct mime *m, struct buf *b)
{
	struct err e = { 0 };

	for (uint32_t i = 0; i < m->n; i++) {
		const struct mime_part *p = &m->part[i];

		ck_assert_int_eq(mime_path(m, i, b, &e), 0);
		ck_assert_int_eq(buf_addf(b, &e, " %.*s %s%s%s%s", (int)p->type.n,
		    p->type.n == 0 ? "" : (const char *)p->type.p, p->multipart ? "M" : "",
		    p->broken ? "B" : "", p->protected ? "P" : "", p->report ? "R" : ""), 0);
		for (size_t k = 0; !p->multipart && k <= p->body.n; k++) {
			int c = k == p->body.n ? ']' : p->body.p[k];

			if (k == 0)
				ck_assert_int_eq(buf_add_byte(b, '[', &e), 0);
			if (k + 1 < p->body.n && memcmp(p->body.p + k, "\r\n", 2) == 0) {
				ck_assert_int_eq(buf_add_str(b, "||", &e), 0);
				k++;
			} else {
				ck_assert_int_eq(buf_add_byte(b, c, &e), 0);
			}
		}
		ck_assert_int_eq(buf_add_byte(b, '\n', &e), 0);
	}
}

START_TEST(structure)
{
	struct mime m;
	struct buf b;
	struct err e = { 0 };

	buf_init(&b, 65536);
	ck_assert_int_eq(mime_parse(span_str(cases[_i].in), &m, &e), 0);
	describe(&m, &b);
	ck_assert_msg(span_is(buf_view(&b), cases[_i].want), "%s:\n%.*s---\n%s", cases[_i].name,
	    (int)b.n, (char *)b.p, cases[_i].want);
	for (uint32_t i = 0; i < m.n; i++) {
		buf_clear(&b);
		ck_assert_int_eq(mime_path(&m, i, &b, &e), 0);
		ck_assert_uint_eq(mime_by_path(&m, buf_view(&b)), i);
	}
	ck_assert_uint_eq(mime_by_path(&m, span_str("7.7")), MIME_NONE);
	mime_free(&m);
	buf_free(&b);
}
END_TEST

/* A message of head and n parts; %1$c is a letter of the part's own. */
static const struct { const char *name, *head, *part; int n; } over[] = {
	{ "depth", "", "Content-Type: multipart/mixed; boundary=%1$c\r\n\r\n--%1$c\r\n", MIME_MAX_DEPTH + 1 },
	{ "parts", MIXED("b"), "--b\r\n\r\n\r\n", MIME_MAX_PARTS + 1 },
	{ "fields", "", "a:\r\n", MIME_MAX_FIELDS + 1 },
	{ "octets of a header", "a:", "\r\n 12345", MIME_MAX_HEADER / 8 + 1 },
};

START_TEST(limits)
{
	struct buf b;
	struct mime m;
	struct err e = { 0 };

	buf_init(&b, 1 << 22);
	ck_assert_int_eq(buf_add_str(&b, over[_i].head, &e), 0);
	for (int i = 0; i < over[_i].n; i++)
		ck_assert_int_eq(buf_addf(&b, &e, over[_i].part, 'a' + i % 26), 0);
	ck_assert_msg(mime_parse(buf_view(&b), &m, &e) == -1, "%s", over[_i].name);
	ck_assert_msg(e.kind == ERR_PERM && strcmp(e.dsn, "5.6.5") == 0, "%s: %s", over[_i].name, e.dsn);
	buf_free(&b);
}
END_TEST

/* It costs only what is in it. */
START_TEST(limits_of_an_attached_message)
{
	struct buf b;
	struct mime m;
	struct err e = { 0 };

	buf_init(&b, 1 << 22);
	ck_assert_int_eq(buf_add_str(&b, MIXED("\"==b\"") "--==b\r\n" ATTACHED, &e), 0);
	ck_assert_int_eq(buf_add_str(&b, over[_i].head, &e), 0);
	for (int i = 0; i < over[_i].n; i++)
		ck_assert_int_eq(buf_addf(&b, &e, over[_i].part, 'a' + i % 26), 0);
	ck_assert_int_eq(buf_add_str(&b, "\r\n--==b\r\n\r\ny\r\n--==b--", &e), 0);
	ck_assert_msg(mime_parse(buf_view(&b), &m, &e) == 0, "%s: %s", over[_i].name, e.what);
	ck_assert_uint_eq(m.n, 3);
	ck_assert(mime_is(&m.part[1], "message/rfc822") && !m.part[1].message && !m.part[1].broken);
	ck_assert(span_is(m.part[2].body, "y") && m.part[2].number == 2 && m.part[2].root == 0);
	mime_free(&m);
	buf_free(&b);
}
END_TEST

START_TEST(fields)
{
	struct span h = span_str("A : 1\r\n 2\r\nb:\r\nno field\r\na: 3\r\n");
	struct mime_field f;
	struct buf b;
	struct err e = { 0 };

	ck_assert_uint_eq(mime_field_find(h, "a", &f), 2);
	ck_assert(span_is(f.whole, "A : 1\r\n 2\r\n") && span_is(f.value, " 1\r\n 2"));
	buf_init(&b, 100);
	ck_assert_int_eq(mime_unfold(f.value, &b, &e), 0);
	ck_assert(span_is(buf_view(&b), "1 2"));
	buf_free(&b);
	ck_assert_uint_eq(mime_field_find(h, "B", &f), 1);
	ck_assert_uint_eq(f.value.n, 0);
	ck_assert_uint_eq(mime_field_find(h, "c", &f), 0);
	ck_assert_uint_eq(mime_field_find(h, "no field", &f), 0);
}
END_TEST

START_TEST(parameters)
{
	struct span rest, word;
	struct mime_param p;
	struct buf b;
	struct err e = { 0 };

	ck_assert_int_eq(mime_value(span_str(" image/tiff (x) ; name=\"a\\\"b.tif\" ;\r\n "
	    "application = faxbw; ;"), &word, &rest, &e), 0);
	ck_assert(span_is(word, "image/tiff"));
	ck_assert_int_eq(mime_param_next(&rest, &p, &e), 1);
	buf_init(&b, 100);
	ck_assert(span_is(p.name, "name") && p.quoted);
	ck_assert_int_eq(mime_param_text(&p, &b, &e), 0);
	ck_assert(span_is(buf_view(&b), "a\"b.tif"));
	ck_assert_int_eq(mime_param_next(&rest, &p, &e), 1);
	ck_assert(span_is(p.name, "application") && span_is(p.value, "faxbw"));
	ck_assert_int_eq(mime_param_next(&rest, &p, &e), 0);
	buf_free(&b);
}
END_TEST

static const char *const bad_values[] = { "", "(open", "image/ ; a=b", "image/tiff; =b",
    "image/tiff; a=", "image/tiff; a=\"open", "image/tiff; a=b c", "image/tiff a=b",
    "((((((((((((((((((((((((((((((((((()))))))))))))))))))))))))))))))))))) a/b" };

START_TEST(values_outside_the_grammar)
{
	struct span rest, word;
	struct mime_param p;
	struct err e = { 0 };
	int r = mime_value(span_str(bad_values[_i]), &word, &rest, &e);

	while (r != -1 && (r = mime_param_next(&rest, &p, &e)) == 1)
		;
	ck_assert_msg(r == -1 && e.kind == ERR_PERM, "'%s'", bad_values[_i]);
}
END_TEST

/* By the message's own header alone. */
static const struct { const char *message; bool report; } tops[] = {
	{ "Content-Type: multipart/report; report-type=delivery-status; boundary=x\r\n\r\n--x\r\n", true },
	{ "A: b\r\ncontent-type:\r\n (an MDN) Multipart/Report\r\n\r\nx\r\n", true },
	{ "Content-Type: message/delivery-status\r\n\r\n", true },
	{ "Content-Type: message/disposition-notification\r\n", true },
	{ "Content-Type: multipart/report; boundary=\"x\r\n\r\n", true },	/* the type can be read */
	{ "", false },
	{ "A: b\r\n\r\nContent-Type: multipart/report\r\n\r\n", false },
	{ "\r\nContent-Type: multipart/report\r\n\r\n", false },
	{ "Content-Type: multipart/reports\r\n\r\n", false },
	{ "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: multipart/report; boundary=y\r\n\r\n"
	    "--y--\r\n--x--\r\n", false },
	{ "Content-Type: message/rfc822\r\n\r\nContent-Type: multipart/report\r\n\r\n", false },
	{ "Content-Type: multipart/report\r\nContent-Type: multipart/report\r\n\r\n", false },
	{ "Content-Type: (multipart/report\r\n\r\n", false },
};

START_TEST(reports_are_known_by_their_header)
{
	ck_assert_msg(mime_message_is_report(span_str(tops[_i].message)) == tops[_i].report, "%d", _i);
}
END_TEST

Suite *suite_mime(void);
Suite *
suite_mime(void)
{
	Suite *s = suite_create("mime");
	TCase *tc = tcase_create("mime");

	tcase_add_loop_test(tc, structure, 0, sizeof cases / sizeof *cases);
	tcase_add_loop_test(tc, limits, 0, sizeof over / sizeof *over);
	tcase_add_loop_test(tc, limits_of_an_attached_message, 0, sizeof over / sizeof *over);
	tcase_add_test(tc, fields);
	tcase_add_test(tc, parameters);
	tcase_add_loop_test(tc, values_outside_the_grammar, 0,
	    sizeof bad_values / sizeof *bad_values);
	tcase_add_loop_test(tc, reports_are_known_by_their_header, 0, sizeof tops / sizeof *tops);
	suite_add_tcase(s, tc);
	return s;
}
