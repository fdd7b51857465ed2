/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * local/store.h - a message into what belongs to one recipient: a Maildir, an mbox
 * or a program, by the delivery's kind.
 */
#ifndef LOCAL_STORE_H
#define LOCAL_STORE_H

#include "local/form.h"

/* 0: it is delivered, and survives a power cut.  -1: ERR_TEMP, ERR_PERM. */
int store_message(const struct delivery *d, const struct content *c, const struct envelope *env, struct err *e);

#endif
