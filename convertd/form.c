/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "convertd/form.h"

#include <stdlib.h>

#include "convertd/scale.h"

enum { FEATURES_MAX = 2048 };	/* octets of one form's expression */

const struct limits fax_limits = {
	.width_px = 4864,
	.length_px = 20000,
	.page_px = 100 * 1000 * 1000,
	.job_px = 2000ULL * 1000 * 1000,
	.pages = 1000,
	.tags = 200,
	.out_octets = 64 << 20,
	.cpu_s = 60,
};

/*
 * RFC 3949 4.2.1, legal resolutions and the widths that belong to them.  In the order of what they
 * keep; of two that are equal (2.2.2) the inch one first.
 */
static const struct pair {
	uint16_t x, y, nominal_x, nominal_y;
	uint32_t width_px[3];		/* by enum paper */
} pairs[] = {
	{ 400, 400, 400, 400, { 3456, 4096, 4864 } },
	{ 408, 391, 400, 400, { 3456, 4096, 4864 } },
	{ 300, 300, 300, 300, { 2592, 3072, 3648 } },
	{ 204, 391, 200, 400, { 1728, 2048, 2432 } },
	{ 200, 200, 200, 200, { 1728, 2048, 2432 } },
	{ 204, 196, 200, 200, { 1728, 2048, 2432 } },
	{ 200, 100, 200, 100, { 1728, 2048, 2432 } },
	{ 204, 98, 200, 100, { 1728, 2048, 2432 } },
	{ 100, 100, 100, 100, { 864, 1024, 1216 } },	/* of Profile C alone (6.2.1) */
};
enum { PAIRS = sizeof pairs / sizeof *pairs };

static const char *const coding_names[] = { "MH", "MR", "MMR", "JBIG", "JPEG-grey", "JPEG", "other" };
static const char *const paper_names[] = { "A4", "B4", "A3" };
/* Nominal scan widths in inches, 215, 255 and 303 mm (RFC 2879); pixels / dpi match no claim. */
static const char *const paper_widths[] = { "2150/254", "2550/254", "3030/254" };

static const struct pair *
pair_of(const struct form *f)
{
	for (int i = 0; i < PAIRS; i++)
		if (pairs[i].x == f->dpi_x && pairs[i].y == f->dpi_y)
			return &pairs[i];
	return NULL;
}

uint16_t
form_nominal(uint16_t dpi)
{
	static const uint16_t equal[][2] = { { 98, 100 }, { 100, 100 }, { 196, 200 }, { 200, 200 },
	    { 204, 200 }, { 300, 300 }, { 391, 400 }, { 400, 400 }, { 408, 400 } };

	for (size_t i = 0; i < sizeof equal / sizeof *equal; i++)
		if (equal[i][0] == dpi)
			return equal[i][1];
	return 0;
}

/* Which pairs a coding has: Profile C's dots are square, others have no 100 by 100. */
static bool
pair_legal(const struct pair *p, enum coding coding)
{
	if (coding_shades(coding) == SHADES_BINARY)
		return p->x > 100;
	return p->x == p->y;
}

/* The fax dpi that is nearest to mdpi / 1000 and within 1 % of it; 0: none. */
static uint16_t
dpi_near(uint64_t mdpi, const uint16_t *list, size_t n)
{
	uint64_t best = UINT64_MAX;
	uint16_t found = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t want = list[i] * 1000ULL, off = mdpi > want ? mdpi - want : want - mdpi;

		if (off <= want / 100 && off < best) {
			best = off;
			found = list[i];
		}
	}
	return found;
}

