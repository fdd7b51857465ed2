/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "tests/unit/queue/rig.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const char text[] = "Received: by me\r\n\r\nhello\r\n";
static const enum strategy strategies[] = { STRATEGY_JOURNAL, STRATEGY_EACH, STRATEGY_FS };
enum { NSTRATEGY = sizeof strategies / sizeof *strategies };

static struct got g;

static const struct msg_refused *
refused(int sock)
{
	ck_assert(rig_get(sock, &g));
	ck_assert_uint_eq(g.type, MSG_REFUSED);
	return (const struct msg_refused *)(const void *)g.packet;
}

static int
open_final(const struct rig *r, const char *id, int how)
{
	char path[PATH_SIZE];

	path_final(id, path);
	return openat(r->dir_fd, path, how | O_CLOEXEC);
}

START_TEST(commit_makes_a_whole_file)
{
	struct rig r;
	struct qfile q;
	struct buf store;
	struct envelope env;
	struct err e = { 0 };
	char id[QID_SIZE], read_back[64];
	int s, fd;

	rig_new(&r, strategies[_i]);
	s = rig_session(&r);
	client_send(s, text, 2, id);
	qmgr_new(&r, id);
	ck_assert(!rig_has(&r, "tmp", id));
	fd = open_final(&r, id, O_RDONLY);
	ck_assert_msg(qfile_open(fd, &q, &e) == 0, "%s", e.what);
	ck_assert_uint_eq(q.nslot, 2);
	ck_assert_int_eq(qfile_check(fd, &q, &e), 1);
	ck_assert_int_eq(pread(fd, read_back, strlen(text), 0), (ssize_t)strlen(text));
	ck_assert_mem_eq(read_back, text, strlen(text));
	buf_init(&store, ENV_MAX);
	ck_assert_int_eq(qfile_envelope(fd, &q, &store, &env, &e), 0);
	ck_assert(span_is(env.sender, "a@example.com"));
	envelope_free(&env);
	buf_free(&store);
	close(fd);
	close(s);
	rig_end(&r);
}
END_TEST

START_TEST(many_sessions_share_a_flush)
{
	enum { N = 20 };
	struct rig r;
	char id[N][QID_SIZE];
	int s[N], fd;
	pid_t w;

	rig_new(&r, STRATEGY_JOURNAL);
	w = rig_worker(&r);
	kill(w, SIGSTOP);
	for (int i = 0; i < N; i++) {
		s[i] = rig_session(&r);
		client_open(s[i], text, id[i], &fd);
		close(fd);
		client_commit(s[i], id[i], text, 1);
	}
	ck_assert(rig_silent(s[0], 100));	/* no answer before the disk's */
	ck_assert(rig_silent(r.qmgr, 0));
	kill(w, SIGCONT);
	for (int i = 0; i < N; i++) {
		ck_assert(rig_get(s[i], &g));
		ck_assert_uint_eq(g.type, MSG_COMMITTED);
		close(s[i]);
	}
	for (uint32_t n = 0, packets = 0; n < N; packets++) {
		ck_assert(rig_get(r.qmgr, &g));
		n += ((struct msg_ids *)(void *)g.packet)->n;
		ck_assert_uint_lt(packets, N / 2);	/* told in batches */
	}
	rig_end(&r);
}
END_TEST

