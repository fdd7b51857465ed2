/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include <stdio.h>
#include <stdlib.h>

#include "lib/features.h"
#include "lib/log.h"
#include "remote/caplist.h"
#include "remote/command.h"
#include "remote/inquire.h"

/* --- capability lists --- */

/* What of the sender's wishes bounds the conversions for b. */
static enum plan_wish
batch_wish(const struct flow *f, const struct batch *b)
{
	if (b->usable)
		return WISH_DRUCOF;
	if (f->job->env.conperm)
		return WISH_CONPERM;
	return b->drucof == DRUCOF_PREFER ? WISH_PREFER : WISH_ADVISORY;
}

static struct capset *
capset_make(struct flow *f, struct span text, enum plan_wish wish, struct err *e)
{
	struct capset *c;

	for (c = f->sets; c != NULL; c = c->next)
		if (c->wish == wish && span_eq(buf_view(&c->text), text))
			return c;
	if (f->caps_octets + text.n > FLOW_CAPS) {
		err_set(e, ERR_PERM, "5.6.0", "more capability lists than are kept");
		return NULL;
	}
	if ((c = calloc(1, sizeof *c)) == NULL) {
		err_sys(e, "capabilities");
		return NULL;
	}
	buf_init(&c->text, FEAT_MAX_TEXT);
	if (buf_add(&c->text, text, e) == -1) {
		free(c);
		return NULL;
	}
	c->wish = (uint8_t)wish;
	c->fate = FATE_UNKNOWN;
	c->run = RUN_NOT;
	c->next = f->sets;
	f->sets = c;
	f->caps_octets += text.n;
	return c;
}

struct capset *
flow_capset(struct flow *f, const struct batch *b, struct span text, struct err *e)
{
	struct capset *c = capset_make(f, text, batch_wish(f, b), e);

	if (c == NULL || !b->usable || !f->job->env.conperm)
		return c;
	c->permitted = capset_make(f, text, WISH_CONPERM, e);
	return c->permitted == NULL ? NULL : c;
}

struct asking { struct flow *f; const struct batch *b; };

/* The reply to a target's RCPT … CONNEG. */
static int
on_caps(void *arg, struct target *t, const struct reply *r, struct err *e)
{
	const struct asking *a = arg;
	struct flow *f = a->f;
	struct buf text;
	int got;

	buf_init(&text, FEAT_MAX_TEXT);
	got = caplist_read(r, &text, e);
	if (got == 1 && (t->set = flow_capset(f, a->b, buf_view(&text), e)) == NULL)
		got = e->kind == ERR_TEMP ? -1 : 0;
	buf_free(&text);
	if (got == 1)
		t->caps = CAPS_GIVEN;
	else if (got == 0 && e->kind != ERR_NONE)	/* half a list is no list */
		log_line(LOG_WARN, f->job->id, "bad-capabilities", "to=%s relay=%s why=%s",
		    log_qs(t->rcpt->addr), log_q(f->s->mta), log_q(e->what));
	return got == -1 ? -1 : 0;
}

/* --- what would be sent --- */

static void
capset_judge(struct capset *c, const struct plan *p, uint32_t i)
{
	static const enum rcpt_fate fates[] = { [PLAN_FITS] = FATE_FITS,
	    [PLAN_CONVERTS] = FATE_CONVERTS, [PLAN_EMPTY] = FATE_EMPTY };

	c->plan = p;
	c->verdict = &p->verdict[i];
	c->fate = fates[p->verdict[i].fate];
	c->run = RUN_NOT;
}

static void
capset_fail(struct capset *c, const struct err *e)
{
	c->run = e->kind == ERR_PERM ? RUN_FAILED : RUN_BUSY;
	span_text(span_str(e->what), c->why, sizeof c->why);
	if (c->permitted != NULL)
		capset_fail(c->permitted, e);
}

