/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "local/line.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/confline.h"
#include "lib/mailbox.h"

union address { struct sockaddr any; struct sockaddr_in four; struct sockaddr_in6 six; struct sockaddr_un local; };

void
line_init(struct line *l, int parent)
{
	l->fd = -1;
	l->parent = parent;
	l->from = l->to = 0;
	buf_init(&l->out, LINE_OUT);
}

void
line_close(struct line *l)
{
	if (l->fd != -1)
		close(l->fd);
	l->fd = -1;
	l->from = l->to = 0;
	buf_clear(&l->out);
}

void
line_free(struct line *l)
{
	line_close(l);
	buf_free(&l->out);
}

/* An error of the last call, with a code of the network. */
static int
line_failed(const char *dsn, const char *what, struct err *e)
{
	char why[160];

	err_sys(e, "%s", what);
	snprintf(why, sizeof why, "%.150s", e->what);
	return err_set(e, ERR_TEMP, dsn, "%s", why);
}

/* Until due_ms for events. */
static int
line_wait(struct line *l, short events, int64_t due_ms, struct err *e)
{
	for (;;) {
		struct pollfd p[2] = { { l->fd, events, 0 }, { l->parent, 0, 0 } };
		int64_t left = due_ms - clock_ms();
		int n = poll(p, 2, left <= 0 ? 0 : clock_wait_ms(left));

		if (n == -1 && errno != EINTR)
			return err_sys(e, "poll");
		if (n > 0 && p[1].revents != 0)
			return err_set(e, ERR_TEMP, "4.3.0", "our own parent has gone");
		if (n > 0 && p[0].revents != 0)
			return 0;
		if (n == 0 && clock_ms() >= due_ms)
			return err_set(e, ERR_TEMP, "4.4.2", "timed out");
	}
}

/* Its length, 0: no address. */
static socklen_t
line_address(const char *to, union address *out, struct err *e)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct netaddr tcp;
	int kind = mailbox_lmtp(span_str(to), &tcp, e);

	*out = (union address){ 0 };
	if (kind == 0) {
		out->local.sun_family = AF_UNIX;
		if ((size_t)snprintf(out->local.sun_path, sizeof out->local.sun_path, "%s", to) <
		    sizeof out->local.sun_path)
			return sizeof out->local;
	} else if (kind == 1 && memcmp(tcp.a, mapped, sizeof mapped) == 0) {
		out->four.sin_family = AF_INET;
		out->four.sin_port = htons(tcp.port);
		memcpy(&out->four.sin_addr, tcp.a + sizeof mapped, 4);
		return sizeof out->four;
	} else if (kind == 1) {
		out->six.sin6_family = AF_INET6;
		out->six.sin6_port = htons(tcp.port);
		memcpy(&out->six.sin6_addr, tcp.a, 16);
		return sizeof out->six;
	}
	return 0;
}

int
line_connect(struct line *l, const char *to, int64_t wait_ms, struct err *e)
{
	union address at;
	socklen_t len = line_address(to, &at, e), size = sizeof(int);
	int64_t due = clock_ms() + wait_ms;
	int failure = 0;

	line_close(l);
	if (len == 0)
		return err_set(e, ERR_TEMP, "4.3.5", "mailboxes: lmtp: no server's address");
	if ((l->fd = socket(at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) == -1)
		return line_failed("4.4.1", "socket", e);
	while (connect(l->fd, &at.any, len) == -1) {
		if (errno == EAGAIN && clock_ms() < due) {	/* a unix socket whose backlog is full */
			(void)poll(NULL, 0, 20);
			continue;
		}
		if (errno != EINPROGRESS)
			return line_failed("4.4.1", "connect", e);
		if (line_wait(l, POLLOUT, due, e) == -1)
			return -1;
		if (getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &failure, &size) == -1)
			return line_failed("4.4.1", "connect", e);
		if (failure == 0)
			break;
		errno = failure;
		return line_failed("4.4.1", "connect", e);
	}
	return 0;
}

int
line_add(struct line *l, struct span s, struct err *e)
{
	return buf_add(&l->out, s, e);
}

int
line_flush(struct line *l, int64_t wait_ms, struct err *e)
{
	size_t done = 0;

	while (done < l->out.n) {
		ssize_t n = send(l->fd, l->out.p + done, l->out.n - done, MSG_NOSIGNAL);

		if (n == -1 && errno != EAGAIN && errno != EINTR)
			return line_failed("4.4.2", "connection lost", e);
		if (n == -1 && line_wait(l, POLLOUT, clock_ms() + wait_ms, e) == -1)
			return -1;
		done += n > 0 ? (size_t)n : 0;
	}
	buf_clear(&l->out);
	return 0;
}

/* More octets.  -1: there will be none. */
static int
line_fill(struct line *l, struct err *e)
{
	ssize_t n;

	l->from = l->to = 0;
	n = recv(l->fd, l->in, sizeof l->in, 0);
	if (n == 0)
		return err_set(e, ERR_TEMP, "4.4.2", "the server closed the connection");
	if (n == -1 && errno != EAGAIN && errno != EINTR)
		return line_failed("4.4.2", "connection lost", e);
	l->to = n > 0 ? (size_t)n : 0;
	return 0;
}

int
line_reply(struct line *l, struct reply *r, int64_t wait_ms, struct err *e)
{
	int64_t due = clock_ms() + wait_ms;

	reply_clear(r);
	for (;;) {
		size_t used;
		int got;

		if (l->from == l->to) {
			if (line_wait(l, POLLIN, due, e) == -1 || line_fill(l, e) == -1)
				return -1;
			continue;
		}
		got = reply_feed(r, span_of(l->in + l->from, l->to - l->from), &used, e);
		l->from += used;
		if (got != 0)
			return got == 1 ? 0 : -1;
	}
}
