/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* Destinations: dead ones, and their options. */
#include "tests/unit/qmgr/scene.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lib/clock.h"
#include "lib/route.h"

/* Messages behind a dead destination expire without an attempt of their own, and say why. */
START_TEST(dead_destination)
{
	char first[QID_SIZE];
	struct msg_job *m;

	fake_setting(&f, CONF_QUEUELIFETIME, "3600\n");
	fake_restart_qmgr(&f);
	all_peers();
	for (int i = 0; i < 10; i++) {
		message("a@one.example", 0);
		if (i == 0)
			memcpy(first, id, sizeof first);
		fake_new(&f, id);
	}
	m = job(ROLE_REMOTE);
	ck_assert_str_eq(m->id, first);
	fake_silence(&f, ROLE_REMOTE);
	result(ROLE_REMOTE, m, &no_connection);
	fake_silence(&f, ROLE_REMOTE);
	fake_advance(&f, 68000);
	result(ROLE_REMOTE, job(ROLE_REMOTE), &no_connection);
	fake_silence(&f, ROLE_REMOTE);
	fake_advance(&f, 3600 * 1000);
	for (uint32_t before = f.marked; f.marked < before + 10;)
		ck_assert(!fake_queue_mark(&f));
	ck_assert_str_eq(fake_slot(&f, id, 0).dsn, "4.4.1");
	ck_assert_str_eq(fake_slot(&f, id, 0).text, "no connection");
	ck_assert_uint_eq(fake_slot(&f, id, 0).attempts, 0);
}
END_TEST

/* --- what is on disk of a dead destination --- */

/* 300 messages, of which one was tried: nothing is sent after a restart before it is due, then one. */
START_TEST(dead_destination_over_restart)
{
	struct slot was;
	char tried[QID_SIZE];

	fake_setting(&f, CONF_RETRYFIRST, "1000\n");
	fake_restart_qmgr(&f);
	fake_idle(&f, ROLE_LOCAL);
	all_peers();
	message("a@one.example", 0);
	memcpy(tried, id, sizeof tried);
	fake_new(&f, id);
	result(ROLE_REMOTE, job(ROLE_REMOTE), &no_connection);
	was = fake_slot(&f, tried, 0);
	ck_assert_uint_eq(was.dead, qfile_dest("one.example"));
	for (int i = 0; i < 300; i++)
		message("a@one.example", 0);
	fake_restart_qmgr(&f);
	fake_idle(&f, ROLE_LOCAL);
	fake_peer(&f, ROLE_QUEUE);
	fake_known(&f, tried, "one.example");	/* before remote is there */
	fake_peer(&f, ROLE_REMOTE);
	fake_hello(&f, ROLE_REMOTE);
	fake_silence(&f, ROLE_REMOTE);
	fake_advance(&f, 800 * 1000);
	fake_silence(&f, ROLE_REMOTE);
	fake_advance(&f, 330 * 1000);
	result(ROLE_REMOTE, job(ROLE_REMOTE), &no_connection);
	fake_silence(&f, ROLE_REMOTE);
	fake_advance(&f, 1700 * 1000);	/* twice the first wait by now */
	fake_silence(&f, ROLE_REMOTE);
	fake_advance(&f, 600 * 1000);
	fake_result(&f, ROLE_REMOTE, job(ROLE_REMOTE), &delivered);
	ck_assert(fake_queue_mark(&f));	/* and all the others may go */
	for (int jobs = 0; jobs < 2;)
		jobs += fake_next(&f, ROLE_REMOTE)->type == MSG_JOB;
}
END_TEST

/* The destination is dead, not the domain: whom a new route leads elsewhere is not kept waiting for it. */
START_TEST(dead_destination_is_left_by_a_new_route)
{
	fake_setting(&f, CONF_RETRYFIRST, "1000\n");
	fake_restart_qmgr(&f);
	all_peers();
	message("a@one.example", 0);
	fake_new(&f, id);
	result(ROLE_REMOTE, job(ROLE_REMOTE), &no_connection);
	message("b@one.example", 0);
	fake_setting(&f, CONF_SMTPROUTES, ":other.example\n");
	fake_restart_qmgr(&f);
	all_peers();
	ck_assert_str_eq(job(ROLE_REMOTE)->dest, "other.example:25");
}
END_TEST

/* A host that greets with 421, or with 5yz, is no better than none (RFC 5321, 3.1, 3.8). */
static const struct rcpt_result greetings[] = {
	{ .outcome = OUTCOME_DEFERRED, .flags = RESULT_HOST, .code = 421, .dsn = "4.3.2", .text = "421 busy" },
	{ .outcome = OUTCOME_DEFERRED, .flags = RESULT_HOST, .code = 450, .dsn = "4.3.2", .text = "450 not now" },
	{ .outcome = OUTCOME_DEFERRED, .flags = RESULT_HOST, .code = 554, .dsn = "4.0.0", .text = "554 no service" },
};

