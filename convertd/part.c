/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "convertd/part.h"

enum { PART_NAME_MAX = 1000 };

/* Appends the parameter of a field, with or without RFC 2231's mark; the first one found. */
static int
param_find(struct span header, const char *field, const char *name, struct buf *out, struct err *e)
{
	struct mime_field f;
	struct mime_param p;
	struct span word, rest;
	struct err ignored;

	if (mime_field_find(header, field, &f) != 1 ||
	    mime_value(f.value, &word, &rest, &ignored) == -1)
		return 0;
	while (mime_param_next(&rest, &p, &ignored) == 1)
		if (span_isi(span_sub(p.name, 0, span_find(p.name, '*')), name))
			return mime_param_text(&p, out, e);
	return 0;
}

int
part_filename(const struct mime_part *p, struct buf *out, struct err *e)
{
	size_t start = out->n;

	if (param_find(p->header, "Content-Disposition", "filename", out, e) == -1)
		return -1;
	return out->n > start ? 0 : param_find(p->header, "Content-Type", "name", out, e);
}

static bool
part_named(const struct mime_part *p, const char *const *suffix)
{
	struct buf name;
	struct err e;
	bool found = false;

	buf_init(&name, PART_NAME_MAX);
	if (part_filename(p, &name, &e) == 0)
		for (; *suffix != NULL && !found; suffix++) {
			size_t n = strlen(*suffix);

			found = name.n > n && span_isi(span_sub(buf_view(&name), name.n - n, name.n), *suffix);
		}
	buf_free(&name);
	return found;
}

bool
part_is_tiff(const struct mime_part *p)
{
	static const char *const suffixes[] = { ".tif", ".tiff", ".tfx", NULL };

	return !p->multipart && (mime_is(p, "image/tiff") || mime_is(p, "image/tiff-fx") ||
	    (mime_is(p, "application/octet-stream") && part_named(p, suffixes)));
}

bool
part_is_image(const struct mime_part *p)
{
	static const char *const suffixes[] = { ".jpg", ".jpeg", ".png", NULL };

	return part_is_tiff(p) || (!p->multipart && (mime_is(p, "image/jpeg") || mime_is(p, "image/png") ||
	    (mime_is(p, "application/octet-stream") && part_named(p, suffixes))));
}

bool
part_is_body(const struct mime_part *p)
{
	struct mime_field f;
	struct span word, rest;
	struct err e;

	if (!mime_is(p, "text/plain"))
		return false;
	return mime_field_find(p->header, "Content-Disposition", &f) == 0 ||
	    mime_value(f.value, &word, &rest, &e) == -1 || !span_isi(word, "attachment");
}

bool
part_is_text(const struct mime_part *p)
{
	struct mime_field f;

	if (p->multipart || p->type.n == 0 || !mime_is(p, "text/plain"))
		return false;
	return !part_is_body(p) || mime_field_find(p->header, "Content-Convert", &f) > 0;
}

bool
part_is_drawn(const struct mime_part *p)
{
	return part_is_image(p) || part_is_text(p);
}

bool
part_may_change(const struct mime_part *p)
{
	return !p->multipart && !p->protected && !p->report && !p->broken &&
	    p->transfer != TRANSFER_UNKNOWN && p->body.n > 0;
}

bool
part_may_go(const struct mime *m, uint32_t part)
{
	const struct mime_part *p = &m->part[part];

	return p->root != part && !p->multipart && !p->protected && !p->report && !p->broken &&
	    p->header.n + p->body.n > 0;
}

bool
part_is_alternative(const struct mime_part *p)
{
	return p->multipart && mime_is(p, "multipart/alternative");
}

bool
part_is_choice(const struct mime *m, uint32_t part)
{
	uint32_t end;

	if (!part_is_alternative(&m->part[part]) || (end = part_next(m, part)) == part + 1 ||
	    part_next(m, part + 1) == end)
		return false;
	for (uint32_t i = part; i < end; i++)
		if (m->part[i].protected || m->part[i].report || m->part[i].broken)
			return false;
	return true;
}

uint32_t
part_next(const struct mime *m, uint32_t part)
{
	uint32_t i = part + 1;

	while (i < m->n && m->part[i].parent >= part)
		i++;
	return i;
}

static bool
permits_nothing(const struct contfield_convert *c)
{
	return c->kind == CONVERT_NONE || c->kind == CONVERT_BAD;
}

/* Does the attached message that the part is in, or one around that, say that nothing of it is to
 * be changed? */
static int
attached_prohibits(const struct mime *m, uint32_t part, bool *yes, struct err *e)
{
	struct contfield_convert convert;
	struct contfield_drucof drucof;

	*yes = false;
	for (uint32_t i = m->part[m->part[part].root].parent; i != MIME_NONE && !*yes;
	    i = m->part[m->part[i].root].parent) {
		if (contfield_convert(m->part[i].header, &convert, e) == -1)
			return -1;
		contfield_drucof(m, i, &drucof);
		*yes = permits_nothing(&convert) || drucof.integrity == DRUCOF_PROHIBITED;
		contfield_convert_free(&convert);
	}
	return 0;
}

int
part_permission(const struct mime *m, uint32_t part, struct part_permission *out, struct err *e)
{
	bool attached;

	*out = (struct part_permission){ 0 };
	if (attached_prohibits(m, part, &attached, e) == -1 ||
	    contfield_convert(m->part[part].header, &out->convert, e) == -1)
		return -1;
	contfield_drucof(m, part, &out->drucof);
	if (attached || permits_nothing(&out->convert))
		out->drucof.integrity = DRUCOF_PROHIBITED;
	if ((out->any = feat_any()) == NULL) {
		part_permission_free(out);
		return err_set(e, ERR_TEMP, "4.3.0", "no memory");
	}
	return 0;
}

