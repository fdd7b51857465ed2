/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "expand/letter.h"

#include <stdlib.h>

#include "lib/address.h"
#include "lib/clock.h"
#include "lib/headedit.h"
#include "lib/mime.h"
#include "lib/result.h"

/* Can the local part stand in a List-Id as it is? */
static bool
is_atom(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_alpha(s.p[i]) && !ascii_digit(s.p[i]) && (s.p[i] == 0 || strchr("-_.", s.p[i]) == NULL))
			return false;
	return s.n > 0;
}

/* One that is there is another list's, which this one got it from: there can be one alone (RFC 2919, 3). */
static int
put_list(const struct letter *l, struct span addr, struct buf *out, struct err *e)
{
	struct span local = address_local(addr), domain = address_domain(addr);
	struct mime_field f;

	if (!is_atom(local) || !is_atom(domain) || mime_field_find(l->header, "List-Id", &f) > 0)
		return 0;
	return buf_addf(out, e, "List-Id: <%.*s.%.*s>\r\n", (int)local.n, (const char *)local.p, (int)domain.n,
	    (const char *)domain.p);
}

int
letter_top(const struct letter *l, bool list, struct buf *out, struct err *e)
{
	const struct rcpt *r = &l->env->rcpt[l->slot];
	struct span to = rcpt_spelled(r);
	char date[40];

	clock_rfc5322(l->now_us, date, sizeof date);
	if (buf_addf(out, e, "Received: by %s (accord)\r\n\tid %s\r\n\tfor <%.*s>; %s\r\nDelivered-To: %.*s\r\n", l->me,
	    l->id, (int)to.n, (const char *)to.p, date, (int)to.n, (const char *)to.p) == -1)
		return -1;
	return list ? put_list(l, r->addr, out, e) : 0;
}

/* What all of them have of the old recipient's parameters. */
static struct rcpt
rcpt_like(const struct rcpt *old, bool list, bool several)
{
	struct rcpt r = { .notify = 0 };

	if (list)
		return r;
	r.orcpt = old->orcpt;
	r.drucof = old->drucof;
	r.notify = old->notify;
	if (several && r.notify & NOTIFY_SUCCESS) {
		r.notify &= (uint8_t)~NOTIFY_SUCCESS;
		if (r.notify == 0)		/* success alone was to be told of */
			r.notify = NOTIFY_NEVER;
	}
	return r;
}

static void
list_sender(struct envelope *env, const struct targets *t)
{
	if (env->sender.n > 0)		/* a report stays one: nobody answers it */
		env->sender = buf_view(&t->owner);
	env->sender_spelled = env->envid = env->hold = span_of(NULL, 0);
	env->ret = RET_UNSET;
	env->conperm = 0;
	env->release_us = 0;
}

int
letter_envelope(const struct letter *l, const struct targets *t, struct buf *out, uint32_t *flags, uint32_t *n,
    struct err *e)
{
	const struct rcpt *old = &l->env->rcpt[l->slot];
	struct envelope env = *l->env;
	struct buf edits;
	int r;

	if ((env.rcpt = calloc(t->n, sizeof *env.rcpt)) == NULL)
		return err_sys(e, "alias");
	buf_init(&edits, HEADEDIT_OCTETS);
	for (env.nrcpt = 0; env.nrcpt < t->n; env.nrcpt++) {
		env.rcpt[env.nrcpt].addr = target_addr(t, &t->v[env.nrcpt]);
		env.rcpt[env.nrcpt].plain = t->v[env.nrcpt].plain;
	}
	r = headedit_shift(env.edits, l->before, &edits, e);
	env.edits = buf_view(&edits);
	if (r == 0 && (r = envelope_unique(&env, e)) == 0) {
		for (uint32_t i = 0; i < env.nrcpt; i++) {
			struct rcpt one = rcpt_like(old, t->list, env.nrcpt > 1);

			one.addr = env.rcpt[i].addr;
			one.plain = env.rcpt[i].plain;
			env.rcpt[i] = one;
		}
		env.arrival_us = (uint64_t)l->now_us;
		if (t->list)
			list_sender(&env, t);
		*flags = t->list ? 0 : env.nrcpt > 1 ? RESULT_EXPANDED : RESULT_FORWARDED;
		*n = env.nrcpt;
		r = envelope_encode(&env, out, e);
	}
	free(env.rcpt);
	buf_free(&edits);
	return r;
}
