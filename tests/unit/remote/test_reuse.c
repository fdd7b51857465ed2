/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* Several jobs over one connection, files that are damaged, results that fit a packet. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "remote/smtp.h"
#include "tests/unit/remote/peer.h"
#include "tests/unit/suites.h"

static void
quiet(void)
{
	int fd = open("/dev/null", O_WRONLY);

	dup2(fd, 2);
	close(fd);
}

static void
settings(struct conf *c)
{
	struct err e = { 0 };

	ck_assert_int_eq(conf_init(c, &e), 0);
	ck_assert_int_eq(conf_set(c, CONF_ME, span_str("client.example\n"), &e), 0);
}

static int
file_for(const char *message, const char *const *rcpts, uint32_t n)
{
	struct rcpt rcpt[JOB_MAX_RCPT] = { 0 };
	struct envelope env = { .sender = span_str("s@x"), .arrival_us = 1, .rcpt = rcpt, .nrcpt = n };

	for (uint32_t i = 0; i < n; i++)
		rcpt[i].addr = span_str(rcpts[i]);
	return peers_file(message, strlen(message), &env);
}

/* One job to a@x; its outcome. */
static unsigned
one_job(struct session *s, const char *dest)
{
	static const char *const rcpts[] = { "a@x" };
	struct job job;
	struct err e = { 0 };
	size_t len;
	struct msg_job *m = peers_job(dest, 1, &len);
	unsigned outcome;

	ck_assert_int_eq(job_take(&job, m, len, file_for("A: b\r\n\r\nx\r\n", rcpts, 1), &e), 0);
	session_job(s, &job);
	ck_assert(job.target[0].done);
	outcome = job.target[0].res.outcome;
	job_free(&job);
	free(m);
	return outcome;
}

static const struct {
	const char *name;
	struct hop_rule rule[4];
	size_t n;
	unsigned first, second;
	const char *heard;
} rows[] = {
	{ "MAIL follows without RSET", { { 0, "EHLO", "250-h\r\n250 PIPELINING\r\n", false } }, 1,
	    OUTCOME_RELAYED, OUTCOME_RELAYED,
	    "1 EHLO client.example\n1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\n1 DATA\n1 . x\n"
	    "1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\n1 DATA\n1 . x\n1 QUIT\n" },
	{ "RSET after a transaction without data", { { 0, "RCPT", "550 no\r\n", true } }, 1,
	    OUTCOME_FAILED, OUTCOME_RELAYED,
	    "1 EHLO client.example\n1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\n"
	    "1 RSET\n1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\n1 DATA\n1 . x\n1 QUIT\n" },
	{ "RSET after DATA was refused", { { 0, "DATA", "451 no\r\n", true } }, 1,
	    OUTCOME_DEFERRED, OUTCOME_RELAYED,
	    "1 EHLO client.example\n1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\n1 DATA\n"
	    "1 RSET\n1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\n1 DATA\n1 . x\n1 QUIT\n" },
	{ "no RSET after the message was refused", { { 0, ".", "554 no\r\n", true } }, 1,
	    OUTCOME_FAILED, OUTCOME_RELAYED,
	    "1 EHLO client.example\n1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\n1 DATA\n1 . x\n"
	    "1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\n1 DATA\n1 . x\n1 QUIT\n" },
	{ "421 to the second MAIL: a new connection", { { 1, "EHLO", "250 h\r\n", false },
	    { 1, "MAIL", "250 ok\r\n", true }, { 1, "MAIL", "421 too old\r\n", false } }, 3,
	    OUTCOME_RELAYED, OUTCOME_RELAYED,
	    "1 EHLO client.example\n1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\n1 DATA\n1 . x\n"
	    "1 MAIL FROM:<s@x>\n2 EHLO client.example\n2 MAIL FROM:<s@x>\n2 RCPT TO:<a@x>\n2 DATA\n"
	    "2 . x\n2 QUIT\n" },
	{ "closed at the second MAIL: a new connection", { { 1, "MAIL", "250 ok\r\n", true },
	    { 1, "MAIL", NULL, false } }, 2, OUTCOME_RELAYED, OUTCOME_RELAYED,
	    "1 EHLO client.example\n1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\n1 DATA\n1 . x\n"
	    "1 MAIL FROM:<s@x>\n2 EHLO client.example\n2 MAIL FROM:<s@x>\n2 RCPT TO:<a@x>\n2 DATA\n"
	    "2 . x\n2 QUIT\n" },
	{ "421 with the last reply: closed at once", { { 1, ".", "250 ok\r\n421 bye\r\n", false } }, 1,
	    OUTCOME_RELAYED, OUTCOME_RELAYED,
	    "1 EHLO client.example\n1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\n1 DATA\n1 . x\n"
	    "2 EHLO client.example\n2 MAIL FROM:<s@x>\n2 RCPT TO:<a@x>\n2 DATA\n2 . x\n2 QUIT\n" },
};