/* Nobody may alter what was accepted: who still could is refused and cut off. */
START_TEST(a_writer_left_is_refused)
{
	struct rig r;
	char id[QID_SIZE];
	int s, other, fd, pair[2];
	void *map = MAP_FAILED;
	struct msg_hdr h;
	struct err e;

	rig_new(&r, STRATEGY_JOURNAL);
	s = rig_session(&r);
	other = rig_session(&r);
	client_open(s, text, id, &fd);
	ck_assert_int_eq(ipc_pair(pair, &e), 0);
	if (_i == 1) {			/* a copy in flight */
		ck_assert_int_eq(ipc_send(pair[0], &h, 1, 1, sizeof h, &fd, 1, &e), 0);
		close(fd);
	} else if (_i == 2) {		/* a mapping that can write */
		char path[600], tmp[PATH_SIZE];
		int rw;

		path_tmp(id, tmp);
		snprintf(path, sizeof path, "%s/%s", r.dir, tmp);
		rw = open(path, O_RDWR | O_CLOEXEC);
		ck_assert_int_ne(rw, -1);
		map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, rw, 0);
		ck_assert_ptr_ne(map, MAP_FAILED);
		close(rw);
		close(fd);
	}
	client_commit(s, id, text, 1);
	ck_assert_str_eq(refused(s)->dsn, "4.3.0");
	ck_assert(!rig_get(s, &g));	/* cut off */
	ck_assert(!rig_has(&r, "tmp", id) && !rig_has(&r, "HH", id));
	if (_i == 0)
		close(fd);
	if (map != MAP_FAILED)
		munmap(map, 4096);
	close(s);
	client_send(other, text, 1, id);	/* others go on */
	close(other);
	close(pair[0]);
	close(pair[1]);
	rig_end(&r);
}
END_TEST

START_TEST(a_wrong_length_is_refused)
{
	struct rig r;
	char id[QID_SIZE];
	int s, fd;

	rig_new(&r, STRATEGY_JOURNAL);
	s = rig_session(&r);
	client_open(s, "half of it", id, &fd);
	close(fd);
	client_commit(s, id, text, 1);
	ck_assert_str_eq(refused(s)->dsn, "4.3.0");
	ck_assert(!rig_get(s, &g));
	close(s);
	ck_assert_uint_eq(rig_count(&r, "tmp"), 0);
	rig_end(&r);
}
END_TEST

static const struct { const char *name; const char *block; size_t n; } bad_blocks[] = {
	{ "nothing", "", 0 },
	{ "half a record", "\1\0\1\0\0", 5 },
	{ "another version", "\1\0\1\0\0\0\2", 7 },
	{ "no recipient", "\1\0\1\0\0\0\1" "\2\0\0\0\0\0", 13 },
	{ "control octet", "\1\0\1\0\0\0\1" "\2\0\0\0\0\0" "\100\0\3\0\0\0a\nb", 22 },
};

START_TEST(a_malformed_envelope_is_refused)
{
	struct rig r;
	char id[QID_SIZE];
	int s, fd;

	rig_new(&r, STRATEGY_JOURNAL);
	s = rig_session(&r);
	client_open(s, text, id, &fd);
	close(fd);
	client_commit_block(s, id, strlen(text), crc32c(0, text, strlen(text)),
	    span_of(bad_blocks[_i].block, bad_blocks[_i].n));
	ck_assert_msg(strcmp(refused(s)->dsn, "5.3.5") == 0, "%s", bad_blocks[_i].name);
	ck_assert_uint_eq(rig_count(&r, "tmp"), 0);
	client_send(s, text, 1, id);		/* the session goes on */
	close(s);
	rig_end(&r);
}
END_TEST

