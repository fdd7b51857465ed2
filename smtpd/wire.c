/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "smtpd/wire.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "lib/clock.h"

enum {
	WIRE_SEND_MS = 60000,	/* for a client that does not read its replies */
	WIRE_SHAKE_MS = 30000	/* for a whole handshake */
};

void
wire_init(struct wire *w, int fd, int ctl, int64_t timeout_ms)
{
	w->fd = fd;
	w->tls = NULL;
	w->ctl = ctl;
	w->on_ctl = NULL;
	w->timeout_ms = timeout_ms;
	w->due_ms = w->patience_ms = w->read_n = 0;
	w->stop = w->in_data = w->broken = w->too_long = false;
	w->in_at = w->in_n = w->out_n = 0;
}

/* How long may be waited for something that began at from. */
static int64_t
wire_left(const struct wire *w, int64_t from, int64_t limit)
{
	int64_t now = clock_ms(), left = from + limit - now;

	if (w->due_ms != 0 && w->due_ms - now < left)
		left = w->due_ms - now;
	if (w->patience_ms != 0 && w->patience_ms + w->read_n - now < left)
		left = w->patience_ms + w->read_n - now;
	return left < 0 ? 0 : left;
}

/* Waits for the client and, besides, for what the parent says. */
static enum wire_status
wire_wait(struct wire *w, short events, int64_t from, int64_t fixed_ms)
{
	for (;;) {
		struct pollfd p[2] = { { w->fd, events, 0 }, { w->ctl, POLLIN, 0 } };
		int64_t left = wire_left(w, from, fixed_ms > 0 ? fixed_ms : w->timeout_ms);
		int r;

		if (w->stop && events == POLLIN && !w->in_data)
			return WIRE_STOP;
		r = poll(p, 2, clock_wait_ms(left));
		if (r == -1 && errno != EINTR)
			return WIRE_GONE;
		if (r > 0 && p[1].revents != 0 && w->on_ctl != NULL)
			w->on_ctl(w->arg);
		if (r > 0 && p[0].revents != 0)
			return WIRE_OK;
		if (wire_left(w, from, fixed_ms > 0 ? fixed_ms : w->timeout_ms) == 0)
			return w->stop ? WIRE_STOP : WIRE_TIMEOUT;
	}
}

/* --- octets, in clear text or under TLS: what to wait for, 0 if n are through --- */

enum { WIRE_NO_MORE = -1 };

static short
wants_of(enum tls_status st)
{
	return st == TLS_OK ? 0 : st == TLS_WANT_READ ? POLLIN : st == TLS_WANT_WRITE ? POLLOUT : WIRE_NO_MORE;
}

static short
wire_give(struct wire *w, struct span s, size_t *n)
{
	struct err e;
	ssize_t r;

	if (w->tls != NULL)
		return wants_of(tls_write(w->tls, s, n, &e));
	while ((r = send(w->fd, s.p, s.n, MSG_DONTWAIT | MSG_NOSIGNAL)) == -1 && errno == EINTR)
		;
	*n = r > 0 ? (size_t)r : 0;
	return r > 0 ? 0 : r == -1 && errno == EAGAIN ? POLLOUT : WIRE_NO_MORE;
}

static short
wire_get(struct wire *w, unsigned char *out, size_t cap, size_t *n)
{
	struct err e;
	ssize_t r;

	if (w->tls != NULL)
		return wants_of(tls_read(w->tls, out, cap, n, &e));
	while ((r = recv(w->fd, out, cap, MSG_DONTWAIT)) == -1 && errno == EINTR)
		;
	*n = r > 0 ? (size_t)r : 0;
	return r > 0 ? 0 : r == -1 && errno == EAGAIN ? POLLIN : WIRE_NO_MORE;
}

enum wire_status
wire_handshake(struct wire *w, struct tls *t, size_t *dropped, struct err *e)
{
	int64_t from = clock_ms();

	wire_flush(w);
	*dropped = w->in_n - w->in_at;
	w->in_at = w->in_n = 0;	/* it could be anybody's */
	for (;;) {
		short wants = wants_of(tls_handshake(t, e));
		enum wire_status st;

		if (wants == 0)
			break;
		if (wants == WIRE_NO_MORE)
			return WIRE_BAD;
		if ((st = wire_wait(w, wants, from, WIRE_SHAKE_MS)) != WIRE_OK) {
			err_set(e, ERR_TEMP, "4.4.2", "TLS: handshake: %s", st == WIRE_TIMEOUT ? "waited too long" :
			    st == WIRE_STOP ? "shutting down" : "the client has gone");
			return st;
		}
	}
	w->tls = t;
	return WIRE_OK;
}

void
wire_flush(struct wire *w)
{
	int64_t from = clock_ms();
	size_t at = 0;

	while (at < w->out_n && !w->broken) {
		size_t n = 0;
		short wants = wire_give(w, span_of(w->out + at, w->out_n - at), &n);

		at += n;
		if (wants == WIRE_NO_MORE)
			w->broken = true;
		else if (wants != 0)
			w->broken = wire_wait(w, wants | POLLOUT, from, WIRE_SEND_MS) != WIRE_OK;
	}
	w->out_n = 0;
}

bool
wire_gone(struct wire *w)
{
	size_t n;

	if (w->in_at < w->in_n)
		return false;
	w->in_at = w->in_n = 0;
	if (wire_get(w, w->in, 1, &n) == WIRE_NO_MORE)
		return true;
	w->in_n = n;
	return false;
}

