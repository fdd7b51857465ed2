/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* The next message's file comes with the answer to COMMIT, once a client has shown that it brings more. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/clock.h"
#include "tests/unit/smtpd/rig.h"

static struct rig r;
static int64_t *shift_ms;

static void
setup(void)
{
	shift_ms = test_clock();
	rig_init(&r);
	r.give_next = true;
	rig_start(&r);
	rig_talk(&r, "EHLO client.example\r\n", "220", "250-", NULL);
}

static void
teardown(void)
{
	rig_end(&r);
}

/* A message of one line, announced with so many octets: the queue has it as it was. */
static void
message(const char *size, const char *line)
{
	char text[100];

	snprintf(text, sizeof text, "MAIL FROM:<a@b.example>%s%s\r\nRCPT TO:<joe@example.com>\r\nDATA\r\n",
	    *size != '\0' ? " SIZE=" : "", size);
	rig_talk(&r, text, "250 2.1.0", "250 2.1.5", "354", NULL);
	snprintf(text, sizeof text, "%s\r\n.\r\n", line);
	rig_talk(&r, text, "250 2.0.0", NULL);
	ck_assert_uint_gt(r.message.n, strlen(line) + 2);
	ck_assert_int_eq(memcmp(r.message.p + r.message.n - strlen(line) - 2, line, strlen(line)), 0);
	ck_assert_ptr_nonnull(memmem(r.message.p, r.message.n, r.id, QID_LEN));
	ck_assert(!r.writer_left);
}

START_TEST(from_the_second_message_on_the_file_comes_with_the_answer)
{
	message("", "one");
	ck_assert_uint_eq(r.wanted, 0);		/* most clients bring one */
	message("", "two");
	message("", "three");
	message("", "four");
	ck_assert_uint_eq(r.opened, 2);
	ck_assert_uint_eq(r.wanted, 3);
	rig_client(&r);				/* in the client's next session too */
	rig_talk(&r, "EHLO client.example\r\n", "220", "250-", NULL);
	message("", "five");
	ck_assert_uint_eq(r.opened, 2);
	ck_assert_uint_eq(r.abandoned, 0);
}
END_TEST

/* Of a large one queue has to hear before its octets come. */
START_TEST(a_large_message_is_announced_to_queue)
{
	message("", "one");
	message("", "two");
	message("1048576", "three");
	ck_assert_uint_eq(r.opened, 2);
	message("1048577", "four");
	ck_assert_uint_eq(r.opened, 3);
	ck_assert_uint_eq(r.open_size, 1048577);
	ck_assert_uint_eq(r.abandoned, 1);
}
END_TEST

START_TEST(a_file_that_has_waited_is_not_used)
{
	message("", "one");
	message("", "two");
	*shift_ms += LINK_NEXT_MS;
	message("", "three");
	ck_assert_uint_eq(r.opened, 3);
	ck_assert_uint_eq(r.abandoned, 1);
}
END_TEST

/* The file went with queue; no client is told so. */
START_TEST(a_queue_that_is_gone_is_asked_anew)
{
	message("", "one");
	message("", "two");
	close(r.queue);
	r.queue = -1;
	message("", "three");
	ck_assert_uint_eq(r.opened, 3);
	ck_assert_uint_eq(r.fresh, 1);
}
END_TEST

START_TEST(a_queue_that_gives_none_is_asked)
{
	r.give_next = false;
	message("", "one");
	message("", "two");
	message("", "three");
	ck_assert_uint_eq(r.opened, 3);
	ck_assert_uint_eq(r.wanted, 2);
}
END_TEST

Suite *suite_link(void);
Suite *
suite_link(void)
{
	Suite *s = suite_create("link");
	TCase *tc = tcase_create("link");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, from_the_second_message_on_the_file_comes_with_the_answer);
	tcase_add_test(tc, a_large_message_is_announced_to_queue);
	tcase_add_test(tc, a_file_that_has_waited_is_not_used);
	tcase_add_test(tc, a_queue_that_is_gone_is_asked_anew);
	tcase_add_test(tc, a_queue_that_gives_none_is_asked);
	suite_add_tcase(s, tc);
	return s;
}
