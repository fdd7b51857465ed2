/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/fuzz/fuzz_command.c - a session fed with anything, over a real socket, with queue and capd
 * away: every reply line is well formed and no longer than 512 octets, its enhanced code is of its
 * class, and each line of commands gets one reply, no more and no fewer, up to QUIT or a limit.
 */
#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "smtpd/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { MAX_IN = 16384 };	/* so that both directions fit into the sockets' buffers */

static struct conf conf;
static struct session s;

static void
set_up(void)
{
	static bool done;
	struct err e;

	if (done)
		return;
	done = true;
	if (conf_init(&conf, &e) == -1 || conf_set(&conf, CONF_ME, span_str("mx.example\n"), &e) == -1 ||
	    conf_set(&conf, CONF_RCPTHOSTS, span_str("example.com\n"), &e) == -1 ||
	    conf_set(&conf, CONF_LOCALS, span_str("# none\n"), &e) == -1)
		abort();
}

static bool
three_digits(struct span l)
{
	return l.n >= 4 && l.p[0] >= '2' && l.p[0] <= '5' && ascii_digit(l.p[1]) && ascii_digit(l.p[2]);
}

/* Final reply lines in what the client got; *last is the last one. */
static size_t
check_replies(struct span got, struct span *last)
{
	size_t finals = 0;

	*last = span_of(NULL, 0);

	while (got.n > 0) {
		size_t nl = span_find(got, '\n');
		struct span l = span_sub(got, 0, nl);

		assert(nl < got.n && nl + 1 <= REPLY_MAX && nl > 0 && l.p[nl - 1] == '\r');
		assert(three_digits(l) && (l.p[3] == ' ' || l.p[3] == '-'));
		for (size_t i = 0; i + 1 < l.n; i++)
			assert(l.p[i] >= 0x20 && l.p[i] < 0x7f);
		if (l.n > 6 && ascii_digit(l.p[4]) && l.p[5] == '.' && l.p[0] != '3')
			assert(l.p[4] == l.p[0]);
		else
			assert(l.p[0] == '3' || memcmp(l.p, "220", 3) == 0 || memcmp(l.p, "250", 3) == 0);
		finals += l.p[3] == ' ';
		*last = l;
		got = span_sub(got, nl + 1, got.n);
	}
	return finals;
}

/* Octets may follow a line that has this word; the session may end before its input does. */
static bool
says_bdat(struct span in)
{
	for (size_t i = 0; i + 4 <= in.n; i++)
		if (span_isi(span_sub(in, i, i + 4), "BDAT"))
			return true;
	return false;
}

static bool
ends_early(struct span last)
{
	return memcmp(last.p, "221", 3) == 0 || memmem(last.p, last.n, "too many", 8) != NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static unsigned char got[1 << 20];
	struct link l;
	struct listener listener = { .role = LISTEN_MX };
	int fd[2], big = 1 << 20;
	size_t have = 0, lines = 0, replies;
	struct span last;
	ssize_t r;

	set_up();
	link_init(&l, -1, -1, -1);
	l.timeout_s = 1;
	if (n > MAX_IN || socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == -1)
		return 0;
	setsockopt(fd[1], SOL_SOCKET, SO_SNDBUF, &big, sizeof big);
	if (n > 0 && send(fd[0], p, n, 0) != (ssize_t)n)
		abort();
	shutdown(fd[0], SHUT_WR);
	s.conf = &conf;
	s.listener = &listener;
	s.link = &l;
	s.client = (struct netaddr){ { [10] = 0xff, [11] = 0xff, [15] = 1 }, 25 };
	session_run(&s, fd[1]);
	close(fd[1]);
	while ((r = recv(fd[0], got + have, sizeof got - have, 0)) > 0)
		have += (size_t)r;
	close(fd[0]);
	for (size_t i = 1; i < n; i++)
		lines += p[i] == '\n' && p[i - 1] == '\r';
	replies = check_replies(span_of(got, have), &last);
	assert(replies >= 1 && replies <= 1 + lines + 1);	/* greeting; a 421 at the end */
	if (!says_bdat(span_of(p, n)) && !ends_early(last))
		assert(replies == 1 + lines + (memcmp(last.p, "421", 3) == 0));
	return 0;
}
