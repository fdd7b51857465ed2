/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/worker.h - the worker's half of the job protocol with qmgr (lib/msg.h): jobs come in, results
 * are kept and repeated until qmgr acknowledged them; a new qmgr first hears what is under way.
 */
#ifndef LIB_WORKER_H
#define LIB_WORKER_H

#include "lib/chan.h"
#include "lib/msg.h"

struct worker_job {
	struct worker_job *next;
	uint32_t number;		/* qmgr's */
	bool done;			/* the result below waits for its acknowledgement */
	struct msg_job *packet;		/* owned: struct msg_job + slots, as it came */
	size_t packet_len;
	struct msg_result *result;	/* owned: MSG_MAX octets; once it is done, struct msg_result + records */
	size_t result_len;
	void *owner;			/* the daemon's, while the job runs */
};

struct worker {
	struct loop *loop;
	struct chan qmgr;
	struct worker_job *jobs;	/* under way */
	struct worker_job *done, **done_last;	/* not acknowledged, the oldest first */
	/* A new job; message_fd is the callee's.  It ends with worker_done, maybe at once. */
	void (*start)(void *arg, struct worker_job *job, int message_fd);
	void *arg;
};

void worker_init(struct worker *w, struct loop *l,
    void (*start)(void *, struct worker_job *, int), void *arg);

/* A channel to qmgr, the first or a new one: says INFLIGHT, repeats results, says HELLO. */
int worker_connect(struct worker *w, int fd, struct err *e);

/* The job's slots: packet->n of them. */
const uint32_t *worker_slots(const struct worker_job *job);

/*
 * The job is over: records as lib/result.h writes them, n of them; bad_file: nothing was tried,
 * the file is damaged.  Kept until acknowledged.  -1: the job stays in flight; ERR_PROTO: the records
 * are not that many, or not of this job's slots, or malformed (qmgr would cut this process off, again
 * with each repetition).
 */
int worker_done(struct worker *w, struct worker_job *job, struct span records, uint32_t n,
    bool bad_file, struct err *e);

/* Is nothing under way, and everything acknowledged? */
bool worker_idle(const struct worker *w);

#endif
