/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "bounce/serve.h"

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/edit.h"
#include "lib/plan.h"
#include "lib/qfile.h"
#include "lib/result.h"

/* A queue in a process of its own, since bounce waits for its answers. */
enum mode { ANSWER, REFUSE_OPEN, REFUSE_COMMIT, DIE_AT_COMMIT, GATHER };
static int store, commits;	/* memfds: the new message, the commit packet */
static pid_t queue_pid;

static struct loop loop;
static struct bounce b;
static int qmgr;
static _Alignas(8) unsigned char packet[MSG_MAX];
static size_t packet_len;

static const char new_id[] = "0000000000000abc", failed_id[] = "0000000000000123";

static void
queue_main(int fd, enum mode mode)
{
	struct msg_id id = { .id = "" };
	struct msg_committed done = { .id = "" };
	struct msg_refused no = { .kind = ERR_TEMP, .dsn = "4.3.1", .what = "full" };
	struct msg_hdr *h = (struct msg_hdr *)(void *)packet;
	uint32_t held[BOUNCE_AT_ONCE], nheld = 0;
	int fds[MSG_FDS];
	struct err e;

	memcpy(id.id, new_id, sizeof new_id);
	memcpy(done.id, new_id, sizeof new_id);
	while (ipc_recv(fd, packet, sizeof packet, &packet_len, fds, &e) == 1) {
		uint32_t n = h->id;

		if (h->type == MSG_OPEN && ((struct msg_open *)(void *)packet)->reserve != 1)
			break;
		if (h->type == MSG_OPEN && mode == REFUSE_OPEN)
			ipc_send(fd, &no.h, MSG_REFUSED, n, sizeof no, NULL, 0, &e);
		else if (h->type == MSG_OPEN && mode == GATHER) {
			held[nheld++] = n;
			for (uint32_t i = 0; nheld == BOUNCE_AT_ONCE && i < nheld; i++)
				ipc_send(fd, &id.h, MSG_OPENED, held[i], sizeof id, &store, 1, &e);
			mode = nheld == BOUNCE_AT_ONCE ? ANSWER : GATHER;
		} else if (h->type == MSG_OPEN)
			ipc_send(fd, &id.h, MSG_OPENED, n, sizeof id, &store, 1, &e);
		else if (h->type == MSG_COMMIT && mode == DIE_AT_COMMIT)
			break;
		else if (h->type == MSG_COMMIT && mode == REFUSE_COMMIT)
			ipc_send(fd, &no.h, MSG_REFUSED, n, sizeof no, NULL, 0, &e);
		else if (h->type == MSG_COMMIT && write(commits, packet, packet_len) > 0)
			ipc_send(fd, &done.h, MSG_COMMITTED, n, sizeof done, NULL, 0, &e);
	}
	_exit(0);
}

static void
queue_start(enum mode mode)
{
	struct err e;
	int fd[2];

	store = memfd_create("store", 0);
	commits = memfd_create("commits", 0);
	ck_assert_int_eq(ipc_pair(fd, &e), 0);
	queue_pid = fork();
	if (queue_pid == 0) {
		close(fd[0]);
		queue_main(fd[1], mode);
	}
	close(fd[1]);
	bounce_peer(&b, ROLE_QUEUE, 1, fd[0]);
}

static void
queue_end(void)
{
	bounce_free(&b);	/* its channel closes, it ends */
	if (queue_pid > 0)
		waitpid(queue_pid, NULL, 0);
	queue_pid = 0;
}

static void
setup(void)
{
	struct err e;
	int fd[2];

	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(loop_init(&loop, &e), 0);
	bounce_init(&b, &loop, "mx.example");
	ck_assert_int_eq(ipc_pair(fd, &e), 0);
	qmgr = fd[0];
	bounce_peer(&b, ROLE_QMGR, 1, fd[1]);
	/* It says hello first. */
	int fds[MSG_FDS];
	ck_assert_int_eq(ipc_recv(qmgr, packet, sizeof packet, &packet_len, fds, &e), 1);
	ck_assert_uint_eq(((struct msg_hdr *)(void *)packet)->type, MSG_HELLO);
}

static void
teardown(void)
{
	queue_end();
	close(qmgr);
	loop_free(&loop);
}

