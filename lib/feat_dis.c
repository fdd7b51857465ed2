/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * The capability bits of T.30's DIS and DTC frames as a feature set, and back: RFC 2880.  Its tables have
 * faults that are not copied here:
 *   5.1.2 puts (color=full) into an "&" with (color=[grey,full]), which loses grey; and JBIG's
 *     constraint, taken with image-coding=[MH,JBIG], binds MH too.  So each coding has its own row.
 *   5.1.2 gives JPEG the colours that only T.43 has (4.1.2), and JBIG the subsampling of JPEG (3.13).
 *   5.2 has 300 and 400 dpi for all colours, although bit 97 is what allows them for more than two
 *     (3.8, 3.21); and its row of bit 98, joined by "|", would allow binary any resolution.
 *   5, "To do the reverse transformation": no row is within a set that constrains what the row does not.
 */
#include "lib/feat_impl.h"

#define COUNT(a) (sizeof (a) / sizeof *(a))

/* For all of feat_to_dis's questions.  A machine's own set takes 13,500 at most. */
enum { DIS_STEPS = 500000 };

/* Holds if all of on are set and none of off is; lists end with 0. */
struct row { unsigned char on[4], off[4]; const char *text; };

static const struct row invalid[] = {
	{ { 79 }, { 78 }, "bit 79 needs bit 78" },
	{ { 36 }, { 68 }, "bit 36 needs bit 68" },
	{ { 68 }, { 15 }, "bit 68 needs bit 15" },
	{ { 92 }, { 15 }, "bits 92 to 94 need bit 15" },
	{ { 93 }, { 15 }, "bits 92 to 94 need bit 15" },
	{ { 94 }, { 15 }, "bits 92 to 94 need bit 15" },
	{ { 97 }, { 68 }, "bit 97 needs bit 68" },
	{ { 97 }, { 42, 43 }, "bit 97 needs bit 42 or 43" },
	{ { 98 }, { 68 }, "bit 98 needs bit 68" },
	{ { 19, 20 }, { 0 }, "bits 19 and 20 exclude each other" },
};

#define JPEG "(image-coding=JPEG) (image-coding-constraint=JPEG-T4E)"
#define T43 "(image-coding=JBIG) (image-coding-constraint=JBIG-T43)"
#define T85 "(image-coding=JBIG) (image-coding-constraint=JBIG-T85)"

/* 5.1.1 and 5.1.2: any of them. */
static const struct row codings[] = {
	{ { 0 }, { 0 }, "(& (color=Binary) (image-coding=MH))" },
	{ { 16 }, { 0 }, "(& (color=Binary) (image-coding=MR))" },
	{ { 31 }, { 0 }, "(& (color=Binary) (image-coding=MMR))" },
	{ { 78 }, { 79 }, "(& (color=Binary) " T85 " (JBIG-stripe-size=128))" },
	{ { 78, 79 }, { 0 }, "(& (color=Binary) " T85 " (JBIG-stripe-size>=0))" },
	{ { 68 }, { 0 }, "(& (color=Grey) " JPEG ")" },
	{ { 68, 69 }, { 73 }, "(& (color=Full) " JPEG " (color-subsampling=\"4:1:1\"))" },
	{ { 68, 69, 73 }, { 0 }, "(& (color=Full) " JPEG " (color-subsampling=[\"1:1:1\",\"4:1:1\"]))" },
	{ { 68, 36 }, { 37 }, "(& (color=Grey) " T43 " (image-interleave=Stripe))" },
	{ { 68, 36, 37 }, { 0 }, "(& (color=Grey) " T43 " (image-interleave=[Stripe,Plane]))" },
	{ { 68, 36, 69 }, { 37 }, "(& (color=[Limited,Mapped,Full]) " T43 " (image-interleave=Stripe))" },
	{ { 68, 36, 69, 37 }, { 0 },
	    "(& (color=[Limited,Mapped,Full]) " T43 " (image-interleave=[Stripe,Plane]))" },
};

