/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/headedit.h - header edits: what was added to a message's fields, or left out of them, when it was accepted.
 * They are in its envelope; its octets stay as they came.  Whoever reads the message reads it through them.
 * An edit is, little-endian: uint64 where in the message, uint32 octets left out there, uint32 octets of what
 * stands there instead, and those: whole lines, or a piece of one.  Ascending, not overlapping.
 */
#ifndef LIB_HEADEDIT_H
#define LIB_HEADEDIT_H

#include "lib/buf.h"

enum {
	HEADEDIT_MESSAGE = 64 * 1024 * 1024,	/* octets of a message that may have some: readers copy it */
	HEADEDIT_MAX = 4096,		/* edits of a message: two for each part, and some */
	HEADEDIT_OCTETS = 4 * 1024 * 1024	/* of all of them */
};

struct headedit { uint64_t at; uint32_t cut; struct span text; };

/* Appends one.  -1: ERR_PERM 5.6.0 over a limit; ERR_TEMP. */
int headedit_add(struct buf *out, uint64_t at, uint32_t cut, struct span text, struct err *e);

/* Takes the next one off *rest.  false: none is left, or what is there is none. */
bool headedit_next(struct span *rest, struct headedit *out);

/* Are they edits, in order, within limits, and of text that may stand in a header: no NUL, no CR or LF but CRLF? */
bool headedit_ok(struct span edits);

/*
 * Appends message as it is to be read.  prefix: message is only how it begins: edits behind its end are left
 * out; else -1 ERR_PERM 5.3.5: they reach beyond it.
 */
int headedit_apply(struct span edits, struct span message, bool prefix, struct buf *out, struct err *e);

/* Appends the edits of a message that has n octets more before it, for who copies it behind a field of his own. */
int headedit_shift(struct span edits, uint64_t n, struct buf *out, struct err *e);

/* A message as it is to be read, in a sealed memfd.  All zero but fd -1: none. */
struct edited { int fd; void *map; size_t n; };

/* -1: as headedit_apply, or no memory; *out is none then. */
int edited_open(struct span edits, struct span message, struct edited *out, struct err *e);
/* Twice is harmless. */
void edited_close(struct edited *x);
static inline struct span
edited_view(const struct edited *x)
{
	return (struct span){ x->map, x->n };
}

#endif
