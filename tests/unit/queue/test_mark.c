/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "tests/unit/queue/rig.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* The slots as they are on disk. */
static void
slots_of(const struct rig *r, const char *id, struct slot out[8])
{
	struct qfile q;
	struct slot *s;
	struct err e = { 0 };
	int fd = rig_open(r, id, O_RDONLY);

	ck_assert_msg(qfile_open(fd, &q, &e) == 0, "%s", e.what);
	ck_assert_int_eq(qfile_slots(fd, &q, &s, &e), 0);
	memcpy(out, s, q.nslot * sizeof *s);
	free(s);
	close(fd);
}

START_TEST(the_last_final_slot_unlinks)
{
	struct slot slot[8];
	struct rig r;
	char id[QID_SIZE];
	int s = rig_with_message(&r, rig_strategies[_i], 3, id);

	ck_assert(!qmgr_mark(&r, id, 1, SLOT_QUEUED));
	slots_of(&r, id, slot);
	ck_assert_uint_eq(slot[1].attempts, 3);
	ck_assert_uint_eq(slot[1].dead, 5);
	ck_assert_uint_eq(slot[1].since_s, 9);
	ck_assert_uint_eq(slot[1].next_us, 77);
	ck_assert_str_eq(slot[1].text, "later, please");
	ck_assert_uint_eq(slot[0].attempts, 0);
	ck_assert(!qmgr_mark(&r, id, 0, SLOT_DELIVERED));
	ck_assert(!qmgr_mark(&r, id, 2, SLOT_FAILED));	/* a report is due: not final */
	ck_assert(!qmgr_mark(&r, id, 2, SLOT_QUEUED));	/* a late one: it stays failed */
	ck_assert(!qmgr_mark(&r, id, 0, SLOT_DELIVERED));	/* said twice */
	ck_assert(!qmgr_mark(&r, id, 1, SLOT_REMOVED));
	slots_of(&r, id, slot);
	ck_assert_uint_eq(slot[0].state, SLOT_DELIVERED);
	ck_assert_uint_eq(slot[1].state, SLOT_REMOVED);
	ck_assert_uint_eq(slot[2].state, SLOT_FAILED);
	ck_assert(qmgr_mark(&r, id, 2, SLOT_BOUNCED));
	ck_assert(!rig_has(&r, "HH", id));
	ck_assert(qmgr_mark(&r, id, 2, SLOT_BOUNCED));	/* repeated after the answer was lost */
	close(s);
	rig_end(&r);
}
END_TEST

/* Held is not final: the file stays, over a restart too, and a released recipient goes on. */
START_TEST(a_held_slot_keeps_the_file)
{
	struct slot slot[8];
	struct rig r;
	char id[QID_SIZE];
	int s = rig_with_message(&r, rig_strategies[_i], 2, id);

	ck_assert(!qmgr_mark(&r, id, 0, SLOT_HELD));
	ck_assert(!qmgr_mark(&r, id, 1, SLOT_DELIVERED));
	rig_kill(&r);
	close(s);
	rig_boot(&r);
	slots_of(&r, id, slot);
	ck_assert_uint_eq(slot[0].state, SLOT_HELD);
	ck_assert(!qmgr_mark(&r, id, 1, SLOT_HELD));	/* done stays done */
	ck_assert(!qmgr_mark(&r, id, 0, SLOT_QUEUED));
	slots_of(&r, id, slot);
	ck_assert_uint_eq(slot[0].state, SLOT_QUEUED);
	ck_assert_uint_eq(slot[1].state, SLOT_DELIVERED);
	ck_assert(!qmgr_mark(&r, id, 0, SLOT_HELD));
	ck_assert(qmgr_mark(&r, id, 0, SLOT_REMOVED));
	ck_assert(!rig_has(&r, "HH", id));
	rig_end(&r);
}
END_TEST

START_TEST(marks_survive_a_restart)
{
	struct slot slot[8];
	struct rig r;
	char id[QID_SIZE];
	int s = rig_with_message(&r, rig_strategies[_i], 2, id);

	ck_assert(!qmgr_mark(&r, id, 0, SLOT_DELIVERED));
	rig_kill(&r);
	close(s);
	rig_boot(&r);
	slots_of(&r, id, slot);
	ck_assert_uint_eq(slot[0].state, SLOT_DELIVERED);
	ck_assert(!qmgr_mark(&r, id, 0, SLOT_QUEUED));	/* done stays done */
	slots_of(&r, id, slot);
	ck_assert_uint_eq(slot[0].state, SLOT_DELIVERED);
	ck_assert(qmgr_mark(&r, id, 1, SLOT_DELIVERED));	/* read from the file: two slots, one was done */
	ck_assert(!rig_has(&r, "HH", id));
	rig_end(&r);
}
END_TEST

