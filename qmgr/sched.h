/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * qmgr/sched.h - when what is due: pure, the time is an argument (milliseconds of the monotonic
 * clock).  An entry is one message for one destination.  Destinations that are no next hop: ROUTE_READ
 * (the file has not been read yet, so its destinations are not known) and ROUTE_REPORT (failed
 * recipients of this message wait for a report).
 *
 * An entry waits (heap), is ready (a lane of its destination; still in the heap for its expiry and
 * its sender's warning), or is busy (taken by sched_next; the caller ends that with sched_defer or
 * sched_drop).
 *
 * Fair shares: destinations of a class take turns, and within one so do the senders, by lanes.  A
 * sender has two lanes of SCHED_LANES, and an entry joins the shorter one, so that another sender is
 * behind a heap of its messages only if both of its lanes are those two.
 *
 * Priorities (RFC 6710): of a destination's entries those of the highest level go first, and behind each
 * SCHED_PASSED of them one of a level that waits meanwhile, so that nobody waits for ever.
 *
 * Jobs at once to a remote destination: a window, as TCP has it.  It starts with one job, grows by one
 * with each job that was answered (it doubles in a round trip), and above half of the size at which
 * jobs last failed by one for each window of them.  When a job finds nobody who serves it, the window
 * is halved, once for all that were under way then.  When more jobs in a row failed than are still
 * under way, the destination is dead: nothing is begun for a time, then one job.
 *
 * A destination "HOP PATTERN" is a part of HOP (lib/route.h): what its name says of jobs at once and of their
 * rate binds it, and what HOP's says binds HOP and all its parts together.
 */
#ifndef QMGR_SCHED_H
#define QMGR_SCHED_H

#include "lib/confline.h"
#include "lib/envelope.h"
#include "lib/msg.h"
#include "lib/route.h"

enum sched_class { CLASS_REPORT, CLASS_LOCAL, CLASS_REMOTE, CLASS_READ, CLASS_COUNT };
enum {
	SCHED_TRIAL_MAX = 5,	/* jobs at once to a destination that has not answered yet */
	SCHED_PAUSE_MS = 1000,	/* between jobs that said nothing of a destination in doubt */
	SCHED_IDLE_MS = 60000,	/* how long a destination without entries is remembered */
	SCHED_IDLE_MAX = 10000,	/* that many of them */
	SCHED_RATED_MAX = 100000,	/* while a rate binds its next job: until it does not, and that many */
	SCHED_LANES = 64,	/* of a destination with more than SCHED_LANE_MIN entries */
	SCHED_LANE_MIN = 32,	/* fewer share one: nobody waits long behind them */
	SCHED_PASSED = 8,	/* jobs of higher priority for one of a lower that waits for the same destination */
	SCHED_LATE_MAX = 32,	/* warnings that are due at once */
	SCHED_BURST_US = 100000,	/* a rate makes up for what a late timer lost */
	SCHED_ENTRY_MAX = 160	/* octets of memory per message and destination (design 4) */
};
#define SCHED_NEVER INT64_MAX

struct sched_conf {
	int64_t first_ms, max_ms;	/* retry: to the first, the longest */
	int64_t patience_ms;		/* an unknown destination's silence after which one job more begins */
	uint32_t max[CLASS_COUNT];	/* jobs at once of each class */
	uint32_t max_dest;		/* to one remote destination */
	/* The options of a destination, borrowed until sched_settings; NULL: none for any. */
	const struct destination *(*options)(void *arg, const char *name);
	/* Is it one of the hours of a destination that has hours?  *until_ms: ask again then. */
	bool (*open)(void *arg, const struct destination *opt, int64_t now, int64_t *until_ms);
	void *arg;
};

/* An item of the heap: in an entry or a destination. */
struct when { int64_t due_ms; uint32_t at; bool of_dest; };

enum entry_state { ENTRY_WAITING, ENTRY_READY, ENTRY_EXPIRED, ENTRY_LATE, ENTRY_BUSY };

