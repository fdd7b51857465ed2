/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * smtpd/reload.c - new settings and listeners: sessions under way keep what they began with, since
 * each is a process with its own copy; idle processes are replaced.  And the parent's live figures.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "lib/figure.h"
#include "lib/fileio.h"
#include "lib/log.h"
#include "lib/tlscert.h"
#include "smtpd/parent.h"

int
parent_secure(const struct conf *c, int fd, struct secure **out, struct err *e)
{
	struct buf all;
	int r = 0;

	buf_init(&all, TLSCERT_ALL);
	if (fd != -1)
		r = fileio_read(fd, &all, e);
	if (r == 0) {
		*out = secure_new(c, buf_view(&all), e);
		r = *out == NULL && e->kind != ERR_NONE ? -1 : 0;
	}
	buf_free(&all);
	return r;
}

void
parent_kept(void *arg)
{
	struct parent *p = arg;

	secure_free(p->secure_next);
	p->secure_next = NULL;
}

int
parent_check(void *arg, struct daemon_next *next, struct err *e)
{
	struct parent *p = arg;
	struct listener l;

	parent_kept(p);
	for (uint32_t i = 0; i < next->nlistener; i++)
		if (parent_listener(&next->listener[i], &l, e) == -1)
			return -1;
	return parent_secure(&next->conf, daemon_next_file(next, "tls"), &p->secure_next, e);
}

static void
listeners_close(struct parent *p)
{
	for (uint32_t i = 0; i < p->nlistener; i++) {
		loop_unwatch(&p->d.loop, &p->at[i].watch);
		close(p->at[i].watch.fd);
	}
	p->nlistener = 0;
}

void
parent_switched(void *arg, struct conf *old)
{
	struct parent *p = arg;
	struct listener before[DAEMON_LISTENERS];
	uint32_t nbefore = p->nlistener;
	struct err e = { 0 };

	(void)old;
	secure_free(p->secure);
	p->secure = p->secure_next;
	p->secure_next = NULL;
	memcpy(before, p->listener, nbefore * sizeof *before);
	if (p->stopping) {
		for (uint32_t i = 0; i < p->d.nlistener; i++)
			close(p->d.listener[i].fd);
		p->d.nlistener = 0;
		return;
	}
	listeners_close(p);
	if (parent_listeners(p, &e) == -1)
		log_line(LOG_ERR, NULL, "listen", "why=%s", log_q(e.what));
	for (uint32_t i = 0; i < p->nlistener; i++)
		if (loop_watch(&p->d.loop, &p->at[i].watch, p->paused ? 0 : EPOLLIN, &e) == -1)
			log_line(LOG_ERR, NULL, "listen", "why=%s", log_q(e.what));
	door_move(p, before, nbefore);
	for (struct child *c = p->child; c != NULL; c = c->next) {
		c->stale = true;
		if (!c->busy && !c->leaving)
			child_dismiss(c);
	}
	parent_more_files(p);
	door_tell_pace(p);
	parent_spare(p);
}

void
parent_count_refusal(struct parent *p, const char *why)
{
	for (int i = 0; i < PARENT_REASONS; i++) {
		struct refusals *r = &p->refused[i];

		if (r->why == NULL)
			r->why = why;
		if (strcmp(r->why, why) == 0) {
			r->n++;
			return;
		}
	}
}

void
parent_stats(void *arg, struct buf *out)
{
	const struct parent *p = arg;

	figure_add(out, "accord_smtpd_sessions", p->sessions);
	figure_add(out, "accord_smtpd_sessions_max",
	    conf_number(&p->d.conf, CONF_CONCURRENCYINCOMING));
	figure_add(out, "accord_smtpd_processes", p->nchild);
	figure_add(out, "accord_smtpd_connections_total", p->connections);
	figure_add(out, "accord_smtpd_crashes_total", p->crashes);
	figure_add(out, "accord_smtpd_logins_failed_total", p->logins_failed);
	for (int i = 0; i < PARENT_REASONS && p->refused[i].why != NULL; i++)
		figure_of(out, "accord_smtpd_refused_total", "reason", p->refused[i].why,
		    p->refused[i].n);
}
