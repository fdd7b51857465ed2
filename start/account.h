/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * start/account.h - who each process runs as.  As root: one account per process, or one for all by
 * -u; else the user who started it.
 */
#ifndef START_ACCOUNT_H
#define START_ACCOUNT_H

#include <sys/types.h>

#include "lib/msg.h"

struct account { uid_t uid; gid_t gid, extra; bool has_extra; };
struct accounts {
	bool change;			/* root: take on the account after fork */
	struct account of[ROLE_COUNT];	/* ROLE_START's: the logger, and the owner of mail/ */
};

/* user: of -u, or NULL.  -1: ERR_PERM that says which account is missing and what creates it. */
int accounts_find(struct accounts *a, const char *user, struct err *e);

/* In a child: becomes that account for good. */
int account_take(const struct accounts *a, enum role r, struct err *e);

/* Root's capabilities that the supervisor and accord-local do without from here on are dropped. */
int account_trim(struct err *e);

#endif
