/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/ipc.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/msg.h"

/* A request was given up; what is answered to it later is not the answer to the next one. */
START_TEST(a_late_answer_is_passed_over)
{
	struct { struct msg_hdr h; uint32_t number; } m = { .number = 0 }, reply;
	int pair[2], fds[MSG_FDS];
	struct err e = { 0 };
	uint32_t first;
	size_t len;

	ck_assert_int_eq(ipc_pair(pair, &e), 0);
	ck_assert_int_eq(ipc_call(pair[0], &m.h, MSG_OPEN, sizeof m, NULL, 0, &reply, sizeof reply, &len,
	    fds, 10, &e), -1);
	ck_assert_int_eq(e.sys, ETIMEDOUT);
	ck_assert_int_eq(ipc_recv(pair[1], &reply, sizeof reply, &len, fds, &e), 1);
	first = reply.h.id;
	for (uint32_t i = 0; i < 2; i++) {	/* the answers to both stand ready */
		m.number = i + 1;
		ck_assert_int_eq(ipc_send(pair[1], &m.h, MSG_OPENED, first + i, sizeof m, NULL, 0, &e), 0);
	}
	ck_assert_int_eq(ipc_call(pair[0], &m.h, MSG_OPEN, sizeof m, NULL, 0, &reply, sizeof reply, &len,
	    fds, 1000, &e), 1);
	ck_assert_uint_eq(reply.number, 2);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

/* One descriptor more than any packet has: refused, and none is kept. */
START_TEST(too_many_descriptors_are_refused)
{
	enum { N = MSG_FDS + 1 };
	union { char buf[CMSG_SPACE(sizeof(int) * N)]; struct cmsghdr align; } control = { .buf = "" };
	struct msg_hdr h = { ipc_build(), MSG_OPEN, 1, sizeof h }, got;
	struct iovec iov = { &h, sizeof h };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf,
	    .msg_controllen = sizeof control.buf };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	int pair[2], fds[MSG_FDS], null = open("/dev/null", O_RDONLY), probe;
	struct err e = { 0 };
	size_t len;

	ck_assert_int_eq(ipc_pair(pair, &e), 0);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int) * N);
	for (int i = 0; i < N; i++)
		memcpy(CMSG_DATA(c) + (size_t)i * sizeof null, &null, sizeof null);
	ck_assert_int_eq(sendmsg(pair[1], &m, 0), sizeof h);
	probe = dup(null);
	close(probe);
	ck_assert_int_eq(ipc_recv(pair[0], &got, sizeof got, &len, fds, &e), -1);
	ck_assert_int_eq(e.kind, ERR_PROTO);
	ck_assert_int_eq(fds[0], -1);
	ck_assert_int_eq(dup(null), probe);	/* the lowest free one is the same */
	close(probe);
	close(null);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

Suite *suite_ipc(void);
Suite *
suite_ipc(void)
{
	Suite *s = suite_create("ipc");
	TCase *tc = tcase_create("ipc");

	tcase_add_test(tc, a_late_answer_is_passed_over);
	tcase_add_test(tc, too_many_descriptors_are_refused);
	suite_add_tcase(s, tc);
	return s;
}