START_TEST(a_refusing_greeting_is_the_hosts)
{
	all_peers();
	for (int i = 0; i < 3; i++) {
		message("a@one.example", 0);
		fake_new(&f, id);
	}
	result(ROLE_REMOTE, job(ROLE_REMOTE), &greetings[_i]);
	fake_silence(&f, ROLE_REMOTE);
}
END_TEST

/* 421, or a lost connection, in a transaction may be over this recipient alone: the others do not wait for it, nor
 * are they told of it. */
static const struct rcpt_result drops[] = {
	{ .outcome = OUTCOME_DEFERRED, .code = 421, .dsn = "4.7.1", .text = "421 4.7.1 too much mail to this mailbox" },
	{ .outcome = OUTCOME_DEFERRED, .dsn = "4.4.2", .text = "RCPT: the connection was lost" },
};

/* The first of three for a host ends so: the others' turn comes at once. */
static void
others_go_on(const struct rcpt_result *first)
{
	struct msg_job *m;

	all_peers();
	for (int i = 0; i < 3; i++) {
		message("a@one.example", 0);
		fake_new(&f, id);
	}
	m = job(ROLE_REMOTE);
	fake_result(&f, ROLE_REMOTE, m, first);
	ck_assert(!fake_queue_mark(&f));
	ck_assert_uint_eq(fake_slot(&f, m->id, 0).flags, 0);
	ck_assert_uint_eq(fake_slot(&f, m->id, 0).dead, 0);
	while (fake_next(&f, ROLE_REMOTE)->type != MSG_JOB)
		continue;
}

START_TEST(a_dropped_transaction_is_not_the_hosts)
{
	others_go_on(&drops[_i]);
}
END_TEST

/* A refusal of one recipient says that the host is there. */
START_TEST(a_refused_recipient_is_not_the_hosts)
{
	others_go_on(&greylisted);
}
END_TEST

/* --- options of destinations --- */

START_TEST(destinations_of_a_route)
{
	char out[ROUTE_MAX], hop[JOB_DEST];
	struct destination d;

	fake_setting(&f, CONF_SMTPROUTES, ":[192.0.2.9]:25\n");
	fake_setting(&f, CONF_DESTINATIONS, "* concurrency=7 rate=100/m\n"
	    "Slow.example concurrency=1 retry=5m,1h\n.fax.example hours=22:00-06:00\n"
	    "[192.0.2.9]:25 rate=9/s\n");
	route_of(&f.d.conf, span_str("a@other.example"), out);
	ck_assert_str_eq(out, "[192.0.2.9]:25");
	route_options(&f.d.conf, out, &d);
	ck_assert_uint_eq(d.concurrency, 7);
	ck_assert_uint_eq(d.rate_n, 9);
	route_of(&f.d.conf, span_str("a@SLOW.example"), out);
	ck_assert_str_eq(out, "[192.0.2.9]:25 slow.example");
	route_hop(out, hop);
	ck_assert_str_eq(hop, "[192.0.2.9]:25");
	route_options(&f.d.conf, out, &d);
	ck_assert_uint_eq(d.concurrency, 1);
	ck_assert_uint_eq(d.rate_n, 9);
	ck_assert_uint_eq(d.nretry, 2);
	ck_assert_uint_eq(d.nhours, 0);
	route_of(&f.d.conf, span_str("a@x.fax.example"), out);
	ck_assert_str_eq(out, "[192.0.2.9]:25 .fax.example");
	route_options(&f.d.conf, out, &d);
	ck_assert_uint_eq(d.nhours, 1);
	fake_setting(&f, CONF_SMTPROUTES, "");
	route_of(&f.d.conf, span_str("a@[IPv6:2001:DB8:0::1]"), out);
	ck_assert_str_eq(out, "[ipv6:2001:db8::1]");
	route_of(&f.d.conf, span_str("a@slow.example"), out);
	ck_assert_str_eq(out, "slow.example");
	route_options(&f.d.conf, out, &d);
	ck_assert_uint_eq(d.concurrency, 1);
}
END_TEST

