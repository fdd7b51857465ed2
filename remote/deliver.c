/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include <stdio.h>
#include <stdlib.h>

#include "lib/address.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/signature.h"
#include "remote/auth.h"
#include "remote/command.h"
#include "remote/deadline.h"
#include "remote/flow.h"
#include "remote/reach.h"
#include "remote/secure.h"

enum { SCAN_OCTETS = 64 << 20 };	/* of a message, for a Content-Convert field */

void
flow_push(struct flow *f, const struct batch *like, struct target **t, uint32_t n, struct batch **out)
{
	struct batch *b = calloc(1, sizeof *b);
	struct target **copy = calloc(n == 0 ? 1 : n, sizeof *copy);

	*out = NULL;
	if (b == NULL || copy == NULL) {
		free(b);
		free(copy);
		flow_settle(f, t, n, OUTCOME_DEFERRED, "4.3.0", "no memory");
		return;
	}
	*b = *like;
	b->next = NULL;
	b->t = copy;
	b->n = 0;
	for (uint32_t i = 0; i < n; i++)
		if (!t[i]->done)
			copy[b->n++] = t[i];
	if (b->n == 0) {
		free(copy);
		free(b);
		return;
	}
	*f->last = b;
	f->last = &b->next;
	*out = b;
}

void
flow_settle(struct flow *f, struct target **t, uint32_t n, enum outcome outcome, const char *dsn,
    const char *text)
{
	for (uint32_t i = 0; i < n; i++)
		if (outcome == OUTCOME_FAILED && t[i]->elsewhere)	/* only here: the first host may do better */
			t[i]->done = true;
		else
			job_settle(t[i], outcome, 0, dsn, f->s->mta, text);
}

void
flow_settle_err(struct flow *f, struct target **t, uint32_t n, const struct err *e)
{
	for (uint32_t i = 0; i < n; i++)
		job_settle_err(t[i], f->s->mta, e);
}

void
flow_row(struct flow *f, const struct target *t, const char *row, struct span key)
{
	log_line(LOG_INFO, f->job->id, "negotiated", "to=%s row=%s key=%s", log_qs(t->rcpt->addr), row,
	    key.n > 0 ? log_qs(key) : "-");
	inquiry_tell(f->s->inquiry, INQUIRY_ROW, span_str(row));
}

bool
flow_permission(struct flow *f)
{
	static const char field[] = "Content-Convert";
	struct span rest = span_sub(f->job->message, 0, SCAN_OCTETS), line;
	size_t n = sizeof field - 1;

	if (f->permission_known)
		return f->permission;
	f->permission_known = true;
	while (!f->permission && span_line(&rest, &line)) {
		if (line.n <= n || (line.p[0] | 0x20) != 'c' ||
		    !span_isi(span_sub(line, 0, n), field))
			continue;
		line = span_trim(span_sub(line, n, line.n));
		f->permission = line.n > 0 && line.p[0] == ':';
	}
	return f->permission;
}

bool
flow_unfit(struct flow *f, struct target **t, uint32_t n, uint64_t size)
{
	const struct hop *hop = &f->s->hop;
	char text[200];

	if (!(hop->ext & HOP_SIZE) || hop->size_max == 0 || size <= hop->size_max)
		return false;
	snprintf(text, sizeof text, "a message of %llu octets; the next hop takes %llu at "
	    "most", (unsigned long long)size, (unsigned long long)hop->size_max);
	flow_settle(f, t, n, OUTCOME_FAILED, "5.3.4", text);
	return true;
}