/* 5.2: any of them.  Bits 44 and 45, the preferred units, say nothing of what is taken. */
static const struct row resolutions[] = {
	{ { 0 }, { 0 }, "(& (color=Binary) (dpi=204) (dpi-xyratio=204/98))" },
	{ { 0 }, { 0 }, "(& (color=Binary) (dpi=200) (dpi-xyratio=200/100))" },
	{ { 15 }, { 0 }, "(& (color=Binary) (dpi=204) (dpi-xyratio=204/196))" },
	{ { 15 }, { 0 }, "(& (dpi=200) (dpi-xyratio=1))" },
	{ { 41 }, { 0 }, "(& (color=Binary) (dpi=204) (dpi-xyratio=204/391))" },
	{ { 42 }, { 97 }, "(& (color=Binary) (dpi=300) (dpi-xyratio=1))" },
	{ { 42, 97 }, { 0 }, "(& (dpi=300) (dpi-xyratio=1))" },
	{ { 43 }, { 0 }, "(& (color=Binary) (dpi=408) (dpi-xyratio=408/391))" },
	{ { 43 }, { 97 }, "(& (color=Binary) (dpi=400) (dpi-xyratio=1))" },
	{ { 43, 97 }, { 0 }, "(& (dpi=400) (dpi-xyratio=1))" },
	{ { 98 }, { 0 }, "(& (color=[Limited,Mapped,Grey,Full]) (dpi=100) (dpi-xyratio=1))" },
};

#define L_GAMUT "(CIELAB-L-min>=0) (CIELAB-L-max<=100)"

/* 5.1.3, 5.3 and 5.4: all of them. */
static const struct row limits[] = {
	{ { 0 }, { 92, 93, 94 }, "(MRC-mode=0)" },
	{ { 94 }, { 92, 93 }, "(MRC-mode<=1)" },
	{ { 93 }, { 92, 94 }, "(MRC-mode<=2)" },
	{ { 93, 94 }, { 92 }, "(MRC-mode<=3)" },
	{ { 92 }, { 93, 94 }, "(MRC-mode<=4)" },
	{ { 92, 94 }, { 93 }, "(MRC-mode<=5)" },
	{ { 92, 93 }, { 94 }, "(MRC-mode<=6)" },
	{ { 92, 93, 94 }, { 0 }, "(MRC-mode<=7)" },
	{ { 92 }, { 95 }, "(MRC-max-stripe-size=[0..256])" },
	{ { 93 }, { 95 }, "(MRC-max-stripe-size=[0..256])" },
	{ { 94 }, { 95 }, "(MRC-max-stripe-size=[0..256])" },
	{ { 92, 95 }, { 0 }, "(MRC-max-stripe-size>=0)" },
	{ { 93, 95 }, { 0 }, "(MRC-max-stripe-size>=0)" },
	{ { 94, 95 }, { 0 }, "(MRC-max-stripe-size>=0)" },
	{ { 68 }, { 0 }, "(| (color=[Binary,Limited]) (& (color=[Mapped,Grey,Full]) (color-space=CIELAB)))" },
	{ { 68, 69, 36 }, { 0 }, "(| (color=[Binary,Mapped,Grey,Full])"
	    " (& (color=Limited) (color-space=[Device-RGB,Device-CMY]) (color-levels<=8))"
	    " (& (color=Limited) (color-space=Device-CMYK) (color-levels<=16)))" },
	{ { 68 }, { 71 }, "(| (color=[Binary,Limited]) (& (color=Mapped) (color-levels<=4096))"
	    " (& (color=Grey) (color-levels<=256)) (& (color=Full) (color-levels<=16777216)))" },
	{ { 68, 71 }, { 0 }, "(| (color=[Binary,Limited]) (& (color=Mapped) (color-levels<=65536))"
	    " (& (color=Grey) (color-levels<=4096)) (& (color=Full) (color-levels<=68719476736)))" },
	{ { 68 }, { 74 }, "(| (color=[Binary,Limited]) (& (color=[Mapped,Grey,Full]) (color-illuminant=D50)))" },
	{ { 68 }, { 75 }, "(| (color=[Binary,Limited]) (& (color=Grey) " L_GAMUT ")"
	    " (& (color=[Mapped,Full]) " L_GAMUT " (CIELAB-a-min>=-85) (CIELAB-a-max<=85)"
	    " (CIELAB-b-min>=-75) (CIELAB-b-max<=125)))" },
	{ { 0 }, { 17, 18 }, "(size-x<=2150/254)" },
	{ { 17 }, { 18 }, "(size-x<=2550/254)" },
	{ { 18 }, { 0 }, "(size-x<=3030/254)" },
	{ { 0 }, { 19, 20 }, "(size-y<=2970/254)" },
	{ { 19 }, { 0 }, "(size-y<=3640/254)" },
	{ { 0 }, { 76, 77 }, "(paper-size=A4)" },
	{ { 76 }, { 77 }, "(paper-size=[A4,letter])" },
	{ { 77 }, { 76 }, "(paper-size=[A4,legal])" },
	{ { 76, 77 }, { 0 }, "(paper-size=[A4,letter,legal])" },
};

