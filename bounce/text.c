/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "bounce/text.h"

enum { LINE_MAX_OCTETS = 998 };		/* RFC 5322, 2.1.1 */

static int
clean_octet(int c)
{
	return c < 0x20 || c > 0x7e ? '?' : c;
}

int
text_clean(struct buf *out, struct span s, size_t max, struct err *e)
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
text_xtext(struct buf *out, struct span s, size_t max, struct err *e)
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
text_utf8(struct span s)
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
text_unitext(struct buf *out, struct span s, size_t max, struct err *e)
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

/* A word of text that may be folded: line ends are space too. */
static bool
text_word(struct span *s, struct span *word)
{
	size_t n = 0;

	*s = span_trim(*s);
	while (n < s->n && !ascii_wsp(s->p[n]) && s->p[n] != '\r' && s->p[n] != '\n')
		n++;
	*word = span_sub(*s, 0, n);
	*s = span_sub(*s, n, s->n);
	return n > 0;
}

int
text_wrap(struct buf *out, const char *lead, unsigned indent, struct span s, struct err *e)
{
	struct span word;
	size_t col = strlen(lead);
	bool first = true;

	if (text_clean(out, span_str(lead), TEXT_LINE, e) == -1)	/* it may name the hop */
		return -1;
	while (text_word(&s, &word)) {
		if (!first && col + 1 + word.n > TEXT_FOLD) {
			if (buf_addf(out, e, "\r\n%*s", (int)indent, "") == -1)
				return -1;
			col = indent;
		} else if (!first) {
			if (buf_add_byte(out, ' ', e) == -1)
				return -1;
			col++;
		}
		if (text_clean(out, word, TEXT_LINE - TEXT_FOLD, e) == -1)
			return -1;
		col += word.n;
		first = false;
	}
	return buf_add_str(out, "\r\n", e);
}

static size_t
line_end(struct span s, size_t i)
{
	if (s.p[i] == '\r')
		return i + 1 < s.n && s.p[i + 1] == '\n' ? 2 : 1;
	return s.p[i] == '\n' ? 1 : 0;
}

int
text_qp(struct buf *out, struct span s, struct err *e)
{
	size_t col = 0;

	for (size_t i = 0; i < s.n; i++) {
		int c = s.p[i];
		size_t end = line_end(s, i), after = i + 1 < s.n ? line_end(s, i + 1) : 1;
		bool plain = c != '=' && ((c > 0x20 && c < 0x7f) || (ascii_wsp(c) && after == 0));

		if (end > 0) {
			i += end - 1;
			col = 0;
			if (buf_add_str(out, "\r\n", e) == -1)
				return -1;
			continue;
		}
		if (col + (plain ? 1 : 3) > TEXT_QP_LINE - 1) {
			if (buf_add_str(out, "=\r\n", e) == -1)
				return -1;
			col = 0;
		}
		if ((plain ? buf_add_byte(out, c, e) : buf_addf(out, e, "=%02X", c)) == -1)
			return -1;
		col += plain ? 1 : 3;
	}
	return col > 0 ? buf_add_str(out, "\r\n", e) : 0;
}

enum text_kind
text_kind(struct span s)
{
	enum text_kind kind = TEXT_7BIT;
	size_t col = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\r' && line_end(s, i) == 2) {
			i++;
			col = 0;
			continue;
		}
		if (s.p[i] == '\r' || s.p[i] == '\n' || s.p[i] == '\0' || ++col > LINE_MAX_OCTETS)
			return TEXT_BINARY;
		if (s.p[i] >= 0x80)
			kind = TEXT_8BIT;
	}
	return kind;
}
