/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* lib/confhop.c - next hops: their one spelling, and the lines of settings that begin with one. */
#include "lib/confline.h"

#include <stdio.h>

enum { RANK_NONE, RANK_ALL, RANK_HOP, RANK_PARENT, RANK_DOMAIN = RANK_PARENT + DOMAIN_EXACT };

/* An address in "[…]", that of a domain behind "IPv6:" (RFC 5321, 4.1.3), IPv4 also without brackets.
 * false: another name, or "[IPv6:::ffff:192.0.2.1]", which is no host's. */
static bool
literal_print(struct span host, char *out, size_t cap)
{
	struct span tag = span_str("[IPv6:");
	bool bracket = host.n > 0 && host.p[0] == '[';
	bool six = span_isi(span_sub(host, 0, tag.n), "[IPv6:") && host.p[host.n - 1] == ']';
	struct netaddr a;
	struct err ignored;
	char addr[48];

	if (!bracket && (host.n == 0 || !ascii_digit(host.p[0]) || span_find(host, ':') < host.n))
		return false;		/* nearly all: no more time is spent on them */
	if (netaddr_parse(six ? span_sub(host, tag.n, host.n - 1) : host, &a, &ignored) == -1)
		return false;
	netaddr_print(&a, addr, sizeof addr);
	if (six && strchr(addr, ':') == NULL)
		return false;
	snprintf(out, cap, "[%s%s]", six ? "ipv6:" : "", addr);
	return true;
}

void
hop_name(struct span text, char out[JOB_DEST])
{
	struct span host = span_sub(text, 0, span_rfind(text, ':'));
	uint64_t port = 0;
	size_t n;

	if (host.n == text.n || !span_u64(span_sub(text, host.n + 1, text.n), 65535, &port) || port == 0)
		host = text;
	if (!literal_print(host, out, JOB_DEST)) {
		span_text(host, out, JOB_DEST);
		for (char *c = out; *c != '\0'; c++)
			*c = (char)ascii_lower((unsigned char)*c);
	}
	n = strlen(out);
	if (host.n < text.n)
		snprintf(out + n, JOB_DEST - n, ":%u", (unsigned)port);
}

bool
hop_line_who(struct span s)
{
	char dest[JOB_DEST];
	struct netaddr a;
	struct err ignored;

	if (span_is(s, "*") || domain_line_check(s, &ignored) == 0)
		return true;
	if (s.n >= sizeof dest)
		return false;
	span_text(s, dest, sizeof dest);
	return route_addr(dest, &a) != -1;
}

int
hop_line_keys(struct span line, struct buf *out, struct err *e)
{
	struct span rest = line, who, word;
	char name[JOB_DEST];

	span_word(&rest, &who);
	hop_name(who, name);
	while (span_word(&rest, &word))
		if (line_key_add(out, span_str(name), ' ', e) == -1 ||
		    line_key_add(out, span_sub(word, 0, span_find(word, '=')), '\0', e) == -1)
			return -1;
	return 0;
}

unsigned
hop_line_rank(struct span who, struct span domain, struct span dest)
{
	unsigned r = domain_rank(who, domain);
	char text[JOB_DEST];
	struct span name;

	if (r > 1)
		return RANK_PARENT + r;
	if (r == 1)
		return RANK_ALL;
	if (dest.n == 0)
		return RANK_NONE;
	hop_name(who, text);
	name = span_str(text);
	return span_eqi(name, dest) || span_eqi(name, span_sub(dest, 0, span_rfind(dest, ':'))) ? RANK_HOP :
	    RANK_NONE;
}
