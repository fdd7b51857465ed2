/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "start/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"

static const struct { enum role a, b; } joined[] = {
	{ ROLE_SMTPD, ROLE_QUEUE }, { ROLE_SMTPD, ROLE_CAPD }, { ROLE_SMTPD, ROLE_CONVERTD },
	{ ROLE_SMTPD, ROLE_KEY }, { ROLE_SMTPD, ROLE_AUTH }, { ROLE_CAPD, ROLE_LDAP }, { ROLE_LDAP, ROLE_RESOLVER },
	{ ROLE_QUEUE, ROLE_QMGR },
	{ ROLE_QMGR, ROLE_REMOTE }, { ROLE_QMGR, ROLE_LOCAL }, { ROLE_QMGR, ROLE_BOUNCE },
	{ ROLE_BOUNCE, ROLE_QUEUE }, { ROLE_REMOTE, ROLE_CONVERTD }, { ROLE_REMOTE, ROLE_RESOLVER },
	{ ROLE_REMOTE, ROLE_CAPD }, { ROLE_LOCAL, ROLE_CONVERTD }, { ROLE_BOUNCE, ROLE_CONVERTD },
	{ ROLE_LOCAL, ROLE_CAPD }, { ROLE_CONTROL, ROLE_QUEUE }, { ROLE_CONTROL, ROLE_CAPD },
	{ ROLE_CONTROL, ROLE_QMGR }, { ROLE_CONTROL, ROLE_LOCAL }, { ROLE_CONTROL, ROLE_REMOTE },
	{ ROLE_OFFER, ROLE_CONTROL }, { ROLE_OFFER, ROLE_LEARN }, { ROLE_OFFER, ROLE_QUEUE },
	{ ROLE_OFFER, ROLE_CONVERTD },
	{ ROLE_EXPAND, ROLE_LOCAL }, { ROLE_EXPAND, ROLE_QUEUE },
	{ ROLE_LEARN, ROLE_CAPD }, { ROLE_LEARN, ROLE_LOCAL }, { ROLE_LEARN, ROLE_CONTROL },
};

bool
roles_joined(enum role a, enum role b)
{
	for (size_t i = 0; i < sizeof joined / sizeof *joined; i++)
		if ((joined[i].a == a && joined[i].b == b) || (joined[i].a == b && joined[i].b == a))
			return true;
	return false;
}

/* --- what goes wrong --- */

/* A start that fails is told to the person who started it, a later fault to the log alone. */
static void
complain(struct supervisor *s, enum role r, const char *what)
{
	log_line(LOG_ERR, NULL, "fault", "role=%s why=%s", role_name(r), log_q(what));
	if (!s->all_up && !s->stopping && s->message_fd != -1)
		dprintf(s->message_fd, "accord: %s: %s\n", role_name(r), what);
}

/* --- one process --- */

static int child_spawn(struct child *c, struct err *e);

static void
restart_later(struct child *c)
{
	struct err e = { 0 };

	if (clock_ms() - c->started_ms >= RESTART_FORGET_MS)
		c->backoff_ms = RESTART_FIRST_MS;
	log_line(LOG_INFO, NULL, "restart", "role=%s in_ms=%d", role_name(c->role), c->backoff_ms);
	if (loop_timer(&c->s->loop, &c->restart, c->backoff_ms, &e) == -1) {
		complain(c->s, c->role, e.what);
		supervisor_stop(c->s, 1);
	}
	c->restarts++;
	c->backoff_ms = c->backoff_ms * 2 > RESTART_MAX_MS ? RESTART_MAX_MS : c->backoff_ms * 2;
}