static const char *client = "c";
static uint8_t ret;
static bool conperm;
static bool rotten;		/* the text is not what was accepted */

static const char *message_text = "Subject: x\r\n\r\nbody\r\n";

static int
failed_file(const char *sender, const char *to, uint8_t notify)
{
	size_t n = strlen(message_text);
	struct rcpt rcpt = { .addr = span_str(to), .notify = notify };
	struct envelope env = { .sender = span_str(sender), .client = span_str(client), .ret = ret,
	    .conperm = conperm, .rcpt = &rcpt, .nrcpt = 1 };
	struct buf block;
	struct qfile q;
	struct err e;
	int fd = memfd_create("failed", 0);

	buf_init(&block, ENV_MAX);
	ck_assert_int_eq(write(fd, message_text, n), (ssize_t)n);
	ck_assert_int_eq(envelope_encode(&env, &block, &e), 0);
	ck_assert_int_eq(qfile_finish(fd, n, crc32c(0, message_text, n) + rotten,
	    buf_view(&block), 1, &q, &e), 0);
	buf_free(&block);
	return fd;
}

static void
stop_loop(void *arg)
{
	(void)arg;
	loop.stop = true;
}

static void
stop_watch(void *arg, uint32_t events)
{
	(void)events;
	stop_loop(arg);
}

/* Sends a report of one recipient under that number; the file is closed. */
static void
put_result(int fd, const char *id, uint32_t number, const struct rcpt_result *r, const char *detail)
{
	struct msg_job m = { .n = 1 };
	struct buf p;
	struct err e = { 0 };

	snprintf(m.id, sizeof m.id, "%s", id);
	buf_init(&p, MSG_MAX);
	ck_assert_int_eq(buf_add(&p, span_of(&m, sizeof m), &e), 0);
	ck_assert_int_eq(result_add(&p, r, span_str(detail), &e), 0);
	ck_assert_int_eq(ipc_send(qmgr, (struct msg_hdr *)(void *)p.p, MSG_REPORT, number, p.n, &fd, 1,
	    &e), 0);
	close(fd);
	buf_free(&p);
}

static void
put(int fd, const char *id, uint32_t number, uint8_t outcome)
{
	struct rcpt_result r = { .outcome = outcome, .code = 550, .dsn = "5.1.1", .text = "550 no" };

	put_result(fd, id, number, &r, "");
}

/* Waits for an answer, which is then in packet: its type. */
static uint32_t
get(void)
{
	struct watch w = { .fd = qmgr, .ready = stop_watch };
	struct timer t = { .fire = stop_loop };
	struct err e = { 0 };
	int fds[MSG_FDS];

	loop.stop = false;
	ck_assert_int_eq(loop_timer(&loop, &t, 5000, &e), 0);
	ck_assert_int_eq(loop_watch(&loop, &w, EPOLLIN, &e), 0);
	ck_assert_int_eq(loop_run(&loop, &e), 0);
	loop_unwatch(&loop, &w);
	loop_cancel(&loop, &t);
	fcntl(qmgr, F_SETFL, O_NONBLOCK);	/* an answer that does not come is a failure */
	ck_assert_int_eq(ipc_recv(qmgr, packet, sizeof packet, &packet_len, fds, &e), 1);
	fcntl(qmgr, F_SETFL, 0);
	return ((struct msg_hdr *)(void *)packet)->type;
}

static uint32_t
ask(int fd)
{
	uint32_t type;

	put(fd, failed_id, 77, OUTCOME_FAILED);
	type = get();
	ck_assert_uint_eq(((struct msg_hdr *)(void *)packet)->id, 77);
	return type;
}

static const char *
reported(void)
{
	return ((struct msg_reported *)(void *)packet)->report;
}

