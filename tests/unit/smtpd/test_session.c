/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* Whole dialogs with a session process; the other side is tests/unit/smtpd/rig.c. */
#include "tests/unit/smtpd/rig.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/qfile.h"

static struct rig r;

START_TEST(a_message_is_taken)
{
	struct envelope env;
	struct err e;
	const char *reply;

	rig_hello(&r);
	rig_talk(&r, "MAIL FROM:<a@b.example> SIZE=100 BODY=8BITMIME CONPERM\r\n", "250 2.1.0 ", NULL);
	rig_talk(&r, "RCPT TO:<@h.example:joe@Example.COM>\r\nRCPT TO:<Postmaster> DRUCOF\r\n"
	    "RCPT TO:<\"a>b\"@x.fax.example> DRUCOF=PREFER\r\n", "250 2.1.5 ", "250 2.1.5 ", "250 2.1.5 ", NULL);
	rig_talk(&r, "DATA\r\n", "354 ", NULL);
	rig_send(&r, span_str("Subject: x\r\n\r\n..dot\r\n\xe4\r\n.\r\n"));
	reply = rig_reply(&r);
	ck_assert_msg(strncmp(reply, "250 2.0.0 ", 10) == 0, "%s", reply);
	ck_assert_ptr_nonnull(strstr(reply, r.id));
	ck_assert(span_is(rig_received_off(&r, "ESMTP"), "Subject: x\r\n\r\n.dot\r\n\xe4\r\n"));
	ck_assert_uint_eq(r.crc, crc32c(0, r.message.p, r.message.n));
	ck_assert_uint_eq(r.open_size, 100);
	ck_assert(!r.writer_left);
	ck_assert_int_eq(envelope_decode(buf_view(&r.block), &env, &e), 0);
	ck_assert(span_is(env.sender, "a@b.example"));
	ck_assert_uint_eq(env.nrcpt, 3);
	ck_assert(span_is(env.rcpt[0].addr, "joe@Example.COM"));
	ck_assert(span_is(env.rcpt[1].addr, "Postmaster@mx.example"));
	ck_assert(span_is(env.rcpt[2].addr, "\"a>b\"@x.fax.example"));	/* G1 */
	ck_assert_uint_eq(env.conperm, 1);
	ck_assert_uint_eq(env.rcpt[0].drucof, DRUCOF_NO);
	ck_assert_uint_eq(env.rcpt[1].drucof, DRUCOF_REQUIRE);
	ck_assert_uint_eq(env.rcpt[2].drucof, DRUCOF_PREFER);
	ck_assert_uint_eq(env.body, BODY_8BITMIME);
	ck_assert(span_is(env.client, "client.example [192.0.2.7]"));
	envelope_free(&env);
	rig_talk(&r, "QUIT\r\n", "221 2.0.0 ", "", NULL);
	rig_end(&r);
}
END_TEST

START_TEST(one_process_serves_many)
{
	rig_begin(&r);
	rig_talk(&r, "HELO client.example\r\nMAIL FROM:<>\r\nRCPT TO:<joe@example.com>\r\nDATA\r\n", "250 mx",
	    "250 2.1.0 <>", "250 2.1.5", "354", NULL);
	rig_talk(&r, "x\r\n.\r\nQUIT\r\n", "250 2.0.0", "221", "", NULL);
	ck_assert(span_is(rig_received_off(&r, "SMTP"), "x\r\n"));
	rig_client(&r);
	rig_talk(&r, "", "220", NULL);
	rig_talk(&r, "MAIL FROM:<a@b>\r\n", "503 5.5.1", NULL);	/* nothing of the other is left */
	rig_talk(&r, HELLO BEGIN "DATA\r\n", "250-", "250", "250", "354", NULL);
	rig_talk(&r, "y\r\n.\r\n", "250 2.0.0", NULL);
	ck_assert(span_is(rig_received_off(&r, "ESMTP"), "y\r\n"));
	rig_end(&r);
}
END_TEST

