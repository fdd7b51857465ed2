/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * remote/job.h - one message for one next hop: what qmgr sent, the file it came with, and for each
 * recipient what is known so far and what became of it.
 */
#ifndef REMOTE_JOB_H
#define REMOTE_JOB_H

#include "lib/headedit.h"
#include "lib/msg.h"
#include "lib/qfile.h"
#include "lib/result.h"
#include "remote/decide.h"

struct capset;

struct target {
	const struct rcpt *rcpt;	/* in the envelope */
	uint16_t attempts;		/* earlier ones */
	uint8_t conneg_tries;		/* spent in them */
	bool done;			/* res says what became of it */
	bool no_dsn;			/* the hop refused the DSN parameters of its RCPT */
	struct rcpt_result res;
	struct buf detail;
	/* of the transaction under way */
	bool bare;			/* RCPT goes without CONNEG */
	bool repeat;			/* CONNEG was refused: RCPT once more, bare */
	bool asked;			/* the RCPT that was taken had CONNEG */
	bool accepted;			/* RCPT was taken; of a probe: or refused for its CONNEG alone */
	bool again;			/* too many recipients: in the next transaction */
	bool elsewhere;			/* that one is the next host's; res says what this one said */
	/* of the last one that asked */
	enum rcpt_caps caps;
	struct capset *set;		/* of CAPS_GIVEN, CAPS_OURS; the negotiation's */
	struct rcpt_decision decision;
	/* of the job */
	bool looked_up;			/* in our directory, where that counts */
	struct capset *ours;		/* what that says of it; or NULL: nothing */
	enum cap_source source;		/* of ours */
};

struct job {
	uint32_t number;
	char id[QID_SIZE];
	char dest[JOB_DEST];
	bool last_try;
	int fd;				/* the message, owned */
	void *map, *copy;		/* the whole file; or what a small message is */
	struct qfile q;
	struct span message;		/* in map or copy, or in edited */
	struct edited edited;		/* it has header edits; map and copy are none then */
	struct buf store;
	struct envelope env;
	struct slot *slot;
	struct target *target;		/* owned */
	uint32_t ntarget;
	int64_t start_ms;
	bool open, bad_file;
	bool no_dsn;			/* the hop refused the DSN parameters of MAIL */
	bool no_drucof;			/* it refused DRUCOF, though it offers that */
};

enum {
	JOB_MAX_RCPT = 160,	/* so that the results fit one packet */
	JOB_READ_MAX = 262144	/* octets of a message that is read; a larger one is mapped */
};

/* Once in a process that serves jobs: what a message took is kept for the next one's. */
void job_memory(void);

/*
 * From a MSG_JOB packet of len octets; takes fd over.  Only what the packet says is checked: *job
 * then has targets to give results for.  -1: ERR_PROTO (no targets), ERR_TEMP.
 */
int job_take(struct job *job, const struct msg_job *m, size_t len, int fd, struct err *e);

/*
 * Opens and checks the file: footer, envelope, slots, CRC.  -1: nothing may be tried; what must be
 * reported stands in the targets' results already, or bad_file is set.
 */
int job_open(struct job *job, struct err *e);
/* In place of that: the job has no message, and one recipient, of a null sender.  -1: ERR_TEMP. */
int job_blank(struct job *job, struct span addr, struct err *e);
void job_free(struct job *job);

/* The verdict on a target, unless it has one. */
void job_settle(struct target *t, enum outcome outcome, uint16_t code, const char *dsn,
    const char *mta, const char *text);
/* The same for an error, a reply's with its code: ERR_PERM fails, anything else defers. */
void job_settle_err(struct target *t, const char *mta, const struct err *e);
/* A detail line "name: value"; cut to what is allowed. */
void job_detail(struct target *t, const char *name, struct span value);

bool job_over(const struct job *job);

/* Appends the MSG_RESULT packet (its header left to ipc_send), never over MSG_MAX. */
int job_result(const struct job *job, struct buf *out, struct err *e);

#endif
