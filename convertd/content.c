/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "convertd/content.h"

#include <stdio.h>
#include <stdlib.h>

#include "convertd/fits.h"

static int
content_open(struct contents *x, uint32_t i, const struct limits *max, struct err *e)
{
	const struct mime_part *p = &x->mime.part[i];
	struct content *c = &x->c[i];

	if (part_permission(&x->mime, i, &c->permission, e) == -1)
		return -1;
	c->drawn = part_is_drawn(p);
	if (!c->drawn)
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

/* Parts stand behind their multipart. */
static void
contents_words(struct contents *x)
{
	for (uint32_t i = 0; i < x->mime.n; i++)
		x->c[i].words = x->mime.part[i].multipart || part_is_body(&x->mime.part[i]);
	for (uint32_t i = x->mime.n; i-- > 1;)
		x->c[x->mime.part[i].parent].words &= x->c[i].words;
}

int
contents_open(struct span message, const struct limits *max, struct contents *out, struct err *e)
{
	*out = (struct contents){ .look_only = max->look_only };
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

/* The second part of a multipart/signed: for who checks it, no content (RFC 1847, 2.1). */
static bool
is_signature(const struct mime *m, const struct mime_part *p)
{
	return p->parent != MIME_NONE && p->number == 2 && !p->multipart && !p->broken &&
	    mime_is(&m->part[p->parent], "multipart/signed");
}

static int
other_fits(const struct mime_part *p, bool tiff, const struct feat *caps, struct err *e)
{
	if (part_is_body(p) || feat_is_any(caps))
		return 1;
	if (p->broken && (p->type.n == 0 || span_isi(span_sub(p->type, 0, 10), "multipart/")))
		return 0;
	return fits_said(p, tiff, caps, e);
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

		from[i] = (struct form_page){ p->form, p->width_px, p->length_px, p->turned, p->shades };
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

	if (f.integrity == DRUCOF_OMISSION && (wish == WISH_PREFER || x->look_only || !part_may_go(&x->mime, i)))
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
	/* it can be, but what is taken is not permitted, or not ours */
	if (c->fate == FATE_EMPTY && c->convertible)
		c->dsn = "5.6.5";
}

/* Does the leaf fit?  1, 0, -1. */
static int
leaf_fits(const struct contents *x, uint32_t i, const struct feat *caps, struct err *e)
{
	const struct mime_part *p = &x->mime.part[i];
	const struct content *c = &x->c[i];

	if (c->readable && !part_is_text(p))
		return fits_image(&c->open.image, caps, e);
	if (mime_is(p, "message/rfc822"))	/* and cannot be looked into */
		return feat_is_any(caps);
	return is_signature(&x->mime, p) ? 1 : other_fits(p, part_is_tiff(p), caps, e);
}

/*
 * Text that is there to be read goes to everybody.  A machine whose capabilities have none has a page instead, if
 * the text's own Content-Convert permits one.  1, 0, -1.
 */
static int
body_is_page(const struct contents *x, uint32_t i, const struct feat *caps, struct err *e)
{
	const struct content *c = &x->c[i];
	int r;

	if (!c->convertible || c->permission.convert.set == NULL || !part_is_text(&x->mime.part[i]))
		return 0;
	r = fits_said(&x->mime.part[i], false, caps, e);
	return r == -1 ? -1 : r == 0;
}

static int
leaf_judge(struct contents *x, uint32_t i, const struct takes *takes, struct err *e)
{
	struct content *c = &x->c[i];
	int fits, page = 0, converts = 0;

	c->convertible = !x->look_only && c->readable && part_may_change(&x->mime.part[i]) &&
	    part_permits(&c->permission, takes->wish >= WISH_DRUCOF) != NULL;
	fits = leaf_fits(x, i, takes->caps, e);
	if (fits == 1)
		page = body_is_page(x, i, takes->caps, e);
	if (fits == -1 || page == -1 || ((fits == 0 || page == 1) && (converts = content_choose(c, takes, e)) == -1))
		return -1;
	fate_set(x, i, takes->wish, fits == 1 && converts == 0, converts == 1);
	return 0;
}

/* Neither parts in it nor a message. */
bool
contents_is_leaf(const struct contents *x, uint32_t i)
{
	return !x->mime.part[i].multipart && !x->mime.part[i].message;
}

/* A branch of a multipart/alternative; they come with the richest first.  As long as none is of use, the
 * worst counts. */
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

	if (part_is_alternative(p) && part_next(&x->mime, i) == i + 1)	/* of nothing */
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
		if (contents_is_leaf(x, i) && !is_signature(&x->mime, &x->mime.part[i]) && !is_left_out(x, i))
			return;
	for (uint32_t i = 0; i < x->mime.n; i++)
		if (x->c[i].fate == FATE_OMITTED) {
			x->c[i].fate = FATE_EMPTY;
			x->c[i].omitted = false;
			x->c[i].dsn = "5.6.3";
		}
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

/* Is all that is in the branch in the set? */
static int
branch_in(const struct contents *x, uint32_t branch, const struct feat *set, struct err *e)
{
	int r = 1;

	for (uint32_t i = branch; r == 1 && i < part_next(&x->mime, branch); i++) {
		const struct content *c = &x->c[i];

		if (contents_is_leaf(x, i))
			r = c->readable && !part_is_text(&x->mime.part[i]) ? fits_image(&c->open.image, set, e) :
			    fits_said(&x->mime.part[i], part_is_tiff(&x->mime.part[i]), set, e);
	}
	return r;
}

/* Is there one of the other branches that is not taken? */
static bool
others_unfit(const struct contents *x, uint32_t part)
{
	for (uint32_t i = part + 1; i < part_next(&x->mime, part); i = part_next(&x->mime, i))
		if (x->c[i].fate != FATE_FITS)
			return true;
	return false;
}

/* A choice one of whose branches fits: are the others left out?  Then only says why. */
static int
choice_judge(struct contents *x, uint32_t part, enum plan_wish wish, struct err *e)
{
	struct content *c = &x->c[part];
	struct part_choice choice;
	unsigned ways = 0;
	int r;

	if (!others_unfit(x, part))
		return 0;
	if (part_choice(&x->mime, part, &choice, e) == -1)
		return -1;
	r = part_may_leave(&x->mime, &choice, c->chosen, &ways, e);
	if (r == 0 && (ways & LEAVE_CONVERT) != 0)
		r = branch_in(x, c->chosen, part_permits(&choice.permission, false), e);
	part_choice_free(&choice);
	if (r == 1)
		c->only = LEAVE_CONVERT;
	else if (r == 0 && (ways & LEAVE_DRUCOF) != 0 && wish == WISH_DRUCOF)
		c->only = LEAVE_DRUCOF;
	return r == -1 ? -1 : 0;
}

/* From outside: what is in a branch that is left out is no choice any more. */
static int
choices_judge(struct contents *x, enum plan_wish wish, struct err *e)
{
	for (uint32_t i = 0; i < x->mime.n && x->c[0].fate != FATE_EMPTY && !x->look_only; i++) {
		if (!part_is_choice(&x->mime, i) || x->c[i].fate != FATE_FITS || !contents_counts(x, i))
			continue;
		if (choice_judge(x, i, wish, e) == -1)
			return -1;
		if (x->c[i].only != 0 && x->c[0].fate < FATE_CONVERTS)
			x->c[0].fate = FATE_CONVERTS;
	}
	return 0;
}

int
contents_judge(struct contents *x, const struct takes *takes, struct err *e)
{
	for (uint32_t i = 0; i < x->mime.n; i++) {
		x->c[i].chosen = MIME_NONE;
		x->c[i].fate = FATE_FITS;
		x->c[i].omitted = false;
		x->c[i].only = 0;
		if (contents_is_leaf(x, i) && leaf_judge(x, i, takes, e) == -1)
			return -1;
	}
	for (uint32_t i = x->mime.n; i-- > 0;) {	/* parts stand behind their multipart */
		uint32_t up = x->mime.part[i].parent;

		inside_judged(x, i, takes->wish);
		if (up != MIME_NONE && part_is_alternative(&x->mime.part[up]))
			branch_judge(x, up, i);
		else if (up != MIME_NONE && x->c[i].fate > x->c[up].fate)
			x->c[up].fate = x->c[i].fate;
	}
	omitted_judge(x);
	return choices_judge(x, takes->wish, e);
}

bool
contents_converts(const struct contents *x, uint32_t part)
{
	return contents_is_leaf(x, part) && x->c[part].fate == FATE_CONVERTS && contents_counts(x, part);
}

bool
contents_omits(const struct contents *x, uint32_t part)
{
	return x->c[part].omitted && contents_counts(x, part);
}

bool
contents_chooses(const struct contents *x, uint32_t part)
{
	return x->c[part].only != 0;
}

bool
contents_fails(const struct contents *x, uint32_t part)
{
	if (!contents_is_leaf(x, part))
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
		other = other || (!x->c[i].readable && !part_is_tiff(&x->mime.part[i]));
		for (int k = 0; k < 2; k++)
			told[k] = told[k] || strcmp(x->c[i].dsn, codes[k]) == 0;
	}
	return other && final ? "5.6.1" : told[0] ? codes[0] : told[1] ? codes[1] : "5.6.5";
}
