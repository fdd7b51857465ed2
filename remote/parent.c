/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "remote/parent.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/figure.h"
#include "lib/fileio.h"
#include "lib/log.h"
#include "lib/result.h"
#include "lib/sandbox.h"
#include "remote/secure.h"
#include "remote/session.h"

struct child {
	struct child *next;
	struct remote *remote;
	struct chan chan;
	pid_t pid;
	char dest[JOB_DEST];
	struct worker_job *work;	/* NULL: idle, or an inquiry's */
	struct chan *asker;		/* of an inquiry: who waits for its answer */
	uint32_t asked;			/* the number that it gave it */
	struct timer idle;		/* until an idle one ends, or an inquiry is given up */
	uint32_t jobs;
	bool stale;			/* has settings that are no more: ends after its job */
	uint32_t needs;			/* roles: waits for a channel to them */
	uint32_t credential;		/* the number by which it waits for its hop's secret; 0: it does not */
};

static bool
child_is_idle(const struct child *c)
{
	return c->work == NULL && c->asker == NULL;
}

/* --- children come and go --- */

static void
remote_reap(void *arg)
{
	struct remote *r = arg;
	struct child **p = &r->dying;
	struct err e = { 0 };

	while (*p != NULL) {
		struct child *c = *p;
		int status;
		pid_t got = waitpid(c->pid, &status, WNOHANG);

		if (got == 0) {
			p = &c->next;
			continue;
		}
		if (got == c->pid && WIFSIGNALED(status))
			log_line(LOG_ERR, NULL, "session-died", "relay=%s pid=%d signal=%d",
			    log_q(c->dest), (int)c->pid, WTERMSIG(status));
		*p = c->next;
		free(c);
	}
	if (r->dying != NULL && loop_timer(r->worker.loop, &r->reap, REMOTE_REAP_MS, &e) == -1)
		log_line(LOG_ERR, NULL, "failed", "why=%s", log_q(e.what));
}

/* Hangs up: the session says QUIT and ends. */
static void
child_end(struct child *c)
{
	struct remote *r = c->remote;
	struct child **p = &r->children;
	struct msg_hdr h;
	struct err e = { 0 };

	if (c->chan.open)
		(void)chan_send(&c->chan, &h, MSG_STOP, 0, sizeof h, NULL, 0, &e);
	chan_close(&c->chan);
	loop_cancel(r->worker.loop, &c->idle);
	r->nidle -= child_is_idle(c);
	if (c->asker != NULL)
		r->ninquiry[c->asker - r->peer]--;
	r->nchild--;
	while (*p != c)
		p = &(*p)->next;
	*p = c->next;
	c->next = r->dying;
	r->dying = c;
	if (r->reap.at == 0 && loop_timer(r->worker.loop, &r->reap, REMOTE_REAP_MS, &e) == -1)
		log_line(LOG_ERR, NULL, "failed", "why=%s", log_q(e.what));
}

static void
inquiry_refuse(struct chan *asker, uint32_t id, const struct err *why)
{
	struct msg_inquired m = { .kind = (uint32_t)why->kind };
	struct err e = { 0 };

	snprintf(m.dsn, sizeof m.dsn, "%s", why->dsn);
	text_cut(why->what, m.what, sizeof m.what);
	if (chan_send(asker, &m.h, MSG_INQUIRED, id, sizeof m, NULL, 0, &e) == -1)
		log_line(LOG_WARN, NULL, "unanswered", "why=%s", log_q(e.what));
}

/* The session of an inquiry cannot tell any more. */
static void
inquiry_lost(struct child *c, const char *why)
{
	struct err e;

	err_set(&e, ERR_TEMP, "4.3.0", "%s", why);
	inquiry_refuse(c->asker, c->asked, &e);
}

static void
child_idle_over(void *arg)
{
	struct child *c = arg;

	if (c->asker != NULL) {
		inquiry_lost(c, "the inquiry took too long");
		kill(c->pid, SIGKILL);	/* it may wait for a conversion, which nobody wants any more */
	}
	child_end(c);
}

