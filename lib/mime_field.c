/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* Header fields and structured values: the part of lib/mime.h that knows no multiparts. */
#include "lib/mime.h"

/* Length of the field's first lines up to the end of the last folded one. */
static size_t
mime_field_len(struct span h)
{
	size_t at = 0;

	do
		at += span_find(span_sub(h, at, h.n), '\n') + 1;
	while (at < h.n && ascii_wsp(h.p[at]));
	return at > h.n ? h.n : at;
}

bool
mime_field_next(struct span *header, struct mime_field *f)
{
	size_t len, colon;

	if (header->n == 0)
		return false;
	len = mime_field_len(*header);
	f->whole = span_sub(*header, 0, len);
	*header = span_sub(*header, len, header->n);
	colon = span_find(f->whole, ':');
	f->name = span_sub(f->whole, 0, colon);
	f->value = span_sub(f->whole, colon + 1, len);
	while (f->value.n > 0 && (f->value.p[f->value.n - 1] == '\n' ||
	    f->value.p[f->value.n - 1] == '\r'))
		f->value.n--;
	while (f->name.n > 0 && ascii_wsp(f->name.p[f->name.n - 1]))
		f->name.n--;
	if (colon == len)
		f->name.n = f->value.n = 0;
	for (size_t i = 0; i < f->name.n; i++)
		if (f->name.p[i] < 33 || f->name.p[i] > 126) {
			f->name.n = 0;
			break;
		}
	return true;
}

uint32_t
mime_field_find(struct span header, const char *name, struct mime_field *f)
{
	struct mime_field now;
	uint32_t n = 0;

	while (mime_field_next(&header, &now))
		if (now.name.n > 0 && span_isi(now.name, name) && n++ == 0)
			*f = now;
	return n;
}

int
mime_unfold(struct span value, struct buf *out, struct err *e)
{
	value = span_trim(value);
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] != '\r' && value.p[i] != '\n' && buf_add_byte(out, value.p[i], e) == -1)
			return -1;
	return 0;
}

static int
mime_grammar(struct err *e, const char *what)
{
	return err_set(e, ERR_PERM, "5.6.0", "header field: %s", what);
}

int
mime_cfws(struct span *s, struct err *e)
{
	int depth = 0;
	size_t i = 0;

	for (; i < s->n; i++) {
		int c = s->p[i];

		if (c == '(') {
			if (++depth > MIME_MAX_COMMENT)
				return mime_grammar(e, "comments nested too deep");
		} else if (depth > 0 && c == ')') {
			depth--;
		} else if (depth > 0 && c == '\\') {
			i++;
		} else if (depth == 0 && !ascii_wsp(c) && c != '\r' && c != '\n') {
			break;
		}
	}
	if (depth > 0)
		return mime_grammar(e, "a comment without its end");
	*s = span_sub(*s, i, s->n);
	return 0;
}

/* RFC 2045, 5.1: neither tspecials nor white space nor control octets. */
static bool
mime_token_char(int c)
{
	return c > 32 && c < 127 && strchr("()<>@,;:\\\"/[]?=", c) == NULL;
}

static struct span
mime_token(struct span *s)
{
	size_t n = 0;
	struct span t;

	while (n < s->n && mime_token_char(s->p[n]))
		n++;
	t = span_sub(*s, 0, n);
	*s = span_sub(*s, n, s->n);
	return t;
}

int
mime_value(struct span value, struct span *word, struct span *rest, struct err *e)
{
	struct span first;

	*rest = value;
	*word = (struct span){ NULL, 0 };
	if (mime_cfws(rest, e) == -1)
		return -1;
	first = mime_token(rest);
	if (first.n == 0)
		return mime_grammar(e, "no word at its start");
	if (rest->n > 0 && rest->p[0] == '/') {
		*rest = span_sub(*rest, 1, rest->n);
		if (mime_token(rest).n == 0)
			return mime_grammar(e, "a type without its subtype");
	}
	*word = span_of(first.p, (size_t)(rest->p - first.p));
	return mime_cfws(rest, e);
}

/* The text between quotes; *s starts with one and ends up behind the other. */
static int
mime_quoted(struct span *s, struct span *text, struct err *e)
{
	size_t i = 1;

	while (i < s->n && s->p[i] != '"')
		i += s->p[i] == '\\' ? 2 : 1;
	if (i >= s->n)
		return mime_grammar(e, "a quoted string without its end");
	*text = span_sub(*s, 1, i);
	*s = span_sub(*s, i + 1, s->n);
	return 0;
}

int
mime_param_next(struct span *rest, struct mime_param *p, struct err *e)
{
	do {			/* writers leave a semicolon at the end */
		if (mime_cfws(rest, e) == -1)
			return -1;
		if (rest->n == 0)
			return 0;
		if (rest->p[0] != ';')
			return mime_grammar(e, "a parameter without a semicolon before it");
		*rest = span_sub(*rest, 1, rest->n);
		if (mime_cfws(rest, e) == -1)
			return -1;
	} while (rest->n == 0 || rest->p[0] == ';');
	p->name = mime_token(rest);
	if (p->name.n == 0 || mime_cfws(rest, e) == -1 || rest->n == 0 || rest->p[0] != '=')
		return mime_grammar(e, "a parameter without a value");
	*rest = span_sub(*rest, 1, rest->n);
	if (mime_cfws(rest, e) == -1)
		return -1;
	p->quoted = rest->n > 0 && rest->p[0] == '"';
	if (p->quoted)
		return mime_quoted(rest, &p->value, e) == -1 ? -1 : 1;
	p->value = mime_token(rest);
	return p->value.n == 0 ? mime_grammar(e, "a parameter without a value") : 1;
}

int
mime_param_text(const struct mime_param *p, struct buf *out, struct err *e)
{
	for (size_t i = 0; i < p->value.n; i++) {
		int c = p->value.p[i];

		if (p->quoted && (c == '\r' || c == '\n'))
			continue;
		if (p->quoted && c == '\\' && i + 1 < p->value.n)
			c = p->value.p[++i];
		if (buf_add_byte(out, c, e) == -1)
			return -1;
	}
	return 0;
}
