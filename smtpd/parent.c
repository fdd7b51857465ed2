/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "smtpd/parent.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/envelope.h"
#include "lib/log.h"
#include "lib/sandbox.h"
#include "smtpd/child.h"

enum { CHILD_CTL = 3, CHILD_QUEUE, CHILD_CAPD, CHILD_FDS, DUP_FROM = 10 };
enum { FILE_EXTRA = 1 << 20 };	/* octets of a file beside databytes: our own field, a buffer */

/* --- session processes --- */

static uint32_t
parent_sessions_each(const struct parent *p, uint32_t listener)
{
	uint32_t own = p->listener[listener].sessions;

	return own != 0 ? own : (uint32_t)conf_number(&p->d.conf, CONF_SESSIONSPERPROCESS);
}

static void
child_forget(struct child *c)
{
	struct parent *p = c->parent;
	struct child **at = &p->child;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	p->nchild--;
	if (!c->busy && !c->leaving)
		p->nidle--;
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
	if (c->busy) {
		child_session_over(c);
		c->leaving = true;	/* was not counted as idle */
	}
	child_forget(c);
	door_next(p);
}

static int
child_on_done(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	struct child *c = ch->arg;
	struct parent *p = c->parent;

	(void)msg, (void)len, (void)fds;
	if (!c->busy)
		return err_set(e, ERR_PROTO, NULL, "done with no session");
	child_session_over(c);
	if (c->stale || c->served >= parent_sessions_each(p, c->listener) || p->nidle >= PARENT_IDLE_MAX ||
	    p->stopping)
		child_dismiss(c);
	else
		p->nidle++;
	door_next(p);
	return 0;
}

/* A pair with queue or capd, one end of it passed on there; the other is returned, or -1. */
static int
parent_pair(struct chan *peer, uint32_t settings, struct err *e)
{
	struct msg_hdr h;
	int fd[2];

	if (!peer->open)
		return err_set(e, ERR_TEMP, "4.3.0", "%s is not there", peer->name);
	if (ipc_pair(fd, e) == -1)
		return -1;
	if (chan_send(peer, &h, MSG_SESSION, settings, sizeof h, &fd[1], 1, e) == -1) {
		close(fd[0]);
		return -1;
	}
	return fd[0];
}

static struct chan *
parent_peer(struct parent *p, uint32_t role)
{
	return role == ROLE_QUEUE ? &p->queue : &p->capd;
}

/* A new channel for a session process, now or when that peer is there again. */
static void
child_give(struct child *c, uint32_t role)
{
	struct msg_peer m = { .role = role, .generation = c->parent->d.generation[role] };
	struct err e;
	int fd = parent_pair(parent_peer(c->parent, role), c->parent->d.settings, &e);

	c->need |= 1u << role;
	if (fd != -1 && chan_send(&c->chan, &m.h, MSG_PEER, 0, sizeof m, &fd, 1, &e) == 0)
		c->need &= ~(1u << role);
}

static int
child_on_need(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	const struct msg_peer *m = msg;

	(void)len, (void)fds;
	if (m->role != ROLE_QUEUE && m->role != ROLE_CAPD)
		return err_set(e, ERR_PROTO, NULL, "needs peer %u", m->role);
	child_give(ch->arg, m->role);
	return 0;
}

static const struct msg_rule from_child[] = {
	{ MSG_DONE, sizeof(struct msg_hdr), sizeof(struct msg_hdr), 0, 0, child_on_done },
	{ MSG_NEED, sizeof(struct msg_peer), sizeof(struct msg_peer), 0, 0, child_on_need },
};