/* The process has been waited for. */
static void
child_ended(struct child *c, int status)
{
	struct supervisor *s = c->s;
	bool clean = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	char what[80];

	if (WIFSIGNALED(status))
		snprintf(what, sizeof what, "process %d died by signal %d%s", (int)c->pid, WTERMSIG(status),
		    WTERMSIG(status) == SIGSYS ? " (a system call its sandbox forbids)" : "");
	else
		snprintf(what, sizeof what, "process %d ended with status %d", (int)c->pid,
		    WEXITSTATUS(status));
	chan_close(&c->chan);
	c->pid = 0;
	c->state = CHILD_DOWN;
	if (s->stopping) {
		if (!clean)
			log_line(LOG_WARN, NULL, "ended", "role=%s why=%s", role_name(c->role), log_q(what));
		supervisor_stop_next(s);
		return;
	}
	if (clean && s->all_up)		/* it wants to be started anew */
		log_line(LOG_INFO, NULL, "ended", "role=%s why=%s", role_name(c->role), log_q(what));
	else
		complain(s, c->role, what);
	reload_child_gone(c);
	ask_child_gone(c);
	if (!s->all_up)
		supervisor_stop(s, 1);
	else
		restart_later(c);
}

static void
child_gone(struct chan *ch, const struct err *why)
{
	struct child *c = ch->arg;

	/* without its channel it is lost to us, if it has not ended anyway; SIGCHLD follows */
	if (c->pid != 0 && (why->kind == ERR_PROTO || !c->s->stopping))
		kill(c->pid, SIGKILL);
}

static void
fire_restart(void *arg)
{
	struct child *c = arg;
	struct err e = { 0 };

	if (c->s->stopping || c->pid != 0)
		return;
	if (child_spawn(c, &e) == -1) {
		complain(c->s, c->role, e.what);
		if (c->pid != 0)
			kill(c->pid, SIGKILL);
		else
			restart_later(c);
	}
}

/* In the new process: descriptors 0 to 3, nothing else once it is a program, no signal blocked. */
static _Noreturn void
child_main(struct child *c, int fd)
{
	int keep = fcntl(fd, F_DUPFD, 10), null = open("/dev/null", O_RDWR);
	sigset_t none;
	struct err e = { 0 };

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setpgid(0, 0);
	if (keep == -1 || null == -1 || dup2(null, 0) == -1 || dup2(null, 1) == -1 ||
	    dup2(keep, DAEMON_FD) == -1 || close_range(DAEMON_FD + 1, ~0u, CLOSE_RANGE_CLOEXEC) == -1) {
		log_line(LOG_ERR, NULL, "cannot-start", "role=%s why=%s", role_name(c->role),
		    log_q(strerror(errno)));
		_exit(1);
	}
	if (account_take(c->s->who, c->role, &e) == -1) {
		log_line(LOG_ERR, NULL, "cannot-start", "role=%s why=%s", role_name(c->role),
		    log_q(e.what));
		_exit(1);
	}
	c->s->become(c->s->become_arg, c->role);
	_exit(1);
}

static int child_on_ready(struct chan *, const void *, size_t, int *, struct err *);
static int child_on_bad(struct chan *, const void *, size_t, int *, struct err *);
static int child_on_need(struct chan *, const void *, size_t, int *, struct err *);
static int child_on_caps(struct chan *, const void *, size_t, int *, struct err *);
static int child_on_passwd(struct chan *, const void *, size_t, int *, struct err *);
static int child_on_retire(struct chan *, const void *, size_t, int *, struct err *);

static const struct msg_rule from_child[] = {
	{ MSG_READY, sizeof(struct msg_hdr), sizeof(struct msg_hdr), 0, 0, child_on_ready },
	{ MSG_BAD, sizeof(struct msg_text), sizeof(struct msg_text), 0, 0, child_on_bad },
	{ MSG_NEED, sizeof(struct msg_peer), sizeof(struct msg_peer), 0, 0, child_on_need },
	{ MSG_RETIRE, sizeof(struct msg_hdr), sizeof(struct msg_hdr), 0, 0, child_on_retire },
	{ MSG_RELOAD_VALID, sizeof(struct msg_hdr), sizeof(struct msg_hdr), 0, 0, reload_on_valid },
	{ MSG_RELOAD_INVALID, sizeof(struct msg_text), sizeof(struct msg_text), 0, 0, reload_on_invalid },
	{ MSG_RELOAD_SWITCHED, sizeof(struct msg_hdr), sizeof(struct msg_hdr), 0, 0,
	    reload_on_switched },
	{ MSG_PONG, sizeof(struct msg_hdr), sizeof(struct msg_hdr), 0, 0, watchdog_on_pong },
	{ MSG_FIGURES, sizeof(struct msg_hdr), sizeof(struct msg_hdr) + DAEMON_FIGURES, 0, 0,
	    ask_on_figures },
	{ MSG_CREDENTIAL, sizeof(struct msg_credential), sizeof(struct msg_credential), 0, 0, credential_on_ask },
	/* control only: the last rows are left out for the others */
	{ MSG_CAPS_CHANGED, sizeof(struct msg_hdr), sizeof(struct msg_hdr), 0, 0, child_on_caps },
	{ MSG_PASSWD_CHANGED, sizeof(struct msg_hdr), sizeof(struct msg_hdr), 0, 0, child_on_passwd },
	{ MSG_RELOAD, sizeof(struct msg_hdr), sizeof(struct msg_hdr), 0, 0, reload_on_ask },
	{ MSG_STATS, sizeof(struct msg_hdr), sizeof(struct msg_hdr), 0, 0, ask_on_stats },
};
enum { NRULE = sizeof from_child / sizeof *from_child, NCONTROL = 4 };

