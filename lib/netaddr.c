/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* lib/netaddr.c - addresses and networks as settings write them. */
#include "lib/confline.h"

#include <arpa/inet.h>
#include <stdio.h>

static const unsigned char v4_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
enum { V4_BITS = 96 };

static bool
is_v4(const unsigned char a[16])
{
	return memcmp(a, v4_prefix, sizeof v4_prefix) == 0;
}

int
netaddr_parse(struct span text, struct netaddr *out, struct err *e)
{
	char s[INET6_ADDRSTRLEN];
	struct span in = text;

	*out = (struct netaddr){ 0 };
	if (in.n >= 2 && in.p[0] == '[' && in.p[in.n - 1] == ']')
		in = span_sub(in, 1, in.n - 1);
	if (in.n > 0 && in.n < sizeof s && span_find(in, '\0') == in.n) {
		memcpy(s, in.p, in.n);
		s[in.n] = '\0';
		memcpy(out->a, v4_prefix, sizeof v4_prefix);
		if (inet_pton(AF_INET, s, out->a + sizeof v4_prefix) == 1 ||
		    inet_pton(AF_INET6, s, out->a) == 1)
			return 0;
	}
	span_text(text, s, sizeof s);
	return err_set(e, ERR_PERM, NULL, "expected an address such as 192.0.2.1 or [2001:db8::1], "
	    "not \"%s\"", s);
}

void
netaddr_print(const struct netaddr *a, char *out, size_t cap)
{
	const void *from = is_v4(a->a) ? a->a + sizeof v4_prefix : a->a;

	if (inet_ntop(is_v4(a->a) ? AF_INET : AF_INET6, from, out, (socklen_t)cap) == NULL && cap > 0)
		out[0] = '\0';
}

/* Are all bits behind the first n zero? */
static bool
rest_is_zero(const unsigned char a[16], unsigned n)
{
	for (unsigned i = n; i < 128; i++)
		if (a[i / 8] & 0x80u >> i % 8)
			return false;
	return true;
}

int
network_parse(struct span line, struct network *out, struct err *e)
{
	struct span addr = span_sub(line, 0, span_find(line, '/'));
	struct span bits = span_sub(line, addr.n + 1, line.n);
	struct netaddr a;
	uint64_t n;
	bool v4;

	if (netaddr_parse(addr, &a, e) == -1)
		return -1;
	v4 = is_v4(a.a);
	n = v4 ? 32 : 128;
	if (addr.n < line.n && !span_u64(bits, n, &n))
		return err_set(e, ERR_PERM, NULL, "expected a prefix length from 0 to %d after the /",
		    v4 ? 32 : 128);
	memcpy(out->a, a.a, sizeof out->a);
	out->bits = (unsigned)n + (v4 ? V4_BITS : 0);
	if (!rest_is_zero(out->a, out->bits))
		return err_set(e, ERR_PERM, NULL, "expected a network: bits behind the prefix are set");
	return 0;
}

bool
network_has(const struct network *net, const struct netaddr *addr)
{
	unsigned whole = net->bits / 8, part = net->bits % 8;

	/* "::/0" is every IPv6 address; IPv4 must be named in its own notation */
	if (is_v4(addr->a) && net->bits < V4_BITS)
		return false;
	if (memcmp(net->a, addr->a, whole) != 0)
		return false;
	return part == 0 || (net->a[whole] ^ addr->a[whole]) >> (8 - part) == 0;
}

bool
networks_have(const struct span *lines, uint32_t n, const struct netaddr *addr)
{
	struct network net;
	struct err ignored;

	for (uint32_t i = 0; i < n; i++)
		if (network_parse(lines[i], &net, &ignored) == 0 && network_has(&net, addr))
			return true;
	return false;
}