/* What a session may write to one file: the message, or the envelope where that is larger. */
static int
child_limit(const struct parent *p, struct err *e)
{
	rlim_t most = conf_number(&p->d.conf, CONF_DATABYTES);
	struct rlimit r;

	most = (most > ENV_MAX ? most : ENV_MAX) + FILE_EXTRA;
	if (getrlimit(RLIMIT_FSIZE, &r) == -1)
		return err_sys(e, "limit of files");
	if (r.rlim_max == RLIM_INFINITY || r.rlim_max > most)
		r = (struct rlimit){ most, most };
	return setrlimit(RLIMIT_FSIZE, &r) == -1 ? err_sys(e, "limit of files") : 0;
}

/* In the new process: nothing of the parent's stays open but its three channels and the log. */
static _Noreturn void
child_begin(struct parent *p, pid_t parent, const int fd[3])
{
	static struct link l;
	bool optional = conf_number(&p->d.conf, CONF_NOLANDLOCK) != 0;
	struct err e = { 0 };
	int high[3];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	for (int i = 0; i < 3; i++)	/* none may be closed by another's coming to its place */
		high[i] = fd[i] == -1 || fd[i] >= CHILD_FDS ? fd[i] :
		    fcntl(fd[i], F_DUPFD_CLOEXEC, DUP_FROM);
	for (int i = 0; i < 3; i++) {
		if (high[i] == -1)
			close(CHILD_CTL + i);
		if (high[i] != -1 && dup3(high[i], CHILD_CTL + i, O_CLOEXEC) == -1)
			_exit(1);
	}
	if (close_range(CHILD_FDS, ~0u, 0) == -1)
		_exit(1);
	l = (struct link){ .ctl = CHILD_CTL, .queue = high[1] == -1 ? -1 : CHILD_QUEUE,
	    .capd = high[2] == -1 ? -1 : CHILD_CAPD, .timeout_s = p->pace.timeout_s };
	if (child_limit(p, &e) == -1 || sandbox_enter(SB_SMTPD_SESSION, NULL, 0, optional, &e) == -1) {
		log_line(LOG_ERR, NULL, "cannot-start", "why=%s", log_q(e.what));
		_exit(1);
	}
	child_run(&p->d.conf, p->listener, p->nlistener, &l);
}

/* fd: the child's ends of its channels. */
static int
parent_fork(struct parent *p, struct child *c, int fd[3], int own, struct err *e)
{
	pid_t self = getpid();

	c->pid = fork();
	if (c->pid == 0)
		child_begin(p, self, fd);
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
	int ctl[2] = { -1, -1 }, fd[3] = { -1, -1, -1 };

	if (c == NULL || ipc_pair(ctl, &e) == -1)
		goto fail;
	c->parent = p;
	fd[0] = ctl[1];
	fd[1] = parent_pair(&p->queue, p->d.settings, &e);	/* one that is away is asked for when it is needed */
	fd[2] = parent_pair(&p->capd, p->d.settings, &e);
	if (parent_fork(p, c, fd, ctl[0], &e) == -1)
		goto fail;
	ipc_close_fds(fd, 3);
	c->next = p->child;
	p->child = c;
	p->nchild++;
	p->nidle++;
	return c;
fail:
	log_line(LOG_ERR, NULL, "no-process", "why=%s", log_q(c == NULL ? "no memory" : e.what));
	ipc_close_fds(fd, 3);
	if (ctl[0] != -1)
		close(ctl[0]);
	free(c);
	return NULL;
}

static struct child *
child_idle(struct parent *p)
{
	for (struct child *c = p->nidle > 0 ? p->child : NULL; c != NULL; c = c->next)
		if (!c->busy && !c->leaving)
			return c;
	return NULL;
}

void
parent_spare(struct parent *p)
{
	while (p->nidle < PARENT_SPARE && !p->stopping)
		if (child_new(p) == NULL)
			break;
}

/* Half of those that are too many end. */
static void
parent_on_tidy(void *arg)
{
	struct parent *p = arg;
	uint32_t drop = p->nidle > PARENT_SPARE ? (p->nidle - PARENT_SPARE + 1) / 2 : 0;
	struct child *c;
	struct err e;

	while (drop-- > 0 && (c = child_idle(p)) != NULL) {
		p->nidle--;
		child_dismiss(c);
	}
	if (!p->stopping)
		(void)loop_timer(&p->d.loop, &p->tidy, PARENT_TIDY_MS, &e);
}

