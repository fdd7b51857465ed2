/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/signature.h"

#include "lib/mime.h"

/* The value of a tag (RFC 6376, 3.2) that is a name of letters, digits, "-", "_" and "."; else "". */
static struct span
tag_name(struct span list, int tag)
{
	struct span none = { NULL, 0 };

	while (list.n > 0) {
		size_t end = span_find(list, ';'), eq;
		struct span one = span_sub(list, 0, end), name;

		list = span_sub(list, end + 1, list.n);
		eq = span_find(one, '=');
		name = span_trim(span_sub(one, 0, eq));
		if (name.n != 1 || name.p[0] != tag)
			continue;
		one = span_trim(span_sub(one, eq + 1, one.n));
		for (size_t i = 0; i < one.n; i++)
			if (!ascii_alpha(one.p[i]) && !ascii_digit(one.p[i]) &&
			    memchr("-_.", one.p[i], 3) == NULL)
				return none;
		return one.n > SIGNATURE_NAME ? none : one;
	}
	return none;
}

bool
signature_next(struct span *header, struct signature *s)
{
	struct mime_field f;

	while (mime_field_next(header, &f)) {
		s->seal = span_isi(f.name, "ARC-Seal");
		if (!s->seal && !span_isi(f.name, "DKIM-Signature"))
			continue;
		s->domain = tag_name(f.value, 'd');
		s->selector = tag_name(f.value, 's');
		return true;
	}
	return false;
}

bool
signature_any(struct span message)
{
	struct span header = mime_message_header(message);
	struct signature s;

	return signature_next(&header, &s);
}

static int
put_tag(struct buf *out, char tag, struct span value, struct err *e)
{
	return value.n == 0 ? 0 : buf_addf(out, e, "\r\n\theader.%c=%.*s", tag, (int)value.n,
	    (const char *)value.p);
}

int
signature_broken(const char *me, struct span message, struct buf *out, struct err *e)
{
	struct span header = mime_message_header(message);
	struct signature s;
	uint32_t n = 0;

	if (buf_addf(out, e, "Authentication-Results: %s;", me) == -1)
		return -1;
	while (n < SIGNATURE_MAX && signature_next(&header, &s)) {
		if (s.seal)
			continue;
		if (buf_addf(out, e, "%s\r\n\tdkim=neutral reason=\"changed here, and not verified before\"",
		    n++ > 0 ? ";" : "") == -1 ||
		    put_tag(out, 'd', s.domain, e) == -1 || put_tag(out, 's', s.selector, e) == -1)
			return -1;
	}
	return buf_add_str(out, n > 0 ? "\r\n" : " none (changed here, which no ARC-Seal outlives)\r\n", e);
}
