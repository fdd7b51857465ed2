/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "bounce/text.h"

#include "lib/xtext.h"

enum { LINE_MAX_OCTETS = 998 };		/* RFC 5322, 2.1.1 */

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

	if (xtext_clean(out, span_str(lead), TEXT_LINE, e) == -1)	/* it may name the hop */
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
		if (xtext_clean(out, word, TEXT_LINE - TEXT_FOLD, e) == -1)
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
