/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * queue/queue.h - the queue: the one process that writes in the queue's directories.
 *
 *	session.c	OPEN, COMMIT, ABANDON of those who bring messages
 *	intake.c	one message that its session has closed: lent to it; its COMMIT: lease, length, envelope, tail
 *	flush.c		gathers what waits into batches for the workers, and answers
 *	company.c	whether a batch waits for more to join it
 *	worker.c	the workers: processes that wait for the disk
 *	strategy.c	how a batch is made durable here
 *	mark.c		recipients' slots; a message whose slots are all final is unlinked
 *	cache.c		what is known of messages, so that a mark costs few calls
 *	setup.c		directories, lock, the largest ID so far
 *
 * A message's file:  tmp/ID (open) -> tmp/ID (finished, waits) -> HH/ID (named by a worker, then
 * durable) -> gone, or bad/ID.  Only a durable one is answered with COMMITTED.
 */
#ifndef QUEUE_QUEUE_H
#define QUEUE_QUEUE_H

#include "lib/chan.h"
#include "lib/qfile.h"

#include <stddef.h>
#include <sys/types.h>

enum {
	SESSION_OPEN_MAX = 16,		/* messages a session may have open at once */
	SESSIONS_SPARE_FDS = 64,	/* descriptors that no session may take */
	FLUSH_COMMITS = 400,		/* messages in a batch */
	FLUSH_MARKS = 400,		/* marked files in a batch */
	EACH_MARKS = 32,		/* the same where each costs a flush of its own */
	EACH_WORKERS = 4,
	COMPANY_MS = 8,			/* a commit waits so long at most for others to share its flush */
	COMPANY_RECENT_MS = 50,		/* who was answered within this is expected back */
	MARK_FLUSH_MS = 1000,		/* how long a mark may wait for a flush */
	RESPAWN_MS = 1000,
	RETRY_MS = 1000,		/* a mark that met a passing fault is tried again */
	STOP_MS = 3000,			/* how long MSG_STOP waits for the batch in flight */
	SPACE_MS = 1000,		/* how old the figures of free space may be */
	CACHE_BUCKETS = 16384,
	CACHE_BYTES = 16 * 1024 * 1024
};

enum strategy { STRATEGY_JOURNAL, STRATEGY_EACH, STRATEGY_FS };

struct queue;
struct session;

/* LENT: open, and its session reads it. */
enum qmsg_state { QMSG_OPEN, QMSG_LENT, QMSG_WAITING, QMSG_FLUSHING };

/* A message that is not acknowledged yet. */
struct qmsg {
	struct qmsg *next;		/* in the line that waits for a flush */
	struct session *session;	/* NULL: it has gone, nobody is to be answered */
	uint8_t slot;			/* place in session->msg */
	uint8_t state;			/* enum qmsg_state */
	bool want_next;			/* its session wants the next one's file with the answer */
	int lease;			/* LENT: a descriptor that keeps writers away */
	uint32_t request;		/* id of its COMMIT */
	int64_t since_ms;		/* it waits */
	struct qfile file;		/* once it is finished */
	char id[QID_SIZE];
};

struct session {
	struct queue *q;
	struct session *next, **at;	/* in q->sessions */
	struct chan chan;
	struct qmsg *msg[SESSION_OPEN_MAX];
	struct session *earlier, *later;	/* answered before, after it; if answered_ms is not 0 */
	int64_t answered_ms;		/* when a COMMIT of its last was */
	uint32_t nwaiting;		/* of msg: for a flush, or in one */
	bool may_reserve;		/* bounce, expand: may use the reserve of space */
	enum role own;			/* bounce's, expand's, control's, offer's channel; ROLE_START: a session of smtpd's */
};

/* main <-> worker.  Names as in lib/msg.h, numbers apart from its. */
enum { MSG_FLUSH = 1000, MSG_FLUSHED };
struct flush_job {
	struct msg_hdr h;
	uint32_t ncommit, nmark;
	uint32_t all;			/* instead: whatever an earlier queue has left unflushed */
	unsigned char dirs[32];		/* a bit for each HH in which a name was removed */
	char id[FLUSH_COMMITS + FLUSH_MARKS][QID_SIZE];	/* commits, then marks */
};
struct flush_done {
	struct msg_hdr h;
	uint32_t ncommit;
	int32_t mark_sys;		/* errno of a marked file's flush, or 0 */
	int32_t sys[FLUSH_COMMITS];	/* errno, 0: durable under HH/ */
};

