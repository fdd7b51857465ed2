/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * What fax texts mean beyond RFC 2533's algebra: several spellings of one thing, and what a device
 * that takes one thing takes too.
 */
#include "lib/feat_impl.h"

#define COUNT(a) (sizeof (a) / sizeof *(a))

static const struct num width_a4 = { 1075, 127 };	/* 2150/254 inch: 215 mm, 1728 at 204 dpi */
static const struct num width_b4 = { 1275, 127 };	/* 2550/254 */
static const struct num width_a3 = { 1515, 127 };	/* 3030/254 */

/*
 * Widths of RFC 2879's Appendix B, pixels by dpi.  They are a little more than the paper's, so no
 * claim of (size-x<=2150/254) ever took them; RFC 3949 2.2.2 calls them equal.  Other resolutions
 * give the same quotients: 864/100, 2592/300, 3456/400.
 */
static const struct { struct num scan; const struct num *paper; } widths[] = {
	{ { 216, 25 }, &width_a4 }, { { 144, 17 }, &width_a4 },		/* 1728/200, 1728/204 */
	{ { 256, 25 }, &width_b4 }, { { 512, 51 }, &width_b4 },		/* 2048 */
	{ { 304, 25 }, &width_a3 }, { { 608, 51 }, &width_a3 },		/* 2432 */
};

/* RFC 2531's names of file structures, and RFC 2879's (3.7).  also: what else a recipient means. */
static const struct { const char *old, *is, *also; } structures[] = {
	{ "tiff-s", "tiff-minimal", NULL },
	{ "tiff-f", "tiff-limited", "tiff" },
	{ "tiff-j", "tiff-limited", "tiff" },
	{ "tiff-c", "tiff-limited", "tiff" },
	{ "tiff-l", "tiff-limited", "tiff" },
	{ "tiff-m", "tiff-mrc", NULL },
};

/* Who takes one takes the other, which is more restricted (RFC 2879, 3.7).  In order: an added
 * one adds further. */
static const struct { const char *has, *adds; } implied[] = {
	{ "tiff", "tiff-limited" },
	{ "tiff-limited", "tiff-minimal" },
	{ "tiff-mrc", "tiff-mrc-limited" },
};

/* Resolutions that T.4 makes equal for bi-level images (RFC 3949, 2.2.2): dpi, and dpi-xyratio,
 * reduced as every struct num is. */
struct resolution { struct num dpi, ratio; };
static const struct resolution equal_resolutions[][2] = {
	{ { { 204, 1 }, { 102, 49 } }, { { 200, 1 }, { 2, 1 } } },	/* 204x98, 200x100 */
	{ { { 204, 1 }, { 51, 49 } }, { { 200, 1 }, { 1, 1 } } },	/* 204x196, 200x200 */
	{ { { 408, 1 }, { 24, 23 } }, { { 400, 1 }, { 1, 1 } } },	/* 408x391, 400x400 */
};

static const struct word binary = { { (const unsigned char *)"binary", 6 }, false };

static bool
key_is(const struct key *k, const char *tag)
{
	return !k->predicate && k->unit.n == 0 && span_is(k->tag, tag);
}

static struct key
key_of(const char *tag)
{
	return (struct key){ .tag = span_str(tag) };
}

static int
structure_value(unsigned flags, struct value *v, struct value *alias)
{
	for (size_t i = 0; i < COUNT(structures); i++) {
		if (!span_is(v->text, structures[i].old))
			continue;
		v->text = span_str(structures[i].is);
		if ((flags & FEAT_CLAIM) == 0 || structures[i].also == NULL)
			return 0;
		*alias = *v;
		alias->text = span_str(structures[i].also);
		return 1;
	}
	return 0;
}

int
fax_value(const struct key *key, unsigned flags, struct value *v, struct value *alias)
{
	if (v->kind == VALUE_STRING && key_is(key, "type"))
		v->text = v->lower;	/* as RFC 2913 wants it; strings compare by octets */
	if ((flags & (FEAT_CLAIM | FEAT_DOCUMENT)) == 0)
		return 0;
	if (v->kind == VALUE_TOKEN && key_is(key, "image-file-structure"))
		return structure_value(flags, v, alias);
	if (v->kind == VALUE_NUM && key_is(key, "size-x"))
		for (size_t i = 0; i < COUNT(widths); i++)
			if (num_cmp(v->num, widths[i].scan) == 0) {
				v->num = *widths[i].paper;
				break;
			}
	return 0;
}

/* Adds the file structures that follow from those that c has. */
static const struct conj *
expand_structure(struct work *w, const struct conj *c)
{
	struct key key = key_of("image-file-structure");
	const struct vset *set = conj_get(c, &key), *more, *was = set;

	for (size_t i = 0; i < COUNT(implied) && set != NULL; i++) {
		struct word has = { span_str(implied[i].has), false };

		if (!vset_has_word(set, &has))
			continue;
		more = vset_word(w, (struct word){ span_str(implied[i].adds), false });
		set = more == NULL ? NULL : vset_or(w, set, more);
	}
	return set == was ? c : conj_put(w, c, &key, set);
}

static const struct vset *
set_of_num(struct work *w, struct num n)
{
	return vset_range(w, (struct range){ n, n, BOUND_CLOSED, BOUND_CLOSED });
}

