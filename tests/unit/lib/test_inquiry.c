/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/inquiry.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/suites.h"

static struct inquiry q;
static struct buf got;
static struct err e;

static void
setup(void)
{
	e = (struct err){ 0 };
	inquiry_init(&q);
	buf_init(&got, INQUIRY_MAX + (1 << 16));
}

static void
teardown(void)
{
	inquiry_free(&q);
	buf_free(&got);
}

static void
next_is(struct span *rest, enum inquiry_what what, const char *value)
{
	enum inquiry_what w;
	struct span v;

	ck_assert_int_eq(inquiry_next(rest, &w, &v, &e), 1);
	ck_assert_int_eq(w, what);
	ck_assert_msg(span_is(v, value), "%.*s", (int)v.n, (const char *)v.p);
}

START_TEST(what_is_told_is_read)
{
	struct rcpt_result r = { .outcome = OUTCOME_FAILED, .dsn = "5.6.3", .text = "no" };
	struct plan_verdict v = { .fate = PLAN_CONVERTS, .detail = span_str("part: 1\nform: MH\n") };
	struct span rest;
	int fd;

	inquiry_tell(&q, INQUIRY_SAID, span_str("EHLO a"));
	inquiry_tell_with(&q, INQUIRY_HEARD, "250-", span_str("\x1b[2J"));
	inquiry_tell(&q, INQUIRY_TAKES, span_str(""));
	inquiry_tell_lines(&q, INQUIRY_SAID, span_str("MAIL\r\nRCPT\r\n"));
	inquiry_tell_verdict(&q, &v, WISH_DRUCOF);
	inquiry_tellf(&q, INQUIRY_ROW, "B%d", 3);
	inquiry_tell_result(&q, &r);
	ck_assert_int_ne(fd = inquiry_seal(&q, &e), -1);
	ck_assert_int_eq(inquiry_read(fd, q.items.n, &got, &e), 0);
	rest = buf_view(&got);
	next_is(&rest, INQUIRY_SAID, "EHLO a");
	next_is(&rest, INQUIRY_HEARD, "250-\x1b[2J");
	next_is(&rest, INQUIRY_TAKES, "");
	next_is(&rest, INQUIRY_SAID, "MAIL");
	next_is(&rest, INQUIRY_SAID, "RCPT");
	next_is(&rest, INQUIRY_WISH, "drucof");
	next_is(&rest, INQUIRY_FATE, "converts");
	next_is(&rest, INQUIRY_PLAN, "part: 1");
	next_is(&rest, INQUIRY_PLAN, "form: MH");
	next_is(&rest, INQUIRY_ROW, "B3");
	next_is(&rest, INQUIRY_OUTCOME, "failed");
	next_is(&rest, INQUIRY_STATUS, "5.6.3");
	next_is(&rest, INQUIRY_WHY, "no");
	ck_assert_uint_eq(rest.n, 0);
	close(fd);
}
END_TEST

START_TEST(nobody_need_listen)
{
	inquiry_tell(NULL, INQUIRY_SAID, span_str("x"));
	inquiry_tellf(NULL, INQUIRY_SAID, "x");
	inquiry_tell_lines(NULL, INQUIRY_SAID, span_str("x"));
	inquiry_tell_with(NULL, INQUIRY_SAID, "x", span_str("x"));
}
END_TEST

/* However much a hop says, the story ends, and says that it does. */
START_TEST(too_much_is_cut)
{
	static unsigned char much[2 * INQUIRY_VALUE];
	struct span rest, value;
	enum inquiry_what what = INQUIRY_WHATS;
	uint32_t n = 0;

	memset(much, 'x', sizeof much);
	for (int i = 0; i < 20; i++)
		inquiry_tell_with(&q, INQUIRY_HEARD, "250 ", span_of(much, sizeof much));
	ck_assert(q.cut && q.items.n <= INQUIRY_MAX);
	for (rest = buf_view(&q.items); inquiry_next(&rest, &what, &value, &e) == 1; n++)
		ck_assert_uint_eq(value.n, what == INQUIRY_CUT ? 0 : INQUIRY_VALUE);
	ck_assert(rest.n == 0 && what == INQUIRY_CUT && n == 8);
}
END_TEST

static const struct { const char *name; uint32_t what, len; size_t n; } wrong[] = {
	{ "no such thing", INQUIRY_WHATS, 1, 9 }, { "nothing", 0, 1, 9 }, { "cut short", INQUIRY_ROW, 2, 9 },
	{ "half a head", INQUIRY_ROW, 0, 7 }, { "longer than one is", INQUIRY_ROW, INQUIRY_VALUE + 1, INQUIRY_VALUE + 16 },
	{ "wraps", INQUIRY_ROW, UINT32_MAX, 9 },
};

START_TEST(what_is_no_answer)
{
	static unsigned char octets[INQUIRY_VALUE + 16];
	struct span rest = span_of(octets, wrong[_i].n), value;
	enum inquiry_what what;

	memcpy(octets, &wrong[_i].what, 4);
	memcpy(octets + 4, &wrong[_i].len, 4);
	ck_assert_msg(inquiry_next(&rest, &what, &value, &e) == -1, "%s", wrong[_i].name);
	ck_assert_int_eq(e.kind, ERR_PROTO);
}
END_TEST

/* What could change while it is read is not read. */
START_TEST(only_what_is_sealed_is_read)
{
	int fd = memfd_create("x", MFD_ALLOW_SEALING);

	ck_assert_int_eq(write(fd, "12345678", 8), 8);
	ck_assert_int_eq(inquiry_read(fd, 8, &got, &e), -1);
	ck_assert_int_eq(e.kind, ERR_PROTO);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE), 0);
	ck_assert_int_eq(inquiry_read(fd, 9, &got, &e), -1);
	ck_assert_int_eq(inquiry_read(fd, 8, &got, &e), 0);
	close(fd);
}
END_TEST

Suite *suite_inquiry(void);

Suite *
suite_inquiry(void)
{
	Suite *s = suite_create("inquiry");
	TCase *tc = tcase_create("inquiry");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, what_is_told_is_read);
	tcase_add_test(tc, nobody_need_listen);
	tcase_add_test(tc, too_much_is_cut);
	tcase_add_loop_test(tc, what_is_no_answer, 0, sizeof wrong / sizeof *wrong);
	tcase_add_test(tc, only_what_is_sealed_is_read);
	suite_add_tcase(s, tc);
	return s;
}
