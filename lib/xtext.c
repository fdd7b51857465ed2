/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/xtext.h"

enum { UNITEXT_DIGITS = 6 };	/* of a code point in "\x{…}" (RFC 6533, 3) */

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

size_t
xtext_utf8_char(struct span s, uint32_t *cp)
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
		size_t n = xtext_utf8_char(s, &cp);

		if (n == 0 || cp < 0x20 || (cp >= 0x7f && cp < 0xa0))
			return false;
		beyond |= n > 1;
		s = span_sub(s, n, s.n);
	}
	return beyond;
}

/* "\x{HEX}" at the start of s: its code point; *used: its octets.  false: none of RFC 6533, 3. */
static bool
unitext_take(struct span s, uint32_t *cp, size_t *used)
{
	size_t n = 3;

	*cp = 0;
	if (s.n < 6 || memcmp(s.p, "\\x{", 3) != 0)
		return false;
	for (; n < s.n && n < 3 + UNITEXT_DIGITS && hex_digit(s.p[n]) >= 0; n++)
		*cp = *cp << 4 | (uint32_t)hex_digit(s.p[n]);
	if (n < 5 || n == s.n || s.p[n] != '}' || *cp > 0x10ffff || (*cp >= 0xd800 && *cp < 0xe000))
		return false;
	*used = n + 1;
	return true;
}

static int
utf8_put(struct buf *out, uint32_t cp, struct err *e)
{
	static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	int n = cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;

	if (n == 1)
		return buf_add_byte(out, clean_octet((int)cp), e);
	for (int i = n - 1; i >= 0; i--) {
		uint32_t bits = cp >> 6 * i & (i == n - 1 ? 0xffu : 0x3f);

		if (buf_add_byte(out, (int)(bits | (i == n - 1 ? lead[n] : 0x80u)), e) == -1)
			return -1;
	}
	return 0;
}

int
xtext_utf8_address(struct buf *out, struct span s, size_t max, struct err *e)
{
	size_t start = out->n, used;
	uint32_t cp;

	while (s.n > 0) {
		if (out->n - start >= max)
			return buf_add_str(out, "...", e);
		if (!unitext_take(s, &cp, &used) && (used = xtext_utf8_char(s, &cp)) == 0) {
			cp = '?';
			used = 1;
		}
		if (cp >= 0x7f && cp < 0xa0)	/* a control character is none of an address's */
			cp = '?';
		if (utf8_put(out, cp, e) == -1)
			return -1;
		s = span_sub(s, used, s.n);
	}
	return 0;
}

int
xtext_unitext(struct buf *out, struct span s, size_t max, struct err *e)
{
	size_t start = out->n;
	uint32_t cp = 0;

	while (s.n > 0) {
		size_t n = xtext_utf8_char(s, &cp);

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

/* utf-8-addr-unitext of RFC 6533, 3: printable ASCII but "+" and "=", and what is beyond ASCII; "\\" only to
 * begin "\\x{…}". */
static bool
unitext_ok(struct span s)
{
	uint32_t cp;
	size_t n;

	while (s.n > 0) {
		if (!unitext_take(s, &cp, &n) && ((n = xtext_utf8_char(s, &cp)) == 0 || cp == '\\' || cp == '+' ||
		    cp == '='))
			return false;
		if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || (n == 1 && cp == ' '))
			return false;
		s = span_sub(s, n, s.n);
	}
	return true;
}

bool
xtext_orcpt_ok(struct span s, bool utf8)
{
	size_t semi = span_find(s, ';');
	struct span type = span_sub(s, 0, semi), addr = span_sub(s, semi + 1, s.n);

	return semi < s.n && s.n <= XTEXT_ORCPT_MAX && is_atom(type) &&
	    (xtext_ok(addr) || (utf8 && span_isi(type, "utf-8") && unitext_ok(addr)));
}

int
xtext_orcpt(struct buf *out, struct span orcpt, bool utf8, size_t max, struct err *e)
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
	/* The form of utf-8 that may stand in a field of ASCII is the one that ORCPT has (RFC 6533, 3). */
	if (span_isi(type, "utf-8"))
		return (utf8 ? xtext_utf8_address : xtext_unitext)(out, addr, max, e);
	return xtext_decode(out, addr, max, e);
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