int
form_of_size(uint64_t x_mdpi, uint64_t y_mdpi, uint32_t width_px, struct form *f, struct err *e)
{
	static const uint16_t xs[] = { 100, 200, 204, 300, 400, 408 };
	static const uint16_t ys[] = { 98, 100, 196, 200, 300, 391, 400 };
	uint16_t x = dpi_near(x_mdpi, xs, sizeof xs / sizeof *xs);
	uint16_t y = dpi_near(y_mdpi, ys, sizeof ys / sizeof *ys);
	const struct pair *p = NULL;

	for (int i = 0; i < PAIRS; i++)
		if (pairs[i].nominal_x == form_nominal(x) && pair_legal(&pairs[i], f->coding) &&
		    pairs[i].nominal_y == form_nominal(y) && (p == NULL || pairs[i].x == x))
			p = &pairs[i];
	if (p == NULL)
		return err_set(e, ERR_PERM, "5.6.1", "%llu by %llu dpi is no fax resolution",
		    (unsigned long long)(x_mdpi + 500) / 1000,
		    (unsigned long long)(y_mdpi + 500) / 1000);
	f->dpi_x = p->x;
	f->dpi_y = p->y;
	for (int i = PAPER_A4; i <= PAPER_A3; i++)
		if (p->width_px[i] == width_px) {
			f->paper = (enum paper)i;
			return 0;
		}
	return err_set(e, ERR_PERM, "5.6.1", "ImageWidth %u is no fax width at %u by %u dpi",
	    width_px, p->x, p->y);
}

uint32_t
form_width(const struct form *f)
{
	const struct pair *p = pair_of(f);

	return p == NULL || (unsigned)f->paper > PAPER_A3 ? 0 : p->width_px[f->paper];
}

bool
form_legal(const struct form *f)
{
	return form_width(f) != 0 && (unsigned)f->coding <= CODING_COLOUR && pair_legal(pair_of(f), f->coding);
}

bool
form_minimal(const struct form *f)
{
	return f->coding == CODING_MH && f->paper == PAPER_A4 && form_nominal(f->dpi_x) == 200 &&
	    form_nominal(f->dpi_y) <= 200;
}

/*
 * Lengths of paper in 254ths of an inch (RFC 2880, 5.4), ascending.  paper: by the width of the page, which
 * paper it is on then; "": none that has a name; NULL: pages of that width are not cut so.
 */
static const struct length { uint32_t n; const char *paper[3]; } lengths[] = {
	{ 2794, { "[A4,letter]", NULL, NULL } },
	{ 2970, { "A4", "", "" } },
	{ 3556, { "legal", NULL, NULL } },
	{ 3640, { "", "B4", "" } },
	{ 4200, { "", "", "A3" } },
};

/* NULL: longer than all of them. */
static const struct length *
length_of(const struct form *f, uint32_t rows)
{
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
		if (lengths[i].paper[f->paper] != NULL &&
		    (uint64_t)rows * 254 * 100 <= (uint64_t)lengths[i].n * f->dpi_y * 104)
			return &lengths[i];
	return NULL;
}

uint32_t
form_length(const struct form *f, uint32_t rows)
{
	const struct length *l = length_of(f, rows);

	return l != NULL ? l->n : (rows / f->dpi_y + (rows % f->dpi_y != 0)) * 254;
}

static int
length_features(const struct form *f, uint32_t rows, struct buf *out, struct err *e)
{
	const struct length *l = length_of(f, rows);

	if (buf_addf(out, e, "(size-y=%u/254)", form_length(f, rows)) == -1)
		return -1;
	if (l == NULL || l->paper[f->paper][0] == '\0')
		return 0;
	return buf_addf(out, e, "(paper-size=%s)", l->paper[f->paper]);
}

bool
form_is_fx(const struct form *f)
{
	return f->coding == CODING_JBIG || coding_shades(f->coding) != SHADES_BINARY;
}

/*
 * What RFC 2879 says of Profile C's claims is said of its pages: T.42's gamut, in whole units, of which L* has 101
 * as its base claim does (Appendix B).
 */
static int
shades_features(enum coding coding, bool whole, struct buf *out, struct err *e)
{
	bool colour = coding == CODING_COLOUR;

	if (coding_shades(coding) == SHADES_BINARY)
		return 0;
	if (buf_addf(out, e, "(image-coding-constraint=JPEG-T4E)(color-levels=%u)(color-space=CIELAB)"
	    "(color-illuminant=D50)(CIELAB-L-depth=101)(CIELAB-L-min=0)(CIELAB-L-max=100)",
	    colour ? 16777216u : 256u) == -1)
		return -1;
	return !colour ? 0 : buf_addf(out, e, "(color-subsampling=\"%s\")(CIELAB-a-depth=171)(CIELAB-a-min=-85)"
	    "(CIELAB-a-max=85)(CIELAB-b-depth=201)(CIELAB-b-min=-75)(CIELAB-b-max=125)",
	    whole ? "1:1:1" : "4:1:1");
}

