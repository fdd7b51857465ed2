/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * The session processes.  One that has served a client and may serve more waits for that client alone, so
 * nothing that one client did to a process is ever met by another.
 */
#include "smtpd/parent.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/envelope.h"
#include "lib/headedit.h"
#include "lib/log.h"
#include "lib/sandbox.h"
#include "smtpd/child.h"

enum { FD_CTL, FD_QUEUE, FD_CAPD, FDS };	/* a session process's channels */
/* Octets of a file beside databytes: our own field, a buffer, what header edits add. */
enum { FILE_EXTRA = (1 << 20) + HEADEDIT_OCTETS };

static uint32_t
parent_sessions_each(const struct parent *p, uint32_t listener)
{
	uint32_t own = p->listener[listener].sessions;

	if (own == 0 && p->listener[listener].tls)
		return 1;
	return own != 0 ? own : (uint32_t)conf_number(&p->d.conf, CONF_SESSIONSPERPROCESS);
}

/* A fresh one, or one that waits for its client to come back, behind those that wait longer. */
static void
idle_add(struct child *c)
{
	struct child_line *l = c->served == 0 ? &c->parent->fresh : &c->parent->used;

	c->line = l;
	c->later = NULL;
	c->earlier = l->last;
	*(l->last != NULL ? &l->last->later : &l->first) = c;
	l->last = c;
	l->n++;
	c->idle_ms = clock_ms();
}

static void
idle_take(struct child *c)
{
	struct child_line *l = c->line;

	if (l == NULL)
		return;
	*(c->later != NULL ? &c->later->earlier : &l->last) = c->earlier;
	*(c->earlier != NULL ? &c->earlier->later : &l->first) = c->later;
	l->n--;
	c->line = NULL;
}

/*
 * capd keeps settings that are no more while a session's channel has them.  A session that has not asked it
 * yet has none, so one stands for all of those.
 */
static void
hold_free(struct parent *p, struct hold *h)
{
	struct hold **at = &p->hold;

	while (*at != h)
		at = &(*at)->next;
	*at = h->next;
	ipc_close_fds(&h->fd, 1);
	free(h);
}

static struct hold *
hold_take(struct parent *p, struct err *e)
{
	struct hold *h = p->hold;

	if (h != NULL && h->settings != p->d.settings && h->children == 0) {
		hold_free(p, h);	/* nobody was left when they were replaced */
		h = p->hold;
	}
	if (h == NULL || h->settings != p->d.settings) {
		if ((h = malloc(sizeof *h)) == NULL) {
			err_sys(e, "session");
			return NULL;
		}
		*h = (struct hold){ p->hold, p->d.settings, 0, -1 };
		h->fd = chan_session(&p->capd, h->settings, e);
		p->hold = h;
	}
	h->children++;
	return h;
}

static void
hold_drop(struct parent *p, struct hold *h)
{
	if (--h->children == 0 && h->settings != p->d.settings)
		hold_free(p, h);
}

void
hold_again(struct parent *p)
{
	struct err e;

	for (struct hold *h = p->hold; h != NULL; h = h->next) {
		ipc_close_fds(&h->fd, 1);
		h->fd = chan_session(&p->capd, h->settings, &e);
	}
}

static void
child_forget(struct child *c)
{
	struct parent *p = c->parent;

	*c->at = c->next;
	if (c->next != NULL)
		c->next->at = c->at;
	p->nchild--;
	hold_drop(p, c->hold);
	idle_take(c);
	free(c);
	if (p->stopping && p->nchild == 0)
		p->d.loop.stop = true;
}

static void
child_session_over(struct child *c)
{
	struct parent *p = c->parent;

	c->busy = false;
	p->sessions--;
	clients_leave(&p->clients, &c->client);
	door_tell_pace(p);
}

/* Tells it to end; its channel's closing is awaited. */
void
child_dismiss(struct child *c)
{
	struct msg_hdr h;
	struct err e;

	idle_take(c);
	c->leaving = true;
	if (chan_send(&c->chan, &h, MSG_STOP, 0, sizeof h, NULL, 0, &e) == -1)
		kill(c->pid, SIGKILL);		/* it serves nobody */
}

