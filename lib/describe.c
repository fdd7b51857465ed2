/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/describe.h"

#include "lib/contfield.h"

enum { FILTER_LINE = 900 };	/* octets of a filter in one line */

struct describing {
	struct mime mime;
	struct span message;
	const struct describe *how;
};

struct fold { struct buf *out; bool first; };

static int
fold_piece(void *arg, struct span s, bool last, struct err *e)
{
	struct fold *f = arg;

	(void)last;
	if (buf_add_str(f->out, f->first ? " " : "\r\n ", e) == -1)
		return -1;
	f->first = false;
	return buf_add(f->out, s, e);
}

int
describe_field(const char *name, struct span filter, struct buf *out, struct err *e)
{
	struct fold f = { out, true };

	if (buf_addf(out, e, "%s:", name) == -1)
		return -1;
	if (filter.n > 0 && filter.p[0] != '(') {
		if (buf_addf(out, e, " %.*s", (int)filter.n, (const char *)filter.p) == -1)
			return -1;
	} else if (feat_pieces(filter, FILTER_LINE, fold_piece, &f, e) == -1) {
		return -1;
	}
	return buf_add_str(out, "\r\n", e);
}

static bool
is_fax_type(const struct mime_part *p)
{
	return mime_is(p, "image/tiff") || mime_is(p, "image/tiff-fx");
}

/* Files that their senders knew no type of are often of this one. */
static bool
begins_as_tiff(struct span s)
{
	return s.n >= 4 && (memcmp(s.p, "II*\0", 4) == 0 || memcmp(s.p, "MM\0*", 4) == 0);
}

/* Appends what a part without parts is. */
static int
add_leaf(const struct describing *d, const struct mime_part *p, struct buf *out, struct err *e)
{
	struct err why = { 0 };
	struct buf file;
	int r;

	if (!is_fax_type(p) && !mime_is(p, "application/octet-stream"))
		return contfield_type(p, out, e);
	buf_init(&file, p->body.n + 16);	/* no encoding shrinks what it carries */
	r = transfer_decode(p->transfer, p->body, &file, &why);
	if (r == -1 && (is_fax_type(p) || why.kind == ERR_TEMP))
		*e = why;
	else if (r == 0 && (is_fax_type(p) || begins_as_tiff(buf_view(&file))))
		r = d->how->image(d->how->image_arg, buf_view(&file), out, e);
	else
		r = contfield_type(p, out, e);
	buf_free(&file);
	return r;
}

/* Neither parts in it nor a message that was looked into: those are not ours to describe. */
static bool
is_leaf(const struct describing *d, uint32_t i)
{
	return d->mime.part[i].root == 0 && !d->mime.part[i].multipart;
}

static bool
is_in(const struct describing *d, uint32_t i, uint32_t part)
{
	while (i > part)
		i = d->mime.part[i].parent;
	return i == part;
}

/* Appends what all in a multipart are, "(| …)" if they are several; a leaf that cannot be read is
 * its type. */
static int
add_leaves(const struct describing *d, uint32_t part, struct buf *out, struct err *e)
{
	uint32_t n = 0;

	for (uint32_t i = part; i < d->mime.n && is_in(d, i, part); i++)
		n += is_leaf(d, i);
	if (n == 0)
		return contfield_type(&d->mime.part[part], out, e);
	if (n > 1 && buf_add_str(out, "(|", e) == -1)
		return -1;
	for (uint32_t i = part; i < d->mime.n && is_in(d, i, part); i++) {
		struct err why = { 0 };

		if (!is_leaf(d, i))
			continue;
		if (n > 1 && buf_add_byte(out, ' ', e) == -1)
			return -1;
		if (add_leaf(d, &d->mime.part[i], out, &why) == -1 && (why.kind == ERR_TEMP ||
		    contfield_type(&d->mime.part[i], out, e) == -1))
			return why.kind == ERR_TEMP ? (*e = why, -1) : -1;
	}
	return n > 1 ? buf_add_byte(out, ')', e) : 0;
}

/* Why nothing can be said of a part in its header; NULL: it can. */
static const char *
no_room(const struct describing *d, const struct mime_part *p)
{
	if (p->parent != MIME_NONE && d->mime.part[p->parent].protected)
		return "it is signed or encrypted";
	return p->broken ? "it is not well formed" : NULL;
}

