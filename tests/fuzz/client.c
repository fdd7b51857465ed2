/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "tests/fuzz/client.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct span
client_talk(struct session *s, struct span in)
{
	static unsigned char got[1 << 20];
	static struct listener listener = { .role = LISTEN_MX };
	int fd[2], big = 1 << 20;
	size_t have = 0;
	ssize_t r;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == -1)
		abort();
	setsockopt(fd[1], SOL_SOCKET, SO_SNDBUF, &big, sizeof big);
	if (in.n > 0 && send(fd[0], in.p, in.n, 0) != (ssize_t)in.n)
		abort();
	shutdown(fd[0], SHUT_WR);
	s->listener = &listener;
	s->client = (struct netaddr){ { [10] = 0xff, [11] = 0xff, [15] = 1 }, 25 };
	session_run(s, fd[1]);
	close(fd[1]);
	while ((r = recv(fd[0], got + have, sizeof got - have, 0)) > 0)
		have += (size_t)r;
	close(fd[0]);
	return span_of(got, have);
}

int
client_reply(struct span *out, struct span *last)
{
	while (out->n > 0) {
		size_t nl = span_find(*out, '\n');
		struct span line = span_sub(*out, 0, nl);
		int code;

		assert(nl < out->n && nl + 1 <= REPLY_MAX && nl > 4 && line.p[nl - 1] == '\r');
		for (size_t i = 0; i + 1 < line.n; i++)
			assert(line.p[i] >= 0x20 && line.p[i] < 0x7f);
		assert(line.p[0] >= '2' && line.p[0] <= '5' && ascii_digit(line.p[1]) && ascii_digit(line.p[2]));
		assert(line.p[3] == ' ' || line.p[3] == '-');
		code = (line.p[0] - '0') * 100 + (line.p[1] - '0') * 10 + line.p[2] - '0';
		if (line.n > 6 && ascii_digit(line.p[4]) && line.p[5] == '.' && code != 354)
			assert(line.p[4] == line.p[0]);
		else
			assert(code == 354 || code == 220 || code == 250);
		*out = span_sub(*out, nl + 1, out->n);
		if (line.p[3] == ' ') {
			if (last != NULL)
				*last = line;
			return code;
		}
	}
	return 0;
}