static int
child_fork(struct child *c, struct err *e)
{
	int pair[2];
	pid_t pid;

	if (ipc_pair(pair, e) == -1)
		return -1;
	if ((pid = fork()) == -1) {
		err_sys(e, "fork");
		ipc_close_fds(pair, 2);
		return -1;
	}
	if (pid == 0)
		child_main(c, pair[1]);
	close(pair[1]);
	c->pid = pid;
	c->state = CHILD_TOLD;
	c->missed = 0;
	c->started_ms = clock_ms();
	log_line(LOG_INFO, NULL, "started", "role=%s pid=%d", role_name(c->role), (int)pid);
	if (chan_open(&c->chan, &c->s->loop, pair[0], role_name(c->role), from_child,
	    c->role == ROLE_CONTROL ? NRULE : NRULE - NCONTROL, child_gone, c, e) == -1) {
		close(pair[0]);
		return -1;
	}
	c->chan.lossy = true;		/* or want of memory would be the end of daemons too */
	return 0;
}

/* A new channel between a and b, an end to each. */
static int
join(struct child *a, struct child *b, struct err *e)
{
	struct supervisor *s = a->s;
	uint32_t *g = a->role < b->role ? &s->generation[a->role][b->role] :
	    &s->generation[b->role][a->role];
	struct msg_peer to_a = { .role = b->role }, to_b = { .role = a->role };
	int pair[2];

	if (ipc_pair(pair, e) == -1)
		return -1;
	to_a.generation = to_b.generation = ++*g;
	if (chan_send(&a->chan, &to_a.h, MSG_PEER, 0, sizeof to_a, &pair[0], 1, e) == -1) {
		ipc_close_fds(pair, 2);
		return -1;
	}
	return chan_send(&b->chan, &to_b.h, MSG_PEER, 0, sizeof to_b, &pair[1], 1, e);
}

static int
child_go(struct child *c, struct err *e)
{
	struct msg_hdr h;

	c->go_waits = false;
	return chan_send(&c->chan, &h, MSG_GO, 0, sizeof h, NULL, 0, e);
}

/* Forks c and tells it everything; peers that run get a new channel to it. */
static int
child_spawn(struct child *c, struct err *e)
{
	if (child_fork(c, e) == -1 || child_give(c, e) == -1)
		return -1;
	for (int i = FIRST; i <= LAST; i++) {
		struct child *peer = &c->s->child[i];

		if (peer != c && peer->chan.open && roles_joined(c->role, peer->role) &&
		    join(c, peer, e) == -1)
			return -1;
	}
	return c->s->all_up ? child_go(c, e) : 0;
}

/* --- what the processes say --- */

static void
check_all_up(struct supervisor *s)
{
	struct child *last = &s->child[LAST];
	struct err e = { 0 };

	for (int i = FIRST; i < LAST; i++)
		if (s->child[i].state != CHILD_UP)
			return;
	if (last->go_waits) {
		if (child_go(last, &e) == -1) {
			complain(s, last->role, e.what);
			supervisor_stop(s, 1);
		}
	} else if (last->state == CHILD_UP) {
		s->all_up = true;
		watchdog_begin(s);
		log_line(LOG_INFO, NULL, "ready", "");
		if (s->up != NULL)
			s->up(s->up_arg);
	}
}

