/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/contfield.h"

#include <check.h>
#include <stdio.h>

#include "lib/clock.h"

/* --- Content-Convert --- */

static const struct { const char *name, *header; enum contfield_permits kind; const char *text; } converts[] = {
	{ "no field", "Subject: x\r\n", CONVERT_ABSENT, "" },
	{ "ANY in any case", "content-convert: aNy\r\n", CONVERT_ANY, "aNy" },
	{ "ANY, folded", "Content-Convert:\r\n\tANY \r\n", CONVERT_ANY, "ANY" },
	{ "NONE", "Content-Convert:NONE\r\n", CONVERT_NONE, "NONE" },
	{ "ANY and more", "Content-Convert: ANY (a=b)\r\n", CONVERT_BAD, "ANY (a=b)" },
	{ "NONE and more", "Content-Convert: NONE;q=1\r\n", CONVERT_BAD, "NONE;q=1" },
	{ "two fields", "Content-Convert: ANY\r\nContent-Convert: ANY\r\n", CONVERT_BAD, "ANY" },
	{ "no value", "Content-Convert:\r\n", CONVERT_BAD, "" },
	{ "not the end of a filter", "Content-Convert: (image-coding=\r\n", CONVERT_BAD, "(image-coding=" },
	{ "trap 1: a filter is no comment", "Content-Convert: (image-coding=MH)\r\n", CONVERT_LIST,
	    "(image-coding=MH)" },
	{ "trap 1: nor is what stands in it", "Content-Convert: (& (color=Binary)\r\n (image-coding=MH))\r\n",
	    CONVERT_LIST, "(& (color=Binary) (image-coding=MH))" },
	{ "trap 1: a comment before it is no filter", "Content-Convert: (by hand) (image-coding=MH)\r\n",
	    CONVERT_BAD, "(by hand) (image-coding=MH)" },
	{ "trap 2: a quality is no parameter of the field", "Content-Convert: (image-coding=MH);q=0.8\r\n",
	    CONVERT_LIST, "(image-coding=MH);q=0.8" },
	{ "trap 2: nor inside", "Content-Convert: (| (image-coding=MH);q=0.8 (image-coding=MR);q=0.5)\r\n",
	    CONVERT_LIST, "(| (image-coding=MH);q=0.8 (image-coding=MR);q=0.5)" },
	{ "trap 3: a fold in a quoted string leaves its space", "Content-Convert: (type=\"a\r\n b\")\r\n",
	    CONVERT_LIST, "(type=\"a b\")" },
	{ "trap 3: a comment's sign in a string", "Content-Convert: (type=\"(;\")\r\n", CONVERT_LIST,
	    "(type=\"(;\")" },
	{ "trap 4: a media type is no filter", "Content-Convert: image/tiff\r\n", CONVERT_BAD, "image/tiff" },
};

START_TEST(permission)
{
	struct contfield_convert c;
	struct err e = { 0 };

	ck_assert_int_eq(contfield_convert(span_str(converts[_i].header), &c, &e), 0);
	ck_assert_msg(c.kind == converts[_i].kind, "%s: %d", converts[_i].name, c.kind);
	ck_assert_msg(span_is(buf_view(&c.text), converts[_i].text), "%s", converts[_i].name);
	ck_assert((c.set != NULL) == (c.kind == CONVERT_ANY || c.kind == CONVERT_LIST));
	ck_assert(c.kind != CONVERT_ANY || feat_is_any(c.set));
	contfield_convert_free(&c);
	contfield_convert_free(&c);
}
END_TEST

/* What is permitted is read as a claim: forms that are equal by rule are. */
START_TEST(permission_is_a_claim)
{
	struct contfield_convert c;
	struct feat *doc;
	struct err e = { 0 };

	ck_assert_int_eq(contfield_convert(span_str("Content-Convert: (& (dpi=200) (color=Binary))\r\n"), &c,
	    &e), 0);
	ck_assert_int_eq(feat_parse(span_str("(& (dpi=204) (dpi-xyratio=204/196) (color=Binary))"), FEAT_DOCUMENT,
	    &doc, &e), 0);
	ck_assert_int_eq(feat_match(doc, c.set, &e), 1);
	feat_free(doc);
	contfield_convert_free(&c);
}
END_TEST

