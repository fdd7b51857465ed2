/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* Recipients: who is taken, and what is said of their devices; how many. */
#include "tests/unit/smtpd/rig.h"

#include <check.h>
#include <stdio.h>

#include "lib/features.h"
#include "tests/unit/clock.h"

static struct rig r;

static const struct { const char *to, *want; } rcpts[] = {
	{ "<joe@example.com>", "250 2.1.5 <joe@example.com>" },
	{ "<joe@EXAMPLE.com>", "250 2.1.5 <joe@EXAMPLE.com>" },
	{ "<nobody@example.com>", "550 5.1.1" },
	{ "<cannot@example.com>", "451 4.3.0" },
	{ "<slow@example.com>", "451 4.3.0" },
	{ "<nobody@a.fax.example>", "250 2.1.5" },		/* relayed: not ours to know */
	{ "<a@fax.example>", "550 5.7.1" },
	{ "<a@elsewhere.example>", "550 5.7.1" },
	{ "<a%elsewhere.example@example.com>", "250 2.1.5" },	/* a local part, nothing more */
	{ "<@example.com:a@elsewhere.example>", "550 5.7.1" },
	{ "<\"a@elsewhere.example\"@example.com>", "250 2.1.5" },
	{ "<a@[192.0.2.7]>", "550 5.7.1" },
	{ "<POSTMASTER>", "250 2.1.5" },
	{ "<joe>", "501 5.1.3" }, { "<>", "501 5.1.3" }, { "joe@example.com", "501 5.1.3" },
	{ " <joe@example.com>", "250 2.1.5" },
	{ "<joe@example.com> NOTIFY=NEVER", "250 2.1.5" },
	{ "<joe@example.com> NOTIFY=NEVER,DELAY", "501 5.5.4" },
	{ "<joe@example.com> ORCPT=rfc822;x+0D", "501 5.5.4" },
	{ "<nobody@example.com> NOTIFY=NEVER", "550 5.1.1" },	/* RFC 3461 5.1 (b): as without */
};

START_TEST(who_is_taken)
{
	char line[400];

	rig_hello(&r);
	rig_talk(&r, "MAIL FROM:<a@b.example>\r\n", "250", NULL);
	snprintf(line, sizeof line, "RCPT TO:%s\r\n", rcpts[_i].to);
	rig_talk(&r, line, rcpts[_i].want, NULL);
	if (rcpts[_i].want[0] != '2')
		rig_talk(&r, "DATA\r\n", "554 5.5.1", NULL);
	rig_end(&r);
}
END_TEST

START_TEST(relayclients_may_send_anywhere)
{
	for (int norelay = 0; norelay < 2; norelay++) {
		rig_init(&r);
		rig_set(&r, CONF_RELAYCLIENTS, "192.0.2.0/24\n");
		r.listener.norelay = norelay;
		rig_start(&r);
		rig_talk(&r, "", "220", NULL);
		rig_talk(&r, HELLO "MAIL FROM:<>\r\nRCPT TO:<a@elsewhere.example>\r\n", "250-", "250",
		    norelay ? "550 5.7.1" : "250 2.1.5", NULL);
		rig_talk(&r, "RCPT TO:<nobody@example.com>\r\n", "550 5.1.1", NULL);
		rig_end(&r);
	}
}
END_TEST

/* --- CONNEG: the digest's table a.3; R25 to R28, R32 to R35, R39 --- */

