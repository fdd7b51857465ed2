/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/feat_impl.h - what the feat_*.c files share; private to them.
 *
 * A feature's value is a number, a token or a string, and a constraint on one feature is a set of
 * values (struct vset).  Such sets are closed under union, intersection and complement, so that
 * `!` needs no rewriting of comparisons and `[a,b,c]` is one constraint, not three branches:
 * a conjunction maps features to sets, a feature set is a list of conjunctions.  This gives the
 * results of RFC 2533, 5 (with RFC 2738), in far fewer conjunctions than its literal rewriting.
 *
 * Everything is built in a struct work, which bounds memory and steps, and is immutable once made;
 * what is returned to the caller is copied to one allocation.
 */
#ifndef LIB_FEAT_IMPL_H
#define LIB_FEAT_IMPL_H

#include "lib/features.h"

enum {
	WORK_MAX_OCTETS = 12 << 20,	/* memory of one call */
	WORK_MAX_STEPS = 2500000,	/* of one call; a step is 10 to 20 ns */
	FEAT_MAX_PREDICATES = 256,	/* auxiliary predicates in one expression */
	FEAT_MAX_PARAMETERS = 16,	/* of one predicate */
	FEAT_MAX_NESTED = 128		/* parentheses, through predicates that are invoked */
};

/* Memory and steps of one call.  column: of the text, for errors; 0: none. */
struct work {
	struct work_chunk *chunks;
	unsigned char *at;
	size_t left, used, column;
	uint64_t steps;
	struct err *e;
};

void work_init(struct work *w, struct err *e);
void work_free(struct work *w);
/* NULL: *w->e is set.  Lives until work_free; aligned for any of our structs. */
void *work_alloc(struct work *w, size_t n);
/* -1: more than WORK_MAX_STEPS in all, *w->e is set. */
int work_step(struct work *w, uint64_t n);
/* Sets ERR_PERM 5.6.0 with the column, if there is one.  -1. */
int work_fail(struct work *w, const char *what);

/* feat_vset.c: rational numbers and sets of values */

struct num { int64_t n, d; };		/* reduced, d > 0 */
enum bound { BOUND_CLOSED, BOUND_OPEN, BOUND_NONE };
struct range { struct num lo, hi; enum bound lo_b, hi_b; };	/* never empty */
struct word { struct span text; bool quoted; };	/* a token in lower case, or a string */

/*
 * Numbers: the union of r[], which are sorted and do not touch.  Tokens and strings: those of w[],
 * sorted, or, if co, all but those.
 */
struct vset {
	const struct range *r;
	const struct word *w;
	uint32_t nr, nw;
	bool co;
};
extern const struct vset vset_all;

int num_cmp(struct num a, struct num b);
int word_cmp(const struct word *a, const struct word *b);

/* Sets of one range or one word.  NULL here and below: *w->e is set. */
const struct vset *vset_range(struct work *w, struct range r);
const struct vset *vset_word(struct work *w, struct word word);
const struct vset *vset_or(struct work *w, const struct vset *a, const struct vset *b);
const struct vset *vset_and(struct work *w, const struct vset *a, const struct vset *b);
const struct vset *vset_not(struct work *w, const struct vset *a);
bool vset_empty(const struct vset *a);
bool vset_full(const struct vset *a);
bool vset_single(const struct vset *a);		/* has exactly one member */
bool vset_disjoint(const struct vset *a, const struct vset *b);
bool vset_within(const struct vset *a, const struct vset *b);
bool vset_has_num(const struct vset *a, struct num n);
bool vset_has_word(const struct vset *a, const struct word *word);
int vset_cmp(const struct vset *a, const struct vset *b);	/* an order to sort by; 0: equal */
uint64_t vset_hash(const struct vset *a);

/* feat_conj.c: constraints on one feature, and conjunctions of them */

/* What is constrained: a tag and its unit, or an opaque predicate with its parameters. */
struct key {
	struct span tag, unit;		/* in lower case; a predicate: "name param param" */
	bool predicate;
};
struct term {
	struct key key;
	const struct vset *set;		/* neither empty nor full */
	uint64_t key_hash, hash;
};
/* Terms sorted by key, each key once.  None: everything.  q: its quality, in thousandths. */
struct conj {
	const struct term *const *t;
	uint32_t n;
	uint16_t q;
	uint64_t keys, singles;		/* Bloom bits: of the keys, of the terms with one value */
	uint64_t hash;			/* sum of the terms' hashes and of one for q */
};
struct feat {
	size_t n;
	const struct conj *c;		/* normal: see list_normal */
};

