/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * cmd/qwalk.h - the messages of a queue's folder, one after another, whether accord runs or not.
 * Memory does not grow with their number (but for ids in order: 17 octets each).
 */
#ifndef CMD_QWALK_H
#define CMD_QWALK_H

#include "cmd/cmd.h"
#include "lib/qfile.h"

/* One message; all of it is the walk's. */
struct qitem {
	const char *id;
	int fd;
	struct qfile file;
	struct envelope env;
	struct slot *slots;
};

struct qwalk {
	/* 0 go on; 1 enough; -1 *e ends the walk. */
	int (*each)(void *arg, const struct qitem *m, struct err *e);
	/* A file that is no whole message: noted, and the walk goes on. */
	void (*bad)(void *arg, const char *id, const struct err *e);
	void *arg;
	struct buf store;		/* the walk's */
};

/* The folder: a descriptor.  -1: *e. */
int qwalk_open(const struct home *h, struct err *e);

/* All messages; in_order: oldest first, which reads all names before. */
int qwalk_all(struct qwalk *w, int queue, bool in_order, struct err *e);

/* One.  1 it was there, 0 no such message, -1 each() said so. */
int qwalk_one(struct qwalk *w, int queue, const char *id, struct err *e);

#endif
