/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * local/line.h - the connection to an LMTP server: blocking calls with a ceiling on each wait, which also
 * notice that our own parent has gone.
 */
#ifndef LOCAL_LINE_H
#define LOCAL_LINE_H

#include "lib/reply.h"

enum {
	LINE_IN = 8192,			/* octets read ahead */
	LINE_OUT = 1 << 20		/* octets that wait to be sent */
};

struct line {
	int fd;				/* -1: not connected */
	int parent;			/* watched for its end */
	struct buf out;
	size_t from, to;		/* what is unread in in */
	unsigned char in[LINE_IN];
};

void line_init(struct line *l, int parent);
void line_free(struct line *l);
/* Drops the connection without a word. */
void line_close(struct line *l);

/* to: the server, as lib/mailbox.h has it.  -1: ERR_TEMP 4.4.1. */
int line_connect(struct line *l, const char *to, int64_t wait_ms, struct err *e);

/* Adds to what is to be sent. */
int line_add(struct line *l, struct span s, struct err *e);
/* Sends it.  wait_ms: for each call to send.  -1: ERR_TEMP 4.4.2. */
int line_flush(struct line *l, int64_t wait_ms, struct err *e);

/* One reply.  -1: ERR_TEMP 4.4.2; ERR_PROTO as reply_feed. */
int line_reply(struct line *l, struct reply *r, int64_t wait_ms, struct err *e);

#endif
