/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * convertd/key.h - the key of a batch: "1.2=MMR/200x200/A4*3,MH/204x196/A4;3=…": path of each
 * part that is converted, in the order of the message, and the forms of its pages.
 */
#ifndef CONVERTD_KEY_H
#define CONVERTD_KEY_H

#include "convertd/form.h"

/* Appends one part's piece, with ";" before it if out is not empty at start. */
int key_add(struct span path, const struct form *form, uint32_t n, struct buf *out, struct err *e);

/* Takes the next part's piece off *rest.  1, 0 at the end, -1 ERR_PROTO. */
int key_next(struct span *rest, struct span *path, struct span *forms, struct err *e);

/* Reads the forms of exactly n pages.  -1: ERR_PROTO. */
int key_forms(struct span forms, struct form *out, uint32_t n, struct err *e);

#endif
