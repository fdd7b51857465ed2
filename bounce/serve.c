/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "bounce/serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "bounce/letter.h"
#include "bounce/mdn.h"
#include "bounce/report.h"
#include "bounce/work.h"
#include "lib/address.h"
#include "lib/clock.h"
#include "lib/fileio.h"
#include "lib/log.h"

/* Who wrote a message is in its envelope; no client of smtpd is named so (it has an address there). */
static const char own_client[] = "bounce";

static void work_go_on(struct bounce *b, struct work *w);

static bool
is_postmaster(const struct bounce *b, struct span addr)
{
	struct buf key;
	struct err e;
	char want[ADDRESS_MAX + 16];
	bool yes;

	buf_init(&key, ENV_MAX_PATH + 16);
	snprintf(want, sizeof want, "postmaster@%s", b->me);
	yes = address_key(addr, &key, &e) == 0 && span_eqi(buf_view(&key), span_str(want));
	buf_free(&key);
	return yes;
}

/* A report to postmaster that failed itself: no third one. */
static bool
is_double(const struct bounce *b, const struct envelope *env, struct span records)
{
	struct rcpt_result r;
	struct span detail;
	struct err e;

	while (result_next(&records, &r, &detail, &e) == 1)
		if (r.slot < env->nrcpt && !is_postmaster(b, env->rcpt[r.slot].addr))
			return false;
	return true;
}

/* --- what has been told already --- */

static bool
records_have(struct span records, const struct rcpt_result *r)
{
	struct rcpt_result o;
	struct span detail;
	struct err e;

	while (result_next(&records, &o, &detail, &e) == 1)
		if (o.slot == r->slot && o.outcome == r->outcome &&
		    (o.flags & RESULT_DISPOSED) == (r->flags & RESULT_DISPOSED))
			return true;
	return false;
}

/* Is that told by a report that is under way? */
static bool
told_soon(const struct bounce *b, const char *id, const struct rcpt_result *r)
{
	for (const struct work *w = b->first; w != NULL; w = w->next)
		if (strcmp(w->id, id) == 0 &&
		    (records_have(buf_view(&w->records), r) || records_have(buf_view(&w->more), r)))
			return true;
	return false;
}

static int
record_new(struct bounce *b, const char *id, const struct rcpt_result *r, struct span detail, struct buf *out,
    struct err *e)
{
	if (told_soon(b, id, r))
		return err_set(e, ERR_TEMP, "4.3.0", "that report is under way");
	return told_before(&b->told, id, r) ? 0 : result_add(out, r, detail, e);
}

/* Appends the records that are not told of yet: outcomes, and apart from them dispositions; one that has both
 * is two.  -1: ERR_PROTO, or ERR_TEMP: some are just now. */
static int
records_new(struct bounce *b, const char *id, struct span records, struct buf *out, struct buf *more,
    struct err *e)
{
	struct rcpt_result r;
	struct span detail;
	int got;

	while ((got = result_next(&records, &r, &detail, e)) == 1) {
		bool disposed = r.flags & RESULT_DISPOSED;

		if (disposed && record_new(b, id, &r, detail, more, e) == -1)
			return -1;
		r.flags &= (uint8_t)~RESULT_DISPOSED;
		if ((!disposed || r.outcome != OUTCOME_DEFERRED) && record_new(b, id, &r, detail, out, e) == -1)
			return -1;
	}
	return got;
}

/* --- the end of a report --- */

static struct work **
work_at(struct bounce *b, const struct work *w)
{
	struct work **at = &b->first;

	while (*at != w)
		at = &(*at)->next;
	return at;
}

static void
work_free(struct bounce *b, struct work *w)
{
	struct work **at = work_at(b, w);

	*at = w->next;
	if (b->last == &w->next)
		b->last = at;
	b->nwork--;
	b->nactive -= w->state != WAITING;
	close(w->fd);
	buf_free(&w->records);
	buf_free(&w->more);
	delivered_free(&w->delivered);
	free(w);
}