static int
child_on_ready(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	struct child *c = ch->arg;

	(void)msg, (void)len, (void)fds;
	if (c->state != CHILD_TOLD || c->go_waits)
		return err_set(e, ERR_PROTO, NULL, "READY twice or before GO");
	c->state = CHILD_UP;
	if (!c->s->all_up && !c->s->stopping)
		check_all_up(c->s);
	return 0;
}

static int
child_on_bad(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	struct child *c = ch->arg;
	const struct msg_text *m = msg;
	char text[sizeof m->text];

	(void)len, (void)fds, (void)e;
	span_text(span_of(m->text, strnlen(m->text, sizeof m->text)), text, sizeof text);
	complain(c->s, c->role, text);
	if (!c->s->all_up && !c->s->stopping)
		supervisor_stop(c->s, 1);
	return 0;
}

/* A channel was lost between two that live: nobody's restart would bring another. */
static int
child_on_need(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	struct child *c = ch->arg;
	struct supervisor *s = c->s;
	const struct msg_peer *m = msg;
	enum role low, high;

	(void)len, (void)fds;
	if (m->role >= ROLE_COUNT || !roles_joined(c->role, (enum role)m->role))
		return err_set(e, ERR_PROTO, NULL, "needs peer %u", m->role);
	low = c->role < m->role ? c->role : (enum role)m->role;
	high = c->role < m->role ? (enum role)m->role : c->role;
	s->lost[low][high] = m->generation;
	return s->rejoin.at != 0 ? 0 : loop_timer(&s->loop, &s->rejoin, REJOIN_MS, e);
}

/* Not where a restart has brought a new channel meanwhile, or is going to. */
static void
rejoin(struct supervisor *s, struct child *a, struct child *b)
{
	uint32_t *lost = &s->lost[a->role][b->role], was = *lost;
	struct err e = { 0 };

	*lost = 0;
	if (was == 0 || was != s->generation[a->role][b->role] || !a->chan.open || !b->chan.open)
		return;
	log_line(LOG_WARN, NULL, "rejoin", "role=%s peer=%s", role_name(a->role), role_name(b->role));
	if (join(a, b, &e) == 0)
		return;
	complain(s, a->role, e.what);
	*lost = s->generation[a->role][b->role];
	(void)loop_timer(&s->loop, &s->rejoin, REJOIN_MS, &e);
}

static void
fire_rejoin(void *arg)
{
	struct supervisor *s = arg;

	for (int a = FIRST; a <= LAST && !s->stopping; a++)
		for (int b = a + 1; b <= LAST; b++)
			rejoin(s, &s->child[a], &s->child[b]);
}

/* The control socket found no room: once the queue has made some, it is bound and given to control. */
static void
fire_control(void *arg)
{
	struct supervisor *s = arg;
	struct child *control = &s->child[ROLE_CONTROL];
	struct err e = { 0 };

	if (s->stopping)
		return;
	if (place_control(s->place, &e) == -1) {
		if (loop_timer(&s->loop, &s->control, CONTROL_MS, &e) == -1)
			complain(s, ROLE_START, e.what);
		return;
	}
	log_line(LOG_INFO, NULL, "control", "");
	/* one that is down gets it when it is started again */
	if (control->chan.open && child_give_control(control, &e) == -1)
		complain(s, ROLE_CONTROL, e.what);
}

static int
child_on_caps(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	struct child *c = ch->arg, *capd = &c->s->child[ROLE_CAPD];

	(void)msg, (void)len, (void)fds;
	/* one that is down gets the new file when it is started again */
	return capd->chan.open ? child_give_caps(capd, e) : 0;
}

/* Another that cannot be read is no reason to let nobody in. */
static int
child_on_passwd(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	struct child *c = ch->arg, *auth = &c->s->child[ROLE_AUTH];
	struct err why = { 0 };

	(void)msg, (void)len, (void)fds;
	if (place_users(c->s->place, &why) == -1) {
		log_line(LOG_ERR, NULL, "passwd", "why=%s", log_q(why.what));
		return 0;
	}
	/* one that is down gets the new file when it is started again */
	return auth->chan.open ? child_give_users(auth, e) : 0;
}

