/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "convertd/apply.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "convertd/image.h"
#include "convertd/record.h"
#include "tests/unit/convertd/letter.h"

#define TOP "From: a@example.com\nMessage-ID: <1@example.com>\nMIME-Version: 1.0\n"
#define ENC "Content-Transfer-Encoding: base64\n"
#define IMAGE "Content-Type: image/tiff; name=\"a.tif\"; application=faxbw\n" ENC
#define FILE_MMR "\n@fax/ccitt1-F-mmr-msb.tif@\n"
#define MIXED "Content-Type: multipart/mixed; boundary=b\n"
#define CONVERT "Content-convert :\n\t(| (image-coding=[MH,MR])\n  (image-coding=JBIG) );q=0.5\n"

static size_t
count(const struct buf *b, const char *text)
{
	const unsigned char *p = b->p, *end = b->p + b->n;
	size_t n = 0;

	while ((p = memmem(p, (size_t)(end - p), text, strlen(text))) != NULL) {
		n++;
		p++;
	}
	return n;
}

/* All pages of a in form f, decoded, are the pixels of b's pages. */
static void
same_pixels(struct span a, struct span b)
{
	struct image ia, ib;
	struct err e = { 0 };

	ck_assert_msg(image_open(a, &fax_limits, &ia, &e) == 0, "%s", e.what);
	ck_assert_msg(image_open(b, &fax_limits, &ib, &e) == 0, "%s", e.what);
	ck_assert_uint_eq(ia.npage, ib.npage);
	for (uint32_t i = 0; i < ia.npage; i++) {
		size_t n = image_page_octets(&ia.page[i]);
		unsigned char *pa = malloc(n), *pb = malloc(n);

		ck_assert_uint_eq(n, image_page_octets(&ib.page[i]));
		ck_assert_int_eq(image_decode(&ia, i, pa, &e), 0);
		ck_assert_int_eq(image_decode(&ib, i, pb, &e), 0);
		ck_assert_mem_eq(pa, pb, n);
		free(pa);
		free(pb);
	}
	image_free(&ia);
	image_free(&ib);
}

/* Parts that are not converted, and their headers, are octet by octet what they were. */
static void
others_same(const struct buf *before, const struct buf *after, const char *const *changed)
{
	struct mime a, b;
	struct err e = { 0 };

	ck_assert_int_eq(mime_parse(buf_view(before), &a, &e), 0);
	ck_assert_int_eq(mime_parse(buf_view(after), &b, &e), 0);
	ck_assert_uint_eq(a.n, b.n);
	for (uint32_t i = 0; i < a.n; i++) {
		bool is = false;

		ck_assert_uint_eq(a.part[i].parent, b.part[i].parent);
		ck_assert(a.part[i].broken == b.part[i].broken);
		for (size_t k = 0; changed[k] != NULL; k++)
			is = is || mime_by_path(&a, span_str(changed[k])) == i;
		if (is)
			continue;
		ck_assert(span_eq(a.part[i].header, b.part[i].header));
		if (!a.part[i].multipart)
			ck_assert(span_eq(a.part[i].body, b.part[i].body));
	}
	mime_free(&a);
	mime_free(&b);
}

