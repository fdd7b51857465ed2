/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * The tree as a list.  "!" goes inwards as a flag (RFC 2533, 5.4) until it meets a constraint on
 * one feature, whose complement is another such constraint.
 *
 * Qualities count where a clause is an alternative of the whole (RFC 2533, 3.7: "top-level predicate
 * clauses"): in the outermost filter, or below nothing but "|" and predicates that stand for their
 * bodies.  Of several on the way to such a clause the innermost is its own.
 */
#include "lib/feat_impl.h"

#include <stdlib.h>

/*
 * Where names are looked up: the predicates of a "where", or the parameters of a predicate that is
 * being invoked.  A predicate's body sees what is around its "where", never its siblings or itself
 * (6.1.3), so each invocation leads outwards and there is no recursion.
 */
struct env {
	const struct env *up;
	const struct pred *preds;
	const struct param *formals;
	const struct span *actuals;
};

struct eval {
	struct work *w;
	unsigned flags, nested;
};

/* Where a node stands.  q: FEAT_BEST unless it is top-level, then what is written around it. */
struct place { bool neg, top; uint16_t q; };

static int eval_node(struct eval *v, const struct env *env, const struct node *n, struct place at,
    struct list *out);

/* What a tag in a body stands for where it is invoked. */
static struct span
resolve(const struct env *env, struct span name)
{
	for (; env != NULL; env = env->up) {
		size_t i = 0;

		for (const struct param *f = env->formals; f != NULL; f = f->next, i++)
			if (span_eq(f->name, name))
				return env->actuals[i];
	}
	return name;
}

/* The list of the one term, or what is left of it when it is empty or full. */
static int
list_of_term(struct work *w, const struct term *t, uint16_t q, struct list *out)
{
	*out = (struct list){ 0 };
	if (t == NULL)
		return -1;
	if (vset_empty(t->set))
		return 0;
	return list_add(w, out, conj_new(w, &t, vset_full(t->set) ? 0 : 1, q));
}

static const struct vset *
set_of_value(struct work *w, enum rel rel, const struct value *v)
{
	if (v->kind == VALUE_NUM)
		return vset_range(w, (struct range){ v->num, v->num,
		    rel == REL_LE ? BOUND_NONE : BOUND_CLOSED,
		    rel == REL_GE ? BOUND_NONE : BOUND_CLOSED });
	return vset_word(w, (struct word){ v->text, v->kind == VALUE_STRING });
}

static const struct vset *
set_of_entry(struct eval *v, const struct key *key, const struct entry *en)
{
	struct value value = en->value, high = en->high, alias;
	const struct vset *set, *more;

	if (fax_value(key, v->flags, &value, &alias) == 1) {
		if ((set = set_of_value(v->w, REL_EQ, &value)) == NULL ||
		    (more = set_of_value(v->w, REL_EQ, &alias)) == NULL)
			return NULL;
		return vset_or(v->w, set, more);
	}
	if (en->rel != REL_IN)
		return set_of_value(v->w, en->rel, &value);
	(void)fax_value(key, v->flags, &high, &alias);
	if ((set = set_of_value(v->w, REL_GE, &value)) == NULL ||
	    (more = set_of_value(v->w, REL_LE, &high)) == NULL)
		return NULL;
	return vset_and(v->w, set, more);
}

/* Any of the entries, which are of as many features as there are units. */
static int
eval_item(struct eval *v, const struct env *env, const struct node *n, struct place at,
    struct list *out)
{
	struct key key = { .tag = resolve(env, n->name) };
	struct list one, all = { 0 };
	const struct term **t;
	size_t count = 0;

	for (const struct entry *en = n->entries; en != NULL; en = en->next)
		count++;
	if ((t = work_alloc(v->w, count * sizeof *t)) == NULL)
		return -1;
	count = 0;
	for (const struct entry *en = n->entries; en != NULL; en = en->next) {
		key.unit = en->unit;
		if ((t[count++] = term_new(v->w, &key, set_of_entry(v, &key, en))) == NULL)
			return -1;
	}
	if (terms_reduce(v->w, t, &count, vset_or) == -1)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (at.neg)
			t[i] = term_new(v->w, &t[i]->key, vset_not(v->w, t[i]->set));
		if (list_of_term(v->w, t[i], at.q, &one) == -1)
			return -1;
		if (i == 0)
			all = one;
		else if (at.neg && list_and(v->w, &all, &one, &all) == -1)
			return -1;
		else if (!at.neg && list_append(v->w, &all, &one) == -1)
			return -1;
	}
	*out = all;
	return list_normal(v->w, out);
}

