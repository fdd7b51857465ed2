/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "start/logger.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/ipc.h"
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

/* logger_run in a process of its own, which does not have writer, the other end of in. */
static pid_t
run_on(int in, int writer, int out)
{
	pid_t pid = fork();

	if (pid == 0) {
		close(writer);
		logger_run(in, out);
		_exit(0);
	}
	close(in);
	close(out);
	return pid;
}

/* Whoever started us gave a pipe that does not block: a reader that is late loses nothing by that. */
START_TEST(a_pipe_that_does_not_block)
{
	enum { LINES = 150 };		/* more than the pipe holds; the rest fits into the socket */
	char line[100];
	static char got[LINES * 100 + 1];
	int pair[2], out[2];
	size_t n = 0;
	ssize_t r;
	struct err e;
	pid_t pid;

	ck_assert_int_eq(ipc_pair(pair, &e), 0);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	ck_assert_int_ge(fcntl(out[1], F_SETPIPE_SZ, 4096), 4096);
	ck_assert_int_eq(fcntl(out[1], F_SETFL, O_NONBLOCK), 0);
	memset(line, 'x', sizeof line);
	pid = run_on(pair[0], pair[1], out[1]);
	for (int i = 0; i < LINES; i++)
		if (send(pair[1], line, sizeof line - 1, 0) == -1)
			ck_abort_msg("send");
	usleep(200000);
	close(pair[1]);
	while ((r = read(out[0], got + n, sizeof got - n)) > 0)
		n += (size_t)r;
	ck_assert_uint_eq(n, LINES * 100);
	waitpid(pid, NULL, 0);
}
END_TEST

/* 100 lines of 99 octets: whole lines in order, many a write, and none above what a pipe takes whole. */
START_TEST(lines_share_a_write)
{
	int log[2], out[2], writes = 0, lines = 0, status;
	char line[100], got[8192];
	ssize_t n;
	pid_t pid;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, log), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, out), 0);
	for (int i = 0; i < 100; i++) {
		snprintf(line, sizeof line, "%-98d\n", i);
		ck_assert_int_eq(send(log[1], line, 99, 0), 99);
	}
	pid = run_on(log[0], log[1], out[1]);
	close(log[1]);
	while ((n = recv(out[0], got, sizeof got, 0)) > 0) {
		writes++;
		ck_assert_int_le(n, 4096);
		ck_assert_int_eq(n % 99, 0);
		for (ssize_t at = 0; at < n; at += 99, lines++) {
			snprintf(line, sizeof line, "%-98d\n", lines);
			ck_assert_mem_eq(got + at, line, 99);
		}
	}
	ck_assert_int_eq(lines, 100);
	ck_assert_int_le(writes, 5);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	close(out[0]);
}
END_TEST

/* The pause is for lines that follow another; it holds none back for long, and loses none. */
START_TEST(no_line_waits_for_others)
{
	struct logger l;
	int fd, in = begin(&l, &fd);
	char got[20];

	for (int i = 0; i < 50; i++) {
		int64_t start = clock_ms();

		ck_assert_int_eq(send(fd, "alone\n", 6, 0), 6);
		ck_assert_int_eq(read(in, got, sizeof got), 6);
		ck_assert_int_lt(clock_ms() - start, 500);	/* a few; the machine may be busy */
	}
	close(fd);
	ck_assert_int_eq(read(in, got, sizeof got), 0);
	waitpid(l.pid, NULL, 0);
	close(in);
}
END_TEST

/* Killed while the pipe is full, it leaves whole lines. */
START_TEST(a_kill_cuts_no_line)
{
	static char got[1 << 20];
	char line[700];
	int log[2], out[2];
	size_t n = 0;
	ssize_t r;
	pid_t pid;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, log), 0);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	memset(line, 'x', sizeof line);
	for (int i = 0; i < 100; i++)		/* more than a pipe holds */
		ck_assert_int_eq(send(log[1], line, sizeof line, MSG_DONTWAIT), sizeof line);
	pid = run_on(log[0], log[1], out[1]);
	usleep(100000);
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	while ((r = read(out[0], got + n, sizeof got - n)) > 0)
		n += (size_t)r;
	ck_assert_uint_gt(n, 30000);
	ck_assert_uint_lt(n, 100 * sizeof line);
	ck_assert_uint_eq(n % (sizeof line + 1), 0);
	close(out[0]);
	close(log[1]);
}
END_TEST