/* Asks about every set that has no verdict. */
static void
plan_sets(struct flow *f)
{
	enum { SETS = 2 * JOB_MAX_RCPT + 2 };	/* two for each, and two for all of them */
	struct span caps[SETS];
	uint8_t wish[SETS];
	struct capset *of[SETS];
	struct flow_plan *p;
	struct err e = { 0 };
	uint32_t n = 0;

	for (struct capset *c = f->sets; c != NULL && n < SETS; c = c->next)
		if (c->fate == FATE_UNKNOWN) {
			of[n] = c;
			wish[n] = c->wish;
			caps[n++] = buf_view(&c->text);
		}
	if (n == 0)
		return;
	p = calloc(1, sizeof *p);
	if (p == NULL)
		err_sys(&e, "plan");
	if (p == NULL || ask_plan(f->s, caps, wish, n, &p->p, &e) == -1) {
		log_line(LOG_WARN, f->job->id, "no-plan", "why=%s", log_q(e.what));
		for (uint32_t i = 0; i < n; i++)
			capset_fail(of[i], &e);
		free(p);
		return;
	}
	p->next = f->plans;
	f->plans = p;
	for (uint32_t i = 0; i < n; i++) {
		capset_judge(of[i], &p->p.plan, i);
		inquiry_tell_verdict(f->s->inquiry, of[i]->verdict, (enum plan_wish)of[i]->wish);
	}
}

void
flow_forget(struct flow *f)
{
	for (struct made *m = f->made, *next; m != NULL; m = next) {
		next = m->next;
		converter_edits_free(&m->edits);
		free(m);
	}
	for (struct flow_plan *p = f->plans, *next; p != NULL; p = next) {
		next = p->next;
		converter_plan_free(&p->p);
		free(p);
	}
	for (struct capset *c = f->sets, *next; c != NULL; c = next) {
		next = c->next;
		buf_free(&c->text);
		free(c);
	}
	buf_free(&f->broken);
}

/* --- deciding --- */

/* The facts for the rows B: with DRUCOF=PREFER no Content-Convert is needed. */
static struct rcpt_facts
target_facts(struct flow *f, const struct batch *b, const struct target *t)
{
	const struct capset *c = t->set != NULL && t->set->permitted != NULL ? t->set->permitted : t->set;
	struct rcpt_facts r = { .conperm = f->job->env.conperm,
	    .hop_conperm = f->s->hop.ext & HOP_CONPERM, .caps = t->caps, .fate = FATE_UNKNOWN,
	    .run = RUN_NOT, .null_fails = b->opt.conperm_null, .unknown_fails = b->opt.conperm_unknown,
	    .tries_left = t->conneg_tries < b->opt.conneg_tries, .last_try = f->job->last_try };

	if (c != NULL) {
		r.fate = c->fate;
		r.run = c->run;
		r.permission = c->wish == WISH_PREFER || (c->plan != NULL && c->plan->has_permission);
		r.signed_whole = b->drucof == DRUCOF_NO && flow_signed(f);
	}
	return r;
}

static struct drucof_facts
target_drucof(const struct flow *f, const struct batch *b, const struct target *t)
{
	return (struct drucof_facts){ .conneg = true, .relays = flow_relays(f), .late = b->opt.drucof_late,
	    .caps = t->caps, .fate = t->set != NULL ? t->set->fate : FATE_UNKNOWN,
	    .run = t->set != NULL ? t->set->run : RUN_NOT, .last_try = f->job->last_try };
}

static void
decide_target(struct flow *f, const struct batch *b, struct target *t)
{
	struct rcpt_facts r = target_facts(f, b, t);
	struct drucof_facts d = target_drucof(f, b, t);

	decide_rcpt(b->usable && !r.conperm ? NULL : &r, b->usable ? &d : NULL, &t->decision);
	t->decision.drucof |= b->carried;
}

/* The verdict's lines for the report, and the row that was followed. */
static void
add_detail(struct target *t)
{
	struct err ignored;	/* what does not fit is left out */
	struct span detail = { NULL, 0 };

	if (t->set != NULL && t->set->verdict != NULL)
		detail = t->set->verdict->detail;
	if (detail.n > 0)
		(void)buf_add(&t->detail, detail, &ignored);
	else if (t->set != NULL)
		job_detail(t, "takes", buf_view(&t->set->text));
	job_detail(t, "row", span_str(t->decision.row));
}

static void
refuse(struct flow *f, struct target *t)
{
	const struct rcpt_decision *d = &t->decision;
	const char *why = t->set != NULL ? t->set->why : "", *dsn = d->dsn;
	char text[256];

	if (dsn == NULL)
		dsn = t->set->verdict->dsn;
	snprintf(text, sizeof text, "%s%s%.150s", d->why, *why != '\0' ? ": " : "", why);
	add_detail(t);
	job_settle(t, d->action == ACT_REFUSE ? OUTCOME_FAILED : OUTCOME_DEFERRED, 0, dsn, f->s->mta, text);
}

