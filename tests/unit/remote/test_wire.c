/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "remote/wire.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/ipc.h"
#include "tests/unit/suites.h"

/* Two connected stream sockets; ours does not block. */
static int
wire_pair(struct wire *w, int parent)
{
	int fd[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	ck_assert_int_eq(fcntl(fd[0], F_SETFL, O_NONBLOCK), 0);
	wire_init(w, parent);
	w->fd = fd[0];
	return fd[1];
}

static const struct { const char *name, *pieces[3], *want; } datas[] = {
	{ "nothing", { "" }, ".\r\n" },
	{ "plain", { "a\r\nb\r\n" }, "a\r\nb\r\n.\r\n" },
	{ "a dot first", { ".\r\n" }, "..\r\n.\r\n" },
	{ "dots at lines' starts", { "a\r\n.b\r\n..\r\nc.\r\n" }, "a\r\n..b\r\n...\r\nc.\r\n.\r\n" },
	{ "no CRLF at the end", { "a" }, "a\r\n.\r\n" },
	{ "CR at the end", { "a\r" }, "a\r\r\n.\r\n" },
	{ "a dot at a piece's start", { "a\r\n", ".b\r\n" }, "a\r\n..b\r\n.\r\n" },
	{ "no line's start there", { "a", ".b\r\n" }, "a.b\r\n.\r\n" },
	{ "CR and LF in two pieces", { "a\r", "\n", "." }, "a\r\n..\r\n.\r\n" },
	{ "the end in two pieces", { "a\r", "\n" }, "a\r\n.\r\n" },
	{ "LF alone cannot smuggle", { "a\n.\nb\r\n" }, "a\n..\nb\r\n.\r\n" },
	{ "LF alone, then the end", { "a\n.\r\nMAIL\r\n" }, "a\n..\r\nMAIL\r\n.\r\n" },
};

START_TEST(dots_are_doubled)
{
	struct wire w;
	struct wire_data d;
	struct err e = { 0 };
	char got[200];
	size_t want = strlen(datas[_i].want), n = 0;
	int other = wire_pair(&w, -1);

	wire_data_start(&d, &w, 1000);
	for (int i = 0; i < 3 && datas[_i].pieces[i] != NULL; i++)
		ck_assert_int_eq(wire_data_put(&d, span_str(datas[_i].pieces[i]), &e), 0);
	ck_assert_int_eq(wire_data_end(&d, &e), 0);
	wire_close(&w);
	for (ssize_t r; (r = read(other, got + n, sizeof got - n)) > 0;)
		n += (size_t)r;
	ck_assert_msg(n == want && memcmp(got, datas[_i].want, n) == 0, "%s: %.*s", datas[_i].name, (int)n,
	    got);
	close(other);
	wire_free(&w);
}
END_TEST

/* More pieces and octets than a socket or a call takes; the hop talks meanwhile. */
START_TEST(much_data_goes_out)
{
	enum { LINES = 120000 };
	struct wire w;
	struct wire_data d;
	struct err e = { 0 };
	struct buf m;
	int other = wire_pair(&w, -1), status;
	pid_t pid;

	buf_init(&m, 4 << 20);
	for (int i = 0; i < LINES; i++)
		ck_assert_int_eq(buf_add_str(&m, i % 3 == 0 ? ".x\r\n" : "y\r\n", &e), 0);
	pid = fork();
	if (pid == 0) {
		size_t n = 0, want = m.n + LINES / 3 + 3;
		char in[4096];

		close(w.fd);
		for (ssize_t r; n < want && (r = read(other, in, sizeof in)) > 0;) {
			n += (size_t)r;
			/* not waiting: at the end nobody reads it any more */
			(void)send(other, "250-x\r\n", 7, MSG_DONTWAIT | MSG_NOSIGNAL);
		}
		_exit(n == want ? 0 : 1);
	}
	close(other);
	wire_data_start(&d, &w, 10000);
	ck_assert_int_eq(wire_data_put(&d, buf_view(&m), &e), 0);
	ck_assert_msg(wire_data_end(&d, &e) == 0, "%s", e.what);
	ck_assert_uint_eq(d.total, m.n);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	buf_free(&m);
	wire_free(&w);
}
END_TEST

START_TEST(replies_are_read_apart)
{
	struct wire w;
	struct reply r;
	struct err e = { 0 };
	int other = wire_pair(&w, -1);

	reply_init(&r);
	ck_assert_int_eq(write(other, "250-a\r\n250 b\r\n550 c\r\n25", 23), 23);
	ck_assert_int_eq(wire_reply(&w, &r, 1000, &e), 0);
	ck_assert_uint_eq(r.code, 250);
	ck_assert_int_eq(wire_reply(&w, &r, 1000, &e), 0);
	ck_assert_uint_eq(r.code, 550);
	ck_assert(wire_stirs(&w));
	close(other);
	ck_assert_int_eq(wire_reply(&w, &r, 1000, &e), -1);
	ck_assert_str_eq(e.dsn, "4.4.2");
	reply_free(&r);
	wire_free(&w);
}
END_TEST

/* The wait is for the whole reply: one octet now and then does not hold us. */
START_TEST(reply_has_a_ceiling_in_time)
{
	struct wire w;
	struct reply r;
	struct err e = { 0 };
	int other = wire_pair(&w, -1);
	int64_t start = clock_ms();
	pid_t pid = fork();

	if (pid == 0) {
		for (;;) {
			usleep(20000);
			if (write(other, "2", 1) != 1)
				_exit(0);
		}
	}
	reply_init(&r);
	ck_assert_int_eq(wire_reply(&w, &r, 200, &e), -1);
	ck_assert_str_eq(e.what, "timed out");
	ck_assert_int_lt(clock_ms() - start, 2000);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	reply_free(&r);
	close(other);
	wire_free(&w);
}
END_TEST

/* An inquiry's hop has so long in all, whatever the step may take. */
START_TEST(no_wait_goes_beyond_the_end)
{
	int64_t before = clock_ms();
	struct wire w;
	struct reply r;
	struct err e = { 0 };
	int other = wire_pair(&w, -1);

	reply_init(&r);
	w.until_ms = before + 50;
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(wire_reply(&w, &r, 300 * 1000, &e), -1);
		ck_assert_str_eq(e.what, "timed out");
	}
	ck_assert_int_lt(clock_ms() - before, 5000);
	reply_free(&r);
	close(other);
	wire_free(&w);
}
END_TEST

