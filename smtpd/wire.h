/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * smtpd/wire.h - the connection: lines and octets in, replies out, each wait bounded.  Replies wait
 * until what was read is used up (RFC 2920 3.2), or until wire_flush.
 */
#ifndef SMTPD_WIRE_H
#define SMTPD_WIRE_H

#include "lib/buf.h"
#include "lib/tls.h"

enum {
	WIRE_IN = 32768,	/* octets read at a time */
	WIRE_OUT = 4096,	/* of replies that wait */
	WIRE_LINE = 2048	/* of a command line with its CRLF; limits per verb are below this */
};

enum wire_status {
	WIRE_OK,
	WIRE_BAD,	/* a line too long, or with a bare CR, bare LF or NUL; it is read over */
	WIRE_GONE,	/* the client hung up */
	WIRE_TIMEOUT,
	WIRE_STOP	/* this process is to end */
};

struct wire {
	int fd;				/* borrowed; any stream socket */
	struct tls *tls;		/* borrowed; NULL: octets go in clear text */
	int ctl;			/* the parent's channel, watched while waiting; -1: none */
	/* Called when ctl can be read; sets timeout_ms, or stop. */
	void (*on_ctl)(void *arg);
	void *arg;
	int64_t timeout_ms;		/* for a whole line, or for the next octets of a message */
	int64_t due_ms;			/* clock_ms() when the transaction must be over; 0: none */
	/*
	 * clock_ms() when a message must have come, 0: never; each octet read since moves it on by
	 * a millisecond, so whoever sends keeps its place, and who trickles does not.
	 */
	int64_t patience_ms, read_n;
	bool stop;			/* end at the next command; a message under way has due_ms */
	bool in_data;
	bool broken;			/* writing failed: the rest is dropped */
	bool too_long;			/* why WIRE_BAD */
	size_t in_at, in_n, out_n;
	unsigned char out[WIRE_OUT];
	unsigned char in[WIRE_IN];
};

/* Forgets an earlier connection. */
void wire_init(struct wire *w, int fd, int ctl, int64_t timeout_ms);

/*
 * The client begins TLS, which is as far as the handshake is concerned t's; from then on all goes through it.
 * What was read in clear text is forgotten, *dropped octets (RFC 3207, 5: it could be anybody's).  WIRE_BAD: *e.
 */
enum wire_status wire_handshake(struct wire *w, struct tls *t, size_t *dropped, struct err *e);

/* The next line without its CRLF; *line lives until the next call. */
enum wire_status wire_line(struct wire *w, struct span *line);

/* What has been read and not been taken; at least one octet with WIRE_OK. */
enum wire_status wire_octets(struct wire *w, struct span *octets);

/* Takes n of them. */
void wire_take(struct wire *w, size_t n);

/* Overwrites what has been taken, wherever it lies: it was a secret. */
void wire_wipe(struct wire *w);

/* Reads 1 to cap octets into out, as they come. */
enum wire_status wire_read(struct wire *w, unsigned char *out, size_t cap, size_t *n);

/* Reads over n octets. */
enum wire_status wire_skip(struct wire *w, uint64_t n);

/* Has the client hung up, so that nothing is left to be read and nobody is there to be answered? */
bool wire_gone(struct wire *w);

/* Appends to what waits to be sent. */
void wire_put(struct wire *w, struct span s);
void wire_flush(struct wire *w);

#endif
