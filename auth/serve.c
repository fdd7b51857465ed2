/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "auth/serve.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auth/program.h"
#include "lib/clock.h"
#include "lib/figure.h"
#include "lib/fileio.h"
#include "lib/log.h"
#include "lib/passwd.h"
#include "lib/sandbox.h"
#include "lib/sasl.h"

/* --- the child: one login --- */

/* What others say in the meantime is none of its business. */
static void
forget_others(struct authd *a, const struct asker *mine)
{
	for (struct asker *k = a->first; k != NULL; k = k->next)
		explicit_bzero(k->login.word, sizeof k->login.word);
	for (int i = 0; i < AUTH_WORKERS; i++)
		if (a->worker[i].asker != NULL && a->worker[i].asker != mine)
			explicit_bzero(a->worker[i].asker->login.word, sizeof mine->login.word);
}

static _Noreturn void
child_run(struct authd *a, struct asker *k, int up, int program)
{
	struct check c = { &a->daemon->conf, buf_view(&a->users), &k->login, program, 0 };
	const int keep[] = { up, program };
	struct msg_logged_in yes = { .user = "" };
	struct msg_refused no = { .kind = ERR_NONE };
	struct err e = { 0 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	forget_others(a, k);
	if (ipc_close_others(keep, 2, &e) == -1 ||
	    sandbox_enter(SB_AUTH_LOGIN, NULL, 0, conf_number(&a->daemon->conf, CONF_NOLANDLOCK) != 0, &e) == -1) {
		log_line(LOG_ERR, NULL, "cannot-start", "why=%s", log_q(e.what));
		_exit(1);
	}
	if (check_login(&c, yes.user, &e) == 0) {
		(void)ipc_send(up, &yes.h, MSG_LOGGED_IN, 0, sizeof yes, NULL, 0, &e);
	} else {
		no.kind = (uint32_t)e.kind;
		snprintf(no.dsn, sizeof no.dsn, "%s", e.dsn);
		snprintf(no.what, sizeof no.what, "%s", e.what);
		(void)ipc_send(up, &no.h, MSG_REFUSED, 0, sizeof no, NULL, 0, &e);
	}
	_exit(0);
}

/* --- answers --- */

static int
refuse(struct asker *k, enum err_kind kind, const char *dsn, const char *why, struct err *e)
{
	struct msg_refused m = { .kind = kind };

	explicit_bzero(&k->login, sizeof k->login);
	k->state = ASKER_IDLE;
	*(kind == ERR_PERM ? &k->auth->wrong : &k->auth->unknown) += 1;
	snprintf(m.dsn, sizeof m.dsn, "%s", dsn);
	snprintf(m.what, sizeof m.what, "%s", why);
	return chan_send(&k->chan, &m.h, MSG_REFUSED, k->id, sizeof m, NULL, 0, e);
}

static int
not_now(struct asker *k, const char *why)
{
	struct err e;

	return refuse(k, ERR_TEMP, "4.7.0", why, &e);
}

/* Whose login it was, which has its answer now; NULL: it has gone. */
static struct asker *
worker_done(struct worker *w)
{
	struct asker *k = w->asker;

	w->asker = NULL;
	if (k != NULL)
		k->worker = NULL;
	return k;
}

static int
on_right(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct asker *k = worker_done(c->arg);
	struct msg_logged_in m = *(const struct msg_logged_in *)msg;
	struct span user;

	(void)len, (void)fds;
	if (k == NULL)
		return 0;
	user = span_of(m.user, strnlen(m.user, sizeof m.user));
	if (user.n == sizeof m.user || !sasl_user_ok(user))
		return not_now(k, "a login name of no use");
	explicit_bzero(&k->login, sizeof k->login);
	k->state = ASKER_IDLE;
	k->auth->right++;
	return chan_send(&k->chan, &m.h, MSG_LOGGED_IN, k->id, sizeof m, NULL, 0, e);
}

static int
on_wrong(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct asker *k = worker_done(c->arg);
	const struct msg_refused *m = msg;

	(void)len, (void)fds;
	if (k == NULL)
		return 0;
	return m->kind == ERR_PERM ? refuse(k, ERR_PERM, "5.7.8", "wrong name or password", e) :
	    not_now(k, "who logs in cannot be checked now");
}

static const struct msg_rule from_worker[] = {
	{ MSG_LOGGED_IN, sizeof(struct msg_logged_in), sizeof(struct msg_logged_in), 0, 0, on_right },
	{ MSG_REFUSED, sizeof(struct msg_refused), sizeof(struct msg_refused), 0, 0, on_wrong },
};

/* --- workers --- */

static void worker_next(struct authd *a);

static void
worker_gone(struct chan *c, const struct err *why)
{
	struct worker *w = c->arg;
	struct asker *k = worker_done(w);
	int status = 0;

	(void)why;
	loop_cancel(&w->auth->daemon->loop, &w->late);
	kill(w->pid, SIGKILL);		/* it ends, unless it was cut off */
	while (waitpid(w->pid, &status, 0) == -1 && errno == EINTR)
		;
	if (k != NULL) {
		if (WIFSIGNALED(status))
			log_line(LOG_ERR, NULL, "died", "pid=%d signal=%d", (int)w->pid, WTERMSIG(status));
		(void)not_now(k, "who logs in cannot be checked now");
	}
	worker_next(w->auth);
}

/* Its channel breaks then. */
static void
worker_late(void *arg)
{
	struct worker *w = arg;

	log_line(LOG_WARN, NULL, "auth-late", "client=%s", w->asker != NULL ? w->asker->login.client : "-");
	kill(w->pid, SIGKILL);
}

static int
worker_start(struct worker *w, struct asker *k, struct err *e)
{
	struct authd *a = w->auth;
	int up[2], program;

	if (ipc_pair(up, e) == -1)
		return -1;
	program = a->programs.open ? chan_session(&a->programs, 0, e) : -1;
	if (chan_open(&w->chan, &w->auth->daemon->loop, up[0], "login", from_worker,
	    sizeof from_worker / sizeof *from_worker, worker_gone, w, e) == -1) {
		ipc_close_fds(up, 2);
		ipc_close_fds(&program, 1);
		return -1;
	}
	if (loop_timer(&w->auth->daemon->loop, &w->late, AUTH_LATE_MS, e) == 0) {
		w->asker = k;
		if ((w->pid = fork()) == 0)
			child_run(a, k, up[1], program);
		if (w->pid != -1) {
			close(up[1]);
			ipc_close_fds(&program, 1);
			k->worker = w;
			k->state = ASKER_ASKS;
			return 0;
		}
		err_sys(e, "fork");
		w->asker = NULL;
		loop_cancel(&w->auth->daemon->loop, &w->late);
	}
	close(up[1]);
	ipc_close_fds(&program, 1);
	chan_close(&w->chan);
	return -1;
}

/* Who waits, the first first. */
static struct asker *
take_first(struct authd *a)
{
	struct asker *k = a->first;

	if ((a->first = k->next) == NULL)
		a->last = &a->first;
	a->nwaiting--;
	k->state = ASKER_IDLE;
	return k;
}

static void
worker_next(struct authd *a)
{
	for (int i = 0; i < AUTH_WORKERS && a->first != NULL; i++) {
		struct asker *k;
		struct err e = { 0 };

		if (a->worker[i].chan.open || a->daemon->loop.stop)
			continue;
		k = take_first(a);
		if (clock_ms() - k->since_ms >= AUTH_LATE_MS) {
			(void)not_now(k, "too many log in at once");
			i--;
		} else if (worker_start(&a->worker[i], k, &e) == -1) {
			log_line(LOG_ERR, NULL, "no-process", "why=%s", log_q(e.what));
			(void)not_now(k, "who logs in cannot be checked now");
		}
	}
}

/* --- what sessions say --- */

static int
login_keep(struct login *l, const struct msg_login *m, size_t len, struct err *e)
{
	struct span user = span_of(m + 1, m->user_len < LOGIN_NAME ? m->user_len : 0);

	if (m->user_len >= LOGIN_NAME || m->word_len > SASL_WORD_MAX || m->word_len == 0 ||
	    (size_t)m->user_len + m->word_len != len - sizeof *m || !sasl_user_ok(user))
		return err_set(e, ERR_PROTO, NULL, "a login of %zu octets", len);
	span_text(span_of(m->client, strnlen(m->client, sizeof m->client)), l->client, sizeof l->client);
	for (char *c = l->client; *c != '\0'; c++)	/* no word of its own in others' lines */
		if (!ascii_digit(*c) && strchr("abcdef.:", *c) == NULL)
			*c = '?';
	memcpy(l->user, user.p, user.n);
	l->user[user.n] = '\0';
	memcpy(l->word, user.p + user.n, m->word_len);
	l->word_n = m->word_len;
	return 0;
}

static int
on_login(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct asker *k = c->arg;
	struct authd *a = k->auth;
	int r;

	(void)fds;
	if (k->state != ASKER_IDLE)
		return err_set(e, ERR_PROTO, NULL, "a login beside another");
	r = login_keep(&k->login, msg, len, e);
	k->id = ((const struct msg_hdr *)msg)->id;
	explicit_bzero((unsigned char *)(uintptr_t)msg + sizeof(struct msg_hdr), len - sizeof(struct msg_hdr));
	if (r == -1)
		return -1;
	if (a->nwaiting == AUTH_WAITING)
		return not_now(k, "too many log in at once");
	k->state = ASKER_WAITS;
	k->since_ms = clock_ms();
	k->next = NULL;
	*a->last = k;
	a->last = &k->next;
	a->nwaiting++;
	worker_next(a);
	return 0;
}

static const struct msg_rule from_session[] = {
	{ MSG_LOGIN, sizeof(struct msg_login) + 2, sizeof(struct msg_login) + SASL_USER_MAX + SASL_WORD_MAX, 0, 0, on_login },
};

static void
leave_line(struct authd *a, struct asker *k)
{
	struct asker **at = &a->first;

	while (*at != k)
		at = &(*at)->next;
	if ((*at = k->next) == NULL)
		a->last = at;
	a->nwaiting--;
}

static void
session_gone(struct chan *c, const struct err *why)
{
	struct asker *k = c->arg;

	(void)why;
	if (k->state == ASKER_WAITS)
		leave_line(k->auth, k);
	if (k->worker != NULL) {
		pid_t pid = k->worker->pid;

		(void)worker_done(k->worker);
		kill(pid, SIGKILL);	/* nobody wants to know any more */
	}
	k->auth->nsession--;
	explicit_bzero(&k->login, sizeof k->login);
	free(k);
}

int
authd_add_session(struct authd *a, int fd, struct err *e)
{
	struct asker *k = calloc(1, sizeof *k);

	if (k == NULL) {
		close(fd);
		return err_sys(e, "session");
	}
	k->auth = a;
	if (chan_open(&k->chan, &a->daemon->loop, fd, "smtpd session", from_session,
	    sizeof from_session / sizeof *from_session, session_gone, k, e) == -1) {
		close(fd);
		free(k);
		return -1;
	}
	k->chan.most = AUTH_UNREAD;
	a->nsession++;
	return 0;
}

static int
on_session(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	int fd = fds[0];

	(void)msg, (void)len;
	fds[0] = -1;
	return authd_add_session(c->arg, fd, e);
}

/* --- its peer, users and settings --- */

static const struct msg_rule from_smtpd[] = {
	{ MSG_SESSION, sizeof(struct msg_hdr), sizeof(struct msg_hdr), 1, 1, on_session },
};

static void
smtpd_gone(struct chan *c, const struct err *why)
{
	(void)why;
	log_line(LOG_INFO, NULL, "peer-gone", "peer=%s", c->name);
	daemon_lost(ROLE_SMTPD);
}

static int
authd_connect(struct authd *a, enum role role, int fd, struct err *e)
{
	if (role != ROLE_SMTPD)
		return err_set(e, ERR_PROTO, NULL, "a channel to %s", role_name(role));
	chan_close(&a->smtpd);
	return chan_open(&a->smtpd, &a->daemon->loop, fd, role_name(role), from_smtpd,
	    sizeof from_smtpd / sizeof *from_smtpd, smtpd_gone, a, e);
}

static void
authd_on_peer(void *arg, enum role role, uint32_t generation, int fd)
{
	struct err e = { 0 };

	(void)generation;
	if (authd_connect(arg, role, fd, &e) == 0)
		return;
	close(fd);
	log_line(LOG_ERR, NULL, "no-channel", "peer=%s why=%s", role_name(role), log_q(e.what));
}

static void
users_free(struct buf *users)
{
	if (users->p != NULL)
		explicit_bzero(users->p, users->cap);
	buf_free(users);
}

/* fd: the supervisor's copy of the file, or -1 where no line of auth wants it; borrowed. */
static int
users_read(int fd, struct buf *out, struct err *e)
{
	users_free(out);
	return fd == -1 ? 0 : fileio_read(fd, out, e) == -1 ? -1 : passwd_check(buf_view(out), e);
}

/* accord passwd has written another. */
static void
authd_on_file(void *arg, const char *name, int fd)
{
	struct authd *a = arg;
	struct buf users;
	struct err e = { 0 };

	buf_init(&users, PASSWD_FILE_MAX);
	if (strcmp(name, "passwd") == 0 && users_read(fd, &users, &e) == 0) {
		users_free(&a->users);
		a->users = users;
		log_line(LOG_INFO, NULL, "passwd", "");
	} else {
		users_free(&users);
		log_line(LOG_ERR, NULL, "passwd", "why=%s", log_q(e.what));
	}
	close(fd);
}

static void
authd_kept(void *arg)
{
	users_free(&((struct authd *)arg)->users_next);
}

static int
authd_check(void *arg, struct daemon_next *next, struct err *e)
{
	return users_read(daemon_next_file(next, "passwd"), &((struct authd *)arg)->users_next, e);
}

static void
authd_switched(void *arg, struct conf *old)
{
	struct authd *a = arg;

	users_free(&a->users);
	a->users = a->users_next;
	buf_init(&a->users_next, PASSWD_FILE_MAX);
	if (!conf_same(old, &a->daemon->conf, CONF_AUTH) &&
	    (authline_have(old, AUTH_PROGRAM) || authline_have(&a->daemon->conf, AUTH_PROGRAM)))
		a->daemon->loop.stop = true;	/* who runs programs has the old ones: it is started anew */
}

/* A confined process cannot have another. */
static void
programs_gone(struct chan *c, const struct err *why)
{
	struct authd *a = c->arg;

	(void)why;
	log_line(LOG_ERR, NULL, "exit", "why=%s", log_q("who runs programs has gone"));
	a->daemon->loop.stop = true;
}

static int
programs_open(struct authd *a, struct err *e)
{
	int fd;

	if (!authline_have(&a->daemon->conf, AUTH_PROGRAM))
		return 0;
	if (program_start(&a->daemon->conf, &fd, e) == -1)
		return -1;
	if (chan_open(&a->programs, &a->daemon->loop, fd, "programs", NULL, 0, programs_gone, a, e) == 0)
		return 0;
	close(fd);
	return -1;
}

static void
authd_stats(void *arg, struct buf *out)
{
	const struct authd *a = arg;
	uint32_t busy = 0;

	for (int i = 0; i < AUTH_WORKERS; i++)
		busy += a->worker[i].chan.open;
	figure_add(out, "accord_auth_sessions", a->nsession);
	figure_add(out, "accord_auth_waiting", a->nwaiting);
	figure_add(out, "accord_auth_processes", busy);
	figure_of(out, "accord_auth_logins_total", "result", "right", a->right);
	figure_of(out, "accord_auth_logins_total", "result", "wrong", a->wrong);
	figure_of(out, "accord_auth_logins_total", "result", "unknown", a->unknown);
}

int
authd_open(struct authd *a, struct daemon *d, struct err *e)
{
	int fd = daemon_file(d, "passwd");

	a->daemon = d;
	a->last = &a->first;
	buf_init(&a->users, PASSWD_FILE_MAX);
	buf_init(&a->users_next, PASSWD_FILE_MAX);
	for (int i = 0; i < AUTH_WORKERS; i++) {
		a->worker[i].auth = a;
		a->worker[i].late = (struct timer){ .fire = worker_late, .arg = &a->worker[i] };
	}
	if (programs_open(a, e) == -1 || users_read(fd, &a->users, e) == -1)
		return -1;
	ipc_close_fds(&fd, 1);
	for (int r = 0; r < ROLE_COUNT; r++)
		if (d->peer_fd[r] != -1 && authd_connect(a, (enum role)r, d->peer_fd[r], e) == -1)
			return -1;
	d->peer = authd_on_peer;
	d->file_changed = authd_on_file;
	d->check = authd_check;
	d->switched = authd_switched;
	d->kept = authd_kept;
	d->stats = authd_stats;
	d->arg = a;
	return 0;
}