START_TEST(parent_that_goes_is_noticed)
{
	struct wire w;
	struct reply r;
	struct err e = { 0 };
	int up[2], other;

	ck_assert_int_eq(ipc_pair(up, &e), 0);
	other = wire_pair(&w, up[0]);
	close(up[1]);
	reply_init(&r);
	ck_assert_int_eq(wire_reply(&w, &r, 10000, &e), -1);
	ck_assert(w.orphan);
	reply_free(&r);
	close(other);
	close(up[0]);
	wire_free(&w);
}
END_TEST

START_TEST(nobody_listens)
{
	struct wire w;
	struct netaddr to = { .port = 1 };
	struct err e = { 0 };

	wire_init(&w, -1);
	memcpy(to.a, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1", 16);
	ck_assert_int_eq(wire_connect(&w, &to, 5000, &e), -1);
	ck_assert_str_eq(e.dsn, "4.4.1");
	ck_assert_int_eq(e.kind, ERR_TEMP);
	wire_free(&w);
}
END_TEST

Suite *suite_wire(void);

Suite *
suite_wire(void)
{
	Suite *s = suite_create("wire");
	TCase *tc = tcase_create("wire");

	tcase_add_loop_test(tc, dots_are_doubled, 0, (int)(sizeof datas / sizeof *datas));
	tcase_add_test(tc, much_data_goes_out);
	tcase_add_test(tc, replies_are_read_apart);
	tcase_add_test(tc, reply_has_a_ceiling_in_time);
	tcase_add_test(tc, no_wait_goes_beyond_the_end);
	tcase_add_test(tc, parent_that_goes_is_noticed);
	tcase_add_test(tc, nobody_listens);
	suite_add_tcase(s, tc);
	return s;
}
