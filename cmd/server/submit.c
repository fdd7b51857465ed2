/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * cmd/server/submit.c - a local user's message: checked for line ends as one from SMTP is, given a
 * Received field, written to the queue's file and committed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd/server/server.h"
#include "lib/address.h"
#include "lib/clock.h"
#include "lib/envelope.h"
#include "lib/lines.h"
#include "lib/log.h"
#include "lib/qfile.h"
#include "lib/xtext.h"

enum { SUBMIT_CHUNK = 65536 };

/* A queue file being written, and what was seen of the message. */
struct writer { int fd; uint64_t n; uint32_t crc; struct lines lines; };

static void
submit_drop(struct client *k)
{
	if (k->message_fd != -1)
		close(k->message_fd);
	k->message_fd = -1;
	buf_free(&k->envelope);
}

int
submit_check(const struct envelope *env, struct err *e)
{
	if (env->sender.n > 0 && address_check(env->sender, e) == -1)
		return err_in(e, "sender");
	if (env->body == BODY_BINARYMIME || env->smtputf8 ||
	    (env->envid.n > 0 && !xtext_envid_ok(env->envid)))
		return err_set(e, ERR_PERM, "5.5.4", "the envelope asks for what is not offered");
	for (uint32_t i = 0; i < env->nrcpt; i++) {
		if (address_check(env->rcpt[i].addr, e) == -1)
			return err_in(e, "recipient %u", i + 1);
		if (env->rcpt[i].orcpt.n > 0 && !xtext_orcpt_ok(env->rcpt[i].orcpt, env->smtputf8))
			return err_set(e, ERR_PERM, "5.5.4", "recipient %u: ORCPT", i + 1);
	}
	return 0;
}

int
submit_sealed(int fd, struct err *e)
{
	const int need = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals == -1 || (seals & need) != need)
		return err_set(e, ERR_PERM, "5.5.4", "the message is not in a sealed memory file");
	return 0;
}

/* The envelope is the user's; when and by whom it was given is ours to say. */
static int
submit_envelope(struct client *k, struct span block, struct err *e)
{
	struct envelope env;
	char who[64];
	int r;

	if (envelope_decode(block, &env, e) == -1)
		return -1;
	if (submit_check(&env, e) == -1 || envelope_unique(&env, e) == -1) {
		envelope_free(&env);
		return -1;
	}
	k->seven = env.body == BODY_7BIT;
	snprintf(who, sizeof who, "uid %u", (unsigned)k->uid);
	env.client = span_str(who);
	env.arrival_us = (uint64_t)clock_us();
	buf_init(&k->envelope, CONTROL_ENVELOPE + 256);
	r = envelope_encode(&env, &k->envelope, e);
	envelope_free(&env);
	return r;
}

int
submit_begin(struct client *k, struct span envelope, int message_fd, struct err *e)
{
	struct msg_open m = { 0 };

	if (k->message_fd != -1) {
		close(message_fd);
		return err_set(e, ERR_PROTO, NULL, "a second submission at once");
	}
	k->message_fd = message_fd;
	if (submit_sealed(message_fd, e) == -1 || submit_envelope(k, envelope, e) == -1 ||
	    chan_send(&k->control->queue, &m.h, MSG_OPEN, k->serial, sizeof m, NULL, 0, e) == -1) {
		struct err why = *e;

		submit_drop(k);
		return client_refuse(k, &why, e);
	}
	return 0;
}

static int
writer_put(struct writer *w, struct span s, struct err *e)
{
	w->crc = crc32c(w->crc, s.p, s.n);
	w->n += s.n;
	while (s.n > 0) {
		ssize_t n = write(w->fd, s.p, s.n);

		if (n == -1 && errno != EINTR)
			return err_sys(e, "queue file");
		if (n > 0)
			s = span_sub(s, (size_t)n, s.n);
	}
	return 0;
}

static int
submit_copy(struct client *k, struct writer *w, struct err *e)
{
	uint64_t max = conf_number(&k->control->daemon->conf, CONF_DATABYTES);
	static unsigned char chunk[SUBMIT_CHUNK];
	uint64_t at = 0;

	for (;;) {
		/* the place in the file is the client's too, so it is not used */
		ssize_t n = pread(k->message_fd, chunk, sizeof chunk, (off_t)at);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return err_sys(e, "submitted message");
		if (n == 0)
			break;
		at += (size_t)n;
		if (at > max)
			return err_set(e, ERR_PERM, "5.3.4", "the message is larger than %llu octets",
			    (unsigned long long)max);
		if (lines_check(&w->lines, span_of(chunk, (size_t)n), e) == -1 ||
		    writer_put(w, span_of(chunk, (size_t)n), e) == -1)
			return -1;
	}
	if (lines_end(&w->lines, e) == -1)
		return -1;
	return w->lines.eight && k->seven ? err_set(e, ERR_PERM, "5.6.1",
	    "the message has 8-bit octets, and its envelope says 7BIT") : 0;
}

