/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "convertd/apply.h"

#include <stdlib.h>

#include "convertd/downgrade.h"
#include "convertd/fits.h"
#include "convertd/key.h"
#include "convertd/part.h"
#include "convertd/record.h"
#include "lib/edit_note.h"
#include "lib/sha256.h"

enum { APPLY_FEATURES_MAX = 262144 };	/* octets of the expression of one document */

/* --- one part --- */

struct applying {
	const struct apply_by *by;
	const struct limits *max;
	struct mime mime;
	struct edits edits;
	struct downgrade down;		/* of the parts that are not converted */
	uint32_t next;			/* part: those before it are done */
	bool *gone;			/* owned: of each part: is it a branch that is left out */
};

/* What becomes of a part. */
struct changed { const char *type; struct buf file, was, is; };

/* Are all pages of the result permitted (R11)?  0, -1. */
static int
changed_permitted(const struct image *img, const struct feat *permitted, struct err *e)
{
	for (uint32_t i = 0; i < img->npage; i++) {
		struct feat *doc = NULL;
		struct buf text;
		int r = -1;

		buf_init(&text, APPLY_FEATURES_MAX);
		if (image_page_features(img, i, &text, e) == 0 &&
		    feat_parse(buf_view(&text), FEAT_DOCUMENT, &doc, e) == 0)
			r = feat_match(doc, permitted, e);
		feat_free(doc);
		buf_free(&text);
		if (r != 1)
			return r == -1 ? -1 : err_set(e, ERR_PERM, "5.6.5",
			    "page %u: that form is not permitted", i);
	}
	return 0;
}

/* Reads what was written as a stranger would. */
static int
changed_check(struct applying *a, struct changed *c, const struct feat *permitted, struct err *e)
{
	struct image img;
	char profile;
	int r;

	if (image_validate(buf_view(&c->file), &profile, e) == -1)
		return err_in(e, "result");
	if (image_open(buf_view(&c->file), a->max, &img, e) == -1)
		return err_in(e, "result");
	c->type = image_media_type(&img.page[0].form, 1);
	for (uint32_t i = 1; i < img.npage; i++)
		if (form_is_fx(&img.page[i].form))
			c->type = image_media_type(&img.page[i].form, 1);
	r = image_features(&img, &c->is, e) == 0 ? changed_permitted(&img, permitted, e) : -1;
	image_free(&img);
	return r;
}

static int
changed_make(struct applying *a, uint32_t part, struct span forms, const struct feat *permitted,
    struct changed *c, struct err *e)
{
	struct part_image open;
	struct form *want;
	int r = -1;

	if (part_image_open(&a->mime.part[part], a->max, &open, e) == -1)
		return -1;
	if ((want = calloc(open.image.npage, sizeof *want)) == NULL)
		err_sys(e, "forms");
	else if (key_forms(forms, want, open.image.npage, e) == 0 &&
	    image_features(&open.image, &c->was, e) == 0 &&
	    image_convert(&open.image, want, a->max, &c->file, e) == 0)
		r = 0;
	free(want);
	part_image_free(&open);
	return r == 0 ? changed_check(a, c, permitted, e) : -1;
}

/* The fields that say what it was and is; they stand before the part's other Content fields. */
static int
apply_record(struct applying *a, uint64_t off, const struct changed *c, struct err *e)
{
	struct buf *text = &a->edits.text;
	size_t from = text->n;

	if (a->by->converted && record_converted(a->by->when_us, a->by->me, buf_view(&c->was),
	    buf_view(&c->is), text, e) == -1)
		return -1;
	if (record_previous(a->by->when_us, a->by->me, buf_view(&c->was), text, e) == -1 ||
	    record_features(buf_view(&c->is), text, e) == -1)
		return -1;
	return edits_insert(&a->edits, off, EDIT_HEADER, from, e);
}