/* What was committed: its one recipient; sender null, length and checksum right. */
static void
check_commit(const char *to, const char *subject)
{
	static unsigned char told[65536], commit[MSG_MAX];
	const struct msg_commit *m = (const struct msg_commit *)(const void *)commit;
	ssize_t n = pread(store, told, sizeof told - 1, 0), len = pread(commits, commit, sizeof commit, 0);
	struct envelope env;
	struct err e = { 0 };

	ck_assert_int_gt(n, 0);
	ck_assert_int_gt(len, (ssize_t)sizeof *m);
	told[n] = '\0';
	ck_assert_uint_eq(m->msg_len, (uint64_t)n);
	ck_assert_uint_eq(m->msg_crc, crc32c(0, told, (size_t)n));
	ck_assert_uint_eq(m->env_len, (size_t)len - sizeof *m);
	ck_assert_msg(envelope_decode(span_of(commit + sizeof *m, m->env_len), &env, &e) == 0, "%s",
	    e.what);
	ck_assert_uint_eq(env.sender.n, 0);
	ck_assert_uint_eq(env.nrcpt, 1);
	ck_assert(span_is(env.rcpt[0].addr, to));
	ck_assert_uint_eq(env.rcpt[0].notify, NOTIFY_NEVER);	/* RFC 3461, 6.1 */
	ck_assert_uint_eq(env.rcpt[0].orcpt.n + env.envid.n + env.ret, 0);
	ck_assert_int_eq(strstr((char *)told, "\r\n\r\nbody\r\n\r\n--=_") != NULL,
	    ret == RET_FULL && !rotten);
	ck_assert_ptr_nonnull(strstr((char *)told, subject));
	ck_assert_ptr_nonnull(strstr((char *)told, "Diagnostic-Code: smtp; 550 no"));
	envelope_free(&env);
}

START_TEST(report_is_committed)
{
	queue_start(ANSWER);
	ck_assert_uint_eq(ask(failed_file("s@sender.example", "a@x.example", 0)), MSG_REPORTED);
	ck_assert_str_eq(reported(), new_id);
	check_commit("s@sender.example", "Subject: Your message could not be delivered\r\n");
}
END_TEST

/* H13: never in answer to a null sender; the double bounce goes to postmaster. */
START_TEST(null_sender)
{
	queue_start(ANSWER);
	ck_assert_uint_eq(ask(failed_file("", "a@x.example", 0)), MSG_REPORTED);
	ck_assert_str_eq(reported(), new_id);
	check_commit("postmaster@mx.example", "Subject: A message without sender could not");
}
END_TEST

/* H13: once. */
START_TEST(double_bounce_is_dropped)
{
	queue_start(REFUSE_OPEN);	/* if it asked, it would be refused */
	ck_assert_uint_eq(ask(failed_file("", "Postmaster@MX.example", 0)), MSG_REPORTED);
	ck_assert_str_eq(reported(), "");
}
END_TEST

START_TEST(notify_never)
{
	queue_start(REFUSE_OPEN);
	ck_assert_uint_eq(ask(failed_file("s@sender.example", "a@x.example", NOTIFY_NEVER)),
	    MSG_REPORTED);
	ck_assert_str_eq(reported(), "");
	ck_assert_uint_eq(ask(failed_file("", "a@x.example", NOTIFY_NEVER)), MSG_REPORTED);
	ck_assert_str_eq(reported(), "");
}
END_TEST

/* Whatever queue cannot do now is tried again by qmgr, and works when queue is back. */
START_TEST(queue_fails)
{
	queue_start((enum mode)_i);
	ck_assert_uint_eq(ask(failed_file("s@sender.example", "a@x.example", 0)), MSG_REFUSED);
	if (_i == DIE_AT_COMMIT) {
		waitpid(queue_pid, NULL, 0);
		ck_assert_uint_eq(ask(failed_file("s@sender.example", "a@x.example", 0)), MSG_REFUSED);
	}
	chan_close(&b.queue);
	ck_assert_uint_eq(ask(failed_file("s@sender.example", "a@x.example", 0)), MSG_REFUSED);
	queue_start(ANSWER);
	ck_assert_uint_eq(ask(failed_file("s@sender.example", "a@x.example", 0)), MSG_REPORTED);
	check_commit("s@sender.example", "Subject:");
}
END_TEST

START_TEST(not_a_message)
{
	int fd = memfd_create("junk", 0);

	queue_start(ANSWER);
	ck_assert_int_eq(write(fd, "junk", 4), 4);
	ck_assert_uint_eq(ask(fd), MSG_REFUSED);
}
END_TEST

/* A report of ours that fails: postmaster hears of it, though it carries NOTIFY=NEVER. */
START_TEST(own_report_fails)
{
	client = "bounce";
	queue_start(ANSWER);
	ck_assert_uint_eq(ask(failed_file("", "a@x.example", NOTIFY_NEVER)), MSG_REPORTED);
	check_commit("postmaster@mx.example", "Subject: A message without sender could not");
	client = "c";
}
END_TEST

