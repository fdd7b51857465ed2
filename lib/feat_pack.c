/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* A list copied to one allocation: a header, arrays of structs, then the octets they point to. */
#include "lib/feat_impl.h"

#include <stdlib.h>

struct pack {
	const struct term **from;	/* the distinct terms, sorted by address */
	struct term *to;		/* their copies, in the same order */
	size_t nterm;
	const struct term **ptr;
	struct vset *set;
	struct range *r;
	struct word *w;
	unsigned char *text;
};

static int
by_address(const void *a, const void *b)
{
	uintptr_t x = (uintptr_t)*(const struct term *const *)a;
	uintptr_t y = (uintptr_t)*(const struct term *const *)b;

	return (x > y) - (x < y);
}

/* Terms are shared by conjunctions: finds each once.  -1: no memory. */
static int
pack_terms(struct pack *p, const struct list *l, size_t refs)
{
	size_t n = 0;

	if ((p->from = malloc((refs + 1) * sizeof *p->from)) == NULL)
		return -1;
	for (size_t i = 0; i < l->n; i++)
		for (uint32_t k = 0; k < l->v[i]->n; k++)
			p->from[n++] = l->v[i]->t[k];
	if (n > 1)
		qsort(p->from, n, sizeof *p->from, by_address);
	for (size_t i = 0; i < n; i++)
		if (p->nterm == 0 || p->from[p->nterm - 1] != p->from[i])
			p->from[p->nterm++] = p->from[i];
	return 0;
}

static struct span
pack_text(struct pack *p, struct span s)
{
	struct span copy = { p->text, s.n };

	if (s.n > 0)
		memcpy(p->text, s.p, s.n);
	p->text += s.n;
	return copy;
}

static const struct vset *
pack_set(struct pack *p, const struct vset *s)
{
	struct vset *to = p->set++;

	*to = *s;
	to->r = p->r;
	to->w = p->w;
	for (uint32_t i = 0; i < s->nr; i++)
		*p->r++ = s->r[i];
	for (uint32_t i = 0; i < s->nw; i++)
		*p->w++ = (struct word){ pack_text(p, s->w[i].text), s->w[i].quoted };
	return to;
}

static void
pack_copy(struct pack *p, const struct list *l, struct conj *c)
{
	for (size_t i = 0; i < p->nterm; i++) {
		p->to[i] = *p->from[i];
		p->to[i].key.tag = pack_text(p, p->from[i]->key.tag);
		p->to[i].key.unit = pack_text(p, p->from[i]->key.unit);
		p->to[i].set = pack_set(p, p->from[i]->set);
	}
	for (size_t i = 0; i < l->n; i++) {
		c[i] = *l->v[i];
		c[i].t = p->ptr;
		for (uint32_t k = 0; k < c[i].n; k++) {
			const struct term **at = bsearch(&l->v[i]->t[k], p->from, p->nterm,
			    sizeof *p->from, by_address);

			*p->ptr++ = &p->to[at - p->from];
		}
	}
}

struct feat *
feat_pack(const struct list *l, struct err *e)
{
	size_t refs = 0, nr = 0, nw = 0, text = 0, size;
	struct pack p = { 0 };
	struct feat *f = NULL;
	struct conj *c;

	for (size_t i = 0; i < l->n; i++)
		refs += l->v[i]->n;
	if (pack_terms(&p, l, refs) == -1)
		goto out;
	for (size_t i = 0; i < p.nterm; i++) {
		const struct vset *s = p.from[i]->set;

		nr += s->nr;
		nw += s->nw;
		text += p.from[i]->key.tag.n + p.from[i]->key.unit.n;
		for (uint32_t k = 0; k < s->nw; k++)
			text += s->w[k].text.n;
	}
	size = sizeof *f + l->n * sizeof *c + p.nterm * (sizeof *p.to + sizeof *p.set) +
	    nr * sizeof *p.r + nw * sizeof *p.w + refs * sizeof *p.ptr + text;
	if ((f = malloc(size)) == NULL)
		goto out;
	c = (struct conj *)(f + 1);
	p.to = (struct term *)(c + l->n);
	p.set = (struct vset *)(p.to + p.nterm);
	p.r = (struct range *)(p.set + p.nterm);
	p.w = (struct word *)(p.r + nr);
	p.ptr = (const struct term **)(p.w + nw);
	p.text = (unsigned char *)(p.ptr + refs);
	*f = (struct feat){ l->n, c };
	pack_copy(&p, l, c);
out:
	free(p.from);
	if (f == NULL)
		err_set(e, ERR_TEMP, "4.3.0", "no memory for a feature set");
	return f;
}
_Static_assert(sizeof(struct feat) % 8 == 0 && sizeof(struct conj) % 8 == 0 &&
    sizeof(struct term) % 8 == 0 && sizeof(struct vset) % 8 == 0 && sizeof(struct range) % 8 == 0 &&
    sizeof(struct word) % 8 == 0, "arrays follow each other");
