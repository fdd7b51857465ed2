/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* Mode ensure of `conneg`: what is announced, and what becomes of a message under CONPERM at its end. */
#include <stdio.h>
#include <string.h>

#include "lib/features.h"
#include "lib/plan.h"
#include "smtpd/ensure.h"
#include "tests/unit/clock.h"
#include "tests/unit/smtpd/rig.h"

static struct rig r;

#define TEXT "Subject: x\r\n\r\nx\r\n"
#define REPORT "Content-Type: multipart/report; boundary=x\r\n\r\n--x--\r\n"
#define BOX "joe@sure.fax.example"

static void
setup(void)
{
	int64_t *shift_ms = test_clock();

	rig_init(&r);
	r.shift_ms = shift_ms;
	rig_set(&r, CONF_CONNEG, "sure.fax.example ensure\nboxes.example ensure relayclients\n");
	rig_set(&r, CONF_LOCALS, "mx.example\n");
	rig_set(&r, CONF_RCPTHOSTS, ".fax.example\nboxes.example\n");
	rig_start(&r);
	rig_talk(&r, HELLO, "220", "250-", NULL);
}

static void
teardown(void)
{
	rig_end(&r);
}

/* The reply to a message for those recipients; its octets: at its end. */
static const char *
message(const char *mail, const char *rcpts, const char *text)
{
	char line[400];
	struct span rest = span_str(rcpts), word;

	rig_talk(&r, mail, "250 2.1.0", NULL);
	while (span_word(&rest, &word)) {
		snprintf(line, sizeof line, "RCPT TO:<%.*s>\r\n", (int)word.n, word.p);
		rig_talk(&r, line, "250 2.1.5", NULL);
	}
	rig_talk(&r, "DATA\r\n", "354", NULL);
	rig_send(&r, span_str(text));
	rig_send(&r, span_str(".\r\n"));
	return rig_reply(&r);
}

#define P "MAIL FROM:<a@b.example> CONPERM\r\n"
#define N "MAIL FROM:<a@b.example>\r\n"

static const struct {
	const char *name, *mail, *rcpts, *text;
	uint8_t fate;
	struct err fails;
	const char *reply;
	uint32_t asked, read, planned, sets;
} rows[] = {
	/* no other mail pays anything */
	{ "without CONPERM", N, BOX, TEXT, PLAN_EMPTY, { 0 }, "250 2.0.0", 0, 0, 0, 0 },
	{ "a domain in mode directory", P, "joe@a.fax.example", TEXT, PLAN_EMPTY, { 0 }, "250 2.0.0", 0, 0, 0, 0 },
	{ "B11 a null reverse-path", "MAIL FROM:<> CONPERM\r\n", BOX, TEXT, PLAN_EMPTY, { 0 }, "250 2.0.0", 0, 0, 0, 0 },
	{ "B11 a report with a sender", P, BOX, REPORT, PLAN_EMPTY, { 0 }, "250 2.0.0", 1, 1, 0, 0 },
	{ "who takes anything", P, "any@sure.fax.example", TEXT, PLAN_EMPTY, { 0 }, "250 2.0.0", 1, 0, 0, 0 },
	{ "of whom nothing is known", P, "none@sure.fax.example", TEXT, PLAN_EMPTY, { 0 }, "250 2.0.0", 1, 0, 0, 0 },
	/* mail that was promised something */
	{ "it fits", P, BOX, TEXT, PLAN_FITS, { 0 }, "250 2.0.0", 1, 1, 1, 1 },
	{ "it is converted", P, BOX, TEXT, PLAN_CONVERTS, { 0 }, "250 2.0.0", 1, 1, 1, 1 },
	{ "neither", P, BOX, TEXT, PLAN_EMPTY, { 0 }, "554 5.6.3 part 1.2 neither", 1, 1, 1, 1 },
	{ "whoever may ask", P, "joe@boxes.example", TEXT, PLAN_EMPTY, { 0 }, "554 5.6.3 part 1.2", 1, 1, 1, 1 },
	{ "one of several", P, "joe@a.fax.example any@sure.fax.example " BOX, TEXT, PLAN_EMPTY, { 0 },
	    "554 5.6.3 part 1.2", 2, 1, 1, 1 },
	{ "equal machines are one question", P, BOX " jim@sure.fax.example long@sure.fax.example", TEXT, PLAN_FITS, { 0 },
	    "250 2.0.0", 3, 1, 1, 2 },
	{ "convertd is busy", P, BOX, TEXT, 0, { ERR_TEMP, 0, 0, "4.6.5", "busy" }, "451 4.6.5", 1, 1, 1, 1 },
	{ "convertd can say nothing of it", P, BOX, TEXT, 0, { ERR_PERM, 0, 0, "5.6.0", "limits" },
	    "554 5.6.3 what is in it", 1, 1, 1, 1 },
	{ "capd cannot tell", P, "temp@sure.fax.example", TEXT, PLAN_FITS, { 0 }, "451 4.3.3", 1, 0, 0, 0 },
};

