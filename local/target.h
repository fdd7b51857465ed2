/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * local/target.h - where a recipient's mail goes, by the settings and the file system: found by the parent while it
 * still is root.
 */
#ifndef LOCAL_TARGET_H
#define LOCAL_TARGET_H

#include "lib/mailbox.h"
#include "local/parent.h"
#include "local/place.h"

enum { TARGET_ARG = 1024 };	/* octets behind the kind in a line of mailboxes, with a NUL */

struct target {
	enum mailbox_kind kind;
	char arg[TARGET_ARG];		/* as mailbox_delivery has it */
	struct mailbox_match match;	/* of the recipient that was looked for */
	struct place place;		/* MAILBOX_MAILDIR, MAILBOX_MBOX: the folder is the target's; else folder -1 */
	uid_t uid;			/* whose rights the delivery has; one that gives none to a user's files is local's own */
	gid_t gid;
};

/* The recipient's line in `mailboxes`. */
bool target_line(const struct local *l, struct span addr, struct mailbox_match *m);

/* 0: target_close is due.  -1: ERR_PERM 5.1.1, no mailbox; ERR_TEMP 4.3.5, the settings or the folders are wrong. */
int target_find(const struct local *l, struct span addr, struct target *t, struct err *e);
void target_close(struct target *t);

#endif
