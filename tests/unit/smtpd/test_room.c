/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "smtpd/room.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static struct clients table;
static struct room room;

static struct netaddr
addr(const char *text)
{
	struct netaddr a = { { 0 }, 0 };
	struct err e;

	ck_assert_int_eq(netaddr_parse(span_str(text), &a, &e), 0);
	return a;
}

/* fd of whoever had to go, -1: nobody, -2: the newcomer. */
static int
enter(int fd, const char *text, int64_t now)
{
	struct netaddr a = addr(text);
	struct waiting *out;
	int gone = -1;

	if (room_enter(&room, &table, fd, 0, &a, now, &out) == -1)
		return -2;
	if (out != NULL)
		gone = out->fd;
	free(out);
	return gone;
}

static int
fd_of(struct waiting *w)
{
	int fd = w != NULL ? w->fd : -1;

	free(w);
	return fd;
}

static void
sessions(const char *text, int n)
{
	const struct clients_limits max = { 1000, 1000, 1000 };
	struct netaddr a = addr(text);

	while (n-- > 0)
		ck_assert_ptr_null(clients_enter(&table, &a, 0, &max, 0));
}

START_TEST(the_rarest_come_first)
{
	sessions("192.0.2.1", 3);
	sessions("198.51.100.1", 1);
	ck_assert_int_eq(enter(1, "192.0.2.1", 0), -1);
	ck_assert_int_eq(enter(2, "192.0.2.9", 0), -1);
	ck_assert_int_eq(enter(3, "198.51.100.1", 0), -1);
	ck_assert_int_eq(enter(4, "198.51.100.2", 0), -1);
	ck_assert_int_eq(enter(5, "203.0.113.1", 0), -1);
	ck_assert_int_eq(enter(6, "203.0.113.2", 0), -1);
	ck_assert_int_eq(fd_of(room_next(&room, &table)), 5);	/* no session at all, and first */
	sessions("203.0.113.1", 2);
	ck_assert_int_eq(fd_of(room_next(&room, &table)), 4);	/* its network one, itself none */
	ck_assert_int_eq(fd_of(room_next(&room, &table)), 3);
	ck_assert_int_eq(fd_of(room_next(&room, &table)), 6);
	ck_assert_int_eq(fd_of(room_next(&room, &table)), 2);
	ck_assert_int_eq(fd_of(room_next(&room, &table)), 1);
	ck_assert_int_eq(fd_of(room_next(&room, &table)), -1);
	ck_assert_uint_eq(room.n, 0);
}
END_TEST

/* One network fills the room: others push its last ones out, its own do not get in. */
START_TEST(a_crowd_makes_way)
{
	char text[40];

	for (int i = 0; i < ROOM_MAX; i++) {
		snprintf(text, sizeof text, "192.0.2.%d", i % 250);
		ck_assert_int_eq(enter(i, text, 0), -1);
	}
	ck_assert_int_eq(enter(1000, "192.0.2.251", 0), -2);
	ck_assert_uint_eq(room.n, ROOM_MAX);
	ck_assert_int_eq(enter(1001, "198.51.100.1", 0), ROOM_MAX - 1);
	ck_assert_int_eq(enter(1002, "198.51.100.1", 0), ROOM_MAX - 2);
	ck_assert_uint_eq(room.n, ROOM_MAX);
	sessions("192.0.2.1", 5);
	ck_assert_int_eq(fd_of(room_next(&room, &table)), 1001);
}
END_TEST

START_TEST(nobody_waits_for_ever)
{
	ck_assert_int_eq(enter(1, "192.0.2.1", 0), -1);
	ck_assert_int_eq(enter(2, "192.0.2.2", 10), -1);
	ck_assert_int_eq(fd_of(room_late(&room, &table, ROOM_WAIT_MS - 1)), -1);
	ck_assert_int_eq(fd_of(room_late(&room, &table, ROOM_WAIT_MS)), 1);
	ck_assert_int_eq(fd_of(room_late(&room, &table, ROOM_WAIT_MS)), -1);
	ck_assert_int_eq(fd_of(room_late(&room, &table, ROOM_WAIT_MS + 10)), 2);
	for (size_t i = 0; i < CLIENTS_BUCKETS; i++)
		ck_assert_ptr_null(table.bucket[i]);
}
END_TEST

Suite *suite_room(void);
Suite *
suite_room(void)
{
	Suite *s = suite_create("room");
	TCase *tc = tcase_create("room");

	tcase_add_test(tc, the_rarest_come_first);
	tcase_add_test(tc, a_crowd_makes_way);
	tcase_add_test(tc, nobody_waits_for_ever);
	suite_add_tcase(s, tc);
	return s;
}
