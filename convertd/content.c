/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "convertd/content.h"

#include <stdio.h>
#include <stdlib.h>

enum { CONTENT_FEATURES_MAX = 4096 };	/* octets of the expression of one part or page */

static int
content_open(struct contents *x, uint32_t i, const struct limits *max, struct err *e)
{
	const struct mime_part *p = &x->mime.part[i];
	struct content *c = &x->c[i];

	if (part_permission(&x->mime, i, &c->permission, e) == -1)
		return -1;
	c->image = part_is_image(p);
	if (!c->image)
		return 0;
	if (part_image_open(p, max, &c->open, e) == -1) {
		if (e->kind == ERR_TEMP)
			return -1;
		snprintf(c->why, sizeof c->why, "%.199s", e->what);
		return 0;
	}
	c->readable = true;
	c->want = calloc(c->open.image.npage, sizeof *c->want);
	return c->want == NULL ? err_sys(e, "forms") : 0;
}

/* A body that is there to be read: every recipient takes it (RFC 3965 and its operation draft). */
static bool
is_text_body(const struct mime_part *p)
{
	struct mime_field f;
	struct span word, rest;
	struct err e;

	if (!mime_is(p, "text/plain"))
		return false;
	return mime_field_find(p->header, "Content-Disposition", &f) == 0 ||
	    mime_value(f.value, &word, &rest, &e) == -1 || !span_isi(word, "attachment");
}

/* Parts stand behind their multipart. */
static void
contents_words(struct contents *x)
{
	for (uint32_t i = 0; i < x->mime.n; i++)
		x->c[i].words = x->mime.part[i].multipart || is_text_body(&x->mime.part[i]);
	for (uint32_t i = x->mime.n; i-- > 1;)
		x->c[x->mime.part[i].parent].words &= x->c[i].words;
}

int
contents_open(struct span message, const struct limits *max, struct contents *out, struct err *e)
{
	*out = (struct contents){ 0 };
	if (mime_parse(message, &out->mime, e) == -1)
		return -1;
	if ((out->c = calloc(out->mime.n, sizeof *out->c)) == NULL) {
		err_sys(e, "contents");
		contents_free(out);
		return -1;
	}
	for (uint32_t i = 0; i < out->mime.n; i++)
		if (content_open(out, i, max, e) == -1) {
			contents_free(out);
			return -1;
		}
	contents_words(out);
	return 0;
}

void
contents_free(struct contents *x)
{
	for (uint32_t i = 0; x->c != NULL && i < x->mime.n; i++) {
		part_permission_free(&x->c[i].permission);
		free(x->c[i].want);
		if (x->c[i].readable)
			part_image_free(&x->c[i].open);
	}
	free(x->c);
	x->c = NULL;
	mime_free(&x->mime);
}

/* Is the document that text describes in caps?  1, 0, -1. */
static int
document_fits(struct span text, const struct feat *caps, struct err *e)
{
	struct feat *doc;
	int r;

	if (feat_parse(text, FEAT_DOCUMENT, &doc, e) == -1)
		return -1;
	r = feat_match(doc, caps, e);
	feat_free(doc);
	return r;
}

/* Every page must fit on its own (RFC 2879, 4.7).  1, 0, -1. */
static int
image_fits(const struct image *img, const struct feat *caps, struct err *e)
{
	struct buf now, before;
	int r = 1;

	buf_init(&now, CONTENT_FEATURES_MAX);
	buf_init(&before, CONTENT_FEATURES_MAX);
	for (uint32_t i = 0; i < img->npage && r == 1; i++) {
		buf_clear(&now);
		if (image_page_features(img, i, &now, e) == -1)
			r = -1;
		else if (before.n == 0 || !span_eq(buf_view(&now), buf_view(&before)))
			r = document_fits(buf_view(&now), caps, e);
		buf_clear(&before);
		if (r == 1 && buf_add(&before, buf_view(&now), e) == -1)
			r = -1;
	}
	buf_free(&now);
	buf_free(&before);
	return r;
}