/* What the next hop's line says, or the default, is for all mail there: lines for domains add no sessions. */
START_TEST(lines_for_domains_do_not_multiply_the_hop)
{
	struct msg_job *m;

	fake_setting(&f, CONF_SMTPROUTES, ":[192.0.2.9]:25\n");
	fake_setting(&f, CONF_DESTINATIONS, "one.example retry=5m\ntwo.example retry=5m\n"
	    "[192.0.2.9]:25 concurrency=1\n");
	fake_restart_qmgr(&f);
	all_peers();
	for (int i = 0; i < 3; i++) {
		static const char *const to[] = { "a@one.example", "a@two.example", "a@three.example" };

		message(to[i], 0);
		fake_new(&f, id);
		if (i == 0)
			m = job(ROLE_REMOTE);
	}
	for (int i = 0; i < 3; i++) {
		fake_silence(&f, ROLE_REMOTE);
		ck_assert_str_eq(m->dest, "[192.0.2.9]:25");
		fake_result(&f, ROLE_REMOTE, m, &delivered);
		if (i < 2)
			m = job(ROLE_REMOTE);
	}
}
END_TEST

START_TEST(retries_and_lifetime_of_a_destination)
{
	fake_setting(&f, CONF_DESTINATIONS, "one.example retry=10,1000 lifetime=2000\n");
	fake_restart_qmgr(&f);
	all_peers();
	message("a@one.example", 0);
	fake_new(&f, id);
	result(ROLE_REMOTE, job(ROLE_REMOTE), &greylisted);
	fake_advance(&f, 8000);
	fake_silence(&f, ROLE_REMOTE);
	fake_advance(&f, 4000);
	result(ROLE_REMOTE, job(ROLE_REMOTE), &greylisted);
	fake_advance(&f, 800 * 1000);
	fake_silence(&f, ROLE_REMOTE);
	fake_advance(&f, 400 * 1000);
	result(ROLE_REMOTE, job(ROLE_REMOTE), &greylisted);
	fake_advance(&f, 800 * 1000);
	ck_assert(!fake_queue_mark(&f));
	ck_assert_int_eq(fake_slot(&f, id, 0).state, SLOT_FAILED);
}
END_TEST

/* one.example is closed for the next two hours, then open for one.  TZ is none, so local time is UTC. */
static void
closed_for_two_hours(void)
{
	int64_t minute = clock_us() / 60000000 % 1440 + 121, end = minute + 60;
	char line[64];

	snprintf(line, sizeof line, "one.example hours=%02d:%02d-%02d:%02d\n",
	    (int)(minute % 1440 / 60), (int)(minute % 60), (int)(end % 1440 / 60), (int)(end % 60));
	setenv("TZ", "UTC", 1);
	tzset();
	fake_setting(&f, CONF_DESTINATIONS, line);
	fake_restart_qmgr(&f);
	all_peers();
}

/* Until then it waits, then goes. */
START_TEST(mail_waits_for_its_hours)
{
	closed_for_two_hours();
	message("a@one.example", 0);
	fake_new(&f, id);
	fake_silence(&f, ROLE_REMOTE);
	fake_advance(&f, 119 * 60000);
	fake_silence(&f, ROLE_REMOTE);
	fake_advance(&f, 3 * 60000);
	ck_assert(result(ROLE_REMOTE, job(ROLE_REMOTE), &delivered));
}
END_TEST

/* A sender who is told of a delay meanwhile hears why: nobody has tried, and no hop is to blame. */
START_TEST(a_delay_by_the_hours_says_so)
{
	struct rcpt_result r;
	struct span detail;

	fake_setting(&f, CONF_DELAYWARNING, "3600\n");
	closed_for_two_hours();
	message("a@one.example", NOTIFY_DELAY);
	fake_new(&f, id);
	fake_silence(&f, ROLE_REMOTE);
	fake_advance(&f, 3610 * 1000);
	fake_expect(&f, ROLE_BOUNCE, MSG_REPORT);
	r = report_record(&detail);
	ck_assert_str_eq(r.dsn, "4.4.7");
	ck_assert_str_eq(r.mta, "");
	ck_assert_str_eq(r.text, "it waits for the hours in which mail is sent there");
}
END_TEST

/* So does the report when its time is over. */
START_TEST(an_end_by_the_hours_says_so)
{
	struct rcpt_result r;
	struct span detail;

	fake_setting(&f, CONF_QUEUELIFETIME, "3600\n");
	closed_for_two_hours();
	message("a@one.example", 0);
	fake_new(&f, id);
	fake_silence(&f, ROLE_REMOTE);
	fake_advance(&f, 3610 * 1000);
	ck_assert(!fake_queue_mark(&f));
	fake_expect(&f, ROLE_BOUNCE, MSG_REPORT);
	r = report_record(&detail);
	ck_assert_str_eq(r.dsn, "4.4.7");
	ck_assert_str_eq(r.mta, "");
	ck_assert_str_eq(r.text, "it waited for the hours in which mail is sent there");
}
END_TEST

