/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* DRUCOF: the table, and what becomes of messages under it. */
#include "convertd/drucof.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "convertd/ranges.h"
#include "lib/edit_note.h"
#include "lib/sha256.h"
#include "tests/unit/convertd/judge.h"
#include "tests/unit/convertd/letter.h"

enum { KEEP, CONVERT, KEPT_UNFIT, UNMET_2, UNMET_3, OMIT };

/* The verdict for each combination: integrity × critical × can be converted, of what does not fit. */
static const int verdicts[3][2][2] = {
	[DRUCOF_PROHIBITED] = { { KEPT_UNFIT, KEPT_UNFIT }, { UNMET_2, UNMET_2 } },
	[DRUCOF_PERMITTED] = { { KEPT_UNFIT, CONVERT }, { UNMET_3, CONVERT } },
	[DRUCOF_OMISSION] = { { OMIT, CONVERT }, { OMIT, CONVERT } },
};

START_TEST(the_table)
{
	static const struct { enum fate fate; const char *dsn; } is[] = { { FATE_FITS, "" },
	    { FATE_CONVERTS, "" }, { FATE_KEPT, "" }, { FATE_EMPTY, "5.6.2" }, { FATE_EMPTY, "5.6.3" },
	    { FATE_OMITTED, "" } };

	for (int i = 0; i < 24; i++) {
		struct drucof_facts f = { i & 1, (enum contfield_integrity)(i >> 3), i & 2, i & 4 };
		int want = f.fits ? KEEP : verdicts[i >> 3][(i >> 1) & 1][(i >> 2) & 1];
		const struct drucof_row *r = drucof_row(&f);

		ck_assert_msg(r->fate == is[want].fate && strcmp(r->dsn == NULL ? "" : r->dsn, is[want].dsn) == 0,
		    "%d: %d", i, r->fate);
	}
}
END_TEST

#define TOP "From: a@example.com\nMIME-Version: 1.0\n"
#define MMR "Content-Type: image/tiff; name=a.tif\nContent-Transfer-Encoding: base64\n"
#define MMR_BODY "\n@fax/ccitt1-F-mmr-msb.tif@\n"
#define PNG "Content-Type: image/png\n"
#define S_PART "Content-Type: image/tiff\nContent-Transfer-Encoding: base64\n\n@fax/ccitt1-S.tif@\n"
#define MIXED "Content-Type: multipart/mixed; boundary=b\n"
#define ALTERNATIVE "Content-Type: multipart/alternative; boundary=b\n\n"
#define RELATED "Content-Type: multipart/related; boundary=c\n"
#define SIGNED "Content-Type: multipart/signed; boundary=c\n"
#define SIGNATURE "--c\nContent-Type: application/pgp-signature\n\nx\n--c--\n"
#define TEXT "--b\nContent-Type: text/plain\n\nhello\n"
#define RFC822 "Content-Type: message/rfc822\n"
#define END "--b--\n"
#define DRUCOF "Content-DRUCOF: "
#define PROHIBITED DRUCOF "conversion-prohibited\n"
#define OPTIONAL DRUCOF "conversion-permitted; critical=no\n"
#define OMISSION DRUCOF "omission-permitted\n"
#define TO_S "MH/200x200/A4"

