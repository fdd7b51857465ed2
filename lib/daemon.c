/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"

static struct daemon *ready;	/* this process, once it is; there is one */

static int
daemon_on_setting(struct daemon *d, const struct msg_name *m, int fd, struct err *e)
{
	enum conf_id id = conf_find(m->name);

	if (id == CONF_COUNT)
		return err_set(e, ERR_PROTO, NULL, "setting %.40s is not known", m->name);
	return conf_set_fd(&d->conf, id, fd, e);
}

/* A packet of the start: takes over *fd where it keeps it. */
static int
daemon_start_packet(struct daemon *d, void *packet, int *fd, struct err *e)
{
	struct msg_hdr *h = packet;
	struct msg_name *m = packet;
	struct msg_listener *l = packet;
	struct msg_peer *p = packet;

	if (h->type == MSG_RELOAD_BEGIN && h->len == sizeof(struct msg_settings))
		return daemon_settings_begin(d, packet, e);
	if (h->type == MSG_SETTING && h->len == sizeof *m && *fd != -1)
		return daemon_on_setting(d, m, *fd, e);
	if (h->type == MSG_FILE && h->len == sizeof *m && *fd != -1 && d->nfile < DAEMON_FILES) {
		if (strcmp(m->name, "clock") == 0)
			return clock_shift(*fd) == -1 ? err_sys(e, "clock") : 0;
		snprintf(d->file[d->nfile].name, sizeof m->name, "%.47s", m->name);
		d->file[d->nfile++].fd = *fd;
	} else if (h->type == MSG_LISTENER && h->len == sizeof *l && *fd != -1 &&
	    d->nlistener < DAEMON_LISTENERS) {
		snprintf(d->listener[d->nlistener].line, sizeof l->line, "%.255s", l->line);
		d->listener[d->nlistener++].fd = *fd;
	} else if (h->type == MSG_PEER && h->len == sizeof *p && *fd != -1 && p->role < ROLE_COUNT) {
		ipc_close_fds(&d->peer_fd[p->role], 1);
		d->peer_fd[p->role] = *fd;
		d->generation[p->role] = p->generation;
	} else {
		return err_set(e, ERR_PROTO, NULL, "packet %u at start", h->type);
	}
	*fd = -1;
	return 0;
}

int
daemon_start(struct daemon *d, enum role self, struct err *e)
{
	static _Alignas(8) unsigned char packet[MSG_MAX];
	char name[16];

	*d = (struct daemon){ .self = self };
	for (int i = 0; i < ROLE_COUNT; i++)
		d->peer_fd[i] = -1;
	signal(SIGPIPE, SIG_IGN);
	snprintf(name, sizeof name, "accord-%s", role_name(self));
	prctl(PR_SET_NAME, name);	/* Linux before 6.14 calls a program that was open already by a number */
	if (conf_init(&d->conf, e) == -1 || loop_init(&d->loop, e) == -1)
		return -1;
	for (;;) {
		int fds[MSG_FDS];
		size_t len;
		int r = ipc_recv(DAEMON_FD, packet, sizeof packet, &len, fds, e);

		if (r == 0)
			return err_set(e, ERR_TEMP, NULL, "the supervisor has gone");
		if (r == -1) {
			if (errno == ENOTSOCK || errno == EBADF)
				return err_set(e, ERR_PERM, NULL, "accord-%s is started by accord start",
				    role_name(self));
			return -1;
		}
		if (((struct msg_hdr *)(void *)packet)->type == MSG_GO)
			return 0;
		r = daemon_start_packet(d, packet, &fds[0], e);
		ipc_close_fds(fds, MSG_FDS);
		if (r == -1)
			return -1;
	}
}

int
daemon_file(const struct daemon *d, const char *name)
{
	for (uint32_t i = 0; i < d->nfile; i++)
		if (strcmp(d->file[i].name, name) == 0)
			return d->file[i].fd;
	return -1;
}

static int
daemon_on_peer(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct daemon *d = c->arg;
	const struct msg_peer *m = msg;

	(void)len;
	if (m->role >= ROLE_COUNT || d->peer == NULL)
		return err_set(e, ERR_PROTO, NULL, "a peer %u", m->role);
	d->generation[m->role] = m->generation;
	d->peer(d->arg, m->role, m->generation, fds[0]);
	fds[0] = -1;
	return 0;
}

static int
daemon_on_file(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct daemon *d = c->arg;
	const struct msg_name *m = msg;
	char name[sizeof m->name];

	(void)len;
	if (d->file_changed == NULL)
		return err_set(e, ERR_PROTO, NULL, "a file");
	snprintf(name, sizeof name, "%.*s", (int)sizeof name - 1, m->name);
	d->file_changed(d->arg, name, fds[0]);
	fds[0] = -1;
	return 0;
}

