/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "capd/probe.h"

#include "lib/address.h"
#include "lib/confline.h"

/* A key that was made for a look-up alone. */
struct probe_key { unsigned char octets[ADDRESS_MAX]; struct span key; };

void
probe_init(struct probe *p, uint64_t seed)
{
	static const struct asked_limits limits = { PROBE_ENTRIES, INQUIRY_PROBES, PROBE_OCTETS, PROBE_LOST_S * 1000 };

	*p = (struct probe){ .seed = seed };
	asked_init(&p->asked, &limits);
}

/* false: there is no such thing for addr. */
static bool
key_make(struct probe_key *k, struct span addr)
{
	struct span domain = address_domain(addr);
	struct err ignored;

	if (addr.n > sizeof k->octets || domain.n == 0 || address_check(addr, &ignored) == -1 ||
	    hostname_check(domain, &ignored) == -1)
		return false;
	memcpy(k->octets, addr.p, addr.n);
	for (size_t i = addr.n - domain.n; i < addr.n; i++)
		k->octets[i] = (unsigned char)ascii_lower(k->octets[i]);
	k->key = span_of(k->octets, addr.n);
	return true;
}

void
probe_free(struct probe *p)
{
	asked_free(&p->asked);
}

enum asked_state
probe_get(const struct probe *p, struct span addr, int64_t now_ms, struct cap_entry *out)
{
	struct probe_key k;
	const struct asked_entry *e;
	enum asked_state state;

	if (!key_make(&k, addr))
		return ASKED_NEVER;
	e = asked_find(&p->asked, k.key);
	state = asked_state(e, now_ms);
	if (state == ASKED_COUNTS)
		*out = (struct cap_entry){ .state = e->state, .text = buf_view(&e->text), .since_s = e->since_s };
	return state;
}

/* --- how often --- */

/* One in each_ms, so many at once where nothing was asked for as long as they would have taken. */
static bool
rate_allows(int64_t due_ms, int64_t now_ms, int64_t each_ms, int first)
{
	return due_ms - now_ms <= each_ms * (first - 1);
}

static void
rate_take(int64_t *due_ms, int64_t now_ms, int64_t each_ms)
{
	*due_ms = (*due_ms > now_ms ? *due_ms : now_ms) + each_ms;
}

static int64_t *
rate_of(struct probe *p, struct span domain)
{
	uint64_t h = p->seed;

	for (size_t i = 0; i < domain.n; i++)
		h = (h ^ domain.p[i]) * 0x100000001b3u;
	h ^= h >> 32;
	return &p->domain_ms[h % PROBE_BUCKETS];
}

static int
probe_refuse(struct span addr, const char *why, struct err *e)
{
	char text[100];

	span_text(addr, text, sizeof text);
	return err_set(e, ERR_TEMP, "4.3.3", "%s: %s", text, why);
}

int
probe_ask(struct probe *p, struct span addr, int64_t now_ms, uint32_t *number, struct err *e)
{
	struct probe_key k;
	struct asked_entry *at;
	int64_t *rate;

	if (!key_make(&k, addr))
		return probe_refuse(addr, "it has no domain that could be asked", e);
	rate = rate_of(p, address_domain(k.key));
	if (!asked_room(&p->asked, addr.n, now_ms))
		return probe_refuse(addr, "too many questions to other hosts at once", e);
	if (!rate_allows(*rate, now_ms, PROBE_DOMAIN_MS, PROBE_DOMAIN_FIRST) ||
	    !rate_allows(p->all_ms, now_ms, PROBE_ALL_MS, PROBE_ALL_FIRST))
		return probe_refuse(addr, "too many questions to other hosts lately", e);
	if ((at = asked_begin(&p->asked, k.key, now_ms, e)) == NULL)
		return e->kind != ERR_NONE ? -1 : probe_refuse(addr, "it is being asked about", e);
	rate_take(rate, now_ms, PROBE_DOMAIN_MS);
	rate_take(&p->all_ms, now_ms, PROBE_ALL_MS);
	*number = at->number;
	return 0;
}

/* --- answers --- */

bool
probe_told(struct probe *p, uint32_t number, enum cap_state state, struct span text, int64_t now_ms,
    uint64_t now_s, struct err *e)
{
	static const int64_t lasts_s[] = { [CAP_NONE] = PROBE_NONE_S, [CAP_KNOWN] = PROBE_KNOWN_S,
	    [CAP_ANY] = PROBE_NONE_S, [CAP_TEMP] = PROBE_LATER_S };
	struct asked_entry *at = asked_end(&p->asked, number);

	*e = (struct err){ 0 };
	if (at == NULL)
		return false;
	asked_keep(&p->asked, at, state == CAP_ANY ? CAP_NONE : state, text, e);
	at->since_s = now_s;
	at->until_ms = now_ms + lasts_s[at->state] * 1000;
	return true;
}

void
probe_lost(struct probe *p)
{
	asked_lost(&p->asked);
}

void
probe_forget(struct probe *p, struct span addr)
{
	struct asked_entry *one = NULL;
	struct probe_key k;

	if (addr.n > 0 && (!key_make(&k, addr) || (one = asked_find(&p->asked, k.key)) == NULL))
		return;
	asked_forget(&p->asked, one);
}
