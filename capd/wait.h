/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * capd/wait.h - questions and their answers: what is known is told at once; for what another host or a directory has to
 * be asked about, the question waits here, for a while.
 */
#ifndef CAPD_WAIT_H
#define CAPD_WAIT_H

#include "capd/serve.h"

/* A packet MSG_CAP_ASK of an asker: it is answered, now or later.  -1: ERR_PROTO, it is none. */
int asker_ask(struct asker *a, const void *msg, size_t len, struct err *e);
/* Of an asker whose question has waited long enough (a timer's). */
void asker_impatient(void *arg);

/* What a directory said, and what another host said, or why it said nothing; rows of the channels' tables. */
int ldap_on_told(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e);
int remote_on_inquired(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e);

/* accord-ldap, or remote, has gone: who waits for it waits no more. */
void directories_lost(struct capd *c);
void remote_lost(struct capd *c);

#endif
