/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* The parent in a process of its own; the test is its qmgr and convertd. */
#include "remote/parent.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/inquiry.h"
#include "tests/unit/remote/peer.h"
#include "tests/unit/suites.h"

enum { PATIENCE_MS = 8000 };

struct rig {
	struct peers p;
	pid_t pid;
	int qmgr, convertd, control;
	int feed;		/* a new channel to qmgr is sent here */
	int log;		/* memfd */
};

static struct remote parent;
static const char *concurrency = "4\n";

/* Another packet of the supervisor's. */
static void
on_feed(void *arg, uint32_t events)
{
	struct daemon *d = arg;
	struct msg_peer m;
	int fds[MSG_FDS];
	struct err e = { 0 };
	size_t len;

	(void)events;
	if (ipc_recv(d->listener[0].fd, &m, sizeof m, &len, fds, &e) != 1)
		_exit(0);
	if (m.h.type == MSG_STOP)
		d->stop(d->arg);
	else
		d->peer(d->arg, m.role, m.generation, fds[0]);
}

static _Noreturn void
parent_run(int qmgr, int convertd, int control, int feed, int log)
{
	static struct daemon d;
	static struct watch w;
	struct err e = { 0 };

	if (getenv("TEST_LOG") == NULL)
		dup2(log, 2);
	for (int i = 0; i < ROLE_COUNT; i++)
		d.peer_fd[i] = -1;
	d.peer_fd[ROLE_QMGR] = qmgr;
	d.peer_fd[ROLE_CONVERTD] = convertd;
	d.peer_fd[ROLE_CONTROL] = control;
	d.listener[0].fd = feed;
	if (conf_init(&d.conf, &e) == -1 || loop_init(&d.loop, &e) == -1 ||
	    conf_set(&d.conf, CONF_ME, span_str("client.example\n"), &e) == -1 ||
	    conf_set(&d.conf, CONF_NOLANDLOCK, span_str("1\n"), &e) == -1 ||
	    conf_set(&d.conf, CONF_CONCURRENCYREMOTE, span_str(concurrency), &e) == -1 ||
	    remote_open(&parent, &d, &e) == -1)
		_exit(1);
	w = (struct watch){ feed, on_feed, &d };
	if (loop_watch(&d.loop, &w, EPOLLIN, &e) == -1)
		_exit(1);
	_exit(loop_run(&d.loop, &e) == -1);
}

static void
rig_up(struct rig *r, const struct hop_rule *rule, size_t n)
{
	struct script script = { .hop = rule, .nhop = n, .no_convertd = true };
	int qmgr[2], convertd[2], control[2], feed[2];
	struct err e = { 0 };

	peers_start(&r->p, &script);
	r->log = memfd_create("log", 0);
	ck_assert_int_eq(ipc_pair(qmgr, &e), 0);
	ck_assert_int_eq(ipc_pair(convertd, &e), 0);
	ck_assert_int_eq(ipc_pair(control, &e), 0);
	ck_assert_int_eq(ipc_pair(feed, &e), 0);
	r->pid = fork();
	ck_assert_int_ne(r->pid, -1);
	if (r->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(qmgr[0]);
		close(convertd[0]);
		close(control[0]);
		close(feed[0]);
		parent_run(qmgr[1], convertd[1], control[1], feed[1], r->log);
	}
	close(qmgr[1]);
	close(convertd[1]);
	close(control[1]);
	close(feed[1]);
	r->qmgr = qmgr[0];
	r->convertd = convertd[0];
	r->control = control[0];
	r->feed = feed[0];
}

static void
rig_down(struct rig *r)
{
	int status;

	kill(r->pid, SIGKILL);
	waitpid(r->pid, &status, 0);
	close(r->qmgr);
	close(r->convertd);
	close(r->control);
	close(r->feed);
	close(r->log);
	peers_stop(&r->p);
}