/* What cannot be said in a command, or not to this hop. */
static void
check_addresses(struct flow *f, struct batch *b)
{
	bool utf8, sender_utf8, takes = f->s->hop.ext & HOP_SMTPUTF8;
	const struct envelope *env = &f->job->env;
	struct err e;

	if (!deadline_ok(env, &f->s->hop, clock_us(), &e))
		flow_settle(f, b->t, b->n, OUTCOME_FAILED, e.dsn, e.what);
	if (!address_path_ok(env->sender, &sender_utf8) || !address_path_ok(envelope_sender(env), &utf8))
		flow_settle(f, b->t, b->n, OUTCOME_FAILED, "5.1.7",
		    "the sender's address is none");
	if (env->smtputf8 && !takes && flow_fields(f))		/* RFC 6531, 3.2 */
		flow_settle(f, b->t, b->n, OUTCOME_FAILED, "5.6.9",
		    "a header beyond ASCII, and the next hop does not offer SMTPUTF8");
	for (uint32_t i = 0; i < b->n; i++) {
		const struct rcpt *r = b->t[i]->rcpt;

		if (!address_path_ok(rcpt_spelled(r), &utf8) || !address_path_ok(r->addr, &utf8) || r->addr.n == 0)
			flow_settle(f, &b->t[i], 1, OUTCOME_FAILED, "5.1.3", "this is no address");
		else if (!takes && (utf8 || sender_utf8))
			flow_settle(f, &b->t[i], 1, OUTCOME_FAILED, "5.6.7",
			    "an address beyond ASCII, and the next hop does not offer SMTPUTF8");
	}
}

/* Drops those that are done.  false: none is left. */
static bool
batch_compact(struct batch *b)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < b->n; i++)
		if (!b->t[i]->done)
			b->t[n++] = b->t[i];
	b->n = n;
	return n > 0;
}

bool
flow_next_host(const struct flow *f, const struct batch *b)
{
	return b->hosts + 1 < FLOW_HOSTS && reach_has_next(f->s);
}

/* Those that are to be done again, here or at the next host. */
static void
flow_push_again(struct flow *f, struct batch *b, bool elsewhere)
{
	struct batch *again;
	uint32_t n = 0;

	for (uint32_t i = 0; i < b->n; i++)
		if (b->t[i]->again && b->t[i]->elsewhere == elsewhere && !b->t[i]->done) {
			struct target *t = b->t[i];

			b->t[i] = b->t[n];
			b->t[n++] = t;
		}
	if (n > 0)
		flow_push(f, b, b->t, n, &again);
	if (n > 0 && again != NULL && elsewhere) {
		again->hosts++;
		again->from = f->s->reach.at + 1;
	}
}

/* A connection was lost, or 421, before the final dot. */
static void
flow_lost(struct flow *f, struct batch *b, struct xact *x, bool fresh, const struct err *e)
{
	struct batch *again;
	bool grouped = f->s->hop.ext & HOP_PIPELINING && !x->careful;

	smtp_drop(f->s);
	if (x->at == XACT_AT_MAIL && !fresh) {		/* it had lain idle too long */
		flow_push(f, b, b->t, b->n, &again);
		return;
	}
	if (x->next_host) {
		for (uint32_t i = 0; i < b->n; i++) {
			if (!b->t[i]->done && !b->t[i]->elsewhere)
				job_settle_err(b->t[i], f->s->mta, e);
			else if (b->t[i]->done)
				continue;
			b->t[i]->done = false;
			b->t[i]->again = b->t[i]->elsewhere = true;
		}
		flow_push_again(f, b, true);
		return;
	}
	if (x->at >= b->n || b->n == 1 || b->drops >= FLOW_DROPS) {
		uint32_t taken = x->at < b->n && !grouped ? x->at : 0;

		flow_settle_err(f, b->t + taken, b->n - taken, e);
		if (taken > 0)		/* those before it go alone */
			flow_push(f, b, b->t, taken, &again);
		return;
	}
	if (!grouped)			/* this recipient did it; the others are not lost over it */
		job_settle_err(b->t[x->at], f->s->mta, e);
	flow_push(f, b, b->t, b->n, &again);
	if (again != NULL) {
		again->careful = true;
		again->drops++;
	}
}

void
flow_after(struct flow *f, struct batch *b, struct xact *x, enum xact_end end, bool fresh,
    const struct err *e)
{
	if (end == XACT_LOST) {
		flow_lost(f, b, x, fresh, e);
		return;
	}
	flow_push_again(f, b, false);
	flow_push_again(f, b, true);
}