struct worker {
	struct queue *q;
	pid_t pid;			/* 0: none */
	int64_t born_ms;
	struct chan chan;
	bool busy, marks;		/* marks: the job in hand has marks, or removed names */
	struct timer respawn;
	struct qmsg *batch[FLUSH_COMMITS];
	struct flush_job job;		/* the one in hand */
};

/* What is known of a message under HH/. */
struct entry {
	struct entry *hash, *older, *newer, *dirty_next, **dirty_at;
	bool dirty;			/* marked since the last flush: stays here */
	struct qfile file;
	uint32_t left;			/* slots that are not final */
	char id[QID_SIZE];
	uint8_t state[];		/* enum slot_state of each slot */
};
struct cache {
	struct entry *bucket[CACHE_BUCKETS], *oldest, *newest;
	struct entry *dirty_first, **dirty_last;
	size_t bytes, max;
};

/* The marks of one message. */
struct marks { const struct mark *mark; uint32_t n; };
struct mark_retry { struct mark_retry *next; uint32_t n; struct mark mark[]; };

struct queue_options {
	unsigned reserve_percent;
	enum strategy strategy;
	bool landlock_optional;
	/* Confines a worker to the directory; NULL: not (tests). */
	int (*confine)(int dir_fd, bool landlock_optional, struct err *e);
};

struct queue {
	struct loop *loop;
	struct queue_options opt;
	int dir_fd, lock_fd;		/* owned: lock_fd alone */
	struct qid_maker ids;
	struct session *sessions;
	uint32_t nsession, nlent, max_session;	/* nlent: messages that are LENT; each costs a descriptor */
	struct chan qmgr, smtpd;
	struct qmsg *wait_first, **wait_last;
	uint32_t nwait;
	struct session *latest;		/* who was answered last */
	struct timer company, dispatch, mark_timer, retry_timer, stop_timer;
	bool dispatch_set, marks_due, stopping;
	unsigned char dirs[32];		/* names removed since the last flush */
	bool removed;
	bool all_due;			/* what an earlier queue marked and unlinked may not be flushed yet */
	struct worker worker[EACH_WORKERS];
	unsigned nworker;
	struct cache cache;
	struct mark_retry *retry_first, **retry_last;
	int64_t space_ms;		/* when the three below were asked for */
	bool space_known, space_low;
	uint64_t space_free;		/* octets above the reserve */
	uint64_t nflush, ncommit, nfailed;	/* batches, messages, messages that could not be, so far */
};

/*
 * Takes the directory (dir_fd stays the caller's, and open): makes what is missing, locks it,
 * clears tmp/, forks the workers.  -1: somebody else has it, or it cannot be used.
 */
int queue_start(struct queue *q, struct loop *l, int dir_fd, const struct queue_options *opt,
    struct err *e);

/* A channel to a peer, at start or after its restart; takes fd over. */
int queue_attach(struct queue *q, enum role role, int fd, struct err *e);

/* qmgr could not be told something: the channel is given up, for the next one makes it look itself. */
void queue_lose_qmgr(struct queue *q);

/* Answers what is in flight, then leaves the loop. */
void queue_stop(struct queue *q);

/* A new share of space for the reserve; the limit of descriptors may have been raised. */
void queue_settings(struct queue *q, unsigned reserve_percent);
/* Live figures; arg: the queue. */
void queue_stats(void *arg, struct buf *out);

/* Closes everything; the workers end. */
void queue_free(struct queue *q);

/* "tmp/ID", "a7/ID", "bad/ID": out. */
enum { PATH_SIZE = 32 };
void path_tmp(const char *id, char out[PATH_SIZE]);
void path_final(const char *id, char out[PATH_SIZE]);
void path_bad(const char *id, char out[PATH_SIZE]);

/* setup.c */
int setup_directories(int dir_fd, struct err *e);
/* -1 when another process holds it after a few seconds (a worker of one that died may need them). */
int setup_lock(int dir_fd, struct err *e);
int setup_clear_tmp(int dir_fd, struct err *e);
/* Are leases given, and refused while there is a writer?  Commit relies on both. */
int setup_leases(int dir_fd, struct err *e);
/* IDs come after the largest that queue/log knows. */
int setup_ids(int dir_fd, struct qid_maker *m, struct err *e);