static int
add_field(const struct describing *d, uint32_t part, size_t at, struct err *e)
{
	const struct mime_part *p = &d->mime.part[part];
	const char *why = no_room(d, p);
	struct buf filter, field;
	int r;

	if (why != NULL)
		return err_set(e, ERR_PERM, "5.6.0", "Content-Convert needs a Content-Features, which cannot be "
		    "added: %s", why);
	buf_init(&filter, DESCRIBE_MAX);
	buf_init(&field, DESCRIBE_MAX);
	r = p->multipart ? add_leaves(d, part, &filter, e) : add_leaf(d, p, &filter, e);
	if (r == 0)
		r = describe_field("Content-Features", buf_view(&filter), &field, e);
	if (r == 0)
		r = d->how->put(d->how->put_arg, at, buf_view(&field), e);
	buf_free(&filter);
	buf_free(&field);
	return r;
}

static int
name_part(const struct describing *d, uint32_t part, struct err *e)
{
	const struct span type = d->mime.part[part].type;
	char text[100];
	struct buf path;
	struct err none;

	span_text(type.n > 0 ? type : span_str("text/plain"), text, sizeof text);
	buf_init(&path, 256);
	if (mime_path(&d->mime, part, &path, &none) == 0)
		err_in(e, "part %.*s (%s)", (int)path.n, (const char *)path.p, text);
	buf_free(&path);
	return -1;
}

/* The parts that say what they permit: 1: one got its field; 0; -1. */
static int
describe_stated(const struct describing *d, bool *any, struct err *e)
{
	struct mime_field f, features;
	int found = 0;

	for (uint32_t i = 0; i < d->mime.n; i++) {
		const struct mime_part *p = &d->mime.part[i];

		if (p->root != 0 || mime_field_find(p->header, "Content-Convert", &f) == 0)
			continue;
		*any = true;
		if (mime_field_find(p->header, "Content-Features", &features) > 0)
			continue;
		if (add_field(d, i, (size_t)(f.whole.p - d->message.p), e) == -1)
			return name_part(d, i, e);
		found = 1;
	}
	return found;
}

/* Can a permission stand in its header?  What nobody could describe, or convert, gets none. */
static bool
may_state(const struct describing *d, uint32_t i)
{
	const struct mime_part *p = &d->mime.part[i];

	return is_leaf(d, i) && !p->message && !p->protected && !p->report && no_room(d, p) == NULL &&
	    p->header.n >= 2 && memcmp(p->header.p + p->header.n - 2, "\r\n", 2) == 0;
}

/* A permission that its sender could not say. */
static int
state_part(const struct describing *d, uint32_t i, struct err *e)
{
	const struct mime_part *p = &d->mime.part[i];
	size_t at = (size_t)(p->header.p + p->header.n - d->message.p);
	struct mime_field features;
	struct err why = { 0 };
	struct buf field;
	int r;

	if (mime_field_find(p->header, "Content-Features", &features) == 0 && add_field(d, i, at, &why) == -1)
		return why.kind == ERR_TEMP ? (*e = why, -1) : 0;
	buf_init(&field, DESCRIBE_MAX);
	r = describe_field("Content-Convert", span_str(d->how->convert), &field, e);
	if (r == 0)
		r = d->how->put(d->how->put_arg, at, buf_view(&field), e);
	buf_free(&field);
	return r == -1 ? -1 : 1;
}

static int
state_parts(const struct describing *d, struct err *e)
{
	struct mime_field f;
	int found = 0;

	if (mime_field_find(mime_message_header(d->message), "MIME-Version", &f) == 0)
		return 0;
	for (uint32_t i = 0; i < d->mime.n; i++) {
		int r = may_state(d, i) ? state_part(d, i, e) : 0;

		if (r == -1)
			return -1;
		found |= r;
	}
	return found;
}

int
describe_parts(struct span message, const struct describe *how, struct err *e)
{
	struct describing d = { .message = message, .how = how };
	bool any = false;
	int r;

	if (mime_parse(message, &d.mime, e) == -1)	/* over a limit: nobody converts any of it */
		return e->kind == ERR_TEMP ? -1 : 0;
	r = describe_stated(&d, &any, e);
	if (r == 0 && !any && how->convert != NULL)
		r = state_parts(&d, e);
	mime_free(&d.mime);
	return r;
}
