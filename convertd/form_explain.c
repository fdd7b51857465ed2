/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* convertd/form_explain.c - the forms that a page might have had, and why it has none of them. */
#include "convertd/form.h"
#include "convertd/scale.h"

/* What is asked for, and the form that is looked at. */
struct explaining {
	const struct form_page *src;
	const struct form *chosen;
	const struct feat *caps, *permitted;
	struct buf list[FORM_VERDICTS];		/* ", 200x200" for each */
};

enum { LIST_MAX = 1000 };

static bool
is_chosen(const struct explaining *x, const struct form *f)
{
	return x->chosen != NULL && x->chosen->coding == f->coding && x->chosen->paper == f->paper &&
	    x->chosen->dpi_x == f->dpi_x && x->chosen->dpi_y == f->dpi_y;
}

/* MH is TIFF-minimal where all pages are; what is not taken as that may be as TIFF-limited. */
static int
form_stands(const struct explaining *x, const struct form *f, enum form_verdict *out, struct err *e)
{
	const struct form_page *p = x->src;
	struct scale s;

	if (scale_plan(p->width_px, p->length_px, p->turned ? p->form.dpi_y : p->form.dpi_x,
	    p->turned ? p->form.dpi_x : p->form.dpi_y, f, UINT32_MAX, &s, e) == -1 ||
	    form_judge(f, STRUCTURE_LIMITED, s.rows, x->caps, x->permitted, out, e) == -1)
		return -1;
	if (*out == FORM_FITS || !form_minimal(f))
		return 0;
	return form_judge(f, STRUCTURE_MINIMAL, s.rows, x->caps, x->permitted, out, e);
}

/* Adds the form to the list of its verdict, unless it is more than the source has. */
static int
form_list(struct explaining *x, const struct form *f, struct err *e)
{
	static const char *const papers[] = { "/A4", "/B4", "/A3" };
	const struct form *src = &x->src->form;
	enum form_verdict v;

	if (!form_legal(f) || form_nominal(f->dpi_x) > form_nominal(src->dpi_x) ||
	    form_nominal(f->dpi_y) > form_nominal(src->dpi_y) || is_chosen(x, f))
		return 0;
	if (form_stands(x, f, &v, e) == -1)
		return -1;
	return buf_addf(&x->list[v], e, ", %ux%u%s", f->dpi_x, f->dpi_y, src->paper == PAPER_A4 ? "" :
	    papers[f->paper]);
}

static int
lists_print(struct explaining *x, enum coding coding, struct buf *out, struct err *e)
{
	static const char *const names[] = { "would do", "not permitted", "not taken" };
	static const char *const codings[] = { "MH", "MR", "MMR", "JBIG", "JPEG in grey", "JPEG in colour" };
	const char *then = "";

	if (buf_addf(out, e, "alternative: %s: ", codings[coding]) == -1)
		return -1;
	if (coding_shades(coding) > x->src->shades)
		return buf_addf(out, e, "the page has no %s\n", coding == CODING_GREY ? "shades" : "colours");
	if (x->chosen != NULL && x->chosen->coding == coding) {
		if (buf_addf(out, e, "%ux%u chosen", x->chosen->dpi_x, x->chosen->dpi_y) == -1)
			return -1;
		then = "; ";
	}
	for (int v = 0; v < FORM_VERDICTS; v++) {
		struct span list = buf_view(&x->list[v]);

		if (list.n == 0)
			continue;
		if (buf_addf(out, e, "%s%s", then, names[v]) == -1 || buf_add(out, span_sub(list, 1, list.n), e) == -1)
			return -1;
		then = "; ";
	}
	return buf_add_byte(out, '\n', e);
}

static int
coding_explain(struct explaining *x, enum coding coding, struct buf *out, struct err *e)
{
	struct form f = { .coding = coding };

	for (int v = 0; v < FORM_VERDICTS; v++)
		buf_clear(&x->list[v]);
	for (int paper = (int)x->src->form.paper; paper >= PAPER_A4; paper--)
		for (unsigned i = 0; form_resolution(i, &f); i++) {
			f.paper = (enum paper)paper;
			if (coding_shades(coding) <= x->src->shades && form_list(x, &f, e) == -1)
				return -1;
		}
	return lists_print(x, coding, out, e);
}

int
form_explain(const struct form_page *src, const struct form *chosen, const struct feat *caps,
    const struct feat *permitted, struct buf *out, struct err *e)
{
	static const enum coding order[] = { CODING_COLOUR, CODING_GREY, CODING_JBIG, CODING_MMR, CODING_MR, CODING_MH };
	struct explaining x = { src, chosen, caps, permitted, { { 0 } } };
	int r = 0;

	for (int v = 0; v < FORM_VERDICTS; v++)
		buf_init(&x.list[v], LIST_MAX);
	for (size_t i = 0; r == 0 && i < sizeof order / sizeof *order; i++)
		r = coding_explain(&x, order[i], out, e);
	for (int v = 0; v < FORM_VERDICTS; v++)
		buf_free(&x.list[v]);
	return r;
}
