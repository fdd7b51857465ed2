/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/envelope.h"

#include <stdlib.h>

#include "lib/address.h"
#include "lib/cur.h"
#include "lib/headedit.h"

/*
 * Types of records.  VERSION comes first; those from RCPT_ORCPT on say something of the RCPT
 * before them.  A number is never used again for something else.
 */
enum env_type {
	REC_VERSION = 1,	/* uint8: ENV_VERSION */
	REC_SENDER,		/* octets; empty: the null reverse-path */
	REC_ENVID,		/* xtext */
	REC_CLIENT,		/* text */
	REC_ARRIVAL,		/* uint64 microseconds */
	REC_RET,		/* uint8: enum ret_type; so on below */
	REC_BODY,
	REC_SMTPUTF8,
	REC_CONPERM,
	REC_SENDER_SPELLED,	/* octets */
	REC_RELEASE,		/* uint64 microseconds, then text */
	REC_PRIORITY,		/* uint8: 10 more than it is */
	REC_DELIVERBY,		/* uint64 microseconds, uint8: enum by_flag bits */
	REC_EDITS = 32,		/* lib/headedit.h */
	REC_RCPT = 64,		/* octets */
	REC_RCPT_ORCPT,		/* xtext */
	REC_RCPT_NOTIFY,	/* uint8: enum notify bits */
	REC_RCPT_DRUCOF,	/* uint8: enum drucof */
	REC_RCPT_SPELLED,	/* octets */
	REC_RCPT_PLAIN = REC_RCPT + 8,	/* uint8 */
	REC_RCPT_END
};
#define ENV_MAX_US (INT64_MAX / 2)	/* sums with it do not wrap */
enum { REC_HEAD = 6, PRIORITY_BIAS = 10, BY_ALL = BY_RETURN | BY_TRACE, NOTIFY_ALL = NOTIFY_NEVER | NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY };

static bool
env_text_ok(struct span s, size_t max)
{
	if (s.n > max)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return true;
}

/* NEVER excludes the others (RFC 3461, 4.1). */
static bool
env_notify_ok(uint8_t notify)
{
	return notify <= NOTIFY_ALL && (notify == NOTIFY_NEVER || !(notify & NOTIFY_NEVER));
}

static int
env_add(struct buf *out, enum env_type type, struct span value, struct err *e)
{
	if (buf_add_u16le(out, (uint16_t)type, e) == -1 ||
	    buf_add_u32le(out, (uint32_t)value.n, e) == -1)
		return -1;
	return buf_add(out, value, e);
}

/* A number that is 0 needs no record. */
static int
env_add_u8(struct buf *out, enum env_type type, uint8_t v, struct err *e)
{
	return v == 0 ? 0 : env_add(out, type, span_of(&v, 1), e);
}

static int
env_add_text(struct buf *out, enum env_type type, struct span s, struct err *e)
{
	if (!env_text_ok(s, ENV_MAX_TEXT))
		return err_set(e, ERR_PERM, "5.5.4", "envelope: a text with control octets or over %d",
		    ENV_MAX_TEXT);
	return s.n == 0 ? 0 : env_add(out, type, s, e);
}

/* A path that is not always there. */
static int
env_add_path(struct buf *out, enum env_type type, struct span s, struct err *e)
{
	if (!env_text_ok(s, ENV_MAX_PATH))
		return err_set(e, ERR_PERM, "5.5.4", "envelope: an address out of bounds");
	return s.n == 0 ? 0 : env_add(out, type, s, e);
}

static int
env_add_rcpt(struct buf *out, const struct rcpt *r, struct err *e)
{
	if (r->addr.n == 0 || !env_text_ok(r->addr, ENV_MAX_PATH) || !env_notify_ok(r->notify) ||
	    r->drucof > DRUCOF_PREFER || r->plain > 1)
		return err_set(e, ERR_PERM, "5.5.4", "envelope: a recipient out of bounds");
	if (env_add(out, REC_RCPT, r->addr, e) == -1 ||
	    env_add_text(out, REC_RCPT_ORCPT, r->orcpt, e) == -1 ||
	    env_add_u8(out, REC_RCPT_NOTIFY, r->notify, e) == -1)
		return -1;
	if (env_add_u8(out, REC_RCPT_DRUCOF, r->drucof, e) == -1 ||
	    env_add_u8(out, REC_RCPT_PLAIN, r->plain, e) == -1)
		return -1;
	return env_add_path(out, REC_RCPT_SPELLED, r->spelled, e);
}