START_TEST(one_part_of_three)
{
	static const char *const changed[] = { "2", NULL };
	struct buf m = letter_make(TOP MIXED "\npreamble\n--b\nContent-Type: text/plain\n\nhello \n"
	    "--b\nX-Before: 1\n" IMAGE "Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==\n" CONVERT
	    "Content-Features: (old=1)\nContent-Disposition: attachment; filename=a.tif; size=5\n"
	    "Content-Description: a page\nX-After: 2\n" FILE_MMR
	    "--b\nContent-Convert: NONE\n" IMAGE "\n@fax/ccitt1-S.tif@\n--b--\nepilogue\n");
	struct buf r = letter_through(&m, TAKES_S), file, old;
	const struct mime_part *p;
	struct mime mime, before;
	struct mime_field f;
	struct err e = { 0 };
	char profile = 0;

	others_same(&m, &r, changed);
	ck_assert_int_eq(mime_parse(buf_view(&r), &mime, &e), 0);
	ck_assert_int_eq(mime_parse(buf_view(&m), &before, &e), 0);
	p = letter_part(&mime, "2");
	file = letter_file(p);
	old = letter_file(letter_part(&before, "2"));
	ck_assert_msg(image_validate(buf_view(&file), &profile, &e) == 0, "%s", e.what);
	ck_assert_int_eq(profile, 'S');
	same_pixels(buf_view(&old), buf_view(&file));
	/* R15 and the suffixes */
	ck_assert_str_eq(letter_field(p, "Content-Type"), "image/tiff; name=\"a.tif\"; "
	    "application=faxbw");
	ck_assert_str_eq(letter_field(p, "Content-Disposition"), "attachment; filename=a.tif");
	ck_assert_int_eq(p->transfer, TRANSFER_BASE64);
	ck_assert_uint_eq(mime_field_find(p->header, "Content-Transfer-Encoding", &f), 1);
	/* R13 */
	ck_assert_uint_eq(mime_field_find(p->header, "Content-Features", &f), 1);
	ck_assert_uint_eq(mime_field_find(p->header, "Content-Previous", &f), 1);
	ck_assert_uint_eq(count(&r, "(old=1)"), 0);
	ck_assert_uint_eq(mime_field_find(p->header, "Content-MD5", &f), 0);
	/* R16: to the octet */
	ck_assert_uint_eq(count(&r, "Content-convert :\r\n\t(| (image-coding=[MH,MR])\r\n"
	    "  (image-coding=JBIG) );q=0.5\r\n"), 1);
	ck_assert_str_eq(letter_field(p, "X-Before"), "1");
	ck_assert_str_eq(letter_field(p, "X-After"), "2");
	ck_assert_str_eq(letter_field(p, "Content-Description"), "a page");
	mime_free(&mime), mime_free(&before);
	buf_free(&m), buf_free(&r), buf_free(&file), buf_free(&old);
}
END_TEST

/* What Content-Features and Content-Previous say parses, and is true of the images. */
START_TEST(r13_the_record_is_true)
{
	struct buf m = letter_make(TOP IMAGE "Content-Convert: ANY\n" FILE_MMR);
	struct buf r = letter_through(&m, TAKES_J), file, was;
	const struct mime_part *p;
	struct feat *said = NULL, *is = NULL;
	struct image img;
	struct mime mime;
	struct err e = { 0 };
	const char *text;

	ck_assert_int_eq(mime_parse(buf_view(&r), &mime, &e), 0);
	p = letter_part(&mime, "1");
	ck_assert_str_eq(letter_field(p, "Content-Type"), "image/tiff-fx; name=\"a.tfx\"");
	file = letter_file(p);
	buf_init(&was, 4096);
	ck_assert_int_eq(image_open(buf_view(&file), &fax_limits, &img, &e), 0);
	ck_assert_int_eq(img.page[0].form.coding, CODING_JBIG);
	ck_assert_int_eq(image_features(&img, &was, &e), 0);
	ck_assert_int_eq(feat_parse(buf_view(&was), FEAT_DOCUMENT, &is, &e), 0);
	ck_assert_msg(feat_parse(span_str(letter_field(p, "Content-Features")), FEAT_DOCUMENT, &said,
	    &e) == 0, "%s", e.what);
	ck_assert(feat_same(said, is));
	feat_free(said), feat_free(is);
	image_free(&img);
	text = letter_field(p, "Content-Previous");
	ck_assert_msg(strncmp(text, "Date Sun, 22 Nov 2026 01:02:03 +0000; By fax.example.net; (",
	    58) == 0, "%s", text);
	text = strchr(strchr(text, ';') + 1, ';') + 1;
	ck_assert_msg(feat_parse(span_str(text), FEAT_DOCUMENT, &said, &e) == 0, "%s", e.what);
	ck_assert_int_eq(feat_parse(span_str("(image-coding=MMR)"), 0, &is, &e), 0);
	ck_assert_int_eq(feat_within(said, is, &e), 1);
	feat_free(said), feat_free(is);
	mime_free(&mime);
	buf_free(&m), buf_free(&r), buf_free(&file), buf_free(&was);
}
END_TEST