struct dest;
struct entry {
	struct when when;
	struct dest *dest;
	struct entry *same_hash;
	struct entry *prev, *next;	/* READY: the lane; EXPIRED, LATE: those lists */
	void *own;			/* the caller's; NULL at first */
	int64_t retry_ms, expires_ms;
	int64_t warn_ms;		/* the sender is to be told of the delay; or SCHED_NEVER */
	int64_t next_us;		/* wall clock as on disk: the counterpart of retry_ms */
	char id[QID_LEN];		/* no NUL */
	uint16_t attempts;
	uint16_t sender;		/* its hash */
	uint8_t state, soon;		/* soon: quick retries in a row */
	uint8_t lane;
	bool expired : 1, late : 1;	/* BUSY because of its expiry, of its warning */
	bool running : 1, telling : 1;	/* counts as a job of its class, of CLASS_REPORT */
	bool urgent : 1;		/* an administrator wants it tried, whatever the slots say */
	uint8_t tier : 2;		/* its place in dest.tier, by its priority */
	bool again : 1;			/* added anew while it was BUSY: more of its recipients are due */
};
/* What an allocator adds, and the entry's places in heap and hash table, count too. */
_Static_assert(sizeof(struct entry) + 16 + 2 * sizeof(void *) + sizeof(void *) <= SCHED_ENTRY_MAX,
    "memory per message and destination");

struct queue_list { struct entry *first, *last; };
struct lane { struct queue_list list; uint32_t n; };
/* What is ready of one priority; lane: &only, or SCHED_LANES of them, malloc'd. */
struct tier {
	struct lane only, *lane;
	uint64_t filled;		/* a bit for each lane that has entries */
	uint32_t n;			/* entries */
	uint8_t next_lane, passed;	/* passed: jobs of higher priority begun since it has waited */
};
struct dest {
	struct when when;
	struct dest *same_hash, *ring_prev, *ring_next;
	struct dest *hop;		/* whose limits bind it too; itself if it is no part */
	struct dest *waiting;		/* a hop's: it and those parts that could begin but for its limits */
	struct tier tier[PRIORITY_LEVELS];
	const struct destination *opt;	/* borrowed; never NULL */
	uint16_t why_code;
	char *why;			/* malloc'd: dsn, NUL, text, NUL of the last failure; or NULL */
	int64_t wait_ms;		/* nothing is begun before: it is dead, or paused */
	int64_t patience_ms, hours_ms, idle_ms;
	int64_t rate_us;		/* the earliest start of its next job, or its parts'; monotonic */
	uint32_t entries, ready, active, epoch;
	uint32_t parts, jobs, turns;	/* a hop's; jobs: under way, its parts' included; turns: how many of them
					 * are in their class's ring */
	uint32_t window, threshold, credit;	/* jobs at once; credit: answers since it last grew */
	uint32_t peak;			/* jobs that were under way at once since there was none */
	uint32_t streak, fails;		/* failed jobs in a row; times it was found dead in a row */
	uint8_t class, health;
	bool in_ring, held, closed;	/* held: in its hop's ring, not its class's; closed: by its hours,
					 * until hours_ms */
	char name[];
};

struct sched {
	struct sched_conf conf;
	bool up[CLASS_COUNT];		/* the caller's: may jobs of that class start? */
	bool deaf;			/* the caller's: not every worker has said yet what it is doing.  A
					 * recipient may be with any of them, whatever its route is now, so
					 * none is begun or given up */
	uint32_t active[CLASS_COUNT];
	struct dest *ring[CLASS_COUNT];	/* destinations that may start a job; the next first */
	struct when **heap;
	size_t nheap, capheap;
	struct entry **ids;
	struct dest **dests;
	size_t nids, capids, ndests, capdests;
	struct queue_list expired, late;
	uint32_t nlate, nidle;
	int64_t now;			/* the latest time that was given */
	uint64_t seed;
	uint32_t salt;
};

/* -1: no memory. */
int sched_init(struct sched *s, const struct sched_conf *conf, uint64_t seed, struct err *e);
/* Frees entries too, but not what own points to. */
void sched_free(struct sched *s);
/* Other settings from now on; what is known of destinations stays. */
void sched_settings(struct sched *s, const struct sched_conf *conf);

struct sched_new {
	int64_t retry_ms, next_us, expires_ms, warn_ms;
	uint16_t attempts, sender;
	int8_t level;			/* priority_level() */
};

