/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * start/reload.c - settings are read anew while mail goes on.  All of them are opened and checked
 * here; every daemon gets its own and says what it finds; when all have found them valid, all switch,
 * else all keep what they have.  One that dies or says nothing within RELOAD_WAIT_MS refuses for all.
 */
#include "start/supervisor.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lib/log.h"

static void
notify_begin(const struct supervisor *s)
{
	struct timespec t;
	char text[80];

	if (s->notify == NULL || clock_gettime(CLOCK_MONOTONIC, &t) == -1)
		return;
	snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%lld\n",
	    (long long)t.tv_sec * 1000000 + t.tv_nsec / 1000);
	s->notify(text);
}

static void
answer(struct supervisor *s, uint32_t asker, enum err_kind kind, const char *text)
{
	struct msg_reloaded m = { .kind = (uint32_t)kind };
	struct err e = { 0 };

	span_text(span_str(text), m.text, sizeof m.text);
	(void)chan_send(&s->child[ROLE_CONTROL].chan, &m.h, MSG_RELOADED, asker, sizeof m, NULL, 0, &e);
}

/* It is over, so or so. */
static void
finish(struct supervisor *s, enum err_kind kind, const char *text)
{
	struct reload *r = &s->reload;

	loop_cancel(&s->loop, &r->late);
	place_drop(&r->next);
	r->active = r->switching = false;
	if (s->notify != NULL)
		s->notify("READY=1\n");
	if (r->by_command)
		answer(s, r->asker, kind, text);
	if (r->again && !s->stopping) {
		r->again = false;
		reload_by_signal(s);
	}
}

static void
tell_all(struct supervisor *s, uint32_t type)
{
	for (int i = FIRST; i <= LAST; i++) {
		struct child *c = &s->child[i];
		struct msg_hdr h;
		struct err e = { 0 };

		if (c->state == CHILD_UP &&
		    chan_send(&c->chan, &h, type, s->reload.number, sizeof h, NULL, 0, &e) == -1)
			kill(c->pid, SIGKILL);	/* its successor has the right settings */
	}
}

static void
refuse(struct supervisor *s, enum err_kind kind, const char *why)
{
	s->reload.refused++;
	log_line(LOG_ERR, NULL, "reload-refused", "why=%s", log_q(why));
	tell_all(s, MSG_RELOAD_KEEP);
	finish(s, kind, why);
}

void
reload_give_up(struct supervisor *s, const char *why)
{
	if (!s->reload.active)
		return;
	if (s->reload.switching)
		finish(s, ERR_NONE, why);
	else
		refuse(s, ERR_TEMP, why);
}

/* All have switched, or the one that has not will be killed or restarted with the new ones. */
static void
switched(struct supervisor *s)
{
	log_line(LOG_INFO, NULL, "reloaded", "settings=%u notes=%s", s->settings, log_q(s->reload.notes));
	finish(s, ERR_NONE, s->reload.notes);
}

/* All found them valid. */
static void
commit(struct supervisor *s)
{
	struct reload *r = &s->reload;
	struct err e = { 0 };

	if (place_switch(s->place, &r->next, &e) == -1) {
		refuse(s, ERR_TEMP, e.what);
		return;
	}
	r->switching = true;
	r->done++;
	s->settings = r->number;
	if (limits_raise(&s->place->conf, &e) == -1)
		log_line(LOG_WARN, NULL, "few-descriptors", "why=%s", log_q(e.what));
	for (int i = FIRST; i <= LAST; i++) {
		limits_raise_of(&s->place->conf, s->child[i].pid);
		r->wait |= 1u << i;
	}
	tell_all(s, MSG_RELOAD_SWITCH);
	(void)loop_timer(&s->loop, &r->late, RELOAD_WAIT_MS, &e);
}

/* One that hangs just now may get the packet later: nothing else is wanted of it, and the watchdog
 * looks after it. */
static void
fire_late(void *arg)
{
	struct supervisor *s = arg;
	struct reload *r = &s->reload;
	char who[200] = "", why[300];
	size_t n = 0;

	for (int i = FIRST; i <= LAST; i++)
		if (r->wait & 1u << i && n < sizeof who)
			n += (size_t)snprintf(who + n, sizeof who - n, "%s%s", n > 0 ? ", " : "",
			    role_name((enum role)i));
	snprintf(why, sizeof why, "%s did not answer within %d seconds", who, RELOAD_WAIT_MS / 1000);
	if (!r->switching) {
		refuse(s, ERR_PERM, why);
		return;
	}
	n = strlen(r->notes);
	snprintf(r->notes + n, sizeof r->notes - n, "%s%s, but will have the new settings",
	    n > 0 ? "; " : "", why);
	switched(s);
}

void
reload_child_gone(struct child *c)
{
	struct reload *r = &c->s->reload;
	char why[80];

	if (!r->active)
		return;
	if (r->switching) {		/* it is started again, with the new settings */
		r->wait &= ~(1u << c->role);
		if (r->wait == 0)
			switched(c->s);
		return;
	}
	snprintf(why, sizeof why, "%s died meanwhile", role_name(c->role));
	refuse(c->s, ERR_PERM, why);
}