void
wire_put(struct wire *w, struct span s)
{
	while (s.n > 0) {
		size_t n = WIRE_OUT - w->out_n < s.n ? WIRE_OUT - w->out_n : s.n;

		memcpy(w->out + w->out_n, s.p, n);
		w->out_n += n;
		s = span_sub(s, n, s.n);
		if (w->out_n == WIRE_OUT)
			wire_flush(w);
	}
}

/* Reads up to cap octets of the connection to out.  from: when the wait for them began. */
static enum wire_status
wire_recv(struct wire *w, unsigned char *out, size_t cap, int64_t from, size_t *got)
{
	for (;;) {
		enum wire_status st;
		short wants;

		if (w->in_n == 0)
			wire_flush(w);		/* a client that waits for it says nothing before */
		if (w->broken)
			return WIRE_GONE;
		/* who floods us leaves no pause in which waiting could end */
		if (wire_left(w, from, w->timeout_ms) == 0)
			return w->stop ? WIRE_STOP : WIRE_TIMEOUT;
		if ((wants = wire_get(w, out, cap, got)) == 0) {
			w->read_n += (int64_t)*got;
			return WIRE_OK;
		}
		wire_flush(w);
		if (wants == WIRE_NO_MORE)
			return WIRE_GONE;
		if ((st = wire_wait(w, wants, from, 0)) != WIRE_OK)
			return st;
	}
}

/* Reads more behind what is there. */
static enum wire_status
wire_fill(struct wire *w, int64_t from)
{
	enum wire_status st;
	size_t n;

	if (w->in_at > 0) {
		memmove(w->in, w->in + w->in_at, w->in_n - w->in_at);
		w->in_n -= w->in_at;
		w->in_at = 0;
	}
	st = wire_recv(w, w->in + w->in_n, WIRE_IN - w->in_n, from, &n);
	if (st == WIRE_OK)
		w->in_n += n;
	return st;
}

/* Reads over the rest of a line whose beginning was too long; a CR may end what is there. */
static enum wire_status
wire_drop_line(struct wire *w, int64_t from)
{
	bool cr = false;

	for (;;) {
		enum wire_status st;

		while (w->in_at < w->in_n) {
			int o = w->in[w->in_at++];

			if (cr && o == '\n')
				return WIRE_BAD;
			cr = o == '\r';
		}
		if ((st = wire_fill(w, from)) != WIRE_OK)
			return st;
	}
}

/* A line is what stands before CRLF; any other CR or LF, or a NUL, spoils it. */
static bool
line_clean(struct span line)
{
	return span_find(line, '\r') == line.n && span_find(line, '\n') == line.n &&
	    span_find(line, '\0') == line.n;
}

/* Index of the first CRLF at or behind from, or s.n. */
static size_t
find_crlf(struct span s, size_t from)
{
	for (;;) {
		from += span_find(span_sub(s, from, s.n), '\n');
		if (from >= s.n)
			return s.n;
		if (from > 0 && s.p[from - 1] == '\r')
			return from - 1;
		from++;
	}
}

enum wire_status
wire_line(struct wire *w, struct span *line)
{
	int64_t from = clock_ms();
	size_t seen = 0;

	w->too_long = false;
	for (;;) {
		struct span s = { w->in + w->in_at, w->in_n - w->in_at };
		size_t end = find_crlf(s, seen);
		enum wire_status st;

		if (end < s.n && end + 2 <= WIRE_LINE) {
			*line = span_sub(s, 0, end);
			w->in_at += end + 2;
			return line_clean(*line) ? WIRE_OK : WIRE_BAD;
		}
		if (s.n >= WIRE_LINE) {
			w->too_long = true;
			return wire_drop_line(w, from);
		}
		seen = s.n;
		if ((st = wire_fill(w, from)) != WIRE_OK)
			return st;
	}
}

enum wire_status
wire_octets(struct wire *w, struct span *octets)
{
	enum wire_status st = WIRE_OK;

	if (w->in_at == w->in_n)
		st = wire_fill(w, clock_ms());
	*octets = (struct span){ w->in + w->in_at, w->in_n - w->in_at };
	return st;
}

void
wire_take(struct wire *w, size_t n)
{
	w->in_at += n < w->in_n - w->in_at ? n : w->in_n - w->in_at;
}

void
wire_wipe(struct wire *w)
{
	explicit_bzero(w->in, w->in_at);
	explicit_bzero(w->in + w->in_n, WIRE_IN - w->in_n);	/* what was moved to the front left a copy there */
}

enum wire_status
wire_skip(struct wire *w, uint64_t n)
{
	while (n > 0) {
		struct span s;
		enum wire_status st = wire_octets(w, &s);

		if (st != WIRE_OK)
			return st;
		if (s.n > n)
			s.n = (size_t)n;
		wire_take(w, s.n);
		n -= s.n;
	}
	return WIRE_OK;
}

enum wire_status
wire_read(struct wire *w, unsigned char *out, size_t cap, size_t *n)
{
	struct span s;
	enum wire_status st;

	/* much goes where it belongs at once; of little, what follows it comes with the same call */
	if (w->in_at == w->in_n && cap >= WIRE_IN)
		return wire_recv(w, out, cap, clock_ms(), n);
	if ((st = wire_octets(w, &s)) != WIRE_OK)
		return st;
	*n = s.n < cap ? s.n : cap;
	memcpy(out, s.p, *n);
	wire_take(w, *n);
	return WIRE_OK;
}
