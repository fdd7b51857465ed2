/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * capd/store.h - what capd keeps itself of recipients, one entry after another, in its own folder: what
 * their owners say ("own"), and what reports said ("learned").  Nobody else writes there.
 */
#ifndef CAPD_STORE_H
#define CAPD_STORE_H

#include "capd/directory.h"

enum { STORE_FRESH_S = 24 * 3600 };	/* what a report repeats within that time is not written again */

struct store {
	struct capslog log;
	bool open;			/* false: the file cannot be read; nothing is kept, or changed */
};

/* dir_fd: the folder, borrowed; -1: there is none.  What is wrong with the file is logged. */
void store_open(struct store *s, int dir_fd);

/* What a directory looks into: NULL where it is not open. */
const struct capslog *store_log(const struct store *s);

/*
 * Does what m says; addr and text follow it, of the lengths that it gives.  d: the directory in force.
 * 0: it is on the disk.  -1: nothing has changed, for the person who asks.
 */
int store_set(struct store *s, const struct directory *d, const struct msg_cap_set *m, struct err *e);

#endif