/* --- Content-Features, Content-Alternative --- */

static const struct { const char *header, *want; } features[] = {
	{ "Subject: x\r\n", NULL },
	{ "Content-features:\r\n (& (Type=\"image/png\")\r\n\t(color=Binary) )\r\n",
	    "(& (Type=\"image/png\")\t(color=Binary) )" },
	{ "Content-Features: (dpi=200);q=0.5\r\n", "(dpi=200);q=0.5" },
	{ "Content-Features: (of it) (dpi=200)\r\n", NULL },
	{ "Content-Features: image/tiff\r\n", NULL },
	{ "Content-Features: (dpi=200)\r\nContent-Features: (dpi=200)\r\n", NULL },
};

START_TEST(features_of_a_part)
{
	struct buf out;
	struct err e = { 0 };

	buf_init(&out, 1000);
	ck_assert_int_eq(buf_add_str(&out, "x", &e), 0);
	ck_assert_int_eq(contfield_features(span_str(features[_i].header), &out, &e), features[_i].want != NULL);
	ck_assert(span_is(span_sub(buf_view(&out), 1, out.n), features[_i].want == NULL ? "" :
	    features[_i].want));
	buf_free(&out);
}
END_TEST

static const struct { const char *type; bool digest; const char *want; } types[] = {
	{ "Image/TIFF", false, "(type=\"image/tiff\")" },
	{ "", false, "(type=\"text/plain\")" },
	{ "", true, "(type=\"message/rfc822\")" },
	{ "a\"b/c", false, "(type=\"application/octet-stream\")" },
};

START_TEST(a_type_as_a_feature)
{
	struct mime_part p = { .type = span_str(types[_i].type), .digest_part = types[_i].digest };
	struct buf out;
	struct err e = { 0 };

	buf_init(&out, 1000);
	ck_assert_int_eq(buf_add_str(&out, "X", &e), 0);
	ck_assert_int_eq(contfield_type(&p, &out, &e), 0);
	ck_assert(span_is(span_sub(buf_view(&out), 1, out.n), types[_i].want));
	ck_assert_int_eq(out.p[0], 'X');
	buf_free(&out);
}
END_TEST

START_TEST(alternatives)
{
	struct span h = span_str("Content-Alternative: (dpi=200)\r\nX: y\r\ncontent-alternative: see there\r\n"
	    "CONTENT-ALTERNATIVE:\r\n (color=Full);q=0.9\r\nContent-Alternatives: (dpi=300)\r\n");
	struct buf out;
	struct err e = { 0 };

	buf_init(&out, 1000);
	ck_assert_int_eq(contfield_alternative_next(&h, &out, &e), 1);
	ck_assert(span_is(buf_view(&out), "(dpi=200)"));
	buf_clear(&out);
	ck_assert_int_eq(contfield_alternative_next(&h, &out, &e), 1);
	ck_assert(span_is(buf_view(&out), "(color=Full);q=0.9"));
	buf_clear(&out);
	ck_assert_int_eq(contfield_alternative_next(&h, &out, &e), 0);
	ck_assert_uint_eq(out.n, 0);
	buf_free(&out);
}
END_TEST

/* --- Content-Previous, Content-Converted --- */

#define RFC_FILTER "(&(image-file-structure=TIFF-minimal)\r\n        (MRC-mode=0)\r\n        (color=Binary)\r\n" \
	"        (&(dpi=400)\r\n          (dpi-xyratio=1) )\r\n        (size-x=2150/254)\r\n" \
	"        (ua-media=stationery) )"
#define TUE " Date  Tue, 1 Jul 2001 10:52:37 +0200"		/* as RFC 4141 has it: a Sunday */

