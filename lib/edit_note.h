/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/edit_note.h - the part that stands for one that was left out (EDIT_NOTE): a header, an empty line, some
 * words, and what the part was.  Its writer and its check are one function's two uses, so the shape is exact:
 * nothing of it but a media type, a number and 64 hex digits is anybody's choice.
 */
#ifndef LIB_EDIT_NOTE_H
#define LIB_EDIT_NOTE_H

#include "lib/buf.h"

/* type: "image/png", or whatever stood there: what is no media type becomes application/octet-stream.  octets
 * and sha256: of the part's content. */
int edit_note_add(struct span type, uint64_t octets, const unsigned char sha256[32], struct buf *out,
    struct err *e);

bool edit_note_ok(struct span text);

#endif