static int
submit_write(struct client *k, struct writer *w, const char *id, struct err *e)
{
	char field[400], date[40];
	int n;

	clock_rfc5322(clock_us(), date, sizeof date);
	n = snprintf(field, sizeof field, "Received: by %.255s (accord, from uid %u)\r\n\tid %s; %s\r\n",
	    conf_string(&k->control->daemon->conf, CONF_ME), (unsigned)k->uid, id, date);
	if (writer_put(w, span_of(field, (size_t)n), e) == -1)
		return -1;
	return submit_copy(k, w, e);
}

static int
submit_on_opened(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	static struct { struct msg_commit m; unsigned char block[CONTROL_ENVELOPE + 256]; } out;
	struct control *ctl = c->arg;
	const struct msg_id *m = msg;
	struct client *k = control_client(ctl, m->h.id);
	struct writer w = { .fd = fds[0] };
	struct err why = { 0 };
	int r = -1;

	(void)len;
	if (!qid_ok(m->id))
		return err_set(e, ERR_PROTO, NULL, "OPENED with what is no ID");
	if (k != NULL && k->message_fd != -1)
		r = submit_write(k, &w, m->id, &why);
	if (r == -1) {
		struct msg_id drop = *m;

		if (chan_send(c, &drop.h, MSG_ABANDON, m->h.id, sizeof drop, NULL, 0, e) == -1)
			return -1;
		if (k == NULL)
			return 0;
		submit_drop(k);
		return client_refuse(k, &why, e);
	}
	close(fds[0]);			/* before COMMIT: nobody may be able to write any more */
	fds[0] = -1;
	memset(&out.m, 0, sizeof out.m);
	memcpy(out.m.id, m->id, sizeof out.m.id);
	out.m.msg_len = w.n;
	out.m.msg_crc = w.crc;
	out.m.env_len = (uint32_t)k->envelope.n;
	memcpy(out.block, k->envelope.p, k->envelope.n);
	return chan_send(c, &out.m.h, MSG_COMMIT, k->serial, sizeof out.m + k->envelope.n, NULL, 0, e);
}

static int
submit_on_committed(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct msg_committed m = *(const struct msg_committed *)msg;
	struct client *k = control_client(c->arg, m.h.id);

	(void)len, (void)fds;
	if (!qid_ok(m.id))
		return err_set(e, ERR_PROTO, NULL, "COMMITTED with what is no ID");
	((struct control *)c->arg)->submitted++;
	log_line(LOG_INFO, m.id, "accepted", "uid=%u", k == NULL ? 0 : (unsigned)k->uid);
	if (k == NULL)
		return 0;
	submit_drop(k);
	return client_answer(k, &m.h, MSG_COMMITTED, sizeof m, e);
}

static int
submit_on_refused(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	const struct msg_refused *m = msg;
	struct client *k = control_client(c->arg, m->h.id);
	struct err why;

	(void)len, (void)fds;
	if (k == NULL)
		return 0;
	submit_drop(k);
	err_set(&why, m->kind == ERR_PERM ? ERR_PERM : ERR_TEMP, NULL, "%.*s",
	    (int)sizeof m->what - 1, m->what);
	snprintf(why.dsn, sizeof why.dsn, "%.*s", (int)sizeof m->dsn - 1, m->dsn);
	return client_refuse(k, &why, e);
}

const struct msg_rule control_from_queue[] = {
	{ MSG_OPENED, sizeof(struct msg_id), sizeof(struct msg_id), 1, 1, submit_on_opened },
	{ MSG_COMMITTED, sizeof(struct msg_committed), sizeof(struct msg_committed), 0, 0,
	    submit_on_committed },
	{ MSG_REFUSED, sizeof(struct msg_refused), sizeof(struct msg_refused), 0, 0, submit_on_refused },
};
const size_t control_from_queue_n = sizeof control_from_queue / sizeof *control_from_queue;
