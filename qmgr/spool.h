/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* qmgr/spool.h - the queue's directories, read only: what is there, and one message's file. */
#ifndef QMGR_SPOOL_H
#define QMGR_SPOOL_H

#include <dirent.h>

#include "lib/qfile.h"

/* A walk over HH/, some names at a time. */
struct scan { int dirfd; int next_dir; DIR *dir; bool failed; };

/* dirfd: the queue directory, borrowed. */
void scan_start(struct scan *s, int dirfd);
/* The next ID into id: 1; 0: that was all (s->failed: not all could be read). */
int scan_next(struct scan *s, char id[QID_SIZE]);
void scan_end(struct scan *s);

/* One message, open. */
struct letter {
	int fd;
	char id[QID_SIZE];
	struct qfile q;
	struct buf store;
	struct envelope env;
	struct slot *slot;	/* q.nslot of them, env.nrcpt is the same */
};

/*
 * 1: letter_close later; 0: there is no such message (any more).
 * -1: ERR_PERM it is no message of ours (bad/); ERR_TEMP it cannot be read now.
 */
int letter_open(int dirfd, const char *id, struct letter *l, struct err *e);
void letter_close(struct letter *l);
/* Since when that recipient's time counts, wall clock: its release by the administrator or its sender (RFC 4865), or
 * the message's arrival. */
int64_t letter_since_us(const struct letter *l, uint32_t slot);
/* How long its sender wants the message held yet. */
int64_t letter_hold_ms(const struct letter *l, int64_t now_us);

#endif
