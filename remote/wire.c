/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "remote/wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/clock.h"

void
wire_init(struct wire *w, int parent)
{
	w->fd = -1;
	w->tls = NULL;
	w->parent = parent;
	w->orphan = false;
	w->until_ms = 0;
	w->from = w->to = 0;
	buf_init(&w->out, WIRE_OUT);
}

void
wire_close(struct wire *w)
{
	if (w->tls != NULL)
		tls_shut(w->tls);
	tls_free(w->tls);
	w->tls = NULL;
	if (w->fd != -1)
		close(w->fd);
	w->fd = -1;
	w->from = w->to = 0;
	buf_clear(&w->out);
}

void
wire_free(struct wire *w)
{
	wire_close(w);
	buf_free(&w->out);
}

/* Waits until due_ms for events on the connection.  What happened, or -1. */
static int
wire_wait(struct wire *w, short events, int64_t due_ms, struct err *e)
{
	if (w->until_ms != 0 && due_ms > w->until_ms)
		due_ms = w->until_ms;
	for (;;) {
		struct pollfd p[2] = { { w->fd, events, 0 }, { w->parent, 0, 0 } };
		int64_t left = due_ms - clock_ms();
		int n = poll(p, 2, left <= 0 ? 0 : clock_wait_ms(left));

		if (n == -1 && errno != EINTR)
			return err_sys(e, "poll");
		if (n > 0 && p[1].revents != 0) {
			w->orphan = true;
			return err_set(e, ERR_TEMP, "4.3.0", "our own parent has gone");
		}
		if (n > 0 && p[0].revents != 0)
			return p[0].revents;
		if (n == 0 && clock_ms() >= due_ms)
			return err_set(e, ERR_TEMP, "4.4.2", "timed out");
	}
}

/* A network error of the last call: RFC 3463 has its own codes for those. */
static int
wire_failed(const char *dsn, const char *what, struct err *e)
{
	int sys = errno;
	char why[200];

	err_sys(e, "%s", what);
	span_text(span_str(e->what), why, sizeof why);
	err_set(e, ERR_TEMP, dsn, "%s", why);
	e->sys = sys;
	return -1;
}

/* The socket's address form of to.  Its length. */
static socklen_t
wire_sockaddr(const struct netaddr *to, struct sockaddr_storage *ss)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)(void *)ss;
	struct sockaddr_in *four = (struct sockaddr_in *)(void *)ss;

	memset(ss, 0, sizeof *ss);
	if (memcmp(to->a, mapped, sizeof mapped) == 0) {
		four->sin_family = AF_INET;
		four->sin_port = htons(to->port);
		memcpy(&four->sin_addr, to->a + 12, 4);
		return sizeof *four;
	}
	six->sin6_family = AF_INET6;
	six->sin6_port = htons(to->port);
	memcpy(&six->sin6_addr, to->a, 16);
	return sizeof *six;
}

int
wire_connect(struct wire *w, const struct netaddr *to, int64_t wait_ms, struct err *e)
{
	struct sockaddr_storage ss;
	socklen_t len = wire_sockaddr(to, &ss);
	int64_t due = clock_ms() + wait_ms;
	int on = 1, failure = 0;

	wire_close(w);
	w->fd = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
	if (w->fd == -1)
		return wire_failed("4.4.1", "socket", e);
	if (connect(w->fd, (struct sockaddr *)(void *)&ss, len) == -1) {
		if (errno != EINPROGRESS)
			return wire_failed("4.4.1", "connect", e);
		if (wire_wait(w, POLLOUT, due, e) == -1) {
			if (!w->orphan)
				err_set(e, ERR_TEMP, "4.4.1", "connect: timed out");
			return -1;
		}
		len = sizeof failure;
		if (getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &failure, &len) == -1)
			return wire_failed("4.4.1", "connect", e);
		if (failure != 0) {
			errno = failure;
			return wire_failed("4.4.1", "connect", e);
		}
	}
	(void)setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);	/* costs time only */
	return 0;
}

int
wire_add(struct wire *w, struct span s, struct err *e)
{
	return buf_add(&w->out, s, e);
}