/* The next packet, which must be of this type; its octets, static. */
static const void *
expect(int sock, uint32_t type, int *fd)
{
	static _Alignas(8) unsigned char packet[MSG_MAX];
	const struct msg_hdr *h = (const void *)packet;
	struct pollfd p = { sock, POLLIN, 0 };
	int fds[MSG_FDS];
	struct err e = { 0 };
	size_t len;

	ck_assert_msg(poll(&p, 1, PATIENCE_MS) == 1, "no packet %u", type);
	ck_assert_msg(ipc_recv(sock, packet, sizeof packet, &len, fds, &e) == 1, "%s", e.what);
	ck_assert_uint_eq(h->type, type);
	ck_assert_int_eq(fds[0] != -1, fd != NULL);
	if (fd != NULL)
		*fd = fds[0];
	return packet;
}

static void
give_job(struct rig *r, uint32_t number, bool conperm)
{
	struct rcpt rcpt = { .addr = span_str("a@x") };
	struct envelope env = { .sender = span_str("s@x"), .conperm = conperm, .arrival_us = 1,
	    .rcpt = &rcpt, .nrcpt = 1 };
	struct err e = { 0 };
	size_t len;
	struct msg_job *m = peers_job(r->p.dest, 1, &len);
	int fd = peers_file(peers_message, strlen(peers_message), &env);

	ck_assert_int_eq(ipc_send(r->qmgr, &m->h, MSG_JOB, number, len, &fd, 1, &e), 0);
	close(fd);
	free(m);
}

/* A result of one recipient. */
static void
expect_result(int sock, uint32_t number, unsigned outcome, const char *dsn)
{
	const struct msg_result *m = expect(sock, MSG_RESULT, NULL);
	struct span rest = span_of(m + 1, m->h.len - sizeof *m), detail;
	struct rcpt_result res;
	struct err e = { 0 };

	ck_assert_uint_eq(m->h.id, number);
	ck_assert_str_eq(m->id, "0123456789abcdef");
	ck_assert_uint_eq(m->n, 1);
	ck_assert_int_eq(result_next(&rest, &res, &detail, &e), 1);
	ck_assert_msg(res.outcome == outcome && strcmp(res.dsn, dsn) == 0, "%u %s %s", res.outcome,
	    res.dsn, res.text);
}

static void
acknowledge(struct rig *r, uint32_t number)
{
	struct { struct msg_hdr h; uint32_t n, pad, number; } m = { .n = 1, .number = number };
	struct err e = { 0 };

	ck_assert_int_eq(ipc_send(r->qmgr, &m.h, MSG_ACK, 0, sizeof m, NULL, 0, &e), 0);
}

/* A new qmgr, as after its restart. */
static void
new_qmgr(struct rig *r)
{
	struct msg_peer m = { .role = ROLE_QMGR, .generation = 2 };
	int pair[2];
	struct err e = { 0 };

	ck_assert_int_eq(ipc_pair(pair, &e), 0);
	close(r->qmgr);
	ck_assert_int_eq(ipc_send(r->feed, &m.h, MSG_PEER, 0, sizeof m, &pair[1], 1, &e), 0);
	close(pair[1]);
	r->qmgr = pair[0];
}

/* Waits until the hop has heard this. */
static void
await_heard(struct rig *r, const char *text)
{
	for (int ms = 0; strstr(peers_heard(&r->p), text) == NULL; ms += 10) {
		ck_assert_msg(ms < PATIENCE_MS, "not heard: %s\n%s", text, peers_heard(&r->p));
		poll(NULL, 0, 10);
	}
}

START_TEST(session_serves_job_after_job)
{
	struct rig r;

	rig_up(&r, NULL, 0);
	expect(r.qmgr, MSG_HELLO, NULL);
	for (uint32_t i = 1; i <= 3; i++) {
		give_job(&r, i, false);
		expect_result(r.qmgr, i, OUTCOME_RELAYED, "2.0.0");
		acknowledge(&r, i);
	}
	ck_assert_ptr_null(strstr(peers_heard(&r.p), "2 EHLO"));
	await_heard(&r, "1 QUIT");		/* after SESSION_IDLE_MS */
	give_job(&r, 4, false);
	expect_result(r.qmgr, 4, OUTCOME_RELAYED, "2.0.0");
	ck_assert_ptr_nonnull(strstr(peers_heard(&r.p), "2 EHLO"));
	rig_down(&r);
}
END_TEST