/* One Content field of a part that is converted.  has_encoding: another field will give it. */
static int
apply_field(struct applying *a, const struct mime_field *f, const struct changed *c,
    bool has_encoding, struct err *e)
{
	struct buf *text = &a->edits.text;
	size_t from = text->n;
	int r = 0;

	switch (part_field_of(f->name)) {
	case FIELD_TYPE:
		r = record_type(f->value, c->type, text, e);
		if (r == 0 && !has_encoding)
			r = buf_add_str(text, "Content-Transfer-Encoding: base64\r\n", e);
		break;
	case FIELD_ENCODING:
		r = buf_add_str(text, "Content-Transfer-Encoding: base64\r\n", e);
		break;
	case FIELD_DISPOSITION:
		r = record_disposition(f->value, c->type, text, e);
		if (r == 0)
			return 0;
		break;
	case FIELD_FEATURES:
	case FIELD_MD5:
		break;
	case FIELD_OTHER:
		return 0;
	}
	if (r == -1 || edits_copy_to(&a->edits, edits_offset(&a->edits, f->whole), e) == -1 ||
	    edits_insert(&a->edits, a->edits.at, EDIT_HEADER, from, e) == -1)
		return -1;
	return edits_cut(&a->edits, f->whole, e);
}

static int
apply_part(struct applying *a, uint32_t part, const struct changed *c, struct err *e)
{
	const struct mime_part *p = &a->mime.part[part];
	struct span h = p->header;
	struct mime_field f;
	bool first = true;
	bool has_encoding = mime_field_find(h, "Content-Transfer-Encoding", &f) > 0;
	size_t from;

	while (mime_field_next(&h, &f)) {
		if (!part_field_is_content(f.name))
			continue;
		if (first && apply_record(a, edits_offset(&a->edits, f.whole), c, e) == -1)
			return -1;
		first = false;
		if (apply_field(a, &f, c, has_encoding, e) == -1)
			return -1;
	}
	from = a->edits.text.n;
	if (edits_copy_to(&a->edits, edits_offset(&a->edits, p->body), e) == -1 ||
	    transfer_base64(buf_view(&c->file), &a->edits.text, e) == -1 ||
	    edits_insert(&a->edits, a->edits.at, EDIT_BODY, from, e) == -1)
		return -1;
	return edits_cut(&a->edits, p->body, e);
}

static int
apply_forms(struct applying *a, uint32_t part, struct span forms, const struct feat *permitted, struct err *e)
{
	struct changed c = { 0 };
	int r = -1;

	if (!part_is_drawn(&a->mime.part[part]) || !part_may_change(&a->mime.part[part]))
		return err_set(e, ERR_PROTO, "5.5.4", "key: a part that cannot be converted");
	if (permitted == NULL)
		return err_set(e, ERR_PROTO, "5.5.4", "key: a part that must not be converted");
	buf_init(&c.file, a->max->out_octets);
	buf_init(&c.was, APPLY_FEATURES_MAX);
	buf_init(&c.is, APPLY_FEATURES_MAX);
	if (changed_make(a, part, forms, permitted, &c, e) == 0)
		r = apply_part(a, part, &c, e);
	buf_free(&c.file);
	buf_free(&c.was);
	buf_free(&c.is);
	return r;
}

/* A note in place of the part, which names its content: decoded, if it can be. */
static int
apply_omit(struct applying *a, uint32_t part, const struct part_permission *permission, struct err *e)
{
	const struct mime_part *p = &a->mime.part[part];
	struct span whole = span_of(p->header.p, (size_t)(p->body.p + p->body.n - p->header.p)), what = p->body;
	struct span type = p->type.n > 0 ? p->type : span_str(p->digest_part ? "message/rfc822" : "text/plain");
	size_t from = a->edits.text.n;
	unsigned char digest[32];
	struct err undone = { 0 };
	struct buf content;
	int r;

	if (permission->drucof.integrity != DRUCOF_OMISSION || !part_may_go(&a->mime, part))
		return err_set(e, ERR_PROTO, "5.5.4", "key: a part that must not be left out");
	buf_init(&content, p->body.n + 16);
	if (transfer_decode(p->transfer, p->body, &content, &undone) == 0)
		what = buf_view(&content);
	sha256(what, digest);
	r = undone.kind == ERR_TEMP ? err_set(e, ERR_TEMP, "4.3.0", "no memory") :
	    edit_note_add(type, what.n, digest, &a->edits.text, e);
	buf_free(&content);
	if (r == -1 || edits_insert(&a->edits, edits_offset(&a->edits, whole), EDIT_NOTE, from, e) == -1)
		return -1;
	return edits_cut(&a->edits, whole, e);
}