static const struct {
	const char *name, *message;
	enum plan_fate fate;
	const char *key;		/* of PLAN_CONVERTS; the code of PLAN_EMPTY */
} cases[] = {
	{ "what fits is kept", TOP S_PART, PLAN_FITS, "" },
	{ "conversion is permitted by default", TOP MMR MMR_BODY, PLAN_CONVERTS, "1=drucof:" TO_S },
	{ "what Content-Convert permits has CONPERM's key", TOP MMR "Content-Convert: ANY\n" MMR_BODY, PLAN_CONVERTS,
	    "1=" TO_S },
	{ "Content-Convert limits it", TOP MMR "Content-Convert: (image-coding=JBIG)\n" MMR_BODY, PLAN_EMPTY, "5.6.5" },
	{ "NONE prohibits", TOP MMR "Content-Convert: NONE\n" MMR_BODY, PLAN_EMPTY, "5.6.2" },
	{ "so does what is no list", TOP MMR "Content-Convert: (((\n" MMR_BODY, PLAN_EMPTY, "5.6.2" },
	{ "NONE prohibits what Content-DRUCOF permits", TOP MIXED "\n" TEXT "--b\n" MMR OMISSION
	    "Content-Convert: NONE\n" MMR_BODY END, PLAN_EMPTY, "5.6.2" },
	{ "prohibited, critical", TOP MMR PROHIBITED MMR_BODY, PLAN_EMPTY, "5.6.2" },
	{ "prohibited goes before ANY", TOP MMR PROHIBITED "Content-Convert: ANY\n" MMR_BODY, PLAN_EMPTY, "5.6.2" },
	{ "prohibited, not critical", TOP MMR DRUCOF "conversion-prohibited; critical=no\n" MMR_BODY, PLAN_FITS, "" },
	{ "two fields", TOP MMR OPTIONAL OPTIONAL MMR_BODY, PLAN_EMPTY, "5.6.2" },
	{ "a field of the whole is its parts'", TOP PROHIBITED MIXED "\n" TEXT "--b\n" MMR MMR_BODY END, PLAN_EMPTY,
	    "5.6.2" },
	{ "the nearest counts", TOP PROHIBITED MIXED "\n" TEXT "--b\n" MMR OPTIONAL MMR_BODY END, PLAN_CONVERTS,
	    "2=drucof:" TO_S },
	{ "no converter, critical", TOP PNG "\nx\n", PLAN_EMPTY, "5.6.3" },
	{ "no converter, not critical", TOP PNG OPTIONAL "\nx\n", PLAN_FITS, "" },
	{ "not critical by its disposition", TOP PNG "Content-Disposition: attachment; handling=optional\n\nx\n",
	    PLAN_FITS, "" },
	{ "not critical beside what converts", TOP MIXED "\n--b\n" PNG OPTIONAL "\nx\n--b\n" MMR MMR_BODY END,
	    PLAN_CONVERTS, "2=drucof:" TO_S },
	{ "may be left out, but converts", TOP MIXED "\n" TEXT "--b\n" MMR OMISSION MMR_BODY END, PLAN_CONVERTS,
	    "2=drucof:" TO_S },
	{ "is left out", TOP MIXED "\n" TEXT "--b\n" PNG OMISSION "\nx\n" END, PLAN_CONVERTS, "2=omit" },
	{ "unreadable, and left out", TOP MIXED "\n" TEXT "--b\n" MMR OMISSION "\nAAAA\n" END, PLAN_CONVERTS, "2=omit" },
	{ "left out beside what converts", TOP MIXED "\n--b\n" PNG OMISSION "\nx\n--b\n" MMR MMR_BODY END,
	    PLAN_CONVERTS, "1=omit;2=drucof:" TO_S },
	{ "left out beside what fails", TOP MIXED "\n--b\n" PNG OMISSION "\nx\n--b\n" PNG "\nx\n" END, PLAN_EMPTY,
	    "5.6.3" },
	{ "left out beside what is kept unfit", TOP MIXED "\n--b\n" PNG OMISSION "\nx\n--b\n" PNG OPTIONAL "\nx\n" END,
	    PLAN_CONVERTS, "1=omit" },
	{ "all would be left out", TOP MIXED OMISSION "\n--b\n" PNG "\nx\n--b\n" PNG "\ny\n" END, PLAN_EMPTY, "5.6.3" },
	{ "the message itself would be", TOP PNG OMISSION "\nx\n", PLAN_EMPTY, "5.6.3" },
	{ "one of each code: the prohibition says most", TOP MIXED "\n--b\n" PNG "\nx\n--b\n" MMR PROHIBITED MMR_BODY
	    "--b\n" MMR "Content-Convert: (image-coding=JBIG)\n" MMR_BODY END, PLAN_EMPTY, "5.6.2" },

	{ "signed", TOP MIXED "\n" TEXT "--b\n" SIGNED "\n--c\n" MMR MMR_BODY SIGNATURE END, PLAN_EMPTY, "5.6.3" },
	{ "signed and prohibited", TOP MIXED "\n" TEXT "--b\n" SIGNED PROHIBITED "\n--c\n" MMR MMR_BODY SIGNATURE END,
	    PLAN_EMPTY, "5.6.2" },
	{ "signed is never left out", TOP MIXED "\n" TEXT "--b\n" SIGNED OMISSION "\n--c\n" MMR MMR_BODY SIGNATURE END,
	    PLAN_EMPTY, "5.6.3" },
	{ "signed, not critical", TOP MIXED "\n" TEXT "--b\n" SIGNED OPTIONAL "\n--c\n" MMR MMR_BODY SIGNATURE END,
	    PLAN_FITS, "" },
	{ "read in two ways, and never left out", TOP MIXED "\n" TEXT "--b\n" PNG OMISSION PNG "\nx\n" END, PLAN_EMPTY,
	    "5.6.3" },

	{ "alternatives: one that can be used is enough", TOP ALTERNATIVE TEXT "--b\n" PNG PROHIBITED "\nx\n" END,
	    PLAN_FITS, "" },
	{ "alternatives: the others go if they may", TOP ALTERNATIVE TEXT "--b\n" PNG OMISSION "\nx\n" END,
	    PLAN_CONVERTS, "1=drucof:only" },
	{ "alternatives: all of them must", TOP ALTERNATIVE TEXT "--b\n" PNG OMISSION "\nx\n--b\n" PNG "\nx\n" END,
	    PLAN_FITS, "" },
	{ "alternatives: all of what is in them", TOP ALTERNATIVE TEXT "--b\n" RELATED "\n--c\n\nx\n--c\n" PNG OMISSION
	    "\nx\n--c--\n" END, PLAN_FITS, "" },
	{ "alternatives: the one that stays need not be such", TOP ALTERNATIVE "--b\n" PNG OMISSION "\nx\n--b\n" PROHIBITED
	    S_PART END, PLAN_CONVERTS, "2=drucof:only" },
	{ "alternatives: nothing goes where all fit", TOP OMISSION ALTERNATIVE TEXT "--b\n" S_PART END, PLAN_FITS, "" },
	{ "alternatives: Content-Convert permits it too", TOP "Content-Convert: ANY\n" ALTERNATIVE TEXT "--b\n" PNG "\nx\n"
	    END, PLAN_CONVERTS, "1=only" },
	{ "alternatives: the one that converts", TOP ALTERNATIVE "--b\n" PNG "\nx\n--b\n" MMR MMR_BODY END,
	    PLAN_CONVERTS, "2=drucof:" TO_S },
	{ "alternatives: none can be used, and one is critical", TOP MIXED "\n" TEXT "--b\nContent-Type:"
	    " multipart/alternative; boundary=d\n\n--d\n" PNG OMISSION "\nx\n--d\n" PNG "\nx\n--d--\n" END,
	    PLAN_EMPTY, "5.6.3" },
	{ "alternatives: all of them are left out", TOP MIXED "\n" TEXT "--b\nContent-Type: multipart/alternative;"
	    " boundary=d\n" OMISSION "\n--d\n" PNG "\nx\n--d\n" PNG "\nx\n--d--\n" END, PLAN_CONVERTS,
	    "2.1=omit;2.2=omit" },
	{ "alternatives: none is critical", TOP ALTERNATIVE "--b\n" PNG OPTIONAL "\nx\n--b\n" PNG OPTIONAL "\nx\n" END,
	    PLAN_FITS, "" },

	{ "an attached message is by default as any", TOP MIXED "\n" TEXT "--b\n" RFC822 "\n" TOP MMR MMR_BODY END,
	    PLAN_CONVERTS, "2.1=drucof:" TO_S },
	{ "what prohibits it prohibits inside", TOP MIXED "\n" TEXT "--b\n" RFC822 PROHIBITED "\n" TOP MMR
	    "Content-Convert: ANY\n" MMR_BODY END, PLAN_EMPTY, "5.6.2" },
	{ "NONE too", TOP MIXED "\n" TEXT "--b\n" RFC822 "Content-Convert: NONE\n\n" TOP MMR MMR_BODY END, PLAN_EMPTY,
	    "5.6.2" },
	{ "it is left out as a whole", TOP "Content-Type: multipart/mixed; boundary=m\n\n--m\n\nhello\n--m\n" RFC822
	    OMISSION "\n" TOP MIXED "\n" TEXT "--b\n" PNG "\nx\n--b\n" MMR MMR_BODY END "--m--\n", PLAN_CONVERTS,
	    "2=omit" },
	{ "it is not critical", TOP "Content-Type: multipart/mixed; boundary=m\n\n--m\n" RFC822 OPTIONAL "\n" TOP MIXED
	    "\n--b\n" PNG "\nx\n--b\n" MMR MMR_BODY END "--m--\n", PLAN_FITS, "" },
	{ "what lets it be left out from outside is not for what is in it", TOP OMISSION "Content-Type: multipart/mixed;"
	    " boundary=m\n\n--m\n\nhello\n--m\n" RFC822 "\n" TOP MIXED "\n" TEXT "--b\n" PNG "\nx\n" END
	    "--m--\n", PLAN_CONVERTS, "2=omit" },
	{ "a part of it is left out", TOP "Content-Type: multipart/mixed; boundary=m\n\n--m\n" RFC822 "\n" TOP MIXED
	    "\n" TEXT "--b\n" PNG OMISSION "\nx\n" END "--m--\n", PLAN_CONVERTS, "1.2=omit" },
	{ "nothing would be left but that message's shell", TOP "Content-Type: multipart/mixed; boundary=m\n\n--m\n"
	    RFC822 "\n" TOP MIXED "\n--b\n" PNG OMISSION "\nx\n" END "--m--\n", PLAN_EMPTY, "5.6.3" },
};

