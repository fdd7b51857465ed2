/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "convertd/edits.h"

#include <stdlib.h>

static int
edits_add(struct edits *x, enum edit_op op, uint64_t off, uint64_t len, struct err *e)
{
	if (len == 0)
		return 0;
	if (x->n == EDIT_MAX_OPS)
		return err_set(e, ERR_PERM, "5.6.5", "message: too many edits");
	if (x->n == x->cap) {
		size_t cap = x->cap == 0 ? 32 : x->cap * 2;
		struct edit *row = realloc(x->row, cap * sizeof *row);

		if (row == NULL)
			return err_sys(e, "edits");
		x->row = row;
		x->cap = cap;
	}
	x->row[x->n++] = (struct edit){ (uint8_t)op, off, len };
	x->size += len;
	return 0;
}

uint64_t
edits_offset(const struct edits *x, struct span s)
{
	return (uint64_t)(s.p - x->message.p);
}

int
edits_copy_to(struct edits *x, uint64_t off, struct err *e)
{
	if (off > x->at && edits_add(x, EDIT_COPY, x->at, off - x->at, e) == -1)
		return -1;
	x->at = off;
	return 0;
}

int
edits_cut(struct edits *x, struct span s, struct err *e)
{
	if (edits_copy_to(x, edits_offset(x, s), e) == -1)
		return -1;
	x->at += s.n;
	return 0;
}

int
edits_insert(struct edits *x, uint64_t off, enum edit_op op, size_t from, struct err *e)
{
	if (off > x->at && edits_copy_to(x, off, e) == -1)
		return -1;
	return edits_add(x, op, from, x->text.n - from, e);
}
