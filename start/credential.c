/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * start/credential.c - the files of the setting routeauth, which root alone may read.  They are looked at when accord
 * starts, and read when a session of remote has come so far that it needs one: each session gets that of its own hop, and
 * no process keeps them.
 */
#include "start/supervisor.h"

#include <stdio.h>

#include "lib/log.h"
#include "lib/routeauth.h"

int
place_credentials(const struct place *p, struct err *e)
{
	return routeauth_files(&p->conf, p->state_fd, e) == 0 ? 0 : err_in(e, "%s", p->control);
}

/* The secret for dest in a sealed memory file.  -1: *e says why there is none. */
static int
credential_open(const struct place *p, const char *dest, struct err *e)
{
	const struct span *lines;
	uint32_t n = conf_lines(&p->conf, CONF_ROUTEAUTH, &lines);
	struct routeauth r;
	struct buf secret;
	int fd;

	if (!routeauth_find(lines, n, dest, &r))
		return err_set(e, ERR_TEMP, NULL, "routeauth has no line for %s", dest);
	buf_init(&secret, ROUTEAUTH_SECRET);
	fd = routeauth_read(p->state_fd, &r, &secret, e) == -1 ? -1 : place_seal(buf_view(&secret), e);
	if (secret.p != NULL)
		explicit_bzero(secret.p, secret.cap);
	buf_free(&secret);
	return fd;
}

int
credential_on_ask(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	struct child *c = ch->arg;
	const struct msg_credential *m = msg;
	struct msg_refused back = { 0 };
	struct err why = { 0 };
	int fd;

	(void)len, (void)fds;
	if (c->role != ROLE_REMOTE || memchr(m->dest, '\0', sizeof m->dest) == NULL)
		return err_set(e, ERR_PROTO, NULL, "wants a credential");
	fd = credential_open(c->s->place, m->dest, &why);
	if (fd == -1) {
		log_line(LOG_ERR, NULL, "no-credential", "relay=%s why=%s", log_q(m->dest), log_q(why.what));
		back.kind = ERR_TEMP;
		text_cut(why.what, back.what, sizeof back.what);
	}
	return chan_send(&c->chan, &back.h, MSG_GRANTED, m->h.id, sizeof back, &fd, fd != -1, e);
}