/* The parts before `until` that are dealt with by no piece of the key. */
static int
apply_rest(struct applying *a, uint32_t until, struct err *e)
{
	while (a->next < until) {
		uint32_t part = a->next;
		bool gone = a->gone[part];

		if ((gone ? edits_cut(&a->edits, a->mime.part[part].whole, e) :
		    downgrade_part(&a->down, &a->mime, part, e)) == -1)
			return -1;
		a->next = gone ? part_next(&a->mime, part) : part + 1;
	}
	return 0;
}

/* What stands before the part; which has not been dealt with yet. */
static int
apply_to(struct applying *a, uint32_t part, struct err *e)
{
	if (apply_rest(a, part, e) == -1)
		return -1;
	return a->next == part && !a->gone[part] ? 0 : err_set(e, ERR_PROTO, "5.5.4", "key: out of order");
}

/* --- a choice --- */

/* Appends what one leaf is: as an image, or by its type. */
static int
leaf_features(struct applying *a, const struct mime_part *p, struct buf *out, struct err *e)
{
	struct part_image open;
	struct err unread = { 0 };
	int r;

	if (!part_is_image(p) || part_image_open(p, a->max, &open, &unread) == -1)
		return unread.kind == ERR_TEMP ? err_set(e, ERR_TEMP, "4.3.0", "no memory") :
		    contfield_type(p, out, e);
	r = image_features(&open.image, out, e);
	part_image_free(&open);
	return r;
}

/* Appends what the leaves of parts from, to are, "(| …)" if they are several. */
static int
leaves_features(struct applying *a, uint32_t from, uint32_t to, struct buf *out, struct err *e)
{
	uint32_t n = 0;

	for (uint32_t i = from; i < to; i++)
		n += !a->mime.part[i].multipart && !a->mime.part[i].message;
	if (n > 1 && buf_add_str(out, "(|", e) == -1)
		return -1;
	for (uint32_t i = from; i < to; i++)
		if (!a->mime.part[i].multipart && !a->mime.part[i].message &&
		    ((n > 1 && buf_add_byte(out, ' ', e) == -1) ||
		    leaf_features(a, &a->mime.part[i], out, e) == -1))
			return -1;
	return n > 1 ? buf_add_byte(out, ')', e) : 0;
}

/* Is the leaf in the set?  1, 0, -1. */
static int
leaf_in(struct applying *a, const struct mime_part *p, const struct feat *set, struct err *e)
{
	struct part_image open;
	int r;

	if (!part_is_image(p) || part_image_open(p, a->max, &open, e) == -1)
		return part_is_image(p) && e->kind == ERR_TEMP ? -1 : fits_said(p, part_is_tiff(p), set, e);
	r = fits_image(&open.image, set, e);
	part_image_free(&open);
	return r;
}

static int
branch_in(struct applying *a, uint32_t branch, const struct feat *set, struct err *e)
{
	struct err why = { 0 };		/* of a leaf that cannot be read: no failure */
	int r = 1;

	for (uint32_t i = branch; r == 1 && i < part_next(&a->mime, branch); i++)
		if (!a->mime.part[i].multipart && !a->mime.part[i].message)
			r = leaf_in(a, &a->mime.part[i], set, &why);
	if (r == -1)
		*e = why;
	return r;
}

/* The record goes before Content-Type, and takes the place of what was said of the features. */
static int
choice_header(struct applying *a, uint32_t part, const struct changed *c, struct err *e)
{
	struct span h = a->mime.part[part].header;
	struct mime_field f;

	while (mime_field_next(&h, &f)) {
		enum part_field field = part_field_of(f.name);

		if ((field == FIELD_TYPE && apply_record(a, edits_offset(&a->edits, f.whole), c, e) == -1) ||
		    (field == FIELD_FEATURES && edits_cut(&a->edits, f.whole, e) == -1))
			return -1;
	}
	return 0;
}

/* May the branch be chosen: as the key says, by its choice's Content-Convert or because all others may go?
 * 0, -1. */
static int
choice_permitted(struct applying *a, uint32_t branch, bool drucof, struct err *e)
{
	struct part_choice c;
	unsigned ways = 0;
	int r;

	if (part_choice(&a->mime, a->mime.part[branch].parent, &c, e) == -1)
		return -1;
	r = part_may_leave(&a->mime, &c, branch, &ways, e);
	if (r == 0 && (ways & (drucof ? LEAVE_DRUCOF : LEAVE_CONVERT)) != 0)
		r = drucof ? 1 : branch_in(a, branch, part_permits(&c.permission, false), e);
	part_choice_free(&c);
	return r == 0 ? err_set(e, ERR_PROTO, "5.5.4", "key: alternatives that must not be left out") :
	    r == 1 ? 0 : -1;
}

