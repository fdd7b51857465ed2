/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* convertd/edits.h - an edit list (lib/edit.h) as it grows, in the order of the message.  Pure. */
#ifndef CONVERTD_EDITS_H
#define CONVERTD_EDITS_H

#include "lib/edit.h"

struct edits {
	struct span message;
	struct edit *row;	/* owned */
	size_t n, cap;
	struct buf text;	/* what is inserted; owned */
	uint64_t at;		/* up to here the message is dealt with */
	uint64_t size;
};

/* Where in the message s starts. */
uint64_t edits_offset(const struct edits *x, struct span s);

/* Copies what stands before `off`. */
int edits_copy_to(struct edits *x, uint64_t off, struct err *e);

/* Copies what stands before s, and leaves s out. */
int edits_cut(struct edits *x, struct span s, struct err *e);

/* Inserts what was added to x->text since it had `from` octets, before octet `off`. */
int edits_insert(struct edits *x, uint64_t off, enum edit_op op, size_t from, struct err *e);

#endif
