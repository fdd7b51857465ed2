/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * start/logger.h - the process that writes the log: a stalled reader of it stalls this process
 * alone; the others drop lines and count them (lib/log.h).
 */
#ifndef START_LOGGER_H
#define START_LOGGER_H

#include <sys/types.h>

#include "lib/err.h"
#include "start/account.h"

/*
 * Forks it.  *fd: the packet socket that is everybody's descriptor 2; when all copies are closed
 * it ends.  Called before anything else is open.  nolandlock: as sandbox_enter.
 */
int logger_start(const struct accounts *who, pid_t *pid, int *fd, struct err *e);

/* Its work: packets from fd to out, a line each, until all writers have gone. */
void logger_run(int fd, int out);

#endif