START_TEST(result_is_repeated_until_acknowledged)
{
	struct rig r;

	rig_up(&r, NULL, 0);
	expect(r.qmgr, MSG_HELLO, NULL);
	give_job(&r, 1, false);
	expect_result(r.qmgr, 1, OUTCOME_RELAYED, "2.0.0");
	give_job(&r, 2, false);
	expect_result(r.qmgr, 2, OUTCOME_RELAYED, "2.0.0");
	acknowledge(&r, 1);
	poll(NULL, 0, 100);
	new_qmgr(&r);
	expect_result(r.qmgr, 2, OUTCOME_RELAYED, "2.0.0");
	expect(r.qmgr, MSG_HELLO, NULL);
	acknowledge(&r, 2);
	poll(NULL, 0, 100);
	new_qmgr(&r);
	expect(r.qmgr, MSG_HELLO, NULL);
	rig_down(&r);
}
END_TEST

/* The first child of a process. */
static pid_t
child_of(pid_t pid)
{
	char path[80], line[80] = "";
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
	f = fopen(path, "r");
	if (f == NULL)
		return 0;
	if (fgets(line, sizeof line, f) == NULL)
		line[0] = '\0';
	fclose(f);
	return (pid_t)strtol(line, NULL, 10);
}

START_TEST(job_in_flight_is_told_and_a_dead_session_reported)
{
	static const struct hop_rule silent[] = { { 0, "MAIL", "", false } };
	struct rig r;
	const struct msg_job *m;

	rig_up(&r, silent, 1);
	expect(r.qmgr, MSG_HELLO, NULL);
	give_job(&r, 5, false);
	await_heard(&r, "1 MAIL");
	new_qmgr(&r);
	m = expect(r.qmgr, MSG_INFLIGHT, NULL);
	ck_assert_uint_eq(m->h.id, 5);
	ck_assert_str_eq(m->dest, r.p.dest);
	expect(r.qmgr, MSG_HELLO, NULL);
	ck_assert_int_gt(child_of(r.pid), 0);
	kill(child_of(r.pid), SIGSEGV);
	expect_result(r.qmgr, 5, OUTCOME_DEFERRED, "4.3.0");
	rig_down(&r);
}
END_TEST

/* The session needs convertd, which goes away twice: it is asked anew once, then the mail waits. */
START_TEST(session_gets_its_channel_to_convertd)
{
	static const struct hop_rule asks[] = {
		{ 0, "EHLO", "250-h\r\n250-CONPERM\r\n250 CONNEG\r\n", false },
		{ 0, "RCPT", "250-ok\r\n250 CONNEG (image-coding=MH)\r\n", false },
	};
	struct rig r;

	rig_up(&r, asks, 2);
	expect(r.qmgr, MSG_HELLO, NULL);
	give_job(&r, 1, true);
	for (int i = 0; i < 2; i++) {
		const struct msg_plan *m;
		struct plan_set set;
		int channel, file;

		expect(r.convertd, MSG_SESSION, &channel);
		m = expect(channel, MSG_PLAN, &file);
		ck_assert_uint_eq(m->msg_len, strlen(peers_message));
		ck_assert_uint_eq(m->flags, 0);
		ck_assert_uint_eq(m->ncaps, 1);
		memcpy(&set, m + 1, sizeof set);
		ck_assert_uint_eq(set.wish, WISH_CONPERM);
		close(file);
		close(channel);
	}
	expect_result(r.qmgr, 1, OUTCOME_DEFERRED, "4.6.5");
	rig_down(&r);
}
END_TEST

static bool
logged(const struct rig *r, const char *text)
{
	static char log[65536];
	ssize_t n = pread(r->log, log, sizeof log - 1, 0);

	ck_assert_int_ge(n, 0);
	log[n] = '\0';
	return strstr(log, text) != NULL;
}