static const struct { const char *who, *param, *want; bool lines; } connegs[] = {
	{ "joe@example.com", "CONNEG", "250-2.1.5 <joe@example.com>", true },		/* R25, R26 */
	{ "joe@example.com", "CONNEG=REQUIRED", "250-2.1.5 <", true },
	{ "joe@example.com", "CONNEG = REQUIRED", "250-2.1.5 <", true },
	{ "joe@example.com", "CONNEG=OPTIONAL", "250-2.1.5 <", true },
	{ "joe@example.com", "CONNEG = OPTIOANL", "250-2.1.5 <", true },
	{ "x@a.fax.example", "conneg", "250-2.1.5 <", true },
	{ "temp@example.com", "CONNEG", "250 2.1.5 <", false },
	{ "temp@example.com", "CONNEG=REQUIRED", "404 4.3.3 CONNEG", false },		/* R33 */
	{ "temp@example.com", "CONNEG=OPTIONAL", "250 2.1.5 <", false },		/* R34 */
	{ "slow@a.fax.example", "CONNEG", "250 2.1.5 <", false },
	{ "slow@a.fax.example", "CONNEG=REQUIRED", "404 4.3.3 CONNEG", false },
	{ "slow@a.fax.example", "CONNEG=OPTIONAL", "250 2.1.5 <", false },
	/* R33, R34 where the mailbox cannot be looked up either: 404 to whom it says more than 451 */
	{ "slow@example.com", "CONNEG=REQUIRED", "404 4.3.3 CONNEG", false },
	{ "slow@example.com", "CONNEG = REQUIRED", "404 4.3.3 CONNEG", false },
	{ "slow@example.com", "CONNEG", "451 4.3.0", false },
	{ "slow@example.com", "CONNEG=OPTIONAL", "451 4.3.0", false },
	{ "cannot@example.com", "CONNEG=REQUIRED", "404 4.3.3 CONNEG", false },
	{ "cannot@example.com", "CONNEG", "451 4.3.0", false },
	{ "none@example.com", "CONNEG", "250 2.1.5 <", false },
	{ "none@example.com", "CONNEG = REQUIRED", "504 5.3.3 CONNEG", false },
	{ "none@example.com", "CONNEG=OPTIONAL", "250 2.1.5 <", false },
	{ "any@example.com", "CONNEG", "250 2.1.5 <", false },				/* R39 */
	{ "any@example.com", "CONNEG=REQUIRED", "250 2.1.5 <", false },
	{ "joe@quiet.fax.example", "CONNEG", "250 2.1.5 <", false },			/* off */
	{ "joe@quiet.fax.example", "CONNEG=REQUIRED", "504 5.3.3 CONNEG", false },
	{ "joe@quiet.fax.example", "CONNEG=OPTIONAL", "250 2.1.5 <", false },
	{ "bad@example.com", "CONNEG", "250 2.1.5 <", false },
	{ "nobody@example.com", "CONNEG", "550 5.1.1", false },
	{ "nobody@example.com", "CONNEG=REQUIRED", "550 5.1.1", false },
	{ "a@elsewhere.example", "CONNEG", "550 5.7.1", false },
	{ "joe@example.com", "CONNEG=MAYBE", "501 5.5.4", false },
	{ "joe@example.com", "CONNEG CONNEG", "501 5.5.4", false },
};

START_TEST(conneg_is_answered)
{
	char line[200];
	const char *got;

	rig_hello(&r);
	rig_talk(&r, "MAIL FROM:<a@b.example>\r\n", "250", NULL);
	snprintf(line, sizeof line, "RCPT TO:<%s> %s\r\n", connegs[_i].who, connegs[_i].param);
	rig_send(&r, span_str(line));
	got = rig_reply(&r);
	ck_assert_msg(strncmp(got, connegs[_i].want, strlen(connegs[_i].want)) == 0, "%s: %s", line, got);
	ck_assert_int_eq(strstr(got, "\r\n250 2.1.5 CONNEG (&(color=Binary)(dpi=200))\r\n") != NULL,
	    connegs[_i].lines);
	rig_talk(&r, "DATA\r\n", connegs[_i].want[0] == '2' ? "354" : "554 5.5.1", NULL);
	rig_end(&r);
}
END_TEST

