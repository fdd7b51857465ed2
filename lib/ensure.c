/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * A form is seen as a kind of page: a resolution, a width, a class of length.  First it is found which
 * kinds are taken, in whatever coding; then each kind is announced from which one of them can be made.
 * convertd/form.c has the same resolutions and papers; tests/unit/convertd/test_ensure.c holds the two
 * together.
 */
#include "lib/ensure.h"

#include "lib/features.h"

/* Resolutions, nominal; in words both spellings that RFC 3949 2.2.2 makes equal. */
static const struct {
	uint16_t x, y;
	const char *taken;		/* one spelling: a claim is read with the other */
	const char *words;
} dpis[] = {
	{ 200, 100, "(dpi=200)(dpi-xyratio=2)",
	    "(& (dpi=200)(dpi-xyratio=200/100))(& (dpi=204)(dpi-xyratio=204/98))" },
	{ 200, 200, "(dpi=200)(dpi-xyratio=1)",
	    "(& (dpi=200)(dpi-xyratio=1))(& (dpi=204)(dpi-xyratio=204/196))" },
	{ 200, 400, "(dpi=204)(dpi-xyratio=204/391)", "(& (dpi=204)(dpi-xyratio=204/391))" },
	{ 300, 300, "(dpi=300)(dpi-xyratio=1)", "(& (dpi=300)(dpi-xyratio=1))" },
	{ 400, 400, "(dpi=400)(dpi-xyratio=1)",
	    "(& (dpi=400)(dpi-xyratio=1))(& (dpi=408)(dpi-xyratio=408/391))" },
};
enum { DPIS = sizeof dpis / sizeof *dpis };

/* Widths of paper, in 254ths of an inch: A4, B4, A3. */
static const uint32_t widths[] = { 2150, 2550, 3030 };
enum { WIDTHS = sizeof widths / sizeof *widths };

/*
 * Classes of length, in 254ths of an inch, and the paper-size that a page of each width says then: "":
 * none; NULL: no page of that width is told so, but by the next one.  The last: all that are longer.
 */
enum { LONGEST = 60000 };
static const struct { uint32_t n; const char *paper[WIDTHS]; } lengths[] = {
	{ 2794, { "[A4,letter]", NULL, NULL } },
	{ 2970, { "A4", "", "" } },
	{ 3556, { "legal", NULL, NULL } },
	{ 3640, { "", "B4", "" } },
	{ 4200, { "", "", "A3" } },
	{ LONGEST, { "", "", "" } },
};
enum { LENGTHS = sizeof lengths / sizeof *lengths };

/* A bit for each class of length, by resolution and width. */
struct kinds { uint8_t of[DPIS][WIDTHS]; };

/* The class of a page, and whether its width has it. */
static bool
length_is(int length, int width)
{
	return lengths[length].paper[width] != NULL;
}

/* A page is told by the shortest paper that it is at most 4 % longer than. */
static int
length_of(uint32_t n, int width)
{
	int i = 0;

	while (i + 1 < LENGTHS && (!length_is(i, width) || (uint64_t)n * 100 > (uint64_t)lengths[i].n * 104))
		i++;
	return i;
}

/* --- what is taken --- */

#define FILE_OF(coding, structure, type) "(& (image-coding=" coding ")(image-file-structure=" structure ")" \
    "(type=\"image/" type "\"))"

/* A page of that kind, in each coding and file that is written here, so that one of them is enough. */
static int
page_add(int dpi, int width, int length, struct buf *out, struct err *e)
{
	const char *paper = lengths[length].paper[width];
	bool minimal = width == 0 && dpis[dpi].x == 200 && dpis[dpi].y <= 200;

	if (buf_addf(out, e, "(& (color=Binary)(MRC-mode=0)%s(size-x=%u/254)(size-y=%u/254)", dpis[dpi].taken,
	    widths[width], lengths[length].n) == -1)
		return -1;
	if (*paper != '\0' && buf_addf(out, e, "(paper-size=%s)", paper) == -1)
		return -1;
	return buf_addf(out, e, "(| " FILE_OF("[MH,MR,MMR]", "TIFF-limited", "tiff") "%s"
	    "(& (image-coding=JBIG)(image-coding-constraint=JBIG-T85)(JBIG-stripe-size=128)"
	    "(image-file-structure=TIFF-limited)(type=\"image/tiff-fx\"))))",
	    minimal ? FILE_OF("MH", "TIFF-minimal", "tiff") : "");
}

