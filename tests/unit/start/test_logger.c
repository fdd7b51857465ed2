/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "start/logger.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"

/* A logger whose lines come out of the pipe that is returned; *fd as logger_start. */
static int
begin(struct logger *l, int *fd)
{
	static struct accounts who;
	struct err e = { 0 };
	int out[2], real = dup(2);

	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	dup2(out[1], 2);
	ck_assert_int_eq(logger_start(l, &who, fd, &e), 0);
	dup2(real, 2);
	close(real);
	close(out[1]);
	close(l->out);		/* its copy is enough, and the pipe is to end with it */
	return out[0];
}

START_TEST(each_packet_is_one_line)
{
	char got[200] = "";
	size_t n = 0;
	ssize_t r;
	struct logger l;
	int fd, in = begin(&l, &fd), status;

	ck_assert_int_eq(send(fd, "one\n", 4, 0), 4);
	ck_assert_int_eq(send(fd, "", 0, 0), 0);		/* is not the end */
	ck_assert_int_eq(send(fd, "ts=1 \n\033[2Jforged", 16, 0), 16);
	close(fd);
	while ((r = read(in, got + n, sizeof got - 1 - n)) > 0)
		n += (size_t)r;
	ck_assert_str_eq(got, "one\nts=1 ??[2Jforged\n");
	ck_assert_int_eq(waitpid(l.pid, &status, 0), l.pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
END_TEST

/* Nobody reads the log: writers go on at once, and count what they dropped. */
START_TEST(a_stalled_reader_stops_nobody)
{
	static char got[4 << 20];
	int64_t start;
	struct logger l;
	int fd, in = begin(&l, &fd), real = dup(2);
	size_t n = 0;
	ssize_t r;

	dup2(fd, 2);
	close(fd);
	start = clock_ms();
	for (int i = 0; i < 20000; i++)
		log_line(LOG_INFO, NULL, "line", "text=%s", "0123456789012345678901234567890123456789");
	ck_assert_int_lt(clock_ms() - start, 5000);
	fcntl(in, F_SETFL, O_NONBLOCK);
	for (int i = 0; i < 200; i++, usleep(1000))
		while ((r = read(in, got + n, sizeof got - 1 - n)) > 0)
			n += (size_t)r;
	log_line(LOG_INFO, NULL, "last", "");
	dup2(real, 2);
	close(real);
	waitpid(l.pid, NULL, 0);
	while ((r = read(in, got + n, sizeof got - 1 - n)) > 0)
		n += (size_t)r;
	ck_assert_ptr_nonnull(strstr(got, "event=last dropped="));
}
END_TEST

Suite *suite_logger(void);
Suite *
suite_logger(void)
{
	Suite *s = suite_create("logger");
	TCase *tc = tcase_create("logger");

	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, each_packet_is_one_line);
	tcase_add_test(tc, a_stalled_reader_stops_nobody);
	suite_add_tcase(s, tc);
	return s;
}