static void
answer(struct bounce *b, uint32_t job, struct msg_hdr *h, uint32_t type, size_t len)
{
	struct err e = { 0 };

	if (b->qmgr.open && chan_send(&b->qmgr, h, type, job, len, NULL, 0, &e) == -1)
		log_line(LOG_WARN, NULL, "unanswered", "why=%s", log_q(e.what));
}

static void
refuse(struct bounce *b, uint32_t job, const char *id, const struct err *why)
{
	struct msg_refused no = { .kind = ERR_TEMP };

	log_line(LOG_WARN, id, "report-later", "why=%s", log_q(why->what));
	memcpy(no.dsn, why->dsn, sizeof no.dsn);
	memcpy(no.what, why->what, sizeof no.what);
	answer(b, job, &no.h, MSG_REFUSED, sizeof no);
}

static void
reported(struct bounce *b, uint32_t job, const char *id, const char *report)
{
	struct msg_reported done = { .id = "" };

	memcpy(done.id, id, QID_SIZE);
	memcpy(done.report, report, QID_SIZE);
	b->reports += report[0] != '\0';
	answer(b, job, &done.h, MSG_REPORTED, sizeof done);
}

/* One that was with queue to be committed may be on the disk all the same, and then comes twice: the log
 * lists it, as smtpd's do. */
static void
work_failed(struct bounce *b, struct work *w, const struct err *why)
{
	if (w->state == COMMITTING)
		log_line(LOG_WARN, w->report, "not-queued", "of=%s why=%s", w->id, log_q(why->what));
	refuse(b, w->job, w->id, why);
	work_free(b, w);
}

/* --- the new message --- */

/* struct msg_commit and envelope block, in packet of MSG_MAX octets.  RFC 3461, 6.1: no RET, and
 * NOTIFY=NEVER; no ENVID and no ORCPT, which nobody would ask for. */
static int
put_commit(const char *id, const struct report *r, const struct report_text *t, uint32_t crc,
    struct buf *packet, struct err *e)
{
	struct rcpt rcpt = { .addr = r->to, .spelled = t->smtputf8 ? r->to_spelled : span_of(NULL, 0), .notify = NOTIFY_NEVER };
	struct envelope env = { .client = span_str(own_client), .arrival_us = (uint64_t)r->now_us,
	    .body = t->body, .smtputf8 = t->smtputf8, .priority = r->env->priority /* RFC 6710, 4.6 */, .rcpt = &rcpt, .nrcpt = 1 };
	struct msg_commit m = { .msg_len = t->head.n + t->returned.n + t->tail.n, .msg_crc = crc };

	memcpy(m.id, id, QID_SIZE);
	if (buf_add(packet, span_of(&m, sizeof m), e) == -1 || envelope_encode(&env, packet, e) == -1)
		return -1;
	((struct msg_commit *)(void *)packet->p)->env_len = (uint32_t)(packet->n - sizeof m);
	return 0;
}

/* What is told to whom.  Everything in *r is borrowed from the arguments. */
static struct report
work_report(const struct bounce *b, const struct work *w, const struct letter *l,
    struct span postmaster)
{
	struct report r = { .me = b->me, .failed_id = w->id, .env = &l->env, .to = l->env.sender,
	    .to_spelled = l->env.sender_spelled,
	    .message = l->text, .whole = l->whole, .records = buf_view(&w->records),
	    .now_us = clock_us(), .expires_us = w->expires_us,
	    .slot = l->q.nslot == l->env.nrcpt ? l->slot : NULL };

	if (l->env.sender.n == 0) {	/* H13: no report to nobody; postmaster hears of it, once */
		r.to = postmaster;
		r.to_spelled = span_of(NULL, 0);
		r.to_postmaster = true;
		r.own = span_is(l->env.client, own_client);
	}
	return r;
}

