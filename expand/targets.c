/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "expand/targets.h"

#include <stdlib.h>

#include "lib/address.h"
#include "lib/alias.h"

static const char owner_prefix[] = "owner-";

/* owner-NAME@DOMAIN of NAME@DOMAIN; a quoted name stays one. */
static int
owner_of(struct span addr, struct buf *out, struct err *e)
{
	bool quoted = addr.n > 0 && addr.p[0] == '"';

	if ((quoted && buf_add_byte(out, '"', e) == -1) || buf_add_str(out, owner_prefix, e) == -1)
		return -1;
	return buf_add(out, span_sub(addr, quoted, addr.n), e);
}

/* Has it an owner?  1, 0, -1 memory.  A line for the whole domain makes none. */
static int
owner_find(const struct aliases *a, struct span addr, struct buf *owner, struct err *e)
{
	buf_clear(owner);
	if (owner_of(addr, owner, e) == -1)
		return -1;
	return aliases_named(a, buf_view(owner));
}

static int
target_add(struct targets *t, struct span addr, bool plain, struct err *e)
{
	if (t->n == TARGETS_MAX)
		return err_set(e, ERR_TEMP, "4.3.5", "an alias leads to more than %d addresses", TARGETS_MAX);
	if (t->n == t->cap) {
		uint32_t cap = t->cap == 0 ? 8 : t->cap * 2;
		struct target *v = realloc(t->v, cap * sizeof *v);

		if (v == NULL)
			return err_sys(e, "alias");
		t->v = v;
		t->cap = cap;
	}
	t->v[t->n] = (struct target){ .at = t->text.n, .n = (uint32_t)addr.n, .plain = plain };
	if (buf_add(&t->text, addr, e) == -1)
		return e->kind == ERR_TEMP ? -1 : err_set(e, ERR_TEMP, "4.3.5", "an alias leads to too many addresses");
	t->n++;
	return 0;
}

/* 1: it was followed before; 0: now it is. */
static int
seen_before(struct targets *t, struct span addr, struct err *e)
{
	struct span all = buf_view(&t->seen);
	size_t start = t->seen.n;
	struct span key;

	if (address_key(addr, &t->seen, e) == -1 || buf_add_byte(&t->seen, '\0', e) == -1)
		return -1;
	all = span_sub(buf_view(&t->seen), 0, start);
	key = span_sub(buf_view(&t->seen), start, t->seen.n);
	while (all.n > 0) {
		struct span one = span_sub(all, 0, span_find(all, '\0') + 1);

		if (span_eq(one, key)) {
			t->seen.n = start;
			return 1;
		}
		all = span_sub(all, one.n, all.n);
	}
	if (++t->nseen > TARGETS_ALIASES)
		return err_set(e, ERR_TEMP, "4.3.5", "an alias leads to more than %d others", TARGETS_ALIASES);
	return 0;
}

static int follow(const struct aliases *a, struct targets *t, struct span addr, struct span list, unsigned depth,
    struct err *e);

/* One address that `of` stands for. */
static int
follow_one(const struct aliases *a, struct targets *t, struct span of, struct span addr, bool plain, unsigned depth,
    struct err *e)
{
	struct span list;
	struct buf owner;
	int has;

	if (plain || !aliases_ours(a, addr) || !aliases_find(a, addr, &list))
		return target_add(t, addr, plain, e);
	if (aliases_same(of, addr))
		return aliases_box(a, addr) ? target_add(t, addr, true, e) : 0;
	buf_init(&owner, 2 * ADDRESS_MAX);
	has = owner_find(a, addr, &owner, e);
	buf_free(&owner);
	if (has != 0)
		return has == 1 ? target_add(t, addr, false, e) : -1;
	return follow(a, t, addr, list, depth + 1, e);
}

/* All that addr stands for. */
static int
follow(const struct aliases *a, struct targets *t, struct span addr, struct span list, unsigned depth, struct err *e)
{
	struct span word;
	struct buf one;
	bool plain;
	int r = seen_before(t, addr, e);

	if (r != 0)
		return r == 1 ? 0 : -1;
	if (depth > TARGETS_DEPTH)
		return err_set(e, ERR_TEMP, "4.3.5", "aliases lead from one to the next more than %d times",
		    TARGETS_DEPTH);
	buf_init(&one, 2 * ADDRESS_MAX);
	while ((r = alias_next(&list, &word, e)) == 1) {
		buf_clear(&one);
		if (alias_address(word, address_domain(addr), &plain, &one, e) == -1 ||
		    follow_one(a, t, addr, buf_view(&one), plain, depth, e) == -1) {
			r = -1;
			break;
		}
	}
	buf_free(&one);
	return r;
}

int
targets_find(const struct aliases *a, struct span addr, struct targets *t, struct err *e)
{
	struct span list;
	int has;

	*t = (struct targets){ .v = NULL };
	buf_init(&t->text, TARGETS_TEXT);
	buf_init(&t->owner, 2 * ADDRESS_MAX);
	buf_init(&t->seen, (size_t)TARGETS_ALIASES * 2 * ADDRESS_MAX);
	if (!aliases_find(a, addr, &list))
		return err_set(e, ERR_TEMP, "4.3.5", "it stands for nobody any more");
	if ((has = owner_find(a, addr, &t->owner, e)) == -1)
		return -1;
	t->list = has == 1;
	if (follow(a, t, addr, list, 0, e) == 0)
		return 0;
	if (e->kind != ERR_TEMP) {
		struct err inner = *e;

		return err_set(e, ERR_TEMP, "4.3.5", "alias: %.150s", inner.what);
	}
	return -1;
}

void
targets_free(struct targets *t)
{
	buf_free(&t->text);
	buf_free(&t->owner);
	buf_free(&t->seen);
	free(t->v);
	*t = (struct targets){ .v = NULL };
}
