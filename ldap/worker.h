/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * ldap/worker.h - the process that asks one directory: it alone holds its connection, its password and libldap's
 * state.  Searches run side by side; what libldap waits for itself (a connection, TLS, a bind) has its limits, and
 * the parent ends who goes beyond them.
 */
#ifndef LDAP_WORKER_H
#define LDAP_WORKER_H

#include "lib/ldapfile.h"

enum {
	WORKER_SEARCHES = 64,		/* under way at once */
	WORKER_REST_MS = 2000,		/* after both servers failed: questions have no answer at once */
	WORKER_ANSWER = 1 << 20		/* octets of one answer of a server */
};

struct worker {
	struct ldap_line line;
	struct ldap_secrets secrets;
	int up;				/* to the parent */
	int resolver;			/* or -1 */
	bool landlock_optional;
};

/* Confines itself, serves until the parent has gone, and ends. */
_Noreturn void worker_run(const struct worker *w);

#endif