static void
flow_refuse(struct flow *f, struct batch *b, const struct mail_decision *d)
{
	smtp_quit(f->s);
	for (uint32_t i = 0; i < b->n; i++) {
		flow_row(f, b->t[i], d->row, span_of(NULL, 0));
		job_detail(b->t[i], "row", span_str(d->row));
	}
	flow_settle(f, b->t, b->n, OUTCOME_FAILED, d->dsn, d->why);
}

bool
flow_relays(const struct flow *f)
{
	unsigned want = HOP_DRUCOF | (f->job->env.conperm ? HOP_CONPERM : 0u);

	return (f->s->hop.ext & want) == want && !f->job->no_drucof;
}

/* The facts of b with the hop that is open. */
static struct mail_facts
batch_facts(struct flow *f, const struct batch *b)
{
	const struct envelope *env = &f->job->env;
	unsigned ext = f->s->hop.ext;
	struct mail_facts m = { .conperm = env->conperm, .report = env->sender.n == 0,
	    .hop_conperm = ext & HOP_CONPERM, .strict = b->opt.conperm_strict,
	    .hop_conneg = ext & HOP_CONNEG && b->opt.ask != 2 && !b->separate, .drucof = b->drucof,
	    .relays = flow_relays(f), .hop_prefer = ext & HOP_DRUCOF_PREFER && !f->job->no_drucof,
	    .late = b->opt.drucof_late };

	if (m.conperm || m.hop_conneg || m.drucof != DRUCOF_NO)		/* else nothing depends on it */
		m.report = m.report || flow_report(f);
	if (m.hop_conneg && !m.conperm && !m.report)
		m.wanted = b->opt.ask == 1 || m.drucof == DRUCOF_PREFER || flow_permission(f);
	return m;
}

/* Option conperm_try_all_mx (rows B3, B8, D7): a host that can do nothing with the sender's demand is left
 * for the next, before the mail fails. */
static bool
batch_other_host(struct flow *f, const struct batch *b, const struct mail_decision *d)
{
	if (!b->opt.conperm_try_all_mx || !reach_other_host(f->s, d->why))
		return false;
	smtp_quit(f->s);
	return true;
}

void
flow_not_taken(struct flow *f, struct batch *b)
{
	struct mail_facts m = batch_facts(f, b);
	struct mail_decision d;
	struct batch *again;

	m.refused = true;
	decide_mail(&m, &d);
	if (batch_other_host(f, b, &d))
		flow_push(f, b, b->t, b->n, &again);
	else
		flow_refuse(f, b, &d);
}

/* The same once more, in a session of its own, now that the form is made. */
static void
flow_again(struct flow *f, struct batch *b)
{
	struct batch *again;

	if (b->round + 1 >= FLOW_ROUNDS) {
		flow_settle(f, b->t, b->n, OUTCOME_DEFERRED, "4.6.5",
		    "what the next hop takes changes with each session");
		return;
	}
	flow_push(f, b, b->t, b->n, &again);
	if (again != NULL)
		again->round++;
}

/* The form that the open hop takes of the message itself.  false: b is settled, or waits. */
static bool
flow_original(struct flow *f, struct batch *b, struct made **made)
{
	struct err e = { 0 };

	if (flow_form(f, NULL, false, (int64_t)b->opt.wait_s * 1000, made, &e) == 0)
		return true;
	if (flow_late(f, &e)) {
		smtp_quit(f->s);
		if (flow_form(f, NULL, false, (int64_t)CONFNEG_LATE_S * 1000, made, &e) == 0) {
			flow_again(f, b);
			return false;
		}
	}
	flow_settle_err(f, b->t, b->n, &e);
	return false;
}