/* --- processes that are replaced while they live --- */

static int
retired_on_need(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	(void)ch, (void)msg, (void)len, (void)fds, (void)e;
	return 0;		/* said before it knew; its part is its successor's now */
}

static const struct msg_rule from_retired[] = {
	{ MSG_NEED, sizeof(struct msg_peer), sizeof(struct msg_peer), 0, 0, retired_on_need },
	{ MSG_RETIRE, sizeof(struct msg_hdr), sizeof(struct msg_hdr), 0, 0, retired_on_need },
	{ MSG_PONG, sizeof(struct msg_hdr), sizeof(struct msg_hdr), 0, 0, retired_on_need },
	{ MSG_FIGURES, sizeof(struct msg_hdr), sizeof(struct msg_hdr) + DAEMON_FIGURES, 0, 0,
	    retired_on_need },
};

/* SIGCHLD follows. */
static void
retired_gone(struct chan *ch, const struct err *why)
{
	struct retired *r = ch->arg;

	if (why->kind == ERR_PROTO)
		kill(r->pid, SIGKILL);
}

static size_t
retired_count(const struct supervisor *s)
{
	size_t n = 0;

	for (const struct retired *r = s->retired; r != NULL; r = r->next)
		n++;
	return n;
}

/* Moves c's process and channel aside, and tells it.  c is down then. */
static int
child_retire(struct child *c, struct err *e)
{
	struct retired *r = calloc(1, sizeof *r);
	int fd = fcntl(c->chan.watch.fd, F_DUPFD_CLOEXEC, 0);
	struct msg_hdr h;

	if (r == NULL || fd == -1 || chan_open(&r->chan, &c->s->loop, fd, role_name(c->role),
	    from_retired, sizeof from_retired / sizeof *from_retired, retired_gone, r, e) == -1) {
		if (fd != -1)
			close(fd);
		free(r);
		return err_set(e, ERR_TEMP, NULL, "no memory or descriptor to retire it");
	}
	r->chan.lossy = true;
	r->role = c->role;
	r->pid = c->pid;
	r->next = c->s->retired;
	c->s->retired = r;
	chan_close(&c->chan);
	c->pid = 0;
	c->state = CHILD_DOWN;
	/* One that cannot be told would take clients beside its successor for ever. */
	if (chan_send(&r->chan, &h, MSG_RETIRE, 0, sizeof h, NULL, 0, e) == -1)
		kill(r->pid, SIGKILL);
	return 0;
}

/*
 * smtpd alone: its sessions have channels of their own, and so can end in peace.  One that has not
 * lived long is left: whoever crashes sessions would have a process started for each crash.
 */
static int
child_on_retire(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	struct child *c = ch->arg;
	struct supervisor *s = c->s;

	(void)msg, (void)len, (void)fds;
	if (c->role != ROLE_SMTPD)
		return err_set(e, ERR_PROTO, NULL, "a retirement");
	if (!s->all_up || s->stopping || s->reload.active || c->state != CHILD_UP ||
	    retired_count(s) >= RETIRED_MAX || clock_ms() - c->started_ms < RESTART_FORGET_MS)
		return 0;
	log_line(LOG_WARN, NULL, "retire", "role=%s pid=%d", role_name(c->role), (int)c->pid);
	if (child_retire(c, e) == -1)
		return -1;
	if (child_spawn(c, e) == 0)
		return 0;
	complain(s, c->role, e->what);
	if (c->pid != 0)
		kill(c->pid, SIGKILL);
	else
		restart_later(c);
	return 0;
}

static void
reap_retired(struct supervisor *s)
{
	for (struct retired **at = &s->retired; *at != NULL;) {
		struct retired *r = *at;
		int status;

		if (waitpid(r->pid, &status, WNOHANG) != r->pid) {
			at = &r->next;
			continue;
		}
		log_line(LOG_INFO, NULL, "retired", "role=%s pid=%d", role_name(r->role), (int)r->pid);
		*at = r->next;
		chan_close(&r->chan);
		free(r);
	}
}

