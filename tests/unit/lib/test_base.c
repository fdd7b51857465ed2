/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* Errors, buffers, cursors, clocks and the quoting of log values. */
#include "lib/buf.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/cur.h"
#include "lib/log.h"

START_TEST(errors_carry_kind_code_and_context)
{
	struct err e = { 0 };

	ck_assert_int_eq(err_set(&e, ERR_PERM, "5.6.1", "a\r\nb %d", 7), -1);
	ck_assert_str_eq(e.what, "a??b 7");
	ck_assert_int_eq(err_in(&e, "part %s", "1.2"), -1);
	ck_assert_str_eq(e.what, "part 1.2: a??b 7");
	ck_assert_str_eq(e.dsn, "5.6.1");
	errno = ENOSPC;
	err_sys(&e, "file");
	ck_assert_int_eq(e.kind, ERR_TEMP);
	ck_assert_int_eq(e.sys, ENOSPC);
	ck_assert_str_eq(e.dsn, "4.3.1");
	errno = EACCES;
	err_sys(&e, "file");
	ck_assert_str_eq(e.dsn, "4.3.0");
	err_set(&e, ERR_TEMP, NULL, "x");
	ck_assert_str_eq(e.dsn, "4.0.0");
}
END_TEST

START_TEST(a_long_error_is_cut_and_ended)
{
	char text[2000];
	struct err e = { 0 };

	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	err_set(&e, ERR_PERM, "5.0.0", "%s", text);
	err_in(&e, "%s", text);
	ck_assert_uint_eq(strlen(e.what), sizeof e.what - 1);
}
END_TEST

START_TEST(a_buffer_keeps_its_ceiling_and_what_it_had)
{
	struct err e = { 0 };
	struct buf b;

	buf_init(&b, 10);
	ck_assert_int_eq(buf_add_str(&b, "12345678", &e), 0);
	ck_assert_int_eq(buf_add_str(&b, "9ab", &e), -1);
	ck_assert_int_eq(e.kind, ERR_PERM);
	ck_assert(span_is(buf_view(&b), "12345678"));
	ck_assert_int_eq(buf_add_u16le(&b, 0x4142, &e), 0);
	ck_assert(span_is(buf_view(&b), "12345678BA"));
	buf_eat(&b, 8);
	ck_assert(span_is(buf_view(&b), "BA"));
	buf_eat(&b, 100);
	ck_assert_uint_eq(b.n, 0);
	buf_free(&b);
	buf_free(&b);
	buf_init(&b, 100);
	ck_assert_int_eq(buf_addf(&b, &e, "%s-%d", "x", 12), 0);
	ck_assert(span_is(buf_view(&b), "x-12"));
	buf_free(&b);
}
END_TEST

START_TEST(a_cursor_sticks_where_it_failed)
{
	static const unsigned char bytes[] = { 1, 2, 3, 4, 5 };
	struct cur c = cur_of(span_of(bytes, sizeof bytes));

	ck_assert_uint_eq(cur_u16be(&c), 0x0102);
	ck_assert_uint_eq(cur_u16le(&c), 0x0403);
	ck_assert_uint_eq(cur_u32le(&c), 0);		/* one octet is left */
	ck_assert(c.bad);
	ck_assert_int_eq(cur_byte(&c), -1);
	ck_assert_uint_eq(cur_rest(&c).n, 0);
	c = cur_of(span_of(NULL, 0));
	ck_assert_int_eq(cur_peek(&c), -1);
	ck_assert(!c.bad);
}
END_TEST

/* RFC 3339, 5.6, in UTC. */
static const struct { const char *in; bool is; int64_t us; } times[] = {
	{ "2026-11-22T01:12:06Z", true, 1795309926000000 }, { "2026-11-22T01:12:06.5Z", true, 1795309926500000 },
	{ "2026-11-22T01:12:06.0045678Z", true, 1795309926004567 }, { "1970-01-01T00:00:00Z", true, 0 },
	{ "2000-02-29T00:00:00Z", true, 951782400000000 }, { "2001-02-29T00:00:00Z", false, 0 },
	{ "2026-11-31T00:00:00Z", false, 0 }, { "2026-13-01T00:00:00Z", false, 0 }, { "2026-00-01T00:00:00Z", false, 0 },
	{ "2026-11-22T24:00:00Z", false, 0 }, { "2026-11-22T01:60:00Z", false, 0 }, { "2026-11-22T01:12:06", false, 0 },
	{ "2026-11-22T01:12:06.Z", false, 0 }, { "2026-11-22T01:12:06.5", false, 0 }, { "2026-11-22T01:12:06.x5Z", false, 0 },
	{ "2026-11-22T01:12:06.5Zx", false, 0 }, { "2026-11-22T01:12:06Zx", false, 0 },
	{ "2026-11-22T01:12:06+01:00", false, 0 }, { "2026-11-22 01:12:06Z", false, 0 }, { "026-11-22T01:12:06Z", false, 0 },
	{ "", false, 0 }, { "2026", false, 0 }, { "-026-11-22T01:12:06Z", false, 0 },
};

START_TEST(times_are_read)
{
	int64_t us = -1;

	ck_assert_msg(clock_iso_read(span_str(times[_i].in), &us) == times[_i].is, "%s", times[_i].in);
	ck_assert(!times[_i].is || us == times[_i].us);
}
END_TEST

