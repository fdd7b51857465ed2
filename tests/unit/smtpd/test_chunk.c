/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* BDAT (RFC 3030): whole dialogs with a session process. */
#include "tests/unit/smtpd/rig.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/qfile.h"

static struct rig r;

#define LONG_HEADER "Subject: x\r\n\r\n"

START_TEST(chunks_make_a_message)
{
	rig_hello(&r);
	rig_talk(&r, BEGIN "BDAT 12\r\nSubject: x\r\n", "250 2.1.0", "250 2.1.5", "250 2.0.0 12 octets", NULL);
	/* pipelined, and one that is no end of data; what follows LAST is commands */
	rig_talk(&r, "BDAT 0\r\nBDAT 2\r\n\r\nbdat 9 last\r\n..\r\n.\r\n\r\nNOOP\r\n" BEGIN
	    "BDAT 0 LAST\r\n", "250 2.0.0 0 octets", "250 2.0.0 2 octets", "250 2.0.0 ", "250 2.0.0 ok",
	    "250 2.1.0", "250 2.1.5", "250 2.0.0 ", NULL);
	ck_assert_uint_eq(r.committed, 2);
	ck_assert_uint_eq(r.abandoned, 0);
	ck_assert(span_is(rig_received_off(&r, "ESMTP"), ""));
	rig_talk(&r, BEGIN "BDAT 12\r\nSubject: x\r\nBDAT 5 LAST\r\n\r\n.\r\nQUIT\r\n", "250", "250", "250",
	    "250 2.0.0 ", "221", NULL);
	ck_assert(span_is(rig_received_off(&r, "ESMTP"), "Subject: x\r\n\r\n.\r\n"));
	ck_assert_uint_eq(r.crc, crc32c(0, r.message.p, r.message.n));
	ck_assert(!r.writer_left);
	rig_end(&r);
}
END_TEST

START_TEST(chunks_octet_by_octet)
{
	static const char text[] = HELLO BEGIN "BDAT 4\r\na\r\n.BDAT 3 LAST\r\n.\r\nQUIT\r\n";

	rig_begin(&r);
	for (size_t i = 0; i < sizeof text - 1; i++) {
		rig_send(&r, span_of(text + i, 1));
		usleep(300);
	}
	rig_talk(&r, "", "250-", "250", "250", "250", "250 2.0.0", "221", "", NULL);
	ck_assert(span_is(rig_received_off(&r, "ESMTP"), "a\r\n..\r\n"));
	rig_end(&r);
}
END_TEST

/* Out of its order: each row begins behind EHLO; the chunk's octets never run as commands. */
static const struct { const char *say; const char *want[8]; } orders[] = {
	{ "BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n", { "503 5.5.1", "250" } },
	{ "BDAT 6\r\nQUIT\r\nNOOP\r\n", { "503 5.5.1", "250" } },
	{ "MAIL FROM:<a@b>\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n", { "250", "503 5.5.1", "250" } },
	{ "MAIL FROM:<a@b>\r\nBDAT 6\r\nQUIT\r\nRCPT TO:<joe@example.com>\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n",
	    { "250", "503 5.5.1", "503 5.5.1", "503 5.5.1", "250" } },
	{ "HELO x\r\n" BEGIN "BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n", { "250", "250", "250", "503 5.5.1", "250" } },
	{ BEGIN "BDAT 6\r\nQUIT\r\nDATA\r\nMAIL FROM:<a@b>\r\nRCPT TO:<joe@example.com>\r\nETRN x\r\nNOOP\r\n",
	    { "250", "250", "250 2.0.0", "503 5.5.1", "503 5.5.1", "503 5.5.1", "503 5.5.1", "250" } },
	{ BEGIN "BDAT 6 LATS\r\nQUIT\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n",
	    { "250", "250", "501 5.5.4", "501 5.5.4", "250" } },
	{ BEGIN "BDAT 6 LAST x\r\nQUIT\r\nRSET\r\nNOOP\r\n", { "250", "250", "501 5.5.4", "250", "250" } },
	{ BEGIN "BDAT 3\r\na\r\nRSET\r\nBDAT 3 LAST\r\nb\r\nNOOP\r\n",
	    { "250", "250", "250", "250", "503 5.5.1", "250" } },
	{ BEGIN "BDAT 3\r\na\r\nEHLO x\r\nBDAT 3 LAST\r\nb\r\nNOOP\r\n",
	    { "250", "250", "250", "250-", "503 5.5.1", "250" } },
	{ BEGIN "BDAT 3\r\na\r\nNOOP\r\nVRFY x\r\nQUIT\r\n", { "250", "250", "250", "250", "252", "221", "" } },
	{ "MAIL FROM:<a@b> BODY=BINARYMIME\r\nRCPT TO:<joe@example.com>\r\nDATA\r\nRSET\r\nNOOP\r\n",
	    { "250", "250", "503 5.5.1", "250", "250" } },
};

