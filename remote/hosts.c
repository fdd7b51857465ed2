/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "remote/hosts.h"

#include <stdio.h>

enum { ADDR_TEXT = 48, NO_CUT = 65536 };

static bool
is_four(const struct netaddr *a)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(a->a, mapped, sizeof mapped) == 0;
}

/* The address that stands for all of its family. */
static bool
is_any(const struct netaddr *a)
{
	static const unsigned char zero[16];

	return is_four(a) ? memcmp(a->a + 12, zero, 4) == 0 : memcmp(a->a, zero, 16) == 0;
}

static bool
is_loopback(const struct netaddr *a)
{
	static const unsigned char one[16] = { [15] = 1 };

	return is_four(a) ? a->a[12] == 127 : memcmp(a->a, one, 16) == 0;
}

/* To many, or to nobody in particular: 224/3, ff00::/8.  IPv6 link-local has no meaning without an
 * interface. */
static bool
is_no_host(const struct netaddr *a)
{
	return is_four(a) ? a->a[12] >= 224 || a->a[12] == 0 :
	    a->a[0] == 0xff || (a->a[0] == 0xfe && (a->a[1] & 0xc0) == 0x80);
}

static bool
own_is_local(const struct own *own, const struct netaddr *a)
{
	for (uint32_t i = 0; i < own->nlocal; i++)
		if (memcmp(own->local[i].a, a->a, sizeof a->a) == 0)
			return true;
	return is_loopback(a) || is_any(a);
}

bool
own_has(const struct own *own, const struct netaddr *a)
{
	for (uint32_t i = 0; i < own->nlisten; i++) {
		const struct netaddr *l = &own->listen[i];

		if (l->port != a->port)
			continue;
		if (memcmp(l->a, a->a, sizeof a->a) == 0 ||
		    (is_any(l) && is_four(l) == is_four(a) && own_is_local(own, a)) ||
		    (is_any(a) && is_four(l) == is_four(a)))
			return true;
	}
	return false;
}

/* --- order --- */

