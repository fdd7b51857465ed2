/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * convertd/key.h - the key of a batch: "1.2=MMR/200x200/A4*3,MH/204x196/A4;3=drucof:…;4=omit": path of each
 * part that changes, in the order of the message, and the forms of its pages, or that it is left out;
 * "5.1=only": of the alternatives in 5 all others are.  "drucof:" tells that there is no Content-Convert, so
 * that the request for DRUCOF permits it.
 */
#ifndef CONVERTD_KEY_H
#define CONVERTD_KEY_H

#include "convertd/form.h"

enum key_change { KEY_FORMS, KEY_OMIT, KEY_ONLY };
struct key_piece {
	struct span path;
	enum key_change change;
	bool drucof;
	struct span forms;	/* for key_forms */
};

/* Appends the piece of a part that is converted, with ";" before it if out is not empty at start. */
int key_add(struct span path, bool drucof, const struct form *form, uint32_t n, struct buf *out,
    struct err *e);

/* Appends another change than forms. */
int key_add_change(struct span path, bool drucof, enum key_change change, struct buf *out, struct err *e);

/* Takes the next part's piece off *rest.  1, 0 at the end, -1 ERR_PROTO. */
int key_next(struct span *rest, struct key_piece *out, struct err *e);

/* Reads the forms of exactly n pages.  -1: ERR_PROTO. */
int key_forms(struct span forms, struct form *out, uint32_t n, struct err *e);

#endif
