/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "convertd/cache.h"

#include <stdlib.h>
#include <unistd.h>

void
cache_init(struct cache *c, uint64_t max)
{
	*c = (struct cache){ .max = max };
}

bool
cache_name_same(const struct cache_name *a, const struct cache_name *b)
{
	return memcmp(a->id, b->id, sizeof a->id) == 0 && a->dev == b->dev && a->ino == b->ino &&
	    memcmp(a->sum, b->sum, sizeof a->sum) == 0 && a->len == b->len && a->record == b->record &&
	    a->transfer == b->transfer && span_eq(a->key, b->key);
}

static void
cache_drop_oldest(struct cache *c)
{
	struct cache_entry *old = &c->entry[0];

	c->octets -= old->octets;
	close(old->memfd);
	free((void *)(uintptr_t)old->name.key.p);	/* our own copy */
	c->n--;
	memmove(&c->entry[0], &c->entry[1], c->n * sizeof *old);
}

void
cache_free(struct cache *c)
{
	while (c->n > 0)
		cache_drop_oldest(c);
}

void
cache_limit(struct cache *c, uint64_t max)
{
	c->max = max;
	while (c->octets > max)
		cache_drop_oldest(c);
}

const struct cache_entry *
cache_find(const struct cache *c, const struct cache_name *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (cache_name_same(&c->entry[i].name, name))
			return &c->entry[i];
	return NULL;
}

void
cache_add(struct cache *c, const struct cache_name *name, int memfd, uint64_t octets)
{
	unsigned char *key = malloc(name->key.n + 1);

	if (octets > c->max || key == NULL) {
		free(key);
		close(memfd);
		return;
	}
	while (c->n == CACHE_MAX || octets > c->max - c->octets)
		cache_drop_oldest(c);
	memcpy(key, name->key.p, name->key.n);
	c->entry[c->n] = (struct cache_entry){ *name, memfd, octets };
	c->entry[c->n++].name.key = span_of(key, name->key.n);
	c->octets += octets;
}
