/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* qmgr/outcome.c - what a worker says became of a job, as marks. */
#include "qmgr/qmgr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"

enum { SOON_DOUBLINGS = 6 };
static const char *const outcome_names[] = { "delivered", "relayed", "deferred", "failed" };

bool
outcome_dsn_ok(const char *s)
{
	if (*s < '2' || *s > '5' || s[1] != '.')
		return false;
	s += 2;
	for (int part = 0; part < 2; part++) {
		size_t n = strspn(s, "0123456789");

		if (n < 1 || n > 3 || s[n] != (part == 0 ? '.' : '\0'))
			return false;
		s += n + 1;
	}
	return true;
}

static void
record_fix(struct rcpt_result *r)
{
	static const char *const plain[] = { "2.0.0", "2.0.0", "4.0.0", "5.0.0" };

	if (!outcome_dsn_ok(r->dsn))
		snprintf(r->dsn, sizeof r->dsn, "%s", plain[r->outcome]);
}

static struct job_rcpt *
job_slot(struct job *j, uint32_t n)
{
	for (uint32_t i = 0; i < j->nrcpt; i++)
		if (j->rcpt[i].n == n && !j->rcpt[i].done)
			return &j->rcpt[i];
	return NULL;
}

static const char *
outcome_name(const struct rcpt_result *res)
{
	if (res->outcome == OUTCOME_DELIVERED && res->flags & (RESULT_EXPANDED | RESULT_FORWARDED))
		return res->flags & RESULT_EXPANDED ? "expanded" : "forwarded";
	return res->flags & RESULT_EXPIRED ? "expired" : outcome_names[res->outcome];
}

void
outcome_log(const struct job *j, const struct job_rcpt *r, const struct rcpt_result *res)
{
	int64_t delay = clock_us() - (int64_t)j->arrival_us;

	if (delay < 0 || j->arrival_us == 0)
		delay = 0;
	log_line(LOG_INFO, j->id, "deliver", "from=%s to=%s relay=%s size=%llu delay=%.3f dsn=%s code=%u reply=%s "
	    "result=%s dest=%s slot=%u", log_qs(j->sender), log_qs(r->addr), log_q(res->mta),
	    (unsigned long long)j->size, (double)delay / 1e6, log_q(res->dsn), res->code, log_q(res->text),
	    outcome_name(res), log_q(j->entry != NULL ? j->entry->dest->name : ""), r->n);
}

/* Nobody could be reached, or the host would not talk to us: it is no fault of the recipient's.  A 5yz
 * that only defers is a greeting's (RFC 5321, 3.1). */
static bool
host_failed(const struct rcpt_result *r)
{
	return r->outcome == OUTCOME_DEFERRED && r->flags & RESULT_HOST && !(r->flags & RESULT_SOON) &&
	    (r->code != 0 || strncmp(r->dsn, "4.4.", 4) == 0);
}

/* It talked to us, and then broke a transaction off: over this recipient perhaps, or because we are
 * too many. */
static bool
host_dropped(const struct rcpt_result *r)
{
	return r->outcome == OUTCOME_DEFERRED && !(r->flags & (RESULT_SOON | RESULT_CONNEG_TRY)) &&
	    (r->code == 421 || (r->code == 0 && strcmp(r->dsn, "4.4.2") == 0));
}

