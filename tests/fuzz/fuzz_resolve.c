/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* A resolver's packet as a session reads it, and the order it makes of it: either an error with a code
 * of its class, or candidates in bounds, none of them ours, the awake by preference. */
#include <assert.h>

#include "remote/hosts.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static bool
rests(const void *arg, const struct netaddr *a)
{
	(void)arg;
	return a->a[15] & 1;
}

static void
check_order(const struct hosts *h, const struct hosts_rules *rules)
{
	assert(h->n > 0 && h->n <= HOSTS_MAX);
	for (uint32_t i = 0; i < h->n; i++) {
		const struct candidate *c = &h->c[i];

		assert(memchr(c->name, '\0', sizeof c->name) != NULL);
		assert(c->to.port != 0 && (c->to.port == 25 || h->source == SOURCE_SRV));
		assert(c->resting == rests(NULL, &c->to));
		assert(h->source == SOURCE_HOST || !own_has(rules->own, &c->to));
		if (i > 0) {
			assert(c->resting >= h->c[i - 1].resting);
			assert(c->resting != h->c[i - 1].resting || c->preference >= h->c[i - 1].preference);
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct resolved r;
	static struct hosts h;
	static struct own own = { .nlisten = 1, .nlocal = 1,
	    .listen = { { .a = { [10] = 0xff, [11] = 0xff }, .port = 25 } },
	    .local = { { .a = { [10] = 0xff, [11] = 0xff, [12] = 192, [13] = 0, [14] = 2, [15] = 1 } } } };
	struct hosts_rules rules = { .me = "me.example", .own = &own, .port = 25, .resting = rests };
	struct err e = { 0 };

	if (n > 0)
		rules.seed = p[n - 1];
	if (resolve_read(span_of(p, n), &r, &e) == -1) {
		assert(e.kind == ERR_PROTO || e.dsn[0] == (e.kind == ERR_PERM ? '5' : '4'));
	} else if (hosts_order(&r, &rules, &h, &e) == -1) {
		assert(e.dsn[0] == (e.kind == ERR_PERM ? '5' : '4'));
	} else {
		check_order(&h, &rules);
	}
	return 0;
}