/* --- signals --- */

static void
reap(struct supervisor *s)
{
	reap_retired(s);
	for (int i = FIRST; i <= LAST; i++) {
		int status;

		if (s->child[i].pid != 0 && waitpid(s->child[i].pid, &status, WNOHANG) ==
		    s->child[i].pid) {
			/* what it said last (MSG_BAD) comes before its end */
			if (s->child[i].chan.open)
				s->child[i].chan.watch.ready(s->child[i].chan.watch.arg, EPOLLIN);
			child_ended(&s->child[i], status);
		}
	}
}

static void
fire_logger_restart(void *arg)
{
	struct supervisor *s = arg;
	struct err e = { 0 };

	if (logger_again(s->logger, &e) == -1)
		(void)loop_timer(&s->loop, &s->logger_restart, RESTART_MAX_MS, &e);
	else
		log_line(LOG_ERR, NULL, "restart", "role=log");
}

/* The lines wait in its socket, or are counted as dropped where it is full. */
static void
reap_logger(struct supervisor *s)
{
	struct err e = { 0 };

	if (s->logger == NULL || s->logger->pid <= 0 ||
	    waitpid(s->logger->pid, NULL, WNOHANG) != s->logger->pid)
		return;
	s->logger->pid = -1;
	(void)loop_timer(&s->loop, &s->logger_restart, RESTART_FIRST_MS, &e);
}

static void
on_signal(void *arg, uint32_t events)
{
	struct supervisor *s = arg;
	struct signalfd_siginfo info;

	(void)events;
	while (read(s->signals.fd, &info, sizeof info) == (ssize_t)sizeof info) {
		if (info.ssi_signo == SIGCHLD) {
			reap(s);
			reap_logger(s);
		} else if (info.ssi_signo == SIGHUP) {
			reload_by_signal(s);
		} else {
			supervisor_stop(s, 0);
		}
	}
}

int
supervisor_init(struct supervisor *s, struct place *place, const struct accounts *who,
    struct err *e)
{
	sigset_t set;

	*s = (struct supervisor){ .place = place, .who = who, .message_fd = -1 };
	if (loop_init(&s->loop, e) == -1)
		return -1;
	s->logger_restart = (struct timer){ .fire = fire_logger_restart, .arg = s };
	s->rejoin = (struct timer){ .fire = fire_rejoin, .arg = s };
	s->control = (struct timer){ .fire = fire_control, .arg = s };
	supervisor_stop_init(s);
	reload_init(s);
	ask_init(s);
	for (int i = FIRST; i <= LAST; i++)
		s->child[i] = (struct child){ .s = s, .role = (enum role)i,
		    .backoff_ms = RESTART_FIRST_MS,
		    .restart = { .fire = fire_restart, .arg = &s->child[i] } };
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) == -1)
		return err_sys(e, "signals");
	s->signals = (struct watch){ signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), on_signal, s };
	if (s->signals.fd == -1)
		return err_sys(e, "signals");
	return loop_watch(&s->loop, &s->signals, EPOLLIN, e);
}

static int
start_all(struct supervisor *s, struct err *e)
{
	for (int i = FIRST; i <= LAST; i++)
		if (child_spawn(&s->child[i], e) == -1)
			return err_in(e, "%s", role_name((enum role)i));
	for (int i = FIRST; i < LAST; i++)
		if (child_go(&s->child[i], e) == -1)
			return err_in(e, "%s", role_name((enum role)i));
	s->child[LAST].go_waits = true;
	return 0;
}

int
supervisor_run(struct supervisor *s, struct err *e)
{
	if (start_all(s, e) == -1 ||
	    (s->place->control_sock == -1 && loop_timer(&s->loop, &s->control, CONTROL_MS, e) == -1)) {
		complain(s, ROLE_START, e->what);
		supervisor_stop(s, 1);
	}
	if (loop_run(&s->loop, e) == -1) {
		supervisor_kill(s);
		s->status = 1;
	}
	close(s->signals.fd);
	loop_free(&s->loop);
	return s->status;
}