/* One line of queue/log: a sign, an ID and their CRC. */
enum { LOGLINE = 26, LOG_MAX = 16 * 1024 * 1024, LOG_TAIL = 65536 };
void logline_make(char out[LOGLINE + 1], char sign, const char *id);
bool logline_read(const char line[LOGLINE], char id[QID_SIZE]);

/* strategy.c: "auto", "journal", "each", "fs" -> a strategy for this directory.  why: printable. */
enum strategy strategy_choose(const char *setting, int dir_fd, char *why, size_t cap);
/* The part that reads text: is the mount with these options (one a line, or with commas) of an ext4
 * with ordered data, a journal and barriers? */
bool strategy_ext4_ordered(struct span options);
/* Does its fc_info count a fast commit, or one that could not be one? */
bool strategy_ext4_fast(struct span info);
const char *strategy_name(enum strategy s);
/* Is a file's hole there what was never written back, and not zeros that were (SEEK_HOLE of ext4 and xfs)? */
bool strategy_holes_tell(int dir_fd);

/* session.c: of whose channel fd is, as in struct session. */
int session_open(struct queue *q, int fd, enum role own, struct err *e);
void session_close(struct session *s);
/* Sends MSG_COMMITTED for m, which is durable.  -1: it did not go, and will not be known. */
int session_committed(struct session *s, const struct qmsg *m, struct err *e);
/* Sends MSG_REFUSED. */
void session_refuse(struct session *s, uint32_t request, const struct err *why);
/* Takes m out of its session and frees it. */
void qmsg_free(struct qmsg *m);

/*
 * intake.c: the message may be read: *fd, read-only, the caller's.  Nobody can write it from now on, until it
 * is taken back.  ERR_PROTO: its session lied.
 */
int intake_lend(struct queue *q, struct qmsg *m, int *fd, struct err *e);
/* It is LENT no longer, if it was. */
void intake_take_back(struct queue *q, struct qmsg *m);
/* The message, its tail written, is ready for a flush.  ERR_PROTO: its session lied. */
int intake(struct queue *q, struct qmsg *m, const struct msg_commit *c, struct span block,
    struct err *e);

/* flush.c */
void flush_init(struct queue *q);
void flush_wait(struct queue *q, struct qmsg *m);	/* m joins those that wait */
void flush_drop(struct queue *q, struct qmsg *m);	/* its session has gone */
void flush_kick(struct queue *q);		/* at the end of this round of the loop */
void flush_marked(struct queue *q);		/* there is something for MARK_FLUSH_MS from now */
int flush_worker_start(struct worker *w, struct err *e);
void flush_worker_stop(struct worker *w);
bool flush_busy(const struct queue *q);

/* company.c */
void company_answered(struct session *s);	/* COMMITTED */
void company_gone(struct session *s);
/* Milliseconds that those who wait, at least one, may do so for others; 0: flush now. */
int64_t company_wait(const struct queue *q);

/* worker.c: the child's whole life.  last_id: none that was given is larger. */
_Noreturn void worker_run(int sock, int dir_fd, int lock_fd, const char *last_id,
    const struct queue_options *opt);

/* mark.c */
int mark_on_packet(struct chan *c, const void *msg, size_t len, int *fds, struct err *e);
int mark_on_badfile(struct chan *c, const void *msg, size_t len, int *fds, struct err *e);
void mark_retry(void *arg);
void mark_forget(struct queue *q);		/* those kept for another try: their qmgr has gone */
void mark_removed(struct queue *q, const char *id);	/* its name went: flush that directory */

/* cache.c */
void cache_init(struct cache *c, size_t max);
void cache_free(struct cache *c);
struct entry *cache_find(struct cache *c, const char *id);
/* A new one, all slots QUEUED; the one that is there if there is; NULL: no memory. */
struct entry *cache_add(struct cache *c, const char *id, const struct qfile *file);
void cache_drop(struct cache *c, struct entry *x);
void cache_dirty(struct cache *c, struct entry *x);
/* Takes the oldest dirty one, which is then clean; NULL: none. */
struct entry *cache_take_dirty(struct cache *c);

#endif