/* Mail that needs no asking: one group of commands, then the message. */
static void
flow_plain(struct flow *f, struct batch *b, const struct mail_decision *d)
{
	struct made *made;
	struct xact x = { .t = b->t, .n = b->n, .conperm = d->conperm,
	    .drucof = d->drucof ? b->drucof : DRUCOF_NO, .careful = b->careful,
	    .next_host = flow_next_host(f, b), .body = flow_body(f) };
	bool fresh = !f->s->used;
	struct err e = { 0 };
	enum xact_end end;

	if (!flow_original(f, b, &made))
		return;
	for (uint32_t i = 0; i < b->n && b->round == 0; i++)	/* else it was found in an earlier session */
		inquiry_tell(f->s->inquiry, INQUIRY_ROW, span_str(d->row));
	if (flow_dress(f, &x, made, &e) == -1) {
		flow_settle_err(f, b->t, b->n, &e);
		return;
	}
	x.data = x.body != BODY_BINARYMIME;
	if (flow_unfit(f, b->t, b->n, x.size))
		return;
	end = smtp_begin(f->s, &x, &e);
	if (end == XACT_CONPERM) {
		flow_not_taken(f, b);
		return;
	}
	if (end == XACT_READY)
		flow_send(f, &x, made);
	flow_after(f, b, &x, end, fresh, &e);
}

/* RFC 9422: no more RCPT commands in a transaction than the hop takes; the rest comes next. */
static void
batch_limit(struct flow *f, struct batch *b)
{
	uint32_t max = f->s->hop.rcpt_max;
	struct batch *rest;

	if (max == 0 || b->n <= max)
		return;
	flow_push(f, b, b->t + max, b->n - max, &rest);
	b->n = max;
}

/* Where a host was open, and said "not now", that is what counts. */
void
flow_unreached(struct flow *f, struct batch *b, const struct err *e)
{
	for (uint32_t i = 0; i < b->n; i++) {
		struct target *t = b->t[i];

		if (!t->elsewhere)
			job_settle_err(t, f->s->mta, e);
		/* what the policy of one domain wants of TLS is not what keeps all others from the hop */
		t->res.flags |= t->elsewhere || secure_verdict(e) ? 0 : RESULT_HOST;
		t->done = true;
	}
}

/* Is it our directory that says what they take, since the hop does not?  Those that it was asked about in
 * vain are a batch already. */
static bool
batch_ensured(struct flow *f, struct batch *b, const struct mail_facts *m)
{
	return b->ours || (m->conperm && !m->report && !m->hop_conperm && !m->hop_conneg && !m->strict &&
	    m->drucof != DRUCOF_REQUIRE && flow_ensured(f, b));
}

static void
batch_run(struct flow *f, struct batch *b)
{
	struct mail_decision d;
	struct mail_facts m;
	struct err e = { 0 };

	if (!batch_compact(b))
		return;
	if (b->round > 0 && f->s->used)		/* RFC 4141 3.2: each subset has its own session */
		smtp_quit(f->s);
	if (f->s->open && f->s->hop.mail_max > 0 && f->s->mails >= f->s->hop.mail_max)
		smtp_quit(f->s);		/* RFC 9422, 4.1 */
	if (b->from > 0 && reach_pass(f->s, b->from, b->t[0]->res.text))
		smtp_quit(f->s);
	secure_want(f->s, &b->tls);
	do {
		if (smtp_open(f->s, &e) == -1) {
			flow_unreached(f, b, &e);
			return;
		}
		m = batch_facts(f, b);
		m.ensured = batch_ensured(f, b, &m);
		decide_mail(&m, &d);
	} while (d.action == MAIL_REFUSE && batch_other_host(f, b, &d));
	inquiry_tell(f->s->inquiry, INQUIRY_MAIL_ROW, span_str(d.row));
	check_addresses(f, b);
	if (!batch_compact(b))
		return;
	if (d.action == MAIL_REFUSE) {
		flow_refuse(f, b, &d);
		return;
	}
	batch_limit(f, b);
	b->usable = d.usable;
	b->carried = d.drucof;
	if (d.action == MAIL_ASK || d.action == MAIL_KNOWN)
		flow_negotiate(f, b, &d);
	else
		flow_plain(f, b, &d);
}