/* The second part of a multipart/signed: for who checks it, no content (RFC 1847, 2.1). */
static bool
is_signature(const struct mime *m, const struct mime_part *p)
{
	return p->parent != MIME_NONE && p->number == 2 && !p->multipart && !p->broken &&
	    mime_is(&m->part[p->parent], "multipart/signed");
}

/* The type of a part as a document; an image that is no TIFF is told by not being one, too. */
static int
type_parse(const struct mime_part *p, bool tiff, struct feat **out, struct err *e)
{
	struct span type = p->type.n > 0 ? p->type : span_str("text/plain");
	bool image = span_isi(span_sub(type, 0, 6), "image/");
	struct buf text;
	int r = -1;

	buf_init(&text, CONTENT_FEATURES_MAX);
	if (buf_add_str(&text, "(& (type=\"", e) == 0 && buf_add(&text, type, e) == 0 &&
	    buf_add_str(&text, image && !tiff ? "\") (image-file-structure=none))" : "\"))", e) == 0)
		r = feat_parse(buf_view(&text), FEAT_DOCUMENT, out, e);
	buf_free(&text);
	return r;
}

/* *doc and what Content-Features says besides.  1: it says something that is no contradiction; 0; -1. */
static int
features_add(const struct mime_part *p, struct feat **doc, struct err *e)
{
	struct feat *said = NULL, *both = NULL;
	struct buf text;
	int r;

	buf_init(&text, MIME_MAX_HEADER);
	r = p->broken ? 0 : contfield_features(p->header, &text, e);
	if (r == 1 && (feat_parse(buf_view(&text), FEAT_DOCUMENT, &said, e) == -1 ||
	    feat_and(*doc, said, &both, e) == -1))
		r = -1;
	if (r == 1 && feat_empty(both))
		r = 0;
	if (r == 1) {
		feat_free(*doc);
		*doc = both;
		both = NULL;
	}
	feat_free(said);
	feat_free(both);
	buf_free(&text);
	return r == -1 && e->kind != ERR_TEMP ? 0 : r;
}

/*
 * Is a part that we cannot look into in caps?  It is known by its type, by which it is processed (RFC 2912,
 * 3.2.1), and by its Content-Features, without which a TIFF is not known at all.  1, 0, -1.
 */
static int
said_fits(const struct mime_part *p, bool tiff, const struct feat *caps, struct err *e)
{
	struct feat *doc = NULL;
	int r = type_parse(p, tiff, &doc, e), said;

	if (r == 0 && (said = features_add(p, &doc, e)) != 0)
		r = said == -1 ? -1 : feat_match(doc, caps, e);
	else if (r == 0)
		r = tiff ? 0 : feat_match(doc, caps, e);
	feat_free(doc);
	return r == -1 && e->kind != ERR_TEMP ? 0 : r;
}

static int
other_fits(const struct mime_part *p, bool tiff, const struct feat *caps, struct err *e)
{
	if (is_text_body(p) || feat_is_any(caps))
		return 1;
	if (p->broken && (p->type.n == 0 || span_isi(span_sub(p->type, 0, 10), "multipart/")))
		return 0;
	return said_fits(p, tiff, caps, e);
}

/* A part that does not fit: the forms it would take. */
static int
content_choose(struct content *c, const struct takes *takes, struct err *e)
{
	const struct feat *permitted = part_permits(&c->permission, takes->wish >= WISH_DRUCOF);
	uint32_t n = c->open.image.npage;
	struct form_page *from;
	int r;

	if (!c->convertible)
		return 0;
	if ((from = calloc(n, sizeof *from)) == NULL)
		return err_sys(e, "forms");
	for (uint32_t i = 0; i < n; i++) {
		const struct image_page *p = &c->open.image.page[i];

		from[i] = (struct form_page){ p->form, p->width_px, p->length_px, p->turned };
	}
	r = form_choose_file(from, n, takes->caps, permitted, c->want, e);
	if (r == 1 && form_own_dpi(c->want, from, n, takes->own, permitted, e) == -1)
		r = -1;
	free(from);
	return r;
}

