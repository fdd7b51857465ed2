/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * cmd/server/act.c - the administrator's wishes for what is queued.  qmgr decides and marks; control
 * only knows who may ask, and whose answer is whose.
 */
#include <stdlib.h>

#include "cmd/server/server.h"
#include "lib/qid.h"

static int
act_check(const struct msg_act *m, size_t len, struct err *e)
{
	if (m->verb > ACT_REMOVE || m->n == 0 || m->n > ACT_MAX ||
	    len != sizeof *m + m->n * sizeof(struct act))
		return err_set(e, ERR_PROTO, NULL, "an act of %zu octets", len);
	for (uint32_t i = 0; i < m->n; i++)
		if (m->act[i].id[QID_LEN] != '\0' || !qid_ok(m->act[i].id))
			return err_set(e, ERR_PROTO, NULL, "an act on what is no ID");
	return 0;
}

/* -1: ERR_TEMP, it did not go. */
static int
act_forward(struct client *k, const struct msg_act *m, size_t len, struct err *e)
{
	static _Alignas(8) unsigned char out[MSG_MAX];
	struct control *c = k->control;
	struct pending_act *p;

	if (!c->qmgr.open)
		return err_set(e, ERR_TEMP, "4.3.0", "the scheduler is being restarted; try again later");
	if (k->nact == CONTROL_ACTS)
		return err_set(e, ERR_TEMP, "4.3.0", "too many requests at once");
	if ((p = malloc(sizeof *p)) == NULL)
		return err_sys(e, "act");
	*p = (struct pending_act){ .next = c->acts, .client = k, .id = ++c->last_serial,
	    .request = m->h.id };
	memcpy(out, m, len);
	if (chan_send(&c->qmgr, (struct msg_hdr *)(void *)out, MSG_ACT, p->id, len, NULL, 0, e) == -1) {
		free(p);
		e->kind = ERR_TEMP;
		return -1;
	}
	c->acts = p;
	k->nact++;
	return 0;
}

int
act_on_client(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	const struct msg_act *m = msg;
	struct client *k = ch->arg;
	struct err why = { 0 };

	(void)fds;
	if (act_check(m, len, e) == -1)
		return -1;
	k->request = m->h.id;
	if (!client_is_admin(k))
		return client_not_allowed(k, e);
	return act_forward(k, m, len, &why) == 0 ? 0 : client_refuse(k, &why, e);
}

/* Takes the request out of the list; its client, who is now to be answered, or NULL. */
static struct client *
act_take(struct control *c, uint32_t id)
{
	struct pending_act **at = &c->acts, *p;
	struct client *k;

	while ((p = *at) != NULL && p->id != id)
		at = &p->next;
	if (p == NULL)
		return NULL;
	*at = p->next;
	if ((k = p->client) != NULL) {
		k->nact--;
		k->request = p->request;
	}
	free(p);
	return k;
}

int
act_on_qmgr(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	struct msg_acted m = *(const struct msg_acted *)msg;
	struct client *k = act_take(ch->arg, m.h.id);

	(void)fds;
	if (k == NULL)
		return 0;
	return client_answer(k, &m.h, MSG_ACTED, len, e);
}

int
act_on_refused(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	struct msg_refused m = *(const struct msg_refused *)msg;
	struct client *k = act_take(ch->arg, m.h.id);

	(void)fds;
	if (k == NULL)
		return 0;
	m.dsn[sizeof m.dsn - 1] = m.what[sizeof m.what - 1] = '\0';
	return client_answer(k, &m.h, MSG_REFUSED, len, e);
}

void
act_client_gone(struct control *c, struct client *k)
{
	for (struct pending_act *p = c->acts; p != NULL; p = p->next)
		if (p->client == k)
			p->client = NULL;
}

void
act_qmgr_gone(struct control *c)
{
	struct err lost, e = { 0 };
	struct pending_act *p;

	err_set(&lost, ERR_TEMP, "4.3.0", "the scheduler was restarted; some of it may be done");
	while ((p = c->acts) != NULL) {
		c->acts = p->next;
		if (p->client != NULL) {
			p->client->nact--;
			p->client->request = p->request;
			(void)client_refuse(p->client, &lost, &e);
		}
		free(p);
	}
}