/* One line each, in a session after EHLO; ends in the state it began. */
static const struct { const char *say, *want; } lines[] = {
	{ "NOOP", "250 2.0.0" }, { "noop with words", "250 2.0.0" }, { "RSET", "250 2.0.0" },
	{ "RSET x", "501 5.5.4" }, { "RSET  ", "250 2.0.0" }, { "VRFY joe", "252 2.0.0" },
	{ "VRFY", "501 5.5.4" }, { "HELP", "214 2.0.0" }, { "HELP MAIL", "214 2.0.0" },
	{ "EXPN list", "502 5.5.1" }, { "ETRN x", "502 5.5.1" }, { "STARTTLS", "502 5.5.1" },
	{ "AUTH PLAIN", "502 5.5.1" }, { "TURN", "502 5.5.1" }, { "SEND FROM:<a@b>", "502 5.5.1" },
	{ "XYZZY", "500 5.5.1" }, { "", "500 5.5.1" }, { " NOOP", "500 5.5.1" },
	{ "MAILFROM:<a@b>", "500 5.5.1" }, { "DATA", "503 5.5.1" }, { "RCPT TO:<joe@example.com>", "503 5.5.1" },
	{ "QUIT now", "501 5.5.4" }, { "EHLO", "501 5.5.4" }, { "EHLO a b", "501 5.5.4" },
	{ "EHLO a(b", "501 5.5.4" }, { "EHLO ..", "501 5.5.4" }, { "EHLO a..b", "501 5.5.4" },
	{ "EHLO [300.1.1.1]", "501 5.5.4" }, { "EHLO [192.0.2.1]", "250-" },
	{ "EHLO [IPv6:2001:db8::1]", "250-" }, { "ehlo under_score.example", "250-" },
	{ "HELO x", "250 mx.example" }, { "MAIL", "501 5.5.4" }, { "MAIL TO:<a@b>", "501 5.5.4" },
	{ "MAIL FROM:a@b", "501 5.1.7" }, { "MAIL FROM:<a@b", "501 5.1.7" },
	{ "MAIL FROM:<a@b>x", "501 5.5.4" }, { "MAIL FROM:<a@b> FOO=1", "555 5.5.4" },
	{ "MAIL FROM:<a@b> RET=ALL", "501 5.5.4" }, { "MAIL FROM:<a@b> CONPERM=x", "501 5.5.4" },
	{ "MAIL FROM:<a@b> SIZE=99999999999", "552 5.3.4" }, { "MAIL FROM:<a\x01@b>", "501 5.1.7" },
	{ "NO\nOP", "500 5.5.2" }, { "NOOP\rQUIT", "500 5.5.2" }, { "NOOP\n", "500 5.5.2" },
	{ "\nNOOP", "500 5.5.2" }, { "NOOP\r", "500 5.5.2" },
};

START_TEST(a_line_and_its_reply)
{
	char line[400];

	rig_hello(&r);
	snprintf(line, sizeof line, "%s\r\n", lines[_i].say);
	rig_talk(&r, line, lines[_i].want, NULL);
	rig_talk(&r, "NOOP\r\nQUIT\r\n", "250", "221", "", NULL);	/* and nothing of it ran */
	rig_end(&r);
}
END_TEST

START_TEST(a_nul_is_no_command)
{
	rig_hello(&r);
	rig_send(&r, span_of("NOOP\0QUIT\r\n", 11));
	rig_talk(&r, "", "500 5.5.2", NULL);
	rig_talk(&r, "QUIT\r\n", "221", "", NULL);
	rig_end(&r);
}
END_TEST

enum { LINE_MAIL = 512 + 26 + 10 + 34 + 17 + 16 + 64 + 500 + 15 + 17 + 9 + 107, LINE_RCPT = 512 + 64 + 15 + 29 + 507 };

