/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * local/maildir.h - one message into one Maildir, durable before it is said to be delivered.
 */
#ifndef LOCAL_MAILDIR_H
#define LOCAL_MAILDIR_H

#include "local/letter.h"

struct maildir {
	int dir;			/* the Maildir itself */
	int file;			/* tmp, open for writing */
	char name[128], tmp[192];	/* tmp: "tmp/NAME.…", of this delivery alone */
	struct letter letter;		/* what is put in it goes into the file */
};

/*
 * Opens a file in tmp/ of the Maildir `rest` below folder, making what is missing (mode 0700).  The
 * name in new/ is made of the message's ID, so that a message delivered again after a crash takes the
 * place of the first copy; in tmp/ each delivery has its own, since the process of the first may
 * still be at work.  binary: as in letter_init.  The message is put into m->letter.  -1: ERR_TEMP 4.2.0.
 */
int maildir_begin(struct maildir *m, int folder, const char *rest, const char *name, bool binary, struct err *e);

/*
 * Opens the folder `name` of that Maildir, beside new/.  make: it is made if it is missing, and so is what holds it;
 * else -1 with ENOENT in e->sys.  The descriptor is the caller's.  -1: ERR_TEMP 4.2.0.
 */
int maildir_beside(int folder, const char *rest, const char *name, bool make, struct err *e);

/* Ends the letter, syncs, moves to new/.  0: it survives a power cut. */
int maildir_commit(struct maildir *m, struct err *e);

/* Closes; removes the file in tmp/ if it was not committed.  Harmless at any time after maildir_begin. */
void maildir_end(struct maildir *m);

#endif