START_TEST(whole_message)
{
	ret = RET_FULL;
	queue_start(ANSWER);
	ck_assert_uint_eq(ask(failed_file("s@sender.example", "a@x.example", 0)), MSG_REPORTED);
	check_commit("s@sender.example", "Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nbody");
	ret = RET_UNSET;
}
END_TEST

/* The disk gives back something else: the sender hears of the failure all the same, but gets none of that. */
START_TEST(a_text_that_is_damaged)
{
	ret = RET_FULL;
	rotten = true;
	queue_start(ANSWER);
	ck_assert_uint_eq(ask(failed_file("s@sender.example", "a@x.example", 0)), MSG_REPORTED);
	check_commit("s@sender.example", "Content-Type: text/rfc822-headers\r\n\r\n\r\n--=_");
	ret = RET_UNSET;
	rotten = false;
}
END_TEST

/* A new qmgr that had not marked it asks again: it is not sent twice; what is new is sent. */
START_TEST(asked_again)
{
	struct stat before, after;
	struct err e;
	int fd[2], fds[MSG_FDS];

	queue_start(ANSWER);
	ck_assert_uint_eq(ask(failed_file("s@sender.example", "a@x.example", 0)), MSG_REPORTED);
	ck_assert_str_eq(reported(), new_id);
	fstat(commits, &before);
	close(qmgr);
	ck_assert_int_eq(ipc_pair(fd, &e), 0);
	qmgr = fd[0];
	bounce_peer(&b, ROLE_QMGR, 2, fd[1]);
	ck_assert_int_eq(ipc_recv(qmgr, packet, sizeof packet, &packet_len, fds, &e), 1);
	ck_assert_uint_eq(ask(failed_file("s@sender.example", "a@x.example", 0)), MSG_REPORTED);
	ck_assert_str_eq(reported(), "");
	fstat(commits, &after);
	ck_assert_int_eq(after.st_size, before.st_size);
	put(failed_file("s@sender.example", "a@x.example", 0), failed_id, 78, OUTCOME_DEFERRED);
	ck_assert_uint_eq(get(), MSG_REPORTED);
	ck_assert_str_eq(reported(), new_id);
	put(failed_file("s@sender.example", "a@x.example", 0), "0000000000000124", 79, OUTCOME_FAILED);
	ck_assert_uint_eq(get(), MSG_REPORTED);
	ck_assert_str_eq(reported(), new_id);
}
END_TEST

/* queue hears of BOUNCE_AT_ONCE reports before it answers the first; each is answered once. */
START_TEST(many_at_once)
{
	enum { MANY = BOUNCE_AT_ONCE + 9 };
	bool seen[MANY] = { false };
	char id[QID_SIZE];

	queue_start(GATHER);
	for (uint32_t i = 0; i < MANY; i++) {
		snprintf(id, sizeof id, "%016x", i + 1);
		put(failed_file("s@sender.example", "a@x.example", 0), id, i, OUTCOME_FAILED);
	}
	put(failed_file("s@sender.example", "a@x.example", 0), id, MANY, OUTCOME_FAILED);
	for (uint32_t i = 0; i <= MANY; i++) {
		uint32_t type = get(), n = ((struct msg_hdr *)(void *)packet)->id;

		/* The one that is under way already is refused, not made twice. */
		ck_assert_uint_eq(type, n == MANY ? MSG_REFUSED : MSG_REPORTED);
		ck_assert(n == MANY || !seen[n]);
		if (n < MANY)
			seen[n] = true;
	}
	ck_assert_uint_eq(b.nwork + b.nactive, 0);
}
END_TEST

/* Those that waited have their turn when the ones before them were refused. */
START_TEST(all_refused)
{
	uint32_t refused = 0;
	char id[QID_SIZE];

	queue_start(REFUSE_OPEN);
	for (uint32_t i = 0; i < 40; i++) {
		snprintf(id, sizeof id, "%016x", i + 1);
		put(failed_file("s@sender.example", "a@x.example", 0), id, i, OUTCOME_FAILED);
	}
	for (uint32_t i = 0; i < 40; i++)
		refused += get() == MSG_REFUSED;
	ck_assert_uint_eq(refused, 40);
	ck_assert_uint_eq(b.nwork + b.nactive, 0);
}
END_TEST

