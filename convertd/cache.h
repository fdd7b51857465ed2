/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * convertd/cache.h - conversions that are done, kept for who asks again: bounded in octets and in
 * number, the oldest goes first.
 */
#ifndef CONVERTD_CACHE_H
#define CONVERTD_CACHE_H

#include <sys/types.h>

#include "lib/err.h"
#include "lib/span.h"
#include "lib/qid.h"
#include "lib/sha256.h"

enum { CACHE_MAX = 64 };	/* results */

/*
 * What a result is of.  The file itself is part of it: a session that lies about a message's ID
 * reads and spoils nothing but its own.
 */
struct cache_name {
	char id[QID_SIZE];
	dev_t dev;
	ino_t ino;
	unsigned char sum[SHA256_DIGEST];	/* of a sealed memfd, whose dev and ino are 0: SHA-256 of it */
	uint64_t len;
	uint32_t record, transfer;	/* of struct msg_convert */
	struct span key;
};
bool cache_name_same(const struct cache_name *a, const struct cache_name *b);

struct cache_entry { struct cache_name name; int memfd; uint64_t octets; };

struct cache {
	uint64_t max, octets;
	size_t n;
	struct cache_entry entry[CACHE_MAX];	/* oldest first */
};

void cache_init(struct cache *c, uint64_t max);
void cache_free(struct cache *c);
/* Another bound: what is too much goes. */
void cache_limit(struct cache *c, uint64_t max);

/* The entry, or NULL; its memfd stays the cache's. */
const struct cache_entry *cache_find(const struct cache *c, const struct cache_name *name);

/* Takes memfd over and copies name.  A result larger than all the cache is closed, not kept. */
void cache_add(struct cache *c, const struct cache_name *name, int memfd, uint64_t octets);

#endif
