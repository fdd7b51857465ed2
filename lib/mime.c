/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/mime.h"

#include <stdlib.h>

/* Numbers of a path: one for each multipart, and for each message and its root that is none. */
enum { MIME_MAX_PATH = MIME_MAX_DEPTH + 2 * MIME_MAX_MESSAGES + 2 };

void
mime_free(struct mime *m)
{
	free(m->part);
	*m = (struct mime){ 0 };
}

static struct mime_part *
mime_add(struct mime *m, struct err *e)
{
	if (m->n == MIME_MAX_PARTS) {
		err_set(e, ERR_PERM, "5.6.5", "message: more than %d parts", MIME_MAX_PARTS);
		return NULL;
	}
	if (m->n == m->cap) {
		uint32_t cap = m->cap == 0 ? 16 : m->cap * 2;
		struct mime_part *part = realloc(m->part, cap * sizeof *part);

		if (part == NULL) {
			err_sys(e, "message parts");
			return NULL;
		}
		m->part = part;
		m->cap = cap;
	}
	m->part[m->n] = (struct mime_part){ .parent = MIME_NONE };
	return &m->part[m->n++];
}

/* Where the header ends: at a blank line, or with the entity. */
static void
mime_split(struct span entity, struct span *header, struct span *body)
{
	const unsigned char *at;

	if (entity.n >= 2 && memcmp(entity.p, "\r\n", 2) == 0) {
		*header = span_sub(entity, 0, 0);
		*body = span_sub(entity, 2, entity.n);
		return;
	}
	at = entity.n == 0 ? NULL : memmem(entity.p, entity.n, "\r\n\r\n", 4);
	if (at == NULL) {
		*header = entity;
		*body = span_sub(entity, entity.n, entity.n);
		return;
	}
	*header = span_sub(entity, 0, (size_t)(at - entity.p) + 2);
	*body = span_sub(entity, header->n + 2, entity.n);
}

/* Bare CR and LF, NUL, blank-looking lines, lines that are no field: readers differ on them all. */
static bool
mime_header_clean(struct span header)
{
	struct mime_field f;

	for (size_t i = 0; i < header.n; i++) {
		int c = header.p[i];

		if (c == '\0' || (c == '\r' && (i + 1 == header.n || header.p[i + 1] != '\n')) ||
		    (c == '\n' && (i == 0 || header.p[i - 1] != '\r')))
			return false;
	}
	if (header.n > 0 && (header.p[header.n - 1] != '\n' || ascii_wsp(header.p[0])))
		return false;
	while (mime_field_next(&header, &f)) {
		struct span lines = f.whole, line;

		if (f.name.n == 0)
			return false;
		while (span_line(&lines, &line))
			if (span_trim(line).n == 0)
				return false;
	}
	return true;
}

static int
mime_header_limits(struct span header, struct err *e)
{
	struct mime_field f;
	uint32_t n = 0;

	if (header.n > MIME_MAX_HEADER)
		return err_set(e, ERR_PERM, "5.6.5", "message: a header of more than %d octets",
		    MIME_MAX_HEADER);
	while (mime_field_next(&header, &f))
		if (++n > MIME_MAX_FIELDS)
			return err_set(e, ERR_PERM, "5.6.5", "message: a header of more than %d fields",
			    MIME_MAX_FIELDS);
	return 0;
}

/* Types whose octets are under a signature or a cipher (RFC 1847, 8551, 3156). */
static bool
mime_protects(const struct mime_part *p)
{
	static const char *const types[] = { "multipart/signed", "multipart/encrypted",
	    "application/pkcs7-mime", "application/x-pkcs7-mime", "application/pkcs7-signature",
	    "application/x-pkcs7-signature", "application/pgp", "application/pgp-encrypted",
	    "application/pgp-signature", "message/partial" };

	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (mime_is(p, types[i]))
			return true;
	return false;
}

/* Transfer encoding of one word; two fields, or a value that is no word: unknown. */
static enum transfer
mime_transfer(struct span header)
{
	struct mime_field f;
	struct span word, rest;
	struct mime_param param;
	struct err e;

	switch (mime_field_find(header, "Content-Transfer-Encoding", &f)) {
	case 0:
		return TRANSFER_7BIT;
	case 1:
		if (mime_value(f.value, &word, &rest, &e) == 0 &&
		    mime_param_next(&rest, &param, &e) == 0)
			return transfer_of(word);
		return TRANSFER_UNKNOWN;
	default:
		return TRANSFER_UNKNOWN;
	}
}