static bool
is_refused(const struct target *t)
{
	return t->decision.action == ACT_REFUSE || t->decision.action == ACT_DEFER;
}

/* --- dividing --- */

struct group {
	enum rcpt_action action;
	bool drucof;			/* RCPT carries it */
	bool ours;			/* by our directory: the hop is not asked about them (RFC 4141, 3.3) */
	struct capset *set;		/* of ACT_CONVERT: one of its members' */
	struct target *t[JOB_MAX_RCPT];
	uint32_t n;
};

struct division {
	struct group *group;
	uint32_t n;
	uint32_t forms;			/* that their conversions make: option batch_max */
	bool others;			/* taken by the hop here, but not to be sent to */
};

static bool
group_fits(const struct group *g, const struct target *t, const struct batch *b)
{
	if (b->opt.batch == 2 || g->action != t->decision.action || g->drucof != t->decision.drucof ||
	    g->ours != (t->caps == CAPS_OURS))
		return false;
	return g->action != ACT_CONVERT || span_eq(g->set->verdict->key, t->set->verdict->key);
}

/* Must it be converted to a form that no group is sent in? */
static bool
is_new_form(const struct division *d, const struct target *t)
{
	bool is = t->decision.action == ACT_CONVERT;

	for (uint32_t i = 0; i < d->n && is; i++)
		is = d->group[i].action != ACT_CONVERT ||
		    !span_eq(d->group[i].set->verdict->key, t->set->verdict->key);
	return is;
}

/* A target into its group, a new one if need be; too many forms: later. */
static void
divide_one(struct flow *f, struct division *d, const struct batch *b, struct target *t)
{
	bool form = is_new_form(d, t);
	uint32_t i = 0;

	while (i < d->n && !group_fits(&d->group[i], t, b))
		i++;
	if (form && d->forms == b->opt.batch_max) {
		job_settle(t, OUTCOME_DEFERRED, 0, "4.6.5", f->s->mta,
		    "more forms of one message than are sent at a time");
		t->res.flags |= RESULT_SOON;
		d->others = true;
		return;
	}
	if (i == d->n) {
		d->group[i].action = t->decision.action;
		d->group[i].drucof = t->decision.drucof;
		d->group[i].ours = t->caps == CAPS_OURS;
		d->group[i].set = t->set;
		d->group[i].n = 0;
		d->n++;
		d->forms += form;
	}
	d->group[i].t[d->group[i].n++] = t;
	inquire_batch(f->s->inquiry, t);
}

/* Is it to get the message in some form that it takes? */
static bool
gets_form(const struct target *t)
{
	return t->accepted && t->set != NULL && (t->decision.action == ACT_CONVERT ||
	    (t->decision.action == ACT_ORIGINAL && t->set->fate == FATE_FITS));
}

/* All who take some form of it, by one common form (R20).  NULL: there is none. */
static struct capset *
common_set(struct flow *f, const struct batch *b)
{
	struct capset *c = NULL, *last = NULL;
	struct err e = { 0 };
	struct buf text;
	uint32_t n = 0;
	int r;

	buf_init(&text, FEAT_MAX_TEXT);
	r = buf_add_str(&text, "(&", &e);
	for (uint32_t i = 0; i < b->n && r == 0; i++) {
		struct target *t = b->t[i];
		bool known = false;

		if (t->done || !gets_form(t))
			continue;
		for (uint32_t j = 0; j < i; j++)
			known |= b->t[j]->set == t->set;
		if (known)
			continue;
		last = t->set;
		n++;
		if (buf_add_byte(&text, ' ', &e) == -1 ||
		    buf_add(&text, buf_view(&t->set->text), &e) == -1)
			r = -1;
	}
	if (r == 0 && n > 1 && buf_add_byte(&text, ')', &e) == 0)
		c = flow_capset(f, b, buf_view(&text), &e);
	buf_free(&text);
	if (n == 1)
		return last;
	if (c == NULL)
		return NULL;
	plan_sets(f);
	return c->fate == FATE_FITS || c->fate == FATE_CONVERTS ? c : NULL;
}

