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

/* It may name the hop. */
static int
put_lead(struct buf *out, const char *lead, struct err *e)
{
	return xtext_clean(out, span_str(lead), TEXT_LINE, e);
}

int
text_wrap(struct buf *out, const char *lead, unsigned indent, struct span s, struct err *e)
{
	struct span word;
	size_t col = strlen(lead);
	bool first = true;

	if (put_lead(out, lead, e) == -1)
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

/*
 * Where the first line of a reply ends: behind "550-" the next begins with its code again.  Only the last has
 * a space behind it, so a line may quote another reply: the next is where "550-" stands, or else the last
 * "550 ".
 */
static size_t
reply_line_len(struct span s)
{
	size_t last = s.n;

	for (size_t i = 4; s.n > 4 && s.p[3] == '-' && i + 4 <= s.n; i++) {
		if (s.p[i] != ' ' || memcmp(s.p + i + 1, s.p, 3) != 0)
			continue;
		if (i + 4 < s.n && s.p[i + 4] == '-')
			return i;
		if (i + 4 == s.n || s.p[i + 4] == ' ')
			last = i;
	}
	return last;
}

/* Folded between words alone, where a run of spaces stays what it is. */
static int
put_folded(struct buf *out, size_t col, unsigned indent, struct span s, struct err *e)
{
	for (bool first = true; s.n > 0; first = false) {
		size_t gap = 0, pad, n;

		while (gap < s.n && s.p[gap] == ' ')
			gap++;
		for (n = gap; n < s.n && s.p[n] != ' ';)
			n++;
		pad = gap;
		if (n == gap)		/* spaces at the end */
			break;
		if (!first && col + n > TEXT_FOLD) {
			col = 0;
			pad = gap < indent ? indent : gap;
			if (buf_add_str(out, "\r\n", e) == -1)
				return -1;
		}
		if (buf_addf(out, e, "%*s", (int)pad, "") == -1 ||
		    xtext_clean(out, span_sub(s, gap, n), TEXT_LINE - TEXT_FOLD, e) == -1)
			return -1;
		col += pad + n - gap;
		s = span_sub(s, n, s.n);
	}
	return 0;
}

int
text_reply(struct buf *out, const char *lead, unsigned indent, struct span s, struct err *e)
{
	size_t col = strlen(lead);

	if (put_lead(out, lead, e) == -1)
		return -1;
	while (s.n > 0) {
		size_t n = reply_line_len(s), code = s.n < 3 ? s.n : 3;
		bool cut = n == s.n && n > 3 && s.p[3] == '-';	/* it says that more comes, and none does */

		if (xtext_clean(out, span_sub(s, 0, code), code, e) == -1 ||
		    (cut && buf_add_byte(out, ' ', e) == -1) ||
		    put_folded(out, col + code, indent, span_sub(s, code + cut, n), e) == -1 ||
		    buf_add_str(out, "\r\n", e) == -1)
			return -1;
		s = span_trim(span_sub(s, n, s.n));
		if (s.n > 0 && buf_addf(out, e, "%*s", (int)indent, "") == -1)
			return -1;
		col = indent;
	}
	return 0;
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