/* A job that no session can report on: all its recipients are deferred. */
static void
job_lost(struct remote *r, struct worker_job *work, const char *why)
{
	struct rcpt_result res = { .outcome = OUTCOME_DEFERRED };
	struct buf records;
	struct err e = { 0 };
	uint32_t n = 0;

	snprintf(res.dsn, sizeof res.dsn, "4.3.0");
	snprintf(res.text, sizeof res.text, "%s", why);
	buf_init(&records, MSG_MAX - sizeof(struct msg_result));
	for (; n < work->packet->n; n++) {
		res.slot = worker_slots(work)[n];
		if (result_add(&records, &res, span_of(NULL, 0), &e) == -1)
			break;
	}
	if (worker_done(&r->worker, work, buf_view(&records), n, false, &e) == -1)
		log_line(LOG_ERR, work->packet->id, "result-lost", "why=%s", log_q(e.what));
	buf_free(&records);
}

/* Not tried again at once: a message or hop that kills sessions would do it for ever. */
static void
child_gone(struct chan *chan, const struct err *why)
{
	struct child *c = chan->arg;
	struct worker_job *work = c->work;

	if (work != NULL) {
		c->remote->lost++;
		log_line(LOG_ERR, work->packet->id, "session-lost", "relay=%s pid=%d why=%s",
		    log_q(c->dest), (int)c->pid,
		    log_q(why->kind == ERR_NONE ? "it ended" : why->what));
		job_lost(c->remote, work, "the session process ended unexpectedly");
	}
	if (c->asker != NULL)
		inquiry_lost(c, "the session process ended unexpectedly");
	child_end(c);
}

/* --- what sessions say --- */

/* The idle session that waits longest. */
static struct child *
oldest_idle(const struct remote *r)
{
	struct child *old = NULL;

	for (struct child *c = r->children; c != NULL; c = c->next)
		if (child_is_idle(c) && (old == NULL || c->idle.due_ms < old->idle.due_ms))
			old = c;
	return old;
}

static int
on_result(struct chan *chan, const void *msg, size_t len, int *fds, struct err *e)
{
	struct child *c = chan->arg;
	struct remote *r = c->remote;
	const struct msg_result *m = msg;
	struct worker_job *work = c->work;

	(void)fds;
	if (work == NULL || m->h.id != work->number || memcmp(m->id, work->packet->id, QID_LEN) != 0)
		return err_set(e, ERR_PROTO, NULL, "a result of no job");
	if (worker_done(&r->worker, work, span_of(m + 1, len - sizeof *m), m->n, m->bad_file == 1,
	    e) == -1)
		return -1;
	c->work = NULL;
	r->nidle++;
	r->jobs++;
	if (++c->jobs >= SESSION_JOBS || r->stopping || c->stale ||
	    loop_timer(r->worker.loop, &c->idle, SESSION_IDLE_MS, e) == -1)
		child_end(c);
	else if (r->nidle > REMOTE_IDLE_MAX)
		child_end(oldest_idle(r));
	return 0;
}

/* What an inquiry found goes to who asked, as it is: nothing of it is looked at here. */
static int
on_inquired(struct chan *chan, const void *msg, size_t len, int *fds, struct err *e)
{
	struct msg_inquired m = { .len = ((const struct msg_inquired *)msg)->len };
	struct child *c = chan->arg;
	int fd = fds[0];

	(void)len;
	if (c->asker == NULL)
		return err_set(e, ERR_PROTO, NULL, "an answer that nobody asked for");
	fds[0] = -1;
	if (chan_send(c->asker, &m.h, MSG_INQUIRED, c->asked, sizeof m, &fd, 1, e) == -1)
		log_line(LOG_WARN, NULL, "unanswered", "why=%s", log_q(e->what));
	c->remote->inquiries++;
	child_end(c);
	return 0;
}

/* Makes a pair: one end to that peer, one to the session. */
static int
child_introduce(struct child *c, enum role role, struct err *e)
{
	struct msg_peer m = { .role = (uint32_t)role,
	    .generation = c->remote->daemon->generation[role] };
	struct chan *peer = &c->remote->peer[role];
	int fd;

	c->needs |= 1u << role;
	if (!peer->open)
		return 0;		/* when it is there again */
	if ((fd = chan_session(peer, 0, e)) == -1)
		return -1;
	c->needs &= ~(1u << role);
	return chan_send(&c->chan, &m.h, MSG_PEER, 0, sizeof m, &fd, 1, e);
}

static bool
serves_sessions(uint32_t role)
{
	return role == ROLE_CONVERTD || role == ROLE_RESOLVER || role == ROLE_CAPD;
}