/* 50,000 recipients do not fit into a packet: the block comes in a memfd. */
START_TEST(a_large_envelope_comes_in_a_memfd)
{
	enum { N = 5000 };
	struct rcpt *rcpt = calloc(N, sizeof *rcpt);
	struct envelope env = { .rcpt = rcpt, .nrcpt = N };
	struct msg_commit c = { .msg_len = strlen(text), .msg_crc = crc32c(0, text, strlen(text)) };
	struct rig r;
	struct qfile q;
	struct buf block;
	struct err e;
	int s, fd;

	for (int i = 0; i < N; i++)
		rcpt[i].addr = span_str("somebody.with.a.name@example.org");
	buf_init(&block, ENV_MAX);
	ck_assert_int_eq(envelope_encode(&env, &block, &e), 0);
	ck_assert_uint_gt(block.n, MSG_MAX);
	rig_new(&r, STRATEGY_JOURNAL);
	s = rig_session(&r);
	client_open(s, text, c.id, &fd);
	close(fd);
	c.env_len = (uint32_t)block.n;
	fd = memfd_create("envelope", MFD_CLOEXEC);
	ck_assert_int_eq(write(fd, block.p, block.n), (ssize_t)block.n);
	ck_assert_int_eq(ipc_send(s, &c.h, MSG_COMMIT, 1, sizeof c, &fd, 1, &e), 0);
	close(fd);
	ck_assert(rig_get(s, &g));
	ck_assert_uint_eq(g.type, MSG_COMMITTED);
	fd = open_final(&r, c.id, O_RDONLY);
	ck_assert_int_eq(qfile_open(fd, &q, &e), 0);
	ck_assert_uint_eq(q.nslot, N);
	close(fd);
	close(s);
	buf_free(&block);
	free(rcpt);
	rig_end(&r);
}
END_TEST

START_TEST(unknown_ids_and_double_commits)
{
	static const char unknown[QID_SIZE] = "0123456789abcdef";
	struct rig r;
	char id[QID_SIZE], other[QID_SIZE];
	int s, s2, fd;

	rig_new(&r, STRATEGY_JOURNAL);
	s = rig_session(&r);
	s2 = rig_session(&r);
	client_commit(s, unknown, text, 1);
	ck_assert_uint_eq(refused(s)->kind, ERR_TEMP);
	client_open(s, text, id, &fd);
	close(fd);
	client_commit(s2, id, text, 1);		/* another session's */
	ck_assert_uint_eq(refused(s2)->kind, ERR_TEMP);
	kill(rig_worker(&r), SIGSTOP);
	client_commit(s, id, text, 1);
	client_commit(s, id, text, 1);		/* while it waits for the disk */
	ck_assert(!rig_get(s, &g));
	kill(rig_worker(&r), SIGCONT);
	client_send(s2, text, 1, other);
	ck_assert(!rig_has(&r, "HH", id));	/* never answered: undone */
	close(s);
	close(s2);
	rig_end(&r);
}
END_TEST

START_TEST(abandon_and_loss_leave_nothing)
{
	struct rig r;
	struct msg_id m = { .id = "" };
	struct err e;
	int s, fd;

	rig_new(&r, STRATEGY_JOURNAL);
	s = rig_session(&r);
	client_open(s, text, m.id, &fd);
	close(fd);
	ck_assert(rig_has(&r, "tmp", m.id));
	ck_assert_int_eq(ipc_send(s, &m.h, MSG_ABANDON, 1, sizeof m, NULL, 0, &e), 0);
	client_open(s, text, m.id, &fd);	/* answered after the ABANDON was done */
	ck_assert_uint_eq(rig_count(&r, "tmp"), 1);
	close(fd);
	close(s);				/* killed in the middle */
	for (int i = 0; i < 200 && rig_count(&r, "tmp") > 0; i++)
		usleep(10000);
	ck_assert_uint_eq(rig_count(&r, "tmp"), 0);
	rig_end(&r);
}
END_TEST