START_TEST(a_message_at_its_end)
{
	bool taken = rows[_i].reply[0] == '2';
	const char *reply;

	r.fate = rows[_i].fate;
	r.plan_fails = rows[_i].fails;
	reply = message(rows[_i].mail, rows[_i].rcpts, rows[_i].text);
	ck_assert_msg(strncmp(reply, rows[_i].reply, strlen(rows[_i].reply)) == 0, "%s: %s", rows[_i].name, reply);
	if (!taken)
		rig_until(&r, &r.abandoned, 1);
	ck_assert_msg(r.asked == rows[_i].asked && r.read == rows[_i].read && r.planned == rows[_i].planned &&
	    r.sets == rows[_i].sets, "%s: %u asked, %u read, %u planned", rows[_i].name, r.asked, r.read, r.planned);
	ck_assert_uint_eq(r.committed, taken);
	ck_assert_uint_eq(r.abandoned, !taken);
	if (taken)
		ck_assert(!r.writer_left);
	if (r.planned > 0)		/* what is announced is not what it is judged by */
		ck_assert_str_eq(r.first_set, "(&(color=Binary)(dpi=200))");
	if (r.planned > 0 && taken)
		ck_assert_uint_eq(r.planned_len, r.message.n);
	/* the session goes on */
	r.fate = PLAN_FITS;
	r.plan_fails.kind = ERR_NONE;
	ck_assert_int_eq(memcmp(message(P, BOX, TEXT), "250 ", 4), 0);
}
END_TEST

/* RFC 3030: the last chunk is the end of a message too. */
START_TEST(the_last_chunk)
{
	r.fate = PLAN_EMPTY;
	rig_talk(&r, P "RCPT TO:<" BOX ">\r\nBDAT 17\r\n" TEXT, "250 2.1.0", "250 2.1.5", "250 2.0.0", NULL);
	ck_assert_uint_eq(r.read, 0);
	rig_talk(&r, "BDAT 0 LAST\r\n", "554 5.6.3 part 1.2", NULL);
	rig_until(&r, &r.abandoned, 1);
	r.fate = PLAN_CONVERTS;
	rig_talk(&r, P "RCPT TO:<" BOX ">\r\nBDAT 17 LAST\r\n" TEXT, "250 2.1.0", "250 2.1.5", "250 2.0.0", NULL);
	ck_assert_uint_eq(r.committed, 1);
	ck_assert_uint_eq(r.planned, 2);
}
END_TEST

/* G11: the caller hangs on for 30 s. */
START_TEST(convertd_is_silent)
{
	int64_t from = clock_ms();

	r.plan = PLAN_LATE;
	ck_assert_str_eq(message(P, BOX, TEXT), "451 4.6.5 the message cannot be taken now, try again later\r\n");
	ck_assert_int_le(clock_ms() - from, MESSAGE_ANSWER_MS);
	rig_until(&r, &r.abandoned, 1);
	ck_assert_int_eq(r.convertd, -1);	/* the question was taken back */
	r.plan = PLAN_ANSWERED;
	rig_talk(&r, P "RSET\r\n", "250", "250", NULL);
	ck_assert_int_eq(memcmp(message(P, BOX, TEXT), "250", 3), 0);
}
END_TEST

START_TEST(convertd_is_not_there)
{
	int64_t from = clock_ms();

	r.no_convertd = true;
	ck_assert_str_eq(message(P, BOX, TEXT), "451 4.6.5 the message cannot be taken now, try again later\r\n");
	ck_assert_int_le(clock_ms() - from, MESSAGE_ANSWER_MS);
	ck_assert_int_eq(memcmp(message(N, BOX, TEXT), "250", 3), 0);
}
END_TEST

