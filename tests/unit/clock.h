/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* tests/unit/clock.h - a clock that a test moves, here and in what it forks. */
#ifndef TESTS_UNIT_CLOCK_H
#define TESTS_UNIT_CLOCK_H

#include <check.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/clock.h"

/* How far both clocks run ahead, in milliseconds: add to it. */
static inline int64_t *
test_clock(void)
{
	int fd = memfd_create("clock", MFD_CLOEXEC);
	void *p;

	ck_assert_int_eq(ftruncate(fd, sizeof(int64_t)), 0);
	p = mmap(NULL, sizeof(int64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(p, MAP_FAILED);
	ck_assert_int_eq(clock_shift(fd), 0);
	close(fd);
	return p;
}

#endif