START_TEST(chunks_out_of_order)
{
	rig_hello(&r);
	rig_send(&r, span_str(orders[_i].say));
	for (size_t i = 0; i < 8 && orders[_i].want[i] != NULL; i++)
		rig_talk(&r, "", orders[_i].want[i], NULL);
	ck_assert_uint_eq(r.committed, 0);
	rig_until(&r, &r.abandoned, r.opened - (strstr(orders[_i].say, "ETRN") != NULL));
	ck_assert_uint_eq(r.abandoned, r.opened - (strstr(orders[_i].say, "ETRN") != NULL));
	if (strstr(orders[_i].say, "VRFY") == NULL) {	/* the session goes on, and is sound */
		rig_talk(&r, "RSET\r\n" HELLO BEGIN "BDAT 4 LAST\r\nok\r\n", "250", "250-", "250", "250",
		    "250 2.0.0", NULL);
		ck_assert(span_is(rig_received_off(&r, "ESMTP"), "ok\r\n"));
	}
	rig_end(&r);
}
END_TEST

/* Sizes that cannot be: a 5yz, and the connection ends, for nobody knows where commands begin. */
START_TEST(chunk_sizes_do_not_wrap)
{
	static const char *const sizes[] = { "18446744073709551616", "18446744073709551622", "-1", "0x10", "",
	    "99999999999999999999999999999999", "1e3", "+5", "5,LAST", "18446744073709551615" };

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		char line[100];

		rig_hello(&r);
		snprintf(line, sizeof line, BEGIN "BDAT %s LAST\r\n", sizes[i]);
		rig_talk(&r, line, "250", "250", "501 5.5.4", "421 4.7.0", "", NULL);
		rig_end(&r);
	}
	/* 2^32 + 5: known octets, so they are read over, and none of them is a command */
	rig_init(&r);
	rig_set(&r, CONF_TIMEOUTSMTPD, "1\n");
	rig_start(&r);
	rig_talk(&r, HELLO BEGIN "BDAT 4294967301 LAST\r\nhello\r\nNOOP\r\nQUIT\r\n", "220", "250-", "250", "250",
	    "421 4.4.2", "", NULL);
	ck_assert_uint_eq(r.opened, 0);
	rig_end(&r);
}
END_TEST

