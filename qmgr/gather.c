/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * qmgr/gather.c - marks on their way to queue, and acknowledgements to the workers: what comes within a few
 * milliseconds goes in one packet, and so its answers do.  A mark that waits here is no more at risk than one
 * that waits for its flush: its worker has the result until it is acknowledged.
 */
#include "qmgr/qmgr.h"

_Static_assert((size_t)QMGR_MARKS <= MSG_MARKS_MAX, "the marks of a job fit one packet");

/* What cannot be sent is not lost: a new channel has every job's marks again, and every result. */
static void
gather_marks_send(struct qmgr *q)
{
	struct msg_marks *m = (struct msg_marks *)(void *)q->marks;
	uint32_t n = q->nmark;

	if (n == 0)
		return;
	q->nmark = 0;
	m->n = n;
	m->pad = 0;
	(void)qmgr_send(q, ROLE_QUEUE, m, MSG_MARK, 0, sizeof *m + n * sizeof *m->mark, -1);
}

void
gather_acks_send(struct qmgr *q)
{
	_Alignas(8) unsigned char packet[sizeof(struct msg_ack) + sizeof q->peer->ack];
	struct msg_ack *m = (struct msg_ack *)(void *)packet;

	for (struct peer *p = q->peer; p < q->peer + ROLE_COUNT; p++) {
		uint32_t n = p->nack;

		if (n == 0)
			continue;
		p->nack = 0;
		*m = (struct msg_ack){ .n = n };
		memcpy(packet + sizeof *m, p->ack, n * sizeof *p->ack);
		(void)qmgr_send(q, p->role, m, MSG_ACK, 0, sizeof *m + n * sizeof *p->ack, -1);
	}
}

void
gather_send(struct qmgr *q)
{
	gather_marks_send(q);
	gather_acks_send(q);
}

static void
gather_over(void *arg)
{
	gather_send(arg);
}

static void
gather_wait(struct qmgr *q)
{
	struct err e;

	if (q->gather.at == 0 && loop_timer(&q->d->loop, &q->gather, QMGR_GATHER_MS, &e) == -1)
		gather_send(q);
}

void
gather_mark(struct qmgr *q, const struct job *j)
{
	struct mark *to;

	if (q->nmark + j->nmark > MSG_MARKS_MAX)
		gather_marks_send(q);
	to = ((struct msg_marks *)(void *)q->marks)->mark + q->nmark;
	for (uint32_t i = 0; i < j->nmark; i++) {
		to[i] = j->marks[i];
		memcpy(to[i].id, j->id, QID_SIZE);
		to[i].number = j->number;
	}
	q->nmark += j->nmark;
	gather_wait(q);
}

void
gather_ack(struct qmgr *q, const struct job *j)
{
	struct peer *p = &q->peer[j->worker];

	if (j->kind != JOB_DELIVER || !p->chan.open || p->generation != j->generation)
		return;
	if (p->nack == QMGR_ACKS)
		gather_acks_send(q);
	p->ack[p->nack++] = j->number;
	gather_wait(q);
}

void
gather_forget(struct qmgr *q, struct peer *p)
{
	p->nack = 0;
	if (p->role == ROLE_QUEUE)
		q->nmark = 0;
}

void
gather_init(struct qmgr *q)
{
	q->gather = (struct timer){ .fire = gather_over, .arg = q };
}
