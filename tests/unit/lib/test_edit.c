/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/edit.h"

#include <check.h>

/*
 * The message that all rows speak of; the places of its fields and of its body are found, not
 * counted by hand.
 */
static const char message[] =
    "From: a@example.com\r\n"
    "Content-Type: image/tiff\r\n"
    "Content-Transfer-Encoding: base64\r\n"
    "X-Between: yes\r\n"
    "Content-MD5: abc\r\n"
    "\r\n"
    "SUkqAA==\r\n"
    "tail\r\n";
enum { MESSAGE_LEN = sizeof message - 1 };

static uint64_t
at(const char *text)
{
	const char *p = strstr(message, text);

	ck_assert_msg(p != NULL, "%s", text);
	return (uint64_t)(p - message);
}

static size_t
ranges(struct edit_range r[5])
{
	r[0] = (struct edit_range){ at("Content-Type"), 0, RANGE_HEADER };
	r[1] = (struct edit_range){ at("Content-Type"), 26, RANGE_HEADER };
	r[2] = (struct edit_range){ at("Content-Transfer"), 35, RANGE_HEADER };
	r[3] = (struct edit_range){ at("Content-MD5"), 18, RANGE_HEADER };
	r[4] = (struct edit_range){ at("SUkq"), 10, RANGE_BODY };
	return 5;
}

/* One step of a list: copy up to the octet where `from` stands and go on at `to`; or insert. */
struct step { enum edit_op op; const char *from, *to; };
#define END "\xff"	/* the message's end */
#define COPY(a, b) { EDIT_COPY, a, b }
#define HEAD(t) { EDIT_HEADER, t, NULL }
#define BODY(t) { EDIT_BODY, t, NULL }
#define TYPE "Content-Type: image/tiff-fx\r\n"

static const struct {
	const char *name;
	bool ok;
	struct step step[8];
} cases[] = {
	{ "nothing changes", true, { COPY("From", END) } },
	{ "a conversion", true, { COPY("From", "Content-Type"),
	    HEAD("Content-Previous: Date x;\r\n By b;\r\n (a=b)\r\n" TYPE
	    "Content-Transfer-Encoding: base64\r\n"), COPY("X-Betw", "Content-MD5"),
	    COPY("\r\nSUkq", "SUkq"), BODY("AAAA\r\nBBB=\r\n"), COPY("tail", END) } },
	{ "fields put in, none cut", true, { COPY("From", "Content-Type"),
	    HEAD("Content-Features: (a=b)\r\n"), COPY("Content-Type", END) } },
	{ "a field cut, none put in", true, { COPY("From", "Content-MD5"), COPY("\r\nSUkq", END) } },
	{ "the head is left out", false, { COPY("Content-Type", END) } },
	{ "the tail is left out", false, { COPY("From", "tail") } },
	{ "a field between is left out", false, { COPY("From", "X-Betw"), COPY("Content-MD5", END) } },
	{ "one octet too many is cut", false, { COPY("From", "Content-MD5"), COPY("\nSUkq", END) } },
	{ "half a field is cut", false, { COPY("From", "Content-MD5"), COPY("abc", END) } },
	{ "the end of a field is cut", false, { COPY("From", "abc"), COPY("\r\nSUkq", END) } },
	{ "an end of a body is cut", false, { COPY("From", "kqAA"), BODY("AAAA\r\n"),
	    COPY("tail", END) } },
	{ "a body cut and nothing put there", false, { COPY("From", "SUkq"), COPY("tail", END) } },
	{ "a body put in, none cut", false, { COPY("From", "SUkq"), BODY("AAAA\r\n"),
	    COPY("SUkq", END) } },
	{ "two bodies", false, { COPY("From", "SUkq"), BODY("AAAA\r\n"), BODY("AAAA\r\n"),
	    COPY("tail", END) } },
	{ "fields where no range starts", false, { COPY("From", "X-Betw"), HEAD(TYPE),
	    COPY("X-Betw", END) } },
	{ "fields at the head", false, { HEAD(TYPE), COPY("From", END) } },
	{ "fields after all", false, { COPY("From", END), HEAD(TYPE) } },
	{ "fields in a body", false, { COPY("From", "SUkq"), HEAD(TYPE), COPY("tail", END) } },
	{ "the operation of a header in a body", false, { COPY("From", "SUkq"), HEAD("AAAA\r\n"),
	    COPY("tail", END) } },
	{ "the operation of a body in a header", false, { COPY("From", "Content-Type"), BODY(TYPE),
	    COPY("Content-Type", END) } },
	{ "base64 in a header", false, { COPY("From", "Content-Type"), BODY("AAAA\r\n"),
	    COPY("Content-Type", END) } },
	{ "copied twice", false, { COPY("From", "tail"), COPY("tail", END), COPY("tail", END) } },
	{ "copied out of order", false, { COPY("X-Betw", END), COPY("From", "X-Betw") } },
};