/* R14: two hops, two Content-Previous, the newest on top; one Content-Features. */
START_TEST(r14_two_hops)
{
	struct buf m = letter_make(TOP MIXED "\n--b\n" IMAGE "Content-Convert: ANY\n" FILE_MMR
	    "--b--\n");
	struct buf one = letter_through(&m, TAKES_J), two = letter_through(&one, TAKES_S);
	const struct mime_part *p;
	const unsigned char *at;
	struct mime mime;
	struct mime_field f;
	struct err e = { 0 };

	ck_assert_int_eq(mime_parse(buf_view(&two), &mime, &e), 0);
	p = letter_part(&mime, "1");
	ck_assert_uint_eq(mime_field_find(p->header, "Content-Previous", &f), 2);
	ck_assert_uint_eq(mime_field_find(p->header, "Content-Features", &f), 1);
	ck_assert(strstr(letter_field(p, "Content-Previous"), "JBIG") != NULL);
	at = memmem(two.p, two.n, "image-coding=MMR", 16);
	ck_assert(at != NULL && at > (const unsigned char *)memmem(two.p, two.n,
	    "image-coding=JBIG", 17));
	ck_assert_str_eq(letter_field(p, "Content-Type"), "image/tiff; name=\"a.tif\"");
	mime_free(&mime);
	buf_free(&m), buf_free(&one), buf_free(&two);
}
END_TEST

/* Other encodings, no encoding named, an image that is the whole message, several pages. */
static const struct { const char *name, *message, *caps, *part; uint32_t pages; } bodies[] = {
	{ "no line end behind the last boundary", TOP MIXED "\n--b\nContent-Convert: ANY\n" IMAGE FILE_MMR
	    "--b--", TAKES_S, "1", 1 },
	{ "the whole message", TOP "Content-Convert: ANY\n" IMAGE FILE_MMR, TAKES_S, "1", 1 },
	{ "two pages", TOP "Content-Convert: ANY\n" IMAGE "\n@render/letter-J-multi.tif@\n", TAKES_S,
	    "1", 2 },
	{ "three codings", TOP "Content-Convert: ANY\n" IMAGE "\n@fax/ccitt-multi-mixed.tif@\n",
	    TAKES_J, "1", 3 },
	{ "octet-stream", TOP "Content-Convert: ANY\nContent-Type: application/octet-stream;"
	    " name=x.tif\n" ENC FILE_MMR, TAKES_J, "1", 1 },
	{ "deep", TOP MIXED "\n--b\nContent-Type: multipart/related; boundary=c"
	    "\n\n--c\n\nx\n--c\nContent-Convert: ANY\n" IMAGE FILE_MMR "--c--\n--b\n\ny\n--b--\n", TAKES_J, "1.2", 1 },
};

/* The image of an attached message is converted, and recorded in the header that it has there. */
START_TEST(in_an_attached_message)
{
	static const char *const changed[] = { "2", "2.1.2", "2.1", NULL };
	struct buf m = letter_make(TOP MIXED "\n--b\nContent-Type: text/plain\n\nhello \n"
	    "--b\nContent-Type: message/rfc822\nContent-Description: theirs\n\nSubject: outer\n"
	    "Content-Type: message/rfc822\n\nSubject: inner\nMIME-Version: 1.0\n"
	    "Content-Type: multipart/mixed; boundary=c\n\n--c\n\nx\n--c\n" IMAGE CONVERT FILE_MMR
	    "--c--\n--b\n" IMAGE "\n@fax/ccitt1-S.tif@\n--b--\n");
	struct buf r = letter_through(&m, TAKES_S), file;
	const struct mime_part *p;
	struct mime mime;
	struct mime_field f;
	struct err e = { 0 };
	char profile = 0;

	others_same(&m, &r, changed);
	ck_assert_int_eq(mime_parse(buf_view(&r), &mime, &e), 0);
	p = letter_part(&mime, "2.1.2");
	file = letter_file(p);
	ck_assert_msg(image_validate(buf_view(&file), &profile, &e) == 0, "%s", e.what);
	ck_assert_int_eq(profile, 'S');
	ck_assert_uint_eq(mime_field_find(p->header, "Content-Previous", &f), 1);
	ck_assert_uint_eq(mime_field_find(p->header, "Content-Features", &f), 1);
	ck_assert_uint_eq(count(&r, "Content-Previous"), 1);
	ck_assert_str_eq(letter_field(letter_part(&mime, "2"), "Content-Description"), "theirs");
	ck_assert_str_eq(letter_field(letter_part(&mime, "2.1"), "Subject"), "outer");
	mime_free(&mime);
	buf_free(&file), buf_free(&r), buf_free(&m);
}
END_TEST

