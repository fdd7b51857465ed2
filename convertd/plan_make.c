/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "convertd/plan_make.h"

#include <stdio.h>
#include <stdlib.h>

#include "convertd/content.h"
#include "convertd/key.h"
#include "convertd/ranges.h"
#include "lib/cur.h"
#include "lib/msg.h"
#include "lib/plan.h"

enum {
	DETAIL_TEXT = 1000,		/* octets of an expression or a reason shown in a detail */
	DETAIL_PARTS = 3500,		/* octets after which no further part is told of */
	DETAIL_NAME = 200
};

/* One plan as it grows; offsets, since the texts move while they grow. */
struct making {
	struct contents x;
	uint32_t flags;			/* PLAN_FINAL, PLAN_ALL_PARTS, PLAN_ALTERNATIVES */
	bool walked;			/* x is set */
	const char *why;		/* else why not */
	struct buf text;		/* keys and details */
	struct { enum plan_fate fate; const char *dsn; size_t key, key_len, detail, detail_len; } *row;
};

/* Appends s as one line's text: printable ASCII, cut. */
static int
detail_text(struct buf *b, struct span s, size_t max, struct err *e)
{
	for (size_t i = 0; i < s.n && i < max; i++) {
		int c = s.p[i];

		if (c == '\r' || c == '\n' || c == '\t')
			c = ' ';
		if (buf_add_byte(b, c < 0x20 || c > 0x7e ? '?' : c, e) == -1)
			return -1;
	}
	return s.n > max ? buf_add_str(b, "...", e) : 0;
}

static int
detail_line(struct buf *b, const char *name, struct span s, struct err *e)
{
	if (buf_addf(b, e, "%s: ", name) == -1 || detail_text(b, s, DETAIL_TEXT, e) == -1)
		return -1;
	return buf_add_byte(b, '\n', e);
}

/* part: 1.2 (image/tiff-fx, "offer.tfx") */
static int
detail_part(struct buf *b, const struct mime *m, uint32_t i, struct err *e)
{
	const struct mime_part *p = &m->part[i];
	struct buf name;
	int r = -1;

	buf_init(&name, MIME_MAX_HEADER);
	if (buf_add_str(b, "part: ", e) == -1 || mime_path(m, i, b, e) == -1 ||
	    buf_add_str(b, " (", e) == -1 || detail_text(b, p->type.n > 0 ? p->type :
	    span_str("text/plain"), DETAIL_NAME, e) == -1 || part_filename(p, &name, e) == -1)
		goto out;
	if (name.n > 0 && (buf_add_str(b, ", \"", e) == -1 ||
	    detail_text(b, buf_view(&name), DETAIL_NAME, e) == -1 ||
	    buf_add_byte(b, '"', e) == -1))
		goto out;
	r = buf_add_str(b, ")\n", e);
out:
	buf_free(&name);
	return r;
}

/* A picture has a size in pixels; what the page is that it makes is told of the result. */
static int
detail_picture(struct buf *b, const struct image *img, struct err *e)
{
	uint32_t width, rows;
	const char *name = image_is_picture(img, &width, &rows);

	return buf_addf(b, e, "form: %s, %u by %u pixels\n", name, width, rows);
}

/* length: as form_length, 0: not told.  254ths of an inch are tenths of a millimetre. */
static int
detail_pages(struct buf *b, const char *name, const struct form *f, uint32_t length, uint32_t n,
    struct err *e)
{
	static const char *const papers[] = { "A4", "B4", "A3" };
	static const uint32_t paper_lengths[] = { 2970, 3640, 4200 };
	static const char *const codings[] = { "MH", "MR", "MMR", "JBIG", "JPEG in grey", "JPEG in colour",
	    "private JBIG" };

	if (buf_addf(b, e, "%s: %s, %u by %u dpi, %s", name, codings[f->coding], f->dpi_x, f->dpi_y,
	    papers[f->paper]) == -1 ||
	    (length > paper_lengths[f->paper] && buf_addf(b, e, " wide, %u mm long", length / 10) == -1))
		return -1;
	return n > 1 ? buf_addf(b, e, " (first of %u pages)\n", n) : buf_add_byte(b, '\n', e);
}

