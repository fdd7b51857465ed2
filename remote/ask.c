/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "remote/ask.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/envelope.h"

/* Our parent gone, now or within so long: nobody wants the answer any more. */
static void
ask_check_parent(struct session *s, int wait_ms)
{
	struct pollfd p = { s->parent, 0, 0 };

	if (poll(&p, 1, wait_ms) == 1 && p.revents & POLLHUP)
		session_orphaned(s);
}

static int *
ask_fd(struct session *s, uint32_t role)
{
	return role == ROLE_CONVERTD ? &s->convertd : role == ROLE_RESOLVER ? &s->resolver :
	    role == ROLE_CAPD ? &s->capd : NULL;
}

int
ask_take_channel(struct session *s, const struct msg_peer *m, size_t len, int fds[MSG_FDS],
    struct err *e)
{
	int *fd = m->h.type == MSG_PEER && len == sizeof *m ? ask_fd(s, m->role) : NULL;

	if (fd == NULL || fds[0] == -1)
		return err_set(e, ERR_PROTO, NULL, "packet %u from the parent", m->h.type);
	if (*fd != -1)
		close(*fd);
	*fd = fds[0];
	fds[0] = -1;
	return 0;
}

static int
ask_not_there(enum role role, struct err *e)
{
	return err_set(e, ERR_TEMP, role == ROLE_RESOLVER ? "4.4.3" : role == ROLE_CAPD ? "4.3.3" : "4.6.5",
	    "%s is not there", role == ROLE_RESOLVER ? "the resolver" : role_name(role));
}

static int
ask_wait(struct session *s, enum role role, int64_t due, struct err *e)
{
	for (;;) {
		struct pollfd p = { s->parent, POLLIN, 0 };
		int64_t left = due - clock_ms();
		int n = poll(&p, 1, left <= 0 ? 0 : clock_wait_ms(left));

		if (n == -1 && errno != EINTR)
			return err_sys(e, "poll");
		if (n == 1)
			return 0;
		if (n == 0 && clock_ms() >= due)
			return ask_not_there(role, e);
	}
}

/* What the parent says while it is asked. */
union from_parent { struct msg_hdr h; struct msg_peer peer; struct msg_refused granted; };

/* Waits for the parent's answer, and reads a packet.  role: whose channel is wanted.  -1: none. */
static int
ask_await_parent(struct session *s, enum role role, int64_t due, union from_parent *p, size_t *len, int fds[MSG_FDS],
    struct err *e)
{
	int r = ask_wait(s, role, due, e);

	if (r == 0 && (r = ipc_recv(s->parent, p, sizeof *p, len, fds, e)) == 0)
		session_orphaned(s);
	return r == -1 ? -1 : 0;
}

/* Has a channel to that peer, or gets one from the parent; one that was asked for before may come
 * first. */
static int
ask_channel(struct session *s, enum role role, struct err *e)
{
	union from_parent p = { .peer = { .role = (uint32_t)role } };
	int64_t due = clock_ms() + ASK_NEED_MS;
	int fds[MSG_FDS], r;
	size_t len;

	if (*ask_fd(s, (uint32_t)role) != -1)
		return 0;
	if (s->parent == -1)
		return ask_not_there(role, e);
	if (ipc_send(s->parent, &p.h, MSG_NEED, 0, sizeof p.peer, NULL, 0, e) == -1)
		return -1;
	while (*ask_fd(s, (uint32_t)role) == -1) {
		if (ask_await_parent(s, role, due, &p, &len, fds, e) == -1)
			return -1;
		/* a secret that came too late is asked for again */
		r = p.h.type == MSG_GRANTED ? 0 : ask_take_channel(s, &p.peer, len, fds, e);
		ipc_close_fds(fds, MSG_FDS);
		if (r == -1)
			return -1;
	}
	return 0;
}

/* A small file, without a copy of it elsewhere. */
static int
ask_read(int fd, struct buf *out, struct err *e)
{
	ssize_t n = pread(fd, out->p + out->n, out->max - out->n, 0);

	if (n <= 0)
		return n == -1 ? err_sys(e, "read") : err_set(e, ERR_TEMP, NULL, "nothing to log in with");
	out->n += (size_t)n;
	return 0;
}

/* The answer to MSG_CREDENTIAL. */
static int
ask_granted(const struct msg_refused *m, size_t len, int fd, struct buf *out, struct err *e)
{
	char why[200];

	if (len != sizeof *m || (m->kind == ERR_NONE) != (fd != -1))
		return err_set(e, ERR_PROTO, NULL, "packet %u from the parent", m->h.type);
	if (fd != -1)
		return buf_room(out, out->max, e) == NULL ? -1 : ask_read(fd, out, e);
	span_text(span_of(m->what, strnlen(m->what, sizeof m->what)), why, sizeof why);
	return err_set(e, ERR_TEMP, NULL, "%s", why);
}

int
ask_credential(struct session *s, struct buf *out, struct err *e)
{
	union from_parent p = { .h = { 0 } };
	int64_t due = clock_ms() + ASK_NEED_MS;
	int fds[MSG_FDS], r;
	size_t len;

	if (s->parent == -1)
		return ask_not_there(ROLE_START, e);
	if (ipc_send(s->parent, &p.h, MSG_CREDENTIAL, 0, sizeof p.h, NULL, 0, e) == -1)
		return -1;
	do {
		if (ask_await_parent(s, ROLE_START, due, &p, &len, fds, e) == -1)
			return -1;
		r = p.h.type == MSG_GRANTED ? ask_granted(&p.granted, len, fds[0], out, e) :
		    ask_take_channel(s, &p.peer, len, fds, e);
		ipc_close_fds(fds, MSG_FDS);
	} while (r == 0 && p.h.type != MSG_GRANTED);
	return r;
}