/* Writes the report into fd, which is closed then: queue takes none that somebody can still write. */
static int
work_write(struct bounce *b, struct work *w, struct report *r, int fd, struct err *e)
{
	struct report_text t;
	struct buf packet;
	uint32_t crc;
	int done = -1;

	buf_init(&packet, MSG_MAX);
	if ((w->mdn ? mdn_build : report_build)(r, &t, e) == 1 && fileio_write(fd, buf_view(&t.head), e) == 0 &&
	    fileio_write(fd, t.returned, e) == 0 && fileio_write(fd, buf_view(&t.tail), e) == 0) {
		crc = crc32c(0, t.head.p, t.head.n);
		crc = crc32c(crc, t.returned.p, t.returned.n);
		crc = crc32c(crc, t.tail.p, t.tail.n);
		done = put_commit(w->report, r, &t, crc, &packet, e);
	}
	close(fd);
	if (done == 0)
		done = chan_send(&b->queue, (struct msg_hdr *)(void *)packet.p, MSG_COMMIT, w->request,
		    packet.n, NULL, 0, e);
	span_text(r->to, w->to, sizeof w->to);
	buf_free(&packet);
	report_text_free(&t);
	return done;
}

static void
postmaster_of(const struct bounce *b, char out[ADDRESS_MAX + 16])
{
	snprintf(out, ADDRESS_MAX + 16, "postmaster@%s", b->me);
}

/* The message as it was delivered, if that is to be returned and was converted.  -1: memory. */
static int
work_delivered(const struct work *w, const struct letter *l, struct buf *out, struct report *r,
    struct err *e)
{
	if (w->delivered.edits.list.n == 0 || !l->whole || l->text.n != w->delivered.of.len)
		return 0;
	if (delivered_text(&w->delivered, l->text, out, e) == -1)
		return -1;
	r->delivered = buf_view(out);
	return 0;
}

/* queue's file is open: the message is read once more, and the report written. */
static int
work_opened(struct bounce *b, struct work *w, int fd, struct err *e)
{
	char postmaster[ADDRESS_MAX + 16];
	struct letter l;
	struct report r;
	struct buf delivered;
	int done = -1;

	postmaster_of(b, postmaster);
	buf_init(&delivered, REPORT_FULL_MAX);
	if (letter_open(w->fd, &l, e) == -1) {
		close(fd);
	} else {
		if (l.lost)
			log_line(LOG_ERR, w->id, "no-text", "why=%s",
			    log_q("damaged, or the disk cannot read it"));
		r = work_report(b, w, &l, span_str(postmaster));
		if (getrandom(&r.nonce, sizeof r.nonce, 0) != sizeof r.nonce)
			err_sys(e, "getrandom");
		else
			done = work_delivered(w, &l, &delivered, &r, e);
		if (done == 0)
			done = work_write(b, w, &r, fd, e);
		else
			close(fd);
	}
	buf_free(&delivered);
	letter_close(&l);
	return done;
}

/* --- queue --- */

struct work *
work_of(struct bounce *b, uint32_t request)
{
	struct work *w = b->first;

	while (w != NULL && (w->state == WAITING || w->request != request))
		w = w->next;
	return w;
}

static int
on_opened(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct bounce *b = c->arg;
	const struct msg_id *m = msg;
	struct work *w = work_of(b, m->h.id);
	struct err why = { 0 };
	int fd = fds[0];

	(void)len;
	if (w == NULL || w->state != OPENING || !qid_ok(m->id))
		return err_set(e, ERR_PROTO, NULL, "an answer to nothing");
	fds[0] = -1;
	memcpy(w->report, m->id, QID_SIZE);
	if (work_opened(b, w, fd, &why) == 0) {
		w->state = COMMITTING;
		w->since_ms = clock_ms();
	} else {
		struct msg_id drop = { .id = "" };

		memcpy(drop.id, m->id, QID_SIZE);
		(void)chan_send(c, &drop.h, MSG_ABANDON, 0, sizeof drop, NULL, 0, e);
		work_failed(b, w, &why);
	}
	bounce_turn(b);
	return 0;
}

static int
on_committed(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct bounce *b = c->arg;
	const struct msg_committed *m = msg;
	struct work *w = work_of(b, m->h.id);

	(void)len, (void)fds;
	if (w == NULL || w->state != COMMITTING || !qid_ok(m->id) || strcmp(m->id, w->report) != 0)
		return err_set(e, ERR_PROTO, NULL, "an answer to nothing");
	log_line(LOG_INFO, w->report, "report", "of=%s from=<> to=%s", w->id, log_q(w->to));
	told_keep(&b->told, w->id, buf_view(&w->records));
	work_go_on(b, w);
	bounce_turn(b);
	return 0;
}

