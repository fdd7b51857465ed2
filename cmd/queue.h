/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* cmd/queue.h - the verbs of `accord queue`. */
#ifndef CMD_QUEUE_H
#define CMD_QUEUE_H

#include "cmd/select.h"

enum { SUMMARY_AGES = 10, SUMMARY_DESTS = 65536 };

struct queue_call {
	const struct common *common;
	const char *verb;
	struct conf *conf;		/* read when a verb needs it */
	struct selection select;
	int queue;			/* the folder's descriptor */
	bool count, summary, in_order;	/* list */
	bool headers, message;		/* show */
	bool repair;			/* fsck */
	bool mailq;			/* list as other mail systems' mailq prints it */
	uint64_t now_us;
};

/* Each returns the exit code. */
int queue_list(struct queue_call *q);
int queue_summary(struct queue_call *q);
int queue_show(struct queue_call *q);
int queue_act(struct queue_call *q);
int queue_fsck(struct queue_call *q);

/* Walks what was selected: IDs alone by name, else all.  *missing: named IDs that are not there. */
int queue_walk(struct queue_call *q, struct qwalk *w, uint32_t *missing, struct err *e);

/* Says that a file is no message; arg: a struct whose first member, a uint32_t, counts them. */
void queue_note_bad(void *arg, const char *id, const struct err *e);

/* Octets that came from outside, with no control octet for the terminal. */
void queue_print_safe(struct span s);

/* Asks control for one verb (enum act_verb) on all messages: what `sendmail -q` does. */
int queue_retry_all(const struct common *c);

/* The human list, for `mailq`. */
int queue_mailq(const struct common *c);

#endif