/* Settings that a running process cannot take on: it says which. */
static void
note_what_waits(struct reload *r, const struct conf *old, const struct conf *new)
{
	static const enum conf_id fixed[] = { CONF_FLUSH, CONF_NOLANDLOCK };
	size_t n = 0;

	r->notes[0] = '\0';
	for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
		if (!conf_same(old, new, fixed[i]))
			n += (size_t)snprintf(r->notes + n, sizeof r->notes - n,
			    "%s%s: takes effect when accord is started the next time", n > 0 ? "; " : "",
			    conf_table[fixed[i]].name);
}

/* Why there can be none now; NULL: there can. */
static const char *
not_now(const struct supervisor *s)
{
	static char why[80];

	if (s->stopping || !s->all_up)
		return s->stopping ? "accord is being stopped" : "accord is being started";
	if (s->reload.active)
		return "a reload is under way already";
	for (int i = FIRST; i <= LAST; i++)
		if (s->child[i].state != CHILD_UP) {
			snprintf(why, sizeof why, "%s is being restarted, try again",
			    role_name((enum role)i));
			return why;
		}
	return NULL;
}

static void
begin(struct supervisor *s)
{
	struct reload *r = &s->reload;
	struct err e = { 0 };

	r->active = true;
	r->wait = 0;
	r->number++;
	log_line(LOG_INFO, NULL, "reload", "settings=%u", r->number);
	notify_begin(s);
	if (place_reopen(s->place, &r->next, &e) == -1) {
		refuse(s, ERR_PERM, e.what);	/* the administrator's to mend */
		return;
	}
	note_what_waits(r, &s->place->conf, &r->next.conf);
	for (int i = FIRST; i <= LAST; i++) {
		r->wait |= 1u << s->child[i].role;
		if (child_give_next(&s->child[i], &r->next, r->number, &e) == -1) {
			refuse(s, ERR_TEMP, e.what);
			return;
		}
	}
	if (loop_timer(&s->loop, &r->late, RELOAD_WAIT_MS, &e) == -1)
		refuse(s, ERR_TEMP, e.what);
}

void
reload_by_signal(struct supervisor *s)
{
	const char *why = not_now(s);

	if (why == NULL) {
		s->reload.by_command = false;
		begin(s);
	} else if (s->reload.active) {
		s->reload.again = true;
	} else {
		log_line(LOG_WARN, NULL, "reload-refused", "why=%s", log_q(why));
	}
}

int
reload_on_ask(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	struct supervisor *s = ((struct child *)ch->arg)->s;
	uint32_t asker = ((const struct msg_hdr *)msg)->id;
	const char *why = not_now(s);

	(void)len, (void)fds, (void)e;
	if (why != NULL) {
		log_line(LOG_WARN, NULL, "reload-refused", "why=%s", log_q(why));
		answer(s, asker, ERR_TEMP, why);
		return 0;
	}
	s->reload.by_command = true;
	s->reload.asker = asker;
	begin(s);
	return 0;
}

/* Is it this reload that c speaks of?  One given up may be answered late. */
static bool
is_meant(const struct child *c, const void *msg, bool switching)
{
	const struct reload *r = &c->s->reload;

	return r->active && r->switching == switching && r->wait & 1u << c->role &&
	    ((const struct msg_hdr *)msg)->id == r->number;
}

int
reload_on_valid(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	struct child *c = ch->arg;
	struct reload *r = &c->s->reload;

	(void)len, (void)fds, (void)e;
	if (!is_meant(c, msg, false))
		return 0;
	r->wait &= ~(1u << c->role);
	if (r->wait == 0)
		commit(c->s);
	return 0;
}

/* "listen:3: expected …" is of a file; anything else is said with the daemon's name. */
int
reload_on_invalid(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	struct child *c = ch->arg;
	const struct msg_text *m = msg;
	char text[sizeof m->text], name[64], why[sizeof m->text + PLACE_PATH + 2];
	struct span s = span_of(m->text, strnlen(m->text, sizeof m->text));

	(void)len, (void)fds, (void)e;
	if (!is_meant(c, msg, false))
		return 0;
	span_text(s, text, sizeof text);
	span_text(span_sub(s, 0, span_find(s, ':')), name, sizeof name);
	snprintf(why, sizeof why, "%s%s%s", conf_find(name) != CONF_COUNT ? c->s->place->control :
	    role_name(c->role), conf_find(name) != CONF_COUNT ? "/" : ": ", text);
	refuse(c->s, ERR_PERM, why);
	return 0;
}

int
reload_on_switched(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	struct child *c = ch->arg;
	struct reload *r = &c->s->reload;

	(void)len, (void)fds, (void)e;
	if (!is_meant(c, msg, true))
		return 0;
	r->wait &= ~(1u << c->role);
	if (r->wait == 0)
		switched(c->s);
	return 0;
}

void
reload_init(struct supervisor *s)
{
	s->settings = s->reload.number = 1;
	s->reload.late = (struct timer){ .fire = fire_late, .arg = s };
	for (int i = 0; i < CONF_COUNT; i++)
		s->reload.next.setting_fd[i] = -1;
}