/* Writes the steps of row i as a list; its text goes to text. */
static void
build(const struct step *s, struct edit_list *l, struct edit *d, struct buf *text)
{
	struct err e = { 0 };

	*l = (struct edit_list){ .edit = d };
	for (; l->n < 8 && s->from != NULL; s++, l->n++) {
		struct edit *now = &d[l->n];

		now->op = (uint8_t)s->op;
		if (s->op == EDIT_COPY) {
			now->off = at(s->from);
			now->len = (strcmp(s->to, END) == 0 ? MESSAGE_LEN : at(s->to)) - now->off;
		} else {
			now->off = text->n;
			now->len = strlen(s->from);
			ck_assert_int_eq(buf_add_str(text, s->from, &e), 0);
		}
		l->size += now->len;
	}
	l->text = buf_view(text);
}

/* What becomes of the edits. */
static int
judged(const struct step *step, struct err *e)
{
	struct edit_range r[5];
	struct edit_list l;
	struct edit d[8];
	struct buf text;
	int got;

	buf_init(&text, 4096);
	build(step, &l, d, &text);
	got = edit_check(&l, MESSAGE_LEN, r, ranges(r), e);
	buf_free(&text);
	return got;
}

START_TEST(cuts_and_insertions_are_judged)
{
	struct err e = { 0 };
	int got = judged(cases[_i].step, &e);

	ck_assert_msg(got == (cases[_i].ok ? 0 : -1), "%s: %d %s", cases[_i].name, got, e.what);
	if (got == -1)
		ck_assert_int_eq(e.kind, ERR_PROTO);
}
END_TEST

