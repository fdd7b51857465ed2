/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "remote/bdat.h"

#include <stdio.h>

#include "remote/smtp.h"

/* Reads replies until no more than `most` are due.  0; 1 a chunk was refused; -1 lost. */
static int
bdat_replies(struct bdat *b, uint32_t most, struct err *e)
{
	while (b->due > most || (b->due > 0 && wire_unread(&b->s->w))) {
		if (wire_reply(&b->s->w, &b->s->reply, b->wait_ms, e) == -1)
			return -1;
		b->due--;
		if (b->s->reply.code / 100 != 2)
			return 1;
	}
	return 0;
}

static int
bdat_start(struct bdat *b, struct err *e)
{
	uint32_t ahead = b->s->hop.ext & HOP_PIPELINING ? 1 : 0;
	bool last = b->left <= BDAT_CHUNK;
	int r = bdat_replies(b, last ? 0 : ahead, e);

	if (r != 0)
		return r;
	b->chunk = last ? b->left : BDAT_CHUNK;
	snprintf(b->line, sizeof b->line, "BDAT %llu%s\r\n", (unsigned long long)b->chunk,
	    last ? " LAST" : "");
	return wire_data_put(&b->data, span_str(b->line), e);
}

static int
bdat_put(void *arg, struct span piece, struct err *e)
{
	struct bdat *b = arg;
	int r;

	while (piece.n > 0) {
		struct span now;

		if (b->chunk == 0 && (r = bdat_start(b, e)) != 0)
			return r;
		now = span_sub(piece, 0, piece.n < b->chunk ? piece.n : (size_t)b->chunk);
		if (wire_data_put(&b->data, now, e) == -1)
			return -1;
		piece = span_sub(piece, now.n, piece.n);
		b->chunk -= now.n;
		b->left -= now.n;
		if (b->chunk > 0)
			continue;
		if (wire_data_flush(&b->data, e) == -1)
			return -1;
		b->due++;
	}
	return 0;
}

int
bdat_send(struct bdat *b, struct session *s, struct span top, const struct edit_list *edits,
    int64_t wait_ms, struct err *e)
{
	struct span message = s->job->message;
	int r;

	*b = (struct bdat){ .s = s, .wait_ms = wait_ms,
	    .left = top.n + (edits != NULL ? edits->size : message.n) };
	wire_data_start(&b->data, &s->w, SMTP_WAIT_BLOCK);
	b->data.raw = true;
	r = bdat_put(b, top, e);
	if (r == 0)
		r = edits != NULL ? edit_walk(edits, message, bdat_put, b, e) : bdat_put(b, message, e);
	if (r == 0) {
		s->dotted = true;
		r = bdat_replies(b, 0, e);
	}
	return r == -1 ? -1 : 0;
}

int
bdat_drain(struct bdat *b, int64_t wait_ms)
{
	struct err ignored;	/* the verdict is known; what follows changes nothing */

	b->wait_ms = wait_ms;
	while (b->due > 0) {
		b->due--;
		if (wire_reply(&b->s->w, &b->s->reply, b->wait_ms, &ignored) == -1)
			return -1;
	}
	return 0;
}
