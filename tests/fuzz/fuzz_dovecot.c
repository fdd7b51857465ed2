/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/fuzz/fuzz_dovecot.c - what Dovecot, or who has its socket, says to auth, line by line.  A login is right only by a
 * line OK of that login, behind a greeting, that names a user who can be one and does not say nologin; each other end has a
 * reason; it may say so many lines and no more.
 */
#include <assert.h>
#include <stdlib.h>

#include "auth/dovecot.h"
#include "lib/sasl.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* Does the line, between TABs, have that field? */
static bool
has(struct span line, const char *field)
{
	for (;;) {
		size_t n = span_find(line, '\t');

		if (span_is(span_sub(line, 0, n), field))
			return true;
		if (n == line.n)
			return false;
		line = span_sub(line, n + 1, line.n);
	}
}

static void
check_right(struct span line, const char *name)
{
	char field[LOGIN_NAME + 8] = "user=";

	assert(sasl_user_ok(span_str(name)));
	assert(line.n > 5 && memcmp(line.p, "OK\t1\t", 5) == 0 && !has(line, "nologin"));
	strcat(field, name);
	assert(has(line, field));
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct dovecot d = { .lines = 0 };
	struct span in = span_of(p, n);
	char name[LOGIN_NAME] = "";
	uint32_t lines = 0;
	bool version = false, plain = false;

	while (in.n > 0) {
		size_t end = span_find(in, '\n');
		struct span line = span_sub(in, 0, end);
		bool greeted = d.greeted;
		struct err e = { 0 };
		int r = dovecot_line(&d, line, name, &e);

		assert(++lines <= DOVECOT_LINES || r == -1);
		version |= span_is(line, "VERSION\t1") || span_is(span_sub(line, 0, 10), "VERSION\t1\t");
		plain |= span_isi(span_sub(line, 0, 10), "MECH\tPLAIN");
		if (!greeted && d.greeted)
			assert(r == 1 && version && plain && (span_is(line, "DONE") || span_is(span_sub(line, 0, 5), "DONE\t")));
		else if (r == 1)
			check_right(line, name);
		assert((r == -1) == (e.what[0] != '\0') && (r != -1 || e.kind == ERR_PERM || e.kind == ERR_TEMP));
		if (r == -1)
			break;
		in = span_sub(in, end + 1, in.n);
	}
	return 0;
}
