/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "tests/unit/convertd/letter.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "convertd/apply.h"
#include "convertd/plan_make.h"
#include "convertd/ranges.h"
#include "tests/unit/convertd/judge.h"

enum { LETTER_MAX = 64 << 20 };

static void
letter_image(struct buf *b, struct span name)
{
	struct err e = { 0 };
	struct span file;
	char path[200];

	snprintf(path, sizeof path, "tests/data/%.*s", (int)name.n, (const char *)name.p);
	file = file_read(path);
	ck_assert_int_eq(transfer_base64(file, b, &e), 0);
	b->n -= 2;			/* the line end is in the text */
	free((void *)(uintptr_t)file.p);
}

struct buf
letter_make(const char *text)
{
	struct span s = span_str(text);
	struct err e = { 0 };
	struct buf b;

	buf_init(&b, LETTER_MAX);
	for (size_t i = 0; i < s.n; i++) {
		size_t end;

		if (s.p[i] == '\n')
			ck_assert_int_eq(buf_add_byte(&b, '\r', &e), 0);
		if (s.p[i] != '@' || i == 0 || s.p[i - 1] != '\n') {
			ck_assert_int_eq(buf_add_byte(&b, s.p[i], &e), 0);
			continue;
		}
		end = i + 1 + span_find(span_sub(s, i + 1, s.n), '@');
		letter_image(&b, span_sub(s, i + 1, end));
		i = end;
	}
	return b;
}

static void
letter_plan_any(const struct buf *message, const char *caps, enum plan_wish wish, uint32_t flags,
    struct letter_plan *out)
{
	struct plan_set set = { (uint32_t)strlen(caps), wish };
	struct err e = { 0 };
	struct buf ask;

	buf_init(&ask, 65536);
	buf_init(&out->coded, LETTER_MAX);
	ck_assert_int_eq(buf_add(&ask, span_of(&set, sizeof set), &e), 0);
	ck_assert_int_eq(buf_add_str(&ask, caps, &e), 0);
	ck_assert_msg(plan_make(buf_view(message), buf_view(&ask), 1, flags, &fax_limits, &out->coded,
	    &e) == 0, "%s", e.what);
	ck_assert_msg(plan_decode(buf_view(&out->coded), &out->plan, &e) == 0, "%s", e.what);
	buf_free(&ask);
}

void
letter_plan_at(const struct buf *message, const char *caps, bool final, struct letter_plan *out)
{
	letter_plan_any(message, caps, WISH_CONPERM, final ? PLAN_FINAL : 0, out);
}

void
letter_plan_wish(const struct buf *message, const char *caps, enum plan_wish wish, struct letter_plan *out)
{
	letter_plan_any(message, caps, wish, 0, out);
}

void
letter_plan(const struct buf *message, const char *caps, struct letter_plan *out)
{
	letter_plan_any(message, caps, WISH_CONPERM, 0, out);
}

void
letter_plan_all(const struct buf *message, const char *caps, struct letter_plan *out)
{
	letter_plan_any(message, caps, WISH_CONPERM, PLAN_ALL_PARTS, out);
}

void
letter_plan_free(struct letter_plan *p)
{
	plan_free(&p->plan);
	buf_free(&p->coded);
}

void
letter_within_bounds(const struct buf *message, const struct letter_plan *p)
{
	struct err e = { 0 };
	struct buf out;

	buf_init(&out, LETTER_MAX);
	ck_assert_int_eq(ranges_bounds(buf_view(message), &out, &e), 0);
	ck_assert_msg(ranges_within(buf_view(&p->coded), buf_view(&out), &e) == 0, "%s", e.what);
	buf_free(&out);
}

static int
letter_put(void *arg, struct span piece, struct err *e)
{
	return buf_add(arg, piece, e);
}

struct buf
letter_convert(const struct buf *message, const struct plan *p, const char *key, struct err *err)
{
	struct apply_by by = { .me = LETTER_ME, .when_us = INT64_C(1795309323000000) };
	struct buf coded, result;
	struct edit_list list;
	struct err e = { 0 };

	*err = (struct err){ 0 };
	buf_init(&coded, LETTER_MAX);
	buf_init(&result, LETTER_MAX);
	if (apply_key(buf_view(message), span_str(key), &by, &fax_limits, &coded, err) == 0) {
		ck_assert_msg(edit_decode(buf_view(&coded), message->n, &list, &e) == 0, "%s", e.what);
		ck_assert_msg(edit_check(&list, message->n, p->range, p->nrange, &e) == 0, "%s",
		    e.what);
		ck_assert_int_eq(edit_walk(&list, buf_view(message), letter_put, &result, &e), 0);
		ck_assert_uint_eq(result.n, list.size);
		edit_free(&list);
	}
	buf_free(&coded);
	return result;
}

struct buf
letter_through(const struct buf *message, const char *caps)
{
	struct letter_plan p;
	struct buf result;
	struct err e;
	char key[1000];

	letter_plan(message, caps, &p);
	ck_assert_msg(p.plan.verdict[0].fate == PLAN_CONVERTS, "fate %u: %.*s",
	    p.plan.verdict[0].fate, (int)p.plan.verdict[0].detail.n,
	    (const char *)p.plan.verdict[0].detail.p);
	span_text(p.plan.verdict[0].key, key, sizeof key);
	result = letter_convert(message, &p.plan, key, &e);
	ck_assert_msg(e.kind == ERR_NONE, "%s", e.what);
	letter_plan_free(&p);
	return result;
}

const struct mime_part *
letter_part(const struct mime *m, const char *path)
{
	uint32_t i = mime_by_path(m, span_str(path));

	ck_assert_msg(i != MIME_NONE, "no part %s", path);
	return &m->part[i];
}

const char *
letter_field(const struct mime_part *p, const char *name)
{
	static char text[8192];
	struct mime_field f;
	struct err e = { 0 };
	struct buf b;

	buf_init(&b, sizeof text);
	if (mime_field_find(p->header, name, &f) > 0)
		ck_assert_int_eq(mime_unfold(f.value, &b, &e), 0);
	span_text(buf_view(&b), text, sizeof text);
	buf_free(&b);
	return text;
}

struct buf
letter_file(const struct mime_part *p)
{
	struct err e = { 0 };
	struct buf b;

	buf_init(&b, LETTER_MAX);
	ck_assert_msg(transfer_decode(p->transfer, p->body, &b, &e) == 0, "%s", e.what);
	return b;
}