START_TEST(verdicts_on_messages)
{
	struct buf m = letter_make(cases[_i].message);
	struct letter_plan p;
	const struct plan_verdict *v;

	letter_plan_wish(&m, TAKES_S, WISH_DRUCOF, &p);
	v = &p.plan.verdict[0];
	ck_assert_msg(v->fate == cases[_i].fate, "%s: %u '%.*s' %s", cases[_i].name, v->fate, (int)v->key.n,
	    (const char *)v->key.p, v->dsn);
	if (v->fate == PLAN_EMPTY)
		ck_assert_msg(strcmp(v->dsn, cases[_i].key) == 0, "%s: %s", cases[_i].name, v->dsn);
	else
		ck_assert_msg(span_is(v->key, cases[_i].key), "%s: %.*s", cases[_i].name, (int)v->key.n,
		    (const char *)v->key.p);
	ck_assert((v->detail.n > 0) == (v->fate != PLAN_FITS));
	letter_within_bounds(&m, &p);
	letter_plan_free(&p);
	buf_free(&m);
}
END_TEST

/* What may ever be left out is known before anything is opened, and is no more than the sender says. */
START_TEST(bounds)
{
	static const struct { const char *message; uint32_t n; } rows[] = {
		{ TOP MIXED "\n" TEXT "--b\n" PNG OMISSION "\nx\n" END, 1 },
		{ TOP MIXED OMISSION "\n" TEXT "--b\n" PNG "\nx\n" END, 2 },
		{ TOP MIXED "\n" TEXT "--b\n" PNG OPTIONAL "\nx\n" END, 0 },
		{ TOP MIXED "\n" TEXT "--b\n" PNG "\nx\n" END, 0 },
		{ TOP MIXED OMISSION "\n" TEXT "--b\n" SIGNED "\n--c\n" PNG "\nx\n" SIGNATURE END, 1 },
		{ TOP PNG OMISSION "\nx\n", 0 },
		{ TOP MIXED OMISSION "\n" TEXT "--b\n" RFC822 "\n" TOP PNG OMISSION "\nx\n" END, 2 },
		{ TOP ALTERNATIVE TEXT "--b\n" PNG "\nx\n" END, 0 },
		{ TOP ALTERNATIVE TEXT "--b\n" PNG OMISSION "\nx\n" END, 4 },	/* itself, the branches, both of them */
		{ TOP ALTERNATIVE TEXT "--b\n" PNG OMISSION "\nx\n--b\n" PNG "\nx\n" END, 1 },
		{ TOP "Content-Convert: ANY\n" ALTERNATIVE TEXT "--b\n" PNG "\nx\n" END, 3 },
		{ TOP "Content-Convert: ANY\n" MIXED "\n" TEXT "--b\n" PNG "\nx\n" END, 0 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf m = letter_make(rows[i].message), out;
		struct plan p;
		uint32_t n = 0;
		struct err e = { 0 };

		buf_init(&out, 1 << 20);
		ck_assert_int_eq(ranges_bounds(buf_view(&m), &out, &e), 0);
		ck_assert_msg(plan_decode(buf_view(&out), &p, &e) == 0, "%s", e.what);
		for (uint32_t k = 0; k < p.nrange; k++)
			n += p.range[k].kind == RANGE_PART || p.range[k].kind == RANGE_CHOICE ||
			    p.range[k].kind == RANGE_BRANCH;
		ck_assert_msg(n == rows[i].n, "%zu: %u", i, n);
		plan_free(&p);
		buf_free(&out), buf_free(&m);
	}
}
END_TEST

/* c.5: rows B2b to B2e without a Content-Convert; whatever there is, nothing fails and nothing is left out. */
START_TEST(preferred_but_not_required)
{
	struct buf m = letter_make(cases[_i].message);
	struct letter_plan p;
	const struct plan_verdict *v;

	letter_plan_wish(&m, TAKES_S, WISH_PREFER, &p);
	v = &p.plan.verdict[0];
	ck_assert_msg(v->fate != PLAN_EMPTY, "%s", cases[_i].name);
	ck_assert_msg(memmem(v->key.p == NULL ? (const void *)"" : v->key.p, v->key.n, "omit", 4) == NULL &&
	    memmem(v->key.p == NULL ? (const void *)"" : v->key.p, v->key.n, ":only", 5) == NULL, "%s", cases[_i].name);
	if (cases[_i].fate == PLAN_CONVERTS && strstr(cases[_i].key, "omit") == NULL &&
	    strstr(cases[_i].key, ":only") == NULL)
		ck_assert(span_is(v->key, cases[_i].key));
	letter_plan_free(&p);
	buf_free(&m);
}
END_TEST

static const struct { const char *name, *message, *caps, *key; } preferred[] = {
	{ "what can be is converted, beside what cannot", TOP MIXED "\n--b\n" PNG "\nx\n--b\n" MMR MMR_BODY END, TAKES_S,
	    "2=drucof:" TO_S },
	{ "nothing converts", TOP PNG "\nx\n", TAKES_S, "" },
	{ "prohibited", TOP MMR PROHIBITED MMR_BODY, TAKES_S, "" },
	{ "no expression", TOP MMR MMR_BODY, "(((", "" },
	{ "alternatives of nothing", TOP ALTERNATIVE, TAKES_S, "" },
};

START_TEST(preferred_is_part_by_part)
{
	struct buf m = letter_make(preferred[_i].message);
	struct letter_plan p;

	letter_plan_wish(&m, preferred[_i].caps, WISH_PREFER, &p);
	ck_assert_msg(p.plan.verdict[0].fate == (*preferred[_i].key == '\0' ? PLAN_FITS : PLAN_CONVERTS) &&
	    span_is(p.plan.verdict[0].key, preferred[_i].key), "%s", preferred[_i].name);
	letter_plan_free(&p);
	buf_free(&m);
}
END_TEST

/* Without DRUCOF its fields permit nothing; that they prohibit is heard all the same. */
START_TEST(other_wishes)
{
	static const struct { const char *message; enum plan_fate fate; } rows[] = {
		{ TOP MMR DRUCOF "conversion-permitted\n" MMR_BODY, PLAN_EMPTY },
		{ TOP MIXED "\n" TEXT "--b\n" PNG OMISSION "\nx\n" END, PLAN_EMPTY },
		{ TOP PNG OPTIONAL "\nx\n", PLAN_EMPTY },
		{ TOP MMR "Content-Convert: ANY\n" PROHIBITED MMR_BODY, PLAN_EMPTY },
		{ TOP MMR "Content-Convert: ANY\n" OMISSION MMR_BODY, PLAN_CONVERTS },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf m = letter_make(rows[i].message);
		struct letter_plan p;

		for (int wish = WISH_CONPERM; wish <= WISH_ADVISORY; wish++) {
			letter_plan_wish(&m, TAKES_S, (enum plan_wish)wish, &p);
			ck_assert_msg(p.plan.verdict[0].fate == rows[i].fate, "%zu", i);
			letter_plan_free(&p);
		}
		buf_free(&m);
	}
}
END_TEST

START_TEST(details_for_people)
{
	struct buf m = letter_make(TOP MIXED "\n--b\n" MMR OMISSION "\nAAAA\n--b\n" MMR MMR_BODY END);
	struct letter_plan p;

	letter_plan_wish(&m, TAKES_S, WISH_DRUCOF, &p);
	ck_assert_msg(span_is(p.plan.verdict[0].detail, "part: 1 (image/tiff, \"a.tif\")\n"
	    "form: unreadable: TIFF: starts with neither II nor MM\n"
	    "omitted: left out, a note stands in its place\n"
	    "part: 2 (image/tiff, \"a.tif\")\nform: MMR, 200 by 200 dpi, A4\n"
	    "converted: MH, 200 by 200 dpi, A4\n"), "%.*s", (int)p.plan.verdict[0].detail.n,
	    (const char *)p.plan.verdict[0].detail.p);
	letter_plan_free(&p);
	letter_plan_wish(&m, "(image-coding=JPEG)", WISH_DRUCOF, &p);
	ck_assert_msg(span_is(p.plan.verdict[0].detail, "part: 2 (image/tiff, \"a.tif\")\n"
	    "form: MMR, 200 by 200 dpi, A4\ntakes: (image-coding=JPEG)\npermits: anything\n"), "%.*s",
	    (int)p.plan.verdict[0].detail.n, (const char *)p.plan.verdict[0].detail.p);
	letter_plan_free(&p);
	buf_free(&m);
}
END_TEST

/* --- what results --- */

/* The note for content of that type. */
static struct buf
note_of(const char *type, struct span content)
{
	unsigned char digest[32];
	struct err e = { 0 };
	struct buf b;

	buf_init(&b, 4096);
	sha256(content, digest);
	ck_assert_int_eq(edit_note_add(span_str(type), content.n, digest, &b, &e), 0);
	return b;
}

static struct buf
through(const struct buf *m, const char *key)
{
	struct letter_plan p;
	struct buf r;
	struct err e;

	letter_plan_wish(m, TAKES_S, WISH_DRUCOF, &p);
	ck_assert_msg(span_is(p.plan.verdict[0].key, key), "%.*s", (int)p.plan.verdict[0].key.n,
	    (const char *)p.plan.verdict[0].key.p);
	r = letter_convert(m, &p.plan, key, &e);
	ck_assert_msg(e.kind == ERR_NONE, "%s", e.what);
	letter_plan_free(&p);
	return r;
}

static const struct { const char *head, *part, *tail, *key, *type, *content; } notes[] = {
	{ TOP MIXED "\npreamble\n" TEXT "--b\n", PNG "Content-Description: x\n" OMISSION "\nthe octets", "\n" END "end\n",
	    "2=omit", "image/png", "the octets" },
	{ TOP MIXED "\n--b\n", PNG OMISSION "Content-Transfer-Encoding: base64\n\nQUJD\n", "\n" TEXT END, "1=omit",
	    "image/png", "ABC" },
	{ TOP MIXED "\n--b\n", PNG OMISSION "Content-Transfer-Encoding: x-mine\n\nQUJD", "\n" TEXT END, "1=omit",
	    "image/png", "QUJD" },
	{ TOP OMISSION "Content-Type: multipart/digest; boundary=b\n\n--b\nContent-Type: text/plain\n\nx\n--b\n",
	    "\n" TOP PNG "\nx\n", "\n" END, "2=omit", "message/rfc822",
	    "From: a@example.com\r\nMIME-Version: 1.0\r\nContent-Type: image/png\r\n\r\nx\r\n" },
};

START_TEST(a_note_stands_for_the_part)
{
	struct buf note = note_of(notes[_i].type, span_str(notes[_i].content));
	struct buf head = letter_make(notes[_i].head), part = letter_make(notes[_i].part);
	struct buf tail = letter_make(notes[_i].tail), m, want, got;
	struct err e = { 0 };

	buf_init(&m, 65536), buf_init(&want, 65536);
	ck_assert_int_eq(buf_add(&m, buf_view(&head), &e) | buf_add(&m, buf_view(&part), &e) |
	    buf_add(&m, buf_view(&tail), &e), 0);
	ck_assert_int_eq(buf_add(&want, buf_view(&head), &e) | buf_add(&want, buf_view(&note), &e) |
	    buf_add(&want, buf_view(&tail), &e), 0);
	got = through(&m, notes[_i].key);
	ck_assert_msg(span_eq(buf_view(&got), buf_view(&want)), "%.*s", (int)got.n, (const char *)got.p);
	buf_free(&note), buf_free(&head), buf_free(&part), buf_free(&tail);
	buf_free(&m), buf_free(&want), buf_free(&got);
}
END_TEST

/* A conversion that nobody permits but by DRUCOF, and a part left out, in one message. */
START_TEST(left_out_and_converted)
{
	struct buf m = letter_make(TOP MIXED "\n--b\n" PNG OMISSION "\nx\n--b\n" MMR MMR_BODY TEXT END);
	struct buf r = through(&m, "1=omit;2=drucof:" TO_S), file;
	struct mime mime;
	struct err e = { 0 };

	ck_assert_int_eq(mime_parse(buf_view(&r), &mime, &e), 0);
	ck_assert(mime_is(letter_part(&mime, "1"), "text/plain") && mime_is(letter_part(&mime, "3"), "text/plain"));
	file = letter_file(letter_part(&mime, "2"));
	ck_assert(file.n > 8 && memcmp(file.p, "II*", 4) == 0);
	ck_assert_str_ne(letter_field(letter_part(&mime, "2"), "Content-Previous"), "");
	buf_free(&file), buf_free(&r), buf_free(&m);
	mime_free(&mime);
}
END_TEST

/* Whether a part may be left out, or converted by default, is asked anew. */
START_TEST(keys_that_are_not_permitted)
{
	static const struct { const char *message, *key; } rows[] = {
		{ TOP MIXED "\n" TEXT "--b\n" PNG "\nx\n" END, "2=omit" },
		{ TOP MIXED "\n" TEXT "--b\n" PNG PROHIBITED "\nx\n" END, "2=omit" },
		{ TOP MIXED OMISSION "\n" TEXT "--b\n" SIGNED "\n--c\n" PNG "\nx\n" SIGNATURE END, "2.1=omit" },
		{ TOP MIXED OMISSION "\n" TEXT "--b\n" SIGNED "\n--c\n" PNG "\nx\n" SIGNATURE END, "2=omit" },
		{ TOP MIXED OMISSION "\n" TEXT END, "0=omit" },
		{ TOP PNG OMISSION "\nx\n", "1=omit" },
		{ TOP MIXED OMISSION "\n" TEXT "--b\n" PNG "\nx\n" END, "2=omit;2=omit" },
		{ TOP MIXED OMISSION "\n" TEXT "--b\n" PNG "\nx\n" END, "2=omit;1=omit" },
		{ TOP MIXED OMISSION "\n" TEXT "--b\n" RFC822 "\n" TOP MMR MMR_BODY END, "2=omit;2.1=drucof:" TO_S },
		{ TOP MMR MMR_BODY, "1=" TO_S },
		{ TOP MMR PROHIBITED MMR_BODY, "1=drucof:" TO_S },
		{ TOP MMR "Content-Convert: NONE\n" MMR_BODY, "1=drucof:" TO_S },
		{ TOP MMR MMR_BODY, "1=drucof:" },
		{ TOP ALTERNATIVE TEXT "--b\n" PNG OMISSION "\nx\n--b\n" PNG "\nx\n" END, "1=drucof:only" },
	};
	struct buf m = letter_make(rows[_i].message), r;
	struct letter_plan p;
	struct err e;

	letter_plan_wish(&m, TAKES_S, WISH_DRUCOF, &p);
	r = letter_convert(&m, &p.plan, rows[_i].key, &e);
	ck_assert_msg(e.kind == ERR_PROTO, "%d: %d %s", _i, e.kind, e.what);
	letter_plan_free(&p);
	buf_free(&m), buf_free(&r);
}
END_TEST

Suite *suite_drucof(void);
Suite *
suite_drucof(void)
{
	Suite *s = suite_create("drucof");
	TCase *tc = tcase_create("drucof");

	tcase_add_test(tc, the_table);
	tcase_add_loop_test(tc, verdicts_on_messages, 0, sizeof cases / sizeof *cases);
	tcase_add_test(tc, bounds);
	tcase_add_loop_test(tc, preferred_but_not_required, 0, sizeof cases / sizeof *cases);
	tcase_add_loop_test(tc, preferred_is_part_by_part, 0, sizeof preferred / sizeof *preferred);
	tcase_add_test(tc, other_wishes);
	tcase_add_test(tc, details_for_people);
	tcase_add_loop_test(tc, a_note_stands_for_the_part, 0, sizeof notes / sizeof *notes);
	tcase_add_test(tc, left_out_and_converted);
	tcase_add_loop_test(tc, keys_that_are_not_permitted, 0, 14);
	suite_add_tcase(s, tc);
	return s;
}
