/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * smtpd/message.h - a message on its way into the queue, brought by DATA (message.c) or in chunks by
 * BDAT (chunk.c).  A session has one at a time.
 */
#ifndef SMTPD_MESSAGE_H
#define SMTPD_MESSAGE_H

#include "lib/headedit.h"
#include "lib/qid.h"
#include "smtpd/data.h"
#include "smtpd/link.h"

struct session;

enum {
	MESSAGE_BUF = 32768,		/* octets of one write */
	/*
	 * From the last octet to the reply at most this long: a fax machine's caller hangs on for
	 * some 30 seconds (draft-ietf-fax-operation 6.1, G11).  Then 451: the queue is told to
	 * forget the message, which it does unless its flush is already under way.
	 */
	MESSAGE_ANSWER_MS = 25000,
	MESSAGE_OPEN_MS = 15000,	/* of these, for queue to make the file */
	MESSAGE_LEAST_MS = 2000		/* for the reply, when a restart of queue took all of them */
};

/* Why a message is not taken. */
struct refusal { int code; char dsn[12], text[80]; };	/* code 0: none */

struct message {
	char id[QID_SIZE];
	bool open;			/* queue knows of it */
	int fd;				/* owned while open; -1: closed */
	struct data data;
	uint64_t len;			/* octets written, our Received among them */
	uint32_t crc;
	struct err failed;		/* kind ERR_NONE, or why nothing more is written */
	bool too_large;
	unsigned char *buf;
	size_t n;			/* octets in buf */
	int look_fd;			/* to read it by, once it is closed (message_look); owned; -1: none */
	struct buf edits;		/* header edits for its envelope (lib/headedit.h) */
	struct edited edited;		/* as they make it, where somebody is to read it before the commit */
	int spent_ms;			/* how long the client has waited for us already, unanswered */
};

/*
 * s->message becomes a new one, our Received field in its buffer.  size: octets announced, or 0.
 * -1: *why is set, nothing was begun.
 */
int message_begin(struct session *s, uint64_t size, struct refusal *why);

/* Writes what is in the buffer, unless something has failed already. */
void message_write(struct message *m);

/* *why becomes this; true. */
bool message_refuse(struct refusal *why, int code, const char *dsn, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/*
 * *why is what a client is told of a failure of ours, or of another process's, which is logged: 452 for
 * space, 451 else; 554 for what will never be taken.  id: or NULL.  true.
 */
bool message_failed(struct session *s, const char *id, const struct err *e, struct refusal *why);

/* How long queue may take for its answer. */
int message_answer_ms(const struct message *m);

/* Is something wrong with what has come so far?  *why is then set. */
bool message_bad(struct session *s, struct refusal *why);

/* From now on look_fd is there, and nobody can write the message.  -1: queue does not give it. */
int message_look(struct session *s, int timeout_ms, struct err *e);

/* The message is whole and right: it goes to the queue, and a reply to the client. */
void message_commit(struct session *s);

/* Forgets the one under way, if there is one. */
void message_drop(struct session *s);

/* Handlers of verbs. */
void message_data(struct session *s, struct span args);
void message_bdat(struct session *s, struct span args);

#endif
