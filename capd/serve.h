/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* capd/serve.h - answers questions about recipients, on a channel for each asking process. */
#ifndef CAPD_SERVE_H
#define CAPD_SERVE_H

#include "capd/directory.h"
#include "lib/daemon.h"

enum { CAPD_UNREAD = 64 };	/* answers that wait for an asker to read them */

struct asker;

struct capd {
	struct daemon *daemon;
	struct directory directory;
	struct chan parent[ROLE_COUNT];	/* smtpd and local bring sessions; control asks itself */
	struct asker *askers;
	uint64_t answers, hits;
	uint32_t nasker;
	struct capsdb next_db;		/* of settings that are not in force yet */
	bool have_next;
};

/* Takes the channels and caps.cdb from the daemon.  -1: it cannot start. */
int capd_open(struct capd *c, struct daemon *d, struct err *e);

/* One more asking process, for tests too.  fd is taken over. */
int capd_add_asker(struct capd *c, int fd, struct err *e);

#endif
