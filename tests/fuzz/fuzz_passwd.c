/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* A file of users that is right stays so when a user gets another hash, and when he goes. */
#include "lib/passwd.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
changed(struct span file, struct span user, const char *hash)
{
	struct buf out;
	struct err e;
	bool had;

	buf_init(&out, PASSWD_FILE_MAX);
	assert(passwd_replace(file, user, hash, &out, &had, &e) == 0);
	assert(passwd_check(buf_view(&out), &e) == 0);
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span file = span_of(p, n);
	struct err e;

	if (passwd_check(file, &e) == -1) {
		assert(e.kind == ERR_PERM);
		return 0;
	}
	changed(file, span_str("ann"), "$6$salt$hash");
	changed(file, span_str("ann"), NULL);
	return 0;
}
