/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * local/runner.h - who starts programs.  A seccomp list holds for whatever a process starts, and no list fits a
 * program of the administrator's; so this one is forked before local confines itself, and only where the
 * settings name a program.  It has no list, but reads nothing from outside: a user and a command of the settings,
 * and strings of the envelope.  Each program has a process that minds it.
 */
#ifndef LOCAL_RUNNER_H
#define LOCAL_RUNNER_H

#include "lib/conf.h"
#include "lib/err.h"

enum { RUNNER_MS = 600 * 1000 };	/* that a program may take */

/* Do the settings name a program? */
bool runner_wanted(const struct conf *conf);
/* Forks it.  Its socket, which ends it when it is closed; -1: ERR_TEMP. */
int runner_start(struct err *e);

#endif