/* A session process that died in a session by what its client sent: the client is slowed. */
static void
child_crashed(struct child *c, int status)
{
	char addr[48] = "-";

	if (c->busy) {
		netaddr_print(&c->client, addr, sizeof addr);
		clients_punish(&c->parent->clients, &c->client, clock_ms());
	}
	c->parent->crashes++;
	log_line(LOG_ERR, NULL, "crash", "client=%s pid=%d signal=%d status=%d", addr, (int)c->pid,
	    WIFSIGNALED(status) ? WTERMSIG(status) : 0, WIFEXITED(status) ? WEXITSTATUS(status) : 0);
	if (WIFSIGNALED(status) && !c->parent->stopping)
		daemon_ask_retirement(&c->parent->d);
}

/* Its channel is closed: it has ended, or is cut off and made to. */
static void
child_gone(struct chan *ch, const struct err *why)
{
	struct child *c = ch->arg;
	struct parent *p = c->parent;
	int status = 0;

	(void)why;
	kill(c->pid, SIGKILL);		/* does not change the status of one that is ending */
	while (waitpid(c->pid, &status, 0) == -1 && errno == EINTR)
		;
	if ((WIFSIGNALED(status) || WEXITSTATUS(status) != 0) && !c->parent->hurried && !c->leaving)
		child_crashed(c, status);
	if (c->busy)
		child_session_over(c);
	child_forget(c);
	door_next(p);
}

static int
child_on_done(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	struct child *c = ch->arg;
	struct parent *p = c->parent;

	(void)len, (void)fds;
	if (!c->busy)
		return err_set(e, ERR_PROTO, NULL, "done with no session");
	child_session_over(c);
	if (c->last || ((const struct msg_done *)msg)->last != 0) {
		c->leaving = true;
	} else if (c->stale || p->stopping) {
		child_dismiss(c);
	} else {
		if (p->used.n >= parent_used_most(p))
			child_dismiss(p->used.first);
		idle_add(c);
	}
	door_next(p);
	return 0;
}

struct chan *
parent_peer(struct parent *p, uint32_t role)
{
	return role == ROLE_QUEUE ? &p->queue : role == ROLE_CAPD ? &p->capd :
	    role == ROLE_CONVERTD ? &p->convertd : role == ROLE_KEY ? &p->key : role == ROLE_AUTH ? &p->auth : NULL;
}

void
child_give(struct child *c, uint32_t role)
{
	struct msg_peer m = { .role = role, .generation = c->parent->d.generation[role] };
	struct err e;
	int fd = chan_session(parent_peer(c->parent, role), c->hold->settings, &e);

	c->need |= 1u << role;
	if (fd == -1 && e.sys != 0)
		log_line(LOG_ERR, NULL, "no-channel", "peer=%s why=%s", role_name((enum role)role),
		    log_q(e.what));
	if (fd != -1 && chan_send(&c->chan, &m.h, MSG_PEER, 0, sizeof m, &fd, 1, &e) == 0)
		c->need &= ~(1u << role);
}

static int
child_on_need(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	const struct msg_peer *m = msg;

	(void)len, (void)fds;
	if (parent_peer(((struct child *)ch->arg)->parent, m->role) == NULL)
		return err_set(e, ERR_PROTO, NULL, "needs peer %u", m->role);
	if (m->role == ROLE_CAPD)
		((struct child *)ch->arg)->parent->capd_wanted = PARENT_CAPD_WANTED;
	child_give(ch->arg, m->role);
	return 0;
}

/* Slower with each that came from its network lately; not at all where others wait for a session. */
static int
child_on_failed(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	struct child *c = ch->arg;
	struct parent *p = c->parent;
	struct msg_pause m = { .close = p->room.n > 0 };
	uint32_t n;

	(void)len, (void)fds;
	if (!c->busy)
		return err_set(e, ERR_PROTO, NULL, "a login with no session");
	n = failures_add(&p->failures, &c->client, clock_ms());
	m.ms = m.close ? 0 : failures_pause_ms(n);
	p->logins_failed++;
	return chan_send(ch, &m.h, MSG_PAUSE, ((const struct msg_hdr *)msg)->id, sizeof m, NULL, 0, e);
}

