/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/edit.h"

#include <check.h>
#include <stdio.h>

#include "lib/edit_note.h"
#include "lib/edit_recode.h"

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
	{ "no such kind", { { 10, 5, 6 } }, 1 },
	{ "an empty body", { { 10, 0, RANGE_BODY } }, 1 },
	{ "an empty part", { { 10, 0, RANGE_PART } }, 1 },
	{ "a part that is not left", { { 10, 5, RANGE_PART }, { 12, 5, RANGE_BODY } }, 2 },
	{ "a part that begins within another", { { 10, 5, RANGE_PART }, { 12, 5, RANGE_PART } }, 2 },
	{ "a part about what stands before it", { { 12, 5, RANGE_BODY }, { 10, 20, RANGE_PART } }, 2 },
	{ "overlapping in a part", { { 10, 20, RANGE_PART }, { 12, 5, RANGE_BODY }, { 14, 5, RANGE_BODY } }, 3 },
	{ "overlapping behind a part", { { 10, 5, RANGE_PART }, { 15, 5, RANGE_BODY }, { 17, 5, RANGE_BODY } }, 3 },
	{ "a part within a header", { { 10, 5, RANGE_HEADER }, { 12, 2, RANGE_PART } }, 2 },
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

/* --- notes --- */

static const unsigned char digest[32] = { 0x01, 0xab, 0xff };

/* The message as parts: 10 to 60 one with fields and a body inside, and a part in that; 70 to 80 another. */
static const struct edit_range parts[] = { { 10, 50, RANGE_PART }, { 10, 0, RANGE_HEADER }, { 10, 10, RANGE_HEADER },
    { 25, 20, RANGE_PART }, { 30, 10, RANGE_BODY }, { 50, 5, RANGE_BODY }, { 70, 10, RANGE_PART } };

enum { TYPE_AT = -1, NOTE_AT = -2, BASE64_AT = -3 };	/* steps that are no copy */

static const struct { const char *name; bool ok; int step[12]; } placed[] = {
	{ "nothing", true, { 0, 100 } },
	{ "for a part", true, { 0, 10, NOTE_AT, 60, 100 } },
	{ "for the part in it", true, { 0, 25, NOTE_AT, 45, 100 } },
	{ "for the last one", true, { 0, 70, NOTE_AT, 80, 100 } },
	{ "for two of them", true, { 0, 10, NOTE_AT, 60, 70, NOTE_AT, 80, 100 } },
	{ "beside a conversion", true, { 0, 10, TYPE_AT, 20, 25, NOTE_AT, 45, 50, BASE64_AT, 55, 100 } },
	{ "conversions in the parts", true, { 0, 10, TYPE_AT, 20, 30, BASE64_AT, 40, 100 } },
	{ "for less than a part", false, { 0, 10, NOTE_AT, 59, 100 } },
	{ "for more", false, { 0, 10, NOTE_AT, 61, 100 } },
	{ "for the end of one", false, { 0, 11, NOTE_AT, 60, 100 } },
	{ "for nothing", false, { 0, 10, NOTE_AT, 10, 100 } },
	{ "for a body", false, { 0, 50, NOTE_AT, 55, 100 } },
	{ "for two parts and what is between", false, { 0, 10, NOTE_AT, 80, 100 } },
	{ "a part left out without one", false, { 0, 10, 60, 100 } },
	{ "two notes", false, { 0, 10, NOTE_AT, NOTE_AT, 60, 100 } },
	{ "a note and fields", false, { 0, 10, NOTE_AT, TYPE_AT, 60, 100 } },
	{ "fields and a note", false, { 0, 10, TYPE_AT, NOTE_AT, 60, 100 } },
	{ "fields for a part", false, { 0, 10, TYPE_AT, 60, 100 } },
	{ "base64 for a part", false, { 0, 70, BASE64_AT, 80, 100 } },
	{ "a note in the header", false, { 0, 10, NOTE_AT, 20, 100 } },
};

