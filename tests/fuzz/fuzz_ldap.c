/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/fuzz/fuzz_ldap.c - a line that names a directory, an address to be asked about, and what an entry says, each
 * behind a NUL.  A line that is accepted has servers whose host and base have an end, and a filter in which an
 * address changes nothing but its value: unescaped, that is the address.  What an entry is understood to say is an
 * expression in the form that it is printed in, or none.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ldap/entry.h"
#include "lib/cur.h"
#include "lib/features.h"
#include "lib/ldapline.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static struct span
next(struct span *rest)
{
	struct span s = span_sub(*rest, 0, span_find(*rest, '\0'));

	*rest = span_sub(*rest, s.n + 1, rest->n);
	return s;
}

static int
digit(int c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The value of "(a=VALUE)", as a server reads it. */
static void
check_filter(struct span f, struct span addr)
{
	struct cur c;
	struct buf value;
	struct err e;

	assert(f.n >= 4 && memcmp(f.p, "(a=", 3) == 0 && f.p[f.n - 1] == ')');
	c = cur_of(span_sub(f, 3, f.n - 1));
	buf_init(&value, LDAPLINE_FILTER);
	while (cur_left(&c) > 0) {
		int o = cur_byte(&c);

		assert(o != '(' && o != ')' && o != '*' && o != 0);
		if (o == '\\') {
			int hi = digit(cur_byte(&c)), lo = digit(cur_byte(&c));

			assert(hi >= 0 && lo >= 0);
			o = hi * 16 + lo;
		}
		if (buf_add_byte(&value, o, &e) == -1)
			abort();
	}
	assert(span_eq(buf_view(&value), addr));
	buf_free(&value);
}

static void
check_line(struct span line, struct span addr)
{
	struct ldap_line l = { .filter = span_str("(a=%s)") }, parsed;
	struct err e = { 0 };
	struct buf out;

	if (ldapline_parse(line, &parsed, &e) == 0) {
		assert(parsed.nserver >= 1 && parsed.nserver <= LDAPLINE_SERVERS);
		for (uint32_t i = 0; i < parsed.nserver; i++) {
			assert(memchr(parsed.server[i].host, '\0', LDAPLINE_HOST) != NULL && parsed.server[i].port != 0);
			assert(memchr(parsed.server[i].base, '\0', LDAPLINE_DN) != NULL && parsed.server[i].host[0] != '\0');
		}
		assert(parsed.timeout_s >= 1 && parsed.timeout_s <= 60 && parsed.cache_s >= 1 && parsed.negative_s >= 1);
		assert((parsed.binddn[0] != '\0') == (parsed.password.n > 0));
		buf_init(&out, LDAPLINE_FILTER);
		(void)ldapline_filter(&parsed, addr, &out, &e);
		buf_free(&out);
	} else {
		assert(e.kind == ERR_PERM && strstr(e.what, "expected") != NULL);
	}
	buf_init(&out, LDAPLINE_FILTER);
	if (ldapline_filter(&l, addr, &out, &e) == 0)
		check_filter(buf_view(&out), addr);
	buf_free(&out);
}

static void
check_entry(struct span rest, struct span addr)
{
	struct entry in = { .features = { .n = 0 } };
	struct entry_values *const to[] = { &in.features, &in.time, &in.fax, &in.features, &in.fax };
	enum cap_state state;
	struct buf text, again;
	struct feat *f;
	uint64_t since_s;
	struct err e;

	for (size_t i = 0; i < sizeof to / sizeof *to && rest.n > 0; i++) {
		struct span v = next(&rest);

		if (v.n > 0)
			to[i]->value[to[i]->n++] = v;
	}
	buf_init(&text, MSG_MAX);
	buf_init(&again, MSG_MAX);
	state = entry_read(&in, addr, &text, &since_s, &e);
	assert(state <= CAP_TEMP && since_s < (uint64_t)1 << 40);
	if (state == CAP_KNOWN) {
		assert(feat_parse(buf_view(&text), FEAT_STRICT, &f, &e) == 0 && !feat_empty(f));
		assert(feat_print(f, &again, &e) == 0 && span_eq(buf_view(&again), buf_view(&text)));
		feat_free(f);
	}
	buf_free(&text);
	buf_free(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span rest = span_of(p, n), line, addr;

	if (n > 20000)
		return 0;
	line = next(&rest);
	addr = next(&rest);
	check_line(line, addr);
	check_entry(rest, addr);
	return 0;
}