/* Killed after COMMIT, before its answer: the client has no 250, so the message must not be there. */
START_TEST(a_session_killed_while_it_waits)
{
	struct rig r;
	char id[QID_SIZE], first[QID_SIZE], last[QID_SIZE];
	int s, s2, fd;

	rig_new(&r, strategies[_i]);
	s = rig_session(&r);
	s2 = rig_session(&r);
	if (strategies[_i] != STRATEGY_EACH)
		kill(rig_worker(&r), SIGSTOP);
	client_open(s2, text, first, &fd);
	close(fd);
	client_commit(s2, first, text, 1);
	usleep(50000);				/* in the worker's hands: id waits behind it */
	client_open(s, text, id, &fd);
	close(fd);
	client_commit(s, id, text, 1);
	close(s);
	usleep(50000);
	if (strategies[_i] != STRATEGY_EACH)
		kill(rig_worker(&r), SIGCONT);
	ck_assert(rig_get(s2, &g));
	ck_assert_uint_eq(g.type, MSG_COMMITTED);
	client_send(s2, text, 1, last);
	ck_assert(!rig_has(&r, "tmp", id));
	if (strategies[_i] != STRATEGY_EACH)	/* there a free worker may have been quicker */
		ck_assert(!rig_has(&r, "HH", id));
	close(s2);
	rig_end(&r);
}
END_TEST

START_TEST(a_limit_on_open_messages)
{
	struct rig r;
	struct msg_open o = { .size = 1 };
	char id[QID_SIZE];
	struct err e;
	int s, fd;

	rig_new(&r, STRATEGY_JOURNAL);
	s = rig_session(&r);
	for (int i = 0; i < SESSION_OPEN_MAX; i++) {
		client_open(s, text, id, &fd);
		close(fd);
	}
	ck_assert_int_eq(ipc_send(s, &o.h, MSG_OPEN, 9, sizeof o, NULL, 0, &e), 0);
	ck_assert_uint_eq(refused(s)->kind, ERR_TEMP);
	client_commit(s, id, text, 1);
	ck_assert(rig_get(s, &g));
	client_open(s, text, id, &fd);		/* room again */
	close(fd);
	close(s);
	rig_end(&r);
}
END_TEST

START_TEST(what_a_session_may_not_say)
{
	struct msg_hdr h;
	struct rig r;
	struct err e;
	char id[QID_SIZE];
	int s, ok;

	rig_new(&r, STRATEGY_JOURNAL);
	s = rig_session(&r);
	ok = rig_session(&r);
	ck_assert_int_eq(ipc_send(s, &h, MSG_MARK, 1, sizeof h, NULL, 0, &e), 0);
	ck_assert(!rig_get(s, &g));
	client_send(ok, text, 1, id);
	close(s);
	close(ok);
	rig_end(&r);
}
END_TEST

START_TEST(the_reserve_is_kept_for_bounces)
{
	struct msg_open o = { .size = 1, .reserve = 1 };
	struct rig r;
	struct err e;
	char id[QID_SIZE];
	int s;

	rig_new(&r, STRATEGY_JOURNAL);
	rig_stop(&r);
	r.reserve = 100;
	rig_boot(&r);
	s = rig_session(&r);
	ck_assert_int_eq(ipc_send(s, &o.h, MSG_OPEN, 1, sizeof o, NULL, 0, &e), 0);
	ck_assert_str_eq(refused(s)->dsn, "4.3.1");	/* a session's claim does not count */
	ck_assert_int_eq(ipc_send(r.bounce, &o.h, MSG_OPEN, 2, sizeof o, NULL, 0, &e), 0);
	ck_assert(rig_get(r.bounce, &g));
	ck_assert_uint_eq(g.type, MSG_OPENED);
	memcpy(id, ((struct msg_id *)(void *)g.packet)->id, QID_SIZE);
	ck_assert_int_eq(write(g.fd, "x", 1), 1);
	close(g.fd);
	client_commit(r.bounce, id, "x", 1);
	ck_assert(rig_get(r.bounce, &g));
	ck_assert_uint_eq(g.type, MSG_COMMITTED);
	close(s);
	rig_end(&r);
}
END_TEST