static int
notes_judged(const int *step, const char *note, struct err *e)
{
	struct edit d[8];
	struct edit_list l = { .edit = d };
	struct buf text;
	int got;

	buf_init(&text, 65536);
	for (; l.n < 8 && (*step != 100 || l.n == 0); l.n++) {
		if (*step >= 0) {
			d[l.n] = (struct edit){ EDIT_COPY, (uint64_t)step[0], (uint64_t)(step[1] - step[0]) };
			step += step[1] == 100 ? 1 : 2;
		} else {
			const char *s = *step == TYPE_AT ? TYPE : *step == NOTE_AT ? note : "AAAA\r\n";

			d[l.n] = (struct edit){ *step == TYPE_AT ? EDIT_HEADER : *step == NOTE_AT ? EDIT_NOTE : EDIT_BODY,
			    text.n, strlen(s) };
			ck_assert_int_eq(buf_add_str(&text, s, e), 0);
			step++;
		}
		l.size += d[l.n].len;
	}
	l.text = buf_view(&text);
	got = edit_check(&l, 100, parts, sizeof parts / sizeof *parts, e);
	buf_free(&text);
	return got;
}

static const char *
sample_note(void)
{
	static char text[1000];
	struct err e = { 0 };
	struct buf b;

	buf_init(&b, sizeof text);
	ck_assert_int_eq(edit_note_add(span_str("image/png"), 12, digest, &b, &e), 0);
	memcpy(text, b.p, b.n);
	text[b.n] = '\0';
	buf_free(&b);
	return text;
}

START_TEST(a_note_stands_for_a_whole_part)
{
	struct err e = { 0 };
	int got = notes_judged(placed[_i].step, sample_note(), &e);

	ck_assert_msg(got == (placed[_i].ok ? 0 : -1), "%s: %d %s", placed[_i].name, got, e.what);
	if (got == -1)
		ck_assert_int_eq(e.kind, ERR_PROTO);
}
END_TEST

#define NOTE_HEAD "Content-Type: text/plain; charset=us-ascii\r\n\r\n" \
	"Here was a part that this recipient's machine cannot use and that could not\r\n" \
	"be converted.  It was left out, as the sender permits.\r\n\r\nType: "
#define NOTE_SHA "\r\nSHA-256: 01abff0000000000000000000000000000000000000000000000000000000000"

static const struct { const char *text; bool ok; } note_shapes[] = {
	{ NOTE_HEAD "image/png\r\nSize: 12 octets" NOTE_SHA "\r\n", true },
	{ NOTE_HEAD "a/b\r\nSize: 18446744073709551615 octets" NOTE_SHA "\r\n", true },
	{ NOTE_HEAD "image/png\r\nSize: 12 octets" NOTE_SHA, false },
	{ NOTE_HEAD "image/png\r\nSize: 12 octets" NOTE_SHA "\r\n\r\n", false },
	{ NOTE_HEAD "image/png\r\nSize: 12 octets" NOTE_SHA "0\r\n", false },
	{ NOTE_HEAD "image/png\r\nSize: 12 octets\r\nSHA-256: 01ABff00000000000000000000000000000000000000000000000000"
	    "00000000\r\n", false },
	{ NOTE_HEAD "image/png\r\nSize: 12 octets\r\nSHA-256: \r\n", false },
	{ NOTE_HEAD "image/png\r\nSize: 012 octets" NOTE_SHA "\r\n", false },
	{ NOTE_HEAD "image/png\r\nSize: -1 octets" NOTE_SHA "\r\n", false },
	{ NOTE_HEAD "image/png\r\nSize: 99999999999999999999 octets" NOTE_SHA "\r\n", false },
	{ NOTE_HEAD "image/png\r\nSize:  octets" NOTE_SHA "\r\n", false },
	{ NOTE_HEAD "image\r\nSize: 12 octets" NOTE_SHA "\r\n", false },
	{ NOTE_HEAD "/png\r\nSize: 12 octets" NOTE_SHA "\r\n", false },
	{ NOTE_HEAD "image/\r\nSize: 12 octets" NOTE_SHA "\r\n", false },
	{ NOTE_HEAD "image/png; name=x\r\nSize: 12 octets" NOTE_SHA "\r\n", false },
	{ NOTE_HEAD "image/p ng\r\nSize: 12 octets" NOTE_SHA "\r\n", false },
	{ NOTE_HEAD "image/p\xe4ng\r\nSize: 12 octets" NOTE_SHA "\r\n", false },
	{ NOTE_HEAD "image/png\r\n--b\r\nSize: 12 octets" NOTE_SHA "\r\n", false },
	{ "X: y\r\n" NOTE_HEAD "image/png\r\nSize: 12 octets" NOTE_SHA "\r\n", false },
	{ "Content-Type: text/html\r\n\r\nType: image/png\r\nSize: 12 octets" NOTE_SHA "\r\n", false },
	{ "\r\n", false },
};