#define CHOICE "Content-Type: multipart/alternative; boundary=b\n"
#define PNG_PART "--b\nContent-Type: image/png\n\nthe octets\n"
#define TEXT_PART "--b\nContent-Type: text/plain\n\nhello\n"
#define FITS_PART "--b\n" IMAGE "\n@fax/ccitt1-S.tif@\n"

/* Branches go with their delimiters; what stays is octet by octet what it was; the choice's header has the record. */
static const struct { const char *head, *before, *stays, *after; } choices[] = {
	{ CHOICE, "", TEXT_PART, PNG_PART },
	{ CHOICE, PNG_PART, TEXT_PART, "" },
	{ "Content-Features: (old=1)\n" CHOICE "Content-Description: x\n", PNG_PART, TEXT_PART, PNG_PART },
	{ CHOICE "Content-Features: (old=1)\n", PNG_PART PNG_PART, FITS_PART, PNG_PART },
};

START_TEST(of_alternatives_one_stays)
{
	char text[2000], key[20];
	struct buf m, r, stays;
	struct letter_plan p;
	struct mime mime;
	struct mime_field f;
	struct err e = { 0 };

	snprintf(text, sizeof text, TOP "Content-Convert: ANY\n%s\npreamble\n%s%s%s--b--\nepilogue\n", choices[_i].head,
	    choices[_i].before, choices[_i].stays, choices[_i].after);
	m = letter_make(text);
	letter_plan(&m, TAKES_S, &p);
	span_text(p.plan.verdict[0].key, key, sizeof key);
	ck_assert_ptr_nonnull(strstr(key, "=only"));
	r = letter_convert(&m, &p.plan, key, &e);
	ck_assert_msg(e.kind == ERR_NONE, "%s", e.what);
	snprintf(text, sizeof text, "\npreamble\n%s--b--\nepilogue\n", choices[_i].stays);
	stays = letter_make(text);
	ck_assert_msg(r.n > stays.n && memcmp(r.p + r.n - stays.n, stays.p, stays.n) == 0, "%.*s", (int)r.n,
	    (const char *)r.p);
	ck_assert_int_eq(mime_parse(buf_view(&r), &mime, &e), 0);
	ck_assert(mime.n == 2 && !mime.part[0].broken);
	ck_assert_uint_eq(mime_field_find(mime.part[0].header, "Content-Features", &f), 1);
	ck_assert_uint_eq(mime_field_find(mime.part[0].header, "Content-Previous", &f), 1);
	ck_assert_uint_eq(mime_field_find(mime.part[0].header, "Content-Type", &f), 1);
	ck_assert_uint_eq(count(&r, "Content-Convert: ANY\r\n"), 1);
	ck_assert_uint_eq(count(&r, "(old=1)"), 0);
	ck_assert_ptr_nonnull(strstr(letter_field(&mime.part[0], "Content-Previous"), "image/png"));
	ck_assert_ptr_null(strstr(letter_field(&mime.part[0], "Content-Features"), "image/png"));
	mime_free(&mime);
	letter_plan_free(&p);
	buf_free(&m), buf_free(&r), buf_free(&stays);
}
END_TEST

static const struct { const char *message, *key; } no_choices[] = {
	{ TOP CHOICE "\n" TEXT_PART PNG_PART "--b--\n", "1=only" },
	{ TOP "Content-Convert: NONE\n" CHOICE "\n" TEXT_PART PNG_PART "--b--\n", "1=only" },
	{ TOP "Content-Convert: (image-coding=MH)\n" CHOICE "\n" TEXT_PART PNG_PART "--b--\n", "1=only" },
	{ TOP "Content-Convert: ANY\n" CHOICE "\n" TEXT_PART PNG_PART "--b--\n", "1=drucof:only" },
	{ TOP "Content-Convert: ANY\n" CHOICE "\n" TEXT_PART PNG_PART "--b--\n", "0=only" },
	{ TOP "Content-Convert: ANY\n" CHOICE "\n" TEXT_PART PNG_PART "--b--\n", "1=only;2=only" },
	{ TOP "Content-Convert: ANY\n" CHOICE "\n" TEXT_PART PNG_PART "--b--\n", "1=only;1=only" },
	{ TOP "Content-Convert: ANY\n" CHOICE "\n" TEXT_PART "--b--\n", "1=only" },
	{ TOP "Content-Convert: ANY\n" MIXED "\n" TEXT_PART PNG_PART "--b--\n", "1=only" },
	{ TOP "Content-Convert: ANY\n" CHOICE "\n" TEXT_PART "--b\nContent-Convert: NONE\n\nx\n--b--\n", "1=only" },
	{ TOP "Content-Convert: ANY\n" CHOICE "\n" TEXT_PART "--b\nContent-Convert: ANY\n" IMAGE FILE_MMR "--b--\n",
	    "1=only;2=MH/200x200/A4" },
};

