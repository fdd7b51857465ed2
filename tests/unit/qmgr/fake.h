/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/unit/qmgr/fake.h - a queue manager in this process, with a queue directory of its own, a
 * clock that can be moved, and the other ends of its channels in the hands of the test.
 */
#ifndef TESTS_UNIT_QMGR_FAKE_H
#define TESTS_UNIT_QMGR_FAKE_H

#include "qmgr/qmgr.h"

enum { FAKE_MAX_RCPT = 1000 };

struct fake {
	struct daemon d;
	struct qmgr q;
	char path[64];
	int dirfd;
	int end[ROLE_COUNT];		/* our ends; -1: none */
	uint32_t generation;
	int64_t *shift_ms;
	_Alignas(8) unsigned char packet[MSG_MAX];
	size_t len;
	int fds[MSG_FDS];
	struct qid_maker ids;
	uint32_t marked;		/* messages that fake_queue_mark has answered */
};

void fake_start(struct fake *f);	/* without peers */
void fake_end(struct fake *f);
/* Throws the queue manager away and makes a new one, as after a crash. */
void fake_restart_qmgr(struct fake *f);
void fake_peer(struct fake *f, enum role role);	/* a new channel */
void fake_hello(struct fake *f, enum role role);
void fake_idle(struct fake *f, enum role role);	/* both: it has nothing in flight */
void fake_setting(struct fake *f, enum conf_id id, const char *text);

/* Writes a message; the IDs' order is that of the calls. */
void fake_message(struct fake *f, char id[QID_SIZE], const char *sender, const char *const *to,
    uint8_t notify);
struct slot fake_slot(struct fake *f, const char *id, uint32_t n);
void fake_set_slot(struct fake *f, const char *id, uint32_t n, const struct slot *s);
bool fake_exists(struct fake *f, const char *id);

/* Runs its loop for so many milliseconds of real time. */
void fake_run(struct fake *f, int ms);
/* Runs until that message is read and waits for that destination. */
void fake_known(struct fake *f, const char *id, const char *dest);
void fake_advance(struct fake *f, int64_t ms);
/* The next packet to that peer, in f->packet: its header; fails the test if none comes. */
const struct msg_hdr *fake_next(struct fake *f, enum role role);
const struct msg_hdr *fake_expect(struct fake *f, enum role role, uint32_t type);
/* Nothing comes for a while. */
void fake_silence(struct fake *f, enum role role);
void fake_send(struct fake *f, enum role role, void *packet, uint32_t type, uint32_t id, size_t len);
void fake_new(struct fake *f, const char *id);

/* As queue does it: takes the next MSG_MARK, writes it, answers.  The answer's gone, of the last message. */
bool fake_queue_mark(struct fake *f);
/* The next packet to that worker acknowledges this job alone. */
void fake_expect_ack(struct fake *f, enum role role, uint32_t number);
/* A result of the job m with the same record for each of its slots. */
void fake_result(struct fake *f, enum role role, const struct msg_job *m, const struct rcpt_result *r);

#endif