/* Appends s to the text at *to. */
static void
put(unsigned char **to, struct span s)
{
	if (s.n > 0)
		memcpy(*to, s.p, s.n);
	*to += s.n;
}

/* A predicate that nothing defines: a Boolean feature of its own. */
static int
eval_opaque(struct eval *v, const struct env *env, const struct node *n, struct place at,
    struct list *out)
{
	static const struct word yes = { { (const unsigned char *)"true", 4 }, false };
	size_t len = n->name.n;
	struct key key = { .predicate = true };
	unsigned char *text, *to;
	const struct vset *set;

	for (const struct param *a = n->params; a != NULL; a = a->next)
		len += 1 + resolve(env, a->name).n;
	if (work_step(v->w, len / 16) == -1 || (text = to = work_alloc(v->w, len)) == NULL ||
	    (set = vset_word(v->w, yes)) == NULL)
		return -1;
	put(&to, n->name);
	for (const struct param *a = n->params; a != NULL; a = a->next) {
		*to++ = ' ';
		put(&to, resolve(env, a->name));
	}
	key.tag = span_of(text, len);
	return list_of_term(v->w, term_new(v->w, &key, at.neg ? vset_not(v->w, set) : set), at.q,
	    out);
}

static int
eval_call(struct eval *v, const struct env *env, const struct node *n, struct place at,
    struct list *out)
{
	struct span actuals[FEAT_MAX_PARAMETERS];
	const struct env *e;
	const struct pred *q = NULL;
	struct env frame;
	size_t i = 0;

	for (e = env; e != NULL; e = e->up) {
		for (q = e->preds; q != NULL && !span_eq(q->name, n->name); q = q->next)
			i++;
		if (q != NULL)
			break;
	}
	if (work_step(v->w, i / 2) == -1)
		return -1;
	if (q == NULL)
		return eval_opaque(v, env, n, at, out);
	if (q->nformal != n->nparam)
		return work_fail(v->w, "not the number of parameters that the predicate has");
	i = 0;
	for (const struct param *a = n->params; a != NULL; a = a->next)
		actuals[i++] = resolve(env, a->name);
	frame = (struct env){ e->up, NULL, q->formals, actuals };
	return eval_node(v, &frame, q->body, at, out);
}

static int
by_quality(const void *a, const void *b)
{
	const struct conj *const *x = a, *const *y = b;

	return ((*x)->q < (*y)->q) - ((*x)->q > (*y)->q);
}

/* Appends to out the n conjunctions of c, which have one term each and one quality, joined where they
 * constrain one feature. */
static int
eval_any_terms(struct work *w, const struct conj *const *c, size_t n, struct list *out)
{
	const struct term **t = work_alloc(w, n * sizeof *t);
	uint16_t q = c[0]->q;
	struct list one;

	if (t == NULL)
		return -1;
	for (size_t i = 0; i < n; i++)
		t[i] = c[i]->t[0];
	if (terms_reduce(w, t, &n, vset_or) == -1)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (list_of_term(w, t[i], q, &one) == -1 || list_append(w, out, &one) == -1)
			return -1;
	return 0;
}

/* Any of the children's members: those that constrain one feature are joined beforehand. */
static int
eval_any(struct work *w, const struct list *child, size_t n, struct list *out)
{
	const struct conj **c;
	struct list one;
	size_t nc = 0, all = 0, to;

	for (size_t i = 0; i < n; i++)
		all += child[i].n;
	if (work_step(w, all) == -1 || (c = work_alloc(w, all * sizeof *c)) == NULL)
		return -1;
	*out = (struct list){ 0 };
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < child[i].n; k++) {
			one = (struct list){ &child[i].v[k], 1, 1 };
			if (child[i].v[k]->n == 1)
				c[nc++] = child[i].v[k];
			else if (list_append(w, out, &one) == -1)
				return -1;
		}
	if (nc > 1)
		qsort(c, nc, sizeof *c, by_quality);
	for (size_t i = 0; i < nc; i = to) {
		for (to = i + 1; to < nc && c[to]->q == c[i]->q; to++)
			continue;
		if (eval_any_terms(w, c + i, to - i, out) == -1)
			return -1;
	}
	return list_normal(w, out);
}