START_TEST(alternatives_that_must_stay)
{
	struct buf m = letter_make(no_choices[_i].message), r;
	struct letter_plan p;
	struct err e;

	letter_plan(&m, TAKES_S, &p);
	r = letter_convert(&m, &p.plan, no_choices[_i].key, &e);
	ck_assert_msg(e.kind == ERR_PROTO, "%d: %s", _i, e.what);
	letter_plan_free(&p);
	buf_free(&m), buf_free(&r);
}
END_TEST

START_TEST(bodies_of_all_sorts)
{
	const char *const changed[] = { bodies[_i].part, NULL };
	struct buf m = letter_make(bodies[_i].message), r = letter_through(&m, bodies[_i].caps), file;
	struct letter_plan p;
	struct image img;
	struct mime mime;
	struct err e = { 0 };
	char profile;

	others_same(&m, &r, changed);
	ck_assert_int_eq(mime_parse(buf_view(&r), &mime, &e), 0);
	file = letter_file(letter_part(&mime, bodies[_i].part));
	ck_assert_msg(image_validate(buf_view(&file), &profile, &e) == 0, "%s", e.what);
	ck_assert_int_eq(image_open(buf_view(&file), &fax_limits, &img, &e), 0);
	ck_assert_uint_eq(img.npage, bodies[_i].pages);
	image_free(&img);
	/* and what results fits */
	letter_plan(&r, bodies[_i].caps, &p);
	ck_assert_msg(p.plan.verdict[0].fate == PLAN_FITS, "%s: %.*s", bodies[_i].name,
	    (int)p.plan.verdict[0].detail.n, (const char *)p.plan.verdict[0].detail.p);
	letter_plan_free(&p);
	mime_free(&mime);
	buf_free(&m), buf_free(&r), buf_free(&file);
}
END_TEST

/* The same image in other encodings; decoded, it is the same, and so is the result. */
START_TEST(encodings_of_the_original)
{
	struct buf m = letter_make(TOP "Content-Convert: ANY\n" IMAGE FILE_MMR), file, again, a, b;
	static const char *const heads[] = { "Content-Transfer-Encoding: quoted-printable\r\n\r\n",
	    "Content-Transfer-Encoding: BINARY (as it is)\r\n\r\n", "\r\n" };
	struct mime mime;
	struct err e = { 0 };

	ck_assert_int_eq(mime_parse(buf_view(&m), &mime, &e), 0);
	file = letter_file(letter_part(&mime, "1"));
	mime_free(&mime);
	a = letter_through(&m, TAKES_S);
	ck_assert_int_eq(mime_parse(buf_view(&a), &mime, &e), 0);
	b = letter_file(letter_part(&mime, "1"));
	mime_free(&mime);
	buf_init(&again, 16 << 20);
	ck_assert_int_eq(buf_add_str(&again, "Content-Convert: ANY\r\nContent-Type: image/tiff\r\n",
	    &e), 0);
	ck_assert_int_eq(buf_add_str(&again, heads[_i], &e), 0);
	if (_i == 0)
		ck_assert_int_eq(transfer_qp(buf_view(&file), false, &again, &e), 0);
	else
		ck_assert_int_eq(buf_add(&again, buf_view(&file), &e), 0);
	buf_free(&a), buf_free(&file);
	a = letter_through(&again, TAKES_S);
	ck_assert_int_eq(mime_parse(buf_view(&a), &mime, &e), 0);
	ck_assert_str_eq(letter_field(letter_part(&mime, "1"), "Content-Transfer-Encoding"), "base64");
	file = letter_file(letter_part(&mime, "1"));
	ck_assert(span_eq(buf_view(&file), buf_view(&b)));
	mime_free(&mime);
	buf_free(&m), buf_free(&file), buf_free(&again), buf_free(&a), buf_free(&b);
}
END_TEST

