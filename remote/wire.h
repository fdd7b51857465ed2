/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * remote/wire.h - the connection to a hop: blocking calls with a ceiling on each wait (RFC 5321,
 * 4.5.3.2), which also notice that our own parent has gone.
 */
#ifndef REMOTE_WIRE_H
#define REMOTE_WIRE_H

#include "lib/confline.h"
#include "lib/reply.h"
#include "lib/tls.h"

enum {
	WIRE_IN = 16384,		/* octets read ahead */
	WIRE_OUT = 1 << 20,		/* octets of a pipelined group of commands */
	WIRE_PIECES = 64		/* of message data in one call */
};

struct wire {
	int fd;				/* -1: not connected */
	struct tls *tls;		/* NULL: in clear */
	int parent;			/* watched for its end; -1: none */
	bool orphan;			/* the parent has gone: why the last call failed */
	int64_t until_ms;		/* no wait goes beyond; 0: each has its own ceiling alone */
	struct buf out;			/* commands not sent yet */
	size_t from, to;		/* what is unread in in */
	unsigned char in[WIRE_IN];
};

void wire_init(struct wire *w, int parent);

/* Drops the connection without a word; what was to be sent too.  Twice is harmless. */
void wire_close(struct wire *w);
void wire_free(struct wire *w);

/* -1: ERR_TEMP 4.4.1. */
int wire_connect(struct wire *w, const struct netaddr *to, int64_t wait_ms, struct err *e);

/*
 * Lays t over the connection, and says its handshake; what the hop has said before in clear is dropped, for it could be
 * anybody's.  t is taken over in every case, and lives until wire_close.  -1: ERR_TEMP 4.7.0, 4.4.2.
 */
int wire_secure(struct wire *w, struct tls *t, int64_t wait_ms, struct err *e);

/* Adds to what is to be sent. */
int wire_add(struct wire *w, struct span s, struct err *e);

/* Sends what was added; reads what comes meanwhile, so that two full sockets do not wait for each
 * other (RFC 2920, 3.1).  -1: ERR_TEMP 4.4.2; the connection is of no use then. */
int wire_flush(struct wire *w, int64_t wait_ms, struct err *e);

/* One reply.  -1: ERR_TEMP 4.4.2 lost or too late; ERR_PROTO as reply_feed. */
int wire_reply(struct wire *w, struct reply *r, int64_t wait_ms, struct err *e);

/* Is there anything to read already? */
static inline bool
wire_unread(const struct wire *w)
{
	return w->from < w->to;
}

/* Has the hop said or done anything unasked (closed, 421)?  Does not wait. */
bool wire_stirs(struct wire *w);

/*
 * Message data: pieces go out as they lie, with dots doubled at the start of lines (RFC 5321, 4.5.2)
 * and CRLF added if the last line has none.  wait_ms: for each call to send (4.5.3.2.5).
 */
struct wire_iov { const unsigned char *p; size_t n; };
struct wire_data {
	struct wire *w;
	int64_t wait_ms;
	struct wire_iov piece[WIRE_PIECES];
	unsigned n;
	unsigned char last[2];		/* octets written last */
	uint64_t total;			/* octets of the message so far, without doubled dots */
	bool raw;			/* BDAT: nothing is added */
};
void wire_data_start(struct wire_data *d, struct wire *w, int64_t wait_ms);
/* piece must stay where it is until wire_data_end.  An LF alone counts as a line's end here: a dot
 * behind it is doubled too, so that no reader sees an end where there is none. */
int wire_data_put(struct wire_data *d, struct span piece, struct err *e);
/* Sends what was put; raw data has no other end. */
int wire_data_flush(struct wire_data *d, struct err *e);
/* Sends the rest and the final dot. */
int wire_data_end(struct wire_data *d, struct err *e);

#endif