/* RFC 5321 4.5.3.1.4; the tail of a line that is too long does not run. */
START_TEST(line_limits)
{
	static const struct { size_t n; const char *want; } t[] = {
		{ 510, "250" }, { 511, "500 5.5.2" }, { 2046, "500 5.5.2" }, { 2047, "500 5.5.2" },
		{ 2048, "500 5.5.2" }, { 32767, "500 5.5.2" }, { 32768, "500 5.5.2" }, { 200000, "500 5.5.2" },
	};
	static char line[200010];

	rig_hello(&r);
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		memset(line, ' ', t[i].n);
		memcpy(line, "NOOP", 4);
		memcpy(line + t[i].n - 4, "QUIT", 4);
		memcpy(line + t[i].n, "\r\n", 3);
		rig_talk(&r, line, t[i].want, NULL);
	}
	/* MAIL and RCPT have what their parameters add */
	for (size_t i = 0; i < 2; i++) {
		size_t max = i == 0 ? LINE_MAIL : LINE_RCPT;

		memset(line, ' ', 2000);
		memcpy(line, i == 0 ? "MAIL FROM:<a@b>" : "RCPT TO:<joe@example.com>", i == 0 ? 15 : 25);
		memcpy(line + max - 2, "\r\n", 3);
		rig_talk(&r, line, i == 0 ? "250 2.1.0" : "250 2.1.5", NULL);
		line[max - 2] = ' ';
		memcpy(line + max - 1, "\r\n", 3);
		rig_talk(&r, line, "500 5.5.2", NULL);
	}
	rig_end(&r);
}
END_TEST

START_TEST(not_offered_here)
{
	const char *reply;

	rig_init(&r);
	r.listener.noconperm = r.listener.noconneg = r.listener.nodrucof = true;
	rig_start(&r);
	rig_talk(&r, "", "220", NULL);
	rig_send(&r, span_str(HELLO));
	reply = rig_reply(&r);
	ck_assert_ptr_null(strstr(reply, "CONPERM"));
	ck_assert_ptr_null(strstr(reply, "CONNEG"));
	ck_assert_ptr_null(strstr(reply, "DRUCOF"));
	rig_talk(&r, "MAIL FROM:<a@b> CONPERM\r\n", "504 5.3.3 CONPERM", NULL);		/* R5 */
	rig_talk(&r, "MAIL FROM:<a@b>\r\n", "250", NULL);
	rig_talk(&r, "RCPT TO:<joe@example.com> CONNEG\r\n", "504 5.3.3 CONNEG", NULL);	/* R28 */
	rig_talk(&r, "RCPT TO:<joe@example.com> DRUCOF\r\n", "504 5.3.3 DRUCOF", NULL);
	rig_talk(&r, "RCPT TO:<joe@example.com> CONNEG=OPTIONAL\r\n", "250 2.1.5 <", NULL);
	rig_end(&r);
}
END_TEST

/* R36: HELO offers no extension, so none may be used, though EHLO came before. */
START_TEST(helo_offers_nothing)
{
	rig_begin(&r);
	rig_send(&r, span_str(HELLO));
	(void)rig_reply(&r);
	rig_talk(&r, "HELO client.example\r\n", "250", NULL);
	rig_talk(&r, "MAIL FROM:<a@b> CONPERM\r\n", "504 5.3.3 CONPERM", NULL);
	rig_talk(&r, "MAIL FROM:<a@b> SIZE=10\r\n", "555", NULL);
	rig_talk(&r, "MAIL FROM:<a@b>\r\n", "250", NULL);
	rig_talk(&r, "RCPT TO:<joe@example.com> CONNEG\r\n", "504 5.3.3 CONNEG", NULL);
	rig_talk(&r, "RCPT TO:<joe@example.com> DRUCOF\r\n", "504 5.3.3 DRUCOF", NULL);
	rig_end(&r);
}
END_TEST

START_TEST(what_is_offered)
{
	static const char *const want[] = { "PIPELINING", "SIZE 52428800", "8BITMIME",
	    "ENHANCEDSTATUSCODES", "CONPERM", "CONNEG", "DRUCOF PREFER", "DSN", "CHUNKING", "BINARYMIME",
	    "LIMITS MAILMAX=1000 RCPTMAX=1000\r\n" };
	const char *reply;

	rig_begin(&r);
	rig_send(&r, span_str(HELLO));
	reply = rig_reply(&r);
	for (size_t i = 0; i < sizeof want / sizeof *want; i++)
		ck_assert_msg(strstr(reply, want[i]) != NULL, "%s", want[i]);
	rig_end(&r);
}
END_TEST