/* If c takes bi-level images at has, appends that it takes them at also. */
static int
expand_resolution(struct work *w, struct list *l, const struct conj *c,
    const struct resolution *has, const struct resolution *also)
{
	struct key dpi = key_of("dpi"), ratio = key_of("dpi-xyratio"), color = key_of("color");
	const struct vset *set;

	if (!vset_has_num(conj_get(c, &dpi), has->dpi) ||
	    !vset_has_num(conj_get(c, &ratio), has->ratio) ||
	    !vset_has_word(conj_get(c, &color), &binary) ||
	    (vset_has_num(conj_get(c, &dpi), also->dpi) &&
	    vset_has_num(conj_get(c, &ratio), also->ratio)))
		return 0;
	if ((set = set_of_num(w, also->dpi)) == NULL || (c = conj_put(w, c, &dpi, set)) == NULL ||
	    (set = set_of_num(w, also->ratio)) == NULL ||
	    (c = conj_put(w, c, &ratio, set)) == NULL || (set = vset_word(w, binary)) == NULL)
		return -1;
	return list_add(w, l, conj_put(w, c, &color, set));
}

/* Does c take some values of the tag alone?  Not if it is silent of it, or only excludes some. */
static bool
names_some(const struct conj *c, const char *tag)
{
	static const struct word none = { { (const unsigned char *)"none", 4 }, false };
	struct key key = key_of(tag);

	return !vset_has_word(conj_get(c, &key), &none);
}

/* Who speaks of how fax images are coded, and of no media type, speaks of the types that have them. */
static const struct conj *
imply_type(struct work *w, const struct conj *c)
{
	struct key key = key_of("type");
	const struct vset *tiff, *fx, *set;

	if (conj_get(c, &key) != &vset_all ||
	    (!names_some(c, "image-file-structure") && !names_some(c, "image-coding")))
		return c;
	tiff = vset_word(w, (struct word){ span_str("image/tiff"), true });
	fx = vset_word(w, (struct word){ span_str("image/tiff-fx"), true });
	set = tiff == NULL || fx == NULL ? NULL : vset_or(w, tiff, fx);
	return set == NULL ? NULL : conj_put(w, c, &key, set);
}

static int
expand_claim(struct work *w, unsigned flags, struct list *l)
{
	size_t n = l->n;

	for (size_t i = 0; i < n; i++) {
		if (work_step(w, l->v[i]->n) == -1 ||
		    (l->v[i] = expand_structure(w, l->v[i])) == NULL ||
		    (l->v[i] = imply_type(w, l->v[i])) == NULL)
			return -1;
		for (size_t k = 0; k < COUNT(equal_resolutions) && (flags & FEAT_OWN_DPI) == 0; k++)
			for (int side = 0; side < 2; side++)
				if (expand_resolution(w, l, l->v[i], &equal_resolutions[k][side],
				    &equal_resolutions[k][1 - side]) == -1)
					return -1;
	}
	return list_normal(w, l);
}

/* A document that does not tell its dpi-xyratio has square pixels (RFC 2879, 3.2). */
static int
complete_document(struct work *w, struct list *l)
{
	struct key dpi = key_of("dpi"), ratio = key_of("dpi-xyratio");
	const struct vset *square = set_of_num(w, (struct num){ 1, 1 });

	for (size_t i = 0; i < l->n; i++) {
		if (square == NULL || work_step(w, l->v[i]->n) == -1)
			return -1;
		if (conj_get(l->v[i], &dpi) != &vset_all &&
		    conj_get(l->v[i], &ratio) == &vset_all &&
		    (l->v[i] = conj_put(w, l->v[i], &ratio, square)) == NULL)
			return -1;
	}
	return list_normal(w, l);
}

int
fax_expand(struct work *w, unsigned flags, struct list *l)
{
	if ((flags & FEAT_CLAIM) != 0)
		return expand_claim(w, flags, l);
	return (flags & FEAT_DOCUMENT) != 0 ? complete_document(w, l) : 0;
}

/* Registered with capitals: a peer may compare octets. */
static const char *const tag_spellings[] = {
	"CIELAB-L-depth", "CIELAB-L-min", "CIELAB-L-max", "CIELAB-a-depth", "CIELAB-a-min",
	"CIELAB-a-max", "CIELAB-b-depth", "CIELAB-b-min", "CIELAB-b-max", "JBIG-stripe-size",
	"MRC-mode", "MRC-max-stripe-size",
};
static const char *const token_spellings[] = {
	"TRUE", "FALSE", "A4", "A3", "B4", "Binary", "Limited", "Mapped", "Grey", "Full",
	"Device-RGB", "Device-CMY", "Device-CMYK", "CIELAB", "TIFF", "TIFF-limited", "TIFF-minimal",
	"TIFF-MRC", "TIFF-MRC-limited", "MH", "MR", "MMR", "JBIG", "JPEG", "JBIG-T85", "JBIG-T43",
	"JPEG-T4E", "Stripe", "Plane", "D50", "D65", "D75", "SA", "SC", "F2", "F7", "F11",
	"US-ASCII",
};

static struct span
spelling(struct span s, const char *const *in, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (span_isi(s, in[i]))
			return span_str(in[i]);
	return s;
}

struct span
fax_tag(struct span s)
{
	return spelling(s, tag_spellings, COUNT(tag_spellings));
}

struct span
fax_token(struct span s)
{
	return spelling(s, token_spellings, COUNT(token_spellings));
}