static void
decide_all(struct flow *f, struct batch *b)
{
	struct capset *c;

	for (uint32_t i = 0; i < b->n; i++)
		if (b->t[i]->accepted)
			decide_target(f, b, b->t[i]);
	if (b->opt.batch != 1 || (c = common_set(f, b)) == NULL)
		return;
	for (uint32_t i = 0; i < b->n; i++) {
		struct target *t = b->t[i];

		if (!gets_form(t))
			continue;
		t->set = c;
		decide_target(f, b, t);
	}
}

static void
divide(struct flow *f, struct division *d, struct batch *b)
{
	for (uint32_t i = 0; i < b->n; i++) {
		struct target *t = b->t[i];

		if (!t->accepted || t->done)
			continue;
		flow_row(f, t, t->decision.row, t->decision.action == ACT_CONVERT ? t->set->verdict->key :
		    span_of(NULL, 0));
		if (is_refused(t)) {
			refuse(f, t);
			d->others = true;
		} else {
			divide_one(f, d, b, t);
		}
	}
}

/* --- sending --- */

/* conperm_after=drop: mail that was converted goes without CONPERM (R38). */
static bool
drops_conperm(const struct group *g, const struct batch *b)
{
	return g->action == ACT_CONVERT && b->opt.conperm_after == 1;
}

/* May the group be served in the transaction under way?  It has to be alone there, under CONPERM and DRUCOF
 * or not as it must be, and mail for those of whom nothing is known is not asked about (row B5a). */
static bool
goes_on(const struct flow *f, const struct group *g, const struct batch *b, const struct xact *x)
{
	bool conperm = f->job->env.conperm && f->s->hop.ext & HOP_CONPERM && !drops_conperm(g, b);

	if (g->action == ACT_SEPARATE || g->ours)
		for (uint32_t i = 0; i < g->n; i++)
			if (g->t[i]->asked)
				return false;
	return conperm == x->conperm && g->drucof == (x->drucof != DRUCOF_NO);
}

/* Sends the group in this transaction.  made: NULL for the original. */
static void
group_send(struct flow *f, struct group *g, struct xact *x, const struct made *made)
{
	struct err e = { 0 };

	x->t = g->t;
	x->n = g->n;
	if (flow_dress(f, x, made, &e) == -1) {
		flow_settle_err(f, g->t, g->n, &e);
		return;
	}
	if (flow_unfit(f, g->t, g->n, x->size))
		return;
	flow_send(f, x, made);
	for (uint32_t i = 0; i < g->n && made != NULL && made->key.n > 0; i++)
		if (g->t[i]->done && g->t[i]->res.outcome <= OUTCOME_RELAYED)
			add_detail(g->t[i]);
}

/* Another session for the group, which asks again.  Answers that change with each session are a failure of
 * negotiation: mail without CONPERM and DRUCOF goes as it is, and nobody is asked (row B2d). */
static void
group_again(struct flow *f, struct group *g, const struct batch *b)
{
	bool spent = b->round + 1 >= FLOW_ROUNDS;
	struct batch *again;

	if (spent && (f->job->env.conperm || b->usable)) {
		flow_settle(f, g->t, g->n, OUTCOME_DEFERRED, "4.6.5",
		    "what the recipients take changes with each session");
		return;
	}
	flow_push(f, b, g->t, g->n, &again);
	if (again == NULL)
		return;
	again->round = spent ? 1 : again->round + 1;
	again->separate |= spent || g->action == ACT_SEPARATE;
	if (g->ours && g->t[0]->asked)
		again->separate = again->ours = true;
	again->ended = drops_conperm(g, b);
	again->relayed = g->drucof && f->job->env.conperm;	/* else it is asked about without */
}

static void group_serve(struct flow *f, struct group *g, struct batch *b, struct xact *x);