/* When a deferred recipient is due again; the entry's time is the earliest of them. */
static void
outcome_defer(struct qmgr *q, struct job *j, struct job_rcpt *r, const struct rcpt_result *res)
{
	int64_t now = clock_ms(), wait;
	struct entry *en = j->entry;

	r->slot.dead = 0;
	if (res->flags & RESULT_SOON) {
		unsigned soon = en != NULL ? en->soon : 0;

		wait = (int64_t)QMGR_SOON_MS << (soon < SOON_DOUBLINGS ? soon : SOON_DOUBLINGS);
		j->soon = true;
	} else {
		if (r->slot.attempts < UINT16_MAX)
			r->slot.attempts++;
		wait = en != NULL ? sched_delay(&q->sched, en, r->slot.attempts) : QMGR_AGAIN_MS;
		if (en != NULL && sched_dead_until(&q->sched, en) > now) {
			wait = sched_dead_until(&q->sched, en) - now;
			if (host_failed(res))	/* a restart does not try all who wait behind it */
				r->slot.dead = qfile_dest(en->dest->name);
		}
	}
	if (res->flags & RESULT_CONNEG_TRY && r->slot.conneg_tries < UINT8_MAX)
		r->slot.conneg_tries++;
	r->slot.next_us = (uint64_t)(clock_us() + wait * 1000);
	if (en != NULL && r->slot.attempts > en->attempts)
		en->attempts = r->slot.attempts;
	job_rest(j, now + wait, (int64_t)r->slot.next_us);
}

struct mark
mark_of(uint32_t n, const struct slot *s)
{
	struct mark m = { .slot = n, .state = s->state, .conneg_tries = s->conneg_tries,
	    .attempts = s->attempts, .code = s->code, .flags = s->flags, .dead = s->dead,
	    .since_s = s->since_s, .last_us = s->last_us, .next_us = s->next_us };

	snprintf(m.dsn, sizeof m.dsn, "%s", s->dsn);
	snprintf(m.text, sizeof m.text, "%.*s", MSG_MARK_TEXT - 1, s->text);
	return m;
}

/* A success that the sender asked to hear of, and that nobody else will tell (RFC 3461 5.2.2-5.2.3). */
static bool
wants_notice(const struct job *j, const struct job_rcpt *r, const struct rcpt_result *res)
{
	if (j->sender.n == 0)
		return false;
	if (res->flags & RESULT_LOST && res->outcome == OUTCOME_DELIVERED && j->worker == ROLE_LOCAL)
		return true;
	if (res->flags & RESULT_TELL && res->outcome == OUTCOME_RELAYED)
		return !(r->notify & NOTIFY_NEVER);
	if (!(r->notify & NOTIFY_SUCCESS) || (res->flags & RESULT_FORWARDED && j->worker == ROLE_LOCAL))
		return false;
	return res->outcome == OUTCOME_RELAYED || (res->outcome == OUTCOME_DELIVERED && j->worker == ROLE_LOCAL);
}

/* Another form is to be asked for (RFC 3297, 3.2.3), which only final delivery can wish. */
static bool
wants_alternative(const struct job *j, const struct rcpt_result *res)
{
	return res->flags & RESULT_PREFERRED && j->worker == ROLE_LOCAL && j->sender.n > 0;
}

void
outcome_mta(struct rcpt_result *r, const struct entry *en, bool tried)
{
	if (tried && en->dest->name[0] == '[')
		snprintf(r->mta, sizeof r->mta, "%.*s", (int)sizeof r->mta - 1, en->dest->name);
}

/* All of a job's records fit one report. */
static void
outcome_keep(const struct job *j, struct buf *records, const struct rcpt_result *res,
    struct span detail)
{
	struct rcpt_result r = *res;
	struct err e;

	r.last_s = (uint32_t)(clock_us() / 1000000);
	if (result_add(records, &r, result_share(detail, j->nrcpt), &e) == -1)
		log_line(LOG_WARN, j->id, "no-memory", "what=detail");
}

static void
outcome_apply(struct qmgr *q, struct job *j, struct job_rcpt *r, const struct rcpt_result *res,
    struct span detail)
{
	struct slot *s = &r->slot;