/* The parent killed while the hop has the whole message and has not answered. */
START_TEST(orphan_ends_and_says_so)
{
	static const struct hop_rule silent[] = { { 0, ".", "", false } };
	struct rig r;

	rig_up(&r, silent, 1);
	expect(r.qmgr, MSG_HELLO, NULL);
	give_job(&r, 1, false);
	await_heard(&r, "1 . ");
	poll(NULL, 0, 50);
	ck_assert_int_gt(child_of(r.pid), 0);
	kill(r.pid, SIGKILL);
	for (int ms = 0; !logged(&r, "event=orphaned"); ms += 10) {
		ck_assert_int_lt(ms, 1000);
		poll(NULL, 0, 10);
	}
	rig_down(&r);
}
END_TEST

static void
inquire(struct rig *r, uint32_t number, enum inquiry_kind kind)
{
	struct rcpt rcpt = { .addr = span_str("a@x") };
	struct envelope env = { .sender = span_str("s@x"), .arrival_us = 1, .rcpt = &rcpt, .nrcpt = 1 };
	struct msg_inquire m = { .kind = kind, .id = "0123456789abcdeg" };
	int fd = peers_file(peers_message, strlen(peers_message), &env);
	struct err e = { 0 };

	memcpy(m.dest, r->p.dest, sizeof m.dest);
	ck_assert_int_eq(ipc_send(r->control, &m.h, MSG_INQUIRE, number, sizeof m, &fd, 1, &e), 0);
	close(fd);
}

/* An answer; what was found, static and NUL-terminated, each value on a line. */
static const char *
expect_found(struct rig *r, uint32_t number)
{
	static char text[65536];
	struct span rest, value;
	enum inquiry_what what;
	struct buf items;
	struct err e = { 0 };
	size_t n = 0;
	int fd;
	const struct msg_inquired *m = expect(r->control, MSG_INQUIRED, &fd);

	ck_assert(m->h.id == number && m->kind == ERR_NONE);
	buf_init(&items, INQUIRY_MAX + (1 << 16));
	ck_assert_int_eq(inquiry_read(fd, m->len, &items, &e), 0);
	for (rest = buf_view(&items); inquiry_next(&rest, &what, &value, &e) == 1;)
		n += (size_t)snprintf(text + n, sizeof text - n, "%s: %.*s\n", inquiry_name(what), (int)value.n,
		    (const char *)value.p);
	buf_free(&items);
	close(fd);
	return text;
}

static void
expect_refused(struct rig *r, uint32_t number, const char *dsn)
{
	const struct msg_inquired *m = expect(r->control, MSG_INQUIRED, NULL);

	ck_assert(m->h.id == number && m->kind == ERR_TEMP);
	ck_assert_str_eq(m->dsn, dsn);
}

/* All that a delivery says, but the data, and in a session of its own. */
START_TEST(an_inquiry_sends_nothing)
{
	static const struct hop_rule hop[] = { { 0, "EHLO", "250-h\r\n250 PIPELINING\r\n", false } };
	struct rig r;
	const char *found;

	rig_up(&r, hop, 1);
	expect(r.qmgr, MSG_HELLO, NULL);
	give_job(&r, 1, false);
	expect_result(r.qmgr, 1, OUTCOME_RELAYED, "2.0.0");
	inquire(&r, 7, INQUIRY_MESSAGE);
	found = expect_found(&r, 7);
	ck_assert_msg(strstr(found, "row: B1\n") != NULL && strstr(found, "outcome: relayed\n") != NULL &&
	    strstr(found, "said: RCPT TO:<a@x>\n") != NULL && strstr(found, "said: RSET\n") != NULL, "%s", found);
	ck_assert_ptr_null(strstr(found, "DATA"));
	ck_assert_ptr_nonnull(strstr(peers_heard(&r.p), "2 RSET\n2 QUIT"));
	ck_assert_ptr_null(strstr(peers_heard(&r.p), "2 DATA"));
	inquire(&r, 8, INQUIRY_CAPS);
	found = expect_found(&r, 8);
	ck_assert_msg(strstr(found, "capabilities: not-asked\n") != NULL && strstr(found, "row") == NULL, "%s", found);
	give_job(&r, 2, false);
	expect_result(r.qmgr, 2, OUTCOME_RELAYED, "2.0.0");
	rig_down(&r);
}
END_TEST

