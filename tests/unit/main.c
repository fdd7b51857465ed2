/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* tests/unit/main.c - runs every suite of one folder; exit status 1 if a test failed. */
#include "tests/unit/suites.h"

int
main(void)
{
	SRunner *r = srunner_create(NULL);
	int failed;

	for (size_t i = 0; suites[i] != NULL; i++)
		srunner_add_suite(r, suites[i]());
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
