/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * qmgr/qmgr.h - the scheduler with its files and packets.
 *
 *	message.c	MSG_NEW and the scan: IDs; reading a file into entries
 *	keep.c		files that were read a moment ago
 *	deliver.c	a due entry becomes a MSG_JOB
 *	outcome.c	MSG_RESULT becomes marks
 *	expire.c	whose time is over fails
 *	mark.c		marks on their way to the disk, and what follows
 *	gather.c	MSG_MARK and MSG_ACK, several in one packet
 *	report.c	failures and notices to bounce
 *	late.c		"delayed" reports
 *	act.c		what the administrator wants: hold, release, retry, bounce, remove
 *	options.c	the settings as the scheduler takes them
 *	job.c		the table of jobs
 *	peer.c		the channels, and what their breaking means
 *
 * A job is whatever has been begun for a message and is not on disk yet.  Its states:
 *	AWAY	with a worker (or bounce)
 *	NOTICE	its result is here; bounce has to commit a success notice before the mark
 *	MARKING	its marks are with queue; repeated when queue was restarted
 */
#ifndef QMGR_QMGR_H
#define QMGR_QMGR_H

#include "lib/daemon.h"
#include "lib/qfile.h"
#include "lib/result.h"
#include "qmgr/sched.h"
#include "qmgr/spool.h"

enum {
	QMGR_JOB_RCPTS = 64,		/* recipients of one job: its result must fit a packet */
	QMGR_MARKS = 400,		/* marks of one job */
	QMGR_ACKS = 64,			/* acknowledgements in one packet */
	QMGR_GATHER_MS = 5,		/* how long a mark or one of those waits for others */
	QMGR_JOBS = 16384,		/* at most this many jobs, results being marked included */
	QMGR_REPORTS = 16,		/* reports at once */
	QMGR_TURN = 64,			/* entries begun before other events get their turn */
	QMGR_SCAN_STEP = 256,		/* names read in a step of the scan */
	QMGR_STASH_MAX = 16 * 1024 * 1024,	/* octets of details kept for reports, in all */
	QMGR_RECORDS = MSG_MAX - sizeof(struct msg_job),
	QMGR_SOON_MS = 1000,		/* RESULT_SOON; doubled up to 64 times */
	QMGR_LOST_MS = 3000,		/* a job whose worker died is begun again after this */
	QMGR_AGAIN_MS = 5000,		/* what could not be done for want of memory and the like */
	QMGR_STOP_MS = 2500,		/* when told to stop: for the results of what is under way */
	QMGR_KEPT = 256,		/* files that stay open between reading and delivering */
	QMGR_KEPT_MS = 5000,		/* and for how long what was read counts */
	QMGR_ACTS = 64,			/* requests of administrators that wait */
	QMGR_ACT_TURN = 64,		/* messages of one that are begun in a turn */
	QMGR_ACT_MARKS = 256,		/* messages of one whose marks are with queue */
	QMGR_GRACE_MS = 60000		/* an expired message whose attempt is overdue gets this long,
					 * and its sender is warned after it */
};

enum job_kind { JOB_DELIVER, JOB_EXPIRE, JOB_REPORT, JOB_LATE, JOB_ACT };
enum job_state { JOB_AWAY, JOB_NOTICE, JOB_MARKING };

struct job_rcpt {
	struct slot slot;
	uint32_t n;			/* the slot's number */
	uint8_t notify;
	bool done;			/* a record came */
	struct span addr;		/* in the job's text */
};

struct job {
	struct job *same_hash;
	struct entry *entry;		/* NULL: adopted from an earlier qmgr */
	char *text;			/* sender and addresses, for the log; malloc'd or NULL */
	struct span sender;
	struct act_request *act;	/* JOB_ACT */
	struct mark *marks;
	struct buf failed, notice;	/* records for bounce */
	uint64_t size, arrival_us;	/* LATE: since when the time of the first to end counts */
	int64_t rest_ms, rest_us;	/* have_rest: when the entry is due again, both clocks */
	int64_t again_ms;		/* NOTICE, MARKING: refused, repeated then; 0: sent */
	uint32_t number, epoch, generation, nrcpt, nmark;
	uint8_t kind, state, worker;	/* worker: enum role */
	bool old_route;			/* begun by a route that is no more: counts as adopted */
	bool doubt, have_rest, soon;	/* doubt: its worker has gone; soon: RESULT_SOON */
	char id[QID_SIZE];
	struct job_rcpt rcpt[];
};

/* An open file; letter.fd -1: none. */
struct kept { struct letter letter; int64_t read_ms; };

struct option_set { struct option_set *next; struct destination d; };

