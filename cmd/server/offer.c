/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * cmd/server/offer.c - a message of which its sender, a local user, offers other forms goes to offer, which
 * keeps it. What he may send he may have kept: the message itself is submitted apart.
 */
#include <stdio.h>
#include <unistd.h>

#include "cmd/server/server.h"
#include "lib/address.h"
#include "lib/log.h"

static int
offer_refuse(struct client *k, const struct err *why, struct err *e)
{
	k->with = WITH_NOBODY;
	return client_refuse(k, why, e);
}

/* What goes into an envelope later is judged as that of a submission. */
static int
offer_check(const struct msg_offer *m, size_t len, int fd, struct err *e)
{
	struct span sender = span_of(m + 1, m->sender_len);

	if ((uint64_t)m->sender_len + m->rcpt_len != len - sizeof *m || m->tag[sizeof m->tag - 1] != '\0')
		return err_set(e, ERR_PROTO, NULL, "an offer of %zu octets", len);
	if (address_check(sender, e) == -1)
		return err_in(e, "sender");
	if (address_check(span_of(sender.p + sender.n, m->rcpt_len), e) == -1)
		return err_in(e, "recipient");
	return submit_sealed(fd, e);
}

int
offer_on_client(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	struct client *k = ch->arg;
	struct { struct msg_offer m; unsigned char addr[2 * ADDRESS_MAX]; } out;
	struct err why = { 0 };
	int fd = fds[0];

	if (k->with != WITH_NOBODY)
		return err_set(e, ERR_PROTO, NULL, "a second request at once");
	k->request = ((const struct msg_hdr *)msg)->id;
	if (offer_check(msg, len, fd, &why) == -1) {
		if (why.kind != ERR_PROTO)
			return offer_refuse(k, &why, e);
		*e = why;
		return -1;
	}
	memcpy(&out, msg, len);
	fds[0] = -1;
	k->with = WITH_OFFER;
	if (chan_send(&k->control->offer, &out.m.h, MSG_OFFER, k->serial, len, &fd, 1, &why) == 0)
		return 0;
	err_set(&why, ERR_TEMP, "4.3.0", "offer is not there now");
	return offer_refuse(k, &why, e);
}

int
offer_on_answer(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	static _Alignas(8) unsigned char out[sizeof(struct msg_refused)];
	const struct msg_hdr *h = msg;
	struct client *k = control_client(ch->arg, h->id);
	uint32_t type = h->type;

	(void)fds;
	if (k == NULL || k->with != WITH_OFFER)
		return 0;
	k->with = WITH_NOBODY;
	memcpy(out, msg, len);
	return client_answer(k, (struct msg_hdr *)(void *)out, type, len, e);
}

void
offer_gone(struct control *c)
{
	struct err lost, ignored;

	err_set(&lost, ERR_TEMP, "4.3.0", "offer was restarted");
	for (struct client *k = c->clients; k != NULL; k = k->next)
		if (k->with == WITH_OFFER)
			(void)offer_refuse(k, &lost, &ignored);
}