int
wire_secure(struct wire *w, struct tls *t, int64_t wait_ms, struct err *e)
{
	int64_t due = clock_ms() + wait_ms;

	w->tls = t;
	w->from = w->to = 0;	/* said in clear */
	buf_clear(&w->out);
	for (;;) {
		enum tls_status st = tls_handshake(t, e);

		if (st == TLS_OK)
			return 0;
		if (st == TLS_CLOSED)
			return err_set(e, ERR_TEMP, "4.4.2", "TLS: handshake: the hop closed the connection");
		if (st == TLS_FAILED || wire_wait(w, st == TLS_WANT_READ ? POLLIN : POLLOUT, due, e) == -1)
			return -1;
	}
}

/* Octets of the connection, in clear or not: 0 they are in w->in, or there are none now. */
static int
wire_recv(struct wire *w, struct err *e)
{
	size_t room = sizeof w->in - w->to, got = 0;
	enum tls_status st;
	ssize_t n;

	if (w->tls != NULL) {
		st = tls_read(w->tls, w->in + w->to, room, &got, e);
		w->to += st == TLS_OK ? got : 0;
		if (st == TLS_CLOSED)
			return err_set(e, ERR_TEMP, "4.4.2", "the hop closed the connection");
		return st == TLS_FAILED ? -1 : 0;
	}
	n = recv(w->fd, w->in + w->to, room, 0);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n == -1)
		return wire_failed("4.4.2", "connection lost", e);
	if (n == 0)
		return err_set(e, ERR_TEMP, "4.4.2", "the hop closed the connection");
	w->to += (size_t)n;
	return 0;
}

/* Takes in what is there.  -1: lost.  Nothing is taken while there is no room. */
static int
wire_fill(struct wire *w, struct err *e)
{
	if (w->from == w->to)
		w->from = w->to = 0;
	if (w->to == sizeof w->in) {
		memmove(w->in, w->in + w->from, w->to - w->from);
		w->to -= w->from;
		w->from = 0;
	}
	return w->to == sizeof w->in ? 0 : wire_recv(w, e);
}

/* As much of iov as goes now: octets, or -1 with *want what to wait for, or with *want 0: *e, lost. */
static ssize_t
wire_put(struct wire *w, struct iovec *iov, size_t n, short *want, struct err *e)
{
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = n };
	enum tls_status st;
	size_t took = 0;
	ssize_t sent;

	*want = POLLOUT;
	if (w->tls != NULL) {
		st = tls_write(w->tls, span_of(iov->iov_base, iov->iov_len), &took, e);
		if (st == TLS_OK)
			return (ssize_t)took;
		*want = st == TLS_WANT_READ ? POLLIN : st == TLS_WANT_WRITE ? POLLOUT : 0;
		return -1;
	}
	sent = sendmsg(w->fd, &m, MSG_NOSIGNAL);
	if (sent == -1 && errno != EAGAIN && errno != EINTR) {
		*want = 0;
		wire_failed("4.4.2", "connection lost", e);
	}
	return sent;
}

/* Sends iov whole, and reads meanwhile. */
static int
wire_send(struct wire *w, struct iovec *iov, size_t n, int64_t wait_ms, struct err *e)
{
	int64_t due = 0;

	while (n > 0) {
		short want;
		ssize_t sent = wire_put(w, iov, n, &want, e);
		int got;

		if (sent == -1 && want == 0)
			return -1;
		if (sent > 0)
			due = 0;
		for (; sent > 0 && n > 0 && (size_t)sent >= iov->iov_len; iov++, n--)
			sent -= (ssize_t)iov->iov_len;
		if (sent > 0) {
			iov->iov_base = (char *)iov->iov_base + sent;
			iov->iov_len -= (size_t)sent;
		}
		if (n == 0 || sent != -1)
			continue;
		if (due == 0)
			due = clock_ms() + wait_ms;
		if (w->to - w->from < sizeof w->in)
			want |= POLLIN;
		if ((got = wire_wait(w, want, due, e)) == -1)
			return -1;
		if (got & POLLIN && wire_fill(w, e) == -1)
			return -1;
	}
	return 0;
}

