/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* tests/unit/folder.h - what a test leaves of its folder: nothing. */
#ifndef TESTS_UNIT_FOLDER_H
#define TESTS_UNIT_FOLDER_H

#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

static inline int
folder_remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st, (void)kind, (void)ftw;
	return remove(path);
}

/* Removes path and all below it; follows no link. */
static inline void
folder_remove(const char *path)
{
	ck_assert_int_eq(nftw(path, folder_remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

#endif
