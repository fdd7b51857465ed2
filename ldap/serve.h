/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * ldap/serve.h - asks directories for capd: a process for each, begun when it is first asked.  This one, their
 * parent, parses nothing that came from outside; what a worker says is passed on only if it was asked.
 */
#ifndef LDAP_SERVE_H
#define LDAP_SERVE_H

#include <sys/types.h>

#include "ldap/worker.h"
#include "lib/daemon.h"

enum {
	LDAP_STUCK_MS = 15 * 1000,	/* a worker that leaves all questions unanswered for so long is killed */
	LDAP_AGAIN_MS = 1000		/* from the end of a worker to the next */
};

struct ldapd;

struct directory {			/* one of settings in force, or of those before while a worker is asked */
	struct ldapd *ldapd;
	unsigned char name[SHA256_DIGEST];
	struct buf text, secrets;	/* its line; its password and authorities, which `worker` points into */
	struct worker worker;
	pid_t pid;			/* 0: none */
	struct chan chan;
	struct timer stuck;
	int64_t again_ms;		/* no new worker before that */
	uint32_t asked[WORKER_SEARCHES], nasked;	/* questions under way */
};

struct ldapd {
	struct daemon *daemon;
	struct chan capd, resolver;
	struct directory *directory[LDAPLINE_MAX], *next[LDAPLINE_MAX];	/* in force; of a reload */
	uint64_t questions, failures, deaths;
};

/* Takes channels and the file "ldap" from the daemon.  -1: it cannot start. */
int ldapd_open(struct ldapd *l, struct daemon *d, struct err *e);

#endif
