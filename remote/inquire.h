/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * remote/inquire.h - inquiries (MSG_INQUIRE): a job that is in no queue takes a delivery's way, in a session of
 * its own, up to the message's data (smtp_send), and who asked is told what happened (lib/inquiry.h).  A probe
 * (MSG_PROBE) is one too, without a message.
 */
#ifndef REMOTE_INQUIRE_H
#define REMOTE_INQUIRE_H

#include "remote/flow.h"

/* Does what m says, whose file fd is taken over, and answers over the session's channel.  -1: no answer was given. */
int inquire_run(struct session *s, const struct msg_inquire *m, size_t len, int fd, struct err *e);

/* The same of a probe, whose address follows m: what do the hosts of its domain's SRV records say that it takes
 * (DRUCOF, 2)?  Said by a null sender, and ended with RSET. */
int inquire_probe(struct session *s, const struct msg_probe *m, size_t len, struct err *e);

/* What is told of each step; q NULL: nothing is. */
void inquire_hosts(struct inquiry *q, const struct resolved *r, const struct hosts *order);
void inquire_offers(struct inquiry *q, const struct hop *hop);
void inquire_heard(struct inquiry *q, const struct reply *r);
/* What is known of a target's machine, its RCPT being answered. */
void inquire_caps(struct inquiry *q, const struct target *t);
/* A target that is to be sent to has its decision: equal ones share a batch. */
void inquire_batch(struct inquiry *q, const struct target *t);

#endif