/* The conversion is not to be had: what the table says then, for each; the rest gets the original. */
static void
group_unmade(struct flow *f, struct group *g, struct batch *b, struct xact *x, const struct err *e)
{
	uint32_t n = 0;

	log_line(LOG_WARN, f->job->id, "no-conversion", "key=%s why=%s",
	    log_qs(g->set->verdict->key), log_q(e->what));
	for (uint32_t i = 0; i < g->n; i++) {
		struct target *t = g->t[i];

		capset_fail(t->set, e);
		decide_target(f, b, t);
		flow_row(f, t, t->decision.row, span_of(NULL, 0));
		if (is_refused(t))
			refuse(f, t);
		else
			g->t[n++] = t;
	}
	g->n = n;
	g->action = ACT_ORIGINAL;
	if (n > 0)
		g->drucof = g->t[0]->decision.drucof;
	if (n > 0 && f->s->open && goes_on(f, g, b, x))
		group_serve(f, g, b, x);
	else if (n > 0)
		group_again(f, g, b);
	else
		smtp_quit(f->s);
}

/* The group is alone in this session. */
static void
group_serve(struct flow *f, struct group *g, struct batch *b, struct xact *x)
{
	const struct capset *set = g->action == ACT_CONVERT ? g->set : NULL;
	bool record = set != NULL && b->opt.record == 1;
	struct made *made;
	struct err e = { 0 };

	if (flow_form(f, set, record, (int64_t)b->opt.wait_s * 1000, &made, &e) == 0) {
		group_send(f, g, x, made);
		return;
	}
	if (flow_late(f, &e)) {
		smtp_quit(f->s);	/* nobody is kept waiting; the answers may change meanwhile */
		if (flow_form(f, set, record, (int64_t)CONFNEG_LATE_S * 1000, &made, &e) == 0) {
			group_again(f, g, b);
			return;
		}
	}
	if (set != NULL) {
		group_unmade(f, g, b, x, &e);
		return;
	}
	smtp_quit(f->s);
	flow_settle_err(f, g->t, g->n, &e);
}

/* Recipients that have spent their tries of CONNEG are asked for no more (row B10). */
static void
spend_tries(struct batch *b)
{
	for (uint32_t i = 0; i < b->n; i++)
		if (b->t[i]->conneg_tries >= b->opt.conneg_tries)
			b->t[i]->bare = true;
}

static void
serve_groups(struct flow *f, struct batch *b, struct xact *x, struct division *d)
{
	divide(f, d, b);
	if (d->n == 1 && !d->others && goes_on(f, &d->group[0], b, x)) {
		group_serve(f, &d->group[0], b, x);
		return;
	}
	smtp_quit(f->s);		/* R19: this session ends, each group gets its own */
	for (uint32_t i = 0; i < d->n; i++)
		group_again(f, &d->group[i], b);
}

/* Nobody was asked. */
static void
caps_ours(struct batch *b)
{
	for (uint32_t i = 0; i < b->n; i++) {
		b->t[i]->caps = CAPS_OURS;
		b->t[i]->set = b->t[i]->ours;
	}
}

/* --- DRUCOF alone: one session probes, and sends, in transactions of their own (row D1) --- */

/* A session for the next transaction, as the hop bounds them.  false: the group waits for another batch. */
static bool
group_open(struct flow *f, struct group *g, struct batch *part)
{
	const struct hop *hop = &f->s->hop;
	struct err e = { 0 };

	if (f->s->open && hop->mail_max > 0 && f->s->mails >= hop->mail_max)
		smtp_quit(f->s);		/* RFC 9422, 4.1 */
	if (f->s->open)
		return true;
	if (smtp_open(f->s, &e) == -1)
		flow_unreached(f, part, &e);
	else if (g->drucof && !flow_relays(f))	/* another host */
		group_again(f, g, part);
	else
		return true;
	return false;
}

/* One group in a transaction that asks nothing.  A hop may take only one in a session and not say so: it
 * hangs up over the second. */
static void
group_turn(struct flow *f, struct group *g, const struct batch *b)
{
	struct target *all[JOB_MAX_RCPT];
	struct batch part = *b;
	enum xact_end end = XACT_LOST;
	struct err e = { 0 };
	struct xact x;

	memcpy(all, g->t, g->n * sizeof *all);
	part.t = all;
	part.n = g->n;
	for (int try = 0; try < 2 && end == XACT_LOST; try++) {
		if (!group_open(f, g, &part))
			return;
		x = (struct xact){ .t = g->t, .n = g->n, .drucof = g->drucof ? b->drucof : DRUCOF_NO,
		    .careful = b->careful, .next_host = flow_next_host(f, b), .body = flow_body(f) };
		end = smtp_begin(f->s, &x, &e);
		if (end == XACT_LOST && x.at != XACT_AT_MAIL)
			break;
	}
	if (end == XACT_READY)
		group_serve(f, g, &part, &x);
	x.t = all;
	flow_after(f, &part, &x, end, true, &e);
}

