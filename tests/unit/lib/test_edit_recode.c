/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* What the sender refuses of a list that changes transfer encodings: a converter gone astray can
 * change no content by it. */
#include "lib/edit_recode.h"

#include "tests/unit/suites.h"

static const char message[] =
    "MIME-Version: 1.0\r\n"
    "Content-Transfer-Encoding: 8bit\r\n"
    "Subject: x\r\n"
    "\r\n"
    "h\xe4tte\r\n"
    "\r\n"
    "Content-Transfer-Encoding: 8bit\r\n"
    "tail\r\n";
enum { LEN = sizeof message - 1 };
#define BODY "h=E4tte\r\n\r\nContent-Transfer-Encoding: 8bit\r\ntail\r\n"
#define QP "Content-Transfer-Encoding: quoted-printable\r\n"
#define B64 "Content-Transfer-Encoding: base64\r\n"
#define END "\xff"

struct step { enum edit_op op; const char *from, *to; };
#define COPY(a, b) { EDIT_COPY, a, b }
#define FIELD(t) { EDIT_FIELD, t, NULL }

/* All of it as it should be, with one thing changed. */
static const struct {
	const char *name;
	bool ok;
	enum edit_transfer to;
	struct step step[6];
} rows[] = {
	{ "quoted-printable", true, EDIT_TO_7BIT, { COPY("MIME", "Content"), FIELD(QP),
	    COPY("Subj", "h\xe4"), { EDIT_QP, BODY, NULL } } },
	{ "base64", true, EDIT_TO_7BIT, { COPY("MIME", "Content"), FIELD(B64), COPY("Subj", "h\xe4"),
	    { EDIT_BASE64, "aOR0dGUNCg0KQ29udGVudC1UcmFuc2Zlci1FbmNvZGluZzogOGJpdA0KdGFpbA0K\r\n", NULL } } },
	{ "a label alone", true, EDIT_TO_8BIT, { COPY("MIME", "Content"),
	    FIELD("Content-Transfer-Encoding: 8bit\r\n"), COPY("Subj", END) } },
	{ "the field put in", true, EDIT_TO_8BIT, { COPY("MIME", "\r\nh"),
	    FIELD("MIME-Version: 1.0\r\nContent-Type: text/plain; charset=unknown-8bit\r\n" QP),
	    COPY("\r\nh", "h\xe4"), { EDIT_QP, BODY, NULL } } },
	{ "a label where none was", false, EDIT_TO_7BIT, { COPY("MIME", "Content"), FIELD(QP),
	    COPY("Subj", "h\xe4"), { EDIT_QP, BODY, NULL },
	    FIELD("Content-Transfer-Encoding: 7bit\r\n") } },
	{ "a label put into a header", false, EDIT_TO_8BIT, { COPY("MIME", "Subj"),
	    FIELD("Content-Transfer-Encoding: 8bit\r\n"), COPY("Subj", END) } },
	{ "a boundary made by a soft break", false, EDIT_TO_7BIT, { COPY("MIME", "Content"), FIELD(QP),
	    COPY("Subj", "h\xe4"), { EDIT_QP, "h=E4tte\r\n\r\nContent=\r\n-Transfer-Encoding: 8bit\r\n"
	    "tail\r\n", NULL } } },
	{ "a soft break", true, EDIT_TO_7BIT, { COPY("MIME", "Content"), FIELD(QP),
	    COPY("Subj", "h\xe4"), { EDIT_QP, "h=E4tte\r\n\r\nContent=\r\n=2DTransfer-Encoding: 8bit\r\n"
	    "tail\r\n", NULL } } },
	{ "not asked for", false, EDIT_AS_IS, { COPY("MIME", "Content"), FIELD(QP),
	    COPY("Subj", "h\xe4"), { EDIT_QP, BODY, NULL } } },
	{ "8 bits left as they are", true, EDIT_TO_8BIT, { COPY("MIME", END) } },
	{ "a soft line end where none is due", false, EDIT_TO_8BIT, { COPY("MIME", END), { EDIT_SOFT, "=", NULL } } },
	{ "a body left as it is", false, EDIT_TO_7BIT, { COPY("MIME", END) } },
	{ "the label of another encoding", false, EDIT_TO_7BIT, { COPY("MIME", "Content"), FIELD(B64),
	    COPY("Subj", "h\xe4"), { EDIT_QP, BODY, NULL } } },
	{ "a label without its body", false, EDIT_TO_8BIT, { COPY("MIME", "Content"), FIELD(QP),
	    COPY("Subj", END) } },
	{ "two labels for a body", false, EDIT_TO_7BIT, { COPY("MIME", "Content"), FIELD(QP),
	    COPY("Subj", "\r\nh"), FIELD(QP), COPY("\r\nh", "h\xe4"), { EDIT_QP, BODY, NULL } } },
	{ "a body without its label", false, EDIT_TO_7BIT, { COPY("MIME", "h\xe4"),
	    { EDIT_QP, BODY, NULL } } },
	{ "one letter of the body changed", false, EDIT_TO_7BIT, { COPY("MIME", "Content"), FIELD(QP),
	    COPY("Subj", "h\xe4"), { EDIT_QP, "h=E5tte\r\n\r\nContent-Transfer-Encoding: 8bit\r\ntail\r\n",
	    NULL } } },
	{ "its end is missing", false, EDIT_TO_7BIT, { COPY("MIME", "Content"), FIELD(QP),
	    COPY("Subj", "h\xe4"), { EDIT_QP, "h=E4tte\r\n\r\nContent-Transfer-Encoding: 8bit\r\n", NULL } } },
	{ "more than its end", false, EDIT_TO_7BIT, { COPY("MIME", "Content"), FIELD(QP),
	    COPY("Subj", "h\xe4"), { EDIT_QP, BODY "x", NULL } } },
	{ "a raw octet in it", false, EDIT_TO_8BIT, { COPY("MIME", "Content"), FIELD(QP),
	    COPY("Subj", "h\xe4"), { EDIT_QP, "h\xe4tte\r\n\r\nContent-Transfer-Encoding: 8bit\r\ntail\r\n",
	    NULL } } },
	{ "a body that starts too late", false, EDIT_TO_7BIT, { COPY("MIME", "Content"), FIELD(QP),
	    COPY("Subj", "\xe4"), { EDIT_QP,
	    "=E4tte\r\n\r\nContent-Transfer-Encoding: 8bit\r\ntail\r\n", NULL } } },
	{ "a body behind another blank line", false, EDIT_TO_8BIT, { COPY("MIME", "Content"),
	    FIELD("Content-Transfer-Encoding: base64\r\n"), COPY("Subj", "tail"),
	    { EDIT_BASE64, "dGFpbA0K\r\n", NULL } } },
	{ "another field left out", false, EDIT_TO_8BIT, { COPY("MIME", "Subj"),
	    FIELD("Content-Transfer-Encoding: 8bit\r\n"), COPY("\r\nh", END) } },
	{ "the field and another left out", false, EDIT_TO_8BIT, { COPY("MIME", "Content"),
	    FIELD("Content-Transfer-Encoding: 8bit\r\n"), COPY("\r\nh", END) } },
	{ "in the midst of a line", false, EDIT_TO_8BIT, { COPY("MIME", "x\r"),
	    FIELD("Content-Transfer-Encoding: 8bit\r\n"), COPY("x\r", END) } },
	{ "another field put in", false, EDIT_TO_8BIT, { COPY("MIME", "Subj"),
	    FIELD("X: y\r\nContent-Transfer-Encoding: 8bit\r\n"), COPY("Subj", END) } },
	{ "a field behind it", false, EDIT_TO_8BIT, { COPY("MIME", "Subj"),
	    FIELD("Content-Transfer-Encoding: 8bit\r\nX: y\r\n"), COPY("Subj", END) } },
	{ "a type without MIME-Version", false, EDIT_TO_8BIT, { COPY("MIME", "Subj"),
	    FIELD("Content-Type: text/plain; charset=unknown-8bit\r\nContent-Transfer-Encoding: 8bit\r\n"),
	    COPY("Subj", END) } },
	{ "a binary label", false, EDIT_TO_8BIT, { COPY("MIME", "Content"),
	    FIELD("Content-Transfer-Encoding: binary\r\n"), COPY("Subj", END) } },
	{ "no label", false, EDIT_TO_8BIT, { COPY("MIME", "Content"), FIELD("MIME-Version: 1.0\r\n"),
	    COPY("Subj", END) } },
	{ "something left out, nothing put there", false, EDIT_TO_8BIT, { COPY("MIME", "Content"),
	    COPY("Subj", END) } },
	{ "the operation of a conversion", false, EDIT_TO_8BIT, { COPY("MIME", "Content"),
	    { EDIT_HEADER, B64, NULL }, COPY("Subj", END) } },
};