/* A full disk shows as the tail cannot be written (here: a limit on the size of files). */
START_TEST(no_space_is_451_and_work_goes_on)
{
	struct rig r;
	char id[QID_SIZE], ok[QID_SIZE];
	char *big = calloc(1, 8001);
	int s, fd;

	rig_new(&r, STRATEGY_JOURNAL);
	rig_stop(&r);
	r.file_max = 8192;
	rig_boot(&r);
	memset(big, 'x', 8000);
	s = rig_session(&r);
	client_open(s, big, id, &fd);
	close(fd);
	client_commit(s, id, big, 8);
	ck_assert_str_eq(refused(s)->dsn, "4.3.1");
	ck_assert(!rig_has(&r, "tmp", id));
	client_send(s, text, 1, ok);
	close(s);
	free(big);
	rig_end(&r);
}
END_TEST

START_TEST(no_descriptors_is_451_and_work_goes_on)
{
	struct rlimit all, none;
	struct msg_open o = { .size = 1 };
	struct rig r;
	struct err e;
	char id[QID_SIZE];
	int s, fd;

	rig_new(&r, STRATEGY_JOURNAL);
	s = rig_session(&r);
	client_send(s, text, 1, id);
	ck_assert_int_eq(prlimit(r.pid, RLIMIT_NOFILE, NULL, &all), 0);
	none = all;
	none.rlim_cur = 3;
	client_open(s, text, id, &fd);
	close(fd);
	ck_assert_int_eq(prlimit(r.pid, RLIMIT_NOFILE, &none, NULL), 0);
	ck_assert_int_eq(ipc_send(s, &o.h, MSG_OPEN, 1, sizeof o, NULL, 0, &e), 0);
	ck_assert_str_eq(refused(s)->dsn, "4.3.0");
	client_commit(s, id, text, 1);
	ck_assert_str_eq(refused(s)->dsn, "4.3.0");
	ck_assert_uint_eq(rig_count(&r, "tmp"), 0);
	ck_assert_int_eq(prlimit(r.pid, RLIMIT_NOFILE, &all, NULL), 0);
	client_send(s, text, 1, id);
	close(s);
	rig_end(&r);
}
END_TEST

START_TEST(a_killed_worker_refuses_its_batch)
{
	struct rig r;
	char id[QID_SIZE], next[QID_SIZE];
	int s, fd;
	pid_t w;

	rig_new(&r, _i == 0 ? STRATEGY_JOURNAL : STRATEGY_FS);
	s = rig_session(&r);
	client_send(s, text, 1, id);
	w = rig_worker(&r);
	kill(w, SIGSTOP);
	client_open(s, text, id, &fd);
	close(fd);
	client_commit(s, id, text, 1);
	ck_assert(rig_silent(s, 100));
	kill(w, SIGKILL);
	ck_assert_str_eq(refused(s)->dsn, "4.3.0");
	ck_assert(!rig_has(&r, "tmp", id) && !rig_has(&r, "HH", id));
	client_send(s, text, 1, next);		/* by another worker */
	ck_assert_int_ne(rig_worker(&r), w);
	close(s);
	rig_end(&r);
}
END_TEST

