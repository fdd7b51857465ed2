/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* capd/serve.h - answers questions about recipients, on a channel for each asking process. */
#ifndef CAPD_SERVE_H
#define CAPD_SERVE_H

#include "capd/store.h"
#include "lib/daemon.h"

enum {
	/* How long a question waits for another host's answer, less than its asker waits for ours: of smtpd's sessions,
	 * of the others.  Who waited in vain is answered at once for a while: he may name hundreds. */
	CAPD_WAIT_SMTPD_MS = 1500, CAPD_WAIT_MS = 4000, CAPD_REST_MS = 60 * 1000,
	CAPD_REST_LDAP_MS = 5 * 1000,	/* the same, if it was for a directory */
	CAPD_UNREAD = 64,	/* answers that wait for an asker to read them */
	CAPD_OLD_MAX = 8	/* settings that are no more, and that sessions still have */
};

/* Settings that are no more: sessions that began with them are answered by them. */
struct old_settings {
	struct old_settings *next;
	uint32_t number, askers;
	struct conf conf;
	struct directory directory;
};

/* A session process of smtpd, local or remote; or who asks by control. */
struct asker {
	struct asker *next, **prev;
	struct capd *capd;
	struct chan chan, *to;		/* its own, but for who asks by control; where answers go */
	enum role parent;
	uint32_t settings;		/* the number of those its session has */
	struct buf held;		/* its question, which waits for another host; empty: none does */
	struct timer patience;		/* until that is answered all the same */
	int64_t rest_ms;		/* until then none of its questions waits */
};

struct capd {
	struct daemon *daemon;
	struct store store;
	struct probe probe;
	struct ldap ldap;
	struct directory directory;
	struct chan parent[ROLE_COUNT];	/* smtpd and local bring sessions; control asks itself */
	struct asker *askers, person;	/* person: asks by control, one question at a time */
	uint64_t answers, hits;
	uint32_t number;		/* of the settings in force */
	uint32_t nasker;
	struct old_settings *old;	/* the youngest first */
	struct directory next;		/* not open: over the daemon's next settings */
	struct capsdb next_db;		/* of settings that are not in force yet */
	struct known next_known;
	bool have_next, have_next_known;
};

/* Takes the channels, caps.cdb and the folder caps from the daemon.  -1: it cannot start. */
int capd_open(struct capd *c, struct daemon *d, struct err *e);

/* What answers a session that has the settings of that number. */
const struct directory *capd_directory(struct capd *c, uint32_t number);

/* One more asking process, of that parent, that has the settings of that number, for tests too.  fd is taken over. */
int capd_add_asker(struct capd *c, int fd, enum role parent, uint32_t settings, struct err *e);

#endif
