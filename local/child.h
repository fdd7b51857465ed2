/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* local/child.h - a process of one delivery: what it gets from the parent, and its life. */
#ifndef LOCAL_CHILD_H
#define LOCAL_CHILD_H

#include "local/target.h"

struct child {
	const struct local *local;
	const struct worker_job *work;	/* NULL: an inquiry, */
	bool question;			/* which is only about what a machine takes */
	const char *id;
	int message_fd;
	const struct envelope *env;
	const uint32_t *slots;		/* the recipients: all in one target */
	uint32_t nslot;
	const struct target *target;
	const struct negotiation *options;
	int up, capd, convertd, program;	/* its channels; all but up: -1, none */
};

/* In the process that was forked for it: takes on the target's rights and no more, delivers, says up what came of it. */
_Noreturn void child_run(const struct child *c);

/* Does it matter whether a message is a report? */
bool local_learns(const struct local *l);

#endif
