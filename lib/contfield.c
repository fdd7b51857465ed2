/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/contfield.h"

enum { PARAM_MAX = 100 };	/* octets of a parameter's value that may mean something */

/* Is text a filter?  1, 0, -1 for want of memory. */
static int
is_filter(struct span text, unsigned flags, struct err *e)
{
	struct feat *set;

	if (feat_parse(text, flags, &set, e) == -1)
		return e->kind == ERR_TEMP ? -1 : 0;
	feat_free(set);
	return 1;
}

/* --- Content-Convert --- */

void
contfield_convert_free(struct contfield_convert *c)
{
	feat_free(c->set);
	c->set = NULL;
	buf_free(&c->text);
}

static int
convert_parse(struct contfield_convert *c, struct err *e)
{
	struct span text = buf_view(&c->text);

	if (span_isi(text, "NONE")) {
		c->kind = CONVERT_NONE;
		return 0;
	}
	if (span_isi(text, "ANY")) {
		c->kind = CONVERT_ANY;
		c->set = feat_any();
		return c->set == NULL ? err_set(e, ERR_TEMP, "4.3.0", "no memory") : 0;
	}
	if (feat_parse(text, FEAT_CLAIM, &c->set, e) == -1) {
		c->set = NULL;
		return e->kind == ERR_TEMP ? -1 : 0;
	}
	c->kind = CONVERT_LIST;
	return 0;
}

int
contfield_convert(struct span header, struct contfield_convert *out, struct err *e)
{
	struct mime_field f;
	uint32_t n = mime_field_find(header, "Content-Convert", &f);

	*out = (struct contfield_convert){ .kind = n == 0 ? CONVERT_ABSENT : CONVERT_BAD };
	buf_init(&out->text, MIME_MAX_HEADER);
	if (n == 0)
		return 0;
	if (mime_unfold(f.value, &out->text, e) == 0 && (n > 1 || convert_parse(out, e) == 0))
		return 0;
	contfield_convert_free(out);
	return -1;
}

/* --- fields that are a filter --- */

/* Appends the value if it is a filter.  1; 0: it is none, out is as it was; -1. */
static int
filter_value(struct span value, unsigned flags, struct buf *out, struct err *e)
{
	size_t start = out->n;
	int r = mime_unfold(value, out, e);

	if (r == 0)
		r = is_filter(span_sub(buf_view(out), start, out->n), flags, e);
	if (r != 1)
		out->n = start;
	return r;
}

int
contfield_features(struct span header, struct buf *out, struct err *e)
{
	struct mime_field f;

	if (mime_field_find(header, "Content-Features", &f) != 1)
		return 0;
	return filter_value(f.value, FEAT_DOCUMENT, out, e);
}

int
contfield_type(const struct mime_part *p, struct buf *out, struct err *e)
{
	struct span type = p->type.n > 0 ? p->type : span_str(p->digest_part ? "message/rfc822" : "text/plain");
	struct err none = { 0 };
	struct feat *doc;
	size_t start = out->n;

	if (buf_add_str(out, "(type=\"", e) == -1 || buf_add(out, type, e) == -1 ||
	    buf_add_str(out, "\")", e) == -1)
		return -1;
	for (size_t i = start; i < out->n; i++)
		out->p[i] = ascii_lower(out->p[i]);
	if (feat_parse(span_sub(buf_view(out), start, out->n), FEAT_DOCUMENT, &doc, &none) == 0) {
		feat_free(doc);
		return 0;
	}
	out->n = start;
	return none.kind == ERR_TEMP ? err_set(e, ERR_TEMP, "4.3.0", "no memory") :
	    buf_add_str(out, "(type=\"application/octet-stream\")", e);
}

int
contfield_alternative_next(struct span *header, struct buf *out, struct err *e)
{
	struct mime_field f;
	int r = 0;

	while (r == 0 && mime_field_next(header, &f))
		if (span_isi(f.name, "Content-Alternative"))
			r = filter_value(f.value, 0, out, e);
	return r;
}

/* --- Content-DRUCOF --- */

static bool
drucof_critical(const struct mime_param *p, struct contfield_drucof *out)
{
	bool yes = span_isi(p->value, "yes");

	out->critical = yes;
	return yes || span_isi(p->value, "no");
}

/* false: not of the grammar, or critical twice. */
static bool
drucof_value(struct span value, struct contfield_drucof *out)
{
	static const char *const words[] = { "conversion-prohibited", "conversion-permitted",
	    "omission-permitted" };
	struct span word, rest;
	struct mime_param p;
	struct err e;
	bool told = false;
	int r, found = -1;

	if (mime_value(value, &word, &rest, &e) == -1)
		return false;
	for (int i = 0; i < (int)(sizeof words / sizeof *words); i++)
		if (span_isi(word, words[i]))
			found = i;
	if (found == -1)
		return false;
	out->integrity = (enum contfield_integrity)found;
	while ((r = mime_param_next(&rest, &p, &e)) == 1)
		if (span_isi(p.name, "critical")) {
			if (told || !drucof_critical(&p, out))
				return false;
			told = true;
		}
	return r == 0;
}

/* What the parameter handling of this entity's Content-Disposition says.  false: it has none. */
static bool
handling_read(struct span header, bool *critical)
{
	struct mime_field f;
	struct mime_param p;
	struct span word, rest;
	struct buf text;
	struct err e;
	bool found = false;

	if (mime_field_find(header, "Content-Disposition", &f) != 1 ||
	    mime_value(f.value, &word, &rest, &e) == -1)
		return false;
	buf_init(&text, PARAM_MAX);
	while (!found && mime_param_next(&rest, &p, &e) == 1)
		if ((found = span_isi(p.name, "handling")))
			*critical = mime_param_text(&p, &text, &e) == -1 ||
			    !span_isi(buf_view(&text), "optional");
	buf_free(&text);
	return found;
}

/* What encloses a part within its own message; an attached message says for itself what may become of it. */
static uint32_t
enclosing(const struct mime *m, uint32_t part)
{
	return m->part[part].root == part ? MIME_NONE : m->part[part].parent;
}

void
contfield_drucof(const struct mime *m, uint32_t part, struct contfield_drucof *out)
{
	struct mime_field f;
	uint32_t n = 0, i;

	*out = (struct contfield_drucof){ DRUCOF_PERMITTED, true, false };
	for (i = part; i != MIME_NONE && n == 0; i = enclosing(m, i))
		n = mime_field_find(m->part[i].header, "Content-DRUCOF", &f);
	if (n > 0) {
		if (n > 1 || !drucof_value(f.value, out))
			*out = (struct contfield_drucof){ DRUCOF_PROHIBITED, true, false };
		out->stated = true;
		return;
	}
	for (i = part; i != MIME_NONE; i = enclosing(m, i))
		if (handling_read(m->part[i].header, &out->critical))
			return;
}
