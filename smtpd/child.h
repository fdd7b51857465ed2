/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* smtpd/child.h - a session process: serves one client after another until it is told to stop. */
#ifndef SMTPD_CHILD_H
#define SMTPD_CHILD_H

#include "smtpd/session.h"

/*
 * Runs until MSG_STOP, or a session after which it is to end; exit status 0.  l: its channels.  The settings, the
 * listeners and the certificates are those of the parent at the fork.
 */
_Noreturn void child_run(const struct conf *conf, const struct listener *listeners, uint32_t n,
    const struct secure *secure, struct link *l);

#endif