/* --- what was converted on its way into the mailbox --- */

/* A convertd in a process of its own, and what it says. */
enum convertd_says { CONVERTS, IS_BUSY, GIVES_NO_FILE, GIVES_RUBBISH, CUTS_THE_HEADER, GOES, GOES_LATER,
	IS_SILENT, IS_SILENT_LATER };

static void
convertd_answer(int fd, const struct msg_hdr *h, const struct buf *text, enum convertd_says how)
{
	struct msg_planned m = { .kind = how == IS_BUSY ? ERR_TEMP : ERR_NONE, .dsn = "4.6.5", .len = text->n };
	int memfd = memfd_create("answer", 0);
	struct err e;

	if (how == GIVES_RUBBISH)
		m.len = 5;
	if (write(memfd, how == GIVES_RUBBISH ? (const unsigned char *)"hello" : text->p, m.len) != (ssize_t)m.len)
		_exit(1);
	ipc_send(fd, &m.h, h->type == MSG_PLAN ? MSG_PLANNED : MSG_CONVERTED, h->id, sizeof m, &memfd,
	    how != IS_BUSY && how != GIVES_NO_FILE, &e);
	close(memfd);
}

static void
convertd_main(int fd, enum convertd_says how)
{
	struct edit_range range = { 14, 6, RANGE_BODY };	/* of "Subject: x\r\n\r\nbody\r\n" */
	struct plan plan = { .range = &range, .nrange = 1 };
	struct edit op[2] = { { EDIT_COPY, 0, how == CUTS_THE_HEADER ? 12 : 14 }, { EDIT_BODY, 0, 6 } };
	struct edit_list list = { .edit = op, .n = 2, .text = span_str("TUg=\r\n"), .size = op[0].len + 6 };
	const struct msg_hdr *h = (const void *)packet;
	struct buf text;
	struct err e;
	int fds[MSG_FDS];

	buf_init(&text, 65536);
	while (ipc_recv(fd, packet, sizeof packet, &packet_len, fds, &e) == 1) {
		ipc_close_fds(fds, MSG_FDS);
		if (how == GOES || (how == GOES_LATER && h->type == MSG_CONVERT))
			break;
		if (how == IS_SILENT || (how == IS_SILENT_LATER && h->type == MSG_CONVERT))
			continue;
		buf_clear(&text);
		if (h->type == MSG_CONVERT ? edit_encode(&list, &text, &e) : plan_encode(&plan, &text, &e))
			_exit(1);
		convertd_answer(fd, h, &text, how);
	}
	_exit(0);
}

static pid_t
convertd_start(enum convertd_says how)
{
	struct err e;
	int fd[2];
	pid_t pid;

	ck_assert_int_eq(ipc_pair(fd, &e), 0);
	if ((pid = fork()) == 0) {
		close(fd[0]);
		convertd_main(fd[1], how);
	}
	close(fd[1]);
	bounce_peer(&b, ROLE_CONVERTD, 1, fd[0]);
	return pid;
}

static const char *
written(void)
{
	static char text[65536];
	ssize_t n = pread(store, text, sizeof text - 1, 0);

	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	return text;
}

/* R37; RFC 4141, 3, note: an exact copy of the delivered content, or else the header alone. */
START_TEST(R37_what_was_delivered_is_made_once_more)
{
	struct rcpt_result r = { .outcome = OUTCOME_DELIVERED, .dsn = "2.6.4", .text = "converted and delivered" };
	pid_t pid;

	ret = RET_FULL;
	conperm = true;
	queue_start(ANSWER);
	pid = convertd_start((enum convertd_says)_i);
	put_result(failed_file("s@sender.example", "a@x.example", NOTIFY_SUCCESS), failed_id, 77, &r,
	    "converted: MH\nrow: B7\nkey: 1=MH\n");
	ck_assert_uint_eq(get(), MSG_REPORTED);
	ck_assert_int_eq(strstr(written(), "rfc822\r\n\r\nSubject: x\r\n\r\nTUg=\r\n\r\n--=_") != NULL,
	    _i == CONVERTS);
	ck_assert_int_eq(strstr(written(), "text/rfc822-headers") != NULL, _i != CONVERTS);
	ck_assert_ptr_null(strstr(written(), "body\r\n"));
	ck_assert_ptr_null(strstr(written(), "1=MH"));
	ck_assert_uint_eq(b.nwork + b.nactive, 0);
	ret = RET_UNSET;
	conperm = false;
	queue_end();
	waitpid(pid, NULL, 0);
}
END_TEST