/* With capd silent a client waits once, not for each of hundreds; after a while capd is asked again. */
START_TEST(a_silent_directory)
{
	int64_t *shift_ms = test_clock(), from;

	rig_hello(&r);
	rig_talk(&r, "MAIL FROM:<a@b.example>\r\n", "250", NULL);
	rig_talk(&r, "RCPT TO:<slowcaps@example.com> CONNEG=REQUIRED\r\n", "404 4.3.3", NULL);
	ck_assert_uint_eq(r.asked, 2);
	/* mailboxes are asked for as ever */
	from = clock_ms();
	for (int i = 0; i < 100; i++)
		rig_talk(&r, "RCPT TO:<joe@example.com> CONNEG\r\nRCPT TO:<joe@example.com> CONNEG=REQUIRED\r\n"
		    "RCPT TO:<a@a.fax.example> CONNEG=REQUIRED\r\nRCPT TO:<a@a.fax.example> CONNEG\r\n",
		    "250 2.1.5", "404 4.3.3", "404 4.3.3", "250 2.1.5", NULL);
	rig_talk(&r, "RCPT TO:<nobody@example.com> CONNEG=REQUIRED\r\n", "550 5.1.1", NULL);
	ck_assert_uint_eq(r.asked, 203);
	ck_assert_int_lt(clock_ms() - from, LINK_REST_MS);
	rig_talk(&r, "RCPT TO:<slow@example.com>\r\n", "451", NULL);
	rig_talk(&r, "RCPT TO:<joe@example.com>\r\n", "451", NULL);
	rig_talk(&r, "RCPT TO:<joe@example.com> CONNEG=REQUIRED\r\n", "404", NULL);
	ck_assert_uint_eq(r.asked, 204);
	*shift_ms += LINK_REST_MS;
	rig_talk(&r, "RCPT TO:<joe@example.com> CONNEG\r\n", "250-2.1.5", NULL);
	rig_talk(&r, "RCPT TO:<joe@example.com>\r\n", "250 2.1.5", NULL);
	rig_end(&r);
}
END_TEST

/* Who may ask: of the client 192.0.2.7.  Who may not is answered as if nothing were known, and capd is not asked. */
static const struct { const char *conneg, *relayclients; bool norelay, told; } askers[] = {
	{ ".fax.example directory\n", "", false, true },
	{ ".fax.example directory all\n", "", false, true },
	{ ".fax.example directory relayclients\n", "", false, false },
	{ ".fax.example directory relayclients\n", "192.0.2.0/24\n", false, true },
	{ ".fax.example directory relayclients\n", "192.0.2.0/24\n", true, false },
	{ ".fax.example directory 198.51.100.0/24\n", "192.0.2.0/24\n", false, false },
	{ ".fax.example directory 198.51.100.0/24,192.0.2.7\n", "", true, true },
	{ ".fax.example directory relayclients\na.fax.example directory\n", "", false, true },
	{ "a.fax.example directory relayclients\n* directory\n", "", false, false },
	{ "* off\n", "192.0.2.0/24\n", false, false },
};

START_TEST(who_may_ask)
{
	static const char *const plain[] = { "250 2.1.5 <", "504 5.3.3 CONNEG capabilities are not known",
	    "250 2.1.5 <" };
	static const char *const params[] = { "CONNEG", "CONNEG=REQUIRED", "CONNEG=OPTIONAL" };
	char line[200];

	rig_init(&r);
	rig_set(&r, CONF_CONNEG, askers[_i].conneg);
	rig_set(&r, CONF_RELAYCLIENTS, askers[_i].relayclients);
	r.listener.norelay = askers[_i].norelay;
	rig_start(&r);
	rig_talk(&r, HELLO "MAIL FROM:<>\r\n", "220", "250-", "250", NULL);
	for (unsigned i = 0; i < 3; i++) {
		snprintf(line, sizeof line, "RCPT TO:<joe@a.fax.example> %s\r\n", params[i]);
		rig_talk(&r, line, askers[_i].told ? "250-2.1.5 <" : plain[i], NULL);
	}
	ck_assert_uint_eq(r.asked, askers[_i].told ? 3 : 0);
	/* the mailbox is asked for all the same */
	rig_talk(&r, "RCPT TO:<nobody@example.com> CONNEG\r\n", "550 5.1.1", NULL);
	rig_end(&r);
}
END_TEST

