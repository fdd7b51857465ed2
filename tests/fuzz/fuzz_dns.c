/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* DNS answers in wire format.  Whatever is read of one is a host's name in lower case or an address, in
 * bounds, by growing preference, and what a session reads of the resolver's packet is just that. */
#include <assert.h>

#include "remote/resolver/question.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const enum dns_type types[] = { DNS_MX, DNS_A, DNS_AAAA };

static void
check_packet(const struct resolved *r)
{
	static struct resolved back;
	struct buf b;
	struct err e;

	buf_init(&b, MSG_MAX);
	assert(resolve_write(r, NULL, &b, &e) == 0);
	assert(resolve_read(buf_view(&b), &back, &e) == 0);
	assert(memcmp(&back, r, sizeof back) == 0);
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct answer a, none;
	static struct resolved r;
	struct err e = { 0 };

	if (n == 0)
		return 0;
	if (answer_read(span_of(p + 1, n - 1), "x.example", types[p[0] % 3], &a, &e) == -1) {
		assert(e.kind == ERR_TEMP && e.dsn[0] == '4');
		return 0;
	}
	assert(a.n <= ANSWER_RECORDS && a.ttl <= ANSWER_TTL_MAX);
	memset(&r, 0, sizeof r);
	if (types[p[0] % 3] != DNS_MX) {
		r.nhost = 1;
		r.host[0].name[0] = 'x';
		question_addrs(&a, &none, &r.host[0]);
		check_packet(&r);
	} else if (question_hosts(&a, "x.example", &r, &e) == -1) {
		assert(e.kind == ERR_PERM && (a.n > 0 || a.nodd > 0));
	} else if (r.nhost > 0) {
		assert(r.nhost <= RESOLVE_HOSTS);
		for (uint32_t i = 0; i < r.nhost; i++)
			assert(hostname_check(span_str(r.host[i].name), &e) == 0);
		check_packet(&r);
	}
	return 0;
}