/* How much a user sends is counted here, for all processes. */
static int
child_on_rate(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	struct child *c = ch->arg;
	struct parent *p = c->parent;
	const struct msg_rate *m = msg;
	struct msg_rated back = { .ok = 0 };
	const struct span *lines;
	uint32_t n = conf_lines(&p->d.conf, CONF_USERRATE, &lines);
	struct userrate max;
	size_t k = strnlen(m->user, sizeof m->user);

	(void)len, (void)fds;
	if (!c->busy || k == 0 || k == sizeof m->user)
		return err_set(e, ERR_PROTO, NULL, "the rate of nobody");
	userrate_find(lines, n, span_of(m->user, k), &max);
	back.ok = rates_take(&p->rates, &max, m->user, m->messages, m->recipients, clock_ms());
	if (back.ok == 0)
		log_line(LOG_WARN, NULL, "user-rate", "user=%s", log_q(m->user));
	return chan_send(&c->chan, &back.h, MSG_RATED, 0, sizeof back, NULL, 0, e);
}

static const struct msg_rule from_child[] = {
	{ MSG_RATE, sizeof(struct msg_rate), sizeof(struct msg_rate), 0, 0, child_on_rate },
	{ MSG_DONE, sizeof(struct msg_done), sizeof(struct msg_done), 0, 0, child_on_done },
	{ MSG_NEED, sizeof(struct msg_peer), sizeof(struct msg_peer), 0, 0, child_on_need },
	{ MSG_FAILED, sizeof(struct msg_hdr), sizeof(struct msg_hdr), 0, 0, child_on_failed },
};

/* What a session may write to one file: the message, or the envelope where that is larger. */
static int
child_limit(const struct parent *p, struct err *e)
{
	rlim_t most = conf_number(&p->d.conf, CONF_DATABYTES);
	struct rlimit r;

	most = (most > ENV_MAX ? most : ENV_MAX) + FILE_EXTRA;
	if (p->file_max != RLIM_INFINITY && p->file_max < most)
		return 0;		/* an administrator's is narrower: it stays */
	r = (struct rlimit){ most, most };
	return setrlimit(RLIMIT_FSIZE, &r) == -1 ? err_sys(e, "limit of files") : 0;
}

/* In the new process: nothing of the parent's stays open but its three channels and the log. */
static _Noreturn void
child_begin(struct parent *p, const int fd[FDS])
{
	static struct link l;
	bool optional = conf_number(&p->d.conf, CONF_NOLANDLOCK) != 0;
	struct err e = { 0 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);	/* a parent that has gone already shows at the first packet */
	link_init(&l, fd[FD_CTL], fd[FD_QUEUE], fd[FD_CAPD]);
	l.timeout_s = p->pace.timeout_s;
	if (ipc_close_others(fd, FDS, &e) == -1 || child_limit(p, &e) == -1 ||
	    sandbox_enter(SB_SMTPD_SESSION, NULL, 0, optional, &e) == -1) {
		log_line(LOG_ERR, NULL, "cannot-start", "why=%s", log_q(e.what));
		_exit(1);
	}
	child_run(&p->d.conf, p->listener, p->nlistener, p->secure, &l);
}

/* fd: the child's ends of its channels. */
static int
parent_fork(struct parent *p, struct child *c, const int fd[FDS], int own, struct err *e)
{
	c->pid = fork();
	if (c->pid == 0)
		child_begin(p, fd);
	if (c->pid == -1)
		return err_sys(e, "fork");
	if (chan_open(&c->chan, &p->d.loop, own, "smtpd session", from_child,
	    sizeof from_child / sizeof *from_child, child_gone, c, e) == -1) {
		kill(c->pid, SIGKILL);
		while (waitpid(c->pid, NULL, 0) == -1 && errno == EINTR)
			;
		return -1;
	}
	c->chan.lossy = true;		/* a session goes on without a new pace or peer */
	return 0;
}