static uint64_t
next_random(uint64_t *seed)		/* splitmix64 */
{
	uint64_t z = *seed += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static void
swap(uint32_t *a, uint32_t *b)
{
	uint32_t t = *a;

	*a = *b;
	*b = t;
}

/* n equals in random order, any as likely as any other. */
static void
shuffle(uint32_t *order, uint32_t n, uint64_t *seed)
{
	for (uint32_t i = n; i > 1; i--)
		swap(&order[i - 1], &order[next_random(seed) % i]);
}

/* RFC 2782, "Weight": which of n that are left is the next; those of weight 0 stand in front. */
static uint32_t
choose(const struct resolved *r, const uint32_t *order, uint32_t n, uint64_t *seed)
{
	uint32_t sum = 0, at, k = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += r->host[order[i]].weight;
	at = (uint32_t)(next_random(seed) % (sum + 1));
	for (sum = r->host[order[0]].weight; sum < at; sum += r->host[order[k]].weight)
		k++;
	return k;
}

/* The same n in the order that their weights make. */
static void
weigh(const struct resolved *r, uint32_t *order, uint32_t n, uint64_t *seed)
{
	for (; n > 1; order++, n--) {
		uint32_t zeros = 0, k;

		for (uint32_t i = 0; i < n; i++)
			if (r->host[order[i]].weight == 0)
				swap(&order[i], &order[zeros++]);
		k = choose(r, order, n, seed);
		swap(&order[0], &order[k]);
	}
}

/* Indexes of the hosts by preference, those of equal preference in random order. */
static void
arrange(const struct resolved *r, uint64_t seed, uint32_t order[RESOLVE_HOSTS])
{
	for (uint32_t i = 0; i < r->nhost; i++)
		order[i] = i;
	for (uint32_t from = 0, to; from < r->nhost; from = to) {
		for (to = from + 1; to < r->nhost &&
		    r->host[to].preference == r->host[from].preference; to++)
			;
		shuffle(order + from, to - from, &seed);
		if (r->source == SOURCE_SRV)
			weigh(r, order + from, to - from, &seed);
	}
}

static uint16_t
port_of(const struct resolved_host *h, const struct hosts_rules *rules)
{
	return h->port != 0 ? h->port : rules->port;
}

/* RFC 5321, 5.1: the preference from which on all are to be discarded, since one leads to us.  So it is for SRV: who
 * asks only hosts that are preferred to himself asks none who would ask him. */
static uint32_t
loop_cut(const struct resolved *r, const struct hosts_rules *rules)
{
	uint32_t cut = NO_CUT;

	for (uint32_t i = 0; i < r->nhost && r->source != SOURCE_HOST; i++) {
		const struct resolved_host *h = &r->host[i];
		bool us = span_eqi(span_str(h->name), span_str(rules->me));

		for (unsigned k = 0; k < h->naddr && !us; k++) {
			struct netaddr a = h->addr[k];

			a.port = port_of(h, rules);
			us = own_has(rules->own, &a);
		}
		if (us && h->preference < cut)
			cut = h->preference;
	}
	return cut;
}

static void
add_address(const struct resolved *r, const struct resolved_host *h, unsigned k,
    const struct hosts_rules *rules, struct hosts *out)
{
	struct candidate *c = &out->c[out->n];

	if (out->n == HOSTS_MAX)
		return;
	*c = (struct candidate){ .to = h->addr[k], .preference = h->preference };
	c->to.port = port_of(h, rules);
	/* DNS is written by strangers: this host's own services are none of their business */
	if (r->source != SOURCE_HOST && (is_no_host(&c->to) || is_loopback(&c->to) || is_any(&c->to)))
		return;
	for (uint32_t i = 0; i < out->n; i++)	/* many names of one host: it is tried once */
		if (memcmp(out->c[i].to.a, c->to.a, sizeof c->to.a) == 0 && out->c[i].to.port == c->to.port)
			return;
	c->resting = rules->resting != NULL && rules->resting(rules->arg, &c->to);
	snprintf(c->name, sizeof c->name, "%s", r->source == SOURCE_LITERAL ? "" : h->name);
	out->n++;
}

/* The families by turns, IPv6 first; each in the order that DNS gave. */
static void
add_host(const struct resolved *r, const struct resolved_host *h, const struct hosts_rules *rules,
    struct hosts *out)
{
	unsigned at[2] = { 0, 0 }, left = h->naddr;

	for (bool four = false; left > 0; four = !four) {
		unsigned *k = &at[four];

		while (*k < h->naddr && is_four(&h->addr[*k]) != four)
			++*k;
		if (*k == h->naddr)
			continue;
		add_address(r, h, (*k)++, rules, out);
		left--;
	}
}

/* Those that rest behind the others; otherwise the order stays. */
static void
rest_last(struct hosts *h)
{
	static struct candidate resting[HOSTS_MAX];
	uint32_t n = 0, awake = 0;

	for (uint32_t i = 0; i < h->n; i++) {
		if (h->c[i].resting)
			resting[n++] = h->c[i];
		else if (awake++ != i)
			h->c[awake - 1] = h->c[i];
	}
	memcpy(&h->c[awake], resting, n * sizeof *resting);
}

/* The most preferred host above cut that can be blamed, by name: one that is not known now before those that
 * have no address for mail. */
static int
no_address(const struct resolved *r, uint32_t cut, struct err *e)
{
	const struct resolved_host *h = &r->host[0];
	const char *what = r->source == SOURCE_MX ? "MX host " : r->source == SOURCE_SRV ? "SRV host " : "";

	for (uint32_t i = 0; i < r->nhost && r->host[i].preference < cut && h->why[0] == '\0'; i++)
		if (r->host[i].why[0] != '\0')
			h = &r->host[i];
	if (h->why[0] != '\0')
		return err_set(e, ERR_TEMP, "4.4.3", "%s%s: %s", what, h->name, h->why);
	return err_set(e, ERR_PERM, "5.4.4", "%s%s: no address%s", what, h->name,
	    h->naddr > 0 ? " that mail could be sent to" : "");
}

int
hosts_order(const struct resolved *r, const struct hosts_rules *rules, struct hosts *out,
    struct err *e)
{
	uint32_t order[RESOLVE_HOSTS], cut = loop_cut(r, rules), left = 0;

	*out = (struct hosts){ .source = r->source, .dnssec = r->dnssec };
	arrange(r, rules->seed, order);
	for (uint32_t i = 0; i < r->nhost; i++) {
		const struct resolved_host *h = &r->host[order[i]];

		if (h->preference >= cut)
			break;
		left++;
		add_host(r, h, rules, out);
	}
	rest_last(out);
	if (out->n > 0)
		return 0;
	if (left == 0)
		return err_set(e, ERR_PERM, "5.4.6", r->source == SOURCE_SRV ? "its SRV records lead back to myself" :
		    "mail for this domain loops back to myself");
	return no_address(r, cut, e);
}

/* --- names --- */

int
hosts_domain(const char *dest, struct netaddr *a, char name[RESOLVE_NAME])
{
	struct span s = span_str(dest), in = span_sub(s, 1, s.n - (s.n > 0));
	bool six;
	struct err ignored;

	if (s.n > 2 && s.p[0] == '[' && s.p[s.n - 1] == ']') {
		six = span_isi(span_sub(in, 0, 5), "IPv6:");
		in = span_sub(in, six ? 5 : 0, in.n);
		if (in.n == 0 || in.p[0] == '[' || netaddr_parse(in, a, &ignored) == -1 ||
		    is_four(a) == six)
			return -1;
		a->port = PORT_SMTP;
		return 1;
	}
	if (s.n > 1 && s.p[s.n - 1] == '.')	/* qmgr's way to tell a domain "local" from here */
		s.n--;
	if (s.n >= RESOLVE_NAME || hostname_check(s, &ignored) == -1)
		return -1;
	for (size_t i = 0; i < s.n; i++)
		name[i] = (char)ascii_lower(s.p[i]);
	name[s.n] = '\0';
	return 0;
}

void
hosts_name(const struct candidate *c, char *out, size_t cap)
{
	char addr[ADDR_TEXT], hop[ADDR_TEXT + 10];
	size_t n;

	netaddr_print(&c->to, addr, sizeof addr);
	n = (size_t)snprintf(hop, sizeof hop, "[%s]:%u", addr, c->to.port);
	if (c->name[0] == '\0' || n + 2 > cap)
		snprintf(out, cap, "%s", hop);
	else				/* a long name is cut, never the address */
		snprintf(out, cap, "%.*s %s", (int)(cap - n - 2), c->name, hop);
}
