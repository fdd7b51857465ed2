/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/features.h - media feature sets: RFC 2533 as corrected by RFC 2738, hashed references of
 * RFC 2938, the fax schema of RFC 2879, T.30's DIS of RFC 2880.  For others than accord: lib/conneg.h.
 * Pure: no I/O.  Work on hostile text is bounded by the FEAT_MAX_* limits; what goes over one is an
 * error, never a wrong answer.
 */
#ifndef LIB_FEATURES_H
#define LIB_FEATURES_H

#include "lib/buf.h"

enum {
	FEAT_MAX_TEXT = 65536,		/* octets of one expression */
	FEAT_MAX_DEPTH = 32,		/* nested parentheses */
	FEAT_MAX_CONJUNCTIONS = 4096,	/* of a normal form */
	FEAT_BEST = 1000,		/* quality 1, the highest: qualities are told in thousandths */
	FEAT_DIS_OCTETS = 13		/* of T.30's DIS, with bit 98 */
};

enum feat_flag {
	FEAT_STRICT = 1,	/* the grammar to the letter; else known slips are read too */
	FEAT_CLAIM = 2,		/* what a recipient accepts: expanded by the fax rules, see below */
	FEAT_DOCUMENT = 4,	/* what a document is: normalised by the fax rules, not expanded */
	FEAT_OWN_DPI = 8	/* with FEAT_CLAIM: no resolution but those that are written */
};

/* Profile S of RFC 3949: what a fax receiver takes of whom nothing else is known (RFC 3965, 4). */
#define FEAT_PROFILE_S "(& (color=Binary) (image-file-structure=TIFF-minimal) (image-coding=MH) )"

/*
 * A feature set in disjunctive normal form; immutable.  Each member has a quality (RFC 2533, 3.6),
 * 0 to FEAT_BEST, which ranks it among the members and never keeps it out: that of the best
 * conjunction it is in.
 */
struct feat;

/*
 * Parses text to its normal form.  FEAT_CLAIM and FEAT_DOCUMENT normalise what fax texts spell in
 * several ways: TIFF-S … as image-file-structure, scan widths 1728/200, 1728/204 … as nominal
 * paper widths; FEAT_CLAIM besides expands TIFF to TIFF-limited and TIFF-minimal, and 200x100 =
 * 204x98, 200x200 = 204x196, 400x400 = 408x391 for bi-level (RFC 3949 2.2.2), and where it names file
 * structures or codings and no type takes image/tiff and image/tiff-fx alone.  A document with dpi
 * and no dpi-xyratio has square pixels (RFC 2879 3.2).  Type values become lower case in any mode.
 * The slips: > for >=, < for <=, ")" too many at the end, and ")" missing at the end if a ")" is
 * what the text ends in (else a value may have been cut off).
 * A quality value counts at the top level (RFC 2533, 3.7): that of the outermost filter, of the
 * alternatives of an outermost "|", and so on inwards, where the innermost is the clause's; FEAT_BEST
 * where none is.  Elsewhere, within "&" and "!", it is checked and means nothing.
 * An expression that nothing satisfies is no error: feat_empty.
 * 0: *out is the caller's, freed by feat_free.  -1: ERR_PERM 5.6.0 with "column N" (from 1) in the
 * text; ERR_TEMP when memory is short.
 */
int feat_parse(struct span text, unsigned flags, struct feat **out, struct err *e);
void feat_free(struct feat *f);

/* The set of everything: an expression that constrains nothing.  NULL: no memory. */
struct feat *feat_any(void);

/*
 * Intersection and union, new sets.  -1: a limit (ERR_PERM 5.6.0) or memory (ERR_TEMP).
 * RFC 2533, 3.7, has no rule for qualities that meet.  Here a member of the intersection has the worse
 * of its two and one of the union the better, so both commute, a set with itself is that set, and
 * what has no qualities, as a document, leaves the other's as they are.
 */
int feat_and(const struct feat *a, const struct feat *b, struct feat **out, struct err *e);
int feat_or(const struct feat *a, const struct feat *b, struct feat **out, struct err *e);

/*
 * f, with base's constraints on all features that f says nothing of, conjunction by conjunction: what a
 * Content-Alternative stands for beside the content that is there (RFC 3297, 4).  A new set; -1 as feat_and.
 */