/* What the part is, and why it stays so. */
static int
detail_form(struct buf *b, const struct contents *x, uint32_t i, struct err *e)
{
	const struct content *c = &x->c[i];
	const struct mime_part *p = &x->mime.part[i];

	if (p->protected)
		return detail_line(b, "form", span_str("signed or encrypted, so not to be changed"), e);
	if (p->report)
		return detail_line(b, "form", span_str("in a report, so not to be changed"), e);
	if (p->broken)
		return detail_line(b, "form", span_str("in a message that cannot be read in one way "
		    "only, so not to be changed"), e);
	if (c->drawn && !c->readable) {
		if (buf_add_str(b, "form: unreadable: ", e) == -1 ||
		    detail_text(b, span_str(c->why), DETAIL_TEXT, e) == -1)
			return -1;
		return buf_add_byte(b, '\n', e);
	}
	if (c->readable && c->open.image.page[0].form.coding == CODING_TEXT)
		return buf_addf(b, e, "form: text of %u page%s\n", c->open.image.npage,
		    c->open.image.npage == 1 ? "" : "s");
	if (c->readable && c->open.image.page[0].form.coding > CODING_OTHER)
		return detail_picture(b, &c->open.image, e);
	if (c->readable)
		return detail_pages(b, "form", &c->open.image.page[0].form,
		    form_length(&c->open.image.page[0].form, image_page_rows(&c->open.image.page[0])),
		    c->open.image.npage, e);
	return detail_line(b, "form", span_str("nothing that is converted here"), e);
}

static int
detail_permits(struct making *m, uint32_t i, enum plan_wish wish, struct err *e)
{
	const struct part_permission *p = &m->x.c[i].permission;

	return detail_line(&m->text, "permits", p->convert.text.n > 0 ? buf_view(&p->convert.text) :
	    span_str(wish >= WISH_DRUCOF && part_permits(p, true) != NULL ? "anything" : "nothing"), e);
}

static int
detail_failed(struct making *m, uint32_t i, enum plan_wish wish, struct span caps, struct err *e)
{
	if (detail_part(&m->text, &m->x.mime, i, e) == -1 ||
	    detail_form(&m->text, &m->x, i, e) == -1 ||
	    detail_line(&m->text, "takes", caps, e) == -1)
		return -1;
	return detail_permits(m, i, wish, e);
}

static int
detail_converted(struct making *m, uint32_t i, struct err *e)
{
	const struct content *c = &m->x.c[i];

	if (detail_part(&m->text, &m->x.mime, i, e) == -1 ||
	    detail_form(&m->text, &m->x, i, e) == -1)
		return -1;
	return detail_pages(&m->text, "converted", c->want, 0, c->open.image.npage, e);
}

static int
detail_omitted(struct making *m, uint32_t i, struct err *e)
{
	if (detail_part(&m->text, &m->x.mime, i, e) == -1 ||
	    detail_form(&m->text, &m->x, i, e) == -1)
		return -1;
	return detail_line(&m->text, "omitted", span_str("left out, a note stands in its place"), e);
}

static int
detail_chosen(struct making *m, uint32_t i, struct err *e)
{
	uint32_t chosen = m->x.c[i].chosen;

	if (detail_part(&m->text, &m->x.mime, i, e) == -1 ||
	    buf_add_str(&m->text, "omitted: all alternatives but part ", e) == -1 ||
	    mime_path(&m->x.mime, chosen, &m->text, e) == -1)
		return -1;
	return buf_add_byte(&m->text, '\n', e);
}

