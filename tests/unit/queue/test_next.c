/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* COMMITTED with the file of a session's next message. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/queue/rig.h"

static const char text[] = "Subject: next\r\n\r\nand another\r\n";
static struct rig r;
static struct got g;

/* The answer to a COMMIT of that message: its next ID, "" for none. */
static const char *
committed(int sock, const char *id)
{
	const struct msg_committed *m = (const struct msg_committed *)(const void *)g.packet;

	ck_assert_uint_eq(rig_get(sock, &g), MSG_COMMITTED);
	ck_assert_str_eq(m->id, id);
	ck_assert_int_eq(m->next[0] != '\0', g.fd != -1);
	return m->next;
}

START_TEST(the_next_file_is_as_if_it_had_been_opened)
{
	char id[QID_SIZE], second[QID_SIZE];
	int s = rig_with_session(&r, STRATEGY_JOURNAL);

	client_put(s, text, id);
	client_commit_next(s, id, text, 1);
	memcpy(second, committed(s, id), QID_SIZE);
	ck_assert(qid_ok(second) && strcmp(second, id) > 0);
	ck_assert(rig_has(&r, "tmp", second));
	ck_assert_int_eq(fcntl(g.fd, F_GETFL) & O_ACCMODE, O_WRONLY);
	ck_assert_int_eq(write(g.fd, text, strlen(text)), (ssize_t)strlen(text));
	close(g.fd);
	client_commit(s, second, text, 2);
	ck_assert_str_eq(committed(s, second), "");
	ck_assert(rig_has(&r, "final", second));
	ck_assert_uint_eq(rig_count(&r, "tmp"), 0);
	close(s);
	rig_end(&r);
}
END_TEST

/* It goes with its session, or when that says so. */
START_TEST(a_next_file_that_nobody_writes_goes)
{
	char id[QID_SIZE];
	struct msg_id drop = { .id = "" };
	struct err e;
	int s = rig_with_session(&r, STRATEGY_JOURNAL);

	client_put(s, text, id);
	client_commit_next(s, id, text, 1);
	memcpy(drop.id, committed(s, id), QID_SIZE);
	close(g.fd);
	ck_assert_uint_eq(rig_count(&r, "tmp"), 1);
	if (_i == 0)
		ck_assert_int_eq(ipc_send(s, &drop.h, MSG_ABANDON, 0, sizeof drop, NULL, 0, &e), 0);
	else
		close(s);
	for (int i = 0; i < 500 && rig_count(&r, "tmp") > 0; i++)
		usleep(10000);
	ck_assert_uint_eq(rig_count(&r, "tmp"), 0);
	if (_i == 0)
		close(s);
	rig_end(&r);
}
END_TEST

/* What OPEN would refuse now it does not get with an answer either: the message itself is committed. */
START_TEST(a_full_disk_gives_no_next_file)
{
	char id[QID_SIZE];

	rig_new(&r, STRATEGY_JOURNAL);
	rig_stop(&r);
	r.reserve = 100;
	rig_boot(&r);
	for (int i = 0; i < 2; i++) {		/* bounce may use the reserve, but does not say so for the next */
		bounce_put(&r, text, id);
		client_commit_next(r.bounce, id, text, 1);
		ck_assert_str_eq(committed(r.bounce, id), "");
	}
	rig_end(&r);
}
END_TEST

/* So many as a session may have open, and no more. */
START_TEST(a_session_has_no_more_open_by_it)
{
	char id[SESSION_OPEN_MAX][QID_SIZE];
	int s = rig_with_session(&r, STRATEGY_JOURNAL);

	for (int i = 0; i < SESSION_OPEN_MAX; i++)
		client_put(s, text, id[i]);
	client_commit_next(s, id[0], text, 1);
	ck_assert_str_eq(committed(s, id[0]), "");	/* its own place is not free yet */
	client_commit_next(s, id[1], text, 1);
	ck_assert_str_ne(committed(s, id[1]), "");
	close(g.fd);
	close(s);
	rig_end(&r);
}
END_TEST

Suite *suite_next(void);
Suite *
suite_next(void)
{
	Suite *s = suite_create("next");
	TCase *tc = tcase_create("next");

	tcase_add_test(tc, the_next_file_is_as_if_it_had_been_opened);
	tcase_add_loop_test(tc, a_next_file_that_nobody_writes_goes, 0, 2);
	tcase_add_test(tc, a_full_disk_gives_no_next_file);
	tcase_add_test(tc, a_session_has_no_more_open_by_it);
	suite_add_tcase(s, tc);
	return s;
}