static void
serve_turns(struct flow *f, struct batch *b, struct xact *x, struct division *d)
{
	struct err ignored;	/* nothing is lost */

	divide(f, d, b);
	flow_after(f, b, x, XACT_READY, true, &ignored);	/* whom the question did not come to has it again */
	for (uint32_t i = 0; i < d->n; i++)
		group_turn(f, &d->group[i], b);
}

/* A probe asks for what is known and no more: a host of draft -03 is told so (DRUCOF, 2). */
static const char *
question_conneg(const struct session *s, unsigned dialect)
{
	return command_conneg(s->srv && dialect != DIALECT_4141 ? DIALECT_D03_OPTIONAL : dialect);
}

void
flow_question(struct flow *f, struct batch *b)
{
	unsigned ext = f->s->hop.ext;
	struct asking asking = { f, b };
	struct xact x = { .t = b->t, .n = b->n, .conperm = ext & HOP_CONPERM && f->job->env.conperm, .probe = true,
	    .conneg = ext & HOP_CONNEG && b->opt.ask != 2 ? question_conneg(f->s, b->opt.dialect) : NULL,
	    .careful = b->careful, .next_host = flow_next_host(f, b), .body = BODY_7BIT, .caps = on_caps,
	    .arg = &asking };
	struct target **all = b->t;
	uint32_t n = b->n;
	bool fresh = !f->s->used;
	struct err e = { 0 };
	enum xact_end end = smtp_begin(f->s, &x, &e);

	if (end == XACT_CONPERM) {
		flow_not_taken(f, b);
		return;
	}
	for (uint32_t i = 0; i < n; i++)
		inquire_caps(f->s->inquiry, all[i]);
	if (end == XACT_READY)
		flow_settle(f, all, n, OUTCOME_RELAYED, "2.1.5", "the next hop has answered");
	flow_after(f, b, &x, end, fresh, &e);
}

void
flow_negotiate(struct flow *f, struct batch *b, const struct mail_decision *how)
{
	bool known = how->action == MAIL_KNOWN;
	struct asking asking = { f, b };
	bool drucof = b->carried || (b->relayed && flow_relays(f));
	struct xact x = { .t = b->t, .n = b->n, .conperm = how->conperm && !b->ended,
	    .drucof = drucof ? b->drucof : DRUCOF_NO, .probe = b->usable && !f->job->env.conperm,
	    .conneg = known ? NULL : command_conneg(b->opt.dialect), .careful = b->careful,
	    .next_host = flow_next_host(f, b), .body = flow_body(f), .caps = on_caps, .arg = &asking,
	    .tries_max = b->opt.conneg_tries };
	struct division d = { 0 };
	struct target **all = b->t;
	uint32_t n = b->n;
	bool fresh = !f->s->used;
	struct err e = { 0 };
	enum xact_end end;

	if (!x.probe)		/* there a host that cannot say is one to wait for (row D5) */
		spend_tries(b);
	if ((d.group = malloc(b->n * sizeof *d.group)) == NULL) {
		flow_settle(f, b->t, b->n, OUTCOME_DEFERRED, "4.3.0", "no memory");
		return;
	}
	end = smtp_begin(f->s, &x, &e);
	if (known && end == XACT_READY)
		caps_ours(b);
	for (uint32_t i = 0; i < n && end <= XACT_NONE; i++)
		inquire_caps(f->s->inquiry, all[i]);
	if (end == XACT_CONPERM) {
		flow_not_taken(f, b);
	} else if (end == XACT_READY) {
		if (!known && f->job->env.conperm)
			flow_ours(f, b);
		plan_sets(f);
		decide_all(f, b);
		if (x.probe)
			serve_turns(f, b, &x, &d);
		else
			serve_groups(f, b, &x, &d);
	}
	free(d.group);
	if (x.probe && end == XACT_READY)
		return;
	x.t = all;
	x.n = n;
	flow_after(f, b, &x, end, fresh, &e);
}