START_TEST(notes_have_one_shape)
{
	static const int step[] = { 0, 10, NOTE_AT, 60, 100 };
	struct err e = { 0 };

	ck_assert_str_eq(sample_note(), note_shapes[0].text);
	ck_assert_msg(notes_judged(step, note_shapes[_i].text, &e) == (note_shapes[_i].ok ? 0 : -1), "%s: %s",
	    note_shapes[_i].text, e.what);
}
END_TEST

/* --- choices --- */

/* The message as a choice: its record at 10 to 20; branches from 30 to 50 (a body in it), 50 to 70, 70 to 90. */
static const struct edit_range branches[] = { { 10, 0, RANGE_RECORD }, { 10, 10, RANGE_RECORD }, { 30, 60, RANGE_CHOICE },
    { 30, 20, RANGE_BRANCH }, { 40, 10, RANGE_BODY }, { 50, 20, RANGE_BRANCH }, { 52, 18, RANGE_PART },
    { 70, 20, RANGE_BRANCH } };

static const struct { const char *name; bool ok; struct { enum edit_op op; uint64_t from, to; } step[8]; } chosen[] = {
	{ "nothing goes", true, { { EDIT_COPY, 0, 100 } } },
	{ "the first", true, { { EDIT_COPY, 0, 30 }, { EDIT_COPY, 50, 100 } } },
	{ "the last", true, { { EDIT_COPY, 0, 70 }, { EDIT_COPY, 90, 100 } } },
	{ "the first and the last", true, { { EDIT_COPY, 0, 30 }, { EDIT_COPY, 50, 70 }, { EDIT_COPY, 90, 100 } } },
	{ "the first two", true, { { EDIT_COPY, 0, 30 }, { EDIT_COPY, 70, 100 } } },
	{ "with a record", true, { { EDIT_COPY, 0, 10 }, { EDIT_HEADER, 0, 0 }, { EDIT_COPY, 20, 50 }, { EDIT_COPY, 90, 100 } } },
	{ "all of them", false, { { EDIT_COPY, 0, 30 }, { EDIT_COPY, 90, 100 } } },
	{ "the first but its start", false, { { EDIT_COPY, 0, 31 }, { EDIT_COPY, 50, 100 } } },
	{ "more than the first", false, { { EDIT_COPY, 0, 30 }, { EDIT_COPY, 51, 100 } } },
	{ "what is before them", false, { { EDIT_COPY, 0, 29 }, { EDIT_COPY, 50, 100 } } },
	{ "a note for a branch", false, { { EDIT_COPY, 0, 30 }, { EDIT_NOTE, 0, 0 }, { EDIT_COPY, 50, 100 } } },
	{ "a note for the part in one", true, { { EDIT_COPY, 0, 52 }, { EDIT_NOTE, 0, 0 }, { EDIT_COPY, 70, 100 } } },
	{ "fields for a branch", false, { { EDIT_COPY, 0, 30 }, { EDIT_HEADER, 0, 0 }, { EDIT_COPY, 50, 100 } } },
	{ "a body for a branch", false, { { EDIT_COPY, 0, 30 }, { EDIT_BODY, 0, 0 }, { EDIT_COPY, 50, 100 } } },
};