/* A slot torn by a power cut is delivered again rather than lost. */
START_TEST(a_torn_slot_is_queued)
{
	struct slot slot[8];
	struct rig r;
	struct qfile q;
	struct err e;
	char id[QID_SIZE];
	int s = rig_with_message(&r, STRATEGY_JOURNAL, 2, id), fd;

	ck_assert(!qmgr_mark(&r, id, 0, SLOT_DELIVERED));
	rig_kill(&r);
	close(s);
	fd = rig_open(&r, id, O_RDWR);
	ck_assert_int_eq(qfile_open(fd, &q, &e), 0);
	ck_assert_int_eq(pwrite(fd, "torn", 4, (off_t)q.slots_off + 40), 4);
	close(fd);
	rig_boot(&r);
	slots_of(&r, id, slot);
	ck_assert_uint_eq(slot[0].state, SLOT_QUEUED);
	ck_assert(!qmgr_mark(&r, id, 1, SLOT_DELIVERED));	/* slot 0 is to be delivered yet */
	ck_assert(qmgr_mark(&r, id, 0, SLOT_DELIVERED));
	rig_end(&r);
}
END_TEST

START_TEST(bad_files_are_kept_apart)
{
	struct rig r;
	struct msg_id m = { .id = "" };
	struct err e;
	char other[QID_SIZE];
	int s = rig_with_message(&r, STRATEGY_JOURNAL, 1, m.id), fd;

	client_send(s, rig_text, 1, other);
	ck_assert_int_eq(ipc_send(r.qmgr, &m.h, MSG_BADFILE, 1, sizeof m, NULL, 0, &e), 0);
	rig_kill(&r);		/* the queue may not have read it: see below */
	close(s);
	fd = rig_open(&r, other, O_RDWR);
	ck_assert_int_eq(ftruncate(fd, 100), 0);
	close(fd);
	rig_boot(&r);
	ck_assert_int_eq(ipc_send(r.qmgr, &m.h, MSG_BADFILE, 1, sizeof m, NULL, 0, &e), 0);
	ck_assert(qmgr_mark(&r, other, 0, SLOT_DELIVERED));	/* found out by the queue itself */
	ck_assert(rig_has(&r, "bad", m.id) && !rig_has(&r, "HH", m.id));
	ck_assert(rig_has(&r, "bad", other) && !rig_has(&r, "HH", other));
	rig_end(&r);
}
END_TEST

START_TEST(a_bad_file_may_have_both_names)
{
	struct rig r;
	struct msg_id m = { .id = "" };
	struct err e;
	char from[PATH_SIZE], to[PATH_SIZE];
	int s = rig_with_message(&r, STRATEGY_EACH, 1, m.id);

	path_final(m.id, from);
	path_bad(m.id, to);
	ck_assert_int_eq(linkat(r.dir_fd, from, r.dir_fd, to, 0), 0);
	ck_assert_int_eq(ipc_send(r.qmgr, &m.h, MSG_BADFILE, 1, sizeof m, NULL, 0, &e), 0);
	ck_assert(qmgr_mark(&r, m.id, 0, SLOT_QUEUED));	/* it is gone from there */
	ck_assert(rig_has(&r, "bad", m.id) && !rig_has(&r, "HH", m.id));
	close(s);
	rig_end(&r);
}
END_TEST

static const struct { const char *name; uint32_t slot; uint8_t state; const char *id; } wrong[] = {
	{ "slot", 1, SLOT_DELIVERED, NULL },
	{ "far slot", UINT32_MAX, SLOT_DELIVERED, NULL },
	{ "state", 0, SLOT_STATES, NULL },
	{ "id", 0, SLOT_DELIVERED, "../../../etc/pw" },
	{ "long id", 0, SLOT_DELIVERED, "0123456789abcdefg" },
};

START_TEST(wrong_marks_cut_qmgr_off)
{
	static struct got g;
	struct rig r;
	char id[QID_SIZE];
	int s = rig_with_message(&r, STRATEGY_JOURNAL, 1, id);

	qmgr_new(&r, id);
	if (wrong[_i].id != NULL) {
		memset(id, 0, sizeof id);
		memcpy(id, wrong[_i].id, strlen(wrong[_i].id));
	}
	qmgr_mark_send(&r, id, wrong[_i].slot, wrong[_i].state);
	ck_assert_msg(!rig_get(r.qmgr, &g), "%s", wrong[_i].name);
	client_send(s, rig_text, 1, id);		/* mail is taken all the same */
	close(s);
	rig_end(&r);
}
END_TEST