/*
 * Adds an entry, waiting until retry_ms.  One that is there already is returned as it is, only made
 * due, or its warning or end, earlier if it waits, and told so (again) if it is busy.  ROUTE_READ,
 * ROUTE_REPORT and ROUTE_LOCAL are of their class, all else is remote.  NULL: no memory, nothing changed.
 */
struct entry *sched_add(struct sched *s, const char *id, const char *dest,
    const struct sched_new *n);

/* Which sender: the reverse-path without case, and without what lists and bulk senders put behind a
 * name for each recipient ("news-return-17-joe=b.example@…"); for a null one the client. */
uint16_t sched_sender(const struct sched *s, struct span sender, struct span client);

/* Any entry of the message, or NULL; sched_sibling: the next one. */
struct entry *sched_find(const struct sched *s, const char *id);
struct entry *sched_sibling(const struct entry *e);
/* The entry of that message for that destination, or NULL. */
struct entry *sched_find_dest(const struct sched *s, const char *id, const char *dest);

/* The next entry to do something about, busy from now on (e->expired: its time is over, it counts
 * as no job; e->late: its sender is to be warned, a job of CLASS_REPORT); NULL: nothing now. */
struct entry *sched_next(struct sched *s, int64_t now);

/* Milliseconds until sched_next may have something; -1: never, as things are. */
int64_t sched_wait(const struct sched *s, int64_t now);

enum verdict {
	VERDICT_NONE,		/* says nothing of the destination */
	VERDICT_ANSWERED,	/* the destination serves us */
	VERDICT_DROPPED,	/* it talks to us, but broke a transaction off: fewer jobs at once */
	VERDICT_DEAD		/* no connection, or a host that will not talk to us */
};
/*
 * The job is over, its place is free; the entry stays busy.  epoch: the destination's when the job
 * was started (e->dest->epoch after sched_next), so that many jobs that fail together count once.
 * code, dsn and text: why (as in struct rcpt_result), kept for those who wait behind a dead destination.
 */
void sched_release(struct sched *s, struct entry *e, enum verdict v, uint32_t epoch,
    uint16_t code, const char *dsn, const char *text, int64_t now);

/* When the destination is tried again, or 0: it is not dead. */
int64_t sched_dead_until(const struct sched *s, const struct entry *e);
/* An earlier process found e's destination dead, for the attempts-th time in a row, until then; it is
 * believed unless this one knows better.  code, dsn, text: why. */
void sched_believe_dead(struct sched *s, struct entry *e, int64_t until_ms, uint16_t attempts,
    uint16_t code, const char *dsn, const char *text);
/* Why it last failed, and the hop's reply code or 0; "" if it did not.  Returns the code. */
uint16_t sched_why(const struct entry *e, const char **dsn, const char **text);

/* Is it known not to answer? */
bool sched_dest_dead(const struct dest *d);

/* How long e waits after so many attempts (1: the first), jitter included; and the longest such wait. */
int64_t sched_delay(struct sched *s, const struct entry *e, uint16_t attempts);
int64_t sched_longest(const struct sched *s, const struct entry *e);

/* Busy no more: waits until retry_ms. */
void sched_defer(struct sched *s, struct entry *e, int64_t retry_ms, int64_t next_us, int64_t now);
/* The same for one that expired and could not be ended now: it expires again then. */
void sched_expire_at(struct sched *s, struct entry *e, int64_t at_ms, int64_t now);
/* It expires so much later, if it ever does. */
void sched_expire_move(struct sched *s, struct entry *e, int64_t by_ms);
/* The same after a warning: nothing else about it changes.  warn_ms: of the next, or SCHED_NEVER. */
void sched_warned(struct sched *s, struct entry *e, int64_t warn_ms, int64_t now);
/* One that is not busy is taken: busy, though no job. */
void sched_take(struct sched *s, struct entry *e);
/* It is due now, and its destination is tried now though it is dead (hours and rate hold).  One that
 * is busy is left. */
void sched_retry(struct sched *s, struct entry *e, int64_t now);
/* In any state: forgotten. */
void sched_drop(struct sched *s, struct entry *e);

#endif