/* when: as clock_iso; NULL: no such record. */
static const struct { const char *name, *value, *when, *by, *was, *is; } records[] = {
	{ "RFC 4141, 9.3", "\r\n     " TUE ";\r\n      By    relay.example.com;\r\n      " RFC_FILTER,
	    "2001-07-01T08:52:37.000Z", "relay.example.com", NULL, "" },
	{ "draft -04, 8.3", "\r\n" TUE " ;\r\n        By  relay.example.com ;\r\n        Old\r\n           "
	    RFC_FILTER " ;\r\n        New\r\n" RFC_FILTER, "2001-07-01T08:52:37.000Z", "relay.example.com", NULL,
	    NULL },
	{ "comments where they may be", "(a;b)Date (;) Sun (x) , 1 (y) Jul 2001 0:00 (no) +0000", NULL, NULL,
	    NULL, NULL },
	{ "the same with its clock right", "(a;b)Date (;) Sun (x) , 1 (y) Jul 2001 00:00 (no) +0000(;);(z)By (By x;)"
	    "[192.0.2.1] (\\);) ; (dpi=200)", "2001-07-01T00:00:00.000Z", "[192.0.2.1]", "(dpi=200)", "" },
	{ "trap 1: no comment behind the second semicolon", TUE "; By a; (a comment) (dpi=200)", NULL, NULL, NULL,
	    NULL },
	{ "trap 2: a quality", TUE "; By a; (dpi=200);q=0.8", "2001-07-01T08:52:37.000Z", "a", "(dpi=200);q=0.8",
	    "" },
	{ "trap 2: in both", TUE "; By a; Old (dpi=200);q=0.8;New (dpi=100);q=1", "2001-07-01T08:52:37.000Z", "a",
	    "(dpi=200);q=0.8", "(dpi=100);q=1" },
	{ "trap 2: New as a parameter and in a string", TUE "; By a; Old (type=\"; New (x=y)\");New=1; (c) new(dpi=100)",
	    "2001-07-01T08:52:37.000Z", "a", "(type=\"; New (x=y)\");New=1", "(dpi=100)" },
	{ "trap 2: with white space around what is New", TUE "; By a; Old (b=c); New = 1 ;New(dpi=100)",
	    "2001-07-01T08:52:37.000Z", "a", "(b=c); New = 1", "(dpi=100)" },
	{ "a parenthesis that is missing, as some do", TUE "; By a; Old (& (b=c); New (dpi=100)",
	    "2001-07-01T08:52:37.000Z", "a", "(& (b=c)", "(dpi=100)" },
	{ "trap 2: inside of a filter", TUE "; By a; Old (| (a=b);q=0.8 (c=d);q=0.7) ; New (a=b)",
	    "2001-07-01T08:52:37.000Z", "a", "(| (a=b);q=0.8 (c=d);q=0.7)", "(a=b)" },
	{ "trap 3: a fold in a string", TUE "; By a; (type=\"x;\r\n y\")", "2001-07-01T08:52:37.000Z", "a",
	    "(type=\"x; y\")", "" },
	{ "trap 4: a media type", TUE "; By a; image/tiff", NULL, NULL, NULL, NULL },
	{ "nothing of it in two", TUE "; By a; Old (dpi=200)", NULL, NULL, NULL, NULL },
	{ "no domain", TUE "; By ; (dpi=200)", NULL, NULL, NULL, NULL },
	{ "no date", "Date; By a; (dpi=200)", NULL, NULL, NULL, NULL },
	{ "words run together", "Date 1 Jul 2001 10:52 +0000; Bya; (dpi=200)", NULL, NULL, NULL, NULL },
	{ "a comment without its end", "Date ((1 Jul 2001) 10:52 +0000; By a; (dpi=200)", NULL, NULL, NULL, NULL },
};

static void
record_is(const char *name, int r, const struct contfield_record *got, int i)
{
	char when[40];

	ck_assert_msg((r == 0) == (records[i].when != NULL), "%s", name);
	if (r == -1)
		return;
	clock_iso(got->when_us, when, sizeof when);
	ck_assert_str_eq(when, records[i].when);
	ck_assert_msg(span_is(got->by, records[i].by), "%s", name);
	ck_assert_msg(records[i].was == NULL || span_is(got->was, records[i].was), "%s: %.*s", name,
	    (int)got->was.n, (const char *)got->was.p);
	ck_assert_msg(records[i].is == NULL || span_is(got->is, records[i].is), "%s: %.*s", name,
	    (int)got->is.n, (const char *)got->is.p);
}