/* Nobody waits longer than half a minute for each answer. */
START_TEST(R37_a_silent_convertd_is_not_waited_for)
{
	struct rcpt_result r = { .outcome = OUTCOME_DELIVERED, .dsn = "2.6.4", .text = "converted and delivered" };
	struct timer t = { .fire = stop_loop };
	int64_t shift = BOUNCE_CONVERT_MS;
	int clock = memfd_create("clock", 0);
	struct err e;
	pid_t pid;

	ck_assert_int_eq(ftruncate(clock, sizeof shift), 0);
	ck_assert_int_eq(clock_shift(clock), 0);
	ret = RET_FULL;
	conperm = true;
	queue_start(ANSWER);
	pid = convertd_start((enum convertd_says)_i);
	put_result(failed_file("s@sender.example", "a@x.example", NOTIFY_SUCCESS), failed_id, 77, &r,
	    "key: 1=MH\n");
	ck_assert_int_eq(loop_timer(&loop, &t, 300, &e), 0);
	ck_assert_int_eq(loop_run(&loop, &e), 0);
	ck_assert_uint_eq(b.nactive, 1);
	ck_assert_int_eq(pwrite(clock, &shift, sizeof shift, 0), sizeof shift);
	ck_assert_uint_eq(get(), MSG_REPORTED);
	ck_assert_ptr_nonnull(strstr(written(), "text/rfc822-headers"));
	queue_end();
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ret = RET_UNSET;
	conperm = false;
}
END_TEST

/* Nor for one that is not there. */
START_TEST(R37_without_convertd_the_header)
{
	struct rcpt_result r = { .outcome = OUTCOME_DELIVERED, .dsn = "2.6.4", .text = "converted and delivered" };

	ret = RET_FULL;
	conperm = true;
	queue_start(ANSWER);
	put_result(failed_file("s@sender.example", "a@x.example", NOTIFY_SUCCESS), failed_id, 77, &r,
	    "key: 1=MH\n");
	ck_assert_uint_eq(get(), MSG_REPORTED);
	ck_assert_ptr_nonnull(strstr(written(), "text/rfc822-headers"));
	ret = RET_UNSET;
	conperm = false;
}
END_TEST

/* convertd has so many of our questions at once and no more; all are told of in the end. */
START_TEST(R37_many_at_once)
{
	struct rcpt_result r = { .outcome = OUTCOME_DELIVERED, .dsn = "2.6.4", .text = "converted and delivered" };
	char id[QID_SIZE];
	pid_t pid;

	ret = RET_FULL;
	conperm = true;
	queue_start(ANSWER);
	pid = convertd_start(CONVERTS);
	for (uint32_t i = 0; i < 3 * BOUNCE_CONVERTING; i++) {
		snprintf(id, sizeof id, "%016x", i + 1);
		put_result(failed_file("s@sender.example", "a@x.example", NOTIFY_SUCCESS), id, i, &r, "key: 1=MH\n");
	}
	for (uint32_t i = 0; i < 3 * BOUNCE_CONVERTING; i++)
		ck_assert_uint_eq(get(), MSG_REPORTED);
	ck_assert_uint_eq(b.nwork + b.nactive, 0);
	ret = RET_UNSET;
	conperm = false;
	queue_end();
	waitpid(pid, NULL, 0);
}
END_TEST

/* --- notifications (RFC 3297) --- */

static const char asks[] = "To: a@x.example\r\nMessage-ID: <1@s>\r\n"
    "Disposition-Notification-To: s@sender.example\r\n\r\nbody\r\n";

