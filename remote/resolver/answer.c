/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "remote/resolver/answer.h"

#include "lib/confline.h"
#include "lib/cur.h"

enum { POINTER = 0xc0, LABEL_MAX = 63, CLASS_IN = 1, NAME_WIRE = 255 };
enum { MX_HOST = 2, SRV_HOST = 6 };	/* where the name begins in the data */

/* A name of the packet as text in lower case. */
struct name {
	char text[NAME_WIRE + 1];
	size_t n;
	bool odd;		/* has octets that no host's name has */
};

static void
name_octet(struct name *out, int c)
{
	if (out->n < sizeof out->text - 1)
		out->text[out->n++] = (char)c;
}

/* A label's octets; a dot or control octet inside one must never look like another name. */
static void
name_label(struct name *out, struct span label)
{
	if (out->n > 0)
		name_octet(out, '.');
	for (size_t i = 0; i < label.n; i++) {
		int c = ascii_lower(label.p[i]);

		if (!ascii_alpha(c) && !ascii_digit(c) && c != '-' && c != '_')
			out->odd = true;
		name_octet(out, c);
	}
}

/*
 * The name at c, which is moved behind it.  A pointer may only lead to what lies before it and before
 * the last pointer's target, so the way has an end (RFC 1035, 4.1.4: "a prior occurrence").
 */
static bool
name_read(struct span packet, struct cur *c, struct name *out)
{
	size_t limit = (size_t)(c->p - packet.p), wire = 1;
	struct cur at = *c;
	bool jumped = false;
	int n;

	out->n = 0;
	out->odd = false;
	while ((n = cur_byte(&at)) > 0) {
		if ((n & POINTER) == POINTER) {
			size_t to = (size_t)(n & ~POINTER) << 8;
			int low = cur_byte(&at);

			if (low == -1 || (to |= (size_t)low) >= limit)
				break;
			if (!jumped)
				*c = at;
			jumped = true;
			limit = to;
			at = cur_of(span_sub(packet, to, packet.n));
			continue;
		}
		wire += (size_t)n + 1;
		if (n > LABEL_MAX || wire > NAME_WIRE)
			break;
		name_label(out, cur_take(&at, (size_t)n));
	}
	out->text[out->n] = '\0';
	if (n != 0 || at.bad) {
		c->bad = true;
		return false;
	}
	if (!jumped)
		*c = at;
	return true;
}

struct rr { struct name owner; uint16_t type, class; uint32_t ttl; struct span data; size_t data_at; };

static bool
rr_read(struct span packet, struct cur *c, struct rr *out)
{
	uint16_t n;

	if (!name_read(packet, c, &out->owner))
		return false;
	out->type = cur_u16be(c);
	out->class = cur_u16be(c);
	out->ttl = cur_u32be(c);
	n = cur_u16be(c);
	if (c->bad)
		return false;
	out->data_at = (size_t)(c->p - packet.p);
	out->data = cur_take(c, n);
	return !c->bad;
}

/* A name inside a record's data, from its octet on; it must end where the data ends. */
static bool
rr_name(struct span packet, const struct rr *rr, size_t from, struct name *out)
{
	struct span upto = span_sub(packet, 0, rr->data_at + rr->data.n);
	struct cur c = cur_of(span_sub(upto, rr->data_at + from, upto.n));

	return rr->data.n > from && name_read(upto, &c, out) && cur_left(&c) == 0;
}

static void
answer_ttl(struct answer *out, uint32_t ttl)
{
	if (ttl & 0x80000000u)		/* RFC 2181, 8 */
		ttl = 0;
	if (ttl < out->ttl)
		out->ttl = ttl;
}

/* Keeps a record; of too many, the one that is preferred least goes. */
static void
answer_keep(struct answer *out, const struct record *r)
{
	struct record *least = &out->record[0];

	if (out->n < ANSWER_RECORDS) {
		out->record[out->n++] = *r;
		return;
	}
	for (uint32_t i = 1; i < out->n; i++)
		if (out->record[i].preference > least->preference)
			least = &out->record[i];
	if (r->preference < least->preference)
		*least = *r;
}

/* The host of an MX (RFC 1035, 3.3.9) or SRV record, whose name begins at that octet.  1: it is one, or the root; 0:
 * it is none; -1: malformed. */
