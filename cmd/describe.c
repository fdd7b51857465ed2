/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "cmd/describe.h"

#include "cmd/compose.h"
#include "lib/contfield.h"

struct describing {
	struct mime mime;
	struct span message;
	size_t done;			/* octets of message that are in out */
	struct buf out;			/* the message anew */
	describe_fn *image;
	void *arg;
};

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
		r = d->image(d->arg, buf_view(&file), out, e);
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
add_field(struct describing *d, uint32_t part, size_t at, struct err *e)
{
	const struct mime_part *p = &d->mime.part[part];
	const char *why = no_room(d, p);
	struct buf filter;
	int r;

	if (why != NULL)
		return err_set(e, ERR_PERM, "5.6.0", "Content-Convert needs a Content-Features, which cannot be "
		    "added: %s", why);
	buf_init(&filter, COMPOSE_MAX);
	r = p->multipart ? add_leaves(d, part, &filter, e) : add_leaf(d, p, &filter, e);
	if (r == 0)
		r = buf_add(&d->out, span_sub(d->message, d->done, at), e);
	if (r == 0)
		r = compose_filter("Content-Features", buf_view(&filter), &d->out, e);
	d->done = at;
	buf_free(&filter);
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

/* 1: some part got its field; 0; -1. */
static int
describe_parts(struct describing *d, struct err *e)
{
	struct mime_field f, features;
	int found = 0;

	for (uint32_t i = 0; i < d->mime.n; i++) {
		const struct mime_part *p = &d->mime.part[i];

		if (p->root != 0 || mime_field_find(p->header, "Content-Convert", &f) == 0 ||
		    mime_field_find(p->header, "Content-Features", &features) > 0)
			continue;
		if (add_field(d, i, (size_t)(f.whole.p - d->message.p), e) == -1)
			return name_part(d, i, e);
		found = 1;
	}
	return found;
}

int
describe_message(struct buf *message, describe_fn *image, void *arg, struct err *e)
{
	struct describing d = { .message = buf_view(message), .image = image, .arg = arg };
	struct mime_field f;
	int r;

	if (mime_field_find(mime_message_header(d.message), "Received", &f) > 0)
		return 0;
	if (mime_parse(d.message, &d.mime, e) == -1)	/* over a limit: nobody converts any of it */
		return e->kind == ERR_TEMP ? -1 : 0;
	buf_init(&d.out, message->max);
	r = describe_parts(&d, e);
	if (r == 1)
		r = buf_add(&d.out, span_sub(d.message, d.done, d.message.n), e);
	if (r == 0 && d.out.n > 0) {
		buf_free(message);
		*message = d.out;
	} else {
		buf_free(&d.out);
	}
	mime_free(&d.mime);
	return r;
}
