/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* start/stop.c - the ordered end: one process after another, from the last that was started. */
#include "start/supervisor.h"

#include <signal.h>

#include "lib/log.h"

/* They have as long as the others; what is left ends with this process. */
static void
stop_retired(struct supervisor *s)
{
	struct msg_hdr h;
	struct err e = { 0 };

	for (struct retired *r = s->retired; r != NULL; r = r->next)
		(void)chan_send(&r->chan, &h, MSG_STOP, 0, sizeof h, NULL, 0, &e);
}

void
supervisor_kill(struct supervisor *s)
{
	for (int i = FIRST; i <= LAST; i++)
		if (s->child[i].pid != 0) {
			log_line(LOG_WARN, NULL, "killed", "role=%s", role_name(s->child[i].role));
			/* its sessions with it */
			if (kill(-s->child[i].pid, SIGKILL) == -1)
				kill(s->child[i].pid, SIGKILL);
		}
}

static void
tell_stop(struct child *c)
{
	struct msg_hdr h;
	struct err e = { 0 };

	if (c->pid == 0)
		return;
	if (!c->chan.open || c->go_waits)
		kill(c->pid, SIGKILL);	/* it cannot be asked, or has not begun */
	else
		(void)chan_send(&c->chan, &h, MSG_STOP, 0, sizeof h, NULL, 0, &e);
}

static int64_t
step_ms(const struct supervisor *s)
{
	return s->stop_at == ROLE_QMGR ? STOP_DRAIN_MS : STOP_STEP_MS;
}

/* The next process from the end of the order that still runs; none: done. */
void
supervisor_stop_next(struct supervisor *s)
{
	struct err e = { 0 };

	if (s->stop_at <= LAST && s->child[s->stop_at].pid != 0)
		return;		/* the one that was told last has its time */
	for (s->stop_at--; s->stop_at >= FIRST; s->stop_at--)
		if (s->child[s->stop_at].pid != 0)
			break;
	if (s->stop_at >= FIRST) {
		tell_stop(&s->child[s->stop_at]);
		(void)loop_timer(&s->loop, &s->stop_step, step_ms(s), &e);
		return;
	}
	s->stop_at = FIRST;	/* all were told: the slow ones */
	for (int i = FIRST; i <= LAST; i++)
		if (s->child[i].pid != 0)
			return;
	s->loop.stop = true;
}

static void
fire_stop_step(void *arg)
{
	struct supervisor *s = arg;
	struct err e = { 0 };

	if (s->stop_at <= FIRST)
		return;
	log_line(LOG_WARN, NULL, "slow-stop", "role=%s", role_name((enum role)s->stop_at));
	for (s->stop_at--; s->stop_at > FIRST && s->child[s->stop_at].pid == 0;)
		s->stop_at--;
	tell_stop(&s->child[s->stop_at]);
	(void)loop_timer(&s->loop, &s->stop_step, step_ms(s), &e);
}

static void
fire_stop_all(void *arg)
{
	struct supervisor *s = arg;

	while (s->stop_at > FIRST)
		tell_stop(&s->child[--s->stop_at]);
}

static void
fire_stop_kill(void *arg)
{
	supervisor_kill(arg);
}

void
supervisor_stop(struct supervisor *s, int status)
{
	struct err e = { 0 };

	if (s->stopping)
		return;
	s->stopping = true;
	s->status = status;
	s->stop_at = LAST + 1;
	log_line(LOG_INFO, NULL, "stopping", "");
	stop_retired(s);
	loop_cancel(&s->loop, &s->watchdog);
	reload_give_up(s, "accord is being stopped");
	for (int i = FIRST; i <= LAST; i++)
		loop_cancel(&s->loop, &s->child[i].restart);
	if (loop_timer(&s->loop, &s->stop_all, STOP_ALL_MS, &e) == -1 ||
	    loop_timer(&s->loop, &s->stop_kill, STOP_KILL_MS, &e) == -1)
		supervisor_kill(s);
	supervisor_stop_next(s);
}

void
supervisor_stop_init(struct supervisor *s)
{
	s->stop_step = (struct timer){ .fire = fire_stop_step, .arg = s };
	s->stop_all = (struct timer){ .fire = fire_stop_all, .arg = s };
	s->stop_kill = (struct timer){ .fire = fire_stop_kill, .arg = s };
}
