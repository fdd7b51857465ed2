/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * qmgr/sched.h - when what is due: pure, the time is an argument (milliseconds of the monotonic
 * clock).  An entry is one message for one destination.  Destinations that are no next hop: "read"
 * (the file has not been read yet, so its destinations are not known) and "report" (failed
 * recipients of this message wait for a report).
 *
 * An entry waits (heap), is ready (its destination's queue; still in the heap for its expiry), or is
 * busy (taken by sched_next; the caller ends that with sched_defer or sched_drop).
 */
#ifndef QMGR_SCHED_H
#define QMGR_SCHED_H

#include "lib/msg.h"

enum sched_class { CLASS_REPORT, CLASS_LOCAL, CLASS_REMOTE, CLASS_READ, CLASS_COUNT };
enum {
	SCHED_DEST_NAME = JOB_DEST,
	SCHED_TRIAL_MAX = 5,	/* jobs at once to a destination that has not answered yet */
	SCHED_TRIAL_MS = 3000,	/* with no answer for that long, one job more */
	SCHED_PAUSE_MS = 1000,	/* between jobs that said nothing of a destination in doubt */
	SCHED_ENTRY_MAX = 160	/* octets of memory per message and destination (design 4) */
};
#define SCHED_NEVER INT64_MAX

struct sched_conf {
	int64_t first_ms, max_ms;	/* retry: to the first, the longest */
	uint32_t max[CLASS_COUNT];	/* jobs at once of each class */
	uint32_t max_dest;		/* to one remote destination */
};

/* An item of the heap: in an entry or a destination. */
struct when { int64_t due_ms; uint32_t at; bool of_dest; };

enum entry_state { ENTRY_WAITING, ENTRY_READY, ENTRY_EXPIRED, ENTRY_BUSY };

struct dest;
struct entry {
	struct when when;
	struct dest *dest;
	struct entry *same_hash;
	struct entry *prev, *next;	/* READY: the destination's queue; EXPIRED: that list */
	void *own;			/* the caller's; NULL at first */
	int64_t retry_ms, expires_ms;
	int64_t next_us;		/* wall clock as on disk: the counterpart of retry_ms */
	char id[QID_LEN];		/* no NUL */
	uint16_t attempts;
	uint8_t state, soon;		/* soon: quick retries in a row */
	bool expired, running;		/* BUSY because of its expiry; counts as a job */
};
/* What an allocator adds, and the entry's places in heap and hash table, count too. */
_Static_assert(sizeof(struct entry) + 16 + 2 * sizeof(void *) + sizeof(void *) <= SCHED_ENTRY_MAX,
    "memory per message and destination");

struct queue_list { struct entry *first, *last; };
struct dest {
	struct when when;		/* set: when window changes */
	struct dest *same_hash, *ring_prev, *ring_next;
	struct queue_list ready;
	char *why;			/* malloc'd: dsn, NUL, text, NUL of the last failure; or NULL */
	uint32_t entries, active, window, fails, epoch;
	uint8_t class, health;
	bool in_ring;
	char name[];
};

struct sched {
	struct sched_conf conf;
	bool up[CLASS_COUNT];		/* the caller's: may jobs of that class start? */
	uint32_t active[CLASS_COUNT];
	struct dest *ring[CLASS_COUNT];	/* destinations that may start a job; the next first */
	struct when **heap;
	size_t nheap, capheap;
	struct entry **ids;
	struct dest **dests;
	size_t nids, capids, ndests, capdests;
	struct queue_list expired;
	uint64_t seed;
};

/* -1: no memory. */
int sched_init(struct sched *s, const struct sched_conf *conf, uint64_t seed, struct err *e);
/* Frees entries too, but not what own points to. */
void sched_free(struct sched *s);

/* "read", "report" and "local" are of their class, all else is remote. */
#define SCHED_READ "read"
#define SCHED_REPORT "report"
#define SCHED_LOCAL "local"

/*
 * Adds an entry, waiting until retry_ms.  One that is there already is returned as it is, only made
 * due earlier if it waits.  NULL: no memory, nothing changed.
 */
struct entry *sched_add(struct sched *s, const char *id, const char *dest, int64_t retry_ms,
    int64_t next_us, int64_t expires_ms, uint16_t attempts);

/* Any entry of the message, or NULL; sched_sibling: the next one. */
struct entry *sched_find(const struct sched *s, const char *id);
struct entry *sched_sibling(const struct entry *e);
/* The entry of that message for that destination, or NULL. */
struct entry *sched_find_dest(const struct sched *s, const char *id, const char *dest);

/* The next entry to do something about, busy from now on (e->expired: its time is over; it counts
 * as no job); NULL: nothing now. */
struct entry *sched_next(struct sched *s, int64_t now);

/* Milliseconds until sched_next may have something; -1: never, as things are. */
int64_t sched_wait(const struct sched *s, int64_t now);

enum verdict {
	VERDICT_NONE,		/* says nothing of the destination */
	VERDICT_ANSWERED,	/* the destination is there */
	VERDICT_DEAD		/* no connection */
};
/*
 * The job is over, its place is free; the entry stays busy.  epoch: the destination's when the job
 * was started (e->dest->epoch after sched_next), so that many jobs that fail together count once.
 * dsn and text: why, kept for those who wait behind a dead destination.
 */
void sched_release(struct sched *s, struct entry *e, enum verdict v, uint32_t epoch, const char *dsn,
    const char *text, int64_t now);

/* When the destination is tried again, or 0: it is not dead. */
int64_t sched_dead_until(const struct entry *e);
/* Why it last failed; "" if it did not. */
void sched_why(const struct entry *e, const char **dsn, const char **text);

/* The settings have changed: at most so many jobs at once for d; of its own class alone: as many. */
void sched_window(struct sched *s, struct dest *d, uint32_t max);
/* Is it known not to answer? */
bool sched_dest_dead(const struct dest *d);

/* How long to wait after so many attempts (1: the first), jitter included. */
int64_t sched_delay(struct sched *s, uint16_t attempts);

/* Busy no more: waits until retry_ms. */
void sched_defer(struct sched *s, struct entry *e, int64_t retry_ms, int64_t next_us, int64_t now);
/* The same for one that expired and could not be ended now: it expires again then. */
void sched_expire_at(struct sched *s, struct entry *e, int64_t at_ms, int64_t now);
/* It expires so much later, if it ever does. */
void sched_expire_move(struct sched *s, struct entry *e, int64_t by_ms);
/* In any state: forgotten. */
void sched_drop(struct sched *s, struct entry *e);

#endif
