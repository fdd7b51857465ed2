/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "capd/asked.h"

#include <search.h>
#include <stdlib.h>

#include "lib/capsdb.h"

void
asked_init(struct asked *a, const struct asked_limits *limits)
{
	*a = (struct asked){ .limits = limits };
	a->last = &a->first;
}

static int
entry_order(const void *a, const void *b)
{
	const struct asked_entry *x = a, *y = b;

	if (x->key.n != y->key.n)
		return x->key.n < y->key.n ? -1 : 1;
	return memcmp(x->key.p, y->key.p, x->key.n);
}

struct asked_entry *
asked_find(const struct asked *a, struct span key)
{
	const struct asked_entry look = { .key = key };
	struct asked_entry **at = tfind(&look, &a->tree, entry_order);

	return at == NULL ? NULL : *at;
}

enum asked_state
asked_state(const struct asked_entry *e, int64_t now_ms)
{
	if (e == NULL || (e->number == 0 && now_ms >= e->until_ms))
		return ASKED_DUE;
	return e->number != 0 ? ASKED_NOW : ASKED_COUNTS;
}

static size_t
entry_size(const struct asked_entry *e)
{
	return e->key.n + e->text.n;
}

static void
entry_unlink(struct asked *a, struct asked_entry *e)
{
	*e->prev = e->next;
	if (e->next != NULL)
		e->next->prev = e->prev;
	else
		a->last = e->prev;
}

static void
entry_link(struct asked *a, struct asked_entry *e)
{
	e->next = NULL;
	e->prev = a->last;
	*a->last = e;
	a->last = &e->next;
}

static void
entry_drop(struct asked *a, struct asked_entry *e)
{
	tdelete(e, &a->tree, entry_order);
	entry_unlink(a, e);
	a->octets -= entry_size(e);
	a->nasked -= e->number != 0;
	a->n--;
	buf_free(&e->text);
	free(e);
}

void
asked_free(struct asked *a)
{
	while (a->first != NULL)
		entry_drop(a, a->first);
}

/* Questions that nobody will answer end, the oldest answers go. */
bool
asked_room(struct asked *a, size_t size, int64_t now_ms)
{
	const struct asked_limits *l = a->limits;
	struct asked_entry *next;

	for (struct asked_entry *e = a->first; e != NULL; e = next) {
		next = e->next;
		if (e->number != 0 ? now_ms - e->asked_ms >= l->lost_ms :
		    a->n >= l->entries || a->octets + size > l->octets)
			entry_drop(a, e);
		else if (e->number == 0 && a->nasked < l->questions)
			break;		/* there is room, and those behind were asked later */
	}
	return a->n < l->entries && a->octets + size <= l->octets && a->nasked < l->questions;
}

static struct asked_entry *
entry_new(struct asked *a, struct span key, struct err *e)
{
	struct asked_entry *at = calloc(1, sizeof *at + key.n);

	if (at == NULL) {
		err_sys(e, "question");
		return NULL;
	}
	memcpy(at->octets, key.p, key.n);
	at->key = span_of(at->octets, key.n);
	buf_init(&at->text, MSG_MAX);
	if (tsearch(at, &a->tree, entry_order) == NULL) {
		err_sys(e, "question");
		free(at);
		return NULL;
	}
	entry_link(a, at);
	a->n++;
	a->octets += entry_size(at);
	return at;
}

struct asked_entry *
asked_begin(struct asked *a, struct span key, int64_t now_ms, struct err *e)
{
	struct asked_entry *at = asked_find(a, key);

	*e = (struct err){ 0 };
	if ((at == NULL && (at = entry_new(a, key, e)) == NULL) || at->number != 0)
		return NULL;
	entry_unlink(a, at);
	entry_link(a, at);
	at->asked_ms = now_ms;
	if (++a->number == 0)
		a->number = 1;
	at->number = a->number;
	a->nasked++;
	a->total++;
	return at;
}

/* --- answers --- */

struct asked_entry *
asked_end(struct asked *a, uint32_t number)
{
	struct asked_entry *at = a->first;

	while (at != NULL && (number == 0 || at->number != number))
		at = at->next;
	if (at == NULL)
		return NULL;
	at->number = 0;
	a->nasked--;
	a->octets -= at->text.n;
	buf_clear(&at->text);
	return at;
}

/* The expression as it is kept and told, whoever wrote it. */
static enum cap_state
text_take(const struct asked *a, struct asked_entry *at, struct span text, struct err *e)
{
	int r = capsdb_expression(text, &at->text, e);

	if (r == 0 && a->octets + at->text.n > a->limits->octets)
		r = err_set(e, ERR_TEMP, "4.3.1", "no room for another answer");
	if (r == 0)
		return CAP_KNOWN;
	buf_free(&at->text);
	return e->kind == ERR_TEMP ? CAP_TEMP : CAP_NONE;
}

void
asked_keep(struct asked *a, struct asked_entry *at, enum cap_state state, struct span text, struct err *e)
{
	*e = (struct err){ 0 };
	at->state = state == CAP_KNOWN ? text_take(a, at, text, e) : state;
	a->octets += at->text.n;
}

void
asked_lost(struct asked *a)
{
	struct asked_entry *next;

	for (struct asked_entry *e = a->first; e != NULL; e = next) {
		next = e->next;
		if (e->number != 0)
			entry_drop(a, e);
	}
}

void
asked_forget(struct asked *a, struct asked_entry *at)
{
	struct asked_entry *next;

	for (struct asked_entry *e = a->first; e != NULL; e = next) {
		next = e->next;
		if (e->number == 0 && (at == NULL || e == at))
			entry_drop(a, e);
	}
}
