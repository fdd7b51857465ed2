/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* lib/confcheck.h - what no single line of the settings shows, for who starts accord and who only checks. */
#ifndef LIB_CONFCHECK_H
#define LIB_CONFCHECK_H

#include "lib/conf.h"

/* All settings are set.  -1, ERR_PERM: "retrymax: expected …", the setting's file without its folder. */
int conf_together(const struct conf *c, struct err *e);

/*
 * Opens a setting's file, path below at, for reading.  -1 with e->kind ERR_NONE: there is none; a link that
 * leads to nothing, or back to itself, is an error (ERR_PERM, as is a socket), for whoever made it did not
 * mean the default.
 */
int conf_open(int at, const char *path, struct err *e);

#endif