int key_cmp(const struct key *a, const struct key *b);
int term_cmp(const struct term *a, const struct term *b);
const struct term *term_new(struct work *w, const struct key *key, const struct vset *set);
/* t: n terms in order, borrowed for the call. */
const struct conj *conj_new(struct work *w, const struct term *const *t, size_t n, uint16_t q);
int conj_cmp(const struct conj *a, const struct conj *b);	/* the better quality first */
/* Of the sets: whatever the qualities. */
bool conj_disjoint(const struct conj *a, const struct conj *b);
bool conj_within(const struct conj *a, const struct conj *b);
/* c with another quality. */
const struct conj *conj_rank(struct work *w, const struct conj *c, uint16_t q);
/* The set that c has for key; vset_all if it does not constrain it. */
const struct vset *conj_get(const struct conj *c, const struct key *key);
/* c with the set of key replaced; set is not empty. */
const struct conj *conj_put(struct work *w, const struct conj *c, const struct key *key,
    const struct vset *set);
/* Of two that are not disjoint; the worse quality. */
const struct conj *conj_and(struct work *w, const struct conj *a, const struct conj *b);

/*
 * feat_list.c: disjunctions of conjunctions.  An empty list: no member.  A member of several
 * conjunctions has the quality of the best.
 */

struct list { const struct conj **v; size_t n, cap; };

int list_add(struct work *w, struct list *l, const struct conj *c);
int list_from(struct work *w, const struct feat *f, struct list *out);
/* To normal form: sorted; none within another as good; no two of one quality that differ in one
 * feature only; if they are everything together, one of them is that by itself. */
int list_normal(struct work *w, struct list *l);
/* Adds to a list, not normal yet, that may hold FEAT_MAX_CONJUNCTIONS once what is superfluous has gone. */
int list_push(struct work *w, struct list *l, const struct conj *c);
/* Adds from's members to l, not normal yet. */
int list_append(struct work *w, struct list *l, const struct list *from);
/* The features that the members constrain, each once, in order: of each a term that has its key. */
int list_keys(struct work *w, const struct list *l, const struct term ***out, size_t *nout);
/* Intersection of two, normal. */
int list_and(struct work *w, const struct list *a, const struct list *b, struct list *out);
/* Is every member of c in l?  1, 0, -1. */
int list_covers(struct work *w, const struct list *l, const struct conj *c);
/* Combines n terms in any order, those of one key to one, which may be empty or full; *n: how many
 * are left, sorted by key. */
int terms_reduce(struct work *w, const struct term **t, size_t *n,
    const struct vset *(*op)(struct work *, const struct vset *, const struct vset *));
/* One allocation that holds a copy of all; NULL: no memory. */
struct feat *feat_pack(const struct list *l, struct err *e);

/* features.c: feat_within, for who asks it several times in one call; *steps: those made so far. */
int within_steps(const struct feat *a, const struct feat *b, uint64_t *steps, struct err *e);

/* feat_parse.c: the text as a tree, and feat_eval.c: the tree as a list */

enum rel { REL_EQ, REL_GE, REL_LE, REL_IN };
enum value_kind { VALUE_NUM, VALUE_TOKEN, VALUE_STRING };
struct value { enum value_kind kind; struct num num; struct span text, lower; };
struct entry {
	struct entry *next;
	enum rel rel;			/* REL_IN: value to high */
	struct value value, high;
	struct span unit;
};
struct param { struct param *next; struct span name; };
struct pred {
	struct pred *next;
	struct span name;
	struct param *formals;
	size_t nformal;
	struct node *body;
};
enum node_kind { NODE_AND, NODE_OR, NODE_NOT, NODE_ITEM, NODE_CALL, NODE_WHERE };
struct node {
	struct node *next, *child;
	enum node_kind kind;
	size_t column;
	int q;				/* thousandths; -1: none is written */
	struct span name;		/* ITEM: tag; CALL: predicate; in lower case */
	struct entry *entries;		/* ITEM: any of these */
	struct param *params;		/* CALL */
	size_t nparam;
	struct pred *preds;		/* WHERE */
};

/* text: at most FEAT_MAX_TEXT octets, must outlive the tree. */
int feat_read(struct work *w, struct span text, unsigned flags, struct node **out);
int feat_eval(struct work *w, const struct node *n, unsigned flags, struct list *out);

/* feat_fax.c: RFC 2879 and RFC 3949 */

/* Other spellings of one value, replaced in place.  Returns 1 if alias is another value that the
 * same text stands for (TIFF-F of a recipient), else 0. */
int fax_value(const struct key *key, unsigned flags, struct value *v, struct value *alias);
/* What follows from a normal list by the fax rules that flags ask for; out is normal. */
int fax_expand(struct work *w, unsigned flags, struct list *l);
/* The spelling of a registered tag or token, given in lower case; else s. */
struct span fax_tag(struct span s);
struct span fax_token(struct span s);

#endif