/* A commit for each: what became of it, if that is wished, and the notification; told again: of neither. */
START_TEST(outcome_and_disposition_are_two_messages)
{
	struct rcpt_result r = { .outcome = OUTCOME_DELIVERED, .flags = RESULT_LOST, .dsn = "2.0.0" };
	uint8_t notify = _i == 0 ? NOTIFY_SUCCESS : NOTIFY_NEVER;
	static unsigned char all[2 * MSG_MAX];
	ssize_t n;

	message_text = asks;
	queue_start(ANSWER);
	for (int again = 0; again < 2; again++) {
		put_result(failed_file("s@sender.example", "a@x.example", notify), failed_id, 77, &r, "");
		ck_assert_uint_eq(get(), MSG_REPORTED);
		ck_assert_str_eq(reported(), again ? "" : new_id);
	}
	n = pread(commits, all, sizeof all, 0);
	ck_assert_int_gt(n, (ssize_t)sizeof(struct msg_commit));
	ck_assert_int_eq((size_t)n == sizeof(struct msg_commit) +
	    ((const struct msg_commit *)(const void *)all)->env_len, notify == NOTIFY_NEVER);
	ck_assert_ptr_nonnull(strstr(written(), "deleted/original-lost"));
}
END_TEST

/* That mail is late is one thing, that another form is wished another. */
START_TEST(a_delay_is_no_disposition)
{
	struct rcpt_result r = { .outcome = OUTCOME_DEFERRED, .dsn = "4.4.1" };

	message_text = asks;
	queue_start(ANSWER);
	put_result(failed_file("s@sender.example", "a@x.example", NOTIFY_DELAY), failed_id, 77, &r, "");
	ck_assert_uint_eq(get(), MSG_REPORTED);
	r.flags = RESULT_PREFERRED;
	put_result(failed_file("s@sender.example", "a@x.example", NOTIFY_DELAY), failed_id, 77, &r, "takes: (a=1)\n");
	ck_assert_uint_eq(get(), MSG_REPORTED);
	ck_assert_str_eq(reported(), new_id);
	ck_assert_uint_eq(b.reports, 2);
}
END_TEST

/* By the header, and asking without saying what is taken. */
START_TEST(who_may_not_be_told_is_not)
{
	struct rcpt_result r = { .outcome = OUTCOME_DEFERRED, .flags = RESULT_PREFERRED, .dsn = "4.6.0" };

	message_text = asks;
	queue_start(REFUSE_OPEN);	/* if it asked, it would be refused */
	put_result(failed_file("other@sender.example", "a@x.example", 0), failed_id, 77, &r, "takes: (a=1)\n");
	ck_assert_uint_eq(get(), MSG_REPORTED);
	ck_assert_str_eq(reported(), "");
	put_result(failed_file("s@sender.example", "a@x.example", 0), failed_id, 77, &r, "");
	ck_assert_uint_eq(get(), MSG_REPORTED);
	put_result(failed_file("s@sender.example", "a@x.example", 0), failed_id, 77, &r, "takes: (a=1)\n");
	ck_assert_uint_eq(get(), MSG_REFUSED);
}
END_TEST

Suite *suite_serve(void);
Suite *
suite_serve(void)
{
	Suite *s = suite_create("serve");
	TCase *tc = tcase_create("serve");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, report_is_committed);
	tcase_add_test(tc, null_sender);
	tcase_add_test(tc, double_bounce_is_dropped);
	tcase_add_test(tc, notify_never);
	tcase_add_loop_test(tc, queue_fails, REFUSE_OPEN, DIE_AT_COMMIT + 1);
	tcase_add_test(tc, not_a_message);
	tcase_add_test(tc, own_report_fails);
	tcase_add_test(tc, whole_message);
	tcase_add_test(tc, a_text_that_is_damaged);
	tcase_add_test(tc, asked_again);
	tcase_add_test(tc, many_at_once);
	tcase_add_test(tc, all_refused);
	tcase_add_loop_test(tc, R37_what_was_delivered_is_made_once_more, CONVERTS, GOES_LATER + 1);
	tcase_add_loop_test(tc, R37_a_silent_convertd_is_not_waited_for, IS_SILENT, IS_SILENT_LATER + 1);
	tcase_add_test(tc, R37_without_convertd_the_header);
	tcase_add_test(tc, R37_many_at_once);
	tcase_add_loop_test(tc, outcome_and_disposition_are_two_messages, 0, 2);
	tcase_add_test(tc, a_delay_is_no_disposition);
	tcase_add_test(tc, who_may_not_be_told_is_not);
	suite_add_tcase(s, tc);
	return s;
}
