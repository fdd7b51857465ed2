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
give_name(struct child *c, enum msg_type type, const char *name, int fd, struct err *e)
{
	struct msg_name m = { 0 };

	if (fd == -1)
		return -1;
	snprintf(m.name, sizeof m.name, "%s", name);
	return chan_send(&c->chan, &m.h, type, 0, sizeof m, &fd, 1, e);
}

static int
give_settings(struct child *c, struct err *e)
{
	const struct place *p = c->s->place;

	for (int i = 0; i < CONF_COUNT; i++)
		if (p->setting_fd[i] != -1 && conf_table[i].readers & 1u << c->role &&
		    give_name(c, MSG_SETTING, conf_table[i].name, copy_of(p->setting_fd[i], e), e) == -1)
			return -1;
	return 0;
}

int
child_give_caps(struct child *c, struct err *e)
{
	int fd = place_caps(c->s->place, e);

	if (fd == -1)
		return e->kind == ERR_NONE ? 0 : -1;
	return give_name(c, MSG_FILE, "caps.cdb", fd, e);
}

static int
give_files(struct child *c, struct err *e)
{
	const struct place *p = c->s->place;
	const struct { const char *name; int fd; uint32_t readers; } files[] = {
		{ "queue", p->queue_fd, 1u << ROLE_QUEUE | 1u << ROLE_QMGR },
		{ "home", p->state_fd, 1u << ROLE_LOCAL },
		{ "control.sock", p->control_sock, 1u << ROLE_CONTROL },
		{ "clock", p->clock_fd, ~0u },
	};

	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		if (files[i].fd != -1 && files[i].readers & 1u << c->role &&
		    give_name(c, MSG_FILE, files[i].name, copy_of(files[i].fd, e), e) == -1)
			return -1;
	return c->role == ROLE_CAPD ? child_give_caps(c, e) : 0;
}

static int
give_listeners(struct child *c, struct err *e)
{
	const struct place *p = c->s->place;

	for (uint32_t i = 0; c->role == ROLE_SMTPD && i < p->nlistener; i++) {
		struct msg_listener m = { 0 };
		int fd = copy_of(p->listener[i].fd, e);

		memcpy(m.line, p->listener[i].line, sizeof m.line);
		if (fd == -1 || chan_send(&c->chan, &m.h, MSG_LISTENER, 0, sizeof m, &fd, 1, e) == -1)
			return -1;
	}
	return 0;
}

int
child_give(struct child *c, struct err *e)
{
	if (give_settings(c, e) == -1 || give_files(c, e) == -1)
		return -1;
	return give_listeners(c, e);
}