static int
env_add_release(struct buf *out, const struct envelope *env, struct err *e)
{
	if (!env_text_ok(env->hold, ENV_MAX_TEXT) || env->release_us > ENV_MAX_US)
		return err_set(e, ERR_PERM, "5.5.4", "envelope: a time of release out of bounds");
	if (buf_add_u16le(out, REC_RELEASE, e) == -1 || buf_add_u32le(out, (uint32_t)(8 + env->hold.n), e) == -1 ||
	    buf_add_u64le(out, env->release_us, e) == -1)
		return -1;
	return buf_add(out, env->hold, e);
}

/* How soon it is wanted. */
static int
env_add_haste(struct buf *out, const struct envelope *env, struct err *e)
{
	if (env->priority != 0 &&
	    env_add_u8(out, REC_PRIORITY, (uint8_t)(env->priority + PRIORITY_BIAS), e) == -1)
		return -1;
	if (env->by_us == 0)
		return 0;
	if (buf_add_u16le(out, REC_DELIVERBY, e) == -1 || buf_add_u32le(out, 9, e) == -1 ||
	    buf_add_u64le(out, env->by_us, e) == -1)
		return -1;
	return buf_add_byte(out, env->by, e);
}

static int
env_add_message(struct buf *out, const struct envelope *env, struct err *e)
{
	static const uint8_t version = ENV_VERSION;

	if (env_add(out, REC_VERSION, span_of(&version, 1), e) == -1 ||
	    env_add(out, REC_SENDER, env->sender, e) == -1 ||
	    env_add_text(out, REC_ENVID, env->envid, e) == -1 ||
	    env_add_text(out, REC_CLIENT, env->client, e) == -1 ||
	    buf_add_u16le(out, REC_ARRIVAL, e) == -1 || buf_add_u32le(out, 8, e) == -1 ||
	    buf_add_u64le(out, env->arrival_us, e) == -1 ||
	    env_add_u8(out, REC_RET, env->ret, e) == -1 ||
	    env_add_u8(out, REC_BODY, env->body, e) == -1 ||
	    env_add_u8(out, REC_SMTPUTF8, env->smtputf8, e) == -1)
		return -1;
	if (env_add_u8(out, REC_CONPERM, env->conperm, e) == -1)
		return -1;
	if (env_add_path(out, REC_SENDER_SPELLED, env->sender_spelled, e) == -1 || env_add_haste(out, env, e) == -1)
		return -1;
	if (env->edits.n > 0 && env_add(out, REC_EDITS, env->edits, e) == -1)
		return -1;
	return env->release_us == 0 ? 0 : env_add_release(out, env, e);
}

int
envelope_encode(const struct envelope *env, struct buf *out, struct err *e)
{
	size_t start = out->n;

	if (!env_text_ok(env->sender, ENV_MAX_PATH) || env->nrcpt == 0 ||
	    env->nrcpt > ENV_MAX_RCPT || env->ret > RET_HDRS || env->body > BODY_BINARYMIME ||
	    env->smtputf8 > 1 || env->conperm > 1 || !headedit_ok(env->edits) ||
	    (env->sender_spelled.n > 0 && !env->smtputf8) ||
	    env->priority < PRIORITY_MIN || env->priority > PRIORITY_MAX || env->by > BY_ALL || env->by_us > ENV_MAX_US ||
	    (env->by_us == 0 && env->by != 0))
		return err_set(e, ERR_PERM, "5.5.4", "envelope: a field out of bounds");
	if (env_add_message(out, env, e) == -1)
		goto undo;
	for (uint32_t i = 0; i < env->nrcpt; i++)
		if (env_add_rcpt(out, &env->rcpt[i], e) == -1)
			goto undo;
	if (out->n - start <= ENV_MAX)
		return 0;
	err_set(e, ERR_PERM, "5.5.4", "envelope: over %d octets", ENV_MAX);
undo:
	out->n = start;
	return -1;
}

/* What has been read so far. */
struct env_reader { struct envelope *env; uint32_t seen, cap; bool bad; };

/* Takes a number of one octet, at most max. */
static void
env_take_u8(struct env_reader *r, struct span v, uint8_t max, uint8_t *out)
{
	if (v.n == 1 && v.p[0] <= max)
		*out = v.p[0];
	else
		r->bad = true;
}

static void
env_take_text(struct env_reader *r, struct span v, size_t max, struct span *out)
{
	if (env_text_ok(v, max))
		*out = v;
	else
		r->bad = true;
}

