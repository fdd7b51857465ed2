/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/features.h - media feature sets: RFC 2533 as corrected by RFC 2738, hashed references of
 * RFC 2938, the fax schema of RFC 2879.  Pure: no I/O.  Work on hostile text is bounded by the
 * FEAT_MAX_* limits; what goes over one is an error, never a wrong answer.
 */
#ifndef LIB_FEATURES_H
#define LIB_FEATURES_H

#include "lib/buf.h"

enum {
	FEAT_MAX_TEXT = 65536,		/* octets of one expression */
	FEAT_MAX_DEPTH = 32,		/* nested parentheses */
	FEAT_MAX_CONJUNCTIONS = 4096	/* of a normal form */
};

enum feat_flag {
	FEAT_STRICT = 1,	/* the grammar to the letter; else RFC 2879's own slips are read too */
	FEAT_CLAIM = 2,		/* what a recipient accepts: expanded by the fax rules, see below */
	FEAT_DOCUMENT = 4	/* what a document is: normalised by the fax rules, not expanded */
};

/* A feature set in canonical disjunctive normal form; immutable. */
struct feat;

/*
 * Parses text to its normal form.  FEAT_CLAIM and FEAT_DOCUMENT normalise what fax texts spell in
 * several ways: TIFF-S … as image-file-structure, scan widths 1728/200, 1728/204 … as nominal
 * paper widths; FEAT_CLAIM besides expands TIFF to TIFF-limited and TIFF-minimal, and 200x100 =
 * 204x98, 200x200 = 204x196, 400x400 = 408x391 for bi-level (RFC 3949 2.2.2).
 * 0: *out is the caller's, freed by feat_free.  -1: ERR_PERM 5.6.0 with "column N" (from 1) in the
 * text; ERR_TEMP when memory is short.
 */
int feat_parse(struct span text, unsigned flags, struct feat **out, struct err *e);
void feat_free(struct feat *f);

/* The set of everything: an expression that constrains nothing.  NULL: no memory. */
struct feat *feat_any(void);

/* Intersection and union, new sets.  -1: a limit (ERR_PERM 5.6.0) or memory (ERR_TEMP). */
int feat_and(const struct feat *a, const struct feat *b, struct feat **out, struct err *e);
int feat_or(const struct feat *a, const struct feat *b, struct feat **out, struct err *e);

/* Is the intersection not empty?  1, 0, or -1 as feat_and; stops at the first conjunction found. */
int feat_match(const struct feat *a, const struct feat *b, struct err *e);

/* Is every member of a in b (RFC 2880, 5: A AND B equals A)?  1, 0, -1. */
int feat_within(const struct feat *a, const struct feat *b, struct err *e);

/* No member at all. */
bool feat_empty(const struct feat *f);

/* Nothing is constrained: every document matches. */
bool feat_is_any(const struct feat *f);

/* The same set written in the same canonical form. */
bool feat_same(const struct feat *a, const struct feat *b);

/* Appends the canonical text: conjunctions sorted by tag; it parses to the same set. */
int feat_print(const struct feat *f, struct buf *out, struct err *e);

/*
 * Appends text broken to lines for SMTP replies or header folding: pieces of at most max octets,
 * broken only directly before "(" or after ")", never in a quoted string (RFC 4141 6; digest a.3).
 * Calls piece(arg, view, last) for each.  -1: text has no legal break within max, or piece failed.
 */
int feat_pieces(struct span text, size_t max,
    int (*piece)(void *arg, struct span s, bool last, struct err *e), void *arg, struct err *e);

/* RFC 2938: the name "h." + 26 characters of the MD5 of the text without white space. */
void feat_hash(struct span text, char out[29]);

#endif