/* 1, 0, -1. */
static int
page_taken(const struct feat *caps, int dpi, int width, int length, struct err *e)
{
	struct feat *page;
	struct buf text;
	int r = -1;

	buf_init(&text, 1024);
	if (page_add(dpi, width, length, &text, e) == 0 &&
	    feat_parse(buf_view(&text), FEAT_DOCUMENT, &page, e) == 0) {
		r = feat_match(page, caps, e);
		feat_free(page);
	}
	buf_free(&text);
	return r;
}

/* Is anything of that resolution?  Most machines take few. */
static int
dpi_taken(const struct feat *caps, int dpi, struct err *e)
{
	struct feat *page;
	struct buf text;
	int r = -1;

	buf_init(&text, 256);
	if (buf_addf(&text, e, "(& (color=Binary)(MRC-mode=0)%s)", dpis[dpi].taken) == 0 &&
	    feat_parse(buf_view(&text), FEAT_DOCUMENT, &page, e) == 0) {
		r = feat_match(page, caps, e);
		feat_free(page);
	}
	buf_free(&text);
	return r;
}

static int
kinds_taken(const struct feat *caps, struct kinds *out, struct err *e)
{
	*out = (struct kinds){ 0 };
	for (int d = 0; d < DPIS; d++) {
		int r = dpi_taken(caps, d, e);

		for (int w = 0; w < WIDTHS && r == 1; w++)
			for (int l = 0; l < LENGTHS && r != -1; l++)
				if (length_is(l, w) && (r = page_taken(caps, d, w, l, e)) == 1)
					out->of[d][w] |= (uint8_t)(1u << l);
				else if (r == 0)
					r = 1;
		if (r == -1)
			return -1;
	}
	return 0;
}

/* --- what it can be made of --- */

/*
 * The classes that pages of one come to be in when they are made narrower: that of a page as long as the
 * paper; of those that are longer than any, all from the shortest of them on.
 */
static uint8_t
lengths_made(int length, int from, int to)
{
	bool longest = length == LENGTHS - 1;
	uint64_t n = longest ? lengths[length - 1].n * 104 / 100 + 1 : lengths[length].n;
	int first = length_of((uint32_t)(n * widths[to] / widths[from]), to);
	uint8_t mask = 0;

	if (from == to)
		return (uint8_t)(1u << length);
	for (int l = first; l <= (longest ? LENGTHS - 1 : first); l++)
		mask |= length_is(l, to) ? (uint8_t)(1u << l) : 0;
	return mask;
}

static void
kinds_add(struct kinds *out, int dpi, int width, const struct kinds *taken, int to_dpi)
{
	for (int w = 0; w <= width; w++)
		for (int l = 0; l < LENGTHS; l++)
			if (length_is(l, width) && (lengths_made(l, width, w) & ~taken->of[to_dpi][w]) == 0)
				out->of[dpi][width] |= (uint8_t)(1u << l);
}

static struct kinds
kinds_convertible(const struct kinds *taken)
{
	struct kinds out = { 0 };

	for (int d = 0; d < DPIS; d++)
		for (int to = 0; to < DPIS; to++)
			for (int w = 0; w < WIDTHS; w++)
				if (dpis[to].x <= dpis[d].x && dpis[to].y <= dpis[d].y)
					kinds_add(&out, d, w, taken, to);
	return out;
}

/* --- in words --- */

static uint8_t
lengths_all(int width)
{
	uint8_t all = 0;

	for (int l = 0; l < LENGTHS; l++)
		all |= length_is(l, width) ? (uint8_t)(1u << l) : 0;
	return all;
}

/* "(size-y=[0..2970/254,3557/254..3640/254])" */
static int
put_lengths(uint8_t mask, int width, struct buf *out, struct err *e)
{
	const char *sep = "(size-y=[";
	uint32_t from = 0;
	bool open = false;

	for (int l = 0; l < LENGTHS; l++) {
		if (!length_is(l, width))
			continue;
		if (mask & 1u << l && !open && buf_addf(out, e, "%s%u/254..", sep, from) == -1)
			return -1;
		if (open && !(mask & 1u << l) && buf_addf(out, e, "%u/254", from - 1) == -1)
			return -1;
		if (mask & 1u << l)
			sep = ",";
		open = mask & 1u << l;
		from = lengths[l].n + 1;
	}
	return open ? buf_addf(out, e, "%u/254])", LONGEST) : buf_add_str(out, "])", e);
}