/* The branch stays, the others go, when it is their turn. */
static int
apply_only(struct applying *a, uint32_t branch, bool drucof, struct err *e)
{
	uint32_t up = a->mime.part[branch].parent, end = up == MIME_NONE ? 0 : part_next(&a->mime, up);
	struct changed c = { 0 };
	int r = -1;

	if (up == MIME_NONE || !part_is_choice(&a->mime, up))
		return err_set(e, ERR_PROTO, "5.5.4", "key: no alternative");
	if (apply_to(a, up, e) == -1 || choice_permitted(a, branch, drucof, e) == -1)
		return -1;
	buf_init(&c.was, APPLY_FEATURES_MAX);
	buf_init(&c.is, APPLY_FEATURES_MAX);
	if (leaves_features(a, up + 1, end, &c.was, e) == 0 &&
	    leaves_features(a, branch, part_next(&a->mime, branch), &c.is, e) == 0)
		r = choice_header(a, up, &c, e);
	for (uint32_t i = up + 1; i < end; i = part_next(&a->mime, i))
		a->gone[i] = i != branch;
	a->next = up + 1;
	buf_free(&c.was);
	buf_free(&c.is);
	return r;
}

/* --- the key --- */

/* A part that is converted or left out. */
static int
apply_change(struct applying *a, uint32_t part, const struct key_piece *k, struct err *e)
{
	struct part_permission permission;
	int r;

	if (apply_to(a, part, e) == -1 || part_permission(&a->mime, part, &permission, e) == -1)
		return -1;
	r = k->change == KEY_OMIT ? apply_omit(a, part, &permission, e) :
	    apply_forms(a, part, k->forms, part_permits(&permission, k->drucof), e);
	part_permission_free(&permission);
	a->next = part_next(&a->mime, part);
	return r;
}

/* One piece of the key. */
static int
apply_piece(struct applying *a, const struct key_piece *k, struct err *e)
{
	uint32_t part = mime_by_path(&a->mime, k->path);
	int r;

	if (part == MIME_NONE)
		r = err_set(e, ERR_PROTO, "5.5.4", "key: a part that is not there");
	else
		r = k->change == KEY_ONLY ? apply_only(a, part, k->drucof, e) : apply_change(a, part, k, e);
	if (r == -1 && e->kind == ERR_PERM)	/* whatever it was, the conversion failed */
		memcpy(e->dsn, "5.6.5", sizeof "5.6.5");
	return r == -1 ? err_in(e, "part %.*s", (int)k->path.n, (const char *)k->path.p) : 0;
}

static int
apply_pieces(struct applying *a, struct span key, struct err *e)
{
	struct key_piece k;
	int r;

	while ((r = key_next(&key, &k, e)) == 1)
		if (apply_piece(a, &k, e) == -1)
			return -1;
	if (r == -1 || apply_rest(a, a->mime.n, e) == -1 || downgrade_end(&a->down, e) == -1 ||
	    edits_copy_to(&a->edits, a->edits.message.n, e) == -1)
		return -1;
	return downgrade_over(&a->down, e);
}

int
apply_key(struct span message, struct span key, const struct apply_by *by,
    const struct limits *max, struct buf *out, struct err *e)
{
	struct applying a = { .by = by, .max = max, .edits = { .message = message } };
	struct edit_list list;
	int r = -1;

	a.down = (struct downgrade){ .edits = &a.edits, .to = by->transfer };
	if (mime_parse(message, &a.mime, e) == -1)
		return e->kind == ERR_PERM && key.n == 0 ? downgrade_refused(e) : -1;
	buf_init(&a.edits.text, out->max);
	if ((a.gone = calloc(a.mime.n, sizeof *a.gone)) == NULL) {
		err_sys(e, "parts");
	} else if (apply_pieces(&a, key, e) == 0) {
		list = (struct edit_list){ .edit = a.edits.row, .n = a.edits.n,
		    .text = buf_view(&a.edits.text), .size = a.edits.size };
		r = edit_encode(&list, out, e);
	}
	free(a.gone);
	free(a.edits.row);
	buf_free(&a.edits.text);
	mime_free(&a.mime);
	return r;
}
