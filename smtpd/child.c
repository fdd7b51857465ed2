/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "smtpd/child.h"

#include <unistd.h>

#include "lib/log.h"

static void
child_serve(struct session *s, const struct listener *listeners, uint32_t n,
    const struct msg_client *m, int fd)
{
	struct msg_done done = { .last = m->last };
	struct err e;

	if (m->listener < n) {
		s->listener = &listeners[m->listener];
		s->client = m->peer;
		s->delay_ms = m->delay_ms;
		session_run(s, fd);
		/* what TLS left in memory is for no other session, unless the listener says so */
		done.last |= s->secure && s->listener->sessions == 0;
	}
	/* before the client sees the end and comes again: it is not to be counted twice */
	if (ipc_send(s->link->ctl, &done.h, MSG_DONE, 0, sizeof done, NULL, 0, &e) == -1) {
		/* else the parent would count this session for ever */
		log_line(LOG_WARN, NULL, "exit", "why=%s", log_q(e.what));
		_exit(0);
	}
	close(fd);
	if (done.last)
		_exit(0);
}

_Noreturn void
child_run(const struct conf *conf, const struct listener *listeners, uint32_t n, const struct secure *secure,
    struct link *l)
{
	static struct session s;	/* buffers, of which only what is used costs memory */

	s.conf = conf;
	s.secures = secure;
	s.link = l;
	while (!l->stop) {
		struct msg_client m;
		int fd;

		if (link_ctl(l, &m, &fd) == MSG_CLIENT)
			child_serve(&s, listeners, n, &m, fd);
	}
	_exit(0);
}