static const struct { enum edit_op op; const char *text; bool ok; } shapes[] = {
	{ EDIT_HEADER, "Content-Type: image/tiff; name=\"a.tif\"\r\n", true },
	{ EDIT_HEADER, "content-type:IMAGE/TIFF\r\n", true },
	{ EDIT_HEADER, "Content-Features:\r\n (&(a=b)\r\n\t(c=d))\r\n", true },
	{ EDIT_HEADER, "Content-Type: text/html\r\n", false },
	{ EDIT_HEADER, "Content-Type: image/tiffy\r\n", false },
	{ EDIT_HEADER, "Content-Type: multipart/mixed; boundary=x\r\n", false },
	{ EDIT_HEADER, "Content-Transfer-Encoding: binary\r\n", false },
	{ EDIT_HEADER, "Content-Convert: ANY\r\n", false },
	{ EDIT_HEADER, "Content-Length: 3\r\n", false },
	{ EDIT_HEADER, "Subject: mine\r\n", false },
	{ EDIT_HEADER, "Content-Type : image/tiff\r\n", false },
	{ EDIT_HEADER, "Content-Type: image/tiff\r\n\r\n", false },
	{ EDIT_HEADER, "Content-Type: image/tiff\r\n \r\n", false },
	{ EDIT_HEADER, "Content-Type: image/tiff\r\n\r\nSubject: x\r\n", false },
	{ EDIT_HEADER, "Content-Type: image/tiff\r\nno field\r\n", false },
	{ EDIT_HEADER, "Content-Type: image/tiff\nSubject: x\r\n", false },
	{ EDIT_HEADER, "Content-Type: image/tiff\rSubject: x\r\n", false },
	{ EDIT_HEADER, "Content-Features: (a=b)\rSubject: x\r\n", false },
	{ EDIT_HEADER, "Content-Features: (a=\x01)\r\n", false },
	{ EDIT_HEADER, "Content-Type: image/tiff", false },
	{ EDIT_HEADER, "Content-Type: image/tiff\n", false },
	{ EDIT_HEADER, " folded\r\n", false },
	{ EDIT_HEADER, "Content-Type: image/tiff; name=\x80\r\n", false },
	{ EDIT_HEADER, "--boundary\r\n", false },
	{ EDIT_BODY, "AAAA\r\n", true },
	{ EDIT_BODY, "AA==\r\n", true },
	{ EDIT_BODY, "AAAA\r\nAAA=\r\n", true },
	{ EDIT_BODY, "AAA=\r\nAAAA\r\n", false },
	{ EDIT_BODY, "A===\r\n", false },
	{ EDIT_BODY, "AA-A\r\n", false },
	{ EDIT_BODY, "--b\r\n", false },
	{ EDIT_BODY, ".\r\n", false },
	{ EDIT_BODY, "AAAA\r\n\r\nAAAA\r\n", false },
	{ EDIT_BODY, "AAAA\n", false },
	{ EDIT_BODY, "AAAA", false },
	{ EDIT_BODY, "AAAA \r\n", false },
	{ EDIT_BODY, "\r\n", false },
	{ EDIT_BODY, "AAAAAAAAAABBBBBBBBBBAAAAAAAAAABBBBBBBBBBAAAAAAAAAABBBBBBBBBBAAAAAAAAAABBBBBBB\r\n",
	    false },	/* 77 */
};

START_TEST(what_is_inserted_has_its_shape)
{
	const struct step body[] = { COPY("From", "SUkq"), BODY(shapes[_i].text), COPY("tail", END),
	    { EDIT_COPY, NULL, NULL } };
	const struct step header[] = { COPY("From", "Content-Type"), HEAD(shapes[_i].text),
	    COPY("Content-Transfer", END), { EDIT_COPY, NULL, NULL } };
	struct err e = { 0 };
	int got = judged(shapes[_i].op == EDIT_BODY ? body : header, &e);

	ck_assert_msg(got == (shapes[_i].ok ? 0 : -1), "'%s': %d %s", shapes[_i].text, got, e.what);
}
END_TEST

static const struct { const char *name; struct edit_range r[3]; size_t n; } bad_ranges[] = {
	{ "descending", { { 20, 5, 0 }, { 10, 5, 0 } }, 2 },
	{ "overlapping", { { 10, 5, 0 }, { 14, 5, 0 } }, 2 },
	{ "beyond the end", { { 10, 91, 0 } }, 1 },
	{ "far beyond the end", { { 101, 0, 0 } }, 1 },
	{ "a length that wraps", { { 10, UINT64_MAX - 4, 0 } }, 1 },
	{ "no such kind", { { 10, 5, 2 } }, 1 },
	{ "an empty body", { { 10, 0, RANGE_BODY } }, 1 },
};

START_TEST(ranges_are_checked)
{
	struct edit d = { EDIT_COPY, 0, 100 };
	struct edit_list l = { &d, 1, { NULL, 0 }, 100 };
	struct err e = { 0 };

	ck_assert_msg(edit_check(&l, 100, bad_ranges[_i].r, bad_ranges[_i].n, &e) == -1, "%s",
	    bad_ranges[_i].name);
	ck_assert_int_eq(e.kind, ERR_PROTO);
}
END_TEST