START_TEST(connection_is_used_again)
{
	struct script script = { .hop = rows[_i].rule, .nhop = rows[_i].n, .no_convertd = true };
	struct peers p;
	struct conf conf;
	struct session s;

	quiet();
	peers_start(&p, &script);
	settings(&conf);
	session_init(&s, &conf, -1, -1);
	ck_assert_msg(one_job(&s, p.dest) == rows[_i].first, "%s", rows[_i].name);
	ck_assert_msg(one_job(&s, p.dest) == rows[_i].second, "%s", rows[_i].name);
	smtp_quit(&s);
	ck_assert_msg(strcmp(peers_heard(&p), rows[_i].heard) == 0, "%s:\n%s", rows[_i].name,
	    peers_heard(&p));
	session_free(&s);
	conf_free(&conf);
	peers_stop(&p);
}
END_TEST

START_TEST(hop_without_an_address)
{
	static const struct { const char *dest, *dsn; } dests[] = {
		{ "mx.example:25", "4.4.3" }, { "[127.0.0.1]:1", "4.4.1" }, { "[::1]:1", "4.4.1" },
	};
	static const char *const rcpts[] = { "a@x" };
	struct conf conf;
	struct session s;
	struct job job;
	struct err e = { 0 };

	quiet();
	settings(&conf);
	session_init(&s, &conf, -1, -1);
	for (size_t i = 0; i < sizeof dests / sizeof *dests; i++) {
		size_t len;
		struct msg_job *m = peers_job(dests[i].dest, 1, &len);

		ck_assert_int_eq(job_take(&job, m, len, file_for("A: b\r\n", rcpts, 1), &e), 0);
		session_job(&s, &job);
		ck_assert_uint_eq(job.target[0].res.outcome, OUTCOME_DEFERRED);
		ck_assert_str_eq(job.target[0].res.dsn, dests[i].dsn);
		job_free(&job);
		free(m);
	}
	session_free(&s);
	conf_free(&conf);
}
END_TEST

/* A message with 8-bit octets goes nowhere as it is without 8BITMIME (RFC 6152, 3); without convertd it
 * waits. */
START_TEST(eight_bits_need_a_hop_for_them)
{
	static const struct hop_rule with[] = { { 0, "EHLO", "250-h\r\n250 8BITMIME\r\n", false } };
	static const char *const rcpts[] = { "a@x" };

	for (int offered = 0; offered < 2; offered++) {
		struct script script = { .hop = with, .nhop = (size_t)offered, .no_convertd = true };
		struct peers p;
		struct conf conf;
		struct session s;
		struct job job;
		struct err e = { 0 };
		size_t len;
		struct msg_job *m;

		quiet();
		peers_start(&p, &script);
		settings(&conf);
		session_init(&s, &conf, -1, -1);
		m = peers_job(p.dest, 1, &len);
		ck_assert_int_eq(job_take(&job, m, len, file_for("A: b\r\n\r\n\xe4\r\n", rcpts, 1), &e), 0);
		session_job(&s, &job);
		ck_assert_uint_eq(job.target[0].res.outcome, offered ? OUTCOME_RELAYED :
		    OUTCOME_DEFERRED);
		ck_assert_str_eq(job.target[0].res.dsn, offered ? "2.0.0" : "4.6.5");
		ck_assert_int_eq(offered, strstr(peers_heard(&p), "BODY=8BITMIME") != NULL);
		ck_assert_int_eq(offered, strstr(peers_heard(&p), "DATA") != NULL);
		job_free(&job);
		free(m);
		session_free(&s);
		conf_free(&conf);
		peers_stop(&p);
	}
}
END_TEST