static bool
mime_boundary_ok(struct span b)
{
	if (b.n == 0 || b.n > MIME_MAX_BOUNDARY || b.p[b.n - 1] == ' ')
		return false;
	for (size_t i = 0; i < b.n; i++)
		if (b.p[i] < 0x20 || b.p[i] > 0x7e)
			return false;
	return true;
}

/*
 * Reads Content-Type: its type into p->type, its boundary into *boundary (of the caller's buf).
 * false: it cannot be read in one way only.
 */
static bool
mime_type(struct mime_part *p, struct buf *boundary)
{
	struct mime_field f;
	struct mime_param param;
	struct span rest;
	struct err e;
	uint32_t n = mime_field_find(p->header, "Content-Type", &f);
	int r;

	if (n == 0)
		return true;
	if (n > 1 || mime_value(f.value, &p->type, &rest, &e) == -1)
		return false;
	if (span_find(p->type, '/') == p->type.n) {
		p->type = (struct span){ NULL, 0 };
		return false;
	}
	while ((r = mime_param_next(&rest, &param, &e)) == 1) {
		if (span_isi(span_sub(param.name, 0, span_find(param.name, '*')), "boundary") &&
		    (boundary->n > 0 || span_find(param.name, '*') < param.name.n ||
		    mime_param_text(&param, boundary, &e) == -1 ||
		    !mime_boundary_ok(buf_view(boundary))))
			return false;
	}
	return r == 0;
}

enum { LINE_NONE, LINE_PART, LINE_CLOSE, LINE_ODD };

/* What the "--boundary" at `at` in body is; *from: where its line's start stands with the line end
 * before it, *after: behind its line. */
static int
mime_delimiter(struct span body, size_t at, size_t len, size_t *from, size_t *after)
{
	size_t i = at + len;
	int kind = LINE_PART;

	if (at > 0 && body.p[at - 1] != '\n')
		return body.p[at - 1] == '\r' ? LINE_ODD : LINE_NONE;
	if (at > 0 && (at < 2 || body.p[at - 2] != '\r'))
		return LINE_ODD;
	*from = at > 0 ? at - 2 : 0;
	if (body.n - i >= 2 && body.p[i] == '-' && body.p[i + 1] == '-') {
		kind = LINE_CLOSE;
		i += 2;
	}
	while (i < body.n && ascii_wsp(body.p[i]))
		i++;
	if (i < body.n && (body.n - i < 2 || body.p[i] != '\r' || body.p[i + 1] != '\n'))
		return LINE_ODD;
	*after = i < body.n ? i + 2 : i;
	return kind;
}

/* The entities between a multipart's delimiters, in order. */
struct mime_scan { struct span body; unsigned char dash[MIME_MAX_BOUNDARY + 2]; size_t len, at;
	size_t line, start; bool inside, closed, odd; };	/* line: where the delimiter before start is */

/* The next entity into *entity, with its delimiter into *whole; false: none is left. */
static bool
mime_scan_next(struct mime_scan *s, struct span *entity, struct span *whole)
{
	while (s->at < s->body.n) {
		const unsigned char *hit = memmem(s->body.p + s->at, s->body.n - s->at, s->dash, s->len);
		size_t at, from = 0, after = 0, start = s->start, line = s->line;
		bool was_inside = s->inside;
		int kind;

		if (hit == NULL)
			break;
		at = (size_t)(hit - s->body.p);
		s->at = at + s->len;
		kind = mime_delimiter(s->body, at, s->len, &from, &after);
		if (kind == LINE_ODD || (kind != LINE_NONE && s->closed))
			s->odd = true;
		if ((kind != LINE_PART && kind != LINE_CLOSE) || s->closed)
			continue;
		s->inside = kind == LINE_PART;
		s->closed = kind == LINE_CLOSE;
		s->start = after;
		s->line = from;
		s->at = after < at + s->len ? at + s->len : after;
		if (was_inside) {
			*entity = span_sub(s->body, start, from < start ? start : from);
			*whole = span_sub(s->body, line, from);
			return true;
		}
	}
	s->at = s->body.n;
	if (!s->inside)
		return false;
	s->inside = false;		/* no closing delimiter: the last part goes to the end */
	s->odd = true;
	*entity = span_sub(s->body, s->start, s->body.n);
	*whole = span_sub(s->body, s->line, s->body.n);
	return true;
}