/* DR9: all as ever but for a message, by DATA or in chunks; DR8: so EHLO says the same. */
START_TEST(a_host_that_takes_no_mail)
{
	char said[2][2000];

	for (int only = 0; only < 2; only++) {
		rig_init(&r);
		r.listener.probeonly = only;
		rig_start(&r);
		rig_talk(&r, "", "220", NULL);
		rig_send(&r, span_str(HELLO));
		snprintf(said[only], sizeof said[only], "%s", rig_reply(&r));
		if (!only)
			rig_end(&r);
	}
	ck_assert_str_eq(said[1], said[0]);
	rig_talk(&r, "MAIL FROM:<> SIZE=100 CONPERM\r\nRCPT TO:<joe@example.com> CONNEG\r\n"
	    "RCPT TO:<nobody@example.com> CONNEG\r\nRCPT TO:<a@elsewhere.example>\r\n", "250 2.1.0", "250-2.1.5 <",
	    "550 5.1.1", "550 5.7.1", NULL);
	rig_talk(&r, "DATA\r\nNOOP\r\n", "554 5.3.2 this host answers about capabilities only", "250", NULL);
	rig_talk(&r, "BDAT 6\r\nQUIT\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n", "554 5.3.2", "554 5.3.2", "250", NULL);
	rig_talk(&r, BEGIN "BDAT 0 LAST\r\n" BEGIN "DATA\r\n", "250", "250", "554 5.3.2", "250", "250", "554 5.3.2",
	    NULL);
	ck_assert_uint_eq(r.opened, 0);
	rig_end(&r);
}
END_TEST

/* --- the data --- */

#define BAD(text) { text, sizeof text - 1 }
static const struct { const char *data; size_t n; } smuggled[] = {
	BAD("a\n.\nQUIT\r\n\r\n.\r\n"), BAD("a\n.\r\nQUIT\r\n\r\n.\r\n"), BAD("a\r\n.\nQUIT\r\n.\r\n"),
	BAD("a\r.\rQUIT\r\n.\r\n"), BAD("a\r.\r\nQUIT\r\n.\r\n"), BAD("a\r\n.\rQUIT\r\n.\r\n"),
	BAD("a\r\n\0.\r\nQUIT\r\n.\r\n"), BAD("a\r\n.\0\r\nQUIT\r\n.\r\n"), BAD("a\r\n.\r\0\nQUIT\r\n.\r\n"),
};

START_TEST(nothing_is_smuggled)
{
	rig_hello(&r);
	rig_talk(&r, BEGIN "DATA\r\n", "250", "250", "354", NULL);
	rig_send(&r, span_of(smuggled[_i].data, smuggled[_i].n));
	rig_talk(&r, "", "554 5.6.0", NULL);
	rig_talk(&r, "NOOP\r\n", "250", NULL);
	ck_assert_uint_eq(r.committed, 0);
	rig_until(&r, &r.abandoned, 1);
	ck_assert_uint_eq(r.abandoned, 1);
	rig_talk(&r, BEGIN "DATA\r\n", "250", "250", "354", NULL);	/* and the session is sound */
	rig_talk(&r, "ok\r\n.\r\n", "250 2.0.0", NULL);
	ck_assert(span_is(rig_received_off(&r, "ESMTP"), "ok\r\n"));
	rig_end(&r);
}
END_TEST

START_TEST(large_messages_are_bounded)
{
	static char text[70000];
	char line[80];

	rig_init(&r);
	rig_set(&r, CONF_DATABYTES, "65000\n");
	rig_start(&r);
	rig_talk(&r, HELLO, "220", "250-", NULL);
	rig_talk(&r, "MAIL FROM:<> SIZE=65001\r\n", "552 5.3.4", NULL);
	for (size_t n = 64998; n <= 65001; n++) {
		snprintf(line, sizeof line, BEGIN "DATA\r\n");
		rig_talk(&r, line, "250", "250", "354", NULL);
		memset(text, 'x', n);
		for (size_t i = 78; i + 2 < n; i += 80)
			memcpy(text + i, "\r\n", 2);
		memcpy(text + n - 2, "\r\n", 3);
		rig_send(&r, span_of(text, n));
		rig_talk(&r, ".\r\n", n > 65000 ? "552 5.3.4" : "250 2.0.0", NULL);
		if (n <= 65000)
			ck_assert(span_eq(rig_received_off(&r, "ESMTP"), span_of(text, n)));
	}
	rig_until(&r, &r.abandoned, 1);
	ck_assert_uint_eq(r.abandoned, 1);
	rig_end(&r);
}
END_TEST