/* A restart costs nobody a message. */
START_TEST(convertd_is_restarted)
{
	r.plan = PLAN_BROKEN;
	ck_assert_int_eq(memcmp(message(P, BOX, TEXT), "250", 3), 0);
	ck_assert_uint_eq(r.planned, LINK_PLANS);
	ck_assert_uint_eq(r.read, 1);
}
END_TEST

START_TEST(queue_does_not_let_it_be_read)
{
	err_set(&r.read_fails, ERR_TEMP, "4.3.1", "full");
	ck_assert_int_eq(memcmp(message(P, BOX, TEXT), "452 4.3.1", 9), 0);
	ck_assert_uint_eq(r.committed, 0);
}
END_TEST

/* RFC 5321 4.1.1.10: it had no reply, so it will come again. */
START_TEST(a_client_that_hangs_up_meanwhile)
{
	r.plan = PLAN_CLIENT_GONE;
	(void)message(P, BOX, TEXT);
	rig_until(&r, &r.abandoned, 1);
	ck_assert_uint_eq(r.planned, 1);
	ck_assert_uint_eq(r.committed, 0);
	rig_client(&r);
	r.plan = PLAN_ANSWERED;
	rig_talk(&r, HELLO, "220", "250-", NULL);
	ck_assert_int_eq(memcmp(message(P, BOX, TEXT), "250", 3), 0);
}
END_TEST

/* The lines of an answer, joined. */
static void
announced(const char *rcpt, struct buf *out)
{
	struct span rest, line;
	struct err e;
	char text[200];

	rig_talk(&r, "RSET\r\n" N, "250", "250", NULL);
	snprintf(text, sizeof text, "RCPT TO:<%s> CONNEG\r\n", rcpt);
	rig_send(&r, span_str(text));
	rest = span_str(rig_reply(&r));
	ck_assert(span_line(&rest, &line));
	while (span_line(&rest, &line)) {
		ck_assert_int_eq(memcmp(line.p + 3, rest.n > 0 ? "-2.1.5 CONNEG " : " 2.1.5 CONNEG ", 14), 0);
		ck_assert_int_eq(buf_add(out, span_sub(line, 17, line.n), &e), 0);
	}
}

/* More than it takes itself, and that too. */
START_TEST(more_is_announced)
{
	static const char jbig[] = "(& (color=Binary)(dpi=400)(dpi-xyratio=1)(image-coding=JBIG)(MRC-mode=0)"
	    "(image-coding-constraint=JBIG-T85)(JBIG-stripe-size=128)(image-file-structure=TIFF-limited)"
	    "(size-x=3030/254)(type=\"image/tiff-fx\"))";
	static const char *const boxes[] = { BOX, "joe@a.fax.example", "any@sure.fax.example", "none@sure.fax.example" };
	struct feat *f, *doc;
	struct buf text;
	struct err e = { 0 };

	buf_init(&text, FEAT_MAX_TEXT);
	announced(boxes[_i], &text);
	if (_i >= 2) {
		ck_assert_uint_eq(text.n, 0);
		buf_free(&text);
		return;
	}
	ck_assert_int_eq(feat_parse(buf_view(&text), FEAT_CLAIM, &f, &e) | feat_parse(span_str(jbig), FEAT_DOCUMENT, &doc,
	    &e), 0);
	ck_assert_int_eq(feat_match(doc, f, &e), _i == 0);
	ck_assert_int_eq(span_is(buf_view(&text), "(&(color=Binary)(dpi=200))"), _i == 1);
	feat_free(f);
	feat_free(doc);
	buf_free(&text);
}
END_TEST

Suite *suite_ensure(void);
Suite *
suite_ensure(void)
{
	Suite *s = suite_create("ensure");
	TCase *tc = tcase_create("ensure");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, a_message_at_its_end, 0, sizeof rows / sizeof *rows);
	tcase_add_test(tc, the_last_chunk);
	tcase_add_test(tc, convertd_is_silent);
	tcase_add_test(tc, convertd_is_not_there);
	tcase_add_test(tc, convertd_is_restarted);
	tcase_add_test(tc, queue_does_not_let_it_be_read);
	tcase_add_test(tc, a_client_that_hangs_up_meanwhile);
	tcase_add_loop_test(tc, more_is_announced, 0, 4);
	suite_add_tcase(s, tc);
	return s;
}
