/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/aliases.h - which addresses of ours stand for others, by the settings: lines of mailboxes with alias:.
 */
#ifndef LIB_ALIASES_H
#define LIB_ALIASES_H

#include "lib/conf.h"

/* true: addr stands for those in *list (lib/alias.h), which points into the settings. */
bool aliases_find(const struct conf *c, struct span addr, struct span *list);

/* Is addr of a domain that is delivered here (locals)? */
bool aliases_ours(const struct conf *c, struct span addr);

/* Has addr a mailbox besides, into which mail to it can go as it is? */
bool aliases_box(const struct conf *c, struct span addr);

/* 1: the settings name that very address, as an alias or a mailbox; 0: not. */
int aliases_named(const struct conf *c, struct span addr);

/* Are two addresses of ours one? */
bool aliases_same(struct span a, struct span b);

#endif
