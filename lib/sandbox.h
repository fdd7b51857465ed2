/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/sandbox.h - what each process may do once it has what it needs: Landlock for files, seccomp
 * allow-lists for calls, resource limits.  The table in sandbox.c is the whole policy.  A sandbox
 * that cannot be had is an error, so the process does not start.
 */
#ifndef LIB_SANDBOX_H
#define LIB_SANDBOX_H

#include "lib/err.h"
#include "lib/span.h"

enum sandbox_role {
	SB_QUEUE, SB_FLUSH,	/* the queue's directories, read and write */
	SB_QMGR,		/* the queue's directories, read only */
	SB_SMTPD, SB_SMTPD_SESSION,	/* no files; inherited connections; the parent forks */
	SB_REMOTE, SB_REMOTE_SESSION,	/* no files; the session: TCP out */
	SB_RESOLVER,		/* no files; UDP and TCP to the name servers */
	SB_LOCAL, SB_LOCAL_JOB,	/* parent: forks and sets ids; job: one mailbox folder */
	SB_LOCAL_LMTP,		/* a job that has no files, and connections out */
	SB_BOUNCE,		/* no files */
	SB_CAPD,		/* its one folder */
	SB_LEARN, SB_LEARN_REPORT,	/* no files; the child: one report, and a channel up */
	SB_OFFER, SB_OFFER_JOB,	/* its one folder; the child: one message, channels up and to convertd */
	SB_KEY,			/* no files; nothing but channels */
	SB_AUTH, SB_AUTH_LOGIN,	/* no files; the child: one login */
	SB_EXPAND,		/* no files */
	SB_LDAP, SB_LDAP_WORKER,	/* no files; the worker: TCP to its directory */
	SB_CONVERTD, SB_CONVERT_JOB,	/* no files; the job: memory, its two descriptors */
	SB_CONTROL,		/* no files; its listening socket is inherited */
	SB_LOG,			/* writes what it is sent */
	SB_COUNT
};

/* A folder that stays usable: an open descriptor of it. */
struct sandbox_dir { int fd; bool write; };

/*
 * Confines this process for good.  dirs: for the roles that have files.  landlock_optional: the
 * setting nolandlock; then its lack is logged, not refused.  -1: ERR_TEMP, nothing may go on.
 */
int sandbox_enter(enum sandbox_role role, const struct sandbox_dir *dirs, size_t n,
    bool landlock_optional, struct err *e);

#endif
