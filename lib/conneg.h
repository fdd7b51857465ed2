/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * conneg.h - libconneg: media feature sets of RFC 2533 (with RFC 2738), for those who negotiate content.
 * libconneg(3) explains it.
 *
 * No I/O, no state: a function depends on its arguments alone, and any number of threads may read one
 * set.  Work and memory of a call are bounded; what goes over a bound is an error, never a wrong answer.
 */
#ifndef CONNEG_H
#define CONNEG_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A feature set; immutable.  Whoever was given one frees it with conneg_free. */
struct conneg_set;

enum {
	CONNEG_MAX_TEXT = 65536,	/* octets of one expression */
	CONNEG_BEST = 1000,		/* quality 1: qualities are told in thousandths */
	CONNEG_HASH_SIZE = 29,		/* octets of a hashed name, with the NUL */
	CONNEG_DIS_OCTETS = 13		/* of a DIS, with bit 98 */
};

enum conneg_flag {
	CONNEG_STRICT = 1,	/* the grammar to the letter; else known slips are read too */
	CONNEG_CLAIM = 2,	/* what a recipient accepts: what follows for fax is added */
	CONNEG_DOCUMENT = 4,	/* what a document is: the spellings of fax are made one */
	CONNEG_OWN_DPI = 8	/* with CONNEG_CLAIM: no resolution but those that are written */
};

enum conneg_kind {
	CONNEG_REFUSED = 1,	/* the text or the bits are wrong, or over a limit */
	CONNEG_MEMORY = 2	/* there is none; may work later */
};

/* Why a function failed; set only then.  Wherever one is asked for, it may be NULL. */
struct conneg_error {
	enum conneg_kind kind;
	char text[200];		/* printable ASCII; of conneg_parse "column N: ", from 1, and the fault */
};

/* 0: *out is the caller's.  -1.  A set without members is no error. */
int conneg_parse(const char *text, size_t n, unsigned flags, struct conneg_set **out,
    struct conneg_error *e);
void conneg_free(struct conneg_set *s);		/* NULL is harmless */

/* The set of everything.  NULL: no memory. */
struct conneg_set *conneg_any(void);

/* Text that conneg_parse reads as the same set, with a NUL, to be freed by free(3).  NULL: failed. */
char *conneg_print(const struct conneg_set *s, struct conneg_error *e);

/* The form, a new set, whose text is the same for all equal sets and for no others.  0, -1. */
int conneg_canonical(const struct conneg_set *s, struct conneg_set **out, struct conneg_error *e);

/* Intersection and union, new sets; a member is as good as where it is worse, and as where it is
 * better.  0, -1. */
int conneg_and(const struct conneg_set *a, const struct conneg_set *b, struct conneg_set **out,
    struct conneg_error *e);
int conneg_or(const struct conneg_set *a, const struct conneg_set *b, struct conneg_set **out,
    struct conneg_error *e);

/* 1: yes, 0: no, -1: failed. */
int conneg_match(const struct conneg_set *a, const struct conneg_set *b, struct conneg_error *e);
int conneg_within(const struct conneg_set *a, const struct conneg_set *b, struct conneg_error *e);
int conneg_equal(const struct conneg_set *a, const struct conneg_set *b, struct conneg_error *e);

/* 1: *q is the best quality that a and b have in common, 0 to CONNEG_BEST; 0: they have nothing; -1. */
int conneg_rank(const struct conneg_set *a, const struct conneg_set *b, int *q, struct conneg_error *e);

/* Is there no member; is every document one?  1 or 0. */
int conneg_is_empty(const struct conneg_set *s);
int conneg_is_any(const struct conneg_set *s);

/* RFC 2938: the name by which the text can be referred to. */
void conneg_hash(const char *text, size_t n, char name[CONNEG_HASH_SIZE]);

/* RFC 2880: the information field of T.30's DIS or DTC, bit 1 the lowest of the first octet. */
int conneg_from_dis(const unsigned char *dis, size_t n, struct conneg_set **out, struct conneg_error *e);
/* 1: dis has bits all of whose promises s keeps; 0: s lacks what every fax machine takes; -1. */
int conneg_to_dis(const struct conneg_set *s, unsigned char dis[CONNEG_DIS_OCTETS], struct conneg_error *e);

#ifdef __cplusplus
}
#endif

#endif
