/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * remote/session.h - a session process: one next hop, one job after the other, over a connection
 * that is kept between them.
 */
#ifndef REMOTE_SESSION_H
#define REMOTE_SESSION_H

#include "lib/conf.h"
#include "lib/inquiry.h"
#include "lib/tlspolicy.h"
#include "remote/backoff.h"
#include "remote/hosts.h"
#include "remote/job.h"
#include "remote/wire.h"

enum {
	SESSION_IDLE_MS = 2000,		/* a connection is kept this long; the parent counts */
	SESSION_JOBS = 1000,		/* jobs before the process ends */
	SESSION_INQUIRY_MS = 60 * 1000,	/* that the hops of an inquiry may take in all */
	SESSION_TOLD_MS = 1000		/* until then a parent that lives has passed a result on */
};

enum hop_ext {
	HOP_PIPELINING = 1, HOP_SIZE = 2, HOP_8BITMIME = 4, HOP_DSN = 8, HOP_SMTPUTF8 = 16,
	HOP_CONPERM = 32, HOP_CONNEG = 64, HOP_CHUNKING = 128, HOP_BINARYMIME = 256,
	HOP_DRUCOF = 512, HOP_DRUCOF_PREFER = 1024, HOP_STARTTLS = 2048,
	HOP_AUTH_PLAIN = 4096, HOP_AUTH_LOGIN = 8192, HOP_AUTH_XOAUTH2 = 16384,
	HOP_MT_PRIORITY = 32768, HOP_DELIVERBY = 65536
};
struct hop {
	unsigned ext;		/* enum hop_ext, of this connection's EHLO reply */
	uint64_t size_max;	/* 0: no limit known */
	uint32_t by_min_s;	/* the least that BY=…;R takes (RFC 2852, 3) */
	/* RFC 9422; 0: no limit known */
	uint32_t rcpt_max;	/* RCPT commands in a transaction */
	uint32_t mail_max;	/* MAIL commands in this connection */
};

/* The way to the destination: remote/reach.h. */
struct reach {
	struct netaddr to;		/* of a direct one */
	struct hosts *hosts;		/* owned; of the others.  NULL: never needed */
	uint32_t n, at;			/* candidates; the one that is tried, or connected */
	uint32_t tries;			/* that cost time */
	bool known, direct;		/* there are candidates; smtproutes has the address */
	bool spent;			/* this job has tried them all: failure is what came of it */
	bool passed;			/* a host that answered was left for the next, for this job */
	int64_t began_ms, asked_ms, tried_ms;	/* the attempt, DNS, the address at hand */
	struct err failure;		/* the one that counts so far */
	char mta[96];
};

struct session {
	const struct conf *conf;
	int parent;		/* channel to our parent; -1: none */
	int convertd, resolver, capd;	/* channels; -1: not there yet */
	const struct own *own;	/* where mail to us comes in; NULL: not known */
	const struct backoff *backoff;	/* shared memory; NULL: none */
	SSL_CTX *tls_ctx;	/* the parent's; NULL: none */
	struct tls_policy want;	/* of the connection */
	bool tls_failed;	/* its handshake */
	bool in_clear;		/* this address is tried again without TLS, which failed */
	struct wire w;
	struct reply reply;	/* the last one read */
	struct hop hop;
	bool open;		/* EHLO was answered */
	bool used;		/* this connection has carried a transaction before */
	uint32_t mails;		/* MAIL commands said in this connection */
	bool dirty;		/* MAIL was taken and nothing ended it: RSET is due */
	bool dotted;		/* the final dot is sent, the answer to it not here yet */
	char dest[JOB_DEST];
	char mta[96];		/* the hop, for reports: "host [1.2.3.4]:25" */
	struct reach reach;
	struct job *job;
	struct inquiry *inquiry;	/* the job is one: no data is sent, what happens is told; NULL: a delivery */
	bool question;		/* of an inquiry: what does the recipient take?  Nothing else */
	bool srv;		/* the same, of the hosts that the domain's SRV records name */
	char told[QID_SIZE];	/* the job whose result was sent last */
	int64_t told_ms;	/* when; 0: none was */
};

/* fd: -1 or the channels; borrowed.  own and backoff are set by the caller afterwards. */
void session_init(struct session *s, const struct conf *conf, int parent, int convertd);
void session_free(struct session *s);

/* Tries one job: every target is done afterwards, or the job is a bad file.  Logs each result. */
void session_job(struct session *s, struct job *job);

/* The process's life: jobs from the parent until it hangs up.  Returns the exit status. */
int session_run(struct session *s);

/* The parent has gone without a word (MSG_STOP): lists what may come twice for it, and exits. */
_Noreturn void session_orphaned(struct session *s);

#endif