static int
choice_judged(int i, const char *header, const struct edit_range *r, size_t n, struct err *e)
{
	struct edit d[8];
	struct edit_list l = { .edit = d };
	struct buf text;
	int got;

	buf_init(&text, 4096);
	for (; l.n < 8 && (chosen[i].step[l.n].op != EDIT_COPY || chosen[i].step[l.n].to > 0); l.n++) {
		const char *s = chosen[i].step[l.n].op == EDIT_HEADER ? header :
		    chosen[i].step[l.n].op == EDIT_NOTE ? sample_note() : "AAAA\r\n";

		d[l.n] = (struct edit){ (uint8_t)chosen[i].step[l.n].op, chosen[i].step[l.n].from,
		    chosen[i].step[l.n].to - chosen[i].step[l.n].from };
		if (d[l.n].op != EDIT_COPY) {
			d[l.n].off = text.n;
			d[l.n].len = strlen(s);
			ck_assert_int_eq(buf_add_str(&text, s, e), 0);
		}
	}
	l.text = buf_view(&text);
	got = edit_check(&l, 100, r, n, e);
	buf_free(&text);
	return got;
}

START_TEST(branches_go_but_for_one)
{
	struct err e = { 0 };
	int got = choice_judged(_i, "Content-Previous: x\r\n", branches, sizeof branches / sizeof *branches, &e);

	ck_assert_msg(got == (chosen[_i].ok ? 0 : -1), "%s: %d %s", chosen[_i].name, got, e.what);
}
END_TEST

/* Of the choice itself only what was done is told: its type stays. */
START_TEST(records_and_nothing_else)
{
	static const struct { const char *text; bool ok; } rows[] = { { "Content-Previous: x\r\n", true },
	    { "Content-Features: (a=b)\r\n", true }, { "Content-Converted: x\r\n", true },
	    { "Content-Type: image/tiff\r\n", false }, { "Content-Transfer-Encoding: base64\r\n", false },
	    { "Content-Disposition: inline\r\n", false } };
	struct err e = { 0 };

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		ck_assert_msg(choice_judged(5, rows[i].text, branches, sizeof branches / sizeof *branches, &e) ==
		    (rows[i].ok ? 0 : -1), "%s", rows[i].text);
}
END_TEST

/* A branch lies in a choice, or who checks would not know what all of them are; nothing else lies in one. */
START_TEST(choices_are_whole)
{
	static const struct edit_range alone[] = { { 30, 20, RANGE_BRANCH } };
	static const struct edit_range deeper[] = { { 30, 60, RANGE_CHOICE }, { 30, 20, RANGE_BRANCH }, { 32, 10, RANGE_BRANCH } };
	static const struct edit_range other[] = { { 30, 60, RANGE_CHOICE }, { 30, 20, RANGE_PART } };
	struct err e = { 0 };

	ck_assert_int_eq(choice_judged(0, "", branches, sizeof branches / sizeof *branches, &e), 0);
	ck_assert_int_eq(choice_judged(0, "", alone, 1, &e), -1);
	ck_assert_int_eq(choice_judged(0, "", deeper, 3, &e), -1);
	ck_assert_int_eq(choice_judged(0, "", other, 2, &e), -1);
}
END_TEST

/* What a part says of its type is whatever its sender wrote. */
START_TEST(notes_of_any_type)
{
	static const struct { const char *type, *told; } types[] = { { "image/png", "image/png" },
	    { "Image/X-Y.z+xml", "Image/X-Y.z+xml" }, { "", "application/octet-stream" },
	    { "image", "application/octet-stream" }, { "image/a/b", "application/octet-stream" },
	    { "image/x\r\n--b", "application/octet-stream" } };
	char want[100];
	struct err e = { 0 };
	struct buf b;

	buf_init(&b, 1000);
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		buf_clear(&b);
		ck_assert_int_eq(edit_note_add(span_str(types[i].type), 0, digest, &b, &e), 0);
		ck_assert(edit_note_ok(buf_view(&b)));
		snprintf(want, sizeof want, "\r\nType: %s\r\nSize: 0 ", types[i].told);
		ck_assert_msg(memmem(b.p, b.n, want, strlen(want)) != NULL, "%s", types[i].type);
	}
	buf_free(&b);
}
END_TEST

