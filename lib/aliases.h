/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/aliases.h - which addresses of ours stand for others, by the settings: lines of mailboxes with alias:, and the
 * files of aliases, in the supervisor's database (lib/known.h).  Of an address that both have, the file counts: it may
 * name the mailbox besides.
 */
#ifndef LIB_ALIASES_H
#define LIB_ALIASES_H

#include "lib/known.h"

struct aliases {
	const struct conf *conf;	/* borrowed; changes in place with a reload */
	struct known now, next;		/* next: of a reload that is not in force yet */
	bool have, have_next;
};

/* fd: the database, taken over, or -1 for none.  -1: *e; there are then no files of aliases. */
int aliases_open(struct aliases *a, const struct conf *conf, int fd, struct err *e);
/* The steps of a reload: the new database (fd as above), then one of the others. */
int aliases_check(struct aliases *a, int fd, struct err *e);
void aliases_switch(struct aliases *a);
void aliases_keep(struct aliases *a);
void aliases_close(struct aliases *a);

/* true: addr stands for those in *list (lib/alias.h), which points into the settings. */
bool aliases_find(const struct aliases *a, struct span addr, struct span *list);

/* The same by the files alone, with or without an extension. */
bool aliases_in_files(const struct aliases *a, struct span addr, struct span *list);

/* Is addr of a domain that is delivered here (locals)? */
bool aliases_ours(const struct aliases *a, struct span addr);

/* Has addr a mailbox besides, into which mail to it can go as it is? */
bool aliases_box(const struct aliases *a, struct span addr);

/* Do the settings name that very address, as an alias or a mailbox? */
bool aliases_named(const struct aliases *a, struct span addr);

/* Are two addresses of ours one? */
bool aliases_same(struct span a, struct span b);

#endif
