/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * remote/bdat.h - a message in chunks (RFC 3030).  A hop with PIPELINING has one chunk under way when
 * the next is sent; the last goes out only when all others are known to be taken, so that its reply
 * alone decides, as the final dot's does.
 */
#ifndef REMOTE_BDAT_H
#define REMOTE_BDAT_H

#include "lib/edit.h"
#include "remote/session.h"

enum { BDAT_CHUNK = 1 << 20 };	/* octets: how late a refusal may come */

struct bdat {
	struct session *s;
	struct wire_data data;
	int64_t wait_ms;
	uint64_t left;		/* octets of the message not sent yet */
	uint64_t chunk;		/* octets of this chunk not put yet */
	uint32_t due;		/* replies */
	char line[48];
};

/*
 * Sends top, then the message of s->job, through edits unless NULL.  0: s->reply is the verdict, to the last
 * chunk or to an earlier one that was refused, and nothing more was sent (bdat_drain).  -1: lost;
 * s->dotted tells whether all of it was sent.
 */
int bdat_send(struct bdat *b, struct session *s, struct span top, const struct edit_list *edits,
    int64_t wait_ms, struct err *e);

/* Reads the replies that are still due after a refusal; s->reply is lost.  -1: no use any more. */
int bdat_drain(struct bdat *b, int64_t wait_ms);

#endif
