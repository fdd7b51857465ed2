/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/unit/queue/rig.h - a real queue in a directory of its own, run by a child process; the test
 * plays smtpd, bounce and qmgr on the other ends of its channels.
 */
#ifndef TESTS_UNIT_QUEUE_RIG_H
#define TESTS_UNIT_QUEUE_RIG_H

#include <check.h>

#include "queue/queue.h"

struct rig {
	char dir[512];
	int dir_fd;
	pid_t pid;
	int smtpd, bounce, qmgr;	/* our ends; -1 */
	int life;			/* closed: the queue stops in order */
	enum strategy strategy;
	unsigned reserve;
	uint64_t file_max;		/* RLIMIT_FSIZE of the queue, or 0 */
	bool no_qmgr, confined;		/* confined: under the sandbox, as it runs in earnest */
};

enum { RIG_STRATEGIES = 3 };
extern const enum strategy rig_strategies[RIG_STRATEGIES];
/* What the message says where it does not matter. */
extern const char rig_text[];

/* A packet that came, with what follows its header. */
struct got {
	uint32_t type, id;
	size_t len;
	int fd;
	_Alignas(8) unsigned char packet[MSG_MAX];
};

/* Makes the directory and starts the queue. */
void rig_new(struct rig *r, enum strategy s);
/* rig_new, and a session; its channel. */
int rig_with_session(struct rig *r, enum strategy s);
/* The same, and the session has sent a message. */
int rig_with_message(struct rig *r, enum strategy s, uint32_t nrcpt, char id[QID_SIZE]);
/* Starts it again in the same directory. */
void rig_boot(struct rig *r);
/* Stops it in order; its leaks and complaints fail the test. */
void rig_stop(struct rig *r);
void rig_kill(struct rig *r);
/* Stops it, and removes the directory. */
void rig_end(struct rig *r);
/* The only worker of JOURNAL and FS. */
pid_t rig_worker(const struct rig *r);

/* Our end of a new session's channel. */
int rig_session(struct rig *r);
/* The type of the next packet, within seconds; 0: the channel was closed. */
uint32_t rig_get(int sock, struct got *g);
/* The next packet must be REFUSED; it lies in memory of its own until the next call. */
const struct msg_refused *rig_refused(int sock);
/* Nothing comes for a while. */
bool rig_silent(int sock, int ms);

/* Opens a message and writes text; its descriptor; the ID goes to id. */
int client_open(int sock, const char *text, char id[QID_SIZE]);
/* The same, and closes it. */
void client_put(int sock, const char *text, char id[QID_SIZE]);
/* The same with a claim to the reserve. */
void bounce_put(const struct rig *r, const char *text, char id[QID_SIZE]);
/* Sends COMMIT with an envelope of n recipients; closes nothing. */
void client_commit(int sock, const char *id, const char *text, uint32_t nrcpt);
/* The same, and wants the next message's file. */
void client_commit_next(int sock, const char *id, const char *text, uint32_t nrcpt);
/* client_put, client_commit; the answer must be COMMITTED. */
void client_send(int sock, const char *text, uint32_t nrcpt, char id[QID_SIZE]);
/* COMMIT of a block as it is. */
void client_commit_block(int sock, const char *id, uint64_t len, uint32_t crc, struct span block);

/* In one packet. */
void qmgr_marks(const struct rig *r, const struct mark *m, uint32_t n);
/* One slot. */
void qmgr_mark_send(const struct rig *r, const char *id, uint32_t slot, uint8_t state);
/* The next MARKED's gone. */
bool qmgr_marked(const struct rig *r, const char *id);
/* Both. */
bool qmgr_mark(const struct rig *r, const char *id, uint32_t slot, uint8_t state);
/* The next MSG_NEW names it. */
void qmgr_new(const struct rig *r, const char *id);

/* The message's file, opened in that way. */
int rig_open(const struct rig *r, const char *id, int how);
/* No descriptor more than the queue has, or as many as it likes. */
void rig_descriptors(const struct rig *r, bool some);
/* Is there a file of that name in "tmp", "HH" (its directory) or "bad"? */
bool rig_has(const struct rig *r, const char *where, const char *id);
unsigned rig_count(const struct rig *r, const char *dir);

#endif
