/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "capd/probe.h"

#include <search.h>
#include <stdlib.h>

#include "lib/address.h"
#include "lib/capsdb.h"
#include "lib/confline.h"

struct probe_entry {
	struct probe_entry *next, **prev;
	uint32_t number;		/* of the question under way; 0: none is */
	enum cap_state state;
	struct buf text;
	int64_t asked_ms, until_ms;
	uint64_t since_s;
	struct span key;		/* the address, its domain in lower case */
	unsigned char octets[];		/* of the key */
};

/* A key that was made for a look-up alone. */
struct probe_key { unsigned char octets[ADDRESS_MAX]; struct span key; };

void
probe_init(struct probe *p, uint64_t seed)
{
	*p = (struct probe){ .seed = seed };
	p->last = &p->first;
}

static int
entry_order(const void *a, const void *b)
{
	const struct probe_entry *x = a, *y = b;

	if (x->key.n != y->key.n)
		return x->key.n < y->key.n ? -1 : 1;
	return memcmp(x->key.p, y->key.p, x->key.n);
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

static struct probe_entry *
entry_find(const struct probe *p, const struct probe_key *k)
{
	const struct probe_entry look = { .key = k->key };
	struct probe_entry **at = tfind(&look, &p->tree, entry_order);

	return at == NULL ? NULL : *at;
}

static size_t
entry_size(const struct probe_entry *e)
{
	return e->key.n + e->text.n;
}

static void
entry_unlink(struct probe *p, struct probe_entry *e)
{
	*e->prev = e->next;
	if (e->next != NULL)
		e->next->prev = e->prev;
	else
		p->last = e->prev;
}

static void
entry_link(struct probe *p, struct probe_entry *e)
{
	e->next = NULL;
	e->prev = p->last;
	*p->last = e;
	p->last = &e->next;
}

static void
entry_drop(struct probe *p, struct probe_entry *e)
{
	tdelete(e, &p->tree, entry_order);
	entry_unlink(p, e);
	p->octets -= entry_size(e);
	p->nasked -= e->number != 0;
	p->n--;
	buf_free(&e->text);
	free(e);
}

void
probe_free(struct probe *p)
{
	while (p->first != NULL)
		entry_drop(p, p->first);
}

enum probe_state
probe_get(const struct probe *p, struct span addr, int64_t now_ms, struct cap_entry *out)
{
	struct probe_key k;
	const struct probe_entry *e;

	if (!key_make(&k, addr))
		return PROBE_NEVER;
	e = entry_find(p, &k);
	if (e == NULL || (e->number == 0 && now_ms >= e->until_ms))
		return PROBE_DUE;
	if (e->number != 0)
		return PROBE_ASKED;
	*out = (struct cap_entry){ .state = e->state, .text = buf_view(&e->text), .since_s = e->since_s };
	return PROBE_COUNTS;
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

/* Room for one more of that size: questions that nobody will answer end, the oldest answers go. */
static bool
make_room(struct probe *p, size_t size, int64_t now_ms)
{
	struct probe_entry *next;

	for (struct probe_entry *e = p->first; e != NULL; e = next) {
		next = e->next;
		if (e->number != 0 ? now_ms - e->asked_ms >= PROBE_LOST_S * 1000 :
		    p->n >= PROBE_ENTRIES || p->octets + size > PROBE_OCTETS)
			entry_drop(p, e);
	}
	return p->n < PROBE_ENTRIES && p->octets + size <= PROBE_OCTETS;
}

static int
probe_refuse(struct span addr, const char *why, struct err *e)
{
	char text[100];

	span_text(addr, text, sizeof text);
	return err_set(e, ERR_TEMP, "4.3.3", "%s: %s", text, why);
}

static struct probe_entry *
entry_new(struct probe *p, const struct probe_key *k)
{
	struct probe_entry *e = calloc(1, sizeof *e + k->key.n);

	if (e == NULL)
		return NULL;
	memcpy(e->octets, k->octets, k->key.n);
	e->key = span_of(e->octets, k->key.n);
	buf_init(&e->text, MSG_MAX);
	if (tsearch(e, &p->tree, entry_order) == NULL) {
		free(e);
		return NULL;
	}
	entry_link(p, e);
	p->n++;
	p->octets += entry_size(e);
	return e;
}

int
probe_ask(struct probe *p, struct span addr, int64_t now_ms, uint32_t *number, struct err *e)
{
	struct probe_key k;
	struct probe_entry *at;
	int64_t *rate;

	if (!key_make(&k, addr))
		return probe_refuse(addr, "it has no domain that could be asked", e);
	rate = rate_of(p, address_domain(k.key));
	if (!make_room(p, addr.n, now_ms) || p->nasked >= INQUIRY_PROBES)
		return probe_refuse(addr, "too many questions to other hosts at once", e);
	if (!rate_allows(*rate, now_ms, PROBE_DOMAIN_MS, PROBE_DOMAIN_FIRST) ||
	    !rate_allows(p->all_ms, now_ms, PROBE_ALL_MS, PROBE_ALL_FIRST))
		return probe_refuse(addr, "too many questions to other hosts lately", e);
	if ((at = entry_find(p, &k)) == NULL && (at = entry_new(p, &k)) == NULL)
		return err_sys(e, "probe");
	if (at->number != 0)
		return probe_refuse(addr, "it is being asked about", e);
	rate_take(rate, now_ms, PROBE_DOMAIN_MS);
	rate_take(&p->all_ms, now_ms, PROBE_ALL_MS);
	entry_unlink(p, at);
	entry_link(p, at);
	at->asked_ms = now_ms;
	if (++p->number == 0)
		p->number = 1;
	*number = at->number = p->number;
	p->nasked++;
	p->total++;
	return 0;
}

/* --- answers --- */

/* The expression as it is kept and told, whoever wrote it. */
static enum cap_state
text_take(struct probe *p, struct probe_entry *at, struct span text, struct err *e)
{
	int r = capsdb_expression(text, &at->text, e);

	if (r == 0 && p->octets + at->text.n > PROBE_OCTETS)
		r = err_set(e, ERR_TEMP, "4.3.1", "no room for another answer");
	if (r == 0)
		return CAP_KNOWN;
	buf_free(&at->text);
	return e->kind == ERR_TEMP ? CAP_TEMP : CAP_NONE;
}

bool
probe_told(struct probe *p, uint32_t number, enum cap_state state, struct span text, int64_t now_ms,
    uint64_t now_s, struct err *e)
{
	static const int64_t lasts_s[] = { [CAP_NONE] = PROBE_NONE_S, [CAP_KNOWN] = PROBE_KNOWN_S,
	    [CAP_ANY] = PROBE_NONE_S, [CAP_TEMP] = PROBE_LATER_S };
	struct probe_entry *at = p->first;

	*e = (struct err){ 0 };
	while (at != NULL && (number == 0 || at->number != number))
		at = at->next;
	if (at == NULL)
		return false;
	at->number = 0;
	p->nasked--;
	p->octets -= entry_size(at);
	buf_clear(&at->text);
	at->state = state == CAP_KNOWN ? text_take(p, at, text, e) : state == CAP_TEMP ? CAP_TEMP : CAP_NONE;
	p->octets += entry_size(at);
	at->since_s = now_s;
	at->until_ms = now_ms + lasts_s[at->state] * 1000;
	return true;
}

void
probe_lost(struct probe *p)
{
	struct probe_entry *next;

	for (struct probe_entry *e = p->first; e != NULL; e = next) {
		next = e->next;
		if (e->number != 0)
			entry_drop(p, e);
	}
}

void
probe_forget(struct probe *p, struct span addr)
{
	struct probe_entry *next, *one = NULL;
	struct probe_key k;

	if (addr.n > 0 && (!key_make(&k, addr) || (one = entry_find(p, &k)) == NULL))
		return;
	for (struct probe_entry *e = p->first; e != NULL; e = next) {
		next = e->next;
		if (e->number == 0 && (one == NULL || e == one))
			entry_drop(p, e);
	}
}
