/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * convertd/parent.h - the converting daemon's parent: sessions ask, children work, at most so many
 * at once; the rest wait in a queue of bounded length.  It never looks into content.
 */
#ifndef CONVERTD_PARENT_H
#define CONVERTD_PARENT_H

#include "convertd/cache.h"
#include "convertd/job.h"
#include "lib/daemon.h"

enum {
	CONVERTD_WAITING = 256,		/* jobs that wait for their turn */
	CONVERTD_LOOKS = 2,		/* jobs at once, where no converter runs and they make nothing */
	CONVERTD_PER_SESSION = 4,	/* requests of one session under way */
	CONVERTD_SUM_MAX = 16 * 1024 * 1024,	/* octets of a memfd that is known again by its content: more
					 * would keep the loop busy too long */
	CONVERTD_UNREAD = 64,		/* answers that wait for a session to read them */
	CONVERTD_CAPS_MAX = 16 << 20	/* octets of the capabilities of one request */
};

struct job;
struct session;

struct convertd {
	struct loop *loop;
	struct job_rules rules;
	uint32_t concurrency;
	uint32_t running, waiting;
	struct job *jobs, **jobs_last;	/* in the order they came */
	struct session *sessions;
	struct cache cache;
	struct chan parent[ROLE_COUNT];
	const struct conf *conf;
	uint64_t done, failed, hits;	/* jobs; requests answered from the cache */
	bool single;			/* the loop ends with its session */
};

/* Limits and work as the settings (borrowed, also when they have changed) say; nothing is connected yet. */
void convertd_init(struct convertd *c, struct loop *l, const struct conf *conf);
void convertd_free(struct convertd *c);

/* Serves the peers that the supervisor gave and will give. */
int convertd_open(struct convertd *c, struct daemon *d, struct err *e);

/* The channel of a session of that daemon's; smtpd's may ask for plans alone.  fd is taken over in every
 * case. */
int convertd_session(struct convertd *c, enum role of, int fd, struct err *e);

#endif