/* An inquiry that is only about what the recipients take. */
static void
batch_question(struct flow *f, struct batch *b)
{
	struct err e = { 0 };

	secure_want(f->s, &b->tls);
	if (smtp_open(f->s, &e) == -1) {
		flow_unreached(f, b, &e);
		return;
	}
	if (f->s->srv && !(f->s->hop.ext & HOP_CONNEG && b->opt.ask != 2))	/* nothing else is to be said there */
		flow_settle(f, b->t, b->n, OUTCOME_FAILED, "5.3.3", f->s->hop.ext & HOP_CONNEG ?
		    "the setting negotiation has ask=never" : "the host does not offer CONNEG");
	check_addresses(f, b);
	if (batch_compact(b))
		flow_question(f, b);
}

/*
 * Where this attempt begins: a hop that hangs up over more recipients than we have patience for must
 * not keep those behind them waiting for ever.
 */
static uint32_t
flow_start(const struct job *job)
{
	return job->target[0].attempts * (FLOW_DROPS - 1u) % job->ntarget;
}

/* The first batches: recipients with the same options and policy of TLS, who want the same of DRUCOF. */
static void
flow_divide(struct flow *f)
{
	const struct span *lines, *policies;
	uint32_t nlines = conf_lines(f->s->conf, CONF_NEGOTIATION, &lines), n, left = f->job->ntarget;
	uint32_t npolicies = conf_lines(f->s->conf, CONF_TLSPOLICY, &policies);
	struct target *t[JOB_MAX_RCPT], *mine[JOB_MAX_RCPT];
	struct batch like, *b;

	for (uint32_t i = 0; i < left; i++)
		t[i] = &f->job->target[(i + flow_start(f->job)) % left];
	while (left > 0) {
		uint32_t rest = 0;

		memset(&like, 0, sizeof like);
		n = 0;
		for (uint32_t i = 0; i < left; i++) {
			struct span domain = address_domain(t[i]->rcpt->addr);
			struct tls_policy tls;
			struct negotiation o;

			memset(&o, 0, sizeof o);
			negotiation_find(lines, nlines, domain, f->job->dest, &o);
			tlspolicy_find(policies, npolicies, domain, f->job->dest, &tls);
			auth_policy(f->s->conf, f->job->dest, &tls);
			if (i == 0) {
				like.opt = o;
				like.tls = tls;
				like.drucof = t[i]->rcpt->drucof;
			}
			if (memcmp(&o, &like.opt, sizeof o) == 0 && like.drucof == t[i]->rcpt->drucof &&
			    tlspolicy_same(&tls, &like.tls))
				mine[n++] = t[i];
			else
				t[rest++] = t[i];
		}
		left = rest;
		flow_push(f, &like, mine, n, &b);
	}
}

/* The next batch; those that wait for another host come last. */
static struct batch *
flow_take(struct flow *f)
{
	struct batch **at = &f->first, *b;

	while (*at != NULL && (*at)->from > 0)
		at = &(*at)->next;
	if (*at == NULL)
		at = &f->first;
	if ((b = *at) == NULL)
		return NULL;
	*at = b->next;
	if (b->next == NULL)
		f->last = at;
	return b;
}

void
session_job(struct session *s, struct job *job)
{
	struct flow f = { .s = s, .job = job };
	struct err e = { 0 };
	struct batch *b;

	f.last = &f.first;
	buf_init(&f.broken, SIGNATURE_FIELD);
	s->job = job;
	if (job->open || job_open(job, &e) == 0) {
		memcpy(s->dest, job->dest, sizeof s->dest);
		if (s->reach.passed)		/* for the last job: the first host is worth a try again */
			smtp_quit(s);
		s->reach.known &= s->open;
		s->reach.spent = false;
		f.eight = span_eight(job->message);
		flow_divide(&f);
		while ((b = flow_take(&f)) != NULL) {
			if (s->question)
				batch_question(&f, b);
			else
				batch_run(&f, b);
			free(b->t);
			free(b);
		}
		flow_forget(&f);
	}
	s->job = NULL;
}