/* --- names --- */

/* Whatever a domain or a next hop is called, its mail is sent there. */
static const struct { const char *to, *routes, *dest; } names[] = {
	{ "a@local", "", "local." }, { "a@LOCAL", "", "local." }, { "a@read", "", "read" },
	{ "a@report", "", "report" }, { "a@x.example", ":local", "local:25" },
	{ "a@x.example", ":report", "report:25" }, { "a@local", "local:[192.0.2.9]", "[192.0.2.9]:25" },
};

START_TEST(no_name_is_taken)
{
	fake_setting(&f, CONF_SMTPROUTES, names[_i].routes);
	fake_restart_qmgr(&f);
	all_peers();
	message(names[_i].to, 0);
	fake_new(&f, id);
	ck_assert_str_eq(job(ROLE_REMOTE)->dest, names[_i].dest);
}
END_TEST

/* What a line says of delivery here does not hold for the domain of that name, by MX or through a route. */
START_TEST(lines_for_local_are_for_delivery_here)
{
	char out[ROUTE_MAX];
	struct destination d;

	fake_setting(&f, CONF_DESTINATIONS, "local concurrency=3\n* concurrency=5\n");
	for (int i = 0; i < 2; i++) {
		route_of(&f.d.conf, span_str("a@local"), out);
		ck_assert_str_eq(out, i == 0 ? "local." : "mx.example:25");
		route_options(&f.d.conf, out, &d);
		ck_assert_uint_eq(d.concurrency, 5);
		fake_setting(&f, CONF_SMTPROUTES, "local:mx.example\n");
	}
	route_options(&f.d.conf, ROUTE_LOCAL, &d);
	ck_assert_uint_eq(d.concurrency, 3);
}
END_TEST

/* route_is says what route_of does, of any route and any address. */
START_TEST(a_route_is_known_again)
{
	static const char *const to[] = { "a@one.example", "A@ONE.example", "a@two.example", "a@x.fax.example",
	    "a@fax.example", "a@local", "a@Local", "a@read", "postmaster", "a@here.example", "a@[192.0.2.1]",
	    "a@[IPv6:2001:db8::1]", "a@three.example", "a@four.example" };
	static const char *const routes[] = { "", ":[192.0.2.9]\n", "local:mx.example\nthree.example:mx.example\n" };
	char a[ROUTE_MAX], b[ROUTE_MAX];
	enum { N = sizeof to / sizeof *to };

	fake_setting(&f, CONF_DESTINATIONS, "local retry=1m\none.example retry=5m\n.fax.example retry=9m\n"
	    "three.example retry=6m\n");
	for (int k = 0; k < 3 * N * N; k++) {
		fake_setting(&f, CONF_SMTPROUTES, routes[k / N / N]);
		route_of(&f.d.conf, span_str(to[k / N % N]), a);
		route_of(&f.d.conf, span_str(to[k % N]), b);
		ck_assert_msg(route_is(&f.d.conf, span_str(to[k / N % N]), b) == (strcmp(a, b) == 0), "%s %s", a, b);
	}
}
END_TEST

Suite *suite_dest(void);
Suite *
suite_dest(void)
{
	Suite *s = suite_create("dest");
	TCase *tc = tcase_create("dest");

	tcase_add_checked_fixture(tc, scene_begin, scene_end);
	tcase_add_test(tc, dead_destination);
	tcase_add_test(tc, dead_destination_over_restart);
	tcase_add_test(tc, dead_destination_is_left_by_a_new_route);
	tcase_add_loop_test(tc, a_dropped_transaction_is_not_the_hosts, 0, sizeof drops / sizeof *drops);
	tcase_add_loop_test(tc, a_refusing_greeting_is_the_hosts, 0,
	    sizeof greetings / sizeof *greetings);
	tcase_add_test(tc, a_refused_recipient_is_not_the_hosts);
	tcase_add_test(tc, destinations_of_a_route);
	tcase_add_test(tc, lines_for_domains_do_not_multiply_the_hop);
	tcase_add_test(tc, retries_and_lifetime_of_a_destination);
	tcase_add_test(tc, mail_waits_for_its_hours);
	tcase_add_test(tc, a_delay_by_the_hours_says_so);
	tcase_add_test(tc, an_end_by_the_hours_says_so);
	tcase_add_loop_test(tc, no_name_is_taken, 0, sizeof names / sizeof *names);
	tcase_add_test(tc, lines_for_local_are_for_delivery_here);
	tcase_add_test(tc, a_route_is_known_again);
	suite_add_tcase(s, tc);
	return s;
}
