/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * capd/directory.h - what is known of recipients: their capabilities, by the sources of the setting
 * capsources in order, and whether a mailbox of ours has the address.
 */
#ifndef CAPD_DIRECTORY_H
#define CAPD_DIRECTORY_H

#include "capd/probe.h"
#include "lib/capsdb.h"
#include "lib/conf.h"
#include "lib/known.h"

struct directory {
	const struct conf *conf;
	const struct capslog *log;	/* what capd keeps itself; NULL: it cannot be read */
	const struct probe *probe;	/* what other hosts said; NULL: nobody asks them */
	struct capsdb db;
	struct known known;
	bool have_db, have_known;
};

/* caps_fd: caps.cdb, or -1 for none; taken over.  -1: it is no such file; the directory is then
 * usable, without it. */
int directory_open(struct directory *d, const struct conf *conf, const struct capslog *log,
    const struct probe *probe, int caps_fd, struct err *e);

/* Another caps.cdb (taken over) in place of the one before; on failure that one stays. */
int directory_replace(struct directory *d, int caps_fd, struct err *e);

/* A database that is open (moved), or NULL for none, in place of the one before. */
void directory_take(struct directory *d, const struct capsdb *db);

/* Is source one of the setting capsources? */
bool directory_asks(const struct directory *d, enum cap_source source);

/*
 * The capabilities of addr by the first source that knows them: CAP_KNOWN with the text (valid until
 * the directory changes), CAP_ANY for one who takes everything, CAP_NONE; CAP_TEMP where none knows and
 * one cannot answer now.  *probe: PROBE_DUE or PROBE_ASKED where no source before it knows, and the source
 * probe would have to be asked, or is: it says nothing then, and nothing is begun here.  Else PROBE_NEVER or
 * PROBE_COUNTS.
 */
void directory_find(const struct directory *d, struct span addr, uint64_t now_s, struct cap_entry *out,
    enum probe_state *probe);

/* Known addresses that are open (moved), or NULL for none, in place of those before. */
void directory_take_known(struct directory *d, const struct known *known);

/*
 * Is there such an address, as far as this host knows: 1 it is, 0 not, 2 it cannot be told now?  Of domains here
 * (locals) it is one that mail can be delivered to; of others, one that the setting recipients has.  An address
 * with an extension is there if it is without.
 */
int directory_known(const struct directory *d, struct span addr);

#endif