/* An administrator's request, as far as it is done. */
struct act_request {
	struct act_request *next;
	uint32_t request, generation;	/* control's number for it; the channel it came by */
	uint32_t verb, n, at;		/* at: the next of act[] */
	uint32_t slot;			/* where the rest of a large message begins */
	uint32_t done, busy, gone, marking;	/* marking: jobs whose marks are not on disk yet */
	struct act act[];
};

struct qmgr;
struct peer {
	struct qmgr *q;
	struct chan chan;		/* its arg is this peer */
	enum role role;
	uint32_t generation;
	bool hello;			/* on this channel */
	bool met;			/* on any */
	uint32_t nack;			/* acknowledgements that wait */
	uint32_t ack[QMGR_ACKS];
};

struct qmgr {
	struct daemon *d;		/* its loop and settings */
	struct sched sched;
	struct peer peer[ROLE_COUNT];	/* queue, remote, local, bounce, control */
	struct scan scan;
	struct timer turn, scan_turn, slow, stop, act_turn, gather;
	uint32_t nmark;			/* marks that wait */
	_Alignas(8) unsigned char marks[MSG_MAX];	/* the struct msg_marks that they are in */
	struct kept kept[QMGR_KEPT];	/* read a moment ago and not delivered yet, each in its place */
	struct option_set *options;	/* of destinations, shared */
	struct act_request *acts, **acts_last;
	uint32_t nact;
	struct job **jobs;		/* by number */
	uint32_t njobs, nadopted, number;
	size_t stash;			/* octets of details kept with report entries */
	int dirfd;
	int64_t lifetime_ms, warn_ms;
	uint64_t delivered, deferred, failed, bounced;
	bool scanning, rescan, in_scan;
	bool stopping;			/* nothing is begun any more */
};

enum { QMGR_TABLE = 4096 };
enum { READ_AGAIN = 1 };	/* attempts of a "read" entry: the message is known already */

/* d: settings and loop, borrowed; dirfd: the queue directory, borrowed.  -1: no memory. */
int qmgr_init(struct qmgr *q, struct daemon *d, int dirfd, struct err *e);
void qmgr_free(struct qmgr *q);

/* MSG_STOP: leaves the loop when every job's result is on disk and acknowledged, or time is up: what a
 * hop takes after that would be sent to it again. */
void qmgr_stop(void *arg);

/* peer.c: a channel; fd is taken over. */
void qmgr_peer(void *arg, enum role role, uint32_t generation, int fd);
/* Sends to a peer; fd is taken over.  false: it is not there, or no memory; logged. */
bool qmgr_send(struct qmgr *q, enum role role, void *packet, uint32_t type, uint32_t id, size_t len,
    int fd);

/* message.c */
void qmgr_scan(struct qmgr *q);
void qmgr_know(struct qmgr *q, const char *id);

/* keep.c: the message's file: as it was read a moment ago, or opened now; as letter_open. */
int qmgr_letter(struct qmgr *q, const char *id, struct letter *l, struct err *e);
/* Takes l over, for qmgr_letter. */
void qmgr_keep(struct qmgr *q, struct letter *l);
/* Its slots are others now. */
void qmgr_keep_not(struct qmgr *q, const char *id);
void qmgr_keep_init(struct qmgr *q);
void qmgr_keep_nothing(struct qmgr *q);
void qmgr_read(struct qmgr *q, struct entry *en);
/* Recipients of that file that are with a worker by an adopted job: not to be begun. */
bool qmgr_adopted(const struct qmgr *q, const char *id, uint32_t slot);
/* Something should be done now: begins due entries, and sets the timer. */
void qmgr_turn(void *arg);
void qmgr_wake(struct qmgr *q);
/* The entry's file could not be opened: r and *e as letter_open said. */
void qmgr_unreadable(struct qmgr *q, struct entry *en, int r, const struct err *e);
void qmgr_forget(struct qmgr *q, struct entry *en);

/* deliver.c */
void qmgr_deliver(struct qmgr *q, struct entry *en);
struct job *job_new(struct qmgr *q, enum job_kind kind, const char *id, uint32_t nrcpt);
struct job *job_find(const struct qmgr *q, uint32_t number, const char *id);
void job_free(struct qmgr *q, struct job *j);
/* Gives it the number that its worker knows it by. */
void job_renumber(struct qmgr *q, struct job *j, uint32_t number);
/* Takes sender, addresses and slots of j->rcpt[].n over from the file; false: no memory. */
bool job_load(struct job *j, const struct letter *l);
/* The worker does not have it (any more): its entry is due again at retry_ms, the job is freed. */
void job_undo(struct qmgr *q, struct job *j, int64_t retry_ms);
/* peer.c: what a worker says it is still doing. */
int qmgr_on_inflight(struct chan *c, const void *msg, size_t len, int *fds, struct err *e);

/* outcome.c */
/* Who said what a slot keeps, where the destination is one host (RFC 3461, 6.3 h): its worker's record,
 * which would say more, is gone. */
