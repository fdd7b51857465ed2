/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* local/place.h - where a mailbox is, and whose: found by the parent while it still is root. */
#ifndef LOCAL_PLACE_H
#define LOCAL_PLACE_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/err.h"

enum { PLACE_PATH = 1024, PLACE_LINKS = 16 };	/* octets of a path; links that are followed */

/* The nearest folder that exists, opened, its owner, and the path from there. */
struct place { int folder; char rest[PLACE_PATH]; uid_t uid; gid_t gid; };

/*
 * Walks path from home (or from the root).  as_root: the mailbox is its folder's owner's, who must
 * not be root; and a link that a user can make leads only to folders of that same user, or a user
 * could have mail written in another's name.  0: p->folder is the caller's.
 * -1: ERR_TEMP, 4.3.5 for what the administrator has to put right.
 */
int place_find(int home, const char *path, bool as_root, struct place *p, struct err *e);

/*
 * The same of a file: p->rest is its name, or with "/" where its folder does not exist.  as_root: where the folder is
 * root's and no place for everybody's files, a file that is there already is its own owner's.
 */
int place_find_file(int home, const char *path, bool as_root, struct place *p, struct err *e);

#endif