/* The checks of DATA, at whatever chunk they are seen; refused ones are counted once. */
static const struct { const char *mail, *text; size_t n; const char *want, *kept; } texts[] = {
#define TEXT(t) t, sizeof t - 1
	{ "", TEXT("a\nb\r\n"), "554 5.6.0", NULL }, { "", TEXT("a\rb\r\n"), "554 5.6.0", NULL },
	{ "", TEXT("a\0b\r\n"), "554 5.6.0", NULL }, { "", TEXT("a\r"), "554 5.6.0", NULL },
	{ "", TEXT("a\r\n\r\nb\n"), "554 5.6.0", NULL }, { "", TEXT(" a\r\n"), "554 5.6.0", NULL },
	{ " BODY=8BITMIME", TEXT("a\r\n\r\n\xff\n"), "554 5.6.0", NULL },
	{ "", TEXT("a: b\r\n\r\nno end"), "250 2.0.0", "a: b\r\n\r\nno end\r\n" },
	{ "", TEXT("a: b"), "250 2.0.0", "a: b\r\n" },
	{ "", TEXT("a: b\r\n\r\n.x\r\n..\r\n"), "250 2.0.0", "a: b\r\n\r\n.x\r\n..\r\n" },
	{ " BODY=BINARYMIME", TEXT("a: b\r\n\r\n\n\r\r\n."), "250 2.0.0", "a: b\r\n\r\n\n\r\r\n." },
	{ " BODY=BINARYMIME", TEXT("a: b\r\n\r\nx\r"), "250 2.0.0", "a: b\r\n\r\nx\r" },
	{ " BODY=BINARYMIME", TEXT("a: b"), "250 2.0.0", "a: b\r\n" },		/* a header's line */
	{ " BODY=BINARYMIME", TEXT("a: b\n\r\n\r\nx"), "554 5.6.0", NULL },
	{ " BODY=BINARYMIME", TEXT("a: b\r\n\n\nx"), "554 5.6.0", NULL },
	{ " BODY=BINARYMIME", TEXT("a: \0\r\n\r\nx"), "554 5.6.0", NULL },
	{ " BODY=BINARYMIME", TEXT("a: b\rc\r\n\r\nx"), "554 5.6.0", NULL },
};

START_TEST(chunks_are_judged)
{
	char head[200], cmd[40];

	for (size_t cut = 0; cut <= texts[_i].n; cut++) {
		bool early = false;

		rig_hello(&r);
		snprintf(head, sizeof head, "MAIL FROM:<a@b>%s\r\nRCPT TO:<joe@example.com>\r\n", texts[_i].mail);
		rig_talk(&r, head, "250", "250", NULL);
		snprintf(cmd, sizeof cmd, "BDAT %zu\r\n", cut);
		rig_send(&r, span_str(cmd));
		rig_send(&r, span_of(texts[_i].text, cut));
		early = strncmp(rig_reply(&r), "250", 3) != 0;
		ck_assert(!early || texts[_i].kept == NULL);
		snprintf(cmd, sizeof cmd, "BDAT %zu LAST\r\n", texts[_i].n - cut);
		rig_send(&r, span_str(cmd));
		rig_send(&r, span_of(texts[_i].text + cut, texts[_i].n - cut));
		rig_talk(&r, "", texts[_i].want, NULL);
		rig_talk(&r, "QUIT\r\n", "221", "", NULL);
		ck_assert_uint_eq(r.committed, texts[_i].kept != NULL);
		rig_until(&r, &r.abandoned, texts[_i].kept == NULL);
		ck_assert_uint_eq(r.abandoned, texts[_i].kept == NULL);
		if (texts[_i].kept != NULL)
			ck_assert(span_is(rig_received_off(&r, "ESMTP"), texts[_i].kept));
		rig_end(&r);
	}
}
END_TEST

START_TEST(a_binary_body_is_kept)
{
	static unsigned char body[300000];
	struct envelope env;
	struct span got;
	struct err e;
	char cmd[60];

	for (size_t i = 0; i < sizeof body; i++)
		body[i] = (unsigned char)(i * 7 + i / 256);
	memcpy(body, LONG_HEADER, sizeof LONG_HEADER - 1);
	rig_hello(&r);
	rig_talk(&r, "MAIL FROM:<a@b> BODY=BINARYMIME SIZE=7\r\nRCPT TO:<joe@example.com>\r\n", "250", "250", NULL);
	snprintf(cmd, sizeof cmd, "BDAT 200000\r\n");
	rig_send(&r, span_str(cmd));
	rig_send(&r, span_of(body, 200000));
	rig_talk(&r, "", "250 2.0.0 200000 octets", NULL);
	snprintf(cmd, sizeof cmd, "BDAT 100000 LAST\r\n");
	rig_send(&r, span_str(cmd));
	rig_send(&r, span_of(body + 200000, 100000));
	rig_talk(&r, "NOOP\r\n", "250 2.0.0", "250", NULL);
	got = rig_received_off(&r, "ESMTP");
	ck_assert(span_eq(got, span_of(body, sizeof body)));
	ck_assert_uint_eq(r.crc, crc32c(0, r.message.p, r.message.n));
	ck_assert_uint_eq(r.open_size, 200000);
	ck_assert_int_eq(envelope_decode(buf_view(&r.block), &env, &e), 0);
	ck_assert_uint_eq(env.body, BODY_BINARYMIME);
	envelope_free(&env);
	rig_end(&r);
}
END_TEST