/* In this order feat_to_dis tries them: what another needs or adds to comes first.  MRC's three are a
 * number. */
static const unsigned char bits[][3] = {
	{ 15 }, { 16 }, { 31 }, { 78 }, { 79 }, { 41 }, { 42 }, { 43 }, { 68 }, { 69 }, { 36 }, { 37 }, { 71 },
	{ 73 }, { 74 }, { 75 }, { 97 }, { 98 }, { 18 }, { 17 }, { 20 }, { 19 }, { 76 }, { 77 },
	{ 92, 93, 94 }, { 92, 93 }, { 92, 94 }, { 92 }, { 93, 94 }, { 93 }, { 94 }, { 95 },
};

/* The features that a DIS speaks of. */
static const char *const tags[] = {
	"cielab-a-max", "cielab-a-min", "cielab-b-max", "cielab-b-min", "cielab-l-max", "cielab-l-min", "color",
	"color-illuminant", "color-levels", "color-space", "color-subsampling", "dpi", "dpi-xyratio",
	"image-coding", "image-coding-constraint", "image-interleave", "jbig-stripe-size",
	"mrc-max-stripe-size", "mrc-mode", "paper-size", "size-x", "size-y",
};

static bool
bit_get(struct span dis, unsigned bit)
{
	size_t at = (bit - 1) / 8;

	return at < dis.n && (dis.p[at] >> (bit - 1) % 8 & 1) != 0;
}

static bool
row_holds(const struct row *r, struct span dis)
{
	for (size_t i = 0; i < COUNT(r->on) && r->on[i] != 0; i++)
		if (!bit_get(dis, r->on[i]))
			return false;
	for (size_t i = 0; i < COUNT(r->off) && r->off[i] != 0; i++)
		if (bit_get(dis, r->off[i]))
			return false;
	return true;
}

static const struct row *
dis_fault(struct span dis)
{
	for (size_t i = 0; i < COUNT(invalid); i++)
		if (row_holds(&invalid[i], dis))
			return &invalid[i];
	return NULL;
}

static int
add_rows(struct buf *b, const char *op, const struct row *r, size_t n, struct span dis, struct err *e)
{
	if (buf_add_str(b, op, e) == -1)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (row_holds(&r[i], dis) && buf_add_str(b, r[i].text, e) == -1)
			return -1;
	return buf_add_byte(b, ')', e);
}

int
feat_from_dis(struct span dis, struct feat **out, struct err *e)
{
	const struct row *fault = dis_fault(dis);
	struct buf b;
	int got = -1;

	*out = NULL;
	if (fault != NULL)
		return err_set(e, ERR_PERM, "5.6.0", "DIS: %s", fault->text);
	buf_init(&b, FEAT_MAX_TEXT);
	if (add_rows(&b, "(& (|", codings, COUNT(codings), dis, e) == 0 &&
	    add_rows(&b, " (|", resolutions, COUNT(resolutions), dis, e) == 0 &&
	    add_rows(&b, " (&", limits, COUNT(limits), dis, e) == 0 && buf_add_byte(&b, ')', e) == 0)
		got = feat_parse(buf_view(&b), FEAT_STRICT, out, e);
	buf_free(&b);
	return got;
}

