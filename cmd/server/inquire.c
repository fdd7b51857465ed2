/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * cmd/server/inquire.c - what would become of a message, which is asked of those who would deliver it.  The
 * administrator may ask of any recipient; others of a mailbox here that is their own, which opens no connection
 * and tells them nothing that they may not know.
 */
#include <stdio.h>
#include <string.h>

#include "cmd/server/server.h"
#include "lib/address.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/qfile.h"

_Static_assert(sizeof((struct msg_inquired){ 0 }.route) == ROUTE_MAX, "the route fits");

/* Reads the file's envelope: one recipient, such as smtpd would have taken.  -1: that is no inquiry. */
static int
inquire_envelope(const struct client *k, int fd, struct buf *store, struct envelope *env, struct err *e)
{
	uint64_t max = conf_number(&k->control->daemon->conf, CONF_DATABYTES);
	struct qfile q;

	if (submit_sealed(fd, e) == -1 || qfile_open(fd, &q, e) == -1)
		return -1;
	if (q.msg_len > max)
		return err_set(e, ERR_PERM, "5.3.4", "the message is larger than %llu octets",
		    (unsigned long long)max);
	if (q.env_len > store->max)
		return err_set(e, ERR_PERM, "5.5.4", "the envelope is too large");
	if (qfile_envelope(fd, &q, store, env, e) == -1)
		return -1;
	if (env->nrcpt == 1 && q.nslot == 1 && submit_check(env, e) == 0)
		return 0;
	if (env->nrcpt != 1 || q.nslot != 1)
		err_set(e, ERR_PERM, "5.5.4", "not one recipient");
	envelope_free(env);
	return -1;
}

int
inquire_go(struct client *k, struct err *e)
{
	struct msg_inquire m = *(const struct msg_inquire *)(const void *)k->wish.p;
	bool local = strcmp(k->route, ROUTE_LOCAL) == 0;
	struct control *c = k->control;
	struct err why;
	int fd = k->inquiry_fd;

	memset(m.id, 0, sizeof m.id);
	memset(m.dest, 0, sizeof m.dest);
	qid_make(&c->inquiries, (uint64_t)clock_us(), m.id);
	route_hop(k->route, m.dest);
	k->with = local ? WITH_LOCAL_INQUIRY : WITH_REMOTE_INQUIRY;
	k->inquiry_fd = -1;
	log_line(LOG_INFO, m.id, "inquiry", "dest=%s uid=%u", log_q(m.dest), (unsigned)k->uid);
	if (chan_send(local ? &c->local : &c->remote, &m.h, MSG_INQUIRE, k->serial, sizeof m, &fd, 1, e) == 0)
		return 0;
	err_set(&why, ERR_TEMP, "4.3.0", "%s is being restarted", local ? "local" : "remote");
	return wish_refuse(k, &why, e);
}

/* By the recipient's route: who answers, and whether this client may ask. */
static int
inquire_route(struct client *k, struct span addr, struct err *e)
{
	struct err why;

	route_of(&k->control->daemon->conf, addr, k->route);
	if (client_is_admin(k) && strcmp(k->route, ROUTE_NONE) != 0)
		return inquire_go(k, e);
	if (strcmp(k->route, ROUTE_LOCAL) == 0)
		return wish_to_local(k, addr, e);
	if (client_is_admin(k)) {
		err_set(&why, ERR_PERM, "5.1.2", "there is no route to that domain");
		return wish_refuse(k, &why, e);
	}
	wish_end(k);
	return client_not_allowed(k, e);
}

int
inquire_on_client(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	const struct msg_inquire *m = msg;
	struct client *k = ch->arg;
	struct envelope env;
	struct buf store;
	struct err why = { 0 };
	int r = -1;

	if (m->kind >= INQUIRY_KINDS)
		return err_set(e, ERR_PROTO, NULL, "an inquiry of kind %u", m->kind);
	if (k->with != WITH_NOBODY)
		return err_set(e, ERR_PROTO, NULL, "a second request at once");
	k->request = m->h.id;
	buf_init(&k->wish, sizeof *m);
	buf_init(&store, CONTROL_ENVELOPE);
	k->inquiry_fd = fds[0];
	fds[0] = -1;
	if (buf_add(&k->wish, span_of(msg, len), &why) == 0 &&
	    inquire_envelope(k, k->inquiry_fd, &store, &env, &why) == 0) {
		r = inquire_route(k, env.rcpt[0].addr, e);
		envelope_free(&env);
	} else {
		r = wish_refuse(k, &why, e);
	}
	buf_free(&store);
	return r;
}