/* All that was sent so far has been dealt with: the empty packet is of a batch after it. */
static void
settle(int fd)
{
	int left = 1;

	for (int i = 0; i < 2; i++) {
		if (i > 0)
			ck_assert_int_eq(send(fd, "", 0, 0), 0);
		while (ioctl(fd, SIOCOUTQ, &left) == 0 && left > 0)
			usleep(1000);
	}
}

static void
say(int fd, const char *line)
{
	ck_assert_int_eq(send(fd, line, strlen(line), 0), strlen(line));
	settle(fd);
}

/* The line that tells of n lost ones begins there: what follows it. */
static const char *
after_loss(const char *at, int n, const char *why)
{
	char want[100];
	const char *end = strchr(at, '\n');

	snprintf(want, sizeof want, "event=not-written dropped=%d why=\"%s\"\n", n, why);
	ck_assert_msg(strncmp(at, "ts=", 3) == 0 && end != NULL, "%s", at);
	ck_assert_msg(end + 1 - at > (ptrdiff_t)strlen(want) &&
	    memcmp(end + 1 - strlen(want), want, strlen(want)) == 0, "%s", at);
	return end + 1;
}

/* No room within the second line, for four; then there is some: none is joined to another, each lost one counts. */
START_TEST(a_full_disk_is_told_of)
{
	struct rlimit room = { 15, 100000 };
	char got[1000] = "";
	FILE *file = tmpfile();
	int log[2], out, status;
	const char *at = got;
	pid_t pid;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, log), 0);
	signal(SIGXFSZ, SIG_IGN);
	out = dup(fileno(file));
	ck_assert_int_eq(fcntl(out, F_SETFL, O_APPEND), 0);
	pid = run_on(log[0], log[1], out);
	ck_assert_int_eq(prlimit(pid, RLIMIT_FSIZE, &room, NULL), 0);
	say(log[1], "the first");
	say(log[1], "the second result=done");
	say(log[1], "the third");
	say(log[1], "the fourth");
	room.rlim_cur = 16;		/* the newline, and no more */
	ck_assert_int_eq(prlimit(pid, RLIMIT_FSIZE, &room, NULL), 0);
	say(log[1], "the fifth");
	room.rlim_cur = room.rlim_max;
	ck_assert_int_eq(prlimit(pid, RLIMIT_FSIZE, &room, NULL), 0);
	say(log[1], "the sixth");
	say(log[1], "the seventh");
	close(log[1]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_gt(pread(fileno(file), got, sizeof got - 1, 0), 0);
	ck_assert_int_eq(strncmp(at, "the first\nthe s\n", 16), 0);
	at = after_loss(at + 16, 4, strerror(EFBIG));
	ck_assert_str_eq(at, "the sixth\nthe seventh\n");
	fclose(file);
}
END_TEST

/* Nobody reads the pipe for a while, and again at the end: each time it is told when somebody does. */
START_TEST(a_pipe_without_a_reader)
{
	char path[] = "/tmp/test-logger-XXXXXX", fifo[100], got[1000] = "";
	int log[2], in, out;
	const char *at = got;
	pid_t pid;

	ck_assert_ptr_nonnull(mkdtemp(path));
	snprintf(fifo, sizeof fifo, "%s/log", path);
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, log), 0);
	signal(SIGPIPE, SIG_IGN);
	in = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	out = open(fifo, O_WRONLY | O_CLOEXEC);
	close(in);
	pid = run_on(log[0], log[1], out);
	say(log[1], "one");
	say(log[1], "two");
	in = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	say(log[1], "three");
	ck_assert_int_gt(read(in, got, sizeof got - 1), 0);
	ck_assert_str_eq(after_loss(at, 2, strerror(EPIPE)), "three\n");
	close(in);
	say(log[1], "four");
	memset(got, 0, sizeof got);
	in = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	close(log[1]);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_int_gt(read(in, got, sizeof got - 1), 0);
	ck_assert_str_eq(after_loss(at, 1, strerror(EPIPE)), "");
	close(in);
	unlink(fifo);
	rmdir(path);
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
	tcase_add_test(tc, lines_share_a_write);
	tcase_add_test(tc, a_pipe_that_does_not_block);
	tcase_add_test(tc, no_line_waits_for_others);
	tcase_add_test(tc, a_kill_cuts_no_line);
	tcase_add_test(tc, a_full_disk_is_told_of);
	tcase_add_test(tc, a_pipe_without_a_reader);
	suite_add_tcase(s, tc);
	return s;
}
