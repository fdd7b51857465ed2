/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/fuzz/fuzz_address.c - what is taken as an address is printable or beyond ASCII, bounded,
 * and taken again.
 */
#include "lib/address.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
check_mailbox(struct span a)
{
	struct span local = address_local(a), domain = address_domain(a);
	struct err e = { 0 };
	struct buf key;

	assert(a.n <= ADDRESS_MAX);
	for (size_t i = 0; i < a.n; i++)
		assert(a.p[i] >= 0x20 && a.p[i] != 0x7f);
	assert(local.n + 1 + domain.n == a.n);
	assert(local.n >= 1 && local.n <= ADDRESS_MAX_LOCAL);
	assert(domain.n <= ADDRESS_MAX_DOMAIN && address_is_domain(domain) == address_ascii(domain));
	assert(span_find(domain, '@') == domain.n && span_find(domain, ' ') == domain.n);
	buf_init(&key, 2 * ADDRESS_MAX);
	assert(address_key(a, &key, &e) == 0 && key.n <= a.n);
	assert(address_is_fax(a) == address_is_fax(buf_view(&key)) || span_find(local, '"') < local.n);
	buf_free(&key);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span in = span_of(p, n), out;
	struct err e = { 0 };
	struct buf key;
	size_t used;

	for (int null_ok = 0; null_ok < 2; null_ok++) {
		if (address_path(in, null_ok, &out, &used, &e) == -1)
			continue;
		assert(used >= 2 && used <= n && p[0] == '<' && p[used - 1] == '>');
		assert(out.p > p && out.p + out.n == p + used - 1);
		if (out.n == 0 || address_domain(out).n == 0) {
			assert(out.n == 0 ? null_ok : span_isi(out, "postmaster"));
			continue;
		}
		assert(address_check_utf8(out, &e) == 0);
		assert((address_check(out, &e) == 0) == address_ascii(out));
		check_mailbox(out);
	}
	if (address_check(in, &e) == 0)
		check_mailbox(in);
	buf_init(&key, n + 1);		/* of anything: never more than was there */
	assert(address_key(in, &key, &e) == 0 && key.n <= n);
	buf_free(&key);
	(void)address_is_fax(in);
	return 0;
}