/* R27, R32: many lines, none too long; joined they are the expression. */
START_TEST(a_long_capability_list)
{
	struct buf joined;
	struct feat *f;
	struct span rest, line;
	struct err e = { 0 };
	unsigned n = 0;

	rig_hello(&r);
	buf_init(&joined, 65536);
	rig_talk(&r, "MAIL FROM:<>\r\n", "250", NULL);
	rig_send(&r, span_str("RCPT TO:<long@example.com> CONNEG\r\n"));
	rest = span_str(rig_reply(&r));
	ck_assert(span_line(&rest, &line));
	while (span_line(&rest, &line)) {
		ck_assert(span_is(span_sub(line, 3, 17), rest.n > 0 ? "-2.1.5 CONNEG " : " 2.1.5 CONNEG "));
		ck_assert_uint_gt(line.n, 17);
		ck_assert_int_eq(buf_add(&joined, span_sub(line, 17, line.n), &e), 0);
		n++;
	}
	ck_assert_uint_gt(n, 30);
	ck_assert_msg(feat_parse(buf_view(&joined), 0, &f, &e) == 0, "%s", e.what);
	feat_free(f);
	buf_free(&joined);
	rig_end(&r);
}
END_TEST

START_TEST(too_many_recipients)
{
	char line[100];
	struct envelope env;
	struct err e;

	rig_init(&r);
	rig_set(&r, CONF_MAXRCPTS, "2000\n");
	rig_start(&r);
	rig_talk(&r, HELLO "MAIL FROM:<a@b>\r\n", "220", "250-", "250", NULL);
	for (int i = 0; i < 2000; i++) {
		snprintf(line, sizeof line, "RCPT TO:<somebody-with-a-long-name-%d@a.fax.example>\r\n", i);
		rig_talk(&r, line, "250 2.1.5", NULL);
	}
	rig_talk(&r, "RCPT TO:<joe@example.com>\r\n", "452 4.5.3", NULL);	/* G12 */
	rig_talk(&r, "DATA\r\n", "354", NULL);
	rig_talk(&r, "x\r\n.\r\n", "250 2.0.0", NULL);
	ck_assert_uint_gt(r.block.n, MSG_MAX);		/* so it came in a memfd */
	ck_assert_int_eq(envelope_decode(buf_view(&r.block), &env, &e), 0);
	ck_assert_uint_eq(env.nrcpt, 2000);
	ck_assert(span_is(env.rcpt[1999].addr, "somebody-with-a-long-name-1999@a.fax.example"));
	envelope_free(&env);
	rig_end(&r);
}
END_TEST

/* Each command is answered alike, CONNEG too; the message has each recipient once for all who gave the same
 * parameters. */
START_TEST(the_same_recipient_twice)
{
	struct envelope env;
	struct err e;

	rig_hello(&r);
	rig_talk(&r, "MAIL FROM:<a@b>\r\n", "250", NULL);
	for (int i = 0; i < 2; i++) {
		rig_send(&r, span_str(i == 0 ? "RCPT TO:<joe@example.com> CONNEG\r\n" :
		    "RCPT TO:<joe@EXAMPLE.com> CONNEG\r\n"));
		ck_assert_ptr_nonnull(strstr(rig_reply(&r), "\r\n250 2.1.5 CONNEG (&(color=Binary)(dpi=200))\r\n"));
		rig_talk(&r, "RCPT TO:<b@a.fax.example>\r\n", "250 2.1.5 <b@a.fax.example>", NULL);
	}
	rig_talk(&r, "RCPT TO:<joe@example.com> NOTIFY=NEVER\r\n", "250 2.1.5", NULL);
	rig_talk(&r, "RCPT TO:<postmaster>\r\nRCPT TO:<postmaster@MX.example>\r\n", "250", "250", NULL);
	rig_talk(&r, "DATA\r\n", "354", NULL);
	rig_talk(&r, "x\r\n.\r\n", "250 2.0.0", NULL);
	ck_assert_int_eq(envelope_decode(buf_view(&r.block), &env, &e), 0);
	ck_assert_uint_eq(env.nrcpt, 4);
	ck_assert(span_is(env.rcpt[0].addr, "joe@example.com") && env.rcpt[0].notify == 0);
	ck_assert(span_is(env.rcpt[1].addr, "b@a.fax.example"));
	ck_assert(span_is(env.rcpt[2].addr, "joe@example.com") && env.rcpt[2].notify == NOTIFY_NEVER);
	ck_assert(span_isi(env.rcpt[3].addr, "postmaster@mx.example"));
	envelope_free(&env);
	rig_end(&r);
}
END_TEST

