/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "convertd/charset.h"

bool
charset_find(struct span name, enum charset *out)
{
	static const struct { const char *name; enum charset is; } names[] = {
		{ "us-ascii", CHARSET_UTF8 }, { "ascii", CHARSET_UTF8 }, { "utf-8", CHARSET_UTF8 },
		{ "utf8", CHARSET_UTF8 }, { "iso-8859-1", CHARSET_LATIN1 }, { "latin1", CHARSET_LATIN1 },
		{ "windows-1252", CHARSET_LATIN1 }, { "iso-8859-15", CHARSET_LATIN9 },
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (span_isi(name, names[i].name)) {
			*out = names[i].is;
			return true;
		}
	return false;
}

/* The octets that follow the first of a character, and the least code point of so many (RFC 3629, 3). */
static unsigned
utf8_more(unsigned char first, uint32_t *bits, uint32_t *least)
{
	if (first >= 0xc2 && first <= 0xdf) {
		*bits = first & 0x1f;
		*least = 0x80;
		return 1;
	}
	if (first >= 0xe0 && first <= 0xef) {
		*bits = first & 0x0f;
		*least = 0x800;
		return 2;
	}
	if (first >= 0xf0 && first <= 0xf4) {
		*bits = first & 0x07;
		*least = 0x10000;
		return 3;
	}
	return 0;
}

static uint32_t
utf8_next(struct span s, size_t *at)
{
	unsigned char first = s.p[(*at)++];
	uint32_t code = 0, least = 0;
	unsigned more;

	if (first < 0x80)
		return first;
	more = utf8_more(first, &code, &least);
	if (more == 0 || more > s.n - *at)
		return CODE_UNREADABLE;
	for (unsigned i = 0; i < more; i++) {
		unsigned char c = s.p[*at + i];

		if ((c & 0xc0) != 0x80)
			return CODE_UNREADABLE;
		code = code << 6 | (c & 0x3f);
	}
	if (code < least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return CODE_UNREADABLE;
	*at += more;
	return code;
}

static uint32_t
latin1_code(unsigned char c)
{
	static const uint16_t windows[32] = {
		0x20ac, CODE_UNREADABLE, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
		0x2039, 0x0152, CODE_UNREADABLE, 0x017d, CODE_UNREADABLE, CODE_UNREADABLE, 0x2018, 0x2019, 0x201c,
		0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, CODE_UNREADABLE, 0x017e,
		0x0178,
	};

	return c >= 0x80 && c < 0xa0 ? windows[c - 0x80] : c;
}

static uint32_t
latin9_code(unsigned char c)
{
	static const struct { unsigned char c; uint16_t code; } other[] = {
		{ 0xa4, 0x20ac }, { 0xa6, 0x160 }, { 0xa8, 0x161 }, { 0xb4, 0x17d }, { 0xb8, 0x17e },
		{ 0xbc, 0x152 }, { 0xbd, 0x153 }, { 0xbe, 0x178 },
	};

	for (size_t i = 0; i < sizeof other / sizeof *other; i++)
		if (other[i].c == c)
			return other[i].code;
	return latin1_code(c);
}

uint32_t
charset_next(enum charset charset, struct span s, size_t *at)
{
	switch (charset) {
	case CHARSET_LATIN1:
		return latin1_code(s.p[(*at)++]);
	case CHARSET_LATIN9:
		return latin9_code(s.p[(*at)++]);
	default:
		return utf8_next(s, at);
	}
}

/* --- columns --- */

struct code_range { uint32_t first, last; };

static bool
in_ranges(uint32_t code, const struct code_range *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (code >= r[i].first && code <= r[i].last)
			return true;
	return false;
}

bool
charset_is_mark(uint32_t code)
{
	static const struct code_range marks[] = { { 0x300, 0x36f }, { 0x483, 0x489 }, { 0x1ab0, 0x1aff },
	    { 0x1dc0, 0x1dff }, { 0x20d0, 0x20ff }, { 0xfe20, 0xfe2f } };

	return code >= 0x300 && in_ranges(code, marks, sizeof marks / sizeof *marks);
}

unsigned
charset_columns(uint32_t code)
{
	/* Soft hyphens, joiners, marks of direction, variation selectors, the byte order mark. */
	static const struct code_range unseen[] = { { 0xad, 0xad }, { 0x200b, 0x200f }, { 0x202a, 0x202e },
	    { 0x2060, 0x206f }, { 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff }, { 0xe0000, 0xe01ef } };
	static const struct code_range wide[] = { { 0x1100, 0x115f }, { 0x2e80, 0x303e }, { 0x3041, 0xa4cf },
	    { 0xa960, 0xa97f }, { 0xac00, 0xd7a3 }, { 0xf900, 0xfaff }, { 0xfe30, 0xfe6f }, { 0xff00, 0xff60 },
	    { 0xffe0, 0xffe6 }, { 0x1f300, 0x1faff }, { 0x20000, 0x3fffd } };

	if (code < 0xad)
		return 1;
	if (charset_is_mark(code) || in_ranges(code, unseen, sizeof unseen / sizeof *unseen))
		return 0;
	return in_ranges(code, wide, sizeof wide / sizeof *wide) ? 2 : 1;
}