static int
on_need(struct chan *chan, const void *msg, size_t len, int *fds, struct err *e)
{
	const struct msg_peer *m = msg;

	(void)len, (void)fds;
	if (!serves_sessions(m->role))
		return err_set(e, ERR_PROTO, NULL, "needs peer %u", m->role);
	return child_introduce(chan->arg, (enum role)m->role, e);
}

/* What it logs in with at its hop, which is its parent's word and not its own. */
static int
on_credential(struct chan *chan, const void *msg, size_t len, int *fds, struct err *e)
{
	struct child *c = chan->arg;
	struct remote *r = c->remote;

	(void)msg, (void)len, (void)fds;
	if (c->work == NULL && c->asker == NULL)
		return err_set(e, ERR_PROTO, NULL, "a credential for nothing");
	if (++r->credentials == 0)
		r->credentials = 1;
	c->credential = r->credentials;
	return daemon_credential(r->daemon, c->dest, c->credential, e);
}

/* The supervisor's answer; the secret is not looked at here. */
static void
remote_granted(void *arg, const struct msg_refused *m, int fd)
{
	struct remote *r = arg;
	struct msg_refused back = *m;
	struct child *c = r->children;
	struct err e = { 0 };

	while (c != NULL && (c->credential == 0 || c->credential != m->h.id))
		c = c->next;
	if (c == NULL) {		/* it has ended meanwhile */
		ipc_close_fds(&fd, 1);
		return;
	}
	c->credential = 0;
	if (chan_send(&c->chan, &back.h, MSG_GRANTED, 0, sizeof back, &fd, fd != -1, &e) == -1)
		log_line(LOG_ERR, NULL, "failed", "peer=session why=%s", log_q(e.what));
}

static int
on_address(struct chan *chan, const void *msg, size_t len, int *fds, struct err *e)
{
	struct child *c = chan->arg;
	const struct msg_address *m = msg;
	struct netaddr a = { .port = m->port };

	(void)len, (void)fds, (void)e;
	memcpy(a.a, m->a, sizeof a.a);
	backoff_note(c->remote->backoff, &a, m->bad == 1, m->cost_ms, clock_ms());
	return 0;
}

static const struct msg_rule from_session[] = {
	{ MSG_RESULT, sizeof(struct msg_result), MSG_MAX, 0, 0, on_result },
	{ MSG_INQUIRED, sizeof(struct msg_inquired), sizeof(struct msg_inquired), 1, 1, on_inquired },
	{ MSG_NEED, sizeof(struct msg_peer), sizeof(struct msg_peer), 0, 0, on_need },
	{ MSG_ADDRESS, sizeof(struct msg_address), sizeof(struct msg_address), 0, 0, on_address },
	{ MSG_CREDENTIAL, sizeof(struct msg_hdr), sizeof(struct msg_hdr), 0, 0, on_credential },
};

/* --- jobs --- */

/* In the child: nothing of the parent's but the settings and its own channel. */
static _Noreturn void
child_run(const struct remote *r, int up)
{
	static struct session s;
	struct err e = { 0 };

	if (dup2(up, DAEMON_FD) == -1 || close_range(DAEMON_FD + 1, ~0u, 0) == -1) {
		err_sys(&e, "descriptors");
		log_line(LOG_ERR, NULL, "cannot-start", "why=%s", log_q(e.what));
		_exit(1);
	}
	log_open("remote-session");
	if (sandbox_enter(SB_REMOTE_SESSION, NULL, 0,
	    conf_number(&r->daemon->conf, CONF_NOLANDLOCK) != 0, &e) == -1) {
		log_line(LOG_ERR, NULL, "cannot-start", "why=%s", log_q(e.what));
		_exit(1);
	}
	job_memory();
	session_init(&s, &r->daemon->conf, DAEMON_FD, -1);
	s.own = &r->own;
	s.backoff = r->shared;
	s.tls_ctx = r->tls;
	_exit(session_run(&s));
}