int
wire_flush(struct wire *w, int64_t wait_ms, struct err *e)
{
	struct iovec iov = { w->out.p, w->out.n };
	int r = 0;

	if (w->out.n > 0)
		r = wire_send(w, &iov, 1, wait_ms, e);
	buf_clear(&w->out);
	return r;
}

int
wire_reply(struct wire *w, struct reply *r, int64_t wait_ms, struct err *e)
{
	int64_t due = clock_ms() + wait_ms;

	reply_clear(r);
	for (;;) {
		size_t used;
		int got;

		if (w->from < w->to) {
			got = reply_feed(r, span_of(w->in + w->from, w->to - w->from), &used, e);
			w->from += used;
			if (got != 0)
				return got == 1 ? 0 : -1;
		}
		if (w->tls != NULL) {	/* it may hold what poll does not know of */
			if (wire_fill(w, e) == -1)
				return -1;
			if (w->from < w->to)
				continue;
		}
		if (wire_wait(w, POLLIN, due, e) == -1 || wire_fill(w, e) == -1)
			return -1;
	}
}

bool
wire_stirs(struct wire *w)
{
	struct pollfd p = { w->fd, POLLIN, 0 };
	struct err ignored;

	if (w->tls != NULL && w->from == w->to)	/* a ticket, say, is nothing that it says to us */
		return wire_fill(w, &ignored) == -1 || w->from < w->to;
	return w->from < w->to || poll(&p, 1, 0) != 0;
}

void
wire_data_start(struct wire_data *d, struct wire *w, int64_t wait_ms)
{
	d->w = w;
	d->wait_ms = wait_ms;
	d->n = 0;
	d->last[0] = '\r';
	d->last[1] = '\n';
	d->total = 0;
	d->raw = false;
}

int
wire_data_flush(struct wire_data *d, struct err *e)
{
	struct iovec iov[WIRE_PIECES];

	for (unsigned i = 0; i < d->n; i++)
		iov[i] = (struct iovec){ (void *)(uintptr_t)d->piece[i].p, d->piece[i].n };
	if (wire_send(d->w, iov, d->n, d->wait_ms, e) == -1)
		return -1;
	d->n = 0;
	return 0;
}

static int
wire_data_add(struct wire_data *d, const unsigned char *p, size_t n, struct err *e)
{
	if (n == 0)
		return 0;
	if (d->n == WIRE_PIECES && wire_data_flush(d, e) == -1)
		return -1;
	d->piece[d->n++] = (struct wire_iov){ p, n };
	return 0;
}

int
wire_data_put(struct wire_data *d, struct span piece, struct err *e)
{
	static const unsigned char dot[] = ".";
	size_t from = 0, at = 0;

	if (piece.n == 0)
		return 0;
	if (d->raw)
		return wire_data_add(d, piece.p, piece.n, e);
	if (piece.p[0] == '.' && d->last[1] == '\n' && wire_data_add(d, dot, 1, e) == -1)
		return -1;
	while ((at += span_find(span_sub(piece, at, piece.n), '\n')) + 1 < piece.n) {
		at++;
		if (piece.p[at] != '.')
			continue;
		if (wire_data_add(d, piece.p + from, at - from, e) == -1 ||
		    wire_data_add(d, dot, 1, e) == -1)
			return -1;
		from = at;
	}
	d->last[0] = piece.n > 1 ? piece.p[piece.n - 2] : d->last[1];
	d->last[1] = piece.p[piece.n - 1];
	d->total += piece.n;
	return wire_data_add(d, piece.p + from, piece.n - from, e);
}

int
wire_data_end(struct wire_data *d, struct err *e)
{
	static const unsigned char end[] = "\r\n.\r\n";
	size_t from = d->last[0] == '\r' && d->last[1] == '\n' ? 2 : 0;

	if (wire_data_add(d, end + from, sizeof end - 1 - from, e) == -1)
		return -1;
	return wire_data_flush(d, e);
}