/* A new, idle session process, or NULL. */
static struct child *
child_new(struct parent *p)
{
	struct child *c = calloc(1, sizeof *c);
	struct err e = { 0 };
	int ctl[2] = { -1, -1 }, fd[FDS] = { -1, -1, -1 };

	if (c == NULL || ipc_pair(ctl, &e) == -1)
		goto fail;
	fd[FD_CTL] = ctl[1];
	if ((c->hold = hold_take(p, &e)) == NULL)
		goto fail;
	c->parent = p;
	/* one that is away is asked for when it is needed; so is capd where few sessions ask it */
	fd[FD_QUEUE] = chan_session(&p->queue, p->d.settings, &e);
	if (p->capd_wanted > 0) {
		p->capd_wanted--;
		fd[FD_CAPD] = chan_session(&p->capd, p->d.settings, &e);
	}
	if (parent_fork(p, c, fd, ctl[0], &e) == -1)
		goto fail;
	ipc_close_fds(fd, FDS);
	c->next = p->child;
	c->at = &p->child;
	if (c->next != NULL)
		c->next->at = &c->next;
	p->child = c;
	p->nchild++;
	idle_add(c);
	return c;
fail:
	log_line(LOG_ERR, NULL, "no-process", "why=%s", log_q(c == NULL ? "no memory" : e.what));
	ipc_close_fds(fd, FDS);
	if (ctl[0] != -1)
		close(ctl[0]);
	if (c != NULL && c->hold != NULL)
		hold_drop(p, c->hold);
	free(c);
	return NULL;
}

/* The one that has served this client at this listener before, or a fresh one, or NULL. */
static struct child *
child_for(struct parent *p, uint32_t listener, const struct netaddr *a)
{
	for (struct child *c = p->used.first; c != NULL; c = c->later)
		if (c->listener == listener && memcmp(c->client.a, a->a, sizeof a->a) == 0)
			return c;
	return p->fresh.first != NULL ? p->fresh.first : child_new(p);
}

void
parent_spare(struct parent *p)
{
	while (p->fresh.n < PARENT_SPARE && !p->stopping)
		if (child_new(p) == NULL)
			break;
}

void
parent_on_tidy(void *arg)
{
	struct parent *p = arg;
	int64_t now = clock_ms();
	struct err e;

	while (p->used.first != NULL && now - p->used.first->idle_ms >= PARENT_TIDY_MS)
		child_dismiss(p->used.first);
	if (!p->stopping)
		(void)loop_timer(&p->d.loop, &p->tidy, PARENT_TIDY_MS, &e);
}

void
parent_hand_over(struct parent *p, uint32_t listener, int fd, const struct netaddr *a)
{
	struct msg_client m = { .peer = *a, .listener = listener };
	uint32_t each = parent_sessions_each(p, listener);
	struct child *c = child_for(p, listener, a);
	struct err e;

	if (c == NULL) {
		clients_leave(&p->clients, a);
		door_refuse(p, fd, "4.3.2", "no process for you", a);
		return;
	}
	if (clients_slow(&p->clients, a, clock_ms()))
		m.delay_ms = PARENT_SLOW_DELAY_MS;
	idle_take(c);
	c->busy = true;
	c->client = *a;
	c->listener = listener;
	c->served++;
	p->sessions++;
	door_tell_pace(p);
	c->last = c->served >= each;
	m.last = c->last;
	m.timeout_s = p->pace.timeout_s;
	m.patience_s = p->pace.patience_s;
	if (chan_send(&c->chan, &m.h, MSG_CLIENT, 0, sizeof m, &fd, 1, &e) == -1) {
		log_line(LOG_ERR, NULL, "no-process", "why=%s", log_q(e.what));
		c->leaving = true;		/* no crash of its own */
		kill(c->pid, SIGKILL);		/* its end undoes the count */
	}
}

