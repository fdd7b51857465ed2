/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* learn/key.h - the key of all tags, kept in learn's own folder. */
#ifndef LEARN_KEY_H
#define LEARN_KEY_H

#include "learn/tag.h"

/*
 * Reads it from the folder, or makes it there, durably.  Where it cannot be kept (the disk is full) or read
 * it is one for this run alone, which is logged: no mail waits for what may be learned.  -1: there is no
 * chance to be had.
 */
int key_open(int dir_fd, unsigned char key[TAG_KEY], struct err *e);

#endif