static bool
dis_speaks_of(const struct key *k)
{
	for (size_t i = 0; i < COUNT(tags); i++)
		if (!k->predicate && k->unit.n == 0 && span_is(k->tag, tags[i]))
			return true;
	return false;
}

/*
 * Without MRC there are no stripes (2880, 5.1.3: MRC-mode=0 stands alone), so what c says of their size is
 * left out where it takes MRC-mode 0.
 */
static int
add_stripeless(struct work *w, struct list *l, const struct conj *c)
{
	struct key mode = { .tag = span_str("mrc-mode") }, size = { .tag = span_str("mrc-max-stripe-size") };
	struct num zero = { 0, 1 };

	if (!vset_has_num(conj_get(c, &mode), zero) || conj_get(c, &size) == &vset_all)
		return 0;
	c = conj_put(w, c, &mode, vset_range(w, (struct range){ zero, zero, BOUND_CLOSED, BOUND_CLOSED }));
	return c == NULL ? -1 : list_push(w, l, conj_put(w, c, &size, &vset_all));
}

/* f without what a DIS does not speak of: a member is in it if some values of the rest make it one of f. */
static int
without_rest(const struct feat *f, struct feat **out, struct err *e)
{
	struct list l = { 0 };
	struct work w;
	bool failed = false;

	work_init(&w, e);
	*out = NULL;
	for (size_t i = 0; i < f->n && !failed; i++) {
		const struct conj *c = &f->c[i], *rest;
		const struct term **t = work_alloc(&w, (c->n + (size_t)1) * sizeof *t);
		size_t n = 0;

		for (uint32_t k = 0; t != NULL && k < c->n; k++)
			if (dis_speaks_of(&c->t[k]->key))
				t[n++] = c->t[k];
		failed = t == NULL || (rest = conj_new(&w, t, n, FEAT_BEST)) == NULL ||
		    list_push(&w, &l, rest) == -1 || add_stripeless(&w, &l, rest) == -1;
	}
	if (!failed && list_normal(&w, &l) == 0)
		*out = feat_pack(&l, e);
	work_free(&w);
	return *out == NULL ? -1 : 0;
}

/* Is all that dis promises within f, and is some of it not within had, if that is given?  1: *out is
 * its set.  0, -1. */
static int
dis_fits(struct span dis, const struct feat *f, const struct feat *had, struct feat **out, uint64_t *steps,
    struct err *e)
{
	int got = 0;

	*out = NULL;
	if (dis_fault(dis) != NULL)
		return 0;
	if (feat_from_dis(dis, out, e) == -1)
		return -1;
	if (had != NULL)
		got = within_steps(*out, had, steps, e);
	if (got == 0 && (got = within_steps(*out, f, steps, e)) == 1)
		return 1;
	feat_free(*out);
	*out = NULL;
	return got == -1 ? -1 : 0;
}

static void
bits_set(unsigned char dis[FEAT_DIS_OCTETS], const unsigned char b[3])
{
	for (size_t i = 0; i < 3 && b[i] != 0; i++)
		dis[(b[i] - 1) / 8] |= (unsigned char)(1u << (b[i] - 1) % 8);
}

int
feat_to_dis(const struct feat *f, unsigned char dis[FEAT_DIS_OCTETS], struct err *e)
{
	unsigned char more[FEAT_DIS_OCTETS];
	uint64_t steps = WORK_MAX_STEPS - DIS_STEPS;
	struct feat *want, *have = NULL, *got;
	int r;

	memset(dis, 0, FEAT_DIS_OCTETS);
	if (without_rest(f, &want, e) == -1)
		return -1;
	r = dis_fits(span_of(dis, FEAT_DIS_OCTETS), want, NULL, &have, &steps, e);
	for (size_t i = 0; i < COUNT(bits) && r == 1; i++) {
		memcpy(more, dis, sizeof more);
		bits_set(more, bits[i]);
		r = dis_fits(span_of(more, sizeof more), want, have, &got, &steps, e);
		if (r == 1) {
			memcpy(dis, more, sizeof more);
			feat_free(have);
			have = got;
		}
		r = r == -1 ? -1 : 1;
	}
	feat_free(have);
	feat_free(want);
	return r;
}
