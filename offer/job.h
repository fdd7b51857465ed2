/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* offer/job.h - a message in another form, made in a process of its own by way of convertd. */
#ifndef OFFER_JOB_H
#define OFFER_JOB_H

#include "lib/span.h"
#include "offer/store.h"

/*
 * message_fd: the offer's file; convertd: the child's own channel; features: what the recipient's machine
 * takes.  Sends one MSG_MADE up and ends: with a memfd, or with the reason (ERR_PERM: there is no form for
 * it).
 */
_Noreturn void job_run(const struct offer *o, int message_fd, struct span features, int convertd, int up);

#endif
