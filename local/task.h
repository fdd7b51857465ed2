/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* local/task.h - what the runner is told of a program: user and command of the settings, and who sends to whom. */
#ifndef LOCAL_TASK_H
#define LOCAL_TASK_H

#include "lib/envelope.h"
#include "local/target.h"

/* A channel of a delivery to a program that t names; -1: there is none, and the delivery says so.  id: the
 * message's.  Pure but for the socket. */
int task_channel(int runner, const struct target *t, const struct envelope *env, const struct rcpt *rcpt, const char *id,
    struct err *e);

/* The packet's strings behind struct msg_program, appended to out; *n of them.  -1: ERR_PERM, an address that cannot
 * stand in an environment. */
int task_strings(const struct target *t, const struct envelope *env, const struct rcpt *rcpt, const char *id,
    struct buf *out, uint32_t *n, struct err *e);

#endif