/* --- LIMITS: RFC 9422 --- */

START_TEST(limits_are_those_announced)
{
	char line[80];

	rig_init(&r);
	rig_set(&r, CONF_MAXMAILS, "3\n");
	rig_set(&r, CONF_MAXRCPTS, "100\n");
	rig_start(&r);
	rig_talk(&r, "", "220", NULL);
	rig_send(&r, span_str(HELLO));
	ck_assert_ptr_nonnull(strstr(rig_reply(&r), "250-LIMITS MAILMAX=3 RCPTMAX=100\r\n"));
	/* 4.2: RCPT commands, whatever their reply; 4.1: MAIL commands likewise */
	rig_talk(&r, "MAIL FROM:<a@b>\r\n", "250", NULL);
	for (int i = 0; i < 100; i++) {
		snprintf(line, sizeof line, "RCPT TO:<%s@a.fax.example>\r\n", i % 20 != 1 ? "x" : "x y");
		rig_talk(&r, line, i % 20 != 1 ? "250" : "501", NULL);
	}
	rig_talk(&r, "RCPT TO:<joe@example.com>\r\nRSET\r\n", "452 4.5.3", "250", NULL);
	rig_talk(&r, "MAIL FROM:<a b>\r\nMAIL FROM:<a@b>\r\nRCPT TO:<joe@example.com>\r\nBDAT 0 LAST\r\n", "501", "250",
	    "250", "250 2.0.0", NULL);
	rig_talk(&r, "MAIL FROM:<a@b>\r\n", "421 4.7.0", "", NULL);
	rig_end(&r);
}
END_TEST

/* Who goes on where 452 said stop is not listened to for ever. */
START_TEST(recipients_behind_the_limit)
{
	rig_init(&r);
	rig_set(&r, CONF_MAXRCPTS, "100\n");
	rig_start(&r);
	rig_talk(&r, HELLO "MAIL FROM:<a@b>\r\n", "220", "250-", "250", NULL);
	for (int i = 0; i < 100; i++)
		rig_talk(&r, "RCPT TO:<x@a.fax.example>\r\n", "250", NULL);
	for (int i = 0; i < 99 + JUNK_MAX; i++)	/* a pipelined group may be that large */
		rig_talk(&r, "RCPT TO:<x@a.fax.example>\r\n", "452 4.5.3", NULL);
	rig_talk(&r, "RCPT TO:<x@a.fax.example>\r\n", "452 4.5.3", "421 4.7.0", "", NULL);
	rig_end(&r);
}
END_TEST

Suite *suite_rcpt(void);
Suite *
suite_rcpt(void)
{
	Suite *s = suite_create("rcpt");
	TCase *tc = tcase_create("rcpt");

#define LOOP(test, table) tcase_add_loop_test(tc, test, 0, sizeof table / sizeof *table)
	LOOP(who_is_taken, rcpts);
	tcase_add_test(tc, relayclients_may_send_anywhere);
	LOOP(conneg_is_answered, connegs);
	LOOP(who_may_ask, askers);
	tcase_add_test(tc, a_silent_directory);
	tcase_add_test(tc, a_long_capability_list);
	tcase_add_test(tc, too_many_recipients);
	tcase_add_test(tc, the_same_recipient_twice);
	tcase_add_test(tc, limits_are_those_announced);
	tcase_add_test(tc, recipients_behind_the_limit);
	suite_add_tcase(s, tc);
	return s;
}