void
part_permission_free(struct part_permission *p)
{
	contfield_convert_free(&p->convert);
	feat_free(p->any);
	p->any = NULL;
}

const struct feat *
part_permits(const struct part_permission *p, bool drucof)
{
	if (p->drucof.integrity == DRUCOF_PROHIBITED)
		return NULL;
	return p->convert.set == NULL && drucof ? p->any : p->convert.set;
}

/* What DRUCOF's fields say of all that is in a branch: the strictest. */
static int
branch_integrity(const struct mime *m, uint32_t branch, enum contfield_integrity *out, struct err *e)
{
	*out = DRUCOF_OMISSION;
	for (uint32_t i = branch; i < part_next(m, branch); i++) {
		struct part_permission p;

		if (m->part[i].multipart)
			continue;
		if (part_permission(m, i, &p, e) == -1)
			return -1;
		if (p.drucof.integrity < *out)
			*out = p.drucof.integrity;
		part_permission_free(&p);
	}
	return 0;
}

int
part_choice(const struct mime *m, uint32_t part, struct part_choice *out, struct err *e)
{
	enum contfield_integrity one;

	*out = (struct part_choice){ 0 };
	for (uint32_t i = part + 1; i < part_next(m, part); i = part_next(m, i)) {
		if (branch_integrity(m, i, &one, e) == -1)
			return -1;
		out->prohibited += one == DRUCOF_PROHIBITED;
		out->kept += one != DRUCOF_OMISSION;
	}
	return part_permission(m, part, &out->permission, e);
}

void
part_choice_free(struct part_choice *c)
{
	part_permission_free(&c->permission);
}

int
part_may_leave(const struct mime *m, const struct part_choice *c, uint32_t branch, unsigned *ways,
    struct err *e)
{
	enum contfield_integrity own = DRUCOF_PROHIBITED;
	uint32_t prohibited, kept;

	if (branch != MIME_NONE && branch_integrity(m, branch, &own, e) == -1)
		return -1;
	prohibited = c->prohibited - (own == DRUCOF_PROHIBITED && c->prohibited > 0);
	kept = c->kept - (own != DRUCOF_OMISSION && c->kept > 0);
	*ways = (kept == 0 ? LEAVE_DRUCOF : 0u) |
	    (prohibited == 0 && part_permits(&c->permission, false) != NULL ? LEAVE_CONVERT : 0u);
	return 0;
}

/* Appends a parameter of Content-Type; *out is its text alone. */
static int
type_param(const struct mime_part *p, const char *name, struct buf *out, struct err *e)
{
	buf_clear(out);
	return param_find(p->header, "Content-Type", name, out, e);
}

/* How the text is to be read (RFC 2046, 4.1; RFC 3676, 4). */
static int
part_text_how(const struct mime_part *p, struct text_how *how, struct err *e)
{
	struct buf value;
	int r;

	*how = (struct text_how){ .charset = CHARSET_UTF8 };
	buf_init(&value, MIME_MAX_HEADER);
	r = type_param(p, "format", &value, e);
	how->flowed = span_isi(buf_view(&value), "flowed");
	if (r == 0)
		r = type_param(p, "delsp", &value, e);
	how->delsp = how->flowed && span_isi(buf_view(&value), "yes");
	if (r == 0)
		r = type_param(p, "charset", &value, e);
	if (r == 0 && value.n > 0 && !charset_find(buf_view(&value), &how->charset))
		r = err_set(e, ERR_PERM, "5.6.1", "text in a charset that is not read here");
	buf_free(&value);
	return r;
}

static int
part_content_open(const struct mime_part *p, const struct limits *max, struct part_image *out, struct err *e)
{
	struct text_how how;

	if (part_is_image(p))
		return image_open(buf_view(&out->file), max, &out->image, e);
	return part_text_how(p, &how, e) == -1 ? -1 :
	    image_open_text(buf_view(&out->file), &how, max, &out->image, e);
}

int
part_image_open(const struct mime_part *p, const struct limits *max, struct part_image *out,
    struct err *e)
{
	buf_init(&out->file, p->body.n + 16);	/* no encoding shrinks what it carries */
	if (transfer_decode(p->transfer, p->body, &out->file, e) == -1 ||
	    part_content_open(p, max, out, e) == -1) {
		buf_free(&out->file);
		return -1;
	}
	return 0;
}

void
part_image_free(struct part_image *i)
{
	image_free(&i->image);
	buf_free(&i->file);
}

enum part_field
part_field_of(struct span name)
{
	static const char *const names[FIELD_OTHER] = {
		[FIELD_TYPE] = "Content-Type", [FIELD_ENCODING] = "Content-Transfer-Encoding",
		[FIELD_FEATURES] = "Content-Features", [FIELD_MD5] = "Content-MD5",
		[FIELD_DISPOSITION] = "Content-Disposition",
	};

	for (int i = 0; i < FIELD_OTHER; i++)
		if (span_isi(name, names[i]))
			return (enum part_field)i;
	return FIELD_OTHER;
}

bool
part_field_is_content(struct span name)
{
	return name.n > 8 && span_isi(span_sub(name, 0, 8), "Content-");
}
