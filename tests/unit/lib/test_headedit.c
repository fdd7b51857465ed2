/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/headedit.h"

#include <check.h>
#include <unistd.h>

#include "lib/envelope.h"

#define MESSAGE "From: a@b.example\r\nReturn-Path: <x@y.example>\r\n\r\nbody\r\n"

static struct buf list;

static void
setup(void)
{
	buf_init(&list, 2 * HEADEDIT_OCTETS);
}

static void
teardown(void)
{
	buf_free(&list);
}

static void
add(uint64_t at, uint32_t cut, const char *text)
{
	struct err e = { 0 };

	ck_assert_msg(headedit_add(&list, at, cut, span_str(text), &e) == 0, "%s", e.what);
}

/* What message becomes, or "" if it is refused. */
static const char *
applied(const char *message, bool prefix)
{
	static char text[4096];
	struct err e = { 0 };
	struct buf out;

	buf_init(&out, sizeof text);
	if (headedit_apply(buf_view(&list), span_str(message), prefix, &out, &e) == -1) {
		ck_assert_str_eq(e.dsn, "5.3.5");
		buf_clear(&out);
	}
	memcpy(text, out.p != NULL ? (const char *)out.p : "", out.n);
	text[out.n] = '\0';
	buf_free(&out);
	return text;
}

START_TEST(they_are_read_through)
{
	static const char want[] = "From: a@b.example\r\nDate: x\r\n\r\nbody\r\n";
	struct edited x;
	struct err e;
	char got[100];

	add(19, 28, "");
	add(47, 0, "Date: x\r\n");
	ck_assert(headedit_ok(buf_view(&list)));
	ck_assert_str_eq(applied(MESSAGE, false), want);
	ck_assert_str_eq(applied("From: a@b.example\r\nRe", true), "From: a@b.example\r\nRe");
	ck_assert_int_eq(edited_open(buf_view(&list), span_str(MESSAGE), &x, &e), 0);
	ck_assert(span_is(edited_view(&x), want));
	ck_assert_int_eq(pread(x.fd, got, sizeof got, 0), sizeof want - 1);
	ck_assert_mem_eq(got, want, sizeof want - 1);
	ck_assert_int_eq(pwrite(x.fd, "y", 1, 0), -1);	/* what was judged is what is sent */
	edited_close(&x);
	edited_close(&x);
}
END_TEST

START_TEST(a_message_moves)
{
	struct buf moved;
	struct err e;

	buf_init(&moved, 1000);
	add(19, 28, "");
	ck_assert_int_eq(headedit_shift(buf_view(&list), 6, &moved, &e), 0);
	buf_clear(&list);
	ck_assert_int_eq(buf_add(&list, buf_view(&moved), &e), 0);
	ck_assert_str_eq(applied("X: y\r\n" MESSAGE, false), "X: y\r\nFrom: a@b.example\r\n\r\nbody\r\n");
	buf_free(&moved);
}
END_TEST

static const struct {
	const char *name;
	uint64_t at1;
	uint32_t cut1;
	const char *text1;
	uint64_t at2;
	const char *text2;
	bool ok;
} lists[] = {
	{ "two at one place", 3, 0, "x", 3, "y", true },
	{ "of a line's end", 3, 2, "\r\n\ty\r\n", 5, "y", true },
	{ "back", 3, 0, "x", 2, "y", false },
	{ "overlapping", 3, 2, "x", 4, "y", false },
	{ "nothing", 3, 0, "", 4, "y", false },
	{ "a bare LF", 3, 0, "x\n", 4, "y", false },
	{ "a bare CR", 3, 0, "x\ry", 4, "y", false },
	{ "a last CR", 3, 0, "x\r", 4, "y", false },
	{ "it would wrap", UINT64_MAX, 1, "x", 4, "y", false },
};

START_TEST(lists_are_judged)
{
	struct err e;
	struct envelope env = { .sender = span_str("a@b.example"), .nrcpt = 1 }, back;
	struct rcpt rcpt = { .addr = span_str("c@d.example") };
	struct buf block;

	add(lists[_i].at1, lists[_i].cut1, lists[_i].text1);
	add(lists[_i].at2, 0, lists[_i].text2);
	ck_assert_msg(headedit_ok(buf_view(&list)) == lists[_i].ok, "%s", lists[_i].name);
	/* an envelope keeps what is right, and nothing else */
	env.rcpt = &rcpt;
	env.edits = buf_view(&list);
	buf_init(&block, 10000);
	ck_assert_int_eq(envelope_encode(&env, &block, &e), lists[_i].ok ? 0 : -1);
	if (lists[_i].ok) {
		ck_assert_int_eq(envelope_decode(buf_view(&block), &back, &e), 0);
		ck_assert(span_eq(back.edits, buf_view(&list)));
		envelope_free(&back);
	}
	buf_free(&block);
}
END_TEST

START_TEST(a_wrong_one_is_not_read)
{
	struct err e;

	add(60, 0, "x");
	ck_assert_str_eq(applied(MESSAGE, false), "");
	ck_assert_str_eq(applied(MESSAGE, true), MESSAGE);
	buf_clear(&list);
	add(3, 0, "x");
	list.n--;
	ck_assert(!headedit_ok(buf_view(&list)));
	list.n = 0;
	for (int i = 0; i <= HEADEDIT_MAX; i++)
		add((uint64_t)i, 0, "x");
	ck_assert(!headedit_ok(buf_view(&list)));
	list.n = HEADEDIT_OCTETS - 10;
	ck_assert_int_eq(headedit_add(&list, 1, 0, span_str("x"), &e), -1);
	list.n = 0;
}
END_TEST

Suite *suite_headedit(void);

Suite *
suite_headedit(void)
{
	Suite *s = suite_create("headedit");
	TCase *tc = tcase_create("headedit");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, they_are_read_through);
	tcase_add_test(tc, a_message_moves);
	tcase_add_loop_test(tc, lists_are_judged, 0, sizeof lists / sizeof *lists);
	tcase_add_test(tc, a_wrong_one_is_not_read);
	suite_add_tcase(s, tc);
	return s;
}