START_TEST(dates_are_those_of_the_standards)
{
	char out[40];

	clock_rfc5322(1795309926000000, out, sizeof out);
	ck_assert_str_eq(out, "Sun, 22 Nov 2026 01:12:06 +0000");
	clock_iso(1795309926004567, out, sizeof out);
	ck_assert_str_eq(out, "2026-11-22T01:12:06.004Z");
	clock_rfc5322(951782400000000, out, sizeof out);
	ck_assert_str_eq(out, "Tue, 29 Feb 2000 00:00:00 +0000");
}
END_TEST

START_TEST(both_clocks_follow_the_offset)
{
	int64_t shift = 0, mono, wall;
	int fd = memfd_create("clock", 0);

	ck_assert_int_eq(write(fd, &shift, sizeof shift), sizeof shift);
	ck_assert_int_eq(clock_wait_ms(100000), 100000);
	ck_assert_int_eq(clock_shift(fd), 0);
	mono = clock_ms();
	wall = clock_us();
	shift = 5000;
	ck_assert_int_eq(pwrite(fd, &shift, sizeof shift, 0), sizeof shift);
	ck_assert_int_ge(clock_ms() - mono, 5000);
	ck_assert_int_ge(clock_us() - wall, 5000000);
	ck_assert_int_lt(clock_ms() - mono, 6000);
	ck_assert_int_le(clock_wait_ms(100000), 100);	/* or a step would go unseen */
	ck_assert_int_le(clock_wait_ms(-1), 100);
	close(fd);
}
END_TEST

static const struct { const char *in, *want; } quoted[] = {
	{ "plain", "\"plain\"" },
	{ "a \"b\" \\", "\"a \\\"b\\\" \\\\\"" },
	{ "x\r\nts=forged", "\"x\\x0d\\x0ats=forged\"" },
	{ "\x1b[31m\x7f\xc3\xa4", "\"\\x1b[31m\\x7f\\xc3\\xa4\"" },
	{ "", "\"\"" },
};

START_TEST(log_values_cannot_forge_a_line)
{
	ck_assert_str_eq(log_q(quoted[_i].in), quoted[_i].want);
}
END_TEST

START_TEST(a_log_line_is_one_packet_with_its_keys_in_order)
{
	char line[4096];
	const char *at;
	ssize_t n;
	int fd[2];

	ck_assert_int_eq(pipe(fd), 0);
	fflush(stderr);
	int keep = dup(2);
	dup2(fd[1], 2);
	log_open("tests");
	log_line(LOG_WARN, "0123456789abcdef", "event", "from=%s", log_q("a\nb"));
	dup2(keep, 2);
	n = read(fd[0], line, sizeof line - 1);
	ck_assert_int_gt(n, 0);
	line[n] = '\0';
	ck_assert_ptr_eq(strchr(line, '\n'), line + n - 1);
	ck_assert_int_eq(strncmp(line, "ts=", 3), 0);
	ck_assert_ptr_nonnull(at = strstr(line, " level=warn proc=tests["));
	ck_assert_ptr_nonnull(strstr(at, "] id=0123456789abcdef event=event from=\"a\\x0ab\""));
}
END_TEST

/* The number is asked for once; a child that was forked asks anew. */
START_TEST(a_child_logs_under_its_own_number)
{
	char line[1000] = "", want[40];
	int fd[2], keep = dup(2);
	pid_t pid;
	ssize_t n;

	ck_assert_int_eq(pipe(fd), 0);
	dup2(fd[1], 2);
	log_line(LOG_INFO, NULL, "parent", "");
	pid = fork();
	if (pid == 0) {
		log_line(LOG_INFO, NULL, "child", "");
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	dup2(keep, 2);
	n = read(fd[0], line, sizeof line - 1);
	ck_assert_int_gt(n, 0);
	snprintf(want, sizeof want, "[%d] id=- event=parent\n", (int)getpid());
	ck_assert_ptr_nonnull(strstr(line, want));
	snprintf(want, sizeof want, "[%d] id=- event=child\n", (int)pid);
	ck_assert_ptr_nonnull(strstr(line, want));
}
END_TEST

Suite *suite_base(void);
Suite *
suite_base(void)
{
	Suite *s = suite_create("base");
	TCase *tc = tcase_create("base");

	tcase_add_loop_test(tc, times_are_read, 0, sizeof times / sizeof *times);
	tcase_add_test(tc, errors_carry_kind_code_and_context);
	tcase_add_test(tc, a_long_error_is_cut_and_ended);
	tcase_add_test(tc, a_buffer_keeps_its_ceiling_and_what_it_had);
	tcase_add_test(tc, a_cursor_sticks_where_it_failed);
	tcase_add_test(tc, dates_are_those_of_the_standards);
	tcase_add_test(tc, both_clocks_follow_the_offset);
	tcase_add_loop_test(tc, log_values_cannot_forge_a_line, 0, sizeof quoted / sizeof *quoted);
	tcase_add_test(tc, a_log_line_is_one_packet_with_its_keys_in_order);
	tcase_add_test(tc, a_child_logs_under_its_own_number);
	suite_add_tcase(s, tc);
	return s;
}