static int
env_take_rcpt(struct env_reader *r, struct span v, struct err *e)
{
	struct envelope *env = r->env;

	if (v.n == 0 || env->nrcpt == ENV_MAX_RCPT) {
		r->bad = true;
		return 0;
	}
	if (env->nrcpt == r->cap) {
		uint32_t cap = r->cap == 0 ? 4 : r->cap * 2;
		struct rcpt *p = realloc(env->rcpt, cap * sizeof *p);

		if (p == NULL)
			return err_sys(e, "envelope");
		env->rcpt = p;
		r->cap = cap;
	}
	env->rcpt[env->nrcpt] = (struct rcpt){ .notify = 0 };
	env_take_text(r, v, ENV_MAX_PATH, &env->rcpt[env->nrcpt++].addr);
	for (int type = REC_RCPT_ORCPT; type < REC_RCPT_END; type++)
		r->seen &= ~(1u << (type - REC_RCPT + 16));
	return 0;
}

/* Each record once: for the message, or for its recipient. */
static bool
env_first(struct env_reader *r, uint16_t type)
{
	uint32_t bit;

	if (type < 16)
		bit = 1u << type;
	else if (type > REC_RCPT && type < REC_RCPT + 16)
		bit = 1u << (type - REC_RCPT + 16);
	else
		return true;
	if (r->seen & bit)
		return false;
	r->seen |= bit;
	return true;
}

static void
env_take_haste(struct env_reader *r, uint16_t type, struct span v)
{
	struct envelope *env = r->env;
	struct cur c = cur_of(v);
	uint8_t priority = PRIORITY_BIAS;

	if (type == REC_PRIORITY) {
		env_take_u8(r, v, PRIORITY_BIAS + PRIORITY_MAX, &priority);
		env->priority = (int8_t)(priority - PRIORITY_BIAS);
		r->bad |= priority == 0;
		return;
	}
	env->by_us = cur_u64le(&c);
	env_take_u8(r, cur_rest(&c), BY_ALL, &env->by);
	r->bad |= c.bad || env->by_us == 0 || env->by_us > ENV_MAX_US;
}

static int
env_take(struct env_reader *r, uint16_t type, struct span v, struct err *e)
{
	struct envelope *env = r->env;
	struct rcpt none = { .notify = 0 }, *to = env->nrcpt > 0 ? &env->rcpt[env->nrcpt - 1] : &none;
	struct cur c = cur_of(v);
	uint8_t version = 0;

	if (!env_first(r, type) || (to == &none && type > REC_RCPT && type < REC_RCPT_END))
		r->bad = true;
	switch (type) {
	case REC_VERSION: env_take_u8(r, v, ENV_VERSION, &version); break;
	case REC_SENDER: env_take_text(r, v, ENV_MAX_PATH, &env->sender); break;
	case REC_ENVID: env_take_text(r, v, ENV_MAX_TEXT, &env->envid); break;
	case REC_CLIENT: env_take_text(r, v, ENV_MAX_TEXT, &env->client); break;
	case REC_ARRIVAL:
		env->arrival_us = cur_u64le(&c);
		r->bad |= c.bad || cur_left(&c) > 0;
		break;
	case REC_RELEASE:
		env->release_us = cur_u64le(&c);
		r->bad |= c.bad || env->release_us == 0 || env->release_us > ENV_MAX_US;
		env_take_text(r, cur_take(&c, cur_left(&c)), ENV_MAX_TEXT, &env->hold);
		break;
	case REC_PRIORITY:
	case REC_DELIVERBY: env_take_haste(r, type, v); break;
	case REC_RET: env_take_u8(r, v, RET_HDRS, &env->ret); break;
	case REC_BODY: env_take_u8(r, v, BODY_BINARYMIME, &env->body); break;
	case REC_SMTPUTF8: env_take_u8(r, v, 1, &env->smtputf8); break;
	case REC_CONPERM: env_take_u8(r, v, 1, &env->conperm); break;
	case REC_SENDER_SPELLED: env_take_text(r, v, ENV_MAX_PATH, &env->sender_spelled); break;
	case REC_EDITS:
		r->bad |= env->edits.n > 0 || v.n == 0 || !headedit_ok(v);
		env->edits = v;
		break;
	case REC_RCPT: return env_take_rcpt(r, v, e);
	case REC_RCPT_ORCPT: env_take_text(r, v, ENV_MAX_TEXT, &to->orcpt); break;
	case REC_RCPT_NOTIFY:
		env_take_u8(r, v, NOTIFY_ALL, &to->notify);
		r->bad |= !env_notify_ok(to->notify);
		break;
	case REC_RCPT_DRUCOF: env_take_u8(r, v, DRUCOF_PREFER, &to->drucof); break;
	case REC_RCPT_SPELLED: env_take_text(r, v, ENV_MAX_PATH, &to->spelled); break;
	case REC_RCPT_PLAIN: env_take_u8(r, v, 1, &to->plain); break;
	default: break;			/* of a later version's: kept in the block */
	}
	return 0;
}

