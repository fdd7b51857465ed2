/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * cmd/server/owner.c - what is known of an address, and what is to be known of it, is for the administrator
 * and for the owner of its mailbox.  Who owns it local knows; what is known capd does.
 */
#include <stdio.h>

#include "cmd/server/server.h"
#include "lib/envelope.h"
#include "lib/log.h"

/* The address that a request is about; empty: every one.  -1: the request is none. */
static int
wish_address(const void *msg, size_t len, struct span *addr, struct err *e)
{
	const struct msg_cap_ask *ask = msg;
	const struct msg_cap_set *set = msg;

	if (ask->h.type == MSG_CAP_ASK) {
		*addr = span_of(ask + 1, ask->addr_len);
		if (ask->addr_len == len - sizeof *ask && addr->n > 0 && addr->n <= ENV_MAX_PATH)
			return 0;
	} else {
		*addr = span_of(set + 1, set->addr_len);
		if ((uint64_t)set->addr_len + set->len == len - sizeof *set && addr->n <= ENV_MAX_PATH &&
		    set->state <= CAP_ANY && (set->source == SOURCE_NONE ? set->state == CAP_NONE :
		    set->source == SOURCE_OWN && addr->n > 0))
			return 0;
	}
	return err_set(e, ERR_PROTO, NULL, "a request of %zu octets", len);
}

void
wish_end(struct client *k)
{
	buf_free(&k->wish);
	ipc_close_fds(&k->inquiry_fd, 1);
	k->inquiry_fd = -1;
	k->with = WITH_NOBODY;
}

int
wish_refuse(struct client *k, const struct err *why, struct err *e)
{
	wish_end(k);
	return client_refuse(k, why, e);
}

static int
wish_to_capd(struct client *k, struct err *e)
{
	struct msg_hdr *h = (struct msg_hdr *)(void *)k->wish.p;
	struct err why;

	k->with = WITH_CAPD;
	if (chan_send(&k->control->capd, h, h->type, k->serial, k->wish.n, NULL, 0, e) == 0)
		return 0;
	err_set(&why, ERR_TEMP, "4.3.0", "capd is being restarted");
	return wish_refuse(k, &why, e);
}

int
wish_to_local(struct client *k, struct span addr, struct err *e)
{
	struct { struct msg_hdr h; unsigned char addr[ENV_MAX_PATH]; } m;
	struct err why;

	memcpy(m.addr, addr.p, addr.n);
	k->with = WITH_LOCAL;
	if (chan_send(&k->control->local, &m.h, MSG_OWNER, k->serial, sizeof m.h + addr.n, NULL, 0, e) == 0)
		return 0;
	err_set(&why, ERR_TEMP, "4.3.0", "local is being restarted");
	return wish_refuse(k, &why, e);
}

int
wish_on_client(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	struct client *k = ch->arg;
	struct span addr;

	(void)fds;
	if (wish_address(msg, len, &addr, e) == -1)
		return -1;
	if (k->with != WITH_NOBODY)
		return err_set(e, ERR_PROTO, NULL, "a second request at once");
	k->request = ((const struct msg_hdr *)msg)->id;
	if (!client_is_admin(k) && addr.n == 0)
		return client_not_allowed(k, e);
	buf_init(&k->wish, MSG_MAX);
	if (buf_add(&k->wish, span_of(msg, len), e) == -1) {
		struct err why = *e;

		return wish_refuse(k, &why, e);
	}
	return client_is_admin(k) ? wish_to_capd(k, e) : wish_to_local(k, addr, e);
}

/* Whether there is such a mailbox is nothing that a stranger is told. */
int
wish_on_owned(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	const struct msg_owned *m = msg;
	struct client *k = control_client(ch->arg, m->h.id);
	struct err why;

	(void)len, (void)fds;
	if (k == NULL || k->with != WITH_LOCAL)
		return 0;
	if (m->found == 1 && m->uid == k->uid)
		return k->inquiry_fd != -1 ? inquire_go(k, e) : wish_to_capd(k, e);
	err_set(&why, ERR_PERM, "5.7.1", "only the mailbox's owner and the administrator may do this");
	return wish_refuse(k, &why, e);
}

/* It is told in the log who said something of whom. */
static void
log_set(const struct client *k)
{
	const struct msg_cap_set *m = (const void *)k->wish.p;
	struct span addr = span_of(m + 1, m->addr_len);

	if (m->state == CAP_NONE)
		log_line(LOG_INFO, NULL, "caps-forgotten", "to=%s uid=%u", log_qs(addr), (unsigned)k->uid);
	else
		log_line(LOG_INFO, NULL, "caps-set", "to=%s uid=%u", log_qs(addr), (unsigned)k->uid);
}

/* MSG_CAP, MSG_CAP_SETTED or MSG_REFUSED: the client's answer. */
int
wish_on_answer(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	static _Alignas(8) unsigned char out[MSG_MAX];
	struct msg_refused *no = (struct msg_refused *)(void *)out;
	const struct msg_hdr *h = msg;
	struct client *k = control_client(ch->arg, h->id);
	uint32_t type = h->type, asked;

	(void)fds;
	if (k == NULL || k->with != WITH_CAPD)
		return 0;
	asked = ((const struct msg_hdr *)(const void *)k->wish.p)->type;
	if (type != MSG_REFUSED && type != (asked == MSG_CAP_ASK ? MSG_CAP : MSG_CAP_SETTED))
		return err_set(e, ERR_PROTO, NULL, "an answer to another question");
	if (type == MSG_CAP_SETTED)
		log_set(k);
	wish_end(k);
	memcpy(out, msg, len);
	if (type == MSG_REFUSED)
		no->dsn[sizeof no->dsn - 1] = no->what[sizeof no->what - 1] = '\0';
	return client_answer(k, (struct msg_hdr *)(void *)out, type, len, e);
}

void
wish_server_gone(struct control *c, enum role who)
{
	static const enum role has[] = { [WITH_NOBODY] = ROLE_COUNT, [WITH_LOCAL] = ROLE_LOCAL,
	    [WITH_CAPD] = ROLE_CAPD, [WITH_LEARN] = ROLE_COUNT, [WITH_REMOTE_INQUIRY] = ROLE_REMOTE,
	    [WITH_LOCAL_INQUIRY] = ROLE_LOCAL, [WITH_OFFER] = ROLE_COUNT };
	struct err lost, e = { 0 };

	err_set(&lost, ERR_TEMP, "4.3.0", "%s was restarted", role_name(who));
	for (struct client *k = c->clients; k != NULL; k = k->next)
		if (has[k->with] == who)
			(void)wish_refuse(k, &lost, &e);
}