/* A passing fault must not lose a result: it is written when the fault has passed. */
START_TEST(a_mark_is_tried_again)
{
	struct rig r;
	char id[QID_SIZE];
	int s = rig_with_message(&r, STRATEGY_JOURNAL, 2, id);

	qmgr_new(&r, id);
	rig_descriptors(&r, false);
	qmgr_mark_send(&r, id, 0, SLOT_DELIVERED);
	ck_assert(rig_silent(r.qmgr, 2 * RETRY_MS + 500));	/* it fails more than once */
	rig_descriptors(&r, true);
	ck_assert(!qmgr_marked(&r, id));
	close(s);
	rig_end(&r);
}
END_TEST

static struct mark
mark_for(const char *id, uint32_t number, uint32_t slot, uint8_t state)
{
	struct mark m = { .number = number, .slot = slot, .state = state };

	memcpy(m.id, id, QID_SIZE);
	return m;
}

#ifndef ACCORD_SAN	/* whose own memory has no such limit */
/* Nor to one that comes when there is no memory left for anything. */
START_TEST(a_mark_is_kept_without_memory)
{
	static struct mark m[MSG_MARKS_MAX];
	struct rlimit memory, none;
	struct rig r;
	char id[QID_SIZE];
	int s;

	/* the queue inherits it: no heap has room for so many marks */
	ck_assert(mallopt(M_MMAP_THRESHOLD, 4096) == 1 && mallopt(M_TOP_PAD, 0) == 1);
	malloc_trim(0);
	s = rig_with_message(&r, STRATEGY_JOURNAL, 8, id);
	qmgr_new(&r, id);
	for (uint32_t i = 0; i < MSG_MARKS_MAX; i++)
		m[i] = mark_for(id, 7, i % 8, i % 8 == 0 ? SLOT_QUEUED : SLOT_DELIVERED);
	rig_descriptors(&r, false);
	qmgr_marks(&r, m, MSG_MARKS_MAX);
	ck_assert(rig_silent(r.qmgr, RETRY_MS / 2));
	ck_assert_int_eq(prlimit(r.pid, RLIMIT_AS, NULL, &memory), 0);
	none = memory;
	none.rlim_cur = 1;
	ck_assert_int_eq(prlimit(r.pid, RLIMIT_AS, &none, NULL), 0);
	ck_assert(rig_silent(r.qmgr, 2 * RETRY_MS));
	ck_assert_int_eq(prlimit(r.pid, RLIMIT_AS, &memory, NULL), 0);
	rig_descriptors(&r, true);
	ck_assert(!qmgr_marked(&r, id));
	close(s);
	rig_end(&r);
}
END_TEST
#endif

/* Several messages' marks in one packet, one of which is done: one answer, in order. */
START_TEST(marks_of_several_messages)
{
	static struct got g;
	const struct msg_marked *answer = (const struct msg_marked *)(const void *)g.packet;
	struct slot slot[8];
	struct mark m[5];
	struct rig r;
	char id[3][QID_SIZE];
	int s = rig_with_session(&r, STRATEGY_JOURNAL);

	for (int i = 0; i < 3; i++) {
		client_send(s, rig_text, 2, id[i]);
		qmgr_new(&r, id[i]);
	}
	m[0] = mark_for(id[0], 10, 1, SLOT_DELIVERED);
	m[1] = mark_for(id[1], 11, 0, SLOT_DELIVERED);
	m[2] = mark_for(id[1], 11, 1, SLOT_DELIVERED);
	m[3] = mark_for(id[2], 12, 0, SLOT_FAILED);
	m[4] = mark_for(id[2], 13, 1, SLOT_QUEUED);	/* another job's */
	qmgr_marks(&r, m, 5);
	ck_assert_uint_eq(rig_get(r.qmgr, &g), MSG_MARKED);
	ck_assert_uint_eq(answer->n, 4);
	for (uint32_t i = 0; i < 4; i++) {
		ck_assert_uint_eq(answer->marked[i].number, 10 + i);
		ck_assert_str_eq(answer->marked[i].id, id[i < 3 ? i : 2]);
		ck_assert_uint_eq(answer->marked[i].gone, i == 1);
	}
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(rig_has(&r, "final", id[i]), i != 1);
	slots_of(&r, id[0], slot);
	ck_assert(slot[0].state == SLOT_QUEUED && slot[1].state == SLOT_DELIVERED);
	slots_of(&r, id[2], slot);
	ck_assert(slot[0].state == SLOT_FAILED && slot[1].state == SLOT_QUEUED);
	ck_assert(rig_silent(r.qmgr, 50));
	close(s);
	rig_end(&r);
}
END_TEST

