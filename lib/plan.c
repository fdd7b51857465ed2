/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/plan.h"

#include <stdlib.h>

#include "lib/cur.h"

enum {
	PLAN_MAGIC = 0x314e4c50,	/* "PLN1" */
	PLAN_PERMISSION = 1, PLAN_FLAGS = 1,
	PLAN_VERDICT_OCTETS = 28, PLAN_RANGE_OCTETS = 24	/* the least that one takes */
};

const char *
plan_fate_name(enum plan_fate fate)
{
	static const char *const names[] = { [PLAN_FITS] = "fits", [PLAN_CONVERTS] = "converts",
	    [PLAN_EMPTY] = "neither" };

	return names[fate];
}

int
plan_encode(const struct plan *p, struct buf *out, struct err *e)
{
	uint32_t flags = p->has_permission ? PLAN_PERMISSION : 0u;

	if (buf_add_u32le(out, PLAN_MAGIC, e) == -1 || buf_add_u32le(out, flags, e) == -1 ||
	    buf_add_u32le(out, p->nverdict, e) == -1 || buf_add_u32le(out, p->nrange, e) == -1)
		return -1;
	for (uint32_t i = 0; i < p->nrange; i++) {
		const struct edit_range *r = &p->range[i];

		if (buf_add_u64le(out, r->off, e) == -1 || buf_add_u64le(out, r->len, e) == -1 ||
		    buf_add_u64le(out, r->kind, e) == -1)
			return -1;
	}
	for (uint32_t i = 0; i < p->nverdict; i++) {
		const struct plan_verdict *v = &p->verdict[i];

		if (buf_add_u64le(out, v->fate, e) == -1 ||
		    buf_add(out, span_of(v->dsn, sizeof v->dsn), e) == -1 ||
		    buf_add_u32le(out, (uint32_t)v->key.n, e) == -1 ||
		    buf_add_u32le(out, (uint32_t)v->detail.n, e) == -1 ||
		    buf_add(out, v->key, e) == -1 || buf_add(out, v->detail, e) == -1)
			return -1;
	}
	return 0;
}

/* Printable ASCII; line ends too where allowed. */
static bool
plan_text_ok(struct span s, bool lines)
{
	for (size_t i = 0; i < s.n; i++)
		if ((s.p[i] < 0x20 || s.p[i] > 0x7e) && !(lines && s.p[i] == '\n'))
			return false;
	return true;
}

/* "5.6.5", padded with NULs (RFC 3463, 2); or nothing where nothing failed. */
static bool
plan_dsn_ok(struct span dsn, uint64_t fate)
{
	size_t n = span_find(dsn, '\0'), dots = 0;

	for (size_t i = n; i < dsn.n; i++)
		if (dsn.p[i] != '\0')
			return false;
	if (fate != PLAN_EMPTY)
		return n == 0;
	if (n < 5 || n == dsn.n || (dsn.p[0] != '4' && dsn.p[0] != '5') || dsn.p[1] != '.')
		return false;
	for (size_t i = 1; i < n; i++) {
		if (dsn.p[i] == '.')
			dots++;
		else if (!ascii_digit(dsn.p[i]))
			return false;
	}
	return dots == 2 && dsn.p[n - 1] != '.' && dsn.p[2] != '.';
}

static int
plan_read_verdict(struct cur *c, struct plan_verdict *v, struct err *e)
{
	uint64_t fate = cur_u64le(c);
	struct span dsn = cur_take(c, sizeof v->dsn);
	uint32_t key_len = cur_u32le(c), detail_len = cur_u32le(c);

	if (c->bad || fate > PLAN_EMPTY || key_len > PLAN_MAX_KEY || detail_len > PLAN_MAX_DETAIL)
		return err_set(e, ERR_PROTO, NULL, "plan: a verdict cut short or out of bounds");
	v->fate = (uint8_t)fate;
	v->key = cur_take(c, key_len);
	v->detail = cur_take(c, detail_len);
	if (c->bad || (v->key.n > 0) != (fate == PLAN_CONVERTS) || !plan_dsn_ok(dsn, fate) ||
	    !plan_text_ok(v->key, false) || !plan_text_ok(v->detail, true))
		return err_set(e, ERR_PROTO, NULL, "plan: a verdict that cannot be");
	memcpy(v->dsn, dsn.p, sizeof v->dsn);
	return 0;
}

static int
plan_read(struct cur *c, struct plan *out, struct err *e)
{
	for (uint32_t i = 0; i < out->nrange; i++) {
		struct edit_range *r = &out->range[i];
		uint64_t kind;

		r->off = cur_u64le(c);
		r->len = cur_u64le(c);
		kind = cur_u64le(c);
		if (kind > RANGE_RECORD)
			return err_set(e, ERR_PROTO, NULL, "plan: no such kind of range");
		r->kind = (uint8_t)kind;
	}
	if (edit_ranges_ok(PLAN_MAX_MESSAGE, out->range, out->nrange, e) == -1)
		return -1;
	for (uint32_t i = 0; i < out->nverdict; i++)
		if (plan_read_verdict(c, &out->verdict[i], e) == -1)
			return -1;
	if (c->bad || cur_left(c) != 0)
		return err_set(e, ERR_PROTO, NULL, "plan: cut short, or more after its end");
	return 0;
}

int
plan_decode(struct span in, struct plan *out, struct err *e)
{
	struct cur c = cur_of(in);
	uint32_t magic = cur_u32le(&c), flags = cur_u32le(&c);
	uint32_t nverdict = cur_u32le(&c), nrange = cur_u32le(&c);

	*out = (struct plan){ .nverdict = nverdict, .nrange = nrange,
	    .has_permission = flags & PLAN_PERMISSION };
	if (c.bad || magic != PLAN_MAGIC || (flags & ~(uint32_t)PLAN_FLAGS) != 0 ||
	    nverdict > PLAN_MAX_VERDICTS || nrange > PLAN_MAX_RANGES ||
	    (uint64_t)nverdict * PLAN_VERDICT_OCTETS + (uint64_t)nrange * PLAN_RANGE_OCTETS >
	    cur_left(&c)) {
		*out = (struct plan){ 0 };
		return err_set(e, ERR_PROTO, NULL, "plan: %zu octets are none", in.n);
	}
	out->verdict = calloc(nverdict == 0 ? 1 : nverdict, sizeof *out->verdict);
	out->range = calloc(nrange == 0 ? 1 : nrange, sizeof *out->range);
	if (out->verdict == NULL || out->range == NULL) {
		err_sys(e, "plan");
		plan_free(out);
		return -1;
	}
	if (plan_read(&c, out, e) == -1) {
		plan_free(out);
		return -1;
	}
	return 0;
}

void
plan_free(struct plan *p)
{
	free(p->verdict);
	free(p->range);
	*p = (struct plan){ 0 };
}
