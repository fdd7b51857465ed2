/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/address.h"

#include <arpa/inet.h>

#include "lib/cur.h"
#include "lib/xtext.h"

enum { MAX_LABEL = 63, MAX_ROUTE = 32 };	/* octets (RFC 1035 2.3.4); hops of a source route */

/* RFC 5322 3.2.3. */
static bool
is_atext(int c)
{
	return ascii_alpha(c) || ascii_digit(c) ||
	    (c > 0 && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static bool
is_let_dig(int c)
{
	return ascii_alpha(c) || ascii_digit(c);
}

/* Passes over a character beyond ASCII (UTF8-non-ascii of RFC 6532, 3.1), but no control one. */
static bool
take_beyond(struct cur *c)
{
	uint32_t cp;
	size_t n = xtext_utf8_char((struct span){ c->p, cur_left(c) }, &cp);

	if (n < 2 || cp < 0xa0)
		return false;
	cur_skip(c, n);
	return true;
}

/* One that is_plain says belongs here, or with utf8 one beyond ASCII. */
static bool
take_one(struct cur *c, bool (*is_plain)(int), bool utf8)
{
	if (!is_plain(cur_peek(c)))
		return utf8 && cur_peek(c) >= 0x80 && take_beyond(c);
	cur_skip(c, 1);
	return true;
}

/* Quoted-string = DQUOTE *( qtextSMTP / quoted-pairSMTP ) DQUOTE; the first quote is next. */
static bool
take_quoted(struct cur *c, bool utf8)
{
	int o;

	cur_skip(c, 1);
	for (;;) {
		if (utf8 && cur_peek(c) >= 0x80) {
			if (!take_beyond(c))
				return false;
			continue;
		}
		if ((o = cur_byte(c)) == '"')
			return true;
		if (o == '\\')
			o = cur_byte(c);
		if (o < 0x20 || o > 0x7e)
			return false;
	}
}

/* Dot-string = Atom *( "." Atom ) */
static bool
take_dot_string(struct cur *c, bool utf8)
{
	do {
		if (!take_one(c, is_atext, utf8))
			return false;
		while (take_one(c, is_atext, utf8))
			;
	} while (cur_peek(c) == '.' && cur_byte(c) == '.');
	return true;
}

static bool
take_local(struct cur *c, bool utf8)
{
	const unsigned char *from = c->p;

	if (!(cur_peek(c) == '"' ? take_quoted(c, utf8) : take_dot_string(c, utf8)))
		return false;
	return !c->bad && (size_t)(c->p - from) <= ADDRESS_MAX_LOCAL;
}

static bool
is_let_dig_hyphen(int c)
{
	return is_let_dig(c) || c == '-';
}

/* sub-domain = Let-dig [ Ldh-str ]: hyphens stand inside only; or a U-label, which lib/idn.h judges. */
static bool
take_label(struct cur *c, bool utf8)
{
	const unsigned char *from = c->p;

	if (!take_one(c, is_let_dig, utf8))
		return false;
	while (take_one(c, is_let_dig_hyphen, utf8))
		;
	return c->p[-1] != '-' && (size_t)(c->p - from) <= MAX_LABEL;
}

static bool
take_name(struct cur *c, bool utf8)
{
	do {
		if (!take_label(c, utf8))
			return false;
	} while (cur_peek(c) == '.' && cur_byte(c) == '.');
	return true;
}

/* IPv4-address-literal = Snum 3( "." Snum ), 1 to 3 digits each, leading zeros allowed. */
static bool
is_ipv4(struct span s)
{
	uint64_t v;

	for (int i = 0; i < 4; i++) {
		size_t dot = span_find(s, '.');

		if ((dot == s.n) != (i == 3) || dot > 3 || !span_u64(span_sub(s, 0, dot), 255, &v))
			return false;
		s = span_sub(s, dot + 1, s.n);
	}
	return true;
}

static bool
is_ipv6(struct span s)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr a;

	if (s.n >= sizeof text || span_find(s, '\0') < s.n)
		return false;
	span_text(s, text, sizeof text);
	return inet_pton(AF_INET6, text, &a) == 1;
}

/*
 * IPv4 or IPv6.  A General-address-literal needs a registered tag, of which there is none but IPv6;
 * taken by its grammar it could hold "@" and quotes, and be read in two ways.
 */
static bool
take_literal(struct cur *c)
{
	struct span s = { c->p, cur_left(c) };
	size_t end = span_find(s, ']');

	if (end == s.n)
		return false;
	cur_skip(c, end + 1);
	s = span_sub(s, 1, end);
	if (s.n > 5 && span_isi(span_sub(s, 0, 5), "IPv6:"))
		return is_ipv6(span_sub(s, 5, s.n));
	return is_ipv4(s);
}

static bool
take_domain(struct cur *c, bool utf8)
{
	const unsigned char *from = c->p;

	if (!(cur_peek(c) == '[' ? take_literal(c) : take_name(c, utf8)))
		return false;
	return (size_t)(c->p - from) <= ADDRESS_MAX_DOMAIN;
}

/* A-d-l ":" = At-domain *( "," At-domain ) ":"; it must be taken and is ignored (Appendix C). */
static bool
take_route(struct cur *c, bool utf8)
{
	for (int i = 0; i < MAX_ROUTE; i++) {
		int o;

		if (cur_byte(c) != '@' || !take_domain(c, utf8))
			return false;
		o = cur_byte(c);
		if (o != ',')
			return o == ':';
	}
	return false;
}

static bool
take_mailbox(struct cur *c, bool utf8)
{
	return take_local(c, utf8) && cur_byte(c) == '@' && take_domain(c, utf8);
}

static bool
take_path(struct cur *c, bool null_ok, struct span *out)
{
	const bool utf8 = true;
	static const char postmaster[] = "postmaster>";
	struct span rest;
	const unsigned char *from;

	if (cur_byte(c) != '<')
		return false;
	rest = (struct span){ c->p, cur_left(c) };
	if (null_ok && cur_peek(c) == '>') {
		*out = cur_take(c, 0);
		cur_skip(c, 1);
		return true;
	}
	if (!null_ok && span_isi(span_sub(rest, 0, sizeof postmaster - 1), postmaster)) {
		*out = cur_take(c, sizeof postmaster - 2);
		cur_skip(c, 1);
		return true;
	}
	if (cur_peek(c) == '@' && !take_route(c, utf8))
		return false;
	from = c->p;
	if (!take_mailbox(c, utf8))
		return false;
	*out = (struct span){ from, (size_t)(c->p - from) };
	return cur_byte(c) == '>';
}

int
address_path(struct span in, bool null_ok, struct span *out, size_t *used, struct err *e)
{
	struct cur c = cur_of(in);

	if (!take_path(&c, null_ok, out) || c.bad)
		return null_ok ? err_set(e, ERR_PERM, "5.1.7", "bad sender address syntax") :
		    err_set(e, ERR_PERM, "5.1.3", "bad recipient address syntax");
	*used = in.n - cur_left(&c);
	return 0;
}

static int
check_mailbox(struct span in, bool utf8, struct err *e)
{
	struct cur c = cur_of(in);

	if (!take_mailbox(&c, utf8) || c.bad || cur_left(&c) != 0)
		return err_set(e, ERR_PERM, "5.1.3", "bad address syntax");
	return 0;
}

int
address_check(struct span in, struct err *e)
{
	return check_mailbox(in, false, e);
}

int
address_check_utf8(struct span in, struct err *e)
{
	return check_mailbox(in, true, e);
}

bool
address_ascii(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] >= 0x80)
			return false;
	return true;
}