/* Of any leaf, whatever the verdict is about: what it is, may become, and would. */
static int
detail_any(struct making *m, uint32_t i, enum plan_wish wish, struct err *e)
{
	const struct content *c = &m->x.c[i];

	if (detail_part(&m->text, &m->x.mime, i, e) == -1 || detail_form(&m->text, &m->x, i, e) == -1 ||
	    detail_permits(m, i, wish, e) == -1)
		return -1;
	switch (c->fate) {
	case FATE_CONVERTS:
		return detail_pages(&m->text, "converted", c->want, 0, c->open.image.npage, e);
	case FATE_OMITTED:
		return detail_line(&m->text, "omitted", span_str("left out, a note stands in its place"), e);
	case FATE_EMPTY:
		return detail_line(&m->text, "fails", span_str(c->dsn), e);
	case FATE_KEPT:
		return detail_line(&m->text, "stays", span_str("it does not fit, and is not critical"), e);
	case FATE_FITS:
		break;
	}
	return detail_line(&m->text, "stays", span_str("it fits"), e);
}

/* The forms of the first page that were not chosen, and the one that was. */
static int
detail_alternatives(struct making *m, uint32_t i, const struct takes *takes, struct err *e)
{
	const struct content *c = &m->x.c[i];
	const struct image_page *p;
	struct form_page src;

	if (!c->readable)
		return 0;
	p = &c->open.image.page[0];
	src = (struct form_page){ p->form, p->width_px, p->length_px, p->turned, p->shades };
	return form_explain(&src, c->fate == FATE_CONVERTS ? c->want : NULL, takes->caps, !c->convertible ? NULL :
	    part_permits(&c->permission, takes->wish >= WISH_DRUCOF), &m->text, e);
}

/* The details of all parts that the verdict is about, as far as there is room. */
static int
make_details(struct making *m, uint32_t row, const struct takes *takes, struct span caps, struct err *e)
{
	enum plan_wish wish = takes->wish;
	bool fails = m->row[row].fate == PLAN_EMPTY, all = m->flags & PLAN_ALL_PARTS;
	size_t start = m->text.n, whole = start;

	for (uint32_t i = 0; i < m->x.mime.n && whole - start < DETAIL_PARTS; i++) {
		int r = 0;

		if (all && contents_is_leaf(&m->x, i))
			r = detail_any(m, i, wish, e);
		else if (fails && contents_fails(&m->x, i))
			r = detail_failed(m, i, wish, caps, e);
		else if (!fails && contents_converts(&m->x, i))
			r = detail_converted(m, i, e);
		else if (!fails && contents_omits(&m->x, i))
			r = detail_omitted(m, i, e);
		else if (!fails && contents_chooses(&m->x, i))
			r = detail_chosen(m, i, e);
		if (r == 0 && (m->flags & PLAN_ALTERNATIVES) && contents_is_leaf(&m->x, i))
			r = detail_alternatives(m, i, takes, e);
		if (r == -1)
			return -1;
		if (m->text.n - start > PLAN_MAX_DETAIL)
			m->text.n = whole;
		whole = m->text.n;
	}
	m->row[row].detail = start;
	m->row[row].detail_len = m->text.n - start;
	return 0;
}

/* What becomes of a part, into the key; nothing: nothing does. */
static int
make_piece(const struct contents *x, uint32_t i, struct buf *key, struct err *e)
{
	const struct content *c = &x->c[i];
	bool chooses = contents_chooses(x, i);
	struct buf path;
	int r = 0;

	if (!contents_converts(x, i) && !contents_omits(x, i) && !chooses)
		return 0;
	buf_init(&path, 256);
	if (mime_path(&x->mime, chooses ? c->chosen : i, &path, e) == -1)
		r = -1;
	else if (chooses)
		r = key_add_change(buf_view(&path), c->only == LEAVE_DRUCOF, KEY_ONLY, key, e);
	else if (c->omitted)
		r = key_add_change(buf_view(&path), false, KEY_OMIT, key, e);
	else
		r = key_add(buf_view(&path), c->permission.convert.kind == CONVERT_ABSENT, c->want,
		    c->open.image.npage, key, e);
	buf_free(&path);
	return r;
}

