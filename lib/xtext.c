/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/xtext.h"

static int
clean_octet(int c)
{
	return c < 0x20 || c > 0x7e ? '?' : c;
}

int
xtext_clean(struct buf *out, struct span s, size_t max, struct err *e)
{
	for (size_t i = 0; i < s.n; i++) {
		if (i == max)
			return buf_add_str(out, "...", e);
		if (buf_add_byte(out, clean_octet(s.p[i]), e) == -1)
			return -1;
	}
	return 0;
}

static int
hex_digit(int c)
{
	return ascii_digit(c) ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int
xtext_decode(struct buf *out, struct span s, size_t max, struct err *e)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++, n++) {
		int c = s.p[i];

		if (n == max)
			return buf_add_str(out, "...", e);
		if (c == '+' && i + 2 < s.n && hex_digit(s.p[i + 1]) >= 0 && hex_digit(s.p[i + 2]) >= 0) {
			c = hex_digit(s.p[i + 1]) << 4 | hex_digit(s.p[i + 2]);
			i += 2;
		}
		if (buf_add_byte(out, clean_octet(c), e) == -1)
			return -1;
	}
	return 0;
}

bool
xtext_ok(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		int c = s.p[i];

		if (c <= ' ' || c > '~' || c == '=')
			return false;
		if (c != '+')
			continue;
		if (i + 2 >= s.n || hex_digit(s.p[i + 1]) < 0 || hex_digit(s.p[i + 2]) < 0)
			return false;
		c = hex_digit(s.p[i + 1]) << 4 | hex_digit(s.p[i + 2]);
		if (c < ' ' || c > '~')
			return false;
		i += 2;
	}
	return true;
}

bool
xtext_envid_ok(struct span s)
{
	return s.n > 0 && s.n <= XTEXT_ENVID_MAX && xtext_ok(s);
}

/* The octets of the UTF-8 character that s begins with, its code point in *cp; 0: none. */
static size_t
utf8_take(struct span s, uint32_t *cp)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n;

	if (s.n == 0)
		return 0;
	n = s.p[0] < 0x80 ? 1 : s.p[0] >= 0xf0 && s.p[0] < 0xf8 ? 4 : s.p[0] >= 0xe0 ? 3 : 2;
	if (n > s.n || (s.p[0] >= 0x80 && s.p[0] < 0xc0) || s.p[0] >= 0xf8)
		return 0;
	*cp = n == 1 ? s.p[0] : s.p[0] & (0xffu >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if ((s.p[i] & 0xc0) != 0x80)
			return 0;
		*cp = *cp << 6 | (s.p[i] & 0x3f);
	}
	return *cp < least[n] || *cp > 0x10ffff || (*cp >= 0xd800 && *cp < 0xe000) ? 0 : n;
}

bool
xtext_utf8(struct span s)
{
	bool beyond = false;
	uint32_t cp = 0;

	while (s.n > 0) {
		size_t n = utf8_take(s, &cp);

		if (n == 0 || cp < 0x20 || (cp >= 0x7f && cp < 0xa0))
			return false;
		beyond |= n > 1;
		s = span_sub(s, n, s.n);
	}
	return beyond;
}

int
xtext_unitext(struct buf *out, struct span s, size_t max, struct err *e)
{
	size_t start = out->n;
	uint32_t cp = 0;

	while (s.n > 0) {
		size_t n = utf8_take(s, &cp);

		if (out->n - start >= max)
			return buf_add_str(out, "...", e);
		if (n <= 1) {
			if (buf_add_byte(out, clean_octet(s.p[0]), e) == -1)
				return -1;
			n = 1;
		} else if (buf_addf(out, e, "\\x{%X}", (unsigned)cp) == -1) {
			return -1;
		}
		s = span_sub(s, n, s.n);
	}
	return 0;
}

/* RFC 822's atom. */
static bool
is_atom(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= 0x20 || s.p[i] >= 0x7f || strchr("()<>@,;:\\\".[]", s.p[i]) != NULL)
			return false;
	return s.n > 0;
}

bool
xtext_orcpt_ok(struct span s)
{
	size_t semi = span_find(s, ';');

	return semi < s.n && s.n <= XTEXT_ORCPT_MAX && is_atom(span_sub(s, 0, semi)) &&
	    xtext_ok(span_sub(s, semi + 1, s.n));
}

int
xtext_orcpt(struct buf *out, struct span orcpt, size_t max, struct err *e)
{
	size_t semi = span_find(orcpt, ';');
	struct span type = span_sub(orcpt, 0, semi), addr = span_sub(orcpt, semi + 1, orcpt.n);

	if (semi == orcpt.n || semi > XTEXT_ORCPT_MAX || !is_atom(type)) {
		type = span_str("unknown");
		addr = orcpt;
	}
	max -= type.n < max ? type.n : max;
	if (buf_add(out, type, e) == -1 || buf_add_str(out, ";", e) == -1)
		return -1;
	/* The form of utf-8 that may stand in a field is the one that ORCPT has (RFC 6533, 3). */
	return (span_isi(type, "utf-8") ? xtext_unitext : xtext_decode)(out, addr, max, e);
}

int
xtext_encode(struct buf *out, struct span s, struct err *e)
{
	for (size_t i = 0; i < s.n; i++) {
		int c = s.p[i];
		bool plain = c > 0x20 && c < 0x7f && c != '+' && c != '=';

		if (plain ? buf_add_byte(out, c, e) == -1 : buf_addf(out, e, "+%02X", (unsigned)c) == -1)
			return -1;
	}
	return 0;
}
