/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* qmgr/expire.c - the end of a message's time: who is still queued fails. */
#include "qmgr/qmgr.h"

#include <stdio.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/route.h"

/*
 * What was found at the last attempt stays the status, since X.4.7 is for who knows no better, and it stays
 * temporary: nobody refused the message, and sent again it may arrive (RFC 3463, 2 and 3.5).  Our own
 * converter's 4.6.5 alone becomes 5.6.5 (row B5f).
 */
static void
expire_dsn(struct slot *s)
{
	bool known = outcome_dsn_ok(s->dsn) && *s->dsn == '4';

	if (!known || (s->code == 0 && strcmp(s->dsn, "4.0.0") == 0))
		snprintf(s->dsn, sizeof s->dsn, "4.4.7");
	else if (s->code == 0 && strcmp(s->dsn, "4.6.5") == 0)
		snprintf(s->dsn, sizeof s->dsn, "5.6.5");
}

/* RFC 2852, 4.1.3: its sender wants it back. */
static void
expire_by(struct slot *s)
{
	char last[sizeof s->text];

	snprintf(last, sizeof last, "%s", s->text);
	s->code = 0;
	snprintf(s->dsn, sizeof s->dsn, "5.4.7");
	snprintf(s->text, sizeof s->text, "delivery time expired%s%.40s", last[0] != '\0' ? "; last: " : "", last);
}

/* by: it is the time by which it was to be delivered that is over. */
static void
expire_slot(struct qmgr *q, struct job *j, struct job_rcpt *r, bool by)
{
	struct rcpt_result res = { .slot = r->n, .outcome = OUTCOME_FAILED, .flags = RESULT_EXPIRED };
	const char *dsn, *text;
	struct slot *s = &r->slot;
	uint16_t code = sched_why(j->entry, &dsn, &text);
	struct err e;

	if (s->attempts == 0 && *dsn != '\0') {	/* it waited behind others of its destination */
		s->code = code;
		snprintf(s->dsn, sizeof s->dsn, "%s", dsn);
		snprintf(s->text, sizeof s->text, "%s", text);
	}
	expire_dsn(s);
	if (strcmp(j->entry->dest->name, ROUTE_NONE) == 0) {
		s->code = 0;
		res.flags = 0;
		snprintf(s->dsn, sizeof s->dsn, "5.1.2");
		snprintf(s->text, sizeof s->text, "the domain is longer than a domain can be");
	}
	outcome_mta(&res, j->entry, s->text[0] != '\0');
	if (by) {
		res.flags = 0;
		expire_by(s);
	}
	if (s->text[0] == '\0')
		snprintf(s->text, sizeof s->text, "%s", j->entry->dest->closed ?
		    "it waited for the hours in which mail is sent there" :
		    "not delivered within the time that mail is kept");
	s->state = SLOT_FAILED;
	q->failed++;
	snprintf(res.dsn, sizeof res.dsn, "%s", s->dsn);
	snprintf(res.text, sizeof res.text, "%s", s->text);
	res.code = s->code;
	outcome_log(j, r, &res);
	(void)result_add(&j->failed, &res, span_of(NULL, 0), &e);	/* else the slot has to do */
	j->marks[j->nmark++] = mark_of(r->n, s);
}

static bool
by_over(const struct letter *l)
{
	return l->env.by & BY_RETURN && (int64_t)l->env.by_us <= clock_us();
}

/* The entry's end may be that of others of the message, who were not held and released meanwhile. */
static bool
has_time(const struct qmgr *q, const struct entry *en, const struct letter *l, uint32_t slot)
{
	return !by_over(l) && l->slot[slot].since_s != 0 && strcmp(en->dest->name, ROUTE_NONE) != 0 &&
	    letter_since_us(l, slot) / 1000 + qmgr_lifetime(q, en->dest->opt) > clock_us() / 1000;
}

void
qmgr_expire(struct qmgr *q, struct entry *en)
{
	struct letter l;
	struct job *j;
	struct err e;
	uint32_t n = 0;
	int r = letter_open(q->dirfd, en->id, &l, &e);

	if (r != 1) {
		qmgr_unreadable(q, en, r, &e);
		return;
	}
	j = job_new(q, JOB_EXPIRE, en->id, l.q.nslot < QMGR_MARKS ? l.q.nslot : QMGR_MARKS);
	if (j != NULL) {
		j->entry = en;
		for (uint32_t i = 0; i < l.q.nslot; i++) {
			if (l.slot[i].state != SLOT_QUEUED ||
			    !route_is(&q->d->conf, l.env.rcpt[i].addr, en->dest->name))
				continue;
			if (has_time(q, en, &l, i))
				en->again = true;	/* an entry of its own when the message is read again */
			else if (n == j->nrcpt || qmgr_adopted(q, en->id, i))
				job_rest(j, clock_ms() + QMGR_SOON_MS, en->next_us);
			else
				j->rcpt[n++].n = i;
		}
		j->nrcpt = n;
	}
	if (j == NULL || !job_load(j, &l)) {
		if (j != NULL)
			job_free(q, j);
		log_line(LOG_WARN, NULL, "no-memory", "what=entry");
		sched_expire_at(&q->sched, en, clock_ms() + QMGR_AGAIN_MS, clock_ms());
	} else {
		for (uint32_t i = 0; i < n; i++)
			expire_slot(q, j, &j->rcpt[i], by_over(&l));
		qmgr_mark(q, j);
	}
	letter_close(&l);
}
