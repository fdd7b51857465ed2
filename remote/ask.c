/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "remote/ask.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "lib/clock.h"

/* Our parent gone: nobody wants the answer any more. */
static void
ask_check_parent(struct session *s)
{
	struct pollfd p = { s->parent, 0, 0 };

	if (poll(&p, 1, 0) == 1 && p.revents & POLLHUP)
		session_orphaned(s);
}

/* Waits for the parent's answer.  -1: none. */
static int
ask_await_parent(struct session *s, struct err *e)
{
	int64_t due = clock_ms() + ASK_NEED_MS;

	for (;;) {
		struct pollfd p = { s->parent, POLLIN, 0 };
		int64_t left = due - clock_ms();
		int n = poll(&p, 1, left <= 0 ? 0 : clock_wait_ms(left));

		if (n == -1 && errno != EINTR)
			return err_sys(e, "poll");
		if (n == 1)
			return 0;
		if (n == 0 && clock_ms() >= due)
			return err_set(e, ERR_TEMP, "4.6.5", "convertd is not there");
	}
}

/* Has a channel to convertd, or gets one from the parent. */
static int
ask_channel(struct session *s, struct err *e)
{
	struct msg_peer m = { .role = ROLE_CONVERTD };
	int fds[MSG_FDS], r;
	size_t len;

	if (s->convertd != -1)
		return 0;
	if (s->parent == -1)
		return err_set(e, ERR_TEMP, "4.6.5", "convertd is not there");
	if (ipc_send(s->parent, &m.h, MSG_NEED, 0, sizeof m, NULL, 0, e) == -1 ||
	    ask_await_parent(s, e) == -1)
		return -1;
	if ((r = ipc_recv(s->parent, &m, sizeof m, &len, fds, e)) == 0)
		session_orphaned(s);
	if (r == -1)
		return -1;
	if (m.h.type == MSG_PEER && len == sizeof m && m.role == ROLE_CONVERTD) {
		s->convertd = fds[0];
		fds[0] = -1;
	}
	ipc_close_fds(fds, MSG_FDS);
	return s->convertd != -1 ? 0 :
	    err_set(e, ERR_TEMP, "4.6.5", "packet %u from the parent", m.h.type);
}

/* After a failed request: is it worth another, over a new channel?  One that lay idle while convertd
 * was restarted is found broken only now. */
static bool
ask_anew(struct session *s, bool first, struct err *e)
{
	bool broken = e->sys == EPIPE || e->sys == ECONNRESET || e->kind == ERR_PROTO;

	ask_check_parent(s);
	if (!broken)
		return false;
	if (s->convertd != -1)
		close(s->convertd);
	s->convertd = -1;
	e->kind = ERR_TEMP;
	return first;
}

static struct converter_message
ask_message(const struct session *s)
{
	return (struct converter_message){ .fd = s->job->fd, .len = s->job->q.msg_len,
	    .id = s->job->id };
}

int
ask_plan(struct session *s, uint32_t flags, const struct span *caps, uint32_t n,
    struct converter_plan *out, struct err *e)
{
	struct converter_message m = ask_message(s);

	for (int try = 0; ask_channel(s, e) == 0; try++) {
		*e = (struct err){ 0 };
		if (converter_ask_plan(s->convertd, &m, flags, caps, n, out, e) == 0)
			return 0;
		if (!ask_anew(s, try == 0, e))
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
	for (int try = 0; ask_channel(s, e) == 0; try++) {
		*e = (struct err){ 0 };
		if (converter_ask_edits(s->convertd, &m, want->plan, want->key, (int)wait_ms, out,
		    e) == 0)
			return 0;
		if (!ask_anew(s, try == 0, e))
			return -1;
	}
	return -1;
}