START_TEST(a_loop_is_seen)
{
	for (int n = 100; n <= 101; n++) {
		rig_hello(&r);
		rig_talk(&r, BEGIN "DATA\r\n", "250", "250", "354", NULL);
		for (int i = 0; i < n; i++)
			rig_send(&r, span_str("Received: from x\r\n"));
		rig_talk(&r, "\r\nReceived: no\r\n.\r\n", n > 100 ? "554 5.4.6" : "250 2.0.0", NULL);
		rig_end(&r);
	}
}
END_TEST

START_TEST(ten_megabytes_arrive_whole)
{
	static char block[10000];
	struct span got;

	for (size_t i = 0; i < sizeof block; i++)
		block[i] = (char)('a' + i % 23);
	for (size_t i = 100; i < sizeof block; i += 100)
		memcpy(block + i - 2, "\r\n", 2);
	memcpy(block + sizeof block - 2, "\r\n", 2);
	rig_hello(&r);
	rig_talk(&r, BEGIN "DATA\r\n", "250", "250", "354", NULL);
	for (int i = 0; i < 1000; i++)
		rig_send(&r, span_of(block, sizeof block));
	rig_talk(&r, ".\r\nQUIT\r\n", "250 2.0.0", "221", "", NULL);
	got = rig_received_off(&r, "ESMTP");
	ck_assert_uint_eq(got.n, 1000 * sizeof block);
	for (size_t i = 0; i < 1000; i++)
		ck_assert(memcmp(got.p + i * sizeof block, block, sizeof block) == 0);
	ck_assert_uint_eq(r.crc, crc32c(0, r.message.p, r.message.n));
	rig_end(&r);
}
END_TEST

/* --- order, limits, failures --- */

START_TEST(replies_stay_in_order)
{
	rig_hello(&r);
	rig_talk(&r, "MAIL FROM:<a@b>\r\nRCPT TO:<joe@example.com> CONNEG\r\nRCPT TO:<nobody@example.com>\r\n"
	    "RCPT TO:<any@example.com>\r\nBOGUS\r\nDATA\r\n", "250 2.1.0", "250-2.1.5 <joe", "550 5.1.1",
	    "250 2.1.5 <any", "500", "354", NULL);
	rig_talk(&r, "x\r\n.\r\nMAIL FROM:<>\r\nRSET\r\nMAIL FROM:<c@d>\r\nMAIL FROM:<e@f>\r\nQUIT\r\n",
	    "250 2.0.0", "250 2.1.0 <>", "250 2.0.0", "250 2.1.0 <c@d>", "503 5.5.1", "221", "", NULL);
	ck_assert_uint_eq(r.committed, 1);
	rig_end(&r);
}
END_TEST

/* Commands one octet at a time mean the same. */
START_TEST(octet_by_octet)
{
	static const char text[] = HELLO BEGIN "DATA\r\na\r\n..\r\n.\r\nQUIT\r\n";

	rig_begin(&r);
	for (size_t i = 0; i < sizeof text - 1; i++) {
		rig_send(&r, span_of(text + i, 1));
		usleep(300);
	}
	rig_talk(&r, "", "250-", "250", "250", "354", "250 2.0.0", "221", "", NULL);
	ck_assert(span_is(rig_received_off(&r, "ESMTP"), "a\r\n.\r\n"));
	rig_end(&r);
}
END_TEST

/* --- DSN: RFC 3461, G17 --- */