#define ALL TOP MIXED "\n--b\n" IMAGE "Content-Convert: (image-coding=MH)\n" FILE_MMR \
	"--b\n" IMAGE FILE_MMR "--b\nContent-Type: multipart/signed; boundary=s\n\n" \
	"--s\nContent-Convert: ANY\n" IMAGE FILE_MMR "--s--\n--b--\n"

static const struct { const char *key; enum err_kind kind; } keys[] = {
	{ "1=MH/200x200/A4", ERR_NONE },
	{ "1=MR/200x200/A4", ERR_PERM },		/* R11: not permitted */
	{ "2=MH/200x200/A4", ERR_PROTO },		/* R18: nothing is */
	{ "3.1=MH/200x200/A4", ERR_PROTO },		/* R29: signed */
	{ "3=MH/200x200/A4", ERR_PROTO },
	{ "0=MH/200x200/A4", ERR_PROTO },
	{ "7=MH/200x200/A4", ERR_PROTO },
	{ "1=MH/200x200/A4*2", ERR_PROTO },
	{ "1=MH/200x200/A4*0", ERR_PROTO },
	{ "1=MH/200x200/A4;1=MH/200x200/A4", ERR_PROTO },
	{ "1=MH/200x200", ERR_PROTO },
	{ "1=", ERR_PROTO },
	{ "1", ERR_PROTO },
	{ "=MH/200x200/A4", ERR_PROTO },
	{ "1=MH/200x300/A4", ERR_PROTO },
	{ ";", ERR_PROTO },
};

START_TEST(keys_are_not_trusted)
{
	struct buf m = letter_make(ALL), r;
	struct letter_plan p;
	struct err e;

	letter_plan(&m, TAKES_S, &p);
	plan_free(&p.plan);
	buf_free(&p.coded);
	if (keys[_i].kind == ERR_NONE) {
		struct buf only = letter_make(TOP MIXED "\n--b\n" IMAGE
		    "Content-Convert: (image-coding=MH)\n" FILE_MMR "--b--\n");

		letter_plan(&only, TAKES_S, &p);
		r = letter_convert(&only, &p.plan, keys[_i].key, &e);
		letter_plan_free(&p);
		buf_free(&only);
	} else {
		r = letter_convert(&m, &p.plan, keys[_i].key, &e);
		ck_assert_uint_eq(r.n, 0);
	}
	ck_assert_msg(e.kind == keys[_i].kind, "%s: %d %s", keys[_i].key, e.kind, e.what);
	if (e.kind == ERR_PERM)			/* R12 */
		ck_assert_str_eq(e.dsn, "5.6.5");
	buf_free(&r);
	buf_free(&m);
}
END_TEST

static const struct { const char *in, *type, *want; } types[] = {
	{ " image/tiff", "image/tiff-fx", "Content-Type: image/tiff-fx\r\n" },
	{ "image/tiff; name=a.TIFF; x=\"q\\\"y\"", "image/tiff-fx",
	    "Content-Type: image/tiff-fx;\r\n name=a.tfx;\r\n x=\"q\\\"y\"\r\n" },
	{ "image/tiff-fx; name=\"a.tfx\"", "image/tiff", "Content-Type: image/tiff;\r\n"
	    " name=\"a.tif\"\r\n" },
	{ "image/tiff; name=\"a.tiff\"", "image/tiff", "Content-Type: image/tiff;\r\n"
	    " name=\"a.tiff\"\r\n" },
	{ "image/tiff; name*=utf-8''%C3%A9.tif", "image/tiff-fx", "Content-Type: image/tiff-fx;\r\n"
	    " name*=utf-8''%C3%A9.tfx\r\n" },
	{ "image/jpeg; name=\"a.JPEG\"", "image/tiff", "Content-Type: image/tiff;\r\n name=\"a.tif\"\r\n" },
	{ "image/png; name=a.png", "image/tiff-fx", "Content-Type: image/tiff-fx;\r\n name=a.tfx\r\n" },
	{ "image/tiff; name=\"a.pdf\"", "image/tiff-fx", "Content-Type: image/tiff-fx;\r\n"
	    " name=\"a.pdf\"\r\n" },
	{ "image/tiff; name=\"\xc3\xa9.tif\"; x=y", "image/tiff", "Content-Type: image/tiff;\r\n"
	    " x=y\r\n" },
	{ "image/tiff; name=\"a\r\n b.tif\"", "image/tiff-fx", "Content-Type: image/tiff-fx;\r\n"
	    " name=\"a b.tfx\"\r\n" },
};