/* Names of paper, where some page that says one is not taken. */
static int
put_papers(uint8_t mask, int width, struct buf *out, struct err *e)
{
	const char *sep = "(paper-size=[";
	bool some = false, none = false;

	for (int l = 0; l < LENGTHS; l++)
		if (length_is(l, width) && *lengths[l].paper[width] != '\0')
			*(mask & 1u << l ? &some : &none) = true;
	if (!some || !none)
		return 0;
	for (int l = 0; l < LENGTHS; l++) {
		struct span paper = span_str(length_is(l, width) && mask & 1u << l ? lengths[l].paper[width] : "");

		if (paper.n > 0 && paper.p[0] == '[')	/* its own name */
			paper = span_sub(paper, span_find(paper, ',') + 1, paper.n - 1);
		if (paper.n > 0 && (buf_add_str(out, sep, e) == -1 || buf_add(out, paper, e) == -1))
			return -1;
		if (paper.n > 0)
			sep = ",";
	}
	return buf_add_str(out, "])", e);
}

/* "(size-x=2150/254)", with its lengths where not all are taken. */
static int
put_width(uint8_t mask, int width, struct buf *out, struct err *e)
{
	bool all = mask == lengths_all(width);

	if (buf_addf(out, e, all ? "(size-x=%u/254)" : "(& (size-x=%u/254)", widths[width]) == -1)
		return -1;
	if (!all && (put_lengths(mask, width, out, e) == -1 || put_papers(mask, width, out, e) == -1 ||
	    buf_add_byte(out, ')', e) == -1))
		return -1;
	return 0;
}

/* The kinds of one resolution, and of those behind it that have the same. */
static int
put_dpi(const struct kinds *k, int dpi, struct buf *out, struct err *e)
{
	if (buf_add_str(out, "(& (| ", e) == -1)
		return -1;
	for (int d = dpi; d < DPIS; d++)
		if (memcmp(k->of[d], k->of[dpi], sizeof k->of[d]) == 0 && buf_add_str(out, dpis[d].words, e) == -1)
			return -1;
	if (buf_add_str(out, ")(| ", e) == -1)
		return -1;
	for (int w = 0; w < WIDTHS; w++)
		if (k->of[dpi][w] != 0 && put_width(k->of[dpi][w], w, out, e) == -1)
			return -1;
	return buf_add_str(out, "))", e);
}

static bool
dpi_has_some(const struct kinds *k, int dpi)
{
	for (int w = 0; w < WIDTHS; w++)
		if (k->of[dpi][w] != 0)
			return true;
	return false;
}

/* Has one before it the same? */
static bool
dpi_was_put(const struct kinds *k, int dpi)
{
	for (int d = 0; d < dpi; d++)
		if (memcmp(k->of[d], k->of[dpi], sizeof k->of[d]) == 0)
			return true;
	return false;
}

/* 1: something was put. */
static int
put_kinds(const struct kinds *k, struct buf *out, struct err *e)
{
	int any = 0;

	for (int d = 0; d < DPIS; d++) {
		if (!dpi_has_some(k, d) || dpi_was_put(k, d))
			continue;
		if (!any && buf_add_str(out, " (& (color=Binary)(MRC-mode=0)(type=[\"image/tiff\",\"image/tiff-fx\"])"
		    "(image-file-structure=[TIFF,TIFF-limited,TIFF-minimal])(| (image-coding=[MH,MR,MMR])"
		    "(& (image-coding=JBIG)(image-coding-constraint=JBIG-T85)(JBIG-stripe-size>=0)))(| ", e) == -1)
			return -1;
		any = 1;
		if (put_dpi(k, d, out, e) == -1)
			return -1;
	}
	return any && buf_add_str(out, "))", e) == -1 ? -1 : any;
}

/* "(| caps forms)"; caps may be written so that it is an expression by itself alone. */
static int
claim_make(struct span caps, const struct kinds *k, struct buf *text, struct err *e)
{
	struct feat *whole;
	int r;

	if (buf_add_str(text, "(| ", e) == -1 || buf_add(text, caps, e) == -1 ||
	    (r = put_kinds(k, text, e)) == -1)
		return -1;
	if (r == 0) {
		buf_clear(text);
		return buf_add(text, caps, e);
	}
	if (buf_add_byte(text, ')', e) == -1 || feat_parse(buf_view(text), FEAT_STRICT, &whole, e) == -1)
		return -1;
	feat_free(whole);
	return 0;
}

int
ensure_claim(struct span caps, struct buf *out, struct err *e)
{
	struct kinds taken, all;
	struct feat *f;
	struct buf text;
	int r;

	if (feat_parse(caps, FEAT_CLAIM, &f, e) == -1)
		return -1;
	r = kinds_taken(f, &taken, e);
	feat_free(f);
	if (r == -1)
		return -1;
	all = kinds_convertible(&taken);
	buf_init(&text, FEAT_MAX_TEXT);
	r = claim_make(caps, &all, &text, e);
	if (r == 0)
		r = buf_add(out, buf_view(&text), e);
	buf_free(&text);
	return r;
}