/* Header and body side by side are two cuts all the same: a body that goes needs another. */
START_TEST(header_and_body_are_not_one_cut)
{
	static const char type[] = "Content-Type: image/tiff\r\n";
	const struct edit_range r[] = { { 10, 10, RANGE_HEADER }, { 20, 10, RANGE_BODY } };
	struct edit d[] = { { EDIT_COPY, 0, 10 }, { EDIT_HEADER, 0, sizeof type - 1 },
	    { EDIT_COPY, 30, 70 } };
	struct edit_list l = { d, 3, span_str(type), 80 + sizeof type - 1 };
	struct err e = { 0 };

	ck_assert_int_eq(edit_check(&l, 100, r, 2, &e), -1);
	d[2] = (struct edit){ EDIT_COPY, 20, 80 };
	ck_assert_msg(edit_check(&l, 100, r, 2, &e) == 0, "%s", e.what);
}
END_TEST

static int
check_fields(struct span text)
{
	const struct edit_range r[] = { { 10, 10, RANGE_HEADER } };
	struct edit d[] = { { EDIT_COPY, 0, 10 }, { EDIT_HEADER, 0, text.n }, { EDIT_COPY, 20, 80 } };
	struct edit_list l = { d, 3, text, 90 + text.n };
	struct err e = { 0 };

	return edit_check(&l, 100, r, 1, &e);
}

/* RFC 5322 2.1.1: 998 octets a line; and a header has its end. */
START_TEST(fields_are_bounded)
{
	struct buf b;
	struct err e = { 0 };

	buf_init(&b, 1 << 20);
	for (int n = 997; n <= 999; n++) {
		buf_clear(&b);
		ck_assert_int_eq(buf_add_str(&b, "Content-Features: ", &e), 0);
		while (b.n < (size_t)n)
			ck_assert_int_eq(buf_add_byte(&b, 'a', &e), 0);
		ck_assert_int_eq(buf_add_str(&b, "\r\n", &e), 0);
		ck_assert_int_eq(check_fields(buf_view(&b)), n <= 998 ? 0 : -1);
	}
	buf_clear(&b);
	while (b.n <= 65536 - 25)
		ck_assert_int_eq(buf_add_str(&b, "Content-Features: (aa=b)\r\n", &e), 0);
	ck_assert_int_eq(check_fields(buf_view(&b)), 0);
	ck_assert_int_eq(buf_add_str(&b, "Content-Features: (aa=b)\r\n", &e), 0);
	ck_assert_int_eq(check_fields(buf_view(&b)), -1);
	buf_free(&b);
}
END_TEST

static int
collect(void *arg, struct span piece, struct err *e)
{
	return buf_add(arg, piece, e);
}

START_TEST(a_list_comes_back_and_is_walked)
{
	struct edit_list l, back;
	struct edit d[8];
	struct buf text, coded, out;
	struct err e = { 0 };

	buf_init(&text, 4096), buf_init(&coded, 4096), buf_init(&out, 4096);
	build(cases[1].step, &l, d, &text);
	ck_assert_int_eq(edit_encode(&l, &coded, &e), 0);
	ck_assert_int_eq(edit_decode(buf_view(&coded), MESSAGE_LEN, &back, &e), 0);
	ck_assert_int_eq(edit_walk(&back, span_str(message), collect, &out, &e), 0);
	ck_assert_uint_eq(out.n, back.size);
	ck_assert(span_is(buf_view(&out),
	    "From: a@example.com\r\n"
	    "Content-Previous: Date x;\r\n By b;\r\n (a=b)\r\n"
	    "Content-Type: image/tiff-fx\r\n"
	    "Content-Transfer-Encoding: base64\r\n"
	    "X-Between: yes\r\n"
	    "\r\n"
	    "AAAA\r\nBBB=\r\n"
	    "tail\r\n"));
	edit_free(&back);
	/* A message that is shorter than the list says is found, not read beyond. */
	buf_clear(&out);
	ck_assert_int_eq(edit_walk(&l, span_str("short"), collect, &out, &e), -1);
	/* Cut anywhere, or one octet longer, it is none. */
	for (size_t n = 0; n < coded.n; n++)
		ck_assert_int_eq(edit_decode(span_of(coded.p, n), MESSAGE_LEN, &back, &e), -1);
	ck_assert_int_eq(buf_add_byte(&coded, 0, &e), 0);
	ck_assert_int_eq(edit_decode(buf_view(&coded), MESSAGE_LEN, &back, &e), -1);
	coded.n--;
	ck_assert_int_eq(edit_decode(buf_view(&coded), MESSAGE_LEN - 1, &back, &e), -1);
	buf_free(&text), buf_free(&coded), buf_free(&out);
}
END_TEST

