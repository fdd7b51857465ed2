/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* start/ask.c - what the supervisor asks of its processes: figures for `accord stat`, and signs of
 * life. */
#include "start/supervisor.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/figure.h"
#include "lib/log.h"

/* --- figures --- */

enum { FIGURES_MAX = MSG_MAX - sizeof(struct msg_hdr) };

static void
own_figures(const struct supervisor *s, struct buf *out)
{
	uint64_t kills = 0;

	figure_add(out, "accord_uptime_seconds", (uint64_t)(clock_ms() - s->started_ms) / 1000);
	figure_add(out, "accord_settings", s->settings);
	figure_of(out, "accord_reloads_total", "result", "done", s->reload.done);
	figure_of(out, "accord_reloads_total", "result", "refused", s->reload.refused);
	for (int i = FIRST; i <= LAST; i++) {
		figure_of(out, "accord_restarts_total", "role", role_name((enum role)i),
		    s->child[i].restarts);
		kills += s->child[i].watchdog_kills;
	}
	figure_add(out, "accord_watchdog_kills_total", kills);
	figure_of(out, "accord_log_lines_dropped_total", "role", role_name(ROLE_START), log_lost());
}

static void round_begin(struct supervisor *s);

static void
round_end(struct supervisor *s)
{
	static struct { struct msg_hdr h; unsigned char text[FIGURES_MAX]; } m;
	struct ask *a = &s->ask;
	struct err e = { 0 };

	loop_cancel(&s->loop, &a->late);
	for (int i = FIRST; i <= LAST; i++)
		figure_of(&a->text, "accord_answering", "role", role_name((enum role)i),
		    !((a->wait | a->missing) & 1u << i));
	memcpy(m.text, a->text.p, a->text.n);
	for (uint32_t i = 0; i < a->nasker; i++)
		(void)chan_send(&s->child[ROLE_CONTROL].chan, &m.h, MSG_FIGURES, a->asker[i],
		    sizeof m.h + a->text.n, NULL, 0, &e);
	buf_free(&a->text);
	a->nasker = a->wait = 0;
	if (a->nnext > 0)
		round_begin(s);
}

static void
fire_ask_late(void *arg)
{
	round_end(arg);
}

/* Answers of a round are as new as its question: who asks during one gets the next. */
static void
round_begin(struct supervisor *s)
{
	struct ask *a = &s->ask;
	struct msg_hdr h;
	struct err e = { 0 };

	memcpy(a->asker, a->next, sizeof a->asker);
	a->nasker = a->nnext;
	a->nnext = 0;
	a->round++;
	a->wait = a->missing = 0;
	buf_init(&a->text, FIGURES_MAX);
	own_figures(s, &a->text);
	for (int i = FIRST; i <= LAST; i++)
		if (s->child[i].state == CHILD_UP && chan_send(&s->child[i].chan, &h, MSG_STATS, a->round,
		    sizeof h, NULL, 0, &e) == 0)
			a->wait |= 1u << i;
		else
			a->missing |= 1u << i;
	if (a->wait == 0 || loop_timer(&s->loop, &a->late, ASK_WAIT_MS, &e) == -1)
		round_end(s);
}

int
ask_on_stats(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	struct supervisor *s = ((struct child *)ch->arg)->s;
	struct ask *a = &s->ask;

	(void)len, (void)fds;
	if (a->nnext == ASKERS_MAX)
		return err_set(e, ERR_TEMP, NULL, "too many ask for figures");
	a->next[a->nnext++] = ((const struct msg_hdr *)msg)->id;
	if (a->nasker == 0)
		round_begin(s);
	return 0;
}

/* Lines that are none are not passed on: what they go into is read by others. */
static void
keep_lines(struct supervisor *s, struct span text)
{
	struct span line;
	struct figure f;
	struct err ignored;

	while (span_line(&text, &line))
		if (figure_read(line, &f) && buf_add(&s->ask.text, line, &ignored) == 0)
			(void)buf_add_byte(&s->ask.text, '\n', &ignored);
}

int
ask_on_figures(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	struct child *c = ch->arg;
	struct ask *a = &c->s->ask;
	const struct msg_hdr *h = msg;

	(void)fds, (void)e;
	if (h->id != a->round || !(a->wait & 1u << c->role))
		return 0;
	keep_lines(c->s, span_of(h + 1, len - sizeof *h));
	a->wait &= ~(1u << c->role);
	if (a->wait == 0)
		round_end(c->s);
	return 0;
}

void
ask_child_gone(struct child *c)
{
	struct ask *a = &c->s->ask;

	if (!(a->wait & 1u << c->role))
		return;
	a->wait &= ~(1u << c->role);
	a->missing |= 1u << c->role;
	if (a->wait == 0)
		round_end(c->s);
}

/* --- the watchdog --- */

/* The letter of proc(5)'s stat, behind the name in parentheses; '?' if it cannot be read. */
static char
process_state(pid_t pid)
{
	char path[40], text[512];
	int fd;
	ssize_t n;
	size_t at;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd == -1 ? -1 : read(fd, text, sizeof text);
	if (fd != -1)
		close(fd);
	if (n <= 0)
		return '?';
	at = span_rfind(span_of(text, (size_t)n), ')');
	return at + 2 < (size_t)n ? text[at + 2] : '?';
}

/* A disk that stalls ('D') and a debugger ('t') end some time; killing would not make it sooner. */
static void
child_hangs(struct child *c)
{
	char state = process_state(c->pid);
	bool leave = state == 'D' || state == 't';

	log_line(LOG_ERR, NULL, "hangs", "role=%s pid=%d state=%c killed=%d", role_name(c->role),
	    (int)c->pid, state, !leave);
	if (leave)
		return;
	c->watchdog_kills++;
	if (kill(-c->pid, SIGKILL) == -1)	/* its sessions with it */
		kill(c->pid, SIGKILL);
}

/* Rounds are counted, not time: a machine that slept, or a clock that jumped, is one round. */
static void
fire_watchdog(void *arg)
{
	struct supervisor *s = arg;
	struct err e = { 0 };

	for (int i = FIRST; i <= LAST; i++) {
		struct child *c = &s->child[i];
		struct msg_hdr h;

		if (c->state != CHILD_UP)
			continue;
		if (c->missed >= WATCHDOG_MISSED)
			child_hangs(c);
		else if (c->missed++ == 0)	/* one question is enough; the next after its answer */
			(void)chan_send(&c->chan, &h, MSG_PING, 0, sizeof h, NULL, 0, &e);
	}
	watchdog_begin(s);
}

int
watchdog_on_pong(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	(void)msg, (void)len, (void)fds, (void)e;
	((struct child *)ch->arg)->missed = 0;
	return 0;
}

void
watchdog_begin(struct supervisor *s)
{
	struct err e = { 0 };

	if (loop_timer(&s->loop, &s->watchdog, WATCHDOG_MS, &e) == -1)
		log_line(LOG_ERR, NULL, "no-watchdog", "why=%s", log_q(e.what));
}

void
ask_init(struct supervisor *s)
{
	s->started_ms = clock_ms();
	s->ask.late = (struct timer){ .fire = fire_ask_late, .arg = s };
	s->watchdog = (struct timer){ .fire = fire_watchdog, .arg = s };
}
