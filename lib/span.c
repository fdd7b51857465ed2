/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/span.h"

bool
span_line(struct span *rest, struct span *line)
{
	size_t n;

	if (rest->n == 0)
		return false;
	n = span_find(*rest, '\n');
	*line = span_sub(*rest, 0, n);
	*rest = span_sub(*rest, n + 1, rest->n);
	if (line->n > 0 && line->p[line->n - 1] == '\r')
		line->n--;
	return true;
}

bool
span_word(struct span *rest, struct span *word)
{
	size_t i = 0, from;

	while (i < rest->n && ascii_wsp(rest->p[i]))
		i++;
	from = i;
	while (i < rest->n && !ascii_wsp(rest->p[i]))
		i++;
	*word = span_sub(*rest, from, i);
	*rest = span_sub(*rest, i, rest->n);
	return word->n > 0;
}

bool
span_u64(struct span s, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned d = s.p[i] - '0';

		if (d > 9 || v > (max - (d > max ? max : d)) / 10 || v * 10 > max - d)
			return false;
		v = v * 10 + d;
	}
	*out = v;
	return v <= max;
}

void
span_text(struct span s, char *dst, size_t cap)
{
	size_t n = s.n < cap - 1 ? s.n : cap - 1;

	for (size_t i = 0; i < n; i++)
		dst[i] = s.p[i] < 0x20 || s.p[i] == 0x7f ? '?' : (char)s.p[i];
	dst[n] = '\0';
}

void
text_cut(const char *s, char *dst, size_t cap)
{
	static const char mark[] = " [...]";
	size_t n = strlen(s);

	if (n < cap) {
		memcpy(dst, s, n + 1);
		return;
	}
	memcpy(dst, s, cap - 1);
	dst[cap - 1] = '\0';
	if (cap > sizeof mark)
		memcpy(dst + cap - sizeof mark, mark, sizeof mark);
}

bool
span_eight(struct span m)
{
	unsigned char bits = 0;
	size_t i = 0;

	for (size_t end; i < m.n && !(bits & 0x80); i = end)
		for (size_t at = i, stop = end = i + 4096 < m.n ? i + 4096 : m.n; at < stop; at++)
			bits |= m.p[at];
	return bits & 0x80;
}