START_TEST(dsn_is_kept)
{
	struct envelope env;
	struct err e;

	rig_hello(&r);
	rig_talk(&r, "MAIL FROM:<a@b> RET=HDRS ENVID=QQ+2B1\r\nRCPT TO:<joe@example.com> NOTIFY=SUCCESS,DELAY "
	    "ORCPT=rfc822;Joe+2Bx@Old.example\r\nRCPT TO:<nobody@example.com> ORCPT=rfc822;x NOTIFY=NEVER\r\n"
	    "RCPT TO:<any@example.com> NOTIFY=NEVER\r\nRCPT TO:<Postmaster> ORCPT=x400;p\r\nRCPT TO:<none@example.com>\r\n",
	    "250", "250", "550", "250", "250", "250", NULL);
	rig_talk(&r, "BDAT 4 LAST\r\nok\r\n", "250", NULL);
	ck_assert_int_eq(envelope_decode(buf_view(&r.block), &env, &e), 0);
	ck_assert(span_is(env.sender, "a@b"));
	ck_assert(span_is(env.envid, "QQ+2B1"));
	ck_assert_uint_eq(env.ret, RET_HDRS);
	ck_assert_uint_eq(env.nrcpt, 4);
	ck_assert(span_is(env.rcpt[0].addr, "joe@example.com"));
	ck_assert(span_is(env.rcpt[0].orcpt, "rfc822;Joe+2Bx@Old.example"));
	ck_assert_uint_eq(env.rcpt[0].notify, NOTIFY_SUCCESS | NOTIFY_DELAY);
	ck_assert(span_is(env.rcpt[1].addr, "any@example.com"));
	ck_assert_uint_eq(env.rcpt[1].orcpt.n, 0);
	ck_assert_uint_eq(env.rcpt[1].notify, NOTIFY_NEVER);
	ck_assert(span_is(env.rcpt[2].addr, "Postmaster@mx.example"));
	ck_assert(span_is(env.rcpt[2].orcpt, "x400;p"));
	ck_assert_uint_eq(env.rcpt[3].orcpt.n + env.rcpt[3].notify, 0);
	envelope_free(&env);
	rig_talk(&r, BEGIN "BDAT 4 LAST\r\nok\r\n", "250", "250", "250", NULL);	/* and gone with the next */
	ck_assert_int_eq(envelope_decode(buf_view(&r.block), &env, &e), 0);
	ck_assert_uint_eq(env.envid.n + env.ret + env.rcpt[0].orcpt.n + env.rcpt[0].notify, 0);
	envelope_free(&env);
	rig_end(&r);
}
END_TEST

/* What an idle session costs: memory that is its own.  Pages of this runner's text, which nobody else may have
 * mapped just now, are not. */
START_TEST(an_idle_session_is_small)
{
	char path[64], line[256];
	long private_kb = 0;
	FILE *f;

	rig_hello(&r);
	rig_talk(&r, BEGIN "RSET\r\n", "250", "250", "250", NULL);
	snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)r.pid);
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof line, f) != NULL)
		if (strncmp(line, "Private_Dirty", 13) == 0)
			private_kb += strtol(strchr(line, ':') + 1, NULL, 10);
	fclose(f);
#ifndef ACCORD_SAN
	ck_assert_msg(private_kb > 0 && private_kb <= 150, "%ld KB", private_kb);
#endif
	rig_end(&r);
}
END_TEST

Suite *suite_session(void);
Suite *
suite_session(void)
{
	Suite *s = suite_create("session");
	TCase *tc = tcase_create("session");

#define LOOP(test, table) tcase_add_loop_test(tc, test, 0, sizeof table / sizeof *table)
	tcase_add_test(tc, a_message_is_taken);
	tcase_add_test(tc, one_process_serves_many);
	LOOP(a_line_and_its_reply, lines);
	tcase_add_test(tc, a_nul_is_no_command);
	tcase_add_test(tc, line_limits);
	tcase_add_test(tc, not_offered_here);
	tcase_add_test(tc, helo_offers_nothing);
	tcase_add_test(tc, what_is_offered);
	tcase_add_test(tc, a_host_that_takes_no_mail);
	LOOP(nothing_is_smuggled, smuggled);
	tcase_add_test(tc, large_messages_are_bounded);
	tcase_add_test(tc, a_loop_is_seen);
	tcase_add_test(tc, ten_megabytes_arrive_whole);
	tcase_add_test(tc, replies_stay_in_order);
	tcase_add_test(tc, octet_by_octet);
	tcase_add_test(tc, dsn_is_kept);
	tcase_add_test(tc, an_idle_session_is_small);
	suite_add_tcase(s, tc);
	return s;
}
