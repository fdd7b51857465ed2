/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "ldap/serve.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/envelope.h"
#include "lib/figure.h"
#include "lib/fileio.h"
#include "lib/log.h"

/* --- answers to capd --- */

static void
tell_not_now(struct ldapd *l, uint32_t number)
{
	struct msg_ldap_told m = { .found = 2, .caps = CAP_TEMP };
	struct err e = { 0 };

	l->failures++;
	(void)chan_send(&l->capd, &m.h, MSG_LDAP_TOLD, number, sizeof m, NULL, 0, &e);
}

/* Was the worker asked that?  Then it is no more. */
static bool
asked_take(struct directory *d, uint32_t number)
{
	for (uint32_t i = 0; i < d->nasked; i++)
		if (d->asked[i] == number) {
			d->asked[i] = d->asked[--d->nasked];
			return true;
		}
	return false;
}

static void
asked_refuse(struct directory *d)
{
	while (d->nasked > 0)
		tell_not_now(d->ldapd, d->asked[--d->nasked]);
}

/* --- a worker --- */

static int
worker_on_told(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	static _Alignas(8) unsigned char out[MSG_MAX];
	struct directory *d = ch->arg;
	const struct msg_hdr *h = msg;

	(void)fds;
	if (!asked_take(d, h->id))
		return err_set(e, ERR_PROTO, NULL, "an answer to no question");
	memcpy(out, msg, len);
	loop_cancel(&d->ldapd->daemon->loop, &d->stuck);
	if (d->nasked > 0 && loop_timer(&d->ldapd->daemon->loop, &d->stuck, LDAP_STUCK_MS, e) == -1)
		return -1;
	d->ldapd->failures += ((const struct msg_ldap_told *)msg)->found == 2;
	return chan_send(&d->ldapd->capd, (struct msg_hdr *)(void *)out, MSG_LDAP_TOLD, h->id, len, NULL, 0, e);
}

static const struct msg_rule from_worker[] = {
	{ MSG_LDAP_TOLD, sizeof(struct msg_ldap_told), MSG_MAX, 0, 0, worker_on_told },
};

static void
worker_ended(struct directory *d)
{
	int status = 0;

	loop_cancel(&d->ldapd->daemon->loop, &d->stuck);
	kill(d->pid, SIGKILL);		/* it ends, unless it was cut off */
	waitpid(d->pid, &status, 0);
	if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL) {
		log_line(LOG_ERR, NULL, "died", "pid=%d signal=%d", (int)d->pid, WTERMSIG(status));
		d->ldapd->deaths++;
	}
	d->pid = 0;
	d->again_ms = clock_ms() + LDAP_AGAIN_MS;
	asked_refuse(d);
}

static void
worker_gone(struct chan *ch, const struct err *why)
{
	(void)why;
	worker_ended(ch->arg);
}

static void
worker_stuck(void *arg)
{
	struct directory *d = arg;

	log_line(LOG_WARN, NULL, "ldap-stuck", "host=%s pid=%d", log_q(d->worker.line.server[0].host), (int)d->pid);
	chan_close(&d->chan);
	worker_ended(d);
}

/* In the child: what is other directories'. */
static void
secrets_forget(struct ldapd *l, const struct directory *own)
{
	for (int i = 0; i < LDAPLINE_MAX; i++) {
		struct directory *const both[] = { l->directory[i], l->next[i] };

		for (int k = 0; k < 2; k++)
			if (both[k] != NULL && both[k] != own && both[k]->secrets.p != NULL)
				explicit_bzero(both[k]->secrets.p, both[k]->secrets.cap);
	}
}

static int
worker_start(struct directory *d, struct err *e)
{
	struct ldapd *l = d->ldapd;
	int up[2];

	if (clock_ms() < d->again_ms)
		return err_set(e, ERR_TEMP, NULL, "its last process ended a moment ago");
	if (ipc_pair(up, e) == -1)
		return -1;
	if (chan_open(&d->chan, &l->daemon->loop, up[0], "worker", from_worker, 1, worker_gone, d, e) == -1) {
		ipc_close_fds(up, 2);
		return -1;
	}
	d->worker.up = up[1];
	d->worker.resolver = chan_session(&l->resolver, l->daemon->settings, e);
	d->worker.landlock_optional = conf_number(&l->daemon->conf, CONF_NOLANDLOCK) != 0;
	if ((d->pid = fork()) == 0) {
		secrets_forget(l, d);
		worker_run(&d->worker);
	}
	close(up[1]);
	ipc_close_fds(&d->worker.resolver, 1);
	if (d->pid > 0)
		return 0;
	d->pid = 0;
	err_sys(e, "fork");
	chan_close(&d->chan);
	return -1;
}

