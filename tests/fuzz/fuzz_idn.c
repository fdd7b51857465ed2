/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/fuzz/fuzz_idn.c - an address that is looked up has its local part as it came and a domain of ASCII, which
 * is the same when it is looked up again; an address as reports show it in ASCII reads as it was, and
 * holds no control character.
 */
#include "lib/idn.h"

#include <assert.h>

#include "lib/address.h"
#include "lib/xtext.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
check_looked_up(struct span in)
{
	struct err e = { 0 };
	struct buf out, again;

	buf_init(&out, 4 * ADDRESS_MAX);
	buf_init(&again, 4 * ADDRESS_MAX);
	if (idn_address(in, "5.1.3", &out, &e) == 0) {
		assert(span_eq(address_local(in), address_local(buf_view(&out))));
		assert(address_is_domain(address_domain(buf_view(&out))));
		assert(address_check_utf8(buf_view(&out), &e) == 0);
		assert(idn_address(buf_view(&out), "5.1.3", &again, &e) == 0);
		assert(span_eq(buf_view(&out), buf_view(&again)));
	} else {
		assert(e.kind == ERR_PERM && out.n == 0 && !address_ascii(address_domain(in)));
	}
	buf_free(&out);
	buf_free(&again);
}

static void
check_shown(struct span in)
{
	struct err e = { 0 };
	struct buf ascii, back;
	uint32_t cp;

	buf_init(&ascii, 10 * in.n + 8);
	buf_init(&back, 10 * in.n + 8);
	assert(xtext_unitext(&ascii, in, 10 * in.n, &e) == 0);
	assert(address_ascii(buf_view(&ascii)));
	assert(xtext_utf8_address(&back, buf_view(&ascii), 10 * in.n, &e) == 0);
	if (xtext_utf8(in) && span_find(in, '\\') == in.n)
		assert(span_eq(buf_view(&back), in));
	assert(!xtext_orcpt_ok(in, false) || xtext_orcpt_ok(in, true));
	for (size_t i = 0, used; i < back.n; i += used) {
		used = xtext_utf8_char(span_sub(buf_view(&back), i, back.n), &cp);
		assert(used > 0 && cp >= 0x20 && (cp < 0x7f || cp >= 0xa0));
	}
	buf_free(&ascii);
	buf_free(&back);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span in = span_of(p, n);
	struct err e;

	if (address_check_utf8(in, &e) == 0)
		check_looked_up(in);
	if (n < 4096)
		check_shown(in);
	return 0;
}