START_TEST(inquiries_are_few_and_each_is_answered)
{
	static const struct hop_rule silent[] = { { 0, "MAIL", "", false } };
	struct msg_hdr h;
	struct err e = { 0 };
	struct rig r;

	rig_up(&r, silent, 1);
	expect(r.qmgr, MSG_HELLO, NULL);
	inquire(&r, 1, INQUIRY_MESSAGE);
	await_heard(&r, "1 MAIL");
	kill(child_of(r.pid), SIGSEGV);
	expect_refused(&r, 1, "4.3.0");
	give_job(&r, 1, false);
	await_heard(&r, "2 MAIL");
	for (uint32_t i = 2; i <= 4; i++)
		inquire(&r, i, INQUIRY_CAPS);
	inquire(&r, 5, INQUIRY_MESSAGE);	/* a fifth session: one more than concurrencyremote */
	expect_refused(&r, 5, "4.3.2");
	ck_assert_int_eq(ipc_send(r.feed, &h, MSG_STOP, 0, sizeof h, NULL, 0, &e), 0);
	for (uint32_t i = 0; i < 3; i++) {
		const struct msg_inquired *m = expect(r.control, MSG_INQUIRED, NULL);

		ck_assert(m->kind == ERR_TEMP && m->h.id >= 2 && m->h.id <= 4);
	}
	rig_down(&r);
}
END_TEST

/* With one that waits for them, sessions end. */
START_TEST(inquiries_end_with_who_asked)
{
	static const struct hop_rule silent[] = { { 0, "MAIL", "", false } };
	struct rig r;

	rig_up(&r, silent, 1);
	expect(r.qmgr, MSG_HELLO, NULL);
	inquire(&r, 1, INQUIRY_MESSAGE);
	await_heard(&r, "1 MAIL");
	close(r.control);
	r.control = -1;
	for (int ms = 0; child_of(r.pid) != 0; ms += 10) {
		ck_assert_int_lt(ms, PATIENCE_MS);
		poll(NULL, 0, 10);
	}
	rig_down(&r);
}
END_TEST

START_TEST(stops_in_order)
{
	struct rig r;
	struct msg_hdr h;
	struct err e = { 0 };
	int status;

	rig_up(&r, NULL, 0);
	expect(r.qmgr, MSG_HELLO, NULL);
	give_job(&r, 1, false);
	expect_result(r.qmgr, 1, OUTCOME_RELAYED, "2.0.0");
	acknowledge(&r, 1);
	poll(NULL, 0, 100);
	ck_assert_int_eq(ipc_send(r.feed, &h, MSG_STOP, 0, sizeof h, NULL, 0, &e), 0);
	ck_assert_int_eq(waitpid(r.pid, &status, 0), r.pid);
	ck_assert_int_eq(status, 0);
	await_heard(&r, "1 QUIT");
	r.pid = fork();
	if (r.pid == 0)
		_exit(0);
	rig_down(&r);
}
END_TEST

/* A channel to another of its peers. */
static int
join(struct rig *r, enum role role)
{
	struct msg_peer m = { .role = (uint32_t)role, .generation = 1 };
	int pair[2];
	struct err e = { 0 };

	ck_assert_int_eq(ipc_pair(pair, &e), 0);
	ck_assert_int_eq(ipc_send(r->feed, &m.h, MSG_PEER, 0, sizeof m, &pair[1], 1, &e), 0);
	close(pair[1]);
	return pair[0];
}

static void
ask_probe(int sock, uint32_t number, const char *addr)
{
	struct { struct msg_probe m; char addr[64]; } p = { .m = { .addr_len = (uint32_t)strlen(addr) } };
	struct err e = { 0 };

	snprintf(p.addr, sizeof p.addr, "%s", addr);
	ck_assert_int_eq(ipc_send(sock, &p.m.h, MSG_PROBE, number, sizeof p.m + strlen(addr), NULL, 0, &e), 0);
}