struct mime_frame { struct mime_scan scan; uint32_t index, count; };

/* A walk under way: the multiparts that it is in. */
struct mime_walk {
	struct mime *m;
	struct mime_frame *stack;	/* MIME_MAX_DEPTH of them */
	size_t depth;
	struct buf boundary;
};

/* What an entity has from the one that it is in. */
static void
mime_inherit(struct mime *m, struct mime_part *p, uint32_t parent, uint32_t number)
{
	const struct mime_part *up = &m->part[parent];

	p->parent = parent;
	p->number = number;
	p->root = up->message ? (uint32_t)(p - m->part) : up->root;
	p->protected = up->protected;
	p->report = up->report;
	p->broken = up->broken;
	p->digest_part = mime_is(up, "multipart/digest");
}

static int
mime_entity(struct mime_walk *w, struct span entity, uint32_t parent, uint32_t number, struct err *e)
{
	struct mime_part *p = mime_add(w->m, e);

	if (p == NULL)
		return -1;
	p->whole = entity;
	mime_split(entity, &p->header, &p->body);
	if (mime_header_limits(p->header, e) == -1)
		return -1;
	if (parent != MIME_NONE)
		mime_inherit(w->m, p, parent, number);
	buf_clear(&w->boundary);
	if (!mime_header_clean(p->header) || !mime_type(p, &w->boundary) ||
	    mime_field_find(p->header, "Content-Transfer-Encoding", &(struct mime_field){ 0 }) > 1)
		p->broken = true;
	p->transfer = mime_transfer(p->header);
	p->protected = p->protected || mime_protects(p);
	p->report = p->report || mime_is(p, "multipart/report");
	return 0;
}

/* Is the entity just added a multipart to go into?  Then its scan is set up. */
static int
mime_enter(struct mime_walk *w, struct err *e)
{
	struct mime *m = w->m;
	struct mime_part *p = &m->part[m->n - 1];
	struct span boundary = buf_view(&w->boundary);
	struct mime_frame *f = &w->stack[w->depth];

	if (p->type.n < 10 || !span_isi(span_sub(p->type, 0, 10), "multipart/"))
		return 0;
	/* RFC 2045, 6.4: composite types have an identity encoding only. */
	if (p->broken || boundary.n == 0 || p->transfer > TRANSFER_BINARY) {
		p->broken = true;
		return 0;
	}
	if (w->depth == MIME_MAX_DEPTH)
		return err_set(e, ERR_PERM, "5.6.5", "message: more than %d nested multiparts",
		    MIME_MAX_DEPTH);
	*f = (struct mime_frame){ .index = m->n - 1, .scan = { .body = p->body,
	    .len = boundary.n + 2 } };
	memcpy(f->scan.dash, "--", 2);
	memcpy(f->scan.dash + 2, boundary.p, boundary.n);
	/* A boundary that starts with another one: some readers compare only the start. */
	for (size_t i = 0; i < w->depth; i++) {
		struct mime_frame *up = &w->stack[i];
		size_t n = up->scan.len < f->scan.len ? up->scan.len : f->scan.len;

		if (memcmp(up->scan.dash, f->scan.dash, n) == 0)
			p->broken = m->part[up->index].broken = true;
	}
	p->multipart = true;
	w->depth++;
	return 0;
}

/* What is found in a multipart's scan goes for all its parts, those before the finding too. */
static void
mime_leave(struct mime *m, const struct mime_frame *f)
{
	struct mime_part *p = &m->part[f->index];

	if (f->scan.odd || f->count == 0)
		p->broken = true;
	for (uint32_t i = f->index + 1; p->broken && i < m->n; i++)
		m->part[i].broken = true;
}

/* Is the part a message to go into? */
static bool
mime_attached(const struct mime *m, uint32_t part)
{
	const struct mime_part *p = &m->part[part];
	uint32_t in = p->root, depth = 0;

	if (!mime_is(p, "message/rfc822") || p->broken || p->transfer > TRANSFER_BINARY)
		return false;
	for (; m->part[in].parent != MIME_NONE; in = m->part[m->part[in].parent].root)
		depth++;
	return depth < MIME_MAX_MESSAGES;
}

/* After a limit was met in an entity: the attached message that it is in is not gone into.  false:
 * in none. */