/* One octet of the message changed on disk: nothing is sent, whether it is read (0) or mapped. */
START_TEST(damaged_file_is_not_sent)
{
	static const char *const rcpts[] = { "a@x" };
	static char large[JOB_READ_MAX + 100] = "A: b\r\n\r\n";
	struct conf conf;
	struct session s;
	struct job job;
	struct buf out;
	struct err e = { 0 };
	size_t len;
	struct msg_job *m = peers_job("[127.0.0.1]:1", 1, &len);
	int fd;

	memset(large + 8, 'x', sizeof large - 9);
	memcpy(large + sizeof large - 3, "\r\n", 2);
	fd = file_for(_i == 0 ? "A: b\r\n\r\nx\r\n" : large, rcpts, 1);
	quiet();
	settings(&conf);
	session_init(&s, &conf, -1, -1);
	ck_assert_int_eq(pwrite(fd, "y", 1, 8), 1);
	ck_assert_int_eq(job_take(&job, m, len, fd, &e), 0);
	session_job(&s, &job);
	ck_assert(job.bad_file);
	buf_init(&out, MSG_MAX);
	ck_assert_int_eq(job_result(&job, &out, &e), 0);
	ck_assert_uint_eq(out.n, sizeof(struct msg_result));
	ck_assert_uint_eq(((struct msg_result *)(void *)out.p)->bad_file, 1);
	buf_free(&out);
	job_free(&job);
	session_free(&s);
	conf_free(&conf);
	free(m);
}
END_TEST

START_TEST(results_fit_a_packet)
{
	const char *rcpts[JOB_MAX_RCPT];
	struct job job;
	struct buf out;
	struct err e = { 0 };
	struct span rest, detail;
	struct rcpt_result r;
	uint32_t n = 0;
	size_t len;
	struct msg_job *m = peers_job("[127.0.0.1]:1", JOB_MAX_RCPT, &len);

	quiet();
	for (int i = 0; i < JOB_MAX_RCPT; i++)
		rcpts[i] = "a@x";
	ck_assert_int_eq(job_take(&job, m, len, file_for("A: b\r\n", rcpts, JOB_MAX_RCPT), &e), 0);
	ck_assert_int_eq(job_open(&job, &e), 0);
	for (uint32_t i = 0; i < job.ntarget; i++) {
		for (int line = 0; line < 100; line++)
			job_detail(&job.target[i], "part", span_str("0123456789 0123456789 0123456789"));
		job_settle(&job.target[i], OUTCOME_FAILED, 550, "5.6.5", "hop", "no\x01\xff");
	}
	ck_assert(job_over(&job));
	buf_init(&out, MSG_MAX);
	ck_assert_int_eq(job_result(&job, &out, &e), 0);
	rest = span_sub(buf_view(&out), sizeof(struct msg_result), out.n);
	while (result_next(&rest, &r, &detail, &e) == 1) {
		ck_assert_uint_eq(r.slot, n++);
		ck_assert_str_eq(r.text, "no??");
	}
	ck_assert_uint_eq(n, JOB_MAX_RCPT);
	buf_free(&out);
	job_free(&job);
	free(m);
}
END_TEST

START_TEST(job_packet_is_checked)
{
	struct job job;
	struct err e = { 0 };
	size_t len;
	struct msg_job *m = peers_job("[127.0.0.1]:1", 2, &len);

	ck_assert_int_eq(job_take(&job, m, len - 4, -1, &e), -1);
	job_free(&job);
	m->n = 0;
	ck_assert_int_eq(job_take(&job, m, sizeof *m, -1, &e), -1);
	job_free(&job);
	m->n = 2;
	memset(m->dest, 'x', sizeof m->dest);
	ck_assert_int_eq(job_take(&job, m, len, -1, &e), -1);
	ck_assert_int_eq(e.kind, ERR_PROTO);
	job_free(&job);
	free(m);
}
END_TEST

Suite *suite_reuse(void);

Suite *
suite_reuse(void)
{
	Suite *s = suite_create("reuse");
	TCase *tc = tcase_create("reuse");

	tcase_add_loop_test(tc, connection_is_used_again, 0, (int)(sizeof rows / sizeof *rows));
	tcase_add_test(tc, hop_without_an_address);
	tcase_add_test(tc, eight_bits_need_a_hop_for_them);
	tcase_add_loop_test(tc, damaged_file_is_not_sent, 0, 2);
	tcase_add_test(tc, results_fit_a_packet);
	tcase_add_test(tc, job_packet_is_checked);
	suite_add_tcase(s, tc);
	return s;
}