static struct child *
child_new(struct remote *r, const char *dest, struct err *e)
{
	struct child *c = calloc(1, sizeof *c);
	int pair[2];

	if (c == NULL || ipc_pair(pair, e) == -1) {
		if (c == NULL)
			err_sys(e, "session");
		free(c);
		return NULL;
	}
	c->pid = fork();
	if (c->pid == 0)
		child_run(r, pair[1]);
	if (c->pid == -1)
		err_sys(e, "fork");
	close(pair[1]);
	if (c->pid == -1 || chan_open(&c->chan, r->worker.loop, pair[0], "session", from_session,
	    sizeof from_session / sizeof *from_session, child_gone, c, e) == -1) {
		close(pair[0]);
		if (c->pid != -1) {	/* it has done nothing yet */
			kill(c->pid, SIGKILL);
			waitpid(c->pid, NULL, 0);
		}
		free(c);
		return NULL;
	}
	c->remote = r;
	c->idle = (struct timer){ .fire = child_idle_over, .arg = c };
	snprintf(c->dest, sizeof c->dest, "%s", dest);
	c->next = r->children;
	r->children = c;
	r->nidle++;
	r->nchild++;
	r->started++;
	return c;
}

static struct child *
child_for(struct remote *r, const char *dest, struct err *e)
{
	for (struct child *c = r->children; c != NULL; c = c->next)
		if (child_is_idle(c) && strcmp(c->dest, dest) == 0)
			return c;
	return child_new(r, dest, e);
}

/* Sessions are processes with their own copy of settings and addresses: the idle ones end, the others do
 * after their job. */
static void
children_replace(struct remote *r)
{
	for (struct child *c = r->children, *next; c != NULL; c = next) {
		next = c->next;
		c->stale = true;
		if (child_is_idle(c))
			child_end(c);
	}
}

/* Interfaces come up and go while we run.  What cannot be read now stays as it was.  true: something is
 * another. */
static bool
own_renew(struct remote *r)
{
	struct own old = r->own;
	struct err e = { 0 };

	r->own_ms = clock_ms();
	own_listeners(&r->own, &r->daemon->conf);
	if (own_addresses(&r->own, r->own_fd, &e) == -1)
		log_line(LOG_ERR, NULL, "failed", "why=%s", log_q(e.what));
	return memcmp(&old, &r->own, sizeof old) != 0;
}

static void
remote_start(void *arg, struct worker_job *work, int message_fd)
{
	struct remote *r = arg;
	struct err e = { 0 };
	struct child *c;

	if (clock_ms() - r->own_ms >= REMOTE_OWN_MS && own_renew(r))
		children_replace(r);
	c = child_for(r, work->packet->dest, &e);
	if (c == NULL) {
		close(message_fd);
		log_line(LOG_ERR, work->packet->id, "no-session", "why=%s", log_q(e.what));
		job_lost(r, work, e.what);
		return;
	}
	loop_cancel(r->worker.loop, &c->idle);
	r->nidle--;
	c->work = work;
	if (chan_send(&c->chan, &work->packet->h, MSG_JOB, work->number, work->packet_len,
	    &message_fd, 1, &e) == -1) {
		log_line(LOG_ERR, work->packet->id, "no-session", "why=%s", log_q(e.what));
		job_lost(r, work, e.what);
		child_end(c);
	}
}

/* --- inquiries --- */

/*
 * Hands an inquiry to a session of its own: the packet m of its type, with fd (taken over) or -1, of an asker who gave
 * it that number.  dest: for the log.  -1: ERR_TEMP, or ERR_BUG.
 */
static int
inquiry_start(struct remote *r, struct chan *asker, uint32_t asked, struct msg_hdr *m, uint32_t type, size_t len,
    const char *dest, int fd, struct err *e)
{
	uint32_t *n = &r->ninquiry[asker - r->peer];
	uint32_t most = asker == &r->peer[ROLE_CAPD] ? INQUIRY_PROBES : REMOTE_INQUIRIES;
	struct child *c = NULL;

	if (r->stopping || *n == most ||
	    r->nchild - r->nidle >= conf_number(&r->daemon->conf, CONF_CONCURRENCYREMOTE))
		err_set(e, ERR_TEMP, "4.3.2", "too many sessions are under way; try again later");
	else
		c = child_new(r, dest, e);
	if (c == NULL) {
		ipc_close_fds(&fd, 1);
		return -1;
	}
	c->asker = asker;
	c->asked = asked;
	r->nidle--;
	++*n;
	if (loop_timer(r->worker.loop, &c->idle, REMOTE_INQUIRY_MS, e) == -1)
		ipc_close_fds(&fd, 1);
	else if (chan_send(&c->chan, m, type, 0, len, &fd, fd != -1, e) == 0)
		return 0;
	child_end(c);
	return -1;
}