/* Whom may other hosts be asked about?  Not those whose mail is delivered here: what is known of them, we know. */
static int
probe_check(struct client *k, struct span addr, struct err *e)
{
	if (address_check(addr, e) == -1)
		return -1;
	route_of(&k->control->daemon->conf, addr, k->route);
	if (strcmp(k->route, ROUTE_LOCAL) == 0)
		return err_set(e, ERR_PERM, "5.4.6", "mail for that domain is delivered here: nobody else is asked");
	return 0;
}

int
probe_on_client(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	struct { struct msg_probe m; unsigned char addr[ENV_MAX_PATH]; } p;
	struct client *k = ch->arg;
	struct err why = { 0 };

	(void)fds;
	memcpy(&p, msg, len);
	if (p.m.addr_len != len - sizeof p.m)
		return err_set(e, ERR_PROTO, NULL, "a probe of %zu octets", len);
	if (k->with != WITH_NOBODY)
		return err_set(e, ERR_PROTO, NULL, "a second request at once");
	k->request = p.m.h.id;
	if (!client_is_admin(k))
		return client_not_allowed(k, e);
	if (probe_check(k, span_of(p.addr, p.m.addr_len), &why) == -1)
		return client_refuse(k, &why, e);
	k->with = WITH_REMOTE_INQUIRY;
	if (chan_send(&k->control->remote, &p.m.h, MSG_PROBE, k->serial, len, NULL, 0, e) == 0)
		return 0;
	err_set(&why, ERR_TEMP, "4.3.0", "remote is being restarted");
	return wish_refuse(k, &why, e);
}

/* The options in force, as a line of `destinations` has them; cut where they do not fit. */
static void
say_options(const struct conf *conf, const char *route, char *out, size_t cap)
{
	struct destination d;
	size_t n = 0;

	route_options(conf, route, &d);
	out[0] = '\0';
	if (d.concurrency > 0)
		n += (size_t)snprintf(out + n, cap - n, " concurrency=%u", d.concurrency);
	if (d.rate_n > 0)
		n += (size_t)snprintf(out + n, cap - n, " rate=%u/%us", d.rate_n, d.rate_s);
	if (d.lifetime_s > 0)
		n += (size_t)snprintf(out + n, cap - n, " lifetime=%u", d.lifetime_s);
	for (unsigned i = 0; i < d.nretry && n < cap; i++)
		n += (size_t)snprintf(out + n, cap - n, "%s%u", i == 0 ? " retry=" : ",", d.retry_s[i]);
	for (unsigned i = 0; i < d.nhours && n < cap; i++)
		n += (size_t)snprintf(out + n, cap - n, "%s%02u:%02u-%02u:%02u", i == 0 ? " hours=" : ",",
		    d.hours[i].from / 60u, d.hours[i].from % 60u, d.hours[i].to / 60u, d.hours[i].to % 60u);
}

int
inquire_on_answer(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	struct msg_inquired m = *(const struct msg_inquired *)msg;
	struct control *c = ch->arg;
	struct client *k = control_client(c, m.h.id);
	bool told = m.kind == ERR_NONE;
	int fd = fds[0], r;

	(void)len;
	if (told != (fd != -1))
		return err_set(e, ERR_PROTO, NULL, "an answer without what was found, or a refusal with it");
	if (k == NULL || k->with != (ch == &c->local ? WITH_LOCAL_INQUIRY : WITH_REMOTE_INQUIRY))
		return 0;
	fds[0] = -1;
	m.dsn[sizeof m.dsn - 1] = m.what[sizeof m.what - 1] = '\0';
	snprintf(m.route, sizeof m.route, "%s", k->route);
	say_options(&c->daemon->conf, k->route, m.options, sizeof m.options);
	wish_end(k);
	r = chan_send(&k->chan, &m.h, MSG_INQUIRED, k->request, sizeof m, &fd, told ? 1 : 0, e);
	if (r == -1)
		e->kind = ERR_TEMP;	/* its own trouble, not that of who answered */
	return r;
}