static uint64_t
at(const char *text)
{
	const char *p = strstr(message, text);

	ck_assert_msg(strcmp(text, END) == 0 || p != NULL, "%s", text);
	return strcmp(text, END) == 0 ? LEN : (uint64_t)(p - message);
}

START_TEST(list_is_judged)
{
	const struct step *s = rows[_i].step;
	struct edit d[6];
	struct edit_list l = { .edit = d };
	struct buf text;
	struct err e = { 0 };
	int r;

	buf_init(&text, 4096);
	for (; l.n < 6 && s[l.n].from != NULL; l.n++) {
		struct edit *now = &d[l.n];

		now->op = (uint8_t)s[l.n].op;
		now->off = text.n;
		now->len = strlen(s[l.n].from);
		if (s[l.n].op == EDIT_COPY) {
			now->off = at(s[l.n].from);
			now->len = at(s[l.n].to) - now->off;
		} else {
			ck_assert_int_eq(buf_add_str(&text, s[l.n].from, &e), 0);
		}
		l.size += now->len;
	}
	l.text = buf_view(&text);
	r = edit_check_transfer(&l, span_of(message, LEN), rows[_i].to, NULL, 0, &e);
	ck_assert_msg(r == (rows[_i].ok ? 0 : -1), "%s: %d %s", rows[_i].name, r, e.what);
	if (r == -1)
		ck_assert_int_eq(e.kind, ERR_PROTO);
	buf_free(&text);
}
END_TEST

