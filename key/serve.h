/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * key/serve.h - signs for smtpd's sessions, on a channel for each, with keys that no process has which reads from
 * outside; and keeps the TLS sessions that clients may resume.
 */
#ifndef KEY_SERVE_H
#define KEY_SERVE_H

#include "key/kept.h"
#include "key/sign.h"
#include "lib/daemon.h"

enum { KEY_UNREAD = 4 };	/* answers that wait for a session to read them */

struct keyd {
	struct daemon *daemon;
	struct chan smtpd;		/* which brings sessions */
	struct keys now, next, before;	/* in force; of a reload; of the settings before, for sessions that have them */
	struct kept kept;
	uint32_t nsession;
	uint64_t signatures, refused, resumed;
};

/* Takes channels and keys from the daemon.  -1: it cannot start. */
int keyd_open(struct keyd *k, struct daemon *d, struct err *e);

/* One more session, for tests too.  fd is taken over. */
int keyd_add_session(struct keyd *k, int fd, struct err *e);

#endif