START_TEST(types_and_names)
{
	struct buf b;
	struct err e = { 0 };

	buf_init(&b, 4096);
	ck_assert_int_eq(record_type(span_str(types[_i].in), types[_i].type, &b, &e), 0);
	ck_assert_msg(span_is(buf_view(&b), types[_i].want), "%.*s", (int)b.n, (const char *)b.p);
	buf_free(&b);
}
END_TEST

START_TEST(dispositions)
{
	struct buf b;
	struct err e = { 0 };

	buf_init(&b, 4096);
	ck_assert_int_eq(record_disposition(span_str("attachment; filename=\"x.tif\""), "image/tiff",
	    &b, &e), 0);
	ck_assert_int_eq(record_disposition(span_str("attachment; filename"), "image/tiff-fx", &b,
	    &e), 0);
	ck_assert_uint_eq(b.n, 0);
	ck_assert_int_eq(record_disposition(span_str("inline; filename=\"x.tif\"; handling=optional"),
	    "image/tiff-fx", &b, &e), 1);
	ck_assert(span_is(buf_view(&b), "Content-Disposition: inline;\r\n filename=\"x.tfx\";\r\n"
	    " handling=optional\r\n"));
	buf_free(&b);
}
END_TEST

/* Folds stand where white space may stand; unfolded it is the same set; no line is long. */
START_TEST(folding)
{
	static const char filter[] = "(| (& (color=Binary)(dpi=200)(dpi-xyratio=1)(image-coding=MH)"
	    "(x=\"a quoted string with ( and ) in it, which must never be folded anywhere\"))"
	    "(& (color=Binary)(dpi=204)(image-coding=MR)))";
	struct feat *a, *c;
	struct buf b, flat;
	struct err e = { 0 };
	struct span rest, line;
	struct mime_field f;

	buf_init(&b, 4096), buf_init(&flat, 4096);
	ck_assert_int_eq(record_features(span_str(filter), &b, &e), 0);
	for (rest = buf_view(&b); span_line(&rest, &line);)
		ck_assert_uint_le(line.n, 998);
	ck_assert_uint_eq(mime_field_find(buf_view(&b), "Content-Features", &f), 1);
	ck_assert_uint_eq(f.whole.n, b.n);
	ck_assert_int_eq(mime_unfold(f.value, &flat, &e), 0);
	ck_assert_int_eq(feat_parse(span_str(filter), 0, &a, &e), 0);
	ck_assert_msg(feat_parse(buf_view(&flat), 0, &c, &e) == 0, "%s", e.what);
	ck_assert(feat_same(a, c));
	feat_free(a), feat_free(c);
	buf_free(&b), buf_free(&flat);
}
END_TEST

Suite *suite_apply(void);
Suite *
suite_apply(void)
{
	Suite *s = suite_create("apply");
	TCase *tc = tcase_create("apply");

	tcase_add_test(tc, one_part_of_three);
	tcase_add_test(tc, r13_the_record_is_true);
	tcase_add_test(tc, r14_two_hops);
	tcase_add_test(tc, in_an_attached_message);
	tcase_add_loop_test(tc, of_alternatives_one_stays, 0, sizeof choices / sizeof *choices);
	tcase_add_loop_test(tc, alternatives_that_must_stay, 0, sizeof no_choices / sizeof *no_choices);
	tcase_add_loop_test(tc, bodies_of_all_sorts, 0, sizeof bodies / sizeof *bodies);
	tcase_add_loop_test(tc, encodings_of_the_original, 0, 3);
	tcase_add_loop_test(tc, keys_are_not_trusted, 0, sizeof keys / sizeof *keys);
	tcase_add_loop_test(tc, types_and_names, 0, sizeof types / sizeof *types);
	tcase_add_test(tc, dispositions);
	tcase_add_test(tc, folding);
	suite_add_tcase(s, tc);
	return s;
}