/* A packet is judged before anything is done about its first mark. */
START_TEST(a_wrong_mark_spoils_its_packet)
{
	static const char outside[QID_SIZE] = "../../etc/passwd";
	struct slot slot[8];
	struct mark m[2];
	struct rig r;
	char id[QID_SIZE];
	static struct got g;
	int s = rig_with_message(&r, STRATEGY_JOURNAL, 2, id);

	qmgr_new(&r, id);
	m[0] = mark_for(id, 1, 0, SLOT_DELIVERED);
	m[1] = mark_for(_i == 0 ? id : outside, 2, 1, _i == 0 ? SLOT_STATES : SLOT_DELIVERED);
	qmgr_marks(&r, m, 2);
	ck_assert(!rig_get(r.qmgr, &g));		/* cut off */
	slots_of(&r, id, slot);
	ck_assert_uint_eq(slot[0].state, SLOT_QUEUED);
	close(s);
	rig_end(&r);
}
END_TEST

/* No commit comes along: marks and removed names are flushed within a second or so all the same. */
START_TEST(marks_are_flushed_by_themselves)
{
	struct stat before, after;
	struct rig r;
	char id[QID_SIZE];
	int s = rig_with_message(&r, STRATEGY_JOURNAL, 1 + _i, id);

	ck_assert_int_eq(fstatat(r.dir_fd, "log", &before, 0), 0);
	ck_assert(qmgr_mark(&r, id, 0, SLOT_DELIVERED) == (_i == 0));
	for (int i = 0; i < 300; i++) {
		ck_assert_int_eq(fstatat(r.dir_fd, "log", &after, 0), 0);
		if (after.st_size != before.st_size)
			break;
		usleep(10000);
	}
	ck_assert_int_gt(after.st_size, before.st_size);
	usleep(1300000);			/* and then there is nothing left to flush */
	ck_assert_int_eq(fstatat(r.dir_fd, "log", &before, 0), 0);
	ck_assert_int_eq(after.st_size, before.st_size);
	close(s);
	rig_end(&r);
}
END_TEST

START_TEST(a_killed_worker_leaves_marks_to_the_next)
{
	struct rig r;
	char id[QID_SIZE];
	pid_t w;
	int s = rig_with_message(&r, STRATEGY_JOURNAL, 2, id);

	w = rig_worker(&r);
	kill(w, SIGSTOP);
	ck_assert(!qmgr_mark(&r, id, 0, SLOT_DELIVERED));	/* results do not wait for the disk */
	usleep(1300000);			/* the batch of marks is in its hands */
	kill(w, SIGKILL);
	client_send(s, rig_text, 1, id);
	ck_assert_int_ne(rig_worker(&r), w);
	close(s);
	rig_end(&r);
}
END_TEST

Suite *suite_mark(void);
Suite *
suite_mark(void)
{
	Suite *s = suite_create("mark");
	TCase *tc = tcase_create("mark");

	tcase_add_loop_test(tc, the_last_final_slot_unlinks, 0, RIG_STRATEGIES);
	tcase_add_loop_test(tc, a_held_slot_keeps_the_file, 0, RIG_STRATEGIES);
	tcase_add_loop_test(tc, marks_survive_a_restart, 0, RIG_STRATEGIES);
	tcase_add_test(tc, a_torn_slot_is_queued);
	tcase_add_test(tc, bad_files_are_kept_apart);
	tcase_add_test(tc, a_bad_file_may_have_both_names);
	tcase_add_loop_test(tc, wrong_marks_cut_qmgr_off, 0, sizeof wrong / sizeof *wrong);
	tcase_add_test(tc, a_mark_is_tried_again);
#ifndef ACCORD_SAN
	tcase_add_test(tc, a_mark_is_kept_without_memory);
#endif
	tcase_add_test(tc, marks_of_several_messages);
	tcase_add_loop_test(tc, a_wrong_mark_spoils_its_packet, 0, 2);
	tcase_add_loop_test(tc, marks_are_flushed_by_themselves, 0, 2);
	tcase_add_test(tc, a_killed_worker_leaves_marks_to_the_next);
	suite_add_tcase(s, tc);
	return s;
}