static int
on_refused(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct bounce *b = c->arg;
	const struct msg_refused *m = msg;
	struct work *w = work_of(b, m->h.id);
	char what[sizeof m->what];
	struct err why = { 0 };

	(void)len, (void)fds;
	if (w == NULL)
		return err_set(e, ERR_PROTO, NULL, "an answer to nothing");
	span_text(span_of(m->what, strnlen(m->what, sizeof m->what)), what, sizeof what);
	err_set(&why, ERR_TEMP, "4.3.0", "queue: %s", what);
	work_failed(b, w, &why);
	bounce_turn(b);
	return 0;
}

static const struct msg_rule from_queue[] = {
	{ MSG_OPENED, sizeof(struct msg_id), sizeof(struct msg_id), 1, 1, on_opened },
	{ MSG_COMMITTED, sizeof(struct msg_committed), sizeof(struct msg_committed), 0, 0, on_committed },
	{ MSG_REFUSED, sizeof(struct msg_refused), sizeof(struct msg_refused), 0, 0, on_refused },
};

/* What was with queue is to be asked for again, and so is what waited. */
static void
works_drop(struct bounce *b, const char *what)
{
	struct err why = { 0 };

	err_set(&why, ERR_TEMP, "4.3.0", "queue: %s", what);
	while (b->first != NULL)
		work_failed(b, b->first, &why);
	loop_cancel(b->loop, &b->late);
}

static void
queue_gone(struct chan *c, const struct err *why)
{
	struct bounce *b = c->arg;

	log_line(LOG_INFO, NULL, "peer-gone", "peer=queue why=%s",
	    log_q(why->kind == ERR_NONE ? "" : why->what));
	works_drop(b, "it has gone");
	daemon_lost(ROLE_QUEUE);
}

/* Given up after a time-out too: a message opened late would stay open there for ever, and one
 * committed late, when we have said that it was not, come twice. */
static void
queue_late(struct bounce *b)
{
	log_line(LOG_ERR, NULL, "no-answer", "peer=queue");
	chan_close(&b->queue);
	works_drop(b, "no answer");
	daemon_lost(ROLE_QUEUE);
}

/* When a request that nobody has answered is given up. */
static int64_t
work_due_ms(const struct work *w)
{
	return w->state == WAITING ? INT64_MAX :
	    w->since_ms + (convert_asks(w) ? BOUNCE_CONVERT_MS : BOUNCE_WAIT_MS);
}

/* The timer stands at the first of them. */
static void
late_set(struct bounce *b)
{
	int64_t due = INT64_MAX, late;
	struct err e;

	for (const struct work *w = b->first; w != NULL; w = w->next)
		if (work_due_ms(w) < due)
			due = work_due_ms(w);
	late = due == INT64_MAX ? 0 : due - clock_ms();
	if (due == INT64_MAX)
		loop_cancel(b->loop, &b->late);
	else if (loop_timer(b->loop, &b->late, late > 0 ? late : 0, &e) == -1)
		log_line(LOG_WARN, NULL, "timer", "why=%s", log_q(e.what));
}

void
work_next(struct bounce *b, struct work *w, enum work_state state)
{
	w->request = ++b->request;
	w->since_ms = clock_ms();
	w->state = state;
}

void
work_open(struct bounce *b, struct work *w)
{
	struct msg_open open = { .reserve = 1 };
	struct err why = { 0 };

	work_next(b, w, OPENING);
	if (chan_send(&b->queue, &open.h, MSG_OPEN, w->request, sizeof open, NULL, 0, &why) == -1)
		work_failed(b, w, &why);
}

static void
work_start(struct bounce *b, struct work *w)
{
	b->nactive++;
	if (w->delivered.key.n == 0)
		work_open(b, w);
	else
		convert_ask(b, w);
}

void
bounce_turn(struct bounce *b)
{
	struct work *w = b->first;

	while (w != NULL && b->nactive < BOUNCE_AT_ONCE) {
		struct work *next = w->next;

		if (w->state == WAITING && (w->delivered.key.n == 0 || convert_may_ask(b)))
			work_start(b, w);
		w = next;
	}
	late_set(b);
}

