/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "remote/session.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "remote/ask.h"
#include "remote/inquire.h"

void
session_init(struct session *s, const struct conf *conf, int parent, int convertd)
{
	memset(s, 0, sizeof *s);
	s->conf = conf;
	s->parent = parent;
	s->convertd = convertd;
	s->resolver = s->capd = -1;
	wire_init(&s->w, parent);
	reply_init(&s->reply);
}

void
session_free(struct session *s)
{
	wire_free(&s->w);
	reply_free(&s->reply);
	free(s->reach.hosts);
}

_Noreturn void
session_orphaned(struct session *s)
{
	/* after the final dot the hop may have taken it, and a result that our parent did not pass on is
	 * lost: it will then come twice */
	if (s->dotted && s->job != NULL)
		log_line(LOG_WARN, s->job->id, "orphaned", "relay=%s", log_q(s->mta));
	if (s->told_ms != 0 && clock_ms() - s->told_ms < SESSION_TOLD_MS)
		log_line(LOG_WARN, s->told, "orphaned", "relay=%s", log_q(s->mta));
	_exit(1);
}

/* A job from the parent, and its result back. */
static int
session_serve(struct session *s, const struct msg_job *m, size_t len, int fd, struct err *e)
{
	static struct job job;
	struct buf out;
	int r;

	buf_init(&out, MSG_MAX);
	if (job_take(&job, m, len, fd, e) == -1) {
		job_free(&job);
		return -1;
	}
	session_job(s, &job);
	r = job_result(&job, &out, e);
	if (r == 0)
		r = ipc_send(s->parent, (struct msg_hdr *)(void *)out.p, MSG_RESULT, job.number, out.n,
		    NULL, 0, e);
	memcpy(s->told, job.id, sizeof s->told);
	s->told_ms = clock_ms();
	buf_free(&out);
	job_free(&job);
	return r;
}

/* One packet of the parent.  1 go on, 0 it hangs up, -1. */
static int
session_packet(struct session *s, struct err *e)
{
	static _Alignas(8) unsigned char packet[sizeof(struct msg_job) + ENV_MAX_PATH + JOB_MAX_RCPT * 4];
	const struct msg_hdr *h = (const struct msg_hdr *)(const void *)packet;
	int fds[MSG_FDS], r;
	size_t len;

	if ((r = ipc_recv(s->parent, packet, sizeof packet, &len, fds, e)) == 0)
		session_orphaned(s);
	if (r == -1)
		return r;
	if (h->type == MSG_STOP) {
		ipc_close_fds(fds, MSG_FDS);
		return 0;
	}
	if (h->type == MSG_JOB && fds[0] != -1) {
		r = session_serve(s, (const struct msg_job *)(const void *)packet, len, fds[0], e);
		fds[0] = -1;
	} else if (h->type == MSG_INQUIRE && fds[0] != -1) {
		r = inquire_run(s, (const struct msg_inquire *)(const void *)packet, len, fds[0], e);
		fds[0] = -1;
	} else if (h->type == MSG_PROBE) {
		r = inquire_probe(s, (const struct msg_probe *)(const void *)packet, len, e);
	} else if (h->type == MSG_GRANTED) {	/* nobody waits for it any more */
	} else if (h->type == MSG_PEER) {	/* asked for, and came late */
		r = ask_take_channel(s, (const struct msg_peer *)(const void *)packet, len, fds, e);
	} else {
		r = err_set(e, ERR_PROTO, NULL, "packet %u from the parent", h->type);
	}
	ipc_close_fds(fds, MSG_FDS);
	return r == -1 ? -1 : 1;
}

int
session_run(struct session *s)
{
	struct err e = { 0 };
	int r = 1;

	while (r == 1) {
		struct pollfd p[2] = { { s->parent, POLLIN, 0 },
		    { s->open ? s->w.fd : -1, POLLIN, 0 } };

		if (poll(p, 2, -1) == -1 && errno != EINTR)
			r = err_sys(&e, "poll");
		else if (p[0].revents != 0)
			r = session_packet(s, &e);
		else if (p[1].revents != 0)	/* closed by the hop, or 421 */
			smtp_drop(s);
	}
	if (r == -1 && (e.sys == EPIPE || e.sys == ECONNRESET))
		session_orphaned(s);
	if (r == -1)
		log_line(LOG_ERR, NULL, "session-broken", "relay=%s why=%s", log_q(s->dest),
		    log_q(e.what));
	smtp_quit(s);
	session_free(s);
	return r == -1;
}