static int
on_inquire(struct chan *chan, const void *msg, size_t len, int *fds, struct err *e)
{
	struct msg_inquire m = *(const struct msg_inquire *)msg;
	struct err why = { 0 };
	uint32_t asked = m.h.id;
	int fd = fds[0];

	(void)len;
	if (m.kind >= INQUIRY_KINDS || !qid_ok(m.id) || memchr(m.dest, '\0', sizeof m.dest) == NULL)
		return err_set(e, ERR_PROTO, NULL, "an inquiry of kind %u", m.kind);
	fds[0] = -1;
	if (inquiry_start(chan->arg, chan, asked, &m.h, MSG_INQUIRE, sizeof m, m.dest, fd, &why) == -1)
		inquiry_refuse(chan, asked, &why);
	return 0;
}

static int
on_probe(struct chan *chan, const void *msg, size_t len, int *fds, struct err *e)
{
	struct { struct msg_probe m; unsigned char addr[ENV_MAX_PATH]; } p;
	struct remote *r = chan->arg;
	struct err why = { 0 };
	struct span addr;
	char dest[JOB_DEST];
	uint32_t asked = ((const struct msg_hdr *)msg)->id;

	(void)fds;
	memcpy(&p, msg, len);
	addr = span_of(p.addr, p.m.addr_len);
	if (addr.n != len - sizeof p.m)
		return err_set(e, ERR_PROTO, NULL, "a probe of %zu octets", len);
	memset(p.m.id, 0, sizeof p.m.id);
	qid_make(&r->probes, (uint64_t)clock_us(), p.m.id);
	span_text(addr, dest, sizeof dest);
	log_line(LOG_INFO, p.m.id, "probe", "to=%s peer=%s", log_qs(addr), chan->name);
	if (inquiry_start(r, chan, asked, &p.m.h, MSG_PROBE, len, dest, -1, &why) == -1)
		inquiry_refuse(chan, asked, &why);
	return 0;
}

/* Those who may inquire, and what. */
static const struct msg_rule from_asker[] = {
	{ MSG_PROBE, sizeof(struct msg_probe) + 1, sizeof(struct msg_probe) + ENV_MAX_PATH, 0, 0, on_probe },
	{ MSG_INQUIRE, sizeof(struct msg_inquire), sizeof(struct msg_inquire), 1, 1, on_inquire },
};

/* So many of these rules are a role's. */
static size_t
inquires(enum role role)
{
	return role == ROLE_CONTROL ? 2 : role == ROLE_CAPD ? 1 : 0;
}

/* Nobody waits for these answers any more. */
static void
inquiries_end(struct remote *r, const struct chan *asker)
{
	for (struct child *c = r->children, *next; c != NULL; c = next) {
		next = c->next;
		if (c->asker == asker)
			child_end(c);
	}
}

/* --- peers, start and stop --- */

static void
peer_gone(struct chan *c, const struct err *why)
{
	struct remote *r = c->arg;

	(void)why;
	log_line(LOG_INFO, NULL, "peer-gone", "peer=%s", c->name);
	inquiries_end(r, c);
	daemon_lost((enum role)(c - r->peer));
}

static int
peer_open(struct remote *r, enum role role, int fd, struct err *e)
{
	inquiries_end(r, &r->peer[role]);
	chan_close(&r->peer[role]);
	if (chan_open(&r->peer[role], r->worker.loop, fd, role_name(role), from_asker, inquires(role), peer_gone, r,
	    e) == 0)
		return 0;
	close(fd);
	return -1;
}

static void
remote_peer(void *arg, enum role role, uint32_t generation, int fd)
{
	struct remote *r = arg;
	struct err e = { 0 };
	int got = 0;

	(void)generation;
	if (role == ROLE_QMGR) {
		got = worker_connect(&r->worker, fd, &e);
	} else if (serves_sessions((uint32_t)role) || inquires(role) > 0) {
		got = peer_open(r, role, fd, &e);
		for (struct child *c = r->children; c != NULL && got == 0; c = c->next)
			if (c->needs & 1u << role)
				got = child_introduce(c, role, &e);
	} else {
		close(fd);
	}
	if (got == -1)
		log_line(LOG_ERR, NULL, "failed", "peer=%s why=%s", role_name(role), log_q(e.what));
}

