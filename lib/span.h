/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/span.h - a borrowed view of bytes, and the comparisons that mail needs of it.
 * Nothing here allocates or depends on the locale: ASCII only, as SMTP and MIME are.
 */
#ifndef LIB_SPAN_H
#define LIB_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span { const unsigned char *p; size_t n; };

/* For string literals and NUL-terminated text; the view does not include the NUL. */
static inline struct span
span_str(const char *s)
{
	return (struct span){ (const unsigned char *)s, strlen(s) };
}

static inline struct span
span_of(const void *p, size_t n)
{
	return (struct span){ p, n };
}

static inline int
ascii_lower(int c)
{
	return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static inline int
ascii_upper(int c)
{
	return c >= 'a' && c <= 'z' ? c - 32 : c;
}

static inline bool
ascii_digit(int c)
{
	return c >= '0' && c <= '9';
}

static inline bool
ascii_alpha(int c)
{
	return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z';
}

/* SP or HTAB: RFC 5234's WSP. */
static inline bool
ascii_wsp(int c)
{
	return c == ' ' || c == '\t';
}

/* Octet by octet. */
static inline bool
span_eq(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool
span_is(struct span a, const char *s)
{
	return span_eq(a, span_str(s));
}

/* ASCII letters in any case. */
static inline bool
span_eqi(struct span a, struct span b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
			return false;
	return true;
}

static inline bool
span_isi(struct span a, const char *s)
{
	return span_eqi(a, span_str(s));
}

/* The bytes [from, to) of s; both are cut to s.n. */
static inline struct span
span_sub(struct span s, size_t from, size_t to)
{
	if (to > s.n)
		to = s.n;
	if (from > to)
		from = to;
	return (struct span){ from == 0 ? s.p : s.p + from, to - from };	/* NULL + 0 is undefined */
}

/* Without the WSP, CR and LF at both ends. */
static inline struct span
span_trim(struct span s)
{
	while (s.n > 0 && (ascii_wsp(s.p[0]) || s.p[0] == '\r' || s.p[0] == '\n'))
		s.p++, s.n--;
	while (s.n > 0 && (ascii_wsp(s.p[s.n - 1]) || s.p[s.n - 1] == '\r' || s.p[s.n - 1] == '\n'))
		s.n--;
	return s;
}

/* Index of the first byte c, or s.n. */
static inline size_t
span_find(struct span s, int c)
{
	const unsigned char *at = s.n == 0 ? NULL : memchr(s.p, c, s.n);

	return at == NULL ? s.n : (size_t)(at - s.p);
}

/* Index of the last byte c, or s.n. */
static inline size_t
span_rfind(struct span s, int c)
{
	for (size_t i = s.n; i-- > 0;)
		if (s.p[i] == c)
			return i;
	return s.n;
}

/* Takes the next line off *rest, without its LF and a CR before it.  false: nothing left. */
bool span_line(struct span *rest, struct span *line);

/* Takes the next word (no SP, HTAB) off *rest; skips white space before it.  false: none left. */
bool span_word(struct span *rest, struct span *word);

/* Decimal digits only, no sign, no spaces, at most max.  false: not that. */
bool span_u64(struct span s, uint64_t max, uint64_t *out);

/* Copies s into dst of size cap, cut if need be, NUL-terminated; control octets become '?'. */
void span_text(struct span s, char *dst, size_t cap);

/* Copies s to dst, of cap octets; what does not fit is left out, and " [...]" at the end says so. */
void text_cut(const char *s, char *dst, size_t cap);

/* Has s an octet over 127? */
bool span_eight(struct span s);

#endif