/* After a failed request: is it worth another, over a new channel?  One that lay idle while its peer
 * was restarted is found broken only now, and the next may be too, if the parent has not noticed yet
 * that the peer is gone. */
static bool
ask_anew(struct session *s, enum role role, int try, struct err *e)
{
	bool broken = e->sys == EPIPE || e->sys == ECONNRESET || e->kind == ERR_PROTO;
	int *fd = ask_fd(s, (uint32_t)role);

	ask_check_parent(s, 0);
	if (!broken)
		return false;
	if (*fd != -1)
		close(*fd);
	*fd = -1;
	e->kind = ERR_TEMP;
	if (try + 1 >= (role == ROLE_CONVERTD ? ASK_TRIES_CONVERTD : ASK_TRIES))
		return false;
	ask_check_parent(s, try * ASK_PAUSE_MS);
	return true;
}

static struct converter_message
ask_message(const struct session *s)
{
	const struct job *job = s->job;

	return (struct converter_message){ .fd = job->env.edits.n > 0 ? job->edited.fd : job->fd,
	    .len = job->message.n, .id = job->id };
}

int
ask_plan(struct session *s, const struct span *caps, const uint8_t *wish, uint32_t n,
    struct converter_plan *out, struct err *e)
{
	struct converter_message m = ask_message(s);

	for (int try = 0; ask_channel(s, ROLE_CONVERTD, e) == 0; try++) {
		*e = (struct err){ 0 };
		if (converter_ask_plan(s->convertd, &m, s->inquiry != NULL ? PLAN_ALL_PARTS : 0, caps, wish, n, out,
		    e) == 0)
			return 0;
		if (!ask_anew(s, ROLE_CONVERTD, try, e))
			return -1;
	}
	return -1;
}

int
ask_edits(struct session *s, const struct edits_want *want, int64_t wait_ms,
    struct converter_edits *out, struct err *e)
{
	struct converter_message m = ask_message(s);

	m.record_converted = want->record;
	m.transfer = want->transfer;
	m.content = s->job->message;
	for (int try = 0; ask_channel(s, ROLE_CONVERTD, e) == 0; try++) {
		*e = (struct err){ 0 };
		if (converter_ask_edits(s->convertd, &m, want->plan, want->key, (int)wait_ms, out,
		    e) == 0)
			return 0;
		if (!ask_anew(s, ROLE_CONVERTD, try, e))
			return -1;
	}
	return -1;
}

int
ask_hosts(struct session *s, enum resolve_kind kind, const char *name, struct resolved *out,
    struct err *e)
{
	for (int try = 0; ask_channel(s, ROLE_RESOLVER, e) == 0; try++) {
		*e = (struct err){ 0 };
		if (resolve_ask(s->resolver, kind, name, out, e) == 0)
			return 0;
		if (!ask_anew(s, ROLE_RESOLVER, try, e))
			return -1;
	}
	return -1;
}

/* One question over the channel that is there. */
static int
caps_ask(int sock, struct span addr, enum cap_state *state, enum cap_source *source, struct buf *text,
    struct err *e)
{
	static _Alignas(8) unsigned char reply[MSG_MAX];
	const struct msg_cap *got = (const struct msg_cap *)(const void *)reply;
	struct { struct msg_cap_ask m; unsigned char addr[ENV_MAX_PATH]; } ask =
	    { .m = { .want = CAP_WANT_FEATURES, .addr_len = (uint32_t)addr.n } };
	int fds[MSG_FDS];
	size_t len;

	if (addr.n > sizeof ask.addr)
		return err_set(e, ERR_PERM, "5.1.3", "address too long");
	memcpy(ask.addr, addr.p, addr.n);
	if (ipc_call(sock, &ask.m.h, MSG_CAP_ASK, sizeof ask.m + addr.n, NULL, 0, reply, sizeof reply, &len, fds,
	    ASK_CAPS_MS, e) == -1)
		return -1;
	ipc_close_fds(fds, MSG_FDS);
	if (got->h.type != MSG_CAP || len < sizeof *got || got->len != len - sizeof *got)
		return err_set(e, ERR_PROTO, NULL, "an answer of %zu octets", len);
	if (got->features >= CAP_TEMP)
		return err_set(e, ERR_TEMP, NULL, "not there now");
	*state = (enum cap_state)got->features;
	*source = (enum cap_source)got->source;
	return *state == CAP_KNOWN ? buf_add(text, span_of(got + 1, got->len), e) : 0;
}

int
ask_caps(struct session *s, struct span addr, enum cap_state *state, enum cap_source *source, struct buf *text,
    struct err *e)
{
	for (int try = 0; ask_channel(s, ROLE_CAPD, e) == 0; try++) {
		*e = (struct err){ 0 };
		if (caps_ask(s->capd, addr, state, source, text, e) == 0)
			return 0;
		if (!ask_anew(s, ROLE_CAPD, try, e))
			break;
	}
	e->kind = ERR_TEMP;
	memcpy(e->dsn, "4.3.3", sizeof "4.3.3");
	return err_in(e, "capability directory");
}
