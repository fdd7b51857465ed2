/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* lib/confcheck.h - what no single line of the settings shows, for who starts accord and who only checks. */
#ifndef LIB_CONFCHECK_H
#define LIB_CONFCHECK_H

#include "lib/conf.h"

/* All settings are set.  -1, ERR_PERM: "retrymax: expected …", the setting's file without its folder. */
int conf_together(const struct conf *c, struct err *e);

#endif