int
form_features(const struct form *f, enum structure structure, uint32_t stripe, uint32_t rows,
    struct buf *out, struct err *e)
{
	static const char *const names[] = { "TIFF-minimal", "TIFF-limited", "TIFF" };
	static const char *const shades_names[] = { "Binary", "grey", "full" };

	if (form_width(f) == 0)
		return err_set(e, ERR_BUG, "5.0.0", "form: %ux%u dpi is no fax resolution",
		    f->dpi_x, f->dpi_y);
	if (buf_addf(out, e, "(& (color=%s)(dpi=%u)(dpi-xyratio=%u/%u)", shades_names[coding_shades(f->coding)],
	    f->dpi_x, f->dpi_x, f->dpi_y) == -1)
		return -1;
	/* A private coding is in no claim: its own token keeps it from matching any. */
	if (buf_addf(out, e, "(image-coding=%s)(image-file-structure=%s)(MRC-mode=0)(size-x=%s)",
	    f->coding == CODING_OTHER ? "x-jbig-34661" : coding_shades(f->coding) != SHADES_BINARY ? "JPEG" :
	    coding_names[f->coding],
	    names[structure], paper_widths[f->paper]) == -1 || length_features(f, rows, out, e) == -1)
		return -1;
	if (f->coding == CODING_JBIG && buf_addf(out, e,
	    "(JBIG-stripe-size=%u)(image-coding-constraint=JBIG-T85)", stripe) == -1)
		return -1;
	if (shades_features(f->coding, stripe == 1, out, e) == -1)
		return -1;
	return buf_addf(out, e, "(type=\"%s\"))", form_is_fx(f) ? "image/tiff-fx" : "image/tiff");
}

int
form_print(const struct form *f, struct buf *out, struct err *e)
{
	if (form_width(f) == 0 || (unsigned)f->coding > CODING_OTHER)
		return err_set(e, ERR_BUG, "5.0.0", "form: not a legal one");
	return buf_addf(out, e, "%s/%ux%u/%s", coding_names[f->coding], f->dpi_x, f->dpi_y,
	    paper_names[f->paper]);
}

static int
name_find(struct span s, const char *const *names, int n)
{
	for (int i = 0; i < n; i++)
		if (span_isi(s, names[i]))
			return i;
	return -1;
}

int
form_scan(struct span text, struct form *out, struct err *e)
{
	size_t first = span_find(text, '/'), last = span_rfind(text, '/');
	struct span dpi = span_sub(text, first + 1, last);
	size_t x = span_find(dpi, 'x');
	int coding = name_find(span_sub(text, 0, first), coding_names, CODING_OTHER);
	int paper = name_find(span_sub(text, last + 1, text.n), paper_names, PAPER_A3 + 1);
	uint64_t dpi_x, dpi_y;

	if (coding == -1 || paper == -1 || !span_u64(span_sub(dpi, 0, x), 999, &dpi_x) ||
	    !span_u64(span_sub(dpi, x + 1, dpi.n), 999, &dpi_y))
		return err_set(e, ERR_PROTO, "5.5.4", "form: expected CODING/XxY/PAPER");
	*out = (struct form){ .coding = (enum coding)coding, .paper = (enum paper)paper,
	    .dpi_x = (uint16_t)dpi_x, .dpi_y = (uint16_t)dpi_y };
	if (!form_legal(out))
		return err_set(e, ERR_PROTO, "5.5.4", "form: %ux%u is no fax resolution",
		    (unsigned)dpi_x, (unsigned)dpi_y);
	return 0;
}

bool
form_resolution(unsigned i, struct form *f)
{
	if (i >= PAIRS)
		return false;
	f->dpi_x = pairs[i].x;
	f->dpi_y = pairs[i].y;
	return true;
}

/* How the page becomes one of form to. */
static int
page_scale(const struct form_page *p, const struct form *to, struct scale *out, struct err *e)
{
	return scale_plan(p->width_px, p->length_px, p->turned ? p->form.dpi_y : p->form.dpi_x,
	    p->turned ? p->form.dpi_x : p->form.dpi_y, to, UINT32_MAX, out, e);
}