/* --- questions --- */

static struct directory *
directory_find(struct ldapd *l, const unsigned char name[SHA256_DIGEST])
{
	for (int i = 0; i < LDAPLINE_MAX && l->directory[i] != NULL; i++)
		if (memcmp(l->directory[i]->name, name, SHA256_DIGEST) == 0)
			return l->directory[i];
	return NULL;
}

static int
pass_on(struct directory *d, const void *msg, size_t len, struct err *e)
{
	static _Alignas(8) unsigned char out[sizeof(struct msg_ldap_ask) + ENV_MAX_PATH];
	struct loop *loop = &d->ldapd->daemon->loop;
	uint32_t number = ((const struct msg_hdr *)msg)->id;

	if (d->nasked == WORKER_SEARCHES)
		return err_set(e, ERR_TEMP, NULL, "too many questions at once");
	if (d->pid == 0 && worker_start(d, e) == -1)
		return -1;
	memcpy(out, msg, len);
	if (d->nasked == 0 && loop_timer(loop, &d->stuck, LDAP_STUCK_MS, e) == -1)
		return -1;
	if (chan_send(&d->chan, (struct msg_hdr *)(void *)out, MSG_LDAP_ASK, number, len, NULL, 0, e) == -1)
		return -1;
	d->asked[d->nasked++] = number;
	return 0;
}

static int
capd_on_ask(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	struct ldapd *l = ch->arg;
	const struct msg_ldap_ask *m = msg;
	struct directory *d;
	struct err why = { 0 };

	(void)fds;
	if (m->addr_len != len - sizeof *m)
		return err_set(e, ERR_PROTO, NULL, "a question of %zu octets", len);
	l->questions++;
	d = directory_find(l, m->line);
	if (d != NULL && pass_on(d, msg, len, &why) == 0)
		return 0;
	tell_not_now(l, m->h.id);
	return 0;
}

static const struct msg_rule from_capd[] = {
	{ MSG_LDAP_ASK, sizeof(struct msg_ldap_ask) + 1, sizeof(struct msg_ldap_ask) + ENV_MAX_PATH, 0, 0, capd_on_ask },
};

/* --- directories of settings --- */

static void
directory_free(struct directory *d)
{
	if (d == NULL)
		return;
	if (d->pid > 0) {
		chan_close(&d->chan);
		worker_ended(d);
	}
	if (d->secrets.p != NULL)
		explicit_bzero(d->secrets.p, d->secrets.cap);
	buf_free(&d->secrets);
	buf_free(&d->text);
	free(d);
}

static void
directories_free(struct directory *d[LDAPLINE_MAX])
{
	for (int i = 0; i < LDAPLINE_MAX; i++) {
		directory_free(d[i]);
		d[i] = NULL;
	}
}

static struct directory *
directory_new(struct ldapd *l, struct span text, struct span file, uint32_t i, struct err *e)
{
	struct directory *d = calloc(1, sizeof *d);
	struct ldap_secrets from;

	if (d == NULL) {
		err_sys(e, "directory");
		return NULL;
	}
	d->ldapd = l;
	d->stuck = (struct timer){ .fire = worker_stuck, .arg = d };
	ldapline_name(text, d->name);
	buf_init(&d->text, text.n);
	buf_init(&d->secrets, LDAPFILE_ALL);
	if (buf_add(&d->text, text, e) == 0 && ldapline_parse(buf_view(&d->text), &d->worker.line, e) == 0 &&
	    ldapfile_get(file, i, &from, e) == 0 && buf_add(&d->secrets, from.password, e) == 0 &&
	    buf_add(&d->secrets, from.ca, e) == 0) {
		d->worker.secrets.password = span_sub(buf_view(&d->secrets), 0, from.password.n);
		d->worker.secrets.ca = span_sub(buf_view(&d->secrets), from.password.n, d->secrets.n);
		return d;
	}
	directory_free(d);
	return NULL;
}