/* --- connections --- */

void
parent_hand_over(struct parent *p, uint32_t listener, int fd, const struct netaddr *a)
{
	struct msg_client m = { .peer = *a, .listener = listener };
	struct child *c = child_idle(p);
	struct err e;

	if (c == NULL && (c = child_new(p)) == NULL) {
		clients_leave(&p->clients, a);
		door_refuse(p, fd, "4.3.2", "no process for you", a);
		return;
	}
	if (clients_slow(&p->clients, a, clock_ms()))
		m.delay_ms = PARENT_SLOW_DELAY_MS;
	c->busy = true;
	c->client = *a;
	c->listener = listener;
	c->served++;
	p->nidle--;
	p->sessions++;
	door_tell_pace(p);
	m.timeout_s = p->pace.timeout_s;
	m.patience_s = p->pace.patience_s;
	if (chan_send(&c->chan, &m.h, MSG_CLIENT, 0, sizeof m, &fd, 1, &e) == -1) {
		log_line(LOG_ERR, NULL, "no-process", "why=%s", log_q(e.what));
		c->leaving = true;		/* no crash of its own */
		kill(c->pid, SIGKILL);		/* its end undoes the count */
	}
}

/* --- the supervisor --- */

static void
peer_gone(struct chan *ch, const struct err *why)
{
	struct parent *p = ch->arg;

	log_line(LOG_INFO, NULL, "peer-gone", "peer=%s why=%s", ch->name,
	    log_q(why->kind == ERR_NONE ? "closed" : why->what));
	if (!p->stopping)		/* the channel of a retired one belongs to its successor */
		daemon_lost(ch == parent_peer(p, ROLE_QUEUE) ? ROLE_QUEUE : ROLE_CAPD);
}

static int
parent_open_peer(struct parent *p, enum role role, int fd, struct err *e)
{
	struct chan *ch = parent_peer(p, role);

	chan_close(ch);
	if (chan_open(ch, &p->d.loop, fd, role_name(role), NULL, 0, peer_gone, p, e) == 0)
		return 0;
	close(fd);
	return -1;
}

static void
parent_on_peer(void *arg, enum role role, uint32_t generation, int fd)
{
	struct parent *p = arg;
	struct err e;

	if (role != ROLE_QUEUE && role != ROLE_CAPD) {
		close(fd);
		return;
	}
	log_line(LOG_INFO, NULL, "peer", "peer=%s generation=%u", role_name(role), generation);
	if (parent_open_peer(p, role, fd, &e) == -1) {
		log_line(LOG_ERR, NULL, "peer", "why=%s", log_q(e.what));
		return;
	}
	for (struct child *c = p->child; c != NULL; c = c->next)
		if (c->need & 1u << role)
			child_give(c, role);
}

static void
parent_on_give_up(void *arg)
{
	((struct parent *)arg)->d.loop.stop = true;	/* what is left dies with this process */
}

/* Takes no more clients; idle processes end, and busy ones too if they are to hurry. */
static void
parent_close(struct parent *p, bool hurry)
{
	for (uint32_t i = 0; i < p->nlistener && !p->stopping; i++) {
		loop_unwatch(&p->d.loop, &p->at[i].watch);
		close(p->at[i].watch.fd);
	}
	p->stopping = true;
	door_empty(p);
	for (struct child *c = p->child; c != NULL; c = c->next) {
		if (c->leaving || (c->busy && !hurry))
			continue;
		if (!c->busy)
			p->nidle--;
		child_dismiss(c);
	}
}