static bool
mime_close(struct mime_walk *w, uint32_t parent)
{
	struct mime *m = w->m;
	uint32_t part = parent;

	if (part != MIME_NONE && !m->part[part].message)
		part = m->part[m->part[part].root].parent;
	if (part == MIME_NONE)
		return false;
	m->part[part].message = false;
	m->n = part + 1;
	while (w->depth > 0 && w->stack[w->depth - 1].index > part)
		w->depth--;
	return true;
}

/* Adds an entity, and the message that it is one's part for. */
static int
mime_visit(struct mime_walk *w, struct span entity, uint32_t parent, uint32_t number, struct err *e)
{
	struct mime *m = w->m;
	uint32_t part = m->n;

	if (mime_entity(w, entity, parent, number, e) == -1 || mime_enter(w, e) == -1) {
		if (e->kind != ERR_PERM || !mime_close(w, parent))
			return -1;
		*e = (struct err){ 0 };
		return 0;
	}
	if (!mime_attached(m, part))
		return 0;
	m->part[part].message = true;
	return mime_visit(w, m->part[part].body, part, 1, e);
}

int
mime_parse(struct span message, struct mime *out, struct err *e)
{
	struct mime_frame stack[MIME_MAX_DEPTH];
	struct mime_walk w = { .m = out, .stack = stack };
	int r;

	*out = (struct mime){ 0 };
	buf_init(&w.boundary, MIME_MAX_BOUNDARY);
	r = mime_visit(&w, message, MIME_NONE, 0, e);
	while (r == 0 && w.depth > 0) {
		struct mime_frame *f = &w.stack[w.depth - 1];
		struct span entity, whole;
		uint32_t part = out->n;

		if (!mime_scan_next(&f->scan, &entity, &whole)) {
			mime_leave(out, f);
			w.depth--;
			continue;
		}
		r = mime_visit(&w, entity, f->index, ++f->count, e);
		if (r == 0 && part < out->n)
			out->part[part].whole = whole;
	}
	buf_free(&w.boundary);
	if (r == -1)
		mime_free(out);
	return r;
}

bool
mime_is(const struct mime_part *p, const char *type)
{
	if (p->type.n == 0 && !p->broken)
		return strcmp(type, p->digest_part ? "message/rfc822" : "text/plain") == 0;
	return span_isi(p->type, type);
}

struct span
mime_message_header(struct span message)
{
	struct span header, body;

	mime_split(span_sub(message, 0, MIME_MAX_HEADER), &header, &body);
	return header;
}

bool
mime_message_is_report(struct span message)
{
	static const char *const types[] = { "multipart/report", "message/delivery-status",
	    "message/disposition-notification" };
	struct span type, rest;
	struct mime_field f;
	struct err e;

	if (mime_field_find(mime_message_header(message), "Content-Type", &f) != 1 ||
	    mime_value(f.value, &type, &rest, &e) == -1)
		return false;
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (span_isi(type, types[i]))
			return true;
	return false;
}

/* The number of i in a path; -1: it has none, being a message whose parts have. */
static int
mime_number(const struct mime *m, uint32_t i, bool last)
{
	const struct mime_part *p = &m->part[i];
	bool has_parts = p->multipart && i + 1 < m->n && m->part[i + 1].parent == i;

	if (p->root != i)
		return (int)p->number;
	return !has_parts ? 1 : last ? 0 : -1;
}

int
mime_path(const struct mime *m, uint32_t part, struct buf *out, struct err *e)
{
	int number[MIME_MAX_PATH];
	size_t n = 0;

	for (uint32_t i = part; i != MIME_NONE; i = m->part[i].parent) {
		int k = mime_number(m, i, i == part);

		if (k != -1)
			number[n++] = k;
	}
	while (n-- > 0)
		if (buf_addf(out, e, n > 0 ? "%d." : "%d", number[n]) == -1)
			return -1;
	return 0;
}

uint32_t
mime_by_path(const struct mime *m, struct span path)
{
	struct buf b;
	struct err e;
	uint32_t found = MIME_NONE;

	buf_init(&b, MIME_MAX_PATH * 11 + 1);
	for (uint32_t i = 0; i < m->n && found == MIME_NONE; i++) {
		buf_clear(&b);
		if (mime_path(m, i, &b, &e) == 0 && span_eq(buf_view(&b), path))
			found = i;
	}
	buf_free(&b);
	return found;
}