static int
answer_host(struct span packet, const struct rr *rr, size_t from, struct record *to)
{
	struct err ignored;
	struct name host;

	if (rr->data.n < from + 1 || !rr_name(packet, rr, from, &host))
		return -1;
	to->preference = (uint16_t)(rr->data.p[0] << 8 | rr->data.p[1]);
	if (from == SRV_HOST) {
		to->weight = (uint16_t)(rr->data.p[2] << 8 | rr->data.p[3]);
		to->port = (uint16_t)(rr->data.p[4] << 8 | rr->data.p[5]);
	}
	if (host.n == 0)
		return 1;
	if (host.odd || hostname_check(span_of(host.text, host.n), &ignored) == -1 ||
	    (from == SRV_HOST && to->port == 0))
		return 0;
	memcpy(to->name, host.text, host.n + 1);
	return 1;
}

/* A record of the type and name that were asked for.  false: malformed. */
static bool
answer_take(struct span packet, const struct rr *rr, struct answer *out)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct record record = { 0 }, *to = &record;
	int host;

	if (rr->type == DNS_A) {
		if (rr->data.n != 4)
			return false;
		memcpy(to->a, mapped, sizeof mapped);
		memcpy(to->a + sizeof mapped, rr->data.p, 4);
	} else if (rr->type == DNS_AAAA) {
		if (rr->data.n != 16)
			return false;
		memcpy(to->a, rr->data.p, 16);
	} else {
		host = answer_host(packet, rr, rr->type == DNS_MX ? MX_HOST : SRV_HOST, to);
		if (host <= 0) {
			out->nodd += host == 0;
			return host == 0;
		}
	}
	answer_ttl(out, rr->ttl);
	answer_keep(out, to);
	return true;
}

/* Behind header and question: where the answers begin.  *count of them. */
static bool
answer_start(struct span packet, struct cur *c, unsigned *rcode, unsigned *count)
{
	unsigned flags, questions;
	struct name ignored;

	*c = cur_of(packet);
	cur_skip(c, 2);
	flags = cur_u16be(c);
	questions = cur_u16be(c);
	*count = cur_u16be(c);
	cur_skip(c, 4);
	*rcode = flags & 15;
	if (c->bad || !(flags & 0x8000) || questions > 1)
		return false;
	if (questions == 1) {
		if (!name_read(packet, c, &ignored))
			return false;
		cur_skip(c, 4);
	}
	return !c->bad;
}

/* One pass: the records of name, or what it is an alias of.  1 an alias, 0 none, -1 malformed. */
static int
answer_pass(struct span packet, struct name *name, enum dns_type type, struct answer *out)
{
	struct rr rr;
	struct cur c;
	unsigned count, rcode;
	bool alias = false;
	struct name to;

	if (!answer_start(packet, &c, &rcode, &count))
		return -1;
	out->rcode = rcode;
	for (unsigned i = 0; i < count && i < ANSWER_SCAN; i++) {
		if (!rr_read(packet, &c, &rr))
			return -1;
		if (rr.class != CLASS_IN || rr.owner.n != name->n || rr.owner.odd != name->odd ||
		    memcmp(rr.owner.text, name->text, name->n) != 0)
			continue;
		if (rr.type == (uint16_t)type) {
			if (!answer_take(packet, &rr, out))
				return -1;
		} else if (rr.type == DNS_CNAME && !alias) {
			if (!rr_name(packet, &rr, 0, &to))
				return -1;
			alias = true;
			answer_ttl(out, rr.ttl);
		}
	}
	if (out->n > 0 || out->nodd > 0 || !alias)
		return 0;
	*name = to;
	return 1;
}

int
answer_read(struct span packet, const char *name, enum dns_type type, struct answer *out,
    struct err *e)
{
	struct name at = { .odd = false };
	int r = 1;

	*out = (struct answer){ .ttl = ANSWER_TTL_MAX };
	for (; name[at.n] != '\0' && at.n < sizeof at.text - 1; at.n++)
		at.text[at.n] = name[at.n];
	for (unsigned i = 0; r == 1 && i <= ANSWER_ALIASES; i++)
		r = answer_pass(packet, &at, type, out);
	if (r == 1)
		return err_set(e, ERR_TEMP, "4.4.3", "%s: its aliases (CNAME) have no end", name);
	if (r == -1)
		return err_set(e, ERR_TEMP, "4.4.3", "%s: a malformed DNS answer", name);
	return 0;
}