/* What may not come out, wherever it stands. */
START_TEST(result_is_judged)
{
	static const struct { const char *text; size_t n; bool seven, eight; } octets[] = {
		{ "a\r\nb\r\n", 6, true, true }, { "\xff\r\n", 3, false, true }, { "\0\r\n", 3, false, false },
		{ "a\nb\r\n", 5, false, false }, { "a\rb\r\n", 5, false, false }, { "a\r\r\n", 4, false, false },
		{ "a\r", 2, false, false }, { "\n", 1, false, false },
	};
	size_t half = octets[_i].n / 2;
	struct edit d[2] = { { EDIT_COPY, 0, half }, { EDIT_COPY, half, octets[_i].n - half } };
	struct edit_list l = { .edit = half > 0 ? d : d + 1, .n = half > 0 ? 2 : 1, .size = octets[_i].n };
	struct span m = span_of(octets[_i].text, octets[_i].n);
	struct err e;

	ck_assert_int_eq(edit_check_transfer(&l, m, EDIT_TO_7BIT, NULL, 0, &e), octets[_i].seven ? 0 : -1);
	ck_assert_int_eq(edit_check_transfer(&l, m, EDIT_TO_8BIT, NULL, 0, &e), octets[_i].eight ? 0 : -1);
}
END_TEST

Suite *suite_edit_recode(void);

Suite *
suite_edit_recode(void)
{
	Suite *s = suite_create("edit_recode");
	TCase *tc = tcase_create("edit_recode");

	tcase_add_loop_test(tc, list_is_judged, 0, (int)(sizeof rows / sizeof *rows));
	tcase_add_loop_test(tc, result_is_judged, 0, 8);
	suite_add_tcase(s, tc);
	return s;
}