void outcome_mta(struct rcpt_result *r, const struct entry *en, bool tried);
int qmgr_on_result(struct chan *c, const void *msg, size_t len, int *fds, struct err *e);
void outcome_log(const struct job *j, const struct job_rcpt *r, const struct rcpt_result *res);
/* class "." 1*3DIGIT "." 1*3DIGIT (RFC 3463, 2) */
bool outcome_dsn_ok(const char *s);

/* expire.c */
void qmgr_expire(struct qmgr *q, struct entry *en);

/* late.c: the sender of the entry's message is told of the delay. */
void qmgr_warn(struct qmgr *q, struct entry *en);
/* When a recipient's sender is to be told, from now in ms and the message's age; or SCHED_NEVER. */
int64_t qmgr_warn_at(const struct qmgr *q, const struct letter *l, uint32_t slot, int64_t now_ms,
    int64_t now_us);
/* Is the sender to be told, by then, that its time of delivery is over (RFC 2852, 4.1.3, by-mode N)? */
bool qmgr_by_due(const struct letter *l, uint32_t slot, int64_t by_us);
/* bounce has committed the report, or will not now. */
void qmgr_warned(struct qmgr *q, struct job *j);
void qmgr_not_warned(struct qmgr *q, struct job *j, int64_t again_ms);

/* act.c */
int qmgr_on_act(struct chan *c, const void *msg, size_t len, int *fds, struct err *e);
/* Marks of a JOB_ACT are on disk. */
void qmgr_acted(struct qmgr *q, struct job *j);
void qmgr_acts_wake(struct qmgr *q);
void qmgr_acts_free(struct qmgr *q);

/* options.c */
int qmgr_settings_init(struct qmgr *q, struct err *e);
/* q->d->conf has other settings: limits, retries, options and hours hold from now on. */
void qmgr_settings(struct qmgr *q);
void qmgr_options_free(struct qmgr *q);
const struct destination *qmgr_options(void *arg, const char *name);
bool qmgr_open(void *arg, const struct destination *opt, int64_t now, int64_t *until_ms);
int64_t qmgr_lifetime(const struct qmgr *q, const struct destination *opt);

/* gather.c */
/* The job's marks go to queue soon; they are repeated on a new channel. */
void gather_mark(struct qmgr *q, const struct job *j);
/* Its worker may forget its result soon. */
void gather_ack(struct qmgr *q, const struct job *j);
/* Now, not soon: all; the acknowledgements. */
void gather_send(struct qmgr *q);
void gather_acks_send(struct qmgr *q);
/* What waits for a peer whose channel is no more. */
void gather_forget(struct qmgr *q, struct peer *p);
void gather_init(struct qmgr *q);

/* mark.c */
void qmgr_mark(struct qmgr *q, struct job *j);
int qmgr_on_marked(struct chan *c, const void *msg, size_t len, int *fds, struct err *e);
struct mark mark_of(uint32_t n, const struct slot *s);

/* report.c */
void qmgr_report(struct qmgr *q, struct entry *en);
/* The job's marks are on disk, and some of its recipients failed.  false: no memory, to be called again. */
bool qmgr_want_report(struct qmgr *q, const struct job *j);
bool report_send(struct qmgr *q, struct job *j, const struct buf *records, uint32_t n, int fd);
/* Sends the success notices of a job, or tries later. */
void qmgr_notice(struct qmgr *q, struct job *j);
int qmgr_on_reported(struct chan *c, const void *msg, size_t len, int *fds, struct err *e);
int qmgr_on_report_refused(struct chan *c, const void *msg, size_t len, int *fds, struct err *e);
/* What a report entry knows of failures, beside the disk. */
void stash_free(struct qmgr *q, struct entry *en);
/* The details of a report that was not taken; nothing if it still has some. */
void stash_restore(struct qmgr *q, struct entry *en, const struct buf *records);

/* reload.c: lib/daemon.h's callbacks, and what belongs to them. */
void qmgr_switched(void *arg, struct conf *old);
void qmgr_stats(void *arg, struct buf *out);
/* All messages are read again: where they go may have changed. */
void qmgr_reroute(struct qmgr *q);
/* The same for one. */
void qmgr_read_again(struct qmgr *q, const char *id);
/* A message was read again: its entries for destinations that no recipient has now are forgotten. */
void qmgr_unroute(struct qmgr *q, const struct entry *read, const struct letter *l);

/* After a wait some jobs are begun or repeated; sets the timer for them. */
void job_again(struct qmgr *q, struct job *j);
/* Notes that the entry has recipients that are due then. */
void job_rest(struct job *j, int64_t rest_ms, int64_t rest_us);

/* Every job, also when the function frees it. */
void qmgr_each_job(struct qmgr *q, void (*f)(struct qmgr *, struct job *, void *), void *arg);

#endif