/* A request is not answered. */
static void
request_late(void *arg)
{
	struct bounce *b = arg;
	struct err why = { 0 };
	struct work *next;

	err_set(&why, ERR_TEMP, "4.6.5", "convertd: no answer");
	for (struct work *w = b->first; w != NULL; w = next) {
		next = w->next;
		if (work_due_ms(w) > clock_ms())
			continue;
		if (!convert_asks(w)) {
			queue_late(b);
			return;
		}
		convert_drop(b, w, &why);
	}
	bounce_turn(b);
}

/* --- qmgr --- */

/* 1: a report is due, or the notification; 0: nobody is to hear of it. */
static int
work_due(const struct bounce *b, struct work *w, struct err *e)
{
	char postmaster[ADDRESS_MAX + 16];
	struct letter l;
	struct report r;
	struct span key;
	int due = -1;

	postmaster_of(b, postmaster);
	if (letter_open(w->fd, &l, e) == 0) {
		r = work_report(b, w, &l, span_str(postmaster));
		due = w->mdn ? mdn_due(&r) : report_due(&r);
		if (due == 1 && !w->mdn && report_wants_delivered(&r, &key) &&
		    delivered_want(&w->delivered, key, w->fd, l.q.msg_len, w->id,
		    l.env.edits.n > 0 ? l.text : span_of(NULL, 0), e) == -1)
			due = -1;
		if (due == 0)
			log_line(LOG_INFO, w->id, "no-report", "from=%s", log_qs(l.env.sender));
		if (due == 1 && !w->mdn && r.to_postmaster && is_double(b, &l.env, r.records)) {
			log_line(LOG_ERR, w->id, "double-bounce", "to=%s why=\"a report to postmaster "
			    "failed too and is dropped\"", log_q(postmaster));
			due = 0;
		}
	}
	letter_close(&l);
	return due;
}

/* Takes the next record of w->more to be told of by itself.  1; 0: none is left. */
static int
work_take(struct work *w, struct err *e)
{
	struct span rest = buf_view(&w->more), detail;
	struct rcpt_result r;

	buf_clear(&w->records);
	w->mdn = true;
	if (result_next(&rest, &r, &detail, e) != 1)
		return 0;
	if (result_add(&w->records, &r, detail, e) == -1)
		return -1;
	buf_eat(&w->more, w->more.n - rest.n);
	return 1;
}

/* What is to be told next is in w->records: 1; 0: nothing is left. */
static int
work_next_part(const struct bounce *b, struct work *w, struct err *e)
{
	int due = w->records.n > 0 ? work_due(b, w, e) : 0, left;

	while (due == 0 && (left = work_take(w, e)) != 0)
		due = left == 1 ? work_due(b, w, e) : -1;
	return due;
}

/* One message of it is committed. */
static void
work_go_on(struct bounce *b, struct work *w)
{
	struct err why = { 0 };
	int due;

	delivered_free(&w->delivered);
	buf_clear(&w->records);
	due = work_next_part(b, w, &why);
	if (due == 1) {
		w->state = WAITING;
		b->nactive--;
		return;
	}
	if (due == 0)
		reported(b, w->job, w->id, w->report);
	else
		refuse(b, w->job, w->id, &why);
	work_free(b, w);
}

static struct work *
work_new(struct bounce *b, const struct msg_job *m, struct buf *records, struct buf *more, int *fd)
{
	struct work *w = calloc(1, sizeof *w);

	if (w == NULL)
		return NULL;
	*w = (struct work){ .job = m->h.id, .expires_us = (int64_t)m->expires_us, .fd = *fd,
	    .records = *records, .more = *more };
	*fd = -1;
	buf_init(records, 0);
	buf_init(more, 0);
	memcpy(w->id, m->id, QID_SIZE);
	*b->last = w;
	b->last = &w->next;
	b->nwork++;
	return w;
}

/* 1: it is under way; 0: none is due, or all is told; -1: later. */
static int
work_begin(struct bounce *b, const struct msg_job *m, struct buf *records, struct buf *more, int *fd,
    struct err *e)
{
	struct work *w;
	int due;

