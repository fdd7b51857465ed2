/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* start/give.c - settings, files and listeners for one process: what it reads and no more. */
#include "start/supervisor.h"

#include <fcntl.h>
#include <stdio.h>

/* Descriptors are passed as copies: the originals are for the next restart. */
static int
copy_of(int fd, struct err *e)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	return copy == -1 ? err_sys(e, "descriptor") : copy;
}

static int
give_name(struct child *c, enum msg_type type, uint32_t id, const char *name, int fd, struct err *e)
{
	struct msg_name m = { 0 };

	if (fd == -1)
		return -1;
	snprintf(m.name, sizeof m.name, "%s", name);
	return chan_send(&c->chan, &m.h, type, id, sizeof m, &fd, 1, e);
}

/* Which set of settings, and the packets that carry it: at start, or for a reload. */
struct parcel { const struct place *from; uint32_t number; bool reload; };

static int
give_settings(struct child *c, const struct parcel *w, struct err *e)
{
	enum msg_type type = w->reload ? MSG_RELOAD_SETTING : MSG_SETTING;
	struct msg_settings m = { 0 };

	snprintf(m.me, sizeof m.me, "%.255s", conf_string(&w->from->conf, CONF_ME));
	if (chan_send(&c->chan, &m.h, MSG_RELOAD_BEGIN, w->number, sizeof m, NULL, 0, e) == -1)
		return -1;
	for (int i = 0; i < CONF_COUNT; i++)
		if (w->from->setting_fd[i] != -1 && conf_table[i].readers & 1u << c->role &&
		    give_name(c, type, w->number, conf_table[i].name, copy_of(w->from->setting_fd[i], e),
		    e) == -1)
			return -1;
	return 0;
}

static int
give_caps(struct child *c, const struct parcel *w, struct err *e)
{
	int fd = place_caps(w->from, e);

	if (fd == -1)
		return e->kind == ERR_NONE ? 0 : -1;
	return give_name(c, w->reload ? MSG_RELOAD_FILE : MSG_FILE, w->number, "caps.cdb", fd, e);
}

/* Certificates to who shows them, and with their private keys to who signs. */
static int
give_certs(struct child *c, const struct parcel *w, struct err *e)
{
	int fd = c->role == ROLE_SMTPD ? w->from->certs_fd : c->role == ROLE_KEY ? w->from->keys_fd :
	    c->role == ROLE_REMOTE ? w->from->authorities_fd : -1;

	if (fd == -1)
		return 0;
	return give_name(c, w->reload ? MSG_RELOAD_FILE : MSG_FILE, w->number, "tls", copy_of(fd, e), e);
}

/* Who exists, to who answers for it; and what directories need, to who asks them. */
static int
give_known(struct child *c, const struct parcel *w, struct err *e)
{
	bool asks = c->role == ROLE_CAPD || c->role == ROLE_LOCAL || c->role == ROLE_EXPAND;
	int fd = asks ? w->from->known_fd : c->role == ROLE_LDAP ? w->from->directories_fd : -1;
	const char *name = asks ? "known" : "ldap";

	if (fd == -1)
		return 0;
	return give_name(c, w->reload ? MSG_RELOAD_FILE : MSG_FILE, w->number, name, copy_of(fd, e), e);
}

/* The file passwd, where a line of auth wants it. */
static int
give_users(struct child *c, const struct parcel *w, struct err *e)
{
	if (c->role != ROLE_AUTH || w->from->users_fd == -1)
		return 0;
	return give_name(c, w->reload ? MSG_RELOAD_FILE : MSG_FILE, w->number, "passwd", copy_of(w->from->users_fd, e), e);
}

int
child_give_users(struct child *c, struct err *e)
{
	return give_users(c, &(struct parcel){ c->s->place, 0, false }, e);
}

int
child_give_caps(struct child *c, struct err *e)
{
	return give_caps(c, &(struct parcel){ c->s->place, 0, false }, e);
}

int
child_give_control(struct child *c, struct err *e)
{
	return give_name(c, MSG_FILE, 0, "control.sock", copy_of(c->s->place->control_sock, e), e);
}

static int
give_files(struct child *c, struct err *e)
{
	const struct place *p = c->s->place;
	const struct { const char *name; int fd; uint32_t readers; } files[] = {
		{ "queue", p->queue_fd, 1u << ROLE_QUEUE | 1u << ROLE_QMGR },
		{ "home", p->state_fd, 1u << ROLE_LOCAL },
		{ "caps", p->caps_fd, 1u << ROLE_CAPD },
		{ "learn", p->learn_fd, 1u << ROLE_LEARN },
		{ "offer", p->offer_fd, 1u << ROLE_OFFER },
		{ "control.sock", p->control_sock, 1u << ROLE_CONTROL },
		{ "clock", p->clock_fd, ~0u },
	};

	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		if (files[i].fd != -1 && files[i].readers & 1u << c->role &&
		    give_name(c, MSG_FILE, 0, files[i].name, copy_of(files[i].fd, e), e) == -1)
			return -1;
	return c->role == ROLE_CAPD ? child_give_caps(c, e) : 0;
}

static int
give_listeners(struct child *c, const struct parcel *w, struct err *e)
{
	const struct place *p = w->from;
	enum msg_type type = w->reload ? MSG_RELOAD_LISTENER : MSG_LISTENER;

	for (uint32_t i = 0; c->role == ROLE_SMTPD && i < p->nlistener; i++) {
		struct msg_listener m = { 0 };
		int fd = copy_of(p->listener[i].fd, e);

		memcpy(m.line, p->listener[i].line, sizeof m.line);
		if (fd == -1 ||
		    chan_send(&c->chan, &m.h, type, w->number, sizeof m, &fd, 1, e) == -1)
			return -1;
	}
	return 0;
}

int
child_give(struct child *c, struct err *e)
{
	const struct parcel w = { c->s->place, c->s->settings, false };

	if (give_settings(c, &w, e) == -1 || give_files(c, e) == -1 || give_certs(c, &w, e) == -1 ||
	    give_known(c, &w, e) == -1 || give_users(c, &w, e) == -1)
		return -1;
	return give_listeners(c, &w, e);
}

int
child_give_next(struct child *c, const struct place *next, uint32_t number, struct err *e)
{
	const struct parcel w = { next, number, true };
	struct msg_hdr h;

	if (give_settings(c, &w, e) == -1 ||
	    (c->role == ROLE_CAPD && give_caps(c, &w, e) == -1) || give_certs(c, &w, e) == -1 ||
	    give_known(c, &w, e) == -1 || give_users(c, &w, e) == -1 || give_listeners(c, &w, e) == -1)
		return -1;
	return chan_send(&c->chan, &h, MSG_RELOAD_CHECK, number, sizeof h, NULL, 0, e);
}
