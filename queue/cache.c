/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "queue/queue.h"

#include <stdlib.h>

static struct entry **
cache_bucket(struct cache *c, const char *id)
{
	uint32_t h = 2166136261u;

	for (int i = 0; i < QID_LEN; i++)
		h = (h ^ (unsigned char)id[i]) * 16777619u;
	return &c->bucket[(h ^ h >> 15) % CACHE_BUCKETS];
}

static size_t
entry_bytes(const struct entry *x)
{
	return sizeof *x + x->file.nslot;
}

static void
cache_unhook(struct cache *c, struct entry *x)
{
	*(x->older != NULL ? &x->older->newer : &c->oldest) = x->newer;
	*(x->newer != NULL ? &x->newer->older : &c->newest) = x->older;
}

static void
cache_hook(struct cache *c, struct entry *x)
{
	x->older = c->newest;
	x->newer = NULL;
	*(c->newest != NULL ? &c->newest->newer : &c->oldest) = x;
	c->newest = x;
}

void
cache_init(struct cache *c, size_t max)
{
	*c = (struct cache){ .max = max };
	c->dirty_last = &c->dirty_first;
}

void
cache_free(struct cache *c)
{
	while (c->oldest != NULL)
		cache_drop(c, c->oldest);
}

struct entry *
cache_find(struct cache *c, const char *id)
{
	for (struct entry *x = *cache_bucket(c, id); x != NULL; x = x->hash)
		if (memcmp(x->id, id, QID_LEN) == 0) {
			cache_unhook(c, x);
			cache_hook(c, x);
			return x;
		}
	return NULL;
}

static void
cache_undirty(struct cache *c, struct entry *x)
{
	*x->dirty_at = x->dirty_next;
	if (x->dirty_next != NULL)
		x->dirty_next->dirty_at = x->dirty_at;
	else
		c->dirty_last = x->dirty_at;
	x->dirty = false;
}

void
cache_drop(struct cache *c, struct entry *x)
{
	struct entry **at = cache_bucket(c, x->id);

	if (x->dirty)
		cache_undirty(c, x);
	while (*at != x)
		at = &(*at)->hash;
	*at = x->hash;
	cache_unhook(c, x);
	c->bytes -= entry_bytes(x);
	free(x);
}

/* The oldest go; those that wait for a flush stay. */
static void
cache_shrink(struct cache *c, const struct entry *keep)
{
	struct entry *x = c->oldest, *next;

	for (; c->bytes > c->max && x != NULL; x = next) {
		next = x->newer;
		if (x != keep && !x->dirty)
			cache_drop(c, x);
	}
}

struct entry *
cache_add(struct cache *c, const char *id, const struct qfile *file)
{
	struct entry *x = cache_find(c, id), **at = cache_bucket(c, id);

	if (x != NULL)
		return x;
	if ((x = calloc(1, sizeof *x + file->nslot)) == NULL)
		return NULL;
	memcpy(x->id, id, QID_LEN);
	x->file = *file;
	x->left = file->nslot;
	x->hash = *at;
	*at = x;
	cache_hook(c, x);
	c->bytes += entry_bytes(x);
	cache_shrink(c, x);
	return x;
}

void
cache_dirty(struct cache *c, struct entry *x)
{
	if (x->dirty)
		return;
	x->dirty = true;
	x->dirty_next = NULL;
	x->dirty_at = c->dirty_last;
	*c->dirty_last = x;
	c->dirty_last = &x->dirty_next;
}

struct entry *
cache_take_dirty(struct cache *c)
{
	struct entry *x = c->dirty_first;

	if (x != NULL)
		cache_undirty(c, x);
	return x;
}