/* A line that is too long to be read says not where its octets end. */
START_TEST(a_chunk_behind_a_long_line)
{
	char line[600];

	memset(line, ' ', sizeof line);
	memcpy(line, "BDAT 6", 6);
	memcpy(line + 512, "\r\nQUIT\r\n", 9);
	rig_hello(&r);
	rig_talk(&r, BEGIN, "250", "250", NULL);
	rig_talk(&r, line, "500 5.5.2", "421 4.7.0", "", NULL);
	rig_end(&r);
}
END_TEST

/* databytes counts all chunks; the chunk that goes over, and those behind it, are read over. */
START_TEST(chunks_are_bounded)
{
	rig_init(&r);
	rig_set(&r, CONF_DATABYTES, "1024\n");
	rig_start(&r);
	rig_talk(&r, HELLO BEGIN "BDAT 1018\r\n", "220", "250-", "250", "250", NULL);
	for (int i = 0; i < 1018 / 2; i++)
		rig_send(&r, span_str("\r\n"));
	rig_talk(&r, "BDAT 6 LAST\r\nabcd\r\nNOOP\r\n", "250", "250 2.0.0", "250", NULL);
	ck_assert_uint_eq(rig_received_off(&r, "ESMTP").n, 1024);
	rig_talk(&r, BEGIN "BDAT 1018\r\n", "250", "250", NULL);
	for (int i = 0; i < 1018 / 2; i++)
		rig_send(&r, span_str("\r\n"));
	rig_talk(&r, "BDAT 7\r\nQUIT\r\nxBDAT 6\r\nQUIT\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n", "250", "552 5.3.4", "552 5.3.4",
	    "552 5.3.4", "250", NULL);
	ck_assert_uint_eq(r.committed, 1);
	rig_until(&r, &r.abandoned, 1);
	ck_assert_uint_eq(r.abandoned, 1);
	/* the end of a refused sequence: the next message may begin */
	rig_talk(&r, BEGIN "BDAT 4 LAST\r\nok\r\n", "250", "250", "250 2.0.0", NULL);
	rig_end(&r);
}
END_TEST

/* A refusal that a pipelining client hears for each chunk is one error, not twenty. */
START_TEST(chunks_behind_a_refusal)
{
	rig_hello(&r);
	r.open_fails = (struct err){ .kind = ERR_TEMP, .dsn = "4.3.1", .what = "full" };
	rig_talk(&r, BEGIN "BDAT 6\r\nQUIT\r\n", "250", "250", "452 4.3.1", NULL);
	r.open_fails = (struct err){ 0 };
	for (int i = 0; i < 50; i++)
		rig_talk(&r, "BDAT 6\r\nQUIT\r\n", "452 4.3.1", NULL);
	rig_talk(&r, "BDAT 0 LAST\r\nNOOP\r\n", "452 4.3.1", "250", NULL);
	ck_assert_uint_eq(r.committed, 0);
	ck_assert_uint_eq(r.opened, 1);
	r.commit_fails = (struct err){ .kind = ERR_TEMP, .dsn = "4.3.0", .what = "flush" };
	rig_talk(&r, BEGIN "BDAT 4 LAST\r\nok\r\n", "250", "250", "451 4.3.0", NULL);
	r.commit_fails = (struct err){ 0 };
	rig_talk(&r, BEGIN "BDAT 4 LAST\r\nok\r\n", "250", "250", "250 2.0.0", NULL);
	rig_end(&r);
}
END_TEST

