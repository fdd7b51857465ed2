/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * local/maildir.h - one message into one Maildir, durable before it is said to be delivered.
 * Lines end in LF there, but for those of a binary body, whose every octet stays (RFC 3030 3); older
 * Return-Path and Original-Recipient fields give way to ours (RFC 5321 4.4, RFC 8098 2.3).
 */
#ifndef LOCAL_MAILDIR_H
#define LOCAL_MAILDIR_H

#include "lib/buf.h"

enum {
	MAILDIR_HEADER = 1024 * 1024,	/* octets of a header that is searched for Return-Path */
	MAILDIR_CHUNK = 65536
};

struct maildir {
	int dir;			/* the Maildir itself */
	int file;			/* tmp, open for writing */
	char name[128], tmp[192];	/* tmp: "tmp/NAME.…", of this delivery alone */
	struct buf out;			/* waits to be written */
	struct buf header;		/* until its end is seen */
	bool in_body, cr;
	bool binary;			/* set by the caller behind maildir_begin: BODY=BINARYMIME */
};

/*
 * Opens a file in tmp/ of the Maildir `rest` below folder, making what is missing (mode 0700).  The
 * name in new/ is made of the message's ID, so that a message delivered again after a crash takes the
 * place of the first copy; in tmp/ each delivery has its own, since the process of the first may
 * still be at work.  -1: ERR_TEMP 4.2.0.
 */
int maildir_begin(struct maildir *m, int folder, const char *rest, const char *name, struct err *e);

/*
 * Opens the folder `name` of that Maildir, beside new/.  make: it is made if it is missing, and so is what holds it;
 * else -1 with ENOENT in e->sys.  The descriptor is the caller's.  -1: ERR_TEMP 4.2.0.
 */
int maildir_beside(int folder, const char *rest, const char *name, bool make, struct err *e);

/* Fields of our own, CRLF lines, before the message's first octet. */
int maildir_put_own(struct maildir *m, struct span fields, struct err *e);

/* Octets of the message as queued, in order. */
int maildir_put(struct maildir *m, struct span piece, struct err *e);

/* Flushes, syncs, moves to new/.  0: it survives a power cut. */
int maildir_commit(struct maildir *m, struct err *e);

/* Closes; removes the file in tmp/ if it was not committed.  Harmless at any time after maildir_begin. */
void maildir_end(struct maildir *m);

#endif
