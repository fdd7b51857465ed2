/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/caplines.h"

#include "lib/features.h"

struct caplines { struct buf *out; unsigned n; size_t octets; };

static int
caplines_add(void *arg, struct span piece, bool last, struct err *e)
{
	struct caplines *c = arg;

	(void)last;
	c->octets += CAPLINES_HEAD + piece.n + 2;
	if (++c->n > CAPLINES_MAX || c->octets > CAPLINES_OCTETS)
		return err_set(e, ERR_PERM, "5.3.4", "expected at most %d lines, or %d octets, in an answer to "
		    "CONNEG", CAPLINES_MAX, CAPLINES_OCTETS);
	for (size_t i = 0; i < piece.n; i++)
		if (piece.p[i] < 0x20 || piece.p[i] > 0x7e)
			return err_set(e, ERR_PERM, "5.6.0", "expected printable text in an answer to CONNEG");
	return buf_add(c->out, piece, e) == -1 ? -1 : buf_add_byte(c->out, '\n', e);
}

int
caplines_make(struct span filter, struct buf *out, struct err *e)
{
	struct caplines c = { out, 0, CAPLINES_LINE };

	return feat_pieces(filter, CAPLINES_TEXT, caplines_add, &c, e);
}
