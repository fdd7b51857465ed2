/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * DNS answers in wire format.  Whatever is read of one stands in it, read by another way: an address
 * octet by octet, a name label by label, so that no octet of a label passes for a dot.  A name is a
 * host's in lower case; hosts come by growing preference, all in bounds; and what a session reads of the
 * resolver's packet is just that.
 */
#include <assert.h>

#include "remote/resolver/question.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const enum dns_type types[] = { DNS_MX, DNS_A, DNS_AAAA, DNS_SRV };

/* Do the labels at octet at of the packet, pointers followed, spell that name? */
static bool
spells(struct span packet, size_t at, const char *name)
{
	for (int jumps = 0; at < packet.n && jumps < 128;) {
		size_t n = packet.p[at], label = strcspn(name, ".");

		if (n == 0)
			return *name == '\0';
		if (n >= 0xc0) {
			jumps++;
			at = at + 1 < packet.n ? (n & 0x3f) << 8 | packet.p[at + 1] : packet.n;
			continue;
		}
		if (n != label ||
		    !span_eqi(span_sub(packet, at + 1, at + 1 + n), span_of(name, label)))
			return false;
		at += n + 1;
		name += label + (name[label] == '.');
	}
	return false;
}

/* What an answer has is in the packet: nothing is made up, nothing is read as another thing. */
static void
check_records(struct span packet, const struct answer *a, enum dns_type type)
{
	for (uint32_t i = 0; i < a->n; i++) {
		const struct record *r = &a->record[i];
		size_t skip = type == DNS_A ? 12 : 0, at = 0;

		if (type == DNS_A || type == DNS_AAAA) {
			assert(memmem(packet.p, packet.n, r->a + skip, sizeof r->a - skip) != NULL);
			continue;
		}
		if (r->name[0] == '\0')		/* null MX */
			continue;
		assert((type == DNS_SRV) == (r->port != 0));
		while (at < packet.n && !spells(packet, at, r->name))
			at++;
		assert(at < packet.n);
	}
}

static void
check_hosts(const struct resolved *r, enum dns_type type)
{
	struct err e;

	assert(r->nhost <= RESOLVE_HOSTS);
	for (uint32_t i = 0; i < r->nhost; i++) {
		const char *name = r->host[i].name;

		assert(hostname_check(span_str(name), &e) == 0);
		assert((type == DNS_SRV) == (r->host[i].port != 0));
		for (size_t k = 0; name[k] != '\0'; k++)
			assert(name[k] == ascii_lower(name[k]));
		assert(i == 0 || r->host[i].preference >= r->host[i - 1].preference);
	}
}

static void
check_packet(const struct resolved *r)
{
	static struct resolved back;
	struct buf b;
	struct err e;

	buf_init(&b, MSG_MAX);
	assert(resolve_write(r, NULL, &b, &e) == 0);
	assert(resolve_read(buf_view(&b), &back, &e) == 0);
	assert(memcmp(&back, r, sizeof back) == 0);
	buf_free(&b);
	/* and nothing else: neither capital letters nor an octet that no name has */
	for (int i = 0; i < 2; i++) {
		static struct resolved other;

		other = *r;
		other.host[r->nhost - 1].name[0] = "X/"[i];
		buf_init(&b, MSG_MAX);
		assert(resolve_write(&other, NULL, &b, &e) == 0);
		assert(resolve_read(buf_view(&b), &back, &e) == -1 && e.kind == ERR_PROTO);
		buf_free(&b);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct answer a, none;
	static struct resolved r;
	struct err e = { 0 };
	enum dns_type type;

	if (n == 0)
		return 0;
	type = types[p[0] % 4];
	if (answer_read(span_of(p + 1, n - 1), "x.example", type, &a, &e) == -1) {
		assert(e.kind == ERR_TEMP && e.dsn[0] == '4');
		return 0;
	}
	assert(a.n <= ANSWER_RECORDS && a.ttl <= ANSWER_TTL_MAX);
	check_records(span_of(p + 1, n - 1), &a, type);
	memset(&r, 0, sizeof r);
	if (type == DNS_SRV)
		r.source = SOURCE_SRV;
	if (type == DNS_A || type == DNS_AAAA) {
		r.nhost = 1;
		r.host[0].name[0] = 'x';
		question_addrs(&a, &none, &r.host[0]);
		check_packet(&r);
	} else if (question_hosts(&a, type == DNS_MX ? RESOLVE_MX : RESOLVE_CONNEG, "x.example", &r, &e) == -1) {
		assert(e.kind == ERR_PERM && (a.n > 0 || a.nodd > 0));
	} else if (r.nhost > 0) {
		check_hosts(&r, type);
		check_packet(&r);
	}
	return 0;
}