	if (records->n + more->n == 0)
		return 0;
	if (!b->queue.open)
		return err_set(e, ERR_TEMP, "4.3.0", "queue is not there");
	if (b->nwork >= BOUNCE_WAITING)
		return err_set(e, ERR_TEMP, "4.3.2", "%d reports wait already", BOUNCE_WAITING);
	if ((w = work_new(b, m, records, more, fd)) == NULL)
		return err_sys(e, "report");
	if ((due = work_next_part(b, w, e)) != 1)
		work_free(b, w);
	return due;
}

static int
on_report(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct bounce *b = c->arg;
	const struct msg_job *m = msg;
	struct span all = span_of((const unsigned char *)msg + sizeof *m, len - sizeof *m);
	char none[QID_SIZE] = "";
	struct buf records, more;
	struct err why = { 0 };
	int r;

	if (!qid_ok(m->id))
		return err_set(e, ERR_PROTO, NULL, "a wrong report");
	buf_init(&records, MSG_MAX);
	buf_init(&more, MSG_MAX);
	r = records_new(b, m->id, all, &records, &more, &why);
	if (r == -1 && why.kind == ERR_PROTO) {
		buf_free(&records);
		buf_free(&more);
		*e = why;
		return -1;
	}
	if (r == 0)
		r = work_begin(b, m, &records, &more, &fds[0], &why);
	if (r == -1)
		refuse(b, m->h.id, m->id, &why);
	else if (r == 0)
		reported(b, m->h.id, m->id, none);
	buf_free(&records);
	buf_free(&more);
	bounce_turn(b);
	return 0;
}

static const struct msg_rule from_qmgr[] = {
	{ MSG_REPORT, sizeof(struct msg_job), MSG_MAX, 1, 1, on_report },
};

/* What is under way is told of when the next qmgr asks for it. */
static void
qmgr_gone(struct chan *c, const struct err *why)
{
	(void)c;
	log_line(LOG_INFO, NULL, "peer-gone", "peer=qmgr why=%s",
	    log_q(why->kind == ERR_NONE ? "" : why->what));
	daemon_lost(ROLE_QMGR);
}

void
bounce_init(struct bounce *b, struct loop *l, const char *me)
{
	*b = (struct bounce){ .loop = l, .me = me, .late = { .fire = request_late, .arg = b } };
	b->last = &b->first;
}

static void
bounce_peer_queue(struct bounce *b, int fd)
{
	struct err e;

	chan_close(&b->queue);
	works_drop(b, "it was started anew");
	if (chan_open(&b->queue, b->loop, fd, "queue", from_queue,
	    sizeof from_queue / sizeof *from_queue, queue_gone, b, &e) == -1) {
		log_line(LOG_ERR, NULL, "peer", "peer=queue why=%s", log_q(e.what));
		close(fd);
	}
}

void
bounce_peer(void *arg, enum role role, uint32_t generation, int fd)
{
	struct bounce *b = arg;
	struct msg_hdr h;
	struct err e;

	(void)generation;
	if (role == ROLE_QUEUE) {
		bounce_peer_queue(b, fd);
		return;
	}
	if (role == ROLE_CONVERTD) {
		convert_peer(b, fd);
		return;
	}
	if (role != ROLE_QMGR) {
		close(fd);
		return;
	}
	chan_close(&b->qmgr);
	if (chan_open(&b->qmgr, b->loop, fd, "qmgr", from_qmgr, 1, qmgr_gone, b, &e) == -1) {
		log_line(LOG_ERR, NULL, "peer", "peer=qmgr why=%s", log_q(e.what));
		close(fd);
	} else if (chan_send(&b->qmgr, &h, MSG_HELLO, 0, sizeof h, NULL, 0, &e) == -1) {
		log_line(LOG_ERR, NULL, "hello", "why=%s", log_q(e.what));
	}
}

void
bounce_free(struct bounce *b)
{
	chan_close(&b->qmgr);
	chan_close(&b->queue);
	chan_close(&b->convertd);
	works_drop(b, "the end");
}