/* Table c.2 of what the sender wishes; PREFER: rows B2, where nothing fails and nothing is left out. */
static void
fate_under_drucof(const struct contents *x, uint32_t i, enum plan_wish wish, bool fits, bool converts)
{
	struct content *c = &x->c[i];
	struct drucof_facts f = { fits, c->permission.drucof.integrity,
	    c->permission.drucof.critical && wish != WISH_PREFER, converts };
	const struct drucof_row *row;

	if (f.integrity == DRUCOF_OMISSION && (wish == WISH_PREFER || !part_may_go(&x->mime, i)))
		f.integrity = DRUCOF_PERMITTED;
	row = drucof_row(&f);
	c->fate = row->fate;
	c->omitted = row->fate == FATE_OMITTED;
	c->dsn = row->dsn;
}

static void
fate_set(const struct contents *x, uint32_t i, enum plan_wish wish, bool fits, bool converts)
{
	struct content *c = &x->c[i];

	if (wish >= WISH_DRUCOF) {
		fate_under_drucof(x, i, wish, fits, converts);
	} else {
		c->fate = fits ? FATE_FITS : converts ? FATE_CONVERTS : FATE_EMPTY;
		c->dsn = "5.6.3";
	}
	if (c->fate == FATE_EMPTY && c->convertible)	/* it can be, but what is taken is not permitted, or not ours */
		c->dsn = "5.6.5";
}

/* Does the leaf fit?  1, 0, -1. */
static int
leaf_fits(const struct contents *x, uint32_t i, const struct feat *caps, struct err *e)
{
	const struct mime_part *p = &x->mime.part[i];
	const struct content *c = &x->c[i];

	if (c->readable)
		return image_fits(&c->open.image, caps, e);
	if (mime_is(p, "message/rfc822"))	/* and cannot be looked into */
		return feat_is_any(caps);
	return is_signature(&x->mime, p) ? 1 : other_fits(p, c->image, caps, e);
}

static int
leaf_judge(struct contents *x, uint32_t i, const struct takes *takes, struct err *e)
{
	struct content *c = &x->c[i];
	int fits, converts = 0;

	c->convertible = c->readable && part_may_change(&x->mime.part[i]) &&
	    part_permits(&c->permission, takes->wish >= WISH_DRUCOF) != NULL;
	if ((fits = leaf_fits(x, i, takes->caps, e)) == -1 ||
	    (fits == 0 && (converts = content_choose(c, takes, e)) == -1))
		return -1;
	fate_set(x, i, takes->wish, fits == 1, converts == 1);
	return 0;
}

static bool
is_alternative(const struct mime_part *p)
{
	return p->multipart && mime_is(p, "multipart/alternative");
}

/* Neither parts in it nor a message. */
static bool
is_leaf(const struct contents *x, uint32_t i)
{
	return !x->mime.part[i].multipart && !x->mime.part[i].message;
}

/* A branch of a multipart/alternative; they come with the richest first.  As long as none is of use, the worst counts. */
static void
branch_judge(struct contents *x, uint32_t up, uint32_t branch)
{
	const struct content *c = &x->c[branch];
	struct content *all = &x->c[up];
	bool none = all->chosen == MIME_NONE;

	if (c->fate == FATE_FITS ? none || (all->fate == FATE_CONVERTS && !c->words) :
	    c->fate == FATE_CONVERTS && none) {
		all->fate = c->fate;
		all->chosen = branch;
	} else if (none && c->fate > all->fate) {
		all->fate = c->fate;
	}
}