/* A name that is there is never overwritten, whatever went wrong with clocks or logs. */
START_TEST(a_taken_name_is_refused)
{
	struct rig r;
	char id[QID_SIZE], path[PATH_SIZE], kept[8] = "";
	int s, fd, there;

	rig_new(&r, STRATEGY_JOURNAL);
	s = rig_session(&r);
	client_open(s, text, id, &fd);
	close(fd);
	path_final(id, path);
	there = openat(r.dir_fd, path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ck_assert_int_eq(write(there, "first", 5), 5);
	client_commit(s, id, text, 1);
	ck_assert_uint_eq(refused(s)->kind, ERR_TEMP);
	ck_assert_int_eq(pread(there, kept, 5, 0), 5);
	ck_assert_str_eq(kept, "first");
	ck_assert(rig_has(&r, "HH", id));
	close(there);
	close(s);
	rig_end(&r);
}
END_TEST

START_TEST(restart_clears_tmp_and_keeps_the_rest)
{
	struct rig r;
	char id[QID_SIZE], lost[QID_SIZE], after[QID_SIZE];
	int s, fd;

	rig_new(&r, strategies[_i]);
	s = rig_session(&r);
	client_send(s, text, 1, id);
	client_open(s, text, lost, &fd);
	close(fd);
	rig_kill(&r);
	close(s);
	ck_assert(rig_has(&r, "tmp", lost));
	rig_boot(&r);
	s = rig_session(&r);
	client_send(s, text, 1, after);
	ck_assert(!rig_has(&r, "tmp", lost));
	ck_assert(rig_has(&r, "HH", id));
	ck_assert_int_gt(strcmp(after, id), 0);
	close(s);
	rig_end(&r);
}
END_TEST

/* The clock went back while the queue was down: IDs go on behind the largest in the log. */
START_TEST(ids_grow_over_restarts_and_clock_steps)
{
	static const char future[QID_SIZE] = "7000000000000000";
	struct rig r;
	char line[LOGLINE + 1], id[QID_SIZE];
	int s, log;

	rig_new(&r, strategies[_i]);
	rig_stop(&r);
	log = openat(r.dir_fd, "log", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	logline_make(line, '+', future);
	ck_assert_int_eq(write(log, line, LOGLINE), LOGLINE);
	ck_assert_int_eq(write(log, "+vvvvvvvvvvvvvvvv00000000\n", 26), 26);	/* torn: no CRC */
	close(log);
	rig_boot(&r);
	s = rig_session(&r);
	client_send(s, text, 1, id);
	ck_assert_int_gt(strcmp(id, future), 0);
	ck_assert_int_lt(strncmp(id, "7000001", 7), 0);
	close(s);
	rig_stop(&r);
	r.no_qmgr = false;
	rig_boot(&r);
	s = rig_session(&r);
	char again[QID_SIZE];
	client_send(s, text, 1, again);
	ck_assert_int_gt(strcmp(again, id), 0);
	close(s);
	rig_end(&r);
}
END_TEST

START_TEST(one_queue_per_directory)
{
	static struct queue q;
	struct loop l;
	struct rig r;
	struct err e = { 0 };
	struct queue_options opt = { .strategy = STRATEGY_JOURNAL };
	char id[QID_SIZE];
	int s;

	rig_new(&r, STRATEGY_JOURNAL);
	s = rig_session(&r);
	client_send(s, text, 1, id);
	ck_assert_int_eq(loop_init(&l, &e), 0);
	ck_assert_int_eq(queue_start(&q, &l, r.dir_fd, &opt, &e), -1);
	ck_assert_ptr_nonnull(strstr(e.what, "another accord-queue"));
	loop_free(&l);
	close(s);
	rig_end(&r);
}
END_TEST

START_TEST(without_qmgr_mail_is_taken)
{
	struct rig r;
	char id[QID_SIZE];
	int s;

	rig_new(&r, STRATEGY_JOURNAL);
	rig_stop(&r);
	r.no_qmgr = true;
	rig_boot(&r);
	s = rig_session(&r);
	client_send(s, text, 1, id);
	ck_assert(rig_has(&r, "HH", id));
	close(s);
	rig_end(&r);
}
END_TEST

/* STOP: what is in flight is answered. */
START_TEST(stop_answers_what_is_in_flight)
{
	struct rig r;
	char id[QID_SIZE];
	int s, fd;
	pid_t w;

	rig_new(&r, STRATEGY_JOURNAL);
	s = rig_session(&r);
	w = rig_worker(&r);
	kill(w, SIGSTOP);
	client_open(s, text, id, &fd);
	close(fd);
	client_commit(s, id, text, 1);
	usleep(50000);
	close(r.life);
	usleep(50000);
	kill(w, SIGCONT);
	ck_assert(rig_get(s, &g));
	ck_assert_uint_eq(g.type, MSG_COMMITTED);
	r.life = dup(s);
	close(s);
	rig_end(&r);
}
END_TEST

/* What the sandbox allows is enough: commit, mark, a worker killed and made anew from inside it. */
START_TEST(confined_it_does_all_of_it)
{
	struct rig r;
	struct msg_id bad = { .id = "" };
	struct err e;
	char id[QID_SIZE], lost[QID_SIZE];
	int s, fd;
	pid_t w;

	rig_new(&r, strategies[_i]);
	rig_stop(&r);
	r.confined = true;
	rig_boot(&r);
	s = rig_session(&r);
	client_send(s, text, 2, id);
	client_send(s, text, 1, bad.id);
	qmgr_mark(&r, id, 0, SLOT_DELIVERED);
	ck_assert(!qmgr_marked(&r, id));
	w = rig_worker(&r);
	kill(w, SIGKILL);
	client_open(s, text, lost, &fd);
	close(fd);
	usleep(1300000);		/* the marks' flush; the worker anew */
	for (int i = 0; i < 2 * EACH_WORKERS; i++)
		client_send(s, text, 1, lost);
	ck_assert_int_ne(rig_worker(&r), w);
	qmgr_mark(&r, id, 1, SLOT_DELIVERED);
	ck_assert(qmgr_marked(&r, id));
	ck_assert_int_eq(ipc_send(r.qmgr, &bad.h, MSG_BADFILE, 1, sizeof bad, NULL, 0, &e), 0);
	qmgr_mark(&r, bad.id, 0, SLOT_DELIVERED);
	ck_assert(qmgr_marked(&r, bad.id));
	ck_assert(rig_has(&r, "bad", bad.id));
	close(s);
	usleep(1300000);
	rig_end(&r);
}
END_TEST

Suite *suite_queue(void);
Suite *
suite_queue(void)
{
	Suite *s = suite_create("queue");
	TCase *tc = tcase_create("commit");

	tcase_add_loop_test(tc, commit_makes_a_whole_file, 0, NSTRATEGY);
	tcase_add_test(tc, many_sessions_share_a_flush);
	tcase_add_loop_test(tc, a_writer_left_is_refused, 0, 3);
	tcase_add_test(tc, a_wrong_length_is_refused);
	tcase_add_loop_test(tc, a_malformed_envelope_is_refused, 0,
	    sizeof bad_blocks / sizeof *bad_blocks);
	tcase_add_test(tc, a_large_envelope_comes_in_a_memfd);
	tcase_add_test(tc, unknown_ids_and_double_commits);
	tcase_add_test(tc, abandon_and_loss_leave_nothing);
	tcase_add_loop_test(tc, a_session_killed_while_it_waits, 0, NSTRATEGY);
	tcase_add_test(tc, a_limit_on_open_messages);
	tcase_add_test(tc, what_a_session_may_not_say);
	suite_add_tcase(s, tc);
	tc = tcase_create("faults");
	tcase_add_test(tc, the_reserve_is_kept_for_bounces);
	tcase_add_test(tc, no_space_is_451_and_work_goes_on);
	tcase_add_test(tc, no_descriptors_is_451_and_work_goes_on);
	tcase_add_test(tc, a_taken_name_is_refused);
	tcase_add_loop_test(tc, a_killed_worker_refuses_its_batch, 0, 2);
	suite_add_tcase(s, tc);
	tc = tcase_create("restart");
	tcase_add_loop_test(tc, restart_clears_tmp_and_keeps_the_rest, 0, NSTRATEGY);
	tcase_add_loop_test(tc, ids_grow_over_restarts_and_clock_steps, 0, NSTRATEGY);
	tcase_add_test(tc, one_queue_per_directory);
	tcase_add_test(tc, without_qmgr_mail_is_taken);
	tcase_add_test(tc, stop_answers_what_is_in_flight);
	tcase_add_loop_test(tc, confined_it_does_all_of_it, 0, NSTRATEGY);
	suite_add_tcase(s, tc);
	return s;
}