	r->done = true;
	/* An earlier qmgr marked it already; what was held while it was on its way stays so unless it
	 * has arrived or failed. */
	if (s->state != SLOT_QUEUED && (s->state != SLOT_HELD || res->outcome == OUTCOME_DEFERRED))
		return;
	outcome_log(j, r, res);
	if (!(res->flags & RESULT_SOON) || res->outcome != OUTCOME_DEFERRED) {
		s->code = res->code;
		s->last_us = (uint64_t)clock_us();
		snprintf(s->dsn, sizeof s->dsn, "%s", res->dsn);
		text_cut(res->text, s->text, sizeof s->text);
	}
	if (res->outcome == OUTCOME_DEFERRED) {
		q->deferred++;
		outcome_defer(q, j, r, res);
		if (wants_alternative(j, res)) {	/* as a success notice: committed before this is marked */
			s->flags |= SLOT_ASKED;
			outcome_keep(j, &j->notice, res, detail);
		}
	} else if (res->outcome == OUTCOME_FAILED) {
		q->failed++;
		s->state = SLOT_FAILED;
		s->attempts += s->attempts < UINT16_MAX;
		outcome_keep(j, &j->failed, res, detail);
	} else {
		q->delivered++;
		s->state = SLOT_DELIVERED;
		s->attempts += s->attempts < UINT16_MAX;
		if (wants_notice(j, r, res))
			outcome_keep(j, &j->notice, res, detail);
	}
	j->marks[j->nmark++] = mark_of(r->n, s);
}

/* What the records say of the destination.  *why: a record of a failed connection. */
static enum verdict
verdict_of(struct span records, struct rcpt_result *why)
{
	struct rcpt_result r;
	struct span detail;
	struct err e;
	bool dead = records.n > 0, dropped = false;

	while (result_next(&records, &r, &detail, &e) == 1) {
		record_fix(&r);
		if (host_failed(&r))
			*why = r;
		else if (host_dropped(&r))
			dropped = true;
		else if (r.code != 0 || r.outcome != OUTCOME_DEFERRED)
			return VERDICT_ANSWERED;
		else
			dead = false;
	}
	return dropped ? VERDICT_DROPPED : dead ? VERDICT_DEAD : VERDICT_NONE;
}

/* All records, before anything is done about one.  -1: ERR_PROTO. */
static int
records_check(struct span records, uint32_t n, struct err *e)
{
	struct rcpt_result r;
	struct span detail;
	uint32_t count = 0;
	int got;

	while ((got = result_next(&records, &r, &detail, e)) == 1)
		count++;
	if (got == -1)
		return -1;
	if (count != n)
		return err_set(e, ERR_PROTO, NULL, "%u records for %u", count, n);
	return 0;
}

/* A result whose job was begun by an earlier qmgr, and that its worker repeats. */
static struct job *
result_adopt(struct qmgr *q, const struct msg_result *m, struct span records)
{
	struct job *j = job_new(q, JOB_DELIVER, m->id, m->n);
	struct rcpt_result r;
	struct span detail;
	struct err e;

	if (j == NULL)
		return NULL;
	q->nadopted++;
	for (uint32_t i = 0; result_next(&records, &r, &detail, &e) == 1; i++)
		j->rcpt[i].n = r.slot;
	return j;
}

/* Does it speak of recipients that the message has? */
static bool
adopted_fits(const struct job *j, const struct letter *l)
{
	for (uint32_t i = 0; i < j->nrcpt; i++)
		if (j->rcpt[i].n >= l->q.nslot)
			return false;
	return true;
}

/* An adopted job knows nothing of its file yet, and its worker's word is all there is for its slots.
 * 0: the message has gone; -1: ERR_PROTO, it has no such recipients. */
static int
adopted_load(struct qmgr *q, struct job *j, struct err *e)
{
	struct letter l;
	struct err why;
	int r = letter_open(q->dirfd, j->id, &l, &why);

	if (r == 0)
		return 0;
	if (r == -1) {
		log_line(LOG_WARN, j->id, "cannot-read", "why=%s", log_q(why.what));
		return 1;
	}
	if (!adopted_fits(j, &l))
		r = err_set(e, ERR_PROTO, NULL, "a result of recipients that %s has not", j->id);
	else if (!job_load(j, &l))
		log_line(LOG_WARN, NULL, "no-memory", "what=entry");
	letter_close(&l);
	return r;
}

