/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/unit/smtpd/rig.h - a real session process on one side; on the other a test that is its
 * client, its parent, queue, capd and convertd at once.
 */
#ifndef TESTS_UNIT_SMTPD_RIG_H
#define TESTS_UNIT_SMTPD_RIG_H

#include <sys/types.h>

#include "smtpd/child.h"

struct rig {
	pid_t pid;
	int client, ctl, queue, capd, convertd;
	struct conf conf;
	struct listener listener;
	struct netaddr peer;
	/* how the others behave; may be changed at any time */
	struct err open_fails, commit_fails, read_fails, plan_fails;	/* kind: refuse so */
	bool queue_gone;		/* closes its channel at the next request */
	bool give_next;			/* the next file goes with COMMITTED where it is wanted */
	bool stop_first;		/* MSG_STOP comes before a channel that is asked for */
	uint8_t fate;			/* enum plan_fate: of every set that convertd is asked about */
	enum { PLAN_ANSWERED, PLAN_LATE, PLAN_BROKEN, PLAN_CLIENT_GONE } plan;	/* late: time passes, no answer; broken:
					 * convertd goes, but the last time; the client hangs up first */
	bool no_convertd;		/* the parent gives no channel to it, and time passes */
	int64_t *shift_ms;		/* of test_clock(), to make it pass */
	uint32_t patience_s;		/* what its parent tells it with the next client */
	uint32_t fresh;			/* channels that the parent gave anew */
	/* what they saw */
	uint32_t opened, committed, abandoned, asked, read, planned;
	uint32_t sets;			/* of capabilities, in the last plan */
	char first_set[200];		/* the first of them */
	uint64_t planned_len;		/* octets of the message, by the last plan */
	uint32_t wanted;		/* COMMITs that wanted the next file */
	uint64_t open_size;
	char id[QID_SIZE];
	int file;			/* of the message under way */
	char next_id[QID_SIZE];		/* and of the next, if it has gone with an answer */
	int next_file;
	struct buf message, block;	/* the last one committed */
	uint32_t crc;
	bool writer_left;		/* the session still held the file at COMMIT */
	bool eof, done, stopped;	/* the client's side was closed; MSG_DONE came; told to stop */
	struct buf got;			/* what the client was sent */
};

/* Settings and listener may be changed between the two. */
void rig_init(struct rig *r);
void rig_set(struct rig *r, enum conf_id id, const char *text);
void rig_start(struct rig *r);	/* and a client connects */
void rig_client(struct rig *r);	/* another client, for the same process */
void rig_end(struct rig *r);

void rig_send(struct rig *r, struct span s);
void rig_stop(struct rig *r);	/* MSG_STOP */
/* Serves until a count of r's is at least that; what the session says to queue may come after its reply. */
void rig_until(struct rig *r, const uint32_t *count, uint32_t want);

/* The next reply, all its lines with their CRLF; "" when the connection was closed instead. */
const char *rig_reply(struct rig *r);

/* Sends text, and expects as many replies as there are prefixes, in order; ends with NULL. */
void rig_talk(struct rig *r, const char *text, ...) __attribute__((sentinel));

#define HELLO "EHLO client.example\r\n"
#define BEGIN "MAIL FROM:<a@b.example>\r\nRCPT TO:<joe@example.com>\r\n"

/* rig_init, rig_start and the greeting; and EHLO. */
void rig_begin(struct rig *r);
void rig_hello(struct rig *r);
/* The message without our Received, which must be its first three lines; with: "ESMTP" or "SMTP". */
struct span rig_received_off(const struct rig *r, const char *with);

#endif
