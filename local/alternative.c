/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "local/alternative.h"

#include "lib/contfield.h"
#include "lib/mime.h"

enum { SCALES = 3, STEPS = 6 };

/* The best first (negotiation by RFC 2879's features); resolutions that RFC 3949, 2.2.2, makes equal are
 * one step. */
static const char *const scales[SCALES][STEPS] = {
	{ "(color=Full)", "(color=Mapped)", "(color=Limited)", "(color=Grey)", "(color=Binary)", NULL },
	{ "(dpi>=1200)", "(dpi>=600)", "(dpi>=390)", "(dpi>=300)", "(dpi>=196)", NULL },
	{ "(dpi-xyratio<=3/5)", "(dpi-xyratio<=11/10)", NULL },
};

struct rank { int step[SCALES]; };

/* The best of f's members on each scale. */
static int
rank_of(const struct feat *f, struct rank *out, struct err *e)
{
	for (int s = 0; s < SCALES; s++) {
		int i = 0, got = 0;

		for (; scales[s][i] != NULL; i++) {
			struct feat *step;

			if (feat_parse(span_str(scales[s][i]), 0, &step, e) == -1)
				return -1;
			got = feat_match(f, step, e);
			feat_free(step);
			if (got != 0)
				break;
		}
		if (got == -1)
			return -1;
		out->step[s] = i;
	}
	return 0;
}

static bool
rank_better(const struct rank *a, const struct rank *b)
{
	for (int s = 0; s < SCALES; s++)
		if (a->step[s] != b->step[s])
			return a->step[s] < b->step[s];
	return false;
}

/* What is asked of all parts. */
struct question { const struct feat *takes; bool fits, yes; uint32_t seen; };

/* One Content-Alternative beside the content that is here. */
static int
weigh(struct question *q, struct span text, const struct feat *here, struct err *e)
{
	struct feat *said, *all = NULL, *common = NULL;
	struct rank there, now;
	int r = feat_parse(text, FEAT_DOCUMENT, &said, e);

	if (r == -1)
		return -1;
	r = feat_inherit(said, here, &all, e);
	if (r == 0)
		r = feat_and(all, q->takes, &common, e);
	if (r == 0 && !feat_empty(common)) {
		if (!q->fits)
			q->yes = true;
		else if ((r = rank_of(common, &there, e)) == 0 && (r = rank_of(here, &now, e)) == 0)
			q->yes = rank_better(&there, &now);
	}
	feat_free(common);
	feat_free(all);
	feat_free(said);
	return r;
}

static int
weigh_part(struct question *q, struct span header, struct err *e)
{
	struct feat *here = NULL;
	struct buf text;
	int r;

	buf_init(&text, MIME_MAX_HEADER);
	r = contfield_features(header, &text, e);
	if (r == 1)
		r = feat_parse(buf_view(&text), FEAT_DOCUMENT, &here, e) == -1 ? -1 : 1;
	while (r == 1 && !q->yes && q->seen < ALTERNATIVES_MAX) {
		buf_clear(&text);
		if ((r = contfield_alternative_next(&header, &text, e)) != 1)
			break;
		q->seen++;
		if (weigh(q, buf_view(&text), here, e) == -1)
			r = -1;
	}
	feat_free(here);
	buf_free(&text);
	return r == -1 ? -1 : 0;
}

int
alternative_better(struct span message, struct span takes, bool fits, bool *yes, struct err *e)
{
	struct question q = { .fits = fits };
	struct feat *machine;
	struct mime m;
	int r = 0;

	*yes = false;
	if (feat_parse(takes, FEAT_CLAIM, &machine, e) == -1)
		return -1;
	if (mime_parse(message, &m, e) == -1) {
		feat_free(machine);
		return -1;
	}
	q.takes = machine;
	for (uint32_t i = 0; r == 0 && !q.yes && i < m.n; i++)
		if (!m.part[i].multipart && !m.part[i].protected && !m.part[i].broken && m.part[i].root == 0)
			r = weigh_part(&q, m.part[i].header, e);
	mime_free(&m);
	feat_free(machine);
	*yes = r == 0 && (q.yes || (!fits && q.seen == 0));
	return r;
}
