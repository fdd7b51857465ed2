/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/unit/main.c - runs every suite of one folder; exit status 1 if a test failed.  Each test has a process
 * of its own, but for those of the suites that UNIT_TOGETHER names, with blanks between.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/suites.h"

static bool
is_together(const char *name)
{
	const char *list = getenv("UNIT_TOGETHER"), *at = list;
	size_t n = strlen(name);

	while (at != NULL && (at = strstr(at, name)) != NULL) {
		if ((at == list || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0'))
			return true;
		at += n;
	}
	return false;
}

/* Those that are together, or all others; how many tests failed. */
static int
run(bool together)
{
	SRunner *r = srunner_create(NULL);
	int failed;

	for (size_t i = 0; suites[i].make != NULL; i++)
		if (is_together(suites[i].name) == together)
			srunner_add_suite(r, suites[i].make());
	if (together)
		srunner_set_fork_status(r, CK_NOFORK);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed;
}

int
main(void)
{
	const char *list = getenv("UNIT_TOGETHER");
	int failed = run(false);

	if (list != NULL && *list != '\0')
		failed += run(true);
	return failed != 0;
}
