/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * qmgr/reload.c - new settings, and live figures.  What is under way goes on; destinations keep what
 * is known of them; lower limits only stop new jobs.
 *
 * New routes: every message that waits is read again, as at the start, and gets entries for the
 * destinations its recipients now have; those it has none for any more are forgotten.  A recipient
 * that is with a worker by the old route must not be begun by the new one meanwhile: such jobs count
 * as adopted (qmgr_adopted) until they are over.
 */
#include "qmgr/qmgr.h"

#include <stdlib.h>

#include "lib/clock.h"
#include "lib/figure.h"
#include "lib/log.h"
#include "lib/route.h"

static const struct sched_new read_again = { .expires_ms = SCHED_NEVER, .warn_ms = SCHED_NEVER,
    .attempts = READ_AGAIN };

static bool
is_delivery(const struct entry *en)
{
	return en->dest->class == CLASS_LOCAL || en->dest->class == CLASS_REMOTE;
}

static void
old_route(struct qmgr *q, struct job *j, void *arg)
{
	bool ends = j->kind == JOB_DELIVER || j->kind == JOB_EXPIRE;

	(void)arg;
	if (!ends || j->entry == NULL || j->old_route)
		return;
	j->old_route = true;
	q->nadopted++;
}

/* IDs of all messages with deliveries that wait, each maybe several times.  NULL: no memory. */
static char (*
waiting_ids(const struct qmgr *q, size_t *n))[QID_SIZE]
{
	const struct sched *s = &q->sched;
	char (*ids)[QID_SIZE] = calloc(s->nids + 1, sizeof *ids);

	*n = 0;
	for (size_t i = 0; ids != NULL && i < s->capids; i++)
		for (const struct entry *en = s->ids[i]; en != NULL; en = en->same_hash)
			if (is_delivery(en))
				memcpy(ids[(*n)++], en->id, QID_LEN);
	return ids;
}

void
qmgr_reroute(struct qmgr *q)
{
	size_t n, lost = 0;
	char (*ids)[QID_SIZE] = waiting_ids(q, &n);

	qmgr_each_job(q, old_route, NULL);
	for (size_t i = 0; i < n; i++)
		if (sched_add(&q->sched, ids[i], ROUTE_READ, &read_again) == NULL)
			lost++;
	free(ids);
	if (ids == NULL || lost > 0)	/* each is read again at its next try */
		log_line(LOG_WARN, NULL, "no-memory", "what=reroute");
	log_line(LOG_INFO, NULL, "reroute", "entries=%zu", n);
	qmgr_wake(q);
}

/* Has the message a queued recipient that goes to dest? */
static bool
has_route(const struct qmgr *q, const struct letter *l, const char *dest)
{
	for (uint32_t i = 0; i < l->q.nslot; i++)
		if (l->slot[i].state == SLOT_QUEUED && route_is(&q->d->conf, l->env.rcpt[i].addr, dest))
			return true;
	return false;
}

void
qmgr_unroute(struct qmgr *q, const struct entry *read, const struct letter *l)
{
	struct entry *en = sched_find(&q->sched, read->id), *next;

	for (; en != NULL; en = next) {
		next = sched_sibling(en);
		if (is_delivery(en) && en->state != ENTRY_BUSY && !has_route(q, l, en->dest->name))
			qmgr_forget(q, en);
	}
}

void
qmgr_read_again(struct qmgr *q, const char *id)
{
	if (sched_add(&q->sched, id, ROUTE_READ, &read_again) == NULL)
		qmgr_scan(q);
}

/* Adds, or takes away, the time that each message for a destination may have. */
static void
lifetimes(struct qmgr *q, int sign)
{
	struct sched *s = &q->sched;

	for (size_t i = 0; i < s->capids; i++)
		for (struct entry *en = s->ids[i]; en != NULL; en = en->same_hash)
			if (is_delivery(en))
				sched_expire_move(s, en, sign * qmgr_lifetime(q, en->dest->opt));
}

void
qmgr_switched(void *arg, struct conf *old)
{
	struct qmgr *q = arg;
	const struct conf *c = &q->d->conf;
	bool lives = !conf_same(old, c, CONF_QUEUELIFETIME) || !conf_same(old, c, CONF_DESTINATIONS);

	if (lives)
		lifetimes(q, -1);
	qmgr_settings(q);
	if (lives)
		lifetimes(q, 1);
	if (!conf_same(old, c, CONF_SMTPROUTES) || !conf_same(old, c, CONF_LOCALS) ||
	    !conf_same(old, c, CONF_DESTINATIONS))
		qmgr_reroute(q);
	qmgr_wake(q);
}

/* --- figures --- */

struct census { uint64_t state[ENTRY_BUSY + 1], messages, dead, active[CLASS_COUNT], dests; };

static void
census_entries(const struct sched *s, struct census *n)
{
	for (size_t i = 0; i < s->capids; i++)
		for (const struct entry *en = s->ids[i]; en != NULL; en = en->same_hash) {
			n->state[en->state]++;
			n->messages += sched_find(s, en->id) == en;
		}
}

void
qmgr_stats(void *arg, struct buf *out)
{
	const struct qmgr *q = arg;
	const struct sched *s = &q->sched;
	struct census n = { .messages = 0 };

	census_entries(s, &n);
	for (size_t i = 0; i < s->capdests; i++)
		for (const struct dest *d = s->dests[i]; d != NULL; d = d->same_hash) {
			n.dests += d->class == CLASS_REMOTE && d->entries > 0;
			n.dead += d->entries > 0 && sched_dest_dead(d);
		}
	figure_add(out, "accord_queue_messages", n.messages);
	figure_add(out, "accord_qmgr_entries", s->nids);
	figure_add(out, "accord_qmgr_entries_waiting", n.state[ENTRY_WAITING]);
	figure_add(out, "accord_qmgr_entries_ready", n.state[ENTRY_READY] + n.state[ENTRY_EXPIRED] +
	    n.state[ENTRY_LATE]);
	figure_add(out, "accord_qmgr_entries_busy", n.state[ENTRY_BUSY]);
	figure_add(out, "accord_qmgr_destinations", n.dests);
	figure_add(out, "accord_qmgr_destinations_dead", n.dead);
	figure_add(out, "accord_qmgr_jobs", q->njobs);
	figure_of(out, "accord_qmgr_active", "kind", "remote", s->active[CLASS_REMOTE]);
	figure_of(out, "accord_qmgr_active", "kind", "local", s->active[CLASS_LOCAL]);
	figure_of(out, "accord_qmgr_active", "kind", "report", s->active[CLASS_REPORT]);
	figure_add(out, "accord_qmgr_scanning", q->scanning);
	figure_add(out, "accord_qmgr_delivered_total", q->delivered);
	figure_add(out, "accord_qmgr_deferred_total", q->deferred);
	figure_add(out, "accord_qmgr_failed_total", q->failed);
	figure_add(out, "accord_qmgr_bounced_total", q->bounced);
}
