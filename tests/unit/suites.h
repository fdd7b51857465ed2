/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* tests/unit/suites.h - what the generated list of suites and the runner share. */
#ifndef TESTS_UNIT_SUITES_H
#define TESTS_UNIT_SUITES_H

#include <check.h>

struct suite_entry { const char *name; Suite *(*make)(void); };
extern const struct suite_entry suites[];	/* ends with NULLs */

#endif