bool
address_is_domain(struct span s)
{
	struct cur c = cur_of(s);

	return take_domain(&c, false) && !c.bad && cur_left(&c) == 0;
}

/* Index of the "@" before the domain, or n. */
static size_t
find_at(struct span addr)
{
	size_t at = addr.n;
	bool quoted = false;

	for (size_t i = 0; i < addr.n; i++) {
		if (quoted && addr.p[i] == '\\')
			i++;
		else if (addr.p[i] == '"')
			quoted = !quoted;
		else if (addr.p[i] == '@' && !quoted)
			at = i;
	}
	return at;
}

struct span
address_domain(struct span addr)
{
	return span_sub(addr, find_at(addr) + 1, addr.n);
}

struct span
address_local(struct span addr)
{
	return span_sub(addr, 0, find_at(addr));
}

/* The same local part without quotes and backslashes, in lower case. */
static int
add_local(struct span local, struct buf *out, struct err *e)
{
	bool quoted = local.n >= 2 && local.p[0] == '"' && local.p[local.n - 1] == '"';

	if (quoted)
		local = span_sub(local, 1, local.n - 1);
	for (size_t i = 0; i < local.n; i++) {
		if (quoted && local.p[i] == '\\' && i + 1 < local.n)
			i++;
		if (buf_add_byte(out, ascii_lower(local.p[i]), e) == -1)
			return -1;
	}
	return 0;
}

bool
address_is_fax(struct span addr)
{
	static const char fax[] = "fax=", ifax[] = "ifax";
	struct err ignored;		/* a local part longer than any */
	struct span local;
	struct buf text;
	bool is;

	buf_init(&text, ADDRESS_MAX_LOCAL);
	is = add_local(address_local(addr), &text, &ignored) == 0;
	local = buf_view(&text);
	if (local.n > 0 && local.p[0] == '/')
		local = span_sub(local, 1, local.n);
	is = is && (span_is(span_sub(local, 0, sizeof fax - 1), fax) ||
	    span_is(span_sub(buf_view(&text), 0, span_find(buf_view(&text), '+')), ifax));
	buf_free(&text);
	return is;
}

int
address_key(struct span addr, struct buf *out, struct err *e)
{
	size_t at = find_at(addr);

	if (add_local(span_sub(addr, 0, at), out, e) == -1)
		return -1;
	for (; at < addr.n; at++)
		if (buf_add_byte(out, ascii_lower(addr.p[at]), e) == -1)
			return -1;
	return 0;
}

bool
address_path_ok(struct span addr, bool *utf8)
{
	bool quoted = false;

	*utf8 = false;
	for (size_t i = 0; i < addr.n; i++) {
		unsigned char c = addr.p[i];

		if (c < 0x20 || c == 0x7f || (!quoted && (c == ' ' || c == '<' || c == '>')))
			return false;
		if (c >= 0x80)
			*utf8 = true;
		if (quoted && c == '\\') {
			if (++i == addr.n || addr.p[i] < 0x20 || addr.p[i] > 0x7e)
				return false;
		} else if (c == '"') {
			quoted = !quoted;
		}
	}
	return !quoted;
}
