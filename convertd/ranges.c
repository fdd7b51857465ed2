/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "convertd/ranges.h"

#include <stdlib.h>

#include "convertd/part.h"

static int
range_add(struct plan *p, uint64_t off, uint64_t len, enum edit_range_kind kind, struct err *e)
{
	if (p->nrange == PLAN_MAX_RANGES)
		return err_set(e, ERR_PERM, "5.6.5", "message: too many parts to convert");
	p->range[p->nrange++] = (struct edit_range){ off, len, (uint8_t)kind };
	return 0;
}

int
ranges_add(struct plan *p, const struct mime_part *part, const unsigned char *base,
    struct err *e)
{
	struct span h = part->header;
	struct mime_field f;
	bool first = true;

	while (mime_field_next(&h, &f)) {
		uint64_t off = (uint64_t)(f.whole.p - base);

		if (!part_field_is_content(f.name))
			continue;
		if (first && range_add(p, off, 0, RANGE_HEADER, e) == -1)
			return -1;
		first = false;
		if (part_field_of(f.name) != FIELD_OTHER &&
		    range_add(p, off, f.whole.n, RANGE_HEADER, e) == -1)
			return -1;
	}
	return range_add(p, (uint64_t)(part->body.p - base), part->body.n, RANGE_BODY, e);
}

int
ranges_add_part(struct plan *p, const struct mime_part *part, const unsigned char *base, struct err *e)
{
	uint64_t off = (uint64_t)(part->header.p - base), end = (uint64_t)(part->body.p + part->body.n - base);

	return range_add(p, off, end - off, RANGE_PART, e);
}

int
ranges_add_choice(struct plan *p, const struct mime *m, uint32_t part, const unsigned char *base,
    struct err *e)
{
	struct span h = m->part[part].header, first = m->part[part + 1].whole, last = first;
	struct mime_field f;

	while (mime_field_next(&h, &f)) {
		enum part_field field = part_field_of(f.name);
		uint64_t off = (uint64_t)(f.whole.p - base);

		if ((field == FIELD_TYPE && range_add(p, off, 0, RANGE_RECORD, e) == -1) ||
		    (field == FIELD_FEATURES && range_add(p, off, f.whole.n, RANGE_RECORD, e) == -1))
			return -1;
	}
	for (uint32_t i = part + 1; i < part_next(m, part); i = part_next(m, i))
		last = m->part[i].whole;
	return range_add(p, (uint64_t)(first.p - base), (uint64_t)(last.p + last.n - first.p), RANGE_CHOICE, e);
}

int
ranges_add_branch(struct plan *p, const struct mime_part *branch, const unsigned char *base, struct err *e)
{
	return range_add(p, (uint64_t)(branch->whole.p - base), branch->whole.n, RANGE_BRANCH, e);
}

/* May some branch of it be chosen, and the others left out?  1, 0, -1. */
static int
bounds_choice(const struct mime *m, uint32_t part, struct err *e)
{
	struct part_choice c;
	unsigned ways = 0;
	int r;

	if (!part_is_choice(m, part))
		return 0;
	if (part_choice(m, part, &c, e) == -1)
		return -1;
	r = part_may_leave(m, &c, MIME_NONE, &ways, e);
	part_choice_free(&c);
	return r == -1 ? -1 : ways != 0;
}

/* What may ever be cut out of one part.  choice: of each part so far, is it one. */
static int
bounds_add(struct plan *p, const struct mime *m, uint32_t part, bool *choice, const unsigned char *base,
    struct err *e)
{
	struct contfield_drucof drucof;
	uint32_t up = m->part[part].parent;
	int chooses = bounds_choice(m, part, e);

	if (chooses == -1)
		return -1;
	choice[part] = chooses == 1;
	if ((up != MIME_NONE && choice[up] && ranges_add_branch(p, &m->part[part], base, e) == -1) ||
	    (choice[part] && ranges_add_choice(p, m, part, base, e) == -1))
		return -1;
	contfield_drucof(m, part, &drucof);
	if (drucof.integrity == DRUCOF_OMISSION && part_may_go(m, part) &&
	    ranges_add_part(p, &m->part[part], base, e) == -1)
		return -1;
	return !part_is_drawn(&m->part[part]) || !part_may_change(&m->part[part]) ? 0 :
	    ranges_add(p, &m->part[part], base, e);
}

int
ranges_bounds(struct span message, struct buf *out, struct err *e)
{
	struct plan p = { 0 };
	struct mime m;
	bool *choice;
	int r = 0;

	if (mime_parse(message, &m, e) == -1) {
		if (e->kind == ERR_TEMP)
			return -1;
		m = (struct mime){ 0 };
	}
	choice = calloc(m.n + 1, sizeof *choice);
	if ((p.range = calloc(PLAN_MAX_RANGES, sizeof *p.range)) == NULL || choice == NULL)
		r = err_sys(e, "ranges");
	for (uint32_t i = 0; i < m.n && r == 0; i++)
		r = bounds_add(&p, &m, i, choice, message.p, e);
	free(choice);
	if (r == 0)
		r = plan_encode(&p, out, e);
	plan_free(&p);
	mime_free(&m);
	return r;
}

static bool
range_same(const struct edit_range *a, const struct edit_range *b)
{
	return a->off == b->off && a->len == b->len && a->kind == b->kind;
}

int
ranges_within(struct span plan, struct span bounds, struct err *e)
{
	struct plan p, b;
	uint32_t at = 0, i = 0;

	if (plan_decode(plan, &p, e) == -1)
		return -1;
	if (plan_decode(bounds, &b, e) == -1) {
		plan_free(&p);
		return -1;
	}
	for (; i < p.nrange; i++) {		/* both ascend */
		while (at < b.nrange && !range_same(&p.range[i], &b.range[at]))
			at++;
		if (at++ == b.nrange)
			break;
	}
	at = p.nrange;
	plan_free(&p);
	plan_free(&b);
	return i == at ? 0 : err_set(e, ERR_PROTO, NULL,
	    "the plan names octets that are no image's, and of no part to be left out");
}