static int
daemon_on_stop(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct daemon *d = c->arg;

	(void)msg, (void)len, (void)fds, (void)e;
	if (d->stop != NULL)
		d->stop(d->arg);
	else
		d->loop.stop = true;
	return 0;
}

static int
daemon_on_retire(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct daemon *d = c->arg;

	(void)msg, (void)len, (void)fds;
	if (d->retire == NULL)
		return err_set(e, ERR_PROTO, NULL, "a retirement that was not asked for");
	d->retire(d->arg);
	return 0;
}

static int
daemon_on_granted(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct daemon *d = c->arg;

	(void)len;
	if (d->granted == NULL)
		return err_set(e, ERR_PROTO, NULL, "a secret that was not asked for");
	d->granted(d->arg, msg, fds[0]);
	fds[0] = -1;
	return 0;
}

static const struct msg_rule from_supervisor[] = {
	{ MSG_GRANTED, sizeof(struct msg_refused), sizeof(struct msg_refused), 0, 1, daemon_on_granted },
	{ MSG_RETIRE, sizeof(struct msg_hdr), sizeof(struct msg_hdr), 0, 0, daemon_on_retire },
	{ MSG_PEER, sizeof(struct msg_peer), sizeof(struct msg_peer), 1, 1, daemon_on_peer },
	{ MSG_FILE, sizeof(struct msg_name), sizeof(struct msg_name), 1, 1, daemon_on_file },
	{ MSG_STOP, sizeof(struct msg_hdr), sizeof(struct msg_hdr), 0, 0, daemon_on_stop },
};
enum { NRULE = sizeof from_supervisor / sizeof *from_supervisor, RULES_MAX = 24 };

static void
daemon_orphaned(struct chan *c, const struct err *why)
{
	(void)c;
	log_line(LOG_WARN, NULL, "exit", "why=%s",
	    log_q(why->kind == ERR_NONE ? "the supervisor has gone" : why->what));
	_exit(1);
}

int
daemon_ready(struct daemon *d, struct err *e)
{
	static struct msg_rule rules[RULES_MAX];
	struct msg_hdr h;

	if (NRULE + daemon_reload_nrule > RULES_MAX)
		return err_set(e, ERR_BUG, NULL, "too many kinds of packets");
	memcpy(rules, from_supervisor, sizeof from_supervisor);
	memcpy(rules + NRULE, daemon_reload_rules, daemon_reload_nrule * sizeof *rules);
	if (ipc_send(DAEMON_FD, &h, MSG_READY, 0, sizeof h, NULL, 0, e) == -1)
		return -1;
	ready = d;
	return chan_open(&d->sup, &d->loop, DAEMON_FD, "start", rules, NRULE + daemon_reload_nrule,
	    daemon_orphaned, d, e);
}

void
daemon_lost(enum role peer)
{
	struct msg_peer m = { .role = peer };
	struct err e = { 0 };

	if (ready == NULL)
		return;
	m.generation = ready->generation[peer];
	if (chan_send(&ready->sup, &m.h, MSG_NEED, 0, sizeof m, NULL, 0, &e) == -1)
		log_line(LOG_ERR, NULL, "failed", "peer=%s why=%s", role_name(peer), log_q(e.what));
}

int
daemon_credential(struct daemon *d, const char dest[JOB_DEST], uint32_t number, struct err *e)
{
	struct msg_credential m = { 0 };

	memcpy(m.dest, dest, sizeof m.dest);
	return chan_send(&d->sup, &m.h, MSG_CREDENTIAL, number, sizeof m, NULL, 0, e);
}

void
daemon_ask_retirement(struct daemon *d)
{
	struct msg_hdr h;
	struct err e = { 0 };

	if (chan_send(&d->sup, &h, MSG_RETIRE, 0, sizeof h, NULL, 0, &e) == -1)
		log_line(LOG_ERR, NULL, "failed", "peer=start why=%s", log_q(e.what));
}

int
daemon_fail(struct daemon *d, const struct err *e)
{
	struct msg_text m = { 0 };
	struct err ignored;

	(void)d;
	log_line(LOG_ERR, NULL, "cannot-start", "why=%s", log_q(e->what));
	snprintf(m.text, sizeof m.text, "%s", e->what);
	(void)ipc_send(DAEMON_FD, &m.h, MSG_BAD, 0, sizeof m, NULL, 0, &ignored);
	return 1;
}