/* Another has taken over: sessions go on to their end, which is this process's too. */
static void
parent_on_retire(void *arg)
{
	struct parent *p = arg;

	if (p->stopping)
		return;
	log_line(LOG_INFO, NULL, "retire", "sessions=%u", p->sessions);
	parent_close(p, false);
	if (p->nchild == 0)
		p->d.loop.stop = true;
}

static void
parent_on_stop(void *arg)
{
	struct parent *p = arg;
	struct err e;

	if (p->hurried)
		return;
	p->hurried = true;
	parent_close(p, true);
	if (p->nchild == 0 || loop_timer(&p->d.loop, &p->give_up, PARENT_STOP_MS, &e) == -1)
		p->d.loop.stop = true;
}

/* --- start --- */

int
parent_listener(const struct daemon_listener *d, struct listener *out, struct err *e)
{
	if (listener_parse(span_str(d->line), out, e) == -1)
		return -1;
	if (out->role == LISTEN_LMTP || out->role == LISTEN_SUBMISSIONS)
		return err_set(e, ERR_PERM, NULL, "listen: %s: roles lmtp and submissions are not served",
		    d->line);
	return fcntl(d->fd, F_SETFL, O_NONBLOCK) == -1 ? err_sys(e, "listen: %s", d->line) : 0;
}

int
parent_listeners(struct parent *p, struct err *e)
{
	for (uint32_t i = 0; i < p->d.nlistener; i++) {
		struct daemon_listener *d = &p->d.listener[i];

		if (parent_listener(d, &p->listener[i], e) == -1)
			return -1;
		p->at[i] = (struct parent_listener){ { d->fd, door_on_connection, &p->at[i] }, p };
	}
	p->nlistener = p->d.nlistener;
	return 0;
}

/* A descriptor for each session process, and some for pairs on their way. */
void
parent_more_files(const struct parent *p)
{
	rlim_t want = (rlim_t)conf_number(&p->d.conf, CONF_CONCURRENCYINCOMING) +
	    PARENT_IDLE_MAX + ROOM_MAX + 128;
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == -1 || r.rlim_cur >= want)
		return;
	r.rlim_cur = want < r.rlim_max ? want : r.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &r) == -1 || r.rlim_cur < want)
		log_line(LOG_WARN, NULL, "limits", "descriptors=%llu wanted=%llu",
		    (unsigned long long)r.rlim_cur, (unsigned long long)want);
}

int
parent_init(struct parent *p, struct err *e)
{
	static const enum role peers[] = { ROLE_QUEUE, ROLE_CAPD };

	p->d.peer = parent_on_peer;
	p->d.stop = parent_on_stop;
	p->d.retire = parent_on_retire;
	p->d.check = parent_check;
	p->d.switched = parent_switched;
	p->d.stats = parent_stats;
	p->d.arg = p;
	p->resume = (struct timer){ .fire = door_on_resume, .arg = p };
	p->tidy = (struct timer){ .fire = parent_on_tidy, .arg = p };
	p->give_up = (struct timer){ .fire = parent_on_give_up, .arg = p };
	p->look = (struct timer){ .fire = door_on_look, .arg = p };
	p->pace = door_pace(p);
	p->queue.name = role_name(ROLE_QUEUE);
	p->capd.name = role_name(ROLE_CAPD);
	for (size_t i = 0; i < sizeof peers / sizeof *peers; i++)
		if (p->d.peer_fd[peers[i]] != -1 &&
		    parent_open_peer(p, peers[i], p->d.peer_fd[peers[i]], e) == -1)
			return -1;
	parent_more_files(p);
	return parent_listeners(p, e);
}

int
parent_begin(struct parent *p, struct err *e)
{
	for (uint32_t i = 0; i < p->nlistener; i++)
		if (loop_watch(&p->d.loop, &p->at[i].watch, EPOLLIN, e) == -1)
			return -1;
	malloc_trim(0);		/* what the start left in pieces would be copied in each child */
	parent_spare(p);
	return loop_timer(&p->d.loop, &p->tidy, PARENT_TIDY_MS, e);
}
