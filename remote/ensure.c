/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * Domains in mode ensure: what was announced of their recipients here is more than they take, and a hop
 * that offers neither CONPERM nor CONNEG will not convert it.  We do, by our own directory (row ENS).
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

/* Finds t->ours; none: nothing is known, nothing was promised.  -1: it cannot be told now. */
static int
look_up(struct flow *f, struct target *t, struct err *e)
{
	enum cap_state state = CAP_NONE;
	struct buf text;
	int r;

	buf_init(&text, MSG_MAX);
	r = ask_caps(f->s, t->rcpt->addr, &state, &t->source, &text, e);
	if (r == 0 && state != CAP_NONE && (t->ours = flow_capset(f, buf_view(&text), WISH_CONPERM, e)) == NULL)
		r = -1;
	if (r == 0 && state == CAP_ANY)		/* convertd need not be asked */
		t->ours->fate = FATE_FITS;
	buf_free(&text);
	return r;
}

bool
flow_ensured(struct flow *f, struct batch *b)
{
	struct batch *rest;
	struct err e = { 0 };
	uint32_t n = 0;

	if (b->ensured != ENSURED_UNKNOWN)
		return b->ensured == ENSURED_YES;
	for (uint32_t i = 0; i < b->n; i++) {
		struct target *t = b->t[i];

		if (is_ensured(f, t) && look_up(f, t, &e) == -1)
			flow_settle(f, &t, 1, OUTCOME_DEFERRED, e.dsn[0] == '4' ? e.dsn : "4.3.3", e.what);
		if (t->ours == NULL)
			continue;
		b->t[i] = b->t[n];
		b->t[n++] = t;
	}
	b->ensured = ENSURED_NO;
	if (n == 0)
		return false;
	flow_push(f, b, b->t + n, b->n - n, &rest);
	b->n = n;
	b->ensured = ENSURED_YES;
	return true;
}
