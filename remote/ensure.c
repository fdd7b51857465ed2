/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * Domains in mode ensure: what was announced of their recipients here is more than they take.  A hop that
 * offers neither CONPERM nor CONNEG will not convert it, and one that says nothing of such a recipient need
 * not be able to.  We do, by our own directory (rows ENS).
 */
#include "remote/flow.h"

#include "lib/address.h"
#include "lib/features.h"
#include "lib/log.h"

static bool
is_ensured(const struct flow *f, const struct target *t)
{
	const struct span *lines;
	uint32_t n = conf_lines(f->s->conf, CONF_CONNEG, &lines);
	struct conneg_rule rule;

	conneg_find(lines, n, address_domain(t->rcpt->addr), &rule);
	return rule.mode == CONNEG_ENSURE;
}

/* Finds t->ours, once for the job; none: nothing is known, nothing was promised.  -1: it cannot be
 * told now. */
static int
look_up(struct flow *f, const struct batch *b, struct target *t, struct err *e)
{
	enum cap_state state = CAP_NONE;
	struct buf text;
	int r;

	if (t->looked_up)
		return 0;
	buf_init(&text, MSG_MAX);
	r = ask_caps(f->s, t->rcpt->addr, &state, &t->source, &text, e);
	if (r == 0 && state != CAP_NONE && (t->ours = flow_capset(f, b, buf_view(&text), e)) == NULL)
		r = -1;
	for (struct capset *c = t->ours; c != NULL && state == CAP_ANY; c = c->permitted)
		c->fate = FATE_FITS;		/* convertd need not be asked */
	t->looked_up = r == 0;
	buf_free(&text);
	return r;
}

bool
flow_ensured(struct flow *f, struct batch *b)
{
	struct batch *rest;
	struct err e = { 0 };
	uint32_t n = 0;

	for (uint32_t i = 0; i < b->n; i++) {
		struct target *t = b->t[i];

		if (is_ensured(f, t) && look_up(f, b, t, &e) == -1)
			flow_settle(f, &t, 1, OUTCOME_DEFERRED, e.dsn[0] == '4' ? e.dsn : "4.3.3", e.what);
		if (t->ours == NULL)
			continue;
		b->t[i] = b->t[n];
		b->t[n++] = t;
	}
	if (n == 0)
		return false;
	flow_push(f, b, b->t + n, b->n - n, &rest);
	b->n = n;
	return true;
}

void
flow_ours(struct flow *f, struct batch *b)
{
	for (uint32_t i = 0; i < b->n; i++) {
		struct target *t = b->t[i];
		struct err e = { 0 };

		if (!t->accepted || t->done || t->caps != CAPS_NONE || !is_ensured(f, t))
			continue;
		if (look_up(f, b, t, &e) == -1) {
			t->caps = CAPS_OURS_LATER;
		} else if (t->ours != NULL) {
			t->caps = CAPS_OURS;
			t->set = t->ours;
		}
	}
}
