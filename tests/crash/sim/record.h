/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* tests/crash/sim/record.h - what tests/crash/sys.c wrote down, as calls in the order of their ends. */
#ifndef TESTS_CRASH_SIM_RECORD_H
#define TESTS_CRASH_SIM_RECORD_H

#include "lib/err.h"
#include "lib/span.h"
#include "tests/crash/sys.h"

/* One call that was made; those that failed are left out, since they changed and flushed nothing. */
struct op {
	uint64_t begin, end;
	uint64_t ino, dir, to_dir, off;
	uint32_t flags;
	uint16_t call;			/* enum sys_call */
	struct span from, to, data;	/* into the record's octets */
};
struct record {
	void *map;			/* of the file, or NULL */
	size_t size;
	struct op *op;			/* owned */
	size_t nop;
};

/* Reads the record at path; -1: it is none, or was too small for its run. */
int record_open(struct record *r, const char *path, struct err *e);
/* The same from octets that outlive *r, behind their struct sys_record. */
int record_read(struct record *r, const void *octets, size_t size, struct err *e);
void record_close(struct record *r);

#endif
