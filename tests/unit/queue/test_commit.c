/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* What sessions bring and ask for: whole, or refused and nothing left of it. */
#include "tests/unit/queue/rig.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static struct got g;

START_TEST(commit_makes_a_whole_file)
{
	struct rig r;
	struct qfile q;
	struct buf store;
	struct envelope env;
	struct err e = { 0 };
	char id[QID_SIZE], read_back[64];
	int s = rig_with_message(&r, rig_strategies[_i], 2, id), fd;

	qmgr_new(&r, id);
	ck_assert(!rig_has(&r, "tmp", id));
	fd = rig_open(&r, id, O_RDONLY);
	ck_assert_msg(qfile_open(fd, &q, &e) == 0, "%s", e.what);
	ck_assert_uint_eq(q.nslot, 2);
	ck_assert_int_eq(qfile_check(fd, &q, &e), 1);
	ck_assert_int_eq(pread(fd, read_back, strlen(rig_text), 0), (ssize_t)strlen(rig_text));
	ck_assert_mem_eq(read_back, rig_text, strlen(rig_text));
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
	int s[N];
	pid_t w;

	rig_new(&r, STRATEGY_JOURNAL);
	w = rig_worker(&r);
	kill(w, SIGSTOP);
	for (int i = 0; i < N; i++) {
		s[i] = rig_session(&r);
		client_put(s[i], rig_text, id[i]);
		client_commit(s[i], id[i], rig_text, 1);
	}
	ck_assert(rig_silent(s[0], 100));	/* no answer before the disk's */
	ck_assert(rig_silent(r.qmgr, 0));
	kill(w, SIGCONT);
	for (int i = 0; i < N; i++) {
		ck_assert_uint_eq(rig_get(s[i], &g), MSG_COMMITTED);
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

	s = rig_with_session(&r, STRATEGY_JOURNAL);
	other = rig_session(&r);
	fd = client_open(s, rig_text, id);
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
	client_commit(s, id, rig_text, 1);
	ck_assert_str_eq(rig_refused(s)->dsn, "4.3.0");
	ck_assert(!rig_get(s, &g));	/* cut off */
	ck_assert(!rig_has(&r, "tmp", id) && !rig_has(&r, "HH", id));
	if (_i == 0)
		close(fd);
	if (map != MAP_FAILED)
		munmap(map, 4096);
	close(s);
	client_send(other, rig_text, 1, id);	/* others go on */
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
	int s = rig_with_session(&r, STRATEGY_JOURNAL);

	client_put(s, "half of it", id);
	client_commit(s, id, rig_text, 1);
	ck_assert_str_eq(rig_refused(s)->dsn, "4.3.0");
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
	int s = rig_with_session(&r, STRATEGY_JOURNAL);

	client_put(s, rig_text, id);
	client_commit_block(s, id, strlen(rig_text), crc32c(0, rig_text, strlen(rig_text)),
	    span_of(bad_blocks[_i].block, bad_blocks[_i].n));
	ck_assert_msg(strcmp(rig_refused(s)->dsn, "5.3.5") == 0, "%s", bad_blocks[_i].name);
	ck_assert_uint_eq(rig_count(&r, "tmp"), 0);
	client_send(s, rig_text, 1, id);		/* the session goes on */
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
	struct msg_commit c = { .msg_len = strlen(rig_text), .msg_crc = crc32c(0, rig_text, strlen(rig_text)) };
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
	s = rig_with_session(&r, STRATEGY_JOURNAL);
	client_put(s, rig_text, c.id);
	c.env_len = (uint32_t)block.n;
	fd = memfd_create("envelope", MFD_CLOEXEC);
	ck_assert_int_eq(write(fd, block.p, block.n), (ssize_t)block.n);
	ck_assert_int_eq(ipc_send(s, &c.h, MSG_COMMIT, 1, sizeof c, &fd, 1, &e), 0);
	close(fd);
	ck_assert_uint_eq(rig_get(s, &g), MSG_COMMITTED);
	fd = rig_open(&r, c.id, O_RDONLY);
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
	int s = rig_with_session(&r, STRATEGY_JOURNAL), s2;

	s2 = rig_session(&r);
	client_commit(s, unknown, rig_text, 1);
	ck_assert_uint_eq(rig_refused(s)->kind, ERR_TEMP);
	client_put(s, rig_text, id);
	client_commit(s2, id, rig_text, 1);		/* another session's */
	ck_assert_uint_eq(rig_refused(s2)->kind, ERR_TEMP);
	kill(rig_worker(&r), SIGSTOP);
	client_commit(s, id, rig_text, 1);
	client_commit(s, id, rig_text, 1);		/* while it waits for the disk */
	ck_assert(!rig_get(s, &g));
	kill(rig_worker(&r), SIGCONT);
	client_send(s2, rig_text, 1, other);
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
	int s = rig_with_session(&r, STRATEGY_JOURNAL);

	client_put(s, rig_text, m.id);
	ck_assert(rig_has(&r, "tmp", m.id));
	ck_assert_int_eq(ipc_send(s, &m.h, MSG_ABANDON, 1, sizeof m, NULL, 0, &e), 0);
	client_put(s, rig_text, m.id);		/* answered after the ABANDON was done */
	ck_assert_uint_eq(rig_count(&r, "tmp"), 1);
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
	int s = rig_with_session(&r, rig_strategies[_i]), s2;

	s2 = rig_session(&r);
	if (rig_strategies[_i] != STRATEGY_EACH)
		kill(rig_worker(&r), SIGSTOP);
	client_put(s2, rig_text, first);
	client_commit(s2, first, rig_text, 1);
	usleep(50000);				/* in the worker's hands: id waits behind it */
	client_put(s, rig_text, id);
	client_commit(s, id, rig_text, 1);
	close(s);
	usleep(50000);
	if (rig_strategies[_i] != STRATEGY_EACH)
		kill(rig_worker(&r), SIGCONT);
	ck_assert_uint_eq(rig_get(s2, &g), MSG_COMMITTED);
	client_send(s2, rig_text, 1, last);
	ck_assert(!rig_has(&r, "tmp", id));
	if (rig_strategies[_i] != STRATEGY_EACH)	/* there a free worker may have been quicker */
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
	int s = rig_with_session(&r, STRATEGY_JOURNAL);

	for (int i = 0; i < SESSION_OPEN_MAX; i++)
		client_put(s, rig_text, id);
	ck_assert_int_eq(ipc_send(s, &o.h, MSG_OPEN, 9, sizeof o, NULL, 0, &e), 0);
	ck_assert_uint_eq(rig_refused(s)->kind, ERR_TEMP);
	client_commit(s, id, rig_text, 1);
	ck_assert(rig_get(s, &g));
	client_put(s, rig_text, id);		/* room again */
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
	int s = rig_with_session(&r, STRATEGY_JOURNAL), ok;

	ok = rig_session(&r);
	ck_assert_int_eq(ipc_send(s, &h, MSG_MARK, 1, sizeof h, NULL, 0, &e), 0);
	ck_assert(!rig_get(s, &g));
	client_send(ok, rig_text, 1, id);
	close(s);
	close(ok);
	rig_end(&r);
}
END_TEST
Suite *suite_commit(void);
Suite *
suite_commit(void)
{
	Suite *s = suite_create("commit");
	TCase *tc = tcase_create("commit");

	tcase_add_loop_test(tc, commit_makes_a_whole_file, 0, RIG_STRATEGIES);
	tcase_add_test(tc, many_sessions_share_a_flush);
	tcase_add_loop_test(tc, a_writer_left_is_refused, 0, 3);
	tcase_add_test(tc, a_wrong_length_is_refused);
	tcase_add_loop_test(tc, a_malformed_envelope_is_refused, 0,
	    sizeof bad_blocks / sizeof *bad_blocks);
	tcase_add_test(tc, a_large_envelope_comes_in_a_memfd);
	tcase_add_test(tc, unknown_ids_and_double_commits);
	tcase_add_test(tc, abandon_and_loss_leave_nothing);
	tcase_add_loop_test(tc, a_session_killed_while_it_waits, 0, RIG_STRATEGIES);
	tcase_add_test(tc, a_limit_on_open_messages);
	tcase_add_test(tc, what_a_session_may_not_say);
	suite_add_tcase(s, tc);
	return s;
}