/* What is inside has been judged. */
static void
inside_judged(struct contents *x, uint32_t i, enum plan_wish wish)
{
	const struct mime_part *p = &x->mime.part[i];

	if (is_alternative(p) && part_next(&x->mime, i) == i + 1)	/* of nothing */
		x->c[i].fate = wish == WISH_PREFER ? FATE_KEPT : FATE_EMPTY;
	if (p->message && x->c[i].fate == FATE_EMPTY && wish >= WISH_DRUCOF)
		fate_under_drucof(x, i, wish, false, false);
}

/* Is it, or is what it is attached in, left out? */
static bool
is_left_out(const struct contents *x, uint32_t i)
{
	for (; i != MIME_NONE; i = x->mime.part[i].parent)
		if (x->c[i].omitted)
			return true;
	return false;
}

/* A message of which nothing is left is none. */
static void
omitted_judge(struct contents *x)
{
	if (x->c[0].fate != FATE_OMITTED)
		return;
	for (uint32_t i = 0; i < x->mime.n; i++)
		if (is_leaf(x, i) && !is_signature(&x->mime, &x->mime.part[i]) && !is_left_out(x, i))
			return;
	for (uint32_t i = 0; i < x->mime.n; i++)
		if (x->c[i].fate == FATE_OMITTED) {
			x->c[i].fate = FATE_EMPTY;
			x->c[i].omitted = false;
			x->c[i].dsn = "5.6.3";
		}
}

int
contents_judge(struct contents *x, const struct takes *takes, struct err *e)
{
	for (uint32_t i = 0; i < x->mime.n; i++) {
		x->c[i].chosen = MIME_NONE;
		x->c[i].fate = FATE_FITS;
		x->c[i].omitted = false;
		if (is_leaf(x, i) && leaf_judge(x, i, takes, e) == -1)
			return -1;
	}
	for (uint32_t i = x->mime.n; i-- > 0;) {	/* parts stand behind their multipart */
		uint32_t up = x->mime.part[i].parent;

		inside_judged(x, i, takes->wish);
		if (up != MIME_NONE && is_alternative(&x->mime.part[up]))
			branch_judge(x, up, i);
		else if (up != MIME_NONE && x->c[i].fate > x->c[up].fate)
			x->c[up].fate = x->c[i].fate;
	}
	omitted_judge(x);
	return 0;
}

/* Is what becomes of the part to be done? */
static bool
contents_counts(const struct contents *x, uint32_t part)
{
	for (uint32_t i = part, up; i != 0; i = up) {
		up = x->mime.part[i].parent;
		if (x->c[up].fate == FATE_EMPTY || (x->c[up].chosen != MIME_NONE && x->c[up].chosen != i))
			return false;
	}
	return true;
}

bool
contents_converts(const struct contents *x, uint32_t part)
{
	return is_leaf(x, part) && x->c[part].fate == FATE_CONVERTS && contents_counts(x, part);
}

bool
contents_omits(const struct contents *x, uint32_t part)
{
	return x->c[part].omitted && contents_counts(x, part);
}

bool
contents_fails(const struct contents *x, uint32_t part)
{
	if (!is_leaf(x, part))
		return false;
	for (uint32_t i = part; i != MIME_NONE; i = x->mime.part[i].parent)
		if (x->c[i].fate != FATE_EMPTY)
			return false;
	return true;
}

const char *
contents_status(const struct contents *x, bool final)
{
	static const char *const codes[] = { "5.6.2", "5.6.3" };
	bool told[2] = { false, false }, other = false;

	for (uint32_t i = 0; i < x->mime.n; i++) {
		if (!contents_fails(x, i))
			continue;
		other = other || !x->c[i].image;
		for (int k = 0; k < 2; k++)
			told[k] = told[k] || strcmp(x->c[i].dsn, codes[k]) == 0;
	}
	return other && final ? "5.6.1" : told[0] ? codes[0] : told[1] ? codes[1] : "5.6.5";
}
