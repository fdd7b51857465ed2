/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/figure.h - live figures: one table declares them (name, type, a line of help); a daemon writes
 * those it has as lines `NAME VALUE` or `NAME{LABEL="…"} VALUE`, and `accord stat` reads them.
 */
#ifndef LIB_FIGURE_H
#define LIB_FIGURE_H

#include "lib/buf.h"

enum figure_type { FIGURE_GAUGE, FIGURE_COUNTER };
struct figure_decl { const char *name; enum figure_type type; const char *help; };

/* The declaration, or NULL. */
const struct figure_decl *figure_find(struct span name);
/* All of them from 0; NULL: no more. */
const struct figure_decl *figure_at(size_t i);

/* Adds a line; one that finds no room is left out. */
void figure_add(struct buf *out, const char *name, uint64_t value);
/* The same with one label; text is quoted as Prometheus wants it. */
void figure_of(struct buf *out, const char *name, const char *label, const char *text,
    uint64_t value);

/* A line taken apart: views into it.  labels: what is between the braces, or empty.  false: it is none. */
struct figure { struct span name, labels; uint64_t value; };
bool figure_read(struct span line, struct figure *f);
/* The next of labels: its name, and its text as it stands between the quotes.  false: no more. */
bool figure_label(struct span *labels, struct span *name, struct span *text);

#endif