/* The session asks for the hosts of SRV records and of no other; what comes of it is told to who asked. */
START_TEST(a_probe_is_answered)
{
	struct rig r;
	int capd, resolver, session, fd;
	const struct msg_resolve *asked;
	const struct msg_inquired *m;
	struct inquiry_caps caps;
	struct buf packet, items;
	struct err why, e = { 0 };

	rig_up(&r, NULL, 0);
	capd = join(&r, ROLE_CAPD);
	resolver = join(&r, ROLE_RESOLVER);
	ask_probe(capd, 7, "Who@Far.Example");
	expect(resolver, MSG_SESSION, &session);
	asked = expect(session, MSG_RESOLVE, NULL);
	ck_assert_uint_eq(asked->kind, RESOLVE_CONNEG);
	ck_assert_str_eq(asked->name, "far.example");
	err_set(&why, ERR_PERM, "5.4.4", "far.example has no SRV record");
	buf_init(&packet, MSG_MAX);
	ck_assert_int_eq(resolve_write(NULL, &why, &packet, &e), 0);
	ck_assert_int_eq(ipc_send(session, (struct msg_hdr *)(void *)packet.p, MSG_RESOLVED, asked->h.id, packet.n,
	    NULL, 0, &e), 0);
	m = expect(capd, MSG_INQUIRED, &fd);
	ck_assert(m->h.id == 7 && m->kind == ERR_NONE);
	buf_init(&items, INQUIRY_MAX);
	ck_assert_msg(inquiry_read(fd, m->len, &items, &e) == 0, "%s", e.what);
	ck_assert_int_eq(inquiry_caps(buf_view(&items), &caps, &e), 0);
	ck_assert_int_eq(caps.state, CAP_NONE);
	ck_assert(span_is(caps.why, "far.example has no SRV record"));
	ck_assert_ptr_null(strstr(peers_heard(&r.p), "EHLO"));
	close(fd);
	close(capd);
	close(resolver);
	close(session);
	buf_free(&packet);
	buf_free(&items);
	rig_down(&r);
}
END_TEST

/* So many of capd's, and then no more until one has its answer; a session that dies is one. */
START_TEST(probes_are_few_at_once)
{
	struct rig r;
	int capd;
	const struct msg_inquired *m;

	concurrency = "100\n";
	rig_up(&r, NULL, 0);
	capd = join(&r, ROLE_CAPD);
	for (uint32_t i = 1; i <= INQUIRY_PROBES + 1; i++)
		ask_probe(capd, i, "r@far.example");
	m = expect(capd, MSG_INQUIRED, NULL);
	ck_assert_msg(m->h.id == INQUIRY_PROBES + 1 && m->kind == ERR_TEMP && strcmp(m->dsn, "4.3.2") == 0,
	    "%u: %u %s %s", m->h.id, m->kind, m->dsn, m->what);
	kill(child_of(r.pid), SIGKILL);
	m = expect(capd, MSG_INQUIRED, NULL);
	ck_assert(m->h.id == 1 && m->kind == ERR_TEMP);
	close(capd);		/* nobody waits for the others */
	for (int ms = 0; child_of(r.pid) != 0; ms += 10) {
		ck_assert_int_lt(ms, PATIENCE_MS);
		poll(NULL, 0, 10);
	}
	rig_down(&r);
}
END_TEST

Suite *suite_parent(void);

Suite *
suite_parent(void)
{
	Suite *s = suite_create("parent");
	TCase *tc = tcase_create("parent");

	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, session_serves_job_after_job);
	tcase_add_test(tc, result_is_repeated_until_acknowledged);
	tcase_add_test(tc, job_in_flight_is_told_and_a_dead_session_reported);
	tcase_add_test(tc, session_gets_its_channel_to_convertd);
	tcase_add_test(tc, orphan_ends_and_says_so);
	tcase_add_test(tc, an_inquiry_sends_nothing);
	tcase_add_test(tc, inquiries_are_few_and_each_is_answered);
	tcase_add_test(tc, inquiries_end_with_who_asked);
	tcase_add_test(tc, stops_in_order);
	tcase_add_test(tc, a_probe_is_answered);
	tcase_add_test(tc, probes_are_few_at_once);
	suite_add_tcase(s, tc);
	return s;
}
