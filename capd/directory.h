/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * capd/directory.h - what is known of recipients: their capabilities, by the sources of the setting
 * capsources in order, and whether a mailbox of ours has the address.
 */
#ifndef CAPD_DIRECTORY_H
#define CAPD_DIRECTORY_H

#include "capd/ldap.h"
#include "capd/probe.h"
#include "lib/capsdb.h"
#include "lib/address.h"
#include "lib/conf.h"
#include "lib/known.h"

struct directory {
	const struct conf *conf;
	const struct capslog *log;	/* what capd keeps itself; NULL: it cannot be read */
	const struct probe *probe;	/* what other hosts said; NULL: nobody asks them */
	const struct ldap *ldap;	/* what directories said; NULL likewise */
	struct capsdb db;
	struct known known;
	bool have_db, have_known;
};

/* caps_fd: caps.cdb, or -1 for none; taken over.  -1: it is no such file; the directory is then
 * usable, without it. */
int directory_open(struct directory *d, const struct conf *conf, const struct capslog *log,
    const struct probe *probe, const struct ldap *ldap, int caps_fd, struct err *e);

/* Another caps.cdb (taken over) in place of the one before; on failure that one stays. */
int directory_replace(struct directory *d, int caps_fd, struct err *e);

/* A database that is open (moved), or NULL for none, in place of the one before. */
void directory_take(struct directory *d, const struct capsdb *db);

/* Is source one of the setting capsources? */
bool directory_asks(const struct directory *d, enum cap_source source);

/*
 * What has to be asked of others before all is known; nothing is begun here.  ASKED_DUE: to be asked, ASKED_NOW: it
 * is being asked, and an answer may come soon; else there is nothing to wait for.
 */
struct directory_want {
	enum asked_state probe, ldap;
	struct span line;		/* of a directory to be asked */
	size_t naddr;
	unsigned char addr[2 * ADDRESS_MAX];	/* and whom about: perhaps without an extension */
};

/*
 * The capabilities of addr by the first source that knows them: CAP_KNOWN with the text (valid until
 * the directory changes), CAP_ANY for one who takes everything, CAP_NONE; CAP_TEMP where none knows and
 * one cannot answer now.  *want, which starts zeroed: where the source probe, and no source before it knows, or a
 * directory would have to be asked, or is; until then it says nothing, and what a source behind a directory knows
 * may not be what counts.
 */
void directory_find(const struct directory *d, struct span addr, uint64_t now_s, struct cap_entry *out,
    struct directory_want *want);

/* Known addresses that are open (moved), or NULL for none, in place of those before. */
void directory_take_known(struct directory *d, const struct known *known);

/*
 * Is there such an address, as far as this host knows: 1 it is, 0 not, 2 it cannot be told now?  Of domains here
 * (locals) it is one that mail can be delivered to; of others, one that the setting recipients has.  An address
 * with an extension is there if it is without.
 */
int directory_known(const struct directory *d, struct span addr, struct directory_want *want);

#endif
