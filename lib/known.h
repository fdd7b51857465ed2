/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/known.h - addresses that exist, as a constant database: what the setting recipients lists in files.  The
 * supervisor makes it, at start and reload, in a memory file; capd looks into it.  Keys: as address_key() writes
 * them; values: none.  And aliases: keys
 * behind an octet that no address has, without a domain for those of each domain here; values: lists (lib/alias.h).
 */
#ifndef LIB_KNOWN_H
#define LIB_KNOWN_H

#include <cdb.h>

#include "lib/conf.h"

/* --- to make one --- */

struct known_make { struct cdb_make cdb; uint64_t n, naliases; };

/* Into fd, which stays the caller's and is empty. */
int known_make_start(struct known_make *m, int fd, struct err *e);
/* One more address; twice is harmless.  -1: memory, or ERR_PERM for what is none. */
int known_make_add(struct known_make *m, struct span addr, struct err *e);
/* Frees what it holds, in any case. */
int known_make_end(struct known_make *m, struct err *e);

/*
 * Adds what the lines of the setting recipients list in files, whose paths lie below dir_fd.  -1: ERR_PERM
 * "recipients:LINE: FILE:LINE: what was expected".
 */
int known_make_recipients(struct known_make *m, const struct conf *c, int dir_fd, struct err *e);

/*
 * Adds the aliases of the files that the lines of the setting aliases name, with what their lists include from
 * others (lib/known_alias.c).  -1: ERR_PERM "aliases:LINE: FILE:LINE: what was expected".
 */
int known_make_aliases(struct known_make *m, const struct conf *c, int dir_fd, struct err *e);

/* Does anything of the settings belong into such a database? */
bool known_is_wanted(const struct conf *c);

/* --- to look into one --- */

struct known { struct cdb cdb; };

/* Takes fd over, also on failure. */
int known_open(struct known *k, int fd, struct err *e);
void known_close(struct known *k);
/* 1: the address is there; 0: not; -1: the database is damaged (ERR_TEMP). */
int known_has(const struct known *k, struct span addr, struct err *e);
/* The same of an alias: of addr's own domain, else of all domains here.  *list points into the database. */
int known_alias(const struct known *k, struct span addr, struct span *list, struct err *e);

#endif