int
envelope_decode(struct span block, struct envelope *env, struct err *e)
{
	struct cur c = cur_of(block);
	struct env_reader r = { .env = env };
	const uint32_t need = 1u << REC_VERSION | 1u << REC_SENDER;

	*env = (struct envelope){ .rcpt = NULL };
	r.bad = block.n < REC_HEAD || block.n > ENV_MAX;
	while (!r.bad && cur_left(&c) > 0) {
		bool first = c.p == block.p;
		uint16_t type = cur_u16le(&c);
		uint32_t len = cur_u32le(&c);
		struct span v = cur_take(&c, len);

		if (c.bad || first != (type == REC_VERSION)) {
			r.bad = true;
		} else if (env_take(&r, type, v, e) == -1) {
			envelope_free(env);
			return -1;
		}
	}
	if (!r.bad && (r.seen & need) == need && env->nrcpt > 0)
		return 0;
	envelope_free(env);
	return err_set(e, ERR_PERM, "5.3.5", "the envelope is malformed");
}

int64_t
envelope_by_s(const struct envelope *env, int64_t now_us)
{
	const int64_t most = 999999999;
	int64_t us = (int64_t)env->by_us - now_us, s = us / 1000000;

	if (us > 0 && s == 0)		/* not yet past: by-mode R takes no 0 */
		s = 1;
	return s > most ? most : s < -most ? -most : s;
}

/* Octet by octet, or in lower case. */
static int
order_spans(struct span a, struct span b, bool any_case)
{
	if (a.n != b.n)
		return a.n < b.n ? -1 : 1;
	for (size_t i = 0; i < a.n && any_case; i++)
		if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
			return ascii_lower(a.p[i]) < ascii_lower(b.p[i]) ? -1 : 1;
	return any_case || a.n == 0 ? 0 : memcmp(a.p, b.p, a.n);
}

/* Postmaster is one in any case (RFC 5321, 4.5.1). */
static struct span
rcpt_local(const struct rcpt *r)
{
	struct span local = address_local(r->addr);

	return span_isi(local, "postmaster") ? span_str("postmaster") : local;
}

/* 0: the same recipient. */
static int
rcpt_order(const struct rcpt *a, const struct rcpt *b)
{
	int r = order_spans(rcpt_local(a), rcpt_local(b), false);

	if (r == 0)
		r = order_spans(address_domain(a->addr), address_domain(b->addr), true);
	if (r == 0)
		r = order_spans(a->orcpt, b->orcpt, false);
	if (r == 0)
		r = a->notify - b->notify;
	if (r == 0)
		r = a->plain - b->plain;
	return r != 0 ? r : a->drucof - b->drucof;
}

/* For qsort: who is the same in the order in which they came. */
static int
by_rcpt(const void *x, const void *y)
{
	const struct rcpt *a = *(struct rcpt *const *)x, *b = *(struct rcpt *const *)y;
	int r = rcpt_order(a, b);

	return r != 0 ? r : a < b ? -1 : a > b;
}

int
envelope_unique(struct envelope *env, struct err *e)
{
	struct rcpt **p, *first;
	uint32_t n = 0;

	if (env->nrcpt < 2)
		return 0;
	if ((p = calloc(env->nrcpt, sizeof *p)) == NULL)
		return err_sys(e, "recipients");
	for (uint32_t i = 0; i < env->nrcpt; i++)
		p[i] = &env->rcpt[i];
	qsort(p, env->nrcpt, sizeof *p, by_rcpt);
	first = p[0];
	for (uint32_t i = 1; i < env->nrcpt; i++)
		if (rcpt_order(first, p[i]) == 0)
			p[i]->addr.p = NULL;	/* goes */
		else
			first = p[i];
	for (uint32_t i = 0; i < env->nrcpt; i++)
		if (env->rcpt[i].addr.p != NULL)
			env->rcpt[n++] = env->rcpt[i];
	env->nrcpt = n;
	free(p);
	return 0;
}

void
envelope_free(struct envelope *env)
{
	free(env->rcpt);
	*env = (struct envelope){ .rcpt = NULL };
}
