/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/reload.c - a daemon's half of a reload: the new settings are parsed and checked beside those in
 * force; nothing is opened or asked of the system for it, so no sandbox is in its way.  Figures and
 * pings, the other questions of the supervisor, are answered here too.
 */
#include "lib/daemon.h"

#include <stdio.h>

#include "lib/figure.h"
#include "lib/log.h"

int
daemon_settings_begin(struct daemon *d, const struct msg_settings *m, struct err *e)
{
	struct conf conf;
	char me[sizeof m->me];

	snprintf(me, sizeof me, "%.*s", (int)sizeof me - 1, m->me);
	if (conf_init_as(&conf, me, e) == -1)
		return -1;
	conf_free(&d->conf);
	d->conf = conf;
	d->settings = m->h.id;
	return 0;
}

static void
next_forget(struct daemon *d)
{
	struct daemon_next *n = &d->next;

	if (!n->open)
		return;
	n->open = n->valid = false;
	conf_free(&n->conf);
	for (uint32_t i = 0; i < n->nlistener; i++)
		ipc_close_fds(&n->listener[i].fd, 1);
	n->nlistener = 0;
	for (uint32_t i = 0; i < n->nfile; i++)
		ipc_close_fds(&n->file[i].fd, 1);
	n->nfile = 0;
}

/* The place of a file of that name; n->nfile: there is none. */
static uint32_t
next_place(const struct daemon_next *n, const char *name)
{
	uint32_t i = 0;

	while (i < n->nfile && strcmp(n->file[i].name, name) != 0)
		i++;
	return i;
}

int
daemon_next_file(const struct daemon_next *n, const char *name)
{
	uint32_t i = next_place(n, name);

	return i == n->nfile ? -1 : n->file[i].fd;
}

int
daemon_next_take(struct daemon_next *n, const char *name)
{
	uint32_t i = next_place(n, name);
	int fd = daemon_next_file(n, name);

	if (i < n->nfile)
		n->file[i].fd = -1;
	return fd;
}

static int
answer(struct daemon *d, uint32_t type, uint32_t id, struct err *e)
{
	struct msg_hdr h;

	return chan_send(&d->sup, &h, type, id, sizeof h, NULL, 0, e);
}

static int
on_begin(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct daemon *d = c->arg;
	struct daemon_next *n = &d->next;
	const struct msg_settings *m = msg;
	char me[sizeof m->me];

	(void)len, (void)fds, (void)e;
	if (n->open && d->kept != NULL)
		d->kept(d->arg);
	next_forget(d);
	snprintf(me, sizeof me, "%.*s", (int)sizeof me - 1, m->me);
	*n = (struct daemon_next){ .open = true, .number = m->h.id };
	(void)conf_init_as(&n->conf, me, &n->err);
	return 0;
}

/* Packets of settings that were given up already are passed over. */
static bool
is_next(const struct daemon *d, const void *msg)
{
	return d->next.open && d->next.number == ((const struct msg_hdr *)msg)->id;
}

/* Would change what was found valid. */
static int
too_late(struct err *e)
{
	return err_set(e, ERR_PROTO, NULL, "a part of settings that were checked already");
}

static int
on_setting(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct daemon *d = c->arg;
	struct msg_name m = *(const struct msg_name *)msg;
	enum conf_id id;

	(void)len;
	if (!is_next(d, msg) || d->next.err.kind != ERR_NONE)
		return 0;
	if (d->next.valid)
		return too_late(e);
	m.name[sizeof m.name - 1] = '\0';
	if ((id = conf_find(m.name)) == CONF_COUNT)
		return err_set(e, ERR_PROTO, NULL, "setting %.40s is not known", m.name);
	(void)conf_set_fd(&d->next.conf, id, fds[0], &d->next.err);
	return 0;
}

static int
on_file(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct daemon *d = c->arg;
	struct daemon_next *n = &d->next;
	struct msg_name m = *(const struct msg_name *)msg;
	uint32_t i;

	(void)len;
	if (!is_next(d, msg))
		return 0;
	if (n->valid)
		return too_late(e);
	m.name[sizeof m.name - 1] = '\0';
	i = next_place(n, m.name);
	if (i == DAEMON_FILES)
		return err_set(e, ERR_PROTO, NULL, "too many files");
	if (i == n->nfile)
		n->file[n->nfile++].fd = -1;
	memcpy(n->file[i].name, m.name, sizeof m.name);
	ipc_close_fds(&n->file[i].fd, 1);
	n->file[i].fd = fds[0];
	fds[0] = -1;
	return 0;
}

