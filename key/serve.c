/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "key/serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/figure.h"
#include "lib/fileio.h"
#include "lib/log.h"

struct asker { struct chan chan; struct keyd *key; };

/* --- what sessions say --- */

static int
refuse(struct keyd *k, struct chan *c, uint32_t id, const struct err *why, struct err *e)
{
	struct msg_refused m = { .kind = (uint32_t)why->kind };

	k->refused++;
	log_line(LOG_WARN, NULL, "not-signed", "why=%s", log_q(why->what));
	memcpy(m.dsn, why->dsn, sizeof m.dsn);
	snprintf(m.what, sizeof m.what, "%s", why->what);
	return chan_send(c, &m.h, MSG_REFUSED, id, sizeof m, NULL, 0, e);
}

static EVP_PKEY *
key_of(const struct keyd *k, const unsigned char id[MSG_KEY_ID])
{
	EVP_PKEY *key = keys_find(&k->now, id);

	return key != NULL ? key : keys_find(&k->before, id);
}

static int
on_sign(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct keyd *k = ((struct asker *)c->arg)->key;
	const struct msg_sign *m = msg;
	struct span text = span_of(m + 1, len - sizeof *m);
	struct { struct msg_hdr h; unsigned char sig[MSG_SIGNATURE]; } out;
	EVP_PKEY *key = key_of(k, m->key);
	struct err why = { 0 };
	size_t n = 0;

	(void)fds;
	if (!sign_is_tls(text))
		return err_set(e, ERR_PROTO, NULL, "a signature of what is no TLS");
	if (key == NULL)
		err_set(&why, ERR_TEMP, "4.7.0", "the key is of settings that are no more");
	else if (sign_text(key, m->hash, m->pss != 0, text, out.sig, &n, &why) == 0)
		k->signatures++;
	return n == 0 || why.kind != ERR_NONE ? refuse(k, c, m->h.id, &why, e) :
	    chan_send(c, &out.h, MSG_SIGNED, m->h.id, sizeof out.h + n, NULL, 0, e);
}

static int
on_keep(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	const struct msg_kept *m = msg;

	(void)fds, (void)e;
	kept_add(&((struct asker *)c->arg)->key->kept, m->id, span_of(m + 1, len - sizeof *m), clock_ms());
	return 0;
}

static int
on_recall(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct keyd *k = ((struct asker *)c->arg)->key;
	const struct msg_kept *m = msg;
	struct { struct msg_hdr h; unsigned char text[MSG_SESSION_TEXT]; } out;
	struct span s = kept_find(&k->kept, m->id, clock_ms());

	(void)len, (void)fds;
	if (s.n > 0)
		memcpy(out.text, s.p, s.n);
	k->resumed += s.n > 0;
	return chan_send(c, &out.h, MSG_RECALLED, m->h.id, sizeof out.h + s.n, NULL, 0, e);
}

static const struct msg_rule from_session[] = {
	{ MSG_SIGN, sizeof(struct msg_sign) + 1, sizeof(struct msg_sign) + MSG_SIGN_TEXT, 0, 0, on_sign },
	{ MSG_KEEP, sizeof(struct msg_kept) + 1, sizeof(struct msg_kept) + MSG_SESSION_TEXT, 0, 0, on_keep },
	{ MSG_RECALL, sizeof(struct msg_kept), sizeof(struct msg_kept), 0, 0, on_recall },
};

static void
session_gone(struct chan *c, const struct err *why)
{
	struct asker *a = c->arg;

	(void)why;
	a->key->nsession--;
	free(a);
}

int
keyd_add_session(struct keyd *k, int fd, struct err *e)
{
	struct asker *a = calloc(1, sizeof *a);

	if (a == NULL) {
		close(fd);
		return err_sys(e, "session");
	}
	a->key = k;
	if (chan_open(&a->chan, &k->daemon->loop, fd, "smtpd session", from_session,
	    sizeof from_session / sizeof *from_session, session_gone, a, e) == -1) {
		close(fd);
		free(a);
		return -1;
	}
	a->chan.most = KEY_UNREAD;
	k->nsession++;
	return 0;
}

static int
on_session(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	int fd = fds[0];

	(void)msg, (void)len;
	fds[0] = -1;
	return keyd_add_session(c->arg, fd, e);
}

/* --- its peer, and settings --- */

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
keyd_connect(struct keyd *k, enum role role, int fd, struct err *e)
{
	if (role != ROLE_SMTPD)
		return err_set(e, ERR_PROTO, NULL, "a channel to %s", role_name(role));
	chan_close(&k->smtpd);
	return chan_open(&k->smtpd, &k->daemon->loop, fd, role_name(role), from_smtpd,
	    sizeof from_smtpd / sizeof *from_smtpd, smtpd_gone, k, e);
}

static void
keyd_on_peer(void *arg, enum role role, uint32_t generation, int fd)
{
	struct err e = { 0 };

	(void)generation;
	if (keyd_connect(arg, role, fd, &e) == 0)
		return;
	close(fd);
	log_line(LOG_ERR, NULL, "no-channel", "peer=%s why=%s", role_name(role), log_q(e.what));
}

/* fd: the supervisor's copy of all files, or -1 where tlscert names none; borrowed. */
static int
keyd_read(const struct conf *c, int fd, struct keys *out, struct err *e)
{
	struct buf all;
	int r = 0;

	buf_init(&all, TLSCERT_ALL);
	if (fd != -1)
		r = fileio_read(fd, &all, e);
	if (r == 0)
		r = keys_read(c, buf_view(&all), out, e);
	if (all.p != NULL)
		explicit_bzero(all.p, all.cap);
	buf_free(&all);
	return r;
}

static void
keyd_kept(void *arg)
{
	keys_free(&((struct keyd *)arg)->next);
}

static int
keyd_check(void *arg, struct daemon_next *next, struct err *e)
{
	struct keyd *k = arg;

	keys_free(&k->next);
	return keyd_read(&next->conf, daemon_next_file(next, "tls"), &k->next, e);
}

static void
keyd_switched(void *arg, struct conf *old)
{
	struct keyd *k = arg;

	(void)old;
	keys_free(&k->before);
	k->before = k->now;
	k->now = k->next;
	k->next.n = 0;
}

static void
keyd_stats(void *arg, struct buf *out)
{
	const struct keyd *k = arg;

	figure_add(out, "accord_key_sessions", k->nsession);
	figure_add(out, "accord_key_keys", k->now.n);
	figure_add(out, "accord_key_kept", k->kept.n);
	figure_add(out, "accord_key_signatures_total", k->signatures);
	figure_add(out, "accord_key_refused_total", k->refused);
	figure_add(out, "accord_key_resumed_total", k->resumed);
}

int
keyd_open(struct keyd *k, struct daemon *d, struct err *e)
{
	uint64_t seed;
	int fd = daemon_file(d, "tls");

	k->daemon = d;
	if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
		return err_sys(e, "random octets");
	kept_init(&k->kept, seed);
	if (sign_prepare(e) == -1 || keyd_read(&d->conf, fd, &k->now, e) == -1)
		return -1;
	if (fd != -1)
		close(fd);
	for (int r = 0; r < ROLE_COUNT; r++)
		if (d->peer_fd[r] != -1 && keyd_connect(k, (enum role)r, d->peer_fd[r], e) == -1)
			return -1;
	d->peer = keyd_on_peer;
	d->check = keyd_check;
	d->switched = keyd_switched;
	d->kept = keyd_kept;
	d->stats = keyd_stats;
	d->arg = k;
	return 0;
}
