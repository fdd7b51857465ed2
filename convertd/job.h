/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * convertd/job.h - one job, one process: forked, limited, confined, and gone.  The child reads the
 * hostile content; the parent sees a fixed struct of how it ended and the memfd it wrote, whose
 * size it checks and which it seals.
 */
#ifndef CONVERTD_JOB_H
#define CONVERTD_JOB_H

#include <sys/types.h>

#include "convertd/form.h"
#include "lib/msg.h"

/* What is to be done; owned by whoever made it, order_free. */
struct order {
	uint32_t type;			/* MSG_PLAN, MSG_CONVERT, MSG_DESCRIBE */
	char id[QID_SIZE];
	int fd;				/* the message, or the image */
	uint64_t len;			/* octets of it that count */
	struct buf text;		/* capabilities or key, unless they are in text_fd */
	int text_fd;			/* or -1 */
	uint32_t text_len, ncaps;
	uint32_t flags;			/* of struct msg_plan */
	uint32_t record, transfer;	/* of struct msg_convert */
};
void order_free(struct order *o);

/* How jobs are run; one for all of them. */
struct job_rules {
	struct limits max;
	const char *me;			/* for Content-Previous */
	uint64_t out_octets;		/* of a memfd */
	uint32_t wall_ms;		/* after which a child is killed */
	/* The work itself, in the child: appends the answer to out. */
	int (*work)(const struct job_rules *r, const struct order *o, struct span content,
	    struct span text, struct buf *out, struct err *e);
	/* Before it, for a MSG_PLAN: what the plan may name at most (ranges.h); NULL: not asked. */
	int (*bounds)(struct span content, struct buf *out, struct err *e);
	/* Confines the child; NULL: not at all (tests). */
	int (*confine)(const struct job_rules *r, struct err *e);
	bool landlock_optional;
};

/* A running job. */
struct job_child {
	pid_t pid;
	int status;			/* non-blocking: readable when it ended */
	int memfd;
	int bounds;			/* memfd of the bounds, which the child seals; or -1 */
};

/* Plans, converts or describes: what job_rules.work is in earnest. */
int job_work(const struct job_rules *r, const struct order *o, struct span content,
    struct span text, struct buf *out, struct err *e);

/* Forks.  -1: ERR_TEMP 4.6.5; nothing is left open. */
int job_start(const struct job_rules *r, const struct order *o, struct job_child *c, struct err *e);

/*
 * Ends a child whose status is readable, or that has run too long (late).  0: *len octets are in
 * c->memfd, which is cut to them and sealed, and is the caller's.  -1: *e says why: what the child
 * said, ERR_PERM 5.6.5 if it died.  cpu_ms: what it used.
 */
int job_end(const struct job_rules *r, struct job_child *c, bool late, uint64_t *len,
    uint64_t *cpu_ms, struct err *e);

#endif
