/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/resolve.h"

#include <errno.h>
#include <stdio.h>

#include "lib/cur.h"

/* A host behind the packet's struct: preference, weight, port, octets of why it is not known wholly, addresses,
 * octets of the name; the name; why; the addresses. */
enum { HOST_HEAD = 3 * 2 + 1 + 1 + 1, ADDR_OCTETS = 16 };

const char *
resolve_source_name(enum resolve_source s)
{
	static const char *const names[SOURCE_COUNT] = {
		[SOURCE_MX] = "mx", [SOURCE_IMPLICIT] = "implicit", [SOURCE_HOST] = "route",
		[SOURCE_SRV] = "srv", [SOURCE_LITERAL] = "literal",
	};

	return (unsigned)s < SOURCE_COUNT ? names[s] : "?";
}

const char *
resolve_dnssec_name(enum resolve_dnssec d)
{
	return d == DNSSEC_SECURE ? "secure" : "insecure";
}

static int
write_host(const struct resolved_host *h, struct buf *out, struct err *e)
{
	size_t n = strnlen(h->name, sizeof h->name), nwhy = strnlen(h->why, sizeof h->why - 1);

	if (buf_add_u16le(out, h->preference, e) == -1 || buf_add_u16le(out, h->weight, e) == -1 ||
	    buf_add_u16le(out, h->port, e) == -1 || buf_add_byte(out, (int)nwhy, e) == -1 ||
	    buf_add_byte(out, h->naddr, e) == -1 || buf_add_byte(out, (int)n, e) == -1 ||
	    buf_add(out, span_of(h->name, n), e) == -1 || buf_add(out, span_of(h->why, nwhy), e) == -1)
		return -1;
	for (unsigned i = 0; i < h->naddr; i++)
		if (buf_add(out, span_of(h->addr[i].a, ADDR_OCTETS), e) == -1)
			return -1;
	return 0;
}

int
resolve_write(const struct resolved *r, const struct err *why, struct buf *out, struct err *e)
{
	struct msg_resolved m = { 0 };

	if (why != NULL) {
		m.kind = (uint32_t)why->kind;
		snprintf(m.dsn, sizeof m.dsn, "%s", why->dsn);
		snprintf(m.what, sizeof m.what, "%.*s", (int)sizeof m.what - 1, why->what);
		return buf_add(out, span_of(&m, sizeof m), e);
	}
	m.source = (uint32_t)r->source;
	m.dnssec = (uint32_t)r->dnssec;
	m.ttl = r->ttl;
	m.nhost = r->nhost;
	if (buf_add(out, span_of(&m, sizeof m), e) == -1)
		return -1;
	for (uint32_t i = 0; i < r->nhost; i++)
		if (write_host(&r->host[i], out, e) == -1)
			return -1;
	return 0;
}

static bool
read_host(struct cur *c, struct resolved_host *h)
{
	struct span head = cur_take(c, HOST_HEAD), name, why;
	struct err ignored;

	if (c->bad)
		return false;
	h->preference = (uint16_t)(head.p[0] | head.p[1] << 8);
	h->weight = (uint16_t)(head.p[2] | head.p[3] << 8);
	h->port = (uint16_t)(head.p[4] | head.p[5] << 8);
	h->naddr = head.p[7];
	name = cur_take(c, head.p[8]);
	why = cur_take(c, head.p[6]);
	if (h->naddr > RESOLVE_ADDRS || why.n >= sizeof h->why || hostname_check(name, &ignored) == -1)
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] != ascii_lower(name.p[i]))
			return false;
	span_text(name, h->name, sizeof h->name);
	span_text(why, h->why, sizeof h->why);
	for (unsigned i = 0; i < h->naddr; i++) {
		struct span a = cur_take(c, ADDR_OCTETS);

		h->addr[i] = (struct netaddr){ .port = 0 };
		if (a.n == ADDR_OCTETS)
			memcpy(h->addr[i].a, a.p, ADDR_OCTETS);
	}
	return !c->bad;
}

/* What the resolver could not do. */
static int
read_failure(const struct msg_resolved *m, struct err *e)
{
	enum err_kind kind = m->kind == ERR_PERM ? ERR_PERM : ERR_TEMP;
	char dsn[sizeof m->dsn], what[sizeof m->what];

	span_text(span_of(m->dsn, strnlen(m->dsn, sizeof m->dsn)), dsn, sizeof dsn);
	span_text(span_of(m->what, strnlen(m->what, sizeof m->what)), what, sizeof what);
	if (dsn[0] != (kind == ERR_PERM ? '5' : '4') || dsn[1] != '.')
		snprintf(dsn, sizeof dsn, "%s", kind == ERR_PERM ? "5.4.4" : "4.4.3");
	return err_set(e, kind, dsn, "%s", what);
}

int
resolve_read(struct span packet, struct resolved *out, struct err *e)
{
	struct cur c = cur_of(packet);
	struct span head = cur_take(&c, sizeof(struct msg_resolved));
	struct msg_resolved m;

	if (c.bad)
		return err_set(e, ERR_PROTO, NULL, "an answer of %zu octets", packet.n);
	memcpy(&m, head.p, sizeof m);
	if (m.kind != ERR_NONE)
		return read_failure(&m, e);
	*out = (struct resolved){ .ttl = m.ttl, .nhost = m.nhost };
	out->source = (enum resolve_source)m.source;
	out->dnssec = m.dnssec == DNSSEC_SECURE ? DNSSEC_SECURE : DNSSEC_INSECURE;
	if (m.nhost == 0 || m.nhost > RESOLVE_HOSTS || m.source >= SOURCE_LITERAL)
		return err_set(e, ERR_PROTO, NULL, "an answer with %u hosts", m.nhost);
	for (uint32_t i = 0; i < m.nhost; i++)
		if (!read_host(&c, &out->host[i]) || (out->host[i].port != 0) != (out->source == SOURCE_SRV) ||
		    (i > 0 && out->host[i].preference < out->host[i - 1].preference))
			return err_set(e, ERR_PROTO, NULL, "host %u of an answer is none", i);
	return cur_left(&c) == 0 ? 0 : err_set(e, ERR_PROTO, NULL, "an answer with more than its hosts");
}

int
resolve_ask(int sock, enum resolve_kind kind, const char *name, struct resolved *out, struct err *e)
{
	static _Alignas(8) unsigned char packet[sizeof(struct msg_resolved) + RESOLVE_HOSTS *
	    (HOST_HEAD + RESOLVE_NAME + RESOLVE_WHY + RESOLVE_ADDRS * ADDR_OCTETS)];
	const struct msg_hdr *h = (const struct msg_hdr *)(const void *)packet;
	struct msg_resolve m = { .kind = (uint32_t)kind };
	int fds[MSG_FDS], r;
	size_t len;

	snprintf(m.name, sizeof m.name, "%s", name);
	r = ipc_call(sock, &m.h, MSG_RESOLVE, sizeof m, NULL, 0, packet, sizeof packet, &len, fds,
	    RESOLVE_WAIT_MS, e);
	if (r != 1) {
		if (e->sys == ETIMEDOUT)
			err_set(e, ERR_TEMP, "4.4.3", "%s: no answer from the resolver", name);
		return -1;
	}
	ipc_close_fds(fds, MSG_FDS);
	if (h->type != MSG_RESOLVED)
		return err_set(e, ERR_PROTO, NULL, "packet %u from the resolver", h->type);
	return resolve_read(span_of(packet, len), out, e);
}