/* Ends once nothing is under way and every result is acknowledged, when nobody is left to acknowledge
 * one, or when time is up. */
static void
stop_check(void *arg)
{
	struct remote *r = arg;
	struct err e = { 0 };

	if (worker_idle(&r->worker) || !r->worker.qmgr.open || clock_ms() >= r->stop_ms ||
	    loop_timer(r->worker.loop, &r->stop, 50, &e) == -1)
		r->worker.loop->stop = true;
}

static void
remote_stop(void *arg)
{
	struct remote *r = arg;

	r->stopping = true;
	r->stop_ms = clock_ms() + REMOTE_STOP_MS;
	for (struct child *c = r->children, *next; c != NULL; c = next) {
		next = c->next;
		if (c->asker != NULL)
			inquiry_lost(c, "accord is being stopped");
		if (c->work == NULL)
			child_end(c);
	}
	stop_check(r);
}

/* What a reload, or the start, brings for TLS.  fd: of the authorities' certificates, or -1; borrowed. */
static SSL_CTX *
tls_of(const struct conf *conf, int fd, struct err *e)
{
	SSL_CTX *ctx = NULL;
	struct buf ca;

	buf_init(&ca, REMOTE_CA_MAX);
	if (fd == -1 || fileio_read(fd, &ca, e) == 0)
		ctx = secure_context(conf, buf_view(&ca), e);
	buf_free(&ca);
	return ctx;
}

static void
remote_kept(void *arg)
{
	struct remote *r = arg;

	SSL_CTX_free(r->next_tls);
	r->next_tls = NULL;
}

static int
remote_check(void *arg, struct daemon_next *next, struct err *e)
{
	struct remote *r = arg;

	remote_kept(r);
	r->next_tls = tls_of(&next->conf, daemon_next_file(next, "tls"), e);
	return r->next_tls != NULL ? 0 : -1;
}

static void
remote_switched(void *arg, struct conf *old)
{
	struct remote *r = arg;

	(void)old;
	SSL_CTX_free(r->tls);
	r->tls = r->next_tls;
	r->next_tls = NULL;
	(void)own_renew(r);
	children_replace(r);
}

static void
remote_stats(void *arg, struct buf *out)
{
	const struct remote *r = arg;
	uint64_t busy = 0;

	for (const struct child *c = r->children; c != NULL; c = c->next)
		busy += c->work != NULL;
	figure_add(out, "accord_remote_sessions", busy);
	figure_add(out, "accord_remote_sessions_idle", r->nidle);
	figure_add(out, "accord_remote_sessions_total", r->started);
	figure_add(out, "accord_remote_jobs_total", r->jobs);
	figure_add(out, "accord_remote_sessions_lost_total", r->lost);
	figure_add(out, "accord_remote_inquiries_total", r->inquiries);
}

int
remote_open(struct remote *r, struct daemon *d, struct err *e)
{
	*r = (struct remote){ .daemon = d };
	r->reap = (struct timer){ .fire = remote_reap, .arg = r };
	r->stop = (struct timer){ .fire = stop_check, .arg = r };
	worker_init(&r->worker, &d->loop, remote_start, r);
	d->peer = remote_peer;
	d->stop = remote_stop;
	d->check = remote_check;
	d->switched = remote_switched;
	d->kept = remote_kept;
	d->stats = remote_stats;
	d->granted = remote_granted;
	d->arg = r;
	if ((r->tls = tls_of(&d->conf, daemon_file(d, "tls"), e)) == NULL)
		return -1;
	own_listeners(&r->own, &d->conf);
	if ((r->own_fd = own_open(e)) == -1 || own_addresses(&r->own, r->own_fd, e) == -1 ||
	    backoff_share(&r->backoff, &r->shared, e) == -1)
		return -1;
	r->own_ms = clock_ms();
	for (int i = 0; i < ROLE_COUNT; i++)
		if (d->peer_fd[i] != -1 && (serves_sessions((uint32_t)i) || inquires((enum role)i) > 0) &&
		    peer_open(r, (enum role)i, d->peer_fd[i], e) == -1)
			return -1;
	if (d->peer_fd[ROLE_QMGR] != -1 && worker_connect(&r->worker, d->peer_fd[ROLE_QMGR], e) == -1)
		return -1;
	return 0;
}