START_TEST(records_are_read)
{
	bool both = strstr(records[_i].value, "Old") != NULL;
	struct contfield_record got;
	struct buf store;
	struct err e = { 0 };
	int r;

	buf_init(&store, 10000);
	r = both ? contfield_converted(span_str(records[_i].value), &got, &store, &e) :
	    contfield_previous(span_str(records[_i].value), &got, &store, &e);
	record_is(records[_i].name, r, &got, _i);
	ck_assert(r == 0 || e.kind == ERR_PERM);
	buf_clear(&store);	/* and none is read as the other one */
	r = both ? contfield_previous(span_str(records[_i].value), &got, &store, &e) :
	    contfield_converted(span_str(records[_i].value), &got, &store, &e);
	ck_assert_msg(r == -1 && e.kind == ERR_PERM, "%s", records[_i].name);
	buf_free(&store);
}
END_TEST

/* date-time of RFC 5322, 3.3 and 4.3; "": none. */
static const struct { const char *in, *want; } dates[] = {
	{ "22 Nov 2026 01:02:03 +0000", "2026-11-22T01:02:03.000Z" },
	{ "Sun,22 nov 2026 01:02 -0130", "2026-11-22T02:32:00.000Z" },
	{ "29 Feb 2024 23:59:60 +0000", "2024-02-29T23:59:59.000Z" },
	{ "1 Jan 1900 00:00:00 GMT", "1900-01-01T00:00:00.000Z" },
	{ "31 Dec 9999 00:00:00 +0000", "9999-12-31T00:00:00.000Z" },
	{ "1 Jan 49 00:00 Z", "2049-01-01T00:00:00.000Z" },
	{ "1 Jan 50 00:00 UT", "1950-01-01T00:00:00.000Z" },
	{ "1 Jan 101 00:00 PST", "2001-01-01T00:00:00.000Z" },
	{ "29 Feb 2023 00:00 +0000", "" }, { "0 Jan 2023 00:00 +0000", "" }, { "32 Jan 2023 00:00 +0000", "" },
	{ "1 Jan 1899 00:00 +0000", "" }, { "1 Jan 0000 00:00 +0000", "" }, { "1 Foo 2023 00:00 +0000", "" },
	{ "1 Janu 2023 00:00 +0000", "" }, { "1 Jan 2023 24:00 +0000", "" }, { "1 Jan 2023 00:60 +0000", "" },
	{ "1 Jan 2023 00:00:61 +0000", "" }, { "1 Jan 2023 00 +0000", "" }, { "1 Jan 2023 1:00 +0000", "" },
	{ "1 Jan 2023 00:00 +00", "" }, { "1 Jan 2023 00:00 +0060", "" }, { "1 Jan 2023 00:00", "" },
	{ "1 Jan 2023 00:00 0000", "" }, { "1 Jan 2023 00:00 +0000 x", "" }, { "Jan 1 2023 00:00 +0000", "" },
	{ "Sun,", "" }, { ", 1 Jan 2023 00:00 +0000", "" }, { "1 Jan 20231 00:00 +0000", "" },
};

START_TEST(dates_are_read)
{
	struct contfield_record got;
	char value[200], when[40] = "";
	struct buf store;
	struct err e = { 0 };

	snprintf(value, sizeof value, "Date %s; By a; (b=c)", dates[_i].in);
	buf_init(&store, 1000);
	if (contfield_previous(span_str(value), &got, &store, &e) == 0)
		clock_iso(got.when_us, when, sizeof when);
	ck_assert_msg(strcmp(when, dates[_i].want) == 0, "%s: %s", dates[_i].in, when);
	buf_free(&store);
}
END_TEST

/* --- Content-DRUCOF and handling --- */

#define BAD "conversion-prohibited, critical, stated"
#define NOT "conversion-permitted, critical"
#define D "Content-DRUCOF: "
#define H "Content-Disposition: attachment; handling="

