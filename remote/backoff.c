/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "remote/backoff.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

static uint32_t
backoff_place(const struct netaddr *a)
{
	uint32_t h = 2166136261u;	/* FNV-1a */

	for (size_t i = 0; i < sizeof a->a; i++)
		h = (h ^ a->a[i]) * 16777619u;
	h = (h ^ a->port) * 16777619u;
	return (h ^ h >> 15) % (BACKOFF_ENTRIES / BACKOFF_WAYS) * BACKOFF_WAYS;
}

static bool
backoff_is(const struct backoff_entry *e, const struct netaddr *a)
{
	return e->failures > 0 && e->port == a->port && memcmp(e->a, a->a, sizeof a->a) == 0;
}

static const struct backoff_entry *
backoff_find(const struct backoff *b, const struct netaddr *a)
{
	const struct backoff_entry *e = &b->entry[backoff_place(a)];

	for (int i = 0; i < BACKOFF_WAYS; i++)
		if (backoff_is(&e[i], a))
			return &e[i];
	return NULL;
}

/* Its entry, a free one, or the one that matters least. */
static struct backoff_entry *
backoff_take(struct backoff *b, const struct netaddr *a)
{
	struct backoff_entry *e = &b->entry[backoff_place(a)], *least = e;

	for (int i = 0; i < BACKOFF_WAYS; i++)
		if (backoff_is(&e[i], a))
			return &e[i];
	for (int i = 0; i < BACKOFF_WAYS; i++) {
		if (e[i].failures == 0)
			return &e[i];
		if (e[i].until_ms < least->until_ms)
			least = &e[i];
	}
	least->failures = 0;
	return least;
}

void
backoff_note(struct backoff *b, const struct netaddr *a, bool bad, uint32_t cost_ms, int64_t now_ms)
{
	struct backoff_entry *e;
	int64_t rest = (int64_t)cost_ms * BACKOFF_COSTS;

	if (!bad && backoff_find(b, a) == NULL)
		return;
	e = backoff_take(b, a);
	if (!bad) {
		e->failures = 0;
		return;
	}
	if (e->failures > 0 && now_ms < e->until_ms)
		return;
	if (rest < BACKOFF_FIRST_MS)
		rest = BACKOFF_FIRST_MS;
	for (int i = 0; i < e->failures && rest < BACKOFF_MAX_MS; i++)
		rest *= 2;
	memcpy(e->a, a->a, sizeof e->a);
	e->port = a->port;
	e->until_ms = now_ms + (rest > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : rest);
	if (e->failures < UINT16_MAX)
		e->failures++;
}

bool
backoff_resting(const struct backoff *b, const struct netaddr *a, int64_t now_ms)
{
	const struct backoff_entry *e = backoff_find(b, a);

	return e != NULL && now_ms < e->until_ms;
}

bool
backoff_known(const struct backoff *b, const struct netaddr *a)
{
	return backoff_find(b, a) != NULL;
}

int
backoff_share(struct backoff **own, const struct backoff **shared, struct err *e)
{
	int fd = memfd_create("backoff", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *write = MAP_FAILED, *read = MAP_FAILED;

	if (fd != -1 && ftruncate(fd, sizeof **own) == 0)
		write = mmap(NULL, sizeof **own, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	/* from here on nobody gets a mapping that could be written through */
	if (write != MAP_FAILED && madvise(write, sizeof **own, MADV_DONTFORK) == 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW |
	    F_SEAL_SEAL) == 0)
		read = mmap(NULL, sizeof **own, PROT_READ, MAP_SHARED, fd, 0);
	if (read == MAP_FAILED) {
		err_sys(e, "shared memory for back-off");
		if (write != MAP_FAILED)
			munmap(write, sizeof **own);
	}
	if (fd != -1)
		close(fd);
	if (read == MAP_FAILED)
		return -1;
	*own = write;
	*shared = read;
	return 0;
}
