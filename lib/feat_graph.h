/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/feat_graph.h - a feature set as a decision diagram; private to feat_*.c.
 *
 * A cell asks for the value of one feature and has branches, whose sets of values have nothing in common
 * and are all values together; an end tells the quality, or that there is no member.  On every way
 * features come in one order, no two branches of a cell lead to the same cell, and cells that are equal
 * are one.  So two sets have the same members of the same qualities exactly if they have the same cell:
 * Bryant, Graph-Based Algorithms for Boolean Function Manipulation (1986), with sets of values in the
 * place of 0 and 1.  A set may need very many cells; then struct work ends it.
 */
#ifndef LIB_FEAT_GRAPH_H
#define LIB_FEAT_GRAPH_H

#include "lib/feat_impl.h"

enum {
	GRAPH_MAX_KEYS = 512,		/* features in all: how deep a walk goes */
	GRAPH_BUCKETS = 8192
};

struct cell;
struct branch { const struct vset *set; struct cell *to; };
struct cell {
	struct cell *next;		/* in its bucket */
	const struct branch *b;		/* sorted by set */
	uint32_t n, key;		/* branches, and the index of the feature; an end: 0, GRAPH_MAX_KEYS */
	int q;				/* an end: the quality; -1: no member */
	uint64_t hash;
	uint32_t asked;			/* what feat_canon.c found here when it last asked */
	const struct vset *found;
};

struct graph {
	struct work *w;
	const struct term **keys;	/* of each feature a term that has its key, in order */
	size_t nkey;
	struct cell **cells;		/* GRAPH_BUCKETS of them, as of the next */
	struct joined **joined;
};

/* Of the features that l's members constrain. */
int graph_init(struct graph *g, struct work *w, const struct list *l);

/* The cell of a list of g's features.  NULL: *w->e is set. */
struct cell *graph_cell(struct graph *g, const struct list *l);

#endif
