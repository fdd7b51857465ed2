/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * Any message through plan and conversion: the plan can be read; each key converts or fails in
 * words, for any kind of hop; a list that results passes the check of who sends it, and leaves the same
 * parts, but for what is in an attached message that is left out as a whole and for the branches of a choice.
 */
#include <assert.h>

#include "convertd/apply.h"
#include "convertd/part.h"
#include "convertd/plan_make.h"
#include "lib/edit.h"
#include "lib/mime.h"
#include "lib/msg.h"
#include "lib/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const struct limits small = { .width_px = 4864, .length_px = 600, .page_px = 2000000,
	.job_px = 4000000, .pages = 4, .tags = 40, .out_octets = 4 << 20, .cpu_s = 1 };

static const char *const takes[] = { "(image-coding=MH)", "(& (image-coding=JBIG) (dpi<=204))",
	"(& (image-coding=[MMR,MR]) (size-x<=2150/254))", "(type=\"text/plain\")" };
enum { TAKES = sizeof takes / sizeof *takes };

static int
put(void *arg, struct span piece, struct err *e)
{
	return buf_add(arg, piece, e);
}

/* How many parts are in it. */
static uint32_t
count(const struct mime *m, uint32_t part)
{
	uint32_t n = 0;

	for (uint32_t i = part + 1; i < part_next(m, part); i = part_next(m, i))
		n++;
	return n;
}

static uint32_t same_part(const struct mime *before, uint32_t i, const struct mime *after, uint32_t k);

/* Those in i and in k, one by one; of a choice that has only one now it is some of those that were there. */
static void
same_inside(const struct mime *before, uint32_t i, const struct mime *after, uint32_t k)
{
	uint32_t a = i + 1, b = k + 1, end = part_next(before, i);

	if (count(before, i) == count(after, k)) {
		while (a < end) {
			b = same_part(before, a, after, b);
			a = part_next(before, a);
		}
		assert(b == part_next(after, k));
	} else {
		assert(part_is_choice(before, i) && count(after, k) == 1);
	}
}

/* The part behind k. */
static uint32_t
same_part(const struct mime *before, uint32_t i, const struct mime *after, uint32_t k)
{
	const struct mime_part *a = &before->part[i], *b = &after->part[k];

	assert(k < after->n && a->multipart == b->multipart && a->broken == b->broken);
	assert(a->message == b->message || mime_is(b, "text/plain"));
	if (a->multipart || b->message)
		same_inside(before, i, after, k);
	return part_next(after, k);
}

static void
convert(struct span message, const struct plan *plan, struct span key, enum edit_transfer to)
{
	struct apply_by by = { .me = "me.example", .transfer = to };
	struct edit_list list;
	struct mime before, after;
	struct buf coded, result;
	struct err e = { 0 };

	buf_init(&coded, 32 << 20);
	buf_init(&result, 32 << 20);
	if (apply_key(message, key, &by, &small, &coded, &e) == -1) {
		assert(e.kind == ERR_PERM && e.what[0] != '\0');
	} else {
		assert(edit_decode(buf_view(&coded), message.n, &list, &e) == 0);
		assert(edit_check_transfer(&list, message, to, plan->range, plan->nrange, &e) == 0);
		assert(to != EDIT_AS_IS ||
		    edit_check(&list, message.n, plan->range, plan->nrange, &e) == 0);
		assert(edit_walk(&list, message, put, &result, &e) == 0 && result.n == list.size);
		assert(mime_parse(message, &before, &e) == 0);
		assert(mime_parse(buf_view(&result), &after, &e) == 0);
		assert(same_part(&before, 0, &after, 0) == after.n);
		mime_free(&before);
		mime_free(&after);
		edit_free(&list);
	}
	buf_free(&coded);
	buf_free(&result);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const unsigned char none[1];
	struct span message = span_of(n == 0 ? none : p, n);
	struct buf caps, coded;
	struct plan plan;
	struct err e = { 0 };

	buf_init(&caps, 4096);
	buf_init(&coded, 1 << 20);
	for (int i = 0; i < TAKES; i++) {
		struct plan_set set = { (uint32_t)strlen(takes[i]), ((uint32_t)i + (uint32_t)n / 2) % (WISH_PREFER + 1) };

		assert(buf_add(&caps, span_of(&set, sizeof set), &e) == 0);
		assert(buf_add_str(&caps, takes[i], &e) == 0);
	}
	if (plan_make(message, buf_view(&caps), TAKES, (n % 2 ? PLAN_FINAL : 0) | (n % 4 > 1 ? PLAN_ALL_PARTS : 0) |
	    (n % 8 > 3 ? PLAN_ALTERNATIVES : 0), &small,
	    &coded, &e) == 0) {
		assert(plan_decode(buf_view(&coded), &plan, &e) == 0);
		assert(edit_ranges_ok(n, plan.range, plan.nrange, &e) == 0);
		for (uint32_t i = 0; i < plan.nverdict; i++)
			for (int to = 0; plan.verdict[i].fate == PLAN_CONVERTS && to < 3; to++)
				convert(message, &plan, plan.verdict[i].key, (enum edit_transfer)to);
		plan_free(&plan);
	} else {
		assert(e.kind == ERR_PERM);
	}
	buf_free(&caps);
	buf_free(&coded);
	return 0;
}
