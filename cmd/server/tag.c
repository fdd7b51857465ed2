/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * cmd/server/tag.c - who originates a message asks for a tag for it, by which learn will know reports about
 * it.  Whoever may send to a recipient may have one, for it gives him no more than the message itself would.
 */
#include "cmd/server/server.h"
#include "lib/envelope.h"

/* A message goes without one as well. */
static int
tag_none(struct client *k, struct err *e)
{
	struct msg_tagged m = { .tag = "" };

	k->with = WITH_NOBODY;
	return client_answer(k, &m.h, MSG_TAGGED, sizeof m, e);
}

int
tag_on_client(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	struct client *k = ch->arg;
	struct { struct msg_hdr h; unsigned char addr[TAG_RCPTS * (ENV_MAX_PATH + 1)]; } m;
	struct err ignored;

	(void)fds;
	if (k->with != WITH_NOBODY)
		return err_set(e, ERR_PROTO, NULL, "a second request at once");
	k->request = ((const struct msg_hdr *)msg)->id;
	memcpy(&m, msg, len);
	k->with = WITH_LEARN;
	if (chan_send(&k->control->learn, &m.h, MSG_TAG, k->serial, len, NULL, 0, &ignored) == 0)
		return 0;
	return tag_none(k, e);
}

int
tag_on_tagged(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	struct msg_tagged m = *(const struct msg_tagged *)msg;
	struct client *k = control_client(ch->arg, m.h.id);

	(void)len, (void)fds;
	if (k == NULL || k->with != WITH_LEARN)
		return 0;
	k->with = WITH_NOBODY;
	m.tag[sizeof m.tag - 1] = '\0';
	return client_answer(k, &m.h, MSG_TAGGED, sizeof m, e);
}

void
tag_learn_gone(struct control *c)
{
	struct err ignored;

	for (struct client *k = c->clients; k != NULL; k = k->next)
		if (k->with == WITH_LEARN)
			(void)tag_none(k, &ignored);
}