static int
on_listener(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct daemon *d = c->arg;
	struct daemon_next *n = &d->next;
	const struct msg_listener *m = msg;

	(void)len;
	if (!is_next(d, msg))
		return 0;
	if (n->valid)
		return too_late(e);
	if (n->nlistener == DAEMON_LISTENERS)
		return err_set(e, ERR_PROTO, NULL, "too many listeners");
	snprintf(n->listener[n->nlistener].line, sizeof n->listener[0].line, "%.255s", m->line);
	n->listener[n->nlistener++].fd = fds[0];
	fds[0] = -1;
	return 0;
}

static int
on_check(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct daemon *d = c->arg;
	struct daemon_next *n = &d->next;
	struct msg_text bad = { 0 };

	(void)len, (void)fds;
	if (!is_next(d, msg))
		return 0;
	if (n->valid)
		return err_set(e, ERR_PROTO, NULL, "settings checked twice");
	if (n->err.kind == ERR_NONE && (d->check == NULL || d->check(d->arg, n, &n->err) == 0)) {
		n->valid = true;
		return answer(d, MSG_RELOAD_VALID, n->number, e);
	}
	snprintf(bad.text, sizeof bad.text, "%s", n->err.what);
	return chan_send(&d->sup, &bad.h, MSG_RELOAD_INVALID, n->number, sizeof bad, NULL, 0, e);
}

static int
on_switch(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct daemon *d = c->arg;
	struct daemon_next *n = &d->next;
	struct conf old = d->conf;

	(void)len, (void)fds;
	if (!is_next(d, msg) || !n->valid)
		return err_set(e, ERR_PROTO, NULL, "a switch to settings that are not here, or not valid");
	d->conf = n->conf;
	n->conf = (struct conf){ 0 };
	memcpy(d->listener, n->listener, sizeof d->listener);
	d->nlistener = n->nlistener;
	n->nlistener = 0;
	d->settings = n->number;
	if (d->switched != NULL)
		d->switched(d->arg, &old);
	conf_free(&old);
	next_forget(d);
	log_line(LOG_INFO, NULL, "reloaded", "settings=%u", d->settings);
	return answer(d, MSG_RELOAD_SWITCHED, d->settings, e);
}

static int
on_keep(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct daemon *d = c->arg;

	(void)len, (void)fds, (void)e;
	if (!is_next(d, msg))
		return 0;
	if (d->kept != NULL)
		d->kept(d->arg);
	next_forget(d);
	return 0;
}

static int
on_ping(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	(void)len, (void)fds;
	return answer(c->arg, MSG_PONG, ((const struct msg_hdr *)msg)->id, e);
}

static int
on_stats(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct daemon *d = c->arg;
	struct { struct msg_hdr h; unsigned char text[DAEMON_FIGURES]; } m = { 0 };
	struct buf out;
	size_t n;

	(void)len, (void)fds;
	buf_init(&out, DAEMON_FIGURES);
	if (d->stats != NULL)
		d->stats(d->arg, &out);
	figure_of(&out, "accord_log_lines_dropped_total", "role", role_name(d->self), log_lost());
	n = out.n;
	if (n > 0)
		memcpy(m.text, out.p, n);
	buf_free(&out);
	return chan_send(&d->sup, &m.h, MSG_FIGURES, ((const struct msg_hdr *)msg)->id,
	    sizeof m.h + n, NULL, 0, e);
}

static int
on_told(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct daemon *d = c->arg;

	(void)fds;
	if (d->told == NULL)
		return err_set(e, ERR_PROTO, NULL, "an answer to no question");
	d->told(d->arg, msg, len);
	return 0;
}

#define FIXED(type, s, nfd, handle) { type, sizeof(struct s), sizeof(struct s), nfd, nfd, handle }
const struct msg_rule daemon_reload_rules[] = {
	FIXED(MSG_RELOAD_BEGIN, msg_settings, 0, on_begin),
	FIXED(MSG_RELOAD_SETTING, msg_name, 1, on_setting),
	FIXED(MSG_RELOAD_FILE, msg_name, 1, on_file),
	FIXED(MSG_RELOAD_LISTENER, msg_listener, 1, on_listener),
	FIXED(MSG_RELOAD_CHECK, msg_hdr, 0, on_check),
	FIXED(MSG_RELOAD_SWITCH, msg_hdr, 0, on_switch),
	FIXED(MSG_RELOAD_KEEP, msg_hdr, 0, on_keep),
	FIXED(MSG_PING, msg_hdr, 0, on_ping),
	FIXED(MSG_STATS, msg_hdr, 0, on_stats),
	FIXED(MSG_RELOADED, msg_reloaded, 0, on_told),
	{ MSG_FIGURES, sizeof(struct msg_hdr), MSG_MAX, 0, 0, on_told },
};
const size_t daemon_reload_nrule = sizeof daemon_reload_rules / sizeof *daemon_reload_rules;