static const struct { const char *name; struct edit d[3]; size_t n; uint64_t size; const char *text; }
    bad_lists[] = {
	{ "of another size", { { EDIT_COPY, 0, 10 } }, 1, 11, "" },
	{ "copies nothing", { { EDIT_COPY, 0, 0 } }, 1, 0, "" },
	{ "inserts nothing", { { EDIT_HEADER, 0, 0 }, { EDIT_HEADER, 0, 4 } }, 2, 4, "text" },
	{ "goes back", { { EDIT_COPY, 10, 10 }, { EDIT_COPY, 0, 5 } }, 2, 15, "" },
	{ "beyond the end", { { EDIT_COPY, 95, 6 } }, 1, 6, "" },
	{ "a length that wraps", { { EDIT_COPY, 95, UINT64_MAX } }, 1, UINT64_MAX, "" },
	{ "text not used", { { EDIT_COPY, 0, 10 } }, 1, 10, "text" },
	{ "text used twice", { { EDIT_BODY, 0, 4 }, { EDIT_BODY, 0, 4 } }, 2, 8, "text" },
	{ "text beyond", { { EDIT_BODY, 0, 5 } }, 1, 5, "text" },
	{ "no such operation", { { EDIT_SOFT + 1, 0, 4 } }, 1, 4, "text" },
};

START_TEST(lists_are_checked)
{
	struct edit_list l = { NULL, bad_lists[_i].n, span_str(bad_lists[_i].text),
	    bad_lists[_i].size }, back;
	struct edit d[3];
	struct buf coded;
	struct err e = { 0 };

	memcpy(d, bad_lists[_i].d, sizeof d);
	l.edit = d;
	buf_init(&coded, 4096);
	ck_assert_int_eq(edit_encode(&l, &coded, &e), 0);
	ck_assert_msg(edit_decode(buf_view(&coded), 100, &back, &e) == -1, "%s", bad_lists[_i].name);
	ck_assert_int_eq(e.kind, ERR_PROTO);
	buf_free(&coded);
}
END_TEST

Suite *suite_edit(void);
Suite *
suite_edit(void)
{
	Suite *s = suite_create("edit");
	TCase *tc = tcase_create("edit");

	tcase_add_loop_test(tc, cuts_and_insertions_are_judged, 0, sizeof cases / sizeof *cases);
	tcase_add_loop_test(tc, what_is_inserted_has_its_shape, 0, sizeof shapes / sizeof *shapes);
	tcase_add_loop_test(tc, ranges_are_checked, 0, sizeof bad_ranges / sizeof *bad_ranges);
	tcase_add_test(tc, header_and_body_are_not_one_cut);
	tcase_add_test(tc, fields_are_bounded);
	tcase_add_test(tc, a_list_comes_back_and_is_walked);
	tcase_add_loop_test(tc, lists_are_checked, 0, sizeof bad_lists / sizeof *bad_lists);
	suite_add_tcase(s, tc);
	return s;
}