int
form_judge(const struct form *f, enum structure structure, uint32_t rows, const struct feat *caps,
    const struct feat *permitted, enum form_verdict *out, struct err *e)
{
	struct feat *doc = NULL, *both = NULL;
	struct buf text;
	int got = -1;

	*out = FORM_NOT_TAKEN;
	buf_init(&text, FEATURES_MAX);
	if (form_features(f, structure, 128, rows, &text, e) == 0 &&
	    feat_parse(buf_view(&text), FEAT_DOCUMENT, &doc, e) == 0)
		got = feat_match(doc, caps, e);
	if (got == 1) {		/* R10: what both leave of it, not each alone */
		got = -1;
		*out = FORM_NOT_PERMITTED;
		if (feat_and(doc, caps, &both, e) == 0)
			got = permitted == NULL ? 0 : feat_match(both, permitted, e);
		if (got == 1)
			*out = FORM_FITS;
	}
	feat_free(both);
	feat_free(doc);
	buf_free(&text);
	return got == -1 ? -1 : 0;
}

/* Is a page of f, in a file of that structure, in both sets?  1, 0, -1. */
static int
form_fits(const struct form *f, enum structure structure, uint32_t rows, const struct feat *caps,
    const struct feat *permitted, struct err *e)
{
	enum form_verdict v;

	return form_judge(f, structure, rows, caps, permitted, &v, e) == -1 ? -1 : v == FORM_FITS;
}

/* A way to look for forms: which codings, and how the file they end up in is laid out. */
struct way { unsigned codings; bool minimal_only, limited; enum shades shades; };

/* What is looked for, and for which page. */
struct search {
	const struct form_page *src;
	const struct way *way;
	const struct feat *caps, *permitted;
};

static int
coding_choose(const struct search *s, const struct form *at, struct form *out, struct err *e)
{
	static const enum coding order[] = { CODING_COLOUR, CODING_GREY, CODING_JBIG, CODING_MMR, CODING_MR, CODING_MH };
	struct form f = *at;
	struct scale scale;

	if (page_scale(s->src, at, &scale, e) == -1)
		return -1;
	for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
		enum structure structure;
		int got;

		f.coding = order[i];
		if ((s->way->codings & 1u << f.coding) == 0 || !form_legal(&f) ||
		    (s->way->minimal_only && !form_minimal(&f)))
			continue;
		structure = form_minimal(&f) && !s->way->limited ? STRUCTURE_MINIMAL :
		    STRUCTURE_LIMITED;
		got = form_fits(&f, structure, scale.rows, s->caps, s->permitted, e);
		if (got == 1)
			*out = f;
		if (got != 0)
			return got;
	}
	return 0;
}

/* The resolutions of one paper: the class that keeps most first, in it the source's own pair. */
static int
dpi_choose(const struct search *s, enum paper paper, struct form *out, struct err *e)
{
	const struct form *src = &s->src->form;
	uint16_t sx = form_nominal(src->dpi_x), sy = form_nominal(src->dpi_y);
	bool metric = sx != src->dpi_x || sy != src->dpi_y;

	for (int i = 0; i < PAIRS;) {
		const struct pair *p = &pairs[i];
		int same = i + 1 < PAIRS && p[1].nominal_x == p->nominal_x &&
		    p[1].nominal_y == p->nominal_y ? 2 : 1;

		i += same;
		if (p->nominal_x > sx || p->nominal_y > sy)
			continue;
		for (int k = 0; k < same; k++) {
			const struct pair *q = &p[same == 2 && metric ? 1 - k : k];
			struct form f = { .paper = paper, .dpi_x = q->x, .dpi_y = q->y };
			int got = coding_choose(s, &f, out, e);

			if (got != 0)
				return got;
		}
	}
	return 0;
}

static int
page_choose(const struct search *s, struct form *out, struct err *e)
{
	for (int paper = (int)s->src->form.paper; paper >= PAPER_A4; paper--) {
		int got = dpi_choose(s, (enum paper)paper, out, e);

		if (got != 0)
			return got;
	}
	return 0;
}