/* The key, and the parts it needs.  0: too long for a packet, so none; 1; -1. */
static int
make_key(struct making *m, uint32_t row, struct err *e)
{
	struct buf key;
	int r = 1;

	buf_init(&key, PLAN_MAX_KEY);
	for (uint32_t i = 0; i < m->x.mime.n && r == 1; i++)
		if (make_piece(&m->x, i, &key, e) == -1)
			r = e->kind == ERR_TEMP ? -1 : 0;
	for (uint32_t i = 0; i < m->x.mime.n && r == 1; i++) {
		m->x.c[i].used |= contents_converts(&m->x, i);
		m->x.c[i].left |= contents_omits(&m->x, i);
		m->x.c[i].chose |= contents_chooses(&m->x, i);
	}
	m->row[row].key = m->text.n;
	m->row[row].key_len = key.n;
	if (r == 1 && buf_add(&m->text, buf_view(&key), e) == -1)
		r = -1;
	buf_free(&key);
	return r;
}

/* No part of it is known: a message over MIME's limits, or capabilities that are no expression. */
static int
make_none(struct making *m, uint32_t row, enum plan_wish wish, const char *form, const char *takes,
    struct span caps, struct err *e)
{
	m->row[row].fate = wish == WISH_PREFER ? PLAN_FITS : PLAN_EMPTY;
	m->row[row].dsn = "5.6.5";
	m->row[row].detail = m->text.n;
	if ((form != NULL && detail_line(&m->text, "form", span_str(form), e) == -1) ||
	    (takes != NULL && detail_line(&m->text, "takes", span_str(takes), e) == -1) ||
	    detail_line(&m->text, "takes", caps, e) == -1)
		return -1;
	m->row[row].detail_len = m->text.n - m->row[row].detail;
	return 0;
}

/* What takes says of the message. */
static int
make_judged(struct making *m, uint32_t row, const struct takes *takes, struct span caps, struct err *e)
{
	static const enum plan_fate fates[] = { [FATE_FITS] = PLAN_FITS, [FATE_KEPT] = PLAN_FITS,
	    [FATE_CONVERTS] = PLAN_CONVERTS, [FATE_OMITTED] = PLAN_CONVERTS, [FATE_EMPTY] = PLAN_EMPTY };
	int r;

	if (contents_judge(&m->x, takes, e) == -1)	/* over a limit of feature sets: nothing can be said */
		return e->kind == ERR_TEMP ? -1 : make_none(m, row, takes->wish, NULL,
		    "an expression of too many cases", caps, e);
	m->row[row].fate = fates[m->x.c[0].fate];
	m->row[row].dsn = contents_status(&m->x, m->flags & PLAN_FINAL);
	if (m->row[row].fate == PLAN_CONVERTS) {
		r = make_key(m, row, e);
		if (r == -1)
			return -1;
		if (r == 0)
			return make_none(m, row, takes->wish, "pages of too many forms", NULL, caps, e);
	}
	return make_details(m, row, takes, caps, e);
}

static int
make_verdict(struct making *m, uint32_t row, enum plan_wish wish, struct span caps, struct err *e)
{
	struct takes takes = { .wish = wish };
	int r;

	if (!m->walked)
		return make_none(m, row, wish, m->why, NULL, caps, e);
	if (feat_parse(caps, FEAT_CLAIM, &takes.caps, e) == -1 ||
	    feat_parse(caps, FEAT_CLAIM | FEAT_OWN_DPI, &takes.own, e) == -1) {
		feat_free(takes.caps);
		return e->kind == ERR_TEMP ? -1 : make_none(m, row, wish, NULL, "no feature expression",
		    caps, e);
	}
	r = make_judged(m, row, &takes, caps, e);
	feat_free(takes.caps);
	feat_free(takes.own);
	return r;
}

/* --- ranges --- */

static int
make_ranges(const struct contents *x, struct plan *p, const unsigned char *base, struct err *e)
{
	if ((p->range = calloc(PLAN_MAX_RANGES, sizeof *p->range)) == NULL)
		return err_sys(e, "ranges");
	for (uint32_t i = 0; i < x->mime.n; i++) {
		uint32_t up = x->mime.part[i].parent;

		if ((up != MIME_NONE && x->c[up].chose && ranges_add_branch(p, &x->mime.part[i], base, e) == -1) ||
		    (x->c[i].chose && ranges_add_choice(p, &x->mime, i, base, e) == -1) ||
		    (x->c[i].left && ranges_add_part(p, &x->mime.part[i], base, e) == -1) ||
		    (x->c[i].used && ranges_add(p, &x->mime.part[i], base, e) == -1))
			return -1;
	}
	return 0;
}

