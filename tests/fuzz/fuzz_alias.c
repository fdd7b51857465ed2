/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/fuzz/fuzz_alias.c - a file of aliases that says anything: each name that is taken is a local part, each word
 * that is taken as an address is one, and is the same when it is read again; an entry lies within its file; whoever
 * Delivered-To names was there.
 */
#include <assert.h>

#include "lib/address.h"
#include "lib/alias.h"
#include "lib/aliasfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
was_there(struct span addr)
{
	struct buf header;
	struct err e;

	buf_init(&header, 4096);
	assert(buf_addf(&header, &e, "Subject: x\r\nDelivered-To: %.*s\r\n\r\n", (int)addr.n, (const char *)addr.p) == 0);
	assert(alias_was_there(buf_view(&header), addr));
	buf_free(&header);
}

static void
word_taken(struct span word)
{
	struct buf addr, again;
	bool plain, twice;
	struct err e;

	buf_init(&addr, 4096);
	buf_init(&again, 4096);
	if (alias_address(word, span_str("x.example"), &plain, &addr, &e) == 0) {
		assert(address_check(buf_view(&addr), &e) == 0 && address_domain(buf_view(&addr)).n > 0);
		assert(alias_address(buf_view(&addr), span_str(""), &twice, &again, &e) == 0 && !twice);
		assert(span_eq(buf_view(&addr), buf_view(&again)));
		assert(alias_check(buf_view(&addr), true, &e) == 0);
		was_there(buf_view(&addr));
	} else {
		assert(e.kind == ERR_PERM && addr.n == 0);
	}
	buf_free(&addr);
	buf_free(&again);
}

static void
list_taken(struct span list)
{
	struct span word;
	struct err e;

	while (alias_next(&list, &word, &e) == 1) {
		assert(word.n > 0);
		word_taken(word);
	}
}

static void
name_taken(struct span name)
{
	struct buf addr;
	struct err e;

	buf_init(&addr, 4096);
	assert(buf_add(&addr, name, &e) == 0 && buf_add_str(&addr, "@x", &e) == 0);
	assert(address_check(buf_view(&addr), &e) == 0);
	assert(span_eq(address_local(buf_view(&addr)), name));
	buf_free(&addr);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct aliasfile f = { .rest = span_of(p, n) };
	struct span line;
	struct buf name, list;
	struct err e = { 0 };
	int r;

	buf_init(&name, ALIASFILE_NAME);
	buf_init(&list, ALIASFILE_LIST);
	while ((r = aliasfile_next(&f, &name, &list, &e)) == 1) {
		assert(f.at > 0 && f.at <= f.line && list.n <= n);
		name_taken(buf_view(&name));
		list_taken(buf_view(&list));
	}
	assert(r == 0 || e.kind == ERR_PERM);
	f = (struct aliasfile){ .rest = span_of(p, n) };
	while (aliasfile_line(&f, &line))
		list_taken(line);
	buf_free(&name);
	buf_free(&list);
	return 0;
}