/* A client that hangs up, or a stop, in the middle of a sequence: nothing is kept. */
START_TEST(cut_off_chunks_leave_nothing)
{
	static const char *const cuts[] = { "BDAT 6\r\nabc", "BDAT 3\r\na\r\n", "BDAT 3\r\na\r\nBDAT 5 LAST\r\nab" };

	for (size_t i = 0; i < 3; i++) {
		rig_hello(&r);
		rig_talk(&r, BEGIN, "250", "250", NULL);
		rig_send(&r, span_str(cuts[i]));
		rig_client(&r);
		rig_talk(&r, "", "220", NULL);
		rig_until(&r, &r.abandoned, 1);
		ck_assert_uint_eq(r.abandoned, 1);
		ck_assert_uint_eq(r.committed, 0);
		rig_end(&r);
	}
	rig_hello(&r);
	rig_talk(&r, BEGIN "BDAT 3\r\na\r\n", "250", "250", "250", NULL);
	rig_stop(&r);
	usleep(200000);
	rig_talk(&r, "BDAT 3 LAST\r\nb\r\n", "250 2.0.0", "421 4.3.2", "", NULL);	/* it may end its message */
	ck_assert_uint_eq(r.committed, 1);
	rig_end(&r);
}
END_TEST

START_TEST(ten_megabytes_of_chunks)
{
	static char block[100000];
	char cmd[40];

	for (size_t i = 0; i < sizeof block; i++)
		block[i] = (char)('a' + i % 23);
	for (size_t i = 100; i <= sizeof block; i += 100)
		memcpy(block + i - 2, "\r\n", 2);
	rig_hello(&r);
	rig_talk(&r, BEGIN, "250", "250", NULL);
	for (int i = 0; i < 100; i++) {
		snprintf(cmd, sizeof cmd, "BDAT %zu%s\r\n", sizeof block, i == 99 ? " LAST" : "");
		rig_send(&r, span_str(cmd));
		rig_send(&r, span_of(block, sizeof block));
	}
	for (int i = 0; i < 100; i++)
		rig_talk(&r, "", "250 2.0.0", NULL);
	ck_assert_uint_eq(rig_received_off(&r, "ESMTP").n, 100 * sizeof block);
	for (size_t i = 0; i < 100; i++)
		ck_assert(memcmp(rig_received_off(&r, "ESMTP").p + i * sizeof block, block, sizeof block) == 0);
	ck_assert_uint_eq(r.crc, crc32c(0, r.message.p, r.message.n));
	rig_end(&r);
}
END_TEST

Suite *suite_chunk(void);
Suite *
suite_chunk(void)
{
	Suite *s = suite_create("chunk");
	TCase *tc = tcase_create("chunk");

#define LOOP(test, table) tcase_add_loop_test(tc, test, 0, sizeof table / sizeof *table)
	tcase_add_test(tc, chunks_make_a_message);
	tcase_add_test(tc, chunks_octet_by_octet);
	tcase_add_loop_test(tc, chunks_out_of_order, 0, sizeof orders / sizeof *orders);
	tcase_add_test(tc, chunk_sizes_do_not_wrap);
	tcase_add_loop_test(tc, chunks_are_judged, 0, sizeof texts / sizeof *texts);
	tcase_add_test(tc, a_binary_body_is_kept);
	tcase_add_test(tc, a_chunk_behind_a_long_line);
	tcase_add_test(tc, chunks_are_bounded);
	tcase_add_test(tc, chunks_behind_a_refusal);
	tcase_add_test(tc, cut_off_chunks_leave_nothing);
	tcase_add_test(tc, ten_megabytes_of_chunks);
	suite_add_tcase(s, tc);
	return s;
}
