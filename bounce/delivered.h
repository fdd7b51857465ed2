/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * bounce/delivered.h - a message as it was delivered here, where it was converted on its way into the
 * mailbox (RFC 4141, 3, note).  convertd is asked for that conversion once more, and its edit list is
 * checked as by whoever sends what convertd makes: against what any conversion of the message may cut.
 */
#ifndef BOUNCE_DELIVERED_H
#define BOUNCE_DELIVERED_H

#include "lib/chan.h"
#include "lib/converter.h"
#include "lib/headedit.h"

struct delivered {
	struct buf key;			/* of the conversion; "": none is wanted, or none is to be had */
	struct converter_message of;	/* borrows fd and id */
	struct edited own;		/* fd is its, where the message has header edits */
	struct converter_plan bounds;
	struct converter_edits edits;	/* .list.n == 0: not there yet */
};

/* A wish; d: zeroes.  edited: the message as its header edits make it, or empty: it has none.  -1: ERR_TEMP
 * memory. */
int delivered_want(struct delivered *d, struct span key, int fd, uint64_t len, const char *id,
    struct span edited, struct err *e);
/* Twice is harmless. */
void delivered_free(struct delivered *d);

/*
 * The steps: each sends the next request by c under that number.  -1: it is not to be had (*e), and the
 * wish is dropped.  fd: of the answer, taken over if it is used.
 */
int delivered_ask(struct delivered *d, struct chan *c, uint32_t request, struct err *e);
int delivered_bounds(struct delivered *d, struct chan *c, uint32_t request, const struct msg_planned *m,
    int *fd, struct err *e);
int delivered_edits(struct delivered *d, const struct msg_planned *m, int *fd, struct err *e);

/* Appends what was delivered to out, an empty buffer.  message: all of it.  -1: no memory, or
 * out's ceiling. */
int delivered_text(const struct delivered *d, struct span message, struct buf *out, struct err *e);

#endif
