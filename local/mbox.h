/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * local/mbox.h - one message at the end of an mbox file, durable before it is said to be delivered.  Lines "From ",
 * behind any number of ">", get one ">" more (mboxrd).  The file is locked by NAME.lock and by fcntl(2).  While a
 * message is written, the lock says where it begins; whoever delivers next after a crash finds that and cuts off
 * what is there of it.
 */
#ifndef LOCAL_MBOX_H
#define LOCAL_MBOX_H

#include "local/letter.h"

enum {
	MBOX_WAIT_MS = 30 * 1000,	/* for the locks */
	MBOX_STALE_S = 600,		/* a lock of others that is older is nobody's */
	MBOX_LINE = 768			/* octets of a line "From SENDER DATE" */
};

struct mbox {
	int dir;			/* its folder; borrowed */
	int file, lock;			/* -1: not open */
	char name[256], lock_name[264];
	int64_t start;			/* where the message begins */
	bool written;			/* something of it may be in the file */
	struct letter letter;		/* what is put in it goes there */
	struct buf out;			/* waits to be written */
	bool in_line, blank;		/* behind the start of a line, as far as it is decided; the last octet was LF */
	size_t more, from;		/* octets of ">*" and of "From " seen at the start of a line */
};

/*
 * Locks the file `name` in the folder, makes it if it is missing (mode 0600), and writes its line "From ", with the
 * time at.  sender: of the envelope, "" for a report.  binary: as in letter_init.  mbox_end in every case.
 * -1: ERR_TEMP 4.2.0; 4.3.5 for what is no file of its own.
 */
int mbox_begin(struct mbox *m, int dir, const char *name, struct span sender, int64_t at_us, bool binary, struct err *e);

/* Ends the letter, syncs, unlocks.  0: it survives a power cut. */
int mbox_commit(struct mbox *m, struct err *e);

/* Closes; cuts off what was not committed.  Harmless at any time after mbox_begin. */
void mbox_end(struct mbox *m);

#endif