/* The members that all the children have which have one conjunction: a list of one or none. */
static int
eval_singles(struct work *w, const struct list *child, size_t n, struct list *out)
{
	const struct term **t;
	size_t nt = 0, all = 0;

	*out = (struct list){ 0 };
	for (size_t i = 0; i < n; i++)
		if (child[i].n == 1)
			all += child[i].v[0]->n;
	if (work_step(w, all) == -1 || (t = work_alloc(w, all * sizeof *t)) == NULL)
		return -1;
	for (size_t i = 0; i < n; i++)
		for (uint32_t k = 0; child[i].n == 1 && k < child[i].v[0]->n; k++)
			t[nt++] = child[i].v[0]->t[k];
	if (terms_reduce(w, t, &nt, vset_and) == -1)
		return -1;
	for (size_t i = 0; i < nt; i++)
		if (vset_empty(t[i]->set))
			return 0;
	return list_add(w, out, conj_new(w, t, nt, FEAT_BEST));
}

static int
by_size(const void *a, const void *b)
{
	const struct list *x = a, *y = b;

	return (x->n > y->n) - (x->n < y->n);
}

/*
 * The members that all the children have.  Those with one conjunction first, in one go, then the
 * others as they grow: what cannot be satisfied is found before it multiplies.
 */
static int
eval_all(struct work *w, struct list *child, size_t n, struct list *out)
{
	struct list acc;

	if (n > 1)
		qsort(child, n, sizeof *child, by_size);
	if (child[0].n == 0) {
		*out = (struct list){ 0 };
		return 0;
	}
	if (eval_singles(w, child, n, &acc) == -1)
		return -1;
	for (size_t i = 0; i < n && acc.n > 0; i++)
		if (child[i].n > 1 && list_and(w, &acc, &child[i], &acc) == -1)
			return -1;
	*out = acc;
	return 0;
}

static int
eval_children(struct eval *v, const struct env *env, const struct node *n, struct place at,
    struct list *out)
{
	struct list *child;
	size_t count = 0;

	for (const struct node *c = n->child; c != NULL; c = c->next)
		count++;
	if ((child = work_alloc(v->w, count * sizeof *child)) == NULL)
		return -1;
	count = 0;
	for (const struct node *c = n->child; c != NULL; c = c->next)
		if (eval_node(v, env, c, at, &child[count++]) == -1)
			return -1;
	v->w->column = n->column;
	return (n->kind == NODE_AND) != at.neg ? eval_all(v->w, child, count, out) :
	    eval_any(v->w, child, count, out);
}

/* Gives every member the quality of the clause. */
static int
list_rank(struct work *w, uint16_t q, struct list *l)
{
	for (size_t i = 0; i < l->n; i++)
		if ((l->v[i] = conj_rank(w, l->v[i], q)) == NULL)
			return -1;
	return 0;
}

static int
eval_node(struct eval *v, const struct env *env, const struct node *n, struct place at,
    struct list *out)
{
	struct env scope;
	int got = -1;

	v->w->column = n->column;
	if (++v->nested > FEAT_MAX_NESTED)
		return work_fail(v->w, "nested too deeply through predicates");
	if (work_step(v->w, 2) == -1)
		return -1;
	if (at.top && n->q != -1)
		at.q = (uint16_t)n->q;
	switch (n->kind) {
	case NODE_OR:
		got = eval_children(v, env, n, at, out);
		break;
	case NODE_AND:
		got = eval_children(v, env, n, (struct place){ at.neg, false, FEAT_BEST }, out);
		break;
	case NODE_NOT:
		got = eval_node(v, env, n->child, (struct place){ !at.neg, false, FEAT_BEST }, out);
		break;
	case NODE_ITEM:
		got = eval_item(v, env, n, at, out);
		break;
	case NODE_CALL:
		got = eval_call(v, env, n, at, out);
		break;
	case NODE_WHERE:
		scope = (struct env){ env, n->preds, NULL, NULL };
		got = eval_node(v, &scope, n->child, at, out);
		break;
	}
	if (got == 0 && (n->kind == NODE_AND || n->kind == NODE_NOT))
		got = list_rank(v->w, at.q, out);
	v->nested--;
	return got;
}

int
feat_eval(struct work *w, const struct node *n, unsigned flags, struct list *out)
{
	struct eval v = { .w = w, .flags = flags };

	return eval_node(&v, NULL, n, (struct place){ false, true, FEAT_BEST }, out);
}