/* Those who wait behind a dead destination have no line of their own to say why. */
static void
dest_log(const struct qmgr *q, const struct entry *en, bool was_dead, const char *why)
{
	bool dead = sched_dest_dead(en->dest);

	if (dead && !was_dead)
		log_line(LOG_WARN, NULL, "dest-dead", "dest=%s in_ms=%lld why=%s", log_q(en->dest->name),
		    (long long)(sched_dead_until(&q->sched, en) - clock_ms()), log_q(why));
	else if (!dead && was_dead)
		log_line(LOG_INFO, NULL, "dest-alive", "dest=%s", log_q(en->dest->name));
}

static void
result_apply(struct qmgr *q, struct job *j, struct span records)
{
	struct rcpt_result r, why = { .dsn = "" };
	struct span detail;
	struct err e;

	if (j->entry != NULL) {
		enum verdict v = verdict_of(records, &why);
		bool was_dead = sched_dest_dead(j->entry->dest);

		sched_release(&q->sched, j->entry, v, j->epoch, why.code, why.dsn, why.text,
		    clock_ms());
		dest_log(q, j->entry, was_dead, why.text);
	}
	while (result_next(&records, &r, &detail, &e) == 1) {
		struct job_rcpt *slot = job_slot(j, r.slot);

		record_fix(&r);
		if (slot != NULL)
			outcome_apply(q, j, slot, &r, detail);
		else
			log_line(LOG_WARN, j->id, "stray-result", "slot=%u", r.slot);
	}
	for (uint32_t i = 0; i < j->nrcpt; i++) {
		struct rcpt_result none = { .slot = j->rcpt[i].n, .outcome = OUTCOME_DEFERRED,
		    .flags = RESULT_SOON, .dsn = "4.3.0", .text = "no result" };

		if (!j->rcpt[i].done)
			outcome_apply(q, j, &j->rcpt[i], &none, span_of(NULL, 0));
	}
	if (j->entry != NULL)
		j->entry->soon = j->soon ? j->entry->soon + (j->entry->soon < SOON_DOUBLINGS) : 0;
}

static void
result_bad_file(struct qmgr *q, struct job *j)
{
	struct msg_id m = { 0 };

	memcpy(m.id, j->id, QID_SIZE);
	log_line(LOG_ERR, j->id, "bad-file", "why=\"checksum\"");
	(void)qmgr_send(q, ROLE_QUEUE, &m, MSG_BADFILE, 0, sizeof m, -1);
	gather_ack(q, j);
	job_undo(q, j, clock_ms() + QMGR_AGAIN_MS);	/* it will find the file gone */
}

int
qmgr_on_result(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct peer *p = c->arg;
	struct qmgr *q = p->q;
	const struct msg_result *m = msg;
	struct span records = span_of((const unsigned char *)msg + sizeof *m, len - sizeof *m);
	struct job *j;
	int got;

	(void)fds;
	if (!qid_ok(m->id) || records_check(records, m->n, e) == -1)
		return err_in(e, "result"), e->kind = ERR_PROTO, -1;
	j = job_find(q, m->h.id, m->id);
	if (j != NULL && j->worker != 0 && j->worker != p->role)
		return err_set(e, ERR_PROTO, NULL, "a result of another's job");
	if (j == NULL && (j = result_adopt(q, m, records)) == NULL)
		/* it repeats the result on a new channel */
		return err_set(e, ERR_PROTO, NULL, "no memory for a result");
	if (j->number != m->h.id)
		job_renumber(q, j, m->h.id);
	j->worker = (uint8_t)p->role;
	j->generation = p->generation;
	j->doubt = false;
	if (j->state != JOB_AWAY)		/* a repetition; the answer is on its way */
		return 0;
	if (m->bad_file) {
		result_bad_file(q, j);
		return 0;
	}
	if (j->entry == NULL && (got = adopted_load(q, j, e)) != 1) {
		if (got == 0)
			gather_ack(q, j);
		job_free(q, j);
		return got;
	}
	result_apply(q, j, records);
	if (j->notice.n > 0)
		qmgr_notice(q, j);
	else
		qmgr_mark(q, j);
	qmgr_wake(q);
	return 0;
}