/* Fields of the message, of the multipart in it and of its one part. */
static const struct { const char *top, *multipart, *part, *want; } drucofs[] = {
	{ "", "", "", NOT },
	{ "", "", D "conversion-permitted\r\n", "conversion-permitted, critical, stated" },
	{ "", "", "content-drucof:\r\n OMISSION-permitted ; Critical = No\r\n", "omission-permitted, stated" },
	{ "", "", D "conversion-prohibited; critical=yes; x=\"y;z\"; critically=no\r\n", BAD },
	{ "", "", D "conversion-permitted; critical=maybe\r\n", BAD },
	{ "", "", D "conversion-permitted; critical\r\n", BAD },
	{ "", "", D "conversion-permitted; critical=no; critical=no\r\n", BAD },
	{ "", "", D "conversion-permitted critical=no\r\n", BAD },
	{ "", "", D "anything\r\n", BAD },
	{ "", "", D "\r\n", BAD },
	{ "", "", D "omission-permitted\r\n" D "omission-permitted\r\n", BAD },
	{ D "omission-permitted; critical=no\r\n", "", "", "omission-permitted, stated" },
	{ D "omission-permitted; critical=no\r\n", D "conversion-permitted\r\n", "",
	    "conversion-permitted, critical, stated" },
	{ D "omission-permitted; critical=no\r\n", D "conversion-permitted\r\n",
	    D "conversion-prohibited; critical=no\r\n", "conversion-prohibited, stated" },
	{ D "omission-permitted\r\n", "", D "none of them\r\n", BAD },
	{ "", "", H "optional\r\n", "conversion-permitted" },
	{ "", "", H "\"OPTIONAL\"\r\n", "conversion-permitted" },
	{ "", "", H "required\r\n", NOT },
	{ "", "", H "important\r\n", NOT },
	{ "", H "optional\r\n", "", "conversion-permitted" },
	{ "", H "optional\r\n", H "required\r\n", NOT },
	{ "", "", H "optional\r\n" H "optional\r\n", NOT },
	{ D "conversion-permitted\r\n", "", H "optional\r\n", "conversion-permitted, critical, stated" },
};

START_TEST(drucof)
{
	static const char *const names[] = { "conversion-prohibited", "conversion-permitted",
	    "omission-permitted" };
	struct contfield_drucof got;
	char message[1000], text[100];
	struct err e = { 0 };
	struct mime m;

	snprintf(message, sizeof message, "%sContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
	    "Content-Type: multipart/mixed; boundary=c\r\n%s\r\n--c\r\n%s\r\nx\r\n--c--\r\n--b--\r\n",
	    drucofs[_i].top, drucofs[_i].multipart, drucofs[_i].part);
	ck_assert_int_eq(mime_parse(span_str(message), &m, &e), 0);
	ck_assert_uint_eq(m.n, 3);
	contfield_drucof(&m, 2, &got);
	snprintf(text, sizeof text, "%s%s%s", names[got.integrity], got.critical ? ", critical" : "",
	    got.stated ? ", stated" : "");
	ck_assert_msg(strcmp(text, drucofs[_i].want) == 0, "%s|%s|%s %s", drucofs[_i].top,
	    drucofs[_i].multipart, drucofs[_i].part, text);
	mime_free(&m);
}
END_TEST

#define ROWS(a) (int)(sizeof (a) / sizeof *(a))

Suite *suite_contfield(void);
Suite *
suite_contfield(void)
{
	Suite *s = suite_create("contfield");
	TCase *tc = tcase_create("contfield");

	tcase_add_loop_test(tc, permission, 0, ROWS(converts));
	tcase_add_test(tc, permission_is_a_claim);
	tcase_add_loop_test(tc, features_of_a_part, 0, ROWS(features));
	tcase_add_loop_test(tc, a_type_as_a_feature, 0, ROWS(types));
	tcase_add_test(tc, alternatives);
	tcase_add_loop_test(tc, records_are_read, 0, ROWS(records));
	tcase_add_loop_test(tc, dates_are_read, 0, ROWS(dates));
	tcase_add_loop_test(tc, drucof, 0, ROWS(drucofs));
	suite_add_tcase(s, tc);
	return s;
}