static int
directories_make(struct ldapd *l, const struct conf *c, int fd, struct directory *out[LDAPLINE_MAX], struct err *e)
{
	struct span line[LDAPLINE_MAX];
	int n = ldaplines_of(c, line, e), r = n == -1 ? -1 : 0;
	struct buf file;

	buf_init(&file, LDAPFILE_ALL);
	if (n > 0)
		r = fd == -1 ? err_set(e, ERR_PERM, NULL, "no secrets of directories were given") : fileio_read(fd, &file, e);
	for (int i = 0; r == 0 && i < n; i++)
		if ((out[i] = directory_new(l, line[i], buf_view(&file), (uint32_t)i, e)) == NULL)
			r = -1;
	if (r == -1)
		directories_free(out);
	if (file.p != NULL)
		explicit_bzero(file.p, file.cap);
	buf_free(&file);
	return r;
}

/* --- the daemon --- */

static void
peer_gone(struct chan *ch, const struct err *why)
{
	struct ldapd *l = ch->arg;

	(void)why;
	log_line(LOG_INFO, NULL, "peer-gone", "peer=%s", ch->name);
	daemon_lost(ch == &l->capd ? ROLE_CAPD : ROLE_RESOLVER);
}

/* A new capd has not asked what the one before did. */
static void
capd_forget(struct ldapd *l)
{
	for (int i = 0; i < LDAPLINE_MAX && l->directory[i] != NULL; i++)
		if (l->directory[i]->pid > 0 && l->directory[i]->nasked > 0) {
			l->directory[i]->nasked = 0;
			chan_close(&l->directory[i]->chan);
			worker_ended(l->directory[i]);
		}
}

static int
ldapd_connect(struct ldapd *l, enum role role, int fd, struct err *e)
{
	struct chan *ch = role == ROLE_CAPD ? &l->capd : role == ROLE_RESOLVER ? &l->resolver : NULL;

	if (ch == NULL) {
		close(fd);
		return err_set(e, ERR_PROTO, NULL, "a channel to %s", role_name(role));
	}
	chan_close(ch);
	if (role == ROLE_CAPD)
		capd_forget(l);
	if (chan_open(ch, &l->daemon->loop, fd, role_name(role), from_capd, role == ROLE_CAPD, peer_gone, l, e) == 0)
		return 0;
	close(fd);
	return -1;
}

static void
ldapd_on_peer(void *arg, enum role role, uint32_t generation, int fd)
{
	struct err e = { 0 };

	(void)generation;
	if (ldapd_connect(arg, role, fd, &e) == -1)
		log_line(LOG_ERR, NULL, "no-channel", "peer=%s why=%s", role_name(role), log_q(e.what));
}

static void
ldapd_kept(void *arg)
{
	directories_free(((struct ldapd *)arg)->next);
}

static int
ldapd_check(void *arg, struct daemon_next *next, struct err *e)
{
	struct ldapd *l = arg;

	directories_free(l->next);
	return directories_make(l, &next->conf, daemon_next_file(next, "ldap"), l->next, e);
}

/* Workers go with their settings: a password or a certificate may be another one. */
static void
ldapd_switched(void *arg, struct conf *old)
{
	struct ldapd *l = arg;

	(void)old;
	directories_free(l->directory);
	memcpy(l->directory, l->next, sizeof l->directory);
	memset(l->next, 0, sizeof l->next);
}

static void
ldapd_stats(void *arg, struct buf *out)
{
	const struct ldapd *l = arg;
	uint32_t n = 0;

	for (int i = 0; i < LDAPLINE_MAX && l->directory[i] != NULL; i++)
		n += l->directory[i]->pid > 0;
	figure_add(out, "accord_ldap_workers", n);
	figure_add(out, "accord_ldap_questions_total", l->questions);
	figure_add(out, "accord_ldap_failures_total", l->failures);
}

int
ldapd_open(struct ldapd *l, struct daemon *d, struct err *e)
{
	int file = daemon_file(d, "ldap"), got;

	*l = (struct ldapd){ .daemon = d };
	got = directories_make(l, &d->conf, file, l->directory, e);
	if (file != -1)
		close(file);
	if (got == -1)
		return -1;
	for (int r = 0; r < ROLE_COUNT; r++)
		if (d->peer_fd[r] != -1 && ldapd_connect(l, (enum role)r, d->peer_fd[r], e) == -1)
			return -1;
	d->peer = ldapd_on_peer;
	d->check = ldapd_check;
	d->switched = ldapd_switched;
	d->kept = ldapd_kept;
	d->stats = ldapd_stats;
	d->arg = l;
	return 0;
}
