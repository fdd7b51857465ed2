/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* learn/report.h - what a report says of the machines of its recipients (RFC 2530).  Pure; runs in
 * a child. */
#ifndef LEARN_REPORT_H
#define LEARN_REPORT_H

#include "lib/buf.h"

/* One recipient.  tag: what says which message it is about, not judged here.  alternative: he asks for another
 * form of it (RFC 3297, 6.2), and the features, which may be "", are for that alone. */
struct finding { struct span tag, addr, features; bool alternative; };

/*
 * Calls found for each recipient of whom the message, a DSN or an MDN, says what he takes, or that he wishes
 * another form: at most TAG_RCPTS.  me: this host, whose own reports tell it nothing new.  A list that is no
 * expression to the letter, or that nothing satisfies, is none.  How many were found; -1: ERR_PERM the message
 * is no report; ERR_TEMP; or found failed, whose error it is.
 */
int report_read(struct span message, const char *me,
    int (*found)(void *arg, const struct finding *f, struct err *e), void *arg, struct err *e);

#endif