/* Is the same said of both pages in whatever form?  Most files are all of one form and paper. */
static bool
page_same(const struct form_page *a, const struct form_page *b)
{
	struct scale sa, sb;
	struct err e;

	if (memcmp(&a->form, &b->form, sizeof a->form) != 0 || a->turned != b->turned || a->shades != b->shades ||
	    a->width_px != b->width_px)
		return false;
	for (int i = 0; i < PAIRS && a->length_px != b->length_px; i++)
		for (int paper = PAPER_A4; paper <= (int)a->form.paper; paper++) {
			struct form f = { .paper = (enum paper)paper, .dpi_x = pairs[i].x, .dpi_y = pairs[i].y };

			if (page_scale(a, &f, &sa, &e) == -1 || page_scale(b, &f, &sb, &e) == -1 ||
			    form_length(&f, sa.rows) != form_length(&f, sb.rows))
				return false;
		}
	return true;
}

static uint64_t
forms_worth(const struct form *f, uint32_t n)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += (uint64_t)form_width(&f[i]) * form_nominal(f[i].dpi_y);
	return sum;
}

/* A page of black and white gains nothing by Profile C, and one file is of one profile. */
static enum shades
shades_least(const struct form_page *src, uint32_t n)
{
	enum shades least = n == 0 ? SHADES_BINARY : src[0].shades;

	for (uint32_t i = 1; i < n; i++)
		least = src[i].shades < least ? src[i].shades : least;
	return least;
}

int
form_choose_file(const struct form_page *src, uint32_t n, const struct feat *caps,
    const struct feat *permitted, struct form *out, struct err *e)
{
	static const struct way ways[] = {
		{ .codings = 1u << CODING_COLOUR, .limited = true, .shades = SHADES_COLOUR },
		{ .codings = 1u << CODING_GREY, .limited = true, .shades = SHADES_GREY },
		{ .codings = 1u << CODING_JBIG },
		{ .codings = 1u << CODING_MMR | 1u << CODING_MR | 1u << CODING_MH,
		    .limited = true },
		{ .codings = 1u << CODING_MH, .minimal_only = true },
	};
	struct form *try = calloc(n == 0 ? 1 : n, sizeof *try);
	enum shades shades = shades_least(src, n);
	uint64_t best = 0;
	int got = 1;

	if (try == NULL)
		return err_set(e, ERR_TEMP, "4.3.0", "no memory for %u forms", n);
	for (size_t w = 0; w < sizeof ways / sizeof *ways && got != -1; w++) {
		if (ways[w].shades > shades)
			continue;
		got = 1;
		for (uint32_t i = 0; i < n && got == 1; i++) {
			struct search s = { &src[i], &ways[w], caps, permitted };

			if (i > 0 && page_same(&src[i], &src[i - 1]))
				try[i] = try[i - 1];
			else
				got = page_choose(&s, &try[i], e);
		}
		if (got == 1 && forms_worth(try, n) > best) {
			best = forms_worth(try, n);
			memcpy(out, try, n * sizeof *try);
			if (ways[w].shades != SHADES_BINARY)
				break;		/* no resolution makes up for colour */
		}
	}
	free(try);
	return got == -1 ? -1 : best > 0;
}

/* The other spelling of f's resolution; false: it has none. */
static bool
form_twin(const struct form *f, struct form *twin)
{
	*twin = *f;
	for (int i = 0; i < PAIRS; i++)
		if (pairs[i].nominal_x == form_nominal(f->dpi_x) &&
		    pairs[i].nominal_y == form_nominal(f->dpi_y) && pairs[i].x != f->dpi_x) {
			twin->dpi_x = pairs[i].x;
			twin->dpi_y = pairs[i].y;
			return form_legal(twin);
		}
	return false;
}

int
form_own_dpi(struct form *f, const struct form_page *src, uint32_t n, const struct feat *own,
    const struct feat *permitted, struct err *e)
{
	for (uint32_t i = 0; i < n; i++) {
		enum structure s = form_minimal(&f[i]) ? STRUCTURE_MINIMAL : STRUCTURE_LIMITED;
		struct scale scale;
		struct form twin;
		int got;

		if (page_scale(&src[i], &f[i], &scale, e) == -1)
			return -1;
		got = form_fits(&f[i], s, scale.rows, own, permitted, e);
		if (got == 0 && form_twin(&f[i], &twin) &&
		    (got = form_fits(&twin, s, scale.rows, own, permitted, e)) == 1)
			f[i] = twin;
		if (got == -1)
			return -1;
	}
	return 0;
}