/* A note is no change of a transfer encoding, and may stand beside one. */
START_TEST(notes_and_transfer_encodings)
{
	static const char text[] = RECODE_FIELD "base64\r\n/w==\r\n";
	static const char before[] = "Content-Type: multipart/mixed; boundary=b\r\nMIME-Version: 1.0\r\n\r\n--b\r\n\r\n\xff"
	    "\r\n--b\r\n";
	static const char part[] = "Content-Type: image/png\r\n\r\nx", tail[] = "\r\n--b--";
	size_t body = sizeof before - 1 - strlen("\xff\r\n--b\r\n"), at = sizeof before - 1;
	size_t end = at + sizeof part - 1, field = strlen(RECODE_FIELD "base64\r\n");
	struct edit_range r = { at, sizeof part - 1, RANGE_PART };
	struct edit d[] = { { EDIT_COPY, 0, body - 2 }, { EDIT_FIELD, 0, field }, { EDIT_COPY, body - 2, 2 },
	    { EDIT_BASE64, field, sizeof text - 1 - field }, { EDIT_COPY, body + 1, at - body - 1 }, { EDIT_NOTE, 0, 0 },
	    { EDIT_COPY, end, sizeof tail - 1 } };
	struct edit_list l = { .edit = d, .n = 7 };
	struct buf whole, all;
	struct err e = { 0 };

	buf_init(&whole, 1000), buf_init(&all, 2000);
	ck_assert_int_eq(buf_add_str(&whole, before, &e) | buf_add_str(&whole, part, &e) |
	    buf_add_str(&whole, tail, &e) | buf_add_str(&all, text, &e) | buf_add_str(&all, sample_note(), &e), 0);
	d[5] = (struct edit){ EDIT_NOTE, sizeof text - 1, all.n - (sizeof text - 1) };
	l.text = buf_view(&all);
	ck_assert_msg(edit_check_transfer(&l, buf_view(&whole), EDIT_TO_7BIT, &r, 1, &e) == 0, "%s", e.what);
	r.len--;
	ck_assert_int_eq(edit_check_transfer(&l, buf_view(&whole), EDIT_TO_7BIT, &r, 1, &e), -1);
	r.len++;
	d[3].op = EDIT_NOTE;
	ck_assert_int_eq(edit_check_transfer(&l, buf_view(&whole), EDIT_TO_7BIT, &r, 1, &e), -1);
	buf_free(&whole), buf_free(&all);
}
END_TEST

/* Parts in parts, as deep as MIME lets them be and no deeper than that is counted. */
START_TEST(parts_within_parts)
{
	struct edit d = { EDIT_COPY, 0, 1000 };
	struct edit_list l = { &d, 1, { NULL, 0 }, 1000 };
	struct edit_range r[100];
	struct err e = { 0 };

	for (uint64_t i = 0; i < 100; i++)
		r[i] = (struct edit_range){ i, 1000 - 2 * i, RANGE_PART };
	ck_assert_int_eq(edit_check(&l, 1000, r, 79, &e), 0);
	ck_assert_int_eq(edit_check(&l, 1000, r, 80, &e), -1);
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
	tcase_add_loop_test(tc, a_note_stands_for_a_whole_part, 0, sizeof placed / sizeof *placed);
	tcase_add_loop_test(tc, notes_have_one_shape, 0, sizeof note_shapes / sizeof *note_shapes);
	tcase_add_loop_test(tc, branches_go_but_for_one, 0, sizeof chosen / sizeof *chosen);
	tcase_add_test(tc, records_and_nothing_else);
	tcase_add_test(tc, choices_are_whole);
	tcase_add_test(tc, notes_of_any_type);
	tcase_add_test(tc, notes_and_transfer_encodings);
	tcase_add_test(tc, parts_within_parts);
	tcase_add_test(tc, header_and_body_are_not_one_cut);
	tcase_add_test(tc, fields_are_bounded);
	tcase_add_test(tc, a_list_comes_back_and_is_walked);
	tcase_add_loop_test(tc, lists_are_checked, 0, sizeof bad_lists / sizeof *bad_lists);
	suite_add_tcase(s, tc);
	return s;
}
