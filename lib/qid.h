/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* lib/qid.h - message IDs: 16 characters of base 32 (0-9a-v): microseconds, then a counter. */
#ifndef LIB_QID_H
#define LIB_QID_H

#include <stdbool.h>
#include <stdint.h>

enum { QID_LEN = 16, QID_SIZE = 24 };	/* characters; octets of a field that holds one with its NUL */

struct qid_maker { uint64_t last_us; uint32_t count; };

/* The next ID: larger than every one before, over clock steps too.  wall_us: the wall clock. */
void qid_make(struct qid_maker *m, uint64_t wall_us, char out[QID_SIZE]);

/* From here on m makes only IDs larger than id (one that qid_ok took). */
void qid_after(struct qid_maker *m, const char *id);

/* 16 characters of the alphabet and a NUL. */
bool qid_ok(const char *id);

/* The two hex digits of its directory; out gets "a7". */
void qid_dir(const char *id, char out[3]);

/* When it was made, microseconds since 1970. */
uint64_t qid_us(const char *id);

#endif