int feat_inherit(const struct feat *f, const struct feat *base, struct feat **out, struct err *e);

/* Is the intersection not empty?  1, 0, or -1 as feat_and; stops at the first conjunction found. */
int feat_match(const struct feat *a, const struct feat *b, struct err *e);

/*
 * How well does b take a: the best quality that a common member has in the intersection.
 * 1: *q is it; 0: there is no common member; -1 as feat_and.
 */
int feat_rank(const struct feat *a, const struct feat *b, int *q, struct err *e);

/* Is every member of a in b, if only in several conjunctions together?  1, 0, -1 as feat_and. */
int feat_within(const struct feat *a, const struct feat *b, struct err *e);

/* No member at all. */
bool feat_empty(const struct feat *f);

/* Nothing is constrained: every document matches, at whatever quality. */
bool feat_is_any(const struct feat *f);

/* The same conjunctions.  Sets that were written in other ways may be equal and not the same. */
bool feat_same(const struct feat *a, const struct feat *b);

/* Have a and b the same members, each of the same quality?  1, 0, or -1 as feat_canonical. */
int feat_equal(const struct feat *a, const struct feat *b, struct err *e);

/*
 * The canonical form, a new set: those of two sets are the same, and print the same text, exactly if
 * the two are equal.  Some sets need a form, or a way to it, that is exponentially larger than their
 * text: -1 as feat_and when one goes over a limit, which is higher for what feat_equal needs.
 */
int feat_canonical(const struct feat *f, struct feat **out, struct err *e);

/*
 * Appends its text: conjunctions sorted by quality and tag, which FEAT_STRICT parses to the same form;
 * registered names as they are registered, others in lower case.  -1: more than FEAT_MAX_TEXT or
 * than out may hold (ERR_PERM), or memory; out is as it was.
 */
int feat_print(const struct feat *f, struct buf *out, struct err *e);

/*
 * Breaks text for SMTP replies or header folding: pieces of 1 to max octets without white space at
 * their ends, broken only directly before "(" or after ")", or behind a comma of a set that is longer
 * than max, never in a quoted string, so that a join with or without spaces means the same.  Calls
 * piece(arg, view into text, last) for each.
 * -1: no such break within max, nothing in text, a control octet within a piece (ERR_PERM 5.6.0);
 * or piece failed, whose error it is.
 */
int feat_pieces(struct span text, size_t max,
    int (*piece)(void *arg, struct span s, bool last, struct err *e), void *arg, struct err *e);

/*
 * Appends text as the body of a header field, behind the colon of a name of so many octets: folded by
 * feat_pieces to lines of 76 octets, where it cannot be to lines of up to 990, with the last line's CRLF.
 * -1: as feat_pieces and buf_add; out is as it was.
 */
int feat_fold(struct span text, size_t name, struct buf *out, struct err *e);

/*
 * RFC 2880: what a fax machine says in a DIS or DTC frame of T.30, its information field.  Bit 1 is the
 * lowest of the first octet; bits that are not there are 0; those that do not speak of images (transmission,
 * extension bits 24, 32 …) are not looked at.  Nothing is said of image-file-structure, which a fax
 * machine does not have.
 * -1: ERR_PERM 5.6.0, bits that T.30 does not allow together, or as feat_and.
 */
int feat_from_dis(struct span dis, struct feat **out, struct err *e);

/*
 * Back: bits such that all that they promise is in f, and to which none can be added, in the order that
 * bits are tried here; features that no bit speaks of (image-file-structure, ua-media …) do not count,
 * nor do qualities.  Bits that would say nothing, and those that do not speak of images, are 0.
 * 1: dis has them; 0: f lacks what every fax machine takes, so none would be true; -1 as feat_and.
 */
int feat_to_dis(const struct feat *f, unsigned char dis[FEAT_DIS_OCTETS], struct err *e);

/*
 * RFC 2938: the name "h." + 26 characters for the MD5 of the text without white space and in upper
 * case, but for quoted strings.  An inline definition with another hash is an error of feat_parse.
 */
void feat_hash(struct span text, char out[29]);

#endif