/* --- all of it --- */

static void
make_flags(const struct contents *x, struct plan *p)
{
	for (uint32_t i = 0; i < x->mime.n; i++)
		p->has_permission = p->has_permission ||
		    (x->c[i].permission.convert.set != NULL && (!x->mime.part[i].multipart ||
		    part_is_choice(&x->mime, i)));
}

static int
make_encoded(struct making *m, uint32_t ncaps, struct span message, struct buf *out, struct err *e)
{
	struct plan p = { .nverdict = ncaps };
	int r = 0;

	if ((p.verdict = calloc(ncaps == 0 ? 1 : ncaps, sizeof *p.verdict)) == NULL)
		return err_sys(e, "plan");
	for (uint32_t i = 0; i < ncaps; i++) {
		struct plan_verdict *v = &p.verdict[i];
		struct span text = buf_view(&m->text);

		v->fate = (uint8_t)m->row[i].fate;
		if (m->row[i].fate == PLAN_EMPTY)
			snprintf(v->dsn, sizeof v->dsn, "%s", m->row[i].dsn);
		if (m->row[i].fate == PLAN_CONVERTS)
			v->key = span_sub(text, m->row[i].key, m->row[i].key + m->row[i].key_len);
		v->detail = span_sub(text, m->row[i].detail,
		    m->row[i].detail + m->row[i].detail_len);
	}
	if (m->walked) {
		make_flags(&m->x, &p);
		r = make_ranges(&m->x, &p, message.p, e);
	}
	if (r == 0)
		r = plan_encode(&p, out, e);
	plan_free(&p);
	return r;
}

/* Takes the next set off c; its text is *caps. */
static int
take_set(struct cur *c, struct plan_set *set, struct span *caps, struct err *e)
{
	struct span fixed = cur_take(c, sizeof *set);

	*set = (struct plan_set){ 0 };
	if (!c->bad)
		memcpy(set, fixed.p, sizeof *set);
	*caps = cur_take(c, set->len);
	if (c->bad)
		return err_set(e, ERR_PROTO, NULL, "capabilities cut short");
	return set->wish <= WISH_PREFER ? 0 : err_set(e, ERR_PROTO, NULL, "a wish of %u", set->wish);
}

int
plan_make(struct span message, struct span caps, uint32_t ncaps, uint32_t flags, const struct limits *max,
    struct buf *out, struct err *e)
{
	struct making m = { .flags = flags };
	struct cur c = cur_of(caps);
	struct err why = { 0 };
	int r = 0;

	if (ncaps > PLAN_MAX_VERDICTS)
		return err_set(e, ERR_PROTO, NULL, "%u sets of capabilities", ncaps);
	m.walked = contents_open(message, max, &m.x, &why) == 0;
	if (!m.walked && why.kind == ERR_TEMP) {
		*e = why;
		return -1;
	}
	m.why = why.what;
	buf_init(&m.text, out->max);
	if ((m.row = calloc(ncaps == 0 ? 1 : ncaps, sizeof *m.row)) == NULL)
		r = err_sys(e, "plan");
	for (uint32_t i = 0; i < ncaps && r == 0; i++) {
		struct plan_set set;
		struct span one;

		r = take_set(&c, &set, &one, e);
		if (r == 0)
			r = make_verdict(&m, i, (enum plan_wish)set.wish, one, e);
	}
	if (r == 0 && cur_left(&c) > 0)
		r = err_set(e, ERR_PROTO, NULL, "capabilities: more than %u", ncaps);
	if (r == 0)
		r = make_encoded(&m, ncaps, message, out, e);
	free(m.row);
	buf_free(&m.text);
	if (m.walked)
		contents_free(&m.x);
	return r;
}
