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

/* in, the end it reads, and out, where descriptor 2 went at the start, are for its restart. */
struct logger { const struct accounts *who; pid_t pid; int in, out; };

/*
 * Forks it.  *fd: the packet socket that is everybody's descriptor 2; when all copies are closed
 * it ends.  Called before anything else is open.  who is borrowed.
 */
int logger_start(struct logger *l, const struct accounts *who, int *fd, struct err *e);

/* Forks it anew after its death: what was said meanwhile waits in the socket. */
int logger_again(struct logger *l, struct err *e);

/*
 * Its work: packets from fd to out, a line each, until all writers have gone.  What comes within a few
 * milliseconds after a write is written together; a line after silence at once.  What cannot be written
 * (a full disk, a pipe without a reader) is dropped, counted, and told by the line "not-written" once it
 * can; a line of which only a part was written is ended before that one.  SIGPIPE is ignored.
 */
void logger_run(int fd, int out);

#endif
